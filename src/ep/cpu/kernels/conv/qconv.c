// SPDX-License-Identifier: MIT
/* The integer convolution: what conv_blocked.c does, on bytes. A unit is a block of output pixels by a range of weight
 * panels; its tiles leave exact sums in scratch, which one routine turns into outputs. Inputs that are not blocked bytes,
 * or that the tiles want widened, are copied first: the rows that the unit's pixels reach.
 *
 * Packed weights: [group][panel][channel block][tap][word][panel width][step], then for each group and output channel the
 * s32 sum of its weights, then, where bytes are not centred (`shifted`), what each of them lacks to the weight that is
 * meant: times the sum of the pixel's window it is added after the tiles. */
#include <math.h>
#include <string.h>
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/qconv_kernels.h"

extern const sx_qconv_table sx_qconv__base, sx_qconv__avx2, sx_qconv__avx512, sx_qconv__avx512vnni;
const sx_qconv_table *sx_qconv_table_at(sx_isa isa, bool vnni) {
  (void)vnni;
#if SX_HAVE_avx512vnni
  if (isa == SX_ISA_AVX512 && vnni) return &sx_qconv__avx512vnni;
#endif
  static const sx_qconv_table *const tables[] = {
    [SX_ISA_BASE] = &sx_qconv__base,
#if SX_HAVE_avx2
    [SX_ISA_AVX2] = &sx_qconv__avx2,
#endif
#if SX_HAVE_avx512
    [SX_ISA_AVX512] = &sx_qconv__avx512,
#endif
  };
  return (size_t)isa < sizeof tables / sizeof *tables ? tables[isa] : NULL;
}

/* The f32 kernels of the table's level: geometry and the depthwise form. */
static const sx_conv_table *level_of(const sx_qconv_table *t) {
  return sx_conv_table_at(t->lanes == 16 ? SX_ISA_AVX512 : t->lanes == 8 ? SX_ISA_AVX2 : SX_ISA_BASE);
}
static int64_t vectors(const sx_qconv *c) { return sx_conv_ceil(c->group_out, c->table->lanes); }
static int64_t blocks(const sx_qconv *c) { return sx_conv_ceil(c->group_in, c->table->lanes); }
static int64_t words(const sx_qconv *c) { return c->table->lanes / c->table->step; } /* of a pixel and channel block */
/* Words of a channel block that hold channels. */
static int64_t block_run(const sx_qconv *c, int64_t b) {
  return sx_conv_ceil(sx_conv_min(c->group_in - b * c->table->lanes, c->table->lanes), c->table->step);
}
static int64_t depth_words(const sx_qconv *c) {
  return (block_run(c, 0) * (blocks(c) - 1) + block_run(c, blocks(c) - 1)) * c->taps;
}
static size_t weight_bytes(const sx_qconv *c) {
  return (size_t)(c->groups * vectors(c) * depth_words(c) * c->table->lanes) * 4;
}
static int64_t patch_words(const sx_qconv *c) { return blocks(c) * c->s.in[0] * c->patch_rows * c->s.in[2] * words(c); }
/* Weights as bytes that differ from those that are meant by a number for each output channel. */
static bool shifted(const sx_qconv *c) { return !c->w_centered && c->table->step == 4; }
static int64_t out_bytes(const sx_qconv *c) { return c->out == SX_QCONV_S32 || c->out == SX_QCONV_F32 ? 4 : 1; }

typedef struct scratch {
  sx_conv_pixels px;
  int32_t *off, *y_off, *bias, *acc, *patch, *outside, *sums;
  float *scale, *add;
  const int32_t *shifts; /* of the group's weights */
  char *tile;            /* a panel's outputs, blocked, when the output is plain */
} scratch;

