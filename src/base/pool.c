// SPDX-License-Identifier: MIT
/* The pool. A call of sx_pool_run opens one of a few job slots; idle workers watch the slots.
 *
 * All that changes while a job runs is one 64-bit word: how many chunks were claimed, how many helpers may still join, how many
 * are at work. A helper joins and claims its first chunk with one compare-and-swap, claims more with an addition and leaves with
 * another, so that two threads that are awake meet over a single cache line. The claims count up to LIMIT; from there on nobody
 * can join, and the slot is free again when the last helper has left. A slot is only ever read by who holds or has joined it. */
#include "base/pool.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/stop.h"
#include "base/thread.h"

#define LIMIT (1u << 30)               /* claims of a job with n chunks count from LIMIT - n */
#define STOPPED ((uint64_t)1 << 31)    /* a failure: no further claims */
#define ACTIVE ((uint64_t)1 << 32)     /* helpers at work: 12 bits */
#define ROOM ((uint64_t)1 << 44)       /* helpers that may join: 12 bits */
#define TAKEN ((uint64_t)1 << 56)      /* the slot belongs to a caller */
enum { SLOTS = 8, MOST_THREADS = 1024, WAKE_AT_ONCE = 4, LINE = 64 };

static uint32_t claimed(uint64_t w) { return (uint32_t)w; }
static uint32_t active(uint64_t w) { return (uint32_t)(w / ACTIVE) & 0xfff; }
static uint32_t room(uint64_t w) { return (uint32_t)(w / ROOM) & 0xfff; }
static bool joinable(uint64_t w) { return room(w) > 0 && claimed(w) < LIMIT; }

struct sx_barrier {
  _Atomic uint64_t state; /* generation << 32 | members << 16 | arrived */
  sx_event turned;
};

typedef struct slot {
  _Alignas(LINE) _Atomic uint64_t word;
  sx_unit_fn fn;
  void *ctx;
  uint32_t units, grain, chunks, width;
  sx_event left; /* the last helper has left */
  sx_gang_fn gang;
  _Alignas(LINE) atomic_uint failed; /* 0, or 1: somebody has taken the right to fill err */
  sx_status status;
  sx_err *err;
  atomic_uint members; /* of a gang that is complete; 0 before */
  struct sx_barrier barrier;
  sx_stop *stop; /* whom the caller works for */
} slot;

typedef struct worker {
  sx_pool *pool;
  sx_thread thread; /* or what the caller's hook gave */
  uint32_t index, n_cpus;
  uint16_t *cpus;
} worker;

struct sx_pool {
  slot slots[SLOTS];
  _Alignas(LINE) sx_event idle;
  atomic_uint started;
  atomic_int runs;
  atomic_uint generation; /* of forks; the high bit while the child makes the pool anew */
  atomic_bool stop, refused;
  _Alignas(LINE) atomic_bool starting; /* somebody is in start_workers; nobody waits for it, so it is no lock */
  sx_pool_options options;
  uint32_t threads;
  worker *workers; /* threads - 1 */
  sx_arena arena;
};

/* ---- doing a job ---- */

static void fail(slot *s, sx_status status, const sx_err *err) {
  if (atomic_exchange(&s->failed, 1)) return;
  s->status = status;
  if (s->err) *s->err = *err;
}

/* Claims and does chunks until there are none; `w` is the word as it was at the first claim. */
static void do_chunks(slot *s, uint64_t w, uint32_t id) {
  sx_err err;
  err.code = SX_OK, err.line = 0, err.file = "", err.msg[0] = 0;
  for (; claimed(w) < LIMIT; w = atomic_fetch_add_explicit(&s->word, 1, memory_order_relaxed)) {
    uint64_t begin = (uint64_t)(claimed(w) - (LIMIT - s->chunks)) * s->grain, end = begin + s->grain;
    if (end > s->units) end = s->units;
    sx_status status = sx_stop_check(&err);
    if (status == SX_OK) status = s->fn(s->ctx, (uint32_t)begin, (uint32_t)end, id, &err);
    if (status == SX_OK) continue;
    fail(s, status, &err);
    atomic_fetch_or(&s->word, STOPPED);
    return;
  }
}

