# SPDX-License-Identifier: MIT
"""What a model of one node ought to give: onnx.reference, in float64 wherever the type is a float that computes."""
import functools

import ml_dtypes
import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import coverage
import type_matrix_data as data
import type_matrix_own as own

NEWEST = onnx.defs.onnx_opset_version()
WIDENS = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16), np.dtype(np.float32))
# What these do depends on the type of their operands: it is asked in that type.
ASKED_AS_IS = ("Cast", "CastLike", "BitCast", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "Constant", "ConstantOfShape", "EyeLike", "Range")


# Integers whose result is a fraction that is cut off, or rounded (Resize): the reference loses it on the way.
FRACTIONS = ("Erf", "Gemm", "GlobalLpPool", "GridSample", "LpPool", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "SVMClassifier", "SVMRegressor")
CHANGED = {"Hardmax": 13, "LogSoftmax": 13, "RoiAlign": 16, "Softmax": 13}  # of the same form as today, but with another meaning before


@functools.lru_cache(maxsize=None)
def newest_row(domain, name):
    return onnx.defs.get_schema(name, domain).since_version


def is_today(schema):
    """Whether a node of this row says the same in the newest version."""
    newest = onnx.defs.get_schema(schema.name, schema.domain)
    known = {i.name for i in newest.inputs} | set(newest.attributes)
    here = {i.name for i in schema.inputs} | set(schema.attributes)
    return here <= known and len(schema.inputs) <= len(newest.inputs) and schema.since_version >= CHANGED.get(schema.name, 0)


CONVERTED = {}


def converted(model):
    """The model in the newest version; types do not matter for that, so one is for all."""
    key = model.graph.node[0].SerializeToString() + b"".join(i.name.encode() for i in model.graph.initializer) + str(model.opset_import).encode()
    if key not in CONVERTED:
        try:
            CONVERTED[key] = onnx.version_converter.convert_version(model, NEWEST)
        except Exception:  # noqa: BLE001  (no adapter: it is asked as it is)
            CONVERTED[key] = model
    return CONVERTED[key]


def output_types(schema, model):
    """Types of the outputs as text, from onnx's own inference, else from the schema's constraints."""
    inferred = onnx.shape_inference.infer_shapes(model)
    known = {coverage.constraint_of(schema, i, schema.inputs): None for i in range(len(schema.inputs))}
    types = {i.name: coverage.type_text(i.type) for i in model.graph.input}
    types.update({t.name: f"tensor({coverage.SHORT[t.data_type]})" for t in model.graph.initializer})
    for i, name in enumerate(model.graph.node[0].input):
        c = coverage.constraint_of(schema, i, schema.inputs)
        if name and known.get(c) is None:
            known[c] = types[name]
    out = []
    for i, o in enumerate(inferred.graph.output):
        kind = o.type.WhichOneof("value")
        text = coverage.type_text(o.type) if kind and (kind != "tensor_type" or o.type.tensor_type.elem_type) else None
        c = coverage.constraint_of(schema, i, schema.outputs)
        p = schema.outputs[min(i, len(schema.outputs) - 1)]
        out.append((p.is_homogeneous and known.get(c)) or text or (c if c in coverage.ELEMENT else types[model.graph.node[0].input[0]]))
    return out


def widened(value, integers=False):
    if isinstance(value, list):
        return [widened(v, integers) for v in value]
    wide = isinstance(value, np.ndarray) and (value.dtype in WIDENS or (integers and value.dtype.kind in "iu"))
    return value.astype(np.float64) if wide else value


def narrowed(value, text):
    """A result in the type that the output has."""
    if text.startswith("optional("):
        return None if value is None else narrowed(value, text[9:-1])
    if text.startswith("seq("):
        return [narrowed(v, text[4:-1]) for v in value] if not text.startswith("seq(map") else value
    if text.startswith("map("):
        return value
    dtype = data.element_of(text, coverage.ELEMENT)
    x = np.asarray(value)
    if dtype == object:
        return np.array([v if isinstance(v, (str, bytes)) else "" for v in x.ravel()], dtype=object).reshape(x.shape)
    if dtype in data.INTS and x.dtype.kind == "f":
        x = x.astype(np.int32)
    return x if x.dtype == dtype else x.astype(dtype)


def attributes(schema, node):
    """Attributes by name with the schema's defaults; texts as str."""
    def value(a):
        v = helper.get_attribute_value(a)
        return v.decode() if isinstance(v, bytes) else [x.decode() if isinstance(x, bytes) else x for x in v] if isinstance(v, list) else v
    known = {n: value(d.default_value) for n, d in schema.attributes.items() if d.default_value.type}
    return {**known, **{a.name: value(a) for a in node.attribute}}


def by_index(model, feeds, first):
    """What takes neighbours takes them of any type: the places are asked for, 1 and up, 0 where there is none."""
    x = feeds[first]
    places = np.arange(1, x.size + 1, dtype=np.float64).reshape(x.shape)
    taken = evaluate(model, {**feeds, first: places})[0].astype(int)
    none = np.array([""], object) if x.dtype == object else np.zeros(1, x.dtype)
    return [np.concatenate([none, x.ravel()])[taken]]


