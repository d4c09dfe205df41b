// SPDX-License-Identifier: MIT
/* Plugin providers as this library hosts them: libraries that the environment has loaded, the providers that a session made
 * of them, and the nodes that these took.
 *
 * Everything that a plugin hands over was built against some older or newer header: a callback that came later than the oldest
 * layout is read only when the struct's version has it (SX_EP_HAS). Locks held while a plugin runs are
 * those of sx_eps that keep its calls apart: `serial` runs of a provider that wants no two at once, `placing` its claims and
 * the making of its kernels, `events` what a profiler hears. */
#ifndef SX_ABI_PLUGIN_HOST_H
#define SX_ABI_PLUGIN_HOST_H
#include "abi/graph.h"

/* Does struct `p` have `member`, which came with API version v, and is it there? */
#define SX_EP_HAS(p, v, member) ((p)->ort_version_supported >= (v) && (p)->member)

/* A function of OrtEpApi that gives a member of what it is asked about. */
#define SX_EP_GETTER(Slot, Object, type, member)                                  \
  OrtStatus *ORT_API_CALL sx_epapi_##Slot(const Object *object, type *out) { \
    SX_API_NOT_NULL(object);                                                     \
    SX_API_NOT_NULL(out);                                                        \
    *out = object->member;                                                       \
    return NULL;                                                                 \
  }

enum { SX_EP_MAX_FACTORIES = 4, SX_EP_MAX_DEVICES = 8, SX_EP_MAX_DOMAINS = 256 };

typedef struct sx_ep_library {
  char *name, *path; /* of the registration */
  void *handle;
  ReleaseEpApiFactoryFn release;
  OrtEpFactory *factories[SX_EP_MAX_FACTORIES];
  OrtDataTransferImpl *transfers[SX_EP_MAX_FACTORIES];
  size_t n_factories;
  SX_VEC(OrtEpDevice *) devices;
  bool allows_virtual;    /* counted in OrtEnv.virtual_libraries */
  _Atomic uint32_t users; /* sessions with a provider of this library; for a moment, who copies or chooses. 0 while it goes */
} sx_ep_library;

/* A kernel definition and a registry of kernels (registry.c). */
typedef struct sx_ep_constraint {
  char *name;
  uint64_t types; /* bit t: element type t */
} sx_ep_constraint;
typedef struct sx_ep_alias {
  int32_t input, output;
} sx_ep_alias;
struct OrtKernelDef {
  char *op_type, *domain, *ep;
  int first, last; /* versions */
  SX_VEC(sx_ep_constraint) constraints;
  SX_VEC(sx_ep_alias) aliases, mutable_aliases;
  uint64_t host_in, host_out; /* bit i: in host memory */
  SX_VEC(OrtMemType) in_types, out_types;
};
typedef struct sx_ep_kernel {
  OrtKernelDef *def;
  OrtKernelCreateFunc create;
  void *create_state;
} sx_ep_kernel;
struct OrtKernelRegistry {
  SX_VEC(sx_ep_kernel) kernels;
};

/* Where inputs and outputs lay in the run that was captured under an id. */
typedef struct sx_ep_captured {
  int id;
  size_t n;
  uint64_t *words;
} sx_ep_captured;

/* How much a provider's nodes may take (budget.c). */
typedef struct sx_ep_budget {
  bool counts, limited, asked, full; /* counts: the session wants it; full: a claim found no room */
  uint64_t limit, used;              /* bytes */
  sx_map counted;                    /* weights */
} sx_ep_budget;

/* One provider of one session. */
typedef struct sx_ep {
  struct sx_eps *owner;
  uint32_t index; /* in owner->list */
  sx_ep_library *library;
  OrtEpFactory *factory;
  OrtEp *ep;
  const char *name;
  const OrtEpDevice *const *devices;
  uint32_t n_devices;
  OrtKernelRegistry *registry;    /* a copy; NULL: it compiles */
  const sx_memory *memory;        /* of its device; NULL: the host's */
  OrtAllocator *allocator, *own_allocator; /* for that memory; the second: made for this session */
  OrtDataTransferImpl *transfer;
  OrtEpDataLayout layout;         /* that it prefers */
  bool serial;                    /* no two runs at once */
  OrtEpProfilerImpl *_Atomic profiler; /* while the session profiles */
  SX_VEC(OrtSyncStream *) idle;   /* of no run now */
  SX_VEC(sx_ep_captured) captured;
  sx_ep_budget budget;
} sx_ep;

