// SPDX-License-Identifier: MIT
/* A graph in the source dialect, made ready for those who take the model as it was written: providers expect what ONNX
 * Runtime's basic level leaves. Constants in use of known content are initializers, Identity and Dropout that does nothing are
 * gone, and each reader of a DequantizeLinear has one of its own. Operators and versions stay as they are. */
#ifndef SX_ONNX_SOURCE_H
#define SX_ONNX_SOURCE_H
#include "ir/graph.h"
#include "ops/ops.h"

/* Gives the values of g and of its bodies the types, shapes and contents that they have in `canonical`, the same file after
 * sx_canonicalise (values and nodes keep their numbers there). Contents are shared; the canonical model may go. */
sx_status sx_source_take_facts(sx_graph *g, const sx_graph *canonical, sx_err *e);
/* Gives every node, in bodies too, the attributes that its schema has a default for and the file leaves out. */
sx_status sx_source_defaults(sx_graph *g, sx_err *e);
/* Cleans g and its bodies up, and sorts them. */
sx_status sx_source_clean(sx_graph *g, sx_err *e);

/* Does the operator's first input have channels in a fixed place (nhwc.c)? */
bool sx_source_has_layout(const sx_node *n);
/* Makes the nodes of g that have a layout and are wanted channels-last ones; facts of new values are set. */
sx_status sx_source_channels_last(sx_graph *g, bool (*wanted)(void *ctx, sx_nid n), void *ctx, bool *changed, sx_err *e);
/* Takes those back that nobody has claimed since. */
sx_status sx_source_channels_first(sx_graph *g, sx_err *e);
#endif
