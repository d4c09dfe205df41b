// SPDX-License-Identifier: MIT
/* A provider that takes nothing and writes the model that it is shown as ONNX again, from the views alone: nodes, attributes with their
 * bodies, initializers, types, operator sets. Its options: `path`, and `data`, a file for the elements of large initializers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "onnxruntime_c_api.h"

#define TRY(call)                      \
  do {                                 \
    OrtStatus *failed = (call);        \
    if (failed != NULL) return failed; \
  } while (0)
static const OrtApi *api;
static const OrtEpApi *ep_api;
static char path[256], data[256];

/* ---- messages ---- */
typedef struct Bytes { char *at; size_t n, room; } Bytes;
static void put(Bytes *b, const void *p, size_t n) {
  if (b->n + n > b->room) b->at = realloc(b->at, b->room = 2 * (b->n + n));
  if (n) memcpy(b->at + b->n, p, n);
  b->n += n;
}
static void varint(Bytes *b, uint64_t v) {
  for (unsigned char c; v > 127; v >>= 7) c = (unsigned char)(v | 128), put(b, &c, 1);
  put(b, &(unsigned char){(unsigned char)v}, 1);
}
static void number(Bytes *b, int field, int64_t v) { varint(b, (uint64_t)field << 3), varint(b, (uint64_t)v); }
static void real(Bytes *b, int field, float v) { varint(b, (uint64_t)field << 3 | 5), put(b, &v, 4); }
static void block(Bytes *b, int field, const void *p, size_t n) { varint(b, (uint64_t)field << 3 | 2), varint(b, n), put(b, p, n); }
static void text(Bytes *b, int field, const char *s) { block(b, field, s, strlen(s)); }
static OrtStatus *inside(Bytes *b, int field, Bytes *m, OrtStatus *s) {
  if (!s) block(b, field, m->at, m->n);
  free(m->at);
  return s;
}

/* ---- types ---- */
static OrtStatus *put_tensor_type(Bytes *b, const OrtTensorTypeAndShapeInfo *t) {
  ONNXTensorElementDataType element;
  size_t rank = 0;
  int64_t dims[64];
  const char *names[64];
  TRY(api->GetTensorElementType(t, &element));
  number(b, 1, element);
  if (!api->TensorTypeAndShape_HasShape(t)) return NULL;
  TRY(api->GetDimensionsCount(t, &rank));
  TRY(api->GetDimensions(t, dims, rank));
  TRY(api->GetSymbolicDimensions(t, names, rank));
  Bytes shape = {0};
  for (size_t i = 0; i < rank; i++) {
    Bytes dim = {0};
    if (dims[i] >= 0) number(&dim, 1, dims[i]);
    else if (*names[i]) text(&dim, 2, names[i]);
    inside(&shape, 1, &dim, NULL);
  }
  return inside(b, 2, &shape, NULL);
}
static OrtStatus *put_type(Bytes *b, const OrtTypeInfo *t) {
  enum ONNXType kind;
  const OrtTensorTypeAndShapeInfo *tensor;
  const OrtSequenceTypeInfo *sequence;
  const OrtOptionalTypeInfo *optional;
  OrtTypeInfo *item = NULL;
  Bytes m = {0}, of = {0};
  TRY(api->GetOnnxTypeFromTypeInfo(t, &kind));
  if (kind == ONNX_TYPE_TENSOR || kind == ONNX_TYPE_SPARSETENSOR) {
    TRY(api->CastTypeInfoToTensorInfo(t, &tensor));
    return inside(b, kind == ONNX_TYPE_TENSOR ? 1 : 8, &m, put_tensor_type(&m, tensor));
  }
  if (kind == ONNX_TYPE_SEQUENCE) {
    TRY(api->CastTypeInfoToSequenceTypeInfo(t, &sequence));
    TRY(api->GetSequenceElementType(sequence, &item));
  } else if (kind == ONNX_TYPE_OPTIONAL) {
    TRY(api->CastTypeInfoToOptionalTypeInfo(t, &optional));
    TRY(api->GetOptionalContainedTypeInfo(optional, &item));
  } else {
    return NULL; /* maps: what makes them says so */
  }
  OrtStatus *failed = inside(&m, 1, &of, put_type(&of, item));
  api->ReleaseTypeInfo(item);
  return inside(b, kind == ONNX_TYPE_SEQUENCE ? 4 : 9, &m, failed);
}
static OrtStatus *put_value(Bytes *b, const OrtValueInfo *v) {
  const char *name = NULL;
  const OrtTypeInfo *type = NULL;
  Bytes t = {0};
  TRY(api->GetValueInfoName(v, &name));
  TRY(api->GetValueInfoTypeInfo(v, &type));
  text(b, 1, name);
  return type ? inside(b, 2, &t, put_type(&t, type)) : NULL;
}

