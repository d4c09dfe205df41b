# SPDX-License-Identifier: MIT
"""Writes tests/fuzz/corpus/load/*.onnx: small models that between them touch every part of load and run. Needs the onnx package; run by hand
when one changes. The bad-input test, the fuzzer of the loader and the thread test use them too."""
import pathlib

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h, numpy_helper

FOLDER = pathlib.Path(__file__).parent.parent / "fuzz/corpus/load"
rng = np.random.default_rng(1)


def value(name, shape, kind=T.FLOAT):
    return h.make_tensor_value_info(name, kind, shape)


def weight(name, *shape):
    return numpy_helper.from_array((rng.standard_normal(shape) * 0.5).astype(np.float32), name)


def ints(name, values, shape=None):
    return h.make_tensor(name, T.INT64, [len(values)] if shape is None else shape, values)


def save(name, nodes, inputs, outputs, initializers=(), opset=17, extra=()):
    graph = h.make_graph(nodes, name, inputs, outputs, list(initializers))
    m = h.make_model(graph, opset_imports=[h.make_opsetid("", opset), *extra], ir_version=8)
    data = m.SerializeToString()
    assert len(data) < 4096, (name, len(data))
    (FOLDER / f"{name}.onnx").write_bytes(data)


def generate():
    """Decode loops over bodies that look the next token up: one of a decoder alone, one with an encoder and beams."""
    n = h.make_node
    table = numpy_helper.from_array(np.array([[0, 2, 1, 0], [1, 0, 2, 0.5], [2, 1, 0, 1.5], [0, 1, 2, 3]], np.float32), "table")
    gpt = h.make_graph([n("Gather", ["table", "input_ids"], ["logits"]), n("Cast", ["input_ids"], ["f"], to=T.FLOAT), n("Unsqueeze", ["f", "a024"], ["u"]),
                        n("Concat", ["u", "u"], ["w"], axis=0), n("Concat", ["past_0", "w"], ["present_0"], axis=3)], "gpt",
                       [value(x, ["b", "s"], T.INT32) for x in ("input_ids", "position_ids", "attention_mask")] + [value("past_0", [2, "b", 1, "p", 1])],
                       [value("logits", ["b", "s", 4]), value("present_0", [2, "b", 1, "t", 1])])
    encoder = h.make_graph([n("Gather", ["table", "decoder_input_ids"], ["logits"]), n("Cast", ["encoder_input_ids"], ["c"], to=T.FLOAT),
                            n("Unsqueeze", ["c", "a2"], ["encoder_hidden_states"]), n("Cast", ["decoder_input_ids"], ["d"], to=T.FLOAT)] +
                           [n("Unsqueeze", [x, "a13"], [f"present_{k}_{y}_0"]) for x, y in (("d", "self"), ("c", "cross")) for k in ("key", "value")], "encoder",
                           [value(x, ["b", "e"], T.INT32) for x in ("encoder_input_ids", "encoder_attention_mask")] + [value("decoder_input_ids", ["b", 1], T.INT32)],
                           [value("logits", ["b", 1, 4]), value("encoder_hidden_states", ["b", "e", 1])] +
                           [value(f"present_{k}_{y}_0", ["b", 1, "t", 1]) for y in ("self", "cross") for k in ("key", "value")])
    decoder = h.make_graph([n("Gather", ["table", "input_ids"], ["logits"]), n("Cast", ["input_ids"], ["f"], to=T.FLOAT), n("Unsqueeze", ["f", "a13"], ["u"])] +
                           [n("Concat", [f"past_{k}_self_0", "u"], [f"present_{k}_self_0"], axis=2) for k in ("key", "value")], "decoder",
                           [value("input_ids", ["b", 1], T.INT32), value("encoder_attention_mask", ["b", "e"], T.INT32), value("encoder_hidden_states", ["b", "e", 1])] +
                           [value(f"past_{k}_{y}_0", ["b", 1, "p", 1]) for y in ("self", "cross") for k in ("key", "value")],
                           [value("logits", ["b", 1, 4])] + [value(f"present_{k}_self_0", ["b", 1, "t", 1]) for k in ("key", "value")])
    one = lambda name, v: h.make_tensor(name, T.INT32, [1], [v])
    save("generate", [n("GreedySearch", ["ids", "six"], ["y"], name="greedy", domain="com.microsoft", eos_token_id=3, pad_token_id=0, no_repeat_ngram_size=2, decoder=gpt),
                      n("BeamSearch", ["ids", "six", "one", "two", "one", "plain", "plain"], ["z", "s", "p"], name="beams", domain="com.microsoft", eos_token_id=3, pad_token_id=0, model_type=1,
                        decoder_start_token_id=1, encoder=encoder, decoder=decoder)],
         [value("ids", ["N", "S"], T.INT32)], [value("y", ["N", 6], T.INT32), value("z", ["N", 1, 6], T.INT32), value("s", ["N", 1]), value("p", [5, "N", 2, 4])],
         [table, ints("a024", [0, 2, 4]), ints("a2", [2]), ints("a13", [1, 3]), one("six", 6), one("two", 2), one("one", 1), h.make_tensor("plain", T.FLOAT, [1], [1])], extra=[h.make_opsetid("com.microsoft", 1)])


