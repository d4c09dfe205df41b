// SPDX-License-Identifier: MIT
/* The providers of a session: made from what its options ask for, told of every run, released with it. */
#include "abi/plugin/host.h"

OrtStatus *ORT_API_CALL sx_api_SessionOptionsAppendExecutionProvider_V2(
    OrtSessionOptions *session_options, OrtEnv *env, const OrtEpDevice *const *ep_devices, size_t num_ep_devices,
    const char *const *ep_option_keys, const char *const *ep_option_vals, size_t num_ep_options) {
  SX_API_NOT_NULL(session_options);
  SX_API_NOT_NULL(env);
  if (!num_ep_devices || !ep_devices)
    SX_API_FAIL(INVALID_ARGUMENT, "SessionOptionsAppendExecutionProvider_V2: no device is given");
  if (num_ep_devices > SX_EP_MAX_DEVICES)
    SX_API_FAIL(INVALID_ARGUMENT, "SessionOptionsAppendExecutionProvider_V2: %zu devices, at most 8 are supported",
                num_ep_devices);
  const OrtEpDevice *first = ep_devices[0];
  for (size_t i = 0; i < num_ep_devices; i++) {
    SX_API_NOT_NULL(ep_devices[i]);
    if (ep_devices[i]->factory != first->factory || strcmp(ep_devices[i]->name, first->name) != 0)
      SX_API_FAIL(INVALID_ARGUMENT,
                  "SessionOptionsAppendExecutionProvider_V2: all devices must be of one provider, found '%.60s' and '%.60s'",
                  first->name, ep_devices[i]->name);
  }
  OrtStatus *failed = sx_ort_store_ep_options(session_options, first->name, &first->options, ep_option_keys, ep_option_vals,
                                              num_ep_options);
  OrtEpFactory *f = first->factory;
  if (failed || !f) return failed;
  size_t n = 0;
  if (SX_EP_HAS(f, 24, GetNumCustomOpDomains) && SX_EP_HAS(f, 24, GetCustomOpDomains))
    failed = f->GetNumCustomOpDomains(f, &n);
  if (failed) return failed;
  if (n > SX_EP_MAX_DOMAINS)
    SX_API_FAIL(EP_FAIL, "'%.60s' says that it has %zu domains of operators, at most %d are believed", ep_devices[0]->name, n, SX_EP_MAX_DOMAINS);
  if (!sx_vec_reserve(&session_options->domains, session_options->domains.n + (uint32_t)n) ||
      !sx_vec_reserve(&session_options->providers, session_options->providers.n + 1))
    SX_API_NO_MEMORY();
  OrtCustomOpDomain **room = session_options->domains.at + session_options->domains.n;
  for (size_t i = 0; i < n; i++) room[i] = NULL;
  if (n && (failed = f->GetCustomOpDomains(f, room, n)) != NULL) return failed;
  for (size_t i = 0; i < n; i++)
    if (room[i]) session_options->domains.at[session_options->domains.n++] = room[i];
  sx_ep_choice *c = &session_options->providers.at[session_options->providers.n++];
  *c = (sx_ep_choice){.n = (uint32_t)num_ep_devices};
  memcpy(c->devices, ep_devices, num_ep_devices * sizeof *ep_devices);
  return NULL;
}

static OrtStatus *copy_registry(sx_ep *p) {
  const OrtKernelRegistry *r = NULL;
  if (!SX_EP_HAS(p->ep, 24, GetKernelRegistry)) return NULL;
  OrtStatus *failed = p->ep->GetKernelRegistry(p->ep, &r);
  return failed || !r ? failed : sx_ep_registry_copy(r, &p->registry);
}

/* Where its values lie: on the device that it names, else where its first device has memory of its own. */
static OrtStatus *find_memory(sx_ep *p) {
  const OrtMemoryDevice *named = NULL;
  if (SX_EP_HAS(p->ep, 27, GetDefaultMemoryDevice)) {
    OrtStatus *failed = p->ep->GetDefaultMemoryDevice(p->ep, &named);
    if (failed) return failed;
  }
  for (uint32_t i = 0; i < p->n_devices && !p->memory; i++) {
    const OrtEpDevice *d = p->devices[i];
    const sx_memory *m = d->memory[SX_EP_MEMORY_DEVICE];
    if (!m || (named && !sx_epapi_MemoryDevice_AreEqual(named, (const OrtMemoryDevice *)m))) continue;
    p->memory = m, p->allocator = d->allocator[SX_EP_MEMORY_DEVICE];
  }
  if (named && !p->memory && !sx_memory_is_host((const sx_memory *)named)) {
    const sx_memory *has = p->n_devices ? p->devices[0]->memory[SX_EP_MEMORY_DEVICE] : NULL;
    SX_API_FAIL(EP_FAIL, "the provider's default memory is '%.60s', which none of its devices has: the first has '%.60s'",
                ((const sx_memory *)named)->name, has ? has->name : "none");
  }
  /* The device's shared allocator lives as long as the library: what is made with it may outlive the session. */
  if (p->memory && !p->allocator && SX_EP_HAS(p->ep, 23, CreateAllocator)) {
    OrtAllocator *own = NULL;
    OrtStatus *failed = p->ep->CreateAllocator(p->ep, (const OrtMemoryInfo *)p->memory, &own);
    if (failed) return failed;
    if (own) p->allocator = p->own_allocator = own;
    if (own && (!own->Alloc || !own->Free || !own->Info))
      SX_API_FAIL(EP_FAIL, "the provider's allocator lacks Alloc, Free or Info");
  }
  if (p->memory && sx_memory_is_host(p->memory)) p->memory = NULL, p->allocator = NULL;
  if (p->memory && !p->allocator)
    SX_API_FAIL(EP_FAIL, "the provider has memory of its own ('%.60s') and makes no allocator for it", p->memory->name);
  return NULL;
}

