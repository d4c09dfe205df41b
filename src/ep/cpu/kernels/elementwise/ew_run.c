// SPDX-License-Identifier: MIT
/* Running compiled elementwise programs: tile after tile, loads, steps, stores.
 *
 * The whole vectors of a tile run on the tensors' own memory where the type allows; what is left, less than a vector, runs
 * on padded copies. So no instruction has a tail, and nothing is read or written past a tensor's end. */
#include <string.h>
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/elementwise/ew_machine.h"
#include "ep/cpu/kernels/move/move.h"

typedef struct runner {
  const sx_ew_code *c;
  char *scratch;
  void **reg;
  int64_t coord[SX_EW_RANK]; /* of the tile's first element */
} runner;

/* What gather and scatter share: from the coordinate on, the runs along the last dimension. Element `index` of the tensor,
 * `run` elements `step` apart. */
typedef struct walk {
  int64_t coord[SX_EW_RANK], index, left;
} walk;
static walk walk_from(const sx_ew_code *c, const sx_ew_operand *o, const int64_t *coord, int64_t skip, int64_t n) {
  walk w = {.left = n};
  for (uint32_t i = c->rank; i-- > 0;) {
    int64_t x = coord[i] + skip;
    skip = i ? x / c->dim[i] : 0;
    w.coord[i] = i ? x - skip * c->dim[i] : x;
    w.index += w.coord[i] * o->stride[i];
  }
  return w;
}
static int64_t walk_run(const sx_ew_code *c, const walk *w) {
  int64_t run = c->rank ? c->dim[c->rank - 1] - w->coord[c->rank - 1] : 1;
  return run < w->left ? run : w->left;
}
static void walk_next(const sx_ew_code *c, const sx_ew_operand *o, walk *w, int64_t run) {
  w->left -= run;
  uint32_t i = c->rank - 1;
  w->coord[i] += run;
  w->index += run * o->stride[i];
  for (; i > 0 && w->coord[i] == c->dim[i]; i--) {
    w->index += o->stride[i - 1] - c->dim[i] * o->stride[i];
    w->coord[i] = 0;
    w->coord[i - 1]++;
  }
}

typedef uint16_t __attribute__((aligned(1), may_alias)) u16;
typedef uint32_t __attribute__((aligned(1), may_alias)) u32;
typedef uint64_t __attribute__((aligned(1), may_alias)) u64;
#define STRIDED(T)                                                  \
  {                                                                 \
    T *q = d;                                                       \
    const T *p = s;                                                 \
    for (int64_t i = 0; i < n; i++) q[i * d_step] = p[i];           \
  }
/* Elements of `bytes` bytes, any alignment, dense in s. */
static void spread(void *d, int64_t d_step, const void *s, int64_t n, uint32_t bytes) {
  if (d_step == 1)
    memcpy(d, s, (size_t)n * bytes);
  else if (bytes == 1)
    STRIDED(uint8_t)
  else if (bytes == 2)
    STRIDED(u16)
  else if (bytes == 4)
    STRIDED(u32)
  else
    STRIDED(u64)
}

static void gather(runner *r, const sx_ew_operand *o, const char *base, void *dst, const int64_t *coord, int64_t skip,
                   int64_t n) {
  const sx_ew_code *c = r->c;
  const uint32_t bytes = o->bits / 8;
  char *raw = o->native ? dst : r->scratch + c->staging;
  const int64_t step = o->stride[c->rank - 1];
  for (walk w = walk_from(c, o, coord, skip, n); w.left;) {
    int64_t run = walk_run(c, &w), at = n - w.left;
    if (bytes) {
      const uint32_t last = c->rank - 1;
      const int64_t above = last ? c->dim[last - 1] - w.coord[last - 1] : 1, whole = last && run == c->dim[last] ? w.left / run : 1;
      const int64_t rows = whole < above ? whole : above, row_step = last ? o->stride[last - 1] : 0;
      sx_move_rows(c->isa, bytes, raw + at * bytes, base + w.index * bytes, rows, row_step, run, step);
      if (rows > 1) w.left -= (rows - 1) * run, w.index += (rows - 1) * row_step, w.coord[last - 1] += rows - 1;
    } else {
      for (int64_t i = 0; i < run; i++)
        sx_convert_load(c->isa, (sx_dtype)o->type, (char *)dst + (at + i) * o->width, base, w.index + i * step, 1);
    }
    walk_next(c, o, &w, run);
  }
  if (!o->native && bytes) sx_convert_load(c->isa, (sx_dtype)o->type, dst, raw, 0, n);
}
static void scatter(runner *r, const sx_ew_operand *o, char *base, const void *src, int64_t skip, int64_t n) {
  const sx_ew_code *c = r->c;
  const uint32_t bytes = o->bits / 8;
  const char *raw = src;
  const int64_t step = o->stride[c->rank - 1];
  if (!o->native && bytes) {
    raw = r->scratch + c->staging;
    sx_convert_store(c->isa, (sx_dtype)o->type, o->mode, r->scratch + c->staging, src, 0, n);
  }
  for (walk w = walk_from(c, o, r->coord, skip, n); w.left;) {
    int64_t run = walk_run(c, &w), at = n - w.left;
    if (bytes)
      spread(base + w.index * bytes, step, raw + at * bytes, run, bytes);
    else
      for (int64_t i = 0; i < run; i++)
        sx_convert_store(c->isa, (sx_dtype)o->type, o->mode, base, (const char *)src + (at + i) * o->width,
                         w.index + i * step, 1);
    walk_next(c, o, &w, run);
  }
}

