// SPDX-License-Identifier: MIT
/* Sessions from bytes: what they say of themselves, runs, bindings, threads, profiles. */
#include "abi.h"
#include "models.h"

#define FLOAT ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
static OrtEnv *env;
static OrtAllocator *a;
static OrtMemoryInfo *cpu;
static float x[6] = {1, 2, 3, 4, 5, 6}, w[2] = {0, 0};

static OrtSession *open_model(const unsigned char *bytes, size_t size, const OrtSessionOptions *o) {
  OrtSession *s = NULL;
  unsigned char *copy = (unsigned char *)malloc(size);
  memcpy(copy, bytes, size);
  OK(CreateSessionFromArray(env, copy, size, o, &s));
  memset(copy, 0xee, size); /* the session does not need them any more */
  free(copy);
  return s;
}

static OrtValue *over(void *data, size_t bytes, size_t rank, const int64_t *dims) {
  OrtValue *v = NULL;
  OK(CreateTensorWithDataAsOrtValue(cpu, data, bytes, dims, rank, FLOAT, &v));
  return v;
}

static int text_is(char *got, const char *want) {
  int same = got && !strcmp(got, want);
  if (got) a->Free(a, got);
  return same;
}

static float *floats(OrtValue *v) {
  float *p = NULL;
  OK(GetTensorMutableData(v, (void **)&p));
  return p;
}

static void failures_to_load(void) {
  OrtSession *s = NULL;
  OrtSessionOptions *o = NULL;
  OK(CreateSessionOptions(&o));
  CODE(ORT_NO_SUCHFILE, CreateSession(env, ORT_TSTR("/no/such/model.onnx"), o, &s));
  CODE(ORT_INVALID_PROTOBUF, CreateSessionFromArray(env, "garbage", 7, o, &s));
  CODE(ORT_INVALID_PROTOBUF, CreateSessionFromArray(env, model_add, sizeof model_add - 1, o, &s));
  CODE(ORT_INVALID_ARGUMENT, CreateSessionFromArray(env, "", 0, o, &s));
  CODE(ORT_INVALID_ARGUMENT, CreateSessionFromArray(env, NULL, 5, o, &s));
  OK(SessionOptionsSetLoadCancellationFlag(o, true));
  CODE(ORT_MODEL_LOAD_CANCELED, CreateSessionFromArray(env, model_add, sizeof model_add, o, &s));
  CHECK(s == NULL);
  api->ReleaseSessionOptions(o);
}

static void type_is(OrtTypeInfo *t, size_t rank, const int64_t *dims, const char *first) {
  const OrtTensorTypeAndShapeInfo *s = NULL;
  size_t n = 99;
  int64_t got[4];
  const char *names[4] = {NULL};
  ONNXTensorElementDataType type;
  OK(CastTypeInfoToTensorInfo(t, &s));
  OK(GetTensorElementType(s, &type));
  OK(GetDimensionsCount(s, &n));
  OK(GetDimensions(s, got, 4));
  OK(GetSymbolicDimensions(s, names, 4));
  CHECK(type == FLOAT && n == rank && !memcmp(got, dims, rank * sizeof *dims) && names[0] && !strcmp(names[0], first));
  api->ReleaseTypeInfo(t);
}

