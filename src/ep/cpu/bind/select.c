// SPDX-License-Identifier: MIT
/* Operators whose result's size depends on the data: NonZero, Compress, Unique. They count, ask for their output, fill it.
 */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/gather/gather.h"
#include "ep/cpu/kernels/sort/sort.h"

/* Whether an element is not zero: strings by length, floats without their sign, the rest by bits. */
static bool truth(const sx_view *v, int64_t i) {
  const char *p = v->constant;
  uint64_t w[2] = {0, 0};
  uint32_t bits = sx_dtype_bits((sx_dtype)v->dtype);
  if (v->dtype == SX_STRING) return ((const sx_str *)v->constant)[i].n != 0;
  if (bits < 8) return (p[i * bits / 8] >> (i * bits % 8) & ((1 << bits) - 1)) != 0;
  memcpy(w, p + (size_t)i * (bits / 8), bits / 8);
  if (v->dtype == SX_C64) return ((w[0] & 0x7fffffff7fffffff) != 0);
  if (v->dtype == SX_C128) return (w[0] << 1 | w[1] << 1) != 0;
  return sx_dtype_is_float((sx_dtype)v->dtype) ? (w[0] << (65 - bits)) != 0 : w[0] != 0;
}

/* How many of n elements are true, and where; pos may be NULL. */
#define FIND(T, name, expr)                                            \
  static int64_t find_##name(const void *p, int64_t n, int64_t *pos) { \
    int64_t k = 0;                                                     \
    for (int64_t i = 0; i < n; i++) {                                  \
      T v = ((const T *)p)[i];                                         \
      if (pos) pos[k] = i;                                             \
      k += (expr) != 0;                                                \
    }                                                                  \
    return k;                                                          \
  }
FIND(uint8_t, u8, v)
FIND(uint32_t, u32, v)
FIND(uint64_t, u64, v)
FIND(float, f32, v)
static int64_t find_true(const sx_view *x, int64_t from, int64_t n, int64_t *pos) {
  const char *p = x->constant;
  if (x->dtype == SX_F32) return find_f32(p + from * 4, n, pos);
  if (x->dtype == SX_BOOL || x->dtype == SX_U8 || x->dtype == SX_I8) return find_u8(p + from, n, pos);
  if (x->dtype == SX_I32 || x->dtype == SX_U32) return find_u32(p + from * 4, n, pos);
  if (x->dtype == SX_I64 || x->dtype == SX_U64) return find_u64(p + from * 8, n, pos);
  int64_t k = 0;
  for (int64_t i = 0; i < n; i++)
    if (truth(x, from + i)) {
      if (pos) pos[k] = i;
      k++;
    }
  return k;
}

enum { ASK = 1 << 15, ROW_NS = 30 }; /* elements between two questions whether to go on; a comparison */
static sx_status nonzero_run(const sx_call *c, uint32_t begin, uint32_t end) {
  enum { CHUNK = 256 };
  const sx_view *x = &c->late->in[0];
  int64_t n = 0, at[SX_MAX_RANK] = {0}, pos[CHUNK], row = x->rank ? x->dims[x->rank - 1] : 1, k = 0;
  double spent = 0;
  (void)begin, (void)end;
  SX_STOP_PARTS(from, to, x->count, ASK) n += find_true(x, from, to - from, NULL);
  SX_TRY(sx_stop_settle(c->e));
  int64_t *y = sx_late_output(c, 0, SX_I64, 2, (int64_t[]){x->rank, n});
  if (!y) return c->e->code;
  for (int64_t r = 0; x->rank && r < x->count; r += row) {
    for (int64_t j = 0; j < row; j += CHUNK) {
      if (sx_stop_spent(&spent, CHUNK * (x->rank + 1) * 4)) return sx_stop_settle(c->e);
      int64_t found = find_true(x, r + j, row - j < CHUNK ? row - j : CHUNK, pos);
      for (int64_t i = 0; i < found; i++) y[(x->rank - 1) * n + k + i] = j + pos[i];
      for (int d = 0; d + 1 < x->rank; d++)
        for (int64_t i = 0; i < found; i++) y[d * n + k + i] = at[d];
      k += found;
    }
    for (int d = x->rank - 1; d-- > 0 && ++at[d] == x->dims[d];) at[d] = 0;
  }
  return SX_OK;
}

