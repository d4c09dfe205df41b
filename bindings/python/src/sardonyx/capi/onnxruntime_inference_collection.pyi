# SPDX-License-Identifier: MIT
from typing import Any, Mapping, Sequence

from .. import (AdapterFormat as AdapterFormat, IOBinding as IOBinding, ModelCompiler as ModelCompiler, OrtDevice as OrtDevice,
                OrtDeviceVendorId as OrtDeviceVendorId, OrtValue as OrtValue, SparseTensor as SparseTensor, _session,
                copy_tensors as copy_tensors)

def check_and_normalize_provider_args(
    providers: Sequence[Any] | None, provider_options: Sequence[Mapping[str, Any]] | None, available_provider_names: Sequence[str]
) -> tuple[list[str], list[dict[str, str]]]: ...
def get_ort_device_type(device_type: str) -> int: ...
def get_vendor_id_for_device_type(device_type: str) -> OrtDeviceVendorId | None: ...

class InferenceSession(_session.InferenceSession): ...

Session = _session.InferenceSession