static void description(OrtSession *s) {
  size_t n = 99;
  char *name = NULL;
  OrtTypeInfo *t = NULL;
  int64_t rows[] = {-1, 2}, two[] = {2};
  OK(SessionGetInputCount(s, &n));
  CHECK(n == 1);
  OK(SessionGetInputName(s, 0, a, &name));
  CHECK(text_is(name, "x"));
  OK(SessionGetInputTypeInfo(s, 0, &t));
  type_is(t, 2, rows, "N");
  CODE(ORT_FAIL, SessionGetInputName(s, 5, a, &name));
  OK(SessionGetOutputCount(s, &n));
  CHECK(n == 2);
  OK(SessionGetOutputName(s, 1, a, &name));
  CHECK(text_is(name, "z"));
  OK(SessionGetOutputTypeInfo(s, 1, &t)); /* not declared: inferred */
  type_is(t, 2, rows, "N");
  CODE(ORT_FAIL, SessionGetOutputTypeInfo(s, 5, &t));
  OK(SessionGetOverridableInitializerCount(s, &n));
  CHECK(n == 1);
  OK(SessionGetOverridableInitializerName(s, 0, a, &name));
  CHECK(text_is(name, "w"));
  OK(SessionGetOverridableInitializerTypeInfo(s, 0, &t));
  type_is(t, 1, two, "");

  OrtModelMetadata *m = NULL;
  int64_t version = 0, count = 0;
  char **keys = NULL;
  OK(SessionGetModelMetadata(s, &m));
  OK(ModelMetadataGetProducerName(m, a, &name));
  CHECK(text_is(name, "maker"));
  OK(ModelMetadataGetGraphName(m, a, &name));
  CHECK(text_is(name, "graph name"));
  OK(ModelMetadataGetDomain(m, a, &name));
  CHECK(text_is(name, "some.domain"));
  OK(ModelMetadataGetDescription(m, a, &name));
  CHECK(text_is(name, "about it"));
  OK(ModelMetadataGetGraphDescription(m, a, &name));
  CHECK(text_is(name, "about the graph"));
  OK(ModelMetadataGetVersion(m, &version));
  CHECK(version == 42);
  OK(ModelMetadataLookupCustomMetadataMap(m, a, "key", &name));
  CHECK(text_is(name, "value"));
  OK(ModelMetadataLookupCustomMetadataMap(m, a, "none", &name));
  CHECK(name == NULL);
  OK(ModelMetadataGetCustomMetadataMapKeys(m, a, &keys, &count));
  CHECK(count == 2);
  for (int64_t i = 0; i < count; i++) a->Free(a, keys[i]);
  a->Free(a, keys);
  api->ReleaseModelMetadata(m);
}

static void runs(OrtSession *s) {
  int64_t d[] = {3, 2}, wide[] = {3, 3}, flat[] = {6}, two[] = {2}, none[] = {0, 2};
  OrtValue *vx = over(x, sizeof x, 2, d), *vw = over(w, sizeof w, 1, two), *vflat = over(x, sizeof x, 1, flat),
           *vnone = over(x, 0, 2, none);
  OrtValue *vwide = NULL, *vdouble = NULL, *out[2] = {NULL, NULL};
  OK(CreateTensorAsOrtValue(a, wide, 2, FLOAT, &vwide));
  OK(CreateTensorAsOrtValue(a, d, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, &vdouble));
  const char *in[] = {"x", "w"}, *y[] = {"y", "y"}, *zy[] = {"z", "y"}, *bad[] = {"q"}, *empty[] = {""};
  const OrtValue *give[] = {vx, vw}, *w3[] = {vwide}, *r1[] = {vflat}, *f64[] = {vdouble}, *null[] = {NULL},
                 *zero[] = {vnone};
  OK(Run(s, NULL, in, give, 1, y, 1, out));
  CHECK(floats(out[0])[0] == 11 && floats(out[0])[5] == 26);
  x[0] = 100; /* into the same output again */
  OrtValue *same = out[0];
  OK(Run(s, NULL, in, give, 1, y, 1, out));
  CHECK(out[0] == same && floats(out[0])[0] == 110);
  x[0] = 1;
  api->ReleaseValue(out[0]);
  out[0] = NULL;
  OK(Run(s, NULL, in, give, 2, zy, 2, out)); /* the initializer replaced, outputs in another order */
  CHECK(floats(out[0])[5] == -6 && floats(out[1])[5] == 6);
  api->ReleaseValue(out[0]);
  api->ReleaseValue(out[1]);
  out[0] = out[1] = NULL;
  OK(Run(s, NULL, in, give, 1, y, 2, out)); /* one output asked for twice */
  CHECK(out[0] && out[1] && floats(out[1])[0] == 11);
  api->ReleaseValue(out[0]);
  api->ReleaseValue(out[1]);
  out[0] = out[1] = NULL;
  OK(Run(s, NULL, in, zero, 1, y, 1, out));
  size_t n = 9;
  OK(GetTensorSizeInBytes(out[0], &n));
  CHECK(n == 0);
  api->ReleaseValue(out[0]);
  out[0] = NULL;

  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, in, w3, 1, y, 1, out));
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, in, r1, 1, y, 1, out));
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, in, f64, 1, y, 1, out));
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, in, null, 1, y, 1, out));
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, bad, give, 1, y, 1, out));
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, in, give, 1, bad, 1, out));
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, empty, give, 1, y, 1, out));
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, in, give, 1, empty, 1, out));
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, in, give, 1, y, 0, out));
  CHECK(out[0] == NULL);
  out[0] = vwide;
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, in, give, 1, y, 1, out));
  out[0] = vdouble;
  CODE(ORT_INVALID_ARGUMENT, Run(s, NULL, in, give, 1, y, 1, out));
  out[0] = NULL;

  OrtRunOptions *o = NULL;
  OK(CreateRunOptions(&o));
  OK(RunOptionsSetTerminate(o));
  CODE(ORT_FAIL, Run(s, o, in, give, 1, y, 1, out));
  OK(RunOptionsUnsetTerminate(o));
  OK(Run(s, o, in, give, 1, y, 1, out));
  api->ReleaseRunOptions(o);
  OrtValue *all[] = {vx, vw, vflat, vnone, vwide, vdouble, out[0]};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) api->ReleaseValue(all[i]);
}

