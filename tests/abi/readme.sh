#!/bin/sh
# SPDX-License-Identifier: MIT
# The C program of README.md compiles as it stands and runs. BUILD is the build folder.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
[ -e "$build/libsardonyx.so" ] || { echo "no shared library in $build"; exit 77; }
if nm -D "$build/libsardonyx.so" | grep -q '__[at]san_init'; then echo "a program without a sanitizer"; exit 77; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' > "$work/program.c"
cc -Wall -Wextra -Werror -Iinclude "$work/program.c" -L"$build" -Wl,-rpath,"$build" -lsardonyx -o "$work/program"
"$work/program"
