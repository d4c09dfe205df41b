// SPDX-License-Identifier: MIT
/* The library with its allocations failing in every call, for programs that know nothing of it: each slot is wrapped, and what may
 * fail is called again and again, with the first, the second, ... allocation, mapping or thread start in it refused, until one call
 * needs no more than it got. The caller sees that one alone. So a call that fails for want of memory must say so, with a message, and
 * change nothing: the next one does it. What a program has not given back when it ends was lost in one of those that failed.
 *
 * SX_OOM_TABLE names a file to which a line per slot is added: table, slot, calls, allocations refused in it, and how many of these
 * it did without. SX_OOM_CALLS: how many attempts a slot gets before they are spread. SX_OOM_TRACE: names slots that keep memory of a
 * failed attempt. SX_OOM_PLAINLY: slots that are called once. SX_OOM_LEAVES: the program does not release what it makes. SX_OOM_COUNTS: the program counts calls of its functions; its verdict is not asked. */
#define _GNU_SOURCE
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "abi/api.h"
#include "base/alloc.h"
#include "onnxruntime_c_api.h"

/* ---- the heap ---- */
static struct {
  atomic_long asked, fail_at, bytes;
  atomic_bool refused;
} heap;
enum { SLOTS = 600, NONE = SLOTS };
static struct {
  const char *table, *name;
  atomic_long calls, refused, without, attempts, next;
} slots[SLOTS + 1];
static _Thread_local int current = NONE; /* the innermost slot of this thread */
static _Thread_local bool mine;          /* this thread's call is the one that is made to fail ... */
static atomic_int outermost = NONE;      /* ... and this is its slot; NONE: no one's */

static bool refuse(void) {
  const long at = atomic_load(&heap.fail_at);
  if (!at || (current != NONE && !mine)) return false; /* threads of the library help this call; others have their own */
  if (atomic_fetch_add(&heap.asked, 1) + 1 != at) return false;
  atomic_store(&heap.refused, true);
  atomic_fetch_add(&slots[current != NONE ? current : atomic_load(&outermost)].refused, 1);
  return true;
}
static void *take(void *ctx, size_t size, size_t align) {
  void *p = NULL;
  if (refuse() || posix_memalign(&p, align < 16 ? 16 : align, size)) return NULL;
  memset(p, 0xa5, size);
  atomic_fetch_add(&heap.bytes, (long)size);
  return p;
}
static void give_back(void *ctx, void *p, size_t size, size_t align) {
  atomic_fetch_sub(&heap.bytes, (long)size);
  memset(p, 0x5a, size);
  free(p);
}
static bool fault(void *ctx) { return refuse(); }
static const sx_allocator counting = {.alloc = take, .free = give_back, .fault = fault};

/* ---- one call ---- */
typedef struct attempt {
  int slot, before;
  bool active;
  long n, bytes;
} attempt;
static long calls_in_full = 2000;
static bool trace;
static const char *plainly; /* slots that a program calls with functions that remember being called */
static void (ORT_API_CALL *release_status)(OrtStatus *);
static void (ORT_API_CALL *release_session)(OrtSession *);
static const char *(ORT_API_CALL *message)(const OrtStatus *);

static void aim(attempt *a) {
  atomic_fetch_add(&slots[a->slot].attempts, 1);
  atomic_store(&heap.asked, 0), atomic_store(&heap.refused, false);
  a->bytes = atomic_load(&heap.bytes);
  atomic_store(&heap.fail_at, a->n);
}
static attempt enter(int slot) {
  attempt a = {.slot = slot, .before = current};
  current = slot;
  atomic_fetch_add(&slots[slot].calls, 1);
  return a;
}
static void leave(const attempt *a) { current = a->before; }
/* Calls that say a size through an argument that they also read: one that failed is not the same call again. And one that goes on
 * when it has returned. */
