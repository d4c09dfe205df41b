// SPDX-License-Identifier: MIT
/* Pooling by rows of output. Where a pixel is whole vectors of f32, each run of pixels with the same taps inside the image
 * runs a list of taps; plain images of f32 go by axes (pooling_plain.c); every other case accumulates tap by tap into the output
 * row. */
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

/* Windows much wider than the row of outputs. */
static bool is_wide(const sx_pooling_shape *s) {
  return s->type == SX_POOLING_F32 && s->lanes == 1 && s->dilation[2] == 1 && s->out[2] < 8 && s->kernel[2] >= 8 &&
         s->mode != SX_POOLING_LP;
}

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
  p->plain = sx_pooling_plain_takes(s) && !is_wide(s);
  p->scratch_bytes = p->by_list ? taps : p->plain ? sx_pooling_plain_scratch(s) : 0;
  p->rows = s->planes * s->out[0] * s->out[1];
  if (s->out[2] == 0 || s->lanes == 0) p->rows = 0;
  double row_ns = (double)product(s->kernel) * (double)s->out[2] * (double)s->lanes * (p->by_list ? 0.02 : 0.1) + 20;
  if (p->plain)
    row_ns = (double)(s->kernel[0] * s->kernel[1] * s->in[2] + s->kernel[2] * s->out[2]) * 0.03 + (double)s->in[2] * 0.1 + 20;
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
sx_pooling_taps sx_pooling_edge_taps(const sx_pooling_shape *s, int axis, int64_t at) {
  sx_pooling_taps t = {.at = at};
  int64_t begin, end;
  taps_inside(s, axis, at, s->in[axis], &t.begin, &t.end);
  taps_inside(s, axis, at, s->in[axis] + (s->count_include_pad ? s->pad_end[axis] : 0), &begin, &end);
  t.count = s->count_include_pad ? end : end - begin;
  return t;
}

/* One output row: its taps along the outer axes, and the element of the plane's first pixel. */
typedef struct row {
  sx_pooling_taps z, y;
  int64_t x;
} row;

static row row_at(const sx_pooling_shape *s, int64_t r) {
  row w;
  w.y = sx_pooling_taps_of(s, 1, r % s->out[1]);
  r /= s->out[1];
  w.z = sx_pooling_taps_of(s, 0, r % s->out[0]);
  w.x = r / s->out[0] * product(s->in) * s->lanes;
  return w;
}

#define T      float
#define LOWEST -INFINITY
#define NAME   indices_f32
#include "ep/cpu/kernels/pool/pooling_indices.inc"
#define T      double
#define LOWEST -INFINITY
#define NAME   indices_f64
#include "ep/cpu/kernels/pool/pooling_indices.inc"
#define T      int8_t
#define LOWEST INT8_MIN
#define NAME   indices_s8
#include "ep/cpu/kernels/pool/pooling_indices.inc"
#define T      uint8_t
#define LOWEST 0
#define NAME   indices_u8
#include "ep/cpu/kernels/pool/pooling_indices.inc"

