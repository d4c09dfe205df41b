# SPDX-License-Identifier: MIT
"""verify(): two ways to compute the same model, output by output and then node by node.

The other way is another level, another model with the same names (of another precision, say), another library, which runs in a process of
its own because a process has one, or a function. Where tensors of the two have the same names, those that nodes compute are asked for as
outputs, some at a time, in the order of the file; the first one that differs names the node. A tensor that is asked for is computed, so
what a fusion would have hidden is seen; but a fault of the fusion itself may go away, and then that is said."""
import copy
import os
import pickle
import re
import sys
from collections.abc import Mapping

import numpy as np

from . import _model, _native
from ._reports import Report

AT_ONCE = 48  # tensors that a session is asked for
_CHILD = "import pickle, sys; from sardonyx import _verify; sys.stdout.buffer.write(pickle.dumps(_verify._serve(pickle.load(sys.stdin.buffer))))"


class Difference(Report):
    """The outcome of verify(): true when all outputs agree. `.data` has a row per output; `.first` is None or a dictionary about the first
    node that differs: node, op_type, tensor, largest_difference."""

    agrees = True
    first = None

    def __bool__(self):
        return self.agrees


def compare(a, b, rtol, atol):
    """(whether two results agree, their largest difference or None)"""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        pairs = [compare(x, y, rtol, atol) for x, y in zip(a, b)]
        return len(a) == len(b) and all(ok for ok, _ in pairs), max((d for _, d in pairs if d is not None), default=None)
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return a == b, None
    if a.shape != b.shape:
        return False, None
    if a.dtype == object or b.dtype == object or a.dtype.kind in "US":
        return bool(np.array_equal(a, b)), None
    wide = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    x, y = a.astype(wide), b.astype(wide)
    with np.errstate(invalid="ignore"):
        gap = np.abs(x - y)
    return bool(np.allclose(x, y, rtol, atol, equal_nan=True)), float(np.max(gap[~np.isnan(gap)], initial=0))


def _shapes(a, b):
    """Words for arrays of different shapes; none for others."""
    differ = isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.shape != b.shape
    return f"  shape {list(a.shape)} against {list(b.shape)}" if differ else ""


class _Here:
    """Sessions of a model in this process, by the tensors that are asked for."""

    def __init__(self, source, level, options):
        self.source, self.options = source, copy.copy(options)
        if level is not None:
            self.options.graph_optimization_level = level

    def outputs(self, inputs):
        from . import InferenceSession
        return InferenceSession(self.source, self.options).run(None, inputs)

    def tensors(self, names, inputs):
        return _model.Model(self.source).session(names, self.options).run(names, inputs)


