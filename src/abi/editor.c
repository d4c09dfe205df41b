// SPDX-License-Identifier: MIT
/* Slots of OrtModelEditorApi that describe a model. What is added to something belongs to it from then on, and only when
 * the call succeeds. */
#include "abi/editor.h"

static OrtStatus *type_with_shape(ONNXType kind, const OrtTensorTypeAndShapeInfo *info, OrtTypeInfo **out) {
  OrtTypeInfo like = {.kind = kind, .tensor = (OrtTensorTypeAndShapeInfo *)info};
  *out = sx_ort_type_copy(&like);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_editor_CreateTensorTypeInfo(const OrtTensorTypeAndShapeInfo *tensor_info,
                                                       OrtTypeInfo **type_info) {
  SX_API_NOT_NULL(tensor_info);
  SX_API_NOT_NULL(type_info);
  return type_with_shape(ONNX_TYPE_TENSOR, tensor_info, type_info);
}

OrtStatus *ORT_API_CALL sx_editor_CreateSparseTensorTypeInfo(const OrtTensorTypeAndShapeInfo *tensor_info,
                                                             OrtTypeInfo **type_info) {
  SX_API_NOT_NULL(tensor_info);
  SX_API_NOT_NULL(type_info);
  return type_with_shape(ONNX_TYPE_SPARSETENSOR, tensor_info, type_info);
}

static OrtStatus *type_around(ONNXType kind, ONNXTensorElementDataType key, const OrtTypeInfo *contained,
                              OrtTypeInfo **out) {
  *out = sx_ort_type_of(kind, key, sx_ort_type_copy(contained));
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_editor_CreateMapTypeInfo(ONNXTensorElementDataType map_key_type,
                                                    const OrtTypeInfo *map_value_type, OrtTypeInfo **type_info) {
  SX_API_NOT_NULL(map_value_type);
  SX_API_NOT_NULL(type_info);
  return type_around(ONNX_TYPE_MAP, map_key_type, map_value_type, type_info);
}

OrtStatus *ORT_API_CALL sx_editor_CreateSequenceTypeInfo(const OrtTypeInfo *sequence_type, OrtTypeInfo **type_info) {
  SX_API_NOT_NULL(sequence_type);
  SX_API_NOT_NULL(type_info);
  return type_around(ONNX_TYPE_SEQUENCE, ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, sequence_type, type_info);
}

OrtStatus *ORT_API_CALL sx_editor_CreateOptionalTypeInfo(const OrtTypeInfo *contained_type, OrtTypeInfo **type_info) {
  SX_API_NOT_NULL(contained_type);
  SX_API_NOT_NULL(type_info);
  return type_around(ONNX_TYPE_OPTIONAL, ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, contained_type, type_info);
}

void sx_editor_value_info_free(OrtValueInfo *v) {
  sx_text_drop((char *)v->name);
  sx_api_ReleaseTypeInfo(v->type);
  sx_free(v, sizeof *v);
}

OrtStatus *ORT_API_CALL sx_editor_CreateValueInfo(const char *name, const OrtTypeInfo *type_info,
                                                  OrtValueInfo **value_info) {
  SX_API_NOT_NULL(value_info);
  if (!name || !*name) SX_API_FAIL(INVALID_ARGUMENT, "name cannot be null or empty string");
  SX_API_NOT_NULL(type_info);
  if (type_info->kind != ONNX_TYPE_TENSOR) SX_API_FAIL(FAIL, "Only tensor types are supported currently");
  if (!type_info->tensor) SX_API_FAIL(INVALID_ARGUMENT, "the type has no element type");
  OrtValueInfo *v = sx_calloc(1, sizeof *v);
  if (!v) SX_API_NO_MEMORY();
  v->editor = true;
  v->name = sx_text_dup(name);
  v->type = sx_ort_type_copy(type_info);
  if (!v->name || !v->type) {
    sx_editor_value_info_free(v);
    SX_API_NO_MEMORY();
  }
  *value_info = v;
  return NULL;
}

void sx_editor_node_free(OrtNode *n) {
  sx_editor_node *m = n->made;
  for (uint32_t i = 0; i < m->held.n; i++) sx_rt_unref(m->held.at[i]);
  sx_vec_free(&m->held);
  sx_arena_free(&m->arena);
  sx_free(m, sizeof *m);
  sx_free(n, sizeof *n);
}

static bool names(sx_arena *a, const char *const *from, size_t n, sx_proto_strings *to) {
  if (!(to->at = SX_NEW_N(a, sx_str, n + 1))) return false;
  for (size_t i = 0; i < n; i++) {
    const char *s = from[i] ? from[i] : ""; /* left out */
    size_t len = strlen(s);
    if (!(to->at[i].p = sx_arena_strdup(a, s, len))) return false;
    to->at[i].n = len;
  }
  to->n = (uint32_t)n;
  return true;
}

static OrtStatus *check_attrs(OrtOpAttr **attributes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!attributes[i]) SX_API_FAIL(INVALID_ARGUMENT, "attributes cannot contain null entries");
    for (size_t k = 0; k < i; k++)
      if (attributes[k] == attributes[i])
        SX_API_FAIL(INVALID_ARGUMENT, "attribute '%s' is given twice: each OrtOpAttr can only appear once",
                    attributes[i]->name);
  }
  return NULL;
}

