// SPDX-License-Identifier: MIT
/* Static quantisation: QuantizeLinear and DequantizeLinear around the operators that are to compute on integers, with
 * ranges that were measured before. The rules only mark: which values are to be on a grid, and which share one because
 * their operator only moves elements. Then each marked value gets its pair once. Kernels of integers are found from that
 * when the model is loaded. */
#include <math.h>
#include "quant/rules.h"

enum { MADE = 1, ON_GRID = 2 }; /* a quantised node makes it; it gets a pair */

static sx_vid range_owner(const sx_quantizer *q, sx_vid v) {
  while (v < q->values.n && q->values.at[v].grid_of != SX_NONE) v = q->values.at[v].grid_of;
  return v;
}

static const sx_quant_range *range_of(const sx_quantizer *q, sx_vid v) {
  const sx_str name = sx_value_at(q->g, range_owner(q, v))->name;
  uint32_t i;
  return name.n && sx_strmap_get(&q->ranges, name, &i) ? &q->o->ranges[i] : NULL;
}

/* Can v be put on a grid: a constant of floats, or floats whose range is known? */
static bool can_mark(sx_quantizer *q, sx_vid v, const char **kept) {
  const sx_tensor *t = v == SX_NONE ? NULL : sx_value_const(q->g, v);
  if (!sx_quant_is_f32(q->g, v))
    *kept = "it does not compute on float";
  else if (!t && !range_of(q, v))
    *kept = "no range is known of what goes in or out";
  else if (t && t->count == 0)
    *kept = "a constant of it is empty";
  return !*kept;
}

static sx_status set_mark(sx_quantizer *q, sx_vid v, uint8_t flags, sx_vid grid_of) {
  sx_quant_value *x = sx_quant_value_of(q, v);
  if (!x) SX_NO_MEMORY(q->e);
  x->grid |= flags;
  if (grid_of != SX_NONE && grid_of != v) x->grid_of = grid_of;
  return SX_OK;
}

bool sx_quant_is_clamp(const sx_node *n) {
  return !n->domain.n && (sx_str_is(n->op_type, "Relu") || sx_str_is(n->op_type, "Clip"));
}

/* The one reader of v, if v is its first input and nothing else; or NULL. */
static const sx_node *only_reader(const sx_quantizer *q, sx_vid v) {
  const sx_value *x = sx_value_at(q->g, v);
  if (x->n_uses != 1 || x->output_uses) return NULL;
  const sx_node *n = sx_node_at(q->g, x->uses->node);
  return n->n_out == 1 && sx_quant_is_f32(q->g, n->out[0]) && range_of(q, n->out[0]) ? n : NULL;
}

/* Behind v, which node p makes, what is done to it right away: a bias of MatMul, a clamp. The pair then stands behind that.
 */
static sx_vid behind(const sx_quantizer *q, const sx_node *p, sx_vid v) {
  const sx_node *n = only_reader(q, v);
  if (n && sx_str_is(p->op_type, "MatMul") && sx_str_is(n->op_type, "Add") &&
      (sx_value_const(q->g, n->in[0].value) || sx_value_const(q->g, n->in[1].value)))
    v = n->out[0], n = only_reader(q, v);
  return n && sx_quant_is_clamp(n) && n->in[0].value == v ? n->out[0] : v;
}

static bool is_made(const sx_quantizer *q, sx_vid v) { return v < q->values.n && q->values.at[v].grid & MADE; }
/* Chooses a node that reads the inputs of a mask on grids. */
static sx_status choose(sx_quantizer *q, sx_nid id, uint32_t inputs, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  for (uint32_t i = 0; i < n->n_in; i++)
    if (inputs >> (i < 31 ? i : 31) & 1 && n->in[i].value != SX_NONE && !can_mark(q, n->in[i].value, kept)) return SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE && !can_mark(q, behind(q, n, n->out[i]), kept)) return SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE) SX_TRY(set_mark(q, behind(q, n, n->out[i]), MADE, SX_NONE));
  return sx_quant_select(q, id);
}

