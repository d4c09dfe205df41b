# SPDX-License-Identifier: MIT
import os

from .. import *  # noqa: F403
from .. import SessionOptions
from .._devices import get_hardware_devices as get_hardware_devices
from .._enums import (ArenaExtendStrategy as ArenaExtendStrategy, OrtCompiledModelCompatibility as OrtCompiledModelCompatibility,
                      OrtDeviceEpIncompatibilityReason as OrtDeviceEpIncompatibilityReason)
from .._native import (
    DeviceReset as DeviceReset, EngineError as EngineError, EPFail as EPFail, Fail as Fail, InvalidArgument as InvalidArgument,
    InvalidGraph as InvalidGraph, InvalidProtobuf as InvalidProtobuf, ModelLoadCanceled as ModelLoadCanceled, ModelLoaded as ModelLoaded,
    ModelRequiresCompilation as ModelRequiresCompilation, NoModel as NoModel, NoSuchFile as NoSuchFile, NotFound as NotFound,
    NotImplemented as NotImplemented, RuntimeException as RuntimeException, is_dlpack_uint8_tensor as is_dlpack_uint8_tensor)
from .._values import OrtValueVector as OrtValueVector

def get_default_session_options() -> SessionOptions: ...
def get_compatibility_info_from_model(path: str | os.PathLike[str], ep_type: str) -> str | None: ...
def get_compatibility_info_from_model_bytes(data: bytes, ep_type: str) -> str | None: ...
