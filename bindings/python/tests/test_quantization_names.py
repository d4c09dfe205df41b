# SPDX-License-Identifier: MIT
"""The modules of sardonyx.quantization against onnxruntime.quantization's, where that is installed: names, arguments, and results where
the computation is the same."""
import importlib
import inspect
import types
import warnings

import numpy as np
import pytest
import sardonyx as sx
from sardonyx import _model, quantization as q
from sardonyx.quantization import matmul_nbits_quantizer as nbits
from sardonyx.quantization import qdq_loss_debug as debug
from sardonyx.quantization import quant_utils as utils

from test_quantization import model, samples, small  # noqa: F401  `model` is a fixture

MODULES = ["", "calibrate", "quantize", "quant_utils", "registry", "shape_inference", "preprocess", "qdq_loss_debug", "matmul_nbits_quantizer"]
#: names that are not ours, and why
LEFT = {
    "how it rewrites a graph of its own": {"QDQQuantizer", "CudaQuantizer", "CreateDefaultOpQuantizer", "CreateOpQuantizer", "CreateQDQQuantizer",
                                           "QuantizedInitializer", "QuantizedValue", "BiasToQuantize", "get_mul_node", "update_opset_version",
                                           "quantize_onnx_initializer", "HQQWeightOnlyQuantizer", "DefaultWeightOnlyQuantizer",
                                           "get_initializer", "is_divisible", "transpose_packed_int4_matrix"},
    "how it counts: the library does": {"CalibrationDataCollector", "HistogramCollector", "entropy", "rel_entr"},
    "other programs' formats": {"write_calibration_table"},
    "other packages' work, a notebook's, or a command line": {"NVAWQWeightOnlyQuantConfig", "NVAWQWeightOnlyQuantizer", "apply_plot", "parse_args",
                                                              "parse_key_value_pair", "ort_convert_str_to_bool"},
    "eight-bit floats, blocks of DequantizeLinear, zero points that are snapped": {"FLOAT8_DISTRIBUTIONS", "compute_scale_zp_float8",
                                                                                    "compute_scale_zp_blocked", "snap_zero_point_to_uint8"},
    "what it needs itself": {"to_array_extended", "type_to_name", "logger"},
}
ALL_LEFT = set().union(*LEFT.values())