/* Of a product x * w + b: the weight has a scale per channel, the bias the product of both scales. */
static sx_status product(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid w = sx_node_in(n, 1), bias = sx_node_in(n, 2);
  if (!sx_quant_is_f32(q->g, w)) return *kept = "it does not compute on float", SX_OK;
  if (!sx_value_const(q->g, w) && q->o->constant_b_only) return *kept = "its second input is no constant", SX_OK;
  if (!sx_value_const(q->g, w)) return choose(q, id, 3, kept);
  if (!sx_quant_is_weight(q->g, w, 2)) return *kept = "its weight is no matrix", SX_OK;
  if (bias != SX_NONE && !sx_value_const(q->g, bias)) return *kept = "its bias is no constant", SX_OK;
  return choose(q, id, 1, kept); /* weight and bias: when it is written */
}

/* What only combines or bends is worth it between quantised nodes: elsewhere it would lose and gain nothing. */
static sx_status plain(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  if (is_made(q, n->out[0])) return SX_OK; /* it is a bias, a clamp: part of what stands before it */
  for (uint32_t i = 0; i < n->n_in; i++)
    if (sx_quant_is_f32(q->g, n->in[i].value) && !sx_value_const(q->g, n->in[i].value) && !is_made(q, n->in[i].value))
      return *kept = "what it reads is not quantised", SX_OK;
  return choose(q, id, sx_quant_is_clamp(n) ? 1 : sx_str_is(n->op_type, "Where") ? 6 : UINT32_MAX, kept);
}

/* Moves elements: on the grid of its first input, if that is on one already. */
static sx_status mover(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid x = sx_node_in(n, 0);
  if (x == SX_NONE || !is_made(q, x)) return *kept = "what it moves is not quantised", SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE && !sx_quant_is_f32(q->g, n->out[i])) return *kept = "it gives more than it moves", SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE) SX_TRY(set_mark(q, n->out[i], MADE, range_owner(q, x)));
  return sx_quant_select(q, id);
}

/* Rows of a table, which is a weight, or of a value of the model. */
static sx_status gather(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_vid x = sx_node_in(sx_node_at(q->g, id), 0);
  return x != SX_NONE && sx_value_const(q->g, x) ? sx_quant_table(q, id, kept) : mover(q, id, kept);
}

static sx_quant_rule_fn rule_of(const sx_quantizer *q, sx_nid id) {
  return sx_quant_rule_of(sx_quant_static_rules, sx_node_at(q->g, id))->fn;
}

/* Does a quantised node read what comes of node id? */
static bool is_read(const sx_quantizer *q, sx_nid id) {
  const sx_node *n = sx_node_at(q->g, id);
  for (uint32_t i = 0; i < n->n_out; i++)
    for (const sx_use *u = n->out[i] == SX_NONE ? NULL : sx_value_at(q->g, behind(q, n, n->out[i]))->uses; u; u = u->next)
      if (sx_quant_is_selected(q, u->node)) return true;
  return false;
}

/* From the last node to the first: what no quantised node reads is better left to floats. */
static void prune(sx_quantizer *q) {
  for (uint32_t k = q->g->order.n; k-- > 0;) {
    const sx_nid id = q->g->order.at[k];
    if (!sx_quant_is_selected(q, id) || rule_of(q, id) == product || is_read(q, id)) continue;
    q->report->rows.at[q->selected.at[id] - 1].kept = "nothing that reads it is quantised";
    q->selected.at[id] = 0;
  }
}

