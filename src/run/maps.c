// SPDX-License-Identifier: MIT
/* Kernels of maps: late steps that read or make them. A map's keys are sorted, and the maps that ZipMap makes share theirs.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/number.h"
#include "run/exec.h"

static sx_status map_in(const sx_call *c, uint8_t key, const sx_rt_value **keys, const sx_rt_value **values) {
  const sx_rt_value *v = c->late->value(c->late, 0);
  if (!v || v->type.kind != SX_RT_MAP) SX_FAIL(c->e, INVALID_ARGUMENT, "input 0 is no map");
  if (v->type.key != key)
    SX_FAIL(c->e, INVALID_ARGUMENT, "the map's keys have type %s, expected %s", sx_dtype_name((sx_dtype)v->type.key),
            sx_dtype_name((sx_dtype)key));
  *keys = v->u.map.keys, *values = v->u.map.values;
  return SX_OK;
}
/* An output tensor with text of its own, or any other. */
static sx_status row_out(const sx_call *c, sx_dtype t, int64_t n, sx_rt_value **out) {
  return sx_rt_tensor_create(t, 2, (int64_t[]){1, n}, NULL, out, c->e);
}
/* CastMap: a map's value, a float or text, as another type. Text that is no number is an error. */
static sx_status number_of(sx_str s, double *v, int64_t *i, sx_err *e) {
  char buf[64], *end = buf;
  size_t n = s.n < sizeof buf ? s.n : 0;
  memcpy(buf, s.p, n);
  buf[n] = 0;
  errno = 0;
  *v = sx_number_read(buf, false, &end);
  *i = end == buf ? 0 : strtoll(buf, NULL, 10);
  if (end == buf) SX_FAIL(e, INVALID_ARGUMENT, "'%.*s' in the map is not a number", SX_FMT(s));
  return SX_OK;
}
static sx_status cast_one(const sx_rt_value *values, int64_t from, sx_rt_value *out, int64_t to, sx_err *e) {
  bool text = values->type.dtype == SX_STRING;
  sx_str s = text ? ((const sx_str *)values->data)[from] : (sx_str){"", 0};
  char buf[64];
  double v = text ? 0 : (double)((const float *)values->data)[from];
  int64_t i = !(fabs(v) < 0x1p63) ? INT64_MIN : (int64_t)v;
  if (out->type.dtype == SX_STRING) {
    if (!text) {
      snprintf(buf, sizeof buf, "%f", v); /* a float has at most 39 digits before the point */
      s = (sx_str){buf, sx_number_point(buf)};
    }
    return sx_rt_string_set(out, to, s.p, s.n, e);
  }
  if (text) SX_TRY(number_of(s, &v, &i, e));
  if (out->type.dtype == SX_F32)
    ((float *)out->data)[to] = (float)v;
  else
    ((int64_t *)out->data)[to] = i;
  return SX_OK;
}
static sx_status pad_one(sx_rt_value *out, int64_t to, sx_err *e) {
  if (out->type.dtype == SX_STRING) return sx_rt_string_set(out, to, "0.f", 3, e); /* as ONNX Runtime does */
  memset((char *)out->data + (size_t)to * (out->type.dtype == SX_F32 ? 4 : 8), 0, out->type.dtype == SX_F32 ? 4 : 8);
  return SX_OK;
}
static sx_status run_cast(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_node *n = sx_late_node(c);
  const sx_rt_value *keys, *values;
  SX_TRY(map_in(c, SX_I64, &keys, &values));
  if (values->type.dtype != SX_F32 && values->type.dtype != SX_STRING)
    SX_FAIL(c->e, INVALID_ARGUMENT, "the map's values have type %s, expected float or string",
            sx_dtype_name((sx_dtype)values->type.dtype));
  sx_str to = sx_attr_str(n, "cast_to", "TO_FLOAT");
  bool sparse = sx_str_is(sx_attr_str(n, "map_form", "DENSE"), "SPARSE");
  int64_t count = sparse ? sx_attr_int(n, "max_map", 1) : keys->count, k = 0;
  const int64_t *key = keys->data;
  if (sparse && keys->count && key[0] < 0)
    SX_FAIL(c->e, INVALID_ARGUMENT, "a sparse map has the key %lld, expected none below 0", (long long)key[0]);
  sx_rt_value *out;
  SX_TRY(row_out(c, sx_str_is(to, "TO_STRING") ? SX_STRING : sx_str_is(to, "TO_INT64") ? SX_I64 : SX_F32, count, &out));
  sx_status s = SX_OK;
  for (int64_t i = 0; i < count && s == SX_OK; i++) {
    bool here = !sparse || (k < keys->count && key[k] == i);
    s = here ? cast_one(values, k++, out, i, c->e) : pad_one(out, i, c->e);
  }
  return sx_late_give(c, 0, out, s);
}

