# SPDX-License-Identifier: MIT
"""Devices, memory, providers: plain descriptions of what the library reports, and settings of the whole process."""
import sys
import warnings

from . import _enums, _library, _native
from ._checks import Dictionary, Record, Sequence, Whole, need, takes

_TYPES = {"cpu": 0, "cuda": 1, "gpu": 1, "dml": 1, "webgpu": 1, "fpga": 2, "npu": 3, "cann": 3}
_VENDORS = {"cuda": _enums.OrtDeviceVendorId.NVIDIA, "dml": _enums.OrtDeviceVendorId.MICROSOFT, "cann": _enums.OrtDeviceVendorId.HUAWEI}


class OrtDevice:
    """Where a tensor lies: a kind of device, its number, and its maker. `OrtDevice.make("cpu", 0)` makes one."""

    def __init__(self, device_type, mem_type=None, vendor_id=0, device_id=None):
        if mem_type is None:
            if not isinstance(device_type, OrtDevice):
                raise ValueError(f"a device is made of another one, or by OrtDevice.make(name, number); found {device_type!r:.60}")
            device_type, mem_type, vendor_id, device_id = device_type._key()
        if device_id is None:
            vendor_id, device_id = 0, vendor_id
        for name, value in ("device_type", device_type), ("mem_type", mem_type), ("vendor_id", vendor_id), ("device_id", device_id):
            need("OrtDevice()", name, value, Whole)
        self._type, self._mem, self._vendor, self._id = int(device_type), int(mem_type), int(vendor_id), int(device_id)

    @staticmethod
    def make(ort_device_name, device_id, vendor_id=-1):
        """A device by name ('cpu', 'cuda', 'npu', ...), number and maker.

        :raises ValueError: for a name that is not known
        """
        kind = _device_type(ort_device_name)
        need("OrtDevice.make()", "vendor_id", vendor_id, Whole)
        return OrtDevice(kind, 0, _VENDORS.get(ort_device_name, 0) if vendor_id < 0 else vendor_id, device_id)

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
    need("device", "name", name, str)
    try:
        return _TYPES[name.lower()]
    except KeyError:
        raise ValueError(f"Unsupported device type: {name}") from None


def _need_host(device_type):
    """What this package makes of arrays and addresses lies in plain memory; a provider's own memory is for the library to fill."""
    if _device_type(device_type) != 0:
        raise RuntimeError(f"this package makes tensors in plain memory ('cpu'), not on '{device_type}'")


class OrtMemoryInfo(Record):
    """A kind of memory: `OrtMemoryInfo("Cpu", OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, OrtMemType.DEFAULT)`. It has `name`,
    `allocator_type`, `device_id`, `mem_type`, `device_mem_type`, `device_vendor_id`."""

    _fields = ("name", "allocator_type", "device_id", "mem_type", "device_mem_type", "device_vendor_id", "_device_type")

    @takes(str, _enums.OrtAllocatorType, Whole, _enums.OrtMemType)
    def __new__(cls, name, allocator_type, device_id, mem_type):
        return cls._of(name, allocator_type, device_id, mem_type, _enums.OrtDeviceMemoryType.DEFAULT, 0, 0)

    @staticmethod
    @takes(str, _enums.OrtMemoryInfoDeviceType, Whole, Whole, _enums.OrtDeviceMemoryType, Whole, _enums.OrtAllocatorType)
    def create_v2(name, device_type, vendor_id, device_id, mem_type, alignment, allocator_type):
        """A kind of memory by its device."""
        return OrtMemoryInfo._of(name, allocator_type, device_id, _enums.OrtMemType.DEFAULT, mem_type, vendor_id, int(device_type))

    @classmethod
    def _read(cls, row):
        if row is None:
            return None
        name, device_id, memory, allocator, device, device_memory, vendor = row
        return cls._of(name, _enums.OrtAllocatorType(0 if allocator > 1 else allocator), device_id, _enums.OrtMemType(memory),
                       _enums.OrtDeviceMemoryType(device_memory), vendor, device)


