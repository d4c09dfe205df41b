// SPDX-License-Identifier: MIT
/* A plugin provider in one file: it takes chains of Add, Sub, Mul and Relu on float tensors and runs each chain in one pass
 * over the data. Read it from the bottom up: the library's two functions, the factory, the provider, a compiled chain.
 *
 * It works with every library that speaks the ONNX Runtime C ABI, 1.24 or newer, and links none of them: the host hands over
 * its tables. Rules that hold everywhere below: a struct starts with ort_version_supported, set to the version of the header
 * this was built with; what is not wanted stays NULL; a function that fails returns a status made by the host. */
#include <stdlib.h>
#include <string.h>
#include "onnxruntime_c_api.h"

#define NAME "SampleProvider"
static const OrtApi *api;
static const OrtEpApi *ep_api;

#define TRY(call)                         \
  do {                                    \
    OrtStatus *failed = (call);           \
    if (failed != NULL) return failed;    \
  } while (0)
static OrtStatus *out_of_memory(void) { return api->CreateStatus(ORT_FAIL, NAME ": out of memory"); }

/* ---- a compiled chain ----
 *
 * Every value of the chain has a number: first the inputs, then one for each node. A chain is a list of nodes that name the
 * numbers they read; the last values are outputs. The host promises nothing about the sizes at compile time: they are looked
 * at in every run. */
typedef enum Op { OP_ADD, OP_SUB, OP_MUL, OP_RELU, OP_UNKNOWN } Op;
static Op op_of(const char *type) {
  static const char *const names[] = {"Add", "Sub", "Mul", "Relu"};
  for (int i = 0; i < OP_UNKNOWN; i++)
    if (strcmp(type, names[i]) == 0) return (Op)i;
  return OP_UNKNOWN;
}

typedef struct Step { Op op; size_t a, b; } Step;
typedef struct Chain {
  OrtNodeComputeInfo info; /* first: the host's pointer is ours */
  size_t n_inputs, n_steps, n_outputs;
  Step *steps;
  size_t *outputs;
} Chain;

/* State of one session for a chain; here there is none but the chain itself. */
static OrtStatus *ORT_API_CALL create_state(OrtNodeComputeInfo *info, OrtNodeComputeContext *context, void **state) {
  (void)context;
  *state = info;
  return NULL;
}
static void ORT_API_CALL release_state(OrtNodeComputeInfo *info, void *state) { (void)info, (void)state; }

typedef struct Shape { size_t rank; int64_t dims[8]; size_t count; } Shape;
static OrtStatus *shape_of(const OrtValue *value, Shape *shape) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  TRY(api->GetTensorTypeAndShape(value, &info));
  OrtStatus *failed = api->GetDimensionsCount(info, &shape->rank);
  if (!failed && shape->rank > 8) failed = api->CreateStatus(ORT_NOT_IMPLEMENTED, NAME ": more than 8 dimensions");
  if (!failed) failed = api->GetDimensions(info, shape->dims, shape->rank);
  if (!failed) failed = api->GetTensorShapeElementCount(info, &shape->count);
  api->ReleaseTensorTypeAndShapeInfo(info);
  return failed;
}

static float value_at(const Chain *c, const float *const *in, const size_t *counts, float *temporary, size_t number, size_t i) {
  return number < c->n_inputs ? in[number][counts[number] == 1 ? 0 : i] : temporary[number - c->n_inputs];
}

/* Element by element through the whole chain: nothing in between is ever stored. */
static void run_chain(const Chain *c, const float *const *in, const size_t *counts, float *const *out, float *temporary,
                      size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < c->n_steps; k++) {
      const Step *s = &c->steps[k];
      float a = value_at(c, in, counts, temporary, s->a, i);
      float b = s->op == OP_RELU ? 0 : value_at(c, in, counts, temporary, s->b, i);
      temporary[k] = s->op == OP_ADD ? a + b : s->op == OP_SUB ? a - b : s->op == OP_MUL ? a * b : a < 0 ? 0 : a;
    }
    for (size_t o = 0; o < c->n_outputs; o++) out[o][i] = temporary[c->outputs[o]];
  }
}

