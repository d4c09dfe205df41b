// SPDX-License-Identifier: MIT
/* The form QOperator of static quantisation: an operator between DequantizeLinear and QuantizeLinear becomes the operator
 * that reads and writes codes. The pairs are there already (static.c); what has no such operator keeps them, which means
 * the same. A table has the operators, and for each the order of its inputs. */
#include <math.h>
#include "quant/rules.h"

/* Inputs of the new node, two letters each: q codes, s scale, z zero point of an input by its number, or of the output
 * (y); v an input as it is. "*" is all inputs one after the other; an input that is not there is left out. */
typedef struct row {
  const char *op_type, *domain, *name, *inputs;
  const char *floats;    /* the same where the result stays a float, of an operator `float_name`; NULL: there is none */
  const char *float_name;
  const char *without;   /* an attribute that the new operator does not know */
  int since;             /* the operator set of ONNX's that has it for integers */
} row;
static const char MS[] = "com.microsoft", UNARY[] = "q0s0z0sYzY", BINARY[] = "q0s0z0q1s1z1sYzY";
static const row rows[] = {
    {"Conv", "", "QLinearConv", "q0s0z0q1s1z1sYzYq2", .since = 10},
    {"MatMul", "", "QLinearMatMul", BINARY, "q0q1s0s1z0z1", "MatMulIntegerToFloat", .since = 10},
    {"Gemm", MS, "QGemm", "q0s0z0q1s1z1q2sYzY", "q0s0z0q1s1z1q2", "QGemm"},
    {"Add", MS, "QLinearAdd", BINARY},
    {"Mul", MS, "QLinearMul", BINARY},
    {"Concat", MS, "QLinearConcat", "sYzY*"},
    {"AveragePool", MS, "QLinearAveragePool", UNARY, .without = "dilations"},
    {"GlobalAveragePool", MS, "QLinearGlobalAveragePool", UNARY},
    {"Sigmoid", MS, "QLinearSigmoid", UNARY},
    {"LeakyRelu", MS, "QLinearLeakyRelu", UNARY},
    {"Softmax", MS, "QLinearSoftmax", UNARY},
    {"Where", MS, "QLinearWhere", "v0q1s1z1q2s2z2sYzY"},
};
/* Moves elements on one grid: the same operator, on codes. */
static const row movers[] = {
    {"MaxPool", .since = 12}, {"Reshape"}, {"Transpose"},    {"Flatten"},      {"Squeeze"}, {"Unsqueeze"}, {"Slice"},
    {"Split"},                {"Gather"},  {"DepthToSpace"}, {"SpaceToDepth"}, {"Resize"},
};

static const row *find(const row *table, size_t n, const sx_quantizer *q, const sx_node *op) {
  for (size_t i = 0; i < n; i++)
    if (sx_str_is(op->op_type, table[i].op_type))
      return sx_model_opset(q->g->model, SX_STR("")) >= table[i].since ? &table[i] : NULL;
  return NULL;
}

/* The DequantizeLinear of ours that makes v, or NULL. */
static const sx_node *source(const sx_quantizer *q, sx_vid v) {
  const sx_node *n = v == SX_NONE ? NULL : sx_value_producer(q->g, v);
  const bool ours = n && sx_value_at(q->g, v)->producer >= q->n_nodes;
  return ours && sx_str_is(n->op_type, "DequantizeLinear") ? n : NULL;
}
static const sx_node *only_reader(const sx_quantizer *q, sx_vid v) {
  const sx_value *x = sx_value_at(q->g, v);
  return x->n_uses == 1 && !x->output_uses ? sx_node_at(q->g, x->uses->node) : NULL;
}
/* The QuantizeLinear of ours that alone reads v, or NULL. */
static const sx_node *border_of(const sx_quantizer *q, sx_vid v) {
  const sx_node *n = only_reader(q, v);
  const bool ours = n && sx_value_at(q->g, v)->uses->node >= q->n_nodes;
  return ours && sx_str_is(n->op_type, "QuantizeLinear") ? n : NULL;
}

