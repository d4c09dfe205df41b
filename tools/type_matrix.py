#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The type matrix: each operator in each version and type of the pinned `onnx` package, with its answer.

    type_matrix.py BUILD OUT [--cases FOLDER] [--only OP ...] [--jobs N] [--all]

The models are those of coverage.py, and more of them with the shapes of type_matrix_shapes.py. What is expected comes from
type_matrix_reference.py, and stays in OUT until the tools change; `sardonyx test` runs and compares. One line at the end:
rows x types, and how many of them give the answer expected in all their cases.
"""
import argparse
import collections
import hashlib
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import sys
import warnings
import zlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import coverage  # noqa: E402
import coverage_recipes  # noqa: E402
import type_matrix_data as data  # noqa: E402
import type_matrix_reference as reference  # noqa: E402
import type_matrix_shapes as shapes  # noqa: E402

WORK = []  # (schema, template, folder) of every row, for the processes that make the cases
NONE = "no answer"
# Type of output: allowed differences, relative and absolute. Two units in the last place of 16 bits; fewer bits are exact.
TOLERANCE = {"tensor(float16)": (2**-9, 2**-23), "tensor(bfloat16)": (2**-6, 1e-7), "tensor(float)": (1e-4, 1e-6), "tensor(double)": (1e-9, 1e-10),
             "tensor(complex64)": (1e-4, 1e-6), "tensor(complex128)": (1e-9, 1e-10)}
COARSE = {"AffineGrid": 1e-6, "GroupNormalization": 1e-6, "LayerNormalization": 1e-6, "RMSNormalization": 1e-6, "Resize": 1e-5, "GridSample": 1e-6, "Attention": 1e-6,
          "DeformConv": 1e-8}  # computed in float on the way, by the standard or for speed


def constant(value, text):
    """A constant of the table of shapes."""
    dtype = np.float32 if text not in coverage.ELEMENT else data.dtype_of(coverage.ELEMENT[text])
    x = np.asarray(value)
    return data.convert(x.astype(np.float32) if x.dtype.kind == "f" else x, dtype) if x.size or x.dtype.kind != "f" else x.astype(np.int64 if "int" in text else np.float32)


def variants(schema):
    """Templates of the table of shapes, each with the shapes that it is fed with."""
    for attributes, named, feeds, outputs in shapes.rows(schema):
        most = max(len(f) for f in feeds)
        groups = collections.defaultdict(list)
        for f in feeds:  # the newest form is met with any rank; old ones want to know it, as they become the newest
            groups[len(f) if schema.since_version == reference.newest_row(schema.domain, schema.name) else tuple(map(len, f))].append(f)
        for group in groups.values():
            count = len(group[0])
            names, types, values, free = [], {}, {}, count
            for i, p in enumerate(schema.inputs):
                variadic = p.option == onnx.defs.OpSchema.FormalParameterOption.Variadic
                for k in range(free if variadic else 1):
                    name = f"x{i}" + (f"_{k}" if variadic else "")
                    if p.name in named:
                        text = p.type_str if p.type_str in coverage.ELEMENT else "tensor(int64)" if "tensor(int64)" in p.types else sorted(p.types)[0]
                        if isinstance(named[p.name], float) or (isinstance(named[p.name], list) and named[p.name] and isinstance(named[p.name][0], float)):
                            text = "tensor(float)"
                        t = numpy_helper.from_array(constant(named[p.name], text), name)
                        values[name], types[name] = t, (text, list(t.dims))
                    elif free:
                        free -= 1
                        ranks = {len(f[count - free - 1]) for f in group}
                        types[name] = (sorted(p.types)[0] if p.type_str in coverage.ELEMENT else "tensor(float)", [None] * ranks.pop() if len(ranks) == 1 else None)
                    else:
                        name = ""
                    names.append(name)
            while names and not names[-1]:
                names.pop()
            node = helper.make_node(schema.name, names, [f"y{o}" for o in range(outputs)], domain=schema.domain)
            node.attribute.extend(helper.make_attribute(k, float(v) if schema.attributes[k].type == onnx.defs.OpSchema.AttrType.FLOAT else v, attr_type=schema.attributes[k].type.value) for k, v in attributes.items())
            template = coverage.Template(node, types, values)
            if not free and most and coverage.valid(schema, template):
                yield template, group


def feed(schema, template, model, shape_of, seed):
    """Values for the inputs of a model, by name."""
    rng = np.random.default_rng(seed)
    values, order = {}, list(template.types)
    position = {n: i for i, n in enumerate(template.node.input)}
    for info in model.graph.input:
        text = coverage.type_text(info.type)
        shape = shape_of.get(info.name)
        if template.folder and info.name in order:
            value = data.read_case(template.folder, order.index(info.name), data.kind_of(template.types[info.name][0]))
            values[info.name] = settled(schema, template, position[info.name], data.convert_value(value, text, coverage.ELEMENT), value)
        elif info.name in template.values:
            values[info.name] = data.convert_value(numpy_helper.to_array(template.values[info.name]), text, coverage.ELEMENT)
        elif text.startswith("map("):
            key, item = text[4:-1].split(", ")
            keys = ["a", "b"] if key == "string" else [1, 2]
            values[info.name] = dict(zip(keys, ["1.5", "2.5"] if item == "string" else np.array([1.5, 2.5]).astype(data.dtype_of(coverage.ELEMENT[f"tensor({item})"]))))
        else:
            if shape is None:
                shape = coverage.shape_of(info.type) or []
            x = data.draw(rng, schema.name, position.get(info.name, 0), [d or 2 for d in shape] if info.name not in shape_of else shape, data.element_of(text, coverage.ELEMENT))
            x = settled(schema, template, position.get(info.name, 0), x, x)
            values[info.name] = [x, x] if text.startswith(("seq(", "optional(seq(")) else x
    return values


def settled(schema, template, index, x, before):
    """Values that would have no answer are changed to some that have."""
    if schema.name in ("Cast", "CastLike") and index == 0:
        if getattr(x, "dtype", None) == object:
            return np.array([str(int(v)) for v in np.nan_to_num(data.numbers(np.asarray(before)), posinf=9, neginf=-9).ravel() % 2], dtype=object).reshape(x.shape)
        return np.nan_to_num(x.astype(float), nan=0, posinf=100, neginf=0).astype(x.dtype) if data.is_float(x.dtype) and x.dtype not in data.SMALL else x  # what NaN becomes as an integer is nowhere said
    if schema.name in data.CERTAIN:
        return np.round(x)
    if schema.name in ("QuantizeLinear", "DequantizeLinear") and index == 2 and x.dtype in data.SMALL or schema.name == "QLinearMatMul" and index in (2, 5, 7) and x.dtype in data.SMALL:
        return np.zeros_like(x)  # floats have no zero point
    return x


def tolerance(types):
    return [max((TOLERANCE.get(re.sub(r"(seq|optional)\(|\)+$", "", t).rstrip(")") + ")", (0, 0))[k] for t in types), default=0) for k in (0, 1)]


def write(folder, model, sets, loose):
    """A case: the model, and for every set its inputs and outputs."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    types = set()
    for n, (inputs, outputs) in enumerate(sets):
        place = folder / f"test_data_set_{n}"
        place.mkdir()
        for k, info in enumerate(model.graph.input):
            (place / f"input_{k}.pb").write_bytes(data.proto(inputs[info.name], info.name, coverage.type_text(info.type)).SerializeToString())
        for k, (value, text) in enumerate(outputs):
            (place / f"output_{k}.pb").write_bytes(data.proto(value, "", text).SerializeToString())
            types.add(text)
    relative, absolute = (0, 1e9) if loose is None else tolerance(types)
    if relative == 1e-9:
        relative = absolute = max(relative, loose)
    (folder / "data.json").write_text(json.dumps({"rtol": relative, "atol": absolute}))


