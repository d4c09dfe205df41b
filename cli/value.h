// SPDX-License-Identifier: MIT
/* A value as the program holds it, outside any library: tensor, sequence, map or nothing. Files, printing and
 * comparison work on these; library.h turns them into OrtValues and back. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H
#include "dtype.h"
#include <stdio.h>

typedef enum value_kind { VALUE_TENSOR, VALUE_SEQUENCE, VALUE_MAP, VALUE_NONE } value_kind;

typedef struct value {
  value_kind kind;
  char *name;         /* as the file or the session calls it; may be NULL */
  const dtype *type;  /* of a tensor, never NULL there */
  size_t rank, count; /* count: number of elements */
  int64_t *dims;
  void *data;           /* elements, packed below 8 bits; NULL for strings */
  char **strings;       /* `count` texts */
  struct value **items; /* of a sequence; of a map: keys, then values */
  size_t num_items;
} value;

/* The number of elements; false and a recorded failure for a negative or overflowing shape. */
bool value_count(size_t rank, const int64_t *dims, size_t *count);
/* A zeroed tensor (strings: all ""). NULL and a recorded failure for a negative or overflowing shape. */
value *value_tensor(const dtype *type, size_t rank, const int64_t *dims);
value *value_list(value_kind kind);
void value_append(value *list, value *item); /* takes item over */
void value_free(value *v);                   /* NULL allowed */
void value_set_string(value *v, size_t i, const char *text, size_t length);
/* A tensor of another element type with the numbers converted. */
value *value_cast(const value *v, const dtype *type);

/* "float32[1,3]" into fresh text. */
char *value_type_text(const value *v);

typedef struct value_tolerance {
  double rtol, atol;
  int steps; /* units in the last place that a float of 16 bits may be off by, if that is more */
} value_tolerance;
/* True when equal as ONNX's backend tests mean it: same kinds, types and shapes, |a - b| <= atol + rtol * |b| for
 * floats (NaN equals NaN), exact for the rest. Otherwise false, and *why says where the first difference is and how
 * big the worst one is (fresh text). */
bool value_equal(const value *got, const value *want, value_tolerance t, char **why);

/* True when both are the same bit for bit; otherwise *why as above. */
bool value_same(const value *got, const value *want, char **why);

/* The greatest distance of two tensors of numbers with the same shape, absolute and relative to `want`; places where
 * both are the same infinity or NaN count as equal, where one is as infinitely far. */
typedef struct value_gap {
  double absolute, relative;
} value_gap;
value_gap value_distance(const value *got, const value *want);

typedef struct value_print_options {
  size_t edge, whole; /* elements shown at each end of a cut axis; tensors up to `whole` elements are not cut */
  int digits;
} value_print_options;
void value_print(FILE *to, const value *v, const value_print_options *o);
/* The k greatest of the last axis, for each row (up to 8 rows), with a bar and a label; softmax first if asked. */
bool value_print_top(FILE *to, const value *v, size_t k, bool softmax, char **labels, size_t num_labels);
#endif
