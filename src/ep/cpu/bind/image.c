// SPDX-License-Identifier: MIT
/* ImageDecoder: the size is in the bytes, so it runs late. What is no readable picture gives an empty one, as the standard
 * wants. */
#include "ep/cpu/image/image.h"
#include "ep/ep.h"

typedef enum order { RGB, BGR, GRAY } order;
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const sx_view *x = &c->late->in[0];
  order o = *(const order *)c->state;
  sx_image m;
  (void)begin, (void)end;
  if (x->rank != 1) SX_FAIL(c->e, FAIL, "input 0 has rank %d, expected a row of bytes", x->rank);
  SX_TRY(sx_image_decode(x->constant, (size_t)x->count, &m, c->e));
  uint8_t *y = sx_late_output(c, 0, SX_U8, 3, (int64_t[]){m.rgb ? m.height : 0, m.rgb ? m.width : 0, o == GRAY ? 1 : 3});
  for (int64_t i = 0; y && m.rgb && i < m.width * m.height; i++) {
    const uint8_t *p = m.rgb + 3 * i;
    if (o == GRAY)
      y[i] = (uint8_t)((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16); /* luma of BT.601 */
    else
      y[3 * i] = p[o == BGR ? 2 : 0], y[3 * i + 1] = p[1], y[3 * i + 2] = p[o == BGR ? 0 : 2];
  }
  sx_image_free(&m);
  return y ? SX_OK : c->e->code;
}
static sx_status create(sx_build *b) {
  order *o = SX_NEW(b->arena, order);
  sx_str format = sx_attr_str(b->n, "pixel_format", "RGB");
  if (!o) SX_NO_MEMORY(b->e);
  *o = sx_str_is(format, "BGR") ? BGR : sx_str_is(format, "Grayscale") ? GRAY : RGB;
  b->state = o;
  return SX_OK;
}
static sx_status prepare(sx_prep *p) { return sx_prep_phase(p, run, 1, 0, 0); }
const sx_kernel sx_cpu_ImageDecoder = {
    .op = &sx_op_ImageDecoder, .name = "image_decoder", .flags = SX_KERNEL_LATE, .create = create, .prepare = prepare};
