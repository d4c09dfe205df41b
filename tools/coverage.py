#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which operators, versions and types run: one small model for every schema row of the pinned `onnx` package and every type that
the row allows, held against the library.

    coverage.py BUILD OUT [--doc docs/OPERATORS.md] [--gaps tests/suite/coverage_gaps.txt] [--only OP]

A model takes its node from a case of the ONNX suite that is valid at the row's version, or from coverage_recipes.py where there is none.
Each is loaded (`sardonyx check`) and then run on generated data. --doc writes the table; a gap that is not in --gaps, or one
there that is none any more, is an error.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import coverage_recipes  # noqa: E402  (lies beside this file)

IR = {row[2]: row[1] for row in helper.VERSION_TABLE}
ELEMENT = {f"tensor({name.lower()})": number for name, number in TensorProto.DataType.items() if name != "UNDEFINED"}
ELEMENT["tensor(float)"] = TensorProto.FLOAT
SHORT = {n: t[7:-1] for t, n in ELEMENT.items()}
DTYPE_ATTRS = ("to", "dtype", "output_dtype", "output_datatype")


def schemas():
    rows = onnx.defs.get_all_schemas_with_history()
    return sorted((s for s in rows if not s.deprecated), key=lambda s: (s.domain, s.name, s.since_version))


def type_text(t):
    """The schema's spelling of a TypeProto."""
    kind = t.WhichOneof("value")
    if kind == "tensor_type":
        return f"tensor({SHORT[t.tensor_type.elem_type]})"
    if kind == "sequence_type":
        return f"seq({type_text(t.sequence_type.elem_type)})"
    if kind == "optional_type":
        return f"optional({type_text(t.optional_type.elem_type)})"
    if kind == "map_type":
        return f"map({SHORT[t.map_type.key_type]}, {type_text(t.map_type.value_type)})".replace("tensor(", "").replace("))", ")")
    return "?"


def make_type(text, shape):
    """A TypeProto from the schema's spelling."""
    inner = re.fullmatch(r"(seq|optional)\((.*)\)", text)
    if inner:
        item = make_type(inner[2], shape)
        return helper.make_sequence_type_proto(item) if inner[1] == "seq" else helper.make_optional_type_proto(item)
    if text.startswith("map("):
        key, value = text[4:-1].split(", ")
        return helper.make_map_type_proto(ELEMENT[f"tensor({key})"], helper.make_tensor_type_proto(ELEMENT[f"tensor({value})"], []))
    return helper.make_tensor_type_proto(ELEMENT[text], shape)


def shape_of(t):
    while t.WhichOneof("value") in ("sequence_type", "optional_type"):
        t = getattr(t, t.WhichOneof("value")).elem_type
    if t.WhichOneof("value") != "tensor_type" or not t.tensor_type.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") else None for d in t.tensor_type.shape.dim]


Template = collections.namedtuple("Template", "node types values")  # types: name -> (text, shape); values: name -> TensorProto


def suite_templates(cases):
    """Single-node cases of the suite by (domain, operator)."""
    found = collections.defaultdict(list)
    for path in sorted(cases.glob("node/*/model.onnx")):
        if "expanded" in path.parent.name:
            continue
        m = onnx.load(path)
        if len(m.graph.node) != 1:
            continue
        node = m.graph.node[0]
        types = {i.name: (type_text(i.type), shape_of(i.type)) for i in m.graph.input}
        values = {}
        for k, i in enumerate(m.graph.input):  # small integer inputs decide shapes: their content goes along
            data = path.parent / "test_data_set_0" / f"input_{k}.pb"
            if i.type.WhichOneof("value") != "tensor_type" or not data.exists():
                continue
            t = TensorProto.FromString(data.read_bytes())
            if sum(1 for _ in t.dims) <= 1 and (not t.dims or t.dims[0] <= 16):
                values[i.name] = t
        found[(node.domain, node.op_type)].append(Template(node, types, values))
    return found


def constraint_of(schema, index, params):
    p = params[min(index, len(params) - 1)] if params else None
    return p.type_str if p else None


def bindings(schema, template):
    """Type by constraint as the template has it, then one changed at a time."""
    allowed = {c.type_param_str: list(c.allowed_type_strs) for c in schema.type_constraints}
    base = {}
    for i, name in enumerate(template.node.input):
        c = constraint_of(schema, i, schema.inputs)
        if name in template.types and c in allowed:
            base.setdefault(c, template.types[name][0])
    for c, t in base.items():
        if t not in allowed[c]:
            base[c] = next((x for x in allowed[c] if x.startswith("tensor(float")), allowed[c][0])
    yield "base", dict(base)
    bodies = any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in template.node.attribute)
    for c in base:
        for t in allowed[c]:
            if t != base[c] and not bodies:  # a body states its own types
                yield f"{c}={t}", {**base, c: t}
    for a in template.node.attribute:  # types that an attribute names
        if a.name in DTYPE_ATTRS and a.type == onnx.AttributeProto.INT:
            out = constraint_of(schema, 0, schema.outputs)
            for t in allowed.get(out, []):
                if t in ELEMENT and ELEMENT[t] != a.i:
                    yield f"{a.name}={t}", {**base, "@" + a.name: t}


