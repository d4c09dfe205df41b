// SPDX-License-Identifier: MIT
/* The device of the provider that does one thing wrong: memory (the host's, under another name), copies, streams, kernels of a registry
 * and a profiler, each of which fails, is not there, or has no functions. */
#include "bad_provider.h"

static OrtMemoryInfo *info, *other;
static OrtAllocator allocator;
static OrtDataTransferImpl transfer;
static OrtSyncStreamImpl stream;
static OrtEpProfilerImpl profiler;
static OrtKernelImpl kernel;
static OrtKernelRegistry *registry;

static bool has_memory(void) { return STARTS("allocator-") || STARTS("transfer-") || STARTS("copy-") || STARTS("stream-"); }

/* ---- memory ---- */
static void *ORT_API_CALL take(OrtAllocator *a, size_t size) {
  return (void)a, IS("allocator-no-memory") ? NULL : malloc(size ? size : 1);
}
static void ORT_API_CALL give_back(OrtAllocator *a, void *p) {
  (void)a;
  free(p);
}
static const OrtMemoryInfo *ORT_API_CALL info_of(const OrtAllocator *a) {
  return (void)a, IS("allocator-null-info") ? NULL : IS("allocator-other-info") ? other : info;
}
static OrtStatus *ORT_API_CALL create_allocator(OrtEpFactory *f, const OrtMemoryInfo *m, const OrtKeyValuePairs *o, OrtAllocator **out) {
  (void)f, (void)m, (void)o;
  memset(&allocator, 0, sizeof allocator);
  allocator.version = 23;
  if (!IS("allocator-no-info")) allocator.Info = info_of;
  if (!IS("allocator-no-alloc")) allocator.Alloc = take;
  if (!IS("allocator-no-free")) allocator.Free = give_back;
  *out = IS("allocator-null") ? NULL : &allocator;
  return refuse("allocator-fails");
}
static void ORT_API_CALL release_allocator(OrtEpFactory *f, OrtAllocator *a) { (void)f, (void)a; }

static bool ORT_API_CALL can_copy(const OrtDataTransferImpl *t, const OrtMemoryDevice *from, const OrtMemoryDevice *to) {
  return (void)t, (void)from, (void)to, !IS("transfer-refuses");
}
static OrtStatus *ORT_API_CALL copy(OrtDataTransferImpl *t, const OrtValue **from, OrtValue **to, OrtSyncStream **streams, size_t n) {
  OrtStatus *failed = refuse("copy-fails");
  (void)t, (void)streams;
  for (size_t i = 0; i < n && !failed; i++) {
    const void *x = NULL;
    void *y = NULL;
    size_t size = 0;
    failed = api->GetTensorData(from[i], &x);
    if (!failed) failed = api->GetTensorMutableData(to[i], &y);
    if (!failed) failed = api->GetTensorSizeInBytes(from[i], &size);
    if (!failed && size) memcpy(y, x, size);
  }
  return failed;
}
static void ORT_API_CALL release_transfer(OrtDataTransferImpl *t) { (void)t; }
static OrtStatus *ORT_API_CALL create_transfer(OrtEpFactory *f, OrtDataTransferImpl **out) {
  (void)f;
  memset(&transfer, 0, sizeof transfer);
  transfer.ort_version_supported = 24;
  if (!IS("transfer-empty")) transfer.Release = release_transfer, transfer.CanCopy = can_copy, transfer.CopyTensors = copy;
  *out = IS("transfer-null") || !has_memory() ? NULL : &transfer;
  return refuse("transfer-fails");
}

/* ---- streams ---- */
static bool ORT_API_CALL aware(const OrtEpFactory *f) { return (void)f, STARTS("stream-"); }
static OrtStatus *ORT_API_CALL create_notification(OrtSyncStreamImpl *s, OrtSyncNotificationImpl **out) {
  (void)s;
  *out = NULL;
  return refuse("stream-no-notification");
}
static OrtStatus *ORT_API_CALL flush(OrtSyncStreamImpl *s) { return (void)s, refuse("stream-flush-fails"); }
static OrtStatus *ORT_API_CALL create_stream(OrtEpFactory *f, const OrtMemoryDevice *m, const OrtKeyValuePairs *o, OrtSyncStreamImpl **out) {
  (void)f, (void)m, (void)o;
  memset(&stream, 0, sizeof stream);
  stream.ort_version_supported = 24;
  if (!IS("stream-empty")) stream.CreateNotification = create_notification, stream.Flush = flush;
  *out = IS("stream-null") ? NULL : &stream;
  return refuse("stream-fails");
}

/* ---- operators of a domain of its own ---- */
static OrtStatus *ORT_API_CALL num_domains(OrtEpFactory *f, size_t *n) {
  (void)f;
  *n = IS("domains-too-many") ? 1000000000 : 3;
  return refuse("domains-fail");
}
static OrtStatus *ORT_API_CALL domains(OrtEpFactory *f, OrtCustomOpDomain **out, size_t n) {
  (void)f;
  for (size_t i = 0; i < n && i < 3; i++) out[i] = NULL;
  return NULL;
}

