# SPDX-License-Identifier: MIT
"""Quantised models load, are smaller, and answer nearly the same; the arguments are onnxruntime.quantization's."""
import inspect

import numpy as np
import pytest
import sardonyx as sx
from sardonyx import quantization as q


@pytest.fixture
def model(tmp_path):
    """Convolution, batch normalisation, Relu, pooling, and a product: a path."""
    onnx = pytest.importorskip("onnx")
    draw = np.random.default_rng(3)
    weights = {"w": (8, 3, 3, 3), "b": (8,), "scale": (8,), "shift": (8,), "mean": (8,), "m": (8, 5), "c": (5,)}
    made = {name: draw.standard_normal(shape).astype(np.float32) * 0.5 for name, shape in weights.items()}
    made["var"] = draw.random(8).astype(np.float32) + 0.5
    node = onnx.helper.make_node
    nodes = [node("Conv", ["x", "w", "b"], ["conv"], "conv", pads=[1, 1, 1, 1]),
             node("BatchNormalization", ["conv", "scale", "shift", "mean", "var"], ["norm"], "norm"), node("Relu", ["norm"], ["relu"], "relu"),
             node("GlobalAveragePool", ["relu"], ["pool"], "pool"), node("Flatten", ["pool"], ["flat"], "flat"),
             node("Gemm", ["flat", "m", "c"], ["y"], "gemm")]
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(nodes, "net", [info("x", 1, ["n", 3, 8, 8])], [info("y", 1, ["n", 5])],
                                   [onnx.numpy_helper.from_array(a, name) for name, a in made.items()])
    path = tmp_path / "net.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 12)], ir_version=8), path)
    return path


def samples(count=4):
    draw = np.random.default_rng(5)
    return [{"x": draw.random((2, 3, 8, 8), np.float32)} for _ in range(count)]


def error(one, other):
    x = samples(1)[0]
    a, b = sx.InferenceSession(one).run(None, x)[0], sx.InferenceSession(other).run(None, x)[0]
    return float(np.sqrt(np.mean((a - b) ** 2) / np.mean(a * a)))


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("weight_type", [q.QuantType.QInt8, q.QuantType.QUInt8])
def test_dynamic(model, tmp_path, per_channel, weight_type):
    out = tmp_path / "out.onnx"
    report = q.quantize_dynamic(model, out, per_channel=per_channel, weight_type=weight_type)
    assert {node["name"] for node in report.nodes if node["quantized"]} == {"conv", "gemm"}
    assert report.bytes_after < report.bytes_before and error(model, out) < 0.05
    assert report.outputs["y"] < 0.05 and report.speedup > 0 and "conv" in str(report)
    times = {node["name"]: (node["us_before"], node["us_after"]) for node in report.nodes}
    assert min(times["conv"]) > 0 and min(times["gemm"]) > 0 and "times as fast" in str(report)
    assert q.quantize_dynamic(model, out, compare=False).nodes[0]["us_after"] is None


@pytest.mark.parametrize("method", [q.CalibrationMethod.MinMax, q.CalibrationMethod.Percentile, q.CalibrationMethod.Entropy])
@pytest.mark.parametrize("activation", [q.QuantType.QInt8, q.QuantType.QUInt8, q.QuantType.QInt16, q.QuantType.QUInt16])
def test_static(model, tmp_path, method, activation):
    class Reader(q.CalibrationDataReader):
        left = samples()

        def get_next(self):
            return self.left.pop() if self.left else None

    out = tmp_path / "out.onnx"
    report = q.quantize_static(model, out, Reader(), per_channel=True, activation_type=activation, calibrate_method=method)
    assert all(node["quantized"] for node in report.nodes), str(report)
    assert error(model, out) < 0.05 and report.outputs["y"] < 0.05
    assert "norm" not in [node["name"] for node in report.nodes]  # it was folded


def test_ranges(model, tmp_path):
    seen = []
    ranges = q.calibrate(model, samples(3), progress=seen.append)
    assert seen == [1, 2, 3] and ranges["relu"].lowest == 0 and ranges["x"].range_value[1] <= 1
    whole = np.concatenate([sample["x"] for sample in samples(3)])
    assert ranges["x"].lowest == whole.min() and ranges["x"].highest == whole.max()
    inner = q.calibrate(model, samples(3), q.CalibrationMethod.Percentile, 90)
    assert 0.03 < inner["x"].lowest < 0.07 and 0.93 < inner["x"].highest < 0.97  # uniform numbers: a twentieth at each end
    cache, out = tmp_path / "ranges.json", tmp_path / "out.onnx"
    q.quantize_static(model, out, samples(3), calibration_cache_path=cache)
    first = out.read_bytes()
    q.quantize_static(model, out, calibration_cache_path=cache)
    assert out.read_bytes() == first
    q.quantize_static(model, out, ranges=ranges)
    assert out.read_bytes() == first and q.TensorsData.load(cache).json() == ranges.json()


