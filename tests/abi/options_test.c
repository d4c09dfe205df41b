// SPDX-License-Identifier: MIT
/* Session options, run options, custom-operator domains, providers that are not there. */
#include "abi.h"

static void scalars(OrtSessionOptions *o) {
  int i = -1;
  ExecutionMode mode;
  OK(GetMemPatternEnabled(o, &i));
  OK(GetSessionExecutionMode(o, &mode));
  CHECK(i == 1 && mode == ORT_SEQUENTIAL);
  OK(DisableMemPattern(o));
  OK(GetMemPatternEnabled(o, &i));
  CHECK(i == 0);
  OK(EnableMemPattern(o));
  OK(SetSessionExecutionMode(o, ORT_PARALLEL));
  CODE(ORT_INVALID_ARGUMENT, SetSessionExecutionMode(o, (ExecutionMode)2));
  OK(GetSessionExecutionMode(o, &mode));
  CHECK(mode == ORT_PARALLEL);
  static const struct { int level, code; } levels[] = {{-1, 2}, {0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 2}, {98, 2}, {99, 0}, {100, 2}};
  for (size_t k = 0; k < sizeof levels / sizeof *levels; k++)
    CODE((OrtErrorCode)levels[k].code, SetSessionGraphOptimizationLevel(o, (GraphOptimizationLevel)levels[k].level));
  OK(EnableProfiling(o, ORT_TSTR("prefix")));
  OK(DisableProfiling(o));
  OK(SetSessionLogId(o, "id"));
  OK(SetSessionLogVerbosityLevel(o, 0));
  OK(SetSessionLogSeverityLevel(o, 9));
  OK(SetSessionLogSeverityLevel(o, 2));
  OK(SetIntraOpNumThreads(o, 1));
  OK(SetInterOpNumThreads(o, -1));
  OK(SetOptimizedModelFilePath(o, ORT_TSTR("")));
  OK(EnableCpuMemArena(o));
  OK(DisableCpuMemArena(o));
  OK(SetDeterministicCompute(o, true));
  OK(DisablePerSessionThreads(o));
  OK(SetUserLoggingFunction(o, NULL, NULL));
  OK(SessionOptionsSetCustomCreateThreadFn(o, NULL));
  OK(SessionOptionsSetCustomThreadCreationOptions(o, NULL));
  OK(SessionOptionsSetCustomJoinThreadFn(o, NULL));
  OK(SessionOptionsSetLoadCancellationFlag(o, true));
  OK(SessionOptionsSetLoadCancellationFlag(o, false));
  OK(SessionOptionsSetEpSelectionPolicy(o, OrtExecutionProviderDevicePolicy_PREFER_CPU));
  OK(SessionOptionsSetEpSelectionPolicyDelegate(o, NULL, NULL));
  OK(AddFreeDimensionOverride(o, "DATA_BATCH", 3));
  OK(AddFreeDimensionOverrideByName(o, "batch", 0));
  OK(SessionOptionsSetWeightlessSourceModelBuffer(o, "x", 1));
  CODE(ORT_INVALID_ARGUMENT, SessionOptionsSetWeightlessSourceModelBuffer(o, NULL, 1));
  CODE(ORT_INVALID_ARGUMENT, SessionOptionsSetWeightlessSourceModelBuffer(o, "x", 0));
  OK(SessionOptionsSetEpContextDataReadFunc(o, NULL, NULL));
  CODE(ORT_INVALID_ARGUMENT, SessionOptionsSetEpContextDataReadFunc(NULL, NULL, NULL));
}

