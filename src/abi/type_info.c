// SPDX-License-Identifier: MIT
/* Type infos: element type and shape, and what sequences, maps and optionals contain. All plain trees on the heap. */
#include "abi/handles.h"

/* The interface numbers its element types as ONNX does up to FLOAT4E2M1 (23), then in another order; 27 and 28 are ONNX's
 * again (sardonyx.h). */
sx_dtype sx_dtype_of(ONNXTensorElementDataType t) {
  switch (t) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT2: return SX_U2;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT2: return SX_I2;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E8M0: return SX_F8E8M0;
    default: return (unsigned)t <= SX_F4E2M1 || ((unsigned)t >= SX_F6E2M3 && (unsigned)t < SX_DTYPE_COUNT) ? (sx_dtype)t : SX_UNDEFINED;
  }
}

ONNXTensorElementDataType sx_dtype_to_ort(sx_dtype t) {
  switch (t) {
    case SX_U2: return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT2;
    case SX_I2: return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT2;
    case SX_F8E8M0: return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E8M0;
    default: return (ONNXTensorElementDataType)t;
  }
}

static bool set_dims(OrtTensorTypeAndShapeInfo *s, const int64_t *dims, size_t rank) {
  if (rank > s->cap) {
    size_t bytes;
    int64_t *more = rank <= UINT32_MAX && sx_size_mul(rank, sizeof *more, &bytes) ? sx_malloc(bytes) : NULL;
    if (!more) return false;
    if (s->dims != s->few) sx_free(s->dims, s->cap * sizeof *s->dims);
    s->dims = more;
    s->cap = (uint32_t)rank;
  }
  if (rank) memcpy(s->dims, dims, rank * sizeof *dims);
  s->rank = (uint32_t)rank;
  s->has_shape = true;
  return true;
}

static void drop_names(OrtTensorTypeAndShapeInfo *s) {
  for (uint32_t i = 0; i < s->named; i++) sx_text_drop(s->names[i]);
  sx_free(s->names, s->named * sizeof *s->names);
  s->names = NULL, s->named = 0;
}

static bool set_names(OrtTensorTypeAndShapeInfo *s, const char *const *names, size_t n) {
  drop_names(s);
  if (!n || n > UINT32_MAX) return n == 0;
  s->names = sx_calloc(n, sizeof *s->names);
  if (!s->names) return false;
  s->named = (uint32_t)n;
  for (size_t i = 0; i < n; i++)
    if (names[i] && names[i][0] && !(s->names[i] = sx_text_dup(names[i]))) return false;
  return true;
}

OrtTensorTypeAndShapeInfo *sx_ort_shape_create(sx_dtype dtype, bool has_shape, uint32_t rank, const int64_t *dims,
                                               const char *const *names) {
  OrtTensorTypeAndShapeInfo *s = sx_calloc(1, sizeof *s);
  if (!s) return NULL;
  s->type = sx_dtype_to_ort(dtype);
  s->dims = s->few;
  s->cap = sizeof s->few / sizeof *s->few;
  if ((has_shape && !set_dims(s, dims, rank)) || (names && !set_names(s, names, rank))) {
    sx_api_ReleaseTensorTypeAndShapeInfo(s);
    return NULL;
  }
  return s;
}

void ORT_API_CALL sx_api_ReleaseTensorTypeAndShapeInfo(OrtTensorTypeAndShapeInfo *input) {
  if (!input) return;
  drop_names(input);
  if (input->dims != input->few) sx_free(input->dims, input->cap * sizeof *input->dims);
  sx_free(input, sizeof *input);
}

OrtTypeInfo *sx_ort_type_tensor(ONNXType kind, OrtTensorTypeAndShapeInfo *owned) {
  OrtTypeInfo *t = owned ? sx_calloc(1, sizeof *t) : NULL;
  if (!t) {
    sx_api_ReleaseTensorTypeAndShapeInfo(owned);
    return NULL;
  }
  t->kind = kind;
  t->tensor = owned;
  return t;
}

OrtTypeInfo *sx_ort_type_of(ONNXType kind, ONNXTensorElementDataType key, OrtTypeInfo *owned) {
  OrtTypeInfo *t = owned ? sx_calloc(1, sizeof *t) : NULL;
  if (!t) {
    sx_api_ReleaseTypeInfo(owned);
    return NULL;
  }
  t->kind = kind;
  t->key = key;
  t->contained = owned;
  return t;
}

OrtTypeInfo *sx_ort_type_copy(const OrtTypeInfo *t) {
  OrtTypeInfo *c = NULL;
  if (t->tensor) {
    const OrtTensorTypeAndShapeInfo *s = t->tensor;
    OrtTensorTypeAndShapeInfo *copy = sx_ort_shape_create(SX_UNDEFINED, s->has_shape, s->rank, s->dims, NULL);
    if (copy) {
      copy->type = s->type;
      if (!set_names(copy, (const char *const *)s->names, s->named)) {
        sx_api_ReleaseTensorTypeAndShapeInfo(copy);
        copy = NULL;
      }
    }
    c = sx_ort_type_tensor(t->kind, copy);
  } else if (t->contained) {
    c = sx_ort_type_of(t->kind, t->key, sx_ort_type_copy(t->contained));
  } else {
    c = sx_calloc(1, sizeof *c);
    if (c) c->kind = t->kind;
  }
  if (c && t->denotation && !(c->denotation = sx_text_dup(t->denotation))) {
    sx_api_ReleaseTypeInfo(c);
    c = NULL;
  }
  return c;
}

