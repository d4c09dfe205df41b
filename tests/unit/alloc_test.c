// SPDX-License-Identifier: MIT
/* The heap's door (counting, failing, sizes told on free), arenas and growing arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

typedef struct counter { long live, bytes, fail_at, calls; } counter;

static void *count_alloc(void *ctx, size_t size, size_t align) {
  counter *c = ctx;
  void *p = NULL;
  if (++c->calls == c->fail_at || posix_memalign(&p, align, size)) return NULL;
  memset(p, 0xa5, size);
  c->live++;
  c->bytes += (long)size;
  return p;
}
static void count_free(void *ctx, void *p, size_t size, size_t align) {
  counter *c = ctx;
  c->live--;
  c->bytes -= (long)size;
  free(p);
}
static bool count_fault(void *ctx) { return ++((counter *)ctx)->calls == ((counter *)ctx)->fail_at; }

static void test_plain(void **state) {
  void *p = sx_malloc(0), *q = sx_malloc_aligned(100);
  assert_non_null(p);
  assert_int_equal((uintptr_t)q % SX_ALIGN, 0);
  sx_free(p, 0);
  sx_free_aligned(q, 100);
  sx_free(NULL, 5);
  assert_null(sx_malloc(SIZE_MAX));
  volatile size_t half = SIZE_MAX / 2;
  assert_null(sx_calloc(half, 4));
  char *z = sx_calloc(3, 7);
  for (int i = 0; i < 21; i++) assert_int_equal(z[i], 0);
  memcpy(z, "hello", 6);
  z = sx_realloc(z, 21, 1000);
  assert_string_equal(z, "hello");
  sx_free(z, 1000);
  assert_int_equal(sx_round_up(65, 64), 128);
  assert_true(sx_round_up(SIZE_MAX - 3, 64) == SIZE_MAX);
}

static void test_arena(void **state) {
  counter c = {0};
  sx_allocator a = {&c, count_alloc, count_free, NULL};
  sx_heap_set(&a);
  sx_arena ar = {0};
  for (size_t i = 1; i < 3000; i++) {
    size_t size = i * 37 % 1500 + (i % 500 == 0 ? 400000 : 0), align = (size_t)1 << i % 9;
    unsigned char *p = sx_arena_aligned(&ar, size, align);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % (align < 16 ? 16 : align), 0);
    for (size_t k = 0; k < size; k++) assert_int_equal(p[k], 0);
    memset(p, 0xff, size);
  }
  assert_string_equal(sx_arena_printf(&ar, "%d-%s", 42, "x"), "42-x");
  assert_string_equal(sx_arena_strdup(&ar, "abcdef", 3), "abc");
  assert_memory_equal(sx_arena_copy(&ar, "abc", 3), "abc", 3);
  assert_null(sx_arena_array(&ar, SIZE_MAX / 2, 4));
  assert_null(sx_arena_alloc(&ar, SIZE_MAX));
  assert_null(sx_arena_aligned(&ar, SIZE_MAX - 40, 64));
  assert_true(ar.held >= ar.used);
  assert_int_equal(ar.held, c.bytes);
  sx_arena_reset(&ar);
  assert_int_equal(c.live, 1);
  assert_int_equal(ar.used, 0);
  unsigned char *p = sx_arena_alloc(&ar, 64);
  for (int k = 0; k < 64; k++) assert_int_equal(p[k], 0);
  c.fail_at = c.calls + 1;
  assert_null(sx_arena_alloc(&ar, 1 << 24));
  sx_arena_free(&ar);
  assert_int_equal(c.live, 0);
  assert_int_equal(c.bytes, 0);
  sx_heap_set(NULL);
}

static void test_vec(void **state) {
  counter c = {0};
  sx_allocator a = {&c, count_alloc, count_free, count_fault};
  sx_heap_set(&a);
  SX_VEC(uint32_t) v = {0};
  for (uint32_t i = 0; i < 10000; i++) assert_true(sx_vec_push(&v, i * i));
  for (uint32_t i = 0; i < 10000; i++) assert_int_equal(v.at[i], i * i);
  c.fail_at = c.calls + 1;
  while (v.n < v.cap) (void)sx_vec_push(&v, 7);
  assert_false(sx_vec_push(&v, 7));
  assert_int_equal(v.at[99], 99 * 99);
  assert_false(sx_vec_reserve(&v, (1u << 31) + 1));
  sx_vec_free(&v);
  assert_int_equal(c.bytes, 0);
  c.fail_at = c.calls + 2;
  assert_false(sx_fault());
  assert_true(sx_fault());
  assert_false(sx_fault());
  sx_heap_set(NULL);
  assert_false(sx_fault());
}

/* Blocks wait for their size only while somebody keeps them, 64 MB of them at most. */
static void test_passing(void **state) {
  const size_t size = 200000;
  void *p = sx_malloc_passing(size), *q[12];
  memset(p, 1, size);
  sx_free_passing(p, size);
  sx_blocks_keep(1);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < 12; i++) {
      q[i] = sx_malloc_passing(size + 4096 * (i % 3));
      assert_non_null(q[i]);
      assert_int_equal((uintptr_t)q[i] % SX_ALIGN, 0);
      memset(q[i], (int)i, size);
      for (size_t k = 0; k < i; k++) assert_ptr_not_equal(q[k], q[i]);
    }
    for (size_t i = 0; i < 12; i++) sx_free_passing(q[i], size + 4096 * (i % 3));
  }
  for (int i = 0; i < 4; i++) sx_free_passing(sx_malloc_passing((size_t)33 << 20), (size_t)33 << 20);
  sx_free_passing(sx_malloc_passing((size_t)80 << 20), (size_t)80 << 20);
  sx_free_passing(sx_malloc_passing(0), 0);
  sx_free_passing(NULL, size);
  sx_blocks_trim();
  sx_blocks_keep(-1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain), cmocka_unit_test(test_arena), cmocka_unit_test(test_vec),
                                     cmocka_unit_test(test_passing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