def theirs(name):
    pytest.importorskip("onnxruntime.quantization")
    if importlib.import_module("onnxruntime") is sx:
        pytest.skip("onnxruntime is Sardonyx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("onnxruntime.quantization" + (name and "." + name))
        except ImportError as error:
            pytest.skip(str(error))


def ours(name):
    return importlib.import_module("sardonyx.quantization" + (name and "." + name))


def public(module):
    package = "onnxruntime.quantization"
    for name, what in vars(module).items():
        if name.startswith("_") or isinstance(what, types.ModuleType):
            continue
        home = getattr(what, "__module__", None)
        if home == module.__name__ or (isinstance(home, str) and home.startswith(package) and module.__name__ == package) or \
                (not callable(what) and name.isupper()):
            yield name, what


@pytest.mark.parametrize("name", MODULES)
def test_names(name):
    there, here = dict(public(theirs(name))), ours(name)
    missing = {what for what in there if not hasattr(here, what)}
    assert missing <= ALL_LEFT, f"{name}: {sorted(missing - ALL_LEFT)}"
    assert not {what for what in ALL_LEFT if what in there and hasattr(here, what)}


def parameters(function):
    return [(p.name, p.default) for p in inspect.signature(function).parameters.values()
            if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in ("t", "arguments")]


@pytest.mark.parametrize("name", MODULES)
def test_arguments(name):
    """Theirs are the first of ours, with the same defaults."""
    for what, there in public(theirs(name)):
        here = getattr(ours(name), what, None)
        if here is None or not callable(there) or (inspect.isclass(there) and issubclass(there, __import__("enum").Enum)):
            continue
        if inspect.isclass(there):
            if there.__init__ is object.__init__ or issubclass(there, __import__("json").JSONEncoder):
                continue
            there, here = there.__init__, here.__init__
        for (a, x), (b, y) in zip(parameters(there), parameters(here)):
            same = str(x) == str(y) or (callable(x) and x.__name__ == y.__name__) or (not x and not y)
            assert a == b and same, f"{what}: {a}={x}, {b}={y}"
        assert len(parameters(here)) >= len(parameters(there)), what


def test_enums():
    there = theirs("")
    for kind in ("QuantType", "QuantFormat", "QuantizationMode", "CalibrationMethod"):
        assert {m.name: m.value for m in getattr(there, kind)} == {m.name: m.value for m in getattr(q, kind)}
    for kind in there.QuantType:
        assert q.QuantType.from_string(str(kind)).tensor_type == kind.tensor_type


def test_numbers():
    there = theirs("quant_utils")
    draw = np.random.default_rng(2)
    for kind in (k.tensor_type for k in q.QuantType if k is not q.QuantType.QFLOAT8E4M3FN):
        for symmetric in (False, True):
            for reduce in (False, True):
                ends = there.get_qmin_qmax_for_qType(kind, reduce, symmetric)
                assert utils.get_qmin_qmax_for_qType(kind, reduce, symmetric) == ends
                for lo, hi in ((-1, 2), (0.5, 3), (-4, -1), (0, 0), (-1e-45, 0)):
                    lo, hi = np.array(lo, np.float32), np.array(hi, np.float32)
                    for least in (None, 0.1):
                        assert utils.compute_scale_zp(lo, hi, *ends, symmetric, least) == there.compute_scale_zp(lo, hi, *ends, symmetric, least)
        data = draw.standard_normal((3, 5)).astype(np.float32)
        a, b = (m.quantize_data(data, kind, False) for m in (utils, there))
        assert a[0] == b[0] and a[1] == b[1] and np.array_equal(a[2].astype(int), b[2].astype(int))
    for size in range(6):
        assert utils.pack_bytes_to_4bit(bytes(range(size))) == there.pack_bytes_to_4bit(bytes(range(size)))
    p = np.array([0, 1, 5, 0, 2])
    assert np.allclose(utils.smooth_distribution(p), there.smooth_distribution(p))
    assert utils.normalize_axis(-1, 3) == there.normalize_axis(-1, 3) and utils.normalize_axis(3, 3)[0] == there.normalize_axis(3, 3)[0]


def test_weights_in_blocks(tmp_path):
    """Nearest codes are onnxruntime's own."""
    there, onnx = theirs("matmul_nbits_quantizer"), pytest.importorskip("onnx")
    weight = np.random.default_rng(4).standard_normal((128, 24)).astype(np.float32)
    path = small(tmp_path, [onnx.helper.make_node("MatMul", ["x", "w"], ["y"], "product")], [("x", 1, [1, 128])], [("y", 1, [1, 24])], {"w": weight})
    for bits in (4, 8):
        for symmetric in (False, True):
            made = []
            for module in (there, nbits):
                quantizer = module.MatMulNBitsQuantizer(str(path), bits, 32, symmetric)
                quantizer.process()
                made.append([onnx.numpy_helper.to_array(t) for t in quantizer.model.model.graph.initializer])
            assert len(made[0]) == len(made[1])
            for a, b in zip(*(sorted(some, key=lambda array: (array.ndim, array.size, str(array.dtype))) for some in made)):
                assert np.array_equal(a.ravel(), b.ravel()) or np.allclose(a.ravel(), b.ravel(), rtol=1e-6)


def test_quantizer(tmp_path):
    onnx = pytest.importorskip("onnx")
    draw = np.random.default_rng(5)
    path = small(tmp_path, [onnx.helper.make_node("MatMul", ["x", "w"], ["h"], "first"), onnx.helper.make_node("MatMul", ["h", "v"], ["y"], "second")],
                 [("x", 1, ["n", 64])], [("y", 1, ["n", 32])], {name: draw.standard_normal((64, n)).astype(np.float32) for name, n in (("w", 64), ("v", 32))})
    feeds = [{"x": draw.standard_normal((8, 64)).astype(np.float32)} for _ in range(3)]
    out = tmp_path / "out.onnx"
    for config in (None, nbits.RTNWeightOnlyQuantConfig(), nbits.KQuantWeightOnlyQuantConfig(), nbits.HQQWeightOnlyQuantConfig(32),
                   nbits.GPTQWeightOnlyQuantConfig(feeds, actorder=True), nbits.DefaultWeightOnlyQuantConfig(16, True, 4, bits=8)):
        quantizer = nbits.MatMulNBitsQuantizer(onnx.load(path), block_size=32, nodes_to_exclude=["second", "nobody"], algo_config=config)
        quantizer.process()
        assert [node["quantized"] for node in quantizer.report.nodes] == [True, False]
        for beside in (False, True):
            quantizer.model.save_model_to_file(out, beside)
            a, b = (sx.InferenceSession(p).run(None, feeds[0])[0] for p in (path, out))
            assert np.sqrt(np.mean((a - b) ** 2) / np.mean(a * a)) < 0.2
        assert (tmp_path / "out.onnx.data").exists()
        assert "MatMulNBits" in [node.op_type for node in quantizer.model.model.graph.node]
    for wrong in ({"quant_format": q.QuantFormat.QDQ}, {"channel_wised_quantize": True}, {"quant_axes": (("MatMul", 1),)}):
        with pytest.raises(NotImplementedError):
            nbits.MatMulNBitsQuantizer(path, **wrong)


def test_loss(model, tmp_path):  # noqa: F811
    pytest.importorskip("onnx")
    paths = [tmp_path / name for name in ("int8.onnx", "shown.onnx", "int8_shown.onnx")]
    q.quantize_static(model, paths[0], samples(), per_channel=True, compare=False)
    seen = []
    for source, shown in ((model, paths[1]), (paths[0], paths[2])):
        debug.modify_model_output_intermediate_tensors(source, shown)
        seen.append(debug.collect_activations(str(shown), samples()))
    assert {"x", "relu", "flat"} <= set(seen[0]) and len(seen[0]["x"]) == 4 and seen[0]["relu"][0].ndim == 1
    both = debug.create_activation_matching(seen[1], seen[0])
    errors = debug.compute_activation_error(both)
    assert {"x", "relu"} <= set(errors) and all(error > 20 for each in errors.values() for error in each.values())
    weights = debug.compute_weight_error(debug.create_weight_matching(model, paths[0]))
    assert "m" in weights and all(error > 30 for error in weights.values())
    ones = np.ones(3)
    assert debug.compute_signal_to_quantization_noice_ratio(ones, ones * 0.9) == pytest.approx(20)
    with pytest.raises(RuntimeError):
        debug.collect_activations(str(paths[1]), [])
    there = theirs("qdq_loss_debug")
    again = there.compute_activation_error(there.create_activation_matching(seen[1], seen[0]))
    assert set(again) == set(errors) and all(again[name] == pytest.approx(errors[name]) for name in again)
    assert there.compute_weight_error(there.create_weight_matching(str(model), str(paths[0]))) == pytest.approx(weights, rel=1e-4)


@pytest.mark.parametrize("method", list(q.CalibrationMethod))
def test_calibraters(model, tmp_path, method):  # noqa: F811
    made = q.create_calibrator(model, calibrate_method=method)
    with pytest.raises(ValueError):
        made.collect_data([])
    for half in (samples(4)[:2], samples(4)[2:]):
        made.collect_data(iter(half))
    ranges = made.compute_data()
    assert ranges.calibration_method is method and ranges.json() == q.calibrate(model, samples(4), method).json()
    cache, out = tmp_path / "ranges.json", tmp_path / "out.onnx"
    q.save_tensors_data(ranges, cache)
    assert q.load_tensors_data(cache).json() == ranges.json()
    q.quantize_static(model, out, calibration_cache_path=cache, compare=False)
    first = out.read_bytes()
    q.quantize_static(model, out, samples(4), calibrate_method=method, compare=False)
    assert out.read_bytes() == first
    if method is q.CalibrationMethod.Distribution:
        numbers = np.concatenate([sample["x"].ravel() for sample in samples(4)])
        assert ranges["x"].avg_std == pytest.approx((numbers.mean(), numbers.std()), abs=2e-3)
    if method is q.CalibrationMethod.MinMax:
        even = q.create_calibrator(model, extra_options={"symmetric": True})
        even.collect_data(samples(4))
        assert even.compute_data()["x"].range_value == (-ranges["x"].highest, ranges["x"].highest)
        there = theirs("calibrate")
        theirs_made = there.load_tensors_data(cache)
        assert {name: tuple(map(float, data.range_value)) for name, data in theirs_made.items()} == \
            {name: tuple(map(float, data.range_value)) for name, data in ranges.items()}
        there.save_tensors_data(theirs_made, cache)
        assert q.load_tensors_data(cache).json() == ranges.json()


def test_configurations(model, tmp_path):  # noqa: F811
    onnx = pytest.importorskip("onnx")
    config = q.get_qdq_config(model, samples(), calibrate_args={"percentile": 99, "symmetric": True}, min_real_range=0.01,
                              nodes_to_exclude=lambda model, node: node.op_type == "Gemm", per_channel=True)
    assert config.nodes_to_exclude == ["gemm"] and config.activation_type is q.QuantType.QUInt8
    report = q.quantize(model, tmp_path / "out.onnx", config)
    assert {node["name"]: node["quantized"] for node in report.nodes}["gemm"] is False and report.outputs["y"] < 0.1
    assert q.get_qdq_config(onnx.load(model), samples()).nodes_to_exclude == []
    with pytest.raises(TypeError):
        q.quantize(model, tmp_path / "out.onnx", {})
    with pytest.raises(ValueError):
        utils_quantize = importlib.import_module("sardonyx.quantization.quantize")
        utils_quantize.check_static_quant_arguments(q.QuantFormat.QOperator, q.QuantType.QInt16, q.QuantType.QInt8)


def test_preprocess(model, tmp_path):  # noqa: F811
    from sardonyx.quantization import preprocess
    out = tmp_path / "prepared.onnx"
    q.quant_pre_process(model, out)
    feed = samples(1)[0]
    assert np.allclose(sx.InferenceSession(model).run(None, feed)[0], sx.InferenceSession(out).run(None, feed)[0], atol=1e-5)
    assert "BatchNormalization" not in [node.op_type for node in _model.Model(str(out)).nodes]
    preprocess.main(["--input", str(model), "--output", str(out), "--skip_optimization", "true", "--auto_merge"])
    assert out.read_bytes() == model.read_bytes()
    with pytest.raises(ValueError):
        q.quant_pre_process(model)
    assert not utils.model_has_external_data(model)
