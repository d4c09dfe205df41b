// SPDX-License-Identifier: MIT
/* Groups of nodes that the provider compiles: a list of steps over numbered values, which can be written into an EPContext
 * node and read from one. Values are first the inputs, then the constants (the provider keeps them on the device), then
 * results. */
#include "device.h"
#include <stdio.h>
#include <stdlib.h>

enum { MAX_STEPS = 32, MAX_VALUES = 64 };
typedef struct Step {
  int32_t op, n_in, in[MAX_IN];
} Step;
typedef struct Program { /* what is written, followed by a Tensor and its bytes, or where they are, for each constant */
  int32_t n_in, n_const, n_steps, n_out, weights;
  Step steps[MAX_STEPS];
  int32_t out[MAX_VALUES];
} Program;
typedef struct Group {
  OrtNodeComputeInfo info; /* first: the host's pointer is ours */
  Device *device;
  Program p;
  Tensor constants[MAX_VALUES];
} Group;

bool wanted(const char *only, const char *op) {
  size_t n = strlen(op);
  for (const char *p = only; p && *p; p += strcspn(p, ","), p += *p == ',')
    if (strcspn(p, ",") == n && !strncmp(p, op, n)) return true;
  return !only || !*only;
}

static const Op *op_of(const OrtNode *node, OrtStatus **failed) {
  const char *type = NULL, *domain = NULL, *owner = NULL;
  *failed = api->Node_GetOperatorType(node, &type);
  if (!*failed) *failed = api->Node_GetDomain(node, &domain);
  if (!*failed) *failed = api->Node_GetEpName(node, &owner);
  return *failed || (owner && *owner) ? NULL : op_find(domain, type);
}

/* Nodes come in execution order: runs of those that we know are groups. */
OrtStatus *groups_claim(const OrtGraph *graph, OrtEpGraphSupportInfo *info, const char *only, const Contexts *c) {
  const OrtNodeFusionOptions options = {24, c->weights != WEIGHTS_GIVEN}, with_all = {24, false};
  const OrtNode *nodes[256], *context[1];
  size_t n = 0, begin = 0;
  TRY(api->Graph_GetNumNodes(graph, &n));
  if (n > 255) return fail("more than 255 nodes");
  TRY(api->Graph_GetNodes(graph, nodes, n));
  for (size_t i = 0; i <= n; i++) {
    const char *type = "";
    OrtStatus *failed = NULL;
    const Op *op = i < n ? op_of(nodes[i], &failed) : NULL;
    if (failed) return failed;
    if (i < n) TRY(api->Node_GetOperatorType(nodes[i], &type));
    if (op && op->compiles && wanted(only, op->name) && i - begin < MAX_STEPS) continue;
    if (i > begin) TRY(ep_api->EpGraphSupportInfo_AddNodesToFuse(info, nodes + begin, i - begin, &options));
    begin = i + 1;
    if (strcmp(type, "EPContext") != 0) continue;
    context[0] = nodes[i];
    TRY(ep_api->EpGraphSupportInfo_AddNodesToFuse(info, context, 1, &with_all)); /* its weights may be inputs */
  }
  return NULL;
}

/* ---- compiling ---- */
typedef struct Names {
  const char *at[MAX_VALUES];
  int n;
} Names;
static OrtStatus *add_name(Names *names, const OrtValueInfo *v) {
  if (names->n == MAX_VALUES) return fail("more than 64 values in a group");
  return api->GetValueInfoName(v, &names->at[names->n++]);
}
static OrtStatus *number_of(const Names *names, const OrtValueInfo *v, int32_t *number) {
  const char *name = NULL;
  TRY(api->GetValueInfoName(v, &name));
  for (*number = 0; *number < names->n; ++*number)
    if (!strcmp(names->at[*number], name)) return NULL;
  return fail("a value of the group comes from nowhere");
}
static bool is_known(const Names *names, const OrtValueInfo *v) {
  int32_t number;
  OrtStatus *unknown = number_of(names, v, &number);
  api->ReleaseStatus(unknown);
  return !unknown;
}

