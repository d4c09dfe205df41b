// SPDX-License-Identifier: MIT
/* What the host sees: two factories, a provider for each session, and everything else that a provider may be asked. */
#include "device.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

const OrtApi *api;
const OrtEpApi *ep_api;
static const char *names[DEVICES] = {"DeviceOne", "DeviceTwo"};
static bool virtual_devices; /* registered under a name that asks for them */

OrtStatus *fail(const char *what) {
  char text[200];
  snprintf(text, sizeof text, "test device: %s", what);
  return api->CreateStatus(ORT_EP_FAIL, text);
}

static char failing[20];
static pthread_mutex_t creating = PTHREAD_MUTEX_INITIALIZER; /* of what is written for a new provider: `failing` */
static _Atomic int streaming; /* sessions that want streams */
bool fails(const char *what) { return !strcmp(failing, what); }

/* ---- the provider of a session ---- */
typedef struct Provider {
  OrtEp ep; /* first: the host's pointer is ours */
  Device *device;
  OrtKernelRegistry *registry;
  char ops[200], dynamic[100];
  bool compile, nhwc, capture, serial, streams;
  Contexts contexts;
  OrtWeightlessSupport weightless;
  int data;
  uint64_t room;
  int runs;  /* of a session that captures */
  Tape tape; /* what was captured */
  bool captured;
} Provider;

static const char *ORT_API_CALL ep_name(const OrtEp *ep) { return names[((const Provider *)ep)->device->number]; }
static OrtStatus *ORT_API_CALL kernel_registry(OrtEp *ep, const OrtKernelRegistry **out) {
  *out = ((Provider *)ep)->registry;
  return NULL;
}

static OrtStatus *claim_kernels(Provider *p, const OrtGraph *graph, OrtEpGraphSupportInfo *info) {
  const OrtNode *nodes[256];
  size_t n = 0;
  TRY(api->Graph_GetNumNodes(graph, &n));
  if (n > 256) return fail("more than 256 nodes");
  TRY(api->Graph_GetNodes(graph, nodes, n));
  for (size_t i = 0; i < n; i++) {
    const char *type = NULL, *owner = NULL, *domain = NULL;
    const OrtKernelDef *def = NULL;
    TRY(api->Node_GetOperatorType(nodes[i], &type));
    TRY(api->Node_GetDomain(nodes[i], &domain));
    TRY(api->Node_GetEpName(nodes[i], &owner));
    if (!wanted(p->ops, type) || (owner && *owner && strcmp(owner, ep_name(&p->ep)) != 0)) continue;
    TRY(ep_api->EpGraphSupportInfo_LookUpKernel(info, nodes[i], &def));
    bool later = p->nhwc && !strcmp(type, "Conv") && !*domain; /* once its channels are last */
    if (def || later) TRY(ep_api->EpGraphSupportInfo_AddSingleNode(info, nodes[i]));
  }
  return NULL;
}
static OrtStatus *ORT_API_CALL capability(OrtEp *ep, const OrtGraph *graph, OrtEpGraphSupportInfo *info) {
  Provider *p = (Provider *)ep;
  return p->compile ? groups_claim(graph, info, p->ops, &p->contexts) : claim_kernels(p, graph, info);
}
static OrtStatus *ORT_API_CALL compile(OrtEp *ep, const OrtGraph **graphs, const OrtNode **fused, size_t n,
                                       OrtNodeComputeInfo **infos, OrtNode **contexts) {
  Provider *p = (Provider *)ep;
  return groups_compile(p->device, ep_name(ep), &p->contexts, graphs, fused, n, infos, contexts);
}
static void ORT_API_CALL release_infos(OrtEp *ep, OrtNodeComputeInfo **infos, size_t n) {
  (void)ep, groups_release(infos, n);
}
static OrtStatus *ORT_API_CALL layout(OrtEp *ep, OrtEpDataLayout *out) {
  *out = ((Provider *)ep)->nhwc ? OrtEpDataLayout_NHWC : OrtEpDataLayout_NCHW;
  return NULL;
}
static OrtStatus *ORT_API_CALL should_convert(OrtEp *ep, const char *domain, const char *type, OrtEpDataLayout to,
                                              int *out) {
  (void)ep, (void)domain;
  *out = to == OrtEpDataLayout_NHWC && !strcmp(type, "Conv");
  return NULL;
}
static OrtStatus *ORT_API_CALL set_dynamic(OrtEp *ep, const char *const *keys, const char *const *values, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!strcmp(keys[i], "refuse")) return fail("an option that is refused");
    snprintf(((Provider *)ep)->dynamic, sizeof((Provider *)ep)->dynamic, "%s=%s", keys[i], values[i]);
    counters.dynamic_options++;
  }
  return NULL;
}

