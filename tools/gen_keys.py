#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The configuration keys of src/abi/keys.def as public headers, and as docs/CONFIG.md.

    gen_keys.py            writes them anew
    gen_keys.py --check    says what is out of date, and which key is read or not against what the list says; exit code 1
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
Key = collections.namedtuple("Key", "where constant key how text")
HEADERS = {  # where -> header, what it is
    "SESSION": ("onnxruntime_session_options_config_keys.h", "Keys of AddSessionConfigEntry and SetEpDynamicOptions."),
    "RUN": ("onnxruntime_run_options_config_keys.h", "Keys of AddRunConfigEntry."),
    "ENV": ("onnxruntime_env_config_keys.h", "Keys of an environment's configuration (CreateEnvWithOptions)."),
    "METADATA": ("onnxruntime_ep_device_ep_metadata_keys.h", "Keys of the metadata of devices, providers and models."),
}
HOW = {"HONOURED": "honoured", "PROVIDER": "for providers", "NOTHING": "changes nothing"}
TITLES = {"SESSION": "Session options", "RUN": "Run options", "DYNAMIC": "Dynamic options of providers", "ENV": "Environment",
          "METADATA": "Metadata"}


def keys():
    text = (ROOT / "src/abi/keys.def").read_text()
    return [Key(*m) for m in re.findall(r'^KEY\((\w+), (\w*), "([^"]*)", (\w+), "(.*)"\)$', text, re.M)]


def header(where, found):
    name, what = HEADERS[where]
    guard = "SX_" + name.upper().replace(".", "_")
    lines = ["// SPDX-License-Identifier: MIT", f"/* {what} Written by tools/gen_keys.py; docs/CONFIG.md says what each does. */",
             f"#ifndef {guard}", f"#define {guard}"]
    for k in found:
        if k.constant and HEADERS.get(k.where, HEADERS["SESSION"])[0] == name:
            lines += [f"/* {HOW[k.how].capitalize()}{'. ' + k.text[0].upper() + k.text[1:] if k.text else ''}. */", f'static const char *const {k.constant} = "{k.key}";']
    return "\n".join([*lines, "#endif"]) + "\n"


def document(found):
    lines = ["# Configuration entries", "",
             "Every key that ONNX Runtime documents, and what it does here. *Honoured*: the library reads it. *For providers*: it is kept for",
             "the code of plugin providers, and for the host where a provider asks for it. *Changes nothing*: harmless, and why. A session",
             "warns of a `session.`, `optimization.` or `mlas.` entry that is none of these. Written by `make keys` out of `src/abi/keys.def`."]
    for where, title in TITLES.items():
        lines += ["", f"## {title}", "", "| key | | |", "| --- | --- | --- |"]
        lines += [f"| `{k.key}` | {HOW[k.how]} | {k.text} |" for k in found if k.where == where]
    return "\n".join(lines) + "\n"


def misread(found):
    """Keys that the sources read, or do not, against the list."""
    sources = "\n".join(p.read_text(errors="replace") for p in (ROOT / "src").rglob("*.[ch]"))
    for k in found:
        reads = bool(k.constant) and re.search(rf"\b{k.constant}\b", sources) is not None
        if reads and k.how == "NOTHING" or not reads and k.how == "HONOURED":
            yield f"src/abi/keys.def: {k.key} is {'read' if reads else 'read nowhere'}, the list says {k.how}"
        if k.how == "HONOURED" and "." in k.key and f'"{k.key}"' in sources:
            yield f"src/abi/keys.def: {k.key} stands as a text in src/; use the constant"


def main():
    found = keys()
    out = {ROOT / "include" / HEADERS[w][0]: header(w, found) for w in HEADERS}
    out[ROOT / "docs/CONFIG.md"] = document(found)
    if sys.argv[1:] != ["--check"]:
        for path, text in out.items():
            path.write_text(text)
        return
    bad = list(misread(found)) + [f"{p.relative_to(ROOT)} differs from src/abi/keys.def: run 'make keys'" for p, text in out.items()
                                  if not p.exists() or p.read_text() != text]
    print("\n".join(bad))
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
