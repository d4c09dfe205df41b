// SPDX-License-Identifier: MIT
/* The direct form: a unit is a block of output pixels by a range of weight panels. Tables of offsets say where each tap of
 * each pixel lies, so kernel size, stride, dilation, padding and the phases of the transpose never reach the tiles.
 *
 * The stem (plain input, few channels) uses the same tiles: its input rows are copied, padded, to scratch, and a "tap" is a
 * row of the kernel in a channel, whose run is the kernel's width.
 *
 * Packed weights: [group][panel][channel block][tap][channel][panel width]. */
#include <string.h>
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/conv_kernels.h"

typedef struct panel {
  int64_t first; /* vector */
  int nv;
} panel;

static int64_t group_vectors(const sx_conv *c) { return sx_conv_ceil(c->group_out, c->table->direct->lanes); }

static panel panel_at(const sx_conv *c, int64_t i) {
  int64_t n = group_vectors(c), first = sx_conv_split(n, c->panels, i);
  return (panel){first, (int)(sx_conv_split(n, c->panels, i + 1) - first)};
}

/* What the tiles see: taps, and channels of a block. */
static int64_t tile_taps(const sx_conv *c) {
  return c->algo == SX_CONV_STEM ? c->group_in * c->s.kernel[0] * c->s.kernel[1] : c->taps;
}
static int64_t block_run(const sx_conv *c) {
  return c->algo == SX_CONV_STEM ? c->s.kernel[2] : sx_conv_min(c->table->direct->lanes, c->group_in);
}
static int64_t blocks(const sx_conv *c) {
  return c->algo == SX_CONV_STEM ? 1 : sx_conv_ceil(c->group_in, c->table->direct->lanes);
}

/* The copied rows of a stem unit. */
static int64_t stem_width(const sx_conv *c) {
  return c->s.out[2] > 0 ? c->s.out[2] : 1;
} /* an empty output has its scratch too */
static int64_t stem_rows(const sx_conv *c) {
  int64_t rows = c->row_parts > 1 ? 1 : sx_conv_ceil(c->block_pixels, stem_width(c)) + 1;
  return (rows - 1) * c->s.stride[1] + (c->s.kernel[1] - 1) * c->s.dilation[1] + 1;
}
static int64_t stem_pitch(const sx_conv *c) {
  return ((c->row_parts > 1 ? c->block_pixels : stem_width(c)) - 1) * c->s.stride[2] + c->s.kernel[2];
}

typedef struct scratch {
  sx_conv_pixels px;
  int32_t *off;
  float *bias, *acc, *stem, *wide; /* wide: the weights of a pass, where they are packed in 16 bits */
} scratch;

/* Weights of a panel for one channel block. */
static int64_t panel_step(const sx_conv *c, int64_t nv) { return tile_taps(c) * block_run(c) * nv * c->table->direct->lanes; }
static int64_t packed_count(const sx_conv *c) {
  return c->groups * group_vectors(c) * c->table->direct->lanes * c->group_in * c->taps;
}

/* Lays out the scratch of a worker from `base` (0 to measure) and gives its size. */
static size_t scratch_layout(const sx_conv *c, char *base, scratch *s) {
  size_t at = 0, ints = sx_round_up((size_t)c->block_pixels * 4, 64);
#define PLACE(field, type, bytes) (field) = (type)(base + at), at += sx_round_up((bytes), 64)
  for (int a = 0; a < 3; a++) PLACE(s->px.at[a], int32_t *, ints);
  PLACE(s->px.x, int32_t *, ints);
  PLACE(s->px.y, int32_t *, ints);
  PLACE(s->off, int32_t *, (size_t)(tile_taps(c) * c->block_pixels) * 4);
  PLACE(s->bias, float *, (size_t)(group_vectors(c) * c->table->direct->lanes) * 4);
  PLACE(s->acc, float *, (size_t)(c->block_pixels * c->table->direct->nv * c->table->direct->lanes) * 4);
  PLACE(s->stem, float *,
        c->algo == SX_CONV_STEM ? (size_t)(c->group_in * c->s.kernel[0] * stem_rows(c) * stem_pitch(c)) * 4 : 0);
  PLACE(s->wide, float *, sx_conv_narrow(c) ? (size_t)(c->pass_blocks * panel_step(c, c->table->direct->nv)) * 4 : 0);
#undef PLACE
  return at;
}

