// SPDX-License-Identifier: MIT
/* Col2Im of strings. Their sum is what lies one behind the other, in the order of the columns; nothing is the empty string. */
#include "ops/vision/col2im.h"
#include "run/exec.h"
#include "run/text.h"

static sx_status append(sx_rt_value *v, int64_t i, sx_str more, sx_err *e) {
  const sx_str old = ((const sx_str *)v->data)[i];
  char *to;
  if (!more.n) return SX_OK;
  SX_TRY(sx_rt_string_room(v, i, old.n + more.n, &to, e));
  if (old.n) memcpy(to, old.p, old.n);
  memcpy(to + old.n, more.p, more.n);
  return SX_OK;
}
static sx_status run_col2im(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_view *x = &c->late->in[0];
  const int axes = (int)c->late->in[1].count;
  const int64_t *image = c->in[1];
  int64_t block = 1, size = 1, dims[SX_COL2IM_AXES + 2] = {x->dims[0]};
  sx_col2im a;
  if (axes < 1 || axes > SX_COL2IM_AXES || c->late->in[2].count != axes)
    SX_FAIL(c->e, INVALID_ARGUMENT, "image_shape has %d entries, block_shape %lld", axes, (long long)c->late->in[2].count);
  SX_TRY(sx_col2im_read(sx_late_node(c), x->dims, axes, image, c->in[2], &a, c->e));
  for (int i = 0; i < axes; i++) {
    block *= a.block[i], dims[i + 2] = image[i];
    if (!sx_i64_mul(size, image[i], &size)) SX_FAIL(c->e, INVALID_ARGUMENT, "the image has too many elements");
  }
  dims[1] = x->dims[1] / block;
  sx_rt_value *v;
  SX_TRY(sx_rt_tensor_create(SX_STRING, (uint32_t)axes + 2, dims, NULL, &v, c->e));
  sx_status s = SX_OK;
  for (int64_t i = 0; i < x->count && s == SX_OK; i++) {
    const int64_t row = i / x->dims[2], place = sx_col2im_place(&a, row % block, i % x->dims[2]);
    if (place >= 0) s = append(v, row / block * size + place, ((const sx_str *)c->in[0])[i], c->e);
  }
  return sx_late_give(c, 0, v, s);
}
static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  *reason = "the input is no tensor of strings";
  return sx_value_at(g, n->in[0].value)->fact.dtype == SX_STRING;
}
SX_LATE_KERNEL(, sx_text_Col2Im, Col2Im, "text", run_col2im, claim);
