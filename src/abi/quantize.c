// SPDX-License-Identifier: MIT
/* Quantize of the extension table: options by name, the report as text or JSON. What is done is done in quant/. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "abi/quantize.h"
#include "abi/explain.h"
#include "base/json_read.h"
#include "base/number.h"
#include "onnx/export.h"
#include "run/session.h"

/* Options as they come (texts by key) into the struct: what a key sets, and how its text is read. */
typedef enum option_kind {
  OPTION_WORD,
  OPTION_TYPE,
  OPTION_FLAG,
  OPTION_INT,
  OPTION_REAL,
  OPTION_NAMES,
  OPTION_RANGES
} option_kind;
typedef struct option {
  const char *key;
  option_kind kind;
  size_t offset;            /* in sx_quant_options */
  const char *const *words; /* OPTION_WORD: what the numbers are called; NULL ends them */
} option;
static const char *const modes[] = {[SX_QUANT_DYNAMIC] = "dynamic",
                                    [SX_QUANT_STATIC] = "static",
                                    [SX_QUANT_NBITS] = "nbits",
                                    [SX_QUANT_HALF] = "half",
                                    NULL};
static const char *const methods[] = {[SX_QUANT_RTN] = "rtn", [SX_QUANT_HQQ] = "hqq", [SX_QUANT_GPTQ] = "gptq", NULL};
static const char *const forms[] = {[SX_QUANT_QDQ] = "qdq", [SX_QUANT_QOPERATOR] = "qoperator", NULL};
static const option options_by_key[] = {
    {"mode", OPTION_WORD, offsetof(sx_quant_options, mode), modes},
    {"format", OPTION_WORD, offsetof(sx_quant_options, form), forms},
    {"bits", OPTION_INT, offsetof(sx_quant_options, bits)},
    {"block_size", OPTION_INT, offsetof(sx_quant_options, block)},
    {"method", OPTION_WORD, offsetof(sx_quant_options, method), methods},
    {"symmetric_weights", OPTION_FLAG, offsetof(sx_quant_options, symmetric_weights)},
    {"accuracy_level", OPTION_INT, offsetof(sx_quant_options, accuracy_level)},
    {"mse", OPTION_FLAG, offsetof(sx_quant_options, least_error)},
    {"percdamp", OPTION_REAL, offsetof(sx_quant_options, damping)},
    {"actorder", OPTION_FLAG, offsetof(sx_quant_options, heavy_first)},
    {"share_scales", OPTION_FLAG, offsetof(sx_quant_options, share_steps)},
    {"memory", OPTION_INT, offsetof(sx_quant_options, memory)},
    {"ranges", OPTION_RANGES, 0},
    {"weight_type", OPTION_TYPE, offsetof(sx_quant_options, weight)},
    {"activation_type", OPTION_TYPE, offsetof(sx_quant_options, activation)},
    {"symmetric_activations", OPTION_FLAG, offsetof(sx_quant_options, symmetric_activations)},
    {"constant_b_only", OPTION_FLAG, offsetof(sx_quant_options, constant_b_only)},
    {"keep_io_types", OPTION_FLAG, offsetof(sx_quant_options, keep_io_types)},
    {"per_channel", OPTION_FLAG, offsetof(sx_quant_options, per_channel)},
    {"reduce_range", OPTION_FLAG, offsetof(sx_quant_options, reduce_range)},
    {"op_types", OPTION_NAMES, offsetof(sx_quant_options, operators)},
    {"skip_op_types", OPTION_NAMES, offsetof(sx_quant_options, without)},
    {"nodes", OPTION_NAMES, offsetof(sx_quant_options, only)},
    {"skip_nodes", OPTION_NAMES, offsetof(sx_quant_options, skip)},
};
enum { OPTIONS = sizeof options_by_key / sizeof *options_by_key };

/* Names stand on lines of their own: they may have any other character in them. */
static sx_status read_names(const char *text, sx_arena *a, sx_quant_names *out, sx_err *e) {
  uint32_t n = 1;
  for (const char *p = text; *p; p++) n += *p == '\n';
  sx_str *list = SX_NEW_N(a, sx_str, n);
  if (!list) SX_NO_MEMORY(e);
  *out = (sx_quant_names){list, 0};
  for (const char *p = text; *p; p += *p == '\n') {
    const size_t length = strcspn(p, "\n");
    char *copy = length ? sx_arena_strdup(a, p, length) : NULL;
    if (length && !copy) SX_NO_MEMORY(e);
    if (length) list[out->n++] = (sx_str){copy, length};
    p += length;
  }
  return SX_OK;
}

