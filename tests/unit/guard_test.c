// SPDX-License-Identifier: MIT
/* An exception that leaves a foreign function becomes a status. Raised here by the unwinder itself, as no C++ is at hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "abi/guard.h"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <dlfcn.h>

typedef struct exception {
  uint64_t class;
  void (*cleanup)(int, struct exception *);
  uint64_t private[6];
} __attribute__((aligned(16))) exception;
static int (*raise_exception)(exception *);
static int cleaned, called;

static void drop(int reason, exception *x) {
  (void)reason;
  cleaned++;
  free(x);
}
static void throws(void *arg) {
  exception *x = aligned_alloc(16, sizeof *x);
  *x = (exception){.class = 0x534f4d454f4e45, .cleanup = drop};
  called += *(int *)arg;
  raise_exception(x);
}
static void returns(void *arg) { called += *(int *)arg; }

static void test_guard(void **state) {
  (void)state;
  void *h = dlopen("libgcc_s.so.1", RTLD_NOW);
  if (!h) skip();
  *(void **)&raise_exception = dlsym(h, "_Unwind_RaiseException");
  assert_non_null(raise_exception);
  for (int i = 1; i <= 3; i++) {
    sx_err e = {0};
    int two = 2;
    assert_int_equal(sx_guarded(returns, &two, &e), SX_OK);
    assert_int_equal(sx_guarded(throws, &two, &e), SX_E_RUNTIME_EXCEPTION);
    assert_string_equal(e.msg, "a C++ exception was thrown");
    assert_int_equal(called, 4 * i);
    assert_int_equal(cleaned, i);
  }
}
#else
static void test_guard(void **state) {
  (void)state;
  skip();
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_guard)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