static size_t scratch_layout(const sx_qconv *c, char *base, scratch *s) {
  size_t at = 0, ints = (size_t)c->block_pixels * 4, lanes = (size_t)c->table->lanes, panel = lanes * (size_t)c->table->nv;
#define PLACE(field, type, bytes) (field) = (type)(base + at), at += sx_round_up((bytes), 64)
  for (int a = 0; a < 3; a++) PLACE(s->px.at[a], int32_t *, ints);
  PLACE(s->px.x, int32_t *, ints);
  PLACE(s->px.y, int32_t *, ints);
  PLACE(s->y_off, int32_t *, ints);
  PLACE(s->off, int32_t *, ints * (size_t)c->taps);
  PLACE(s->bias, int32_t *, (size_t)vectors(c) * lanes * 4);
  PLACE(s->scale, float *, (size_t)vectors(c) * lanes * 4);
  PLACE(s->add, float *, (size_t)vectors(c) * lanes * 4);
  PLACE(s->acc, int32_t *, (size_t)c->block_pixels * panel * 4);
  PLACE(s->outside, int32_t *, lanes * 4);
  PLACE(s->sums, int32_t *, shifted(c) ? ints : 0);
  PLACE(s->patch, int32_t *, c->patch_rows ? (size_t)patch_words(c) * 4 : 0);
  PLACE(s->tile, char *, c->y_layout == SX_CONV_PLAIN ? (size_t)(c->block_pixels * out_bytes(c)) * panel : 0);
#undef PLACE
  return at;
}

static int64_t merged_groups(const sx_qconv *c) {
  int64_t in = c->s.in_channels / c->s.group, out = c->s.out_channels / c->s.group, lanes = c->table->lanes;
  for (int64_t m = 1; m <= lanes && c->s.group > 1; m *= 2)
    if (c->s.group % m == 0 && in * m % lanes == 0 && out * m % lanes == 0) return m;
  return c->s.group == 1 || (c->x_layout == SX_CONV_PLAIN && c->y_layout == SX_CONV_PLAIN) ? 1 : 0;
}

static void prepare_direct(sx_qconv *c) {
  const sx_conv_shape *s = &c->s;
  int64_t most = sx_conv_min(96, 8192 / c->taps + 8);
  c->pixel_units = sx_conv_ceil(c->pixels ? c->pixels : 1, most);
  c->block_pixels = sx_conv_ceil(c->pixels ? c->pixels : 1, c->pixel_units);
  if (c->table->step != 4 || c->x_layout == SX_CONV_PLAIN) {
    int64_t across = s->transposed ? sx_conv_ceil(s->out[2], s->stride[2]) : s->out[2],
            rows = c->block_pixels / (across ? across : 1) + 2;
    c->patch_rows = rows * (s->transposed ? 1 : s->stride[1]) + (s->kernel[1] - 1) * s->dilation[1] + 2;
    if (s->in[0] != 1 || s->out[0] != 1 || c->patch_rows > s->in[1]) c->patch_rows = s->in[1];
    if (c->patch_rows < 1) c->patch_rows = 1;
  }
  c->panels = sx_conv_ceil(vectors(c), c->table->nv);
  c->pack_units = c->groups * c->panels;
  c->packed_bytes = weight_bytes(c) + (size_t)(c->groups * vectors(c) * c->table->lanes) * (shifted(c) ? 8 : 4);
  double work = (double)c->block_pixels * (double)(c->group_in * c->taps) * (double)(vectors(c) * c->table->lanes);
  double rate = (double)(c->table->lanes * c->table->step * (c->table->step == 4 ? 2 : 1)),
         unit = c->patch_rows ? 16e6 : 6e6;
  c->panel_units = work > unit ? sx_conv_min(c->panels, (int64_t)(work / unit) + 1) : 1;
  c->units = s->batch * c->groups * c->phases * c->pixel_units * c->panel_units;
  c->unit_ns = work / (double)(c->panel_units * c->phases) / rate + 200;
  scratch m;
  c->scratch_bytes = scratch_layout(c, NULL, &m);
}