/* A member is done: those who wait at the barrier wait for one less. */
static void barrier_drop(sx_barrier *b) {
  uint64_t w = atomic_load(&b->state), next;
  bool turn;
  do {
    uint64_t members = (w >> 16 & 0xffff) - 1, arrived = w & 0xffff;
    turn = arrived > 0 && arrived == members;
    next = turn ? ((w >> 32) + 1) << 32 | members << 16 : (w & ~(uint64_t)0xffff0000u) | members << 16;
  } while (!atomic_compare_exchange_weak(&b->state, &w, next));
  if (turn) sx_event_notify(&b->turned, UINT32_MAX);
}

static void do_member(slot *s, uint32_t id, uint32_t members) {
  sx_err err;
  err.code = SX_OK, err.line = 0, err.file = "", err.msg[0] = 0;
  sx_status status = s->gang(s->ctx, id, members, &s->barrier, &err);
  if (status != SX_OK) fail(s, status, &err);
  barrier_drop(&s->barrier);
}

/* A helper's part in a job it has joined. */
static void help(slot *s, uint64_t w) {
  uint32_t id = s->width - room(w);
  sx_stop_enter(s->stop);
  if (s->gang) {
    uint32_t members;
    for (uint32_t i = 0; (members = atomic_load_explicit(&s->members, memory_order_acquire)) == 0; i++)
      if (i < 1000) sx_spin_pause();
      else sx_thread_yield();
    do_member(s, id, members);
  } else {
    do_chunks(s, w, id);
  }
  sx_stop_enter(NULL);
  if (active(atomic_fetch_sub(&s->word, ACTIVE)) == 1) sx_event_notify(&s->left, 1);
}

/* ---- workers ---- */

static slot *join_some(sx_pool *p, uint32_t first, uint64_t *was) {
  for (uint32_t k = 0; k < SLOTS; k++) {
    slot *s = &p->slots[(first + k) % SLOTS];
    uint64_t w = atomic_load_explicit(&s->word, memory_order_relaxed);
    while (joinable(w))
      if (atomic_compare_exchange_weak_explicit(&s->word, &w, w - ROOM + ACTIVE + 1, memory_order_acq_rel, memory_order_relaxed)) {
        *was = w;
        return s;
      }
  }
  return NULL;
}

/* Spins for a while, then sleeps, until there is a job; NULL when the pool ends. */
static slot *next_job(worker *me, uint64_t *was, bool *slept) {
  sx_pool *p = me->pool;
  uint64_t since = 0;
  for (uint32_t i = 0;; i++) {
    slot *s = join_some(p, me->index, was);
    if (s) return s;
    sx_spin_pause();
    if (i % 64 != 0) continue;
    if (atomic_load_explicit(&p->stop, memory_order_relaxed)) return NULL;
    uint64_t now = sx_now_ns(), bound = (uint64_t)p->options.spin_us * 1000;
    if (atomic_load_explicit(&p->runs, memory_order_relaxed) <= 0) bound /= 4;
    if (!since) since = now;
    if (now - since < bound) continue;
    uint32_t seq = sx_event_prepare(&p->idle);
    s = join_some(p, me->index, was);
    if (!s && !atomic_load(&p->stop)) {
      sx_event_wait(&p->idle, seq);
      *slept = true;
    }
    sx_event_cancel(&p->idle);
    if (s) return s;
    since = 0;
  }
}

static void worker_main(void *arg) {
  worker *me = arg;
  sx_pool *p = me->pool;
  if (p->options.denormals_zero) sx_denormals_zero(true);
  if (me->n_cpus) sx_thread_pin(me->cpus, me->n_cpus);
  uint64_t w;
  for (;;) {
    bool slept = false;
    slot *s = next_job(me, &w, &slept);
    if (!s) return;
    if (slept && room(w) > 1) sx_event_notify(&p->idle, 2); /* a caller wakes a few, they wake the rest */
    help(s, w);
  }
}

static bool start_worker(sx_pool *p, worker *w) {
  if (!p->options.thread_create) return sx_thread_start(&w->thread, worker_main, w);
  if (sx_fault()) return false;
  w->thread.handle = p->options.thread_create(p->options.hook_options, worker_main, w);
  return w->thread.handle != NULL;
}

