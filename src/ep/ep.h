// SPDX-License-Identifier: MIT
/* What a provider is to the plan: kernels that claim nodes, prepare for shapes, and run in ranges.
 *
 * A kernel goes through three times. `create`, once per session: reads attributes, packs constant weights. `prepare`, once
 * per signature of shapes: choices of algorithm, units, scratch; cheap. `run`, every time: ranges of units, on any thread,
 * no allocation. The split into units depends on shapes and ISA, never on the number of threads. */
#ifndef SX_EP_EP_H
#define SX_EP_EP_H
#include "base/cpu.h"
#include "base/stop.h"
#include "ir/graph.h"
#include "ops/ops.h"

/* A tensor as a kernel meets it at prepare time. */
typedef struct sx_view {
  uint8_t dtype;         /* UNDEFINED: an absent optional input or an output that nobody wants */
  uint8_t layout, block; /* sx_layout */
  int8_t rank;           /* -1: a value that is no tensor */
  const int64_t *dims;   /* logical */
  int64_t count;         /* elements of the logical shape */
  size_t size;           /* bytes, padding of a blocked layout included */
  const void *constant;  /* content, aligned, when it is constant; of a late-step input too */
  const int64_t *elems;  /* content of a small integer tensor, when it follows from the shapes; count entries */
} sx_view;

typedef struct sx_build sx_build;
typedef struct sx_prep sx_prep;
typedef struct sx_call sx_call;

/* Session time. Results live in `arena` (the session's); `state` is what prepare and run get. */
struct sx_build {
  const sx_graph *g;
  const sx_node *n;
  const sx_cpu *cpu;
  sx_arena *arena;
  struct sx_weights *weights; /* the session's packed weights: sx_weights_pack() */
  int level;                  /* optimisation level; 0 rounds after every step */
  uint32_t granted;           /* which of the kernel's offers it got, from 1; 0: none */
  void *state;
  uint32_t unused_inputs; /* bit i: run never reads input i (it was packed); its bytes may be given back */
  sx_err *e;
};
/* Packs `size` bytes made by fn from constant t, shared in the process by content, packing and ISA; `packing` names the
 * layout and its parameters. fn is called with disjoint ranges of [0, units), maybe on several threads; src has any
 * alignment. The second form leaves it to fn to multiply rows by t->factors, where there are any: src is what they apply
 * to. */
typedef sx_status (*sx_pack_fn)(const void *ctx, const void *src, void *dst, uint32_t begin, uint32_t end);
sx_status sx_weights_pack(sx_build *b, const sx_tensor *t, const char *packing, size_t size, uint32_t units, sx_pack_fn fn,
                          const void *ctx, const void **packed);
sx_status sx_weights_pack_scaled(sx_build *b, const sx_tensor *t, const char *packing, size_t size, uint32_t units,
                                 sx_pack_fn fn, const void *ctx, const void **packed);

/* A faster form that takes `bytes` more than the plain one and saves about gain_ns in every run. */
typedef struct sx_offer {
  size_t bytes;
  double gain_ns;
} sx_offer;
enum { SX_MAX_OFFERS = 2 };

/* One phase of a step: units are independent; a barrier follows. */
typedef sx_status (*sx_run_fn)(const sx_call *c, uint32_t begin, uint32_t end);
typedef struct sx_phase {
  sx_run_fn run;
  uint32_t units;
  float unit_ns;         /* rough cost of one unit on one core: decides how many threads and how large a grain */
  size_t worker_scratch; /* bytes per worker, aligned to 64 */
} sx_phase;
enum { SX_MAX_PHASES = 5 };

/* Instance time: shapes are numbers. params and everything they point to live in `arena` (the instance's). */
struct sx_prep {
  const void *state;
  const sx_graph *g;
  const sx_node *n;
  const sx_cpu *cpu;
  uint32_t n_in, n_out;
  const sx_view *in, *out;
  sx_arena *arena;
  sx_err *e;
  /* Results. */
  void *params;
  uint32_t n_phases;
  sx_phase phases[SX_MAX_PHASES];
  size_t scratch; /* shared by all phases and workers of the step, from the slab */
};

/* Run time. in[i] is NULL for an absent input, out[i] for an output that nobody wants. */
struct sx_call {
  const void *state;
  void *params;
  void *const *in;
  void *const *out;
  void *scratch;        /* sx_prep.scratch bytes */
  void *worker_scratch; /* of this phase, this worker's own */
  uint32_t worker, phase;
  const struct sx_late *late; /* late kernels only */
  sx_err *e;
};

