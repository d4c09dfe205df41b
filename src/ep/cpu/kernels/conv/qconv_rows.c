// SPDX-License-Identifier: MIT
/* The depthwise integer convolution, on the f32 kernels: centred inputs and weights are integers of at most 255, so with up
 * to 256 taps every partial sum is an integer below 2^24 and exact. A unit converts the input rows it reaches, runs the f32
 * form on them, and turns their sums into outputs.
 *
 * Packed weights: as the f32 form has them. */
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/qconv_kernels.h"

typedef struct scratch {
  float *x, *sums, *scale, *add;
  int32_t *y_off, *bias;
  char *inner;
} scratch;

/* Output rows of a unit, and input rows that they reach at most. */
static int64_t unit_rows(const sx_qconv *c) { return sx_conv_ceil(c->s.out[1], c->pixel_units); }
static int64_t reach(const sx_qconv *c) {
  int64_t n = (unit_rows(c) - 1) * c->s.stride[1] + (c->s.kernel[1] - 1) * c->s.dilation[1] + 1;
  return n < c->s.in[1] ? n : c->s.in[1];
}

/* The f32 convolution of one channel block over `in` rows, to `out` rows, the first tap row `pad` above the first input
 * row. */
static sx_conv inner(const sx_qconv *c, int64_t in, int64_t out, int64_t pad) {
  sx_conv d = {.table = c->rows, .s = c->s, .algo = SX_CONV_DEPTHWISE, .merge = 1, .taps = c->taps, .phases = 1};
  d.s.batch = 1;
  d.s.in_channels = d.s.out_channels = d.s.group = d.groups = c->table->lanes;
  d.group_in = d.group_out = 1;
  d.s.in[1] = in, d.s.out[1] = out, d.s.pad[1] = pad;
  sx_conv_depthwise_prepare(&d);
  return d;
}

static size_t scratch_layout(const sx_qconv *c, char *base, scratch *s) {
  size_t at = 0, lanes = (size_t)c->table->lanes, out = (size_t)(c->s.out[0] * unit_rows(c) * c->s.out[2]);
  sx_conv d = inner(c, reach(c), unit_rows(c), 0);
#define PLACE(field, type, bytes) (field) = (type)(base + at), at += sx_round_up((bytes), 64)
  PLACE(s->x, float *, (size_t)(c->s.in[0] * reach(c) * c->s.in[2]) * lanes * 4);
  PLACE(s->sums, float *, out *lanes * 4);
  PLACE(s->y_off, int32_t *, out * 4);
  PLACE(s->scale, float *, lanes * 4);
  PLACE(s->add, float *, lanes * 4);
  PLACE(s->bias, int32_t *, lanes * 4);
  PLACE(s->inner, char *, d.scratch_bytes);
#undef PLACE
  return at;
}

void sx_qconv_rows_prepare(sx_qconv *c) {
  int64_t blocks = sx_conv_ceil(c->groups, c->table->lanes), row = (c->s.out[2] + c->s.in[2]) * c->table->lanes * 4;
  int64_t rows = (128 << 10) / (row ? row : 1); /* of a unit */
  bool split = c->s.in[0] == 1 && c->s.out[0] == 1 && c->s.out[1] > 0;
  rows = rows < 4 ? 4 : rows;
  c->pixel_units = split ? sx_conv_ceil(c->s.out[1], rows) : 1;
  c->pack_units = blocks;
  c->packed_bytes = (size_t)(blocks * c->table->lanes * c->taps) * 4;
  c->units = c->s.batch * blocks * c->pixel_units;
  c->unit_ns = (double)(c->s.out[0] * unit_rows(c) * c->s.out[2]) * (double)(c->taps + 8) * 0.4 + 100;
  scratch s;
  c->scratch_bytes = scratch_layout(c, NULL, &s);
}

void sx_qconv_rows_pack(const sx_qconv *c, const void *w, const void *w_zero, int64_t step, void *packed, int64_t begin,
                        int64_t end) {
  int64_t lanes = c->table->lanes;
  float *to = (float *)packed + begin * lanes * c->taps;
  for (int64_t b = begin * lanes; b < end * lanes; b += lanes)
    for (int64_t tap = 0; tap < c->taps; tap++)
      for (int64_t k = b; k < b + lanes; k++, to++) {
        int64_t at = k * c->taps + tap;
        *to = 0;
        if (k >= c->groups) continue;
        *to = c->w_signed ? ((const int8_t *)w)[at] : ((const uint8_t *)w)[at];
        if (w_zero) *to -= c->w_signed ? ((const int8_t *)w_zero)[k * step] : ((const uint8_t *)w_zero)[k * step];
      }
}

void sx_qconv_rows_run(const sx_qconv *c, const sx_qconv_io *io, int64_t begin, int64_t end, void *mem) {
  const sx_conv_shape *sh = &c->s;
  int64_t lanes = c->table->lanes, blocks = sx_conv_ceil(c->groups, lanes), in_row = sh->in[2] * lanes,
          out_row = sh->out[2] * lanes;
  scratch s;
  scratch_layout(c, mem, &s);
  for (int64_t u = begin; u < end; u++) {
    int64_t part = u % c->pixel_units, image = u / c->pixel_units, block = image % blocks;
    int64_t r0 = sx_conv_split(sh->out[1], c->pixel_units, part),
            rows = sx_conv_split(sh->out[1], c->pixel_units, part + 1) - r0;
    int64_t top = r0 * sh->stride[1] - sh->pad[1], first = top < 0 ? 0 : sx_conv_min(top, sh->in[1]);
    int64_t last = sx_conv_min(top + (rows - 1) * sh->stride[1] + (sh->kernel[1] - 1) * sh->dilation[1] + 1, sh->in[1]);
    int64_t in = last > first ? last - first : 0, n = sh->out[0] * rows * sh->out[2];
    const uint8_t *x = (const uint8_t *)io->x + image * sh->in[0] * sh->in[1] * in_row + first * in_row;
    c->table->to_f32(x, c->x_signed, io->x_zero, sh->in[0] * in * in_row, s.x);
    sx_conv d = inner(c, in, rows, first - top);
    sx_conv_io dio = {.x = s.x, .packed = (const float *)io->packed + block * lanes * c->taps, .y = s.sums};
    sx_conv_run(&d, &dio, 0, d.units, s.inner);
    for (int i = 0; i < lanes; i++) {
      int64_t k = block * lanes + i;
      s.bias[i] = c->bias && k < c->groups ? io->bias[k] : 0;
      s.scale[i] = c->out != SX_QCONV_S32 && k < c->groups ? io->scale[k] : 0;
      s.add[i] = io->add && k < c->groups ? io->add[k] : 0;
    }
    for (int64_t i = 0; i < n; i++) s.y_off[i] = (int32_t)(i * lanes);
    sx_qconv_finish f = sx_qconv_finish_init(c, io);
    f.acc = (const int32_t *)(const void *)s.sums, f.bias = s.bias, f.pixels = n, f.nv = 1, f.scale = s.scale, f.add = s.add,
    f.y_off = s.y_off;
    f.y = (char *)io->y +
          (image * sh->out[0] * sh->out[1] + r0) * out_row * (c->out == SX_QCONV_S32 || c->out == SX_QCONV_F32 ? 4 : 1);
    c->table->finish(&f);
  }
}
