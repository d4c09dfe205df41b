# SPDX-License-Identifier: MIT
"""onnxruntime.quantization.quantize: the functions of the package under that name."""
from ._quantize import (DynamicQuantConfig, QuantConfig, StaticQuantConfig, check_static_quant_arguments, get_qdq_config, quantize,
                        quantize_dynamic, quantize_static)
from .quant_utils import MODEL_SIZE_THRESHOLD
from .registry import IntegerOpsRegistry, QDQRegistry, QLinearOpsRegistry

__all__ = ["DynamicQuantConfig", "IntegerOpsRegistry", "MODEL_SIZE_THRESHOLD", "QDQRegistry", "QLinearOpsRegistry", "QuantConfig",
           "StaticQuantConfig", "check_static_quant_arguments", "get_qdq_config", "quantize", "quantize_dynamic", "quantize_static"]
