// SPDX-License-Identifier: MIT
/* The same model in both formats (tools/make_ort_case.py; ONNX Runtime 1.31.1 wrote the .ort): the same facts and, at each
 * level and in both branches, the same bits. And what is no model of a format that is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/file.h"
#include "drive.h"

static sx_mapping onnx, ort;

static int open_both(void **state) {
  (void)state;
  sx_err e;
  return sx_map_file(SX_SOURCE_DIR "/tests/model/ort/formats.onnx", &onnx, &e) != SX_OK ||
         sx_map_file(SX_SOURCE_DIR "/tests/model/ort/formats.ort", &ort, &e) != SX_OK;
}
static int close_both(void **state) {
  (void)state;
  sx_unmap_file(&onnx), sx_unmap_file(&ort);
  return 0;
}

static sx_session *load(const sx_mapping *m, int level) {
  sx_session *s;
  sx_err e = {0};
  sx_session_options o = {.level = level};
  o.import.bytes_live = level == 2;
  if (sx_session_create_bytes(m->data, m->size, &o, &s, &e) != SX_OK) fail_msg("%s", e.msg);
  return s;
}
static void same_results(const drive_io *a, const drive_io *b) {
  for (uint32_t i = 0; i < DRIVE_MAX && a->out[i]; i++) {
    const sx_rt_value *x = a->out[i], *y = b->out[i];
    assert_int_equal(x->type.dtype, y->type.dtype);
    assert_int_equal(x->count, y->count);
    for (int64_t k = 0; x->type.dtype == SX_STRING && k < x->count; k++)
      assert_true(sx_str_eq(((sx_str *)x->data)[k], ((sx_str *)y->data)[k]));
    if (x->type.dtype != SX_STRING) assert_memory_equal(x->data, y->data, x->bytes);
  }
}
static void same_answers(void **state) {
  (void)state;
  static const int levels[] = {0, 1, 2, 99};
  sx_err e = {0};
  for (size_t i = 0; i < 4; i++)
    for (int branch = 0; branch < 2; branch++) {
      sx_session *s[2] = {load(&onnx, levels[i]), load(&ort, levels[i])};
      drive_io io[2] = {0};
      for (int k = 0; k < 2; k++) {
        assert_int_equal(drive_inputs(sx_session_model(s[k])->graph, &io[k], &e), SX_OK);
        float *x = io[k].in[0]->data;
        for (int64_t j = 0; branch && j < io[k].in[0]->count; j++) x[j] = -x[j];
        assert_int_equal(sx_session_run(s[k], NULL, io[k].in, io[k].out, NULL, &e), SX_OK);
      }
      assert_non_null(io[0].out[2]);
      same_results(&io[0], &io[1]);
      for (int k = 0; k < 2; k++) drive_release(&io[k]), sx_session_destroy(s[k]);
    }
}

static void same_facts(void **state) {
  (void)state;
  sx_session *s[2] = {load(&onnx, 0), load(&ort, 0)};
  const sx_model *a = sx_session_model(s[0]), *b = sx_session_model(s[1]);
  assert_int_equal(a->ir_version, b->ir_version);
  assert_int_equal(a->model_version, b->model_version);
  assert_true(sx_str_eq(a->producer, b->producer) && sx_str_eq(a->doc, b->doc));
  assert_int_equal(b->metadata.n, 1);
  assert_true(sx_str_eq(a->metadata.at[0].value, b->metadata.at[0].value));
  for (uint32_t i = 0; i < a->graph->inputs.n; i++) {
    const sx_value *x = sx_value_at(a->graph, a->graph->inputs.at[i]), *y = sx_value_at(b->graph, b->graph->inputs.at[i]);
    assert_true(sx_str_eq(x->name, y->name));
    assert_int_equal(x->fact.dtype, y->fact.dtype);
    assert_int_equal(x->fact.rank, y->fact.rank);
  }
  for (int k = 0; k < 2; k++) sx_session_destroy(s[k]);
}

static sx_status import_as(const void *data, size_t size, sx_format format, sx_err *e) {
  sx_model *m;
  sx_status s = sx_import(data, size, &(sx_import_options){.format = format}, &m, e);
  if (s == SX_OK) sx_model_destroy(m);
  return s;
}
/* The version is the first field of the root, a text. What ONNX Runtime 1.31.1 says to each of these, in this file, is in the table:
 * it reads all up to 6, and what is no number. */
