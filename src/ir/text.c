// SPDX-License-Identifier: MIT
/* Prints a graph in its text form. Inner names of captures are not shown: a body's captured value prints as the outer one. */
#include "base/number.h"
#include "ir/text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct printer { sx_text *out; uint32_t max_elems; int depth; } printer;

static bool is_word(sx_str s) {
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
    if (!letter && !(i && ((c >= '0' && c <= '9') || c == '.' || c == ':'))) return false;
  }
  return s.n && !sx_str_is(s, "_");
}

static void put_value(printer *p, const sx_graph *g, sx_vid v) {
  if (v == SX_NONE) {
    sx_text_add(p->out, "_");
    return;
  }
  const sx_value *x = sx_value_at(g, v);
  if (x->kind == SX_VALUE_CAPTURE && g->parent) {
    put_value(p, g->parent, sx_node_at(g->parent, g->owner)->in[g->capture_slots.at[x->index]].value);
    return;
  }
  if (!x->name.n) sx_text_add(p->out, "%%%u", v);
  else if (is_word(x->name)) sx_text_put(p->out, x->name.p, x->name.n);
  else sx_text_json(p->out, x->name);
}

static void put_shape(printer *p, const sx_graph *g, const sx_fact *f) {
  sx_text_add(p->out, "%s", f->kind == SX_KIND_TENSOR || f->kind == SX_KIND_UNKNOWN ? sx_dtype_name((sx_dtype)f->dtype) : "other");
  if (f->kind != SX_KIND_TENSOR || f->rank < 0) return;
  sx_text_add(p->out, "[");
  for (int i = 0; i < f->rank; i++) {
    if (i) sx_text_add(p->out, ", ");
    if (f->dims[i] == SX_DIM_UNKNOWN) sx_text_add(p->out, "?");
    else sx_dim_print(&g->model->dims, f->dims[i], p->out);
  }
  sx_text_add(p->out, "]");
  if (f->layout == SX_BLOCKED) sx_text_add(p->out, " blocked %u", f->block);
}

static void put_number(sx_text *t, double x) { /* the shortest text that gives x back; always recognisable as a float */
  char s[40];
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(s, sizeof s, "%.*g", digits, x);
    sx_number_point(s);
    char *end;
    double back = sx_number_read(s, false, &end);
    if (back == x || (x == (double)(float)x && (float)back == (float)x)) break;
  }
  sx_text_add(t, "%s%s", s, strpbrk(s, ".einf") ? "" : ".0");
}

static void put_content(printer *p, const sx_tensor *t) {
  const void *d;
  if (t->count > p->max_elems || sx_tensor_data(t, &d, NULL) != SX_OK) {
    sx_text_add(p->out, " {...}");
    return;
  }
  sx_text_add(p->out, " {");
  for (int64_t i = 0; i < t->count; i++) {
    double f = NAN;
    int64_t k;
    if (i) sx_text_add(p->out, ", ");
    if (t->dtype == SX_STRING) sx_text_json(p->out, ((const sx_str *)d)[i]);
    else if (sx_tensor_get_i64(t, i, &k)) sx_text_add(p->out, "%lld", (long long)k);
    else if (sx_tensor_get_f64(t, i, &f)) put_number(p->out, f);
    else sx_text_add(p->out, "?");
  }
  sx_text_add(p->out, "}");
}

