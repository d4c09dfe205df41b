// SPDX-License-Identifier: MIT
/* The elementwise machine against an interpreter that does one element at a time: every operation in every class, random
 * programs over random broadcasts, storage types, strides and unit ranges, on every ISA level of this machine. */
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
#include "ep/cpu/kernels/elementwise/elementwise.h"

static uint64_t seed = 1;
static uint64_t rnd(void) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return seed * 0x9e3779b97f4a7c15ull >> 16;
}
static uint32_t below(uint32_t n) { return (uint32_t)(rnd() % n); }

/* A value of any class. Floats in f, integers and booleans in i (two's complement). */
typedef struct value {
  double f;
  uint64_t i;
} value;
static bool is_float(sx_ew_class c) { return c <= SX_EW_F64; }
static value get(sx_ew_class c, const void *p, int64_t k) {
  value v = {0};
  switch (c) {
    case SX_EW_F32: v.f = ((const float *)p)[k]; break;
    case SX_EW_F64: v.f = ((const double *)p)[k]; break;
    case SX_EW_I32: v.i = (uint64_t)(int64_t)((const int32_t *)p)[k]; break;
    case SX_EW_B8: v.i = ((const uint8_t *)p)[k] != 0; break;
    default: v.i = ((const uint64_t *)p)[k];
  }
  return v;
}
static uint64_t wrap(sx_ew_class c, uint64_t i) { return c == SX_EW_I32 ? (uint64_t)(int64_t)(int32_t)i : i; }

