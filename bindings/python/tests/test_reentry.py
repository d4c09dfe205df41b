# SPDX-License-Identifier: MIT
"""The caller's code runs within a call (__array__), or beside it on another thread: memory stays whole, and what cannot be is refused."""
import threading

import numpy as np
import pytest
import sardonyx as sx
from sardonyx import _native, datasets

MUL = datasets.get_example("mul_1.onnx")


class Changing:
    """An input that changes the feed that it is in when it becomes an array."""

    def __init__(self, change):
        self.change, self.array = change, np.ones((3, 2), np.float32)

    def __array__(self, dtype=None, copy=None):
        self.change()
        return self.array


@pytest.mark.parametrize("change", ["grow", "clear"])
def test_feed_that_changes(change):
    session, feed = sx.InferenceSession(MUL), {}
    feed["X"] = Changing(lambda: feed.clear() if change == "clear" else feed.update({f"k{i}": session for i in range(5000)}))
    [y] = session.run(None, feed)
    assert y.shape == (3, 2)


@pytest.mark.parametrize("change", ["grow", "clear"])
def test_sample_that_changes(change):
    calibration, sample = _native.calibration(MUL, sx.SessionOptions()._native), {}
    sample["X"] = Changing(lambda: sample.clear() if change == "clear" else sample.update({f"k{i}": sample for i in range(5000)}))
    _native.calibrate(calibration, sample)
    with pytest.raises(_native.InvalidArgument, match="k0"):
        _native.calibrate(calibration, {f"k{i}": np.ones(1, np.float32) for i in range(1000)})


def test_lists_that_change():
    session, values = sx.InferenceSession(MUL), []
    values.append(Changing(values.clear))
    [y] = session._run_into(None, ["X"], values, ["Y"], [None])
    assert y.shape() == [3, 2]


def test_calibration_on_two_threads():
    """Calls either wait their turn, by the caller's own lock, or are refused; no sample is lost."""
    calibration, busy = _native.calibration(MUL, sx.SessionOptions()._native), []

    def add(count):
        for i in range(count):
            try:
                _native.calibrate(calibration, {"X": np.full((3, 2), i, np.float32)})
            except _native.Fail as error:
                busy.append(str(error))
    threads = [threading.Thread(target=add, args=(300,)) for _ in range(4)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert all("one call at a time" in text for text in busy)
    assert '"Y"' in _native.ranges(calibration, "minmax", 99.9)


def test_absent_optional():
    """An optional input that is None, in both ways to run."""
    onnx = pytest.importorskip("onnx")
    h = onnx.helper
    o = h.make_value_info("o", h.make_optional_type_proto(h.make_tensor_type_proto(1, ["n"])))
    x, b, y = (h.make_tensor_value_info(*i) for i in (("x", 1, ["n"]), ("b", 9, []), ("y", 1, ["n"])))
    graph = h.make_graph([h.make_node("OptionalHasElement", ["o"], ["b"]), h.make_node("Relu", ["x"], ["y"])], "g", [o, x], [b, y])
    session = sx.InferenceSession(h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10).SerializeToString())
    assert not session.run(None, {"o": None, "x": np.ones(2, np.float32)})[0]
    out = []
    session.run_with_ortvaluevector(None, ["o", "x"], [None, sx.OrtValue.ortvalue_from_numpy(np.ones(2, np.float32))], ["b", "y"], out, [])
    assert not out[0].numpy() and out[1].shape() == [2]
