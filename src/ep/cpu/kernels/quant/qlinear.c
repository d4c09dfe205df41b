// SPDX-License-Identifier: MIT
/* Which table; ranges. */
#include "ep/cpu/kernels/quant/qlinear.h"
#include "ep/cpu/isa.h"

SX_ISA_DECLARE(sx_qlinear_table, sx_qlinear);
const sx_qlinear_table *sx_qlinear(sx_isa isa) { return SX_ISA_PICK(sx_qlinear, isa); }

void sx_qbinary_range(sx_qbinary *q) {
  q->lo = (float)((q->is_signed ? -128 : 0) - q->y_zero);
  q->hi = (float)((q->is_signed ? 127 : 255) - q->y_zero);
}
