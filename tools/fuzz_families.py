# SPDX-License-Identifier: MIT
"""Families of operators for random graphs: arithmetic, products and attention (fuzz_nets.py and fuzz_moves.py have the others). Each
function adds one node, or a pattern that passes look for, to a Builder, or raises Reject. A new one needs nothing but `@family(weight)`."""
import math

import numpy as np

from fuzz_builder import BF16, BINDINGS, BOOL, F16, F32, F64, FLOATS, I32, I64, I8, U8, Reject, is_float, number_of

FAMILIES = []  # (function, weight)


def family(weight=1.0):
    def register(function):
        FAMILIES.append((function, weight))
        return function
    return register


def floating(v):
    return is_float(v.dtype) and not v.const


def arithmetic(v):
    return v.dtype in FLOATS or v.dtype in (I32, I64)


def least(v):
    return min(float(np.min(a.astype(np.float64), initial=np.inf)) for a in v.arrays)


def most_abs(v):
    return max(float(np.max(np.abs(a.astype(np.float64)), initial=0)) for a in v.arrays)


def broadcast(*values):
    try:
        for k in range(BINDINGS):
            np.broadcast_shapes(*(v.arrays[k].shape for v in values))
    except ValueError:
        return False
    return True


def floats(b, rank=None, least_rank=0):
    """A float value of that rank: mostly one that is there."""
    if b.rng.random() < 0.12 and not b.parent:
        return b.some_input(b.dtype, rank if rank is not None else max(least_rank, b.rng.choice([1, 2, 3, 4])))
    return b.pick(lambda v: floating(v) and (v.rank == rank if rank is not None else v.rank >= least_rank))


def partner(b, x):
    """Something that broadcasts with x: a value that is there, or a constant that fits some of its axes."""
    if b.rng.random() < 0.6:
        found = [v for v in b.pool() if v.dtype == x.dtype and broadcast(v, x)]
        if found:
            return b.rng.choice(found)
    shape = [x.dim(i)[0] if x.fixed(i) and b.rng.random() < 0.6 else 1 for i in range(x.rank)]
    cut = b.rng.randrange(len(shape) + 1) if b.rng.random() < 0.5 else 0
    return b.const(b.draw(x.dtype, shape[cut:]))


def axis_of(b, v):
    """An axis, negative in one of two cases."""
    axis = b.rng.randrange(v.rank)
    return axis - v.rank if b.rng.random() < 0.5 else axis


# -- elementwise -----------------------------------------------------------------------------------------------------------------

EXACT = ("Abs", "Neg", "Relu", "Floor", "Ceil", "Round", "Sign")
SMOOTH = ("Sigmoid", "Tanh", "Softplus", "Softsign", "Erf", "Sin", "Cos", "Atan", "Asinh", "HardSwish", "Mish", "Exp", "Sqrt", "Log", "Reciprocal", "Sinh", "Cosh", "Acosh", "Atanh", "Tan")
CURVES = (("Elu", {"alpha": 0.7}), ("Selu", {}), ("Celu", {"alpha": 1.5}), ("LeakyRelu", {"alpha": 0.125}), ("HardSigmoid", {"alpha": 0.25, "beta": 0.4}),
          ("ThresholdedRelu", {"alpha": 0.3}), ("Shrink", {"lambd": 0.4, "bias": 0.2}))


@family(4)
def unary(b):
    x = floats(b)
    kind = b.rng.random()
    if kind < 0.35:
        return b.add(b.rng.choice(EXACT), [x])
    if kind < 0.55:
        op, attributes = b.rng.choice(CURVES)
        return b.add(op, [x], noise="op", **attributes)
    if kind < 0.62 and b.opset >= 20:
        return b.add("Gelu", [x], noise="op", approximate=b.rng.choice(["none", "tanh"]))
    if kind < 0.66 and b.opset >= 24:
        return b.add("Swish", [x], noise="op", alpha=b.rng.choice([1.0, 1.5]))
    op = b.rng.choice(SMOOTH)
    if op in ("Exp", "Sinh", "Cosh") and most_abs(x) > 5:
        raise Reject("would explode")
    if op in ("Sqrt", "Log", "Acosh") and least(x) < (1.0001 if op == "Acosh" else 1e-2):
        x = b.add("Add", [b.add("Abs", [x]), b.const(np.array(1.25, x.dtype))], noise="op")
    if op == "Reciprocal" and least(b.add("Abs", [x])) < 0.05:
        raise Reject("close to a pole")
    return b.add(op, [x], noise="op")


