// SPDX-License-Identifier: MIT
/* Attributes of a node. */
#ifndef SX_IR_ATTR_H
#define SX_IR_ATTR_H
#include "base/str.h"
#include "ir/tensor.h"

/* AttributeProto.AttributeType. */
typedef enum sx_attr_type {
  SX_ATTR_UNDEFINED, SX_ATTR_FLOAT, SX_ATTR_INT, SX_ATTR_STRING, SX_ATTR_TENSOR, SX_ATTR_GRAPH, SX_ATTR_FLOATS, SX_ATTR_INTS,
  SX_ATTR_STRINGS, SX_ATTR_TENSORS, SX_ATTR_GRAPHS, SX_ATTR_SPARSE_TENSOR, SX_ATTR_SPARSE_TENSORS, SX_ATTR_TYPE_PROTO,
  SX_ATTR_TYPE_PROTOS
} sx_attr_type;

struct sx_graph;
struct sx_type;
/* Arrays, names and text live in the model's arena. */
typedef struct sx_attr {
  sx_str name;
  sx_attr_type type;
  uint32_t n; /* of a list */
  union {
    float f;
    int64_t i;
    sx_str s;
    sx_tensor *t;            /* the model holds the reference */
    struct sx_graph *g;
    const float *floats;
    const int64_t *ints;
    const sx_str *strings;
    sx_tensor *const *tensors;
    struct sx_graph *const *graphs;
    const struct sx_type *type_proto;
  };
} sx_attr;
#endif
