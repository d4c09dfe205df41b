// SPDX-License-Identifier: MIT
/* Static quantisation: QuantizeLinear and DequantizeLinear around the operators that are to compute on integers, with
 * ranges that were measured before. The rules only mark: which values are to be on a grid, and which share one because
 * their operator only moves elements. Then each marked value gets its pair once. Kernels of integers are found from that
 * when the model is loaded. */
#include <math.h>
#include "quant/rules.h"

enum { ON_GRID = 1, MADE_BY_US = 2 }; /* the node that makes it, or reads it, is quantised; it is made by such a node */

static sx_vid range_owner(const sx_quantizer *q, sx_vid v) {
  while (v < q->marks.n && q->marks.at[v].like != SX_NONE) v = q->marks.at[v].like;
  return v;
}

static const sx_quant_range *range_of(const sx_quantizer *q, sx_vid v) {
  const sx_str name = sx_value_at(q->g, range_owner(q, v))->name;
  uint32_t i;
  return name.n && sx_strmap_get(&q->ranges, name, &i) ? &q->o->ranges[i] : NULL;
}

static bool is_f32(const sx_graph *g, sx_vid v) { return v != SX_NONE && sx_value_at(g, v)->fact.dtype == SX_F32; }

/* Can v be put on a grid: a constant of floats, or floats whose range is known? */
static bool can_mark(sx_quantizer *q, sx_vid v, const char **kept) {
  const sx_tensor *t = v == SX_NONE ? NULL : sx_value_const(q->g, v);
  if (!is_f32(q->g, v))
    *kept = "it does not compute on float";
  else if (!t && !range_of(q, v))
    *kept = "no range is known of what goes in or out";
  else if (t && t->count == 0)
    *kept = "a constant of it is empty";
  return !*kept;
}

static sx_status set_mark(sx_quantizer *q, sx_vid v, uint8_t flags, sx_vid like) {
  sx_quant_mark *m = sx_quant_mark_of(q, v);
  if (!m) SX_NO_MEMORY(q->e);
  m->flags |= flags;
  if (like != SX_NONE && like != v) m->like = like;
  return SX_OK;
}

static bool is_clamp(const sx_node *n) {
  return !n->domain.n && (sx_str_is(n->op_type, "Relu") || sx_str_is(n->op_type, "Clip"));
}

/* What v is clamped to right after it was made, if nobody else reads it: the pair then stands behind the clamp. */
static sx_vid clamped(const sx_quantizer *q, sx_vid v) {
  const sx_value *x = sx_value_at(q->g, v);
  if (x->n_uses != 1 || x->output_uses || x->uses->slot) return v;
  const sx_node *n = sx_node_at(q->g, x->uses->node);
  return is_clamp(n) && is_f32(q->g, n->out[0]) && range_of(q, n->out[0]) ? n->out[0] : v;
}

/* Marks the inputs of a mask and all outputs, which have ranges of their own. */
static sx_status mark_node(sx_quantizer *q, sx_nid id, uint32_t inputs, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  for (uint32_t i = 0; i < n->n_in; i++)
    if (inputs >> (i < 31 ? i : 31) & 1 && n->in[i].value != SX_NONE && !can_mark(q, n->in[i].value, kept)) return SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE && !can_mark(q, clamped(q, n->out[i]), kept)) return SX_OK;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (inputs >> (i < 31 ? i : 31) & 1 && n->in[i].value != SX_NONE) SX_TRY(set_mark(q, n->in[i].value, ON_GRID, SX_NONE));
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE) SX_TRY(set_mark(q, clamped(q, n->out[i]), ON_GRID | MADE_BY_US, SX_NONE));
  return sx_quant_select(q, id);
}

/* Of a product x * w + b: the weight has a scale per channel, the bias the product of both scales. */
static sx_status product(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid w = sx_node_in(n, 1), bias = sx_node_in(n, 2);
  if (!is_f32(q->g, w)) return *kept = "it does not compute on float", SX_OK;
  if (!sx_value_const(q->g, w)) return mark_node(q, id, 3, kept);
  if (!sx_quant_is_weight(q->g, w, 2)) return *kept = "its weight is no matrix", SX_OK;
  if (bias != SX_NONE && !sx_value_const(q->g, bias)) return *kept = "its bias is no constant", SX_OK;
  return mark_node(q, id, 1, kept); /* weight and bias: when it is written */
}
static sx_status plain(sx_quantizer *q, sx_nid id, const char **kept) { return mark_node(q, id, UINT32_MAX, kept); }
static sx_status first_input(sx_quantizer *q, sx_nid id, const char **kept) { return mark_node(q, id, 1, kept); }

