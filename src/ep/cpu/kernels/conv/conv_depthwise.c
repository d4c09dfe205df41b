// SPDX-License-Identifier: MIT
/* The depthwise form, and groups of 2, 4 or 8 channels inside a channel block: a unit is a range of output rows of one
 * channel block. Common depthwise kernel widths slide over the input row; any other shape runs a list of taps, rebuilt
 * where the taps inside the image change. The transpose does so for each residue of the stride.
 *
 * Packed weights: [channel block][tap][channel of the group][lane]. */
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/conv_kernels.h"

/* Lists of taps that walk() keeps: one of the pixels that have all taps of a row inside, one for each pixel at the row's ends.
 * A list's tag says what it was made for. */
enum { LISTS = 33, TAG = 6, ROWS_BYTES = 128 << 10 };
typedef struct scratch {
  float *bias, *wide;     /* wide: the weights of a channel block, where they are packed in 16 bits */
  float *rows;            /* the rows of input that a unit reads, where each channel has several results: once for each of them */
  int32_t *x_off, *w_off; /* [list][taps] */
  int64_t *tag, *count;   /* [list][TAG], [list] */
} scratch;

static int64_t list_count(const sx_conv *c) {
  const int64_t ends = c->row_kernel || c->s.transposed ? 0 : 2 * ((c->s.kernel[2] - 1) * c->s.dilation[2] + 1);
  return c->taps > 1024 ? 1 : sx_conv_min(1 + ends, LISTS);
}
static int64_t block_weights(const sx_conv *c) { return c->table->direct->lanes * c->taps * c->group_in; }
static int64_t channel_blocks(const sx_conv *c) { return sx_conv_ceil(c->s.out_channels, c->table->direct->lanes); }
/* Rows of input under n of output. */
static int64_t rows_under(const sx_conv *c, int64_t n) {
  return n <= 0 ? 0 : (n - 1) * c->s.stride[1] + (c->s.kernel[1] - 1) * c->s.dilation[1] + 1;
}

static size_t scratch_layout(const sx_conv *c, char *base, scratch *s) {
  const size_t lists = (size_t)list_count(c), list = sx_round_up(lists * (size_t)c->taps * 4, 64);
  size_t at = 64;
#define PLACE(field, type, bytes) (field) = (type)(base + at), at += sx_round_up((bytes), 64)
  s->bias = (float *)base;
  PLACE(s->x_off, int32_t *, list);
  PLACE(s->w_off, int32_t *, list);
  PLACE(s->tag, int64_t *, lists * TAG * 8);
  PLACE(s->count, int64_t *, lists * 8);
  const int64_t reach = rows_under(c, sx_conv_ceil(c->s.out[1], c->pixel_units)), rows = reach < c->s.in[1] ? reach : c->s.in[1];
  PLACE(s->rows, float *, sx_conv_multiplies(c->table, &c->s) ? (size_t)(rows * c->s.in[2]) * (size_t)c->table->direct->lanes * 4 : 0);
  PLACE(s->wide, float *, sx_conv_narrow(c) ? (size_t)block_weights(c) * 4 : 0);
#undef PLACE
  return at;
}

/* The rows of input that rows [first, last) of a block of results read, each channel as often as it has results, in scratch; the
 * address is that of row 0. */
static const float *spread_rows(const sx_conv *c, const float *x, int64_t image, int64_t first, int64_t last, float *rows) {
  const sx_conv_shape *s = &c->s;
  const int64_t lanes = c->table->direct->lanes, blocks = channel_blocks(c), times = s->out_channels / s->group;
  const int64_t channel = image % blocks * lanes / times, from = channel / lanes, row = s->in[2] * lanes;
  int64_t begin = first * s->stride[1] - s->pad[1], end = begin + rows_under(c, last - first);
  int32_t lane[SX_CONV_LANES];
  if (begin < 0) begin = 0;
  if (end > s->in[1]) end = s->in[1];
  for (int64_t i = 0; i < lanes; i++) lane[i] = (int32_t)((image % blocks * lanes + i) / times - from * lanes);
  x += (image / blocks * sx_conv_ceil(s->in_channels, lanes) + from) * s->in[1] * row;
  if (begin < end) c->table->depthwise->spread(x + begin * row, lane, (end - begin) * s->in[2], rows);
  return rows - begin * row;
}

