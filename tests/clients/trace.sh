#!/bin/sh
# SPDX-License-Identifier: MIT
# Calls and results, compared: the ABI tests and the other clients run over a proxy (tests/abi/proxy) in front of this library and in
# front of ONNX Runtime's own, from PyPI or from ONNXRUNTIME_LIBRARY, and the traces agree in status codes, types, shapes, names,
# metadata and numbers. What may differ, and why, stands in tests/abi/proxy/differences.txt. TRACES=FOLDER keeps the traces.
. "$(dirname "$0")/common.sh"
need cc python3
theirs=${ONNXRUNTIME_LIBRARY:-}
if [ -z "$theirs" ]; then
  wheel onnxruntime==1.31.1
  theirs=$(find "$ONCE/onnxruntime/capi" -name 'libonnxruntime.so.*' | head -n 1)
fi
[ -f "$theirs" ] || skip "no library of ONNX Runtime's to compare with"
case $(readelf -d "$LIB" 2>/dev/null) in *lib?san*) skip "a program without a sanitizer" ;; esac
proxy=$WORK/libonnxruntime.so.1
traces=${TRACES:-$WORK}
python3 "$ROOT/tests/abi/proxy/gen_proxy.py" "$WORK/proxy.c"
cc -O1 -w -shared -fPIC -fvisibility=hidden -Wl,-soname,libonnxruntime.so.1 -I"$ROOT/include" -I"$ROOT/tests/abi/proxy" "$WORK/proxy.c" -o "$proxy" -ldl -lpthread
sed '/^#/d;/^$/d' "$ROOT/tests/abi/proxy/differences.txt" >"$WORK/differences"

failed=0 compared=0 calls=0
both() { # NAME, COMMAND: over each library; the traces without what may differ
  name=$1
  shift
  for which in ours theirs; do
    [ $which = ours ] && traced=$LIB || traced=$theirs
    code=0
    SX_TRACED=$traced SX_TRACE=$traces/$name.$which "$@" >"$WORK/out" 2>&1 || code=$?
    [ $code = 77 ] && return 0
    if [ $which = ours ] && [ $code != 0 ]; then
      echo "$name over the proxy ends with $code" && tail -n 5 "$WORK/out" && failed=1
      return 0
    fi
    sed -E -f "$WORK/differences" "$traces/$name.$which" >"$WORK/$name.$which.plain"
  done
  compared=$((compared + 1))
  calls=$((calls + $(wc -l <"$traces/$name.ours")))
  if ! diff "$WORK/$name.ours.plain" "$WORK/$name.theirs.plain" >"$WORK/diff"; then
    echo "$name: < this library, > ONNX Runtime" && head -n 20 "$WORK/diff" && failed=1
  fi
}
for test in settings custom editor options compile op memory value session; do
  [ -x "$BUILD/tests/abi/abi_${test}_test" ] && both "$test" "$BUILD/tests/abi/abi_${test}_test" "$proxy"
done
for client in ctypes extensions node go java ep_ggml ep_openvino ep_qnn ep_webgpu ep_tensorrt_rtx; do both "$client" sh "$HERE/$client.sh" "$proxy"; done
for model in "$MODELS"/[!tu]*.onnx "$ROOT"/examples/digits/digits.onnx "$ROOT"/tests/model/cases/*/*.onnx; do
  [ -e "$model" ] && [ -e "$BUILD/sardonyx" ] && both "info_$(basename "$(dirname "$model")")_$(basename "$model" .onnx)" "$BUILD/sardonyx" info "$model" --library "$proxy"
done
echo "$calls calls of $compared programs agree"
exit $failed
