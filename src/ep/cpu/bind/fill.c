// SPDX-License-Identifier: MIT
/* Operators whose results come from shapes or a few scalars: Shape, Size, ConstantOfShape, Range, EyeLike. */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/scan/scan.h"

/* Shape and Size: the numbers are there when the step is prepared. */
typedef struct numbers {
  uint32_t n;
  int64_t v[SX_MAX_RANK];
} numbers;
static sx_status numbers_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const numbers *q = c->params;
  if (begin < end && q->n) memcpy(c->out[0], q->v, q->n * sizeof *q->v);
  return SX_OK;
}
static sx_status shape(sx_prep *p) {
  const sx_view *x = &p->in[0];
  numbers *q = SX_NEW(p->arena, numbers);
  if (!q) SX_NO_MEMORY(p->e);
  int64_t from = sx_attr_int(p->n, "start", 0), to = sx_attr_int(p->n, "end", x->rank);
  from = from < 0 ? from + x->rank : from, to = to < 0 ? to + x->rank : to;
  for (int64_t i = from < 0 ? 0 : from; i < to && i < x->rank; i++) q->v[q->n++] = x->dims[i];
  p->params = q;
  return sx_prep_phase(p, numbers_run, 1, 10, 0);
}
static sx_status size(sx_prep *p) {
  numbers *q = SX_NEW(p->arena, numbers);
  if (!q) SX_NO_MEMORY(p->e);
  q->n = 1, q->v[0] = p->in[0].count;
  p->params = q;
  return sx_prep_phase(p, numbers_run, 1, 10, 0);
}

enum { CHUNK = 4096 };
typedef struct fill {
  uint32_t elem;
  int64_t count, cols, k, chunk;
  _Alignas(16) char value[16];
} fill;
static sx_status fill_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const fill *q = c->params;
  int64_t from = begin * q->chunk, to = end * q->chunk < q->count ? end * q->chunk : q->count;
  sx_move_fill((char *)c->out[0] + from * q->elem, q->value, q->elem, to - from);
  return SX_OK;
}
/* The value is read when the session is made: the attribute's bytes may be given back afterwards. */
static sx_status read_value(sx_build *b) {
  const sx_attr *a = sx_node_attr(b->n, "value");
  char *v = sx_arena_alloc(b->arena, 16);
  const void *data;
  if (!v) SX_NO_MEMORY(b->e);
  b->state = v;
  if (!a || !a->t) return SX_OK;
  uint32_t bits = sx_dtype_bits((sx_dtype)a->t->dtype);
  SX_TRY(sx_tensor_data(a->t, &data, b->e));
  if (a->t->count > 0) memcpy(v, data, sx_elem_bytes(a->t->dtype));
  if (bits < 8) v[0] &= (char)((1 << bits) - 1);
  return SX_OK;
}
static sx_status constant_of_shape(sx_prep *p) {
  const sx_view *y = &p->out[0];
  fill *q = SX_NEW(p->arena, fill);
  if (!q) SX_NO_MEMORY(p->e);
  *q = (fill){.elem = sx_elem_bytes(y->dtype), .count = y->count, .chunk = 4 * CHUNK};
  memcpy(q->value, p->state, q->elem);
  p->params = q;
  return sx_prep_phase(p, fill_run, (y->count + q->chunk - 1) / q->chunk, (double)q->chunk * q->elem * 0.05, 0);
}

/* EyeLike: rows of zeros with one element at row + k. */
static sx_status eye_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const fill *q = c->params;
  char *row = (char *)c->out[0] + begin * q->cols * q->elem;
  memset(row, 0, (size_t)((end - begin) * q->cols) * q->elem);
  for (int64_t i = begin; i < end; i++, row += q->cols * q->elem)
    if (i >= -q->k && i < q->cols - q->k) memcpy(row + (i + q->k) * q->elem, q->value, q->elem);
  return SX_OK;
}
static sx_status eye_like(sx_prep *p) {
  const sx_view *y = &p->out[0];
  fill *q = SX_NEW(p->arena, fill);
  int64_t one = 1, k = sx_attr_int(p->n, "k", 0);
  if (!q) SX_NO_MEMORY(p->e);
  if (y->rank != 2) SX_FAIL(p->e, INVALID_ARGUMENT, "the input has rank %d, expected a matrix", y->rank);
  *q = (fill){.elem = sx_elem_bytes(y->dtype), .cols = y->dims[1]};
  q->k = k > y->dims[1] ? y->dims[1] : k < -y->dims[0] ? -y->dims[0] : k;
  sx_cast_run(p->cpu->isa, SX_I64, (sx_dtype)y->dtype, SX_CAST_SATURATE, q->value, &one, 0, 1);
  p->params = q;
  return sx_prep_phase(p, eye_run, q->cols ? y->dims[0] : 0, (double)q->cols * q->elem * 0.05 + 5, 0);
}

typedef struct range {
  sx_isa isa;
  sx_dtype dtype;
  int64_t count;
} range;
static sx_status range_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const range *q = c->params;
  const int64_t at = (int64_t)begin * CHUNK, to = (int64_t)end * CHUNK < q->count ? (int64_t)end * CHUNK : q->count;
  sx_range_run(q->isa, q->dtype, c->out[0], c->in[0], c->in[2], at, to - at);
  return SX_OK;
}
static sx_status prepare_Range(sx_prep *p) {
  range *q = SX_NEW(p->arena, range);
  if (!q) SX_NO_MEMORY(p->e);
  for (uint32_t i = 0; i < 3; i++)
    if (p->in[i].count != 1)
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld elements, expected a scalar", i, (long long)p->in[i].count);
  *q = (range){p->cpu->isa, (sx_dtype)p->out[0].dtype, p->out[0].count};
  p->params = q;
  return sx_prep_phase(p, range_run, (q->count + CHUNK - 1) / CHUNK, CHUNK, 0);
}
const sx_kernel sx_cpu_Range = {.op = &sx_op_Range, .name = "range", .prepare = prepare_Range};

#define ROW(N, fn, title, make)                                             \
  static sx_status prepare_##N(sx_prep *p) { return sx_prep_bytes(p, fn); } \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = title, .create = make, .prepare = prepare_##N};
#define PLAIN(N, fn) const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "shape", .prepare = fn};
PLAIN(Shape, shape)
PLAIN(Size, size)
ROW(ConstantOfShape, constant_of_shape, "fill", read_value)
ROW(EyeLike, eye_like, "eye", NULL)
