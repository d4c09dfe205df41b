// SPDX-License-Identifier: MIT
/* What a custom kernel sees while it computes. Inputs are borrowed, outputs belong to the run. */
#include "abi/plugin/host.h"

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetInputCount(const OrtKernelContext *context, size_t *out) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(out);
  *out = context->n_in;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetOutputCount(const OrtKernelContext *context, size_t *out) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(out);
  *out = context->n_out;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetInput(const OrtKernelContext *context, size_t index, const OrtValue **out) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(out);
  if (index >= context->n_in)
    SX_API_FAIL(RUNTIME_EXCEPTION, "KernelContext_GetInput: there is no input %zu, the node has %u", index, context->n_in);
  *out = (const OrtValue *)context->in[index];
  return NULL;
}

/* Element type of an output: of its value, else as the operator says, else of the first input that has no fixed type. */
static sx_dtype output_type(const OrtKernelContext *c, size_t index) {
  sx_vid id = c->node->out[index];
  if (id != SX_NONE && sx_value_at(c->graph, id)->fact.dtype) return (sx_dtype)sx_value_at(c->graph, id)->fact.dtype;
  if (!c->op) return SX_UNDEFINED;
  size_t declared = c->op->GetOutputTypeCount(c->op);
  sx_dtype t = declared ? sx_dtype_of(c->op->GetOutputType(c->op, index < declared ? index : declared - 1)) : SX_UNDEFINED;
  size_t n = c->op->GetInputTypeCount(c->op);
  for (size_t i = 0; !t && i < c->n_in; i++)
    if (n && c->op->GetInputType(c->op, i < n ? i : n - 1) == ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED &&
        sx_rt_is_tensor(c->in[i]))
      t = (sx_dtype)c->in[i]->type.dtype;
  return t;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetOutput(OrtKernelContext *context, size_t index, const int64_t *dim_values,
                                                       size_t dim_count, OrtValue **out) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(out);
  *out = NULL;
  if (index >= context->n_out)
    SX_API_FAIL(RUNTIME_EXCEPTION, "KernelContext_GetOutput: there is no output %zu, the node has %u", index,
                context->n_out);
  if (dim_count) SX_API_NOT_NULL(dim_values);
  if (dim_count > UINT16_MAX) SX_API_FAIL(INVALID_ARGUMENT, "a tensor with %zu dimensions", dim_count);
  if (context->node->out[index] == SX_NONE) return NULL; /* nobody wants it */
  sx_rt_value **v = &context->out[index];
  if (*v && sx_rt_is_tensor(*v) && (*v)->rank == dim_count &&
      !memcmp((*v)->dims, dim_values, dim_count * sizeof *dim_values)) {
    *out = (OrtValue *)*v;
    return NULL;
  }
  sx_dtype t = output_type(context, index);
  if (!t) SX_API_FAIL(FAIL, "KernelContext_GetOutput: the element type of output %zu is not known", index);
  sx_err e;
  sx_rt_value *fresh = sx_ep_given(context->call, context->plugin, index);
  bool fits = fresh && fresh->type.dtype == t && fresh->rank == dim_count;
  for (size_t i = 0; i < dim_count && fits; i++) fits = fresh->dims[i] == dim_values[i];
  if (fits)
    sx_rt_ref(fresh);
  else if (sx_ep_makes_there(context->plugin, index))
    SX_API_TRY(sx_ep_tensor(context->call, context->plugin->ep, t, (uint32_t)dim_count, dim_values, &fresh, &e));
  else
    SX_API_TRY(sx_rt_tensor_create(t, (uint32_t)dim_count, dim_values, NULL, &fresh, &e));
  sx_rt_unref(*v);
  *v = fresh;
  *out = (OrtValue *)fresh;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetPreallocatedOutput(const OrtKernelContext *context, size_t output_index,
                                                                   OrtValue **output) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(output);
  if (output_index >= context->n_out)
    SX_API_FAIL(INVALID_ARGUMENT, "there is no output %zu, the node has %u", output_index, context->n_out);
  *output = (OrtValue *)sx_ep_given(context->call, context->plugin, output_index); /* the rest is made when it is asked for */
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetLogger(const OrtKernelContext *context, const OrtLogger **logger) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(logger);
  *logger = &context->session->logger;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetAllocator(const OrtKernelContext *context, const OrtMemoryInfo *mem_info,
                                                          OrtAllocator **out) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(mem_info);
  SX_API_NOT_NULL(out);
  const sx_ep *ep = context->plugin ? context->plugin->ep : NULL;
  if (ep && ep->memory && sx_memory_eq(ep->memory, sx_memory_of(mem_info))) {
    *out = ep->allocator;
    return NULL;
  }
  if (!sx_memory_is_host(sx_memory_of(mem_info)))
    SX_API_FAIL(INVALID_ARGUMENT, "KernelContext_GetAllocator: there is none for '%s'", sx_memory_of(mem_info)->name);
  *out = &sx_default_allocator;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetScratchBuffer(const OrtKernelContext *context,
                                                              const OrtMemoryInfo *mem_info, size_t count_or_bytes,
                                                              void **out) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(mem_info);
  SX_API_NOT_NULL(out);
  OrtAllocator *a = NULL;
  OrtStatus *failed = sx_api_KernelContext_GetAllocator(context, mem_info, &a);
  if (failed) return failed;
  *out = a->Alloc(a, count_or_bytes); /* freed with the allocator by the kernel, as in ONNX Runtime */
  if (!*out && count_or_bytes) SX_API_FAIL(FAIL, "there is no memory for %zu bytes of scratch", count_or_bytes);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetGPUComputeStream(const OrtKernelContext *context, void **out) {
  OrtSyncStream *stream = NULL;
  SX_API_NOT_NULL(out);
  OrtStatus *failed = sx_api_KernelContext_GetSyncStream(context, &stream);
  if (!failed) *out = sx_api_SyncStream_GetHandle(stream);
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetSyncStream(const OrtKernelContext *context, OrtSyncStream **out) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(out);
  *out = context->plugin ? sx_ep_stream(context->call, context->plugin->ep) : NULL;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_GetResource(const OrtKernelContext *context, int resource_version,
                                                         int resource_id, void **resource) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(resource);
  *resource = NULL;
  SX_API_FAIL(FAIL, "the CPU has no resource %d", resource_id);
}

typedef struct parallel {
  void (*fn)(void *, size_t);
  void *data;
  size_t total, pieces;
} parallel;

static sx_status piece(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  const parallel *p = ctx;
  size_t from = p->total / p->pieces * begin + (begin < p->total % p->pieces ? begin : p->total % p->pieces);
  size_t to = p->total / p->pieces * end + (end < p->total % p->pieces ? end : p->total % p->pieces);
  for (size_t i = from; i < to; i++) p->fn(p->data, i);
  return SX_OK;
}

OrtStatus *ORT_API_CALL sx_api_KernelContext_ParallelFor(const OrtKernelContext *context, void (*fn)(void *, size_t),
                                                         size_t total, size_t num_batch, void *usr_data) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(fn);
  sx_pool *pool = context->session->pool;
  uint32_t width = pool ? sx_pool_width(pool) : 1;
  size_t pieces = num_batch ? num_batch : total < (size_t)width * 4 ? total : (size_t)width * 4;
  if (pieces > total) pieces = total;
  if (pieces > UINT32_MAX) pieces = UINT32_MAX;
  if (!pieces) return NULL;
  parallel p = {fn, usr_data, total, pieces};
  sx_err e;
  if (!pool || width <= 1)
    piece(&p, 0, (uint32_t)pieces, 0, &e);
  else
    SX_API_TRY(sx_pool_run(pool, width, (uint32_t)pieces, 1, piece, &p, &e));
  return NULL;
}
