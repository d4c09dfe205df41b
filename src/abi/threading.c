// SPDX-License-Identifier: MIT
/* Options of the thread pools that an environment shares among its sessions. */
#include "abi/handles.h"

OrtStatus *ORT_API_CALL sx_api_CreateThreadingOptions(OrtThreadingOptions **out) {
  SX_API_NOT_NULL(out);
  *out = sx_calloc(1, sizeof **out);
  if (!*out) SX_API_NO_MEMORY();
  (*out)->spin = true;
  return NULL;
}

void ORT_API_CALL sx_api_ReleaseThreadingOptions(OrtThreadingOptions *input) {
  if (!input) return;
  sx_text_drop(input->affinity);
  sx_free(input, sizeof *input);
}

OrtStatus *ORT_API_CALL sx_api_SetGlobalIntraOpNumThreads(OrtThreadingOptions *tp_options, int intra_op_num_threads) {
  SX_API_NOT_NULL(tp_options);
  tp_options->intra = intra_op_num_threads;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetGlobalInterOpNumThreads(OrtThreadingOptions *tp_options, int inter_op_num_threads) {
  SX_API_NOT_NULL(tp_options);
  tp_options->inter = inter_op_num_threads;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetGlobalSpinControl(OrtThreadingOptions *tp_options, int allow_spinning) {
  SX_API_NOT_NULL(tp_options);
  if (allow_spinning != 0 && allow_spinning != 1)
    SX_API_FAIL(INVALID_ARGUMENT, "SetGlobalSpinControl: %d is neither 0 nor 1", allow_spinning);
  tp_options->spin = allow_spinning != 0;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetGlobalDenormalAsZero(OrtThreadingOptions *tp_options) {
  SX_API_NOT_NULL(tp_options);
  tp_options->denormals_zero = true;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetGlobalIntraOpThreadAffinity(OrtThreadingOptions *tp_options,
                                                              const char *affinity_string) {
  SX_API_NOT_NULL(tp_options);
  SX_API_NOT_NULL(affinity_string);
  size_t n = strlen(affinity_string);
  if (n < 1 || n > 4096)
    SX_API_FAIL(INVALID_ARGUMENT, "SetGlobalIntraOpThreadAffinity: the text has %zu bytes, 1 to 4096 are due", n);
  return sx_ort_text_set(&tp_options->affinity, affinity_string);
}

OrtStatus *ORT_API_CALL sx_api_SetGlobalCustomCreateThreadFn(OrtThreadingOptions *tp_options,
                                                             OrtCustomCreateThreadFn ort_custom_create_thread_fn) {
  SX_API_NOT_NULL(tp_options);
  tp_options->create = ort_custom_create_thread_fn;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetGlobalCustomThreadCreationOptions(OrtThreadingOptions *tp_options,
                                                                    void *ort_custom_thread_creation_options) {
  SX_API_NOT_NULL(tp_options);
  tp_options->create_options = ort_custom_thread_creation_options;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetGlobalCustomJoinThreadFn(OrtThreadingOptions *tp_options,
                                                           OrtCustomJoinThreadFn ort_custom_join_thread_fn) {
  SX_API_NOT_NULL(tp_options);
  tp_options->join = ort_custom_join_thread_fn;
  return NULL;
}