static OrtStatus *fill_node(OrtNode *x, OrtOpAttr **attributes, size_t n_attrs) {
  sx_editor_node *m = x->made;
  m->proto.attribute.at = SX_NEW_N(&m->arena, sx_proto_attr, n_attrs + 1);
  if (!m->proto.attribute.at) SX_API_NO_MEMORY();
  for (size_t i = 0; i < n_attrs; i++) {
    OrtStatus *failed = sx_editor_attr(attributes[i], &m->arena, &m->proto.attribute.at[i]);
    if (failed) return failed;
    sx_rt_value *t = attributes[i]->tensor;
    if (t && !sx_vec_push(&m->held, t)) SX_API_NO_MEMORY();
    sx_rt_ref(t);
  }
  m->proto.attribute.n = (uint32_t)n_attrs;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_editor_CreateNode(const char *operator_name, const char *domain_name, const char *node_name,
                                             const char *const *input_names, size_t input_names_len,
                                             const char *const *output_names, size_t output_names_len,
                                             OrtOpAttr **attributes, size_t attribs_len, OrtNode **node) {
  SX_API_NOT_NULL(operator_name);
  SX_API_NOT_NULL(domain_name);
  SX_API_NOT_NULL(node_name);
  SX_API_NOT_NULL(node);
  if (input_names_len) SX_API_NOT_NULL(input_names);
  if (output_names_len) SX_API_NOT_NULL(output_names);
  if (!attributes) attribs_len = 0;
  OrtStatus *failed = check_attrs(attributes, attribs_len);
  if (failed) return failed;
  OrtNode *x = sx_calloc(1, sizeof *x);
  if (!x) SX_API_NO_MEMORY();
  sx_editor_node *m = x->made = sx_calloc(1, sizeof *m);
  if (!m) {
    sx_free(x, sizeof *x);
    SX_API_NO_MEMORY();
  }
  x->editor = true;
  sx_wire_init(&sx_proto_node_message, &m->proto);
  const char *const texts[] = {operator_name, strcmp(domain_name, "ai.onnx") ? domain_name : "", node_name};
  sx_proto_strings own = {0};
  if (!names(&m->arena, texts, 3, &own) || !names(&m->arena, input_names, input_names_len, &m->proto.input) ||
      !names(&m->arena, output_names, output_names_len, &m->proto.output))
    failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
  if (!failed) {
    m->proto.op_type = own.at[0], m->proto.domain = own.at[1], m->proto.name = own.at[2];
    x->op_type = own.at[0].p, x->domain = own.at[1].p, x->name = own.at[2].p;
    x->n_in = (uint32_t)input_names_len, x->n_out = (uint32_t)output_names_len, x->n_attrs = (uint32_t)attribs_len;
    failed = fill_node(x, attributes, attribs_len);
  }
  if (failed) {
    sx_editor_node_free(x);
    return failed;
  }
  for (size_t i = 0; i < attribs_len; i++) {
    sx_api_ReleaseOpAttr(attributes[i]);
    attributes[i] = NULL;
  }
  *node = x;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_editor_CreateGraph(OrtGraph **graph) {
  SX_API_NOT_NULL(graph);
  static const ORTCHAR_T nowhere[1];
  OrtGraph *g = sx_calloc(1, sizeof *g);
  if (!g || !(g->made = sx_calloc(1, sizeof *g->made))) {
    sx_free(g, sizeof *g);
    SX_API_NO_MEMORY();
  }
  g->editor = true;
  g->root = g, g->path = nowhere;
  *graph = g;
  return NULL;
}

void sx_editor_graph_free(OrtGraph *g) {
  sx_editor_graph *m = g->made;
  for (uint32_t i = 0; i < m->inputs.n; i++) sx_editor_value_info_free(m->inputs.at[i]);
  for (uint32_t i = 0; i < m->outputs.n; i++) sx_editor_value_info_free(m->outputs.at[i]);
  for (uint32_t i = 0; i < m->nodes.n; i++) sx_editor_node_free(m->nodes.at[i]);
  for (uint32_t i = 0; i < m->initializers.n; i++) {
    sx_text_drop(m->initializers.at[i].name);
    sx_rt_unref(m->initializers.at[i].value);
  }
  sx_vec_free(&m->inputs);
  sx_vec_free(&m->outputs);
  sx_vec_free(&m->nodes);
  sx_vec_free(&m->initializers);
  sx_strmap_free(&m->names);
  sx_free(m, sizeof *m);
  sx_free(g, sizeof *g);
}

size_t sx_editor_count(const OrtGraph *g, const char *what) {
  const sx_editor_graph *m = g->made;
  switch (*what) {
    case 'o': return m->outputs.n;
    case 'n': return m->nodes.n;
    default: return what[2] == 'p' ? m->inputs.n : m->initializers.n;
  }
}

/* What the list had is released, what is given belongs to it; nothing happens on failure. */
static OrtStatus *set_values(OrtGraph *g, OrtValueInfo **given, size_t n, bool outputs) {
  if (!g->editor) SX_API_FAIL(INVALID_ARGUMENT, "this graph was not made with CreateGraph");
  if (n && !given) SX_API_FAIL(INVALID_ARGUMENT, "the list is NULL and its length is %zu", n);
  sx_editor_graph *m = g->made;
  SX_VEC(OrtValueInfo *) list = {0};
  if (n > UINT32_MAX || (n && !sx_vec_reserve(&list, (uint32_t)n))) SX_API_NO_MEMORY();
  OrtStatus *failed = NULL;
  for (size_t i = 0; i < n && !failed; i++) {
    if (!given[i] || !given[i]->editor) {
      failed = sx_ort_error(ORT_INVALID_ARGUMENT, "value info %zu is %s", i,
                            given[i] ? "of a view of a model, not made with CreateValueInfo" : "NULL");
      break;
    }
    bool again = false;
    for (size_t k = 0; k < i; k++) again |= given[k] == given[i];
    for (uint32_t k = 0; k < m->inputs.n; k++) again |= m->inputs.at[k] == given[i];
    for (uint32_t k = 0; k < m->outputs.n; k++) again |= m->outputs.at[k] == given[i];
    if (again)
      failed = sx_ort_error(ORT_INVALID_ARGUMENT,
                            "value info %zu ('%s') has been added already: each OrtValueInfo must only be added once", i,
                            given[i]->name);
    else
      list.at[list.n++] = given[i];
  }
  if (failed) {
    sx_vec_free(&list);
    return failed;
  }
  OrtValueInfo **old = outputs ? m->outputs.at : m->inputs.at;
  uint32_t n_old = outputs ? m->outputs.n : m->inputs.n;
  for (uint32_t i = 0; i < n_old; i++) sx_editor_value_info_free(old[i]);
  if (outputs)
    sx_vec_free(&m->outputs);
  else
    sx_vec_free(&m->inputs);
  if (outputs)
    m->outputs.at = list.at, m->outputs.n = list.n, m->outputs.cap = list.cap;
  else
    m->inputs.at = list.at, m->inputs.n = list.n, m->inputs.cap = list.cap;
  for (size_t i = 0; i < n; i++) given[i] = NULL;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_editor_SetGraphInputs(OrtGraph *graph, OrtValueInfo **inputs, size_t inputs_len) {
  SX_API_NOT_NULL(graph);
  return set_values(graph, inputs, inputs_len, false);
}

OrtStatus *ORT_API_CALL sx_editor_SetGraphOutputs(OrtGraph *graph, OrtValueInfo **outputs, size_t outputs_len) {
  SX_API_NOT_NULL(graph);
  return set_values(graph, outputs, outputs_len, true);
}

OrtStatus *ORT_API_CALL sx_editor_AddInitializerToGraph(OrtGraph *graph, const char *name, OrtValue *tensor,
                                                        bool data_is_external) {
  SX_API_NOT_NULL(graph);
  if (!name || !*name) SX_API_FAIL(INVALID_ARGUMENT, "name cannot be null or empty");
  SX_API_NOT_NULL(tensor);
  sx_rt_value *v = (sx_rt_value *)tensor;
  if (!graph->editor) SX_API_FAIL(INVALID_ARGUMENT, "this graph was not made with CreateGraph");
  if (!sx_rt_is_tensor(v)) SX_API_FAIL(INVALID_ARGUMENT, "Only Tensor is currently supported.");
  if (!sx_memory_is_host(v->memory)) SX_API_FAIL(INVALID_ARGUMENT, "Only CPU based tensors are currently supported.");
  if (data_is_external && v->bytes < 128)
    SX_API_FAIL(INVALID_ARGUMENT,
                "initializer '%s' has %zu bytes: external data must have at least 128; pass data_is_external = false", name,
                v->bytes);
  sx_editor_graph *m = graph->made;
  uint32_t old;
  if (sx_strmap_get(&m->names, sx_str_c(name), &old))
    SX_API_FAIL(INVALID_ARGUMENT, "an initializer '%s' has already been added to the graph", name);
  for (uint32_t i = 0; i < m->initializers.n; i++)
    if (m->initializers.at[i].value == v)
      SX_API_FAIL(INVALID_ARGUMENT, "this OrtValue has already been added to the graph as '%s'",
                  m->initializers.at[i].name);
  sx_editor_initializer x = {sx_text_dup(name), v};
  if (!x.name || !sx_vec_reserve(&m->initializers, m->initializers.n + 1) ||
      !sx_strmap_put(&m->names, sx_str_c(x.name), m->initializers.n)) {
    sx_text_drop(x.name);
    SX_API_NO_MEMORY();
  }
  m->initializers.at[m->initializers.n++] = x;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_editor_AddNodeToGraph(OrtGraph *graph, OrtNode *node) {
  SX_API_NOT_NULL(graph);
  SX_API_NOT_NULL(node);
  if (!graph->editor || !node->editor)
    SX_API_FAIL(INVALID_ARGUMENT, "the graph or the node is a view of a model, not made with the model editor");
  sx_editor_graph *m = graph->made;
  if (node->graph)
    SX_API_FAIL(INVALID_ARGUMENT, "node '%s' has already been added to a graph: each OrtNode must only be added once",
                node->name);
  if (!sx_vec_push(&m->nodes, node)) SX_API_NO_MEMORY();
  node->graph = graph;
  node->id = m->nodes.n - 1;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_editor_CreateModel(const char *const *domain_names, const int *opset_versions,
                                              size_t opset_entries_len, OrtModel **model) {
  SX_API_NOT_NULL(model);
  if (opset_entries_len) SX_API_NOT_NULL(domain_names && opset_versions);
  OrtModel *m = sx_calloc(1, sizeof *m);
  bool ok = m != NULL;
  for (size_t i = 0; i < opset_entries_len && ok; i++) {
    const char *d = domain_names[i] ? domain_names[i] : "";
    char *copy = sx_arena_strdup(&m->arena, d, strlen(d));
    ok = copy && sx_vec_push(&m->opsets, ((sx_proto_opset){0, {copy, strlen(d)}, opset_versions[i]}));
  }
  if (!ok) {
    sx_api_ReleaseModel(m);
    SX_API_NO_MEMORY();
  }
  *model = m;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_editor_AddGraphToModel(OrtModel *model, OrtGraph *graph) {
  SX_API_NOT_NULL(model);
  SX_API_NOT_NULL(graph);
  if (!graph->editor) SX_API_FAIL(INVALID_ARGUMENT, "this graph was not made with CreateGraph");
  if (model->graph) SX_API_FAIL(INVALID_ARGUMENT, "the model has a graph already: each OrtModel can only have one");
  model->graph = graph;
  return NULL;
}

void ORT_API_CALL sx_api_ReleaseModel(OrtModel *input) {
  if (!input) return;
  sx_api_ReleaseGraph(input->graph);
  sx_vec_free(&input->opsets);
  sx_arena_free(&input->arena);
  sx_free(input, sizeof *input);
}
