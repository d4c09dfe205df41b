// SPDX-License-Identifier: MIT
/* Inside the attention family: the f32 functions of an ISA level, and what the files share. `nr` is two vectors. */
#ifndef SX_EP_CPU_ATTENTION_TABLES_H
#define SX_EP_CPU_ATTENTION_TABLES_H
#include "ep/cpu/kernels/attention/attention.h"

typedef struct sx_attention_table {
  int mr, nr, lanes;
  /* n <= nr rows of d floats, transposed: panel[d][nr], zeros behind the n-th column. */
  void (*pack)(const float *rows, int64_t row, int64_t n, int64_t d, float *panel);
  /* C(rows, n) = (add ? C : 0) + A B over k steps; n a multiple of lanes; panel p of B (nr wide) lies at
   * b + p * b_panel, its rows b_k apart. */
  void (*product)(const float *a, int64_t a_row, const float *b, int64_t b_k, int64_t b_panel, int64_t k, int rows,
                  int64_t n, float *c, int64_t c_row, bool add);
  /* Of f32, f16, bf16: s[r][j] = q[r] . k[j] for rows x keys; q is padded with zeros to whole vectors. */
  void (*dots[3])(const float *q, int64_t q_row, int rows, const void *k, int64_t k_row, int64_t d, int64_t keys, float *s,
                  int64_t s_row);
  /* acc[r] += sum_j p[r][j] v[j], d elements; acc is padded to whole vectors. */
  void (*weigh[3])(const float *p, int64_t p_row, int rows, const void *v, int64_t v_row, int64_t d, int64_t keys,
                   float *acc, int64_t acc_row);
  /* n scores become exp(cap(s) + mask - m'), m' the larger of *m and their maximum; those outside [lo, hi) become 0. *l is
   * the sum so far. Returns what older sums are to be multiplied by. s and mask have room for whole vectors. cap 0, mask
   * NULL: none. */
  float (*soften)(float *s, int64_t n, int64_t lo, int64_t hi, float cap, const float *mask, float *m, float *l);
  void (*scale)(float *x, int64_t n, float f); /* n a multiple of lanes */
} sx_attention_table;

/* The keys [lo, hi) that row i of batch b may look at. */
void sx_attention_range(const sx_attention *a, const sx_attention_io *io, int64_t b, int64_t i, int64_t *lo, int64_t *hi);
void sx_attention_plain(const sx_attention *a, const sx_attention_io *io, int64_t begin, int64_t end, void *scratch);
size_t sx_attention_plain_scratch(const sx_attention *a);
#endif
