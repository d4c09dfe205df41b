// SPDX-License-Identifier: MIT
/* Sequences, maps and opaque values. A sequence holds references; what is taken out of one is a copy, as the caller may
 * write into it. */
#include "abi/handles.h"

/* A value of its own for the caller; tensors are copied into memory of the allocator. */
static OrtStatus *copy_out(const sx_rt_value *v, OrtAllocator *allocator, OrtValue **out) {
  if (!sx_rt_is_tensor(v)) {
    *out = (OrtValue *)sx_rt_ref((sx_rt_value *)v);
    return NULL;
  }
  sx_err e;
  sx_rt_source room;
  SX_API_TRY(sx_rt_tensor_clone(v, sx_source_of(allocator, &room), (sx_rt_value **)out, &e));
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetValue(const OrtValue *value, int index, OrtAllocator *allocator, OrtValue **out) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(out);
  const sx_rt_value *v = (const sx_rt_value *)value;
  if (v->type.kind == SX_RT_MAP) {
    if (index != 0 && index != 1) SX_API_FAIL(FAIL, "GetValue: %d for a map, which has keys (0) and values (1)", index);
    return copy_out(index ? v->u.map.values : v->u.map.keys, allocator, out);
  }
  if (v->type.kind != SX_RT_SEQUENCE) SX_API_FAIL(FAIL, "GetValue: the value is neither a sequence nor a map");
  if (index < 0 || (uint32_t)index >= v->u.items.n)
    SX_API_FAIL(FAIL, "GetValue: there is no element %d, the sequence has %u", index, v->u.items.n);
  return copy_out(v->u.items.at[index], allocator, out);
}

OrtStatus *ORT_API_CALL sx_api_GetValueCount(const OrtValue *value, size_t *out) {
  SX_API_NOT_NULL(value);
  SX_API_NOT_NULL(out);
  const sx_rt_value *v = (const sx_rt_value *)value;
  if (v->type.kind == SX_RT_MAP)
    *out = 2;
  else if (v->type.kind == SX_RT_SEQUENCE)
    *out = v->u.items.n;
  else
    SX_API_FAIL(FAIL, "GetValueCount: the value is neither a sequence nor a map");
  return NULL;
}

static OrtStatus *create_sequence(const sx_rt_value *const *in, size_t n, OrtValue **out) {
  if (n < 1) SX_API_FAIL(FAIL, "CreateValue: a sequence needs at least one value to know its type");
  for (size_t i = 0; i < n; i++) {
    SX_API_NOT_NULL(in[i]);
    if (in[i]->type.kind != SX_RT_TENSOR && in[i]->type.kind != SX_RT_MAP)
      SX_API_FAIL(FAIL, "CreateValue: element %zu of the sequence is neither a tensor nor a map", i);
    if (in[i]->type.kind != in[0]->type.kind || in[i]->type.dtype != in[0]->type.dtype ||
        in[i]->type.key != in[0]->type.key)
      SX_API_FAIL(FAIL, "CreateValue: element %zu of the sequence is of another type than the first", i);
  }
  sx_rt_type type = {.elem = in[0]->type.kind, .dtype = in[0]->type.dtype, .key = in[0]->type.key};
  sx_rt_value *seq = NULL;
  sx_err e;
  SX_API_TRY(sx_rt_sequence_create(type, &seq, &e));
  for (size_t i = 0; i < n; i++) {
    sx_status st = i < UINT32_MAX ? sx_rt_sequence_insert(seq, (uint32_t)i, (sx_rt_value *)in[i], &e) : SX_E_NO_MEMORY;
    if (st == SX_OK) continue;
    sx_rt_unref(seq);
    return sx_ort_status(st, &e);
  }
  *out = (OrtValue *)seq;
  return NULL;
}

static OrtStatus *create_map(const sx_rt_value *const *in, size_t n, OrtValue **out) {
  if (n != 2) SX_API_FAIL(FAIL, "CreateValue: a map is made of two tensors, keys and values; %zu are given", n);
  const sx_rt_value *k = in[0], *v = in[1];
  if (!sx_rt_is_tensor(k) || !sx_rt_is_tensor(v))
    SX_API_FAIL(RUNTIME_EXCEPTION, "CreateValue: keys and values of a map are tensors");
  if (k->rank > 1 || v->rank > 1) SX_API_FAIL(FAIL, "CreateValue: keys and values of a map have one dimension");
  if (k->count != v->count)
    SX_API_FAIL(FAIL, "CreateValue: %lld keys and %lld values", (long long)k->count, (long long)v->count);
  if (k->type.dtype != SX_STRING && k->type.dtype != SX_I64)
    SX_API_FAIL(FAIL, "CreateValue: a map's keys are string or int64");
  switch (v->type.dtype) {
    case SX_STRING:
    case SX_I64:
    case SX_F32:
    case SX_F64: break;
    default: SX_API_FAIL(FAIL, "CreateValue: a map cannot have values of type %s", sx_dtype_name((sx_dtype)v->type.dtype));
  }
  if (!sx_memory_is_host(k->memory) || !sx_memory_is_host(v->memory))
    SX_API_FAIL(FAIL, "CreateValue: a map's tensors lie on the host");
  sx_err e;
  SX_API_TRY(sx_rt_map_create(k, v, (sx_rt_value **)out, &e));
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateValue(const OrtValue *const *in, size_t num_values, enum ONNXType value_type,
                                           OrtValue **out) {
  SX_API_NOT_NULL(out);
  if (num_values) SX_API_NOT_NULL(in);
  const sx_rt_value *const *values = (const sx_rt_value *const *)in;
  if (value_type == ONNX_TYPE_SEQUENCE) return create_sequence(values, num_values, out);
  if (value_type == ONNX_TYPE_MAP) return create_map(values, num_values, out);
  SX_API_FAIL(FAIL, "CreateValue makes sequences and maps, not values of kind %d", (int)value_type);
}

/* No opaque type is registered with this library. */
OrtStatus *ORT_API_CALL sx_api_CreateOpaqueValue(const char *domain_name, const char *type_name, const void *data_container,
                                                 size_t data_container_size, OrtValue **out) {
  SX_API_NOT_NULL(domain_name);
  SX_API_NOT_NULL(type_name);
  SX_API_FAIL(FAIL, "CreateOpaqueValue: '%.100s.%.100s' is not a registered opaque type", domain_name, type_name);
}

OrtStatus *ORT_API_CALL sx_api_GetOpaqueValue(const char *domain_name, const char *type_name, const OrtValue *in,
                                              void *data_container, size_t data_container_size) {
  SX_API_NOT_NULL(domain_name);
  SX_API_NOT_NULL(type_name);
  SX_API_FAIL(FAIL, "GetOpaqueValue: '%.100s.%.100s' is not a registered opaque type", domain_name, type_name);
}
