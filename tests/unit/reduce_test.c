// SPDX-License-Identifier: MIT
/* Reductions against plain loops in long double and 64-bit integers: every operation and type, random shapes and axes, on
 * every ISA level of this machine; one phase and two, units in any order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/reduce/reduce.h"

static uint64_t seed = 7;
static uint64_t rnd(void) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return seed * 0x9e3779b97f4a7c15ull >> 16;
}
static uint32_t below(uint32_t n) { return (uint32_t)(rnd() % n); }

typedef struct ref {
  long double v, max, sum_abs;
  uint64_t i;
  int64_t index, n;
  bool nan;
} ref;

static double as_double(sx_dtype t, const void *x, int64_t k) {
  uint64_t cell[1];
  sx_convert_load(SX_ISA_BASE, t, cell, x, k, 1);
  double d;
  sx_convert_cast(SX_ISA_BASE, sx_ew_class_of(t), SX_F64, &d, cell, 1);
  return d;
}
static uint64_t as_int(sx_dtype t, const void *x, int64_t k) {
  uint64_t cell[1], i;
  sx_convert_load(SX_ISA_BASE, t, cell, x, k, 1);
  sx_convert_cast(SX_ISA_BASE, sx_ew_class_of(t), SX_I64, &i, cell, 1);
  return i;
}
static void add(sx_reduce_op op, bool last, ref *r, double x, uint64_t i, bool is_int) {
  if (r->n == 0) r->v = op == SX_REDUCE_PROD, r->i = op == SX_REDUCE_PROD, r->index = -1, r->max = -INFINITY;
  r->n++;
  r->nan |= isnan(x);
  r->sum_abs += op == SX_REDUCE_L2 || op == SX_REDUCE_SUMSQUARE ? (long double)x * x : fabsl(x);
  switch (op) {
    case SX_REDUCE_L1: r->v += fabs(x), r->i += (int64_t)i < 0 ? 0 - i : i; break;
    case SX_REDUCE_L2:
    case SX_REDUCE_SUMSQUARE: r->v += (long double)x * x, r->i += i * i; break;
    case SX_REDUCE_PROD: r->v *= x, r->i *= i; break;
    case SX_REDUCE_LOGSUMEXP: r->v += expl(x); break;
    case SX_REDUCE_MAX:
    case SX_REDUCE_ARGMAX:
    case SX_REDUCE_MIN:
    case SX_REDUCE_ARGMIN: {
      const bool less = op == SX_REDUCE_MIN || op == SX_REDUCE_ARGMIN;
      if (r->n == 1 || (isnan(x) && (!isnan(r->v) || last)) || (less ? x < r->v : x > r->v) || (last && x == r->v))
        r->v = x, r->i = i, r->index = r->n - 1;
      break;
    }
    default: r->v += x, r->i += i;
  }
  (void)is_int;
}

static void check(sx_reduce_op op, sx_dtype t, uint32_t rank, const int64_t *dim, uint64_t axes, bool last, sx_isa isa,
                  bool specials) {
  int64_t total = 1, outputs = 1, count = 1;
  for (uint32_t i = 0; i < rank; i++) {
    total *= dim[i];
    if (axes >> i & 1)
      count *= dim[i];
    else
      outputs *= dim[i];
  }
  const bool arg = op >= SX_REDUCE_ARGMAX, is_int = !sx_dtype_is_float(t);
  const size_t bytes = sx_dtype_bits(t) / 8, out_bytes = arg ? 8 : bytes;
  void *x = malloc((size_t)total * bytes + 1), *y = malloc((size_t)outputs * out_bytes + 1);
  for (int64_t i = 0; i < total; i++) {
    double f = op == SX_REDUCE_PROD     ? 0.9 + below(200) / 1000.
               : op == SX_REDUCE_LOGSUM ? 0.1 + below(1000) / 100.
                                        : (below(4001) - 2000.) / 300;
    if (specials && !below(60)) f = below(2) ? NAN : INFINITY;
    if (is_int) f = below(5);
    if (is_int && sx_dtype_is_signed(t)) f -= 2;
    sx_cast_run(SX_ISA_BASE, SX_F64, t, 0, (char *)x + i * (int64_t)bytes, &f, 0, 1);
  }
  ref *refs = calloc((size_t)outputs + 1, sizeof *refs);
  for (int64_t i = 0; i < total; i++) {
    int64_t out = 0, scale = 1, rest = i;
    for (uint32_t k = rank; k-- > 0; rest /= dim[k])
      if (!(axes >> k & 1)) out += rest % dim[k] * scale, scale *= dim[k];
    add(op, last, &refs[out], as_double(t, x, i), as_int(t, x, i), is_int);
  }
  sx_reduce_plan p;
  sx_err e;
  if (sx_reduce_plan_init(&p, op, t, rank, dim, axes, last, isa, &e)) fail_msg("%s", e.msg);
  assert_int_equal(p.outputs, outputs);
  assert_int_equal(p.count, count);
  void *shared = aligned_alloc(64, sx_round_up(p.shared_bytes + 1, 64)), *scratch = aligned_alloc(64, p.scratch_bytes);
  for (int phase = 0; phase < 2; phase++)
    for (int64_t u = p.units[phase]; u-- > 0;) sx_reduce_run(&p, phase, x, y, shared, u, u + 1, scratch);
  for (int64_t k = 0; k < outputs; k++) {
    const ref *r = &refs[k];
    if (arg) {
      assert_int_equal(((int64_t *)y)[k], r->index);
      continue;
    }
    double got = as_double(t, y, k);
    if (is_int && op != SX_REDUCE_L2 && op != SX_REDUCE_LOGSUM && op != SX_REDUCE_LOGSUMEXP) {
      uint64_t want = op == SX_REDUCE_MEAN ? (uint64_t)((int64_t)r->i / count) : r->i, got_i = as_int(t, y, k);
      uint64_t mask = bytes == 8 ? ~0ull : (1ull << bytes * 8) - 1;
      if (t == SX_BOOL) want = want != 0;
      if ((want & mask) != (got_i & mask))
        fail_msg("op %d %s: %lld, expected %lld", op, sx_dtype_name(t), (long long)got_i, (long long)want);
      continue;
    }
    long double want = op == SX_REDUCE_MEAN                                  ? r->v / count
                       : op == SX_REDUCE_L2                                  ? sqrtl(r->v)
                       : op == SX_REDUCE_LOGSUM || op == SX_REDUCE_LOGSUMEXP ? logl(r->v)
                                                                             : r->v;
    if (is_int) want = truncl(want);
    if (r->nan) want = NAN;
    if (isnan(want) ? isnan(got) : want == got || (t == SX_F32 && (float)want == got)) continue;
    double eps = t == SX_F64 ? 1e-15 : t == SX_F16 ? 1e-3 : t == SX_BF16 ? 8e-3 : 6e-7, base = fabs((double)want);
    if (op == SX_REDUCE_SUM || op == SX_REDUCE_MEAN) base = (double)(r->sum_abs / (op == SX_REDUCE_MEAN ? count : 1));
    if (t == SX_F64) eps *= 10; /* one accumulator */
    if (op == SX_REDUCE_LOGSUM || op == SX_REDUCE_LOGSUMEXP) base += 1;
    if (!(fabs((double)(got - want)) <= eps * base * 2 + (t == SX_F16 ? 6e-8 : 0)))
      fail_msg("op %d %s on %s: result %lld of %lld over %lld: %.9g, expected %.9Lg", op, sx_dtype_name(t),
               sx_isa_name(isa), (long long)k, (long long)outputs, (long long)count, got, want);
  }
  free(x), free(y), free(refs), free(shared), free(scratch);
}

