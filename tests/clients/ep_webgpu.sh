#!/bin/sh
# SPDX-License-Identifier: MIT
# onnxruntime-ep-webgpu of PyPI: kernels in a registry, memory of its own, channels last. The GPU is SwiftShader, a renderer for
# the CPU that comes with the npm package of Chromium; the lens says that the CPU is one.
. "$(dirname "$0")/provider.sh"
need node npm tar
wheel onnxruntime-ep-webgpu==0.4.0
webgpu=$(library_of 'libonnxruntime_providers_webgpu.so')
swiftshader() {
  npm pack --silent @sparticuz/chromium@147.0.0 && tar xzf ./*.tgz package/bin/swiftshader.tar.br &&
    node -e 'const z=require("zlib"),f=require("fs");f.writeFileSync("s.tar",z.brotliDecompressSync(f.readFileSync("package/bin/swiftshader.tar.br")))' &&
    tar xf s.tar && rm -rf package ./*.tgz s.tar
}
once swiftshader-147.0.0 swiftshader || skip "SwiftShader cannot be had from npm"
export LD_LIBRARY_PATH="$ONCE${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" VK_ICD_FILENAMES="$ONCE/vk_swiftshader_icd.json" VK_DRIVER_FILES="$ONCE/vk_swiftshader_icd.json"
export LENS_PROVIDER="$webgpu" LENS_TYPE=1
host "$LENS" webgpu -e WebGpuExecutionProvider -f -n 3 "$MODELS/matmul.onnx" "$MODELS/conv.onnx"
host "$LENS" webgpu -e WebGpuExecutionProvider -d "$MODELS/loop.onnx"
host "$LENS" webgpu -e WebGpuExecutionProvider -n 1 "$MODELS/mixed.onnx" # strings stay with the CPU: copies