/* Fewer threads than wanted are no error. */
static void start_workers(sx_pool *p, uint32_t want) {
  if (atomic_exchange(&p->starting, true)) return;
  uint32_t n = atomic_load(&p->started);
  while (n < want) {
    if (!start_worker(p, &p->workers[n])) {
      atomic_store(&p->refused, true);
      break;
    }
    atomic_store(&p->started, ++n);
  }
  atomic_store(&p->starting, false);
}

/* In the child of a fork no worker lives, and what the parent's threads held at that moment stays held for ever: start anew. */
static void check_fork(sx_pool *p) {
  const unsigned busy = 1u << 31, now = sx_fork_generation() & ~busy;
  unsigned seen = atomic_load_explicit(&p->generation, memory_order_acquire);
  while (seen != now) {
    if (seen != (now | busy) && atomic_compare_exchange_strong(&p->generation, &seen, now | busy)) {
      memset(p->slots, 0, sizeof p->slots);
      memset(&p->idle, 0, sizeof p->idle);
      atomic_store(&p->starting, false);
      atomic_store(&p->started, 0);
      atomic_store(&p->runs, 0);
      atomic_store(&p->refused, false);
      atomic_store(&p->generation, now);
    }
    seen = atomic_load(&p->generation);
  }
}

/* ---- callers ---- */

static slot *take_slot(sx_pool *p) {
  static _Thread_local uint32_t last;
  for (uint32_t k = 0; k < SLOTS; k++) {
    uint32_t i = (last + k) % SLOTS;
    uint64_t none = 0;
    if (atomic_load_explicit(&p->slots[i].word, memory_order_relaxed) != 0) continue;
    if (!atomic_compare_exchange_strong_explicit(&p->slots[i].word, &none, TAKEN, memory_order_acquire, memory_order_relaxed))
      continue;
    last = i;
    return &p->slots[i];
  }
  return NULL;
}

/* With one run going on, workers that are awake will come by themselves. With several they may be busy: wake as many. */
static void wake_for(sx_pool *p, uint32_t helpers) {
  int asleep = atomic_load(&p->idle.sleepers);
  if (asleep <= 0) return;
  uint32_t awake = atomic_load_explicit(&p->started, memory_order_relaxed) - (uint32_t)asleep;
  if (atomic_load_explicit(&p->runs, memory_order_relaxed) > 1) awake = 0;
  if (helpers > awake) sx_event_notify(&p->idle, helpers - awake < WAKE_AT_ONCE ? helpers - awake : WAKE_AT_ONCE);
}

/* Opens a slot with its fields filled and calls helpers. */
static void open_slot(sx_pool *p, slot *s, uint32_t helpers, uint32_t first_claim) {
  s->stop = sx_stop_of_thread();
  uint32_t started = atomic_load_explicit(&p->started, memory_order_relaxed);
  if (started < helpers && !atomic_load_explicit(&p->refused, memory_order_relaxed)) start_workers(p, helpers);
  atomic_store(&s->word, TAKEN + helpers * ROOM + first_claim);
  wake_for(p, helpers);
}

/* Waits until the helpers have left, and gives the slot back. */
static sx_status close_slot(sx_pool *p, slot *s) {
  uint64_t since = 0;
  for (uint32_t i = 0; active(atomic_load(&s->word)) > 0; i++) {
    sx_spin_pause();
    if (i % 64 != 63) continue;
    uint64_t now = sx_now_ns();
    if (!since) since = now;
    if (now - since < (uint64_t)p->options.spin_us * 1000) continue;
    uint32_t seq = sx_event_prepare(&s->left);
    if (active(atomic_load(&s->word)) > 0) sx_event_wait(&s->left, seq);
    sx_event_cancel(&s->left);
  }
  sx_status status = s->failed ? s->status : SX_OK;
  sx_err *e = s->err;
  atomic_store_explicit(&s->word, 0, memory_order_release);
  return status == SX_OK ? sx_stop_settle(e) : status;
}

