// SPDX-License-Identifier: MIT
/* Conv, FusedConv, ConvTranspose and the changes of layout, on the convolution family. Constant weights are packed when the
 * session is made, for the packing that the shapes known then ask for; another shape that asks for another packing gets it
 * with its instance, weights that are no constants with every run. */
#include "base/alloc.h"
#include "ep/cpu/bind/activation.h"
#include "ep/cpu/bind/conv.h"
#include "ep/cpu/kernels/quant/qlinear.h"
#include "ops/nn/window.h"
#include <stdio.h>

typedef struct conv_state {
  const sx_conv_table *t;
  const sx_tensor *w; /* constant weight, or NULL */
  const void *packed;
  uint32_t packing;
  bool transposed;
  int residual; /* input, or -1 */
  int winograd;
  sx_activation act;
} conv_state;
typedef struct params {
  sx_conv c;
  const conv_state *st;
  const void *packed; /* NULL: packed by the first phase into scratch */
} params;

enum { STORE_NS = 1 }; /* of one number of a large output; memory is slower than few channels are */

static sx_conv_layout layout_of(int layout) { return layout == SX_BLOCKED ? SX_CONV_BLOCKED : SX_CONV_PLAIN; }

sx_status sx_conv_describe(const sx_node *n, bool transposed, int winograd, int rank, const int64_t *x, const int64_t *w,
                           const int64_t *y, sx_conv_shape *s, sx_err *e) {
  sx_window win;
  SX_TRY(sx_window_read(n, rank - 2, w + 2, &win, e));
  if (win.n > 3) SX_FAIL(e, NOT_IMPLEMENTED, "%d spatial axes: the kernels do 1 to 3", win.n);
  *s = (sx_conv_shape){.batch = x[0],
                       .in_channels = x[1],
                       .out_channels = y[1],
                       .group = sx_attr_int(n, "group", 1),
                       .winograd = winograd,
                       .transposed = transposed};
  if ((transposed ? w[0] : w[1] * s->group) != x[1])
    SX_FAIL(e, INVALID_ARGUMENT, "the input has %lld channels, the weight expects %lld", (long long)x[1],
            (long long)(transposed ? w[0] : w[1] * s->group));
  for (int a = 0; a < 3; a++) {
    int i = a - (3 - win.n);
    s->in[a] = s->out[a] = s->kernel[a] = s->stride[a] = s->dilation[a] = 1;
    if (i < 0) continue;
    int64_t end;
    s->in[a] = x[2 + i], s->out[a] = y[2 + i];
    s->kernel[a] = win.kernel[i], s->stride[a] = win.stride[i], s->dilation[a] = win.dilation[i];
    if (!transposed)
      sx_window_size(&win, i, x[2 + i], &s->pad[a], &end);
    else {
      const int64_t *extra, *shape;
      int64_t more = sx_attr_ints(n, "output_padding", &extra) ? extra[i] : 0,
              total = (x[2 + i] - 1) * win.stride[i] + (win.kernel[i] - 1) * win.dilation[i] + 1 + more - y[2 + i];
      bool given = sx_attr_ints(n, "output_shape", &shape) != 0;
      if (total < 0) total = 0; /* a larger output is padded at its end */
      s->pad[a] = win.same || given ? (win.same == 1 ? total / 2 : total - total / 2) : win.pad[i];
    }
  }
  return SX_OK;
}

static sx_epilogue epilogue(const sx_node *n, const conv_state *st) {
  sx_epilogue e = {.bias = sx_node_in(n, 2) != SX_NONE, .residual = st->residual >= 0, .beta = 1};
  sx_activation_apply(&st->act, &e);
  return e;
}

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact;
  *reason = "the kernels do 1 to 3 spatial axes of known rank";
  return x->rank >= 3 && x->rank <= 5;
}

/* Constant weights as they are stored, w->w being left to the caller. */
static sx_conv_source source_of(const sx_tensor *t) { return (sx_conv_source){.type = t->stored, .factors = t->factors}; }
typedef struct pack_ctx {
  sx_conv c;
  sx_conv_source w;
} pack_ctx;
static sx_status pack(const void *ctx, const void *src, void *dst, uint32_t begin, uint32_t end) {
  const pack_ctx *p = ctx;
  sx_conv_source w = p->w;
  w.w = src;
  sx_conv_pack(&p->c, &w, dst, begin, end);
  return SX_OK;
}
/* The type that weights are packed in: few are not worth being widened again in every unit. */
static uint8_t packed_type(const conv_state *st, sx_conv_layout y) {
  enum { FEW = 1 << 14 };
  if (!st->w || st->w->count <= FEW || (st->w->factors && y == SX_CONV_PLAIN)) return SX_F32;
  return st->w->stored;
}

