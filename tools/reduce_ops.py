#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A smaller library from a list of operators: which rows of ops.def and kernels.def it keeps.

    reduce_ops.py models PROGRAM LIST MODEL...     writes the list of what models need, by `sardonyx check --operators`
    reduce_ops.py tables LIST OUT OBJECTS          OUT/ops/ops.def and OUT/ep/cpu/kernels.def with the rows to keep

docs/REDUCED.md says what a list looks like. What stands there may be written in a model. What can run is more: upgrades and
lowerings say an operator in others, and what they name is read off the relocations of the objects that the file OBJECTS lists, so
that nobody keeps a second list of it. A fused operator stays when an operator that it was fused from does.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOMAINS = {"onnx": "", "ml": "ai.onnx.ml", "ms": "com.microsoft", "preview": "ai.onnx.preview", "training": "ai.onnx.preview.training"}
# What passes and lowerings are written in stays whatever the list says, and so does the rest of the elementwise family, whose
# operators are rows of one kernel. Models of classical learning alone have no use for it.
CORE = set("""Concat Expand Flatten Gather Identity Reshape Shape Slice Squeeze Transpose Unsqueeze""".split())
CORE |= set(re.findall(r"\bROW\((\w+)\)", (ROOT / "src/ep/cpu/bind/elementwise.c").read_text())) - {"N"}
# Operators of ours that come from others than their lowering names.
CONVOLUTIONS = {"Conv", "ConvTranspose", "ConvInteger", "QLinearConv"}
ALSO = {"QuantLinear": {"QuantizeLinear", "MatMulInteger"}, "ToBlocked": CONVOLUTIONS, "FromBlocked": CONVOLUTIONS}


def rows(file):
    return re.findall(r"^(\w+)\((\w+)(?:, (\w+))?\)", (ROOT / "src" / file).read_text(), re.M)


def operators():
    """{(domain, name as models write it): name of the sx_op}."""
    found = {}
    for kind, first, second in rows("ops/ops.def"):
        if kind == "PRIVATE":
            found["sardonyx", first] = first
        else:
            found[DOMAINS[first], re.sub("^Ms(?=[A-Z])", "", second) if first == "ms" else second] = second
    return found


def read_list(file):
    """The (domain, name) pairs of a list."""
    pairs = []
    for line in pathlib.Path(file).read_text().splitlines():
        line = re.sub(r"\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", "", line.split("#")[0]).strip()
        if line.startswith("!"):
            continue  # ONNX Runtime's settings for types
        if ";" in line:
            domain, _, names = (line.split(";") + ["", ""])[:3]
            pairs += [(domain.strip(), n.strip()) for n in names.split(",") if n.strip()]
        elif line:
            domain, _, name = line.rpartition(":")
            pairs.append((domain.strip(), name.strip()))
    return [("" if d == "ai.onnx" else d, n) for d, n in pairs]


def wanted(file):
    """The names of the list's sx_ops; stops where the list names what there is not."""
    known, names, bad = operators(), [], []
    for pair in read_list(file):
        if pair in known:
            names.append(known[pair])
        elif pair == ("", "Constant"):
            names.append("Constant")  # the importer's own
        elif pair[0] in ("com.microsoft.nchwc", "com.ms.internal.nhwc"):
            continue  # what ONNX Runtime's optimiser makes for itself
        else:
            bad.append(f"{file}: there is no operator '{pair[1]}' in domain '{pair[0] or 'ai.onnx'}'")
    if bad or not names:
        sys.exit("\n".join(bad or [f"{file}: names no operator"]))
    return set(names)