sx_status sx_qconv_prepare(sx_qconv *c, const sx_qconv_table *t, sx_err *e) {
  c->table = c->w_centered || !t->wide || t->windows ? t : t->wide;
  sx_conv f = {0}; /* the f32 convolution of the shape: its checks of sizes serve this one */
  sx_conv_shape s = c->s;
  const sx_conv_table *rows = level_of(t);
  s.winograd = 0;
  bool blocked = c->x_layout == SX_CONV_BLOCKED && c->y_layout == SX_CONV_BLOCKED;
  bool rows_fit = blocked && sx_conv_has(rows, &s, SX_CONV_BLOCKED, SX_CONV_BLOCKED);
  SX_TRY(sx_conv_prepare(&f, rows, &s, &(sx_epilogue){0}, (sx_conv_layout)rows_fit, (sx_conv_layout)rows_fit, e));
  c->taps = f.taps, c->phases = f.phases, c->pixels = f.pixels, c->rows = NULL, c->patch_rows = 0;
  double reach = t->lanes, out = t->lanes;
  for (int a = 0; a < 3; a++) {
    reach *= (double)(s.in[a] + 2 * s.pad[a] + s.kernel[a] * s.dilation[a] + s.stride[a]);
    out *= (double)s.out[a];
  }
  if (reach > INT32_MAX || out > INT32_MAX)
    SX_FAIL(e, NOT_IMPLEMENTED, "integer convolution too large: an image plane has more than 2^27 elements");
  c->merge = merged_groups(c);
  if (f.algo == SX_CONV_DEPTHWISE && f.group_in == 1 && c->taps <= 256) c->rows = rows, c->merge = 1;
  if (!c->merge) SX_FAIL(e, NOT_IMPLEMENTED, "no integer convolution takes these groups in a blocked layout");
  c->groups = c->s.group / c->merge;
  c->group_in = c->s.in_channels / c->groups;
  c->group_out = c->s.out_channels / c->groups;
  if (c->rows)
    sx_qconv_rows_prepare(c);
  else
    prepare_direct(c);
  if (c->s.batch == 0 || c->pixels == 0 || c->s.out_channels == 0) c->units = 0;
  c->packing = (uint32_t)(c->table->lanes * 8 + c->table->step) * 4 + (c->rows != NULL) + (shifted(c) ? 2 : 0);
  return SX_OK;
}

static int32_t byte_at(const void *p, bool is_signed, int64_t i) {
  return is_signed ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i];
}

void sx_qconv_pack(const sx_qconv *c, const void *w, const void *w_zero, int64_t w_zero_step, void *packed, int64_t begin,
                   int64_t end) {
  if (c->rows) {
    sx_qconv_rows_pack(c, w, w_zero, w_zero_step, packed, begin, end);
    return;
  }
  const sx_qconv_table *t = c->table;
  int64_t lanes = t->lanes, n = vectors(c), in = c->group_in / c->merge, out = c->group_out / c->merge;
  int32_t *sums = (int32_t *)((char *)packed + weight_bytes(c)), *shifts = shifted(c) ? sums + c->groups * n * lanes : NULL;
  const int32_t middle = c->w_signed ? 0 : 128;
  for (int64_t u = begin; u < end; u++) {
    int64_t g = u / c->panels, p = u % c->panels, first = sx_conv_split(n, c->panels, p) * lanes;
    int64_t width = sx_conv_split(n, c->panels, p + 1) * lanes - first, real = sx_conv_min(width, c->group_out - first);
    char *to = (char *)packed + (g * n * lanes + first) * depth_words(c) * 4;
    int32_t *sum = sums + g * n * lanes + first, zero[SX_CONV_NV * 16];
    memset(sum, 0, (size_t)width * 4);
    for (int64_t i = 0; i < width; i++) {
      zero[i] = w_zero && i < real ? byte_at(w_zero, c->w_signed, (g * c->group_out + first + i) * w_zero_step) : 0;
      if (shifts) shifts[g * n * lanes + first + i] = i < real ? middle - zero[i] : 0;
    }
    for (int64_t b = 0; b < blocks(c); b++)
      for (int64_t tap = 0; tap < c->taps; tap++)
        for (int64_t word = 0; word < block_run(c, b); word++, to += width * 4)
          for (int q = 0; q < t->step; q++) {
            int64_t ci = b * lanes + word * t->step + q, cx = g * c->group_in + ci; /* of the group, of the whole tensor */
            for (int64_t i = 0; i < width; i++) {
              int64_t k = first + i;
              int32_t stored = 0;
              if (i < real && ci < c->group_in) {
                int32_t v = 0; /* off the diagonal of merged groups */
                if (c->merge == 1 || k / out == ci / in)
                  v = byte_at(
                          w, c->w_signed,
                          (c->s.transposed ? cx * out + k % out : (g * c->group_out + k) * in + ci % in) * c->taps + tap) -
                      zero[i];
                sum[i] = (int32_t)((uint32_t)sum[i] + (uint32_t)v);
                stored = shifts ? v + zero[i] - middle : v;
              }
              if (t->step == 4)
                ((int8_t *)to)[i * 4 + q] = (int8_t)stored;
              else
                ((int16_t *)(void *)to)[i * 2 + q] = (int16_t)stored;
            }
          }
  }
}