static void load_dense(const sx_ew_code *c, const sx_ew_operand *o, const char *base, void *dst, int64_t first, int64_t n) {
  if (o->native)
    memcpy(dst, base + first * o->width, (size_t)n * o->width);
  else
    sx_convert_load(c->isa, (sx_dtype)o->type, dst, base, first, n);
}
static void load_one(const sx_ew_code *c, const sx_ew_operand *o, const char *base, void *dst, int64_t index) {
  load_dense(c, o, base, dst, index, 1);
  c->table->splat[o->cls](dst, dst, NULL, NULL, NULL, c->lanes);
}
/* Index in the tensor of the element `skip` after the tile's first, where the operand is contiguous from there on. */
static int64_t dense_index(const runner *r, const sx_ew_operand *o, int64_t i0, int64_t skip) {
  if (o->linear) return i0 + skip;
  int64_t index = skip;
  for (uint32_t i = 0; i < r->c->rank; i++) index += r->coord[i] * o->stride[i];
  return index;
}

/* Elements [i0 + skip, + n) of a tile that begins at element i0 of the space. */
static void run_span(runner *r, const void *const *in, void *const *out, int64_t i0, int64_t skip, int64_t n) {
  const sx_ew_code *c = r->c;
  const sx_ew_operand *ops = sx_ew_operands(c);
  const int64_t padded = (n + c->lanes - 1) / c->lanes * c->lanes;
  for (uint32_t k = 0; k < c->n_in; k++) {
    const sx_ew_operand *o = &ops[k];
    char *work = r->scratch + o->work;
    if (o->kind == SX_EW_SCALAR) continue;
    if (o->kind == SX_EW_PERIODIC) {
      r->reg[k] = work + skip * o->width;
      continue;
    }
    if (o->kind == SX_EW_ROW) {
      if (!skip) load_one(c, o, in[k], work, dense_index(r, o, i0, 0));
      continue;
    }
    if (o->kind == SX_EW_GENERAL) {
      gather(r, o, in[k], work, r->coord, skip, n);
    } else {
      const int64_t index = dense_index(r, o, i0, skip);
      const char *p = (const char *)in[k] + index * o->width;
      if (o->kind == SX_EW_DIRECT && n == padded && !((uintptr_t)p & (o->width - 1u))) {
        r->reg[k] = (void *)(uintptr_t)p;
        continue;
      }
      load_dense(c, o, in[k], work, index, n);
    }
    r->reg[k] = work;
    if (n != padded) memset(work + n * o->width, 0, (size_t)(padded - n) * o->width);
  }
  for (uint32_t k = c->n_in; k < c->n_in + c->n_out; k++) {
    const sx_ew_operand *o = &ops[k];
    r->reg[k] = r->scratch + o->work;
    if (o->kind != SX_EW_DIRECT) continue;
    char *p = (char *)out[k - c->n_in] + dense_index(r, o, i0, skip) * o->width;
    if (n == padded && !((uintptr_t)p & (o->width - 1u))) r->reg[k] = p;
  }
  void **reg = r->reg;
  const sx_ew_step *st = sx_ew_steps(c), *tile_end = st + c->n_tile, *end = st + c->n_steps;
  if (!skip)
    for (const sx_ew_step *s = st + c->n_once; s < tile_end; s++)
      s->fn(reg[s->d], reg[s->a], reg[s->b], reg[s->c], &s->q, c->lanes);
  for (const sx_ew_step *s = tile_end; s < end; s++) s->fn(reg[s->d], reg[s->a], reg[s->b], reg[s->c], &s->q, padded);
  for (uint32_t k = c->n_in; k < c->n_in + c->n_out; k++) {
    const sx_ew_operand *o = &ops[k];
    char *base = out[k - c->n_in];
    if (o->kind == SX_EW_GENERAL) {
      scatter(r, o, base, reg[o->reg], skip, n);
      continue;
    }
    const int64_t index = dense_index(r, o, i0, skip);
    if (!o->native)
      sx_convert_store(c->isa, (sx_dtype)o->type, o->mode, base, reg[o->reg], index, n);
    else if (reg[o->reg] != base + index * o->width)
      memcpy(base + index * o->width, reg[o->reg], (size_t)n * o->width);
  }
}

