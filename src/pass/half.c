// SPDX-License-Identifier: MIT
/* Graphs of f16 and bf16 that multiply by constant weights compute in f32, as fast as if they had been written so, and with
 * every pattern and kernel of f32. The weights stay as they are stored: their constants become f32 ones with 16 bits in
 * memory (sx_tensor_widen), which kernels pack in 16 bits. Where a narrow type has to be seen (graph outputs, operators
 * that are not listed here, bodies) it is cast back. */
#include "pass/pass.h"

enum { IS_OUTPUT = 128 };
typedef struct half {
  sx_pass_ctx *c;
  sx_graph *g;
  uint32_t n;     /* values there are entries for */
  sx_vid *narrow; /* by value that became f32: what it is cast back to, or SX_NONE */
  sx_vid *wide;   /* by value that stays narrow: its twin, or SX_NONE */
  uint8_t *was;   /* by value: the type it had before it became f32, or 0; with IS_OUTPUT: it became an output, as f32 */
  uint32_t place; /* of the node that is being looked at */
  SX_VEC(sx_nid)
  casts; /* to f32, of what became that: they go at the end, so that until then readers of a narrow value and of
          * its cast can be told apart */
} half;

static bool is_narrow(uint8_t t) { return t == SX_F16 || t == SX_BF16; }
static bool tensor_is_narrow(const sx_graph *g, sx_vid v) {
  return v != SX_NONE && sx_value_at(g, v)->fact.kind == SX_KIND_TENSOR && is_narrow(sx_value_at(g, v)->fact.dtype);
}

/* Operators that compute on floats and take f32 wherever they take a narrow type. */
static bool computes(const sx_node *n) {
  static const sx_op *const ops[] = {&sx_op_ArgMax,
                                     &sx_op_ArgMin,
                                     &sx_op_AveragePool,
                                     &sx_op_BatchNormalization,
                                     &sx_op_BiasGelu,
                                     &sx_op_Conv,
                                     &sx_op_ConvTranspose,
                                     &sx_op_CumSum,
                                     &sx_op_Einsum,
                                     &sx_op_ExpertMatMul,
                                     &sx_op_FastGelu,
                                     &sx_op_FusedMatMul,
                                     &sx_op_GRU,
                                     &sx_op_Gemm,
                                     &sx_op_GlobalAveragePool,
                                     &sx_op_GlobalLpPool,
                                     &sx_op_GlobalMaxPool,
                                     &sx_op_GridSample,
                                     &sx_op_GroupNormalization,
                                     &sx_op_InstanceNormalization,
                                     &sx_op_LRN,
                                     &sx_op_LSTM,
                                     &sx_op_LayerNormalization,
                                     &sx_op_LogSoftmax,
                                     &sx_op_LpNormalization,
                                     &sx_op_LpPool,
                                     &sx_op_MatMul,
                                     &sx_op_MaxPool,
                                     &sx_op_MeanVarianceNormalization,
                                     &sx_op_Pad,
                                     &sx_op_QuickGelu,
                                     &sx_op_RMSNormalization,
                                     &sx_op_RNN,
                                     &sx_op_ReduceL1,
                                     &sx_op_ReduceL2,
                                     &sx_op_ReduceLogSum,
                                     &sx_op_ReduceLogSumExp,
                                     &sx_op_ReduceMax,
                                     &sx_op_ReduceMean,
                                     &sx_op_ReduceMin,
                                     &sx_op_ReduceProd,
                                     &sx_op_ReduceSum,
                                     &sx_op_ReduceSumSquare,
                                     &sx_op_Resize,
                                     &sx_op_SimplifiedLayerNormalization,
                                     &sx_op_SkipLayerNormalization,
                                     &sx_op_SkipSimplifiedLayerNormalization,
                                     &sx_op_Softmax,
                                     &sx_op_TopK,
                                     &sx_op_Trilu};
  if (n->op->flags & (SX_OP_ELEMENTWISE | SX_OP_VIEW | SX_OP_QDQ_TRANSPARENT)) return n->op != &sx_op_Cast;
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (ops[i] == n->op) return true;
  return n->op == &sx_op_Attention && sx_node_in(n, 4) == SX_NONE; /* a cache stays as it comes */
}

/* Products with constant weights. */
static bool is_product(const sx_graph *g, const sx_node *n) {
  static const sx_op *const ops[] = {&sx_op_Conv, &sx_op_ConvTranspose, &sx_op_ExpertMatMul, &sx_op_FusedMatMul, &sx_op_GRU,
                                     &sx_op_Gemm, &sx_op_LSTM,          &sx_op_MatMul,       &sx_op_RNN};
  const sx_vid w = sx_node_in(n, 1);
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (ops[i] == n->op) return tensor_is_narrow(g, w) && sx_value_const(g, w);
  return false;
}

static sx_vid cast(half *h, sx_vid v, sx_dtype to) {
  sx_graph *g = h->g;
  const sx_node *p = sx_value_producer(g, v);
  const uint32_t origin = p ? p->origin : 0;
  sx_vid y = sx_graph_emit(g, &sx_op_Cast, &v, 1);
  if (y == SX_NONE) return y;
  sx_nid id = sx_value_at(g, y)->producer;
  sx_node_at(g, id)->place = h->place, sx_node_at(g, id)->origin = origin;
  if (!sx_node_set_int(g, id, "to", to) || sx_infer_node(g, id, h->c->e) != SX_OK) return SX_NONE;
  return y;
}

