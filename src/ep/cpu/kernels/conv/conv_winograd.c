// SPDX-License-Identifier: MIT
/* 3x3 convolution of stride 1 by Winograd, fused by blocks of tiles: a unit transforms its tiles for all input channels,
 * multiplies them, plane by plane, with a range of weight panels by the direct form's register tiles, and transforms a few
 * panels back at a time, so that nothing but inputs, weights and outputs leaves the second cache.
 *
 * Packed weights: [panel][plane][channel][panel width]. In 16 bits they are integers, with a factor for each plane and
 * output channel: transformed weights need more digits than those that they are made of. */
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/conv_kernels.h"

typedef struct scratch {
  float *v, *m, *bias, *edge,
      *zero, *wide; /* wide: the weights of a panel in a plane; v, m: transformed inputs [plane][block][tile][lane], products [plane][vector][tile][lane] */
  int32_t *off; /* of the tiles of a block */
} scratch;

static int64_t planes(const sx_conv *c) { return (c->tile + 2) * (c->tile + 2); }
static int64_t vectors(const sx_conv *c) { return sx_conv_ceil(c->group_out, c->table->direct->lanes); }
static int64_t blocks(const sx_conv *c) { return sx_conv_ceil(c->group_in, c->table->direct->lanes); }
static int64_t tiles_of(const sx_conv *c, int axis) { return sx_conv_ceil(c->s.out[axis], c->tile); }
/* A plane is a cache line longer than it needs, so that the planes of a tile do not fall into one cache set. */
static int64_t v_plane(const sx_conv *c) { return (c->block_pixels * blocks(c) + 1) * c->table->direct->lanes; }
static int64_t m_plane(const sx_conv *c) {
  return (c->block_pixels * c->pass_blocks * c->table->direct->nv + 1) * c->table->direct->lanes;
}

static int64_t packed_count(const sx_conv *c) {
  return planes(c) * vectors(c) * c->table->direct->lanes * c->group_in;
}

static size_t scratch_layout(const sx_conv *c, char *base, scratch *s) {
  size_t at = 0, lane = (size_t)c->table->direct->lanes * 4;
#define PLACE(field, type, bytes) (field) = (type)(base + at), at += sx_round_up((bytes), 64)
  PLACE(s->v, float *, (size_t)(planes(c) * v_plane(c)) * 4);
  PLACE(s->m, float *, (size_t)(planes(c) * m_plane(c)) * 4);
  PLACE(s->bias, float *, (size_t)vectors(c) * lane);
  PLACE(s->edge, float *, 36 * lane);
  PLACE(s->zero, float *, SX_CONV_NV *lane);
  PLACE(s->off, int32_t *, (size_t)c->block_pixels * 4);
  PLACE(s->wide, float *, sx_conv_narrow(c) ? (size_t)(c->group_in * c->table->direct->nv) * lane : 0);
#undef PLACE
  return at;
}

bool sx_conv_winograd_takes(const sx_conv_shape *s) {
  for (int a = 0; a < 3; a++)
    if (s->stride[a] != 1 || s->dilation[a] != 1 || s->kernel[a] != (a ? 3 : 1)) return false;
  return !s->transposed && s->in[0] == 1 && s->out[0] == 1 && s->group == 1 && s->pad[1] <= 2 && s->pad[2] <= 2 &&
         s->in_channels >= 16 && s->out_channels >= 16;
}

/* Small maps waste less with 2, whose weights are also half as big. */
int sx_conv_winograd_for(const sx_conv_shape *s, int most) {
  int best = s->out[1] * s->out[2] > 64 ? 4 : 2;
  return !sx_conv_winograd_takes(s) || most < 2 ? 0 : best < most ? best : most < 4 ? 2 : 4;
}

