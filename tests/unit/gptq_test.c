// SPDX-License-Identifier: MIT
/* GPTQ against the method as it was published, in double and with the inverse of the moments; and that the products it is made
 * for are nearer than those of weights rounded to nearest. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "quant/gptq_solve.h"

enum { K = 71, N = 9, ROWS = 200 };
static float x[ROWS * K], w[K * N]; /* w by column: element (n, k) at k * N + n */

static float draw(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / 8388608.0f - 1;
}

static void fill(void) {
  uint32_t seed = 7;
  for (int r = 0; r < ROWS; r++) { /* neighbours are alike, and some matter more than others */
    float before = 0;
    for (int k = 0; k < K; k++) {
      before = 0.8f * before + draw(&seed);
      x[r * K + k] = before * (k % 7 == 3 ? 4 : k == 10 ? 0 : 1);
    }
  }
  for (int i = 0; i < K * N; i++) w[i] = draw(&seed) * (i % 13 == 0 ? 3 : 1);
}

static int code_at(const sx_quant_blocks *b, const sx_quant_options *o, int64_t n, int64_t k) {
  const int64_t i = n * b->codes->dims[1] * o->block + k;
  return ((const uint8_t *)b->codes->data)[i * o->bits / 8] >> i * o->bits % 8 & ((1 << o->bits) - 1);
}
static double value_at(const sx_quant_blocks *b, const sx_quant_options *o, int64_t n, int64_t k) {
  const int64_t blocks = b->scale->dims[1], block = k / o->block;
  const int zero = b->zero ? ((const uint8_t *)b->zero->data)[n * b->zero->dims[1] + block * o->bits / 8] >> block * o->bits % 8 &
                                 ((1 << o->bits) - 1)
                           : 1 << (o->bits - 1);
  return (double)(code_at(b, o, n, k) - zero) * (double)((const float *)b->scale->data)[n * blocks + block];
}

/* Sum of squares of what products on the samples are off by. */
static double off_by(const sx_quant_blocks *b, const sx_quant_options *o) {
  double sum = 0;
  for (int r = 0; r < ROWS; r++)
    for (int n = 0; n < N; n++) {
      double d = 0;
      for (int k = 0; k < K; k++) d += (double)x[r * K + k] * ((double)w[k * N + n] - value_at(b, o, n, k));
      sum += d * d;
    }
  return sum;
}

static void moments(double *h, double damping) {
  double mean = 0;
  for (int i = 0; i < K; i++)
    for (int j = 0; j < K; j++) {
      h[i * K + j] = 0;
      for (int r = 0; r < ROWS; r++) h[i * K + j] += (double)x[r * K + i] * (double)x[r * K + j];
    }
  for (int i = 0; i < K; i++) mean += h[i * K + i] / K;
  for (int i = 0; i < K; i++) h[i * K + i] += damping * mean + (h[i * K + i] == 0 ? mean : 0);
}

/* Gauss and Jordan. */
static void invert(double *a, double *out) {
  for (int i = 0; i < K * K; i++) out[i] = i / K == i % K;
  for (int c = 0; c < K; c++) {
    const double d = a[c * K + c];
    for (int j = 0; j < K; j++) a[c * K + j] /= d, out[c * K + j] /= d;
    for (int r = 0; r < K; r++) {
      const double f = r == c ? 0 : a[r * K + c];
      for (int j = 0; j < K; j++) a[r * K + j] -= f * a[c * K + j], out[r * K + j] -= f * out[c * K + j];
    }
  }
}

/* Algorithm 1 of the paper, one channel at a time: after an element is rounded, the others make up for its error, and it is taken
 * out of the inverse. How many codes differ, but for ties. */
static int differs(const sx_quant_blocks *b, const sx_quant_options *o) {
  static double h[K * K], inverse[K * K], t[K * K], left[K];
  int different = 0;
  moments(h, o->damping);
  invert(h, inverse);
  for (int n = 0; n < N; n++) {
    float block[SX_QUANT_MOST_BLOCK];
    sx_quant_step s = {0};
    memcpy(t, inverse, sizeof t);
    for (int k = 0; k < K; k++) left[k] = (double)w[k * N + n];
    for (int k = 0; k < K; k++) {
      for (int i = k; k % o->block == 0 && i < K && i < k + o->block; i++) block[i - k] = (float)left[i];
      if (k % o->block == 0) s = sx_quant_step_of(block, K - k < o->block ? K - k : o->block, o);
      const int code = sx_quant_code_of(&s, (float)left[k]);
      const double error = left[k] - (double)((float)code - s.zero) * (double)s.scale, d = t[k * K + k];
      different += code != code_at(b, o, n, k);
      for (int i = k + 1; i < K; i++) left[i] -= error * t[k * K + i] / d;
      for (int i = k + 1; i < K; i++)
        for (int j = k + 1; j < K; j++) t[i * K + j] -= t[i * K + k] * t[k * K + j] / d;
    }
  }
  return different;
}

