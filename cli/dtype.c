// SPDX-License-Identifier: MIT
/* The table of element types. Small floats share one decoder and one encoder that read their layout from the table. */
#include "dtype.h"
#include <math.h>
#include <string.h>

#define T(x) ONNX_TENSOR_ELEMENT_DATA_TYPE_##x
static const dtype types[] = {
    {"float32", T(FLOAT), 1, DTYPE_FLOAT, 32, "f4"},
    {"uint8", T(UINT8), 2, DTYPE_UINT, 8, "u1"},
    {"int8", T(INT8), 3, DTYPE_INT, 8, "i1"},
    {"uint16", T(UINT16), 4, DTYPE_UINT, 16, "u2"},
    {"int16", T(INT16), 5, DTYPE_INT, 16, "i2"},
    {"int32", T(INT32), 6, DTYPE_INT, 32, "i4"},
    {"int64", T(INT64), 7, DTYPE_INT, 64, "i8"},
    {"string", T(STRING), 8, DTYPE_STRING, 0, ""},
    {"bool", T(BOOL), 9, DTYPE_BOOL, 8, "b1"},
    {"float16", T(FLOAT16), 10, DTYPE_FLOAT, 16, "f2", 5, 10, 15, DTYPE_IEEE},
    {"float64", T(DOUBLE), 11, DTYPE_FLOAT, 64, "f8"},
    {"uint32", T(UINT32), 12, DTYPE_UINT, 32, "u4"},
    {"uint64", T(UINT64), 13, DTYPE_UINT, 64, "u8"},
    {"complex64", T(COMPLEX64), 14, DTYPE_COMPLEX, 64, "c8"},
    {"complex128", T(COMPLEX128), 15, DTYPE_COMPLEX, 128, "c16"},
    {"bfloat16", T(BFLOAT16), 16, DTYPE_FLOAT, 16, "", 8, 7, 127, DTYPE_IEEE},
    {"float8e4m3fn", T(FLOAT8E4M3FN), 17, DTYPE_FLOAT, 8, "", 4, 3, 7, DTYPE_FN},
    {"float8e4m3fnuz", T(FLOAT8E4M3FNUZ), 18, DTYPE_FLOAT, 8, "", 4, 3, 8, DTYPE_FNUZ},
    {"float8e5m2", T(FLOAT8E5M2), 19, DTYPE_FLOAT, 8, "", 5, 2, 15, DTYPE_IEEE},
    {"float8e5m2fnuz", T(FLOAT8E5M2FNUZ), 20, DTYPE_FLOAT, 8, "", 5, 2, 16, DTYPE_FNUZ},
    {"uint4", T(UINT4), 21, DTYPE_UINT, 4, ""},
    {"int4", T(INT4), 22, DTYPE_INT, 4, ""},
    {"float4e2m1", T(FLOAT4E2M1), 23, DTYPE_FLOAT, 4, "", 2, 1, 1, DTYPE_FINITE},
    {"float8e8m0", T(FLOAT8E8M0), 24, DTYPE_FLOAT, 8, "", 8, 0, 127, DTYPE_SCALE},
    {"uint2", T(UINT2), 25, DTYPE_UINT, 2, ""},
    {"int2", T(INT2), 26, DTYPE_INT, 2, ""},
    {"float6e2m3", SX_ELEMENT_FLOAT6E2M3, 27, DTYPE_FLOAT, 8, "", 2, 3, 1, DTYPE_FINITE},
    {"float6e3m2", SX_ELEMENT_FLOAT6E3M2, 28, DTYPE_FLOAT, 8, "", 3, 2, 3, DTYPE_FINITE},
};
#undef T
enum { COUNT = sizeof types / sizeof *types };

const dtype *dtype_of(ONNXTensorElementDataType ort) {
  for (int i = 0; i < COUNT; i++)
    if (types[i].ort == ort) return &types[i];
  return NULL;
}

