// SPDX-License-Identifier: MIT
/* Gather and its kin: indices are checked where they are read. */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/gather/gather.h"

static sx_status bad_index(const sx_call *c, const void *idx, bool wide, int64_t at, int64_t n) {
  SX_FAIL(c->e, INVALID_ARGUMENT, "element %lld of the indices is %lld, out of bounds: expected [%lld, %lld)", (long long)at, (long long)sx_index_at(idx, wide, at), (long long)-n, (long long)n);
}

typedef struct gather_params { sx_gather g; int64_t rows, group; } gather_params;
static sx_status gather_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const gather_params *q = c->params;
  int64_t to = end * q->group < q->rows ? end * q->group : q->rows;
  int64_t bad = sx_gather_rows(&q->g, c->in[0], c->in[1], c->out[0], begin * q->group, to);
  return bad < 0 ? SX_OK : bad_index(c, c->in[1], q->g.wide, bad, q->g.axis);
}
static sx_status gather(sx_prep *p) {
  const sx_view *x = &p->in[0], *i = &p->in[1];
  int64_t axis = sx_attr_int(p->n, "axis", 0);
  gather_params *q = SX_NEW(p->arena, gather_params);
  if (!q) SX_NO_MEMORY(p->e);
  axis += axis < 0 ? x->rank : 0;
  int64_t inner = sx_dims_count(x->dims, (int)axis + 1, x->rank) * sx_elem_bytes(x->dtype);
  q->g = (sx_gather){x->dims[axis], i->count, (size_t)inner, i->dtype == SX_I64};
  q->rows = sx_dims_count(x->dims, 0, (int)axis) * i->count;
  if (inner == 0) q->rows = 0;
  q->group = inner < 65536 ? 65536 / (inner + 1) + 1 : 1;
  p->params = q;
  return sx_prep_phase(p, gather_run, (q->rows + q->group - 1) / q->group, (double)q->group * ((double)inner * 0.1 + 2), 0);
}

#define ROW(N, fn)                                                          \
  static sx_status prepare_##N(sx_prep *p) { return sx_prep_bytes(p, fn); } \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "gather", .prepare = prepare_##N};
ROW(Gather, gather)
