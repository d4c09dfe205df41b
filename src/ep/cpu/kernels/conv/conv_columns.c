// SPDX-License-Identifier: MIT
/* The transpose, plain to plain: every input pixel times the weights of all its taps, a matrix product without a zero in it, whose
 * rows (channel, tap along W) are then added to the output where they belong. Nothing is multiplied that is not there, so an
 * infinite weight reaches no further than its tap.
 *
 * A unit is a block of output rows and a part of their width, so that units share nothing. Sums lie in scratch as
 * [channel][row][position modulo the stride][position / stride]: a tap adds to neighbours.
 *
 * Packed weights: [group][tap along D, H][panel of mr rows (channel, tap along W)][channel in][row]. */
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/conv_kernels.h"

enum { PART = 256, SUMS = 32 << 10, PRODUCTS = 16 << 10 }; /* input pixels of a unit's row; floats in scratch, or one channel's */

typedef struct scratch {
  float *sums, *products, *b, *zero, *wide;
  sx_conv_reach *reach;
} scratch;
/* A unit: rows [y0, y1) of plane z, columns [u0, u1), a multiple of the stride first. */
typedef struct place {
  int64_t z, y0, y1, u0, u1;
} place;

static int64_t width(const sx_conv *c) { return (int64_t)c->table->plain->nv * c->table->direct->lanes; }
static int64_t row_sums(const sx_conv *c) { return c->block_pixels * c->s.stride[2]; }
static int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

static size_t scratch_layout(const sx_conv *c, char *base, scratch *s) {
  const int64_t mr = c->table->plain->mr, w = width(c), taps = c->s.kernel[2];
  size_t at = 0;
#define PLACE(field, type, bytes) (field) = (type)(base + at), at += sx_round_up((bytes), 64)
  PLACE(s->sums, float *, (size_t)(c->pass_blocks * c->row_parts * row_sums(c)) * 4);
  PLACE(s->products, float *, (size_t)(sx_conv_ceil(c->pass_blocks * taps, mr) * mr * w) * 4);
  PLACE(s->b, float *, (size_t)(c->group_in * w) * 4);
  PLACE(s->zero, float *, (size_t)mr * 4);
  PLACE(s->wide, float *, sx_conv_narrow(c) ? (size_t)(c->group_in * mr) * 4 + 64 : 0);
  PLACE(s->reach, sx_conv_reach *, (size_t)taps * sizeof *s->reach);
#undef PLACE
  return at;
}

/* The most whole steps, at least one, that stay within `most`, but for the last one of `all`. */
static int64_t whole_steps(int64_t most, int64_t step, int64_t all) {
  const int64_t n = most < step ? step : most / step * step;
  return sx_conv_min(n, all > 0 ? all : 1);
}
void sx_conv_columns_prepare(sx_conv *c) {
  const sx_conv_shape *s = &c->s;
  const int64_t mr = c->table->plain->mr, taps = s->kernel[2], across = sx_conv_ceil(s->out[2], s->stride[2]);
  int64_t step = mr; /* channels whose rows fill whole panels */
  for (int64_t k = mr; k >= 1; k--)
    if (k * taps % mr == 0) step = k;
  c->pixel_units = across > PART ? sx_conv_ceil(across, PART) : 1;
  c->block_pixels = sx_conv_ceil(across ? across : 1, c->pixel_units);
  c->row_parts = whole_steps(SUMS / (step * row_sums(c)), 1, sx_conv_min(s->out[1], 8 * s->stride[1]));
  c->pass_blocks = whole_steps(sx_conv_min(SUMS / (c->row_parts * row_sums(c)), PRODUCTS / (taps * width(c))), step, c->group_out);
  c->panel_units = sx_conv_ceil(s->out[1], c->row_parts);
  c->panels = sx_conv_ceil(c->group_out * taps, mr);
  c->pack_units = c->groups * s->kernel[0] * s->kernel[1] * c->panels;
  c->packed_bytes = sx_conv_packed_bytes(c, c->groups * c->group_out * c->group_in * c->taps, 0);
  c->units = s->batch * c->groups * s->out[0] * c->panel_units * c->pixel_units;
  const double work = (double)c->s.in[0] * (double)c->s.in[1] * (double)c->s.in[2] * (double)c->group_in * (double)c->group_out *
                      (double)c->taps * (double)(s->batch * c->groups);
  c->unit_ns = c->units ? work / (double)c->units / (c->table->direct->lanes * 2.5) + 200 : 0;
  scratch m;
  c->scratch_bytes = scratch_layout(c, NULL, &m);
}