@family(1)
def clip(b):
    x = floats(b)
    low, high = b.const(np.array(-0.75, x.dtype)), b.const(np.array(b.rng.choice([0.5, 2.0, 6.0]), x.dtype))
    return b.add("Clip", [x, b.rng.choice([low, None]), b.rng.choice([high, None])])


@family(6)
def binary(b):
    x = floats(b)
    y = partner(b, x)
    if b.rng.random() < 0.5:
        x, y = y, x
    op = b.rng.choice(["Add", "Add", "Sub", "Mul", "Mul", "Div", "Min", "Max", "Mean", "Sum", "PRelu"])
    if op == "PRelu" and any(np.broadcast_shapes(a.shape, s.shape) != a.shape for a, s in zip(x.arrays, y.arrays)):
        raise Reject("a slope does not broadcast back")
    if op == "Div" and min(np.min(np.abs(a.astype(np.float64)), initial=9) for a in y.arrays) < 0.05:
        raise Reject("close to a pole")
    if op in ("Mean", "Sum", "Min", "Max") and b.rng.random() < 0.3:
        z = partner(b, x)
        if broadcast(x, y, z):
            return b.add(op, [x, y, z], noise=None if op in ("Min", "Max") else "sum")
    return b.add(op, [x, y], noise=None if op in ("Min", "Max") else "sum")


@family(1)
def power(b):
    x = floats(b)
    if b.rng.random() < 0.5:
        return b.add("Pow", [x, b.const(np.array(b.rng.choice([2, 3, 2.0, 1]), b.rng.choice([x.dtype, x.dtype, I32, I64])))], noise="op")
    positive = b.add("Add", [b.add("Abs", [x]), b.const(np.array(0.5, x.dtype))], noise="op")
    return b.add("Pow", [positive, b.const(np.array(b.rng.choice([0.5, -1.0, 1.5, -0.5]), x.dtype))], noise="op")


@family(2)
def integers(b):
    x = b.pick(lambda v: v.dtype.kind in "iu" and v.dtype.itemsize < 16 and not v.const)
    y = partner(b, x)
    op = b.rng.choice(["Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Abs", "Neg", "BitwiseNot", "Sign"])
    if op in ("Abs", "Neg", "BitwiseNot", "Sign"):
        return b.add(op, [x])
    if op in ("Div", "Mod"):
        if any((a == 0).any() for a in y.arrays):
            raise Reject("division by zero")
        if op == "Div" and (least(x) < 0 or least(y) < 0):
            raise Reject("onnx.reference rounds quotients down")
    if x.dtype in (U8, I8) and op in ("Div", "Abs", "Neg", "Sign") and least(x) < -127:
        raise Reject("wraps")
    out = b.add(op, [x, y], **({"fmod": b.rng.choice([0, 1])} if op == "Mod" else {}))
    if most_abs(out) > 1e6:
        raise Reject("too large")
    return out


@family(2)
def comparison(b):
    x = b.pick(lambda v: arithmetic(v) and not v.const)
    op = b.rng.choice(["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"])
    return b.add(op, [x, partner(b, x)])


@family(1)
def logic(b):
    x = b.pick(lambda v: v.dtype == BOOL)
    if b.rng.random() < 0.3:
        return b.add("Not", [x])
    return b.add(b.rng.choice(["And", "Or", "Xor"]), [x, partner(b, x)])


@family(2)
def where(b):
    c = b.pick(lambda v: v.dtype == BOOL)
    x = b.pick(lambda v: v.dtype != BOOL and broadcast(v, c))
    y = partner(b, x)
    if not broadcast(c, x, y):
        raise Reject("no broadcast")
    return b.add("Where", [c, *b.rng.sample([x, y], 2)])


@family(2)
def cast(b):
    x = b.pick(lambda v: not v.const)
    to = b.rng.choice([b.dtype, b.dtype, F32, F64, F16, BF16, I32, I64, U8, I8, BOOL])
    if is_float(x.dtype) and not is_float(to) and to != BOOL and (most_abs(x) > 100 or (to == U8 and least(x) < 0)):
        raise Reject("out of the type's range")
    if to in (U8, I8) and not is_float(x.dtype) and (most_abs(x) > 100 or least(x) < 0):
        raise Reject("out of the type's range")
    if b.rng.random() < 0.2:
        return b.add("CastLike", [x, b.pick(lambda v: v.dtype in (F32, I64, I32, F64))], noise="op" if is_float(x.dtype) else None)
    return b.add("Cast", [x], noise="op" if is_float(x.dtype) and is_float(to) else None, to=number_of(to))


