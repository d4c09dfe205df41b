#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes cases for ai.onnx.ml, where ONNX's own suite has few, as folders that `sardonyx test` runs.

    gen_ml_cases.py OUT [--ort]     OUT/ml/<case>/{model.onnx, test_data_set_0/{input,output}_K.pb}

Answers are those of onnx.reference, or the numbers given here where it has no operator, asks for other types or differs from the
standard. With --ort they are ONNX Runtime's, for a comparison by hand; what it cannot run is left out.
"""
import copy
import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

F32, F64, I32, I64, TEXT = np.float32, np.float64, np.int32, np.int64, object
CASES = []


def case(name, op, inputs, expect=None, version=3, outputs=1, **attrs):
    """inputs: arrays or dicts. expect: the list of outputs, or None: onnx.reference knows."""
    CASES.append(copy.deepcopy((name, op, inputs, expect, version, outputs, attrs)))


def text(*items):
    return np.array(items, dtype=TEXT)


def tensor(values, dtype, name="t"):
    return numpy_helper.from_array(np.array(values, dtype=dtype), name)


def type_of(value):
    if isinstance(value, dict):
        key, item = next(iter(value.items()))
        k = TensorProto.STRING if isinstance(key, str) else TensorProto.INT64
        v = TensorProto.STRING if isinstance(item, str) else helper.np_dtype_to_tensor_dtype(np.asarray(item).dtype)
        return helper.make_map_type_proto(k, helper.make_tensor_type_proto(v, ()))
    if isinstance(value, list):
        return helper.make_sequence_type_proto(type_of(value[0]))
    if value.dtype == TEXT:
        return helper.make_tensor_type_proto(TensorProto.STRING, value.shape)
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)


def map_proto(value, name):
    m = onnx.MapProto(name=name)
    keys = list(value)
    if isinstance(keys[0], str):
        m.key_type = TensorProto.STRING
        m.string_keys.extend(k.encode() for k in keys)
    else:
        m.key_type = TensorProto.INT64
        m.keys.extend(keys)
    m.values.elem_type = onnx.SequenceProto.TENSOR
    for v in value.values():
        m.values.tensor_values.add().CopyFrom(numpy_helper.from_array(np.array(v, dtype=TEXT) if isinstance(v, str) else np.asarray(v)))
    return m


def proto(value, name):
    if isinstance(value, dict):
        return map_proto(value, name)
    if isinstance(value, list):
        s = onnx.SequenceProto(name=name, elem_type=onnx.SequenceProto.MAP)
        for v in value:
            s.map_values.add().CopyFrom(map_proto(v, ""))
        return s
    return numpy_helper.from_array(value, name)


RNG = np.random.default_rng(4)
X = RNG.normal(size=(7, 4)).astype(F32)
POSTS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]


def simple_cases():
    for t in (F32, F64, I32, I64):
        x = (np.arange(15).reshape(3, 5) - 6).astype(t)
        n = np.dtype(t).name
        case(f"array_feature_extractor_{n}", "ArrayFeatureExtractor", [x, np.array([4, 0, 4], I64)])
        case(f"array_feature_extractor_row_{n}", "ArrayFeatureExtractor", [x[0], np.array([[3, 1]], I64)], [x[0][[3, 1]][None]])
        case(f"binarizer_{n}", "Binarizer", [x], [(x > F32(1.5)).astype(t)], threshold=1.5)
        offset, scale = np.array([1, -2, 0.5, 0, 3], F32), np.array([2, 0.5, -1, 1, 0], F32)
        case(f"scaler_{n}", "Scaler", [x], [((x - offset) * scale).astype(F32)], offset=offset, scale=scale)
        case(f"scaler_one_{n}", "Scaler", [x], [((x - F32(1.5)) * F32(3)).astype(F32)], offset=[1.5], scale=[3.0])
        for norm in ("MAX", "L1", "L2"):
            f = x.astype(F32)
            f[1] = x[1] = 0
            by = {"MAX": f.max(1), "L1": np.abs(f).sum(1), "L2": np.sqrt((f * f).sum(1))}[norm][:, None]
            case(f"normalizer_{norm.lower()}_{n}", "Normalizer", [x], [f / np.where(by == 0, 1, by)], norm=norm)
        y = np.array([[0, 1, 2], [3, 0, 0]], t)
        if t in (F32, F64):
            case(f"imputer_{n}", "Imputer", [y], [np.where(y == 0, np.array([7, 8, 9], t), y)], imputed_value_floats=[7.0, 8.0, 9.0], replaced_value_float=0.0)
            y[0, 1] = np.nan
            case(f"imputer_nan_{n}", "Imputer", [y], [np.where(np.isnan(y), t(5), y)], imputed_value_floats=[5.0], replaced_value_float=float("nan"))
        else:
            case(f"imputer_{n}", "Imputer", [y], [np.where(y == 0, np.array([7, 8, 9], t), y)], imputed_value_int64s=[7, 8, 9], replaced_value_int64=0)
    a, b = np.arange(6).reshape(2, 3).astype(F32), np.array([[9], [8]], F32)
    case("feature_vectorizer", "FeatureVectorizer", [a, b], [np.array([[0, 1, 9], [3, 4, 8]], F32)], inputdimensions=[2, 1])
    case("feature_vectorizer_pad", "FeatureVectorizer", [b.astype(I64), a.astype(I64)], [np.array([[9, 0, 0, 1, 2], [8, 0, 3, 4, 5]], F32)], inputdimensions=[2, 3])


def label_cases():
    words, codes = ["a", "b", "c"], [5, 6, 7]
    sx, si = text("b", "x", "a"), np.array([[7, 0], [5, 6]], I64)
    case("label_encoder_1_text", "LabelEncoder", [sx], [np.array([1, -1, 0], I64)], version=1, classes_strings=words)
    case("label_encoder_1_int", "LabelEncoder", [np.array([2, 3, 0], I64)], [text("c", "none", "a")], version=1, classes_strings=words, default_string="none")
    case("category_mapper_text", "CategoryMapper", [sx], [np.array([6, -9, 5], I64)], cats_strings=words, cats_int64s=codes, default_int64=-9)
    case("category_mapper_int", "CategoryMapper", [si], [np.array([["c", "_Unused"], ["a", "b"]], TEXT)], cats_strings=words, cats_int64s=codes)
    keys = {"strings": (words, sx), "int64s": (codes, si), "floats": ([0.5, float("nan"), 2.0], np.array([np.nan, 2, 0.5, 1], F32))}
    values = {"strings": (words, "_Unused", TEXT), "int64s": ([1, 2, 3], -1, I64), "floats": ([1.5, 2.5, 3.5], -0.0, F32)}
    places = {"strings": [1, 3, 0], "int64s": [[2, 3], [0, 1]], "floats": [1, 2, 0, 3]}
    for k, (kv, x) in keys.items():
        for v, (vv, default, t) in values.items():
            answer = np.array([*vv, default], t)[np.array(places[k])]
            case(f"label_encoder_2_{k}_{v}", "LabelEncoder", [x], [answer], version=2, **{f"keys_{k}": kv, f"values_{v}": vv})
    for k in (np.int16, I32, I64, F32, F64):
        for v in (np.int16, I32, I64, F32, F64):
            case(f"label_encoder_4_{np.dtype(k).name}_{np.dtype(v).name}", "LabelEncoder", [np.array([3, 9, 2], k)], [np.array([30, -7, 20], v)], version=4,
                 keys_tensor=tensor([2, 3], k), values_tensor=tensor([20, 30], v), default_tensor=tensor([-7], v))
    case("label_encoder_4_text", "LabelEncoder", [np.array([3, 9], F64)], [text("y", "z")], version=4, keys_tensor=tensor([2, 3], F64),
         values_tensor=tensor(["x", "y"], TEXT), default_tensor=tensor(["z"], TEXT))
    hot = np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0]], F32)
    case("one_hot_encoder_text", "OneHotEncoder", [sx], [hot], cats_strings=words)
    for t in (I32, I64, F32, F64):
        case(f"one_hot_encoder_{np.dtype(t).name}", "OneHotEncoder", [np.array([6, 9, 5], t)], [hot], cats_int64s=codes)


def map_cases():
    p = np.array([[0.1, 0.9], [0.4, 0.6]], F32)
    case("zip_map_text", "ZipMap", [p], [[{"a": r[1], "b": r[0]} for r in p]], classlabels_strings=["b", "a"])
    case("zip_map_int", "ZipMap", [p], [[{3: r[1], 7: r[0]} for r in p]], classlabels_int64s=[7, 3])
    case("zip_map_row", "ZipMap", [p[0]], [[{3: p[0, 1], 7: p[0, 0]}]], classlabels_int64s=[7, 3])
    for t in (F32, F64, I64):
        n = np.dtype(t).name
        case(f"dict_vectorizer_text_{n}", "DictVectorizer", [{"b": t(2), "a": t(5)}], [np.array([[5, 0, 2, 5]], t)], string_vocabulary=["a", "c", "b", "a"])
    for t in (F32, F64):
        case(f"dict_vectorizer_int_{np.dtype(t).name}", "DictVectorizer", [{9: t(2), -1: t(5)}], [np.array([[0, 5, 2]], t)], int64_vocabulary=[1, -1, 9])
    case("dict_vectorizer_words", "DictVectorizer", [{9: "x", 1: "y"}], [np.array([["x", "", "y"]], TEXT)], int64_vocabulary=[9, 2, 1])
    m, s = {4: F32(2.5), 1: F32(-7.25)}, {3: "1.5", 0: "4"}
    case("cast_map_float", "CastMap", [m], [np.array([[-7.25, 2.5]], F32)], cast_to="TO_FLOAT")
    case("cast_map_int", "CastMap", [m], [np.array([[-7, 2]], I64)], cast_to="TO_INT64")
    case("cast_map_text", "CastMap", [m], [np.array([["-7.250000", "2.500000"]], TEXT)], cast_to="TO_STRING")
    case("cast_map_sparse", "CastMap", [m], [np.array([[0, -7.25, 0]], F32)], cast_to="TO_FLOAT", map_form="SPARSE", max_map=3)
    case("cast_map_of_text", "CastMap", [s], [np.array([[4, 1.5]], F32)], cast_to="TO_FLOAT")
    case("cast_map_of_text_sparse", "CastMap", [s], [np.array([[4, 0, 0, 1]], I64)], cast_to="TO_INT64", map_form="SPARSE", max_map=4)
    case("cast_map_text_text", "CastMap", [s], [np.array([["4", "1.5"]], TEXT)], cast_to="TO_STRING")


def finish(z, post):
    """Scores of at least two classes."""
    z = np.asarray(z, F64)
    if post == "SOFTMAX":
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)
    if post == "LOGISTIC":
        return 1 / (1 + np.exp(-z))
    if post == "SOFTMAX_ZERO":
        e = np.where(np.abs(z) <= 1e-7, 0, np.exp(z - z.max(1, keepdims=True)))
        return e / e.sum(1, keepdims=True)
    if post == "PROBIT":
        x = 2 * z - 1
        log = np.log((1 - x) * (1 + x))
        v = 2 / (np.pi * 0.147) + log / 2
        return np.sqrt(2) * np.sign(x) * np.sqrt(-v + np.sqrt(v * v - log / 0.147))
    return z


def linear_cases():
    w, b = RNG.normal(size=(3, 4)).astype(F32) / 10, np.array([0.3, 0.4, 0.5], F32)
    for post in POSTS:
        z = X.astype(F64) @ w.T + b
        if post == "PROBIT":
            z = np.clip(z, 0.05, 0.95)
            x = np.linalg.lstsq(w.astype(F64), (z - b).T, rcond=None)[0].T.astype(F32)
            z = x.astype(F64) @ w.T + b
        else:
            x = X
        case(f"linear_regressor_{post.lower()}", "LinearRegressor", [x], [finish(z, post).astype(F32)], coefficients=w.ravel(), intercepts=b, targets=3, post_transform=post)
        case(f"linear_classifier_{post.lower()}", "LinearClassifier", [x], [z.argmax(1).astype(I64) * 2, finish(z, post).astype(F32)], outputs=2, coefficients=w.ravel(),
             intercepts=b, classlabels_ints=[0, 2, 4], post_transform=post)
    z = X.astype(F64) @ w[0] + b[0]
    pairs = {"NONE": np.stack([1 - z, z], 1), "LOGISTIC": finish(np.stack([-z, z], 1), "LOGISTIC")}
    for post, p in pairs.items():
        case(f"linear_classifier_binary_{post.lower()}", "LinearClassifier", [X], [np.array(["no", "yes"], TEXT)[(z > 0).astype(int)], p.astype(F32)], outputs=2,
             coefficients=w[0], intercepts=b[:1], classlabels_strings=["no", "yes"], post_transform=post)
    for t in (I32, I64, F64):
        x = np.arange(8).reshape(2, 4).astype(t)
        case(f"linear_regressor_{np.dtype(t).name}", "LinearRegressor", [x], [(x @ w[0].astype(F64) + b[0]).astype(F32)[:, None]], coefficients=w[0], intercepts=b[:1])


def svm_cases():
    v = RNG.normal(size=(5, 4)).astype(F32)
    g, c0, d = F32(0.3), F32(0.2), F32(3)
    dot = X.astype(F64) @ v.T.astype(F64)
    kernels = {"LINEAR": dot, "POLY": (g * dot + c0) ** d, "SIGMOID": np.tanh(g * dot + c0), "RBF": np.exp(-g * ((X[:, None].astype(F64) - v) ** 2).sum(2))}
    for name, k in kernels.items():
        common = dict(kernel_type=name, kernel_params=[g, c0, d], support_vectors=v.ravel())
        w = np.array([0.5, -1, 0.25, 2, -0.75], F32)
        y = k @ w + F32(0.1)
        case(f"svm_regressor_{name.lower()}", "SVMRegressor", [X], [y.astype(F32)[:, None]], coefficients=w, rho=[0.1], n_supports=5, **common)
        case(f"svm_one_class_{name.lower()}", "SVMRegressor", [X], [np.where(y > 0, 1, -1).astype(F32)[:, None]], coefficients=w, rho=[0.1], n_supports=5, one_class=1, **common)
        per, start = [2, 1, 2], [0, 2, 3, 5]
        coef, rho = RNG.normal(size=(2, 5)).astype(F32), np.array([0.1, -0.2, 0.05], F32)
        score, votes, at = np.zeros((7, 3)), np.zeros((7, 3)), 0
        for i in range(3):
            for j in range(i + 1, 3):
                a, b = slice(start[i], start[i + 1]), slice(start[j], start[j + 1])
                score[:, at] = k[:, a] @ coef[j - 1, a] + k[:, b] @ coef[i, b] + rho[at]
                np.add.at(votes, (np.arange(7), np.where(score[:, at] > 0, i, j)), 1)
                at += 1
        case(f"svm_classifier_{name.lower()}", "SVMClassifier", [X], [votes.argmax(1).astype(I64) + 10, score.astype(F32)], outputs=2, coefficients=coef.ravel(), rho=rho,
             vectors_per_class=per, classlabels_ints=[10, 11, 12], **common)
    w = RNG.normal(size=(3, 4)).astype(F32)
    z = X.astype(F64) @ w.T + F32(0.5)
    case("svm_classifier_liblinear", "SVMClassifier", [X], [text("a", "b", "c")[z.argmax(1)], z.astype(F32)], outputs=2, coefficients=w.ravel(), rho=[0.5],
         classlabels_strings=["a", "b", "c"])
    case("svm_regressor_liblinear", "SVMRegressor", [X], [(X.astype(F64) @ w[0] + F32(0.5)).astype(F32)[:, None]], coefficients=w[0], rho=[0.5])


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
COMPARE = [np.less_equal, np.less, np.greater_equal, np.greater, np.equal, np.not_equal]
GRID = np.array([[a, b] for a in (0, 1, 2, np.nan) for b in (-1, 0.5, 1)], F32)


def stump(modes, tracks, x, weights):
    """Two levels: feature 0 against 1, then feature 1 against 0.5 in the true branch. Returns the leaf of each row."""
    def go(mode, feature, split, track):
        v = x[:, feature]
        return COMPARE[mode](v, split) | (np.isnan(v) & bool(track))
    first, second = go(modes[0], 0, 1, tracks[0]), go(modes[1], 1, F32(0.5), tracks[1])
    return np.asarray(weights)[np.where(first, np.where(second, 0, 1), 2)]


def old_tree(trees, kind, wide=False):
    """Attributes of versions 1 and 3 for stumps: each (modes, tracks, weights by leaf: a list of (target, weight))."""
    a = {f"nodes_{k}": [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true")}
    w = {f"{kind}_{k}": [] for k in ("treeids", "nodeids", "ids", "weights")}
    for t, (modes, tracks, weights) in enumerate(trees):
        rows = [(0, 1.0, MODES[modes[0]], 1, 2, tracks[0]), (1, 0.5, MODES[modes[1]], 3, 4, tracks[1])] + [(0, 0.0, "LEAF", 0, 0, 0)] * 3
        for n, (feature, value, mode, yes, no, track) in enumerate(rows):
            for k, v in zip(a, (t, n, feature, value, mode, yes, no, track), strict=True):
                a[k].append(v)
        for leaf, node in enumerate((3, 4, 2)):
            for target, weight in weights[leaf]:
                for k, v in zip(w, (t, node, target, weight), strict=True):
                    w[k].append(v)
    if wide:
        a["nodes_values_as_tensor"] = tensor(a.pop("nodes_values"), F64)
        w[f"{kind}_weights_as_tensor"] = tensor(w.pop(f"{kind}_weights"), F64)
    return a | w


def tree_cases():
    leaves = [1.0, 2.5, -4.0]
    one = [[(0, v)] for v in leaves]
    for m, mode in enumerate(MODES):
        for track in (0, 1):
            y = stump((m, (m + 1) % 6), (track, 1 - track), GRID, leaves)[:, None]
            case(f"tree_regressor_{mode.lower()}_{track}", "TreeEnsembleRegressor", [GRID], [y.astype(F32)], version=1, n_targets=1,
                 **old_tree([((m, (m + 1) % 6), (track, 1 - track), one)], "target"))
            y = stump((m, m), (track, track), GRID, leaves)[:, None]
            case(f"tree_regressor_same_{mode.lower()}_{track}", "TreeEnsembleRegressor", [GRID], [y.astype(F32)], n_targets=1,
                 **old_tree([((m, m), (track, track), one)], "target"))
            x = GRID.astype(F64)
            case(f"tree_regressor_f64_{mode.lower()}_{track}", "TreeEnsembleRegressor", [x], [y.astype(F32)], n_targets=1, **old_tree([((m, m), (track, track), one)], "target", True))
            for t in (np.float16, F32, F64):
                case(f"tree_ensemble_{mode.lower()}_{track}_{np.dtype(t).name}", "TreeEnsemble", [GRID.astype(t)], [y.astype(t)], version=5, n_targets=1, tree_roots=[0],
                     nodes_featureids=[0, 1], nodes_splits=tensor([1, 0.5], t), nodes_modes=tensor([m, m], np.uint8), nodes_truenodeids=[1, 0], nodes_falsenodeids=[2, 1],
                     nodes_trueleafs=[0, 1], nodes_falseleafs=[1, 1], nodes_missing_value_tracks_true=[track, track], leaf_targetids=[0, 0, 0], leaf_weights=tensor(leaves, t))
    trees = [((0, 0), (0, 0), [[(0, 1.0), (1, 3.0)], [(1, -2.0)], [(0, 5.0)]]), ((0, 1), (1, 0), [[(0, 2.0)], [(0, -1.0), (1, 1.0)], [(1, 4.0)]])]
    dense = [np.array([[dict(leaf).get(k, np.nan) for k in (0, 1)] for leaf in w]) for _, _, w in trees]
    each = np.stack([stump(m, t, GRID, d) for (m, t, _), d in zip(trees, dense, strict=True)])
    with np.errstate(all="ignore"):
        sums = np.nansum(each, 0)
        joined = {"SUM": sums, "AVERAGE": sums / 2, "MIN": np.fmin.reduce(each), "MAX": np.fmax.reduce(each)}
    for how, y in joined.items():
        y = np.where(np.isnan(y), 0, y) + [0.5, -0.5]
        for post in ("NONE", "SOFTMAX", "LOGISTIC"):
            case(f"tree_regressor_{how.lower()}_{post.lower()}", "TreeEnsembleRegressor", [GRID], [finish(y, post).astype(F32)], n_targets=2, base_values=[0.5, -0.5],
                 aggregate_function=how, post_transform=post, **old_tree(trees, "target"))
    three = [((0, 0), (0, 0), [[(0, 0.2), (1, 0.5), (2, 0.3)], [(0, 0.7), (1, 0.1), (2, 0.2)], [(0, 0.1), (1, 0.2), (2, 0.7)]])]
    z = stump((0, 0), (0, 0), GRID, [[w for _, w in leaf] for leaf in three[0][2]])
    for post in POSTS:
        case(f"tree_classifier_{post.lower()}", "TreeEnsembleClassifier", [GRID], [np.array(["a", "b", "c"], TEXT)[z.argmax(1)], finish(z, post).astype(F32)], outputs=2,
             classlabels_strings=["a", "b", "c"], post_transform=post, **old_tree(three, "class"))
    base = np.array([0.1, 0.6, -0.2], F32)
    case("tree_classifier_base", "TreeEnsembleClassifier", [GRID], [(z + base).argmax(1).astype(I64), (z + base).astype(F32)], outputs=2, classlabels_int64s=[0, 1, 2],
         base_values=base, **old_tree(three, "class"))
    for name, ws, cut in (("positive", [0.2, 0.9, 0.5], 0.5), ("mixed", [-0.4, 0.9, 0.2], 0)):
        s = stump((0, 0), (0, 0), GRID, np.array(ws, F32)).astype(F64)
        attrs = old_tree([((0, 0), (0, 0), [[(0, w)] for w in ws])], "class")
        pairs = {"NONE": np.stack([1 - s if name == "positive" else -s, s], 1), "LOGISTIC": finish(np.stack([-s, s], 1), "LOGISTIC")}
        for post, p in pairs.items():
            case(f"tree_classifier_binary_{name}_{post.lower()}", "TreeEnsembleClassifier", [GRID], [(s > cut).astype(I64), p.astype(F32)], outputs=2, classlabels_int64s=[0, 1],
                 post_transform=post, **attrs)
    for t in (I32, I64):
        x = np.array([[0, -1], [1, 0], [1, 1], [2, 5]], t)
        case(f"tree_regressor_{np.dtype(t).name}", "TreeEnsembleRegressor", [x], [stump((0, 0), (0, 0), x.astype(F64), leaves)[:, None].astype(F32)], n_targets=1,
             **old_tree([((0, 0), (0, 0), one)], "target"))
    x = np.array([[0, 70], [3, 1.5], [2.5, 100], [64, 70], [np.nan, -3]], F32)
    member = np.isin(x[:, 0], [0, 3, 64, 1000])
    inner = np.isin(x[:, 1], [-3, 1.5, 70])
    case("tree_ensemble_member", "TreeEnsemble", [x], [np.where(member, np.where(inner, 10, 20), 30).astype(F32)[:, None]], version=5, n_targets=1, tree_roots=[0],
         nodes_featureids=[0, 1], nodes_splits=tensor([0, 0], F32), nodes_modes=tensor([6, 6], np.uint8), nodes_truenodeids=[1, 0], nodes_falsenodeids=[2, 1],
         nodes_trueleafs=[0, 1], nodes_falseleafs=[1, 1], leaf_targetids=[0, 0, 0], leaf_weights=tensor([10, 20, 30], F32),
         membership_values=tensor([0, 3, 64, 1000, np.nan, -3, 1.5, 70, np.nan], F32))


def answers_of_ort(model, feeds):
    import onnxruntime
    onnxruntime.set_default_logger_severity(4)
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)
    except Exception as e:
        print("left out:", str(e).splitlines()[0][:150])
        return None


def write(out, name, op, inputs, expect, version, outputs, attrs, ort):
    ins, outs = [f"x{i}" for i in range(len(inputs))], [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, ins, outs, domain="ai.onnx.ml", **attrs)
    infos = [helper.make_value_info(n, type_of(v)) for n, v in zip(ins, inputs, strict=True)]
    feeds = dict(zip(ins, inputs, strict=True))

    def model(results):
        graph = helper.make_graph([node], name, infos, results)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", version)], ir_version=10)

    if expect is None:
        expect = ReferenceEvaluator(model([helper.make_value_info(n, onnx.TypeProto()) for n in outs])).run(None, feeds)
    m = model([helper.make_value_info(n, type_of(v)) for n, v in zip(outs, expect, strict=True)])
    if ort:
        expect = answers_of_ort(m, feeds)
        if expect is None:
            return
        expect = [v if isinstance(v, list) else v.astype(TEXT) if v.dtype.kind in "US" else v for v in map(lambda v: v if isinstance(v, list) else np.asarray(v), expect)]
        expect = [[{k: F32(e) for k, e in d.items()} for d in v] if isinstance(v, list) else v for v in expect]
    folder = out / "ml" / name
    (folder / "test_data_set_0").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(m.SerializeToString())
    for word, values, names in (("input", inputs, ins), ("output", expect, outs)):
        for i, value in enumerate(values):
            (folder / "test_data_set_0" / f"{word}_{i}.pb").write_bytes(proto(value, names[i]).SerializeToString())


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    shutil.rmtree(out / "ml", ignore_errors=True)
    for make in (simple_cases, label_cases, map_cases, linear_cases, svm_cases, tree_cases):
        make()
    for c in CASES:
        write(out, *c, ort="--ort" in sys.argv)
    print(f"{len(CASES)} cases of ai.onnx.ml")


if __name__ == "__main__":
    main()