void ORT_API_CALL sx_api_ReleaseTypeInfo(OrtTypeInfo *input) {
  while (input) {
    OrtTypeInfo *next = input->contained;
    sx_api_ReleaseTensorTypeAndShapeInfo(input->tensor);
    sx_text_drop(input->denotation);
    sx_free(input, sizeof *input);
    input = next;
  }
}

/* A tensor type without a shape. */
static OrtTypeInfo *bare(sx_dtype dtype) {
  return sx_ort_type_tensor(ONNX_TYPE_TENSOR, sx_ort_shape_create(dtype, false, 0, NULL, NULL));
}

static OrtTypeInfo *contained_type(uint8_t kind, const sx_rt_type *t) {
  sx_dtype dtype = (sx_dtype)t->dtype;
  switch (kind) {
    case SX_RT_MAP: return sx_ort_type_of(ONNX_TYPE_MAP, sx_dtype_to_ort((sx_dtype)t->key), bare(dtype));
    case SX_RT_SEQUENCE: return sx_ort_type_of(ONNX_TYPE_SEQUENCE, 0, bare(dtype));
    default: return bare(dtype);
  }
}

OrtTypeInfo *sx_ort_type_of_value(const sx_rt_value *v) {
  switch ((sx_rt_kind)v->type.kind) {
    case SX_RT_TENSOR:
    case SX_RT_SPARSE:
      return sx_ort_type_tensor(v->type.kind == SX_RT_TENSOR ? ONNX_TYPE_TENSOR : ONNX_TYPE_SPARSETENSOR,
                                sx_ort_shape_create((sx_dtype)v->type.dtype, true, v->rank, v->dims, NULL));
    case SX_RT_SEQUENCE: return sx_ort_type_of(ONNX_TYPE_SEQUENCE, 0, contained_type(v->type.elem, &v->type));
    case SX_RT_MAP: return contained_type(SX_RT_MAP, &v->type);
    case SX_RT_NONE: return contained_type(v->type.elem, &v->type);
    case SX_RT_OPAQUE: break;
  }
  OrtTypeInfo *t = sx_calloc(1, sizeof *t);
  if (t) t->kind = ONNX_TYPE_OPAQUE;
  return t;
}

