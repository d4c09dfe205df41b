// SPDX-License-Identifier: MIT
/* The samplers for both types, and what does not depend on the type. */
#include "ep/cpu/kernels/vision/sample.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/vision/sample_tables.h"

SX_ISA_DECLARE(sx_sample_table, sx_sample);

static int64_t taps(const sx_grid_sample *a) {
  int64_t n = 1;
  for (int i = 0; i < a->axes; i++) n *= a->mode == SX_GRID_CUBIC ? 4 : a->mode == SX_GRID_LINEAR ? 2 : 1;
  return n;
}
static int64_t tiles(const sx_grid_sample *a) { return (a->points + SX_GRID_POINTS - 1) / SX_GRID_POINTS; }
int64_t sx_grid_sample_units(const sx_grid_sample *a) { return a->C ? a->N * tiles(a) : 0; }
double sx_grid_sample_unit_ns(const sx_grid_sample *a) {
  return (double)SX_GRID_POINTS * (double)taps(a) * (3 + (double)a->C);
}
/* Indices and weights point by point, and in f32 again tap by tap. */
static size_t list_bytes(const sx_grid_sample *a) {
  return sx_round_up((size_t)(SX_GRID_POINTS * taps(a)) * (sizeof(int64_t) + sizeof(double)), SX_ALIGN);
}
size_t sx_grid_sample_scratch_bytes(const sx_grid_sample *a) {
  return list_bytes(a) + (size_t)(SX_SAMPLE_PITCH * taps(a)) * (sizeof(int32_t) + sizeof(float));
}

#define T       float
#define N(name) name##_f32
#define SUM     sum
#include "ep/cpu/kernels/vision/sample_grid.inc"
#include "ep/cpu/kernels/vision/sample_columns.inc"
#undef SUM
#undef T
#undef N
#define T       double
#define N(name) name##_f64
#define SUM     sum_f64
#include "ep/cpu/kernels/vision/sample_grid.inc"
#include "ep/cpu/kernels/vision/sample_columns.inc"
#undef SUM
#undef T
#undef N

/* One tap per point and any bytes. */
static void move(const sx_grid_sample *a, const char *x, const int64_t *at, int64_t n, char *y, size_t elem) {
  for (int64_t p = 0; p < n; p++) memcpy(y + (size_t)p * elem, at[p] < 0 ? a->zero : x + (size_t)at[p] * elem, elem);
}
static void move_any(const sx_grid_sample *a, const char *x, const int64_t *at, int64_t n, char *y) {
  switch (a->elem) { /* a constant size is a load and a store */
    case 1: move(a, x, at, n, y, 1); break;
    case 2: move(a, x, at, n, y, 2); break;
    case 4: move(a, x, at, n, y, 4); break;
    case 8: move(a, x, at, n, y, 8); break;
    default: move(a, x, at, n, y, 16);
  }
}
/* A tile of f32 in all channels: taps lie tap by tap, so that a vector of places is gathered at once. */
static void run_gathers(const sx_grid_sample *a, const float *x, const float *grid, int64_t n, float *y, int64_t plane,
                        char *scratch) {
  const sx_sample_table *t = SX_ISA_PICK(sx_sample, a->isa);
  const int64_t K = taps(a), points = (n + 15) / 16 * 16;
  int32_t *at = (int32_t *)(void *)(scratch + list_bytes(a));
  float *weight = (float *)(at + SX_SAMPLE_PITCH * K);
  if (a->axes == 2 && a->mode == SX_GRID_LINEAR && a->padding != SX_GRID_REFLECTION)
    t->linear(grid, n, a->dims[0], a->dims[1], a->align_corners, a->padding == SX_GRID_BORDER, at, weight);
  else {
    int64_t *list = (int64_t *)(void *)scratch;
    float *list_weight = (float *)(list + SX_GRID_POINTS * K);
    grid_taps_f32(a, grid, n, list, list_weight);
    for (int64_t k = 0; k < K; k++)
      for (int64_t p = 0; p < points; p++) {
        at[k * SX_SAMPLE_PITCH + p] = p < n ? (int32_t)list[p * K + k] : 0;
        weight[k * SX_SAMPLE_PITCH + p] = p < n ? list_weight[p * K + k] : 0;
      }
  }
  for (int64_t c = 0; c < a->C; c++) t->sum(x + c * plane, at, weight, K, n, false, y + c * a->points);
}

void sx_grid_sample_run(const sx_grid_sample *a, const void *x, const void *grid, void *y, int64_t begin, int64_t end,
                        void *scratch) {
  int64_t plane = 1, K = taps(a);
  for (int i = 0; i < a->axes; i++) plane *= a->dims[i];
  size_t wide = a->type == SX_F64 ? sizeof(double) : sizeof(float), elem = a->mode == SX_GRID_NEAREST ? a->elem : wide;
  int64_t *at = scratch;
  void *weight = at + SX_GRID_POINTS * K;
  for (int64_t u = begin; u < end; u++) {
    int64_t image = u / tiles(a), first = u % tiles(a) * SX_GRID_POINTS,
            n = a->points - first < SX_GRID_POINTS ? a->points - first : SX_GRID_POINTS;
    const char *g = (const char *)grid + (size_t)((image * a->points + first) * a->axes) * wide;
    if (a->type == SX_F32 && a->mode != SX_GRID_NEAREST && plane <= INT32_MAX) {
      run_gathers(a, (const float *)x + image * a->C * plane, (const float *)(const void *)g, n,
                  (float *)y + image * a->C * a->points + first, plane, scratch);
      continue;
    }
    if (a->type == SX_F64)
      grid_taps_f64(a, (const double *)(const void *)g, n, at, weight);
    else
      grid_taps_f32(a, (const float *)(const void *)g, n, at, weight);
    for (int64_t c = 0; c < a->C; c++) {
      const char *from = (const char *)x + (size_t)((image * a->C + c) * plane) * elem;
      char *to = (char *)y + (size_t)((image * a->C + c) * a->points + first) * elem;
      if (a->mode == SX_GRID_NEAREST)
        move_any(a, from, at, n, to);
      else if (a->type == SX_F64)
        grid_sum_f64((const double *)(const void *)from, at, weight, n, K, (double *)(void *)to);
      else
        grid_sum_f32((const float *)(const void *)from, at, weight, n, K, (float *)(void *)to);
    }
  }
}

size_t sx_deform_scratch_bytes(void) { return 4 * SX_SAMPLE_PITCH * (sizeof(int64_t) + sizeof(double)); }
void sx_deform_columns(const sx_deform *a, const void *x, const void *offset, const void *mask, int64_t C, int64_t first,
                       int64_t count, int64_t stride, void *cols, void *scratch) {
  if (a->type == SX_F64)
    columns_f64(a, x, offset, mask, C, first, count, stride, cols, scratch);
  else
    columns_f32(a, x, offset, mask, C, first, count, stride, cols, scratch);
}
