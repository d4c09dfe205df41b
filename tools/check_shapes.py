#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our shape inference against onnx.shape_inference with data propagation: never a wrong fact, and at least all that it knows.

    check_shapes.py BUILD [--graphs N] [FILE|FOLDER ...]      default: cases, coverage, contrib and ml-cases in BUILD, and random graphs

Declared shapes of results are taken away first, so that both must infer. What is held, value by value: the element type; the rank where
onnx has one; a number where it has that number; the name where it has the name of an input's dimension. Of the random graphs the
true shapes and elements are known, on three sets of sizes: every expression must give them. Prints each difference and one
line at the end. tests/model/facts.c says what we infer.
"""
import argparse
import ast
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

TYPES = {number: name.lower() for name, number in TensorProto.DataType.items()}


def strip(model):
    """The model without what it says of the shapes of results."""
    def clean(graph, main):
        del graph.value_info[:]
        for o in graph.output:
            t = o.type
            while t.WhichOneof("value") in ("sequence_type", "optional_type"):
                t = getattr(t, t.WhichOneof("value")).elem_type
            if t.WhichOneof("value") == "tensor_type":
                t.tensor_type.ClearField("shape")
        for n in graph.node:
            for a in n.attribute:
                if a.type == onnx.AttributeProto.GRAPH:
                    clean(a.g, False)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    clean(copy.graph, True)
    return copy


def described(t):
    """A TypeProto as facts.c has it: dims are numbers, names or None."""
    kind = t.WhichOneof("value")
    if kind == "tensor_type":
        found = {"type": TYPES[t.tensor_type.elem_type]}
        if t.tensor_type.HasField("shape"):
            found["dims"] = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in t.tensor_type.shape.dim]
        return found
    if kind in ("sequence_type", "optional_type"):
        return {"type": "seq" if kind[0] == "s" else "optional", "item": described(getattr(t, kind).elem_type)}
    return {"type": {"map_type": "map", "sparse_tensor_type": "sparse"}.get(kind, "undefined")}


def known(graph, prefix=""):
    """What onnx says of each value that a node makes."""
    found = {}
    made = {o for n in graph.node for o in n.output}
    for info in [*graph.value_info, *graph.output]:
        if info.name in made:
            found[prefix + info.name] = described(info.type)
    for n in graph.node:
        for a in n.attribute:
            if a.type == onnx.AttributeProto.GRAPH and n.output:
                found.update(known(a.g, f"{prefix}{n.output[0]}.{a.name}/"))
    return found


def compare(ours, theirs, symbols):
    """What is wrong or missing, or ""."""
    if theirs["type"] != "undefined" and ours["type"] != theirs["type"]:
        return f"type {ours['type']}, onnx says {theirs['type']}"
    if "item" in theirs and "item" in ours:
        return compare(ours["item"], theirs["item"], symbols)
    if "dims" not in theirs:
        return ""
    if "dims" not in ours:
        return f"no rank, onnx says {theirs['dims']}"
    if len(ours["dims"]) != len(theirs["dims"]):
        return f"dims {ours['dims']}, onnx says {theirs['dims']}"
    for mine, other in zip(ours["dims"], theirs["dims"]):
        if isinstance(other, int) and mine != other or other in symbols and isinstance(mine, str) and re.sub(r"\s", "", mine) != re.sub(r"\s", "", other):
            return f"dims {ours['dims']}, onnx says {theirs['dims']}"
    return ""


def maker(graph, name):
    """The operator that makes a value, for the reader."""
    last = name.split("/")[-1]
    for n in graph.node:
        if last in n.output and "/" not in name:
            return n.op_type
        for a in n.attribute:
            if a.type == onnx.AttributeProto.GRAPH and "/" in name:
                found = maker(a.g, last)
                if found:
                    return found
    return ""


def infer(model):
    for strict in (True, False):
        try:
            return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=strict, data_prop=True)
        except Exception:  # noqa: BLE001  (a model that onnx cannot infer says nothing)
            continue
    return None


def facts(program, files):
    """Ours, by file; a file on which the program dies has an error."""
    found = {}
    files = list(files)
    while files:
        p = subprocess.run([program, *files], capture_output=True, text=True)
        lines = p.stdout.splitlines()
        for file, line in zip(files, lines):
            try:
                found[file] = json.loads(line)
            except ValueError:
                found[file] = {"error": "died: bad output"}
        if len(lines) < len(files):
            found[files[len(lines)]] = {"error": f"died: {p.returncode}"}
            files = files[len(lines) + 1:]
        else:
            break
    return found


def check_files(program, paths, folder):
    """(values held, [differences]) of some models."""
    held, wrong, ours, stripped = 0, [], {}, {}
    for i, path in enumerate(paths):
        copy = folder / f"{i}.onnx"
        model = strip(onnx.load(path))
        copy.write_bytes(model.SerializeToString())
        stripped[path] = (str(copy), model)
    ours = facts(program, [c for c, _ in stripped.values()])
    for path, (copy, model) in stripped.items():
        mine, theirs = ours[copy], infer(model)
        if theirs is None:
            continue
        if "error" in mine:
            if "died" in mine["error"]:
                wrong.append(f"{path}: {mine['error']}")
            continue
        symbols = {d.dim_param for i in model.graph.input for d in i.type.tensor_type.shape.dim if d.dim_param}
        for name, other in known(theirs.graph).items():
            if name in mine["values"]:
                held += 1
                why = compare(mine["values"][name], other, symbols)
                if why:
                    wrong.append(f"{path}: {maker(model.graph, name)} '{name}': {why}")
    return held, wrong


# -- random graphs, whose values are known ------------------------------------------------------------------------------------------

FUNCTIONS = {"floordiv": lambda a, b: a // b if b else None, "mod": lambda a, b: a % b if b else None, "min": min, "max": max,
             "broadcast": lambda a, b: b if a == 1 else a, "mul": lambda a, b: a * b}


def value_of(text, symbols):
    """An expression's value, or None where it has symbols without a name."""
    if not isinstance(text, str):
        return text
    if "?" in text or "..." in text:
        return None
    def walk(n):
        if isinstance(n, ast.Expression):
            return walk(n.body)
        if isinstance(n, ast.Constant):
            return n.value
        if isinstance(n, ast.Name):
            return symbols[n.id]
        if isinstance(n, ast.UnaryOp):
            return -walk(n.operand)
        if isinstance(n, ast.Call):
            return FUNCTIONS[n.func.id](*(walk(a) for a in n.args))
        a, b = walk(n.left), walk(n.right)
        return a + b if isinstance(n.op, ast.Add) else a - b if isinstance(n.op, ast.Sub) else a * b
    try:
        return walk(ast.parse(text, mode="eval"))
    except (KeyError, TypeError, SyntaxError):
        return None


