// SPDX-License-Identifier: MIT
/* Case mapping by a table of runs, searched by bisection; ASCII needs none. */
#include "base/unicode.h"
#include "base/stop.h"

typedef struct case_run { uint32_t first, last; int32_t step, distance; } case_run;
#include "base/unicode.gen.inc"

uint32_t sx_unicode_case(uint32_t code, sx_case to) {
  if (to == SX_CASE_KEEP) return code;
  if (code < 0x80) return to == SX_CASE_LOWER ? code + (code - 'A' < 26u ? 32 : 0) : code - (code - 'a' < 26u ? 32 : 0);
  const case_run *t = to == SX_CASE_LOWER ? to_lower : to_upper;
  size_t low = 0, high = to == SX_CASE_LOWER ? sizeof to_lower / sizeof *to_lower : sizeof to_upper / sizeof *to_upper;
  while (low < high) {
    size_t mid = (low + high) / 2;
    if (t[mid].last < code) low = mid + 1;
    else high = mid;
  }
  size_t n = to == SX_CASE_LOWER ? sizeof to_lower / sizeof *to_lower : sizeof to_upper / sizeof *to_upper;
  if (low == n || code < t[low].first || (code - t[low].first) % (uint32_t)t[low].step) return code;
  return (uint32_t)((int32_t)code + t[low].distance);
}

uint32_t sx_utf8_next(sx_str s, size_t *at) {
  const unsigned char *p = (const unsigned char *)s.p + *at;
  size_t left = s.n - *at;
  uint32_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
  uint32_t code = n == 1 ? p[0] : n == 2 ? p[0] & 0x1fu : n == 3 ? p[0] & 0xfu : p[0] & 7u;
  bool good = n && n <= left;
  for (uint32_t i = 1; i < n && good; i++) good = (p[i] & 0xc0) == 0x80, code = code << 6 | (p[i] & 0x3fu);
  if (!good || (n == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) || (n == 4 && (code < 0x10000 || code > 0x10ffff))) {
    ++*at;
    return SX_UTF8_BAD;
  }
  *at += n;
  return code;
}

size_t sx_utf8_put(uint32_t c, char out[4]) {
  size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)(lead[n] | c);
  return n;
}

size_t sx_utf8_case(sx_str s, sx_case to, char *out) {
  enum { ASK = 1 << 15 }; /* bytes between two questions whether to go on */
  size_t n = 0, ask = ASK;
  char one[4];
  for (size_t at = 0; at < s.n;) {
    if (at >= ask) {
      if (sx_stopping()) break;
      ask = at + ASK;
    }
    size_t from = at, k = 1;
    uint32_t c = sx_utf8_next(s, &at);
    one[0] = s.p[from];
    if (c != SX_UTF8_BAD) k = sx_utf8_put(sx_unicode_case(c, to), one);
    if (out) memcpy(out + n, one, k);
    n += k;
  }
  return n;
}
