// SPDX-License-Identifier: MIT
/* Mappings, whole writes, and which paths a model may name, on a tree of folders and links made for the test. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/file.h"

static char root[] = "/tmp/sx_file_XXXXXX";

static const char *at(const char *name) {
  static char path[4][512];
  static int turn;
  turn = (turn + 1) % 4;
  snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
  return path[turn];
}
static void folder(const char *name) { assert_int_equal(mkdir(at(name), 0755), 0); }
static void file(const char *name) { assert_int_equal(sx_write_file(at(name), name, strlen(name), NULL), SX_OK); }
static void linked(const char *to, const char *name) { assert_int_equal(symlink(to, at(name)), 0); }

static int setup(void **state) {
  assert_non_null(mkdtemp(root));
  folder("m"), folder("m/sub"), folder("out"), folder("m2");
  file("m/model.onnx"), file("m/data.bin"), file("m/sub/w.bin"), file("out/secret"), file("m2/near");
  linked("../out/secret", "m/link_out"), linked("data.bin", "m/link_in"), linked("../out", "m/dir_out");
  linked("m/model.onnx", "alias.onnx");
  folder("repo"), folder("repo/blobs"), folder("repo/blobs/deep"), folder("repo/snapshots"), folder("repo/snapshots/r1"),
      folder("repo/snapshots/r1/onnx");
  folder("other"), folder("other/blobs");
  file("repo/blobs/h1"), file("repo/blobs/h2"), file("repo/blobs/deep/h3"), file("other/blobs/h9"), file("repo/config");
  linked("../../../blobs/h1", "repo/snapshots/r1/onnx/model.onnx");
  linked("../../../blobs/h2", "repo/snapshots/r1/onnx/model.onnx_data");
  linked("../../../blobs/deep/h3", "repo/snapshots/r1/onnx/deep");
  linked("../../../../other/blobs/h9", "repo/snapshots/r1/onnx/foreign");
  linked("../../../config", "repo/snapshots/r1/onnx/config");
  return 0;
}

static int teardown(void **state) {
  char cmd[600];
  snprintf(cmd, sizeof cmd, "rm -rf '%s'", root);
  return system(cmd);
}

static void check(const char *base, const char *relative, sx_status want, const char *target) {
  sx_arena a = {0};
  sx_err e = {0};
  char *out = NULL;
  sx_status s = sx_path_inside(&a, at(base), sx_str_c(relative), &out, &e);
  if (s != want) print_error("%s + %s: %s\n", base, relative, e.msg);
  assert_int_equal(s, want);
  if (s == SX_OK) {
    char *real = realpath(at(target), NULL);
    assert_string_equal(out, real);
    free(real);
  } else {
    assert_true(strlen(e.msg) > 10);
  }
  sx_arena_free(&a);
}

static void test_inside(void **state) {
  const sx_status bad = SX_E_INVALID_ARGUMENT, none = SX_E_NO_SUCHFILE;
  check("m/model.onnx", "data.bin", SX_OK, "m/data.bin");
  check("m/model.onnx", "./sub//../sub/w.bin", SX_OK, "m/sub/w.bin");
  check("m/model.onnx", "link_in", SX_OK, "m/data.bin");
  check("alias.onnx", "data.bin", SX_OK, "m/data.bin");
  check("m/model.onnx", "", bad, NULL);
  check("m/model.onnx", "/etc/passwd", bad, NULL);
  check("m/model.onnx", "../out/secret", bad, NULL);
  check("m/model.onnx", "../m2/near", bad, NULL);
  check("m/model.onnx", "sub/../../out/secret", bad, NULL);
  check("m/model.onnx", "link_out", bad, NULL);
  check("m/model.onnx", "dir_out/secret", bad, NULL);
  check("m/model.onnx", ".", bad, NULL);
  check("m/model.onnx", "missing", none, NULL);
  sx_arena a = {0};
  char *out;
  assert_int_equal(sx_path_inside(&a, at("m/model.onnx"), (sx_str){"data.bin\0x", 10}, &out, NULL), bad);
  sx_arena_free(&a);
}

static void test_cache_links(void **state) {
  const char *model = "repo/snapshots/r1/onnx/model.onnx";
  check(model, "model.onnx_data", SX_OK, "repo/blobs/h2");
  check(model, "deep", SX_E_INVALID_ARGUMENT, NULL);
  check(model, "foreign", SX_E_INVALID_ARGUMENT, NULL);
  check(model, "config", SX_E_INVALID_ARGUMENT, NULL);
  check(model, "../../../blobs/h2", SX_E_INVALID_ARGUMENT, NULL);
}

static void test_current_folder(void **state) {
  char *was = getcwd(NULL, 0), *out;
  sx_arena a = {0};
  assert_int_equal(chdir(at("m")), 0);
  assert_int_equal(sx_path_inside(&a, "model.onnx", SX_STR("sub/w.bin"), &out, NULL), SX_OK);
  assert_int_equal(chdir(was), 0);
  sx_arena_free(&a);
  free(was);
}

static bool refuse(void *ctx) { return true; }

static void test_map(void **state) {
  enum { SIZE = 100000 };
  static unsigned char bytes[SIZE];
  for (int i = 0; i < SIZE; i++) bytes[i] = (unsigned char)(i * 7);
  sx_err e = {0};
  sx_mapping m, n;
  assert_int_equal(sx_write_file(at("big"), bytes, SIZE, &e), SX_OK);
  assert_int_equal(sx_map_file(at("big"), &m, &e), SX_OK);
  assert_int_equal(m.size, SIZE);
  assert_true(m.mapped && m.id.size == SIZE && m.id.inode != 0 && m.id.mtime_ns != 0);
  assert_memory_equal(m.data, bytes, SIZE);
  sx_mapping_release(&m, 0, SIZE);
  sx_mapping_release(&m, 5, 9000);
  sx_mapping_release(&m, SIZE + 5, 9000);
  assert_memory_equal(m.data, bytes, SIZE);
  assert_int_equal(sx_write_file(at("big"), "short", 5, &e), SX_OK); /* the old content stays mapped */
  assert_memory_equal(m.data, bytes, SIZE);
  assert_int_equal(sx_map_file(at("big"), &n, &e), SX_OK);
  assert_memory_equal(n.data, "short", 5);
  assert_true(n.id.inode != m.id.inode);
  sx_unmap_file(&m);
  sx_unmap_file(&n);
  assert_null(m.data);

  assert_int_equal(sx_write_file(at("empty"), NULL, 0, &e), SX_OK);
  assert_int_equal(sx_map_file(at("empty"), &m, &e), SX_OK);
  assert_true(m.data == NULL && m.size == 0);
  sx_unmap_file(&m);
  assert_int_equal(sx_map_file(at("none"), &m, &e), SX_E_NO_SUCHFILE);
  assert_non_null(strstr(e.msg, "none"));
  assert_non_null(strstr(e.msg, "No such file"));
  assert_int_equal(sx_map_file(root, &m, &e), SX_E_NO_SUCHFILE);
  assert_int_equal(mkfifo(at("pipe"), 0600), 0);
  assert_int_equal(sx_map_file(at("pipe"), &m, &e), SX_E_NO_SUCHFILE);
  assert_int_not_equal(sx_write_file(at("no/such/folder"), "x", 1, &e), SX_OK);
  linked("big", "to_big");
  assert_int_equal(sx_write_file(at("to_big"), "through", 7, &e), SX_OK);
  assert_int_equal(sx_map_file(at("big"), &m, &e), SX_OK);
  assert_memory_equal(m.data, "through", 7);
  sx_unmap_file(&m);
  sx_allocator a = *sx_heap();
  a.fault = refuse;
  sx_heap_set(&a);
  assert_int_equal(sx_map_file(at("big"), &m, &e), SX_E_NO_MEMORY);
  sx_heap_set(NULL);
}

static void test_clock(void **state) {
  uint64_t t = sx_now_ns();
  usleep(2000);
  assert_in_range(sx_now_ns() - t, 1900000, 2000000000);
  assert_true(sx_wall_us() > 1700000000000000u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_inside), cmocka_unit_test(test_cache_links),
                                     cmocka_unit_test(test_current_folder), cmocka_unit_test(test_map),
                                     cmocka_unit_test(test_clock)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
