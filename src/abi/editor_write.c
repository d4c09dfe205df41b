// SPDX-License-Identifier: MIT
/* Descriptions of the model editor as ONNX's messages. */
#include "abi/editor.h"
#include "onnx/proto_write.h"
#include "ir/attr.h"

#define HAS(number) (1u << (number))

static void tensor_type(const sx_rt_value *v, sx_proto_tensor *t) {
  sx_wire_init(&sx_proto_tensor_message, t);
  t->data_type = v->type.dtype;
  t->dims.at = (int64_t *)v->dims, t->dims.n = v->rank;
}

static void tensor_data(const sx_rt_value *v, sx_proto_tensor *t) {
  if (v->type.dtype == SX_STRING)
    t->string_data.at = v->data, t->string_data.n = (uint32_t)v->count;
  else
    t->raw_data = (sx_str){v->data, v->bytes}, t->has |= HAS(SX_TENSOR_RAW_DATA);
}

static bool strings(const OrtOpAttr *a, sx_arena *arena, sx_proto_strings *out) {
  const char *p = a->data;
  if (!(out->at = SX_NEW_N(arena, sx_str, a->count + 1))) return false;
  for (size_t i = 0; i < a->count; i++, p += strlen(p) + 1)
    out->at[i] = (sx_str){sx_arena_strdup(arena, p, strlen(p)), strlen(p)};
  out->n = (uint32_t)a->count;
  return true;
}

OrtStatus *sx_editor_attr(const OrtOpAttr *a, sx_arena *arena, sx_proto_attr *out) {
  sx_wire_init(&sx_proto_attr_message, out);
  size_t len = strlen(a->name);
  void *data = sx_arena_copy(arena, a->data, a->size);
  out->name = (sx_str){sx_arena_strdup(arena, a->name, len), len};
  bool ok = out->name.p && (data || !a->size);
  switch (a->type) {
    case ORT_OP_ATTR_INT: out->type = SX_ATTR_INT, out->has |= HAS(3), out->i = ok ? *(int64_t *)data : 0; break;
    case ORT_OP_ATTR_FLOAT: out->type = SX_ATTR_FLOAT, out->has |= HAS(2), out->f = ok ? *(float *)data : 0; break;
    case ORT_OP_ATTR_STRING: out->type = SX_ATTR_STRING, out->has |= HAS(4), out->s = (sx_str){data, a->count}; break;
    case ORT_OP_ATTR_INTS:
      out->type = SX_ATTR_INTS, out->ints.at = data, out->ints.n = (uint32_t)a->count, out->has |= HAS(8);
      break;
    case ORT_OP_ATTR_FLOATS:
      out->type = SX_ATTR_FLOATS, out->floats.at = data, out->floats.n = (uint32_t)a->count, out->has |= HAS(7);
      break;
    case ORT_OP_ATTR_STRINGS:
      out->type = SX_ATTR_STRINGS, out->has |= HAS(9), ok = ok && strings(a, arena, &out->strings);
      break;
    case ORT_OP_ATTR_TENSOR:
      out->type = SX_ATTR_TENSOR, out->has |= HAS(5);
      ok = ok && (out->t = SX_NEW(arena, sx_proto_tensor)) != NULL;
      if (ok) tensor_type(a->tensor, out->t), tensor_data(a->tensor, out->t);
      break;
    default:
      SX_API_FAIL(INVALID_ARGUMENT, "attribute '%s' has type %d, which a node of the model editor cannot have", a->name,
                  (int)a->type);
  }
  out->has |= HAS(1) | HAS(20);
  if (!ok) SX_API_NO_MEMORY();
  return NULL;
}

static bool value(const OrtValueInfo *v, sx_arena *a, sx_proto_value *out) {
  const OrtTensorTypeAndShapeInfo *s = v->type->tensor;
  sx_wire_init(&sx_proto_value_message, out);
  out->name = sx_str_c(v->name);
  if (!(out->type = SX_NEW(a, sx_proto_type))) return false;
  sx_wire_init(&sx_proto_type_message, out->type);
  out->type->has = HAS(SX_TYPE_TENSOR);
  sx_proto_type_tensor *t = &out->type->tensor;
  t->has = HAS(1), t->elem_type = (int32_t)sx_dtype_of(s->type);
  if (!s->has_shape) return true;
  t->has |= HAS(2);
  if (!(t->shape.dim.at = SX_NEW_N(a, sx_proto_dim, (size_t)s->rank + 1))) return false;
  t->shape.dim.n = s->rank;
  for (uint32_t i = 0; i < s->rank; i++) {
    sx_proto_dim *d = &t->shape.dim.at[i];
    d->denotation = SX_STR("");
    const char *name = i < s->named ? s->names[i] : NULL;
    if (s->dims[i] >= 0)
      d->has = HAS(1), d->value = s->dims[i];
    else if (name)
      d->has = HAS(2), d->param = sx_str_c(name);
  }
  return true;
}

