#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles the public headers as every dialect that programs use them in, without a warning, and runs the 16-bit floats of the
# C++ header over all their values. Usage: header_matrix.sh INCLUDE_DIR
set -u
dir=${1:-include}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include "onnxruntime_c_api.h"\n#include "sardonyx.h"\nint main(void) { return OrtGetApiBase() == 0; }\n' > "$work/a.c"
printf '#include "onnxruntime_ep_c_api.h"\nint main(void) { OrtEp ep; (void)ep; return 0; }\n' > "$work/b.c"
for h in "$dir"/*.h; do # each alone
  [ "$(basename "$h")" = onnxruntime_float16.h ] || printf '#include "%s"\n' "$(basename "$h")"
done > "$work/c.c"
echo 'int main(void) { return 0; }' >> "$work/c.c"
for f in a b c; do cp "$work/$f.c" "$work/$f.cc"; done
cat > "$work/d.cc" <<'END'
#include "onnxruntime_float16.h"
template <template <class> class Impl> struct half : Impl<half<Impl>> {
  static half FromBits(std::uint16_t bits) { half h; h.val = bits; return h; }
  float f() const { return this->ToFloatImpl(); }
};
template <template <class> class Impl> int wrong() {
  typedef half<Impl> H;
  int bad = 0;
  for (unsigned i = 0; i < 65536; i++) {
    H h = H::FromBits(static_cast<std::uint16_t>(i));
    float v = h.f();
    bad += h.IsNaN() != (v != v) || h.IsNegative() != (i > 32767);
    if (h.IsNaN()) continue;
    bad += H::ToUint16Impl(v) != i || (v == 0) != H::AreZero(h, H()) || h.Negate().f() != -v || !(h == h);
    if (!h.IsFinite() || h.IsNegative()) continue;
    H next = H::FromBits(static_cast<std::uint16_t>(i + 1)); /* half-way goes to the even one */
    if (!next.IsFinite()) continue;
    float middle = v + (next.f() - v) / 2;
    bad += !(h < next) || next < h || h.Abs() != h || !(h.Negate() < next);
    if (middle != v && middle != next.f()) bad += H::ToUint16Impl(middle) != i + (i & 1);
  }
  return bad + (H::ToUint16Impl(65519.0f) == H::kPositiveInfinityBits);
}
int main() { return wrong<onnxruntime_float16::Float16Impl>() + wrong<onnxruntime_float16::BFloat16Impl>() != 0; }
END
failed=0 done=0
try() { # compiler, dialect, suffix, which
  command -v "$1" > /dev/null || { echo "skipped: no $1"; return; }
  for f in $4; do
    if "$1" -std="$2" -Wall -Wextra -pedantic -Werror -I "$dir" -fsyntax-only "$work/$f.$3"; then done=$((done + 1))
    else echo "FAILED: $1 -std=$2 $f"; failed=1; fi
  done
}
for std in c99 c11 c17; do try gcc $std c "a b c"; try clang $std c "a b c"; done
for std in c++11 c++14 c++17 c++20; do try g++ $std cc "a b c d"; try clang++ $std cc "a b c d"; done
try x86_64-w64-mingw32-gcc c11 c "a b c"
if command -v g++ > /dev/null; then
  g++ -std=c++11 -O1 -I "$dir" "$work/d.cc" -o "$work/d" && "$work/d" || { echo "FAILED: 16-bit floats"; failed=1; }
fi
echo "$done compilations"
[ "$done" -gt 0 ] && exit $failed
