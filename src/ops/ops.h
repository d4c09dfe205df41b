// SPDX-License-Identifier: MIT
/* The operator table: what each operator means.
 *
 * An operator is one `sx_op` (in its own file or as a row of its family's) and one line of ops.def. It owns: how older
 * versions become the one canonical form, which facts follow for the outputs, the tolerance class and the flags. Names,
 * arities, types and attribute defaults are the schema's (schema.h). A private operator (domain "sardonyx") has no schema
 * but a lowering to standard ones. Providers and kernels are elsewhere: kernels.def. */
#ifndef SX_OPS_OPS_H
#define SX_OPS_OPS_H
#include "ir/graph.h"
#include "ops/schema.h"

enum {
  SX_OP_ELEMENTWISE = 1 << 0,      /* may become an instruction of a tile program: see the kernel family's table */
  SX_OP_VIEW = 1 << 1,             /* output 0 has input 0's bytes under another shape or name */
  SX_OP_COMMUTES = 1 << 2,         /* inputs 0 and 1 may be exchanged */
  SX_OP_NONDETERMINISTIC = 1 << 3, /* random: not folded, not merged */
  SX_OP_CONTROL = 1 << 4,          /* has bodies: run by the executor itself */
  SX_OP_HOST = 1 << 5,             /* reads or makes values that are no plain tensors */
  SX_OP_SHAPE_ONLY = 1 << 6,       /* needs its input's shape, never its content (Shape, Size, ConstantOfShape's kin) */
  SX_OP_QDQ_TRANSPARENT = 1 << 7,  /* moves data: quantise before or after is the same */
  SX_OP_PRIVATE = 1 << 8,          /* domain "sardonyx" */
  SX_OP_NAMED_BODIES = 1 << 10,    /* what a body's inputs and outputs are is told by their names */
  SX_OP_CHECK_SIZES = 1 << 9,      /* infer is asked again when sizes are numbers: kernels rely on what it refuses */
};

/* How near a kernel's result comes to the exact one: equal; rounded once; within sx_op.ulp units in the last place; a sum,
 * whose error grows with its length; within one step of the quantised result; random. */
typedef enum sx_accuracy { SX_EXACT, SX_ROUNDED, SX_ULP, SX_ACCUMULATE, SX_QUANTUM, SX_RANDOM } sx_accuracy;

typedef struct sx_infer sx_infer;
typedef struct sx_upgrade_ctx sx_upgrade_ctx;

typedef struct sx_op {
  const char *name;
  uint8_t domain;   /* sx_domain; ignored for private operators */
  uint8_t accuracy; /* sx_accuracy */
  uint8_t ulp;
  uint16_t flags;
  /* Inputs whose content decides the output's shape (Reshape's shape, Slice's bounds): bit i. When the content is known as
   * element facts no kernel needs the tensor. */
  uint32_t shape_inputs;
  /* Facts of the outputs from those of the inputs; sees the canonical form. NULL: nothing is known. */
  sx_status (*infer)(sx_infer *c);
  /* Control flow: gives the bodies' inputs and captures their facts. infer() then joins what the bodies give. */
  sx_status (*bind)(sx_infer *c);
  /* Turns a node of an older version into the next canonical step; called in order for each entry whose `below` is greater
   * than the node's since_version. */
  struct {
    int below;
    sx_status (*fn)(sx_upgrade_ctx *c);
  } upgrades[4];
  /* Private operators: replaces node n by standard ones. */
  sx_status (*lower)(sx_graph *g, sx_nid n, sx_err *e);
} sx_op;

#define SX_OP_ID(name)   sx_op_##name
#define OP(domain, name) extern const sx_op sx_op_##name;
#define PRIVATE(name)    extern const sx_op sx_op_##name;
#include "ops/ops.def"
#undef OP
#undef PRIVATE

/* The operator of a domain and name, or NULL. Private ones by domain text "sardonyx". */
const sx_op *sx_op_find(sx_str domain, sx_str name);

/* The name of the list of operators that this library was reduced to (docs/REDUCED.md); NULL: it has them all. */
extern const char *const sx_ops_reduced;

/* Inference. The engine calls the hook with every input fact there; outputs start unknown and are merged with what the
 * model declared (a contradiction of rank or type of a standard operator is FAIL, of a dimension: the inferred one wins).
 */
struct sx_infer {
  sx_graph *g;
  sx_nid id;
  sx_node *n;
  sx_dimtab *dims;
  sx_arena *arena; /* the model's */
  sx_err *e;
  sx_fact *out;      /* n->n_out facts to fill */
  const sx_fact *in; /* NULL, or facts that stand in for those of the inputs: sx_infer_concrete */
};
/* Fact of input i; NULL when absent. Never NULL below the schema's minimal arity. */
const sx_fact *sx_infer_in(const sx_infer *c, uint32_t i);
bool sx_infer_has_rank(const sx_infer *c, uint32_t i); /* present, tensor of known rank */
/* The output gets element type, rank and dimensions (copied). */
sx_status sx_infer_set(sx_infer *c, uint32_t o, int dtype, int rank, const sx_dim *dims);
/* Output o is like input i in type and shape. */
sx_status sx_infer_like(sx_infer *c, uint32_t o, uint32_t i);
sx_status sx_infer_same(sx_infer *c); /* hook: output 0 like input 0 */
sx_status sx_infer_broadcast(
    sx_infer *c); /* hook: all inputs broadcast, type of input 0; element facts of add, sub, mul ... */
