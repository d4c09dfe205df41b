// SPDX-License-Identifier: MIT
/* Planning and running reductions: dimensions merged into kept and reduced ones, units cut by shape, elements brought to
 * the type that computes block by block. */
#include "ep/cpu/kernels/reduce/reduce.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/move/move.h"
#include "ep/cpu/kernels/reduce/reduce_tables.h"

SX_ISA_DECLARE(sx_reduce_table, sx_reduce);
SX_ISA_DECLARE(sx_reduce_natives, sx_reduce_native);

/* Scratch of one worker. */
typedef struct work {
  sx_reduce_cell v[SX_REDUCE_COLUMNS], w[SX_REDUCE_COLUMNS];
  float acc[SX_REDUCE_COLUMNS + 64], max[SX_REDUCE_COLUMNS + 64];
  uint64_t loaded[SX_REDUCE_BLOCK], cast[SX_REDUCE_BLOCK], turned[SX_REDUCE_BLOCK];
  const sx_reduce_native *native; /* how extremes are taken from memory as it is, or NULL */
} work;

static sx_ew_class class_of(const sx_reduce_plan *p) {
  const sx_ew_class c = sx_ew_class_of(p->type);
  if (p->op == SX_REDUCE_LOGSUMEXP && c != SX_EW_F32) return SX_EW_F64;
  if (c == SX_EW_F32) return p->op >= SX_REDUCE_ARGMAX ? SX_EW_F64 : SX_EW_F32;
  return c == SX_EW_F64 || c == SX_EW_U64 ? c : SX_EW_I64;
}
static const sx_reduce_wide *wide_of(sx_ew_class c) {
  return c == SX_EW_I64 ? &sx_reduce_i64 : c == SX_EW_U64 ? &sx_reduce_u64 : &sx_reduce_f64;
}

static bool is_arg(sx_reduce_op op) { return op == SX_REDUCE_ARGMAX || op == SX_REDUCE_ARGMIN; }
static bool is_least(sx_reduce_op op) { return op == SX_REDUCE_MIN || op == SX_REDUCE_ARGMIN; }
static const uint8_t native_kind[SX_DTYPE_COUNT] = {[SX_F32] = SX_REDUCE_F32 + 1, [SX_F64] = SX_REDUCE_F64 + 1,
                                                    [SX_I8] = SX_REDUCE_I8 + 1,   [SX_U8] = SX_REDUCE_U8 + 1,
                                                    [SX_I32] = SX_REDUCE_I32 + 1, [SX_I64] = SX_REDUCE_I64 + 1,
                                                    [SX_BOOL] = SX_REDUCE_U8 + 1};
static const sx_reduce_native *native_of(const sx_reduce_plan *p, const void *x) {
  const bool extreme = p->op == SX_REDUCE_MAX || p->op == SX_REDUCE_MIN || is_arg(p->op);
  const uint8_t kind = native_kind[p->type];
  if (!extreme || !kind || ((uintptr_t)x & (sx_dtype_bits(p->type) / 8 - 1))) return NULL;
  if (is_arg(p->op) && (p->type == SX_BOOL || p->count > INT32_MAX)) return NULL; /* bytes that mean true may differ */
  return &SX_ISA_PICK(sx_reduce_native, p->isa)->kind[kind - 1];
}
/* n native elements, as cells of the class that computes. */
static void cells_of(const sx_reduce_plan *p, sx_reduce_cell *v, const void *x, int64_t n) {
#define CELLS(T, member) \
  for (int64_t i = 0; i < n; i++) v[i].member = ((const T *)x)[i]; \
  return
  switch (p->type) {
    case SX_F32: CELLS(float, f);
    case SX_F64: CELLS(double, f);
    case SX_I8: CELLS(int8_t, i);
    case SX_I32: CELLS(int32_t, i);
    case SX_I64: CELLS(int64_t, i);
    default: CELLS(uint8_t, i);
  }
#undef CELLS
}

