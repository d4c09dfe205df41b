// SPDX-License-Identifier: MIT
/* The tables of the ISA levels. */
#include "ep/cpu/kernels/resize/resize.h"

extern const sx_resize_table sx_resize__base;
#if SX_HAVE_avx2
extern const sx_resize_table sx_resize__avx2;
#endif
#if SX_HAVE_avx512
extern const sx_resize_table sx_resize__avx512;
#endif
const sx_resize_table *sx_resize(sx_isa isa) {
  static const sx_resize_table *const tables[] = {
      [SX_ISA_BASE] = &sx_resize__base,
#if SX_HAVE_avx2
      [SX_ISA_AVX2] = &sx_resize__avx2,
#endif
#if SX_HAVE_avx512
      [SX_ISA_AVX512] = &sx_resize__avx512,
#endif
  };
  return tables[isa];
}
