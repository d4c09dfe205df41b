// SPDX-License-Identifier: MIT
/* The program's own readers and writers, without a library: element types, .npy, .npz, .pb, comparison, options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "cli.h"
#include "files.h"
#include "value.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char folder[64] = "/tmp/sardonyx-cli-XXXXXX";

static const char *in_folder(const char *name) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* Every code of every small float survives decoding and encoding; halfway cases go to even. */
static void test_small_floats(void **state) {
  static const char *const names[] = {"float16",    "bfloat16",       "float8e4m3fn", "float8e4m3fnuz",
                                      "float8e5m2", "float8e5m2fnuz", "float4e2m1",   "float8e8m0"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    const dtype *t = dtype_of_name(names[k]);
    for (uint32_t code = 0; code < 1u << t->bits; code++) {
      uint8_t in[2] = {(uint8_t)code, (uint8_t)(code >> 8)}, out[2] = {0};
      double v = dtype_get(t, in, 0);
      dtype_set(t, out, 0, v);
      if (isnan(v))
        assert_true(isnan(dtype_get(t, out, 0)));
      else
        assert_memory_equal(in, out, t->bits > 8 ? 2 : 1);
    }
  }
  const dtype *half = dtype_of_name("float16"), *fn = dtype_of_name("float8e4m3fn");
  uint16_t h;
  dtype_set(half, &h, 0, 1 + 0x1p-11);
  assert_int_equal(h, 0x3c00);
  dtype_set(half, &h, 0, 1 + 3 * 0x1p-11);
  assert_int_equal(h, 0x3c02);
  dtype_set(half, &h, 0, 65520);
  assert_int_equal(h, 0x7c00);
  uint8_t b;
  dtype_set(fn, &b, 0, 1e9);
  assert_int_equal(b, 0x7e);
}

static void test_packed(void **state) {
  const dtype *t = dtype_of_name("int4");
  uint8_t data[2] = {0};
  const int64_t v[] = {-8, 7, -1};
  for (size_t i = 0; i < 3; i++) dtype_set_int(t, data, i, v[i]);
  assert_int_equal(data[0], 0x78);
  assert_int_equal(data[1], 0x0f);
  for (size_t i = 0; i < 3; i++) assert_int_equal(dtype_get_int(t, data, i), v[i]);
}

static value *sample(const dtype *t) {
  const int64_t dims[] = {2, 3};
  value *v = value_tensor(t, 2, dims);
  v->name = cli_copy("x", 1);
  for (size_t i = 0; i < v->count; i++) {
    if (v->strings)
      value_set_string(v, i, i ? "h\xc3\xa9 \xf0\x9f\x8e\x89" : "", i ? 8 : 0);
    else
      dtype_set_int(t, v->data, i, (int64_t)i % 2);
  }
  return v;
}

static void expect_same(value *got, value *want) {
  char *why = NULL;
  assert_non_null(got);
  assert_true(value_equal(got, want, (value_tolerance){0, 0}, &why));
  value_free(got);
}

/* Every element type through every format. */
static void test_formats(void **state) {
  for (int onnx = 1; dtype_of_onnx(onnx); onnx++) {
    const dtype *t = dtype_of_onnx(onnx);
    value *v = sample(t);
    assert_true(npy_write(in_folder("v.npy"), v));
    expect_same(npy_read(in_folder("v.npy"), t), v);
    assert_true(npz_write(in_folder("v.npz"), &v, 1));
    expect_same(npz_read(in_folder("v.npz"), "x", t), v);
    assert_true(pb_write(in_folder("v.pb"), v));
    expect_same(pb_read(in_folder("v.pb"), (pb_form){ONNX_TYPE_TENSOR, false}), v);
    value_free(v);
  }
}

