// SPDX-License-Identifier: MIT
/* Attention against double loops: packed, direct and plain, every type, grouped heads, masks of either kind, causal,
 * windows, lengths per batch, caps, sinks, split caches, at every ISA level of this machine; and rows that may look at
 * nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/attention/attention.h"
#include "ep/cpu/kernels/convert/convert.h"

static uint64_t seed = 5;
static uint32_t below(uint32_t n) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)(seed >> 33) % n;
}
static double *doubles(sx_dtype t, const void *x, int64_t n) {
  double *d = malloc((size_t)(n + 1) * sizeof *d);
  if (x) sx_cast_run(SX_ISA_BASE, t, SX_F64, 0, d, x, 0, n);
  return d;
}
static void *tensor(sx_dtype t, int64_t n) { /* exactly as large as it is, so that a sanitizer sees every read beyond it */
  char *x = malloc((size_t)n * (sx_dtype_bits(t) / 8) + !n);
  for (int64_t i = 0; i < n; i++) {
    const double v = (below(2001) - 1000.) / 500;
    sx_cast_run(SX_ISA_BASE, SX_F64, t, 0, x + i * (int64_t)(sx_dtype_bits(t) / 8), &v, 0, 1);
  }
  return x;
}

static void phase(void (*run)(const sx_attention *, const sx_attention_io *, int64_t, int64_t, void *),
                  const sx_attention *a, const sx_attention_io *io, int64_t units) {
  void *scratch = aligned_alloc(64, (a->scratch + 127) / 64 * 64);
  memset(scratch, 0xff, a->scratch); /* NaN: nothing unset is used */
  for (int64_t u = units; u-- > 0;) run(a, io, u, u + 1, scratch);
  free(scratch);
}

static void check(sx_attention a, const int64_t *length, int empty_rows) {
  const int64_t nq = a.B * a.Hq * a.Lq * a.D, nk = a.B * a.Hkv * a.Lk * a.D, nv = a.B * a.Hkv * a.Lk * a.Dv,
                ny = a.B * a.Hq * a.Lq * a.Dv;
  a.q_b = a.Hq * a.Lq * a.D, a.q_h = a.Lq * a.D, a.q_l = a.D;
  a.k_b = a.Hkv * a.Lk * a.D, a.k_l = a.Hkv * a.D, a.k_h = a.D; /* keys interleave heads */
  a.v_b = a.Hkv * a.Lk * a.Dv, a.v_h = a.Lk * a.Dv, a.v_l = a.Dv;
  a.y_b = a.Lq * a.Hq * a.Dv, a.y_l = a.Hq * a.Dv, a.y_h = a.Dv;
  const int64_t nm = a.Hq * a.Lq * a.m_len;
  if (a.m_type) a.m_b = 0, a.m_h = a.Lq * a.m_len, a.m_q = a.m_len, a.m_k = 1;
  void *q = tensor(a.q_type, nq), *k = tensor(a.k_type, nk), *v = tensor(a.v_type, nv), *y = tensor(a.q_type, ny),
       *sink = tensor(a.q_type, a.Hq);
  void *mask = a.m_type ? tensor(a.m_type == SX_BOOL ? SX_U8 : a.m_type, nm) : NULL;
  for (int64_t i = 0; i < nm && a.m_type == SX_BOOL; i++) ((uint8_t *)mask)[i] = below(3) > 0 && i / a.m_len >= empty_rows;
  for (int64_t i = 0; i < nm && a.m_type == SX_F32; i++)
    if (below(4) == 0 || i / a.m_len < empty_rows) ((float *)mask)[i] = -INFINITY;
  assert_true(sx_attention_plan(&a));
  void *shared = aligned_alloc(64, (a.shared + 127) / 64 * 64);
  memset(shared, 0xff, a.shared);
  const sx_attention_io io = {q, k, v, mask, sink, length, NULL, y, NULL, shared};
  phase(sx_attention_pack, &a, &io, a.pack_units);
  phase(sx_attention_run, &a, &io, a.units);
  phase(sx_attention_merge, &a, &io, a.merge_units);
  const double eps = a.q_type == SX_F64 ? 1e-12 : a.q_type == SX_F16 ? 1e-3 : a.q_type == SX_BF16 ? 8e-3 : 4e-6;
  double *s = malloc((size_t)(a.Lk + 1) * sizeof *s), *dq = doubles(a.q_type, q, nq), *dk = doubles(a.k_type, k, nk),
         *dv = doubles(a.v_type, v, nv), *dy = doubles(a.q_type, y, ny);
  double *ds = doubles(a.q_type, sink, a.Hq), *dm = doubles(a.m_type == SX_BOOL ? SX_U8 : a.m_type, mask, nm);
  for (int64_t b = 0; b < a.B; b++)
    for (int64_t h = 0; h < a.Hq; h++)
      for (int64_t i = 0; i < a.Lq; i++) {
        const int64_t kv = h / (a.Hq / a.Hkv), len = length ? length[b] : a.Lk,
                      pos = i + (a.from_length ? len - a.Lq : a.offset);
        double max = -INFINITY, sum = 0, extra = a.sink == SX_SINK_HEAD ? ds[h] : 0;
        for (int64_t j = 0; j < a.Lk; j++) {
          double x = 0;
          for (int64_t d = 0; d < a.D; d++)
            x += dq[b * a.q_b + h * a.q_h + i * a.q_l + d] * dk[b * a.k_b + kv * a.k_h + j * a.k_l + d];
          x *= a.scale;
          if (a.softcap > 0) x = tanh(x / (double)a.softcap) * (double)a.softcap;
          bool seen = j < len && (!a.causal || j <= pos) && (a.left < 0 || j >= pos - a.left) &&
                      (a.right < 0 || j <= pos + a.right) && (!a.m_type || j < a.m_len);
          const int64_t at = h * a.m_h + i * a.m_q + j;
          if (seen && a.m_type == SX_BOOL)
            seen = dm[at] != 0;
          else if (seen && a.m_type)
            x += dm[at];
          s[j] = seen ? x : -INFINITY;
          if (s[j] > max) max = s[j];
        }
        if (a.sink && extra > max) max = extra;
        for (int64_t j = 0; j < a.Lk; j++) sum += s[j] = max == -INFINITY ? 0 : exp(s[j] - max);
        if (a.sink) sum += exp(extra - max);
        for (int64_t d = 0; d < a.Dv; d++) {
          double want = 0;
          for (int64_t j = 0; j < a.Lk; j++) want += s[j] ? s[j] / sum * dv[b * a.v_b + kv * a.v_h + j * a.v_l + d] : 0;
          const double got = dy[b * a.y_b + h * a.y_h + i * a.y_l + d];
          if (!(fabs(got - want) <= eps * (1 + fabs(want))))
            fail_msg(
                "%s, way %d, %s/%s/%s, B %lld H %lld/%lld L %lld/%lld D %lld/%lld: y(%lld,%lld,%lld,%lld) is %g, expected "
                "%g",
                sx_isa_name(a.isa), a.way, sx_dtype_name(a.q_type), sx_dtype_name(a.k_type), sx_dtype_name(a.v_type),
                (long long)a.B, (long long)a.Hq, (long long)a.Hkv, (long long)a.Lq, (long long)a.Lk, (long long)a.D,
                (long long)a.Dv, (long long)b, (long long)h, (long long)i, (long long)d, got, want);
        }
      }
  free(q), free(k), free(v), free(y), free(sink), free(mask), free(shared), free(s), free(dq), free(dk), free(dv), free(dy),
      free(ds), free(dm);
}

