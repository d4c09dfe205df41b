#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the layers of the test suite and closes with one line: N passed, N failed, N skipped.

    run_tests.py [--build BUILD] [LAYER ...]      all layers when none is named; --list names them

A layer prints its own subtotal; what fails is printed in full. A tool or a part of the project that is missing is one skipped
test with its reason. Only Python's standard library is used here.
"""
import argparse
import collections
import concurrent.futures
import ctypes.util
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = os.cpu_count() or 2
EXPECTED, FLOOR = ROOT / "tests/suite/expected_failures.txt", ROOT / "tests/suite/floor.txt"
TIMEOUT = 300
LAYERS = {}


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


def layer(text):
    """Registers a layer under its function's name; the order of the file is the order of the run."""
    def register(function):
        LAYERS[function.__name__] = (function, text)
        return function
    return register


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


def listed(build):
    """What ctest knows in a build tree: (name, command, folder, environment) of each test."""
    code, output = run(["ctest", "--test-dir", build, "--show-only=json-v1"])
    if code != 0:
        return []
    tests = []
    for test in json.loads(output[output.index("{"):])["tests"]:
        properties = {p["name"]: p["value"] for p in test["properties"]}
        env = dict(item.split("=", 1) for item in properties.get("ENVIRONMENT", []))
        tests.append((test["name"], test.get("command"), properties.get("WORKING_DIRECTORY"), env))
    return tests


def source_text(name):
    source = next((ROOT / "tests").glob(f"*/{name.removeprefix('abi_').removeprefix('op_')}.c"), None)
    return source.read_text(errors="replace") if source else ""


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


def run_programs(result, build, env=None, label="", only=None, scripts=True):
    """Every test of a build tree; `only` filters by the text of the source."""
    jobs = []
    for name, command, folder, own in listed(build):
        if (only and not re.search(only, source_text(name))) or (not scripts and command and command[0].endswith("sh")):
            continue
        if not command:
            result.fail(name, "not built")
        else:
            jobs.append((name + label, command, folder, {**own, **(env or {})}))
    if not jobs:
        result.skip("no test program: cmocka is missing (tools/setup.sh test)")
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(lambda job: run_program(result, *job), jobs))


def configure_and_build(result, build, options, targets=()):
    """A second build tree; False after a failure was recorded."""
    generator = "Ninja" if shutil.which("ninja") else "Unix Makefiles"
    code, output = run(["cmake", "-S", ".", "-B", build, "-G", generator, *options])
    if code == 0:
        command = ["cmake", "--build", build, "-j", str(JOBS)]
        code, output = run(command + (["--target", *targets] if targets else []), timeout=3600)
    if code != 0:
        errors = [line for line in output.splitlines() if re.search(r"error|undefined reference|FAILED", line)]
        result.fail(f"build of {build.name}", "\n".join(errors or output.splitlines()[-20:]))
    return code == 0


@layer("layering, exported symbols, file lengths, the library's size, the generated tables of slots and schemas")
def house(result, build):
    check(result, "layers", [sys.executable, "tools/check_layers.py"])
    check(result, "docs/ABI.md", [sys.executable, "tools/gen_slots.py", "--check"])
    check(result, "configuration keys", [sys.executable, "tools/gen_keys.py", "--check"])
    check(result, "file lengths", [sys.executable, "tools/size_report.py", "--check"])
    if shutil.which("nm"):
        check(result, "symbols", ["tools/check_symbols.sh", build])
    if shutil.which("strip"):
        check(result, "library size", [sys.executable, "tools/size_report.py", "--ceiling", build], tell=True)
    if has_module("onnx"):
        check(result, "schema table", [interpreter(), "tools/gen_schema.py", "--check"])
    else:
        result.skip("schema table: no Python package onnx (tools/setup.sh test)")


@layer("unit, ABI, out-of-memory and fuzz-corpus tests")
def unit(result, build):
    run_programs(result, build)


