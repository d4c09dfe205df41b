# SPDX-License-Identifier: MIT
"""Static quantisation in both forms: what QDQ says by pairs, QOperator says by operators on integers, and both answer alike."""
import numpy as np
import pytest
import sardonyx as sx
from sardonyx import quantization as q
from test_quantization import small

S8, U8 = q.QuantType.QInt8, q.QuantType.QUInt8


@pytest.fixture
def net(tmp_path):
    """Every operator that has a form on integers, one after the other: a path."""
    node = pytest.importorskip("onnx").helper.make_node
    draw = np.random.default_rng(3)
    weights = {name: draw.standard_normal(shape).astype(np.float32) * 0.4
               for name, shape in {"w": (8, 3, 3, 3), "b": (8,), "v": (8, 8, 1, 1), "m": (8, 8), "k": (8,), "f": (24, 6), "g": (6,)}.items()}
    nodes = [node("Conv", ["x", "w", "b"], ["c0"], "conv", pads=[1, 1, 1, 1]), node("Relu", ["c0"], ["r0"], "relu"),
             node("Conv", ["r0", "v"], ["c1"], "conv1"), node("LeakyRelu", ["c1"], ["l"], "leaky", alpha=0.1),
             node("Sigmoid", ["c1"], ["s"], "sigmoid"), node("Mul", ["l", "s"], ["p"], "mul"), node("Add", ["p", "r0"], ["a"], "add"),
             node("MaxPool", ["a"], ["mp"], "max", kernel_shape=[2, 2], strides=[2, 2]),
             node("AveragePool", ["a"], ["ap"], "mean", kernel_shape=[2, 2], strides=[2, 2]),
             node("Concat", ["mp", "ap", "mp"], ["cat"], "concat", axis=1), node("Conv", ["cat", "u"], ["c2"], "conv2", group=4),
             node("GlobalAveragePool", ["c2"], ["ga"], "global"), node("Flatten", ["ga"], ["fl"], "flatten"),
             node("Gemm", ["fl", "m", "k"], ["ge"], "gemm", transB=1), node("Clip", ["ge", "lo", "hi"], ["cl"], "clip"),
             node("Transpose", ["cl"], ["t"], "transpose"), node("MatMul", ["cl", "t"], ["mm"], "product"),
             node("Softmax", ["mm"], ["so"], "softmax", axis=-1), node("MatMul", ["so", "cl"], ["y"], "last")]
    weights |= {"u": draw.standard_normal((8, 6, 1, 1)).astype(np.float32), "lo": np.float32(-0.5), "hi": np.float32(1)}
    used = {name for n in nodes for name in n.input}
    return small(tmp_path, nodes, [("x", 1, [4, 3, 8, 8])], [("y", 1, [4, 8])], {k: v for k, v in weights.items() if k in used})


SAMPLES = [{"x": np.random.default_rng(seed).standard_normal((4, 3, 8, 8)).astype(np.float32)} for seed in range(4)]


def answers(path, level=99):
    options = sx.SessionOptions()
    options.graph_optimization_level = {0: sx.GraphOptimizationLevel.ORT_DISABLE_ALL, 99: sx.GraphOptimizationLevel.ORT_ENABLE_ALL}[level]
    return sx.InferenceSession(path, options).run(None, SAMPLES[0])[0]


def off(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2) / np.mean(b * b)))


