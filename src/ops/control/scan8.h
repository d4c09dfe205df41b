// SPDX-License-Identifier: MIT
/* The upgrade of Scan-8, in a file of its own. */
#ifndef SX_OPS_CONTROL_SCAN8_H
#define SX_OPS_CONTROL_SCAN8_H
#include "ops/ops.h"

sx_status sx_scan_batch(sx_upgrade_ctx *c);
#endif
