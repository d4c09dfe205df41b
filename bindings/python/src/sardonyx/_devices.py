# SPDX-License-Identifier: MIT
"""Devices, memory, providers: plain descriptions of what the library reports, and settings of the whole process."""
import sys
import warnings

from . import _enums, _library, _native

_TYPES = {"cpu": 0, "cuda": 1, "gpu": 1, "dml": 1, "webgpu": 1, "fpga": 2, "npu": 3, "cann": 3}


class OrtDevice:
    """Where a tensor lies: a kind of device, its number, and its maker."""

    def __init__(self, device_type, mem_type=0, vendor_id=0, device_id=None):
        if isinstance(device_type, OrtDevice):
            device_type, mem_type, vendor_id, device_id = device_type._key()
        if device_id is None:
            vendor_id, device_id = 0, vendor_id
        self._type, self._mem, self._vendor, self._id = int(device_type), int(mem_type), int(vendor_id), int(device_id)

    @staticmethod
    def make(ort_device_name, device_id, vendor_id=-1):
        """A device by name ('cpu', 'cuda', 'npu', ...), number and maker.

        :raises ValueError: for a name that is not known
        """
        return OrtDevice(_device_type(ort_device_name), 0, max(int(vendor_id), 0), device_id)

    def _key(self):
        return self._type, self._mem, self._vendor, self._id

    def _get_c_device(self):
        return self

    def device_id(self):
        """The number of the device among its kind."""
        return self._id

    def device_type(self):
        """0 the CPU, 1 a GPU, 2 an FPGA, 3 an NPU."""
        return self._type

    def device_vendor_id(self):
        """The maker's PCI number, 0 when it makes no difference."""
        return self._vendor

    vendor_id = device_vendor_id

    def device_mem_type(self):
        """0 for the device's own memory, 5 for memory that the host can reach, too."""
        return self._mem

    mem_type = device_mem_type
    cpu = staticmethod(lambda: 0)
    cuda = gpu = dml = webgpu = staticmethod(lambda: 1)
    fpga = staticmethod(lambda: 2)
    npu = cann = staticmethod(lambda: 3)
    default_memory = staticmethod(lambda: 0)


def _device_type(name):
    try:
        return _TYPES[name.lower()]
    except (KeyError, AttributeError):
        raise ValueError(f"Unsupported device type: {name}") from None


def _need_host(device_type):
    """What this package makes of arrays and addresses lies in plain memory; a provider's own memory is for the library to fill."""
    if _device_type(device_type) != 0:
        raise RuntimeError(f"this package makes tensors in plain memory ('cpu'), not on '{device_type}'")


class OrtMemoryInfo:
    """A kind of memory, by name: `OrtMemoryInfo("Cpu", OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, OrtMemType.DEFAULT)`."""

    def __init__(self, name, allocator_type, device_id, mem_type):
        self.name, self.device_id = str(name), int(device_id)
        self.allocator_type, self.mem_type = _enums.OrtAllocatorType(int(allocator_type)), _enums.OrtMemType(int(mem_type))
        self.device_mem_type, self.device_vendor_id, self._device_type = _enums.OrtDeviceMemoryType.DEFAULT, 0, 0

    @staticmethod
    def create_v2(name, device_type, vendor_id, device_id, mem_type, alignment, allocator_type):
        """A kind of memory by its device."""
        made = OrtMemoryInfo(name, allocator_type, device_id, 0)
        made.device_mem_type, made.device_vendor_id = _enums.OrtDeviceMemoryType(int(mem_type)), int(vendor_id)
        made._device_type = int(device_type)
        return made

    @staticmethod
    def _of(row):
        if row is None:
            return None
        name, device_id, memory, allocator, device, device_memory, vendor = row
        made = OrtMemoryInfo(name, 0 if allocator > 1 else allocator, device_id, memory)
        made.device_mem_type, made.device_vendor_id, made._device_type = _enums.OrtDeviceMemoryType(device_memory), vendor, device
        return made


