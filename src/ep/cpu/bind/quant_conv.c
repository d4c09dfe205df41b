// SPDX-License-Identifier: MIT
/* ConvInteger, QLinearConv, QuantConv and ConvIntegerToFloat on the integer half of the convolution family. Constant weights are packed when
 * the session is made, others with every run; the factors x_scale * w_scale / y_scale of the channels likewise. */
#include "ep/cpu/bind/activation.h"
#include "ep/cpu/bind/conv.h"
#include "ep/cpu/bind/quant.h"
#include "ep/cpu/kernels/conv/qconv.h"
#include "ops/nn/window.h"
#include <stdio.h>

enum { X, W, X_SCALE, W_SCALE, X_ZERO, W_ZERO, BIAS, Y_SCALE, Y_ZERO, ADD, ROLES };
static const int8_t roles_integer[ROLES] = {0, 1, -1, -1, 2, 3, -1, -1, -1, -1},
                    roles_qlinear[ROLES] = {0, 3, 1, 4, 2, 5, 8, 6, 7, -1},
                    roles_float[ROLES] = {0, 1, 2, 3, 4, 5, -1, -1, -1, 6};

typedef struct conv_state {
  const sx_qconv_table *t;
  int in[ROLES];               /* -1: absent */
  const sx_tensor *w, *w_zero; /* constant, or NULL */
  bool centered;
  const void *packed;
  uint32_t packing;
  sx_activation act;
} conv_state;
typedef struct params {
  sx_qconv c;
  const conv_state *st;
  const void *packed; /* NULL: packed by the run, at packed_at */
  size_t packed_at, factor_at;
  sx_quant_scale x_scale, w_scale, y_scale;
  const float *factor; /* NULL: made by the run, at factor_at */
  int64_t w_zero_step;
  sx_dtype y_zero;
} params;

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact;
  *reason = "the kernels do 1 to 3 spatial axes of known rank";
  return x->rank >= 3 && x->rank <= 5;
}

static int32_t zero_at(const void *p, int dtype, int64_t i) {
  return !p ? 0 : dtype == SX_I8 ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i];
}

/* Everything but shape and clip. */
static void types_of(const conv_state *st, int x, int w, int y, sx_qconv *c) {
  c->x_signed = x == SX_I8, c->w_signed = w == SX_I8, c->w_centered = st->centered, c->bias = st->in[BIAS] >= 0;
  c->out = y == SX_I32 ? SX_QCONV_S32 : y == SX_U8 ? SX_QCONV_U8 : y == SX_I8 ? SX_QCONV_S8 : SX_QCONV_F32;
}

typedef struct pack_ctx {
  sx_qconv c;
  const void *zero;
  int64_t step;
} pack_ctx;
static sx_status pack(const void *ctx, const void *src, void *dst, uint32_t begin, uint32_t end) {
  const pack_ctx *p = ctx;
  sx_qconv_pack(&p->c, src, p->zero, p->step, dst, begin, end);
  return SX_OK;
}

/* Zero points of the weights: constant ones are looked at, since the fast tables want them in the middle. */
static sx_status read_weights(sx_build *b, conv_state *st, const void **zero) {
  const sx_fact *w = &sx_value_at(b->g, b->n->in[st->in[W]].value)->fact;
  st->w = sx_value_const(b->g, b->n->in[st->in[W]].value);
  const int32_t middle = w->dtype == SX_I8 ? 0 : 128;
  *zero = NULL;
  st->centered = middle == 0;
  if (st->in[W_ZERO] < 0) return SX_OK;
  st->w_zero = sx_value_const(b->g, b->n->in[st->in[W_ZERO]].value);
  st->centered = false;
  if (!st->w_zero) {
    st->w = NULL; /* packed with its zero points, by the run */
    return SX_OK;
  }
  SX_TRY(sx_tensor_data(st->w_zero, zero, b->e));
  st->centered = true;
  for (int64_t i = 0; i < st->w_zero->count; i++) st->centered &= zero_at(*zero, w->dtype, i) == middle;
  return SX_OK;
}

