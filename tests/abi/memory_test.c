// SPDX-License-Identifier: MIT
/* Environment, memory infos, allocators, arenas, key-value pairs, devices, thread pool options. */
#include "abi.h"

static void memory_infos(void) {
  static const struct {
    const char *name, *becomes;
    OrtMemoryInfoDeviceType device;
    OrtDeviceMemoryType memory;
    uint32_t vendor;
  } known[] = {
      {"Cpu", "Cpu", OrtMemoryInfoDeviceType_CPU, OrtDeviceMemoryType_DEFAULT, 0},
      {"Cuda", "Cuda", OrtMemoryInfoDeviceType_GPU, OrtDeviceMemoryType_DEFAULT, 0x10de},
      {"CudaPinned", "CudaPinned", OrtMemoryInfoDeviceType_GPU, OrtDeviceMemoryType_HOST_ACCESSIBLE, 0x10de},
      {"DML", "DML", OrtMemoryInfoDeviceType_GPU, OrtDeviceMemoryType_DEFAULT, 0x1414},
      {"WebGPU_Buffer", "WebGPU_Buf", OrtMemoryInfoDeviceType_GPU, OrtDeviceMemoryType_DEFAULT, 0},
      {"OpenVINO_RT_NPU", "OpenVINO_RT_NPU", OrtMemoryInfoDeviceType_NPU, OrtDeviceMemoryType_DEFAULT, 0x8086},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    OrtMemoryInfo *m = NULL;
    OK(CreateMemoryInfo(known[i].name, OrtDeviceAllocator, 0, OrtMemTypeDefault, &m));
    const char *name = NULL;
    OrtMemoryInfoDeviceType device;
    OK(MemoryInfoGetName(m, &name));
    api->MemoryInfoGetDeviceType(m, &device);
    CHECK(strcmp(name, known[i].becomes) == 0 && device == known[i].device);
    CHECK(api->MemoryInfoGetDeviceMemType(m) == known[i].memory && api->MemoryInfoGetVendorId(m) == known[i].vendor);
    api->ReleaseMemoryInfo(m);
  }
  OrtMemoryInfo *a = NULL, *b = NULL;
  CODE(ORT_INVALID_ARGUMENT, CreateMemoryInfo("nonsense", OrtDeviceAllocator, 0, OrtMemTypeDefault, &a));
  OK(CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeCPUOutput, &a));
  OK(CreateMemoryInfo_V2("mine", OrtMemoryInfoDeviceType_GPU, 7, 1, OrtDeviceMemoryType_HOST_ACCESSIBLE, 64,
                         OrtArenaAllocator, &b));
  int cmp = 5, id = -1;
  OrtMemType type;
  OrtAllocatorType kind;
  OK(CompareMemoryInfo(a, b, &cmp));
  CHECK(cmp == -1);
  OK(CompareMemoryInfo(a, a, &cmp));
  CHECK(cmp == 0);
  OK(MemoryInfoGetId(b, &id));
  OK(MemoryInfoGetMemType(b, &type));
  OK(MemoryInfoGetType(a, &kind));
  CHECK(id == 1 && type == OrtMemTypeCPU && kind == OrtArenaAllocator);
  api->ReleaseMemoryInfo(a);
  api->ReleaseMemoryInfo(b);
  CODE(ORT_INVALID_ARGUMENT,
       CreateMemoryInfo_V2("x", (OrtMemoryInfoDeviceType)9, 0, 0, OrtDeviceMemoryType_DEFAULT, 0, OrtDeviceAllocator, &b));
}

