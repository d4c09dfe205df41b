// SPDX-License-Identifier: MIT
/* The walk over the graph that asks the rules of a mode, node by node in execution order, and what rules need. */
#include <math.h>
#include "quant/rules.h"

void sx_quant_report_free(sx_quant_report *r) { sx_vec_free(&r->rows); }

static size_t constant_bytes(const sx_graph *g) {
  size_t n = 0;
  for (uint32_t v = 0; v < g->values.n; v++) {
    const sx_value *x = sx_value_at(g, v);
    if (x->kind == SX_VALUE_CONST && x->fact.constant && (x->n_uses || x->output_uses)) n += x->fact.constant->size;
  }
  return n;
}

bool sx_quant_is_weight(const sx_graph *g, sx_vid v, int rank) {
  const sx_tensor *t = sx_value_const(g, v);
  return t && t->rank >= rank && t->count > 0 &&
         (t->dtype == SX_F32 || t->dtype == SX_F16 || t->dtype == SX_BF16 || t->dtype == SX_F64);
}

sx_status sx_quant_emit(sx_quantizer *q, const char *domain, const char *op_type, const sx_vid *in, uint32_t n_in,
                        sx_vid *out, uint32_t n_out) {
  sx_model *m = q->g->model;
  while (n_in && in[n_in - 1] == SX_NONE) n_in--;
  for (uint32_t i = 0; i < n_out; i++)
    if ((out[i] = sx_graph_add_value(q->g, SX_VALUE_NODE, (sx_str){"", 0})) == SX_NONE) SX_NO_MEMORY(q->e);
  const sx_nid id = sx_graph_add_node(q->g, NULL, in, n_in, out, n_out);
  const int version = sx_model_add_opset(m, sx_str_c(domain));
  const char *name = sx_arena_printf(&m->arena, "%.*s_%s", SX_FMT(q->name), op_type);
  if (id == SX_NONE || !version || !name) SX_NO_MEMORY(q->e);
  sx_node *n = sx_node_at(q->g, id);
  n->domain = sx_str_c(domain), n->op_type = sx_str_c(op_type), n->since_version = version;
  n->name = q->name.n ? sx_str_c(name) : q->name, n->place = q->place, n->origin = q->origin;
  return SX_OK;
}

sx_status sx_quant_emit_like(sx_quantizer *q, sx_nid like, const char *domain, const char *op_type, const sx_vid *in,
                             uint32_t n_in, sx_vid *out, uint32_t n_out) {
  SX_TRY(sx_quant_emit(q, domain, op_type, in, n_in, out, n_out));
  sx_node *made = sx_value_producer(q->g, *out);
  const sx_node *n = sx_node_at(q->g, like);
  made->attrs = n->attrs, made->n_attrs = n->n_attrs;
  return SX_OK;
}

sx_status sx_quant_set_int(sx_quantizer *q, sx_vid v, const char *name, int64_t i) {
  if (!sx_node_set_int(q->g, sx_value_at(q->g, v)->producer, name, i)) SX_NO_MEMORY(q->e);
  return SX_OK;
}

sx_status sx_quant_cast(sx_quantizer *q, sx_vid v, sx_dtype to, sx_vid *out) {
  SX_TRY(sx_quant_emit(q, "", "Cast", &v, 1, out, 1));
  return sx_quant_set_int(q, *out, "to", to);
}

sx_status sx_quant_add_constant(sx_quantizer *q, sx_vid v, const char *suffix, sx_tensor *t, sx_vid *out) {
  SX_TRY(sx_model_hold(q->g->model, t, q->e));
  const char *name = sx_arena_printf(&q->g->model->arena, "%.*s%s", SX_FMT(sx_value_at(q->g, v)->name), suffix);
  if (!name || (*out = sx_graph_add_const(q->g, t, sx_str_c(name))) == SX_NONE) SX_NO_MEMORY(q->e);
  return SX_OK;
}

