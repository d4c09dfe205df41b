// SPDX-License-Identifier: MIT
/* Models in whichever of the two formats: ONNX's own, and ONNX Runtime's .ort, which is the same model as a FlatBuffer. */
#ifndef SX_ONNX_ORT_MODEL_H
#define SX_ONNX_ORT_MODEL_H
#include "onnx/proto.h"

typedef enum sx_format { SX_FORMAT_SEEN, SX_FORMAT_ONNX, SX_FORMAT_ORT } sx_format; /* SEEN: from the bytes */
enum { SX_ORT_VERSION = 6 }; /* of the format: the newest that ONNX Runtime 1.31.1 reads */

/* sx_proto_parse_model or its counterpart. What is not the given format is refused: INVALID_PROTOBUF, and FAIL for .ort. */
sx_status sx_model_parse(const void *data, size_t size, sx_format format, sx_arena *a, sx_proto_model **out, sx_err *e);

/* Appends the model in ORT format; *out is empty. The structs of its graphs are changed, with memory of the arena; all elements lie
 * in raw_data or string_data. FAIL above 2 GiB, NOT_IMPLEMENTED for what the format cannot say. */
sx_status sx_ort_model_write(sx_proto_model *m, sx_arena *a, sx_text *out, sx_err *e);
#endif
