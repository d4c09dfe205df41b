// SPDX-License-Identifier: MIT
/* Searching a row of scores, which a vocabulary makes long: four at a time, on any machine. */
#include "run/generate/generate.h"

typedef float lanes __attribute__((vector_size(16)));
typedef int32_t bits __attribute__((vector_size(16)));
enum { LANES = 4 };

void sx_gen_add(float *s, int64_t n, float by) {
  lanes x;
  int64_t j = 0;
  for (; j + LANES <= n; j += LANES) {
    memcpy(&x, s + j, sizeof x);
    x += by;
    memcpy(s + j, &x, sizeof x);
  }
  for (; j < n; j++) s[j] += by;
}

int64_t sx_gen_above(const float *s, int64_t from, int64_t n, float x) {
  for (lanes v; from + LANES <= n; from += LANES) {
    memcpy(&v, s + from, sizeof v);
    const bits above = v > x;
    if (above[0] | above[1] | above[2] | above[3]) break;
  }
  while (from < n && !(s[from] > x)) from++;
  return from;
}