static int late_axis(const sx_attr *a, int rank) { return (int)(a->i < 0 ? a->i + rank : a->i); }
/* x as (before, n, inner): along the axis, or flat. */
static void split_at(const sx_view *x, const sx_attr *axis, int64_t *before, int64_t *n, int64_t *inner) {
  int a = axis ? late_axis(axis, x->rank) : 0;
  *before = axis ? sx_dims_count(x->dims, 0, a) : 1, *n = axis ? x->dims[a] : x->count;
  *inner = axis ? sx_dims_count(x->dims, a + 1, x->rank) : 1;
}
static void *some_output(const sx_call *c, const sx_view *x, const sx_attr *axis, int64_t n) {
  int64_t d[SX_MAX_RANK] = {n};
  for (int i = 0; axis && i < x->rank; i++) d[i] = i == late_axis(axis, x->rank) ? n : x->dims[i];
  return sx_late_output(c, 0, (sx_dtype)x->dtype, axis ? x->rank : 1, d);
}

typedef struct select_params {
  const sx_attr *axis;
  bool sorted;
} select_params;
static sx_status compress_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const sx_view *x = &c->late->in[0], *k = &c->late->in[1];
  const sx_attr *axis = ((const select_params *)c->state)->axis;
  const uint8_t *keep = k->constant;
  int64_t before, n, inner, some = 0, limit;
  (void)begin, (void)end;
  if (axis && (axis->i < -x->rank || axis->i >= x->rank))
    SX_FAIL(c->e, FAIL, "axis is %lld for a tensor of rank %d", (long long)axis->i, x->rank);
  split_at(x, axis, &before, &n, &inner);
  limit = k->count < n ? k->count : n;
  SX_STOP_PARTS(from, to, limit, ASK) some += find_u8(keep + from, to - from, NULL);
  SX_TRY(sx_stop_settle(c->e));
  char *y = some_output(c, x, axis, some);
  if (!y) return c->e->code;
  enum { CHUNK = 256 };
  const size_t row = (size_t)inner * sx_elem_bytes(x->dtype);
  const int64_t chunk = row >> 20 ? 1 : row >> 12 ? (1 << 20) / (int64_t)row : CHUNK;
  int64_t pos[CHUNK], done = 0;
  double spent = 0;
  for (int64_t i = 0; row && i < limit; i += chunk) { /* the places of a few, then all that lies there */
    if (sx_stop_spent(&spent, (double)chunk * 2)) break;
    const int64_t m = limit - i < chunk ? limit - i : chunk, found = find_u8(keep + i, m, pos);
    const sx_gather g = {.axis = m, .count = found, .inner = row, .wide = true};
    for (int64_t b = 0; b < before && !sx_stop_spent(&spent, (double)found * (2 + (double)row * 0.1)); b++)
      sx_gather_rows(&g, (const char *)x->constant + (size_t)(b * n + i) * row, pos, y + (size_t)(b * some + done) * row, 0, found);
    done += found;
  }
  return SX_OK;
}

/* Unique: rows ordered by their keys, or strings; groups of equal rows; the first of each in order of value or of place. */
typedef struct rows {
  const sx_view *x;
  const uint64_t *keys; /* per element, for the parts of a complex one: real, imaginary; none for strings and single elements */
  int64_t before, n, inner, parts;
  bool text;
} rows;
static bool is_single(const rows *r) { return !r->text && r->before * r->inner * r->parts == 1; }
static int compare_rows(const rows *r, int64_t a, int64_t b) {
  for (int64_t o = 0; o < r->before; o++)
    for (int64_t i = 0, row = r->inner * r->parts; i < row; i++) {
      int64_t p = (o * r->n + a) * row + i, q = (o * r->n + b) * row + i;
      if (!r->text) {
        if (r->keys[p] != r->keys[q]) return r->keys[p] < r->keys[q] ? -1 : 1;
        continue;
      }
      const sx_str *s = (const sx_str *)r->x->constant + p, *t = (const sx_str *)r->x->constant + q;
      int d = memcmp(s->p, t->p, s->n < t->n ? s->n : t->n);
      if (d || s->n != t->n) return d ? d : s->n < t->n ? -1 : 1;
    }
  return 0;
}
static bool row_less(const void *ctx, int64_t a, int64_t b) { return compare_rows(ctx, a, b) < 0; }

