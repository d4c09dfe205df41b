#!/bin/sh
# SPDX-License-Identifier: MIT
# onnxruntime-ep-openvino of PyPI on its CPU device, which it offers on Intel's processors alone: the lens says so. Made-up devices
# only under a name that ends in .virtual.
. "$(dirname "$0")/provider.sh"
wheel onnxruntime-ep-openvino==1.8.1
openvino=$(library_of 'libonnxruntime_providers_openvino_plugin.so')
LENS_PROVIDER=$openvino LENS_VENDOR=0x8086 host "$LENS" openvino -e OpenVINOExecutionProvider -n 3 \
  -o 'load_config={"CPU":{"INFERENCE_PRECISION_HINT":"f32"}}' "$MODELS/matmul.onnx" "$MODELS/conv.onnx"
host "$openvino" openvino.virtual -e OpenVINOExecutionProvider -l
grep -q 'NPU' "$WORK/out"
