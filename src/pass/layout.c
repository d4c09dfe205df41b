// SPDX-License-Identifier: MIT
/* Layout assignment: convolution nets run in channel blocks. Convolutions and pools ask for the blocked layout; operators
 * that do not care follow when all of their large operands have it; everything else gets its operands converted back. One
 * pass over the nodes in order decides, with at most one conversion per value and direction. */
#include "pass/pass.h"

typedef struct layout {
  sx_pass_ctx *c;
  sx_graph *g;
  sx_vid *blocked; /* by value: its blocked twin, or SX_NONE */
  sx_vid *plain;   /* by value: its plain twin */
  uint32_t n;      /* values there are entries for */
  uint32_t place;  /* of the node that is being looked at: conversions stand beside it */
  uint32_t asked,
      returns; /* element types, a bit each: whether a kernel brings blocks of them back has been asked, and one does */
} layout;

static bool is_blocked(const sx_graph *g, sx_vid v) { return sx_value_at(g, v)->fact.layout == SX_BLOCKED; }
static bool image(const sx_fact *f) {
  const uint32_t types = 1u << SX_F32 | 1u << SX_I32 | 1u << SX_U8 | 1u << SX_I8; /* those that can be converted */
  return f->kind == SX_KIND_TENSOR && types >> f->dtype & 1 && f->rank >= 3 && f->rank <= 5 && sx_dim_is_const(f->dims[1]);
}
static bool is_integer_conv(const sx_op *op) {
  return op == &sx_op_ConvInteger || op == &sx_op_QLinearConv || op == &sx_op_QuantConv ||
         op == &sx_op_ConvIntegerToFloat;
}
static bool is_conv(const sx_op *op) { return op == &sx_op_Conv || op == &sx_op_FusedConv || is_integer_conv(op); }

static sx_vid convert(layout *l, sx_vid v, bool to_blocked) {
  sx_graph *g = l->g;
  if (is_blocked(g, v) == to_blocked) return v;
  sx_vid *twin = v < l->n ? &(to_blocked ? l->blocked : l->plain)[v] : NULL;
  if (twin && *twin != SX_NONE) return *twin;
  const sx_node *p = sx_value_producer(g, v);
  if (p && p->op == (to_blocked ? &sx_op_FromBlocked : &sx_op_ToBlocked)) return p->in[0].value;
  sx_vid y = sx_graph_emit(g, to_blocked ? &sx_op_ToBlocked : &sx_op_FromBlocked, &v, 1);
  if (y == SX_NONE) return y;
  sx_nid id = sx_value_at(g, y)->producer;
  if (to_blocked && !sx_node_set_int(g, id, "block", l->c->channel_block)) return SX_NONE;
  sx_node_at(g, id)->place = l->place;
  if ((p = sx_value_producer(g, v)) != NULL) sx_node_at(g, id)->origin = p->origin;
  if (sx_infer_node(g, id, l->c->e) != SX_OK) return SX_NONE;
  if (twin) *twin = y;
  return y;
}

/* Channels per group fill whole blocks (or a few groups together do), or the convolution is depthwise. */
static bool wants_blocks(const layout *l, const sx_node *n) {
  const sx_graph *g = l->g;
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact, *y = &sx_value_at(g, n->out[0])->fact;
  const bool integer = is_integer_conv(n->op);
  if (!image(x) || !image(y)) return false;
  int64_t b = l->c->channel_block, group = sx_attr_int(n, "group", 1), in = x->dims[1], out = y->dims[1];
  if (group == 1) return (integer || in >= b / 2) && out >= b / 2;
  if (group == in && group == out) return true;
  if (!integer && group == in && in >= b / 2 && out >= in && out % in == 0 && (b % (out / in) == 0 || out / in % b == 0)) return x->rank == 4;
  for (int64_t m = 1; m <= b; m *= 2)
    if (group % m == 0 && in / group * m % b == 0 && out / group * m % b == 0) return true;
  return false;
}
/* Plain transposed convolutions are as fast as blocked ones and a change of layout, and multiply nothing that is not there: weights
 * that only the run knows may be infinite. */
