// SPDX-License-Identifier: MIT
/* Floats of 16 bits: a node whose operator takes them gets its weights and its values so, by the type constraints of its
 * schema; where it meets a node that stays, a Cast stands between. Constants beyond the type's range are clamped to it. */
#include <math.h>
#include "base/half.h"
#include "ops/schema.h"
#include "quant/rules.h"

static const char SKIP[] = ""; /* nothing to report */

/* Operators that count, index or sum up: 16 bits would be too few. */
static bool needs_float(const sx_node *n) {
  static const char *const names[] = {"Cast",  "CastLike", "CumSum",           "NonMaxSuppression",
                                      "Range", "TopK",     "RandomUniformLike"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (sx_str_is(n->op_type, names[i])) return true;
  return false;
}

static const sx_schema *schema_of(const sx_quantizer *q, const sx_node *n) {
  sx_domain d;
  if (!sx_domain_find(n->domain, &d)) return NULL;
  const int opset = sx_model_opset(q->g->model, n->domain);
  return sx_schema_find(d, n->op_type, opset ? opset : 1);
}

static bool may_be(const sx_quantizer *q, const sx_schema *s, const sx_schema_param *p) {
  return p && p->constraint >= 0 && sx_schema_types(s, p)->tensor >> q->o->weight & 1;
}

/* Is there an input of the same constraint, so that the output follows it? */
static bool follows(const sx_quantizer *q, const sx_schema *s, const sx_node *n, const sx_schema_param *out) {
  for (uint32_t i = 0; i < n->n_in; i++) {
    const sx_schema_param *p = sx_schema_input(s, i);
    if (p && p->constraint == out->constraint && sx_quant_is_f32(q->g, n->in[i].value)) return true;
  }
  return false;
}

static sx_status narrow(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_schema *s = schema_of(q, n);
  uint32_t floats = 0, able = 0;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (sx_quant_is_f32(q->g, n->in[i].value)) floats++, able += s && may_be(q, s, sx_schema_input(s, i));
  for (uint32_t i = 0; i < n->n_out; i++) floats += sx_quant_is_f32(q->g, n->out[i]);
  if (!floats) return *kept = SKIP, SX_OK;
  if (!s) return *kept = "its operator is not known", SX_OK;
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (n->attrs[i].type == SX_ATTR_GRAPH || n->attrs[i].type == SX_ATTR_GRAPHS) return *kept = "it has bodies", SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE && sx_value_at(q->g, n->out[i])->fact.kind != SX_KIND_TENSOR)
      return *kept = "it makes no plain tensor", SX_OK;
  if (needs_float(n)) return *kept = "16 bits are too few for what it does", SX_OK;
  if (!able) return *kept = "its operator does not take the type", SX_OK;
  for (uint32_t i = 0; i < n->n_out; i++) {
    const sx_schema_param *p = sx_schema_output(s, i);
    if (sx_quant_is_f32(q->g, n->out[i]) && p && p->constraint >= 0 && (!may_be(q, s, p) || !follows(q, s, n, p)))
      return *kept = "what it gives does not follow what it takes", SX_OK;
  }
  return sx_quant_select(q, id);
}

static sx_status cast(sx_quantizer *q, sx_vid v, sx_dtype to, sx_vid *out) {
  const sx_node *p = sx_value_producer(q->g, v);
  q->name = sx_value_at(q->g, v)->name, q->place = p ? p->place : 0, q->origin = p ? p->origin : 0;
  SX_TRY(sx_quant_cast(q, v, to, out));
  sx_value_at(q->g, *out)->fact = sx_value_at(q->g, v)->fact;
  sx_value_at(q->g, *out)->fact.dtype = (uint8_t)to, sx_value_at(q->g, *out)->fact.constant = NULL;
  return SX_OK;
}

/* v in 16 bits; a number beyond the type's range becomes the last within it. */
static uint16_t clamped(float v, sx_dtype type) {
  const uint16_t code = type == SX_F16 ? sx_f16_narrow(v) : sx_bf16_narrow(v), infinity = type == SX_F16 ? 0x7c00 : 0x7f80;
  return isfinite(v) && (code & 0x7fff) == infinity ? (uint16_t)(code - 1) : code;
}

static sx_status narrow_constant(sx_quantizer *q, sx_vid v, sx_vid *out) {
  const sx_tensor *t = sx_value_const(q->g, v);
  const void *data;
  sx_tensor *x;
  SX_TRY(sx_tensor_data(t, &data, q->e));
  SX_TRY(sx_tensor_create(q->o->weight, t->rank, t->dims, &x, q->e));
  const float *from = data;
  uint16_t *to = x->data;
  for (int64_t i = 0; i < t->count; i++) to[i] = clamped(from[i], q->o->weight);
  return sx_quant_add_constant(q, v, q->o->weight == SX_F16 ? "_float16" : "_bfloat16", x, out);
}

