// SPDX-License-Identifier: MIT
/* See number.h. What the locale writes for the point is asked of printf: it is the same on every system, and needs no lock. */
#include "base/number.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct mark { char s[16]; size_t n; } mark;
static mark own_mark(void) {
  char half[24];
  const int n = snprintf(half, sizeof half, "%.1f", 0.5);
  mark m = {".", 1};
  if (n < 3 || n - 2 >= (int)sizeof m.s) return m;
  m.n = (size_t)n - 2;
  memcpy(m.s, half + 1, m.n);
  m.s[m.n] = 0;
  return m;
}

double sx_number_read(const char *s, bool narrow, char **end) {
  const mark m = own_mark();
  char copy[640];
  const size_t n = strlen(s);
  char *stop;
  *end = (char *)s;
  if (n > sizeof copy - sizeof m.s) return 0;
  memcpy(copy, s, n + 1);
  const bool other = strcmp(m.s, ".") != 0;
  char *foreign = other ? strstr(copy, m.s) : NULL;
  if (foreign) *foreign = 0; /* the locale's mark is none of ours: the number ends there */
  char *point = other ? strchr(copy, '.') : NULL;
  if (point) {
    memmove(point + m.n, point + 1, strlen(point + 1) + 1);
    memcpy(point, m.s, m.n);
  }
  const double v = narrow ? (double)strtof(copy, &stop) : strtod(copy, &stop);
  *end += (size_t)(stop - copy) - (point && stop > point ? m.n - 1 : 0);
  return v;
}

size_t sx_number_point(char *s) {
  const mark m = own_mark();
  char *at = strcmp(m.s, ".") ? strstr(s, m.s) : NULL;
  if (at) {
    *at = '.';
    memmove(at + 1, at + m.n, strlen(at + m.n) + 1);
  }
  return strlen(s);
}
