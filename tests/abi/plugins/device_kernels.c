// SPDX-License-Identifier: MIT
/* What the device computes: a table of operators, each with a function that looks at the shapes and one that does the work.
 * The numbers are those of plain loops; what matters is where they lie. */
#include "device.h"
#include <stdio.h>
#include <stdlib.h>

size_t tensor_size(ONNXTensorElementDataType t) {
  return t == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? 4 : t == ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL ? 1 : 8;
}
static OrtStatus *shaped(Tensor *out, ONNXTensorElementDataType type, size_t rank, const int64_t *dims) {
  if (rank > MAX_RANK) return fail("more than 6 dimensions");
  out->rank = rank, out->type = type, out->count = 1;
  for (size_t i = 0; i < rank; i++) out->count *= (size_t)(out->dims[i] = dims[i]);
  out->bytes = out->count * tensor_size(type);
  return NULL;
}

/* ---- element by element, with broadcasting ---- */
static size_t offset_of(const Tensor *t, const Tensor *out, size_t i) {
  size_t at = 0, step = 1;
  for (size_t d = out->rank, k = t->rank; d-- > 0 && k > 0; i /= (size_t)out->dims[d]) {
    k--;
    if (t->dims[k] != 1) at += i % (size_t)out->dims[d] * step;
    step *= (size_t)t->dims[k];
  }
  return at;
}
static OrtStatus *broadcast(Task *t, ONNXTensorElementDataType type) {
  int64_t dims[MAX_RANK];
  const Tensor *a = &t->in[0], *b = &t->in[1];
  size_t rank = a->rank > b->rank ? a->rank : b->rank;
  for (size_t d = 0; d < rank; d++) {
    int64_t x = d + a->rank < rank ? 1 : a->dims[d + a->rank - rank],
            y = d + b->rank < rank ? 1 : b->dims[d + b->rank - rank];
    if (x != y && x != 1 && y != 1) return fail("shapes that do not fit");
    dims[d] = x == 1 ? y : x;
  }
  return shaped(&t->out, type, rank, dims);
}
#define BINARY(name, expression, result)                                                                     \
  static void run_##name(const Task *t) {                                                                    \
    void *out = device_real(t->out.data);                                                                    \
    for (size_t i = 0; i < t->out.count; i++) {                                                              \
      size_t k = offset_of(&t->in[0], &t->out, i), m = offset_of(&t->in[1], &t->out, i);                     \
      if (t->in[0].type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {                                            \
        typedef float number;                                                                                \
        number x = ((number *)device_real(t->in[0].data))[k], y = ((number *)device_real(t->in[1].data))[m]; \
        ((result *)out)[i] = (result)(expression);                                                           \
      } else {                                                                                               \
        typedef int64_t number;                                                                              \
        number x = ((number *)device_real(t->in[0].data))[k], y = ((number *)device_real(t->in[1].data))[m]; \
        ((result *)out)[i] = (result)(expression);                                                           \
      }                                                                                                      \
    }                                                                                                        \
  }
