// SPDX-License-Identifier: MIT
/* From the graph back to ONNX's messages: what the importer does, the other way round.
 *
 * Canonical nodes are written in the lowest operator set that can say all of them, so that other runtimes read the file:
 * private operators are lowered and shape tensors that live in facts become nodes again. Nodes of the source dialect are
 * written as they stand. */
#ifndef SX_ONNX_EXPORT_H
#define SX_ONNX_EXPORT_H
#include "onnx/proto.h"
#include "ops/ops.h"

/* Makes the graph, bodies included, one that ONNX can say: it is changed. Facts are inferred anew. */
sx_status sx_export_prepare(sx_model *m, sx_err *e);
/* Constants whose elements follow from sizes become nodes that compute them (part of sx_export_prepare). */
sx_status sx_export_shapes(sx_graph *g, sx_err *e);

/* The messages of a prepared model (or of one in the source dialect); they point into the model and into the arena.
 * NOT_IMPLEMENTED names a node that no version of its operator can say. */
sx_status sx_export(const sx_model *m, sx_arena *a, sx_proto_model *out, sx_err *e);
/* Makes the messages of a canonical model those of operator set `least` of ai.onnx, where they are of an older one. */
sx_status sx_export_raise(sx_proto_model *p, int least, sx_arena *a, sx_err *e);
/* With the element types of all values, which the ORT format wants. */
sx_status sx_export_typed(const sx_model *m, sx_arena *a, sx_proto_model *out, sx_err *e);
#endif
