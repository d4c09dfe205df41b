// SPDX-License-Identifier: MIT
/* A library with one operator of our own: Smooth of domain example.ops, exponential smoothing along the last axis,
 *   y[0] = x[0],  y[t] = alpha * x[t] + (1 - alpha) * y[t - 1],
 * with the attribute alpha. Programs load it with RegisterCustomOpsLibrary; it works in ONNX Runtime 1.17 and later as
 * well.
 *
 * The library links to nothing: the runtime hands its functions to RegisterCustomOps, the one symbol that it looks for. */
#include <stdlib.h>
#include <onnxruntime_c_api.h>

enum { NEEDED_VERSION = 17 }; /* the first with shape functions of operators, and with ParallelFor */
static const OrtApi *api;

/* ---- the kernel: one for each node ---- */
typedef struct smooth {
  float alpha;
} smooth;

/* CreateKernelV2 and KernelComputeV2 give a status. The older pair, without V2, cannot fail. */
static OrtStatus *ORT_API_CALL create(const OrtCustomOp *op, const OrtApi *a, const OrtKernelInfo *info, void **kernel) {
  (void)op, (void)a;
  float alpha;
  OrtStatus *failed = api->KernelInfoGetAttribute_float(info, "alpha", &alpha);
  if (failed) return failed;
  if (!(alpha > 0 && alpha <= 1)) return api->CreateStatus(ORT_INVALID_ARGUMENT, "Smooth: alpha is not in (0, 1]");
  smooth *s = malloc(sizeof *s);
  if (!s) return api->CreateStatus(ORT_FAIL, "Smooth: out of memory");
  s->alpha = alpha;
  *kernel = s;
  return NULL;
}

static void ORT_API_CALL destroy(void *kernel) { free(kernel); }

typedef struct work {
  const float *x;
  float *y, alpha;
  int64_t steps;
} work;

static void row(void *arg, size_t i) { /* called for rows in any order, from several threads */
  const work *w = arg;
  const float *x = w->x + (int64_t)i * w->steps;
  float *y = w->y + (int64_t)i * w->steps;
  y[0] = x[0];
  for (int64_t t = 1; t < w->steps; t++) y[t] = w->alpha * x[t] + (1 - w->alpha) * y[t - 1];
}

#define TRY(call)                   \
  do {                              \
    OrtStatus *failed_ = api->call; \
    if (failed_) return failed_;    \
  } while (0)

static OrtStatus *ORT_API_CALL compute(void *kernel, OrtKernelContext *context) {
  enum { MOST = 8 };
  const OrtValue *x;
  OrtValue *y;
  OrtTensorTypeAndShapeInfo *info;
  size_t rank, rows = 1;
  int64_t dims[MOST];
  work w = {.alpha = ((const smooth *)kernel)->alpha};
  TRY(KernelContext_GetInput(context, 0, &x));
  TRY(GetTensorTypeAndShape(x, &info));
  OrtStatus *failed = api->GetDimensionsCount(info, &rank);
  if (!failed && (rank < 1 || rank > MOST))
    failed = api->CreateStatus(ORT_INVALID_ARGUMENT, "Smooth: x has 1 to 8 dimensions");
  if (!failed) failed = api->GetDimensions(info, dims, rank);
  api->ReleaseTensorTypeAndShapeInfo(info);
  if (failed) return failed;
  for (size_t i = 0; i + 1 < rank; i++) rows *= (size_t)dims[i];
  w.steps = dims[rank - 1];
  TRY(KernelContext_GetOutput(context, 0, dims, rank, &y)); /* the run's memory, ours to fill */
  TRY(GetTensorMutableData((OrtValue *)x, (void **)&w.x));
  TRY(GetTensorMutableData(y, (void **)&w.y));
  return w.steps ? api->KernelContext_ParallelFor(context, row, rows, 0, &w) : NULL;
}

/* ---- the operator: what the model may say, and what is known of the result before it runs ---- */
static const char *ORT_API_CALL name(const OrtCustomOp *op) { return (void)op, "Smooth"; }
static const char *ORT_API_CALL provider(const OrtCustomOp *op) { return (void)op, "CPUExecutionProvider"; }
static size_t ORT_API_CALL one(const OrtCustomOp *op) { return (void)op, 1; }
static int ORT_API_CALL version_first(const OrtCustomOp *op) { return (void)op, 1; }
static int ORT_API_CALL version_last(const OrtCustomOp *op) { return (void)op, 1; }
static ONNXTensorElementDataType ORT_API_CALL floats(const OrtCustomOp *op, size_t index) {
  return (void)op, (void)index, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}
static OrtCustomOpInputOutputCharacteristic ORT_API_CALL required(const OrtCustomOp *op, size_t index) {
  return (void)op, (void)index, INPUT_OUTPUT_REQUIRED;
}
static OrtMemType ORT_API_CALL on_cpu(const OrtCustomOp *op, size_t index) {
  return (void)op, (void)index, OrtMemTypeDefault;
}
static int ORT_API_CALL variadic_least(const OrtCustomOp *op) {
  return (void)op, 1;
} /* of no account: nothing is variadic */
static int ORT_API_CALL variadic_same(const OrtCustomOp *op) { return (void)op, 1; }

static OrtStatus *ORT_API_CALL infer(const OrtCustomOp *op, OrtShapeInferContext *context) { /* y is as x */
  (void)op;
  OrtTensorTypeAndShapeInfo *x;
  TRY(ShapeInferContext_GetInputTypeShape(context, 0, &x));
  return api->ShapeInferContext_SetOutputTypeShape(context, 0, x);
}

static const OrtCustomOp operator_smooth = {
    .version = NEEDED_VERSION, /* which members there are: the runtime reads no younger ones */
    .GetName = name,
    .GetExecutionProviderType = provider,
    .GetInputType = floats,
    .GetInputTypeCount = one,
    .GetOutputType = floats,
    .GetOutputTypeCount = one,
    .KernelDestroy = destroy,
    .GetInputCharacteristic = required,
    .GetOutputCharacteristic = required,
    .GetInputMemoryType = on_cpu,
    .GetVariadicInputMinArity = variadic_least,
    .GetVariadicInputHomogeneity = variadic_same,
    .GetVariadicOutputMinArity = variadic_least,
    .GetVariadicOutputHomogeneity = variadic_same,
    .CreateKernelV2 = create,
    .KernelComputeV2 = compute,
    .InferOutputShapeFn = infer,
    .GetStartVersion = version_first,
    .GetEndVersion = version_last,
};

/* A domain has to outlive the sessions: this one lives as long as the library is loaded. It is of the runtime that made it, as
 * `api` is: another one in the same process would be given what it cannot read, and is refused. */
static OrtCustomOpDomain *domain;
#if defined(__GNUC__)
__attribute__((destructor)) static void unloaded(void) {
  if (domain) api->ReleaseCustomOpDomain(domain);
}
#endif

/* Called when a program registers the library. */
ORT_EXPORT OrtStatus *ORT_API_CALL RegisterCustomOps(OrtSessionOptions *options, const OrtApiBase *base);
OrtStatus *ORT_API_CALL RegisterCustomOps(OrtSessionOptions *options, const OrtApiBase *base) {
  const OrtApi *of = base->GetApi(NEEDED_VERSION);
  if (domain && of != api) return of->CreateStatus(ORT_FAIL, "example.ops serves another runtime of this process already");
  api = of;
  if (!domain) {
    TRY(CreateCustomOpDomain("example.ops", &domain));
    TRY(CustomOpDomain_Add(domain, &operator_smooth));
  }
  return api->AddCustomOpDomain(options, domain);
}
