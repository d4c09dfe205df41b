// SPDX-License-Identifier: MIT
/* Views: no work. The plan aliases the buffers, or copies where the result must lie elsewhere. */
#include "ep/ep.h"

#define VIEW(N) const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "view", .flags = SX_KERNEL_VIEW};
VIEW(BitCast)
VIEW(Flatten)
VIEW(Identity)
VIEW(Reshape)
VIEW(Squeeze)
VIEW(Unsqueeze)
