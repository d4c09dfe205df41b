// SPDX-License-Identifier: MIT
/* Values as such, and tensors of numbers. */
#include "abi/plugin/host.h"

OrtStatus *sx_ort_dtype(ONNXTensorElementDataType type, sx_dtype *out) {
  *out = sx_dtype_of(type);
  if (*out == SX_UNDEFINED) SX_API_FAIL(NOT_IMPLEMENTED, "there is no tensor element type %d", (int)type);
  return NULL;
}

static OrtStatus *check_shape(const int64_t *shape, size_t shape_len) {
  if (shape_len && !shape) SX_API_FAIL(INVALID_ARGUMENT, "the shape is NULL, its length is %zu", shape_len);
  if (shape_len > UINT16_MAX) SX_API_FAIL(INVALID_ARGUMENT, "a tensor with %zu dimensions", shape_len);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateTensorAsOrtValue(OrtAllocator *allocator, const int64_t *shape, size_t shape_len,
                                                      ONNXTensorElementDataType type, OrtValue **out) {
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(out);
  sx_dtype dtype;
  OrtStatus *s = sx_ort_dtype(type, &dtype);
  if (!s) s = check_shape(shape, shape_len);
  if (s) return s;
  sx_err e;
  sx_rt_source room;
  sx_status st =
      sx_rt_tensor_create(dtype, (uint32_t)shape_len, shape, sx_source_of(allocator, &room), (sx_rt_value **)out, &e);
  if (st == SX_E_INVALID_ARGUMENT) return sx_ort_error(ORT_FAIL, "%s", e.msg); /* ONNX Runtime's code here */
  return st == SX_E_NO_MEMORY ? sx_ort_error(ORT_RUNTIME_EXCEPTION, "%s", e.msg) : sx_ort_status(st, &e);
}

/* A tensor over the caller's bytes. `release` NULL: borrowed. */
static OrtStatus *wrap(const sx_memory *memory, void *data, size_t size, const int64_t *shape, size_t shape_len,
                       ONNXTensorElementDataType type, sx_rt_release_fn release, void *ctx, OrtValue **out) {
  sx_dtype dtype;
  OrtStatus *s = sx_ort_dtype(type, &dtype);
  if (!s) s = check_shape(shape, shape_len);
  if (s) return s;
  if (dtype == SX_STRING)
    SX_API_FAIL(INVALID_ARGUMENT,
                "a string tensor cannot lie over the caller's memory; make one with CreateTensorAsOrtValue "
                "and fill it with FillStringTensor");
  sx_err e;
  SX_API_TRY(
      sx_rt_tensor_wrap(dtype, (uint32_t)shape_len, shape, data, size, memory, release, ctx, (sx_rt_value **)out, &e));
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateTensorWithDataAsOrtValue(const OrtMemoryInfo *info, void *p_data, size_t p_data_len,
                                                              const int64_t *shape, size_t shape_len,
                                                              ONNXTensorElementDataType type, OrtValue **out) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(out);
  return wrap(sx_memory_of(info), p_data, p_data_len, shape, shape_len, type, NULL, NULL, out);
}

static void delete_with(void *ctx, void *data, size_t bytes) {
  OrtAllocator *a = ctx;
  if (data) a->Free(a, data);
}

OrtStatus *ORT_API_CALL sx_api_CreateTensorWithDataAndDeleterAsOrtValue(OrtAllocator *deleter, void *p_data,
                                                                        size_t p_data_len, const int64_t *shape,
                                                                        size_t shape_len, ONNXTensorElementDataType type,
                                                                        OrtValue **out) {
  SX_API_NOT_NULL(deleter);
  SX_API_NOT_NULL(out);
  const OrtMemoryInfo *info = deleter->Info ? deleter->Info(deleter) : NULL;
  return wrap(info ? sx_memory_of(info) : &sx_memory_cpu, p_data, p_data_len, shape, shape_len, type, delete_with, deleter,
              out);
}

void ORT_API_CALL sx_api_ReleaseValue(OrtValue *input) { sx_rt_unref((sx_rt_value *)input); }

ONNXType sx_ort_kind(const sx_rt_value *v) {
  static const ONNXType of[] = {
      [SX_RT_NONE] = ONNX_TYPE_UNKNOWN, [SX_RT_TENSOR] = ONNX_TYPE_TENSOR,       [SX_RT_SEQUENCE] = ONNX_TYPE_SEQUENCE,
      [SX_RT_MAP] = ONNX_TYPE_MAP,      [SX_RT_SPARSE] = ONNX_TYPE_SPARSETENSOR, [SX_RT_OPAQUE] = ONNX_TYPE_OPAQUE};
  return of[v->type.kind == SX_RT_NONE ? v->type.elem : v->type.kind];
}

OrtStatus *ORT_API_CALL sx_api_GetValueType(const OrtValue *value, enum ONNXType *out) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(out);
  *out = sx_ort_kind((const sx_rt_value *)value);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_IsTensor(const OrtValue *value, int *out) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(out);
  *out = sx_ort_kind((const sx_rt_value *)value) == ONNX_TYPE_TENSOR;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_IsSparseTensor(const OrtValue *value, int *out) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(out);
  *out = sx_ort_kind((const sx_rt_value *)value) == ONNX_TYPE_SPARSETENSOR;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_HasValue(const OrtValue *value, int *out) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(out);
  *out = ((const sx_rt_value *)value)->type.kind != SX_RT_NONE;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetTypeInfo(const OrtValue *value, OrtTypeInfo **out) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(out);
  *out = sx_ort_type_of_value((const sx_rt_value *)value);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

/* The value as a tensor, dense, or a failure with the given code. */
#define TENSOR_OR_FAIL(v, value, code)                 \
  SX_API_NOT_NULL(value);                              \
  const sx_rt_value *v = (const sx_rt_value *)(value); \
  if (!sx_rt_is_tensor(v)) SX_API_FAIL(code, "%s: the value is not a tensor", strchr(__func__ + 3, '_') + 1)

OrtStatus *ORT_API_CALL sx_api_GetTensorTypeAndShape(const OrtValue *value, OrtTensorTypeAndShapeInfo **out) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(out);
  const sx_rt_value *v = (const sx_rt_value *)value;
  if (v->type.kind != SX_RT_TENSOR && v->type.kind != SX_RT_SPARSE)
    SX_API_FAIL(FAIL, "GetTensorTypeAndShape: the value is not a tensor");
  *out = sx_ort_shape_create((sx_dtype)v->type.dtype, true, v->rank, v->dims, NULL);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetTensorElementTypeAndShapeDataReference(const OrtValue *value,
                                                                         ONNXTensorElementDataType *elem_type,
                                                                         const int64_t **shape_data,
                                                                         size_t *shape_data_count) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(elem_type);
  SX_API_NOT_NULL(shape_data);
  SX_API_NOT_NULL(shape_data_count);
  const sx_rt_value *v = (const sx_rt_value *)value;
  if (v->type.kind != SX_RT_TENSOR && v->type.kind != SX_RT_SPARSE)
    SX_API_FAIL(INVALID_ARGUMENT, "GetTensorElementTypeAndShapeDataReference: the value is not a tensor");
  *elem_type = sx_dtype_to_ort((sx_dtype)v->type.dtype);
  *shape_data = v->rank ? v->dims : NULL;
  *shape_data_count = v->rank;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetTensorMutableData(OrtValue *value, void **out) {
  SX_API_NOT_NULL(out);
  TENSOR_OR_FAIL(v, value, FAIL);
  *out = v->data;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetTensorData(const OrtValue *value, const void **out) {
  SX_API_NOT_NULL(out);
  TENSOR_OR_FAIL(v, value, FAIL);
  *out = v->data;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetTensorSizeInBytes(const OrtValue *ort_value, size_t *size) {
  SX_API_NOT_NULL(size);
  TENSOR_OR_FAIL(v, ort_value, INVALID_ARGUMENT);
  if (v->type.dtype == SX_STRING) SX_API_FAIL(INVALID_ARGUMENT, "GetTensorSizeInBytes: strings have no such size");
  *size = v->bytes;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetTensorMemoryInfo(const OrtValue *value, const OrtMemoryInfo **mem_info) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(mem_info);
  const sx_rt_value *v = (const sx_rt_value *)value;
  if (v->type.kind != SX_RT_TENSOR && v->type.kind != SX_RT_SPARSE)
    SX_API_FAIL(FAIL, "GetTensorMemoryInfo: the value is not a tensor");
  *mem_info = (const OrtMemoryInfo *)v->memory;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_TensorAt(OrtValue *value, const int64_t *location_values, size_t location_values_count,
                                        void **out) {
  SX_API_NOT_NULL(out);
  TENSOR_OR_FAIL(v, value, FAIL);
  uint32_t bits = sx_dtype_bits((sx_dtype)v->type.dtype);
  if (v->type.dtype == SX_STRING) SX_API_FAIL(INVALID_ARGUMENT, "TensorAt: not for strings");
  if (bits < 8) SX_API_FAIL(INVALID_ARGUMENT, "TensorAt: elements of %u bits have no address", bits);
  if (location_values_count != v->rank)
    SX_API_FAIL(INVALID_ARGUMENT, "TensorAt: %zu coordinates for a tensor of rank %u", location_values_count, v->rank);
  if (v->rank) SX_API_NOT_NULL(location_values);
  size_t at = 0;
  for (uint32_t i = 0; i < v->rank; i++) {
    if (location_values[i] < 0 || location_values[i] >= v->dims[i])
      SX_API_FAIL(INVALID_ARGUMENT, "TensorAt: coordinate %u is %lld, the dimension is %lld", i,
                  (long long)location_values[i], (long long)v->dims[i]);
    at = at * (size_t)v->dims[i] + (size_t)location_values[i];
  }
  *out = (char *)v->data + at * (bits / 8);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CopyTensors(const OrtEnv *env, const OrtValue *const *src_tensors,
                                           OrtValue *const *dst_tensors, OrtSyncStream *stream, size_t num_tensors) {
  SX_API_NOT_NULL(env);
  if (!src_tensors || !dst_tensors || !num_tensors) SX_API_FAIL(INVALID_ARGUMENT, "CopyTensors: no tensors are given");
  for (size_t i = 0; i < num_tensors; i++) {
    const sx_rt_value *s = (const sx_rt_value *)src_tensors[i], *d = (const sx_rt_value *)dst_tensors[i];
    if (!sx_rt_is_tensor(s) || !sx_rt_is_tensor(d))
      SX_API_FAIL(INVALID_ARGUMENT, "CopyTensors: value %zu is not a tensor", i);
    if (s->type.dtype != d->type.dtype || s->bytes != d->bytes)
      SX_API_FAIL(INVALID_ARGUMENT, "CopyTensors: source and destination %zu differ in type or size", i);
    bool host = sx_memory_is_host(s->memory) && sx_memory_is_host(d->memory);
    sx_ep_library *held;
    OrtDataTransferImpl *t = sx_env_transfer(env, s->memory, d->memory, &held);
    sx_ep_library_drop(held);
    if (!host && !t)
      SX_API_FAIL(NOT_IMPLEMENTED, "CopyTensors: no provider copies between '%s' and '%s'", s->memory->name,
                  d->memory->name);
  }
  for (size_t i = 0; i < num_tensors; i++) {
    const sx_rt_value *s = (const sx_rt_value *)src_tensors[i];
    sx_rt_value *d = (sx_rt_value *)dst_tensors[i];
    if (s == d) continue;
    bool host = sx_memory_is_host(s->memory) && sx_memory_is_host(d->memory);
    sx_ep_library *held;
    OrtDataTransferImpl *t = sx_env_transfer(env, s->memory, d->memory, &held);
    if (!host) { /* unless the library has gone meanwhile */
      OrtStatus *failed = t ? sx_transfer_one(t, s, d, stream)
                            : sx_ort_error(ORT_FAIL, "CopyTensors: the provider of '%s' has gone", s->memory->name);
      sx_ep_library_drop(held);
      if (failed) return failed;
      continue;
    }
    if (s->bytes) memmove(d->data, s->data, s->bytes);
    sx_err e;
    if (s->type.dtype == SX_STRING) SX_API_TRY(sx_rt_strings_own(d, &e));
  }
  return NULL;
}
