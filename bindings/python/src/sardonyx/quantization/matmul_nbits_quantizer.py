# SPDX-License-Identifier: MIT
"""onnxruntime.quantization.matmul_nbits_quantizer: quantize_weights under its names.

    quantizer = MatMulNBitsQuantizer("model.onnx", bits=4, block_size=32, algo_config=None)
    quantizer.process()
    quantizer.model.save_model_to_file("model_int4.onnx", use_external_data_format=True)
"""
import os
import pathlib
import shutil
import tempfile

from ._weights import quantize_weights
from .quant_utils import QuantFormat


class WeightOnlyQuantConfig:
    """What all ways to round weights have in common.

    :param quant_format: QuantFormat.QOperator: MatMulNBits and GatherBlockQuantized
    :param op_types_to_quantize: names of operators, ("MatMul",) where none are given
    :param quant_axes: pairs of an operator and its axis; those that MatMulNBits and GatherBlockQuantized have
    """

    def __init__(self, algorithm, quant_format, op_types_to_quantize=None, quant_axes=None, customized_weight_config=None):
        if quant_format is not QuantFormat.QOperator:
            raise NotImplementedError(f"{algorithm}: weights in blocks are written as MatMulNBits (QuantFormat.QOperator)")
        self.algorithm, self.quant_format, self.customized_weight_config = algorithm, quant_format, customized_weight_config
        self.op_types_to_quantize = set(op_types_to_quantize) if op_types_to_quantize else {"MatMul"}
        self.quant_axes = dict(quant_axes) if quant_axes else {"MatMul": 0, "Gather": 1}
        if {"MatMul": 0, "Gather": 1, **self.quant_axes} != {"MatMul": 0, "Gather": 1}:
            raise NotImplementedError(f"quant_axes {self.quant_axes}: blocks lie along axis 0 of MatMul's weight and axis 1 of Gather's")
        if customized_weight_config:
            raise NotImplementedError("customized_weight_config: all nodes of a call have the same blocks; call quantize_weights for some, "
                                      "then for the others")

    def _arguments(self):
        return {}


class DefaultWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    """To the nearest code."""

    def __init__(self, block_size=128, is_symmetric=False, accuracy_level=None, quant_format=QuantFormat.QOperator, op_types_to_quantize=None,
                 quant_axes=None, bits=4, channel_wised_quantize=False):
        if channel_wised_quantize:
            raise NotImplementedError("channel_wised_quantize: weights lie in blocks")
        super().__init__("DEFAULT", quant_format, op_types_to_quantize, quant_axes)
        self.block_size, self.is_symmetric, self.bits, self.accuracy_level = block_size, is_symmetric, bits, accuracy_level
        self.channel_wised_quantize = channel_wised_quantize

    def _arguments(self):
        return {"bits": self.bits, "block_size": self.block_size, "is_symmetric": self.is_symmetric, "accuracy_level": self.accuracy_level}


class RTNWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    """To the nearest code, in blocks of 32 with 4 bits."""

    def __init__(self, ratios=None, quant_format=QuantFormat.QOperator, op_types_to_quantize=None, customized_weight_config=None):
        super().__init__("RTN", quant_format, op_types_to_quantize, None, customized_weight_config)
        if ratios:
            raise NotImplementedError("ratios: ranges are narrowed to where the error is least by quantize_weights(mse=True)")
        self.ratios = {}

    def _arguments(self):
        return {"bits": 4, "block_size": 32}


class KQuantWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    """With ranges that are narrowed to where the error is least, in blocks of 32 with 4 bits."""

    def __init__(self, ratios=None, quant_format=QuantFormat.QOperator, op_types_to_quantize=None, customized_weight_config=None):
        super().__init__("k_quant", quant_format, op_types_to_quantize, None, customized_weight_config)
        self.ratios = ratios or {}

    def _arguments(self):
        return {"bits": 4, "block_size": 32, "mse": True}


class HQQWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    """With zero points that meet most elements better, by half-quadratic quantisation."""

    def __init__(self, block_size=128, bits=4, axis=1, quant_format=QuantFormat.QOperator, op_types_to_quantize=None, quant_axes=None):
        super().__init__("HQQ", quant_format, op_types_to_quantize, quant_axes)
        if axis != 1:
            raise NotImplementedError(f"axis {axis}: blocks lie along the sum's axis (1)")
        self.block_size, self.bits, self.axis = block_size, bits, axis

    def _arguments(self):
        return {"bits": self.bits, "block_size": self.block_size, "method": "hqq"}


class GPTQWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    """Such that products on samples change least.

    :param calibration_data_reader: a CalibrationDataReader, or any iterable of dictionaries {input: array}
    :param percdamp: the share of the mean moment that is added to all of them
    :param block_size: taken, and not needed: it is how many elements onnxruntime works on at a time
    :param actorder: elements that meet large values are rounded first
    :param mse: ranges are narrowed to where the error is least
    :param perchannel: False: all rows of a matrix have the scales of their blocks in common
    """

    def __init__(self, calibration_data_reader=None, percdamp=0.01, block_size=128, actorder=False, mse=False, perchannel=True,
                 quant_format=QuantFormat.QOperator, op_types_to_quantize=None):
        super().__init__("GPTQ", quant_format, op_types_to_quantize)
        self.calibration_data_reader, self.percdamp, self.block_size = calibration_data_reader, percdamp, block_size
        self.actorder, self.mse, self.perchannel = actorder, mse, perchannel

    def _arguments(self):
        return {"bits": 4, "block_size": 32, "method": "gptq", "samples": self.calibration_data_reader, "percdamp": self.percdamp,
                "actorder": self.actorder, "mse": self.mse, "share_scales": not self.perchannel}


class _Written:
    """A model that was written: what onnxruntime's ONNXModel is used for after process()."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self._folder.name) / "model.onnx"

    @property
    def model(self):
        """The model as an onnx.ModelProto; the package onnx is needed."""
        import onnx
        return onnx.load(self.path)

    def save_model_to_file(self, output_path, use_external_data_format=False):
        """Writes it; weights go to a file beside it beyond 2 GB, or where `use_external_data_format` says so and onnx is installed."""
        beside = self.path.with_name(self.path.name + ".data")
        if use_external_data_format or beside.exists():
            import onnx
            name = pathlib.Path(output_path).name + ".data"
            pathlib.Path(output_path).with_name(name).unlink(missing_ok=True)
            onnx.save_model(self.model, os.fspath(output_path), save_as_external_data=True, all_tensors_to_one_file=True, location=name)
        else:
            shutil.copyfile(self.path, output_path)


class MatMulNBitsQuantizer:
    """Weights in blocks of 2, 4 or 8 bits: process(), then `model.save_model_to_file(path)`, or `model.model`. `report` says what became
    of each node.

    :param model: a path, a ModelProto, or bytes
    :param algo_config: one of the configurations of this module; without one, the other arguments make a DefaultWeightOnlyQuantConfig
    :param nodes_to_exclude: names of nodes that stay as they are
    :param nodes_to_include: names of nodes; None: all
    """

    def __init__(self, model, bits=4, block_size=128, is_symmetric=False, accuracy_level=None, nodes_to_exclude=None, nodes_to_include=None,
                 quant_format=QuantFormat.QOperator, op_types_to_quantize=None, quant_axes=None, channel_wised_quantize=False, algo_config=None):
        self.algo_config = algo_config or DefaultWeightOnlyQuantConfig(block_size, is_symmetric, accuracy_level, quant_format,
                                                                       op_types_to_quantize, quant_axes, bits, channel_wised_quantize)
        self.source, self.model_path = model, model if isinstance(model, str) else None
        self.bits, self.block_size, self.is_symmetric, self.accuracy_level = bits, block_size, is_symmetric, accuracy_level
        self.nodes_to_exclude, self.nodes_to_include = set(nodes_to_exclude or ()), set(nodes_to_include) if nodes_to_include is not None else None
        self.model = self.report = None

    def process(self):
        """Quantises; names of nodes that the model does not have are no mistakes here."""
        from .. import _model
        from ._report import path_of
        with path_of(self.source) as path:
            there = {node.name for node in _model.Model(os.fspath(path)).nodes}
            wanted = None if self.nodes_to_include is None else sorted(self.nodes_to_include & there)
            arguments = {"accuracy_level": self.accuracy_level, **self.algo_config._arguments()}
            written = _Written()
            kinds = sorted(self.algo_config.op_types_to_quantize)
            self.report = quantize_weights(path, written.path, op_types_to_quantize=kinds, nodes_to_quantize=wanted,
                                           op_types_to_exclude=kinds if wanted == [] else None,  # a wish for nothing is none for all
                                           nodes_to_exclude=sorted(self.nodes_to_exclude & there), compare=False, **arguments)
        self.model = written
