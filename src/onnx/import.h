// SPDX-License-Identifier: MIT
/* From ONNX's messages to the canonical graph: the floor where operator set versions end.
 *
 * Reading makes the graph as it was written (names, scopes, captures; unsorted files are fine); canonicalising then walks
 * it in execution order, validates each node against its schema row, runs the operator's upgrades and infers its facts. */
#ifndef SX_ONNX_IMPORT_H
#define SX_ONNX_IMPORT_H
#include "base/log.h"
#include "ir/graph.h"
#include "onnx/ort_model.h"
#include "ops/ops.h"

typedef struct sx_free_dim {
  sx_str name;
  bool by_denotation;
  int64_t value;
} sx_free_dim;
/* An initializer that the caller gives himself (the bytes live as long as the model), and a file of external data in memory
 * (its bytes may go after the import, unless bytes_live). */
typedef struct sx_import_value {
  sx_str name;
  sx_dtype dtype;
  int32_t rank;
  const int64_t *dims;
  const void *data;
} sx_import_value;
typedef struct sx_import_file {
  sx_str location;
  const void *data;
  size_t size;
} sx_import_file;
typedef struct sx_input_shape {
  sx_str name;
  int32_t rank;
  const int64_t *dims;
} sx_input_shape;
typedef struct sx_import_options {
  const char *path;   /* of the model file: external data are looked for beside it; NULL: in the working directory */
  const char *folder; /* or here, when it is given; lives as long as a session made so */
  sx_format format;   /* of the bytes */
  bool bytes_live;    /* the caller keeps the bytes as long as the model */
  bool mapped;        /* the bytes are a mapping that the model owns */
  sx_file_id file;
  const sx_free_dim *free_dims;
  uint32_t n_free_dims;
  const sx_import_value *values;
  uint32_t n_values;
  const sx_import_file *files;
  uint32_t n_files;
  const sx_input_shape *shapes; /* of inputs of the main graph: these, whatever the model says */
  uint32_t n_shapes;
  /* Custom operators: what was registered for (domain, name) at the model's version of the domain, or NULL. */
  const void *(*custom)(void *ctx, sx_str domain, sx_str op_type, int64_t version);
  void *custom_ctx;
  /* Types and shapes of a custom node's outputs; may be NULL. */
  sx_status (*custom_infer)(void *ctx, sx_graph *g, sx_nid n, sx_err *e);
  /* Between the two dialects: the source graph before it becomes canonical. What it sets `custom` on is left as it is, and so
   * are the facts of its outputs. May be NULL. */
  sx_status (*place)(void *ctx, sx_model *source, const void *data, size_t size, const struct sx_import_options *o,
                     sx_err *e);
  void *place_ctx;
  /* Computes small constants while reading, where sizes and branches follow from them; may be NULL. */
  sx_evaluate_fn evaluate;
  void *evaluate_ctx;
  bool fold; /* large ones, too: for who takes the graph without the passes */
  /* `check`: called for every problem, also one that ends the import; where it goes on, values of which nothing is known
   * stand for what is missing, and success says nothing. NULL: the first problem ends it. */
  void (*problem)(void *ctx, const sx_err *e);
  void *problem_ctx;
  const sx_logger *log;
} sx_import_options;

/* The two dialects of a graph, and the way from one to the other. The source dialect is the model as written: names,
 * operators, domains, operator set versions (sx_node.since_version), declared types, `op` NULL; functions are expanded. The
 * canonical one has every node in its newest form with inferred facts; names of values are the same in both. */
sx_status sx_import_source(const void *data, size_t size, const sx_import_options *o, sx_model **out, sx_err *e);
sx_status sx_canonicalise(sx_model *m, const sx_import_options *o, sx_err *e);
/* Both: reads a serialized ModelProto, or a model in ORT format. On failure *out is NULL. */
sx_status sx_import(const void *data, size_t size, const sx_import_options *o, sx_model **out, sx_err *e);
#endif
