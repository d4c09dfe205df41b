# SPDX-License-Identifier: MIT
"""A mistake raises the class that it raises in ONNX Runtime, and the message says what was expected."""
import json
import os
import pathlib
import subprocess
import sys

import misuse
import pytest
import sardonyx as sx


def outcomes(python, package):
    pytest.importorskip("onnx")
    done = subprocess.run([python, pathlib.Path(misuse.__file__), package], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def differences(found):
    return [f"{expression}: {kinds[0] if kinds else 'nothing'} instead of {expected}"
            for (expected, expression), kinds in zip(misuse.LINES, found) if expected not in kinds]


def test_ours():
    wrong = differences(outcomes(sys.executable, sx.__name__))
    assert not wrong, "\n".join(wrong)


def test_theirs():
    """The list is right: the real package does what it says."""
    python = os.environ.get("ONNXRUNTIME_PYTHON", sys.executable)
    asked = subprocess.run([python, "-c", "import onnx, onnxruntime; print(onnxruntime.__file__)"], capture_output=True, text=True)
    if asked.returncode or "onnxruntime" not in asked.stdout or subprocess.run(
            [python, "-c", "import onnxruntime as o; assert 'ardonyx' not in o.get_build_info()"], capture_output=True).returncode:
        pytest.skip("onnxruntime is not installed (ONNXRUNTIME_PYTHON names a Python that has it)")
    wrong = differences(outcomes(python, "onnxruntime"))
    assert not wrong, "\n".join(wrong)
