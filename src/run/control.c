// SPDX-License-Identifier: MIT
/* Control flow: operators whose bodies the executor runs. */
#include "run/exec.h"

static const sx_kernel *const kernels[] = {NULL};
const sx_provider sx_control_provider = {"CPUExecutionProvider", kernels, 0};
