// SPDX-License-Identifier: MIT
/* Reductions and ArgMax / ArgMin on the reduce family. The axes are contents of an input. */
#include "ep/ep.h"
#include "ep/cpu/kernels/reduce/reduce.h"

static const struct {
  const sx_op *op;
  sx_reduce_op reduce;
} table[] = {{&sx_op_ReduceSum, SX_REDUCE_SUM},
             {&sx_op_ReduceMean, SX_REDUCE_MEAN},
             {&sx_op_ReduceMax, SX_REDUCE_MAX},
             {&sx_op_ReduceMin, SX_REDUCE_MIN},
             {&sx_op_ReduceProd, SX_REDUCE_PROD},
             {&sx_op_ReduceL1, SX_REDUCE_L1},
             {&sx_op_ReduceL2, SX_REDUCE_L2},
             {&sx_op_ReduceLogSum, SX_REDUCE_LOGSUM},
             {&sx_op_ReduceLogSumExp, SX_REDUCE_LOGSUMEXP},
             {&sx_op_ReduceSumSquare, SX_REDUCE_SUMSQUARE},
             {&sx_op_ArgMax, SX_REDUCE_ARGMAX},
             {&sx_op_ArgMin, SX_REDUCE_ARGMIN}};

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_reduce_run(c->params, (int)c->phase, c->in[0], c->out[0], c->scratch, begin, end, c->worker_scratch);
  return SX_OK;
}
/* Reduced over no axis: the operator of one element, the same units. */
static sx_status axes_of(sx_prep *p, uint64_t *set) {
  int rank = p->in[0].rank;
  if (p->n->op == &sx_op_ArgMax || p->n->op == &sx_op_ArgMin) {
    int64_t axis = sx_attr_int(p->n, "axis", 0);
    *set = 1ull << (axis < 0 ? axis + rank : axis);
    return SX_OK;
  }
  const sx_view *a = p->n_in > 1 && p->in[1].dtype ? &p->in[1] : NULL;
  *set = 0;
  for (int64_t i = 0; a && i < a->count; i++) {
    int64_t axis = ((const int64_t *)a->constant)[i];
    if (axis < -rank || axis >= rank)
      SX_FAIL(p->e, INVALID_ARGUMENT, "axis %lld is outside of a tensor of rank %d", (long long)axis, rank);
    *set |= 1ull << (axis < 0 ? axis + rank : axis);
  }
  if ((!a || a->count == 0) && !sx_attr_int(p->n, "noop_with_empty_axes", 0)) *set = (1ull << rank) - 1;
  return SX_OK;
}
static sx_status prepare(sx_prep *p) {
  sx_reduce_plan *q = SX_NEW(p->arena, sx_reduce_plan);
  sx_reduce_op op = SX_REDUCE_SUM;
  uint64_t axes;
  if (!q) SX_NO_MEMORY(p->e);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].op == p->n->op) op = table[i].reduce;
  SX_TRY(axes_of(p, &axes));
  SX_TRY(sx_reduce_plan_init(q, op, (sx_dtype)p->in[0].dtype, (uint32_t)p->in[0].rank, p->in[0].dims, axes,
                             sx_attr_int(p->n, "select_last_index", 0) != 0, p->cpu->isa, p->e));
  p->params = q;
  p->scratch = q->shared_bytes;
  SX_TRY(sx_prep_phase(p, run, q->units[0], q->unit_ns, q->scratch_bytes));
  return q->units[1] ? sx_prep_phase(p, run, q->units[1], 200, q->scratch_bytes) : SX_OK;
}
static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  sx_dtype t = (sx_dtype)sx_value_at(g, n->in[0].value)->fact.dtype;
  *reason = "only numbers and bool are reduced";
  return t != SX_STRING && t != SX_C64 && t != SX_C128;
}
#define ROW(N)                   \
  const sx_kernel sx_cpu_##N = { \
      .op = &sx_op_##N, .name = "reduce", .flags = SX_KERNEL_CONTENT, .claim = claim, .prepare = prepare};
ROW(ReduceSum)
ROW(ReduceMean) ROW(ReduceMax) ROW(ReduceMin) ROW(ReduceProd) ROW(ReduceL1) ROW(ReduceL2) ROW(ReduceLogSum)
    ROW(ReduceLogSumExp) ROW(ReduceSumSquare) ROW(ArgMax) ROW(ArgMin)
