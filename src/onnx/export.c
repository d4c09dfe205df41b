// SPDX-License-Identifier: MIT
/* Builds the messages from the graph: names, types, initializers, nodes with their bodies, and the lowest operator sets.
 *
 * A canonical node's form is that of its newest schema row; it holds back to the row from which on no upgrade is needed
 * and which knows all its attributes, arities and types. */
#include <stdio.h>
#include "onnx/export.h"

typedef struct exporter {
  const sx_model *m;
  sx_arena *a;
  sx_strmap taken; /* names in use: unique in the whole model, as bodies see what is around them */
  sx_strmap nodes; /* names of nodes: the first one keeps it */
  uint32_t fresh;
  int lowest[SX_DOMAIN_COUNT]; /* 0: the domain is not used */
  bool typed;                  /* what lies in between is declared, too */
  sx_err *e;
} exporter;
typedef struct scope {
  const struct scope *outer;
  const sx_graph *g;
  sx_str *names;
} scope; /* names by value id */

/* A list of n zeroed structs. */
#define LIST(x, list, count) \
  (((list).at = sx_arena_alloc((x)->a, ((size_t)(count) + 1) * sizeof *(list).at)) != NULL && (((list).n = (count)), true))
#define HAS(number) (1u << (number))

static sx_status claim(exporter *x, sx_str wish, sx_str *out) {
  uint32_t old;
  char text[32];
  *out = wish;
  while (!out->n || sx_strmap_get(&x->taken, *out, &old)) {
    int n = snprintf(text, sizeof text, "value_%u", x->fresh++);
    *out = (sx_str){sx_arena_strdup(x->a, text, (size_t)n), (size_t)n};
    if (!out->p) SX_NO_MEMORY(x->e);
  }
  if (!sx_strmap_put(&x->taken, *out, 0)) SX_NO_MEMORY(x->e);
  return SX_OK;
}

static sx_status put_type(exporter *x, const sx_type *t, sx_proto_type *out);

static sx_status put_tensor_type(exporter *x, int kind, int dtype, int rank, const sx_dim *dims, sx_proto_type *out) {
  const sx_dimtab *tab = &x->m->dims;
  out->has |= HAS(kind);
  out->tensor.has = HAS(1), out->tensor.elem_type = dtype;
  if (rank < 0) return SX_OK;
  out->tensor.has |= HAS(2);
  if (!LIST(x, out->tensor.shape.dim, (uint32_t)rank)) SX_NO_MEMORY(x->e);
  for (int i = 0; i < rank; i++) {
    sx_proto_dim *d = &out->tensor.shape.dim.at[i];
    int64_t s = sx_dim_symbol_of(tab, dims[i]);
    sx_str name = s >= 0 ? tab->atoms.at[tab->symbols.at[s]].name : (sx_str){"", 0};
    d->denotation = (sx_str){"", 0};
    if (sx_dim_is_const(dims[i]))
      d->has = HAS(SX_PROTO_DIM_VALUE), d->value = dims[i];
    else if (name.n)
      d->has = HAS(SX_PROTO_DIM_PARAM), d->param = name;
  }
  return SX_OK;
}

static sx_status put_type_of(exporter *x, const sx_type *item, sx_proto_type **out) {
  if (!item) return SX_OK;
  if (!(*out = SX_NEW(x->a, sx_proto_type))) SX_NO_MEMORY(x->e);
  sx_wire_init(&sx_proto_type_message, *out);
  return put_type(x, item, *out);
}