static void binding(OrtSession *s) {
  int64_t d[] = {3, 2};
  OrtIoBinding *b = NULL;
  OrtRunOptions *o = NULL;
  OrtValue *vx = over(x, sizeof x, 2, d), *vy = NULL, **values = NULL;
  char *names = NULL;
  size_t *lengths = NULL, n = 9;
  OK(CreateRunOptions(&o));
  OK(CreateTensorAsOrtValue(a, d, 2, FLOAT, &vy));
  OK(CreateIoBinding(s, &b));
  OK(BindInput(b, "x", vx));
  CODE(ORT_INVALID_ARGUMENT, RunWithBinding(s, o, b));
  OK(BindOutputToDevice(b, "z", cpu));
  OK(BindOutput(b, "y", vy));
  OK(SynchronizeBoundInputs(b));
  OK(RunWithBinding(s, o, b));
  OK(SynchronizeBoundOutputs(b));
  CHECK(floats(vy)[0] == 11);
  OK(GetBoundOutputNames(b, a, &names, &lengths, &n));
  CHECK(n == 2 && lengths[0] == 1 && lengths[1] == 1 && !memcmp(names, "zy", 2));
  a->Free(a, names);
  a->Free(a, lengths);
  x[0] = 2;
  OK(RunWithBinding(s, o, b));
  x[0] = 1;
  OK(GetBoundOutputValues(b, a, &values, &n));
  CHECK(n == 2 && floats(values[0])[0] == -12 && floats(values[1])[0] == 12);
  for (size_t i = 0; i < n; i++) api->ReleaseValue(values[i]);
  a->Free(a, values);
  api->ClearBoundOutputs(b);
  OK(GetBoundOutputNames(b, a, &names, &lengths, &n));
  CHECK(n == 0);
  api->ClearBoundInputs(b);
  api->ReleaseIoBinding(b);
  api->ReleaseRunOptions(o);
  api->ReleaseValue(vx);
  api->ReleaseValue(vy);
}

