// SPDX-License-Identifier: MIT
/* The borders between quantised and float values are moved until they meet: DequantizeLinear down and QuantizeLinear up
 * through what only moves elements, so that bytes are moved instead of floats and an operator stands right between its
 * borders. */
#include "pass/qdq.h"

static bool read_border(const sx_graph *g, const sx_node *n, sx_vid quantised, sx_qdq *q) {
  const sx_tensor *s = sx_value_const(g, sx_node_in(n, 1)), *z = sx_value_const(g, sx_node_in(n, 2));
  *q = (sx_qdq){.n = n,
                .x = n->in[0].value,
                .scale = n->in[1].value,
                .zero = sx_node_in(n, 2),
                .dtype = (sx_dtype)sx_value_at(g, quantised)->fact.dtype,
                .axis = -1};
  if (!s || s->dtype != SX_F32 || (q->zero != SX_NONE && !z)) return false;
  q->per_tensor = s->count == 1 && s->rank <= 1;
  if (q->per_tensor) return sx_tensor_get_f64(s, 0, &q->s) && q->s > 0 && (!z || sx_tensor_get_i64(z, 0, &q->z));
  const int rank = sx_value_at(g, q->x)->fact.rank;
  const int64_t axis = sx_attr_int(n, "axis", 1);
  if (s->rank == 1 && rank > 0 && axis >= -rank && axis < rank) q->axis = (int)(axis < 0 ? axis + rank : axis);
  return true;
}
bool sx_qdq_source(const sx_graph *g, sx_vid v, sx_qdq *q) {
  const sx_node *n = sx_pass_producer(g, v, &sx_op_DequantizeLinear);
  return n && sx_value_at(g, v)->fact.dtype == SX_F32 && read_border(g, n, n->in[0].value, q);
}
bool sx_qdq_sink(const sx_graph *g, const sx_node *n, sx_qdq *q) {
  return n->op == &sx_op_QuantizeLinear && sx_value_at(g, n->in[0].value)->fact.dtype == SX_F32 &&
         read_border(g, n, n->out[0], q);
}
sx_vid sx_qdq_zero(sx_graph *g, const sx_qdq *q) {
  sx_tensor *t;
  if (q->zero != SX_NONE) return q->zero;
  if (sx_tensor_create(q->dtype, 0, NULL, &t, NULL) != SX_OK || sx_model_hold(g->model, t, NULL) != SX_OK) return SX_NONE;
  return sx_graph_add_const(g, t, (sx_str){"", 0});
}
bool sx_qdq_moves(const sx_node *n) {
  if (n->custom || !n->op || n->n_in == 0 || n->n_out == 0) return false;
  if (n->op == &sx_op_MaxPool) return n->n_out == 1 || n->out[1] == SX_NONE;
  for (uint32_t o = 0; o < n->n_out; o++)
    if (n->out[o] == SX_NONE) return false;
  return n->op->flags & SX_OP_QDQ_TRANSPARENT;
}

/* A node like n on `in`, with its attributes, n_out outputs. SX_NONE: the patch failed. */
static sx_nid like(sx_patch *p, const sx_node *n, const sx_vid *in, sx_vid *out) {
  sx_nid id = sx_patch_nodes(p, n->op, in, n->n_in, out, n->n_out);
  if (id == SX_NONE) return id;
  sx_node *m = sx_node_at(p->g, id);
  m->attrs = n->attrs, m->n_attrs = n->n_attrs, m->name = n->name, m->domain = n->domain;
  return id;
}
/* A border like q on x: DequantizeLinear or QuantizeLinear, scale and zero point its own. */
static sx_vid border(sx_patch *p, const sx_qdq *q, sx_vid x) {
  const sx_vid in[3] = {x, q->scale, q->zero};
  sx_vid y = sx_patch_node(p, q->n->op, in, q->zero == SX_NONE ? 2 : 3);
  if (y == SX_NONE) return y;
  sx_node *m = sx_graph_emitted(p->g, y);
  m->attrs = q->n->attrs, m->n_attrs = q->n->n_attrs;
  return y;
}

/* A Transpose carries an axis of scales along. */
static bool move_axis(const sx_node *n, const sx_qdq *q, int64_t *axis) {
  const int64_t *perm;
  uint32_t k = sx_attr_ints(n, "perm", &perm);
  for (uint32_t i = 0; i < k; i++)
    if (perm[i] == q->axis) *axis = i;
  return n->op == &sx_op_Transpose && k > 0 && q->axis >= 0;
}

enum { MAX_PARTS = 64 };

/* DequantizeLinear goes behind n. */
static sx_status push(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  sx_qdq q, other;
  int64_t axis = 0;
  sx_vid in[MAX_PARTS], out[MAX_PARTS];
  const bool grows = n->op == &sx_op_Expand || n->op == &sx_op_Tile, concat = n->op == &sx_op_Concat;
  if (grows || n->n_in > MAX_PARTS || n->n_out > SX_MAX_SWAPS || !sx_qdq_source(g, n->in[0].value, &q) ||
      (!q.per_tensor && !move_axis(n, &q, &axis)))
    return SX_OK;
  for (uint32_t i = 0; i < n->n_in; i++) {
    in[i] = n->in[i].value;
    if (i && !concat) continue;
    if (!sx_qdq_source(g, in[i], &other) || (i && !sx_qdq_same(&q, &other))) return SX_OK;
    in[i] = other.x;
  }
  sx_patch p = sx_patch_begin(c);
  if (like(&p, n, in, out) == SX_NONE) SX_NO_MEMORY(c->e);
  for (uint32_t o = 0; o < n->n_out; o++) {
    sx_vid y = border(&p, &q, out[o]);
    if (y == SX_NONE) SX_NO_MEMORY(c->e);
    if (!q.per_tensor && !sx_node_set_int(g, sx_value_at(g, y)->producer, "axis", axis)) SX_NO_MEMORY(c->e);
    sx_patch_swap(&p, n->out[o], y);
  }
  return sx_patch_apply(&p, NULL);
}

