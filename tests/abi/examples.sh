#!/bin/sh
# SPDX-License-Identifier: MIT
# The examples do what their READMEs say. ONNXRUNTIME_LIBRARY names another library to hold them against. BUILD is the build folder.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
[ -e "$build/examples/c_client" ] || { echo "the examples are not built"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/smooth" <<'END'
inputs
  x: float [2, 4]
outputs
  y: float [2, 4]
    0
    0.5
    1.25
    2.125
    4
    4.5
    5.25
    6.125
END
here=$PWD
run() { # a folder with the library, or nothing for ours
  (cd "$here" && LD_LIBRARY_PATH=${1:-} "$build/examples/c_client" examples/custom_op/smooth.onnx "$build/examples/libcustom_op.so" >"$work/got")
  diff "$work/smooth" "$work/got"
  LD_LIBRARY_PATH=${1:-} "$build/examples/c_client" examples/digits/digits.onnx | grep -q 'probabilities: float \[1, 10\]'
}
run
"$build/sardonyx" run examples/custom_op/smooth.onnx --fill random --custom-ops "$build/examples/libcustom_op.so" >"$work/log" || { cat "$work/log"; exit 1; }
# Paths are from where the program is started, whichever library it runs on; two libraries do not share what they load.
program=$(cd "$build" && pwd)/sardonyx
other=${ONNXRUNTIME_LIBRARY:-$work/libother.so}
[ -n "${ONNXRUNTIME_LIBRARY:-}" ] || cp "$build/libsardonyx.so" "$other"
model=$PWD/examples/custom_op/smooth.onnx
cd "$build/examples"
"$program" run "$model" --fill random -L "$other" --custom-ops libcustom_op.so >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$program" info "$model" -L "$other" --custom-ops ./libcustom_op.so --ep-library sample=libsample_provider.so --ep SampleProvider >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
for command in "compare --with" "bench -n 1 --against"; do
  # shellcheck disable=SC2086
  "$program" $command "$other" "$model" --custom-ops libcustom_op.so >"$work/log" 2>&1 && exit 1
  grep -q 'one library at a time' "$work/log" || { cat "$work/log"; exit 1; }
done
cd "$here"
if [ -n "${ONNXRUNTIME_LIBRARY:-}" ]; then
  mkdir "$work/theirs" && ln -s "$ONNXRUNTIME_LIBRARY" "$work/theirs/libonnxruntime.so.1"
  run "$work/theirs"
  echo "over ${ONNXRUNTIME_LIBRARY##*/}, too"
fi
