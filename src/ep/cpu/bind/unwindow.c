// SPDX-License-Identifier: MIT
/* Col2Im, MaxUnpool, DeformConv (columns of a tile of places, then a matrix product), Det. */
#include "base/stop.h"
#include "ep/cpu/bind/edge.h"
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/kernels/vision/sample.h"
#include "ep/cpu/kernels/vision/spread.h"
#include "ops/nn/window.h"
#include <string.h>

typedef struct col2im {
  sx_edge edge;
  sx_col2im a;
  int64_t from, to;
} col2im;
static bool is_complex(uint32_t t) { return t == SX_C64 || t == SX_C128; }
static sx_status run_col2im(const sx_call *c, uint32_t begin, uint32_t end) {
  const col2im *q = c->params;
  for (int64_t u = begin; u < end; u++)
    sx_col2im_plane(q->edge.isa, &q->a, q->edge.wide, (const char *)sx_edge_in(&q->edge, c, 0) + u * q->from,
                    (char *)sx_edge_out(&q->edge, c, 0) + u * q->to);
  return SX_OK;
}
static sx_status prepare_col2im(sx_prep *p) {
  col2im *q = SX_NEW(p->arena, col2im);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *y = &p->out[0];
  const bool complex = is_complex(x->dtype);
  int64_t block[SX_COL2IM_AXES];
  for (int i = 0; i < y->rank - 2; i++) block[i] = sx_prep_int(p, 2, i, 1);
  SX_TRY(sx_col2im_read(p->n, x->dims, y->rank - 2, y->dims + 2, block, &q->a, p->e));
  if (!y->count) return SX_OK;
  SX_TRY(sx_edge_begin(p, &q->edge, complex ? (sx_dtype)x->dtype : sx_edge_wide((sx_dtype)x->dtype), !complex, !complex));
  const int64_t elem = sx_dtype_bits(q->edge.wide) / 8, plane = x->dims[1] / y->dims[1] * x->dims[2];
  q->from = plane * elem, q->to = sx_dims_count(y->dims, 2, y->rank) * elem;
  SX_TRY(sx_prep_phase(p, run_col2im, y->dims[0] * y->dims[1], (double)plane + (double)q->to * 0.1, 0));
  return sx_edge_end(p, &q->edge);
}
static bool claim_col2im(const sx_graph *g, const sx_node *n, const char **reason) {
  return is_complex(sx_value_at(g, n->in[0].value)->fact.dtype) || sx_edge_claim(g, n, reason);
}
const sx_kernel sx_cpu_Col2Im = {
    .op = &sx_op_Col2Im, .name = "col2im", .flags = SX_KERNEL_CONTENT, .claim = claim_col2im, .prepare = prepare_col2im};

/* MaxUnpool: places may lie anywhere, and the last of equal ones wins, so one unit does all. */
typedef struct unpool {
  uint32_t elem;
  int rank;
  int64_t count, size, inner[SX_MAX_RANK], outer[SX_MAX_RANK];
} unpool;
static sx_status run_unpool(const sx_call *c, uint32_t begin, uint32_t end) {
  const unpool *q = c->params;
  if (begin >= end) return SX_OK;
  SX_STOP_PARTS(from, to, q->size, 1 << 20) memset((char *)c->out[0] + from, 0, (size_t)(to - from));
  int64_t bad = sx_max_unpool(c->in[0], c->in[1], q->count, q->elem, q->rank, q->inner, q->outer, c->out[0]);
  if (bad >= 0)
    SX_FAIL(c->e, INVALID_ARGUMENT, "index %lld is %lld, which lies outside of the result", (long long)bad,
            (long long)((const int64_t *)c->in[1])[bad]);
  return SX_OK;
}
static sx_status prepare_unpool(sx_prep *p) {
  unpool *q = SX_NEW(p->arena, unpool);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *y = &p->out[0];
  sx_window w;
  SX_TRY(sx_window_read(p->n, x->rank - 2, NULL, &w, p->e));
  *q = (unpool){.elem = sx_elem_bytes(x->dtype), .rank = x->rank, .count = x->count, .size = (int64_t)y->size};
  if (p->in[1].count != x->count)
    SX_FAIL(p->e, FAIL, "there are %lld elements and %lld indices", (long long)x->count, (long long)p->in[1].count);
  for (int i = 0; i < x->rank; i++) {
    q->outer[i] = y->dims[i];
    q->inner[i] =
        i < 2 ? x->dims[i] : (x->dims[i] - 1) * w.stride[i - 2] + w.kernel[i - 2] - w.pad[i - 2] - w.pad[i - 2 + w.n];
    if (q->inner[i] < 0) q->inner[i] = 0;
  }
  p->params = q;
  return y->count ? sx_prep_phase(p, run_unpool, 1, (double)x->count * 5 + (double)y->size * 0.1, 0) : SX_OK;
}
const sx_kernel sx_cpu_MaxUnpool = {.op = &sx_op_MaxUnpool, .name = "max_unpool", .prepare = prepare_unpool};

