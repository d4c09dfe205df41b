// SPDX-License-Identifier: MIT
/* The node behind a custom kernel: its attributes, inputs and outputs, while the kernel is made and as long as a copy
 * lives. */
#include "abi/custom.h"

static OrtStatus *find(const OrtKernelInfo *info, const char *name, sx_attr_type type, const sx_attr **out) {
  if (!info || !name) SX_API_FAIL(INVALID_ARGUMENT, "the kernel info or the attribute's name is NULL");
  *out = sx_node_attr(info->node, name);
  if (!*out) SX_API_FAIL(FAIL, "No attribute with name:'%.200s'is defined.", name);
  if ((*out)->type != type)
    SX_API_FAIL(FAIL, "Attribute name:'%.200s' is of type %d, not %d", name, (int)(*out)->type, (int)type);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelInfoGetAttribute_float(const OrtKernelInfo *info, const char *name, float *out) {
  SX_API_NOT_NULL(out);
  const sx_attr *a = NULL;
  OrtStatus *failed = find(info, name, SX_ATTR_FLOAT, &a);
  if (!failed) *out = a->f;
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_KernelInfoGetAttribute_int64(const OrtKernelInfo *info, const char *name, int64_t *out) {
  SX_API_NOT_NULL(out);
  const sx_attr *a = NULL;
  OrtStatus *failed = find(info, name, SX_ATTR_INT, &a);
  if (!failed) *out = a->i;
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_KernelInfoGetAttribute_string(const OrtKernelInfo *info, const char *name, char *out,
                                                             size_t *size) {
  SX_API_NOT_NULL(size);
  const sx_attr *a = NULL;
  OrtStatus *failed = find(info, name, SX_ATTR_STRING, &a);
  return failed ? failed : sx_ort_text_copy("the attribute", a->s, out, size);
}

/* Arrays in two calls; sizes count elements. */
static OrtStatus *copy_array(const void *values, size_t n, size_t item, void *out, size_t *size) {
  size_t have = *size;
  *size = n;
  if (!out) return NULL;
  if (have < n) SX_API_FAIL(INVALID_ARGUMENT, "the attribute has %zu elements, the buffer has room for %zu", n, have);
  if (n) memcpy(out, values, n * item);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelInfoGetAttributeArray_float(const OrtKernelInfo *info, const char *name, float *out,
                                                                 size_t *size) {
  SX_API_NOT_NULL(size);
  const sx_attr *a = NULL;
  OrtStatus *failed = find(info, name, SX_ATTR_FLOATS, &a);
  return failed ? failed : copy_array(a->floats, a->n, sizeof(float), out, size);
}

OrtStatus *ORT_API_CALL sx_api_KernelInfoGetAttributeArray_int64(const OrtKernelInfo *info, const char *name, int64_t *out,
                                                                 size_t *size) {
  SX_API_NOT_NULL(size);
  const sx_attr *a = NULL;
  OrtStatus *failed = find(info, name, SX_ATTR_INTS, &a);
  return failed ? failed : copy_array(a->ints, a->n, sizeof(int64_t), out, size);
}

OrtStatus *ORT_API_CALL sx_api_KernelInfoGetAttributeArray_string(const OrtKernelInfo *info, const char *name,
                                                                  OrtAllocator *allocator, char ***out, size_t *size) {
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(out);
  SX_API_NOT_NULL(size);
  const sx_attr *a = NULL;
  OrtStatus *failed = find(info, name, SX_ATTR_STRINGS, &a);
  if (failed) return failed;
  *out = NULL;
  *size = a->n;
  if (!a->n) return NULL;
  char **list = allocator->Alloc(allocator, a->n * sizeof *list);
  if (!list) SX_API_FAIL(FAIL, "the allocator has no room for %u strings", a->n);
  for (uint32_t i = 0; i < a->n && !failed; i++)
    if ((failed = sx_ort_text_out(allocator, a->strings[i], &list[i])) != NULL)
      while (i--) allocator->Free(allocator, list[i]);
  if (failed)
    allocator->Free(allocator, list);
  else
    *out = list;
  return failed;
}

OrtStatus *sx_ort_value_of(const sx_tensor *t, OrtAllocator *a, OrtValue **out) {
  const void *data = NULL;
  sx_err e;
  sx_rt_value *over = NULL;
  SX_API_TRY(sx_tensor_data(t, &data, &e));
  SX_API_TRY(sx_rt_tensor_wrap((sx_dtype)t->dtype, (uint32_t)t->rank, t->dims, (void *)data, SIZE_MAX, &sx_memory_cpu, NULL,
                               NULL, &over, &e));
  if (!a) {
    *out = (OrtValue *)over;
    return NULL;
  }
  sx_rt_source room;
  sx_status st = sx_rt_tensor_clone(over, sx_source_of(a, &room), (sx_rt_value **)out, &e);
  sx_rt_unref(over);
  return sx_ort_status(st, &e);
}

OrtStatus *ORT_API_CALL sx_api_KernelInfoGetAttribute_tensor(const OrtKernelInfo *info, const char *name,
                                                             OrtAllocator *allocator, OrtValue **out) {
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(out);
  const sx_attr *a = NULL;
  OrtStatus *failed = find(info, name, SX_ATTR_TENSOR, &a);
  return failed ? failed : sx_ort_value_of(a->t, allocator, out);
}

OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetInputCount(const OrtKernelInfo *info, size_t *out) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(out);
  *out = info->node->n_in;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetOutputCount(const OrtKernelInfo *info, size_t *out) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(out);
  *out = info->node->n_out;
  return NULL;
}

/* The value of an input or output; NULL: absent. */
static OrtStatus *value_at(const OrtKernelInfo *info, size_t index, bool output, const sx_value **v) {
  if (!info) SX_API_FAIL(INVALID_ARGUMENT, "the kernel info is NULL");
  uint32_t n = output ? info->node->n_out : info->node->n_in;
  if (index >= n)
    SX_API_FAIL(INVALID_ARGUMENT, "the node has %u %s, there is no %zu", n, output ? "outputs" : "inputs", index);
  sx_vid id = output ? info->node->out[index] : info->node->in[index].value;
  *v = id == SX_NONE ? NULL : sx_value_at(info->graph, id);
  return NULL;
}

static OrtStatus *name_at(const OrtKernelInfo *info, size_t index, bool output, char *out, size_t *size) {
  if (!size) SX_API_FAIL(INVALID_ARGUMENT, "the size is NULL");
  const sx_value *v = NULL;
  OrtStatus *failed = value_at(info, index, output, &v);
  return failed ? failed : sx_ort_text_copy("the name", v ? v->name : SX_STR(""), out, size);
}

static OrtStatus *type_at(const OrtKernelInfo *info, size_t index, bool output, OrtTypeInfo **out) {
  if (!out) SX_API_FAIL(INVALID_ARGUMENT, "the result is NULL");
  const sx_value *v = NULL;
  OrtStatus *failed = value_at(info, index, output, &v);
  if (failed) return failed;
  if (!v) SX_API_FAIL(INVALID_ARGUMENT, "%s %zu of the node is absent", output ? "output" : "input", index);
  *out = sx_ort_type_of_fact(info->graph->model, &v->fact);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetInputName(const OrtKernelInfo *info, size_t index, char *out, size_t *size) {
  return name_at(info, index, false, out, size);
}
OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetOutputName(const OrtKernelInfo *info, size_t index, char *out, size_t *size) {
  return name_at(info, index, true, out, size);
}
OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetInputTypeInfo(const OrtKernelInfo *info, size_t index,
                                                           OrtTypeInfo **type_info) {
  return type_at(info, index, false, type_info);
}
OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetOutputTypeInfo(const OrtKernelInfo *info, size_t index,
                                                            OrtTypeInfo **type_info) {
  return type_at(info, index, true, type_info);
}

OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetNodeName(const OrtKernelInfo *info, char *out, size_t *size) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(size);
  return sx_ort_text_copy("the node's name", info->node->name, out, size);
}

OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetOperatorDomain(const OrtKernelInfo *info, char *out, size_t *size) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(size);
  return sx_ort_text_copy("the operator's domain", info->node->domain, out, size);
}

OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetOperatorType(const OrtKernelInfo *info, char *out, size_t *size) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(size);
  return sx_ort_text_copy("the operator's name", info->node->op_type, out, size);
}

OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetOperatorSinceVersion(const OrtKernelInfo *info, int *since_version) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(since_version);
  *since_version = info->node->since_version;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetLogger(const OrtKernelInfo *info, const OrtLogger **logger) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(logger);
  *logger = &info->session->logger;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelInfo_GetConfigEntries(const OrtKernelInfo *info, OrtKeyValuePairs **out) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(out);
  return sx_api_GetSessionOptionsConfigEntries(info->session->options, out);
}

