// SPDX-License-Identifier: MIT
/* The tables of the .ort format, as ONNX's messages: each line is a field of a table and the number that it has in the
 * message. They differ in three places: inputs and outputs of a graph are names of its `node_args`, dimensions and types
 * are a table deeper, and external data are no longer a matter of the model. Kernels and recorded optimisations are not
 * read. */
#include "onnx/ort_model.h"
#include "onnx/flat.h"
#include "ops/schema.h"

#define COUNT(fields) (sizeof(fields) / sizeof *(fields))
#define TABLE(message, fields) \
  { &message, fields, COUNT(fields), 0, 0, NULL }

static const sx_flat_table type_table, graph_table;

static const sx_flat_field pair_fields[] = {{.id = 0, .number = 1}, {.id = 1, .number = 2}};
static const sx_flat_table pair_table = TABLE(sx_proto_pair_message, pair_fields);
static const sx_flat_table opset_table = TABLE(sx_proto_opset_message, pair_fields); /* the same numbers */

enum { TENSOR_OFFSET = 6 };
static sx_status finish_tensor(sx_flat_reader *r, const sx_flat_view *v, void *out) {
  const sx_proto_tensor *t = out;
  int64_t offset;
  SX_TRY(sx_flat_number(r, v, TENSOR_OFFSET, 8, -1, &offset));
  if (offset >= 0)
    SX_FAIL(r->e, FAIL, "the elements of tensor '%.*s' lie in another file, which only checkpoints of training have",
            SX_FMT(t->name));
  return SX_OK;
}
static const sx_flat_field tensor_fields[] = {{.id = 0, .number = 8},
                                              {.id = 1, .number = 12},
                                              {.id = 2, .number = 1, .always = true},
                                              {.id = 3, .number = 2},
                                              {.id = 4, .number = SX_TENSOR_RAW_DATA},
                                              {.id = 5, .number = SX_TENSOR_STRING_DATA}};
static const sx_flat_table tensor_table = {
    &sx_proto_tensor_message, tensor_fields, COUNT(tensor_fields), 0, 0, finish_tensor, NULL};
static const sx_flat_field sparse_fields[] = {
    {.id = 0, .number = 1, .of = &tensor_table}, {.id = 1, .number = 2, .of = &tensor_table}, {.id = 2, .number = 3}};
static const sx_flat_table sparse_table = TABLE(sx_proto_sparse_message, sparse_fields);

static const sx_flat_field dim_value_fields[] = {{.id = 1, .number = SX_PROTO_DIM_VALUE, .when = 1},
                                                 {.id = 2, .number = SX_PROTO_DIM_PARAM, .when = 2}};
static const sx_flat_table dim_value_table = {
    &sx_proto_dim_message, dim_value_fields, COUNT(dim_value_fields), 0, 1, NULL, NULL};
static const sx_flat_field dim_fields[] = {{.id = 0, .number = SX_FLAT_SELF, .of = &dim_value_table},
                                           {.id = 1, .number = 3}};
static const sx_flat_table dim_table = TABLE(sx_proto_dim_message, dim_fields);
static const sx_flat_field shape_fields[] = {{.id = 0, .number = 1, .always = true, .of = &dim_table}};
static const sx_flat_table shape_table = TABLE(sx_proto_shape_message, shape_fields);
static const sx_flat_field type_tensor_fields[] = {{.id = 0, .number = 1}, {.id = 1, .number = 2, .of = &shape_table}};
static const sx_flat_table type_tensor_table = TABLE(sx_proto_type_tensor_message, type_tensor_fields);
static const sx_flat_field type_of_fields[] = {{.id = 0, .number = 1, .of = &type_table}};
static const sx_flat_table type_of_table = TABLE(sx_proto_type_of_message, type_of_fields);
static const sx_flat_field type_map_fields[] = {{.id = 0, .number = 1}, {.id = 1, .number = 2, .of = &type_table}};
static const sx_flat_table type_map_table = TABLE(sx_proto_type_map_message, type_map_fields);
static const sx_flat_field type_fields[] = {{.id = 0, .number = 6},
                                            {.id = 2, .number = SX_TYPE_TENSOR, .when = 1, .of = &type_tensor_table},
                                            {.id = 2, .number = SX_TYPE_SEQUENCE, .when = 2, .of = &type_of_table},
                                            {.id = 2, .number = SX_TYPE_MAP, .when = 3, .of = &type_map_table}};
