// SPDX-License-Identifier: MIT
/* The inference engine and the helpers that operators' hooks are written with. Facts are plain structs in the model's
 * arena; a hook fills c->out, the engine gives unknown dimensions a symbol of their own and merges with what was declared.
 */
#include "ops/ops.h"

const sx_fact *sx_infer_in(const sx_infer *c, uint32_t i) {
  sx_vid v = sx_node_in(c->n, i);
  return v == SX_NONE ? NULL : c->in ? &c->in[i] : &sx_value_at(c->g, v)->fact;
}
bool sx_infer_has_rank(const sx_infer *c, uint32_t i) {
  const sx_fact *f = sx_infer_in(c, i);
  return f && f->kind == SX_KIND_TENSOR && f->rank >= 0;
}

sx_status sx_infer_misfit(const sx_infer *c) {
  return c->in || c->g->model->by_shapes ? SX_E_INVALID_ARGUMENT : SX_E_FAIL;
}

sx_status sx_infer_set(sx_infer *c, uint32_t o, int dtype, int rank, const sx_dim *dims) {
  if (o >= c->n->n_out) return SX_OK;
  if (rank > SX_MAX_RANK)
    return SX_INFER_FAIL(c, "output %u has rank %d, more than the supported %d", o, rank, SX_MAX_RANK);
  sx_fact *f = &c->out[o];
  *f = (sx_fact){.kind = SX_KIND_TENSOR, .dtype = (uint8_t)dtype, .rank = (int8_t)rank};
  if (rank < 0) return SX_OK;
  sx_dim *d = SX_NEW_N(c->arena, sx_dim, (size_t)rank + 1);
  if (!d) SX_NO_MEMORY(c->e);
  for (int i = 0; i < rank; i++) {
    d[i] = dims[i];
    if (sx_dim_is_const(d[i]) && d[i] < 0)
      return SX_INFER_FAIL(c, "output %u would have the dimension %lld at axis %d", o, (long long)d[i], i);
  }
  f->dims = d;
  return SX_OK;
}

sx_status sx_infer_like(sx_infer *c, uint32_t o, uint32_t i) {
  const sx_fact *f = sx_infer_in(c, i);
  if (!f || o >= c->n->n_out) return SX_OK;
  c->out[o] = *f;
  c->out[o].constant = NULL;
  c->out[o].elems = NULL;
  c->out[o].n_elems = 0;
  return SX_OK;
}
sx_status sx_infer_same(sx_infer *c) { return sx_infer_like(c, 0, 0); }

static const char *dim_text(const sx_infer *c, sx_dim d, char buf[64]) {
  sx_text t = {0};
  sx_dim_print(c->dims, d, &t);
  size_t n = t.n < 63 ? t.n : 63;
  if (n) memcpy(buf, t.p, n);
  buf[n] = 0;
  sx_text_free(&t);
  return buf;
}

sx_status sx_infer_broadcast_dims(sx_infer *c, uint32_t from, uint32_t to, sx_dim *dims, int *rank) {
  *rank = 0;
  for (uint32_t i = from; i < to; i++) {
    if (!sx_infer_in(c, i)) continue;
    if (!sx_infer_has_rank(c, i)) {
      *rank = -1;
      return SX_OK;
    }
    if (sx_infer_in(c, i)->rank > *rank) *rank = sx_infer_in(c, i)->rank;
  }
  for (int d = 0; d < *rank; d++) dims[d] = 1;
  for (uint32_t i = from; i < to; i++) {
    const sx_fact *f = sx_infer_in(c, i);
    if (!f) continue;
    for (int d = 0; d < f->rank; d++) {
      sx_dim *o = &dims[*rank - f->rank + d], before = *o;
      bool clash = false;
      *o = sx_dim_broadcast(c->dims, before, f->dims[d], &clash);
      char a[64], b[64];
      if (clash)
        return SX_INFER_FAIL(
            c, "the inputs cannot be broadcast: input %u has %s at axis %d where another has %s; make them equal or 1", i,
            dim_text(c, f->dims[d], a), d, dim_text(c, before, b));
    }
  }
  return SX_OK;
}

sx_dim sx_infer_fresh(sx_infer *c) { return sx_dim_fresh(c->dims); }