static sx_status put_type(exporter *x, const sx_type *t, sx_proto_type *out) {
  switch (t->kind) {
    case SX_KIND_TENSOR: return put_tensor_type(x, SX_TYPE_TENSOR, t->dtype, t->rank, t->dims, out);
    case SX_KIND_SPARSE: return put_tensor_type(x, SX_TYPE_SPARSE, t->dtype, t->rank, t->dims, out);
    case SX_KIND_SEQUENCE:
    case SX_KIND_OPTIONAL:
      out->has |= HAS(t->kind == SX_KIND_SEQUENCE ? SX_TYPE_SEQUENCE : SX_TYPE_OPTIONAL);
      return put_type_of(x, t->item, &out->of.elem_type);
    case SX_KIND_MAP:
      out->has |= HAS(SX_TYPE_MAP), out->map.key_type = t->dtype;
      return put_type_of(x, t->item, &out->map.value_type);
    default: return SX_OK;
  }
}

static sx_status put_value(exporter *x, sx_str name, const sx_fact *f, sx_proto_value *out) {
  sx_wire_init(&sx_proto_value_message, out);
  out->name = name;
  if (f->kind == SX_KIND_UNKNOWN || (f->kind == SX_KIND_TENSOR && !f->dtype)) return SX_OK;
  sx_type t = {.kind = (sx_kind)f->kind, .dtype = f->dtype, .rank = f->rank, .dims = f->dims};
  return put_type_of(x, f->type ? f->type : &t, &out->type);
}

static sx_status put_tensor(exporter *x, const sx_tensor *t, sx_str name, sx_proto_tensor *out) {
  const void *data;
  SX_TRY(sx_tensor_data(t, &data, x->e));
  sx_wire_init(&sx_proto_tensor_message, out);
  out->name = name, out->data_type = t->dtype;
  out->dims.at = t->dims, out->dims.n = (uint32_t)t->rank;
  if (t->dtype == SX_STRING) {
    out->string_data.at = (sx_str *)data, out->string_data.n = (uint32_t)t->count;
    return SX_OK;
  }
  if (t->dtype == SX_F6E2M3 || t->dtype == SX_F6E3M2) { /* a byte below 64 is a varint */
    out->has = HAS(SX_TENSOR_INT32_DATA);
    out->data.p = data, out->data.n = t->size;
    return SX_OK;
  }
  out->has = HAS(SX_TENSOR_RAW_DATA);
  out->raw_data = (sx_str){data ? data : "", t->size};
  return SX_OK;
}

static sx_status put_graph(exporter *x, const scope *outer, const sx_graph *g, sx_proto_graph *out);

static sx_status put_attr(exporter *x, const scope *s, const sx_attr *a, sx_proto_attr *out) {
  static const uint8_t member[] = {
      [SX_ATTR_FLOAT] = 2,    [SX_ATTR_INT] = 3,     [SX_ATTR_STRING] = 4,     [SX_ATTR_TENSOR] = 5,
      [SX_ATTR_GRAPH] = 6,    [SX_ATTR_FLOATS] = 7,  [SX_ATTR_INTS] = 8,       [SX_ATTR_STRINGS] = 9,
      [SX_ATTR_TENSORS] = 10, [SX_ATTR_GRAPHS] = 11, [SX_ATTR_TYPE_PROTO] = 14};
  sx_wire_init(&sx_proto_attr_message, out);
  if (a->type >= sizeof member || !member[a->type])
    SX_FAIL(x->e, NOT_IMPLEMENTED, "attribute '%.*s' has a type that cannot be written", SX_FMT(a->name));
  out->name = a->name, out->type = (int32_t)a->type, out->has = HAS(member[a->type]);
  switch (a->type) {
    case SX_ATTR_FLOAT: out->f = a->f; return SX_OK;
    case SX_ATTR_INT: out->i = a->i; return SX_OK;
    case SX_ATTR_STRING: out->s = a->s; return SX_OK;
    case SX_ATTR_FLOATS: out->floats.at = (float *)a->floats, out->floats.n = a->n; return SX_OK;
    case SX_ATTR_INTS: out->ints.at = (int64_t *)a->ints, out->ints.n = a->n; return SX_OK;
    case SX_ATTR_STRINGS: out->strings.at = (sx_str *)a->strings, out->strings.n = a->n; return SX_OK;
    case SX_ATTR_TYPE_PROTO: return put_type_of(x, a->type_proto, &out->tp);
    case SX_ATTR_TENSOR:
      if (!(out->t = SX_NEW(x->a, sx_proto_tensor))) SX_NO_MEMORY(x->e);
      return put_tensor(x, a->t, (sx_str){"", 0}, out->t);
    case SX_ATTR_TENSORS:
      if (!LIST(x, out->tensors, a->n)) SX_NO_MEMORY(x->e);
      for (uint32_t i = 0; i < a->n; i++) SX_TRY(put_tensor(x, a->tensors[i], (sx_str){"", 0}, &out->tensors.at[i]));
      return SX_OK;
    case SX_ATTR_GRAPH:
      if (!(out->g = SX_NEW(x->a, sx_proto_graph))) SX_NO_MEMORY(x->e);
      return put_graph(x, s, a->g, out->g);
    default:
      if (!LIST(x, out->graphs, a->n)) SX_NO_MEMORY(x->e);
      for (uint32_t i = 0; i < a->n; i++) SX_TRY(put_graph(x, s, a->graphs[i], &out->graphs.at[i]));
      return SX_OK;
  }
}