def upsampled(a, x, scales):
    """Upsample and Resize-10 as the Resize of today that they became: from the left edge on, the neighbour below."""
    scales = np.asarray(scales[-1] if scales else a["scales"] if "scales" in a else [1, 1, a["height_scale"], a["width_scale"]], np.float32)
    mode = {"bilinear": "linear"}.get(a.get("mode", "nearest"), a.get("mode", "nearest"))
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode=mode, nearest_mode="floor", coordinate_transformation_mode="asymmetric")
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", 1, None), helper.make_tensor_value_info("scales", 1, None)],
                              [helper.make_tensor_value_info("y", 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", NEWEST)])
    return by_index(model, {"x": x, "scales": scales}, "x") if x.dtype.kind in "Ocb" else evaluate(model, {"x": x, "scales": scales})


def evaluate(model, feeds):
    try:
        return ReferenceEvaluator(model).run(None, feeds)
    except (RuntimeError, TypeError):  # no class for an old version: the newest says the same where the form is the same
        today = onnx.ModelProto()
        today.CopyFrom(model)
        for o in today.opset_import:
            if o.domain in ("", model.graph.node[0].domain):
                o.version = NEWEST if not o.domain else o.version
        return ReferenceEvaluator(today).run(None, feeds)


def given(template, label, types):
    """The outputs of the suite's own case, for its own types; else an exception."""
    if not template.folder or label != "base":
        raise LookupError("no answer")
    return [data.read_case(template.folder, k, data.kind_of(t), "output") for k, t in enumerate(types)]


def expected(schema, model, feeds, template, label):
    """[(value, type)] of the outputs; an exception where nobody knows."""
    types = output_types(schema, model)
    node = model.graph.node[0]
    if schema.name == "Cast" and schema.since_version < 6:
        types = [f"tensor({attributes(schema, node)['to'].lower()})"]
    feeds = {**{t.name: numpy_helper.to_array(t) for t in model.graph.initializer}, **feeds}
    versions, function, _ = own.OWN.get(f"{schema.domain}.{schema.name}" if schema.domain else schema.name, ((0, -1), None, ""))
    free = {n for i, n in enumerate(node.input) if coverage.constraint_of(schema, i, schema.inputs) not in coverage.ELEMENT}
    wide = {k: widened(v, schema.name in FRACTIONS and k in free) for k, v in feeds.items()} if schema.name not in ASKED_AS_IS else feeds
    moves = schema.name in ("GridSample", "Resize") and feeds[node.input[0]].dtype.kind in "OcbUS"
    if schema.name in ("If", "Loop") and template.folder:  # optionals within are lists to the reference
        values = given(template, label, types)
    elif schema.name.startswith("Random"):
        shape = attributes(schema, node).get("shape", np.shape(next(iter(feeds.values()), 0)))
        values = [np.zeros(shape)]
    elif schema.name == "Upsample" or (schema.name == "Resize" and schema.since_version == 10):
        values = upsampled(attributes(schema, node), wide[node.input[0]], [wide[n] for n in node.input[1:]])
    elif versions[0] <= schema.since_version <= versions[1] and not (moves and schema.since_version > 10):
        more = {"y_type": data.element_of(types[0], coverage.ELEMENT)} if schema.name == "QuantizeLinear" else {"outputs": len(types)} if schema.name == "Split" else {}
        values = function(attributes(schema, node), *[wide[n] for n in node.input if n], **more)
    elif schema.name == "Pad" and attributes(schema, node).get("mode") in ("constant", None):  # the reference does not crop
        values = own.pad(attributes(schema, node), *[feeds.get(n) for n in node.input])
    elif schema.name == "Col2Im" and feeds[node.input[0]].dtype == object:
        values = own.col2im_text(attributes(schema, node), *[feeds[n] for n in node.input])
    elif schema.name in ("Cast", "CastLike") and types[0] == "tensor(string)":
        values = [own.texts(feeds[node.input[0]])]
    elif schema.name in ("Cast", "CastLike") and feeds[node.input[0]].dtype == object:
        values = [np.array([float(v) for v in feeds[node.input[0]].ravel()]).reshape(feeds[node.input[0]].shape)]
    else:
        asked = model if schema.domain or is_today(schema) else converted(model)
        if schema.name == "Cast" and schema.since_version < 6:
            asked = onnx.ModelProto()
            asked.CopyFrom(model)
            asked.graph.node[0].attribute[0].CopyFrom(helper.make_attribute("to", int(onnx.TensorProto.DataType.Value(attributes(schema, node)["to"]))))
        try:
            values = by_index(asked, feeds, node.input[0]) if moves else evaluate(asked, wide)
        except Exception:  # noqa: BLE001
            try:
                if wide is feeds:
                    raise
                values = evaluate(asked, feeds)
            except Exception:  # noqa: BLE001
                values = given(template, label, types)
    return [(narrowed(v, t), t) for v, t in zip(values, types)]