static void put_type_of_tensor(printer *p, const sx_tensor *t) {
  sx_text_add(p->out, "%s[", sx_dtype_name((sx_dtype)t->dtype));
  for (int i = 0; i < t->rank; i++) sx_text_add(p->out, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
  sx_text_add(p->out, "]");
}

static void put_graph(printer *p, const sx_graph *g);

static void put_attr(printer *p, const sx_attr *a) {
  sx_text_put(p->out, a->name.p, a->name.n);
  sx_text_add(p->out, " = ");
  switch (a->type) {
    case SX_ATTR_FLOAT: put_number(p->out, a->f); return;
    case SX_ATTR_INT: sx_text_add(p->out, "%lld", (long long)a->i); return;
    case SX_ATTR_STRING: sx_text_json(p->out, a->s); return;
    case SX_ATTR_GRAPH: put_graph(p, a->g); return;
    case SX_ATTR_TENSOR:
      put_type_of_tensor(p, a->t);
      put_content(p, a->t);
      return;
    case SX_ATTR_FLOATS: case SX_ATTR_INTS: case SX_ATTR_STRINGS: break;
    default: sx_text_add(p->out, "?"); return;
  }
  sx_text_add(p->out, a->type == SX_ATTR_FLOATS && !a->n ? "floats [" : "[");
  for (uint32_t i = 0; i < a->n; i++) {
    if (i) sx_text_add(p->out, ", ");
    if (a->type == SX_ATTR_FLOATS) put_number(p->out, a->floats[i]);
    else if (a->type == SX_ATTR_INTS) sx_text_add(p->out, "%lld", (long long)a->ints[i]);
    else sx_text_json(p->out, a->strings[i]);
  }
  sx_text_add(p->out, "]");
}

static void new_line(printer *p) { sx_text_add(p->out, "\n%*s", 2 * p->depth, ""); }

static void put_const(printer *p, const sx_graph *g, sx_vid v) {
  const sx_fact *f = &sx_value_at(g, v)->fact;
  new_line(p);
  put_value(p, g, v);
  sx_text_add(p->out, sx_value_at(g, v)->overridable ? " = default " : " = const ");
  put_shape(p, g, f);
  if (f->constant) {
    put_content(p, f->constant);
    return;
  }
  sx_text_add(p->out, " {"); /* a piece of the shape program */
  for (uint32_t i = 0; i < f->n_elems; i++) {
    if (i) sx_text_add(p->out, ", ");
    sx_dim_print(&g->model->dims, f->elems[i], p->out);
  }
  sx_text_add(p->out, "}");
}

static void put_node(printer *p, const sx_graph *g, const sx_node *n) {
  new_line(p);
  for (uint32_t o = 0; o < n->n_out; o++) {
    if (o) sx_text_add(p->out, ", ");
    put_value(p, g, n->out[o]);
  }
  sx_text_add(p->out, " = ");
  if (n->domain.n) sx_text_add(p->out, "%.*s.", SX_FMT(n->domain));
  sx_text_add(p->out, "%.*s(", SX_FMT(n->op_type));
  for (uint32_t i = 0; i < n->n_formal; i++) {
    if (i) sx_text_add(p->out, ", ");
    put_value(p, g, n->in[i].value);
  }
  sx_text_add(p->out, ")");
  if (n->n_attrs) {
    sx_text_add(p->out, " {");
    for (uint32_t i = 0; i < n->n_attrs; i++) {
      if (i) sx_text_add(p->out, ", ");
      put_attr(p, &n->attrs[i]);
    }
    sx_text_add(p->out, "}");
  }
  for (uint32_t o = 0; o < n->n_out; o++) {
    sx_text_add(p->out, o ? ", " : " : ");
    if (n->out[o] == SX_NONE) sx_text_add(p->out, "_");
    else put_shape(p, g, &sx_value_at(g, n->out[o])->fact);
  }
}

static void put_graph(printer *p, const sx_graph *g) {
  sx_text_add(p->out, "graph (");
  for (uint32_t i = 0; i < g->inputs.n; i++) {
    if (i) sx_text_add(p->out, ", ");
    put_value(p, g, g->inputs.at[i]);
    sx_text_add(p->out, ": ");
    put_shape(p, g, &sx_value_at(g, g->inputs.at[i])->fact);
  }
  sx_text_add(p->out, ") -> (");
  for (uint32_t i = 0; i < g->outputs.n; i++) {
    if (i) sx_text_add(p->out, ", ");
    put_value(p, g, g->outputs.at[i]);
  }
  sx_text_add(p->out, ") {");
  p->depth++;
  for (uint32_t v = 0; v < g->values.n; v++) {
    const sx_value *x = sx_value_at(g, v);
    if (x->kind == SX_VALUE_CONST ? x->n_uses || x->output_uses : x->overridable && x->fact.constant) put_const(p, g, v);
  }
  for (uint32_t i = 0; i < g->order.n; i++)
    if (!sx_node_at(g, g->order.at[i])->dead) put_node(p, g, sx_node_at(g, g->order.at[i]));
  p->depth--;
  new_line(p);
  sx_text_add(p->out, "}");
}

void sx_graph_print(const sx_graph *g, uint32_t max_elems, sx_text *out) {
  printer p = {.out = out, .max_elems = max_elems};
  put_graph(&p, g);
  sx_text_add(out, "\n");
}