/* ---- tensors ---- */
static OrtStatus *put_strings(Bytes *b, const OrtValue *v, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t n = 0;
    TRY(api->GetStringTensorElementLength(v, i, &n));
    char *s = malloc(n + 1);
    OrtStatus *failed = api->GetStringTensorElement(v, n, i, s);
    if (!failed) block(b, 6, s, n);
    free(s);
    TRY(failed);
  }
  return NULL;
}
static void put_entry(Bytes *b, const char *key, const char *value) {
  Bytes m = {0};
  text(&m, 1, key), text(&m, 2, value);
  inside(b, 13, &m, NULL);
}
static void put_place(Bytes *b, const char *location, long offset, size_t n) {
  char s[2][24];
  snprintf(s[0], sizeof s[0], "%ld", offset), snprintf(s[1], sizeof s[1], "%zu", n);
  put_entry(b, "location", location), put_entry(b, "offset", s[0]), put_entry(b, "length", s[1]);
  number(b, 14, 1);
}
static OrtStatus *put_elsewhere(Bytes *b, const void *p, size_t n) {
  FILE *f = fopen(data, "ab");
  if (!f || fseek(f, 0, SEEK_END)) return api->CreateStatus(ORT_FAIL, "no file for data");
  put_place(b, data, ftell(f), n);
  const size_t written = fwrite(p, 1, n, f);
  return fclose(f) || written != n ? api->CreateStatus(ORT_FAIL, "data were not written") : NULL;
}
static OrtStatus *put_tensor(Bytes *b, const char *name, const OrtValue *v, int initializer) {
  OrtTensorTypeAndShapeInfo *t = NULL;
  ONNXTensorElementDataType element;
  size_t rank = 0, count = 0, n = 0;
  int64_t dims[64];
  const void *p = NULL;
  TRY(api->GetTensorTypeAndShape(v, &t));
  OrtStatus *failed = api->GetTensorElementType(t, &element);
  if (!failed) failed = api->GetDimensionsCount(t, &rank);
  if (!failed) failed = api->GetDimensions(t, dims, rank);
  if (!failed) failed = api->GetTensorShapeElementCount(t, &count);
  api->ReleaseTensorTypeAndShapeInfo(t);
  TRY(failed);
  for (size_t i = 0; i < rank; i++) number(b, 1, dims[i]);
  number(b, 2, element), text(b, 8, name);
  if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) return put_strings(b, v, count);
  TRY(api->GetTensorSizeInBytes(v, &n));
  TRY(api->GetTensorData(v, &p));
  if (initializer && *data && n > 16) return put_elsewhere(b, p, n);
  block(b, 9, p, n);
  return NULL;
}
static OrtStatus *put_initializer(Bytes *b, const OrtValueInfo *info) {
  const char *name = NULL;
  const OrtValue *v = NULL;
  OrtExternalInitializerInfo *external = NULL;
  TRY(api->GetValueInfoName(info, &name));
  TRY(api->ValueInfo_GetInitializerValue(info, &v));
  TRY(api->ValueInfo_GetExternalInitializerInfo(info, &external));
  if (external) { /* its file, offset and size have to be those of the value; that there are some is what the test asks */
    size_t n = 0;
    OrtStatus *failed = api->GetTensorSizeInBytes(v, &n);
    if (!failed && (n != api->ExternalInitializerInfo_GetByteSize(external) ||
                    !strlen(api->ExternalInitializerInfo_GetFilePath(external))))
      failed = api->CreateStatus(ORT_FAIL, "external data and the value differ");
    api->ReleaseExternalInitializerInfo(external);
    TRY(failed);
    printf("  %s: external\n", name);
  }
  return put_tensor(b, name, v, 1);
}

