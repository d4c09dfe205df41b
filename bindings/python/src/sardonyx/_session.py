# SPDX-License-Identifier: MIT
"""InferenceSession and IOBinding."""
import functools
import os
import threading

import numpy as np

from . import _model, _native, _progress
from ._checks import Dictionary, Record, Whole, need, runtime_errors
from ._devices import OrtDevice, OrtEpDevice, OrtMemoryInfo, _need_host, choose_providers, devices_of, get_all_providers, missing
from ._options import RunOptions, SessionOptions
from ._reports import SessionReports
from ._values import OrtValue, OrtValueVector, SparseTensor, element_type_of

_CPU = "CPUExecutionProvider"


class NodeArg(Record):
    """An input or output: `name`, `type` ('tensor(float)'), `shape` (a list of int, of names of free dimensions, of None)."""

    _fields = ("name", "type", "shape")

    def __repr__(self):
        return f"NodeArg(name='{self.name}', type='{self.type}', shape={self.shape})"


class ModelMetadata:
    """What a model says of itself: `producer_name`, `graph_name`, `domain`, `description`, `graph_description`, `version`,
    `custom_metadata_map`."""

    _KINDS = {"version": Whole, "custom_metadata_map": Dictionary}

    def __new__(cls, *args, **kwargs):
        raise TypeError("ModelMetadata: No constructor defined! It comes from session.get_modelmeta()")

    @classmethod
    def _of(cls, values):
        made = object.__new__(cls)
        made.__dict__.update(values)
        return made

    def __setattr__(self, name, value):
        if name not in self.__dict__:
            raise AttributeError(f"ModelMetadata has no attribute {name}")
        need("ModelMetadata", name, value, self._KINDS.get(name, str))
        self.__dict__[name] = value

    def __delattr__(self, name):
        raise AttributeError(f"ModelMetadata: {name} cannot be deleted")


class OrtEpAssignedNode(Record):
    """A node as a provider got it: `name`, `domain`, `op_type`."""

    _fields = ("name", "domain", "op_type")


class OrtEpAssignedSubgraph(Record):
    """Nodes that went to one provider, `ep_name`."""

    _fields = ("ep_name", "_nodes")

    def get_nodes(self):
        """A list of OrtEpAssignedNode."""
        return [OrtEpAssignedNode._of(*node) for node in self._nodes]


