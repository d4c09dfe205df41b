// SPDX-License-Identifier: MIT
/* Tensors that do not lie in the model as plain elements: external data and sparse tensors. */
#include "onnx/import_priv.h"

sx_status sx_import_external(sx_importer *im, const sx_proto_tensor *p, const sx_proto_tensor_info *info, sx_tensor **out) {
  sx_external_span span;
  sx_tensor *t;
  SX_TRY(sx_external_find(&im->external, p, info, &span, im->e));
  if (info->packed != info->bytes) { /* has to be unpacked */
    SX_TRY(sx_tensor_create(info->dtype, (int32_t)p->dims.n, p->dims.at, out, im->e));
    sx_proto_unpack6((*out)->data, span.view.data, info->bytes);
    return sx_model_hold(im->m, *out, im->e);
  }
  SX_TRY(sx_tensor_wrap(info->dtype, (int32_t)p->dims.n, p->dims.at, span.view.data, SX_OWN_MAPPING, &t, im->e));
  const sx_external_file *f = &im->external.files.at[span.file];
  t->file = f->map.id;
  t->offset = span.offset;
  if (!f->owned) t->owner = SX_OWN_CALLER;
  SX_TRY(sx_model_hold(im->m, t, im->e));
  char *location = sx_arena_strdup(&im->m->arena, f->location.p, f->location.n);
  if (!location || !sx_vec_push(&im->m->external, ((sx_external_ref){t, {location, f->location.n}, span.offset})))
    SX_NO_MEMORY(im->e);
  *out = t;
  return SX_OK;
}

sx_status sx_import_given(sx_importer *im, const sx_proto_tensor *p, sx_tensor **out) {
  const sx_import_value *v = NULL;
  *out = NULL;
  for (uint32_t i = 0; i < im->o->n_values && !v; i++)
    if (sx_str_eq(im->o->values[i].name, p->name)) v = &im->o->values[i];
  if (!v) return SX_OK;
  if ((int32_t)v->dtype != p->data_type)
    SX_FAIL(im->e, INVALID_ARGUMENT, "the value given for it has type %s, the model has another", sx_dtype_name(v->dtype));
  sx_tensor *t;
  SX_TRY(sx_tensor_wrap(v->dtype, v->rank, v->dims, v->data, SX_OWN_CALLER, &t, im->e));
  t->caller_lives = true;
  SX_TRY(sx_model_hold(im->m, t, im->e));
  *out = t;
  return SX_OK;
}

/* Sparse tensors become dense ones: no operator computes on the sparse form. Indices are linear (NNZ) or per axis (NNZ,
 * rank). */
sx_status sx_import_sparse(sx_importer *im, const sx_proto_sparse *p, sx_tensor **out) {
  if (!p || !p->values || !p->indices) SX_FAIL(im->e, INVALID_GRAPH, "a sparse tensor without values or indices");
  sx_tensor *values, *indices, *t;
  SX_TRY(sx_import_tensor(im, p->values, &values));
  SX_TRY(sx_import_tensor(im, p->indices, &indices));
  uint32_t bits = sx_dtype_bits(values->dtype), rank = p->dims.n;
  bool linear = indices->rank == 1;
  if (rank > SX_MAX_RANK || bits < 8 || values->dtype == SX_STRING || indices->dtype != SX_I64 ||
      indices->count != values->count * (linear ? 1 : (int64_t)rank))
    SX_FAIL(
        im->e, INVALID_GRAPH,
        "a sparse tensor of rank %u has %lld values of type %s and %lld indices of type %s: they do not belong together",
        rank, (long long)values->count, sx_dtype_name(values->dtype), (long long)indices->count,
        sx_dtype_name(indices->dtype));
  int64_t count = 1;
  size_t bytes;
  for (uint32_t d = 0; d < rank; d++)
    if (p->dims.at[d] < 0 || !sx_i64_mul(count, p->dims.at[d], &count))
      SX_FAIL(im->e, INVALID_GRAPH, "a sparse tensor has the size %lld at axis %u, or its size overflows",
              (long long)p->dims.at[d], d);
  if (!sx_dtype_bytes(values->dtype, count, &bytes) || (bytes > (size_t)1 << 28 && bytes > sx_memory_available()))
    SX_FAIL(im->e, FAIL, "a sparse tensor has %lld elements, which do not fit the memory that this process may use",
            (long long)count);
  SX_TRY(sx_tensor_create(values->dtype, (int32_t)rank, p->dims.at, &t, im->e));
  SX_TRY(sx_model_hold(im->m, t, im->e));
  const void *v, *ix;
  SX_TRY(sx_tensor_data(values, &v, im->e));
  SX_TRY(sx_tensor_data(indices, &ix, im->e));
  size_t size = bits / 8;
  for (int64_t i = 0; i < values->count; i++) {
    int64_t at = linear ? ((const int64_t *)ix)[i] : 0;
    for (uint32_t d = 0; !linear && d < rank; d++) {
      int64_t k = ((const int64_t *)ix)[i * rank + d];
      if (k < 0 || k >= t->dims[d])
        SX_FAIL(im->e, INVALID_GRAPH, "index %lld of a sparse tensor is outside axis %u of size %lld", (long long)k, d,
                (long long)t->dims[d]);
      at = at * t->dims[d] + k;
    }
    if (at < 0 || at >= t->count)
      SX_FAIL(im->e, INVALID_GRAPH, "index %lld of a sparse tensor is outside its %lld elements", (long long)at,
              (long long)t->count);
    memcpy((char *)t->data + (size_t)at * size, (const char *)v + (size_t)i * size, size);
  }
  *out = t;
  return SX_OK;
}