enum { PLACES = 128, CHANNELS = 64 }; /* of a tile; between two questions whether to stop */
typedef struct deform {
  sx_edge edge;
  sx_deform a;
  const sx_gemm_table *table;
  sx_gemm full, rest; /* the product of a tile, and of the last one */
  int64_t C, M, K, groups, offset_groups, places, tiles;
  bool has_bias, has_mask;
  size_t cols, gemm; /* of the worker's scratch: where columns and the product's scratch begin */
} deform;
static sx_status run_deform(const sx_call *c, uint32_t begin, uint32_t end) {
  const deform *q = c->params;
  int64_t elem = q->table->elem, kernel = q->a.kernel[0] * q->a.kernel[1], per = q->C / q->groups,
          shared = q->C / q->offset_groups, plane = q->a.H * q->a.W;
  const char *x = sx_edge_in(&q->edge, c, 0), *w = sx_edge_in(&q->edge, c, 1), *offset = sx_edge_in(&q->edge, c, 2);
  const char *bias = q->has_bias ? sx_edge_in(&q->edge, c, 3) : NULL,
             *mask = q->has_mask ? sx_edge_in(&q->edge, c, 4) : NULL;
  char *y = sx_edge_out(&q->edge, c, 0), *cols = (char *)c->worker_scratch + q->cols;
  for (int64_t u = begin; u < end; u++) {
    int64_t n = u / (q->groups * q->tiles), g = u / q->tiles % q->groups, first = u % q->tiles * PLACES,
            count = q->places - first < PLACES ? q->places - first : PLACES;
    for (int64_t ch = g * per, next; ch < (g + 1) * per; ch = next) { /* channels that share their offsets */
      int64_t o = n * q->offset_groups + ch / shared;
      next = (ch / shared + 1) * shared < (g + 1) * per ? (ch / shared + 1) * shared : (g + 1) * per;
      if (next - ch > CHANNELS) next = ch + CHANNELS;
      if (sx_stopping()) return SX_OK;
      sx_deform_columns(&q->a, x + (n * q->C + ch) * plane * elem, offset + o * kernel * 2 * q->places * elem,
                        mask ? mask + o * kernel * q->places * elem : NULL, next - ch, first, count, PLACES,
                        cols + (ch - g * per) * kernel * PLACES * elem, c->worker_scratch);
    }
    const sx_gemm *m = count == PLACES ? &q->full : &q->rest;
    sx_gemm_io io = {.a = w + g * q->M * q->K * elem,
                     .b = cols,
                     .bias = bias ? bias + g * q->M * elem : NULL,
                     .c = y + ((n * q->groups + g) * q->M * q->places + first) * elem};
    SX_STOP_PARTS(from, to, (int64_t)m->units, sx_stop_grain(m->unit_ns))
      q->table->run(m, &io, (uint32_t)from, (uint32_t)to, (char *)c->worker_scratch + q->gemm);
  }
  return SX_OK;
}
static sx_status prepare_deform(sx_prep *p) {
  deform *q = SX_NEW(p->arena, deform);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *w = &p->in[1], *off = &p->in[2], *y = &p->out[0];
  sx_window win;
  if (x->rank != 4)
    SX_FAIL(p->e, NOT_IMPLEMENTED, "the input has rank %d, only images [N, C, H, W] are supported", x->rank);
  SX_TRY(sx_window_read(p->n, 2, w->dims + 2, &win, p->e));
  if (x->dims[2] * x->dims[3] > INT32_MAX) SX_FAIL(p->e, NOT_IMPLEMENTED, "a plane of more than 2^31 elements");
  q->a = (sx_deform){.isa = p->cpu->isa,
                     .H = x->dims[2],
                     .W = x->dims[3],
                     .oH = y->dims[2],
                     .oW = y->dims[3],
                     .kernel = {w->dims[2], w->dims[3]},
                     .step = {win.stride[0], win.stride[1]},
                     .dilation = {win.dilation[0], win.dilation[1]},
                     .pad = {win.pad[0], win.pad[1]}};
  q->groups = sx_attr_int(p->n, "group", 1), q->offset_groups = sx_attr_int(p->n, "offset_group", 1);
  q->C = x->dims[1], q->places = q->a.oH * q->a.oW, q->tiles = (q->places + PLACES - 1) / PLACES;
  int64_t kernel = w->dims[2] * w->dims[3];
  if (q->groups < 1 || q->C != w->dims[1] * q->groups || w->dims[0] % q->groups || q->offset_groups < 1 ||
      q->C % q->offset_groups)
    SX_FAIL(p->e, FAIL, "%lld channels, %lld groups, %lld offset groups and a weight for %lld channels do not fit",
            (long long)q->C, (long long)q->groups, (long long)q->offset_groups, (long long)w->dims[1]);
  q->M = w->dims[0] / q->groups, q->K = w->dims[1] * kernel, q->has_bias = sx_prep_has(p, 3),
  q->has_mask = sx_prep_has(p, 4);
  if (off->rank != 4 || off->dims[0] != x->dims[0] || off->dims[1] != 2 * q->offset_groups * kernel ||
      off->dims[2] != q->a.oH || off->dims[3] != q->a.oW)
    SX_FAIL(p->e, FAIL, "the offsets must be [%lld, %lld, %lld, %lld]", (long long)x->dims[0],
            (long long)(2 * q->offset_groups * kernel), (long long)q->a.oH, (long long)q->a.oW);
  if (q->has_mask && p->in[4].count * 2 != off->count)
    SX_FAIL(p->e, FAIL, "the mask has %lld elements, expected %lld", (long long)p->in[4].count, (long long)off->count / 2);
  if (q->has_bias && p->in[3].count != w->dims[0])
    SX_FAIL(p->e, INVALID_ARGUMENT, "the bias has %lld elements, expected %lld", (long long)p->in[3].count,
            (long long)w->dims[0]);
  if (!y->count) return SX_OK;
  SX_TRY(sx_edge_begin(p, &q->edge, sx_edge_wide((sx_dtype)x->dtype), 0x1f, 1));
  q->a.type = q->edge.wide, q->table = q->a.type == SX_F64 ? sx_gemm_f64() : sx_gemm_f32();
  q->full = (sx_gemm){.M = q->M,
                      .N = PLACES,
                      .K = q->K,
                      .a_row = q->K,
                      .a_k = 1,
                      .b_k = PLACES,
                      .b_n = 1,
                      .c_row = q->places,
                      .alpha = 1,
                      .epi = {.bias = q->has_bias, .bias_row = 1}};
  q->rest = q->full, q->rest.N = q->places % PLACES;
  sx_gemm_plan(q->table, &q->full);
  sx_gemm_plan(q->table, &q->rest);
  size_t product = q->full.scratch > q->rest.scratch ? q->full.scratch : q->rest.scratch, columns;
  q->cols = sx_round_up(sx_deform_scratch_bytes(), SX_ALIGN);
  if (!sx_size_mul((size_t)q->K, PLACES * (size_t)q->table->elem, &columns))
    SX_FAIL(p->e, FAIL, "the columns do not fit memory");
  q->gemm = q->cols + sx_round_up(columns, SX_ALIGN);
  SX_TRY(sx_prep_phase(p, run_deform, x->dims[0] * q->groups * q->tiles,
                       (double)(q->K * PLACES) * 4 + q->full.unit_ns * (double)q->full.units, q->gemm + product));
  return sx_edge_end(p, &q->edge);
}
const sx_kernel sx_cpu_DeformConv = {
    .op = &sx_op_DeformConv, .name = "deform_conv", .claim = sx_edge_claim, .prepare = prepare_deform};

