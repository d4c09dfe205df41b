// SPDX-License-Identifier: MIT
/* Reading and checking window attributes; output sizes in numbers and in symbols. */
#include "ops/nn/window.h"

static sx_status read_list(const sx_node *n, const char *name, uint32_t want, int64_t least, int64_t *out, sx_err *e) {
  const int64_t *v;
  uint32_t k = sx_attr_ints(n, name, &v);
  if (k && k != want) SX_FAIL(e, FAIL, "attribute '%s' has %u entries, expected %u", name, k, want);
  for (uint32_t i = 0; i < k; i++) {
    if (v[i] < least || v[i] > INT32_MAX)
      SX_FAIL(e, FAIL, "attribute '%s' has the entry %lld, expected %lld to %d", name, (long long)v[i], (long long)least,
              INT32_MAX);
    out[i] = v[i];
  }
  return SX_OK;
}

sx_status sx_window_read(const sx_node *n, int spatial, const int64_t *kernel, sx_window *w, sx_err *e) {
  if (spatial < 1 || spatial > SX_MAX_SPATIAL)
    SX_FAIL(e, FAIL, "the input has %d spatial axes, expected 1 to %d", spatial, SX_MAX_SPATIAL);
  *w = (sx_window){.n = spatial, .ceil = sx_attr_int(n, "ceil_mode", 0) != 0};
  for (int i = 0; i < spatial; i++) w->kernel[i] = kernel ? kernel[i] : 0, w->stride[i] = w->dilation[i] = 1;
  SX_TRY(read_list(n, "kernel_shape", (uint32_t)spatial, 1, w->kernel, e));
  SX_TRY(read_list(n, "strides", (uint32_t)spatial, 1, w->stride, e));
  SX_TRY(read_list(n, "dilations", (uint32_t)spatial, 1, w->dilation, e));
  SX_TRY(read_list(n, "pads", 2 * (uint32_t)spatial, -INT32_MAX, w->pad, e));
  for (int i = 0; i < spatial; i++) {
    if (kernel && w->kernel[i] != kernel[i] && sx_dim_is_const(kernel[i]))
      SX_FAIL(e, FAIL, "attribute 'kernel_shape' has %lld at axis %d, the weight has %lld", (long long)w->kernel[i], i,
              (long long)kernel[i]);
    if (w->kernel[i] < 1) SX_FAIL(e, FAIL, "the kernel's size along axis %d is not known or not positive", i);
  }
  sx_str pad = sx_attr_str(n, "auto_pad", "NOTSET");
  if (sx_str_is(pad, "SAME_UPPER"))
    w->same = 1;
  else if (sx_str_is(pad, "SAME_LOWER"))
    w->same = 2;
  else if (sx_str_is(pad, "VALID"))
    memset(w->pad, 0, sizeof w->pad);
  else if (!sx_str_is(pad, "NOTSET") && pad.n)
    SX_FAIL(e, FAIL, "attribute 'auto_pad' is '%.*s', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", SX_FMT(pad));
  return SX_OK;
}

sx_status sx_window_read_pool(const sx_node *n, int spatial, sx_window *w, sx_err *e) {
  SX_TRY(sx_window_read(n, spatial, NULL, w, e));
  w->pool = true;
  for (int i = 0; i < 2 * w->n && !w->same; i++)
    if (w->pad[i] >= w->kernel[i % w->n] && w->pad[i])
      SX_FAIL(e, FAIL, "pads[%d] is %lld, expected less than the kernel's %lld", i, (long long)w->pad[i],
              (long long)w->kernel[i % w->n]);
  return SX_OK;
}

sx_status sx_window_fits(const sx_window *w, int i, int64_t in, sx_err *e) {
  const int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1, room = in + w->pad[i] + w->pad[i + w->n];
  if (!w->same && extent > room && in)
    SX_FAIL(e, INVALID_ARGUMENT, "the kernel reaches over %lld along axis %d, the padded input has %lld", (long long)extent,
            i, (long long)room);
  return SX_OK;
}

int64_t sx_window_size(const sx_window *w, int i, int64_t in, int64_t *begin, int64_t *end) {
  int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1, s = w->stride[i];
  if (w->same) {
    int64_t out = (in + s - 1) / s, total = (out - 1) * s + extent - in;
    if (total < 0) total = 0;
    *begin = w->same == 1 ? total / 2 : total - total / 2;
    *end = total - *begin;
    return out;
  }
  *begin = w->pad[i], *end = w->pad[i + w->n];
  int64_t room = in + *begin + *end - extent;
  if (room < 0) return w->pool && in && room > -s; /* ONNX's division is cut towards 0 */
  int64_t out = room / s + 1;
  if (w->ceil && room % s && out * s < in + *begin)
    out++; /* a window that starts in the padding at the end does not count */
  return out;
}

sx_dim sx_window_dim(const sx_window *w, int i, sx_dim in, sx_dimtab *t) {
  int64_t b, e;
  if (sx_dim_is_const(in)) return sx_window_size(w, i, in, &b, &e);
  if (w->same) return sx_dim_ceildiv(t, in, w->stride[i]);
  int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
  sx_dim room = sx_dim_add(t, in, w->pad[i] + w->pad[i + w->n] - extent);
  if (w->ceil && w->stride[i] > 1) return SX_DIM_UNKNOWN; /* the last window depends on the numbers */
  sx_dim out = sx_dim_add(t, sx_dim_div(t, room, w->stride[i]), 1);
  const int64_t lack = extent - w->pad[i] - w->pad[i + w->n]; /* an axis below it has no whole window */
  if (!w->pool || w->stride[i] == 1 || lack < 2) return out;
  sx_dim reach = sx_dim_add(t, room, w->stride[i]);
  if (sx_dim_mul(t, out, w->stride[i]) == reach) return out; /* divides: none is cut */
  sx_dim least = sx_dim_min(t, reach, 1);
  return sx_dim_max(t, out, lack > w->stride[i] ? sx_dim_max(t, least, 0) : least);
}