const dtype *dtype_of_onnx(int onnx) { return onnx >= 1 && onnx <= COUNT ? &types[onnx - 1] : NULL; }

const dtype *dtype_of_npy(const char *code) {
  for (int i = 0; i < COUNT; i++)
    if (*types[i].npy && !strcmp(types[i].npy, code)) return &types[i];
  return NULL;
}

const dtype *dtype_of_name(const char *name) {
  static const char *const also[][2] = {{"float", "float32"}, {"half", "float16"}, {"double", "float64"}};
  for (size_t i = 0; i < 3; i++)
    if (!strcmp(name, also[i][0])) name = also[i][1];
  for (int i = 0; i < COUNT; i++)
    if (!strcmp(types[i].name, name)) return &types[i];
  return NULL;
}

bool dtype_bytes(const dtype *t, size_t count, size_t *bytes) {
  if (!t->bits || count > (SIZE_MAX - 7) / (size_t)t->bits) return false;
  *bytes = (count * (size_t)t->bits + 7) / 8;
  return true;
}

static uint64_t load_bits(const dtype *t, const void *data, size_t i) {
  if (t->bits >= 8) {
    uint64_t v = 0; /* element access is little-endian, as the formats and the supported machines are */
    memcpy(&v, (const char *)data + i * (size_t)t->bits / 8, (size_t)t->bits / 8);
    return v;
  }
  size_t bit = i * (size_t)t->bits;
  return ((const uint8_t *)data)[bit / 8] >> bit % 8 & ((1u << t->bits) - 1);
}

static void store_bits(const dtype *t, void *data, size_t i, uint64_t v) {
  if (t->bits >= 8) {
    memcpy((char *)data + i * (size_t)t->bits / 8, &v, (size_t)t->bits / 8);
    return;
  }
  size_t bit = i * (size_t)t->bits;
  uint8_t *p = (uint8_t *)data + bit / 8, mask = (uint8_t)(((1u << t->bits) - 1) << bit % 8);
  *p = (uint8_t)((*p & ~mask) | ((v << bit % 8) & mask));
}

static double decode_small(const dtype *t, unsigned v) {
  unsigned mantissa = v & ((1u << t->mantissa) - 1), top = (1u << t->exponent) - 1;
  unsigned exponent = v >> t->mantissa & top, sign = t->special == DTYPE_SCALE ? 0 : v >> (t->exponent + t->mantissa) & 1;
  if (t->special == DTYPE_SCALE) return v == 0xff ? NAN : ldexp(1, (int)v - t->bias);
  if (t->special == DTYPE_FNUZ && v == 1u << (t->bits - 1)) return NAN;
  if (t->special == DTYPE_FN && exponent == top && mantissa == (1u << t->mantissa) - 1) return NAN;
  if (t->special == DTYPE_IEEE && exponent == top) return mantissa ? NAN : sign ? -INFINITY : INFINITY;
  double m = exponent ? (double)(mantissa + (1u << t->mantissa)) : (double)mantissa;
  double x = ldexp(m, (exponent ? (int)exponent : 1) - t->bias - t->mantissa);
  return sign ? -x : x;
}