static void test_containers(void **state) {
  value *list = value_list(VALUE_SEQUENCE), *map = value_list(VALUE_MAP);
  value_append(list, sample(dtype_of_name("float32")));
  value_append(list, sample(dtype_of_name("float32")));
  assert_true(pb_write(in_folder("l.pb"), list));
  expect_same(pb_read(in_folder("l.pb"), (pb_form){ONNX_TYPE_SEQUENCE, false}), list);
  const int64_t two = 2;
  value_append(map, value_tensor(dtype_of_name("string"), 1, &two));
  value_append(map, value_tensor(dtype_of_name("float32"), 1, &two));
  value_set_string(map->items[0], 1, "b", 1);
  dtype_set(map->items[1]->type, map->items[1]->data, 1, 2.5);
  assert_true(pb_write(in_folder("m.pb"), map));
  expect_same(pb_read(in_folder("m.pb"), (pb_form){ONNX_TYPE_MAP, false}), map);
  assert_true(file_write(in_folder("o.pb"), "", 0));
  value *none = pb_read(in_folder("o.pb"), (pb_form){ONNX_TYPE_TENSOR, true});
  assert_int_equal(none->kind, VALUE_NONE);
  value_free(none), value_free(list), value_free(map);
}

static const char *const damaged_files[] = {"v.npy", "v.npz", "v.pb", "l.pb", "m.pb"};

static void read_damaged(size_t kind, const char *bytes, size_t size) {
  static const ONNXType types[] = {0, 0, ONNX_TYPE_TENSOR, ONNX_TYPE_SEQUENCE, ONNX_TYPE_MAP};
  file_write(in_folder("cut"), bytes, size);
  cli_failure_clear();
  value *got = kind == 0   ? npy_read(in_folder("cut"), NULL)
               : kind == 1 ? npz_read(in_folder("cut"), NULL, NULL)
                           : pb_read(in_folder("cut"), (pb_form){types[kind], false});
  assert_true(!got == (cli_failure_code() != CLI_OK));
  value_free(got);
}

/* Files cut at every byte, and with every byte changed: a value or a recorded failure. Uses the files of the tests above.
 */
static void test_damage(void **state) {
  static const uint8_t flips[] = {0x01, 0x80, 0xff};
  for (size_t k = 0; k < sizeof damaged_files / sizeof *damaged_files; k++) {
    FILE *f = fopen(in_folder(damaged_files[k]), "rb");
    char bytes[4096];
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t n = 0; n < size; n++) {
      read_damaged(k, bytes, n);
      for (size_t i = 0; i < sizeof flips; i++) {
        bytes[n] = (char)(bytes[n] ^ flips[i]);
        read_damaged(k, bytes, size);
        bytes[n] = (char)(bytes[n] ^ flips[i]);
      }
    }
  }
  cli_failure_clear();
}

static void test_equal(void **state) {
  const dtype *t = dtype_of_name("float32");
  const int64_t n = 3;
  value *a = value_tensor(t, 1, &n), *b = value_tensor(t, 1, &n);
  float *x = a->data, *y = b->data;
  char *why = NULL;
  x[0] = y[0] = NAN, x[1] = y[1] = INFINITY, x[2] = 1.001f, y[2] = 1;
  assert_true(value_equal(a, b, (value_tolerance){1e-2, 0}, &why));
  assert_false(value_equal(a, b, (value_tolerance){1e-4, 0}, &why));
  assert_non_null(strstr(why, "1 of 3 elements differ, first at [2]"));
  free(why);
  x[1] = 1e30f;
  assert_false(value_equal(a, b, (value_tolerance){10, 10}, &why));
  free(why);
  value_free(a), value_free(b);
}

static void test_match(void **state) {
  assert_true(cli_match("node/test_*_x?", "node/test_a_b_x1"));
  assert_true(cli_match("*", ""));
  assert_false(cli_match("a*b", "acbc"));
  assert_true(cli_match("a*b*c", "aXbYbZc"));
  assert_false(cli_match("abc", "ab"));
}

static int remove_folder(void **state) {
  static const char *const names[] = {"v.npy", "v.npz", "v.pb", "l.pb", "m.pb", "o.pb", "cut"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) remove(in_folder(names[i]));
  return remove(folder);
}

static int make_folder(void **state) { return mkdtemp(folder) ? 0 : -1; }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small_floats), cmocka_unit_test(test_packed), cmocka_unit_test(test_formats),
      cmocka_unit_test(test_containers),   cmocka_unit_test(test_damage), cmocka_unit_test(test_equal),
      cmocka_unit_test(test_match),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
