// SPDX-License-Identifier: MIT
/* Channels last, in the source dialect: nodes that a provider wants so move to the domain com.ms.internal.nhwc between two
 * Transpose; then every Transpose sinks through what does not care, until it meets its inverse. (The way of ONNX Runtime's
 * layout transformation, so that providers find what they are used to.) */
#include "onnx/source.h"

#define NHWC "com.ms.internal.nhwc"
enum { FIRST_TO_LAST, LAST_TO_FIRST };

static bool is_standard(const sx_node *n, const char *op) { return !n->domain.n && sx_str_is(n->op_type, op); }

bool sx_source_has_layout(const sx_node *n) {
  static const char *const onnx[] = {
      "BatchNormalization", "InstanceNormalization", "Conv",          "QLinearConv", "ConvTranspose", "AveragePool",
      "LpPool",             "MaxPool",               "MaxUnpool",     "Resize",      "LRN",           "GlobalAveragePool",
      "GlobalLpPool",       "GlobalMaxPool",         "GridSample",    "DepthToSpace", "SpaceToDepth"};
  static const char *const ms[] = {"FusedConv", "QLinearAveragePool", "QLinearGlobalAveragePool"};
  for (size_t i = 0; i < sizeof onnx / sizeof *onnx; i++)
    if (is_standard(n, onnx[i])) return true;
  for (size_t i = 0; i < sizeof ms / sizeof *ms; i++)
    if (sx_str_is(n->domain, "com.microsoft") && sx_str_is(n->op_type, ms[i])) return true;
  return false;
}

static void layout_perm(int rank, int way, int64_t *perm) {
  for (int i = 0; i < rank; i++) perm[i] = i;
  for (int i = 1; i < rank; i++)
    perm[i] = way == FIRST_TO_LAST ? (i == rank - 1 ? 1 : i + 1) : (i == 1 ? rank - 1 : i - 1);
}
static void invert(const int64_t *perm, int rank, int64_t *out) {
  for (int i = 0; i < rank; i++) out[perm[i]] = i;
}

/* A value with the fact of `like`, permuted. */
static sx_vid permuted_value(sx_graph *g, const sx_fact *like, const int64_t *perm) {
  sx_fact f = *like;
  sx_dim *dims = SX_NEW_N(&g->model->arena, sx_dim, (size_t)f.rank + 1);
  sx_vid v = dims ? sx_graph_add_value(g, SX_VALUE_NODE, (sx_str){"", 0}) : SX_NONE;
  if (v == SX_NONE) return SX_NONE;
  for (int i = 0; i < f.rank; i++) dims[i] = like->dims[perm[i]];
  f.dims = dims, f.constant = NULL, f.elems = NULL, f.n_elems = 0;
  sx_value_at(g, v)->fact = f;
  return v;
}

static sx_status add_transpose(sx_graph *g, sx_vid in, sx_vid out, const int64_t *perm, int rank, uint32_t place,
                               sx_err *e) {
  sx_nid id = sx_graph_add_node(g, NULL, &in, 1, &out, 1);
  if (id == SX_NONE || !sx_node_set_ints(g, id, "perm", perm, (uint32_t)rank)) SX_NO_MEMORY(e);
  sx_node *n = sx_node_at(g, id);
  n->op_type = SX_STR("Transpose"), n->since_version = sx_model_opset(g->model, SX_STR("")), n->place = place;
  return SX_OK;
}

/* A node like `id` with other inputs and its first output in another order; a Transpose by `after` gives what it was. */
static sx_status replace(sx_graph *g, sx_nid id, const sx_vid *in, const int64_t *inverse, const int64_t *after, sx_nid *made,
                         sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  sx_vid out[16], old = n->out[0];
  const sx_fact *f = &sx_value_at(g, old)->fact;
  int rank = f->rank;
  uint32_t n_in = n->n_in, n_out = n->n_out, place = n->place;
  for (uint32_t i = 0; i < n_out; i++) out[i] = n->out[i];
  if ((out[0] = permuted_value(g, f, inverse)) == SX_NONE) SX_NO_MEMORY(e);
  sx_graph_kill(g, id);
  sx_nid c = *made = sx_graph_add_node(g, NULL, in, n_in, out, n_out);
  if (c == SX_NONE) SX_NO_MEMORY(e);
  sx_node *x = sx_node_at(g, c);
  n = sx_node_at(g, id);
  x->name = n->name, x->op_type = n->op_type, x->domain = n->domain, x->since_version = n->since_version;
  x->attrs = n->attrs, x->n_attrs = n->n_attrs, x->origin = n->origin, x->place = place;
  return add_transpose(g, out[0], old, after, rank, place, e);
}

