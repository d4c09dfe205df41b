// SPDX-License-Identifier: MIT
/* The device: memory that the host has addresses of and nothing behind them, streams that do their work late, and copies.
 */
#include "device.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { SPACE = 1 << 28, BLOCKS = 1 << 14, ALIGN = 256 };
Device devices[DEVICES];
Counters counters;
Tape *recording;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of blocks and of `recording` */
static _Atomic int64_t pending;                          /* tasks that streams have not done */
static bool keeping;

typedef struct Block {
  size_t at, size;
  bool used, kept; /* kept: given back, and not to be used again yet */
} Block;
static struct {
  Block blocks[BLOCKS];
  size_t n, end;
} heaps[DEVICES];

bool device_open(Device *d, int number) {
  memset(d, 0, sizeof *d);
  heaps[number].n = heaps[number].end = 0;
  d->number = number;
  d->space = mmap(NULL, SPACE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  d->real = mmap(NULL, SPACE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return d->space != MAP_FAILED && d->real != MAP_FAILED;
}
void device_close(Device *d) {
  munmap(d->space, SPACE);
  munmap(d->real, SPACE);
  d->space = NULL;
}

static Device *device_at(const void *p) {
  for (int i = 0; i < DEVICES; i++)
    if (devices[i].space && (const char *)p >= devices[i].space && (const char *)p < devices[i].space + SPACE)
      return &devices[i];
  return NULL;
}
void *device_real(const void *p) {
  const Device *d = device_at(p);
  return d ? d->real + ((const char *)p - d->space) : (void *)p;
}

/* A block that was given back may still be read by tasks to come: it is used again when there are none. */
void *device_alloc(Device *d, size_t bytes) {
  size_t size = (bytes + ALIGN) / ALIGN * ALIGN, i;
  char *p = NULL;
  if (fails("alloc")) return NULL;
  pthread_mutex_lock(&lock);
  bool quiet = pending == 0;
  Block *b = heaps[d->number].blocks;
  for (i = 0; i < heaps[d->number].n; i++)
    if (!b[i].used && !b[i].kept && quiet && b[i].size == size) break;
  if (i == heaps[d->number].n && i < BLOCKS && heaps[d->number].end + size <= SPACE) {
    b[i] = (Block){.at = heaps[d->number].end, .size = size};
    heaps[d->number].end += size, heaps[d->number].n++;
  }
  if (i < heaps[d->number].n) b[i].used = true, p = d->space + b[i].at;
  pthread_mutex_unlock(&lock);
  if (p) {
    counters.blocks++;
    counters.bytes += (int64_t)size;
  }
  return p;
}
void device_free(Device *d, void *p) {
  if (!p) return;
  pthread_mutex_lock(&lock);
  Block *b = heaps[d->number].blocks;
  for (size_t i = 0; i < heaps[d->number].n; i++) {
    if (d->space + b[i].at != (char *)p || !b[i].used) continue;
    b[i].used = false, b[i].kept = keeping;
    if (!keeping && pending == 0) memset(d->real + b[i].at, 0xcd, b[i].size);
    counters.blocks--;
    counters.bytes -= (int64_t)b[i].size;
  }
  pthread_mutex_unlock(&lock);
}
void device_keep(bool on) {
  pthread_mutex_lock(&lock);
  keeping = on;
  for (int k = 0; k < DEVICES && !on; k++)
    for (size_t i = 0; i < heaps[k].n; i++) heaps[k].blocks[i].kept = false;
  pthread_mutex_unlock(&lock);
}

/* ---- tasks ---- */
void tape_add(Tape *t, const Task *x) {
  if (t->n == t->room) t->at = realloc(t->at, (t->room = 2 * t->room + 16) * sizeof *t->at);
  t->at[t->n++] = *x;
}
void tape_play(const Tape *t) {
  for (size_t i = 0; i < t->n; i++) t->at[i].run(&t->at[i]);
}
void tape_free(Tape *t) {
  for (size_t i = 0; i < t->n; i++) free(t->at[i].staged);
  free(t->at);
  *t = (Tape){0};
}

struct Stream {
  OrtSyncStreamImpl impl; /* first: the host's pointer is ours */
  Device *device;
  bool lazy; /* copies to the host are late, too */
  pthread_mutex_t lock;
  Tape tasks;
};

void device_do(Stream *s, Task t) {
  counters.tasks++;
  pthread_mutex_lock(&lock);
  if (recording) {
    Task copy = t;
    copy.staged = NULL; /* copies from the host are no part of a graph */
    if (!t.staged) tape_add(recording, &copy);
  }
  pthread_mutex_unlock(&lock);
  if (s) {
    pthread_mutex_lock(&s->lock);
    tape_add(&s->tasks, &t);
    pending++;
    counters.deferred++;
    pthread_mutex_unlock(&s->lock);
    return;
  }
  t.run(&t);
  free(t.staged);
}
void stream_flush(Stream *s) {
  if (!s) return;
  pthread_mutex_lock(&s->lock);
  tape_play(&s->tasks);
  pending -= (int64_t)s->tasks.n;
  tape_free(&s->tasks);
  pthread_mutex_unlock(&s->lock);
}

/* ---- streams and notifications ---- */
Stream *stream_of(const OrtSyncStream *s) { return s ? (Stream *)ep_api->SyncStream_GetImpl(s) : NULL; }

static void ORT_API_CALL release_stream(OrtSyncStreamImpl *impl) {
  Stream *s = (Stream *)impl;
  stream_flush(s);
  pthread_mutex_destroy(&s->lock);
  free(s);
  counters.streams--;
}
static void *ORT_API_CALL handle(OrtSyncStreamImpl *impl) { return impl; }
static OrtStatus *ORT_API_CALL flush(OrtSyncStreamImpl *impl) {
  counters.flushes++;
  if (fails("flush")) return stream_flush((Stream *)impl), fail("no flush");
  return stream_flush((Stream *)impl), (OrtStatus *)NULL;
}
static OrtStatus *ORT_API_CALL session_run_end(OrtSyncStreamImpl *impl) {
  (void)impl;
  counters.stream_runs_ended++;
  return fails("end") ? fail("a stream does not end") : NULL;
}

typedef struct Notification {
  OrtSyncNotificationImpl impl;
  Stream *stream;
  bool active;
} Notification;
static void ORT_API_CALL release_notification(OrtSyncNotificationImpl *n) {
  free(n);
  counters.notifications--;
}
static OrtStatus *ORT_API_CALL activate(OrtSyncNotificationImpl *n) {
  ((Notification *)n)->active = true;
  return NULL;
}
static OrtStatus *ORT_API_CALL wait_on_host(OrtSyncNotificationImpl *n) {
  if (!((Notification *)n)->active) return fail("a notification is waited for before it was activated");
  counters.waits++;
  if (fails("wait")) return fail("no wait");
  stream_flush(((Notification *)n)->stream);
  return NULL;
}
static OrtStatus *ORT_API_CALL wait_on_device(OrtSyncNotificationImpl *n, OrtSyncStream *consumer) {
  (void)consumer;
  return wait_on_host(n);
}
static OrtStatus *ORT_API_CALL create_notification(OrtSyncStreamImpl *impl, OrtSyncNotificationImpl **out) {
  Notification *n = fails("notification") ? NULL : calloc(1, sizeof *n);
  if (!n) return fail("out of memory");
  n->impl = (OrtSyncNotificationImpl){24, release_notification, activate, wait_on_device, wait_on_host};
  n->stream = (Stream *)impl;
  counters.notifications++;
  *out = &n->impl;
  return NULL;
}

OrtStatus *stream_create(Device *d, bool lazy, OrtSyncStreamImpl **out) {
  Stream *s = fails("stream") ? NULL : calloc(1, sizeof *s);
  if (!s) return fail("out of memory");
  s->impl = (OrtSyncStreamImpl){24, release_stream, handle, create_notification, flush, session_run_end};
  s->device = d, s->lazy = lazy;
  pthread_mutex_init(&s->lock, NULL);
  counters.streams++;
  *out = &s->impl;
  return NULL;
}

/* ---- copies ---- */
void task_copy(const Task *t) {
  if (t->out.bytes) memcpy(device_real(t->out.data), t->staged ? t->staged : device_real(t->in[0].data), t->out.bytes);
}

OrtStatus *tensor_of(const OrtValue *v, Tensor *t) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  TRY(api->GetTensorTypeAndShape(v, &info));
  OrtStatus *failed = api->GetDimensionsCount(info, &t->rank);
  if (!failed && t->rank > MAX_RANK) failed = fail("more than 6 dimensions");
  if (!failed) failed = api->GetDimensions(info, t->dims, t->rank);
  if (!failed) failed = api->GetTensorElementType(info, &t->type);
  if (!failed) failed = api->GetTensorShapeElementCount(info, &t->count);
  if (!failed) failed = api->GetTensorMutableData((OrtValue *)v, &t->data);
  if (!failed) failed = api->GetTensorSizeInBytes(v, &t->bytes);
  api->ReleaseTensorTypeAndShapeInfo(info);
  return failed;
}

/* The host's half of a copy may change as soon as this returns, or is due by then unless the stream is lazy. */
OrtStatus *device_copy(Stream *s, Task t) {
  bool here = device_at(t.in[0].data) != NULL, there = device_at(t.out.data) != NULL;
  if (here && there)
    counters.within++;
  else if (there)
    counters.to_device++;
  else
    counters.to_host++;
  t.run = task_copy;
  if (!here && s) {
    if (!(t.staged = malloc(t.out.bytes + 1))) return fail("out of memory");
    memcpy(t.staged, t.in[0].data, t.out.bytes);
  }
  device_do(s, t);
  if (s && !there && !s->lazy) stream_flush(s);
  return NULL;
}

static void ORT_API_CALL release_transfer(OrtDataTransferImpl *t) {
  free(t);
  counters.transfers--;
}
static bool is_ours(const OrtMemoryDevice *m) {
  for (int i = 0; i < DEVICES; i++)
    if (devices[i].info && ep_api->MemoryDevice_AreEqual(m, ep_api->MemoryInfo_GetMemoryDevice(devices[i].info)))
      return true;
  return false;
}
static bool ORT_API_CALL can_copy(const OrtDataTransferImpl *t, const OrtMemoryDevice *from, const OrtMemoryDevice *to) {
  (void)t;
  bool a = is_ours(from), b = is_ours(to);
  if (a && b) return ep_api->MemoryDevice_AreEqual(from, to);
  return (a || b) && ep_api->MemoryDevice_GetDeviceType(a ? to : from) == OrtMemoryInfoDeviceType_CPU;
}
static OrtStatus *ORT_API_CALL copy_tensors(OrtDataTransferImpl *t, const OrtValue **from, OrtValue **to,
                                            OrtSyncStream **streams, size_t n) {
  (void)t;
  if (fails("copy")) return fail("no copy");
  for (size_t i = 0; i < n; i++) {
    Task x = {.run = task_copy, .n_in = 1};
    Stream *s = streams ? stream_of(streams[i]) : NULL;
    if (streams && !s) return fail("a list of streams without a stream");
    TRY(tensor_of(from[i], &x.in[0]));
    TRY(tensor_of(to[i], &x.out));
    if (x.in[0].bytes != x.out.bytes) return fail("a copy between tensors of different sizes");
    TRY(device_copy(s, x));
  }
  return NULL;
}
OrtStatus *transfer_create(OrtDataTransferImpl **out) {
  OrtDataTransferImpl *t = *out = calloc(1, sizeof *t);
  if (!t) return fail("out of memory");
  *t = (OrtDataTransferImpl){24, release_transfer, can_copy, copy_tensors};
  counters.transfers++;
  return NULL;
}
