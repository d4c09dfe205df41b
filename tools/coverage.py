#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which operators, versions and types run: one small model for every schema row of the pinned `onnx` package and every type that
the row allows, held against the library.

    coverage.py BUILD OUT [--run] [--compare] [--only OP ...] [--doc docs/OPERATORS.md] [--gaps tests/suite/coverage_gaps.txt] [--verify]

A model takes its node from a case of the ONNX suite that is valid at the row's version, or from coverage_recipes.py where there is none.
Each is loaded (`sardonyx check`); --run runs it as well, and what then dies or has no kernel for a type is a gap. --compare runs
it beside a twin in float (integers: in double) on the same numbers. --doc writes the table, --gaps the list of gaps; with
--verify both files must be as they would be written, but that the list may only have shrunk.
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
import tempfile

import numpy
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import coverage_recipes  # noqa: E402  (lies beside this file)
import size_report  # noqa: E402

PRICE_NOTE = """Lines of C without empty ones, written by hand. They stay few because a type costs none: what moves data works on element
sizes, what computes does it in six classes and converts at the edge of a tile (docs/ARCHITECTURE.md), a family's loops are one
source for all instruction sets, and the many operators that can be said in others are a function that says it and have no kernel.
`make size` prints the table as it is now."""

IR = {row[2]: row[1] for row in helper.VERSION_TABLE}
ELEMENT = {f"tensor({name.lower()})": number for name, number in TensorProto.DataType.items() if name != "UNDEFINED"}
ELEMENT["tensor(float)"] = TensorProto.FLOAT
SHORT = {n: t[7:-1] for t, n in ELEMENT.items()}
STATED = ("LabelEncoder", "OneHotEncoder", "TfIdfVectorizer")  # the attributes state the type of the input: tools/gen_ml_cases.py has each
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


# types: name -> (text, shape); values: name -> TensorProto, what becomes an initializer; folder: of a case of the suite, or None
Template = collections.namedtuple("Template", "node types values folder", defaults=[None])


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
        found[(node.domain, node.op_type)].append(Template(node, types, values, path.parent))
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
            if t != base[c] and not bodies and schema.name not in STATED:  # a body states its own types
                same = {"@to": t} if schema.name == "BitCast" else {}  # the same width is what it asks for
                if schema.name == "SequenceInsert":  # a tensor like those that are there
                    same = {"S": t if c == "S" else f"seq({t})", "T": t[4:-1] if c == "S" else t}
                yield f"{c}={t}", {**base, c: t, **same}
    for a in template.node.attribute:  # types that an attribute names
        if a.name in DTYPE_ATTRS and a.type == onnx.AttributeProto.INT:
            out = constraint_of(schema, 0, schema.outputs)
            for t in allowed.get(out, []):
                if schema.name != "BitCast" and t in ELEMENT and ELEMENT[t] != a.i:
                    yield f"{a.name}={t}", {**base, "@" + a.name: t}


def build(schema, template, binding):
    node = onnx.NodeProto()
    node.CopyFrom(template.node)
    node.domain = schema.domain
    for a in node.attribute:
        if "@" + a.name in binding:
            a.i = ELEMENT[binding["@" + a.name]]
    if schema.name == "DequantizeLinear" and binding.get("T2") == "tensor(float8e8m0)":
        node.attribute.append(helper.make_attribute("output_dtype", TensorProto.FLOAT))  # nothing else says what comes out
    if schema.name == "DictVectorizer" and binding.get("T1", "").startswith("map(int64"):
        node.attribute[0].CopyFrom(helper.make_attribute("int64_vocabulary", [1, 2]))
    if schema.name in ("Resize", "GridSample") and any(word in t for t in binding.values() for word in ("string", "complex", "bool")):
        kept = [a for a in node.attribute if a.name != "mode"]  # what is no number is taken from the nearest neighbour
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("mode", "nearest")])
    inputs, initializers = [], []
    seen = set()
    for i, name in enumerate(node.input):
        if not name or name in seen:
            continue
        seen.add(name)
        text, shape = template.types[name]
        wanted = constraint_of(schema, i, schema.inputs)
        if schema.name != "Gradient" or i:  # what is derived by is a float; what else the graph reads may be anything
            text = binding.get(wanted, wanted if wanted in ELEMENT else text)
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


def valid(schema, template):
    """Whether the template's node is one of this schema row."""
    try:
        node = build(schema, template, {}).graph.node[0]
        context = onnx.checker.C.CheckerContext()
        context.ir_version, context.opset_imports = 10, {"": 21, schema.domain: schema.since_version}
        onnx.checker.check_node(node, context)
    except Exception:  # noqa: BLE001  (whatever it says: not valid at this version)
        return False
    return True


