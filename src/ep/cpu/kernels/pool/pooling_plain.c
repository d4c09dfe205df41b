// SPDX-License-Identifier: MIT
/* Pooling of plain f32 images by axes: the rows that a window covers become one row, and then the taps along that row one
 * output. A step of more than one first parts the row into its residues, so that every tap is a contiguous run. Short rows take
 * these steps in batches: what has just been stored is slow to load at another offset. */
#include <math.h>
#include "base/alloc.h"
#include "ep/cpu/kernels/pool/pooling_kernels.h"

enum { SEGMENT = 1024, SLACK = 64, LONGEST = 1 << 18, STEP = 64 }; /* outputs at a time; room behind a row; most elements
                                                                    * of a row, largest step */
enum { BATCH = 8, BATCH_ELEMENTS = 4096 };

typedef struct scratch {
  int64_t *rows;           /* offsets of the rows of a window */
  int32_t *taps;           /* where each tap starts in `parted` */
  float *divisors;         /* of the outputs of a segment, along the row */
  float *row, *parted, *half; /* rows, their residues one after the other, those of half the step */
  int64_t row_length, parted_length, part_length;
} scratch;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t segment(const sx_pooling_shape *s) { return min64(s->out[2], SEGMENT); }
/* Elements of the padded row under n outputs. */
static int64_t reach(const sx_pooling_shape *s, int64_t n) {
  return (n - 1) * s->stride[2] + (s->kernel[2] - 1) * s->dilation[2] + 1;
}
/* The distance between the residues modulo a step. */
static int64_t part_length(const sx_pooling_shape *s, int64_t step) {
  const int64_t n = reach(s, segment(s));
  return (step & (step - 1) ? n / step : n >> __builtin_ctzll((uint64_t)step)) + 1 + SLACK;
}

static int64_t batch(const sx_pooling_shape *s) {
  const int64_t n = BATCH_ELEMENTS / reach(s, segment(s));
  return n < 1 ? 1 : min64(n, BATCH);
}

static size_t lay_out(const sx_pooling_shape *s, char *base, scratch *w) {
  const int64_t step = s->stride[2];
  size_t at = 0;
  w->row_length = reach(s, segment(s)) + SLACK, w->part_length = part_length(s, step);
  w->parted_length = step * w->part_length;
#define PLACE(field, type, count) (field) = (type)(base + at), at += sx_round_up((size_t)(count) * sizeof *(field), SX_ALIGN)
  PLACE(w->rows, int64_t *, s->kernel[0] * s->kernel[1]);
  PLACE(w->taps, int32_t *, s->kernel[2]);
  PLACE(w->divisors, float *, segment(s) + SLACK);
  PLACE(w->row, float *, batch(s) * w->row_length);
  PLACE(w->parted, float *, step > 1 ? batch(s) * w->parted_length : 0);
  PLACE(w->half, float *, step > 2 ? step / 2 * part_length(s, step / 2) : 0);
#undef PLACE
  return at;
}

bool sx_pooling_plain_takes(const sx_pooling_shape *s) {
  int64_t most = LONGEST;
  for (int a = 0; a < 3; a++) {
    if (s->kernel[a] < 1 || s->kernel[a] > most || s->stride[a] > (a == 2 ? STEP : LONGEST) || s->dilation[a] > LONGEST) return false;
    if (a < 2) most /= s->kernel[a];
  }
  if ((s->kernel[2] - 1) * s->dilation[2] + s->stride[2] * SEGMENT > LONGEST) return false;
  return s->lanes == 1 && s->type == SX_POOLING_F32 && (s->mode != SX_POOLING_LP || s->p == 1 || s->p == 2);
}
size_t sx_pooling_plain_scratch(const sx_pooling_shape *s) {
  scratch w;
  return s->out[2] > 0 ? lay_out(s, NULL, &w) : 0;
}

/* The residues of a row modulo the step: residue r begins at r * part_length. */
static const float *part(const sx_pooling *p, float *row, float *parted, float *half, int64_t n) {
  const sx_pooling_shape *s = &p->s;
  const int64_t step = s->stride[2];
  if (step == 1) return row;
  if (step & (step - 1)) {
    const int64_t length = part_length(s, step);
    for (int64_t r = 0; r < step; r++)
      for (int64_t i = 0; i * step + r < n; i++) parted[r * length + i] = row[i * step + r];
    return parted;
  }
  float *from = row, *to = __builtin_ctzll((uint64_t)step) % 2 ? parted : half; /* the last round ends in parted */
  for (int64_t done = 1; done < step; done *= 2) { /* every other one of each part, until `step` parts are there */
    for (int64_t r = 0; r < done; r++)
      p->table->part(to + r * part_length(s, 2 * done), to + (r + done) * part_length(s, 2 * done),
                     from + r * part_length(s, done), n / (2 * done) + 1);
    from = to, to = from == parted ? half : parted;
  }
  return parted;
}

