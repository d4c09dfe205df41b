#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh BUILD [--threads 1,2] [--rounds N] [--duration S] [--library FILE] [NAME ...]: both libraries side by side on the models
# of make_models.py. Says what is missing; the work is side_by_side.py's.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
[ $# -gt 0 ] && shift
python=python3
[ -x build/venv/bin/python ] && python=build/venv/bin/python
"$python" -c 'import onnx' 2> /dev/null || { echo "bench: no Python package onnx; 'tools/setup.sh test' installs it"; exit 1; }
exec "$python" bench/side_by_side.py "$build" "$@"
