// SPDX-License-Identifier: MIT
/* Inside the FFT family: the transforms of an ISA level. */
#ifndef SX_EP_CPU_FFT_TABLES_H
#define SX_EP_CPU_FFT_TABLES_H
#include "ep/cpu/kernels/signal/fft.h"

/* re[0] and im[0] hold the row, element k of lane l at k * lanes + l, and the result afterwards: the pointers may have changed
 * places. All four buffers have room * lanes elements. */
typedef void (*sx_fft_run)(const sx_fft *f, void *re[2], void *im[2]);
typedef struct sx_fft_table {
  int lanes_f32, lanes_f64;
  sx_fft_run one_f32, wide_f32, one_f64, wide_f64; /* one: a single lane */
} sx_fft_table;
#endif
