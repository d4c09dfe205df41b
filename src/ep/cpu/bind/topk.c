// SPDX-License-Identifier: MIT
/* TopK: the k first of every line along an axis. Lines whose elements lie apart are turned, a few neighbours at once, as long as
 * they stay in the caches. */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/sort/sort.h"

typedef struct params {
  sx_isa isa;
  sx_dtype type;
  uint32_t elem;
  int64_t outer, n, k, inner, lines; /* lines: of a unit */
  bool smallest, values, indices;
} params;
enum { LINES = 16, TURNED = 1 << 20 /* bytes at most */ };
/* Elements from a turned line to the next: lines a power of two apart would share their places in a cache. */
static int64_t pitch(const params *q) { return q->n + 64 / q->elem; }

/* Line j of x, n elements that lie `stride` bytes apart, to y[j * to]. */
#define TURN(T)                                                                                                   \
  for (int64_t r = 0; r < n; r += 16)                                                                             \
    for (int64_t j = 0; j < lines; j++)                                                                           \
      for (int64_t i = r; i < (n - r < 16 ? n : r + 16); i++)                                                     \
        memcpy((T *)y + j * to + i, x + i * stride + j * (int64_t)sizeof(T), sizeof(T));                          \
  break
static void turn(char *restrict y, int64_t to, const char *restrict x, int64_t stride, int64_t n, int64_t lines, uint32_t e) {
  switch (e) {
    case 1: TURN(uint8_t);
    case 2: TURN(uint16_t);
    case 4: TURN(uint32_t);
    default: TURN(uint64_t);
  }
}
static inline void copy(char *y, const char *x, uint32_t e) {
  switch (e) {
    case 1: memcpy(y, x, 1); break;
    case 2: memcpy(y, x, 2); break;
    case 4: memcpy(y, x, 4); break;
    default: memcpy(y, x, 8);
  }
}
static sx_status line(const params *q, const sx_call *c, const char *x, int64_t stride, int64_t to, sx_sort_item *items) {
  int64_t e = q->elem;
  sx_topk(q->isa, q->type, x, stride, q->n, q->k, q->smallest, items);
  SX_TRY(sx_stop_settle(c->e)); /* the places are none */
  SX_STOP_PARTS(from, end, q->k, 1 << 16) for (int64_t r = from; r < end; r++) {
    int64_t at = to + r * q->inner;
    if (q->values) copy((char *)c->out[0] + at * e, x + items[r].at * stride, q->elem);
    if (q->indices) ((int64_t *)c->out[1])[at] = items[r].at;
  }
  return SX_OK;
}
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  sx_sort_item *items = c->worker_scratch;
  char *turned = (char *)(items + sx_topk_items(q->n, q->k));
  const int64_t e = q->elem, row = q->inner * e, groups = (q->inner + q->lines - 1) / q->lines;
  int64_t o = begin / groups, i = begin % groups * q->lines;
  for (uint32_t u = begin; u < end; u++) {
    const int64_t m = q->inner - i < q->lines ? q->inner - i : q->lines;
    const int64_t to = o * q->k * q->inner + i;
    const char *x = (const char *)c->in[0] + (o * q->n * q->inner + i) * e;
    if (q->lines > 1) turn(turned, pitch(q), x, row, q->n, m, q->elem);
    for (int64_t j = 0; j < m; j++)
      SX_TRY(line(q, c, q->lines > 1 ? turned + j * pitch(q) * e : x, q->lines > 1 ? e : row, to + j, items));
    if ((i += q->lines) >= q->inner) o++, i = 0;
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
                1,
                sx_attr_int(p->n, "largest", 1) == 0,
                p->out[0].dtype != 0,
                p->n_out > 1 && p->out[1].dtype};
  if (q->k > q->n) SX_FAIL(p->e, FAIL, "k is %lld, axis %lld has %lld", (long long)q->k, (long long)axis, (long long)q->n);
  if (q->inner > 1 && q->n <= TURNED / LINES / q->elem) q->lines = LINES;
  if (!sx_size_mul((size_t)sx_topk_items(q->n, q->k), sizeof(sx_sort_item), &scratch)) SX_FAIL(p->e, FAIL, "scratch memory overflows");
  if (q->lines > 1) scratch += (size_t)(q->lines * pitch(q) * q->elem);
  p->params = q;
  const double ns = (double)q->lines * ((double)q->n * 2 + (double)q->k * 20);
  return sx_prep_phase(p, run, q->k ? q->outer * ((q->inner + q->lines - 1) / q->lines) : 0, ns, scratch);
}
const sx_kernel sx_cpu_TopK = {.op = &sx_op_TopK, .name = "topk", .prepare = prepare};