sx_dim sx_infer_product(sx_infer *c, const sx_dim *d, int from, int to) {
  sx_dim p = 1;
  for (int i = from; i < to; i++) p = sx_dim_mul(c->dims, p, d[i]);
  return p;
}

sx_status sx_infer_axis(sx_infer *c, int64_t axis, int rank, int *out) {
  if (axis < -rank || axis >= rank)
    return SX_INFER_FAIL(c, "axis is %lld, expected %d to %d for a tensor of rank %d", (long long)axis, -rank, rank - 1,
                         rank);
  *out = (int)(axis < 0 ? axis + rank : axis);
  return SX_OK;
}

int sx_infer_ints(const sx_infer *c, uint32_t i, const sx_dim **elems) {
  const sx_fact *f = sx_infer_in(c, i);
  if (!f || !f->elems || (!c->in && sx_value_at(c->g, sx_node_in(c->n, i))->overridable)) return -1;
  *elems = f->elems;
  return (int)f->n_elems;
}

/* What an element of that type is: facts are exact integers, types wrap around. A number that the type does not have is
 * unknown; an expression of 32 bits is while it fits, one of another small type never. */
static sx_dim in_type(sx_dimtab *t, int dtype, sx_dim d) {
  if (dtype == SX_I64 || !sx_dtype_is_int((sx_dtype)dtype) || d == SX_DIM_UNKNOWN) return d;
  const uint32_t bits = sx_dtype_bits((sx_dtype)dtype);
  const bool is_signed = dtype == SX_I32 || dtype == SX_I16 || dtype == SX_I8;
  if (sx_dim_is_expr(d)) return dtype == SX_I32 ? (sx_dim_narrow(t, d), d) : SX_DIM_UNKNOWN;
  if (!is_signed) return d >= 0 && (bits >= 63 || d >> bits == 0) ? d : SX_DIM_UNKNOWN;
  return d >> (bits - 1) == 0 || d >> (bits - 1) == -1 ? d : SX_DIM_UNKNOWN;
}

sx_status sx_infer_elems(sx_infer *c, uint32_t o, uint32_t n, const sx_dim *elems) {
  if (o >= c->n->n_out || n > SX_MAX_ELEMS) return SX_OK;
  bool any = n == 0;
  for (uint32_t i = 0; i < n; i++) any |= elems[i] != SX_DIM_UNKNOWN;
  if (!any) return SX_OK;
  sx_dim *d = SX_NEW_N(c->arena, sx_dim, (size_t)n + 1);
  if (!d) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < n; i++) d[i] = in_type(c->dims, c->out[o].dtype, elems[i]);
  c->out[o].elems = d;
  c->out[o].n_elems = n;
  return SX_OK;
}