static bool number_of(const sx_quantizer *q, sx_vid v, double *x) {
  const sx_tensor *t = v == SX_NONE ? NULL : sx_value_const(q->g, v);
  return t && t->count == 1 && sx_tensor_get_f64(t, 0, x);
}

/* What stands behind the operator: a clamp perhaps, and the border, if there is one. */
typedef struct end {
  const sx_node *clamp, *border;
  sx_vid from; /* what the new node replaces: codes, or floats where there is no border */
} end;

static end end_of(const sx_quantizer *q, sx_vid y) {
  const sx_node *n = only_reader(q, y), *clamp = n && sx_quant_is_clamp(n) ? n : NULL;
  const sx_node *border = border_of(q, clamp ? clamp->out[0] : y);
  return border ? (end){clamp, border, border->out[0]} : (end){NULL, NULL, y};
}

/* The bounds of a clamp as codes of the border's grid; false: they are not known. */
static bool bounds_of(const sx_quantizer *q, const end *e, int lowest, int highest, int *lo, int *hi) {
  const sx_node *n = e->clamp;
  const bool relu = sx_str_is(n->op_type, "Relu"), as_inputs = n->n_in > 1;
  double scale, zero, least = relu ? 0 : -INFINITY, most = INFINITY;
  if (!number_of(q, e->border->in[1].value, &scale) || !number_of(q, e->border->in[2].value, &zero)) return false;
  if (as_inputs && sx_node_in(n, 1) != SX_NONE && !number_of(q, sx_node_in(n, 1), &least)) return false;
  if (as_inputs && sx_node_in(n, 2) != SX_NONE && !number_of(q, sx_node_in(n, 2), &most)) return false;
  if (!relu && !as_inputs) least = sx_attr_float(n, "min", -INFINITY), most = sx_attr_float(n, "max", INFINITY);
  *lo = (int)fmin(fmax(rint(least / scale) + zero, lowest), highest);
  *hi = (int)fmin(fmax(rint(most / scale) + zero, lowest), highest);
  return true;
}

/* Codes between two bounds; constants are named after `named`. */
static sx_status clip(sx_quantizer *q, sx_vid codes, sx_vid named, int lo, int hi, sx_vid *out) {
  const int bound[] = {lo, hi};
  sx_vid in[3] = {codes};
  for (int i = 0; i < 2; i++) {
    sx_tensor *t;
    SX_TRY(sx_tensor_create(q->o->activation, 0, NULL, &t, q->e));
    *(uint8_t *)t->data = (uint8_t)bound[i];
    SX_TRY(sx_quant_add_constant(q, named, i ? "_highest" : "_lowest", t, &in[i + 1]));
  }
  return sx_quant_emit(q, "", "Clip", in, 3, out, 1);
}

enum { MOST_INPUTS = 256 };
/* The letters of a row as values; false: something it names is no constant grid. */
static bool inputs_of(const sx_quantizer *q, const sx_node *n, const char *letters, const end *e, sx_vid *in, uint32_t *n_in) {
  *n_in = 0;
  for (const char *p = letters; *p; p += 2) {
    if (*p == '*') {
      for (uint32_t i = 0; i < n->n_in; i++) {
        const sx_node *d = source(q, n->in[i].value);
        if (!d || *n_in + 3 > MOST_INPUTS) return false;
        for (uint32_t k = 0; k < 3; k++) in[(*n_in)++] = sx_node_in(d, k);
      }
      return true;
    }
    const bool output = p[1] == 'Y';
    const sx_vid v = output ? SX_NONE : sx_node_in(n, (uint32_t)(p[1] - '0'));
    const sx_node *d = output ? e->border : source(q, v);
    if (*p == 'v' || (v == SX_NONE && !output))
      in[(*n_in)++] = v; /* left out: no bias */
    else if (!d)
      return false;
    else
      in[(*n_in)++] = sx_node_in(d, *p == 'q' ? 0 : *p == 's' ? 1 : 2);
  }
  return true;
}

