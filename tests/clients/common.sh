# SPDX-License-Identifier: MIT
# Sourced by the clients: NAME.sh [LIBRARY] takes a published, unmodified client of ONNX Runtime's C interface, points it at LIBRARY
# (build/ort/libonnxruntime.so.1) as its own documentation says, and runs models. Exit code 77, with a word, where the client or its
# tools cannot be had. Packages are kept in build/clients.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
MODELS=$HERE/models
ROOT=$(cd "$HERE/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
LIB=$(readlink -f "${1:-$BUILD/ort/libonnxruntime.so.1}")
CACHE=${CLIENT_CACHE:-$BUILD/clients}
skip() { echo "$*"; exit 77; }
[ -f "$LIB" ] || skip "no library to test"
need() { for c in "$@"; do command -v "$c" >/dev/null || skip "no $c"; done; }
mkdir -p "$CACHE"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# once KEY COMMAND...: runs it in a fresh folder, ONCE, which is kept if it succeeds.
once() {
  ONCE=$CACHE/$1
  shift
  [ -e "$ONCE/.done" ] && return 0
  rm -rf "$ONCE" && mkdir -p "$ONCE"
  if (cd "$ONCE" && timeout 600 "$@") >"$ONCE.log" 2>&1; then touch "$ONCE/.done"; else return 1; fi
}
# wheel PACKAGE==VERSION: a wheel without what it depends on, unpacked in ONCE.
wheel() {
  need python3
  once "$1" python3 -m pip install -q --disable-pip-version-check --no-deps --only-binary=:all: --target . "$1" || skip "$1 cannot be had from PyPI"
}
# place FOLDER: LIBRARY as FOLDER/libonnxruntime.so and .so.1
place() {
  mkdir -p "$1" && rm -f "$1"/libonnxruntime.so*
  ln -s "$LIB" "$1/libonnxruntime.so.1" && ln -s "$LIB" "$1/libonnxruntime.so"
}
