#!/bin/sh
# SPDX-License-Identifier: MIT
# github.com/yalue/onnxruntime_go: a binding by cgo with a header of its own and SetSharedLibraryPath.
. "$(dirname "$0")/common.sh"
need go cc
mkdir -p "$CACHE/go" && cp "$HERE/client.go" "$CACHE/go/main.go"
cd "$CACHE/go"
[ -e go.mod ] || printf 'module client\n\ngo 1.22\n\nrequire github.com/yalue/onnxruntime_go v1.27.0\n' >go.mod
export GOFLAGS=-mod=mod
timeout 300 go mod download github.com/yalue/onnxruntime_go >"$WORK/log" 2>&1 || skip "onnxruntime_go cannot be had from the proxy of Go modules"
go build -o client . >"$WORK/log" 2>&1 || { cat "$WORK/log"; exit 1; }
./client "$LIB" "$MODELS"