static void others(OrtSession *s) {
  OrtAllocator *own = NULL;
  OrtMemoryInfo *cuda = NULL;
  OK(CreateAllocator(s, cpu, &own));
  void *p = own->Alloc(own, 10);
  CHECK(p != NULL);
  own->Free(own, p);
  api->ReleaseAllocator(own);
  OK(CreateMemoryInfo("Cuda", OrtDeviceAllocator, 0, OrtMemTypeDefault, &cuda));
  CODE(ORT_INVALID_ARGUMENT, CreateAllocator(s, cuda, &own));
  api->ReleaseMemoryInfo(cuda);
  uint64_t ns = 1;
  char *name = NULL;
  OK(SessionGetProfilingStartTimeNs(s, &ns));
  const OrtMemoryInfo *infos[2] = {NULL, NULL};
  const OrtEpDevice *devices[2] = {NULL, NULL};
  OK(SessionGetMemoryInfoForInputs(s, infos, 1));
  OK(SessionGetMemoryInfoForOutputs(s, infos, 2));
  OK(SessionGetEpDeviceForInputs(s, devices, 1));
  OK(SessionGetEpDeviceForOutputs(s, devices, 2));
  CHECK(infos[1] && devices[0]);
  const char *key[] = {"ep.dynamic.workload_type"}, *value[] = {"Default"};
  OK(SetEpDynamicOptions(s, key, value, 1));
  CODE(ORT_INVALID_ARGUMENT, SetEpDynamicOptions(s, key, value, 0));
  const OrtEpAssignedSubgraph *const *groups = NULL;
  size_t n = 0;
  CODE(ORT_FAIL, Session_GetEpGraphAssignmentInfo(s, &groups, &n));
  (void)name;
}

static void strings(void) {
  OrtSession *s = open_model(model_words, sizeof model_words, NULL);
  int64_t two[] = {2};
  OrtValue *in = NULL, *out = NULL;
  OK(CreateTensorAsOrtValue(a, two, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, &in));
  const char *text[] = {"hello", "wide world, longer than sixteen bytes"}, *ns[] = {"s"}, *nt[] = {"t"};
  OK(FillStringTensor(in, text, 2));
  const OrtValue *give[] = {in};
  OK(Run(s, NULL, ns, give, 1, nt, 1, &out));
  api->ReleaseValue(in);
  char buf[64];
  size_t n = 0, at[2];
  OK(GetStringTensorDataLength(out, &n));
  CHECK(n == 42);
  OK(GetStringTensorContent(out, buf, n, at, 2));
  CHECK(!memcmp(buf, "hellowide world, longer than sixteen bytes", 42) && at[1] == 5);
  api->ReleaseValue(out);
  api->ReleaseSession(s);
}

static void overrides(void) {
  OrtSessionOptions *o = NULL;
  OrtTypeInfo *t = NULL;
  int64_t fixed[] = {3, 2};
  OK(CreateSessionOptions(&o));
  OK(AddFreeDimensionOverrideByName(o, "N", 3));
  OK(AddSessionConfigEntry(o, "session.record_ep_graph_assignment_info", "1"));
  OrtSession *s = open_model(model_add, sizeof model_add, o);
  api->ReleaseSessionOptions(o);
  OK(SessionGetInputTypeInfo(s, 0, &t));
  type_is(t, 2, fixed, "");
  const OrtEpAssignedSubgraph *const *groups = NULL;
  const char *ep = NULL;
  size_t n = 0;
  OK(Session_GetEpGraphAssignmentInfo(s, &groups, &n));
  CHECK(n >= 1);
  OK(EpAssignedSubgraph_GetEpName(groups[0], &ep));
  CHECK(!strcmp(ep, "CPUExecutionProvider"));
  api->ReleaseSession(s);
}

