# SPDX-License-Identifier: MIT
"""The cases of operators.py: each is a model of one node, with the tensors that it is measured on.

A line of the table names operator, element types and inputs. `X(shape)` is an input of the type at hand, `W(shape)` the same as
a constant; an array is an input and `K(array)` a constant of its own type. Shapes are of a million elements or so.
"""
import zlib

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NAMES = {"f": np.float32, "i": np.int64, "u": np.uint8, "b": np.bool_, "n": np.int32, "d": np.float64, "h": np.float16,
         "g": ml_dtypes.bfloat16, "c": np.int8, "U": np.uint64}
SHOWN = {"f": "f32", "i": "i64", "u": "u8", "b": "bool", "n": "i32", "d": "f64", "h": "f16", "g": "bf16", "c": "i8", "U": "u64"}


class X:
    """A tensor of random numbers, of the case's type or of its own."""
    constant = False

    def __init__(self, *shape, low=None, high=None, kind=None):
        self.shape, self.low, self.high, self.kind = shape, low, high, kind

    def array(self, rng, kind):
        kind = self.kind or kind
        if kind == "b":
            return rng.random(self.shape) < 0.5
        if kind in "fdhg":
            low, high = -2.0 if self.low is None else self.low, 2.0 if self.high is None else self.high
            return (rng.random(self.shape, np.float32) * (high - low) + low).astype(NAMES[kind])
        low = (0 if kind in "uU" else -100) if self.low is None else self.low
        return rng.integers(low, 100 if self.high is None else self.high, self.shape).astype(NAMES[kind])


class W(X):
    constant = True


class K:
    constant = True

    def __init__(self, values, kind="i"):
        self.values = np.asarray(values, NAMES[kind])

    def array(self, rng, kind):
        return self.values


class V(K):
    constant = False


