// SPDX-License-Identifier: MIT
/* Gather and its kin: indices are checked where they are read. */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/gather/gather.h"

static sx_status index_status(const sx_call *c, const void *idx, bool wide, int64_t at, int64_t n) {
  if (at < 0) return SX_OK;
  SX_FAIL(c->e, INVALID_ARGUMENT, "element %lld of the indices is %lld, out of bounds: expected [%lld, %lld)",
          (long long)at, (long long)sx_index_at(idx, wide, at), (long long)-n, (long long)n);
}
static int axis_of(const sx_prep *p, int64_t dflt, int rank) {
  int64_t a = sx_attr_int(p->n, "axis", dflt);
  return (int)(a < 0 ? a + rank : a);
}
/* Units of about UNIT bytes out of `rows` rows. */
enum { UNIT = 1 << 15 };
static int64_t group_of(int64_t row_bytes) { return row_bytes < UNIT ? UNIT / (row_bytes + 1) + 1 : 1; }

typedef struct gather_params {
  sx_gather g;
  int64_t rows, group;
} gather_params;
static sx_status gather_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const gather_params *q = c->params;
  int64_t to = end * q->group < q->rows ? end * q->group : q->rows;
  return index_status(c, c->in[1], q->g.wide, sx_gather_rows(&q->g, c->in[0], c->in[1], c->out[0], begin * q->group, to),
                      q->g.axis);
}
static sx_status gather_along(sx_prep *p, int axis) {
  const sx_view *x = &p->in[0], *i = &p->in[1];
  gather_params *q = SX_NEW(p->arena, gather_params);
  if (!q) SX_NO_MEMORY(p->e);
  int64_t inner = sx_dims_count(x->dims, axis + 1, x->rank) * sx_elem_bytes(x->dtype);
  q->g = (sx_gather){x->dims[axis], i->count, (size_t)inner, i->dtype == SX_I64};
  q->rows = inner ? sx_dims_count(x->dims, 0, axis) * i->count : 0;
  q->group = group_of(inner);
  p->params = q;
  return sx_prep_phase(p, gather_run, (q->rows + q->group - 1) / q->group, (double)q->group * ((double)inner * 0.1 + 2), 0);
}
static sx_status gather(sx_prep *p) { return gather_along(p, axis_of(p, 0, p->in[0].rank)); }
static sx_status extract_features(sx_prep *p) { return gather_along(p, p->in[0].rank - 1); }

/* GatherElements and ScatterElements. */
typedef struct lines_params {
  sx_lines l;
  int64_t lines, group;
  sx_combine combine;
  size_t bytes;
} lines_params;
static sx_status gather_lines(const sx_call *c, uint32_t begin, uint32_t end) {
  const lines_params *q = c->params;
  int64_t to = end * q->group < q->lines ? end * q->group : q->lines;
  return index_status(c, c->in[1], q->l.wide,
                      sx_gather_elements(&q->l, c->in[0], c->in[1], c->out[0], begin * q->group, to), q->l.n);
}
static sx_status scatter_lines(const sx_call *c, uint32_t begin, uint32_t end) {
  const lines_params *q = c->params;
  int64_t to = end * q->group < q->lines ? end * q->group : q->lines;
  return index_status(c, c->in[1], q->l.wide,
                      sx_scatter_elements(&q->l, c->out[0], c->in[1], c->in[2], q->combine, begin * q->group, to), q->l.n);
}
static sx_status lines_of(sx_prep *p, lines_params **out) {
  const sx_view *x = &p->in[0], *i = &p->in[1];
  lines_params *q = *out = SX_NEW(p->arena, lines_params);
  if (!q) SX_NO_MEMORY(p->e);
  if (x->rank != i->rank || x->rank < 1)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the indices have rank %d, the data %d; expected the same, at least 1", i->rank,
            x->rank);
  q->l = (sx_lines){
      .rank = x->rank, .axis = axis_of(p, 0, x->rank), .elem = sx_elem_bytes(x->dtype), .wide = i->dtype == SX_I64};
  q->l.n = x->dims[q->l.axis];
  sx_view_strides(x, q->l.stride);
  for (int k = 0; k < x->rank; k++) {
    q->l.dim[k] = i->dims[k];
    if (k != q->l.axis && i->dims[k] > x->dims[k])
      SX_FAIL(p->e, INVALID_ARGUMENT, "the indices have %lld at axis %d, the data only %lld", (long long)i->dims[k], k,
              (long long)x->dims[k]);
  }
  q->lines = i->count ? sx_lines_count(&q->l) : 0;
  q->group = group_of(q->l.dim[q->l.axis] * 8);
  if (q->l.axis != x->rank - 1 && q->group < 128) q->group = 128; /* lines side by side share what the caches bring */
  q->bytes = x->size;
  p->params = q;
  return SX_OK;
}
static sx_status gather_elements(sx_prep *p) {
  lines_params *q;
  SX_TRY(lines_of(p, &q));
  return sx_prep_phase(p, gather_lines, (q->lines + q->group - 1) / q->group,
                       (double)(q->group * q->l.dim[q->l.axis]) * 2 + 20, 0);
}