@pytest.mark.parametrize("activation, weight, symmetric", [(U8, S8, False), (U8, U8, False), (S8, S8, False), (S8, S8, True)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_operators_on_integers(net, tmp_path, activation, weight, symmetric, per_channel):
    onnx = pytest.importorskip("onnx")
    settings = dict(activation_type=activation, weight_type=weight, per_channel=per_channel,
                    extra_options={"ActivationSymmetric": symmetric, "MatMulConstBOnly": False})
    outs = {form: tmp_path / f"{form}.onnx" for form in q.QuantFormat}
    for form, out in outs.items():
        q.quantize_static(net, out, SAMPLES, form, **settings)
        onnx.checker.check_model(onnx.load(out))
    ops = [n.op_type for n in onnx.load(outs[q.QuantFormat.QOperator]).graph.node]
    assert "DequantizeLinear" not in ops[1:-1] and ops.count("QuantizeLinear") == 1 and "Relu" not in ops
    assert set(ops) > {"QLinearConv", "QLinearMatMul", "QGemm", "QLinearAdd", "QLinearMul", "QLinearConcat", "QLinearAveragePool", "MaxPool",
                       "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", "Transpose", "Flatten"}
    assert ("Clip" in ops) == symmetric  # elsewhere the grid ends where the clamp does
    plain = answers(net)
    for form in q.QuantFormat:
        assert off(answers(outs[form]), plain) < 0.1
        assert off(answers(outs[form], 0), answers(outs[form])) < 0.02
    assert off(answers(outs[q.QuantFormat.QOperator], 0), answers(outs[q.QuantFormat.QDQ], 0)) < 0.02


def test_results_in_floats(tmp_path):
    """What no integer operator reads stays a float, without a grid: the bias is added to the float."""
    onnx = pytest.importorskip("onnx")
    node, draw = onnx.helper.make_node, np.random.default_rng(4)
    model = small(tmp_path, [node("MatMul", ["x", "w"], ["h"], "product"), node("Add", ["h", "b"], ["a"], "bias"), node("Erf", ["a"], ["e"], "erf"),
                             node("Gemm", ["e", "w", "b"], ["y"], "gemm")], [("x", 1, [2, 16])], [("y", 1, [2, 16])],
                  {"w": draw.standard_normal((16, 16)).astype(np.float32), "b": draw.standard_normal(16).astype(np.float32)})
    samples = [{"x": draw.random((2, 16), np.float32)}]
    report = q.quantize_static(model, tmp_path / "out.onnx", samples, q.QuantFormat.QOperator)
    ops = [n.op_type for n in onnx.load(tmp_path / "out.onnx").graph.node]
    assert "MatMulIntegerToFloat" in ops and "QGemm" in ops and "DequantizeLinear" not in ops and report.outputs["y"] < 0.05


def test_form_of_8_bits(net, tmp_path):
    with pytest.raises(Exception, match="8 bits"):
        q.quantize_static(net, tmp_path / "out.onnx", SAMPLES, q.QuantFormat.QOperator, activation_type=q.QuantType.QInt16)
    with pytest.raises(Exception, match="make both int8"):
        q.quantize_static(net, tmp_path / "out.onnx", SAMPLES, q.QuantFormat.QOperator, activation_type=S8, weight_type=U8)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("activation, weight, bound", [("QUInt8", "QInt4", 0.3), ("QUInt8", "QUInt4", 0.3), ("QInt16", "QInt8", 0.05),
                                                       ("QUInt16", "QInt16", 1e-3), ("QInt16", "QUInt16", 1e-3)])
def test_types_of_weights(net, tmp_path, activation, weight, bound, per_channel):
    onnx = pytest.importorskip("onnx")
    out = tmp_path / "out.onnx"
    q.quantize_static(net, out, SAMPLES, per_channel=per_channel, activation_type=q.QuantType[activation], weight_type=q.QuantType[weight])
    onnx.checker.check_model(onnx.load(out))
    assert off(answers(out), answers(net)) < bound and off(answers(out, 0), answers(out)) < max(bound / 10, 1e-3)
    domains = {n.domain for n in onnx.load(out).graph.node if n.op_type == "DequantizeLinear"}
    assert "com.microsoft" in domains  # ONNX's own has these types since operator set 21


def test_bias_beside_tiny_weights(tmp_path):
    """A channel of weights next to zero: its scale is raised until the bias fits 32 bits."""
    node = pytest.importorskip("onnx").helper.make_node
    weights = np.random.default_rng(1).standard_normal((4, 2, 1, 1)).astype(np.float32)
    weights[1] *= 1e-12
    model = small(tmp_path, [node("Conv", ["x", "w", "b"], ["y"], "conv")], [("x", 1, [1, 2, 4, 4])], [("y", 1, [1, 4, 4, 4])],
                  {"w": weights, "b": np.array([0.5, 0.5, 0, 1], np.float32)})
    x = {"x": np.random.default_rng(2).random((1, 2, 4, 4), np.float32)}
    for form in q.QuantFormat:
        assert q.quantize_static(model, tmp_path / "out.onnx", [x], form, per_channel=True).outputs["y"] < 0.02


@pytest.mark.parametrize("direction, directions", [("forward", 1), ("bidirectional", 2)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_recurrent_layers(tmp_path, direction, directions, per_channel):
    onnx = pytest.importorskip("onnx")
    node, draw, hidden = onnx.helper.make_node, np.random.default_rng(6), 24
    weights = {name: (draw.standard_normal((directions, *shape)) * 0.3).astype(np.float32)
               for name, shape in {"w": (4 * hidden, 12), "r": (4 * hidden, hidden), "b": (8 * hidden,)}.items()}
    model = small(tmp_path, [node("LSTM", ["x", "w", "r", "b"], ["y", "", "c"], "layer", hidden_size=hidden, direction=direction),
                             node("Squeeze", ["c"], ["s"])], [("x", 1, [7, 1, 12])], [("y", 1, None), ("s", 1, None)], weights)
    x, out = {"x": draw.standard_normal((7, 1, 12)).astype(np.float32)}, tmp_path / "out.onnx"
    report = q.quantize_dynamic(model, out, per_channel=per_channel)
    assert report.outputs["y"] < 0.05 and report.outputs["s"] < 0.05
    assert [n.op_type for n in onnx.load(out).graph.node] == ["DynamicQuantizeLSTM", "Squeeze"]
    for a, b in zip(sx.InferenceSession(model).run(None, x), sx.InferenceSession(out).run(None, x)):
        assert a.shape == b.shape and off(b, a) < 0.05


@pytest.mark.parametrize("weight_type", [S8, U8])
def test_fused_attention(tmp_path, weight_type):
    """What onnxruntime's optimiser for transformers leaves: the embedding and the attention are one operator each."""
    onnx = pytest.importorskip("onnx")
    node, draw, width = onnx.helper.make_node, np.random.default_rng(7), 32
    weights = {name: (draw.standard_normal(shape) * 0.3).astype(np.float32)
               for name, shape in {"words": (50, width), "places": (16, width), "kinds": (2, width), "factor": (width,), "addend": (width,),
                                   "w": (width, 3 * width), "b": (3 * width,)}.items()}
    nodes = [node("EmbedLayerNormalization", ["ids", "kind", "words", "places", "kinds", "factor", "addend"], ["e", ""], "embed",
                  domain="com.microsoft", epsilon=1e-6),
             node("Attention", ["e", "w", "b"], ["y"], "attention", domain="com.microsoft", num_heads=4)]
    model = small(tmp_path, nodes, [("ids", 6, [2, 7]), ("kind", 6, [2, 7])], [("y", 1, [2, 7, width])], weights, ms=True)
    feed = {"ids": np.arange(14, dtype=np.int32).reshape(2, 7), "kind": np.zeros((2, 7), np.int32)}
    out = tmp_path / "out.onnx"
    q.quantize_dynamic(model, out, weight_type=weight_type)
    assert [n.op_type for n in onnx.load(out).graph.node] == ["QEmbedLayerNormalization", "DynamicQuantizeLinear", "QAttention"]
    a, b = (sx.InferenceSession(path).run(None, feed)[0] for path in (out, model))
    assert off(a, b) < 0.05


@pytest.mark.parametrize("form", list(q.QuantFormat))
def test_tables_and_names_that_go(tmp_path, form):
    """A table of rows is a weight; an Identity in an old operator set is gone when the model is written anew, and its range is found."""
    onnx = pytest.importorskip("onnx")
    node, draw = onnx.helper.make_node, np.random.default_rng(8)
    model = small(tmp_path, [node("Gather", ["table", "ids"], ["rows"], "rows"), node("Neg", ["rows"], ["n"]), node("Identity", ["n"], ["i"]),
                             node("MatMul", ["i", "w"], ["y"], "product")], [("ids", 7, [3])], [("y", 1, [3, 8])],
                  {"table": draw.standard_normal((40, 16)).astype(np.float32), "w": draw.standard_normal((16, 8)).astype(np.float32)}, opset=11)
    samples = [{"ids": np.array(ids, np.int64)} for ids in ([0, 7, 39], [1, 2, 3])]
    report = q.quantize_static(model, tmp_path / "out.onnx", samples, form, per_channel=True)
    assert all(n["quantized"] for n in report.nodes), str(report)
    assert report.outputs["y"] < 0.03 and report.bytes_after * 2 < report.bytes_before
