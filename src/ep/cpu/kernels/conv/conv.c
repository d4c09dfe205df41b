// SPDX-License-Identifier: MIT
/* Which algorithm a convolution takes, and what the drivers share: geometry, epilogue, tables of the ISA levels. */
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/conv_kernels.h"

#define TABLE(level)                                                                                 \
  extern const sx_conv_direct sx_conv_direct__##level;                                               \
  extern const sx_conv_depthwise sx_conv_depthwise__##level;                                         \
  extern const sx_conv_plain sx_conv_plain__##level;                                                 \
  extern const sx_conv_winograd sx_conv_winograd__##level;                                           \
  extern const sx_reorder sx_reorder__##level;                                                       \
  static const sx_conv_table table_##level = {&sx_conv_direct__##level, &sx_conv_depthwise__##level, \
                                              &sx_conv_plain__##level, &sx_conv_winograd__##level, &sx_reorder__##level};
TABLE(base)
#if SX_HAVE_avx2
TABLE(avx2)
#endif
#if SX_HAVE_avx512
TABLE(avx512)
#endif

const sx_conv_table *sx_conv_table_at(sx_isa isa) {
  static const sx_conv_table *const tables[] = {
    [SX_ISA_BASE] = &table_base,
#if SX_HAVE_avx2
    [SX_ISA_AVX2] = &table_avx2,
#endif
#if SX_HAVE_avx512
    [SX_ISA_AVX512] = &table_avx512,
#endif
  };
  return (size_t)isa < sizeof tables / sizeof *tables ? tables[isa] : NULL;
}

int sx_conv_block(const sx_conv_table *t) { return t->direct->lanes; }

static int64_t product(const int64_t v[3]) { return v[0] * v[1] * v[2]; }

/* How many groups are done as one so that every group fills whole channel blocks; 0 when no number does. */
static int64_t merged_groups(const sx_conv_shape *s, int lanes) {
  if (s->group == 1) return 1;
  int64_t in = s->in_channels / s->group, out = s->out_channels / s->group;
  for (int64_t m = 1; m <= lanes; m *= 2)
    if (s->group % m == 0 && in * m % lanes == 0 && out * m % lanes == 0) return m;
  return 0;
}

/* Depthwise, one or more results a channel, or narrow groups that lie inside a channel block. */
static bool is_depthwise(const sx_conv_table *t, const sx_conv_shape *s) {
  if (s->group == 1) return false;
  if (sx_conv_multiplies(t, s)) return true;
  if (s->in_channels != s->out_channels) return false;
  int64_t width = s->in_channels / s->group;
  if (s->transposed) return width == 1;
  return width == 1 || (width == 2 && t->depthwise->list[1][1]) || (width == 4 && t->depthwise->list[2][1]) ||
         (width == 8 && t->depthwise->list[3][1]);
}

static bool choose(const sx_conv_table *t, const sx_conv_shape *s, sx_conv_layout x, sx_conv_layout y, sx_conv_algo *algo) {
  if (y == SX_CONV_PLAIN) {
    *algo = s->transposed ? SX_CONV_COLUMNS : SX_CONV_GEMM;
    return x == SX_CONV_PLAIN;
  }
  if (x == SX_CONV_PLAIN) {
    *algo = SX_CONV_STEM;
    return s->group == 1 && s->in_channels <= 4 && !s->transposed && s->dilation[2] == 1;
  }
  *algo = is_depthwise(t, s)                         ? SX_CONV_DEPTHWISE
          : s->winograd && sx_conv_winograd_takes(s) ? SX_CONV_WINOGRAD
                                                     : SX_CONV_DIRECT;
  return *algo == SX_CONV_DEPTHWISE || merged_groups(s, t->direct->lanes) != 0;
}

bool sx_conv_has(const sx_conv_table *t, const sx_conv_shape *s, sx_conv_layout x, sx_conv_layout y) {
  sx_conv_algo algo;
  return choose(t, s, x, y, &algo);
}

/* Offsets into a plane are 32 bits wide: room for every coordinate a tap can name, on both sides. */
static bool fits(const sx_conv_shape *s, int lanes) {
  int64_t in = lanes, out = lanes, weights = 4 * lanes;
  bool ok = true;
  for (int a = 0; a < 3; a++) {
    int64_t reach = s->in[a] + 2 * s->pad[a] + s->kernel[a] * s->dilation[a] + s->stride[a];
    ok = ok && reach <= INT32_MAX && sx_i64_mul(in, reach, &in) && sx_i64_mul(out, s->out[a] + 1, &out) &&
         sx_i64_mul(weights, s->kernel[a], &weights);
  }
  ok =
      ok && sx_i64_mul(weights, s->in_channels + lanes, &weights) && sx_i64_mul(weights, s->out_channels + lanes, &weights);
  return ok && in < INT32_MAX && out < INT32_MAX;
}