static sx_status create(sx_build *b) {
  conv_state *st = SX_NEW(b->arena, conv_state);
  pack_ctx pc = {.zero = NULL};
  if (!st) SX_NO_MEMORY(b->e);
  const int8_t *roles = b->n->op == &sx_op_ConvInteger          ? roles_integer
                        : b->n->op == &sx_op_ConvIntegerToFloat ? roles_float
                                                                : roles_qlinear;
  for (int r = 0; r < ROLES; r++)
    st->in[r] = roles[r] < 0 || sx_node_in(b->n, (uint32_t)roles[r]) == SX_NONE ? -1 : roles[r];
  st->t = sx_qconv_table_at(b->cpu->isa, b->cpu->avx512_vnni);
  SX_TRY(sx_activation_read(b, &st->act));
  SX_TRY(read_weights(b, st, &pc.zero));
  b->state = st;
  if (!st->w || st->w->rank < 3 || !st->w->count) return SX_OK;
  const sx_fact *x = &sx_value_at(b->g, b->n->in[0].value)->fact, *y = &sx_value_at(b->g, b->n->out[0])->fact;
  const int64_t group = sx_attr_int(b->n, "group", 1);
  int64_t xd[SX_MAX_RANK], yd[SX_MAX_RANK];
  sx_window win;
  for (int i = 0; i < x->rank; i++)
    xd[i] = sx_dim_is_const(x->dims[i]) ? x->dims[i] : i == 0 ? 1 : i == 1 ? st->w->dims[1] * group : 64;
  yd[0] = xd[0], yd[1] = st->w->dims[0];
  SX_TRY(sx_window_read(b->n, x->rank - 2, st->w->dims + 2, &win, b->e));
  for (int i = 0; i < win.n; i++) {
    int64_t p, q;
    yd[i + 2] = sx_window_size(&win, i, xd[i + 2], &p, &q);
  }
  SX_TRY(sx_conv_describe(b->n, false, 0, x->rank, xd, st->w->dims, yd, &pc.c.s, b->e));
  types_of(st, x->dtype, st->w->dtype, y->dtype, &pc.c);
  pc.c.x_layout = x->layout == SX_BLOCKED ? SX_CONV_BLOCKED : SX_CONV_PLAIN,
  pc.c.y_layout = y->layout == SX_BLOCKED ? SX_CONV_BLOCKED : SX_CONV_PLAIN;
  SX_TRY(sx_qconv_prepare(&pc.c, st->t, b->e));
  pc.step = st->w_zero && st->w_zero->count > 1;
  if (pc.step && st->w_zero->count != st->w->dims[0])
    SX_FAIL(b->e, FAIL, "the weight has %lld zero points for %lld output channels", (long long)st->w_zero->count,
            (long long)st->w->dims[0]);
  st->packing = pc.c.packing;
  char name[64];
  snprintf(name, sizeof name, "qconv %u%d%d %lldx%lld/%lld %llx", pc.c.packing, pc.c.x_signed, pc.c.w_signed,
           (long long)pc.c.s.in_channels, (long long)pc.c.s.out_channels, (long long)group,
           (unsigned long long)(st->w_zero ? sx_hash(pc.zero, st->w_zero->size, 0) : 0));
  return sx_weights_pack(b, st->w, name, pc.c.packed_bytes, (uint32_t)pc.c.pack_units, pack, &pc, &st->packed);
}

static void make_factors(const params *q, const float *x, const float *w, const float *y, float *to) {
  for (int64_t k = 0; k < q->c.s.out_channels; k++) to[k] = *x * w[q->w_scale.n == 1 ? 0 : k] / (y ? *y : 1);
}
static sx_status run_setup(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const conv_state *st = q->st;
  char *m = c->scratch;
  for (int64_t u = begin; u < end; u++)
    if (u == 0 && c->in[0] && st->in[X_SCALE] >= 0 && !q->factor) {
      sx_quant_scale_run(&q->x_scale, c), sx_quant_scale_run(&q->w_scale, c);
      if (st->in[Y_SCALE] >= 0) sx_quant_scale_run(&q->y_scale, c);
      make_factors(q, sx_quant_scales(&q->x_scale, m), sx_quant_scales(&q->w_scale, m), st->in[Y_SCALE] < 0 ? NULL : sx_quant_scales(&q->y_scale, m),
                   (float *)(m + q->factor_at));
    } else if (u > 0)
      sx_qconv_pack(&q->c, c->in[st->in[W]], st->in[W_ZERO] >= 0 ? c->in[st->in[W_ZERO]] : NULL, q->w_zero_step,
                    m + q->packed_at, u - 1, u);
  return SX_OK;
}
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const conv_state *st = q->st;
  const char *m = c->scratch;
  sx_qconv_io io = {.x = c->in[0], .packed = q->packed ? q->packed : m + q->packed_at, .y = c->out[0]};
  if (st->in[BIAS] >= 0) io.bias = c->in[st->in[BIAS]];
  if (st->in[ADD] >= 0) io.add = c->in[st->in[ADD]];
  if (st->in[X_ZERO] >= 0) io.x_zero = zero_at(c->in[st->in[X_ZERO]], q->c.x_signed ? SX_I8 : SX_U8, 0);
  if (st->in[Y_ZERO] >= 0) io.out_zero = zero_at(c->in[st->in[Y_ZERO]], q->y_zero, 0);
  if (st->in[X_SCALE] >= 0) io.scale = q->factor ? q->factor : (const float *)(const void *)(m + q->factor_at);
  sx_qconv_run(&q->c, &io, begin, end, c->worker_scratch);
  return SX_OK;
}

