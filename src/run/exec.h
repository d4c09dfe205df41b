// SPDX-License-Identifier: MIT
/* The executor: runs a planned graph on values. A session's graph and every body has one.
 *
 * What a run writes is its frame: slabs, symbol values, pointers, late values. Frames come from a free list, so that any
 * number of runs go at once and a steady run allocates nothing but outputs left to us. */
#ifndef SX_RUN_EXEC_H
#define SX_RUN_EXEC_H
#include "base/log.h"
#include "base/pool.h"
#include "plan/plan.h"
#include "run/value.h"

typedef struct sx_exec sx_exec;
typedef struct sx_exec_options {
  sx_plan_options plan;
  const uint8_t *outer_known; /* of a body */
} sx_exec_options;

/* Plans the graph and, below it, every body. The graph must outlive the executor. */
sx_status sx_exec_create(const sx_graph *g, const sx_exec_options *o, sx_exec **out, sx_err *e);
void sx_exec_destroy(sx_exec *x);
const sx_plan *sx_exec_plan(const sx_exec *x);
/* The executor of the body in attribute `attr` of node n, or NULL. */
sx_exec *sx_exec_body(const sx_exec *x, sx_nid n, const char *attr);
/* Bytes held by idle frames; trims them away. */
size_t sx_exec_trim(sx_exec *x);

/* Called around every step when profiling. */
typedef struct sx_profile_hook {
  void (*step)(void *ctx, const sx_exec *x, uint32_t step, uint64_t begin_ns, uint64_t end_ns, const sx_instance *i,
               uint32_t segment);
  void *ctx;
} sx_profile_hook;

typedef struct sx_run_ctx {
  sx_pool *pool;
  const sx_profile_hook *profile;    /* NULL */
  const sx_rt_source *output_source; /* where outputs that the caller left to us come from; NULL: our heap */
  const sx_logger *log;
  const bool *on_device; /* by output: a provider's copy to the host is left out; NULL: none */
  void *caller;          /* of who started the run, for late kernels of his own */
  int depth; /* of nested bodies */
} sx_run_ctx;

/* inputs: one value per graph input, then one per capture; an input with a default may be NULL. outputs[i]: NULL on entry:
 * made here, one reference to the caller; else written in place. symbols: of the graphs around, or NULL. On failure what
 * was made is released and outputs are as they were. */
sx_status sx_exec_run(sx_exec *x, const sx_run_ctx *r, const int64_t *symbols, sx_rt_value *const *inputs,
                      sx_rt_value **outputs, sx_err *e);

/* For late kernels of control flow (sx_late_of). */
typedef struct sx_late_ctx {
  sx_late base; /* first: kernels get &base */
  sx_exec *x;
  struct sx_frame *f;
  const sx_run_ctx *r;
  uint32_t step;
} sx_late_ctx;
static inline const sx_late_ctx *sx_late_of(const sx_call *c) { return (const sx_late_ctx *)c->late; }
/* Input i of a late step as a value: a new reference. Tensors in a slab are wrapped (valid until the step returns). */
sx_status sx_late_take(const sx_call *c, uint32_t i, sx_rt_value **out);
/* The node that a late step runs. */
const sx_node *sx_late_node(const sx_call *c);
/* Ends a kernel that made v with status s: v becomes output o, or is dropped. */
sx_status sx_late_give(const sx_call *c, uint32_t o, sx_rt_value *v, sx_status s);
/* A late kernel of one function, as `id`; linkage: static, or nothing. */
#define SX_LATE_KERNEL(linkage, id, N, text, run, may)                                \
  static sx_status prepare_##N(sx_prep *p) { return sx_prep_phase(p, run, 1, 0, 0); } \
  linkage const sx_kernel id = {                                                      \
      .op = &sx_op_##N, .name = text, .flags = SX_KERNEL_LATE, .claim = may, .prepare = prepare_##N}
/* Output o, strings made by sx_late_output, gets texts of its own in place of borrowed ones. */
sx_status sx_late_own_strings(const sx_call *c, uint32_t o);
/* Runs the body of attribute `attr`: `formal` values for its inputs; captures are filled in from the node's inputs. */
sx_status sx_late_run_body(const sx_call *c, const char *attr, sx_rt_value *const *formal, sx_rt_value **outputs);
/* What control flow asks of whoever has values where the host cannot read them. */
typedef struct sx_control_host {
  void *ctx; /* first argument of all */
  bool (*makes)(void *ctx, uint32_t o); /* is output o made there? */
  /* A copy for the host; of what lies there already a reference. */
  sx_status (*to_host)(void *ctx, sx_rt_value *v, sx_rt_value **out, sx_err *e);
  sx_status (*make)(void *ctx, sx_dtype t, uint32_t rank, const int64_t *dims, sx_rt_value **out, sx_err *e);
  sx_status (*copy)(void *ctx, sx_rt_value *from, sx_rt_value *to, sx_err *e); /* of equal bytes, both there */
  sx_status (*concat)(void *ctx, sx_rt_value *const *parts, uint32_t n, sx_rt_value *whole, sx_err *e); /* of Loop; n > 0 */
  sx_status (*transpose)(void *ctx, const size_t *permutation, sx_rt_value *in, sx_rt_value *out, sx_err *e); /* of Scan */
} sx_control_host;
/* Runs the If, Loop or Scan of a late step; h NULL: everything lies with the host. */
sx_status sx_control_run(const sx_call *c, const sx_control_host *h);
extern const sx_provider sx_control_provider; /* If, Loop, Scan */
extern const sx_provider sx_host_provider;    /* sequences, optionals, maps */
extern const sx_provider sx_text_provider;    /* strings */
/* The providers that every session has, after those of its own; list has room for them and NULL. Returns how many there
 * are. */
enum { SX_OWN_PROVIDERS = 4 };
int sx_own_providers(const sx_provider **list);
extern const sx_kernel sx_host_CastMap, sx_host_DictVectorizer, sx_host_ZipMap; /* maps.c */
#endif