void sx_conv_winograd_prepare(sx_conv *c) {
  const sx_conv_direct *d = c->table->direct;
  c->tile = c->s.winograd >= 4 ? 4 : 2;
  int64_t tiles = tiles_of(c, 1) * tiles_of(c, 2);
  c->panels = c->pack_units = sx_conv_ceil(vectors(c), d->nv);
  c->packed_bytes = sx_conv_packed_bytes(c, packed_count(c), planes(c) * vectors(c) * d->lanes);
  int64_t most = (512 << 10) / (planes(c) * c->group_in * 4);
  most = sx_conv_min(most, sx_conv_ceil(tiles, sx_conv_narrow(c) ? 4 : 8)); /* some units for the threads */
  if (most < 16) most = 16;
  if (most < 25 && sx_conv_narrow(c) && planes(c) * c->group_in * 4 * 25 <= 512 << 10) most = 25; /* each widens all weights */
  c->pixel_units = tiles ? sx_conv_ceil(tiles, most) : 1;
  c->block_pixels = sx_conv_ceil(tiles, c->pixel_units);
  if (c->block_pixels < 1) c->block_pixels = 1;
  c->pass_blocks = (256 << 10) / (planes(c) * c->block_pixels * d->nv * d->lanes * 4); /* panels per inverse transform */
  c->pass_blocks = c->pass_blocks < 1 ? 1 : sx_conv_min(c->pass_blocks, c->panels);
  double work = (double)(planes(c) * c->block_pixels) * (double)c->group_in * (double)(vectors(c) * d->lanes);
  /* A range of panels repeats the input transform: only where there are few blocks of tiles. */
  int64_t split = work > 16e6 && c->s.batch * c->pixel_units < 8 ? (int64_t)(work / 15e6) : 1;
  c->panel_units = sx_conv_min(c->panels, split);
  c->units = c->s.batch * c->pixel_units * c->panel_units;
  c->unit_ns = work / (double)c->panel_units / (d->lanes * 2.2);
  scratch s;
  c->scratch_bytes = scratch_layout(c, NULL, &s);
}

void sx_conv_winograd_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end) {
  const sx_conv_winograd *k = c->table->winograd;
  int64_t lanes = c->table->direct->lanes, n = vectors(c), in = c->group_in;
  float *factors = sx_conv_factors(packed, packed_count(c));
  for (int64_t p = begin; p < end; p++) {
    int64_t first = sx_conv_split(n, c->panels, p), last = sx_conv_split(n, c->panels, p + 1),
            width = (last - first) * lanes;
    for (int64_t v = first; v < last; v++) {
      int64_t at = first * lanes * planes(c) * in + (v - first) * lanes;
      int rows = (int)sx_conv_min(lanes, c->group_out - v * lanes);
      sx_conv_rows r = sx_conv_rows_at(c, w, v * lanes * in * 9, in * 9, rows, v * lanes);
      r.to = SX_F32;
      if (!sx_conv_narrow(c)) {
        k->pack[c->tile / 4](c->table->reorder, &r, in, (float *)packed + at, width, in * width);
        continue;
      }
      r.factors = w->factors ? w->factors + v * lanes : NULL;
      k->pack_i16[c->tile / 4](c->table->reorder, &r, in, (int16_t *)packed + at, width, in * width,
                               factors + first * lanes * planes(c) + (v - first) * lanes, width);
    }
  }
}

static const void *weights_at(const sx_conv *c, const void *packed, int64_t plane, int64_t panel) {
  int64_t n = vectors(c), first = sx_conv_split(n, c->panels, panel), nv = sx_conv_split(n, c->panels, panel + 1) - first;
  return sx_conv_packed(c, packed, (first * planes(c) + plane * nv) * c->group_in * c->table->direct->lanes);
}