def test_forms(model, tmp_path):
    onnx = pytest.importorskip("onnx")
    outs = [tmp_path / f"{i}.onnx" for i in range(3)]
    q.quantize_dynamic(onnx.load(model), outs[0])
    q.quantize_dynamic(model.read_bytes(), outs[1])
    q.quantize(model, outs[2], q.DynamicQuantConfig(weight_type=q.QuantType.QInt8))
    assert outs[0].read_bytes() == outs[1].read_bytes() == outs[2].read_bytes()
    q.quantize(model, outs[2], q.StaticQuantConfig(samples(1), per_channel=True))
    onnx.checker.check_model(onnx.load(outs[2]), full_check=True)
    onnx.checker.check_model(onnx.load(outs[0]), full_check=True)


@pytest.mark.parametrize("bits, method, bound", [(8, "rtn", 0.02), (8, "hqq", 0.02), (4, "rtn", 0.2), (4, "hqq", 0.2), (2, "hqq", 1)])
def test_weights(model, tmp_path, bits, method, bound):
    out = tmp_path / "out.onnx"
    report = q.quantize_weights(model, out, bits, 16, method)
    assert [node["name"] for node in report.nodes if node["quantized"]] == ["gemm"] and error(model, out) < bound
    if method == "rtn":
        assert q.quantize_weights(model, out, bits, 16, is_symmetric=True).outputs["y"] < bound


@pytest.mark.parametrize("bits, bound", [(8, 0.02), (4, 0.2), (2, 1)])
def test_weights_on_samples(tmp_path, bits, bound):
    """What is rounded on samples is nearer on others of their kind than what is rounded without."""
    node = pytest.importorskip("onnx").helper.make_node
    draw = np.random.default_rng(8)
    weights = {name: (draw.standard_normal((48, 48)) / 7).astype(np.float32) for name in ("v", "w")}
    model = small(tmp_path, [node("MatMul", ["x", "v"], ["h"], "first"), node("Relu", ["h"], ["r"]), node("Gemm", ["r", "w"], ["y"], "second", transB=1)],
                  [("x", 1, ["n", 48])], [("y", 1, ["n", 48])], weights)
    mix = draw.standard_normal((48, 48)) * np.linspace(0.1, 3, 48)
    feeds = [{"x": (draw.standard_normal((32, 48)) @ mix).astype(np.float32)} for _ in range(9)]
    out, seen = tmp_path / "out.onnx", []

    def off(**arguments):
        q.quantize_weights(model, out, bits, 16, compare=False, **arguments)
        a, b = (sx.InferenceSession(path).run(None, feeds[-1])[0] for path in (model, out))
        return np.sqrt(np.mean((a - b) ** 2) / np.mean(a * a))

    nearest = off()
    on_samples = off(method="gptq", samples=iter(feeds[:-1]), progress=seen.append)
    assert on_samples < 0.9 * nearest and on_samples < bound and seen == list(range(1, 9))
    passes = off(method="gptq", samples=feeds[:-1], memory=0, progress=seen.append)
    assert passes == on_samples and seen[-1] == 16
    assert off(method="gptq", samples=feeds[:-1], actorder=True) < 0.9 * nearest
    assert q.quantize_weights(model, out, bits, 16, "gptq", samples=feeds[:-1], mse=True).outputs["y"] < nearest
    with pytest.raises(ValueError, match="samples"):
        q.quantize_weights(model, out, bits, 16, "gptq")
    with pytest.raises(ValueError, match="no sample"):
        q.quantize_weights(model, out, bits, 16, "gptq", samples=[])


def test_weights_that_lie_beside_the_model(model, tmp_path):
    """The path by which they are found is known in each pass."""
    onnx = pytest.importorskip("onnx")
    beside, outs = tmp_path / "beside.onnx", (tmp_path / "a.onnx", tmp_path / "b.onnx")
    onnx.save_model(onnx.load(model), beside, save_as_external_data=True, location="beside.data", size_threshold=0)
    for path, out in zip((model, beside), outs):
        q.quantize_weights(str(path), out, 4, 16, "gptq", samples=samples(), memory=0)
    assert error(outs[0], outs[1]) == 0


