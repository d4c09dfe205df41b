// SPDX-License-Identifier: MIT
/* Saying one node in others while the model is read: what an upgrade does that replaces its node altogether.
 *
 * The nodes are emitted in order, each with its facts inferred, so that the next one can ask for shapes. Failures stick:
 * after the first one every step is SX_NONE, and sx_lower_done reports it. An absent optional operand is SX_LOWER_ABSENT,
 * because SX_NONE is what a failure left behind. */
#ifndef SX_OPS_LOWER_H
#define SX_OPS_LOWER_H
#include "ops/ops.h"

#define SX_LOWER_ABSENT (SX_NONE - 1)
#define SX_LOWER_ALWAYS INT32_MAX /* `below` of an upgrade for every version */

typedef struct sx_lower {
  sx_upgrade_ctx *c;
  sx_status status;
} sx_lower;

/* One node on in[] with attributes (their names outlive the model); gives output 0, or all n_out in out[]. */
sx_vid sx_lower_node(sx_lower *l, const sx_op *op, const sx_vid *in, uint32_t n_in, const sx_attr *attrs, uint32_t n_attrs);
void sx_lower_nodes(sx_lower *l, const sx_op *op, const sx_vid *in, uint32_t n_in, const sx_attr *attrs, uint32_t n_attrs,
                    sx_vid *out, uint32_t n_out);
#define SX_LOWER_IN(...)             (sx_vid[]){__VA_ARGS__}, sizeof((sx_vid[]){__VA_ARGS__}) / sizeof(sx_vid)
#define SX_LOWER_INT(key, v)         &(sx_attr){.name = SX_STR(key), .type = SX_ATTR_INT, .i = (v)}, 1
#define SX_LOWER_INTS(key, v, count) &(sx_attr){.name = SX_STR(key), .type = SX_ATTR_INTS, .ints = (v), .n = (count)}, 1
static inline sx_vid sx_lower_1(sx_lower *l, const sx_op *op, sx_vid a) { return sx_lower_node(l, op, &a, 1, NULL, 0); }
static inline sx_vid sx_lower_2(sx_lower *l, const sx_op *op, sx_vid a, sx_vid b) {
  return sx_lower_node(l, op, (sx_vid[]){a, b}, 2, NULL, 0);
}
static inline sx_vid sx_lower_3(sx_lower *l, const sx_op *op, sx_vid a, sx_vid b, sx_vid c) {
  return sx_lower_node(l, op, (sx_vid[]){a, b, c}, 3, NULL, 0);
}
sx_vid sx_lower_cast(sx_lower *l, sx_vid x, sx_dtype to);          /* x itself when it has the type */
sx_vid sx_lower_transpose(sx_lower *l, sx_vid x, const int *perm); /* x itself when nothing moves */
sx_vid sx_lower_reshape(sx_lower *l, sx_vid x, const sx_dim *dims, int rank);
/* Axes by number: op is ReduceSum or its kin, Squeeze or Unsqueeze. */
sx_vid sx_lower_reduce(sx_lower *l, const sx_op *op, sx_vid x, const int64_t *axes, uint32_t n, bool keep);
sx_vid sx_lower_axes(sx_lower *l, const sx_op *op, sx_vid x, const int64_t *axes, uint32_t n);
/* A 1-D or scalar constant of int64; a scalar number of the type. */
sx_vid sx_lower_ints(sx_lower *l, const int64_t *v, int64_t n);
sx_vid sx_lower_int(sx_lower *l, int64_t v);
sx_vid sx_lower_number(sx_lower *l, double v, sx_dtype t);
sx_vid sx_lower_shape(sx_lower *l, sx_vid x); /* what Shape gives */
/* The fact of a value; after a failure one of unknown rank. */
const sx_fact *sx_lower_fact(const sx_lower *l, sx_vid v);
sx_vid sx_lower_in(const sx_lower *l, uint32_t i); /* input i of the node, SX_LOWER_ABSENT when it has none */
static inline bool sx_lower_has(const sx_lower *l, uint32_t i) { return sx_node_in(l->c->n, i) != SX_NONE; }
#define SX_LOWER_FAIL(l, code_, ...) \
  ((l)->status == SX_OK ? ((l)->status = sx_fail((l)->c->e, SX_E_##code_, SX_HERE, __VA_ARGS__)) : (l)->status)

/* out[o] takes the place of output o, its name included; the node dies. */
sx_status sx_lower_done(sx_lower *l, const sx_vid *out, uint32_t n_out);
static inline sx_status sx_lower_end(sx_lower *l, sx_vid out) { return sx_lower_done(l, &out, 1); }
#endif
