// SPDX-License-Identifier: MIT
/* f16 and bf16 on the kernels of f32. A step gets two phases around those of the kernel that it borrows: one widens the
 * operands into scratch, one rounds the results. What the kernel packed when the session was made is not widened here. */
#include "base/alloc.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/ep.h"

enum { CHUNK = 8192, MAX_OPERANDS = 16 };
typedef struct widen_state {
  const sx_kernel *inner;
  const void *state;
  uint32_t packed;
} widen_state;
/* An operand in scratch; bytes at `at`. Chunks of all operands are counted through: `end` is behind the last of this one.
 */
typedef struct wide {
  size_t at;
  int64_t count, end;
  uint8_t dtype;
} wide;
typedef struct params {
  const widen_state *s;
  void *params;
  sx_run_fn run[SX_MAX_PHASES];
  uint32_t n_in, n_out;
  sx_isa isa;
  size_t inner_scratch;
  wide in[MAX_OPERANDS], out[MAX_OPERANDS]; /* dtype 0: taken as it is */
} params;

static bool is_narrow(uint8_t t) { return t == SX_F16 || t == SX_BF16; }

static sx_status create(const sx_kernel *inner, sx_build *b) {
  widen_state *s = SX_NEW(b->arena, widen_state);
  if (!s) SX_NO_MEMORY(b->e);
  *s = (widen_state){.inner = inner};
  if (inner->create) SX_TRY(inner->create(b));
  s->state = b->state, s->packed = b->unused_inputs;
  b->state = s;
  return SX_OK;
}

/* The operands as the borrowed kernel sees them. */
static sx_status run_inner(const sx_call *c, uint32_t phase, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  char *m = (char *)c->scratch + q->inner_scratch;
  void *in[MAX_OPERANDS], *out[MAX_OPERANDS];
  for (uint32_t i = 0; i < q->n_in; i++) in[i] = q->in[i].dtype ? m + q->in[i].at : c->in[i];
  for (uint32_t i = 0; i < q->n_out; i++) out[i] = q->out[i].dtype && c->out[i] ? m + q->out[i].at : c->out[i];
  sx_call call = *c;
  call.state = q->s->state, call.params = q->params, call.in = in, call.out = out, call.phase = phase;
  return q->run[phase](&call, begin, end);
}
#define PHASE(k) \
  static sx_status run_##k(const sx_call *c, uint32_t begin, uint32_t end) { return run_inner(c, k, begin, end); }
PHASE(0) PHASE(1) PHASE(2)
enum { INNER_PHASES = 3 };

static void convert(const params *q, const wide *w, uint32_t n, void *const *narrow, char *m, uint32_t begin, uint32_t end,
                    bool load) {
  int64_t first = 0;
  for (uint32_t i = 0; i < n; first = w[i++].end)
    for (int64_t u = begin > first ? begin : first; narrow[i] && u < w[i].end && u < end; u++) {
      const int64_t from = (u - first) * CHUNK, count = w[i].count - from < CHUNK ? w[i].count - from : CHUNK;
      float *f = (float *)(void *)(m + w[i].at) + from;
      if (load)
        sx_convert_load(q->isa, w[i].dtype, f, narrow[i], from, count);
      else
        sx_convert_store(q->isa, w[i].dtype, SX_CAST_SATURATE, narrow[i], f, from, count);
    }
}
static sx_status run_load(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  convert(q, q->in, q->n_in, c->in, (char *)c->scratch + q->inner_scratch, begin, end, true);
  return SX_OK;
}
static sx_status run_store(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  convert(q, q->out, q->n_out, c->out, (char *)c->scratch + q->inner_scratch, begin, end, false);
  return SX_OK;
}

/* Gives the narrow ones of n views a place behind *at and makes them f32; returns the chunks of all. */
static int64_t place(sx_view *v, wide *w, uint32_t n, uint32_t skip, size_t *at) {
  int64_t chunks = 0;
  for (uint32_t i = 0; i < n; i++) {
    w[i] = (wide){.end = chunks};
    if (!is_narrow(v[i].dtype)) continue;
    const uint8_t dtype = v[i].dtype;
    v[i].dtype = SX_F32, v[i].size = (size_t)v[i].count * sizeof(float), v[i].constant = NULL;
    if (skip >> i & 1) continue;
    w[i] = (wide){*at, v[i].count, chunks += (v[i].count + CHUNK - 1) / CHUNK, dtype};
    *at += sx_round_up(v[i].size, SX_ALIGN);
  }
  return chunks;
}

static sx_status prepare(sx_prep *p) {
  static const sx_run_fn runs[INNER_PHASES] = {run_0, run_1, run_2};
  const widen_state *s = p->state;
  params *q = SX_NEW(p->arena, params);
  sx_view *views = SX_NEW_N(p->arena, sx_view, p->n_in + p->n_out);
  if (!q || !views) SX_NO_MEMORY(p->e);
  if (p->n_in > MAX_OPERANDS || p->n_out > MAX_OPERANDS)
    SX_FAIL(p->e, NOT_IMPLEMENTED, "%u operands, at most %d are known", p->n_in, MAX_OPERANDS);
  memcpy(views, p->in, p->n_in * sizeof *views);
  memcpy(views + p->n_in, p->out, p->n_out * sizeof *views);
  size_t at = 0;
  q->s = s, q->n_in = p->n_in, q->n_out = p->n_out, q->isa = p->cpu->isa;
  const int64_t loads = place(views, q->in, p->n_in, s->packed, &at),
                stores = place(views + p->n_in, q->out, p->n_out, 0, &at);
  sx_prep inner = *p;
  inner.state = s->state, inner.in = views, inner.out = views + p->n_in;
  SX_TRY(s->inner->prepare(&inner));
  q->inner_scratch = sx_round_up(inner.scratch, SX_ALIGN);
  q->params = inner.params;
  p->params = q, p->scratch = q->inner_scratch + at;
  const double chunk_ns = CHUNK * 0.3;
  SX_TRY(sx_prep_phase(p, run_load, loads, chunk_ns, 0));
  for (uint32_t i = 0; i < inner.n_phases && i < INNER_PHASES; i++) {
    q->run[i] = inner.phases[i].run;
    SX_TRY(sx_prep_phase(p, runs[i], inner.phases[i].units, inner.phases[i].unit_ns, inner.phases[i].worker_scratch));
  }
  return sx_prep_phase(p, run_store, stores, chunk_ns, 0);
}

/* Each borrows from one row by name, so that a library without that row has no need of its kernel. */
#define ROW(N)                                                                                  \
  extern const sx_kernel sx_cpu_##N;                                                            \
  static bool claim_##N(const sx_graph *g, const sx_node *n, const char **reason) {             \
    return !sx_cpu_##N.claim || sx_cpu_##N.claim(g, n, reason);                                 \
  }                                                                                             \
  static sx_status create_##N(sx_build *b) { return create(&sx_cpu_##N, b); }                   \
  const sx_kernel sx_cpu_##N##_2 = {.op = &sx_op_##N,                                           \
                                    .name = "widened",                                          \
                                    .types = 1u << SX_F16 | 1u << SX_BF16,                      \
                                    .claim = claim_##N,                                         \
                                    .create = create_##N,                                       \
                                    .prepare = prepare};
ROW(Conv)
ROW(ConvTranspose)
ROW(MaxPool)
ROW(AveragePool)
ROW(LpPool)
ROW(GlobalMaxPool)
ROW(GlobalAveragePool)
ROW(GlobalLpPool)
ROW(LSTM)
ROW(GRU)
ROW(RNN)
