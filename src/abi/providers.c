// SPDX-License-Identifier: MIT
/* Providers by name, and the options of providers that this build does not have: the codes of ONNX Runtime without them. */
#include <ctype.h>
#include <stdio.h>
#include "ops/ops.h"
#include "abi/handles.h"

OrtStatus *ORT_API_CALL OrtSessionOptionsAppendExecutionProvider_CPU(OrtSessionOptions *options, int use_arena) {
  if (!options) SX_API_FAIL(INVALID_ARGUMENT, "the session options are NULL");
  options->cpu_arena = use_arena != 0;
  return NULL;
}

#define CPU "CPUExecutionProvider"
typedef struct provider_list {
  char *at[1];
  char text[sizeof CPU];
} provider_list;

OrtStatus *ORT_API_CALL sx_api_GetAvailableProviders(char ***out_ptr, int *provider_length) {
  SX_API_NOT_NULL(out_ptr);
  SX_API_NOT_NULL(provider_length);
  provider_list *l = sx_malloc(sizeof *l);
  if (!l) SX_API_NO_MEMORY();
  memcpy(l->text, CPU, sizeof CPU);
  l->at[0] = l->text;
  *out_ptr = l->at;
  *provider_length = 1;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_ReleaseAvailableProviders(char **ptr, int providers_length) {
  sx_free(ptr, sizeof(provider_list));
  return NULL;
}

/* An option of a provider as a session configuration entry: ep.<provider in lower case>.<key>. */
static OrtStatus *store(OrtSessionOptions *options, const char *provider, const char *name, const char *value, bool keep) {
  char key[1025];
  if (!strcmp(provider, "CUDAExecutionProvider")) provider = "cuda"; /* the one that has a short name there */
  int used = snprintf(key, sizeof key, "ep.%s.%s", provider, name);
  if (used < 0 || used >= (int)sizeof key) SX_API_FAIL(INVALID_ARGUMENT, "a provider option's key is too long");
  for (size_t k = 3; k < 3 + strlen(provider); k++) key[k] = (char)tolower((unsigned char)key[k]);
  if (keep && sx_kvp_get(&options->config, key)) return NULL;
  if (!sx_kvp_set(&options->config, key, value)) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *sx_ort_store_ep_options(OrtSessionOptions *options, const char *provider, const OrtKeyValuePairs *defaults,
                                   const char *const *keys, const char *const *values, size_t n) {
  OrtStatus *failed = NULL;
  for (size_t i = 0; i < n && !failed; i++) {
    SX_API_NOT_NULL(keys && values && keys[i] && values[i]);
    failed = store(options, provider, keys[i], values[i], false);
  }
  for (uint32_t i = 0; defaults && i < defaults->n && !failed; i++)
    failed = store(options, provider, defaults->keys[i], defaults->values[i], true);
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_SessionOptionsAppendExecutionProvider(OrtSessionOptions *options, const char *provider_name,
                                                                     const char *const *provider_options_keys,
                                                                     const char *const *provider_options_values,
                                                                     size_t num_keys) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(provider_name);
  if (strcmp(provider_name, "CPU") == 0 || strcmp(provider_name, CPU) == 0)
    return sx_ort_store_ep_options(options, CPU, NULL, provider_options_keys, provider_options_values, num_keys);
  SX_API_FAIL(INVALID_ARGUMENT,
              "the execution provider '%.100s' is not part of this build, which has CPUExecutionProvider; "
              "others are loaded with RegisterExecutionProviderLibrary",
              provider_name);
}

/* What needs a provider that is not here. PARAMS are the slot's. */
#define ABSENT(name, provider, params)                                                                \
  OrtStatus *ORT_API_CALL sx_api_##name params {                                                      \
    SX_API_FAIL(FAIL, "%s: the %s execution provider is not enabled in this build", #name, provider); \
  }
#define STRS const char *const *keys, const char *const *values, size_t num_keys
ABSENT(SessionOptionsAppendExecutionProvider_CUDA, "CUDA", (OrtSessionOptions * o, const OrtCUDAProviderOptions *p))
ABSENT(SessionOptionsAppendExecutionProvider_CUDA_V2, "CUDA", (OrtSessionOptions * o, const OrtCUDAProviderOptionsV2 *p))
ABSENT(CreateCUDAProviderOptions, "CUDA", (OrtCUDAProviderOptionsV2 * *out))
ABSENT(UpdateCUDAProviderOptions, "CUDA", (OrtCUDAProviderOptionsV2 * p, STRS))
ABSENT(GetCUDAProviderOptionsAsString, "CUDA", (const OrtCUDAProviderOptionsV2 *p, OrtAllocator *a, char **out))
ABSENT(UpdateCUDAProviderOptionsWithValue, "CUDA", (OrtCUDAProviderOptionsV2 * p, const char *key, void *value))
ABSENT(GetCUDAProviderOptionsByName, "CUDA", (const OrtCUDAProviderOptionsV2 *p, const char *key, void **out))
ABSENT(SetCurrentGpuDeviceId, "CUDA", (int device_id))
ABSENT(GetCurrentGpuDeviceId, "CUDA", (int *device_id))
ABSENT(SessionOptionsAppendExecutionProvider_TensorRT, "TensorRT",
       (OrtSessionOptions * o, const OrtTensorRTProviderOptions *p))
ABSENT(SessionOptionsAppendExecutionProvider_TensorRT_V2, "TensorRT",
       (OrtSessionOptions * o, const OrtTensorRTProviderOptionsV2 *p))
ABSENT(CreateTensorRTProviderOptions, "TensorRT", (OrtTensorRTProviderOptionsV2 * *out))
ABSENT(UpdateTensorRTProviderOptions, "TensorRT", (OrtTensorRTProviderOptionsV2 * p, STRS))
ABSENT(GetTensorRTProviderOptionsAsString, "TensorRT", (const OrtTensorRTProviderOptionsV2 *p, OrtAllocator *a, char **out))
ABSENT(UpdateTensorRTProviderOptionsWithValue, "TensorRT", (OrtTensorRTProviderOptionsV2 * p, const char *key, void *value))
ABSENT(GetTensorRTProviderOptionsByName, "TensorRT", (const OrtTensorRTProviderOptionsV2 *p, const char *key, void **out))
ABSENT(SessionOptionsAppendExecutionProvider_ROCM, "ROCM", (OrtSessionOptions * o, const OrtROCMProviderOptions *p))
ABSENT(CreateROCMProviderOptions, "ROCM", (OrtROCMProviderOptions * *out))
ABSENT(UpdateROCMProviderOptions, "ROCM", (OrtROCMProviderOptions * p, STRS))
ABSENT(GetROCMProviderOptionsAsString, "ROCM", (const OrtROCMProviderOptions *p, OrtAllocator *a, char **out))
ABSENT(SessionOptionsAppendExecutionProvider_MIGraphX, "MIGraphX",
       (OrtSessionOptions * o, const OrtMIGraphXProviderOptions *p))
ABSENT(SessionOptionsAppendExecutionProvider_OpenVINO, "OpenVINO",
       (OrtSessionOptions * o, const OrtOpenVINOProviderOptions *p))
ABSENT(SessionOptionsAppendExecutionProvider_OpenVINO_V2, "OpenVINO", (OrtSessionOptions * o, STRS))
ABSENT(SessionOptionsAppendExecutionProvider_VitisAI, "VitisAI", (OrtSessionOptions * o, STRS))
ABSENT(SessionOptionsAppendExecutionProvider_CANN, "CANN", (OrtSessionOptions * o, const OrtCANNProviderOptions *p))
ABSENT(CreateCANNProviderOptions, "CANN", (OrtCANNProviderOptions * *out))
ABSENT(UpdateCANNProviderOptions, "CANN", (OrtCANNProviderOptions * p, STRS))
ABSENT(GetCANNProviderOptionsAsString, "CANN", (const OrtCANNProviderOptions *p, OrtAllocator *a, char **out))
ABSENT(SessionOptionsAppendExecutionProvider_Dnnl, "oneDNN", (OrtSessionOptions * o, const OrtDnnlProviderOptions *p))
ABSENT(CreateDnnlProviderOptions, "oneDNN", (OrtDnnlProviderOptions * *out))
ABSENT(UpdateDnnlProviderOptions, "oneDNN", (OrtDnnlProviderOptions * p, STRS))
ABSENT(GetDnnlProviderOptionsAsString, "oneDNN", (const OrtDnnlProviderOptions *p, OrtAllocator *a, char **out))

void ORT_API_CALL sx_api_ReleaseCUDAProviderOptions(OrtCUDAProviderOptionsV2 *input) {}
void ORT_API_CALL sx_api_ReleaseTensorRTProviderOptions(OrtTensorRTProviderOptionsV2 *input) {}
void ORT_API_CALL sx_api_ReleaseROCMProviderOptions(OrtROCMProviderOptions *input) {}
void ORT_API_CALL sx_api_ReleaseCANNProviderOptions(OrtCANNProviderOptions *input) {}
void ORT_API_CALL sx_api_ReleaseDnnlProviderOptions(OrtDnnlProviderOptions *input) {}

OrtStatus *ORT_API_CALL sx_api_GetExecutionProviderApi(const char *provider_name, uint32_t version,
                                                       const void **provider_api) {
  SX_API_NOT_NULL(provider_name);
  SX_API_FAIL(INVALID_ARGUMENT, "GetExecutionProviderApi: the provider '%.100s' is not part of this build", provider_name);
}

#ifdef NDEBUG
#define SX_BUILD_TYPE "Release"
#else
#define SX_BUILD_TYPE "Debug"
#endif
const char *ORT_API_CALL sx_api_GetBuildInfoString(void) {
  static const char full[] = "ORT Build Info: sardonyx " SX_VERSION_TEXT ", build type=" SX_BUILD_TYPE,
                    reduced[] = "ORT Build Info: sardonyx " SX_VERSION_TEXT ", build type=" SX_BUILD_TYPE ", reduced";
  return sx_ops_reduced ? reduced : full;
}
