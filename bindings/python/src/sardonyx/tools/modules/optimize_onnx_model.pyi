# SPDX-License-Identifier: MIT
from typing import Any

from .onnx_model_utils import get_optimization_level as get_optimization_level, optimize_model as optimize_model

def optimize_model_helper(arguments: Any = None) -> None: ...
