# SPDX-License-Identifier: MIT
import os
from typing import Any

class WeightOnlyQuantConfig:
    def __init__(self, algorithm: Any, quant_format: Any, op_types_to_quantize: Any = None, quant_axes: Any = None,
                 customized_weight_config: Any = None) -> None: ...

class DefaultWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    def __init__(self, block_size: int = 128, is_symmetric: bool = False, accuracy_level: Any = None, quant_format: Any = ...,
                 op_types_to_quantize: Any = None, quant_axes: Any = None, bits: int = 4, channel_wised_quantize: bool = False) -> None: ...

class RTNWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    def __init__(self, ratios: Any = None, quant_format: Any = ..., op_types_to_quantize: Any = None,
                 customized_weight_config: Any = None) -> None: ...

class KQuantWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    def __init__(self, ratios: Any = None, quant_format: Any = ..., op_types_to_quantize: Any = None,
                 customized_weight_config: Any = None) -> None: ...

class HQQWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    def __init__(self, block_size: int = 128, bits: int = 4, axis: int = 1, quant_format: Any = ..., op_types_to_quantize: Any = None,
                 quant_axes: Any = None) -> None: ...

class GPTQWeightOnlyQuantConfig(WeightOnlyQuantConfig):
    def __init__(self, calibration_data_reader: Any = None, percdamp: float = 0.01, block_size: int = 128, actorder: bool = False,
                 mse: bool = False, perchannel: bool = True, quant_format: Any = ..., op_types_to_quantize: Any = None) -> None: ...

class _Written:
    def __init__(self) -> None: ...
    @property
    def model(self) -> Any: ...
    def save_model_to_file(self, output_path: str | os.PathLike[str], use_external_data_format: bool = False) -> None: ...

class MatMulNBitsQuantizer:
    def __init__(self, model: Any, bits: int = 4, block_size: int = 128, is_symmetric: bool = False, accuracy_level: Any = None,
                 nodes_to_exclude: Any = None, nodes_to_include: Any = None, quant_format: Any = ..., op_types_to_quantize: Any = None,
                 quant_axes: Any = None, channel_wised_quantize: bool = False, algo_config: Any = None) -> None: ...
    def process(self) -> None: ...