OrtStatus *ORT_API_CALL sx_api_CreateTensorTypeAndShapeInfo(OrtTensorTypeAndShapeInfo **out) {
  SX_API_NOT_NULL(out);
  *out = sx_ort_shape_create(SX_F32, false, 0, NULL, NULL); /* as in ONNX Runtime */
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetTensorElementType(OrtTensorTypeAndShapeInfo *info, enum ONNXTensorElementDataType type) {
  SX_API_NOT_NULL(info);
  info->type = type;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetDimensions(OrtTensorTypeAndShapeInfo *info, const int64_t *dim_values, size_t dim_count) {
  SX_API_NOT_NULL(info);
  if (dim_count) SX_API_NOT_NULL(dim_values);
  for (size_t i = 0; i < dim_count; i++)
    if (dim_values[i] < -1)
      SX_API_FAIL(INVALID_ARGUMENT, "SetDimensions: dimension %zu is %lld; -1 stands for a symbolic one", i,
                  (long long)dim_values[i]);
  if (!set_dims(info, dim_values, dim_count)) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetSymbolicDimensions(OrtTensorTypeAndShapeInfo *info, const char *dim_params[],
                                                     size_t dim_params_length) {
  SX_API_NOT_NULL(info);
  if (dim_params_length) SX_API_NOT_NULL(dim_params);
  if (!set_names(info, dim_params, dim_params_length)) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetTensorElementType(const OrtTensorTypeAndShapeInfo *info,
                                                    enum ONNXTensorElementDataType *out) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(out);
  *out = info->type;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetDimensionsCount(const OrtTensorTypeAndShapeInfo *info, size_t *out) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(out);
  *out = info->rank;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetDimensions(const OrtTensorTypeAndShapeInfo *info, int64_t *dim_values,
                                             size_t dim_values_length) {
  SX_API_NOT_NULL(info);
  size_t n = dim_values_length < info->rank ? dim_values_length : info->rank;
  if (n) SX_API_NOT_NULL(dim_values);
  if (n) memcpy(dim_values, info->dims, n * sizeof *dim_values);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetSymbolicDimensions(const OrtTensorTypeAndShapeInfo *info, const char *dim_params[],
                                                     size_t dim_params_length) {
  SX_API_NOT_NULL(info);
  size_t n = dim_params_length < info->rank ? dim_params_length : info->rank;
  if (n) SX_API_NOT_NULL(dim_params);
  for (size_t i = 0; i < n; i++) dim_params[i] = i < info->named && info->names[i] ? info->names[i] : "";
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetTensorShapeElementCount(const OrtTensorTypeAndShapeInfo *info, size_t *out) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(out);
  *out = 0;
  if (!info->has_shape) return NULL;
  size_t count = 1;
  for (uint32_t i = 0; i < info->rank; i++) {
    if (info->dims[i] < 0) SX_API_FAIL(FAIL, "GetTensorShapeElementCount: dimension %u is not known", i);
    if (!sx_size_mul(count, (size_t)info->dims[i], &count))
      SX_API_FAIL(FAIL, "GetTensorShapeElementCount: the number of elements does not fit a size");
  }
  *out = count;
  return NULL;
}

bool ORT_API_CALL sx_api_TensorTypeAndShape_HasShape(const OrtTensorTypeAndShapeInfo *info) {
  return info && info->has_shape;
}

OrtStatus *ORT_API_CALL sx_api_CastTypeInfoToTensorInfo(const OrtTypeInfo *type_info,
                                                        const OrtTensorTypeAndShapeInfo **out) {
  SX_API_NOT_NULL(type_info);
  SX_API_NOT_NULL(out);
  *out = type_info->tensor;
  return NULL;
}

static const OrtTypeInfo *when(const OrtTypeInfo *t, ONNXType kind) { return t->kind == kind ? t : NULL; }

OrtStatus *ORT_API_CALL sx_api_CastTypeInfoToMapTypeInfo(const OrtTypeInfo *type_info, const OrtMapTypeInfo **out) {
  SX_API_NOT_NULL(type_info);
  SX_API_NOT_NULL(out);
  *out = (const OrtMapTypeInfo *)when(type_info, ONNX_TYPE_MAP);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CastTypeInfoToSequenceTypeInfo(const OrtTypeInfo *type_info,
                                                              const OrtSequenceTypeInfo **out) {
  SX_API_NOT_NULL(type_info);
  SX_API_NOT_NULL(out);
  *out = (const OrtSequenceTypeInfo *)when(type_info, ONNX_TYPE_SEQUENCE);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CastTypeInfoToOptionalTypeInfo(const OrtTypeInfo *type_info,
                                                              const OrtOptionalTypeInfo **out) {
  SX_API_NOT_NULL(type_info);
  SX_API_NOT_NULL(out);
  *out = (const OrtOptionalTypeInfo *)when(type_info, ONNX_TYPE_OPTIONAL);
  return NULL;
}

static OrtStatus *contained_copy(const void *info, OrtTypeInfo **out) {
  *out = sx_ort_type_copy(((const OrtTypeInfo *)info)->contained);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetMapKeyType(const OrtMapTypeInfo *map_type_info, enum ONNXTensorElementDataType *out) {
  SX_API_NOT_NULL(map_type_info);
  SX_API_NOT_NULL(out);
  *out = ((const OrtTypeInfo *)map_type_info)->key;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetMapValueType(const OrtMapTypeInfo *map_type_info, OrtTypeInfo **type_info) {
  SX_API_NOT_NULL(map_type_info);
  SX_API_NOT_NULL(type_info);
  return contained_copy(map_type_info, type_info);
}

OrtStatus *ORT_API_CALL sx_api_GetSequenceElementType(const OrtSequenceTypeInfo *sequence_type_info,
                                                      OrtTypeInfo **type_info) {
  SX_API_NOT_NULL(sequence_type_info);
  SX_API_NOT_NULL(type_info);
  return contained_copy(sequence_type_info, type_info);
}

OrtStatus *ORT_API_CALL sx_api_GetOptionalContainedTypeInfo(const OrtOptionalTypeInfo *optional_type_info,
                                                            OrtTypeInfo **out) {
  SX_API_NOT_NULL(optional_type_info);
  SX_API_NOT_NULL(out);
  return contained_copy(optional_type_info, out);
}

/* Only casts give these out, and a cast's result belongs to its argument: there is nothing to release. */
void ORT_API_CALL sx_api_ReleaseMapTypeInfo(OrtMapTypeInfo *input) {}
void ORT_API_CALL sx_api_ReleaseSequenceTypeInfo(OrtSequenceTypeInfo *input) {}

OrtStatus *ORT_API_CALL sx_api_GetOnnxTypeFromTypeInfo(const OrtTypeInfo *type_info, enum ONNXType *out) {
  SX_API_NOT_NULL(type_info);
  SX_API_NOT_NULL(out);
  *out = type_info->kind;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetDenotationFromTypeInfo(const OrtTypeInfo *type_info, const char **const denotation,
                                                         size_t *len) {
  SX_API_NOT_NULL(type_info);
  SX_API_NOT_NULL(denotation);
  SX_API_NOT_NULL(len);
  *denotation = type_info->denotation ? type_info->denotation : "";
  *len = strlen(*denotation);
  return NULL;
}