def mlp():
    n = h.make_node
    save("mlp", [n("Gemm", ["x", "w1", "b1"], ["h"], name="fc1", transB=1), n("Relu", ["h"], ["r"], name="relu"),
                 n("MatMul", ["r", "w2"], ["l"], name="fc2"), n("Softmax", ["l"], ["y"], name="softmax", axis=-1)],
         [value("x", ["N", 6])], [value("y", ["N", 5])], [weight("w1", 9, 6), weight("b1", 9), weight("w2", 9, 5)])


def conv():
    n = h.make_node
    save("conv", [n("Conv", ["x", "w", "b"], ["c"], name="conv", pads=[1, 1, 1, 1]),
                  n("BatchNormalization", ["c", "s", "t", "m", "v"], ["n"], name="norm"), n("Relu", ["n"], ["r"], name="relu"),
                  n("MaxPool", ["r"], ["p"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
                  n("Conv", ["p", "w2"], ["d"], name="conv2"), n("Add", ["d", "p"], ["a"], name="add"),
                  n("GlobalAveragePool", ["a"], ["g"], name="mean"), n("Flatten", ["g"], ["f"], name="flatten"),
                  n("Gemm", ["f", "w3"], ["y"], name="fc")],
         [value("x", ["N", 3, 7, 7])], [value("y", ["N", 4])],
         [weight("w", 8, 3, 3, 3), weight("b", 8), weight("s", 8), weight("t", 8), weight("m", 8),
          numpy_helper.from_array(np.full(8, 0.5, np.float32), "v"), weight("w2", 8, 8, 1, 1), weight("w3", 8, 4)])


def control():
    n = h.make_node
    then = h.make_graph([n("Add", ["x", "w"], ["t"], name="plus")], "then", [], [value("t", None)])
    other = h.make_graph([n("Sub", ["x", "w"], ["e"], name="minus")], "else", [], [value("e", None)])
    body = h.make_graph([n("Mul", ["s", "two"], ["s2"], name="double"), n("Identity", ["c"], ["c2"], name="again"),
                         n("Add", ["s2", "x"], ["o"], name="out")], "body",
                        [value("i", [], T.INT64), value("c", [], T.BOOL), value("s", None)],
                        [value("c2", [], T.BOOL), value("s2", None), value("o", None)])
    save("control", [n("ReduceSum", ["x"], ["sum"], name="sum", keepdims=0), n("Greater", ["sum", "zero"], ["p"], name="test"),
                     n("If", ["p"], ["a"], name="if", then_branch=then, else_branch=other),
                     n("Loop", ["trips", "", "a"], ["z", "scan"], name="loop", body=body)],
         [value("x", ["N", 3])], [value("z", None), value("scan", None)],
         [weight("w", 3), h.make_tensor("zero", T.FLOAT, [], [0.0]), h.make_tensor("two", T.FLOAT, [], [2.0]), ints("trips", [3], [])])


def shapes():
    n = h.make_node
    save("shapes", [n("Shape", ["x"], ["s"], name="shape"), n("Gather", ["s", "i0"], ["b"], name="batch"),
                    n("Gather", ["s", "i1"], ["t"], name="time"), n("Unsqueeze", ["b", "a0"], ["b1"], name="u0"),
                    n("Unsqueeze", ["t", "a0"], ["t1"], name="u1"), n("Concat", ["b1", "t1", "heads"], ["d"], name="dims", axis=0),
                    n("Reshape", ["x", "d"], ["r"], name="split"), n("Transpose", ["r"], ["q"], name="turn", perm=[0, 2, 1, 3]),
                    n("Transpose", ["r"], ["k"], name="turn_k", perm=[0, 2, 3, 1]), n("MatMul", ["q", "k"], ["m"], name="scores"),
                    n("Slice", ["m", "a0", "t1", "a3"], ["m2"], name="slice"), n("Softmax", ["m2"], ["y"], name="softmax", axis=-1),
                    n("ConstantOfShape", ["d"], ["c"], name="zeros"), n("Cast", ["c"], ["c2"], name="cast", to=T.DOUBLE)],
         [value("x", ["B", "T", 8])], [value("y", None), value("c2", None, T.DOUBLE)],
         [ints("i0", [0], []), ints("i1", [1], []), ints("a0", [0]), ints("a3", [3]), ints("heads", [2, 4])])


def lstm():
    n = h.make_node
    save("lstm", [n("LSTM", ["x", "w", "r", "b"], ["y", "h", "c"], name="lstm", hidden_size=3, direction="bidirectional"),
                  n("Squeeze", ["h"], ["z"], name="squeeze")],
         [value("x", ["T", "B", 2])], [value("y", None), value("z", None)],
         [weight("w", 2, 12, 2), weight("r", 2, 12, 3), weight("b", 2, 24)])


def nonzero():
    n = h.make_node
    save("nonzero", [n("NonZero", ["x"], ["i"], name="where"), n("Transpose", ["i"], ["t"], name="turn", perm=[1, 0]),
                     n("GatherND", ["x", "t"], ["g"], name="take"), n("Mul", ["g", "g"], ["y"], name="square"),
                     n("Shape", ["y"], ["n"], name="count")],
         [value("x", ["N", 3])], [value("y", None), value("n", [1], T.INT64)])


def quantized():
    n = h.make_node
    u8 = lambda name, v: h.make_tensor(name, T.UINT8, [], [v])
    f = lambda name, v: h.make_tensor(name, T.FLOAT, [], [v])
    w = numpy_helper.from_array(rng.integers(-99, 99, (6, 5)).astype(np.int8), "w")
    save("quantized", [n("QuantizeLinear", ["x", "xs", "xz"], ["q"], name="quantize"),
                       n("DequantizeLinear", ["q", "xs", "xz"], ["d"], name="dequantize"),
                       n("DequantizeLinear", ["w", "ws", "wz"], ["wd"], name="weights"), n("MatMul", ["d", "wd"], ["m"], name="matmul"),
                       n("QuantizeLinear", ["m", "ys", "yz"], ["y"], name="out"),
                       n("DynamicQuantizeLinear", ["x"], ["dq", "ds", "dz"], name="dynamic"),
                       n("MatMulInteger", ["dq", "w", "dz"], ["di"], name="integer")],
         [value("x", ["N", 6])], [value("y", ["N", 5], T.UINT8), value("di", ["N", 5], T.INT32)],
         [w, f("xs", 0.02), u8("xz", 120), f("ws", 0.01), h.make_tensor("wz", T.INT8, [], [0]), f("ys", 0.05), u8("yz", 128)])


def strings():
    n = h.make_node
    save("strings", [n("Concat", ["s", "k"], ["c"], name="join", axis=0), n("Gather", ["c", "i"], ["g"], name="pick"),
                     n("Tile", ["g", "two"], ["t"], name="tile"), n("Unsqueeze", ["t", "zero"], ["y"], name="row")],
         [value("s", ["N"], T.STRING)], [value("y", None, T.STRING), value("c", None, T.STRING)],
         [h.make_tensor("k", T.STRING, [1], [b"a string that is longer than a handle"]), ints("i", [0, -1]), ints("two", [2]), ints("zero", [0])])


def mismatch():
    """A view whose sizes differ when it runs: 8 elements per row are asked to be 64."""
    n = h.make_node
    save("mismatch", [n("Shape", ["x"], ["b"], name="batch", end=1), n("Concat", ["b", "tail"], ["d"], name="dims", axis=0),
                      n("Reshape", ["x", "d"], ["r"], name="view"), n("Transpose", ["r"], ["q"], name="turn", perm=[0, 2, 1, 3]),
                      n("Softmax", ["q"], ["y"], name="softmax")],
         [value("x", ["B", 8])], [value("y", None)], [ints("tail", [8, 2, 4])])


FOLDER.mkdir(exist_ok=True)
for make in (mlp, conv, control, shapes, lstm, nonzero, quantized, strings, mismatch, generate):
    make()
