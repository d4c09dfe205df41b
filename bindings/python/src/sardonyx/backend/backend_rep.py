# SPDX-License-Identifier: MIT
"""A prepared model, in onnx.backend's words."""
from .. import RunOptions


_OPTIONS = frozenset("log_severity_level log_verbosity_level logid only_execute_path_to_fetches".split())


class SardonyxBackendRep:
    """A session with run(inputs): a list in the order of the model's inputs, a dictionary, or one array."""

    def __init__(self, session):
        self._session = session

    def run(self, inputs, **kwargs):
        """Runs the model; keyword arguments are set on RunOptions."""
        from .backend import allowed
        options = allowed(RunOptions(), _OPTIONS, kwargs)
        names = [item.name for item in self._session.get_inputs()]
        if isinstance(inputs, dict):
            feed = inputs
        elif isinstance(inputs, (list, tuple)) and (len(names) != 1 or len(inputs) == 1):
            feed = dict(zip(names, inputs))
        elif len(names) != 1:
            raise RuntimeError(f"Model expect {len(names)} inputs, found one {type(inputs).__name__}")
        else:
            feed = {names[0]: inputs}
        return self._session.run(None, feed, options)


OnnxRuntimeBackendRep = SardonyxBackendRep
