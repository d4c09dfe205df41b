# SPDX-License-Identifier: MIT
"""More of fuzz_families.py: windows over images, normalisation, and both as they are written by hand."""
import math

import numpy as np

from fuzz_builder import F64, Reject
from fuzz_families import axis_of, family, floating, floats, partner, weight


# -- windows ---------------------------------------------------------------------------------------------------------------------

def image(b, least_side=1):
    """A value N, C, H, W whose channels are known."""
    if b.rng.random() < 0.35 and not b.parent:
        return b.input(b.dtype, [b.rng.choice(["N", 1, 2]), b.rng.choice([1, 3, 4, 8, 16, 17, 32]), b.rng.choice(["S", 5, 7, 8]), b.rng.choice(["M", 5, 6, 9])], 0.7)
    return b.pick(lambda v: floating(v) and v.rank == 4 and v.fixed(1) and 0 < v.dim(1)[0] <= 64 and all(a.size for a in v.arrays)
                  and min(v.dim(2)) >= least_side and min(v.dim(3)) >= least_side)


def window(b, x, strides=True):
    kernel = [b.rng.choice([1, 1, 2, 3, 3]), b.rng.choice([1, 1, 2, 3, 3])]
    found = {"kernel_shape": kernel, "strides": [b.rng.choice([1, 1, 2]), b.rng.choice([1, 1, 2])] if strides else [1, 1]}
    kind = b.rng.random()
    if kind < 0.6:
        found["pads"] = [min(k - 1, b.rng.choice([0, 1])) for k in kernel] + [min(k - 1, b.rng.choice([0, 1])) for k in kernel]
    elif kind < 0.75:
        found["auto_pad"] = b.rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
    return found


@family(0.5)
def grid(b):
    x = image(b)
    if b.opset < 20 or x.dtype == F64:
        raise Reject("not there yet, or computed in float")
    n = x.dim(0)
    if len(set(n)) != 1:
        raise Reject("an open batch")
    at = b.const((b.numbers.random((n[0], 3, 4, 2)) * 2 - 1).astype(x.dtype))
    return b.add("GridSample", [x, at], noise="sum", mode=b.rng.choice(["linear", "cubic"]), padding_mode=b.rng.choice(["zeros", "border"]),
                 align_corners=b.rng.choice([0, 1]))


