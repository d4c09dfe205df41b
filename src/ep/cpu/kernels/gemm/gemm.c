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
  COPY_PANELS = 4,       /* fewest panels that pay for a copy of A */
  BYTES_PER_NS = 50,     /* of B, one core */
  STREAM_PER_NS = 10,    /* of operands that are read once, from memory */
  LOW = 7,               /* rows that a set of the first-level cache has room for */
  DOT_DEPTH = 256,       /* least K for which more than four rows are worth their horizontal sums */
  SWEEP_ROWS = 4,        /* most rows of A for which rows of B are read as they lie */
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
CHOOSE(sx_gemm_f16)
CHOOSE(sx_gemm_bf16)
const sx_gemm_table *sx_gemm_i32(void) { return &sx_gemm_i32__base; }
const sx_gemm_table *sx_gemm_i64(void) { return &sx_gemm_i64__base; }

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t clamp(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

int64_t sx_gemm_panels(const sx_gemm_table *t, int64_t N) { return ceil_div(N, t->nr); }

bool sx_gemm_packed_bytes(const sx_gemm_table *t, int64_t K, int64_t N, size_t *bytes) {
  size_t n = sx_round_up((size_t)N, (size_t)t->lanes);
  return sx_size_mul(n, (size_t)K, &n) && sx_size_mul(n, (size_t)t->elem, bytes);
}

/* Rows whose distance is a multiple of 4 KB share one set of the first-level cache, so that a tall tile evicts its own
 * lines; and a transposed A touches another page with every step. A copy pays when enough panels use it. */
static void plan_copy(const sx_gemm_table *t, sx_gemm *g) {
  if (t->elem != t->sum && !g->wide) { /* A is widened */
    g->copy_a = g->a_k == 1 ? SX_GEMM_COPY_ROWS : SX_GEMM_COPY_PANELS;
    return;
  }
  const bool conflict = g->a_k == 1 && t->mr > 8 && g->M > 8 && g->a_row * t->sum % 4096 == 0;
  g->copy_a = g->panels < COPY_PANELS || g->M < t->mr / 2 ? SX_GEMM_COPY_NONE
              : conflict                                  ? SX_GEMM_COPY_ROWS
              : g->a_k != 1                               ? SX_GEMM_COPY_PANELS
                                                          : SX_GEMM_COPY_NONE;
  if (conflict && !g->copy_a) g->height = LOW;
}

void sx_gemm_plan(const sx_gemm_table *t, sx_gemm *g) {
  int64_t batch = 1;
  for (int i = 0; i < g->batch_rank; i++) batch *= g->batch[i];
  const int64_t K = g->K > 0 ? g->K : 1;
  g->kc = t->elem != t->sum && !g->wide ? K : ceil_div(K, ceil_div(K, KC)); /* C cannot hold partial sums that are wider */
  g->panels = sx_gemm_panels(t, g->N);
  g->units = 0, g->scratch = 0, g->unit_ns = 0;
  if (!g->M || !g->panels || !batch) return;
  g->dot = !g->b_packed && g->a_k == 1 && g->b_k == 1 &&
           (g->M <= 4 || g->N <= 4 || (g->M <= SX_GEMM_DOT_ROWS && g->K >= DOT_DEPTH));
  g->height = t->mr;
  g->sweep = !g->b_packed && g->b_n == 1 && g->M <= SWEEP_ROWS && g->N >= 2 * t->nr && t->elem == t->sum;
  g->copy_a = SX_GEMM_COPY_NONE;
  if (!g->dot && !g->sweep) plan_copy(t, g);
  const int64_t a_block = g->wide ? 2 * A_BLOCK : A_BLOCK; /* each block of rows widens all of B */
  g->row_blocks = ceil_div(g->M, clamp(a_block / g->kc, t->mr, 1024));
  const int64_t rows = ceil_div(g->M, g->row_blocks);
  g->widen = g->wide && rows > t->mr ? t->widen : NULL; /* a second tile would widen a second time */
  const double panel = (double)rows * (double)K * (double)(g->N < t->nr ? g->N : t->nr);
  const double total = panel * (double)g->row_blocks * (double)g->panels * (double)batch;
  const double want = total / UNITS < UNIT_MIN ? UNIT_MIN : total / UNITS > UNIT_MAX ? UNIT_MAX : total / UNITS;
  const int64_t least = g->sweep                                                      ? SX_GEMM_SWEEP
                        : g->copy_a && panel < 4 * UNIT_MAX && g->panels > COPY_PANELS ? COPY_PANELS
                                                                                       : 1;
  const int64_t group = clamp(panel >= want ? 1 : (int64_t)(want / panel), least < g->panels ? least : g->panels, g->panels);
  g->col_blocks = ceil_div(g->panels, group);
  g->block_panels = ceil_div(g->panels, g->col_blocks);
  g->col_blocks = ceil_div(g->panels, g->block_panels);
  g->units = batch * g->row_blocks * g->col_blocks;
  const double fetch = (double)g->block_panels * t->nr * (double)K * t->elem / BYTES_PER_NS;
  g->unit_ns = total / (double)g->units / t->fma_per_ns;
  if (g->dot) g->unit_ns += ((double)rows + (double)(g->N < t->nr ? g->N : t->nr)) * (double)K * t->elem / STREAM_PER_NS;
  if (g->unit_ns < fetch) g->unit_ns = fetch; /* few rows: B comes from memory or the last cache and is used once */
  if (g->sweep) {
    g->scratch = sx_round_up((size_t)g->M * SX_GEMM_SWEEP * (size_t)(t->nr * t->sum), SX_ALIGN);
    return;
  }
  if (g->dot || (!g->copy_a && !g->widen && (g->b_packed || (g->b_n == 1 && g->N % t->lanes == 0)))) return;
  /* One panel of B, then the copy of A: rows with a cache line of padding, or panels as wide as vectors make them. */
  size_t elems = (size_t)g->kc * (size_t)t->nr;
  if (g->copy_a == SX_GEMM_COPY_ROWS) elems += (size_t)rows * (size_t)(g->kc + 64 / t->sum);
  if (g->copy_a == SX_GEMM_COPY_PANELS)
    elems += (size_t)ceil_div(rows, t->mr) * sx_round_up((size_t)t->mr, (size_t)t->lanes) * (size_t)g->kc;
  g->scratch = sx_round_up(elems * (size_t)t->sum, SX_ALIGN);
}