/* Element facts of a binary operator on small integer tensors: what the dimension arithmetic can say. */
typedef sx_dim (*dim_fn)(sx_dimtab *, sx_dim, sx_dim);
/* ONNX divides towards zero, expressions downwards: the same of what is not negative, and of what divides. */
static sx_dim div_trunc(sx_dimtab *t, sx_dim a, sx_dim b) {
  if (sx_dim_is_const(a) && sx_dim_is_const(b)) return b == 0 || b == -1 ? SX_DIM_UNKNOWN : a / b;
  if (!sx_dim_is_const(b) || b <= 0) return SX_DIM_UNKNOWN;
  const sx_dim q = sx_dim_div(t, a, b), minus = sx_dim_sub(t, 0, a);
  if (sx_dim_sign(t, a) > 0 || sx_dim_sub(t, a, sx_dim_mul(t, q, b)) == 0) return q;
  return sx_dim_sub(t, sx_dim_div(t, sx_dim_max(t, a, 0), b), sx_dim_div(t, sx_dim_max(t, minus, 0), b));
}
/* fmod = 0: the sign of b, which expressions have, too. */
static sx_dim mod_floor(sx_dimtab *t, sx_dim a, sx_dim b) {
  return sx_dim_is_const(b) && b > 0 ? sx_dim_mod(t, a, b) : SX_DIM_UNKNOWN;
}
static sx_dim mod_trunc(sx_dimtab *t, sx_dim a, sx_dim b) {
  if (sx_dim_is_const(a) && sx_dim_is_const(b)) return b == 0 || b == -1 ? SX_DIM_UNKNOWN : a % b;
  if (sx_dim_sign(t, a) > 0) return mod_floor(t, a, b);
  const sx_dim q = div_trunc(t, a, b);
  return q == SX_DIM_UNKNOWN ? q : sx_dim_sub(t, a, sx_dim_mul(t, q, b));
}
/* Comparisons where the sign of the difference is known; sizes are never negative. */
static sx_dim less(sx_dimtab *t, sx_dim a, sx_dim b) {
  if (sx_dim_sign(t, sx_dim_sub(t, a, b)) > 0) return 0;
  return sx_dim_sign(t, sx_dim_sub(t, sx_dim_sub(t, b, a), 1)) > 0 ? 1 : SX_DIM_UNKNOWN;
}
static sx_dim greater(sx_dimtab *t, sx_dim a, sx_dim b) { return less(t, b, a); }
static sx_dim negated(sx_dim d) { return d == SX_DIM_UNKNOWN ? d : !d; }
static sx_dim less_or_equal(sx_dimtab *t, sx_dim a, sx_dim b) { return negated(less(t, b, a)); }
static sx_dim greater_or_equal(sx_dimtab *t, sx_dim a, sx_dim b) { return negated(less(t, a, b)); }
static sx_dim equal(sx_dimtab *t, sx_dim a, sx_dim b) {
  return a == b ? 1 : less(t, a, b) == 1 || less(t, b, a) == 1 ? 0 : SX_DIM_UNKNOWN;
}
/* Truth values; an expression is none. */
static sx_dim both(sx_dimtab *t, sx_dim a, sx_dim b) {
  return (void)t, a == 0 || b == 0 ? 0 : sx_dim_is_const(a) && sx_dim_is_const(b) ? 1 : SX_DIM_UNKNOWN;
}
static sx_dim either(sx_dimtab *t, sx_dim a, sx_dim b) {
  return (void)t, sx_dim_is_const(a) && sx_dim_is_const(b) ? a || b : SX_DIM_UNKNOWN;
}
static sx_dim one_of(sx_dimtab *t, sx_dim a, sx_dim b) {
  return (void)t, sx_dim_is_const(a) && sx_dim_is_const(b) ? !a != !b : SX_DIM_UNKNOWN;
}
static const struct {
  const sx_op *op;
  dim_fn fn;
} elem_ops[] = {{&sx_op_Add, sx_dim_add},
                {&sx_op_Sub, sx_dim_sub},
                {&sx_op_Mul, sx_dim_mul},
                {&sx_op_Div, div_trunc},
                {&sx_op_Mod, mod_floor},
                {&sx_op_Min, sx_dim_min},
                {&sx_op_Max, sx_dim_max},
                {&sx_op_Equal, equal},
                {&sx_op_Less, less},
                {&sx_op_Greater, greater},
                {&sx_op_LessOrEqual, less_or_equal},
                {&sx_op_GreaterOrEqual, greater_or_equal},
                {&sx_op_And, both},
                {&sx_op_Or, either},
                {&sx_op_Xor, one_of}};

static sx_status binary_elems(sx_infer *c) {
  const sx_dim *a, *b;
  int na, nb;
  if (c->n->n_in != 2 || c->out[0].rank < 0 || c->out[0].rank > 1) return SX_OK;
  if ((na = sx_infer_ints(c, 0, &a)) < 0 || (nb = sx_infer_ints(c, 1, &b)) < 0) return SX_OK;
  int n = na == 1 ? nb : na;
  for (size_t k = 0; k < sizeof elem_ops / sizeof *elem_ops; k++) {
    if (c->n->op != elem_ops[k].op || (nb != 1 && nb != n)) continue;
    const dim_fn fn = c->n->op == &sx_op_Mod && sx_attr_int(c->n, "fmod", 0) ? mod_trunc : elem_ops[k].fn;
    sx_dim r[SX_MAX_ELEMS];
    for (int i = 0; i < n; i++) {
      sx_dim x = a[na == 1 ? 0 : i], y = b[nb == 1 ? 0 : i];
      r[i] = sx_dim_is_exact(x) && sx_dim_is_exact(y) ? fn(c->dims, x, y) : SX_DIM_UNKNOWN;
    }
    return sx_infer_elems(c, 0, (uint32_t)n, r);
  }
  return SX_OK;
}