void sx_conv_blocked_prepare(sx_conv *c) {
  const sx_conv_direct *d = c->table->direct;
  int64_t vectors = group_vectors(c), depth = c->group_in * c->taps;
  c->panels = sx_conv_ceil(vectors, d->nv);
  c->pack_units = c->groups * c->panels;
  c->packed_bytes = sx_conv_packed_bytes(c, packed_count(c), c->groups * vectors * d->lanes);
  /* Pixels: enough to use a weight panel well, few enough that their input and their offsets stay in the second cache. */
  int64_t pixels = c->pixels > 0 ? c->pixels : 1, most = 192;
  const int64_t input = sx_conv_narrow(c) ? 512 << 10 : 256 << 10; /* the more pixels, the fewer times weights are widened */
  most = sx_conv_min(most, input / (c->group_in * 4) + 1);
  most = sx_conv_min(most, 16384 / tile_taps(c) + 1);
  if (most < 24) most = 24;
  c->pixel_units = sx_conv_ceil(pixels, most);
  if (c->algo == SX_CONV_STEM && c->pixels > 0) { /* whole rows of one plane, or a part of a long one */
    int64_t rows = most / c->s.out[2] > 0 ? most / c->s.out[2] : 1, parts = sx_conv_ceil(c->s.out[1], rows);
    c->row_parts = sx_conv_ceil(c->s.out[2], 384);
    c->pixel_units = parts * c->s.out[0] * c->row_parts;
    c->block_pixels = sx_conv_ceil(c->s.out[1], parts) * sx_conv_ceil(c->s.out[2], c->row_parts);
  } else {
    c->block_pixels = sx_conv_ceil(pixels, c->pixel_units);
  }
  double work = (double)c->block_pixels * (double)depth * (double)(vectors * d->lanes), unit = 2e6;
  c->panel_units = work > unit ? sx_conv_min(c->panels, (int64_t)(work / unit) + 1) : 1;
  c->panel_first = c->packed_bytes > (1u << 20);
  int64_t pass = d->pass_bytes / (c->taps * d->lanes * d->nv * d->lanes * 4);
  c->pass_blocks = c->algo == SX_CONV_STEM ? 1 : pass < 1 ? 1 : sx_conv_min(pass, blocks(c));
  c->units = c->s.batch * c->groups * c->phases * c->pixel_units * c->panel_units;
  c->unit_ns = work / (double)(c->panel_units * c->phases) / (d->lanes * 2.5);
  scratch s;
  c->scratch_bytes = scratch_layout(c, NULL, &s);
}

/* Weights of `n` output channels from k0 for one input channel and tap, of merged group g; 0 beyond the last channel and
 * off the diagonal of merged groups. */
static void weight_row(const sx_conv *c, const sx_conv_source *w, int64_t g, int64_t k0, int64_t n, int64_t ci, int64_t tap,
                       void *packed, int64_t at) {
  int64_t in = c->group_in / c->merge, out = c->group_out / c->merge, sub = ci / in, group = g * c->merge + sub;
  int64_t step = c->s.transposed ? c->taps : in * c->taps; /* between output channels */
  int64_t from = (c->s.transposed ? (group * in + ci % in) * out * c->taps : (group * out * in + ci % in) * c->taps) + tap;
  const size_t size = sx_conv_narrow(c) ? 2 : 4;
  for (int64_t i = 0; i < n; i++) {
    int64_t k = k0 + i - sub * out;
    if (k >= 0 && k < out)
      sx_conv_put(c, w, from + k * step, group * out + k, packed, at + i);
    else
      memset((char *)packed + (size_t)(at + i) * size, 0, size);
  }
}

