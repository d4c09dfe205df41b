// SPDX-License-Identifier: MIT
/* Runs of elementwise operators become one Elementwise node each. Nodes are visited from the results backwards: a node
 * whose result has the shape of a group's result and is read by that group alone joins it. No value leaves a group but by
 * its root, so that no cycle can arise. Operands that are broadcast, and everything else, stay inputs. Linear. */
#include "pass/pass.h"

enum { MAX_INPUTS = 32, MAX_NODES = 1500 };

typedef struct group {
  sx_nid root;
  uint32_t nodes, inputs;
} group;
typedef struct chain {
  sx_pass_ctx *c;
  sx_graph *g;
  uint32_t *group_of; /* by node: 1 + its group, 0: none */
  uint32_t *seen_by;  /* by value: 1 + the last group that counted it among its inputs */
  sx_vid *inner;      /* by value: its twin in the body that is being built */
  SX_VEC(group) groups;
} chain;

static bool may_join(const sx_graph *g, const sx_node *n) {
  if (n->dead || !n->op || n->custom || !(n->op->flags & SX_OP_ELEMENTWISE) || n->n_out != 1 || n->n_in == 0 ||
      n->n_in > MAX_INPUTS)
    return false;
  for (uint32_t i = 0; i <= n->n_in; i++) {
    sx_vid v = i < n->n_in ? n->in[i].value : n->out[0];
    const sx_fact *f = v == SX_NONE ? NULL : &sx_value_at(g, v)->fact;
    if (f && (f->kind != SX_KIND_TENSOR || f->rank < 0 || f->layout != SX_PLAIN || sx_dtype_bits((sx_dtype)f->dtype) < 8 ||
              sx_dtype_bits((sx_dtype)f->dtype) > 64 || f->dtype == SX_C64))
      return false;
  }
  return true;
}

static bool is_scalar_const(const sx_graph *g, sx_vid v) {
  const sx_tensor *t = sx_value_const(g, v);
  return t && t->count == 1;
}

/* Inputs that the group would gain: an upper bound, for a value may have been counted before another group was. */
static uint32_t new_inputs(const chain *k, const sx_node *n, uint32_t group_number) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].value != SX_NONE && k->seen_by[n->in[i].value] != group_number && !is_scalar_const(k->g, n->in[i].value))
      count++;
  return count;
}

/* The group that alone reads v, or 0. */
static uint32_t reader(const chain *k, sx_vid v) {
  const sx_value *x = sx_value_at(k->g, v);
  uint32_t found = 0;
  if (x->output_uses) return 0;
  for (const sx_use *u = x->uses; u; u = u->next) {
    uint32_t q = k->group_of[u->node];
    if (!q || (found && q != found)) return 0;
    found = q;
  }
  return found;
}

static sx_status visit(chain *k, sx_nid id) {
  const sx_graph *g = k->g;
  const sx_node *n = sx_node_at(g, id);
  if (!may_join(g, n)) return SX_OK;
  uint32_t q = reader(k, n->out[0]), gain = q ? new_inputs(k, n, q) : 0;
  if (q) {
    const group *x = &k->groups.at[q - 1];
    const sx_fact *y = &sx_value_at(g, sx_node_at(g, x->root)->out[0])->fact;
    if (!sx_pass_same_shape(&sx_value_at(g, n->out[0])->fact, y) || x->nodes == MAX_NODES ||
        x->inputs + gain - 1 > MAX_INPUTS)
      q = 0;
  }
  if (!q) {
    if (!sx_vec_push(&k->groups, ((group){.root = id, .inputs = 1}))) SX_NO_MEMORY(k->c->e);
    q = k->groups.n;
    gain = new_inputs(k, n, q);
  }
  k->group_of[id] = q;
  k->groups.at[q - 1].nodes++;
  k->groups.at[q - 1].inputs += gain - 1; /* its own result is none any more */
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].value != SX_NONE) k->seen_by[n->in[i].value] = q;
  return SX_OK;
}

/* The body of the group whose nodes are members[0..count), producers first; in[] gets the values that it reads. */
typedef struct body {
  sx_graph *b;
  sx_vid in[MAX_INPUTS];
  uint32_t n_in;
} body;

static sx_vid operand(chain *k, body *d, sx_vid v, bool *full) {
  sx_graph *b = d->b;
  if (v == SX_NONE) return SX_NONE;
  if (k->inner[v] != SX_NONE) return k->inner[v];
  if (is_scalar_const(k->g, v)) return k->inner[v] = sx_graph_add_const(b, sx_value_const(k->g, v), (sx_str){"", 0});
  if (d->n_in == MAX_INPUTS) {
    *full = true;
    return SX_NONE;
  }
  sx_vid x = sx_graph_add_value(b, SX_VALUE_INPUT, (sx_str){"", 0});
  if (x == SX_NONE || !sx_vec_push(&b->inputs, x)) return SX_NONE;
  sx_value_at(b, x)->index = d->n_in;
  sx_value_at(b, x)->fact = sx_value_at(k->g, v)->fact;
  d->in[d->n_in++] = v;
  return k->inner[v] = x;
}

