# SPDX-License-Identifier: MIT
"""Nodes for the schema rows that no case of the ONNX suite shows: old forms, and operators without cases.

A recipe: operator (domain in front when it is not ai.onnx), the versions it is for, inputs as (type, shape), a constant list of integers or None
for one that is left out, attributes, and how many outputs. The first that the row's version accepts is taken.
"""
from onnx import TensorProto, helper, numpy_helper
import numpy as np

F, I, S = "tensor(float)", "tensor(int64)", "tensor(string)"
X4 = (F, [1, 4, 6, 6])


def body(inputs, nodes, outputs):
    make = helper.make_tensor_value_info
    return helper.make_graph(nodes, "body", [make(n, t, s) for n, t, s in inputs], [make(n, t, s) for n, t, s in outputs])


COUNT = body([("i", TensorProto.INT64, []), ("c", TensorProto.BOOL, []), ("s", TensorProto.FLOAT, [2])],
             [helper.make_node("Identity", ["c"], ["c_out"]), helper.make_node("Add", ["s", "s"], ["s_out"])],
             [("c_out", TensorProto.BOOL, []), ("s_out", TensorProto.FLOAT, [2])])
STEP = body([("s", TensorProto.FLOAT, [3]), ("a", TensorProto.FLOAT, [3])],
            [helper.make_node("Add", ["s", "a"], ["t"]), helper.make_node("Identity", ["t"], ["o"])],
            [("t", TensorProto.FLOAT, [3]), ("o", TensorProto.FLOAT, [3])])
