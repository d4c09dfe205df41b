// SPDX-License-Identifier: MIT
/* The graph: values with facts, nodes, use lists, and the model that owns them.
 *
 * Ids index vectors and stay valid for the graph's life; a dead node keeps its id. A body (of If, Loop, Scan) is a graph
 * whose captures are explicit: the owner node lists them as inputs after its formal ones (n_formal), so that use lists,
 * liveness and every pass treat them like any input. All memory is the model's arena: nothing here is freed alone. */
#ifndef SX_IR_GRAPH_H
#define SX_IR_GRAPH_H
#include "base/lock.h"
#include "ir/attr.h"
#include "ir/dim.h"
#include "ir/tensor.h"

typedef uint32_t sx_vid; /* value */
typedef uint32_t sx_nid; /* node */
#define SX_NONE     UINT32_MAX
#define SX_MAX_RANK 16

/* Layout of a tensor's channels: plain, or blocked NCHW{b}c: physical (N, ceil(C/b), spatial..., b), padding lanes zero. */
typedef enum sx_layout { SX_PLAIN = 0, SX_BLOCKED = 1 } sx_layout;

typedef enum sx_kind {
  SX_KIND_UNKNOWN,
  SX_KIND_TENSOR,
  SX_KIND_SEQUENCE,
  SX_KIND_OPTIONAL,
  SX_KIND_MAP,
  SX_KIND_SPARSE
} sx_kind;
/* Type of what is no plain tensor: sequence and optional of `item`, map of key and item. */
typedef struct sx_type {
  sx_kind kind;
  uint8_t dtype; /* tensor, sparse: elements; map: keys */
  int8_t rank;   /* tensor: -1 unknown */
  const sx_dim *dims;
  const struct sx_type *item;
} sx_type;

/* What is known of a value. Element facts (elems) describe integer or bool tensors of at most SX_MAX_ELEMS elements; each
 * may be a constant, an expression or unknown. A complete constant is `constant`; elems is set then too when small. */
#define SX_MAX_ELEMS 64
typedef struct sx_fact {
  uint8_t kind;   /* sx_kind */
  uint8_t dtype;  /* sx_dtype; UNDEFINED = unknown */
  int8_t rank;    /* -1 unknown */
  uint8_t layout; /* sx_layout */
  uint8_t block;  /* channels per block of SX_BLOCKED */
  uint32_t n_elems;
  const sx_dim *dims; /* logical dimensions, rank entries */
  const sx_dim *elems;
  sx_tensor *constant;
  const sx_type *type; /* when kind is no tensor */
} sx_fact;

typedef struct sx_use { /* one input slot of a node; linked into its value's list */
  sx_vid value;         /* SX_NONE: an absent optional input */
  sx_nid node;
  uint32_t slot;
  struct sx_use *prev, *next;
} sx_use;

typedef enum sx_value_kind { SX_VALUE_NODE, SX_VALUE_INPUT, SX_VALUE_CONST, SX_VALUE_CAPTURE } sx_value_kind;
typedef struct sx_value {
  sx_str name; /* "" for values we made; unique among the named ones of a graph */
  sx_fact fact;
  uint8_t kind;         /* sx_value_kind */
  bool overridable;     /* an initializer that is an input too (IR >= 4): its constant is only a default */
  uint32_t output_uses; /* how often it stands among the graph's outputs */
  sx_nid producer;      /* SX_NONE when no node makes it */
  uint32_t index;       /* output of the producer, input or capture number */
  uint32_t n_uses;
  sx_use *uses;
} sx_value;

struct sx_op;
typedef struct sx_node {
  const struct sx_op *op; /* NULL: custom, or the source dialect before import */
  const void *custom;     /* what registered a custom operator */
  sx_str name, op_type, domain;
  int since_version; /* of the schema row the model used */
  uint32_t n_in, n_formal, n_out, n_attrs;
  sx_use *in;  /* n_in slots; [n_formal, n_in) are captures of the bodies */
  sx_vid *out; /* SX_NONE: not wanted */
  sx_attr *attrs;
  uint32_t origin; /* set of source nodes: sx_model.origins */
  uint32_t place;  /* sx_graph_sort takes, of the nodes whose inputs are all made, the one with the smallest place: the
                    * node's own id, or the place of the node that it was made to replace */
  bool dead;
  const void *provider; /* who runs it; NULL: undecided */
} sx_node;

