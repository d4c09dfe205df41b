// SPDX-License-Identifier: MIT
/* Layout assignment: convolution nets run in channel blocks. Convolutions and pools ask for the blocked layout; operators that do
 * not care follow when all of their large operands have it; everything else gets its operands converted back. One pass over the
 * nodes in order decides, with at most one conversion per value and direction. */
#include "pass/pass.h"

typedef struct layout {
  sx_pass_ctx *c;
  sx_graph *g;
  sx_vid *blocked; /* by value: its blocked twin, or SX_NONE */
  sx_vid *plain;   /* by value: its plain twin */
  uint32_t n;      /* values there are entries for */
} layout;

static bool is_blocked(const sx_graph *g, sx_vid v) { return sx_value_at(g, v)->fact.layout == SX_BLOCKED; }
static bool image(const sx_fact *f) { return f->kind == SX_KIND_TENSOR && f->dtype == SX_F32 && f->rank >= 3 && f->rank <= 5 && sx_dim_is_const(f->dims[1]); }

static sx_vid convert(layout *l, sx_vid v, bool to_blocked) {
  sx_graph *g = l->g;
  if (is_blocked(g, v) == to_blocked) return v;
  sx_vid *twin = v < l->n ? &(to_blocked ? l->blocked : l->plain)[v] : NULL;
  if (twin && *twin != SX_NONE) return *twin;
  sx_vid y = sx_graph_emit(g, to_blocked ? &sx_op_ToBlocked : &sx_op_FromBlocked, &v, 1);
  if (y == SX_NONE) return y;
  sx_nid id = sx_value_at(g, y)->producer;
  if (to_blocked && !sx_node_set_int(g, id, "block", l->c->channel_block)) return SX_NONE;
  const sx_node *p = sx_value_producer(g, v);
  if (p) sx_node_at(g, id)->origin = p->origin;
  if (sx_infer_node(g, id, l->c->e) != SX_OK) return SX_NONE;
  if (twin) *twin = y;
  return y;
}

/* Channels per group fill whole blocks (or a few groups together do), or the convolution is depthwise. */
static bool wants_blocks(const layout *l, const sx_node *n) {
  const sx_graph *g = l->g;
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact, *y = &sx_value_at(g, n->out[0])->fact;
  if (!image(x) || !image(y) || !sx_value_const(g, n->in[1].value)) return false;
  int64_t b = l->c->channel_block, group = sx_attr_int(n, "group", 1), in = x->dims[1], out = y->dims[1];
  if (n->op == &sx_op_ConvTranspose && group == in && group == out) return false;
  if (group == 1) return in >= b / 2 && out >= b / 2;
  if (group == in && group == out) return true;
  for (int64_t m = 1; m <= b; m *= 2)
    if (group % m == 0 && in / group * m % b == 0 && out / group * m % b == 0) return true;
  return false;
}
static bool is_stem(const layout *l, const sx_node *n) {
  const sx_graph *g = l->g;
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact, *y = &sx_value_at(g, n->out[0])->fact;
  const int64_t *dil;
  uint32_t k = sx_attr_ints(n, "dilations", &dil);
  if (!image(x) || !image(y) || x->rank != 4 || !sx_value_const(g, n->in[1].value) || is_blocked(g, n->in[0].value)) return false;
  return sx_attr_int(n, "group", 1) == 1 && x->dims[1] <= 4 && y->dims[1] >= l->c->channel_block / 2 && (k == 0 || (dil[0] == 1 && dil[1] == 1)) && sx_node_in(n, 3) == SX_NONE;
}

static sx_status set_input(layout *l, sx_nid id, uint32_t slot, bool blocked) {
  sx_vid v = sx_node_at(l->g, id)->in[slot].value, w = v == SX_NONE ? v : convert(l, v, blocked);
  if (v != SX_NONE && w == SX_NONE) SX_NO_MEMORY(l->c->e);
  if (v != w) sx_graph_set_input(l->g, id, slot, w);
  return SX_OK;
}

/* A value that is cheap to have in blocks beside others: blocked already, a scalar, or per channel with whole blocks. */
static bool follows(const layout *l, sx_vid v, const sx_fact *like) {
  const sx_fact *f = &sx_value_at(l->g, v)->fact;
  if (f->layout == SX_BLOCKED) return f->rank == like->rank;
  int64_t count = 1, channels = 1;
  for (int i = 0; i < f->rank; i++) {
    if (!sx_dim_is_const(f->dims[i])) return false;
    count *= f->dims[i];
    if (i + like->rank - f->rank == 1) channels = f->dims[i];
  }
  return f->rank <= like->rank && count == channels && (count == 1 || channels % l->c->channel_block == 0);
}

static bool same_image(const sx_fact *a, const sx_fact *b) {
  for (int i = 0; i < a->rank; i++)
    if (a->rank != b->rank || a->dims[i] != b->dims[i]) return false;
  return a->rank == b->rank;
}