/* Copies the input rows that the unit reaches for all its channels; gives the first of them. */
static int64_t copy_patch(const sx_qconv *c, const sx_qconv_io *io, const sx_conv_grid *grid, scratch *s, int64_t n,
                          const uint8_t *x) {
  const sx_conv_shape *sh = &c->s;
  int64_t lanes = c->table->lanes, row = 0, plane = sh->in[0] * sh->in[1] * sh->in[2], elem = 4 / c->table->step;
  if (c->patch_rows < sh->in[1]) {
    int64_t low = INT64_MAX; /* the smallest shift */
    for (int64_t k = 0; k < sh->kernel[1]; k++) {
      int64_t shift = sx_conv_shift(sh, grid, 1, k);
      if (shift != SX_CONV_NEVER && shift < low) low = shift;
    }
    row = low == INT64_MAX ? 0 : s->px.at[1][0] + low;
    row = row < 0 ? 0 : sx_conv_min(row, sh->in[1] - c->patch_rows);
    for (int64_t i = 0; i < n; i++) {
      s->px.at[1][i] -= (int32_t)row;
      s->px.x[i] -= (int32_t)(row * sh->in[2] * words(c));
    }
  }
  int64_t pixels = sh->in[0] * sx_conv_min(c->patch_rows, sh->in[1]) * sh->in[2]; /* none of an empty image */
  char *to = (char *)s->patch;
  for (int64_t b = 0; b < blocks(c); b++, to += pixels * lanes * elem) {
    if (c->x_layout == SX_CONV_BLOCKED) {
      c->table->gather(x + (b * plane + row * sh->in[2]) * lanes, c->x_signed, io->x_zero, pixels * lanes, to, 1);
      continue;
    }
    for (int64_t ci = b * lanes; ci < sx_conv_min((b + 1) * lanes, c->group_in); ci++)
      c->table->gather(x + ci * plane + row * sh->in[2], c->x_signed, io->x_zero, pixels, to + ci % lanes * elem, lanes);
  }
  return c->patch_rows;
}

/* From the blocked outputs of a panel in scratch to plain ones. */
static void spread(const sx_qconv *c, const scratch *s, char *y, int64_t channel, int64_t channels, int64_t n) {
  int64_t lanes = c->table->lanes, plane = c->s.out[0] * c->s.out[1] * c->s.out[2], w = words(c);
  for (int64_t k = 0; k < channels; k++)
    for (int64_t i = 0; i < n; i++) {
      int64_t from = (k / lanes * n + i) * lanes + k % lanes, to = (channel + k) * plane + s->px.y[i] / w;
      if (out_bytes(c) == 1)
        y[to] = s->tile[from];
      else
        ((int32_t *)(void *)y)[to] = ((const int32_t *)(const void *)s->tile)[from];
    }
}