static void solve(const sx_quant_options *o, sx_pool *pool, sx_quant_blocks *b) {
  float *h = sx_malloc_aligned(sizeof(float) * K * K);
  int32_t perm[K];
  sx_gptq_moments m = {K, h, perm};
  memset(h, 0, sizeof(float) * K * K);
  assert_int_equal(sx_gptq_add_rows(&m, x, ROWS / 2, pool, NULL), SX_OK);
  assert_int_equal(sx_gptq_add_rows(&m, x + ROWS / 2 * K, ROWS - ROWS / 2, pool, NULL), SX_OK);
  assert_int_equal(sx_gptq_factor(&m, o, pool, NULL), SX_OK);
  assert_int_equal(sx_gptq_solve(&m, w, N, 1, N, o, pool, b, NULL), SX_OK);
  sx_free_aligned(h, sizeof(float) * K * K);
}

static void test_codes(void **state) {
  sx_pool *pool;
  assert_int_equal(sx_pool_create(&(sx_pool_options){.threads = 2}, &pool, NULL), SX_OK);
  fill();
  for (int bits = 2; bits <= 8; bits *= 2)
    for (int block = 16; block <= 128; block *= 2)
      for (int form = 0; form < 8; form++) {
        const sx_quant_options o = {.mode = SX_QUANT_NBITS, .method = SX_QUANT_GPTQ, .bits = bits, .block = block, .damping = 0.01,
                                    .symmetric_weights = form == 1, .heavy_first = form == 2 || form == 5,
                                    .least_error = form == 3, .share_steps = form == 4 || form == 5};
        sx_quant_blocks gptq, nearest, again;
        solve(&o, NULL, &gptq);
        solve(&o, pool, &again);
        assert_memory_equal(gptq.codes->data, again.codes->data, gptq.codes->size);
        assert_int_equal(sx_quantize_blocks(w, N, K, 1, N, &o, &nearest, NULL), SX_OK);
        if (!o.share_steps) assert_true(off_by(&gptq, &o) < 0.8 * off_by(&nearest, &o));
        if (form < 2 || form == 3) assert_in_range(differs(&gptq, &o), 0, bits == 8 ? 12 : 3); /* ties, in float and double */
        sx_quant_blocks_drop(&gptq), sx_quant_blocks_drop(&nearest), sx_quant_blocks_drop(&again);
      }
  sx_pool_destroy(pool);
}

/* Samples that say nothing: rounding to nearest. Weights that are no numbers are refused. */
static void test_contents(void **state) {
  const sx_quant_options o = {.mode = SX_QUANT_NBITS, .method = SX_QUANT_GPTQ, .bits = 4, .block = 32, .damping = 0};
  sx_quant_blocks gptq, nearest;
  fill();
  memset(x, 0, sizeof x);
  solve(&o, NULL, &gptq);
  assert_int_equal(sx_quantize_blocks(w, N, K, 1, N, &o, &nearest, NULL), SX_OK);
  assert_memory_equal(gptq.codes->data, nearest.codes->data, nearest.codes->size);
  assert_memory_equal(gptq.zero->data, nearest.zero->data, nearest.zero->size);
  assert_memory_equal(gptq.scale->data, nearest.scale->data, nearest.scale->size);
  sx_quant_blocks_drop(&gptq), sx_quant_blocks_drop(&nearest);
  for (int i = 0; i < ROWS * K; i++) x[i] = 1; /* of rank one, without damping: more is taken until it suffices */
  solve(&o, NULL, &gptq);
  sx_quant_blocks_drop(&gptq);
  float h[1] = {1}, bad[1] = {NAN};
  int32_t perm[1] = {0};
  assert_int_equal(sx_gptq_solve(&(sx_gptq_moments){1, h, perm}, bad, 1, 1, 1, &o, NULL, &gptq, NULL), SX_E_INVALID_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_codes), cmocka_unit_test(test_contents)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