class InferenceSession(SessionReports, _native.Session):
    """A model, ready to run.

        session = sardonyx.InferenceSession("model.onnx")
        [scores] = session.run(None, {"image": image})

    :param path_or_bytes: the model's file, or the model as bytes
    :param sess_options: SessionOptions, or None
    :param providers: names in order of preference, or (name, options); None lets the library choose. A list that contains
        'CPUExecutionProvider' asks for fallback, and a provider that cannot be had is a warning; another list raises EPFail.
    :param provider_options: dictionaries, one per provider
    :raises NoSuchFile, InvalidProtobuf, InvalidGraph, NotImplemented: when the model cannot be used

    It is closed by close(), by the end of a `with` block, or with the last reference; it can be pickled; and any number of threads
    may use it at once.
    """

    _strict = True

    def __init__(self, path_or_bytes, sess_options=None, providers=None, provider_options=None, **kwargs):
        if isinstance(path_or_bytes, (str, os.PathLike)):
            self._model_path, self._model_bytes = os.fspath(path_or_bytes), None
            if not self._model_path:
                raise TypeError("the path of the model is empty")
        elif isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
            self._model_path, self._model_bytes = None, bytes(path_or_bytes)
        else:
            raise TypeError(f"Unable to load from type '{type(path_or_bytes)}'")
        need(f"{type(self).__name__}()", "sess_options", sess_options, (SessionOptions, type(None)))
        self._sess_options = sess_options if sess_options is not None else SessionOptions()
        if not -1 <= self._sess_options.log_severity_level <= 4:
            raise RuntimeError(f"log_severity_level is {self._sess_options.log_severity_level}; expected 0 to 4, or -1 for the default logger's")
        self._provider_arguments = providers, provider_options
        self._enable_fallback = int(kwargs.get("enable_fallback", 1)) == 1
        self._disabled_optimizers = list(kwargs.get("disabled_optimizers") or [])
        self._pool, self._lock = None, threading.Lock()
        try:
            self._create(providers, provider_options)
        except (ValueError, RuntimeError) as error:
            if self._strict or not self._enable_fallback:
                raise
            print(f"*************** EP Error ***************\nEP Error {error} when using {providers}\n"
                  f"Falling back to ['{_CPU}'] and retrying.\n****************************************")
            self._create([_CPU], None)
            self._enable_fallback = False

    def _create(self, providers, provider_options):
        options = self._sess_options._native.clone()
        if self._disabled_optimizers:
            options.add_config("optimization.disable_specified_optimizers", ";".join(self._disabled_optimizers))
        chosen = choose_providers(providers, provider_options, self._strict)
        names = [name for name, _ in chosen]
        delegated = self._sess_options._delegated()
        if delegated:
            options.add_devices([device._handle for device in delegated], {})
        self._provider_options = {name: dict(settings) for name, settings in self._sess_options._device_providers.items()}
        for name, settings in chosen:
            if name == _CPU:
                continue
            devices = devices_of(name)
            try:
                if devices:
                    options.add_devices([device._handle for device in devices], settings)
                else:
                    options.add_provider(name, settings)
            except Exception as error:
                missing(f"{name} cannot start: {error}", self._strict and _CPU not in names)
                continue
            self._provider_options[name] = settings
        self._provider_options[_CPU] = dict(dict(chosen).get(_CPU, {}))
        self._providers = list(self._provider_options)
        self._open_shown(options)
        self._inputs_meta = [NodeArg._of(*row) for row in self._signature(0)]
        self._outputs_meta = [NodeArg._of(*row) for row in self._signature(1)]

    def _open_file(self, options):
        try:
            return self._open(self._model_path, None, options)
        except _native.NoSuchFile as error:
            if os.path.isdir(self._model_path):
                raise _native.InvalidProtobuf(f"[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : {self._model_path} is a folder; expected a model's file") from None
            if os.path.lexists(self._model_path):
                raise _native.Fail(str(error).replace("3 : NO_SUCHFILE", "1 : FAIL")) from None
            raise

    def _open_shown(self, options):
        """Large models show how far loading is, on a terminal."""
        if self._model_path is None:
            return self._open(None, self._model_bytes, options)
        try:
            size = _model.size_of(self._model_path)
        except (OSError, ValueError):
            size = 0  # the library says what is wrong
        if size < _progress.LARGE:
            return self._open_file(options)
        with _progress.loading(os.path.basename(self._model_path), size):
            return self._open_file(options)

    # What the model is ----------------------------------------------------------------------------------------------------

    def get_inputs(self):
        """The inputs that must be given: a list of NodeArg."""
        return self._inputs_meta

    def get_outputs(self):
        """The outputs: a list of NodeArg."""
        return self._outputs_meta

    def get_overridable_initializers(self):
        """Inputs with a default: a list of NodeArg."""
        return [NodeArg._of(*row) for row in self._signature(2)]

    def get_modelmeta(self):
        """What the model says of itself, ModelMetadata."""
        return ModelMetadata._of(self._metadata())

    def get_session_options(self):
        """The options it was made with."""
        return self._sess_options

    def get_providers(self):
        """The providers that it may run on, in order of preference."""
        return list(self._providers)

    def get_provider_options(self):
        """The options of each provider."""
        return {name: dict(options) for name, options in self._provider_options.items()}

    @property
    def devices_used(self):
        """The providers that nodes of the model really run on. With the config entry session.record_ep_graph_assignment_info = "1"
        it is read from the nodes; otherwise it is what the session was made with."""
        if self._sess_options._config.get("session.record_ep_graph_assignment_info") == "1":
            return sorted({part.ep_name for part in self.get_provider_graph_assignment_info() if part.get_nodes()})
        return list(self._providers)

    def set_providers(self, providers=None, provider_options=None):
        """Accepts the providers that it has, with options for them; others need another session.

        :raises RuntimeError: for others
        """
        known = get_all_providers()
        for name in [providers] if isinstance(providers, str) else providers or []:
            if isinstance(name, str) and name not in known and name not in self._providers:
                raise RuntimeError(f"Unknown Provider Type: {name}")
        chosen = choose_providers(providers, provider_options, self._strict)
        if [name for name, _ in chosen if name != _CPU] != [name for name in self._providers if name != _CPU]:
            raise RuntimeError("a session stays on the providers it was made on: make another one")
        self._provider_options.update(chosen)
        self._provider_arguments = providers, provider_options

    def enable_fallback(self):
        """Accepted and kept. A run that fails is not made again elsewhere: what asks for fallback is 'CPUExecutionProvider' in the list
        of providers, and it is decided when the session is made."""
        self._enable_fallback = True

    def disable_fallback(self):
        """Accepted and kept. The failure of a provider in a run is an error in any case; see enable_fallback."""
        self._enable_fallback = False

    def get_provider_graph_assignment_info(self):
        """Which node went to which provider, a list of OrtEpAssignedSubgraph; needs the config entry
        session.record_ep_graph_assignment_info = "1"."""
        return [OrtEpAssignedSubgraph._of(*row) for row in self._assignment()]

    def get_input_memory_infos(self):
        """Where inputs are wanted: a list of OrtMemoryInfo."""
        return [OrtMemoryInfo._read(row) for row in _native.session_places(self, 0, 0)]

    def get_output_memory_infos(self):
        """Where outputs are left: a list of OrtMemoryInfo."""
        return [OrtMemoryInfo._read(row) for row in _native.session_places(self, 1, 0)]

    def get_input_epdevices(self):
        """The device of each input: a list of OrtEpDevice, or None."""
        return [OrtEpDevice._read(row) if row else None for row in _native.session_places(self, 0, 1)]

    def set_ep_dynamic_options(self, options):
        """Changes options that a provider may change between runs: a dictionary of str."""
        need("InferenceSession.set_ep_dynamic_options()", "options", options, dict)
        if not options:
            raise RuntimeError("set_ep_dynamic_options: no options are given")
        self._set_ep_dynamic_options(options)

    # Running it; run() is native ------------------------------------------------------------------------------------------

    def run_with_ort_values(self, output_names, input_dict_ort_values, run_options=None):
        """run() from and to OrtValue: a list of OrtValue."""
        feed = {name: value._get_c_value() for name, value in input_dict_ort_values.items()}
        return self._run_values(output_names, feed, run_options)

    def run_with_iobinding(self, iobinding, run_options=None):
        """Runs with the inputs and outputs of an IOBinding.

        :raises RuntimeError: when an input or output is missing, or is not what the model takes
        """
        if iobinding._session is not self:
            raise ValueError("IOBinding must be used with the session that created it.")
        with runtime_errors():
            self._run_binding(iobinding._native, run_options)

    def run_with_ortvaluevector(self, run_options, feed_names, feeds, fetch_names, fetches, fetch_devices):
        """Runs from a list of OrtValue into another one, which is filled where it is empty."""
        room = list(fetches) + [None] * (len(fetch_names) - len(fetches))
        fetches[:] = self._run_into(run_options, list(feed_names), list(feeds), list(fetch_names), room)

    def run_async(self, output_names, input_feed, callback=None, user_data=None, run_options=None):
        """Runs on another thread and returns a concurrent.futures.Future of the results.

        :param callback: None, or a function of (results, user_data, error text), called on that thread; the text is '' after success
        :raises ValueError: when an input is missing
        """
        import concurrent.futures
        if callback is not None and not callable(callback):
            raise TypeError(f"run_async: callback is a {type(callback).__name__}; expected a function or None")
        self._missing_inputs(input_feed)
        with self._lock:
            if self._pool is None:
                self._pool = concurrent.futures.ThreadPoolExecutor(min(32, os.cpu_count() or 1), "sardonyx")
            future = self._pool.submit(self.run, output_names, input_feed, run_options)
        if callback is not None:
            def tell(done):
                error = done.exception()
                callback([] if error else done.result(), user_data, str(error) if error else "")
            future.add_done_callback(tell)
        return future

    async def run_asyncio(self, output_names, input_feed, run_options=None):
        """run() for asyncio: `results = await session.run_asyncio(None, feed)`. Cancelling it ends this run; other runs with the same
        options go on."""
        import asyncio
        options = run_options._follower() if run_options is not None else RunOptions()
        future = self.run_async(output_names, input_feed, None, None, options)
        if run_options is not None:
            future.add_done_callback(lambda _: run_options._followers.remove(options))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            options.terminate = True
            raise

    def io_binding(self):
        """An IOBinding of this session."""
        return IOBinding(self)

    def create_ortvalue_from_shape_and_type(self, shape, element_type, device_type="cpu", device_id=0, vendor_id=-1):
        """A tensor that is not filled, where the session can use it."""
        return OrtValue.ortvalue_from_shape_and_type(shape, element_type, device_type, device_id, vendor_id)

    def end_profiling(self):
        """Closes the profile and returns its file name."""
        return self._end_profiling()

    def get_profiling_start_time_ns(self):
        """When profiling began, in nanoseconds."""
        return self._profiling_start()

    def get_tuning_results(self):
        """What a GPU provider learnt by trying; the CPU tries nothing."""
        return []

    def set_tuning_results(self, results, *, error_on_invalid=False):
        """Gives a GPU provider what it learnt before."""
        need("InferenceSession.set_tuning_results()", "results", results, list)
        for item in results:
            need("InferenceSession.set_tuning_results()", "results", item, dict)
        if results and error_on_invalid:
            raise RuntimeError("no provider of this session takes tuning results")

    def release_captured_graph(self, graph_annotation_id=0):
        """Gives the memory of a captured graph back."""
        self._release_captured_graph(graph_annotation_id)

    def trim(self):
        """Gives back the memory that no run needs at the moment."""
        self._trim()

    def close(self):
        """Releases the model, when the runs under way are done; further calls raise InvalidArgument."""
        with self._lock:
            pool, self._pool = self._pool, None
        self._close()
        if pool is not None:
            pool.shutdown(wait=False)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __reduce__(self):
        source = self._model_path if self._model_path is not None else self._model_bytes
        make = functools.partial(type(self), enable_fallback=self._enable_fallback, disabled_optimizers=self._disabled_optimizers)
        return make, (source, self._sess_options, *self._provider_arguments)

    def __repr__(self):
        if not hasattr(self, "_outputs_meta"):
            return f"<{type(self).__name__}, not opened>"
        what = self._model_path or f"{len(self._model_bytes)} bytes"
        names = [", ".join(arg.name for arg in args) for args in (self._inputs_meta, self._outputs_meta)]
        return f"<{type(self).__name__} of {what}: {names[0]} -> {names[1]}>"

    @property
    def _sess(self):
        return self


