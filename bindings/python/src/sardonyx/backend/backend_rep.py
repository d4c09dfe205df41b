# SPDX-License-Identifier: MIT
"""A prepared model, in onnx.backend's words."""
from .. import RunOptions


class SardonyxBackendRep:
    """A session with run(inputs): a list in the order of the model's inputs, a dictionary, or one array."""

    def __init__(self, session):
        self._session = session

    def run(self, inputs, **kwargs):
        """Runs the model; keyword arguments are set on RunOptions."""
        options = RunOptions()
        for key, value in kwargs.items():
            if not hasattr(options, key):
                raise TypeError(f"RunOptions has no {key}")
            setattr(options, key, value)
        names = [item.name for item in self._session.get_inputs()]
        if isinstance(inputs, dict):
            feed = inputs
        elif isinstance(inputs, (list, tuple)) and (len(names) != 1 or len(inputs) == 1):
            feed = dict(zip(names, inputs))
        else:
            feed = {names[0]: inputs}
        return self._session.run(None, feed, options)
