// SPDX-License-Identifier: MIT
/* The shape program as nodes: what shape inference took out of the graph is put back for readers that have none. An element
 * is an expression over symbols; a symbol is read off a value that has it as a dimension. */
#include "onnx/export.h"

typedef struct writer {
  sx_graph *g;
  sx_vid *atoms;   /* int64[1] by atom number */
  uint8_t *wanted; /* by atom number */
  uint32_t n;      /* atoms */
  sx_err *e;
} writer;

static sx_vid number(writer *w, int64_t v) { return sx_graph_const_i64(w->g, &v, 1, false); }
static sx_vid emit(writer *w, const sx_op *op, sx_vid a, sx_vid b) {
  if (a == SX_NONE || b == SX_NONE) return SX_NONE;
  return sx_graph_emit(w->g, op, (sx_vid[]){a, b}, 2);
}

static bool has_symbol(const sx_graph *g, sx_vid v, uint32_t symbol, int *axis) {
  const sx_value *x = sx_value_at(g, v);
  if (x->fact.kind != SX_KIND_TENSOR || (x->kind != SX_VALUE_INPUT && x->kind != SX_VALUE_NODE)) return false;
  for (*axis = 0; *axis < x->fact.rank; ++*axis)
    if (sx_dim_symbol_of(&g->model->dims, x->fact.dims[*axis]) == (int64_t)symbol) return true;
  return false;
}

/* Inputs first, then results in their order: the first that has the symbol is the one it was born in. */
static sx_vid holder(const sx_graph *g, uint32_t symbol, int *axis) {
  for (uint32_t i = 0; i < g->inputs.n; i++)
    if (has_symbol(g, g->inputs.at[i], symbol, axis)) return g->inputs.at[i];
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    for (uint32_t o = 0; o < n->n_out && !n->dead; o++)
      if (n->out[o] != SX_NONE && has_symbol(g, n->out[o], symbol, axis)) return n->out[o];
  }
  return SX_NONE;
}

/* The value that has the symbol, of this graph or captured from one around it; SX_NONE: nobody has it, or no memory. */
static sx_vid find(sx_graph *g, uint32_t symbol, int *axis) {
  bool older = g->parent && symbol + 1 < g->first_symbol; /* than this body */
  sx_vid v = older ? SX_NONE : holder(g, symbol, axis);
  if (v != SX_NONE || !g->parent) return v;
  v = find(g->parent, symbol, axis);
  return v == SX_NONE ? v : sx_graph_capture(g, v);
}

static sx_vid symbol(writer *w, uint32_t s) {
  int axis;
  sx_vid v = find(w->g, s, &axis);
  return v == SX_NONE ? v : emit(w, &sx_op_Gather, sx_graph_emit(w->g, &sx_op_Shape, &v, 1), number(w, axis));
}

static sx_vid expression(writer *w, sx_dim d);

/* The atoms that its expressions name are there: see settle. */
static sx_vid atom(writer *w, uint32_t i) {
  const sx_atom x = w->g->model->dims.atoms.at[i];
  if (x.op == SX_ATOM_SYM) return w->atoms[i] = symbol(w, (uint32_t)x.a);
  sx_vid a = expression(w, x.a), b = expression(w, x.b), v = SX_NONE, in[3];
  switch ((sx_atom_op)x.op) {
    case SX_ATOM_DIV: v = emit(w, &sx_op_Div, emit(w, &sx_op_Sub, a, emit(w, &sx_op_Mod, a, b)), b); break; /* floor */
    case SX_ATOM_MOD: v = emit(w, &sx_op_Mod, a, b); break;
    case SX_ATOM_MIN: v = emit(w, &sx_op_Min, a, b); break;
    case SX_ATOM_MAX: v = emit(w, &sx_op_Max, a, b); break;
    case SX_ATOM_MUL: v = emit(w, &sx_op_Mul, a, b); break;
    case SX_ATOM_BCAST:
      in[0] = emit(w, &sx_op_Equal, a, number(w, 1)), in[1] = b, in[2] = a;
      if (in[0] != SX_NONE && a != SX_NONE && b != SX_NONE) v = sx_graph_emit(w->g, &sx_op_Where, in, 3);
      break;
    default: break;
  }
  return w->atoms[i] = v;
}

