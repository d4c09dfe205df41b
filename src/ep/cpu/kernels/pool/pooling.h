// SPDX-License-Identifier: MIT
/* Pooling: maximum (with or without indices), average, Lp; 1-D to 3-D, and global as a window over everything.
 *
 * A tensor is `planes` images of D x H x W pixels of `lanes` adjacent elements: planes N*C and lanes 1 in the plain layout,
 * planes N*ceil(C/b) and lanes b in the blocked one, planes N and lanes C channels-last. Padded lanes that are zero stay
 * zero. The maximum ignores NaN; of a window without elements it is the lowest value, and its average is 0.
 *
 * A unit is a range of output rows; boundaries depend on shape and table alone. Nothing here allocates. */
#ifndef SX_POOLING_H
#define SX_POOLING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"
#include "base/status.h"

typedef enum sx_pooling_mode { SX_POOLING_MAX, SX_POOLING_AVERAGE, SX_POOLING_LP } sx_pooling_mode;
typedef enum sx_pooling_type { SX_POOLING_F32, SX_POOLING_F64, SX_POOLING_S8, SX_POOLING_U8, SX_POOLING_TYPES } sx_pooling_type;

/* Extents are right-aligned, axis 2 is W; an unused leading axis has in = out = kernel = stride = dilation = 1, pads 0. */
typedef struct sx_pooling_shape {
  int64_t planes, lanes;
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3], pad_end[3];
  sx_pooling_mode mode;
  sx_pooling_type type;    /* f32 and f64 in all modes, s8 and u8 in MAX */
  bool count_include_pad;  /* AVERAGE: divide by the window inside the padded image, not inside the image */
  int32_t p;               /* LP */
  bool column_major;       /* MAX with indices: storage_order 1 */
} sx_pooling_shape;

typedef struct sx_pooling_table sx_pooling_table;
/* The kernels of a level, or NULL when they are not in this build. */
const sx_pooling_table *sx_pooling_table_at(sx_isa isa);

typedef struct sx_pooling {
  const sx_pooling_table *table;
  sx_pooling_shape s;
  size_t scratch_bytes;
  int64_t units, rows; /* rows: of all planes */
  double unit_ns;
  bool by_list, plain;
} sx_pooling;

sx_status sx_pooling_prepare(sx_pooling *p, const sx_pooling_table *t, const sx_pooling_shape *s, sx_err *e);
/* indices: of MAX in the plain layout, as ONNX numbers them over the whole tensor; or NULL. */
void sx_pooling_run(const sx_pooling *p, const void *x, void *y, int64_t *indices, int64_t begin, int64_t end, void *scratch);

/* Obviously right, for every mode and type; rows [begin, end) of planes * out[0] * out[1]. Also the path of
 * most of LP. */
void sx_pooling_ref(const sx_pooling_shape *s, const void *x, void *y, int64_t *indices, int64_t begin, int64_t end);
#endif