static double mod(double x, double y) {
  double r = fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double clamp(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }
/* 0: not this operation. */
static int eval_float(sx_ew_op op, double x, double y, double z, double p, double q, double *r) {
  switch (op) {
    case SX_EW_Abs: *r = fabs(x); return 1;
    case SX_EW_Affine: *r = p * x + q; return 1;
    case SX_EW_Celu:
      *r = fmax(0, x) + fmin(0, p * expm1(x / p));
      if (isnan(x)) *r = x;
      return 1;
    case SX_EW_Elu: *r = x < 0 ? p * expm1(x) : x; return 1;
    case SX_EW_Selu: *r = q * (x < 0 ? p * expm1(x) : x); return 1;
    case SX_EW_HardSigmoid: *r = clamp(p * x + q, 0, 1); return 1;
    case SX_EW_HardSwish: *r = x * clamp(x / 6 + 0.5, 0, 1); return 1;
    case SX_EW_LeakyRelu: *r = x < 0 ? p * x : x; return 1;
    case SX_EW_Neg: *r = -x; return 1;
    case SX_EW_Relu: *r = x < 0 ? 0 : x; return 1;
    case SX_EW_Shrink: *r = x < -p ? x + q : x > p ? x - q : 0; return 1;
    case SX_EW_Sign: *r = x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x; return 1;
    case SX_EW_Square: *r = x * x; return 1;
    case SX_EW_Swish: *r = x * sigmoid(p * x); return 1;
    case SX_EW_ThresholdedRelu: *r = x > p ? x : 0; return 1;
    case SX_EW_Round: *r = rint(x); return 1;
    case SX_EW_Sqrt: *r = sqrt(x); return 1;
    case SX_EW_Exp: *r = exp(x); return 1;
    case SX_EW_Tanh: *r = tanh(x); return 1;
    case SX_EW_Add: *r = x + y; return 1;
    case SX_EW_Sub: *r = x - y; return 1;
    case SX_EW_Mul: *r = x * y; return 1;
    case SX_EW_Div: *r = x / y; return 1;
    case SX_EW_Mod: *r = mod(x, y); return 1;
    case SX_EW_FMod: *r = fmod(x, y); return 1;
    case SX_EW_Min: *r = isnan(x) || isnan(y) ? NAN : x < y ? x : y; return 1;
    case SX_EW_Max: *r = isnan(x) || isnan(y) ? NAN : x > y ? x : y; return 1;
    case SX_EW_PRelu: *r = x < 0 ? x * y : x; return 1;
    case SX_EW_Pow: *r = pow(x, y); return 1;
    case SX_EW_Atan2: *r = atan2(x, y); return 1;
    case SX_EW_Clip: *r = isnan(x) ? x : fmin(fmax(x, y), z); return 1;
    case SX_EW_MulAdd: *r = x * y + z; return 1;
    default: return 0;
  }
}
static uint64_t power(uint64_t b, uint64_t e) {
  uint64_t r = 1;
  for (; e; e >>= 1, b *= b) r *= e & 1 ? b : 1;
  return r;
}
static int eval_int(sx_ew_op op, sx_ew_class c, uint64_t x, uint64_t y, uint64_t z, uint64_t *r) {
  const bool sgn = c != SX_EW_U64;
  const int64_t a = (int64_t)x, b = (int64_t)y;
  const uint64_t w = c == SX_EW_I32 ? 32 : 64, ush = c == SX_EW_I32 ? (uint32_t)y : y;
#define LT(p, q) (sgn ? (int64_t)(p) < (int64_t)(q) : (p) < (q))
  switch (op) {
    case SX_EW_Abs: *r = sgn && a < 0 ? 0 - x : x; return 1;
    case SX_EW_BitwiseNot: *r = ~x; return 1;
    case SX_EW_Neg: *r = 0 - x; return 1;
    case SX_EW_Relu: *r = sgn && a < 0 ? 0 : x; return 1;
    case SX_EW_Sign: *r = sgn ? (uint64_t)((a > 0) - (a < 0)) : x > 0; return 1;
    case SX_EW_Square: *r = x * x; return 1;
    case SX_EW_Add: *r = x + y; return 1;
    case SX_EW_Sub: *r = x - y; return 1;
    case SX_EW_Mul: *r = x * y; return 1;
    case SX_EW_Div: *r = !y ? 0 : !sgn ? x / y : b == -1 ? 0 - x : (uint64_t)(a / b); return 1;
    case SX_EW_FMod: *r = !y ? 0 : !sgn ? x % y : b == -1 ? 0 : (uint64_t)(a % b); return 1;
    case SX_EW_Mod: {
      int64_t m = !y ? 0 : !sgn ? (int64_t)(x % y) : b == -1 ? 0 : a % b;
      *r = (uint64_t)(sgn && m && (m < 0) != (b < 0) ? m + b : m);
      return 1;
    }
    case SX_EW_Pow: *r = sgn && b < 0 ? (a == 1 ? 1 : a == -1 ? (b & 1 ? ~0ull : 1) : 0) : power(x, y); return 1;
    case SX_EW_Min: *r = LT(x, y) ? x : y; return 1;
    case SX_EW_Max: *r = LT(y, x) ? x : y; return 1;
    case SX_EW_PRelu: *r = sgn && a < 0 ? x * y : x; return 1;
    case SX_EW_BitwiseAnd: *r = x & y; return 1;
    case SX_EW_BitwiseOr: *r = x | y; return 1;
    case SX_EW_BitwiseXor: *r = x ^ y; return 1;
    case SX_EW_ShiftLeft: *r = ush >= w ? 0 : x << ush; return 1;
    case SX_EW_ShiftRight: *r = ush >= w ? (sgn && a < 0 ? ~0ull : 0) : sgn ? (uint64_t)(a >> ush) : x >> ush; return 1;
    case SX_EW_Clip:
      *r = LT(x, y) ? y : x;
      *r = LT(z, *r) ? z : *r;
      return 1;
    case SX_EW_MulAdd: *r = x * y + z; return 1;
    default: return 0;
  }
}
#define COMPARE(x, y)                    \
  op == SX_EW_Equal         ? (x) == (y) \
  : op == SX_EW_NotEqual    ? (x) != (y) \
  : op == SX_EW_Less        ? (x) < (y)  \
  : op == SX_EW_LessOrEqual ? (x) <= (y) \
  : op == SX_EW_Greater     ? (x) > (y)  \
                            : (x) >= (y)
static int eval(const sx_ew_ins *ins, value x, value y, value z, value *r) {
  const sx_ew_op op = ins->op;
  const sx_ew_class c = ins->cls;
  *r = (value){0};
  if (op == SX_EW_Where) {
    *r = x.i ? y : z;
  } else if (op >= SX_EW_Equal && op <= SX_EW_GreaterOrEqual) {
    r->i = is_float(c) ? COMPARE(x.f, y.f) : c == SX_EW_U64 ? COMPARE(x.i, y.i) : COMPARE((int64_t)x.i, (int64_t)y.i);
  } else if (op == SX_EW_And || op == SX_EW_Or || op == SX_EW_Xor || op == SX_EW_Not) {
    r->i = op == SX_EW_And ? x.i && y.i : op == SX_EW_Or ? x.i || y.i : op == SX_EW_Xor ? !x.i != !y.i : !x.i;
  } else if (op == SX_EW_IsNaN) {
    r->i = isnan(x.f);
  } else if (op == SX_EW_IsInf) {
    r->i = (x.f == INFINITY && ins->imm[1].f != 0) || (x.f == -INFINITY && ins->imm[0].f != 0);
  } else if (op == SX_EW_CONST) {
    if (is_float(c))
      r->f = c == SX_EW_F32 ? (float)ins->imm[0].f : ins->imm[0].f;
    else
      r->i = wrap(c, ins->imm[0].u);
  } else if (is_float(c)) {
    if (!eval_float(op, x.f, y.f, z.f, ins->imm[0].f, ins->imm[1].f, &r->f)) return 0;
    if (c == SX_EW_F32) r->f = (float)r->f;
  } else {
    if (!eval_int(op, c, x.i, y.i, z.i, &r->i)) return 0;
    r->i = wrap(c, r->i);
  }
  return 1;
}

static void random_element(sx_dtype t, void *p, int64_t k) {
  static const double odd[] = {0, -0.0, 1, -1, 2, 0.5, -3, 100, INFINITY, -INFINITY, NAN, 1e-40, 7, 63, 31};
  double f = below(4) ? ((double)below(2000001) - 1000000) / 100000 : odd[below(15)];
  static const uint64_t odd_ints[] = {0,          1,          2,          3,  ~0ull, ~1ull, 0x7fffffff,
                                      0x80000000, 1ull << 63, ~0ull >> 1, 31, 32,    63,    64};
  uint64_t i = below(3) ? rnd() % 41 - 20 : odd_ints[below(14)];
  switch (t) {
    case SX_F32: ((float *)p)[k] = (float)f; break;
    case SX_F64: ((double *)p)[k] = f; break;
    case SX_BOOL: ((uint8_t *)p)[k] = below(2) ? (uint8_t)(1 + below(3)) : 0; break;
    case SX_I32:
    case SX_U32: ((uint32_t *)p)[k] = (uint32_t)i; break;
    case SX_I64:
    case SX_U64: ((uint64_t *)p)[k] = i; break;
    case SX_F16:
    case SX_BF16: sx_convert_store(SX_ISA_BASE, t, 0, p, &(float){(float)f}, k, 1); break;
    default: sx_convert_store(SX_ISA_BASE, t, 0, p, sx_ew_class_of(t) == SX_EW_F32 ? (void *)&(float){(float)f} : &i, k, 1);
  }
}

enum { MAX = 6000, OPERANDS = 8, MAX_INS = 40 };
typedef struct setup {
  sx_arena arena;
  sx_ew_program p;
  sx_ew_space space;
  void *in[OPERANDS], *out[OPERANDS];
  int64_t elements[OPERANDS * 2];
} setup;

/* Runs all units of the program, cut at random places, the last ones first. Scratch is exactly as large as asked. */
static void run(const setup *s, sx_isa isa) {
  sx_err e = {0};
  void *mem = malloc(sx_ew_code_bytes(&s->p));
  sx_ew_code *c;
  if (sx_ew_compile(&s->p, &s->space, isa, mem, &c, &e)) fail_msg("%s", e.msg);
  void *scratch = aligned_alloc(64, sx_round_up(sx_ew_scratch_bytes(c), 64));
  memset(scratch, 0xa5, sx_ew_scratch_bytes(c));
  for (int64_t to = sx_ew_units(c); to > 0;) {
    int64_t at = to - 1 - below(4);
    if (at < 0 || !below(3)) at = 0;
    sx_ew_run(c, (const void *const *)s->in, s->out, at, to, scratch);
    to = at;
  }
  free(scratch);
  free(mem);
}
/* Operand k at flat index `at` of the space. */
static int64_t index_of(const sx_ew_space *s, uint32_t k, int64_t at) {
  int64_t r = 0;
  for (uint32_t i = s->rank; i-- > 0; at /= s->dim[i]) r += at % s->dim[i] * s->stride[k][i];
  return r;
}
/* ulps: relative to the result, but at least to `least`, for operations that cancel. */
static bool same(sx_dtype t, value want, value got, double ulps, double least) {
  sx_ew_class c = sx_ew_class_of(t);
  if (!is_float(c)) return want.i == got.i;
  if (isnan(want.f) || isnan(got.f)) return isnan(want.f) && isnan(got.f);
  if (want.f == got.f) return true;
  double eps = c == SX_EW_F64 ? 2.3e-16 : t == SX_F16 ? 1e-3 : t == SX_BF16 ? 8e-3 : 1.2e-7;
  return fabs(want.f - got.f) <= ulps * eps * fmax(fabs(want.f), least) + (c == SX_EW_F64 ? 1e-300
                                                                           : t == SX_F16  ? 6e-8
                                                                                          : 1e-36);
}
static void verify(const setup *s, sx_isa isa, double ulps, double least) {
  int64_t total = 1;
  for (uint32_t i = 0; i < s->space.rank; i++) total *= s->space.dim[i];
  for (uint32_t k = 0; k < s->p.n_out; k++) {
    uint64_t bits = (uint64_t)s->elements[s->p.n_in + k] * sx_dtype_bits(s->p.out[k].type);
    if (bits % 8 && ((uint8_t *)s->out[k])[bits / 8] >> bits % 8) fail_msg("output %u: something behind its last element", k);
  }
  for (int64_t at = 0; at < total; at++) {
    value v[OPERANDS + MAX_INS];
    for (uint32_t k = 0; k < s->p.n_in; k++) {
      double cell;
      sx_convert_load(SX_ISA_BASE, s->p.in[k], &cell, s->in[k], index_of(&s->space, k, at), 1);
      v[k] = get(sx_ew_class_of(s->p.in[k]), &cell, 0);
    }
    for (uint32_t i = 0; i < s->p.n_ins; i++) {
      const sx_ew_ins *ins = &s->p.ins[i];
      value src[3] = {{0}};
      for (int k = 0; k < 3; k++)
        if (ins->src[k] != SX_EW_NONE) src[k] = v[ins->src[k]];
      if (!eval(ins, src[0], src[1], src[2], &v[s->p.n_in + i])) fail_msg("no reference for %s", sx_ew_op_name(ins->op));
    }
    for (uint32_t k = 0; k < s->p.n_out; k++) {
      sx_dtype t = s->p.out[k].type;
      double cell[2] = {0}, got_cell;
      value want = v[s->p.out[k].value];
      if (t != SX_F32 && t != SX_F64) { /* what the store makes of it */
        float f = (float)want.f;
        sx_convert_store(SX_ISA_BASE, t, 0, cell, sx_ew_class_of(t) == SX_EW_F32 ? (void *)&f : &want.i, 0, 1);
        double wide;
        sx_convert_load(SX_ISA_BASE, t, &wide, cell, 0, 1);
        want = get(sx_ew_class_of(t), &wide, 0);
      }
      sx_convert_load(SX_ISA_BASE, t, &got_cell, s->out[k], index_of(&s->space, s->p.n_in + k, at), 1);
      value got = get(sx_ew_class_of(t), &got_cell, 0);
      if (!same(t, want, got, ulps, least))
        fail_msg("%s: output %u (%s) at %lld of %lld: %.9g / %lld, expected %.9g / %lld (last: %s)", sx_isa_name(isa), k,
                 sx_dtype_name(t), (long long)at, (long long)total, got.f, (long long)got.i, want.f, (long long)want.i,
                 s->p.n_ins ? sx_ew_op_name(s->p.ins[s->p.n_ins - 1].op) : "copy");
    }
  }
}
/* Shapes for all operands: the output's, and each input with some dimensions 1 or missing. Allocates exactly what is used.
 */
static void make_space(setup *s, uint32_t rank, const int64_t *dim) {
  int64_t dims[OPERANDS * 2][8];
  sx_ew_shape shapes[OPERANDS * 2];
  uint32_t n = s->p.n_in + s->p.n_out;
  for (uint32_t k = 0; k < n; k++) {
    uint32_t drop = k < s->p.n_in && !below(4) ? below(rank + 1) : 0;
    s->elements[k] = 1;
    for (uint32_t i = 0; i < rank - drop; i++) {
      dims[k][i] = k < s->p.n_in && !below(3) ? 1 : dim[drop + i];
      s->elements[k] *= dims[k][i];
    }
    shapes[k] = (sx_ew_shape){.dim = dims[k], .rank = rank - drop};
    sx_dtype t = k < s->p.n_in ? s->p.in[k] : s->p.out[k - s->p.n_in].type;
    void *p = malloc((size_t)((uint64_t)s->elements[k] * sx_dtype_bits(t) + 7) / 8);
    if (k < s->p.n_in) {
      s->in[k] = p;
      for (int64_t i = 0; i < s->elements[k]; i++) random_element(t, p, i);
    } else {
      memset(s->out[k - s->p.n_in] = p, 0xa5, (size_t)((uint64_t)s->elements[k] * sx_dtype_bits(t) + 7) / 8);
    }
  }
  sx_err e = {0};
  if (sx_ew_space_init(&s->space, rank, dim, s->p.n_in, s->p.n_out, shapes, &e)) fail_msg("%s", e.msg);
}
static void drop(setup *s) {
  for (uint32_t k = 0; k < s->p.n_in; k++) free(s->in[k]);
  for (uint32_t k = 0; k < s->p.n_out; k++) free(s->out[k]);
  sx_arena_free(&s->arena);
  *s = (setup){0};
}
static uint32_t random_dims(int64_t *dim) {
  uint32_t rank = below(6);
  int64_t total = 1;
  static const int64_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 16, 17, 33, 64, 100, 257, 300, 520, 1500};
  for (uint32_t i = 0; i < rank; i++) {
    dim[i] = sizes[below(16)];
    if (total * dim[i] > MAX) dim[i] = 1 + below(3);
    total *= dim[i];
    if (total > MAX) rank = i + 1;
  }
  if (rank && !below(40)) dim[below(rank)] = 0;
  return rank;
}

