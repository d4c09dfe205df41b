# SPDX-License-Identifier: MIT
"""What the layers of run_tests.py are made of: counting, running programs with a time limit, build trees and their tests."""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = os.cpu_count() or 2
TIMEOUT = 600  # seconds; a machine may have other work to do


class Result:
    """Counts of one layer, and the texts of what failed or was left out."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def skip(self, why):
        self.add(skipped=1)
        print(f"  skipped: {why}", flush=True)

    def fail(self, name, output=""):
        self.add(failed=1)
        lines = output.rstrip().splitlines()
        print(f"  FAILED: {name}", *(f"    {line}" for line in lines[-60:]), sep="\n", flush=True)


def run(command, env=None, timeout=TIMEOUT, folder=None):
    """(exit code, output); a program that does not end is killed with its children: exit code 124."""
    try:
        process = subprocess.Popen([str(c) for c in command], cwd=folder or ROOT, env={**os.environ, **(env or {})}, start_new_session=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as e:
        return 127, str(e)
    try:
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return 124, output.decode(errors="replace") + f"\nstill running after {timeout} s"


def check(result, name, command, env=None, tell=False, timeout=TIMEOUT):
    """One command as one test: 0 passes, 77 is a skip. `tell`: what it prints is shown when it passes, too."""
    code, output = run(command, env, timeout)
    if code == 0:
        result.add(passed=1)
        if tell:
            print("  " + output.strip())
    elif code == 77:
        result.skip(f"{name}: {output.strip().splitlines()[-1] if output.strip() else 'asked to be left out'}")
    else:
        result.fail(name, output)


def interpreter():
    venv = ROOT / "build/venv/bin/python"
    return str(venv) if venv.exists() else sys.executable


def has_module(module):
    return run([interpreter(), "-c", f"import {module}"])[0] == 0


def listed(result, build, label=None):
    """What ctest knows in a build tree, or what has that label: (name, command, folder, environment) of each test; None after a
    failure was recorded."""
    code, output = run(["ctest", "--test-dir", build, "--show-only=json-v1"])
    tests = []
    for test in json.loads(output[output.index("{"):])["tests"] if code == 0 else []:
        properties = {p["name"]: p["value"] for p in test["properties"]}
        env = dict(item.split("=", 1) for item in properties.get("ENVIRONMENT", []))
        if not label or label in properties.get("LABELS", []):
            tests.append((test["name"], test.get("command"), properties.get("WORKING_DIRECTORY"), env))
    if not tests:
        result.fail(f"{build} has no test" + (f" with the label '{label}'" if label else ""), output if code else "")
    elif "CMOCKA-NOTFOUND" in (build / "CMakeCache.txt").read_text():
        result.skip("C tests over the static library: cmocka is missing (tools/setup.sh test)")
    return tests or None


def run_program(result, name, command, folder, env):
    """A cmocka program counts by its cases, another one by its exit code; 77 is a skip."""
    code, output = run(command, {"CMOCKA_MESSAGE_OUTPUT": "TAP", **env}, folder=folder)
    skipped = len(re.findall(r"^not ok \d+ # SKIP", output, re.M))
    passed = len(re.findall(r"^ok \d+", output, re.M))
    failed = len(re.findall(r"^not ok \d+", output, re.M)) - skipped
    if passed + failed + skipped == 0:
        if code == 77:
            return result.skip(f"{name}: {output.strip().splitlines()[-1] if output.strip() else 'left out'}")
        passed = int(code == 0)
    result.add(passed, 0, skipped)
    if code != 0 or failed:
        result.add(failed=max(failed, 1) - 1)
        result.fail(f"{name}: {failed} cases" if failed else f"{name}: exit code {code}",
                    "\n".join(line for line in output.splitlines() if not re.match(r"ok \d+", line)))


def run_programs(result, build, env=None, suffix="", label=None, scripts=True):
    """Every test of a build tree, or those with a label of cmake/tests.cmake; `suffix` tells the runs of one test apart."""
    jobs = []
    for name, command, folder, own in listed(result, build, label) or []:
        if not command:
            result.fail(name, "not built")
        elif scripts or not command[0].endswith("sh"):
            jobs.append((name + suffix, command, folder, {**own, **(env or {})}))
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(lambda job: run_program(result, *job), jobs))


def configure_and_build(result, build, options, targets=(), label=None):
    """A second build tree, of it the targets or the test programs with that label; False after a failure was recorded."""
    generator = "Ninja" if shutil.which("ninja") else "Unix Makefiles"
    code, output = run(["cmake", "-S", ".", "-B", build, "-G", generator, *options])
    if code == 0:
        if label:
            targets = [name for name, _, _, _ in listed(Result(), build, label) or []]  # what is wrong there is said when they are run
        command = ["cmake", "--build", build, "-j", str(JOBS)]
        code, output = run(command + (["--target", *targets] if targets else []), timeout=3600)
    if code != 0:
        errors = [line for line in output.splitlines() if re.search(r"error|undefined reference|FAILED", line)]
        result.fail(f"build of {build.name}", "\n".join(errors or output.splitlines()[-20:]))
    return code == 0