static bool row_admits(const sx_schema *s, const sx_graph *g, const sx_node *n) {
  if (s->flags & SX_SCHEMA_DEPRECATED ||
      (s->flags & SX_SCHEMA_EXPERIMENTAL && s != sx_schema_latest((sx_domain)s->domain, sx_str_c(sx_schema_text(s->name)))))
    return false;
  if (n->n_formal < s->min_in || n->n_formal > s->max_in || n->n_out < s->min_out || n->n_out > s->max_out) return false;
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (!sx_schema_find_attr(s, n->attrs[i].name)) return false;
  for (uint32_t i = 0; i < n->n_formal; i++) {
    const sx_schema_param *p = sx_schema_input(s, i);
    const sx_fact *f = n->in[i].value == SX_NONE ? NULL : &sx_value_at(g, n->in[i].value)->fact;
    if (p && !f && !(p->flags & (SX_PARAM_OPTIONAL | SX_PARAM_VARIADIC))) return false;
    if (p && f && f->kind == SX_KIND_TENSOR && f->dtype && !(sx_schema_types(s, p)->tensor >> f->dtype & 1)) return false;
  }
  return true;
}

/* The first version of its operator that can say the node. */
static sx_status first_version(const exporter *x, const sx_graph *g, const sx_node *n, int *out) {
  sx_domain d = (sx_domain)n->op->domain;
  sx_str name = sx_str_c(n->op->name);
  const sx_schema *s = sx_schema_latest(d, name);
  int least = 1;
  if (s && s->flags & SX_SCHEMA_DEPRECATED) s = sx_schema_find(d, name, s->since_version - 1); /* TreeEnsembleClassifier */
  for (size_t k = 0; k < sizeof n->op->upgrades / sizeof *n->op->upgrades && n->op->upgrades[k].fn; k++) {
    int below = n->op->upgrades[k].below;
    if (below > least && s && below <= s->since_version)
      least = below; /* above every row: a simplification, no change of meaning */
  }
  *out = 0;
  for (; s && s->since_version >= least && row_admits(s, g, n);
       s = s->since_version > 1 ? sx_schema_find(d, name, s->since_version - 1) : NULL)
    *out = s->since_version;
  if (*out) return SX_OK;
  return sx_node_context(g, n,
                         sx_fail(x->e, SX_E_NOT_IMPLEMENTED, SX_HERE,
                                 "no version of the operator can say it as it is now: it cannot be written"),
                         x->e);
}