static bool transpose_stays(const layout *l, const sx_node *n) {
  if (n->op != &sx_op_ConvTranspose || !sx_value_const(l->g, n->in[1].value)) return false;
  const sx_value *x = sx_value_at(l->g, n->in[0].value);
  return x->fact.layout == SX_BLOCKED || (x->fact.rank > 1 && sx_attr_int(n, "group", 1) == x->fact.dims[1]);
}
static bool is_stem(const layout *l, const sx_node *n) {
  const sx_graph *g = l->g;
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact, *y = &sx_value_at(g, n->out[0])->fact;
  const int64_t *dil;
  uint32_t k = sx_attr_ints(n, "dilations", &dil);
  if (!image(x) || !image(y) || is_blocked(g, n->in[0].value)) return false;
  return sx_attr_int(n, "group", 1) == 1 && x->dims[1] <= 4 && y->dims[1] >= l->c->channel_block / 2 &&
         (k == 0 || dil[k - 1] == 1) && sx_node_in(n, 3) == SX_NONE;
}

static sx_status set_input(layout *l, sx_nid id, uint32_t slot, bool blocked) {
  sx_vid v = sx_node_at(l->g, id)->in[slot].value, w = v == SX_NONE ? v : convert(l, v, blocked);
  if (v != SX_NONE && w == SX_NONE) SX_NO_MEMORY(l->c->e);
  if (v != w) sx_graph_set_input(l->g, id, slot, w);
  return SX_OK;
}

static bool runs(const layout *l, sx_nid id) { return !l->c->can_run || l->c->can_run(l->c->can_run_ctx, l->g, id); }
static bool takes_blocks(const layout *l, sx_nid id) {
  return !l->c->can_run || l->c->can_run(l->c->can_run_ctx, l->g, id) & SX_RUNS_BLOCKED;
}
static bool whole_blocks(const layout *l, const sx_fact *f) { return image(f) && f->dims[1] % l->c->channel_block == 0; }

/* Operators that keep the zero in the padding lanes of a last block that is not full. */
static bool keeps_zero(const sx_graph *g, const sx_node *n) {
  static const sx_op *const ops[] = {&sx_op_Abs,       &sx_op_Add,  &sx_op_Elu,   &sx_op_Erf, &sx_op_Gelu, &sx_op_HardSwish,
                                     &sx_op_LeakyRelu, &sx_op_Mish, &sx_op_Mul,   &sx_op_Neg, &sx_op_Relu, &sx_op_Sign,
                                     &sx_op_Sqrt,      &sx_op_Sub,  &sx_op_Swish, &sx_op_Tanh};
  const sx_graph *b = sx_attr_graph(n, "body");
  for (uint32_t i = 0; b && i < b->order.n; i++)
    if (!keeps_zero(b, sx_node_at(b, b->order.at[i]))) return false;
  bool found = b != NULL || n->op == &sx_op_Clip || n->op == &sx_op_Max || n->op == &sx_op_Min;
  for (uint32_t i = 0; i < n->n_in && n->op != &sx_op_Mul; i++) {
    double k;
    if (!sx_value_const(g, n->in[i].value)) continue;
    bool lower = n->op == &sx_op_Max || (n->op == &sx_op_Clip && i == 1),
         upper = n->op == &sx_op_Min || (n->op == &sx_op_Clip && i == 2);
    if (!sx_pass_scalar(g, n->in[i].value, &k) || !(k == 0 || (lower && k < 0) || (upper && k > 0))) return false;
  }
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) found |= ops[i] == n->op;
  return found;
}

/* How an operand stands beside blocked ones: in blocks, or as it is (one number, or whole blocks of one number per
 * channel), or it would have to be converted (cheap when it is small). */
