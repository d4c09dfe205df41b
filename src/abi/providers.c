// SPDX-License-Identifier: MIT
/* Providers by name: the CPU's, which is always there, and the answers for those that this build does not have. */
#include "abi/handles.h"

OrtStatus *ORT_API_CALL OrtSessionOptionsAppendExecutionProvider_CPU(OrtSessionOptions *options, int use_arena) {
  return NULL;
}
