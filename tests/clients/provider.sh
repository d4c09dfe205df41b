# SPDX-License-Identifier: MIT
# Sourced by the providers: builds the program that hosts them, and the lens that shows them another machine.
. "$(dirname "$0")/common.sh"
need cc python3
HOST=$WORK/provider_host
LENS=$WORK/libprovider_lens.so
cc -O1 -w -I"$ROOT/include" -o "$HOST" "$HERE/provider_host.c" -ldl -lm || exit 1
cc -O1 -w -fPIC -shared -I"$ROOT/include" -o "$LENS" "$HERE/provider_lens.c" -ldl || exit 1
library_of() { find "$ONCE/" -name "$1" | head -n 1; }
host() { timeout 300 "$HOST" "$LIB" "$@" >"$WORK/out" 2>"$WORK/err" || { cat "$WORK/out"; tail -n 20 "$WORK/err"; exit 1; }; grep '^ok' "$WORK/out" || true; }