static sx_status read_ranges(const char *text, sx_arena *a, sx_quant_options *out, sx_err *e) {
  const sx_json *all;
  SX_TRY(sx_json_read(a, sx_str_c(text), &all, e));
  sx_quant_range *r = SX_NEW_N(a, sx_quant_range, (size_t)all->n + 1);
  if (!r) SX_NO_MEMORY(e);
  out->ranges = r, out->n_ranges = 0;
  for (const sx_json *x = all->kind == SX_JSON_OBJECT ? all->first : NULL; x; x = x->next) {
    const sx_json *lo = x->kind == SX_JSON_ARRAY ? x->first : NULL, *hi = lo ? lo->next : NULL;
    if (!hi || lo->kind != SX_JSON_NUMBER || hi->kind != SX_JSON_NUMBER)
      SX_FAIL(e, INVALID_ARGUMENT, "the range of '%.*s': expected a list of two numbers", SX_FMT(x->key));
    char *end;
    const sx_quant_range range = {x->key, sx_number_read(lo->text.p, false, &end), sx_number_read(hi->text.p, false, &end)};
    if (!isfinite(range.lo) || !isfinite(range.hi))
      SX_FAIL(e, INVALID_ARGUMENT, "the range of '%.*s' is infinite: expected two numbers", SX_FMT(x->key));
    r[out->n_ranges++] = range;
  }
  if (!out->n_ranges)
    SX_FAIL(e, INVALID_ARGUMENT,
            "option 'ranges' names no value: expected an object of lists of two numbers; a model without floats to measure has none, "
            "and none of its values can be quantised");
  return SX_OK;
}

/* What was expected in place of the text. */
static sx_status refuse_option(const option *o, const char *text, sx_err *e) {
  char words[96] = "";
  size_t n = 0;
  for (int i = 0; o->kind == OPTION_WORD && o->words[i] && n < sizeof words; i++)
    n += (size_t)snprintf(words + n, sizeof words - n, "%s%s", !i ? "" : o->words[i + 1] ? ", " : " or ", o->words[i]);
  static const char *const kinds[] = {[OPTION_TYPE] = "the name of a type, int8 for instance",
                                      [OPTION_FLAG] = "0 or 1",
                                      [OPTION_INT] = "a whole number from 0 to 65536",
                                      [OPTION_REAL] = "a number"};
  SX_FAIL(e, INVALID_ARGUMENT, "option '%s' is '%.100s': expected %s", o->key, text, *words ? words : kinds[o->kind]);
}

static sx_status read_option(const option *o, const char *text, sx_arena *a, sx_quant_options *out, sx_err *e) {
  void *to = (char *)out + o->offset;
  switch (o->kind) {
    case OPTION_WORD: /* enums are ints */
      for (int i = 0; o->words[i]; i++)
        if (!strcmp(o->words[i], text)) return *(int *)to = i, SX_OK;
      break;
    case OPTION_INT: {
      char *end;
      const long v = strtol(text, &end, 10);
      if (end > text && !*end && v >= 0 && v <= 65536) return *(int *)to = (int)v, SX_OK;
      break;
    }
    case OPTION_REAL: {
      char *end;
      const double v = sx_number_read(text, false, &end);
      if (end > text && !*end && isfinite(v)) return *(double *)to = v, SX_OK;
      break;
    }
    case OPTION_TYPE:
      *(sx_dtype *)to = sx_dtype_parse(text, strlen(text));
      if (*(sx_dtype *)to != SX_UNDEFINED) return SX_OK;
      break;
    case OPTION_FLAG:
      if (!strcmp(text, "0") || !strcmp(text, "1")) return *(bool *)to = *text == '1', SX_OK;
      break;
    case OPTION_RANGES: return read_ranges(text, a, out, e);
    case OPTION_NAMES: return read_names(text, a, to, e);
  }
  return refuse_option(o, text, e);
}

sx_status sx_quant_options_read(const OrtKeyValuePairs *p, sx_arena *a, sx_quant_options *out, sx_err *e) {
  *out = (sx_quant_options){.mode = SX_QUANT_DYNAMIC,
                            .weight = SX_I8,
                            .activation = SX_U8,
                            .bits = 4,
                            .block = 32,
                            .damping = 0.01,
                            .memory = 1024,
                            .keep_io_types = true,
                            .constant_b_only = true};
  for (uint32_t i = 0; p && i < p->n; i++) {
    const option *o = options_by_key;
    while (o < options_by_key + OPTIONS && strcmp(o->key, p->keys[i])) o++;
    if (o == options_by_key + OPTIONS) SX_FAIL(e, INVALID_ARGUMENT, "there is no option '%s' to quantise with", p->keys[i]);
    SX_TRY(read_option(o, p->values[i], a, out, e));
  }
  return SX_OK;
}

