// SPDX-License-Identifier: MIT
/* Sparse tensors. Whether content is copied (Fill) or borrowed (Use), it goes through one function per format, which checks
 * every index: what a kernel sees is inside the dense shape. */
#include "abi/handles.h"

/* Content on its way in: a part is copied into memory of the value's source, or borrowed. */
typedef struct content {
  sx_rt_value *v;
  bool copy;
  sx_dtype dtype;
  uint32_t rank;
  const int64_t *shape; /* of the values */
  int64_t count;
  const void *values; /* copy of strings: const char *const *; NULL: the value has its values already */
} content;

static OrtStatus *part(const content *c, sx_dtype dtype, uint32_t rank, const int64_t *dims, const void *data,
                       sx_rt_value **out) {
  sx_err e;
  sx_rt_value *t = NULL;
  const sx_rt_source *from = c->v->u.sparse.source.alloc ? &c->v->u.sparse.source : NULL;
  if (!c->copy) {
    SX_API_TRY(sx_rt_tensor_wrap(dtype, rank, dims, (void *)data, SIZE_MAX, c->v->memory, NULL, NULL, out, &e));
    return NULL;
  }
  SX_API_TRY(sx_rt_tensor_create(dtype, rank, dims, from, &t, &e));
  sx_status st = SX_OK;
  if (dtype == SX_STRING) {
    const char *const *s = data;
    for (int64_t i = 0; i < t->count; i++) ((sx_str *)t->data)[i] = sx_str_c(s[i]);
    st = sx_rt_strings_own(t, &e);
  } else if (t->bytes) {
    memcpy(t->data, data, t->bytes);
  }
  if (st == SX_OK) {
    *out = t;
    return NULL;
  }
  sx_rt_unref(t);
  return sx_ort_status(st, &e);
}

/* Takes over the parts, whatever comes of it. */
static OrtStatus *finish(const content *c, sx_rt_sparse_format format, OrtStatus *failed, sx_rt_value *indices,
                         sx_rt_value *outer) {
  sx_rt_value *values = NULL;
  if (!failed && c->values)
    failed = part(c, c->dtype, c->rank, c->shape, c->values, &values);
  else if (!failed && !c->v->u.sparse.values)
    failed = part(c, c->dtype, c->rank, c->shape, NULL, &values);
  if (failed) {
    sx_rt_unref(indices);
    sx_rt_unref(outer);
    return failed;
  }
  if (values) {
    sx_rt_unref(c->v->u.sparse.values);
    c->v->u.sparse.values = values;
  }
  c->v->u.sparse.indices = indices;
  c->v->u.sparse.outer = outer;
  c->v->u.sparse.format = format;
  return NULL;
}

static OrtStatus *put_coo(const content *c, const int64_t *at, size_t n) {
  const sx_rt_value *v = c->v;
  size_t count = (size_t)c->count, pairs = count * 2;
  if (n != count && n != pairs)
    SX_API_FAIL(INVALID_ARGUMENT, "%zu COO indices for %zu values; as many or twice as many are due", n, count);
  if (n) SX_API_NOT_NULL(at);
  bool linear = n == count && n;
  int64_t dense = 1;
  for (uint32_t i = 0; i < v->rank; i++)
    if (!sx_i64_mul(dense, v->dims[i], &dense)) SX_API_FAIL(FAIL, "the dense shape is too large");
  for (size_t i = 0; linear && i < n; i++)
    if (at[i] < 0 || at[i] >= dense)
      SX_API_FAIL(INVALID_ARGUMENT, "COO index %zu is %lld, outside [0, %lld)", i, (long long)at[i], (long long)dense);
  if (!linear && n && v->rank != 2)
    SX_API_FAIL(INVALID_ARGUMENT, "pairs of COO indices need a dense shape of rank 2, not %u", v->rank);
  for (size_t i = 0; !linear && i < n; i++)
    if (at[i] < 0 || at[i] >= v->dims[i & 1])
      SX_API_FAIL(INVALID_ARGUMENT, "COO index %zu is %lld, outside [0, %lld)", i, (long long)at[i],
                  (long long)v->dims[i & 1]);
  int64_t dims[2] = {c->count, 2};
  sx_rt_value *indices = NULL;
  OrtStatus *s = part(c, SX_I64, linear ? 1 : 2, dims, at, &indices);
  return finish(c, SX_SPARSE_COO, s, indices, NULL);
}

