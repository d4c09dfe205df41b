// SPDX-License-Identifier: MIT
/* Scan of operator set 8, which had a batch axis in front and lengths per sequence: a Scan over the batch whose body is a
 * Scan over the sequence. With lengths, the sequences are cut before it, and what comes out is filled up with zeros after
 * it. */
#include "ops/control/scan8.h"

typedef struct maker {
  sx_graph *b;
  const sx_node *like;
  bool failed;
} maker;

/* A node as the file would have it, at operator set 18: canonicalised with the body that it is in. */
static sx_nid raw(maker *m, const char *op, const sx_vid *in, uint32_t n_in, const sx_vid *out, uint32_t n_out) {
  for (uint32_t i = 0; i < n_in; i++) m->failed |= in[i] == SX_NONE && i != 2; /* the value of Pad, left out */
  for (uint32_t i = 0; i < n_out; i++) m->failed |= out[i] == SX_NONE;
  sx_nid id = m->failed ? SX_NONE : sx_graph_add_node(m->b, NULL, in, n_in, out, n_out);
  m->failed |= id == SX_NONE;
  if (m->failed) return SX_NONE;
  sx_node *n = sx_node_at(m->b, id);
  n->op_type = sx_str_c(op), n->since_version = 18, n->name = m->like->name, n->origin = m->like->origin;
  return id;
}
static sx_vid value(maker *m) { return sx_graph_add_value(m->b, SX_VALUE_NODE, (sx_str){"", 0}); }
static sx_vid step(maker *m, const char *op, const sx_vid *in, uint32_t n_in) {
  sx_vid v = value(m);
  return raw(m, op, in, n_in, &v, 1) == SX_NONE ? SX_NONE : v;
}
static sx_vid input(maker *m) {
  sx_vid v = sx_graph_add_value(m->b, SX_VALUE_INPUT, (sx_str){"", 0});
  if (v == SX_NONE || !sx_vec_push(&m->b->inputs, v))
    m->failed = true;
  else
    sx_value_at(m->b, v)->index = m->b->inputs.n - 1;
  return v;
}
static sx_vid number(maker *m, int64_t v) { return sx_graph_const_i64(m->b, &v, 1, false); }

/* The inner Scan in m->b, on in[]: its results in out[]. */
static sx_status inner_scan(maker *m, sx_upgrade_ctx *c, sx_graph *body, const sx_vid *in, uint32_t n_in, const sx_vid *out,
                            int64_t scans) {
  const int64_t *directions;
  uint32_t n = sx_attr_ints(c->n, "directions", &directions);
  sx_nid id = raw(m, "Scan", in, n_in, out, body->outputs.n);
  sx_attr a = {.name = SX_STR("body"), .type = SX_ATTR_GRAPH, .g = body};
  if (id == SX_NONE || !sx_node_set_attr(m->b, id, &a) || !sx_node_set_int(m->b, id, "num_scan_inputs", scans))
    SX_NO_MEMORY(c->e);
  if (n && !sx_node_set_ints(m->b, id, "scan_input_directions", directions, n)) SX_NO_MEMORY(c->e);
  if (!sx_graph_resize_inputs(m->b, id, n_in + body->captures.n, n_in)) SX_NO_MEMORY(c->e);
  for (uint32_t k = 0; k < body->captures.n; k++) { /* what it captured goes through the outer body */
    sx_vid v = sx_graph_capture(m->b, c->n->in[body->capture_slots.at[k]].value);
    if (v == SX_NONE) SX_NO_MEMORY(c->e);
    sx_graph_set_input(m->b, id, n_in + k, v);
  }
  for (uint32_t k = 0; k < body->captures.n; k++) body->capture_slots.at[k] = n_in + k;
  body->parent = m->b, body->owner = id;
  return SX_OK;
}

