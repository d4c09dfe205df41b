# SPDX-License-Identifier: MIT
"""The interface of onnx.backend: prepare, run_model, run, supports_device, is_compatible."""
from .backend import (SardonyxBackend as Backend, is_compatible, is_opset_supported, prepare, run, run_model, supports_device)  # noqa: F401
from .backend_rep import SardonyxBackendRep as BackendRep  # noqa: F401
