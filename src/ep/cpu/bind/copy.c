// SPDX-License-Identifier: MIT
/* Operators that are nothing but strided copies: Transpose, Slice, Expand, Tile, Concat, Split and the block shuffles. */
#include "base/stop.h"
#include "ep/cpu/bind/move.h"
#include "ops/move/slice.h"

/* One copy from input 0 to output 0. */
static sx_status one_copy(sx_prep *p, uint32_t rank, const sx_move_dim *d, int64_t src) {
  sx_moves *m = sx_moves_new(p, 1);
  if (!m) SX_NO_MEMORY(p->e);
  uint32_t elem = sx_elem_bytes(p->out[0].dtype);
  m->part[0].src = src * elem;
  sx_move_plan(&m->part[0].m, p->cpu->isa, elem, rank, d);
  return sx_moves_phase(p, m);
}

static sx_status transpose(sx_prep *p) {
  const sx_view *x = &p->in[0];
  const int64_t *perm;
  uint32_t n = sx_attr_ints(p->n, "perm", &perm);
  int64_t from[SX_MAX_RANK], to[SX_MAX_RANK];
  sx_move_dim d[SX_MAX_RANK];
  sx_view_strides(x, from);
  sx_view_strides(&p->out[0], to);
  for (int i = 0; i < x->rank; i++) {
    int64_t a = n ? perm[i] : x->rank - 1 - i;
    d[i] = (sx_move_dim){x->dims[a], from[a], to[i]};
  }
  return one_copy(p, (uint32_t)x->rank, d, 0);
}

/* Expand to a shape that only the run tells: what inference took for granted of it is held to it. */
typedef struct held {
  sx_run_fn run;
  void *params;
  sx_view shape, x, y;
} held;
static sx_status run_held(const sx_call *c, uint32_t begin, uint32_t end) {
  const held *q = c->params;
  sx_call inner = *c;
  int64_t want[SX_MAX_RANK];
  if (c->in[1] && q->shape.count <= q->y.rank && sx_view_ints(&q->shape, c->in[1], want))
    for (int i = 0; i < q->shape.count; i++) {
      const int at = q->y.rank - (int)q->shape.count + i, from = at - (q->y.rank - q->x.rank);
      if (want[i] != q->y.dims[at] && want[i] != 1)
        SX_FAIL(c->e, INVALID_ARGUMENT, "axis %d of size %lld cannot be expanded to %lld", from,
                (long long)(from < 0 ? 1 : q->x.dims[from]), (long long)want[i]);
    }
  inner.params = q->params;
  return q->run(&inner, begin, end);
}

static sx_status expand(sx_prep *p) {
  const sx_view *x = &p->in[0], *y = &p->out[0];
  int64_t from[SX_MAX_RANK], to[SX_MAX_RANK];
  sx_move_dim d[SX_MAX_RANK];
  sx_view_strides(x, from);
  sx_view_strides(y, to);
  for (int i = 0; i < y->rank; i++) {
    int k = i - (y->rank - x->rank);
    if (k >= 0 && x->dims[k] != 1 && x->dims[k] != y->dims[i])
      SX_FAIL(p->e, INVALID_ARGUMENT, "axis %d of size %lld cannot be expanded to %lld", k, (long long)x->dims[k],
              (long long)y->dims[i]);
    d[i] = (sx_move_dim){y->dims[i], k < 0 || x->dims[k] == 1 ? 0 : from[k], to[i]};
  }
  SX_TRY(one_copy(p, (uint32_t)y->rank, d, 0));
  if (p->in[1].constant || p->in[1].elems || !p->n_phases) return SX_OK;
  held *q = SX_NEW(p->arena, held);
  if (!q) SX_NO_MEMORY(p->e);
  *q = (held){p->phases[0].run, p->params, p->in[1], *x, *y};
  p->params = q, p->phases[0].run = run_held;
  return SX_OK;
}

