// SPDX-License-Identifier: MIT
/* What a model says about itself, as a copy that outlives its session; and types of a model's values for clients. */
#include "abi/graph.h"
#include "onnxruntime_ep_device_ep_metadata_keys.h"

struct OrtModelMetadata {
  sx_arena arena;
  sx_str producer, graph_name, domain, description, graph_description;
  int64_t version;
  uint32_t n;
  sx_kv *pairs;
};

static bool copy(OrtModelMetadata *m, sx_str from, sx_str *to) {
  char *p = sx_arena_strdup(&m->arena, from.p ? from.p : "", from.n);
  *to = (sx_str){p, from.n};
  return p != NULL;
}

static OrtModelMetadata *make(const sx_model *from) {
  OrtModelMetadata *m = sx_calloc(1, sizeof *m);
  if (!m) return NULL;
  m->version = from->model_version;
  m->n = from->metadata.n;
  m->pairs = SX_NEW_N(&m->arena, sx_kv, (size_t)m->n + 1);
  bool ok = m->pairs && copy(m, from->producer, &m->producer) && copy(m, from->graph->name, &m->graph_name) &&
            copy(m, from->domain, &m->domain) && copy(m, from->doc, &m->description) &&
            copy(m, from->graph->doc, &m->graph_description);
  for (uint32_t i = 0; ok && i < m->n; i++)
    ok = copy(m, from->metadata.at[i].key, &m->pairs[i].key) && copy(m, from->metadata.at[i].value, &m->pairs[i].value);
  if (ok) return m;
  sx_api_ReleaseModelMetadata(m);
  return NULL;
}

void ORT_API_CALL sx_api_ReleaseModelMetadata(OrtModelMetadata *input) {
  if (!input) return;
  sx_arena_free(&input->arena);
  sx_free(input, sizeof *input);
}

OrtStatus *sx_ort_metadata(const sx_model *m, OrtModelMetadata **out) {
  *out = m ? make(m) : sx_calloc(1, sizeof **out);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SessionGetModelMetadata(const OrtSession *session, OrtModelMetadata **out) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(out);
  return sx_ort_metadata(session->graph->model, out);
}

#define STRING(name, member)                                                                                             \
  OrtStatus *ORT_API_CALL sx_api_ModelMetadataGet##name(const OrtModelMetadata *model_metadata, OrtAllocator *allocator, \
                                                        char **value) {                                                  \
    SX_API_NOT_NULL(model_metadata);                                                                                     \
    SX_API_NOT_NULL(allocator);                                                                                          \
    SX_API_NOT_NULL(value);                                                                                              \
    return sx_ort_text_out(allocator, model_metadata->member, value);                                                    \
  }
STRING(ProducerName, producer)
STRING(GraphName, graph_name)
STRING(Domain, domain)
STRING(Description, description)
STRING(GraphDescription, graph_description)