static OrtStatus *keep_constant(Group *g, const Tensor *host) {
  Tensor *t = &g->constants[g->p.n_const++];
  *t = *host;
  if (!(t->data = device_alloc(g->device, t->bytes))) return fail("the device is full");
  memcpy(device_real(t->data), host->data, t->bytes);
  return NULL;
}
/* Constants that the nodes read, of this graph or of one around. */
static OrtStatus *keep_constants(Group *g, const OrtNode *const *nodes, size_t n, Names *names) {
  const OrtValueInfo *v[MAX_IN];
  for (size_t k = 0; k < n; k++) {
    size_t n_in = 0;
    TRY(api->Node_GetNumInputs(nodes[k], &n_in));
    if (n_in > MAX_IN) return fail("more than 8 inputs");
    TRY(api->Node_GetInputs(nodes[k], v, n_in));
    for (size_t i = 0; i < n_in; i++) {
      const OrtValue *value = NULL;
      bool constant = false;
      Tensor t;
      TRY(api->ValueInfo_IsConstantInitializer(v[i], &constant));
      if (!constant || is_known(names, v[i])) continue;
      TRY(add_name(names, v[i]));
      TRY(api->ValueInfo_GetInitializerValue(v[i], &value));
      if (!value) return fail("a constant without a value");
      TRY(tensor_of(value, &t));
      TRY(keep_constant(g, &t));
    }
  }
  return NULL;
}
static OrtStatus *compile_steps(Group *g, const OrtNode *const *nodes, size_t n, const OrtNode *fused, Names *names) {
  const OrtValueInfo *v[MAX_VALUES];
  for (size_t k = 0; k < n; k++) {
    OrtStatus *failed = NULL;
    const Op *op = op_of(nodes[k], &failed);
    size_t n_in = 0;
    if (failed || !op) return failed ? failed : fail("a node that nobody claimed");
    Step *s = &g->p.steps[g->p.n_steps++];
    TRY(api->Node_GetNumInputs(nodes[k], &n_in));
    TRY(api->Node_GetInputs(nodes[k], v, n_in));
    s->op = (int32_t)(op - ops), s->n_in = (int32_t)n_in;
    for (size_t i = 0; i < n_in; i++) TRY(number_of(names, v[i], &s->in[i]));
    TRY(api->Node_GetOutputs(nodes[k], v, 1));
    TRY(add_name(names, v[0]));
  }
  TRY(api->Node_GetNumOutputs(fused, &n));
  g->p.n_out = (int32_t)n;
  TRY(api->Node_GetOutputs(fused, v, n));
  for (size_t i = 0; i < n; i++) TRY(number_of(names, v[i], &g->p.out[i]));
  return NULL;
}

