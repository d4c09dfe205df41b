# SPDX-License-Identifier: MIT
"""quantize_dynamic and quantize_static, with onnxruntime.quantization's arguments, and the report that they give."""
import copy
import pathlib
import warnings

from .. import SessionOptions
from ._report import names_of, path_of, quantized
from .calibrate import CalibrationMethod, TensorsData, calibrate, copy_of, only_cpu, samples_of, widened
from .quant_utils import QuantFormat, QuantType


TYPES = {QuantType.QInt8: "int8", QuantType.QUInt8: "uint8", QuantType.QInt16: "int16", QuantType.QUInt16: "uint16",
         QuantType.QInt4: "int4", QuantType.QUInt4: "uint4", QuantType.QFLOAT8E4M3FN: "float8e4m3fn"}


def _type(what, value):
    if value not in TYPES:
        raise ValueError(f"{what} is {value!r}; expected QuantType.QInt8 or another of {', '.join(kind.name for kind in TYPES)}")
    return TYPES[value]


def _settings(op_types, nodes, skip, per_channel, reduce_range, weight_type):
    settings = {"weight_type": _type("weight_type", weight_type), "per_channel": str(int(bool(per_channel))), "reduce_range": str(int(bool(reduce_range)))}
    return {**settings, **names_of(op_types, nodes, skip)}


_ANY = object()  # a value that makes no difference to the result here

#: extra_options by name: (what they are when nothing is said; whether another value is possible). Where it is, quantize_static reads it, or
#: it says no more than how the original goes about its work; where it is not, another value asks for a result that there is not here.
OPTIONS = {"ActivationSymmetric": (False, True), "CalibPercentile": (99.999, True), "CalibTensorRangeSymmetric": (False, True),
           "MatMulConstBOnly": (True, True), "MinimumRealRange": (None, True), "EnableSubgraph": (_ANY, True),
           "ForceQuantizeNoInputCheck": (_ANY, True), "DefaultTensorType": (_ANY, True), "CalibMovingAverageConstant": (_ANY, True),
           "CalibMaxIntermediateOutputs": (_ANY, True), "CalibStridedMinMax": (_ANY, True), "DedicatedQDQPair": (_ANY, True),
           "QDQKeepRemovableActivations": (_ANY, True), "AddQDQPairToWeight": (False, False), "CalibMovingAverage": (False, False),
           "QuantizeBias": (True, False), "SmoothQuant": (False, False), "WeightSymmetric": (None, False)}


def _extra(options, weight_type, read=()):
    """The options as they come to be, with defaults; a warning for those that say something and are not `read`.

    :raises ValueError: a name that is not known
    :raises NotImplementedError: a value that asks for another result
    """
    found = {key: default for key, (default, _) in OPTIONS.items()}
    found["WeightSymmetric"] = symmetric = weight_type not in (QuantType.QUInt8, QuantType.QUInt16, QuantType.QUInt4)
    for key, value in (options or {}).items():
        if key not in OPTIONS:
            raise ValueError(f"extra_options: {key!r} is not known")
        if not OPTIONS[key][1] and value is not None and bool(value) != bool(found[key]):
            why = f" for weights of {weight_type}" if key == "WeightSymmetric" else ""
            raise NotImplementedError(f"extra_options: {key}={value!r} is not possible{why}; expected {found[key]}")
        if key not in read and OPTIONS[key][1] and (value if OPTIONS[key][0] is _ANY else value not in (None, found[key])):
            warnings.warn(f"extra_options: {key} is not looked at", stacklevel=3)
        found[key] = found[key] if value is None else value
    return found


def quantize_dynamic(model_input, model_output, op_types_to_quantize=None, per_channel=False, reduce_range=False,
                     weight_type=QuantType.QInt8, nodes_to_quantize=None, nodes_to_exclude=None, use_external_data_format=False,
                     extra_options=None, *, compare=True):
    """Writes a model whose weights are 8-bit integers; activations become integers while it runs.

    :param model_input: a path, a ModelProto, or bytes
    :param model_output: the path to write; beyond 2 GB the weights go to a file beside it (use_external_data_format is not needed)
    :param op_types_to_quantize: names of operators, ["MatMul"] for instance; None: MatMul, Gemm, Conv and Gather
    :param per_channel: a scale for each output channel of a weight: more exact
    :param weight_type: QuantType.QInt8 or QUInt8
    :param nodes_to_quantize: names of nodes; None: all
    :param nodes_to_exclude: names of nodes that stay as they are
    :param compare: load the result, run both models on the same numbers, and say in the report how they compare
    :returns: a QuantizationReport; print it
    :raises InvalidArgument: what does not go together, or names that the model does not have
    """
    _extra(extra_options, weight_type)
    with path_of(model_input) as path:
        settings = _settings(op_types_to_quantize, nodes_to_quantize, nodes_to_exclude, per_channel, reduce_range, weight_type)
        return quantized(path, model_output, settings, None, compare)