class OrtArenaCfg:
    """Settings of an arena: six numbers by name in a dictionary, or the first four in order; -1 (0 for max_mem) leaves the choice."""

    _NAMES = ("max_mem", "arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk", "initial_growth_chunk_size_bytes",
              "max_power_of_two_extend_bytes")

    def __init__(self, *args):
        given = dict(args[0]) if len(args) == 1 and isinstance(args[0], dict) else dict(zip(self._NAMES, args))
        for key in given:
            if key not in self._NAMES:
                raise ValueError(f"Invalid OrtArenaCfg option: {key}")
        for key in self._NAMES:
            setattr(self, key, int(given.get(key, 0 if key == "max_mem" else -1)))

    def _settings(self):
        return {key: getattr(self, key) for key in self._NAMES if getattr(self, key) >= 0}


class OrtHardwareDevice:
    """A piece of hardware: `type`, `vendor_id`, `vendor`, `device_id`, `metadata`."""

    def __init__(self, row):
        kind, self.vendor_id, self.vendor, self.device_id, self.metadata = row
        self.type = _enums.OrtHardwareDeviceType(kind)


class OrtSyncStream:
    """A stream of a device; this package gives none out."""

    def get_handle(self):
        """The address of the device's own stream."""
        return 0


class OrtEpDevice:
    """A provider on a piece of hardware: `ep_name`, `ep_vendor`, `ep_metadata`, `ep_options`, `device`."""

    def __init__(self, row):
        self._handle, self.ep_name, self.ep_vendor, self.ep_metadata, self.ep_options, device, *self._memory = row
        self.device = OrtHardwareDevice(device) if device else None

    def memory_info(self, memory_type):
        """The device's memory of that kind, an OrtMemoryInfo, or None."""
        return OrtMemoryInfo._of(self._memory[0 if int(memory_type) == 0 else 1])

    def create_sync_stream(self):
        """A stream of the device: this package has none to give out, whoever the provider is. Streams are for the C interface.

        :raises NotImplemented: always
        """
        raise _native.NotImplemented(f"[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : this package has no streams of {self.ep_name}'s")

    def __repr__(self):
        return f"<OrtEpDevice {self.ep_name} on {self.device.type.name if self.device else 'nothing'}>"


def get_available_providers():
    """Names of the providers of this build, best first, then those of registered plugins."""
    names = list(_native.providers())
    return names + [name for name in dict.fromkeys(device.ep_name for device in get_ep_devices()) if name not in names]


def devices_of(name):
    """The devices of a plugin provider; empty: the provider is none, or not registered."""
    return [] if name in _native.providers() else [device for device in get_ep_devices() if device.ep_name == name]


_KNOWN = ["NvTensorRTRTX", "Tensorrt", "CUDA", "MIGraphX", "OpenVINO", "Dnnl", "VitisAI", "QNN", "Nnapi", "VSINPU", "Js", "CoreML", "ACL", "Dml",
          "Rknpu", "WebNN", "WebGpu", "Xnnpack", "CANN", "Azure", "CPU"]


def get_all_providers():
    """Names of all providers that ONNX Runtime knows, whether or not they are here."""
    return [f"{name}ExecutionProvider" for name in _KNOWN]


def get_device():
    """The device that this build is for: 'CPU', or the first provider's."""
    first = get_available_providers()[0].replace("ExecutionProvider", "")
    return "GPU" if first in ("CUDA", "Dml", "MIGraphX") else "CPU"


def get_build_info():
    """A line about the build of the library."""
    return _native.build_info()


def get_version_string():
    """The library's version."""
    return _native.version()


def get_ep_devices():
    """Every provider with every piece of hardware that it can use: a list of OrtEpDevice."""
    return [OrtEpDevice(row) for row in _native.ep_devices()]


def get_hardware_devices():
    """What the machine has: a list of OrtHardwareDevice."""
    return [OrtHardwareDevice(row) for row in _native.hardware_devices()]


def register_execution_provider_library(registration_name, library_path):
    """Loads a library with providers; its devices are in get_ep_devices() from then on."""
    _native.register_library(registration_name, library_path)


def unregister_execution_provider_library(registration_name):
    """Gives a library with providers back; no session may use it any more."""
    _native.unregister_library(registration_name)