static sx_status mark_chosen(sx_quantizer *q, sx_nid id) {
  const sx_node *n = sx_node_at(q->g, id);
  const bool multiplies = rule_of(q, id) == product, moves = rule_of(q, id) == mover || rule_of(q, id) == gather;
  const bool floats = multiplies && (sx_str_is(n->op_type, "MatMul") || sx_str_is(n->op_type, "Gemm")) && !is_read(q, id);
  for (uint32_t i = 0; i < n->n_in; i++)
    if (sx_quant_is_f32(q->g, n->in[i].value) && !(multiplies && i > 0 && sx_value_const(q->g, n->in[i].value)) &&
        !((sx_quant_is_clamp(n) || moves) && i))
      SX_TRY(set_mark(q, n->in[i].value, ON_GRID, SX_NONE));
  for (uint32_t i = 0; i < n->n_out && !floats; i++)
    if (n->out[i] != SX_NONE) SX_TRY(set_mark(q, behind(q, n, n->out[i]), ON_GRID, SX_NONE));
  return SX_OK;
}

/* ONNX's own DequantizeLinear has types of 16 and 4 bits since version 21, com.microsoft's always. */
static const char *domain_of(const sx_quantizer *q, sx_dtype type) {
  const bool old = sx_model_opset(q->g->model, SX_STR("")) < 21;
  return sx_dtype_bits(type) != 8 && sx_dtype_bits(type) != 32 && old ? "com.microsoft" : "";
}

/* The pair behind v, or before a constant: *dq is what is read. */
static sx_status pair(sx_quantizer *q, sx_vid v, sx_vid *dq) {
  sx_graph *g = q->g;
  const sx_dtype type = q->o->activation;
  const sx_quant_grid grid = sx_quant_grid_of(type, q->o->symmetric_activations, false);
  const sx_quant_range *r = q->values.at[v].range;
  const char *domain = domain_of(q, type);
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
  SX_TRY(sx_quant_name(q, codes, v, "_QuantizeLinear_Output")); /* as ONNX Runtime's tools look for them */
  in[0] = codes;
  SX_TRY(sx_quant_emit(q, domain, "DequantizeLinear", in, 3, dq, 1));
  return sx_quant_name(q, *dq, v, "_DequantizeLinear_Output");
}

/* The float value v as the nodes of `selected` are to read it. */
static sx_status replace_readers(sx_quantizer *q, sx_vid v, sx_vid dq, bool all) {
  sx_graph *g = q->g;
  for (sx_use *u = sx_value_at(g, v)->uses, *next; u; u = next) {
    next = u->next;
    const sx_node *n = sx_node_at(g, u->node);
    const bool border = sx_str_is(n->op_type, "QuantizeLinear") && u->node >= q->n_nodes;
    if (!border && (all || sx_quant_is_selected(q, u->node))) sx_graph_set_input(g, u->node, u->slot, dq);
  }
  return SX_OK;
}