/* ---- nodes ---- */
static OrtStatus *put_attribute(Bytes *b, const char *name, const OrtOpAttr *a) {
  OrtOpAttrType type;
  TRY(api->OpAttr_GetType(a, &type));
  /* AttributeProto's own numbers; GRAPH is not asked for here */
  static const int kinds[] = {[ORT_OP_ATTR_INT] = 2, [ORT_OP_ATTR_INTS] = 7, [ORT_OP_ATTR_FLOAT] = 1, [ORT_OP_ATTR_FLOATS] = 6,
                              [ORT_OP_ATTR_STRING] = 3, [ORT_OP_ATTR_STRINGS] = 8, [ORT_OP_ATTR_TENSOR] = 4};
  if ((size_t)type >= sizeof kinds / sizeof *kinds || !kinds[type]) return api->CreateStatus(ORT_FAIL, "an attribute of an unknown kind");
  text(b, 1, name), number(b, 20, kinds[type]);
  if (type == ORT_OP_ATTR_TENSOR) {
    OrtValue *v = NULL;
    Bytes m = {0};
    TRY(api->OpAttr_GetTensorAttributeAsOrtValue(a, &v));
    OrtStatus *failed = inside(b, 5, &m, put_tensor(&m, "", v, 0));
    api->ReleaseValue(v);
    return failed;
  }
  size_t n = 0;
  api->ReleaseStatus(api->ReadOpAttr(a, type, NULL, 0, &n)); /* how many bytes there are */
  char *p = calloc(1, n + 8);
  OrtStatus *failed = n ? api->ReadOpAttr(a, type, p, n, &n) : NULL;
  for (size_t i = 0; !failed && i < n / 8 && type == ORT_OP_ATTR_INTS; i++) number(b, 8, ((int64_t *)p)[i]);
  for (size_t i = 0; !failed && i < n / 4 && type == ORT_OP_ATTR_FLOATS; i++) real(b, 7, ((float *)p)[i]);
  for (size_t i = 0; !failed && i < n && type == ORT_OP_ATTR_STRINGS; i += strlen(p + i) + 1) text(b, 9, p + i);
  if (!failed && type == ORT_OP_ATTR_INT) number(b, 3, *(int64_t *)p);
  if (!failed && type == ORT_OP_ATTR_FLOAT) real(b, 2, *(float *)p);
  if (!failed && type == ORT_OP_ATTR_STRING) block(b, 4, p, n);
  free(p);
  return failed;
}
static OrtStatus *put_graph(Bytes *b, const OrtGraph *g);
static OrtStatus *put_attributes(Bytes *b, const OrtNode *x) {
  const OrtOpAttr *attrs[64];
  const OrtGraph *bodies[8];
  const char *names[8], *name;
  size_t n = 0, n_bodies = 0;
  TRY(api->Node_GetNumAttributes(x, &n));
  TRY(api->Node_GetAttributes(x, attrs, n));
  TRY(api->Node_GetNumSubgraphs(x, &n_bodies));
  if (n_bodies) TRY(api->Node_GetSubgraphs(x, bodies, n_bodies, names));
  for (size_t i = 0; i < n; i++) {
    Bytes m = {0};
    size_t k = 0;
    TRY(api->OpAttr_GetName(attrs[i], &name));
    while (k < n_bodies && strcmp(names[k], name)) k++;
    if (k == n_bodies) TRY(inside(b, 5, &m, put_attribute(&m, name, attrs[i])));
  }
  for (size_t k = 0; k < n_bodies; k++) {
    Bytes m = {0}, body = {0};
    text(&m, 1, names[k]), number(&m, 20, 5);
    TRY(inside(b, 5, &m, inside(&m, 6, &body, put_graph(&body, bodies[k]))));
  }
  return NULL;
}
static OrtStatus *put_node(Bytes *b, const OrtNode *x) {
  const OrtValueInfo *values[64];
  const char *s = NULL;
  size_t n[2] = {0, 0};
  TRY(api->Node_GetNumInputs(x, &n[0]));
  TRY(api->Node_GetNumOutputs(x, &n[1]));
  for (int out = 0; out < 2; out++) {
    TRY(out ? api->Node_GetOutputs(x, values, n[1]) : api->Node_GetInputs(x, values, n[0]));
    for (size_t i = 0; i < n[out]; i++) {
      s = "";
      if (values[i]) TRY(api->GetValueInfoName(values[i], &s));
      text(b, 1 + out, s);
    }
  }
  TRY(api->Node_GetName(x, &s));
  text(b, 3, s);
  TRY(api->Node_GetOperatorType(x, &s));
  text(b, 4, s);
  TRY(api->Node_GetDomain(x, &s));
  text(b, 7, s);
  return put_attributes(b, x);
}