typedef struct det {
  sx_edge edge;
  int64_t n;
} det;
static sx_status run_det(const sx_call *c, uint32_t begin, uint32_t end) {
  const det *q = c->params;
  double spent = 0;
  for (int64_t u = begin; u < end; u++) {
    double *m = c->worker_scratch;
    const double *x = (const double *)sx_edge_in(&q->edge, c, 0) + u * q->n * q->n;
    for (int64_t i = 0, pitch = sx_det_pitch(q->n); i < q->n && !sx_stop_spent(&spent, (double)q->n); i++) {
      memcpy(m + i * pitch, x + i * q->n, (size_t)q->n * sizeof(double));
      for (int64_t j = q->n; j < pitch; j++) m[i * pitch + j] = 0;
    }
    ((double *)sx_edge_out(&q->edge, c, 0))[u] = sx_det(q->edge.isa, m, q->n);
  }
  return SX_OK;
}
static sx_status prepare_det(sx_prep *p) {
  det *q = SX_NEW(p->arena, det);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0];
  q->n = x->dims[x->rank - 1];
  if (x->dims[x->rank - 2] != q->n)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the matrices are %lld x %lld, expected square ones", (long long)x->dims[x->rank - 2],
            (long long)q->n);
  if (!p->out[0].count) return SX_OK;
  SX_TRY(sx_edge_begin(p, &q->edge, SX_F64, 1, 1));
  SX_TRY(sx_prep_phase(p, run_det, p->out[0].count, (double)q->n * (double)q->n * (double)q->n * 0.5 + 20,
                       (size_t)(q->n * sx_det_pitch(q->n)) * sizeof(double)));
  return sx_edge_end(p, &q->edge);
}
const sx_kernel sx_cpu_Det = {.op = &sx_op_Det, .name = "det", .claim = sx_edge_claim, .prepare = prepare_det};