static sx_attention base(sx_isa isa, sx_dtype q, sx_dtype kv, int64_t Hq, int64_t Hkv, int64_t Lq, int64_t Lk, int64_t D,
                         int64_t Dv) {
  return (sx_attention){.isa = isa,
                        .q_type = q,
                        .k_type = kv,
                        .v_type = kv,
                        .B = 2,
                        .Hq = Hq,
                        .Hkv = Hkv,
                        .Lq = Lq,
                        .Lk = Lk,
                        .D = D,
                        .Dv = Dv,
                        .scale = 1 / sqrtf((float)D),
                        .left = -1,
                        .right = -1,
                        .scores = SX_SCORES_NONE};
}
static void all(sx_isa isa) {
  static const struct {
    int64_t Hq, Hkv, Lq, Lk, D, Dv;
  } sizes[] = {{2, 2, 1, 7, 8, 8},      {4, 2, 1, 33, 64, 64}, {6, 2, 3, 20, 17, 5},   {3, 3, 5, 5, 16, 24},
               {4, 2, 19, 70, 40, 33},  {2, 1, 30, 1, 1, 1},   {4, 4, 14, 64, 32, 32}, {8, 1, 1, 1100, 20, 48},
               {1, 1, 17, 1700, 8, 16}, {2, 2, 3, 0, 4, 4},    {2, 1, 0, 3, 4, 4}};
  static const sx_dtype types[][2] = {
      {SX_F32, SX_F32}, {SX_F16, SX_F16}, {SX_BF16, SX_BF16}, {SX_F32, SX_F16}, {SX_F64, SX_F64}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
      const bool large = sizes[i].Lk > 100;
      if (large && t > 1) continue;
      const sx_attention plain =
          base(isa, types[t][0], types[t][1], sizes[i].Hq, sizes[i].Hkv, sizes[i].Lq, sizes[i].Lk, sizes[i].D, sizes[i].Dv);
      const int64_t Lk = plain.Lk, lengths[2] = {Lk * 2 / 3, Lk};
      sx_attention a = plain;
      check(a, NULL, 0);
      a.causal = true, a.offset = Lk > plain.Lq ? Lk - plain.Lq : 0;
      check(a, NULL, 0);
      a.offset = 0, a.left = 3, a.right = 2, a.causal = false;
      check(a, NULL, 0);
      a = plain, a.has_length = a.from_length = true, a.causal = true, a.sink = SX_SINK_HEAD;
      check(a, lengths, 0);
      if (large) continue;
      a = plain, a.m_type = SX_BOOL, a.m_len = Lk, a.softcap = 0.75f;
      check(a, NULL, 1);
      a = plain, a.m_type = SX_F32, a.m_len = Lk > 2 ? Lk - 2 : Lk, a.sink = SX_SINK_ZERO;
      check(a, NULL, 2);
      a = plain, a.m_type = SX_F16, a.m_len = Lk;
      check(a, NULL, 0);
    }
}
static void every_level(void **state) {
  (void)state;
  for (int isa = SX_ISA_BASE; isa <= (int)sx_cpu_info()->isa; isa++) all((sx_isa)isa);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_level)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
