# SPDX-License-Identifier: MIT
"""Estimators of scikit-learn, LightGBM and XGBoost, converted by skl2onnx and onnxmltools, in float and in double: results of `import
onnxruntime` against the estimator's own predictions, within 1e-5.

    estimators.py > RESULTS           a line per model: equal, or how it differs; whatever onnxruntime is
    estimators.py OURS THEIRS         0 when everything that agrees in THEIRS agrees in OURS, and 60 estimators do
"""
import re
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
import sklearn.utils  # noqa: E402
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm  # noqa: E402
from skl2onnx import to_onnx, update_registered_converter  # noqa: E402
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes  # noqa: E402
from sklearn.datasets import load_diabetes, load_iris  # noqa: E402

SLOW = {"QuantileTransformer"}  # to convert
AT_LEAST = 60


def register():
    for module, names in (("lightgbm", ("LGBMClassifier", "LGBMRegressor")), ("xgboost", ("XGBClassifier", "XGBRegressor"))):
        try:
            library = __import__(module)
        except ImportError:
            continue
        if module == "lightgbm":
            convert = convert_lightgbm
        else:
            from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as convert
        for name in names:
            classifier = name.endswith("Classifier")
            update_registered_converter(getattr(library, name), name, calculate_linear_classifier_output_shapes if classifier else
                                        calculate_linear_regressor_output_shapes, convert,
                                        options={"nocl": [True, False], "zipmap": [True, False, "columns"]} if classifier else None)
            yield name, getattr(library, name), "classifier" if classifier else "regressor"


def candidates():
    for kind in ("classifier", "regressor", "transformer", "cluster"):
        for name, cls in sklearn.utils.all_estimators(kind):
            if not name.endswith("CV") and name not in SLOW:
                yield name, cls, kind
    yield from register()


def make(cls):
    known, settings = cls().get_params(), {"random_state": 0, "n_estimators": 10, "verbose": -1 if cls.__module__.startswith("lightgbm") else 0}
    return cls(**{key: value for key, value in settings.items() if key in known})


def results(estimator, kind, x):
    if kind in ("classifier", "regressor", "cluster"):
        out = [estimator.predict(x)]
        if kind == "classifier" and hasattr(estimator, "predict_proba"):
            out.append(estimator.predict_proba(x))
        return out
    found = estimator.transform(x)
    return [found.toarray() if hasattr(found, "toarray") else found]


def difference(mine, theirs):
    """None, or a word."""
    mine, theirs = np.asarray(mine), np.asarray(theirs)
    if mine.size != theirs.size:
        return f"shape {mine.shape}, expected {theirs.shape}"
    mine = mine.reshape(theirs.shape)
    if theirs.dtype.kind in "OUSi":
        return f"{np.sum(mine != theirs)} labels" if np.any(mine != theirs) else None
    return None if np.allclose(mine, theirs, 1e-5, 1e-5) else f"by {np.max(np.abs(mine - theirs)):.3g}"


def outcome(model, data, expected):
    import onnxruntime
    try:
        found = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"X": data})
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return "; ".join(filter(None, (difference(a, b) for a, b in zip(found, expected)))) or "equal"


def measure():
    for name, cls, kind in candidates():
        x, y = load_diabetes(return_X_y=True) if kind == "regressor" else load_iris(return_X_y=True)
        x = x.astype(np.float32).astype(np.float64)
        x = np.abs(x) if kind == "transformer" else x
        try:
            estimator = make(cls).fit(x, y)
            options = {id(estimator): {"zipmap": False}} if kind == "classifier" else None
            models = [(to_onnx(estimator, x[:1].astype(t), options=options), t) for t in (np.float32, np.float64)]
            expected = results(estimator, kind, x)
        except Exception:
            continue  # it needs another estimator, other data, or has no converter
        for model, t in models:
            print(f"{name} {t.__name__}: {outcome(model, x.astype(t), expected)}", flush=True)


def compare(ours, theirs):
    ours, theirs = (dict(re.findall(r"^(\w+ float\d\d): (.*)", open(path).read(), re.M)) for path in (ours, theirs))
    worse = [f"{label}: {text}" for label, text in ours.items() if text != "equal" and theirs.get(label, "equal") == "equal"]
    equal = [label for label, text in ours.items() if text == "equal"]
    estimators = {label.split()[0] for label in equal}
    print(*worse, sep="\n", end="\n" * bool(worse))
    print(f"{len(equal)} of {len(ours)} models of {len(estimators)} estimators agree ({sum(text == 'equal' for text in theirs.values())} with onnxruntime)")
    return bool(worse) or len(estimators) < AT_LEAST or len(ours) < len(theirs)


if __name__ == "__main__":
    sys.exit(compare(*sys.argv[1:]) if len(sys.argv) == 3 else measure())
