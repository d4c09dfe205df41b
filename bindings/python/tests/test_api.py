# SPDX-License-Identifier: MIT
"""Every name of onnxruntime's that a program can use is here, takes the same arguments, and the numbers agree. The other package is
asked in a process of its own, since both may not share one."""
import inspect
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import sardonyx as sx
import sardonyx.datasets  # noqa: F401
from sardonyx.capi import onnxruntime_inference_collection, onnxruntime_pybind11_state

ASK = """
import inspect, json, sys
def of(x):
    if isinstance(x, type):
        if hasattr(x, '__members__'):
            return {'members': {k: int(v) for k, v in x.__members__.items()}}
        def arguments(f):
            try: return [p for p in inspect.signature(f).parameters if p != 'self']
            except (TypeError, ValueError): return None
        return {'methods': {n: arguments(getattr(x, n)) for n in dir(x) if not n.startswith('_')}}
    return {}
import onnxruntime as o
from onnxruntime.capi import onnxruntime_pybind11_state as c
def names(m):
    return {n: of(getattr(m, n)) for n in dir(m) if not n.startswith('_') and not inspect.ismodule(getattr(m, n))}
print(json.dumps([o.__file__, names(o), names(c)]))
"""
# Not there yet: kernels of quantisation, registries of operators, parts of one provider.
MISSING = {"quantize_", "pack_fp4", "get_all_op", "get_registered", "SessionObjectInitializer", "get_session_initializer", "version", "import_capi",
           "package_name", "cuda_version", "onnxruntime_validation", "annotations"}
# Methods that only the raw classes of that package have.
RAW = {"OrtValue", "InferenceSession", "OrtDevice", "ModelCompiler", "AdapterFormat", "SessionIOBinding", "OrtValueVector"}


@pytest.fixture(scope="module")
def theirs():
    python = os.environ.get("ONNXRUNTIME_PYTHON", sys.executable)
    done = subprocess.run([python, "-c", ASK], capture_output=True, text=True)
    if done.returncode or "sardonyx" in done.stdout[:200]:
        pytest.skip("onnxruntime is not installed (ONNXRUNTIME_PYTHON names a Python that has it)")
    return json.loads(done.stdout)[1:]


def test_names(theirs):
    for module, names in zip((sx, onnxruntime_pybind11_state), theirs):
        absent = [n for n in names if not hasattr(module, n) and not n.startswith(tuple(MISSING))]
        assert not absent, f"{module.__name__}: {absent}"


def test_enumerations(theirs):
    for names, module in zip(theirs, (sx, onnxruntime_pybind11_state)):
        for name, what in names.items():
            if "members" in what and hasattr(module, name):
                assert {k: int(v) for k, v in getattr(module, name).__members__.items()} == what["members"], name


def test_methods(theirs):
    wrong = []
    for name, what in theirs[0].items():
        ours = getattr(sx, name, None)
        for method, arguments in what.get("methods", {}).items():
            if name in ("SessionIOBinding", "OrtEpContextData", "OrtEpContextDataBuffer"):
                continue
            if name in ("NodeArg", "ModelMetadata", "OrtMemoryInfo", "OrtArenaCfg", "OrtEpDevice", "OrtHardwareDevice", "OrtEpAssignedNode",
                        "OrtEpAssignedSubgraph", "OrtExternalInitializerInfo") and arguments is None:
                continue  # attributes of objects
            if not hasattr(ours, method):
                wrong.append(f"{name}.{method} is missing")
            elif arguments and not arguments[0].startswith(("arg", "args")) and callable(getattr(ours, method)):
                mine = [p for p in inspect.signature(getattr(ours, method)).parameters if p != "self"]
                if mine[:len(arguments)] != arguments:
                    wrong.append(f"{name}.{method}{tuple(mine)}, expected {tuple(arguments)}")
    assert not wrong, "\n".join(wrong)


def test_exceptions():
    for name in ("Fail InvalidArgument NoSuchFile NoModel EngineError RuntimeException InvalidProtobuf ModelLoaded NotImplemented InvalidGraph EPFail "
                 "ModelLoadCanceled ModelRequiresCompilation NotFound DeviceReset").split():
        assert issubclass(getattr(onnxruntime_pybind11_state, name), Exception)
    assert onnxruntime_inference_collection.InferenceSession._strict is False


def test_alias():
    code = ("from sardonyx import compat; compat.install(); import onnxruntime as o; import onnxruntime.capi.onnxruntime_pybind11_state as s;"
            "from onnxruntime.capi.onnxruntime_pybind11_state import Fail; from onnxruntime.capi import _pybind_state;"
            "import sardonyx.capi.onnxruntime_pybind11_state as t; assert s is t; from onnxruntime import InferenceSession;"
            "from onnxruntime.datasets import get_example; import onnxruntime.backend as b;"
            "x = InferenceSession(get_example('mul_1.onnx'), providers=['CUDAExecutionProvider']); assert o.__version__.startswith('1.');"
            "print(x.get_providers())")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "CPU" in done.stdout, done.stderr


def test_documented():
    for name in dir(sx):
        thing = getattr(sx, name)
        if not name.startswith("_") and callable(thing):
            assert inspect.getdoc(thing), name


def test_numbers_as_the_program(tmp_path):
    """The same model and input through the command line."""
    import pathlib
    program = pathlib.Path(sx.__file__).parent / "bin/sardonyx"
    if not program.exists():
        pytest.skip("the program is not in this build of the package")
    x = np.random.default_rng(1).standard_normal((3, 2)).astype(np.float32)
    np.save(tmp_path / "X.npy", x)
    done = subprocess.run([sys.executable, "-m", "sardonyx", "run", sx.datasets.get_example("mul_1.onnx"), f"X={tmp_path}/X.npy", "-o", tmp_path / "Y.npy"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [y] = sx.InferenceSession(sx.datasets.get_example("mul_1.onnx")).run(None, {"X": x})
    assert np.array_equal(np.load(tmp_path / "Y.npy"), y)


def test_doctor():
    done = subprocess.run([sys.executable, "-m", "sardonyx.doctor"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