sx_status sx_infer_compare(sx_infer *c); /* hook: the same, bool */
/* Broadcast of the shapes of inputs [from, to) into dims[SX_MAX_RANK]; *rank -1 when unknown. Two constants that clash: an
 * error. */
sx_status sx_infer_broadcast_dims(sx_infer *c, uint32_t from, uint32_t to, sx_dim *dims, int *rank);
/* Element facts of output o: copied; none are kept of more than SX_MAX_ELEMS. Type and shape must be set: what the type
 * cannot hold becomes unknown. */
sx_status sx_infer_elems(sx_infer *c, uint32_t o, uint32_t n, const sx_dim *elems);
/* Elements of an integer input: returns the count, -1 when nothing is known of them. Each may be a number, an expression or
 * SX_DIM_UNKNOWN. */
int sx_infer_ints(const sx_infer *c, uint32_t i, const sx_dim **elems);
sx_dim sx_infer_fresh(sx_infer *c); /* a size that only the run will tell */
sx_dim sx_infer_product(sx_infer *c, const sx_dim *d, int from, int to);
/* Axis in [-rank, rank) made non-negative; FAIL otherwise. */
sx_status sx_infer_axis(sx_infer *c, int64_t axis, int rank, int *out);
/* "expected ..., found ..." with the node named: use as return SX_INFER_FAIL(c, "..."). */
#define SX_INFER_FAIL(c, ...) sx_fail((c)->e, SX_E_FAIL, SX_HERE, __VA_ARGS__)
/* The same where inputs do not fit the operator or one another: FAIL when the model says so itself, INVALID_ARGUMENT when what
 * a run was given does. */
#define SX_INFER_MISFIT(c, ...) sx_fail((c)->e, sx_infer_misfit(c), SX_HERE, __VA_ARGS__)
sx_status sx_infer_misfit(const sx_infer *c);

/* Infers one node's outputs and writes the facts to its output values. */
sx_status sx_infer_node(sx_graph *g, sx_nid n, sx_err *e);
/* The same for a control-flow node whose bodies are inferred already. */
sx_status sx_infer_join(sx_graph *g, sx_nid n, sx_err *e);
/* Shapes at run time: the hook on facts given for the inputs (numbers, contents), results into out[]; the graph stays as it
 * is. `dims` and `arena` are the caller's own. */
sx_status sx_infer_concrete(const sx_graph *g, sx_nid n, const sx_fact *in, sx_fact *out, sx_dimtab *dims, sx_arena *arena,
                            sx_err *e);
/* Facts of captured values flow into a node's bodies; with op->bind also those of body inputs. */
sx_status sx_infer_bind(sx_graph *g, sx_nid n, sx_err *e);
/* All live nodes in order, bodies included. */
sx_status sx_infer_graph(sx_graph *g, sx_err *e);

/* Whether every element is known; *numbers: and is a number. */
bool sx_fact_is_complete(const sx_fact *f, bool *numbers);
/* The tensor that a fact of numbers describes. */
sx_status sx_fact_to_tensor(const sx_fact *f, sx_tensor **out, sx_err *e);

/* Runs a kernel on constants: given by `run`, so that folding computes with the real kernels. out[i] are new tensors, one
 * reference each, for the outputs that are wanted. */
typedef sx_status (*sx_evaluate_fn)(void *ctx, const sx_graph *g, sx_nid n, sx_tensor **out, sx_err *e);

/* The branch that an If takes when its condition is known, else NULL. */
sx_graph *sx_if_branch(const sx_graph *g, const sx_node *n);

/* What an upgrade may do: edit the node, add constants and nodes before or after it. One that fails where an input's rank is not
 * known, or with NEEDS_SHAPES, is asked again when the sizes of the model's inputs are known. */
struct sx_upgrade_ctx {
  sx_graph *g;
  sx_nid id;
  sx_node *n;
  int opset; /* of the node's domain in the model */
  sx_err *e;
};
/* Moves an attribute (INT, INTS, FLOAT, FLOATS, STRING) into input slot `slot` as a constant: scalar or 1-D of `dtype`. */
sx_status sx_upgrade_attr_to_input(sx_upgrade_ctx *c, const char *attr, uint32_t slot, sx_dtype dtype);
sx_vid sx_graph_const_i64(sx_graph *g, const int64_t *v, int64_t n, bool scalar);
sx_vid sx_graph_const_f32(sx_graph *g, float v);
/* The number in the element type that value `like` has, by way of a Cast. */
sx_vid sx_graph_const_like(sx_graph *g, sx_vid like, float v);
/* A 1-D int64 tensor that holds these dimensions, numbers or not: what Shape would give. rank <= SX_MAX_ELEMS. */
sx_vid sx_graph_const_dims(sx_graph *g, const sx_dim *dims, int rank);
/* New node of operator `op` on in[], with one new output; facts are inferred. SX_NONE when out of memory. */
sx_vid sx_graph_emit(sx_graph *g, const sx_op *op, const sx_vid *in, uint32_t n_in);
sx_node *sx_graph_emitted(sx_graph *g, sx_vid v); /* its producer, to set attributes before sx_infer_node */

#endif
