# SPDX-License-Identifier: MIT
"""Cases of operators.py with tensors of a few KB, as classic models and single rows of features have them: what counts there is
what a kernel needs before its first element. All are of the family "small"."""
import numpy as np

from operator_cases import K, V, W, X, add, forest, scale

MS, ML = "com.microsoft", "ai.onnx.ml"
S, ROWS = (32, 32), (200, 5)


def small(ops, kinds, inputs, detail="", **more):
    add("small", ops, kinds, inputs, detail, **more)


# ---- single elements ----
small("Abs Neg", "fid", [X(*S)])
small("Exp Erf Sigmoid Tanh Relu Softplus Sin Cos Floor Round Gelu Atan", "f", [X(*S)])
small("Exp Tanh Sigmoid Sqrt Erf Sin Floor Softplus", "d", [X(*S, low=0.1)])
small("Log Sqrt Reciprocal", "f", [X(*S, low=0.1)])
small("Clip", "f", [X(*S), K(-1, "f"), K(1, "f")])
small("Not", "b", [X(*S)])
small("Add Sub Mul Div", "fidnu", [X(*S, low=1), X(*S, low=1)], "alike")
small("Add Mul", "fid", [X(*ROWS), W(5)], "row constant")
small("Sub Div", "fd", [X(*ROWS, low=1), X(200, 1, low=1)], "column")
small("Max Min", "fi", [X(*S), X(*S)], "alike")
small("Pow", "fd", [X(*S, low=0), W(low=2, high=2.5)], "constant")
small("Mod", "i", [X(*S), K(7)], "constant")
small("And Or", "b", [X(*S), X(*S)])
small("Equal Less Greater", "fi", [X(*S), X(*S)], "alike")
small("Equal", "i", [X(200, 1), W(1, 5)], "column by row")
small("Where", "fi", [X(*S, kind="b"), X(*S), X(*S)], "alike")
small("Where", "f", [X(200, 1, kind="b"), X(*ROWS), W()], "column condition")
for source, targets in {"f": "dibnu", "d": "fi", "i": "fbnd", "n": "fi", "b": "fi", "u": "f"}.items():
    for target in targets:
        kind = {"f": 1, "d": 11, "i": 7, "b": 9, "n": 6, "u": 2}[target]
        small("Cast", source, [X(*S, low=0, high=100)], f"to {target}", to=kind)

# ---- reductions and order ----
for where, (shape, axes) in {"rows of 5": (ROWS, [1]), "columns of 200": (ROWS, [0]), "rows of 2": ((500, 2), [1]), "rows": (S, [1]), "columns": (S, [0]), "all": (S, None),
                             "middle": ((8, 16, 8), [1]), "ends": ((8, 16, 8), [0, 2])}.items():
    inputs = [X(*shape, low=1, high=2)] + ([K(axes)] if axes else [])
    small("ReduceSum ReduceProd", "fi", inputs, where)
    small("ReduceSum", "d", inputs, where)
    small("ReduceMax", "fiu", inputs, where)
    small("ReduceMean ReduceL2 ReduceSumSquare ReduceLogSumExp ReduceMin", "f", inputs, where)
for op in ("ArgMax", "ArgMin"):
    small(op, "fdi", [X(*ROWS)], "rows of 5", axis=1)
    small(op, "f", [X(500, 2)], "rows of 2", axis=1)
    small(op, "fi", [X(*S)], "rows", axis=1)
    small(op, "f", [X(*S)], "columns", axis=0)
for rows, n, k in ((500, 5, 5), (200, 5, 1), (200, 5, 3), (32, 32, 5), (8, 100, 10), (1, 1000, 5), (1, 1000, 100)):
    small("TopK", "fi", [X(rows, n), K([k])], f"{k} of {n}, {rows} rows", outputs=2)
small("TopK", "d", [X(500, 5), K([5])], "5 of 5, 500 rows", outputs=2)
small("TopK", "f", [X(500, 5), K([3])], "least 3 of 5, 500 rows", outputs=2, largest=0)
small("TopK", "f", [X(100, 5), K([10])], "10 of 100, columns", outputs=2, axis=0)
small("CumSum", "fi", [X(*ROWS), K(1)], "rows of 5")
small("CumSum", "fi", [X(*S), K(0)], "columns")
small("Unique", "i", [X(200, low=0, high=20)], "of 200", outputs=4)
small("Softmax LogSoftmax", "fd", [X(*ROWS)], "rows of 5", axis=-1)
small("Softmax LogSoftmax Hardmax", "f", [X(*S)], "rows", axis=-1)
small("Softmax", "f", [X(*S)], "columns", axis=0)