/* The second run of a session that captures is recorded, the first one is for memory. */
static int annotation(const OrtRunOptions *o) {
  const char *id = api->GetRunConfigEntry(o, "gpu_graph_id");
  return id && *id ? atoi(id) : 0;
}
static OrtStatus *ORT_API_CALL run_start(OrtEp *ep, const OrtRunOptions *o) {
  Provider *p = (Provider *)ep;
  counters.runs_begun++;
  if (!p->capture || p->captured || annotation(o) < 0 || p->runs++ == 0) return NULL;
  device_keep(true);
  recording = &p->tape;
  return NULL;
}
static OrtStatus *ORT_API_CALL run_end(OrtEp *ep, const OrtRunOptions *o, bool sync) {
  Provider *p = (Provider *)ep;
  (void)o, (void)sync;
  counters.runs_ended++;
  if (recording != &p->tape) return NULL;
  recording = NULL;
  p->captured = true;
  counters.captures++;
  return NULL;
}
static bool ORT_API_CALL capture_enabled(const OrtEp *ep) { return ((const Provider *)ep)->capture; }
static bool ORT_API_CALL is_captured(const OrtEp *ep, int id) { return ((const Provider *)ep)->captured && id == 0; }
static OrtStatus *ORT_API_CALL replay(OrtEp *ep, int id) {
  (void)id;
  if (fails("replay")) return fail("no replay");
  counters.replays++;
  tape_play(&((Provider *)ep)->tape);
  return NULL;
}
static OrtStatus *ORT_API_CALL release_captured(OrtEp *ep, int id) {
  Provider *p = (Provider *)ep;
  (void)id;
  if (!p->captured) return NULL;
  tape_free(&p->tape);
  p->captured = false, p->runs = 0;
  device_keep(false);
  counters.released_captures++;
  return NULL;
}
static OrtStatus *ORT_API_CALL stream_for(OrtEp *ep, const OrtMemoryDevice *memory, OrtSyncStreamImpl **out) {
  (void)memory;
  return stream_create(((Provider *)ep)->device, true, out);
}
static const char *ORT_API_CALL compatibility(OrtEp *ep, const OrtGraph *graph) {
  return (void)ep, (void)graph, "made by device 1";
}
static OrtStatus *ORT_API_CALL concurrent(OrtEp *ep, bool *out) {
  *out = !((Provider *)ep)->serial;
  return NULL;
}
static OrtStatus *ORT_API_CALL sync_ep(OrtEp *ep) {
  (void)ep;
  counters.syncs++;
  return NULL;
}
static OrtStatus *ORT_API_CALL ready(OrtEp *ep) {
  (void)ep;
  counters.ready++;
  return NULL;
}
static OrtStatus *ORT_API_CALL memory_device(const OrtEp *ep, const OrtMemoryDevice **out) {
  *out = ep_api->MemoryInfo_GetMemoryDevice(((const Provider *)ep)->device->info);
  return NULL;
}
static OrtStatus *ORT_API_CALL resource(const OrtEp *ep, OrtResourceCount *out) {
  counters.resource_asked++;
  out->kind = fails("kind") ? 7 : OrtResourceCountKind_TotalBytes;
  out->value.total_bytes = ((const Provider *)ep)->room;
  return fails("resource") ? fail("no answer") : NULL;
}
static OrtStatus *ORT_API_CALL data_callbacks(const OrtEp *ep, OrtEpContextDataCallbackSupport *out) {
  counters.data_asked++;
  *out = (OrtEpContextDataCallbackSupport)((const Provider *)ep)->data;
  return fails("data") ? fail("no answer") : NULL;
}
static OrtStatus *ORT_API_CALL weightless(const OrtEp *ep, OrtWeightlessSupport *out) {
  *out = ((const Provider *)ep)->weightless;
  return NULL;
}

