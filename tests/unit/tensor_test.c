// SPDX-License-Identifier: MIT
/* Constants: misaligned elements, and rows with factors, which are computed when somebody asks. */
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(scaled), cmocka_unit_test(pinned)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