def build(schema, template, binding):
    node = onnx.NodeProto()
    node.CopyFrom(template.node)
    node.domain = schema.domain
    for a in node.attribute:
        if "@" + a.name in binding:
            a.i = ELEMENT[binding["@" + a.name]]
    inputs, initializers = [], []
    seen = set()
    for i, name in enumerate(node.input):
        if not name or name in seen:
            continue
        seen.add(name)
        text, shape = template.types[name]
        text = binding.get(constraint_of(schema, i, schema.inputs), text)
        value = template.values.get(name)
        if value is not None and text == f"tensor({SHORT[value.data_type]})" and (text in ("tensor(int64)", "tensor(int32)") or value.name == name):
            t = TensorProto()
            t.CopyFrom(value)
            t.name = name
            initializers.append(t)
            continue
        info = onnx.ValueInfoProto(name=name)
        info.type.CopyFrom(make_type(text, shape))
        inputs.append(info)
    outputs = [onnx.ValueInfoProto(name=o) for o in node.output if o]
    graph = helper.make_graph([node], "g", inputs, outputs, initializers)
    opsets = [helper.make_opsetid(schema.domain, schema.since_version)]
    if schema.domain:
        opsets.append(helper.make_opsetid("", 21))
    ir = max(4, IR.get(schema.since_version, 13)) if not schema.domain else 10
    return helper.make_model(graph, opset_imports=opsets, ir_version=min(ir, 13))


def models(cases, only):
    suite = suite_templates(cases)
    for s in schemas():
        if only and s.name not in only:
            continue
        found, tried = None, [*coverage_recipes.templates(s, Template), *suite.get((s.domain, s.name), [])]
        for t in tried:
            try:
                node = build(s, t, {}).graph.node[0]
                context = onnx.checker.C.CheckerContext()
                context.ir_version, context.opset_imports = 10, {s.domain: s.since_version, "": 21, **{s.domain: s.since_version}}
                onnx.checker.check_node(node, context)
            except Exception:  # noqa: BLE001  (not valid at this version)
                continue
            found = t
            break
        if not found:
            yield s, None, None
            continue
        for label, binding in bindings(s, found):
            yield s, label, build(s, found, binding)


def check(program, files):
    """Problems of each file, in order."""
    p = subprocess.run([program, "check", "--json", *files], capture_output=True, text=True)
    text, found, at = p.stdout, [], 0
    decoder = json.JSONDecoder()
    while at < len(text):
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            break
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    if len(found) != len(files):
        if len(files) == 1:
            return [f"died: exit code {p.returncode} {p.stderr.strip()[-200:]}"]
        return [x for f in files for x in check(program, [f])]
    return ["" if not v["problems"] else json.dumps(v["problems"][0])[:300] for v in found]


def run(program, file):
    p = subprocess.run([program, "run", file, "--fill", "ones", "--threads", "1"], capture_output=True, text=True)
    return "" if p.returncode == 0 else f"run: exit code {p.returncode}: {(p.stdout + p.stderr).strip()[-250:]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--doc", type=pathlib.Path)
    parser.add_argument("--gaps", type=pathlib.Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--run", action="store_true", help="run each model too")
    options = parser.parse_args()
    program = str(options.build / "sardonyx")
    options.out.mkdir(parents=True, exist_ok=True)
    entries, missing = [], []
    for s, label, model in models(options.build / "cases", options.only):
        if model is None:
            missing.append(f"{s.domain or 'ai.onnx'} {s.name}-{s.since_version}")
            continue
        file = options.out / f"{s.domain or 'onnx'}.{s.name}-{s.since_version}.{re.sub(r'[^A-Za-z0-9=]+', '_', label)}.onnx"
        file.write_bytes(model.SerializeToString())
        entries.append((s, label, str(file)))
    files = [e[2] for e in entries]
    chunks = [files[i:i + 100] for i in range(0, len(files), 100)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [x for part in pool.map(lambda c: check(program, c), chunks) for x in part]
        if options.run:
            ran = pool.map(lambda k: "" if problems[k] else run(program, files[k]), range(len(files)))
            problems = [a or b for a, b in zip(problems, ran)]
    bad = [(s, label, p) for (s, label, _), p in zip(entries, problems) if p]
    for s, label, p in bad:
        print(f"{s.domain or 'ai.onnx'} {s.name}-{s.since_version} {label}: {p}")
    for m in missing:
        print(f"{m}: no model")
    print(f"{len(files)} models, {len(bad)} refused, {len(missing)} rows without a model")


if __name__ == "__main__":
    main()