OrtStatus *ORT_API_CALL sx_api_ModelMetadataGetVersion(const OrtModelMetadata *model_metadata, int64_t *value) {
  SX_API_NOT_NULL(model_metadata);
  SX_API_NOT_NULL(value);
  *value = model_metadata->version;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_ModelMetadataLookupCustomMetadataMap(const OrtModelMetadata *model_metadata,
                                                                    OrtAllocator *allocator, const char *key,
                                                                    char **value) {
  SX_API_NOT_NULL(model_metadata);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(key);
  SX_API_NOT_NULL(value);
  *value = NULL;
  for (uint32_t i = model_metadata->n; i-- > 0;) /* of equal keys the last one counts */
    if (sx_str_is(model_metadata->pairs[i].key, key))
      return sx_ort_text_out(allocator, model_metadata->pairs[i].value, value);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_ModelMetadataGetCustomMetadataMapKeys(const OrtModelMetadata *model_metadata,
                                                                     OrtAllocator *allocator, char ***keys,
                                                                     int64_t *num_keys) {
  SX_API_NOT_NULL(model_metadata);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(keys);
  SX_API_NOT_NULL(num_keys);
  *keys = NULL;
  *num_keys = 0;
  if (!model_metadata->n) return NULL;
  char **list = allocator->Alloc(allocator, model_metadata->n * sizeof *list);
  if (!list) SX_API_FAIL(FAIL, "the allocator has no room for %u keys", model_metadata->n);
  uint32_t n = 0;
  OrtStatus *failed = NULL;
  for (uint32_t i = 0; i < model_metadata->n && !failed; i++) {
    bool again = false;
    for (uint32_t k = 0; k < i && !again; k++)
      again = sx_str_eq(model_metadata->pairs[k].key, model_metadata->pairs[i].key);
    if (!again) failed = sx_ort_text_out(allocator, model_metadata->pairs[i].key, &list[n]);
    if (!again && !failed) n++;
  }
  if (!failed) {
    *keys = list;
    *num_keys = n;
    return NULL;
  }
  while (n--) allocator->Free(allocator, list[n]);
  allocator->Free(allocator, list);
  return failed;
}

/* What a provider wrote into a model that it compiled: the entry ep_compatibility_info.<provider>. NULL: nothing. */
static OrtStatus *compatibility(const void *data, size_t size, const char *ep, OrtAllocator *a, char **out) {
  const char *const prefix = kOrtModelMetadata_EpCompatibilityInfoPrefix;
  const size_t before = strlen(prefix);
  sx_arena arena = {0};
  sx_proto_model *m;
  sx_err e;
  sx_status st = sx_model_parse(data, size, SX_FORMAT_SEEN, &arena, &m, &e);
  OrtStatus *failed = sx_ort_status(st == SX_E_INVALID_PROTOBUF ? SX_E_INVALID_GRAPH : st, &e);
  for (uint32_t i = 0; st == SX_OK && !failed && !*out && i < m->metadata_props.n; i++) {
    sx_str key = m->metadata_props.at[i].key;
    if (key.n <= before || memcmp(key.p, prefix, before) != 0) continue;
    if (sx_str_is((sx_str){key.p + before, key.n - before}, ep))
      failed = sx_ort_text_out(a, m->metadata_props.at[i].value, out);
  }
  sx_arena_free(&arena);
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_GetCompatibilityInfoFromModelBytes(const void *model_data, size_t model_data_length,
                                                                  const char *ep_type, OrtAllocator *allocator,
                                                                  char **compatibility_info) {
  SX_API_NOT_NULL(model_data && model_data_length);
  SX_API_NOT_NULL(ep_type && *ep_type);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(compatibility_info);
  *compatibility_info = NULL;
  return compatibility(model_data, model_data_length, ep_type, allocator, compatibility_info);
}

OrtStatus *ORT_API_CALL sx_api_GetCompatibilityInfoFromModel(const ORTCHAR_T *model_path, const char *ep_type,
                                                             OrtAllocator *allocator, char **compatibility_info) {
  SX_API_NOT_NULL(model_path);
  SX_API_NOT_NULL(ep_type && *ep_type);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(compatibility_info);
  *compatibility_info = NULL;
  sx_path path;
  sx_mapping map;
  sx_err e;
  if (!sx_path_open(&path, model_path)) SX_API_NO_MEMORY();
  sx_status st = sx_map_file(path.p, &map, &e);
  sx_path_close(&path);
  SX_API_TRY(st);
  OrtStatus *failed = compatibility(map.data, map.size, ep_type, allocator, compatibility_info);
  sx_unmap_file(&map);
  return failed;
}

/* Sizes and names of dimensions: a constant is its size, a symbol or an expression is -1 and its text. */
static OrtTensorTypeAndShapeInfo *shape_of(const sx_model *m, sx_dtype dtype, int rank, const sx_dim *dims) {
  if (rank < 0 || rank > SX_MAX_RANK) return sx_ort_shape_create(dtype, false, 0, NULL, NULL);
  int64_t sizes[SX_MAX_RANK];
  const char *names[SX_MAX_RANK];
  sx_text text[SX_MAX_RANK];
  memset(text, 0, sizeof text);
  bool ok = true, named = false;
  for (int i = 0; i < rank; i++) {
    sx_dim d = dims[i];
    sizes[i] = sx_dim_is_const(d) ? d : -1;
    names[i] = NULL;
    if (!sx_dim_is_expr(d)) continue;
    int64_t symbol = sx_dim_symbol_of(&m->dims, d);
    if (symbol >= 0 && !m->dims.atoms.at[m->dims.symbols.at[symbol]].name.n) continue; /* one of ours, for data */
    sx_dim_print(&m->dims, d, &text[i]);
    sx_text_put(&text[i], "", 1);
    ok &= !text[i].failed;
    names[i] = text[i].p;
    named = true;
  }
  OrtTensorTypeAndShapeInfo *s = ok ? sx_ort_shape_create(dtype, true, (uint32_t)rank, sizes, named ? names : NULL) : NULL;
  for (int i = 0; i < rank; i++) sx_text_free(&text[i]);
  return s;
}

static OrtTypeInfo *type_of(const sx_model *m, const sx_type *t) {
  switch (t ? t->kind : SX_KIND_UNKNOWN) {
    case SX_KIND_TENSOR: return sx_ort_type_tensor(ONNX_TYPE_TENSOR, shape_of(m, (sx_dtype)t->dtype, t->rank, t->dims));
    case SX_KIND_SPARSE:
      return sx_ort_type_tensor(ONNX_TYPE_SPARSETENSOR, shape_of(m, (sx_dtype)t->dtype, t->rank, t->dims));
    case SX_KIND_SEQUENCE:
      return sx_ort_type_of(ONNX_TYPE_SEQUENCE, ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, type_of(m, t->item));
    case SX_KIND_OPTIONAL:
      return sx_ort_type_of(ONNX_TYPE_OPTIONAL, ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, type_of(m, t->item));
    case SX_KIND_MAP: return sx_ort_type_of(ONNX_TYPE_MAP, sx_dtype_to_ort((sx_dtype)t->dtype), type_of(m, t->item));
    case SX_KIND_UNKNOWN: break;
  }
  return sx_calloc(1, sizeof(OrtTypeInfo));
}

OrtTypeInfo *sx_ort_type_of_fact(const sx_model *m, const sx_fact *f) {
  if (f->kind == SX_KIND_TENSOR)
    return sx_ort_type_tensor(ONNX_TYPE_TENSOR, shape_of(m, (sx_dtype)f->dtype, f->rank, f->dims));
  return type_of(m, f->type);
}

OrtTensorTypeAndShapeInfo *sx_ort_shape_of_fact(const sx_model *m, const sx_fact *f) {
  return shape_of(m, (sx_dtype)f->dtype, f->rank, f->dims);
}
