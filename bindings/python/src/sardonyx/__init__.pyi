# SPDX-License-Identifier: MIT
import os

from ._compiler import (
    AdapterFormat as AdapterFormat, LoraAdapter as LoraAdapter, ModelCompiler as ModelCompiler, OrtEpContextData as OrtEpContextData,
    OrtEpContextDataBuffer as OrtEpContextDataBuffer, OrtExternalInitializerInfo as OrtExternalInitializerInfo)
from ._devices import (
    OrtArenaCfg as OrtArenaCfg, OrtDevice as OrtDevice, OrtEpDevice as OrtEpDevice, OrtHardwareDevice as OrtHardwareDevice,
    OrtMemoryInfo as OrtMemoryInfo, OrtSyncStream as OrtSyncStream, create_and_register_allocator as create_and_register_allocator,
    create_and_register_allocator_v2 as create_and_register_allocator_v2, disable_telemetry_events as disable_telemetry_events,
    enable_telemetry_events as enable_telemetry_events, get_all_providers as get_all_providers,
    get_available_providers as get_available_providers, get_build_info as get_build_info, get_device as get_device,
    get_ep_devices as get_ep_devices, get_version_string as get_version_string, has_collective_ops as has_collective_ops,
    preload_dlls as preload_dlls, print_debug_info as print_debug_info,
    register_execution_provider_library as register_execution_provider_library,
    set_default_logger_severity as set_default_logger_severity, set_default_logger_verbosity as set_default_logger_verbosity,
    set_global_thread_pool_sizes as set_global_thread_pool_sizes, set_seed as set_seed,
    unregister_execution_provider_library as unregister_execution_provider_library)
from ._enums import (
    ExecutionMode as ExecutionMode, ExecutionOrder as ExecutionOrder, GraphOptimizationLevel as GraphOptimizationLevel,
    OrtAllocatorType as OrtAllocatorType, OrtCompileApiFlags as OrtCompileApiFlags, OrtDeviceMemoryType as OrtDeviceMemoryType,
    OrtDeviceVendorId as OrtDeviceVendorId, OrtExecutionProviderDevicePolicy as OrtExecutionProviderDevicePolicy,
    OrtHardwareDeviceType as OrtHardwareDeviceType, OrtMemoryInfoDeviceType as OrtMemoryInfoDeviceType, OrtMemType as OrtMemType,
    OrtSparseFormat as OrtSparseFormat)
from ._optimize import optimize as optimize
from ._options import RunOptions as RunOptions, SessionOptions as SessionOptions
from ._reports import Check as Check, Explanation as Explanation, Profile as Profile, Report as Report, check as check
from ._session import (
    InferenceSession as InferenceSession, IOBinding as IOBinding, ModelMetadata as ModelMetadata, NodeArg as NodeArg,
    OrtEpAssignedNode as OrtEpAssignedNode, OrtEpAssignedSubgraph as OrtEpAssignedSubgraph)
from ._verify import Difference as Difference, verify as verify
from ._values import OrtValue as OrtValue, SparseTensor as SparseTensor, copy_tensors as copy_tensors

__version__: str
SessionIOBinding = IOBinding

def explain(model: str | os.PathLike[str] | bytes | InferenceSession) -> Explanation: ...