/* ---- its profiler ---- */
static void ORT_API_CALL release_profiler(OrtEpProfilerImpl *p) { free(p), counters.profilers--; }
static OrtStatus *ORT_API_CALL start_profiling(OrtEpProfilerImpl *p, int64_t offset) {
  (void)p, (void)offset;
  counters.profile_starts++;
  return NULL;
}
static OrtStatus *ORT_API_CALL start_event(OrtEpProfilerImpl *p, uint64_t id) {
  return (void)p, (void)id, (OrtStatus *)NULL;
}
static OrtStatus *ORT_API_CALL stop_event(OrtEpProfilerImpl *p, uint64_t id, const OrtProfilingEvent *event) {
  const char *name = NULL;
  (void)p, (void)id;
  counters.profile_events++;
  return ep_api->ProfilingEvent_GetName(event, &name);
}
static OrtStatus *ORT_API_CALL end_profiling(OrtEpProfilerImpl *p, OrtProfilingEventsContainer *to) {
  const char *keys[] = {"device"}, *values[] = {"test"};
  OrtProfilingEvent *e = NULL;
  (void)p;
  counters.profile_ends++;
  TRY(ep_api->CreateProfilingEvent(OrtProfilingEventCategory_KERNEL, 1, 1, "device_work", 10, 5, keys, values, 1, &e));
  OrtStatus *failed = ep_api->ProfilingEventsContainer_AddEvents(to, (const OrtProfilingEvent *const *)&e, 1);
  ep_api->ReleaseProfilingEvent(e);
  return failed;
}
static OrtStatus *ORT_API_CALL create_profiler(OrtEp *ep, OrtEpProfilerImpl **out) {
  OrtEpProfilerImpl *p = *out = calloc(1, sizeof *p);
  (void)ep;
  *p = (OrtEpProfilerImpl){26, release_profiler, start_profiling, start_event, stop_event, end_profiling};
  counters.profilers++;
  return NULL;
}

/* ---- the factories ---- */
typedef struct Factory {
  OrtEpFactory factory; /* first: the host's pointer is ours */
  Device *device;
  OrtCustomOpDomain *domain;
  OrtHardwareDevice *hardware; /* of a virtual device */
} Factory;
static Factory factories[DEVICES];

static Device *device_of(const void *f) { return ((const Factory *)f)->device; }
static const char *ORT_API_CALL factory_name(const OrtEpFactory *f) { return names[device_of(f)->number]; }
static const char *ORT_API_CALL factory_vendor(const OrtEpFactory *f) { return (void)f, "tests"; }
static uint32_t ORT_API_CALL factory_vendor_id(const OrtEpFactory *f) { return (void)f, 0x7e57; }
static const char *ORT_API_CALL factory_version(const OrtEpFactory *f) { return (void)f, "2.1.0"; }

static OrtStatus *make_device(Factory *f, const OrtHardwareDevice *hw, OrtEpDevice **out) {
  OrtKeyValuePairs *metadata = NULL, *options = NULL;
  api->CreateKeyValuePairs(&metadata);
  api->CreateKeyValuePairs(&options);
  api->AddKeyValuePair(metadata, "is", "a test");
  api->AddKeyValuePair(options, "unused", "by default");
  OrtStatus *failed = ep_api->CreateEpDevice(&f->factory, hw, metadata, options, out);
  api->ReleaseKeyValuePairs(metadata);
  api->ReleaseKeyValuePairs(options);
  if (!failed) failed = ep_api->EpDevice_AddAllocatorInfo(*out, f->device->info);
  return failed;
}
static OrtStatus *ORT_API_CALL supported(OrtEpFactory *of, const OrtHardwareDevice *const *hw, size_t n, OrtEpDevice **made,
                                         size_t room, size_t *n_made) {
  Factory *f = (Factory *)of;
  OrtKeyValuePairs *env = NULL;
  *n_made = 0;
  for (size_t i = 0; i < n && room && !*n_made; i++)
    if (api->HardwareDevice_Type(hw[i]) == OrtHardwareDeviceType_CPU) TRY(make_device(f, hw[i], &made[(*n_made)++]));
  TRY(ep_api->GetEnvConfigEntries(&env));
  const char *allowed = api->GetKeyValue(env, "allow_virtual_devices");
  virtual_devices = allowed && !strcmp(allowed, "1");
  api->ReleaseKeyValuePairs(env);
  if (!virtual_devices || *n_made == room) return NULL;
  TRY(ep_api->CreateHardwareDevice(OrtHardwareDeviceType_NPU, 0x7e57, 7, "tests", NULL, &f->hardware));
  return make_device(f, f->hardware, &made[(*n_made)++]);
}