def test_words_of_mistakes(model, tmp_path):
    out = tmp_path / "out.onnx"
    with pytest.raises(TypeError, match="list of names"):
        q.quantize_dynamic(model, out, op_types_to_quantize="MatMul")
    with pytest.raises(ValueError, match="weight_type.*QuantType.QInt8"):
        q.quantize_dynamic(model, out, weight_type="QInt8")
    with pytest.raises(TypeError, match="sample is a NoneType"):
        q.quantize_weights(model, out, method="gptq", samples=[None])
    for end in (np.inf, np.nan):
        ranges = q.TensorsData(q.CalibrationMethod.MinMax, {"relu": (np.float32(0), np.float32(end))})
        with pytest.raises(ValueError, match="range of 'relu'"):
            q.quantize_static(model, out, ranges=ranges)
    with pytest.raises(Exception, match="none of its values can be quantised"):
        q.quantize_static(model, out, ranges=q.TensorsData(q.CalibrationMethod.MinMax, {}))
    with pytest.raises(Exception, match="value 'flat'.*too large"):
        q.quantize_weights(model, out, 4, 16, "gptq", samples=[{"x": samples(1)[0]["x"] * np.float32(1e24)}])


@pytest.mark.parametrize("to, bound", [("float16", 2e-3), ("bfloat16", 2e-2)])
def test_floats(model, tmp_path, to, bound):
    out = tmp_path / "out.onnx"
    report = q.convert_float(model, out, to)
    assert all(node["quantized"] for node in report.nodes) and report.bytes_after * 2 == report.bytes_before
    assert error(model, out) < bound
    q.convert_float(model, out, to, keep_io_types=False)
    assert sx.InferenceSession(out).get_inputs()[0].type == f"tensor({to})" == sx.InferenceSession(out).get_outputs()[0].type
    report = q.convert_float(model, out, to, nodes_to_exclude=["relu"])
    assert [node["name"] for node in report.nodes if not node["quantized"]] == ["relu"] and error(model, out) < bound


def test_chosen_nodes(model, tmp_path):
    out = tmp_path / "out.onnx"
    reasons = {node["name"]: node["reason"] for node in q.quantize_dynamic(model, out, nodes_to_exclude=["conv"]).nodes}
    assert "excluded" in reasons["conv"] and not reasons["gemm"]
    reasons = {node["name"]: node["reason"] for node in q.quantize_dynamic(model, out, ["Conv"]).nodes}
    assert not reasons["conv"] and "asked for" in reasons["gemm"]


@pytest.mark.parametrize("arguments, error, word", [
    ({"nodes_to_exclude": ["nobody"]}, Exception, "nobody"), ({"weight_type": q.QuantType.QFLOAT8E4M3FN}, Exception, "float8e4m3fn"),
    ({"extra_options": {"Colour": 1}}, ValueError, "Colour")])
def test_refusals(model, tmp_path, arguments, error, word):
    with pytest.raises(error, match=word):
        q.quantize_dynamic(model, tmp_path / "out.onnx", **arguments)
    assert not (tmp_path / "out.onnx").exists()


def test_no_samples(model, tmp_path):
    with pytest.raises(ValueError, match="samples"):
        q.quantize_static(model, tmp_path / "out.onnx")
    with pytest.raises(ValueError, match="no sample"):
        q.quantize_static(model, tmp_path / "out.onnx", [])
    with pytest.raises(Exception, match="nothing_of_it"):
        q.calibrate(model, [{"nothing_of_it": np.zeros(1, np.float32)}])
    with pytest.raises(Exception, match="infinite or NaN"):
        q.calibrate(model, [{"x": np.full((1, 3, 8, 8), np.nan, np.float32)}])


def test_signatures():
    names = list(inspect.signature(q.quantize_static).parameters)
    assert names[:5] == ["model_input", "model_output", "calibration_data_reader", "quant_format", "op_types_to_quantize"]


def small(tmp_path, nodes, inputs, outputs, initializers, opset=17, ms=False):
    """A model of these nodes (`ms`: some are com.microsoft's): a path."""
    onnx = pytest.importorskip("onnx")
    info = [[onnx.helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in some] for some in (inputs, outputs)]
    graph = onnx.helper.make_graph(nodes, "small", *info, [onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in initializers.items()])
    path = tmp_path / "small.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)] + ms * [onnx.helper.make_opsetid("com.microsoft", 1)], ir_version=8), path)
    return path


ways = pytest.mark.parametrize("way", [
    lambda model, out, feed: q.quantize_dynamic(model, out), lambda model, out, feed: q.quantize_static(model, out, [feed, {**feed, "c": np.array(False)} if "c" in feed else feed]),
    lambda model, out, feed: q.quantize_weights(model, out, block_size=16), lambda model, out, feed: q.convert_float(model, out)],
    ids=["dynamic", "static", "weights", "float16"])


