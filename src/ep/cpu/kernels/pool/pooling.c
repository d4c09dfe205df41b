// SPDX-License-Identifier: MIT
/* Pooling by rows of output. Where a pixel is whole vectors of f32, each run of pixels with the same taps inside the image
 * runs a list of taps; every other case accumulates tap by tap into the output row. */
#include <float.h>
#include <math.h>
#include "base/alloc.h"
#include "ep/cpu/kernels/pool/pooling_kernels.h"

extern const sx_pooling_table sx_pooling__base, sx_pooling__avx2, sx_pooling__avx512;
const sx_pooling_table *sx_pooling_table_at(sx_isa isa) {
  static const sx_pooling_table *const tables[] = {
    [SX_ISA_BASE] = &sx_pooling__base,
#if SX_HAVE_avx2
    [SX_ISA_AVX2] = &sx_pooling__avx2,
#endif
#if SX_HAVE_avx512
    [SX_ISA_AVX512] = &sx_pooling__avx512,
#endif
  };
  return (size_t)isa < sizeof tables / sizeof *tables ? tables[isa] : NULL;
}

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t product(const int64_t v[3]) { return v[0] * v[1] * v[2]; }
static const size_t bytes_of[] = {4, 8, 1, 1};

sx_status sx_pooling_prepare(sx_pooling *p, const sx_pooling_table *t, const sx_pooling_shape *s, sx_err *e) {
  *p = (sx_pooling){.table = t, .s = *s};
  if (s->mode != SX_POOLING_MAX && s->type > SX_POOLING_F64)
    SX_FAIL(e, NOT_IMPLEMENTED, "8-bit pooling other than the maximum");
  size_t taps = 4, plane = (size_t)s->lanes;
  bool ok = true;
  for (int a = 0; a < 3; a++) {
    ok = ok && sx_size_mul(taps, (size_t)s->kernel[a], &taps);
    ok = ok && sx_size_mul(plane, (size_t)(s->in[a] + s->pad[a] + s->kernel[a] * s->dilation[a]), &plane);
  }
  p->by_list = ok && s->type == SX_POOLING_F32 && s->mode != SX_POOLING_LP && s->lanes % t->lanes == 0 && plane < INT32_MAX;
  p->scratch_bytes = p->by_list ? taps : 0;
  p->rows = s->planes * s->out[0] * s->out[1];
  if (s->out[2] == 0 || s->lanes == 0) p->rows = 0;
  double row_ns = (double)product(s->kernel) * (double)s->out[2] * (double)s->lanes * (p->by_list ? 0.02 : 0.1) + 20;
  int64_t rows = (int64_t)(2e4 / row_ns) + 1; /* of a unit */
  p->units = up(p->rows, rows);
  p->unit_ns = row_ns * (double)rows;
  return SX_OK;
}

/* The taps [*begin, *end) of an axis inside [0, size) when tap 0 is at `at`. */
static void taps_inside(const sx_pooling_shape *s, int axis, int64_t at, int64_t size, int64_t *begin, int64_t *end) {
  int64_t d = s->dilation[axis];
  *begin = at < 0 ? up(-at, d) : 0;
  *end = at < size ? min64(s->kernel[axis], up(size - at, d)) : 0;
  if (*begin > *end) *begin = *end;
}

/* What a window at `at` is divided by along an axis. */
static int64_t axis_count(const sx_pooling_shape *s, int axis, int64_t at) {
  int64_t begin, end;
  taps_inside(s, axis, at, s->in[axis] + (s->count_include_pad ? s->pad_end[axis] : 0), &begin, &end);
  return s->count_include_pad ? end : end - begin;
}

/* One output row: its place, and the taps of the outer axes that are inside. */
typedef struct row {
  int64_t iz, iy, z0, z1, y0, y1, count; /* count: of the outer axes */
  int64_t x;                             /* element of the plane's first pixel */
} row;

static row row_at(const sx_pooling_shape *s, int64_t r) {
  row w;
  w.iy = r % s->out[1] * s->stride[1] - s->pad[1];
  r /= s->out[1];
  w.iz = r % s->out[0] * s->stride[0] - s->pad[0];
  w.x = r / s->out[0] * product(s->in) * s->lanes;
  taps_inside(s, 0, w.iz, s->in[0], &w.z0, &w.z1);
  taps_inside(s, 1, w.iy, s->in[1], &w.y0, &w.y1);
  w.count = axis_count(s, 0, w.iz) * axis_count(s, 1, w.iy);
  return w;
}