static const sx_dtype class_types[SX_EW_CLASSES] = {SX_F32, SX_F64, SX_I32, SX_I64, SX_U64, SX_BOOL, SX_U8, SX_I8};
static bool cancels(int op) {
  return op == SX_EW_MulAdd || op == SX_EW_Affine || op == SX_EW_HardSigmoid || op == SX_EW_HardSwish;
}
static void every_op(void **state) {
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (int t = 0; t < SX_EW_CLASSES; t++) /* all storage types that are computed as they are */
      for (int op = SX_EW_CAST + 1; op < SX_EW_OP_COUNT; op++) {
        const sx_ew_class c = sx_ew_class_of(class_types[t]);
        value r;
        sx_ew_ins probe = {.op = (uint8_t)op, .cls = (uint8_t)c};
        if (!sx_ew_supported(op, c) || !eval(&probe, (value){0}, (value){0}, (value){0}, &r)) continue;
        for (int round = 0; round < 6; round++) {
          setup s = {0};
          uint16_t v[3] = {SX_EW_NONE, SX_EW_NONE, SX_EW_NONE};
          int sources = op >= SX_EW_Where ? 3 : op >= SX_EW_Add ? 2 : 1;
          for (int k = 0; k < sources; k++)
            v[k] = sx_ew_input(&s.p, &s.arena, op == SX_EW_Where && k == 0 ? SX_BOOL : class_types[t]);
          uint16_t y = sources == 1 ? sx_ew_op1(&s.p, &s.arena, op, v[0], 0.75, 1.5)
                                    : sx_ew_op3(&s.p, &s.arena, op, v[0], v[1], v[2]);
          sx_ew_store(&s.p, &s.arena, y, sx_ew_value_class(&s.p, y) == c ? class_types[t] : SX_BOOL, 0);
          const int64_t dim[] = {1 + below(30), 1 + below(20)};
          make_space(&s, 2, dim);
          run(&s, isa);
          verify(&s, isa, 6, cancels(op) ? 100 : 0);
          drop(&s);
        }
      }
}