static sx_status tile(sx_prep *p) {
  const sx_view *x = &p->in[0], *y = &p->out[0];
  int64_t from[SX_MAX_RANK], to[SX_MAX_RANK];
  sx_move_dim d[2 * SX_MAX_RANK];
  sx_view_strides(x, from);
  sx_view_strides(y, to);
  for (int i = 0; i < y->rank; i++) {
    if (x->dims[i] ? y->dims[i] % x->dims[i] : y->dims[i])
      SX_FAIL(p->e, INVALID_ARGUMENT, "axis %d of size %lld cannot be repeated to %lld", i, (long long)x->dims[i],
              (long long)y->dims[i]);
    d[2 * i] = (sx_move_dim){x->dims[i] ? y->dims[i] / x->dims[i] : 0, 0, to[i] * x->dims[i]};
    d[2 * i + 1] = (sx_move_dim){x->dims[i], from[i], to[i]};
  }
  return one_copy(p, 2 * (uint32_t)y->rank, d, 0);
}

/* Blocks of b x b between channels and plane: a transpose of six dimensions. In depth-column-row order the block's place is
 * the slow part of the channel, in column-row-depth order the fast one. */
static sx_status blocks(sx_prep *p) {
  bool to_depth = p->n->op == &sx_op_SpaceToDepth, slow = !sx_str_is(sx_attr_str(p->n, "mode", "DCR"), "CRD");
  const sx_view *plane = to_depth ? &p->in[0] : &p->out[0], *deep = to_depth ? &p->out[0] : &p->in[0];
  int64_t b = sx_attr_int(p->n, "blocksize", 1), C = plane->dims[1], H = deep->dims[2], W = deep->dims[3], at = 1, thin[6];
  if (deep->dims[1] != C * b * b || plane->dims[2] != H * b || plane->dims[3] != W * b)
    SX_FAIL(p->e, INVALID_ARGUMENT, "channels or plane are no multiples of the blocks of %lld x %lld", (long long)b, (long long)b);
  int64_t wide[6] = {H * b * W * b * C, H * b * W * b, W * b * b, W * b, b, 1}; /* n, c, h, i, w, j in the plane */
  int64_t size[6] = {plane->dims[0], C, H, b, W, b};
  static const int order[2][6] = {{0, 1, 3, 5, 2, 4}, {0, 3, 5, 1, 2, 4}};
  for (int k = 6; k-- > 0; at *= size[order[slow][k]]) thin[order[slow][k]] = at;
  sx_move_dim d[6];
  for (int k = 0; k < 6; k++) {
    int a = to_depth ? order[slow][k] : k;
    d[k] = (sx_move_dim){size[a], to_depth ? wide[a] : thin[a], to_depth ? thin[a] : wide[a]};
  }
  return one_copy(p, 6, d, 0);
}

/* Slice's bounds may be known only when it runs: then one unit plans and copies. */
typedef struct slice_bounds {
  int64_t starts[SX_MAX_RANK], axes[SX_MAX_RANK], steps[SX_MAX_RANK];
} slice_bounds;
typedef struct slice_params {
  sx_isa isa;
  sx_view x, y, in[5];
} slice_params;

