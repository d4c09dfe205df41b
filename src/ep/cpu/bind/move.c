// SPDX-License-Identifier: MIT
/* Helpers of the data movement bindings: see move.h. */
#include "base/stop.h"
#include "ep/cpu/bind/move.h"

typedef struct packed {
  uint32_t bits;
  int64_t count;
  size_t at;
} packed; /* bits 0: passed as it is */
typedef struct bytes_params {
  void *params;
  uint32_t n_in, n_out, n_phases;
  sx_phase phases[SX_MAX_PHASES];
  packed *io;             /* inputs, then outputs */
  size_t scratch, worker; /* where the inner step's lie */
} bytes_params;

enum { PART = 1 << 18 }; /* elements between two questions whether to stop; whole bytes */
static sx_status bytes_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const bytes_params *b = c->params;
  char *base = c->scratch;
  void **ptr = c->scratch;
  sx_call inner = *c;
  if (begin >= end) return SX_OK;
  for (uint32_t i = 0; i < b->n_in + b->n_out; i++) {
    const packed *x = &b->io[i];
    void *given = i < b->n_in ? c->in[i] : c->out[i - b->n_in];
    ptr[i] = x->bits && given ? base + x->at : given;
    SX_STOP_PARTS(from, to, x->bits && given && i < b->n_in ? x->count : 0, PART)
      sx_unpack_bits((uint8_t *)ptr[i] + from, (const uint8_t *)given + from * x->bits / 8, x->bits, to - from);
  }
  inner.params = b->params, inner.in = ptr, inner.out = ptr + b->n_in, inner.scratch = base + b->scratch,
  inner.worker_scratch = base + b->worker;
  for (uint32_t k = 0; k < b->n_phases; k++) {
    inner.phase = k;
    SX_STOP_PARTS(from, to, (int64_t)b->phases[k].units, sx_stop_grain(b->phases[k].unit_ns))
      SX_TRY(b->phases[k].run(&inner, (uint32_t)from, (uint32_t)to));
  }
  for (uint32_t o = 0; o < b->n_out; o++) {
    const packed *y = &b->io[b->n_in + o];
    SX_STOP_PARTS(from, to, y->bits && c->out[o] ? y->count : 0, PART)
      sx_pack_bits((uint8_t *)c->out[o] + from * y->bits / 8, (const uint8_t *)ptr[b->n_in + o] + from, y->bits, to - from);
  }
  return SX_OK;
}

static bool add_room(size_t *total, size_t size, size_t *at) {
  *at = sx_round_up(*total, SX_ALIGN);
  return sx_size_add(*at, size, total);
}

sx_status sx_prep_bytes(sx_prep *p, sx_status (*inner)(sx_prep *p)) {
  bool any = false;
  for (uint32_t i = 0; i < p->n_in; i++) any |= p->in[i].dtype && sx_dtype_bits((sx_dtype)p->in[i].dtype) < 8;
  for (uint32_t o = 0; o < p->n_out; o++) any |= p->out[o].dtype && sx_dtype_bits((sx_dtype)p->out[o].dtype) < 8;
  SX_TRY(inner(p));
  if (!any) return SX_OK;
  uint32_t n = p->n_in + p->n_out;
  bytes_params *b = SX_NEW(p->arena, bytes_params);
  packed *io = SX_NEW_N(p->arena, packed, (size_t)n + 1);
  if (!b || !io) SX_NO_MEMORY(p->e);
  *b = (bytes_params){.params = p->params, .n_in = p->n_in, .n_out = p->n_out, .n_phases = p->n_phases, .io = io};
  size_t total = n * sizeof(void *), worker = 0, bytes = 0;
  double ns = 0;
  bool fits = true;
  for (uint32_t i = 0; i < n; i++) {
    const sx_view *v = i < p->n_in ? &p->in[i] : &p->out[i - p->n_in];
    if (!v->dtype || sx_dtype_bits((sx_dtype)v->dtype) >= 8) continue;
    io[i] = (packed){sx_dtype_bits((sx_dtype)v->dtype), v->count, 0};
    fits &= add_room(&total, (size_t)v->count, &io[i].at);
    bytes += (size_t)v->count;
  }
  for (uint32_t k = 0; k < p->n_phases; k++) {
    b->phases[k] = p->phases[k];
    if (p->phases[k].worker_scratch > worker) worker = p->phases[k].worker_scratch;
    ns += (double)p->phases[k].units * p->phases[k].unit_ns;
  }
  fits = fits && add_room(&total, p->scratch, &b->scratch) && add_room(&total, worker, &b->worker);
  if (!fits) SX_FAIL(p->e, FAIL, "scratch memory overflows");
  p->params = b, p->n_phases = 0, p->scratch = total;
  return sx_prep_phase(p, bytes_run, 1, ns + (double)bytes, 0);
}

static sx_status moves_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const sx_moves *m = c->params;
  uint32_t lo = 0, hi = m->n;
  while (lo + 1 < hi) { /* the last part that starts at or before `begin` */
    uint32_t mid = (lo + hi) / 2;
    if (m->part[mid].first <= begin)
      lo = mid;
    else
      hi = mid;
  }
  for (uint32_t i = lo; i < m->n && m->part[i].first < end; i++) {
    const sx_moves_part *x = &m->part[i];
    if (!c->out[x->out]) continue;
    int64_t from = begin > x->first ? begin - x->first : 0, to = end - x->first < x->m.units ? end - x->first : x->m.units;
    sx_move_run(&x->m, (const char *)c->in[x->in] + x->src, (char *)c->out[x->out] + x->dst, from, to);
  }
  return SX_OK;
}

sx_moves *sx_moves_new(sx_prep *p, uint32_t n) {
  size_t size;
  sx_moves *m = sx_size_mul(n, sizeof(sx_moves_part), &size) && sx_size_add(size, sizeof *m, &size)
                    ? sx_arena_alloc(p->arena, size)
                    : NULL;
  if (m) m->n = n;
  return m;
}

sx_status sx_moves_phase(sx_prep *p, sx_moves *m) {
  int64_t units = 0;
  double ns = 0;
  for (uint32_t i = 0; i < m->n; i++) {
    m->part[i].first = units;
    units += m->part[i].m.units;
    ns += (double)m->part[i].m.units * m->part[i].m.unit_ns;
  }
  p->params = m;
  return sx_prep_phase(p, moves_run, units, units ? ns / (double)units : 0, 0);
}
