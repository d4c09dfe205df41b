# SPDX-License-Identifier: MIT
from typing import Any

from .. import update_onnx_opset as update_onnx_opset

def update_onnx_opset_helper(arguments: Any = None) -> None: ...
