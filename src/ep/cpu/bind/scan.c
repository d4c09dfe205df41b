// SPDX-License-Identifier: MIT
/* CumSum and CumProd, Trilu, ReverseSequence: one pass along an axis or over rows. */
#include "base/stop.h"
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/scan/scan.h"

/* The axis is an input: when only the run knows it, one unit does everything. */
typedef struct scan_params {
  sx_scan s;
  sx_view x, axis;
  bool late;
} scan_params;
static sx_status scan_axis(const sx_view *x, int64_t axis, sx_scan *s, sx_err *e) {
  if (axis < -x->rank || axis >= x->rank)
    SX_FAIL(e, FAIL, "axis is %lld, expected %d to %d", (long long)axis, -x->rank, x->rank - 1);
  axis += axis < 0 ? x->rank : 0;
  s->outer = sx_dims_count(x->dims, 0, (int)axis), s->n = x->dims[axis],
  s->inner = sx_dims_count(x->dims, (int)axis + 1, x->rank);
  return SX_OK;
}
static sx_status scan_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const scan_params *q = c->params;
  if (!q->late) {
    sx_scan_run(&q->s, c->in[0], c->out[0], begin, end);
    return SX_OK;
  }
  sx_scan s = q->s;
  if (begin >= end) return SX_OK;
  SX_TRY(scan_axis(&q->x, sx_int_at(c->in[1], q->axis.dtype, 0), &s, c->e));
  sx_scan_run(&s, c->in[0], c->out[0], 0, sx_scan_units(&s));
  return SX_OK;
}
static sx_status scan(sx_prep *p) {
  const sx_view *x = &p->in[0];
  scan_params *q = SX_NEW(p->arena, scan_params);
  int64_t axis;
  if (!q) SX_NO_MEMORY(p->e);
  if (p->in[1].count != 1)
    SX_FAIL(p->e, INVALID_ARGUMENT, "axis has %lld elements, expected one", (long long)p->in[1].count);
  *q = (scan_params){.x = *x, .axis = p->in[1]};
  q->s = (sx_scan){.isa = p->cpu->isa,
                   .type = (sx_dtype)x->dtype,
                   .elem = sx_elem_bytes(x->dtype),
                   .product = p->n->op == &sx_op_CumProd,
                   .exclusive = sx_attr_int(p->n, "exclusive", 0) != 0,
                   .reverse = sx_attr_int(p->n, "reverse", 0) != 0};
  q->late = !sx_view_ints(&p->in[1], NULL, &axis);
  if (!q->late) SX_TRY(scan_axis(x, axis, &q->s, p->e));
  p->params = q;
  int64_t units = q->late ? x->count ? 1 : 0 : sx_scan_units(&q->s);
  return sx_prep_phase(p, scan_run, units, units ? (double)x->count / (double)units * 3 : 0, 0);
}
const sx_kernel sx_cpu_CumSum = {.op = &sx_op_CumSum, .name = "scan", .flags = SX_KERNEL_INPLACE0, .prepare = scan};
const sx_kernel sx_cpu_CumProd = {.op = &sx_op_CumProd, .name = "scan", .flags = SX_KERNEL_INPLACE0, .prepare = scan};

/* Trilu: a row keeps the columns on one side of the diagonal k. */
typedef struct rows_params {
  int64_t total, rows, cols, group;
  uint32_t elem;
  bool upper, has_k;
} rows_params;
static sx_status trilu_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const rows_params *q = c->params;
  int64_t k = q->has_k ? *(const int64_t *)c->in[1] : 0, to = end * q->group < q->total ? end * q->group : q->total;
  size_t bytes = (size_t)q->cols * q->elem;
  k = k > q->cols ? q->cols : k < -q->rows ? -q->rows : k;
  for (int64_t r = begin * q->group; r < to; r++) {
    int64_t at = r % q->rows + k + (q->upper ? 0 : 1); /* columns before `at` are zero, or kept */
    size_t cut = at < 0 ? 0 : (size_t)(at < q->cols ? at : q->cols) * q->elem;
    const char *x = (const char *)c->in[0] + (size_t)r * bytes;
    char *y = (char *)c->out[0] + (size_t)r * bytes;
    if (q->upper)
      memset(y, 0, cut);
    else
      memset(y + cut, 0, bytes - cut);
    if (x == y) continue;
    if (q->upper)
      memcpy(y + cut, x + cut, bytes - cut);
    else
      memcpy(y, x, cut);
  }
  return SX_OK;
}
static sx_status trilu(sx_prep *p) {
  const sx_view *x = &p->in[0];
  rows_params *q = SX_NEW(p->arena, rows_params);
  if (!q) SX_NO_MEMORY(p->e);
  if (x->rank < 2) SX_FAIL(p->e, INVALID_ARGUMENT, "the input has rank %d, expected matrices", x->rank);
  bool has_k = p->n_in > 1 && p->in[1].dtype;
  if (has_k && p->in[1].count != 1) SX_FAIL(p->e, FAIL, "k has %lld elements, expected one", (long long)p->in[1].count);
  *q = (rows_params){x->count ? x->count / x->dims[x->rank - 1] : 0,
                     x->dims[x->rank - 2],
                     x->dims[x->rank - 1],
                     1,
                     sx_elem_bytes(x->dtype),
                     sx_attr_int(p->n, "upper", 1) != 0,
                     has_k};
  q->group = q->cols * q->elem < 32768 ? 32768 / (q->cols * q->elem + 1) + 1 : 1;
  p->params = q;
  return sx_prep_phase(p, trilu_run, (q->total + q->group - 1) / q->group,
                       (double)(q->group * (q->cols * q->elem + 50)) * 0.1, 0);
}
static sx_status prepare_Trilu(sx_prep *p) { return sx_prep_bytes(p, trilu); }
const sx_kernel sx_cpu_Trilu = {.op = &sx_op_Trilu, .name = "trilu", .flags = SX_KERNEL_INPLACE0, .prepare = prepare_Trilu};

