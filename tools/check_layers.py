#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Refuses an include against the order of dependence (docs/ARCHITECTURE.md), and a source file without its licence line.

    check_layers.py [ROOT]      prints FILE:LINE: reason for each, exit code 1 when there is one
"""
import pathlib
import re
import sys

# Folder of src/ -> folders it may include besides itself. The longest matching folder counts; "ep" alone is ep/*.h.
BELOW_OPS = ["base", "ir", "ops"]
BELOW_RUN = BELOW_OPS + ["onnx", "pass", "ep", "plan"]
ALLOWED = {
    "base": [],
    "ir": ["base"],
    "ops": ["base", "ir"],
    "onnx": BELOW_OPS,
    "pass": BELOW_OPS,
    "ep": BELOW_OPS,
    "ep/cpu": BELOW_OPS + ["ep"],
    "plan": BELOW_OPS + ["pass", "ep"],
    "run": BELOW_RUN,
    "quant": BELOW_RUN + ["run", "ep/cpu"],  # its products are the kernels
    "abi": BELOW_RUN + ["run", "quant", "ep/cpu", "include"],
}
# Providers are named in one place, the table that starts them.
PROVIDER_TABLES = {"src/run/providers.c": ["ep/cpu"]}
OUTSIDE = ["cli", "examples", "bindings"]  # the public headers alone
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
SUFFIXES = {".c", ".h", ".inc", ".def"}


def layer_of(path):
    """The layer that a path below src/ belongs to, or None."""
    parts = pathlib.PurePosixPath(path).parts[:-1]
    for n in range(len(parts), 0, -1):
        name = "/".join(parts[:n])
        if name in ALLOWED:
            return name
    return None


def check_file(root, file, problems):
    name = file.relative_to(root).as_posix()
    inside = name.startswith("src/")
    layer = layer_of(name[4:]) if inside else None
    if inside and layer is None:
        problems.append(f"{name}:1: no layer is called so; name its place in tools/check_layers.py")
        return
    lines = file.read_text(errors="replace").splitlines()
    if not lines or "SPDX-License-Identifier: MIT" not in lines[0]:
        problems.append(f"{name}:1: the first line must be // SPDX-License-Identifier: MIT")
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, target = match.groups()
        public = (root / "include" / target).exists()
        if quote == "<" and not public and not (root / "src" / target).exists():
            continue
        if not inside:
            if not public and not (file.parent / target).exists():
                problems.append(f"{name}:{number}: {target}: only the public headers are open to {name.split('/')[0]}/")
            continue
        if public:
            if "include" not in ALLOWED[layer]:
                problems.append(f"{name}:{number}: {target}: {layer} may not include the public headers")
            continue
        of = layer_of(target)
        if of is None or not (root / "src" / target).exists():
            if not re.search(r"\.gen\.\w+$", target):
                problems.append(f"{name}:{number}: {target}: not a path below src/")
        elif of != layer and of not in ALLOWED[layer] + PROVIDER_TABLES.get(name, []):
            problems.append(f"{name}:{number}: {target}: {layer} may not include {of} (docs/ARCHITECTURE.md, who may include whom)")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    problems = []
    for folder in ["src", *OUTSIDE]:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in SUFFIXES and "node_modules" not in file.parts and "build" not in file.parts:
                check_file(root, file, problems)
    print("\n".join(problems) or "layers: every include follows the order of dependence")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