class IOBinding:
    """Inputs and outputs of a session, bound once for many runs.

        binding = session.io_binding()
        binding.bind_cpu_input("x", x)
        binding.bind_output("y")
        session.run_with_iobinding(binding)
        [y] = binding.copy_outputs_to_cpu()

    What is bound is kept until it is replaced or cleared.
    """

    def __init__(self, session):
        self._session = session._sess
        self._native = _native.Binding(self._session)

    @property
    def _iobinding(self):
        return self

    def bind_cpu_input(self, name, arr_on_cpu):
        """Binds an array, which is kept and not copied.

        :raises RuntimeError: for what is no array, or a name that is no input
        """
        need("IOBinding.bind_cpu_input()", "name", name, str)
        with runtime_errors():
            self._native.bind_input(name, OrtValue.ortvalue_from_numpy(arr_on_cpu))

    def bind_input(self, name, device_type, device_id, element_type, shape, buffer_ptr):
        """Binds memory by its address; the caller keeps it alive."""
        _need_host(device_type)
        with runtime_errors():
            self._native.bind_input(name, _native.value_from_pointer(buffer_ptr, shape, element_type_of(element_type), None))

    def bind_ortvalue_input(self, name, ortvalue):
        """Binds an OrtValue."""
        with runtime_errors():
            self._native.bind_input(name, ortvalue._ortvalue)

    def bind_output(self, name, device_type="cpu", device_id=0, element_type=None, shape=None, buffer_ptr=None):
        """Binds an output: to memory by its address, or, without one, to memory of the library's."""
        _need_host(device_type)
        value = None
        if buffer_ptr is not None:
            if element_type is None or shape is None:
                raise ValueError("`element_type` and `shape` are to be provided if pre-allocated memory is provided")
            with runtime_errors():
                value = _native.value_from_pointer(buffer_ptr, shape, element_type_of(element_type), None)
        with runtime_errors():
            self._native.bind_output(name, value)

    def bind_ortvalue_output(self, name, ortvalue):
        """Binds an output to an OrtValue, which a run fills."""
        with runtime_errors():
            self._native.bind_output(name, ortvalue._ortvalue)

    def synchronize_inputs(self):
        """Waits for copies to a device."""
        self._native.synchronize_inputs()

    def synchronize_outputs(self):
        """Waits for copies from a device."""
        self._native.synchronize_outputs()

    def get_outputs(self):
        """The outputs of the last run, a list of OrtValue in the order they were bound."""
        return self._native.outputs()

    def get_outputs_as_ortvaluevector(self):
        """The same as OrtValueVector."""
        return OrtValueVector(self._native.outputs())

    def copy_outputs_to_cpu(self):
        """The outputs of the last run as arrays, which the next run leaves alone."""
        return [np.copy(out) if isinstance(out, np.ndarray) else out for out in (value.numpy() for value in self._native.outputs())]

    def clear_binding_inputs(self):
        """Takes the bound inputs away."""
        self._native.clear_inputs()

    def clear_binding_outputs(self):
        """Takes the bound outputs away."""
        self._native.clear_outputs()


__all__ = ["InferenceSession", "IOBinding", "NodeArg", "ModelMetadata", "OrtEpAssignedNode", "OrtEpAssignedSubgraph", "OrtDevice", "SparseTensor"]
