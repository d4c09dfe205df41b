// SPDX-License-Identifier: MIT
/* OrtSessionOptionsAppendExecutionProvider_CPU, which onnxruntime_c_api.h declares; here for programs that ask for it by this
 * name. */
#ifndef SX_CPU_PROVIDER_FACTORY_H
#define SX_CPU_PROVIDER_FACTORY_H
#include "onnxruntime_c_api.h"
#endif