typedef enum stand { STANDS_BLOCKED, STANDS_PLAIN, STANDS_CHEAP, STANDS_DEAR, STANDS_NOT } stand;
static stand operand(const layout *l, sx_vid v, const sx_fact *y) {
  const sx_fact *f = &sx_value_at(l->g, v)->fact;
  if (f->kind != SX_KIND_TENSOR || f->rank < 0 || f->rank > y->rank) return STANDS_NOT;
  if (f->layout == SX_BLOCKED) return f->rank == y->rank && f->dims[1] == y->dims[1] ? STANDS_BLOCKED : STANDS_NOT;
  int64_t count = 1, channels = 1;
  for (int i = 0; i < f->rank && count > 0; i++) {
    count = sx_dim_is_const(f->dims[i]) ? count * f->dims[i] : -1;
    if (i + y->rank - f->rank == 1) channels = f->dims[i];
  }
  if (count == 1 || (count > 0 && count == channels && channels % l->c->channel_block == 0)) return STANDS_PLAIN;
  if (f->rank != y->rank || !image(f) || f->dims[1] != y->dims[1]) return STANDS_NOT;
  return (v < l->n && l->blocked[v] != SX_NONE) || count == channels ? STANDS_CHEAP : STANDS_DEAR;
}

/* Elementwise: when a blocked operand has the result's shape, and no more operands would have to be converted than are
 * there. */
static bool elementwise_follows(const layout *l, const sx_node *n) {
  const sx_fact *y = &sx_value_at(l->g, n->out[0])->fact;
  uint32_t count[STANDS_NOT + 1] = {0};
  bool any = false;
  if (y->kind != SX_KIND_TENSOR || y->rank < 3 || !sx_dim_is_const(y->dims[1]) || sx_dtype_bits((sx_dtype)y->dtype) < 8)
    return false;
  bool whole = y->dims[1] % l->c->channel_block == 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (n->in[i].value == SX_NONE) continue;
    stand s = operand(l, n->in[i].value, y);
    any |= s == STANDS_BLOCKED && sx_pass_same_shape(&sx_value_at(l->g, n->in[i].value)->fact, y);
    if (s == STANDS_PLAIN && !whole && n->op != &sx_op_Mul && !sx_value_const(l->g, n->in[i].value))
      return false; /* might move the padding's zero */
    count[s]++;
  }
  return any && !count[STANDS_NOT] && count[STANDS_DEAR] <= count[STANDS_BLOCKED] && (whole || keeps_zero(l->g, n));
}

/* Concat and Split along the channels are block copies when every part is whole blocks. */
static bool concat_follows(const layout *l, const sx_node *n) {
  uint32_t blocked = 0;
  int64_t axis = sx_attr_int(n, "axis", 0);
  for (uint32_t i = 0; i < n->n_in; i++) {
    const sx_fact *f = &sx_value_at(l->g, n->in[i].value)->fact;
    if (!whole_blocks(l, f) || (axis != 1 && axis != 1 - f->rank)) return false;
    blocked += is_blocked(l->g, n->in[i].value);
  }
  return 2 * blocked >= n->n_in;
}
static bool split_follows(const layout *l, const sx_node *n) {
  int64_t axis = sx_attr_int(n, "axis", 0);
  if (!is_blocked(l->g, n->in[0].value) || (axis != 1 && axis != 1 - sx_value_at(l->g, n->in[0].value)->fact.rank))
    return false;
  for (uint32_t o = 0; o < n->n_out; o++)
    if (n->out[o] != SX_NONE && !whole_blocks(l, &sx_value_at(l->g, n->out[o])->fact)) return false;
  return true;
}
/* Resize of the plane alone. */
static bool resize_follows(const layout *l, const sx_node *n) {
  const sx_fact *x = &sx_value_at(l->g, n->in[0].value)->fact, *y = &sx_value_at(l->g, n->out[0])->fact;
  return is_blocked(l->g, n->in[0].value) && y->rank == x->rank && x->dims[0] == y->dims[0] && x->dims[1] == y->dims[1];
}
static bool normalise_follows(const layout *l, const sx_node *n) {
  return n->n_out == 1 && is_blocked(l->g, n->in[0].value) && whole_blocks(l, &sx_value_at(l->g, n->out[0])->fact);
}

