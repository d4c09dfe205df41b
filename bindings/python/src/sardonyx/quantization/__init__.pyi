# SPDX-License-Identifier: MIT
from ._calibrate import CalibrationDataReader as CalibrationDataReader
from ._calibrate import CalibrationMethod as CalibrationMethod
from ._calibrate import TensorData as TensorData
from ._calibrate import TensorsData as TensorsData
from ._calibrate import calibrate as calibrate
from ._quantize import DynamicQuantConfig as DynamicQuantConfig
from ._quantize import QuantFormat as QuantFormat
from ._quantize import QuantizationMode as QuantizationMode
from ._quantize import QuantType as QuantType
from ._quantize import StaticQuantConfig as StaticQuantConfig
from ._quantize import convert_float as convert_float
from ._quantize import quantize as quantize
from ._quantize import quantize_dynamic as quantize_dynamic
from ._quantize import quantize_static as quantize_static
from ._report import QuantizationReport as QuantizationReport
from ._weights import quantize_weights as quantize_weights

__all__ = ["CalibrationDataReader", "CalibrationMethod", "DynamicQuantConfig", "QuantFormat", "QuantType", "QuantizationMode",
           "QuantizationReport", "StaticQuantConfig", "TensorData", "TensorsData", "calibrate", "convert_float", "quantize",
           "quantize_dynamic", "quantize_static", "quantize_weights"]
