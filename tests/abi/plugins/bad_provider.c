// SPDX-License-Identifier: MIT
/* A provider that does one thing wrong: the name that it is registered under says which (plugin_abuse_test.c lists them).
 * It takes every Add and Mul of the graph, one group for each, and computes them: of floats, and no broadcast but a
 * number's. */
#include "bad_provider.h"
#if defined(__linux__)
#include <dlfcn.h>
#endif

const OrtApi *api;
const OrtEpApi *ep_api;
char wrong[64];
static OrtEpFactory factory;
static OrtEp ep;
static OrtNodeComputeInfo add_info, mul_info;

/* As C++ would, by the unwinder; does nothing where there is none. */
static void throw_exception(void) {
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
  static struct {
    uint64_t class;
    void (*cleanup)(int, void *);
    uint64_t private[6];
  } __attribute__((aligned(16))) exception;
  int (*raise_exception)(void *) = NULL;
  void *h = dlopen("libgcc_s.so.1", RTLD_NOW);
  if (h) *(void **)&raise_exception = dlsym(h, "_Unwind_RaiseException");
  memset(&exception, 0, sizeof exception);
  exception.class = 0x534f4d454f4e45;
  if (raise_exception) raise_exception(&exception);
#endif
}
OrtStatus *refuse(const char *name) {
  const size_t n = strlen(name) - strlen("fails");
  if (!strncmp(wrong, name, n) && !strcmp(wrong + n, "throws")) throw_exception();
  return IS(name) || (!strncmp(wrong, name, n) && !strcmp(wrong + n, "throws")) ? api->CreateStatus(ORT_EP_FAIL, name) : NULL;
}

static OrtStatus *ORT_API_CALL create_state(OrtNodeComputeInfo *i, OrtNodeComputeContext *c, void **state) {
  (void)i, (void)c;
  *state = NULL;
  return refuse("state-fails");
}
static void ORT_API_CALL release_state(OrtNodeComputeInfo *i, void *state) { (void)i, (void)state; }

static OrtStatus *describe(const OrtValue *v, int64_t *dims, size_t *rank, size_t *count) {
  OrtTensorTypeAndShapeInfo *shape = NULL;
  OrtStatus *failed = api->GetTensorTypeAndShape(v, &shape);
  if (!failed) failed = api->GetDimensionsCount(shape, rank);
  if (!failed) failed = api->GetDimensions(shape, dims, *rank < 8 ? *rank : 8);
  if (!failed) failed = api->GetTensorShapeElementCount(shape, count);
  api->ReleaseTensorTypeAndShapeInfo(shape);
  return failed;
}

static OrtStatus *ORT_API_CALL compute(OrtNodeComputeInfo *i, void *state, OrtKernelContext *c) {
  const OrtValue *in[2] = {NULL, NULL};
  OrtValue *out = NULL;
  float *x[2] = {NULL, NULL}, *y = NULL;
  int64_t dims[2][8];
  size_t rank[2], count[2], n = 0;
  (void)state;
  OrtStatus *failed = refuse("compute-fails");
  if (!failed) failed = api->KernelContext_GetInputCount(c, &n);
  for (size_t k = 0; k < 2 && !failed; k++) { /* a value that is both operands comes once */
    failed = api->KernelContext_GetInput(c, IS("compute-bad-input") ? 99 : n > 1 ? k : 0, &in[k]);
    if (!failed) failed = describe(in[k], dims[k], &rank[k], &count[k]);
    if (!failed) failed = api->GetTensorMutableData((OrtValue *)in[k], (void **)&x[k]);
  }
  if (failed || IS("compute-no-output")) return failed;
  if (IS("compute-wrong-shape")) dims[0][0] += 3;
  if (IS("compute-negative-shape")) dims[0][0] = -5;
  if (IS("compute-huge-shape"))
    for (size_t k = 0; k < rank[0]; k++) dims[0][k] = INT64_MAX / 2;
  failed = api->KernelContext_GetOutput(c, IS("compute-bad-output") ? 99 : 0, dims[0], rank[0], &out);
  if (!failed) failed = api->GetTensorMutableData(out, (void **)&y);
  for (size_t k = 0; k < count[0] && !failed; k++) {
    const float b = x[1][count[1] == 1 ? 0 : k];
    y[k] = i == &mul_info ? x[0][k] * b : x[0][k] + b;
  }
  return failed;
}