class Case:
    def __init__(self, family, op, kind, detail, inputs, attributes, outputs, opset, domain):
        self.family, self.op, self.kind, self.inputs, self.attributes = family, op, kind, inputs, attributes
        self.detail = " ".join(filter(None, (SHOWN[kind], detail)))
        self.outputs, self.opset, self.domain = outputs, opset, domain
        self.name = "/".join(filter(None, (family, op, SHOWN[kind], detail.replace(" ", "_"))))
        self.stem = "".join(c if c.isalnum() or c in "-_" else "_" for c in self.name)

    def write(self, folder):
        """The model's file and that of its inputs, or None where it has none."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        names, feeds, values, constants = [], {}, [], []
        for k, x in enumerate(self.inputs):
            names.append(f"x{k}" if x is not None else "")
            if x is None:
                continue
            array = x.array(rng, self.kind)
            if x.constant:
                constants.append(numpy_helper.from_array(array, names[-1]))
            else:
                feeds[names[-1]] = array
                values.append(helper.make_tensor_value_info(names[-1], helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
        outputs = [f"y{k}" if k >= 0 else "" for k in range(self.outputs)] if isinstance(self.outputs, int) else self.outputs
        node = helper.make_node(self.op, names, outputs, name=self.op, domain=self.domain, **self.attributes)
        opsets = [helper.make_opsetid("", self.opset)] + ([helper.make_opsetid(self.domain, 3 if self.domain == "ai.onnx.ml" else 1)] if self.domain else [])
        graph = helper.make_graph([node], self.op, values, [onnx.ValueInfoProto(name=o) for o in outputs if o], constants)
        # The outputs' types and shapes are inferred; a model without them is no model.
        model = onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=opsets, ir_version=10), data_prop=True)
        path, inputs = folder / f"{self.stem}.onnx", folder / f"{self.stem}.npz"
        onnx.save(model, path)
        if any(a.dtype == ml_dtypes.bfloat16 for a in feeds.values()):  # numpy's files do not know it
            inputs = inputs.with_suffix(".pb")
            onnx.save_tensor(numpy_helper.from_array(*[(a, n) for n, a in feeds.items()][0]), inputs)
        elif feeds:
            np.savez(inputs, **feeds)
        return path, inputs if feeds else None

    def remove(self, folder):
        for suffix in (".onnx", ".npz", ".pb"):
            (folder / (self.stem + suffix)).unlink(missing_ok=True)


CASES = []
KNOWN = set()


def add(family, ops, kinds, inputs, detail="", outputs=1, opset=22, domain="", **attributes):
    for op in ops.split():
        for kind in kinds:
            case = Case(family, op, kind, detail, inputs, attributes, outputs, opset, domain)
            assert case.name not in KNOWN, case.name
            KNOWN.add(case.name)
            CASES.append(case)


T = TensorProto
M = (1024, 1024)
IMAGE = (8, 64, 56, 56)

# ---- elementwise, one input ----
add("elementwise", "Abs Neg Sign", "fi", [X(*M)])
add("elementwise", "Ceil Cos Cosh Erf Exp Floor Reciprocal Round Sigmoid Sin Sinh Softplus Softsign Tan Tanh Relu Elu Selu Celu "
    "HardSigmoid LeakyRelu ThresholdedRelu Gelu Asinh Atan", "f", [X(*M)])
add("elementwise", "HardSwish Mish", "f", [X(*M)])
add("elementwise", "Asin Acos Atanh", "f", [X(*M, low=-0.99, high=0.99)])
add("elementwise", "Acosh", "f", [X(*M, low=1, high=5)])
add("elementwise", "Log Sqrt", "f", [X(*M, low=0, high=5)])
add("elementwise", "Gelu", "f", [X(*M)], "tanh", approximate="tanh")
add("elementwise", "Exp Sqrt Abs Neg Floor Log", "d", [X(*M, low=0.1, high=4)])
add("elementwise", "Sign Abs", "u", [X(*M)])
add("elementwise", "Shrink", "fiu", [X(*M)], lambd=0.5, bias=0.25)
add("elementwise", "IsNaN IsInf", "f", [X(*M)])
add("elementwise", "Not", "b", [X(*M)])
add("elementwise", "BitwiseNot", "iu", [X(*M)])
add("elementwise", "Clip", "f", [X(*M), K(-1, "f"), K(1, "f")], "constants")
add("elementwise", "Clip", "f", [X(*M), V(-1, "f"), V(1, "f")], "inputs")
add("elementwise", "Clip", "f", [X(*M), K(0, "f")], "minimum")
add("elementwise", "Clip", "i", [X(*M), K(-50, "i"), K(50, "i")], "constants")
add("elementwise", "Clip", "u", [X(*M), K(10, "u"), K(50, "u")], "constants")

# ---- elementwise, two and more ----
add("elementwise", "Add Sub Mul Div Max Min", "fiu", [X(*M, low=1), X(*M, low=1)], "alike")
add("elementwise", "Add Mul Div", "fiu", [X(*M), W(low=1, high=9)], "scalar constant")
add("elementwise", "Sub Max Min", "fiu", [X(*M), W(low=1, high=9)], "scalar constant")
add("elementwise", "Add Mul", "fi", [X(*M), X(low=1, high=9)], "scalar input")
add("elementwise", "Add Mul Div", "fi", [X(*M), W(1024, low=1)], "row constant")
add("elementwise", "Sub", "fi", [X(*M), X(1024, 1)], "column")
add("elementwise", "Mul", "fi", [X(1024, 1), X(1, 1024)], "column by row")
add("elementwise", "Add Mul", "f", [X(*IMAGE), W(64, 1, 1)], "per channel")
add("elementwise", "Add", "f", [X(8, 64, 1, 56), X(8, 1, 56, 1)], "both ways")
add("elementwise", "Add Mul Div", "dn", [X(*M, low=1), X(*M, low=1)], "alike")
add("elementwise", "Pow", "f", [X(*M, low=0), K(2, "f")], "squared")
add("elementwise", "Pow", "f", [X(*M, low=0), K(3, "f")], "cubed")
add("elementwise", "Pow", "f", [X(*M, low=0), K(0.5, "f")], "root")
add("elementwise", "Pow", "f", [X(*M, low=0), K(1.7, "f")], "constant")
add("elementwise", "Pow", "f", [X(*M, low=0), X(*M)], "alike")
add("elementwise", "Pow", "i", [X(*M, low=0, high=9), K(2)], "squared")
add("elementwise", "Pow", "i", [X(*M, low=0, high=9), X(*M, low=0, high=5)], "alike")
add("elementwise", "Mod", "iu", [X(*M), X(*M, low=1, high=9)], "alike")
add("elementwise", "Mod", "iu", [X(*M), W(low=3, high=9)], "scalar constant")
add("elementwise", "Mod", "f", [X(*M), X(*M, low=1, high=9)], "fmod", fmod=1)
add("elementwise", "Mod", "i", [X(*M), X(*M, low=1, high=9)], "fmod", fmod=1)
add("elementwise", "Sum Max Min Mean", "f", [X(*M), X(*M), X(*M)], "three")
add("elementwise", "PRelu", "f", [X(*IMAGE), W(64, 1, 1)], "per channel")
add("elementwise", "And Or Xor", "b", [X(*M), X(*M)], "alike")
add("elementwise", "And", "b", [X(*M), W(1024)], "row constant")
add("elementwise", "Equal", "fiub", [X(*M), X(*M)], "alike")
add("elementwise", "Equal", "fiu", [X(*M), W(low=3, high=4)], "scalar constant")
add("elementwise", "Greater Less GreaterOrEqual LessOrEqual", "fiu", [X(*M), X(*M)], "alike")
add("elementwise", "Greater Less", "fiu", [X(*M), W(low=3, high=4)], "scalar constant")
add("elementwise", "Less", "fi", [X(1024, 1), X(1, 1024)], "column by row")
add("elementwise", "BitwiseAnd BitwiseOr BitwiseXor", "iu", [X(*M), X(*M)], "alike")
add("elementwise", "BitShift", "uU", [X(*M), X(*M, high=7)], "alike", direction="RIGHT")
add("elementwise", "BitShift", "u", [X(*M), W(low=3, high=4)], "scalar constant", direction="LEFT")
add("elementwise", "Where", "fiub", [X(*M, kind="b"), X(*M), X(*M)], "alike")
add("elementwise", "Where", "fiu", [X(*M, kind="b"), X(*M), W()], "scalar constant")
add("elementwise", "Where", "fi", [X(1, 1024, kind="b"), X(*M), W()], "row condition")
add("elementwise", "Where", "f", [X(1024, 1, kind="b"), X(*M), X(*M)], "column condition")

# ---- casts ----
for source in "fiubndhgc":
    for target in "fiubndhgc":
        if source != target and (source in "fiub" or target in "fiub"):
            to = helper.np_dtype_to_tensor_dtype(np.dtype(NAMES[target]))
            add("cast", "Cast", source, [X(*M, low=0, high=100)], f"to {SHOWN[target]}", to=to)

# ---- reductions ----
AXES = {"inner": (M, [1]), "outer": (M, [0]), "middle": ((32, 64, 512), [1]), "all": (M, None), "spatial": (IMAGE, [2, 3]),
        "ends": ((32, 64, 512), [0, 2])}
for where, (shape, axes) in AXES.items():
    inputs = [X(*shape, low=1, high=3)] + ([K(axes)] if axes else [])
    add("reduce", "ReduceSum", "fi", inputs, where)
    add("reduce", "ReduceMax", "fiub", inputs, where)
    add("reduce", "ReduceMean ReduceL2", "f", inputs, where)
    add("reduce", "ReduceMin", "fiub" if where in ("inner", "outer") else "f", inputs, where)
    add("reduce", "ReduceProd", "f", inputs, where)
    add("reduce", "ReduceProd", "i", [X(*shape, low=1, high=2)] + inputs[1:], where)  # ONNX Runtime does not wrap
    if where in ("inner", "outer", "middle", "all"):
        add("reduce", "ReduceL1 ReduceLogSum ReduceLogSumExp ReduceSumSquare", "f", inputs, where)
add("reduce", "ReduceSum ReduceMean ReduceMax", "dn", [X(*M), K([1])], "inner")
add("reduce", "ReduceSum ReduceMean ReduceMax", "dn", [X(*M), K([0])], "outer")
add("reduce", "ReduceSum", "f", [X(16384, 64), K([1])], "inner of 64")
add("reduce", "ReduceSum", "f", [X(64, 16384), K([0])], "outer of 64")
add("reduce", "ReduceMean", "f", [X(262144, 4), K([1])], "inner of 4")
for op in ("ArgMax", "ArgMin"):
    add("sort", op, "fiu", [X(*M)], "inner", axis=1)
    add("sort", op, "fiu", [X(*M)], "outer", axis=0)
    add("sort", op, "f", [X(32, 64, 512)], "middle", axis=1)
    add("sort", op, "f", [X(*M)], "last", axis=1, select_last_index=1)

# ---- movement ----
FOUR = (8, 64, 64, 64)
for shape, perm in (((1024, 1024), (1, 0)), ((32, 128, 256), (0, 2, 1)), ((32, 128, 256), (1, 0, 2)), ((32, 128, 256), (2, 1, 0)),
                    ((32, 128, 256), (2, 0, 1)), ((8, 64, 64, 64), (0, 2, 3, 1)), ((8, 64, 64, 64), (0, 3, 1, 2)), ((4, 128, 12, 256), (0, 2, 1, 3)),
                    ((8, 128, 12, 64), (0, 2, 3, 1)), ((8, 64, 64, 3, 8), (0, 3, 1, 2, 4)), ((2, 3, 512, 512), (0, 2, 3, 1)), ((2, 512, 512, 3), (0, 3, 1, 2)),
                    ((16, 16, 8, 8, 64), (0, 2, 1, 3, 4))):
    text = "x".join(map(str, shape)) + " by " + ",".join(map(str, perm))
    add("move", "Transpose", "fiu", [X(*shape)], text, perm=perm)
add("move", "Transpose", "b", [X(*M)], "1024x1024 by 1,0", perm=[1, 0])
add("move", "Concat", "fiub", [X(512, 1024), X(512, 1024)], "outer", axis=0)
add("move", "Concat", "fiu", [X(1024, 512), X(1024, 512)], "inner", axis=1)
add("move", "Concat", "fu", [X(65536, 8), X(65536, 8)], "inner of 8", axis=1)
add("move", "Concat", "fi", [X(8, 32, 64, 64), X(8, 32, 64, 64), X(8, 16, 64, 64)], "channels", axis=1)
add("move", "Split", "fiu", [X(*M), K([512, 512])], "outer", outputs=2, axis=0)
add("move", "Split", "fiu", [X(*M), K([256, 256, 512])], "inner", outputs=3, axis=1)
add("move", "Split", "fu", [X(65536, 24), K([8, 8, 8])], "inner of 8", outputs=3, axis=1)
add("move", "Slice", "fiub", [X(*M), K([100]), K([900]), K([0])], "rows")
add("move", "Slice", "fiu", [X(*M), K([100]), K([900]), K([1])], "columns")
add("move", "Slice", "fiu", [X(*M), K([0]), K([1024]), K([1]), K([2])], "every second column")
add("move", "Slice", "fiu", [X(*M), K([0]), K([1024]), K([0]), K([2])], "every second row")
add("move", "Slice", "fiu", [X(*M), K([-1]), K([-2000]), K([1]), K([-1])], "columns backwards")
add("move", "Slice", "f", [X(*FOUR), K([1, 1]), K([63, 63]), K([2, 3])], "middle of images")
add("move", "Slice", "f", [X(*FOUR), K([0, 0]), K([64, 64]), K([2, 3]), K([2, 2])], "every second pixel")
add("move", "Pad", "fiub", [X(*FOUR), K([0, 0, 1, 1, 0, 0, 1, 1])], "images by 1")
add("move", "Pad", "fiu", [X(1000, 1000), K([12, 12, 12, 12])], "12")
add("move", "Pad", "fu", [X(1000, 1000), K([12, 12, 12, 12])], "reflect", mode="reflect")
add("move", "Pad", "fu", [X(*FOUR), K([0, 0, 2, 2, 0, 0, 2, 2])], "images reflect", mode="reflect")
add("move", "Pad", "fu", [X(1000, 1000), K([12, 12, 12, 12])], "edge", mode="edge")
add("move", "Pad", "fu", [X(1000, 1000), K([12, 12, 12, 12])], "wrap", mode="wrap")
add("move", "Pad", "f", [X(1000, 1000), K([-12, -12, -12, -12])], "negative")
add("move", "Tile", "fiub", [X(512, 512), K([2, 2])], "2x2")
add("move", "Tile", "fiu", [X(1, 1024), K([1024, 1])], "one row")
add("move", "Tile", "fu", [X(1024, 1), K([1, 1024])], "one column")
add("move", "Tile", "fu", [X(65536, 4), K([1, 4])], "short rows")
add("move", "Expand", "fiub", [X(1, 1024), K([1024, 1024])], "one row")
add("move", "Expand", "fiub", [X(1024, 1), K([1024, 1024])], "one column")
add("move", "Expand", "fiu", [X(), K([1024, 1024])], "scalar")
add("move", "Expand", "fu", [X(32, 1, 64, 64), K([32, 8, 64, 64])], "middle")
add("move", "Expand", "fu", [X(8, 64, 1, 1), K([8, 64, 56, 56])], "pixels")
add("move", "Reshape", "fiub", [X(*M), K([-1])])
add("move", "Identity Flatten", "fiub", [X(*M)])
add("move", "Unsqueeze", "f", [X(*M), K([0])])
add("move", "Squeeze", "f", [X(1, *M), K([0])])
add("move", "DepthToSpace", "fu", [X(*FOUR)], "2", blocksize=2)
add("move", "DepthToSpace", "fu", [X(*FOUR)], "2 CRD", blocksize=2, mode="CRD")
add("move", "SpaceToDepth", "fu", [X(*FOUR)], "2", blocksize=2)
add("move", "ReverseSequence", "fiu", [X(64, 32, 512), V(np.arange(32) + 30)], "time first", time_axis=0, batch_axis=1)
add("move", "ReverseSequence", "fu", [X(32, 64, 512), V(np.arange(32) + 30)], "batch first", time_axis=1, batch_axis=0)
add("move", "Trilu", "fiub", [X(*M)], "lower", upper=0)
add("move", "Trilu", "fi", [X(*M)], "upper", upper=1)
add("move", "EyeLike", "fi", [X(*M)])
add("move", "ConstantOfShape", "f", [V([1024, 1024])], "zeros")
add("move", "ConstantOfShape", "i", [V([1024, 1024])], "sevens", value=helper.make_tensor("v", T.INT64, [1], [7]))
add("move", "Range", "f", [V(0, "f"), V(1e6, "f"), V(1, "f")])
add("move", "Range", "i", [V(0), V(1000000), V(1)])
add("move", "OneHot", "f", [X(4096, low=0, high=256, kind="i"), K(256), K([0, 1], "f")], "inner")
add("move", "OneHot", "f", [X(4096, low=0, high=256, kind="i"), K(256), K([0, 1], "f")], "outer", axis=0)
add("move", "OneHot", "i", [X(4096, low=0, high=256), K(256), K([0, 1])], "inner")
add("move", "CenterCropPad", "f", [X(1000, 1100), K([1100, 1000])])
add("move", "AffineGrid", "f", [X(4, 2, 3), K([4, 3, 512, 512])], "2-D")
add("move", "Col2Im", "f", [X(4, 32 * 9, 3136), K([56, 56]), K([3, 3])], pads=[1, 1, 1, 1])

# ---- indices ----
rows = lambda n, most: X(n, low=0, high=most, kind="i")
add("index", "Gather", "fiub", [X(*M), rows(1024, 1024)], "rows", axis=0)
add("index", "Gather", "fu", [W(30000, 64), rows(8192, 30000)], "embedding", axis=0)
add("index", "Gather", "f", [W(30000, 384), X(8, 128, low=0, high=30000, kind="i")], "embedding of 384", axis=0)
add("index", "Gather", "fiu", [X(*M), rows(1024, 1024)], "columns", axis=1)
add("index", "Gather", "fiu", [X(1 << 20), rows(1 << 20, 1 << 20)], "elements", axis=0)
add("index", "Gather", "f", [X(*FOUR), V(np.arange(32))], "channels", axis=1)
add("index", "GatherElements", "fiub", [X(*M), X(*M, low=0, high=1024, kind="i")], "inner", axis=1)
add("index", "GatherElements", "fiu", [X(*M), X(*M, low=0, high=1024, kind="i")], "outer", axis=0)
add("index", "GatherElements", "f", [X(32, 64, 512), X(32, 64, 512, low=0, high=64, kind="i")], "middle", axis=1)
add("index", "GatherND", "fiu", [X(*M), X(16384, 2, low=0, high=1024, kind="i")], "elements")
add("index", "GatherND", "fiub", [X(*M), X(1024, 1, low=0, high=1024, kind="i")], "rows")
add("index", "GatherND", "f", [X(64, 64, 256), X(64, 256, 1, low=0, high=64, kind="i")], "batched", batch_dims=1)
add("index", "GatherND", "f", [X(*M), X(1 << 20, 2, low=0, high=1024, kind="i")], "a million")
add("index", "ScatterElements", "fiub", [X(*M), X(*M, low=0, high=1024, kind="i"), X(*M)], "inner", axis=1)
add("index", "ScatterElements", "fiu", [X(*M), X(*M, low=0, high=1024, kind="i"), X(*M)], "outer", axis=0)
for reduction in ("add", "max", "mul"):
    add("index", "ScatterElements", "fi", [X(*M), X(*M, low=0, high=1024, kind="i"), X(*M)], f"inner {reduction}", axis=1, reduction=reduction)
add("index", "ScatterND", "fiub", [X(*M), V(np.random.default_rng(1).permutation(1024)[:512, None]), X(512, 1024)], "rows")
add("index", "ScatterND", "fiu", [X(*M), X(16384, 2, low=0, high=1024, kind="i"), X(16384)], "elements")
add("index", "ScatterND", "f", [X(*M), X(512, 1, low=0, high=1024, kind="i"), X(512, 1024)], "rows add", reduction="add")
add("index", "ScatterND", "f", [X(*M), X(65536, 2, low=0, high=1024, kind="i"), X(65536)], "elements add", reduction="add")
add("index", "Compress", "fiub", [X(*M), X(1024, kind="b")], "rows", axis=0)
add("index", "Compress", "fiu", [X(*M), X(1024, kind="b")], "columns", axis=1)
add("index", "Compress", "fi", [X(*M), X(1 << 20, kind="b")], "flat")
add("index", "NonZero", "fiub", [X(*M, low=0, high=2)])
add("index", "NonZero", "b", [X(1 << 20)], "flat")
add("index", "NonZero", "b", [X(64, 128, 128)], "3-D")
add("index", "TensorScatter", "f", [X(4, 8, 512, 64), X(4, 8, 64, 64), V([0, 8, 100, 300])], opset=24, mode="linear")

# ---- order ----
add("sort", "TopK", "fi", [X(*M), K([1])], "1 of 1024", outputs=2)
add("sort", "TopK", "fi", [X(*M), K([10])], "10 of 1024", outputs=2)
add("sort", "TopK", "fiu", [X(*M), K([100])], "100 of 1024", outputs=2)
add("sort", "TopK", "f", [X(*M), K([1024])], "all of 1024", outputs=2)
add("sort", "TopK", "f", [X(*M), K([10])], "10 of 1024 outer", outputs=2, axis=0)
add("sort", "TopK", "f", [X(*M), K([100])], "least 100 unsorted", outputs=2, largest=0, sorted=0)
add("sort", "TopK", "fi", [X(1 << 20), K([300])], "300 of a million", outputs=2)
add("sort", "TopK", "f", [X(1 << 20), K([50000])], "50000 of a million", outputs=2)
add("sort", "TopK", "f", [X(64, 32000), K([50])], "50 of 32000", outputs=2)
add("sort", "CumSum", "fi", [X(*M), K(1)], "inner")
add("sort", "CumSum", "fi", [X(*M), K(0)], "outer")
add("sort", "CumSum", "f", [X(32, 64, 512), K(1)], "middle")
add("sort", "CumSum", "fi", [X(*M), K(1)], "inner exclusive reverse", exclusive=1, reverse=1)
add("sort", "CumProd", "f", [X(*M), K(1)], "inner", opset=26)
add("sort", "Unique", "fi", [X(1 << 18, low=0, high=1000)], "sorted", outputs=4)
add("sort", "Unique", "fi", [X(1 << 18, low=0, high=1000)], "in order", outputs=4, sorted=0)
add("sort", "Unique", "i", [X(4096, 64, low=0, high=3)], "rows", outputs=4, axis=0)
BOXES = np.random.default_rng(3).random((1, 4000, 4), np.float32)
BOXES[..., 2:] = BOXES[..., :2] + 0.05
add("sort", "NonMaxSuppression", "f", [V(BOXES, "f"), X(1, 80, 4000, low=0, high=1), K([200]), K([0.5], "f"), K([0.3], "f")], "80 classes")
add("sort", "NonMaxSuppression", "f", [V(BOXES, "f"), X(1, 1, 4000, low=0, high=1), K([1000]), K([0.5], "f")], "one class")

# ---- quantisation ----
scale = lambda *v: K(np.float32(v if len(v) > 1 else v[0]), "f")
add("quantise", "QuantizeLinear", "f", [X(*M), scale(0.02), K(128, "u")], "to u8")
add("quantise", "QuantizeLinear", "f", [X(*M), scale(0.02), K(0, "c")], "to i8")
add("quantise", "QuantizeLinear", "f", [X(*M), W(1024, low=0.01, high=0.1, kind="f"), W(1024, kind="c")], "to i8 per column", axis=1)
add("quantise", "QuantizeLinear", "f", [X(*M), W(1024, low=0.01, high=0.1, kind="f"), W(1024, kind="c")], "to i8 per row", axis=0)
add("quantise", "QuantizeLinear", "f", [X(*M), W(1024, 32, low=0.01, high=0.1, kind="f"), W(1024, 32, kind="c")], "to i8 in blocks", axis=1, block_size=32)
add("quantise", "DequantizeLinear", "uc", [X(*M), scale(0.02), W(high=5)])
add("quantise", "DequantizeLinear", "n", [X(*M), scale(0.02)])
add("quantise", "DequantizeLinear", "c", [X(*M), W(1024, low=0.01, high=0.1, kind="f"), W(1024)], "per column", axis=1)
add("quantise", "DequantizeLinear", "c", [X(*M), W(1024, low=0.01, high=0.1, kind="f"), W(1024)], "per row", axis=0)
add("quantise", "DequantizeLinear", "c", [X(*M), W(1024, 32, low=0.01, high=0.1, kind="f"), W(1024, 32)], "in blocks", axis=1, block_size=32)
add("quantise", "DynamicQuantizeLinear", "f", [X(*M)], outputs=3)
add("quantise", "MatMulInteger", "u", [X(256, 512), W(512, 512, kind="c"), W()])
add("quantise", "MatMulInteger", "u", [X(256, 512), X(512, 512)], "two inputs")
add("quantise", "QLinearMatMul", "u", [X(256, 512), scale(0.02), K(128, "u"), W(512, 512, kind="c"), scale(0.01), K(0, "c"), scale(0.05), K(128, "u")])
add("quantise", "QLinearConv", "u", [X(4, 64, 56, 56), scale(0.02), K(128, "u"), W(64, 64, 3, 3, kind="c"), scale(0.01), K(0, "c"), scale(0.05), K(128, "u"),
                                     W(64, kind="n")], "3x3", pads=[1, 1, 1, 1])
add("quantise", "ConvInteger", "u", [X(4, 64, 56, 56), W(64, 64, 3, 3), K(128, "u"), K(120, "u")], "3x3", pads=[1, 1, 1, 1])

# ---- matrices ----
add("matrix", "MatMul", "f", [X(512, 512), W(512, 512)], "constant")
add("matrix", "MatMul", "f", [X(512, 512), X(512, 512)], "two inputs")
add("matrix", "MatMul", "f", [X(12, 128, 64), X(12, 64, 128)], "batched")
add("matrix", "MatMul", "f", [X(1, 1024), W(1024, 1024)], "vector by matrix")
add("matrix", "MatMul", "f", [X(1024, 1024), X(1024)], "matrix by vector")
add("matrix", "MatMul", "dni", [X(256, 256), X(256, 256)], "two inputs")
add("matrix", "Gemm", "f", [X(512, 512), W(512, 512), W(512)], "transposed", transB=1)
add("matrix", "Gemm", "f", [X(512, 512), X(512, 512), X(512)], "two inputs transposed", transA=1)
add("matrix", "Einsum", "f", [X(12, 128, 64), X(12, 128, 64)], "bij,bkj-bik", equation="bij,bkj->bik")
add("matrix", "Einsum", "f", [X(8, 128, 12, 64), X(8, 128, 12, 64)], "bqhd,bkhd-bhqk", equation="bqhd,bkhd->bhqk")
add("matrix", "Einsum", "f", [X(512, 512)], "ij-ji", equation="ij->ji")
add("matrix", "Einsum", "f", [X(512, 512), X(512, 512)], "ij,ij-i", equation="ij,ij->i")
add("matrix", "Det", "f", [X(4096, 8, 8)])

# ---- convolutions and pools ----
add("convolution", "Conv", "f", [X(4, 64, 56, 56), W(64, 64, 3, 3), W(64)], "3x3", pads=[1, 1, 1, 1])
add("convolution", "Conv", "f", [X(4, 64, 56, 56), W(128, 64, 1, 1)], "1x1")
add("convolution", "Conv", "f", [X(1, 3, 224, 224), W(64, 3, 7, 7)], "7x7 stride 2", pads=[3, 3, 3, 3], strides=[2, 2])
add("convolution", "Conv", "f", [X(4, 64, 56, 56), W(64, 1, 3, 3)], "depthwise", pads=[1, 1, 1, 1], group=64)
add("convolution", "Conv", "f", [X(4, 64, 56, 56), W(64, 16, 3, 3)], "4 groups", pads=[1, 1, 1, 1], group=4)
add("convolution", "Conv", "f", [X(4, 64, 56, 56), W(64, 64, 3, 3)], "dilated", pads=[2, 2, 2, 2], dilations=[2, 2])
add("convolution", "Conv", "f", [X(4, 64, 4096), W(64, 64, 5)], "1-D", pads=[2, 2])
add("convolution", "Conv", "f", [X(1, 16, 16, 56, 56), W(16, 16, 3, 3, 3)], "3-D", pads=[1] * 6)
add("convolution", "Conv", "f", [X(2, 64, 56, 56), X(64, 64, 3, 3)], "weights as input", pads=[1, 1, 1, 1])
add("convolution", "ConvTranspose", "f", [X(2, 64, 56, 56), W(64, 32, 2, 2)], "2x2 stride 2", strides=[2, 2])
add("convolution", "ConvTranspose", "f", [X(2, 64, 56, 56), W(64, 32, 4, 4)], "4x4 stride 2", strides=[2, 2], pads=[1, 1, 1, 1])
add("convolution", "ConvTranspose", "f", [X(2, 64, 56, 56), W(64, 32, 3, 3)], "3x3", pads=[1, 1, 1, 1])
add("convolution", "ConvTranspose", "f", [X(4, 64, 2048), W(64, 32, 8)], "1-D stride 4", strides=[4], pads=[2, 2])
add("convolution", "ConvTranspose", "f", [X(2, 64, 56, 56), W(64, 1, 4, 4)], "depthwise", strides=[2, 2], pads=[1, 1, 1, 1], group=64)
add("convolution", "DeformConv", "f", [X(1, 64, 56, 56), W(64, 64, 3, 3), X(1, 18, 56, 56)], "3x3", pads=[1, 1, 1, 1])
add("pool", "MaxPool", "fu", [X(*IMAGE)], "3x3 stride 2", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
add("pool", "MaxPool", "f", [X(*IMAGE)], "2x2", kernel_shape=[2, 2], strides=[2, 2])
add("pool", "MaxPool", "f", [X(*IMAGE)], "2x2 with indices", outputs=2, kernel_shape=[2, 2], strides=[2, 2])
add("pool", "MaxPool", "f", [X(4, 64, 8192)], "1-D", kernel_shape=[3], strides=[2])
add("pool", "MaxPool", "f", [X(2, 16, 32, 32, 32)], "3-D", kernel_shape=[2, 2, 2], strides=[2, 2, 2])
add("pool", "MaxPool", "f", [X(2, 64, 56, 56)], "5x5 stride 1", kernel_shape=[5, 5], strides=[1, 1], pads=[2, 2, 2, 2])
add("pool", "AveragePool", "f", [X(*IMAGE)], "3x3", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
add("pool", "AveragePool", "f", [X(*IMAGE)], "2x2", kernel_shape=[2, 2], strides=[2, 2])
add("pool", "LpPool", "f", [X(*IMAGE)], "2x2", kernel_shape=[2, 2], strides=[2, 2])
add("pool", "GlobalAveragePool GlobalMaxPool GlobalLpPool", "f", [X(*IMAGE)], opset=20)
add("pool", "MaxUnpool", "f", [X(4, 64, 28, 28), V(np.tile((np.arange(28)[:, None] * 2 * 56 + np.arange(28) * 2), (4, 64, 1, 1)) + 3136 * np.arange(256).reshape(4, 64, 1, 1))],
    kernel_shape=[2, 2], strides=[2, 2])

# ---- normalisation and softmax ----
add("normalise", "Softmax LogSoftmax Hardmax", "f", [X(*M)], "inner", axis=-1)
add("normalise", "Softmax LogSoftmax", "f", [X(*M)], "outer", axis=0)
add("normalise", "Softmax", "f", [X(8, 21, 64, 64)], "channels", axis=1)
add("normalise", "Softmax", "f", [X(8, 12, 128, 128)], "attention", axis=-1)
add("normalise", "Softmax LogSoftmax", "d", [X(*M)], "inner", axis=-1)
add("normalise", "BatchNormalization", "f", [X(*IMAGE), W(64), W(64), W(64), W(64, low=1)])
add("normalise", "LayerNormalization", "f", [X(1024, 768), W(768), W(768)], axis=-1)
add("normalise", "RMSNormalization", "f", [X(1024, 768), W(768)], axis=-1, opset=23)
add("normalise", "SimplifiedLayerNormalization", "f", [X(1024, 768), W(768)], axis=-1)
add("normalise", "InstanceNormalization", "f", [X(*IMAGE), W(64), W(64)])
add("normalise", "GroupNormalization", "f", [X(*IMAGE), W(64), W(64)], num_groups=8)
add("normalise", "LpNormalization", "f", [X(*M)], "inner", axis=1)
add("normalise", "LpNormalization", "f", [X(*M)], "outer", axis=0)
add("normalise", "MeanVarianceNormalization", "f", [X(*IMAGE)])
add("normalise", "LRN", "f", [X(*IMAGE)], size=5)
add("normalise", "Dropout", "f", [X(*M)])

# ---- vision ----
for mode in ("nearest", "linear", "cubic"):
    add("vision", "Resize", "f", [X(2, 32, 64, 64), None, K([1, 1, 2, 2], "f")], f"{mode} twice", mode=mode)
    add("vision", "Resize", "f", [X(2, 32, 128, 128), None, K([1, 1, 0.5, 0.5], "f")], f"{mode} half", mode=mode)
add("vision", "Resize", "u", [X(1, 3, 480, 640), None, None, K([1, 3, 224, 224])], "linear picture", mode="linear")
add("vision", "Resize", "f", [X(1, 3, 480, 640), None, None, K([1, 3, 224, 224])], "antialias", mode="linear", antialias=1)
add("vision", "Resize", "f", [X(2, 32, 64, 64), None, K([1, 1, 2, 2], "f")], "linear align_corners", mode="linear", coordinate_transformation_mode="align_corners")
add("vision", "Resize", "f", [X(2, 32, 64, 64), None, K([1, 1, 2, 2], "f")], "nearest asymmetric", mode="nearest", coordinate_transformation_mode="asymmetric",
    nearest_mode="floor")
add("vision", "Resize", "f", [X(1, 8, 32, 32, 32), None, K([1, 1, 2, 2, 2], "f")], "linear 3-D", mode="linear")
for mode in ("linear", "nearest", "cubic"):
    add("vision", "GridSample", "f", [X(2, 32, 64, 64), X(2, 64, 64, 2, low=-1, high=1)], mode, mode=mode)
add("vision", "GridSample", "f", [X(2, 32, 64, 64), X(2, 64, 64, 2, low=-1.2, high=1.2)], "linear border", padding_mode="border", align_corners=1)
add("vision", "GridSample", "f", [X(1, 8, 32, 32, 32), X(1, 32, 32, 32, 3, low=-1, high=1)], "3-D")
ROIS = np.random.default_rng(5).random((256, 4), np.float32) * 400
ROIS[:, 2:] = ROIS[:, :2] + 100
for mode in ("avg", "max"):
    add("vision", "RoiAlign", "f", [X(1, 64, 64, 64), V(ROIS, "f"), V(np.zeros(256))], mode, opset=20, output_height=7, output_width=7, sampling_ratio=2, spatial_scale=0.125, mode=mode)
add("vision", "MaxRoiPool", "f", [X(1, 64, 64, 64), V(np.concatenate([np.zeros((256, 1)), ROIS], 1), "f")], opset=20, pooled_shape=[7, 7], spatial_scale=0.125)

# ---- recurrent and attention ----
H = 128
add("recurrent", "LSTM", "f", [X(64, 8, 64), W(1, 4 * H, 64, low=-0.1, high=0.1), W(1, 4 * H, H, low=-0.1, high=0.1), W(1, 8 * H, low=-0.1, high=0.1)], outputs=3, hidden_size=H)
add("recurrent", "LSTM", "f", [X(64, 8, 64), W(2, 4 * H, 64, low=-0.1, high=0.1), W(2, 4 * H, H, low=-0.1, high=0.1)], "both ways", outputs=3, hidden_size=H,
    direction="bidirectional")
add("recurrent", "GRU", "f", [X(64, 8, 64), W(1, 3 * H, 64, low=-0.1, high=0.1), W(1, 3 * H, H, low=-0.1, high=0.1)], outputs=2, hidden_size=H)
add("recurrent", "GRU", "f", [X(64, 8, 64), W(1, 3 * H, 64, low=-0.1, high=0.1), W(1, 3 * H, H, low=-0.1, high=0.1), W(1, 6 * H)], "linear before reset", outputs=2,
    hidden_size=H, linear_before_reset=1)
add("recurrent", "RNN", "f", [X(64, 8, 64), W(1, H, 64, low=-0.1, high=0.1), W(1, H, H, low=-0.1, high=0.1)], outputs=2, hidden_size=H)
add("attention", "Attention", "f", [X(2, 8, 256, 64)] * 3, "8 heads", opset=23)
add("attention", "Attention", "f", [X(2, 8, 256, 64)] * 3, "causal", opset=23, is_causal=1)
add("attention", "Attention", "f", [X(2, 256, 512), X(2, 256, 128), X(2, 256, 128)], "grouped 3-D", opset=23, q_num_heads=8, kv_num_heads=2)
add("attention", "RotaryEmbedding", "f", [X(2, 8, 256, 64), W(512, 32), W(512, 32), V(np.tile(np.arange(256), (2, 1)))], opset=23)

# ---- signals, random, the rest ----
add("signal", "DFT", "f", [X(16, 4096, 1)], "real", opset=20)
add("signal", "DFT", "f", [X(16, 4096, 2)], "complex", opset=20)
add("signal", "DFT", "f", [X(16, 3000, 2)], "complex of 3000", opset=20)
add("signal", "STFT", "f", [X(2, 65536, 1), K(128), W(512), K(512)], opset=17)
add("signal", "HannWindow HammingWindow BlackmanWindow", "i", [V(1 << 20)], opset=17)
add("signal", "MelWeightMatrix", "f", [K(256), K(4096), K(16000), K(0.0, "f"), V(8000.0, "f")], opset=17)
add("random", "RandomNormalLike RandomUniformLike", "f", [X(*M)], opset=20)
add("random", "Multinomial", "f", [X(64, 4096)], "64 of 4096", opset=20, sample_size=64)
add("random", "Bernoulli", "f", [X(*M, low=0, high=1)], opset=20)

# ---- classic machine learning ----
add("ml", "Scaler", "f", [X(4096, 256)], domain="ai.onnx.ml", offset=[0.5] * 256, scale=[2.0] * 256)
add("ml", "Normalizer", "f", [X(4096, 256)], "L2", domain="ai.onnx.ml", norm="L2")
add("ml", "Binarizer", "f", [X(4096, 256)], domain="ai.onnx.ml", threshold=0.5)
add("ml", "Imputer", "f", [X(4096, 256)], domain="ai.onnx.ml", imputed_value_floats=[0.0] * 256, replaced_value_float=float("nan"))
add("ml", "LinearRegressor", "f", [X(8192, 128)], domain="ai.onnx.ml", coefficients=[0.1] * 128, intercepts=[1.0])
add("ml", "LinearClassifier", "f", [X(8192, 128)], domain="ai.onnx.ml", outputs=2, coefficients=[0.01 * (i % 7) for i in range(1280)], intercepts=[0.0] * 10,
    classlabels_ints=list(range(10)), post_transform="SOFTMAX")
add("ml", "ArrayFeatureExtractor", "f", [X(8192, 128), V(np.arange(0, 128, 2)[None])], domain="ai.onnx.ml")
add("ml", "LabelEncoder", "i", [X(1 << 18, low=0, high=100)], "64 keys", domain="ai.onnx.ml", keys_int64s=list(range(64)), values_int64s=list(range(64, 0, -1)), default_int64=-1)
add("ml", "OneHotEncoder", "i", [X(1 << 14, low=0, high=32)], domain="ai.onnx.ml", cats_int64s=list(range(32)))
add("ml", "FeatureVectorizer", "f", [X(8192, 64), X(8192, 64)], domain="ai.onnx.ml", inputdimensions=[64, 64])
add("ml", "SVMRegressor", "f", [X(2048, 64)], "RBF", domain="ai.onnx.ml", kernel_type="RBF", kernel_params=[0.1, 0.0, 3.0], n_supports=100, rho=[0.5],
    coefficients=[0.01 * (i % 11 - 5) for i in range(100)], support_vectors=[0.1 * (i % 13 - 6) for i in range(6400)])


def forest(trees, depth, features, leaves):
    """Complete trees with thresholds around zero."""
    rng, columns = np.random.default_rng(7), {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")}
    marks = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}
    inner, every = (1 << depth) - 1, (1 << depth + 1) - 1
    for t in range(trees):
        for n in range(every):
            leaf = n >= inner
            row = (t, n, 0 if leaf else int(rng.integers(features)), 0.0 if leaf else float(rng.normal()), "LEAF" if leaf else "BRANCH_LEQ",
                   0 if leaf else 2 * n + 1, 0 if leaf else 2 * n + 2)
            for column, v in zip(columns.values(), row):
                column.append(v)
            if leaf:
                for column, v in zip(marks.values(), (t, n, 0, float(rng.normal()))):
                    column.append(v)
    return {**{f"nodes_{k}": v for k, v in columns.items()}, **{f"{leaves}_{k}": v for k, v in marks.items()}}


add("ml", "TreeEnsembleRegressor", "f", [X(4096, 64)], "100 trees", domain="ai.onnx.ml", n_targets=1, **forest(100, 6, 64, "target"))
add("ml", "TreeEnsembleClassifier", "f", [X(4096, 64)], "100 trees", outputs=2, domain="ai.onnx.ml", classlabels_int64s=[0, 1], **forest(100, 6, 64, "class"))