static bool add_member(chain *k, body *d, const sx_node *n, bool *full) {
  sx_vid in[MAX_INPUTS], out;
  for (uint32_t i = 0; i < n->n_in; i++) {
    in[i] = operand(k, d, n->in[i].value, full);
    if (n->in[i].value != SX_NONE && in[i] == SX_NONE) return false;
  }
  out = sx_graph_add_value(d->b, SX_VALUE_NODE, (sx_str){"", 0});
  sx_nid id = out == SX_NONE ? SX_NONE : sx_graph_add_node(d->b, n->op, in, n->n_in, &out, 1);
  if (id == SX_NONE) return false;
  sx_node *x = sx_node_at(d->b, id);
  x->attrs = n->attrs, x->n_attrs = n->n_attrs, x->name = n->name, x->op_type = n->op_type, x->domain = n->domain,
  x->origin = n->origin;
  k->inner[n->out[0]] = out;
  return true;
}

static void forget(chain *k, const sx_nid *members, uint32_t count) {
  for (uint32_t m = 0; m < count; m++) {
    const sx_node *n = sx_node_at(k->g, members[m]);
    k->inner[n->out[0]] = SX_NONE;
    for (uint32_t i = 0; i < n->n_in; i++)
      if (n->in[i].value != SX_NONE) k->inner[n->in[i].value] = SX_NONE;
  }
}

static sx_status build(chain *k, const sx_nid *members, uint32_t count) {
  sx_graph *g = k->g;
  body d = {.b = sx_graph_create(g->model, g, SX_NONE)};
  bool full = false, ok = d.b != NULL;
  for (uint32_t m = 0; m < count && ok; m++) ok = add_member(k, &d, sx_node_at(g, members[m]), &full);
  sx_vid from = sx_node_at(g, members[count - 1])->out[0], result = ok ? k->inner[from] : SX_NONE;
  forget(k, members, count);
  if (full) return SX_OK;
  if (!ok || !sx_graph_add_output(d.b, result)) SX_NO_MEMORY(k->c->e);
  sx_patch p = sx_patch_begin(k->c);
  sx_vid y = sx_patch_node(&p, &sx_op_Elementwise, d.in, d.n_in);
  if (y == SX_NONE) SX_NO_MEMORY(k->c->e);
  d.b->owner = sx_value_at(g, y)->producer;
  if (!sx_node_set_attr(g, d.b->owner, &(sx_attr){.name = SX_STR("body"), .type = SX_ATTR_GRAPH, .g = d.b}))
    SX_NO_MEMORY(k->c->e);
  sx_patch_swap(&p, from, y);
  return sx_patch_apply(&p, NULL);
}

static sx_status build_all(chain *k, sx_nid *members, uint32_t *first) {
  const sx_graph *g = k->g;
  uint32_t n = 0;
  for (uint32_t q = 0; q < k->groups.n; q++) first[q] = n, n += k->groups.at[q].nodes;
  for (uint32_t i = 0; i < g->order.n; i++) { /* in order, so that producers come first and the root last */
    uint32_t q = k->group_of[g->order.at[i]];
    if (q) members[first[q - 1]++] = g->order.at[i];
  }
  for (uint32_t q = 0; q < k->groups.n; q++) { /* readers before what they read: no member's operand is a new value */
    uint32_t count = k->groups.at[q].nodes;
    if (count > 1) SX_TRY(build(k, members + first[q] - count, count));
  }
  return SX_OK;
}

sx_status sx_pass_chain(sx_pass_ctx *c) {
  chain k = {.c = c, .g = c->g};
  size_t nodes = c->g->nodes.n, values = c->g->values.n, words = 3 * nodes + 2 * values, bytes = words * sizeof(uint32_t);
  uint32_t *mem = sx_calloc(words, sizeof *mem);
  if (!mem) SX_NO_MEMORY(c->e);
  k.group_of = mem, k.seen_by = mem + nodes, k.inner = k.seen_by + values;
  memset(k.inner, 0xff, values * sizeof *k.inner);
  sx_status s = SX_OK;
  for (uint32_t i = c->g->order.n; i-- > 0 && s == SX_OK;) s = visit(&k, c->g->order.at[i]);
  if (s == SX_OK) s = build_all(&k, k.inner + values, k.inner + values + nodes);
  sx_vec_free(&k.groups);
  sx_free(mem, bytes);
  return s;
}
