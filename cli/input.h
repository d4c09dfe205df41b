// SPDX-License-Identifier: MIT
/* The values for a session's inputs, from what stands on the command line. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H
#include "library.h"
#include "picture.h"

extern const cli_option input_options[]; /* --shape, --dim, --fill, --cast */

typedef struct input_set {
  size_t count;
  const char **names; /* borrowed from the session */
  value **values;
  picture shown; /* the last picture read; pixels NULL when there was none */
} input_set;

/* `specs` are NAME=WHAT or WHAT alone for the next input without a value; inputs named by none get `fill` (or --fill),
 * and are an error when that is NULL. */
bool inputs_make(const session *s, char *const *specs, int count, const char *fill, input_set *set);
/* Whether the command line says anything about inputs. */
bool inputs_said(void);
void inputs_free(input_set *set);
#endif
