// SPDX-License-Identifier: MIT
/* Making, converting and comparing values. */
#include "value.h"
#include "cli.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool value_count(size_t rank, const int64_t *dims, size_t *count) {
  *count = 1;
  for (size_t i = 0; i < rank; i++) {
    if (dims[i] < 0 || (dims[i] && *count > SIZE_MAX / 256 / (uint64_t)dims[i]))
      return cli_fail(CLI_BROKEN, "a shape with dimension %lld is negative or too large", (long long)dims[i]);
    *count *= (size_t)dims[i];
  }
  return true;
}

value *value_tensor(const dtype *type, size_t rank, const int64_t *dims) {
  size_t count, bytes = 0;
  if (!value_count(rank, dims, &count)) return NULL;
  value *v = cli_alloc(sizeof *v);
  v->kind = VALUE_TENSOR, v->type = type, v->rank = rank, v->count = count;
  v->dims = cli_alloc(rank * sizeof *v->dims);
  if (rank) memcpy(v->dims, dims, rank * sizeof *dims);
  if (type->cls == DTYPE_STRING) {
    v->strings = cli_alloc(count * sizeof *v->strings);
    for (size_t i = 0; i < count; i++) v->strings[i] = cli_copy("", 0);
  } else if (dtype_bytes(type, count, &bytes)) {
    v->data = cli_alloc(bytes);
  }
  return v;
}

value *value_list(value_kind kind) {
  value *v = cli_alloc(sizeof *v);
  v->kind = kind;
  return v;
}

void value_append(value *list, value *item) {
  list->items = cli_grow(list->items, list->num_items + 1, sizeof *list->items);
  list->items[list->num_items++] = item;
}

void value_free(value *v) {
  if (!v) return;
  for (size_t i = 0; i < v->num_items; i++) value_free(v->items[i]);
  for (size_t i = 0; v->strings && i < v->count; i++) free(v->strings[i]);
  free(v->items), free(v->strings), free(v->data), free(v->dims), free(v->name), free(v);
}

void value_set_string(value *v, size_t i, const char *text, size_t length) {
  free(v->strings[i]);
  v->strings[i] = cli_copy(text, length);
}

value *value_cast(const value *v, const dtype *type) {
  if (v->kind != VALUE_TENSOR || v->strings || type->cls == DTYPE_STRING) {
    cli_fail(CLI_BROKEN, "only numbers can be converted");
    return NULL;
  }
  value *out = value_tensor(type, v->rank, v->dims);
  bool real = v->type->cls == DTYPE_FLOAT || v->type->cls == DTYPE_COMPLEX;
  for (size_t i = 0; out && i < v->count; i++) {
    if (real)
      dtype_set(type, out->data, i, dtype_get(v->type, v->data, i));
    else
      dtype_set_int(type, out->data, i, dtype_get_int(v->type, v->data, i));
  }
  return out;
}

char *value_type_text(const value *v) {
  if (v->kind == VALUE_NONE) return cli_text("nothing");
  if (v->kind != VALUE_TENSOR) return cli_text("%s of %zu", v->kind == VALUE_MAP ? "map" : "sequence", v->num_items);
  char *text = cli_text("%s[", v->type->name);
  for (size_t i = 0; i < v->rank; i++) {
    char *longer = cli_text("%s%s%lld", text, i ? "," : "", (long long)v->dims[i]);
    free(text);
    text = longer;
  }
  char *out = cli_text("%s]", text);
  free(text);
  return out;
}

static bool differ(char **why, const value *got, const value *want, const char *what) {
  char *a = value_type_text(got), *b = value_type_text(want);
  *why = cli_text("%s: got %s, expected %s", what, a, b);
  free(a), free(b);
  return false;
}

/* "[1,0,7]" of element i, into buf. */
static const char *place(const value *v, size_t i, char *buf, size_t size) {
  size_t at = 0, rest = v->count;
  buf[0] = 0;
  at += (size_t)snprintf(buf, size, "[");
  for (size_t d = 0; d < v->rank && at < size; d++) {
    rest /= (size_t)v->dims[d];
    at += (size_t)snprintf(buf + at, size - at, "%s%zu", d ? "," : "", i / rest);
    i %= rest;
  }
  if (at < size) snprintf(buf + at, size - at, "]");
  return buf;
}