static sx_status broadcast_as(sx_infer *c, int dtype) {
  sx_dim dims[SX_MAX_RANK];
  int rank;
  SX_TRY(sx_infer_broadcast_dims(c, 0, c->n->n_formal, dims, &rank));
  SX_TRY(sx_infer_set(c, 0, dtype, rank, dims));
  return binary_elems(c);
}
sx_status sx_infer_broadcast(sx_infer *c) { return broadcast_as(c, sx_infer_in(c, 0) ? sx_infer_in(c, 0)->dtype : 0); }
sx_status sx_infer_compare(sx_infer *c) { return broadcast_as(c, SX_BOOL); }

/* Merges what was inferred into the value's fact. Declared ranks and dimensions of real files are often wrong or vague:
 * what was inferred wins, what was not is kept from the declaration. */
static sx_status merge(sx_infer *c, uint32_t o) {
  sx_value *v = sx_value_at(c->g, c->n->out[o]);
  sx_fact *old = &v->fact, *f = &c->out[o];
  if (f->kind == SX_KIND_UNKNOWN) return SX_OK;
  if (!f->dtype && f->kind == SX_KIND_TENSOR) f->dtype = old->dtype;
  if (f->kind == SX_KIND_TENSOR && old->kind == SX_KIND_TENSOR && f->dtype && old->dtype && f->dtype != old->dtype)
    return SX_INFER_FAIL(c, "output %u ('%.*s') has type %s by inference, but the model declares %s", o, SX_FMT(v->name),
                         sx_dtype_name(f->dtype), sx_dtype_name(old->dtype));
  if (f->kind == SX_KIND_TENSOR && f->rank < 0 && old->rank >= 0) f->rank = old->rank, f->dims = old->dims;
  sx_dim *d = (sx_dim *)f->dims;
  for (int i = 0; i < f->rank; i++)
    if (d[i] == SX_DIM_UNKNOWN) {
      d[i] = old->rank == f->rank && old->dims && old->dims[i] != SX_DIM_UNKNOWN ? old->dims[i] : sx_dim_fresh(c->dims);
      if (d[i] == SX_DIM_UNKNOWN) SX_NO_MEMORY(c->e);
    }
  f->constant = old->constant;
  if (f->constant && !f->elems) f->elems = old->elems, f->n_elems = old->n_elems;
  *old = *f;
  return SX_OK;
}

static sx_status call_hook(sx_graph *g, sx_nid id, sx_status (*hook)(sx_infer *), bool with_outputs, sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  enum { SMALL = 8 };
  sx_fact small[SMALL], *out = small;
  if (n->n_out > SMALL && !(out = sx_calloc(n->n_out, sizeof *out))) SX_NO_MEMORY(e);
  for (uint32_t o = 0; o < n->n_out; o++) out[o] = (sx_fact){.rank = -1};
  sx_infer c = {g, id, n, &g->model->dims, &g->model->arena, e, out, NULL};
  sx_status s = hook(&c);
  for (uint32_t o = 0; with_outputs && o < n->n_out && s == SX_OK; o++)
    if (n->out[o] != SX_NONE) s = merge(&c, o);
  if (out != small) sx_free(out, n->n_out * sizeof *out);
  return sx_node_context(g, n, s, e);
}

sx_status sx_infer_concrete(const sx_graph *g, sx_nid id, const sx_fact *in, sx_fact *out, sx_dimtab *dims, sx_arena *arena,
                            sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  for (uint32_t o = 0; o < n->n_out; o++) out[o] = (sx_fact){.rank = -1};
  sx_infer c = {(sx_graph *)g, id, n, dims, arena, e, out, in};
  return sx_node_context(g, n, n->op->infer(&c), e);
}

sx_status sx_infer_join(sx_graph *g, sx_nid id, sx_err *e) {
  const sx_op *op = sx_node_at(g, id)->op;
  return op && op->infer ? call_hook(g, id, op->infer, true, e) : SX_OK;
}