static OrtStatus *ask(sx_ep *p) {
  OrtStatus *failed = copy_registry(p);
  bool concurrent = true;
  if (!failed) failed = sx_ep_budget_open(p);
  if (!failed) failed = find_memory(p);
  if (!failed && SX_EP_HAS(p->ep, 24, IsConcurrentRunSupported)) failed = p->ep->IsConcurrentRunSupported(p->ep, &concurrent);
  p->serial = !concurrent;
  p->owner->any_serial |= p->serial;
  if (!failed && SX_EP_HAS(p->factory, 23, CreateDataTransfer))
    failed = p->factory->CreateDataTransfer(p->factory, &p->transfer);
  if (!failed && SX_EP_HAS(p->ep, 23, GetPreferredDataLayout)) failed = p->ep->GetPreferredDataLayout(p->ep, &p->layout);
  return failed;
}

typedef struct making {
  struct sx_eps *x;
  const sx_ep *p;
  const OrtHardwareDevice *const *hardware;
  const OrtKeyValuePairs *const *metadata;
  OrtEp *made;
  OrtStatus *status;
} making;
static void call_create(void *arg) {
  making *m = arg;
  OrtSession *s = m->x->session;
  m->status = m->p->factory->CreateEp(m->p->factory, m->hardware, m->metadata, m->p->n_devices, s->options, &s->logger, &m->made);
}

static OrtStatus *start(struct sx_eps *x, const sx_ep_choice *c, sx_ep *p) {
  const OrtHardwareDevice *hardware[SX_EP_MAX_DEVICES];
  const OrtKeyValuePairs *metadata[SX_EP_MAX_DEVICES];
  for (uint32_t i = 0; i < c->n; i++) hardware[i] = c->devices[i]->hardware, metadata[i] = &c->devices[i]->metadata;
  p->owner = x, p->factory = c->devices[0]->factory, p->name = c->devices[0]->name;
  p->n_devices = c->n;
  if (!(p->devices = sx_arena_copy(&x->arena, c->devices, c->n * sizeof *c->devices))) SX_API_NO_MEMORY();
  making m = {x, p, hardware, metadata, NULL, NULL};
  OrtStatus *failed = sx_ep_call(call_create, &m, &m.status);
  OrtEp *ep = m.made;
  if (failed) return failed;
  if (!ep) SX_API_FAIL(EP_FAIL, "the factory made no provider and reported no failure");
  p->ep = ep;
  if (ep->ort_version_supported < 22)
    SX_API_FAIL(INVALID_ARGUMENT, "the provider's ort_version_supported is %u, 22 or more is due",
                (unsigned)ep->ort_version_supported);
  if (!ep->GetName || !ep->GetName(ep)) SX_API_FAIL(INVALID_ARGUMENT, "the provider has no name (OrtEp.GetName)");
  if (!(p->name = sx_arena_strdup(&x->arena, ep->GetName(ep), strlen(ep->GetName(ep))))) SX_API_NO_MEMORY();
  return ask(p);
}

OrtStatus *sx_eps_open(OrtSession *s, struct sx_eps **out) {
  const OrtSessionOptions *o = s->options;
  *out = NULL;
  OrtStatus *failed = sx_eps_choose(s, NULL, NULL, 0);
  if (failed || !o->providers.n) return failed;
  struct sx_eps *x = sx_calloc(1, sizeof *x);
  if (!x) SX_API_NO_MEMORY();
  x->session = s;
  for (uint32_t i = 0; i < o->providers.n && !failed; i++) {
    sx_ep *p = SX_NEW(&x->arena, sx_ep);
    if (!p || !sx_vec_push(&x->list, p)) {
      failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
      break;
    }
    p->index = i;
    if ((failed = sx_ep_library_of(s->env, o->providers.at[i].devices[0], &p->library)) != NULL) break;
    failed = start(x, &o->providers.at[i], p);
    if (!failed) continue;
    OrtStatus *told = sx_ort_error(sx_api_GetErrorCode(failed), "the provider '%.100s' could not start: %s",
                                   o->providers.at[i].devices[0]->name, sx_api_GetErrorMessage(failed));
    sx_api_ReleaseStatus(failed);
    failed = told;
  }
  if (failed)
    sx_eps_close(x);
  else
    *out = x;
  return failed;
}

