// SPDX-License-Identifier: MIT
/* The normalisations in f64: plain loops, compiled once. Arguments as in norm.h. */
#ifndef SX_EP_CPU_NORM_F64_H
#define SX_EP_CPU_NORM_F64_H
#include "ep/cpu/kernels/norm/norm.h"

void sx_row_norm_f64(const sx_row_norm_args *a, const double *x, double *y, int64_t begin, int64_t end, double *row);
void sx_group_norm_f64(const sx_group_norm_args *a, const double *x, double *y, int64_t begin, int64_t end);
void sx_lrn_f64(const sx_lrn_args *a, int64_t strip, const double *x, double *y, int64_t begin, int64_t end);
#endif