sx_qconv_finish sx_qconv_finish_init(const sx_qconv *c, const sx_qconv_io *io) {
  bool clip = c->lo < c->hi;
  sx_qconv_finish f = {.out = c->out, .lo = clip ? (float)c->lo : -INFINITY, .hi = clip ? (float)c->hi : INFINITY};
  if (c->out == SX_QCONV_U8 || c->out == SX_QCONV_S8) {
    f.zero = (float)io->out_zero;
    f.lo = fmaxf(f.lo, (c->out == SX_QCONV_U8 ? 0.0f : -128.0f) - f.zero);
    f.hi = fminf(f.hi, (c->out == SX_QCONV_U8 ? 255.0f : 127.0f) - f.zero);
  }
  return f;
}

static void run_panels(const sx_qconv *c, const sx_qconv_io *io, sx_qconv_tile *t, const scratch *s, const char *packed,
                       char *y, int64_t begin, int64_t end, int64_t n) {
  const sx_qconv_table *table = c->table;
  int64_t lanes = table->lanes, plane = c->s.out[0] * c->s.out[1] * c->s.out[2];
  bool plain = c->y_layout == SX_CONV_PLAIN;
  sx_qconv_finish f = sx_qconv_finish_init(c, io);
  f.acc = s->acc, f.pixels = n, f.y_off = s->y_off, f.y_step = (plain ? n : plane) * lanes;
  for (int64_t p = begin; p < end; p++) {
    int64_t first = sx_conv_split(vectors(c), c->panels, p), nv = sx_conv_split(vectors(c), c->panels, p + 1) - first;
    int64_t rows = sx_conv_ceil(n, table->mr[nv]), least = n / rows, more = n % rows;
    t->w = packed + first * lanes * depth_words(c) * 4;
    t->w_step = c->taps * t->run * nv * lanes * 4;
    t->bias = s->bias + first * lanes;
    t->off = s->off, t->acc = s->acc;
    for (int64_t big = 1; big >= 0; big--) {
      t->tiles = big ? more : rows - more;
      if (t->tiles) table->tile[nv][least + big](t);
      t->off += t->tiles * (least + big);
      t->acc += t->tiles * (least + big) * nv * lanes;
    }
    if (shifted(c)) table->shift(s->acc, s->sums, s->shifts + first * lanes, n, (int)nv);
    f.nv = (int)nv;
    f.scale = s->scale + first * lanes, f.add = s->add + first * lanes;
    f.y = plain ? s->tile : y + first * plane * lanes * out_bytes(c);
    table->finish(&f);
    if (plain) spread(c, s, y, first * lanes, sx_conv_min(nv * lanes, c->group_out - first * lanes), n);
  }
}

/* Of group g: what its sums start from, and what they are multiplied by and added to. */
static void factors_of(const sx_qconv *c, const sx_qconv_io *io, int64_t g, int32_t zero, const int32_t *sums, scratch *s) {
  for (int64_t k = 0; k < vectors(c) * c->table->lanes; k++) {
    const bool real = k < c->group_out;
    const int64_t channel = g * c->group_out + k;
    s->bias[k] = (int32_t)((uint32_t)(c->bias && real ? io->bias[channel] : 0) - (uint32_t)zero * (uint32_t)sums[k]);
    s->scale[k] = real && c->out != SX_QCONV_S32 ? io->scale[channel] : 0;
    s->add[k] = real && io->add ? io->add[channel] : 0;
  }
}