static const char *ORT_API_CALL ep_name(const OrtEp *e) { return (void)e, IS("ep-null-name") ? NULL : "BadProvider"; }

static OrtStatus *claim(OrtEpGraphSupportInfo *out, const OrtNode *const *nodes, size_t n) {
  OrtNodeFusionOptions o = {24, false};
  return ep_api->EpGraphSupportInfo_AddNodesToFuse(out, nodes, n, &o);
}

static OrtStatus *ORT_API_CALL get_capability(OrtEp *e, const OrtGraph *graph, OrtEpGraphSupportInfo *out) {
  const OrtNode *nodes[64] = {NULL}, *null = NULL;
  size_t n = 0;
  (void)e;
  OrtStatus *failed = api->Graph_GetNumNodes(graph, &n);
  if (!failed && n <= 64) failed = api->Graph_GetNodes(graph, nodes, n);
  for (size_t i = 0; i < n && !failed && !IS("capability-not-convex"); i++) {
    const char *type = NULL;
    failed = api->Node_GetOperatorType(nodes[i], &type);
    if (failed || (strcmp(type, "Add") != 0 && strcmp(type, "Mul") != 0)) continue;
    if (STARTS("kernel-") && strcmp(type, "Add") != 0) continue;
    failed = IS("capability-singles") || STARTS("kernel-") ? ep_api->EpGraphSupportInfo_AddSingleNode(out, nodes[i]) : claim(out, &nodes[i], 1);
    if (!failed && IS("capability-twice")) failed = claim(out, &nodes[i], 1);
  }
  if (!failed && IS("capability-not-convex")) { /* everything but the convolution in the middle */
    const OrtNode *rest[64];
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
      const char *type = NULL;
      api->ReleaseStatus(api->Node_GetOperatorType(nodes[i], &type));
      if (strcmp(type, "Conv") != 0) rest[m++] = nodes[i];
    }
    failed = claim(out, rest, m);
  }
  if (!failed && IS("capability-null-node")) failed = claim(out, &null, 1);
  if (!failed && IS("capability-empty")) failed = claim(out, nodes, 0);
  if (!failed && IS("capability-too-many")) failed = claim(out, nodes, 1000000);
  return failed ? failed : refuse("capability-fails");
}

static OrtStatus *ORT_API_CALL compile(OrtEp *e, const OrtGraph **graphs, const OrtNode **fused, size_t n,
                                       OrtNodeComputeInfo **infos, OrtNode **contexts) {
  OrtStatus *failed = refuse("compile-fails");
  (void)e, (void)fused, (void)contexts;
  add_info = mul_info = (OrtNodeComputeInfo){24, create_state, IS("compile-no-compute") ? NULL : compute, release_state};
  for (size_t i = 0; i < n && !failed; i++) {
    const OrtNode *node = NULL;
    const char *type = "";
    failed = api->Graph_GetNodes(graphs[i], &node, 1);
    if (!failed) failed = api->Node_GetOperatorType(node, &type);
    infos[i] = IS("compile-null") ? NULL : strcmp(type, "Mul") == 0 ? &mul_info : &add_info;
  }
  return failed;
}
static void ORT_API_CALL release_infos(OrtEp *e, OrtNodeComputeInfo **infos, size_t n) { (void)e, (void)infos, (void)n; }
static OrtStatus *ORT_API_CALL run_start(OrtEp *e, const OrtRunOptions *o) {
  return (void)e, (void)o, refuse("run-start-fails");
}
static OrtStatus *ORT_API_CALL run_end(OrtEp *e, const OrtRunOptions *o, bool sync) {
  return (void)e, (void)o, (void)sync, refuse("run-end-fails");
}
static OrtStatus *ORT_API_CALL layout(OrtEp *e, OrtEpDataLayout *out) {
  (void)e;
  *out = IS("layout-garbage") ? (OrtEpDataLayout)77 : OrtEpDataLayout_NCHW;
  return refuse("layout-fails");
}
static OrtStatus *ORT_API_CALL ready(OrtEp *e) { return (void)e, refuse("ready-fails"); }