static void put_number(sx_text *t, double v) {
  char text[32];
  (void)snprintf(text, sizeof text, "%.3g", v);
  (void)sx_number_point(text);
  sx_text_add(t, "%s", text);
}

static void put_time(const char *key, double ns, sx_text *t) {
  sx_text_add(t, ",\"%s\":", key);
  if (ns > 0)
    put_number(t, ns / 1000);
  else
    sx_text_add(t, "null");
}

/* "12.5 us became 3.1 us, 4 times as fast" */
static void put_gain(double before, double after, sx_text *t) {
  put_number(t, before / 1000);
  sx_text_add(t, " us became ");
  put_number(t, after / 1000);
  sx_text_add(t, " us, ");
  put_number(t, before / after);
  sx_text_add(t, " times as fast");
}

static void put_row(const sx_quant_row *x, int width, sx_text *t) {
  sx_text_add(t, "%-*.*s  %-20.*s  ", width, SX_FMT(x->node), SX_FMT(x->op_type));
  if (x->kept)
    sx_text_add(t, "stays: %s", x->kept);
  else
    sx_text_add(t, "quantised");
  if (x->rounding >= 0) sx_text_add(t, " (%s)", methods[x->rounding]);
  if (!x->kept && x->error >= 0) {
    sx_text_add(t, ", weight off by ");
    put_number(t, 100 * x->error);
    sx_text_add(t, " %%");
  }
  if (x->before > 0 && x->after > 0) {
    sx_text_add(t, x->kept ? "; " : ", ");
    put_gain(x->before, x->after, t);
  }
  sx_text_add(t, "\n");
}

static void put_text(const sx_quant_report *r, sx_text *t) {
  uint32_t done = 0, width = 4;
  for (uint32_t i = 0; i < r->rows.n; i++) {
    const size_t n = r->rows.at[i].node.n;
    done += !r->rows.at[i].kept;
    width = n > width ? n > 60 ? 60 : (uint32_t)n : width;
  }
  for (uint32_t i = 0; i < r->rows.n; i++) put_row(&r->rows.at[i], (int)width, t);
  sx_text_add(t, "%u of %u nodes quantised; constants of %zu bytes became %zu (", (unsigned)done, (unsigned)r->rows.n,
              r->before, r->after);
  put_number(t, r->before ? 100.0 * (double)r->after / (double)r->before : 100);
  sx_text_add(t, " %%)\n");
  if (!(r->run_before > 0 && r->run_after > 0)) return;
  sx_text_add(t, "a run of ");
  put_gain(r->run_before, r->run_after, t);
  sx_text_add(t, "\n");
}

/* The text is in it, too: who shows the report need not write it a second time. */
static void put_json(const sx_quant_report *r, sx_text *t) {
  sx_text_add(t, "{\"bytes_before\":%zu,\"bytes_after\":%zu", r->before, r->after);
  put_time("us_before", r->run_before, t);
  put_time("us_after", r->run_after, t);
  sx_text_add(t, ",\"nodes\":[");
  for (uint32_t i = 0; i < r->rows.n; i++) {
    const sx_quant_row *x = &r->rows.at[i];
    sx_text_add(t, "%s\n{\"name\":", i ? "," : "");
    sx_text_json(t, x->node);
    sx_text_add(t, ",\"op_type\":");
    sx_text_json(t, x->op_type);
    sx_text_add(t, ",\"quantized\":%s,\"reason\":", x->kept ? "false" : "true");
    sx_text_json(t, sx_str_c(x->kept ? x->kept : ""));
    sx_text_add(t, ",\"weight_error\":");
    if (!(x->error >= 0 && isfinite(x->error)))
      sx_text_add(t, "null");
    else
      put_number(t, x->error);
    sx_text_add(t, ",\"rounding\":");
    sx_text_json(t, sx_str_c(x->rounding >= 0 ? methods[x->rounding] : ""));
    put_time("us_before", x->before, t);
    put_time("us_after", x->after, t);
    sx_text_add(t, "}");
  }
  sx_text text = {0};
  put_text(r, &text);
  sx_text_add(t, "],\"text\":");
  sx_text_json(t, (sx_str){text.p ? text.p : "", text.n});
  t->failed |= text.failed;
  sx_text_free(&text);
  sx_text_add(t, "}\n");
}

