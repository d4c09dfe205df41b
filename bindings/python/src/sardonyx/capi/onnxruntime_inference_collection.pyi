# SPDX-License-Identifier: MIT
from .. import (AdapterFormat as AdapterFormat, IOBinding as IOBinding, ModelCompiler as ModelCompiler, OrtDevice as OrtDevice,
                OrtDeviceVendorId as OrtDeviceVendorId, OrtValue as OrtValue, SparseTensor as SparseTensor, _session,
                copy_tensors as copy_tensors)

class InferenceSession(_session.InferenceSession): ...

Session = _session.InferenceSession
