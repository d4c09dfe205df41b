#!/bin/sh
# SPDX-License-Identifier: MIT
# ONNX Runtime's C++ wrapper and its header for custom operators, out of a package that carries them (npm:
# com.github.asus4.onnxruntime, API 29): examples/cpp_client and lite.cc are built with our C headers below theirs, and with all of
# theirs, and run.
. "$(dirname "$0")/common.sh"
need c++ npm tar
if [ ! -e "$CACHE/cxx/.done" ]; then
  mkdir -p "$CACHE/cxx/theirs" "$CACHE/cxx/wrapper"
  (cd "$WORK" && timeout 600 npm pack --silent com.github.asus4.onnxruntime@0.4.9) >"$WORK/log" 2>&1 || skip "the package with the C++ headers cannot be had from npm"
  tar xzf "$WORK"/com.github.asus4.onnxruntime-0.4.9.tgz -C "$CACHE/cxx/theirs" --wildcards '*/ios-arm64_x86_64-simulator/*/Headers/*' --strip-components=7
  cp "$CACHE/cxx/theirs/onnxruntime_cxx_api.h" "$CACHE/cxx/theirs/onnxruntime_cxx_inline.h" "$CACHE/cxx/theirs/onnxruntime_lite_custom_op.h" "$CACHE/cxx/wrapper"
  touch "$CACHE/cxx/.done"
fi
place "$WORK/lib"
for way in "20 $CACHE/cxx/wrapper -isystem $ROOT/include" "17 $CACHE/cxx/theirs"; do
  std=${way%% *} headers=${way#* }
  for program in "$ROOT/examples/cpp_client/client.cc" "$HERE/lite.cc"; do
    # shellcheck disable=SC2086
    c++ -std=c++"$std" -Wall -Wextra -isystem $headers "$program" -L"$WORK/lib" -lonnxruntime -Wl,-rpath,"$WORK/lib" -pthread -o "$WORK/program"
    case $program in
      */lite.cc) "$WORK/program" "$MODELS/twice.onnx" ;;
      *) "$WORK/program" "$ROOT/examples/digits/digits.onnx" "$ROOT"/examples/digits/*.pgm >"$WORK/out"
        sed -n 's/.*digit_\([0-9]\)_.*: /\1 /p' "$WORK/out" | while read -r a b; do [ "$a" = "$b" ] || { cat "$WORK/out"; exit 1; }; done ;;
    esac
  done
done