sx_status sx_report_quantized(const sx_quantizing *q, const sx_quant_options *o, bool json, sx_text *t, sx_err *e) {
  const sx_write_options w = {.path = q->to};
  sx_import_options io = q->so->import;
  sx_quant_report r = {0};
  sx_model *m;
  io.bytes_live = true, io.evaluate = sx_evaluate_node;
  SX_TRY(sx_quant_read(q->data, q->size, o, &io, &m, e));
  sx_status s = sx_quantize(m, o, &r, e);
  if (s == SX_OK) s = sx_model_write(m, &w, e);
  if (s == SX_OK && q->sample.n) s = sx_quant_measure(&r, q->data, q->size, q->to, q->so, &q->sample, e);
  if (s == SX_OK && json) put_json(&r, t);
  if (s == SX_OK && !json) put_text(&r, t);
  sx_quant_report_free(&r);
  sx_model_destroy(m);
  return s;
}

/* The files of an entry: the model, mapped, and the name to write. */
typedef struct files {
  sx_path path, to;
  sx_mapping map;
} files;
static void close_files(files *f) {
  sx_unmap_file(&f->map);
  sx_path_close(&f->to);
  sx_path_close(&f->path);
}
static OrtStatus *open_files(files *f, const ORTCHAR_T *path, const ORTCHAR_T *to) {
  sx_err e = {0};
  *f = (files){0};
  if (!sx_path_open(&f->path, path)) SX_API_NO_MEMORY();
  OrtStatus *failed = sx_path_open(&f->to, to) ? NULL : sx_ort_status(SX_E_NO_MEMORY, NULL);
  if (!failed) failed = sx_ort_status(sx_map_file(f->path.p, &f->map, &e), &e);
  if (failed) close_files(f);
  return failed;
}

static OrtStatus *quantize(const files *f, const sx_session_options *so, const OrtKeyValuePairs *options,
                           const sx_quant_sample *sample, int json, OrtAllocator *allocator, char **out) {
  const sx_quantizing q = {f->map.data ? f->map.data : (const void *)"", f->map.size, so, f->to.p, *sample};
  sx_arena a = {0};
  sx_err e = {0};
  sx_quant_options o;
  sx_text t = {0};
  sx_status s = sx_quant_options_read(options, &a, &o, &e);
  if (s == SX_OK) s = sx_report_quantized(&q, &o, json != 0, &t, &e);
  sx_arena_free(&a);
  return sx_report_deliver(sx_ort_status(s, &e), &t, allocator, out);
}

OrtStatus *ORT_API_CALL sx_quantize_Quantize(const OrtEnv *env, const ORTCHAR_T *path, const ORTCHAR_T *to,
                                             const OrtKeyValuePairs *options, int json, OrtAllocator *allocator,
                                             char **out) {
  if (!env || !path || !to || !allocator || !out) SX_API_FAIL(INVALID_ARGUMENT, "Quantize: an argument is NULL");
  files f;
  OrtStatus *failed = open_files(&f, path, to);
  if (failed) return failed;
  const sx_session_options so = {.import.path = f.path.p};
  failed = quantize(&f, &so, options, &(sx_quant_sample){0}, json, allocator, out);
  close_files(&f);
  return failed;
}

OrtStatus *ORT_API_CALL sx_quantize_QuantizeMeasured(const OrtEnv *env, const OrtSessionOptions *session,
                                                     const ORTCHAR_T *path, const ORTCHAR_T *to,
                                                     const OrtKeyValuePairs *options, const char *const *names,
                                                     const OrtValue *const *values, size_t count, int json,
                                                     OrtAllocator *allocator, char **out) {
  if (!env || !path || !to || !allocator || !out || (count && (!names || !values)))
    SX_API_FAIL(INVALID_ARGUMENT, "QuantizeMeasured: an argument is NULL");
  const sx_quant_sample sample = {names, (sx_rt_value *const *)values, count};
  sx_session_options so = {0};
  sx_arena lists = {0};
  OrtSession *settings = NULL;
  files f;
  for (size_t i = 0; i < count; i++)
    if (!names[i] || !values[i]) SX_API_FAIL(INVALID_ARGUMENT, "QuantizeMeasured: input %zu is NULL", i);
  OrtStatus *failed = open_files(&f, path, to);
  if (failed) return failed;
  failed = sx_ort_session_ask(env, session, f.path.p, &settings, &so, &lists);
  if (!failed) failed = quantize(&f, &so, options, &sample, json, allocator, out);
  sx_arena_free(&lists);
  sx_api_ReleaseSession(settings);
  close_files(&f);
  return failed;
}
