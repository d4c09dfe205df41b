// SPDX-License-Identifier: MIT
/* The choices around the GEMM kernels: which table, how C is cut into units, how long a K block is.
 *
 * A unit is (matrix of the batch, block of rows, group of panels). Rows per block keep the unit's slice of A in half of a
 * small second-level cache; the panels of a group stream past it. All of it depends on the shape and the table alone. */
#include "ep/cpu/kernels/gemm/gemm.h"

#include "base/alloc.h"
#include "base/cpu.h"

enum {
  KC = 1024,             /* longest K block: a panel of it stays in the second-level cache while all rows of a block pass */
  A_BLOCK = 96 * 1024,   /* elements of A a unit keeps in cache */
  UNIT_MIN = 64 * 1024,  /* multiply-adds of a unit: below, handing it out costs more than it gains */
  UNIT_MAX = 4 * 1024 * 1024,
  UNITS = 64,            /* aimed at when the problem is between the two */
};

#ifdef SX_HAVE_avx512
#define TABLE_512(f) if (isa >= SX_ISA_AVX512) return &f##__avx512;
#else
#define TABLE_512(f)
#endif
#ifdef SX_HAVE_avx2
#define TABLE_256(f) if (isa >= SX_ISA_AVX2) return &f##__avx2;
#else
#define TABLE_256(f)
#endif
#define CHOOSE(f)                                \
  const sx_gemm_table *f(void) {                 \
    const sx_isa isa = sx_cpu_info()->isa;       \
    (void)isa;                                   \
    TABLE_512(f) TABLE_256(f) return &f##__base; \
  }
CHOOSE(sx_gemm_f32)
CHOOSE(sx_gemm_f64)

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t clamp(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

int64_t sx_gemm_panels(const sx_gemm_table *t, int64_t N) { return ceil_div(N, t->nr); }

bool sx_gemm_packed_bytes(const sx_gemm_table *t, int64_t K, int64_t N, size_t *bytes) {
  size_t n = sx_round_up((size_t)N, (size_t)t->lanes);
  return sx_size_mul(n, (size_t)K, &n) && sx_size_mul(n, (size_t)t->elem, bytes);
}

void sx_gemm_plan(const sx_gemm_table *t, sx_gemm *g) {
  int64_t batch = 1;
  for (int i = 0; i < g->batch_rank; i++) batch *= g->batch[i];
  const int64_t K = g->K > 0 ? g->K : 1;
  g->kc = ceil_div(K, ceil_div(K, KC));
  g->panels = sx_gemm_panels(t, g->N);
  if (!g->M || !g->panels || !batch) {
    g->units = 0, g->scratch = 0, g->unit_ns = 0;
    return;
  }
  g->row_blocks = ceil_div(g->M, clamp(A_BLOCK / g->kc, t->mr, 1024));
  const int64_t rows = ceil_div(g->M, g->row_blocks);
  const double panel = (double)rows * (double)K * t->nr;
  const double total = panel * (double)g->row_blocks * (double)g->panels * (double)batch;
  const double want = total / UNITS < UNIT_MIN ? UNIT_MIN : total / UNITS > UNIT_MAX ? UNIT_MAX : total / UNITS;
  const int64_t group = panel >= want ? 1 : clamp((int64_t)(want / panel), 1, g->panels);
  g->col_blocks = ceil_div(g->panels, group);
  g->block_panels = ceil_div(g->panels, g->col_blocks);
  g->col_blocks = ceil_div(g->panels, g->block_panels);
  g->units = batch * g->row_blocks * g->col_blocks;
  g->unit_ns = total / (double)g->units / t->fma_per_ns;
  const size_t panel_bytes = (size_t)g->kc * (size_t)t->nr * (size_t)t->elem;
  const bool in_place = g->b_packed || (g->b_n == 1 && g->N % t->nr == 0);
  g->scratch = in_place ? 0 : sx_round_up(panel_bytes, SX_ALIGN);
}
