#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# fuzz.sh BUILD [TARGET...]: builds the fuzz targets with clang's libFuzzer under ASan and UBSan and runs each for FUZZ_SECONDS
# (60), from the committed seeds; what it finds new lies in BUILD/corpus/, what crashes in BUILD/crashes/.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build-fuzz}
[ $# -gt 0 ] && shift
command -v clang > /dev/null || { echo "fuzz: needs clang (tools/setup.sh test)"; exit 1; }
generator=$(command -v ninja > /dev/null && echo Ninja || echo "Unix Makefiles")
# The lowest instruction set only: kernels are not instrumented, and clang takes minutes over the others.
levels=$(sed -n 's/^\([a-z0-9]*\)  *[a-z0-9_]* -m.*/-DSX_HAVE_\1=OFF/p' src/ep/cpu/isa.def src/ep/cpu/features.def)
# shellcheck disable=SC2086
cmake -S . -B "$build" -G "$generator" $levels -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
  "-DCMAKE_C_FLAGS_DEBUG=-O1 -g1" -DSX_FUZZ=ON \
  -DSX_SANITIZE=address,undefined > /dev/null
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls ./*_fuzz.c | sed 's/.*\/\(.*\)\.c/\1/')
cmake --build "$build" -j "$(nproc)" --target "$@"
for target in "$@"; do
  name=${target%_fuzz}
  mkdir -p "$build/corpus/$name" "$build/crashes"
  echo "fuzz: $target for ${FUZZ_SECONDS:-60} s"
  "$build/tests/fuzz/$target" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$build/crashes/$name-" "$build/corpus/$name" "tests/fuzz/corpus/$name"
done