static bool takes_row_kernel(const sx_conv_shape *s) {
  int64_t k = s->kernel[2], right = (s->out[2] - 1) * s->stride[2] - s->pad[2] + k - s->in[2]; /* taps after the row */
  return !s->transposed && s->group == s->in_channels && s->in[0] == 1 && s->out[0] == 1 && s->kernel[0] == 1 && s->pad[0] == 0 &&
         s->dilation[2] == 1 && (k == 3 || k == 5 || k == 7) && (s->stride[2] == 1 || s->stride[2] == 2) &&
         s->pad[2] <= k / 2 && right <= k / 2;
}

void sx_conv_depthwise_prepare(sx_conv *c) {
  int64_t lanes = c->table->direct->lanes, rows = c->s.out[0] * c->s.out[1], blocks = channel_blocks(c);
  c->row_kernel = takes_row_kernel(&c->s);
  c->pack_units = blocks;
  c->packed_bytes = sx_conv_packed_bytes(c, blocks * block_weights(c), blocks * lanes);
  double row_ns = (double)c->s.out[2] * (double)(c->taps * c->group_in) / (double)c->phases * 0.4 + 10;
  int64_t unit_rows = (int64_t)(40e3 / row_ns) + 1; /* rows of a unit */
  if (sx_conv_multiplies(c->table, &c->s)) { /* what they read stays in the second-level cache */
    const int64_t most = ROWS_BYTES / ((c->s.in[2] + 1) * c->s.stride[1] * lanes * 4) + 1;
    unit_rows = sx_conv_min(unit_rows, most);
  }
  c->pixel_units = rows > unit_rows ? sx_conv_ceil(rows, unit_rows) : 1;
  c->units = c->s.batch * blocks * c->pixel_units;
  c->unit_ns = row_ns * (double)rows / (double)c->pixel_units;
  scratch s;
  c->scratch_bytes = scratch_layout(c, NULL, &s);
}

void sx_conv_depthwise_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end) {
  int64_t lanes = c->table->direct->lanes, width = c->group_in;
  float *factors = sx_conv_factors(packed, channel_blocks(c) * block_weights(c));
  for (int64_t b = begin * lanes; b < end * lanes; b += lanes) {
    int rows = (int)sx_conv_min(lanes, c->s.out_channels - b);
    sx_conv_rows r = sx_conv_rows_at(c, w, b * width * c->taps, width * c->taps, rows, b);
    c->table->reorder->lay(&r, width * c->taps, c->taps, sx_conv_packed(c, packed, b * width * c->taps), width * lanes, lanes);
    for (int64_t i = 0; i < lanes && sx_conv_narrow(c); i++)
      factors[b + i] = w->factors && i < rows ? (float)w->factors[b + i] : 1;
  }
}

/* The taps k in [*begin, *end) of an axis that fall inside the image when tap 0 is at `at`. */
static void taps_inside(const sx_conv_shape *s, int axis, int64_t at, int64_t *begin, int64_t *end) {
  int64_t d = s->dilation[axis];
  *begin = at < 0 ? sx_conv_ceil(-at, d) : 0;
  *end = at < s->in[axis] ? sx_conv_min(s->kernel[axis], sx_conv_ceil(s->in[axis] - at, d)) : 0;
  if (*begin > *end) *begin = *end;
}

/* A whole output row by the sliding kernel. `tiles` and their widths are those of every row. */
static void slide(const sx_conv *c, sx_conv_row *t, const float *x, int64_t oy, sx_conv_store out) {
  const sx_conv_shape *s = &c->s;
  int64_t lanes = c->table->direct->lanes, tiles = sx_conv_ceil(s->out[2], SX_CONV_ROW_MR), begin, end;
  int64_t least = s->out[2] / tiles, more = s->out[2] % tiles, iy = oy * s->stride[1] - s->pad[1];
  void (*const *row)(const sx_conv_row *) = c->table->depthwise->row[s->kernel[2] / 2 - 1][s->stride[2] - 1];
  taps_inside(s, 1, iy, &begin, &end);
  t->r0 = (int32_t)begin, t->r1 = (int32_t)end;
  for (int64_t u = 0, big = more * (least + 1); u < s->out[2];) { /* as even as can be: the first are one pixel wider */
    int64_t left = (u < big ? big : s->out[2]) - u, mr = least + (u < big);
    while (mr > left || !row[mr]) mr--;
    t->tiles = (int32_t)(left / mr);
    t->column = u * s->stride[2] - s->pad[2];
    t->x = x + (iy * s->in[2] + t->column) * lanes;
    t->out = out;
    t->out.y += u * lanes;
    if (out.residual) t->out.residual += u * lanes;
    row[mr](t);
    u += t->tiles * mr;
  }
}