static void own_initializer(void) {
  static float c[2] = {2, 3};
  static float ones[2] = {1, 1};
  int64_t two[] = {2}, d[] = {3, 2}, wide[] = {1, 2};
  OrtSessionOptions *o = NULL;
  OrtSession *s = NULL;
  OrtValue *mine = over(c, sizeof c, 1, two), *vx = over(x, sizeof x, 2, d), *flat = over(ones, sizeof ones, 2, wide),
           *out = NULL;
  const OrtValue *give[] = {vx};
  const char *in[] = {"x"}, *y[] = {"y"};
  OK(CreateSessionOptions(&o));
  OK(AddInitializer(o, "c", mine));
  s = open_model(model_add, sizeof model_add, o);
  api->ReleaseSessionOptions(o);
  OK(Run(s, NULL, in, give, 1, y, 1, &out));
  CHECK(floats(out)[0] == 22 && floats(out)[5] == 78);
  api->ReleaseValue(out);
  out = NULL;
  api->ReleaseSession(s);
  OK(CreateSessionOptions(&o));
  OK(AddInitializer(o, "c", flat));
  s = open_model(model_add, sizeof model_add, o); /* another shape than the model's */
  OK(Run(s, NULL, in, give, 1, y, 1, &out));
  CHECK(floats(out)[0] == 11);
  api->ReleaseValue(out);
  api->ReleaseSession(s);
  api->ReleaseSessionOptions(o);
  api->ReleaseValue(flat);
  api->ReleaseValue(mine);
  api->ReleaseValue(vx);
}

/* y = x + w with w large enough not to be copied when read: whatever address the model's bytes begin at, they may go. */
static void weights_from_bytes(void) {
  static const unsigned char head[] = {8,    8, 58,   0xbe, 0x40, 10,  14,  10,  1,   'x', 10,   1,   'w',
                                       18,   1, 'y',  34,   3,    'A', 'd', 'd', 18,  1,   'g',  42,  0x8b,
                                       0x40, 8, 0x80, 16,   16,   1,   66,  1,   'w', 74,  0x80, 0x40};
  static const unsigned char tail[] = {90, 16, 10, 1, 'x', 18, 11, 10, 9, 8, 1, 18, 5, 10, 3, 18, 1, 'N',
                                       98, 9,  10, 1, 'y', 18, 4,  10, 2, 8, 1, 66, 4, 10, 0, 16, 17};
  enum { N = 2048 };
  unsigned char *room = (unsigned char *)malloc(sizeof head + N * sizeof(float) + sizeof tail + 4);
  for (int at = 0; at < 4; at++) {
    OrtSession *s = NULL;
    unsigned char *p = room + at;
    memcpy(p, head, sizeof head);
    p += sizeof head;
    for (int i = 0; i < N; i++, p += sizeof(float)) memcpy(p, &(float){(float)i}, sizeof(float));
    memcpy(p, tail, sizeof tail);
    OK(CreateSessionFromArray(env, room + at, sizeof head + N * sizeof(float) + sizeof tail, NULL, &s));
    memset(room, 0xee, sizeof head + N * sizeof(float) + sizeof tail + 4);
    int64_t d[] = {1};
    OrtValue *vx = over(x, sizeof *x, 1, d), *out = NULL;
    const char *in[] = {"x"}, *y[] = {"y"};
    OK(Run(s, NULL, in, (const OrtValue *const *)&vx, 1, y, 1, &out));
    CHECK(out && floats(out)[0] == x[0] && floats(out)[N - 1] == x[0] + N - 1);
    if (out) api->ReleaseValue(out);
    api->ReleaseValue(vx);
    api->ReleaseSession(s);
  }
  free(room);
}

static void profile(void) {
  OrtSessionOptions *o = NULL;
  char *name = NULL;
  OK(CreateSessionOptions(&o));
  OK(EnableProfiling(o, ORT_TSTR("abi_session_test")));
  OrtSession *s = open_model(model_add, sizeof model_add, o);
  api->ReleaseSessionOptions(o);
  uint64_t ns = 0;
  OK(SessionGetProfilingStartTimeNs(s, &ns));
  CHECK(ns > 0);
  int64_t d[] = {3, 2};
  OrtValue *vx = over(x, sizeof x, 2, d), *out = NULL;
  const OrtValue *give[] = {vx};
  const char *in[] = {"x"}, *y[] = {"y"};
  OK(Run(s, NULL, in, give, 1, y, 1, &out));
  OK(SessionEndProfiling(s, a, &name));
  CHECK(!strncmp(name, "abi_session_test_", 17) && strstr(name, ".json"));
  FILE *f = fopen(name, "rb");
  CHECK(f != NULL);
  static char text[1 << 20];
  if (f) (void)!fread(text, 1, sizeof text - 1, f), fclose(f);
  CHECK(text[0] == '[' && strstr(text, "\"model_run\"") && strstr(text, "\"session_initialization\"") &&
        strstr(text, "_kernel_time\""));
  CHECK(strstr(text, "\"op_name\" : \"Add\"") || strstr(text, "\"provider\" : \"CPUExecutionProvider\""));
  remove(name);
  a->Free(a, name);
  api->ReleaseValue(vx);
  api->ReleaseValue(out);
  api->ReleaseSession(s);
}

