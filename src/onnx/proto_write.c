// SPDX-License-Identifier: MIT
/* The table-driven protobuf encoder.
 *
 * A message's length stands before its content. One walk computes the lengths of all nested messages in the order in which
 * the second walk, which writes, needs them: both are the same code, with and without an output. */
#include "onnx/proto_write.h"
#include <stdio.h>

enum { VARINT = 0, FIXED64 = 1, LEN = 2, FIXED32 = 5 };
static const size_t max_message = INT32_MAX;

typedef struct encoder {
  sx_text *out;          /* NULL in the walk that measures */
  SX_VEC(uint64_t) lens; /* of nested messages, in order of their start */
  uint32_t next;
  uint32_t depth;
  uint64_t n;            /* bytes so far */
  sx_err *e;
} encoder;

static void put(encoder *c, const void *p, size_t n) {
  c->n += n;
  if (c->out && n) sx_text_put(c->out, p, n);
}
static void put_varint(encoder *c, uint64_t v) {
  uint8_t b[10];
  size_t n = 0;
  for (; v >= 0x80; v >>= 7) b[n++] = (uint8_t)(v | 0x80);
  b[n++] = (uint8_t)v;
  put(c, b, n);
}
static void put_tag(encoder *c, uint32_t number, uint32_t type) { put_varint(c, number << 3 | type); }
static void put_bytes(encoder *c, uint32_t number, const void *p, size_t n) {
  put_tag(c, number, LEN);
  put_varint(c, n);
  put(c, p, n);
}

static sx_status put_message(encoder *c, const sx_wire_message *m, const uint8_t *in);

static sx_status put_nested(encoder *c, uint32_t number, const sx_wire_message *m, const void *in) {
  put_tag(c, number, LEN);
  if (c->out) {
    put_varint(c, c->lens.at[c->next++]);
    return put_message(c, m, in);
  }
  uint32_t slot = c->lens.n;
  uint64_t start = c->n;
  if (!sx_vec_push(&c->lens, 0)) SX_NO_MEMORY(c->e);
  SX_TRY(put_message(c, m, in));
  c->lens.at[slot] = c->n - start;
  put_varint(c, c->n - start);
  return SX_OK;
}

static sx_status put_list(encoder *c, uint32_t number, const sx_wire_field *f, const sx_wire_list *l) {
  for (uint32_t i = 0; i < l->n; i++) {
    switch (f->kind) {
      case SX_WIRE_INT64S:
        put_tag(c, number, VARINT);
        put_varint(c, ((const uint64_t *)l->at)[i]);
        break;
      case SX_WIRE_FLOATS:
        put_tag(c, number, FIXED32);
        put(c, (const float *)l->at + i, 4);
        break;
      case SX_WIRE_STRINGS: put_bytes(c, number, ((const sx_str *)l->at)[i].p, ((const sx_str *)l->at)[i].n); break;
      default: SX_TRY(put_nested(c, number, f->sub, (const uint8_t *)l->at + (size_t)i * f->sub->size)); break;
    }
  }
  return SX_OK;
}

/* `given`: the field's bit is set. */
static sx_status put_field(encoder *c, uint32_t number, const sx_wire_field *f, const uint8_t *at, bool given) {
  const sx_str *s = (const void *)at;
  const sx_wire_packed *k = (const void *)at;
  uint32_t bits;
  switch (f->kind) {
    case SX_WIRE_INT64:
    case SX_WIRE_INT32: {
      int64_t v = f->kind == SX_WIRE_INT64 ? *(const int64_t *)at : *(const int32_t *)at;
      if (!given && v == 0) return SX_OK;
      put_tag(c, number, VARINT);
      put_varint(c, (uint64_t)v);
      return SX_OK;
    }
    case SX_WIRE_FLOAT:
      memcpy(&bits, at, 4);
      if (!given && bits == 0) return SX_OK;
      put_tag(c, number, FIXED32);
      put(c, at, 4);
      return SX_OK;
    case SX_WIRE_STRING:
      if (given || s->n) put_bytes(c, number, s->p, s->n);
      return SX_OK;
    case SX_WIRE_MESSAGE: {
      const void *sub = *(void *const *)at;
      return sub ? put_nested(c, number, f->sub, sub) : SX_OK;
    }
    case SX_WIRE_INLINE: return given ? put_nested(c, number, f->sub, at) : SX_OK;
    case SX_WIRE_PACK_VARINT:
    case SX_WIRE_PACK_32:
    case SX_WIRE_PACK_64:
      if (k->n) put_bytes(c, number, k->p, k->n);
      return SX_OK;
    default: return put_list(c, number, f, (const void *)at);
  }
}

static sx_status put_message(encoder *c, const sx_wire_message *m, const uint8_t *in) {
  uint32_t has = *(const uint32_t *)in;
  if (c->depth == SX_WIRE_MAX_DEPTH) SX_FAIL(c->e, FAIL, "%s: messages are nested too deeply to be written", m->name);
  c->depth++;
  for (uint32_t i = 1; i < m->n_fields; i++) {
    const sx_wire_field *f = &m->fields[i];
    bool given = has >> i & 1;
    if (!f->kind || (f->oneof && !given)) continue;
    SX_TRY(put_field(c, i, f, in + f->offset, given));
  }
  c->depth--;
  return SX_OK;
}

