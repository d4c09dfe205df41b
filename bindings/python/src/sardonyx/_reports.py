# SPDX-License-Identifier: MIT
"""What ONNX Runtime's interface has no word for: how a session runs its model, what is wrong with a model, where two runs part."""
import contextlib
import json
import os

import numpy as np

from . import _native


class Report:
    """A text for people, with the data behind it: print it, read `.data`, or let a notebook draw it."""

    def __init__(self, text, data):
        self.text, self.data = text, data

    def __str__(self):
        return self.text

    __repr__ = __str__

    def json(self):
        """The data as JSON."""
        return json.dumps(self.data)

    def html(self):
        """The text as HTML."""
        from html import escape
        return f"<pre>{escape(self.text)}</pre>"

    _repr_html_ = html


class Check(Report):
    """A Report whose `problems` counts what was found; true when there are none."""

    problems = 0

    def __bool__(self):
        return self.problems == 0


class Profile:
    """Filled at the end of a `with session.profile() as p:` block: `p.table()`, `p.trace` (a Chrome trace's events), `p.save(path)`."""

    def __init__(self):
        self.trace = []

    def rows(self):
        """[(kind of node, calls, microseconds)], the slowest first."""
        sums = {}
        for event in self.trace:
            if event.get("cat") == "Node" and "op_name" in event.get("args", {}):
                calls, time = sums.get(event["args"]["op_name"], (0, 0))
                sums[event["args"]["op_name"]] = calls + 1, time + event["dur"]
        return sorted(((kind, calls, time) for kind, (calls, time) in sums.items()), key=lambda row: -row[2])

    def table(self):
        """A table of kinds of nodes by time."""
        rows = self.rows()
        total = sum(row[2] for row in rows) or 1
        lines = [f"{'operator':<28} {'calls':>7} {'us':>12} {'%':>6}"]
        lines += [f"{kind:<28} {calls:>7} {time:>12.0f} {100 * time / total:>6.1f}" for kind, calls, time in rows]
        return "\n".join(lines)

    __str__ = table

    def save(self, path):
        """Writes the trace for chrome://tracing or Perfetto."""
        with open(path, "w") as file:
            json.dump(self.trace, file)


class SessionReports:
    """Reports of a session."""

    __slots__ = ()

    def explain(self):
        """How the session runs its model, step by step: a Report.

        :raises NotImplemented: when the library is not Sardonyx's own
        """
        return Report(self._report(0, False), json.loads(self._report(0, True)))

    def memory(self):
        """Bytes by use: a Report."""
        return Report(self._report(1, False), json.loads(self._report(1, True)))

    @contextlib.contextmanager
    def profile(self):
        """Profiles the runs inside of a `with` block, on a second session of the same model and options.

            with session.profile() as p:
                p.run(None, feed)
            print(p)
        """
        import copy
        import tempfile
        profile = Profile()
        options = copy.copy(self._sess_options)
        with tempfile.TemporaryDirectory() as folder:
            options.profile_file_prefix = os.path.join(folder, "profile")
            options.enable_profiling = True
            source = self._model_path if self._model_path is not None else self._model_bytes
            with type(self)(source, options, *self._provider_arguments) as second:
                profile.run = second.run
                yield profile
                with open(second.end_profiling()) as file:
                    profile.trace = json.load(file)
                profile.run = None


def check(model):
    """Lists every problem of a model without running it: a Check, which is true when there are none.

    :param model: a path, or the model as bytes
    """
    source = (None, model) if isinstance(model, bytes) else (os.fspath(model), None)
    text, problems = _native.check(*source, False)
    out = Check(text, json.loads(_native.check(*source, True)[0]))
    out.problems = problems
    return out


class Difference(Report):
    """The outcome of verify(): true when all outputs agree; `.data` has a row per output."""

    agrees = True

    def __bool__(self):
        return self.agrees


def verify(model, inputs, against=None, *, rtol=1e-3, atol=1e-5):
    """Runs a model twice and compares the outputs.

    :param model: a path or bytes
    :param inputs: a dictionary from input name to array
    :param against: None for the same model without optimisation; a path or bytes of another model; a session; or a function of the
        inputs' dictionary that returns a list of arrays
    :returns: a Difference, with the largest difference of each output
    """
    from . import GraphOptimizationLevel, InferenceSession, SessionOptions
    session = InferenceSession(model)
    found = session.run(None, inputs)
    if against is None:
        options = SessionOptions()
        options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
        expected = InferenceSession(model, options).run(None, inputs)
    elif hasattr(against, "run"):
        expected = against.run(None, inputs)
    elif callable(against):
        expected = [np.asarray(value) for value in against(inputs)]
    else:
        expected = InferenceSession(against).run(None, inputs)
    rows, lines = [], []
    for output, a, b in zip(session.get_outputs(), found, expected):
        same = type(a) is type(b) and isinstance(a, np.ndarray) and a.shape == b.shape
        numbers = same and a.dtype.kind in "fiub"
        agrees = bool(np.allclose(a, b, rtol, atol, equal_nan=True)) if numbers else bool(np.array_equal(a, b)) if same else a == b
        worst = float(np.max(np.abs(a.astype(float) - b.astype(float)), initial=0)) if numbers else None
        rows.append({"output": output.name, "agrees": agrees, "largest_difference": worst})
        lines.append(f"{'same     ' if agrees else 'DIFFERENT'}  {output.name}" + (f"  largest difference {worst:.3g}" if worst is not None else ""))
    out = Difference("\n".join(lines), rows)
    out.agrees = all(row["agrees"] for row in rows) and len(found) == len(expected)
    return out
