# SPDX-License-Identifier: MIT
"""Whatever is given, an exception or a result comes back: arguments, arrays and models made up by hypothesis."""
import numpy as np
import pytest
import sardonyx as sx
from conftest import model_of

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as hnp  # noqa: E402

QUICK = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
KINDS = hnp.scalar_dtypes() | hnp.unicode_string_dtypes() | hnp.byte_string_dtypes() | hnp.datetime64_dtypes()
ARRAYS = hnp.arrays(KINDS, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8)
THINGS = st.recursive(PLAIN | ARRAYS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
                      max_leaves=6)


@pytest.fixture(scope="module")
def sessions():
    models = [model_of("Add", [("a", np.float32, ["n", 3]), ("b", np.float32, ["n", 3])], [("y", np.float32, ["n", 3])]),
              model_of("Identity", [("a", 8, None)], [("y", 8, None)]), model_of("Identity", [("a", np.int64, None)], [("y", np.int64, None)])]
    return [sx.InferenceSession(model) for model in models]


def attempt(call, *args, **kwargs):
    """The result, or None with an exception that has a word to say; never the end of the process."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        assert isinstance(str(error), str)
        return None


@QUICK
@given(feed=st.dictionaries(st.sampled_from(["a", "b", "c", ""]) | st.text(max_size=3), THINGS, max_size=3), names=st.none() | THINGS | st.just(["y"]))
def test_feeds(sessions, feed, names):
    for session in sessions:
        attempt(session.run, names, feed)


@QUICK
@given(a=ARRAYS, b=ARRAYS)
def test_arrays(sessions, a, b):
    for session in sessions:
        found = attempt(session.run, None, {"a": a, "b": b} if len(session.get_inputs()) == 2 else {"a": a})
        if found is not None and len(session.get_inputs()) == 1:
            assert found[0].shape == a.shape


@QUICK
@given(thing=THINGS, number=st.integers(-3, 40), shape=st.lists(st.integers(-2, 9), max_size=5))
def test_values(thing, number, shape):
    value = attempt(sx.OrtValue.ortvalue_from_numpy, thing)
    if value is not None:
        attempt(value.numpy)
        attempt(value.update_inplace, thing)
    for call, args in ((sx.OrtValue.ortvalue_from_shape_and_type, (shape, number)), (sx.OrtValue.ortvalue_from_shape_and_type, (thing, number)),
                       (sx.OrtValue.ortvalue_from_numpy_with_onnx_type, (thing, number)), (sx.OrtValue.from_dlpack, (thing,)),
                       (sx.SparseTensor.sparse_coo_from_numpy, (shape, thing, thing)), (sx.SparseTensor.sparse_csr_from_numpy, (shape, thing, thing, thing))):
        attempt(call, *args)


@QUICK
@given(thing=THINGS, key=st.text(max_size=6))
def test_options(thing, key):
    options, run = sx.SessionOptions(), sx.RunOptions()
    for target in (options, run):
        for name in dir(target):
            if not name.startswith("_") and not callable(getattr(target, name)) and "path" not in name and "profil" not in name:
                attempt(setattr, target, name, thing)
    attempt(options.add_session_config_entry, key, thing)
    attempt(options.add_free_dimension_override_by_name, key, thing)
    attempt(options.add_initializer, key, thing)
    attempt(run.add_run_config_entry, thing, key)
    attempt(sx.InferenceSession, thing if not isinstance(thing, str) else b"", options, thing, thing)


@QUICK
@given(at=st.integers(0, 260), change=st.binary(min_size=1, max_size=6), cut=st.integers(0, 260))
def test_adapters(tmp_path, at, change, cut):
    """Damaged files of adapters: the reader in Python and the library's own."""
    made, path = sx.AdapterFormat(), tmp_path / "adapter"
    made.set_parameters({"a": sx.OrtValue.ortvalue_from_numpy(np.ones((2, 3), np.float32)), "b": sx.OrtValue.ortvalue_from_numpy(np.arange(5, dtype=np.int8))})
    made.export_adapter(path)
    good = path.read_bytes()
    damaged = bytearray(good)
    damaged[at:at + len(change)] = change
    for data in (bytes(damaged), good[:cut], change):
        path.write_bytes(data)
        for call in (lambda: sx.AdapterFormat.read_adapter(path).get_parameters(), lambda: sx.LoraAdapter().Load(path)):
            try:
                call()
            except RuntimeError as error:
                assert str(error)


@QUICK
@given(at=st.integers(0, 200), change=st.binary(min_size=1, max_size=6), cut=st.integers(0, 200))
def test_models(add, at, change, cut):
    data = bytearray(add)
    data[at:at + len(change)] = change
    for model in (bytes(data), add[:cut], add + change, change):
        session = attempt(sx.InferenceSession, model)
        attempt(sx.check, model)
        if session is not None:
            attempt(session.run, None, {"a": np.ones((1, 3), np.float32), "b": np.ones((1, 3), np.float32)})
            attempt(session.tensors)
            attempt(session.explain().html)