static bool tensors_equal(const value *got, const value *want, value_tolerance t, char **why) {
  char at[256];
  if (got->type != want->type) return differ(why, got, want, "wrong element type");
  if (got->rank != want->rank || (want->rank && memcmp(got->dims, want->dims, want->rank * sizeof *want->dims)))
    return differ(why, got, want, "wrong shape");
  for (size_t i = 0; want->strings && i < want->count; i++) {
    if (!strcmp(got->strings[i], want->strings[i])) continue;
    *why = cli_text("at %s: got \"%s\", expected \"%s\"", place(want, i, at, sizeof at), got->strings[i], want->strings[i]);
    return false;
  }
  if (want->strings) return true;
  bool real = want->type->cls == DTYPE_FLOAT || want->type->cls == DTYPE_COMPLEX;
  if (want->type->exponent + want->type->mantissa == 15) t.rtol = fmax(t.rtol, ldexp(t.steps, -want->type->mantissa));
  int parts = want->type->cls == DTYPE_COMPLEX ? 2 : 1;
  size_t bad = 0, first = 0, worst = 0;
  double worst_by = -1;
  for (size_t i = 0; i < want->count; i++) {
    bool same = true;
    double by = 0;
    for (int p = 0; p < parts && real; p++) {
      double a = dtype_get_part(want->type, got->data, i, p), b = dtype_get_part(want->type, want->data, i, p);
      if (a == b || (isnan(a) && isnan(b))) continue;
      double d = fabs(a - b);
      same = same && d <= t.atol + t.rtol * fabs(b) && !isinf(b);
      by = isnan(d) ? INFINITY : fmax(by, d);
    }
    if (!real) {
      int64_t a = dtype_get_int(want->type, got->data, i), b = dtype_get_int(want->type, want->data, i);
      same = a == b;
      by = fabs((double)a - (double)b);
    }
    if (same) continue;
    if (!bad++) first = i;
    if (by > worst_by) worst_by = by, worst = i;
  }
  if (!bad) return true;
  char where[256];
  *why = cli_text(
      "%zu of %zu elements differ, first at %s: got %.9g, expected %.9g; worst at %s: got %.9g, expected %.9g "
      "(allowed: %g + %g of the expected)",
      bad, want->count, place(want, first, at, sizeof at), dtype_get(want->type, got->data, first),
      dtype_get(want->type, want->data, first), place(want, worst, where, sizeof where),
      dtype_get(want->type, got->data, worst), dtype_get(want->type, want->data, worst), real ? t.atol : 0,
      real ? t.rtol : 0);
  return false;
}

bool value_equal(const value *got, const value *want, value_tolerance t, char **why) {
  if (got->kind != want->kind) return differ(why, got, want, "wrong kind of value");
  if (want->kind == VALUE_TENSOR) return tensors_equal(got, want, t, why);
  if (got->num_items != want->num_items) return differ(why, got, want, "wrong length");
  for (size_t i = 0; i < want->num_items; i++) {
    if (value_equal(got->items[i], want->items[i], t, why)) continue;
    char *inner = *why;
    *why = cli_text("element %zu: %s", i, inner);
    free(inner);
    return false;
  }
  return true;
}

bool value_same(const value *got, const value *want, char **why) {
  size_t bytes;
  if (!value_equal(got, want, (value_tolerance){0}, why)) return false;
  for (size_t i = 0; i < want->num_items; i++)
    if (!value_same(got->items[i], want->items[i], why)) return false;
  if (want->kind != VALUE_TENSOR || want->strings || !dtype_bytes(want->type, want->count, &bytes)) return true;
  return !memcmp(got->data, want->data, bytes) || differ(why, got, want, "zeros or NaNs of different bits");
}

value_gap value_distance(const value *got, const value *want) {
  value_gap gap = {0, 0};
  int parts = want->type->cls == DTYPE_COMPLEX ? 2 : 1;
  for (size_t i = 0; i < want->count; i++) {
    for (int p = 0; p < parts; p++) {
      double a = dtype_get_part(got->type, got->data, i, p), b = dtype_get_part(want->type, want->data, i, p);
      if (a == b || (isnan(a) && isnan(b))) continue;
      double d = isnan(a - b) ? INFINITY : fabs(a - b);
      gap.absolute = fmax(gap.absolute, d);
      gap.relative = fmax(gap.relative, b == 0 || isinf(d) ? INFINITY : d / fabs(b));
    }
  }
  return gap;
}