static unsigned encode_small(const dtype *t, double x) {
  unsigned sign = t->special == DTYPE_SCALE ? 0 : (unsigned)(signbit(x) != 0) << (t->exponent + t->mantissa);
  unsigned codes = 1u << (t->exponent + t->mantissa), top = ((1u << t->exponent) - 1) << t->mantissa;
  unsigned nan = t->special == DTYPE_FNUZ   ? 1u << (t->bits - 1)
                 : t->special == DTYPE_IEEE ? top | 1u << (t->mantissa - 1)
                                            : codes - 1;
  unsigned most = t->special == DTYPE_IEEE ? top - 1 : t->special == DTYPE_FN ? codes - 2 : codes - 1;
  if (t->special == DTYPE_SCALE) most = codes - 2;
  if (isnan(x)) return t->special == DTYPE_FINITE ? 0 : t->special == DTYPE_FNUZ ? nan : nan | sign;
  x = fabs(x);
  if (isinf(x)) return t->special == DTYPE_IEEE ? top | sign : most | sign;
  int e;
  frexp(x, &e);
  e -= 1;
  if (t->special == DTYPE_SCALE) {
    int code = x > 0 ? (int)lrint(log2(x)) + t->bias : 0;
    return code < 0 ? 0 : code > (int)most ? most : (unsigned)code;
  }
  if (x == 0 || e < 1 - t->bias) e = 1 - t->bias;
  double m = rint(ldexp(x, t->mantissa - e)); /* in units of the last place; a carry moves into the exponent by itself */
  double code = m + (double)((unsigned)(e + t->bias - 1) << t->mantissa);
  if (code > most) return (t->special == DTYPE_IEEE ? top : most) | sign;
  if (code == 0 && t->special == DTYPE_FNUZ) return 0;
  return (unsigned)code | sign;
}

double dtype_get_part(const dtype *t, const void *data, size_t i, int part) {
  if (t->cls != DTYPE_COMPLEX) return part ? 0 : dtype_get(t, data, i);
  return dtype_get(dtype_of_onnx(t->bits == 64 ? 1 : 11), data, 2 * i + (size_t)part);
}

double dtype_get(const dtype *t, const void *data, size_t i) {
  if (t->cls == DTYPE_COMPLEX) return dtype_get_part(t, data, i, 0);
  if (t->cls != DTYPE_FLOAT)
    return t->cls == DTYPE_UINT ? (double)(uint64_t)dtype_get_int(t, data, i) : (double)dtype_get_int(t, data, i);
  uint64_t v = load_bits(t, data, i);
  if (t->exponent) return decode_small(t, (unsigned)v);
  float f;
  double d;
  if (t->bits == 32) return memcpy(&f, &v, sizeof f), f;
  return memcpy(&d, &v, sizeof d), d;
}

int64_t dtype_get_int(const dtype *t, const void *data, size_t i) {
  if (t->cls == DTYPE_FLOAT || t->cls == DTYPE_COMPLEX) {
    double v = dtype_get(t, data, i);
    return v > -9.2e18 && v < 9.2e18 ? (int64_t)v : 0;
  }
  uint64_t v = load_bits(t, data, i);
  if (t->cls == DTYPE_INT && t->bits < 64 && v >> (t->bits - 1)) v |= ~UINT64_C(0) << t->bits;
  return (int64_t)v;
}

void dtype_set(const dtype *t, void *data, size_t i, double v) {
  uint64_t bits = 0;
  if (t->cls == DTYPE_COMPLEX) {
    const dtype *half = dtype_of_onnx(t->bits == 64 ? 1 : 11);
    dtype_set(half, data, 2 * i, v);
    dtype_set(half, data, 2 * i + 1, 0);
    return;
  }
  if (t->cls == DTYPE_UINT && t->bits == 64 && v >= 9.2e18) {
    bits = v < 1.8e19 ? (uint64_t)v : UINT64_MAX;
  } else if (t->cls != DTYPE_FLOAT) {
    dtype_set_int(t, data, i, v > -9.2e18 && v < 9.2e18 ? (int64_t)v : 0);
    return;
  } else if (t->exponent) {
    bits = encode_small(t, v);
  } else if (t->bits == 32) {
    float f = (float)v;
    memcpy(&bits, &f, sizeof f);
  } else {
    memcpy(&bits, &v, sizeof v);
  }
  store_bits(t, data, i, bits);
}

void dtype_set_int(const dtype *t, void *data, size_t i, int64_t v) {
  if (t->cls == DTYPE_FLOAT || t->cls == DTYPE_COMPLEX)
    dtype_set(t, data, i, (double)v);
  else
    store_bits(t, data, i, t->cls == DTYPE_BOOL ? v != 0 : (uint64_t)v);
}