/* Equal rows become groups, in order: first[g] is the earliest row of group g, of[i] the group of row i; how many there are.
 * room: 4 n numbers, whose second half is `first` and `of`. */
static int64_t group_rows(const rows *r, int64_t *room, int64_t *first, int64_t *of) {
  int64_t groups = 0;
  double spent = 0;
  SX_STOP_PARTS(a, b, r->n, ASK)
    for (int64_t i = a; i < b; i++) room[i] = i;
  sx_sort_indices(room, room + r->n, r->n, row_less, r);
  if (sx_stopping()) return 0; /* places that are none */
  for (int64_t i = 0; i < r->n && !sx_stop_spent(&spent, ROW_NS); i++) { /* stable: the first of a group is the earliest */
    if (i == 0 || compare_rows(r, room[i - 1], room[i])) first[groups++] = room[i];
    of[room[i]] = groups - 1;
  }
  return groups;
}
/* The same of single elements. */
static int64_t group_elements(const rows *r, int64_t *room, int64_t *first, int64_t *of) {
  enum { CHUNK = 64 };
  sx_sort_item *items = (sx_sort_item *)(void *)room;
  int64_t groups = 0;
  for (int64_t i = 0; i < r->n && (i % ASK || !sx_stopping()); i += CHUNK) {
    uint64_t keys[CHUNK];
    const int64_t m = r->n - i < CHUNK ? r->n - i : CHUNK;
    const uint32_t bytes = sx_elem_bytes(r->x->dtype);
    sx_sort_keys((sx_dtype)r->x->dtype, (const char *)r->x->constant + i * bytes, bytes, m, keys);
    for (int64_t k = 0; k < m; k++) items[i + k] = (sx_sort_item){keys[k], i + k};
  }
  sx_sort_items(items, items + r->n, r->n);
  if (sx_stopping()) return 0;
  SX_STOP_PARTS(a, b, r->n, ASK)
    for (int64_t i = a; i < b; i++) {
      if (i == 0 || items[i - 1].key != items[i].key) first[groups++] = items[i].at;
      of[items[i].at] = groups - 1;
    }
  return groups;
}
/* With q->sorted, groups are in the order of the output, else in the order of place: output row p is chosen[p], place[g] the p of
 * group g. */