/* QuantizeLinear goes in front of what makes its input; *next is then the border that may go further. */
static sx_status pull(sx_pass_ctx *c, sx_nid id, sx_nid *next) {
  sx_graph *g = c->g;
  const sx_node *n = sx_node_at(g, id), *m = sx_value_producer(g, n->in[0].value);
  sx_qdq q;
  sx_vid in[MAX_PARTS], out[1];
  bool applied;
  *next = SX_NONE;
  if (!m || m->n_in > MAX_PARTS || m->n_out != 1 || !sx_qdq_moves(m) || !sx_pass_single_use(g, n->in[0].value) ||
      !sx_qdq_sink(g, n, &q) || !q.per_tensor)
    return SX_OK;
  if (sx_dtype_bits(q.dtype) < 8) return SX_OK;
  sx_patch p = sx_patch_begin(c);
  for (uint32_t i = 0; i < m->n_in; i++) {
    in[i] = m->in[i].value;
    if (i == 0 || m->op == &sx_op_Concat) in[i] = border(&p, &q, in[i]);
  }
  if (in[0] == SX_NONE || like(&p, m, in, out) == SX_NONE) SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, n->out[0], out[0]);
  SX_TRY(sx_patch_apply(&p, &applied));
  if (applied && m->op != &sx_op_Concat) *next = sx_value_at(g, in[0])->producer;
  return SX_OK;
}

/* Rows of a table that is computed from constants (integers times scales): v with the rows of `index` gathered before what
 * is computed. SX_NONE: not such a table. */
static sx_vid gathered(sx_patch *p, const sx_node *gather, sx_vid v, int64_t rows, int rank, int depth, bool *table) {
  sx_graph *g = p->g;
  const sx_tensor *t = sx_value_const(g, v);
  if (t && (t->rank < rank || t->dims[0] == 1)) return v; /* the same for all rows */
  if (t) {
    const sx_vid in[2] = {v, gather->in[1].value};
    *table = t->rank == rank && t->dims[0] == rows;
    return *table ? sx_patch_node(p, &sx_op_Gather, in, 2) : SX_NONE;
  }
  const sx_node *n = sx_value_producer(g, v);
  sx_vid in[2];
  if (!n || !n->op || !(n->op->flags & SX_OP_ELEMENTWISE) || n->n_in > 2 || !depth || !sx_pass_single_use(g, v))
    return SX_NONE;
  for (uint32_t i = 0; i < n->n_in; i++)
    if ((in[i] = gathered(p, gather, n->in[i].value, rows, rank, depth - 1, table)) == SX_NONE) return SX_NONE;
  sx_vid y = sx_patch_node(p, n->op, in, n->n_in);
  if (y != SX_NONE) sx_graph_emitted(g, y)->attrs = n->attrs, sx_graph_emitted(g, y)->n_attrs = n->n_attrs;
  return y;
}
static sx_status gather_first(sx_pass_ctx *c, const sx_node *n) {
  const sx_fact *f = &sx_value_at(c->g, n->in[0].value)->fact;
  bool table = false;
  if (f->rank < 1 || !sx_dim_is_const(f->dims[0]) || f->dims[0] < 2 || sx_attr_int(n, "axis", 0) != 0 ||
      sx_value_const(c->g, n->in[0].value))
    return SX_OK;
  sx_patch p = sx_patch_begin(c);
  sx_vid y = gathered(&p, n, n->in[0].value, f->dims[0], f->rank, 4, &table);
  if (y == SX_NONE || !table) {
    for (uint32_t i = c->g->nodes.n; i-- > p.first;) sx_graph_kill(c->g, i);
    return SX_OK;
  }
  sx_patch_swap(&p, n->out[0], y);
  return sx_patch_apply(&p, NULL);
}

sx_status sx_pass_qdq_move(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  bool any = false;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    if (!n->dead && n->op == &sx_op_Gather) SX_TRY(gather_first(c, n));
  }
  for (uint32_t i = 0; i < g->order.n; i++)
    any |= sx_node_at(g, g->order.at[i])->op == &sx_op_DequantizeLinear ||
           sx_node_at(g, g->order.at[i])->op == &sx_op_QuantizeLinear;
  for (uint32_t i = g->order.n; any && i-- > 0;)
    for (sx_nid id = g->order.at[i], next; id != SX_NONE; id = next) {
      next = SX_NONE;
      const sx_node *n = sx_node_at(g, id);
      if (!n->dead && n->op == &sx_op_QuantizeLinear) SX_TRY(pull(c, id, &next));
    }
  SX_TRY(sx_graph_sort(g, c->e));
  for (uint32_t i = 0; any && i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    if (!n->dead && sx_qdq_moves(n)) SX_TRY(push(c, n));
  }
  return SX_OK;
}