static void drop_value(void *value) { sx_rt_unref(value); }
OrtStatus *ORT_API_CALL sx_api_KernelInfoGetConstantInput_tensor(const OrtKernelInfo *info, size_t index, int *is_constant,
                                                                 const OrtValue **out) {
  SX_API_NOT_NULL(is_constant);
  SX_API_NOT_NULL(out);
  const sx_value *v = NULL;
  OrtStatus *failed = value_at(info, index, false, &v);
  if (failed) return failed;
  *is_constant = 0;
  *out = NULL;
  sx_tensor *t = v && !v->overridable ? v->fact.constant : NULL;
  if (!t) return NULL;
  t->pinned = true;
  /* Borrowed by kernels of the model, which has it once. */
  sx_model *m = info->graph->model;
  const uint64_t key = (uint64_t)(uintptr_t)t;
  OrtValue *value = sx_model_owned(m, key);
  if (!value) {
    if ((failed = sx_ort_value_of(t, NULL, &value)) != NULL) return failed;
    if (!sx_model_own(m, key, value, drop_value)) {
      drop_value(value);
      SX_API_NO_MEMORY();
    }
  }
  *is_constant = 1;
  *out = value;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelInfoGetAllocator(const OrtKernelInfo *info, OrtMemType mem_type, OrtAllocator **out) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(out);
  *out = &sx_default_allocator;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CopyKernelInfo(const OrtKernelInfo *info, OrtKernelInfo **info_copy) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(info_copy);
  *info_copy = sx_malloc(sizeof **info_copy);
  if (!*info_copy) SX_API_NO_MEMORY();
  **info_copy = *info;
  return NULL;
}

void ORT_API_CALL sx_api_ReleaseKernelInfo(OrtKernelInfo *input) { sx_free(input, sizeof *input); }