/* Scatters begin as a copy of the data, which may lie in the output already. */
static sx_status copy_bytes(const sx_call *c, size_t size, uint32_t begin, uint32_t end) {
  size_t from = (size_t)begin * UNIT, to = (size_t)end * UNIT < size ? (size_t)end * UNIT : size;
  if (c->in[0] != c->out[0] && from < to) memcpy((char *)c->out[0] + from, (const char *)c->in[0] + from, to - from);
  return SX_OK;
}
static sx_status copy_phase(sx_prep *p, sx_run_fn run, size_t size) {
  return sx_prep_phase(p, run, (int64_t)((size + UNIT - 1) / UNIT), UNIT / 10, 0);
}
static size_t plain_size(const sx_view *v) {
  return (size_t)v->count * sx_elem_bytes(v->dtype);
} /* packed types are bytes here */

static sx_status reduction_of(const sx_prep *p, sx_combine *out) {
  static const char *const names[] = {"none", "add", "mul", "min", "max"};
  sx_str r = sx_attr_str(p->n, "reduction", "none");
  int op = 0;
  while (op < 5 && !sx_str_is(r, names[op])) op++;
  if (op == 5) SX_FAIL(p->e, INVALID_ARGUMENT, "reduction is '%.*s', expected none, add, mul, min or max", SX_FMT(r));
  *out = sx_combine_of((sx_dtype)p->in[0].dtype, (sx_combine_op)op);
  if (op && !*out)
    SX_FAIL(p->e, NOT_IMPLEMENTED, "reduction '%s' of type %s", names[op], sx_dtype_name((sx_dtype)p->in[0].dtype));
  return SX_OK;
}

static sx_status scatter_copy(const sx_call *c, uint32_t begin, uint32_t end) {
  return copy_bytes(c, ((const lines_params *)c->params)->bytes, begin, end);
}
static sx_status scatter_elements(sx_prep *p) {
  lines_params *q;
  SX_TRY(lines_of(p, &q));
  SX_TRY(reduction_of(p, &q->combine));
  if (p->in[2].count != p->in[1].count)
    SX_FAIL(p->e, INVALID_ARGUMENT, "%lld updates for %lld indices", (long long)p->in[2].count, (long long)p->in[1].count);
  q->bytes = plain_size(&p->in[0]);
  SX_TRY(copy_phase(p, scatter_copy, q->bytes));
  return sx_prep_phase(p, scatter_lines, (q->lines + q->group - 1) / q->group,
                       (double)(q->group * q->l.dim[q->l.axis]) * 3 + 20, 0);
}