sx_status sx_conv_prepare(sx_conv *c, const sx_conv_table *t, const sx_conv_shape *s, const sx_epilogue *epi,
                          sx_conv_layout x, sx_conv_layout y, sx_err *e) {
  int lanes = t->direct->lanes;
  *c = (sx_conv){.table = t, .s = *s, .epi = *epi};
  if (!choose(t, s, x, y, &c->algo)) SX_FAIL(e, NOT_IMPLEMENTED, "no convolution kernel takes this shape in these layouts");
  if (!fits(s, y == SX_CONV_PLAIN ? 1 : lanes))
    SX_FAIL(e, NOT_IMPLEMENTED, "convolution too large: an image plane has more than 2^31 elements");
  c->merge = c->algo == SX_CONV_DIRECT ? merged_groups(s, lanes) : 1;
  c->groups = s->group / c->merge;
  c->group_in = s->in_channels / c->groups;
  c->group_out = s->out_channels / c->groups;
  c->taps = product(s->kernel);
  c->phases = s->transposed ? product(s->stride) : 1;
  c->pixels = 1;
  for (int a = 0; a < 3; a++) c->pixels *= s->transposed ? sx_conv_ceil(s->out[a], s->stride[a]) : s->out[a];
  bool clip_moves_zero = epi->clip && (epi->lo > 0 || epi->hi < 0);
  c->zero_tail = y == SX_CONV_BLOCKED && s->out_channels % lanes && (epi->tile_fn || clip_moves_zero);
  switch (c->algo) {
    case SX_CONV_DIRECT:
    case SX_CONV_STEM: sx_conv_blocked_prepare(c); break;
    case SX_CONV_DEPTHWISE: sx_conv_depthwise_prepare(c); break;
    case SX_CONV_WINOGRAD: sx_conv_winograd_prepare(c); break;
    case SX_CONV_GEMM: sx_conv_plain_prepare(c); break;
    case SX_CONV_COLUMNS: sx_conv_columns_prepare(c); break;
  }
  if (s->batch == 0 || product(s->out) == 0 || s->out_channels == 0) c->units = 0;
  c->packing = ((uint32_t)c->algo * 8 + (uint32_t)c->tile) * 64 + (uint32_t)lanes + ((uint32_t)s->weights << 16);
  return SX_OK;
}

size_t sx_conv_packed_bytes(const sx_conv *c, int64_t n, int64_t factors) {
  if (!sx_conv_narrow(c)) return (size_t)n * 4;
  return (size_t)((uintptr_t)sx_conv_factors(NULL, n) + (uintptr_t)factors * 4 + 64);
}

sx_conv_rows sx_conv_rows_at(const sx_conv *c, const sx_conv_source *w, int64_t at, int64_t step, int rows, int64_t k) {
  const bool narrow = sx_conv_narrow(c);
  return (sx_conv_rows){.w = (const char *)w->w + at * (w->type == SX_F32 ? 4 : 2),
                        .step = step,
                        .rows = rows,
                        .type = w->type,
                        .to = narrow ? w->type : SX_F32,
                        .factors = w->factors && !narrow ? w->factors + k : NULL};
}

void sx_conv_put(const sx_conv *c, const sx_conv_source *w, int64_t i, int64_t k, void *packed, int64_t at) {
  if (sx_conv_narrow(c)) {
    memcpy((char *)packed + 2 * at, (const char *)w->w + 2 * i, 2);
    return;
  }
  float x[SX_CONV_LANES];
  const sx_conv_rows r = sx_conv_rows_at(c, w, i, 1, 1, k);
  if (w->type == SX_F32 && !r.factors)
    memcpy(x, r.w, 4);
  else
    c->table->reorder->lay(&r, 1, 1, x, 1, 1);
  ((float *)packed)[at] = x[0];
}

void sx_conv_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end) {
  switch (c->algo) {
    case SX_CONV_DIRECT:
    case SX_CONV_STEM: sx_conv_blocked_pack(c, w, packed, begin, end); break;
    case SX_CONV_DEPTHWISE: sx_conv_depthwise_pack(c, w, packed, begin, end); break;
    case SX_CONV_WINOGRAD: sx_conv_winograd_pack(c, w, packed, begin, end); break;
    case SX_CONV_GEMM: sx_conv_plain_pack(c, w, packed, begin, end); break;
    case SX_CONV_COLUMNS: sx_conv_columns_pack(c, w, packed, begin, end); break;
  }
}

void sx_conv_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *scratch) {
  switch (c->algo) {
    case SX_CONV_DIRECT:
    case SX_CONV_STEM: sx_conv_blocked_run(c, io, begin, end, scratch); break;
    case SX_CONV_DEPTHWISE: sx_conv_depthwise_run(c, io, begin, end, scratch); break;
    case SX_CONV_WINOGRAD: sx_conv_winograd_run(c, io, begin, end, scratch); break;
    case SX_CONV_GEMM: sx_conv_plain_run(c, io, begin, end, scratch); break;
    case SX_CONV_COLUMNS: sx_conv_columns_run(c, io, begin, end, scratch); break;
  }
}

void sx_reorder_to_blocked(const sx_conv_table *t, const float *x, float *y, int64_t channels, int64_t pixels,
                           int64_t begin, int64_t end) {
  t->reorder->to_blocked(x, y, channels, pixels, begin, end);
}
void sx_reorder_to_plain(const sx_conv_table *t, const float *x, float *y, int64_t channels, int64_t pixels, int64_t begin,
                         int64_t end) {
  t->reorder->to_plain(x, y, channels, pixels, begin, end);
}