/* All units on this thread: at once, or in ranges where somebody may stop it. */
static sx_status alone(uint32_t units, uint32_t grain, sx_unit_fn fn, void *ctx, sx_err *e) {
  if (!sx_stop_of_thread()) grain = units;
  for (uint32_t u = 0, to; u < units; u = to) {
    to = units - u > grain ? u + grain : units;
    SX_TRY(sx_stop_check(e));
    SX_TRY(fn(ctx, u, to, 0, e));
  }
  return sx_stop_settle(e);
}

sx_status sx_pool_run(sx_pool *p, uint32_t width, uint32_t units, uint32_t grain, sx_unit_fn fn, void *ctx, sx_err *e) {
  if (units == 0) return SX_OK;
  if (grain == 0) grain = 1;
  if (!p || width <= 1 || units <= grain || p->threads <= 1) return alone(units, grain, fn, ctx, e);
  uint32_t chunks = (units - 1) / grain + 1;
  if (chunks > LIMIT / 2) {
    grain *= 8;
    chunks = (units - 1) / grain + 1;
  }
  if (width > p->threads) width = p->threads;
  if (width > chunks) width = chunks;
  check_fork(p);
  slot *s = take_slot(p);
  if (!s) return alone(units, grain, fn, ctx, e);
  s->fn = fn;
  s->ctx = ctx;
  s->units = units;
  s->grain = grain;
  s->chunks = chunks;
  s->width = width;
  s->gang = NULL;
  s->err = e;
  atomic_store_explicit(&s->failed, 0, memory_order_relaxed);
  uint32_t first = LIMIT - chunks;
  open_slot(p, s, width - 1, first + 1); /* the caller's first chunk is claimed at once */
  do_chunks(s, first, 0);
  return close_slot(p, s);
}

static sx_status gang_alone(sx_gang_fn fn, void *ctx, sx_err *e) {
  sx_barrier b = {.state = 1u << 16};
  return fn(ctx, 0, 1, &b, e);
}

sx_status sx_pool_gang(sx_pool *p, uint32_t width, sx_gang_fn fn, void *ctx, sx_err *e) {
  if (p && width > p->threads) width = p->threads;
  if (!p || width <= 1) return gang_alone(fn, ctx, e);
  check_fork(p);
  slot *s = take_slot(p);
  if (!s) return gang_alone(fn, ctx, e);
  s->gang = fn;
  s->ctx = ctx;
  s->width = width;
  s->err = e;
  atomic_store_explicit(&s->failed, 0, memory_order_relaxed);
  atomic_store_explicit(&s->members, 0, memory_order_relaxed);
  open_slot(p, s, width - 1, 0);
  /* Helpers that are free come within a wake's time; then the door is shut. */
  const uint64_t patience = 50000, since = sx_now_ns();
  uint64_t w = atomic_load(&s->word);
  for (uint32_t i = 0; room(w) > 0; i++, w = atomic_load(&s->word)) {
    sx_spin_pause();
    if (i % 64 == 63 && sx_now_ns() - since > patience) break;
  }
  w = atomic_fetch_or(&s->word, LIMIT);
  uint32_t members = width - room(w);
  atomic_store(&s->barrier.state, (uint64_t)members << 16);
  atomic_store_explicit(&s->members, members, memory_order_release);
  do_member(s, 0, members);
  return close_slot(p, s);
}

void sx_barrier_wait(sx_barrier *b) {
  uint64_t w = atomic_load(&b->state), next;
  bool turn;
  do {
    uint64_t members = w >> 16 & 0xffff, arrived = (w & 0xffff) + 1;
    turn = arrived >= members;
    next = turn ? ((w >> 32) + 1) << 32 | members << 16 : w + 1;
  } while (!atomic_compare_exchange_weak(&b->state, &w, next));
  if (turn) {
    sx_event_notify(&b->turned, UINT32_MAX);
    return;
  }
  const uint32_t turn_of = (uint32_t)(w >> 32);
  for (uint32_t i = 0; (uint32_t)(atomic_load(&b->state) >> 32) == turn_of; i++) {
    sx_spin_pause();
    if (i < 4000) continue;
    uint32_t seq = sx_event_prepare(&b->turned);
    if ((uint32_t)(atomic_load(&b->state) >> 32) == turn_of) sx_event_wait(&b->turned, seq);
    sx_event_cancel(&b->turned);
  }
}