class _Elsewhere:
    """The same on another library, in a process of its own."""

    def __init__(self, source, library, options):
        self.options = options
        self.source, self.library = source if isinstance(source, bytes) else os.path.abspath(source), os.path.abspath(library)

    def outputs(self, inputs):
        return self.tensors(None, inputs)

    def tensors(self, names, inputs):
        import subprocess

        import sardonyx
        path = os.pathsep.join([os.path.dirname(os.path.dirname(sardonyx.__file__)), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run([sys.executable, "-c", _CHILD], input=pickle.dumps((self.source, names, inputs, self.options)), stdout=subprocess.PIPE,
                              env={**os.environ, "SARDONYX_LIBRARY": self.library, "PYTHONPATH": path})
        if done.returncode:
            raise _native.Fail(f"[ONNXRuntimeError] : 1 : FAIL : the model cannot be run on {self.library}; its words are above")
        return pickle.loads(done.stdout)


def _serve(request):
    source, names, inputs, options = request
    way = _Here(source, None, options)
    return way.outputs(inputs) if names is None else way.tensors(names, inputs)


class _Function:
    """A function of the inputs' dictionary, or a torch module, which is given tensors in the order of the model's inputs."""

    def __init__(self, function, order):
        self.function, self.order = function, order

    def outputs(self, inputs):
        if not hasattr(self.function, "state_dict"):
            found = self.function(inputs)
            return [np.asarray(value) for value in (found if isinstance(found, (list, tuple)) else [found])]
        import torch
        with torch.no_grad():
            found = self.function(*(torch.from_numpy(np.ascontiguousarray(inputs[name])) for name in self.order if name in inputs))
        found = list(found.values()) if isinstance(found, Mapping) else found
        return [value.detach().cpu().numpy() for value in (found if isinstance(found, (list, tuple)) else [found])]


class _Session:
    """A session that is there already."""

    def __init__(self, session):
        self.session = session

    def outputs(self, inputs):
        return self.session.run(None, inputs)


def _other(model, against, order, options):
    from . import GraphOptimizationLevel
    if against is None or isinstance(against, (GraphOptimizationLevel, int)):
        return _Here(model, GraphOptimizationLevel(int(against or 0)), options)
    if hasattr(against, "get_inputs"):
        return _Session(against)
    if callable(against):
        return _Function(against, order)
    if not isinstance(against, bytes) and re.search(r"\.(so(\.\d+)*|dll|dylib)$", os.fspath(against)):
        return _Elsewhere(model, against, options)
    return _Here(against, None, options)


def _first(mine, other, inputs, rtol, atol):
    """The first node that differs, as a dictionary; None when each tensor agrees as soon as it is asked for."""
    nodes = _model.Model(mine.source).nodes
    known = set(_model.Model(other.source).tensors())
    asked = [(node, name) for node in nodes for name in node.outputs if name in known]
    for at in range(0, len(asked), AT_ONCE):
        part = asked[at:at + AT_ONCE]
        names = [name for _, name in part]
        for (node, name), a, b in zip(part, mine.tensors(names, inputs), other.tensors(names, inputs)):
            agrees, gap = compare(a, b, rtol, atol)
            if not agrees:
                return {"node": node.name, "op_type": node.op_type, "tensor": name, "largest_difference": gap}
    return None


def made_up(session):
    """Numbers for every input: floats from -1 to 1, integers and booleans 0 and 1. A free dimension is 1 where it comes first, else 32.

    :raises ValueError: for an input that is no tensor of numbers
    """
    draw, feed = np.random.default_rng(0), {}
    for arg in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 if i == 0 else 32 for i, d in enumerate(arg.shape)]
        kind = {"float": "float32", "double": "float64"}.get(arg.type[7:-1], arg.type[7:-1])
        if not arg.type.startswith("tensor(") or not hasattr(np, kind if kind != "bool" else "bool_"):
            raise ValueError(f"nobody can make up {arg.type} for the input {arg.name}: give inputs")
        feed[arg.name] = (draw.uniform(-1, 1, shape) if kind.startswith("float") else draw.integers(0, 2, shape)).astype(kind)
    return feed


def verify(model, inputs=None, against=None, *, rtol=1e-3, atol=1e-5, nodes=True, sess_options=None):
    """Runs a model in two ways, compares the outputs as numpy.allclose does, and names the first node that differs.

        assert sardonyx.verify("model.onnx", {"x": x})                                  # optimised against not
        print(sardonyx.verify("model.onnx", {"x": x}, against="model_fp16.onnx"))       # two precisions
        print(sardonyx.verify("model.onnx", {"x": x}, against="libonnxruntime.so"))     # two libraries

    :param model: a path or bytes
    :param inputs: a dictionary from input name to array; None makes some up, which says little of a model that picks by index
    :param against: None for the same model without optimisation, or a GraphOptimizationLevel; a path or bytes of another model; a path of
        another library; a session; a torch module; or a function of the inputs' dictionary that returns a list of arrays,
        or the array of the only output
    :param nodes: whether the first node that differs is looked for, where the other way has tensors of the same names
    :param sess_options: SessionOptions for the sessions of both ways, with custom operators for instance
    :returns: a Difference, which is true when all outputs agree
    :raises Fail: when the model cannot be run on the other library
    """
    from . import InferenceSession, SessionOptions
    options = SessionOptions() if sess_options is None else sess_options
    session = InferenceSession(model, options)
    inputs = made_up(session) if inputs is None else inputs
    mine, other = _Here(model, None, options), _other(model, against, [arg.name for arg in session.get_inputs()], options)
    found, expected = session.run(None, inputs), other.outputs(inputs)
    rows, lines = [], []
    for output, a, b in zip(session.get_outputs(), found, expected):
        agrees, gap = compare(a, b, rtol, atol)
        rows.append({"output": output.name, "agrees": agrees, "largest_difference": gap})
        lines.append(f"{'same     ' if agrees else 'DIFFERENT'}  {output.name}" + (f"  largest difference {gap:.3g}" if gap is not None else _shapes(a, b)))
    if len(found) != len(expected):
        lines.append(f"DIFFERENT  {len(found)} outputs, and {len(expected)} of what they are compared with")
    agrees, first = all(row["agrees"] for row in rows) and len(found) == len(expected), None
    if not agrees and nodes and len(found) == len(expected) and hasattr(other, "tensors"):
        first = _first(mine, other, inputs, rtol, atol)
        lines.append("no tensor differs when it is asked for: a rewrite that spans several nodes is at fault" if first is None else
                     f"first at node {first['op_type']} {first['node']}, tensor {first['tensor']}" +
                     (f": largest difference {first['largest_difference']:.3g}" if first["largest_difference"] is not None else ""))
    out = Difference("\n".join(lines), rows)
    out.agrees, out.first = agrees, first
    return out
