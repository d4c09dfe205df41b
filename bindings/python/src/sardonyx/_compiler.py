# SPDX-License-Identifier: MIT
"""Models compiled ahead of time, and low-rank adapters."""
import os

from . import _enums, _native
from ._checks import Int32, Record, Whole, need, runtime_errors, takes
from ._options import SessionOptions, _function


class ModelCompiler:
    """Compiles a model for the providers of SessionOptions.

        compiler = sardonyx.ModelCompiler(options, "model.onnx", external_initializers_file_path="weights.bin")
        compiler.compile_to_file("compiled.onnx")

    :param sess_options: SessionOptions
    :param input_model_path_or_bytes: a path, or the model as bytes
    :param external_initializers_file_path: a file for initializers above the threshold; it lies beside the compiled model
    :param get_initializer_location_func: instead of that, a function of (name, OrtValue, OrtExternalInitializerInfo or None) that returns where
        the initializer has been stored, an OrtExternalInitializerInfo, or None for within the model
    :raises TypeError, ValueError: for settings that make no sense
    """

    def __init__(self, sess_options, input_model_path_or_bytes, embed_compiled_data_into_model=False, external_initializers_file_path=None,
                 external_initializers_size_threshold=1024, flags=_enums.OrtCompileApiFlags.NONE,
                 graph_optimization_level=_enums.GraphOptimizationLevel.ORT_DISABLE_ALL, get_initializer_location_func=None):
        model, place = input_model_path_or_bytes, get_initializer_location_func
        if not isinstance(model, (str, os.PathLike, bytes)):
            raise TypeError(f"Unable to load from type '{type(model)}'")
        if not model:
            raise ValueError("Input model bytes array is empty" if isinstance(model, bytes) else "Input model path is empty")
        self._source = (None, model) if isinstance(model, bytes) else (os.fspath(model), None)
        external = external_initializers_file_path or None
        for name, value, kind in (("sess_options", sess_options, SessionOptions), ("flags", flags, Int32),
                                  ("external_initializers_file_path", external, (str, os.PathLike, type(None))),
                                  ("external_initializers_size_threshold", external_initializers_size_threshold, Whole),
                                  ("graph_optimization_level", graph_optimization_level, _enums.GraphOptimizationLevel)):
            need("ModelCompiler()", name, value, kind)
        if place is not None and external:
            raise ValueError("Cannot initialize ModelCompiler with both `external_initializers_file_path` and `get_initializer_location_func`")
        self._options = sess_options
        self._settings = (bool(embed_compiled_data_into_model), external, int(external_initializers_size_threshold), int(flags),
                          int(graph_optimization_level), place and self._placer(place))

    @staticmethod
    def _placer(function):
        def place(name, value, now):
            chosen = function(name, value, OrtExternalInitializerInfo(*now) if now else None)
            return chosen and (chosen.filepath, chosen.file_offset, chosen.byte_size)
        return place

    def _compile(self, target):
        return _native.compile(self._options._native, *self._source, self._settings, target)

    def compile_to_file(self, output_model_path=None):
        """Writes the compiled model, by default beside the model."""
        if not output_model_path:
            if self._source[0] is None:
                raise TypeError("compile_to_file(): a model in memory has no place beside it: give output_model_path")
            output_model_path = os.path.splitext(self._source[0])[0] + "_ctx.onnx"
        need("ModelCompiler.compile_to_file()", "output_model_path", output_model_path, (str, os.PathLike))
        if os.path.isdir(output_model_path):
            raise _native.InvalidArgument(f"[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : {os.fspath(output_model_path)} is a folder; expected a file's path")
        self._compile(output_model_path)

    def compile_to_bytes(self):
        """The compiled model."""
        return self._compile(None)

    def compile_to_stream(self, write_function):
        """Passes the compiled model to a function in parts of bytes."""
        if write_function is None:
            raise _native.Fail("[ONNXRuntimeError] : 1 : FAIL : write_function is None; expected a function of bytes")
        _function("write_function", write_function)
        self._compile(write_function)

    def set_ep_context_data_write_func(self, write_func):
        """Compiled data goes to a function; only providers that compile have any, and none is in this build."""
        _function("write_func", write_func)

    def clear_ep_context_data_write_func(self):
        """Undoes set_ep_context_data_write_func."""


class LoraAdapter:
    """A low-rank adapter: `adapter.Load(path)`, then `run_options.add_active_adapter(adapter)`."""

    _handle = None

    def Load(self, path):
        """Reads an adapter's file.

        :raises RuntimeError: for a file that cannot be read, or is no adapter's
        """
        need("LoraAdapter.Load()", "path", path, (str, os.PathLike))
        with runtime_errors():
            self._handle = _native.load_adapter(path)