static const char *option(const OrtSessionOptions *o, const Factory *f, const char *key, char *text, size_t size) {
  char full[100], *p = full;
  int has = 0;
  const char *name = names[f->device->number];
  snprintf(full, sizeof full, "ep.%s.%s", strcmp(name, "CUDAExecutionProvider") ? name : "cuda", key);
  for (; *p; p++) *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
  text[0] = 0;
  api->ReleaseStatus(api->HasSessionConfigEntry(o, full, &has));
  if (has) api->ReleaseStatus(api->GetSessionConfigEntry(o, full, text, &size));
  return text;
}
/* An entry of the session that is "1", or "0", or what it is otherwise. */
static bool is_on(const OrtSessionOptions *o, const char *key, bool otherwise) {
  char text[20];
  size_t size = sizeof text;
  int has = 0;
  api->ReleaseStatus(api->HasSessionConfigEntry(o, key, &has));
  if (!has) return otherwise;
  api->ReleaseStatus(api->GetSessionConfigEntry(o, key, text, &size));
  return !strcmp(text, "1");
}
static OrtStatus *ask_contexts(Provider *p, const OrtSessionOptions *o) {
  OrtEpContextConfig *config = NULL;
  Contexts *c = &p->contexts;
  c->write = is_on(o, "ep.context_enable", false);
  c->weights = is_on(o, "ep.enable_weightless", false) ? (int)p->weightless : WEIGHTS_KEPT;
  c->embed = is_on(o, "ep.context_embed_mode", false) || !p->data;
  TRY(ep_api->SessionOptionsGetWeightlessSourceModelBuffer(o, &c->source, &c->source_size));
  TRY(ep_api->SessionOptionsGetEpContextConfig(o, &config));
  OrtStatus *failed = ep_api->EpContextConfigGetEpContextDataReadFunc(config, &c->read_named, &c->read_state);
  if (!failed) failed = ep_api->EpContextConfigGetEpContextDataWriteFunc(config, &c->write_named, &c->write_state);
  ep_api->ReleaseEpContextConfig(config);
  return failed;
}
static OrtStatus *ORT_API_CALL create_ep(OrtEpFactory *of, const OrtHardwareDevice *const *hw,
                                         const OrtKeyValuePairs *const *meta, size_t n, const OrtSessionOptions *o,
                                         const OrtLogger *logger, OrtEp **out) {
  Factory *f = (Factory *)of;
  char text[200];
  (void)hw, (void)n, (void)logger;
  if (!api->GetKeyValue(meta[0], "is")) return fail("the device's metadata are lost");
  Provider *p = calloc(1, sizeof *p);
  if (!p) return fail("out of memory");
  p->device = f->device;
  option(o, f, "ops", p->ops, sizeof p->ops);
  option(o, f, "fail", text, sizeof text);
  pthread_mutex_lock(&creating);
  if (strcmp(failing, text)) snprintf(failing, sizeof failing, "%.19s", text); /* unchanged, other sessions may read it */
  pthread_mutex_unlock(&creating);
  p->compile = !strcmp(option(o, f, "mode", text, sizeof text), "compile");
  p->nhwc = !strcmp(option(o, f, "layout", text, sizeof text), "nhwc");
  p->capture = !strcmp(option(o, f, "capture", text, sizeof text), "1");
  p->serial = !strcmp(option(o, f, "serial", text, sizeof text), "1");
  p->room = strtoull(option(o, f, "room", text, sizeof text), NULL, 10);
  p->data = atoi(option(o, f, "data", text, sizeof text));
  p->weightless = (OrtWeightlessSupport)atoi(option(o, f, "weightless", text, sizeof text));
  bool streams = !strcmp(option(o, f, "streams", text, sizeof text), "1");
  OrtStatus *failed = ask_contexts(p, o);
  if (!failed) failed = registry_create(names[f->device->number], &p->registry); /* ONNX Runtime copies with its kernels */
  if (failed) {
    free(p);
    return failed;
  }
  p->ep = (OrtEp){.ort_version_supported = ORT_API_VERSION,
                  .GetName = ep_name,
                  .GetCapability = capability,
                  .GetPreferredDataLayout = layout,
                  .ShouldConvertDataLayoutForOp = should_convert,
                  .SetDynamicOptions = set_dynamic,
                  .OnRunStart = run_start,
                  .OnRunEnd = run_end,
                  .CreateSyncStreamForDevice = streams ? stream_for : NULL,
                  .GetCompiledModelCompatibilityInfo = compatibility,
                  .IsConcurrentRunSupported = concurrent,
                  .Sync = sync_ep,
                  .CreateProfiler = create_profiler,
                  .IsGraphCaptureEnabled = capture_enabled,
                  .IsGraphCaptured = is_captured,
                  .ReplayGraph = replay,
                  .GetAvailableResource = resource,
                  .OnSessionInitializationEnd = ready,
                  .GetDefaultMemoryDevice = memory_device,
                  .ReleaseCapturedGraph = release_captured,
                  .GetWeightlessSupport = weightless,
                  .GetEpContextDataCallbackSupport = data_callbacks};
  if (fails("weightless")) p->ep.GetWeightlessSupport = NULL;
  if (fails("data31")) p->ep.GetEpContextDataCallbackSupport = NULL;
  if (p->compile) p->ep.Compile = compile, p->ep.ReleaseNodeComputeInfos = release_infos;
  p->ep.GetKernelRegistry = kernel_registry;
  counters.providers++;
  streaming += p->streams = streams;
  *out = &p->ep;
  return NULL;
}
static void ORT_API_CALL release_ep(OrtEpFactory *f, OrtEp *ep) {
  Provider *p = (Provider *)ep;
  (void)f;
  if (p->captured) device_keep(false);
  tape_free(&p->tape);
  streaming -= p->streams;
  ep_api->ReleaseKernelRegistry(p->registry);
  free(p);
  counters.providers--;
}