/* Called in every run, on several threads at once if the session runs so: it only reads the chain. */
static OrtStatus *ORT_API_CALL compute(OrtNodeComputeInfo *info, void *state, OrtKernelContext *context) {
  const Chain *c = state;
  (void)info;
  char *block = calloc(c->n_inputs + c->n_outputs + c->n_steps + 1, sizeof(void *) + sizeof(size_t));
  if (!block) return out_of_memory();
  const float **in = (const float **)block;
  float **out = (float **)(in + c->n_inputs);
  size_t *counts = (size_t *)(out + c->n_outputs);
  float *temporary = (float *)(counts + c->n_inputs);
  Shape whole = {0, {0}, 0}, shape;
  OrtStatus *failed = NULL;
  for (size_t i = 0; i < c->n_inputs && !failed; i++) {
    const OrtValue *value = NULL;
    void *data = NULL;
    failed = api->KernelContext_GetInput(context, i, &value);
    if (!failed) failed = shape_of(value, &shape);
    if (!failed) failed = api->GetTensorMutableData((OrtValue *)value, &data);
    in[i] = data, counts[i] = shape.count;
    if (!failed && (i == 0 || whole.count == 1)) whole = shape;
  }
  for (size_t i = 0; i < c->n_inputs && !failed; i++)
    if (counts[i] != 1 && counts[i] != whole.count)
      failed = api->CreateStatus(ORT_INVALID_ARGUMENT, NAME ": the inputs have different sizes");
  for (size_t o = 0; o < c->n_outputs && !failed; o++) {
    OrtValue *value = NULL;
    void *data = NULL;
    failed = api->KernelContext_GetOutput(context, o, whole.dims, whole.rank, &value);
    if (!failed) failed = api->GetTensorMutableData(value, &data);
    out[o] = data;
  }
  if (!failed) run_chain(c, in, counts, out, temporary, whole.count);
  free(block);
  return failed;
}

/* ---- the provider: one for each session ---- */
typedef struct Provider {
  OrtEp ep; /* first: the host's pointer is ours */
  OrtLogger *logger;
} Provider;

static const char *ORT_API_CALL provider_name(const OrtEp *ep) { return (void)ep, NAME; }

/* The shape of a float tensor; *known 0: it is something else, or a size is known only in the run. */
static OrtStatus *known_shape(const OrtValueInfo *value, Shape *shape, int *known) {
  const OrtTypeInfo *type = NULL;
  const OrtTensorTypeAndShapeInfo *tensor = NULL;
  ONNXTensorElementDataType element;
  *known = 0;
  TRY(api->GetValueInfoTypeInfo(value, &type));
  if (!type) return NULL;
  TRY(api->CastTypeInfoToTensorInfo(type, &tensor));
  if (!tensor) return NULL;
  TRY(api->GetTensorElementType(tensor, &element));
  TRY(api->GetDimensionsCount(tensor, &shape->rank));
  if (element != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || shape->rank > 8) return NULL;
  TRY(api->GetDimensions(tensor, shape->dims, shape->rank));
  shape->count = 1;
  for (size_t i = 0; i < shape->rank; i++) {
    if (shape->dims[i] < 0) return NULL;
    shape->count *= (size_t)shape->dims[i];
  }
  *known = 1;
  return NULL;
}

