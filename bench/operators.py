#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures single operators against ONNX Runtime and keeps the table docs/PERFORMANCE_OPERATORS.md.

    operators.py BUILD [PATTERN ...]         measures the cases whose name has a match (all), prints those above the aim
    operators.py BUILD --above 1.2 [...]     only those that came out above in the last measurement
    operators.py BUILD --write               writes the table from what has been measured
    operators.py --list [PATTERN ...]        names

A case is a model of one node, in bench/operator_cases.py and operator_cases_nn.py. Both libraries run by turns in one process (`sardonyx bench --against`),
with one thread; what counts is the ratio of their processor times, ours over theirs, the middle one of the case's measurements.
Models, inputs and results lie in BUILD/operators. Needs onnx and onnxruntime.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

import numpy as np
import onnx

import operator_cases_nn  # noqa: F401, adds to CASES
import operator_cases_small  # noqa: F401
from operator_cases import CASES
from side_by_side import processor, their_library

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/PERFORMANCE_OPERATORS.md"
AIM = 1.2


def call(*words):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True)


def measure(args, case):
    """One measurement: {"ours": seconds, "theirs": seconds, "ratio": r}, or {"none": why}."""
    model, inputs = case.write(args.folder)
    feeds = [inputs] if inputs else []
    got = call(args.program, "bench", model, *feeds, "--quiet", "--threads", 1, "--duration", args.duration, "--warmup", 2,
               "--against", args.library, "--json", "-")
    if got.returncode:
        why = (got.stderr.strip().splitlines() or ["died"])[-1]
        return {"none": why} if "NOT_IMPLEMENTED" in got.stderr or "not implemented" in got.stderr.lower() else {"failed": why}
    a, b = json.loads(got.stdout)["results"]
    ours, theirs = a["processor_seconds_per_run"], b["processor_seconds_per_run"]
    result = {"ours": ours, "theirs": theirs, "ratio": ours / theirs, "wall": a["latency_seconds"]["median"] / b["latency_seconds"]["median"]}
    if args.check:
        same = call(args.program, "compare", model, *feeds, "--quiet", "--threads", 1, "--with", args.library, "--rtol", "1e-3", "--atol", "1e-3")
        if same.returncode:
            result["differs"] = ((same.stdout + same.stderr).strip().splitlines() or ["?"])[-1]
    return result


def middle(entry):
    return statistics.median(m["ratio"] for m in entry["runs"])


def load(file):
    return json.loads(file.read_text()) if file.exists() else {}


def show(name, entry):
    if not entry.get("runs"):
        return f"{name:58} {entry.get('none') or entry.get('failed')}"
    last = entry["runs"][-1]
    return (f"{name:58}{last['ours'] * 1e3:10.4g}{last['theirs'] * 1e3:10.4g}{middle(entry):8.2f}   "
            + " ".join(f"{m['ratio']:.2f}" for m in entry["runs"]) + ("  DIFFERS " + last["differs"] if last.get("differs") else ""))


def table(rows, scale=0):
    unit = "us" if scale else "ms"
    yield f"| operator | case | family | Sardonyx {unit} | ONNX Runtime {unit} | ratio |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for case, entry in rows:
        last = entry["runs"][-1]
        yield f"| {case.op} | {case.detail} | {case.family} | {last['ours'] * 10 ** (3 + scale):.3g} | {last['theirs'] * 10 ** (3 + scale):.3g} | {middle(entry):.2f} |"


def small_section(rows):
    ratios = [middle(e) for _, e in rows]
    if not rows:
        return []
    return ["## Tensors of a few KB", "",
            "What counts there is what a kernel needs before its first element, and what a run needs at all. Of",
            f"{len(rows)} cases {sum(r <= 1 for r in ratios)} are at most 1.0, {sum(1 < r <= AIM for r in ratios)} up to {AIM}, {sum(r > AIM for r in ratios)} above;"
            f" the middle one is {statistics.median(ratios):.2f}. The slowest:", "", *table(rows[:20], 3), ""]


