// SPDX-License-Identifier: MIT
/* Philox 4x32-10 (Salmon et al., 2011) and what is drawn from it. */
#include "ep/cpu/kernels/random/random.h"
#include "base/stop.h"
#include <math.h>
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/random/random_tables.h"

SX_ISA_DECLARE(sx_random_table, sx_random);

void sx_philox(uint64_t key, uint64_t counter, uint32_t out[4]) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32), c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0};
  for (int round = 0; round < 10; round++, k0 += 0x9e3779b9u, k1 += 0xbb67ae85u) {
    uint64_t a = (uint64_t)c[0] * 0xd2511f53u, b = (uint64_t)c[2] * 0xcd9e8d57u;
    uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k1, (uint32_t)a};
    for (int i = 0; i < 4; i++) c[i] = next[i];
  }
  for (int i = 0; i < 4; i++) out[i] = c[i];
}

static double wide_uniform(const uint32_t w[2]) { return ((double)(w[0] >> 5) * 67108864.0 + (w[1] >> 6)) * 0x1p-53; }

enum { BLOCKS = 64 }; /* made at a time */
/* Walks [0, n) by the numbers of BLOCKS blocks, `each` to a block, whose words are then in w. */
#define BY_BLOCKS(each)                                                                                                \
  const sx_random_table *t = SX_ISA_PICK(sx_random, isa);                                                              \
  uint32_t w[4 * BLOCKS];                                                                                              \
  for (int64_t at = 0, m; m = n - at < (each)*BLOCKS ? n - at : (each)*BLOCKS, m > 0; at += m)                         \
    if (t->blocks(key, (uint64_t)(first + at) / (each), (int)(m + (each)-1) / (each), w), true)

void sx_random_uniform_f32(sx_isa isa, uint64_t key, int bits, int64_t first, int64_t n, float *y) {
  BY_BLOCKS(4) t->uniform_f32(w, bits, (int)m, y + at);
}
void sx_random_uniform_f64(sx_isa isa, uint64_t key, int64_t first, int64_t n, double *y) {
  BY_BLOCKS(2) t->uniform_f64(w, (int)m, y + at);
}
/* The radius wants (0, 1]: a logarithm of 0 would be infinite. Two numbers share radius and angle. */
void sx_random_normal_f32(sx_isa isa, uint64_t key, int64_t first, int64_t n, float *y) {
  BY_BLOCKS(4)
  for (int64_t i = 0; i < m; i += 2) {
    float r = sqrtf(-2 * logf(((float)w[i] + 1) * 0x1p-32f)), a = (float)w[i + 1] * (6.2831853f * 0x1p-32f);
    y[at + i] = r * cosf(a);
    if (i + 1 < m) y[at + i + 1] = r * sinf(a);
  }
}
void sx_random_normal_f64(sx_isa isa, uint64_t key, int64_t first, int64_t n, double *y) {
  BY_BLOCKS(2)
  for (int64_t i = 0; i < m; i += 2) {
    double r = sqrt(-2 * log(1 - wide_uniform(w + 2 * i))), a = wide_uniform(w + 2 * i + 2) * 6.283185307179586;
    y[at + i] = r * cos(a);
    if (i + 1 < m) y[at + i + 1] = r * sin(a);
  }
}

bool sx_random_classes(const double *x, int64_t n, double *sum) {
  double most = -INFINITY, total = 0, spent = 0;
  for (int64_t i = 0; i < n; i++)
    if (x[i] > most) most = x[i];
  if (most == -INFINITY) return false;
  for (int64_t i = 0; i < n && !sx_stop_spent(&spent, 10); i++) {
    double e = x[i] == most ? 1 : exp(x[i] - most);
    sum[i] = total += e > 0 ? e : 0;
  }
  return total > 0 && isfinite(total);
}
int64_t sx_random_class(const double *sum, int64_t n, double u) {
  double at = u * sum[n - 1];
  int64_t lo = 0, hi = n - 1;
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2;
    if (sum[mid] > at) hi = mid;
    else lo = mid + 1;
  }
  return lo;
}
