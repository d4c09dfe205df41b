// SPDX-License-Identifier: MIT
/* Smaller things that plugins ask the host for: functions that read and write named data of a compiled model, room for packed
 * weights, and the host's control flow. */
#include "abi/plugin/host.h"

struct OrtEpContextConfig {
  OrtReadNamedBufferFunc read;
  OrtWriteNamedBufferFunc write;
  void *read_state, *write_state;
};

OrtStatus *ORT_API_CALL sx_epapi_SessionOptionsGetEpContextConfig(const OrtSessionOptions *session_options,
                                                                  OrtEpContextConfig **config) {
  SX_API_NOT_NULL(session_options);
  SX_API_NOT_NULL(config);
  OrtEpContextConfig *c = *config = sx_calloc(1, sizeof *c);
  if (!c) SX_API_NO_MEMORY();
  *c = (OrtEpContextConfig){session_options->read_named, session_options->write_named, session_options->read_named_state,
                            session_options->write_named_state};
  return NULL;
}
void ORT_API_CALL sx_epapi_ReleaseEpContextConfig(OrtEpContextConfig *config) { sx_free(config, sizeof *config); }

#define FUNCTION(Name, Type, param, member)                                                                         \
  OrtStatus *ORT_API_CALL sx_epapi_EpContextConfigGetEpContextData##Name##Func(const OrtEpContextConfig *config,    \
                                                                               Type *param, void **state) {         \
    SX_API_NOT_NULL(config);                                                                                        \
    SX_API_NOT_NULL(param);                                                                                         \
    SX_API_NOT_NULL(state);                                                                                         \
    *param = config->member, *state = config->member##_state;                                                       \
    return NULL;                                                                                                    \
  }
FUNCTION(Read, OrtReadNamedBufferFunc, read_func, read)
FUNCTION(Write, OrtWriteNamedBufferFunc, write_func, write)

/* Kernels are given no cache of packed weights: what they pack stays their own. */
OrtStatus *ORT_API_CALL sx_epapi_SharedPrePackedWeightCache_StoreWeightData(OrtSharedPrePackedWeightCache *cache,
                                                                            void **buffer_data_ptrs, size_t *buffer_data_sizes,
                                                                            size_t num_buffers) {
  SX_API_NOT_NULL(cache);
  SX_API_FAIL(NOT_IMPLEMENTED, "SharedPrePackedWeightCache_StoreWeightData: this library hands out no such cache");
}

/* If, Loop and Scan are always the library's own, also between nodes of a provider: their bodies are shown to it, and values
 * are copied where memories differ. A kernel that a provider asks for is a stand-in that is never run. */
typedef struct control {
  OrtKernelImpl impl;
  OrtLoopKernelHelper *loop;
  OrtScanKernelHelper *scan;
} control;
static OrtStatus *ORT_API_CALL run_control(OrtKernelImpl *impl, OrtKernelContext *context) {
  SX_API_FAIL(NOT_IMPLEMENTED, "control flow is run by the library itself, not by a provider's kernel");
}
static void ORT_API_CALL release_control(OrtKernelImpl *impl) {
  control *c = (control *)impl;
  if (c->loop && c->loop->Release) c->loop->Release(c->loop);
  if (c->scan && c->scan->Release) c->scan->Release(c->scan);
  sx_free(c, sizeof *c);
}
static OrtStatus *make_control(OrtLoopKernelHelper *loop, OrtScanKernelHelper *scan, OrtKernelImpl **out) {
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
  return make_control(NULL, NULL, kernel_out);
}
OrtStatus *ORT_API_CALL sx_epapi_CreateLoopKernel(const OrtKernelInfo *kernel_info, OrtLoopKernelHelper *helper,
                                                  OrtKernelImpl **kernel_out) {
  SX_API_NOT_NULL(kernel_info);
  SX_API_NOT_NULL(kernel_out);
  return make_control(helper, NULL, kernel_out);
}
OrtStatus *ORT_API_CALL sx_epapi_CreateScanKernel(const OrtKernelInfo *kernel_info, OrtScanKernelHelper *helper,
                                                  OrtKernelImpl **kernel_out) {
  SX_API_NOT_NULL(kernel_info);
  SX_API_NOT_NULL(kernel_out);
  return make_control(NULL, helper, kernel_out);
}
void ORT_API_CALL sx_epapi_ReleaseKernelImpl(OrtKernelImpl *impl) {
  if (impl && impl->Release) impl->Release(impl);
}
