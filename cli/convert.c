// SPDX-License-Identifier: MIT
/* Values into a library and out of it, and a run with both. Tensors of numbers go in without a copy. */
#include "library.h"
#include <stdlib.h>
#include <string.h>

static OrtValue *list_to_library(library *lib, const value *v, bool *ok) {
  const OrtApi *api = lib->api;
  OrtValue **items = cli_alloc(v->num_items * sizeof *items), *out = NULL;
  for (size_t i = 0; i < v->num_items && *ok; i++) items[i] = library_value(lib, v->items[i], ok);
  if (*ok)
    *ok = library_ok(lib, api->CreateValue((const OrtValue *const *)items, v->num_items,
                                           v->kind == VALUE_MAP ? ONNX_TYPE_MAP : ONNX_TYPE_SEQUENCE, &out));
  for (size_t i = 0; i < v->num_items; i++)
    if (items[i]) api->ReleaseValue(items[i]);
  free(items);
  return out;
}

OrtValue *library_value(library *lib, const value *v, bool *ok) {
  const OrtApi *api = lib->api;
  OrtValue *out = NULL;
  size_t bytes = 0;
  if (v->kind == VALUE_NONE) return NULL;
  if (v->kind != VALUE_TENSOR) return list_to_library(lib, v, ok);
  if (v->strings) {
    *ok = library_ok(lib, api->CreateTensorAsOrtValue(lib->allocator, v->dims, v->rank, v->type->ort, &out)) &&
          library_ok(lib, api->FillStringTensor(out, (const char *const *)v->strings, v->count));
    return out;
  }
  dtype_bytes(v->type, v->count, &bytes);
  *ok =
      library_ok(lib, api->CreateTensorWithDataAsOrtValue(lib->host, v->data, bytes, v->dims, v->rank, v->type->ort, &out));
  return out;
}

static bool copy_strings(library *lib, const OrtValue *v, value *out) {
  const OrtApi *api = lib->api;
  size_t total;
  if (!library_ok(lib, api->GetStringTensorDataLength(v, &total))) return false;
  char *text = cli_alloc(total + 1);
  size_t *at = cli_alloc((out->count + 1) * sizeof *at);
  bool ok = library_ok(lib, api->GetStringTensorContent(v, text, total, at, out->count));
  at[out->count] = total;
  for (size_t i = 0; ok && i < out->count; i++) value_set_string(out, i, text + at[i], at[i + 1] - at[i]);
  free(text), free(at);
  return ok;
}

static value *tensor_from_library(library *lib, const OrtValue *v) {
  const OrtApi *api = lib->api;
  OrtTensorTypeAndShapeInfo *info;
  ONNXTensorElementDataType element;
  size_t rank, bytes = 0;
  void *data = NULL;
  if (!library_ok(lib, api->GetTensorTypeAndShape(v, &info))) return NULL;
  value *out = NULL;
  if (library_ok(lib, api->GetTensorElementType(info, &element)) && library_ok(lib, api->GetDimensionsCount(info, &rank))) {
    int64_t *dims = cli_alloc(rank * sizeof *dims);
    const dtype *type = dtype_of(element);
    if (!type) cli_fail(CLI_BROKEN, "a tensor of unknown element type %d", (int)element);
    if (type && library_ok(lib, api->GetDimensions(info, dims, rank))) out = value_tensor(type, rank, dims);
    free(dims);
  }
  api->ReleaseTensorTypeAndShapeInfo(info);
  if (!out || !out->count) return out;
  bool ok = out->strings ? copy_strings(lib, v, out) : library_ok(lib, api->GetTensorMutableData((OrtValue *)v, &data));
  if (ok && data && dtype_bytes(out->type, out->count, &bytes)) memcpy(out->data, data, bytes);
  if (ok) return out;
  value_free(out);
  return NULL;
}

