# SPDX-License-Identifier: MIT
"""SessionOptions and RunOptions. The native object takes every setting at once; what was set is kept here, to be read back, copied
and pickled."""
from . import _enums, _native
from ._checks import Dictionary, Int32, Truth, Whole, need, takes


def _number(name, kind, default, doc, native=True):
    def read(self):
        return self._values.get(name, default)

    def write(self, value):
        need(type(self).__name__, name, value, {int: Int32, bool: Truth}.get(kind, kind))
        value = kind(value)
        if native:
            self._native.set_int(name, int(value))
        self._values[name] = value
    return property(read, write, doc=doc)


def _text(name, default, doc, native=True):
    def read(self):
        return self._values.get(name, default)

    def write(self, value):
        import os
        value = os.fsdecode(value)
        if native:
            self._native.set_text(name, value)
        self._values[name] = value
    return property(read, write, doc=doc)


class SessionOptions:
    """How a session is made: threads, optimisation, logging, providers.

        options = sardonyx.SessionOptions()
        options.intra_op_num_threads = 4
        session = sardonyx.InferenceSession("model.onnx", options)

    What was set can be read back; an attribute that there is not raises AttributeError.
    """

    __slots__ = ("_native", "_values", "_config", "_calls", "_has_providers", "_device_providers", "_devices", "_delegate")

    def __init__(self):
        self._native = _native.Options()
        self._values, self._config, self._calls, self._has_providers = {}, {}, [], False
        self._device_providers, self._devices = {}, []  # name -> options, and (name, devices, options), of add_provider_for_devices
        self._delegate = None

    execution_mode = _number("execution_mode", _enums.ExecutionMode, _enums.ExecutionMode.ORT_SEQUENTIAL, "Whether nodes may run side by side.")
    execution_order = _number("execution_order", _enums.ExecutionOrder, _enums.ExecutionOrder.DEFAULT, "The order of nodes.", native=False)
    graph_optimization_level = _number("graph_optimization_level", _enums.GraphOptimizationLevel, _enums.GraphOptimizationLevel.ORT_ENABLE_ALL,
                                       "How far the graph is rewritten.")
    intra_op_num_threads = _number("intra_op_num_threads", int, 0, "Threads within an operator; 0: one per core.")
    inter_op_num_threads = _number("inter_op_num_threads", int, 0, "Threads between operators; 0: the library's choice.")
    log_severity_level = _number("log_severity_level", int, -1, "0 verbose, 1 info, 2 warning, 3 error, 4 fatal; -1: the default logger's.")
    log_verbosity_level = _number("log_verbosity_level", int, 0, "Detail of verbose messages.")
    enable_mem_pattern = _number("enable_mem_pattern", bool, True, "Whether memory is planned for sizes seen before.")
    enable_mem_reuse = _number("enable_mem_reuse", bool, True, "Whether results share memory; Sardonyx always does.", native=False)
    enable_cpu_mem_arena = _number("enable_cpu_mem_arena", bool, True, "Whether freed memory is kept for the next run.")
    use_deterministic_compute = _number("use_deterministic_compute", bool, False, "Equal results in every run; Sardonyx's always are.")
    use_per_session_threads = _number("use_per_session_threads", bool, True, "False: the session uses the threads that all share.")
    logid = _text("logid", "", "The session's name in log messages.")
    optimized_model_filepath = _text("optimized_model_filepath", "", "Where the rewritten model is to be saved.")

    def _profiling(self):
        return self._values.get("enable_profiling", False)

    def _set_profiling(self, on):
        need("SessionOptions", "enable_profiling", on, Truth)
        if on:
            self._native.set_text("enable_profiling", self.profile_file_prefix)
        else:
            self._native.set_int("disable_profiling", 1)
        self._values["enable_profiling"] = bool(on)
    enable_profiling = property(_profiling, _set_profiling, doc="Whether a profile is written; end_profiling() gives its name.")

    def _prefix(self):
        return self._values.get("profile_file_prefix", "onnxruntime_profile_")

    def _set_prefix(self, prefix):
        import os
        self._values["profile_file_prefix"] = prefix = os.fsdecode(prefix)
        if self.enable_profiling:
            self._native.set_text("enable_profiling", prefix)
    profile_file_prefix = property(_prefix, _set_prefix, doc="The beginning of the profile's file name.")

    def _call(self, name, *args):
        getattr(self._native, name)(*args)
        self._calls.append((name, args))

    @takes(str, str, runtime=True)
    def add_session_config_entry(self, key, value):
        """Sets a text option by its key.

        :raises RuntimeError: for a key or value that is too long
        """
        self._native.add_config(key, value)
        self._config[key] = value

    @takes(str)
    def get_session_config_entry(self, key):
        """The value of a text option.

        :raises RuntimeError: when it was not set
        """
        try:
            return self._config[key]
        except KeyError:
            raise RuntimeError(f"SessionOptions does not have configuration with key: {key}") from None

    @takes(str, Whole)
    def add_free_dimension_override_by_name(self, name, size):
        """Fixes the dimensions of that name, as 'batch' in [batch, 3]."""
        self._call("add_dimension", name, int(size), False)

    @takes(str, Whole)
    def add_free_dimension_override_by_denotation(self, denotation, size):
        """Fixes the dimensions of that denotation."""
        self._call("add_dimension", denotation, int(size), True)

    @takes(str, runtime=True)
    def add_initializer(self, name, value):
        """Replaces an initializer of the model by an OrtValue, which is kept.

        :raises RuntimeError: for what is no OrtValue, or a name that has one already
        """
        if not isinstance(value, _native.Value):
            raise RuntimeError(f"the initializer {name} is a {type(value).__name__}; expected an OrtValue")
        self._native.add_initializer(name, value, False)

    @takes(list, list, runtime=True)
    def add_external_initializers(self, names, values):
        """Gives the data of initializers that the model stores elsewhere: lists of names and of OrtValue."""
        if len(names) != len(values):
            raise RuntimeError(f"{len(names)} names and {len(values)} values; expected as many")
        for name, value in zip(names, values):
            self._native.add_initializer(name, value._ortvalue, True)

    @takes(list, list, list, runtime=True)
    def add_external_initializers_from_files_in_memory(self, names, buffers, lengths):
        """Gives external data files as bytes: lists of file names, buffers and lengths."""
        if not len(names) == len(buffers) == len(lengths):
            raise RuntimeError(f"{len(names)} names, {len(buffers)} buffers and {len(lengths)} lengths; expected as many")
        for name, data, length in zip(names, buffers, lengths):
            self._call("add_file", name, bytes(memoryview(data)[:length]))

    def register_custom_ops_library(self, path):
        """Loads a library of custom operators: a file, or a name that the system looks for.

        :raises Fail: when it cannot be loaded
        """
        import os
        path = os.fsdecode(path)
        self._call("set_text", "custom_ops_library", os.path.abspath(path) if os.path.isfile(path) else path)

    @takes(str, Dictionary, runtime=True)
    def add_provider(self, name, options):
        """Adds a provider by name, after those that were added before.

        :raises RuntimeError: for one that is not in this build
        """
        self._call("add_provider", name, dict(options))
        self._has_providers = True

    @takes(None, Dictionary)
    def add_provider_for_devices(self, ep_devices, options):
        """Adds the provider of a list of OrtEpDevice."""
        for device in ep_devices:
            need("SessionOptions.add_provider_for_devices()", "ep_devices", device, _devices().OrtEpDevice)
        self._native.add_devices([device._handle for device in ep_devices], dict(options))
        self._device_providers[ep_devices[0].ep_name] = dict(options)
        self._devices.append((ep_devices[0].ep_name, [_device_key(device) for device in ep_devices], dict(options)))
        self._has_providers = True

    def has_providers(self):
        """Whether a provider, a device or a policy was set."""
        return self._has_providers

    @takes(_enums.OrtExecutionProviderDevicePolicy)
    def set_provider_selection_policy(self, policy):
        """Lets the library choose among devices by a policy."""
        self._call("set_int", "selection_policy", int(policy))
        self._has_providers = True

    def set_provider_selection_policy_delegate(self, delegate):
        """Lets a function choose when a session is made: it gets the devices, two dictionaries and a limit, and returns a list of devices.
        None takes it away."""
        if delegate is not None and not callable(delegate):
            raise TypeError(f"SessionOptions: delegate is a {type(delegate).__name__}; expected a function or None")
        self._delegate, self._has_providers = delegate, True

    def _delegated(self):
        """The devices that the function chose, none without a function."""
        if self._delegate is None:
            return []
        try:
            chosen = list(self._delegate(_devices().get_ep_devices(), {}, {}, 8))
        except Exception as error:
            raise _native.Fail(f"[ONNXRuntimeError] : 1 : FAIL : EP selection delegate failed: {type(error).__name__}: {error}") from error
        if not chosen:
            raise _native.Fail("[ONNXRuntimeError] : 1 : FAIL : EP selection delegate did not select anything.")
        return chosen

    @takes(Truth)
    def set_load_cancellation_flag(self, cancel):
        """From another thread: a session that is being made with these options ends with ModelLoadCanceled."""
        self._native.set_int("load_cancellation", int(bool(cancel)))

    @takes(None, Whole)
    def set_ep_context_data_read_func(self, read_func, max_data_size):
        """Compiled data comes from a function; only providers that compile ask for any, and none is in this build."""
        _function("read_func", read_func)

    def clear_ep_context_data_read_func(self):
        """Undoes set_ep_context_data_read_func."""

    def __copy__(self):
        made = object.__new__(type(self))
        made._native, made._has_providers, made._delegate = self._native.clone(), self._has_providers, self._delegate
        for name in ("_values", "_config", "_calls", "_device_providers", "_devices"):
            setattr(made, name, getattr(self, name).copy())
        return made

    def __getstate__(self):
        return self._values, self._config, self._calls, self._devices, self._delegate

    def __setstate__(self, state):
        self.__init__()
        values, config, calls, devices, self._delegate = state
        self._has_providers = self._delegate is not None
        for key, value in sorted(values.items(), reverse=True):  # the prefix of profiles comes before their switch
            setattr(self, key, value)
        for key, value in config.items():
            self.add_session_config_entry(key, value)
        for name, args in calls:
            self._call(name, *args)
            self._has_providers |= name == "add_provider" or "selection_policy" in args
        for name, keys, options in devices:
            here = [device for device in _devices().devices_of(name) if _device_key(device) in keys]
            if not here:
                raise RuntimeError(f"the options were made for devices of {name}, which are not here; register_execution_provider_library() "
                                   "comes before they are read back")
            self.add_provider_for_devices(here, options)