/* The factors of a panel's channels, behind weights of 16 bits. */
static void pack_factors(const sx_conv *c, const sx_conv_source *w, int64_t g, panel p, float *to) {
  int64_t lanes = c->table->direct->lanes, k0 = p.first * lanes;
  for (int64_t k = k0; k < k0 + p.nv * lanes; k++)
    to[g * group_vectors(c) * lanes + k] = w->factors && k < c->group_out ? (float)w->factors[g * c->group_out + k] : 1;
}

void sx_conv_blocked_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end) {
  int64_t lanes = c->table->direct->lanes, step = c->algo == SX_CONV_STEM ? 1 : lanes, depth = c->group_in * c->taps;
  for (int64_t u = begin; u < end; u++) {
    int64_t g = u / c->panels;
    panel p = panel_at(c, u % c->panels);
    int64_t to = (g * group_vectors(c) + p.first) * lanes * depth, width = p.nv * lanes;
    if (sx_conv_narrow(c)) pack_factors(c, w, g, p, sx_conv_factors(packed, packed_count(c)));
    for (int64_t v = 0; v < p.nv && c->merge == 1 && !c->s.transposed; v++) {
      int64_t k = (p.first + v) * lanes;
      int rows = (int)sx_conv_min(lanes, c->group_out - k);
      k += g * c->group_out;
      for (int64_t c0 = 0; c0 < c->group_in; c0 += step) {
        int64_t run = sx_conv_min(step, c->group_in - c0);
        sx_conv_rows r = sx_conv_rows_at(c, w, k * depth + c0 * c->taps, depth, rows, k);
        c->table->reorder->lay(&r, run * c->taps, c->taps, sx_conv_packed(c, packed, to + c0 * c->taps * width + v * lanes),
                               run * width, width);
      }
    }
    if (c->merge == 1 && !c->s.transposed) continue;
    for (int64_t c0 = 0; c0 < c->group_in; c0 += step)
      for (int64_t tap = 0; tap < c->taps; tap++)
        for (int64_t ci = c0; ci < sx_conv_min(c0 + step, c->group_in); ci++, to += width)
          weight_row(c, w, g, p.first * lanes, width, ci, tap, packed, to);
  }
}

/* Copies the input rows of a stem unit, padded, as [channel][tap plane][row], and fills the offsets of its pixels there. */
static void stem_gather(const sx_conv *c, const float *x, int64_t begin, int64_t n, scratch *s) {
  const sx_conv_shape *sh = &c->s;
  int64_t across = c->row_parts > 1 ? n : sh->out[2], pitch = stem_pitch(c), planes = c->group_in * sh->kernel[0];
  int64_t z = begin / sh->out[2] / sh->out[1] * sh->stride[0] - sh->pad[0];
  int64_t y = begin / sh->out[2] % sh->out[1] * sh->stride[1] - sh->pad[1];
  int64_t u =
      begin % sh->out[2] * sh->stride[2] - sh->pad[2]; /* of the copy's first column; it has [left, right) of the row */
  int64_t left = sx_conv_min(u < 0 ? -u : 0, pitch), right = sx_conv_min(pitch, sh->in[2] - u);
  int64_t rows = (n / across - 1) * sh->stride[1] + (sh->kernel[1] - 1) * sh->dilation[1] + 1;
  for (int64_t i = 0; i < planes * rows; i++) {
    int64_t iz = z + i / rows % sh->kernel[0] * sh->dilation[0], iy = y + i % rows, ci = i / rows / sh->kernel[0];
    float *to = s->stem + i * pitch;
    if (iz < 0 || iz >= sh->in[0] || iy < 0 || iy >= sh->in[1] || right <= left) {
      memset(to, 0, (size_t)pitch * 4);
      continue;
    }
    memset(to, 0, (size_t)left * 4);
    memcpy(to + left, x + ((ci * sh->in[0] + iz) * sh->in[1] + iy) * sh->in[2] + u + left, (size_t)(right - left) * 4);
    memset(to + right, 0, (size_t)(pitch - right) * 4);
  }
  for (int64_t t = 0; t < tile_taps(c); t++) {
    int64_t at = (t / sh->kernel[1] * rows + t % sh->kernel[1] * sh->dilation[1]) * pitch;
    for (int64_t i = 0; i < n; i += across, at += sh->stride[1] * pitch)
      c->table->direct->row(s->off + t * c->block_pixels + i, (int32_t)at, (int32_t)sh->stride[2], across);
  }
}

