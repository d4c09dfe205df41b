// SPDX-License-Identifier: MIT
/* Integer convolution over vpdpbusd: inputs as u8, read where they lie and flipped on the way when they are signed, weights
 * centred in s8. What the zero point of the input adds is a constant of each output channel, in its bias. */
#include "ep/cpu/vec.h"

#define STEP 4
#define GATHERED uint8_t
#define DOT(acc, a, b) (vi) _mm512_dpbusd_epi32((__m512i)(acc), (__m512i)(a), (__m512i)(b))
#define FLIP(a) ((a) ^ flip)
#define FLIP_LOAD(x) const vi flip = vi_set(x)
#define WIDE &sx_qconv__avx512
#include "ep/cpu/kernels/conv/qconv_kernels.h"
extern const sx_qconv_table sx_qconv__avx512;
#include "ep/cpu/kernels/conv/qconv_table.inc"
