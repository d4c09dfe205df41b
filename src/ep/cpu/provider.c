// SPDX-License-Identifier: MIT
/* The CPU provider: the rows of kernels.def. */
#include "ep/ep.h"

#define KERNEL(k) extern const sx_kernel k;
#include "ep/cpu/kernels.def"
#undef KERNEL
static const sx_kernel *const kernels[] = {
#define KERNEL(k) &k,
#include "ep/cpu/kernels.def"
#undef KERNEL
    NULL};

static sx_provider provider = {"CPUExecutionProvider", kernels, 0};

const sx_provider *sx_cpu_provider(void) { return &provider; }
