// SPDX-License-Identifier: MIT
/* What a device has room for: session option session.resource_cuda_partitioning_settings, "KILOBYTES," or ",", lets the provider
 * that it is named for have nodes until their weights and results, with half of that again for scratch, fill the device. Nodes are
 * counted in the order in which they are claimed; the first that finds no room ends it, and others run what is left. */
#include "abi/plugin/claims.h"
#include "onnxruntime_session_options_config_keys.h"

OrtStatus *sx_ep_budget_open(sx_ep *p) {
  static const char *const key = kOrtSessionOptionsResourceCudaPartitioningSettings;
  const char *text = sx_kvp_get(&p->owner->session->options->config, key), *comma = text ? strchr(text, ',') : NULL;
  sx_ep_budget *b = &p->budget;
  uint64_t kilobytes = 0;
  if (!text || !*text || strcmp(p->name, "CUDAExecutionProvider") != 0) return NULL;
  if (!comma || strchr(comma + 1, ','))
    SX_API_FAIL(INVALID_ARGUMENT,
                "Invalid format for: %s : expecting comma separated fields, kilobytes and a file, each of which may be left out; "
                "found '%.100s'",
                key, text);
  for (const char *c = text; c < comma; kilobytes = kilobytes * 10 + (uint64_t)(*c++ - '0'))
    if (*c < '0' || *c > '9' || kilobytes > (UINT64_MAX >> 10) / 10 - 1)
      SX_API_FAIL(FAIL, "%s: '%.100s' does not begin with a number of kilobytes", key, text);
  if (comma[1])
    sx_log(&p->owner->session->logger.log, WARNING, "%s: the sizes are computed, the file '%.200s' is not read", key, comma + 1);
  b->counts = true, b->limited = comma > text, b->limit = kilobytes << 10;
  return NULL;
}

/* No limit is given: the device is asked, once. */
static void ask_device(sx_ep *p) {
  sx_ep_budget *b = &p->budget;
  const sx_logger *log = &p->owner->session->logger.log;
  OrtResourceCount there = {.kind = OrtResourceCountKind_None};
  sx_err e;
  if (b->limited || b->asked || !SX_EP_HAS(p->ep, 26, GetAvailableResource)) return;
  b->asked = true;
  if (sx_ort_take(p->ep->GetAvailableResource(p->ep, &there), &e) != SX_OK)
    sx_log(log, WARNING, "%s GetAvailableResource failed: %s", p->name, e.msg);
  else if (there.kind == OrtResourceCountKind_TotalBytes)
    b->limited = true, b->limit = there.value.total_bytes;
  else if (there.kind != OrtResourceCountKind_None)
    sx_log(log, WARNING, "%s GetAvailableResource returned unsupported kind: %u", p->name, (unsigned)there.kind);
}

/* Sums stop at the largest number, which no device has room for. */
static uint64_t plus(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

/* Bytes of a result; 0 where its size is open. */
static uint64_t bytes_of(const sx_fact *f) {
  uint64_t n = f->kind == SX_KIND_TENSOR && f->rank >= 0 ? (uint64_t)sx_dtype_bits((sx_dtype)f->dtype) : 0;
  bool empty = false, fits = true;
  for (int i = 0; i < f->rank && n; i++) {
    if (!sx_dim_is_const(f->dims[i])) return 0;
    uint64_t d = (uint64_t)f->dims[i];
    empty |= !d;
    fits = fits && (!d || n <= UINT64_MAX / d);
    if (fits && d) n *= d;
  }
  return empty ? 0 : fits ? n / 8 : UINT64_MAX;
}

/* What node n costs; weights that nobody has counted before are, in m. */
static sx_status cost_of(const sx_graph *g, const sx_node *n, sx_map *m, uint64_t *cost, sx_err *e) {
  uint64_t sum = 0, there;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const sx_tensor *t = n->in[i].value == SX_NONE ? NULL : sx_value_at(g, n->in[i].value)->fact.constant;
    if (!t || sx_map_get(m, (uint64_t)(uintptr_t)t, &there)) continue;
    if (!sx_map_put(m, (uint64_t)(uintptr_t)t, 1)) SX_NO_MEMORY(e);
    sum = plus(sum, t->size);
  }
  for (uint32_t o = 0; o < n->n_out; o++)
    if (n->out[o] != SX_NONE) sum = plus(sum, bytes_of(&sx_value_at(g, n->out[o])->fact));
  *cost = plus(*cost, plus(sum, sum / 2));
  return SX_OK;
}

sx_status sx_ep_budget_sift(OrtEpGraphSupportInfo *info, const sx_graph *g, sx_err *e) {
  sx_ep *p = info->ep;
  sx_ep_budget *b = &p->budget;
  if (!b->counts || !info->claims.n) return SX_OK;
  ask_device(p);
  for (uint32_t k = 0; k < info->claims.n; k++) {
    sx_claim *c = &info->claims.at[k];
    uint64_t cost = 0;
    if (c->refused) continue;
    for (uint32_t i = 0; i < c->n && !b->full; i++) SX_TRY(cost_of(g, sx_node_at(g, c->nodes[i]), &b->counted, &cost, e));
    if (!b->full && b->limited && (b->used > b->limit || cost > b->limit - b->used)) {
      const sx_node *n = sx_node_at(g, c->nodes[0]);
      b->full = true;
      sx_eps_note(p->owner, SX_LOG_WARNING,
                  sx_arena_printf(&p->owner->now->arena,
                                  "%s has room for %llu bytes, %llu are taken: others run node '%.*s' (%.*s), which wants %llu, "
                                  "and all that follow",
                                  p->name, (unsigned long long)b->limit, (unsigned long long)b->used, SX_FMT(n->name),
                                  SX_FMT(n->op_type), (unsigned long long)cost));
    }
    c->refused = b->full;
    if (!b->full) b->used = plus(b->used, cost);
  }
  return SX_OK;
}

void sx_ep_budget_reset(sx_ep *p) {
  sx_map_free(&p->budget.counted);
  p->budget.used = 0, p->budget.full = false;
}
