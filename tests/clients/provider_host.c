// SPDX-License-Identifier: MIT
/* Hosts a plugin provider as its users' programs do: registers the library, makes a session on the CPU and one with the
 * provider for each model, runs both on the same numbers, compares, and asks who had which node.
 *
 *   provider_host LIBRARY PROVIDER_LIBRARY REGISTRATION [OPTION...] MODEL...
 *     -e NAME    the provider's name (default: the registration)     -o K=V   an option of the provider
 *     -n NODES   that it must take at least (default 1)              -a TOLERANCE, absolute (default 1e-4)
 *     -f         nothing may be left to the CPU                      -c FILE  compile to FILE (EPContext), and load that
 *     -l         only list its devices                               -x       the registration must be refused
 *     -d         run the model on its own result, which stays on the device
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../abi/abi.h"

#define TRY(call)                                                                                       \
  do {                                                                                                  \
    OrtStatus *s_ = (call);                                                                             \
    if (s_) fprintf(stderr, "FAIL line %d: %s\n", __LINE__, api->GetErrorMessage(s_)), exit(1); \
  } while (0)
enum { MOST = 16 };
typedef struct Values {
  size_t n;
  char *names[MOST];
  OrtValue *values[MOST];
} Values;

static OrtEnv *env;
static OrtAllocator *allocator;
static const char *option_keys[MOST], *option_values[MOST];
static size_t n_options;

static OrtValue *make_input(OrtSession *s, size_t i) {
  ONNXTensorElementDataType element;
  OrtValue *value = NULL;
  size_t count = 0;
  void *data = NULL;
  char *name = NULL;
  TRY(api->SessionGetInputName(s, i, allocator, &name));
  int64_t kinds = strstr(name, "mask") || strstr(name, "type") ? 2 : 100; /* of integers: few where a text model wants so */
  allocator->Free(allocator, name);
  TRY(abi_input(s, i, 2, allocator, &value, &element, &count));
  if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) return value;
  TRY(api->GetTensorMutableData(value, &data));
  for (size_t k = 0; k < count; k++) {
    if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) ((float *)data)[k] = (float)((k * 37 + 11) % 101) / 50 - 1;
    if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64) ((int64_t *)data)[k] = (int64_t)k % kinds;
  }
  return value;
}

static void run(OrtSession *s, Values *in, Values *out) {
  TRY(api->SessionGetInputCount(s, &in->n));
  TRY(api->SessionGetOutputCount(s, &out->n));
  for (size_t i = 0; i < in->n; i++) {
    TRY(api->SessionGetInputName(s, i, allocator, &in->names[i]));
    if (!in->values[i]) in->values[i] = make_input(s, i);
  }
  for (size_t i = 0; i < out->n; i++) TRY(api->SessionGetOutputName(s, i, allocator, &out->names[i]));
  TRY(api->Run(s, NULL, (const char *const *)in->names, (const OrtValue *const *)in->values, in->n,
               (const char *const *)out->names, out->n, out->values));
}

static size_t count_of(const OrtValue *v, ONNXTensorElementDataType *type) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  size_t n = 0;
  TRY(api->GetTensorTypeAndShape(v, &info));
  TRY(api->GetTensorShapeElementCount(info, &n));
  TRY(api->GetTensorElementType(info, type));
  api->ReleaseTensorTypeAndShapeInfo(info);
  return n;
}

static double difference(const Values *a, const Values *b) {
  double worst = 0;
  for (size_t i = 0; i < a->n; i++) {
    ONNXTensorElementDataType type, other;
    void *x = NULL, *y = NULL;
    size_t n = count_of(a->values[i], &type);
    if (n != count_of(b->values[i], &other) || type != other) return INFINITY;
    if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) continue;
    TRY(api->GetTensorMutableData(a->values[i], &x));
    TRY(api->GetTensorMutableData(b->values[i], &y));
    for (size_t k = 0; k < n; k++) {
      double e = fabs((double)((float *)x)[k] - ((float *)y)[k]);
      if (!(e <= worst)) worst = isnan(e) ? INFINITY : e;
    }
  }
  return worst;
}

/* Of the bytes of all outputs that are no texts: equal for equal results. */
static uint32_t checksum(const Values *v) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < v->n; i++) {
    ONNXTensorElementDataType type;
    unsigned char *data = NULL;
    size_t bytes = 0;
    count_of(v->values[i], &type);
    if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) continue;
    TRY(api->GetTensorSizeInBytes(v->values[i], &bytes));
    TRY(api->GetTensorMutableData(v->values[i], (void **)&data));
    for (size_t k = 0; k < bytes; k++) h = (h ^ data[k]) * 16777619u;
  }
  return h;
}

