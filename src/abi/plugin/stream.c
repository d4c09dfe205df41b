// SPDX-License-Identifier: MIT
/* Queues of devices (OrtSyncStream), which a plugin makes: the object is ours, the work is the plugin's. A session keeps
 * those that its runs are done with for the next ones; a run has one of each provider that has any. */
#include "abi/plugin/host.h"

struct OrtSyncStream {
  OrtSyncStreamImpl *impl;
  const sx_memory *memory; /* of the device; not owned */
  _Atomic uint64_t id;     /* grows with every notification */
};

static OrtStatus *adopt(OrtSyncStreamImpl *impl, const sx_memory *m, OrtSyncStream **out) {
  OrtSyncStream *s = *out = impl ? sx_calloc(1, sizeof *s) : NULL;
  if (!impl) SX_API_FAIL(EP_FAIL, "the provider made no stream and reported no failure");
  if (!s) {
    if (impl->Release) impl->Release(impl);
    SX_API_NO_MEMORY();
  }
  s->impl = impl, s->memory = m, s->id = 1;
  return NULL;
}

static bool aware(OrtEpFactory *f) { return f && SX_EP_HAS(f, 23, IsStreamAware) && f->IsStreamAware(f); }

OrtStatus *ORT_API_CALL sx_api_CreateSyncStreamForEpDevice(const OrtEpDevice *ep_device,
                                                           const OrtKeyValuePairs *stream_options, OrtSyncStream **stream) {
  SX_API_NOT_NULL(ep_device);
  SX_API_NOT_NULL(stream);
  OrtEpFactory *f = ep_device->factory;
  const sx_memory *m = ep_device->memory[SX_EP_MEMORY_DEVICE];
  OrtSyncStreamImpl *impl = NULL;
  *stream = NULL;
  if (!m || !aware(f) || !SX_EP_HAS(f, 23, CreateSyncStreamForDevice))
    SX_API_FAIL(INVALID_ARGUMENT, "CreateSyncStreamForEpDevice: a device of '%.60s' has no streams", ep_device->name);
  OrtStatus *failed = f->CreateSyncStreamForDevice(f, (const OrtMemoryDevice *)m, stream_options, &impl);
  return failed ? failed : adopt(impl, m, stream);
}

void *ORT_API_CALL sx_api_SyncStream_GetHandle(OrtSyncStream *stream) {
  return stream && stream->impl->GetHandle ? stream->impl->GetHandle(stream->impl) : NULL;
}
void ORT_API_CALL sx_api_ReleaseSyncStream(OrtSyncStream *input) {
  if (!input) return;
  if (input->impl->Release) input->impl->Release(input->impl);
  sx_free(input, sizeof *input);
}
const OrtSyncStreamImpl *ORT_API_CALL sx_epapi_SyncStream_GetImpl(const OrtSyncStream *stream) {
  return stream ? stream->impl : NULL;
}
uint64_t ORT_API_CALL sx_epapi_SyncStream_GetSyncId(const OrtSyncStream *stream) {
  return stream ? atomic_load(&((OrtSyncStream *)stream)->id) : 0;
}
/* No stream ever waits for another one: the host waits, and goes on. */
uint64_t ORT_API_CALL sx_epapi_GetSyncIdForLastWaitOnSyncStream(const OrtSyncStream *producer_stream,
                                                                const OrtSyncStream *consumer_stream) {
  return 0;
}

/* ---- of runs ---- */
OrtStatus *sx_ep_stream_open(sx_ep *p, OrtSyncStream *given, OrtSyncStream **out) {
  OrtSyncStreamImpl *impl = NULL;
  *out = NULL;
  if (given && p->memory && sx_memory_eq(given->memory, p->memory)) return *out = given, NULL;
  if (!p->memory || !aware(p->factory)) return NULL;
  sx_mutex_lock(&p->owner->copies);
  if (p->idle.n) *out = p->idle.at[--p->idle.n];
  sx_mutex_unlock(&p->owner->copies);
  if (*out) return NULL;
  const OrtMemoryDevice *m = (const OrtMemoryDevice *)p->memory;
  OrtStatus *failed = NULL;
  if (SX_EP_HAS(p->ep, 23, CreateSyncStreamForDevice))
    failed = p->ep->CreateSyncStreamForDevice(p->ep, m, &impl);
  else if (SX_EP_HAS(p->factory, 23, CreateSyncStreamForDevice))
    failed = p->factory->CreateSyncStreamForDevice(p->factory, m, NULL, &impl);
  else
    return NULL;
  return failed ? failed : adopt(impl, p->memory, out);
}

OrtStatus *sx_ep_stream_close(sx_ep *p, OrtSyncStream *given, OrtSyncStream *s, bool sync) {
  OrtStatus *failed = NULL, *late = NULL;
  if (!s) return NULL;
  if (sync && s->impl->Flush) failed = s->impl->Flush(s->impl);
  if (sync && s->impl->OnSessionRunEnd) late = s->impl->OnSessionRunEnd(s->impl);
  sx_mutex_lock(&p->owner->copies);
  bool kept = s == given || sx_vec_push(&p->idle, s);
  sx_mutex_unlock(&p->owner->copies);
  if (!kept) sx_api_ReleaseSyncStream(s);
  if (!failed) return late;
  sx_api_ReleaseStatus(late);
  return failed;
}

OrtSyncStream *sx_ep_stream(const sx_call *c, const sx_ep *ep) {
  const sx_ep_run *r = c ? sx_late_of(c)->r->caller : NULL;
  return r ? r->streams[ep->index] : NULL;
}

OrtStatus *sx_ep_stream_wait(OrtSyncStream *s) {
  OrtSyncNotificationImpl *n = NULL;
  if (!s) return NULL;
  OrtStatus *failed = s->impl->CreateNotification ? s->impl->CreateNotification(s->impl, &n) : NULL;
  if (failed) return failed;
  if (!n) return s->impl->Flush ? s->impl->Flush(s->impl) : NULL;
  atomic_fetch_add(&s->id, 1);
  if (n->Activate) failed = n->Activate(n);
  if (!failed && n->WaitOnHost) failed = n->WaitOnHost(n);
  if (n->Release) n->Release(n);
  return failed;
}
