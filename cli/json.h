// SPDX-License-Identifier: MIT
/* JSON output: one call per member, commas and indentation by themselves. */
#ifndef CLI_JSON_H
#define CLI_JSON_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct json {
  FILE *to;
  int depth;
  bool filled; /* the innermost open bracket has a member already */
} json;

/* key is NULL inside arrays and at the top. */
void json_open(json *j, const char *key, char bracket);     /* '{' or '[' */
void json_close(json *j, char bracket);                     /* '}' or ']' */
void json_text(json *j, const char *key, const char *text); /* NULL: null */
void json_real(json *j, const char *key, double v);         /* not finite: null */
void json_int(json *j, const char *key, int64_t v);
void json_bool(json *j, const char *key, bool v);
/* Opens the file that --json names ("-": stdout); NULL with a recorded failure. json_end closes it. */
FILE *json_begin(json *j, const char *path);
bool json_end(json *j, const char *path);
#endif
