// SPDX-License-Identifier: MIT
/* Calls every slot of every table: with nothing but zeros, with living arguments, and with each pointer NULL in turn. What
 * is asked is that the process lives: a status may come back, its text must be there.
 *
 * Arguments are made from their types, which slots.gen.inc names. Objects are made anew for each slot and left as they are,
 * as the call may have taken or freed them. ONNX Runtime's own library dies of many a NULL: for a library that is not ours
 * each slot is called in a child, and what dies is counted, not refused. Slots that serve custom operators are called from
 * inside of one. */
#include "abi.h"
#include "models.h"
#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

__attribute__((visibility("default"))) int __lsan_is_turned_off(void); /* objects are left, see above */
int __lsan_is_turned_off(void) { return 1; }

enum { MOST = 16, ROOM = 1 << 16 };
static OrtEnv *env;
static union {
  uint64_t align;
  char bytes[ROOM];
} buffer;
static int64_t ones[64];
static const char *texts[64];

/* A living object for a type, or NULL; `*many` gets an array of it. */
typedef struct object {
  const char *type;
  void *at;
} object;
static object objects[48];
static int object_count, kept; /* the first `kept` are those of a custom operator at work */

static void have(const char *type, const void *at) {
  if (object_count < 48) objects[object_count++] = (object){type, (void *)at};
}
#define MAKE(type, name, call) \
  type *name = NULL;           \
  drop(api->call);             \
  have(#type "*", name)

static void drop(OrtStatus *s) {
  if (!s) return;
  checks++;
  if (!api->GetErrorMessage(s)) {
    failures++;
    printf("a status without a message\n");
  }
  api->ReleaseStatus(s);
}

static void make_objects(void) {
  static int64_t dims[2] = {2, 2};
  const OrtModelEditorApi *edit = api->GetModelEditorApi();
  object_count = kept;
  have("OrtEnv*", env);
  MAKE(OrtSessionOptions, options, CreateSessionOptions(&options));
  drop(api->SetIntraOpNumThreads(options, 1));
  drop(api->SetSessionLogSeverityLevel(options, 4));
  MAKE(OrtSession, session, CreateSessionFromArray(env, model_add, sizeof model_add, options, &session));
  MAKE(OrtRunOptions, run, CreateRunOptions(&run));
  MAKE(OrtMemoryInfo, memory, CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
  MAKE(OrtAllocator, allocator, GetAllocatorWithDefaultOptions(&allocator));
  MAKE(OrtValue, value, CreateTensorAsOrtValue(allocator, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
  MAKE(OrtTypeInfo, type, GetTypeInfo(value, &type));
  MAKE(OrtTensorTypeAndShapeInfo, shape, GetTensorTypeAndShape(value, &shape));
  MAKE(OrtModelMetadata, metadata, SessionGetModelMetadata(session, &metadata));
  MAKE(OrtIoBinding, binding, CreateIoBinding(session, &binding));
  MAKE(OrtThreadingOptions, threads, CreateThreadingOptions(&threads));
  MAKE(OrtArenaCfg, arena, CreateArenaCfg(0, -1, -1, -1, &arena));
  MAKE(OrtPrepackedWeightsContainer, packed, CreatePrepackedWeightsContainer(&packed));
  MAKE(OrtCustomOpDomain, domain, CreateCustomOpDomain("a.domain", &domain));
  MAKE(OrtOpAttr, attribute, CreateOpAttr("k", ones, 1, ORT_OP_ATTR_INT, &attribute));
  MAKE(OrtLoraAdapter, lora, CreateLoraAdapterFromArray(model_adapter, sizeof model_adapter, allocator, &lora));
  MAKE(OrtExternalInitializerInfo, external, CreateExternalInitializerInfo(ORT_TSTR("f"), 0, 4, &external));
  OrtKeyValuePairs *pairs = NULL;
  api->CreateKeyValuePairs(&pairs);
  api->AddKeyValuePair(pairs, "x", "y");
  have("OrtKeyValuePairs*", pairs);
  const OrtEpDevice *const *devices = NULL;
  size_t n = 0;
  drop(api->GetEpDevices(env, &devices, &n));
  have("OrtEpDevice*", n ? devices[0] : NULL);
  have("OrtHardwareDevice*", n ? api->EpDevice_Device(devices[0]) : NULL);
  const OrtTensorTypeAndShapeInfo *of_type = NULL;
  drop(api->CastTypeInfoToTensorInfo(type, &of_type));

#define EDIT(type, name, call) \
  type *name = NULL;           \
  drop(edit->call);            \
  have(#type "*", name)
  const char *names[1] = {"v"};
  OrtValueInfo *inputs[1] = {NULL};
  EDIT(OrtValueInfo, info, CreateValueInfo("v", type, &info));
  EDIT(OrtNode, node, CreateNode("Neg", "", "n", names, 1, names, 1, NULL, 0, &node));
  EDIT(OrtGraph, graph, CreateGraph(&graph));
  drop(edit->CreateValueInfo("v", type, &inputs[0]));
  drop(edit->SetGraphInputs(graph, inputs, 1));
  EDIT(OrtModel, model, CreateModel((const char *const *)texts, (const int *)ones, 1, &model));
  OrtModelCompilationOptions *compile = NULL;
  drop(api->GetCompileApi()->CreateModelCompilationOptionsFromSessionOptions(env, options, &compile));
  have("OrtModelCompilationOptions*", compile);
  OrtModelPackageOptions *package = NULL;
  drop(api->GetModelPackageApi()->CreateModelPackageOptionsFromSessionOptions(env, options, &package));
  have("OrtModelPackageOptions*", package);
}

static bool starts(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }

/* The object for a type, which may stand as "const T*"; NULL when there is none. */
static void *living(const char *type) {
  if (starts(type, "const ")) type += 6;
  for (int i = 0; i < object_count; i++)
    if (strcmp(type, objects[i].type) == 0) return objects[i].at;
  return NULL;
}

static OrtStatus *ORT_API_CALL refuse_read(void *s, const char *n, OrtAllocator *a, void **b, size_t *z) {
  (void)s, (void)n, (void)a, (void)b, (void)z;
  return api->CreateStatus(ORT_FAIL, "refused");
}
static void ORT_API_CALL done(void *d, OrtValue **o, size_t n, OrtStatusPtr s) {
  (void)d, (void)o, (void)n;
  drop(s);
}

static uintptr_t argument(const char *type) {
  static void *arrays[8][64];
  static int turn;
  size_t n = strlen(type);
  if (!n) return 0;
  if (strcmp(type, "const char*") == 0 || strcmp(type, "const ORTCHAR_T*") == 0) return (uintptr_t) "x";
  if (starts(type, "const char*const*") || starts(type, "const ORTCHAR_T*const*")) return (uintptr_t)texts;
  if (strcmp(type, "RunAsyncCallbackFn") == 0) return (uintptr_t)(void *)done;
  if (strcmp(type, "OrtReadNamedBufferFunc") == 0) return (uintptr_t)(void *)refuse_read;
  if (type[n - 1] != '*')
    return strstr(type, "Fn") || strstr(type, "Func") || strstr(type, "Delegate") || strcmp(type, "callback") == 0 ? 0 : 1;
  if (strcmp(type, "const int64_t*") == 0 || strcmp(type, "const size_t*") == 0) return (uintptr_t)ones;
  if (n > 7 && strcmp(type + n - 7, "*const*") == 0) { /* an array of objects */
    char one[64];
    snprintf(one, sizeof one, "%.*s", (int)(n - 6), type);
    void **array = arrays[turn++ % 8], *at = living(one);
    for (int i = 0; i < 64; i++) array[i] = at;
    return (uintptr_t)array;
  }
  const char *bare = starts(type, "const ") ? type + 6 : type;
  void *at = living(type);
  bool object = starts(bare, "Ort") && type[n - 2] != '*' && !starts(bare, "OrtEnvCreationOptions") &&
                !starts(bare, "OrtThreadPoolCallbacksConfig") && !starts(bare, "OrtCustomOp*") &&
                !strstr(bare, "Descriptor");
  if (at || object) return (uintptr_t)at; /* NULL: there is none of that type */
  return (uintptr_t)buffer.bytes;
}

typedef uintptr_t(ORT_API_CALL *any)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                                     uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                                     uintptr_t);

typedef struct slot {
  const char *table, *name, *returns, *types;
} slot;
static void call(const slot *s, void *function, const uintptr_t *a) {
  any f;
  memcpy(&f, &function, sizeof f);
  uintptr_t r = f(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15]);
  checks++;
  if (strcmp(s->returns, "OrtStatus*") == 0) drop((OrtStatus *)r);
}

/* Reads or frees what a living argument of its type need not have. */
static bool only_zeros(const char *name) {
  return starts(name, "Release") || strcmp(name, "AllocatorFree") == 0 || strcmp(name, "UnregisterAllocator") == 0;
}

static void try_slot(const slot *s, void *function) {
  char types[MOST][64];
  int n = 0;
  for (const char *p = s->types; *p; n++) {
    size_t k = strcspn(p, ",");
    snprintf(types[n], sizeof types[n], "%.*s", (int)k, p);
    p += k + 2 * (p[k] == ',');
  }
  uintptr_t zeros[MOST] = {0};
  call(s, function, zeros);
  if (only_zeros(s->name)) return;
  for (int skip = -1; skip < n; skip++) { /* which one is NULL: -1 none */
    if (skip >= 0 && types[skip][strlen(types[skip]) - 1] != '*') continue;
    uintptr_t a[MOST] = {0};
    make_objects();
    memset(buffer.bytes, 0, ROOM);
    for (int i = 0; i < n; i++) a[i] = i == skip ? 0 : argument(types[i]);
    call(s, function, a);
  }
}

static const slot slots[] = {
#define SLOT(table, name, kind, returns, ...) {#table, #name, #returns, "" #__VA_ARGS__},
#include "slots.gen.inc"
#undef SLOT
};

static bool ours, aloud, apart; /* -v: name each slot; -f: each in a child of its own */
static int died;
static void try_alive(const slot *s, void *function) {
#ifndef _WIN32
  if (!ours || apart) {
    pid_t child = fork();
    if (child == 0) {
      if (!freopen("/dev/null", "w", stderr)) _exit(1);
      alarm(20);
      try_slot(s, function);
      _exit(0);
    }
    int how = 0;
    waitpid(child, &how, 0);
    if (how) printf("%s.%s died\n", s->table, s->name), died++;
    return;
  }
#endif
  try_slot(s, function);
}

static struct {
  const char *name;
  const void *at;
} tables[6];

/* Calls every slot; with `of` those that take an object of this type first. */
static void walk(const char *of) {
  size_t index = 0, last = 99;
  for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
    size_t t = 0;
    while (strcmp(tables[t].name, slots[i].table)) t++;
    index = t == last ? index + 1 : 0, last = t;
    if (of && !strstr(slots[i].types, of)) continue;
    void *function;
    memcpy(&function, (const char *)tables[t].at + index * sizeof function, sizeof function);
    if (aloud) printf("%s.%s\n", slots[i].table, slots[i].name), fflush(stdout);
    if (of)
      try_slot(&slots[i], function);
    else
      try_alive(&slots[i], function);
  }
}

/* A custom operator, from whose inside the slots are called that need its objects. */
static int visits;
static void inside(const char *type, const void *object) {
  visits++;
  if (!ours) return;
  kept = object_count = 0;
  have(type, object);
  kept = 1;
  walk(type);
  kept = 0;
}
static void *ORT_API_CALL make_kernel(const OrtCustomOp *op, const OrtApi *a, const OrtKernelInfo *info) {
  (void)op, (void)a;
  inside("OrtKernelInfo*", info);
  return &visits;
}
static void ORT_API_CALL compute(void *kernel, OrtKernelContext *context) {
  (void)kernel;
  inside("OrtKernelContext*", context);
  OrtValue *y = NULL;
  OK(KernelContext_GetOutput(context, 0, ones, 1, &y));
}
static OrtStatus *ORT_API_CALL shape(const OrtCustomOp *op, OrtShapeInferContext *context) {
  (void)op;
  inside("OrtShapeInferContext*", context);
  return NULL;
}
static const char *ORT_API_CALL op_name(const OrtCustomOp *op) { return (void)op, "NoSuchOperator"; }
static const char *ORT_API_CALL op_provider(const OrtCustomOp *op) { return (void)op, NULL; }
static ONNXTensorElementDataType ORT_API_CALL op_type(const OrtCustomOp *op, size_t i) {
  return (void)op, (void)i, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}
static size_t ORT_API_CALL op_count(const OrtCustomOp *op) { return (void)op, 1; }
static void ORT_API_CALL op_destroy(void *kernel) { (void)kernel; }
static OrtCustomOpInputOutputCharacteristic ORT_API_CALL op_optional(const OrtCustomOp *op, size_t i) {
  return (void)op, (void)i, INPUT_OUTPUT_REQUIRED;
}
static OrtMemType ORT_API_CALL op_memory(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, OrtMemTypeDefault; }
static int ORT_API_CALL op_int(const OrtCustomOp *op) { return (void)op, 1; }

static void from_inside(void) {
  OrtCustomOp op = {.version = 17,
                    .CreateKernel = make_kernel,
                    .GetName = op_name,
                    .GetExecutionProviderType = op_provider,
                    .GetInputType = op_type,
                    .GetInputTypeCount = op_count,
                    .GetOutputType = op_type,
                    .GetOutputTypeCount = op_count,
                    .KernelCompute = compute,
                    .KernelDestroy = op_destroy,
                    .GetInputCharacteristic = op_optional,
                    .GetOutputCharacteristic = op_optional,
                    .GetInputMemoryType = op_memory,
                    .GetVariadicInputMinArity = op_int,
                    .GetVariadicInputHomogeneity = op_int,
                    .GetVariadicOutputMinArity = op_int,
                    .GetVariadicOutputHomogeneity = op_int,
                    .InferOutputShapeFn = shape,
                    .GetStartVersion = op_int,
                    .GetEndVersion = op_int};
  OrtCustomOpDomain *domain = NULL;
  OrtSessionOptions *options = NULL;
  OrtSession *session = NULL;
  OrtMemoryInfo *cpu = NULL;
  OrtValue *x = NULL, *y = NULL;
  int64_t one = 1;
  float f = 0;
  OK(CreateCustomOpDomain("no.such.domain", &domain));
  OK(CustomOpDomain_Add(domain, &op));
  OK(CreateSessionOptions(&options));
  OK(AddCustomOpDomain(options, domain));
  OK(CreateSessionFromArray(env, model_unknown, sizeof model_unknown, options, &session));
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  OK(CreateTensorWithDataAsOrtValue(cpu, &f, sizeof f, &one, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x));
  const char *in = "x", *out = "y";
  const OrtValue *given = x;
  if (session) OK(Run(session, NULL, &in, &given, 1, &out, 1, &y));
  CHECK(visits >= 3);
  api->ReleaseValue(x), api->ReleaseValue(y), api->ReleaseMemoryInfo(cpu), api->ReleaseSession(session);
  api->ReleaseSessionOptions(options), api->ReleaseCustomOpDomain(domain);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  for (int i = 2; i < argc; i++) aloud |= strcmp(argv[i], "-v") == 0, apart |= strcmp(argv[i], "-f") == 0;
  ours = strstr(api->GetBuildInfoString(), "sardonyx") != NULL;
  tables[0].name = "OrtApi", tables[0].at = api;
  tables[1].name = "OrtModelEditorApi", tables[1].at = api->GetModelEditorApi();
  tables[2].name = "OrtCompileApi", tables[2].at = api->GetCompileApi();
  tables[3].name = "OrtInteropApi", tables[3].at = api->GetInteropApi();
  tables[4].name = "OrtEpApi", tables[4].at = api->GetEpApi();
  tables[5].name = "OrtModelPackageApi", tables[5].at = api->GetModelPackageApi();
  for (int i = 0; i < 64; i++) ones[i] = 1, texts[i] = "x";
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "slots", &env));
  walk(NULL);
  from_inside();
  if (died) printf("%d slots end the process\n", died);
  return abi_end("slots");
}