#define BINARY_OF_TYPE(name, expression)                                                             \
  BINARY(name##_f, expression, float)                                                                \
  BINARY(name##_i, expression, int64_t)                                                              \
  static OrtStatus *plan_##name(Task *t) {                                                           \
    t->run = t->in[0].type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? run_##name##_f : run_##name##_i; \
    return broadcast(t, t->in[0].type);                                                              \
  }
BINARY_OF_TYPE(add, x + y)
BINARY_OF_TYPE(sub, x - y)
BINARY_OF_TYPE(mul, x *y)
BINARY(less, x < y, uint8_t)
static OrtStatus *plan_less(Task *t) {
  t->run = run_less;
  return broadcast(t, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL);
}
static void run_relu(const Task *t) {
  const float *x = device_real(t->in[0].data);
  float *y = device_real(t->out.data);
  for (size_t i = 0; i < t->out.count; i++) y[i] = x[i] > 0 ? x[i] : 0;
}
static OrtStatus *plan_relu(Task *t) {
  t->run = run_relu;
  return shaped(&t->out, t->in[0].type, t->in[0].rank, t->in[0].dims);
}
static void run_triple(const Task *t) {
  const float *x = device_real(t->in[0].data);
  float *y = device_real(t->out.data);
  for (size_t i = 0; i < t->out.count; i++) y[i] = 3 * x[i];
}
static OrtStatus *plan_triple(Task *t) {
  t->run = run_triple;
  return shaped(&t->out, t->in[0].type, t->in[0].rank, t->in[0].dims);
}

/* ---- the rest ---- */
static OrtStatus *plan_identity(Task *t) {
  t->run = task_copy;
  return shaped(&t->out, t->in[0].type, t->in[0].rank, t->in[0].dims);
}
static OrtStatus *plan_reshape(Task *t) { /* the shape lies with the host */
  int64_t dims[MAX_RANK];
  const int64_t *shape = t->in[1].data;
  size_t known = 1, open = MAX_RANK;
  if (t->in[1].count > MAX_RANK) return fail("more than 6 dimensions");
  for (size_t i = 0; i < t->in[1].count; i++) {
    dims[i] = shape[i] ? shape[i] : t->in[0].dims[i];
    if (dims[i] < 0)
      open = i;
    else
      known *= (size_t)dims[i];
  }
  if (open < MAX_RANK) dims[open] = known ? (int64_t)(t->in[0].count / known) : 0;
  t->run = task_copy;
  return shaped(&t->out, t->in[0].type, t->in[1].count, dims);
}
static void run_shape(const Task *t) { memcpy(t->out.data, t->in[0].dims, t->in[0].rank * sizeof(int64_t)); }
static OrtStatus *plan_shape(Task *t) {
  t->run = run_shape;
  return shaped(&t->out, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, 1, (int64_t[]){(int64_t)t->in[0].rank});
}
static void run_matmul(const Task *t) {
  const float *a = device_real(t->in[0].data), *b = device_real(t->in[1].data);
  float *c = device_real(t->out.data);
  int64_t M = t->in[0].dims[0], K = t->in[0].dims[1], N = t->in[1].dims[1];
  for (int64_t m = 0; m < M; m++)
    for (int64_t n = 0; n < N; n++) {
      float sum = 0;
      for (int64_t k = 0; k < K; k++) sum += a[m * K + k] * b[k * N + n];
      c[m * N + n] = sum;
    }
}
static OrtStatus *plan_matmul(Task *t) {
  if (t->in[0].rank != 2 || t->in[1].rank != 2 || t->in[0].dims[1] != t->in[1].dims[0])
    return fail("MatMul of two matrices");
  t->run = run_matmul;
  return shaped(&t->out, t->in[0].type, 2, (int64_t[]){t->in[0].dims[0], t->in[1].dims[1]});
}
/* attr: pads, strides; channels last, the weights are as ever. */
static void run_conv(const Task *t) {
  const Tensor *x = &t->in[0], *w = &t->in[1];
  const float *px = device_real(x->data), *pw = device_real(w->data),
              *bias = t->n_in > 2 ? device_real(t->in[2].data) : NULL;
  float *py = device_real(t->out.data);
  int64_t H = x->dims[1], W = x->dims[2], C = x->dims[3], M = w->dims[0], kh = w->dims[2], kw = w->dims[3];
  int64_t OH = t->out.dims[1], OW = t->out.dims[2];
  for (int64_t i = 0; i < (int64_t)t->out.count; i++) {
    int64_t m = i % M, ow = i / M % OW, oh = i / M / OW % OH, n = i / M / OW / OH;
    float sum = bias ? bias[m] : 0;
    for (int64_t r = 0; r < kh; r++)
      for (int64_t s = 0; s < kw; s++) {
        int64_t h = oh * t->attr[4] + r - t->attr[0], v = ow * t->attr[5] + s - t->attr[1];
        for (int64_t c = 0; c < C && h >= 0 && h < H && v >= 0 && v < W; c++)
          sum += px[((n * H + h) * W + v) * C + c] * pw[((m * C + c) * kh + r) * kw + s];
      }
    py[i] = sum;
  }
}
static OrtStatus *plan_conv(Task *t) {
  const Tensor *x = &t->in[0], *w = &t->in[1];
  if (!t->attr[4]) t->attr[4] = t->attr[5] = 1;
  if (x->rank != 4 || w->rank != 4 || x->dims[3] != w->dims[1]) return fail("Conv wants its channels last");
  t->run = run_conv;
  int64_t h = (x->dims[1] + t->attr[0] + t->attr[2] - w->dims[2]) / t->attr[4] + 1;
  int64_t v = (x->dims[2] + t->attr[1] + t->attr[3] - w->dims[3]) / t->attr[5] + 1;
  return shaped(&t->out, x->type, 4, (int64_t[]){x->dims[0], h, v, w->dims[0]});
}

#define F ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
#define I ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64
#define B ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL
static const ONNXTensorElementDataType types[] = {F, I, B};
const Op ops[] = {
    {"Add", "", 7, 30, 0, 0, "T", types, 2, true, plan_add, {0}},
    {"Sub", "", 7, 30, 0, 0, "T", types, 2, true, plan_sub, {0}},
    {"Mul", "", 7, 30, 0, 0, "T", types, 2, true, plan_mul, {0}},
    {"Less", "", 9, 30, 0, 0, "T", types, 2, false, plan_less, {0}},
    {"Relu", "", 6, 30, 0, 0, "T", types, 1, true, plan_relu, {0}},
    {"MatMul", "", 1, 30, 0, 0, "T", types, 1, true, plan_matmul, {0}},
    {"Identity", "", 1, 30, 0, 0, "V", types, 3, false, plan_identity, {0}},
    {"Reshape", "", 5, 30, 2, 0, "T", types, 3, false, plan_reshape, {0}},
    {"Shape", "", 1, 30, 0, 1, "T", types, 3, false, plan_shape, {0}},
    {"Conv", "com.ms.internal.nhwc", 1, 30, 0, 0, "T", types, 1, false, plan_conv, {"pads", "strides"}},
    {"Triple", "test.device", 1, 30, 0, 0, NULL, NULL, 0, true, plan_triple, {0}},
    {"If", "", 1, 30, 1, 0, "V", types, 3, false, NULL, {0}},
    {"Loop", "", 1, 30, 3, 0, "V", types, 3, false, NULL, {0}},
    {"Scan", "", 9, 30, 0, 0, "V", types, 3, false, NULL, {0}},
    {"MemcpyFromHost", "", 1, 30, 1, 0, "T", types, 3, false, plan_identity, {0}}, /* ONNX Runtime puts these between
                                                                                      memories */
    {"MemcpyToHost", "", 1, 30, 0, 1, "T", types, 3, false, plan_identity, {0}},
};
const size_t n_ops = sizeof ops / sizeof *ops;
#undef F
#undef I
#undef B

const Op *op_find(const char *domain, const char *name) {
  for (size_t i = 0; i < n_ops; i++)
    if (!strcmp(ops[i].name, name) && !strcmp(ops[i].domain, domain)) return &ops[i];
  return NULL;
}

/* ---- a kernel ---- */
typedef struct Kernel {
  OrtKernelImpl impl; /* first: the host's pointer is ours */
  const Op *op;
  int64_t attr[12];
} Kernel;

static OrtStatus *ORT_API_CALL compute(OrtKernelImpl *impl, OrtKernelContext *context) {
  Kernel *k = (Kernel *)impl;
  Task t = {0};
  OrtSyncStream *stream = NULL;
  OrtValue *out = NULL;
  counters.computed++;
  if (fails("compute")) return fail("no computing");
  memcpy(t.attr, k->attr, sizeof t.attr);
  TRY(api->KernelContext_GetInputCount(context, &t.n_in));
  if (t.n_in > MAX_IN) return fail("more than 8 inputs");
  for (size_t i = 0; i < t.n_in; i++) {
    const OrtValue *v = NULL;
    TRY(api->KernelContext_GetInput(context, i, &v));
    if (!v) return fail("an input is absent");
    TRY(tensor_of(v, &t.in[i]));
    bool on_host = device_real(t.in[i].data) == t.in[i].data;
    if (t.in[i].bytes && on_host != (bool)(k->op->host_in >> i & 1)) return fail("an input lies in the wrong memory");
  }
  TRY(k->op->plan(&t));
  TRY(api->KernelContext_GetOutput(context, 0, t.out.dims, t.out.rank, &out));
  if (!out) return NULL; /* nobody wants it */
  TRY(api->GetTensorMutableData(out, &t.out.data));
  bool host_out = device_real(t.out.data) == t.out.data;
  if (t.out.bytes && host_out != (bool)(k->op->host_out & 1)) return fail("an output lies in the wrong memory");
  TRY(api->KernelContext_GetSyncStream(context, &stream));
  if (k->op->plan == plan_shape) stream = NULL; /* it reads nothing of the device */
  return k->op->plan == plan_identity ? device_copy(stream_of(stream), t)
                                      : (device_do(stream_of(stream), t), (OrtStatus *)NULL);
}
static void ORT_API_CALL release_kernel(OrtKernelImpl *impl) {
  free(impl);
  counters.kernels--;
}
static OrtStatus *ORT_API_CALL prepack(OrtKernelImpl *impl, const OrtValue *tensor, int index, OrtAllocator *allocator,
                                       OrtSharedPrePackedWeightCache *cache, bool *packed) {
  Tensor t;
  counters.prepacked++;
  *packed = false;
  if (fails("prepack")) return fail("no packing");
  TRY(tensor_of(tensor, &t));
  bool on_host = device_real(t.data) == t.data;
  if (t.bytes && on_host != (bool)(((Kernel *)impl)->op->host_in >> index & 1))
    return fail("a weight lies in the wrong memory");
  if (!cache || ((Kernel *)impl)->op->plan != plan_matmul) return NULL;
  void *copy = allocator->Alloc(allocator, t.bytes);
  if (!copy) return fail("out of memory");
  memcpy(copy, device_real(t.data), t.bytes);
  OrtStatus *failed = ep_api->SharedPrePackedWeightCache_StoreWeightData(cache, &copy, &t.bytes, 1);
  if (failed) allocator->Free(allocator, copy);
  *packed = !failed;
  return failed;
}
static OrtStatus *ORT_API_CALL set_shared(OrtKernelImpl *impl, const void *const *data, const size_t *sizes, size_t n,
                                          int index) {
  (void)impl, (void)index;
  if (n != 1 || !data[0] || !sizes[0]) return fail("a packed weight is lost");
  counters.shared++;
  counters.shared_at = (int64_t)(intptr_t)data[0];
  return NULL;
}

/* ---- what the host's control flow wants of us ---- */
static OrtStatus *ORT_API_CALL concat(OrtLoopKernelHelper *h, void *stream_handle, const OrtValue *const *parts, size_t n,
                                      void *output, size_t bytes) {
  size_t at = 0;
  (void)h;
  counters.concats++;
  if (fails("concat")) return fail("no concatenation");
  for (size_t i = 0; i < n; i++) {
    Task t = {.run = task_copy, .n_in = 1};
    TRY(tensor_of(parts[i], &t.in[0]));
    if (at + t.in[0].bytes > bytes) return fail("the output is too small for its parts");
    t.out = t.in[0], t.out.data = (char *)output + at;
    at += t.in[0].bytes;
    device_do(stream_handle, t);
  }
  return at == bytes ? NULL : fail("the parts do not fill the output");
}
static void run_transpose(const Task *t) {
  size_t size = t->out.count ? t->out.bytes / t->out.count : 0;
  char *to = device_real(t->out.data), *from = device_real(t->in[0].data);
  for (size_t i = 0; i < t->out.count; i++) {
    size_t rest = i, at = 0;
    for (size_t d = t->out.rank; d-- > 0; rest /= (size_t)t->out.dims[d]) {
      size_t step = 1;
      for (size_t k = (size_t)t->attr[d] + 1; k < t->in[0].rank; k++) step *= (size_t)t->in[0].dims[k];
      at += rest % (size_t)t->out.dims[d] * step;
    }
    memcpy(to + i * size, from + at * size, size);
  }
}
static OrtStatus *ORT_API_CALL transpose(OrtScanKernelHelper *h, const size_t *permutation, size_t n, const OrtValue *in,
                                         OrtSyncStream *stream, OrtValue *out) {
  Task t = {.run = run_transpose, .n_in = 1};
  (void)h;
  counters.transposes++;
  if (fails("transpose")) return fail("no transposition");
  TRY(tensor_of(in, &t.in[0]));
  TRY(tensor_of(out, &t.out));
  if (n != t.in[0].rank || n != t.out.rank) return fail("a permutation of another rank");
  for (size_t i = 0; i < n; i++) {
    t.attr[i] = (int64_t)permutation[i];
    if (t.out.dims[i] != t.in[0].dims[permutation[i]]) return fail("the output does not fit the permutation");
  }
  device_do(stream_of(stream), t);
  return NULL;
}
static void ORT_API_CALL release_loop(OrtLoopKernelHelper *h) { free(h), counters.helpers--; }
static void ORT_API_CALL release_scan(OrtScanKernelHelper *h) { free(h), counters.helpers--; }

static OrtStatus *create_control(const Op *op, const OrtKernelInfo *info, OrtKernelImpl **out) {
  OrtStatus *failed;
  if (!strcmp(op->name, "If")) return ep_api->CreateIfKernel(info, out);
  counters.helpers++;
  if (!strcmp(op->name, "Loop")) {
    OrtLoopKernelHelper *h = calloc(1, sizeof *h);
    *h = (OrtLoopKernelHelper){24, release_loop, fails("helper") ? NULL : concat};
    if ((failed = ep_api->CreateLoopKernel(info, h, out)) != NULL) release_loop(h);
    return failed;
  }
  OrtScanKernelHelper *h = calloc(1, sizeof *h);
  *h = (OrtScanKernelHelper){24, release_scan, transpose};
  if ((failed = ep_api->CreateScanKernel(info, h, out)) != NULL) release_scan(h);
  return failed;
}

static OrtStatus *ORT_API_CALL create(void *state, const OrtKernelInfo *info, OrtKernelImpl **out) {
  const Op *op = state;
  if (fails("kernel")) return fail("no kernel");
  if (!op->plan && !fails("control")) return create_control(op, info, out); /* else: a kernel of its own */
  Kernel *k = calloc(1, sizeof *k);
  if (!k) return fail("out of memory");
  k->op = op;
  for (int i = 0; i < 3 && op->attrs[i]; i++) {
    size_t n = 4;
    api->ReleaseStatus(api->KernelInfoGetAttributeArray_int64(info, op->attrs[i], k->attr + 4 * i, &n)); /* absent: 0 */
  }
  k->impl = (OrtKernelImpl){.ort_version_supported = 24,
                            .Compute = compute,
                            .Release = release_kernel,
                            .PrePackWeight = prepack,
                            .SetSharedPrePackedWeight = set_shared};
  counters.kernels++;
  *out = &k->impl;
  return NULL;
}

static OrtStatus *add_kernel(OrtKernelRegistry *r, const char *provider, const Op *op) {
  OrtKernelDefBuilder *b = NULL;
  OrtKernelDef *def = NULL;
  const OrtDataType *allowed[3];
  TRY(ep_api->CreateKernelDefBuilder(&b));
  OrtStatus *failed = ep_api->KernelDefBuilder_SetOperatorType(b, op->name);
  if (!failed) failed = ep_api->KernelDefBuilder_SetDomain(b, op->domain);
  if (!failed) failed = ep_api->KernelDefBuilder_SetSinceVersion(b, op->first, op->last);
  if (!failed) failed = ep_api->KernelDefBuilder_SetExecutionProvider(b, provider);
  for (size_t i = 0; i < MAX_IN && !failed; i++)
    if (op->host_in >> i & 1) failed = ep_api->KernelDefBuilder_SetInputMemType(b, i, OrtMemTypeCPUInput);
  if (!failed && op->host_out & 1) failed = ep_api->KernelDefBuilder_SetOutputMemType(b, 0, OrtMemTypeCPUOutput);
  for (size_t i = 0; i < op->n_types && !failed; i++) failed = ep_api->GetTensorDataType(op->types[i], &allowed[i]);
  if (!failed && op->constraint)
    failed = ep_api->KernelDefBuilder_AddTypeConstraint(b, op->constraint, allowed, op->n_types);
  if (!failed) failed = ep_api->KernelDefBuilder_Build(b, &def);
  if (!failed) failed = ep_api->KernelRegistry_AddKernel(r, def, create, (void *)op);
  ep_api->ReleaseKernelDef(def);
  ep_api->ReleaseKernelDefBuilder(b);
  return failed;
}
OrtStatus *registry_create(const char *provider, OrtKernelRegistry **out) {
  TRY(ep_api->CreateKernelRegistry(out));
  OrtStatus *failed = NULL;
  for (size_t i = 0; i < n_ops && !failed; i++) failed = add_kernel(*out, provider, &ops[i]);
  if (failed) ep_api->ReleaseKernelRegistry(*out);
  return failed;
}

/* ---- an operator of a domain of our own: for its types; a kernel of the registry runs it ---- */
static void *ORT_API_CALL triple_create(const OrtCustomOp *op, const OrtApi *a, const OrtKernelInfo *info) {
  (void)op, (void)a, (void)info;
  return NULL;
}
static const char *ORT_API_CALL triple_name(const OrtCustomOp *op) { return (void)op, "Triple"; }
static const char *ORT_API_CALL triple_provider(const OrtCustomOp *op) { return (void)op, "DeviceOne"; }
static ONNXTensorElementDataType ORT_API_CALL triple_type(const OrtCustomOp *op, size_t i) {
  (void)op, (void)i;
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}
static size_t ORT_API_CALL triple_count(const OrtCustomOp *op) { return (void)op, 1; }
static void ORT_API_CALL triple_compute(void *kernel, OrtKernelContext *c) { (void)kernel, (void)c; }
static void ORT_API_CALL triple_destroy(void *kernel) { (void)kernel; }
static OrtCustomOpInputOutputCharacteristic ORT_API_CALL triple_required(const OrtCustomOp *op, size_t i) {
  (void)op, (void)i;
  return INPUT_OUTPUT_REQUIRED;
}
OrtCustomOp triple = {.version = 12, /* before shape functions */
                      .CreateKernel = triple_create,
                      .GetName = triple_name,
                      .GetExecutionProviderType = triple_provider,
                      .GetInputType = triple_type,
                      .GetInputTypeCount = triple_count,
                      .GetOutputType = triple_type,
                      .GetOutputTypeCount = triple_count,
                      .KernelCompute = triple_compute,
                      .KernelDestroy = triple_destroy,
                      .GetInputCharacteristic = triple_required,
                      .GetOutputCharacteristic = triple_required};