static const sx_flat_table type_table = {&sx_proto_type_message, type_fields, COUNT(type_fields), 1, 1, NULL, NULL};
static const sx_flat_field value_fields[] = {
    {.id = 0, .number = 1}, {.id = 1, .number = 3}, {.id = 2, .number = 2, .of = &type_table}};
static const sx_flat_table value_table = TABLE(sx_proto_value_message, value_fields);

static sx_status finish_attr(sx_flat_reader *r, const sx_flat_view *v, void *out) {
  (void)r, (void)v;
  sx_proto_attr *a = out;
  if (a->type == SX_ATTR_STRING && !a->s.p) a->s = SX_STR("");
  return SX_OK;
}
static const sx_flat_field attr_fields[] = {
    {.id = 0, .number = 1},
    {.id = 1, .number = 13},
    {.id = 2, .number = 20},
    {.id = 3, .number = 2, .when = SX_ATTR_FLOAT},
    {.id = 4, .number = 3, .when = SX_ATTR_INT},
    {.id = 5, .number = 4, .when = SX_ATTR_STRING},
    {.id = 6, .number = 5, .when = SX_ATTR_TENSOR, .of = &tensor_table},
    {.id = 7, .number = 6, .when = SX_ATTR_GRAPH, .of = &graph_table},
    {.id = 8, .number = 7, .when = SX_ATTR_FLOATS},
    {.id = 9, .number = 8, .when = SX_ATTR_INTS},
    {.id = 10, .number = 9, .when = SX_ATTR_STRINGS},
    {.id = 11, .number = 10, .when = SX_ATTR_TENSORS, .of = &tensor_table},
    {.id = 12, .number = 11, .when = SX_ATTR_GRAPHS, .of = &graph_table},
};
static const sx_flat_table attr_table = {&sx_proto_attr_message, attr_fields, COUNT(attr_fields), 2, 4, finish_attr, NULL};

/* ONNX Runtime's own layouts are no operators of a model: what they mean depends on the machine that wrote them. */
static sx_status finish_node(sx_flat_reader *r, const sx_flat_view *v, void *out) {
  (void)v;
  const sx_proto_node *n = out;
  if (sx_str_is(n->domain, "com.microsoft.nchwc") || sx_str_is(n->domain, "com.ms.internal.nhwc"))
    SX_FAIL(r->e, NOT_IMPLEMENTED,
            "node '%.*s' is %.*s of domain %.*s: the model was optimised for the layout of one machine. Save it again with "
            "graph optimisation level ORT_ENABLE_EXTENDED or below",
            SX_FMT(n->name), SX_FMT(n->op_type), SX_FMT(n->domain));
  return SX_OK;
}
static const sx_flat_field node_fields[] = {
    {.id = 0, .number = 3},
    {.id = 1, .number = 6},
    {.id = 2, .number = 7},
    {.id = 5, .number = 4},
    {.id = 8, .number = 1, .always = true},
    {.id = 9, .number = 2, .always = true},
    {.id = 10, .number = 5, .of = &attr_table},
};
/* Its place in the list; inputs of each formal parameter, which ONNX Runtime counts itself; what bodies take from around.
 */
static uint32_t node_extra(const void *in, uint32_t index, sx_flat_extra *x) {
  const sx_proto_node *n = in;
  x[0] = (sx_flat_extra){.id = 4, .is_number = true, .n = index};
  x[1] = (sx_flat_extra){.id = 11, .n = 1, .data = &n->input.n};
  x[2] = (sx_flat_extra){.id = 12};
  return 3;
}
static const sx_flat_table node_table = {
    &sx_proto_node_message, node_fields, COUNT(node_fields), 0, 0, finish_node, node_extra};