sx_status sx_quant_add_weight(sx_quantizer *q, sx_vid v, const sx_quant_weight *w, sx_vid in[3]) {
  in[2] = SX_NONE;
  const sx_status codes = sx_quant_add_constant(q, v, "_quantized", w->codes, &in[0]);
  const sx_status scale = sx_quant_add_constant(q, v, "_scale", w->scale, &in[1]);
  const sx_status zero = w->zero ? sx_quant_add_constant(q, v, "_zero_point", w->zero, &in[2]) : SX_OK;
  return codes != SX_OK ? codes : scale != SX_OK ? scale : zero;
}

sx_status sx_quant_add_numbers(sx_quantizer *q, sx_vid v, double scale, int zero, sx_dtype type, sx_vid *s, sx_vid *z) {
  sx_tensor *a, *b;
  SX_TRY(sx_tensor_create(SX_F32, 0, NULL, &a, q->e));
  *(float *)a->data = (float)scale;
  SX_TRY(sx_quant_add_constant(q, v, "_scale", a, s));
  SX_TRY(sx_tensor_create(type, 0, NULL, &b, q->e));
  if (sx_dtype_bits(type) == 16)
    *(uint16_t *)b->data = (uint16_t)zero;
  else
    *(uint8_t *)b->data = (uint8_t)zero;
  return sx_quant_add_constant(q, v, "_zero_point", b, z);
}

static sx_status transpose(const sx_tensor *t, sx_tensor **out, sx_err *e) {
  const int64_t dims[] = {t->dims[1], t->dims[0]};
  SX_TRY(sx_tensor_create(SX_F32, 2, dims, out, e));
  float *to = (*out)->data;
  for (int64_t i = 0; i < dims[0]; i++)
    for (int64_t j = 0; j < dims[1]; j++) {
      double v = 0;
      (void)sx_tensor_get_f64(t, j * dims[0] + i, &v);
      to[i * dims[1] + j] = (float)v;
    }
  return SX_OK;
}

sx_status sx_quant_weight_of(sx_quantizer *q, sx_vid v, int axis, bool transposed, const double *least,
                             const sx_quant_constant **out) {
  for (uint32_t i = 0; i < q->weights.n; i++) {
    const sx_quant_constant *c = *out = &q->weights.at[i];
    if (c->of == v && c->axis == axis && c->transposed == transposed) return SX_OK;
  }
  sx_tensor *t = sx_value_const(q->g, v), *turned = NULL;
  const bool sign = sx_dtype_is_signed(q->o->weight);
  sx_quant_grid grid = sx_quant_grid_of(q->o->weight, sign || axis >= 0, q->o->reduce_range);
  grid.zeros = q->o->mode == SX_QUANT_STATIC, grid.least = least;
  sx_quant_weight w;
  if (transposed) SX_TRY(transpose(t, &turned, q->e));
  sx_status s = sx_quantize_weight(turned ? turned : t, &grid, axis, &w, q->e);
  sx_tensor_unref(turned);
  if (s != SX_OK) return sx_err_context(q->e, "initializer '%.*s'", SX_FMT(sx_value_at(q->g, v)->name)), s;
  sx_quant_constant c = {.of = v, .axis = axis, .transposed = transposed, .error = w.error};
  sx_vid in[3];
  if (sign && !grid.zeros) { /* ONNX Runtime takes none where there is a scale per channel */
    sx_tensor_unref(w.zero);
    w.zero = NULL;
  }
  SX_TRY(sx_quant_add_weight(q, v, &w, in));
  c.codes = in[0], c.scale = in[1], c.zero = in[2];
  if (!sx_vec_push(&q->weights, c)) SX_NO_MEMORY(q->e);
  *out = &q->weights.at[q->weights.n - 1];
  return SX_OK;
}

sx_status sx_quant_dynamic_of(sx_quantizer *q, sx_vid v, const sx_quant_value **out) {
  sx_vid made[3];
  sx_quant_value *x = sx_quant_value_of(q, v);
  if (!x) SX_NO_MEMORY(q->e);
  if (x->codes == SX_NONE) {
    SX_TRY(sx_quant_emit(q, "", "DynamicQuantizeLinear", &v, 1, made, 3));
    x->codes = made[0], x->scale = made[1], x->zero = made[2];
  }
  *out = x;
  return SX_OK;
}