sx_status sx_infer_bind(sx_graph *g, sx_nid id, sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  for (uint32_t k = 0; k < n->n_attrs; k++) {
    sx_graph *b = n->attrs[k].type == SX_ATTR_GRAPH ? n->attrs[k].g : NULL;
    if (b && !b->first_symbol) b->first_symbol = g->model->dims.symbols.n + 1; /* + 1: 0 is "not known" */
    for (uint32_t i = 0; b && i < b->captures.n; i++) {
      sx_vid from = n->in[b->capture_slots.at[i]].value;
      sx_fact *f = &sx_value_at(b, b->captures.at[i])->fact;
      *f = sx_value_at(g, from)->fact;
      if (sx_value_at(g, from)->overridable) f->constant = NULL, f->elems = NULL, f->n_elems = 0;
    }
  }
  return n->op && n->op->bind ? call_hook(g, id, n->op->bind, false, e) : SX_OK;
}

sx_status sx_infer_node(sx_graph *g, sx_nid id, sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  if (n->op && n->op->flags & SX_OP_CONTROL) {
    SX_TRY(sx_infer_bind(g, id, e));
    for (uint32_t k = 0; k < n->n_attrs; k++)
      if (n->attrs[k].type == SX_ATTR_GRAPH && !n->attrs[k].g->broken) SX_TRY(sx_infer_graph(n->attrs[k].g, e));
  }
  return sx_infer_join(g, id, e);
}

sx_status sx_infer_graph(sx_graph *g, sx_err *e) {
  SX_TRY(sx_graph_sort(g, e));
  for (uint32_t i = 0; i < g->order.n; i++) SX_TRY(sx_infer_node(g, g->order.at[i], e));
  return SX_OK;
}

bool sx_fact_is_complete(const sx_fact *f, bool *numbers) {
  *numbers = true;
  if (f->kind != SX_KIND_TENSOR || !f->elems || sx_dtype_bits((sx_dtype)f->dtype) < 8 || f->rank < 0) return false;
  for (int i = 0; i < f->rank; i++)
    if (!sx_dim_is_const(f->dims[i])) return false;
  for (uint32_t i = 0; i < f->n_elems; i++) {
    if (!sx_dim_is_exact(f->elems[i])) return false;
    *numbers &= sx_dim_is_const(f->elems[i]);
  }
  return true;
}

sx_status sx_fact_to_tensor(const sx_fact *f, sx_tensor **out, sx_err *e) {
  int64_t dims[SX_MAX_RANK];
  for (int i = 0; i < f->rank; i++) dims[i] = f->dims[i];
  SX_TRY(sx_tensor_create((sx_dtype)f->dtype, f->rank, dims, out, e));
  size_t size = sx_dtype_bits((sx_dtype)f->dtype) / 8;
  for (uint32_t i = 0; i < f->n_elems && i < (*out)->count; i++)
    memcpy((char *)(*out)->data + i * size, &f->elems[i], size); /* little-endian: the low bytes */
  return SX_OK;
}

static sx_vid hold_const(sx_graph *g, sx_tensor *t) {
  return sx_model_hold(g->model, t, NULL) == SX_OK ? sx_graph_add_const(g, t, (sx_str){"", 0}) : SX_NONE;
}
sx_vid sx_graph_const_i64(sx_graph *g, const int64_t *v, int64_t n, bool scalar) {
  sx_tensor *t;
  if (sx_tensor_create(SX_I64, scalar ? 0 : 1, &n, &t, NULL) != SX_OK) return SX_NONE;
  if (n) memcpy(t->data, v, (size_t)n * sizeof *v);
  return hold_const(g, t);
}
sx_vid sx_graph_const_dims(sx_graph *g, const sx_dim *dims, int rank) {
  bool numbers = true;
  for (int i = 0; i < rank; i++) numbers &= sx_dim_is_const(dims[i]);
  if (numbers) return sx_graph_const_i64(g, dims, rank, false);
  sx_vid v = sx_graph_add_value(g, SX_VALUE_CONST, (sx_str){"", 0});
  sx_dim *copy = sx_arena_copy(&g->model->arena, dims, (size_t)rank * sizeof *dims),
         *size = SX_NEW(&g->model->arena, sx_dim);
  if (v == SX_NONE || !copy || !size) return SX_NONE;
  *size = rank;
  sx_value_at(g, v)->fact =
      (sx_fact){.kind = SX_KIND_TENSOR, .dtype = SX_I64, .rank = 1, .dims = size, .elems = copy, .n_elems = (uint32_t)rank};
  return v;
}
sx_vid sx_graph_const_f32(sx_graph *g, float v) {
  sx_tensor *t;
  if (sx_tensor_create(SX_F32, 0, NULL, &t, NULL) != SX_OK) return SX_NONE;
  *(float *)t->data = v;
  return hold_const(g, t);
}