/* Integer programs are exact whatever the order of tiles and registers: classes mixed by comparison and Where. */
static void random_programs(void **state) {
  static const sx_dtype types[] = {SX_I32, SX_I64, SX_U64, SX_U8, SX_I16, SX_BOOL, SX_U32, SX_I4, SX_U2, SX_I8, SX_U16};
  static const sx_ew_op binary[] = {SX_EW_Add, SX_EW_Sub, SX_EW_Mul, SX_EW_Max, SX_EW_BitwiseXor, SX_EW_Div, SX_EW_Mod};
  for (int round = 0; round < 1500; round++) {
    setup s = {0};
    uint32_t n_in = 1 + below(5), n_ins = below(MAX_INS), n_out = 1 + below(3);
    for (uint32_t k = 0; k < n_in; k++) sx_ew_input(&s.p, &s.arena, types[below(11)]);
    while (s.p.n_ins < n_ins) {
      uint16_t a = (uint16_t)below(n_in + s.p.n_ins), b = (uint16_t)below(n_in + s.p.n_ins),
               c = (uint16_t)below(n_in + s.p.n_ins);
      sx_ew_class ca = sx_ew_value_class(&s.p, a), cb = sx_ew_value_class(&s.p, b), cc = sx_ew_value_class(&s.p, c);
      if (!below(8))
        sx_ew_const(&s.p, &s.arena, below(2) ? SX_EW_I32 : SX_EW_I64, (sx_ew_imm){.i = (int64_t)below(9) - 4});
      else if (ca == SX_EW_B8 && cb == cc)
        sx_ew_op3(&s.p, &s.arena, SX_EW_Where, a, b, c);
      else if (ca != cb)
        continue;
      else if (ca == SX_EW_B8 || !below(4))
        sx_ew_op2(&s.p, &s.arena, ca == SX_EW_B8 ? SX_EW_Xor : SX_EW_Less, a, b);
      else
        sx_ew_op2(&s.p, &s.arena, binary[below(7)], a, b);
      n_ins -= !below(6); /* always ends */
    }
    for (uint32_t k = 0; k < n_out; k++) {
      uint16_t v = (uint16_t)(below(3) ? n_in + s.p.n_ins - 1 : below(n_in + s.p.n_ins));
      sx_ew_class c = sx_ew_value_class(&s.p, v);
      sx_ew_store(&s.p, &s.arena, v,
                  c == SX_EW_I32 && below(2)   ? (below(2) ? SX_I8 : SX_U4)
                  : c == SX_EW_I64 && below(2) ? SX_U32
                                               : class_types[c],
                  0);
    }
    int64_t dim[8];
    uint32_t rank = random_dims(dim);
    make_space(&s, rank, dim);
    sx_isa isa = (sx_isa)below(sx_cpu_info()->isa + 1u);
    run(&s, isa);
    verify(&s, isa, 0, 0);
    drop(&s);
  }
}