sx_status sx_quant_name(sx_quantizer *q, sx_vid v, sx_vid like, const char *suffix) {
  const sx_str name = sx_value_at(q->g, like)->name;
  const char *made = name.n ? sx_arena_printf(&q->g->model->arena, "%.*s%s", SX_FMT(name), suffix) : "";
  if (!made) SX_NO_MEMORY(q->e);
  if (name.n) sx_value_at(q->g, v)->name = sx_str_c(made);
  return SX_OK;
}

void sx_quant_take_over(sx_graph *g, sx_vid old, sx_vid now) {
  sx_value *o = sx_value_at(g, old), *n = sx_value_at(g, now);
  const sx_str name = o->name;
  n->fact = o->fact;
  sx_graph_replace_value(g, old, now);
  o->name = (sx_str){"", 0}, n->name = name;
}

sx_quant_value *sx_quant_value_of(sx_quantizer *q, sx_vid v) {
  const sx_quant_value nothing = {.codes = SX_NONE, .grid_of = SX_NONE, .narrow = SX_NONE};
  while (q->values.n <= v)
    if (!sx_vec_push(&q->values, nothing)) return NULL;
  return &q->values.at[v];
}

sx_status sx_quant_select(sx_quantizer *q, sx_nid id) {
  while (q->selected.n <= id)
    if (!sx_vec_push(&q->selected, 0)) SX_NO_MEMORY(q->e);
  q->selected.at[id] = q->report->rows.n + 1;
  return SX_OK;
}

sx_status sx_quant_take_output(sx_quantizer *q, sx_vid v, sx_vid now, const char *suffix) {
  sx_graph *g = q->g;
  const sx_str name = sx_value_at(g, v)->name;
  const char *inner = sx_arena_printf(&g->model->arena, "%.*s%s", SX_FMT(name), suffix);
  if (!inner) SX_NO_MEMORY(q->e);
  for (uint32_t i = 0; i < g->outputs.n; i++)
    if (g->outputs.at[i] == v) (void)sx_graph_set_output(g, i, now);
  sx_value_at(g, v)->name = sx_str_c(inner), sx_value_at(g, now)->name = name;
  return SX_OK;
}

void sx_quant_replace(sx_quantizer *q, sx_nid id, sx_vid y) {
  sx_quant_take_over(q->g, sx_node_at(q->g, id)->out[0], y);
  sx_graph_kill(q->g, id);
}

bool sx_quant_is_plain_gemm(const sx_node *n, const char **kept) {
  if (sx_attr_int(n, "transA", 0))
    *kept = "the first input is transposed";
  else if (sx_attr_float(n, "alpha", 1) != 1 || (sx_node_in(n, 2) != SX_NONE && sx_attr_float(n, "beta", 1) != 1))
    *kept = "alpha or beta is not 1";
  return !*kept;
}

static bool among(const sx_quant_names *list, sx_str s) {
  for (uint32_t i = 0; i < list->n; i++)
    if (sx_str_eq(list->at[i], s)) return true;
  return false;
}

const sx_quant_rule *sx_quant_rule_of(const sx_quant_rule *rules, const sx_node *n) {
  for (const sx_quant_rule *r = rules; r->op_type; r++)
    if (*r->op_type == '*' || (sx_str_is(n->op_type, r->op_type) &&
                               (sx_str_is(n->domain, r->domain) || (!*r->domain && sx_str_is(n->domain, "ai.onnx")))))
      return r;
  return NULL;
}

/* Rules that only look leave the writing to a step behind them. */
static const struct {
  const sx_quant_rule *rules;
  sx_status (*write)(sx_quantizer *q);
} modes[] = {
    [SX_QUANT_DYNAMIC] = {sx_quant_dynamic_rules, NULL},
    [SX_QUANT_STATIC] = {sx_quant_static_rules, sx_quant_static_write},
    [SX_QUANT_NBITS] = {sx_quant_nbits_rules, NULL},
    [SX_QUANT_HALF] = {sx_quant_half_rules, sx_quant_half_write},
};

