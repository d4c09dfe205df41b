// SPDX-License-Identifier: MIT
/* Graph rewrites: the table of passes, patches, and what a pass may ask for.
 *
 * A pass is one file and one line of passes.def. Two kinds: patterns (a static table
 * and a function that builds a patch), and functions of the whole graph. A pass never edits edges by hand: it builds a
 * patch, the engine checks that facts agree, applies it, merges provenance and counts it. Every pass is linear or n log n
 * in nodes. */
#ifndef SX_PASS_PASS_H
#define SX_PASS_PASS_H
#include "base/log.h"
#include "ops/ops.h"

enum { SX_RUNS_PLAIN = 1, SX_RUNS_BLOCKED = 2 }; /* the second: in the blocked layout as well */

typedef struct sx_pass_ctx {
  sx_graph *g; /* the graph that the pass works on: the main one or a body */
  int level;   /* 0, 1, 2, 99 as in the C API */
  const sx_logger *log;
  sx_evaluate_fn evaluate;
  void *evaluate_ctx;
  /* How a kernel would take this node (SX_RUNS_*), 0: none would. Asked for every node of a patch; a patch with a node that
   * nobody takes is not applied. NULL: all are taken. */
  uint32_t (*can_run)(void *ctx, const sx_graph *g, sx_nid n);
  void *can_run_ctx;
  bool written;           /* the graph becomes a file: constants stay as small as they are */
  uint32_t channel_block; /* of the provider's blocked layout; 0: none */
  const char *disabled;   /* names separated by semicolons; ours, or those of ONNX Runtime that map to ours; may be NULL */
  uint32_t *fired;        /* counts, one per pass of the table; may be NULL */
  uint32_t pass;          /* index of the one that is running */
  sx_err *e;
} sx_pass_ctx;

typedef struct sx_pass {
  const char *name;
  int level; /* runs at this level and above */
  sx_status (*run)(sx_pass_ctx *c);
  const char *what; /* one line for people */
} sx_pass;
extern const sx_pass sx_passes[]; /* in order; name NULL at the end */

/* Runs all passes of the level on a graph and its bodies. */
sx_status sx_passes_run(sx_pass_ctx *c);

/* A patch: new nodes now, edges changed when it is applied. */
enum { SX_MAX_SWAPS = 8 };
typedef struct sx_patch {
  sx_pass_ctx *c;
  sx_graph *g;
  uint32_t first; /* nodes from here on are the patch's */
  uint32_t n;
  struct {
    sx_vid from, to;
  } swaps[SX_MAX_SWAPS];
  bool failed; /* out of memory or too many swaps: apply refuses */
} sx_patch;
sx_patch sx_patch_begin(sx_pass_ctx *c);
sx_vid sx_patch_node(sx_patch *p, const sx_op *op, const sx_vid *in, uint32_t n_in); /* one output */
sx_nid sx_patch_nodes(sx_patch *p, const sx_op *op, const sx_vid *in, uint32_t n_in, sx_vid *out, uint32_t n_out);
sx_nid sx_patch_last(const sx_patch *p); /* to set attributes */
void sx_patch_swap(sx_patch *p, sx_vid from, sx_vid to);
/* Infers the new nodes, checks that the facts of `to` do not contradict those of `from`, redirects the uses, sweeps what
 * died and gives its provenance to the new nodes; counts the pass as fired. *applied is false when the patch was undone
 * instead: no kernel takes one of its nodes, or facts contradict (a bug of ours that must not reach a user). `applied` may
 * be NULL. */
sx_status sx_patch_apply(sx_patch *p, bool *applied);

/* What patterns ask. */
sx_node *sx_pass_producer(const sx_graph *g, sx_vid v, const sx_op *op); /* the `op` whose output 0 is v, or NULL */
bool sx_pass_single_use(const sx_graph *g, sx_vid v);                    /* one use and no graph output */
bool sx_pass_scalar(const sx_graph *g, sx_vid v, double *x);             /* a constant with one element */
/* Whether a number may become an attribute, which is a float, of a node on `like`: f64 keeps what is none. */
bool sx_pass_fits_float(const sx_fact *like, double x);
/* n = x * scale + shift with numbers from constants, x of the result's shape; either may be trivial. */
bool sx_pass_affine(const sx_graph *g, const sx_node *n, sx_vid *x, double *scale, double *shift);
bool sx_pass_same_shape(const sx_fact *a, const sx_fact *b); /* tensors of known, provably equal shapes */
bool sx_pass_is_near(const sx_graph *g, sx_vid v, double x); /* that scalar, within 1e-3 relative (exporters round) */

/* The pattern matcher. Entry 0 is the root; operands name other entries, captures or constants. */
enum { SX_PAT_NODE, SX_PAT_ANY, SX_PAT_CONST, SX_PAT_SCALAR };
typedef struct sx_pat_arg {
  uint8_t kind, index;
  float value;
} sx_pat_arg;
enum { SX_PAT_ARGS = 4, SX_MATCH_NODES = 16 };
typedef struct sx_pat {
  const sx_op *op;
  uint8_t n; /* operands that matter; the node may have more */
  sx_pat_arg arg[SX_PAT_ARGS];
} sx_pat;
#define SX_P_N(i) \
  { SX_PAT_NODE, (i), 0 } /* made by entry i, and used only inside the pattern */
#define SX_P_X(i) \
  { SX_PAT_ANY, (i), 0 } /* capture i; a second mention must be the same value */
#define SX_P_C(i) \
  { SX_PAT_CONST, (i), 0 } /* capture i, a constant */
#define SX_P_K(v) \
  { SX_PAT_SCALAR, 0, (v) } /* a scalar constant near v */
typedef struct sx_match {
  sx_vid capture[8];
  sx_nid nodes[SX_MATCH_NODES];
} sx_match;
/* Matches with node n at the root; commutative operators in both orders. */
bool sx_match_at(const sx_graph *g, sx_nid n, const sx_pat *pat, uint32_t n_pat, sx_match *m);
#endif