static void set_coord(runner *r, int64_t i0) {
  const sx_ew_code *c = r->c;
  for (uint32_t i = c->rank; i-- > 0;) {
    int64_t next = i ? i0 / c->dim[i] : 0;
    r->coord[i] = i0 - next * (i ? c->dim[i] : 0);
    i0 = next;
  }
}

/* The kinds of operands that a step may take from the tensor: of one value it reads the first element only. */
static bool in_place(const sx_ew_operand *o, const void *p) {
  if (o->kind == SX_EW_SCALAR) return true;
  return (o->kind == SX_EW_DIRECT || (o->kind == SX_EW_ROW && o->native)) && !((uintptr_t)p & (o->width - 1u));
}
/* Tiles of whole vectors, all operands in place. */
static void run_rows(runner *r, const void *const *in, void *const *out, int64_t begin, int64_t end) {
  const sx_ew_code *c = r->c;
  const sx_ew_operand *ops = sx_ew_operands(c);
  const sx_ew_step *s = sx_ew_steps(c);
  for (int64_t t = begin; t < end; t++) {
    const int64_t line = c->per_row == 1 ? t : t / c->per_row, from = (t - line * c->per_row) * c->tile, i0 = line * c->row + from;
    set_coord(r, i0);
    for (uint32_t k = 0; k < c->n_in + c->n_out; k++) {
      const sx_ew_operand *o = &ops[k];
      const char *p = k < c->n_in ? in[k] : out[k - c->n_in];
      if (o->kind != SX_EW_SCALAR) r->reg[k] = (void *)(uintptr_t)(p + dense_index(r, o, i0, 0) * o->width);
    }
    s->fn(r->reg[s->d], r->reg[s->a], r->reg[s->b], r->reg[s->c], &s->q, c->row - from < c->tile ? c->row - from : c->tile);
  }
}

void sx_ew_run(const sx_ew_code *c, const void *const *in, void *const *out, int64_t begin, int64_t end, void *scratch) {
  if (begin >= end) return;
  runner r = {.c = c, .scratch = scratch, .reg = scratch};
  const sx_ew_operand *ops = sx_ew_operands(c);
  const uint32_t *offsets = sx_ew_offsets(c);
  bool simple = true, direct = c->n_steps == 1;
  for (uint32_t i = 0; i < c->n_regs; i++) r.reg[i] = r.scratch + offsets[i];
  r.reg[c->n_regs] = r.reg;
  for (uint32_t k = 0; k < c->n_in + c->n_out; k++) {
    const sx_ew_operand *o = &ops[k];
    const void *p = k < c->n_in ? in[k] : out[k - c->n_in];
    simple &= o->linear || o->kind == SX_EW_SCALAR;
    direct &= in_place(o, p);
    if (o->kind == SX_EW_SCALAR && k < c->n_in)
      load_one(c, o, in[k], r.reg[k], 0);
    else if (o->kind == SX_EW_PERIODIC)
      gather(&r, o, in[k], r.reg[k], r.coord, 0, c->tile < c->total ? c->tile : c->total);
  }
  const sx_ew_step *st = sx_ew_steps(c);
  for (uint32_t i = 0; i < c->n_once; i++, st++)
    st->fn(r.reg[st->d], r.reg[st->a], r.reg[st->b], r.reg[st->c], &st->q, c->lanes);
  end = end * c->group < c->tiles ? end * c->group : c->tiles;
  if (direct && !simple && c->row % c->lanes == 0) {
    run_rows(&r, in, out, begin * c->group, end);
    return;
  }
  const int64_t at_once = simple && direct ? end - begin * c->group : 1; /* tiles: nothing passes through a register's memory */
  for (int64_t t = begin * c->group; t < end; t += at_once) {
    const int64_t from = t % c->per_row * c->tile, i0 = t / c->per_row * c->row + from, most = at_once * c->tile;
    const int64_t n = c->row - from < most ? c->row - from : most, whole = n - n % c->lanes;
    if (!simple) set_coord(&r, i0);
    if (whole) run_span(&r, in, out, i0, 0, whole);
    if (n > whole) run_span(&r, in, out, i0, whole, n - whole);
  }
}