void sx_conv_columns_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end) {
  const int64_t mr = c->table->plain->mr, in = c->group_in, out = c->group_out, taps = c->s.kernel[2], rows = out * taps;
  for (int64_t u = begin; u < end; u++) {
    const int64_t block = u / c->panels, g = block * taps / c->taps, outer = block % (c->taps / taps);
    const int64_t r0 = u % c->panels * mr, r1 = sx_conv_min(r0 + mr, rows);
    int64_t to = (block * rows + r0) * in;
    for (int64_t ci = 0; ci < in; ci++)
      for (int64_t r = r0; r < r1; r++)
        sx_conv_put(c, w, ((g * in + ci) * out + r / taps) * c->taps + outer * taps + r % taps, g * out + r / taps, packed, to++);
  }
}

/* Where the products of n pixels from i0 on are added, tap by tap. */
static void reach_of(const sx_conv *c, const place *p, int64_t i0, int64_t n, sx_conv_reach *reach) {
  const int64_t stride = c->s.stride[2];
  for (int64_t k = 0; k < c->s.kernel[2]; k++) {
    const int64_t at = i0 * stride + k * c->s.dilation[2] - c->s.pad[2] - p->u0, j = floor_div(at, stride), phase = at - j * stride;
    const int64_t most = floor_div(p->u1 - p->u0 - phase + stride - 1, stride) - j; /* first pixel beyond */
    reach[k] = (sx_conv_reach){phase * c->block_pixels + j, j < 0 ? -j : 0, most < n ? most : n};
  }
}

/* Adds n pixels of an input row of the group, from column i0 on, to the sums of channels [k0, k0 + channels): x is the first
 * channel's first pixel, `packed` the group's weights with the plane's tap, iy the row's number. */
static void add_pixels(const sx_conv *c, const scratch *s, const place *p, const float *x, const void *packed, int64_t iy, int64_t n,
                       int64_t k0, int64_t channels) {
  const sx_conv_plain *t = c->table->plain;
  const sx_conv_shape *sh = &c->s;
  const int64_t taps = sh->kernel[2], rows = channels * taps, in_plane = sh->in[0] * sh->in[1] * sh->in[2];
  const int64_t lanes = c->table->direct->lanes, vectors = sx_conv_ceil(n, lanes), ld = vectors * lanes;
  t->copy(x, in_plane, c->group_in, n, s->b);
  for (int64_t ky = 0; ky < sh->kernel[1]; ky++) {
    const int64_t y = iy * sh->stride[1] + ky * sh->dilation[1] - sh->pad[1];
    if (y < p->y0 || y >= p->y1) continue;
    for (int64_t r = 0; r < rows; r += t->mr) {
      const int64_t mr = sx_conv_min(t->mr, rows - r);
      sx_conv_gemm_tile g = {.b = s->b, .b_ld = ld, .kc = c->group_in, .bias = s->zero, .acc = s->products + r * ld};
      g.a = sx_conv_packed(c, packed, (ky * c->group_out * taps + k0 * taps + r) * c->group_in);
      if (sx_conv_narrow(c)) {
        c->table->reorder->widen(sh->weights, g.a, NULL, 1, g.kc * mr, s->wide);
        g.a = s->wide;
      }
      t->tile[vectors][mr](&g);
    }
    t->spread(s->sums + (y - p->y0) * row_sums(c), c->row_parts * row_sums(c), s->products, ld, channels, taps, s->reach);
  }
}