@layer("unit tests on the lower instruction sets of this machine")
def isa(result, build):
    flags = pathlib.Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    levels = ["base"] if "avx2" in flags else []
    levels += ["avx2"] if "avx512f" in flags else []
    if not levels:
        result.skip("this machine has one instruction set only")
    for level in levels:
        run_programs(result, build, env={"SX_ISA": level}, label=f" ({level})", only=r"ep/cpu|abi/|run/|onnxruntime")


# Cases that want a library of the system, which the emulated one has not.
LIBRARIES = {"image_decoder_decode_jpeg_": "turbojpeg", "image_decoder_decode_png_": "png16", "image_decoder_decode_tiff_": "tiff",
             "image_decoder_decode_webp_": "webp", "image_decoder_decode_jpeg2k_": "openjp2", "regex_full_match_": "pcre2-8"}


def suite_command(build, cases, emulated=False):
    absent = [case for case, library in LIBRARIES.items() if emulated or not ctypes.util.find_library(library)]
    skips = [word for case in absent for word in ("--skip", f"node/test_{case}*")]
    return [build / "sardonyx", "test", cases, "--expect-fail", EXPECTED, "--tolerances",
            "tests/suite/tolerances.txt", "--jobs", JOBS, "--timeout", 60, *skips]


def run_suite(result, build, wrapper=(), kinds=(), env=None, label=""):
    """All kinds of cases, and the floor; or some kinds only, where the processor is emulated or instrumented."""
    if not (build / "sardonyx").exists():
        return result.skip("ONNX's cases: the program is not built")
    if not has_module("onnx"):
        return result.skip("ONNX's cases: no Python package onnx (tools/setup.sh test)")
    cases, report = ROOT / "build/cases", build / "suite.json"
    code, output = run([interpreter(), "tools/gen_cases.py", cases])
    if code != 0:
        return result.fail("writing ONNX's cases", output)
    report.unlink(missing_ok=True)
    filters = [word for kind in kinds for word in ("--filter", f"{kind}/*")]
    code, output = run([*wrapper, *suite_command(build, cases, bool(wrapper)), "--json", report, *filters], env, timeout=1800)
    if not report.exists():
        return result.fail(f"ONNX's cases{label}", output)
    counts = json.loads(report.read_text())
    result.add(counts["passed"], 0, counts["skipped"])
    if counts["failed"]:
        result.add(failed=counts["failed"] - 1)
        lines = [line for line in output.splitlines() if re.match(r"(FAILED|PASSED)", line)]
        result.fail(f"{counts['failed']} of ONNX's cases{label}", "\n".join(lines))
    if not kinds:
        print(f"  ONNX's suite: {counts['passed']} of {len(counts['cases'])} cases pass")
        compare_with_floor(result, counts)


def passing_by_kind(counts):
    kinds = collections.Counter()
    for case in counts["cases"]:
        kinds[case["name"].split("/")[0]] += case["result"].startswith("passed")
    return kinds


def read_floor():
    lines = [line.split() for line in FLOOR.read_text().splitlines() if line and not line.startswith("#")]
    return {kind: int(least) for kind, least in lines}


def compare_with_floor(result, counts):
    """tests/suite/floor.txt: KIND N, the fewest passing cases per kind; a number there may only grow."""
    passing = passing_by_kind(counts)
    absent = sum(case["name"].startswith(tuple(f"node/test_{x}" for x in LIBRARIES)) and case["result"] == "skipped" for case in counts["cases"])
    for kind, least in read_floor().items():
        if passing[kind] + (absent if kind == "node" else 0) < least:
            result.fail(f"{kind}: {passing[kind]} cases pass, tests/suite/floor.txt asks for {least}")
        else:
            result.add(passed=1)