/* Table, weight and inputs of the node. */
static void describe_state(const sx_build *b, conv_state *st) {
  st->t = sx_conv_table_at(b->cpu->isa);
  st->w = sx_value_const(b->g, b->n->in[1].value);
  st->transposed = b->n->op == &sx_op_ConvTranspose;
  st->residual = b->n->op == &sx_op_FusedConv && sx_node_in(b->n, 3) != SX_NONE ? 3 : -1;
  if (st->w && (st->w->rank < 3 || !st->w->count)) st->w = NULL;
}

/* The shape that constant weights are packed for. A size not known yet is taken as a middling one: the packing rarely
 * depends on it. */
static sx_status describe_shape(const sx_build *b, const conv_state *st, sx_conv_shape *s) {
  const sx_fact *x = &sx_value_at(b->g, b->n->in[0].value)->fact, *y = &sx_value_at(b->g, b->n->out[0])->fact;
  int64_t xd[SX_MAX_RANK], yd[SX_MAX_RANK];
  for (int i = 0; i < x->rank; i++)
    xd[i] = sx_dim_is_const(x->dims[i]) ? x->dims[i]
            : i == 0                    ? 1
            : i == 1                    ? (st->transposed ? st->w->dims[0] : st->w->dims[1] * sx_attr_int(b->n, "group", 1))
                                        : 64;
  for (int i = 0; i < y->rank; i++) yd[i] = sx_dim_is_const(y->dims[i]) ? y->dims[i] : i == 0 ? 1 : 64;
  if (!st->transposed) {
    sx_window win;
    int64_t p, q;
    SX_TRY(sx_window_read(b->n, x->rank - 2, st->w->dims + 2, &win, b->e));
    for (int i = 0; i < win.n; i++) yd[i + 2] = sx_window_size(&win, i, xd[i + 2], &p, &q);
  }
  return sx_conv_describe(b->n, st->transposed, 0, x->rank, xd, st->w->dims, yd, s, b->e);
}

static sx_status prepare_pack(const sx_build *b, const conv_state *st, sx_conv_shape *s, sx_conv *c) {
  const sx_fact *x = &sx_value_at(b->g, b->n->in[0].value)->fact, *y = &sx_value_at(b->g, b->n->out[0])->fact;
  sx_epilogue e = epilogue(b->n, st);
  s->weights = packed_type(st, layout_of(y->layout));
  return sx_conv_prepare(c, st->t, s, &e, layout_of(x->layout), layout_of(y->layout), b->e);
}

/* Winograd, F(2x2) and F(4x4): weights are several times larger. */
static uint32_t offers(const sx_build *b, sx_offer o[SX_MAX_OFFERS]) {
  conv_state st = {0};
  sx_conv_shape s;
  sx_conv plain, c;
  uint32_t n = 0;
  describe_state(b, &st);
  if (b->level < 2 || !st.w || describe_shape(b, &st, &s) != SX_OK || prepare_pack(b, &st, &s, &plain) != SX_OK) return 0;
  const int best = sx_conv_winograd_for(&s, 4);
  for (s.winograd = 2; s.winograd <= best && prepare_pack(b, &st, &s, &c) == SX_OK && c.algo == SX_CONV_WINOGRAD;
       s.winograd *= 2)
    o[n++] =
        (sx_offer){c.packed_bytes - plain.packed_bytes, (double)plain.units * plain.unit_ns - (double)c.units * c.unit_ns};
  return n;
}

