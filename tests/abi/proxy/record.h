// SPDX-License-Identifier: MIT
/* The trace: a line for each call, "Name(arguments) -> results", into the file that SX_TRACE names. Handles are not written, only
 * whether there is one; a line is put together by its thread and written whole. */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "onnxruntime_c_api.h"

enum { LINE = 1 << 14 };
static FILE *trace_file;
static _Thread_local char line[LINE];
static _Thread_local size_t used;
static _Thread_local int inside; /* calls that the library makes of its own table are not the client's */
static _Thread_local int comma;

static void put(const char *fmt, ...) {
  va_list v;
  va_start(v, fmt);
  int n = vsnprintf(line + used, LINE - used, fmt, v);
  va_end(v);
  used += n < 0 ? 0 : (size_t)n < LINE - used ? (size_t)n : LINE - used - 1;
}
static void sep(void) { put(comma++ ? ", " : ""); }
static void put_word(const char *w) { sep(), put("%s", w); }
static void put_text(const char *s) {
  sep();
  if (!s) {
    put("NULL");
    return;
  }
  const char *slash = strrchr(s, '/'); /* paths differ from place to place */
  put("'%.200s'", slash ? slash + 1 : s);
}
static void put_number(double v) { sep(), put("%.6g", v); }

/* A call may be made from inside of another one, by a callback: each has a line of its own, the outer one's is kept. */
typedef struct saved { char *text; size_t used; } saved;
enum { DEEP = 8 };
static _Thread_local saved stack[DEEP];
static void begin(const char *name) {
  if (inside < DEEP) stack[inside] = (saved){used ? strndup(line, used) : NULL, used};
  inside++;
  used = 0, comma = 0;
  put("%s(", name);
}
static void line_end_of_arguments(void) { /* what is asked may call back: keep what there is */
  put(")");
  if (inside <= DEEP) {
    saved *s = &stack[inside - 1];
    free(s->text);
    *s = (saved){strndup(line, used), used};
  }
}
static void begin_results(void) {
  if (inside <= DEEP && stack[inside - 1].text) {
    used = stack[inside - 1].used;
    memcpy(line, stack[inside - 1].text, used + 1);
  }
  put(" -> ");
  comma = 0;
}
static void end(void) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  if (trace_file) fprintf(trace_file, "%s\n", line), fflush(trace_file);
  pthread_mutex_unlock(&lock);
  if (inside <= DEEP) free(stack[inside - 1].text), stack[inside - 1].text = NULL;
  inside--;
  used = 0, comma = 0;
}