sx_vid sx_graph_emit(sx_graph *g, const sx_op *op, const sx_vid *in, uint32_t n_in) {
  sx_vid out = sx_graph_add_value(g, SX_VALUE_NODE, (sx_str){"", 0});
  if (out == SX_NONE) return out;
  sx_nid id = sx_graph_add_node(g, op, in, n_in, &out, 1);
  if (id == SX_NONE) return SX_NONE;
  sx_node_at(g, id)->op_type = sx_str_c(op->name);
  if (op->flags & SX_OP_PRIVATE) sx_node_at(g, id)->domain = SX_STR("sardonyx");
  return out;
}
sx_vid sx_graph_const_like(sx_graph *g, sx_vid like, float x) {
  uint8_t dtype = sx_value_at(g, like)->fact.dtype;
  sx_vid v = sx_graph_const_f32(g, x);
  if (v == SX_NONE || dtype == SX_F32) return v;
  v = sx_graph_emit(g, &sx_op_Cast, &v, 1);
  return v != SX_NONE && sx_node_set_int(g, sx_value_at(g, v)->producer, "to", dtype) ? v : SX_NONE;
}
sx_node *sx_graph_emitted(sx_graph *g, sx_vid v) { return sx_value_producer(g, v); }

/* False: the type has no such number, or is none of those that attributes are moved to. */
static bool store(sx_tensor *t, int64_t i, double v) {
  switch (t->dtype) {
    case SX_F32: ((float *)t->data)[i] = (float)v; return true;
    case SX_F64: ((double *)t->data)[i] = v; return true;
    case SX_I32: return v >= INT32_MIN && v <= INT32_MAX && (((int32_t *)t->data)[i] = (int32_t)v, true);
    case SX_I64: return v >= -0x1p63 && v < 0x1p63 && (((int64_t *)t->data)[i] = (int64_t)v, true);
    default: return false;
  }
}

sx_status sx_upgrade_attr_to_input(sx_upgrade_ctx *c, const char *name, uint32_t slot, sx_dtype dtype) {
  const sx_attr *a = sx_node_attr(c->n, name);
  if (!a) return SX_OK;
  bool list = a->type == SX_ATTR_INTS || a->type == SX_ATTR_FLOATS;
  int64_t n = list ? a->n : 1;
  sx_tensor *t;
  SX_TRY(sx_tensor_create(dtype, list ? 1 : 0, &n, &t, c->e));
  bool fits = true;
  for (int64_t i = 0; i < n; i++)
    if (a->type == SX_ATTR_INT && dtype == SX_I64)
      ((int64_t *)t->data)[i] = a->i;
    else if (a->type == SX_ATTR_INTS && dtype == SX_I64)
      ((int64_t *)t->data)[i] = a->ints[i];
    else
      fits &= store(t, i,
                    a->type == SX_ATTR_INT    ? (double)a->i
                    : a->type == SX_ATTR_INTS ? (double)a->ints[i]
                    : list                    ? a->floats[i]
                                              : a->f);
  if (!fits) {
    sx_tensor_unref(t);
    SX_FAIL(c->e, NOT_IMPLEMENTED, "attribute '%s' has a number that is none of type %s", name, sx_dtype_name(dtype));
  }
  sx_vid v = hold_const(c->g, t);
  if (v == SX_NONE || (c->n->n_in <= slot && !sx_graph_resize_inputs(c->g, c->id, slot + 1, slot + 1))) SX_NO_MEMORY(c->e);
  sx_graph_set_input(c->g, c->id, slot, v);
  sx_node_remove_attr(c->n, name);
  return SX_OK;
}