/* Everything that reaches the unit, of one input plane. */
static void add_plane(const sx_conv *c, const scratch *s, const place *p, const float *x, const void *packed, int64_t k0,
                      int64_t channels) {
  const sx_conv_shape *sh = &c->s;
  const int64_t span_y = (sh->kernel[1] - 1) * sh->dilation[1], span_x = (sh->kernel[2] - 1) * sh->dilation[2];
  const int64_t first_y = -floor_div(-(p->y0 + sh->pad[1] - span_y), sh->stride[1]), last_y = floor_div(p->y1 - 1 + sh->pad[1], sh->stride[1]);
  const int64_t first_x = -floor_div(-(p->u0 + sh->pad[2] - span_x), sh->stride[2]), last_x = floor_div(p->u1 - 1 + sh->pad[2], sh->stride[2]);
  const int64_t end_y = sx_conv_min(last_y + 1, sh->in[1]), end_x = sx_conv_min(last_x + 1, sh->in[2]), w = width(c);
  for (int64_t i = first_x < 0 ? 0 : first_x; i < end_x; i += w) {
    const int64_t n = sx_conv_min(w, end_x - i);
    reach_of(c, p, i, n, s->reach);
    for (int64_t iy = first_y < 0 ? 0 : first_y; iy < end_y; iy++)
      add_pixels(c, s, p, x + iy * sh->in[2] + i, packed, iy, n, k0, channels);
  }
}

static void run_unit(const sx_conv *c, const sx_conv_io *io, const scratch *s, const place *p, int64_t image, int64_t g, int64_t k0) {
  const sx_conv_shape *sh = &c->s;
  const int64_t in_plane = sh->in[1] * sh->in[2], plane = sh->out[0] * sh->out[1] * sh->out[2], channels = sx_conv_min(c->pass_blocks, c->group_out - k0);
  const int64_t first = (image * c->groups + g) * c->group_out + k0, step = c->row_parts * row_sums(c);
  for (int64_t k = 0; k < channels; k++) {
    const float bias = c->epi.bias ? io->bias[g * c->group_out + k0 + k] : 0;
    const int64_t n = (p->y1 - p->y0) * row_sums(c);
    float *restrict sums = s->sums + k * step;
    for (int64_t i = 0; i < n; i++) sums[i] = bias;
  }
  for (int64_t kz = 0; kz < sh->kernel[0]; kz++) {
    const int64_t at = p->z + sh->pad[0] - kz * sh->dilation[0], iz = floor_div(at, sh->stride[0]);
    if (iz < 0 || iz >= sh->in[0] || iz * sh->stride[0] != at) continue;
    const float *x = io->x + ((image * c->groups + g) * c->group_in * sh->in[0] + iz) * in_plane;
    add_plane(c, s, p, x, sx_conv_packed(c, io->packed, (g * c->taps + kz * sh->kernel[1] * sh->kernel[2]) * c->group_out * c->group_in), k0,
              channels);
  }
  for (int64_t k = 0; k < channels; k++) {
    sx_conv_store out = sx_conv_store_at(c, io, (first + k) * plane + (p->z * sh->out[1] + p->y0) * sh->out[2] + p->u0);
    const float *sums = s->sums + k * step;
    for (int64_t y = p->y0; y < p->y1; y++, sums += row_sums(c), out.y += sh->out[2]) {
      c->table->plain->weave(&out, sums, sh->stride[2], c->block_pixels, p->u1 - p->u0);
      if (c->epi.tile_fn) c->epi.tile_fn(c->epi.tile_ctx, out.y, p->u1 - p->u0);
      if (out.residual) out.residual += sh->out[2];
    }
  }
}

void sx_conv_columns_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *mem) {
  const sx_conv_shape *sh = &c->s;
  scratch s;
  scratch_layout(c, mem, &s);
  for (int i = 0; i < c->table->plain->mr; i++) s.zero[i] = 0;
  for (int64_t u = begin; u < end; u++) {
    const int64_t part = u % c->pixel_units, block = u / c->pixel_units % c->panel_units, rest = u / c->pixel_units / c->panel_units;
    const int64_t z = rest % sh->out[0], g = rest / sh->out[0] % c->groups, image = rest / sh->out[0] / c->groups;
    const place p = {.z = z,
                     .y0 = block * c->row_parts,
                     .y1 = sx_conv_min((block + 1) * c->row_parts, sh->out[1]),
                     .u0 = part * row_sums(c),
                     .u1 = sx_conv_min((part + 1) * row_sums(c), sh->out[2])};
    for (int64_t k0 = 0; k0 < c->group_out && p.u0 < p.u1; k0 += c->pass_blocks) run_unit(c, io, &s, &p, image, g, k0);
  }
}
