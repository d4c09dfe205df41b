# SPDX-License-Identifier: MIT
"""The classes as ONNX Runtime has them. Its InferenceSession never fails over a provider that is missing: it warns, and the CPU
runs."""
from .. import (AdapterFormat, IOBinding, ModelCompiler, OrtDevice, OrtDeviceVendorId, OrtValue, SparseTensor, _session, copy_tensors)  # noqa: F401


class InferenceSession(_session.InferenceSession):
    __doc__ = _session.InferenceSession.__doc__
    _strict = False


Session = _session.InferenceSession