# -- sums ------------------------------------------------------------------------------------------------------------------------

@family(3)
def reduce(b):
    x = b.pick(lambda v: arithmetic(v) and not v.const and v.rank >= 1)
    op = b.rng.choice(["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceL1", "ReduceSumSquare", "ReduceLogSumExp", "ReduceProd"])
    if not is_float(x.dtype) and op not in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"):
        op = "ReduceSum"
    if not all(a.size for a in x.arrays) or (op == "ReduceProd" and most_abs(x) > 2):
        raise Reject("nothing to reduce, or too large")
    count = b.rng.choice([1, 1, 1, 2, x.rank])
    axes = sorted(b.rng.sample(range(x.rank), min(count, x.rank)))
    if b.rng.random() < 0.5:
        axes = [a - x.rank for a in axes]
    given = b.ints(*axes) if b.rng.random() < 0.9 else None
    return b.add(op, [x, given], noise="sum" if op not in ("ReduceMax", "ReduceMin") else None, keepdims=b.rng.choice([0, 1]))


@family(1)
def cumulate(b):
    x = floats(b, least_rank=1)
    return b.add("CumSum", [x, b.const(np.array(axis_of(b, x), I64))], noise="sum", exclusive=b.rng.choice([0, 1]), reverse=b.rng.choice([0, 1]))


@family(1)
def arg(b):
    x = floats(b, least_rank=1)
    axis = axis_of(b, x)
    if b.rng.random() < 0.5:
        return b.add(b.rng.choice(["ArgMax", "ArgMin"]), [x], axis=axis, keepdims=b.rng.choice([0, 1]))
    k = min(x.dim(axis))
    if k < 1:
        raise Reject("nothing to choose from")
    b.add("ArgMax", [b.add("TopK", [x, b.ints(b.rng.randint(1, k))], 2, axis=axis, largest=b.rng.choice([0, 1]))[0]], axis=axis)
    return None


def weight(b, dtype, *shape):
    return b.const(b.draw(dtype, shape, 1.0 / math.sqrt(max(1, np.prod(shape[:-1]) if len(shape) < 3 else np.prod(shape[1:])))))


@family(4)
def matmul(b):
    x = floats(b, least_rank=1)
    if b.rng.random() < 0.4:
        if x.rank < 2:
            raise Reject("a vector")
        y = b.pick(lambda v: v.dtype == x.dtype and v.rank >= 2)
        order = list(range(y.rank))
        order[-2:] = order[:-3:-1]
        if y.dim(y.rank - 1) == x.dim(x.rank - 1) and b.rng.random() < 0.8:
            y = b.add("Transpose", [y], perm=order)
    else:
        if not x.fixed(x.rank - 1):
            raise Reject("an open inner dimension")
        k = x.dim(x.rank - 1)[0]
        y = weight(b, x.dtype, k, b.rng.choice([1, 3, 8, 16, 24]))
    out = b.add("MatMul", [x, y], noise="sum")
    if b.rng.random() < 0.5 and out.rank and out.fixed(out.rank - 1):
        bias = b.const(b.draw(out.dtype, [out.dim(out.rank - 1)[0]]))
        out = b.add("Add", b.rng.sample([out, bias], 2), noise="op")
    if b.rng.random() < 0.3:
        out = b.add(b.rng.choice(["Relu", "Sigmoid", "Tanh"]), [out], noise="op")
    return out


@family(2)
def gemm(b):
    x = floats(b, rank=2)
    ta, tb = b.rng.choice([0, 0, 1]), b.rng.choice([0, 1])
    if not x.fixed(0 if ta else 1):
        raise Reject("an open inner dimension")
    k, n = x.dim(0 if ta else 1)[0], b.rng.choice([1, 5, 16])
    rows = x.dim(1 if ta else 0)
    shape = b.rng.choice([(n,), (1, n), (), (1,), *([(rows[0], n), (rows[0], 1)] if len(set(rows)) == 1 else [])])
    c = b.const(b.draw(x.dtype, shape)) if b.rng.random() < 0.7 else None
    return b.add("Gemm", [x, weight(b, x.dtype, *((n, k) if tb else (k, n))), c], noise="sum", transA=ta, transB=tb, alpha=b.rng.choice([1.0, 0.5]),
                 beta=b.rng.choice([1.0, 2.0]))