const char *sx_quant_unwanted(const sx_quant_options *o, const sx_node *n) {
  if (o->operators.n && !among(&o->operators, n->op_type)) return "the operator is not among those that were asked for";
  if (o->only.n && !among(&o->only, n->name)) return "the node is not among those that were asked for";
  if (among(&o->without, n->op_type)) return "its operator is excluded";
  return among(&o->skip, n->name) ? "excluded by its name" : NULL;
}

static sx_status visit(sx_quantizer *q, sx_nid id) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_quant_rule *r = sx_quant_rule_of(modes[q->o->mode].rules, n);
  if (!r) return SX_OK;
  sx_quant_row row = {.node = n->name, .op_type = n->op_type};
  q->place = n->place, q->origin = n->origin, q->name = n->name, q->error = -1, q->rounding = -1;
  if (!(row.kept = sx_quant_unwanted(q->o, n))) SX_TRY(r->fn(q, id, &row.kept));
  if (row.kept && !*row.kept) return SX_OK; /* nothing to say */
  row.error = q->error, row.rounding = q->rounding;
  if (!sx_vec_push(&q->report->rows, row)) SX_NO_MEMORY(q->e);
  return SX_OK;
}

/* Names of nodes that the model does not have are mistakes, not wishes. */
static sx_status check_names(const sx_graph *g, const sx_quant_names *list, sx_err *e) {
  for (uint32_t i = 0; i < list->n; i++) {
    bool there = false;
    for (uint32_t k = 0; k < g->nodes.n && !there; k++) there = sx_str_eq(sx_node_at(g, k)->name, list->at[i]);
    if (!there) SX_FAIL(e, INVALID_ARGUMENT, "the model has no node called '%.*s'", SX_FMT(list->at[i]));
  }
  return SX_OK;
}

static sx_status walk(sx_quantizer *q) {
  sx_graph *g = q->g;
  SX_TRY(sx_graph_sort(g, q->e));
  q->report->before = constant_bytes(g), q->n_nodes = g->nodes.n;
  const uint32_t n = g->order.n;
  for (uint32_t k = 0; k < n; k++) SX_TRY(visit(q, g->order.at[k]));
  if (modes[q->o->mode].write) SX_TRY(modes[q->o->mode].write(q));
  sx_graph_sweep(g);
  SX_TRY(sx_graph_sort(g, q->e));
  q->report->after = constant_bytes(g);
  return SX_OK;
}

/* Scales per channel are of DequantizeLinear-13; operators take bfloat16 since 22 at the latest. */
int sx_quant_least_opset(const sx_quant_options *o) {
  if (o->mode == SX_QUANT_HALF) return o->weight == SX_BF16 ? 22 : 13;
  return o->mode == SX_QUANT_STATIC && o->per_channel ? 13 : 11;
}

#define BIT(type) (UINT64_C(1) << (type))
/* The types that a mode knows for weights. */
static sx_status check_weight(const sx_quant_options *o, sx_err *e) {
  static const struct {
    uint64_t types; /* a bit for each */
    const char *names;
  } known[] = {
      [SX_QUANT_DYNAMIC] = {BIT(SX_I8) | BIT(SX_U8), "int8 or uint8"},
      [SX_QUANT_STATIC] = {BIT(SX_I8) | BIT(SX_U8) | BIT(SX_I16) | BIT(SX_U16) | BIT(SX_I4) | BIT(SX_U4),
                           "int4, uint4, int8, uint8, int16 or uint16"},
      [SX_QUANT_NBITS] = {~UINT64_C(0), ""},
      [SX_QUANT_HALF] = {BIT(SX_F16) | BIT(SX_BF16), "float16 or bfloat16"},
  };
  if (!(known[o->mode].types & BIT(o->weight)))
    SX_FAIL(e, INVALID_ARGUMENT, "weights of %s: expected %s", sx_dtype_name(o->weight), known[o->mode].names);
  if (o->mode == SX_QUANT_NBITS && o->bits != 2 && o->bits != 4 && o->bits != 8)
    SX_FAIL(e, INVALID_ARGUMENT, "weights of %d bits: expected 2, 4 or 8", o->bits);
  if (o->mode == SX_QUANT_NBITS && (o->block < 16 || o->block > 256 || o->block & (o->block - 1)))
    SX_FAIL(e, INVALID_ARGUMENT, "blocks of %d: expected a power of two from 16 to 256", o->block);
  if (o->mode == SX_QUANT_NBITS && o->method == SX_QUANT_HQQ && o->symmetric_weights)
    SX_FAIL(e, INVALID_ARGUMENT, "HQQ finds zero points: symmetric weights have none");
  if (o->mode == SX_QUANT_NBITS && o->method == SX_QUANT_HQQ && o->least_error)
    SX_FAIL(e, INVALID_ARGUMENT, "HQQ finds zero points of its own: mse is for rtn and gptq");
  if (!(o->damping >= 0 && o->damping < 1e6)) SX_FAIL(e, INVALID_ARGUMENT, "damping by %g: expected 0 or more", o->damping);
  return SX_OK;
}

