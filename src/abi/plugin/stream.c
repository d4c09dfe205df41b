// SPDX-License-Identifier: MIT
/* Queues of devices (OrtSyncStream), which a plugin's factory makes: the object is ours, the work is the plugin's. */
#include "abi/plugin/host.h"

struct OrtSyncStream {
  OrtSyncStreamImpl *impl;
  uint64_t id;
};

OrtStatus *ORT_API_CALL sx_api_CreateSyncStreamForEpDevice(const OrtEpDevice *ep_device,
                                                           const OrtKeyValuePairs *stream_options, OrtSyncStream **stream) {
  static _Atomic uint64_t count;
  SX_API_NOT_NULL(ep_device);
  SX_API_NOT_NULL(stream);
  OrtEpFactory *f = ep_device->factory;
  const sx_memory *m = ep_device->memory[SX_EP_MEMORY_DEVICE];
  *stream = NULL;
  bool aware = f && SX_EP_HAS(f, 23, IsStreamAware) && f->IsStreamAware(f) && SX_EP_HAS(f, 23, CreateSyncStreamForDevice);
  if (!aware || !m)
    SX_API_FAIL(INVALID_ARGUMENT, "CreateSyncStreamForEpDevice: a device of '%.60s' has no streams", ep_device->name);
  OrtSyncStream *s = sx_calloc(1, sizeof *s);
  if (!s) SX_API_NO_MEMORY();
  OrtStatus *failed = f->CreateSyncStreamForDevice(f, (const OrtMemoryDevice *)m, stream_options, &s->impl);
  if (!failed && !s->impl) failed = sx_ort_error(ORT_EP_FAIL, "the factory made no stream and reported no failure");
  if (failed) {
    sx_free(s, sizeof *s);
    return failed;
  }
  s->id = atomic_fetch_add(&count, 1) + 1;
  *stream = s;
  return NULL;
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
uint64_t ORT_API_CALL sx_epapi_SyncStream_GetSyncId(const OrtSyncStream *stream) { return stream ? stream->id : 0; }
/* Runs wait for what they start, so that no stream is ever behind another. */
uint64_t ORT_API_CALL sx_epapi_GetSyncIdForLastWaitOnSyncStream(const OrtSyncStream *producer_stream,
                                                                const OrtSyncStream *consumer_stream) {
  return producer_stream && consumer_stream ? producer_stream->id : 0;
}

OrtSyncStream *sx_ep_stream(const sx_call *c, const sx_ep *ep) { return NULL; }
