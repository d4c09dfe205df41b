// SPDX-License-Identifier: MIT
/* Pooling operators on the pooling family: windows, or one window over all spatial axes. */
#include "ep/ep.h"
#include "ep/cpu/kernels/pool/pooling.h"
#include "ops/nn/window.h"

static bool is_global(const sx_op *op) {
  return op == &sx_op_GlobalMaxPool || op == &sx_op_GlobalAveragePool || op == &sx_op_GlobalLpPool;
}
static bool is_max(const sx_op *op) { return op == &sx_op_MaxPool || op == &sx_op_GlobalMaxPool; }

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact;
  *reason = "the kernels do at most 3 spatial axes of known rank, 8-bit types in MaxPool only";
  if (!is_max(n->op) && (x->dtype == SX_I8 || x->dtype == SX_U8)) return false;
  return (x->rank >= 3 && x->rank <= 5) || (is_global(n->op) && x->rank >= 2);
}

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const sx_pooling *q = c->params;
  sx_pooling_run(q, c->in[0], c->out[0], c->out[1], begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status run_single(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_pooling_run(c->params, c->in[0], c->out[0], NULL, begin, end, c->worker_scratch);
  return SX_OK;
}

static sx_status prepare(sx_prep *p) {
  static const sx_pooling_type types[SX_DTYPE_COUNT] = {
      [SX_F32] = SX_POOLING_F32, [SX_F64] = SX_POOLING_F64, [SX_I8] = SX_POOLING_S8, [SX_U8] = SX_POOLING_U8};
  sx_pooling *q = SX_NEW(p->arena, sx_pooling);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *y = &p->out[0];
  const sx_op *op = p->n->op;
  int64_t lanes = x->layout == SX_BLOCKED ? x->block : 1;
  sx_pooling_shape s = {.planes = x->dims[0] * ((x->dims[1] + lanes - 1) / lanes),
                        .lanes = lanes,
                        .type = types[x->dtype],
                        .p = (int32_t)sx_attr_int(p->n, "p", 2),
                        .count_include_pad = sx_attr_int(p->n, "count_include_pad", 0) != 0,
                        .column_major = sx_attr_int(p->n, "storage_order", 0) != 0};
  s.mode = is_max(op)                                         ? SX_POOLING_MAX
           : op == &sx_op_LpPool || op == &sx_op_GlobalLpPool ? SX_POOLING_LP
                                                              : SX_POOLING_AVERAGE;
  for (int a = 0; a < 3; a++) s.in[a] = s.out[a] = s.kernel[a] = s.stride[a] = s.dilation[a] = 1;
  if (is_global(op))
    s.in[2] = s.kernel[2] = sx_dims_count(x->dims, 2, x->rank);
  else {
    sx_window w;
    SX_TRY(sx_window_read_pool(p->n, x->rank - 2, &w, p->e));
    for (int i = 0; i < w.n; i++) {
      int a = 3 - w.n + i;
      s.in[a] = x->dims[2 + i], s.out[a] = y->dims[2 + i];
      s.kernel[a] = w.kernel[i], s.stride[a] = w.stride[i], s.dilation[a] = w.dilation[i];
      sx_window_size(&w, i, x->dims[2 + i], &s.pad[a], &s.pad_end[a]);
    }
  }
  SX_TRY(sx_pooling_prepare(q, sx_pooling_table_at(p->cpu->isa), &s, p->e));
  p->params = q;
  return sx_prep_phase(p, p->n_out > 1 && p->out[1].dtype ? run : run_single, q->units, q->unit_ns, q->scratch_bytes);
}

#define FLOATS (1u << SX_F32 | 1u << SX_F64)
#define ROW(N, t)                \
  const sx_kernel sx_cpu_##N = { \
      .op = &sx_op_##N, .name = "pool", .types = (t), .flags = SX_KERNEL_BLOCKED, .claim = claim, .prepare = prepare};
ROW(MaxPool, FLOATS | 1u << SX_I8 | 1u << SX_U8)
ROW(AveragePool, FLOATS)
ROW(LpPool, FLOATS)
ROW(GlobalMaxPool, FLOATS)
ROW(GlobalAveragePool, FLOATS)
ROW(GlobalLpPool, FLOATS)