static sx_reduce_map map_of(sx_reduce_op op) {
  return op == SX_REDUCE_L1                                ? SX_REDUCE_ABS
         : op == SX_REDUCE_L2 || op == SX_REDUCE_SUMSQUARE ? SX_REDUCE_SQUARE
                                                           : SX_REDUCE_ID;
}
static bool is_sum(sx_reduce_op op) {
  return op != SX_REDUCE_MAX && op != SX_REDUCE_MIN && op != SX_REDUCE_LOGSUMEXP && op != SX_REDUCE_PROD;
}
/* Whole reductions in rows that lie one behind the other. */
static bool has_dense_rows(const sx_reduce_plan *p) {
  return p->rows && p->inner == p->count && p->inner > 0 && p->inner <= SX_REDUCE_BLOCK &&
         (!p->kept.rank || (p->kept.rank == 1 && p->kept.stride[0] == p->inner));
}
/* Rows so short that a call for each is most of the work are turned, some at once, and are columns then. */
static bool is_turned(const sx_reduce_plan *p) {
  enum { SHORT = 16, SOME = 8 };
  const uint32_t bits = sx_dtype_bits(p->type);
  if (!has_dense_rows(p) || p->inner > SHORT || p->outputs < SOME || bits % 8 || bits > 64) return false;
  if (p->type == SX_F32 && class_of(p) == SX_EW_F32 && is_sum(p->op)) return false;           /* these have functions */
  return !(native_kind[p->type] && (p->op == SX_REDUCE_MAX || p->op == SX_REDUCE_MIN)); /* for all rows */
}

static sx_status add_dim(sx_reduce_dims *d, int64_t dim, int64_t stride, sx_err *e) {
  if (d->rank == SX_REDUCE_RANK)
    SX_FAIL(e, NOT_IMPLEMENTED, "a reduction over more than %d separate dimensions", SX_REDUCE_RANK);
  d->dim[d->rank] = dim, d->stride[d->rank] = stride;
  d->rank++;
  return SX_OK;
}
static int64_t dims_total(const sx_reduce_dims *d) {
  int64_t n = 1;
  for (uint32_t i = 0; i < d->rank; i++) n *= d->dim[i];
  return n;
}