OrtStatus *bad_device_factory(OrtEpFactory *f) {
  f->CreateDataTransfer = create_transfer;
  if (STARTS("domains-")) f->GetNumCustomOpDomains = num_domains, f->GetCustomOpDomains = domains;
  if (!has_memory() && !IS("memory-device-unknown")) return NULL;
  f->CreateAllocator = create_allocator, f->ReleaseAllocator = release_allocator;
  f->IsStreamAware = aware, f->CreateSyncStreamForDevice = create_stream;
  OrtStatus *failed = api->CreateMemoryInfo_V2("Bad", OrtMemoryInfoDeviceType_GPU, 0xbad, 0, OrtDeviceMemoryType_DEFAULT, 64,
                                               OrtDeviceAllocator, &info);
  if (!failed)
    failed = api->CreateMemoryInfo_V2("Other", OrtMemoryInfoDeviceType_NPU, 0xbad, 7, OrtDeviceMemoryType_DEFAULT, 64,
                                      OrtDeviceAllocator, &other);
  if (failed) bad_device_release();
  return failed;
}
void bad_device_release(void) {
  api->ReleaseMemoryInfo(info), api->ReleaseMemoryInfo(other), ep_api->ReleaseKernelRegistry(registry);
  info = other = NULL, registry = NULL;
}
OrtStatus *bad_device_describe(OrtEpDevice *d) { return info ? ep_api->EpDevice_AddAllocatorInfo(d, info) : NULL; }

/* ---- kernels ---- */
static OrtStatus *ORT_API_CALL kernel_compute(OrtKernelImpl *k, OrtKernelContext *c) {
  return (void)k, (void)c, refuse("kernel-compute-fails");
}
static OrtStatus *ORT_API_CALL create_kernel(void *state, const OrtKernelInfo *i, OrtKernelImpl **out) {
  (void)state, (void)i;
  memset(&kernel, 0, sizeof kernel);
  kernel.ort_version_supported = 24;
  if (!IS("kernel-no-compute")) kernel.Compute = kernel_compute;
  *out = IS("kernel-null") ? NULL : &kernel;
  return refuse("kernel-fails");
}
static OrtStatus *ORT_API_CALL get_registry(OrtEp *e, const OrtKernelRegistry **out) {
  OrtKernelDefBuilder *b = NULL;
  OrtKernelDef *def = NULL;
  (void)e;
  *out = NULL;
  OrtStatus *failed = refuse("registry-fails");
  if (failed || IS("registry-null")) return failed;
  if (!registry) failed = ep_api->CreateKernelRegistry(&registry);
  if (!failed) failed = ep_api->CreateKernelDefBuilder(&b);
  if (!failed) failed = ep_api->KernelDefBuilder_SetOperatorType(b, "Add");
  if (!failed) failed = ep_api->KernelDefBuilder_SetDomain(b, "");
  if (!failed) failed = ep_api->KernelDefBuilder_SetSinceVersion(b, 1, 100);
  if (!failed) failed = ep_api->KernelDefBuilder_SetExecutionProvider(b, "BadProvider");
  if (!failed) failed = ep_api->KernelDefBuilder_Build(b, &def);
  if (!failed) failed = ep_api->KernelRegistry_AddKernel(registry, def, IS("kernel-no-create") ? NULL : create_kernel, NULL);
  ep_api->ReleaseKernelDef(def), ep_api->ReleaseKernelDefBuilder(b);
  *out = registry;
  return failed;
}

/* ---- what runs are told ---- */
static OrtStatus *ORT_API_CALL start_profiling(OrtEpProfilerImpl *p, int64_t ns) { return (void)p, (void)ns, refuse("profiler-start-fails"); }
static OrtStatus *ORT_API_CALL end_profiling(OrtEpProfilerImpl *p, OrtProfilingEventsContainer *c) {
  return (void)p, (void)c, refuse("profiler-end-fails");
}
static void ORT_API_CALL release_profiler(OrtEpProfilerImpl *p) { (void)p; }
static OrtStatus *ORT_API_CALL create_profiler(OrtEp *e, OrtEpProfilerImpl **out) {
  (void)e;
  memset(&profiler, 0, sizeof profiler);
  profiler.ort_version_supported = 25;
  if (!IS("profiler-empty"))
    profiler.Release = release_profiler, profiler.StartProfiling = start_profiling, profiler.EndProfiling = end_profiling;
  *out = IS("profiler-null") ? NULL : &profiler;
  return refuse("profiler-fails");
}
static OrtStatus *ORT_API_CALL concurrent(OrtEp *e, bool *out) {
  (void)e;
  *out = false;
  return refuse("concurrent-fails");
}
static OrtStatus *ORT_API_CALL default_device(const OrtEp *e, const OrtMemoryDevice **out) {
  (void)e;
  *out = IS("memory-device-unknown") ? ep_api->MemoryInfo_GetMemoryDevice(other) : NULL;
  return refuse("memory-device-fails");
}
static bool ORT_API_CALL captures(const OrtEp *e) { return (void)e, true; }
static bool ORT_API_CALL is_captured(const OrtEp *e, int id) { return (void)e, (void)id, true; }
static OrtStatus *ORT_API_CALL replay(OrtEp *e, int id) { return (void)e, (void)id, refuse("capture-replay-fails"); }
static OrtStatus *ORT_API_CALL convert(OrtEp *e, const char *domain, const char *type, OrtEpDataLayout to, int *out) {
  (void)e, (void)domain, (void)type, (void)to;
  *out = 77;
  return refuse("convert-fails");
}
static OrtStatus *ORT_API_CALL channels_last(OrtEp *e, OrtEpDataLayout *out) { return (void)e, *out = OrtEpDataLayout_NHWC, NULL; }

OrtStatus *bad_device_provider(OrtEp *e) {
  e->IsConcurrentRunSupported = concurrent, e->GetDefaultMemoryDevice = default_device;
  if (STARTS("profiler-")) e->CreateProfiler = create_profiler;
  if (STARTS("registry-") || STARTS("kernel-")) e->GetKernelRegistry = get_registry;
  if (STARTS("capture-")) e->IsGraphCaptureEnabled = captures, e->IsGraphCaptured = is_captured, e->ReplayGraph = replay;
  if (STARTS("convert-")) e->GetPreferredDataLayout = channels_last, e->ShouldConvertDataLayoutForOp = convert;
  return NULL;
}