/* The rows of a stem unit, whose pixels are a step apart: whole tiles and what is left of a row. */
static void run_stem(const sx_conv *c, sx_conv_tile *t, const scratch *s, int nv, int64_t pixels) {
  const sx_conv_direct *d = c->table->direct;
  const int64_t across = c->row_parts > 1 ? pixels : c->s.out[2], mr = d->mr[nv], rest = across % mr;
  for (int64_t at = 0; at < pixels; at += across) {
    t->off = s->off + at, t->y_off = s->px.y + at, t->tiles = across / mr;
    if (t->tiles) d->stem[c->s.stride[2]][nv](t);
    t->off += across - rest, t->y_off += across - rest, t->tiles = 1;
    if (rest) d->tile[nv][rest](t);
  }
}

/* The tiles of one panel over the pixels of the unit, all passes. `y` is the output's first element of the group, `packed`
 * are its weights and `factors` what those of 16 bits are multiplied by. */
static void run_panel(const sx_conv *c, sx_conv_tile *t, const scratch *s, const char *packed, const float *factors, panel p,
                      int64_t pixels) {
  const sx_conv_direct *d = c->table->direct;
  int64_t n_blocks = blocks(c), width = p.nv * d->lanes, run = block_run(c), plane = c->s.in[0] * c->s.in[1] * c->s.in[2];
  int64_t tiles = sx_conv_ceil(pixels, d->mr[p.nv]), least = pixels / tiles, more = pixels % tiles;
  const float *x = t->x;
  float *y = t->out.y;
  const float *residual = t->out.residual;
  const char *next;
  t->x_step = plane * d->lanes;
  t->w_step = panel_step(c, p.nv);
  t->run = (int32_t)run;
  if (residual) t->out.residual += p.first * t->y_step;
  t->out.y += p.first * t->y_step;
  packed = sx_conv_packed(c, packed, p.first * d->lanes * c->group_in * c->taps);
  for (int64_t b = 0; b < n_blocks; b += c->pass_blocks) {
    t->blocks = (int32_t)sx_conv_min(c->pass_blocks, n_blocks - b);
    bool last = b + t->blocks == n_blocks;
    t->last_run = (int32_t)(!last || c->algo == SX_CONV_STEM ? run : c->group_in - (n_blocks - 1) * d->lanes);
    t->x = x + b * t->x_step;
    t->w = sx_conv_packed(c, packed, b * t->w_step);
    if (sx_conv_narrow(c)) {
      int64_t rows = ((t->blocks - 1) * run + t->last_run) * tile_taps(c);
      c->table->reorder->widen(c->s.weights, t->w, factors + p.first * d->lanes, rows, width, s->wide);
      sx_conv_fetch(t, &next, sx_conv_packed(c, t->w, rows * width), rows * width * 2, tiles);
      t->w = s->wide;
    }
    t->bias = s->bias + p.first * d->lanes;
    if (c->algo == SX_CONV_STEM && c->s.stride[2] <= 2 && d->stem[c->s.stride[2]][p.nv]) {
      t->acc = NULL, t->from = NULL;
      run_stem(c, t, s, p.nv, pixels);
      continue;
    }
    for (int64_t big = 1, at = 0; big >= 0; big--) {
      int64_t mr = least + big;
      t->tiles = big ? more : tiles - more;
      t->off = s->off + at;
      t->y_off = s->px.y + at;
      t->acc = last ? NULL : s->acc + at * width;
      t->from = b ? s->acc + at * width : NULL;
      if (t->tiles) d->tile[p.nv][mr](t);
      at += t->tiles * mr;
    }
  }
  for (int j = 0; j < p.nv && (c->epi.tile_fn || c->zero_tail); j++) {
    int real = (int)sx_conv_min(c->group_out - (p.first + j) * d->lanes, d->lanes);
    int64_t piece = c->s.transposed ? 1 : pixels;
    for (int64_t q = 0; q < pixels; q += piece)
      sx_conv_finish(c, t->out.y + s->px.y[q] + j * t->y_step, piece * d->lanes, real);
  }
  t->x = x;
  t->out.y = y;
  t->out.residual = residual;
}