def make(schema, template, others, out):
    """All cases of one schema row: {label: [folder of a case, or why there is none]}."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    status = collections.defaultdict(list)
    key = f"{schema.domain or 'onnx'}.{schema.name}-{schema.since_version}"
    if schema.name in data.CERTAIN:
        template = template._replace(values={})  # drawn anew: 0 and 1
    loose = None if schema.name.startswith("Random") else COARSE.get(schema.name, 0)
    for v, (t, feeds) in enumerate([(template, [()]), *variants(schema), *((t, [()]) for t in others)]):
        for label, binding in coverage.bindings(schema, t):
            if v and any(label.endswith(f"=tensor({kind})") for kind in shapes.NOT_FOR.get(schema.name, ())):
                continue
            name = f"{key}.{re.sub(r'[^A-Za-z0-9=]+', '_', label)}/v{v}"
            try:
                model, sets = coverage.build(schema, t, binding), []
                for n, shape in enumerate(feeds):
                    free = [x for x in t.node.input if x and x not in t.values]
                    inputs = feed(schema, t, model, dict(zip(free, shape)), zlib.crc32(f"{key}{v}{n}".encode()))
                    sets.append((inputs, reference.expected(schema, model, inputs, t, label)))
                write(out / name, model, sets, loose)
                status[label].append(name)
            except Exception as e:  # noqa: BLE001  (the reference refuses, in many ways: nothing is known)
                status[label].append(f"{NONE}, v{v}: {type(e).__name__}: {str(e)[:160]}")
    return key, dict(status)


def generate(cases, out, only, jobs, whole):
    """Writes the cases of all schema rows: {key: {label: [case, ...]}}."""
    suite = coverage.suite_templates(cases)
    for s in coverage.schemas():
        tried = [*coverage_recipes.templates(s, coverage.Template), *suite.get((s.domain, s.name), [])] if not only or s.name in only else []
        found = next((t for t in tried if coverage.valid(s, t)), None)
        if found:
            newest = whole and s.since_version == reference.newest_row(s.domain, s.name)
            WORK.append((s, found, [t for t in tried if t is not found and coverage.valid(s, t)] if newest else [], out))
    with multiprocessing.get_context("fork").Pool(jobs) as pool:  # a schema does not pickle: the children have the list
        return dict(pool.imap_unordered(make_one, range(len(WORK)), chunksize=4))


def make_one(i):
    return make(*WORK[i])


def identity(choice):
    """Of what the cases are made with."""
    tools = sorted(p for p in (ROOT / "tools").glob("*.py") if p.name.startswith(("coverage", "type_matrix", "gen_cases", "gen_ml")))
    return hashlib.sha256(b"".join(p.read_bytes() for p in tools) + f"{choice} {onnx.__version__} {np.__version__}".encode()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--cases", type=pathlib.Path, help="of the suite (default: BUILD/cases)")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--all", action="store_true", help="every case of the suite in every type, not one for each row")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    stamp, report = options.out / "status.json", options.out / "report.json"
    known = json.loads(stamp.read_text()) if stamp.exists() else {}
    if known.get("identity") != identity((options.only, options.all)):
        shutil.rmtree(options.out, ignore_errors=True)
        options.out.mkdir(parents=True)
        rows = generate(options.cases or options.build / "cases", options.out, options.only, options.jobs, options.all)
        known = {"identity": identity((options.only, options.all)), "rows": rows}
        stamp.write_text(json.dumps(known))
    report.unlink(missing_ok=True)
    ran = subprocess.run([options.build / "sardonyx", "test", options.out, "--jobs", str(options.jobs), "--timeout", "60", "--json", report],
                         capture_output=True, text=True)
    if not report.exists():
        sys.exit(f"the cases did not run: {ran.stderr[-400:]}")
    result = {c["name"].removeprefix(options.out.name + "/"): c for c in json.loads(report.read_text())["cases"]}
    total = passed = 0
    for key, labels in sorted(known["rows"].items()):
        for label, cases in labels.items():
            bad = [c for c in cases if c.startswith(NONE) or not result.get(c, {}).get("result", "").startswith("passed")]
            total, passed = total + 1, passed + (not bad)
            for c in bad:
                print(f"{key} {label}: {c}: {result.get(c, {}).get('why', '')}")
    print(f"type matrix: {passed} of {total} rows x types give the answer expected, {len(result)} cases")
    sys.exit(passed != total)


if __name__ == "__main__":
    main()