LEAVES = {"nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0], "nodes_values": [0.5, 0.0, 0.0],
          "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0]}
CLASSES = {**{f"class_{k}": v for k, v in {"treeids": [0, 0], "nodeids": [1, 2], "ids": [0, 2], "weights": [1.0, 2.0]}.items()},
           "classlabels_int64s": [0, 1, 2]}
TARGETS = {**{f"target_{k}": v for k, v in {"treeids": [0, 0], "nodeids": [1, 2], "ids": [0, 0], "weights": [1.0, 2.0]}.items()}, "n_targets": 1}
SVM = {"coefficients": [1.0, -1.0], "support_vectors": [1.0, 0.0, 0.0, 1.0], "kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0], "rho": [0.5]}
REDUCE = ["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "ReduceSum", "ReduceSumSquare"]

RECIPES = [
    ("BatchNormalization", 1, 5, [X4, (F, [4]), (F, [4]), (F, [4]), (F, [4])], {"consumed_inputs": [0, 0, 0, 1, 1], "is_test": 1}, 1),
    ("Cast", 1, 5, [(F, [2, 3])], {"to": "FLOAT"}, 1),
    ("Clip", 1, 10, [(F, [2, 3])], {"min": -1.0, "max": 1.0}, 1),
    ("ConcatFromSequence", 11, 99, [("seq(tensor(float))", [2, 3])], {"axis": 0}, 1),
    ("DepthToSpace", 1, 99, [X4], {"blocksize": 2}, 1),
    ("GlobalLpPool", 1, 99, [X4], {}, 1),
    ("Loop", 1, 10, [[2], ("tensor(bool)", []), (F, [2])], {"body": COUNT}, 1),
    ("LpPool", 1, 99, [X4], {"kernel_shape": [2, 2]}, 1),
    ("MaxRoiPool", 1, 99, [X4, [[0.0, 0.0, 1.0, 3.0, 4.0], [0.0, 2.0, 2.0, 5.0, 5.0]]], {"pooled_shape": [2, 2]}, 1),
    ("Multinomial", 7, 99, [(F, [2, 3])], {"sample_size": 4}, 1),
    ("Optional", 15, 99, [(F, [2])], {}, 1),
    ("Pad", 1, 1, [(F, [2, 3])], {"paddings": [0, 1, 0, 1]}, 1),
    ("Pad", 2, 10, [(F, [2, 3])], {"pads": [0, 1, 0, 1]}, 1),
    ("PRelu", 1, 6, [X4, (F, [4])], {}, 1),
    ("RandomNormal", 1, 99, [], {"shape": [2, 3], "dtype": 1}, 1),
    ("RandomUniform", 1, 99, [], {"shape": [2, 3], "dtype": 1}, 1),
    ("RandomNormalLike", 1, 99, [(F, [2, 3])], {"dtype": 1}, 1),
    ("RandomUniformLike", 1, 99, [(F, [2, 3])], {"dtype": 1}, 1),
    *[(name, 1, 17, [(F, [2, 3])], {"axes": [1]}, 1) for name in REDUCE],
    ("Reshape", 1, 4, [(F, [2, 3])], {"shape": [3, 2]}, 1),
    ("Resize", 10, 10, [X4, [1.0, 1.0, 2.0, 2.0]], {}, 1),
    ("Resize", 11, 12, [X4, [], [1.0, 1.0, 2.0, 2.0]], {}, 1),
    ("RoiAlign", 10, 15, [X4, [[0.0, 1.0, 3.0, 4.0], [2.0, 2.0, 5.0, 5.5]], [0, 0]], {}, 1),
    ("SequenceAt", 11, 99, [("seq(tensor(float))", [2]), (I, [])], {}, 1),
    ("SequenceConstruct", 11, 99, [(F, [2]), (F, [3])], {}, 1),
    ("SequenceEmpty", 11, 99, [], {}, 1),
    ("SequenceErase", 11, 99, [("seq(tensor(float))", [2])], {}, 1),
    ("SequenceLength", 11, 99, [("seq(tensor(float))", [2])], {}, 1),
    ("Scan", 8, 8, [None, (F, [2, 3]), (F, [2, 4, 3])], {"body": STEP, "num_scan_inputs": 1}, 2),
    ("Slice", 1, 9, [(F, [4, 5])], {"axes": [0], "starts": [1], "ends": [3]}, 1),
    ("Squeeze", 1, 12, [(F, [1, 3])], {"axes": [0]}, 1),
    ("Tile", 1, 5, [(F, [2, 3]), 2.0, 1.0], {}, 1),
    ("TopK", 1, 9, [(F, [4])], {"k": 2}, 2),
    ("Unsqueeze", 1, 12, [(F, [3])], {"axes": [0]}, 1),
    ("Upsample", 1, 6, [X4], {"height_scale": 2.0, "width_scale": 2.0}, 1),
    ("Upsample", 7, 8, [X4], {"scales": [1.0, 1.0, 2.0, 2.0]}, 1),
    ("ai.onnx.preview.training.Gradient", 1, 99, [(F, [2, 3]), (F, [2])], {"xs": ["x0"], "zs": ["x1"], "y": "x0"}, 1),
    ("ai.onnx.ml.CastMap", 1, 99, [("map(int64, float)", None)], {}, 1),
    ("ai.onnx.ml.CategoryMapper", 1, 99, [(S, [2])], {"cats_strings": ["a", "b"], "cats_int64s": [1, 2]}, 1),
    ("ai.onnx.ml.DictVectorizer", 1, 99, [("map(string, float)", None)], {"string_vocabulary": ["a", "b"]}, 1),
    ("ai.onnx.ml.FeatureVectorizer", 1, 99, [(F, [2, 3])], {"inputdimensions": [3]}, 1),
    ("ai.onnx.ml.Imputer", 1, 99, [(F, [2, 3])], {"imputed_value_floats": [0.0], "replaced_value_float": 1.0}, 1),
    ("ai.onnx.ml.LabelEncoder", 1, 1, [(S, [2])], {"classes_strings": ["a", "b"]}, 1),
    ("ai.onnx.ml.LinearClassifier", 1, 99, [(F, [2, 3])], {"coefficients": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "intercepts": [0.0, 1.0], "classlabels_ints": [0, 1]}, 2),
    ("ai.onnx.ml.LinearRegressor", 1, 99, [(F, [2, 3])], {"coefficients": [1.0, 2.0, 3.0], "intercepts": [1.0]}, 1),
    ("ai.onnx.ml.Normalizer", 1, 99, [(F, [2, 3])], {}, 1),
    ("ai.onnx.ml.OneHotEncoder", 1, 99, [(I, [2])], {"cats_int64s": [0, 1]}, 1),
    ("ai.onnx.ml.SVMClassifier", 1, 99, [(F, [2, 2])], {**SVM, "vectors_per_class": [1, 1], "classlabels_ints": [0, 1]}, 2),
    ("ai.onnx.ml.SVMRegressor", 1, 99, [(F, [2, 2])], {**SVM, "n_supports": 2}, 1),
    ("ai.onnx.ml.Scaler", 1, 99, [(F, [2, 3])], {"offset": [0.0], "scale": [2.0]}, 1),
    ("ai.onnx.ml.TreeEnsembleClassifier", 1, 4, [(F, [2, 3])], {**LEAVES, **CLASSES}, 2),
    ("ai.onnx.ml.TreeEnsembleRegressor", 1, 4, [(F, [2, 3])], {**LEAVES, **TARGETS}, 1),
    ("ai.onnx.ml.ZipMap", 1, 99, [(F, [2, 2])], {"classlabels_int64s": [0, 1]}, 1),
]


def templates(schema, template):
    """The recipes for a schema row, as templates of coverage.py."""
    full = f"{schema.domain}.{schema.name}" if schema.domain else schema.name
    for name, first, last, inputs, attributes, outputs in RECIPES:
        if name != full or not first <= schema.since_version <= last:
            continue
        known = {k: v for k, v in attributes.items() if k in schema.attributes}
        names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
        types, values = {}, {}
        for n, x in zip(names, inputs):
            if not n:
                continue
            if isinstance(x, tuple):
                types[n] = x
                continue
            array = np.asarray(x)
            array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
            values[n] = numpy_helper.from_array(array, n)
            types[n] = ("tensor(float)" if array.dtype == np.float32 else I, list(array.shape))
        yield template(helper.make_node(schema.name, names, [f"y{i}" for i in range(outputs)], domain=schema.domain, **known), types, values)