static int compare_text(sx_str a, sx_str b) {
  int r = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
  return r ? r : (a.n > b.n) - (a.n < b.n);
}
/* The place of word i of the vocabulary among the keys, or -1. */
static int64_t place_of(const sx_rt_value *keys, const sx_attr *vocabulary, uint32_t i) {
  int64_t lo = 0, hi = keys->count;
  bool text = keys->type.dtype == SX_STRING;
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2, k = text ? 0 : ((const int64_t *)keys->data)[mid];
    int order = text ? compare_text(((const sx_str *)keys->data)[mid], vocabulary->strings[i])
                     : (k > vocabulary->ints[i]) - (k < vocabulary->ints[i]);
    if (!order) return mid;
    if (order < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return -1;
}
static sx_status run_dict(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_node *n = sx_late_node(c);
  const sx_attr *words = sx_node_attr(n, "string_vocabulary");
  bool text = words && words->n;
  if (!text) words = sx_node_attr(n, "int64_vocabulary");
  const sx_rt_value *keys, *values;
  SX_TRY(map_in(c, text ? SX_STRING : SX_I64, &keys, &values));
  sx_dtype t = (sx_dtype)values->type.dtype;
  size_t elem = sx_dtype_bits(t) / 8;
  sx_rt_value *out;
  SX_TRY(row_out(c, t, words->n, &out));
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < words->n && s == SX_OK; i++) {
    int64_t at = place_of(keys, words, i);
    if (t == SX_STRING) {
      if (at >= 0)
        s = sx_rt_string_set(out, i, ((const sx_str *)values->data)[at].p, ((const sx_str *)values->data)[at].n, c->e);
    } else if (at >= 0)
      memcpy((char *)out->data + i * elem, (const char *)values->data + (size_t)at * elem, elem);
    else
      memset((char *)out->data + i * elem, 0, elem);
  }
  return sx_late_give(c, 0, out, s);
}

/* The labels as a map to their places: its keys are those of every row, its values say where a row's numbers go. */
static sx_status label_map(const sx_attr *labels, bool text, sx_rt_value **out, sx_err *e) {
  int64_t n = labels->n;
  sx_rt_value *keys = NULL, *places = NULL;
  sx_status s = sx_rt_tensor_wrap(text ? SX_STRING : SX_I64, 1, &n, (void *)labels->ints,
                                  (size_t)n * (text ? sizeof(sx_str) : 8), &sx_memory_cpu, NULL, NULL, &keys, e);
  if (s == SX_OK) s = sx_rt_tensor_create(SX_I64, 1, &n, NULL, &places, e);
  for (int64_t i = 0; i < n && s == SX_OK; i++) ((int64_t *)places->data)[i] = i;
  if (s == SX_OK) s = sx_rt_map_create(keys, places, out, e);
  sx_rt_unref(keys);
  sx_rt_unref(places);
  return s;
}
static void drop_all(void *all, void *data, size_t bytes) {
  (void)data, (void)bytes;
  sx_rt_unref(all);
}
/* `row` in the order of the keys, at the place of `all` that is `sorted`, which its map keeps alive. */
static sx_status zip_row(const sx_rt_value *labels, const float *row, sx_rt_value *all, float *sorted, sx_rt_value *seq,
                         sx_err *e) {
  const sx_rt_value *places = labels->u.map.values;
  const int64_t *place = places->data, n = places->count;
  sx_rt_value *values = NULL, *map = NULL;
  for (int64_t i = 0; i < n; i++) sorted[i] = row[place[i]];
  SX_TRY(sx_rt_tensor_wrap(SX_F32, 1, &n, sorted, (size_t)n * sizeof *sorted, &sx_memory_cpu, drop_all, all, &values, e));
  sx_rt_ref(all);
  sx_status s = sx_rt_map_share(labels->u.map.keys, values, &map, e);
  if (s == SX_OK) s = sx_rt_sequence_insert(seq, seq->u.items.n, map, e);
  sx_rt_unref(map);
  sx_rt_unref(values);
  return s;
}
static sx_status run_zip(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_node *n = sx_late_node(c);
  const sx_attr *labels = sx_node_attr(n, "classlabels_strings");
  bool text = labels && labels->n;
  if (!text) labels = sx_node_attr(n, "classlabels_int64s");
  const sx_view *x = &c->late->in[0];
  if (x->rank != 1 && x->rank != 2) SX_FAIL(c->e, INVALID_ARGUMENT, "the input has rank %d, expected 1 or 2", x->rank);
  int64_t rows = x->rank == 2 ? x->dims[0] : 1, width = x->dims[x->rank - 1];
  if (width != labels->n)
    SX_FAIL(c->e, INVALID_ARGUMENT, "rows have %lld numbers, there are %u labels", (long long)width, labels->n);
  sx_rt_value *map = NULL, *seq = NULL, *all = NULL;
  SX_TRY(label_map(labels, text, &map, c->e));
  int64_t kept = map->u.map.values->count; /* labels may repeat */
  sx_status s = sx_rt_sequence_create(
      (sx_rt_type){.kind = SX_RT_SEQUENCE, .elem = SX_RT_MAP, .dtype = SX_F32, .key = text ? SX_STRING : SX_I64}, &seq,
      c->e);
  if (s == SX_OK) s = sx_rt_tensor_create(SX_F32, 2, (int64_t[]){rows, kept}, NULL, &all, c->e);
  double spent = 0;
  for (int64_t r = 0; r < rows && s == SX_OK && (s = sx_stop_due(&spent, 200 + (double)width * 10, c->e)) == SX_OK; r++)
    s = zip_row(map, (const float *)c->in[0] + r * width, all, (float *)all->data + r * kept, seq, c->e);
  sx_rt_unref(map);
  sx_rt_unref(all);
  return sx_late_give(c, 0, seq, s);
}

#define KERNEL(N, run)  SX_LATE_KERNEL(, sx_host_##N, N, "host", run, NULL);
KERNEL(CastMap, run_cast)
KERNEL(DictVectorizer, run_dict)
KERNEL(ZipMap, run_zip)