/* GatherND and ScatterND: tuples of `depth` indices name a slice of `inner` elements. */
typedef struct nd_params {
  sx_nd nd;
  int64_t batch, tuples, inner, span; /* span: elements of the data per batch */
  int64_t group, cut;                 /* tuples of a gather's unit; elements of a scatter's */
  uint32_t elem;
  size_t bytes;
  sx_combine combine;
} nd_params;
static sx_status nd_of(sx_prep *p, int64_t batch_dims, nd_params **out) {
  const sx_view *x = &p->in[0], *i = &p->in[1];
  nd_params *q = *out = SX_NEW(p->arena, nd_params);
  if (!q) SX_NO_MEMORY(p->e);
  int b = (int)batch_dims, depth = i->rank > b ? (int)i->dims[i->rank - 1] : -1;
  if (i->rank <= b || x->rank < b || depth < 0 || i->dims[i->rank - 1] > x->rank - b)
    SX_FAIL(p->e, INVALID_ARGUMENT, "indices of rank %d with tuples of %d do not fit data of rank %d", i->rank, depth,
            x->rank);
  for (int k = 0; k < b; k++)
    if (x->dims[k] != i->dims[k])
      SX_FAIL(p->e, INVALID_ARGUMENT, "batch axis %d has %lld in the data and %lld in the indices", k,
              (long long)x->dims[k], (long long)i->dims[k]);
  q->batch = sx_dims_count(x->dims, 0, b), q->tuples = sx_dims_count(i->dims, b, i->rank - 1), q->nd.depth = depth;
  q->span = sx_dims_count(x->dims, b, x->rank), q->inner = sx_dims_count(x->dims, b + depth, x->rank);
  q->elem = sx_elem_bytes(x->dtype), q->bytes = plain_size(x);
  int64_t s = q->inner * q->elem;
  q->nd.bytes = (size_t)s;
  for (int k = depth; k-- > 0; s *= x->dims[b + k]) q->nd.dim[k] = x->dims[b + k], q->nd.stride[k] = s;
  p->params = q;
  return SX_OK;
}
static sx_status nd_status(const sx_call *c, const nd_params *q, int64_t first, int64_t bad) {
  if (bad < 0) return SX_OK;
  return index_status(c, c->in[1], true, first * q->nd.depth + bad, q->nd.dim[bad % q->nd.depth]);
}
static sx_status gather_nd_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const nd_params *q = c->params;
  const int64_t all = q->batch * q->tuples, to = (int64_t)end * q->group < all ? (int64_t)end * q->group : all;
  for (int64_t t = (int64_t)begin * q->group; t < to;) {
    const int64_t b = t / q->tuples, left = (b + 1) * q->tuples - t, n = left < to - t ? left : to - t;
    SX_TRY(nd_status(c, q, t, sx_gather_nd(&q->nd, (const char *)c->in[0] + b * q->span * q->elem,
                                           (const int64_t *)c->in[1] + t * q->nd.depth, (char *)c->out[0] + (size_t)t * q->nd.bytes, n)));
    t += n;
  }
  return SX_OK;
}
static sx_status gather_nd(sx_prep *p) {
  nd_params *q;
  SX_TRY(nd_of(p, sx_attr_int(p->n, "batch_dims", 0), &q));
  q->group = group_of(q->inner * q->elem);
  int64_t all = q->inner ? q->batch * q->tuples : 0;
  return sx_prep_phase(p, gather_nd_run, (all + q->group - 1) / q->group,
                       (double)q->group * ((double)(q->inner * q->elem) * 0.1 + 5), 0);
}

/* Tuples may repeat: a unit does all of them, for a part of the slice. */
static sx_status scatter_nd_copy(const sx_call *c, uint32_t begin, uint32_t end) {
  return copy_bytes(c, ((const nd_params *)c->params)->bytes, begin, end);
}
static sx_status scatter_nd_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const nd_params *q = c->params;
  const int64_t from = (int64_t)begin * q->cut, to = (int64_t)end * q->cut < q->inner ? (int64_t)end * q->cut : q->inner;
  return nd_status(c, q, 0, sx_scatter_nd(&q->nd, c->out[0], c->in[1], c->in[2], q->tuples, (size_t)from * q->elem,
                                          (size_t)(to - from) * q->elem, q->elem, q->combine));
}
static sx_status scatter_nd(sx_prep *p) {
  nd_params *q;
  SX_TRY(nd_of(p, 0, &q));
  SX_TRY(reduction_of(p, &q->combine));
  if (p->in[2].count != q->tuples * q->inner)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the updates have %lld elements, expected %lld", (long long)p->in[2].count,
            (long long)(q->tuples * q->inner));
  q->cut = q->inner * q->tuples * q->elem <= UNIT ? q->inner : 4096 / q->elem;
  SX_TRY(copy_phase(p, scatter_nd_copy, q->bytes));
  return sx_prep_phase(p, scatter_nd_run, q->inner && q->tuples ? (q->inner + q->cut - 1) / q->cut : 0,
                       (double)q->tuples * (5 + (double)(q->cut * q->elem) * 0.1), 0);
}