/* Elementwise: when at least one operand is blocked and has the result's shape, and all others can follow or are worth it. */
static bool elementwise_follows(const layout *l, const sx_node *n) {
  const sx_fact *y = &sx_value_at(l->g, n->out[0])->fact;
  bool any = false;
  if (y->kind != SX_KIND_TENSOR || y->rank < 3 || !sx_dim_is_const(y->dims[1])) return false;
  for (uint32_t i = 0; i < n->n_in; i++) {
    sx_vid v = n->in[i].value;
    if (v == SX_NONE) continue;
    if (!follows(l, v, y)) return false;
    const sx_fact *f = &sx_value_at(l->g, v)->fact;
    any |= is_blocked(l->g, v) && same_image(f, y);
    if (f->layout == SX_BLOCKED && f->dims[1] != y->dims[1]) return false;
  }
  return any && sx_dtype_bits((sx_dtype)y->dtype) >= 8;
}

static bool whole_blocks(const layout *l, const sx_fact *f) { return image(f) && f->dims[1] % l->c->channel_block == 0; }
/* Concat and Split along the channels are block copies when every part is whole blocks. */
static bool concat_follows(const layout *l, const sx_node *n) {
  if (sx_attr_int(n, "axis", 0) != 1) return false;
  uint32_t blocked = 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (!whole_blocks(l, &sx_value_at(l->g, n->in[i].value)->fact)) return false;
    blocked += is_blocked(l->g, n->in[i].value);
  }
  return 2 * blocked > n->n_in;
}
static bool split_follows(const layout *l, const sx_node *n) {
  if (sx_attr_int(n, "axis", 0) != 1 || !is_blocked(l->g, n->in[0].value)) return false;
  for (uint32_t o = 0; o < n->n_out; o++)
    if (n->out[o] != SX_NONE && !whole_blocks(l, &sx_value_at(l->g, n->out[o])->fact)) return false;
  return true;
}

static bool is_pool(const sx_op *op) { return op == &sx_op_MaxPool || op == &sx_op_AveragePool || op == &sx_op_GlobalAveragePool || op == &sx_op_GlobalMaxPool; }

static void mark(const layout *l, const sx_node *n) {
  for (uint32_t o = 0; o < n->n_out; o++) {
    if (n->out[o] == SX_NONE) continue;
    sx_fact *f = &sx_value_at(l->g, n->out[o])->fact;
    f->layout = SX_BLOCKED, f->block = (uint8_t)l->c->channel_block;
  }
}

static sx_status visit(layout *l, sx_nid id) {
  sx_graph *g = l->g;
  sx_node *n = sx_node_at(g, id);
  if (n->dead || !n->op || n->op == &sx_op_ToBlocked || n->op == &sx_op_FromBlocked) return SX_OK;
  bool conv = n->op == &sx_op_Conv || n->op == &sx_op_FusedConv;
  if (conv && is_stem(l, n)) {
    if (!sx_node_set_int(g, id, "blocked_out", l->c->channel_block)) SX_NO_MEMORY(l->c->e);
    mark(l, n);
  } else if ((conv || n->op == &sx_op_ConvTranspose) && wants_blocks(l, n)) {
    SX_TRY(set_input(l, id, 0, true));
    if (sx_node_in(n, 3) != SX_NONE) SX_TRY(set_input(l, id, 3, true));
    mark(l, n);
  } else if (is_pool(n->op) && is_blocked(g, n->in[0].value) && (n->n_out == 1 || n->out[1] == SX_NONE))
    mark(l, n);
  else if (n->op == &sx_op_Elementwise || n->op->flags & SX_OP_ELEMENTWISE ? elementwise_follows(l, n) : false)
    mark(l, n);
  else {
    for (uint32_t i = 0; i < n->n_in; i++) SX_TRY(set_input(l, id, i, false));
    return SX_OK;
  }
  if (l->c->fired) l->c->fired[l->c->pass]++;
  return SX_OK;
}

sx_status sx_pass_layout(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  bool any = false;
  for (uint32_t i = 0; i < g->order.n; i++) any |= sx_node_at(g, g->order.at[i])->op == &sx_op_Conv || sx_node_at(g, g->order.at[i])->op == &sx_op_FusedConv;
  if (!any || c->channel_block < 2) return SX_OK;
  layout l = {.c = c, .g = g, .n = g->values.n};
  size_t bytes = (size_t)l.n * sizeof(sx_vid);
  l.blocked = sx_malloc(2 * bytes);
  if (!l.blocked) SX_NO_MEMORY(c->e);
  l.plain = l.blocked + l.n;
  memset(l.blocked, 0xff, 2 * bytes);
  sx_status s = SX_OK;
  for (uint32_t i = 0, n = g->order.n; i < n && s == SX_OK; i++) s = visit(&l, g->order.at[i]);
  for (uint32_t o = 0; o < g->outputs.n && s == SX_OK; o++) { /* the caller's outputs are plain */
    sx_vid v = g->outputs.at[o], p = convert(&l, v, false);
    if (p == SX_NONE) s = sx_fail(c->e, SX_E_NO_MEMORY, __FILE__, __LINE__, "out of memory");
    else if (p != v) {
      sx_value_at(g, p)->name = sx_value_at(g, v)->name, sx_value_at(g, v)->name = (sx_str){"", 0};
      sx_graph_set_output(g, o, p);
    }
  }
  sx_free(l.blocked, 2 * bytes);
  (void)concat_follows, (void)split_follows;
  return s;
}