static sx_vid expression(writer *w, sx_dim d) {
  if (sx_dim_is_const(d)) return number(w, d);
  if (!sx_dim_is_expr(d)) return SX_NONE;
  const sx_poly p = w->g->model->dims.polys.at[sx_dim_id(d)];
  sx_vid sum = SX_NONE;
  for (uint32_t i = 0; i < p.n; i++) {
    sx_vid t = p.terms[i].coef == 1 && p.terms[i].n ? w->atoms[p.terms[i].atoms[0]] : number(w, p.terms[i].coef);
    for (uint32_t k = p.terms[i].coef == 1 ? 1 : 0; k < p.terms[i].n; k++)
      t = emit(w, &sx_op_Mul, t, w->atoms[p.terms[i].atoms[k]]);
    if (t == SX_NONE) return t;
    sum = sum == SX_NONE ? t : emit(w, &sx_op_Add, sum, t);
  }
  return p.add && sum != SX_NONE ? emit(w, &sx_op_Add, sum, number(w, p.add)) : sum;
}

static void want(writer *w, sx_dim d) {
  if (!sx_dim_is_expr(d)) return;
  const sx_poly *p = &w->g->model->dims.polys.at[sx_dim_id(d)];
  for (uint32_t i = 0; i < p->n; i++)
    for (uint32_t k = 0; k < p->terms[i].n; k++) w->wanted[p->terms[i].atoms[k]] = 1;
}
/* Atoms under an expression, those that others stand on first: an atom is younger than what it is made of, however deep
 * that goes. */
static void settle(writer *w, sx_dim d) {
  const sx_dimtab *t = &w->g->model->dims;
  want(w, d);
  for (uint32_t i = w->n; i-- > 0;)
    if (w->wanted[i] && w->atoms[i] == SX_NONE && t->atoms.at[i].op != SX_ATOM_SYM)
      want(w, t->atoms.at[i].a), want(w, t->atoms.at[i].b);
  for (uint32_t i = 0; i < w->n; i++) {
    if (w->wanted[i] && w->atoms[i] == SX_NONE) atom(w, i);
    w->wanted[i] = 0;
  }
}

/* One constant: its elements joined, in its type and shape. */
static sx_status replace(writer *w, sx_vid id) {
  sx_graph *g = w->g;
  const sx_fact f = sx_value_at(g, id)->fact;
  sx_vid in[SX_MAX_ELEMS], v;
  for (uint32_t i = 0; i < f.n_elems; i++) settle(w, f.elems[i]);
  for (uint32_t i = 0; i < f.n_elems; i++)
    if ((in[i] = expression(w, f.elems[i])) == SX_NONE)
      SX_FAIL(w->e, NOT_IMPLEMENTED, "a shape tensor cannot be written: element %u follows from no tensor's size", i);
  v = f.n_elems ? in[0] : SX_NONE;
  if (f.n_elems > 1) {
    v = sx_graph_emit(g, &sx_op_Concat, in, f.n_elems);
    if (v == SX_NONE || !sx_node_set_int(g, sx_value_at(g, v)->producer, "axis", 0)) SX_NO_MEMORY(w->e);
  }
  if (f.rank != 1) v = emit(w, &sx_op_Reshape, v, sx_graph_const_dims(g, f.dims, f.rank));
  if (f.dtype != SX_I64 && v != SX_NONE) {
    v = sx_graph_emit(g, &sx_op_Cast, &v, 1);
    if (v == SX_NONE || !sx_node_set_int(g, sx_value_at(g, v)->producer, "to", f.dtype)) SX_NO_MEMORY(w->e);
  }
  if (v == SX_NONE) SX_NO_MEMORY(w->e);
  sx_graph_replace_value(g, id, v);
  return SX_OK;
}

sx_status sx_export_shapes(sx_graph *g, sx_err *e) {
  uint32_t atoms = g->model->dims.atoms.n, values = g->values.n;
  writer w = {g, sx_malloc(((size_t)atoms + 1) * sizeof *w.atoms), sx_calloc((size_t)atoms + 1, 1), atoms, e};
  sx_status s = w.atoms && w.wanted ? SX_OK : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  for (uint32_t i = 0; i < atoms && s == SX_OK; i++) w.atoms[i] = SX_NONE;
  for (uint32_t v = 0; v < values && s == SX_OK; v++) {
    const sx_value *x = sx_value_at(g, v);
    if (x->kind == SX_VALUE_CONST && !x->fact.constant && (x->n_uses || x->output_uses) && x->fact.n_elems)
      s = replace(&w, v);
  }
  if (w.atoms) sx_free(w.atoms, ((size_t)atoms + 1) * sizeof *w.atoms);
  if (w.wanted) sx_free(w.wanted, (size_t)atoms + 1);
  return s;
}