class OrtArenaCfg:
    """Settings of an arena: six numbers by name in a dictionary, or the first four in order; -1 (0 for max_mem) leaves the choice.

    :raises RuntimeError: for a name that is none of the six
    """

    _NAMES = ("max_mem", "arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk", "initial_growth_chunk_size_bytes",
              "max_power_of_two_extend_bytes")

    def __init__(self, *args):
        if len(args) == 4:
            given = dict(zip(self._NAMES, args))
        elif len(args) == 1 and isinstance(args[0], dict):
            given = args[0]
        else:
            raise TypeError(f"OrtArenaCfg(): expected four numbers or a dictionary, found {args!r:.60}")
        for key, value in given.items():
            if key not in self._NAMES or not (Whole(value) or len(args) == 4):
                raise RuntimeError(f"Invalid OrtArenaCfg option: {key} = {value!r:.60}; there are {', '.join(self._NAMES)}, whole numbers")
        for key in self._NAMES:
            setattr(self, key, given.get(key, 0 if key == "max_mem" else -1))

    def __setattr__(self, key, value):
        need("OrtArenaCfg", key, value, Whole)
        if key == "max_mem" and value < 0:
            raise TypeError(f"OrtArenaCfg: max_mem is {value}; expected bytes, or 0 for no limit")
        object.__setattr__(self, key, int(value))

    def _settings(self):
        return {key: getattr(self, key) for key in self._NAMES if getattr(self, key) >= 0}


class OrtHardwareDevice(Record):
    """A piece of hardware: `type`, `vendor_id`, `vendor`, `device_id`, `metadata`."""

    _fields = ("type", "vendor_id", "vendor", "device_id", "metadata")

    @classmethod
    def _read(cls, row):
        return cls._of(_enums.OrtHardwareDeviceType(row[0]), *row[1:]) if row else None


class OrtSyncStream(Record):
    """A stream of a device; this package gives none out."""

    def get_handle(self):
        """The address of the device's own stream."""
        return 0


class OrtEpDevice(Record):
    """A provider on a piece of hardware: `ep_name`, `ep_vendor`, `ep_metadata`, `ep_options`, `device`."""

    _fields = ("ep_name", "ep_vendor", "ep_metadata", "ep_options", "device", "_handle", "_memory")

    @classmethod
    def _read(cls, row):
        handle, name, vendor, metadata, options, device, *memory = row
        return cls._of(name, vendor, metadata, options, OrtHardwareDevice._read(device), handle, memory)

    @takes(_enums.OrtDeviceMemoryType)
    def memory_info(self, memory_type):
        """The device's memory of that kind, an OrtMemoryInfo, or None."""
        return OrtMemoryInfo._read(self._memory[0 if int(memory_type) == 0 else 1])

    def create_sync_stream(self):
        """A stream of the device: this package has none to give out, whoever the provider is. Streams are for the C interface.

        :raises RuntimeError: always
        """
        raise RuntimeError(f"this package has no streams of {self.ep_name}'s")

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
    return [OrtEpDevice._read(row) for row in _native.ep_devices()]


def get_hardware_devices():
    """What the machine has: a list of OrtHardwareDevice."""
    return [OrtHardwareDevice._read(row) for row in _native.hardware_devices()]


@takes(str, None)
def register_execution_provider_library(registration_name, library_path):
    """Loads a library with providers; its devices are in get_ep_devices() from then on."""
    _native.register_library(registration_name, library_path)


def unregister_execution_provider_library(registration_name):
    """Gives a library with providers back; no session may use it any more."""
    _native.unregister_library(registration_name)


@takes(Whole)
def set_default_logger_severity(severity):
    """The least severity of messages: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal.

    :raises RuntimeError: for another number
    """
    if not 0 <= int(severity) <= 4:
        raise RuntimeError(f"Invalid logging severity. Valid values are [0, 4], found {severity}")
    _library.LOG_LEVEL = int(severity)
    _native.set_log_level(int(severity))


@takes(Whole)
def set_default_logger_verbosity(verbosity):
    """Detail of verbose messages; Sardonyx has one level of detail."""


@takes(Whole, Whole)
def set_global_thread_pool_sizes(intra_op_num_threads=0, inter_op_num_threads=0):
    """Sizes of the threads that sessions with use_per_session_threads = False share; to be called before the first session."""
    _native.shared_threads(int(intra_op_num_threads), int(inter_op_num_threads), _library.LOG_LEVEL)