static sx_status prepare_factors(sx_prep *p, params *q) {
  const conv_state *st = q->st;
  if (st->in[X_SCALE] < 0) return SX_OK;
  const int64_t k = q->c.s.out_channels;
  SX_TRY(sx_quant_scale_prepare(p, st->in[X_SCALE], -1, &q->x_scale));
  SX_TRY(sx_quant_scale_prepare(p, st->in[W_SCALE], -1, &q->w_scale));
  const bool y_scale = st->in[Y_SCALE] >= 0;
  if (y_scale) SX_TRY(sx_quant_scale_prepare(p, st->in[Y_SCALE], -1, &q->y_scale));
  if (q->x_scale.n != 1 || (y_scale && q->y_scale.n != 1) || (q->w_scale.n != 1 && q->w_scale.n != k))
    SX_FAIL(p->e, FAIL, "expected one scale for input and output and one, or %lld, for the weight", (long long)k);
  if (!q->x_scale.constant || !q->w_scale.constant || (y_scale && !q->y_scale.constant)) {
    q->factor_at = sx_round_up(p->scratch, SX_ALIGN);
    p->scratch = q->factor_at + (size_t)k * sizeof(float);
    return SX_OK;
  }
  float *f = SX_NEW_N(p->arena, float, (size_t)k + 1);
  if (!f) SX_NO_MEMORY(p->e);
  make_factors(q, q->x_scale.constant, q->w_scale.constant, y_scale ? q->y_scale.constant : NULL, f);
  q->factor = f;
  return SX_OK;
}

static sx_status prepare(sx_prep *p) {
  const conv_state *st = p->state;
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *w = &p->in[st->in[W]], *y = &p->out[0];
  q->st = st;
  p->params = q;
  if (w->rank != x->rank)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the input has rank %d, the weight has rank %d", x->rank, w->rank);
  SX_TRY(sx_conv_describe(p->n, false, 0, x->rank, x->dims, w->dims, y->dims, &q->c.s, p->e));
  for (int i = 2; i < x->rank; i++)
    if (!x->dims[i] && y->count)
      SX_FAIL(p->e, INVALID_ARGUMENT, "the image has size 0 along axis %d: there is nothing to convolve", i);
  types_of(st, x->dtype, w->dtype, y->dtype, &q->c);
  q->c.x_layout = x->layout == SX_BLOCKED ? SX_CONV_BLOCKED : SX_CONV_PLAIN,
  q->c.y_layout = y->layout == SX_BLOCKED ? SX_CONV_BLOCKED : SX_CONV_PLAIN;
  if (st->act.clip && q->c.out != SX_QCONV_S32) {
    static const float one = 1;
    const float *scale = st->in[Y_SCALE] >= 0 ? p->in[st->in[Y_SCALE]].constant : &one;
    if (!scale) SX_FAIL(p->e, NOT_IMPLEMENTED, "an activation with a scale that is no constant");
    q->c.lo = st->act.lo / *scale, q->c.hi = st->act.hi / *scale;
  }
  SX_TRY(sx_qconv_prepare(&q->c, st->t, p->e));
  for (int r = X_ZERO; r <= ADD; r++) {
    const int64_t n = st->in[r] < 0 ? 1 : p->in[st->in[r]].count;
    const bool channels = r == W_ZERO || r == BIAS || r == ADD;
    if ((r == X_ZERO || r == Y_ZERO || channels) && n != 1 && (!channels || n != q->c.s.out_channels))
      SX_FAIL(p->e, FAIL, "input %d has %lld elements", st->in[r], (long long)n);
    if ((r == BIAS || r == ADD) && st->in[r] >= 0 && n != q->c.s.out_channels)
      SX_FAIL(p->e, INVALID_ARGUMENT, "the bias has %lld elements for %lld output channels", (long long)n,
              (long long)q->c.s.out_channels);
  }
  if (st->in[W_ZERO] >= 0) q->w_zero_step = p->in[st->in[W_ZERO]].count != 1;
  if (st->in[Y_ZERO] >= 0) q->y_zero = (sx_dtype)p->in[st->in[Y_ZERO]].dtype;
  SX_TRY(prepare_factors(p, q));
  int64_t pack_units = 0;
  if (st->packed && q->c.packing == st->packing)
    q->packed = st->packed;
  else {
    q->packed_at = sx_round_up(p->scratch, SX_ALIGN);
    p->scratch = q->packed_at + q->c.packed_bytes;
    pack_units = q->c.pack_units;
  }
  const bool factors = st->in[X_SCALE] >= 0 && !q->factor;
  if ((pack_units || factors) && q->c.units)
    SX_TRY(
        sx_prep_phase(p, run_setup, 1 + pack_units, pack_units ? (double)q->c.packed_bytes / (double)pack_units : 50, 0));
  return sx_prep_phase(p, run, q->c.units, q->c.unit_ns, q->c.scratch_bytes);
}

#define BYTES (1u << SX_U8 | 1u << SX_I8)
#define ROW(N)                                              \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N,           \
                                .name = "qconv",            \
                                .types = BYTES,             \
                                .flags = SX_KERNEL_BLOCKED, \
                                .claim = claim,             \
                                .create = create,           \
                                .prepare = prepare};
ROW(ConvInteger) ROW(QLinearConv) ROW(QuantConv) ROW(ConvIntegerToFloat)