/* Makes list number i the taps of `tag`: their ranges along the axes. */
static void list_make(const sx_conv *c, const scratch *m, int64_t i, const int64_t tag[TAG], sx_conv_list *t) {
  const sx_conv_shape *s = &c->s;
  const int64_t lanes = c->table->direct->lanes, width = c->group_in;
  int32_t *x_off = m->x_off + i * c->taps, *w_off = m->w_off + i * c->taps;
  t->x_off = x_off, t->w_off = w_off, t->taps = m->count[i];
  if (memcmp(m->tag + i * TAG, tag, TAG * sizeof *tag) == 0) return;
  memcpy(m->tag + i * TAG, tag, TAG * sizeof *tag);
  t->taps = 0;
  for (int64_t z = tag[0]; z < tag[1]; z++)
    for (int64_t y = tag[2]; y < tag[3]; y++)
      for (int64_t q = tag[4]; q < tag[5]; q++, t->taps++) {
        int64_t at = ((z * s->dilation[0]) * s->in[1] + y * s->dilation[1]) * s->in[2] + q * s->dilation[2];
        x_off[t->taps] = (int32_t)(at * lanes);
        w_off[t->taps] = (int32_t)(((z * s->kernel[1] + y) * s->kernel[2] + q) * lanes * width);
      }
  m->count[i] = t->taps;
}

/* A whole output row by lists of taps: the list stays as long as the same taps are inside. */
static void walk(const sx_conv *c, const float *x, const float *w, const scratch *m, int64_t oz, int64_t oy,
                 sx_conv_store out) {
  const sx_conv_shape *s = &c->s;
  int64_t lanes = c->table->direct->lanes, width = c->group_in, lists = list_count(c), tag[TAG];
  int64_t iz = oz * s->stride[0] - s->pad[0], iy = oy * s->stride[1] - s->pad[1];
  taps_inside(s, 0, iz, &tag[0], &tag[1]);
  taps_inside(s, 1, iy, &tag[2], &tag[3]);
  void (*const *list)(const sx_conv_list *) = c->table->depthwise->list[width == 1   ? 0
                                                                        : width == 2 ? 1
                                                                        : width == 4 ? 2
                                                                                     : 3];
  sx_conv_list t = {.w = w, .bias = m->bias, .x_step = s->stride[2] * lanes, .y_step = lanes};
  int64_t first = sx_conv_ceil(s->pad[2], s->stride[2]); /* pixels [first, last) have all taps of the row inside */
  int64_t room = s->in[2] + s->pad[2] - (s->kernel[2] - 1) * s->dilation[2],
          last = room > 0 ? sx_conv_ceil(room, s->stride[2]) : 0;
  for (int64_t u = 0; u < s->out[2];) {
    int64_t n = 1, i = 0, ix = u * s->stride[2] - s->pad[2];
    tag[4] = 0, tag[5] = s->kernel[2];
    if (u < first || u >= last) {
      taps_inside(s, 2, ix, &tag[4], &tag[5]);
      i = sx_conv_min(u < first ? 1 + u : 1 + first + u - (last < first ? first : last), lists - 1);
    } else
      n = sx_conv_min(sx_conv_min(SX_CONV_ROW_MR, last - u), s->out[2] - u);
    while (!list[n]) n--;
    list_make(c, m, i, tag, &t);
    t.x = x + ((iz * s->in[1] + iy) * s->in[2] + ix) * lanes;
    t.out = out;
    t.out.y += u * lanes;
    if (out.residual) t.out.residual += u * lanes;
    list[n](&t);
    u += n;
  }
}