static sx_status put_node(exporter *x, const scope *s, const sx_node *n, sx_proto_node *out) {
  uint32_t n_in = n->n_formal, n_out = n->n_out;
  while (n_in && n->in[n_in - 1].value == SX_NONE) n_in--;
  while (n_out && n->out[n_out - 1] == SX_NONE) n_out--;
  sx_wire_init(&sx_proto_node_message, out);
  uint32_t old;
  if (n->name.n && !sx_strmap_get(&x->nodes, n->name, &old)) {
    if (!sx_strmap_put(&x->nodes, n->name, 0)) SX_NO_MEMORY(x->e);
    out->name = n->name;
  }
  out->op_type = n->op ? sx_str_c(n->op->name) : n->op_type;
  if (n->op && n->op->domain != SX_DOMAIN_ONNX) out->domain = sx_str_c(sx_domain_name((sx_domain)n->op->domain));
  if (!n->op) out->domain = n->domain;
  if (n->op) {
    int v;
    SX_TRY(first_version(x, s->g, n, &v));
    if (v > x->lowest[n->op->domain]) x->lowest[n->op->domain] = v;
  }
  if (!LIST(x, out->input, n_in) || !LIST(x, out->output, n_out) || !LIST(x, out->attribute, n->n_attrs))
    SX_NO_MEMORY(x->e);
  for (uint32_t i = 0; i < n_in; i++)
    out->input.at[i] = n->in[i].value == SX_NONE ? (sx_str){"", 0} : s->names[n->in[i].value];
  for (uint32_t i = 0; i < n_out; i++) out->output.at[i] = n->out[i] == SX_NONE ? (sx_str){"", 0} : s->names[n->out[i]];
  for (uint32_t i = 0; i < n->n_attrs; i++)
    SX_TRY(sx_node_context(s->g, n, put_attr(x, s, &n->attrs[i], &out->attribute.at[i]), x->e));
  return SX_OK;
}

/* The same for a body's input or output whose name says what it is: kept, even where another body has it, too. */
static sx_status claim_end(exporter *x, const sx_graph *g, sx_str wish, sx_str *out) {
  const sx_op *op = g->parent ? sx_node_at(g->parent, g->owner)->op : NULL;
  if (!op || !(op->flags & SX_OP_NAMED_BODIES)) return claim(x, wish, out);
  *out = wish;
  if (!sx_strmap_put(&x->taken, wish, 0)) SX_NO_MEMORY(x->e);
  return SX_OK;
}

/* Names of the graph's values: inputs and outputs keep theirs, the others where they are free. */
static sx_status name_values(exporter *x, const scope *s, sx_str *output_names) {
  const sx_graph *g = s->g;
  for (uint32_t i = 0; i < g->inputs.n; i++)
    SX_TRY(claim_end(x, g, sx_value_at(g, g->inputs.at[i])->name, &s->names[g->inputs.at[i]]));
  for (uint32_t i = 0; i < g->outputs.n; i++) {
    const sx_value *v = sx_value_at(g, g->outputs.at[i]);
    SX_TRY(claim_end(x, g, i < g->output_names.n ? g->output_names.at[i] : v->name, &output_names[i]));
    if (v->kind == SX_VALUE_NODE && !s->names[g->outputs.at[i]].n) s->names[g->outputs.at[i]] = output_names[i];
  }
  for (uint32_t i = 0; i < g->captures.n; i++)
    s->names[g->captures.at[i]] = s->outer->names[sx_node_at(g->parent, g->owner)->in[g->capture_slots.at[i]].value];
  for (uint32_t i = 0; i < g->values.n; i++) {
    const sx_value *v = sx_value_at(g, i);
    bool used = v->n_uses || v->output_uses || v->producer != SX_NONE;
    if (used && !s->names[i].n) SX_TRY(claim(x, v->name, &s->names[i]));
  }
  return SX_OK;
}

