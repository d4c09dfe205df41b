# SPDX-License-Identifier: MIT
"""What every way to quantise gives: a report, and a comparison of the new model with the old one."""
import contextlib
import json
import os
import pathlib
import tempfile

import numpy as np

from .. import InferenceSession, SessionOptions, _native
from .._reports import Report
from .._verify import made_up


class QuantizationReport(Report):
    """What became of each node, and how the new model compares with the old one.

    `nodes` is a list of dictionaries (name, op_type, quantized, reason, weight_error; rounding, of weights in blocks: what the method became;
    us_before, us_after: microseconds in either model, None where a node is part of another's step), `bytes_before` and `bytes_after` the sizes of the constants, `outputs` the error of each
    output (root mean square, relative to the output's own) on one sample, `speedup` the time of the old model over that of the new one on
    that sample; both None when there was no sample to run.
    """

    outputs = speedup = None

    @property
    def nodes(self):
        return self.data["nodes"]

    @property
    def bytes_before(self):
        return self.data["bytes_before"]

    @property
    def bytes_after(self):
        return self.data["bytes_after"]


def _comparison(before, sample):
    """(sample, the old model's outputs on it with their names, why there are none)"""
    session = InferenceSession(before)
    guessed = sample is None
    if guessed:
        try:
            sample = made_up(session)
        except ValueError as error:
            return None, None, str(error)
    try:
        return sample, (session.get_outputs(), session.run(None, sample)), None
    except Exception as error:  # that its inputs were guessed badly is no failure
        if not guessed:
            raise
        return None, None, f"the model did not run on random numbers ({error})"


def _errors(before, after):
    """By name, of the outputs that are floats: root mean square of the difference over that of the output."""
    for arg, a, b in zip(*before, after):
        if isinstance(a, np.ndarray) and a.dtype.kind == "f" and a.shape == b.shape and a.size:
            with np.errstate(all="ignore"):  # infinities and NaN of the model's own
                error = float(np.sqrt(np.mean((a - b) ** 2, dtype=float) / max(float(np.mean(a * a, dtype=float)), 1e-30)))
            yield arg.name, error


@contextlib.contextmanager
def path_of(model):
    """A path of the model; a ModelProto is written to a file for as long as it is needed."""
    if isinstance(model, (str, os.PathLike)):
        yield pathlib.Path(model)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        yield path


def names_of(op_types, nodes, skip, skip_op_types=None):
    """Settings that say which nodes are meant."""
    lists = {"op_types": op_types, "nodes": nodes, "skip_nodes": skip, "skip_op_types": skip_op_types}
    for names in lists.values():
        if isinstance(names, (str, bytes)):
            raise TypeError(f"{names!r} is one name; expected a list of names")
    return {key: "\n".join(names) for key, names in lists.items() if names}


def quantized(path, model_output, settings, sample, compare, write=None):
    """Writes the model with these settings (Quantize of sardonyx.h), compares it with the old one and reports.

    :param write: does it, with a sample or None, and gives the library's report
    """
    write = write or (lambda sample: _native.quantize(os.fspath(path), SessionOptions()._native, os.fspath(model_output), settings, sample))
    sample, before, why_not = _comparison(os.fspath(path), sample) if compare else (None, None, None)
    data = json.loads(write(sample and dict(sample)))
    report = QuantizationReport(data.pop("text").rstrip("\n"), data)
    if compare:  # a file that does not load is an error here, not a surprise later
        session = InferenceSession(os.fspath(model_output))
        if why_not:
            report.text += f"\nnot compared: {why_not}"
        else:
            report.outputs = dict(_errors(before, session.run(None, sample)))
            report.speedup = data["us_before"] / data["us_after"]
            lines = [f"output {name}: off by {100 * error:.3g} % (root mean square)" for name, error in report.outputs.items()]
            report.text = "\n".join([report.text, *lines])
    return report
