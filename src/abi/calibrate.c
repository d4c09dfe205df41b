// SPDX-License-Identifier: MIT
/* Calibrations of the extension table: samples by name, ranges as JSON. */
#include "abi/calibrate.h"
#include <stdio.h>
#include "abi/explain.h"
#include "abi/quantize.h"
#include "base/number.h"
#include "quant/calibrate.h"
#include "quant/gptq.h"

struct SardonyxCalibration {
  char *path; /* what is read from `file` may lie beside it: known as long as this is */
  sx_mapping file;
  OrtSession *settings; /* what the options came to: custom operators, threads, a logger */
  sx_session_options so;
  sx_arena lists;    /* of both kinds of options */
  sx_calibration *c; /* of ranges, or: */
  sx_gptq *weights;
  sx_quant_options o; /* of weights */
  sx_strmap inputs;   /* index by name */
  sx_rt_value **given;
  uint32_t n_inputs;
};

void ORT_API_CALL sx_calibration_ReleaseCalibration(SardonyxCalibration *c) {
  if (!c) return;
  sx_free(c->given, ((size_t)c->n_inputs + 1) * sizeof *c->given);
  sx_strmap_free(&c->inputs);
  sx_calibration_destroy(c->c);
  sx_gptq_destroy(c->weights);
  sx_arena_free(&c->lists);
  sx_api_ReleaseSession(c->settings);
  sx_unmap_file(&c->file);
  sx_text_drop(c->path);
  sx_free(c, sizeof *c);
}

/* With names of their own: each pass has a session of its own, with the same inputs. */
static sx_status take_inputs(SardonyxCalibration *c, sx_err *e) {
  const sx_graph *g = (c->c ? sx_calibration_model(c->c) : sx_gptq_model(c->weights))->graph;
  if (!(c->given = sx_calloc((size_t)g->inputs.n + 1, sizeof *c->given))) SX_NO_MEMORY(e);
  c->n_inputs = g->inputs.n;
  for (uint32_t i = 0; i < c->n_inputs; i++) {
    sx_str name = sx_value_at(g, g->inputs.at[i])->name;
    if (!(name.p = sx_arena_strdup(&c->lists, name.p, name.n)) || !sx_strmap_put(&c->inputs, name, i)) SX_NO_MEMORY(e);
  }
  return SX_OK;
}

/* `quantize`: options of a calibration of weights; `weights` false: of ranges. */
static sx_status open_model(SardonyxCalibration *c, bool weights, const OrtKeyValuePairs *quantize, sx_err *e) {
  SX_TRY(sx_map_file(c->path, &c->file, e));
  const void *data = c->file.data ? c->file.data : (const void *)"";
  if (!weights) {
    SX_TRY(sx_calibration_create(data, c->file.size, &c->so, &c->c, e));
    return take_inputs(c, e);
  }
  SX_TRY(sx_quant_options_read(quantize, &c->lists, &c->o, e));
  SX_TRY(sx_gptq_create(data, c->file.size, &c->so, &c->o, &c->weights, e));
  return take_inputs(c, e);
}

static OrtStatus *create(const OrtEnv *env, const OrtSessionOptions *options, const ORTCHAR_T *path, bool weights,
                         const OrtKeyValuePairs *quantize, SardonyxCalibration **out) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(path);
  SX_API_NOT_NULL(out);
  SardonyxCalibration *c = sx_calloc(1, sizeof *c);
  sx_err e = {0};
  *out = NULL;
  if (!c) SX_API_NO_MEMORY();
  OrtStatus *failed = sx_ort_path_set(&c->path, path);
  if (!failed) failed = sx_ort_session_ask(env, options, c->path, &c->settings, &c->so, &c->lists);
  if (!failed) failed = sx_ort_status(open_model(c, weights, quantize, &e), &e);
  if (failed)
    sx_calibration_ReleaseCalibration(c);
  else
    *out = c;
  return failed;
}

OrtStatus *ORT_API_CALL sx_calibration_CreateCalibration(const OrtEnv *env, const OrtSessionOptions *options,
                                                         const ORTCHAR_T *path, SardonyxCalibration **out) {
  return create(env, options, path, false, NULL, out);
}

OrtStatus *ORT_API_CALL sx_calibration_CreateWeightCalibration(const OrtEnv *env, const OrtSessionOptions *options,
                                                               const ORTCHAR_T *path, const OrtKeyValuePairs *quantize,
                                                               SardonyxCalibration **out) {
  return create(env, options, path, true, quantize, out);
}