/* The outputs of an asynchronous run come with a callback on another thread. */
/* One output asked for twice is one value with two owners, whoever gave it. */
static void output_twice(void) {
  OrtSession *s = open_model(model_add, sizeof model_add, NULL);
  int64_t d[] = {3, 2};
  float mine[6] = {0};
  OrtValue *vx = over(x, sizeof x, 2, d);
  const OrtValue *give[] = {vx};
  const char *in[] = {"x"}, *twice[] = {"y", "y"};
  for (int given = 0; given < 3; given++) {
    OrtValue *out[2] = {given == 1 ? over(mine, sizeof mine, 2, d) : NULL,
                        given == 2 ? over(mine, sizeof mine, 2, d) : NULL};
    OK(Run(s, NULL, in, give, 1, twice, 2, out));
    for (int i = 0; i < 2; i++) CHECK(out[i] && floats(out[i])[0] == 11);
    for (int i = 0; i < 2; i++) api->ReleaseValue(out[i]);
    CHECK(!given || mine[5] == 26);
  }
  api->ReleaseValue(vx);
  api->ReleaseSession(s);
}

/* A plan for each size of the input: what the options gave is used by all of them. */
static void by_signature(void) {
  static float five[1] = {5};
  int64_t one[] = {1};
  OrtSessionOptions *o = NULL;
  OrtValue *w5 = over(five, sizeof five, 1, one);
  const char *in[] = {"x"}, *y[] = {"y"};
  OK(CreateSessionOptions(&o));
  OK(AddInitializer(o, "w", w5));
  OrtSession *s = open_model(model_squeezed, sizeof model_squeezed, o);
  api->ReleaseSessionOptions(o);
  for (int64_t n = 1; n <= 6; n++) {
    int64_t d[] = {n % 2 ? 1 : n, n % 2 ? n : 1};
    OrtValue *vx = over(x, (size_t)n * sizeof *x, 2, d), *out = NULL;
    const OrtValue *give[] = {vx};
    OK(Run(s, NULL, in, give, 1, y, 1, &out));
    CHECK(out && floats(out)[0] == 6 && floats(out)[n - 1] == (float)n + 5);
    api->ReleaseValue(out);
    api->ReleaseValue(vx);
  }
  api->ReleaseSession(s);
  api->ReleaseValue(w5);
}

/* The optimised model is a file of its own, which loads and computes the same. */
static void written_model(void) {
  OrtSessionOptions *o = NULL;
  const ORTCHAR_T *file = ORT_TSTR("abi_optimised.onnx");
  OK(CreateSessionOptions(&o));
  OK(SetOptimizedModelFilePath(o, file));
  OrtSession *s = open_model(model_add, sizeof model_add, o), *again = NULL;
  OK(CreateSession(env, file, NULL, &again));
  if (again) {
    int64_t d[] = {3, 2};
    OrtValue *vx = over(x, sizeof x, 2, d), *y = NULL;
    const char *in[] = {"x"}, *out[] = {"y"};
    OK(Run(again, NULL, in, (const OrtValue *const *)&vx, 1, out, 1, &y));
    for (int i = 0; y && i < 6; i++) CHECK(floats(y)[i] == (x[i] + (float[]){10, 20}[i % 2]) * 1);
    api->ReleaseValue(y);
    api->ReleaseValue(vx);
    api->ReleaseSession(again);
  }
  api->ReleaseSession(s);
  remove("abi_optimised.onnx");
  OK(SetOptimizedModelFilePath(o, ORT_TSTR("no_such_folder/x.onnx")));
  CODE(ORT_INVALID_ARGUMENT, CreateSessionFromArray(env, model_add, sizeof model_add, o, &s));
  api->ReleaseSessionOptions(o);
}