void sx_conv_blocked_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *mem) {
  const sx_conv_shape *sh = &c->s;
  int64_t lanes = c->table->direct->lanes, vectors = group_vectors(c);
  int64_t in_plane = sh->in[0] * sh->in[1] * sh->in[2], out_plane = sh->out[0] * sh->out[1] * sh->out[2];
  int64_t in_group = c->algo == SX_CONV_STEM ? c->group_in * in_plane : blocks(c) * lanes * in_plane;
  scratch s;
  scratch_layout(c, mem, &s);
  for (int64_t u = begin; u < end; u++) {
    int64_t inner = c->panel_first ? c->pixel_units : c->panel_units,
            outer = c->panel_first ? c->panel_units : c->pixel_units;
    int64_t a = u % inner, b = u / inner % outer, rest = u / inner / outer;
    int64_t part = c->panel_first ? a : b, panels = c->panel_first ? b : a;
    sx_conv_grid grid;
    sx_conv_grid_init(&grid, sh, rest % c->phases);
    rest /= c->phases;
    int64_t g = rest % c->groups, image = rest / c->groups;
    int64_t first = 0, n = (int64_t)grid.n[0] * grid.n[1] * grid.n[2];
    if (c->algo == SX_CONV_STEM) {
      int64_t rows = c->pixel_units / c->row_parts / sh->out[0], column = part % c->row_parts, row = part / c->row_parts;
      int64_t y = sx_conv_split(sh->out[1], rows, row % rows), u = sx_conv_split(sh->out[2], c->row_parts, column);
      first = (row / rows * sh->out[1] + y) * sh->out[2] + u;
      n = (sx_conv_split(sh->out[1], rows, row % rows + 1) - y) * (sx_conv_split(sh->out[2], c->row_parts, column + 1) - u);
    } else {
      first = sx_conv_split(n, c->pixel_units, part);
      n = sx_conv_split(n, c->pixel_units, part + 1) - first;
    }
    if (n == 0) continue;
    sx_conv_pixels_init(c->table, &s.px, sh, &grid, first, n, (int32_t)lanes);
    sx_conv_tile t = {.off = s.off, .off_ld = c->block_pixels, .taps = (int32_t)tile_taps(c), .y_step = out_plane * lanes};
    t.x = io->x + (image * c->groups + g) * in_group;
    if (c->algo == SX_CONV_STEM) {
      stem_gather(c, t.x, first, n, &s);
      t.x = s.stem;
    } else {
      sx_conv_offsets(c->table, sh, &grid, &s.px, n, (int32_t)lanes, s.off, c->block_pixels);
    }
    for (int64_t k = 0; k < vectors * lanes; k++)
      s.bias[k] = c->epi.bias && k < c->group_out ? io->bias[g * c->group_out + k] : 0;
    t.out = sx_conv_store_at(c, io, (image * c->groups + g) * vectors * lanes * out_plane);
    const char *packed = sx_conv_packed(c, io->packed, g * vectors * lanes * c->group_in * c->taps);
    const float *factors = sx_conv_factors(io->packed, packed_count(c)) + g * vectors * lanes;
    for (int64_t i = sx_conv_split(c->panels, c->panel_units, panels);
         i < sx_conv_split(c->panels, c->panel_units, panels + 1); i++)
      run_panel(c, &t, &s, packed, factors, panel_at(c, i), n);
  }
}
