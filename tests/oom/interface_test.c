// SPDX-License-Identifier: MIT
/* Out of memory behind the C interface: what a client does with sessions, bindings, the model editor, the compile interface and models
 * in ORT format, with the n-th allocation refused, for every n. The call that meets it gives a status with a message, or does
 * without; all that was made is released, and then every byte has been given back but what the first life of all has kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "abi/models.h"
#include "base/alloc.h"
#include "onnxruntime_c_api.h"

static struct { atomic_long fail_at, asked, bytes; } heap;
static bool refuse(void) { return atomic_fetch_add(&heap.asked, 1) + 1 == atomic_load(&heap.fail_at); }
static void *take(void *ctx, size_t size, size_t align) {
  void *p = NULL;
  (void)ctx;
  if (refuse() || posix_memalign(&p, align < 16 ? 16 : align, size)) return NULL;
  memset(p, 0xa5, size);
  atomic_fetch_add(&heap.bytes, (long)size);
  return p;
}
static void give_back(void *ctx, void *p, size_t size, size_t align) {
  (void)ctx, (void)align;
  atomic_fetch_sub(&heap.bytes, (long)size);
  memset(p, 0x5a, size);
  free(p);
}
static bool fault(void *ctx) { return (void)ctx, refuse(); }
static const sx_allocator counting = {.alloc = take, .free = give_back, .fault = fault};

static const OrtApi *api;
#define FLOAT ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
static const char *const outputs[] = {"y", "z"};

/* All that a life makes, so that it can be released wherever it ends. */
typedef struct life {
  OrtEnv *env;
  OrtSessionOptions *options;
  OrtMemoryInfo *cpu;
  OrtSession *session;
  OrtRunOptions *run;
  OrtValue *x, *out[2];
  OrtIoBinding *binding;
  OrtModelMetadata *metadata;
  OrtTypeInfo *type;
  OrtTensorTypeAndShapeInfo *shape;
  OrtValueInfo *in, *made;
  OrtGraph *graph;
  OrtNode *node;
  OrtModel *model;
  OrtModelCompilationOptions *compile;
  void *bytes;
  OrtAllocator *allocator;
} life;
static void release(life *l) {
  const OrtModelEditorApi *ed = api->GetModelEditorApi();
  (void)ed;
  api->ReleaseIoBinding(l->binding), api->ReleaseValue(l->out[0]), api->ReleaseValue(l->out[1]), api->ReleaseValue(l->x);
  api->ReleaseModelMetadata(l->metadata), api->ReleaseTensorTypeAndShapeInfo(l->shape), api->ReleaseTypeInfo(l->type);
  api->ReleaseValueInfo(l->in), api->ReleaseValueInfo(l->made), api->ReleaseNode(l->node), api->ReleaseGraph(l->graph);
  api->ReleaseModel(l->model), api->GetCompileApi()->ReleaseModelCompilationOptions(l->compile);
  if (l->bytes) l->allocator->Free(l->allocator, l->bytes);
  api->ReleaseSession(l->session), api->ReleaseRunOptions(l->run), api->ReleaseSessionOptions(l->options);
  api->ReleaseMemoryInfo(l->cpu), api->ReleaseEnv(l->env);
}
#define TRY(call)                        \
  do {                                   \
    OrtStatus *s_ = (call);              \
    if (s_) return s_;                   \
  } while (0)

static OrtStatus *begin(life *l) {
  TRY(api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "memory", &l->env));
  TRY(api->CreateSessionOptions(&l->options));
  TRY(api->SetIntraOpNumThreads(l->options, 1));
  TRY(api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &l->cpu));
  return api->GetAllocatorWithDefaultOptions(&l->allocator);
}
static OrtStatus *tensor(life *l) {
  static float data[2] = {1, 2};
  static const int64_t dims[2] = {1, 2};
  return api->CreateTensorWithDataAsOrtValue(l->cpu, data, sizeof data, dims, 2, FLOAT, &l->x);
}

static OrtStatus *session(life *l) {
  const char *in = "x";
  char *name = NULL;
  TRY(begin(l));
  TRY(api->AddSessionConfigEntry(l->options, "some.key", "some value"));
  TRY(api->AddFreeDimensionOverrideByName(l->options, "M", 3));
  TRY(api->SetSessionLogId(l->options, "some log"));
  TRY(api->CreateSessionFromArray(l->env, model_add, sizeof model_add, l->options, &l->session));
  TRY(api->CreateRunOptions(&l->run));
  TRY(api->RunOptionsSetRunTag(l->run, "a tag"));
  TRY(api->AddRunConfigEntry(l->run, "other.key", "1"));
  TRY(tensor(l));
  TRY(api->Run(l->session, l->run, &in, (const OrtValue *const *)&l->x, 1, outputs, 2, l->out));
  TRY(api->CreateIoBinding(l->session, &l->binding));
  TRY(api->BindInput(l->binding, "x", l->x));
  TRY(api->BindOutput(l->binding, "y", l->out[0]));
  TRY(api->BindOutputToDevice(l->binding, "z", l->cpu));
  TRY(api->RunWithBinding(l->session, l->run, l->binding));
  TRY(api->SessionGetModelMetadata(l->session, &l->metadata));
  TRY(api->SessionGetInputTypeInfo(l->session, 0, &l->type));
  TRY(api->GetTensorTypeAndShape(l->out[0], &l->shape));
  TRY(api->SessionGetInputName(l->session, 0, l->allocator, &name));
  l->allocator->Free(l->allocator, name);
  return NULL;
}

