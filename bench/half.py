#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Models against their twins of f16 and bf16: the same graph with every float tensor narrowed, inputs and outputs in f32.

    half.py BUILD MODEL.onnx ... [--threads 1,2] [--rounds N] [--count N] [--library FILE]

By turns, a process each, `sardonyx bench` runs the model and its twins; what counts is the smallest processor time per run of all
rounds. Prints a row of ratios to the f32 model for each model and number of threads: time, packed weights, memory after loading, and
with --library (ONNX Runtime's) the f16 twin's time against that library. Needs onnx and ml_dtypes; twins are kept in BUILD/bench.
"""
import argparse
import json
import pathlib
import re
import subprocess

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto as T, helper, numpy_helper

KINDS = {"f16": (T.FLOAT16, np.float16, 65504), "bf16": (T.BFLOAT16, ml_dtypes.bfloat16, 3.3e38)}


def narrow(model, kind):
    code, dtype, most = KINDS[kind]
    if kind == "bf16" and all(o.domain or o.version < 22 for o in model.opset_import):  # the first that has it for all
        model = onnx.version_converter.convert_version(model, 22)
    scales = {name for n in model.graph.node if n.op_type == "Resize" for name in n.input[1:3]}

    def tensor(t):
        if t.data_type == T.FLOAT and t.name not in scales:
            values = np.clip(numpy_helper.to_array(t), -most, most).astype(dtype)
            name, dims = t.name, list(t.dims)
            t.Clear()
            t.name, t.data_type, t.raw_data = name, code, values.tobytes()
            t.dims.extend(dims)

    def graph(g):
        for t in g.initializer:
            tensor(t)
        for v in g.value_info:
            if v.type.tensor_type.elem_type == T.FLOAT:
                v.type.tensor_type.elem_type = code
        for n in g.node:
            for a in n.attribute:
                if a.type == a.TENSOR:
                    tensor(a.t)
                elif a.type == a.GRAPH:
                    graph(a.g)
                elif n.op_type == "Cast" and a.name == "to" and a.i == T.FLOAT:
                    a.i = code

    g = model.graph
    graph(g)
    constants = {t.name for t in g.initializer}
    ends = {v.name: v in g.input for v in [*g.input, *g.output]
            if v.type.tensor_type.elem_type == T.FLOAT and v.name not in constants}
    for n in g.node:
        for names in (n.input, n.output):
            names[:] = [name + "_narrow" if name in ends else name for name in names]
    first = [helper.make_node("Cast", [x], [x + "_narrow"], to=code) for x, is_input in ends.items() if is_input]
    last = [helper.make_node("Cast", [x + "_narrow"], [x], to=T.FLOAT) for x, is_input in ends.items() if not is_input]
    nodes = [*first, *g.node, *last]
    del g.node[:]
    g.node.extend(nodes)
    return model


def twin(args, path, kind):
    to = args.build / f"bench/{path.stem}_{kind}.onnx"
    if not to.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(narrow(onnx.load(path), kind), to)
    return to


def bench(args, path, threads, *more):
    words = [args.build / "sardonyx", "bench", path, "--threads", threads, "--count", args.count, "--warmup", 1, "--dim", "batch=1", "--fill",
             "ones", "--config", "session.intra_op.allow_spinning=0", "--json", "-", *more]
    return json.loads(subprocess.run([str(w) for w in words], check=True, capture_output=True, text=True).stdout)


def packed(args, path):
    text = subprocess.run([args.build / "sardonyx", "explain", path], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"(\d+) bytes of packed", text)[1])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("model", type=pathlib.Path, nargs="+")
    p.add_argument("--threads", default="1")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--count", type=int, default=5)
    p.add_argument("--library")
    args = p.parse_args()
    print("| model | threads | f32 ms | f16 | bf16 | weights f16 | bf16 | memory f16 | bf16 | f16 to ONNX Runtime |")
    print("|" + " --- |" * 10)
    for path in args.model:
        paths = [path, *(twin(args, path, kind) for kind in KINDS)]
        weights = [packed(args, x) for x in paths]
        for threads in map(int, args.threads.split(",")):
            best, memory, theirs = [9e9] * 3, [0] * 3, []
            for _ in range(args.rounds):
                for i, x in enumerate(paths):
                    got = bench(args, x, threads)
                    best[i] = min(best[i], got["results"][0]["processor_seconds_per_run"])
                    memory[i] = got["results"][0]["memory_after_load"]
                if args.library:
                    a, b = bench(args, paths[1], threads, "--against", args.library)["results"]
                    theirs.append(a["processor_seconds_per_run"] / b["processor_seconds_per_run"])
            ratios = [*(x / best[0] for x in best[1:]), *(x / weights[0] for x in weights[1:]), *(x / memory[0] for x in memory[1:])]
            ratios += [sorted(theirs)[len(theirs) // 2]] if theirs else []
            print(f"| {path.stem} | {threads} | {best[0] * 1e3:.3g} | " + " | ".join(f"{x:.2f}" for x in ratios) + " |", flush=True)


if __name__ == "__main__":
    main()