static sx_status put_initializers(exporter *x, const scope *s, sx_proto_graph *out) {
  const sx_graph *g = s->g;
  uint32_t n = 0;
  for (uint32_t i = 0; i < g->values.n; i++) n += sx_value_at(g, i)->fact.constant != NULL;
  if (!LIST(x, out->initializer, n)) SX_NO_MEMORY(x->e);
  out->initializer.n = 0;
  for (uint32_t i = 0; i < g->values.n; i++) {
    const sx_value *v = sx_value_at(g, i);
    bool wanted = v->kind == SX_VALUE_CONST ? v->n_uses || v->output_uses : v->kind == SX_VALUE_INPUT && v->overridable;
    if (v->fact.constant && wanted)
      SX_TRY(put_tensor(x, v->fact.constant, s->names[i], &out->initializer.at[out->initializer.n++]));
    else if (v->kind == SX_VALUE_CONST && wanted)
      SX_FAIL(x->e, FAIL, "the graph was not prepared for writing: a constant lives in the shapes alone");
  }
  return SX_OK;
}

/* An output that no node makes under its own name is the Identity of what it is. */
static void put_identity(sx_proto_node *out, sx_str *from, sx_str *to) {
  sx_wire_init(&sx_proto_node_message, out);
  out->op_type = SX_STR("Identity");
  out->input.at = from, out->input.n = 1;
  out->output.at = to, out->output.n = 1;
}

/* Of what nodes make, the element type: shapes are inferred again by who reads. Types and shapes of what a provider or a
 * custom operator makes, which a reader cannot know, are always written. */
static sx_status put_between(exporter *x, const scope *s, sx_proto_graph *out) {
  if (!LIST(x, out->value_info, s->g->values.n)) SX_NO_MEMORY(x->e);
  out->value_info.n = 0;
  for (uint32_t i = 0; i < s->g->values.n; i++) {
    const sx_value *v = sx_value_at(s->g, i);
    if (v->kind != SX_VALUE_NODE || !s->names[i].n || v->fact.kind == SX_KIND_UNKNOWN) continue;
    sx_fact f = v->fact;
    bool foreign = sx_value_producer(s->g, i) && sx_value_producer(s->g, i)->custom;
    if (!foreign && !x->typed) continue;
    if (!foreign) f.rank = -1;
    SX_TRY(put_value(x, s->names[i], &f, &out->value_info.at[out->value_info.n++]));
  }
  return SX_OK;
}

static sx_status put_graph(exporter *x, const scope *outer, const sx_graph *g, sx_proto_graph *out) {
  scope s = {outer, g, SX_NEW_N(x->a, sx_str, (size_t)g->values.n + 1)};
  sx_str *output_names = SX_NEW_N(x->a, sx_str, (size_t)g->outputs.n + 1);
  sx_wire_init(&sx_proto_graph_message, out);
  out->name = g->name.n ? g->name : SX_STR("graph"), out->doc_string = g->doc;
  if (!s.names || !output_names || !LIST(x, out->node, g->order.n + g->outputs.n) || !LIST(x, out->input, g->inputs.n) ||
      !LIST(x, out->output, g->outputs.n))
    SX_NO_MEMORY(x->e);
  SX_TRY(name_values(x, &s, output_names));
  SX_TRY(put_initializers(x, &s, out));
  SX_TRY(put_between(x, &s, out));
  for (uint32_t i = 0; i < g->inputs.n; i++)
    SX_TRY(put_value(x, s.names[g->inputs.at[i]], &sx_value_at(g, g->inputs.at[i])->fact, &out->input.at[i]));
  out->node.n = 0;
  for (uint32_t i = 0; i < g->order.n; i++)
    SX_TRY(put_node(x, &s, sx_node_at(g, g->order.at[i]), &out->node.at[out->node.n++]));
  for (uint32_t i = 0; i < g->outputs.n; i++) {
    const sx_value *v = sx_value_at(g, g->outputs.at[i]);
    const sx_fact *f =
        v->fact.rank < 0 && i < g->declared.n && g->declared.at[i].kind != SX_KIND_UNKNOWN ? &g->declared.at[i] : &v->fact;
    SX_TRY(put_value(x, output_names[i], f, &out->output.at[i]));
    if (sx_str_eq(s.names[g->outputs.at[i]], output_names[i])) continue;
    put_identity(&out->node.at[out->node.n++], &s.names[g->outputs.at[i]], &output_names[i]);
    if (!x->lowest[SX_DOMAIN_ONNX]) x->lowest[SX_DOMAIN_ONNX] = 1;
  }
  return SX_OK;
}