/* Operations that round once, so that results are exact whether tiles or chains of links compute them. */
static void float_programs(void **state) {
  static const sx_dtype types[] = {SX_F32, SX_F32, SX_F16, SX_BF16, SX_F8E4M3FN, SX_F4E2M1};
  static const sx_ew_op unary[] = {
      SX_EW_Abs, SX_EW_Relu, SX_EW_Neg, SX_EW_Square, SX_EW_LeakyRelu, SX_EW_Round, SX_EW_ThresholdedRelu, SX_EW_Sqrt};
  static const sx_ew_op binary[] = {SX_EW_Min, SX_EW_Max, SX_EW_Add, SX_EW_Sub, SX_EW_Mul, SX_EW_Div};
  for (int round = 0; round < 1000; round++) {
    setup s = {0};
    uint32_t n_in = 1 + below(4), n_ins = below(20);
    bool chained = below(2); /* each instruction reads the last one's value */
    for (uint32_t k = 0; k < n_in; k++) sx_ew_input(&s.p, &s.arena, types[below(6)]);
    while (s.p.n_ins < n_ins) {
      const uint32_t values = n_in + s.p.n_ins;
      uint16_t a = (uint16_t)(chained ? values - 1 : below(values)), b = (uint16_t)below(chained ? n_in : values);
      if (!below(6)) b = sx_ew_constf(&s.p, &s.arena, SX_EW_F32, 0.5 * below(7));
      if (below(2))
        sx_ew_op1(&s.p, &s.arena, unary[below(8)], a, 0.25, 0.5);
      else if (!below(6))
        sx_ew_op3(&s.p, &s.arena, SX_EW_Clip, a, sx_ew_constf(&s.p, &s.arena, SX_EW_F32, -1),
                  sx_ew_constf(&s.p, &s.arena, SX_EW_F32, 2));
      else if (below(2))
        sx_ew_op2(&s.p, &s.arena, binary[below(6)], a, b);
      else
        sx_ew_op2(&s.p, &s.arena, binary[below(6)], b, a);
      if (s.p.n_ins > MAX_INS - 4) break;
    }
    uint16_t v = (uint16_t)(n_in + s.p.n_ins - 1);
    sx_ew_store(&s.p, &s.arena, v, SX_F32, 0);
    if (below(2)) sx_ew_store(&s.p, &s.arena, (uint16_t)below(v + 1u), SX_F16, 0);
    int64_t dim[8];
    uint32_t rank = random_dims(dim);
    make_space(&s, rank, dim);
    sx_isa isa = (sx_isa)below(sx_cpu_info()->isa + 1u);
    run(&s, isa);
    verify(&s, isa, 0, 0);
    drop(&s);
  }
}