/* Elements of a constant in another order of dimensions; shorter shapes are filled up with ones in front. */
static sx_status permute_constant(sx_graph *g, sx_vid v, int rank, const int64_t *perm, sx_vid *out, sx_err *e) {
  const sx_tensor *t = sx_value_const(g, v);
  int64_t dims[SX_MAX_RANK], stride[SX_MAX_RANK], to[SX_MAX_RANK], at[SX_MAX_RANK] = {0}, step = 1;
  for (int i = 0; i < rank; i++) dims[i] = i < rank - t->rank ? 1 : t->dims[i - (rank - t->rank)];
  for (int i = rank - 1; i >= 0; step *= dims[i--]) stride[i] = step;
  for (int i = 0; i < rank; i++) to[i] = dims[perm[i]];
  const void *from;
  sx_tensor *x;
  SX_TRY(sx_tensor_data(t, &from, e));
  SX_TRY(sx_tensor_create((sx_dtype)t->dtype, rank, to, &x, e));
  SX_TRY(sx_model_hold(g->model, x, e));
  size_t size = sx_dtype_bits((sx_dtype)t->dtype) / 8;
  for (int64_t k = 0; k < x->count; k++) {
    int64_t source = 0;
    for (int i = 0; i < rank; i++) source += at[i] * stride[perm[i]];
    memcpy((char *)x->data + (size_t)k * size, (const char *)from + (size_t)source * size, size);
    for (int i = rank - 1; i >= 0 && ++at[i] == to[i]; i--) at[i] = 0;
  }
  *out = sx_graph_add_const(g, x, (sx_str){"", 0});
  if (*out == SX_NONE) SX_NO_MEMORY(e);
  return SX_OK;
}

/* scales and sizes of a Resize: one element per dimension. */
static sx_status permute_list(sx_graph *g, sx_vid v, const int64_t *perm, int rank, sx_vid *out, sx_err *e) {
  const sx_tensor *t = sx_value_const(g, v);
  const void *from;
  sx_tensor *x;
  *out = v;
  if (!t || t->count != rank || t->rank != 1) return SX_OK;
  SX_TRY(sx_tensor_data(t, &from, e));
  SX_TRY(sx_tensor_create((sx_dtype)t->dtype, 1, t->dims, &x, e));
  SX_TRY(sx_model_hold(g->model, x, e));
  size_t size = sx_dtype_bits((sx_dtype)t->dtype) / 8;
  for (int i = 0; i < rank; i++) memcpy((char *)x->data + (size_t)i * size, (const char *)from + (size_t)perm[i] * size, size);
  *out = sx_graph_add_const(g, x, (sx_str){"", 0});
  if (*out == SX_NONE) SX_NO_MEMORY(e);
  return SX_OK;
}

static sx_status wrap(sx_graph *g, sx_nid id, int way, sx_str domain, sx_err *e) {
  enum { MOST = 16 };
  const sx_node *n = sx_node_at(g, id);
  sx_vid in[MOST];
  int64_t to[SX_MAX_RANK], back[SX_MAX_RANK];
  sx_nid made;
  const sx_fact *f = &sx_value_at(g, n->in[0].value)->fact;
  int rank = f->rank;
  bool resize = sx_str_is(n->op_type, "Resize");
  for (uint32_t i = 0; i < n->n_in; i++) in[i] = n->in[i].value;
  layout_perm(rank, way, to);
  invert(to, rank, back);
  sx_vid x = permuted_value(g, f, to);
  if (x == SX_NONE) SX_NO_MEMORY(e);
  SX_TRY(add_transpose(g, in[0], x, to, rank, n->place, e));
  in[0] = x;
  for (uint32_t i = 2; i < sx_node_at(g, id)->n_in && resize; i++)
    if (in[i] != SX_NONE) SX_TRY(permute_list(g, in[i], to, rank, &in[i], e));
  SX_TRY(replace(g, id, in, to, back, &made, e));
  sx_node_at(g, made)->domain = domain;
  if (sx_node_attr(sx_node_at(g, made), "channels_last") &&
      !sx_node_set_int(g, made, "channels_last", way == FIRST_TO_LAST))
    SX_NO_MEMORY(e);
  return SX_OK;
}

