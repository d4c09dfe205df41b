// SPDX-License-Identifier: MIT
/* Slots Graph_*: what a graph says of itself. A graph of the model editor only has a name and counts, as in ONNX Runtime.
 */
#include "abi/editor.h"
#include "abi/graph.h"

/* Refuses graphs of the model editor in a function that needs a view. */
#define VIEW_ONLY(g)                                                                               \
  if ((g)->editor)                                                                                 \
  return sx_ort_error(ORT_NOT_IMPLEMENTED, "%s: a graph of the model editor does not answer this", \
                      strchr(__func__ + 3, '_') + 1)

OrtStatus *sx_ort_list_out(const char *what, const void *list, size_t n, const void **out, size_t room) {
  if (room < n) SX_API_FAIL(INVALID_ARGUMENT, "room for %zu %s, there are %zu", room, what, n);
  if (n && !out) SX_API_FAIL(INVALID_ARGUMENT, "the array for the %s is NULL", what);
  if (n) memcpy(out, list, n * sizeof *out);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_Graph_GetName(const OrtGraph *graph, const char **graph_name) {
  SX_API_NOT_NULL(graph);
  SX_API_NOT_NULL(graph_name);
  *graph_name = graph->editor ? "ModelEditorGraph" : graph->source->name.p ? graph->source->name.p : "";
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_Graph_GetModelPath(const OrtGraph *graph, const ORTCHAR_T **model_path) {
  SX_API_NOT_NULL(graph);
  SX_API_NOT_NULL(model_path);
  *model_path = graph->path;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_Graph_GetOnnxIRVersion(const OrtGraph *graph, int64_t *onnx_ir_version) {
  SX_API_NOT_NULL(graph);
  SX_API_NOT_NULL(onnx_ir_version);
  *onnx_ir_version = graph->editor ? SX_EDITOR_IR_VERSION : graph->source->model->ir_version;
  return NULL;
}

static bool is_onnx(sx_str domain) { return !domain.n || sx_str_is(domain, "ai.onnx"); }

/* Domains that every model imports in ONNX Runtime, with versions where our tables know none (-1: that of ai.onnx). Sorted,
 * as they are handed out. */
static const struct {
  const char *name;
  int version;
} implied[] = {{"", 0},
               {"ai.onnx.ml", 0},
               {"ai.onnx.preview", 0},
               {"ai.onnx.preview.training", 0},
               {"ai.onnx.training", 1},
               {"com.microsoft", 0},
               {"com.microsoft.experimental", 1},
               {"com.microsoft.nchwc", 1},
               {"com.ms.internal.nhwc", -1},
               {"org.pytorch.aten", 1}};

static int implied_version(const sx_model *m, size_t i) {
  sx_domain d;
  if (implied[i].version) return implied[i].version > 0 ? implied[i].version : sx_ort_opset(m, SX_STR(""));
  return sx_domain_find(sx_str_c(implied[i].name), &d) ? sx_domain_latest(d) : 1;
}

int sx_ort_opset(const sx_model *m, sx_str domain) {
  if (sx_str_is(domain, "ai.onnx")) return 0; /* an alias that nobody answers to */
  const int version = sx_model_opset(m, domain);
  if (version) return version;
  for (size_t i = 0; i < sizeof implied / sizeof *implied; i++)
    if (sx_str_is(domain, implied[i].name)) return implied_version(m, i);
  return 0;
}

/* Imported ones that are not implied, then the implied ones: merged by name. */
static size_t opsets(const OrtGraph *g, const char **domains, int64_t *versions) {
  const sx_model *m = g->source->model;
  size_t n = 0;
  const char *last = NULL;
  for (;;) {
    const char *next = NULL;
    for (size_t i = 0; i < sizeof implied / sizeof *implied; i++)
      if ((!last || strcmp(implied[i].name, last) > 0) && (!next || strcmp(implied[i].name, next) < 0))
        next = implied[i].name;
    for (uint32_t i = 0; i < m->opsets.n; i++) {
      const char *d = is_onnx(m->opsets.at[i].domain) ? "" : m->opsets.at[i].domain.p;
      if ((!last || strcmp(d, last) > 0) && (!next || strcmp(d, next) < 0)) next = d;
    }
    if (!next) return n;
    if (domains) domains[n] = next, versions[n] = sx_ort_opset(m, sx_str_c(next));
    n++, last = next;
  }
}

OrtStatus *ORT_API_CALL sx_api_Graph_GetNumOperatorSets(const OrtGraph *graph, size_t *num_operator_sets) {
  SX_API_NOT_NULL(graph);
  SX_API_NOT_NULL(num_operator_sets);
  VIEW_ONLY(graph);
  *num_operator_sets = opsets(graph, NULL, NULL);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_Graph_GetOperatorSets(const OrtGraph *graph, const char **domains, int64_t *opset_versions,
                                                     size_t num_operator_sets) {
  SX_API_NOT_NULL(graph);
  SX_API_NOT_NULL(domains && opset_versions);
  VIEW_ONLY(graph);
  size_t n = opsets(graph, NULL, NULL);
  if (num_operator_sets < n)
    SX_API_FAIL(INVALID_ARGUMENT, "room for %zu operator sets, there are %zu", num_operator_sets, n);
  opsets(graph, domains, opset_versions);
  return NULL;
}

/* A list of value infos: its length, also of a graph of the editor, and its entries. */
#define LIST(Name, member, text)                                                                                  \
  OrtStatus *ORT_API_CALL sx_api_Graph_GetNum##Name(const OrtGraph *graph, size_t *n) {                           \
    SX_API_NOT_NULL(graph);                                                                                       \
    SX_API_NOT_NULL(n);                                                                                           \
    *n = graph->editor ? sx_editor_count(graph, #member) : graph->member.n;                                       \
    return NULL;                                                                                                  \
  }                                                                                                               \
  OrtStatus *ORT_API_CALL sx_api_Graph_Get##Name(const OrtGraph *graph, const OrtValueInfo **list, size_t room) { \
    SX_API_NOT_NULL(graph);                                                                                       \
    VIEW_ONLY(graph);                                                                                             \
    return sx_ort_list_out(text, graph->member.at, graph->member.n, (const void **)list, room);                   \
  }
LIST(Inputs, inputs, "graph inputs")
LIST(Outputs, outputs, "graph outputs")
LIST(Initializers, initializers, "graph initializers")

OrtStatus *ORT_API_CALL sx_api_Graph_GetNumNodes(const OrtGraph *graph, size_t *num_nodes) {
  SX_API_NOT_NULL(graph);
  SX_API_NOT_NULL(num_nodes);
  *num_nodes = graph->editor ? sx_editor_count(graph, "nodes") : graph->n_nodes;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_Graph_GetNodes(const OrtGraph *graph, const OrtNode **nodes, size_t num_nodes) {
  SX_API_NOT_NULL(graph);
  VIEW_ONLY(graph);
  return sx_ort_list_out("graph nodes", graph->nodes, graph->n_nodes, (const void **)nodes, num_nodes);
}

OrtStatus *ORT_API_CALL sx_api_Graph_GetParentNode(const OrtGraph *graph, const OrtNode **node) {
  SX_API_NOT_NULL(graph);
  SX_API_NOT_NULL(node);
  *node = NULL;
  VIEW_ONLY(graph);
  *node = graph->parent;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_Graph_GetGraphView(const OrtGraph *src_graph, const OrtNode **nodes, size_t num_nodes,
                                                  OrtGraph **dst_graph) {
  SX_API_NOT_NULL(src_graph);
  SX_API_NOT_NULL(dst_graph);
  if (!num_nodes) SX_API_FAIL(INVALID_ARGUMENT, "Graph_GetGraphView: no nodes are given");
  SX_API_NOT_NULL(nodes);
  if (src_graph->editor) SX_API_FAIL(INVALID_ARGUMENT, "Graph_GetGraphView: a graph of the model editor has no views");
  sx_err e;
  SX_API_TRY(sx_ort_graph_subset(src_graph, nodes, num_nodes, dst_graph, &e));
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_Graph_GetModelMetadata(const OrtGraph *graph, OrtModelMetadata **out) {
  SX_API_NOT_NULL(graph);
  SX_API_NOT_NULL(out);
  return sx_ort_metadata(graph->editor ? NULL : graph->source->model, out);
}

void ORT_API_CALL sx_api_ReleaseGraph(OrtGraph *input) {
  if (input && input->editor)
    sx_editor_graph_free(input);
  else
    sx_ort_graph_free(input);
}
