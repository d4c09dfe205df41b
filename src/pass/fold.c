// SPDX-License-Identifier: MIT
/* Constants: nodes whose inputs are all constant are computed by the real kernels; integer tensors whose elements follow
 * from the shapes leave the graph (the shape program evaluates them when an instance is made). Folding has a budget in
 * bytes: it never makes a model much larger than its file, nor a file that is written larger by weights. */
#include "pass/pass.h"

enum { NODE_BUDGET = 1 << 26, SLACK = 1 << 20, FILE_SLACK = 1 << 12 }; /* the last one: a node's, in a file */

/* A constant of bytes, or less, or of narrow floats, that becomes floats. */
static bool expands(const sx_graph *g, const sx_node *n) {
  if (n->op == &sx_op_DequantizeLinear) return true;
  const sx_tensor *t = n->op == &sx_op_Cast ? sx_value_const(g, n->in[0].value) : NULL;
  return t &&
         sx_dtype_bits(t->dtype) <= (sx_dtype_is_int(t->dtype)     ? 8
                                     : sx_dtype_is_float(t->dtype) ? 16
                                                                   : 0) &&
         sx_dtype_is_float((sx_dtype)sx_value_at(g, n->out[0])->fact.dtype);
}

static bool foldable(const sx_pass_ctx *c, const sx_node *n, bool quantized) {
  const sx_graph *g = c->g;
  if (n->op == &sx_op_DequantizeLinear && (!quantized || c->written))
    return false; /* until the integer kernels have had their choice; in a file, never */
  if (!n->op || n->op->flags & (SX_OP_NONDETERMINISTIC | SX_OP_CONTROL | SX_OP_HOST) || n->custom || n->n_in > 32 ||
      n->n_out > 32)
    return false;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].value != SX_NONE && !sx_value_const(g, n->in[i].value)) return false;
  return n->n_in > 0;
}

/* Bytes of the results, when their shapes are numbers; SIZE_MAX otherwise. `freed`: of inputs that only this node reads. */
static size_t result_bytes(const sx_graph *g, const sx_node *n, size_t *freed) {
  size_t total = 0;
  *freed = 0;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].value != SX_NONE && sx_value_at(g, n->in[i].value)->n_uses == 1)
      *freed += sx_value_const(g, n->in[i].value)->size;
  for (uint32_t o = 0; o < n->n_out; o++) {
    if (n->out[o] == SX_NONE) continue;
    const sx_fact *f = &sx_value_at(g, n->out[o])->fact;
    int64_t count = 1;
    size_t bytes;
    for (int i = 0; i < f->rank; i++)
      if (!sx_dim_is_const(f->dims[i]) || !sx_i64_mul(count, f->dims[i], &count)) return SIZE_MAX;
    if (f->rank < 0 || !sx_dtype_bytes((sx_dtype)f->dtype, count, &bytes) || !sx_size_add(total, bytes, &total))
      return SIZE_MAX;
  }
  return total;
}

static sx_status replace_by_tensor(sx_pass_ctx *c, sx_vid from, sx_tensor *t) {
  sx_graph *g = c->g;
  sx_value *f = sx_value_at(g, from);
  SX_TRY(sx_model_hold(g->model, t, c->e));
  sx_vid v = sx_graph_add_const(g, t, f->name);
  if (v == SX_NONE) SX_NO_MEMORY(c->e);
  f->name = (sx_str){"", 0};
  sx_graph_replace_value(g, from, v);
  return SX_OK;
}

/* f16 and bf16 as f32: the constant keeps its bytes. */
static sx_status widen(sx_pass_ctx *c, sx_nid id) {
  const sx_node *n = sx_node_at(c->g, id);
  sx_tensor *t;
  SX_TRY(sx_tensor_widen(sx_value_const(c->g, n->in[0].value), &t, c->e));
  SX_TRY(replace_by_tensor(c, n->out[0], t));
  sx_graph_kill(c->g, id);
  if (c->fired) c->fired[c->pass]++;
  return SX_OK;
}