class AdapterFormat:
    """An adapter's file in memory: versions, and parameters by name.

        adapter = sardonyx.AdapterFormat()
        adapter.set_parameters({"lora_A": sardonyx.OrtValue.ortvalue_from_numpy(a)})
        adapter.export_adapter("style.onnx_adapter")
    """

    def __init__(self, adapter=None):
        made = adapter if isinstance(adapter, AdapterFormat) else None
        self._format_version = 1
        self._adapter_version, self._model_version = (made._adapter_version, made._model_version) if made else (0, 0)
        self._parameters = dict(made._parameters) if made else {}

    @staticmethod
    def read_adapter(file_path):
        """An adapter out of a file.

        :raises RuntimeError: for a file that cannot be read, or is no adapter's
        """
        need("AdapterFormat.read_adapter()", "file_path", file_path, (str, os.PathLike))
        from . import _adapter
        made = AdapterFormat()
        with runtime_errors():
            made._format_version, made._adapter_version, made._model_version, found = _adapter.read(file_path)
            made._parameters = {name: _adapter.value_of(*parts) for name, parts in found.items()}
        return made

    def export_adapter(self, file_path):
        """Writes the adapter to a file."""
        from . import _adapter
        need("AdapterFormat.export_adapter()", "file_path", file_path, (str, os.PathLike))
        with runtime_errors():
            _adapter.write(file_path, self._adapter_version, self._model_version,
                           [(name, value.element_type(), value.shape(), _adapter.bytes_of(value)) for name, value in self._parameters.items()])

    def get_format_version(self):
        """The format's version."""
        return self._format_version

    def get_adapter_version(self):
        """The adapter's version."""
        return self._adapter_version

    @takes(Int32)
    def set_adapter_version(self, adapter_version):
        """Sets the adapter's version."""
        self._adapter_version = int(adapter_version)

    def get_model_version(self):
        """The version of the model that it is for."""
        return self._model_version

    @takes(Int32)
    def set_model_version(self, model_version):
        """Sets the version of the model that it is for."""
        self._model_version = int(model_version)

    def get_parameters(self):
        """A dictionary from name to OrtValue."""
        return dict(self._parameters)

    def set_parameters(self, params):
        """Sets the dictionary from name to OrtValue."""
        found = {name: value._ortvalue for name, value in params.items()}
        for name in found:
            need("AdapterFormat.set_parameters()", "name", name, str)
        self._parameters = found

    format_version = property(get_format_version)
    adapter_version = property(get_adapter_version, lambda self, value: self.set_adapter_version(value))
    model_version = property(get_model_version, lambda self, value: self.set_model_version(value))
    parameters = property(get_parameters, lambda self, value: self.set_parameters(value))


class OrtExternalInitializerInfo(Record):
    """Where an initializer is stored: `filepath`, `file_offset`, `byte_size`."""

    _fields = ("filepath", "file_offset", "byte_size")

    @takes((str, os.PathLike), Whole, Whole)
    def __new__(cls, filepath, file_offset, byte_size):
        return cls._of(os.fspath(filepath), int(file_offset), int(byte_size))


class OrtEpContextData(Record):
    """Compiled data that a provider hands out: `name`, `size`, and read() for parts of it. No provider of this build has any."""

    _fields = ("name", "size", "_data")

    def read(self, offset=0, length=None):
        """Bytes of the data."""
        return bytes(self._data[offset:None if length is None else offset + length])


class OrtEpContextDataBuffer(Record):
    """Room for compiled data that a provider asks for: `name`, `max_size`, allocate(), write(). No provider of this build asks for any."""

    _fields = ("name", "max_size", "_room")

    @property
    def size(self):
        """Bytes that were allocated."""
        return len(self._room)

    @property
    def is_allocated(self):
        """Whether allocate() was called."""
        return bool(self._room)

    def allocate(self, size):
        """Makes room."""
        if size > self.max_size:
            raise RuntimeError(f"{size} bytes; at most {self.max_size} are taken")
        self._room[:] = bytes(size)

    def write(self, data, offset=0):
        """Fills a part of it."""
        data = bytes(data)
        if offset < 0 or offset + len(data) > len(self._room):
            raise RuntimeError(f"bytes {offset} to {offset + len(data)} of {len(self._room)}")
        self._room[offset:offset + len(data)] = data
