# SPDX-License-Identifier: MIT
"""Shapes that the suite's cases do not ask for: scalars, empty tensors, axes of size one, odd sizes around the vector width,
negative axes.

A row: operators, what is named, and lists of shapes, one per input that is not named. What is named goes to the attribute or
to the input of that name, whichever the schema row has; where it has neither, the row of this table is not for it. An input
given as a list of integers is a constant; [] of type float is said by a float.
"""
F = 1.0
ODD = [[], [0], [1], [7], [17], [33], [65], [2, 0, 3], [3, 5, 7]]
PAIRS = [([], []), ([], [5]), ([0], [1]), ([1], [17]), ([3, 1, 5], [1, 7, 1]), ([33], [33]), ([2, 65], [65]), ([2, 0, 3], [1, 1, 3]),
         ([4, 3, 7], [3, 1])]
LINES = [[3, 17, 5], [1, 1, 1], [2, 65, 33], [5, 1, 2]]
HOLES = [*LINES, [2, 0, 3]]

UNARY = """Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish Hardmax=
    Identity IsInf IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish
    Tan Tanh ThresholdedRelu Shape Size NonZero""".replace("Hardmax=", "").split()
BINARY = """Add And BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Mul Or Pow Sub Xor""".split()
REDUCE = """ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean ReduceProd ReduceSum ReduceSumSquare""".split()

