// SPDX-License-Identifier: MIT
/* Constants: misaligned elements, and rows with factors, which are computed when somebody asks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "ir/tensor.h"

static const double first[3] = {2, 0.1, -1}, second[3] = {3, 7, 0};

static sx_tensor *scale(sx_tensor *t, const double *factors) {
  sx_tensor *x;
  assert_int_equal(sx_tensor_scale(t, factors, &x, NULL), SX_OK);
  sx_tensor_unref(t); /* it is kept by what is made of it */
  return x;
}

static void scaled(void **state) {
  const float w[6] = {1, 2, 3, 4, 5, 6};
  char odd[sizeof w + 1];
  const int64_t dims[2] = {3, 2};
  const void *d, *source;
  for (int owned = 0; owned < 2; owned++) {
    sx_tensor *t;
    memcpy(odd + 1, w, sizeof w);
    assert_int_equal(sx_tensor_wrap(SX_F32, 2, dims, odd + 1, SX_OWN_CALLER, &t, NULL), SX_OK);
    t = scale(scale(t, first), second);
    assert_ptr_equal(t->of->bytes, odd + 1);
    assert_int_equal(sx_tensor_source(t, &source, NULL), SX_OK);
    assert_ptr_equal(source, odd + 1);
    if (owned) {
      assert_int_equal(sx_tensor_own(t, NULL), SX_OK);
      memset(odd, 0, sizeof odd);
      assert_null(t->factors);
    }
    assert_int_equal(sx_tensor_data(t, &d, NULL), SX_OK);
    for (int i = 0; i < 6; i++) assert_true(((const float *)d)[i] == (float)(w[i] * (first[i / 2] * second[i / 2])));
    assert_int_equal(sx_tensor_source(t, &source, NULL), SX_OK);
    assert_ptr_equal(source, owned ? d : odd + 1);
    sx_tensor_drop(t);
    assert_int_not_equal(sx_tensor_data(t, &d, NULL), SX_OK);
    sx_tensor_unref(t);
  }
}

static void pinned(void **state) {
  const int64_t dims[1] = {3};
  sx_tensor *t, *x;
  const void *d;
  assert_int_equal(sx_tensor_create(SX_F32, 1, dims, &t, NULL), SX_OK);
  for (int i = 0; i < 3; i++) ((float *)t->data)[i] = (float)i + 1;
  assert_int_equal(sx_tensor_scale(t, first, &x, NULL), SX_OK);
  sx_tensor_pin(x);
  sx_tensor_drop(t), sx_tensor_drop(x);
  assert_int_equal(sx_tensor_data(x, &d, NULL), SX_OK);
  for (int i = 0; i < 3; i++) assert_true(((const float *)d)[i] == (float)((i + 1) * first[i]));
  sx_tensor_unref(x), sx_tensor_unref(t);
}

static void widened(void **state) {
  const uint16_t f16[4] = {0x3c00, 0xc200, 0x0001, 0x7c00}, bf16[4] = {0x3f80, 0xc040, 0x3380, 0x7f80};
  const float want[4] = {1, -3, 0x1p-24f, INFINITY};
  const int64_t dims[2] = {2, 2};
  for (int brain = 0; brain < 2; brain++) {
    sx_tensor *t, *x;
    const void *d;
    double v;
    char odd[sizeof f16 + 1];
    memcpy(odd + 1, brain ? bf16 : f16, sizeof f16);
    assert_int_equal(sx_tensor_wrap(brain ? SX_BF16 : SX_F16, 2, dims, odd + 1, SX_OWN_MAPPING, &t, NULL), SX_OK);
    assert_int_equal(sx_tensor_widen(t, &x, NULL), SX_OK);
    sx_tensor_unref(t);
    assert_int_equal(x->dtype, SX_F32);
    assert_int_equal(x->size, 16);
    assert_int_equal(sx_tensor_source_size(x), 8);
    for (int i = 0; i < 4; i++) assert_true(sx_tensor_get_f64(x, i, &v) && v == (double)want[i]);
    assert_null(x->data); /* nothing was computed */
    assert_int_equal(sx_tensor_source(x, &d, NULL), SX_OK);
    assert_ptr_equal(d, odd + 1);
    x = scale(x, first);
    for (int i = 0; i < 4; i++)
      assert_true(sx_tensor_get_f64(x, i, &v) && v == (double)(float)(want[i] * first[i / 2]));
    assert_int_equal(sx_tensor_own(x, NULL), SX_OK);
    assert_int_equal(sx_tensor_source_size(x), 16);
    sx_tensor_unref(x);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(scaled), cmocka_unit_test(pinned), cmocka_unit_test(widened)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