static OrtStatus *put_csr(const content *c, const int64_t *inner, size_t n_inner, const int64_t *outer, size_t n_outer) {
  const sx_rt_value *v = c->v;
  if (v->rank != 2) SX_API_FAIL(FAIL, "CSR needs a dense shape of rank 2, not %u", v->rank);
  bool empty = !n_inner && !n_outer && !c->count;
  if (!empty) {
    SX_API_NOT_NULL(outer && (inner || !n_inner));
    if (n_outer != (size_t)v->dims[0] + 1)
      SX_API_FAIL(INVALID_ARGUMENT, "%zu outer CSR indices for %lld rows, one more than rows is due", n_outer,
                  (long long)v->dims[0]);
    if (n_inner != (size_t)c->count)
      SX_API_FAIL(INVALID_ARGUMENT, "%zu inner CSR indices for %lld values", n_inner, (long long)c->count);
    if (outer[0] != 0 || outer[n_outer - 1] != (int64_t)n_inner)
      SX_API_FAIL(INVALID_ARGUMENT, "CSR's outer indices must begin with 0 and end with the number of inner ones, %zu",
                  n_inner);
    for (size_t i = 1; i < n_outer; i++)
      if (outer[i] < outer[i - 1]) SX_API_FAIL(INVALID_ARGUMENT, "CSR's outer index %zu is less than the one before it", i);
    for (size_t i = 0; i < n_inner; i++)
      if (inner[i] < 0 || inner[i] >= v->dims[1])
        SX_API_FAIL(INVALID_ARGUMENT, "CSR's inner index %zu is %lld, outside [0, %lld)", i, (long long)inner[i],
                    (long long)v->dims[1]);
  }
  int64_t ni = (int64_t)n_inner, no = (int64_t)n_outer;
  sx_rt_value *i = NULL, *o = NULL;
  OrtStatus *s = part(c, SX_I64, 1, &ni, inner, &i);
  if (!s) s = part(c, SX_I64, 1, &no, outer, &o);
  return finish(c, SX_SPARSE_CSR, s, i, o);
}

static OrtStatus *put_block(const content *c, const int64_t *shape, size_t rank, const int32_t *at) {
  if (rank) SX_API_NOT_NULL(shape);
  bool empty = !c->count && rank == 1 && shape[0] == 0;
  if (!empty) {
    if (c->rank < 3) SX_API_FAIL(FAIL, "block-sparse values have a rank of at least 3, not %u", c->rank);
    if (rank != 2 || shape[0] != 2 || shape[1] != c->shape[0])
      SX_API_FAIL(FAIL, "block-sparse indices have the shape [2, %lld]", (long long)c->shape[0]);
    SX_API_NOT_NULL(at || !shape[1]);
    const int64_t *dense = c->v->dims;
    if (c->v->rank < 2) SX_API_FAIL(FAIL, "blocks need a dense shape of rank 2 or more, not %u", c->v->rank);
    for (int64_t k = 0; k < shape[1]; k++)
      for (int axis = 0; axis < 2; axis++) {
        int64_t i = at[axis * shape[1] + k];
        if (i < 0 || i >= dense[axis])
          SX_API_FAIL(INVALID_ARGUMENT, "block %lld has index %lld, outside [0, %lld)", (long long)k, (long long)i,
                      (long long)dense[axis]);
      }
  }
  sx_rt_value *indices = NULL;
  OrtStatus *s = part(c, SX_I32, (uint32_t)rank, shape, at, &indices);
  return finish(c, SX_SPARSE_BLOCK, s, indices, NULL);
}

