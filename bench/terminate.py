#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long runs of single operators go on when they are terminated, the longest first.

    terminate.py BUILD [PATTERN ...]         the cases whose name has a match (all)

The cases are those of operators.py and, below, some that take long. A run on one thread is terminated at some points of its way, three
times each; what counts is the processor time from there until it returns, the least of the three, at the worst point.
"""
import argparse
import pathlib
import re
import subprocess
import sys

import operator_cases
from operator_cases import CASES, K, W, X, add

UNIT = {"s": 1e3, "ms": 1, "us": 1e-3, "ns": 1e-6}
BIG = 1 << 24

add("long", "LSTM", "f", [X(2000, 1, 256), W(1, 1024, 256), W(1, 1024, 256)], "steps", hidden_size=256)
add("long", "LSTM", "f", [X(64, 64, 512), W(1, 2048, 512), W(1, 2048, 512)], "batch", hidden_size=512)
add("long", "GRU", "f", [X(64, 64, 512), W(1, 1536, 512), W(1, 1536, 512)], "batch", hidden_size=512)
add("long", "RNN", "f", [X(500, 64, 512), W(1, 512, 512), W(1, 512, 512)], "batch", hidden_size=512)
add("long", "LSTM", "d", [X(64, 16, 256), W(1, 1024, 256), W(1, 1024, 256)], "batch", hidden_size=256)
add("long", "CumSum", "fi", [X(BIG), K(0)], "one line")
add("long", "CumSum", "f", [X(BIG // 64, 64), K(0)], "columns")
add("long", "NonZero", "f", [X(BIG)])
add("long", "Compress", "f", [X(BIG), X(BIG, kind="b")])
add("long", "Softmax LogSoftmax Hardmax", "f", [X(BIG // 64, 64)], "columns", axis=0)
add("long", "Softmax", "f", [X(BIG)], "one line", axis=0)
add("long", "ArgMax", "f", [X(BIG)], "one line", axis=0)
add("long", "ReduceSum ReduceMax", "f", [X(BIG)], "all", keepdims=0)
add("long", "ReduceSum", "f", [X(BIG // 64, 64), K([0])], "columns")
add("long", "ReduceLogSumExp", "f", [X(BIG // 64, 64), K([0])], "columns")
add("long", "TopK", "f", [X(BIG // 4), K([BIG // 8])], "half", outputs=2)
add("long", "TopK", "f", [X(BIG), K([10])], "few", outputs=2)
add("long", "Unique", "if", [X(BIG // 4)], outputs=1)
add("long", "Unique", "i", [X(BIG // 16, 4)], "rows", outputs=1, axis=0)
add("long", "DFT", "f", [X(1, 1 << 20, 1), None, K(-2)], "one line", opset=20)
add("long", "DFT", "f", [X(1, 1000003, 1), None, K(-2)], "prime", opset=20)
add("long", "DFT", "f", [X(1, 1 << 20, 4, 1), None, K(1)], "columns", opset=20)
add("long", "STFT", "f", [X(1, BIG // 8, 1), K(64), None, K(1024)], opset=17)
add("long", "Einsum", "f", [X(300, 300), X(300, 300), X(300, 300)], "three", equation="ij,jk,kl->il")
add("long", "Einsum", "f", [X(64, 64, 64), X(64, 64, 64)], "odd", equation="iij,kjj->ik")
add("long", "Einsum", "f", [X(2048, 2048)], "trace", equation="ij->")
add("long", "MatMul", "fdh", [X(1024, 1024), X(1024, 1024)])
add("long", "MatMul", "inU", [X(512, 512), X(512, 512)])
add("long", "MatMul", "f", [X(1, 4096), X(4096, 16384)], "row")
add("long", "MatMul", "f", [X(1, BIG), X(BIG, 1)], "dot")
add("long", "MatMul", "fd", [X(8, 1 << 20), X(1 << 20, 8)], "deep")
add("long", "Det", "f", [X(1, 1024, 1024)])
add("long", "Conv", "f", [X(1, 3, 1024, 1024), W(64, 3, 7, 7)], "wide")
add("long", "Conv", "fd", [X(1, 256, 64, 64), W(256, 256, 3, 3)], "deep", pads=[1, 1, 1, 1])
add("long", "Conv", "f", [X(1, 1, BIG // 4), W(1, 1, 1025)], "line")
add("long", "ConvTranspose", "f", [X(1, 128, 64, 64), W(128, 128, 4, 4)], "deep", strides=[2, 2])
add("long", "DeformConv", "f", [X(1, 64, 64, 64), W(64, 64, 3, 3), X(1, 18, 62, 62)])
add("long", "MaxPool AveragePool", "f", [X(1, 1, 2048, 2048)], "wide", kernel_shape=[31, 31])
add("long", "LpPool", "f", [X(1, 1, 1024, 1024)], "wide", kernel_shape=[31, 31])
add("long", "Resize", "f", [X(1, 1, 1024, 1024), None, K([1, 1, 4, 4], "f")], "cubic", mode="cubic")
add("long", "Transpose", "f", [X(4096, 4096)], perm=[1, 0])
add("long", "NonMaxSuppression", "f", [X(1, 20000, 4, low=0, high=100), X(1, 1, 20000, low=0, high=1), K([20000]), K([0.5], "f")], "boxes")
add("long", "ScatterElements", "f", [X(BIG // 4), X(BIG // 4, low=0, high=BIG // 4, kind="i"), X(BIG // 4)], "add", reduction="add")
add("long", "ScatterND", "f", [X(BIG // 4), X(BIG // 4, 1, low=0, high=BIG // 4, kind="i"), X(BIG // 4)], "add", reduction="add")
add("long", "GatherElements", "f", [X(BIG // 2), X(BIG // 2, low=0, high=BIG // 2, kind="i")])
add("long", "OneHot", "i", [X(1 << 16, low=0, high=256), K([256]), K([0, 1], "f")])
add("long", "LayerNormalization", "f", [X(1, BIG), W(BIG)], "one line", axis=1)
add("long", "InstanceNormalization", "f", [X(1, 1, BIG), W(1), W(1)], "one")
add("long", "LRN", "f", [X(1, 64, 256, 256)], size=5)
add("long", "LpNormalization", "f", [X(BIG // 64, 64)], "columns", axis=0)
add("long", "RandomNormal RandomUniform", "f", [], shape=[BIG])
add("long", "Multinomial", "f", [X(64, 1000)], sample_size=100000)
add("long", "QuantizeLinear", "f", [X(BIG), K(0.1, "f"), K(0, "u")])
add("long", "DynamicQuantizeLinear", "f", [X(BIG)], outputs=3)
add("long", "Pad", "f", [X(4000, 4000), K([5, 5, 5, 5])], mode="reflect")
add("long", "Tile", "f", [X(1000), K([20000])])
add("long", "Range", "f", [K(0, "f"), operator_cases.V(1e7, "f"), K(1, "f")])
add("long", "ReverseSequence", "f", [X(1, 4096, 4096), X(4096, low=0, high=2, kind="i")], time_axis=0, batch_axis=1)


def milliseconds(text):
    number, unit = text.split()
    return float(number) * UNIT[unit]


def show(times, name, why):
    return f"{name:60}" + (f"{times[0]:10.3f} ms, at {times[1]:9.2f} of {times[2]:9.2f} ms" if times else f" {why}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, nargs="?", default=pathlib.Path("build"))
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--stops", type=int, default=7)
    parser.add_argument("--keep", action="store_true", help="the models")
    args = parser.parse_intermixed_args()
    folder = args.build.resolve() / "terminate"
    folder.mkdir(exist_ok=True)
    rows = []
    for case in CASES:
        if args.patterns and not any(re.search(p, case.name) for p in args.patterns):
            continue
        try:
            model, inputs = case.write(folder)
            got = subprocess.run([args.build.resolve() / "sardonyx", "bench", model, *([inputs] if inputs else []), "--quiet", "--threads", "1",
                                  "--stops", str(args.stops)], capture_output=True, text=True, timeout=100)
            found = re.search(r"go on for (\S+ \w+) at the most, at (\S+ \w+) of (\S+ \w+)", got.stdout)
            rows.append(([milliseconds(t) for t in found.groups()] if found else None, case.name, got.stderr.strip()[:200]))
        except subprocess.TimeoutExpired:
            rows.append((None, case.name, "more than 100 s"))
        if not args.keep:
            case.remove(folder)
        print(show(*rows[-1]), file=sys.stderr, flush=True)
    for times, name, why in sorted(rows, key=lambda r: -r[0][0] if r[0] else -1e9):
        print(show(times, name, why))
    late = [r for r in rows if r[0] and r[0][0] > 5]
    print(f"{len(rows)} cases, {len(late)} go on for more than 5 ms")


if __name__ == "__main__":
    main()
