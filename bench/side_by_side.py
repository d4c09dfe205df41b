#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures Sardonyx against ONNX Runtime with our own program: `sardonyx compare` first, then rounds of `sardonyx bench --against`.

    side_by_side.py BUILD [--threads 1,2] [--rounds N] [--duration S] [--library FILE] [NAME ...]

Within a round both libraries run by turns in one process; a round is a process of its own, and what counts is the median of the
rounds' ratios, with the lowest and the highest. Below 1, Sardonyx is faster. Answers that differ are shown, not timed. The
library is that of the Python package onnxruntime, unless it is named; models are written to BUILD/bench when they are missing.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# Sizes for open dimensions, what the inputs hold, and the tolerance of the answers: one step of the quantiser for 8-bit models.
CASES = {
    "resnet50": ["--dim", "batch=1"],
    "mobilenetv2": ["--dim", "batch=1"],
    "bert_dynamic": ["--dim", "batch=1", "--dim", "time=128", "--fill", "ones"],
    "products_int8": ["--dim", "batch=1"],
    "lstm": ["--dim", "batch=1"],
    "mlp64": ["--dim", "batch=1"],
    "scalar_1000": [],
    "elementwise_8": [],
}
LOOSE = {"products_int8": ["--atol", "0.05"]}


def their_library():
    spec = importlib.util.find_spec("onnxruntime")
    found = sorted(pathlib.Path(spec.origin).parent.glob("capi/libonnxruntime.so*")) if spec and spec.origin else []
    if not found:
        sys.exit("bench: ONNX Runtime is not here; --library FILE names its library, or: build/venv/bin/python -m pip install onnxruntime")
    return found[-1]


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def call(program, *words):
    return subprocess.run([str(w) for w in (program, *words)], capture_output=True, text=True)


def row(args, name, threads):
    program, model, inputs = args.build / "sardonyx", args.build / f"bench/{name}.onnx", CASES[name]
    same = call(program, "compare", model, *inputs, "--quiet", "--threads", threads, "--with", args.library, "--rtol", "1e-2",
                *LOOSE.get(name, ["--atol", "1e-4"]))
    if same.returncode:
        return f"{name:16}{threads:>8}  answers differ: {(same.stdout + same.stderr).strip().splitlines()[-1]}"
    ratios, ours, theirs, loads = [], [], [], []
    for _ in range(args.rounds):
        # A pool that spins takes the processor from the other library, whose turn it is.
        got = call(program, "bench", model, *inputs, "--quiet", "--threads", threads, "--duration", args.duration, "--against", args.library,
                   "--config", "session.intra_op.allow_spinning=0", "--json", "-")
        if got.returncode:
            return f"{name:16}{threads:>8}  {got.stderr.strip().splitlines()[-1]}"
        a, b = json.loads(got.stdout)["results"]
        ours.append(a["latency_seconds"]["median"] * 1e3)
        theirs.append(b["latency_seconds"]["median"] * 1e3)
        ratios.append(ours[-1] / theirs[-1])
        loads.append(a["load_seconds"] / b["load_seconds"])
    middle = statistics.median
    return (f"{name:16}{threads:>8}{middle(ours):>14.4g}{middle(theirs):>18.4g}{middle(ratios):>9.2f}"
            f"   {f'{min(ratios):.2f} to {max(ratios):.2f}':12}{middle(loads):>9.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--threads", default="1,2", help="numbers of threads, with commas between them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration", type=float, default=2, help="seconds of a round")
    parser.add_argument("--library", type=pathlib.Path, help="ONNX Runtime's library")
    args = parser.parse_intermixed_args()
    args.build = args.build.resolve()
    args.library = args.library or their_library()
    unknown = set(args.names) - set(CASES)
    if unknown:
        sys.exit(f"bench: there is no model {', '.join(unknown)}; there are {', '.join(CASES)}")
    subprocess.run([sys.executable, HERE / "make_models.py", args.build / "bench", *args.names], check=True)
    isa = re.search(r"(\w+) kernels", call(args.build / "sardonyx", "explain", args.build / f"bench/{(args.names or ['mlp64'])[0]}.onnx").stdout)
    print(f"{processor()}, {os.cpu_count()} processors, {isa[1] if isa else 'unknown'} kernels, against {args.library.name}, "
          f"{args.rounds} rounds of {args.duration:g} s by turns")
    print(f"{'model':16}{'threads':>8}{'Sardonyx ms':>14}{'ONNX Runtime ms':>18}{'ratio':>9}   {'of rounds':12}{'load':>9}")
    for name in args.names or CASES:
        for threads in args.threads.split(","):
            print(row(args, name, threads), flush=True)


if __name__ == "__main__":
    main()
