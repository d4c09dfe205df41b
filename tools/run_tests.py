#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the layers of the test suite and closes with one line: N passed, N failed, N skipped.

    run_tests.py [--build BUILD] [LAYER ...]      all layers when none is named; --list names them

A layer prints its own subtotal; what fails is printed in full. A tool or a part of the project that is missing is one skipped
test with its reason. Only Python's standard library is used here.
"""
import argparse
import os
import pathlib
import re
import shutil
import sys
import time

from test_cases import run_at_levels, run_contrib_cases, run_ml_cases, run_suite, update_suite
from test_harness import JOBS, ROOT, Result, check, configure_and_build, has_module, interpreter, run, run_programs

LAYERS = {}
OWN_TREES = {"asan", "tsan", "aarch64", "cross", "python", "pythons"}  # layers that need no library to be built before


def layer(text):
    """Registers a layer under its function's name; the order of the file is the order of the run."""
    def register(function):
        LAYERS[function.__name__] = (function, text)
        return function
    return register


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
        run_programs(result, build, env={"SX_ISA": level}, suffix=f" ({level})", label="isa")


@layer("the ONNX backend suite, run by the program")
def suite(result, build):
    run_suite(result, build)
    if (build / "sardonyx").exists() and has_module("onnx"):
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
    run_contrib_cases(result, build)
    return None


@layer("the cases of suite and contrib at levels 0 and 99, each with one thread and with four: the same bits")
def levels(result, build):
    run_at_levels(result, build)


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


def sanitized(result, name, kind, options, label=None):
    """The build tree, once its programs were run; None when it could not be made."""
    tree = ROOT / f"build-{name}"
    if not configure_and_build(result, tree, ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O1 -g1", f"-DSX_SANITIZE={kind}"], label=label):
        return None
    run_programs(result, tree, env=options, suffix=f" ({name})", label=label)
    return tree


@layer("unit tests and ONNX's cases under AddressSanitizer and UndefinedBehaviorSanitizer")
def asan(result, build):
    # gcc 12's runtime takes some thread-local blocks of loaded libraries for those of an old glibc, and dies of it
    options = {"ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1:intercept_tls_get_addr=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    tree = sanitized(result, "asan", "address,undefined", options)
    if tree:
        run_suite(result, tree, kinds=SMALL, env=options, label=" (asan)")


@layer("what uses threads, under ThreadSanitizer")
def tsan(result, build):
    sanitized(result, "tsan", "thread", {"TSAN_OPTIONS": "halt_on_error=1"}, label="threads")


@layer("unit tests and ONNX's node cases for 64-bit ARM, emulated")
def aarch64(result, build):
    for tool in ("aarch64-linux-gnu-gcc", "qemu-aarch64-static"):
        if not shutil.which(tool):
            return result.skip(f"no {tool} (tools/setup.sh test)")
    tree = ROOT / "build-aarch64"
    if not configure_and_build(result, tree, ["-DCMAKE_TOOLCHAIN_FILE=cmake/toolchain-aarch64.cmake"]):
        return
    wrapper = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"]
    run_programs(result, tree, env={"SX_EMULATED": "1"}, suffix=" (aarch64)", scripts=False)
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
    for action, options in (("disable", []), ("enable", ["--alias"])):  # the second time as `import onnxruntime`
        check(result, f"sardonyx.compat {action}", [venv / "bin/python", "-m", "sardonyx.compat", action])
        code, output = run([venv / "bin/python", "-m", "pytest", "-q", package / "tests", *options], timeout=1800)
        counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", output)}
        result.add(counts.get("passed", 0), 0, counts.get("skipped", 0))
        if code:
            result.add(failed=max(counts.get("failed", 0) - 1, 0))
            result.fail(" ".join(["pytest bindings/python/tests", *options]), output)


@layer("the Python package on every Python that is here, free-threaded ones too; only when it is named")
def pythons(result, build):
    code, output = run([sys.executable, ROOT / "tools/test_pythons.py", build / "pythons"], timeout=7200)
    for version, counts in re.findall(r"^(3\.\S+): (.*)", output, re.M):
        if counts != "FAILED":
            result.add(passed=1)
            print(f"  {version}: {counts}", flush=True)
    if code:
        result.fail("tools/test_pythons.py", output)


def processor_time():
    """Of all programs that ended so far: what a layer costs, whatever else the machine does."""
    return sum(os.times()[2:4])


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
    if not (ROOT / args.build / "CMakeCache.txt").exists() and not OWN_TREES.issuperset(names):
        sys.exit(f"run_tests: {args.build} is no build tree: cmake -S . -B {args.build} && cmake --build {args.build}")
    total = Result()
    for name in dict.fromkeys(names):
        function, text = LAYERS[name]
        print(f"{name}: {text}", flush=True)
        result, start, before = Result(), time.monotonic(), processor_time()
        function(result, (ROOT / args.build).resolve())
        total.add(result.passed, result.failed, result.skipped)
        print(f"  {result.passed} ok, {result.failed} bad, {result.skipped} left out in {time.monotonic() - start:.0f} s"
              f" ({processor_time() - before:.0f} s of a processor)", flush=True)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    sys.exit(total.failed > 0)


if __name__ == "__main__":
    main()
