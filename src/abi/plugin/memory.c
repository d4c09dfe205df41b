// SPDX-License-Identifier: MIT
/* Values that cross memories: where a provider computes in memory of its own, copies become nodes between its nodes and the
 * others. A constant is copied once for the session. */
#include "abi/plugin/host.h"

OrtStatus *sx_transfer_one(OrtDataTransferImpl *t, const sx_rt_value *from, sx_rt_value *to, OrtSyncStream *stream) {
  const OrtValue *source = (const OrtValue *)from;
  OrtValue *target = (OrtValue *)to;
  return from->bytes ? t->CopyTensors(t, &source, &target, stream ? &stream : NULL, 1) : NULL;
}

/* Allocators that know streams are told which one will use the memory. */
typedef struct on_stream {
  OrtAllocator *a;
  OrtSyncStream *stream;
} on_stream;
static void *alloc_on(void *ctx, size_t bytes) {
  const on_stream *s = ctx;
  if (s->stream && s->a->version >= 23 && s->a->AllocOnStream) return s->a->AllocOnStream(s->a, bytes, s->stream);
  return s->a->Alloc(s->a, bytes);
}
static void release(void *ctx, void *data, size_t bytes) {
  OrtAllocator *a = ctx;
  a->Free(a, data);
}
sx_status sx_ep_tensor(const sx_call *c, const sx_ep *p, sx_dtype t, uint32_t rank, const int64_t *dims, sx_rt_value **out,
                       sx_err *e) {
  on_stream where = {p->allocator, sx_ep_stream(c, p)};
  sx_rt_source from = {&where, alloc_on, release, p->memory};
  SX_TRY(sx_rt_tensor_create(t, rank, dims, &from, out, e));
  (*out)->release_ctx = p->allocator;
  return SX_OK;
}

sx_status sx_ep_copy(const sx_call *c, sx_ep *p, sx_rt_value *v, bool to_device, sx_rt_value **out, sx_err *e) {
  if (!sx_rt_is_tensor(v)) SX_FAIL(e, NOT_IMPLEMENTED, "only tensors can lie in the memory of %s", p->name);
  if (sx_memory_is_host(v->memory) == !to_device) { /* it lies there already */
    *out = sx_rt_ref(v);
    return SX_OK;
  }
  if (!p->transfer || !p->transfer->CopyTensors)
    SX_FAIL(e, EP_FAIL, "%s has memory of its own and no data transfer (OrtEpFactory.CreateDataTransfer)", p->name);
  *out = NULL;
  SX_TRY(to_device ? sx_ep_tensor(c, p, (sx_dtype)v->type.dtype, v->rank, v->dims, out, e)
                   : sx_rt_tensor_create((sx_dtype)v->type.dtype, v->rank, v->dims, NULL, out, e));
  /* Behind what its stream has to do; and the host's half is read, or is there, when this returns. */
  OrtSyncStream *stream = sx_ep_stream(c, p);
  OrtStatus *failed = sx_transfer_one(p->transfer, v, *out, stream);
  if (!failed && v->bytes) failed = sx_ep_stream_wait(stream);
  if (!failed) return SX_OK;
  sx_rt_unref(*out);
  *out = NULL;
  return sx_ort_take(failed, e);
}

sx_ep *sx_eps_with_memory(const struct sx_eps *x, const sx_memory *m) {
  for (uint32_t i = 0; i < x->list.n; i++)
    if (x->list.at[i]->memory && sx_memory_eq(x->list.at[i]->memory, m)) return x->list.at[i];
  return NULL;
}
OrtAllocator *sx_eps_allocator(const struct sx_eps *x, const sx_memory *m) {
  const sx_ep *p = sx_eps_with_memory(x, m);
  return p ? p->allocator : NULL;
}

