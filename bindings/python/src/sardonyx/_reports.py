# SPDX-License-Identifier: MIT
"""What ONNX Runtime's interface has no word for: how a session runs its model, what is wrong with a model, where two runs part."""
import contextlib
import os

from . import _native, _options
from ._checks import need


def _parsed(text):
    import json
    return json.loads(text)


class Report:
    """A text for people, with the data behind it: print it, read `.data`, or let a notebook draw it."""

    def __init__(self, text, data):
        self.text, self.data = text, data

    def __str__(self):
        return self.text

    __repr__ = __str__

    def json(self):
        """The data as JSON."""
        import json
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

    def html(self):
        """The problems as a table."""
        from html import escape
        missing = f"<p>What the library lacks: {escape(self.data['missing'])}</p>" if self.data.get("missing") else ""
        if not self.problems:
            return f"<p>no problems</p>{missing}"
        rows = "".join(f"<tr><td>{escape(item['code'])}</td><td>{escape(item['message'])}</td></tr>" for item in self.data["problems"])
        return f"<table><tr><th>kind</th><th>problem</th></tr>{rows}</table>{missing}"

    _repr_html_ = html


class Explanation(Report):
    """Steps of a session: `.data["steps"]` has kernel, provider, shape and the model's nodes of each."""

    source = None

    def html(self):
        """The steps as a page: the graph drawn, a table below it."""
        from . import _draw
        return _draw.page(self.data, self.source)

    _repr_html_ = html

    def save(self, path):
        """Writes html() to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"<!doctype html><meta charset=utf-8><title>Sardonyx</title>{self.html()}")


class Profile:
    """Filled at the end of a `with session.profile() as p:` block: `p.table()`, `p.trace` (a Chrome trace's events), `p.save(path)`."""

    def __init__(self):
        self.trace = []

    def rows(self, by="operator"):
        """[(operator, calls, microseconds)], the slowest first; `by="node"` has a row per node."""
        sums = {}
        for event in self.trace:
            if event.get("cat") == "Node" and "op_name" in event.get("args", {}):
                what = event["args"]["op_name"]
                if by == "node":
                    name = event["name"]
                    what = f"{what} {name[:-len('_kernel_time')] if name.endswith('_kernel_time') else name}"
                calls, time = sums.get(what, (0, 0))
                sums[what] = calls + 1, time + event["dur"]
        return sorted(((kind, calls, time) for kind, (calls, time) in sums.items()), key=lambda row: -row[2])

    def table(self, by="operator"):
        """A table of operators, or with `by="node"` of nodes, by time."""
        rows = self.rows(by)
        total = sum(row[2] for row in rows) or 1
        width = max([28] + [len(row[0]) for row in rows])
        lines = [f"{by:<{width}} {'calls':>7} {'us':>12} {'%':>6}"]
        lines += [f"{kind:<{width}} {calls:>7} {time:>12.0f} {100 * time / total:>6.1f}" for kind, calls, time in rows]
        return "\n".join(lines)

    def __str__(self):
        return self.table()

    def _repr_html_(self):
        from html import escape
        return f"<pre>{escape(self.table())}</pre>"

    def save(self, path):
        """Writes the trace for chrome://tracing or Perfetto."""
        import json
        with open(path, "w") as file:
            json.dump(self.trace, file)


class SessionReports:
    """Reports of a session."""

    __slots__ = ()

    def explain(self, input_feed=None):
        """How the session runs its model, step by step: an Explanation, which a notebook shows with the graph drawn.

        :param input_feed: inputs to run the model with before; a few models are planned by the sizes of a run only
        :raises NotImplemented: when the library is not Sardonyx's own
        """
        if input_feed is not None:
            self.run(None, input_feed)
        out = Explanation(self._report(0, False), _parsed(self._report(0, True)))
        out.source = self._source()
        return out

    def memory(self):
        """Bytes by use: a Report."""
        return Report(self._report(1, False), _parsed(self._report(1, True)))

    def tensors(self):
        """Names of the tensors that nodes of the model compute, which tap() takes: a list of str, in the file's order."""
        from . import _model
        return _model.Model(self._source()).tensors()

    def tap(self, *names):
        """A session of the same model and options that has tensors within it as further outputs.

            [hidden] = session.tap("encoder.3").run(["encoder.3"], feed)

        :param names: tensors of the main graph, see tensors()
        :raises InvalidArgument: for a name that no node computes
        """
        from . import _model
        model = _model.Model(self._source())
        there = set(model.tensors())
        for name in names:
            if name not in there:
                import difflib
                close = difflib.get_close_matches(name, there, 3)
                hint = f"; is it {' or '.join(close)}?" if close else f"; tensors() names all {len(there)}"
                raise _native.InvalidArgument(f"[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : no node computes {name}{hint}")
        return model.session(names, self._sess_options, *self._provider_arguments, kind=type(self))

    def _source(self):
        return self._model_path if self._model_path is not None else self._model_bytes

    @contextlib.contextmanager
    def profile(self):
        """Profiles the runs inside of a `with` block, on a second session of the same model and options.

            with session.profile() as p:
                p.run(None, feed)
            print(p)

        The Profile is filled when the block ends.
        """
        import copy
        import tempfile
        profile = Profile()
        options = copy.copy(self._sess_options)
        with tempfile.TemporaryDirectory() as folder:
            options.profile_file_prefix = os.path.join(folder, "profile")
            options.enable_profiling = True
            with type(self)(self._source(), options, *self._provider_arguments) as second:
                profile.run = second.run
                yield profile
                with open(second.end_profiling()) as file:
                    profile.trace = _parsed(file.read())
                profile.run = None


def check(model, sess_options=None):
    """Lists every problem of a model without running it: a Check, which is true when there are none.

    :param model: a path, or the model as bytes
    :param sess_options: SessionOptions that a session of it would have, with custom operators for instance
    """
    need("check()", "sess_options", sess_options, (_options.SessionOptions, type(None)))
    if sess_options is not None and isinstance(model, bytes):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            with open(path, "wb") as file:
                file.write(model)
            return check(path, sess_options)
    source = (None, model) if isinstance(model, bytes) else (os.fspath(model), None)
    options = sess_options._native if sess_options is not None else None
    text, problems = _native.check(*source, False, options)
    out = Check(text, _parsed(_native.check(*source, True, options)[0]))
    out.problems = problems
    return out