def models(cases, only):
    suite = suite_templates(cases)
    for s in schemas():
        if only and s.name not in only:
            continue
        tried = [*coverage_recipes.templates(s, Template), *suite.get((s.domain, s.name), [])]
        found = next((t for t in tried if valid(s, t)), None)
        if not found:
            yield s, None, None
            continue
        for label, binding in bindings(s, found):
            yield s, label, build(s, found, binding)


def check(program, files):
    """Problems of each file, in order."""
    p = subprocess.run([program, "check", "--json", "-", *files], capture_output=True, text=True)
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
    said = p.stdout + p.stderr
    if p.returncode >= 0 and not re.search("NOT_IMPLEMENTED|EXCEPTION|FAIL: .*elementwise instruction", said):
        return ""  # ones are no sensible input everywhere: what an operator says against them is its right
    return f"run: exit code {p.returncode}: {(p.stdout + p.stderr).strip()[-250:]}"


RANDOM = ("Bernoulli", "Dropout", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
UNLIKE = ("BitCast", "BitShift", "CastLike", "Div", "Erf", "Gemm", "GridSample", "Mod", "Pow", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "Resize", "Sub")  # integers truncate or wrap
ROUNDING = {"tensor(float16)": 1 / 1024, "tensor(bfloat16)": 1 / 128, "tensor(double)": 1e-4}


def twin(schema, label, model):
    """The model with its node a second time in float (integers: double), fed through casts; None where that says nothing."""
    parts = re.fullmatch(r"(\w+)=(tensor\(.*\))", label)
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    if not parts or parts[1] not in allowed or schema.name in RANDOM:
        return None
    integer = "int" in parts[2]
    wide = "tensor(double)" if integer else "tensor(float)"
    if (not integer and parts[2] not in ROUNDING) or wide not in allowed[parts[1]] or (integer and schema.name in UNLIKE):
        return None
    both = onnx.ModelProto()
    both.CopyFrom(model)
    node = onnx.NodeProto()
    node.CopyFrom(model.graph.node[0])
    casts = []
    for i, name in enumerate(node.input):
        if name and constraint_of(schema, i, schema.inputs) == parts[1]:
            casts.append(helper.make_node("Cast", [name], [name + "__wide"], to=ELEMENT[wide]))
            node.input[i] = name + "__wide"
    ends = []
    for o, name in enumerate(node.output):
        if name:
            node.output[o] = name + "__twin"
            ends += [helper.make_node("Cast", [name], [name + "__a"], to=TensorProto.DOUBLE), helper.make_node("Cast", [name + "__twin"], [name + "__b"], to=TensorProto.DOUBLE)]
    both.graph.node.extend([*casts, node, *ends])
    del both.graph.output[:]
    both.graph.output.extend(helper.make_tensor_value_info(e.output[0], TensorProto.DOUBLE, None) for e in ends)
    if schema.domain:
        return both
    if schema.since_version < 9:  # casts of today beside an operator of then: their versions are one
        return None
    return both


def compare(program, model, label):
    """How the outputs differ from the twin's; "" where they agree or the model does not run on random numbers."""
    integer = "int" in label.split("=")[1]
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "twin.onnx"
        file.write_bytes(model.SerializeToString())
        p = subprocess.run([program, "run", str(file), "--fill", "random:7:0:4" if integer else "random:7:0.25:1", "-O", "0", "--threads", "1", "-o", folder + "/y.npz"], capture_output=True, text=True)
        if p.returncode < 0:
            return f"compare: exit code {p.returncode}"
        if p.returncode:
            return ""
        y = numpy.load(folder + "/y.npz")
        rounding = 0 if integer else ROUNDING[label.split("=")[1]]
        for name in y.files:
            if not name.endswith("__a"):
                continue
            a, b = y[name], y[name[:-1] + "b"]
            if a.shape != b.shape:
                return f"compare: {name[:-3]} has shape {a.shape}, in the twin {b.shape}"
            finite = b[numpy.isfinite(b)]
            near = 2 * rounding * max(1, abs(finite).max(initial=0))
            if not numpy.allclose(a, b, rtol=2 * rounding, atol=near, equal_nan=True):
                k = numpy.argmax(numpy.where(numpy.isfinite(a - b), abs(a - b), numpy.inf)) if a.size else 0
                return f"compare: {name[:-3]}[{k}] is {a.flat[k]:.9g}, in the twin {b.flat[k]:.9g}"
    return ""


def table(entries, problems, missing):
    """The text of docs/OPERATORS.md."""
    rows, known = collections.defaultdict(list), {}
    for (s, label, _), problem in zip(entries, problems):
        known.setdefault((s.domain, s.name, s.since_version), []).extend([label.replace("tensor(", "").replace(")", "")] if problem else [])
    for s in missing:
        known[(s.domain, s.name, s.since_version)] = ["no model to ask with"]
    for (domain, name, version), gaps in sorted(known.items()):
        rows[(domain, name)].append((version, ", ".join(gaps)))
    total = sum(1 for p in problems if not p)
    lines = ["# Operators", "", "Every schema row of the `onnx` package, asked for every type that it allows, one at a time. Written by `make operators`.", "",
             f"{total} of {len(entries)} models of one node are accepted, {len(known)} schema rows.", ""]
    for domain in sorted({d for d, _ in rows}):
        lines += [f"## {domain or 'ai.onnx'}", "", "| operator | versions | types |", "| --- | --- | --- |"]
        for (_, name), versions in sorted((k, v) for k, v in rows.items() if k[0] == domain):
            start = 0
            for i in range(1, len(versions) + 1):
                if i == len(versions) or versions[i][1] != versions[start][1]:
                    gaps = versions[start][1]
                    lines.append(f"| {name} | {', '.join(str(v) for v, _ in versions[start:i])} | {'all but ' + gaps if gaps else 'all'} |")
                    start = i
        lines.append("")
    ours = set(re.findall(r"^OP\(ms, (?:Ms)?(\w+)\)", (ROOT / "src/ops/ops.def").read_text(), re.M))
    contrib = sorted({line.split("\t")[1] for line in (ROOT / "src/ops/schema_contrib.tsv").read_text().splitlines() if line.startswith("com.microsoft\t")})
    lines += ["## com.microsoft", "", "| operator | implemented |", "| --- | --- |", *(f"| {n} | {'yes' if n in ours else 'no'} |" for n in contrib), ""]
    return "\n".join(lines + ["## What an operator costs", "", *size_report.price_table(), "", PRICE_NOTE, ""])


def held(path, text, verify):
    """Writes a file, or says that it is not what would be written; lines of code are as of the last writing."""
    old = path.read_text() if path.exists() else ""
    if not verify:
        path.write_text(text)
    return old.split("## What an operator costs")[0] == text.split("## What an operator costs")[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--doc", type=pathlib.Path)
    parser.add_argument("--gaps", type=pathlib.Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--compare", action="store_true", help="run each beside a twin in float")
    parser.add_argument("--verify", action="store_true", help="write no file, compare")
    parser.add_argument("--run", action="store_true", help="run each model too")
    options = parser.parse_args()
    program = str(options.build / "sardonyx")
    options.out.mkdir(parents=True, exist_ok=True)
    entries, missing, twins = [], [], []
    for s, label, model in models(options.build / "cases", options.only):
        if model is None:
            missing.append(s)
            continue
        file = options.out / f"{s.domain or 'onnx'}.{s.name}-{s.since_version}.{re.sub(r'[^A-Za-z0-9=]+', '_', label)}.onnx"
        file.write_bytes(model.SerializeToString())
        entries.append((s, label, str(file)))
        if options.compare:
            twins.append(twin(s, label, model))
    files = [e[2] for e in entries]
    chunks = [files[i:i + 100] for i in range(0, len(files), 100)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [x for part in pool.map(lambda c: check(program, c), chunks) for x in part]
        if options.run:
            ran = pool.map(lambda k: "" if problems[k] else run(program, files[k]), range(len(files)))
            problems = [a or b for a, b in zip(problems, ran)]
        if options.compare:
            compared = pool.map(lambda k: "" if problems[k] or not twins[k] else compare(program, twins[k], entries[k][1]), range(len(files)))
            problems = [a or b for a, b in zip(problems, compared)]
    gaps = {f"{s.domain or 'ai.onnx'} {s.name}-{s.since_version} {label}": p for (s, label, _), p in zip(entries, problems) if p}
    gaps.update({f"{s.domain or 'ai.onnx'} {s.name}-{s.since_version} base": "no model" for s in missing})
    wrong = 0
    listed = set(options.gaps.read_text().splitlines()) if options.verify and options.gaps else set()
    for gap, p in gaps.items():
        if gap not in listed:
            print(f"{gap}: {p}")
            wrong += options.verify
    for gap in sorted(listed - set(gaps)):
        print(f"{gap}: no gap any more; 'make operators' takes it off the list")
        wrong += 1
    if options.gaps and not options.verify:
        options.gaps.write_text("".join(g + "\n" for g in sorted(gaps)))
    if options.doc and not held(options.doc, table(entries, problems, missing), options.verify):
        print(f"{options.doc} is {'not what the library does: make operators' if options.verify else 'written'}")
        wrong += options.verify
    if options.compare:
        print(f"{sum(1 for t in twins if t)} models have a twin")
    print(f"{len(files)} models, {len(gaps)} gaps")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