static void random_shapes(void **state) {
  static const sx_dtype types[] = {SX_F32, SX_F32, SX_F32, SX_F64, SX_F16, SX_BF16, SX_I32,
                                   SX_I64, SX_U64, SX_U32, SX_U8,  SX_I8,  SX_BOOL};
  static const int64_t sizes[] = {1, 2, 3, 5, 7, 16, 17, 33, 64, 130, 300, 600};
  for (int round = 0; round < 1500; round++) {
    uint32_t rank = below(6);
    int64_t dim[6], total = 1;
    for (uint32_t i = 0; i < rank; i++) {
      dim[i] = sizes[below(12)];
      while (total * dim[i] > 3000) dim[i] = (dim[i] + 1) / 2 - (dim[i] == 1);
      if (dim[i] < 1) dim[i] = 1;
      total *= dim[i];
    }
    sx_dtype t = types[below(13)];
    sx_reduce_op op = (sx_reduce_op)below(SX_REDUCE_OP_COUNT);
    if (t == SX_BOOL) op = below(2) ? SX_REDUCE_MAX : SX_REDUCE_MIN;
    if (!sx_dtype_is_float(t) && (op == SX_REDUCE_LOGSUM || op == SX_REDUCE_LOGSUMEXP)) op = SX_REDUCE_L1;
    check(op, t, rank, dim, rnd() & ((1u << rank) - 1), below(2), (sx_isa)below(sx_cpu_info()->isa + 1u), below(2));
  }
}
static void large(void **state) {
  const int64_t shapes[][3] = {{1, 1, 100000}, {3, 25000, 2}, {1, 300, 400}, {2, 10000, 5}, {30, 500, 3}, {1, 70001, 1}};
  for (size_t s = 0; s < 6; s++)
    for (int op = 0; op < SX_REDUCE_OP_COUNT; op++)
      for (uint64_t axes = 1; axes < 8; axes += 3) {
        check((sx_reduce_op)op, SX_F32, 3, shapes[s], axes == 1 ? 2 : axes == 4 ? 7 : 4, false, sx_cpu_info()->isa, false);
        if (s == 1) check((sx_reduce_op)op, SX_F64, 3, shapes[s], 2, true, SX_ISA_BASE, true);
      }
}
static void empty(void **state) {
  const int64_t dim[] = {2, 0, 3};
  for (int op = 0; op < SX_REDUCE_OP_COUNT; op++)
    for (uint64_t axes = 0; axes < 8; axes++)
      for (int type = 0; type < 2; type++) {
        sx_reduce_plan p;
        float y[6] = {9, 9, 9, 9, 9, 9};
        int64_t yi[6];
        assert_int_equal(
            sx_reduce_plan_init(&p, (sx_reduce_op)op, type ? SX_I64 : SX_F32, 3, dim, axes, false, SX_ISA_BASE, NULL),
            SX_OK);
        void *scratch = aligned_alloc(64, p.scratch_bytes);
        sx_reduce_run(&p, 0, NULL, op >= SX_REDUCE_ARGMAX || type ? (void *)yi : y, NULL, 0, p.units[0], scratch);
        free(scratch);
        const int64_t outputs = axes & 2 ? (axes & 1 ? 1 : 2) * (axes & 4 ? 1 : 3) : 0;
        assert_int_equal(p.outputs, outputs);
        for (int64_t i = 0; i < outputs; i++) {
          if (type == 0 && (op == SX_REDUCE_SUM || op == SX_REDUCE_L2)) assert_true(y[i] == 0);
          if (type == 0 && op == SX_REDUCE_MAX) assert_true(y[i] == -INFINITY);
          if (type == 0 && op == SX_REDUCE_MEAN) assert_true(isnan(y[i]));
          if (type == 0 && op == SX_REDUCE_LOGSUMEXP) assert_true(y[i] == -INFINITY);
          if (type == 1 && op == SX_REDUCE_PROD) assert_true(yi[i] == 1);
          if (type == 1 && op == SX_REDUCE_MIN) assert_true(yi[i] == INT64_MAX);
        }
      }
}

static void empty_extremes(void **state) {
  static const struct {
    sx_dtype t;
    uint32_t max, min;
  } rows[] = {
      {SX_BOOL, 0, 1}, {SX_U8, 0, 255}, {SX_I8, 0x80, 0x7f}, {SX_I32, 0x80000000, 0x7fffffff}, {SX_U32, 0, 0xffffffff}};
  const int64_t dim[] = {0};
  for (size_t i = 0; i < 5; i++)
    for (int min = 0; min < 2; min++) {
      sx_reduce_plan p;
      uint32_t y = 0;
      assert_int_equal(
          sx_reduce_plan_init(&p, min ? SX_REDUCE_MIN : SX_REDUCE_MAX, rows[i].t, 1, dim, 1, false, SX_ISA_BASE, NULL),
          SX_OK);
      void *scratch = aligned_alloc(64, p.scratch_bytes);
      sx_reduce_run(&p, 0, NULL, &y, NULL, 0, p.units[0], scratch);
      free(scratch);
      assert_int_equal(y, min ? rows[i].min : rows[i].max);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_shapes), cmocka_unit_test(large), cmocka_unit_test(empty),
                                     cmocka_unit_test(empty_extremes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
