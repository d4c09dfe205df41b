// SPDX-License-Identifier: MIT
/* The geometry of Col2Im: see col2im.h. */
#include "ops/vision/col2im.h"

static int64_t attr_at(const sx_node *n, const char *name, int i, int64_t dflt) {
  const int64_t *v;
  return (uint32_t)i < sx_attr_ints(n, name, &v) ? v[i] : dflt;
}

sx_status sx_col2im_read(const sx_node *n, const int64_t *columns, int axes, const int64_t *image, const int64_t *block,
                         sx_col2im *a, sx_err *e) {
  int64_t blocks = 1, size = 1;
  a->axes = axes;
  for (int i = 0; i < axes; i++) {
    a->image[i] = image[i], a->block[i] = block[i], a->step[i] = attr_at(n, "strides", i, 1);
    a->dilation[i] = attr_at(n, "dilations", i, 1), a->pad[i] = attr_at(n, "pads", i, 0);
    if (a->step[i] < 1 || a->dilation[i] < 1 || a->block[i] < 1 || a->block[i] > INT32_MAX / a->dilation[i])
      SX_FAIL(e, INVALID_ARGUMENT, "axis %d has a block of %lld, stride %lld, dilation %lld: expected 1 or more", i,
              (long long)a->block[i], (long long)a->step[i], (long long)a->dilation[i]);
    int64_t room = -1;
    if (a->image[i] < 0 || !sx_i64_add(a->image[i], a->pad[i], &room) ||
        !sx_i64_add(room, attr_at(n, "pads", i + axes, 0), &room) ||
        !sx_i64_add(room, -a->dilation[i] * (a->block[i] - 1) - 1, &room))
      SX_FAIL(e, INVALID_ARGUMENT, "axis %d of the image has %lld elements: expected a size that there can be", i,
              (long long)a->image[i]);
    a->blocks[i] = room < 0 ? 0 : room / a->step[i] + 1;
    if (!sx_i64_mul(blocks, a->blocks[i], &blocks) || !sx_i64_mul(size, a->block[i], &size))
      SX_FAIL(e, INVALID_ARGUMENT, "the blocks are too many");
  }
  if (blocks != columns[2] || columns[1] % size)
    SX_FAIL(e, FAIL, "the columns are %lld x %lld, expected a multiple of the block, %lld, times %lld blocks",
            (long long)columns[1], (long long)columns[2], (long long)size, (long long)blocks);
  return SX_OK;
}

int64_t sx_col2im_place(const sx_col2im *a, int64_t k, int64_t b) {
  int64_t place = 0, step = 1;
  for (int i = a->axes - 1; i >= 0; i--) {
    const int64_t at = b % a->blocks[i] * a->step[i] - a->pad[i] + k % a->block[i] * a->dilation[i];
    if (at < 0 || at >= a->image[i]) return -1;
    place += at * step;
    step *= a->image[i], k /= a->block[i], b /= a->blocks[i];
  }
  return place;
}