static OrtStatus *value_info(life *l, const char *name, OrtValueInfo **out) {
  const OrtModelEditorApi *ed = api->GetModelEditorApi();
  static const int64_t dims[2] = {-1, 2};
  static const char *names[2] = {"N", ""};
  TRY(api->CreateTensorTypeAndShapeInfo(&l->shape));
  TRY(api->SetTensorElementType(l->shape, FLOAT));
  TRY(api->SetDimensions(l->shape, dims, 2));
  TRY(api->SetSymbolicDimensions(l->shape, names, 2));
  TRY(ed->CreateTensorTypeInfo(l->shape, &l->type));
  TRY(ed->CreateValueInfo(name, l->type, out));
  api->ReleaseTensorTypeAndShapeInfo(l->shape), api->ReleaseTypeInfo(l->type);
  l->shape = NULL, l->type = NULL;
  return NULL;
}
/* What was handed over belongs to whom it was handed to, once that has worked. */
static OrtStatus *editor(life *l) {
  const OrtModelEditorApi *ed = api->GetModelEditorApi();
  const char *in = "x", *out = "y", *two[] = {"x", "x"}, *domain = "";
  const int opset = 17;
  TRY(begin(l));
  TRY(ed->CreateGraph(&l->graph));
  TRY(value_info(l, "x", &l->in));
  TRY(value_info(l, "y", &l->made));
  TRY(ed->SetGraphInputs(l->graph, &l->in, 1));
  l->in = NULL;
  TRY(ed->SetGraphOutputs(l->graph, &l->made, 1));
  l->made = NULL;
  TRY(ed->CreateNode("Add", "", "add", two, 2, &out, 1, NULL, 0, &l->node));
  TRY(ed->AddNodeToGraph(l->graph, l->node));
  l->node = NULL;
  TRY(ed->CreateModel(&domain, &opset, 1, &l->model));
  TRY(ed->AddGraphToModel(l->model, l->graph));
  l->graph = NULL;
  TRY(ed->CreateSessionFromModel(l->env, l->model, l->options, &l->session));
  TRY(tensor(l));
  return api->Run(l->session, NULL, &in, (const OrtValue *const *)&l->x, 1, &out, 1, l->out);
}

static OrtStatus *compiled(life *l) {
  const OrtCompileApi *c = api->GetCompileApi();
  size_t n = 0;
  TRY(begin(l));
  TRY(c->CreateModelCompilationOptionsFromSessionOptions(l->env, l->options, &l->compile));
  TRY(c->ModelCompilationOptions_SetInputModelFromBuffer(l->compile, model_add, sizeof model_add));
  TRY(c->ModelCompilationOptions_SetOutputModelBuffer(l->compile, l->allocator, &l->bytes, &n));
  TRY(c->CompileModel(l->env, l->compile));
  return api->CreateSessionFromArray(l->env, l->bytes, n, l->options, &l->session);
}

static OrtStatus *in_ort_format(life *l) {
  const char *in = "x";
  TRY(begin(l));
  TRY(api->SetOptimizedModelFilePath(l->options, ORT_TSTR("oom_interface_test.ort")));
  TRY(api->CreateSessionFromArray(l->env, model_add, sizeof model_add, l->options, &l->session));
  api->ReleaseSession(l->session), api->ReleaseSessionOptions(l->options);
  l->session = NULL, l->options = NULL;
  TRY(api->CreateSessionOptions(&l->options));
  TRY(api->CreateSession(l->env, ORT_TSTR("oom_interface_test.ort"), l->options, &l->session));
  TRY(tensor(l));
  return api->Run(l->session, NULL, &in, (const OrtValue *const *)&l->x, 1, outputs, 1, l->out);
}

static bool live(OrtStatus *(*of)(life *), long n, bool *silent) {
  life l = {0};
  atomic_store(&heap.asked, 0), atomic_store(&heap.fail_at, n);
  OrtStatus *failed = of(&l);
  atomic_store(&heap.fail_at, 0);
  const bool ok = !failed;
  *silent = failed && !api->GetErrorMessage(failed)[0];
  if (failed && n == 0) print_error("%s\n", api->GetErrorMessage(failed));
  api->ReleaseStatus(failed);
  release(&l);
  return ok;
}
static void walk(OrtStatus *(*of)(life *)) {
  bool silent;
  long failures = 0, wrong = 0;
  sx_heap_set(&counting);
  assert_true(live(of, 0, &silent)); /* what the process keeps for ever */
  long kept = atomic_load(&heap.bytes);
  assert_true(live(of, 0, &silent));
  assert_int_equal(atomic_load(&heap.bytes), kept);
  const long total = atomic_load(&heap.asked);
  for (long n = 1; n <= total && wrong < 10; n++) {
    failures += !live(of, n, &silent);
    if (silent) print_error("n = %ld: a status without a message\n", n), wrong++;
    if (atomic_load(&heap.bytes) != kept) {
      print_error("n = %ld: %ld bytes were not given back\n", n, atomic_load(&heap.bytes) - kept);
      kept = atomic_load(&heap.bytes), wrong++;
    }
  }
  assert_true(live(of, 0, &silent));
  assert_true(failures > 0 && wrong == 0);
  sx_heap_set(NULL);
}

static void sessions(void **state) { walk(session); }
static void editors(void **state) { walk(editor); }
static void compiles(void **state) { walk(compiled); }
static void ort_files(void **state) {
  walk(in_ort_format);
  remove("oom_interface_test.ort");
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  const struct CMUnitTest tests[] = {cmocka_unit_test(sessions), cmocka_unit_test(editors), cmocka_unit_test(compiles),
                                     cmocka_unit_test(ort_files)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