/* The IR version that came with an operator set (onnx.helper.VERSION_TABLE); at least 4: initializers need not be inputs.
 */
static int64_t ir_version_of(int opset) {
  static const struct {
    uint8_t opset, ir;
  } table[] = {{9, 4}, {10, 5}, {11, 6}, {14, 7}, {18, 8}, {20, 9}, {22, 10}, {23, 11}, {24, 12}, {27, 13}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (opset <= table[i].opset) return table[i].ir;
  return 14;
}

static bool has_source_nodes(const sx_graph *g, sx_str domain) {
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    if (!n->op && sx_str_eq(n->domain, domain)) return true;
    for (uint32_t k = 0; k < n->n_attrs; k++)
      if (n->attrs[k].type == SX_ATTR_GRAPH && has_source_nodes(n->attrs[k].g, domain)) return true;
  }
  return false;
}

/* One import per domain in use: the lowest that will do, and the model's own for nodes that are as written. */
static sx_status put_opsets(exporter *x, sx_proto_model *out) {
  enum { LEAST = 7 }; /* what every runtime reads */
  if (!LIST(x, out->opset_import, x->m->opsets.n + SX_DOMAIN_COUNT)) SX_NO_MEMORY(x->e);
  out->opset_import.n = 0;
  for (int d = 0; d < SX_DOMAIN_COUNT; d++) {
    int v = d == SX_DOMAIN_ONNX && x->lowest[d] < LEAST ? LEAST : x->lowest[d];
    for (uint32_t i = 0; i < x->m->opsets.n; i++) {
      sx_domain own;
      const sx_opset *o = &x->m->opsets.at[i];
      if (!sx_domain_find(o->domain, &own) || (int)own != d || !has_source_nodes(x->m->graph, o->domain)) continue;
      if (x->lowest[d] > o->version)
        SX_FAIL(x->e, NOT_IMPLEMENTED,
                "a node of version %lld stays as it was written, because a rank is not known, and another one needs version "
                "%d: such a model cannot be written",
                (long long)o->version, x->lowest[d]);
      if (o->version > v) v = (int)o->version;
    }
    if (v)
      out->opset_import.at[out->opset_import.n++] = (sx_proto_opset){
          HAS(1) | HAS(2), d == SX_DOMAIN_ONNX ? (sx_str){"", 0} : sx_str_c(sx_domain_name((sx_domain)d)), v};
    if (d == SX_DOMAIN_ONNX) out->ir_version = ir_version_of(v);
  }
  for (uint32_t i = 0; i < x->m->opsets.n; i++) {
    sx_domain own;
    const sx_opset *o = &x->m->opsets.at[i];
    if (!sx_domain_find(o->domain, &own) && has_source_nodes(x->m->graph, o->domain))
      out->opset_import.at[out->opset_import.n++] = (sx_proto_opset){HAS(1) | HAS(2), o->domain, o->version};
  }
  return SX_OK;
}