/* An output over a dense input, misaligned buffers, a transposed input, an output with strides. */
static void aliases_and_strides(void **state) {
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++) {
    setup s = {0};
    uint16_t x = sx_ew_input(&s.p, &s.arena, SX_F32), y = sx_ew_op1(&s.p, &s.arena, SX_EW_Relu, x, 0, 0);
    sx_ew_store(&s.p, &s.arena, sx_ew_op2(&s.p, &s.arena, SX_EW_Sub, y, x), SX_F32, 0);
    char block[4 * 2100 + 1];
    float *buffer = (float *)(block + 1);
    const int64_t dim[] = {3, 700};
    for (int i = 0; i < 2100; i++) memcpy(&buffer[i], &(float){(float)i - 1000}, 4);
    sx_ew_shape shapes[] = {{dim, NULL, 2}, {dim, NULL, 2}};
    assert_int_equal(sx_ew_space_init(&s.space, 2, dim, 1, 1, shapes, NULL), SX_OK);
    assert_int_equal(s.space.rank, 1);
    s.in[0] = s.out[0] = buffer;
    run(&s, isa);
    for (int i = 0; i < 2100; i++) {
      float got;
      memcpy(&got, &buffer[i], 4);
      assert_true(got == (i < 1000 ? 1000.f - (float)i : 0.f));
    }
    sx_arena_free(&s.arena);

    for (int64_t rows = 3; rows < 400; rows += 150) { /* y[i][j] in a wider tensor = 2 x[j][i] */
      setup t = {0};
      x = sx_ew_input(&t.p, &t.arena, SX_I32);
      sx_ew_store(&t.p, &t.arena, sx_ew_op2(&t.p, &t.arena, SX_EW_Add, x, x), SX_I32, 0);
      const int64_t d[] = {5, rows}, in_stride[] = {1, 5}, out_stride[] = {2 * rows, 1};
      sx_ew_shape both[] = {{d, in_stride, 2}, {d, out_stride, 2}};
      assert_int_equal(sx_ew_space_init(&t.space, 2, d, 1, 1, both, NULL), SX_OK);
      int32_t *src = malloc(sizeof *src * (size_t)rows * 5), *dst = calloc((size_t)rows * 10, sizeof *dst);
      for (int i = 0; i < rows * 5; i++) src[i] = i;
      t.in[0] = src, t.out[0] = dst;
      run(&t, isa);
      for (int64_t i = 0; i < 5; i++)
        for (int64_t j = 0; j < 2 * rows; j++) assert_int_equal(dst[i * 2 * rows + j], j < rows ? 2 * src[j * 5 + i] : 0);
      free(src), free(dst);
      sx_arena_free(&t.arena);
    }
  }
}

