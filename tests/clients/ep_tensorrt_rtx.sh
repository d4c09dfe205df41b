#!/bin/sh
# SPDX-License-Identifier: MIT
# onnxruntime-ep-nv-tensorrt-rtx of PyPI, on a machine without NVIDIA's libraries: refused with a status.
. "$(dirname "$0")/provider.sh"
wheel onnxruntime-ep-nv-tensorrt-rtx-cu13==0.5.0
rtx=$(find "$ONCE/" -name 'libonnxruntime_providers_nv_tensorrt_rtx*.so' | head -n 1)
[ -n "$rtx" ] || skip "the wheel has no library"
host "$rtx" rtx -x
