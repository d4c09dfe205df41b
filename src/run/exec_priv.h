// SPDX-License-Identifier: MIT
/* Shared by the executor's files: exec.c (steps), late.c (late steps), now.c (sizes found while running). */
#ifndef SX_RUN_EXEC_PRIV_H
#define SX_RUN_EXEC_PRIV_H
#include "run/exec.h"

/* A body of a control-flow node and its executor. */
typedef struct sx_body {
  sx_nid node;
  const char *attr;
  sx_exec *x;
} sx_body;
struct sx_exec {
  sx_plan *plan;
  SX_VEC(sx_body) bodies;
  uint32_t *output_arg; /* by output: argument position that makes it, or SX_NONE */
  sx_lock lock;
  struct sx_frame *idle;
};

typedef struct sx_seg_state {
  sx_instance *inst;
  void *slab;
  size_t slab_size;
} sx_seg_state;

typedef struct sx_frame {
  struct sx_frame *next;
  int64_t *symbols;
  sx_seg_state *segs;
  void **ptrs;        /* by argument position */
  void **ext;         /* by buffer: inputs, outputs, late values, exported slab buffers */
  sx_rt_value **late; /* by late value */
  sx_rt_value **out;  /* by output: the one being written */
  sx_rt_value *const *in;
  sx_view *late_views;
  sx_arena scratch; /* what a step or a cut needs while it is prepared; reset after each */
  sx_bin *bin;      /* NULL, or of plans with late steps or strings: what they give back and take again */
  size_t bytes;     /* of this block */
  uint32_t most_args;
} sx_frame;

/* A value's sizes as they are now against its fact; symbols that were open are bound. `what`: "input" or "output", for the
 * message. */
sx_status sx_exec_bind_dims(const sx_graph *g, sx_vid v, const char *what, int rank, const int64_t *dims, int64_t *symbols,
                            sx_err *e);
/* Runs a late step and binds the sizes of what it made. */
sx_status sx_exec_run_late(sx_exec *x, sx_frame *f, const sx_run_ctx *r, uint32_t step, const sx_view *views, sx_call *c);

sx_status sx_numbers_now(const sx_graph *g, const sx_frame *f, const sx_dim *dims, uint32_t n, int64_t least, sx_arena *a,
                         int64_t **out, sx_err *e);
sx_status sx_dims_now(const sx_graph *g, const sx_frame *f, const sx_fact *fact, sx_arena *a, int64_t **out, sx_err *e);
/* Where a buffer's bytes are; NULL for what follows from the shapes (sx_write_elems). */
void *sx_buffer_now(const sx_plan *p, const sx_frame *f, uint32_t b);
/* The shapes of a node's outputs from the contents of its inputs: binds their symbols. */
sx_status sx_infer_now(sx_exec *x, sx_frame *f, sx_nid id, sx_err *e);
/* The elements of an output that follow from the shapes and that no step has wanted. */
sx_status sx_write_elems(const sx_graph *g, const sx_frame *f, sx_vid v, sx_rt_value *out, sx_arena *a, sx_err *e);
#endif
