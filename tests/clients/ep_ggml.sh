#!/bin/sh
# SPDX-License-Identifier: MIT
# onnxruntime-ggml of PyPI: it compiles, in host memory. With partial=1 it claims a group that a MaxPool cuts in two.
. "$(dirname "$0")/provider.sh"
wheel onnxruntime-ggml==0.2.0
ggml=$(library_of 'libonnxruntime_ggml.so')
export RUST_LOG=error
host "$ggml" ggml -n 3 -a 2e-3 "$MODELS/matmul.onnx"
host "$ggml" ggml -n 0 -a 2e-3 -o partial=1 "$MODELS/conv.onnx"
