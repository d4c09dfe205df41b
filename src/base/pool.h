// SPDX-License-Identifier: MIT
/* The thread pool: fork-join over numbered units of work.
 *
 * One pool serves the process by default; a session that asks for hooks, affinities or "per session threads" has its own.
 * The caller of sx_pool_run works too. Idle workers spin for a bounded time while a run is going on (a quarter of it after
 * the last one has ended, for those who run in a loop), then sleep on a futex, so an idle session costs nothing. Several
 * callers may use one pool at once; a nested call from inside a unit helps first and never blocks on a worker. After fork()
 * the child notices by a generation number and starts its own workers at the next run. */
#ifndef SX_BASE_POOL_H
#define SX_BASE_POOL_H
#include <stdbool.h>
#include <stdint.h>
#include "base/status.h"

typedef struct sx_pool sx_pool;

typedef struct sx_pool_options {
  uint32_t threads;     /* workers including the caller; 0 = cores of sx_cpu_info() */
  uint32_t spin_us;     /* bound of one wait's spinning while a run is going on; default 100; 0 = never */
  bool denormals_zero;  /* flush denormals in the workers */
  const char *affinity; /* ORT's text ("1,2;3-4" per worker, ids from 1) or NULL */
  void *(*thread_create)(void *options, void (*entry)(void *), void *arg); /* custom thread hooks or NULL */
  void (*thread_join)(void *handle);
  void *hook_options;
} sx_pool_options;

/* Workers start at the first call that wants them; those of custom hooks at once, and it fails when one cannot be made. */
sx_status sx_pool_create(const sx_pool_options *o, sx_pool **out, sx_err *e);
void sx_pool_destroy(sx_pool *p); /* joins the workers; NULL is allowed */
uint32_t sx_pool_width(const sx_pool *p);

/* Between enter and leave a run is going on: workers spin in between steps instead of sleeping. Cheap; nests. */
void sx_pool_enter(sx_pool *p);
void sx_pool_leave(sx_pool *p);

/* fn does the units [begin, end). `worker` is in [0, width): no two concurrent calls of one sx_pool_run have the same, so
 * it indexes scratch. The first failure wins and the rest is skipped. */
typedef sx_status (*sx_unit_fn)(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e);
/* Does all units on up to `width` threads, `grain` units at a time (>= 1); returns when all are done. Runs on the caller
 * alone, without touching shared state, when p is NULL, width <= 1 or units <= grain. Work that is to stop (base/stop.h)
 * does so between any two ranges, and helpers work for whom the caller works. */
sx_status sx_pool_run(sx_pool *p, uint32_t width, uint32_t units, uint32_t grain, sx_unit_fn fn, void *ctx, sx_err *e);

/* A gang: `workers` threads that run at the same time and may meet at a barrier. Fewer than `width` when workers are busy
 * elsewhere, at least 1 (the caller). A member that returns, also with an error, is no longer waited for at the barrier. */
typedef struct sx_barrier sx_barrier;
typedef sx_status (*sx_gang_fn)(void *ctx, uint32_t worker, uint32_t workers, sx_barrier *b, sx_err *e);
sx_status sx_pool_gang(sx_pool *p, uint32_t width, sx_gang_fn fn, void *ctx, sx_err *e);
void sx_barrier_wait(sx_barrier *b);
#endif
