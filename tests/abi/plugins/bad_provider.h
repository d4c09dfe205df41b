// SPDX-License-Identifier: MIT
/* The two halves of the provider that does one thing wrong: bad_provider.c claims, compiles and computes, bad_device.c has memory,
 * streams, kernels and a profiler. A half adds nothing unless the wrong thing is its own. */
#ifndef TEST_BAD_PROVIDER_H
#define TEST_BAD_PROVIDER_H
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "onnxruntime_c_api.h"

extern const OrtApi *api;
extern const OrtEpApi *ep_api;
extern char wrong[64]; /* the name that it is registered under */
#define IS(name)     (strcmp(wrong, name) == 0)
#define STARTS(name) (strncmp(wrong, name, sizeof name - 1) == 0)
OrtStatus *refuse(const char *name); /* where "X-fails" is the wrong thing; where "X-throws" is, it throws an exception */

OrtStatus *bad_device_factory(OrtEpFactory *f);
void bad_device_release(void);
OrtStatus *bad_device_describe(OrtEpDevice *d);
OrtStatus *bad_device_provider(OrtEp *ep);
#endif
