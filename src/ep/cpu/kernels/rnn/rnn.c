// SPDX-License-Identifier: MIT
/* The tables of the ISA levels. */
#include "ep/cpu/kernels/rnn/rnn.h"

extern const sx_rnn_table sx_rnn__base;
#if SX_HAVE_avx2
extern const sx_rnn_table sx_rnn__avx2;
#endif
#if SX_HAVE_avx512
extern const sx_rnn_table sx_rnn__avx512;
#endif
const sx_rnn_table *sx_rnn(sx_isa isa) {
  static const sx_rnn_table *const tables[] = {
      [SX_ISA_BASE] = &sx_rnn__base,
#if SX_HAVE_avx2
      [SX_ISA_AVX2] = &sx_rnn__avx2,
#endif
#if SX_HAVE_avx512
      [SX_ISA_AVX512] = &sx_rnn__avx512,
#endif
  };
  return tables[isa];
}