OrtStatus *sx_eps_copy_into(struct sx_eps *x, OrtSyncStream *const *streams, sx_rt_value *from, sx_rt_value *to) {
  sx_ep *p = sx_eps_with_memory(x, to->memory);
  if (!p || !p->transfer || !p->transfer->CopyTensors)
    SX_API_FAIL(INVALID_ARGUMENT, "no provider of the session writes to '%.60s', where an output is bound", to->memory->name);
  bool alike = from->type.dtype == to->type.dtype && from->bytes == to->bytes && from->rank == to->rank;
  for (uint32_t i = 0; i < from->rank && alike; i++) alike = from->dims[i] == to->dims[i];
  if (!alike)
    SX_API_FAIL(INVALID_ARGUMENT,
                "an output of %zu bytes of type %s is bound to a tensor of another shape, %zu bytes of type %s", from->bytes,
                sx_dtype_name((sx_dtype)from->type.dtype), to->bytes, sx_dtype_name((sx_dtype)to->type.dtype));
  const sx_ep *q = sx_eps_with_memory(x, from->memory);
  OrtStatus *failed = q && q != p ? sx_ep_stream_wait(streams[q->index]) : NULL;
  if (!failed) failed = sx_transfer_one(p->transfer, from, to, streams[p->index]);
  if (!failed && from->bytes && !sx_memory_eq(from->memory, to->memory)) failed = sx_ep_stream_wait(streams[p->index]);
  return failed; /* bytes of another memory are read when this returns */
}

/* Whether input or output i lies in the host's memory; of a compiled group none does. */
static bool in_on_host(const sx_ep_node *n, size_t i) { return n->kernel && i < 64 && n->kernel->def->host_in >> i & 1; }
static bool out_on_host(const sx_ep_node *n, size_t i) { return n->kernel && i < 64 && n->kernel->def->host_out >> i & 1; }

bool sx_ep_makes_there(const sx_ep_node *n, size_t i) { return n && n->ep->memory && !out_on_host(n, i); }

sx_rt_value *sx_ep_given(const sx_call *c, const sx_ep_node *n, size_t i) {
  const sx_ep_run *r = n && n->makes ? sx_late_of(c)->r->caller : NULL;
  sx_rt_value *v = r && n->makes[i] != SX_NONE ? r->given[n->makes[i]] : NULL;
  return v && sx_memory_eq(v->memory, n->ep->memory) ? v : NULL;
}

/* A graph while its copies are made; of a body, the graph around and the node that owns it. */
typedef struct place {
  struct sx_eps *x;
  sx_graph *g;
  const struct place *around;
  sx_nid owner;
} place;

static sx_ep *wanted_at(const place *p, const sx_node *n, uint32_t i);
static bool is_tensor(const sx_graph *g, sx_vid v) { return sx_value_at(g, v)->fact.kind == SX_KIND_TENSOR; }

/* The node of control flow whose body this is, when a provider has it; else NULL. */
static const sx_node *hosted(const place *p) {
  const sx_node *n = p->around ? sx_node_at(p->around->g, p->owner) : NULL;
  return n && sx_ep_node_of(n) ? n : NULL;
}
/* Where a hosted node's output o lies. A state stays where it came in. */
static sx_ep *made_at(const place *p, const sx_node *n, uint32_t o) {
  const sx_ep_node *x = sx_ep_node_of(n);
  uint32_t states = sx_str_is(n->op_type, "Loop")   ? n->n_formal - 2
                    : sx_str_is(n->op_type, "Scan") ? n->n_formal - (uint32_t)sx_attr_int(n, "num_scan_inputs", 0)
                                                    : 0;
  if (o < states) return wanted_at(p, n, o + (sx_str_is(n->op_type, "Loop") ? 2 : 0));
  return out_on_host(x, o) ? NULL : x->ep->memory ? x->ep : NULL;
}

/* The provider whose memory a value lies in; NULL: the host's. */
static sx_ep *home_of(const place *p, sx_vid v) {
  const sx_value *value = sx_value_at(p->g, v);
  const sx_node *n = sx_value_producer(p->g, v), *owner = hosted(p);
  const sx_ep_node *x = n ? sx_ep_node_of(n) : NULL;
  if (value->kind == SX_VALUE_CAPTURE)
    return home_of(p->around, sx_node_at(p->around->g, p->owner)->in[p->g->capture_slots.at[value->index]].value);
  if (value->kind == SX_VALUE_INPUT && owner) {
    bool counts = sx_str_is(owner->op_type, "Loop") && value->index < 2; /* iteration and condition */
    return counts ? NULL : wanted_at(p->around, owner, value->index);
  }
  if (!x || x->to_host || !x->ep->memory) return NULL;
  if (sx_node_has_body(n)) return is_tensor(p->g, v) ? made_at(p, n, value->index) : NULL;
  return out_on_host(x, value->index) ? NULL : x->ep;
}

