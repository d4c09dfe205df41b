// SPDX-License-Identifier: MIT
/* Discrete Fourier transforms of any length, over rows of a tensor: DFT and STFT.
 *
 * A length whose primes are at most 13 goes through Stockham stages of radix 4, 2 and odd ones; any other is a convolution with a
 * chirp (Bluestein) of a length that is a power of two: n log n for all. Rows are transformed side by side, one per lane of a
 * vector; a long or lone row puts its own butterflies side by side. f32 and f64; factors are computed in f64. */
#ifndef SX_EP_CPU_FFT_H
#define SX_EP_CPU_FFT_H
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/status.h"
#include "ir/dtype.h"

enum { SX_FFT_STAGES = 64, SX_FFT_RADIX = 13 };
/* m groups of `radix` elements, m * s apart; s neighbours share their factors, which begin at `factors`. */
typedef struct sx_fft_stage { int radix; int64_t m, s, factors; } sx_fft_stage;
typedef struct sx_fft {
  sx_dtype type;
  int64_t n, room;                /* room: elements of a buffer for one row; n, or the length of the convolution */
  int n_stages;
  sx_fft_stage stages[SX_FFT_STAGES];
  const void *cos, *sin;          /* of the stages one after the other: [m][radix - 1] factors, then `radix` roots of 1 */
  const struct sx_fft *inner;     /* not NULL: Bluestein; of length room */
  const void *chirp[2], *filter[2]; /* real and imaginary parts: n of exp(-i pi j^2 / n); room of the transformed filter */
} sx_fft;
/* n > 0. Tables come from the arena. */
sx_status sx_fft_init(sx_fft *f, sx_isa isa, sx_dtype type, int64_t n, sx_arena *a, sx_err *e);

/* Rows of x become rows of y. Row r = hi * rows_lo + lo begins hi * in_hi + lo * in_lo elements into x; strides count elements. */
typedef struct sx_dft {
  sx_isa isa;
  sx_dtype type;                  /* f32, f64: of x, y and window */
  int64_t n;                      /* transform length > 0 */
  int64_t rows, rows_lo, in_hi, in_lo, in_step, out_hi, out_lo, out_step;
  int64_t in_n;                   /* samples of a row that are there; what is missing up to n is 0 */
  int64_t out_n;                  /* results of a row that are wanted: n, or n / 2 + 1 */
  bool in_complex, out_complex;   /* pairs (re, im) */
  bool inverse;                   /* by exp(+i), divided by n */
  bool hermitian;                 /* x is the first n / 2 + 1 of a spectrum whose rest is their conjugate */
  const void *window;             /* in_n factors, or NULL */
  /* Filled by sx_dft_init. */
  sx_fft fft;
  const void *half[2];            /* even-length real rows go as n / 2 complex ones: n / 2 + 1 factors that part them */
  int lanes;
} sx_dft;
sx_status sx_dft_init(sx_dft *d, sx_arena *a, sx_err *e);
int64_t sx_dft_units(const sx_dft *d);
double sx_dft_unit_ns(const sx_dft *d);
size_t sx_dft_scratch_bytes(const sx_dft *d);
void sx_dft_run(const sx_dft *d, const void *x, void *y, int64_t begin, int64_t end, void *scratch);
#endif
