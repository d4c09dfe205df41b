# SPDX-License-Identifier: MIT
import enum
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._calibrate import CalibrationDataReader, CalibrationMethod, TensorsData
from ._report import QuantizationReport

class QuantType(enum.Enum):
    QInt8 = 0
    QUInt8 = 1
    QFLOAT8E4M3FN = 2
    QInt16 = 3
    QUInt16 = 4
    QInt4 = 5
    QUInt4 = 6
    @staticmethod
    def from_string(name: str) -> QuantType: ...

class QuantFormat(enum.Enum):
    QOperator = 0
    QDQ = 1
    @staticmethod
    def from_string(name: str) -> QuantFormat: ...

class QuantizationMode(enum.Enum):
    IntegerOps = 0
    QLinearOps = 1

TYPES: dict[QuantType, str]
HARMLESS: set[str]

def quantize_dynamic(model_input: str | os.PathLike[str] | bytes | Any, model_output: str | os.PathLike[str],
                     op_types_to_quantize: Sequence[str] | None = None, per_channel: bool = False, reduce_range: bool = False,
                     weight_type: QuantType = ..., nodes_to_quantize: Sequence[str] | None = None,
                     nodes_to_exclude: Sequence[str] | None = None, use_external_data_format: bool = False,
                     extra_options: dict[str, Any] | None = None, *, compare: bool = True) -> QuantizationReport: ...
def quantize_static(model_input: str | os.PathLike[str] | bytes | Any, model_output: str | os.PathLike[str],
                    calibration_data_reader: CalibrationDataReader | Iterable[dict[str, Any]] | None = None,
                    quant_format: QuantFormat = ..., op_types_to_quantize: Sequence[str] | None = None, per_channel: bool = False,
                    reduce_range: bool = False, activation_type: QuantType = ..., weight_type: QuantType = ...,
                    nodes_to_quantize: Sequence[str] | None = None, nodes_to_exclude: Sequence[str] | None = None,
                    use_external_data_format: bool = False, calibrate_method: CalibrationMethod = ...,
                    calibration_providers: Sequence[Any] | None = None, extra_options: dict[str, Any] | None = None,
                    calibration_cache_path: str | os.PathLike[str] | None = None, *, ranges: TensorsData | None = None,
                    progress: bool | Callable[[int], Any] | None = None, compare: bool = True) -> QuantizationReport: ...
def convert_float(model_input: str | os.PathLike[str] | bytes | Any, model_output: str | os.PathLike[str], to: str = "float16",
                  keep_io_types: bool = True, op_types: Sequence[str] | None = None, nodes: Sequence[str] | None = None,
                  nodes_to_exclude: Sequence[str] | None = None, *, compare: bool = True) -> QuantizationReport: ...

class _Config:
    def __init__(self, **arguments: Any) -> None: ...

class DynamicQuantConfig(_Config): ...

class StaticQuantConfig(_Config):
    def __init__(self, calibration_data_reader: CalibrationDataReader | Iterable[dict[str, Any]] | None, **arguments: Any) -> None: ...

def quantize(model_input: str | os.PathLike[str] | bytes | Any, model_output: str | os.PathLike[str],
             quant_config: DynamicQuantConfig | StaticQuantConfig) -> QuantizationReport: ...