/* ... that input i of a node is read from: bodies take what they capture from wherever it is. */
static sx_ep *wanted_at(const place *p, const sx_node *n, uint32_t i) {
  const sx_ep_node *x = sx_ep_node_of(n);
  if (!x || !x->ep->memory || in_on_host(x, i)) return NULL;
  if (!sx_node_has_body(n)) return x->ep;
  if (i >= n->n_formal) return home_of(p, n->in[i].value);
  bool counts = sx_str_is(n->op_type, "If") || (sx_str_is(n->op_type, "Loop") && i < 2);
  return counts || n->in[i].value == SX_NONE || !is_tensor(p->g, n->in[i].value) ? NULL : x->ep;
}

/* ... that output i of a graph has to lie in. */
static sx_ep *due_at(const place *p, uint32_t i) {
  const sx_node *owner = hosted(p);
  uint32_t skip = owner && sx_str_is(owner->op_type, "Loop"); /* the condition */
  if (!owner || i < skip || !is_tensor(p->g, p->g->outputs.at[i])) return NULL;
  return made_at(p->around, owner, i - skip);
}

static sx_status add_copy(struct sx_eps *x, sx_graph *g, sx_vid from, sx_ep *home, sx_ep *to, sx_vid *out, sx_err *e) {
  sx_ep *p = to ? to : home;
  sx_ep_node *c = SX_NEW(&x->now->arena, sx_ep_node);
  *out = sx_graph_add_value(g, SX_VALUE_NODE, (sx_str){"", 0});
  sx_nid id = c && *out != SX_NONE ? sx_graph_add_node(g, NULL, &from, 1, out, 1) : SX_NONE;
  if (id == SX_NONE || !sx_vec_push(&x->now->nodes, c)) SX_NO_MEMORY(e);
  *c = (sx_ep_node){.ep = p, .to_device = to != NULL, .to_host = !to, .output = SX_NONE};
  sx_node *n = sx_node_at(g, id);
  n->op_type = to ? SX_STR("MemcpyFromHost") : SX_STR("MemcpyToHost");
  n->since_version = 1, n->custom = c, n->provider = &sx_plugin_provider;
  sx_value_at(g, *out)->fact = sx_value_at(g, from)->fact;
  sx_value_at(g, *out)->fact.constant = NULL;
  return SX_OK;
}

bool sx_eps_is_apart(sx_graph *g, const sx_node *n, sx_ep *p) {
  const place here = {.x = p->owner, .g = g};
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].value != SX_NONE && home_of(&here, n->in[i].value)) return false;
  for (uint32_t o = 0; o < n->n_out; o++)
    for (const sx_use *u = n->out[o] == SX_NONE ? NULL : sx_value_at(g, n->out[o])->uses; u; u = u->next)
      if (wanted_at(&here, sx_node_at(g, u->node), (uint32_t)(u - sx_node_at(g, u->node)->in))) return false;
  return true;
}

/* The copy of `v` for a reader at `to`, made once; `m` has those that there are. */
static sx_status moved_to(struct sx_eps *x, sx_graph *g, sx_map *m, sx_vid v, sx_ep *home, sx_ep *to, sx_vid *out,
                          sx_err *e) {
  uint64_t at = 0, key;
  while (to && at < x->list.n && x->list.at[at++] != to) continue; /* 0: the host */
  key = at << 32 | v;
  if (sx_map_get(m, key, &at)) return *out = (sx_vid)at, SX_OK;
  SX_TRY(add_copy(x, g, v, home, to, out, e));
  if (!sx_map_put(m, key, *out)) SX_NO_MEMORY(e);
  return SX_OK;
}