TABLE = [
    (UNARY, {}, ODD),
    (BINARY, {}, PAIRS),
    ("Mod", {"fmod": 0}, PAIRS),
    ("Mod", {"fmod": 1}, PAIRS),
    ("BitShift", {"direction": "LEFT"}, PAIRS),
    ("BitShift", {"direction": "RIGHT"}, PAIRS),
    ("PRelu@7", {}, [([3, 5, 7], [7]), ([3, 5, 7], [5, 1]), ([17], [1]), ([2, 0, 3], [3]), ([], [])]),
    ("Max Min Sum Mean", {}, [([], [5], [1]), ([3, 1, 5], [1, 7, 1], [5]), ([33], [33], [1]), ([0], [1], [])]),
    ("Max Min Sum Mean", {}, [([17],), ([],), ([2, 0],)]),
    ("Where", {}, [([], [5], [1]), ([3, 1, 5], [1, 7, 1], [5]), ([65], [], [65]), ([0], [1], []), ([1], [17], [2, 1])]),
    ("Clip", {}, [([], [], []), ([33], [], []), ([2, 0, 3], [], [])]),
    ("Clip", {"min": -1.0, "max": 1.0}, ODD),
    (REDUCE + ["ReduceMax", "ReduceMin"], {"axes": [-1], "keepdims": 0}, LINES),
    (REDUCE + ["ReduceMax", "ReduceMin"], {"axes": [0, 2]}, LINES),
    (REDUCE + ["ReduceMax", "ReduceMin"], {"axes": [-2], "keepdims": 1}, LINES),
    (REDUCE + ["ReduceMax", "ReduceMin"], {}, [[], [1], [7], [33], *LINES]),
    (["ReduceSum", "ReduceL1", "ReduceL2", "ReduceProd", "ReduceSumSquare", "ReduceMax", "ReduceMin"], {"axes": [1], "keepdims": 0}, [[2, 0, 3]]),
    (["ReduceSum", "ReduceMax", "ReduceMean"], {"axes": [-1]}, [[2, 0, 3]]),
    ("ReduceSum ReduceMax ReduceL2", {"noop_with_empty_axes": 1}, [[3, 5], []]),
    ("ArgMax ArgMin", {"axis": -1, "keepdims": 0}, LINES),
    ("ArgMax ArgMin", {"axis": 1}, LINES),
    ("ArgMax ArgMin", {"axis": 0, "select_last_index": 1}, LINES),
    ("Softmax LogSoftmax Hardmax", {"axis": -1}, HOLES),
    ("Softmax LogSoftmax Hardmax", {"axis": 0}, HOLES),
    ("Softmax LogSoftmax Hardmax", {}, [[1], [7], [65], [3, 5, 7]]),
    ("CumSum CumProd", {"axis": 0}, [[1], [7], [65], [3, 5], [0]]),
    ("CumSum CumProd", {"axis": -1, "exclusive": 1, "reverse": 1}, [[1], [33], [3, 5, 7]]),
    ("LpNormalization", {"axis": -1, "p": 1}, LINES),
    ("LpNormalization", {"axis": 0, "p": 2}, LINES),
    ("LayerNormalization", {"axis": -1}, [([3, 17], [17], [17]), ([2, 5, 33], [33], [33]), ([65], [65], [65]), ([0, 7], [7], [7])]),
    ("LayerNormalization", {"axis": 1, "epsilon": 0.5}, [([3, 17, 5], [17, 5], [17, 5])]),
    ("RMSNormalization", {"axis": -1}, [([3, 17], [17]), ([2, 5, 33], [33]), ([65], [65]), ([0, 7], [7])]),
    ("Transpose", {}, ODD),
    ("Transpose", {"perm": [2, 0, 1]}, HOLES),
    ("Transpose", {"perm": [0, 2, 1]}, HOLES),
    ("Concat", {"axis": 0}, [([1], [7], [0]), ([3, 5], [1, 5]), ([0, 5], [2, 5])]),
    ("Concat", {"axis": -1}, [([2, 3], [2, 1], [2, 33]), ([7],), ([2, 0, 3], [2, 0, 1])]),
    ("Split", {"axis": -1, "split": [3, 1, 13], "+outputs": 3}, [[17], [2, 17], [0, 17]]),
    ("Slice", {"starts": [-1, 0], "ends": [-99, 99], "axes": [-1, 0], "steps": [-2, 1]}, LINES),
    ("Slice", {"starts": [1], "ends": [4], "axes": [-1]}, [[7], [17], [3, 65], [1], [0], [2, 0, 3]]),
    ("Gather", {"axis": -1, "indices": [0, -1, 0]}, [[7], [3, 17], [2, 3, 1]]),
    ("Gather", {"axis": 0, "indices": []}, [[7], [3, 17], [0, 4]]),
    ("Gather", {"axis": 1, "indices": [[-2, 1], [0, 0]]}, [[3, 7], [1, 2, 5], [0, 2]]),
    ("GatherElements", {"axis": -1, "indices": [[0, -1, 2]]}, [[1, 3], [2, 7]]),
    ("GatherND", {"indices": [[0, -1], [1, 0]]}, [[2, 3], [3, 1, 5]]),
    ("GatherND", {"batch_dims": 1, "indices": [[0], [-1]]}, [[2, 3], [2, 1, 5]]),
    ("ScatterElements Scatter", {"axis": -1, "indices": [[0, -1, 1]]}, [([1, 3], [1, 3]), ([2, 7], [1, 3])]),
    ("ScatterElements", {"axis": 0, "reduction": "add", "indices": [[0, 0, 0]]}, [([1, 3], [1, 3]), ([2, 7], [1, 3])]),
    ("ScatterElements", {"axis": 0, "reduction": "mul", "indices": [[1, 1, 0], [1, 0, 1]]}, [([2, 3], [2, 3])]),
    ("ScatterElements", {"axis": 0, "reduction": "max", "indices": [[1, 1, 0], [1, 0, 1]]}, [([2, 3], [2, 3])]),
    ("ScatterElements", {"axis": 0, "reduction": "min", "indices": [[1, 1, 0], [1, 0, 1]]}, [([2, 3], [2, 3])]),
    ("ScatterND", {"indices": [[0], [-1]]}, [([3, 5], [2, 5]), ([2], [2])]),
    ("ScatterND", {"reduction": "add", "indices": [[1], [1]]}, [([3, 17], [2, 17])]),
    ("ScatterND", {"reduction": "mul", "indices": [[1], [1]]}, [([3, 17], [2, 17])]),
    ("ScatterND", {"reduction": "max", "indices": [[1], [1]]}, [([3, 17], [2, 17])]),
    ("ScatterND", {"reduction": "min", "indices": [[1], [1]]}, [([3, 17], [2, 17])]),
    ("Tile", {"repeats": [3]}, [[1], [7], [0]]),
    ("Tile", {"repeats": [2, 1, 3]}, HOLES),
    ("Expand", {"shape": [3, 1, 5]}, [[], [1], [5], [3, 7, 1], [0, 1]]),
    ("Reshape", {"shape": [0, -1]}, [[3, 5], [1, 7, 1], [2, 3, 17]]),
    ("Reshape", {"shape": []}, [[], [1], [1, 1]]),
    ("Flatten", {"axis": -1}, HOLES),
    ("Flatten", {"axis": 0}, [*HOLES, []]),
    ("Squeeze", {"axes": [-2]}, [[3, 1, 5], [1, 7], [0, 1, 2]]),
    ("Squeeze", {}, [[3, 1, 5], [1, 7], [1, 1]]),
    ("Unsqueeze", {"axes": [0, -1]}, [[], [7], [0, 3]]),
    ("Pad", {"pads": [1, 0, 2, 3], "mode": "constant"}, [[3, 5], [1, 1], [0, 2], [2, 33]]),
    ("Pad", {"pads": [1, 0, 2, 3], "mode": "reflect"}, [[3, 5], [4, 33]]),
    ("Pad", {"pads": [1, 0, 2, 3], "mode": "edge"}, [[3, 5], [1, 1], [2, 33]]),
    ("Pad", {"pads": [1, 0, 2, 7], "mode": "wrap"}, [[3, 5], [2, 33]]),
    ("Pad", {"pads": [-1, 2, 0, -1], "mode": "constant"}, [[3, 5], [2, 33]]),
    ("TopK", {"axis": -1, "k": [3], "K": [3], "+outputs": 2}, [[7], [3, 17], [2, 65]]),
    ("TopK", {"axis": 0, "k": [1], "K": [1], "largest": 0, "+outputs": 2}, [[1], [3, 17]]),
    ("Trilu", {"upper": 0}, [[3, 3], [5, 7], [2, 17, 3], [0, 4]]),
    ("Trilu", {"upper": 1, "k": -1}, [[3, 3], [5, 7], [2, 17, 3]]),
    ("EyeLike", {"k": -1}, [[3, 3], [5, 7], [1, 17], [0, 3]]),
    ("Compress", {"axis": -1, "condition": [True, False, True]}, [[3], [5, 17], [0, 3]]),
    ("Compress", {"condition": [False, True, True, False, True]}, [[7], [3, 17]]),
    ("OneHot", {"axis": -1, "depth": 5}, [([], [2]), ([7], [2]), ([3, 1], [2]), ([0], [2])]),
    ("OneHot", {"axis": 0, "depth": 3}, [([7], [2]), ([3, 1], [2])]),
    ("Unique", {"sorted": 1, "+outputs": 4}, [[1], [7], [33], [3, 5]]),
    ("Unique", {"axis": -1, "+outputs": 4}, [[2, 7], [1, 5]]),
    ("DepthToSpace", {"blocksize": 2, "mode": "CRD"}, [[1, 4, 3, 5], [2, 8, 1, 1], [0, 4, 1, 1]]),
    ("DepthToSpace", {"blocksize": 3, "mode": "DCR"}, [[1, 9, 3, 5], [2, 18, 1, 1]]),
    ("SpaceToDepth", {"blocksize": 2}, [[1, 3, 4, 6], [2, 1, 2, 2], [0, 1, 2, 2]]),
    ("ReverseSequence", {"sequence_lens": [1, 4, 3]}, [[5, 3], [4, 3, 7]]),
    ("MatMul", {}, [([3, 5], [5, 7]), ([17], [17]), ([5], [5, 33]), ([3, 5], [5]), ([2, 1, 3, 5], [7, 5, 1]), ([3, 0], [0, 2]), ([0, 3], [3, 2]),
                    ([1, 65], [65, 17])]),
    ("Gemm@7", {"transA": 1, "alpha": 0.5}, [([5, 3], [5, 7], [7]), ([1, 1], [1, 1], [1]), ([65, 3], [65, 17], [3, 1])]),
    ("Gemm@7", {"transB": 1, "beta": 2.0}, [([5, 3], [7, 3], [5, 7]), ([2, 33], [1, 33], [1])]),
    ("Einsum", {"equation": "bij,bjk->bik"}, [([2, 3, 5], [2, 5, 1]), ([1, 7, 17], [1, 17, 3])]),
    ("Einsum", {"equation": "ij->"}, [([3, 5],), ([1, 17],)]),
    ("Det", {}, [[1, 1], [3, 3], [2, 5, 5]]),
    ("Conv", {}, [([1, 3, 7, 9], [5, 3, 3, 3], [5]), ([2, 1, 5], [3, 1, 2]), ([1, 17, 3, 3], [1, 17, 1, 1], [1])]),
    ("Conv", {"group": 3, "pads": [1, 1, 1, 1]}, [([1, 3, 5, 5], [3, 1, 3, 3]), ([2, 6, 4, 7], [3, 2, 2, 3], [3])]),
    ("Conv", {"strides": [2, 1], "dilations": [1, 2], "auto_pad": "SAME_UPPER"}, [([1, 2, 7, 9], [3, 2, 3, 3])]),
    ("ConvTranspose", {"strides": [2, 2], "output_padding": [1, 0]}, [([1, 2, 3, 5], [2, 3, 3, 2], [3])]),
    ("ConvTranspose", {}, [([1, 1, 7], [1, 3, 2]), ([1, 17, 1, 1], [17, 1, 3, 3])]),
    ("AveragePool", {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "count_include_pad": 1}, [[1, 3, 7, 5], [2, 1, 3, 17]]),
    ("AveragePool", {"kernel_shape": [2], "strides": [2]}, [[1, 3, 7], [2, 17, 2]]),
    ("MaxPool", {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1]}, [[1, 3, 7, 5], [2, 1, 3, 17]]),
    ("MaxPool", {"kernel_shape": [2], "strides": [2], "ceil_mode": 1}, [[1, 3, 7], [2, 17, 2]]),
    ("LpPool", {"kernel_shape": [2], "strides": [2], "p": 3}, [[1, 3, 7], [2, 17, 2]]),
    ("GlobalAveragePool GlobalMaxPool", {}, [[1, 3, 7], [2, 17, 5, 1], [1, 1, 1, 1, 3]]),
    ("InstanceNormalization", {}, [([2, 3, 7], [3], [3]), ([1, 17, 5, 1], [17], [17])]),
    ("GroupNormalization", {"num_groups": 3}, [([2, 6, 7], [6], [6]), ([1, 9, 3, 5], [9], [9])]),
    ("LRN", {"size": 3}, [[1, 5, 3, 3], [2, 1, 7, 1], [1, 17, 1, 5]]),
    ("BatchNormalization", {}, [([2, 3, 7], [3], [3], [3], [3]), ([1, 17, 5, 1], [17], [17], [17], [17])]),
    ("MeanVarianceNormalization", {"axes": [0, 2]}, [[2, 3, 7], [3, 17, 5]]),
    ("Resize", {"mode": "nearest", "scales": [1.0, 2.5]}, [[1, 3], [2, 17]]),
    ("Resize", {"mode": "linear", "scales": [1.0, 1.0, 0.5, 2.0]}, [[1, 2, 7, 5]]),
    ("Resize", {"mode": "cubic", "scales": [1.0, 1.0, 0.5, 2.0]}, [[1, 2, 7, 5]]),
    ("QuantizeLinear DequantizeLinear", {"axis": -1}, [([3, 17], [], []), ([2, 7], [7], [7]), ([], [], []), ([0, 3], [3], [3])]),
]


