// SPDX-License-Identifier: MIT
/* OrtErrorCode, which onnxruntime_c_api.h has; here for programs that ask for it by this name. */
#ifndef SX_ONNXRUNTIME_ERROR_CODE_H
#define SX_ONNXRUNTIME_ERROR_CODE_H
#include "onnxruntime_c_api.h"
#endif