/* What a call of Compile gave. */
typedef struct sx_ep_compiled {
  sx_ep *ep;
  OrtNodeComputeInfo **infos;
  size_t n;
} sx_ep_compiled;

/* A node that a provider has: sx_node.custom, with sx_node.provider = &sx_plugin_provider. */
typedef struct sx_ep_node {
  sx_ep *ep;
  OrtNode *view;                /* what the provider was shown */
  const OrtNode *members;       /* name, domain and op_type of each node of the group */
  uint32_t n_members;
  OrtNodeComputeInfo *info;     /* compiled */
  const sx_ep_kernel *kernel;   /* from the registry */
  void *state;                  /* CreateState's; NULL: none yet */
  OrtKernelImpl *impl;
  bool created, to_host, to_device; /* the last two: a copy */
  bool constant;                /* of a copy to the device: what it copies never changes */
  sx_rt_value *cached;          /* ... and lies there */
  uint32_t output;              /* of a copy to the host: the graph's output that it makes alone; SX_NONE: it is for readers */
  uint32_t *makes;              /* by output, of a node whose results are the graph's: which one; NULL, SX_NONE: of none */
} sx_ep_node;

/* What was placed in one model, which owns it (sx_model.placed): a session that plans by signature has several. */
typedef struct sx_ep_placed {
  sx_arena arena;
  SX_VEC(sx_ep_compiled) compiled;
  SX_VEC(sx_ep_node *) nodes;
  SX_VEC(OrtValueInfo *) infos; /* of fused nodes */
  uint32_t fused;               /* groups so far, for names */
} sx_ep_placed;

/* A run (sx_run_ctx.caller). */
typedef struct sx_ep_run {
  struct sx_eps *x;
  const OrtRunOptions *o;
  OrtSyncStream **streams;    /* by provider; NULL: it has none */
  sx_rt_value **given, **kept; /* by graph output: what the caller gave in a provider's memory, or anywhere */
} sx_ep_run;

struct sx_eps {
  OrtSession *session;
  sx_arena arena;
  SX_VEC(sx_ep *) list; /* in order of preference */
  sx_mutex serial, copies, events; /* copies: of sx_ep_node.cached, sx_ep.idle, sx_ep.captured; events: of sx_ep.profiler */
  sx_mutex placing;                /* nodes are placed and made by one thread at a time, also while others run */
  sx_ep_placed *now;               /* of the model that is being placed */
  bool ready;                      /* the session stands; what is placed now is for a run */
  sx_ep *capturing;                /* records what runs do; NULL: none */
  bool any_serial;
  SX_VEC(const char *) notes; /* claims that were refused, and why; none is added once the session is ready */
  uint32_t contexts;          /* groups with an EPContext node */
  char *context_path;         /* of the context model, or NULL: it is written when the session is ready ... */
  sx_text context;
};

/* ---- library.c: a library that is held cannot be unregistered ---- */
/* Who copies between two memories of which one is a plugin's, and the library that this is, held; NULL and NULL: nobody. */
OrtDataTransferImpl *sx_env_transfer(const OrtEnv *env, const sx_memory *from, const sx_memory *to, sx_ep_library **held);
/* The library of a device, which need not be one any more, held; NULL: it is the CPU. */
OrtStatus *sx_ep_library_of(const OrtEnv *env, const OrtEpDevice *device, sx_ep_library **held);
void sx_ep_library_drop(sx_ep_library *l); /* NULL is allowed */
/* All devices, and their libraries held, until they are dropped. */
void sx_env_devices_hold(const OrtEnv *env, const OrtEpDevice *const **list, size_t *n);
void sx_env_devices_drop(const OrtEpDevice *const *list, size_t n);

