# SPDX-License-Identifier: MIT
"""Models made smaller: onnxruntime.quantization's functions, done by the library in C.

    from sardonyx.quantization import quantize_dynamic
    print(quantize_dynamic("model.onnx", "model_int8.onnx"))

quantize_dynamic needs no data: weights become integers in the file, activations while the model runs. quantize_static measures the
ranges of all values on samples first, which makes convolutional models fast. Both give a Report: what became of each node, and how the
outputs of the new model compare with the old one's.
"""
from . import calibrate
from ._quantize import convert_float
from ._report import QuantizationReport
from ._weights import quantize_weights
from .calibrate import (CalibraterBase, CalibrationDataReader, CalibrationMethod, MinMaxCalibrater, TensorData, TensorsData, create_calibrator,
                        load_tensors_data, save_tensors_data)
from .quant_utils import QuantFormat, QuantizationMode, QuantType
from .quantize import DynamicQuantConfig, StaticQuantConfig, get_qdq_config, quantize, quantize_dynamic, quantize_static
from .shape_inference import quant_pre_process

__all__ = ["CalibraterBase", "CalibrationDataReader", "CalibrationMethod", "DynamicQuantConfig", "MinMaxCalibrater", "QuantFormat", "QuantType",
           "QuantizationMode", "QuantizationReport", "StaticQuantConfig", "TensorData", "TensorsData", "calibrate", "convert_float",
           "create_calibrator", "get_qdq_config", "load_tensors_data", "quant_pre_process", "quantize", "quantize_dynamic", "quantize_static",
           "quantize_weights", "save_tensors_data"]