static void refusals(void **state) {
  sx_err e;
  sx_ew_space space;
  const int64_t a[] = {2, 3}, b[] = {2, 4};
  sx_ew_shape shapes[] = {{a, NULL, 2}, {b, NULL, 2}};
  assert_int_equal(sx_ew_space_init(&space, 2, b, 1, 1, shapes, &e), SX_E_FAIL);
  setup s = {0};
  char mem[4096] __attribute__((aligned(16)));
  sx_ew_code *c;
  uint16_t x = sx_ew_input(&s.p, &s.arena, SX_BOOL);
  sx_ew_store(&s.p, &s.arena, sx_ew_op1(&s.p, &s.arena, SX_EW_Exp, x, 0, 0), SX_BOOL, 0);
  shapes[1] = shapes[0];
  assert_int_equal(sx_ew_space_init(&space, 2, a, 1, 1, shapes, &e), SX_OK);
  assert_true(sx_ew_code_bytes(&s.p) <= sizeof mem);
  assert_int_equal(sx_ew_compile(&s.p, &space, SX_ISA_BASE, mem, &c, &e), SX_E_NOT_IMPLEMENTED);
  assert_non_null(strstr(e.msg, "Exp"));
  sx_arena_free(&s.arena);
}

/* A cast right before a store: its own mode, no infinity pulled back by the store. */
static void cast_and_store(void **state) {
  setup s = {0};
  uint16_t x = sx_ew_input(&s.p, &s.arena, SX_F32);
  sx_ew_store(&s.p, &s.arena, sx_ew_cast(&s.p, &s.arena, x, SX_F8E5M2, SX_CAST_NOSAT), SX_F8E5M2, 0);
  assert_int_equal(s.p.n_ins, 0);
  const int64_t dim[] = {3};
  float in[] = {1e9f, 1, -INFINITY};
  uint8_t out[3];
  sx_ew_shape shapes[] = {{dim, NULL, 1}, {dim, NULL, 1}};
  assert_int_equal(sx_ew_space_init(&s.space, 1, dim, 1, 1, shapes, NULL), SX_OK);
  s.in[0] = in, s.out[0] = out;
  run(&s, SX_ISA_BASE);
  const uint8_t want[] = {0x7c, 0x3c, 0xfc};
  assert_memory_equal(out, want, 3);
  sx_arena_free(&s.arena);
}