void sx_qconv_run(const sx_qconv *c, const sx_qconv_io *io, int64_t begin, int64_t end, void *mem) {
  if (c->rows) {
    sx_qconv_rows_run(c, io, begin, end, mem);
    return;
  }
  const sx_conv_shape *sh = &c->s;
  int64_t lanes = c->table->lanes, n_vectors = vectors(c), out_plane = sh->out[0] * sh->out[1] * sh->out[2];
  int64_t in_plane = sh->in[0] * sh->in[1] * sh->in[2], plain = c->y_layout == SX_CONV_PLAIN;
  int64_t in_group = (c->x_layout == SX_CONV_PLAIN ? c->group_in : blocks(c) * lanes) * in_plane,
          out_group = (plain ? c->group_out : n_vectors * lanes) * out_plane;
  const sx_conv_table *level = level_of(c->table);
  int32_t zero = c->table->step == 4 ? io->x_zero + (c->x_signed ? 128 : 0) : 0; /* as the tiles see it */
  scratch s;
  scratch_layout(c, mem, &s);
  memset(s.outside, c->table->step == 4 ? io->x_zero : 0, (size_t)lanes * 4);
  const bool moving = c->patch_rows && c->patch_rows < sh->in[1]; /* offsets count from the patch's first row */
  sx_conv_grid grid;
  int64_t n = 0, was_g = -1, was_place = -1;
  for (int64_t u = begin; u < end; u++) {
    int64_t part = u / c->panel_units % c->pixel_units, panels = u % c->panel_units,
            rest = u / c->panel_units / c->pixel_units, place = rest % c->phases * c->pixel_units + part;
    const bool again = place == was_place && !moving; /* the same pixels of another image: all offsets stay */
    if (!again) {
      sx_conv_grid_init(&grid, sh, rest % c->phases);
      int64_t pixels = (int64_t)grid.n[0] * grid.n[1] * grid.n[2], first = sx_conv_split(pixels, c->pixel_units, part);
      n = sx_conv_split(pixels, c->pixel_units, part + 1) - first;
      was_place = place;
      sx_conv_pixels_init(level, &s.px, sh, &grid, first, n, (int32_t)words(c));
      for (int64_t i = 0; i < n; i++) s.y_off[i] = (int32_t)(plain ? i * lanes : s.px.y[i] * c->table->step);
    }
    rest /= c->phases; /* image * groups + g */
    if (n == 0) continue;
    int64_t g = rest % c->groups;
    const int32_t *sums = (const int32_t *)((const char *)io->packed + weight_bytes(c)) + g * n_vectors * lanes;
    if (g != was_g) factors_of(c, io, g, zero, sums, &s);
    was_g = g;
    const uint8_t *x = (const uint8_t *)io->x + rest * in_group;
    sx_conv_shape seen = *sh; /* the input as the offsets see it */
    sx_qconv_tile t = {
        .x = (const int32_t *)(const void *)x, .outside = s.outside, .off_ld = c->block_pixels, .taps = (int32_t)c->taps};
    if (c->patch_rows) {
      seen.in[1] = copy_patch(c, io, &grid, &s, n, x);
      t.x = s.patch;
    }
    t.x_step = seen.in[0] * seen.in[1] * seen.in[2] * words(c);
    t.blocks = (int32_t)blocks(c), t.run = (int32_t)block_run(c, 0), t.last_run = (int32_t)block_run(c, blocks(c) - 1);
    t.flip = c->table->step == 4 && c->x_signed ? (int32_t)0x80808080 : 0;
    if (!again) sx_conv_offsets(level, &seen, &grid, &s.px, n, (int32_t)words(c), s.off, c->block_pixels);
    if (shifted(c)) {
      s.shifts = sums + c->groups * n_vectors * lanes; /* as far behind the group's sums as the last group's */
      t.off = s.off;
      c->table->windows(&t, n, c->group_in - (blocks(c) - 1) * lanes, s.sums);
    }
    run_panels(c, io, &t, &s, (const char *)io->packed + g * n_vectors * lanes * depth_words(c) * 4,
               (char *)io->y + rest * out_group * out_bytes(c), sx_conv_split(c->panels, c->panel_units, panels),
               sx_conv_split(c->panels, c->panel_units, panels + 1), n);
  }
}
