# SPDX-License-Identifier: MIT
"""Cases in ONNX's own form, run by the program: ONNX's suite with its floor and its list of expected failures, and those that
scripts of ours write."""
import collections
import ctypes.util
import json
import pathlib
import re

from test_harness import JOBS, ROOT, has_module, interpreter, run

EXPECTED, FLOOR = ROOT / "tests/suite/expected_failures.txt", ROOT / "tests/suite/floor.txt"

# Cases that want a library of the system, which the emulated one has not.
LIBRARIES = {"image_decoder_decode_jpeg_": "turbojpeg", "image_decoder_decode_png_": "png16", "image_decoder_decode_tiff_": "tiff",
             "image_decoder_decode_webp_": "webp", "image_decoder_decode_jpeg2k_": "openjp2", "regex_full_match_": "pcre2-8"}


def suite_command(build, cases, emulated=False):
    absent = [case for case, library in LIBRARIES.items() if emulated or not ctypes.util.find_library(library)]
    skips = [word for case in absent for word in ("--skip", f"node/test_{case}*")]
    return [build / "sardonyx", "test", cases, "--expect-fail", EXPECTED, "--tolerances",
            "tests/suite/tolerances.txt", "--jobs", JOBS, "--timeout", 60, *skips]


def run_cases(result, what, command, report, env=None):
    """One run of `sardonyx test` over many cases: what it counted, or None after a failure was recorded."""
    report.unlink(missing_ok=True)
    code, output = run([*command, "--json", report], env, timeout=1800)
    if not report.exists():
        result.fail(what, output)
        return None
    counts = json.loads(report.read_text())
    result.add(counts["passed"], 0, counts["skipped"])
    if counts["failed"]:
        result.add(failed=counts["failed"] - 1)
        result.fail(f"{counts['failed']} of {what}", "\n".join(line for line in output.splitlines() if re.match("FAILED|PASSED", line)))
    return counts


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
    filters = [word for kind in kinds for word in ("--filter", f"{kind}/*")]
    counts = run_cases(result, f"ONNX's cases{label}", [*wrapper, *suite_command(build, cases, bool(wrapper)), *filters], report, env)
    if counts and not kinds:
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
    run_written_cases(result, build, "the cases of ai.onnx.ml", "tools/gen_ml_cases.py", build / "ml-cases")


def run_contrib_cases(result, build):
    for script, what in (("cases", "com.microsoft's cases"), ("standard", "the standard's cases")):
        run_written_cases(result, build, what, f"tests/contrib/{script}.py", build / "contrib" / script)


def own_command(build, cases):
    tolerances = cases / "tolerances.txt"
    return [build / "sardonyx", "test", cases, "--jobs", JOBS, "--timeout", 60, *(["--tolerances", tolerances] if tolerances.exists() else [])]


def run_written_cases(result, build, what, script, cases):
    code, output = run([interpreter(), script, cases])
    if code != 0:
        return result.fail(f"writing {what}", output)
    return run_cases(result, what, own_command(build, cases), cases.with_suffix(".json"))


def run_at_levels(result, build):
    """What the layers suite and contrib wrote, at both ends of optimisation, with one thread and with four."""
    sets = [("ONNX's cases", suite_command(build, ROOT / "build/cases"))]
    sets += [(f"cases of {name}", own_command(build, build / name)) for name in ("ml-cases", "contrib/cases", "contrib/standard")]
    if not (build / "sardonyx").exists() or not all(pathlib.Path(command[2]).is_dir() for _, command in sets):
        return result.skip("cases at all levels: they are written by the layers suite and contrib")
    for level in (0, 99):
        for what, command in sets:  # bernoulli: what has no seed is drawn anew by each session
            run_cases(result, f"{what} at level {level}", [*command, "--level", level, "--threads", 1, "--compare-threads", 4,
                                                           "--skip", "*bernoulli*"], build / "levels.json")
    return None
