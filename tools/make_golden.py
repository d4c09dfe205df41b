#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/model/cases: small models in the shapes of real ones, with inputs and the outputs that they must give.

    make_golden.py [FOLDER]

Each case has the form of ONNX's own: model.onnx, test_data_set_N/input_K.pb and output_K.pb, so `sardonyx test` runs them, too.
The digits' model is the demo's and is not copied. Outputs are computed by onnx.reference on the same model in float64, so that
they are right to the last bit of a float. Deterministic; needs numpy and the pinned onnx package.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from graph import Builder, gelu, linear, value

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/model/cases"
rng = np.random.default_rng(7)
f32 = np.float32
i64 = lambda *v: np.array(v, np.int64)


def layer_norm(b, x, width):
    """As exporters before operator set 17 wrote it."""
    centred = b("Sub", x, b("ReduceMean", x, axes=[-1]))
    var = b("ReduceMean", b("Pow", centred, f32(2)), axes=[-1])
    y = b("Div", centred, b("Sqrt", b("Add", var, f32(1e-5))))
    return b("Add", b("Mul", y, b.weight(width)), b.weight(width))


def transformer():
    """Two encoder layers over words and their mask, any batch and length: shapes are computed in the graph."""
    width, heads, words, longest = 32, 4, 61, 40
    b = Builder(rng)
    shape = b("Shape", "ids")
    batch, time = (b("Gather", shape, np.int64(k), axis=0) for k in (0, 1))
    x = b("Gather", b.weight(words, width), "ids", axis=0)
    steps = b("Range", np.int64(0), time, np.int64(1))
    x = b("Add", x, b("Gather", b.weight(longest, width), steps, axis=0))
    x = layer_norm(b, x, width)
    mask = b("Cast", b("Unsqueeze", "mask", i64(1, 2)), to=T.FLOAT)
    mask = b("Mul", b("Sub", f32(1), mask), f32(-10000))
    one = lambda v: b("Unsqueeze", v, i64(0))
    split = b("Concat", one(batch), one(time), i64(heads, width // heads), axis=0)
    merged = b("Concat", one(batch), one(time), i64(width), axis=0)
    for _ in range(2):
        q, k, v = (b("Reshape", linear(b, x, width, width), split) for _ in range(3))
        q, v = (b("Transpose", t, perm=[0, 2, 1, 3]) for t in (q, v))
        scores = b("MatMul", q, b("Transpose", k, perm=[0, 2, 3, 1]))
        scores = b("Add", b("Div", scores, f32(np.sqrt(width // heads))), mask)
        mixed = b("MatMul", b("Softmax", scores, axis=-1), v)
        mixed = b("Reshape", b("Transpose", mixed, perm=[0, 2, 1, 3]), merged)
        x = layer_norm(b, b("Add", linear(b, mixed, width, width), x), width)
        wide = gelu(b, linear(b, x, width, 4 * width))
        x = layer_norm(b, b("Add", linear(b, wide, 4 * width, width), x), width)
    b("Tanh", b("Gemm", b("Gather", x, np.int64(0), axis=1), b.weight(width, width), b.weight(width)), out="pooled")
    b("Identity", x, out="hidden")
    m = b.model([value("ids", ["batch", "time"], T.INT64), value("mask", ["batch", "time"], T.INT64)],
                [value("hidden", ["batch", "time", width]), value("pooled", ["batch", width])])
    sets = []
    for n, t in ((1, 12), (3, 7), (2, 33), (1, 1)):
        mask = np.ones((n, t), np.int64)
        mask[-1, t // 2 + 1:] = 0
        sets.append([rng.integers(0, words, (n, t)), mask])
    return m, sets


def voice():
    """A voice detector: the sampling rate chooses one of two nets, each of which asks for the length of the piece; a convolution
    over frames, an LSTM whose state the caller keeps."""
    hidden = 24

    def net(frame):
        b = Builder(rng, f"w{frame}_")  # names of one body must not hide another's
        taken = b("Unsqueeze", "x", i64(1))
        c = b("Relu", b("Conv", taken, b.weight(16, 1, frame), b.weight(16), strides=[frame // 2]))
        c = b("Relu", b("Conv", c, b.weight(hidden, 16, 3), b.weight(hidden), pads=[1, 1]))
        frames = b("Transpose", c, perm=[2, 0, 1])
        h0, c0 = b("Split", "state", n_out=2, axis=0)
        y, h1, c1 = b("LSTM", frames, b.weight(1, 4 * hidden, hidden), b.weight(1, 4 * hidden, hidden), b.weight(1, 8 * hidden),
                      "", h0, c0, n_out=3, hidden_size=hidden)
        long = b("Greater", b("Gather", b("Shape", "x"), np.int64(1), axis=0), np.int64(200))
        branches = {}
        for name, op in (("then", "ReduceMean"), ("else", "ReduceMax")):
            inner = Builder(rng)
            inner(op, y, out=f"{name}_{frame}", axes=[0], keepdims=0)
            branches[f"{name}_branch"] = inner.graph([], [value(f"{name}_{frame}", None)], name)
        summary = b("Reshape", b("If", long, **branches), i64(-1, hidden))
        b("Sigmoid", b("Gemm", summary, b.weight(hidden, 1), b.weight(1)), out=f"p_{frame}")
        b("Concat", h1, c1, out=f"s_{frame}", axis=0)
        return b.graph([], [value(f"p_{frame}", None), value(f"s_{frame}", None)], f"net{frame}")

    b = Builder(rng)
    fast = b("Equal", "rate", np.int64(16000))
    b("If", fast, out=["probability", "state_out"], then_branch=net(32), else_branch=net(16))
    m = b.model([value("x", ["batch", "samples"]), value("state", [2, "batch", hidden]), value("rate", [], T.INT64)],
                [value("probability", ["batch", 1]), value("state_out", [2, "batch", hidden])])
    sets = [[rng.standard_normal((n, t)).astype(f32), (rng.standard_normal((2, n, hidden)) * 0.3).astype(f32), np.array(rate, np.int64)]
            for n, t, rate in ((1, 256, 16000), (2, 128, 8000), (3, 512, 8000), (1, 160, 16000))]
    return m, sets


def quantized():
    """A convolution net in 8 bits as quantisers write it, QuantizeLinear and DequantizeLinear around everything, and a head
    whose input is quantised while running."""
    b = Builder(rng)

    def pair(x, scale, zero):
        s, z = b.const(f32(scale)), b.const(np.uint8(zero))
        return b("DequantizeLinear", b("QuantizeLinear", x, s, z), s, z)

    def conv(x, x_scale, c, k, size, **attributes):
        w = rng.integers(-127, 128, (k, c // attributes.get("group", 1), size, size)).astype(np.int8)
        scale = rng.uniform(0.5, 1.5, k).astype(f32) / (73 * np.sqrt(w[0].size)).astype(f32)
        weights = b("DequantizeLinear", w, scale, np.zeros(k, np.int8), axis=0)
        bias = b("DequantizeLinear", rng.integers(-900, 900, k).astype(np.int32), (scale * f32(x_scale)).astype(f32), np.zeros(k, np.int32), axis=0)
        return b("Conv", x, weights, bias, pads=[size // 2] * 4, **attributes)

    x = pair("x", 0.03, 128)
    x = pair(b("Relu", conv(x, 0.03, 3, 16, 3, strides=[2, 2])), 0.02, 0)
    y = pair(b("Relu", conv(x, 0.02, 16, 16, 3, group=16)), 0.02, 0)
    y = pair(conv(y, 0.02, 16, 16, 1), 0.025, 120)
    x = pair(b("Relu", b("Add", x, y)), 0.025, 0)
    x = pair(b("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 0.025, 0)
    x = pair(b("GlobalAveragePool", x), 0.015, 0)
    x = b("Mul", b("Flatten", x), np.linspace(0.9, 1.1, 16, dtype=f32))  # off the grid: a tie has two right answers
    q, s, z = b("DynamicQuantizeLinear", x, n_out=3)
    product = b("Cast", b("MatMulInteger", q, rng.integers(-127, 128, (16, 10)).astype(np.int8), z), to=T.FLOAT)
    b("Add", b("Mul", product, b("Mul", s, f32(0.01))), b.weight(10), out="y")
    m = b.model([value("x", ["batch", 3, 20, 20])], [value("y", ["batch", 10])], opset=21)
    return m, [[rng.standard_normal((n, 3, 20, 20)).astype(f32)] for n in (1, 4)]


def digits():
    m = onnx.load(ROOT / "examples/digits/digits.onnx")
    pictures = []
    for path in sorted((ROOT / "examples/digits").glob("*.pgm")):
        words = path.read_bytes().split()
        assert words[0] == b"P2"
        pictures.append(np.array([int(v) for v in words[4:]], f32).reshape(1, 8, 8) / f32(int(words[3])))
    pictures = np.stack(pictures)
    return m, [[pictures[:1]], [pictures]]


def widened(graph):
    """The same graph with every float a double."""
    def tensor(t):
        if t.data_type == T.FLOAT:
            t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t).astype(np.float64), t.name))
    for t in graph.initializer:
        tensor(t)
    for v in [*graph.input, *graph.output, *graph.value_info]:
        if v.type.tensor_type.elem_type == T.FLOAT:
            v.type.tensor_type.elem_type = T.DOUBLE
    for n in graph.node:
        for a in n.attribute:
            if a.name == "to" and a.i == T.FLOAT:
                a.i = T.DOUBLE
            if a.type == onnx.AttributeProto.TENSOR:
                tensor(a.t)
            if a.type == onnx.AttributeProto.GRAPH:
                widened(a.g)


def expected(m, inputs):
    wide = onnx.ModelProto()
    wide.CopyFrom(m)
    widened(wide.graph)
    doubles = {v.name: x.astype(np.float64) if x.dtype == np.float32 else x for v, x in zip(m.graph.input, inputs)}
    return [np.asarray(y).astype(f32) for y in ReferenceEvaluator(wide).run(None, doubles)]


def main():
    for make in (digits, transformer, voice, quantized):
        m, sets = make()
        folder = FOLDER / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        if make is not digits:
            (folder / "model.onnx").write_bytes(m.SerializeToString())
        for k, inputs in enumerate(sets):
            at = folder / f"test_data_set_{k}"
            at.mkdir(exist_ok=True)
            for kind, info, arrays in (("input", m.graph.input, inputs), ("output", m.graph.output, expected(m, inputs))):
                for i, array in enumerate(arrays):
                    (at / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(array, info[i].name).SerializeToString())
        print(f"{make.__name__}: {len(m.SerializeToString())} bytes, {len(sets)} sets of inputs")


if __name__ == "__main__":
    main()
