// SPDX-License-Identifier: MIT
/* Inside the conversions: the table of an ISA level, and the one that all levels share. A NULL entry means: look there. */
#ifndef SX_EP_CPU_CONVERT_TABLES_H
#define SX_EP_CPU_CONVERT_TABLES_H
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/elementwise/ew_machine.h"

typedef void (*sx_load_fn)(void *dst, const void *src, int64_t n);
typedef void (*sx_store_fn)(void *dst, const void *src, int64_t n, uint32_t mode);
typedef struct sx_convert_table {
  sx_load_fn load[SX_DTYPE_COUNT];  /* storage types of whole bytes that are not their class */
  sx_store_fn store[SX_DTYPE_COUNT];
  sx_load_fn cast[SX_EW_CLASSES][SX_EW_CLASSES];
  sx_load_fn odd[SX_EW_CLASSES];    /* to f32, rounded to odd: a second rounding to fewer bits is then the only one */
  /* q[i] = clamp(round(x[i] / scale), lo, hi), as i32; scale[0], or scale[i] when cols */
  void (*quantize)(int32_t *q, const float *x, const float *scale, bool cols, float lo, float hi, int64_t n);
  /* The same with zero points (or NULL: 0), to 8 bits whose least value is lo. Element i has scale and zero point i / each;
   * each = 0: number 0. */
  void (*quantize8)(void *y, const float *x, const float *scale, const int32_t *zero_point, int64_t each, int32_t lo, int64_t n);
  /* y[i] = (x[i] - zero_point) * scale, of u8, i8, i32 */
  void (*dequantize[3])(float *y, const void *x, const float *scale, const int32_t *zero_point, int64_t each, int64_t n);
  void (*minmax)(const float *x, int64_t n, float *lo, float *hi);
} sx_convert_table;
/* The storage types that are cast directly; [from][to] has the signature of elementwise instructions, or is NULL. ODD, as a
 * target, is f32 rounded to odd: integers that lose digits in f32 go to the half types by way of it. */
typedef enum sx_cast_kind {
  SX_CAST_NO, SX_CAST_F32, SX_CAST_F64, SX_CAST_I8, SX_CAST_U8, SX_CAST_I32, SX_CAST_I64, SX_CAST_B8, SX_CAST_F16, SX_CAST_BF16,
  SX_CAST_ODD, SX_CAST_KINDS
} sx_cast_kind;
typedef struct sx_cast_table {
  sx_ew_fn fn[SX_CAST_KINDS][SX_CAST_KINDS];
} sx_cast_table;
extern const sx_convert_table sx_convert_any; /* loads and stores, casts and odd casts: all that an ISA level lacks */
#endif