/* The values that a list of names means. */
static sx_status declared(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, const sx_proto_graph *g,
                          const sx_strmap *by_name, sx_proto_values *out) {
  sx_proto_strings names = {0};
  void *made;
  SX_TRY(sx_flat_strings(r, v, id, &names));
  SX_TRY(sx_flat_make(r, names.n, sizeof *out->at, &made));
  out->at = made;
  for (uint32_t i; out->n < names.n; out->n++) {
    sx_proto_value *x = &out->at[out->n];
    sx_wire_init(&sx_proto_value_message, x);
    x->name = names.at[out->n];
    if (sx_strmap_get(by_name, x->name, &i)) *x = g->value_info.at[i];
  }
  return SX_OK;
}
enum { GRAPH_INPUTS = 5, GRAPH_OUTPUTS = 6 };
static sx_status finish_graph(sx_flat_reader *r, const sx_flat_view *v, void *out) {
  sx_proto_graph *g = out;
  sx_strmap by_name = {0};
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < g->value_info.n && s == SX_OK; i++)
    if (!sx_strmap_put(&by_name, g->value_info.at[i].name, i)) s = sx_fail(r->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = declared(r, v, GRAPH_INPUTS, g, &by_name, &g->input);
  if (s == SX_OK) s = declared(r, v, GRAPH_OUTPUTS, g, &by_name, &g->output);
  sx_strmap_free(&by_name);
  return s;
}
static const sx_flat_field graph_fields[] = {{.id = 0, .number = 5, .of = &tensor_table},
                                             {.id = 1, .number = 13, .of = &value_table},
                                             {.id = 2, .number = 1, .of = &node_table},
                                             {.id = 7, .number = 15, .of = &sparse_table}};
/* What is written of a graph: as node_args, here value_info, all values that it names. */
typedef struct written_graph {
  sx_proto_graph g;
  sx_wire_list inputs, outputs; /* names */
} written_graph;
static uint32_t graph_extra(const void *in, uint32_t index, sx_flat_extra *x) {
  (void)index;
  const written_graph *w = in;
  x[0] = (sx_flat_extra){.id = 3, .is_number = true, .n = w->g.node.n};
  x[1] = (sx_flat_extra){.id = GRAPH_INPUTS, .strings = &w->inputs};
  x[2] = (sx_flat_extra){.id = GRAPH_OUTPUTS, .strings = &w->outputs};
  return 3;
}
static const sx_flat_table graph_table = {
    &sx_proto_graph_message, graph_fields, COUNT(graph_fields), 0, 0, finish_graph, graph_extra};

enum { MODEL_GRAPH_DOC = 8 };
static sx_status finish_model(sx_flat_reader *r, const sx_flat_view *v, void *out) {
  sx_proto_model *m = out;
  bool found;
  return m->graph ? sx_flat_string(r, v, MODEL_GRAPH_DOC, &m->graph->doc_string, &found) : SX_OK;
}
static const sx_flat_field model_fields[] = {
    {.id = 0, .number = 1},
    {.id = 1, .number = 8, .of = &opset_table},
    {.id = 2, .number = 2},
    {.id = 3, .number = 3},
    {.id = 4, .number = 4},
    {.id = 5, .number = 5},
    {.id = 6, .number = 6},
    {.id = 7, .number = 7, .of = &graph_table},
    {.id = 9, .number = 14, .of = &pair_table},
};
static const sx_flat_table model_table = {
    &sx_proto_model_message, model_fields, COUNT(model_fields), 0, 0, finish_model, NULL};

/* As ONNX Runtime has it: what is no plain number of 32 bits counts as 0. */
static sx_status check_version(sx_flat_reader *r, const sx_flat_view *root) {
  enum { ROOT_VERSION = 0 };
  sx_str text;
  bool found;
  int64_t version = 0;
  size_t i = 0;
  SX_TRY(sx_flat_string(r, root, ROOT_VERSION, &text, &found));
  if (!found) SX_FAIL(r->e, FAIL, "the ORT format model has no version");
  for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9' && version <= INT32_MAX; i++)
    version = version * 10 + (text.p[i] - '0');
  if (i == text.n && version > SX_ORT_VERSION && version <= INT32_MAX)
    SX_FAIL(r->e, FAIL, "the ORT format model has version '%.*s', newer than %d, the newest that is read", SX_FMT(text),
            SX_ORT_VERSION);
  return SX_OK;
}