/* About halfway between two numbers of eight bits, or of eleven. */
static int64_t near_halfway(int i) {
  const uint64_t top = 1ull << (i / 12 % 63), half = top >> (i % 2 ? 8 : 11);
  const uint64_t x = top + half * (1 + 2 * (uint64_t)(i / 2 % 2)) + (uint64_t)(i / 4 % 3) - 1;
  return i % 5 ? (int64_t)x : (int64_t)(0 - x);
}
/* A cast of a whole tensor goes in one loop: as by way of classes. */
static void whole_casts(void **state) {
  static const sx_dtype types[] = {SX_F32, SX_F64, SX_I8, SX_U8, SX_I32, SX_I64, SX_BOOL, SX_F16, SX_BF16, SX_U16};
  static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 3e9, -3e9, 1e19, 300, -1, 65519.9};
  enum { N = 4500, TYPES = 10 };
  double numbers[N] = {0}, in[N], out[N], want[N];
  for (int i = 0; i < N; i++) numbers[i] = i % 50 ? (double)below(1u << (i % 31)) / 8 - i % 7 : odd[i / 50 % 10];
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (int f = 0; f < TYPES; f++)
      for (int t = 0; t < TYPES; t++) {
        setup s = {0};
        const int64_t dim[] = {N - 3};
        sx_ew_shape shapes[] = {{dim, NULL, 1}, {dim, NULL, 1}};
        uint16_t x = sx_ew_input(&s.p, &s.arena, types[f]);
        sx_ew_store(&s.p, &s.arena, sx_ew_cast(&s.p, &s.arena, x, types[t], 0), types[t], 0);
        assert_int_equal(sx_ew_space_init(&s.space, 1, dim, 1, 1, shapes, NULL), SX_OK);
        memset(out, 0, sizeof out), memset(want, 0, sizeof want);
        sx_cast_run(SX_ISA_BASE, SX_F64, types[f], 0, in, numbers, 0, N);
        for (int i = 0; types[f] == SX_I64 && i < N; i += 3) ((int64_t *)in)[i] = near_halfway(i / 3);
        sx_cast_run(SX_ISA_BASE, types[f], types[t], 0, want, in, 0, dim[0]);
        s.in[0] = in, s.out[0] = out;
        run(&s, isa);
        if (memcmp(out, want, sizeof out)) fail_msg("%s to %s, level %d", sx_dtype_name(types[f]), sx_dtype_name(types[t]), isa);
        sx_arena_free(&s.arena);
      }
}

static void activations(void **state) {
  for (int n = 0; n < 50; n++) {
    float row[51], want = 0;
    for (int i = 0; i < 51; i++) row[i] = (float)i - 20;
    sx_act act;
    sx_act_row fn = sx_act_fn(&act, sx_cpu_info()->isa, SX_EW_LeakyRelu, 0.5f, 0);
    assert_non_null(fn);
    fn(&act, row, n);
    for (int i = 0; i < 51; i++) {
      want = (float)i - 20;
      if (i < n && want < 0) want *= 0.5f;
      assert_true(row[i] == want);
    }
  }
  sx_act act;
  assert_null(sx_act_fn(&act, SX_ISA_BASE, SX_EW_Add, 0, 0));
  assert_null(sx_act_fn(&act, SX_ISA_BASE, SX_EW_IsNaN, 0, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_op),       cmocka_unit_test(random_programs),
                                     cmocka_unit_test(float_programs), cmocka_unit_test(aliases_and_strides),
                                     cmocka_unit_test(refusals),       cmocka_unit_test(cast_and_store),
                                     cmocka_unit_test(whole_casts),
                                     cmocka_unit_test(activations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
