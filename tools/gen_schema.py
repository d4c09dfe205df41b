#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes src/ops/schema.gen.inc: every version of every operator schema, as the C tables of src/ops/schema.h.

The rows come from the pinned `onnx` package and from src/ops/schema_contrib.tsv (operators the package does not know). Most
versions of an operator repeat the parameters of the one before, so parameters, attributes, constraints and type sets lie in
one pool each, and equal runs are stored once. Names are places in one text, and rows hold places in the pools, because a pointer
costs 32 bytes in a shared library: its own and its relocation. `--check` compares instead of writing.
"""
import argparse
import pathlib
import re
import struct
import sys

ONNX_VERSION = "1.23.2"
ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "src/ops/schema.gen.inc"
CONTRIB = ROOT / "src/ops/schema_contrib.tsv"

DOMAINS = ["", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training", "com.microsoft"]
DOMAIN_ENUM = ["ONNX", "ML", "PREVIEW", "TRAINING", "MS"]
# AttributeProto.AttributeType, as in sx_attr_type.
ATTR_TYPES = ["UNDEFINED", "FLOAT", "INT", "STRING", "TENSOR", "GRAPH", "FLOATS", "INTS", "STRINGS", "TENSORS", "GRAPHS",
              "SPARSE_TENSOR", "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS"]
# In the order of SX_MAP_KINDS.
MAPS = ["map(int64,string)", "map(string,int64)", "map(int64,float)", "map(int64,double)", "map(string,float)",
        "map(string,double)", "seq(map(string,float))", "seq(map(int64,float))"]
TYPESET_FIELDS = ["tensor", "seq", "opt", "opt_seq", "sparse", "maps"]
TYPE_FORMS = [(re.compile(f), field) for f, field in [
    (r"tensor\((\w+)\)$", "tensor"), (r"seq\(tensor\((\w+)\)\)$", "seq"), (r"optional\(tensor\((\w+)\)\)$", "opt"),
    (r"optional\(seq\(tensor\((\w+)\)\)\)$", "opt_seq"), (r"sparse_tensor\((\w+)\)$", "sparse")]]


def float_text(value):
    """A float attribute as the shortest of at most nine digits that reads back to the same float32."""
    return "%.9g" % struct.unpack("f", struct.pack("f", float(value)))[0]


def typeset(type_names, data_types):
    """Type strings of the standard as the six masks of sx_typeset."""
    masks = dict.fromkeys(TYPESET_FIELDS, 0)
    for name in type_names:
        plain = name.replace(" ", "")
        as_map = re.sub(r"tensor\((\w+)\)", r"\1", plain)
        if as_map in MAPS:
            masks["maps"] |= 1 << MAPS.index(as_map)
            continue
        for form, field in TYPE_FORMS:
            match = form.match(plain)
            if match:
                masks[field] |= 1 << data_types[match.group(1).upper()]
                break
        else:
            raise SystemExit(f"unknown type {name!r}")
    return tuple(masks[f] for f in TYPESET_FIELDS)


class Pool:
    """Items in one array; a run of items that is already there is not stored twice."""

    def __init__(self):
        self.items = []
        self.where = {}

    def run(self, items):
        key = tuple(items)
        if not key:
            return 0
        if key not in self.where:
            start = next((i for i in range(len(self.items)) if tuple(self.items[i:i + len(key)]) == key), None)
            if start is None:
                start = len(self.items)
                self.items.extend(key)
            self.where[key] = start
        return self.where[key]


class Text:
    """Strings one after the other, each with its end; one that another ends in is not stored twice."""

    def __init__(self, strings):
        self.stored, self.where, end = [], {"": 0}, 1
        for text in sorted(set(strings) - {""}, key=lambda t: (-len(t.encode()), t)):
            at = next((self.where[s] + len(s.encode()) - len(text.encode()) for s in self.stored if s.endswith(text)), None)
            if at is None:
                at = end
                end += len(text.encode()) + 1
                self.stored.append(text)
            self.where[text] = at
        if end > 0xffff:
            raise SystemExit("the names need wider places than uint16_t")

    def rows(self):
        return ['"\\0"'] + [c_string(s)[:-1] + '\\0"' for s in self.stored]


class Schema:
    """One row, from the package or from the contrib file: plain Python values, types as tuples of strings."""

    def __init__(self, domain, name, since):
        self.domain, self.name, self.since = DOMAINS.index(domain), name, since
        self.flags, self.inputs, self.outputs, self.attrs, self.constraints = set(), [], [], [], []
        self.counts = ()

    def add_param(self, to, name, type_str, types, flags, min_arity):
        names = [c for c, _ in self.constraints]
        index = names.index(type_str) if type_str in names else -1
        to.append((name, index, tuple(sorted(flags)), min_arity, () if index >= 0 else tuple(sorted(types))))


def default_text(attr, proto_types):
    """The default of an attribute in the text form of schema.h, or None."""
    value = attr.default_value
    kind = proto_types.get(value.type, "")
    if kind == "FLOAT":
        return float_text(value.f)
    if kind == "INT":
        return str(value.i)
    if kind == "STRING":
        return value.s.decode()
    if kind == "FLOATS":
        return ",".join(map(float_text, value.floats)) or "[]"
    if kind == "INTS":
        return ",".join(map(str, value.ints)) or "[]"
    if kind == "STRINGS":
        return ",".join(s.decode() for s in value.strings) or "[]"
    if kind in ("", "UNDEFINED"):
        return None
    raise SystemExit(f"attribute {attr.name}: default of type {kind} has no text form")


def from_package(onnx):
    options = onnx.defs.OpSchema.FormalParameterOption
    non_differentiable = onnx.defs.OpSchema.DifferentiationCategory.NonDifferentiable
    proto_types = {v: k for k, v in onnx.AttributeProto.AttributeType.items()}
    for s in onnx.defs.get_all_schemas_with_history():
        row = Schema(s.domain, s.name, s.since_version)
        row.constraints = [(c.type_param_str, tuple(sorted(c.allowed_type_strs))) for c in s.type_constraints]
        for formal, to in ((s.inputs, row.inputs), (s.outputs, row.outputs)):
            for p in formal:
                flags = set()
                if p.option == options.Optional:
                    flags.add("OPTIONAL")
                if p.option == options.Variadic:
                    flags.add("VARIADIC")
                    if not p.is_homogeneous:
                        flags.add("HETEROGENEOUS")
                if p.differentiation_category == non_differentiable:
                    flags.add("NON_DIFFERENTIABLE")
                row.add_param(to, p.name, p.type_str, p.types, flags, p.min_arity if "VARIADIC" in flags else 0)
        row.attrs = [(a.name, a.type.name, a.required, default_text(a, proto_types)) for _, a in sorted(s.attributes.items())]
        row.counts = (s.min_input, s.max_input, s.min_output, s.max_output)
        for flag, on in (("DEPRECATED", s.deprecated), ("FUNCTION", s.has_function),
                         ("CONTEXT_BODY", s.has_context_dependent_function),
                         ("NONDETERMINISTIC", s.node_determinism == onnx.defs.OpSchema.NodeDeterminism.NonDeterministic),
                         ("EXPERIMENTAL", s.support_level == onnx.defs.OpSchema.SupportType.EXPERIMENTAL)):
            if on:
                row.flags.add(flag)
        yield row


def count_range(text):
    low, _, high = text.partition("-")
    return int(low), 0xffff if high == "*" else int(high or low)


def from_contrib(path):
    """The rows of schema_contrib.tsv; its head explains the columns."""
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        columns = (line.split("\t") + [""] * 10)[:10]
        domain, name, since, inputs, outputs, attrs, constraints, n_in, n_out, flags = columns
        row = Schema("" if domain == "ai.onnx" else domain, name, int(since))
        for text in filter(None, constraints.split(";")):
            param, _, types = text.partition("=")
            row.constraints.append((param, tuple(sorted(types.split("|")))))
        for text, to in ((inputs, row.inputs), (outputs, row.outputs)):
            for item in filter(None, text.split(";")):
                param, type_str, *rest = item.split(":")
                words = rest[0].split(",") if rest else []
                row.add_param(to, param, type_str, [type_str], {w.upper() for w in words if not w.startswith("min")},
                              next((int(w[3:]) for w in words if w.startswith("min")), int("variadic" in words)))
        for item in filter(None, attrs.split(";")):
            attr, kind, rest = item.split(":", 2)
            default = rest[1:].strip('"') if rest.startswith("=") else None
            if default is not None and kind == "float":
                default = float_text(default)
            row.attrs.append((attr, kind.upper(), rest == "required", default))
        row.counts = count_range(n_in) + count_range(n_out)
        row.flags = {f.upper().replace("-", "_") for f in filter(None, flags.split(","))}
        yield row


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def c_flags(prefix, flags):
    return "|".join(prefix + f for f in flags) or "0"


def wrap(items, comma=",", width=124):
    """Items with commas behind them, in lines of at most `width`."""
    lines, line = [], " "
    for item in items:
        if len(line) + len(item) + 2 > width:
            lines.append(line)
            line = " "
        line += " " + item + comma
    return lines + ([line] if line.strip() else [])


def generate(onnx):
    data_types = dict(onnx.TensorProto.DataType.items())
    rows = sorted([*from_package(onnx), *from_contrib(CONTRIB)], key=lambda r: (r.domain, r.name, r.since))
    keys = [(r.domain, r.name, r.since) for r in rows]
    if len(set(keys)) != len(keys):
        raise SystemExit("two schemas of one operator and version")

    typesets, params, attrs, constraints = Pool(), Pool(), Pool(), Pool()
    set_of = lambda types: typesets.run([typeset(types, data_types)])
    set_of(())
    # Long runs first, so that short ones are found inside them.
    lists = [(r.inputs, params) for r in rows] + [(r.outputs, params) for r in rows]
    lists += [(r.attrs, attrs) for r in rows] + [(r.constraints, constraints) for r in rows]
    for items, pool in sorted(lists, key=lambda x: -len(x[0])):
        pool.run(items)

    text = Text([r.name for r in rows] + [item[0] for pool in (params, attrs, constraints) for item in pool.items] +
                [a[3] or "" for a in attrs.items])
    at = text.where
    param_rows = [f"{{{at[n]}, {set_of(t)}, {c}, {c_flags('', f)}, {m}}}" for n, c, f, m, t in params.items]
    constraint_rows = [f"{{{at[n]}, {set_of(t)}}}" for n, t in constraints.items]
    attr_rows = [f"{{{at[n]}, {at[d or '']}, A_{k}, {int(r)}, {int(d is not None)}}}" for n, k, r, d in attrs.items]
    if max(len(pool.items) for pool in (typesets, params, attrs, constraints)) > 0xffff:
        raise SystemExit("a pool needs wider places than uint16_t")
    set_rows = ["{" + ", ".join(hex(m) if m else "0" for m in s) + "}" for s in typesets.items]
    latest = {d: max(r.since for r in rows if r.domain == d) for d in range(len(DOMAINS))}
    latest[0] = onnx.defs.onnx_opset_version()
    latest[1] = onnx.defs.onnx_ml_opset_version()

    row_lines = []
    for r in rows:
        n = [min(c, 0xffff) for c in r.counts]
        row_lines.append(
            f"  S({DOMAIN_ENUM[r.domain]}, {r.name}, {at[r.name]}, {r.since}, {c_flags('F_', sorted(r.flags))}, {n[0]}, {n[1]}, {n[2]}, {n[3]}, "
            f"{len(r.inputs)}, {params.run(r.inputs)}, {len(r.outputs)}, {params.run(r.outputs)}, "
            f"{len(r.attrs)}, {attrs.run(r.attrs)}, {len(r.constraints)}, {constraints.run(r.constraints)})")
    out = [
        "// SPDX-License-Identifier: MIT",
        f"/* Written by tools/gen_schema.py from onnx {ONNX_VERSION} and schema_contrib.tsv; `make schema` writes it anew. Included by schema.c",
        " * alone, which defines S, the flags and the short names. Parameters are {name, type set, constraint, flags, min arity},",
        " * attributes {name, default, type, required, has default}; names and defaults are places in `text`, type sets in",
        " * sx_typesets. A row ends in (count, place in the pool) of its inputs, outputs, attributes and constraints. */", "",
        "static const uint16_t domain_latest[SX_DOMAIN_COUNT] = {" + ", ".join(str(latest[d]) for d in sorted(latest)) + "};", "",
        "static const char text[] =", *wrap(text.rows(), ""), "  ;", "",
        "const sx_typeset sx_typesets[] = {", *wrap(set_rows), "};", "",
        "static const sx_schema_param params[] = {", *wrap(param_rows), "};", "",
        "static const sx_schema_attr attrs[] = {", *wrap(attr_rows), "};", "",
        "static const sx_schema_constraint constraints[] = {", *wrap(constraint_rows), "};", "",
        "const sx_schema sx_schemas[] = {", *row_lines, "};"]
    return "\n".join(out) + "\n"


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    check = args.parse_args().check
    try:
        import onnx
    except ImportError:
        sys.exit(f"gen_schema: needs the Python package onnx=={ONNX_VERSION} (tools/setup.sh makes build/venv)")
    if onnx.__version__ != ONNX_VERSION:
        sys.exit(f"gen_schema: needs onnx {ONNX_VERSION}, found {onnx.__version__}")
    text = generate(onnx)
    if not check:
        OUT.write_text(text)
    elif not OUT.exists() or OUT.read_text() != text:
        sys.exit(f"gen_schema: {OUT.relative_to(ROOT)} is not what onnx {ONNX_VERSION} gives; run `make schema`")


if __name__ == "__main__":
    main()