/* Whether nothing but the first input and output (and what wrap() rewrites) has channels in it. */
static bool only_first(const sx_graph *g, const sx_node *n) {
  if (is_standard(n, "MaxUnpool")) return false; /* its places count through the plain image */
  if (is_standard(n, "MaxPool")) return sx_node_out(n, 1) == SX_NONE || !sx_value_at(g, n->out[1])->n_uses;
  if (!is_standard(n, "Resize")) return true;
  bool roi = sx_node_in(n, 1) != SX_NONE && !(sx_value_const(g, n->in[1].value) && !sx_value_const(g, n->in[1].value)->count);
  bool plain = n->since_version >= 11 && !sx_node_attr(n, "axes") && !roi;
  for (uint32_t i = 2; i < n->n_in && plain; i++)
    plain = n->in[i].value == SX_NONE || sx_value_const(g, n->in[i].value) != NULL;
  return plain;
}

static bool can_wrap(const sx_graph *g, const sx_node *n) {
  if (n->dead || n->custom || !n->n_in || n->n_in > 16 || !n->n_out || n->n_out > 16) return false;
  if (n->in[0].value == SX_NONE || n->out[0] == SX_NONE) return false;
  if (!only_first(g, n)) return false;
  const sx_fact *i = &sx_value_at(g, n->in[0].value)->fact, *o = &sx_value_at(g, n->out[0])->fact;
  return i->kind == SX_KIND_TENSOR && o->kind == SX_KIND_TENSOR && i->rank >= 3 && i->rank == o->rank;
}

/* ---- sinking ---- */
static const int64_t *perm_of(const sx_graph *g, sx_vid v, int rank) {
  const sx_node *n = v == SX_NONE ? NULL : sx_value_producer(g, v);
  const int64_t *perm;
  return n && !n->custom && is_standard(n, "Transpose") && sx_attr_ints(n, "perm", &perm) == (uint32_t)rank ? perm : NULL;
}

/* The attribute that names a dimension of a node that else works element by element; "": it has none. NULL: it is none. */
static const char *axis_of(const sx_node *n) {
  static const char *const with_axis[] = {"Concat", "QuantizeLinear", "DequantizeLinear", "Softmax", "LogSoftmax"};
  if (n->domain.n) return NULL;
  if (n->since_version < 7) return NULL; /* operands of before are aligned by attributes */
  bool old = n->since_version < 13 && (is_standard(n, "Softmax") || is_standard(n, "LogSoftmax"));
  for (size_t i = 0; i < sizeof with_axis / sizeof *with_axis && !old; i++)
    if (is_standard(n, with_axis[i])) return "axis";
  const sx_op *op = sx_op_find(n->domain, n->op_type);
  return op && op->flags & SX_OP_ELEMENTWISE ? "" : NULL;
}

/* Whether each input of full rank comes through the same permutation; which one. */
static const int64_t *common_perm(const sx_graph *g, const sx_node *n, int rank, bool q) {
  const int64_t *perm = NULL;
  for (uint32_t i = 0; i < n->n_in && i < (q ? 1 : n->n_in); i++) {
    sx_vid v = n->in[i].value;
    if (v == SX_NONE) continue;
    const sx_tensor *t = sx_value_const(g, v);
    if (t && t->rank <= rank && sx_dtype_bits((sx_dtype)t->dtype) >= 8 && t->dtype != SX_STRING) continue;
    const int64_t *p = perm_of(g, v, rank);
    if (!p || (perm && memcmp(p, perm, (size_t)rank * sizeof *p) != 0)) return NULL;
    perm = p;
  }
  return perm;
}

