#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long loads and runs of single operators go without asking whether to stop, the longest first: what a terminated run waits at worst.

    stop_gaps.py BUILD [PATTERN ...]         the cases whose name has a match (all)

The cases are those of operators.py and the long ones of terminate.py, as they are, and with each of their dimensions made larger until a run
takes 60 ms or the tensors are too large. terminate.py measures what a run that is terminated then does take.
"""
import argparse
import math
import pathlib
import re
import subprocess
import sys
import zlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

import operator_cases_nn  # noqa: F401, adds to CASES
import terminate  # noqa: F401, adds to CASES
from operator_cases import CASES

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEAST, MOST_BYTES = 60, 96 << 20  # of a run, in milliseconds; of all tensors that are given


def enlarge(shape, size, factor):
    return tuple(d * factor if d == size else d for d in shape)


def write(case, file, size=0, factor=1):
    """The case's model with its inputs as defaults, every dimension of `size` larger by a factor; False where that is too large."""
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    tensors, values, names, total = [], [], [], 0
    for k, x in enumerate(case.inputs):
        names.append(f"x{k}" if x is not None else "")
        if x is None:
            continue
        array = x.array(rng, case.kind)
        if hasattr(x, "shape"):
            shape = enlarge(array.shape, size, factor)
            total += array.dtype.itemsize * math.prod(shape)
            if factor > 1 and total > MOST_BYTES:
                return False
            array = np.resize(array, shape)
        tensors.append((array, names[-1]))
        if not x.constant:
            values.append(helper.make_tensor_value_info(names[-1], helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
    outputs = [f"y{k}" if k >= 0 else "" for k in range(case.outputs)] if isinstance(case.outputs, int) else case.outputs
    node = helper.make_node(case.op, names, outputs, name=case.op, domain=case.domain, **case.attributes)
    opsets = [helper.make_opsetid("", case.opset)] + ([helper.make_opsetid(case.domain, 3 if case.domain == "ai.onnx.ml" else 1)] if case.domain else [])
    graph = helper.make_graph([node], case.op, values, [onnx.ValueInfoProto(name=o) for o in outputs if o], [])
    model = onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=opsets, ir_version=10), data_prop=True)
    model.graph.initializer.extend(numpy_helper.from_array(*t) for t in tensors)
    onnx.save(model, file)
    return True


def measure(program, file, limit):
    try:
        got = subprocess.run([program, file], capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None, f"more than {limit} s"
    words = got.stdout.split()
    return ([float(w) for w in words], "") if got.returncode == 0 else (None, (got.stderr.strip().splitlines() or [f"died with {got.returncode}"])[-1][:160])


def variants(case):
    sizes = {d for x in case.inputs if hasattr(x, "shape") for d in x.shape if d > 1}
    if not sizes:
        sizes = {1}
    return sorted(sizes)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, nargs="?", default=pathlib.Path("build"))
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--limit", type=int, default=60, help="seconds for one model")
    parser.add_argument("--worst", type=int, default=30)
    args = parser.parse_intermixed_args()
    build = args.build.resolve()
    folder, program = build / "terminate", build / "stop_gaps"
    folder.mkdir(exist_ok=True)
    subprocess.run(["cc", "-O2", "-rdynamic", f"-I{ROOT / 'src'}", f"-I{ROOT / 'include'}", ROOT / "bench/stop_gaps.c", build / "libsardonyx.a",
                    "-o", program, "-lm", "-lpthread", "-ldl"], check=True)
    rows, shown = [], 0
    for case in CASES:
        if args.patterns and not any(re.search(p, case.name) for p in args.patterns):
            continue
        file = folder / "gap.onnx"
        try:
            write(case, file)
        except Exception as e:  # noqa: BLE001, what onnx cannot infer is one line
            rows.append((case.name, None, str(e)[:100]))
            continue
        first, why = measure(program, file, args.limit)
        rows.append((case.name, first, why))
        for size in variants(case) if first else []:
            factor, got, why = 1, first, ""
            while got[3] < LEAST:
                more = next((m for m in (32, 8, 4, 2) if m * got[3] < 4 * LEAST and write(case, file, size, factor * m)), 0)
                now, why = measure(program, file, args.limit) if more else (None, "")
                if not now or now[3] < got[3] * 1.2:  # of no avail: a size that the time does not grow with, or that must stay
                    break
                factor, got = factor * more, now
            if factor > 1:
                rows.append((f"{case.name} {size}x{factor}", got, ""))
            elif why.startswith("more"):
                rows.append((f"{case.name} {size}x{factor * more}", None, why))
        for row in rows[shown:]:
            print(*row, file=sys.stderr, flush=True)
        shown = len(rows)
    (folder / "gap.onnx").unlink(missing_ok=True)
    found = [r for r in rows if r[1]]
    for what, k in (("run", 2), ("load", 0)):
        print(f"--- the longest times of a {what} without a question ---")
        for name, times, _ in sorted(found, key=lambda r: -r[1][k])[:args.worst]:
            print(f"{name:70}{times[k]:10.3f} of {times[k + 1]:9.2f} ms" + (f", at {times[4]:9.2f}; {times[5]:.0f} questions" if k else ""))
        print(f"{len(found)} models, {sum(r[1][k] > 5 for r in found)} go longer than 5 ms")
    for name, _, why in rows:
        if why:
            print(f"{name}: {why}")


if __name__ == "__main__":
    main()
