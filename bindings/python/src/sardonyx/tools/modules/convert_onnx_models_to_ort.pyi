# SPDX-License-Identifier: MIT
from typing import Any

import enum
from .. import convert_to_ort as convert_to_ort, create_reduced_build_config as create_reduced_build_config

class OptimizationStyle(enum.Enum):
    Fixed = 0
    Runtime = 1

def convert_onnx_models_to_ort(model_path_or_dir: Any, output_dir: Any = None, optimization_styles: Any = None, custom_op_library_path: Any = None, target_platform: Any = None, save_optimized_onnx_model: bool = False, allow_conversion_failures: bool = False, enable_type_reduction: bool = False) -> None: ...
def main(arguments: Any = None) -> None: ...