OrtStatus *ORT_API_CALL sx_calibration_Calibrate(SardonyxCalibration *c, const char *const *names,
                                                 const OrtValue *const *values, size_t count) {
  SX_API_NOT_NULL(c);
  if (count && (!names || !values)) SX_API_FAIL(INVALID_ARGUMENT, "Calibrate: names or values is NULL");
  memset(c->given, 0, c->n_inputs * sizeof *c->given);
  for (size_t i = 0; i < count; i++) {
    uint32_t k;
    if (!names[i] || !values[i]) SX_API_FAIL(INVALID_ARGUMENT, "Calibrate: input %zu is NULL", i);
    if (!sx_strmap_get(&c->inputs, sx_str_c(names[i]), &k))
      SX_API_FAIL(INVALID_ARGUMENT, "Invalid input name: %.200s", names[i]);
    c->given[k] = (sx_rt_value *)values[i];
  }
  sx_err e = {0};
  return sx_ort_status(c->c ? sx_calibration_add(c->c, c->given, &e) : sx_gptq_add(c->weights, c->given, &e), &e);
}

OrtStatus *ORT_API_CALL sx_calibration_CalibrationPass(SardonyxCalibration *c, int *more) {
  SX_API_NOT_NULL(c);
  SX_API_NOT_NULL(more);
  sx_err e = {0};
  bool again = false;
  if (!c->weights) SX_API_FAIL(INVALID_ARGUMENT, "CalibrationPass: a calibration of ranges has one pass");
  const sx_status s = sx_gptq_pass(c->weights, &again, &e);
  *more = again;
  return sx_ort_status(s, &e);
}

OrtStatus *ORT_API_CALL sx_calibration_QuantizeCalibrated(const SardonyxCalibration *c, const ORTCHAR_T *to,
                                                          const char *const *names, const OrtValue *const *values,
                                                          size_t count, int json, OrtAllocator *allocator, char **out) {
  SX_API_NOT_NULL(c);
  SX_API_NOT_NULL(to);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(out);
  if (!c->weights) SX_API_FAIL(INVALID_ARGUMENT, "QuantizeCalibrated: ranges are an option of Quantize");
  for (size_t i = 0; i < count; i++)
    if (!names || !values || !names[i] || !values[i])
      SX_API_FAIL(INVALID_ARGUMENT, "QuantizeCalibrated: input %zu is NULL", i);
  sx_quant_options o = c->o;
  sx_path target;
  sx_text t = {0};
  sx_err e = {0};
  const sx_status given = sx_gptq_give(c->weights, &o, &e);
  if (given != SX_OK) return sx_ort_status(given, &e);
  if (!sx_path_open(&target, to)) SX_API_NO_MEMORY();
  const sx_quantizing q = {c->file.data, c->file.size, &c->so, target.p, {names, (sx_rt_value *const *)values, count}};
  const sx_status s = sx_report_quantized(&q, &o, json != 0, &t, &e);
  sx_path_close(&target);
  return sx_report_deliver(sx_ort_status(s, &e), &t, allocator, out);
}

static void put_numbers(const double *x, int n, sx_text *t) {
  for (int i = 0; i < n; i++) {
    char text[40];
    (void)snprintf(text, sizeof text, "%.9g", x[i]);
    (void)sx_number_point(text);
    sx_text_add(t, "%s%s", i ? ", " : "", text);
  }
}

static void put_ranges(const sx_quant_range *r, uint32_t n, bool distribution, sx_text *t) {
  sx_text_add(t, "{");
  for (uint32_t i = 0; i < n; i++) {
    sx_text_add(t, "%s", i ? ",\n" : "");
    sx_text_json(t, r[i].name);
    sx_text_add(t, ": [");
    put_numbers((const double[]){r[i].lo, r[i].hi, r[i].mean, r[i].deviation}, distribution ? 4 : 2, t);
    sx_text_add(t, "]");
  }
  sx_text_add(t, "}\n");
}

OrtStatus *ORT_API_CALL sx_calibration_CalibrationRanges(const SardonyxCalibration *c, const char *method,
                                                         double percentile, OrtAllocator *allocator, char **out) {
  static const char *const methods[] = {
      [SX_QUANT_MINMAX] = "minmax", [SX_QUANT_PERCENTILE] = "percentile", [SX_QUANT_ENTROPY] = "entropy",
      [SX_QUANT_DISTRIBUTION] = "distribution"};
  enum { METHODS = sizeof methods / sizeof *methods };
  SX_API_NOT_NULL(c);
  SX_API_NOT_NULL(method);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(out);
  int m = 0;
  while (m < METHODS && strcmp(methods[m], method)) m++;
  if (m == METHODS)
    SX_API_FAIL(INVALID_ARGUMENT, "the method '%.100s' is not known: expected minmax, percentile, entropy or distribution", method);
  if (!c->c) SX_API_FAIL(INVALID_ARGUMENT, "CalibrationRanges: this calibration is one of weights");
  sx_arena a = {0};
  sx_text t = {0};
  sx_err e = {0};
  sx_quant_range *r = NULL;
  uint32_t n = 0;
  OrtStatus *failed = sx_ort_status(sx_calibration_ranges(c->c, (sx_quant_method)m, percentile, &a, &r, &n, &e), &e);
  if (!failed) put_ranges(r, n, m == SX_QUANT_DISTRIBUTION, &t);
  sx_arena_free(&a);
  return sx_report_deliver(failed, &t, allocator, out);
}