sx_status sx_reduce_plan_init(sx_reduce_plan *p, sx_reduce_op op, sx_dtype type, uint32_t rank, const int64_t *dim,
                              uint64_t axes, bool last_index, sx_isa isa, sx_err *e) {
  if (sx_ew_class_of(type) == SX_EW_CLASSES) SX_FAIL(e, NOT_IMPLEMENTED, "no reduction of %s", sx_dtype_name(type));
  if (rank > 64) SX_FAIL(e, NOT_IMPLEMENTED, "a reduction of a tensor of rank %u", rank);
  *p = (sx_reduce_plan){.op = op, .type = type, .isa = isa, .last_index = last_index, .inner = 1, .rows = true};
  /* innermost first: runs of dimensions of one kind; a dimension of 1 is of any */
  int64_t stride = 1, run = 1, run_stride = 1;
  bool run_gone = true, innermost = true, any = false;
  for (uint32_t i = rank; i-- > 0;) {
    bool gone = axes >> i & 1;
    if (dim[i] == 1) continue;
    if (any && gone != run_gone) {
      if (innermost)
        p->inner = run, p->rows = run_gone;
      else
        SX_TRY(add_dim(run_gone ? &p->gone : &p->kept, run, run_stride, e));
      innermost = false, run = 1, run_stride = stride;
    }
    any = true, run_gone = gone;
    if (!sx_i64_mul(run, dim[i], &run) || !sx_i64_mul(stride, dim[i] ? dim[i] : 1, &stride))
      SX_FAIL(e, INVALID_ARGUMENT, "a reduction of a tensor of too many elements");
  }
  if (any && innermost)
    p->inner = run, p->rows = run_gone;
  else if (any)
    SX_TRY(add_dim(run_gone ? &p->gone : &p->kept, run, run_stride, e));
  for (int k = 0; k < 2; k++) { /* outermost first */
    sx_reduce_dims *d = k ? &p->kept : &p->gone;
    for (uint32_t i = 0; i < d->rank / 2; i++) {
      int64_t a = d->dim[i], b = d->stride[i];
      d->dim[i] = d->dim[d->rank - 1 - i], d->stride[i] = d->stride[d->rank - 1 - i];
      d->dim[d->rank - 1 - i] = a, d->stride[d->rank - 1 - i] = b;
    }
  }
  const int64_t kept = dims_total(&p->kept), gone = dims_total(&p->gone);
  p->outputs = kept * (p->rows ? 1 : p->inner);
  p->count = gone * (p->rows ? p->inner : 1);
  p->turned = is_turned(p);
  int64_t per = !p->count ? SX_REDUCE_COLUMNS : (p->turned ? SX_REDUCE_BLOCK : 16384) / p->count;
  per = per < 1 ? 1 : per > SX_REDUCE_COLUMNS ? SX_REDUCE_COLUMNS : per;
  p->chunk = p->rows ? per : p->inner < SX_REDUCE_COLUMNS ? p->inner : SX_REDUCE_COLUMNS;
  if (p->chunk < 1) p->chunk = 1;
  if (p->turned) p->gone = (sx_reduce_dims){1, {p->count}, {p->chunk}};
  p->chunks = p->rows ? (p->outputs + p->chunk - 1) / p->chunk : kept * ((p->inner + p->chunk - 1) / p->chunk);
  const int64_t size = p->chunk < p->outputs ? p->chunk : p->outputs;
  double work_of_chunk = (double)p->count * (double)size;
  p->split = 1;
  if (p->chunks > 0 && p->chunks < 32 && work_of_chunk > 65536) {
    double parts = work_of_chunk / 32768;
    p->split = 64 / p->chunks;
    if (parts < (double)p->split) p->split = (int64_t)parts;
    if (p->count < p->split) p->split = p->count;
  }
  p->units[0] = p->chunks * p->split;
  p->units[1] = p->split > 1 ? p->chunks : 0;
  p->shared_bytes = p->split > 1 ? (size_t)(p->split * p->outputs) * 2 * sizeof(sx_reduce_cell) : 0;
  p->scratch_bytes = sx_round_up(sizeof(work), 64);
  p->unit_ns = 30 + work_of_chunk / (double)p->split * (class_of(p) == SX_EW_F32 ? 0.08 : 1);
  return SX_OK;
}

/* Element offset of position `index` of some dimensions. */
static int64_t offset_of(const sx_reduce_dims *d, int64_t index) {
  if (d->rank == 1) return index * d->stride[0];
  int64_t at = 0;
  for (uint32_t i = d->rank; i-- > 0;) {
    at += index % d->dim[i] * d->stride[i];
    index /= d->dim[i];
  }
  return at;
}

/* n elements in the class that computes: in place when they are there already. */
static const void *fetch(const sx_reduce_plan *p, work *s, sx_ew_class cls, const void *x, int64_t first, int64_t n) {
  const sx_ew_class own = sx_ew_class_of(p->type);
  const size_t bytes = sx_ew_class_bytes(cls);
  const char *at = (const char *)x + (size_t)first * (sx_dtype_bits(p->type) / 8);
  const bool native = (cls == SX_EW_F32 && p->type == SX_F32) || (cls == SX_EW_F64 && p->type == SX_F64) ||
                      (cls == SX_EW_I64 && p->type == SX_I64) || (cls == SX_EW_U64 && p->type == SX_U64);
  if (native && !((uintptr_t)at & (bytes - 1))) return at;
  sx_convert_load(p->isa, p->type, s->loaded, x, first, n);
  if (own == cls) return s->loaded;
  sx_convert_cast(p->isa, own, cls == SX_EW_F64 ? SX_F64 : cls == SX_EW_I64 ? SX_I64 : SX_U64, s->cast, s->loaded, n);
  return s->cast;
}