static sx_status parse_ort(const void *data, size_t size, sx_arena *a, sx_proto_model **out, sx_err *e) {
  enum { ROOT_MODEL = 1 };
  sx_flat_reader r;
  sx_flat_view root, model;
  bool found;
  sx_proto_model *m = SX_NEW(a, sx_proto_model);
  if (!m) SX_NO_MEMORY(e);
  SX_TRY(sx_flat_open(&r, data, size, a, &root, e));
  SX_TRY(check_version(&r, &root));
  SX_TRY(sx_flat_child(&r, &root, ROOT_MODEL, &model, &found));
  if (!found) SX_FAIL(e, FAIL, "the ORT format model holds no model");
  SX_TRY(sx_flat_read(&r, &model_table, &model, m));
  *out = m;
  return SX_OK;
}

sx_status sx_model_parse(const void *data, size_t size, sx_format format, sx_arena *a, sx_proto_model **out, sx_err *e) {
  bool ort = size >= 8 && memcmp((const char *)data + 4, "ORTM", 4) == 0;
  *out = NULL;
  if (format == SX_FORMAT_ORT && !ort)
    SX_FAIL(e, FAIL, "the model is not in ORT format, which session.load_model_format says");
  return ort && format != SX_FORMAT_ONNX ? parse_ort(data, size, a, out, e) : sx_proto_parse_model(data, size, a, out, e);
}

/* The other way. */
typedef struct writer {
  const struct writer *outer;
  sx_arena *a;
  sx_strmap seen; /* of the graph at hand */
  sx_proto_values all;
  sx_err *e;
} writer;

static sx_status name_value(writer *w, sx_str name, sx_proto_type *type) {
  uint32_t i;
  if (sx_strmap_get(&w->seen, name, &i)) return SX_OK;
  sx_proto_value *v = &w->all.at[w->all.n];
  sx_wire_init(&sx_proto_value_message, v);
  v->has = 2, v->name = name, v->type = type;
  if (!name.n) { /* an input left out: it is named, too, and has some type */
    if (!(v->type = SX_NEW(w->a, sx_proto_type))) SX_NO_MEMORY(w->e);
    sx_wire_init(&sx_proto_type_message, v->type);
    v->type->has = 1u << SX_TYPE_TENSOR, v->type->tensor.elem_type = SX_F32;
  }
  for (const writer *o = w->outer; o && !v->type; o = o->outer) /* a body names values from around it */
    if (sx_strmap_get(&o->seen, name, &i)) v->type = o->all.at[i].type;
  if (!sx_strmap_put(&w->seen, name, w->all.n++)) SX_NO_MEMORY(w->e);
  return SX_OK;
}
static sx_status name_values(writer *w, const sx_proto_values *l) {
  for (uint32_t i = 0; i < l->n; i++) SX_TRY(name_value(w, l->at[i].name, l->at[i].type));
  return SX_OK;
}
static sx_status name_tensor(writer *w, const sx_proto_tensor *t) {
  sx_proto_type *type = SX_NEW(w->a, sx_proto_type);
  sx_proto_dim *dims = SX_NEW_N(w->a, sx_proto_dim, (size_t)t->dims.n + 1);
  if (!type || !dims) SX_NO_MEMORY(w->e);
  sx_wire_init(&sx_proto_type_message, type);
  type->has = 1u << SX_TYPE_TENSOR;
  type->tensor = (sx_proto_type_tensor){.has = 6, .elem_type = t->data_type, .shape.dim = {dims, t->dims.n, 0}};
  for (uint32_t i = 0; i < t->dims.n; i++) {
    sx_wire_init(&sx_proto_dim_message, &dims[i]);
    dims[i].has = 1u << SX_PROTO_DIM_VALUE, dims[i].value = t->dims.at[i];
  }
  return name_value(w, t->name, type);
}
static sx_status name_all(writer *w, const sx_proto_graph *g) {
  size_t most = (size_t)g->input.n + g->output.n + g->value_info.n + g->initializer.n + 1;
  for (uint32_t i = 0; i < g->node.n; i++) most += (size_t)g->node.at[i].input.n + g->node.at[i].output.n;
  w->all = (sx_proto_values){SX_NEW_N(w->a, sx_proto_value, most), 0, 0};
  if (!w->all.at) SX_NO_MEMORY(w->e);
  SX_TRY(name_values(w, &g->input));
  SX_TRY(name_values(w, &g->output));
  SX_TRY(name_values(w, &g->value_info));
  for (uint32_t i = 0; i < g->initializer.n; i++) SX_TRY(name_tensor(w, &g->initializer.at[i]));
  for (uint32_t i = 0; i < g->node.n; i++) {
    const sx_proto_node *n = &g->node.at[i];
    for (uint32_t k = 0; k < n->input.n; k++) SX_TRY(name_value(w, n->input.at[k], NULL));
    for (uint32_t k = 0; k < n->output.n; k++) SX_TRY(name_value(w, n->output.at[k], NULL));
  }
  return SX_OK;
}
static sx_status names_of(writer *w, const sx_proto_values *l, sx_wire_list *out) {
  sx_str *names = SX_NEW_N(w->a, sx_str, (size_t)l->n + 1);
  if (!names) SX_NO_MEMORY(w->e);
  for (uint32_t i = 0; i < l->n; i++) names[i] = l->at[i].name;
  *out = (sx_wire_list){names, l->n, 0};
  return SX_OK;
}
/* Bodies, too; *at becomes a written_graph. */
static sx_status make_bodies(const writer *w, sx_proto_graph *g);
static sx_status make_written(const writer *outer, sx_arena *a, sx_proto_graph **at, sx_err *e) {
  writer w = {.outer = outer, .a = a, .e = e};
  written_graph *g = SX_NEW(a, written_graph);
  if (!g) SX_NO_MEMORY(e);
  g->g = **at;
  sx_status s = name_all(&w, &g->g);
  g->g.value_info = w.all;
  if (s == SX_OK) s = names_of(&w, &g->g.input, &g->inputs);
  if (s == SX_OK) s = names_of(&w, &g->g.output, &g->outputs);
  if (s == SX_OK) s = make_bodies(&w, &g->g);
  sx_strmap_free(&w.seen);
  *at = &g->g;
  return s;
}
static sx_status make_bodies(const writer *w, sx_proto_graph *g) {
  for (uint32_t i = 0; i < g->node.n; i++)
    for (uint32_t k = 0; k < g->node.at[i].attribute.n; k++) {
      sx_proto_attr *x = &g->node.at[i].attribute.at[k];
      if (x->type == SX_ATTR_GRAPH) SX_TRY(make_written(w, w->a, &x->g, w->e));
      if (x->type >= SX_ATTR_GRAPHS)
        SX_FAIL(w->e, NOT_IMPLEMENTED, "attribute '%.*s' of node '%.*s' is of a kind that the ORT format has not",
                SX_FMT(x->name), SX_FMT(g->node.at[i].name));
    }
  return SX_OK;
}