/* v as f32: of a constant one that keeps its bytes, of what was f32 before a Cast that. */
static sx_vid widened(half *h, sx_vid v) {
  sx_graph *g = h->g;
  if (h->wide[v] != SX_NONE) return h->wide[v];
  sx_tensor *t = sx_value_const(g, v), *w;
  const sx_node *p = sx_pass_producer(g, v, &sx_op_Cast);
  if (p && sx_value_at(g, p->in[0].value)->fact.dtype == SX_F32) return h->wide[v] = p->in[0].value;
  if (!t) return h->wide[v] = cast(h, v, SX_F32);
  if (sx_tensor_widen(t, &w, h->c->e) != SX_OK || sx_model_hold(g->model, w, h->c->e) != SX_OK) return SX_NONE;
  return h->wide[v] = sx_graph_add_const(g, w, (sx_str){"", 0});
}
static sx_vid narrowed(half *h, sx_vid v) {
  if (h->narrow[v] == SX_NONE) h->narrow[v] = cast(h, v, (sx_dtype)(h->was[v] & ~IS_OUTPUT));
  return h->narrow[v];
}

static bool became_wide(const half *h, sx_vid v) { return v < h->n && h->was[v]; }

static sx_status widen_node(half *h, sx_nid id) {
  sx_graph *g = h->g;
  for (uint32_t i = 0; i < sx_node_at(g, id)->n_in; i++) {
    const sx_vid v = sx_node_at(g, id)->in[i].value;
    if (!tensor_is_narrow(g, v)) continue;
    const sx_vid w = widened(h, v);
    if (w == SX_NONE)
      return h->c->e->code != SX_OK ? h->c->e->code : sx_fail(h->c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    sx_graph_set_input(g, id, i, w);
  }
  const sx_node *n = sx_node_at(g, id);
  for (uint32_t o = 0; o < n->n_out; o++)
    if (tensor_is_narrow(g, n->out[o])) {
      sx_fact *f = &sx_value_at(g, n->out[o])->fact;
      h->was[n->out[o]] = f->dtype, f->dtype = SX_F32;
    }
  if (h->c->fired) h->c->fired[h->c->pass]++;
  return SX_OK;
}

static sx_status visit(half *h, sx_nid id) {
  sx_graph *g = h->g;
  sx_node *n = sx_node_at(g, id);
  h->place = n->place;
  bool wide = false;
  for (uint32_t i = 0; i < n->n_in && !wide; i++) wide = n->in[i].value != SX_NONE && became_wide(h, n->in[i].value);
  if (n->op && (is_product(g, n) || (wide && computes(n)))) return widen_node(h, id);
  if (!wide || (n->op && n->op->flags & SX_OP_SHAPE_ONLY)) return SX_OK;
  if (n->op == &sx_op_Cast) { /* reads either type; to f32 there is nothing left to do */
    if (sx_value_at(g, n->out[0])->fact.dtype == SX_F32 && !sx_vec_push(&h->casts, id)) SX_NO_MEMORY(h->c->e);
    return SX_OK;
  }
  for (uint32_t i = 0; i < sx_node_at(g, id)->n_in; i++) {
    const sx_vid v = sx_node_at(g, id)->in[i].value;
    if (v == SX_NONE || !became_wide(h, v)) continue;
    const sx_vid w = narrowed(h, v);
    if (w == SX_NONE) SX_NO_MEMORY(h->c->e);
    sx_graph_set_input(g, id, i, w);
  }
  return SX_OK;
}

static void drop_cast(half *h, sx_nid id) {
  sx_graph *g = h->g;
  const sx_vid in = sx_node_at(g, id)->in[0].value, out = sx_node_at(g, id)->out[0];
  sx_value *x = sx_value_at(g, in), *y = sx_value_at(g, out);
  if (y->output_uses && x->output_uses) return; /* outputs have steps of their own */
  if (y->output_uses) {
    x->name = y->name, y->name = (sx_str){"", 0};
    if (in < h->n) h->was[in] |= IS_OUTPUT;
  }
  sx_graph_replace_value(g, out, in);
}

/* The caller's outputs keep their type. */
static sx_status finish(half *h) {
  sx_graph *g = h->g;
  for (uint32_t i = 0; i < h->casts.n; i++) drop_cast(h, h->casts.at[i]);
  for (uint32_t o = 0; o < g->outputs.n; o++) {
    const sx_vid v = g->outputs.at[o];
    if (!became_wide(h, v) || h->was[v] & IS_OUTPUT) continue;
    h->place = sx_value_producer(g, v)->place;
    const sx_vid w = narrowed(h, v);
    if (w == SX_NONE) SX_NO_MEMORY(h->c->e);
    if (sx_value_at(g, v)->name.n)
      sx_value_at(g, w)->name = sx_value_at(g, v)->name, sx_value_at(g, v)->name = (sx_str){"", 0};
    sx_graph_set_output(g, o, w);
  }
  return SX_OK;
}

sx_status sx_pass_half(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  bool any = false;
  for (uint32_t i = 0; i < g->order.n && !any; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    any = n->op && is_product(g, n);
  }
  if (!any) return SX_OK;
  half h = {.c = c, .g = g, .n = g->values.n};
  const size_t ids = (size_t)h.n * sizeof(sx_vid), bytes = 2 * ids + h.n;
  if (!(h.narrow = sx_malloc(bytes))) SX_NO_MEMORY(c->e);
  h.wide = h.narrow + h.n, h.was = (uint8_t *)(h.wide + h.n);
  memset(h.narrow, 0xff, 2 * ids);
  memset(h.was, 0, h.n);
  sx_status s = SX_OK;
  for (uint32_t i = 0, n = g->order.n; i < n && s == SX_OK; i++)
    if (!sx_node_at(g, g->order.at[i])->dead) s = visit(&h, g->order.at[i]);
  if (s == SX_OK) s = finish(&h);
  sx_vec_free(&h.casts);
  sx_free(h.narrow, bytes);
  return s;
}
