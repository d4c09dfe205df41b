# SPDX-License-Identifier: MIT
"""The classes as ONNX Runtime has them. Its InferenceSession never fails over a provider that is missing: it warns, and the CPU
runs."""
from .. import _devices
from .. import (AdapterFormat, IOBinding, ModelCompiler, OrtDevice, OrtDeviceVendorId, OrtValue, SparseTensor, _session, copy_tensors)  # noqa: F401


def check_and_normalize_provider_args(providers, provider_options, available_provider_names):
    """(names, options) of the two arguments that name providers, each once; one that is not available is a warning.

    :raises ValueError: when they are neither names nor (name, dictionary)
    """
    pairs = _devices.normalized(providers, provider_options)
    for name, _ in pairs:
        if name not in available_provider_names:
            _devices.missing(f"Specified provider '{name}' is not in available provider names. Available providers: '"
                             f"{', '.join(available_provider_names)}'", False)
    return [name for name, _ in pairs], [options for _, options in pairs]


def get_ort_device_type(device_type):
    """The number of a kind of device, by its name.

    :raises ValueError: for a name that is not known
    """
    return _devices._device_type(device_type)


def get_vendor_id_for_device_type(device_type):
    """The OrtDeviceVendorId of a kind of device that has one maker, or None."""
    return OrtDeviceVendorId.NONE if device_type == "webgpu" else _devices._VENDORS.get(device_type)


class InferenceSession(_session.InferenceSession):
    __doc__ = _session.InferenceSession.__doc__
    _strict = False


Session = _session.InferenceSession