static bool is_plain_f64(const sx_reduce_plan *p) {
  return p->type == SX_F64 && (p->op == SX_REDUCE_SUM || p->op == SX_REDUCE_MEAN || p->op == SX_REDUCE_LOGSUM);
}
static void row_f32(const sx_reduce_plan *p, const sx_reduce_table *t, sx_reduce_cell *v, sx_reduce_cell *w, const float *x,
                    int64_t n) {
  if (is_sum(p->op)) {
    v->f += t->row_sum[map_of(p->op)](x, n);
    return;
  }
  if (p->op == SX_REDUCE_PROD) {
    v->f *= t->row_prod(x, n);
    return;
  }
  float best;
  SX_ISA_PICK(sx_reduce_native, p->isa)->kind[SX_REDUCE_F32].rows[p->op == SX_REDUCE_MIN](&best, x, 1, n);
  sx_reduce_cell v2 = {.f = best}, w2 = {.f = 1};
  if (p->op == SX_REDUCE_LOGSUMEXP && fabs(v2.f) < INFINITY) w2.f = t->row_exp_sum(x, (float)v2.f, n);
  sx_reduce_f64.merge(p, v, w, &v2, &w2, 1);
}
/* n > 0 elements that lie at x, of index `from` on in the reduction. */
static void row_native(const sx_reduce_plan *p, const sx_reduce_native *native, sx_reduce_cell *v, sx_reduce_cell *w, const void *x,
                       int64_t from, int64_t n) {
  uint64_t best;
  sx_reduce_cell v2, w2 = {.i = INT64_MAX};
  native->rows[is_least(p->op)](&best, x, 1, n);
  cells_of(p, &v2, &best, 1);
  wide_of(class_of(p))->merge(p, v, w, &v2, &w2, 1);
  if (is_arg(p->op) && w->i == INT64_MAX) w->i = from + native->find(x, n, &best, p->last_index);
}
/* Elements [from, to) of one result's reduction. */
static void reduce_row(const sx_reduce_plan *p, work *s, const void *x, int64_t base, int64_t from, int64_t to,
                       sx_reduce_cell *v, sx_reduce_cell *w) {
  const sx_ew_class cls = class_of(p);
  const sx_reduce_table *t = SX_ISA_PICK(sx_reduce, p->isa);
  while (from < to) {
    const int64_t row = from / p->inner, c = from - row * p->inner;
    int64_t n = p->inner - c < to - from ? p->inner - c : to - from;
    if (s->native) {
      const int64_t at = base + offset_of(&p->gone, row) + c, most = 1 << 15; /* is searched while it is in the cache */
      if (n > most) n = most;
      row_native(p, s->native, v, w, (const char *)x + at * (sx_dtype_bits(p->type) / 8), from, n);
      from += n;
      continue;
    }
    if (n > SX_REDUCE_BLOCK) n = SX_REDUCE_BLOCK;
    const void *q = fetch(p, s, cls, x, base + offset_of(&p->gone, row) + c, n);
    if (cls == SX_EW_F32)
      row_f32(p, t, v, w, q, n);
    else if (is_plain_f64(p))
      v->f += t->row_sum_f64(q, n);
    else
      wide_of(cls)->row(p, v, w, q, from, n);
    from += n;
  }
}