typedef struct sx_model sx_model;
typedef struct sx_graph {
  sx_model *model;
  struct sx_graph *parent; /* of a body */
  struct sx_graph *next;   /* of the model's graphs, attached or not */
  sx_nid owner;            /* the node in parent that has it */
  sx_str name, doc;
  SX_VEC(sx_value *) values;
  SX_VEC(sx_node *) nodes;
  SX_VEC(sx_vid) inputs;
  SX_VEC(sx_vid) outputs;
  SX_VEC(sx_str) output_names; /* as the model has them: passes may let another value stand for an output */
  SX_VEC(sx_fact) declared;    /* types of the outputs as the model states them, for those who ask */
  SX_VEC(sx_vid) captures;     /* inner values; captures.at[k] is fed by input slot capture_slots.at[k] of the owner */
  SX_VEC(uint32_t) capture_slots;
  SX_VEC(sx_nid) order;  /* live nodes in execution order; made by sx_graph_sort */
  bool sorted;           /* nothing has changed since `order` was made */
  bool swept;            /* ... since a sweep found nothing */
  uint32_t live;         /* nodes not dead */
  const char *broken;    /* of a branch: why it makes no sense for the sizes at hand; running it fails with this */
  uint32_t first_symbol; /* of a body: one more than the number of the first symbol that was born in it; 0: not known yet */
} sx_graph;

typedef struct sx_source_node {
  sx_str name, op_type, domain;
  uint32_t index;
} sx_source_node; /* a node as the user wrote it */
typedef struct sx_origin {
  uint32_t n;
  const uint32_t *ids;
} sx_origin; /* sorted source node numbers */
typedef struct sx_opset {
  sx_str domain;
  int64_t version;
} sx_opset;
typedef struct sx_kv {
  sx_str key, value;
} sx_kv;
/* A constant whose elements lie in a file beside the model, as the model says it. */
typedef struct sx_external_ref {
  const sx_tensor *tensor;
  sx_str location;
  uint64_t offset;
} sx_external_ref;

/* What others made for a model. */
typedef struct sx_owned {
  void *p;
  void (*release)(void *p);
} sx_owned;

struct sx_model {
  sx_arena arena;
  sx_dimtab dims;
  sx_graph *graph;
  sx_graph *graphs;                  /* all, bodies too */
  int64_t ir_version, model_version; /* model_version: INT64_MAX where the file has none */
  sx_str producer, producer_version, domain, doc;
  SX_VEC(sx_opset) opsets;
  SX_VEC(sx_kv) metadata;
  SX_VEC(sx_source_node) sources;
  SX_VEC(sx_origin) origins;   /* [0] is the empty set */
  SX_VEC(sx_tensor *) tensors; /* every constant of the model: the one place that holds references */
  char *path;                  /* file it came from, or NULL */
  SX_VEC(sx_mapping) mappings; /* of the model file and of external data */
  SX_VEC(sx_external_ref) external;
  void *placed; /* what stands behind nodes of plugin providers, or NULL; released first ... */
  void (*release_placed)(void *placed);
  sx_lock owning; /* of the next two, see sx_model_own */
  SX_VEC(sx_owned) owned;
  sx_map owned_by;
  bool by_shapes;    /* read with the sizes of a run's inputs */
  bool needs_shapes; /* nodes are left as they were written, until the sizes of the inputs tell ranks: not to be planned */
};

sx_model *sx_model_create(void); /* NULL when out of memory */
void sx_model_destroy(sx_model *m);
/* The status of building on m: s, or NO_MEMORY when an object of the model was refused, because then what was built has
 * holes and what failed may have failed for them. */
sx_status sx_model_status(const sx_model *m, sx_status s, sx_err *e);
/* The version of a domain's operators that the model asks for ("" is ONNX's, "ai.onnx" another name of it); 0: it does not.
 */
int sx_model_opset(const sx_model *m, sx_str domain);
/* The same; a domain that the model did not ask for is, in its first version, from here on. 0: no memory. */
int sx_model_add_opset(sx_model *m, sx_str domain);
/* The model takes over one reference of t; also on failure. */
sx_status sx_model_hold(sx_model *m, sx_tensor *t, sx_err *e);
/* p goes with the model, the last first and before the constants; also by several threads. key: to find it again; 0: nobody
 * does. False: out of memory, and p is the caller's. */
bool sx_model_own(sx_model *m, uint64_t key, void *p, void (*release)(void *p));
void *sx_model_owned(sx_model *m, uint64_t key); /* NULL: there is none */

sx_graph *sx_graph_create(sx_model *m, sx_graph *parent, sx_nid owner);
/* Adds a value of unknown fact. SX_NONE when out of memory. */
sx_vid sx_graph_add_value(sx_graph *g, sx_value_kind kind, sx_str name);
sx_vid sx_graph_add_const(sx_graph *g, sx_tensor *t, sx_str name); /* t is held by the model already */
/* Adds a node at the end; in and out are copied, `in` may hold SX_NONE. Attributes are set afterwards. SX_NONE: no memory.
 */
sx_nid sx_graph_add_node(sx_graph *g, const struct sx_op *op, const sx_vid *in, uint32_t n_in, const sx_vid *out,
                         uint32_t n_out);