static OrtStatus *ORT_API_CALL validate(OrtEpFactory *f, const OrtHardwareDevice *const *hw, size_t n, const char *info,
                                        OrtCompiledModelCompatibility *out) {
  (void)f, (void)hw, (void)n;
  *out = !strcmp(info, "made by device 1")   ? OrtCompiledModelCompatibility_EP_SUPPORTED_OPTIMAL
         : !strcmp(info, "made by device 0") ? OrtCompiledModelCompatibility_EP_SUPPORTED_PREFER_RECOMPILATION
                                             : OrtCompiledModelCompatibility_EP_UNSUPPORTED;
  return NULL;
}
static void *ORT_API_CALL alloc(OrtAllocator *a, size_t n) {
  return device_alloc((Device *)((char *)a - offsetof(Device, allocator)), n);
}
static void ORT_API_CALL dealloc(OrtAllocator *a, void *p) {
  device_free((Device *)((char *)a - offsetof(Device, allocator)), p);
}
static const OrtMemoryInfo *ORT_API_CALL allocator_info(const OrtAllocator *a) {
  return ((const Device *)((const char *)a - offsetof(Device, allocator)))->info;
}
static OrtStatus *ORT_API_CALL create_allocator(OrtEpFactory *f, const OrtMemoryInfo *info, const OrtKeyValuePairs *o,
                                                OrtAllocator **out) {
  Device *d = device_of(f);
  int different = 0;
  (void)o;
  TRY(api->CompareMemoryInfo(info, d->info, &different));
  if (different) return fail("an allocator of other memory is asked for");
  d->allocator =
      (OrtAllocator){.version = ORT_API_VERSION, .Alloc = alloc, .Free = dealloc, .Info = allocator_info, .Reserve = alloc};
  counters.allocators++;
  *out = &d->allocator;
  return NULL;
}
static void ORT_API_CALL release_allocator(OrtEpFactory *f, OrtAllocator *a) { (void)f, (void)a, counters.allocators--; }
static OrtStatus *ORT_API_CALL create_transfer(OrtEpFactory *f, OrtDataTransferImpl **out) {
  return (void)f, transfer_create(out);
}
/* While a session is there that wants streams: without them blocks given back are overwritten at once. */
static bool ORT_API_CALL stream_aware(const OrtEpFactory *f) { return (void)f, streaming > 0; }
static OrtStatus *ORT_API_CALL factory_stream(OrtEpFactory *f, const OrtMemoryDevice *m, const OrtKeyValuePairs *o,
                                              OrtSyncStreamImpl **out) {
  (void)m, (void)o;
  counters.user_streams++;
  return stream_create(device_of(f), false, out);
}
static OrtStatus *ORT_API_CALL incompatibility(OrtEpFactory *f, const OrtHardwareDevice *hw,
                                               OrtDeviceEpIncompatibilityDetails *d) {
  (void)f, (void)hw;
  return ep_api->DeviceEpIncompatibilityDetails_SetDetails(d, 1, 42, "too slow");
}
static OrtStatus *ORT_API_CALL num_domains(OrtEpFactory *f, size_t *n) {
  *n = device_of(f)->number == 0;
  return NULL;
}
static OrtStatus *ORT_API_CALL domains(OrtEpFactory *f, OrtCustomOpDomain **out, size_t n) {
  if (n) out[0] = ((Factory *)f)->domain;
  return NULL;
}