/* v in 16 bits, for nodes that were chosen: itself, a constant, or a Cast; each is made once. */
static sx_status narrowed(sx_quantizer *q, sx_vid v, sx_vid *out) {
  if (!sx_quant_is_f32(q->g, v)) return *out = v, SX_OK;
  sx_quant_value *x = sx_quant_value_of(q, v);
  if (!x) SX_NO_MEMORY(q->e);
  if ((*out = x->narrow) != SX_NONE) return SX_OK;
  if (sx_value_const(q->g, v))
    SX_TRY(narrow_constant(q, v, out));
  else
    SX_TRY(cast(q, v, q->o->weight, out));
  sx_quant_value_of(q, v)->narrow = *out;
  return SX_OK;
}

static sx_status become_narrow(sx_quantizer *q, sx_vid v) {
  sx_quant_value *x = sx_quant_value_of(q, v);
  if (!x) SX_NO_MEMORY(q->e);
  x->narrow = v;
  sx_value_at(q->g, v)->fact.dtype = (uint8_t)q->o->weight, sx_value_at(q->g, v)->fact.constant = NULL;
  return SX_OK;
}

static sx_status narrow_node(sx_quantizer *q, sx_nid id) {
  const sx_schema *s = schema_of(q, sx_node_at(q->g, id));
  for (uint32_t i = 0; i < sx_node_at(q->g, id)->n_in; i++) {
    sx_vid v = sx_node_at(q->g, id)->in[i].value, now;
    if (!sx_quant_is_f32(q->g, v) || !may_be(q, s, sx_schema_input(s, i))) continue;
    SX_TRY(narrowed(q, v, &now));
    sx_graph_set_input(q->g, id, i, now);
  }
  const sx_node *n = sx_node_at(q->g, id);
  for (uint32_t i = 0; i < n->n_out; i++) {
    const sx_schema_param *p = sx_schema_output(s, i);
    if (!sx_quant_is_f32(q->g, n->out[i]) || !p || p->constraint < 0) continue;
    SX_TRY(become_narrow(q, n->out[i]));
  }
  return SX_OK;
}

/* A value that became narrow, for those who still want a float: nodes that were not chosen, and outputs of the graph. */
static sx_status widen(sx_quantizer *q, sx_vid v) {
  sx_graph *g = q->g;
  sx_vid wide = SX_NONE;
  for (sx_use *u = sx_value_at(g, v)->uses, *next; u; u = next) {
    next = u->next;
    if (u->node >= q->n_nodes) continue; /* a Cast */
    const sx_node *n = sx_node_at(g, u->node);
    if (sx_quant_is_selected(q, u->node) && may_be(q, schema_of(q, n), sx_schema_input(schema_of(q, n), u->slot))) continue;
    if (wide == SX_NONE) SX_TRY(cast(q, v, SX_F32, &wide));
    sx_graph_set_input(g, u->node, u->slot, wide);
  }
  if (!sx_value_at(g, v)->output_uses || !q->o->keep_io_types) return SX_OK;
  if (wide == SX_NONE) SX_TRY(cast(q, v, SX_F32, &wide));
  return sx_quant_take_output(q, v, wide, "_narrow");
}

/* Inputs and outputs of the graph in 16 bits, too. */
static sx_status narrow_interface(sx_quantizer *q) {
  sx_graph *g = q->g;
  for (uint32_t i = 0; i < g->inputs.n; i++) {
    const sx_vid v = g->inputs.at[i];
    if (sx_quant_is_f32(g, v) && !sx_value_at(g, v)->overridable) SX_TRY(become_narrow(q, v));
  }
  return SX_OK;
}

sx_status sx_quant_half_write(sx_quantizer *q) {
  sx_graph *g = q->g;
  if (!q->o->keep_io_types) SX_TRY(narrow_interface(q));
  for (uint32_t k = 0, n = g->order.n; k < n; k++)
    if (sx_quant_is_selected(q, g->order.at[k])) SX_TRY(narrow_node(q, g->order.at[k]));
  for (uint32_t v = 0, n = q->values.n; v < n; v++)
    if (q->values.at[v].narrow == v) SX_TRY(widen(q, v));
  for (uint32_t i = 0; i < g->outputs.n && i < g->declared.n; i++)
    g->declared.at[i].dtype = sx_value_at(g, g->outputs.at[i])->fact.dtype;
  return SX_OK;
}

const sx_quant_rule sx_quant_half_rules[] = {{"", "*", narrow}, {NULL, NULL, NULL}};
