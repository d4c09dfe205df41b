// SPDX-License-Identifier: MIT
/* What the model editor describes, before it is a model: OrtGraph, OrtNode and OrtValueInfo with `editor` set, and OrtModel.
 *
 * A description becomes the messages of a file (onnx/proto.h) without the initializers' data, and those their bytes: what reads
 * files reads it. The data stay in the caller's values, which the session holds. */
#ifndef SX_ABI_EDITOR_H
#define SX_ABI_EDITOR_H
#include "abi/graph.h"

enum { SX_EDITOR_IR_VERSION = 14 }; /* of models that are made here: the newest */

typedef struct sx_editor_node {
  sx_arena arena;      /* of the message and of what it points to */
  sx_proto_node proto;
  SX_VEC(sx_rt_value *) held; /* tensors of attributes */
} sx_editor_node;

typedef struct sx_editor_initializer { char *name; sx_rt_value *value; } sx_editor_initializer;
typedef struct sx_editor_graph {
  SX_VEC(OrtValueInfo *) inputs;
  SX_VEC(OrtValueInfo *) outputs;
  SX_VEC(sx_editor_initializer) initializers;
  SX_VEC(OrtNode *) nodes;
  sx_strmap names;     /* of initializers */
} sx_editor_graph;

struct OrtModel {
  sx_arena arena;
  SX_VEC(sx_proto_opset) opsets;
  OrtGraph *graph;     /* owned */
};

void sx_editor_value_info_free(OrtValueInfo *v);
void sx_editor_node_free(OrtNode *n);
void sx_editor_graph_free(OrtGraph *g);
/* Of a graph that is described: how many "inputs", "outputs", "initializers" or "nodes". */
size_t sx_editor_count(const OrtGraph *g, const char *what);
/* The message of an attribute, in the arena; tensors point to the attribute's value. */
OrtStatus *sx_editor_attr(const OrtOpAttr *a, sx_arena *arena, sx_proto_attr *out);

/* The description as bytes of a file, added to `base` unless that is NULL: operator sets and nodes are added, inputs and outputs
 * are replaced where the description has some. Initializers have a type and no data there. */
OrtStatus *sx_editor_write(const OrtModel *m, const sx_proto_model *base, sx_text *out);
/* Hands the data of the initializers to the session that will read the bytes. */
OrtStatus *sx_editor_give(const OrtModel *m, OrtSessionOptions *to);
#endif