sx_status sx_quant_check(const sx_quant_options *o, sx_err *e) {
  const bool fixed = o->mode == SX_QUANT_STATIC;
  SX_TRY(check_weight(o, e));
  if (fixed && o->activation != SX_I8 && o->activation != SX_U8 && o->activation != SX_I16 && o->activation != SX_U16)
    SX_FAIL(e, INVALID_ARGUMENT, "activations of %s: expected int8, uint8, int16 or uint16", sx_dtype_name(o->activation));
  if (fixed && o->form == SX_QUANT_QOPERATOR && o->activation == SX_I8 && o->weight == SX_U8)
    SX_FAIL(e, INVALID_ARGUMENT, "the format 'qoperator' has no products of int8 values and uint8 weights: make both int8");
  const sx_dtype wide = sx_dtype_bits(o->activation) != 8 ? o->activation : o->weight;
  if (fixed && o->form == SX_QUANT_QOPERATOR && sx_dtype_bits(wide) != 8)
    SX_FAIL(e, INVALID_ARGUMENT, "the format 'qoperator' has 8 bits: %s is for the format 'qdq'", sx_dtype_name(wide));
  if (fixed && !o->n_ranges)
    SX_FAIL(e, INVALID_ARGUMENT, "static quantisation needs the ranges that values take: calibrate the model first");
  for (uint32_t i = 0; i < o->n_ranges; i++)
    if (!isfinite(o->ranges[i].lo) || !isfinite(o->ranges[i].hi) || o->ranges[i].lo > o->ranges[i].hi)
      SX_FAIL(e, INVALID_ARGUMENT, "the range of '%.*s' is [%g, %g]: expected two numbers, the lower one first",
              SX_FMT(o->ranges[i].name), o->ranges[i].lo, o->ranges[i].hi);
  return SX_OK;
}

static sx_status check(const sx_model *m, const sx_quant_options *o, sx_err *e) {
  SX_TRY(sx_quant_check(o, e));
  if (o->mode == SX_QUANT_NBITS && o->method == SX_QUANT_GPTQ && !o->solved)
    SX_FAIL(e, INVALID_ARGUMENT, "GPTQ rounds weights on samples: calibrate the model's weights first");
  SX_TRY(check_names(m->graph, &o->only, e));
  return check_names(m->graph, &o->skip, e);
}

sx_status sx_quantize(sx_model *m, const sx_quant_options *o, sx_quant_report *r, sx_err *e) {
  sx_quantizer q = {.g = m->graph, .o = o, .report = r, .e = e};
  SX_TRY(check(m, o, e));
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < o->n_ranges && s == SX_OK; i++)
    if (!sx_strmap_put(&q.ranges, o->ranges[i].name, i)) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = walk(&q);
  s = sx_model_status(m, s, e);
  sx_strmap_free(&q.ranges);
  sx_vec_free(&q.values);
  sx_vec_free(&q.weights);
  sx_vec_free(&q.selected);
  return s;
}
