// SPDX-License-Identifier: MIT
/* Functions by name (GetExperimentalFunction): at API version 31 the self-test alone, which answers 12345. */
#ifndef SX_ONNXRUNTIME_EXPERIMENTAL_C_API_H
#define SX_ONNXRUNTIME_EXPERIMENTAL_C_API_H
#include "onnxruntime_c_api.h"
static const char *const kOrtExperimental_OrtApi_ExperimentalApiTest_SinceV28_FnName = "OrtApi_ExperimentalApiTest_SinceV28";
typedef OrtStatusPtr(ORT_API_CALL *OrtExperimental_OrtApi_ExperimentalApiTest_SinceV28_Fn)(_Out_ int64_t *out);
#endif
