// SPDX-License-Identifier: MIT
/* The choices around the 8-bit GEMM kernels: which table, how C is cut into units, whether A is copied. */
#include "ep/cpu/kernels/gemm/igemm.h"

#include "base/alloc.h"
#include "base/cpu.h"

enum {
  A_BLOCK = 256 * 1024,      /* bytes of A a unit keeps in cache */
  UNIT_MIN = 256 * 1024,     /* multiply-adds */
  UNIT_MAX = 16 * 1024 * 1024,
  UNITS = 64,
  BYTES_PER_NS = 50,         /* of B, one core */
  PANELS = 4,                /* fewest panels of a unit, where there are more: they share its copy and sums of A */
};

const sx_igemm_table *sx_igemm_best(void) {
  const sx_cpu *cpu = sx_cpu_info();
  (void)cpu;
#ifdef SX_HAVE_avx512vnni
  if (cpu->isa >= SX_ISA_AVX512 && cpu->avx512_vnni) return &sx_igemm__avx512vnni;
#endif
#ifdef SX_HAVE_avxvnni
  if (cpu->isa >= SX_ISA_AVX2 && cpu->avx_vnni) return &sx_igemm__avxvnni;
#endif
#ifdef SX_HAVE_avx2
  if (cpu->isa >= SX_ISA_AVX2) return &sx_igemm__avx2;
#endif
#ifdef SX_HAVE_dotprod
  if (cpu->dotprod) return &sx_igemm__dotprod;
#endif
  return &sx_igemm__base;
}

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t clamp(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

int64_t sx_igemm_panels(const sx_igemm_table *t, int64_t N) { return ceil_div(N, t->nr); }

bool sx_igemm_packed_bytes(const sx_igemm_table *t, int64_t K, int64_t N, size_t *bytes) {
  size_t n = sx_round_up((size_t)K, (size_t)t->step);
  if (!sx_size_add(n, 8, &n) || !sx_size_mul(n, (size_t)t->nr, &n)) return false;
  return sx_size_mul(sx_round_up(n, SX_ALIGN), (size_t)sx_igemm_panels(t, N), bytes);
}

void sx_igemm_plan(const sx_igemm_table *t, sx_igemm *g) {
  int64_t batch = 1;
  for (int i = 0; i < g->batch_rank; i++) batch *= g->batch[i];
  g->panels = sx_igemm_panels(t, g->N);
  g->units = 0, g->scratch = 0, g->unit_ns = 0;
  if (!g->M || !g->panels || !batch) return;
  const int64_t K = g->K > 0 ? g->K : 1;
  /* A copied row ends in zeros up to a whole step, and its distance to the next is no multiple of 4 KB. */
  const bool copy = t->a_bytes > 1 || g->K % t->step != 0 || (g->a_row % 4096 == 0 && g->M > 8 && g->panels >= PANELS);
  g->a_copy_row = copy ? (int64_t)sx_round_up((size_t)(K * t->a_bytes), 64) : 0;
  if (copy && g->a_copy_row % 4096 == 0) g->a_copy_row += 64;
  g->row_blocks = ceil_div(g->M, clamp(A_BLOCK / (K * t->a_bytes), t->mr, 1024));
  const int64_t rows = ceil_div(g->M, g->row_blocks);
  const double panel = (double)rows * (double)K * t->nr;
  const double total = panel * (double)g->row_blocks * (double)g->panels * (double)batch;
  const double want = total / UNITS < UNIT_MIN ? UNIT_MIN : total / UNITS > UNIT_MAX ? UNIT_MAX : total / UNITS;
  const int64_t least = g->panels > PANELS ? PANELS : 1;
  const int64_t group = clamp(panel >= want ? 1 : (int64_t)(want / panel), least, g->panels);
  g->block_panels = ceil_div(g->panels, ceil_div(g->panels, group));
  g->col_blocks = ceil_div(g->panels, g->block_panels);
  g->units = batch * g->row_blocks * g->col_blocks;
  const double fetch = (double)g->block_panels * t->nr * (double)K / BYTES_PER_NS;
  g->unit_ns = total / (double)g->units / t->mac_per_ns;
  if (g->unit_ns < fetch) g->unit_ns = fetch;
  g->scratch = sx_round_up((size_t)rows * ((size_t)g->a_copy_row + 2 * sizeof(int32_t)), SX_ALIGN);
}
