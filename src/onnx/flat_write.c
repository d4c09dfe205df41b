// SPDX-License-Identifier: MIT
/* The builder of FlatBuffers, over the tables that read them.
 *
 * A table is written with its vtable in front and what it refers to behind it, so that every offset leads forward and is
 * put in when it is known. Readers check alignment: each thing begins at a multiple of its own size. */
#include "onnx/flat.h"
#include "base/str.h"

enum { VTABLE_SLOTS = 16, DATA_ALIGN = 16 };

static const char zeros[DATA_ALIGN] = {0};

/* The next position p, not before the end, with (p + before) a multiple of align. */
static size_t place(sx_text *out, size_t before, size_t align) {
  size_t gap = (align - (out->n + before) % align) % align;
  sx_text_put(out, zeros, gap);
  return out->n;
}
static void store(sx_text *out, size_t at, uint64_t v, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes && !out->failed; i++) out->p[at + i] = (char)(v >> 8 * i);
}
static void lead(sx_text *out, size_t at, size_t to) { store(out, at, to - at, 4); }
static void put32(sx_text *out, uint32_t v) {
  char b[4] = {(char)v, (char)(v >> 8), (char)(v >> 16), (char)(v >> 24)};
  sx_text_put(out, b, 4);
}
/* A vector of n little-endian items; the position of its length. */
static size_t vector(sx_text *out, const void *data, uint32_t n, size_t item, size_t align) {
  size_t at = place(out, 4, align);
  put32(out, n);
  if (n) sx_text_put(out, data, n * item);
  return at;
}
static size_t text(sx_text *out, sx_str s) {
  size_t at = vector(out, s.p, (uint32_t)s.n, 1, s.n >= 64 ? DATA_ALIGN : 4);
  sx_text_put(out, zeros, 1);
  return at;
}
/* A vector of n offsets, not yet put in. */
static size_t offsets(sx_text *out, uint32_t n) {
  size_t at = place(out, 4, 4);
  put32(out, n);
  for (uint32_t i = 0; i < n; i++) put32(out, 0);
  return at;
}
static size_t strings(sx_text *out, const sx_wire_list *l) {
  size_t at = offsets(out, l->n);
  for (uint32_t i = 0; i < l->n; i++) {
    size_t to = text(out, ((const sx_str *)l->at)[i]);
    lead(out, at + 4 + 4 * (size_t)i, to);
  }
  return at;
}

typedef struct slot {
  uint32_t bytes;
  bool offset;
  const sx_flat_field *field;
  const sx_flat_extra *extra;
  uint64_t number;
} slot;

static bool given(const sx_flat_field *f, const sx_wire_field *w, uint32_t has, const char *from) {
  if (f->when) return has >> f->number & 1u;
  switch (w->kind) {
    case SX_WIRE_STRING: return ((const sx_str *)from)->n || (has >> f->number & 1u);
    case SX_WIRE_MESSAGE: return *(void *const *)from != NULL;
    case SX_WIRE_INT64:
    case SX_WIRE_INT32:
    case SX_WIRE_FLOAT: return true;
    case SX_WIRE_INLINE: return has >> f->number & 1u;
    default: return f->always || ((const sx_wire_list *)from)->n;
  }
}
static void fill_slot(slot *s, const sx_flat_field *f, const sx_wire_field *w, const char *from) {
  *s = (slot){4, true, f, NULL, 0};
  if (f->number == SX_FLAT_SELF) return;
  bool wide = w->kind == SX_WIRE_INT64;
  if (!wide && w->kind != SX_WIRE_INT32 && w->kind != SX_WIRE_FLOAT) return;
  s->offset = false, s->bytes = wide ? 8 : 4;
  if (wide)
    s->number = (uint64_t) * (const int64_t *)from;
  else
    s->number = *(const uint32_t *)from;
}

/* What an offset leads to. */
static size_t target(sx_text *out, const slot *s, const sx_flat_table *t, const char *in) {
  if (s->extra) return s->extra->strings ? strings(out, s->extra->strings) : vector(out, s->extra->data, s->extra->n, 4, 4);
  const sx_flat_field *f = s->field;
  if (f->number == SX_FLAT_SELF) return sx_flat_write(f->of, in, 0, out);
  const sx_wire_field *w = &t->message->fields[f->number];
  const char *from = in + w->offset;
  const sx_wire_list *l = (const sx_wire_list *)from;
  switch (w->kind) {
    case SX_WIRE_STRING: return text(out, *(const sx_str *)from);
    case SX_WIRE_STRINGS: return strings(out, l);
    case SX_WIRE_INT64S: return vector(out, l->at, l->n, 8, 8);
    case SX_WIRE_FLOATS: return vector(out, l->at, l->n, 4, 4);
    case SX_WIRE_INLINE: return sx_flat_write(f->of, from, 0, out);
    case SX_WIRE_MESSAGE: return sx_flat_write(f->of, *(const void *const *)from, 0, out);
    default: break;
  }
  size_t at = offsets(out, l->n);
  for (uint32_t i = 0; i < l->n; i++) {
    size_t to = sx_flat_write(f->of, (const char *)l->at + (size_t)i * f->of->message->size, i, out);
    lead(out, at + 4 + 4 * (size_t)i, to);
  }
  return at;
}

size_t sx_flat_write(const sx_flat_table *t, const void *in, uint32_t index, sx_text *out) {
  slot slots[VTABLE_SLOTS] = {0};
  sx_flat_extra extra[SX_FLAT_EXTRAS] = {0};
  uint32_t has = *(const uint32_t *)in, n = 0, size = 4;
  for (uint32_t i = 0; i < t->n_fields; i++) {
    const sx_flat_field *f = &t->fields[i];
    const sx_wire_field *w = &t->message->fields[f->number];
    const char *from = (const char *)in + w->offset;
    if (f->number != SX_FLAT_SELF && !given(f, w, has, from)) continue;
    fill_slot(&slots[f->id], f, w, from);
    if (f->when && !slots[t->selector].bytes) slots[t->selector] = (slot){t->selector_bytes, false, f, NULL, f->when};
  }
  uint32_t extras = t->extra ? t->extra(in, index, extra) : 0;
  for (uint32_t i = 0; i < extras; i++) slots[extra[i].id] = (slot){4, !extra[i].is_number, NULL, &extra[i], extra[i].n};
  uint16_t offset[VTABLE_SLOTS] = {0};
  for (uint32_t id = 0; id < VTABLE_SLOTS; id++) {
    if (!slots[id].bytes) continue;
    size = (size + slots[id].bytes - 1) / slots[id].bytes * slots[id].bytes;
    offset[id] = (uint16_t)size, size += slots[id].bytes, n = id + 1;
  }
  size_t vtable = place(out, 4 + 2 * (size_t)n, 8);
  put32(out, (4 + 2 * n) | size << 16);
  for (uint32_t id = 0; id < n; id++) sx_text_put(out, (char[]){(char)offset[id], (char)(offset[id] >> 8)}, 2);
  size_t at = out->n;
  for (uint32_t k = 0; k < size; k++) sx_text_put(out, zeros, 1);
  store(out, at, at - vtable, 4);
  for (uint32_t id = 0; id < n; id++) {
    if (!slots[id].bytes) continue;
    if (!slots[id].offset) store(out, at + offset[id], slots[id].number, slots[id].bytes);
    if (!slots[id].offset) continue;
    size_t to = target(out, &slots[id], t, in);
    lead(out, at + offset[id], to);
  }
  return at;
}