@takes(Whole)
def set_seed(seed):
    """A seed for random operators that have none; random numbers of Sardonyx depend on the model's seeds alone."""


def enable_telemetry_events():
    """There is no telemetry."""
    _native.telemetry(True)


def disable_telemetry_events():
    """There is no telemetry."""
    _native.telemetry(False)


def _register(memory_info, arena_cfg, provider):
    _native.register_allocator(memory_info.name, memory_info.allocator_type, memory_info.device_id, memory_info.mem_type,
                               arena_cfg._settings() if arena_cfg else {}, provider)


_ARENA = OrtArenaCfg, type(None)


@takes(OrtMemoryInfo, _ARENA)
def create_and_register_allocator(memory_info, arena_cfg=None):
    """An arena that sessions share when session.use_env_allocators is "1"."""
    _register(memory_info, arena_cfg, None)


@takes(str, OrtMemoryInfo, Dictionary, _ARENA, runtime=True)
def create_and_register_allocator_v2(provider_type, memory_info, provider_options, arena_cfg=None):
    """The same for a provider's memory."""
    _register(memory_info, arena_cfg, provider_type)


def has_collective_ops():
    """Whether operators that talk to other machines are in the build: no."""
    return False


def preload_dlls(cuda=True, cudnn=True, msvc=True, directory=None):
    """Loads a GPU provider's libraries ahead of time; there is nothing to load for the CPU."""


def print_debug_info():
    """Prints versions and places; `python -m sardonyx.doctor` says more."""
    from . import doctor
    doctor.main([])


def normalized(providers, provider_options):
    """[(name, options)] of the two arguments that name providers; a name counts once, options are texts.

    :raises ValueError: when they are neither names nor (name, dictionary)
    """
    if providers is None:
        return []
    if not Sequence(providers):
        raise ValueError(f"'providers' should be a sequence, found {type(providers).__name__}; expected a list of names, or of (name, options)")
    if provider_options is not None:
        if not Sequence(provider_options):
            raise ValueError("'provider_options' should be a sequence.")
        if len(provider_options) != len(providers):
            raise ValueError("'providers' and 'provider_options' should be the same length if both are given.")
        if not all(isinstance(name, str) for name in providers):
            raise ValueError("Only string values for 'providers' are supported if 'provider_options' is given.")
        if not all(isinstance(options, dict) for options in provider_options):
            raise ValueError("'provider_options' values must be dicts.")
        pairs = list(zip(providers, provider_options))
    else:
        pairs = [(item, {}) if isinstance(item, str) else item for item in providers]
        for i, item in enumerate(pairs):
            if not (isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], dict)):
                raise ValueError(f"'providers' values must be either strings or (string, dict) tuples; providers[{i}] is {item!r:.60}")
    chosen = {}
    for name, options in pairs:
        if name in chosen:
            missing(f"Duplicate provider '{name}' encountered, ignoring.", False)
        else:
            chosen[name] = {str(k): str(v) for k, v in options.items()}
    return list(chosen.items())


def choose_providers(providers, provider_options, strict):
    """What a session is asked to run on: a list of (name, options), unavailable ones taken out.

    `strict`: a list with the CPU in it asks for fallback, and a provider that is missing is a warning; without the CPU it is an error.
    Otherwise, as in ONNX Runtime, it is always a warning.
    """
    available, chosen = get_available_providers(), []
    pairs = normalized(providers, provider_options)
    has_cpu = any(name == "CPUExecutionProvider" for name, _ in pairs)
    for name, options in pairs:
        if name in available:
            chosen.append((name, options))
        else:
            missing(f"Specified provider '{name}' is not in available provider names. Available providers: '{', '.join(available)}'",
                    strict and not has_cpu)
    return chosen


def missing(text, is_error):
    """A provider that cannot be had."""
    if is_error:
        raise _native.EPFail(f"[ONNXRuntimeError] : 11 : EP_FAIL : {text}. Add 'CPUExecutionProvider' to the list to fall back to the CPU")
    level = 2
    while level < 8 and sys._getframe(level).f_globals.get("__name__", "").startswith("sardonyx."):
        level += 1
    warnings.warn(text, UserWarning, stacklevel=level + 1)
