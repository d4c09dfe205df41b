// SPDX-License-Identifier: MIT
/* MatMulNBits: weights, scales and zero points are constants, packed once. Phase one lays the rows of A out, phase two does
 * panels of columns. accuracy_level 4 asks for 8-bit activations where the machine has products of bytes. */
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/nbits/nbits.h"
#include "ep/ep.h"
#include <stdio.h>

enum { IN_A, IN_B, IN_SCALES, IN_ZEROS, IN_G_IDX, IN_BIAS };
typedef struct nbits {
  const sx_nbits_table *t;
  sx_nbits s;
  const void *packed;
} nbits;
typedef struct params {
  const nbits *w;
  sx_isa isa;
  int64_t rows, per_unit;
  size_t x_at, bias_at, y_at;
  sx_dtype type; /* of A, the bias and Y */
  bool bias;
} params;

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  const int64_t bits = sx_attr_int(n, "bits", 4), block = sx_attr_int(n, "block_size", 0);
  *reason =
      "weights, scales and zero points must be constant, of 2, 4 or 8 bits, in blocks of a multiple of 16, without g_idx";
  for (uint32_t i = IN_B; i <= IN_ZEROS; i++)
    if (sx_node_in(n, i) != SX_NONE && !sx_value_const(g, n->in[i].value)) return false;
  return (bits == 2 || bits == 4 || bits == 8) && block >= 16 && block % 16 == 0 && block <= 1 << 20 &&
         sx_node_in(n, IN_G_IDX) == SX_NONE;
}

/* A constant of a float type as f32; other types give its bytes. */
static sx_status floats(sx_build *b, uint32_t input, int64_t want, sx_arena *tmp, const float **out) {
  const sx_tensor *t = sx_value_const(b->g, b->n->in[input].value);
  const void *data;
  if (t->count != want)
    SX_FAIL(b->e, INVALID_ARGUMENT, "input %u has %lld elements, expected %lld", input, (long long)t->count,
            (long long)want);
  SX_TRY(sx_tensor_data(t, &data, b->e));
  *out = data;
  if (t->dtype == SX_F32) return SX_OK;
  float *f = SX_NEW_N(tmp, float, (size_t)want + 1);
  if (!f) SX_NO_MEMORY(b->e);
  sx_cast_run(b->cpu->isa, (sx_dtype)t->dtype, SX_F32, 0, f, data, 0, want);
  *out = f;
  return SX_OK;
}

typedef struct pack_ctx {
  const nbits *w;
  sx_nbits_weights from;
} pack_ctx;
static sx_status pack(const void *ctx, const void *src, void *dst, uint32_t begin, uint32_t end) {
  const pack_ctx *c = ctx;
  sx_nbits_weights from = c->from;
  from.q = src;
  sx_nbits_pack(c->w->t, &c->w->s, &from, dst, begin, end);
  return SX_OK;
}

static sx_status pack_weights(sx_build *b, nbits *w, sx_arena *tmp) {
  pack_ctx c = {.w = w};
  const sx_nbits *s = &w->s;
  const sx_tensor *q = sx_value_const(b->g, b->n->in[IN_B].value), *zero = sx_value_const(b->g, sx_node_in(b->n, IN_ZEROS));
  const int64_t bytes = s->N * s->blocks * (s->block * s->bits / 8), zero_row = (s->blocks * s->bits + 7) / 8;
  uint64_t h = 0;
  size_t size;
  char name[64];
  if (q->count != bytes)
    SX_FAIL(b->e, FAIL, "the weight has %lld bytes, expected %lld (N %lld, %lld blocks of %lld)", (long long)q->count,
            (long long)bytes, (long long)s->N, (long long)s->blocks, (long long)s->block);
  SX_TRY(floats(b, IN_SCALES, s->N * s->blocks, tmp, &c.from.scale));
  h = sx_hash(c.from.scale, (size_t)(s->N * s->blocks) * 4, h);
  if (zero && zero->dtype != SX_U8)
    SX_TRY(floats(b, IN_ZEROS, s->N * s->blocks, tmp, &c.from.zero_f32));
  else if (zero) {
    const void *data;
    if (zero->count != s->N * zero_row)
      SX_FAIL(b->e, FAIL, "the zero points have %lld bytes, expected %lld", (long long)zero->count,
              (long long)(s->N * zero_row));
    SX_TRY(sx_tensor_data(zero, &data, b->e));
    c.from.zero = data;
  }
  if (zero)
    h = sx_hash(c.from.zero ? (const void *)c.from.zero : c.from.zero_f32,
                c.from.zero ? (size_t)zero->count : (size_t)(s->N * s->blocks) * 4, h);
  if (!sx_nbits_packed_bytes(w->t, s, &size)) SX_FAIL(b->e, FAIL, "the weights do not fit memory");
  snprintf(name, sizeof name, "nbits%d/%d %lldx%lld %lld %llx", s->bits, w->t->lanes, (long long)s->K, (long long)s->N,
           (long long)s->block, (unsigned long long)h);
  return sx_weights_pack(b, q, name, size, (uint32_t)sx_nbits_panels(w->t, s->N), pack, &c, &w->packed);
}