static bool is_pool(const sx_op *op) {
  return op == &sx_op_MaxPool || op == &sx_op_AveragePool || op == &sx_op_GlobalAveragePool || op == &sx_op_GlobalMaxPool;
}

/* Quantised: one scale for all of the tensor. Padding lanes of bytes may hold anything, of floats they are zero. */
static bool is_one(const sx_graph *g, sx_vid v) {
  const sx_fact *f = &sx_value_at(g, v)->fact;
  return f->rank == 0 || (f->rank == 1 && f->dims[0] == 1);
}
static bool is_quantised(const sx_op *op) {
  return op == &sx_op_QuantizeLinear || op == &sx_op_DequantizeLinear || op == &sx_op_DynamicQuantizeLinear ||
         op == &sx_op_Lookup || op == &sx_op_QLinearGlobalAveragePool || op == &sx_op_QLinearAdd || op == &sx_op_QLinearMul;
}
static bool quantised_follows(const layout *l, const sx_node *n) {
  const sx_graph *g = l->g;
  const sx_fact *y = &sx_value_at(g, n->out[0])->fact, *x = &sx_value_at(g, n->in[0].value)->fact;
  if (n->op == &sx_op_QLinearAdd || n->op == &sx_op_QLinearMul) {
    const sx_fact *z = &sx_value_at(g, n->in[3].value)->fact;
    return x->layout == SX_BLOCKED && z->layout == SX_BLOCKED && sx_pass_same_shape(x, y) && sx_pass_same_shape(z, y);
  }
  if (x->layout != SX_BLOCKED || n->op == &sx_op_Lookup || n->op == &sx_op_QLinearGlobalAveragePool) return x->layout == SX_BLOCKED;
  if (n->op == &sx_op_DynamicQuantizeLinear) return whole_blocks(l, x);
  return is_one(g, n->in[1].value) && (n->op == &sx_op_QuantizeLinear || whole_blocks(l, x));
}

/* Whether the node runs in blocks because its operands do; *inputs: how many of them are tensors that must be in blocks
 * too. */
static bool follows(const layout *l, sx_nid id, uint32_t *inputs) {
  const sx_node *n = sx_node_at(l->g, id);
  *inputs = 1;
  bool yes = false;
  if (is_pool(n->op))
    yes = is_blocked(l->g, n->in[0].value) && sx_node_out(n, 1) == SX_NONE;
  else if (n->op == &sx_op_Resize)
    yes = resize_follows(l, n);
  else if (n->op == &sx_op_Split)
    yes = split_follows(l, n);
  else if (n->op == &sx_op_BatchNormalization)
    yes = normalise_follows(l, n);
  else if (is_quantised(n->op))
    yes = quantised_follows(l, n), *inputs = 0;
  else {
    *inputs = n->n_in;
    if (n->op == &sx_op_Concat)
      yes = concat_follows(l, n);
    else if (n->op == &sx_op_Elementwise || n->op->flags & SX_OP_ELEMENTWISE)
      yes = elementwise_follows(l, n);
  }
  return yes && takes_blocks(l, id);
}

static void mark(const layout *l, const sx_node *n) {
  for (uint32_t o = 0; o < n->n_out; o++) {
    if (n->out[o] == SX_NONE) continue;
    sx_fact *f = &sx_value_at(l->g, n->out[o])->fact;
    if (o > 0 && n->op == &sx_op_DynamicQuantizeLinear) break; /* scale and zero point */
    f->layout = SX_BLOCKED, f->block = (uint8_t)l->c->channel_block;
  }
}

