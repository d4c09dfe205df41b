# SPDX-License-Identifier: MIT
"""Models made smaller: onnxruntime.quantization's functions, done by the library in C.

    from sardonyx.quantization import quantize_dynamic
    print(quantize_dynamic("model.onnx", "model_int8.onnx"))

quantize_dynamic needs no data: weights become integers in the file, activations while the model runs. quantize_static measures the
ranges of all values on samples first, which makes convolutional models fast. Both give a Report: what became of each node, and how the
outputs of the new model compare with the old one's.
"""
from ._calibrate import CalibrationDataReader, CalibrationMethod, TensorData, TensorsData, calibrate
from ._quantize import (DynamicQuantConfig, QuantFormat, QuantizationMode, QuantType, StaticQuantConfig, convert_float, quantize,
                        quantize_dynamic, quantize_static)
from ._report import QuantizationReport
from ._weights import quantize_weights

__all__ = ["CalibrationDataReader", "CalibrationMethod", "DynamicQuantConfig", "QuantFormat", "QuantType", "QuantizationMode",
           "QuantizationReport", "StaticQuantConfig", "TensorData", "TensorsData", "calibrate", "convert_float", "quantize",
           "quantize_dynamic", "quantize_static", "quantize_weights"]
