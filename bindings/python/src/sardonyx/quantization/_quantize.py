# SPDX-License-Identifier: MIT
"""quantize_dynamic and quantize_static, with onnxruntime.quantization's arguments, and the report that they give."""
import contextlib
import enum
import json
import os
import pathlib
import tempfile
import time
import warnings

import numpy as np

from .. import InferenceSession, SessionOptions, _native
from .._reports import Report
from ._calibrate import CalibrationMethod, TensorsData, calibrate, samples_of


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


class QuantizationReport(Report):
    """What became of each node, and how the new model compares with the old one.

    `nodes` is a list of dictionaries (name, op_type, quantized, reason, weight_error), `bytes_before` and `bytes_after` the sizes of the
    constants, `outputs` the error of each output (root mean square, relative to the output's own) on one sample, `speedup` the time of
    the old model over that of the new one on that sample; both None when there was no sample to run.
    """

    outputs = speedup = None

    @property
    def nodes(self):
        return self.data["nodes"]

    @property
    def bytes_before(self):
        return self.data["bytes_before"]

    @property
    def bytes_after(self):
        return self.data["bytes_after"]


def _table(data):
    width = max([4] + [min(len(node["name"]), 60) for node in data["nodes"]])
    for node in data["nodes"]:
        error = node["weight_error"]
        became = f"stays: {node['reason']}" if not node["quantized"] else "quantised" + ("" if error is None else f", weight off by {100 * error:.3g} %")
        yield f"{node['name']:<{width}}  {node['op_type']:<20}  {became}"
    done = sum(node["quantized"] for node in data["nodes"])
    share = 100 * data["bytes_after"] / max(data["bytes_before"], 1)
    yield f"{done} of {len(data['nodes'])} nodes quantised; constants of {data['bytes_before']} bytes became {data['bytes_after']} ({share:.3g} %)"


def _random_sample(session):
    """Numbers for every input, or None where nobody can guess them: indices might be out of range."""
    sample, draw = {}, np.random.default_rng(0)
    for arg in session.get_inputs():
        if arg.type != "tensor(float)":
            return None
        sample[arg.name] = draw.random([d if isinstance(d, int) else 1 for d in arg.shape], np.float32)
    return sample


def _best_time(session, sample):
    best, end = float("inf"), time.perf_counter() + 0.2
    while True:
        start = time.perf_counter()
        session.run(None, sample)
        now = time.perf_counter()
        best = min(best, now - start)
        if now > end:
            return best


def _compare(report, before, after, sample):
    """The new model is loaded and run: a file that does not work is an error here, not a surprise later."""
    new, old = InferenceSession(after), InferenceSession(before)
    try:
        _compare_on(report, old, new, sample)
    except Exception as error:  # the file is written and loads: that its inputs were guessed badly is no failure
        if sample is not None:
            raise
        report.outputs = None
        report.text += f"\nnot compared: the model did not run on random numbers ({error})"


def _compare_on(report, old, new, sample):
    if sample is None:
        sample = _random_sample(old)
    if sample is None:
        report.text += "\nnot compared: nobody can make up numbers for its inputs"
        return
    report.outputs = {}
    lines = []
    for arg, a, b in zip(old.get_outputs(), old.run(None, sample), new.run(None, sample)):
        if isinstance(a, np.ndarray) and a.dtype.kind == "f" and a.shape == b.shape and a.size:
            error = float(np.sqrt(np.mean((a - b) ** 2, dtype=float) / max(float(np.mean(a * a, dtype=float)), 1e-30)))
            report.outputs[arg.name] = error
            lines.append(f"output {arg.name}: off by {100 * error:.3g} % (root mean square)")
    report.speedup = _best_time(old, sample) / _best_time(new, sample)
    lines.append(f"{report.speedup:.2f} times as fast")
    report.text += "\n".join(["", *lines])


@contextlib.contextmanager
def _path_of(model):
    """A path of the model; a ModelProto is written to a file for as long as it is needed."""
    if isinstance(model, (str, os.PathLike)):
        yield pathlib.Path(model)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        yield path


def _names(op_types, nodes, skip):
    return {key: "\n".join(names) for key, names in (("op_types", op_types), ("nodes", nodes), ("skip_nodes", skip)) if names}


def _settings(op_types, nodes, skip, per_channel, reduce_range, weight_type):
    settings = {"weight_type": TYPES[weight_type], "per_channel": str(int(bool(per_channel))), "reduce_range": str(int(bool(reduce_range)))}
    return {**settings, **_names(op_types, nodes, skip)}


def _run(path, model_output, settings, sample, compare):
    data = json.loads(_native.quantize(os.fspath(path), os.fspath(model_output), settings, True))
    report = QuantizationReport("\n".join(_table(data)), data)
    if compare:
        _compare(report, os.fspath(path), os.fspath(model_output), sample)
    return report


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
    with _path_of(model_input) as path:
        settings = _settings(op_types_to_quantize, nodes_to_quantize, nodes_to_exclude, per_channel, reduce_range, weight_type)
        return _run(path, model_output, settings, None, compare)


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

    with _path_of(model_input) as path:
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
        return _run(path, model_output, settings, kept[0] if kept else None, compare)


def quantize_weights(model_input, model_output, bits=4, block_size=32, method="rtn", is_symmetric=False, accuracy_level=0,
                     op_types_to_quantize=None, nodes_to_quantize=None, nodes_to_exclude=None, *, compare=True):
    """Writes a model with the weights of its products in blocks of few bits (MatMulNBits, and GatherBlockQuantized for tables).

    :param bits: 2, 4 or 8
    :param block_size: elements with a scale of their own, a power of two from 16 to 256
    :param method: "rtn" rounds to nearest; "hqq" finds better zero points, without data
    :param is_symmetric: no zero points
    :param accuracy_level: 0 computes with floats, 4 with integers of 8 bits where the machine is faster with them
    :returns: a QuantizationReport
    """
    settings = {"mode": "nbits", "bits": str(int(bits)), "block_size": str(int(block_size)), "method": str(method).lower(),
                "symmetric_weights": str(int(bool(is_symmetric))), "accuracy_level": str(int(accuracy_level or 0))}
    settings.update(_names(op_types_to_quantize, nodes_to_quantize, nodes_to_exclude))
    with _path_of(model_input) as path:
        return _run(path, model_output, settings, None, compare)


def convert_float(model_input, model_output, to="float16", keep_io_types=True, op_types=None, nodes=None, nodes_to_exclude=None, *,
                  compare=True):
    """Writes a model with floats of 16 bits, weights and values, where its operators take them.

    :param to: "float16" or "bfloat16"; numbers beyond the type's range are clamped to it
    :param keep_io_types: inputs and outputs of the model stay float
    :returns: a QuantizationReport
    """
    settings = {"mode": "half", "weight_type": str(to), "keep_io_types": str(int(bool(keep_io_types)))}
    settings.update(_names(op_types, nodes, nodes_to_exclude))
    with _path_of(model_input) as path:
        return _run(path, model_output, settings, None, compare and keep_io_types)


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