def write(args, results):
    rows = [(c, results[c.name]) for c in CASES if results.get(c.name, {}).get("runs")]
    rows.sort(key=lambda r: -middle(r[1]))
    few = [r for r in rows if r[0].family == "small"]
    rows = [r for r in rows if r[0].family != "small"]
    ratios = [middle(e) for _, e in rows]
    meant = [middle(e) for c, e in rows if c.kind in "fiub" and not re.search("(f64|f16|bf16|i32|i8)$", c.detail)]
    isa = re.search(r"(\w+) kernels", call(args.program, "explain", rows[0][0].write(args.folder)[0]).stdout)
    import onnxruntime
    families = {}
    for c, e in rows:
        families.setdefault(c.family, []).append(middle(e))
    text = ["# Performance of single operators", "",
            "Models of one node, most with tensors of 1 MB to 8 MB, against ONNX Runtime: `make bench-operators`, or `bench/operators.py`.",
            "What counts is the processor time of a run with one thread, ours over theirs, both by turns in one process; of several",
            "measurements the middle one: a case above the aim, at most 1.2, is measured three to five times, the others once or more. Below 1,",
            "Sardonyx is faster. Cases for which ONNX Runtime has no kernel are left out; weights are constants where models have them so.", "",
            f"Measured on {processor()}, {isa[1] if isa else 'unknown'} kernels, one thread, ONNX Runtime {onnxruntime.__version__}, `onnx` {onnx.__version__}. The machine was",
            "shared, single rows vary by some 10 %.", "",
            f"{len(rows)} cases: {sum(r <= 1 for r in ratios)} at most 1.0, {sum(1 < r <= AIM for r in ratios)} up to {AIM}, "
            f"{sum(r > AIM for r in ratios)} above. The middle one is {statistics.median(ratios):.2f}. The aim is for f32, i64, u8 and bool alone: of",
            f"these {len(meant)} cases {sum(r > AIM for r in meant)} are above it, the worst at {max(meant):.2f}.", "",
            "## The worst ten", "", *table(rows[:10]), "",
            "## By family", "", "| family | cases | middle ratio | worst | above 1.2 |", "| --- | --- | --- | --- | --- |",
            *(f"| {f} | {len(v)} | {statistics.median(v):.2f} | {max(v):.2f} | {sum(r > AIM for r in v)} |" for f, v in sorted(families.items())), "",
            *small_section(few), "## All, the slowest first", "", *table(rows), ""]
    PAGE.write_text("\n".join(text))
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} rows")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, nargs="?", default=pathlib.Path("build"))
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="regular expressions, over names such as move/Transpose/f32/0,2,1")
    parser.add_argument("--above", type=float, help="only those above this ratio so far")
    parser.add_argument("--new", action="store_true", help="only those without a measurement")
    parser.add_argument("--fresh", action="store_true", help="forget earlier measurements of what is measured")
    parser.add_argument("--duration", type=float, default=0.15, help="seconds of a measurement, per library")
    parser.add_argument("--rounds", type=int, default=1, help="measurements; those above the aim get two more")
    parser.add_argument("--no-check", dest="check", action="store_false", help="do not compare the answers")
    parser.add_argument("--library", type=pathlib.Path, help="ONNX Runtime's library")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--all", action="store_true", help="print every case, not only those above the aim")
    args = parser.parse_intermixed_args()
    if args.list and not (args.build / "sardonyx").exists():
        args.patterns.insert(0, str(args.build))
    chosen = [c for c in CASES if not args.patterns or any(re.search(p, c.name) for p in args.patterns)]
    if args.list:
        return print("\n".join(c.name for c in chosen))
    args.program, args.folder = args.build.resolve() / "sardonyx", args.build.resolve() / "operators"
    args.folder.mkdir(exist_ok=True)
    args.library = args.library or their_library()
    file = args.folder / "results.json"
    results = load(file)
    if args.write:
        return write(args, results)
    if args.above is not None:
        chosen = [c for c in chosen if results.get(c.name, {}).get("runs") and middle(results[c.name]) > args.above]
    if args.new:
        chosen = [c for c in chosen if c.name not in results]
    print(f"{'case':58}{'ours ms':>10}{'theirs ms':>10}{'ratio':>8}   of measurements")
    for case in chosen:
        entry = {"runs": []} if args.fresh else results.get(case.name, {"runs": []})
        for k in range(args.rounds + 2):
            if k >= args.rounds and middle(entry) <= AIM * 0.95:
                break
            got = measure(args, case)
            if "ratio" not in got:
                entry = {"runs": [], **got}
                break
            entry = {"runs": [*entry.get("runs", [])[-4:], got]}
        results[case.name] = entry
        if args.all or entry.get("failed") or (entry["runs"] and (middle(entry) > AIM or entry["runs"][-1].get("differs"))):
            print(show(case.name, entry), flush=True)
        file.write_text(json.dumps(results, indent=0))
        case.remove(args.folder)


if __name__ == "__main__":
    main()