# Types that these shapes are not asked in: a sum of texts has no meaning, and a scale of two's powers has no zero to pad with.
NOT_FOR = {"ScatterElements": ["string"], "ScatterND": ["string"], "Pad": ["float8e8m0"]}


def rows(schema):
    """(constants and attributes, shapes) of the table for a schema row; None for an input that is left out."""
    if schema.domain:
        return
    names = [p.name for p in schema.inputs]
    for ops, named, shapes in TABLE:
        since = {o.split("@")[0]: int(o.split("@")[1]) if "@" in o else 0 for o in (ops.split() if isinstance(ops, str) else ops)}
        if schema.since_version < since.get(schema.name, 1000):
            continue
        named, outputs = dict(named), named.get("+outputs", 1)
        named.pop("+outputs", None)
        if "k" in named and "K" in named:  # TopK spells it in two ways
            named.pop("K" if "k" in schema.attributes else "k")
        attributes = {k: v for k, v in named.items() if k in schema.attributes}
        inputs = {k: v for k, v in named.items() if k in names and k not in attributes}
        if len(attributes) + len(inputs) == len(named):
            if "k" in attributes:
                attributes["k"] = attributes["k"][0] if isinstance(attributes["k"], list) else attributes["k"]
            yield attributes, inputs, [s if isinstance(s, tuple) else (s,) for s in shapes], outputs