/* Moves elements: on the grid of its first input, if that is on one already. */
static sx_status mover(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid x = sx_node_in(n, 0);
  if (x == SX_NONE || x >= q->marks.n || !(q->marks.at[x].flags & MADE_BY_US))
    return *kept = "what it moves is not quantised", SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE && !is_f32(q->g, n->out[i])) return *kept = "it gives more than it moves", SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE) SX_TRY(set_mark(q, n->out[i], ON_GRID | MADE_BY_US, range_owner(q, x)));
  return sx_quant_select(q, id);
}

/* Behind a product it is part of that; by itself it moves its range. */
static sx_status clamp(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid y = n->out[0];
  if (y < q->marks.n && q->marks.at[y].flags & MADE_BY_US) return SX_OK;
  return mark_node(q, id, 1, kept);
}

/* The pair behind v, or before a constant: *dq is what is read. */
static sx_status pair(sx_quantizer *q, sx_vid v, sx_vid *dq) {
  sx_graph *g = q->g;
  const sx_dtype type = q->o->activation;
  const sx_quant_grid grid = sx_quant_grid_of(type, q->o->symmetric_activations, false);
  const sx_quant_range *r = q->marks.at[v].range;
  const char *domain = sx_dtype_bits(type) == 16 && sx_quant_version(g->model, "") < 21 ? "com.microsoft" : "";
  if (sx_value_const(g, v)) {
    sx_quant_weight w;
    sx_vid in[3];
    SX_TRY(sx_quantize_weight(sx_value_const(g, v), &grid, -1, &w, q->e));
    SX_TRY(sx_quant_add_weight(q, v, &w, in));
    return sx_quant_emit(q, domain, "DequantizeLinear", in, 3, dq, 1);
  }
  double scale;
  int zero;
  sx_quant_fit(&grid, r->lo, r->hi, &scale, &zero);
  sx_vid in[3] = {v}, codes;
  SX_TRY(sx_quant_add_numbers(q, v, scale, zero, type, &in[1], &in[2]));
  SX_TRY(sx_quant_emit(q, domain, "QuantizeLinear", in, 3, &codes, 1));
  in[0] = codes;
  return sx_quant_emit(q, domain, "DequantizeLinear", in, 3, dq, 1);
}

/* The float value v as the nodes of `selected` are to read it. */
static sx_status replace_readers(sx_quantizer *q, sx_vid v, sx_vid dq, bool all) {
  sx_graph *g = q->g;
  for (sx_use *u = sx_value_at(g, v)->uses, *next; u; u = next) {
    next = u->next;
    const sx_node *n = sx_node_at(g, u->node);
    const bool ours = u->node < q->selected.n && q->selected.at[u->node];
    const bool border = sx_str_is(n->op_type, "QuantizeLinear") && u->node >= q->n_nodes;
    if (!border && (all || ours)) sx_graph_set_input(g, u->node, u->slot, dq);
  }
  return SX_OK;
}

static sx_status add_pair(sx_quantizer *q, sx_vid v) {
  sx_graph *g = q->g;
  const sx_quant_mark m = q->marks.at[v];
  const sx_node *p = sx_value_producer(g, v);
  sx_vid dq;
  q->name = sx_value_at(g, v)->name, q->place = p ? p->place : 0, q->origin = p ? p->origin : 0;
  SX_TRY(pair(q, v, &dq));
  sx_value_at(g, dq)->fact = sx_value_at(g, v)->fact;
  sx_value_at(g, dq)->fact.constant = NULL;
  if (!sx_value_at(g, v)->output_uses || !(m.flags & MADE_BY_US)) return replace_readers(q, v, dq, m.flags & MADE_BY_US);
  /* An output of the graph keeps its name: the float that it was becomes a value in between. */
  const sx_str name = sx_value_at(g, v)->name;
  for (uint32_t i = 0; i < g->outputs.n; i++)
    if (g->outputs.at[i] == v && !sx_graph_set_output(g, i, dq)) SX_NO_MEMORY(q->e);
  const char *inner = sx_arena_printf(&g->model->arena, "%.*s_float", SX_FMT(name));
  if (!inner) SX_NO_MEMORY(q->e);
  sx_value_at(g, v)->name = sx_str_c(inner), sx_value_at(g, dq)->name = name;
  return replace_readers(q, v, dq, true);
}

/* Scale of the grid that x is on, through its pair. */
static bool scale_of(const sx_quantizer *q, sx_vid x, float *scale) {
  const sx_node *d = sx_value_producer(q->g, x);
  const sx_tensor *t = d ? sx_value_const(q->g, sx_node_in(d, 1)) : NULL;
  double s;
  if (!t || t->count != 1 || !sx_tensor_get_f64(t, 0, &s)) return false;
  *scale = (float)s;
  return true;
}