static int same(const Shape *a, const Shape *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

/* Is the node one of ours, with a result of shape *whole? A *whole of no elements takes any, and is set. Operands have the
 * result's shape, or none at all (scalars). */
static OrtStatus *node_fits(const OrtNode *node, Shape *whole, int *fits) {
  const char *type = NULL, *domain = NULL, *owner = NULL;
  const OrtValueInfo *in[2], *out = NULL;
  size_t n_in = 0, n_out = 0;
  Shape result, shape;
  int known = 0;
  *fits = 0;
  TRY(api->Node_GetOperatorType(node, &type));
  TRY(api->Node_GetDomain(node, &domain));
  TRY(api->Node_GetEpName(node, &owner)); /* another provider has it already */
  TRY(api->Node_GetNumInputs(node, &n_in));
  TRY(api->Node_GetNumOutputs(node, &n_out));
  Op op = op_of(type);
  if (op == OP_UNKNOWN || *domain || (owner && *owner) || n_out != 1 || n_in != (op == OP_RELU ? 1u : 2u)) return NULL;
  TRY(api->Node_GetInputs(node, in, n_in));
  TRY(api->Node_GetOutputs(node, &out, 1));
  TRY(known_shape(out, &result, &known));
  if (!known || result.count < 2 || (whole->count && !same(&result, whole))) return NULL;
  for (size_t i = 0; i < n_in; i++) {
    TRY(known_shape(in[i], &shape, &known));
    if (!known || !(shape.rank == 0 || same(&shape, &result))) return NULL;
  }
  *whole = result;
  *fits = 1;
  return NULL;
}

static OrtStatus *claim(OrtEpGraphSupportInfo *info, const OrtNode *const *nodes, size_t n) {
  OrtNodeFusionOptions options = {24, false}; /* constants stay inputs of the fused node */
  return n ? ep_api->EpGraphSupportInfo_AddNodesToFuse(info, nodes, n, &options) : NULL;
}

/* Nodes come in execution order. A run of them that we know, all of one shape, can always be one group: nothing lies in
 * between. No more than MOST of them, so that a group has few inputs. */
enum { MOST = 32 };
static OrtStatus *claim_runs(const OrtGraph *graph, OrtEpGraphSupportInfo *info, const OrtNode **nodes, size_t n) {
  const Shape any = {0, {0}, 0};
  Shape whole = any;
  size_t begin = 0;
  TRY(api->Graph_GetNodes(graph, nodes, n));
  for (size_t i = 0; i < n; i++) {
    Shape before = whole;
    int fits = 0;
    TRY(node_fits(nodes[i], &whole, &fits));
    if (fits && i - begin < MOST) continue;
    TRY(claim(info, nodes + begin, i - begin));
    whole = any, begin = i + 1;
    if (before.count == 0) continue;
    TRY(node_fits(nodes[i], &whole, &fits)); /* maybe it begins the next one */
    begin = fits ? i : i + 1;
    if (!fits) whole = any;
  }
  return claim(info, nodes + begin, n - begin);
}

static OrtStatus *ORT_API_CALL get_capability(OrtEp *ep, const OrtGraph *graph, OrtEpGraphSupportInfo *info) {
  size_t n = 0;
  (void)ep;
  TRY(api->Graph_GetNumNodes(graph, &n));
  const OrtNode **nodes = calloc(n + 1, sizeof *nodes);
  if (!nodes) return out_of_memory();
  OrtStatus *failed = claim_runs(graph, info, nodes, n);
  free(nodes);
  return failed;
}

/* The number of a value: an input of the fused node, or the result of a step before. */
static OrtStatus *number_of(const OrtValueInfo *value, const char *const *names, size_t n, size_t *number) {
  const char *name = NULL;
  TRY(api->GetValueInfoName(value, &name));
  for (*number = 0; *number < n; ++*number)
    if (strcmp(names[*number], name) == 0) return NULL;
  return api->CreateStatus(ORT_EP_FAIL, NAME ": a value of the group comes from nowhere");
}

typedef struct Names { const char **at; size_t n; } Names;
static OrtStatus *compile_nodes(Chain *c, const OrtNode *const *nodes, const OrtNode *fused, Names *names) {
  const OrtValueInfo *value[64];
  TRY(api->Node_GetInputs(fused, value, c->n_inputs));
  for (size_t i = 0; i < c->n_inputs; i++) TRY(api->GetValueInfoName(value[i], &names->at[names->n++]));
  for (size_t k = 0; k < c->n_steps; k++) {
    const char *type = NULL;
    size_t n_in = 0;
    TRY(api->Node_GetOperatorType(nodes[k], &type));
    TRY(api->Node_GetNumInputs(nodes[k], &n_in));
    TRY(api->Node_GetInputs(nodes[k], value, n_in));
    c->steps[k].op = op_of(type);
    TRY(number_of(value[0], names->at, names->n, &c->steps[k].a));
    if (n_in > 1) TRY(number_of(value[1], names->at, names->n, &c->steps[k].b));
    TRY(api->Node_GetOutputs(nodes[k], value, 1));
    TRY(api->GetValueInfoName(value[0], &names->at[names->n++]));
  }
  TRY(api->Node_GetOutputs(fused, value, c->n_outputs));
  for (size_t o = 0; o < c->n_outputs; o++) {
    TRY(number_of(value[o], names->at, names->n, &c->outputs[o]));
    c->outputs[o] -= c->n_inputs;
  }
  return NULL;
}

static void free_chain(Chain *c) {
  if (!c) return;
  free(c->steps);
  free(c->outputs);
  free(c);
}

static OrtStatus *compile_graph(const OrtGraph *graph, const OrtNode *fused, Chain **out) {
  Chain *c = *out = calloc(1, sizeof *c);
  if (!c) return out_of_memory();
  c->info = (OrtNodeComputeInfo){24, create_state, compute, release_state};
  TRY(api->Graph_GetNumNodes(graph, &c->n_steps));
  TRY(api->Node_GetNumInputs(fused, &c->n_inputs));
  TRY(api->Node_GetNumOutputs(fused, &c->n_outputs));
  if (c->n_inputs > 64 || c->n_outputs > 64) return api->CreateStatus(ORT_NOT_IMPLEMENTED, NAME ": more than 64 inputs or outputs");
  c->steps = calloc(c->n_steps + 1, sizeof *c->steps);
  c->outputs = calloc(c->n_outputs + 1, sizeof *c->outputs);
  const OrtNode **nodes = calloc(c->n_steps + 1, sizeof *nodes);
  Names names = {calloc(c->n_inputs + c->n_steps + 1, sizeof *names.at), 0};
  OrtStatus *failed = c->steps && c->outputs && nodes && names.at ? NULL : out_of_memory();
  if (!failed) failed = api->Graph_GetNodes(graph, nodes, c->n_steps);
  if (!failed) failed = compile_nodes(c, nodes, fused, &names);
  free(nodes);
  free(names.at);
  return failed;
}

static void ORT_API_CALL release_infos(OrtEp *ep, OrtNodeComputeInfo **infos, size_t n) {
  (void)ep;
  for (size_t i = 0; i < n; i++) free_chain((Chain *)infos[i]);
}

/* graphs[i] holds the nodes of group i, fused_nodes[i] is the node that takes their place. Both are the host's. */
static OrtStatus *ORT_API_CALL compile(OrtEp *ep, const OrtGraph **graphs, const OrtNode **fused_nodes, size_t count,
                                       OrtNodeComputeInfo **infos, OrtNode **ep_context_nodes) {
  (void)ep_context_nodes; /* for providers that can save what they compiled */
  OrtStatus *failed = NULL;
  for (size_t i = 0; i < count && !failed; i++) {
    Chain *c = NULL;
    failed = compile_graph(graphs[i], fused_nodes[i], &c);
    infos[i] = (OrtNodeComputeInfo *)c;
    if (!failed) continue;
    release_infos(ep, infos, i + 1);
    for (size_t k = 0; k <= i; k++) infos[k] = NULL;
  }
  return failed;
}

/* ---- the factory: one for the library ---- */
static const char *ORT_API_CALL factory_name(const OrtEpFactory *f) { return (void)f, NAME; }
static const char *ORT_API_CALL factory_vendor(const OrtEpFactory *f) { return (void)f, "sardonyx"; }
static uint32_t ORT_API_CALL factory_vendor_id(const OrtEpFactory *f) { return (void)f, 0; }
static const char *ORT_API_CALL factory_version(const OrtEpFactory *f) { return (void)f, "1.0.0"; }

/* One device of ours for the first CPU that the host has. */
static OrtStatus *ORT_API_CALL supported_devices(OrtEpFactory *f, const OrtHardwareDevice *const *devices, size_t n,
                                                 OrtEpDevice **made, size_t room, size_t *n_made) {
  *n_made = 0;
  for (size_t i = 0; i < n && room && *n_made == 0; i++) {
    if (api->HardwareDevice_Type(devices[i]) != OrtHardwareDeviceType_CPU) continue;
    TRY(ep_api->CreateEpDevice(f, devices[i], NULL, NULL, &made[0])); /* the host's from here on */
    *n_made = 1;
  }
  return NULL;
}

static OrtStatus *ORT_API_CALL create_provider(OrtEpFactory *f, const OrtHardwareDevice *const *devices,
                                               const OrtKeyValuePairs *const *metadata, size_t n,
                                               const OrtSessionOptions *options, const OrtLogger *logger, OrtEp **out) {
  (void)f, (void)devices, (void)metadata, (void)n, (void)options;
  Provider *p = calloc(1, sizeof *p);
  if (!p) return out_of_memory();
  p->logger = (OrtLogger *)logger;
  p->ep.ort_version_supported = 24;
  p->ep.GetName = provider_name;
  p->ep.GetCapability = get_capability;
  p->ep.Compile = compile;
  p->ep.ReleaseNodeComputeInfos = release_infos;
  *out = &p->ep;
  return NULL;
}
/* ONNX Runtime calls these without looking whether they are there. */
static OrtStatus *ORT_API_CALL create_allocator(OrtEpFactory *f, const OrtMemoryInfo *memory,
                                                const OrtKeyValuePairs *options, OrtAllocator **out) {
  (void)f, (void)memory, (void)options;
  *out = NULL;
  return api->CreateStatus(ORT_NOT_IMPLEMENTED, NAME ": it has no memory of its own");
}
static void ORT_API_CALL release_allocator(OrtEpFactory *f, OrtAllocator *allocator) { (void)f, (void)allocator; }
static OrtStatus *ORT_API_CALL create_data_transfer(OrtEpFactory *f, OrtDataTransferImpl **out) {
  (void)f;
  *out = NULL;
  return NULL;
}
static bool ORT_API_CALL is_stream_aware(const OrtEpFactory *f) { return (void)f, false; }

static void ORT_API_CALL release_provider(OrtEpFactory *f, OrtEp *ep) { (void)f, free(ep); }

/* ---- what the library exports ---- */
#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
EXPORT OrtStatus *CreateEpFactories(const char *registration_name, const OrtApiBase *base, const OrtLogger *logger,
                                    OrtEpFactory **factories, size_t max_factories, size_t *num_factories);
EXPORT OrtStatus *ReleaseEpFactory(OrtEpFactory *factory);

static int registered; /* the tables above are those of one host */
OrtStatus *CreateEpFactories(const char *registration_name, const OrtApiBase *base, const OrtLogger *logger,
                             OrtEpFactory **factories, size_t max_factories, size_t *num_factories) {
  static OrtEpFactory factory;
  (void)registration_name, (void)logger;
  *num_factories = 0;
  const OrtApi *host = base->GetApi(24); /* the oldest that has all we use */
  if (!host) return NULL;                /* without the table there is no way to say more */
  if (registered && api != host) return host->CreateStatus(ORT_FAIL, NAME " serves another runtime of this process already");
  api = host;
  ep_api = api->GetEpApi();
  if (!max_factories) return api->CreateStatus(ORT_INVALID_ARGUMENT, NAME ": no room for a factory");
  memset(&factory, 0, sizeof factory);
  factory.ort_version_supported = 24;
  factory.GetName = factory_name;
  factory.GetVendor = factory_vendor;
  factory.GetVendorId = factory_vendor_id;
  factory.GetVersion = factory_version;
  factory.GetSupportedDevices = supported_devices;
  factory.CreateEp = create_provider;
  factory.ReleaseEp = release_provider;
  factory.CreateAllocator = create_allocator;
  factory.ReleaseAllocator = release_allocator;
  factory.CreateDataTransfer = create_data_transfer;
  factory.IsStreamAware = is_stream_aware;
  factories[0] = &factory;
  *num_factories = 1;
  registered++;
  return NULL;
}

OrtStatus *ReleaseEpFactory(OrtEpFactory *factory) {
  (void)factory;
  registered--; /* the next host may be another one */
  return NULL;
}