static void allocators(OrtEnv *env) {
  OrtAllocator *a = NULL, *shared = NULL;
  OK(GetAllocatorWithDefaultOptions(&a));
  CHECK(a->version == ORT_API_VERSION && a->Reserve && a->GetStats && !a->AllocOnStream);
  void *p = &p;
  OK(AllocatorAlloc(a, 0, &p));
  CHECK(p == NULL);
  OK(AllocatorFree(a, NULL));
  OK(AllocatorAlloc(a, 100, &p));
  CHECK(p && (uintptr_t)p % 64 == 0);
  memset(p, 1, 100);
  a->Free(a, p);
  OrtKeyValuePairs *stats = NULL;
  OK(AllocatorGetStats(a, &stats));
  api->ReleaseKeyValuePairs(stats);
  const OrtMemoryInfo *info = NULL;
  const char *name = NULL;
  OK(AllocatorGetInfo(a, &info));
  OK(MemoryInfoGetName(info, &name));
  CHECK(strcmp(name, "Cpu") == 0);

  OrtArenaCfg *arena = NULL, *none = NULL;
  const char *keys[] = {"max_mem", "arena_extend_strategy", "bogus"};
  size_t values[] = {0, 1, 1};
  OK(CreateArenaCfg(0, -1, -1, -1, &arena));
  api->ReleaseArenaCfg(arena);
  CODE(ORT_INVALID_ARGUMENT, CreateArenaCfg(0, 7, -1, -1, &none));
  CODE(ORT_INVALID_ARGUMENT, CreateArenaCfgV2(keys, values, 3, &none));
  OK(CreateArenaCfgV2(keys, values, 2, &arena));
  OrtMemoryInfo *cpu = NULL;
  OK(CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &cpu));
  OK(CreateAndRegisterAllocator(env, cpu, arena));
  OK(CreateAndRegisterAllocator(env, cpu, arena));
  OK(GetSharedAllocator(env, cpu, &shared));
  CHECK(shared != NULL);
  OK(UnregisterAllocator(env, cpu));
  CODE(ORT_INVALID_ARGUMENT, UnregisterAllocator(env, cpu));
  api->ReleaseMemoryInfo(cpu);
  api->ReleaseArenaCfg(arena);
}

static void pairs(void) {
  OrtKeyValuePairs *p = NULL;
  const char *const *keys, *const *values;
  size_t n = 9;
  api->CreateKeyValuePairs(&p);
  api->GetKeyValuePairs(p, &keys, &values, &n);
  CHECK(n == 0);
  api->AddKeyValuePair(p, "b", "1");
  api->AddKeyValuePair(p, "a", "2");
  api->AddKeyValuePair(p, "b", "3");
  api->AddKeyValuePair(p, "", "no");
  api->GetKeyValuePairs(p, &keys, &values, &n);
  CHECK(n == 2 && !strcmp(keys[0], "a") && !strcmp(values[0], "2") && !strcmp(keys[1], "b") && !strcmp(values[1], "3"));
  CHECK(!strcmp(api->GetKeyValue(p, "b"), "3") && !api->GetKeyValue(p, "c"));
  api->RemoveKeyValuePair(p, "b");
  CHECK(!api->GetKeyValue(p, "b"));
  api->RemoveKeyValuePair(p, "b");
  char key[8];
  for (int i = 0; i < 100; i++) snprintf(key, sizeof key, "k%02d", (i * 37) % 100), api->AddKeyValuePair(p, key, key);
  api->GetKeyValuePairs(p, &keys, &values, &n);
  CHECK(n == 101 && !strcmp(api->GetKeyValue(p, "k42"), "k42"));
  api->ReleaseKeyValuePairs(p);
}

static void devices(OrtEnv *env) {
  const OrtEpDevice *const *ep = NULL;
  size_t n = 0, hw = 0;
  OK(GetEpDevices(env, &ep, &n));
  CHECK(n >= 1 && !strcmp(api->EpDevice_EpName(ep[0]), "CPUExecutionProvider"));
  const OrtHardwareDevice *d = api->EpDevice_Device(ep[0]);
  CHECK(api->HardwareDevice_Type(d) == OrtHardwareDeviceType_CPU && api->HardwareDevice_Vendor(d)[0]);
  CHECK(!strcmp(api->GetKeyValue(api->EpDevice_EpMetadata(ep[0]), "version"), base->GetVersionString()));
  CHECK(api->EpDevice_EpOptions(ep[0]) && api->EpDevice_MemoryInfo(ep[0], OrtDeviceMemoryType_DEFAULT) == NULL);
  OK(GetNumHardwareDevices(env, &hw));
  CHECK(hw >= 1);
  OrtSyncStream *stream = NULL;
  CODE(ORT_INVALID_ARGUMENT, CreateSyncStreamForEpDevice(ep[0], NULL, &stream));
  CODE(ORT_FAIL, RegisterExecutionProviderLibrary(env, "x", ORT_TSTR("/no/such/library.so")));
  CODE(ORT_FAIL, UnregisterExecutionProviderLibrary(env, "x"));
  OrtDeviceEpIncompatibilityDetails *details = NULL;
  uint32_t reasons = 9;
  OK(GetHardwareDeviceEpIncompatibilityDetails(env, "CPUExecutionProvider", d, &details));
  OK(DeviceEpIncompatibilityDetails_GetReasonsBitmask(details, &reasons));
  CHECK(reasons == 0);
  api->ReleaseDeviceEpIncompatibilityDetails(details);
  char **providers = NULL;
  int count = 0;
  OK(GetAvailableProviders(&providers, &count));
  CHECK(count >= 1 && !strcmp(providers[count - 1], "CPUExecutionProvider"));
  OK(ReleaseAvailableProviders(providers, count));
  const void *provider_api = NULL;
  CODE(ORT_INVALID_ARGUMENT, GetExecutionProviderApi("DML", 1, &provider_api));
  CODE(ORT_FAIL, SetCurrentGpuDeviceId(0));
}