/* The transpose. Tap k of an axis brings output o the input at *from, if there is one. */
static bool lands(const sx_conv_shape *s, int axis, int64_t o, int64_t k, int64_t *from) {
  const int64_t at = o + s->pad[axis] - k * s->dilation[axis];
  *from = at / s->stride[axis];
  return at >= 0 && at % s->stride[axis] == 0 && *from < s->in[axis];
}
static int64_t list_taps(const sx_conv_shape *s, int64_t lanes, int64_t oz, int64_t oy, int64_t ox, int64_t pixel,
                         const scratch *m) {
  int64_t n = 0, z, y, x;
  for (int64_t k = 0; k < s->kernel[0] * s->kernel[1] * s->kernel[2]; k++)
    if (lands(s, 2, ox, k % s->kernel[2], &x) && lands(s, 1, oy, k / s->kernel[2] % s->kernel[1], &y) &&
        lands(s, 0, oz, k / s->kernel[2] / s->kernel[1], &z)) {
      m->x_off[n] = (int32_t)(((z * s->in[1] + y) * s->in[2] + x - pixel) * lanes);
      m->w_off[n++] = (int32_t)(k * lanes);
    }
  return n;
}
/* A whole output row, by the pixels that agree modulo the stride: where the same taps are inside they share a list. */
static void spread(const sx_conv *c, const float *x, const float *w, const scratch *m, int64_t oz, int64_t oy,
                   sx_conv_store out) {
  const sx_conv_shape *s = &c->s;
  const int64_t lanes = c->table->direct->lanes, step = s->stride[2];
  void (*const *list)(const sx_conv_list *) = c->table->depthwise->list[0];
  sx_conv_list t = {.w = w, .bias = m->bias, .x_off = m->x_off, .w_off = m->w_off, .x_step = lanes, .y_step = step * lanes};
  sx_conv_grid g;
  for (int64_t phase = 0; phase < step; phase++) {
    sx_conv_grid_init(&g, s, phase); /* of the last axis */
    int64_t inner = 0, outer = g.n[2]; /* pixels [inner, outer) have all taps inside */
    for (int64_t k = 0; k < s->kernel[2]; k++) {
      const int64_t shift = sx_conv_shift(s, &g, 2, k);
      if (shift == SX_CONV_NEVER) continue;
      if (inner < -shift) inner = -shift;
      outer = sx_conv_min(outer, s->in[2] - shift);
    }
    bool listed = false;
    for (int64_t l = 0, n; l < g.n[2]; l += n) {
      const bool inside = l >= inner && l < outer;
      n = inside ? sx_conv_min(SX_CONV_ROW_MR, outer - l) : 1;
      while (!list[n]) n--;
      if (!listed || !inside) t.taps = list_taps(s, lanes, oz, oy, l * step + phase, l, m);
      listed = inside;
      t.x = x + l * lanes;
      t.out = out;
      t.out.y += (l * step + phase) * lanes;
      if (out.residual) t.out.residual += (l * step + phase) * lanes;
      list[n](&t);
    }
  }
}

void sx_conv_depthwise_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *mem) {
  const sx_conv_shape *s = &c->s;
  int64_t lanes = c->table->direct->lanes, channels = s->out_channels, blocks = channel_blocks(c), rows = s->out[0] * s->out[1];
  const bool multiplies = sx_conv_multiplies(c->table, s);
  int64_t in_plane = s->in[0] * s->in[1] * s->in[2] * lanes, row = s->out[2] * lanes;
  scratch m;
  scratch_layout(c, mem, &m);
  for (int64_t i = 0; i < list_count(c) * TAG; i++) m.tag[i] = -1;
  for (int64_t u = begin; u < end; u++) {
    int64_t part = u % c->pixel_units, image = u / c->pixel_units, block = image % blocks;
    int real = (int)sx_conv_min(lanes, channels - block * lanes);
    int64_t first = sx_conv_split(rows, c->pixel_units, part), last = sx_conv_split(rows, c->pixel_units, part + 1);
    const float *x = multiplies ? spread_rows(c, io->x, image, first, last, m.rows) : io->x + image * in_plane, *w = sx_conv_packed(c, io->packed, block * block_weights(c));
    if (sx_conv_narrow(c)) {
      const float *factors = sx_conv_factors(io->packed, blocks * block_weights(c)) + block * lanes;
      c->table->reorder->widen(c->s.weights, w, factors, c->taps * c->group_in, lanes, m.wide);
      w = m.wide;
    }
    for (int i = 0; i < lanes; i++) m.bias[i] = c->epi.bias && i < real ? io->bias[block * lanes + i] : 0;
    sx_conv_row tile = {.w = w, .bias = m.bias, .pitch = s->dilation[1] * s->in[2] * lanes, .width = s->in[2]};
    for (int64_t r = first; r < last; r++) {
      sx_conv_store out = sx_conv_store_at(c, io, (image * rows + r) * row);
      if (c->row_kernel)
        slide(c, &tile, x, r, out);
      else
        (s->transposed ? spread : walk)(c, x, w, &m, r / s->out[1], r % s->out[1], out);
      if (c->epi.tile_fn || c->zero_tail) sx_conv_finish(c, out.y, row, real);
    }
  }
}