enum {
  SX_KERNEL_INPLACE0 = 1 << 0,    /* output 0 may take input 0's buffer when sizes agree */
  SX_KERNEL_INPLACE1 = 1 << 1,    /* ... input 1's */
  SX_KERNEL_VIEW = 1 << 2,        /* no work: output 0 is input 0's bytes */
  SX_KERNEL_LATE = 1 << 3,        /* asks for its outputs while it runs (sx_late_output) */
  SX_KERNEL_BLOCKED = 1 << 4,     /* takes and gives blocked layouts (all of its 4-D operands alike) */
  SX_KERNEL_INPLACE_ANY = 1 << 5, /* any input may share its buffer with output 0 (elementwise programs) */
  SX_KERNEL_CONTENT = 1 << 7, /* prepare reads the contents of the operator's shape_inputs: where they are not constant, it
                               * is called while running, when they are there */
};

/* A row of kernels.def. Rows of one operator are tried in order; the first whose claim accepts has the node. */
typedef struct sx_kernel {
  const sx_op *op;
  const char *name; /* "gemm_f32": what explain and profiles show */
  uint32_t flags;
  /* Element types that input 0 may have (bit t), 0 = any. */
  uint32_t types;
  /* NULL, or: may the kernel run this node? When not, writes the reason ("K is not constant") and returns false. */
  bool (*claim)(const sx_graph *g, const sx_node *n, const char **reason);
  /* NULL, or: fills the node's offers, of rising size, and returns how many. Asked before any create; the plan grants at
   * most one to each node, within a budget of the session. b has no arena. */
  uint32_t (*offers)(const sx_build *b, sx_offer o[SX_MAX_OFFERS]);
  sx_status (*create)(sx_build *b); /* NULL: no state */
  sx_status (*prepare)(sx_prep *p);
} sx_kernel;

/* Late kernels: one unit, on the caller's thread, outputs of any kind. */
struct sx_rt_value;
typedef struct sx_late {
  /* Memory for tensor output o, which belongs to the run; a second call for the same output replaces the first. NULL with
   * the error set, or with e->code SX_OK when nobody wants the output. Never NULL for an empty tensor. */
  void *(*output)(const struct sx_late *l, uint32_t o, sx_dtype t, int rank, const int64_t *dims, sx_err *e);
  /* Views of the inputs as they are now. */
  const sx_view *in;
  uint32_t n_in, n_out;
  /* Values that are no plain tensors; borrowed. set_value takes over the reference. */
  struct sx_rt_value *(*value)(const struct sx_late *l, uint32_t i);
  sx_status (*set_value)(const struct sx_late *l, uint32_t o, struct sx_rt_value *v, sx_err *e);
} sx_late; /* kernels in run/ are given more: sx_late_ctx */
static inline void *sx_late_output(const sx_call *c, uint32_t o, sx_dtype t, int rank, const int64_t *dims) {
  return c->late->output(c->late, o, t, rank, dims, c->e);
}

/* A provider: kernels for the plan. The CPU's is always there and complete. */
typedef struct sx_provider {
  const char *name;                /* "CPUExecutionProvider" */
  const sx_kernel *const *kernels; /* NULL-terminated, rows of one operator together, best first */
  uint32_t channel_block;          /* lanes of its blocked layout for f32; 0: none */
} sx_provider;
const sx_provider *sx_cpu_provider(void);

/* The CPU's kernels for loops outside of a plan (ep/cpu/rows.c). */
/* n elements of any numeric type to another one. */
void sx_cpu_cast(sx_dtype from, sx_dtype to, void *dst, const void *src, int64_t n);
/* Rows of n logits become logarithms of probabilities, in place. scratch: as many bytes as the same call with x NULL says. */
size_t sx_cpu_log_softmax(float *x, int64_t rows, int64_t n, void *scratch);

/* Helpers for prepare. */
static inline int64_t sx_dims_count(const int64_t *dims, int from, int to) { /* checked before: instances refuse overflow */
  int64_t n = 1;
  for (int i = from; i < to; i++) n *= dims[i];
  return n;
}
/* Input i is there. */
static inline bool sx_prep_has(const sx_prep *p, uint32_t i) { return i < p->n_in && p->in[i].dtype; }
/* One phase of `units` units more. FAIL when there are too many units or phases. */
static inline sx_status sx_prep_phase(sx_prep *p, sx_run_fn run, int64_t units, double unit_ns, size_t worker_scratch) {
  if (units > UINT32_MAX) SX_FAIL(p->e, FAIL, "the work does not fit %lld units", (long long)units);
  if (units < 0 || p->n_phases == SX_MAX_PHASES)
    SX_FAIL(p->e, FAIL, "the work has %lld units, or more than %d phases", (long long)units, SX_MAX_PHASES);
  p->phases[p->n_phases++] = (sx_phase){run, (uint32_t)units, (float)unit_ns, worker_scratch};
  return SX_OK;
}
#endif