static bool slice_read(const sx_view *in, uint32_t n_in, void *const *data, slice_bounds *b) {
  for (int i = 0; i < SX_MAX_RANK; i++) b->axes[i] = i, b->steps[i] = 1;
  return sx_view_ints(&in[1], data ? data[1] : NULL, b->starts) &&
         (n_in <= 3 || !in[3].dtype || sx_view_ints(&in[3], data ? data[3] : NULL, b->axes)) &&
         (n_in <= 4 || !in[4].dtype || sx_view_ints(&in[4], data ? data[4] : NULL, b->steps));
}
/* Dimensions of the copy; the output's size is what inference found, the bounds are held to it. */
static sx_status slice_dims(const sx_view *x, const sx_view *y, const slice_bounds *b, int64_t n, sx_move_dim *d,
                            int64_t *src, sx_err *e) {
  int64_t from[SX_MAX_RANK], to[SX_MAX_RANK], first;
  sx_view_strides(x, from);
  sx_view_strides(y, to);
  *src = 0;
  for (int i = 0; i < x->rank; i++) d[i] = (sx_move_dim){y->dims[i], from[i], to[i]};
  for (int64_t k = 0; k < n; k++) {
    int64_t a = b->axes[k] < 0 ? b->axes[k] + x->rank : b->axes[k], step = b->steps[k];
    if (a < 0 || a >= x->rank || step == 0)
      SX_FAIL(e, INVALID_ARGUMENT, "axis %lld and step %lld, expected an axis below %d and a step that is not 0",
              (long long)b->axes[k], (long long)step, x->rank);
    if (y->dims[a] == 0) continue;
    sx_slice_range(x->dims[a], b->starts[k], step < 0 ? INT64_MIN : INT64_MAX, step, &first);
    int64_t left = step < 0 ? first : x->dims[a] - 1 - first, by = step < 0 ? -(step + (step == INT64_MIN)) : step;
    if (first < 0 || first >= x->dims[a] || (y->dims[a] - 1) > left / by)
      SX_FAIL(e, INVALID_ARGUMENT, "the slice of axis %lld does not have %lld elements", (long long)a,
              (long long)y->dims[a]);
    *src += first * from[a];
    d[a].src = y->dims[a] == 1 ? 0 : from[a] * step;
  }
  return SX_OK;
}
static sx_status slice_late(const sx_call *c, uint32_t begin, uint32_t end) {
  const slice_params *q = c->params;
  slice_bounds b;
  sx_move_dim d[SX_MAX_RANK];
  sx_move m;
  int64_t src;
  if (begin >= end) return SX_OK;
  slice_read(q->in, 5, c->in, &b);
  SX_TRY(slice_dims(&q->x, &q->y, &b, q->in[1].count, d, &src, c->e));
  uint32_t elem = sx_elem_bytes(q->y.dtype);
  sx_move_plan(&m, q->isa, elem, (uint32_t)q->x.rank, d);
  SX_STOP_PARTS(from, to, (int64_t)m.units, sx_stop_grain(m.unit_ns)) sx_move_run(&m, (const char *)c->in[0] + src * elem, c->out[0], from, to);
  return SX_OK;
}
static sx_status slice(sx_prep *p) {
  slice_bounds b;
  sx_move_dim d[SX_MAX_RANK];
  int64_t src;
  for (uint32_t i = 1; i < p->n_in; i++)
    if (p->in[i].count > SX_MAX_RANK)
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld elements, at most %d axes are supported", i,
              (long long)p->in[i].count, SX_MAX_RANK);
  if (slice_read(p->in, p->n_in, NULL, &b)) {
    SX_TRY(slice_dims(&p->in[0], &p->out[0], &b, p->in[1].count, d, &src, p->e));
    return one_copy(p, (uint32_t)p->in[0].rank, d, src);
  }
  slice_params *q = SX_NEW(p->arena, slice_params);
  if (!q) SX_NO_MEMORY(p->e);
  *q = (slice_params){.isa = p->cpu->isa, .x = p->in[0], .y = p->out[0]};
  for (uint32_t i = 0; i < p->n_in && i < 5; i++) q->in[i] = p->in[i];
  p->params = q;
  return sx_prep_phase(p, slice_late, 1, (double)p->out[0].size * 0.2 + 200, 0);
}