value *value_from_library(library *lib, const OrtValue *v) {
  const OrtApi *api = lib->api;
  int has = 0;
  ONNXType type;
  size_t count;
  if (!v || !library_ok(lib, api->HasValue(v, &has))) return v ? NULL : value_list(VALUE_NONE);
  if (!has) return value_list(VALUE_NONE);
  if (!library_ok(lib, api->GetValueType(v, &type))) return NULL;
  if (type == ONNX_TYPE_TENSOR) return tensor_from_library(lib, v);
  if (type != ONNX_TYPE_SEQUENCE && type != ONNX_TYPE_MAP)
    return cli_fail(CLI_BROKEN, "values of this kind (%d) are not supported", (int)type), NULL;
  if (type == ONNX_TYPE_MAP)
    count = 2;
  else if (!library_ok(lib, api->GetValueCount(v, &count)))
    return NULL;
  value *list = value_list(type == ONNX_TYPE_MAP ? VALUE_MAP : VALUE_SEQUENCE);
  for (size_t i = 0; i < count; i++) {
    OrtValue *item = NULL;
    value *copy = library_ok(lib, api->GetValue(v, (int)i, lib->allocator, &item)) ? value_from_library(lib, item) : NULL;
    if (item) api->ReleaseValue(item);
    if (!copy) return value_free(list), NULL;
    value_append(list, copy);
  }
  return list;
}

/* The interface has no call for a sequence without elements: a model of one node, SequenceEmpty, gives it. */
static OrtValue *empty_sequence(library *lib, const dtype *element, bool *ok) {
  unsigned char model[] =
      "\x08\x08\x3a\x34\x0a\x20\x12\x01s\x22\x0dSequenceEmpty" /* ir_version, graph, node, its output, its operator */
      "\x2a\x0c\x0a\x05""dtype\x18?\xa0\x01\x02\x12\x01""e"      /* attribute dtype; name of the graph */
      "\x62\x0d\x0a\x01s\x12\x08\x22\x06\x0a\x04\x0a\x02\x08?\x42\x02\x10\x11"; /* output s, a sequence of tensors; opset 17 */
  const OrtApi *api = lib->api;
  OrtSessionOptions *options = NULL;
  OrtSession *session = NULL;
  OrtValue *out = NULL;
  const char *name = "s";
  for (size_t i = 0; i < sizeof model - 1; i++)
    if (model[i] == '?') model[i] = (unsigned char)(element ? element->ort : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
  *ok = library_ok(lib, api->CreateSessionOptions(&options)) &&
        library_ok(lib, api->CreateSessionFromArray(lib->env, model, sizeof model - 1, options, &session)) &&
        library_ok(lib, api->Run(session, NULL, NULL, NULL, 0, &name, 1, &out));
  if (options) api->ReleaseSessionOptions(options);
  if (session) api->ReleaseSession(session);
  return out;
}

/* An optional without content is left out. */
bool session_run(session *s, size_t count, const char *const *names, value *const *in, value **out) {
  library *lib = s->lib;
  const OrtApi *api = lib->api;
  OrtValue **feeds = cli_alloc(count * sizeof *feeds), **fetched = cli_alloc(s->num_outputs * sizeof *fetched);
  const char **wanted = cli_alloc(s->num_outputs * sizeof *wanted), **given = cli_alloc(count * sizeof *given);
  bool ok = true;
  size_t fed = 0;
  for (size_t i = 0; i < count && ok; i++) {
    const session_io *io = session_input(s, names[i]);
    bool empty = in[i]->kind == VALUE_SEQUENCE && !in[i]->num_items;
    OrtValue *v = empty ? empty_sequence(lib, io ? io->element : NULL, &ok) : library_value(lib, in[i], &ok);
    if (v) given[fed] = names[i], feeds[fed++] = v;
  }
  for (size_t i = 0; i < s->num_outputs; i++) wanted[i] = s->outputs[i].name;
  ok = ok && library_ok(lib, api->Run(s->handle, NULL, given, (const OrtValue *const *)feeds, fed, wanted, s->num_outputs,
                                      fetched));
  for (size_t i = 0; i < s->num_outputs; i++) {
    out[i] = ok ? value_from_library(lib, fetched[i]) : NULL;
    if (ok && !out[i]) ok = false;
    if (out[i] && !out[i]->name) out[i]->name = cli_copy(wanted[i], strlen(wanted[i]));
    if (fetched[i]) api->ReleaseValue(fetched[i]);
  }
  for (size_t i = 0; i < s->num_outputs && !ok; i++) value_free(out[i]), out[i] = NULL;
  for (size_t i = 0; i < fed; i++) api->ReleaseValue(feeds[i]);
  free(feeds), free(fetched), free(wanted), free(given);
  return ok;
}
