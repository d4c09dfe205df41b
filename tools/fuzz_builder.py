# SPDX-License-Identifier: MIT
"""Grows a random graph whose values are known while it grows.

Every value carries an array for each of three bindings of the symbolic dimensions, and a twin of each: the same computation with
every rounding step disturbed by a few units in the last place. A node whose twin comes out different where the result is discrete, or
far away where it is not, is ill-conditioned there and is not taken; the distance of the twins of what is taken says how far
two right answers may lie apart. References are computed in the next wider type and rounded once.

In an odd graph inputs have infinities, NaN and zeros of either sign among their values: what is NaN or infinite must be so in both
twins, and the rest is judged as ever.
"""
import random
import types

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

BINDINGS = 3
SYMBOLS = {"N": (2, 3, 1), "S": (5, 8, 2), "M": (4, 1, 6), "T": (17, 3, 32)}
EMPTY = {"Z": (2, 0, 3)}
F32, F16, F64, BF16 = np.dtype("float32"), np.dtype("float16"), np.dtype("float64"), np.dtype(ml_dtypes.bfloat16)
I8, U8, I32, I64, BOOL = (np.dtype(t) for t in ("int8", "uint8", "int32", "int64", "bool"))
FLOATS = (F32, F16, F64, BF16)
STEP = {F32: 2.0 ** -21, F64: 2.0 ** -48, F16: 2.0 ** -9, BF16: 2.0 ** -7}  # how far a rounding is disturbed
WIDER = {F32: F64, F16: F32, BF16: F32, F64: F64}
MOST = {F32: 1e4, F64: 1e6, F16: 2e2, BF16: 1e4}
IR = {row[2]: row[1] for row in helper.VERSION_TABLE}