static size_t nodes_of(OrtSession *s, const char *provider, size_t *others) {
  const OrtEpAssignedSubgraph *const *groups = NULL;
  size_t n = 0, mine = 0;
  *others = 0;
  TRY(api->Session_GetEpGraphAssignmentInfo(s, &groups, &n));
  for (size_t i = 0; i < n; i++) {
    const OrtEpAssignedNode *const *nodes = NULL;
    const char *name = NULL;
    size_t count = 0;
    TRY(api->EpAssignedSubgraph_GetEpName(groups[i], &name));
    TRY(api->EpAssignedSubgraph_GetNodes(groups[i], &nodes, &count));
    *(strcmp(name, provider) ? others : &mine) += count;
  }
  return mine;
}

static OrtSessionOptions *options(const OrtEpDevice *device, int no_fallback) {
  OrtSessionOptions *o = NULL;
  TRY(api->CreateSessionOptions(&o));
  TRY(api->AddSessionConfigEntry(o, "session.record_ep_graph_assignment_info", "1"));
  if (no_fallback) TRY(api->AddSessionConfigEntry(o, "session.disable_cpu_ep_fallback", "1"));
  if (device)
    TRY(api->SessionOptionsAppendExecutionProvider_V2(o, env, &device, 1, option_keys, option_values, n_options));
  return o;
}

static void compile(const char *model, const char *to, const OrtEpDevice *device) {
  const OrtCompileApi *c = api->GetCompileApi();
  OrtSessionOptions *o = options(device, 0);
  OrtModelCompilationOptions *m = NULL;
  TRY(c->CreateModelCompilationOptionsFromSessionOptions(env, o, &m));
  TRY(c->ModelCompilationOptions_SetInputModelPath(m, model));
  TRY(c->ModelCompilationOptions_SetOutputModelPath(m, to));
  TRY(c->ModelCompilationOptions_SetEpContextEmbedMode(m, true));
  TRY(c->ModelCompilationOptions_SetFlags(m, OrtCompileApiFlags_ERROR_IF_NO_NODES_COMPILED));
  TRY(c->CompileModel(env, m));
  c->ReleaseModelCompilationOptions(m);
  api->ReleaseSessionOptions(o);
}

/* The model on its own result, which never leaves the device: an output bound to the device is the next run's input; the last
 * one is written into a tensor that the program has made there. */
static double on_device(const char *model, const OrtEpDevice *device) {
  Values in = {0}, once = {0}, twice = {0};
  OrtSession *a = NULL, *b = NULL;
  OrtSessionOptions *plain = options(NULL, 0), *with = options(device, 0);
  const OrtMemoryInfo *memory = api->EpDevice_MemoryInfo(device, OrtDeviceMemoryType_DEFAULT);
  OrtAllocator *there = NULL;
  OrtIoBinding *binding = NULL;
  OrtValue **kept = NULL, *made = NULL, *back = NULL;
  OrtTensorTypeAndShapeInfo *shape = NULL;
  int64_t dims[8];
  size_t n = 0, rank = 0;
  TRY(api->CreateSession(env, model, plain, &a));
  run(a, &in, &once);
  twice.n = in.n;
  Values next = {1, {in.names[0]}, {once.values[0]}};
  run(a, &next, &twice);
  TRY(api->CreateSession(env, model, with, &b));
  TRY(api->CreateIoBinding(b, &binding));
  TRY(api->BindInput(binding, in.names[0], in.values[0]));
  TRY(api->BindOutputToDevice(binding, once.names[0], memory));
  TRY(api->RunWithBinding(b, NULL, binding));
  TRY(api->GetBoundOutputValues(binding, allocator, &kept, &n));
  TRY(api->GetTensorTypeAndShape(kept[0], &shape));
  TRY(api->GetDimensionsCount(shape, &rank));
  TRY(api->GetDimensions(shape, dims, rank));
  api->ReleaseTensorTypeAndShapeInfo(shape);
  TRY(api->GetSharedAllocator(env, memory, &there));
  TRY(api->CreateTensorAsOrtValue(there, dims, rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &made));
  api->ClearBoundOutputs(binding);
  TRY(api->BindInput(binding, in.names[0], kept[0]));
  TRY(api->BindOutput(binding, once.names[0], made));
  TRY(api->RunWithBinding(b, NULL, binding));
  TRY(api->SynchronizeBoundOutputs(binding));
  TRY(api->CreateTensorAsOrtValue(allocator, dims, rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &back));
  TRY(api->CopyTensors(env, (const OrtValue *const *)&made, &back, NULL, 1));
  Values got = {1, {NULL}, {back}};
  double worst = difference(&got, &twice);
  printf("%s %s: kept on the device between two runs, differs by %.2g\n", worst <= 1e-4 ? "ok" : "FAIL", model, worst);
  api->ReleaseIoBinding(binding);
  OrtValue *values[] = {kept[0], made, back, once.values[0], twice.values[0], in.values[0]};
  for (int i = 0; i < 6; i++) api->ReleaseValue(values[i]);
  api->ReleaseSession(a);
  api->ReleaseSession(b);
  api->ReleaseSessionOptions(plain);
  api->ReleaseSessionOptions(with);
  return worst;
}