def update_suite(build):
    """Takes what passes now off the expected failures, and raises the floor. Cases that fail anew stay for the test to name."""
    report, failing = build / "suite.json", build / "suite_failing.txt"
    run([interpreter(), "tools/gen_cases.py", ROOT / "build/cases"])
    run([*suite_command(build, ROOT / "build/cases"), "--json", report, "--write-expect", failing], timeout=1800)
    now = set(failing.read_text().split())
    lines = EXPECTED.read_text().splitlines()
    kept = [line for line in lines if line.startswith("#") or line in now]
    EXPECTED.write_text("\n".join(kept) + "\n")
    passing, floor = passing_by_kind(json.loads(report.read_text())), read_floor()
    head = [line for line in FLOOR.read_text().splitlines() if line.startswith("#")]
    FLOOR.write_text("\n".join(head + [f"{kind} {max(least, passing[kind])}" for kind, least in floor.items()]) + "\n")
    print(f"{len(lines) - len(kept)} cases taken off the list of expected failures, {sum(passing.values())} pass")


def run_ml_cases(result, build):
    """Cases of our own for ai.onnx.ml, of which ONNX's suite has few; all of them pass."""
    if not (build / "sardonyx").exists() or not has_module("onnx"):
        return None
    cases, report = build / "ml-cases", build / "ml-cases.json"
    code, output = run([interpreter(), "tools/gen_ml_cases.py", cases])
    if code != 0:
        return result.fail("writing the cases of ai.onnx.ml", output)
    report.unlink(missing_ok=True)
    code, output = run([build / "sardonyx", "test", cases, "--jobs", JOBS, "--json", report])
    if not report.exists():
        return result.fail("the cases of ai.onnx.ml", output)
    counts = json.loads(report.read_text())
    result.add(counts["passed"])
    if counts["failed"]:
        result.fail(f"{counts['failed']} cases of ai.onnx.ml", output)


@layer("the ONNX backend suite, run by the program")
def suite(result, build):
    run_suite(result, build)
    run_ml_cases(result, build)


@layer("every operator, version and type is accepted or a known gap, and docs/OPERATORS.md says so")
def coverage(result, build):
    if not (build / "sardonyx").exists() or not has_module("onnx"):
        return result.skip("models of single operators: no program, or no Python package onnx (tools/setup.sh test)")
    code, output = run([interpreter(), "tools/gen_cases.py", ROOT / "build/cases"])
    if code != 0:
        return result.fail("writing ONNX's cases", output)
    check(result, "operators by version and type", [interpreter(), "tools/coverage.py", build, build / "coverage", "--verify", "--doc", "docs/OPERATORS.md",
                                                   "--gaps", "tests/suite/coverage_gaps.txt"])
    return None


@layer("the type matrix: the answer of every operator, version and type")
def types(result, build):
    """Counts by rows x types; the first run writes the cases, which takes a few minutes."""
    if not (build / "sardonyx").exists() or not has_module("onnx"):
        return result.skip("the type matrix: no program, or no Python package onnx (tools/setup.sh test)")
    code, output = run([interpreter(), "tools/gen_cases.py", ROOT / "build/cases"])
    if code != 0:
        return result.fail("writing ONNX's cases", output)
    code, output = run([interpreter(), "tools/type_matrix.py", build, build / "types", "--cases", ROOT / "build/cases"], timeout=3600)
    counts = re.search(r"^type matrix: (\d+) of (\d+)", output, re.M)
    if not counts:
        return result.fail("the type matrix", output)
    print("  " + output.strip().splitlines()[-1])
    result.add(passed=int(counts[1]))
    if code:
        result.add(failed=max(int(counts[2]) - int(counts[1]) - 1, 0))
        result.fail("the type matrix", output)
    return None


@layer("operators of com.microsoft, and what the suite does not ask of others, against plain numpy")
def contrib(result, build):
    if not (build / "sardonyx").exists() or not has_module("onnx"):
        return result.skip("cases against numpy: they need the program and the Python package onnx (tools/setup.sh test)")
    for script, what in (("cases", "com.microsoft's cases"), ("standard", "the standard's cases")):
        cases, report = build / "contrib" / script, build / f"contrib-{script}.json"
        report.unlink(missing_ok=True)
        code, output = run([interpreter(), f"tests/contrib/{script}.py", cases])
        if code != 0:
            result.fail(f"writing {what}", output)
            continue
        code, output = run([build / "sardonyx", "test", cases, "--tolerances", cases / "tolerances.txt", "--jobs", JOBS, "--timeout", 60, "--json", report])
        if not report.exists():
            result.fail(what, output)
            continue
        counts = json.loads(report.read_text())
        result.add(counts["passed"], 0, counts["skipped"])
        if counts["failed"]:
            result.add(failed=counts["failed"] - 1)
            result.fail(f"{counts['failed']} of {what}", "\n".join(line for line in output.splitlines() if line.startswith("FAILED")))


