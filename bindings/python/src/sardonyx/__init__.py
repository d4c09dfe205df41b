# SPDX-License-Identifier: MIT
"""Runs ONNX models, with the interface of the package onnxruntime.

    import sardonyx
    session = sardonyx.InferenceSession("model.onnx")
    [y] = session.run(None, {"x": x})

`python -m sardonyx.compat enable` lets programs that say `import onnxruntime` have it, too.
"""
from . import _library  # noqa: F401  opens the library before anything else
from ._compiler import (AdapterFormat, LoraAdapter, ModelCompiler, OrtEpContextData, OrtEpContextDataBuffer,  # noqa: F401
                        OrtExternalInitializerInfo)
from ._devices import (OrtArenaCfg, OrtDevice, OrtEpDevice, OrtHardwareDevice, OrtMemoryInfo, OrtSyncStream,  # noqa: F401
                       create_and_register_allocator, create_and_register_allocator_v2, disable_telemetry_events, enable_telemetry_events,
                       get_all_providers, get_available_providers, get_build_info, get_device, get_ep_devices, get_version_string,
                       has_collective_ops, preload_dlls, print_debug_info, register_execution_provider_library, set_default_logger_severity,
                       set_default_logger_verbosity, set_global_thread_pool_sizes, set_seed, unregister_execution_provider_library)
from ._enums import (ExecutionMode, ExecutionOrder, GraphOptimizationLevel, OrtAllocatorType, OrtCompileApiFlags,  # noqa: F401
                     OrtDeviceMemoryType, OrtDeviceVendorId, OrtExecutionProviderDevicePolicy, OrtHardwareDeviceType, OrtMemoryInfoDeviceType,
                     OrtMemType, OrtSparseFormat)
from ._optimize import optimize  # noqa: F401
from ._options import RunOptions, SessionOptions  # noqa: F401
from ._reports import Check, Explanation, Profile, Report, check  # noqa: F401
from ._session import (InferenceSession, IOBinding, ModelMetadata, NodeArg, OrtEpAssignedNode, OrtEpAssignedSubgraph)  # noqa: F401
from ._values import OrtValue, SparseTensor, copy_tensors  # noqa: F401
from ._verify import Difference, verify  # noqa: F401

__version__ = "1.31.0"
SessionIOBinding = IOBinding


def explain(model):
    """How a model would be run, step by step: an Explanation. `model` is a path, bytes, or a session."""
    return model.explain() if isinstance(model, InferenceSession) else InferenceSession(model).explain()