/* The bias in 32 bits, on the grid of the sums: scale of x times scale of w. */
static sx_status write_bias(sx_quantizer *q, sx_nid id, sx_vid bias, const sx_tensor *w_scale) {
  const sx_tensor *t = sx_value_const(q->g, bias);
  const sx_quant_grid grid = {SX_I32, INT32_MIN, INT32_MAX, true};
  const int64_t n = t->count;
  sx_quant_weight w = {0};
  sx_vid in[3], dq;
  float x_scale;
  if (!scale_of(q, sx_node_in(sx_node_at(q->g, id), 0), &x_scale)) return SX_OK; /* it stays a float */
  if (w_scale->count != 1 && (t->rank != 1 || w_scale->count != n)) return SX_OK;
  SX_TRY(sx_quantize_on(t, &grid, w_scale, x_scale, &w, q->e));
  SX_TRY(sx_quant_add_weight(q, bias, &w, in));
  SX_TRY(sx_quant_emit(q, "", "DequantizeLinear", in, in[2] == SX_NONE ? 2 : 3, &dq, 1));
  if (w_scale->count > 1 && !sx_node_set_int(q->g, sx_value_at(q->g, dq)->producer, "axis", 0)) SX_NO_MEMORY(q->e);
  sx_graph_set_input(q->g, id, 2, dq);
  return SX_OK;
}

/* Weight and bias of a product whose other input is on a grid. */
static sx_status write_weight(sx_quantizer *q, sx_nid id) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid w = sx_node_in(n, 1), bias = sx_node_in(n, 2);
  if (!sx_value_const(q->g, w)) return SX_OK;
  const bool gemm = sx_str_is(n->op_type, "Gemm"), matmul = sx_str_is(n->op_type, "MatMul");
  const int rank = sx_value_const(q->g, w)->rank;
  int axis = matmul ? rank - 1 : gemm ? !sx_attr_int(n, "transB", 0) : sx_str_is(n->op_type, "ConvTranspose") ? 1 : 0;
  if (!q->o->per_channel || (matmul && rank != 2) || (axis == 1 && sx_attr_int(n, "group", 1) != 1)) axis = -1;
  const sx_quant_constant *c;
  sx_vid dq;
  q->name = n->name, q->place = n->place, q->origin = n->origin;
  SX_TRY(sx_quant_weight_of(q, w, axis, false, &c));
  q->report->rows.at[q->selected.at[id] - 1].error = c->error;
  const sx_vid in[3] = {c->codes, c->scale, c->zero};
  SX_TRY(sx_quant_emit(q, "", "DequantizeLinear", in, c->zero == SX_NONE ? 2 : 3, &dq, 1));
  if (axis >= 0 && !sx_node_set_int(q->g, sx_value_at(q->g, dq)->producer, "axis", axis)) SX_NO_MEMORY(q->e);
  sx_graph_set_input(q->g, id, 1, dq);
  return bias == SX_NONE ? SX_OK : write_bias(q, id, bias, sx_value_const(q->g, c->scale));
}

sx_status sx_quant_static_write(sx_quantizer *q) {
  const uint32_t n = q->marks.n;
  for (uint32_t v = 0; v < n; v++) q->marks.at[v].range = range_of(q, v); /* by name: before names move */
  for (uint32_t v = 0; v < n; v++)
    if (q->marks.at[v].flags & ON_GRID) SX_TRY(add_pair(q, v));
  for (uint32_t id = 0; id < q->selected.n; id++)
    if (q->selected.at[id] && sx_quant_rule_of(sx_quant_static_rules, sx_node_at(q->g, id))->fn == product)
      SX_TRY(write_weight(q, id));
  return SX_OK;
}

const sx_quant_rule sx_quant_static_rules[] = {{"", "Conv", product},
                                               {"", "ConvTranspose", product},
                                               {"", "MatMul", product},
                                               {"", "Gemm", product},
                                               {"", "Add", plain},
                                               {"", "Mul", plain},
                                               {"", "Concat", plain},
                                               {"", "AveragePool", plain},
                                               {"", "GlobalAveragePool", plain},
                                               {"", "Sigmoid", plain},
                                               {"", "LeakyRelu", plain},
                                               {"", "HardSigmoid", plain},
                                               {"", "Softmax", plain},
                                               {"", "Relu", clamp},
                                               {"", "Clip", clamp},
                                               {"", "MaxPool", mover},
                                               {"", "Reshape", mover},
                                               {"", "Transpose", mover},
                                               {"", "Flatten", mover},
                                               {"", "Squeeze", mover},
                                               {"", "Unsqueeze", mover},
                                               {"", "Slice", mover},
                                               {"", "Split", mover},
                                               {"", "Gather", mover},
                                               {"", "Resize", mover},
                                               {"", "DepthToSpace", mover},
                                               {"", "SpaceToDepth", mover},
                                               {"", "ReduceMean", first_input},
                                               {NULL, NULL, NULL}};