/* All planes of panels [begin, end), into s->m. */
static void multiply(const sx_conv *c, const scratch *s, const void *packed, int64_t tiles, int64_t begin, int64_t end) {
  const sx_conv_direct *d = c->table->direct;
  int64_t n = vectors(c), lanes = d->lanes, base = sx_conv_split(n, c->panels, begin);
  sx_conv_tile t = {.taps = 1, .blocks = (int32_t)blocks(c), .bias = s->zero, .x_step = c->block_pixels * lanes};
  t.run = (int32_t)sx_conv_min(lanes, c->group_in);
  t.last_run = (int32_t)(c->group_in - (blocks(c) - 1) * lanes);
  t.y_step = c->block_pixels * lanes;
  const char *next;
  for (int64_t plane = 0; plane < planes(c); plane++)
    for (int64_t p = begin; p < end; p++) {
      int64_t first = sx_conv_split(n, c->panels, p), nv = sx_conv_split(n, c->panels, p + 1) - first;
      int64_t rows = sx_conv_ceil(tiles, d->mr[nv]), least = tiles / rows, more = tiles % rows;
      t.x = s->v + plane * v_plane(c);
      t.w = weights_at(c, packed, plane, p);
      if (sx_conv_narrow(c)) {
        const float *factors = sx_conv_factors(packed, packed_count(c)) + (first * planes(c) + plane * nv) * lanes;
        c->table->reorder->widen(SX_I16, t.w, factors, c->group_in, nv * lanes, s->wide);
        sx_conv_fetch(&t, &next, p + 1 < end ? weights_at(c, packed, plane, p + 1) : weights_at(c, packed, plane + 1, begin),
                      c->group_in * nv * lanes * 2, rows);
        t.w = s->wide;
      }
      t.w_step = lanes * nv * lanes;
      t.out = (sx_conv_store){.y = s->m + plane * m_plane(c) + (first - base) * t.y_step};
      t.off = t.y_off = s->off;
      for (int64_t big = 1; big >= 0; big--) {
        t.tiles = big ? more : rows - more;
        if (t.tiles) d->tile[nv][least + big](&t);
        t.off = t.y_off += t.tiles * (least + big);
      }
    }
}

void sx_conv_winograd_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *mem) {
  const sx_conv_shape *sh = &c->s;
  const sx_conv_winograd *k = c->table->winograd;
  int64_t lanes = c->table->direct->lanes, in_plane = sh->in[1] * sh->in[2] * lanes,
          out_plane = sh->out[1] * sh->out[2] * lanes;
  int64_t n = vectors(c), tiles = tiles_of(c, 1) * tiles_of(c, 2);
  scratch s;
  scratch_layout(c, mem, &s);
  for (int64_t i = 0; i < c->block_pixels; i++) s.off[i] = (int32_t)(i * lanes);
  for (int64_t i = 0; i < SX_CONV_NV * lanes; i++) s.zero[i] = 0;
  for (int64_t i = 0; i < n * lanes; i++) s.bias[i] = c->epi.bias && i < c->group_out ? io->bias[i] : 0;
  for (int64_t u = begin; u < end; u++) {
    int64_t panels = u % c->panel_units, part = u / c->panel_units % c->pixel_units,
            image = u / c->panel_units / c->pixel_units;
    sx_conv_winograd_block b = {.conv = c, .finish = c->epi.tile_fn || c->zero_tail, .edge = s.edge};
    b.first = sx_conv_split(tiles, c->pixel_units, part);
    b.tiles = sx_conv_split(tiles, c->pixel_units, part + 1) - b.first;
    b.across = tiles_of(c, 2);
    b.pad_y = sh->pad[1], b.pad_x = sh->pad[2], b.in_h = sh->in[1], b.in_w = sh->in[2], b.out_h = sh->out[1],
    b.out_w = sh->out[2];
    for (int64_t i = 0; i < blocks(c); i++)
      k->in[c->tile / 4](&b, io->x + (image * blocks(c) + i) * in_plane, s.v + i * c->block_pixels * lanes, v_plane(c));
    int64_t last = sx_conv_split(c->panels, c->panel_units, panels + 1);
    for (int64_t p = sx_conv_split(c->panels, c->panel_units, panels); p < last; p += c->pass_blocks) {
      int64_t q = sx_conv_min(p + c->pass_blocks, last), first = sx_conv_split(n, c->panels, p);
      multiply(c, &s, io->packed, b.tiles, p, q);
      for (int64_t v = first; v < sx_conv_split(n, c->panels, q); v++) {
        sx_conv_store out = sx_conv_store_at(c, io, (image * n + v) * out_plane);
        k->out[c->tile / 4](&b, s.m + (v - first) * c->block_pixels * lanes, m_plane(c), s.bias + v * lanes, &out,
                            (int)sx_conv_min(lanes, c->group_out - v * lanes));
      }
    }
  }
}