/* A short row of columns repeats `k` times along acc, so that vectors are full. */
static void fold(work *s, int64_t m, int64_t k) {
  for (int64_t j = 0; j < k; j++)
    for (int64_t i = 0; i < m; i++) s->v[i].f += s->acc[j * m + i];
  memset(s->acc, 0, sizeof s->acc);
}
static void sum_columns_f32(const sx_reduce_plan *p, work *s, const sx_reduce_table *t, const void *x, int64_t base,
                            int64_t from, int64_t to, int64_t m) {
  const bool dense = p->gone.rank == 1 && p->gone.stride[0] == m;
  const int64_t k = dense ? SX_REDUCE_COLUMNS / m : 1, wide = k * m; /* k rows are one, of `wide` elements */
  const bool native = p->type == SX_F32 && p->gone.rank == 1 && !((uintptr_t)x & 3);
  const sx_reduce_map map = map_of(p->op);
  memset(s->acc, 0, sizeof s->acc);
  for (int64_t block = 64 * k; from < to;) {
    const int64_t rows = to - from < block ? to - from : block, whole = rows / k;
    if (native) {
      const float *q = (const float *)x + base + offset_of(&p->gone, from);
      t->col_sum[map](s->acc, q, whole, dense ? wide : p->gone.stride[0], wide);
      t->col_sum[map](s->acc, q + whole * wide, 1, 0, (rows - whole * k) * m); /* none, when k is 1 */
    } else {
      for (int64_t r = 0; r < rows; r += k) {
        const int64_t n = (rows - r < k ? rows - r : k) * m;
        t->col_sum[map](s->acc, fetch(p, s, SX_EW_F32, x, base + offset_of(&p->gone, from + r), n), 1, 0, n);
      }
    }
    fold(s, m, k);
    from += rows;
  }
}
static void other_columns_f32(const sx_reduce_plan *p, work *s, const sx_reduce_table *t, const void *x, int64_t base,
                              int64_t from, int64_t to, int64_t m) {
  if (p->op == SX_REDUCE_PROD) {
    for (int64_t r = from; r < to; r++) t->col_prod(&s->v->f, fetch(p, s, SX_EW_F32, x, base + offset_of(&p->gone, r), m), m);
    return;
  }
  const sx_reduce_native *native = &SX_ISA_PICK(sx_reduce_native, p->isa)->kind[SX_REDUCE_F32];
  for (int64_t i = 0; i < m; i++) s->max[i] = p->op == SX_REDUCE_MIN ? INFINITY : -INFINITY;
  for (int64_t r = from; r < to; r++)
    native->col[p->op == SX_REDUCE_MIN](s->max, fetch(p, s, SX_EW_F32, x, base + offset_of(&p->gone, r), m), m);
  for (int64_t i = 0; i < m; i++) s->v[i].f = s->max[i];
  if (p->op != SX_REDUCE_LOGSUMEXP) return;
  memset(s->acc, 0, sizeof s->acc);
  for (int64_t r = from; r < to; r++) {
    t->col_exp_sum(s->acc, fetch(p, s, SX_EW_F32, x, base + offset_of(&p->gone, r), m), s->max, m);
    if ((r - from) % 64 != 63 && r + 1 != to) continue;
    for (int64_t i = 0; i < m; i++) s->w[i].f += s->acc[i];
    memset(s->acc, 0, sizeof s->acc);
  }
  for (int64_t i = 0; i < m; i++)
    if (!(fabs(s->v[i].f) < INFINITY)) s->w[i].f = s->v[i].f == -INFINITY ? 0 : 1;
}
static void columns_native(const sx_reduce_plan *p, work *s, const void *x, int64_t base, int64_t from, int64_t to, int64_t m) {
  const size_t bytes = sx_dtype_bits(p->type) / 8;
  const bool arg = is_arg(p->op);
  int32_t *index = (int32_t *)s->cast;
  for (int64_t r = from; r < to; r++) {
    const char *row = (const char *)x + (size_t)(base + offset_of(&p->gone, r)) * bytes;
    if (r == from) {
      memcpy(s->loaded, row, (size_t)m * bytes);
      for (int64_t i = 0; arg && i < m; i++) index[i] = (int32_t)r;
    } else if (arg) {
      s->native->arg_col[is_least(p->op)](s->loaded, index, row, m, (int32_t)r, p->last_index);
    } else {
      s->native->col[is_least(p->op)](s->loaded, row, m);
    }
  }
  cells_of(p, s->v, s->loaded, m);
  for (int64_t i = 0; arg && i < m; i++) s->w[i].i = index[i];
}
static void reduce_columns(const sx_reduce_plan *p, work *s, const void *x, int64_t base, int64_t from, int64_t to,
                           int64_t m) {
  const sx_ew_class cls = class_of(p);
  const sx_reduce_table *t = SX_ISA_PICK(sx_reduce, p->isa);
  if (s->native) {
    if (from < to) columns_native(p, s, x, base, from, to, m);
    return;
  }
  if (cls == SX_EW_F32) {
    if (from < to) (is_sum(p->op) ? sum_columns_f32 : other_columns_f32)(p, s, t, x, base, from, to, m);
    return;
  }
  if (is_plain_f64(p) && p->gone.rank <= 1 && !((uintptr_t)x & 7)) {
    if (from < to)
      t->col_sum_f64(&s->v->f, (const double *)x + base + offset_of(&p->gone, from), to - from, p->gone.rank ? *p->gone.stride : 0, m);
    return;
  }
  for (int64_t r = from; r < to; r++)
    wide_of(cls)->col(p, s->v, s->w, fetch(p, s, cls, x, base + offset_of(&p->gone, r), m), r, m);
}

