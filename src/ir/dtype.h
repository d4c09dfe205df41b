// SPDX-License-Identifier: MIT
/* Element types, numbered as TensorProto.DataType, and what is always true of them. */
#ifndef SX_IR_DTYPE_H
#define SX_IR_DTYPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(enum suffix, ONNX number, ONNX text name, bits per element in memory). Six-bit floats take a byte each, the code in its low
 * bits, as NumPy has them; only raw data of files pack four into three bytes (onnx/proto_tensor.c). */
#define SX_DTYPE_MAP(X)                                                                                           \
  X(F32, 1, "float", 32) X(U8, 2, "uint8", 8) X(I8, 3, "int8", 8) X(U16, 4, "uint16", 16) X(I16, 5, "int16", 16)  \
  X(I32, 6, "int32", 32) X(I64, 7, "int64", 64) X(STRING, 8, "string", 128) X(BOOL, 9, "bool", 8)                 \
  X(F16, 10, "float16", 16) X(F64, 11, "double", 64) X(U32, 12, "uint32", 32) X(U64, 13, "uint64", 64)            \
  X(C64, 14, "complex64", 64) X(C128, 15, "complex128", 128) X(BF16, 16, "bfloat16", 16)                          \
  X(F8E4M3FN, 17, "float8e4m3fn", 8) X(F8E4M3FNUZ, 18, "float8e4m3fnuz", 8) X(F8E5M2, 19, "float8e5m2", 8)        \
  X(F8E5M2FNUZ, 20, "float8e5m2fnuz", 8) X(U4, 21, "uint4", 4) X(I4, 22, "int4", 4) X(F4E2M1, 23, "float4e2m1", 4) \
  X(F8E8M0, 24, "float8e8m0", 8) X(U2, 25, "uint2", 2) X(I2, 26, "int2", 2)                                      \
  X(F6E2M3, 27, "float6e2m3", 8) X(F6E3M2, 28, "float6e3m2", 8)

typedef enum sx_dtype {
  SX_UNDEFINED = 0,
#define X(name, number, text, bits) SX_##name = number,
  SX_DTYPE_MAP(X)
#undef X
  SX_DTYPE_COUNT = 29
} sx_dtype;

/* A string element in memory is an sx_str (base/str.h): a handle, 16 bytes. */
uint32_t sx_dtype_bits(sx_dtype t);      /* 0 for UNDEFINED */
const char *sx_dtype_name(sx_dtype t);   /* "float", "undefined" */
enum { SX_SHAPE_TEXT = 160 };
/* "float[2, 3]", cut at the end of buf; returns buf. */
const char *sx_shape_text(sx_dtype t, int rank, const int64_t *dims, char buf[SX_SHAPE_TEXT]);
sx_dtype sx_dtype_parse(const char *s, size_t n);
bool sx_dtype_is_float(sx_dtype t);      /* f64, f32, f16, bf16, f8*, f6*, f4 */
bool sx_dtype_is_int(sx_dtype t);        /* signed and unsigned, not bool */
bool sx_dtype_is_signed(sx_dtype t);
/* Bytes of `count` elements, packed below 8 bits (two nibbles, four pairs per byte, low bits first). False on overflow or a
 * negative count. */
bool sx_dtype_bytes(sx_dtype t, int64_t count, size_t *bytes);
#endif