struct OrtNodeComputeContext {
  const char *name;
};

/* ---- session.c: the providers that a session's options ask for ---- */
/* Adds to the options' providers by policy (policy.c), once; the model, for a delegate: at a path or as bytes, or neither. */
OrtStatus *sx_eps_choose(OrtSession *s, const char *path, const void *data, size_t size);
/* Makes them; *out NULL: there are none but our own. */
OrtStatus *sx_eps_open(OrtSession *s, struct sx_eps **out);
void sx_eps_close(struct sx_eps *x);
void sx_ep_placed_free(void *placed);
/* Is there a provider of that name? x may be NULL. */
bool sx_eps_has(const struct sx_eps *x, const char *name);
/* Waits for what providers have still to do. */
OrtStatus *sx_eps_sync(struct sx_eps *x);
/* Copies a tensor, wherever it lies, into one in a provider's memory, by that provider's one of the run's streams. */
OrtStatus *sx_eps_copy_into(struct sx_eps *x, OrtSyncStream *const *streams, sx_rt_value *from, sx_rt_value *to);
/* After the session is ready. */
OrtStatus *sx_eps_ready(struct sx_eps *x);

/* ---- events.c: profilers of providers ---- */
OrtStatus *sx_ep_profile_begin(struct sx_eps *x);
/* Their events go to `to`. */
void sx_ep_profile_end(struct sx_eps *x, sx_profile *to);

/* ---- place.c: who takes which node ---- */
/* Hook of the importer (sx_import_options.place). */
sx_status sx_eps_place(void *ctx, sx_model *source, const void *data, size_t size, const sx_import_options *o, sx_err *e);
/* Puts copies where values cross memories; after everything is placed. */
sx_status sx_eps_add_copies(struct sx_eps *x, sx_graph *g, sx_err *e);

/* ---- budget.c ---- */
OrtStatus *sx_ep_budget_open(sx_ep *p);
/* Before another model is placed, and at the end. */
void sx_ep_budget_reset(sx_ep *p);

/* ---- context.c ---- */
/* Can the provider do what the options want of what it is about to compile: without weights, with functions for named data? */
sx_status sx_ep_context_able(sx_ep *p, OrtGraph *const *groups, size_t n, sx_err *e);

/* ---- context_node.c: EPContext ---- */
/* Is what providers compile to be written? */
bool sx_ep_context_writes(const struct sx_eps *x);
/* Node `id` becomes the EPContext node that its provider made (NULL: none) for whoever writes the model. */
sx_status sx_ep_context_take(struct sx_eps *x, sx_graph *g, sx_nid id, const OrtNode *context, sx_err *e);
/* What providers say of a model that is about to be compiled goes into its metadata, if it is to be written. */
sx_status sx_ep_context_describe(struct sx_eps *x, sx_model *m, sx_err *e);
/* FAIL when a compiled node has none. */
sx_status sx_ep_context_check(const sx_model *m, sx_err *e);
/* The file that a context model goes to when nobody says: model.onnx becomes model_ctx.onnx. */
void sx_ep_context_path(const char *model, sx_text *out);
/* Session option ep.context_enable: keeps the bytes of the model of the source dialect, read from file `model` (may be NULL). */
sx_status sx_ep_context_keep(struct sx_eps *x, sx_model *m, const char *model, sx_err *e);
/* Writes what was kept last, if anything was, and lets go of it. */
OrtStatus *sx_ep_context_write(struct sx_eps *x);

/* ---- registry.c ---- */
OrtStatus *sx_ep_registry_copy(const OrtKernelRegistry *from, OrtKernelRegistry **out);
void sx_ep_registry_free(OrtKernelRegistry *r);
/* The kernel that fits a node of the source dialect, or NULL. */
const sx_ep_kernel *sx_ep_registry_find(const OrtKernelRegistry *r, const char *ep, const OrtNode *n);