/* What a segment of outputs from u needs, whatever the row. */
static void begin_segment(const sx_pooling_shape *s, const scratch *w, int64_t u, int64_t n, float neutral) {
  const int64_t length = reach(s, n);
  for (int64_t k = 0, rows = batch(s); k < rows; k++)
    for (int64_t i = 0; i < length + SLACK; i++) w->row[k * w->row_length + i] = neutral;
  for (int64_t q = 0; q < s->kernel[2]; q++) {
    const int64_t at = q * s->dilation[2], step = s->stride[2];
    w->taps[q] = (int32_t)(step == 1 ? at : at % step * w->part_length + at / step);
  }
  for (int64_t i = 0; i < n; i++) {
    const int64_t count = sx_pooling_taps_of(s, 2, u + i).count;
    w->divisors[i] = count > 0 ? (float)count : 1;
  }
}

/* Columns [from, from + n) of the rows of a window become one. */
static void fold(const sx_pooling *p, const float *x, int64_t plane, sx_pooling_taps tz, sx_pooling_taps ty, int64_t from,
                 int64_t n, int64_t *line, float *row) {
  const sx_pooling_shape *s = &p->s;
  const int kind = s->mode == SX_POOLING_MAX       ? SX_POOLING_FOLD_MAX
                   : s->mode == SX_POOLING_AVERAGE ? SX_POOLING_FOLD_SUM
                   : s->p == 1                     ? SX_POOLING_FOLD_ABS
                                                   : SX_POOLING_FOLD_SQUARE;
  int64_t lines = 0;
  for (int64_t z = tz.begin; z < tz.end; z++)
    for (int64_t v = ty.begin; v < ty.end; v++)
      line[lines++] = ((tz.at + z * s->dilation[0]) * s->in[1] + ty.at + v * s->dilation[1]) * s->in[2];
  p->table->fold[kind](row, x + plane * s->in[0] * s->in[1] * s->in[2] + from, line, lines, n);
}

void sx_pooling_plain_run(const sx_pooling *p, const float *x, float *y, int64_t begin, int64_t end, void *mem) {
  const sx_pooling_shape *s = &p->s;
  const bool max = s->mode == SX_POOLING_MAX;
  const int64_t at_once = batch(s);
  scratch w;
  lay_out(s, mem, &w);
  for (int64_t u = 0, n; u < s->out[2]; u += n) {
    n = min64(segment(s), s->out[2] - u);
    const int64_t left = u * s->stride[2] - s->pad[2], right = left + reach(s, n); /* in the image's row */
    const int64_t from = left < 0 ? 0 : left, to = right < s->in[2] ? right : s->in[2];
    int64_t at_y = begin % s->out[1], at_z = begin / s->out[1] % s->out[0], plane = begin / s->out[1] / s->out[0];
    begin_segment(s, &w, u, n, max ? -INFINITY : 0);
    for (int64_t r = begin; r < end; r += at_once) {
      const int64_t rows = min64(at_once, end - r);
      const float *parted[BATCH];
      float count[BATCH];
      for (int64_t k = 0; k < rows; k++) {
        const sx_pooling_taps tz = sx_pooling_taps_of(s, 0, at_z), ty = sx_pooling_taps_of(s, 1, at_y);
        count[k] = tz.count * ty.count > 0 ? (float)(tz.count * ty.count) : 1;
        if (from < to) fold(p, x, plane, tz, ty, from, to - from, w.rows, w.row + k * w.row_length + from - left);
        if (++at_y == s->out[1]) at_y = 0, at_z++;
        if (at_z == s->out[0]) at_z = 0, plane++;
      }
      for (int64_t k = 0; k < rows; k++)
        parted[k] = part(p, w.row + k * w.row_length, w.parted + k * w.parted_length, w.half, reach(s, n));
      for (int64_t k = 0; k < rows; k++) {
        float *out = y + (r + k) * s->out[2] + u;
        p->table->across[max ? 0 : 1](out, parted[k], w.taps, s->kernel[2], n);
        for (int64_t i = 0; s->mode == SX_POOLING_LP && s->p == 2 && i < n; i++) out[i] = sqrtf(out[i]);
        if (s->mode == SX_POOLING_AVERAGE) p->table->divide(out, w.divisors, count[k], n);
      }
    }
  }
}
