// SPDX-License-Identifier: MIT
/* The normalisations in f64: plain loops. */
#include "ep/cpu/kernels/norm/norm_f64.h"
#include <math.h>

void sx_row_norm_f64(const sx_row_norm_args *a, const double *x, double *y, int64_t begin, int64_t end, double *row) {
  const double *skip = a->skip, *bias = a->bias, *gamma = a->gamma, *beta = a->beta;
  const int64_t n = a->n;
  for (int64_t r = begin; r < end; r++) {
    const int64_t skip_row = a->skip_rows ? r % a->skip_rows : r;
    double mean = 0, square = 0;
    for (int64_t i = 0; i < n; i++) {
      row[i] = x[r * n + i] + (skip ? skip[skip_row * n + i] : 0) + (bias ? bias[i] : 0);
      if (a->sum) ((double *)a->sum)[r * n + i] = row[i];
      mean += row[i];
    }
    mean = a->rms ? 0 : mean / (double)n;
    for (int64_t i = 0; i < n; i++) square += (row[i] - mean) * (row[i] - mean);
    const double inv = 1 / sqrt(square / (double)n + (double)a->epsilon);
    for (int64_t i = 0; i < n; i++)
      y[r * n + i] = (row[i] - mean) * inv * (gamma ? gamma[i] + a->gamma_plus_one : 1) + (beta ? beta[i] : 0);
    if (a->mean) ((double *)(void *)a->mean)[r] = mean;
    if (a->inv_std) ((double *)(void *)a->inv_std)[r] = inv;
  }
}

void sx_group_norm_f64(const sx_group_norm_args *a, const double *x, double *y, int64_t begin, int64_t end) {
  const double *gamma = a->gamma, *beta = a->beta;
  const int64_t per = a->C / a->groups, c_step = a->channels_last ? 1 : a->HW, p_step = a->channels_last ? a->C : 1;
  const double count = (double)per * (double)a->HW;
  for (int64_t u = begin; u < end; u++) {
    const int64_t first = u % a->groups * per, base = u / a->groups * a->C * a->HW + first * c_step;
    double mean = 0, square = 0;
    for (int64_t c = 0; c < per; c++)
      for (int64_t p = 0; p < a->HW; p++) mean += x[base + c * c_step + p * p_step];
    mean /= count;
    for (int64_t c = 0; c < per; c++)
      for (int64_t p = 0; p < a->HW; p++) {
        const double d = x[base + c * c_step + p * p_step] - mean;
        square += d * d;
      }
    const double inv = 1 / sqrt(square / count + (double)a->epsilon);
    for (int64_t c = 0; c < per; c++)
      for (int64_t p = 0; p < a->HW; p++) {
        const int64_t at = base + c * c_step + p * p_step;
        const double v = (x[at] - mean) * inv * (gamma ? gamma[first + c] : 1) + (beta ? beta[first + c] : 0);
        y[at] = a->silu ? v / (1 + exp(-v)) : v;
      }
  }
}

void sx_lrn_f64(const sx_lrn_args *a, int64_t strip, const double *x, double *y, int64_t begin, int64_t end) {
  const int64_t strips = (a->HW + strip - 1) / strip, before = (a->size - 1) / 2, after = a->size - 1 - before;
  for (int64_t u = begin; u < end; u++) {
    const int64_t from = u % strips * strip, to = from + strip < a->HW ? from + strip : a->HW;
    const int64_t image = u / strips * a->C * a->HW;
    for (int64_t c = 0; c < a->C; c++)
      for (int64_t p = from; p < to; p++) {
        const int64_t last = c + after < a->C - 1 ? c + after : a->C - 1;
        double sum = 0;
        for (int64_t k = c > before ? c - before : 0; k <= last; k++) sum += x[image + k * a->HW + p] * x[image + k * a->HW + p];
        y[image + c * a->HW + p] =
            x[image + c * a->HW + p] / pow((double)a->bias + (double)a->alpha / (double)a->size * sum, (double)a->beta);
      }
  }
}