static void thread_options(void) {
  OrtThreadingOptions *t = NULL;
  OK(CreateThreadingOptions(&t));
  OK(SetGlobalIntraOpNumThreads(t, 2));
  OK(SetGlobalInterOpNumThreads(t, -1));
  OK(SetGlobalDenormalAsZero(t));
  OK(SetGlobalSpinControl(t, 0));
  CODE(ORT_INVALID_ARGUMENT, SetGlobalSpinControl(t, 5));
  CODE(ORT_INVALID_ARGUMENT, SetGlobalIntraOpThreadAffinity(t, ""));
  CODE(ORT_INVALID_ARGUMENT, SetGlobalIntraOpThreadAffinity(t, NULL));
  OK(SetGlobalIntraOpThreadAffinity(t, "1,2"));
  OrtEnv *env = NULL;
  OK(CreateEnvWithGlobalThreadPools(ORT_LOGGING_LEVEL_WARNING, "x", t, &env));
  api->ReleaseEnv(env);
  api->ReleaseThreadingOptions(t);
}

/* What a provider reads as the environment's configuration. */
static int allows_virtual_devices(void) {
  OrtKeyValuePairs *all = NULL;
  check_code(ORT_OK, api->GetEpApi()->GetEnvConfigEntries(&all), __LINE__, "GetEnvConfigEntries");
  const char *value = all ? api->GetKeyValue(all, "allow_virtual_devices") : NULL;
  int yes = value && !strcmp(value, "1");
  api->ReleaseKeyValuePairs(all);
  return yes;
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  OrtEnv *env = NULL, *again = NULL;
  OrtEnvCreationOptions o = {
      .version = ORT_API_VERSION, .logging_severity_level = ORT_LOGGING_LEVEL_WARNING, .log_id = "abi"};
  OrtKeyValuePairs *entries = NULL;
  api->CreateKeyValuePairs(&entries);
  api->AddKeyValuePair(entries, "allow_virtual_devices", "1");
  o.config_entries = entries;
  OK(CreateEnvWithOptions(&o, &env));
  api->ReleaseKeyValuePairs(entries);
  o.config_entries = NULL;
  CODE(ORT_FAIL, RegisterExecutionProviderLibrary(env, "none.virtual", ORT_TSTR("/no/such/library")));
  CHECK(allows_virtual_devices()); /* as the user has it */
  o.logging_severity_level = 17;
  CODE(ORT_INVALID_ARGUMENT, CreateEnvWithOptions(&o, &again));
  OK(CreateEnv(ORT_LOGGING_LEVEL_ERROR, "other", &again));
  CHECK(env == again);
  api->ReleaseEnv(again);
  OK(UpdateEnvWithCustomLogLevel(env, ORT_LOGGING_LEVEL_WARNING));
  OK(SetLanguageProjection(env, ORT_PROJECTION_C));
  OK(DisableTelemetryEvents(env));
  memory_infos();
  allocators(env);
  pairs();
  devices(env);
  thread_options();
  OrtExternalInitializerInfo *x = NULL;
  OK(CreateExternalInitializerInfo(ORT_TSTR("file"), 3, 5, &x));
  CHECK(api->ExternalInitializerInfo_GetFileOffset(x) == 3 && api->ExternalInitializerInfo_GetByteSize(x) == 5);
  api->ReleaseExternalInitializerInfo(x);
  OrtPrepackedWeightsContainer *container = NULL;
  OK(CreatePrepackedWeightsContainer(&container));
  api->ReleasePrepackedWeightsContainer(container);
  api->ReleaseEnv(env);
  return abi_end("memory");
}
