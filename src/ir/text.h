// SPDX-License-Identifier: MIT
/* The text form of a graph: for people, for `explain`, and for tests, which are written in it.
 *
 *   graph (x: float[n, 4], k: int64[2]) -> (y) {
 *     w = const float[4, 2] {1, 2, 3, 4, 5, 6, 7, 8}
 *     %7 = MatMul(x, w) : float[n, 2]
 *     y, _ = sardonyx.Something(%7, _, k) {axis = -1, eps = 1e-05, mode = "tanh", perm = [1, 0], body = graph (...) -> (...) {...}}
 *   }
 *
 * A name that is no plain word is quoted; a value without a name is %id. `_` is an absent input or an output that nobody wants.
 * A domain stands in front of the operator. Types behind nodes are for the reader: the parser takes them as declared types, which
 * inference may sharpen. `{...}` is content too long to show; parsed, it becomes small pseudo-random numbers that depend on the
 * shape alone, so that a printed graph can still run. A body names values of the graphs around it directly. */
#ifndef SX_IR_TEXT_H
#define SX_IR_TEXT_H
#include "ir/graph.h"

/* Live nodes in the order of sx_graph_sort; at most max_elems elements of a constant are shown. Appends to *out. */
void sx_graph_print(const sx_graph *g, uint32_t max_elems, sx_text *out);

/* Finds the operator of a node; NULL: not known. (ir does not know the operator table.) */
typedef const struct sx_op *(*sx_op_lookup)(sx_str domain, sx_str name);
/* A model of one graph. Values carry declared types only: the caller infers. INVALID_GRAPH names the line. */
sx_status sx_graph_parse(sx_str text, sx_op_lookup find, sx_model **out, sx_err *e);
#endif