static sx_status sink(sx_graph *g, sx_nid id, sx_err *e) {
  enum { MOST = 16 };
  const sx_node *n = sx_node_at(g, id);
  const char *axis = n->dead || n->custom || !n->n_in || n->n_in > MOST || n->n_out != 1 ? NULL : axis_of(n);
  if (!axis) return SX_OK;
  bool q = is_standard(n, "QuantizeLinear") || is_standard(n, "DequantizeLinear");
  int rank = sx_value_at(g, n->out[0])->fact.rank;
  const int64_t *perm = rank >= 3 ? common_perm(g, n, rank, q) : NULL;
  if (!perm || (q && sx_attr_int(n, "block_size", 0))) return SX_OK;
  int64_t inverse[SX_MAX_RANK], at = 0;
  sx_vid in[MOST];
  invert(perm, rank, inverse);
  for (uint32_t i = 0; i < n->n_in; i++) {
    in[i] = sx_node_at(g, id)->in[i].value;
    const sx_tensor *t = in[i] == SX_NONE ? NULL : sx_value_const(g, in[i]);
    if (in[i] == SX_NONE || (q && i)) continue;
    if (!t)
      in[i] = sx_value_producer(g, in[i])->in[0].value;
    else if (t->count != 1)
      SX_TRY(permute_constant(g, in[i], rank, inverse, &in[i], e));
  }
  if (*axis) {
    at = sx_attr_int(n, axis, sx_str_is(n->op_type, "Softmax") || sx_str_is(n->op_type, "LogSoftmax") ? -1 : 1);
    if (at < 0) at += rank;
    if (at < 0 || at >= rank) return SX_OK;
    at = perm[at];
  }
  sx_nid made;
  SX_TRY(replace(g, id, in, inverse, perm, &made, e));
  bool has = sx_node_attr(sx_node_at(g, made), axis) != NULL; /* Q and DQ have none before version 13 */
  if (*axis && has && !sx_node_set_int(g, made, axis, at)) SX_NO_MEMORY(e);
  return SX_OK;
}

/* Two Transpose in a row are one, or none. */
static sx_status join(sx_graph *g, sx_nid id, sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  if (n->dead || n->custom || !is_standard(n, "Transpose") || n->in[0].value == SX_NONE) return SX_OK;
  const int64_t *second;
  int rank = (int)sx_attr_ints(n, "perm", &second);
  const int64_t *first = perm_of(g, n->in[0].value, rank);
  int64_t both[SX_MAX_RANK];
  bool same = true;
  if (!first || !rank || rank > SX_MAX_RANK) return SX_OK;
  for (int i = 0; i < rank; i++) same &= (both[i] = first[second[i]]) == i;
  sx_vid from = sx_value_producer(g, n->in[0].value)->in[0].value, out = n->out[0];
  if (!same || sx_value_at(g, out)->output_uses) {
    sx_graph_set_input(g, id, 0, from);
    if (!sx_node_set_ints(g, id, "perm", both, (uint32_t)rank)) SX_NO_MEMORY(e);
    return SX_OK;
  }
  sx_graph_replace_value(g, out, from);
  sx_graph_kill(g, id);
  return SX_OK;
}

sx_status sx_source_channels_last(sx_graph *g, bool (*wanted)(void *ctx, sx_nid n), void *ctx, bool *changed, sx_err *e) {
  *changed = false;
  for (uint32_t i = 0, n = g->nodes.n; i < n; i++) {
    const sx_node *x = sx_node_at(g, i);
    if (!can_wrap(g, x) || !sx_source_has_layout(x) || !wanted(ctx, i)) continue;
    SX_TRY(wrap(g, i, FIRST_TO_LAST, SX_STR(NHWC), e));
    *changed = true;
  }
  if (!*changed) return SX_OK;
  SX_TRY(sx_graph_sort(g, e));
  for (uint32_t i = 0; i < g->order.n; i++) {
    SX_TRY(join(g, g->order.at[i], e));
    SX_TRY(sink(g, g->order.at[i], e));
  }
  sx_graph_sweep(g);
  return sx_graph_sort(g, e);
}

sx_status sx_source_channels_first(sx_graph *g, sx_err *e) {
  for (uint32_t i = 0, n = g->nodes.n; i < n; i++) {
    const sx_node *x = sx_node_at(g, i);
    if (x->dead || x->custom || !sx_str_is(x->domain, NHWC)) continue;
    bool ms = !sx_op_find((sx_str){"", 0}, x->op_type) && sx_op_find(SX_STR("com.microsoft"), x->op_type);
    SX_TRY(wrap(g, i, LAST_TO_FIRST, ms ? SX_STR("com.microsoft") : (sx_str){"", 0}, e));
  }
  return sx_graph_sort(g, e);
}
