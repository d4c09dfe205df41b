# SPDX-License-Identifier: MIT
"""Exceptions, raw classes and functions, as the module of that name in ONNX Runtime has them."""
from .. import *  # noqa: F401,F403
from .. import IOBinding, SessionOptions, _native, _session
from .._checks import Sequence, need, takes
from .._devices import OrtEpDevice, OrtHardwareDevice, get_available_providers, get_hardware_devices  # noqa: F401
from .._enums import ArenaExtendStrategy, OrtCompiledModelCompatibility, OrtDeviceEpIncompatibilityReason
from .._native import (DeviceReset, EngineError, EPFail, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, ModelLoadCanceled,  # noqa: F401
                       ModelLoaded, ModelRequiresCompilation, NoModel, NoSuchFile, NotFound, NotImplemented, RuntimeException,
                       is_dlpack_uint8_tensor)
from .._values import OrtValueVector, SparseBlockSparseView, SparseCooView, SparseCsrView  # noqa: F401
from ._blocks import quantize_matmul_2bits, quantize_matmul_4bits, quantize_matmul_8bits  # noqa: F401

SessionIOBinding = IOBinding
kNextPowerOfTwo, kSameAsRequested = ArenaExtendStrategy.kNextPowerOfTwo, ArenaExtendStrategy.kSameAsRequested


class InferenceSession(_session.InferenceSession):
    """A session as the compiled class of ONNX Runtime has it, which its own InferenceSession is written on: made first, then initialised.

        session = InferenceSession(SessionOptions(), "model.onnx", True, False)
        session.initialize_session([], [], set())

    :param is_path: whether the model is a path, or bytes
    """

    _strict = False

    @takes(SessionOptions, (str, bytes), bool, bool)
    def __init__(self, sess_options, model, is_path, read_config_from_model):
        self._waiting = model, sess_options

    def initialize_session(self, provider_names, provider_options, disabled_optimizers):
        """Loads the model; providers and their options are lists of equal length, both of which may be empty."""
        names, options = list(provider_names), list(provider_options)
        super().__init__(*self._waiting, names or None, options or None, disabled_optimizers=disabled_optimizers, enable_fallback=0)

    inputs_meta = property(lambda self: self.get_inputs(), doc="The inputs.")
    outputs_meta = property(lambda self: self.get_outputs(), doc="The outputs.")
    overridable_initializers = property(lambda self: self.get_overridable_initializers(), doc="Inputs with a default.")
    model_meta = property(lambda self: self.get_modelmeta(), doc="What the model says of itself.")
    session_options = property(lambda self: self.get_session_options(), doc="The options that it was made with.")
    input_meminfos = property(lambda self: self.get_input_memory_infos(), doc="Where inputs are wanted.")
    output_meminfos = property(lambda self: self.get_output_memory_infos(), doc="Where outputs are left.")
    input_epdevices = property(lambda self: self.get_input_epdevices(), doc="The device of each input.")


@takes(Sequence, str, runtime=True)
def get_model_compatibility_for_ep_devices(ep_devices, compatibility_info):
    """Whether a compiled model that says so of itself runs on these devices: an OrtCompiledModelCompatibility."""
    for device in ep_devices:
        need("get_model_compatibility_for_ep_devices()", "ep_devices", device, OrtEpDevice)
    return OrtCompiledModelCompatibility(_native.compatibility_here([device._handle for device in ep_devices], compatibility_info))


@takes(str, OrtHardwareDevice)
def get_hardware_device_ep_incompatibility_details(ep_name, hardware_device):
    """Why a provider cannot use a piece of hardware: a dictionary of reasons_bitmask, notes and error_code; 0 is no reason.

    :raises RuntimeError: for a provider that is not in this build
    """
    if ep_name not in get_available_providers():
        raise RuntimeError(f"the provider {ep_name} is not in this build")
    return {"reasons_bitmask": int(OrtDeviceEpIncompatibilityReason.NONE), "notes": None, "error_code": 0}


def get_default_session_options():
    """Options as a new session has them."""
    return SessionOptions()


@takes(str, str, runtime=True)
def get_compatibility_info_from_model(path, ep_type):
    """What a compiled model in a file says of itself, or None."""
    return _native.compatibility(path, None, ep_type)


@takes(None, str, runtime=True)
def get_compatibility_info_from_model_bytes(data, ep_type):
    """The same for a model in memory."""
    return _native.compatibility(None, bytes(memoryview(data)), ep_type)