static sx_status create(sx_build *b) {
  nbits *w = SX_NEW(b->arena, nbits);
  sx_arena tmp = {0};
  if (!w) SX_NO_MEMORY(b->e);
  w->t = sx_nbits_table_for(b->cpu, sx_attr_int(b->n, "accuracy_level", 0) == 4);
  w->s = (sx_nbits){.K = sx_attr_int(b->n, "K", 0),
                    .N = sx_attr_int(b->n, "N", 0),
                    .block = sx_attr_int(b->n, "block_size", 0),
                    .bits = (int)sx_attr_int(b->n, "bits", 4)};
  if (w->s.K > INT32_MAX || w->s.N > INT32_MAX)
    SX_FAIL(b->e, INVALID_ARGUMENT, "K and N are %lld and %lld: too large", (long long)w->s.K, (long long)w->s.N);
  w->s.blocks = (w->s.K + w->s.block - 1) / w->s.block;
  b->state = w;
  sx_status s = pack_weights(b, w, &tmp);
  sx_arena_free(&tmp);
  return s;
}

static sx_status run_rows(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const sx_nbits *s = &q->w->s;
  char *m = c->scratch;
  const int64_t bytes = q->w->t->row_bytes(s);
  for (int64_t r = begin; r < end; r++) {
    const float *x = (const float *)c->in[IN_A] + r * s->K;
    if (q->type != SX_F32) {
      sx_cast_run(q->isa, q->type, SX_F32, 0, c->worker_scratch, (const uint16_t *)c->in[IN_A] + r * s->K, 0, s->K);
      x = c->worker_scratch;
    }
    q->w->t->rows(s, x, m + q->x_at + (size_t)(r * bytes));
  }
  if (begin == 0 && q->bias && q->type != SX_F32)
    sx_cast_run(q->isa, q->type, SX_F32, 0, m + q->bias_at, c->in[IN_BIAS], 0, s->N);
  return SX_OK;
}
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const sx_nbits *s = &q->w->s;
  char *m = c->scratch;
  const int64_t panels = sx_nbits_panels(q->w->t, s->N), to = end * q->per_unit;
  const bool wide = q->type == SX_F32;
  const float *bias = !q->bias ? NULL : wide ? c->in[IN_BIAS] : (const void *)(m + q->bias_at);
  q->w->t->run(s, q->w->packed, m + q->x_at, q->rows, bias, wide ? c->out[0] : (void *)(m + q->y_at), begin * q->per_unit,
               to < panels ? to : panels);
  return SX_OK;
}
static sx_status run_narrow(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const int64_t N = q->w->s.N;
  for (int64_t r = begin; r < end; r++)
    sx_cast_run(q->isa, SX_F32, q->type, 0, (uint16_t *)c->out[0] + r * N,
                (const float *)(const void *)((const char *)c->scratch + q->y_at) + r * N, 0, N);
  return SX_OK;
}

static sx_status prepare(sx_prep *p) {
  enum { UNIT_BYTES = 1 << 17 };
  const nbits *w = p->state;
  const sx_nbits *s = &w->s;
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  p->params = q;
  *q = (params){.w = w, .isa = p->cpu->isa, .type = (sx_dtype)p->in[IN_A].dtype, .rows = p->in[IN_A].count / s->K};
  q->bias = p->n_in > IN_BIAS && p->in[IN_BIAS].dtype;
  if (q->bias && p->in[IN_BIAS].count != s->N)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the bias has %lld elements, expected %lld", (long long)p->in[IN_BIAS].count,
            (long long)s->N);
  if (p->in[IN_A].rank < 1 || p->in[IN_A].dims[p->in[IN_A].rank - 1] != s->K)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the last axis of A is not K, %lld", (long long)s->K);
  const bool wide = q->type == SX_F32;
  size_t y = 0, x = 0;
  if (!sx_size_mul((size_t)w->t->row_bytes(s), (size_t)q->rows, &x) ||
      !sx_size_mul((size_t)q->rows * 4, wide ? 0 : (size_t)s->N, &y))
    SX_FAIL(p->e, FAIL, "scratch memory overflows");
  q->bias_at = sx_round_up(x, SX_ALIGN);
  q->y_at = q->bias_at + (wide ? 0 : sx_round_up((size_t)s->N * 4, SX_ALIGN));
  p->scratch = q->y_at + y;
  const int64_t panels = sx_nbits_panels(w->t, s->N), panel_bytes = s->blocks * (s->block * s->bits / 8 + 8) * w->t->lanes;
  q->per_unit = UNIT_BYTES / panel_bytes > 1 ? UNIT_BYTES / panel_bytes : 1;
  SX_TRY(sx_prep_phase(p, run_rows, q->rows, (double)s->K * 0.5, wide ? 0 : (size_t)s->K * 4));
  SX_TRY(sx_prep_phase(p, run, q->rows ? (panels + q->per_unit - 1) / q->per_unit : 0,
                       (double)(q->per_unit * w->t->lanes * s->K) * (double)q->rows * 0.03, 0));
  return wide ? SX_OK : sx_prep_phase(p, run_narrow, q->rows, (double)s->N * 0.2, 0);
}
const sx_kernel sx_cpu_MatMulNBits = {.op = &sx_op_MatMulNBits,
                                      .name = "nbits",
                                      .types = 1u << SX_F32 | 1u << SX_F16 | 1u << SX_BF16,
                                      .claim = claim,
                                      .create = create,
                                      .prepare = prepare};