typedef struct root {
  uint32_t has;
  sx_str version;
  sx_proto_model *model;
} root;
static const sx_wire_field root_members[] = {[1] = {SX_WIRE_STRING, false, offsetof(root, version), "ort_version", NULL},
                                             [2] = {SX_WIRE_MESSAGE, false, offsetof(root, model), "model", NULL}};
static const sx_wire_message root_message = {"InferenceSession", sizeof(root), COUNT(root_members), 0, 0, 0,
                                             root_members,       NULL};
static const sx_flat_field root_fields[] = {{.id = 0, .number = 1}, {.id = 1, .number = 2, .of = &model_table}};
static const sx_flat_table root_table = TABLE(root_message, root_fields);

sx_status sx_ort_model_write(sx_proto_model *m, sx_arena *a, sx_text *out, sx_err *e) {
  /* Of version 4 ONNX Runtime works out itself which types its kernels need, and reads no list of them. */
  const root top = {0, SX_STR("4"), m};
  if (m->functions.n) SX_FAIL(e, NOT_IMPLEMENTED, "the ORT format has no functions");
  SX_TRY(make_written(NULL, a, &m->graph, e));
  sx_text_put(out, "\0\0\0\0ORTM", 8);
  size_t at = sx_flat_write(&root_table, &top, 0, out);
  if (out->failed) SX_NO_MEMORY(e);
  if (out->n > INT32_MAX) SX_FAIL(e, FAIL, "the model takes more than the 2 GiB of the ORT format");
  for (int i = 0; i < 4; i++) out->p[i] = (char)(at >> 8 * i);
  return SX_OK;
}