static sx_status add_pair(sx_quantizer *q, sx_vid v) {
  sx_graph *g = q->g;
  const bool made = is_made(q, v);
  const sx_node *p = sx_value_producer(g, v);
  sx_vid dq;
  q->name = sx_value_at(g, v)->name, q->place = p ? p->place : 0, q->origin = p ? p->origin : 0;
  SX_TRY(pair(q, v, &dq));
  sx_value_at(g, dq)->fact = sx_value_at(g, v)->fact;
  sx_value_at(g, dq)->fact.constant = NULL;
  if (!sx_value_at(g, v)->output_uses || !made) return replace_readers(q, v, dq, made);
  SX_TRY(sx_quant_take_output(q, v, dq, "_float"));
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

/* Scales of a weight, for each of its channels, that let the bias fit 32 bits on the grid of the sums: weights next to zero,
 * or of 16 bits, would have it overflow. NULL in *out: there is no bias, or the sums have no such grid. */
static sx_status least_scales(sx_quantizer *q, sx_nid id, int64_t channels, double **out) {
  const sx_vid bias = sx_node_in(sx_node_at(q->g, id), 2);
  const sx_tensor *t = bias == SX_NONE ? NULL : sx_value_const(q->g, bias);
  float x_scale;
  *out = NULL;
  if (!t || (channels > 1 && t->count != channels) || !scale_of(q, sx_node_in(sx_node_at(q->g, id), 0), &x_scale))
    return SX_OK;
  if (!(*out = SX_NEW_N(&q->g->model->arena, double, (size_t)channels))) SX_NO_MEMORY(q->e);
  for (int64_t i = 0; i < t->count; i++) {
    double b = 0, *least = *out + (channels > 1 ? i : 0);
    (void)sx_tensor_get_f64(t, i, &b);
    *least = fmax(*least, fabs(b) / ((double)x_scale * INT32_MAX) * (1 + 1e-6));
  }
  return SX_OK;
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
  SX_TRY(sx_quant_emit(q, "", "DequantizeLinear", in, 3, &dq, 1));
  if (w_scale->count > 1) SX_TRY(sx_quant_set_int(q, dq, "axis", 0));
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
  double *least;
  sx_vid dq;
  q->name = n->name, q->place = n->place, q->origin = n->origin;
  SX_TRY(least_scales(q, id, axis < 0 ? 1 : sx_value_const(q->g, w)->dims[axis], &least));
  SX_TRY(sx_quant_weight_of(q, w, axis, false, least, &c));
  q->report->rows.at[q->selected.at[id] - 1].error = c->error;
  const sx_vid in[3] = {c->codes, c->scale, c->zero};
  SX_TRY(sx_quant_emit(q, domain_of(q, q->o->weight), "DequantizeLinear", in, 3, &dq, 1));
  if (axis >= 0) SX_TRY(sx_quant_set_int(q, dq, "axis", axis));
  sx_graph_set_input(q->g, id, 1, dq);
  return bias == SX_NONE ? SX_OK : write_bias(q, id, bias, sx_value_const(q->g, c->scale));
}

sx_status sx_quant_static_write(sx_quantizer *q) {
  prune(q);
  for (uint32_t k = 0; k < q->g->order.n; k++)
    if (sx_quant_is_selected(q, q->g->order.at[k])) SX_TRY(mark_chosen(q, q->g->order.at[k]));
  const uint32_t n = q->values.n;
  for (uint32_t v = 0; v < n; v++) q->values.at[v].range = range_of(q, v); /* by name: before names move */
  for (uint32_t v = 0; v < n; v++)
    if (q->values.at[v].grid & ON_GRID) SX_TRY(add_pair(q, v));
  for (uint32_t id = 0; id < q->selected.n; id++)
    if (q->selected.at[id] && rule_of(q, id) == product) SX_TRY(write_weight(q, id));
  return q->o->form == SX_QUANT_QOPERATOR ? sx_quant_qoperator_write(q) : SX_OK;
}

const sx_quant_rule sx_quant_static_rules[] = {{"", "Conv", product},
                                               {"", "ConvTranspose", product},
                                               {"", "MatMul", product},
                                               {"", "Gemm", product},
                                               {"", "Add", plain},
                                               {"", "Mul", plain},
                                               {"", "Concat", plain},
                                               {"", "AveragePool", plain},
                                               {"", "Sigmoid", plain},
                                               {"", "LeakyRelu", plain},
                                               {"", "GlobalAveragePool", plain},
                                               {"", "HardSigmoid", plain},
                                               {"", "Softmax", plain},
                                               {"", "Relu", plain},
                                               {"", "Clip", plain},
                                               {"", "Where", plain},
                                               {"", "MaxPool", mover},
                                               {"", "Reshape", mover},
                                               {"", "Transpose", mover},
                                               {"", "Flatten", mover},
                                               {"", "Squeeze", mover},
                                               {"", "Unsqueeze", mover},
                                               {"", "Slice", mover},
                                               {"", "Split", mover},
                                               {"", "Gather", gather},
                                               {"", "DepthToSpace", mover},
                                               {"", "SpaceToDepth", mover},
                                               {"", "Resize", mover},
                                               {NULL, NULL, NULL}};