# ---- movement and indices ----
small("Transpose", "fi", [X(*S)], "two", perm=[1, 0])
small("Transpose", "f", [X(*ROWS)], "rows of 5", perm=[1, 0])
small("Transpose", "f", [X(4, 16, 2, 8)], "heads", perm=[0, 2, 1, 3])
small("Transpose", "f", [X(1, 3, 16, 16)], "channels", perm=[0, 2, 3, 1])
small("Concat", "fi", [X(*ROWS), X(200, 1)], "columns", axis=1)
small("Concat", "fi", [X(16, 32), X(16, 32)], "rows", axis=0)
small("Concat", "f", [X(200, 1)] * 8, "eight columns", axis=1)
small("Split", "f", [X(32, 32), K([8, 8, 16])], "columns", outputs=3, axis=1)
small("Split", "f", [X(*ROWS), K([1, 1, 1, 1, 1])], "single columns", outputs=5, axis=1)
small("Slice", "fi", [X(*S), K([4]), K([28]), K([0])], "rows")
small("Slice", "fi", [X(*ROWS), K([1]), K([3]), K([1])], "columns")
small("Slice", "f", [X(*S), K([-1]), K([-100]), K([1]), K([-1])], "backwards")
small("Pad", "f", [X(1, 2, 20, 20), K([0, 0, 1, 1, 0, 0, 1, 1])], "images by 1")
small("Tile", "fi", [X(*S), K([2, 2])], "2x2")
small("Tile", "fid", [X(*ROWS), K([1, 3])], "rows of 5")
small("Tile", "f", [X(200, 1), K([1, 5])], "a column")
small("Expand", "fi", [X(1, 32), K([32, 32])], "row")
small("Expand", "fi", [X(200, 1), K([200, 5])], "column")
small("Reshape", "f", [X(*S), K([-1])])
small("Identity Flatten", "f", [X(*S)])
small("Unsqueeze", "f", [X(*S), K([0])])
small("Shape", "f", [X(*S)])
small("Gather", "fi", [X(*S), V(np.arange(16))], "rows", axis=0)
small("Gather", "f", [X(*ROWS), K([3])], "a column", axis=1)
small("Gather", "f", [X(*ROWS), K([0, 2, 3])], "three columns", axis=1)
small("Gather", "fi", [X(1000), V(np.arange(500))], "elements", axis=0)
small("GatherElements", "fi", [X(*S), X(*S, low=0, high=32, kind="i")], "rows", axis=1)
small("GatherND", "f", [X(*S), X(200, 2, low=0, high=32, kind="i")], "elements")
small("ScatterElements", "f", [X(*S), X(*S, low=0, high=32, kind="i"), X(*S)], "rows", axis=1)
small("ScatterND", "f", [X(*S), V(np.random.default_rng(1).permutation(32)[:16, None]), X(16, 32)], "rows")
small("Compress", "f", [X(*S), X(32, kind="b")], "rows", axis=0)
small("NonZero", "fb", [X(*S)])
small("OneHot", "f", [X(200, low=0, high=10, kind="i"), K(10), K([0, 1], "f")])
small("Range", "i", [V(0), V(1000), V(1)])
small("ConstantOfShape", "f", [V([32, 32])])
small("Trilu", "f", [X(*S)])
small("EyeLike", "f", [X(*S)])
small("DepthToSpace", "f", [X(1, 8, 10, 10)], blocksize=2)

# ---- products and networks ----
for m, k, n in ((1, 32, 32), (1, 64, 10), (32, 32, 32), (200, 5, 1), (200, 5, 3), (200, 10, 20)):
    small("Gemm", "f", [X(m, k), W(k, n), W(n)], f"{m}x{k}x{n}")
    small("MatMul", "fd", [X(m, k), W(k, n)], f"{m}x{k}x{n}")
small("MatMul", "fi", [X(32, 32), X(32, 32)], "two inputs")
small("MatMul", "f", [X(16, 8, 8), X(16, 8, 8)], "batched")
small("Gemm", "f", [X(1, 64), W(10, 64), W(10)], "turned", transB=1)
small("Gemm", "d", [X(200, 5), W(5, 3), W(3)], "200x5x3")
small("Einsum", "f", [X(32, 32), X(32, 32)], "ij,jk-ik", equation="ij,jk->ik")
small("Conv", "f", [X(1, 3, 16, 16), W(8, 3, 3, 3), W(8)], "3x3", pads=[1, 1, 1, 1])
small("Conv", "f", [X(1, 8, 64), W(8, 8, 3), W(8)], "1-D", pads=[1, 1])
small("Conv", "f", [X(1, 16, 8, 8), W(16, 16, 1, 1)], "1x1")
small("ConvTranspose", "f", [X(1, 8, 8, 8), W(8, 4, 2, 2)], "2x2 stride 2", strides=[2, 2])
small("MaxPool AveragePool", "f", [X(1, 4, 16, 16)], "2x2", kernel_shape=[2, 2], strides=[2, 2])
small("GlobalAveragePool GlobalMaxPool", "f", [X(1, 16, 8, 8)])
small("BatchNormalization", "f", [X(1, 16, 8, 8), W(16), W(16), W(16), W(16, low=1)])
small("BatchNormalization", "f", [X(*ROWS), W(5), W(5), W(5), W(5, low=1)], "rows of 5")
small("LayerNormalization", "f", [X(8, 128), W(128), W(128)], axis=-1)
small("InstanceNormalization", "f", [X(1, 16, 8, 8), W(16), W(16)])
small("LpNormalization", "f", [X(*ROWS)], "rows of 5", axis=1)
small("Resize", "f", [X(1, 2, 16, 16), None, K([1, 1, 2, 2], "f")], "linear twice", mode="linear")
small("Resize", "f", [X(1, 2, 16, 16), None, K([1, 1, 2, 2], "f")], "nearest twice", mode="nearest")
H = 16
for op, gates, outputs in (("LSTM", 4, 3), ("GRU", 3, 2), ("RNN", 1, 2)):
    small(op, "f", [X(5, 1, 8), W(1, gates * H, 8, low=-0.1, high=0.1), W(1, gates * H, H, low=-0.1, high=0.1)], "5 steps", outputs=outputs, hidden_size=H)
