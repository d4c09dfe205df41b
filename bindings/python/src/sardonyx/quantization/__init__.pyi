# SPDX-License-Identifier: MIT
from . import calibrate as calibrate
from ._quantize import convert_float as convert_float
from ._report import QuantizationReport as QuantizationReport
from ._weights import quantize_weights as quantize_weights
from .calibrate import CalibraterBase as CalibraterBase
from .calibrate import CalibrationDataReader as CalibrationDataReader
from .calibrate import CalibrationMethod as CalibrationMethod
from .calibrate import MinMaxCalibrater as MinMaxCalibrater
from .calibrate import TensorData as TensorData
from .calibrate import TensorsData as TensorsData
from .calibrate import create_calibrator as create_calibrator
from .calibrate import load_tensors_data as load_tensors_data
from .calibrate import save_tensors_data as save_tensors_data
from .quant_utils import QuantFormat as QuantFormat
from .quant_utils import QuantizationMode as QuantizationMode
from .quant_utils import QuantType as QuantType
from .quantize import DynamicQuantConfig as DynamicQuantConfig
from .quantize import StaticQuantConfig as StaticQuantConfig
from .quantize import get_qdq_config as get_qdq_config
from .quantize import quantize as quantize
from .quantize import quantize_dynamic as quantize_dynamic
from .quantize import quantize_static as quantize_static
from .shape_inference import quant_pre_process as quant_pre_process

__all__ = ["CalibraterBase", "CalibrationDataReader", "CalibrationMethod", "DynamicQuantConfig", "MinMaxCalibrater", "QuantFormat", "QuantType",
           "QuantizationMode", "QuantizationReport", "StaticQuantConfig", "TensorData", "TensorsData", "calibrate", "convert_float",
           "create_calibrator", "get_qdq_config", "load_tensors_data", "quant_pre_process", "quantize", "quantize_dynamic", "quantize_static",
           "quantize_weights", "save_tensors_data"]
