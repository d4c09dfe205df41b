// SPDX-License-Identifier: MIT
/* Inside the FFT family: the transforms of an ISA level. */
#ifndef SX_EP_CPU_FFT_TABLES_H
#define SX_EP_CPU_FFT_TABLES_H
#include "base/stop.h"
#include "ep/cpu/kernels/signal/fft.h"

/* i in [0, n), with a question whether to go on before each `some` but the first. */
enum { SX_FFT_ASK = 1 << 14 };
#define SX_FFT_EACH(i, n, some) SX_STOP_PARTS(i##_from, i##_to, n, some) for (int64_t i = i##_from; i < i##_to; i++)

/* re[0] and im[0] hold the row, element k of lane l at k * lanes + l, and the result afterwards: the pointers may have changed
 * places. All four buffers have room * lanes elements. */
typedef void (*sx_fft_run)(const sx_fft *f, void *re[2], void *im[2]);
typedef struct sx_fft_table {
  int lanes_f32, lanes_f64;
  sx_fft_run one_f32, wide_f32, one_f64, wide_f64; /* one: a single lane */
} sx_fft_table;
#endif