@ways
def test_bodies(tmp_path, way):
    onnx = pytest.importorskip("onnx")
    node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    branch = lambda op: onnx.helper.make_graph([node(op, ["h"], ["r"])], op, [], [info("r", 1, None)])
    model = small(tmp_path, [node("MatMul", ["x", "w"], ["h"], "product"), node("If", ["c"], ["i"], "if", then_branch=branch("Relu"), else_branch=branch("Neg")),
                             node("MatMul", ["i", "v"], ["y"], "last")],
                  [("x", 1, [2, 16]), ("c", 9, [])], [("y", 1, [2, 4])],
                  {"w": np.random.default_rng(1).standard_normal((16, 16)).astype(np.float32), "v": np.ones((16, 4), np.float32)})
    out, feed = tmp_path / "out.onnx", {"x": np.random.default_rng(2).random((2, 16), np.float32), "c": np.array(True)}
    way(model, out, feed)
    for c in (True, False):
        feed["c"] = np.array(c)
        a, b = (sx.InferenceSession(path).run(None, feed)[0] for path in (model, out))
        assert np.allclose(a, b, atol=0.2 * np.abs(a).max())


@ways
@pytest.mark.parametrize("computed", [False, True])
def test_sizes_stay_floats(tmp_path, way, computed):
    node = pytest.importorskip("onnx").helper.make_node
    scales = [node("Mul", ["s", "one"], ["t"]), node("Div", ["t", "one"], ["u"]), node("Concat", ["ones", "u"], ["scales"], axis=0)] if computed else []
    model = small(tmp_path, [node("Conv", ["x", "w"], ["c"], "conv"), *scales, node("Resize", ["c", "", "scales"], ["r"], "resize", mode="nearest"),
                             node("Conv", ["r", "v"], ["y"], "conv2")],
                  [("x", 1, [1, 2, 4, 4]), ("s", 1, [2])], [("y", 1, None)],
                  {"w": np.ones((256, 2, 1, 1), np.float32), "v": np.ones((1, 256, 1, 1), np.float32) / 256, "one": np.array([1], np.float32),
                   "ones": np.ones(2, np.float32), **({} if computed else {"scales": np.array([1, 1, 2, 2], np.float32)})})
    out, feed = tmp_path / "out.onnx", {"x": np.random.default_rng(2).random((1, 2, 4, 4), np.float32), "s": np.full(2, 2, np.float32)}
    way(model, out, feed)
    a, b = (sx.InferenceSession(path).run(None, feed)[0] for path in (model, out))
    assert a.shape == (1, 1, 8, 8) and np.allclose(a, b, atol=0.03)


@pytest.mark.parametrize("to", ["float16", "bfloat16"])
def test_old_operator_sets(tmp_path, to):
    node = pytest.importorskip("onnx").helper.make_node
    model = small(tmp_path, [node("Split", ["x"], ["a", "b"], axis=1), node("Add", ["a", "b"], ["y"])], [("x", 1, [2, 4])], [("y", 1, [2, 2])], {}, 13)
    q.convert_float(model, tmp_path / "out.onnx", to)
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    assert np.array_equal(sx.InferenceSession(tmp_path / "out.onnx").run(None, {"x": x})[0], x[:, :2] + x[:, 2:])


def test_masks_stay_finite(tmp_path):
    node = pytest.importorskip("onnx").helper.make_node
    model = small(tmp_path, [node("Add", ["x", "mask"], ["m"]), node("Softmax", ["m"], ["y"])], [("x", 1, [1, 4])], [("y", 1, [1, 4])],
                  {"mask": np.full(4, np.finfo(np.float32).min)})
    for to in ("float16", "bfloat16"):
        q.convert_float(model, tmp_path / "out.onnx", to)
        assert np.allclose(sx.InferenceSession(tmp_path / "out.onnx").run(None, {"x": np.zeros((1, 4), np.float32)})[0], 0.25)


@pytest.mark.parametrize("values", [[-1e-45, 0], [-3e38, 3e38], [1e-30, 1e30], [0, 0]])
@pytest.mark.parametrize("method", ["rtn", "hqq"])
def test_blocks_of_odd_numbers(tmp_path, values, method):
    node = pytest.importorskip("onnx").helper.make_node
    model = small(tmp_path, [node("MatMul", ["x", "w"], ["y"])], [("x", 1, [1, 16])], [("y", 1, [1, 2])],
                  {"w": np.tile(np.array(values, np.float32), 16).reshape(16, 2)})
    report = q.quantize_weights(model, tmp_path / "out.onnx", 4, 16, method, compare=False)
    assert "nan" not in report.json().lower()
    assert np.isfinite(sx.InferenceSession(tmp_path / "out.onnx").run(None, {"x": np.full((1, 16), 1e-3, np.float32)})[0]).all()


def test_tiny_numbers_calibrate(model):
    assert q.calibrate(model, [{"x": np.full((1, 3, 8, 8), 1e-40, np.float32)}], q.CalibrationMethod.Percentile)["x"].highest <= 1e-39