/* Since version 18 a Split without sizes says how many parts it makes. */
static sx_status count_parts(sx_proto_graph *g, sx_arena *a, sx_err *e) {
  for (uint32_t i = 0; g && i < g->node.n; i++) {
    sx_proto_node *n = &g->node.at[i];
    bool counted = n->domain.n || !sx_str_is(n->op_type, "Split") || n->input.n > 1;
    for (uint32_t k = 0; k < n->attribute.n; k++) {
      counted |= sx_str_is(n->attribute.at[k].name, "num_outputs");
      if (n->attribute.at[k].type == SX_ATTR_GRAPH) SX_TRY(count_parts(n->attribute.at[k].g, a, e));
    }
    if (counted) continue;
    sx_proto_attr *list = SX_NEW_N(a, sx_proto_attr, (size_t)n->attribute.n + 1);
    if (!list) SX_NO_MEMORY(e);
    if (n->attribute.n) memcpy(list, n->attribute.at, n->attribute.n * sizeof *list);
    sx_wire_init(&sx_proto_attr_message, &list[n->attribute.n]);
    list[n->attribute.n].name = SX_STR("num_outputs"), list[n->attribute.n].type = SX_ATTR_INT;
    list[n->attribute.n].has = HAS(3), list[n->attribute.n].i = n->output.n;
    n->attribute.at = list, n->attribute.n++;
  }
  return SX_OK;
}

sx_status sx_export_raise(sx_proto_model *p, int least, sx_arena *a, sx_err *e) {
  for (uint32_t i = 0; i < p->opset_import.n; i++) {
    sx_proto_opset *o = &p->opset_import.at[i];
    if (o->domain.n) continue;
    if (o->version < least) o->version = least, p->ir_version = ir_version_of(least);
    if (o->version >= 18) return count_parts(p->graph, a, e);
  }
  return SX_OK;
}

static sx_status put_model(const sx_model *m, bool typed, sx_arena *a, sx_proto_model *out, sx_err *e) {
  exporter x = {.m = m, .a = a, .typed = typed, .e = e};
  sx_wire_init(&sx_proto_model_message, out);
  out->producer_name = m->producer, out->producer_version = m->producer_version;
  out->domain = m->domain, out->model_version = m->model_version == INT64_MAX ? 0 : m->model_version,
  out->doc_string = m->doc;
  if (!(out->graph = SX_NEW(a, sx_proto_graph)) || !LIST(&x, out->metadata_props, m->metadata.n)) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < m->metadata.n; i++)
    out->metadata_props.at[i] = (sx_proto_pair){HAS(1) | HAS(2), m->metadata.at[i].key, m->metadata.at[i].value};
  sx_status s = put_graph(&x, NULL, m->graph, out->graph);
  sx_strmap_free(&x.taken);
  sx_strmap_free(&x.nodes);
  if (s == SX_OK) s = put_opsets(&x, out);
  return s == SX_OK && m->graph->live && !has_source_nodes(m->graph, (sx_str){"", 0}) ? sx_export_raise(out, 0, a, e) : s;
}
sx_status sx_export(const sx_model *m, sx_arena *a, sx_proto_model *out, sx_err *e) {
  return put_model(m, false, a, out, e);
}
sx_status sx_export_typed(const sx_model *m, sx_arena *a, sx_proto_model *out, sx_err *e) {
  return put_model(m, true, a, out, e);
}

static sx_status prepare(sx_graph *g, sx_err *e) {
  SX_TRY(sx_graph_sort(g, e));
  SX_TRY(sx_export_shapes(g, e));
  for (uint32_t i = 0; i < g->nodes.n; i++) {
    const sx_node *n = sx_node_at(g, i);
    if (!n->dead && n->op && n->op->lower) SX_TRY(sx_node_context(g, n, n->op->lower(g, i, e), e));
  }
  for (uint32_t i = 0; i < g->nodes.n; i++) {
    const sx_node *n = sx_node_at(g, i);
    for (uint32_t k = 0; k < n->n_attrs && !n->dead; k++)
      if (n->attrs[k].type == SX_ATTR_GRAPH) SX_TRY(prepare(n->attrs[k].g, e));
  }
  sx_graph_sweep(g);
  return sx_graph_sort(g, e);
}

sx_status sx_export_prepare(sx_model *m, sx_err *e) {
  SX_TRY(prepare(m->graph, e));
  SX_TRY(sx_infer_graph(m->graph, e));
  return sx_model_status(m, SX_OK, e);
}
