// SPDX-License-Identifier: MIT
/* Conversion phases around kernels of one type: see edge.h. */
#include "ep/cpu/bind/edge.h"

enum { CHUNK = 8192 };

sx_dtype sx_edge_wide(sx_dtype t) {
  return t == SX_F64 || (sx_dtype_is_int(t) && sx_dtype_bits(t) >= 32) ? SX_F64 : SX_F32;
}
bool sx_edge_claim(const sx_graph *g, const sx_node *n, const char **reason) {
  sx_dtype t = (sx_dtype)sx_value_at(g, n->in[0].value)->fact.dtype;
  *reason = "it computes on numbers of 8 bits or more";
  return sx_ew_class_of(t) != SX_EW_CLASSES && sx_dtype_bits(t) >= 8;
}

static int64_t chunks(const sx_edge_side *s) { return s->converts ? (s->count + CHUNK - 1) / CHUNK : 0; }
static int64_t all_chunks(const sx_edge_side *s) {
  int64_t n = 0;
  for (int i = 0; i < SX_EDGE_MAX; i++) n += chunks(&s[i]);
  return n;
}
static void convert(const sx_edge *e, const sx_call *c, const sx_edge_side *sides, void *const *tensors, bool load,
                    int64_t begin, int64_t end) {
  int64_t first = 0;
  for (int i = 0; i < SX_EDGE_MAX; first += chunks(&sides[i]), i++)
    for (int64_t u = begin > first ? begin : first; u < end && u < first + chunks(&sides[i]); u++) {
      const sx_edge_side *s = &sides[i];
      int64_t at = (u - first) * CHUNK, n = s->count - at < CHUNK ? s->count - at : CHUNK;
      char *tensor = (char *)tensors[i] + at * (int64_t)(sx_dtype_bits((sx_dtype)s->type) / 8),
           *wide = (char *)c->scratch + s->at + at * (int64_t)(sx_dtype_bits(e->wide) / 8);
      if (load)
        sx_cast_run(e->isa, (sx_dtype)s->type, e->wide, 0, wide, tensor, 0, n);
      else
        sx_cast_run(e->isa, e->wide, (sx_dtype)s->type, SX_CAST_SATURATE, tensor, wide, 0, n);
    }
}
static sx_status run_load(const sx_call *c, uint32_t begin, uint32_t end) {
  const sx_edge *e = c->params;
  convert(e, c, e->in, c->in, true, begin, end);
  return SX_OK;
}
static sx_status run_store(const sx_call *c, uint32_t begin, uint32_t end) {
  const sx_edge *e = c->params;
  convert(e, c, e->out, c->out, false, begin, end);
  return SX_OK;
}

sx_status sx_edge_scratch(sx_prep *p, int64_t count, size_t elem, size_t *at) {
  size_t bytes;
  *at = sx_round_up(p->scratch, SX_ALIGN);
  if (count < 0 || !sx_size_mul((size_t)count, elem, &bytes) || !sx_size_add(*at, bytes, &p->scratch))
    SX_FAIL(p->e, FAIL, "an intermediate result of %lld elements does not fit memory", (long long)count);
  return SX_OK;
}
static sx_status side(sx_prep *p, const sx_edge *e, sx_edge_side *s, const sx_view *v) {
  *s = (sx_edge_side){.type = v->dtype, .converts = v->dtype && v->dtype != e->wide, .count = v->count};
  return s->converts ? sx_edge_scratch(p, v->count, sx_dtype_bits(e->wide) / 8, &s->at) : SX_OK;
}
sx_status sx_edge_begin(sx_prep *p, sx_edge *e, sx_dtype wide, uint32_t in, uint32_t out) {
  e->isa = p->cpu->isa, e->wide = wide;
  for (uint32_t i = 0; i < p->n_in && i < SX_EDGE_MAX; i++)
    if (in >> i & 1) SX_TRY(side(p, e, &e->in[i], &p->in[i]));
  for (uint32_t o = 0; o < p->n_out && o < SX_EDGE_MAX; o++)
    if (out >> o & 1) SX_TRY(side(p, e, &e->out[o], &p->out[o]));
  p->params = e;
  int64_t units = all_chunks(e->in);
  return units ? sx_prep_phase(p, run_load, units, CHUNK * 0.3, 0) : SX_OK;
}
sx_status sx_edge_end(sx_prep *p, const sx_edge *e) {
  int64_t units = all_chunks(e->out);
  return units ? sx_prep_phase(p, run_store, units, CHUNK * 0.3, 0) : SX_OK;
}

int64_t sx_prep_int(const sx_prep *p, uint32_t i, int64_t k, int64_t dflt) {
  if (!sx_prep_has(p, i) || k >= p->in[i].count) return dflt;
  if (p->in[i].elems) return p->in[i].elems[k];
  if (!p->in[i].constant) return dflt;
  return p->in[i].dtype == SX_I32   ? ((const int32_t *)p->in[i].constant)[k]
         : p->in[i].dtype == SX_I64 ? ((const int64_t *)p->in[i].constant)[k]
                                    : dflt;
}
