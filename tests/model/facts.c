// SPDX-License-Identifier: MIT
/* What inference says of models, for tools/check_shapes.py: facts FILE... prints one JSON object a line and file,
 *   {"file": ..., "values": {NAME: {"type": "float", "dims": [2, "n + 1"], "elems": [...]}, ...}}   or   {"file": ..., "error": ...}
 * of the canonical graph, before any pass. A value of a body is named by its way there, OWNER'S FIRST OUTPUT.ATTRIBUTE/NAME. A
 * dimension that is no number is its expression, "?3" a symbol without a name; dims is absent where the rank is open. */
#include <stdio.h>
#include <stdlib.h>
#include "base/file.h"
#include "run/session.h"

static void put_dims(const sx_graph *g, const char *key, const sx_dim *d, uint32_t n, sx_text *out) {
  sx_text_add(out, ", \"%s\": [", key);
  for (uint32_t i = 0; i < n; i++) {
    sx_text text = {0};
    if (i) sx_text_put(out, ", ", 2);
    sx_dim_print(&g->model->dims, d[i], &text);
    if (sx_dim_is_const(d[i]))
      sx_text_put(out, text.p, text.n);
    else
      sx_text_json(out, (sx_str){text.p, text.n});
    sx_text_free(&text);
  }
  sx_text_put(out, "]", 1);
}

static void put_type(const sx_graph *g, const sx_type *t, sx_text *out) {
  static const char *const words[] = {
      [SX_KIND_SEQUENCE] = "seq", [SX_KIND_OPTIONAL] = "optional", [SX_KIND_MAP] = "map", [SX_KIND_SPARSE] = "sparse"};
  if (!t || t->kind == SX_KIND_UNKNOWN) {
    sx_text_add(out, "{\"type\": \"undefined\"}");
    return;
  }
  sx_text_add(out, "{\"type\": \"%s\"", t->kind == SX_KIND_TENSOR ? sx_dtype_name((sx_dtype)t->dtype) : words[t->kind]);
  if (t->kind == SX_KIND_TENSOR && t->rank >= 0) put_dims(g, "dims", t->dims, (uint32_t)t->rank, out);
  if (t->item) {
    sx_text_add(out, ", \"item\": ");
    put_type(g, t->item, out);
  }
  sx_text_add(out, "}");
}

static void put_value(const sx_graph *g, const char *prefix, const sx_value *v, bool *first, sx_text *out) {
  const sx_fact *f = &v->fact;
  sx_text key = {0};
  bool gone = v->kind == SX_VALUE_NODE && (v->producer == SX_NONE || sx_node_at(g, v->producer)->dead);
  if (!v->name.n || v->kind == SX_VALUE_CAPTURE || gone) return; /* gone: an If that was decided, a body not taken */
  sx_text_add(&key, "%s%.*s", prefix, SX_FMT(v->name));
  sx_text_add(out, *first ? "" : ", ");
  sx_text_json(out, (sx_str){key.p, key.n});
  sx_text_free(&key);
  sx_text_add(out, ": ");
  *first = false;
  if (f->kind != SX_KIND_TENSOR) {
    put_type(g, f->type, out);
    return;
  }
  sx_text_add(out, "{\"type\": \"%s\"", sx_dtype_name((sx_dtype)f->dtype));
  if (f->rank >= 0) put_dims(g, "dims", f->dims, (uint32_t)f->rank, out);
  if (f->n_elems) put_dims(g, "elems", f->elems, f->n_elems, out);
  sx_text_add(out, "}");
}

static void put_graph(const sx_graph *g, const char *prefix, bool *first, sx_text *out) {
  for (uint32_t i = 0; i < g->values.n; i++) put_value(g, prefix, sx_value_at(g, i), first, out);
  for (uint32_t i = 0; i < g->nodes.n; i++) {
    const sx_node *n = sx_node_at(g, i);
    sx_vid y = sx_node_out(n, 0);
    for (uint32_t k = 0; k < n->n_attrs && !n->dead && y != SX_NONE; k++) {
      sx_text path = {0};
      if (n->attrs[k].type != SX_ATTR_GRAPH) continue;
      sx_text_add(&path, "%s%.*s.%.*s/", prefix, SX_FMT(sx_value_at(g, y)->name), SX_FMT(n->attrs[k].name));
      put_graph(n->attrs[k].g, path.p, first, out);
      sx_text_free(&path);
    }
  }
}

int main(int argc, char **argv) {
  for (int k = 1; k < argc; k++) {
    sx_mapping map = {0};
    sx_model *m = NULL;
    sx_err e = {0};
    sx_text out = {0};
    bool first = true;
    sx_import_options o = {.path = argv[k], .evaluate = sx_evaluate_node};
    sx_status s = sx_map_file(argv[k], &map, &e);
    if (s == SX_OK) s = sx_import(map.data, map.size, &o, &m, &e);
    sx_text_add(&out, "{\"file\": ");
    sx_text_json(&out, sx_str_c(argv[k]));
    if (s == SX_OK) {
      sx_text_add(&out, ", \"values\": {");
      put_graph(m->graph, "", &first, &out);
      sx_text_add(&out, "}}");
    } else {
      sx_text_add(&out, ", \"error\": ");
      sx_text_json(&out, sx_str_c(e.msg));
      sx_text_add(&out, "}");
    }
    puts(out.p);
    sx_text_free(&out);
    if (m) sx_model_destroy(m);
    sx_unmap_file(&map);
  }
  return 0;
}