static sx_status fold_node(sx_pass_ctx *c, sx_nid id, size_t *budget) {
  sx_graph *g = c->g;
  const sx_node *n = sx_node_at(g, id);
  if (n->op == &sx_op_Cast && sx_value_at(g, n->out[0])->fact.dtype == SX_F32 && !c->written) {
    const uint8_t t = sx_value_const(g, n->in[0].value)->dtype;
    if (t == SX_F16 || t == SX_BF16) return widen(c, id);
  }
  size_t freed, bytes = result_bytes(g, n, &freed);
  if (bytes > NODE_BUDGET || bytes > *budget + freed) return SX_OK;
  sx_tensor *out[32] = {0};
  sx_err local = {0};
  sx_status s = c->evaluate(c->evaluate_ctx, g, id, out, &local);
  if (s == SX_E_NO_MEMORY) SX_NO_MEMORY(c->e);
  if (s != SX_OK) return SX_OK; /* it fails, or is not to be had, when it runs: the run says so */
  *budget = *budget + freed > bytes ? *budget + freed - bytes : 0;
  for (uint32_t o = 0; o < n->n_out; o++) /* each has an owner, whatever fails */
    if (s != SX_OK || n->out[o] == SX_NONE)
      sx_tensor_unref(out[o]);
    else if (out[o])
      s = replace_by_tensor(c, n->out[o], out[o]);
  if (s != SX_OK) return s;
  sx_graph_kill(g, id);
  if (c->fired) c->fired[c->pass]++;
  return SX_OK;
}

static sx_status fold(sx_pass_ctx *c, bool quantized) {
  size_t budget = SLACK;
  sx_graph *g = c->g;
  uint32_t live = g->live;
  for (uint32_t i = 0; i < g->order.n; i++) {
    sx_nid id = g->order.at[i];
    const sx_node *n = sx_node_at(g, id);
    if (n->dead || !n->op || n->op->flags & SX_OP_CONTROL) continue;
    size_t room = c->written ? FILE_SLACK : NODE_BUDGET;
    size_t *limit = c->written || (quantized && expands(g, n)) ? &room : &budget; /* what is computed on is computed once */
    if (foldable(c, n, quantized))
      SX_TRY(fold_node(c, id, limit));
    else if (n->op->shape_inputs)
      SX_TRY(sx_infer_node(g, id, c->e)); /* contents of its inputs may be known now */
  }
  return g->live == live ? SX_OK : sx_infer_graph(g, c->e); /* sizes that followed from contents */
}
sx_status sx_pass_fold(sx_pass_ctx *c) { return fold(c, false); }
sx_status sx_pass_fold_quantized(sx_pass_ctx *c) { return fold(c, true); }

sx_status sx_pass_shape_program(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    for (uint32_t o = 0; o < n->n_out && !n->dead; o++) {
      sx_vid from = n->out[o];
      bool numbers;
      if (from == SX_NONE || !sx_fact_is_complete(&sx_value_at(g, from)->fact, &numbers) ||
          (!sx_value_at(g, from)->n_uses && !sx_value_at(g, from)->output_uses))
        continue;
      if (numbers) {
        sx_tensor *t;
        SX_TRY(sx_fact_to_tensor(&sx_value_at(g, from)->fact, &t, c->e));
        SX_TRY(replace_by_tensor(c, from, t));
      } else {
        sx_vid v = sx_graph_add_value(g, SX_VALUE_CONST, sx_value_at(g, from)->name);
        if (v == SX_NONE) SX_NO_MEMORY(c->e);
        sx_value_at(g, v)->fact = sx_value_at(g, from)->fact;
        sx_value_at(g, from)->name = (sx_str){"", 0};
        sx_graph_replace_value(g, from, v);
      }
      if (c->fired) c->fired[c->pass]++;
    }
  }
  return SX_OK;
}
