#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes src/base/unicode.gen.inc: simple case mapping as runs of code points with one distance, from Python's Unicode data.

A row is {first, last, step, distance}: each step-th code point from first to last maps to itself plus the distance.
"""
import pathlib
import unicodedata

OUT = pathlib.Path(__file__).resolve().parent.parent / "src/base/unicode.gen.inc"


def pairs(mapped):
    for code in range(0x110000):
        if not 0xd800 <= code < 0xe000 and len(mapped(chr(code))) == 1 and mapped(chr(code)) != chr(code):
            yield code, ord(mapped(chr(code))) - code


def runs(items):
    i = 0
    while i < len(items):
        ends = []
        for step in (1, 2):
            j = i
            while j + 1 < len(items) and items[j + 1] == (items[j][0] + step, items[i][1]):
                j += 1
            ends.append((j, step))
        j, step = max(ends, key=lambda e: e[0])
        yield items[i][0], items[j][0], step, items[i][1]
        i = j + 1


def main():
    lines = ["// SPDX-License-Identifier: MIT",
             f"/* Written by tools/gen_unicode.py from Unicode {unicodedata.unidata_version}; included by unicode.c alone. */"]
    for name, mapped in (("to_upper", str.upper), ("to_lower", str.lower)):
        lines.append(f"static const case_run {name}[] = {{")
        line = " "
        for row in runs(list(pairs(mapped))):
            text = " {%#x, %#x, %d, %d}," % row
            if len(line) + len(text) > 126:
                lines.append(line)
                line = " "
            line += text
        lines += [line, "};"]
    OUT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
