// SPDX-License-Identifier: MIT
/* External data: tensors whose elements lie in files beside the model.
 *
 * Each file is mapped once and shared by its tensors. A location is a path relative to the model's folder and may not lead
 * out of it. Statuses are ONNX Runtime's: whatever is wrong, a missing file too, is FAIL. */
#ifndef SX_ONNX_EXTERNAL_H
#define SX_ONNX_EXTERNAL_H
#include "base/file.h"
#include "onnx/proto.h"

typedef struct sx_external_file {
  sx_str location;
  sx_mapping map;
  bool owned; /* unmapped by sx_external_free; who takes the mapping over clears it */
} sx_external_file;
typedef struct sx_external {
  const char *base; /* path of the model file, of which only the folder counts; NULL: the working directory */
  sx_arena arena;
  sx_strmap by_location;
  SX_VEC(sx_external_file) files;
} sx_external; /* zero-initialised but for base */

/* Where a tensor's elements are said to be. */
typedef struct sx_external_info {
  sx_str location;
  uint64_t offset, length;
  bool has_length;
} sx_external_info;
typedef struct sx_external_span {
  uint32_t file; /* index into files */
  uint64_t offset;
  sx_proto_view view;
} sx_external_span;

/* Reads the external_data entries. */
sx_status sx_external_read(const sx_proto_tensor *t, sx_external_info *out, sx_err *e);
/* Finds the bytes of a checked tensor; maps its file if that is not there yet. */
sx_status sx_external_find(sx_external *x, const sx_proto_tensor *t, const sx_proto_tensor_info *info, sx_external_span *out,
                           sx_err *e);
/* The caller's bytes stand in for the file `location`; they must outlive x. A later one of the same location is refused. */
sx_status sx_external_add(sx_external *x, sx_str location, const void *data, size_t size, sx_err *e);
void sx_external_free(sx_external *x);
#endif
