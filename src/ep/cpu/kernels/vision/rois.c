// SPDX-License-Identifier: MIT
/* Where the bins of a region lie is worked out once for some channels: taps lie tap by tap, so that a vector of bins is
 * gathered at once. */
#include "ep/cpu/kernels/vision/rois.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/vision/sample_tables.h"

SX_ISA_DECLARE(sx_sample_table, sx_sample);

enum { SAMPLES = 8, CHANNELS = 64 }; /* of a bin, and of a part, at a time */
typedef struct tile {
  int64_t channel, channel_end, bin, bins, padded; /* padded: bins in whole vectors */
} tile;
typedef struct scratch {
  int32_t *at; /* [4 * SAMPLES][SX_SAMPLE_PITCH], with `weight` */
  void *weight;
  int64_t *columns; /* pooling: [oW][2] */
  void *line;       /* and W elements */
} scratch;

static size_t lay_out(const sx_rois *a, char *base, scratch *t) {
  const bool pool = a->kind == SX_ROIS_POOL;
  const size_t taps = pool ? 0 : 4 * SAMPLES * SX_SAMPLE_PITCH;
  size_t at = 0;
#define PLACE(field, type, bytes) (field) = (type)(base + at), at += sx_round_up((bytes), SX_ALIGN)
  PLACE(t->at, int32_t *, taps * sizeof(int32_t));
  PLACE(t->weight, void *, taps * sizeof(double));
  PLACE(t->columns, int64_t *, pool ? (size_t)a->oW * 2 * sizeof(int64_t) : 0);
  PLACE(t->line, void *, pool ? (size_t)a->W * sizeof(double) : 0);
#undef PLACE
  return at;
}
static int64_t chunks(const sx_rois *a) { return (a->C + CHANNELS - 1) / CHANNELS; }
static int64_t tiles(const sx_rois *a) {
  return a->kind == SX_ROIS_POOL ? 1 : (a->oH * a->oW + SX_SAMPLE_PITCH - 1) / SX_SAMPLE_PITCH;
}
int64_t sx_rois_parts(const sx_rois *a) { return chunks(a) * tiles(a); }
double sx_rois_part_ns(const sx_rois *a) {
  const double bins = (double)(a->oH * a->oW) / (double)tiles(a), channels = (double)a->C / (double)chunks(a);
  return bins * channels * (a->kind == SX_ROIS_ALIGN ? 10 : 4) + bins * 30;
}
size_t sx_rois_scratch_bytes(const sx_rois *a) {
  scratch t;
  return lay_out(a, NULL, &t);
}

#define T       float
#define N(name) name##_f32
#define S(name) name
#include "ep/cpu/kernels/vision/rois.inc"
#undef T
#undef N
#undef S
#define T       double
#define N(name) name##_f64
#define S(name) name##_f64
#include "ep/cpu/kernels/vision/rois.inc"
#undef T
#undef N
#undef S

bool sx_rois_run(const sx_rois *a, const void *x, const void *roi, int64_t part, void *y, void *mem) {
  scratch t;
  lay_out(a, mem, &t);
  const int64_t chunk = part / tiles(a), end = (chunk + 1) * CHANNELS, bin = part % tiles(a) * SX_SAMPLE_PITCH,
                left = a->oH * a->oW - bin;
  tile u = {.channel = chunk * CHANNELS, .channel_end = end < a->C ? end : a->C, .bin = bin, .bins = left < SX_SAMPLE_PITCH ? left : SX_SAMPLE_PITCH};
  u.padded = (u.bins + 15) / 16 * 16;
#define RUN(name)                                                                      \
  return a->type == SX_F64 ? name##_f64(a, x, roi, u, &t, y) : name##_f32(a, x, roi, u, &t, y)
  if (a->kind == SX_ROIS_ALIGN) RUN(align);
  if (a->kind == SX_ROIS_CROP) RUN(crop);
  RUN(pool);
#undef RUN
}