static void versions(void **state) {
  (void)state;
  static const struct { const char *text; bool read; } cases[] = {
      {"0", true}, {"1", true}, {"2", true}, {"3", true}, {"4", true}, {"5", true}, {"6", true}, {"7", false}, {"8", false},
      {"9", false}, {"10", false}, {"70", false}, {"007", false}, {"06", true}, {"7x", true}, {"7.1", true}, {"6x", true},
      {"6.9", true}, {"6e1", true}, {"0x7", true}, {"-1", true}, {"-7", true}, {"+7", true}, {" 7", true}, {"", true}, {"x", true},
      {"2147483647", false}, {"2147483648", true}, {"99999999999", true}};
  sx_err e = {0};
  enum { MORE = 32 };
  const size_t at = (ort.size + 3) / 4 * 4;
  uint8_t *p = calloc(1, at + MORE);
  memcpy(p, ort.data, ort.size);
  const uint32_t root = p[0] | p[1] << 8, field = root + p[root - (p[root] | p[root + 1] << 8) + 4];
  const uint32_t offset = (uint32_t)at - field;
  memcpy(p + field, &offset, 4);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const uint32_t n = (uint32_t)strlen(cases[i].text);
    memset(p + at, 0, MORE);
    memcpy(p + at, &n, 4);
    memcpy(p + at + 4, cases[i].text, n);
    if (import_as(p, at + MORE, SX_FORMAT_SEEN, &e) != (cases[i].read ? SX_OK : SX_E_FAIL)) fail_msg("version '%s'", cases[i].text);
    if (n == 1 && !cases[i].read) assert_non_null(strstr(e.msg, "newer than 6"));
  }
  free(p);
}
static void given_format(void **state) {
  (void)state;
  sx_err e = {0};
  assert_int_equal(import_as(ort.data, ort.size, SX_FORMAT_ORT, &e), SX_OK);
  assert_int_equal(import_as(ort.data, ort.size, SX_FORMAT_ONNX, &e), SX_E_INVALID_PROTOBUF);
  assert_int_equal(import_as(onnx.data, onnx.size, SX_FORMAT_ONNX, &e), SX_OK);
  assert_int_equal(import_as(onnx.data, onnx.size, SX_FORMAT_ORT, &e), SX_E_FAIL);
}
/* ONNX Runtime saved it at its highest level. */
static void layout_of_one_machine(void **state) {
  (void)state;
  sx_mapping m;
  sx_err e = {0};
  assert_int_equal(sx_map_file(SX_SOURCE_DIR "/tests/model/ort/layout.ort", &m, &e), SX_OK);
  assert_int_equal(import_as(m.data, m.size, SX_FORMAT_SEEN, &e), SX_E_NOT_IMPLEMENTED);
  assert_non_null(strstr(e.msg, "Conv of domain com.microsoft.nchwc"));
  assert_non_null(strstr(e.msg, "ORT_ENABLE_EXTENDED"));
  sx_unmap_file(&m);
}
/* What we write in the format reads as the model that it was. */
static void written(void **state) {
  (void)state;
  sx_err e = {0};
  const char *path = "formats_test_written.ort";
  for (int level = 0; level < 3; level++) {
    sx_session_options o = {.level = level};
    sx_write_options w = {.path = path, .ort = true};
    if (sx_session_write(onnx.data, onnx.size, &o, &w, &e) != SX_OK) fail_msg("%s", e.msg);
    sx_mapping m, mine = ort;
    assert_int_equal(sx_map_file(path, &m, &e), SX_OK);
    assert_memory_equal((const char *)m.data + 4, "ORTM", 4);
    ort = m;
    same_answers(state);
    ort = mine;
    sx_unmap_file(&m);
  }
  remove(path);
}
/* Any part of the file, in memory of just that size, at any address. */
static void cut_short(void **state) {
  (void)state;
  sx_err e = {0};
  for (size_t n = 0; n < ort.size; n += n < 600 ? 1 : 37) {
    uint8_t *p = malloc(n + 1);
    memcpy(p + 1, ort.data, n);
    if (import_as(p + 1, n, SX_FORMAT_SEEN, &e) == SX_OK) fail_msg("%zu of %zu bytes are a model", n, ort.size);
    assert_true(e.msg[0]);
    free(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_answers),
      cmocka_unit_test(same_facts),
      cmocka_unit_test(versions),
      cmocka_unit_test(given_format),
      cmocka_unit_test(layout_of_one_machine),
      cmocka_unit_test(written),
      cmocka_unit_test(cut_short),
  };
  return cmocka_run_group_tests(tests, open_both, close_both);
}