small("Attention", "f", [X(1, 2, 16, 16)] * 3, "2 heads", opset=23)
small("QuantizeLinear", "f", [X(*S), scale(0.02), K(128, "u")])
small("DequantizeLinear", "u", [X(*S), scale(0.02), W(high=5)])
small("DynamicQuantizeLinear", "f", [X(*S)], outputs=3)
small("MatMulInteger", "u", [X(32, 32), W(32, 32, kind="c"), W()])
small("DFT", "f", [X(1, 256, 1)], "real", opset=20)
small("RandomUniformLike", "f", [X(*S)], opset=20)

# ---- classic machine learning ----
for rows in (1, 200):
    word = f"{rows} rows" if rows > 1 else "a row"
    small("Scaler", "fi", [X(rows, 5)], word, domain=ML, offset=[0.5] * 5, scale=[2.0] * 5)
    for norm in ("L1", "L2", "MAX"):
        small("Normalizer", "f", [X(rows, 5)], f"{norm} {word}", domain=ML, norm=norm)
    small("Binarizer", "f", [X(rows, 5)], word, domain=ML, threshold=0.5)
    small("Imputer", "f", [X(rows, 5)], word, domain=ML, imputed_value_floats=[0.0] * 5, replaced_value_float=float("nan"))
    small("LinearRegressor", "f", [X(rows, 5)], word, domain=ML, coefficients=[0.1] * 5, intercepts=[1.0])
    small("LinearClassifier", "f", [X(rows, 5)], word, domain=ML, outputs=2, coefficients=[0.01 * (i % 7) for i in range(15)], intercepts=[0.0] * 3,
          classlabels_ints=[0, 1, 2], post_transform="SOFTMAX")
    small("ArrayFeatureExtractor", "fid", [X(rows, 5), K([[0, 2, 4]])], word, domain=ML)
    small("ArrayFeatureExtractor", "f", [X(1, 5), X(rows, low=0, high=5, kind="i")], f"labels of {word}", domain=ML)
    small("LabelEncoder", "i", [X(rows, low=0, high=9)], word, domain=ML, keys_int64s=list(range(10)), values_int64s=list(range(10, 0, -1)), default_int64=-1)
    small("OneHotEncoder", "i", [X(rows, low=0, high=9)], word, domain=ML, cats_int64s=list(range(10)))
    small("FeatureVectorizer", "f", [X(rows, 3), X(rows, 2)], word, domain=ML, inputdimensions=[3, 2])
    for kind in ("RBF", "LINEAR", "POLY"):
        small("SVMRegressor", "f", [X(rows, 5)], f"{kind} {word}", domain=ML, kernel_type=kind, kernel_params=[0.1, 0.0, 3.0], n_supports=20, rho=[0.5],
              coefficients=[0.01 * (i % 11 - 5) for i in range(20)], support_vectors=[0.1 * (i % 13 - 6) for i in range(100)])
    small("SVMClassifier", "f", [X(rows, 5)], f"RBF {word}", domain=ML, outputs=2, kernel_type="RBF", kernel_params=[0.1, 0.0, 3.0], vectors_per_class=[10, 10],
          rho=[0.5], coefficients=[0.01 * (i % 11 - 5) for i in range(20)], support_vectors=[0.1 * (i % 13 - 6) for i in range(100)], classlabels_ints=[0, 1])
    for trees, depth in ((1, 4), (10, 4), (100, 4)):
        small("TreeEnsembleRegressor", "f", [X(rows, 5)], f"{trees} trees {word}", domain=ML, n_targets=1, **forest(trees, depth, 5, "target"))
        small("TreeEnsembleClassifier", "f", [X(rows, 5)], f"{trees} trees {word}", outputs=2, domain=ML, classlabels_int64s=[0, 1], **forest(trees, depth, 5, "class"))
