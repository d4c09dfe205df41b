// SPDX-License-Identifier: MIT
/* DFT and STFT on the FFT family; windows and the mel filter bank, which are formulas of an index. */
#include "ep/cpu/bind/edge.h"
#include "ep/cpu/kernels/signal/fft.h"
#include <math.h>
#include <string.h>

typedef struct fourier {
  sx_edge edge;
  sx_dft d;
  bool window;
} fourier;
static sx_status run_fourier(const sx_call *c, uint32_t begin, uint32_t end) {
  const fourier *q = c->params;
  sx_dft d = q->d;
  if (q->window) d.window = sx_edge_in(&q->edge, c, 2);
  sx_dft_run(&d, sx_edge_in(&q->edge, c, 0), sx_edge_out(&q->edge, c, 0), begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status fourier_phases(sx_prep *p, fourier *q) {
  if (!p->out[0].count) return SX_OK;
  SX_TRY(sx_edge_begin(p, &q->edge, sx_edge_wide((sx_dtype)p->in[0].dtype), q->window ? 5 : 1, 1));
  q->d.isa = p->cpu->isa, q->d.type = q->edge.wide;
  SX_TRY(sx_dft_init(&q->d, p->arena, p->e));
  SX_TRY(sx_prep_phase(p, run_fourier, sx_dft_units(&q->d), sx_dft_unit_ns(&q->d), sx_dft_scratch_bytes(&q->d)));
  return sx_edge_end(p, &q->edge);
}
static sx_status prepare_dft(sx_prep *p) {
  fourier *q = SX_NEW(p->arena, fourier);
  const sx_view *x = &p->in[0], *y = &p->out[0];
  if (!q) SX_NO_MEMORY(p->e);
  int64_t axis = sx_prep_int(p, 2, 0, -2);
  if (axis < 0) axis += x->rank;
  if (axis < 0 || axis >= x->rank - 1)
    SX_FAIL(p->e, FAIL, "axis is %lld, expected one of a tensor of rank %d but the last", (long long)axis,
            x->rank);
  bool onesided = sx_attr_int(p->n, "onesided", 0) != 0, inverse = sx_attr_int(p->n, "inverse", 0) != 0;
  int64_t have = x->dims[axis], n = sx_prep_int(p, 1, 0, onesided && inverse ? 2 * (have - 1) : have),
          inner = sx_dims_count(x->dims, (int)axis + 1, x->rank - 1);
  int64_t parts = x->dims[x->rank - 1], out_parts = y->dims[y->rank - 1];
  if ((parts != 1 && parts != 2) || n < 1)
    SX_FAIL(p->e, INVALID_ARGUMENT, "a transform of length %lld over numbers of %lld parts", (long long)n,
            (long long)parts);
  q->d = (sx_dft){.n = n,
                  .rows = sx_dims_count(x->dims, 0, (int)axis) * inner,
                  .rows_lo = inner,
                  .in_hi = have * inner * parts,
                  .in_lo = parts,
                  .in_step = inner * parts,
                  .out_hi = y->dims[axis] * inner * out_parts,
                  .out_lo = out_parts,
                  .out_step = inner * out_parts,
                  .in_n = have,
                  .out_n = y->dims[axis],
                  .in_complex = parts == 2,
                  .out_complex = out_parts == 2,
                  .inverse = inverse,
                  .hermitian = inverse && onesided};
  if (q->d.out_n > n)
    SX_FAIL(p->e, INVALID_ARGUMENT, "%lld results are expected of a transform of length %lld", (long long)q->d.out_n,
            (long long)n);
  return fourier_phases(p, q);
}
static sx_status prepare_stft(sx_prep *p) {
  fourier *q = SX_NEW(p->arena, fourier);
  const sx_view *x = &p->in[0], *y = &p->out[0];
  if (!q) SX_NO_MEMORY(p->e);
  q->window = sx_prep_has(p, 2);
  int64_t parts = x->rank == 3 ? x->dims[2] : 1, window = q->window ? p->in[2].count : 0, step = sx_prep_int(p, 1, 0, 0),
          n = sx_prep_int(p, 3, 0, q->window ? window : x->dims[1]);
  if (step < 1 || n < 1)
    SX_FAIL(p->e, INVALID_ARGUMENT, "frames of %lld elements, %lld apart", (long long)n, (long long)step);
  if (q->window && window != n)
    SX_FAIL(p->e, FAIL, "the window has %lld elements, a frame %lld", (long long)window, (long long)n);
  if (y->count && (y->dims[1] - 1) * step + n > x->dims[1])
    SX_FAIL(p->e, INVALID_ARGUMENT, "%lld frames of %lld elements do not fit a signal of %lld", (long long)y->dims[1],
            (long long)n, (long long)x->dims[1]);
  q->d = (sx_dft){.n = n,
                  .rows = y->dims[0] * y->dims[1],
                  .rows_lo = y->dims[1] ? y->dims[1] : 1,
                  .in_hi = x->dims[1] * parts,
                  .in_lo = step * parts,
                  .in_step = parts,
                  .out_hi = y->dims[1] * y->dims[2] * 2,
                  .out_lo = y->dims[2] * 2,
                  .out_step = 2,
                  .in_n = n,
                  .out_n = y->dims[2],
                  .in_complex = parts == 2,
                  .out_complex = true};
  if (q->d.out_n > n)
    SX_FAIL(p->e, INVALID_ARGUMENT, "%lld results are expected of a transform of length %lld", (long long)q->d.out_n,
            (long long)n);
  return fourier_phases(p, q);
}
#define FLOATS (1u << SX_F32 | 1u << SX_F64 | 1u << SX_F16 | 1u << SX_BF16)
const sx_kernel sx_cpu_DFT = {
    .op = &sx_op_DFT, .name = "fft", .types = FLOATS, .flags = SX_KERNEL_CONTENT, .prepare = prepare_dft};
const sx_kernel sx_cpu_STFT = {
    .op = &sx_op_STFT, .name = "fft", .types = FLOATS, .flags = SX_KERNEL_CONTENT, .prepare = prepare_stft};

/* Windows: a0 - a1 cos(2 pi i / n) + a2 cos(4 pi i / n), with n one less when the window is symmetric. */
enum { CHUNK = 1024 };
typedef struct window {
  sx_isa isa;
  sx_dtype type;
  int64_t count;
  double period, a[3];
} window;
static sx_status run_window(const sx_call *c, uint32_t begin, uint32_t end) {
  const window *q = c->params;
  enum { BLOCK = 64 }; /* cos(a + b) from a block's start and a place in it: the library is asked for few angles */
  double *v = c->worker_scratch, cosine[BLOCK], sine[BLOCK];
  const double step = q->period > 0 ? 6.283185307179586476925 / q->period : 0, first = q->period > 0 ? 0 : 3.141592653589793238;
  for (int i = 0; i < BLOCK; i++) cosine[i] = cos(step * i), sine[i] = sin(step * i);
  for (int64_t u = begin; u < end; u++) {
    int64_t at = u * CHUNK, n = q->count - at < CHUNK ? q->count - at : CHUNK;
    for (int64_t b = 0; b < n; b += BLOCK) {
      const double turn = first + step * (double)(at + b), c0 = cos(turn), s0 = sin(turn);
      for (int64_t i = 0; i < BLOCK && b + i < n; i++) {
        const double x = c0 * cosine[i] - s0 * sine[i];
        v[b + i] = q->a[2] * (2 * x * x - 1) - q->a[1] * x + q->a[0];
      }
    }
    sx_cast_run(q->isa, SX_F64, q->type, SX_CAST_SATURATE, (char *)c->out[0] + at * (int64_t)(sx_dtype_bits(q->type) / 8),
                v, 0, n);
  }
  return SX_OK;
}
static sx_status prepare_window(sx_prep *p) {
  window *q = SX_NEW(p->arena, window);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_op *op = p->n->op;
  *q = (window){.isa = p->cpu->isa, .type = (sx_dtype)p->out[0].dtype, .count = p->out[0].count};
  q->period = (double)(q->count - !sx_attr_int(p->n, "periodic", 1));
  if (op == &sx_op_BlackmanWindow)
    q->a[0] = 0.42, q->a[1] = 0.5, q->a[2] = 0.08;
  else if (op == &sx_op_HammingWindow)
    q->a[0] = 25. / 46, q->a[1] = 21. / 46;
  else
    q->a[0] = q->a[1] = 0.5;
  p->params = q;
  return sx_prep_phase(p, run_window, (q->count + CHUNK - 1) / CHUNK, CHUNK * 30, CHUNK * sizeof(double));
}
static bool claim_output(const sx_graph *g, const sx_node *n, const char **reason) {
  sx_dtype t = (sx_dtype)sx_value_at(g, n->out[0])->fact.dtype;
  *reason = "the result must be numbers of 8 bits or more";
  return sx_ew_class_of(t) != SX_EW_CLASSES && sx_dtype_bits(t) >= 8;
}
#define WINDOW(N) \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "window", .claim = claim_output, .prepare = prepare_window};
WINDOW(BlackmanWindow)
WINDOW(HammingWindow)
WINDOW(HannWindow)

/* The mel filter bank: triangles between neighbours among bins + 2 edges, evenly spaced in mel. A unit is a filter, a
 * column. */
typedef struct mel {
  sx_isa isa;
  sx_dtype in[5], type;
  int64_t rows, bins;
} mel;
static double hertz_to_mel(double f) { return 2595 * log10(1 + f / 700); }
static double number(const mel *q, const sx_call *c, uint32_t i) {
  double v;
  sx_cast_run(q->isa, q->in[i], SX_F64, 0, &v, c->in[i], 0, 1);
  return v;
}
typedef struct mel_scale {
  double low, step, length, rate;
} mel_scale;
static mel_scale scale_of(const mel *q, const sx_call *c) {
  const double low = hertz_to_mel(number(q, c, 3)), high = hertz_to_mel(number(q, c, 4));
  return (mel_scale){low, (high - low) / (double)(q->bins + 2), number(q, c, 1), number(q, c, 2)};
}
/* The spectrum's row at edge k, inside the matrix. */
static int64_t edge_row(const mel *q, const mel_scale *s, int64_t k) {
  double hertz = 700 * (pow(10, (s->low + s->step * (double)k) / 2595) - 1), row = floor((s->length + 1) * hertz / s->rate);
  return row >= 0 && row < (double)q->rows ? (int64_t)row : row >= 0 ? q->rows : -1;
}
static sx_status clear_mel(const sx_call *c, uint32_t begin, uint32_t end) {
  const mel *q = c->params;
  const size_t bytes = (size_t)q->bins * sx_dtype_bits(q->type) / 8;
  memset((char *)c->out[0] + begin * bytes, 0, (end - begin) * bytes);
  return SX_OK;
}
/* Before a large result is written. */
static sx_status check_mel(const sx_call *c, uint32_t begin, uint32_t end) {
  const mel *q = c->params;
  const mel_scale s = scale_of(q, c);
  int64_t left, mid = edge_row(q, &s, begin), right = edge_row(q, &s, begin + 1);
  for (int64_t b = begin; b < end; b++) {
    left = mid, mid = right, right = edge_row(q, &s, b + 2);
    if (left < 0 || mid < left || right < mid || right > q->rows || mid >= q->rows)
      SX_FAIL(c->e, FAIL,
              "filter %lld lies outside of a spectrum of %lld rows: expected 0 <= lower_edge_hertz <= upper_edge_hertz <= "
              "sample_rate / 2",
              (long long)b, (long long)q->rows);
  }
  return SX_OK;
}
static sx_status run_mel(const sx_call *c, uint32_t begin, uint32_t end) {
  const mel *q = c->params;
  const mel_scale s = scale_of(q, c);
  int64_t left, mid = edge_row(q, &s, begin), right = edge_row(q, &s, begin + 1);
  for (int64_t b = begin; b < end; b++) {
    left = mid, mid = right, right = edge_row(q, &s, b + 2);
    for (int64_t r = left; r <= mid || r < right; r++) {
      double v = r > mid ? 0 : mid == left ? 1 : (double)(r - left) / (double)(mid - left);
      if (r >= mid && r < right) v = (double)(right - r) / (double)(right - mid);
      const float f = (float)v;
      char *to = (char *)c->out[0] + (r * q->bins + b) * (int64_t)(sx_dtype_bits(q->type) / 8);
      if (q->type == SX_F32)
        memcpy(to, &f, sizeof f);
      else
        sx_cast_run(q->isa, SX_F64, q->type, SX_CAST_SATURATE, to, &v, 0, 1);
    }
  }
  return SX_OK;
}
static sx_status prepare_mel(sx_prep *p) {
  mel *q = SX_NEW(p->arena, mel);
  if (!q) SX_NO_MEMORY(p->e);
  *q = (mel){.isa = p->cpu->isa, .type = (sx_dtype)p->out[0].dtype, .rows = p->out[0].dims[0], .bins = p->out[0].dims[1]};
  for (uint32_t i = 0; i < 5; i++) {
    if (p->in[i].count != 1)
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld elements, expected a scalar", i, (long long)p->in[i].count);
    q->in[i] = (sx_dtype)p->in[i].dtype;
  }
  p->params = q;
  if (!q->rows || !q->bins) return SX_OK;
  SX_TRY(sx_prep_phase(p, check_mel, q->bins, 500, 0));
  SX_TRY(sx_prep_phase(p, clear_mel, q->rows, (double)q->bins, 0));
  return sx_prep_phase(p, run_mel, q->bins, (double)q->rows * 20 / (double)q->bins + 500, 0);
}
const sx_kernel sx_cpu_MelWeightMatrix = {
    .op = &sx_op_MelWeightMatrix, .name = "mel_weights", .claim = claim_output, .prepare = prepare_mel};
