// SPDX-License-Identifier: MIT
/* Winograd's transforms, one channel block wide. F(4x4,3x3) interpolates at 0, +-sqrt(1/2), +-sqrt(2) and infinity: at the
 * same cost as 0, +-1, +-2 its error is half as large. F(2x2,3x3) has 0, +-1 and infinity. */
#include "ep/cpu/kernels/conv/conv_kernels.h"
#include "ep/cpu/vec.h"

#define P 0.70710678118654752f /* a; a * a = 1 / 2 */
#define Q 1.41421356237309505f /* b; b * b = 2, a * b = 1 */
SX_INLINE void in_line__4(vf *o, const vf *d) {
  vf e = d[4] - 2.0f * d[2], f = P * (d[3] - 2.0f * d[1]), g = d[4] - 0.5f * d[2], h = Q * (d[3] - 0.5f * d[1]);
  o[0] = d[0] - 2.5f * d[2] + d[4];
  o[1] = e + f, o[2] = e - f, o[3] = g + h, o[4] = g - h;
  o[5] = d[1] - 2.5f * d[3] + d[5];
}
SX_INLINE void out_line__4(vf *y, const vf *m) {
  vf s = m[1] + m[2], d = m[1] - m[2], t = m[3] + m[4], e = m[3] - m[4];
  y[0] = m[0] + s + t;
  y[1] = P * d + Q * e;
  y[2] = 0.5f * s + 2.0f * t;
  y[3] = 0.5f * P * d + (2.0f * Q * e + m[5]);
}
SX_INLINE void in_line__2(vf *o, const vf *d) {
  o[0] = d[0] - d[2], o[1] = d[1] + d[2], o[2] = d[2] - d[1], o[3] = d[3] - d[1];
}
SX_INLINE void out_line__2(vf *y, const vf *m) {
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2] + m[3];
}
/* Weights, in double: they are rounded once. */
SX_INLINE void weight_line__4(vd *o, const vd *w) {
  const double r = 1.41421356237309504880;
  vd e = (-2 / 3.) * w[0] - (1 / 3.) * w[2], f = (r / 3) * w[1], g = (1 / 6.) * w[0] + (1 / 3.) * w[2], h = (r / 6) * w[1];
  o[0] = w[0], o[1] = e - f, o[2] = e + f, o[3] = g + h, o[4] = g - h, o[5] = w[2];
}
SX_INLINE void weight_line__2(vd *o, const vd *w) {
  vd e = 0.5 * (w[0] + w[2]), f = 0.5 * w[1];
  o[0] = w[0], o[1] = e + f, o[2] = e - f, o[3] = w[2];
}

#define TILE 2
#include "ep/cpu/kernels/conv/conv_winograd.inc"
#define TILE 4
#include "ep/cpu/kernels/conv/conv_winograd.inc"

extern const sx_conv_winograd SX_ISA_NAME(sx_conv_winograd);
const sx_conv_winograd SX_ISA_NAME(sx_conv_winograd) = {.in = {in__2, in__4}, .out = {out__2, out__4}, .pack = {pack__2, pack__4}, .pack_i16 = {pack_i16__2, pack_i16__4}};