/* TensorScatter: a batch's update lies at write_indices[b] along the axis, around the end when circular. */
typedef struct cache_params {
  int64_t batch, before, n, m, inner;
  bool circular, indices;
  size_t bytes;
} cache_params;
static sx_status cache_copy(const sx_call *c, uint32_t begin, uint32_t end) {
  return copy_bytes(c, ((const cache_params *)c->params)->bytes, begin, end);
}
static sx_status cache_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const cache_params *q = c->params;
  for (uint32_t u = begin; u < end; u++) {
    int64_t b = u / q->before, at = q->indices ? ((const int64_t *)c->in[2])[b] : 0;
    if (at < 0 || (q->circular ? at >= q->n && q->n : at > q->n - q->m))
      SX_FAIL(c->e, FAIL, "write index %lld of batch %lld: %lld new entries do not fit a cache of %lld", (long long)at,
              (long long)b, (long long)q->m, (long long)q->n);
    for (int64_t k = 0; k < q->m; k++)
      memcpy((char *)c->out[0] + (u * q->n + (at + k) % q->n) * q->inner,
             (const char *)c->in[1] + (u * q->m + k) * q->inner, (size_t)q->inner);
  }
  return SX_OK;
}
static sx_status tensor_scatter(sx_prep *p) {
  const sx_view *x = &p->in[0], *u = &p->in[1];
  cache_params *q = SX_NEW(p->arena, cache_params);
  if (!q) SX_NO_MEMORY(p->e);
  int axis = axis_of(p, -2, x->rank);
  for (int k = 0; k < x->rank; k++)
    if (k == axis ? u->dims[k] > x->dims[k] : u->dims[k] != x->dims[k])
      SX_FAIL(p->e, FAIL, "the update has %lld at axis %d, the cache %lld", (long long)u->dims[k], k,
              (long long)x->dims[k]);
  *q = (cache_params){x->dims[0],
                      sx_dims_count(x->dims, 1, axis),
                      x->dims[axis],
                      u->dims[axis],
                      sx_dims_count(x->dims, axis + 1, x->rank) * sx_elem_bytes(x->dtype),
                      sx_str_is(sx_attr_str(p->n, "mode", "linear"), "circular"),
                      p->n_in > 2 && p->in[2].dtype,
                      plain_size(x)};
  if (q->indices && p->in[2].count != q->batch)
    SX_FAIL(p->e, FAIL, "%lld write indices for a batch of %lld", (long long)p->in[2].count, (long long)q->batch);
  p->params = q;
  SX_TRY(copy_phase(p, cache_copy, q->bytes));
  return sx_prep_phase(p, cache_run, q->m && q->inner ? q->batch * q->before : 0, (double)(q->m * q->inner) * 0.1 + 10, 0);
}

/* OneHot: blocks (depth, inner) filled with `off`, then one `on` per index: block after block, or, where blocks are large, first the
 * whole in pieces and then a chunk of indices a unit. */