sx_status sx_wire_encode(const sx_wire_message *m, const void *in, sx_text *out, sx_err *e) {
  encoder c = {.e = e};
  sx_status s = put_message(&c, m, in);
  if (s == SX_OK && c.n > max_message) {
    s = sx_fail(e, SX_E_FAIL, SX_HERE,
                "%s would take %llu bytes, more than protobuf's 2 GiB: put large tensors into external data", m->name,
                (unsigned long long)c.n);
  }
  if (s == SX_OK) {
    c.out = out;
    s = put_message(&c, m, in);
  }
  sx_vec_free(&c.lens);
  if (s == SX_OK && out->failed) SX_NO_MEMORY(e);
  return s;
}

/* Every graph within a message, the outer ones first. */
typedef sx_status (*graph_fn)(void *ctx, sx_proto_graph *g, sx_err *e);
static sx_status each_graph(const sx_wire_message *m, void *in, uint32_t depth, graph_fn fn, void *ctx, sx_err *e) {
  if (depth == SX_WIRE_MAX_DEPTH) SX_FAIL(e, FAIL, "%s: messages are nested too deeply", m->name);
  if (m == &sx_proto_graph_message) SX_TRY(fn(ctx, in, e));
  for (uint32_t i = 1; i < m->n_fields; i++) {
    const sx_wire_field *f = &m->fields[i];
    void *at = (uint8_t *)in + f->offset;
    bool leads = f->sub == &sx_proto_graph_message || f->sub == &sx_proto_node_message || f->sub == &sx_proto_attr_message ||
                 f->sub == &sx_proto_function_message;
    if (!leads || (f->oneof && !(*(uint32_t *)in >> i & 1))) continue;
    if (f->kind == SX_WIRE_MESSAGE) {
      if (*(void **)at) SX_TRY(each_graph(f->sub, *(void **)at, depth + 1, fn, ctx, e));
      continue;
    }
    const sx_wire_list *l = at;
    for (uint32_t k = 0; k < l->n; k++) {
      SX_TRY(each_graph(f->sub, (uint8_t *)l->at + (size_t)k * f->sub->size, depth + 1, fn, ctx, e));
    }
  }
  return SX_OK;
}

typedef struct mover {
  sx_str location;
  size_t least, align;
  sx_arena *a;
  sx_text *data;
} mover;

static bool set_pair(sx_arena *a, sx_proto_pair *p, const char *key, sx_str value) {
  char *copy = sx_arena_strdup(a, value.p, value.n);
  *p = (sx_proto_pair){0, sx_str_c(key), {copy, value.n}};
  return copy != NULL;
}

static sx_status move_tensor(const mover *v, sx_proto_tensor *t, const sx_proto_tensor_info *info, sx_err *e) {
  static const char zeros[4096];
  sx_proto_view view;
  char offset[24], length[24];
  sx_proto_pair *pairs = SX_NEW_N(v->a, sx_proto_pair, 3);
  if (!pairs) SX_NO_MEMORY(e);
  for (size_t pad = sx_round_up(v->data->n, v->align) - v->data->n, n; pad; pad -= n) {
    n = pad < sizeof zeros ? pad : sizeof zeros;
    sx_text_put(v->data, zeros, n);
    if (v->data->failed) SX_NO_MEMORY(e);
  }
  snprintf(offset, sizeof offset, "%zu", v->data->n);
  snprintf(length, sizeof length, "%zu", info->bytes);
  if (sx_proto_tensor_view(t, info, &view)) {
    sx_text_put(v->data, (const char *)view.data, info->bytes);
  } else {
    void *copy = sx_malloc(info->bytes);
    if (!copy) SX_NO_MEMORY(e);
    sx_status s = sx_proto_tensor_fill(t, info, copy, info->bytes, e);
    if (s == SX_OK) sx_text_put(v->data, copy, info->bytes);
    sx_free(copy, info->bytes);
    SX_TRY(s);
  }
  if (v->data->failed || !set_pair(v->a, &pairs[0], "location", v->location) ||
      !set_pair(v->a, &pairs[1], "offset", sx_str_c(offset)) || !set_pair(v->a, &pairs[2], "length", sx_str_c(length))) {
    SX_NO_MEMORY(e);
  }
  t->has &= ~(sx_proto_tensor_message.oneof_fields | 1u << SX_TENSOR_RAW_DATA | 1u);
  t->raw_data = SX_STR("");
  t->data = (sx_wire_packed){0};
  t->data_location = 1;
  t->external_data.at = pairs;
  t->external_data.n = t->external_data.cap = 3;
  return SX_OK;
}

static sx_status move_graph(void *ctx, sx_proto_graph *g, sx_err *e) {
  const mover *v = ctx;
  for (uint32_t i = 0; i < g->initializer.n; i++) {
    sx_proto_tensor *t = &g->initializer.at[i];
    sx_proto_tensor_info info;
    SX_TRY(sx_proto_tensor_check(t, &info, e));
    if (info.external || info.dtype == SX_STRING || info.packed != info.bytes || info.bytes < v->least || info.bytes == 0) continue;
    SX_TRY(move_tensor(v, t, &info, e));
  }
  return SX_OK;
}

sx_status sx_proto_move_external(sx_proto_model *model, sx_str location, size_t least, size_t align, sx_arena *a, sx_text *data,
                                 sx_err *e) {
  mover v = {location, least, align ? align : 1, a, data};
  return each_graph(&sx_proto_model_message, model, 0, move_graph, &v, e);
}
