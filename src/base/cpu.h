// SPDX-License-Identifier: MIT
/* What this CPU can do. Levels select the tables of the kernel families; features select single entries. */
#ifndef SX_BASE_CPU_H
#define SX_BASE_CPU_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ordered: a level includes those before it on the same architecture. BASE is SSE2 on x86-64, NEON on aarch64, simd128 in
 * WebAssembly. AVX2 includes FMA and F16C; AVX512 is F, BW, DQ, VL. */
typedef enum sx_isa { SX_ISA_BASE, SX_ISA_AVX2, SX_ISA_AVX512 } sx_isa;

typedef struct sx_cpu {
  sx_isa isa;               /* best level that was built, after the environment cap SX_ISA=base|avx2|avx512 */
  bool avx512_vnni, avx512_bf16, avx_vnni, amx_int8, amx_bf16; /* x86; false below the level that carries them */
  bool dotprod, i8mm, bf16, fp16;                              /* arm */
  uint32_t l1d, l2, l3;     /* bytes; a guess where unknown */
  uint32_t cores;           /* for this process: physical cores in the affinity mask, cgroup quota; at least 1 */
  uint32_t vendor_id;       /* PCI id of the vendor: 0x8086, 0x1022, 0x13b5 ... or 0 */
  bool unknown_cap;         /* SX_ISA names no level: there is no cap */
  char vendor[16], brand[64];
} sx_cpu;

/* Probed once, thread-safe. SX_ISA=base also turns the single features off. AMX is asked of the system here, as Linux wants
 * it, and false when refused. */
const sx_cpu *sx_cpu_info(void);
const char *sx_isa_name(sx_isa isa); /* "base", "avx2", "avx512" */
/* Has the calling thread read and write denormal numbers as zero, or not; returns what it did before. */
bool sx_denormals_zero(bool on);
#endif