static sx_status create(sx_build *b) {
  conv_state *st = SX_NEW(b->arena, conv_state);
  if (!st) SX_NO_MEMORY(b->e);
  const sx_fact *x = &sx_value_at(b->g, b->n->in[0].value)->fact;
  describe_state(b, st);
  SX_TRY(sx_activation_read(b, &st->act));
  b->state = st;
  if (!st->w) return SX_OK;
  sx_conv_shape s;
  sx_conv c;
  SX_TRY(describe_shape(b, st, &s));
  st->winograd = s.winograd = (int)b->granted * 2;
  SX_TRY(prepare_pack(b, st, &s, &c));
  st->packing = c.packing;
  char name[64];
  snprintf(name, sizeof name, "conv %u %lldx%lld/%lld", c.packing, (long long)s.in_channels, (long long)s.out_channels,
           (long long)s.group);
  bool fixed = true; /* another shape may want another packing: then the weights stay */
  for (int i = 0; i < x->rank; i++) fixed &= sx_dim_is_const(x->dims[i]);
  if (!fixed) sx_tensor_pin((sx_tensor *)st->w);
  b->unused_inputs = 2;
  pack_ctx ctx = {c, source_of(st->w)};
  return sx_weights_pack_scaled(b, st->w, name, c.packed_bytes, (uint32_t)c.pack_units, pack, &ctx, &st->packed);
}

static sx_status run_pack(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const sx_conv_source w = {.w = c->in[1], .type = SX_F32};
  sx_conv_pack(&q->c, &w, c->scratch, begin, end);
  return SX_OK;
}
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const conv_state *st = q->st;
  sx_conv_io io = {c->in[0], q->packed ? q->packed : c->scratch, q->c.epi.bias ? c->in[2] : NULL,
                   st->residual >= 0 ? c->in[st->residual] : NULL, c->out[0]};
  sx_conv_run(&q->c, &io, begin, end, c->worker_scratch);
  return SX_OK;
}

/* What the epilogue reads: one bias per channel of the result, a residual of its size. */
static sx_status check_extra(const sx_prep *p) {
  const int64_t C = p->out[0].dims[1];
  if (p->n_in > 2 && p->in[2].dtype && p->in[2].count != C)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the bias has %lld elements for %lld output channels", (long long)p->in[2].count,
            (long long)C);
  if (p->n_in > 3 && p->in[3].dtype && p->in[3].size != p->out[0].size)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the residual has %lld elements, the result %lld", (long long)p->in[3].count,
            (long long)p->out[0].count);
  return SX_OK;
}

static sx_status prepare(sx_prep *p) {
  const conv_state *st = p->state;
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  sx_conv_shape s;
  sx_epilogue e = epilogue(p->n, st);
  SX_TRY(check_extra(p));
  SX_TRY(sx_conv_describe(p->n, st->transposed, st->winograd, p->in[0].rank, p->in[0].dims, p->in[1].dims, p->out[0].dims,
                          &s, p->e));
  s.weights = packed_type(st, layout_of(p->out[0].layout));
  SX_TRY(sx_conv_prepare(&q->c, st->t, &s, &e, layout_of(p->in[0].layout), layout_of(p->out[0].layout), p->e));
  q->st = st;
  p->params = q;
  if (st->packed && q->c.packing == st->packing)
    q->packed = st->packed;
  else if (st->w) {
    sx_conv_source w = source_of(st->w);
    void *packed = sx_arena_aligned(p->arena, q->c.packed_bytes + SX_ALIGN, SX_ALIGN);
    if (!packed) SX_NO_MEMORY(p->e);
    SX_TRY(sx_tensor_source(st->w, &w.w, p->e));
    sx_conv_pack(&q->c, &w, packed, 0, q->c.pack_units);
    q->packed = packed;
  } else {
    p->scratch = q->c.packed_bytes;
    SX_TRY(sx_prep_phase(p, run_pack, q->c.pack_units, (double)q->c.packed_bytes / 4 / (double)q->c.pack_units, 0));
  }
  const double store_ns = q->c.units ? (double)p->out[0].count / (double)q->c.units * STORE_NS : 0;
  return sx_prep_phase(p, run, q->c.units, q->c.unit_ns + store_ns, q->c.scratch_bytes);
}

static sx_status run_f64(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_conv_f64_run(c->params, c->in[0], c->in[1], *(const bool *)c->state ? c->in[2] : NULL, c->out[0], begin, end);
  return SX_OK;
}
static sx_status create_f64(sx_build *b) {
  static const bool bias[] = {false, true};
  b->state = (void *)(uintptr_t)&bias[sx_node_in(b->n, 2) != SX_NONE];
  return SX_OK;
}
static sx_status prepare_f64(sx_prep *p) {
  sx_conv_shape *s = SX_NEW(p->arena, sx_conv_shape);
  if (!s) SX_NO_MEMORY(p->e);
  SX_TRY(check_extra(p));
  SX_TRY(sx_conv_describe(p->n, p->n->op == &sx_op_ConvTranspose, 0, p->in[0].rank, p->in[0].dims, p->in[1].dims,
                          p->out[0].dims, s, p->e));
  p->params = s;
  const int64_t units = p->out[0].count ? s->batch * s->out_channels : 0;
  return sx_prep_phase(
      p, run_f64, units,
      units ? (double)p->in[1].count / (double)s->out_channels * (double)(p->out[0].count / units) * 0.5 : 0, 0);
}