/* ---- ends.c ---- */
/* Can graph input `index` be given in memory m as it is: does nobody but a provider read it, whose memory that is? */
bool sx_eps_reads(const OrtSession *s, uint32_t index, const sx_memory *m);

/* ---- memory.c ---- */
/* The provider of the session that has this memory, or NULL. */
sx_ep *sx_eps_with_memory(const struct sx_eps *x, const sx_memory *m);
/* The allocator of a provider's memory; NULL: no provider of the session has it. */
OrtAllocator *sx_eps_allocator(const struct sx_eps *x, const sx_memory *m);
/* Copies the bytes of one tensor into another of that size; stream NULL: they are there when it returns. */
OrtStatus *sx_transfer_one(OrtDataTransferImpl *t, const sx_rt_value *from, sx_rt_value *to, OrtSyncStream *stream);
/* A copy of tensor v in the memory of ep or of the host, by ep's transfer, for a step of a run; it is there when this returns. */
sx_status sx_ep_copy(const sx_call *c, sx_ep *ep, sx_rt_value *v, bool to_device, sx_rt_value **out, sx_err *e);

/* Does node n, which no provider has, neither read nor make anything in a provider's memory? */
bool sx_eps_is_apart(sx_graph *g, const sx_node *n, sx_ep *p);
/* Is output i of the node made in its provider's memory? n may be NULL. */
bool sx_ep_makes_there(const sx_ep_node *n, size_t i);
/* A tensor in that memory, for a step of a run (c may be NULL). */
sx_status sx_ep_tensor(const sx_call *c, const sx_ep *p, sx_dtype t, uint32_t rank, const int64_t *dims, sx_rt_value **out,
                       sx_err *e);
/* What the caller has given for output i of the node; NULL: nothing. Borrowed. */
sx_rt_value *sx_ep_given(const sx_call *c, const sx_ep_node *n, size_t i);

/* ---- node.c ---- */
/* fn(arg) calls a plugin and leaves at `status` what it says. An exception that it throws is a status, too. */
OrtStatus *sx_ep_call(void (*fn)(void *arg), void *arg, OrtStatus **status);
/* A failure s of a copy gets which value it is, of which provider, and the node that makes it or wants it. */
sx_status sx_ep_copy_context(const sx_graph *g, const sx_node *copy, sx_status s, sx_err *e);

/* ---- prepack.c ---- */
/* A kernel that was made is shown its constant inputs. */
sx_status sx_ep_prepack(sx_ep_node *x, const sx_build *b);

/* ---- control.c: If, Loop and Scan for a provider ---- */
bool sx_ep_is_control(const OrtKernelImpl *impl);
sx_status sx_ep_run_control(sx_ep_node *x, const sx_call *c);

/* ---- run.c ---- */
OrtStatus *sx_eps_run(struct sx_eps *x, const OrtRunOptions *o, sx_run_options *ro, sx_rt_value *const *inputs,
                      sx_rt_value **outputs, const bool *wanted);
/* The addresses of the graph captured under *id, or of all. */
void sx_ep_forget_captured(sx_ep *p, const int *id);

/* ---- stream.c ---- */
/* A stream of the provider for a run: `given` where that is one of its device's. *out NULL: it has no streams. */
OrtStatus *sx_ep_stream_open(sx_ep *p, OrtSyncStream *given, OrtSyncStream **out);
/* The run is over; s may be NULL. sync: what it was given to do is done when this returns, and the stream is told. */
OrtStatus *sx_ep_stream_close(sx_ep *p, OrtSyncStream *given, OrtSyncStream *s, bool sync);
/* The one that a step of a run uses; NULL: none. */
OrtSyncStream *sx_ep_stream(const sx_call *c, const sx_ep *ep);
/* Until everything so far is done; s may be NULL. */
OrtStatus *sx_ep_stream_wait(OrtSyncStream *s);

extern const sx_provider sx_plugin_provider;
static inline const sx_ep_node *sx_ep_node_of(const sx_node *n) {
  return n->provider == &sx_plugin_provider ? n->custom : NULL;
}
#endif
