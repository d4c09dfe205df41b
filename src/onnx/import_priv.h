// SPDX-License-Identifier: MIT
/* Shared by the importer's files. */
#ifndef SX_ONNX_IMPORT_PRIV_H
#define SX_ONNX_IMPORT_PRIV_H
#include "onnx/import.h"
#include "onnx/external.h"
#include "onnx/proto.h"

typedef struct sx_scope {     /* names of one graph, or of one function's expansion in it */
  struct sx_scope *outer;     /* of a body: the graph around it; of a function: none */
  sx_graph *g;
  sx_strmap names;            /* name -> value */
  const sx_proto_function *fn; /* NULL, or the function being expanded */
  const sx_proto_node *call;
  struct sx_scope *caller;    /* of a function's expansion */
  int depth;
} sx_scope;

typedef struct sx_importer {
  const uint8_t *bytes;
  size_t size;
  const sx_import_options *o;
  sx_proto_model *proto;
  sx_model *m;
  sx_arena arena;             /* of the messages; gone after the import */
  uint64_t free_dims_used;    /* a bit for each of the first 64 of o->free_dims */
  size_t expanded;            /* bytes, about, of what calls of functions copied so far */
  sx_external external;       /* mapped files of external data; the model takes them over */
  sx_err *e;
} sx_importer;

sx_status sx_import_fact(sx_importer *im, const sx_proto_type *p, sx_fact *f);
sx_status sx_import_type(sx_importer *im, const sx_proto_type *p, const sx_type **out);
sx_status sx_import_tensor(sx_importer *im, const sx_proto_tensor *p, sx_tensor **out); /* held by the model */
sx_status sx_import_external(sx_importer *im, const sx_proto_tensor *p, const sx_proto_tensor_info *info, sx_tensor **out);
/* The caller's own value for initializer `p` of the main graph; *out NULL: none was given. */
sx_status sx_import_given(sx_importer *im, const sx_proto_tensor *p, sx_tensor **out);
sx_status sx_import_sparse(sx_importer *im, const sx_proto_sparse *p, sx_tensor **out); /* made dense */
sx_status sx_import_attr(sx_importer *im, sx_scope *s, sx_nid node, const sx_proto_attr *p, sx_attr *out);
/* The node's attributes against the row, and against attr_rules.def. */
sx_status sx_import_check_attrs(const sx_schema *s, const sx_node *n, sx_err *e);
sx_status sx_import_graph(sx_importer *im, const sx_proto_graph *p, sx_scope *s);
sx_status sx_import_nodes(sx_importer *im, sx_scope *s, const sx_proto_nodes *nodes);

/* Names of a scope. `find` captures from the scopes around it, *out SX_NONE: there is none; `what` of `declare` is for the
 * message; `declare_unknown` is what `check` puts where something is missing: a value of which nothing is known. */
sx_status sx_import_find(sx_importer *im, sx_scope *s, sx_str name, sx_vid *out);
sx_status sx_import_declare(sx_importer *im, sx_scope *s, sx_str name, sx_vid v, const char *what);
sx_status sx_import_declare_unknown(sx_importer *im, sx_scope *s, sx_str name, sx_vid *v);
sx_str sx_import_keep(sx_importer *im, sx_str s); /* a copy that lives as long as the model; no memory: empty */
/* `check` hears of a problem and the import goes on; otherwise, and without memory, it ends. */
sx_status sx_import_told(sx_importer *im, sx_status s);
/* Calls inside of calls multiply: some kilobytes of functions can stand for more nodes than any memory holds. What is
 * copied for a call is therefore added up, roughly, and bounded. */
sx_status sx_import_pay(sx_importer *im, const sx_scope *s, size_t bytes);
size_t sx_import_tensor_cost(const sx_proto_tensor *t);
#endif