static sx_status contract(sx_quantizer *q, sx_nid id) {
  sx_graph *g = q->g;
  const sx_node *n = sx_node_at(g, id);
  const row *r = find(rows, sizeof rows / sizeof *rows, q, n);
  const char *kept = NULL;
  sx_vid in[MOST_INPUTS], y;
  uint32_t n_in;
  if (!r || n->n_out != 1 || (r->without && sx_node_attr(n, r->without))) return SX_OK;
  if (sx_str_is(n->op_type, "Gemm") && !sx_quant_is_plain_gemm(n, &kept)) return SX_OK;
  const end e = end_of(q, n->out[0]);
  const char *letters = e.border ? r->inputs : r->floats;
  if (!letters || !inputs_of(q, n, letters, &e, in, &n_in)) return SX_OK;
  int lo, hi, least, most;
  const sx_quant_grid grid = sx_quant_grid_of(q->o->activation, false, false);
  lo = least = grid.lo, hi = most = grid.hi;
  if (e.clamp && !bounds_of(q, &e, least, most, &lo, &hi)) return SX_OK;
  const bool clamps = lo > least || hi < most;
  if (clamps && sx_model_opset(g->model, SX_STR("")) < 12) return SX_OK; /* Clip has integers since then */
  q->name = n->name, q->place = n->place, q->origin = n->origin;
  SX_TRY(sx_quant_emit_like(q, id, e.border ? r->domain : MS, e.border ? r->name : r->float_name, in, n_in, &y, 1));
  if (sx_str_is(n->op_type, "Gemm")) sx_node_remove_attr(sx_value_producer(g, y), "beta");
  if (sx_str_is(n->op_type, "Softmax")) /* what its axis means */
    SX_TRY(sx_quant_set_int(q, y, "opset", sx_model_opset(g->model, SX_STR(""))));
  if (clamps) SX_TRY(clip(q, y, sx_node_at(g, id)->out[0], lo, hi, &y));
  const sx_nid border = sx_value_at(g, e.from)->producer;
  const sx_nid clamp = e.clamp ? sx_value_at(g, e.clamp->out[0])->producer : id;
  sx_quant_take_over(g, e.from, y);
  sx_graph_kill(g, border), sx_graph_kill(g, clamp), sx_graph_kill(g, id);
  return SX_OK;
}

/* The same operator between codes: the grids of both sides are one. */
static sx_status move(sx_quantizer *q, sx_nid id) {
  sx_graph *g = q->g;
  const sx_node *n = sx_node_at(g, id), *d = source(q, sx_node_in(n, 0));
  if (!d || !find(movers, sizeof movers / sizeof *movers, q, n)) return SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE && !border_of(q, n->out[i])) return SX_OK;
  sx_graph_set_input(g, id, 0, d->in[0].value);
  for (uint32_t i = 0; i < n->n_out; i++) {
    const sx_node *border = n->out[i] != SX_NONE ? border_of(q, n->out[i]) : NULL;
    if (!border) continue;
    sx_quant_take_over(g, border->out[0], n->out[i]);
    sx_graph_kill(g, sx_value_at(g, border->out[0])->producer);
  }
  return SX_OK;
}

sx_status sx_quant_qoperator_write(sx_quantizer *q) {
  SX_TRY(sx_graph_sort(q->g, q->e));
  const uint32_t n = q->g->order.n;
  for (uint32_t k = 0; k < n; k++) {
    const sx_nid id = q->g->order.at[k];
    if (!sx_quant_is_selected(q, id)) continue;
    SX_TRY(contract(q, id));
    if (!sx_node_at(q->g, id)->dead) SX_TRY(move(q, id));
  }
  return SX_OK;
}
