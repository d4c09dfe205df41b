# SPDX-License-Identifier: MIT
"""What every way to quantise gives: a report, and a comparison of the new model with the old one."""
import contextlib
import json
import os
import pathlib
import tempfile
import time

import numpy as np

from .. import InferenceSession, _native
from .._reports import Report


class QuantizationReport(Report):
    """What became of each node, and how the new model compares with the old one.

    `nodes` is a list of dictionaries (name, op_type, quantized, reason, weight_error), `bytes_before` and `bytes_after` the sizes of the
    constants, `outputs` the error of each output (root mean square, relative to the output's own) on one sample, `speedup` the time of
    the old model over that of the new one on that sample; both None when there was no sample to run.
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


def _table(data):
    width = max([4] + [min(len(node["name"]), 60) for node in data["nodes"]])
    for node in data["nodes"]:
        error = node["weight_error"]
        became = f"stays: {node['reason']}" if not node["quantized"] else "quantised" + ("" if error is None else f", weight off by {100 * error:.3g} %")
        yield f"{node['name']:<{width}}  {node['op_type']:<20}  {became}"
    done = sum(node["quantized"] for node in data["nodes"])
    share = 100 * data["bytes_after"] / max(data["bytes_before"], 1)
    yield f"{done} of {len(data['nodes'])} nodes quantised; constants of {data['bytes_before']} bytes became {data['bytes_after']} ({share:.3g} %)"


def _random_sample(session):
    """Numbers for every input, or None where nobody can guess them: indices might be out of range."""
    sample, draw = {}, np.random.default_rng(0)
    for arg in session.get_inputs():
        if arg.type != "tensor(float)":
            return None
        sample[arg.name] = draw.random([d if isinstance(d, int) else 1 for d in arg.shape], np.float32)
    return sample


def _best_time(session, sample):
    best, end = float("inf"), time.perf_counter() + 0.2
    while True:
        start = time.perf_counter()
        session.run(None, sample)
        now = time.perf_counter()
        best = min(best, now - start)
        if now > end:
            return best


def _compare(report, before, after, sample):
    """The new model is loaded and run: a file that does not work is an error here, not a surprise later."""
    new, old = InferenceSession(after), InferenceSession(before)
    try:
        _compare_on(report, old, new, sample)
    except Exception as error:  # the file is written and loads: that its inputs were guessed badly is no failure
        if sample is not None:
            raise
        report.outputs = None
        report.text += f"\nnot compared: the model did not run on random numbers ({error})"


def _compare_on(report, old, new, sample):
    if sample is None:
        sample = _random_sample(old)
    if sample is None:
        report.text += "\nnot compared: nobody can make up numbers for its inputs"
        return
    report.outputs = {}
    lines = []
    for arg, a, b in zip(old.get_outputs(), old.run(None, sample), new.run(None, sample)):
        if isinstance(a, np.ndarray) and a.dtype.kind == "f" and a.shape == b.shape and a.size:
            error = float(np.sqrt(np.mean((a - b) ** 2, dtype=float) / max(float(np.mean(a * a, dtype=float)), 1e-30)))
            report.outputs[arg.name] = error
            lines.append(f"output {arg.name}: off by {100 * error:.3g} % (root mean square)")
    report.speedup = _best_time(old, sample) / _best_time(new, sample)
    lines.append(f"{report.speedup:.2f} times as fast")
    report.text += "\n".join(["", *lines])


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


def names_of(op_types, nodes, skip):
    """Settings that say which nodes are meant."""
    return {key: "\n".join(names) for key, names in (("op_types", op_types), ("nodes", nodes), ("skip_nodes", skip)) if names}


def quantized(path, model_output, settings, sample, compare):
    """Writes the model with these settings (Quantize of sardonyx.h), compares it and reports."""
    return finished(path, model_output, _native.quantize(os.fspath(path), os.fspath(model_output), settings, True), sample, compare)


def finished(path, model_output, text, sample, compare):
    """The report of a model that is written: `text` is the library's, as JSON."""
    data = json.loads(text)
    report = QuantizationReport("\n".join(_table(data)), data)
    if compare:
        _compare(report, os.fspath(path), os.fspath(model_output), sample)
    return report
