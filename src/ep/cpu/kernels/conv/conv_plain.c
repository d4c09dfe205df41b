// SPDX-License-Identifier: MIT
/* The general form, plain to plain: a unit gathers the taps of a few vectors of output pixels into scratch, a slice of the
 * depth (channel, tap) at a time, and multiplies it by the group's weights.
 *
 * Packed weights: [group][panel of mr channels][depth][channel]. */
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/conv_kernels.h"

typedef struct scratch {
  sx_conv_pixels px;
  int32_t *off;
  uint8_t *kind;
  float *cols, *acc, *zero, *wide; /* wide: the weights of a panel in a pass, where they are packed in 16 bits */
} scratch;

static int64_t width(const sx_conv *c) { return (int64_t)c->table->plain->nv * c->table->direct->lanes; }

static size_t scratch_layout(const sx_conv *c, char *base, scratch *s) {
  int64_t n = width(c), mr = c->table->plain->mr;
  size_t at = 0;
#define PLACE(field, type, bytes) (field) = (type)(base + at), at += sx_round_up((bytes), 64)
  for (int a = 0; a < 3; a++) PLACE(s->px.at[a], int32_t *, (size_t)n * 4);
  PLACE(s->px.x, int32_t *, (size_t)n * 4);
  PLACE(s->px.y, int32_t *, (size_t)n * 4);
  PLACE(s->off, int32_t *, (size_t)(c->taps * n) * 4);
  PLACE(s->kind, uint8_t *, (size_t)(c->taps * c->table->plain->nv));
  PLACE(s->cols, float *, (size_t)(c->pass_blocks * c->taps * n) * 4);
  PLACE(s->acc, float *, (size_t)(sx_conv_ceil(c->group_out, mr) * mr * n) * 4);
  PLACE(s->zero, float *, (size_t)mr * 4);
  PLACE(s->wide, float *, sx_conv_narrow(c) ? (size_t)(c->pass_blocks * c->taps * mr) * 4 + 64 : 0);
#undef PLACE
  return at;
}

void sx_conv_plain_prepare(sx_conv *c) {
  int64_t n = width(c), depth = c->group_in * c->taps;
  c->packed_bytes = sx_conv_packed_bytes(c, c->groups * c->group_out * depth, 0);
  c->panels = sx_conv_ceil(c->group_out, c->table->plain->mr);
  c->pack_units = c->groups * c->panels;
  /* Channels of a pass: few outputs use a panel little, it stays in the first cache for them. */
  c->pass_blocks = (c->group_out <= 48 ? 16 << 10 : 96 << 10) / (c->taps * n * 4);
  if (c->pass_blocks < 1) c->pass_blocks = 1;
  c->pass_blocks = sx_conv_min(c->pass_blocks, c->group_in ? c->group_in : 1);
  c->pixel_units = sx_conv_ceil(c->pixels, n);
  c->units = c->s.batch * c->groups * c->pixel_units;
  c->unit_ns = (double)n * (double)depth * (double)c->group_out / (c->table->direct->lanes * 2.5) + 100;
  scratch s;
  c->scratch_bytes = scratch_layout(c, NULL, &s);
}

void sx_conv_plain_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end) {
  int64_t mr = c->table->plain->mr, in = c->group_in, out = c->group_out, taps = c->taps;
  for (int64_t u = begin; u < end; u++) {
    int64_t g = u / c->panels, k0 = u % c->panels * mr, k1 = sx_conv_min(k0 + mr, out), to = (g * out + k0) * in * taps;
    for (int64_t ci = 0; ci < in; ci++)
      for (int64_t t = 0; t < taps; t++)
        for (int64_t k = k0; k < k1; k++)
          sx_conv_put(c, w, ((g * out + k) * in + ci) * taps + t, g * out + k,
                      packed, to++);
  }
}

/* All channels of the group for the `n` pixels of the unit. `out` starts at the group's first channel. */
static void run_unit(const sx_conv *c, const scratch *s, const float *x, const void *w, const float *bias,
                     sx_conv_store out, int64_t n) {
  const sx_conv_plain *p = c->table->plain;
  int64_t lanes = c->table->direct->lanes, vectors = sx_conv_ceil(n, lanes), ld = vectors * lanes;
  int64_t in_plane = c->s.in[0] * c->s.in[1] * c->s.in[2], plane = c->s.out[0] * c->s.out[1] * c->s.out[2];
  int64_t depth = c->group_in * c->taps;
  for (int64_t c0 = 0; c0 < c->group_in || c0 == 0; c0 += c->pass_blocks) {
    int64_t channels = sx_conv_min(c->pass_blocks, c->group_in - c0);
    bool last = c0 + channels >= c->group_in;
    for (int64_t i = 0; i < channels; i++)
      p->fill(x + (c0 + i) * in_plane, s->off, width(c), s->kind, c->taps, n, s->cols + i * c->taps * ld);
    for (int64_t k = 0; k < c->group_out; k += p->mr) {
      int64_t mr = sx_conv_min(p->mr, c->group_out - k);
      sx_conv_gemm_tile t = {.b = s->cols, .b_ld = ld, .kc = channels * c->taps};
      t.a = sx_conv_packed(c, w, k * depth + c0 * c->taps * mr);
      if (sx_conv_narrow(c)) {
        c->table->reorder->widen(c->s.weights, t.a, NULL, 1, t.kc * mr, s->wide);
        t.a = s->wide;
      }
      t.bias = c->epi.bias ? bias + k : s->zero;
      t.from = c0 ? s->acc + k * ld : NULL;
      t.acc = s->acc + k * ld, t.last = last;
      t.cols = (int32_t)n;
      t.y_ld = plane;
      t.out = out;
      t.out.y += k * plane + s->px.y[0];
      if (t.out.residual) t.out.residual += k * plane + s->px.y[0];
      p->tile[vectors][mr](&t);
      if (last && c->epi.tile_fn)
        for (int64_t r = 0; r < mr; r++) c->epi.tile_fn(c->epi.tile_ctx, t.out.y + r * plane, n);
    }
  }
}

void sx_conv_plain_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *mem) {
  const sx_conv_shape *sh = &c->s;
  int64_t in_plane = sh->in[0] * sh->in[1] * sh->in[2], plane = sh->out[0] * sh->out[1] * sh->out[2];
  scratch s;
  scratch_layout(c, mem, &s);
  for (int i = 0; i < c->table->plain->mr; i++) s.zero[i] = 0;
  for (int64_t u = begin; u < end; u++) {
    int64_t part = u % c->pixel_units, rest = u / c->pixel_units;
    sx_conv_grid grid;
    sx_conv_grid_init(&grid, sh, 0); /* rest: image * groups + g */
    int64_t first = part * width(c), n = sx_conv_min(width(c), c->pixels - first), g = rest % c->groups;
    sx_conv_pixels_init(c->table, &s.px, sh, &grid, first, n, 1);
    sx_conv_offsets(c->table, sh, &grid, &s.px, n, 1, s.off, width(c));
    c->table->plain->classify(s.off, width(c), c->taps, n, s.kind);
    run_unit(c, &s, io->x + rest * c->group_in * in_plane, sx_conv_packed(c, io->packed, g * c->group_out * c->group_in * c->taps),
             c->epi.bias ? io->bias + g * c->group_out : NULL, sx_conv_store_at(c, io, rest * c->group_out * plane), n);
  }
}
