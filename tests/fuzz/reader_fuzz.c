// SPDX-License-Identifier: MIT
/* Fuzzes the readers of both formats: any bytes are parsed as a model and as a tensor; what parses is checked, read, written and parsed
 * again, and must then be the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include "onnx/external.h"
#include "onnx/ort_model.h"
#include "onnx/proto_write.h"
#include "ops/schema.h"

static volatile uint8_t sink; /* keeps the reads */

static void read_tensor(const sx_proto_tensor *t) {
  sx_proto_tensor_info info;
  sx_proto_view view;
  sx_external_info where;
  if (sx_proto_tensor_check(t, &info, NULL) != SX_OK) return;
  if (info.external) {
    (void)sx_external_read(t, &where, NULL);
    return;
  }
  if (sx_proto_tensor_view(t, &info, &view)) {
    for (size_t i = 0; i < info.bytes; i++) sink ^= view.data[i];
  }
  void *copy = sx_malloc(info.bytes);
  if (copy && sx_proto_tensor_fill(t, &info, copy, info.bytes, NULL) != SX_OK) abort();
  sx_free(copy, info.bytes);
}

static void read_graph(const sx_proto_graph *g);
static void read_attr(const sx_proto_attr *a) {
  if (sx_proto_attr_check(a, NULL) != SX_OK || a->ref_attr_name.n) return;
  if (a->type == SX_ATTR_TENSOR) read_tensor(a->t);
  if (a->type == SX_ATTR_GRAPH) read_graph(a->g);
  for (uint32_t i = 0; a->type == SX_ATTR_TENSORS && i < a->tensors.n; i++) read_tensor(&a->tensors.at[i]);
  for (uint32_t i = 0; a->type == SX_ATTR_GRAPHS && i < a->graphs.n; i++) read_graph(&a->graphs.at[i]);
}
static void read_graph(const sx_proto_graph *g) {
  for (uint32_t i = 0; i < g->initializer.n; i++) read_tensor(&g->initializer.at[i]);
  for (uint32_t i = 0; i < g->node.n; i++) {
    for (uint32_t k = 0; k < g->node.at[i].attribute.n; k++) read_attr(&g->node.at[i].attribute.at[k]);
  }
}

static void round_trip(const sx_proto_model *m) {
  sx_text first = {0}, second = {0};
  sx_arena arena = {0};
  sx_proto_model *again;
  sx_err e;
  if (sx_proto_write_model(m, &first, &e) != SX_OK) abort();
  if (sx_proto_parse_model(first.p, first.n, &arena, &again, &e) != SX_OK) abort();
  if (sx_proto_write_model(again, &second, &e) != SX_OK) abort();
  if (first.n != second.n || (first.n && memcmp(first.p, second.p, first.n))) abort();
  sx_text_free(&second);
  second = (sx_text){0};
  (void)sx_proto_move_external(again, SX_STR("data"), 1, 16, &arena, &second, NULL);
  sx_text_free(&first);
  sx_text_free(&second);
  sx_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sx_arena arena = {0};
  sx_proto_model *m;
  sx_proto_tensor *t;
  if (sx_model_parse(data, size, SX_FORMAT_SEEN, &arena, &m, NULL) == SX_OK) {
    if (m->graph) read_graph(m->graph);
    round_trip(m);
  }
  if (sx_proto_parse_tensor(data, size, &arena, &t, NULL) == SX_OK) read_tensor(t);
  if (arena.held > 4096 + 256 * size + 65536) abort(); /* memory is linear in the input */
  sx_arena_free(&arena);
  return 0;
}
