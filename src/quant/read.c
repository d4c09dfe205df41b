// SPDX-License-Identifier: MIT
/* The model as quantising wants it: in the source dialect, with facts. A model of an operator set that cannot say what
 * comes out, or with batch normalisation that has not been folded into its convolution, is written anew first, by the
 * passes that would do that at load. */
#include "onnx/export.h"
#include "onnx/proto_write.h"
#include "onnx/source.h"
#include "quant/quant.h"
#include "quant/rules.h"
#include "run/session.h"

typedef struct rewriting {
  int least;
  sx_text bytes;
} rewriting;

static sx_status take(void *ctx, const sx_model *m, sx_proto_model *p, sx_arena *a, sx_err *e) {
  rewriting *r = ctx;
  SX_TRY(sx_export_raise(p, r->least, a, e));
  return sx_proto_write_model(p, &r->bytes, e);
}

static sx_status source(const void *data, size_t size, const sx_import_options *o, sx_model **out, sx_err *e) {
  sx_model *m, *canonical;
  *out = NULL;
  SX_TRY(sx_import_source(data, size, o, &m, e));
  sx_status s = sx_import(data, size, o, &canonical, e);
  if (s == SX_OK) {
    s = sx_source_take_facts(m->graph, canonical->graph, e);
    sx_model_destroy(canonical);
  }
  if (s == SX_OK && o->path && !m->path && !(m->path = sx_arena_strdup(&m->arena, o->path, strlen(o->path))))
    s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  s = sx_model_status(m, s, e);
  if (s != SX_OK)
    sx_model_destroy(m);
  else
    *out = m;
  return s;
}

static bool has_batch_norm(const sx_model *m) {
  for (uint32_t i = 0; i < m->graph->nodes.n; i++)
    if (sx_str_is(sx_node_at(m->graph, i)->op_type, "BatchNormalization")) return true;
  return false;
}

/* The model that was written, which owns its bytes. */
static sx_status read_again(const sx_text *bytes, const sx_import_options *io, sx_model **out, sx_err *e) {
  if (bytes->failed) SX_NO_MEMORY(e);
  sx_mapping copy = {.data = sx_malloc_aligned(bytes->n), .size = bytes->n};
  if (!copy.data) SX_NO_MEMORY(e);
  memcpy((void *)(uintptr_t)copy.data, bytes->p, bytes->n);
  sx_status s = source(copy.data, copy.size, io, out, e);
  if (s == SX_OK && !sx_vec_push(&(*out)->mappings, copy)) {
    sx_model_destroy(*out);
    *out = NULL;
    s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  }
  if (s != SX_OK) sx_unmap_file(&copy);
  return s;
}

sx_status sx_quant_read(const void *data, size_t size, const sx_quant_options *o, const sx_import_options *io,
                        sx_model **out, sx_err *e) {
  const int least = sx_quant_least_opset(o);
  SX_TRY(source(data, size, io, out, e));
  const bool fold = (o->mode == SX_QUANT_STATIC || o->mode == SX_QUANT_DYNAMIC) && has_batch_norm(*out);
  if (sx_model_opset(*out, SX_STR("")) >= least && !fold) return SX_OK;
  rewriting r = {.least = least};
  const sx_session_options so = {.import = *io, .level = fold ? 1 : 0};
  sx_model_destroy(*out);
  *out = NULL;
  sx_status s = sx_session_rewrite(data, size, &so, take, &r, e);
  if (s == SX_OK) s = read_again(&r.bytes, io, out, e);
  sx_text_free(&r.bytes);
  return s;
}
