# SPDX-License-Identifier: MIT
from .onnxruntime_pybind11_state import *  # noqa: F403