static void order_groups(const select_params *q, int64_t groups, int64_t n, const int64_t *first, int64_t *at, int64_t *chosen, int64_t *place) {
  int64_t p = 0;
  SX_STOP_PARTS(a, b, q->sorted ? groups : 0, ASK)
    for (int64_t g = a; g < b; g++) chosen[g] = first[g], place[g] = g;
  if (q->sorted) return;
  SX_STOP_PARTS(a, b, n, ASK)
    for (int64_t i = a; i < b; i++) at[i] = -1;
  SX_STOP_PARTS(a, b, groups, ASK)
    for (int64_t g = a; g < b; g++) at[first[g]] = g;
  if (sx_stopping()) return;
  SX_STOP_PARTS(a, b, n, ASK)
    for (int64_t i = a; i < b; i++)
      if (at[i] >= 0) chosen[p] = i, place[at[i]] = p++;
}
/* room: 6 n numbers. */
static sx_status unique_rows(const sx_call *c, const rows *r, int64_t *room, const select_params *q) {
  const int64_t n = r->n;
  int64_t *chosen = room, *first = room + 2 * n, *of = room + 3 * n, *place = room + 4 * n;
  const int64_t groups = (is_single(r) ? group_elements : group_rows)(r, room, first, of);
  SX_TRY(sx_stop_settle(c->e)); /* groups that are none */
  order_groups(q, groups, n, first, room + 5 * n, chosen, place);
  SX_TRY(sx_stop_settle(c->e));
  char *y = some_output(c, r->x, q->axis, groups);
  if (!y && c->e->code) return c->e->code;
  const sx_gather pick = {n, groups, (size_t)r->inner * sx_elem_bytes(r->x->dtype), true};
  const int64_t some = pick.inner >> 17 ? 1 : ASK / (int64_t)(pick.inner + 1) + 1;
  SX_STOP_PARTS(a, b, y && pick.inner ? r->before * groups : 0, some) sx_gather_rows(&pick, r->x->constant, chosen, y, a, b);
  const int64_t sizes[4] = {0, groups, n, groups};
  for (uint32_t o = 1; o < c->late->n_out; o++) {
    int64_t *d = sx_late_output(c, o, SX_I64, 1, &sizes[o]);
    if (!d && c->e->code) return c->e->code;
    SX_STOP_PARTS(a, b, d && o == 3 ? groups : 0, ASK) memset(d + a, 0, (size_t)(b - a) * sizeof *d);
    SX_STOP_PARTS(a, b, d ? o == 1 ? groups : n : 0, ASK)
      for (int64_t i = a; i < b; i++)
        if (o == 1) d[i] = chosen[i];
        else if (o == 2) d[i] = place[of[i]];
        else d[place[of[i]]]++;
  }
  return SX_OK;
}
static sx_status unique_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const sx_view *x = &c->late->in[0];
  const select_params *q = c->state;
  rows r = {.x = x};
  size_t bytes, more;
  (void)begin, (void)end;
  if (q->axis && (q->axis->i < -x->rank || q->axis->i >= x->rank))
    SX_FAIL(c->e, INVALID_ARGUMENT, "axis is %lld for a tensor of rank %d", (long long)q->axis->i, x->rank);
  split_at(x, q->axis, &r.before, &r.n, &r.inner);
  r.text = x->dtype == SX_STRING;
  const sx_dtype part = x->dtype == SX_C64 ? SX_F32 : x->dtype == SX_C128 ? SX_F64 : (sx_dtype)x->dtype;
  r.parts = part != x->dtype ? 2 : 1;
  const int64_t keys = r.text || is_single(&r) ? 0 : x->count;
  if (!sx_size_mul((size_t)r.n, 6 * sizeof(int64_t), &bytes) || !sx_size_mul((size_t)keys, (size_t)r.parts * sizeof(uint64_t), &more) ||
      !sx_size_add(bytes, more, &bytes))
    SX_FAIL(c->e, FAIL, "%lld elements do not fit memory", (long long)x->count);
  int64_t *mem = sx_malloc_aligned(bytes);
  if (!mem) SX_NO_MEMORY(c->e);
  uint64_t *all = (uint64_t *)(mem + 6 * r.n);
  const int64_t e = sx_elem_bytes(part);
  SX_STOP_PARTS(a, b, keys * r.parts, ASK) sx_sort_keys(part, (const char *)x->constant + a * e, e, b - a, all + a);
  r.keys = all;
  sx_status s = unique_rows(c, &r, mem, q);
  sx_free_aligned(mem, bytes);
  return s;
}

static sx_status create(sx_build *b) {
  select_params *q = SX_NEW(b->arena, select_params);
  if (!q) SX_NO_MEMORY(b->e);
  *q = (select_params){sx_node_attr(b->n, "axis"), sx_attr_int(b->n, "sorted", 1) != 0};
  b->state = q;
  return SX_OK;
}
#define LATE(N, fn)                                                                  \
  static sx_status prepare_##N(sx_prep *p) { return sx_prep_phase(p, fn, 1, 0, 0); } \
  const sx_kernel sx_cpu_##N = {                                                     \
      .op = &sx_op_##N, .name = #N, .flags = SX_KERNEL_LATE, .create = create, .prepare = prepare_##N};
LATE(NonZero, nonzero_run)
LATE(Compress, compress_run)
LATE(Unique, unique_run)
