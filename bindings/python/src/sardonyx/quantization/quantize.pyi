# SPDX-License-Identifier: MIT
from ._quantize import DynamicQuantConfig as DynamicQuantConfig
from ._quantize import QuantConfig as QuantConfig
from ._quantize import StaticQuantConfig as StaticQuantConfig
from ._quantize import check_static_quant_arguments as check_static_quant_arguments
from ._quantize import get_qdq_config as get_qdq_config
from ._quantize import quantize as quantize
from ._quantize import quantize_dynamic as quantize_dynamic
from ._quantize import quantize_static as quantize_static
from .quant_utils import MODEL_SIZE_THRESHOLD as MODEL_SIZE_THRESHOLD
from .registry import IntegerOpsRegistry as IntegerOpsRegistry
from .registry import QDQRegistry as QDQRegistry
from .registry import QLinearOpsRegistry as QLinearOpsRegistry

__all__ = ["DynamicQuantConfig", "IntegerOpsRegistry", "MODEL_SIZE_THRESHOLD", "QDQRegistry", "QLinearOpsRegistry", "QuantConfig",
           "StaticQuantConfig", "check_static_quant_arguments", "get_qdq_config", "quantize", "quantize_dynamic", "quantize_static"]
