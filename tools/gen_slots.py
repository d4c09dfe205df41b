#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What follows from the list of slots: src/abi/slots.def says how each is served, the public headers what it takes.

    gen_slots.py            writes docs/ABI.md and tests/abi/slots.gen.inc anew
    gen_slots.py --check    says what is out of date; exit code 1 when something is

Other tools import `tables()`.
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEF = ROOT / "src/abi/slots.def"
HEADERS = {"OrtEpApi": "include/onnxruntime_ep_c_api.h"}  # the others are in onnxruntime_c_api.h
TABLES = {"API": "OrtApi", "EDITOR": "OrtModelEditorApi", "COMPILE": "OrtCompileApi", "INTEROP": "OrtInteropApi",
          "EP": "OrtEpApi", "PACKAGE": "OrtModelPackageApi"}
WORDS = {"DONE": "works", "ABSENT": "provider absent"}
Slot = collections.namedtuple("Slot", "table index name how returns params")  # params: (type, name) of each


def split(text):
    """Parameters: commas outside parentheses."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [p.strip() for p in parts if p.strip() not in ("", "void")]


def parameter(text):
    """'const char *name' -> ('const char*', 'name')."""
    text = re.sub(r"\b_\w+_\b(\(\w+\))?", "", text)
    callback = re.fullmatch(r"(\w+ ?\**)\(.*?\* ?(\w+)\)\(.*\)", text.strip())
    if callback:
        return "callback", callback[2]
    kind, name, many = re.fullmatch(r"(.*?)(\w+)(\[\w*\])?", text.strip(), re.S).groups()
    kind = re.sub(r"\s*\*\s*", "*", re.sub(r"\s+", " ", kind.replace("struct ", "").strip()))
    return kind.removesuffix("*const") + "*" * kind.endswith("*const") + ("*" if many else ""), name


def signatures(table):
    """{slot: (what it returns, [(type, name)])} of a table, in the header's order."""
    text = (ROOT / HEADERS.get(table, "include/onnxruntime_c_api.h")).read_text()
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    body = re.search(rf"^struct {table} {{(.*?)^}};", text, re.S | re.M)[1]
    found = {}
    for item in filter(None, (re.sub(r"\s+", " ", i).strip() for i in body.split(";"))):
        m = re.fullmatch(r"ORT_CLASS_RELEASE\((\w+)\)", item)
        if m:
            found["Release" + m[1]] = ("void", [(f"Ort{m[1]}*", "input")])
            continue
        m = re.fullmatch(r"ORT_API2_STATUS\((\w+),?(.*)\)", item)
        if m:
            name, returns, params = m[1], "OrtStatus*", m[2]
        else:
            m = re.fullmatch(r"ORT_API_T\((.*?), (\w+),?(.*)\)", item) or \
                re.fullmatch(r"(.*?)\(ORT_API_CALL \*(\w+)\)\((.*)\) ?(?:NO_EXCEPTION)?(?: ORT_ALL_ARGS_NONNULL)?", item)
            returns, name, params = m[1], m[2], m[3]
        found[name] = (re.sub(r"\s*\*\s*", "*", returns.strip()).strip(), [parameter(p) for p in split(params)])
    return found


def tables():
    """Every slot of every table, in order."""
    known, slots = {t: signatures(t) for t in TABLES.values()}, []
    for short, index, name, how in re.findall(r"^([A-Z]+)\((\d+), (\w+), ([A-Z]+)\)$", DEF.read_text(), re.M):
        slots.append(Slot(TABLES[short], int(index), name, how, *known[TABLES[short]][name]))
    return slots


def document(slots):
    lines = ["# The C interface, slot by slot", "",
             "Written by `make slots` out of `src/abi/slots.def`; `make lint` holds them against each other. A slot *works*; or it serves a",
             "vendor's *provider* that is *absent* from this library, and answers what ONNX Runtime answers in a build without it (the same",
             "status code, tested). No slot is NULL. `GetApi` gives the same table for every version from 1 to 31.", "",
             "| table | slots | works | provider absent |", "| --- | --: | --: | --: |"]
    for table in TABLES.values():
        count = collections.Counter(WORDS[s.how] for s in slots if s.table == table)
        lines.append(f"| {table} | {sum(count.values())} | {count['works']} | {count['provider absent']} |")
    for table in TABLES.values():
        lines += ["", f"## {table}", "", "| slot | name | |", "| --: | --- | --- |"]
        lines += [f"| {s.index} | {s.name} | {WORDS[s.how]} |" for s in slots if s.table == table]
    return "\n".join(lines) + "\n"


def include(slots):
    lines = ["// SPDX-License-Identifier: MIT",
             "/* Written by tools/gen_slots.py: SLOT(table, name, STATUS when it is a call that may fail, else PLAIN, what it returns,",
             " * the types it takes), in order. `callback` is a function of KernelContext_ParallelFor's. */"]
    for s in slots:
        kind = "STATUS" if s.returns == "OrtStatus*" and s.name != "CreateStatus" else "PLAIN"
        lines.append(f"SLOT({', '.join([s.table, s.name, kind, s.returns] + [t for t, _ in s.params])})")
    return "\n".join(lines) + "\n"


def main():
    slots, stale = tables(), 0
    for path, text in ((ROOT / "docs/ABI.md", document(slots)), (ROOT / "tests/abi/slots.gen.inc", include(slots))):
        if sys.argv[1:] == ["--check"]:
            if not path.exists() or path.read_text() != text:
                print(f"{path.relative_to(ROOT)} differs from src/abi/slots.def and the headers: run 'make slots'")
                stale = 1
        else:
            path.write_text(text)
    sys.exit(stale)


if __name__ == "__main__":
    main()
