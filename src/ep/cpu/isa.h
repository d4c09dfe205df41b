// SPDX-License-Identifier: MIT
/* Choosing a family's table: SX_ISA_DECLARE(sx_ew_table, sx_ew) declares the tables of the levels that this build has,
 * SX_ISA_PICK(sx_ew, isa) is the address of the best one up to `isa`. */
#ifndef SX_EP_CPU_ISA_H
#define SX_EP_CPU_ISA_H
#include "base/cpu.h"

#define SX_ISA_DECLARE(type, symbol) extern const type symbol##__base, symbol##__avx2, symbol##__avx512
#if defined(SX_HAVE_avx512)
#define SX_ISA_PICK(symbol, isa) \
  ((isa) >= SX_ISA_AVX512 ? &symbol##__avx512 : (isa) >= SX_ISA_AVX2 ? &symbol##__avx2 : &symbol##__base)
#elif defined(SX_HAVE_avx2)
#define SX_ISA_PICK(symbol, isa) ((isa) >= SX_ISA_AVX2 ? &symbol##__avx2 : &symbol##__base)
#else
#define SX_ISA_PICK(symbol, isa) ((void)(isa), &symbol##__base)
#endif
#endif
