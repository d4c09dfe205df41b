# SPDX-License-Identifier: MIT
"""The rest of fuzz_families.py: data movement, chains of shapes, quantisation, control flow and sequences; and `grow`, which
draws from all families."""
import numpy as np
from onnx import TensorProto, helper

from fuzz_builder import BF16, BINDINGS, BOOL, F16, F32, I32, I64, I8, U8, Reject, Value, captured, is_float, number_of
from fuzz_families import FAMILIES, axis_of, family, floats, most_abs, partner
from fuzz_nets import image


# -- moving elements -------------------------------------------------------------------------------------------------------------

def anything(b, least_rank=0):
    if b.rng.random() < 0.05 and not b.parent:
        return b.some_input(b.rng.choice([F32, I64, I32, BOOL, U8]), max(least_rank, b.rng.choice([1, 2, 3])))
    return b.pick(lambda v: v.rank >= least_rank and v.rank <= 5 and not v.const)


@family(3)
def transpose(b):
    x = anything(b, 2)
    perm = list(range(x.rank))
    b.rng.shuffle(perm)
    return b.add("Transpose", [x], **({"perm": perm} if b.rng.random() < 0.9 else {}))


@family(3)
def reshape(b):
    x = anything(b)
    kind = b.rng.random()
    if kind < 0.2:
        return b.add("Flatten", [x], axis=b.rng.randint(-x.rank, x.rank))
    if kind < 0.35:
        return b.add("Unsqueeze", [x, b.ints(*b.rng.choice([[0], [-1], [0, x.rank + 1], [1] if x.rank else [0]]))])
    if kind < 0.5:
        ones = [i for i in range(x.rank) if x.dim(i) == (1,) * BINDINGS]
        if not ones:
            raise Reject("nothing to squeeze")
        return b.add("Squeeze", [x, b.ints(b.rng.choice(ones))] if b.rng.random() < 0.8 else [x])
    target, rest = [], False
    for i in range(x.rank):
        if x.fixed(i) and x.dim(i)[0] % 2 == 0 and x.dim(i)[0] and b.rng.random() < 0.3:
            target += [2, x.dim(i)[0] // 2]
        elif b.rng.random() < 0.3 and not rest:
            target.append(-1)
            rest = True
        elif x.fixed(i) and b.rng.random() < 0.6:
            target.append(x.dim(i)[0])
        else:
            target.append(0 if i == len(target) else -2)
    if kind < 0.7:
        target = [-1] if b.rng.random() < 0.5 else [*target[:1], -1]
    if target.count(-1) > 1 or -2 in target:
        raise Reject("no such shape")
    return b.add("Reshape", [x, b.ints(*target)])


@family(2)
def slices(b):
    x = anything(b, 1)
    axes = b.rng.sample(range(x.rank), b.rng.choice([1, 1, min(2, x.rank)]))
    starts, ends, steps = [], [], []
    for _ in axes:
        step = b.rng.choice([1, 1, 1, 2, -1, -2])
        start, end = b.rng.choice([(0, 3), (1, 1 << 40), (-3, -1), (0, -1), (-2, 1 << 31)]) if step > 0 else b.rng.choice([(-1, -(1 << 40)), (5, 0), (-2, -4)])
        starts, ends, steps = starts + [start], ends + [end], steps + [step]
    given = [a - x.rank if b.rng.random() < 0.4 else a for a in axes]
    return b.add("Slice", [x, b.ints(*starts), b.ints(*ends), b.ints(*given), *([b.ints(*steps)] if any(s != 1 for s in steps) or b.rng.random() < 0.5 else [])])


@family(2)
def gather(b):
    x = anything(b, 1)
    axis = axis_of(b, x)
    d = min(x.dim(axis))
    if d < 1:
        raise Reject("nothing to take")
    kind = b.rng.random()
    if kind < 0.6:
        shape = b.rng.choice([(), (1,), (3,), (2, 2)])
        return b.add("Gather", [x, b.const(b.numbers.integers(-d, d, shape).astype(b.rng.choice([I64, I32])))], axis=axis)
    if kind < 0.8:
        picks = [b.numbers.integers(-d, d, [2 if i == axis % x.rank else 1 for i in range(x.rank)])]
        return b.add("GatherElements", [x, b.const(picks[0].astype(I64))], axis=axis)
    return b.add("GatherND", [x, b.const(b.numbers.integers(0, min(x.dim(0)), (3, 1)).astype(I64))]) if min(x.dim(0)) else None


@family(1)
def scatter(b):
    x = anything(b, 1)
    d = min(x.dim(0))
    if d < 1 or x.dtype == BOOL:
        raise Reject("nothing to write")
    if b.rng.random() < 0.5:
        indices = b.const(np.array([[b.rng.randrange(d)]], I64))
        updates = b.add("Unsqueeze", [b.add("Gather", [x, b.const(np.array(0, I64))], axis=0), b.ints(0)])
        how = b.rng.choice(["none", "add", "max"])
        return b.add("ScatterND", [x, indices, updates], noise="op" if how == "add" else None, reduction=how)
    where_to = b.const(np.array(b.rng.sample(range(d), 1), I64).reshape([1] * x.rank))
    return b.add("ScatterElements", [x, where_to, b.const(b.draw(x.dtype, [1] * x.rank))], axis=0)


@family(3)
def concat(b):
    x = anything(b, 1)
    axis = axis_of(b, x)
    same = [v for v in b.pool() if v.dtype == x.dtype and v.rank == x.rank
            and all(v.dim(i) == x.dim(i) for i in range(x.rank) if i != axis % x.rank)]
    return b.add("Concat", [b.rng.choice(same) for _ in range(b.rng.choice([1, 2, 2, 3]))], axis=axis)


@family(2)
def split(b):
    x = anything(b, 1)
    axis = axis_of(b, x)
    if x.fixed(axis) and x.dim(axis)[0] > 1 and b.rng.random() < 0.6:
        first = b.rng.randint(1, x.dim(axis)[0] - 1)
        return b.add("Split", [x, b.ints(first, x.dim(axis)[0] - first)], 2, axis=axis)
    if min(x.dim(axis)) < 2:
        raise Reject("too little for two parts")
    return b.add("Split", [x], 2, axis=axis, num_outputs=2)


@family(1)
def expand(b):
    x = anything(b)
    if b.rng.random() < 0.5:
        repeats = [b.rng.choice([1, 1, 2, 3]) for _ in range(x.rank)]
        return b.add("Tile", [x, b.ints(*repeats)]) if x.rank else None
    shape = [b.rng.choice([1, 2, 3])] * b.rng.choice([0, 1]) + [b.rng.choice([1, 4]) if x.dim(i) == (1,) * BINDINGS else 1 for i in range(x.rank)]
    return b.add("Expand", [x, b.ints(*shape)])


@family(1.5)
def pad(b):
    x = anything(b, 1)
    mode = b.rng.choice(["constant", "constant", "constant", "reflect", "edge", "wrap"])
    if mode == "wrap" and b.opset < 19:
        mode = "edge"
    if x.dtype == BOOL or (mode != "constant" and min(min(s) for s in x.shapes) < 3):
        raise Reject("too small")
    amounts = [b.rng.choice([0, 0, 1, 2, *([-1] if mode == "constant" and min(x.dim(i % x.rank)) > 3 else [])]) for i in range(2 * x.rank)]
    value = b.const(np.array(2, x.dtype)) if mode == "constant" and b.rng.random() < 0.6 else None
    return b.add("Pad", [x, b.ints(*amounts), value], mode=mode)


@family(1)
def odd_moves(b):
    kind = b.rng.choice(["Trilu", "Identity", "OneHot", "EyeLike", "Compress", "NonZero", "ReverseSequence", "Range", "Dropout"])
    if kind == "Trilu":
        x = anything(b, 2)
        return b.add("Trilu", [x, b.const(np.array(b.rng.choice([-1, 0, 1]), I64))], upper=b.rng.choice([0, 1]))
    if kind in ("Identity", "Dropout"):
        x = anything(b) if kind == "Identity" else floats(b)
        return b.add(kind, [x])
    if kind == "OneHot":
        x = b.pick(lambda v: v.dtype == I64 and v.rank < 4)
        return b.add("OneHot", [x, b.const(np.array(5, I64)), b.const(np.array([0, 1], b.dtype))], axis=-1)
    if kind == "EyeLike":
        return b.add("EyeLike", [floats(b, rank=2)], k=b.rng.choice([0, 1, -1]))
    if kind == "Compress":
        x = anything(b, 1)
        if not all(a.size for a in x.arrays):
            raise Reject("the reference is wrong")
        return b.add("Compress", [x, b.const(np.array([True, False, True]))], axis=axis_of(b, x))
    if kind == "NonZero":
        return b.add("Cast", [b.add("NonZero", [anything(b, 1)])], to=TensorProto.FLOAT)
    if kind == "Range":
        n = b.add("Size", [anything(b)])
        return b.add("Range", [b.const(np.array(0, I64)), b.add("Min", [n, b.const(np.array(100, I64))]), b.const(np.array(b.rng.choice([1, 3]), I64))])
    x = b.pick(lambda v: not v.const and v.rank >= 2 and v.fixed(1) and v.dim(1)[0] > 0 and min(v.dim(0)) > 0)
    lengths = b.const(np.full([x.dim(1)[0]], min(x.dim(0)), I64))
    return b.add("ReverseSequence", [x, lengths], time_axis=0, batch_axis=1)


# -- computing with shapes -----------------------------------------------------------------------------------------------------

def size_of(b, x, axis):
    """One dimension of x as a value of shape [1] or []."""
    if b.rng.random() < 0.5:
        return b.add("Shape", [x], start=axis, end=axis + 1)
    return b.add("Gather", [b.add("Shape", [x]), b.rng.choice([b.ints(axis), b.ints(axis - x.rank)])], axis=0)


@family(4)
def shape_chain(b):
    """A shape computed from sizes, and who asks for one."""
    x = anything(b, 1)
    dims = [size_of(b, x, i) for i in range(x.rank)]
    kind = b.rng.choice(["reshape", "reshape", "expand", "fill", "slice", "tile", "arith", "range"])
    if kind == "arith":
        n = b.rng.choice(dims)
        for _ in range(b.rng.randint(1, 3)):
            op = b.rng.choice(["Add", "Mul", "Sub", "Div", "Mod", "Max", "Min"])
            n = b.add(op, [n, b.ints(b.rng.choice([1, 2, 3]))])
        return b.add("Cast", [n], to=number_of(b.dtype))
    if kind == "reshape":
        if not all(a.size for a in x.arrays):
            raise Reject("a computed 0 means that the size is copied")
        if x.rank >= 2 and b.rng.random() < 0.5:
            i = b.rng.randrange(x.rank - 1)
            dims[i:i + 2] = [b.add("Mul", dims[i:i + 2])]
        elif b.rng.random() < 0.5:
            dims[b.rng.randrange(len(dims))] = b.ints(-1)
        return b.add("Reshape", [x, b.add("Concat", dims, axis=0)])
    if kind == "expand":
        last = b.const(b.draw(x.dtype, [1] * x.rank))
        return b.add("Expand", [last, b.add("Concat", dims, axis=0)])
    if kind == "fill":
        from onnx import numpy_helper
        return b.add("ConstantOfShape", [b.add("Concat", dims, axis=0)], value=numpy_helper.from_array(np.array([1.5]).astype(b.dtype), "value"))
    if kind == "slice":
        half = b.add("Div", [dims[0], b.ints(2)])
        return b.add("Slice", [x, b.ints(0), half, b.ints(0)] if b.rng.random() < 0.5 else [x, half, b.ints(1 << 30), b.ints(0)])
    if kind == "range":
        n = b.add("Squeeze", [dims[0], b.ints(0)])
        return b.add("Range", [b.const(np.array(0, I64)), n, b.const(np.array(1, I64))])
    return b.add("Tile", [x, b.add("Concat", [dims[0], *(b.ints(1) for _ in dims[1:])], axis=0)])


# -- quantisation -----------------------------------------------------------------------------------------------------------------

def scales(b, x, dtype=None):
    zero = b.const(np.array(b.rng.choice([0, 3]) if (dtype or U8) == I8 else b.rng.choice([0, 120, 128]), dtype or U8))
    return b.const(np.array(max(most_abs(x), 0.1) / 120, x.dtype)), zero


def quantise(b, x, dtype=None):
    if x.dtype not in (F32, F16) or (x.dtype == F16 and b.opset < 19):
        raise Reject("not a type to quantise")
    scale, zero = scales(b, x, dtype or b.rng.choice([U8, I8]))
    return b.add("QuantizeLinear", [x, scale, zero]), scale, zero


def there_and_back(b, x, dtype=None):
    q, scale, zero = quantise(b, x, dtype)
    return b.add("DequantizeLinear", [q, scale, zero], noise="op")


@family(2)
def qdq(b):
    return there_and_back(b, floats(b))


def quantised_weight(b, dtype, *shape, per_channel=None):
    scale_shape = [shape[per_channel]] if per_channel is not None else []
    scale = b.const((np.abs(b.numbers.standard_normal(scale_shape)) * 0.01 + 0.005).astype(dtype))
    zero = b.const(np.zeros(scale_shape, I8))
    w = b.const(b.numbers.integers(-127, 128, shape).astype(I8))
    return b.add("DequantizeLinear", [w, scale, zero], noise="op", **({"axis": per_channel} if per_channel is not None else {}))


@family(3)
def qdq_pattern(b):
    """Operators between DequantizeLinear and QuantizeLinear, as quantisers write them."""
    kind = b.rng.choice(["matmul", "matmul", "conv", "conv", "add", "mul", "unary", "move", "pool", "concat", "gemm"])
    if kind in ("conv", "pool"):
        x = there_and_back(b, image(b))
        c = x.dim(1)[0]
        if kind == "pool":
            return there_and_back(b, b.add(b.rng.choice(["GlobalAveragePool", "MaxPool", "AveragePool"]), [x], noise="sum", **({} if b.rng.random() < 0 else {})))
        outs = b.rng.choice([1, 4, 16])
        if min(x.dim(2)) < 1:
            raise Reject("too small")
        w = quantised_weight(b, x.dtype, outs, c, 3, 1, per_channel=b.rng.choice([None, 0]))
        y = b.add("Conv", [x, w], noise="sum", pads=[1, 0, 1, 0])
        if b.rng.random() < 0.5:
            y = b.add("Relu", [y])
        return there_and_back(b, y)
    x = floats(b, least_rank=1 if kind != "gemm" else 2)
    if kind in ("matmul", "gemm"):
        if not x.fixed(x.rank - 1) or (kind == "gemm" and x.rank != 2):
            raise Reject("an open inner dimension")
        k, n = x.dim(x.rank - 1)[0], b.rng.choice([1, 4, 17])
        w = quantised_weight(b, x.dtype, k, n, per_channel=b.rng.choice([None, 1]))
        y = b.add("MatMul" if kind == "matmul" else "Gemm", [there_and_back(b, x), w], noise="sum")
        if b.rng.random() < 0.4 and y.rank:
            y = b.add("Add", [y, b.const(b.draw(y.dtype, [n]))], noise="op")
        return there_and_back(b, y) if b.rng.random() < 0.7 else y
    if kind in ("add", "mul"):
        y = there_and_back(b, partner(b, x))
        return there_and_back(b, b.add(kind.capitalize(), [there_and_back(b, x), y], noise="op"))
    if kind == "concat":
        parts = [there_and_back(b, x), there_and_back(b, x)]
        return there_and_back(b, b.add("Concat", parts, axis=-1))
    x = there_and_back(b, x)
    if kind == "unary":
        return there_and_back(b, b.add(b.rng.choice(["Sigmoid", "Tanh", "Relu", "LeakyRelu", "Softmax"]), [x], noise="sum"))
    moved = b.add("Reshape", [x, b.ints(-1)]) if b.rng.random() < 0.5 else b.add("Transpose", [x])
    return b.add("DequantizeLinear", list(quantise(b, moved)), noise="op")


@family(1)
def quantised_products(b):
    if b.rng.random() < 0.5:
        x = b.pick(lambda v: v.dtype == F32 and v.rank >= 1 and not v.const)
        if not x.fixed(x.rank - 1) or not all(a.any() for a in x.arrays):
            raise Reject("an open inner dimension, or nothing but zeros: the reference takes another scale")
        q, scale, zero = b.add("DynamicQuantizeLinear", [x], 3)
        w = b.const(b.numbers.integers(-127, 128, (x.dim(x.rank - 1)[0], 6)).astype(I8))
        y = b.add("Cast", [b.add("MatMulInteger", [q, w, zero])], to=TensorProto.FLOAT)
        return b.add("Mul", [y, b.add("Mul", [scale, b.const(np.array(0.02, F32))], noise="op")], noise="op")
    q = b.pick(lambda v: v.dtype in (U8, I8) and v.rank >= 1)
    if not q.fixed(q.rank - 1):
        raise Reject("an open inner dimension")
    w = b.const(b.numbers.integers(-100, 101, (q.dim(q.rank - 1)[0], 5)).astype(b.rng.choice([I8, I8, U8]) if q.dtype == U8 else I8))
    return b.add("Cast", [b.add("MatMulInteger", [q, w, b.const(np.array(7, q.dtype))])], to=TensorProto.FLOAT)


# -- bodies and sequences ---------------------------------------------------------------------------------------------------------

def grow(b, count):
    """Adds up to `count` nodes; what does not fit is tried again a few times."""
    for _ in range(count):
        for _ in range(8):
            function = b.rng.choices([f for f, _ in FAMILIES], [w * (0 if b.depth > 1 and f in BODIES else 1) for f, w in FAMILIES])[0]
            try:
                function(b)
                break
            except Reject:
                continue


def run_body_node(b, op, inputs, bodies, outputs, **attributes):
    names = [b.fresh() for _ in range(outputs)]
    node = helper.make_node(op, [v.name if v is not None else "" for v in inputs], names, **attributes, **bodies)
    seen = [b.find(n) for g in bodies.values() for n in captured(g)]
    if None in seen:
        raise Reject("a body reads what is not there")
    return b.take([node], [v for v in inputs if v is not None] + seen, names, "op", wide=False)


@family(1.2)
def branch(b):
    kind = b.rng.random()
    if kind < 0.35:
        condition = b.const(np.array(b.rng.random() < 0.5))
    elif kind < 0.7:
        x = anything(b, 1)
        condition = b.add("Greater", [b.add("Squeeze", [size_of(b, x, 0), b.ints(0)]), b.const(np.array(2, I64))])
    else:
        condition = b.pick(lambda v: v.dtype == BOOL and v.rank == 0) if b.rng.random() < 0.5 else b.input(BOOL, [])
    sides, first = {}, None
    for side in ("then_branch", "else_branch"):
        inner = b.body()
        grow(inner, b.rng.randint(1, 4))
        fits = [v for v in inner.values if v.name not in {n.output[0] for n in inner.nodes if n.op_type == "Constant"}
                and (first is None or (v.dtype == first.dtype and v.rank == first.rank))]
        result = b.rng.choice(fits) if fits else None
        if not result:
            outer = first or anything(b)
            result = inner.add("Identity", [outer if side == "then_branch" or not b.by_name.get(outer.name) is None else
                                            b.pick(lambda v: v.dtype == first.dtype and v.rank == first.rank)])
        first = first or result
        sides[side] = inner.body_graph([], [result])
    return run_body_node(b, "If", [condition], sides, 1)


@family(1)
def loop(b):
    """A carried tensor, a scan output, captures."""
    start = floats(b)
    inner = b.body()
    names = [inner.fresh("i"), inner.fresh("go"), inner.fresh("state")]
    turn = inner.keep(Value(names[0], [np.array(0, I64)] * BINDINGS))
    going = inner.keep(Value(names[1], [np.array(True)] * BINDINGS))
    state = inner.keep(Value(names[2], start.arrays, start.twins))
    grow(inner, b.rng.randint(1, 3))
    same = [v for v in inner.values if v.dtype == state.dtype and v.shapes == state.shapes and v is not state]
    factor = inner.const(np.array(0.5, state.dtype))
    step = inner.add("Mul", [inner.rng.choice(same) if same else state, factor], noise="op")
    result = inner.add("Add", [step, inner.add("Mul", [state, factor], noise="op")], noise="sum")
    if b.rng.random() < 0.5:
        result = inner.add("Add", [result, inner.add("Mul", [inner.add("Cast", [turn], to=number_of(state.dtype)), factor], noise="op")], noise="op")
    go = inner.add("Identity", [going])
    scanned = inner.add("Identity", [inner.rng.choice([v for v in inner.values if is_float(v.dtype)])])
    body = inner.body_graph([(names[0], I64, []), (names[1], BOOL, []), (names[2], state.dtype, None)], [go, result, scanned])
    trips = b.const(np.array(b.rng.choice([1, 2, 3]), I64)) if b.rng.random() < 0.5 else None
    if not trips:
        x = anything(b, 1)
        trips = b.add("Min", [b.add("Squeeze", [size_of(b, x, 0), b.ints(0)]), b.const(np.array(3, I64))])
    return run_body_node(b, "Loop", [trips, b.const(np.array(True)), start], {"body": body}, 2)


@family(0.5)
def scan(b):
    x = floats(b, least_rank=1)
    if min(x.dim(0)) < 1:
        raise Reject("nothing to scan")
    inner = b.body()
    names = [inner.fresh("state"), inner.fresh("item")]
    start = b.add("ReduceSum", [x, b.ints(0)], noise="sum", keepdims=0) if b.rng.random() < 0.5 else b.add("Gather", [x, b.const(np.array(0, I64))], axis=0)
    state = inner.keep(Value(names[0], start.arrays, start.twins))
    item = inner.keep(Value(names[1], [a[0] for a in x.arrays], [a[0] for a in x.twins]))
    half = inner.add("Mul", [state, inner.const(np.array(0.5, x.dtype))], noise="op")
    result = inner.add("Add", [half, item], noise="sum")
    scanned = inner.add("Tanh", [result], noise="op")
    body = inner.body_graph([(names[0], x.dtype, None), (names[1], x.dtype, None)], [result, scanned])
    return run_body_node(b, "Scan", [start, x], {"body": body}, 2, num_scan_inputs=1)


@family(1)
def sequence(b):
    """Tensors into a sequence and out again; the sequence itself never leaves the pattern."""
    x = anything(b, 1)
    if x.dtype == BF16:
        raise Reject("no type of sequences")
    names, nodes = [b.fresh() for _ in range(4)], []
    others = [v for v in b.pool() if v.dtype == x.dtype and v.shapes == x.shapes]
    if b.rng.random() < 0.5:
        parts = [x, b.rng.choice(others), b.rng.choice(others)]
        nodes.append(helper.make_node("SequenceConstruct", [p.name for p in parts], [names[0]]))
        inputs = parts
    else:
        nodes.append(helper.make_node("SplitToSequence", [x.name], [names[0]], axis=0, keepdims=b.rng.choice([0, 1])))
        inputs = [x]
    kind = b.rng.choice(["at", "concat", "length", "erase"])
    last = names[0]
    if kind == "erase":
        nodes.append(helper.make_node("SequenceErase", [last], [names[1]]))
        last = names[1]
    if kind == "at":
        where_to = b.const(np.array(0, I64))
        nodes.append(helper.make_node("SequenceAt", [last, where_to.name], [names[2]]))
        inputs.append(where_to)
    elif kind == "length":
        nodes.append(helper.make_node("SequenceLength", [last], [names[2]]))
    else:
        nodes.append(helper.make_node("ConcatFromSequence", [last], [names[2]], axis=0, new_axis=0 if kind == "erase" and x.rank > 1 else b.rng.choice([0, 1])))
    return b.take(nodes, inputs, [names[2]], None, wide=False)


BODIES = (branch, loop, scan, sequence)