static bool repeatable(const char *name) {
  static const char *const no[] = {"GetSessionConfigEntry", "ReadOpAttr", "RunAsync"};
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    if (!strcmp(name, no[i])) return false;
  if (plainly && strstr(plainly, name)) return false;
  return strncmp(name, "KernelInfo", 10) != 0;
}
static attempt begin(int slot) {
  attempt a = enter(slot);
  int none = NONE;
  if (!repeatable(slots[slot].name)) return a;
  a.active = atomic_compare_exchange_strong(&outermost, &none, slot);
  if (!a.active) return a;
  mine = true;
  a.n = atomic_exchange(&slots[slot].next, 0) + 1; /* where a call that did without ended the walk before */
  aim(&a);
  return a;
}
/* A session that was made without something is not what the caller is used to: it goes, and the walk goes on. */
static bool unmake(const attempt *a, void *last) {
  OrtSession **session = last;
  if (strncmp(slots[a->slot].name, "CreateSession", 13) || !strcmp(slots[a->slot].name, "CreateSessionOptions")) return false;
  release_session(*session);
  *session = NULL;
  return true;
}
static bool again(attempt *a, OrtStatus *s, void *last) {
  if (a->active) {
    atomic_store(&heap.fail_at, 0);
    const bool refused = atomic_load(&heap.refused), spread = atomic_load(&slots[a->slot].attempts) > calls_in_full;
    if (refused && !s) atomic_fetch_add(&slots[a->slot].without, 1);
    if (refused && (s || unmake(a, last))) {
      if (s && !message(s)[0]) fprintf(stderr, "%s: a status without a message\n", slots[a->slot].name), abort();
      release_status(s);
      if (trace && atomic_load(&heap.bytes) != a->bytes)
        fprintf(stderr, "%s: attempt %ld keeps %ld bytes\n", slots[a->slot].name, a->n, atomic_load(&heap.bytes) - a->bytes);
      a->n += spread ? 1 + a->n / 4 : 1;
      aim(a);
      return true;
    }
    if (refused) atomic_store(&slots[a->slot].next, a->n);
    mine = false;
    atomic_store(&outermost, NONE);
  }
  leave(a);
  return false;
}

/* ---- the slots ---- */
typedef void (*callback)(void *, size_t);
enum {
#define SLOT(table, name, kind, returns, ...) AT_##table##_##name,
#include "abi/slots.gen.inc"
#undef SLOT
};
static OrtApi real_OrtApi;
static OrtModelEditorApi real_OrtModelEditorApi;
static OrtCompileApi real_OrtCompileApi;
static OrtInteropApi real_OrtInteropApi;
static OrtEpApi real_OrtEpApi;
static OrtModelPackageApi real_OrtModelPackageApi;

#define PICK(a, b, c, d, e, f, g, h, i, j, k, l, m, n, pick, ...) pick
#define TAKES(...) PICK(_, ##__VA_ARGS__, T13, T12, T11, T10, T9, T8, T7, T6, T5, T4, T3, T2, T1, T0)(__VA_ARGS__)
#define GIVES(...) PICK(_, ##__VA_ARGS__, G13, G12, G11, G10, G9, G8, G7, G6, G5, G4, G3, G2, G1, G0)()
#define LAST(...) PICK(_, ##__VA_ARGS__, a13, a12, a11, a10, a9, a8, a7, a6, a5, a4, a3, a2, a1, 0)
#define T0() void
#define T1(a) a a1
#define T2(a, b) a a1, b a2
#define T3(a, b, c) T2(a, b), c a3
#define T4(a, b, c, d) T3(a, b, c), d a4
#define T5(a, b, c, d, e) T4(a, b, c, d), e a5
#define T6(a, b, c, d, e, f) T5(a, b, c, d, e), f a6
#define T7(a, b, c, d, e, f, g) T6(a, b, c, d, e, f), g a7
#define T8(a, b, c, d, e, f, g, h) T7(a, b, c, d, e, f, g), h a8
#define T9(a, b, c, d, e, f, g, h, i) T8(a, b, c, d, e, f, g, h), i a9
#define T10(a, b, c, d, e, f, g, h, i, j) T9(a, b, c, d, e, f, g, h, i), j a10
#define T11(a, b, c, d, e, f, g, h, i, j, k) T10(a, b, c, d, e, f, g, h, i, j), k a11
#define T12(a, b, c, d, e, f, g, h, i, j, k, l) T11(a, b, c, d, e, f, g, h, i, j, k), l a12
#define T13(a, b, c, d, e, f, g, h, i, j, k, l, m) T12(a, b, c, d, e, f, g, h, i, j, k, l), m a13
#define G0()
#define G1() a1
#define G2() G1(), a2
#define G3() G2(), a3
#define G4() G3(), a4
#define G5() G4(), a5
#define G6() G5(), a6
#define G7() G6(), a7
#define G8() G7(), a8
#define G9() G8(), a9
#define G10() G9(), a10
#define G11() G10(), a11
#define G12() G11(), a12
#define G13() G12(), a13