#define REORDERED (1u << SX_F32 | 1u << SX_I32 | 1u << SX_U8 | 1u << SX_I8)
/* Changes of layout: units are ranges of pixels of one image. */
enum { REORDER_PIXELS = 256 };
typedef struct reorder {
  const sx_conv_table *t;
  const sx_qlinear_table *bytes;
  int64_t channels, pixels, chunks, plain, blocked;
  bool to_blocked;
} reorder;
static sx_status run_reorder(const sx_call *c, uint32_t begin, uint32_t end) {
  const reorder *r = c->params;
  for (uint32_t u = begin; u < end; u++) {
    int64_t image = u / r->chunks, from = u % r->chunks * REORDER_PIXELS,
            to = from + REORDER_PIXELS < r->pixels ? from + REORDER_PIXELS : r->pixels;
    if (r->bytes) {
      (r->to_blocked ? r->bytes->to_blocked : r->bytes->to_plain)(
          (const uint8_t *)c->in[0] + image * (r->to_blocked ? r->plain : r->blocked),
          (uint8_t *)c->out[0] + image * (r->to_blocked ? r->blocked : r->plain), r->channels, r->pixels, from, to);
      continue;
    }
    const float *x = (const float *)c->in[0] + image * (r->to_blocked ? r->plain : r->blocked);
    float *y = (float *)c->out[0] + image * (r->to_blocked ? r->blocked : r->plain);
    (r->to_blocked ? sx_reorder_to_blocked : sx_reorder_to_plain)(r->t, x, y, r->channels, r->pixels, from, to);
  }
  return SX_OK;
}
static sx_status prepare_reorder(sx_prep *p) {
  reorder *r = SX_NEW(p->arena, reorder);
  if (!r) SX_NO_MEMORY(p->e);
  const sx_view *v = &p->in[0];
  int64_t b = (r->t = sx_conv_table_at(p->cpu->isa), sx_conv_block(r->t));
  r->bytes = v->dtype == SX_U8 || v->dtype == SX_I8 ? sx_qlinear(p->cpu->isa) : NULL; /* s32 moves as f32 does */
  r->to_blocked = p->n->op == &sx_op_ToBlocked;
  r->channels = v->dims[1], r->pixels = sx_dims_count(v->dims, 2, v->rank);
  r->plain = r->channels * r->pixels, r->blocked = (r->channels + b - 1) / b * b * r->pixels;
  r->chunks = (r->pixels + REORDER_PIXELS - 1) / REORDER_PIXELS;
  p->params = r;
  return sx_prep_phase(p, run_reorder, v->dims[0] * r->chunks, (double)r->channels * REORDER_PIXELS * 0.2, 0);
}

#define F32 (1u << SX_F32)
#define CONV(N, text)                                       \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N,           \
                                .name = text,               \
                                .types = F32,               \
                                .flags = SX_KERNEL_BLOCKED, \
                                .claim = claim,             \
                                .offers = offers,           \
                                .create = create,           \
                                .prepare = prepare}
CONV(Conv, "conv");
CONV(FusedConv, "conv");
CONV(ConvTranspose, "conv_transpose");
#define CONV_F64(N)                                        \
  const sx_kernel sx_cpu_##N##_3 = {.op = &sx_op_##N,      \
                                    .name = "conv_f64",    \
                                    .types = 1u << SX_F64, \
                                    .claim = claim,        \
                                    .create = create_f64,  \
                                    .prepare = prepare_f64}
CONV_F64(Conv);
CONV_F64(ConvTranspose);
const sx_kernel sx_cpu_ToBlocked = {
    .op = &sx_op_ToBlocked, .name = "reorder", .types = REORDERED, .prepare = prepare_reorder};
const sx_kernel sx_cpu_FromBlocked = {
    .op = &sx_op_FromBlocked, .name = "reorder", .types = REORDERED, .prepare = prepare_reorder};