@family(4)
def conv(b):
    x = image(b)
    c = x.dim(1)[0]
    group = b.rng.choice([1, 1, 1, c] + [g for g in (2, 4) if c % g == 0])
    outs = group * b.rng.choice([1, 2, 4, 8]) if group > 1 else b.rng.choice([1, 3, 8, 16, 20])
    if outs > 64:
        raise Reject("too many channels")
    how = window(b, x)
    if b.rng.random() < 0.2 and "auto_pad" not in how:
        how["dilations"] = [b.rng.choice([1, 2]), b.rng.choice([1, 2])]
    for i in (0, 1):
        reach = how.get("dilations", [1, 1])[i] * (how["kernel_shape"][i] - 1) + 1
        pads = how.get("pads", [0] * 4)
        if "SAME" not in how.get("auto_pad", "") and min(x.dim(2 + i)) + pads[i] + pads[2 + i] < reach:
            raise Reject("the kernel is larger than the input")
    bias = b.const(b.draw(x.dtype, [outs])) if b.rng.random() < 0.6 else None
    out = b.add("Conv", [x, weight(b, x.dtype, outs, c // group, *how["kernel_shape"]), bias], noise="sum", group=group, **how)
    kind = b.rng.random()
    if kind < 0.25:
        out = batch_norm_of(b, out)
    elif kind < 0.4:
        factor = b.const(b.draw(x.dtype, [outs, 1, 1]))
        out = b.add(b.rng.choice(["Mul", "Add", "Sub"]), [out, factor], noise="op")
    if b.rng.random() < 0.3:
        found = [v for v in b.pool() if v.dtype == out.dtype and v.shapes == out.shapes]
        if found:
            out = b.add("Add", b.rng.sample([out, b.rng.choice(found)], 2), noise="op")
    if b.rng.random() < 0.5:
        op, attributes = b.rng.choice([("Relu", {}), ("Sigmoid", {}), ("LeakyRelu", {"alpha": 0.1}), ("HardSwish", {}), ("Tanh", {})])
        out = b.add(op, [out], noise="op", **attributes)
    return out


def batch_norm_of(b, x):
    c = x.dim(1)[0]
    parts = [np.abs(b.draw(x.dtype, [c])) + np.array(0.5, x.dtype), b.draw(x.dtype, [c]), b.draw(x.dtype, [c]), np.abs(b.draw(x.dtype, [c])) + np.array(0.5, x.dtype)]
    return b.add("BatchNormalization", [x, *(b.const(p.astype(x.dtype)) for p in parts)], noise="sum", epsilon=1e-3)


@family(1)
def conv_transpose(b):
    x = image(b)
    c = x.dim(1)[0]
    how = {"kernel_shape": [2, 3], "strides": [b.rng.choice([1, 2]), b.rng.choice([1, 2])]}
    if b.rng.random() < 0.5:
        how["pads"] = [0, 1, 1, 0]
    return b.add("ConvTranspose", [x, weight(b, x.dtype, c, b.rng.choice([1, 4]), 2, 3)], noise="sum", **how)


@family(2)
def pool(b):
    x = image(b)
    op = b.rng.choice(["MaxPool", "MaxPool", "AveragePool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool"])
    if op.startswith("Global"):
        return b.add(op, [x], noise="sum" if "Average" in op else None)
    how = window(b, x)
    if "auto_pad" not in how and b.rng.random() < 0.2 and op != "LpPool":
        how["ceil_mode"] = 1
    if any(min(x.dim(2 + i)) < how["kernel_shape"][i] for i in (0, 1)) and "ceil_mode" not in how and "SAME" not in how.get("auto_pad", ""):
        raise Reject("no window fits: onnx infers one")
    if op == "AveragePool":
        how["count_include_pad"] = b.rng.choice([0, 1])
    return b.add(op, [x], noise=None if op == "MaxPool" else "sum", **how)


@family(1)
def resize(b):
    x = image(b)
    mode = b.rng.choice(["nearest", "linear", "cubic"])
    scales = b.const(np.array([1, 1, *b.rng.choice([(2, 2), (0.5, 1), (1.5, 2), (1, 3)])], np.float32))
    how = b.rng.choice(["asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel"])
    return b.add("Resize", [x, None, scales], noise="sum" if mode != "nearest" else None, mode=mode, coordinate_transformation_mode=how, nearest_mode="floor")


@family(0.7)
def blocks(b):
    x = image(b)
    if b.rng.random() < 0.5:
        return b.add("DepthToSpace", [x], blocksize=2, mode=b.rng.choice(["DCR", "CRD"]))
    return b.add("SpaceToDepth", [x], blocksize=2)


# -- normalisation -----------------------------------------------------------------------------------------------------------------

@family(2)
def softmax(b):
    x = floats(b, least_rank=1)
    op = b.rng.choice(["Softmax", "Softmax", "LogSoftmax", "Hardmax"])
    return b.add(op, [x], noise="sum" if op != "Hardmax" else None, axis=axis_of(b, x))


@family(2)
def norm(b):
    x = floats(b, least_rank=2)
    kind = b.rng.choice(["LayerNormalization", "InstanceNormalization", "GroupNormalization", "LpNormalization", "MeanVarianceNormalization", "LRN", "BatchNormalization", "RMSNormalization"])
    if kind in ("LayerNormalization", "RMSNormalization"):
        if not x.fixed(x.rank - 1) or (kind[0] == "R" and b.opset < 23):
            raise Reject("open, or not there yet")
        d = x.dim(x.rank - 1)[0]
        parts = [b.const(b.draw(x.dtype, [d])) for _ in range(b.rng.choice([1, 2]) if kind[0] == "L" else 1)]
        return b.add(kind, [x, *parts], noise="sum", axis=-1, epsilon=1e-2)
    if kind == "LpNormalization":
        return b.add(kind, [x], noise="sum", axis=axis_of(b, x), p=b.rng.choice([1, 2]))
    x = image(b)
    c = x.dim(1)[0]
    if kind == "BatchNormalization":
        return batch_norm_of(b, x)
    if kind == "InstanceNormalization":
        return b.add(kind, [x, b.const(b.draw(x.dtype, [c])), b.const(b.draw(x.dtype, [c]))], noise="sum", epsilon=1e-2)
    if kind == "GroupNormalization":
        if b.opset < 21 or c % 2:
            raise Reject("not there yet, or odd")
        return b.add(kind, [x, b.const(b.draw(x.dtype, [c])), b.const(b.draw(x.dtype, [c]))], noise="sum", num_groups=2, epsilon=1e-2)
    if kind == "LRN":
        return b.add(kind, [x], noise="sum", size=3)
    return b.add("MeanVarianceNormalization", [x], noise="sum")


@family(1)
def norm_by_hand(b):
    """Layer or RMS normalisation written as arithmetic, after an addition perhaps."""
    x = floats(b, least_rank=2)
    if not x.fixed(x.rank - 1) or x.dim(x.rank - 1)[0] < 2:
        raise Reject("open, or one number")
    if b.rng.random() < 0.4:
        x = b.add("Add", [x, partner(b, x)], noise="op")
    d, axes = x.dim(x.rank - 1)[0], b.ints(-1)
    centred = x
    if b.rng.random() < 0.6:
        centred = b.add("Sub", [x, b.add("ReduceMean", [x, axes], noise="sum")], noise="op")
    square = b.add("Pow", [centred, b.const(np.array(2, x.dtype))], noise="op") if b.rng.random() < 0.6 else b.add("Mul", [centred, centred], noise="op")
    variance = b.add("Add", [b.add("ReduceMean", [square, axes], noise="sum"), b.const(np.array(0.01, x.dtype))], noise="op")
    root = b.add("Sqrt", [variance], noise="op")
    out = b.add("Div", [centred, root], noise="op") if b.rng.random() < 0.6 else b.add("Mul", [centred, b.add("Reciprocal", [root], noise="op")], noise="op")
    out = b.add("Mul", b.rng.sample([out, b.const(b.draw(x.dtype, [d]))], 2), noise="op")
    return b.add("Add", b.rng.sample([out, b.const(b.draw(x.dtype, [d]))], 2), noise="op") if b.rng.random() < 0.6 else out


@family(1.5)
def activation_by_hand(b):
    if b.odd:
        raise Reject("-infinity is a limit where they are fused, and NaN where they are not")
    x = floats(b)
    one = lambda c: b.const(np.array(c, x.dtype))  # noqa: E731
    kind = b.rng.choice(["swish", "gelu", "gelu2", "tanh", "hardswish", "mish", "quick"])
    if kind in ("swish", "quick"):
        inner = x if kind == "swish" else b.add("Mul", [x, one(1.702)], noise="op")
        return b.add("Mul", b.rng.sample([x, b.add("Sigmoid", [inner], noise="op")], 2), noise="op")
    if kind == "mish":
        return b.add("Mul", [x, b.add("Tanh", [b.add("Softplus", [x], noise="op")], noise="op")], noise="op")
    if kind == "hardswish":
        six = b.add("Clip", [b.add("Add", [x, one(3)], noise="op"), one(0), one(6)])
        return b.add("Div", [b.add("Mul", [x, six], noise="op"), one(6)], noise="op")
    if kind == "tanh":
        cube = b.add("Mul", [b.add("Pow", [x, one(3)], noise="op"), one(0.044715)], noise="op")
        inner = b.add("Mul", [b.add("Add", [x, cube], noise="sum"), one(0.7978845608)], noise="op")
        return b.add("Mul", [b.add("Mul", [x, b.add("Add", [b.add("Tanh", [inner], noise="op"), one(1)], noise="sum")], noise="op"), one(0.5)], noise="op")
    erf = b.add("Erf", [b.add("Div", [x, one(math.sqrt(2))], noise="op")], noise="op")
    factor = b.add("Add", b.rng.sample([erf, one(1)], 2), noise="sum")
    if kind == "gelu":
        return b.add("Mul", [b.add("Mul", [x, factor], noise="op"), one(0.5)], noise="op")
    return b.add("Mul", [b.add("Mul", [x, one(0.5)], noise="op"), factor], noise="op")