def quantize_static(model_input, model_output, calibration_data_reader=None, quant_format=QuantFormat.QDQ, op_types_to_quantize=None,
                    per_channel=False, reduce_range=False, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
                    nodes_to_quantize=None, nodes_to_exclude=None, use_external_data_format=False,
                    calibrate_method=CalibrationMethod.MinMax, calibration_providers=None, extra_options=None,
                    calibration_cache_path=None, *, ranges=None, progress=None, compare=True):
    """Writes a model that computes on integers throughout, with ranges that are measured on samples.

    :param model_input: a path, a ModelProto, or bytes; batch normalisation is folded, and an operator set that is too old raised
    :param calibration_data_reader: samples: a CalibrationDataReader, or any iterable of dictionaries {input: array}
    :param quant_format: QuantFormat.QDQ, or QOperator: operators on integers (QLinearConv, ...) where there are such
    :param activation_type: QuantType.QUInt8, QInt8, QUInt16 or QInt16
    :param calibrate_method: CalibrationMethod.MinMax, Entropy, Percentile or Distribution (MinMax)
    :param extra_options: ActivationSymmetric (True: the zero point of activations is the middle), CalibPercentile, MatMulConstBOnly
        (False: products of two values of the model, too; here the default is True), CalibTensorRangeSymmetric (ranges as wide on both
        sides of 0), MinimumRealRange (how wide they are at least)
    :param calibration_cache_path: ranges are read from this file where it is there, and written to it where not
    :param ranges: TensorsData from calibrate(), in place of samples
    :param progress: True prints the number of samples; or a function of it
    :returns: a QuantizationReport; print it
    """
    extra = _extra(extra_options, weight_type,
                   ("ActivationSymmetric", "CalibPercentile", "CalibTensorRangeSymmetric", "MatMulConstBOnly", "MinimumRealRange"))
    only_cpu(calibration_providers)
    kept = []

    def first_kept():
        for sample in samples_of(calibration_data_reader):
            if not kept:
                kept.append(copy_of(sample))
            yield sample

    with path_of(model_input) as path:
        cache = calibration_cache_path and pathlib.Path(calibration_cache_path)
        if ranges is None and cache and cache.exists():
            ranges = TensorsData.load(cache)
        elif ranges is None:
            if calibration_data_reader is None:
                raise ValueError("quantize_static needs samples (calibration_data_reader), or ranges")
            options = SessionOptions()
            ranges = calibrate(path, first_kept(), calibrate_method, extra["CalibPercentile"], progress, options)
            if cache:
                ranges.save(cache)
        ranges = widened(copy.deepcopy(ranges), extra["CalibTensorRangeSymmetric"], extra["MinimumRealRange"])
        settings = _settings(op_types_to_quantize, nodes_to_quantize, nodes_to_exclude, per_channel, reduce_range, weight_type)
        settings.update(mode="static", format=str(quant_format).lower(), ranges=ranges.json(),
                        activation_type=_type("activation_type", activation_type),
                        symmetric_activations=str(int(bool(extra["ActivationSymmetric"]))),
                        constant_b_only=str(int(bool(extra["MatMulConstBOnly"]))))
        return quantized(path, model_output, settings, kept[0] if kept else None, compare)


def convert_float(model_input, model_output, to="float16", keep_io_types=True, op_types=None, nodes=None, nodes_to_exclude=None, *,
                  op_types_to_exclude=None, compare=True):
    """Writes a model with floats of 16 bits, weights and values, where its operators take them.

    :param to: "float16" or "bfloat16"; numbers beyond the type's range are clamped to it
    :param keep_io_types: inputs and outputs of the model stay float
    :param op_types_to_exclude: names of operators that stay as they are
    :returns: a QuantizationReport
    """
    settings = {"mode": "half", "weight_type": str(to), "keep_io_types": str(int(bool(keep_io_types)))}
    settings.update(names_of(op_types, nodes, nodes_to_exclude, op_types_to_exclude))
    with path_of(model_input) as path:
        return quantized(path, model_output, settings, None, compare and keep_io_types)


class QuantConfig:
    """Arguments of quantize_dynamic and quantize_static but for the models, as attributes."""

    def __init__(self, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=None, nodes_to_quantize=None,
                 nodes_to_exclude=None, per_channel=False, reduce_range=False, use_external_data_format=False):
        self.activation_type, self.weight_type = activation_type, weight_type
        self.op_types_to_quantize = op_types_to_quantize or []
        self.nodes_to_quantize, self.nodes_to_exclude = nodes_to_quantize or [], nodes_to_exclude or []
        self.per_channel, self.reduce_range, self.use_external_data_format = per_channel, reduce_range, use_external_data_format