/* The extreme of nothing in a type narrower than what computes. */
static void bound_empty(const sx_reduce_plan *p, sx_reduce_cell *v, int64_t n) {
  const uint32_t bits = p->type == SX_BOOL ? 1 : sx_dtype_bits(p->type);
  const bool is_signed = sx_dtype_is_signed(p->type);
  if (bits >= 64 || p->count || sx_dtype_is_float(p->type)) return;
  const int64_t low = is_signed ? -((int64_t)1 << (bits - 1)) : 0, high = low + (int64_t)((1ull << bits) - 1);
  for (int64_t i = 0; i < n; i++) v[i].i = p->op == SX_REDUCE_MAX ? low : high;
}

/* Cells to the output's type, at results [first, first + n). */
static void finish(const sx_reduce_plan *p, work *s, void *y, int64_t first, int64_t n) {
  sx_ew_class cls = class_of(p);
  const bool ints = cls == SX_EW_I64 || cls == SX_EW_U64;
  sx_reduce_cell *v = s->v;
  if (p->op == SX_REDUCE_ARGMAX || p->op == SX_REDUCE_ARGMIN) {
    for (int64_t i = 0; i < n; i++) {
      const int64_t index = s->w[i].i < 0 ? 0 : s->w[i].i;
      memcpy((char *)y + (first + i) * 8, &index, 8);
    }
    return;
  }
  if (p->op == SX_REDUCE_MAX || p->op == SX_REDUCE_MIN) bound_empty(p, v, n);
  if (p->op == SX_REDUCE_MEAN && ints) {
    for (int64_t i = 0; i < n && p->count; i++)
      if (cls == SX_EW_I64)
        v[i].i /= p->count;
      else
        v[i].u /= (uint64_t)p->count;
  } else if (p->op == SX_REDUCE_L2 || p->op == SX_REDUCE_LOGSUM || p->op == SX_REDUCE_MEAN ||
             p->op == SX_REDUCE_LOGSUMEXP) {
    if (cls == SX_EW_I64 || cls == SX_EW_U64)
      for (int64_t i = 0; i < n; i++) v[i].f = cls == SX_EW_I64 ? (double)v[i].i : (double)v[i].u;
    const double count = (double)p->count, part = 1 / count;
    const bool power = p->count && !(p->count & (p->count - 1)); /* then a product is the same number */
    if (p->op == SX_REDUCE_MEAN && power)
      for (int64_t i = 0; i < n; i++) v[i].f *= part;
    else if (p->op == SX_REDUCE_MEAN)
      for (int64_t i = 0; i < n; i++) v[i].f /= count;
    else if (p->op == SX_REDUCE_LOGSUMEXP)
      for (int64_t i = 0; i < n; i++) v[i].f = v[i].f == INFINITY ? v[i].f : v[i].f + log(s->w[i].f);
    else
      for (int64_t i = 0; i < n; i++) v[i].f = p->op == SX_REDUCE_L2 ? sqrt(v[i].f) : log(v[i].f);
    cls = SX_EW_F64;
  }
  if (cls == SX_EW_F32) cls = SX_EW_F64; /* cells of f32 are f64 */
  sx_convert_cast(p->isa, cls, p->type, s->cast, v, n);
  sx_convert_store(p->isa, p->type, 0, y, s->cast, first, n);
}