def _device_key(device):
    """What a device is known by in another process."""
    hardware = device.device
    return hardware and (int(hardware.type), hardware.vendor_id, hardware.device_id, sorted(hardware.metadata.items()))


def _function(name, value):
    if value is None:
        raise RuntimeError(f"{name} is None; expected a function")
    if not callable(value):
        raise TypeError(f"{name} is a {type(value).__name__}; expected a function")


def _devices():
    from . import _devices
    return _devices


class RunOptions(_native.RunOptions):
    """Settings of a run, and the switch that ends it: `options.terminate = True` from another thread."""

    __slots__ = ("_calls", "_followers")

    def __init__(self):
        self._calls, self._followers = [], []

    def _call(self, name, *args):
        getattr(super(), name)(*args)
        self._calls.append((name, args))

    def _follower(self):
        """Options with the same settings that can end without these, and end with them while they are in _followers."""
        made = RunOptions()
        for name in ("log_severity_level", "log_verbosity_level", "logid", "only_execute_path_to_fetches", "training_mode"):
            setattr(made, name, getattr(self, name))
        for name, args in list(self._calls):
            made._call(name, *args)
        self._followers.append(made)
        made.terminate = self.terminate
        return made

    @property
    def terminate(self):
        """True ends the runs that use these options, which raise Fail; set it from another thread."""
        return _native.RunOptions.terminate.__get__(self)

    @terminate.setter
    def terminate(self, value):
        _native.RunOptions.terminate.__set__(self, value)
        for follower in list(self._followers):
            follower.terminate = value

    @takes(str, str, runtime=True)
    def add_run_config_entry(self, key, value):
        """Sets a text option of the run."""
        self._call("add_run_config_entry", key, value)

    def add_active_adapter(self, adapter):
        """Lets a LoraAdapter take part in the run; one that was not loaded, or None, takes none."""
        from ._compiler import LoraAdapter
        need("RunOptions.add_active_adapter()", "adapter", adapter, (LoraAdapter, type(None)))
        if adapter is not None and adapter._handle is not None:
            self._call("_add_adapter", adapter._handle)