class StaticQuantConfig(QuantConfig):
    """Arguments of quantize_static but for the models."""

    def __init__(self, calibration_data_reader, calibrate_method=CalibrationMethod.MinMax, quant_format=QuantFormat.QDQ,
                 activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, op_types_to_quantize=None, nodes_to_quantize=None,
                 nodes_to_exclude=None, per_channel=False, reduce_range=False, use_external_data_format=False, calibration_providers=None,
                 extra_options=None):
        super().__init__(activation_type, weight_type, op_types_to_quantize, nodes_to_quantize, nodes_to_exclude, per_channel, reduce_range,
                         use_external_data_format)
        self.calibration_data_reader, self.calibrate_method, self.quant_format = calibration_data_reader, calibrate_method, quant_format
        self.calibration_providers, self.extra_options = calibration_providers, extra_options or {}


class DynamicQuantConfig(QuantConfig):
    """Arguments of quantize_dynamic but for the models."""

    def __init__(self, weight_type=QuantType.QInt8, op_types_to_quantize=None, nodes_to_quantize=None, nodes_to_exclude=None,
                 per_channel=False, reduce_range=False, use_external_data_format=False, extra_options=None):
        super().__init__(QuantType.QUInt8, weight_type, op_types_to_quantize, nodes_to_quantize, nodes_to_exclude, per_channel, reduce_range,
                         use_external_data_format)
        self.extra_options = extra_options or {}


def get_qdq_config(model_input, calibration_data_reader, calibrate_method=CalibrationMethod.MinMax, calibrate_args=None,
                   activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, activation_symmetric=False, weight_symmetric=None,
                   per_channel=False, reduce_range=False, keep_removable_activations=False, min_real_range=None,
                   tensor_quant_overrides=None, calibration_providers=None, op_types_to_quantize=None, nodes_to_exclude=None,
                   extra_options=None):
    """A StaticQuantConfig that quantises all that a model has.

    :param calibrate_args: "percentile" and "symmetric" of the calibration
    :param nodes_to_exclude: names; or a function of an onnx.ModelProto and an onnx.NodeProto that says whether the node stays
    :param min_real_range: how wide the range of a value is at least
    """
    if tensor_quant_overrides:
        raise NotImplementedError("tensor_quant_overrides: ranges and types are the same for all tensors; ranges can be changed in what "
                                  "calibrate() gives")
    if callable(nodes_to_exclude):
        import onnx
        model = model_input if hasattr(model_input, "graph") else onnx.load(model_input, load_external_data=False)
        picked = [node for node in model.graph.node if nodes_to_exclude(model, node)]
        if not all(node.name for node in picked):
            raise ValueError("nodes_to_exclude: nodes are left out by name, and "
                             f"{sum(not node.name for node in picked)} of those that the function picks have none")
        nodes_to_exclude = [node.name for node in picked]
    extra = {"MinimumRealRange": min_real_range, "QDQKeepRemovableActivations": keep_removable_activations,
             "ActivationSymmetric": activation_symmetric, "WeightSymmetric": weight_symmetric}
    keys = {"symmetric": "CalibTensorRangeSymmetric", "percentile": "CalibPercentile", "moving_average": "CalibMovingAverage",
            "averaging_constant": "CalibMovingAverageConstant", "max_intermediate_outputs": "CalibMaxIntermediateOutputs"}
    extra.update({keys[name]: value for name, value in (calibrate_args or {}).items() if name in keys})
    return StaticQuantConfig(calibration_data_reader, calibrate_method, QuantFormat.QDQ, activation_type, weight_type, op_types_to_quantize,
                             None, list(nodes_to_exclude or ()), per_channel, reduce_range, False, calibration_providers,
                             {**extra, **(extra_options or {})})


def check_static_quant_arguments(quant_format, activation_type, weight_type):
    """Refuses types that the format cannot say together.

    :raises ValueError: with what to do
    """
    if activation_type is QuantType.QInt8 and weight_type is QuantType.QUInt8:
        raise ValueError("ONNXRuntime quantization doesn't support data format:activation_type=QuantType.QInt8, "
                         "weight_type=QuantType.QUInt8")
    wide = {QuantType.QInt16, QuantType.QUInt16, QuantType.QInt4, QuantType.QUInt4}
    for what, kind in (("activation_type", activation_type), ("weight_type", weight_type)):
        if quant_format is not QuantFormat.QDQ and kind in wide:
            raise ValueError(f"Only QuantFormat.QDQ supports 16-bit and 4-bit types: {what} is {kind}")


def quantize(model_input, model_output, quant_config):
    """quantize_static or quantize_dynamic, by the kind of configuration."""
    arguments = dict(vars(quant_config)) if isinstance(quant_config, QuantConfig) else {}
    if isinstance(quant_config, StaticQuantConfig):
        return quantize_static(model_input, model_output, **arguments)
    if isinstance(quant_config, DynamicQuantConfig):
        del arguments["activation_type"]
        return quantize_dynamic(model_input, model_output, **arguments)
    raise TypeError("Invalid quantization config type, it must be either StaticQuantConfig or DynamicQuantConfig.")