/* Whoever wants the plain form of a blocked value must be able to have it; a kernel for the type is looked for once. */
static bool returns(layout *l, sx_vid v) {
  const uint32_t bit = 1u << sx_value_at(l->g, v)->fact.dtype;
  if (!(l->asked & bit)) {
    sx_vid y = sx_graph_emit(l->g, &sx_op_FromBlocked, &v, 1);
    if (y == SX_NONE) return false;
    if (runs(l, sx_value_at(l->g, y)->producer)) l->returns |= bit;
    l->asked |= bit;
    sx_graph_kill(l->g, sx_value_at(l->g, y)->producer);
  }
  return l->returns & bit;
}
/* Takes a node out of the blocks again when no kernel has it, or its results, that way. */
static sx_status keep_runnable(layout *l, sx_nid id, bool *kept) {
  sx_node *n = sx_node_at(l->g, id);
  *kept = runs(l, id);
  for (uint32_t o = 0; o < n->n_out && *kept; o++)
    if (n->out[o] != SX_NONE && is_blocked(l->g, n->out[o])) *kept = returns(l, n->out[o]);
  if (*kept) return SX_OK;
  n = sx_node_at(l->g, id);
  for (uint32_t o = 0; o < n->n_out; o++)
    if (n->out[o] != SX_NONE)
      sx_value_at(l->g, n->out[o])->fact.layout = SX_PLAIN, sx_value_at(l->g, n->out[o])->fact.block = 0;
  if (sx_attr_int(n, "blocked_out", 0) && !sx_node_set_int(l->g, id, "blocked_out", 0)) SX_NO_MEMORY(l->c->e);
  for (uint32_t i = 0; i < n->n_in; i++) SX_TRY(set_input(l, id, i, false));
  return SX_OK;
}

static sx_status visit(layout *l, sx_nid id) {
  sx_graph *g = l->g;
  sx_node *n = sx_node_at(g, id);
  l->place = n->place;
  if (n->dead || n->op == &sx_op_ToBlocked || n->op == &sx_op_FromBlocked) return SX_OK;
  uint32_t inputs;
  bool conv = is_conv(n->op);
  if (conv && !is_integer_conv(n->op) && is_stem(l, n)) {
    if (!sx_node_set_int(g, id, "blocked_out", l->c->channel_block)) SX_NO_MEMORY(l->c->e);
    mark(l, n);
  } else if ((conv || transpose_stays(l, n)) && wants_blocks(l, n)) {
    SX_TRY(set_input(l, id, 0, true));
    if (n->op == &sx_op_FusedConv && sx_node_in(n, 3) != SX_NONE) SX_TRY(set_input(l, id, 3, true));
    mark(l, n);
  } else if (n->op && follows(l, id, &inputs)) { /* a custom node has none: it reads plain arrays */
    const sx_fact *y = &sx_value_at(g, n->out[0])->fact;
    for (uint32_t i = 0; i < inputs; i++)
      if (n->in[i].value != SX_NONE && (n->op == &sx_op_Concat || operand(l, n->in[i].value, y) > STANDS_PLAIN))
        SX_TRY(set_input(l, id, i, true));
    mark(l, n);
  } else {
    for (uint32_t i = 0; i < n->n_in; i++) SX_TRY(set_input(l, id, i, false));
    return SX_OK;
  }
  bool kept;
  SX_TRY(keep_runnable(l, id, &kept));
  if (kept && l->c->fired) l->c->fired[l->c->pass]++;
  return SX_OK;
}

sx_status sx_pass_layout(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  bool any = false;
  for (uint32_t i = 0; i < g->order.n && !any; i++) {
    const sx_op *op = sx_node_at(g, g->order.at[i])->op;
    any |= is_conv(op) || op == &sx_op_ConvTranspose;
  }
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
    if (p == SX_NONE)
      s = sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    else if (p != v) {
      sx_value_at(g, p)->name = sx_value_at(g, v)->name, sx_value_at(g, v)->name = (sx_str){"", 0};
      sx_graph_set_output(g, o, p);
    }
  }
  sx_free(l.blocked, 2 * bytes);
  return s;
}
