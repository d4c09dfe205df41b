#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What two libraries make of the tables of this folder, line by line where they differ.

    compare.py TABLE_TEST OURS THEIRS FILE...        TABLE_TEST: build/tests/op/op_table_test

Ends in one line of counts: how often both refuse with one code, with two, and only one of them refuses. An operator that theirs
has no kernel for is not counted."""
import re
import subprocess
import sys

VARIANTS = ("constant", "static", "open sizes", "open rank")
RESULT = re.compile(r"  (constant|static|open sizes|open rank)\s+(values|load|run|input) ?(.*)")


def ask(program, library, files):
    """{line: {variant: (stage, what came)}}; a line that ends the process has the variant 'died'."""
    text = subprocess.run([program, library, *files, "--print", "--apart"], capture_output=True, text=True, errors="replace").stdout
    found, line = {}, None
    for row in text.splitlines():
        result = RESULT.match(row)
        if result and line:
            found[line].setdefault(result[1], (result[2], result[3]))
        elif row.startswith("  dies") and line:
            found[line]["died"] = ("died", row.strip())
        elif "=>" in row and not row.startswith(" "):
            line = row
            found.setdefault(line, {})
    return found


def main():
    program, ours, theirs, *files = sys.argv[1:]
    a, b = ask(program, ours, files), ask(program, theirs, files)
    same = codes = only_ours = only_theirs = 0
    for line, results in a.items():
        told = False
        for variant in VARIANTS:
            x, y = results.get(variant), b.get(line, {}).get(variant)
            if not x or not y or y[1].startswith("NOT_IMPLEMENTED"):
                continue
            x_code, y_code = (r[1].split()[0] if r[0] != "values" else None for r in (x, y))
            if x_code == y_code and (x_code or re.sub("-nan", "nan", x[1]) == re.sub("-nan", "nan", y[1])):
                same += x_code is not None
                continue
            codes += bool(x_code and y_code)
            only_ours += bool(x_code and not y_code)
            only_theirs += bool(y_code and not x_code)
            if not told:
                print(line)
            told = True
            print(f"  {variant:11}ours   {x[0]} {x[1][:200]}\n  {'':11}theirs {y[0]} {y[1][:200]}")
        if "died" in b.get(line, {}):
            print(f"{line}\n  theirs {b[line]['died'][1]}")
    print(f"both refuse: {same} with one code, {codes} with two; only ours: {only_ours}; only theirs: {only_theirs}")


if __name__ == "__main__":
    main()
