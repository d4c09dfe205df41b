// SPDX-License-Identifier: MIT
/* Conversions between storage types and the classes that compute, and linear quantisation.
 *
 * A load takes n contiguous elements of a storage type to its own class (sx_ew_class_of), a store takes them back, a cast goes
 * between classes; every Cast is load, cast, store, rounded once. Packed types (4 and 2 bits) count from an element index, low
 * bits first. Nothing reads or writes past element n-1. */
#ifndef SX_EP_CPU_CONVERT_H
#define SX_EP_CPU_CONVERT_H
#include "ep/cpu/kernels/elementwise/elementwise.h"

/* How a value is brought to a narrow type. Floats to integers truncate, then wrap. NOSAT: f8 overflow gives NaN or infinity
 * (ONNX saturate = 0) instead of the largest finite. UP, DOWN: round_mode of f8e8m0 (default: nearest, ties up). */
typedef enum sx_cast_mode { SX_CAST_SATURATE = 0, SX_CAST_NOSAT = 1, SX_CAST_E8M0_UP = 2, SX_CAST_E8M0_DOWN = 4 } sx_cast_mode;

/* dst: elements of sx_ew_class_of(type). src: the tensor's first byte; elements [first, first + n). */
void sx_convert_load(sx_isa isa, sx_dtype type, void *dst, const void *src, int64_t first, int64_t n);
/* src: elements of sx_ew_class_of(type). Packed types: bytes shared with elements outside the range keep their other bits,
 * so units of one tensor must begin at even (4 bits) or fourfold (2 bits) elements. */
void sx_convert_store(sx_isa isa, sx_dtype type, uint32_t mode, void *dst, const void *src, int64_t first, int64_t n);
/* Between classes, n elements; `to` is the storage type meant, so that a narrower float than f32 is still rounded once. */
void sx_convert_cast(sx_isa isa, sx_ew_class from, sx_dtype to, void *dst, const void *src, int64_t n);
/* Cast of any numeric type to any: elements [first, first + n) of both. */
void sx_cast_run(sx_isa isa, sx_dtype from, sx_dtype to, uint32_t mode, void *dst, const void *src, int64_t first, int64_t n);

/* y = saturate(round_half_even(x / scale) + zero_point) for n contiguous floats, one scale. x is f32 (f16 and bf16 are loaded
 * by the caller); type: u8 s8 u16 s16 u4 s4 u2 s2, or an f8 / f6 / f4 kind (no zero point). `first` is the element of y. */
void sx_quantize_f32(sx_isa isa, sx_dtype type, uint32_t mode, void *y, const float *x, float scale, int32_t zero_point,
                     int64_t first, int64_t n);
/* The same with one scale (and zero point, or NULL) for every `each` elements: 1 for rows of a per-axis tensor whose axis is the
 * last, more for blocks. */
void sx_quantize_f32_each(sx_isa isa, sx_dtype type, uint32_t mode, void *y, const float *x, const float *scale,
                          const int32_t *zero_point, int64_t each, int64_t first, int64_t n);
/* y = (x - zero_point) * scale, to f32. type: any of the above, or i32. */
void sx_dequantize_f32(sx_isa isa, sx_dtype type, float *y, const void *x, float scale, int32_t zero_point, int64_t first,
                       int64_t n);
void sx_dequantize_f32_each(sx_isa isa, sx_dtype type, float *y, const void *x, const float *scale, const int32_t *zero_point,
                            int64_t each, int64_t first, int64_t n);
/* Smallest and largest of n floats and 0. */
void sx_minmax_f32(sx_isa isa, const float *x, int64_t n, float *lo, float *hi);
/* DynamicQuantizeLinear's u8 parameters from a range that includes 0. */
void sx_dynamic_params_u8(float lo, float hi, float *scale, uint8_t *zero_point);
#endif
