// SPDX-License-Identifier: MIT
/* Element types: one row per ONNX type with its names in each format, and element access as double or int64. */
#ifndef CLI_DTYPE_H
#define CLI_DTYPE_H
#include "sardonyx.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum dtype_class { DTYPE_FLOAT, DTYPE_INT, DTYPE_UINT, DTYPE_BOOL, DTYPE_COMPLEX, DTYPE_STRING } dtype_class;

typedef struct dtype {
  const char *name; /* "float32" */
  ONNXTensorElementDataType ort;
  int onnx; /* TensorProto.DataType */
  dtype_class cls;
  int bits;                     /* of one element as stored; below 8: packed, low bits first. 0 for strings */
  const char *npy;              /* without the byte order mark, "" where NumPy has no such type */
  int exponent, mantissa, bias; /* of small floats, else 0 */
  int special;                  /* what their top codes mean: DTYPE_IEEE ... */
} dtype;

enum { DTYPE_IEEE, DTYPE_FN /* only all ones is NaN */, DTYPE_FNUZ /* -0 is NaN */, DTYPE_FINITE, DTYPE_SCALE /* e8m0 */ };

/* NULL for a type that is none. */
const dtype *dtype_of(ONNXTensorElementDataType ort);
const dtype *dtype_of_onnx(int onnx);
const dtype *dtype_of_npy(const char *code);
const dtype *dtype_of_name(const char *name); /* also "float", "half", "double" */

/* A float of six bits in a byte of its own, which files pack. */
static inline bool dtype_is_six_bits(const dtype *t) { return t->exponent + t->mantissa == 5; }
/* Bytes of `count` elements; false on overflow or for strings. */
bool dtype_bytes(const dtype *t, size_t count, size_t *bytes);
/* Element i as double (a complex number's real part; part 1: imaginary) or as integer (floats truncate). */
double dtype_get(const dtype *t, const void *data, size_t i);
double dtype_get_part(const dtype *t, const void *data, size_t i, int part);
int64_t dtype_get_int(const dtype *t, const void *data, size_t i);
/* Stores a number, rounded to nearest even for floats, truncated and wrapped for integers. */
void dtype_set(const dtype *t, void *data, size_t i, double v);
void dtype_set_int(const dtype *t, void *data, size_t i, int64_t v);
#endif
