// SPDX-License-Identifier: MIT
/* Recurrent cells. Plain loops over H, which the compiler vectorises at each level; the transcendental parts are rows of
 * the elementwise family. */
#include "ep/cpu/vec.h"
#include "ep/cpu/kernels/rnn/rnn.h"

static void activate(const sx_rnn_act *a, float *row, int n, float clip) {
  if (clip > 0)
    for (int i = 0; i < n; i++) row[i] = row[i] > clip ? clip : row[i] < -clip ? -clip : row[i];
  a->row((void *)&a->act, row, n);
}

static void lstm(const sx_rnn_cell *cell, float *restrict gates, float *restrict c, float *restrict h) {
  const int H = cell->H;
  float *gi = gates, *go = gates + H, *gf = gates + 2 * H, *gc = gates + 3 * H;
  const float *p = cell->peephole;
  if (p)
    for (int i = 0; i < H; i++) gi[i] += p[i] * c[i], gf[i] += p[2 * H + i] * c[i];
  activate(cell->f, gi, H, cell->clip);
  if (cell->input_forget)
    for (int i = 0; i < H; i++) gf[i] = 1 - gi[i];
  else
    activate(cell->f, gf, H, cell->clip);
  activate(cell->g, gc, H, cell->clip);
  for (int i = 0; i < H; i++) c[i] = gf[i] * c[i] + gi[i] * gc[i];
  if (p)
    for (int i = 0; i < H; i++) go[i] += p[H + i] * c[i];
  activate(cell->f, go, H, cell->clip);
  for (int i = 0; i < H; i++) h[i] = c[i];
  activate(cell->h, h, H, 0);
  for (int i = 0; i < H; i++) h[i] *= go[i];
}

static void gru_reset(const sx_rnn_cell *cell, float *restrict gates, const float *restrict h,
                      const float *restrict recurrent, float *restrict reset) {
  const int H = cell->H;
  float *r = gates + H, *n = gates + 2 * H;
  activate(cell->f, gates, 2 * H, cell->clip);
  if (cell->linear_before_reset)
    for (int i = 0; i < H; i++) n[i] += r[i] * recurrent[i];
  else
    for (int i = 0; i < H; i++) reset[i] = r[i] * h[i];
}

static void gru_update(const sx_rnn_cell *cell, float *restrict gates, float *restrict h) {
  const int H = cell->H;
  float *n = gates + 2 * H;
  activate(cell->g, n, H, cell->clip);
  for (int i = 0; i < H; i++) h[i] = (1 - gates[i]) * n[i] + gates[i] * h[i];
}

static void rnn(const sx_rnn_cell *cell, float *restrict gates, float *restrict h) {
  activate(cell->f, gates, cell->H, cell->clip);
  for (int i = 0; i < cell->H; i++) h[i] = gates[i];
}

const sx_rnn_table SX_ISA_NAME(sx_rnn) = {lstm, gru_reset, gru_update, rnn};