static OrtStatus *sparse_of(const OrtValue *value, sx_rt_value **out) {
  if (!value) SX_API_FAIL(INVALID_ARGUMENT, "the value is NULL");
  *out = (sx_rt_value *)value;
  if ((*out)->type.kind != SX_RT_SPARSE) SX_API_FAIL(RUNTIME_EXCEPTION, "the value is not a sparse tensor");
  return NULL;
}

/* The content of a Fill call. */
static OrtStatus *fill_content(OrtValue *value, const OrtMemoryInfo *info, const int64_t *shape, size_t rank,
                               const void *values, content *c) {
  sx_rt_value *v = NULL;
  OrtStatus *s = sparse_of(value, &v);
  if (s) return s;
  if (v->u.sparse.format || v->u.sparse.values) SX_API_FAIL(FAIL, "the sparse tensor has content already, or borrows it");
  if (info && !sx_memory_is_host(sx_memory_of(info)))
    SX_API_FAIL(NOT_IMPLEMENTED, "content of a sparse tensor is copied from the host only");
  if (rank > UINT16_MAX || (rank && !shape)) SX_API_FAIL(INVALID_ARGUMENT, "the shape of the values is NULL or too long");
  *c = (content){v, true, (sx_dtype)v->type.dtype, (uint32_t)rank, shape, 1, values};
  for (size_t i = 0; i < rank; i++) {
    if (shape[i] < 0) SX_API_FAIL(FAIL, "dimension %zu of the values is negative", i);
    if (!sx_i64_mul(c->count, shape[i], &c->count) || c->count > INT64_MAX / 16)
      SX_API_FAIL(FAIL, "the shape of the values is too large");
  }
  if (c->count && !values) SX_API_FAIL(INVALID_ARGUMENT, "the values are NULL");
  return NULL;
}