@layer("the cases of suite and contrib at levels 0 and 99, each with one thread and with four: the same bits")
def levels(result, build):
    sets = [("ONNX's", suite_command(build, ROOT / "build/cases")), ("ai.onnx.ml's", [build / "sardonyx", "test", build / "ml-cases"])]
    for script in ("cases", "standard"):
        cases = build / "contrib" / script
        sets.append((f"contrib's {script}", [build / "sardonyx", "test", cases, "--tolerances", cases / "tolerances.txt"]))
    if not (build / "sardonyx").exists() or not all(pathlib.Path(command[2]).is_dir() for _, command in sets):
        return result.skip("cases at all levels: they are written by the layers suite and contrib")
    for level in (0, 99):
        for name, command in sets:  # bernoulli: what has no seed is drawn anew by each session
            report = build / "levels.json"
            report.unlink(missing_ok=True)
            code, output = run([*command, "--jobs", JOBS, "--level", level, "--threads", 1, "--compare-threads", 4, "--timeout", 60,
                                "--skip", "*bernoulli*", "--json", report], timeout=1800)
            if not report.exists():
                result.fail(f"{name} cases at level {level}", output)
                continue
            counts = json.loads(report.read_text())
            result.add(counts["passed"], 0, counts["skipped"])
            if counts["failed"]:
                result.add(failed=counts["failed"] - 1)
                result.fail(f"{counts['failed']} of {name} cases at level {level}", "\n".join(line for line in output.splitlines() if line.startswith("FAILED")))


def list_notes(file):
    """{word: text} of the lines "# word: text" of a list of operators."""
    return dict(re.findall(r"^# (\w+): (.*)$", file.read_text(), re.M))


@layer("smaller libraries, of tests/reduced/*.txt: same numbers, their size, and what they say of operators they lack")
def reduced(result, build):
    lists = sorted((ROOT / "tests/reduced").glob("*.txt"))
    help_text = run(["cmake", "--build", build, "--target", "help"])[1]
    if not (build / "sardonyx").exists() or f"reduced_test_{lists[0].stem}" not in help_text:
        return result.skip("smaller libraries need the program, Python and ELF objects")
    code, output = run(["cmake", "--build", build, "-j", str(JOBS), "--target", *(f"reduced_test_{f.stem}" for f in lists)])
    if code:
        return result.fail("the build of smaller libraries", output)
    for file in lists:
        library, notes = build / "reduced" / f"test_{file.stem}" / "libsardonyx.so", list_notes(file)
        for model in (m for m in notes["models"].split() if (ROOT / m).exists()):
            for level in ("0", "99"):
                outputs = [library.parent / "small.npz", library.parent / "full.npz"]
                for file_out, used in zip(outputs, (library, build / "libsardonyx.so")):
                    file_out.unlink(missing_ok=True)
                    code, output = run([build / "sardonyx", "run", model, "--fill", "random:7", "--level", level, "-o", file_out, "--library", used])
                if code or not outputs[0].exists() or outputs[0].read_bytes() != outputs[1].read_bytes():
                    result.fail(f"{file.stem}: {model} at level {level} has other results than the full library's", output)
                else:
                    result.add(passed=1)
        code, output = run([build / "sardonyx", "check", "--library", library, notes["lacks"].split()[0]])
        for name in notes["lacks"].split()[1:]:
            if code != 1 or not re.search(rf"^ai\.onnx;.*\b{name}\b", output, re.M) or "was left out of this build" not in output:
                result.fail(f"{file.stem}: {name} is not said to be left out", "\n".join(output.splitlines()[-4:]))
            else:
                result.add(passed=1)
        if shutil.which("strip"):
            check(result, f"{file.stem}: size", [sys.executable, "tools/size_report.py", "--part", build, library, notes["percent"]], tell=True)
    return None