def check_graphs(program, seeds, folder):
    import fuzz_graphs
    held, wrong, cases, paths = 0, [], {}, []
    for seed in seeds:
        case, builder = fuzz_graphs.generate(seed)
        if case:
            path = folder / f"graph{seed}.onnx"
            path.write_bytes(case.model.SerializeToString())
            cases[str(path)] = (seed, builder)
            if not any("Sequence" in n.op_type for n in case.model.graph.node):  # of the sizes of items we keep numbers only
                paths.append(path)
    for path, mine in facts(program, list(cases)).items():
        seed, builder = cases[path]
        if "error" in mine:
            wrong.append(f"graph {seed}: {mine['error']}")
            continue
        for v in builder.values:
            fact = mine["values"].get(v.name)
            if fact is None:
                continue
            held += 1
            for k, a in enumerate(v.arrays):
                symbols = {s: sizes[k] for s, sizes in builder.symbols.items()}
                dims = [value_of(d, symbols) for d in fact.get("dims", [])]
                if fact["type"] != TYPES[fuzz_graphs.number_of(a.dtype)]:
                    wrong.append(f"graph {seed}: '{v.name}': type {fact['type']}, it is {a.dtype}")
                elif "dims" in fact and (len(dims) != a.ndim or any(d is not None and d != n for d, n in zip(dims, a.shape))):
                    wrong.append(f"graph {seed}: '{v.name}': dims {fact['dims']}, sizes {k}: {list(a.shape)}")
                elif "elems" in fact:
                    elems = [value_of(e, symbols) for e in fact["elems"]]
                    if len(elems) != a.size or any(e is not None and e != n for e, n in zip(elems, a.ravel().tolist())):
                        wrong.append(f"graph {seed}: '{v.name}': elements {fact['elems']}, sizes {k}: {a.ravel().tolist()}")
                    else:
                        continue
                else:
                    continue
                break
    more = check_files(program, paths, folder)
    return held + more[0], wrong + more[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("paths", nargs="*", type=pathlib.Path)
    parser.add_argument("--graphs", type=int, default=None, help="random graphs (default 100, none where paths are given)")
    parser.add_argument("--seed", type=int, default=1, help="of the first of them")
    parser.add_argument("--exceptions", type=pathlib.Path, default=ROOT / "tests/suite/shape_exceptions.txt", help="lines that may differ, with the reason")
    options = parser.parse_args()
    program = str(options.build / "tests/model/facts")
    roots = options.paths or [options.build / word for word in ("cases", "coverage", "contrib", "ml-cases")]
    files = sorted(f for r in roots for f in ([r] if r.is_file() else r.rglob("*.onnx")))
    count = options.graphs if options.graphs is not None else 0 if options.paths else 100
    jobs = [(check_files, files[i:i + 100]) for i in range(0, len(files), 100)]
    jobs += [(check_graphs, range(options.seed + i, options.seed + min(count, i + 20))) for i in range(0, count, 20)]
    held, wrong = 0, []
    with tempfile.TemporaryDirectory() as base, concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        waiting = []
        for i, (function, what) in enumerate(jobs):
            folder = pathlib.Path(base) / str(i)
            folder.mkdir()
            waiting.append(pool.submit(function, program, what, folder))
        for w in waiting:
            n, bad = w.result()
            held += n
            wrong += bad
    listed = [line.split("  #")[0].strip() for line in options.exceptions.read_text().splitlines()] if options.exceptions.exists() else []
    listed = [line for line in listed if line and line[0] != "#"]
    used = collections.Counter()
    left = []
    for text in wrong:
        match = next((line for line in listed if re.search(line, text)), None)
        used[match] += 1
        if match is None:
            left.append(text)
    for text in left:
        print(text.replace(str(options.build) + "/", ""))
    print(f"{held} values of {len(files)} models and {count} graphs: {len(left)} differences, {len(wrong) - len(left)} excused")
    sys.exit(bool(left))


if __name__ == "__main__":
    main()
