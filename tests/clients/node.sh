#!/bin/sh
# SPDX-License-Identifier: MIT
# onnxruntime-node of npm: its native module finds libonnxruntime.so.1 beside itself, where it is replaced.
. "$(dirname "$0")/common.sh"
need node npm
once onnxruntime-node-1.30.0 npm install --silent --no-audit --no-fund --ignore-scripts --prefix . onnxruntime-node@1.30.0 || skip "onnxruntime-node cannot be had from npm"
cp -al "$ONCE/node_modules" "$WORK/node_modules" 2>/dev/null || cp -r "$ONCE/node_modules" "$WORK/node_modules"
native=$(find "$WORK/node_modules/onnxruntime-node" -path "*linux/$(uname -m | sed s/x86_64/x64/)" -type d | head -n 1)
[ -n "$native" ] || skip "onnxruntime-node has no build for this machine"
place "$native"
cp "$HERE/node.js" "$WORK/"
node "$WORK/node.js" "$MODELS"