static int try_model(const char *model, const OrtEpDevice *device, const char *name, size_t least, double tolerance,
                     int no_fallback, const char *compiled) {
  Values in = {0}, cpu = {0}, provider = {0};
  OrtSession *a = NULL, *b = NULL;
  size_t others = 0;
  OrtSessionOptions *plain = options(NULL, 0), *with = options(device, no_fallback);
  TRY(api->CreateSession(env, model, plain, &a));
  run(a, &in, &cpu);
  if (compiled) compile(model, compiled, device);
  TRY(api->CreateSession(env, compiled ? compiled : model, with, &b));
  run(b, &in, &provider);
  double worst = difference(&cpu, &provider);
  size_t mine = nodes_of(b, name, &others);
  int good = worst <= tolerance && mine >= least;
  printf("%s %s: %zu nodes on %s, %zu elsewhere, differs by %.2g, outputs %08x\n", good ? "ok" : "FAIL", model, mine, name,
         others, worst, (unsigned)checksum(&provider));
  for (size_t i = 0; i < in.n; i++) api->ReleaseValue(in.values[i]);
  for (size_t i = 0; i < cpu.n; i++) api->ReleaseValue(cpu.values[i]), api->ReleaseValue(provider.values[i]);
  api->ReleaseSession(a);
  api->ReleaseSession(b);
  api->ReleaseSessionOptions(plain);
  api->ReleaseSessionOptions(with);
  return good;
}

int main(int argc, char **argv) {
  const char *name = argc > 3 ? argv[3] : NULL, *compiled = NULL;
  const OrtEpDevice *const *devices = NULL, *device = NULL;
  size_t n = 0, least = 1, found = 0;
  double tolerance = 1e-4;
  int no_fallback = 0, list = 0, refused = 0, bad = 0, kept = 0;
  if (argc < 4 || !abi_load(argc, argv)) return 2;
  optind = 4;
  for (int c; (c = getopt(argc, argv, "e:o:n:a:c:dflx")) != -1;) switch (c) {
      case 'e': name = optarg; break;
      case 'o':
        option_keys[n_options] = optarg, option_values[n_options] = strchr(optarg, '=') + 1;
        *strchr(optarg, '=') = 0, n_options++;
        break;
      case 'n': least = (size_t)atoi(optarg); break;
      case 'a': tolerance = atof(optarg); break;
      case 'c': compiled = optarg; break;
      case 'd': kept = 1; break;
      case 'f': no_fallback = 1; break;
      case 'l': list = 1; break;
      case 'x': refused = 1; break;
      default: return 2;
    }
  TRY(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "provider_host", &env));
  TRY(api->GetAllocatorWithDefaultOptions(&allocator));
  OrtStatus *failed = api->RegisterExecutionProviderLibrary(env, argv[3], argv[2]);
  printf("registration: %s\n", failed ? api->GetErrorMessage(failed) : "done");
  if (failed || refused) {
    int as_expected = failed && refused;
    api->ReleaseStatus(failed);
    return as_expected ? 0 : 1;
  }
  TRY(api->GetEpDevices(env, &devices, &n));
  for (size_t i = 0; i < n; i++) {
    const char *of = api->EpDevice_EpName(devices[i]), *kind = api->GetKeyValue(api->EpDevice_EpMetadata(devices[i]), "ov_device");
    printf("device of %s%s%s\n", of, kind ? ", " : "", kind ? kind : "");
    if (!strcmp(of, name) && !found++) device = devices[i];
  }
  if (!device) return fprintf(stderr, "FAIL: no device of %s\n", name), 1;
  for (int i = optind; i < argc && kept; i++) bad |= !(on_device(argv[i], device) <= tolerance);
  for (int i = optind; i < argc && !list && !kept; i++) bad |= !try_model(argv[i], device, name, least, tolerance, no_fallback, compiled);
  TRY(api->UnregisterExecutionProviderLibrary(env, argv[3]));
  api->ReleaseEnv(env);
  (void)failures, (void)abi_end;
  return bad;
}
