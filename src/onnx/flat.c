// SPDX-License-Identifier: MIT
/* The reader of FlatBuffers. A field of a table is found through the table's vtable, and holds a number or the distance to
 * what it refers to; vectors and strings begin with their length. All numbers are little-endian and may lie at any address.
 */
#include "onnx/flat.h"

#define BROKEN(r, what) SX_FAIL((r)->e, FAIL, "the ORT format model is damaged or cut short: " what)

static uint16_t u16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t u32(const uint8_t *p) { return u16(p) | (uint32_t)u16(p + 2) << 16; }
static uint64_t u64(const uint8_t *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

static sx_status view(sx_flat_reader *r, size_t at, sx_flat_view *v) {
  if (at > r->size || r->size - at < 4) BROKEN(r, "a table lies outside");
  int64_t vtable = (int64_t)at - (int32_t)u32(r->p + at);
  if (vtable < 0 || vtable > (int64_t)r->size - 4) BROKEN(r, "the description of a table lies outside");
  *v = (sx_flat_view){at, (size_t)vtable, u16(r->p + vtable + 2), u16(r->p + vtable)};
  if (v->vtable_bytes < 4 || v->vtable_bytes > r->size - v->vtable || v->bytes < 4 || v->bytes > r->size - at)
    BROKEN(r, "a table is longer than the file");
  return SX_OK;
}

/* Where a field's `bytes` bytes lie; 0: it is absent. */
static sx_status find(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, uint32_t bytes, size_t *at) {
  uint32_t slot = 4 + 2 * id, offset = slot + 2 <= v->vtable_bytes ? u16(r->p + v->vtable + slot) : 0;
  *at = offset ? v->at + offset : 0;
  if (offset && (offset < 4 || offset > v->bytes || v->bytes - offset < bytes)) BROKEN(r, "a field lies outside its table");
  return SX_OK;
}
/* What the offset at `at` leads to; at least four bytes lie there. */
static sx_status follow(sx_flat_reader *r, size_t at, size_t *to) {
  uint32_t offset = u32(r->p + at);
  if (offset > r->size - at || r->size - at - offset < 4) BROKEN(r, "an offset leads outside");
  *to = at + offset;
  return SX_OK;
}
/* The vector at `at`, of items of `item` bytes. */
static sx_status vector(sx_flat_reader *r, size_t at, size_t item, size_t *first, uint32_t *n) {
  size_t to;
  SX_TRY(follow(r, at, &to));
  *n = u32(r->p + to), *first = to + 4;
  if (*n > (r->size - *first) / item) BROKEN(r, "a list is longer than the file");
  return SX_OK;
}
static sx_status spend(sx_flat_reader *r, size_t n, size_t item) {
  if (n > r->budget / item) BROKEN(r, "it refers to the same data too often");
  r->budget -= n * item;
  return SX_OK;
}
static sx_status text(sx_flat_reader *r, size_t at, sx_str *out) {
  size_t first;
  uint32_t n;
  SX_TRY(vector(r, at, 1, &first, &n));
  SX_TRY(spend(r, n, 1)); /* who reads on copies it */
  *out = (sx_str){(const char *)r->p + first, n};
  return SX_OK;
}

sx_status sx_flat_make(sx_flat_reader *r, size_t n, size_t item, void **out) {
  SX_TRY(spend(r, n, item));
  if (!(*out = sx_arena_array(r->arena, n ? n : 1, item))) SX_NO_MEMORY(r->e);
  memset(*out, 0, n * item);
  return SX_OK;
}

sx_status sx_flat_open(sx_flat_reader *r, const void *data, size_t size, sx_arena *arena, sx_flat_view *root, sx_err *e) {
  enum {
    GROWTH = 128
  }; /* our structs and the texts in them take less than so many times what stands for them in the file */
  *r = (sx_flat_reader){data, size, arena, size > SIZE_MAX / GROWTH ? SIZE_MAX : size * GROWTH, e};
  size_t at;
  if (size < 8) BROKEN(r, "it has no root");
  SX_TRY(follow(r, 0, &at));
  return view(r, at, root);
}
sx_status sx_flat_child(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, sx_flat_view *child, bool *found) {
  size_t at;
  SX_TRY(find(r, v, id, 4, &at));
  *found = at != 0;
  if (!at) return SX_OK;
  SX_TRY(follow(r, at, &at));
  return view(r, at, child);
}
static int64_t number(const uint8_t *p, uint32_t bytes) {
  return bytes == 8 ? (int64_t)u64(p) : bytes == 4 ? (int32_t)u32(p) : (int8_t)*p;
}
sx_status sx_flat_number(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, uint32_t bytes, int64_t absent,
                         int64_t *out) {
  size_t at;
  SX_TRY(find(r, v, id, bytes, &at));
  *out = at ? number(r->p + at, bytes) : absent;
  return SX_OK;
}
sx_status sx_flat_string(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, sx_str *out, bool *found) {
  size_t at;
  SX_TRY(find(r, v, id, 4, &at));
  *found = at != 0, *out = SX_STR("");
  return at ? text(r, at, out) : SX_OK;
}

static sx_status strings(sx_flat_reader *r, size_t at, sx_wire_list *out) {
  size_t first;
  uint32_t n;
  SX_TRY(vector(r, at, 4, &first, &n));
  SX_TRY(sx_flat_make(r, n, sizeof(sx_str), &out->at));
  for (out->n = 0; out->n < n; out->n++) SX_TRY(text(r, first + 4 * (size_t)out->n, (sx_str *)out->at + out->n));
  return SX_OK;
}
sx_status sx_flat_strings(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, void *out) {
  size_t at;
  SX_TRY(find(r, v, id, 4, &at));
  return at ? strings(r, at, out) : SX_OK;
}

static sx_status numbers(sx_flat_reader *r, size_t at, uint32_t bytes, sx_wire_list *out) {
  size_t first;
  uint32_t n;
  SX_TRY(vector(r, at, bytes, &first, &n));
  SX_TRY(sx_flat_make(r, n, bytes, &out->at));
  for (out->n = 0; out->n < n; out->n++) {
    const uint8_t *p = r->p + first + (size_t)bytes * out->n;
    if (bytes == 8)
      ((int64_t *)out->at)[out->n] = (int64_t)u64(p);
    else
      ((uint32_t *)out->at)[out->n] = u32(p);
  }
  return SX_OK;
}

static sx_status read_at(sx_flat_reader *r, const sx_flat_table *t, const sx_flat_view *v, void *out, int depth);
/* The table that the offset at `at` leads to. */
static sx_status table(sx_flat_reader *r, const sx_flat_table *t, size_t at, void *out, int depth) {
  sx_flat_view v;
  SX_TRY(follow(r, at, &at));
  SX_TRY(view(r, at, &v));
  return read_at(r, t, &v, out, depth + 1);
}
static sx_status tables(sx_flat_reader *r, const sx_flat_table *t, size_t at, sx_wire_list *out, int depth) {
  size_t first;
  uint32_t n;
  SX_TRY(vector(r, at, 4, &first, &n));
  SX_TRY(sx_flat_make(r, n, t->message->size, &out->at));
  for (; out->n < n; out->n++) {
    char *x = (char *)out->at + (size_t)out->n * t->message->size;
    sx_wire_init(t->message, x);
    SX_TRY(table(r, t, first + 4 * (size_t)out->n, x, depth));
  }
  return SX_OK;
}

static sx_status read_field(sx_flat_reader *r, const sx_flat_field *f, const sx_wire_field *w, size_t at, char *to,
                            int depth) {
  switch (w->kind) {
    case SX_WIRE_INT64: *(int64_t *)to = (int64_t)u64(r->p + at); return SX_OK;
    case SX_WIRE_INT32: *(int32_t *)to = (int32_t)u32(r->p + at); return SX_OK;
    case SX_WIRE_FLOAT: memcpy(to, &(uint32_t){u32(r->p + at)}, 4); return SX_OK;
    case SX_WIRE_STRING: return text(r, at, (sx_str *)to);
    case SX_WIRE_STRINGS: return strings(r, at, (sx_wire_list *)to);
    case SX_WIRE_INT64S: return numbers(r, at, 8, (sx_wire_list *)to);
    case SX_WIRE_FLOATS: return numbers(r, at, 4, (sx_wire_list *)to);
    case SX_WIRE_MESSAGES: return tables(r, f->of, at, (sx_wire_list *)to, depth);
    case SX_WIRE_INLINE: sx_wire_init(f->of->message, to); return table(r, f->of, at, to, depth);
    default: {
      void *made;
      SX_TRY(sx_flat_make(r, 1, f->of->message->size, &made));
      sx_wire_init(f->of->message, made);
      memcpy(to, &made, sizeof made);
      return table(r, f->of, at, made, depth);
    }
  }
}

static uint32_t width(uint8_t kind) { return kind == SX_WIRE_INT64 ? 8 : 4; }
static bool scalar(uint8_t kind) { return kind == SX_WIRE_INT64 || kind == SX_WIRE_INT32 || kind == SX_WIRE_FLOAT; }

static sx_status read_at(sx_flat_reader *r, const sx_flat_table *t, const sx_flat_view *v, void *out, int depth) {
  int64_t choice = 0;
  if (depth > SX_FLAT_MAX_DEPTH) SX_FAIL(r->e, FAIL, "the ORT format model nests more than %d deep", SX_FLAT_MAX_DEPTH);
  if (t->selector_bytes) SX_TRY(sx_flat_number(r, v, t->selector, t->selector_bytes, 0, &choice));
  for (uint32_t i = 0; i < t->n_fields; i++) {
    const sx_flat_field *f = &t->fields[i];
    const sx_wire_field *w = &t->message->fields[f->number];
    size_t at;
    if (f->when && f->when != choice) continue;
    SX_TRY(find(r, v, f->id, f->number == SX_FLAT_SELF ? 4 : width(w->kind), &at));
    if (f->number == SX_FLAT_SELF) {
      if (at) SX_TRY(table(r, f->of, at, out, depth));
      continue;
    }
    if (at || scalar(w->kind)) *(uint32_t *)out |= 1u << f->number; /* a number that is 0 is not written */
    if (at) SX_TRY(read_field(r, f, w, at, (char *)out + w->offset, depth));
  }
  return t->finish ? t->finish(r, v, out) : SX_OK;
}
sx_status sx_flat_read(sx_flat_reader *r, const sx_flat_table *t, const sx_flat_view *v, void *out) {
  sx_wire_init(t->message, out);
  return read_at(r, t, v, out, 0);
}
