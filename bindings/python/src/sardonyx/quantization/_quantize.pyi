# SPDX-License-Identifier: MIT
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._report import QuantizationReport
from .calibrate import CalibrationDataReader, CalibrationMethod, TensorsData
from .quant_utils import QuantFormat, QuantType

TYPES: dict[QuantType, str]
OPTIONS: dict[str, tuple[Any, bool]]

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
                  nodes_to_exclude: Sequence[str] | None = None, *, op_types_to_exclude: Sequence[str] | None = None,
                  compare: bool = True) -> QuantizationReport: ...

class QuantConfig:
    def __init__(self, activation_type: QuantType = ..., weight_type: QuantType = ..., op_types_to_quantize: Sequence[str] | None = None,
                 nodes_to_quantize: Sequence[str] | None = None, nodes_to_exclude: Sequence[str] | None = None, per_channel: bool = False,
                 reduce_range: bool = False, use_external_data_format: bool = False) -> None: ...

class StaticQuantConfig(QuantConfig):
    def __init__(self, calibration_data_reader: CalibrationDataReader | Iterable[dict[str, Any]] | None,
                 calibrate_method: CalibrationMethod = ..., quant_format: QuantFormat = ..., activation_type: QuantType = ...,
                 weight_type: QuantType = ..., op_types_to_quantize: Sequence[str] | None = None,
                 nodes_to_quantize: Sequence[str] | None = None, nodes_to_exclude: Sequence[str] | None = None, per_channel: bool = False,
                 reduce_range: bool = False, use_external_data_format: bool = False, calibration_providers: Sequence[Any] | None = None,
                 extra_options: dict[str, Any] | None = None) -> None: ...

class DynamicQuantConfig(QuantConfig):
    def __init__(self, weight_type: QuantType = ..., op_types_to_quantize: Sequence[str] | None = None,
                 nodes_to_quantize: Sequence[str] | None = None, nodes_to_exclude: Sequence[str] | None = None, per_channel: bool = False,
                 reduce_range: bool = False, use_external_data_format: bool = False, extra_options: dict[str, Any] | None = None) -> None: ...

def get_qdq_config(model_input: str | os.PathLike[str] | Any, calibration_data_reader: CalibrationDataReader | Iterable[dict[str, Any]],
                   calibrate_method: CalibrationMethod = ..., calibrate_args: dict[str, Any] | None = None, activation_type: QuantType = ...,
                   weight_type: QuantType = ..., activation_symmetric: bool = False, weight_symmetric: bool | None = None,
                   per_channel: bool = False, reduce_range: bool = False, keep_removable_activations: bool = False,
                   min_real_range: float | None = None, tensor_quant_overrides: dict[str, Any] | None = None,
                   calibration_providers: Sequence[Any] | None = None, op_types_to_quantize: Sequence[str] | None = None,
                   nodes_to_exclude: Sequence[str] | Callable[[Any, Any], bool] | None = None,
                   extra_options: dict[str, Any] | None = None) -> StaticQuantConfig: ...
def check_static_quant_arguments(quant_format: QuantFormat, activation_type: QuantType, weight_type: QuantType) -> None: ...
def quantize(model_input: str | os.PathLike[str] | bytes | Any, model_output: str | os.PathLike[str],
             quant_config: DynamicQuantConfig | StaticQuantConfig) -> QuantizationReport: ...
