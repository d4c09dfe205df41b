// SPDX-License-Identifier: MIT
/* TopK: the k first of every line along an axis. */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/sort/sort.h"

typedef struct params {
  sx_isa isa;
  sx_dtype type;
  uint32_t elem;
  int64_t outer, n, k, inner;
  bool smallest, values, indices;
} params;
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  sx_sort_item *items = c->worker_scratch;
  for (uint32_t u = begin; u < end; u++) {
    int64_t o = u / q->inner, i = u % q->inner, from = o * q->n * q->inner + i, to = o * q->k * q->inner + i, e = q->elem;
    const char *x = (const char *)c->in[0] + from * e;
    sx_topk(q->isa, q->type, x, q->inner * e, q->n, q->k, q->smallest, items);
    for (int64_t r = 0; r < q->k; r++) {
      int64_t at = to + r * q->inner;
      if (q->values) memcpy((char *)c->out[0] + at * e, x + items[r].at * q->inner * e, (size_t)e);
      if (q->indices) ((int64_t *)c->out[1])[at] = items[r].at;
    }
  }
  return SX_OK;
}
static sx_status prepare(sx_prep *p) {
  const sx_view *x = &p->in[0], *y = p->out[0].dtype ? &p->out[0] : &p->out[p->n_out - 1];
  params *q = SX_NEW(p->arena, params);
  int64_t axis = sx_attr_int(p->n, "axis", -1);
  size_t scratch;
  if (!q) SX_NO_MEMORY(p->e);
  axis += axis < 0 ? x->rank : 0;
  *q = (params){p->cpu->isa,
                (sx_dtype)x->dtype,
                sx_elem_bytes(x->dtype),
                sx_dims_count(x->dims, 0, (int)axis),
                x->dims[axis],
                y->dims[axis],
                sx_dims_count(x->dims, (int)axis + 1, x->rank),
                sx_attr_int(p->n, "largest", 1) == 0,
                p->out[0].dtype != 0,
                p->n_out > 1 && p->out[1].dtype};
  if (q->k > q->n) SX_FAIL(p->e, FAIL, "k is %lld, axis %lld has %lld", (long long)q->k, (long long)axis, (long long)q->n);
  if (!sx_size_mul((size_t)q->k, sizeof(sx_sort_item), &scratch)) SX_FAIL(p->e, FAIL, "scratch memory overflows");
  p->params = q;
  return sx_prep_phase(p, run, q->k ? q->outer * q->inner : 0, (double)q->n * 2 + (double)q->k * 20, scratch);
}
const sx_kernel sx_cpu_TopK = {.op = &sx_op_TopK, .name = "topk", .prepare = prepare};
