# SPDX-License-Identifier: MIT
"""onnx.backend on a session; onnx itself is asked for only where it is there."""
from .. import InferenceSession, SessionOptions, get_device
from .backend_rep import SardonyxBackendRep

# Options that a caller may set: none that names a file.
_OPTIONS = frozenset("enable_cpu_mem_arena enable_mem_pattern enable_mem_reuse execution_mode execution_order graph_optimization_level "
                     "inter_op_num_threads intra_op_num_threads log_severity_level log_verbosity_level logid use_deterministic_compute "
                     "use_per_session_threads".split())

try:
    from onnx.backend.base import Backend as _Base
except ImportError:
    _Base = object


def _bytes(model):
    return model if isinstance(model, (str, bytes)) else model.SerializeToString()


def allowed(options, names, settings):
    """Sets those of the settings that are allowed; names that the options do not have are passed over.

    :raises RuntimeError: for others
    """
    for name, value in settings.items():
        if name in names:
            setattr(options, name, value)
        elif hasattr(options, name):
            raise RuntimeError(f"{type(options).__name__} attribute '{name}' is not permitted via the backend API. "
                               f"Allowed attributes: {', '.join(sorted(names))}")
    return options


class SardonyxBackend(_Base):
    """The functions below as class methods, which onnx.backend.test.BackendTest wants."""

    @classmethod
    def is_compatible(cls, model, device=None, **kwargs):
        """Whether the model can run here."""
        return cls.supports_device(device or get_device())

    @classmethod
    def is_opset_supported(cls, model):
        """(whether the model's operator sets are known, why not)"""
        return True, ""

    @classmethod
    def supports_device(cls, device):
        """Whether a device of that name is here."""
        if not isinstance(device, str):
            raise TypeError(f"device is {device!r:.60}; expected 'CPU' or another name")
        return device.upper().split(":")[0] == "CPU" or device.upper() in get_device()

    @classmethod
    def prepare(cls, model, device=None, **kwargs):
        """A path, bytes, ModelProto, session or prepared model becomes a prepared model; keyword arguments are SessionOptions."""
        if isinstance(model, SardonyxBackendRep):
            return model
        if isinstance(model, InferenceSession):
            return SardonyxBackendRep(model)
        if device is not None and not cls.supports_device(device):
            raise RuntimeError(f"Incompatible device expected '{device}', got '{get_device()}'")
        options = allowed(SessionOptions(), _OPTIONS, kwargs)
        return SardonyxBackendRep(InferenceSession(_bytes(model), options))

    @classmethod
    def run_model(cls, model, inputs, device=None, **kwargs):
        """prepare() and run() in one."""
        return cls.prepare(model, device, **kwargs).run(inputs, **kwargs)

    @classmethod
    def run_node(cls, node, inputs, device=None, outputs_info=None, **kwargs):
        """Not supported: a node alone has no operator set; make a model of it."""
        raise NotImplementedError("a node alone has no operator set: make a model of it, and use run_model")


OnnxRuntimeBackend = SardonyxBackend
is_compatible = SardonyxBackend.is_compatible
is_opset_supported = SardonyxBackend.is_opset_supported
prepare = SardonyxBackend.prepare
run = run_model = SardonyxBackend.run_model
supports_device = SardonyxBackend.supports_device
