// SPDX-License-Identifier: MIT
/* Attributes as objects: made by hand, or out of a node. */
#include "abi/custom.h"

void ORT_API_CALL sx_api_ReleaseOpAttr(OrtOpAttr *input) {
  if (!input) return;
  sx_text_drop(input->name);
  sx_free(input->data, input->size);
  sx_rt_unref(input->tensor);
  sx_free(input, sizeof *input);
}

/* With `size` bytes of room; NULL when out of memory. */
static OrtOpAttr *make(const char *name, size_t name_len, OrtOpAttrType type, size_t count, size_t size) {
  OrtOpAttr *a = sx_calloc(1, sizeof *a);
  if (!a) return NULL;
  a->type = type;
  a->count = count;
  a->size = size;
  a->data = sx_malloc(size);
  a->name = sx_malloc(name_len + 1);
  if (a->name) memcpy(a->name, name, name_len), a->name[name_len] = 0;
  if (a->name && a->data) return a;
  if (!a->data) a->size = 0;
  sx_free(a->name, name_len + 1);
  a->name = NULL;
  sx_api_ReleaseOpAttr(a);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateOpAttr(const char *name, const void *data, int len, OrtOpAttrType type,
                                            OrtOpAttr **op_attr) {
  SX_API_NOT_NULL(name);
  SX_API_NOT_NULL(op_attr);
  if (len < 0 || (len && !data)) SX_API_FAIL(INVALID_ARGUMENT, "CreateOpAttr: the data is NULL or its length negative");
  size_t n = (size_t)len;
  OrtOpAttr *a = NULL;
  switch (type) {
    case ORT_OP_ATTR_INT:
    case ORT_OP_ATTR_FLOAT: n = 1; /* fall through */
    case ORT_OP_ATTR_INTS:
    case ORT_OP_ATTR_FLOATS: {
      SX_API_NOT_NULL(data || !n);
      size_t item = type == ORT_OP_ATTR_INT || type == ORT_OP_ATTR_INTS ? sizeof(int64_t) : sizeof(float);
      a = make(name, strlen(name), type, n, n * item);
      if (a && n) memcpy(a->data, data, n * item);
      break;
    }
    case ORT_OP_ATTR_STRING:
      a = make(name, strlen(name), type, n, n + 1);
      if (a) memcpy(a->data, n ? data : "", n), ((char *)a->data)[n] = 0;
      break;
    case ORT_OP_ATTR_STRINGS: {
      const char *const *s = data;
      size_t total = 0;
      for (size_t i = 0; i < n; i++) {
        if (!s[i]) SX_API_FAIL(INVALID_ARGUMENT, "CreateOpAttr: string %zu is NULL", i);
        total += strlen(s[i]) + 1;
      }
      a = make(name, strlen(name), type, n, total);
      for (size_t i = 0, at = 0; a && i < n; at += strlen(s[i]) + 1, i++)
        memcpy((char *)a->data + at, s[i], strlen(s[i]) + 1);
      break;
    }
    case ORT_OP_ATTR_TENSOR: {
      SX_API_NOT_NULL(data);
      a = make(name, strlen(name), type, 1, 0);
      if (a) a->tensor = sx_rt_ref((sx_rt_value *)data);
      break;
    }
    default: SX_API_FAIL(INVALID_ARGUMENT, "CreateOpAttr: %d is not a type of attribute that can be made", (int)type);
  }
  if (!a) SX_API_NO_MEMORY();
  *op_attr = a;
  return NULL;
}

OrtOpAttr *sx_ort_attr_of(const sx_attr *s) {
  OrtOpAttr *a = NULL;
  switch (s->type) {
    case SX_ATTR_INT:
      if ((a = make(s->name.p, s->name.n, ORT_OP_ATTR_INT, 1, sizeof s->i))) memcpy(a->data, &s->i, sizeof s->i);
      return a;
    case SX_ATTR_FLOAT:
      if ((a = make(s->name.p, s->name.n, ORT_OP_ATTR_FLOAT, 1, sizeof s->f))) memcpy(a->data, &s->f, sizeof s->f);
      return a;
    case SX_ATTR_INTS:
      if ((a = make(s->name.p, s->name.n, ORT_OP_ATTR_INTS, s->n, s->n * sizeof *s->ints)) && s->n)
        memcpy(a->data, s->ints, s->n * sizeof *s->ints);
      return a;
    case SX_ATTR_FLOATS:
      if ((a = make(s->name.p, s->name.n, ORT_OP_ATTR_FLOATS, s->n, s->n * sizeof *s->floats)) && s->n)
        memcpy(a->data, s->floats, s->n * sizeof *s->floats);
      return a;
    case SX_ATTR_STRING:
      if ((a = make(s->name.p, s->name.n, ORT_OP_ATTR_STRING, s->s.n, s->s.n + 1)))
        memcpy(a->data, s->s.p, s->s.n), ((char *)a->data)[s->s.n] = 0;
      return a;
    case SX_ATTR_STRINGS: {
      size_t total = 0;
      for (uint32_t i = 0; i < s->n; i++) total += s->strings[i].n + 1;
      a = make(s->name.p, s->name.n, ORT_OP_ATTR_STRINGS, s->n, total);
      char *p = a ? a->data : NULL;
      for (uint32_t i = 0; a && i < s->n; p += s->strings[i].n + 1, i++)
        memcpy(p, s->strings[i].p, s->strings[i].n), p[s->strings[i].n] = 0;
      return a;
    }
    case SX_ATTR_TENSOR: {
      OrtValue *v = NULL;
      a = make(s->name.p, s->name.n, ORT_OP_ATTR_TENSOR, 1, 0);
      OrtStatus *failed = a ? sx_ort_value_of(s->t, &sx_default_allocator, &v) : NULL;
      if (a && !failed) a->tensor = (sx_rt_value *)v;
      if (failed) {
        sx_api_ReleaseStatus(failed);
        sx_api_ReleaseOpAttr(a);
        a = NULL;
      }
      return a;
    }
    case SX_ATTR_GRAPH: return make(s->name.p, s->name.n, ORT_OP_ATTR_GRAPH, 1, 0);
    default: return make(s->name.p, s->name.n, ORT_OP_ATTR_UNDEFINED, 0, 0);
  }
}

OrtStatus *ORT_API_CALL sx_api_ReadOpAttr(const OrtOpAttr *op_attr, OrtOpAttrType type, void *data, size_t len,
                                          size_t *out) {
  SX_API_NOT_NULL(op_attr);
  SX_API_NOT_NULL(out);
  if (op_attr->type != type)
    SX_API_FAIL(INVALID_ARGUMENT, "ReadOpAttr: the attribute is of type %d, not %d", (int)op_attr->type, (int)type);
  if (type == ORT_OP_ATTR_TENSOR || type == ORT_OP_ATTR_GRAPH || type == ORT_OP_ATTR_UNDEFINED)
    SX_API_FAIL(INVALID_ARGUMENT, "ReadOpAttr: attributes of type %d are not read as bytes", (int)type);
  size_t need = type == ORT_OP_ATTR_STRING ? op_attr->count : op_attr->size; /* a single string without its terminator */
  *out = need;
  if (len < need) SX_API_FAIL(INVALID_ARGUMENT, "ReadOpAttr: the attribute has %zu bytes, the buffer has %zu", need, len);
  if (need) {
    SX_API_NOT_NULL(data);
    memcpy(data, op_attr->data, need);
  }
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_OpAttr_GetType(const OrtOpAttr *attribute, OrtOpAttrType *type) {
  SX_API_NOT_NULL(attribute);
  SX_API_NOT_NULL(type);
  *type = attribute->type;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_OpAttr_GetName(const OrtOpAttr *attribute, const char **name) {
  SX_API_NOT_NULL(attribute);
  SX_API_NOT_NULL(name);
  *name = attribute->name;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_OpAttr_GetTensorAttributeAsOrtValue(const OrtOpAttr *attribute, OrtValue **attr_tensor) {
  SX_API_NOT_NULL(attribute);
  SX_API_NOT_NULL(attr_tensor);
  *attr_tensor = NULL;
  if (!attribute->tensor) SX_API_FAIL(INVALID_ARGUMENT, "the attribute is of type %d, not a tensor", (int)attribute->type);
  *attr_tensor = (OrtValue *)sx_rt_ref(attribute->tensor);
  return NULL;
}
