// SPDX-License-Identifier: MIT
/* The geometry of Col2Im: where in an image each element of the columns belongs. */
#ifndef SX_OPS_COL2IM_H
#define SX_OPS_COL2IM_H
#include "ops/ops.h"

enum { SX_COL2IM_AXES = 8 };
typedef struct sx_col2im {
  int axes;
  int64_t image[SX_COL2IM_AXES], block[SX_COL2IM_AXES], blocks[SX_COL2IM_AXES], step[SX_COL2IM_AXES],
      dilation[SX_COL2IM_AXES], pad[SX_COL2IM_AXES];
} sx_col2im;
/* From the node's attributes, the columns' dimensions [N, C * block, blocks] and `axes` sizes of the image and of a block;
 * INVALID_ARGUMENT when these do not belong together. Strides, dilations and blocks are positive afterwards. */
sx_status sx_col2im_read(const sx_node *n, const int64_t *columns, int axes, const int64_t *image, const int64_t *block,
                         sx_col2im *a, sx_err *e);
/* The place in its image of element `k` of a block, in the block numbered `b`; -1 in the padding. */
int64_t sx_col2im_place(const sx_col2im *a, int64_t k, int64_t b);
#endif