/* ---- the graph and the model ---- */
static OrtStatus *put_list(Bytes *b, int field, const void **list, size_t n, int of_nodes) {
  OrtStatus *failed = NULL;
  for (size_t i = 0; i < n && !failed; i++) {
    Bytes m = {0};
    failed = inside(b, field, &m, of_nodes ? put_node(&m, list[i]) : field == 5 ? put_initializer(&m, list[i]) : put_value(&m, list[i]));
  }
  return failed;
}
static OrtStatus *put_graph(Bytes *b, const OrtGraph *g) {
  size_t n[4] = {0};
  const char *name = NULL;
  TRY(api->Graph_GetName(g, &name));
  text(b, 2, *name ? name : "graph");
  TRY(api->Graph_GetNumNodes(g, &n[0]));
  TRY(api->Graph_GetNumInitializers(g, &n[1]));
  TRY(api->Graph_GetNumInputs(g, &n[2]));
  TRY(api->Graph_GetNumOutputs(g, &n[3]));
  const void **list = calloc(n[0] + n[1] + n[2] + n[3] + 1, sizeof *list);
  OrtStatus *failed = api->Graph_GetNodes(g, (const OrtNode **)list, n[0]);
  if (!failed) failed = put_list(b, 1, list, n[0], 1);
  if (!failed) failed = api->Graph_GetInitializers(g, (const OrtValueInfo **)list, n[1]);
  if (!failed) failed = put_list(b, 5, list, n[1], 0);
  if (!failed) failed = api->Graph_GetInputs(g, (const OrtValueInfo **)list, n[2]);
  if (!failed) failed = put_list(b, 11, list, n[2], 0);
  if (!failed) failed = api->Graph_GetOutputs(g, (const OrtValueInfo **)list, n[3]);
  if (!failed) failed = put_list(b, 12, list, n[3], 0);
  free(list);
  return failed;
}
static OrtStatus *put_model(Bytes *b, const OrtGraph *g) {
  int64_t ir = 0, versions[64];
  const char *domains[64];
  size_t n = 0;
  Bytes graph = {0};
  TRY(api->Graph_GetOnnxIRVersion(g, &ir));
  number(b, 1, ir);
  TRY(api->Graph_GetNumOperatorSets(g, &n));
  TRY(api->Graph_GetOperatorSets(g, domains, versions, n));
  for (size_t i = 0; i < n; i++) {
    Bytes m = {0};
    text(&m, 1, domains[i]), number(&m, 2, versions[i]);
    inside(b, 8, &m, NULL);
  }
  return inside(b, 7, &graph, put_graph(&graph, g));
}

/* ---- the provider ---- */
static const char *ORT_API_CALL provider_name(const OrtEp *ep) { return (void)ep, "Writer"; }
static OrtStatus *ORT_API_CALL get_capability(OrtEp *ep, const OrtGraph *graph, OrtEpGraphSupportInfo *info) {
  const OrtNode *around = NULL;
  Bytes b = {0};
  (void)ep, (void)info;
  TRY(api->Graph_GetParentNode(graph, &around));
  if (around) return NULL; /* its node's graph is shown, too */
  OrtStatus *failed = put_model(&b, graph);
  FILE *f = failed ? NULL : fopen(path, "wb");
  if (f) fwrite(b.at, 1, b.n, f), fclose(f);
  free(b.at);
  return failed;
}