void sx_graph_set_input(sx_graph *g, sx_nid n, uint32_t slot, sx_vid v);
bool sx_graph_resize_inputs(sx_graph *g, sx_nid n, uint32_t n_in, uint32_t n_formal); /* new slots are SX_NONE */
/* Every use of `from`, graph outputs included, becomes a use of `to`. */
void sx_graph_replace_value(sx_graph *g, sx_vid from, sx_vid to);
/* Body g's own name for a value of the graph around it: the capture that there is, or a new one. SX_NONE: no memory. */
sx_vid sx_graph_capture(sx_graph *g, sx_vid outer);
void sx_graph_kill(sx_graph *g, sx_nid n); /* unlinks its uses; its outputs have no producer then */
/* Fills g->order: producers first, then by `place`. FAIL names a node on a cycle. n log n. */
sx_status sx_graph_sort(sx_graph *g, sx_err *e);
/* Kills nodes whose outputs nobody uses, and then those that only they used. Of these a node stays that a size comes from
 * (NonZero's count, say) which a constant of element facts refers to: without it nothing would tell the size. Returns how
 * many were killed. Linear. */
uint32_t sx_graph_sweep(sx_graph *g);
bool sx_graph_add_output(sx_graph *g, sx_vid v);
bool sx_graph_set_output(sx_graph *g, uint32_t i, sx_vid v);

static inline bool sx_model_has_bodies(const sx_model *m) { return m->graphs && m->graphs->next; }
static inline sx_value *sx_value_at(const sx_graph *g, sx_vid v) { return g->values.at[v]; }
static inline sx_node *sx_node_at(const sx_graph *g, sx_nid n) { return g->nodes.at[n]; }
static inline sx_vid sx_node_in(const sx_node *n, uint32_t i) { return i < n->n_in ? n->in[i].value : SX_NONE; }
static inline sx_vid sx_node_out(const sx_node *n, uint32_t i) { return i < n->n_out ? n->out[i] : SX_NONE; }
/* The producer of a value, or NULL. */
static inline sx_node *sx_value_producer(const sx_graph *g, sx_vid v) {
  return v == SX_NONE || g->values.at[v]->producer == SX_NONE ? NULL : g->nodes.at[g->values.at[v]->producer];
}
/* Constant content that cannot be overridden, or NULL. */
static inline sx_tensor *sx_value_const(const sx_graph *g, sx_vid v) {
  return v == SX_NONE || g->values.at[v]->overridable ? NULL : g->values.at[v]->fact.constant;
}

/* Moves the nodes of body b (no formal inputs) of node n into g, in their order and at the end; n's outputs become the
 * body's, n dies. Facts come along. */
sx_status sx_graph_inline(sx_graph *g, sx_nid n, sx_graph *b, sx_err *e);
/* The same for a body that takes in[] (one for each of its inputs) and gives out[] (room for its outputs); n stays. */
sx_status sx_graph_inline_body(sx_graph *g, sx_nid n, sx_graph *b, const sx_vid *in, sx_vid *out, sx_err *e);

/* Attributes. Getters return the default when the attribute is absent. */
const sx_attr *sx_node_attr(const sx_node *n, const char *name);
int64_t sx_attr_int(const sx_node *n, const char *name, int64_t dflt);
float sx_attr_float(const sx_node *n, const char *name, float dflt);
sx_str sx_attr_str(const sx_node *n, const char *name, const char *dflt);
/* Count of an INTS attribute and its values; 0 when absent. */
uint32_t sx_attr_ints(const sx_node *n, const char *name, const int64_t **values);
uint32_t sx_attr_floats(const sx_node *n, const char *name, const float **values);
sx_graph *sx_attr_graph(const sx_node *n, const char *name);
bool sx_node_has_body(const sx_node *n);
bool sx_node_set_attr(sx_graph *g, sx_nid n,
                      const sx_attr *a); /* replaces one of the same name; name must outlive the model */
bool sx_node_set_int(sx_graph *g, sx_nid n, const char *name, int64_t v);
bool sx_node_set_float(sx_graph *g, sx_nid n, const char *name, float v);
bool sx_node_set_ints(sx_graph *g, sx_nid n, const char *name, const int64_t *v, uint32_t count);
bool sx_node_set_str(sx_graph *g, sx_nid n, const char *name, sx_str v);
void sx_node_remove_attr(sx_node *n, const char *name);

/* Origins: the union of two sets; 0 is the empty set. Text: "node 'a' (Conv)" or "node 'a' (Conv) and 3 more". */
uint32_t sx_origin_union(sx_model *m, uint32_t a, uint32_t b);
void sx_node_describe(const sx_graph *g, const sx_node *n, sx_text *out);
/* Puts "node 'name' (Op, domain 'd', opset v): " in front of a failure's message. */
sx_status sx_node_context(const sx_graph *g, const sx_node *n, sx_status s, sx_err *e);

/* Checks what must always hold (links, order, one producer, outputs live, captures). For debug builds and tests. */
sx_status sx_graph_verify(const sx_graph *g, sx_err *e);
#endif