/* ---- what the library exports ---- */
#define EXPORT __attribute__((visibility("default")))
EXPORT OrtStatus *CreateEpFactories(const char *, const OrtApiBase *, const OrtLogger *, OrtEpFactory **, size_t, size_t *);
EXPORT OrtStatus *ReleaseEpFactory(OrtEpFactory *);
EXPORT Counters *device_counters(void);
EXPORT void *device_reach(void *p); /* where a pointer of the device really points, for tests that look */

Counters *device_counters(void) { return &counters; }
void *device_reach(void *p) { return device_real(p); }

static OrtStatus *open_factory(Factory *f, int k) {
  if (!device_open(f->device, k)) return fail("no addresses for the device");
  TRY(api->CreateMemoryInfo_V2(names[k], k ? OrtMemoryInfoDeviceType_NPU : OrtMemoryInfoDeviceType_GPU, 0x7e57, k,
                               OrtDeviceMemoryType_DEFAULT, 256, OrtDeviceAllocator, &f->device->info));
  if (k == 0) TRY(api->CreateCustomOpDomain("test.device", &f->domain));
  if (k == 0) TRY(api->CustomOpDomain_Add(f->domain, &triple));
  f->factory = (OrtEpFactory){.ort_version_supported = ORT_API_VERSION,
                              .GetName = factory_name,
                              .GetVendor = factory_vendor,
                              .GetSupportedDevices = supported,
                              .CreateEp = create_ep,
                              .ReleaseEp = release_ep,
                              .GetVendorId = factory_vendor_id,
                              .GetVersion = factory_version,
                              .ValidateCompiledModelCompatibilityInfo = validate,
                              .CreateAllocator = create_allocator,
                              .ReleaseAllocator = release_allocator,
                              .CreateDataTransfer = create_transfer,
                              .IsStreamAware = stream_aware,
                              .CreateSyncStreamForDevice = factory_stream,
                              .GetHardwareDeviceIncompatibilityDetails = incompatibility,
                              .GetNumCustomOpDomains = num_domains,
                              .GetCustomOpDomains = domains};
  return NULL;
}
OrtStatus *CreateEpFactories(const char *name, const OrtApiBase *base, const OrtLogger *logger, OrtEpFactory **out,
                             size_t max, size_t *n) {
  (void)logger;
  *n = 0;
  names[0] = strstr(name, "cuda") ? "CUDAExecutionProvider" : "DeviceOne"; /* a name that hosts know */
  api = base->GetApi(ORT_API_VERSION);
  if (!api) return NULL;
  ep_api = api->GetEpApi();
  for (int k = 0; k < DEVICES && (size_t)k < max; k++) {
    Factory *f = &factories[k];
    *f = (Factory){.device = &devices[k]};
    OrtStatus *failed = open_factory(f, k);
    if (failed) { /* then there are none: this one, and those before it */
      for (int i = 0; i <= k; i++) (void)ReleaseEpFactory(&factories[i].factory);
      *n = 0;
      return failed;
    }
    out[(*n)++] = &f->factory;
  }
  return NULL;
}
OrtStatus *ReleaseEpFactory(OrtEpFactory *of) {
  Factory *f = (Factory *)of;
  api->ReleaseMemoryInfo(f->device->info);
  api->ReleaseCustomOpDomain(f->domain);
  ep_api->ReleaseHardwareDevice(f->hardware);
  device_close(f->device);
  f->device->info = NULL;
  return NULL;
}