/* A model from memory looks for its external data in the working directory, or in the folder that its options name. */
static void outside_data(void) {
  const float w[] = {10, 20};
  const char *key = "session.model_external_initializers_file_folder_path";
  OrtSessionOptions *o = NULL;
  OrtSession *s = NULL;
  OK(CreateSessionOptions(&o));
  CODE(ORT_FAIL, CreateSessionFromArray(env, model_outside, sizeof model_outside, o, &s)); /* it is not there yet */
  FILE *f = fopen("abi_outside.bin", "wb");
  CHECK(f && fwrite(w, sizeof w, 1, f) == 1);
  if (f) fclose(f);
  api->ReleaseSession(open_model(model_outside, sizeof model_outside, o));
  OK(AddSessionConfigEntry(o, key, "."));
  s = open_model(model_outside, sizeof model_outside, o);
  int64_t two[] = {2};
  OrtValue *vx = over(x, sizeof w, 1, two), *y = NULL;
  const char *in[] = {"x"}, *out[] = {"y"};
  OK(Run(s, NULL, in, (const OrtValue *const *)&vx, 1, out, 1, &y));
  CHECK(y && floats(y)[0] == x[0] + 10 && floats(y)[1] == x[1] + 20);
  api->ReleaseValue(y);
  api->ReleaseValue(vx);
  api->ReleaseSession(s);
  OK(AddSessionConfigEntry(o, key, "no_such_folder"));
  CODE(ORT_FAIL, CreateSessionFromArray(env, model_outside, sizeof model_outside, o, &s));
  remove("abi_outside.bin");
  api->ReleaseSessionOptions(o);
}

static volatile int called;
static void done(void *user, OrtValue **outputs, size_t n, OrtStatusPtr status) {
  CHECK(user == &called && !status && n == 1 && outputs[0] && floats(outputs[0])[5] == 26);
  api->ReleaseStatus(status);
  __atomic_store_n(&called, 1, __ATOMIC_SEQ_CST);
}

static void asynchronous(void) {
  OrtSessionOptions *o = NULL;
  OK(CreateSessionOptions(&o));
  OK(SetIntraOpNumThreads(o, 2));
  OrtSession *s = open_model(model_add, sizeof model_add, o);
  int64_t d[] = {3, 2};
  OrtValue *vx = over(x, sizeof x, 2, d), *out = NULL;
  const OrtValue *give[] = {vx};
  const char *in[] = {"x"}, *y[] = {"y"};
  OK(RunAsync(s, NULL, in, give, 1, y, 1, &out, done, (void *)&called));
  while (!__atomic_load_n(&called, __ATOMIC_SEQ_CST)) {}
  api->ReleaseValue(out);
  api->ReleaseValue(vx);
  api->ReleaseSession(s);
  OK(SetIntraOpNumThreads(o, 1));
  s = open_model(model_add, sizeof model_add, o);
  CODE(ORT_INVALID_ARGUMENT, RunAsync(s, NULL, in, give, 1, y, 1, &out, done, NULL));
  api->ReleaseSession(s);
  api->ReleaseSessionOptions(o);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "abi", &env));
  OK(GetAllocatorWithDefaultOptions(&a));
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  failures_to_load();
  OrtSession *s = open_model(model_add, sizeof model_add, NULL);
  description(s);
  runs(s);
  binding(s);
  others(s);
  api->ReleaseSession(s);
  strings();
  overrides();
  own_initializer();
  weights_from_bytes();
  profile();
  written_model();
  output_twice();
  by_signature();
  outside_data();
  asynchronous();
  api->ReleaseMemoryInfo(cpu);
  api->ReleaseEnv(env);
  return abi_end("session");
}
