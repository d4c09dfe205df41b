// SPDX-License-Identifier: MIT
/* Weights that kernels of a provider keep in a form of their own. With a container
 * (CreateSessionWithPrepackedWeightsContainer) what they pack is kept there, once for equal bytes, and every kernel is
 * shown the one that is kept. The library's own packed weights are shared among all sessions of the process anyway. */
#include "abi/plugin/host.h"

/* What one kernel packed of one weight. */
typedef struct packed {
  uint64_t hash;
  size_t n;
  void **data; /* of sx_default_allocator */
  size_t *sizes;
} packed;
struct OrtPrepackedWeightsContainer {
  sx_mutex lock;
  SX_VEC(packed) list;
};
struct OrtSharedPrePackedWeightCache {
  packed p; /* n 0: nothing yet */
};

static void drop(packed *p) {
  for (size_t i = 0; i < p->n; i++)
    if (p->data[i]) sx_default_allocator.Free(&sx_default_allocator, p->data[i]);
  sx_free(p->data, (p->n + 1) * sizeof *p->data);
  sx_free(p->sizes, (p->n + 1) * sizeof *p->sizes);
  *p = (packed){0};
}

OrtStatus *ORT_API_CALL sx_api_CreatePrepackedWeightsContainer(OrtPrepackedWeightsContainer **out) {
  SX_API_NOT_NULL(out);
  *out = sx_calloc(1, sizeof **out);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}
void ORT_API_CALL sx_api_ReleasePrepackedWeightsContainer(OrtPrepackedWeightsContainer *input) {
  if (!input) return;
  for (uint32_t i = 0; i < input->list.n; i++) drop(&input->list.at[i]);
  sx_vec_free(&input->list);
  sx_free(input, sizeof *input);
}

OrtStatus *ORT_API_CALL sx_epapi_SharedPrePackedWeightCache_StoreWeightData(OrtSharedPrePackedWeightCache *cache,
                                                                            void **buffer_data_ptrs,
                                                                            size_t *buffer_data_sizes, size_t num_buffers) {
  SX_API_NOT_NULL(cache);
  SX_API_NOT_NULL(buffer_data_ptrs && buffer_data_sizes && num_buffers);
  if (cache->p.n) SX_API_FAIL(FAIL, "SharedPrePackedWeightCache_StoreWeightData: this weight has been stored already");
  packed p = {0, num_buffers, sx_calloc(num_buffers + 1, sizeof *p.data), sx_calloc(num_buffers + 1, sizeof *p.sizes)};
  if (!p.data || !p.sizes) {
    sx_free(p.data, (p.n + 1) * sizeof *p.data);
    sx_free(p.sizes, (p.n + 1) * sizeof *p.sizes);
    SX_API_NO_MEMORY();
  }
  memcpy(p.data, buffer_data_ptrs, num_buffers * sizeof *p.data);
  memcpy(p.sizes, buffer_data_sizes, num_buffers * sizeof *p.sizes);
  cache->p = p; /* the buffers are the cache's from here on */
  return NULL;
}

static bool equal(const packed *a, const packed *b) {
  bool same = a->hash == b->hash && a->n == b->n && !memcmp(a->sizes, b->sizes, a->n * sizeof *a->sizes);
  for (size_t i = 0; i < a->n && same; i++) {
    bool both = a->data[i] && b->data[i];
    same = both ? !memcmp(a->data[i], b->data[i], a->sizes[i]) : a->data[i] == b->data[i];
  }
  return same;
}

/* What was stored goes into the container, unless that has it: *out is what is kept there. */
static sx_status keep(OrtPrepackedWeightsContainer *c, sx_str op, packed *p, packed *out, sx_err *e) {
  p->hash = sx_hash(op.p, op.n, 0);
  for (size_t i = 0; i < p->n; i++)
    if (p->data[i]) p->hash = sx_hash(p->data[i], p->sizes[i], p->hash);
  sx_mutex_lock(&c->lock);
  uint32_t at = 0;
  while (at < c->list.n && !equal(&c->list.at[at], p)) at++;
  bool ok = at < c->list.n || sx_vec_push(&c->list, *p);
  if (ok) *out = c->list.at[at];
  sx_mutex_unlock(&c->lock);
  if (!ok || out->data != p->data) drop(p);
  if (!ok) SX_NO_MEMORY(e);
  *p = (packed){0};
  return SX_OK;
}

static sx_status prepack_one(sx_ep_node *x, const sx_build *b, uint32_t i, const OrtValue *v) {
  OrtPrepackedWeightsContainer *c = x->ep->owner->session->prepacked;
  OrtSharedPrePackedWeightCache cache = {0};
  packed kept = {0};
  bool done = false;
  OrtKernelImpl *k = x->impl;
  bool shares = c && SX_EP_HAS(k, 24, SetSharedPrePackedWeight);
  sx_status s = sx_ort_take(k->PrePackWeight(k, v, (int)i, &sx_default_allocator, shares ? &cache : NULL, &done), b->e);
  if (s != SX_OK || !done || !cache.p.n) {
    drop(&cache.p);
    return s;
  }
  SX_TRY(keep(c, b->n->op_type, &cache.p, &kept, b->e));
  return sx_ort_take(k->SetSharedPrePackedWeight(k, (const void *const *)kept.data, kept.sizes, kept.n, (int)i), b->e);
}

/* The constant that input i is, where the kernel reads it; *out NULL: it is none. */
static sx_status weight_at(const sx_build *b, uint32_t i, sx_rt_value **out) {
  sx_vid v = b->n->in[i].value;
  const sx_node *from = v == SX_NONE ? NULL : sx_value_producer(b->g, v);
  sx_ep_node *maker = from ? (sx_ep_node *)sx_ep_node_of(from) : NULL, *copy = maker && maker->to_device ? maker : NULL;
  const sx_tensor *t = v == SX_NONE ? NULL : sx_value_const(b->g, copy ? from->in[0].value : v);
  *out = NULL;
  if (!t || t->dtype == SX_STRING) return SX_OK;
  if (copy && copy->cached) return *out = sx_rt_ref(copy->cached), SX_OK;
  SX_TRY(sx_ort_take(sx_ort_value_of(t, NULL, (OrtValue **)out), b->e));
  if (!copy) return SX_OK;
  sx_rt_value *host = *out; /* the copy that runs will find */
  sx_status s = sx_ep_copy(NULL, copy->ep, host, true, &copy->cached, b->e);
  sx_rt_unref(host);
  *out = s == SX_OK ? sx_rt_ref(copy->cached) : NULL;
  return sx_ep_copy_context(b->g, from, s, b->e);
}

sx_status sx_ep_prepack(sx_ep_node *x, const sx_build *b) {
  if (!SX_EP_HAS(x->impl, 24, PrePackWeight)) return SX_OK;
  for (uint32_t i = 0; i < b->n->n_formal; i++) {
    sx_rt_value *v;
    SX_TRY(weight_at(b, i, &v));
    if (!v) continue;
    sx_status s = prepack_one(x, b, i, (const OrtValue *)v);
    sx_rt_unref(v);
    SX_TRY(s);
  }
  return SX_OK;
}