#define BODY_STATUS(table, name, ...)                      \
  attempt at = begin(AT_##table##_##name);                 \
  OrtStatus *s;                                            \
  do s = real_##table.name(GIVES(__VA_ARGS__));            \
  while (again(&at, s, (void *)(uintptr_t)LAST(__VA_ARGS__))); \
  return s;
#define BODY_PLAIN(table, name, ...)                                                      \
  attempt at __attribute__((cleanup(leave), unused)) = enter(AT_##table##_##name);        \
  return real_##table.name(GIVES(__VA_ARGS__));
#define SLOT(table, name, kind, returns, ...) \
  static returns ORT_API_CALL table##_##name(TAKES(__VA_ARGS__)) { BODY_##kind(table, name, ##__VA_ARGS__) }
#include "abi/slots.gen.inc"
#undef SLOT

/* ---- in and out ---- */
static void writable(const void *table, size_t size) { /* they lie in memory that the loader has made read-only */
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)table & ~(page - 1);
  if (mprotect((void *)from, (uintptr_t)table + size - from, PROT_READ | PROT_WRITE)) perror("mprotect"), abort();
}
#define KEEP(table, at) writable(&at, sizeof at), memcpy(&real_##table, &at, sizeof at)
#define PUT_OrtApi sx_api
#define PUT_OrtModelEditorApi sx_editor
#define PUT_OrtCompileApi sx_compile
#define PUT_OrtInteropApi sx_interop
#define PUT_OrtEpApi sx_epapi
#define PUT_OrtModelPackageApi sx_package

__attribute__((constructor)) static void start(void) {
  sx_heap_set(&counting);
  KEEP(OrtApi, sx_api), KEEP(OrtModelEditorApi, sx_editor), KEEP(OrtCompileApi, sx_compile);
  KEEP(OrtInteropApi, sx_interop), KEEP(OrtEpApi, sx_epapi), KEEP(OrtModelPackageApi, sx_package);
#define SLOT(t, n, kind, returns, ...) \
  slots[AT_##t##_##n].table = #t, slots[AT_##t##_##n].name = #n, *(void **)&((t *)(uintptr_t)&PUT_##t)->n = (void *)t##_##n;
#include "abi/slots.gen.inc"
#undef SLOT
  slots[NONE].table = slots[NONE].name = "none";
  release_status = real_OrtApi.ReleaseStatus, release_session = real_OrtApi.ReleaseSession, message = real_OrtApi.GetErrorMessage;
  if (getenv("SX_OOM_CALLS")) calls_in_full = atol(getenv("SX_OOM_CALLS"));
  trace = getenv("SX_OOM_TRACE") != NULL, plainly = getenv("SX_OOM_PLAINLY");
}

__attribute__((destructor)) static void end(void) {
  const char *to = getenv("SX_OOM_TABLE");
  FILE *f = to ? fopen(to, "a") : NULL;
  long refused = 0, with = 0;
  for (int i = 0; i <= SLOTS; i++) {
    refused += atomic_load(&slots[i].refused), with += atomic_load(&slots[i].refused) > 0;
    if (f && atomic_load(&slots[i].calls))
      fprintf(f, "%s.%s %ld %ld %ld\n", slots[i].table, slots[i].name, atomic_load(&slots[i].calls), atomic_load(&slots[i].refused),
              atomic_load(&slots[i].without));
  }
  if (f) fclose(f);
  printf("out of memory: %ld allocations refused, in %ld slots\n", refused, with);
  const long bytes = atomic_load(&heap.bytes);
  if (bytes) printf("out of memory: %ld bytes were not given back\n", bytes);
  fflush(stdout);
  if (getenv("SX_OOM_LEAVES")) return;
  const bool counts = getenv("SX_OOM_COUNTS") != NULL; /* the program's own verdict is void */
#ifdef __SANITIZE_ADDRESS__ /* which names what they are */
  if (counts) _exit(__lsan_do_recoverable_leak_check());
#else
  if (bytes) _exit(1);
  if (counts) _exit(0);
#endif
}
