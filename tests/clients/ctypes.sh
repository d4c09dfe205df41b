#!/bin/sh
# SPDX-License-Identifier: MIT
# No package: Python's ctypes and places in the table alone.
. "$(dirname "$0")/common.sh"
need python3
python3 "$HERE/table.py" "$LIB" "$MODELS"
