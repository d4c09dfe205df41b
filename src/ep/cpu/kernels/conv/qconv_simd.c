// SPDX-License-Identifier: MIT
/* Integer convolution by pairs of 16 bits: inputs and weights have their zero points subtracted and are widened beforehand, so
 * any signs and zero points are one case and a pair of products never leaves 32 bits. */
#include "ep/cpu/vec.h"

#define STEP 2
#define GATHERED int16_t
#define DOT(acc, a, b) ((acc) + vi_madd16(a, b))
#define FLIP(a) (a)
#define FLIP_LOAD(x) (void)0
#define WIDE NULL
#define WINDOWS NULL
#include "ep/cpu/kernels/conv/qconv_table.inc"