/* ---- EPContext: written and read ---- */
/* Where in the source model the bytes of a weight are: its Tensor is written with that instead of an address. */
static OrtStatus *find_weight(const Contexts *c, const Tensor *t, size_t *at) {
  const char *from = c->source;
  for (*at = 0; from && *at + t->bytes <= c->source_size; ++*at)
    if (!memcmp(from + *at, device_real(t->data), t->bytes)) return NULL;
  return fail("a weight is not in the source model");
}
/* What was compiled, as bytes: the program, then each constant. */
static OrtStatus *pack(const Group *g, const Contexts *c, char **out, size_t *bytes) {
  const bool found = g->p.weights == WEIGHTS_FOUND;
  size_t at = sizeof g->p;
  OrtStatus *failed = NULL;
  *bytes = sizeof g->p;
  for (int i = 0; i < g->p.n_const; i++) *bytes += sizeof(Tensor) + (found ? 0 : g->constants[i].bytes);
  char *data = *out = malloc(*bytes);
  if (!data) return fail("out of memory");
  memcpy(data, &g->p, sizeof g->p);
  for (int i = 0; i < g->p.n_const && !failed; i++) {
    Tensor t = g->constants[i];
    size_t place = 0;
    if (found) failed = find_weight(c, &t, &place);
    if (!found) memcpy(data + at + sizeof t, device_real(t.data), t.bytes);
    t.data = (void *)place;
    memcpy(data + at, &t, sizeof t);
    at += sizeof t + (found ? 0 : t.bytes);
  }
  if (failed) free(data);
  return failed;
}
static OrtStatus *write_context(const Group *g, const char *provider, const Contexts *c, const OrtNode *fused, OrtNode **out) {
  size_t size = 0;
  const char *names[2][MAX_VALUES] = {{0}}, *name = NULL;
  char *data = NULL;
  OrtOpAttr *attrs[3] = {NULL};
  const bool apart = !c->embed && c->write_named;
  const int64_t embedded = !apart;
  TRY(api->Node_GetName(fused, &name));
  TRY(pack(g, c, &data, &size));
  OrtStatus *failed = apart ? c->write_named(c->write_state, name, data, size) : NULL;
  if (!failed)
    failed = api->CreateOpAttr("ep_cache_context", apart ? name : data, apart ? (int)strlen(name) : (int)size,
                               ORT_OP_ATTR_STRING, &attrs[0]);
  free(data);
  if (!failed) failed = api->CreateOpAttr("source", provider, (int)strlen(provider), ORT_OP_ATTR_STRING, &attrs[1]);
  if (!failed) failed = api->CreateOpAttr("embed_mode", &embedded, 1, ORT_OP_ATTR_INT, &attrs[2]);
  size_t n[2] = {0, 0};
  if (!failed) failed = api->Node_GetNumInputs(fused, &n[0]);
  if (!failed) failed = api->Node_GetNumOutputs(fused, &n[1]);
  for (int k = 0; k < 2 && !failed; k++) {
    const OrtValueInfo *v[MAX_VALUES];
    failed = k ? api->Node_GetOutputs(fused, v, n[k]) : api->Node_GetInputs(fused, v, n[k]);
    for (size_t i = 0; i < n[k] && !failed; i++) failed = api->GetValueInfoName(v[i], &names[k][i]);
  }
  if (!failed)
    failed = api->GetModelEditorApi()->CreateNode("EPContext", "com.microsoft", name, names[0], n[0], names[1], n[1], attrs,
                                                  3, out);
  for (int i = 0; i < 3; i++) /* the node has them, when there is one */
    if (failed) api->ReleaseOpAttr(attrs[i]);
  if (!failed) counters.contexts_written++;
  return failed;
}
static OrtStatus *unpack(Group *g, const Contexts *c, char *data, size_t size) {
  if (size < sizeof g->p) return fail("the context is too short");
  memcpy(&g->p, data, sizeof g->p);
  int n = g->p.n_const;
  size_t at = sizeof g->p;
  g->p.n_const = 0;
  for (int i = 0; i < n; i++) {
    Tensor t;
    memcpy(&t, data + at, sizeof t);
    const bool found = g->p.weights == WEIGHTS_FOUND;
    if (found && (size_t)t.data + t.bytes > c->source_size) return fail("the source model is missing");
    t.data = found ? (char *)c->source + (size_t)t.data : data + at + sizeof t;
    at += sizeof t + (found ? 0 : t.bytes);
    TRY(keep_constant(g, &t));
  }
  return NULL;
}
static OrtStatus *read_context(Group *g, const Contexts *c, const OrtNode *node) {
  const OrtOpAttr *attr = NULL;
  OrtAllocator *a = NULL;
  size_t size = 0;
  int64_t embedded = 1;
  void *apart = NULL;
  TRY(api->Node_GetAttributeByName(node, "embed_mode", &attr));
  TRY(api->ReadOpAttr(attr, ORT_OP_ATTR_INT, &embedded, sizeof embedded, &size));
  TRY(api->Node_GetAttributeByName(node, "ep_cache_context", &attr));
  OrtStatus *small = api->ReadOpAttr(attr, ORT_OP_ATTR_STRING, NULL, 0, &size);
  api->ReleaseStatus(small);
  char *data = calloc(1, size + 1);
  if (!data) return fail("out of memory");
  OrtStatus *failed = api->ReadOpAttr(attr, ORT_OP_ATTR_STRING, data, size, &size);
  if (!failed) failed = api->GetAllocatorWithDefaultOptions(&a);
  if (!failed && !embedded)
    failed = c->read_named ? c->read_named(c->read_state, data, a, &apart, &size) : fail("nobody knows the named data");
  if (!failed) failed = unpack(g, c, apart ? apart : data, size);
  if (apart) a->Free(a, apart);
  free(data);
  if (!failed) counters.contexts_read++;
  return failed;
}

/* ---- running ---- */
static OrtStatus *ORT_API_CALL create_state(OrtNodeComputeInfo *info, OrtNodeComputeContext *c, void **state) {
  if (!ep_api->NodeComputeContext_NodeName(c)) return fail("a fused node without a name");
  counters.states++;
  *state = info;
  return NULL;
}
static void ORT_API_CALL release_state(OrtNodeComputeInfo *info, void *state) {
  (void)info, (void)state;
  counters.states--;
}

