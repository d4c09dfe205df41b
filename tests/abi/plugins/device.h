// SPDX-License-Identifier: MIT
/* A provider for tests, with a device that only it can reach: a pointer of its memory crashes whoever follows it, work
 * given to a stream is done when somebody waits for it, and everything that is made is counted.
 *
 * device_memory.c is the device (memory, streams, copies), device_kernels.c what it computes, device_groups.c groups of
 * nodes that it compiles, device_provider.c what the host sees. The library has two providers, "DeviceOne" and "DeviceTwo",
 * each with memory of its own. Options of a session (ep.deviceone.KEY): ops=A,B      takes these operators alone
 * mode=compile   compiles instead of running kernels layout=nhwc  wants channels last                  capture=1 records
 * what a run does and replays it streams=1    has streams                          serial=1       wants no two runs at once
 *   weightless=N what it says of models without weights (OrtWeightlessSupport): 1 wants them as inputs, 2 finds them in the
 *                source model
 *   room=N       bytes that it says it has
 *   data=N       which functions for named data it says that it calls (OrtEpContextDataCallbackSupport)
 *   fail=WHAT    does not do one thing: fails(WHAT) says where */
#ifndef TEST_DEVICE_H
#define TEST_DEVICE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "onnxruntime_c_api.h"

enum { DEVICES = 2, MAX_RANK = 6, MAX_IN = 8 };

/* What the library has done, for the test to read (device_counters). */
typedef struct Counters {
  _Atomic int64_t blocks, bytes; /* of device memory in use */
  _Atomic int64_t providers, kernels, states, groups, streams, notifications, transfers, allocators, helpers,
      profilers;                              /* alive */
  _Atomic int64_t to_device, to_host, within; /* copies */
  _Atomic int64_t runs_begun, runs_ended, stream_runs_ended, flushes, waits, syncs, ready;
  _Atomic int64_t tasks, deferred, computed, concats, transposes; /* work of kernels */
  _Atomic int64_t data_asked, resource_asked;
  _Atomic int64_t captures, replays, released_captures, dynamic_options, prepacked;
  _Atomic int64_t profile_starts, profile_ends, profile_events;
  _Atomic int64_t contexts_written, contexts_read, user_streams, shared,
      shared_at; /* shared_at: where the last packed weight lies */
} Counters;
extern Counters counters;

extern const OrtApi *api;
extern const OrtEpApi *ep_api;
#define TRY(call)                        \
  do {                                   \
    OrtStatus *failed_ = (call);         \
    if (failed_ != NULL) return failed_; \
  } while (0)
OrtStatus *fail(const char *what);
bool fails(const char *what); /* does the session made last want this to fail? */

/* ---- device_memory.c ---- */
typedef struct Stream Stream;
typedef struct Device {
  int number;
  char *space, *real; /* what the host sees, and where it is */
  OrtMemoryInfo *info, *shared_info;
  OrtAllocator allocator;
} Device;
extern Device devices[DEVICES];
bool device_open(Device *d, int number);
void device_close(Device *d);
void *device_alloc(Device *d, size_t bytes);
void device_free(Device *d, void *p);
/* Where a pointer really points: those of no device are what they are. */
void *device_real(const void *p);
/* Blocks given back are kept for as long as somebody may replay what was done with them. */
void device_keep(bool on);

typedef struct Tensor {
  void *data; /* as the host sees it */
  size_t rank, count, bytes;
  int64_t dims[MAX_RANK];
  ONNXTensorElementDataType type;
} Tensor;
/* One piece of work. */
typedef struct Task {
  void (*run)(const struct Task *t);
  size_t n_in;
  Tensor in[MAX_IN], out;
  int64_t attr[12];
  void *staged; /* owned */
} Task;
/* Does the task, or leaves it to the stream. */
void device_do(Stream *s, Task t);
void stream_flush(Stream *s);
Stream *stream_of(const OrtSyncStream *s);                               /* NULL of NULL */
OrtStatus *stream_create(Device *d, bool lazy, OrtSyncStreamImpl **out); /* lazy: copies to the host are late, too */
OrtStatus *transfer_create(OrtDataTransferImpl **out);

/* A list of tasks, for captured graphs. */
typedef struct Tape {
  Task *at;
  size_t n, room;
} Tape;
void tape_add(Tape *t, const Task *x);
void tape_play(const Tape *t);
void tape_free(Tape *t);
extern Tape *recording; /* what device_do does is also put here; NULL: nowhere */

OrtStatus *tensor_of(const OrtValue *v, Tensor *t);
OrtStatus *device_copy(Stream *s, Task t); /* from in[0] to out, wherever they are */
void task_copy(const Task *t);             /* in[0] to out, byte by byte */

/* ---- device_kernels.c ---- */
typedef struct Op {
  const char *name, *domain;
  int first, last;
  uint32_t host_in, host_out; /* bits */
  const char *constraint;     /* type parameter; NULL: none */
  const ONNXTensorElementDataType *types;
  size_t n_types;
  bool compiles; /* may be part of a compiled group */
  /* Sets t->run and the shape of t->out from t->in and t->attr. */
  OrtStatus *(*plan)(Task *t);
  const char *attrs[4]; /* integers that plan reads: attr[3 * i]... */
} Op;
extern const Op ops[];
extern const size_t n_ops;
const Op *op_find(const char *domain, const char *name);
size_t tensor_size(ONNXTensorElementDataType t);
OrtStatus *registry_create(const char *provider, OrtKernelRegistry **out);
extern OrtCustomOp triple; /* of domain test.device */

/* ---- device_groups.c ---- */
/* How compiled groups are written and read: where their weights are (in the context, inputs of the group, or found again in the
 * source model's bytes), and whether their data lie apart under a name, written and read by functions of the session's options. */
enum { WEIGHTS_KEPT, WEIGHTS_GIVEN, WEIGHTS_FOUND };
typedef struct Contexts {
  bool write;
  int weights;
  const void *source; /* the model's bytes; NULL: none */
  size_t source_size;
  bool embed;
  OrtReadNamedBufferFunc read_named;
  OrtWriteNamedBufferFunc write_named;
  void *read_state, *write_state;
} Contexts;
OrtStatus *groups_claim(const OrtGraph *graph, OrtEpGraphSupportInfo *info, const char *only, const Contexts *c);
bool wanted(const char *only, const char *op);
OrtStatus *groups_compile(Device *d, const char *provider, const Contexts *c, const OrtGraph **graphs, const OrtNode **fused,
                          size_t n, OrtNodeComputeInfo **infos, OrtNode **context_nodes);
void groups_release(OrtNodeComputeInfo **infos, size_t n);
#endif
