#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_symbols.sh BUILD: the shared library exports what cmake/exports.map names and nothing else; an object that is compiled
# with the flags of an instruction set defines its one table and nothing else (a second global symbol, compiled for AVX2, could
# be called on a machine without it).
set -u
build=${1:-build}
cd "$(dirname "$0")/.."
failed=0
problem() { echo "symbols: $*"; failed=1; }

wanted=$(sed -n '/global:/,/local:/p' cmake/exports.map | sed -n 's/^ *\([A-Za-z_0-9*]*\);.*/\1/p' | sort)
for library in "$build/libsardonyx.so" "$build/ort/libonnxruntime.so.1"; do
  [ -e "$library" ] || { problem "$library is not there"; continue; }
  found=$(nm -D --defined-only "$library" | awk '{print $3}' | sed 's/@.*//' | sort)
  diff <(echo "$wanted") <(echo "$found") > /dev/null ||
    problem "$library: $(comm -3 <(echo "$wanted") <(echo "$found") | sed 's/^\t\(.*\)/\1 exported but not in exports.map/;t;s/$/ in exports.map but not exported/' | tr '\n' ';')"
done
readelf -d "$build/ort/libonnxruntime.so.1" 2> /dev/null | grep -q 'SONAME.*libonnxruntime\.so\.1\]' ||
  problem "build/ort/libonnxruntime.so.1 has another SONAME"
extra=$(readelf -d "$build/libsardonyx.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|libpthread|libdl|ld-linux.*)\.so')
[ -z "$extra" ] || [ -n "${SX_SANITIZED:-}" ] || problem "libsardonyx.so needs $extra: only libc and libm may be needed"

while read -r isa _; do
  for object in $(find "$build/CMakeFiles" -path "*sx_simd_$isa.dir/*" -name '*.o'); do
    symbols=$(nm -g --defined-only "$object" | awk '{print $3}')
    [ "$(echo "$symbols" | wc -w)" = 1 ] || problem "${object##*/} ($isa) defines $(echo "$symbols" | wc -w) symbols, not 1:" $symbols
    [[ $symbols == *__$isa ]] || problem "${object##*/}: $symbols does not end in __$isa"
  done
done < <(grep '^[a-z]' src/ep/cpu/isa.def)
[ $failed = 0 ] && echo "symbols: exports and kernel objects are as they should be"
exit $failed
