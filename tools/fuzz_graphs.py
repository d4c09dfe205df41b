#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Differential fuzzing with graphs that make sense: random models of 1 to 30 operators, at level 99 and level 0, on three sets of
sizes, with one thread and with four, against onnx.reference.

    fuzz_graphs.py LIBRARY [--count N | --seconds S] [--seed K] [--out FOLDER] [--also LIBRARY] [--jobs J]

Graph number K is always the same. What fails is shrunk (nodes become inputs, outputs go) and written to FOLDER as a case that
`sardonyx test` runs. --also runs what failed on another library (ONNX Runtime's), to see whom it agrees with. Exit code 1 when
anything failed. Every eighth graph is odd: NaN, infinities and zeros of either sign are among its inputs. How graphs grow:
fuzz_builder.py; of what: fuzz_families.py, fuzz_nets.py and fuzz_moves.py.
"""
import argparse
import collections
import os
import pathlib
import pickle
import select
import shutil
import signal
import sys
import time
import traceback
import warnings

import numpy as np
import onnx
from onnx import helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import fuzz_moves  # noqa: E402  (lies beside this file)
from fuzz_builder import BINDINGS, STEP, Builder, captured, is_float, number_of  # noqa: E402
from library import Failure, Library  # noqa: E402

warnings.simplefilter("ignore")
Case = collections.namedtuple("Case", "model feeds wants")  # feeds, wants: per binding; name -> array; name -> (array, noise)
SPLIT = [("sardonyx.split_steps", "1")]


def generate(seed):
    b = Builder(seed, odd=seed % 8 == 6)
    for _ in range(b.rng.randint(1, 3)):
        b.some_input()
    if b.rng.random() < 0.4:
        b.some_input(b.rng.choice([np.dtype("int64"), np.dtype("int32"), np.dtype("bool"), np.dtype("uint8")]))
    if b.rng.random() < 0.3:
        b.input(b.dtype, ["N", b.rng.choice([3, 8, 16]), "S", 7], 0.7)
    fuzz_moves.grow(b, b.rng.randint(1, 30))
    outputs = b.results()
    if not outputs:
        return None, b
    feeds = [{v.name: v.arrays[k] for v in b.inputs} for k in range(BINDINGS)]
    wants = [{v.name: (v.arrays[k], v.noise(k)) for v in outputs} for k in range(BINDINGS)]
    return Case(b.model(outputs), feeds, wants), b


def differs(got, want, noise):
    """How an output is wrong, or ""."""
    if got.dtype != want.dtype:
        return f"type {got.dtype}, expected {want.dtype}"
    if got.shape != want.shape:
        return f"shape {got.shape}, expected {want.shape}"
    if not is_float(want.dtype):
        return "" if np.array_equal(got, want) else f"{np.count_nonzero(got != want)} of {want.size} elements differ"
    a, b = got.astype(np.float64), want.astype(np.float64)
    step = STEP[want.dtype]
    allowed = 4 * noise + 2 * step * np.abs(b) + step * 1e-2
    bad = ~(np.abs(a - b) <= allowed) & ~(np.isnan(a) & np.isnan(b)) & (a != b)
    if not bad.any():
        return ""
    k = int(np.argmax(np.where(bad, np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf), -1)))
    return f"{np.count_nonzero(bad)} of {want.size} elements differ, worst at {k}: got {a.flat[k]:.9g}, expected {b.flat[k]:.9g} (noise {noise:.3g})"


def check(library, case, threads=True):
    """(kind, text) of the first thing that is wrong, or None."""
    data = case.model.SerializeToString()
    names = list(case.wants[0])
    kept = {}
    ways = [("level 0", 0, 1, ()), ("level 99", 99, 1, ())]
    if threads:
        ways += [("4 threads", 99, 4, SPLIT), ("level 1", 1, 1, ()), ("level 2", 2, 1, ())]
    for word, level, width, config in ways:
        try:
            session = library.session(data, level, width, config)
        except Failure as e:
            return f"{word}: load", str(e)
        try:
            for turn, k in enumerate([0, 1, 2, 0] if width == 1 else range(BINDINGS)):
                try:
                    out = session.run(case.feeds[k], names)
                except Failure as e:
                    return f"{word}: run", f"sizes {k}: {e}"
                for name, got in zip(names, out):
                    want, noise = case.wants[k][name]
                    if width > 1:
                        same = kept[k, name]
                        if got.tobytes() != same.tobytes():
                            return f"{word}: bits", f"sizes {k}, '{name}': {differs(got, same, 0) or 'zeros or NaNs'}"
                        continue
                    why = differs(got, want, noise)
                    if why:
                        return f"{word}: numbers", f"sizes {k}{' again' if turn == 3 else ''}, '{name}': {why}"
                    kept[k, name] = got
        finally:
            session.close()
    return None


def check_safely(path, case, threads=True, timeout=60):
    """check() in a child, which may die."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reader)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.write(writer, pickle.dumps(check(Library(path), case, threads)))
        finally:
            os._exit(0)
    os.close(writer)
    data = b""
    end = time.monotonic() + timeout
    while select.select([reader], [], [], max(0, end - time.monotonic()))[0]:
        part = os.read(reader, 1 << 16)
        if not part:
            break
        data += part
    else:
        os.kill(child, signal.SIGKILL)
    os.close(reader)
    _, status = os.waitpid(child, 0)
    return pickle.loads(data) if data else (f"died of signal {status & 127}", "") if status else ("hangs", "")


# -- shrinking -------------------------------------------------------------------------------------------------------------------

def reads(node):
    found = [i for i in node.input if i]
    for a in node.attribute:
        if a.type == onnx.AttributeProto.GRAPH:
            found += captured(a.g)
    return found


def cut(case, values, outputs, without):
    """The model with these outputs; nodes that `without` names become inputs with the values they had."""
    graph = case.model.graph
    made = {o: n for n in graph.node for o in n.output if o}
    needed, nodes, inputs = list(outputs), [], []
    seen = set()
    while needed:
        name = needed.pop()
        if name in seen:
            continue
        seen.add(name)
        node = made.get(name)
        if node is None or (name in without and name in values):
            inputs.append(name)
        elif not any(node is n for n in nodes):
            nodes.append(node)
            needed += reads(node)
    order = {id(n): i for i, n in enumerate(graph.node)}
    nodes.sort(key=lambda n: order[id(n)])
    initializers = [t for t in graph.initializer if t.name in seen]
    kept = {t.name for t in initializers}
    infos = []
    declared = {i.name: i for i in graph.input}
    for name in inputs:
        if name in kept:
            continue
        if name in declared:
            infos.append(declared[name])
        else:
            v = values[name]
            infos.append(helper.make_tensor_value_info(name, number_of(v[0].dtype), [d[0] if len(set(d)) == 1 else None for d in zip(*(a.shape for a in v))]))
    results = [i for i in graph.output if i.name in outputs]
    told = {i.name for i in results}
    results += [helper.make_tensor_value_info(n, number_of(values[n][0].dtype), None) for n in outputs if n not in told]
    model = helper.make_model(helper.make_graph(nodes, "fuzz", infos, results, initializers), opset_imports=case.model.opset_import, ir_version=case.model.ir_version)
    feeds = [{i.name: values[i.name][k] for i in infos} for k in range(BINDINGS)]
    wants = [{n: case.wants[k].get(n) or (values[n][k], values["noise"][n][k]) for n in outputs} for k in range(BINDINGS)]
    return Case(model, feeds, wants)


def without_dead_nodes(model):
    """The same with bodies that have only the nodes that their outputs need."""
    def prune(graph):
        for _ in range(len(graph.node)):
            read = {o.name for o in graph.output}.union(*(reads(n) for n in graph.node)) if graph.node else set()
            dead = [n for n in graph.node if not read.intersection(n.output)]
            for n in dead:
                graph.node.remove(n)
            if not dead:
                break
        for n in graph.node:
            for a in n.attribute:
                if a.type == onnx.AttributeProto.GRAPH:
                    prune(a.g)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for n in copy.graph.node:
        for a in n.attribute:
            if a.type == onnx.AttributeProto.GRAPH:
                prune(a.g)
    return copy


def shrink(path, case, builder, kind):
    values = {v.name: v.arrays for v in builder.values}
    values["noise"] = {v.name: [v.noise(k) for k in range(BINDINGS)] for v in builder.values}
    threads = "threads" in kind or "died" in kind

    def fails(other):
        found = check_safely(path, other, threads)
        return found if found and found[0] == kind else None

    for name in list(case.wants[0]):  # one output, where that suffices
        other = cut(case, values, [name], ())
        if fails(other):
            case = other
            break
    else:
        for name in list(case.wants[0]):
            other = cut(case, values, [n for n in case.wants[0] if n != name], ())
            if other.wants[0] and fails(other):
                case = other
    other = case._replace(model=without_dead_nodes(case.model))
    if fails(other):
        case = other
    progress = True
    while progress and len(case.model.graph.node) > 1:
        progress = False
        for node in list(case.model.graph.node):
            others = [o for o in node.output if o]
            if set(others) & set(case.wants[0]) and len(case.wants[0]) == 1:  # the last node: what it reads instead
                inner = [i for i in reads(node) if i in values and any(i in n.output for n in case.model.graph.node) and i not in case.wants[0]]
                for i in inner:
                    other = cut(case, values, [i], ())
                    if fails(other):
                        case, progress = other, True
                        break
                if progress:
                    break
                continue
            other = cut(case, values, list(case.wants[0]), set(others))
            if len(other.model.graph.node) < len(case.model.graph.node) and fails(other):
                case, progress = other, True
                break
    found = check_safely(path, case, threads)
    return case, found


def write(case, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    onnx.save(case.model, folder / "model.onnx")
    for k in range(BINDINGS):
        data = folder / f"test_data_set_{k}"
        data.mkdir()
        for i, info in enumerate(case.model.graph.input):
            (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(case.feeds[k][info.name], info.name).SerializeToString())
        for i, info in enumerate(case.model.graph.output):
            (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(case.wants[k][info.name][0], info.name).SerializeToString())


# -- driving ---------------------------------------------------------------------------------------------------------------------

def tell(text):
    print(text, flush=True)


def failed(options, seed, case, builder, found):
    kind, text = found
    small, again = shrink(options.library, case, builder, kind)
    folder = options.out / str(seed)
    write(small, folder)
    tell(f"FAILED: graph {seed}: {kind}: {(again or found)[1]}\n  {folder}: {', '.join(n.op_type for n in small.model.graph.node)}")
    if options.also:
        other = check_safely(options.also, small, False)
        tell(f"  the other library: {': '.join(other) if other else 'as expected'}")


def work(options, first, step, end, pipe):
    """A child's life: graphs first, first + step, ...; says "seed" before and "ok", "bad" or "none" after each."""
    library = Library(options.library)
    seed, counts = first, collections.Counter()
    while time.monotonic() < end and seed < options.seed + options.count:
        os.write(pipe, f"{seed}\n".encode())
        try:
            case, builder = generate(seed)
            if case:
                found = check(library, case, options.threads and seed % 4 == 0)
                if found:
                    failed(options, seed, case, builder, found)
                counts["bad" if found else "ok"] += 1
                counts["nodes"] += len(case.model.graph.node)
        except Exception:  # noqa: BLE001  (ours, not the library's)
            tell(f"FAILED: graph {seed}: the fuzzer itself:\n{traceback.format_exc()}")
            counts["bad"] += 1
        seed += step
    os.write(pipe, f"end {counts['ok']} {counts['bad']} {counts['nodes']}\n".encode())


def child(options, first, end):
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        work(options, first, options.jobs, end, writer)
        os._exit(0)
    os.close(writer)
    return pid, reader


def drive(options, first, end):
    """One lane of seeds, over the deaths of its children; yields counts."""
    total = collections.Counter()
    while True:
        pid, reader = child(options, first, end)
        with os.fdopen(reader) as said:
            lines = said.read().split("\n")
        os.waitpid(pid, 0)
        last = [line for line in lines if line][-1]
        if last.startswith("end"):
            ok, bad, nodes = map(int, last.split()[1:])
            total.update(ok=ok, bad=bad, nodes=nodes)
            return total
        seed = int(last)
        total["ok"] += len([line for line in lines if line]) - 1
        total["bad"] += 1
        case, builder = generate(seed)
        found = check_safely(options.library, case) or ("died of something that did not come again", "")
        failed(options, seed, case, builder, found)
        first = seed + options.jobs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=None, help="this many graphs (default 400, with --seconds no end)")
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--seed", type=int, help="number of the first graph (default 1, with --seconds by the clock)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/fuzz-graphs"))
    parser.add_argument("--also", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-threads", dest="threads", action="store_false")
    options = parser.parse_args()
    options.count = options.count or (10 ** 15 if options.seconds else 400)
    if options.seed is None:
        options.seed = int(time.time()) * 1000 if options.seconds else 1
    start = time.monotonic()
    end = start + (options.seconds or 10 ** 9)
    if options.jobs > 1:
        import concurrent.futures
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as lanes:
            totals = list(lanes.map(lambda lane: drive(options, options.seed + lane, end), range(options.jobs)))
    else:
        totals = [drive(options, options.seed, end)]
    total = sum(totals, collections.Counter())
    graphs = total["ok"] + total["bad"]
    print(f"{graphs} graphs, {total['bad']} failed, {total['nodes'] / max(1, graphs):.1f} nodes each, {graphs / (time.monotonic() - start) * 60:.0f} a minute")
    sys.exit(total["bad"] > 0)


if __name__ == "__main__":
    main()
