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

/* One object per level, so that nothing is written after the program has started. */
#define PROVIDER(level, block) [level] = {"CPUExecutionProvider", kernels, block}
static const sx_provider providers[] = {PROVIDER(SX_ISA_BASE, 4), PROVIDER(SX_ISA_AVX2, 8), PROVIDER(SX_ISA_AVX512, 16)};

const sx_provider *sx_cpu_provider(void) { return &providers[sx_cpu_info()->isa]; }
