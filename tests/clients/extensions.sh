#!/bin/sh
# SPDX-License-Identifier: MIT
# onnxruntime-extensions of PyPI: a library of custom operators, registered in both ways and run on text.
. "$(dirname "$0")/common.sh"
wheel onnxruntime-extensions==0.15.2
library=$(find "$ONCE/onnxruntime_extensions" -name '*.so' | head -n 1)
[ -n "$library" ] || skip "the wheel has no library"
python3 "$HERE/table.py" "$LIB" "$MODELS" "$library"
