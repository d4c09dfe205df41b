// SPDX-License-Identifier: MIT
/* Control flow for a provider (CreateIfKernel, CreateLoopKernel, CreateScanKernel): the provider owns the node, and its
 * values lie in the provider's memory; what runs is run/control.c, which asks for what it cannot do there itself. */
#include "abi/plugin/host.h"

typedef struct control {
  OrtKernelImpl impl; /* first: it is what the provider gets */
  OrtLoopKernelHelper *loop;
  OrtScanKernelHelper *scan;
} control;

/* What runs is known by this function, which nobody calls. */
static OrtStatus *ORT_API_CALL run_control(OrtKernelImpl *impl, OrtKernelContext *context) {
  SX_API_FAIL(NOT_IMPLEMENTED, "a kernel of the library's control flow is run by the library");
}
static void ORT_API_CALL release_control(OrtKernelImpl *impl) {
  control *c = (control *)impl;
  if (c->loop) c->loop->Release(c->loop);
  if (c->scan) c->scan->Release(c->scan);
  sx_free(c, sizeof *c);
}
bool sx_ep_is_control(const OrtKernelImpl *impl) { return impl && impl->Compute == run_control; }

static OrtStatus *make(const OrtKernelInfo *info, const char *op, OrtLoopKernelHelper *loop, OrtScanKernelHelper *scan,
                       OrtKernelImpl **out) {
  if (!sx_str_is(info->node->op_type, op))
    SX_API_FAIL(INVALID_ARGUMENT, "Create%sKernel: the node is of operator '%.*s'", op, SX_FMT(info->node->op_type));
  control *c = sx_calloc(1, sizeof *c);
  if (!c) SX_API_NO_MEMORY();
  c->impl = (OrtKernelImpl){.ort_version_supported = ORT_API_VERSION, .Compute = run_control, .Release = release_control};
  c->loop = loop, c->scan = scan;
  *out = &c->impl;
  return NULL;
}
OrtStatus *ORT_API_CALL sx_epapi_CreateIfKernel(const OrtKernelInfo *kernel_info, OrtKernelImpl **kernel_out) {
  SX_API_NOT_NULL(kernel_info);
  SX_API_NOT_NULL(kernel_out);
  return make(kernel_info, "If", NULL, NULL, kernel_out);
}
OrtStatus *ORT_API_CALL sx_epapi_CreateLoopKernel(const OrtKernelInfo *kernel_info, OrtLoopKernelHelper *helper,
                                                  OrtKernelImpl **kernel_out) {
  SX_API_NOT_NULL(kernel_info);
  SX_API_NOT_NULL(kernel_out);
  if (!helper || !helper->Release || !helper->ConcatOutput)
    SX_API_FAIL(INVALID_ARGUMENT, "CreateLoopKernel needs an OrtLoopKernelHelper with Release and ConcatOutput");
  return make(kernel_info, "Loop", helper, NULL, kernel_out);
}
OrtStatus *ORT_API_CALL sx_epapi_CreateScanKernel(const OrtKernelInfo *kernel_info, OrtScanKernelHelper *helper,
                                                  OrtKernelImpl **kernel_out) {
  SX_API_NOT_NULL(kernel_info);
  SX_API_NOT_NULL(kernel_out);
  if (!helper || !helper->Release || !helper->Transpose)
    SX_API_FAIL(INVALID_ARGUMENT, "CreateScanKernel needs an OrtScanKernelHelper with Release and Transpose");
  return make(kernel_info, "Scan", NULL, helper, kernel_out);
}
void ORT_API_CALL sx_epapi_ReleaseKernelImpl(OrtKernelImpl *impl) {
  if (impl && impl->Release) impl->Release(impl);
}

/* ---- what run/control.c asks for ---- */
typedef struct hosting {
  const sx_ep_node *x;
  const sx_call *call;
} hosting;
static bool makes(void *ctx, uint32_t o) { return sx_ep_makes_there(((hosting *)ctx)->x, o); }
static sx_status to_host(void *ctx, sx_rt_value *v, sx_rt_value **out, sx_err *e) {
  const hosting *h = ctx;
  return sx_ep_copy(h->call, h->x->ep, v, false, out, e);
}
static sx_status make_tensor(void *ctx, sx_dtype t, uint32_t rank, const int64_t *dims, sx_rt_value **out, sx_err *e) {
  const hosting *h = ctx;
  return sx_ep_tensor(h->call, h->x->ep, t, rank, dims, out, e);
}
static sx_status copy(void *ctx, sx_rt_value *from, sx_rt_value *to, sx_err *e) {
  const hosting *h = ctx;
  if (!h->x->ep->transfer)
    SX_FAIL(e, EP_FAIL, "%s has no data transfer to copy within its memory (OrtEpFactory.CreateDataTransfer)",
            h->x->ep->name);
  return sx_ort_take(sx_transfer_one(h->x->ep->transfer, from, to, sx_ep_stream(h->call, h->x->ep)), e);
}
static sx_status concat(void *ctx, sx_rt_value *const *parts, uint32_t n, sx_rt_value *whole, sx_err *e) {
  const hosting *h = ctx;
  OrtLoopKernelHelper *l = ((control *)h->x->impl)->loop;
  void *stream = sx_api_SyncStream_GetHandle(sx_ep_stream(h->call, h->x->ep));
  return sx_ort_take(l->ConcatOutput(l, stream, (const OrtValue *const *)parts, n, whole->data, whole->bytes), e);
}
static sx_status transpose(void *ctx, const size_t *permutation, sx_rt_value *in, sx_rt_value *out, sx_err *e) {
  const hosting *h = ctx;
  OrtScanKernelHelper *s = ((control *)h->x->impl)->scan;
  return sx_ort_take(
      s->Transpose(s, permutation, in->rank, (const OrtValue *)in, sx_ep_stream(h->call, h->x->ep), (OrtValue *)out), e);
}

sx_status sx_ep_run_control(sx_ep_node *x, const sx_call *c) {
  hosting ctx = {x, c};
  sx_control_host h = {&ctx, makes, to_host, make_tensor, copy, concat, transpose};
  return sx_control_run(c, x->ep->memory ? &h : NULL);
}