/* ReverseSequence: the first sequence_lens[b] steps of batch b, backwards. */
typedef struct reverse_params {
  int64_t dim[2], inner; /* inner: bytes */
  bool time_first;
} reverse_params;
static double reverse_row_ns(const reverse_params *q) { return (double)q->inner * 0.2 + 30; } /* rows far apart miss the caches */
/* Rows of the output, dense: `rows` from row `from` of x on, `step` rows apart. */
static void take_rows(const reverse_params *q, const sx_call *c, int64_t at, int64_t rows, int64_t from, int64_t step) {
  const char *x = (const char *)c->in[0] + from * q->inner;
  if (rows) sx_move_rows(SX_ISA_BASE, 1, (char *)c->out[0] + at * q->inner, x, rows, step * q->inner, q->inner, 1);
}
static sx_status reverse_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const reverse_params *q = c->params;
  const int64_t *lens = c->in[1], steps = q->dim[!q->time_first];
  const double row_ns = reverse_row_ns(q);
  const int64_t some = sx_stop_grain(row_ns);
  double spent = 0;
  for (uint32_t i = begin; i < end; i++) {
    const int64_t first = i * q->dim[1];
    for (int64_t j = 0; j < (q->time_first ? q->dim[1] : 1); j++) {
      const int64_t b = q->time_first ? j : i, n = lens[b];
      if (n < 0 || n > steps)
        SX_FAIL(c->e, FAIL, "sequence length %lld of batch %lld, expected 0 to %lld", (long long)n, (long long)b,
                (long long)steps);
      if (q->time_first && sx_stop_spent(&spent, row_ns)) break;
      if (q->time_first) take_rows(q, c, first + j, 1, (i < n ? n - 1 - i : i) * q->dim[1] + j, 1);
      else {
        SX_STOP_PARTS(r, to, n, some) take_rows(q, c, first + r, to - r, first + n - 1 - r, -1);
        SX_STOP_PARTS(r, to, steps - n, some) take_rows(q, c, first + n + r, to - r, first + n + r, 1);
      }
    }
  }
  return SX_OK;
}
static sx_status reverse(sx_prep *p) {
  const sx_view *x = &p->in[0];
  reverse_params *q = SX_NEW(p->arena, reverse_params);
  if (!q) SX_NO_MEMORY(p->e);
  if (x->rank < 2) SX_FAIL(p->e, INVALID_ARGUMENT, "the input has rank %d, expected at least 2", x->rank);
  *q = (reverse_params){{x->dims[0], x->dims[1]},
                        sx_dims_count(x->dims, 2, x->rank) * sx_elem_bytes(x->dtype),
                        sx_attr_int(p->n, "time_axis", 0) == 0};
  if (p->in[1].count != q->dim[q->time_first])
    SX_FAIL(p->e, INVALID_ARGUMENT, "%lld sequence lengths for a batch of %lld", (long long)p->in[1].count,
            (long long)q->dim[q->time_first]);
  p->params = q;
  return sx_prep_phase(p, reverse_run, x->count ? x->dims[0] : 0, (double)q->dim[1] * reverse_row_ns(q), 0);
}
static sx_status prepare_ReverseSequence(sx_prep *p) { return sx_prep_bytes(p, reverse); }
const sx_kernel sx_cpu_ReverseSequence = {
    .op = &sx_op_ReverseSequence, .name = "reverse", .prepare = prepare_ReverseSequence};