void sx_pool_enter(sx_pool *p) {
  if (!p) return;
  check_fork(p);
  atomic_fetch_add_explicit(&p->runs, 1, memory_order_relaxed);
}

void sx_pool_leave(sx_pool *p) {
  if (p) atomic_fetch_sub_explicit(&p->runs, 1, memory_order_relaxed);
}

uint32_t sx_pool_width(const sx_pool *p) { return p ? p->threads : 1; }

/* ---- life ---- */

/* One number of a list, from 1; false when there is none or it is too large. */
static bool parse_number(const char **p, uint32_t *out) {
  uint32_t n = 0;
  const char *start = *p;
  for (; **p >= '0' && **p <= '9' && n < 100000; (*p)++) n = n * 10 + (uint32_t)(**p - '0');
  *out = n;
  return *p > start && n >= 1 && n <= 8192;
}

/* "1,2;3-4": one list per worker. */
static sx_status parse_affinity(sx_pool *p, const char *text, sx_err *e) {
  const char *c = text;
  for (uint32_t i = 0; i + 1 < p->threads; i++) {
    worker *w = &p->workers[i];
    SX_VEC(uint16_t) cpus = {0};
    bool ok = true, fits = true;
    do {
      uint32_t from, to;
      ok = parse_number(&c, &from);
      to = from;
      if (ok && *c == '-') c++, ok = parse_number(&c, &to) && to >= from;
      for (uint32_t k = from; ok && fits && k <= to; k++) fits = sx_vec_push(&cpus, (uint16_t)(k - 1));
    } while (ok && fits && *c == ',' && c++);
    w->n_cpus = cpus.n;
    w->cpus = sx_arena_copy(&p->arena, cpus.at, cpus.n * sizeof *cpus.at);
    fits = fits && w->cpus;
    sx_vec_free(&cpus);
    if (!fits) SX_NO_MEMORY(e);
    if (!ok || *c != (i + 2 < p->threads ? ';' : 0))
      SX_FAIL(e, FAIL, "thread affinities \"%.200s\": expected %u lists like \"1,2;3-4\" (one for each thread but the "
              "caller, CPUs from 1), found something else at \"%.20s\"", text, p->threads - 1, c);
    if (*c) c++;
  }
  return SX_OK;
}

sx_status sx_pool_create(const sx_pool_options *o, sx_pool **out, sx_err *e) {
  uint32_t threads = o->threads ? o->threads : sx_cpu_info()->cores;
  if (threads > MOST_THREADS) threads = MOST_THREADS;
  sx_pool *p = sx_malloc_aligned(sizeof *p);
  if (!p) SX_NO_MEMORY(e);
  memset(p, 0, sizeof *p);
  p->options = *o;
  p->options.affinity = NULL;
  p->threads = threads;
  atomic_store(&p->generation, sx_fork_generation());
  p->workers = SX_NEW_N(&p->arena, worker, threads);
  for (uint32_t i = 0; p->workers && i < threads; i++) p->workers[i] = (worker){.pool = p, .index = i};
  sx_status s = p->workers ? SX_OK : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK && o->affinity && *o->affinity) s = parse_affinity(p, o->affinity, e);
  if (s == SX_OK && o->thread_create && threads > 1) {
    start_workers(p, threads - 1);
    uint32_t n = atomic_load(&p->started);
    if (n < threads - 1) s = sx_fail(e, SX_E_FAIL, SX_HERE, "the custom function that creates threads made %u of %u", n, threads - 1);
  }
  if (s != SX_OK) {
    sx_pool_destroy(p);
    return s;
  }
  *out = p;
  return SX_OK;
}

void sx_pool_destroy(sx_pool *p) {
  if (!p) return;
  check_fork(p);
  atomic_store(&p->stop, true);
  sx_event_notify(&p->idle, UINT32_MAX);
  for (uint32_t i = 0; i < atomic_load(&p->started); i++) {
    worker *w = &p->workers[i];
    if (!p->options.thread_create) sx_thread_join(&w->thread);
    else if (p->options.thread_join) p->options.thread_join(w->thread.handle);
  }
  sx_arena_free(&p->arena);
  sx_free_aligned(p, sizeof *p);
}
