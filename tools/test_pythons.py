#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Python package on every interpreter that is here: test_pythons.py FOLDER [PYTHON ...]

The first ordinary Python and every free-threaded one build a wheel by pip; the first one's serves the other ordinary ones. Each gets a
fresh environment below FOLDER, the README's example, and pytest. A line per interpreter; the exit code is 1 when one fails.
"""
import glob
import os
import pathlib
import re
import shutil
import sys

import test_harness as harness
from test_harness import ROOT

PACKAGE = ROOT / "bindings/python"
ASK = "import sys, sysconfig; print('%d.%d' % sys.version_info[:2] + ('t' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''))"


def run(*command, timeout=1800):
    """The harness's, with the command in front of what a failure says; one that does not end is killed with its children."""
    code, output = harness.run(command, {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_PREFER_BINARY": "1", "PYTHONWARNINGS": "ignore"}, timeout)
    return code, f"{' '.join(str(c) for c in command[:6])}\n{output}" if code else output


def interpreters():
    """{'3.12': path, '3.13t': path}: those on the path and those that pyenv and uv have installed."""
    home, found = pathlib.Path.home(), {}
    candidates = [shutil.which(f"python3.{minor}{kind}") for minor in range(9, 16) for kind in ("", "t")] + [sys.executable]
    candidates += glob.glob(f"{home}/.pyenv/versions/*/bin/python3") + glob.glob(f"{home}/.local/share/uv/python/*/bin/python3")
    for path in filter(None, candidates):
        code, text = run(path, "-c", ASK)
        version = text.strip()
        if code == 0 and re.fullmatch(r"3\.(9|\d\d)t?", version) and not os.path.realpath(path).startswith(str(ROOT)):
            found.setdefault(version, path)
    return dict(sorted(found.items(), key=lambda item: (item[0].endswith("t"), int(re.findall(r"\d+", item[0])[1]))))


def example():
    """The README's first example."""
    return re.search(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(), re.S).group(1)


def test(version, python, folder, wheels):
    """None, or why it fails; `wheels` has the wheel of each kind of ABI."""
    venv, kind = folder / version, version if version.endswith("t") else "abi3"
    shutil.rmtree(venv, ignore_errors=True)
    code, output = run(python, "-m", "venv", venv)
    if code:
        return output or "no module venv"
    if kind not in wheels:
        target = folder / f"wheel-{kind}"
        shutil.rmtree(target, ignore_errors=True)
        code, output = run(venv / "bin/pip", "wheel", "-q", "--no-deps", "-w", target, PACKAGE)
        if code:
            return output or "an exit code without a word"
        [wheels[kind]] = target.glob("*.whl")
    for step in (["pip", "install", "-q", f"{wheels[kind]}[test]"], ["python", "-c", example()],
                 ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", PACKAGE / "tests"]):
        code, output = run(venv / "bin" / step[0], *step[1:])
        if code and step[0] == "pip":  # what only tests want may not exist for this Python
            code, output = run(venv / "bin/pip", "install", "-q", wheels[kind], "pytest", "hypothesis")
        if code:
            return output or "an exit code without a word"
    counts = re.findall(r"\d+ passed.*", output)
    print(f"{version}: {counts[-1] if counts else 'no test ran'}", flush=True)
    return None


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    chosen, wheels, failed = interpreters(), {}, []
    if sys.argv[2:]:
        chosen = {run(python, "-c", ASK)[1].strip(): python for python in sys.argv[2:]}
    for version, python in chosen.items():
        why = test(version, python, folder, wheels)
        if why:
            failed.append(version)
            print(f"{version}: FAILED", *why.splitlines()[-40:], sep="\n    ", flush=True)
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