static OrtStatus *run_step(Group *g, OrtKernelContext *c, int k, Tensor *values, Stream *stream) {
  Task t = {.n_in = (size_t)g->p.steps[k].n_in};
  int number = g->p.n_in + g->p.n_const + k, output = -1;
  for (size_t i = 0; i < t.n_in; i++) t.in[i] = values[g->p.steps[k].in[i]];
  TRY(ops[g->p.steps[k].op].plan(&t));
  for (int o = 0; o < g->p.n_out; o++)
    if (g->p.out[o] == number) output = o;
  if (output >= 0) {
    OrtValue *out = NULL;
    TRY(api->KernelContext_GetOutput(c, (size_t)output, t.out.dims, t.out.rank, &out));
    if (out) TRY(api->GetTensorMutableData(out, &t.out.data));
    if (out && t.out.bytes && device_real(t.out.data) == t.out.data) return fail("an output lies in the wrong memory");
  }
  if (!t.out.data && !(t.out.data = device_alloc(g->device, t.out.bytes))) return fail("the device is full");
  values[number] = t.out;
  device_do(stream, t);
  return NULL;
}
static OrtStatus *ORT_API_CALL compute(OrtNodeComputeInfo *info, void *state, OrtKernelContext *c) {
  Group *g = state;
  Tensor values[3 * MAX_VALUES] = {{0}};
  OrtSyncStream *stream = NULL;
  OrtStatus *failed = (void *)info == state ? NULL : fail("the state of another group");
  counters.computed++;
  for (int i = 0; i < g->p.n_in && !failed; i++) {
    const OrtValue *v = NULL;
    failed = api->KernelContext_GetInput(c, (size_t)i, &v);
    if (!failed) failed = tensor_of(v, &values[i]);
    if (!failed && values[i].bytes && device_real(values[i].data) == values[i].data)
      failed = fail("an input lies in the wrong memory");
  }
  for (int i = 0; i < g->p.n_const; i++) values[g->p.n_in + i] = g->constants[i];
  if (!failed) failed = api->KernelContext_GetSyncStream(c, &stream);
  for (int k = 0; k < g->p.n_steps && !failed; k++) failed = run_step(g, c, k, values, stream_of(stream));
  for (int k = 0; k < g->p.n_steps; k++) { /* results of the group's own */
    bool output = false;
    for (int o = 0; o < g->p.n_out; o++) output |= g->p.out[o] == g->p.n_in + g->p.n_const + k;
    if (!output) device_free(g->device, values[g->p.n_in + g->p.n_const + k].data);
  }
  return failed;
}

OrtStatus *groups_compile(Device *d, const char *provider, const Contexts *c, const OrtGraph **graphs, const OrtNode **fused,
                          size_t n, OrtNodeComputeInfo **infos, OrtNode **context_nodes) {
  OrtStatus *failed = NULL;
  for (size_t i = 0; i < n && !failed; i++) {
    const OrtNode *nodes[MAX_STEPS];
    const OrtValueInfo *in[MAX_VALUES];
    const char *type = "";
    Names names = {{0}, 0};
    size_t count = 0, n_in = 0;
    Group *g = calloc(1, sizeof *g);
    if (!g) return fail("out of memory");
    g->info = (OrtNodeComputeInfo){24, create_state, compute, release_state};
    g->device = d;
    infos[i] = &g->info;
    counters.groups++;
    failed = api->Graph_GetNumNodes(graphs[i], &count);
    if (!failed) failed = count <= MAX_STEPS ? api->Graph_GetNodes(graphs[i], nodes, count) : fail("more than 32 nodes");
    if (!failed) failed = api->Node_GetOperatorType(nodes[0], &type);
    if (!failed && !strcmp(type, "EPContext")) {
      failed = read_context(g, c, nodes[0]);
      continue;
    }
    if (!failed) failed = api->Node_GetNumInputs(fused[i], &n_in);
    if (!failed) failed = n_in <= MAX_VALUES ? api->Node_GetInputs(fused[i], in, n_in) : fail("more than 64 inputs");
    for (size_t k = 0; k < n_in && !failed; k++) failed = add_name(&names, in[k]);
    g->p.n_in = (int32_t)n_in, g->p.weights = c->weights;
    if (!failed) failed = keep_constants(g, nodes, count, &names);
    if (!failed) failed = compile_steps(g, nodes, count, fused[i], &names);
    if (!failed && c->write) failed = write_context(g, provider, c, fused[i], &context_nodes[i]);
  }
  if (failed) groups_release(infos, n);
  for (size_t i = 0; i < n && failed; i++) infos[i] = NULL;
  return failed;
}
void groups_release(OrtNodeComputeInfo **infos, size_t n) {
  for (size_t i = 0; i < n; i++) {
    Group *g = (Group *)infos[i];
    for (int k = 0; g && k < g->p.n_const; k++) device_free(g->device, g->constants[k].data);
    if (g) counters.groups--;
    free(g);
  }
}
