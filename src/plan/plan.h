// SPDX-License-Identifier: MIT
/* The plan of a graph: a flat list of steps over buffers, cut into segments, and its instances for concrete shapes.
 *
 * A plan is made once and depends on no size. Values that share memory (views, in-place results) share a buffer. Where a
 * size is known only while running (NonZero, Unique, a Reshape to computed numbers) the list is cut: each segment has
 * instances of its own, keyed by the values of the symbols it refers to. An instance holds every buffer's offset in the
 * segment's slab and every step's prepared state; it is immutable and shared by any number of runs. */
#ifndef SX_PLAN_PLAN_H
#define SX_PLAN_PLAN_H
#include "base/lock.h"
#include "base/pool.h"
#include "ep/ep.h"

typedef enum sx_buffer_kind {
  SX_BUF_SLAB,   /* planned memory of the segment */
  SX_BUF_CONST,  /* a constant's bytes */
  SX_BUF_ELEMS,  /* a small integer tensor that follows from the shapes: lies in the instance */
  SX_BUF_INPUT,  /* the caller's, or captured; index: among inputs, then captures */
  SX_BUF_OUTPUT, /* the caller's or to be allocated for it; index: output */
  SX_BUF_LATE    /* made by a late step while running; index: late value */
} sx_buffer_kind;

typedef struct sx_buffer {
  uint8_t kind;
  bool exported; /* SLAB: read in a later segment too */
  uint32_t index;
  uint32_t segment;     /* where it is made; 0 for inputs and constants */
  uint32_t place;       /* SLAB: its number among those of its segment; LATE: its first entry in its segment's patch */
  uint32_t n_patch;     /* LATE: of so many */
  uint32_t first, last; /* SLAB: steps that make and last read it */
  sx_vid value;         /* whose fact tells the size: the first member */
  const void *data;     /* CONST */
} sx_buffer;

typedef struct sx_step {
  const sx_kernel *kernel;
  sx_nid node;
  void *state;
  uint32_t args; /* first of n_in + n_out entries of plan->args */
  uint32_t n_in, n_out;
  uint32_t unused; /* sx_build.unused_inputs */
  bool copy;       /* a view whose result must lie elsewhere */
  bool nothing;    /* a view that needs no work */
} sx_step;

typedef struct sx_segment {
  uint32_t begin, end; /* steps */
  sx_nid infer;        /* SX_NONE, or: before it starts, this node's output shape is computed from contents */
  uint32_t n_keys;     /* symbols that its shapes refer to */
  uint32_t *keys;
  uint32_t n_patch; /* argument positions that change from run to run; of a late value made here, one after the other */
  uint32_t *patch;
  uint32_t n_slabs; /* SLAB buffers that are made here */
  uint32_t *slabs;
  sx_lock lock; /* guards the cache */
  struct sx_instance *cache[8];
  uint32_t turn;
} sx_segment;

/* An output that no step writes in place: copied from a buffer when the run ends. */
typedef struct sx_output_copy {
  uint32_t output, buffer;
} sx_output_copy;

typedef struct sx_plan {
  const sx_graph *graph;
  const sx_cpu *cpu;
  uint32_t width; /* threads that a step may use */
  bool split;     /* as in sx_plan_options */
  sx_arena arena;
  uint32_t n_steps, n_buffers, n_args, n_segments, n_late, n_copies;
  sx_step *steps;
  sx_buffer *buffers;
  uint32_t *args;         /* buffer of each argument, SX_NONE: absent */
  sx_vid *arg_values;     /* value of each argument */
  uint32_t *value_buffer; /* by value id; SX_NONE: not in the plan */
  sx_segment *segments;
  sx_output_copy *copies;
} sx_plan;

/* What the kernel of a step is prepared with. */
static inline sx_prep sx_step_prep(const sx_plan *p, const sx_step *s, const sx_view *in, const sx_view *out, sx_arena *a,
                                   sx_err *e) {
  return (sx_prep){.state = s->state,
                   .g = p->graph,
                   .n = sx_node_at(p->graph, s->node),
                   .cpu = p->cpu,
                   .n_in = s->n_in,
                   .n_out = s->n_out,
                   .in = in,
                   .out = out,
                   .arena = a,
                   .e = e};
}

typedef struct sx_ready { /* a step, prepared */
  void *params;
  uint32_t n_phases;
  sx_phase phases[SX_MAX_PHASES];
  uint32_t threads[SX_MAX_PHASES], grain[SX_MAX_PHASES];
  size_t scratch, worker_scratch; /* offsets in the slab */
  bool deferred;                  /* SX_KERNEL_CONTENT: prepared by every run */
} sx_ready;

typedef struct sx_instance {
  atomic_uint refs;
  sx_arena arena;
  int64_t *key;       /* n_keys symbol values */
  size_t slab;        /* bytes */
  size_t *offsets;    /* of the segment's SLAB buffers, by place */
  sx_view *views;     /* by argument position, from the segment's first step on; constant: of ELEMS buffers, too */
  sx_ready *steps;    /* from the segment's first step on */
} sx_instance;

typedef struct sx_plan_options {
  const sx_provider *const *providers; /* NULL-terminated, in order of preference */
  struct sx_weights *weights;
  uint32_t width;
  bool split; /* every step is cut among all threads, however short it is: for tests */
  int level;
  const sx_kernel *dynamic; /* for nodes with a rank that only the run tells, late; NULL: they are refused */
  /* explain: called with each refusal. May be NULL. */
  void (*refused)(void *ctx, const sx_graph *g, sx_nid n, const sx_kernel *k, const char *reason);
  void *refused_ctx;
} sx_plan_options;

/* Compiles the graph, whose facts are inferred. NOT_IMPLEMENTED names the first node that no kernel takes, and why. */
/* Of a body: symbols with outer_known[i] set are bound by the graphs around it; else NULL. */
sx_status sx_plan_create(const sx_graph *g, const sx_plan_options *o, const uint8_t *outer_known, sx_plan **out, sx_err *e);
void sx_plan_destroy(sx_plan *p);

/* The instance of a segment for these values of the model's symbols (SX_DIM_UNKNOWN: not known yet), from the cache or
 * made now. The caller drops it with sx_instance_unref. */
sx_status sx_plan_instance(sx_plan *p, uint32_t segment, const int64_t *symbols, sx_instance **out, sx_err *e);
void sx_instance_unref(sx_instance *i); /* NULL is allowed */

/* Best kernel of the providers for a node, or NULL with *reason of the last refusal. */
const sx_kernel *sx_plan_choose(const sx_graph *g, sx_nid n, const sx_plan_options *o, const char **reason);

/* Packed weights of a session; shares what the process has already. */
struct sx_weights *sx_weights_create(sx_pool *pool);
void sx_weights_destroy(struct sx_weights *w);
size_t sx_weights_bytes(const struct sx_weights *w);
#endif
