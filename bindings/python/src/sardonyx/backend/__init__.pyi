# SPDX-License-Identifier: MIT
from .backend import (is_compatible as is_compatible, is_opset_supported as is_opset_supported, prepare as prepare, run as run,
                      run_model as run_model, supports_device as supports_device)
from . import backend, backend_rep

Backend = backend.SardonyxBackend
BackendRep = backend_rep.SardonyxBackendRep
