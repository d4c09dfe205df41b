// SPDX-License-Identifier: MIT
/* Values for reading: nested brackets cut in the middle as NumPy does it, and the greatest of a row with bars. */
#include "cli.h"
#include "term.h"
#include "value.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void print_element(FILE *to, const value *v, size_t i, int digits) {
  if (v->strings) {
    fprintf(to, "\"%s\"", v->strings[i]);
  } else if (v->type->cls == DTYPE_BOOL) {
    fputs(dtype_get_int(v->type, v->data, i) ? "true" : "false", to);
  } else if (v->type->cls == DTYPE_COMPLEX) {
    fprintf(to, "%.*g%+.*gi", digits, dtype_get(v->type, v->data, i), digits, dtype_get_part(v->type, v->data, i, 1));
  } else if (v->type->cls == DTYPE_FLOAT) {
    double x = dtype_get(v->type, v->data, i);
    fprintf(to, "%.*g", digits, isnan(x) ? NAN : x); /* NaN's sign means nothing */
  } else if (v->type->cls == DTYPE_UINT) {
    fprintf(to, "%llu", (unsigned long long)dtype_get_int(v->type, v->data, i));
  } else {
    fprintf(to, "%lld", (long long)dtype_get_int(v->type, v->data, i));
  }
}

/* Axis `axis` of the elements from `at` on. */
static void print_axis(FILE *to, const value *v, size_t axis, size_t at, const value_print_options *o) {
  if (axis == v->rank) {
    print_element(to, v, at, o->digits);
    return;
  }
  size_t n = (size_t)v->dims[axis], step = 1;
  for (size_t d = axis + 1; d < v->rank; d++) step *= (size_t)v->dims[d];
  bool cut = v->count > o->whole && n > 2 * o->edge + 1, last = axis + 1 == v->rank;
  fputc('[', to);
  for (size_t i = 0; i < n; i++) {
    if (i && last) fputs(", ", to);
    if (i && !last) fprintf(to, ",\n%*s", (int)axis + 3, "");
    if (cut && i == o->edge) {
      fprintf(to, "... %zu more ...", n - 2 * o->edge);
      i = n - o->edge - 1;
      continue;
    }
    print_axis(to, v, axis + 1, at + i * step, o);
  }
  fputc(']', to);
}

/* "{key: value, ...}" of a map with as many keys as values. */
static void print_pairs(FILE *to, const value *keys, const value *values, const value_print_options *o) {
  fputs("  {", to);
  for (size_t i = 0; i < keys->count; i++) {
    if (i) fputs(", ", to);
    if (keys->count > o->whole && i == o->edge) {
      fprintf(to, "... %zu more ..., ", keys->count - 2 * o->edge);
      i = keys->count - o->edge;
    }
    print_element(to, keys, i, o->digits);
    fputs(": ", to);
    print_element(to, values, i, o->digits);
  }
  fputs("}\n", to);
}

static void print_title(FILE *to, const value *v) {
  char *type = value_type_text(v);
  fprintf(to, "%s%s%s%s%s%s%s\n", term_code(to, TERM_BOLD), v->name ? v->name : "", term_code(to, TERM_PLAIN),
          v->name ? " " : "", term_code(to, TERM_DIM), type, term_code(to, TERM_PLAIN));
  free(type);
}

void value_print(FILE *to, const value *v, const value_print_options *o) {
  print_title(to, v);
  if (v->kind == VALUE_TENSOR) {
    fputs("  ", to);
    print_axis(to, v, 0, 0, o);
    fputc('\n', to);
    return;
  }
  const value *const *items = (const value *const *)v->items;
  if (v->kind == VALUE_MAP && items[0]->kind == VALUE_TENSOR && items[1]->kind == VALUE_TENSOR &&
      items[0]->count == items[1]->count) {
    print_pairs(to, items[0], items[1], o);
    return;
  }
  for (size_t i = 0; i < v->num_items; i++) {
    if (v->num_items > 2 * o->edge + 1 && i == o->edge) {
      fprintf(to, "  ... %zu more ...\n", v->num_items - 2 * o->edge);
      i = v->num_items - o->edge;
    }
    if (v->kind == VALUE_MAP)
      fprintf(to, "  %s ", i ? "values" : "keys");
    else
      fprintf(to, "  %zu: ", i);
    value_print(to, items[i], o);
  }
}

static size_t greatest(const double *row, size_t n, const bool *taken) {
  size_t best = n;
  for (size_t i = 0; i < n; i++)
    if (!taken[i] && (best == n || row[i] > row[best] || isnan(row[best]))) best = i;
  return best;
}

static void softmax_row(double *row, size_t n) {
  double top = -INFINITY, sum = 0;
  for (size_t i = 0; i < n; i++) top = fmax(top, row[i]);
  for (size_t i = 0; i < n; i++) sum += row[i] = exp(row[i] - top);
  for (size_t i = 0; i < n; i++) row[i] /= sum;
}

bool value_print_top(FILE *to, const value *v, size_t k, bool softmax, char **labels, size_t num_labels) {
  if (v->kind != VALUE_TENSOR || v->strings || !v->rank || !v->count) return false;
  if (v->rank == 1 && v->type->cls != DTYPE_FLOAT) return false; /* labels, one for each row of the input: not scores */
  print_title(to, v);
  size_t n = (size_t)v->dims[v->rank - 1], rows = v->count / n;
  double *row = cli_alloc(n * sizeof *row);
  for (size_t r = 0; r < rows && r < 8; r++) {
    bool *taken = cli_alloc(n);
    for (size_t i = 0; i < n; i++) row[i] = dtype_get(v->type, v->data, r * n + i);
    if (softmax) softmax_row(row, n);
    if (rows > 1) fprintf(to, "  row %zu\n", r);
    double least = 0, most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, row[i]), least = fmin(least, row[i]);
    for (size_t j = 0; j < k && j < n; j++) {
      size_t i = greatest(row, n, taken);
      taken[i] = true;
      int bar = most > 0 && row[i] > 0 ? (int)lrint(24 * row[i] / (least < 0 || most > 1 ? most : 1)) : 0;
      fprintf(to, "  %5zu  %10.6g  %s%.*s%s%*s  %s\n", i, row[i], term_code(to, TERM_CYAN), bar, "########################",
              term_code(to, TERM_PLAIN), 24 - bar, "", i < num_labels ? labels[i] : "");
    }
    free(taken);
  }
  if (rows > 8) fprintf(to, "  ... %zu more rows ...\n", rows - 8);
  free(row);
  return true;
}