static void run_list(const sx_pooling *p, const float *x, float *y, const row *w, int32_t *x_off) {
  const sx_pooling_shape *s = &p->s;
  int64_t begin = -1, end = -1, lanes = s->lanes;
  sx_pooling_list l = {.x_off = x_off, .x_step = s->stride[2] * lanes, .y_step = lanes};
  for (int64_t u = 0; u < s->out[2];) {
    int64_t q0, q1, n = 1, ix = u * s->stride[2] - s->pad[2], count = axis_count(s, 2, ix);
    taps_inside(s, 2, ix, s->in[2], &q0, &q1);
    for (; n < SX_POOLING_MR && u + n < s->out[2]; n++) {
      int64_t a, b, at = ix + n * s->stride[2];
      taps_inside(s, 2, at, s->in[2], &a, &b);
      if (a != q0 || b != q1 || axis_count(s, 2, at) != count) break;
    }
    if (q0 != begin || q1 != end) {
      begin = q0, end = q1, l.taps = 0;
      for (int64_t z = w->z0; z < w->z1; z++)
        for (int64_t v = w->y0; v < w->y1; v++)
          for (int64_t q = q0; q < q1; q++)
            x_off[l.taps++] =
                (int32_t)(((z * s->dilation[0] * s->in[1] + v * s->dilation[1]) * s->in[2] + q * s->dilation[2]) * lanes);
    }
    l.divisor = l.taps ? (float)(w->count * count) : 1;
    for (int64_t i = 0; i < lanes; i += p->table->lanes) {
      l.x = x + w->x + ((w->iz * s->in[1] + w->iy) * s->in[2] + ix) * lanes + i;
      l.y = y + u * lanes + i;
      (s->mode == SX_POOLING_MAX ? p->table->list_max : p->table->list_average)[n](&l);
    }
    u += n;
  }
}

static void fill_row(const sx_pooling_shape *s, void *y) {
  int64_t n = s->out[2] * s->lanes;
  bool max = s->mode == SX_POOLING_MAX;
  for (int64_t i = 0; i < n; i++) switch (s->type) {
      case SX_POOLING_F32: ((float *)y)[i] = max ? -INFINITY : 0; break;
      case SX_POOLING_F64: ((double *)y)[i] = max ? -INFINITY : 0; break;
      case SX_POOLING_S8: ((int8_t *)y)[i] = INT8_MIN; break;
      default: ((uint8_t *)y)[i] = 0;
    }
}

static void divide_row(const sx_pooling_shape *s, void *y, int64_t outer) {
  for (int64_t u = 0; u < s->out[2]; u++) {
    int64_t n = outer * axis_count(s, 2, u * s->stride[2] - s->pad[2]);
    for (int64_t i = u * s->lanes; n > 1 && i < (u + 1) * s->lanes; i++) {
      if (s->type == SX_POOLING_F32)
        ((float *)y)[i] /= (float)n;
      else
        ((double *)y)[i] /= (double)n;
    }
  }
}

/* Windows much wider than the row of outputs: along the input row. */
static void run_wide(const sx_pooling *p, const float *x, float *y, const row *w) {
  const sx_pooling_shape *s = &p->s;
  for (int64_t u = 0; u < s->out[2]; u++) {
    int64_t q0, q1, ix = u * s->stride[2] - s->pad[2];
    taps_inside(s, 2, ix, s->in[2], &q0, &q1);
    for (int64_t z = w->z0; z < w->z1; z++)
      for (int64_t v = w->y0; v < w->y1; v++) {
        const float *from =
            x + w->x + ((w->iz + z * s->dilation[0]) * s->in[1] + w->iy + v * s->dilation[1]) * s->in[2] + ix + q0;
        y[u] = (s->mode == SX_POOLING_MAX ? p->table->reduce_max : p->table->reduce_sum)(from, q1 - q0, y[u]);
      }
  }
}

static void run_rows(const sx_pooling *p, const char *x, char *y, const row *w) {
  const sx_pooling_shape *s = &p->s;
  int64_t size = (int64_t)bytes_of[s->type], st = s->stride[2];
  sx_pooling_rows_fn fn = (s->mode == SX_POOLING_MAX ? p->table->max : p->table->sum)[s->type];
  for (int64_t z = w->z0; z < w->z1; z++)
    for (int64_t v = w->y0; v < w->y1; v++)
      for (int64_t q = 0; q < s->kernel[2]; q++) {
        int64_t at = q * s->dilation[2] - s->pad[2]; /* of output 0 */
        int64_t u0 = at < 0 ? up(-at, st) : 0, u1 = at < s->in[2] ? min64(s->out[2], up(s->in[2] - at, st)) : 0;
        int64_t line = (w->iz + z * s->dilation[0]) * s->in[1] + w->iy + v * s->dilation[1];
        if (u0 < u1)
          fn(y + u0 * s->lanes * size, x + (w->x + (line * s->in[2] + at + u0 * st) * s->lanes) * size, u1 - u0, s->lanes,
             st * s->lanes);
      }
}

void sx_pooling_run(const sx_pooling *p, const void *x, void *y, int64_t *indices, int64_t begin, int64_t end,
                    void *scratch) {
  const sx_pooling_shape *s = &p->s;
  int64_t first = p->rows / p->units * begin + min64(begin, p->rows % p->units);
  int64_t last = p->rows / p->units * end + min64(end, p->rows % p->units);
  if (indices || s->mode == SX_POOLING_LP) {
    sx_pooling_ref(s, x, y, indices, first, last);
    return;
  }
  bool wide = s->type == SX_POOLING_F32 && s->lanes == 1 && s->dilation[2] == 1 && s->out[2] < 8 && s->kernel[2] >= 8;
  for (int64_t r = first; r < last; r++) {
    row w = row_at(s, r);
    char *to = (char *)y + r * s->out[2] * s->lanes * (int64_t)bytes_of[s->type];
    if (p->by_list) {
      run_list(p, x, (float *)to, &w, scratch);
      continue;
    }
    fill_row(s, to);
    if (wide)
      run_wide(p, x, (float *)to, &w);
    else
      run_rows(p, x, to, &w);
    if (s->mode == SX_POOLING_AVERAGE) divide_row(s, to, w.count);
  }
}
