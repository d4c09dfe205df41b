// SPDX-License-Identifier: MIT
/* Sizes and contents at a point of a run: dimensions as numbers, where a value lies, and the shapes that only contents
 * tell. */
#include "run/exec_priv.h"

/* The numbers behind dimensions, or behind the elements of a small integer tensor, now; least: the smallest that is right.
 */
sx_status sx_numbers_now(const sx_graph *g, const sx_frame *f, const sx_dim *dims, uint32_t n, int64_t least, sx_arena *a,
                         int64_t **out, sx_err *e) {
  sx_dim_values values = {.t = &g->model->dims, .symbols = f->symbols, .arena = a};
  int64_t *d = SX_NEW_N(a, int64_t, (size_t)n + 1);
  if (!d) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < n; i++)
    if ((d[i] = sx_dim_now(&values, dims[i])) < least && values.failed) SX_NO_MEMORY(e);
    else if (d[i] < least)
      SX_FAIL(e, RUNTIME_EXCEPTION, "a dimension cannot be computed for these inputs");
  *out = d;
  return SX_OK;
}
sx_status sx_dims_now(const sx_graph *g, const sx_frame *f, const sx_fact *fact, sx_arena *a, int64_t **out, sx_err *e) {
  return sx_numbers_now(g, f, fact->dims, fact->rank > 0 ? (uint32_t)fact->rank : 0, 0, a, out, e);
}

void *sx_buffer_now(const sx_plan *p, const sx_frame *f, uint32_t b) {
  const sx_buffer *q = &p->buffers[b];
  if (q->kind == SX_BUF_CONST) return (void *)q->data;
  if (q->kind == SX_BUF_SLAB) return (char *)f->segs[q->segment].slab + f->segs[q->segment].inst->offsets[q->place];
  return q->kind == SX_BUF_ELEMS ? NULL : f->ext[b];
}

/* The value that lies in a buffer as one, or NULL. */
static const sx_rt_value *value_now(const sx_plan *p, const sx_frame *f, uint32_t b) {
  const sx_buffer *q = &p->buffers[b];
  return q->kind == SX_BUF_LATE ? f->late[q->index] : q->kind == SX_BUF_INPUT ? f->in[q->index] : NULL;
}

/* The shape of a node's outputs from the contents of its inputs: binds their symbols. */
sx_status sx_infer_now(sx_exec *x, sx_frame *f, sx_nid id, sx_err *e) {
  const sx_plan *p = x->plan;
  const sx_graph *g = p->graph;
  const sx_node *n = sx_node_at(g, id);
  sx_arena *a = &f->scratch;
  sx_dimtab dims = {0};
  sx_fact *in = SX_NEW_N(a, sx_fact, (size_t)n->n_in + 1), *out = SX_NEW_N(a, sx_fact, (size_t)n->n_out + 1);
  sx_status s = in && out ? SX_OK : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  for (uint32_t i = 0; i < n->n_in && s == SX_OK; i++) {
    if (n->in[i].value == SX_NONE) continue;
    in[i] = sx_value_at(g, n->in[i].value)->fact;
    uint32_t b = p->value_buffer[n->in[i].value];
    const sx_rt_value *whole = b == SX_NONE ? NULL : value_now(p, f, b);
    int64_t *d = NULL;
    if (in[i].rank < 0 && sx_rt_is_tensor(whole) && whole->rank <= SX_MAX_RANK) { /* a rank that only the run tells */
      in[i].kind = SX_KIND_TENSOR, in[i].dtype = whole->type.dtype, in[i].rank = (int8_t)whole->rank;
      d = (int64_t *)whole->dims;
    }
    if (in[i].kind != SX_KIND_TENSOR || in[i].rank < 0) continue;
    if (!d && (s = sx_dims_now(g, f, &in[i], a, &d, e)) != SX_OK) break;
    in[i].dims = d;
    in[i].elems = NULL, in[i].n_elems = 0;
    /* What follows from the shapes is computed anew: the instance that holds it may still be that of the run before. */
    bool shapes = b != SX_NONE && p->buffers[b].kind == SX_BUF_ELEMS;
    void *data = b == SX_NONE || shapes ? NULL : sx_buffer_now(p, f, b);
    sx_tensor *t = SX_NEW(a, sx_tensor);
    int64_t *elems = SX_NEW_N(a, int64_t, SX_MAX_ELEMS + 1);
    if (!t || !elems) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    if (s != SX_OK || !(n->op->shape_inputs >> i & 1)) continue;
    if (!data) {
      const sx_fact *v = &sx_value_at(g, shapes ? p->buffers[b].value : n->in[i].value)->fact;
      if (v->elems && sx_numbers_now(g, f, v->elems, v->n_elems, SX_DIM_CONST_MIN, a, &elems, NULL) == SX_OK)
        in[i].elems = elems, in[i].n_elems = v->n_elems;
      continue;
    }
    t->dtype = in[i].dtype, t->rank = in[i].rank, t->dims = d, t->count = sx_dims_count(d, 0, in[i].rank),
    t->bytes = t->data = data;
    in[i].constant = t;
    bool ints = t->count <= SX_MAX_ELEMS;
    for (int64_t k = 0; k < t->count && ints; k++)
      if ((ints = sx_tensor_get_i64(t, k, &elems[k])) && !sx_dim_is_const(elems[k]))
        elems[k] = SX_DIM_UNKNOWN; /* the hook looks at the constant */
    if (ints) in[i].elems = elems, in[i].n_elems = (uint32_t)t->count;
  }
  if (s == SX_OK) s = sx_infer_concrete(g, id, in, out, &dims, a, e);
  for (uint32_t o = 0; o < n->n_out && s == SX_OK; o++) {
    if (n->out[o] == SX_NONE) continue;
    bool numbers = out[o].rank >= 0;
    for (int i = 0; i < out[o].rank; i++) numbers &= sx_dim_is_const(out[o].dims[i]);
    if (!numbers)
      s = sx_node_context(
          g, n, sx_fail(e, SX_E_FAIL, SX_HERE, "the shape of output %u does not follow from the contents of the inputs", o),
          e);
    else
      s = sx_exec_bind_dims(g, n->out[o], "output", out[o].rank, out[o].dims, f->symbols, e);
  }
  sx_dimtab_free(&dims);
  sx_arena_reset(a);
  return s;
}

/* An output whose elements follow from the shapes, and that no step has wanted. */
sx_status sx_write_elems(const sx_graph *g, const sx_frame *f, sx_vid v, sx_rt_value *out, sx_arena *a, sx_err *e) {
  const sx_fact *fact = &sx_value_at(g, v)->fact;
  int64_t *d;
  size_t size = out->bytes / (size_t)out->count;
  if ((int64_t)fact->n_elems != out->count || !fact->elems) SX_FAIL(e, RUNTIME_EXCEPTION, "an output was not computed");
  SX_TRY(sx_numbers_now(g, f, fact->elems, fact->n_elems, SX_DIM_CONST_MIN, a, &d, e));
  for (int64_t i = 0; i < out->count; i++)
    memcpy((char *)out->data + (size_t)i * size, &d[i], size); /* little-endian: the low bytes */
  return SX_OK;
}