@layer("random graphs at level 99 and level 0, three sizes, one thread and four, against onnx.reference")
def graphs(result, build):
    library = build / "libsardonyx.so"
    if not library.exists() or not has_module("onnx"):
        return result.skip("random graphs: no shared library, or no Python package onnx (tools/setup.sh test)")
    code, output = run([interpreter(), "tools/fuzz_graphs.py", library, "--count", 400, "--jobs", JOBS, "--out", build / "fuzz-graphs"], timeout=900)
    counts = re.search(r"^(\d+) graphs, (\d+) failed", output, re.M)
    if not counts:
        return result.fail("tools/fuzz_graphs.py", output)
    result.add(int(counts[1]) - int(counts[2]))
    if code:
        result.add(failed=max(int(counts[2]) - 1, 0))
        result.fail(f"{counts[2]} graphs", output)
    return None


@layer("our shape inference against onnx.shape_inference: never a wrong fact, and all that it knows")
def shapes(result, build):
    if not (build / "tests/model/facts").exists() or not has_module("onnx"):
        return result.skip("shape inference: no facts program, or no Python package onnx (tools/setup.sh test)")
    code, output = run([interpreter(), "tools/check_shapes.py", build], timeout=900)
    lines = output.strip().splitlines()
    counts = re.match(r"(\d+) values .* (\d+) differences", lines[-1] if lines else "")
    if code and (not counts or counts[2] == "0"):
        return result.fail("tools/check_shapes.py", output)
    print(f"  {lines[-1]}")
    result.add(int(counts[1]) - int(counts[2]), int(counts[2]))
    for line in lines[:-1]:
        print(f"  FAILED: {line}")
    return None


@layer("the demo, on every picture it carries")
def demo(result, build):
    program = build / "digits"
    if not program.exists():
        return result.skip("the demo is not built")
    check(result, "digits", [program, "--check"])


@layer("published clients of ONNX Runtime's interface, unmodified, over this library")
def clients(result, build):
    if not (build / "ort").exists():
        return result.skip("no shared library")
    for script in sorted((ROOT / "tests/clients").glob("*.sh")):
        if script.name not in ("common.sh", "provider.sh"):  # which the others read
            check(result, script.stem, ["sh", script], {"BUILD": str(build)}, timeout=1200)


SMALL = ("node", "simple", "pytorch-operator", "pytorch-converted")  # kinds of cases without the large models