static const char *ORT_API_CALL factory_name(const OrtEpFactory *f) {
  return (void)f, IS("factory-null-name") ? NULL : "BadProvider";
}
static const char *ORT_API_CALL factory_version(const OrtEpFactory *f) {
  return (void)f, IS("factory-bad-version") ? "new" : "1.0.0";
}

static OrtEpDevice *first; /* that was made since the library was loaded */

static OrtStatus *ORT_API_CALL devices(OrtEpFactory *f, const OrtHardwareDevice *const *hw, size_t n, OrtEpDevice **out,
                                       size_t room, size_t *made) {
  (void)room;
  if (IS("devices-of-another") && first) return *out = first, *made = 1, NULL;
  OrtStatus *failed = n ? ep_api->CreateEpDevice(f, hw[0], NULL, NULL, out) : NULL;
  *made = IS("devices-null") ? 3 : IS("devices-too-many") ? 1000 : 1;
  if (!failed) failed = bad_device_describe(out[0]);
  first = out[0];
  if (IS("devices-twice")) out[1] = out[0], *made = 2;
  if (IS("devices-none")) ep_api->ReleaseEpDevice(out[0]), out[0] = NULL, *made = 0;
  return failed ? failed : refuse("devices-fail");
}

static OrtStatus *ORT_API_CALL create_ep(OrtEpFactory *f, const OrtHardwareDevice *const *hw,
                                         const OrtKeyValuePairs *const *meta, size_t n, const OrtSessionOptions *o,
                                         const OrtLogger *l, OrtEp **out) {
  (void)f, (void)hw, (void)meta, (void)n, (void)o, (void)l;
  memset(&ep, 0, sizeof ep);
  ep.ort_version_supported = IS("ep-version-0") ? 0 : IS("ep-version-22") ? 22 : IS("ep-from-the-future") ? 5000 : 27;
  if (!IS("ep-no-name")) ep.GetName = ep_name;
  ep.GetCapability = get_capability;
  if (!IS("compile-missing")) ep.Compile = compile;
  ep.ReleaseNodeComputeInfos = release_infos;
  ep.GetPreferredDataLayout = layout;
  ep.OnRunStart = run_start, ep.OnRunEnd = run_end, ep.OnSessionInitializationEnd = ready;
  OrtStatus *failed = bad_device_provider(&ep);
  *out = IS("ep-null") ? NULL : &ep;
  return failed ? failed : refuse("ep-fails");
}
static void ORT_API_CALL release_ep(OrtEpFactory *f, OrtEp *e) { (void)f, (void)e; }
static const char *ORT_API_CALL no_text(const OrtEpFactory *f) { return (void)f, NULL; }

__attribute__((visibility("default"))) OrtStatus *CreateEpFactories(const char *name, const OrtApiBase *base,
                                                                    const OrtLogger *logger, OrtEpFactory **out, size_t max,
                                                                    size_t *n);
__attribute__((visibility("default"))) OrtStatus *ReleaseEpFactory(OrtEpFactory *f);

OrtStatus *CreateEpFactories(const char *name, const OrtApiBase *base, const OrtLogger *logger, OrtEpFactory **out,
                             size_t max, size_t *n) {
  (void)logger, (void)max;
  strncpy(wrong, name, sizeof wrong - 1);
  api = base->GetApi(24);
  ep_api = api->GetEpApi();
  memset(&factory, 0, sizeof factory);
  first = NULL;
  factory.ort_version_supported = 24;
  factory.GetName = factory_name, factory.GetVendor = factory_name, factory.GetVersion = factory_version;
  factory.GetSupportedDevices = IS("factory-no-devices") ? NULL : devices;
  factory.CreateEp = IS("factory-no-create") ? NULL : create_ep;
  factory.ReleaseEp = release_ep;
  if (IS("factory-null-vendor")) factory.GetVendor = no_text;
  OrtStatus *failed = bad_device_factory(&factory);
  if (failed) return failed;
  out[0] = IS("factory-null") ? NULL : &factory;
  if (IS("factories-twice") || IS("devices-of-another")) out[1] = out[0], *n = 2;
  else *n = IS("factories-none") ? 0 : IS("factories-too-many") ? 99 : 1;
  return refuse("factories-fail");
}
OrtStatus *ReleaseEpFactory(OrtEpFactory *f) {
  (void)f;
  bad_device_release();
  return NULL;
}
