#!/bin/sh
# SPDX-License-Identifier: MIT
# onnxruntime-qnn of PyPI: its x86-64 wheel has a simulator of the accelerator, which wants channels last, and compiles ahead of
# time (EPContext). A back end that is not there makes GetCapability fail, and the CPU runs the model.
. "$(dirname "$0")/provider.sh"
wheel onnxruntime-qnn==2.7.0
qnn=$(library_of 'libonnxruntime_providers_qnn.so')
host "$qnn" qnn -o backend_type=htp -n 3 "$MODELS/matmul.onnx" "$MODELS/conv.onnx"
host "$qnn" qnn -o backend_type=htp -f -c "$WORK/context.onnx" "$MODELS/conv.onnx"
host "$qnn" qnn -o backend_type=cpu -n 0 "$MODELS/matmul.onnx"