FLOAT_CONSTANTS = ("LRN", "HardSwish", "Gelu", "GroupNormalization", "HardSigmoid")
NATIVE = ("Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "If", "Loop", "Scan", "BitCast")  # types matter


TYPE_TEXT = {np.dtype(helper.tensor_dtype_to_np_dtype(n)): f"tensor({'float' if name == 'FLOAT' else name.lower()})"
             for name, n in TensorProto.DataType.items() if name not in ("UNDEFINED", "STRING", "FLOAT6E2M3", "FLOAT6E3M2")}


def mend_reference():
    """Where the reference evaluator is wrong: erf in float, scan outputs of Loop joined instead of stacked, LRN over some channels
    only, norms of negative numbers, MaxPool with other pads at the end than at the beginning, Slice backwards from before the first element (where
    the standard clamps and numpy does not)."""
    import math
    from onnx.reference.ops import op_erf, op_loop, op_lp_normalization, op_lrn, op_max_pool, op_slice

    def lrn(self, x, alpha=None, beta=None, bias=None, size=None):
        low, high, c = (size - 1) // 2, size // 2, x.shape[1]
        sums = [np.sum(x[:, max(0, k - low):min(c, k + high + 1)] ** 2, axis=1, keepdims=True) for k in range(c)]
        return ((x / (bias + alpha / size * np.concatenate(sums, axis=1)) ** beta).astype(x.dtype),)

    def lp(self, x, axis=None, p=None):
        norm = np.sum(np.abs(x) ** p, axis=axis, keepdims=True) ** (1 / p)
        return (np.where(norm == 0, 0, x / norm).astype(x.dtype),)

    def max_pool(self, x, auto_pad=None, ceil_mode=None, dilations=None, kernel_shape=None, pads=None, storage_order=None, strides=None):
        n = len(kernel_shape)
        strides, pads = strides or [1] * n, pads or [0] * 2 * n
        pieces, sizes = [], []
        for i, (k, s, d) in enumerate(zip(kernel_shape, strides, x.shape[2:])):
            if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
                out = -(-d // s)
                total = max(0, (out - 1) * s + k - d)
                low = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
            else:
                low, high = (0, 0) if auto_pad == "VALID" else (pads[i], pads[i + n])
                room = d + low + high - k
                out = (-(-room // s) if ceil_mode else room // s) + 1
                out -= bool(ceil_mode) and (out - 1) * s >= d + low
            sizes.append(out)
            pieces.append([slice(max(0, o * s - low), max(0, o * s - low + k)) for o in range(out)])
        y = np.empty((*x.shape[:2], *sizes), x.dtype)
        for at in np.ndindex(*sizes):
            y[(slice(None), slice(None), *at)] = np.max(x[(slice(None), slice(None), *(p[i] for p, i in zip(pieces, at)))], axis=tuple(range(2, 2 + n)))
        return (y,)

    def cut(self, x, starts, ends, axes=None, steps=None):
        found = [slice(None)] * x.ndim
        for k, (s, e) in enumerate(zip(starts, ends)):
            axis = int(k if axes is None else axes[k]) % x.ndim
            step, n = int(1 if steps is None else steps[k]), x.shape[axis]
            s, e = int(s) + n * bool(s < 0), int(e) + n * bool(e < 0)
            s, e = (min(max(s, 0), n), min(max(e, 0), n)) if step > 0 else (min(max(s, 0), n - 1), min(max(e, -1), n - 1))
            found[axis] = np.arange(s, e, step)
        for axis, at in enumerate(found):
            x = x if isinstance(at, slice) else np.take(x, at, axis)
        return (x,)

    op_slice.SliceCommon._run = cut
    op_max_pool.MaxPool._run = max_pool
    op_lrn.LRN._run = lrn
    op_lp_normalization.LpNormalization._run = lp
    op_erf.Erf._run = lambda self, x: (np.vectorize(math.erf, otypes=["d"])(x).astype(x.dtype) if x.size else x,)
    op_loop.np = types.SimpleNamespace(array=np.array, empty=np.empty, vstack=np.stack)


mend_reference()


STEPS = ("Floor", "Ceil", "Round", "Sign", "Hardmax", "Shrink", "ThresholdedRelu", "If", "Loop", "Scan")  # jump, with floats as results


# In an odd graph the reference is no judge of these: it multiplies neighbours that do not count by 0 (Resize), both sides of 0 by the
# slope (PRelu), what lies between the taps by 0 (a dilated Conv), takes infinity from infinity where there is a limit (Gelu, Mish,
# ReduceLogSumExp), leaves NaN out of averages because its padding is NaN, and keeps it in maxima, where windows ignore it. What
# Attention does not look at may be anything. Narrow groups of a Conv share blocks of channels at level 99, with zeros between them.
NOT_ODD = ("Resize", "PRelu", "AveragePool", "LpPool", "MaxPool", "GlobalMaxPool", "Gelu", "Mish", "ReduceLogSumExp", "Attention")


class Reject(Exception):
    """This node is not taken: it does not compute, or not well."""


def number_of(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def is_float(dtype):
    return dtype in STEP


class Value:
    def __init__(self, name, arrays, twins=None, const=False):
        self.name, self.arrays, self.const = name, arrays, const
        self.twins = twins or arrays

    dtype = property(lambda self: self.arrays[0].dtype)
    rank = property(lambda self: self.arrays[0].ndim)
    shapes = property(lambda self: tuple(a.shape for a in self.arrays))

    def dim(self, axis):
        """The three sizes of an axis."""
        return tuple(a.shape[axis] for a in self.arrays)

    def fixed(self, axis):
        return len(set(self.dim(axis))) == 1

    def noise(self, k):
        """How far two right answers for binding k may lie apart."""
        a, b = self.arrays[k], self.twins[k]
        if a is b or not a.size or not is_float(self.dtype):
            return 0.0
        a, b = a.astype(np.float64), b.astype(np.float64)
        usual = np.isfinite(a) & np.isfinite(b)
        return float(np.max(np.abs(a[usual] - b[usual]), initial=0))


ALLOWED = {}


def check_types(op, opset, inputs):
    """Rejects what the schema does not allow."""
    if (op, opset) not in ALLOWED:
        ALLOWED[op, opset] = [set(p.types) for p in onnx.defs.get_schema(op, opset).inputs]
    allowed = ALLOWED[op, opset]
    for i, v in enumerate(inputs):
        if v is not None and TYPE_TEXT[v.dtype] not in allowed[min(i, len(allowed) - 1)]:
            raise Reject(f"{op} does not take {v.dtype}")


def evaluate(nodes, opset, feeds, names, wide):
    """Outputs of some nodes on arrays by the reference evaluator; floats computed in the next wider type where `wide`."""
    dtype = next((a.dtype for a in feeds.values() if is_float(a.dtype)), None)
    if wide and dtype is not None:
        feeds = {n: a.astype(WIDER[a.dtype]) if is_float(a.dtype) else a for n, a in feeds.items()}
    with np.errstate(all="ignore"):
        out = evaluator(nodes, opset, tuple(feeds), tuple(names)).run(None, feeds)
    out = [np.asarray(a) for a in out]
    if wide and dtype is not None:
        out = [a.astype(dtype) if is_float(a.dtype) else a for a in out]
    return out


CACHE = {}


def evaluator(nodes, opset, feeds, names):
    key = tuple(id(n) for n in nodes)
    if CACHE.get("key") != key:
        graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in feeds],
                                  [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names])
        CACHE["key"], CACHE["nodes"] = key, nodes  # nodes stay alive as long as their ids are a key
        CACHE["it"] = ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]))
    return CACHE["it"]