typedef struct one_hot_params {
  sx_isa isa;
  sx_dtype type;
  uint32_t elem;
  int64_t depth, inner, count; /* count: of the output */
} one_hot_params;
enum { HOT_CHUNK = 128, HOT_PIECE = 1 << 14, HOT_BLOCK = 1 << 18 };
/* `n` indices from `first` on, their elements `step` apart from y on. */
static void one_hot_set(const one_hot_params *q, const sx_call *c, int64_t first, int64_t n, char *y, int64_t step) {
  const char *on = (const char *)c->in[2] + q->elem;
  int64_t idx[HOT_CHUNK];
  for (int64_t m; n > 0; n -= m, first += m) {
    m = n < HOT_CHUNK ? n : HOT_CHUNK;
    sx_cast_run(q->isa, q->type, SX_I64, 0, idx, (const char *)c->in[0] + first * sx_elem_bytes(q->type), 0, m);
    for (int64_t k = 0; k < m; k++, y += step * q->elem) {
      const int64_t i = idx[k] + (idx[k] < 0 ? q->depth : 0);
      if ((uint64_t)i < (uint64_t)q->depth) memcpy(y + i * q->inner * q->elem, on, q->elem);
    }
  }
}
static sx_status one_hot_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const one_hot_params *q = c->params;
  const int64_t block = q->depth * q->inner, some = q->inner == 1 && q->depth <= HOT_CHUNK ? HOT_CHUNK : 1; /* short ones: many at once */
  for (int64_t u = begin, n; u < end; u += n) {
    char *y = (char *)c->out[0] + u * block * q->elem;
    n = end - u < some ? end - u : some;
    sx_move_fill(y, c->in[2], q->elem, n * block);
    one_hot_set(q, c, u * q->inner, n * q->inner, y, q->inner == 1 ? block : 1);
  }
  return SX_OK;
}
static sx_status one_hot_fill(const sx_call *c, uint32_t begin, uint32_t end) {
  const one_hot_params *q = c->params;
  const int64_t from = (int64_t)begin * HOT_PIECE, to = (int64_t)end * HOT_PIECE < q->count ? (int64_t)end * HOT_PIECE : q->count;
  sx_move_fill((char *)c->out[0] + from * q->elem, c->in[2], q->elem, to - from);
  return SX_OK;
}
static sx_status one_hot_ones(const sx_call *c, uint32_t begin, uint32_t end) {
  const one_hot_params *q = c->params;
  const int64_t pieces = (q->inner - 1) / HOT_CHUNK + 1;
  for (int64_t u = begin; u < end; u++) {
    const int64_t at = u % pieces * HOT_CHUNK;
    char *y = (char *)c->out[0] + (u / pieces * q->depth * q->inner + at) * q->elem;
    one_hot_set(q, c, u / pieces * q->inner + at, q->inner - at < HOT_CHUNK ? q->inner - at : HOT_CHUNK, y, 1);
  }
  return SX_OK;
}
static sx_status one_hot(sx_prep *p) {
  const sx_view *i = &p->in[0], *y = &p->out[0];
  one_hot_params *q = SX_NEW(p->arena, one_hot_params);
  if (!q) SX_NO_MEMORY(p->e);
  int axis = axis_of(p, -1, y->rank);
  if (p->in[2].count != 2)
    SX_FAIL(p->e, INVALID_ARGUMENT, "values has %lld elements, expected two", (long long)p->in[2].count);
  *q = (one_hot_params){p->cpu->isa,    (sx_dtype)i->dtype, sx_elem_bytes(y->dtype),
                        y->dims[axis], sx_dims_count(y->dims, axis + 1, y->rank), y->count};
  p->params = q;
  if (!y->count) return SX_OK;
  const int64_t outer = sx_dims_count(y->dims, 0, axis), bytes = q->depth * q->inner * q->elem;
  if (bytes < HOT_BLOCK) return sx_prep_phase(p, one_hot_run, outer, (double)bytes * 0.1 + 10 * (double)q->inner, 0);
  SX_TRY(sx_prep_phase(p, one_hot_fill, (y->count - 1) / HOT_PIECE + 1, HOT_PIECE * q->elem * 0.1, 0));
  return sx_prep_phase(p, one_hot_ones, outer * ((q->inner - 1) / HOT_CHUNK + 1), HOT_CHUNK * 10, 0);
}

#define ROW(N, fn, mode)                                                    \
  static sx_status prepare_##N(sx_prep *p) { return sx_prep_bytes(p, fn); } \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = #fn, .flags = mode, .prepare = prepare_##N};
ROW(ArrayFeatureExtractor, extract_features, 0)
ROW(Gather, gather, 0)
ROW(GatherElements, gather_elements, 0)
ROW(GatherND, gather_nd, 0)
ROW(ScatterElements, scatter_elements, SX_KERNEL_INPLACE0)
ROW(ScatterND, scatter_nd, SX_KERNEL_INPLACE0)
ROW(TensorScatter, tensor_scatter, SX_KERNEL_INPLACE0)
ROW(OneHot, one_hot, 0)
