# SPDX-License-Identifier: MIT
"""Exceptions, raw classes and functions, as the module of that name in ONNX Runtime has them."""
from .. import *  # noqa: F401,F403
from .. import (IOBinding, InferenceSession, SessionOptions, _native)  # noqa: F401
from .._devices import get_hardware_devices  # noqa: F401
from .._enums import ArenaExtendStrategy, OrtCompiledModelCompatibility, OrtDeviceEpIncompatibilityReason  # noqa: F401
from .._native import (DeviceReset, EngineError, EPFail, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, ModelLoadCanceled,  # noqa: F401
                       ModelLoaded, ModelRequiresCompilation, NoModel, NoSuchFile, NotFound, NotImplemented, RuntimeException,
                       is_dlpack_uint8_tensor)
from .._values import OrtValueVector  # noqa: F401

SessionIOBinding = IOBinding


def get_default_session_options():
    """Options as a new session has them."""
    return SessionOptions()


def get_compatibility_info_from_model(path, ep_type):
    """What a compiled model in a file says of itself, or None."""
    return _native.compatibility(path, None, ep_type)


def get_compatibility_info_from_model_bytes(data, ep_type):
    """The same for a model in memory."""
    return _native.compatibility(None, bytes(data), ep_type)
