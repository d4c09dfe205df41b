#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The library's bytes by folder of src/, and the longest files.

    size_report.py [BUILD]              the report
    size_report.py --ceiling [BUILD]    exit code 1 when the stripped library is above its ceiling
    size_report.py --part BUILD LIBRARY PERCENT   ... when a reduced library has more than so much of the whole one
    size_report.py --check              exit code 1 when a file written by hand has more than 500 lines and is not in LONG
"""
import collections
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_MOST = 500
LONG = {"include/onnxruntime_c_api.h": "the whole of ONNX Runtime's interface, in its order",
        "src/abi/slots.def": "a line for each function of that interface",
        "tests/abi/bad_models.h": "bytes, written by make_bad_models.py",
        "tests/abi/session_test.c": "one session in all its calls, in the order of a program",
        "tests/contrib/cases.py": "a list of cases, one after the other",
        "tests/unit/elementwise_test.c": "a check for each kind of instruction over the same drive"}
BYTES_MOST = 3_230_000  # of the stripped release library with every instruction set of x86; the aim is 2 MB
KINDS = {".c", ".h", ".inc", ".def", ".py", ".sh", ".js", ".ts", ".cmake"}


def line_counts():
    for folder in ("src", "include", "cli", "tests", "bench", "tools", "examples", "bindings", "cmake"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in KINDS and ".gen." not in file.name and "node_modules" not in file.parts and file.is_file():
                yield sum(1 for _ in open(file, errors="replace")), file.relative_to(ROOT).as_posix()


PRICE = {"meaning: versions, inference, what it is said in": ["src/ops/*/*"], "binding: attributes and shapes to a kernel": ["src/ep/cpu/bind/*"],
         "kernels": ["src/ep/cpu/kernels/**/*", "src/ep/cpu/image/*", "src/ep/cpu/vec.h"],
         "kernels of values that are no plain tensors": [f"src/run/{name}.c" for name in ("control", "host", "maps", "text*", "regex", "tokenizer")]}


def price_table():
    """Markdown: the lines that operators are made of, without empty ones, over the number of operators."""
    operators = len(re.findall(r"^OP\(", (ROOT / "src/ops/ops.def").read_text(), re.M))
    table, total = ["| what | lines | per operator |", "| --- | ---: | ---: |"], 0
    for name, patterns in PRICE.items():
        files = {f for pattern in patterns for f in ROOT.glob(pattern) if f.suffix in (".c", ".h") and ".gen." not in f.name}
        lines = sum(bool(line.strip()) for f in files for line in f.read_text().splitlines())
        table.append(f"| {name} | {lines:,} | {lines / operators:.0f} |")
        total += lines
    return table + [f"| all, for {operators} operators in all their versions and types | {total:,} | {total / operators:.0f} |"]


def object_bytes(build):
    """Bytes of code and data that each source contributes, summed by folder; one line per ISA level."""
    folders = collections.Counter()
    for o in build.glob("CMakeFiles/sx_*.dir/src/**/*.o"):
        target = o.relative_to(build / "CMakeFiles").parts[0][3:-4]
        parts = o.relative_to(build / "CMakeFiles").parts[2:-1]
        out = subprocess.run(["size", o], capture_output=True, text=True).stdout.splitlines()
        if len(out) > 1:
            text, data, bss = map(int, out[1].split()[:3])
            folders["/".join(parts[:4]) + ("" if target in ("core", "tables") else f"  [{target}]")] += text + data
    return folders


def stripped(library):
    with tempfile.NamedTemporaryFile() as f:
        subprocess.run(["strip", "-o", f.name, library], check=True)
        return os.path.getsize(f.name)


def is_release(build):
    """Whether the library is the one that users get: gcc's for x86, neither instrumented nor without optimisation."""
    cache = dict(re.findall(r"^(\w+):\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M))
    return cache.get("CMAKE_BUILD_TYPE", "") in ("", "Release") and not cache.get("SX_SANITIZE") and \
        "clang" not in cache["CMAKE_C_COMPILER"] and "zig" not in cache["CMAKE_C_COMPILER"] and \
        platform.machine() in ("x86_64", "AMD64") and "CMAKE_TOOLCHAIN_FILE" not in cache


def check_ceiling(build, library, most):
    if not library.exists() or not is_release(build):
        print("size: no release library for x86 to measure")
        sys.exit(77)
    size = stripped(library)
    print(f"size: {os.path.relpath(library, build)} has {size:,} bytes, stripped; at most {most:,}")
    if size > most:
        print("what grew: tools/size_report.py lists the bytes of every folder")
    sys.exit(size > most)


def main():
    lines = sorted(line_counts(), reverse=True)
    if "--check" in sys.argv:
        long = {f: n for n, f in lines if n > LINES_MOST}
        for f in sorted(long.keys() ^ LONG.keys()):
            print(f"{f}: {long[f]} lines, more than {LINES_MOST}: split it" if f in long else f"{f}: no longer long, take it off LONG")
        print(f"size: longest file {lines[0][1]} with {lines[0][0]} lines")
        sys.exit(long.keys() != LONG.keys())
    named = [a for a in sys.argv[1:] if not a.startswith("--")]
    build = pathlib.Path(named[0] if named else ROOT / "build")
    if "--ceiling" in sys.argv:
        check_ceiling(build, build / "libsardonyx.so", BYTES_MOST)
    if "--part" in sys.argv:
        check_ceiling(build, pathlib.Path(named[1]), stripped(build / "libsardonyx.so") * int(named[2]) // 100)
    folders = object_bytes(build)
    for name, size in folders.most_common():
        print(f"{size:10,}  {name}")
    print(f"{sum(folders.values()):10,}  code and data of all objects")
    if (build / "libsardonyx.so").exists():
        print(f"{stripped(build / 'libsardonyx.so'):10,}  libsardonyx.so, stripped")
    print("\n" + "\n".join(price_table()) + "\n\nlongest files:")
    for n, f in lines[:10]:
        print(f"{n:10,}  {f}")


if __name__ == "__main__":
    main()
