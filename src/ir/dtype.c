// SPDX-License-Identifier: MIT
/* One table of the element types, by their ONNX numbers; every question about a type is a column of it. */
#include "ir/dtype.h"
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"

static const struct { const char *name; uint32_t bits; } types[SX_DTYPE_COUNT] = {
    {"undefined", 0},
#define X(name, number, text, bits) [number] = {text, bits},
    SX_DTYPE_MAP(X)
#undef X
};

#define BIT(t) (1u << SX_##t)
static const uint32_t floats = BIT(F16) | BIT(BF16) | BIT(F32) | BIT(F64) | BIT(F8E4M3FN) | BIT(F8E4M3FNUZ) | BIT(F8E5M2) |
                               BIT(F8E5M2FNUZ) | BIT(F8E8M0) | BIT(F6E2M3) | BIT(F6E3M2) | BIT(F4E2M1);
static const uint32_t signed_ints = BIT(I2) | BIT(I4) | BIT(I8) | BIT(I16) | BIT(I32) | BIT(I64);
static const uint32_t unsigned_ints = BIT(U2) | BIT(U4) | BIT(U8) | BIT(U16) | BIT(U32) | BIT(U64);
static const uint32_t complexes = BIT(C64) | BIT(C128);

static bool in(sx_dtype t, uint32_t set) { return (unsigned)t < SX_DTYPE_COUNT && (set >> t & 1u); }

uint32_t sx_dtype_bits(sx_dtype t) { return (unsigned)t < SX_DTYPE_COUNT ? types[t].bits : 0; }
const char *sx_shape_text(sx_dtype t, int rank, const int64_t *dims, char buf[SX_SHAPE_TEXT]) {
  size_t n = (size_t)snprintf(buf, SX_SHAPE_TEXT, "%s[", sx_dtype_name(t));
  for (int i = 0; i < rank && n < SX_SHAPE_TEXT - 30; i++)
    n += (size_t)snprintf(buf + n, SX_SHAPE_TEXT - n, i ? ", %lld" : "%lld", (long long)dims[i]);
  snprintf(buf + n, SX_SHAPE_TEXT - n, "]");
  return buf;
}
const char *sx_dtype_name(sx_dtype t) { return types[(unsigned)t < SX_DTYPE_COUNT ? t : SX_UNDEFINED].name; }

sx_dtype sx_dtype_parse(const char *s, size_t n) {
  for (unsigned t = SX_UNDEFINED + 1; t < SX_DTYPE_COUNT; t++)
    if (strlen(types[t].name) == n && memcmp(types[t].name, s, n) == 0) return (sx_dtype)t;
  return SX_UNDEFINED;
}

bool sx_dtype_is_float(sx_dtype t) { return in(t, floats); }
bool sx_dtype_is_int(sx_dtype t) { return in(t, signed_ints | unsigned_ints); }
bool sx_dtype_is_signed(sx_dtype t) { return in(t, (floats & ~BIT(F8E8M0)) | signed_ints | complexes); }

bool sx_dtype_bytes(sx_dtype t, int64_t count, size_t *bytes) {
  uint32_t bits = sx_dtype_bits(t);
  if (bits == 0 || count < 0 || (uint64_t)count > SIZE_MAX) return false;
  if (bits >= 8) return sx_size_mul((size_t)count, bits / 8, bytes);
  size_t per_byte = 8 / bits, n = (size_t)count;
  *bytes = n / per_byte + (n % per_byte != 0);
  return true;
}