static void config(OrtSessionOptions *o) {
  int i = -1;
  char buf[8], key[1026];
  size_t n = 0;
  OK(AddSessionConfigEntry(o, "a", "b"));
  OK(AddSessionConfigEntry(o, "a", "c"));
  OK(AddSessionConfigEntry(o, "e", ""));
  CODE(ORT_INVALID_ARGUMENT, AddSessionConfigEntry(o, "", "c"));
  CODE(ORT_INVALID_ARGUMENT, AddSessionConfigEntry(o, NULL, "c"));
  CODE(ORT_INVALID_ARGUMENT, AddSessionConfigEntry(o, "k", NULL));
  memset(key, 'k', sizeof key);
  key[1025] = 0;
  CODE(ORT_INVALID_ARGUMENT, AddSessionConfigEntry(o, key, "c"));
  key[1024] = 0;
  OK(AddSessionConfigEntry(o, key, "c"));
  OK(HasSessionConfigEntry(o, "a", &i));
  CHECK(i == 1);
  OK(HasSessionConfigEntry(o, "zz", &i));
  CHECK(i == 0);
  OK(GetSessionConfigEntry(o, "a", NULL, &n));
  CHECK(n == 2);
  n = 1;
  CODE(ORT_INVALID_ARGUMENT, GetSessionConfigEntry(o, "a", buf, &n));
  CHECK(n == 2);
  OK(GetSessionConfigEntry(o, "a", buf, &n));
  CHECK(!strcmp(buf, "c"));
  CODE(ORT_INVALID_ARGUMENT, GetSessionConfigEntry(o, "zz", buf, &n));
  OrtKeyValuePairs *all = NULL;
  OK(GetSessionOptionsConfigEntries(o, &all));
  CHECK(!strcmp(api->GetKeyValue(all, "a"), "c") && !strcmp(api->GetKeyValue(all, "e"), ""));
  api->ReleaseKeyValuePairs(all);
}

static void initializers(OrtSessionOptions *o) {
  OrtAllocator *a = NULL;
  OrtMemoryInfo *cpu = NULL;
  OrtValue *owned = NULL, *borrowed = NULL;
  int64_t one = 1;
  float f = 0;
  OK(GetAllocatorWithDefaultOptions(&a));
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  OK(CreateTensorAsOrtValue(a, &one, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &owned));
  OK(CreateTensorWithDataAsOrtValue(cpu, &f, sizeof f, &one, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &borrowed));
  CODE(ORT_INVALID_ARGUMENT, AddInitializer(o, "w", owned));
  CODE(ORT_INVALID_ARGUMENT, AddInitializer(o, "w", NULL));
  OK(AddInitializer(o, "w", borrowed));
  CODE(ORT_INVALID_ARGUMENT, AddInitializer(o, "w", borrowed));
  const char *names[] = {"x", "y"};
  const OrtValue *both[] = {borrowed, borrowed};
  OK(AddExternalInitializers(o, names, both, 2));
  const ORTCHAR_T *files[] = {ORT_TSTR("file")};
  char bytes[] = "data", *data[] = {bytes};
  size_t sizes[] = {4};
  OK(AddExternalInitializersFromFilesInMemory(o, files, data, sizes, 1));
  CODE(ORT_INVALID_ARGUMENT, AddExternalInitializersFromFilesInMemory(o, files, data, sizes, 1));
  OrtSessionOptions *clone = NULL;
  int has = 0;
  OK(CloneSessionOptions(o, &clone));
  OK(HasSessionConfigEntry(clone, "a", &has));
  CHECK(has == 1);
  CODE(ORT_INVALID_ARGUMENT, AddInitializer(clone, "w", borrowed));
  api->ReleaseSessionOptions(clone);
  api->ReleaseValue(owned);
  api->ReleaseValue(borrowed);
  api->ReleaseMemoryInfo(cpu);
}

static void custom_ops(OrtSessionOptions *o) {
  OrtCustomOpDomain *d = NULL;
  void *handle = NULL;
  OK(CreateCustomOpDomain("my.domain", &d));
  CODE(ORT_FAIL, RegisterCustomOpsLibrary(o, "/no/such/library.so", &handle));
  CODE(ORT_FAIL, RegisterCustomOpsLibrary_V2(o, ORT_TSTR("/no/such/library.so")));
  CODE(ORT_FAIL, RegisterCustomOpsUsingFunction(o, "no_such_function_anywhere"));
  CODE(ORT_FAIL, EnableOrtCustomOps(o));
  api->ReleaseCustomOpDomain(d);
}

