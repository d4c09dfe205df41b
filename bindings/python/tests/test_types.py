# SPDX-License-Identifier: MIT
"""What editors and type checkers are told is what the modules are, and help() has a word on everything."""
import inspect
import pathlib
import subprocess
import sys

import pytest
import sardonyx as sx
import sardonyx.backend
import sardonyx.compat
import sardonyx.datasets
import sardonyx.doctor
import sardonyx.quantization
from sardonyx.capi import onnxruntime_pybind11_state as state

# The extension's own functions, and classes that another class cannot be mixed with, which stubs cannot say for all versions.
ALLOWED = r"""
sardonyx\._native\.[a-z_]+
sardonyx\._native\.(Binding|Options|RunOptions|Session|Value)
sardonyx\._native\.Session\.__getattr__
sardonyx\.libsardonyx
sardonyx\.__main__.*
sardonyx\.capi\.onnxruntime_pybind11_state\.InferenceSession-redefinition
"""
USE = """
import numpy as np
import sardonyx as sx
from sardonyx.capi.onnxruntime_pybind11_state import Fail
options = sx.SessionOptions()
options.graph_optimization_level = sx.GraphOptimizationLevel.ORT_ENABLE_ALL
session = sx.InferenceSession("m.onnx", options, providers=["CPUExecutionProvider", ("X", {"device_id": 0})])
y = session.run(["y"], {"x": np.zeros(3)})[0]
names: list[str] = [arg.name for arg in session.get_inputs()]
value = sx.OrtValue.ortvalue_from_numpy(np.zeros(3))
shape: list[int] = value.shape()
"""


def mypy():
    pytest.importorskip("mypy")
    if sys.version_info < (3, 10):
        pytest.skip("the checker needs Python 3.10")


def test_stubs(tmp_path):
    mypy()
    (tmp_path / "allowed").write_text(ALLOWED)
    done = subprocess.run([sys.executable, "-m", "mypy.stubtest", "sardonyx", "--concise", "--ignore-unused-allowlist", "--allowlist", "allowed"],
                          cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_use(tmp_path):
    mypy()
    (tmp_path / "good.py").write_text(USE)
    (tmp_path / "bad.py").write_text("import sardonyx as sx\nsx.SessionOptions().intra_op_threads = 1\nsx.InferenceSession(3)\n")
    check = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache"]
    done = subprocess.run([*check, "good.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    done = subprocess.run([*check, "bad.py"], cwd=tmp_path, capture_output=True, text=True)
    assert "intra_op_threads" in done.stdout and done.stdout.count("error:") == 2, done.stdout


def test_every_module_has_a_stub():
    folder = pathlib.Path(state.__file__).parent.parent
    assert (folder / "py.typed").exists()
    for module in folder.rglob("*.py"):
        name = module.relative_to(folder)
        if name.name != "__main__.py" and str(name) not in ("_adapter.py", "_checks.py", "_library.py", "_model.py", "_draw.py", "_progress.py", "capi/__init__.py"):
            assert module.with_suffix(".pyi").exists(), name


def public(thing):
    return ((name, getattr(thing, name)) for name in dir(thing) if not name.startswith("_"))


@pytest.mark.parametrize("module", [sx, sardonyx.backend, sardonyx.compat, sardonyx.datasets, sardonyx.doctor, sardonyx.quantization],
                         ids=lambda m: m.__name__)
def test_help(module):
    silent = []
    for name, thing in public(module):
        if inspect.ismodule(thing) or not callable(thing) or not getattr(thing, "__module__", "").startswith("sardonyx"):
            continue
        if not inspect.getdoc(thing):
            silent.append(name)
        if inspect.isclass(thing) and not hasattr(thing, "__members__"):
            silent += [f"{name}.{member}" for member, what in public(thing)
                       if callable(what) and not inspect.getdoc(what) and what.__name__ != "<lambda>" and not hasattr(list, member)]
    assert not silent


def test_help_says_what_is_raised():
    for thing, words in ((sx.InferenceSession, ("path_or_bytes", "providers", "NoSuchFile")), (sx.InferenceSession.run, ("input_feed", "InvalidArgument")),
                         (sx.OrtValue.numpy, ("memory",)), (state.InvalidArgument, ("name", "shape"))):
        assert all(word in inspect.getdoc(thing) for word in words), thing


@pytest.mark.parametrize("make", [sx.SessionOptions, sx.RunOptions])
def test_mistyped_attributes(make):
    with pytest.raises(AttributeError):
        make().log_severity = 3
    with pytest.raises(TypeError):
        make().log_severity_level = "x"