@family(0.7)
def einsum(b):
    x = floats(b, rank=3)
    if not x.fixed(2):
        raise Reject("an open inner dimension")
    y = weight(b, x.dtype, x.dim(2)[0], b.rng.choice([2, 6]))
    return b.add("Einsum", [x, y], noise="sum", equation=b.rng.choice(["abc,cd->abd", "abc,cd->adb", "abc, cd -> bd", "...c,cd->...d"]))


@family(1)
def attention(b):
    """softmax(q k' * scale + mask) v over values or fresh inputs."""
    q = b.input(b.dtype, [b.symbols and "N", 2, b.rng.choice(["S", 5]), 8]) if not b.parent else floats(b, rank=4)
    k = b.add("Tanh", [q], noise="op") if b.rng.random() < 0.5 else q
    kt = b.add("Transpose", [k], perm=[0, 1, 3, 2])
    if b.rng.random() < 0.5:
        q = b.add("Mul", [q, b.const(np.array(0.35, q.dtype))], noise="op")
    s = b.add("MatMul", [q, kt], noise="sum")
    if b.rng.random() < 0.5:
        s = b.add(b.rng.choice(["Mul", "Div"]), [s, b.const(np.array(2.5, q.dtype))], noise="op")
    if b.rng.random() < 0.5:
        s = b.add("Add", b.rng.sample([s, partner(b, s)], 2), noise="op")
    p = b.add("Softmax", [s], noise="sum", axis=-1)
    out = b.add("MatMul", [p, k], noise="sum")
    out = b.add("Transpose", [out], perm=[0, 2, 1, 3])
    return b.add("Reshape", [out, b.ints(0, 0, -1)])


@family(1)
def recurrent(b):
    """LSTM, GRU or RNN over [steps, batch, features]."""
    x = b.input(b.dtype, [b.rng.choice(["S", 3]), b.rng.choice(["N", 2]), b.rng.choice([4, 7])]) if not b.parent else floats(b, rank=3)
    if not x.fixed(2) or not all(a.size for a in x.arrays) or x.dtype == BF16:
        raise Reject("open, or nothing")
    op, gates = b.rng.choice([("LSTM", 4), ("GRU", 3), ("RNN", 1)])
    hidden, directions = b.rng.choice([3, 8]), b.rng.choice([1, 1, 2])
    how = {"hidden_size": hidden, "direction": "bidirectional" if directions == 2 else "forward"}
    if op == "GRU":
        how["linear_before_reset"] = b.rng.choice([0, 1])
    if directions == 2:
        raise Reject("the reference has one direction")
    w = b.const(b.draw(x.dtype, (directions, gates * hidden, x.dim(2)[0]), 0.4))
    r = b.const(b.draw(x.dtype, (directions, gates * hidden, hidden), 0.4))
    bias = b.const(b.draw(x.dtype, (directions, 2 * gates * hidden))) if b.rng.random() < 0.7 else None
    if max(most_abs(v) for v in (w, r)) > 2.9 or most_abs(x) > 30:
        raise Reject("would saturate")
    out = b.add(op, [x, w, r, bias], 3 if op == "LSTM" else 2, noise="sum", **how)
    return b.add("Squeeze", [out[0], b.ints(1)]) if b.rng.random() < 0.7 else out[0]


@family(0.7)
def attention_op(b):
    """The operator of version 23, with grouped heads, a scale, a causal mask or an addend."""
    if b.opset < 23 or b.parent:
        raise Reject("not there yet")
    heads = b.rng.choice([1, 2])
    q = b.input(b.dtype, ["N", 2, b.rng.choice(["S", 5]), 8])
    k, v = (b.input(b.dtype, ["N", heads, b.rng.choice(["M", 3]), 8]) for _ in range(2))
    if k.dim(2) != v.dim(2):
        v = k
    how = {"scale": 0.3} if b.rng.random() < 0.3 and b.dtype != F64 else {}  # the reference takes its root in float
    return b.add("Attention", [q, k, v], noise="sum", **how)


@family(0.7)
def rotary(b):
    if b.opset < 23 or b.parent:
        raise Reject("not there yet")
    x = b.input(b.dtype, ["N", 2, 5, 8])
    angle = b.numbers.standard_normal((6, 4))
    ids = b.input(I64, ["N", 5], arrays=[b.numbers.integers(0, 6, (n, 5)) for n in b.symbols["N"]])
    return b.add("RotaryEmbedding", [x, b.const(np.cos(angle).astype(x.dtype)), b.const(np.sin(angle).astype(x.dtype)), ids], noise="sum",
                 interleaved=b.rng.choice([0, 1]))
