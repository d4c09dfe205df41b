#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the models that bench/run.sh measures: well-known structures with random weights, as exporters write them.

    make_models.py FOLDER [NAME ...]      all of them, about 240 MB, when none is named; what is there is kept

The weights keep the spread of what flows through, so that no value overflows or vanishes. Needs numpy and onnx.
"""
import pathlib
import sys
import zlib

import numpy as np
import onnx
from onnx import TensorProto as T

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
from graph import Builder, gelu, linear, value

f32 = np.float32
i64 = lambda *v: np.array(v, np.int64)


def conv(b, x, c, k, size, stride=1, group=1, act="Relu", gain=1.4):
    x = b("Conv", x, b.weight(k, c // group, size, size, gain=gain), b.weight(k), kernel_shape=[size] * 2, strides=[stride] * 2,
          pads=[size // 2] * 4, group=group)
    return b("Clip", x, f32(0), f32(6)) if act == "Relu6" else b(act, x) if act else x


def classifier(b, x, c):
    b("Gemm", b("Flatten", b("GlobalAveragePool", x)), b.weight(1000, c), b.weight(1000), transB=1, out="y")
    return b.model([value("x", ["batch", 3, 224, 224])], [value("y", ["batch", 1000])])


def resnet50(b):
    x = b("MaxPool", conv(b, "x", 3, 64, 7, 2), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    c = 64
    for stage, count in enumerate((3, 4, 6, 3)):
        width = 64 << stage
        for k in range(count):
            stride = 2 if stage and not k else 1
            short = x if k else conv(b, x, c, 4 * width, 1, stride, act=None, gain=1.0)
            y = conv(b, conv(b, x, c, width, 1), width, width, 3, stride)
            x, c = b("Relu", b("Add", conv(b, y, width, 4 * width, 1, act=None, gain=0.5), short)), 4 * width
    return classifier(b, x, c)


def mobilenetv2(b):
    x, c = conv(b, "x", 3, 32, 3, 2, act="Relu6"), 32
    for t, k, count, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(count):
            y = x if t == 1 else conv(b, x, c, c * t, 1, act="Relu6")
            y = conv(b, y, c * t, c * t, 3, stride if i == 0 else 1, c * t, act="Relu6")
            y = conv(b, y, c * t, k, 1, act=None)
            x, c = b("Add", x, y) if i else y, k
    return classifier(b, conv(b, x, c, 1280, 1, act="Relu6"), 1280)


def bert(b, layers=4, width=768, heads=12):
    """An encoder over any batch and length, with the shape arithmetic of an export with dynamic axes."""
    sizes = b("Shape", "ids")
    batch, time = (b("Unsqueeze", b("Gather", sizes, np.int64(k), axis=0), i64(0)) for k in (0, 1))
    split = b("Concat", batch, time, i64(heads, width // heads), axis=0)
    merged = b("Concat", batch, time, i64(width), axis=0)
    norm = lambda v: b("LayerNormalization", v, np.ones(width, f32), b.weight(width, gain=0.1), axis=-1)
    x = b("Gather", b.weight(2048, width, gain=40), "ids", axis=0)
    x = norm(b("Add", x, b("Slice", b.weight(1, 512, width, gain=0.5), i64(0), time, i64(1))))
    mask = b("Mul", b("Sub", f32(1), b("Cast", b("Unsqueeze", "mask", i64(1, 2)), to=T.FLOAT)), f32(-10000))
    for _ in range(layers):
        q, k, v = (b("Reshape", linear(b, x, width, width), split) for _ in range(3))
        q, k, v = (b("Transpose", t, perm=p) for t, p in ((q, [0, 2, 1, 3]), (k, [0, 2, 3, 1]), (v, [0, 2, 1, 3])))
        scores = b("Add", b("Div", b("MatMul", q, k), f32(np.sqrt(width // heads))), mask)
        mixed = b("Transpose", b("MatMul", b("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
        x = norm(b("Add", linear(b, b("Reshape", mixed, merged), width, width), x))
        x = norm(b("Add", linear(b, gelu(b, linear(b, x, width, 4 * width)), 4 * width, width), x))
    b("Identity", x, out="y")
    return b.model([value(n, ["batch", "time"], T.INT64) for n in ("ids", "mask")], [value("y", ["batch", "time", width])])


def products_int8(b, width=384, steps=2):
    """Products whose left side is quantised while running, as dynamic quantisation writes them."""
    x = "x"
    for n, m in ((width, 4 * width), (4 * width, width)) * steps:
        q, s, z = b("DynamicQuantizeLinear", x, n_out=3)
        w = b.rng.integers(-127, 128, (n, m)).astype(np.int8)
        product = b("Cast", b("MatMulInteger", q, w, z, np.int8(0)), to=T.FLOAT)
        x = b("Add", b("Mul", product, b("Mul", s, f32(1 / (73 * np.sqrt(n))))), b.weight(m))
    b("Identity", x, out="y")
    return b.model([value("x", ["batch", 128, width])], [value("y", ["batch", 128, width])])


def lstm(b, width=128):
    b("LSTM", "x", b.weight(1, 4 * width, width), b.weight(1, 4 * width, width), b.weight(1, 8 * width), out="y", hidden_size=width)
    return b.model([value("x", [50, "batch", width])], [value("y", [50, 1, "batch", width])])


def mlp(b):
    x = "x"
    for act in ("Relu", "Relu", "Sigmoid"):
        x = b(act, linear(b, x, 64, 64))
    b("Identity", x, out="y")
    return b.model([value("x", ["batch", 64])], [value("y", ["batch", 64])])


def scalars(b, count=1000):
    """What a node costs by itself."""
    x = "x"
    for k in range(count):
        x = b(("Add", "Mul")[k % 2], x, f32(0.01 if k % 2 == 0 else 0.99))
    b("Identity", x, out="y")
    return b.model([value("x", [1])], [value("y", [1])])


def elementwise(b):
    x = b("Mul", "x", f32(0.7))
    for op in ("Sigmoid", "Tanh", "Abs", "Sqrt"):
        x = b(op, x)
    b("Max", b("Sub", b("Add", x, "x"), f32(0.3)), f32(0), out="y")
    return b.model([value("x", [1, 64, 128, 128])], [value("y", [1, 64, 128, 128])])


MODELS = {"resnet50": resnet50, "mobilenetv2": mobilenetv2, "bert_dynamic": bert, "products_int8": products_int8, "lstm": lstm,
          "mlp64": mlp, "scalar_1000": scalars, "elementwise_8": elementwise}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or MODELS:
        if name not in MODELS:
            sys.exit(f"make_models: there is no model {name}; there are {', '.join(MODELS)}")
        path = folder / f"{name}.onnx"
        if not path.exists():
            onnx.save(MODELS[name](Builder(np.random.default_rng(zlib.crc32(name.encode())))), path)


if __name__ == "__main__":
    main()
