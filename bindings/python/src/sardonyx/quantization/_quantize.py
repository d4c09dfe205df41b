# SPDX-License-Identifier: MIT
"""quantize_dynamic and quantize_static, with onnxruntime.quantization's arguments, and the report that they give."""
import enum
import pathlib
import warnings

from .. import SessionOptions
from ._calibrate import CalibrationMethod, TensorsData, calibrate, samples_of
from ._report import names_of, path_of, quantized


class QuantType(enum.Enum):
    """Integer types of weights and activations."""

    QInt8 = 0
    QUInt8 = 1
    QFLOAT8E4M3FN = 2
    QInt16 = 3
    QUInt16 = 4
    QInt4 = 5
    QUInt4 = 6

    def __str__(self):
        return self.name

    @staticmethod
    def from_string(name):
        try:
            return QuantType[name]
        except KeyError:
            raise ValueError(f"no QuantType is called {name!r}") from None


class QuantFormat(enum.Enum):
    """How a statically quantised model is written."""

    QOperator = 0
    QDQ = 1

    def __str__(self):
        return self.name

    @staticmethod
    def from_string(name):
        try:
            return QuantFormat[name]
        except KeyError:
            raise ValueError(f"no QuantFormat is called {name!r}") from None


class QuantizationMode(enum.Enum):
    """Dynamic (IntegerOps) or static (QLinearOps), as onnxruntime calls them."""

    IntegerOps = 0
    QLinearOps = 1


TYPES = {QuantType.QInt8: "int8", QuantType.QUInt8: "uint8", QuantType.QInt16: "int16", QuantType.QUInt16: "uint16",
         QuantType.QInt4: "int4", QuantType.QUInt4: "uint4", QuantType.QFLOAT8E4M3FN: "float8e4m3fn"}


def _settings(op_types, nodes, skip, per_channel, reduce_range, weight_type):
    settings = {"weight_type": TYPES[weight_type], "per_channel": str(int(bool(per_channel))), "reduce_range": str(int(bool(reduce_range)))}
    return {**settings, **names_of(op_types, nodes, skip)}


#: extra_options that say what is done here anyway, or what makes no difference to the result
HARMLESS = {"EnableSubgraph", "ForceQuantizeNoInputCheck", "DefaultTensorType", "QuantizeBias", "DedicatedQDQPair",
            "AddQDQPairToWeight", "WeightSymmetric", "CalibMovingAverage", "CalibMovingAverageConstant", "CalibStridedMinMax",
            "CalibMaxIntermediateOutputs", "SmoothQuant"}


def _extra(options, known):
    for key in options or {}:
        if key not in known and key not in HARMLESS:
            raise ValueError(f"extra_options: {key!r} is not known")
        if key in HARMLESS:
            warnings.warn(f"extra_options: {key} is not looked at", stacklevel=3)
    return options or {}


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
    _extra(extra_options, ())
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
    :param calibrate_method: CalibrationMethod.MinMax, Entropy or Percentile
    :param extra_options: ActivationSymmetric (True: the zero point of activations is the middle), CalibPercentile, MatMulConstBOnly
        (False: products of two values of the model, too; here the default is True)
    :param calibration_cache_path: ranges are read from this file where it is there, and written to it where not
    :param ranges: TensorsData from calibrate(), in place of samples
    :param progress: True prints the number of samples; or a function of it
    :returns: a QuantizationReport; print it
    """
    extra = _extra(extra_options, ("ActivationSymmetric", "CalibPercentile", "MatMulConstBOnly"))
    kept = []

    def first_kept():
        for sample in samples_of(calibration_data_reader):
            if not kept:
                kept.append(dict(sample))
            yield sample

    with path_of(model_input) as path:
        cache = calibration_cache_path and pathlib.Path(calibration_cache_path)
        if ranges is None and cache and cache.exists():
            ranges = TensorsData.load(cache)
        elif ranges is None:
            if calibration_data_reader is None:
                raise ValueError("quantize_static needs samples (calibration_data_reader), or ranges")
            options = SessionOptions()
            ranges = calibrate(path, first_kept(), calibrate_method, extra.get("CalibPercentile", 99.999), progress, options)
            if cache:
                ranges.save(cache)
        settings = _settings(op_types_to_quantize, nodes_to_quantize, nodes_to_exclude, per_channel, reduce_range, weight_type)
        settings.update(mode="static", format=str(quant_format).lower(), ranges=ranges.json(), activation_type=TYPES[activation_type],
                        symmetric_activations=str(int(bool(extra.get("ActivationSymmetric", False)))),
                        constant_b_only=str(int(bool(extra.get("MatMulConstBOnly", True)))))
        return quantized(path, model_output, settings, kept[0] if kept else None, compare)


def convert_float(model_input, model_output, to="float16", keep_io_types=True, op_types=None, nodes=None, nodes_to_exclude=None, *,
                  compare=True):
    """Writes a model with floats of 16 bits, weights and values, where its operators take them.

    :param to: "float16" or "bfloat16"; numbers beyond the type's range are clamped to it
    :param keep_io_types: inputs and outputs of the model stay float
    :returns: a QuantizationReport
    """
    settings = {"mode": "half", "weight_type": str(to), "keep_io_types": str(int(bool(keep_io_types)))}
    settings.update(names_of(op_types, nodes, nodes_to_exclude))
    with path_of(model_input) as path:
        return quantized(path, model_output, settings, None, compare and keep_io_types)


class _Config:
    """Arguments of a function as attributes."""

    def __init__(self, **arguments):
        self.__dict__.update(arguments)


class DynamicQuantConfig(_Config):
    """Arguments of quantize_dynamic but for the models."""


class StaticQuantConfig(_Config):
    """Arguments of quantize_static but for the models."""

    def __init__(self, calibration_data_reader, **arguments):
        super().__init__(calibration_data_reader=calibration_data_reader, **arguments)


def quantize(model_input, model_output, quant_config):
    """quantize_static or quantize_dynamic, by the kind of configuration."""
    kind = {StaticQuantConfig: quantize_static, DynamicQuantConfig: quantize_dynamic}.get(type(quant_config))
    if not kind:
        raise TypeError("Invalid quantization config type, it must be either StaticQuantConfig or DynamicQuantConfig.")
    return kind(model_input, model_output, **vars(quant_config))