def captured(graph):
    """Names that a body reads from around it."""
    own = {i.name for i in graph.input} | {i.name for i in graph.initializer}
    found = []
    for node in graph.node:
        found += [i for i in node.input if i and i not in own]
        for a in node.attribute:
            if a.type == onnx.AttributeProto.GRAPH:
                found += [c for c in captured(a.g) if c not in own]
        own.update(node.output)
    found += [o.name for o in graph.output if o.name not in own]
    return list(dict.fromkeys(found))


class Builder:
    """A graph, or the body of a control flow node when it has a parent."""

    def __init__(self, seed=None, parent=None, odd=False):
        self.parent, self.root = parent, parent.root if parent else self
        if not parent:
            self.rng, self.counter, self.odd = random.Random(seed), 0, odd
            self.numbers = np.random.default_rng(self.rng.randrange(1 << 62))
            self.opset = self.rng.choice([18, 19, 20, 21, 22, 23, 24, 25])
            self.dtype = self.rng.choice([F32] * 7 + [F16, F64, BF16])
            self.inputs, self.initializers, self.dims = [], [], {}
            self.symbols = {**SYMBOLS, **(EMPTY if self.rng.random() < 0.08 else {})}
        self.depth = parent.depth + 1 if parent else 0
        self.nodes, self.values, self.by_name = [], [], {}

    def __getattr__(self, name):  # what the root owns
        if name in ("rng", "numbers", "opset", "dtype", "symbols", "odd"):
            return getattr(self.root, name)
        raise AttributeError(name)

    def fresh(self, word="v"):
        self.root.counter += 1
        return f"{word}{self.root.counter}"

    # -- values ------------------------------------------------------------------------------------------------------------

    def pool(self):
        return (self.parent.pool() if self.parent else []) + self.values

    def find(self, name):
        return self.by_name.get(name) or (self.parent.find(name) if self.parent else None)

    def keep(self, value):
        self.values.append(value)
        self.by_name[value.name] = value
        return value

    def pick(self, test=lambda v: True):
        """A value that passes, later ones more often."""
        found = [v for v in self.pool() if test(v)]
        if not found:
            raise Reject("nothing to pick")
        return found[max(self.rng.randrange(len(found)) for _ in range(2))]

    def draw(self, dtype, shape, scale=1.0):
        if dtype == BOOL:
            return self.numbers.random(shape) < 0.5
        if dtype in (I32, I64, I8):
            return self.numbers.integers(-4, 5, shape).astype(dtype)
        if not is_float(dtype):
            return self.numbers.integers(0, 9, shape).astype(dtype)
        if self.rng.random() < 0.15:  # small exact numbers
            return np.asarray(self.numbers.integers(-3, 4, shape)).astype(dtype)
        return np.asarray(self.numbers.standard_normal(shape) * scale).astype(dtype)

    def spoilt(self, array):
        """In an odd graph: a few elements are no ordinary numbers."""
        if self.odd and is_float(array.dtype) and array.size:
            flat = array.reshape(-1)
            at = self.numbers.integers(0, flat.size, max(1, flat.size // 40))
            flat[at] = self.numbers.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], at.size).astype(flat.dtype)
        return array

    def const(self, array):
        """An initializer, or a Constant node."""
        array = np.asarray(array)
        name = self.fresh("c")
        value = Value(name, [array] * BINDINGS, const=True)
        if self.rng.random() < 0.2:
            self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array, name)))
            return self.keep(value)
        self.root.initializers.append(numpy_helper.from_array(array, name))
        return self.root.keep(value)

    def ints(self, *numbers):
        return self.const(np.array(numbers, np.int64))

    def input(self, dtype, dims, scale=1.0, arrays=None):
        """A graph input; a dimension is a number or the name of a symbol."""
        root, name = self.root, self.fresh("x")
        shapes = [tuple(d if isinstance(d, int) else self.symbols[d][k] for d in dims) for k in range(BINDINGS)]
        value = Value(name, arrays or [self.spoilt(self.draw(dtype, s, scale)) for s in shapes])
        root.inputs.append(value)
        root.dims[name] = list(dims)
        return root.keep(value)

    def some_dim(self):
        return self.rng.choice([*self.symbols, 1, 2, 3, 4, 5, 7, 8, 16, 17, 33])

    def some_input(self, dtype=None, rank=None):
        rank = self.rng.choice([1, 2, 2, 3, 3, 3, 4]) if rank is None else rank
        while True:
            dims = [self.some_dim() for _ in range(rank)]
            if all(np.prod([d if isinstance(d, int) else self.symbols[d][k] for d in dims]) <= 4000 for k in range(BINDINGS)):
                return self.input(dtype or self.dtype, dims)

    # -- nodes -------------------------------------------------------------------------------------------------------------

    def add(self, op, inputs, outputs=1, noise=None, **attributes):
        """One node; `noise`: "op" where the result is rounded, "sum" where roundings of many terms add up. Its first output, or all."""
        names = [self.fresh() for _ in range(outputs)]
        if op in FLOAT_CONSTANTS and inputs[0].dtype == F64:
            raise Reject("the reference computes with constants in float")
        if self.odd and (op in NOT_ODD or op == "Conv" and (attributes.get("group", 1) > 1 or max(attributes.get("dilations", [1])) > 1)):
            raise Reject("NaN and infinity have no judge here")
        check_types(op, self.opset, inputs)
        node = helper.make_node(op, [v.name if v is not None else "" for v in inputs], names, **attributes)
        out = self.take([node], [v for v in inputs if v is not None], names, noise, op not in NATIVE)
        return out[0] if outputs == 1 else out

    def take(self, nodes, inputs, names, noise, wide=True):
        """Some nodes of which `names` are the results that others may read."""
        inputs = list({v.name: v for v in inputs}.values())
        kept = [[], []]
        for k in range(BINDINGS):
            for twin in (0, 1):
                feeds = {v.name: (v.twins if twin else v.arrays)[k] for v in inputs}
                same = all(v.twins[k] is v.arrays[k] for v in inputs)
                if twin and same and not noise:
                    kept[1].append(kept[0][k])
                    continue
                if twin and noise == "sum":
                    feeds = {n: self.disturb(a) for n, a in feeds.items()}
                try:
                    out = evaluate(nodes, self.opset, feeds, names, wide)
                except Exception as e:  # noqa: BLE001  (whatever the evaluator does not like)
                    raise Reject(str(e)) from e
                kept[twin].append([self.disturb(a) for a in out] if twin and noise else out)
        results = [Value(n, [kept[0][k][i] for k in range(BINDINGS)], [kept[1][k][i] for k in range(BINDINGS)])
                   for i, n in enumerate(names)]
        for v in results:
            self.judge(v)
        self.hold(nodes, inputs, results, names, wide)
        self.nodes += nodes
        for v in results:
            self.keep(v)
        return results

    def hold(self, nodes, inputs, results, names, wide):
        """A discrete result must be the same on both sides of what its inputs may be."""
        rounded = [v for v in inputs if any(v.noise(k) for k in range(BINDINGS))]
        if not rounded or not (nodes[0].op_type in STEPS or any(not is_float(v.dtype) for v in results)):
            return
        for side in (4, -4, 0, 0):
            for k in range(BINDINGS):
                feeds = {v.name: v.arrays[k] for v in inputs}
                for i, v in enumerate(rounded):
                    shift = v.noise(k) * (side * (-1) ** i or self.numbers.choice([-4.0, 4.0], v.arrays[k].shape))
                    feeds[v.name] = (v.arrays[k].astype(np.float64) + shift).astype(v.dtype)
                out = evaluate(nodes, self.opset, feeds, names, wide)
                for got, v in zip(out, results):
                    want = v.arrays[k]
                    if got.shape != want.shape or not np.allclose(got.astype(np.float64), want.astype(np.float64), rtol=0, equal_nan=True,
                                                                  atol=16 * max(u.noise(k) for u in rounded) if is_float(v.dtype) else 0):
                        raise Reject("a discrete result of a rounded value")

    def disturb(self, a):
        if not is_float(a.dtype):
            return a
        wide = a.astype(np.float64)
        return (wide * (1 + STEP[a.dtype] * self.numbers.choice([-1.0, 1.0], a.shape))).astype(a.dtype)

    def judge(self, v):
        if any(a.dtype != v.dtype or a.ndim != v.rank for a in v.arrays):
            raise Reject("type or rank differs between bindings")
        for a, b in zip(v.arrays, v.twins):
            if a.shape != b.shape or a.dtype != b.dtype or a.size > 40000:
                raise Reject("the twin has another shape, or too large")
            if not is_float(v.dtype):
                if v.dtype.kind in "iub" and a is not b and not np.array_equal(a, b):
                    raise Reject("a discrete result of a rounded value")
                continue
            wide, twin = a.astype(np.float64), b.astype(np.float64)
            usual = np.isfinite(wide)
            if not self.odd and not np.all(usual) or not np.array_equal(usual, np.isfinite(twin)) or not np.array_equal(wide[~usual], twin[~usual], equal_nan=True):
                raise Reject("not finite")
            if self.odd and np.count_nonzero(usual) * 2 < usual.size:
                raise Reject("hardly a number")
            wide, twin = wide[usual], twin[usual]
            most = np.max(np.abs(wide), initial=0)
            if most > MOST[v.dtype]:
                raise Reject("too large")
            if a is not b and np.max(np.abs(wide - twin), initial=0) > min(200 * STEP[v.dtype], 0.05) * max(most, 1e-3):
                raise Reject("ill-conditioned")

    def body(self):
        return Builder(parent=self)

    def body_graph(self, inputs, outputs):
        """The GraphProto of a body: formal inputs (name, dtype, shape or None) and results."""
        infos = [helper.make_tensor_value_info(n, number_of(t), s) for n, t, s in inputs]
        results = [helper.make_tensor_value_info(v.name, number_of(v.dtype), None) for v in outputs]
        return helper.make_graph(self.nodes, self.fresh("body"), infos, results)

    # -- the model ---------------------------------------------------------------------------------------------------------

    def model(self, outputs):
        inputs = [helper.make_tensor_value_info(v.name, number_of(v.dtype), self.dims[v.name]) for v in self.inputs]
        infos = []
        for v in outputs:
            same = [v.dim(i)[0] if v.fixed(i) else None for i in range(v.rank)]
            told = same if all(d is not None for d in same) and self.rng.random() < 0.3 else None
            infos.append(helper.make_tensor_value_info(v.name, number_of(v.dtype), told))
        graph = helper.make_graph(self.nodes, "fuzz", inputs, infos, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=min(IR[self.opset], 13))
        return model

    def results(self):
        """The outputs: what nobody reads, and some of the rest."""
        read = set()
        for node in self.nodes:
            read.update(node.input)
            for a in node.attribute:
                if a.type == onnx.AttributeProto.GRAPH:
                    read.update(captured(a.g))
        made = [v for v in self.values if not v.const and v not in self.inputs]
        share = self.rng.choice([0, 0, 0.1, 0.5])
        return [v for v in made if v.name not in read or self.rng.random() < share]