static const char *ORT_API_CALL factory_name(const OrtEpFactory *f) { return (void)f, "Writer"; }
static const char *ORT_API_CALL factory_vendor(const OrtEpFactory *f) { return (void)f, "sardonyx"; }
static uint32_t ORT_API_CALL factory_vendor_id(const OrtEpFactory *f) { return (void)f, 0; }
static const char *ORT_API_CALL factory_version(const OrtEpFactory *f) { return (void)f, "1.0.0"; }
static OrtStatus *ORT_API_CALL supported_devices(OrtEpFactory *f, const OrtHardwareDevice *const *devices, size_t n,
                                                 OrtEpDevice **made, size_t room, size_t *n_made) {
  *n_made = 0;
  for (size_t i = 0; i < n && room && !*n_made; i++) {
    if (api->HardwareDevice_Type(devices[i]) != OrtHardwareDeviceType_CPU) continue;
    TRY(ep_api->CreateEpDevice(f, devices[i], NULL, NULL, &made[0]));
    *n_made = 1;
  }
  return NULL;
}
static OrtStatus *option(const OrtSessionOptions *o, const char *key, char *to, size_t room) {
  int there = 0;
  *to = 0;
  TRY(api->HasSessionConfigEntry(o, key, &there));
  return there ? api->GetSessionConfigEntry(o, key, to, &room) : NULL;
}
static OrtStatus *ORT_API_CALL create_provider(OrtEpFactory *f, const OrtHardwareDevice *const *devices,
                                               const OrtKeyValuePairs *const *metadata, size_t n,
                                               const OrtSessionOptions *options, const OrtLogger *logger, OrtEp **out) {
  static OrtEp ep;
  (void)f, (void)devices, (void)metadata, (void)n, (void)logger;
  TRY(option(options, "ep.writer.path", path, sizeof path));
  TRY(option(options, "ep.writer.data", data, sizeof data));
  ep.ort_version_supported = 24;
  ep.GetName = provider_name;
  ep.GetCapability = get_capability;
  *out = &ep;
  return NULL;
}
static void ORT_API_CALL release_provider(OrtEpFactory *f, OrtEp *ep) { (void)f, (void)ep; }
static OrtStatus *ORT_API_CALL create_allocator(OrtEpFactory *f, const OrtMemoryInfo *memory, const OrtKeyValuePairs *options,
                                                OrtAllocator **out) {
  (void)f, (void)memory, (void)options;
  *out = NULL;
  return api->CreateStatus(ORT_NOT_IMPLEMENTED, "no memory of its own");
}
static void ORT_API_CALL release_allocator(OrtEpFactory *f, OrtAllocator *a) { (void)f, (void)a; }
static OrtStatus *ORT_API_CALL create_data_transfer(OrtEpFactory *f, OrtDataTransferImpl **out) { return (void)f, *out = NULL, NULL; }
static bool ORT_API_CALL is_stream_aware(const OrtEpFactory *f) { return (void)f, false; }

#define EXPORT __attribute__((visibility("default")))
EXPORT OrtStatus *CreateEpFactories(const char *name, const OrtApiBase *base, const OrtLogger *logger, OrtEpFactory **factories,
                                    size_t room, size_t *n);
EXPORT OrtStatus *ReleaseEpFactory(OrtEpFactory *factory);
OrtStatus *CreateEpFactories(const char *name, const OrtApiBase *base, const OrtLogger *logger, OrtEpFactory **factories,
                             size_t room, size_t *n) {
  static OrtEpFactory factory;
  (void)name, (void)logger, (void)room;
  api = base->GetApi(24), ep_api = api->GetEpApi();
  factory = (OrtEpFactory){.ort_version_supported = 24,
                           .GetName = factory_name,
                           .GetVendor = factory_vendor,
                           .GetVendorId = factory_vendor_id,
                           .GetVersion = factory_version,
                           .GetSupportedDevices = supported_devices,
                           .CreateEp = create_provider,
                           .ReleaseEp = release_provider,
                           .CreateAllocator = create_allocator,
                           .ReleaseAllocator = release_allocator,
                           .CreateDataTransfer = create_data_transfer,
                           .IsStreamAware = is_stream_aware};
  factories[0] = &factory, *n = 1;
  return NULL;
}
OrtStatus *ReleaseEpFactory(OrtEpFactory *factory) { return (void)factory, NULL; }