def set_default_logger_severity(severity):
    """The least severity of messages: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal.

    :raises RuntimeError: for another number
    """
    if not 0 <= int(severity) <= 4:
        raise RuntimeError(f"Invalid logging severity. Valid values are [0, 4], found {severity}")
    _library.LOG_LEVEL = int(severity)
    _native.set_log_level(int(severity))


def set_default_logger_verbosity(verbosity):
    """Detail of verbose messages; Sardonyx has one level of detail."""
    int(verbosity)


def set_global_thread_pool_sizes(intra_op_num_threads=0, inter_op_num_threads=0):
    """Sizes of the threads that sessions with use_per_session_threads = False share; to be called before the first session."""
    _native.shared_threads(int(intra_op_num_threads), int(inter_op_num_threads), _library.LOG_LEVEL)


def set_seed(seed):
    """A seed for random operators that have none; random numbers of Sardonyx depend on the model's seeds alone."""
    int(seed)


def enable_telemetry_events():
    """There is no telemetry."""
    _native.telemetry(True)


def disable_telemetry_events():
    """There is no telemetry."""
    _native.telemetry(False)


def create_and_register_allocator(memory_info, arena_cfg=None):
    """An arena that sessions share when session.use_env_allocators is "1"."""
    _native.register_allocator(memory_info.name, memory_info.allocator_type, memory_info.device_id, memory_info.mem_type,
                               arena_cfg._settings() if arena_cfg else {}, None)


def create_and_register_allocator_v2(provider_type, memory_info, provider_options, arena_cfg=None):
    """The same for a provider's memory."""
    _native.register_allocator(memory_info.name, memory_info.allocator_type, memory_info.device_id, memory_info.mem_type,
                               arena_cfg._settings() if arena_cfg else {}, provider_type)


def has_collective_ops():
    """Whether operators that talk to other machines are in the build: no."""
    return False


def preload_dlls(cuda=True, cudnn=True, msvc=True, directory=None):
    """Loads a GPU provider's libraries ahead of time; there is nothing to load for the CPU."""


def print_debug_info():
    """Prints versions and places; `python -m sardonyx.doctor` says more."""
    from . import doctor
    doctor.main([])


def choose_providers(providers, provider_options, strict):
    """What a session is asked to run on: a list of (name, options), unavailable ones taken out.

    `strict`: a list with the CPU in it asks for fallback, and a provider that is missing is a warning; without the CPU it is an error.
    Otherwise, as in ONNX Runtime, it is always a warning.
    """
    available = get_available_providers()
    if providers is None:
        if provider_options:
            raise ValueError("`provider_options` is given without `providers`")
        return []
    if isinstance(providers, (str, bytes)):
        raise ValueError("`providers` is a str; expected a list of names, or of (name, options)")
    if provider_options is not None and len(provider_options) != len(providers):
        raise ValueError("'providers' and 'provider_options' should be the same length if both are given.")
    chosen = {}
    for i, item in enumerate(providers):
        if isinstance(item, str):
            name, options = item, (provider_options or {}) and provider_options[i]
        elif isinstance(item, (tuple, list)) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], dict):
            if provider_options and any(provider_options):
                raise ValueError("'provider_options' values must be empty if 'providers' is a list of (name, options).")
            name, options = item
        else:
            raise ValueError(f"providers[{i}] is {item!r}; expected a name, or a tuple of name and dictionary")
        options = options or {}
        if not isinstance(options, dict):
            raise ValueError(f"provider_options[{i}] is {options!r}; expected a dictionary")
        if name not in chosen:
            chosen[name] = {str(k): str(v) for k, v in options.items()}
    for name in list(chosen):
        if name not in available:
            missing(f"Specified provider '{name}' is not in available provider names. Available providers: '{', '.join(available)}'",
                    strict and "CPUExecutionProvider" not in chosen)
            del chosen[name]
    return list(chosen.items())


def missing(text, is_error):
    """A provider that cannot be had."""
    if is_error:
        raise _native.EPFail(f"[ONNXRuntimeError] : 11 : EP_FAIL : {text}. Add 'CPUExecutionProvider' to the list to fall back to the CPU")
    level = 2
    while level < 8 and sys._getframe(level).f_globals.get("__name__", "").startswith("sardonyx."):
        level += 1
    warnings.warn(text, UserWarning, stacklevel=level + 1)
