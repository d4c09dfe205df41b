// SPDX-License-Identifier: MIT
/* Numbers as text with a point, whatever locale the program around us has set: strtod and printf follow it, files and models do
 * not. */
#ifndef SX_BASE_NUMBER_H
#define SX_BASE_NUMBER_H
#include <stdbool.h>
#include <stddef.h>

/* strtod of a text of at most 600 bytes (a longer one is no number); `narrow`: strtof, so that floats are rounded once. */
double sx_number_read(const char *s, bool narrow, char **end);
/* Puts a point where printf has put the locale's own mark into the number s; gives its length, which does not grow. */
size_t sx_number_point(char *s);
#endif