static void close_node(sx_ep_node *n) {
  if (n->info && n->created && n->info->ReleaseState) n->info->ReleaseState(n->info, n->state);
  if (n->impl && n->impl->Release) n->impl->Release(n->impl);
  sx_rt_unref(n->cached);
}

static void close_ep(sx_ep *p) {
  OrtEpProfilerImpl *profiler = p->profiler;
  if (profiler) profiler->Release(profiler);
  sx_ep_budget_reset(p);
  sx_ep_forget_captured(p, NULL);
  sx_vec_free(&p->captured);
  for (uint32_t i = 0; i < p->idle.n; i++) sx_api_ReleaseSyncStream(p->idle.at[i]);
  sx_vec_free(&p->idle);
  if (p->transfer && p->transfer->Release) p->transfer->Release(p->transfer);
  if (p->own_allocator && SX_EP_HAS(p->factory, 23, ReleaseAllocator))
    p->factory->ReleaseAllocator(p->factory, p->own_allocator);
  if (p->ep) p->factory->ReleaseEp(p->factory, p->ep);
  sx_ep_registry_free(p->registry);
  sx_ep_library_drop(p->library);
}

void sx_ep_placed_free(void *placed) {
  sx_ep_placed *p = placed;
  for (uint32_t i = 0; i < p->nodes.n; i++) close_node(p->nodes.at[i]);
  for (uint32_t i = 0; i < p->compiled.n; i++) {
    const sx_ep_compiled *c = &p->compiled.at[i];
    if (SX_EP_HAS(c->ep->ep, 23, ReleaseNodeComputeInfos)) c->ep->ep->ReleaseNodeComputeInfos(c->ep->ep, c->infos, c->n);
  }
  for (uint32_t i = 0; i < p->infos.n; i++) sx_api_ReleaseTypeInfo(p->infos.at[i]->type);
  sx_vec_free(&p->nodes);
  sx_vec_free(&p->compiled);
  sx_vec_free(&p->infos);
  sx_arena_free(&p->arena);
  sx_free(p, sizeof *p);
}

void sx_eps_close(struct sx_eps *x) {
  if (!x) return;
  for (uint32_t i = x->list.n; i-- > 0;) close_ep(x->list.at[i]);
  sx_vec_free(&x->notes);
  sx_text_free(&x->context);
  sx_vec_free(&x->list);
  sx_arena_free(&x->arena);
  sx_free(x, sizeof *x);
}

OrtStatus *sx_eps_ready(struct sx_eps *x) {
  OrtStatus *failed = sx_ep_context_write(x);
  if (!failed && x->session->profile) failed = sx_ep_profile_begin(x);
  for (uint32_t i = 0; i < x->list.n && !failed; i++) {
    OrtEp *ep = x->list.at[i]->ep;
    if (SX_EP_HAS(ep, 27, OnSessionInitializationEnd)) failed = ep->OnSessionInitializationEnd(ep);
  }
  x->ready = true;
  return failed;
}

bool sx_eps_has(const struct sx_eps *x, const char *name) {
  bool has = false;
  for (uint32_t i = 0; x && i < x->list.n; i++) has |= !strcmp(x->list.at[i]->name, name);
  return has;
}

OrtStatus *sx_eps_sync(struct sx_eps *x) {
  OrtStatus *failed = NULL;
  for (uint32_t i = 0; i < x->list.n && !failed; i++) {
    OrtEp *ep = x->list.at[i]->ep;
    if (SX_EP_HAS(ep, 25, Sync)) failed = ep->Sync(ep);
  }
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_SetEpDynamicOptions(OrtSession *sess, const char *const *keys, const char *const *values,
                                                   size_t kv_len) {
  SX_API_NOT_NULL(sess);
  if (!kv_len) SX_API_FAIL(INVALID_ARGUMENT, "SetEpDynamicOptions: no inputs were passed");
  SX_API_NOT_NULL(keys && values);
  OrtStatus *failed = NULL;
  for (uint32_t i = 0; sess->eps && i < sess->eps->list.n && !failed; i++) {
    OrtEp *ep = sess->eps->list.at[i]->ep;
    if (SX_EP_HAS(ep, 23, SetDynamicOptions)) failed = ep->SetDynamicOptions(ep, keys, values, kv_len);
  }
  return failed;
}