static void providers(OrtEnv *env, OrtSessionOptions *o) {
  const char *keys[] = {"k"}, *values[] = {"v"}, *name;
  static const char *const absent[] = {"cpu", "QNN", "XNNPACK", "CUDA", "foo", ""};
  OK(SessionOptionsAppendExecutionProvider(o, "CPU", NULL, NULL, 0));
  for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
    name = absent[i];
    CODE(ORT_INVALID_ARGUMENT, SessionOptionsAppendExecutionProvider(o, name, NULL, NULL, 0));
  }
  OrtCUDAProviderOptions cuda = {0};
  OrtROCMProviderOptions rocm = {0};
  OrtTensorRTProviderOptions trt = {0};
  OrtMIGraphXProviderOptions migraphx = {0};
  OrtCUDAProviderOptionsV2 *cuda2 = NULL;
  OrtTensorRTProviderOptionsV2 *trt2 = NULL;
  OrtCANNProviderOptions *cann = NULL;
  OrtDnnlProviderOptions *dnnl = NULL;
  OrtROCMProviderOptions *rocm2 = NULL;
  CODE(ORT_FAIL, SessionOptionsAppendExecutionProvider_CUDA(o, &cuda));
  CODE(ORT_FAIL, SessionOptionsAppendExecutionProvider_ROCM(o, &rocm));
  CODE(ORT_FAIL, SessionOptionsAppendExecutionProvider_TensorRT(o, &trt));
  CODE(ORT_FAIL, SessionOptionsAppendExecutionProvider_MIGraphX(o, &migraphx));
  CODE(ORT_FAIL, SessionOptionsAppendExecutionProvider_OpenVINO_V2(o, keys, values, 0));
  CODE(ORT_FAIL, SessionOptionsAppendExecutionProvider_VitisAI(o, keys, values, 0));
  CODE(ORT_FAIL, CreateCUDAProviderOptions(&cuda2));
  CODE(ORT_FAIL, CreateTensorRTProviderOptions(&trt2));
  CODE(ORT_FAIL, CreateCANNProviderOptions(&cann));
  CODE(ORT_FAIL, CreateDnnlProviderOptions(&dnnl));
  CODE(ORT_FAIL, CreateROCMProviderOptions(&rocm2));
  const OrtEpDevice *const *ep = NULL;
  size_t n = 0, cpu = 0;
  OK(GetEpDevices(env, &ep, &n));
  while (cpu + 1 < n && strcmp(api->EpDevice_EpName(ep[cpu]), "CPUExecutionProvider")) cpu++;
  OK(SessionOptionsAppendExecutionProvider_V2(o, env, ep + cpu, 1, keys, values, 1));
  CODE(ORT_INVALID_ARGUMENT, SessionOptionsAppendExecutionProvider_V2(o, env, ep, 0, NULL, NULL, 0));
  int has = 0;
  OK(HasSessionConfigEntry(o, "ep.cpuexecutionprovider.k", &has));
  CHECK(has == 1);
}

static void run_options(void) {
  OrtRunOptions *r = NULL;
  int i = 9;
  const char *tag = NULL;
  OK(CreateRunOptions(&r));
  OK(RunOptionsGetRunLogSeverityLevel(r, &i));
  CHECK(i == -1);
  OK(RunOptionsGetRunLogVerbosityLevel(r, &i));
  CHECK(i == 0);
  OK(RunOptionsGetRunTag(r, &tag));
  CHECK(!strcmp(tag, ""));
  OK(RunOptionsSetRunTag(r, "t"));
  OK(RunOptionsSetRunTag(r, NULL));
  OK(RunOptionsGetRunTag(r, &tag));
  CHECK(!strcmp(tag, "t"));
  OK(RunOptionsSetRunLogSeverityLevel(r, 3));
  OK(RunOptionsSetRunLogVerbosityLevel(r, 1));
  OK(RunOptionsSetTerminate(r));
  OK(RunOptionsUnsetTerminate(r));
  OK(AddRunConfigEntry(r, "a", "b"));
  CODE(ORT_INVALID_ARGUMENT, AddRunConfigEntry(r, "", "b"));
  CHECK(!strcmp(api->GetRunConfigEntry(r, "a"), "b") && !api->GetRunConfigEntry(r, "b"));
  OK(RunOptionsEnableProfiling(r, ORT_TSTR("p")));
  OK(RunOptionsDisableProfiling(r));
  api->ReleaseRunOptions(r);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  OrtEnv *env = NULL;
  OrtSessionOptions *o = NULL;
  OK(CreateEnv(ORT_LOGGING_LEVEL_WARNING, "abi", &env));
  OK(CreateSessionOptions(&o));
  scalars(o);
  config(o);
  initializers(o);
  custom_ops(o);
  providers(env, o);
  run_options();
  api->ReleaseSessionOptions(o);
  api->ReleaseEnv(env);
  return abi_end("options");
}
