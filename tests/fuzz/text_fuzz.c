// SPDX-License-Identifier: MIT
/* Fuzzes the text form of graphs: what parses is printed, what was printed parses and prints the same. (Inference wants
 * graphs whose nodes were held against their schemas: the loader's target.) */
#include <stdio.h>
#include <string.h>
#include "fuzz/fuzz.h"
#include "ir/text.h"
#include "ops/ops.h"

enum { SHOWN = 16 };

static void require(bool holds, const char *what, const char *found) {
  if (holds) return;
  fprintf(stderr, "%s: %s\n", what, found);
  abort();
}
static void print(const sx_graph *g, sx_text *t) {
  sx_graph_print(g, SHOWN, t);
  sx_text_put(t, "", 1);
  require(!t->failed, "printing", "no memory");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sx_err e = {0};
  sx_model *m, *again;
  if (size > 1 << 14) return 0;
  fuzz_heap_begin();
  sx_status s = sx_graph_parse((sx_str){(const char *)data, size}, sx_op_find, &m, &e);
  require(s == SX_OK || e.msg[0], "a failure", "without a message");
  if (s == SX_OK) {
    sx_text first = {0}, second = {0};
    require(sx_graph_verify(m->graph, &e) == SX_OK && sx_graph_sort(m->graph, &e) == SX_OK, "what parses is no graph", e.msg);
    print(m->graph, &first);
    s = sx_graph_parse((sx_str){first.p, first.n - 1}, sx_op_find, &again, &e);
    if (s != SX_OK) fputs(first.p, stderr);
    require(s == SX_OK, "what was printed does not parse", e.msg);
    print(again->graph, &second);
    if (strcmp(first.p, second.p)) fputs(second.p, stderr);
    require(!strcmp(first.p, second.p), "printed again it differs", first.p);
    sx_text_free(&first);
    sx_text_free(&second);
    sx_model_destroy(again);
    sx_model_destroy(m);
  }
  fuzz_heap_end();
  return 0;
}