def sanitized(result, name, kind, options, only=None):
    """The build tree, once its programs were run; None when it could not be made."""
    tree = ROOT / f"build-{name}"
    if not configure_and_build(result, tree, ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O1 -g1", f"-DSX_SANITIZE={kind}"]):
        return None
    run_programs(result, tree, env=options, label=f" ({name})", only=only)
    return tree


@layer("unit tests and ONNX's cases under AddressSanitizer and UndefinedBehaviorSanitizer")
def asan(result, build):
    options = {"ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    tree = sanitized(result, "asan", "address,undefined", options)
    if tree:
        run_suite(result, tree, kinds=SMALL, env=options, label=" (asan)")


@layer("what uses threads, under ThreadSanitizer")
def tsan(result, build):
    sanitized(result, "tsan", "thread", {"TSAN_OPTIONS": "halt_on_error=1"}, only=r"base/pool|pthread|threads\.h")


@layer("unit tests and ONNX's node cases for 64-bit ARM, emulated")
def aarch64(result, build):
    for tool in ("aarch64-linux-gnu-gcc", "qemu-aarch64-static"):
        if not shutil.which(tool):
            return result.skip(f"no {tool} (tools/setup.sh test)")
    tree = ROOT / "build-aarch64"
    if not configure_and_build(result, tree, ["-DCMAKE_TOOLCHAIN_FILE=cmake/toolchain-aarch64.cmake"]):
        return
    wrapper = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"]
    run_programs(result, tree, env={"SX_EMULATED": "1"}, label=" (aarch64)", scripts=False)
    run_suite(result, tree, wrapper, kinds=SMALL, label=" (aarch64)")


@layer("the library compiled for WebAssembly and Windows")
def cross(result, build):
    code, zig = run([interpreter(), "-c", "import os, ziglang; print(os.path.dirname(ziglang.__file__) + '/zig')"])
    zig = zig.strip()  # itself: Python would start once for each file
    if code or run([zig, "version"])[0] != 0:
        return result.skip("no ziglang wheel (tools/setup.sh test)")
    for target in ("wasm32-wasi", "x86_64-windows-gnu"):
        tree = ROOT / f"build-{target}"
        if configure_and_build(result, tree, ["-DCMAKE_TOOLCHAIN_FILE=cmake/toolchain-zig.cmake", f"-DSX_ZIG={zig}",
                                              f"-DSX_TARGET={target}", "-DSX_TESTS=OFF", "-DSX_OPTIMISE=OFF"], ["sardonyx_static"]):
            result.add(passed=1)


@layer("the Python package: built by pip in an environment of its own, then its pytest")
def python(result, build):
    venv, package = build / "venv-python", ROOT / "bindings/python"
    if run([sys.executable, "-c", "import sysconfig, os, sys; sys.exit(not os.path.exists(sysconfig.get_path('include') + '/Python.h'))"])[0]:
        return result.skip("Python.h is missing (python3-dev)")
    if not (venv / "bin/python").exists() and run([sys.executable, "-m", "venv", venv])[0]:
        return result.skip("no module venv or pip (python3-venv)")
    code, output = run([venv / "bin/python", "-m", "pip", "install", f"{package}[test]"], timeout=1800)
    if code and re.search(r"No matching distribution|Could not find a version|Connection|ReadTimeout", output):
        return result.skip("pip finds no scikit-build-core, numpy or pytest")
    if code:
        return result.fail("pip install bindings/python", output)
    code, output = run([venv / "bin/python", "-m", "pytest", "-q", package / "tests"])
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", output)}
    result.add(counts.get("passed", 0), 0, counts.get("skipped", 0))
    if code:
        result.add(failed=max(counts.get("failed", 0) - 1, 0))
        result.fail("pytest bindings/python/tests", output)


@layer("the Python package on every Python that is here, free-threaded ones too; only when it is named")
def pythons(result, build):
    code, output = run([sys.executable, ROOT / "tools/test_pythons.py", build / "pythons"], timeout=7200)
    for version, counts in re.findall(r"^(3\.\S+): (.*)", output, re.M):
        if counts != "FAILED":
            result.add(passed=1)
            print(f"  {version}: {counts}", flush=True)
    if code:
        result.fail("tools/test_pythons.py", output)


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--build", default="build", type=pathlib.Path)
    args.add_argument("--list", action="store_true", help="name the layers")
    args.add_argument("--update-suite", action="store_true", help="shrink tests/suite/expected_failures.txt, raise floor.txt")
    args.add_argument("layers", nargs="*", metavar="LAYER")
    args = args.parse_args()
    if args.list:
        return print(*(f"{name:10}{text}" for name, (_, text) in LAYERS.items()), sep="\n")
    if args.update_suite:
        return update_suite((ROOT / args.build).resolve())
    names = [n for n in (args.layers or LAYERS) if n != "ubsan" and (args.layers or n != "pythons")] + (["asan"] if "ubsan" in args.layers else [])
    for name in names:
        if name not in LAYERS:
            sys.exit(f"run_tests: no layer is called {name}; there are {', '.join(LAYERS)}")
    total = Result()
    for name in dict.fromkeys(names):
        function, text = LAYERS[name]
        print(f"{name}: {text}", flush=True)
        result, start = Result(), time.monotonic()
        function(result, (ROOT / args.build).resolve())
        total.add(result.passed, result.failed, result.skipped)
        print(f"  {result.passed} ok, {result.failed} bad, {result.skipped} left out in {time.monotonic() - start:.0f} s", flush=True)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    sys.exit(total.failed > 0)


if __name__ == "__main__":
    main()
