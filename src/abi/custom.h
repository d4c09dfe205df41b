// SPDX-License-Identifier: MIT
/* Custom operators at work: what a session knows of those that its options brought, and the handles that their code gets.
 */
#ifndef SX_ABI_CUSTOM_H
#define SX_ABI_CUSTOM_H
#include "abi/session.h"

/* One registered operator of one session: what sx_node.custom points to. */
typedef struct sx_custom {
  const OrtCustomOp *op;
  struct sx_custom_ops *owner;
  sx_str domain, name;
  const struct sx_custom *overload; /* another one of that name */
  const char *ep; /* the provider that it is for, which runs it; NULL: the CPU */
} sx_custom;

/* A kernel made for a node of a model, and destroyed with that. */
typedef struct sx_custom_kernel {
  const OrtCustomOp *op;
  void *kernel;
} sx_custom_kernel;

struct sx_custom_ops {
  OrtSession *session;
  SX_VEC(sx_custom *) ops;
};

struct OrtKernelInfo {
  OrtSession *session;
  const sx_graph *graph;
  const sx_node *node;
};

struct OrtOpAttr {
  char *name;
  OrtOpAttrType type;
  size_t count; /* of values; of a string: bytes */
  size_t size;  /* of `data` */
  void *data;   /* float, int64_t or char; of strings: NUL-terminated one after the other */
  sx_rt_value *tensor;
};
/* An attribute of a node as an object of its own; NULL when out of memory. */
OrtOpAttr *sx_ort_attr_of(const sx_attr *a);

struct OrtKernelContext {
  OrtSession *session;
  const sx_call *call;
  const sx_graph *graph;
  const sx_node *node;
  const OrtCustomOp *op; /* NULL: of a plugin's node */
  const struct sx_ep_node *plugin;
  uint32_t n_in, n_out;
  sx_rt_value **in, **out; /* references */
};
/* Gives the references back: outputs go to the run when s is SX_OK. */
sx_status sx_kernel_context_finish(const sx_call *c, OrtKernelContext *k, sx_status s);

/* Domains of the options, checked. */
OrtStatus *sx_custom_open(OrtSession *s, struct sx_custom_ops **out);
void sx_custom_close(struct sx_custom_ops *c);
/* Hooks of the importer; ctx is the sx_custom_ops. */
const void *sx_custom_find(void *ctx, sx_str domain, sx_str op_type, int64_t version);
sx_status sx_custom_infer(void *ctx, sx_graph *g, sx_nid n, sx_err *e);
extern const sx_provider sx_custom_provider;

/* A tensor of the model as a value over the same bytes. */
OrtStatus *sx_ort_value_of(const sx_tensor *t, OrtAllocator *a, OrtValue **out);
#endif