def references(objects):
    """{name: names that its section refers to}; what only infers makes no nodes and is passed over."""
    out = subprocess.run(["readelf", "-rW", *objects], capture_output=True, text=True, check=True).stdout
    local, edges, file, name = collections.defaultdict(set), {}, "", ""
    symbol = re.compile(r"^\.(?:text|data|rodata|rel|ro|local|unlikely|\.)+\.")
    for line in out.splitlines():
        if line.startswith("File: "):
            file = line[6:]
        elif line.startswith("Relocation section"):
            name = symbol.sub("", re.match(r"Relocation section '\.rela?(\S+)'", line)[1])
            edges.setdefault((file, name), set())
        elif re.match(r"[0-9a-f]{8}", line) and len(line.split()) > 4:
            edges[file, name].add(symbol.sub("", line.split()[4]))
    for f, n in edges:
        local[n].add(f)
    return edges, local


def closure(start, edges, local):
    """The sx_ops that one can become."""
    todo, seen, found = [(f, f"sx_op_{start}") for f in local[f"sx_op_{start}"]], set(), set()
    while todo:
        at = todo.pop()
        if at in seen or re.match(r"(sx_)?infer", at[1]):
            continue
        seen.add(at)
        if at[1].startswith("sx_op_"):
            found.add(at[1][6:])
        for n in edges[at]:
            todo += [(at[0], n)] if (at[0], n) in edges else [(f, n) for f in local.get(n, ())]
            if n.startswith("sx_op_") and n not in local:
                found.add(n[6:])  # a row without hooks of its own
    return found


def keep(names, objects):
    """(operators for models, operators that can run)."""
    edges, local = references(objects)
    known = set(operators().values())
    learning = {n for (domain, _), n in operators().items() if domain == "ai.onnx.ml"}
    run = set() if names <= learning else set(CORE)
    for n in names:
        run |= closure(n, edges, local)
    for kind, name, _ in rows("ops/ops.def"):
        if kind == "PRIVATE" and ((closure(name, edges, local) | ALSO.get(name, set())) - {name} - CORE) & run:
            run |= {name}
    return names, run & known


def write_tables(names, run, out):
    for file, has in (("ops/ops.def", lambda n: n in names), ("ep/cpu/kernels.def", lambda n: re.sub(r"_\d$", "", n[7:]) in run)):
        lines = []
        for line in (ROOT / "src" / file).read_text().splitlines():
            row = re.match(r"(\w+)\((\w+)(?:, (\w+))?\)", line)
            if not row or has(row[3] or row[2]) or (row[1] == "PRIVATE" and row[2] in run):
                lines.append(line)
        target = pathlib.Path(out) / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(lines) + "\n")


def write_list(program, file, models):
    """One line per domain, with what any of the models needs."""
    out = subprocess.run([program, "check", "--operators", *models], stdout=subprocess.PIPE, text=True)
    if out.returncode:
        sys.exit(out.returncode)
    domains = {}
    for line in out.stdout.splitlines():
        domain, opset, names = line.split(";")
        versions, all_names = domains.setdefault(domain, (set(), set()))
        versions.add(int(opset))
        all_names.update(names.split(","))
    lines = [f"{d};{max(v)};{','.join(sorted(n))}" for d, (v, n) in domains.items()]
    pathlib.Path(file).write_text(f"# The operators of {', '.join(pathlib.Path(m).name for m in models)}\n" + "\n".join(lines) + "\n")
    print(f"{file}: {sum(len(n) for _, n in domains.values())} operators of {len(models)} models")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = args.add_subparsers(dest="what", required=True)
    models, tables = what.add_parser("models"), what.add_parser("tables")
    models.add_argument("program")
    models.add_argument("list")
    models.add_argument("model", nargs="+")
    tables.add_argument("list")
    tables.add_argument("out")
    tables.add_argument("objects")
    args = args.parse_args()
    if args.what == "models":
        return write_list(args.program, args.list, args.model)
    names, run = keep(wanted(args.list), [o for o in pathlib.Path(args.objects).read_text().split() if "/src/ops/" in o])
    write_tables(names, run, args.out)
    print(f"{args.list}: {len(names)} operators for models, {len(run)} that can run")


if __name__ == "__main__":
    main()
