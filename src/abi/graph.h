// SPDX-License-Identifier: MIT
/* OrtGraph, OrtNode and OrtValueInfo: a view of a graph of ours in the source dialect, or a description that the model editor
 * makes. Both have the same types in the interface; `editor` says which one it is.
 *
 * A view is made once, in the order of the graph, with every list that can be asked for; all of it is the view's and goes with
 * it. Bodies are views of their own, owned by the node that has them. */
#ifndef SX_ABI_GRAPH_H
#define SX_ABI_GRAPH_H
#include "abi/custom.h"
#include "onnx/proto.h"

enum { SX_VI_REQUIRED = 1, SX_VI_OPTIONAL = 2, SX_VI_OUTPUT = 4, SX_VI_CONSTANT = 8, SX_VI_OUTER = 16 };

typedef struct sx_consumer { const OrtNode *node; int64_t slot; } sx_consumer; /* slot -1: it is used in a body of the node */

struct OrtValueInfo {
  bool editor;
  bool listed;               /* among the inputs of a subset */
  uint8_t flags;             /* SX_VI_*; the rest but name and type is of views */
  const char *name;          /* editor: owned */
  OrtTypeInfo *type;         /* owned; NULL: not known */
  const OrtGraph *graph;
  sx_vid id;
  const OrtNode *producer;
  size_t output;             /* of the producer */
  uint32_t n_consumers;
  sx_consumer *consumers;    /* in the order of the nodes */
  const OrtValueInfo *outer; /* SX_VI_OUTER: the value around */
  sx_tensor *tensor;         /* of an initializer */
  sx_rt_value *value;        /* the same as a value, once somebody asked */
};

struct OrtNode {
  bool editor;
  const char *name, *op_type, *domain;
  size_t id;
  int since_version;
  const char *ep_name;
  const OrtGraph *graph;
  sx_nid source;             /* number in the graph that is viewed */
  uint32_t place;            /* in the view's list of nodes */
  uint32_t n_in, n_implicit, n_out, n_attrs, n_bodies;
  OrtValueInfo **in, **implicit, **out; /* NULL entries: left out */
  OrtOpAttr **attrs;
  OrtGraph **bodies;
  const char **body_names;   /* attributes that hold them */
  struct sx_editor_node *made; /* editor: see editor.h */
};

typedef struct sx_value_list { OrtValueInfo **at; uint32_t n; } sx_value_list;
/* What shows a number of the source graph: an array for one that is viewed whole (below n), a map for some of its nodes. */
typedef struct sx_view_ids { void **at; uint32_t n; sx_map few; } sx_view_ids;
struct OrtGraph {
  bool editor;
  sx_arena arena;
  const sx_graph *source;    /* what is viewed */
  sx_model *owned;           /* the model, when it goes with the view */
  const OrtGraph *outer;     /* of a body: the view around it */
  const OrtNode *parent;     /* of a body */
  OrtGraph *root;            /* the outermost view */
  const OrtGraph *of;        /* of a subset: the view whose nodes these are */
  sx_view_ids value_at, node_at; /* OrtValueInfo and OrtNode of a number in the source graph */
  SX_VEC(OrtValueInfo *) infos;
  sx_value_list inputs, outputs, initializers;
  OrtNode **nodes;           /* in execution order */
  uint32_t n_nodes;
  uint32_t fresh;            /* root: names given to values without one */
  sx_mutex lock;             /* root: of OrtValueInfo.value */
  const ORTCHAR_T *path;     /* root: of the model file; "" when there is none */
  struct sx_editor_graph *made; /* editor */
};

/* A view of the main graph of a model in the source dialect and of its bodies, sorted and with facts (onnx/source.h). It may not
 * change while the view lives. With `own`, the view takes the model over when this succeeds. */
sx_status sx_ort_graph_view(const sx_graph *source, bool own, OrtGraph **out, sx_err *e);
/* A view and those of its bodies made anew after the graph changed, in the place that holds it: that of the caller, or the one
 * among its node's bodies. */
sx_status sx_ort_graph_renew(OrtGraph **view, sx_err *e);
/* A view of some nodes of a view, in their order there, with the inputs and outputs that these have to the rest. It borrows
 * from `of`, which must live longer. */
sx_status sx_ort_graph_subset(const OrtGraph *of, const OrtNode *const *nodes, size_t n, OrtGraph **out, sx_err *e);
/* Model bytes as a provider sees them: read, cleaned up, with facts. */
sx_status sx_ort_graph_of_bytes(const void *data, size_t size, const sx_import_options *o, OrtGraph **out, sx_err *e);
void sx_ort_graph_free(OrtGraph *g);

/* What a view has for a value or a node of the source graph; NULL: nothing. */
OrtValueInfo *sx_ort_view_value(const OrtGraph *v, sx_vid id);
OrtNode *sx_ort_view_node(const OrtGraph *v, sx_nid id);
/* Entries of a list that the caller has room for; INVALID_ARGUMENT when there is too little. */
OrtStatus *sx_ort_list_out(const char *what, const void *list, size_t n, const void **out, size_t room);
/* What an operator set list says of a domain, as ONNX Runtime has it: what the model does not import counts with the newest
 * version that is known. 0: the domain is unknown. */
int sx_ort_opset(const sx_model *m, sx_str domain);
/* What a model says of itself; NULL: nothing. */
OrtStatus *sx_ort_metadata(const sx_model *m, OrtModelMetadata **out);
#endif
