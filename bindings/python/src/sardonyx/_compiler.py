# SPDX-License-Identifier: MIT
"""Models compiled ahead of time, and low-rank adapters."""
import os

from . import _enums, _native


class ModelCompiler:
    """Compiles a model for the providers of SessionOptions.

    :param sess_options: SessionOptions
    :param input_model_path_or_bytes: a path, or the model as bytes
    """

    def __init__(self, sess_options, input_model_path_or_bytes, embed_compiled_data_into_model=False, external_initializers_file_path=None,
                 external_initializers_size_threshold=1024, flags=_enums.OrtCompileApiFlags.NONE,
                 graph_optimization_level=_enums.GraphOptimizationLevel.ORT_DISABLE_ALL, get_initializer_location_func=None):
        model = input_model_path_or_bytes
        if isinstance(model, (str, os.PathLike)):
            self._source = os.fspath(model), None
        elif isinstance(model, bytes):
            self._source = None, model
        else:
            raise TypeError(f"Unable to load from type '{type(model)}'")
        if get_initializer_location_func is not None:
            raise _native.NotImplemented("[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : initializers are placed by a file name only")
        self._options = sess_options
        self._settings = (bool(embed_compiled_data_into_model), external_initializers_file_path, int(external_initializers_size_threshold), int(flags),
                          int(graph_optimization_level))

    def compile_to_file(self, output_model_path=None):
        """Writes the compiled model, by default beside the model."""
        if output_model_path is None:
            if self._source[0] is None:
                raise ValueError("a model in memory has no place beside it: give output_model_path")
            output_model_path = os.path.splitext(self._source[0])[0] + "_ctx.onnx"
        _native.compile(self._options._native, *self._source, self._settings, output_model_path)

    def compile_to_bytes(self):
        """The compiled model."""
        return _native.compile(self._options._native, *self._source, self._settings, None)

    def compile_to_stream(self, write_function):
        """Passes the compiled model to a function in parts of bytes."""
        _native.compile(self._options._native, *self._source, self._settings, write_function)

    def set_ep_context_data_write_func(self, write_func):
        """Compiled data goes to a function; only providers that compile have any, and none is in this build."""

    def clear_ep_context_data_write_func(self):
        """Undoes set_ep_context_data_write_func."""


class LoraAdapter:
    """A low-rank adapter: `adapter.Load(path)`, then `run_options.add_active_adapter(adapter)`."""

    _handle = None

    def Load(self, path):
        """Reads an adapter's file."""
        self._handle = _native.load_adapter(path)


class AdapterFormat:
    """An adapter's file in memory: versions and parameters. Reading and writing files is not there yet."""

    def __init__(self, adapter=None):
        self._adapter_version = self._model_version = 0
        self._parameters = {}

    @staticmethod
    def read_adapter(file_path):
        """An adapter out of a file."""
        raise _native.NotImplemented("[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : adapter files are read by LoraAdapter.Load only")

    def export_adapter(self, file_path):
        """Writes the adapter to a file."""
        raise _native.NotImplemented("[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : adapter files are not written")

    def get_format_version(self):
        """The format's version."""
        return 1

    def get_adapter_version(self):
        """The adapter's version."""
        return self._adapter_version

    def set_adapter_version(self, adapter_version):
        """Sets the adapter's version."""
        self._adapter_version = int(adapter_version)

    def get_model_version(self):
        """The version of the model that it is for."""
        return self._model_version

    def set_model_version(self, model_version):
        """Sets the version of the model that it is for."""
        self._model_version = int(model_version)

    def get_parameters(self):
        """A dictionary from name to OrtValue."""
        return self._parameters

    def set_parameters(self, params):
        """Sets the dictionary from name to OrtValue."""
        self._parameters = dict(params)


class OrtExternalInitializerInfo:
    """Where an initializer is stored: `filepath`, `file_offset`, `byte_size`."""

    def __init__(self, filepath, file_offset, byte_size):
        self.filepath, self.file_offset, self.byte_size = str(filepath), int(file_offset), int(byte_size)


class OrtEpContextData:
    """Compiled data that a provider hands out."""


class OrtEpContextDataBuffer:
    """Room for compiled data that a provider asks for."""