/* Chunk `c`: its first result, how many, and where its first element is (of columns; rows differ by result). */
static void chunk_of(const sx_reduce_plan *p, int64_t c, int64_t *first, int64_t *n, int64_t *base) {
  if (p->rows) {
    *first = c * p->chunk;
    *n = p->outputs - *first < p->chunk ? p->outputs - *first : p->chunk;
    *base = 0;
    return;
  }
  const int64_t per_row = (p->inner + p->chunk - 1) / p->chunk, outer = c / per_row, col = c % per_row * p->chunk;
  *first = outer * p->inner + col;
  *n = p->inner - col < p->chunk ? p->inner - col : p->chunk;
  *base = offset_of(&p->kept, outer) + col;
}

static bool sums_rows(const sx_reduce_plan *p, const void *x) {
  return p->type == SX_F32 && class_of(p) == SX_EW_F32 && is_sum(p->op) && p->split == 1 && has_dense_rows(p) && !((uintptr_t)x & 3);
}
static void rows_native(const sx_reduce_plan *p, work *s, const void *x, int64_t first, int64_t n) {
  s->native->rows[is_least(p->op)](s->loaded, (const char *)x + first * p->inner * (sx_dtype_bits(p->type) / 8), n, p->inner);
  cells_of(p, s->v, s->loaded, n);
}
static void rows_turned(const sx_reduce_plan *p, work *s, const void *x, int64_t first, int64_t n) {
  const uint32_t e = sx_dtype_bits(p->type) / 8;
  const char *from = (const char *)x + first * p->count * e;
  for (int64_t k = 0; k < p->count; k++)
    sx_move_rows(p->isa, e, (char *)s->turned + k * p->chunk * e, from + k * e, 1, 0, n, p->count);
  reduce_columns(p, s, s->turned, 0, 0, p->count, n);
}

void sx_reduce_run(const sx_reduce_plan *p, int phase, const void *x, void *y, void *shared, int64_t begin, int64_t end,
                   void *scratch) {
  work *s = scratch;
  const sx_reduce_wide *wide = wide_of(class_of(p));
  sx_reduce_cell *all_v = shared, *all_w = p->split > 1 ? all_v + p->split * p->outputs : NULL;
  s->native = native_of(p, x);
  const bool sums = sums_rows(p, x), extremes = s->native && !is_arg(p->op) && p->split == 1 && has_dense_rows(p);
  for (int64_t u = begin; u < end; u++) {
    const int64_t c = phase ? u : u / p->split, part = phase ? 0 : u % p->split;
    int64_t first, n, base;
    chunk_of(p, c, &first, &n, &base);
    if (!sums && !extremes) wide->start(p, s->v, s->w, n);
    if (phase) {
      for (int64_t k = 0; k < p->split; k++)
        wide->merge(p, s->v, s->w, all_v + k * p->outputs + first, all_w + k * p->outputs + first, n);
      finish(p, s, y, first, n);
      continue;
    }
    const int64_t from = p->count * part / p->split, to = p->count * (part + 1) / p->split;
    if (!p->rows)
      reduce_columns(p, s, x, base, from, to, n);
    else if (p->turned)
      rows_turned(p, s, x, first, n);
    else if (extremes)
      rows_native(p, s, x, first, n);
    else if (sums)
      SX_ISA_PICK(sx_reduce, p->isa)->rows_sum[map_of(p->op)](&s->v->f, (const float *)x + first * p->inner, n, p->inner);
    else
      for (int64_t i = 0; i < n; i++) reduce_row(p, s, x, offset_of(&p->kept, first + i), from, to, &s->v[i], &s->w[i]);
    if (p->split == 1) {
      finish(p, s, y, first, n);
    } else {
      memcpy(all_v + part * p->outputs + first, s->v, (size_t)n * sizeof *s->v);
      if (is_arg(p->op) || p->op == SX_REDUCE_LOGSUMEXP) memcpy(all_w + part * p->outputs + first, s->w, (size_t)n * sizeof *s->w);
    }
  }
}
