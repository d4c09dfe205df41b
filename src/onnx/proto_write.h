// SPDX-License-Identifier: MIT
/* Models back to bytes, by the tables that read them.
 *
 * A field is written when its `has` bit is set or its value is not zero (of a oneof: when its bit is set), in the order of
 * field numbers; what protobuf's own writer makes of the same model is byte for byte the same. Unknown fields are not kept. */
#ifndef SX_ONNX_PROTO_WRITE_H
#define SX_ONNX_PROTO_WRITE_H
#include "onnx/proto.h"

/* Appends the struct `in` of message m. FAIL: nested too deeply, or more than the 2 GiB that protobuf's readers accept (then
 * tensors must go to external data). */
sx_status sx_wire_encode(const sx_wire_message *m, const void *in, sx_text *out, sx_err *e);
static inline sx_status sx_proto_write_model(const sx_proto_model *model, sx_text *out, sx_err *e) {
  return sx_wire_encode(&sx_proto_model_message, model, out, e);
}

/* Moves the initializers of all graphs of the model, subgraphs included, of at least `least` bytes to the end of *data, which
 * is or will be the file `location`; each at a multiple of `align` (a power of two). The structs are changed in place, with
 * memory of the arena; strings and external ones stay as they are. */
sx_status sx_proto_move_external(sx_proto_model *model, sx_str location, size_t least, size_t align, sx_arena *a, sx_text *data,
                                 sx_err *e);
#endif
