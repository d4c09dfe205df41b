#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles the public headers as every dialect that programs use them in, without a warning. Usage: header_matrix.sh INCLUDE_DIR
set -u
dir=${1:-include}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include "onnxruntime_c_api.h"\n#include "sardonyx.h"\nint main(void) { return OrtGetApiBase() == 0; }\n' > "$work/a.c"
printf '#include "onnxruntime_ep_c_api.h"\nint main(void) { OrtEp ep; (void)ep; return 0; }\n' > "$work/b.c"
cp "$work/a.c" "$work/a.cc"
cp "$work/b.c" "$work/b.cc"
failed=0 done=0
try() { # compiler, dialect, suffix
  command -v "$1" > /dev/null || { echo "skipped: no $1"; return; }
  for f in a b; do
    if "$1" -std="$2" -Wall -Wextra -pedantic -Werror -I "$dir" -fsyntax-only "$work/$f.$3"; then done=$((done + 1))
    else echo "FAILED: $1 -std=$2 $f"; failed=1; fi
  done
}
for std in c99 c11 c17; do try gcc $std c; try clang $std c; done
for std in c++11 c++14 c++17 c++20; do try g++ $std cc; try clang++ $std cc; done
try x86_64-w64-mingw32-gcc c11 c
echo "$done compilations"
[ "$done" -gt 0 ] && exit $failed