/* A value at its home, where somebody wants it. */
static sx_status bring(const place *p, sx_map *m, sx_ep *to, sx_vid *v, sx_err *e) {
  sx_ep *home = home_of(p, *v);
  if (home == to) return SX_OK;
  if (home && to) SX_TRY(moved_to(p->x, p->g, m, *v, home, NULL, v, e)); /* from one device to another: by way of the host */
  return moved_to(p->x, p->g, m, *v, home, to, v, e);
}

/* The node that makes a value makes output i of the graph, and may write it where the caller wants it. */
static sx_status is_output(const place *p, sx_vid v, uint32_t i, sx_err *e) {
  const sx_node *n = sx_value_producer(p->g, v);
  sx_ep_node *x = (sx_ep_node *)sx_ep_node_of(n);
  if (sx_node_has_body(n)) return SX_OK;
  if (!x->makes) {
    if (!(x->makes = SX_NEW_N(&p->x->now->arena, uint32_t, (size_t)n->n_out + 1))) SX_NO_MEMORY(e);
    for (uint32_t o = 0; o < n->n_out; o++) x->makes[o] = SX_NONE;
  }
  uint32_t *makes = &x->makes[sx_value_at(p->g, v)->index];
  if (*makes == SX_NONE) *makes = i;
  return SX_OK;
}

static sx_status copies_of(const place *p, sx_map *m, sx_err *e) {
  sx_graph *g = p->g;
  for (uint32_t k = 0, last = g->nodes.n; k < last; k++) {
    for (uint32_t i = 0; i < sx_node_at(g, k)->n_in && !sx_node_at(g, k)->dead; i++) {
      sx_vid was = sx_node_at(g, k)->in[i].value, v = was;
      if (v != SX_NONE) SX_TRY(bring(p, m, wanted_at(p, sx_node_at(g, k), i), &v, e));
      if (v != was) sx_graph_set_input(g, k, i, v);
    }
  }
  for (uint32_t i = 0; i < g->outputs.n; i++) {
    sx_vid v = g->outputs.at[i];
    sx_ep *home = home_of(p, v), *to = due_at(p, i);
    if (home == to) continue;
    if (p->around) {
      SX_TRY(bring(p, m, to, &v, e));
    } else {
      SX_TRY(is_output(p, v, i, e));
      SX_TRY(add_copy(p->x, g, v, home, NULL, &v, e)); /* nobody else's: a run may leave it out */
      p->x->now->nodes.at[p->x->now->nodes.n - 1]->output = i;
    }
    if (!sx_graph_set_output(g, i, v)) SX_NO_MEMORY(e);
  }
  /* Content that is known stands for the value, and lies with the host: what lies on a device is not replaced by it. */
  for (uint32_t i = 0; i < g->values.n; i++) {
    sx_fact *f = &sx_value_at(g, i)->fact;
    if (home_of(p, i)) f->constant = NULL, f->elems = NULL, f->n_elems = 0;
  }
  return SX_OK;
}

static sx_status add_copies(const place *p, sx_err *e) {
  sx_graph *g = p->g;
  sx_map m = {0};
  sx_status s = copies_of(p, &m, e);
  sx_map_free(&m);
  for (uint32_t k = 0; k < g->nodes.n && s == SX_OK; k++)
    for (uint32_t i = 0; i < sx_node_at(g, k)->n_attrs && !sx_node_at(g, k)->dead && s == SX_OK; i++)
      if (sx_node_at(g, k)->attrs[i].type == SX_ATTR_GRAPH)
        s = add_copies(&(place){p->x, sx_node_at(g, k)->attrs[i].g, p, k}, e);
  return s == SX_OK ? sx_graph_sort(g, e) : s;
}
sx_status sx_eps_add_copies(struct sx_eps *x, sx_graph *g, sx_err *e) {
  bool needed = false;
  for (uint32_t i = 0; i < x->list.n; i++) needed |= x->list.at[i]->memory != NULL;
  return needed ? add_copies(&(place){.x = x, .g = g}, e) : SX_OK;
}
