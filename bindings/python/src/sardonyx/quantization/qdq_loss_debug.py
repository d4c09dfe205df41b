# SPDX-License-Identifier: MIT
"""onnxruntime.quantization.qdq_loss_debug: where the values of a quantised model part from those of the model that it came from.

    modify_model_output_intermediate_tensors("model.onnx", "model_shown.onnx")
    modify_model_output_intermediate_tensors("model_int8.onnx", "model_int8_shown.onnx")
    both = create_activation_matching(collect_activations("model_int8_shown.onnx", reader), collect_activations("model_shown.onnx", reader))
    for name, errors in compute_activation_error(both).items():
        print(name, errors)        # decibels: the higher the better
"""
import math
import os

import numpy as np

from .. import GraphOptimizationLevel, InferenceSession, SessionOptions, _model
from .calibrate import samples_of
from .quant_utils import DEQUANT_OP_NAME, DEQUANT_OUTPUT_SUFFIX, QUANT_INPUT_SUFFIX, TENSOR_NAME_QUANT_SUFFIX

_SHOWN = "_ReshapedSavedOutput"
_FLAT = "LinearReshape_saved"
_FLOATS = {"tensor(float)": 1, "tensor(float16)": 10}


def _plain():
    options = SessionOptions()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


def _output(name, kind):
    """A ValueInfoProto of a list of that type."""
    shape = _model.field(1, _model.field(2, b"saved"))
    return _model.field(1, name.encode()) + _model.field(2, _model.field(1, _model.number(1, kind) + _model.field(2, shape)))


def modify_model_output_intermediate_tensors(input_model_path, output_model_path, op_types_for_saving=None, save_as_external_data=False):
    """Writes the model with all floats that it computes as further outputs, each as a list called <name>_ReshapedSavedOutput.

    :param op_types_for_saving: operators whose inputs and outputs are meant; None: all
    :param save_as_external_data: not needed: weights that lie beside the model stay there, so write into the same folder
    """
    model = _model.Model(os.fspath(input_model_path))
    nodes = [node for node in model.nodes if not op_types_for_saving or node.op_type in op_types_for_saving]
    computed = set(model.tensors())
    read = dict.fromkeys(name for node in nodes for name in [*node.inputs, *node.outputs])
    with model.session([name for name in read if name in computed], _plain()) as session:
        kinds = {arg.name: arg.type for arg in [*session.get_inputs(), *session.get_outputs()]}
    more = [_model.field(_model.INITIALIZER, _model.number(1, 1) + _model.number(2, 7) + _model.field(8, _FLAT.encode()) +
                         _model.field(9, (-1).to_bytes(8, "little", signed=True)))]
    for name in read:
        if kinds.get(name) in _FLOATS:
            shown = (name + _SHOWN).encode()
            more.append(_model.field(_model.NODE, _model.field(1, name.encode()) + _model.field(1, _FLAT.encode()) + _model.field(2, shown) +
                                     _model.field(3, shown) + _model.field(4, b"Reshape")))
            more.append(_model.field(_model.OUTPUT, _output(name + _SHOWN, _FLOATS[kinds[name]])))
    data = _model.replace_graph(model.data, b"".join([_model.graph_of(model.data), *more]))
    with open(output_model_path, "wb") as file:
        file.write(data)


def collect_activations(augmented_model, input_reader, session_options=None, execution_providers=None):
    """{tensor: [its elements in each sample]} of a model that modify_model_output_intermediate_tensors wrote.

    :param input_reader: a CalibrationDataReader, or any iterable of dictionaries {input: array}
    """
    session = InferenceSession(augmented_model, session_options or _plain(), providers=execution_providers or ["CPUExecutionProvider"])
    names = [arg.name for arg in session.get_outputs() if arg.name.endswith(_SHOWN)]
    seen = {name[:-len(_SHOWN)]: [] for name in names}
    count = 0
    for sample in samples_of(input_reader):
        for values, array in zip(seen.values(), session.run(names, sample)):
            values.append(array)
        count += 1
    if not count:
        raise RuntimeError("No data is collected while running augmented model!")
    return seen


def create_activation_matching(qdq_activations, float_activations=None):
    """{tensor: {"pre_qdq": before its pair, "post_qdq": behind it, "float": in the other model}}.

    :param qdq_activations: what collect_activations gave of a model with QuantizeLinear and DequantizeLinear
    :param float_activations: what it gave of the model that it came from
    """
    both = {}
    for name, values in qdq_activations.items():
        for suffix in (QUANT_INPUT_SUFFIX, DEQUANT_OUTPUT_SUFFIX, DEQUANT_OUTPUT_SUFFIX + "_1"):
            other = qdq_activations.get(name[:-len(suffix)]) if name.endswith(suffix) else None
            if other is not None:
                before, behind = (values, other) if suffix == QUANT_INPUT_SUFFIX else (other, values)
                both[name[:-len(suffix)]] = {"pre_qdq": before, "post_qdq": behind}
    for name, match in both.items():
        if float_activations and name in float_activations:
            match["float"] = float_activations[name]
    return both


def _constants(path):
    """{name: array} of a model's initializers; the package onnx is needed."""
    import onnx
    model = onnx.load(os.fspath(path))
    return model, {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def create_weight_matching(float_model_path, qdq_model_path):
    """{weight: {"float": as it was, "dequantized": as it is now}}; the package onnx is needed."""
    _, before = _constants(float_model_path)
    model, now = _constants(qdq_model_path)
    both = {}
    for node in model.graph.node:
        name = node.input[0][:-len(TENSOR_NAME_QUANT_SUFFIX)] if node.input and node.input[0].endswith(TENSOR_NAME_QUANT_SUFFIX) else None
        if node.op_type != DEQUANT_OP_NAME or name not in before or node.input[0] not in now:
            continue
        codes, scale = now[node.input[0]].astype(np.float32), now[node.input[1]]
        zero = now[node.input[2]].astype(np.float32) if len(node.input) > 2 and node.input[2] else np.float32(0)
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
        shape = [-1 if i == axis % codes.ndim else 1 for i in range(codes.ndim)] if scale.size > 1 else []
        both[name] = {"float": before[name], "dequantized": (codes - np.reshape(zero, shape)) * np.reshape(scale, shape)}
    return both


def compute_signal_to_quantization_noice_ratio(x, y):
    """How much stronger x is than its difference from y, in decibels; arrays, or lists of as many."""
    xs, ys = ([v] if isinstance(v, np.ndarray) else v for v in (x, y))
    if len(xs) != len(ys):
        raise RuntimeError("Unequal number of tensors to compare!")
    left, right = (np.concatenate([np.ravel(v) for v in vs]) for vs in (xs, ys))
    least = np.finfo(float).eps
    return 20 * math.log10(max(np.linalg.norm(left), least) / max(np.linalg.norm(left - right), least))


def compute_weight_error(weights_match, err_func=compute_signal_to_quantization_noice_ratio):
    """{weight: error} of what create_weight_matching gave."""
    return {name: err_func(match["float"], match["dequantized"]) for name, match in weights_match.items()}


def compute_activation_error(activations_match, err_func=compute_signal_to_quantization_noice_ratio):
    """{tensor: {"qdq_err": of its pair, "xmodel_err": from the other model}} of what create_activation_matching gave."""
    return {name: {"qdq_err": err_func(match["pre_qdq"], match["post_qdq"]),
                   **({"xmodel_err": err_func(match["float"], match["post_qdq"])} if match.get("float") else {})}
            for name, match in activations_match.items()}