static sx_status fill(sx_upgrade_ctx *c, maker *m, sx_graph *body, uint32_t states, uint32_t scans, bool lengths) {
  sx_arena *a = &c->g->model->arena;
  uint32_t n_in = states + scans, n_out = body->outputs.n;
  sx_vid *in = SX_NEW_N(a, sx_vid, n_in), *out = SX_NEW_N(a, sx_vid, (size_t)n_out + 1), zero = SX_NONE, length = SX_NONE,
         rest = SX_NONE;
  if (!in || !out) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < n_in; i++) in[i] = input(m);
  if (lengths) {
    zero = number(m, 0);
    length = step(m, "Unsqueeze", (sx_vid[]){input(m), zero}, 2);
    sx_vid all = step(m, "Shape", &in[states], 1);
    rest = step(m, "Sub", (sx_vid[]){step(m, "Gather", (sx_vid[]){all, zero}, 2), length}, 2);
  }
  for (uint32_t i = states; i < n_in && lengths; i++) in[i] = step(m, "Slice", (sx_vid[]){in[i], zero, length, zero}, 4);
  for (uint32_t o = 0; o < n_out; o++) out[o] = value(m);
  if (m->failed) SX_NO_MEMORY(c->e);
  SX_TRY(inner_scan(m, c, body, in, n_in, out, scans));
  for (uint32_t o = 0; o < n_out; o++) {
    if (lengths && o >= states) {
      sx_vid pads = value(m);
      sx_nid cat = raw(m, "Concat", (sx_vid[]){zero, rest}, 2, &pads, 1);
      if (cat == SX_NONE || !sx_node_set_int(m->b, cat, "axis", 0)) SX_NO_MEMORY(c->e);
      out[o] = step(m, "Pad", (sx_vid[]){out[o], pads, SX_NONE, zero}, 4);
    }
    if (m->failed || !sx_graph_add_output(m->b, out[o]) || !sx_vec_push(&m->b->declared, ((sx_fact){.rank = -1})))
      SX_NO_MEMORY(c->e);
  }
  return SX_OK;
}

sx_status sx_scan_batch(sx_upgrade_ctx *c) {
  sx_arena *a = &c->g->model->arena;
  sx_graph *body = sx_attr_graph(c->n, "body");
  int64_t scans = sx_attr_int(c->n, "num_scan_inputs", 0), states = scans < 1 ? -1 : (int64_t)c->n->n_formal - 1 - scans;
  bool lengths = c->n->in[0].value != SX_NONE;
  if (!body || scans < 1 || states < 0 || body->outputs.n < states || body->outputs.n != c->n->n_out)
    SX_FAIL(c->e, INVALID_GRAPH, "%u inputs with num_scan_inputs %lld do not fit a body of %u outputs", c->n->n_formal,
            (long long)scans, body ? body->outputs.n : 0);
  uint32_t n_in = (uint32_t)(states + scans), total = n_in + lengths;
  sx_vid *in = SX_NEW_N(a, sx_vid, (size_t)total + 1);
  sx_attr *attrs = SX_NEW_N(a, sx_attr, (size_t)c->n->n_attrs + 1);
  maker m = {sx_graph_create(c->g->model, c->g, c->id), c->n, false};
  if (!in || !attrs || !m.b) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < n_in; i++) in[i] = c->n->in[i + 1].value;
  if (lengths) in[n_in] = c->n->in[0].value;
  /* The old body stays an attribute until the new one has it: what is reached through attributes is freed. */
  uint32_t n_attrs = c->n->n_attrs;
  memcpy(attrs, c->n->attrs, n_attrs * sizeof *attrs);
  attrs[n_attrs] = (sx_attr){.name = SX_STR("inner"), .type = SX_ATTR_GRAPH, .g = body};
  for (uint32_t i = 0; i < n_attrs; i++)
    if (sx_str_is(attrs[i].name, "body")) attrs[i].g = m.b;
  c->n->attrs = attrs, c->n->n_attrs = n_attrs + 1;
  SX_TRY(fill(c, &m, body, (uint32_t)states, (uint32_t)scans, lengths));
  sx_node_remove_attr(c->n, "inner");
  sx_node_remove_attr(c->n, "directions");
  /* Captures of the new body come after the old ones; formal inputs are moved in front of them. */
  sx_vid *captured = SX_NEW_N(a, sx_vid, (size_t)m.b->captures.n + 1);
  if (!captured) SX_NO_MEMORY(c->e);
  for (uint32_t k = 0; k < m.b->captures.n; k++) captured[k] = c->n->in[m.b->capture_slots.at[k]].value;
  if (!sx_graph_resize_inputs(c->g, c->id, total + m.b->captures.n, total)) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < total; i++) sx_graph_set_input(c->g, c->id, i, in[i]);
  for (uint32_t k = 0; k < m.b->captures.n; k++) {
    sx_graph_set_input(c->g, c->id, total + k, captured[k]);
    m.b->capture_slots.at[k] = total + k;
  }
  return sx_node_set_int(c->g, c->id, "num_scan_inputs", total) ? SX_OK
                                                                : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
}