static bool values(OrtValueInfo *const *from, uint32_t n, sx_arena *a, sx_proto_values *out) {
  if (!n) return true; /* what was there stays */
  if (!(out->at = SX_NEW_N(a, sx_proto_value, n))) return false;
  out->n = n;
  for (uint32_t i = 0; i < n; i++)
    if (!value(from[i], a, &out->at[i])) return false;
  return true;
}

/* A longer list with the old items in front. */
static void *extend(sx_arena *a, const void *old, uint32_t n, uint32_t more, size_t item) {
  char *p = sx_arena_array(a, (size_t)n + more + 1, item);
  if (p && n) memcpy(p, old, n * item);
  return p;
}

static bool merge_graph(const sx_editor_graph *m, sx_proto_graph *g, sx_arena *a) {
  uint32_t n = g->node.n, t = g->initializer.n;
  g->node.at = extend(a, g->node.at, n, m->nodes.n, sizeof *g->node.at);
  g->initializer.at = extend(a, g->initializer.at, t, m->initializers.n, sizeof *g->initializer.at);
  if (!g->node.at || !g->initializer.at) return false;
  for (uint32_t i = 0; i < m->nodes.n; i++) g->node.at[n + i] = m->nodes.at[i]->made->proto;
  for (uint32_t i = 0; i < m->initializers.n; i++) {
    sx_proto_tensor *x = &g->initializer.at[t + i];
    tensor_type(m->initializers.at[i].value, x);
    x->name = sx_str_c(m->initializers.at[i].name);
  }
  g->node.n = n + m->nodes.n, g->initializer.n = t + m->initializers.n;
  return values(m->inputs.at, m->inputs.n, a, &g->input) && values(m->outputs.at, m->outputs.n, a, &g->output);
}

static bool merge_opsets(const OrtModel *m, sx_proto_model *p, sx_arena *a) {
  uint32_t n = p->opset_import.n;
  p->opset_import.at = extend(a, p->opset_import.at, n, m->opsets.n, sizeof *p->opset_import.at);
  if (!p->opset_import.at) return false;
  for (uint32_t i = 0; i < m->opsets.n; i++) {
    bool known = false;
    for (uint32_t k = 0; k < n && !known; k++) known = sx_str_eq(p->opset_import.at[k].domain, m->opsets.at[i].domain);
    if (!known) p->opset_import.at[p->opset_import.n++] = m->opsets.at[i];
  }
  return true;
}

OrtStatus *sx_editor_write(const OrtModel *m, const sx_proto_model *base, sx_text *out) {
  sx_arena a = {0};
  sx_proto_model p;
  sx_proto_graph g;
  sx_wire_init(&sx_proto_model_message, &p);
  sx_wire_init(&sx_proto_graph_message, &g);
  if (base)
    p = *base;
  else
    p.ir_version = SX_EDITOR_IR_VERSION, p.has = HAS(1), g.name = SX_STR("ModelEditorGraph");
  if (base && base->graph) g = *base->graph;
  p.graph = &g;
  sx_err e;
  bool ok = merge_opsets(m, &p, &a) && merge_graph(m->graph->made, &g, &a);
  sx_status s = ok ? sx_proto_write_model(&p, out, &e) : SX_E_NO_MEMORY;
  if (s == SX_OK && out->failed) s = SX_E_NO_MEMORY;
  sx_arena_free(&a);
  return sx_ort_status(s, &e);
}

OrtStatus *sx_editor_give(const OrtModel *m, OrtSessionOptions *to) {
  const sx_editor_graph *g = m->graph->made;
  for (uint32_t i = 0; i < g->initializers.n; i++) {
    sx_named_value v = {sx_text_dup(g->initializers.at[i].name), g->initializers.at[i].value};
    if (!v.name || !sx_vec_push(&to->initializers, v)) {
      sx_text_drop(v.name);
      SX_API_NO_MEMORY();
    }
    sx_rt_ref(v.value);
  }
  return NULL;
}