/* The content of a Use call: the values came with the value, if at all. */
static OrtStatus *use_content(OrtValue *value, content *c) {
  static const int64_t none = 0;
  sx_rt_value *v = NULL;
  OrtStatus *s = sparse_of(value, &v);
  if (s) return s;
  if (v->u.sparse.format) SX_API_FAIL(FAIL, "the sparse tensor has its indices already");
  const sx_rt_value *values = v->u.sparse.values;
  *c = (content){v,
                 false,
                 (sx_dtype)v->type.dtype,
                 values ? values->rank : 1,
                 values ? values->dims : &none,
                 values ? values->count : 0,
                 NULL};
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateSparseTensorAsOrtValue(OrtAllocator *allocator, const int64_t *dense_shape,
                                                            size_t dense_shape_len, ONNXTensorElementDataType type,
                                                            OrtValue **out) {
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(out);
  if (dense_shape_len) SX_API_NOT_NULL(dense_shape);
  if (dense_shape_len > UINT16_MAX) SX_API_FAIL(INVALID_ARGUMENT, "a sparse tensor with %zu dimensions", dense_shape_len);
  sx_dtype dtype;
  OrtStatus *s = sx_ort_dtype(type, &dtype);
  if (s) return s;
  sx_err e;
  sx_rt_source room;
  const sx_rt_source *from = sx_source_of(allocator, &room);
  SX_API_TRY(sx_rt_sparse_create(dtype, (uint32_t)dense_shape_len, dense_shape, from, from ? from->memory : &sx_memory_cpu,
                                 (sx_rt_value **)out, &e));
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateSparseTensorWithValuesAsOrtValue(const OrtMemoryInfo *info, void *p_data,
                                                                      const int64_t *dense_shape, size_t dense_shape_len,
                                                                      const int64_t *values_shape, size_t values_shape_len,
                                                                      ONNXTensorElementDataType type, OrtValue **out) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(out);
  if (dense_shape_len) SX_API_NOT_NULL(dense_shape);
  if (values_shape_len) SX_API_NOT_NULL(values_shape);
  if (dense_shape_len > UINT16_MAX || values_shape_len > UINT16_MAX)
    SX_API_FAIL(INVALID_ARGUMENT, "a shape has too many dimensions");
  sx_dtype dtype;
  OrtStatus *s = sx_ort_dtype(type, &dtype);
  if (s) return s;
  if (dtype == SX_STRING)
    SX_API_FAIL(INVALID_ARGUMENT,
                "strings cannot lie in the caller's memory; use CreateSparseTensorAsOrtValue and a Fill function");
  sx_err e;
  sx_rt_value *v = NULL;
  SX_API_TRY(sx_rt_sparse_create(dtype, (uint32_t)dense_shape_len, dense_shape, NULL, sx_memory_of(info), &v, &e));
  sx_status st = sx_rt_tensor_wrap(dtype, (uint32_t)values_shape_len, values_shape, p_data, SIZE_MAX, sx_memory_of(info),
                                   NULL, NULL, &v->u.sparse.values, &e);
  if (st != SX_OK) {
    sx_rt_unref(v);
    return sx_ort_status(st, &e);
  }
  *out = (OrtValue *)v;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_FillSparseTensorCoo(OrtValue *ort_value, const OrtMemoryInfo *data_mem_info,
                                                   const int64_t *values_shape, size_t values_shape_len, const void *values,
                                                   const int64_t *indices_data, size_t indices_num) {
  content c;
  OrtStatus *s = fill_content(ort_value, data_mem_info, values_shape, values_shape_len, values, &c);
  return s ? s : put_coo(&c, indices_data, indices_num);
}

OrtStatus *ORT_API_CALL sx_api_FillSparseTensorCsr(OrtValue *ort_value, const OrtMemoryInfo *data_mem_info,
                                                   const int64_t *values_shape, size_t values_shape_len, const void *values,
                                                   const int64_t *inner_indices_data, size_t inner_indices_num,
                                                   const int64_t *outer_indices_data, size_t outer_indices_num) {
  content c;
  OrtStatus *s = fill_content(ort_value, data_mem_info, values_shape, values_shape_len, values, &c);
  return s ? s : put_csr(&c, inner_indices_data, inner_indices_num, outer_indices_data, outer_indices_num);
}

OrtStatus *ORT_API_CALL sx_api_FillSparseTensorBlockSparse(OrtValue *ort_value, const OrtMemoryInfo *data_mem_info,
                                                           const int64_t *values_shape, size_t values_shape_len,
                                                           const void *values, const int64_t *indices_shape_data,
                                                           size_t indices_shape_len, const int32_t *indices_data) {
  content c;
  OrtStatus *s = fill_content(ort_value, data_mem_info, values_shape, values_shape_len, values, &c);
  return s ? s : put_block(&c, indices_shape_data, indices_shape_len, indices_data);
}

OrtStatus *ORT_API_CALL sx_api_UseCooIndices(OrtValue *ort_value, int64_t *indices_data, size_t indices_num) {
  content c;
  OrtStatus *s = use_content(ort_value, &c);
  return s ? s : put_coo(&c, indices_data, indices_num);
}

OrtStatus *ORT_API_CALL sx_api_UseCsrIndices(OrtValue *ort_value, int64_t *inner_data, size_t inner_num,
                                             int64_t *outer_data, size_t outer_num) {
  content c;
  OrtStatus *s = use_content(ort_value, &c);
  return s ? s : put_csr(&c, inner_data, inner_num, outer_data, outer_num);
}

OrtStatus *ORT_API_CALL sx_api_UseBlockSparseIndices(OrtValue *ort_value, const int64_t *indices_shape,
                                                     size_t indices_shape_len, int32_t *indices_data) {
  content c;
  OrtStatus *s = use_content(ort_value, &c);
  return s ? s : put_block(&c, indices_shape, indices_shape_len, indices_data);
}

OrtStatus *ORT_API_CALL sx_api_GetSparseTensorFormat(const OrtValue *ort_value, enum OrtSparseFormat *out) {
  SX_API_NOT_NULL(out);
  sx_rt_value *v = NULL;
  OrtStatus *s = sparse_of(ort_value, &v);
  if (!s) *out = (enum OrtSparseFormat)v->u.sparse.format;
  return s;
}

static OrtStatus *shape_of(const sx_rt_value *t, OrtTensorTypeAndShapeInfo **out) {
  *out = sx_ort_shape_create((sx_dtype)t->type.dtype, true, t->rank, t->dims, NULL);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

static OrtStatus *filled(const OrtValue *value, sx_rt_value **v) {
  OrtStatus *s = sparse_of(value, v);
  if (!s && !(*v)->u.sparse.format) SX_API_FAIL(FAIL, "the sparse tensor has no content");
  return s;
}

OrtStatus *ORT_API_CALL sx_api_GetSparseTensorValuesTypeAndShape(const OrtValue *ort_value,
                                                                 OrtTensorTypeAndShapeInfo **out) {
  SX_API_NOT_NULL(out);
  sx_rt_value *v = NULL;
  OrtStatus *s = filled(ort_value, &v);
  return s ? s : shape_of(v->u.sparse.values, out);
}

OrtStatus *ORT_API_CALL sx_api_GetSparseTensorValues(const OrtValue *ort_value, const void **out) {
  SX_API_NOT_NULL(out);
  sx_rt_value *v = NULL;
  OrtStatus *s = filled(ort_value, &v);
  if (s) return s;
  if (v->type.dtype == SX_STRING) SX_API_FAIL(INVALID_ARGUMENT, "strings are read with the GetStringTensor functions");
  *out = v->u.sparse.values->data;
  return NULL;
}

static OrtStatus *indices_of(const OrtValue *value, enum OrtSparseIndicesFormat which, sx_rt_value **out) {
  sx_rt_value *v = NULL;
  OrtStatus *s = filled(value, &v);
  if (s) return s;
  static const sx_rt_sparse_format needs[] = {SX_SPARSE_COO, SX_SPARSE_CSR, SX_SPARSE_CSR, SX_SPARSE_BLOCK};
  if ((unsigned)which > ORT_SPARSE_BLOCK_SPARSE_INDICES)
    SX_API_FAIL(INVALID_ARGUMENT, "%d is not a kind of sparse indices", (int)which);
  if (v->u.sparse.format != needs[which])
    SX_API_FAIL(FAIL, "indices of format %d of a sparse tensor in format %d", (int)needs[which], (int)v->u.sparse.format);
  *out = which == ORT_SPARSE_CSR_OUTER_INDICES ? v->u.sparse.outer : v->u.sparse.indices;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetSparseTensorIndicesTypeShape(const OrtValue *ort_value,
                                                               enum OrtSparseIndicesFormat indices_format,
                                                               OrtTensorTypeAndShapeInfo **out) {
  SX_API_NOT_NULL(out);
  sx_rt_value *t = NULL;
  OrtStatus *s = indices_of(ort_value, indices_format, &t);
  return s ? s : shape_of(t, out);
}

OrtStatus *ORT_API_CALL sx_api_GetSparseTensorIndices(const OrtValue *ort_value, enum OrtSparseIndicesFormat indices_format,
                                                      size_t *num_indices, const void **indices) {
  SX_API_NOT_NULL(num_indices);
  SX_API_NOT_NULL(indices);
  sx_rt_value *t = NULL;
  OrtStatus *s = indices_of(ort_value, indices_format, &t);
  if (s) return s;
  *num_indices = (size_t)t->count;
  *indices = t->data;
  return NULL;
}
