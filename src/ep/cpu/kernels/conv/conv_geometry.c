// SPDX-License-Identifier: MIT
/* Where the taps of an output pixel lie in the input. The transpose falls apart into phases, the pixels that agree modulo
 * the stride: inside one it is a plain convolution of step 1 with a subset of the taps, so both share everything here. */
#include "ep/cpu/kernels/conv/conv_kernels.h"

void sx_conv_grid_init(sx_conv_grid *g, const sx_conv_shape *s, int64_t phase) {
  for (int a = 2; a >= 0; a--) {
    if (s->transposed) {
      g->phase[a] = (int32_t)(phase % s->stride[a]);
      phase /= s->stride[a];
      g->out_step[a] = (int32_t)s->stride[a];
      g->step[a] = 1;
      int64_t left = s->out[a] - g->phase[a];
      g->n[a] = (int32_t)(left > 0 ? sx_conv_ceil(left, s->stride[a]) : 0);
    } else {
      g->phase[a] = 0;
      g->out_step[a] = 1;
      g->step[a] = (int32_t)s->stride[a];
      g->n[a] = (int32_t)s->out[a];
    }
  }
}

int32_t sx_conv_shift(const sx_conv_shape *s, const sx_conv_grid *g, int axis, int64_t k) {
  int64_t at = k * s->dilation[axis];
  if (!s->transposed) return (int32_t)(at - s->pad[axis]);
  at = g->phase[axis] + s->pad[axis] - at;
  return at % s->stride[axis] ? SX_CONV_NEVER : (int32_t)(at / s->stride[axis]);
}

void sx_conv_pixels_init(const sx_conv_table *t, const sx_conv_pixels *p, const sx_conv_shape *s, const sx_conv_grid *g,
                         int64_t begin, int64_t n, int32_t lanes) {
  int64_t u = begin % g->n[2], rest = begin / g->n[2], v = rest % g->n[1], z = rest / g->n[1];
  for (int64_t i = 0, k; i < n; i += k, u = 0, v++) {
    if (v == g->n[1]) v = 0, z++;
    k = sx_conv_min(g->n[2] - u, n - i);
    int64_t in[3] = {z * g->step[0], v * g->step[1], u * g->step[2]}, out[3];
    const int64_t at[3] = {z, v, u};
    for (int a = 0; a < 3; a++) out[a] = at[a] * g->out_step[a] + g->phase[a];
    int64_t x = ((in[0] * s->in[1] + in[1]) * s->in[2] + in[2]) * lanes,
            y = ((out[0] * s->out[1] + out[1]) * s->out[2] + out[2]) * lanes;
    t->direct->row(p->at[0] + i, (int32_t)in[0], 0, k);
    t->direct->row(p->at[1] + i, (int32_t)in[1], 0, k);
    t->direct->row(p->at[2] + i, (int32_t)in[2], g->step[2], k);
    t->direct->row(p->x + i, (int32_t)x, g->step[2] * lanes, k);
    t->direct->row(p->y + i, (int32_t)y, g->out_step[2] * lanes, k);
  }
}

void sx_conv_offsets(const sx_conv_table *t, const sx_conv_shape *s, const sx_conv_grid *g, const sx_conv_pixels *p,
                     int64_t n, int32_t lanes, int32_t *off, int64_t ld) {
  int32_t shift[3];
  for (int64_t z = 0; z < s->kernel[0]; z++) {
    shift[0] = sx_conv_shift(s, g, 0, z);
    for (int64_t y = 0; y < s->kernel[1]; y++) {
      shift[1] = sx_conv_shift(s, g, 1, y);
      for (int64_t x = 0; x < s->kernel[2]; x++, off += ld) {
        shift[2] = sx_conv_shift(s, g, 2, x);
        if (shift[0] == SX_CONV_NEVER || shift[1] == SX_CONV_NEVER || shift[2] == SX_CONV_NEVER) {
          for (int64_t i = 0; i < n; i++) off[i] = -1;
        } else {
          int64_t linear = ((int64_t)shift[0] * s->in[1] + shift[1]) * s->in[2] + shift[2];
          t->direct->offsets(p, shift, s->in, (int32_t)(linear * lanes), n, off);
        }
      }
    }
  }
}

sx_conv_store sx_conv_store_at(const sx_conv *c, const sx_conv_io *io, int64_t at) {
  return (sx_conv_store){.y = io->y + at,
                         .residual = c->epi.residual ? io->residual + at : NULL,
                         .beta = (float)c->epi.beta,
                         .lo = (float)c->epi.lo,
                         .hi = (float)c->epi.hi,
                         .clip = c->epi.clip};
}

void sx_conv_finish(const sx_conv *c, float *y, int64_t n, int real) {
  int lanes = c->table->direct->lanes;
  if (c->epi.tile_fn) c->epi.tile_fn(c->epi.tile_ctx, y, n);
  if (!c->zero_tail || real >= lanes) return;
  for (int64_t i = 0; i < n; i += lanes)
    for (int j = real; j < lanes; j++) y[i + j] = 0;
}
