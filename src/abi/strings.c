// SPDX-License-Identifier: MIT
/* String tensors, whole and by element. */
#include "abi/handles.h"

#define STRINGS_OR_FAIL(v, value)                                                                                       \
  SX_API_NOT_NULL(value);                                                                                               \
  sx_rt_value *v = (sx_rt_value *)(value);                                                                              \
  if (v->type.kind == SX_RT_SPARSE) v = v->u.sparse.values; /* NULL before it is filled */                              \
  if (!v) SX_API_FAIL(INVALID_ARGUMENT, "%s: the sparse tensor has no content", strchr(__func__ + 3, '_') + 1);         \
  if (!sx_rt_is_tensor(v))                                                                                              \
    SX_API_FAIL(NOT_IMPLEMENTED, "%s: the value is no tensor with content", strchr(__func__ + 3, '_') + 1);             \
  if (v->type.dtype != SX_STRING) SX_API_FAIL(FAIL, "%s: the elements are not strings", strchr(__func__ + 3, '_') + 1); \
  sx_str *s = v->data

#define INDEX_OR_FAIL(v, index)                                                                                           \
  if ((index) >= (size_t)(v)->count)                                                                                      \
  SX_API_FAIL(INVALID_ARGUMENT, "%s: there is no element %zu, the tensor has %lld", strchr(__func__ + 3, '_') + 1, index, \
              (long long)(v)->count)

OrtStatus *ORT_API_CALL sx_api_FillStringTensor(OrtValue *value, const char *const *strings, size_t s_len) {
  STRINGS_OR_FAIL(v, value);
  (void)s;
  if (s_len != (size_t)v->count)
    SX_API_FAIL(INVALID_ARGUMENT, "FillStringTensor: %zu strings for a tensor of %lld", s_len, (long long)v->count);
  if (s_len) SX_API_NOT_NULL(strings);
  for (size_t i = 0; i < s_len; i++)
    if (!strings[i]) SX_API_FAIL(INVALID_ARGUMENT, "FillStringTensor: string %zu is NULL", i);
  sx_err e;
  for (size_t i = 0; i < s_len; i++) s[i] = sx_str_c(strings[i]);
  sx_status st = sx_rt_strings_own(v, &e); /* one block for all of them */
  if (st != SX_OK)
    for (size_t i = 0; i < s_len; i++) s[i] = SX_STR("");
  return sx_ort_status(st, &e);
}

OrtStatus *ORT_API_CALL sx_api_FillStringTensorElement(OrtValue *value, const char *string, size_t index) {
  STRINGS_OR_FAIL(v, value);
  (void)s;
  SX_API_NOT_NULL(string);
  INDEX_OR_FAIL(v, index);
  sx_err e;
  SX_API_TRY(sx_rt_string_set(v, (int64_t)index, string, strlen(string), &e));
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetResizedStringTensorElementBuffer(OrtValue *value, size_t index, size_t length_in_bytes,
                                                                   char **buffer) {
  STRINGS_OR_FAIL(v, value);
  (void)s;
  SX_API_NOT_NULL(buffer);
  INDEX_OR_FAIL(v, index);
  sx_err e;
  SX_API_TRY(sx_rt_string_room(v, (int64_t)index, length_in_bytes, buffer, &e));
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetStringTensorDataLength(const OrtValue *value, size_t *len) {
  STRINGS_OR_FAIL(v, value);
  SX_API_NOT_NULL(len);
  size_t n = 0;
  for (int64_t i = 0; i < v->count; i++) n += s[i].n;
  *len = n;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetStringTensorContent(const OrtValue *value, void *content, size_t s_len, size_t *offsets,
                                                      size_t offsets_len) {
  STRINGS_OR_FAIL(v, value);
  if (offsets_len != (size_t)v->count)
    SX_API_FAIL(FAIL, "GetStringTensorContent: %zu offsets for a tensor of %lld", offsets_len, (long long)v->count);
  size_t total = 0;
  for (int64_t i = 0; i < v->count; i++) total += s[i].n;
  if (s_len < total)
    SX_API_FAIL(FAIL, "GetStringTensorContent: the strings have %zu bytes, the buffer has %zu", total, s_len);
  if (v->count) SX_API_NOT_NULL(offsets);
  if (total) SX_API_NOT_NULL(content);
  size_t at = 0;
  for (int64_t i = 0; i < v->count; i++) {
    if (s[i].n) memcpy((char *)content + at, s[i].p, s[i].n);
    offsets[i] = at;
    at += s[i].n;
  }
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetStringTensorElementLength(const OrtValue *value, size_t index, size_t *out) {
  STRINGS_OR_FAIL(v, value);
  SX_API_NOT_NULL(out);
  INDEX_OR_FAIL(v, index);
  *out = s[index].n;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetStringTensorElement(const OrtValue *value, size_t s_len, size_t index, void *out) {
  STRINGS_OR_FAIL(v, value);
  INDEX_OR_FAIL(v, index);
  if (s_len < s[index].n)
    SX_API_FAIL(FAIL, "GetStringTensorElement: the string has %zu bytes, the buffer has %zu", s[index].n, s_len);
  if (s[index].n) {
    SX_API_NOT_NULL(out);
    memcpy(out, s[index].p, s[index].n);
  }
  return NULL;
}