static void run_list(const sx_pooling *p, const float *x, float *y, const row *w, int32_t *x_off) {
  const sx_pooling_shape *s = &p->s;
  int64_t begin = -1, end = -1, lanes = s->lanes;
  sx_pooling_list l = {.x_off = x_off, .x_step = s->stride[2] * lanes, .y_step = lanes};
  for (int64_t u = 0; u < s->out[2];) {
    const sx_pooling_taps t = sx_pooling_taps_of(s, 2, u);
    int64_t n = 1;
    for (; n < SX_POOLING_MR && u + n < s->out[2]; n++) {
      const sx_pooling_taps next = sx_pooling_taps_of(s, 2, u + n);
      if (next.begin != t.begin || next.end != t.end || next.count != t.count) break;
    }
    if (t.begin != begin || t.end != end) {
      begin = t.begin, end = t.end, l.taps = 0;
      for (int64_t z = w->z.begin; z < w->z.end; z++)
        for (int64_t v = w->y.begin; v < w->y.end; v++)
          for (int64_t q = begin; q < end; q++)
            x_off[l.taps++] =
                (int32_t)(((z * s->dilation[0] * s->in[1] + v * s->dilation[1]) * s->in[2] + q * s->dilation[2]) * lanes);
    }
    l.divisor = l.taps ? (float)(w->z.count * w->y.count * t.count) : 1;
    for (int64_t i = 0; i < lanes; i += p->table->lanes) {
      l.x = x + w->x + ((w->z.at * s->in[1] + w->y.at) * s->in[2] + t.at) * lanes + i;
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
    int64_t n = outer * sx_pooling_taps_of(s, 2, u).count;
    for (int64_t i = u * s->lanes; n > 1 && i < (u + 1) * s->lanes; i++) {
      if (s->type == SX_POOLING_F32)
        ((float *)y)[i] /= (float)n;
      else
        ((double *)y)[i] /= (double)n;
    }
  }
}

/* Along the input row. */
static void run_wide(const sx_pooling *p, const float *x, float *y, const row *w) {
  const sx_pooling_shape *s = &p->s;
  for (int64_t u = 0; u < s->out[2]; u++) {
    const sx_pooling_taps t = sx_pooling_taps_of(s, 2, u);
    for (int64_t z = w->z.begin; z < w->z.end; z++)
      for (int64_t v = w->y.begin; v < w->y.end; v++) {
        const int64_t line = (w->z.at + z * s->dilation[0]) * s->in[1] + w->y.at + v * s->dilation[1];
        const float *from = x + w->x + line * s->in[2] + t.at + t.begin;
        y[u] = (s->mode == SX_POOLING_MAX ? p->table->reduce_max : p->table->reduce_sum)(from, t.end - t.begin, y[u]);
      }
  }
}

static void run_rows(const sx_pooling *p, const char *x, char *y, const row *w) {
  const sx_pooling_shape *s = &p->s;
  int64_t size = (int64_t)bytes_of[s->type], st = s->stride[2];
  sx_pooling_rows_fn fn = (s->mode == SX_POOLING_MAX ? p->table->max : p->table->sum)[s->type];
  for (int64_t z = w->z.begin; z < w->z.end; z++)
    for (int64_t v = w->y.begin; v < w->y.end; v++)
      for (int64_t q = 0; q < s->kernel[2]; q++) {
        int64_t at = q * s->dilation[2] - s->pad[2]; /* of output 0 */
        int64_t u0 = at < 0 ? up(-at, st) : 0, u1 = at < s->in[2] ? min64(s->out[2], up(s->in[2] - at, st)) : 0;
        int64_t line = (w->z.at + z * s->dilation[0]) * s->in[1] + w->y.at + v * s->dilation[1];
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
  if (indices) switch (s->type) {
      case SX_POOLING_F32: indices_f32(s, x, y, indices, first, last); return;
      case SX_POOLING_F64: indices_f64(s, x, y, indices, first, last); return;
      case SX_POOLING_S8: indices_s8(s, x, y, indices, first, last); return;
      default: indices_u8(s, x, y, indices, first, last); return;
    }
  if (s->mode == SX_POOLING_LP && !p->plain) {
    sx_pooling_ref(s, x, y, NULL, first, last);
    return;
  }
  if (p->plain) {
    sx_pooling_plain_run(p, x, y, first, last, scratch);
    return;
  }
  for (int64_t r = first; r < last; r++) {
    row w = row_at(s, r);
    char *to = (char *)y + r * s->out[2] * s->lanes * (int64_t)bytes_of[s->type];
    if (p->by_list) {
      run_list(p, x, (float *)to, &w, scratch);
      continue;
    }
    fill_row(s, to);
    if (is_wide(s))
      run_wide(p, x, (float *)to, &w);
    else
      run_rows(p, x, to, &w);
    if (s->mode == SX_POOLING_AVERAGE) divide_row(s, to, w.z.count * w.y.count);
  }
}
