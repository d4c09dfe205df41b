// SPDX-License-Identifier: MIT
/* Which table, and the packing: 32-bit words of all columns of a panel side by side. */
#include "ep/cpu/kernels/nbits/nbits.h"
#include <string.h>
#include "base/alloc.h"
#include "ep/cpu/isa.h"

const sx_nbits_table *sx_nbits_table_for(const sx_cpu *cpu, bool int8) {
  (void)int8;
#ifdef SX_HAVE_avx512vnni
  if (int8 && cpu->isa >= SX_ISA_AVX512 && cpu->avx512_vnni) return &sx_nbits_int8__avx512vnni;
#endif
  return SX_ISA_PICK(sx_nbits, cpu->isa);
}

int64_t sx_nbits_panels(const sx_nbits_table *t, int64_t N) { return (N + t->lanes - 1) / t->lanes; }
static int64_t block_words(const sx_nbits *s) { return s->block * s->bits / 32; }
bool sx_nbits_packed_bytes(const sx_nbits_table *t, const sx_nbits *s, size_t *bytes) {
  return sx_size_mul((size_t)(2 + block_words(s)) * 4 * (size_t)t->lanes, (size_t)s->blocks, bytes) &&
         sx_size_mul(*bytes, (size_t)sx_nbits_panels(t, s->N), bytes);
}

void sx_nbits_pack(const sx_nbits_table *t, const sx_nbits *s, const sx_nbits_weights *w, void *packed, int64_t begin,
                   int64_t end) {
  const int64_t words = block_words(s), lanes = t->lanes, step = (2 + words) * lanes, row = (s->blocks * s->bits + 7) / 8;
  const int per = 8 / s->bits, mask = (1 << s->bits) - 1;
  for (int64_t p = begin; p < end; p++)
    for (int64_t b = 0; b < s->blocks; b++) {
      uint32_t *to = (uint32_t *)packed + (p * s->blocks + b) * step;
      memset(to, 0, (size_t)step * 4);
      for (int64_t i = 0; i < lanes && p * lanes + i < s->N; i++) {
        const int64_t n = p * lanes + i, at = n * s->blocks + b;
        float zero = (float)(1 << (s->bits - 1));
        if (w->zero_f32)
          zero = w->zero_f32[at];
        else if (w->zero)
          zero = (float)(w->zero[n * row + b / per] >> (b % per * s->bits) & mask);
        memcpy(to + i, &w->scale[at], 4);
        memcpy(to + lanes + i, &zero, 4);
        for (int64_t k = 0; k < words; k++) memcpy(to + (2 + k) * lanes + i, w->q + (at * words + k) * 4, 4);
      }
    }
}
