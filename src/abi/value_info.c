// SPDX-License-Identifier: MIT
/* Slots ValueInfo_*: name, type and place of a value. One of the model editor has only the first two. */
#include "abi/editor.h"
#include "abi/graph.h"

#define VIEW_ONLY(x)                                                                                    \
  if ((x)->editor)                                                                                      \
  return sx_ort_error(ORT_NOT_IMPLEMENTED, "%s: a value info of the model editor does not answer this", \
                      strchr(__func__ + 3, '_') + 1)

OrtStatus *ORT_API_CALL sx_api_GetValueInfoName(const OrtValueInfo *value_info, const char **name) {
  SX_API_NOT_NULL(value_info);
  SX_API_NOT_NULL(name);
  *name = value_info->name;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetValueInfoTypeInfo(const OrtValueInfo *value_info, const OrtTypeInfo **type_info) {
  SX_API_NOT_NULL(value_info);
  SX_API_NOT_NULL(type_info);
  *type_info = value_info->type;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_ValueInfo_GetValueProducer(const OrtValueInfo *value_info, const OrtNode **producer_node,
                                                          size_t *producer_output_index) {
  SX_API_NOT_NULL(value_info);
  SX_API_NOT_NULL(producer_node);
  VIEW_ONLY(value_info);
  *producer_node = value_info->producer;
  if (producer_output_index) *producer_output_index = value_info->output;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_ValueInfo_GetValueNumConsumers(const OrtValueInfo *value_info, size_t *num_consumers) {
  SX_API_NOT_NULL(value_info);
  SX_API_NOT_NULL(num_consumers);
  VIEW_ONLY(value_info);
  *num_consumers = value_info->n_consumers;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_ValueInfo_GetValueConsumers(const OrtValueInfo *value_info, const OrtNode **nodes,
                                                           int64_t *input_indices, size_t num_consumers) {
  SX_API_NOT_NULL(value_info);
  SX_API_NOT_NULL(nodes && input_indices);
  VIEW_ONLY(value_info);
  if (num_consumers < value_info->n_consumers)
    SX_API_FAIL(INVALID_ARGUMENT, "room for %zu consumers of '%s', there are %u", num_consumers, value_info->name,
                value_info->n_consumers);
  for (uint32_t i = 0; i < value_info->n_consumers; i++)
    nodes[i] = value_info->consumers[i].node, input_indices[i] = value_info->consumers[i].slot;
  return NULL;
}

/* Where the tensor lies, as a value that is made once. */
static OrtStatus *initializer(OrtValueInfo *i, const OrtValue **out) {
  OrtGraph *root = i->graph->root;
  OrtStatus *failed = NULL;
  sx_mutex_lock(&root->lock);
  if (!i->value) failed = sx_ort_value_of(i->tensor, NULL, (OrtValue **)&i->value);
  sx_mutex_unlock(&root->lock);
  *out = (const OrtValue *)i->value;
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_ValueInfo_GetInitializerValue(const OrtValueInfo *value_info,
                                                             const OrtValue **initializer_value) {
  SX_API_NOT_NULL(value_info);
  SX_API_NOT_NULL(initializer_value);
  *initializer_value = NULL;
  VIEW_ONLY(value_info);
  const OrtValueInfo *i = value_info;
  while (i->outer) i = i->outer;
  if (!i->tensor || !(i->flags & (SX_VI_CONSTANT | SX_VI_OPTIONAL))) return NULL;
  return initializer((OrtValueInfo *)i, initializer_value);
}

OrtStatus *ORT_API_CALL sx_api_ValueInfo_GetExternalInitializerInfo(const OrtValueInfo *value_info,
                                                                    OrtExternalInitializerInfo **info) {
  SX_API_NOT_NULL(value_info);
  SX_API_NOT_NULL(info);
  *info = NULL;
  VIEW_ONLY(value_info);
  const sx_tensor *t = value_info->tensor;
  const sx_model *m = t ? value_info->graph->source->model : NULL;
  for (uint32_t i = 0; t && i < m->external.n; i++) {
    const sx_external_ref *r = &m->external.at[i];
    if (r->tensor != t) continue;
    sx_arena a = {0};
    const char *text = sx_arena_strdup(&a, r->location.p, r->location.n);
    const ORTCHAR_T *path = text ? sx_path_native(&a, text) : NULL;
    OrtStatus *failed = path ? sx_api_CreateExternalInitializerInfo(path, (int64_t)r->offset, t->size, info)
                             : sx_ort_status(SX_E_NO_MEMORY, NULL);
    sx_arena_free(&a);
    return failed;
  }
  return NULL;
}

#define FLAG(Name, result, flag)                                                                    \
  OrtStatus *ORT_API_CALL sx_api_ValueInfo_Is##Name(const OrtValueInfo *value_info, bool *result) { \
    SX_API_NOT_NULL(value_info);                                                                    \
    SX_API_NOT_NULL(result);                                                                        \
    *result = false;                                                                                \
    VIEW_ONLY(value_info);                                                                          \
    *result = (value_info->flags & (flag)) != 0;                                                    \
    return NULL;                                                                                    \
  }
FLAG(RequiredGraphInput, is_required_graph_input, SX_VI_REQUIRED)
FLAG(OptionalGraphInput, is_optional_graph_input, SX_VI_OPTIONAL)
FLAG(GraphOutput, is_graph_output, SX_VI_OUTPUT)
FLAG(ConstantInitializer, is_constant_initializer, SX_VI_CONSTANT)
FLAG(FromOuterScope, is_from_outer_scope, SX_VI_OUTER)

void ORT_API_CALL sx_api_ReleaseValueInfo(OrtValueInfo *input) {
  if (input && input->editor) sx_editor_value_info_free(input); /* those of a view are the view's */
}