/* The whole tensor as (before, at, after) around an axis. */
static void around(const sx_view *v, int axis, int64_t *before, int64_t *after) {
  *before = sx_dims_count(v->dims, 0, axis);
  *after = sx_dims_count(v->dims, axis + 1, v->rank);
}
static int axis_of(const sx_prep *p) {
  int64_t a = sx_attr_int(p->n, "axis", 0);
  return (int)(a < 0 ? a + p->in[0].rank : a);
}
/* Concat and Split: part i lies `at` elements into the joined tensor's axis. */
static sx_status joined(sx_prep *p, const sx_view *whole, const sx_view *part, uint32_t n, bool into_whole) {
  int axis = axis_of(p);
  int64_t before, after, at = 0;
  uint32_t elem = sx_elem_bytes(whole->dtype);
  sx_moves *m = sx_moves_new(p, n);
  if (!m) SX_NO_MEMORY(p->e);
  around(whole, axis, &before, &after);
  for (uint32_t i = 0; i < n; i++) {
    if (!part[i].dtype) continue;
    for (int k = 0; k < whole->rank; k++)
      if (k != axis && part[i].dims[k] != whole->dims[k])
        SX_FAIL(p->e, FAIL, "%s %u has %lld at axis %d, expected %lld; only axis %d may differ",
                into_whole ? "input" : "output", i, (long long)part[i].dims[k], k, (long long)whole->dims[k], axis);
    int64_t own = part[i].dims[axis] * after, all = whole->dims[axis] * after, off = at * after * elem;
    if (part[i].dims[axis] > whole->dims[axis] - at)
      SX_FAIL(p->e, INVALID_ARGUMENT, "the parts are longer than axis %d, which has %lld", axis,
              (long long)whole->dims[axis]);
    sx_move_dim d[2] = {{before, into_whole ? own : all, into_whole ? all : own}, {own, 1, 1}};
    sx_moves_part *x = &m->part[i];
    sx_move_plan(&x->m, p->cpu->isa, elem, 2, d);
    if (into_whole)
      x->in = i, x->dst = off;
    else
      x->out = i, x->src = off;
    at += part[i].dims[axis];
  }
  if (at != whole->dims[axis])
    SX_FAIL(p->e, INVALID_ARGUMENT, "the parts sum to %lld, axis %d has %lld", (long long)at, axis,
            (long long)whole->dims[axis]);
  return sx_moves_phase(p, m);
}
static sx_status concat(sx_prep *p) { return joined(p, &p->out[0], p->in, p->n_in, true); }

/* Parts that nobody wants have no view: their sizes come from the sizes input or the rule for equal parts. */
static sx_status split(sx_prep *p) {
  const sx_view *x = &p->in[0];
  int axis = axis_of(p);
  bool all = true;
  for (uint32_t o = 0; o < p->n_out; o++) all &= p->out[o].dtype != SX_UNDEFINED;
  if (all) return joined(p, x, p->out, p->n_out, false);
  sx_view *parts = SX_NEW_N(p->arena, sx_view, p->n_out);
  int64_t *sizes = SX_NEW_N(p->arena, int64_t, p->n_out), left = x->dims[axis], chunk = (left + p->n_out - 1) / p->n_out;
  if (!parts || !sizes) SX_NO_MEMORY(p->e);
  bool given = p->n_in > 1 && p->in[1].dtype;
  if (given && (p->in[1].count != p->n_out || !sx_view_ints(&p->in[1], NULL, sizes)))
    SX_FAIL(p->e, NOT_IMPLEMENTED, "sizes that only the run tells need all outputs to be used");
  for (uint32_t o = 0; o < p->n_out; o++) {
    if (!given) sizes[o] = chunk < left ? chunk : left;
    if (sizes[o] < 0 || sizes[o] > left)
      SX_FAIL(p->e, INVALID_ARGUMENT, "part %u has size %lld, %lld are left of axis %d", o, (long long)sizes[o],
              (long long)left, axis);
    left -= sizes[o];
    int64_t *d = SX_NEW_N(p->arena, int64_t, (size_t)x->rank);
    if (!d) SX_NO_MEMORY(p->e);
    memcpy(d, x->dims, (size_t)x->rank * sizeof *d);
    d[axis] = sizes[o];
    parts[o] = *x, parts[o].dims = d;
  }
  return joined(p, x, parts, p->n_out, false);
}

/* Concat and Split of whole channel blocks are the same bytes in the blocked layout. */
#define ROW(N, fn, more)                                                    \
  static sx_status prepare_##N(sx_prep *p) { return sx_prep_bytes(p, fn); } \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "copy", .flags = (more), .prepare = prepare_##N};
ROW(Transpose, transpose, 0)
ROW(Expand, expand, 0)
ROW(Tile, tile, 0)
ROW(Slice, slice, 0)
ROW(Concat, concat, SX_KERNEL_BLOCKED)
ROW(Split, split, SX_KERNEL_BLOCKED)
ROW(DepthToSpace, blocks, 0)
ROW(SpaceToDepth, blocks, 0)
