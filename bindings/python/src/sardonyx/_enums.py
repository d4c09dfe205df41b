# SPDX-License-Identifier: MIT
"""The enumerations, with ONNX Runtime's names and numbers."""
import enum


class _Enum(enum.IntEnum):
    def __str__(self):
        return f"{type(self).__name__}.{self.name}"

    __repr__ = lambda self: f"<{type(self).__name__}.{self.name}: {self.value}>"  # noqa: E731


def _make(name, doc, **members):
    made = _Enum(name, members, module=__name__)
    made.__doc__ = doc
    return made


GraphOptimizationLevel = _make("GraphOptimizationLevel", "How far a graph is rewritten before it runs.", ORT_DISABLE_ALL=0, ORT_ENABLE_BASIC=1,
                               ORT_ENABLE_EXTENDED=2, ORT_ENABLE_LAYOUT=3, ORT_ENABLE_ALL=99)
ExecutionMode = _make("ExecutionMode", "Whether independent nodes may run at the same time.", ORT_SEQUENTIAL=0, ORT_PARALLEL=1)
ExecutionOrder = _make("ExecutionOrder", "The order of nodes.", DEFAULT=0, PRIORITY_BASED=1, MEMORY_EFFICIENT=2)
OrtAllocatorType = _make("OrtAllocatorType", "Kinds of allocators.", INVALID=-1, ORT_DEVICE_ALLOCATOR=0, ORT_ARENA_ALLOCATOR=1)
OrtMemType = _make("OrtMemType", "Kinds of memory, as an allocator sees them.", CPU_INPUT=-2, CPU_OUTPUT=-1, CPU=-1, DEFAULT=0)
OrtDeviceMemoryType = _make("OrtDeviceMemoryType", "Kinds of memory of a device.", DEFAULT=0, HOST_ACCESSIBLE=5)
OrtMemoryInfoDeviceType = _make("OrtMemoryInfoDeviceType", "Kinds of devices.", CPU=0, GPU=1, FPGA=2, NPU=3)
OrtSparseFormat = _make("OrtSparseFormat", "Formats of sparse tensors.", ORT_SPARSE_UNDEFINED=0, ORT_SPARSE_COO=1, ORT_SPARSE_CSRC=2,
                        ORT_SPARSE_BLOCK_SPARSE=4)
OrtCompileApiFlags = _make("OrtCompileApiFlags", "What counts as an error when a model is compiled.", NONE=0, ERROR_IF_NO_NODES_COMPILED=1,
                           ERROR_IF_OUTPUT_FILE_EXISTS=2)
OrtExecutionProviderDevicePolicy = _make("OrtExecutionProviderDevicePolicy", "Which devices to prefer.", DEFAULT=0, PREFER_CPU=1, PREFER_NPU=2,
                                         PREFER_GPU=3, MAX_PERFORMANCE=4, MAX_EFFICIENCY=5, MIN_OVERALL_POWER=6)
OrtHardwareDeviceType = _make("OrtHardwareDeviceType", "Kinds of hardware.", CPU=0, GPU=1, NPU=2)
OrtDeviceVendorId = _make("OrtDeviceVendorId", "Makers of devices, by PCI number.", NONE=0, AMD=0x1002, NVIDIA=0x10DE, ARM=0x13B5, MICROSOFT=0x1414,
                          HUAWEI=0x19E5, QUALCOMM=0x5143, INTEL=0x8086)
OrtCompiledModelCompatibility = _make("OrtCompiledModelCompatibility", "Whether a compiled model runs here.", EP_NOT_APPLICABLE=0,
                                      EP_SUPPORTED_OPTIMAL=1, EP_SUPPORTED_PREFER_RECOMPILATION=2, EP_UNSUPPORTED=3)
OrtDeviceEpIncompatibilityReason = _make("OrtDeviceEpIncompatibilityReason", "Why a provider cannot use a device; bits.", NONE=0,
                                         DRIVER_INCOMPATIBLE=1, DEVICE_INCOMPATIBLE=2, MISSING_DEPENDENCY=4, UNKNOWN=-2147483648)
ArenaExtendStrategy = _make("ArenaExtendStrategy", "How an arena grows.", kNextPowerOfTwo=0, kSameAsRequested=1)
