// SPDX-License-Identifier: MIT
/* The table-driven protobuf decoder (wire.h).
 *
 * One loop reads a tag and stores its value by the kind of its field; a message pushes a frame on the explicit stack. A list
 * is sized at its first item by walking the rest of the message for that field, which skips over everything by its length;
 * only merged messages and members of a oneof given by turns grow by doubling, so memory stays linear whatever the order. */
#include "onnx/wire.h"
#include <stdio.h>

enum { VARINT = 0, FIXED64 = 1, LEN = 2, GROUP = 3, GROUP_END = 4, FIXED32 = 5 };
enum { MAX_GROUPS = 64, MAX_ITEMS = INT32_MAX };

typedef struct frame {
  const sx_wire_message *m;
  uint8_t *out;
  const uint8_t *p, *end;
} frame;
typedef struct decoder {
  const uint8_t *base;
  sx_arena *arena;
  sx_err *e;
  uint32_t depth;
  frame stack[SX_WIRE_MAX_DEPTH];
} decoder;
/* What one field carries: a number, or the bytes of a payload. */
typedef struct item {
  const uint8_t *at; /* of the tag */
  uint32_t number, type;
  uint64_t value;
  const uint8_t *p;
  size_t n;
} item;

/* Per kind: the wire type of one item, whether packed payloads are welcome too, and the size of an item in its list. */
static const struct { uint8_t type, packed, size; } kinds[SX_WIRE_KIND_COUNT] = {
    [SX_WIRE_INT64] = {VARINT, 0, 0},
    [SX_WIRE_INT32] = {VARINT, 0, 0},
    [SX_WIRE_FLOAT] = {FIXED32, 0, 0},
    [SX_WIRE_STRING] = {LEN, 0, 0},
    [SX_WIRE_MESSAGE] = {LEN, 0, 0},
    [SX_WIRE_INLINE] = {LEN, 0, 0},
    [SX_WIRE_INT64S] = {VARINT, 1, sizeof(int64_t)},
    [SX_WIRE_FLOATS] = {FIXED32, 1, sizeof(float)},
    [SX_WIRE_STRINGS] = {LEN, 0, sizeof(sx_str)},
    [SX_WIRE_MESSAGES] = {LEN, 0, 0},
    [SX_WIRE_PACK_VARINT] = {VARINT, 1, 1},
    [SX_WIRE_PACK_32] = {FIXED32, 1, 1},
    [SX_WIRE_PACK_64] = {FIXED64, 1, 1},
};
static const char *const type_names[8] = {"a varint",     "a 64-bit value", "a length-delimited value", "a group",
                                          "a group's end", "a 32-bit value", "wire type 6",              "wire type 7"};

bool sx_wire_varint(const uint8_t **p, const uint8_t *end, uint64_t *value) {
  const uint8_t *q = *p;
  uint64_t v = 0;
  for (uint32_t shift = 0; shift < 70 && q < end; shift += 7) {
    uint8_t b = *q++;
    v |= (uint64_t)(b & 0x7f) << shift;
    if (!(b & 0x80)) {
      *p = q;
      *value = v;
      return true;
    }
  }
  return false;
}

bool sx_wire_count_varints(const uint8_t *p, size_t size, size_t *count) {
  size_t n = 0, run = 0;
  for (size_t i = 0; i < size; i++) {
    run++;
    if (run > 10) return false;
    if (!(p[i] & 0x80)) n++, run = 0;
  }
  *count = n;
  return run == 0;
}

static void init_strings(const sx_wire_message *m, uint8_t *out) {
  for (uint32_t i = 1; i < m->n_fields; i++) {
    const sx_wire_field *f = &m->fields[i];
    if (f->oneof) continue;
    if (f->kind == SX_WIRE_STRING) ((sx_str *)(out + f->offset))->p = "";
    if (f->kind == SX_WIRE_INLINE) init_strings(f->sub, out + f->offset);
  }
}
void sx_wire_init(const sx_wire_message *m, void *out) {
  memset(out, 0, m->size);
  init_strings(m, out);
}

/* Most tags, lengths and numbers are one byte. */
static inline bool varint(const uint8_t **p, const uint8_t *end, uint64_t *value) {
  if (*p < end && **p < 0x80) {
    *value = *(*p)++;
    return true;
  }
  return sx_wire_varint(p, end, value);
}

/* Reads the tag at *p and its value. NULL, or what is wrong with it. */
static const char *read_item(const uint8_t **p, const uint8_t *end, item *it) {
  uint64_t tag;
  it->at = *p;
  it->number = 0;
  if (!varint(p, end, &tag) || tag > UINT32_MAX) return "the tag is cut short or too long";
  it->number = (uint32_t)(tag >> 3);
  it->type = tag & 7;
  if (it->number == 0) return "field number 0";
  switch (it->type) {
    case VARINT: return varint(p, end, &it->value) ? NULL : "the varint is cut short or longer than 10 bytes";
    case LEN:
      if (!varint(p, end, &it->value)) return "the length is cut short or longer than 10 bytes";
      if (it->value > (size_t)(end - *p)) return "the length runs past the end of the message";
      it->n = (size_t)it->value;
      break;
    case FIXED32:
    case FIXED64:
      it->n = it->type == FIXED32 ? 4 : 8;
      if (it->n > (size_t)(end - *p)) return "the value is cut short";
      break;
    case GROUP:
    case GROUP_END: return NULL;
    default: return "a wire type that does not exist";
  }
  it->p = *p;
  *p += it->n;
  return NULL;
}

/* Skips the groups that a start tag of field `number` opened. */
static const char *skip_group(const uint8_t **p, const uint8_t *end, uint32_t number) {
  uint32_t open[MAX_GROUPS], depth = 1;
  open[0] = number;
  while (depth) {
    item it;
    if (*p == end) return "the group is not closed";
    const char *wrong = read_item(p, end, &it);
    if (wrong) return wrong;
    if (it.type == GROUP) {
      if (depth == MAX_GROUPS) return "groups are nested too deeply";
      open[depth++] = it.number;
    } else if (it.type == GROUP_END && open[--depth] != it.number) {
      return "the group is closed by another field's number";
    }
  }
  return NULL;
}

static sx_status bad(const decoder *d, const sx_wire_message *m, const item *it, const char *what) {
  size_t at = (size_t)(it->at - d->base);
  const char *name = it->number < m->n_fields ? m->fields[it->number].name : NULL;
  if (name) SX_FAIL(d->e, INVALID_PROTOBUF, "%s.%s at byte %zu: %s", m->name, name, at, what);
  if (it->number) SX_FAIL(d->e, INVALID_PROTOBUF, "%s, unknown field %u at byte %zu: %s", m->name, it->number, at, what);
  SX_FAIL(d->e, INVALID_PROTOBUF, "%s at byte %zu: %s", m->name, at, what);
}

static sx_status push(decoder *d, const sx_wire_message *m, void *out, const item *it) {
  if (d->depth == SX_WIRE_MAX_DEPTH) return bad(d, m, it, "messages are nested too deeply");
  d->stack[d->depth++] = (frame){m, out, it->p, it->p + it->n};
  return SX_OK;
}

/* Whether the field may come with this wire type. */
static bool fits(const sx_wire_field *f, uint32_t type) {
  return type == kinds[f->kind].type || (type == LEN && kinds[f->kind].packed);
}

/* How many list items (of a packed kind: bytes) one occurrence of the field brings. */
static bool count_item(const sx_wire_field *f, const item *it, size_t *count) {
  bool bytes = f->kind >= SX_WIRE_PACK_VARINT;
  *count = 1;
  if (f->kind == SX_WIRE_MESSAGES || f->kind == SX_WIRE_STRINGS) return true;
  if (it->type == VARINT) {
    if (bytes) for (uint64_t v = it->value; v >= 0x80; v >>= 7) ++*count;
    return true;
  }
  if (kinds[f->kind].type == VARINT && !bytes) return sx_wire_count_varints(it->p, it->n, count);
  uint32_t width = kinds[f->kind].type == FIXED32 ? 4 : kinds[f->kind].type == FIXED64 ? 8 : 1;
  *count = bytes ? it->n : it->n / width;
  return it->n % width == 0;
}

/* Takes numbers of an unpacked list, tag by tag, as long as the tag at *p is `tag` and at most n; to NULL: only counts.
 * Stops before a number that is cut short. Lists of trees hold them by the million. */
static size_t take_run(const uint8_t **p, const uint8_t *end, uint8_t tag, size_t n, void *to) {
  size_t got = 0;
  uint64_t v;
  while (got < n && *p < end && **p == tag) {
    const uint8_t *q = *p + 1;
    if ((tag & 7) == FIXED32) {
      if (end - q < 4) break;
      if (to) memcpy((uint8_t *)to + 4 * got, q, 4);
      q += 4;
    } else {
      if (!varint(&q, end, &v)) break;
      if (to) ((uint64_t *)to)[got] = v;
    }
    *p = q;
    got++;
  }
  return got;
}
/* The tag byte of an unpacked number in a list, or 0 where there is no such run. */
static uint8_t run_tag(const sx_wire_field *f, const item *it) {
  bool number = (f->kind == SX_WIRE_INT64S || f->kind == SX_WIRE_FLOATS) && it->type == kinds[f->kind].type;
  return number && it->number < 16 ? (uint8_t)(it->number << 3 | it->type) : 0;
}

/* What the rest of the message brings of field `number`; stops at the first mistake, which the decoder will find again. */
static size_t count_rest(const frame *f, uint32_t number) {
  const sx_wire_field *field = &f->m->fields[number];
  const uint8_t *p = f->p;
  size_t total = 0, n;
  item it;
  while (p < f->end && !read_item(&p, f->end, &it)) {
    if (it.type == GROUP && skip_group(&p, f->end, it.number)) break;
    if (it.number != number) continue;
    if (!fits(field, it.type) || !count_item(field, &it, &n)) break;
    total += n;
    uint8_t tag = run_tag(field, &it);
    if (tag) total += take_run(&p, f->end, tag, SIZE_MAX, NULL);
  }
  return total;
}

/* Room for `need` more items after the n that are there; NULL: out of memory or too many. Returns the array. */
static void *reserve(decoder *d, const frame *f, uint32_t number, void *at, size_t n, size_t *cap, size_t need, size_t size) {
  size_t total, bytes;
  if (!sx_size_add(n, need, &total)) return NULL;
  if (total <= *cap) return at;
  bool by_turns = *(uint32_t *)f->out & 1;
  if (*cap == 0 && !by_turns) total += count_rest(f, number);
  else if (total < *cap * 2) total = *cap * 2;
  if (!sx_size_mul(total, size, &bytes)) return NULL;
  void *room = sx_arena_alloc(d->arena, bytes);
  if (!room) return NULL;
  if (n) memcpy(room, at, n * size);
  *cap = total;
  return room;
}

static sx_status store_list(decoder *d, frame *f, const sx_wire_field *field, const item *it) {
  sx_wire_list *l = (void *)(f->out + field->offset);
  size_t need, cap = l->cap, size = field->sub ? field->sub->size : kinds[field->kind].size;
  if (!count_item(field, it, &need)) return bad(d, f->m, it, "the packed payload is not a whole number of values");
  if (need == 0) return SX_OK;
  if (l->n + need > MAX_ITEMS) return bad(d, f->m, it, "too many values");
  void *at = reserve(d, f, it->number, l->at, l->n, &cap, need, size);
  if (!at) SX_NO_MEMORY(d->e);
  l->at = at;
  l->cap = cap > MAX_ITEMS ? MAX_ITEMS : (uint32_t)cap;
  uint8_t *to = (uint8_t *)at + l->n * size;
  l->n += (uint32_t)need;
  uint8_t tag = run_tag(field, it);
  if (tag) l->n += (uint32_t)take_run(&f->p, f->end, tag, l->cap - l->n, to + size);
  switch (field->kind) {
    case SX_WIRE_STRINGS: *(sx_str *)to = (sx_str){(const char *)it->p, it->n}; return SX_OK;
    case SX_WIRE_FLOATS: memcpy(to, it->p, it->n); return SX_OK;
    case SX_WIRE_INT64S:
      if (it->type == VARINT) {
        *(uint64_t *)to = it->value;
      } else {
        const uint8_t *p = it->p;
        for (size_t i = 0; i < need; i++) sx_wire_varint(&p, it->p + it->n, (uint64_t *)to + i);
      }
      return SX_OK;
    default: /* MESSAGES */
      init_strings(field->sub, to);
      return push(d, field->sub, to, it);
  }
}

/* A payload that comes in one piece stays where it is; pieces and single values are joined in the arena. */
static sx_status store_packed(decoder *d, frame *f, const sx_wire_field *field, const item *it) {
  sx_wire_packed *k = (void *)(f->out + field->offset);
  size_t need;
  if (!count_item(field, it, &need)) return bad(d, f->m, it, "the packed payload is not a whole number of values");
  if (need == 0) return SX_OK;
  if (k->n == 0 && it->type == LEN) {
    *k = (sx_wire_packed){it->p, it->n, 0};
    return SX_OK;
  }
  uint8_t *at = reserve(d, f, it->number, (void *)k->p, k->n, &k->cap, need, 1);
  if (!at) SX_NO_MEMORY(d->e);
  k->p = at;
  if (it->type != VARINT) {
    memcpy(at + k->n, it->p, it->n);
  } else {
    uint64_t v = it->value;
    for (size_t i = 0; i < need; i++, v >>= 7) at[k->n + i] = (uint8_t)((v & 0x7f) | (i + 1 < need ? 0x80 : 0));
  }
  k->n += need;
  return SX_OK;
}

/* A oneof's members share their place: it is cleared when it changes hands. */
static void claim_oneof(const sx_wire_message *m, uint8_t *out, uint32_t number) {
  uint32_t *has = (uint32_t *)out, others = *has & m->oneof_fields & ~(1u << number);
  if (!others) return;
  memset(out + m->oneof_offset, 0, m->oneof_size);
  *has = (*has & ~others) | 1;
}

static sx_status store_message(decoder *d, frame *f, const sx_wire_field *field, const item *it, bool first) {
  void *to = f->out + field->offset;
  if (field->kind == SX_WIRE_MESSAGE) {
    void **at = to;
    if (!*at && !(*at = sx_arena_alloc(d->arena, field->sub->size))) SX_NO_MEMORY(d->e);
    to = *at;
  }
  if (first) init_strings(field->sub, to);
  return push(d, field->sub, to, it);
}

static sx_status store(decoder *d, frame *f, const item *it) {
  const sx_wire_field *field = &f->m->fields[it->number];
  uint8_t *to = f->out + field->offset;
  uint32_t *has = (uint32_t *)f->out;
  if (!fits(field, it->type)) {
    char what[96];
    snprintf(what, sizeof what, "%s where %s is expected", type_names[it->type], type_names[kinds[field->kind].type]);
    return bad(d, f->m, it, what);
  }
  if (field->oneof) claim_oneof(f->m, f->out, it->number);
  bool first = !(*has & 1u << it->number);
  *has |= 1u << it->number;
  switch (field->kind) {
    case SX_WIRE_INT64: *(uint64_t *)to = it->value; return SX_OK;
    case SX_WIRE_INT32: *(uint32_t *)to = (uint32_t)it->value; return SX_OK;
    case SX_WIRE_FLOAT: memcpy(to, it->p, 4); return SX_OK;
    case SX_WIRE_STRING: *(sx_str *)to = (sx_str){(const char *)it->p, it->n}; return SX_OK;
    case SX_WIRE_MESSAGE:
    case SX_WIRE_INLINE: return store_message(d, f, field, it, first);
    case SX_WIRE_PACK_VARINT:
    case SX_WIRE_PACK_32:
    case SX_WIRE_PACK_64: return store_packed(d, f, field, it);
    default: return store_list(d, f, field, it);
  }
}

static sx_status run(decoder *d) {
  while (d->depth) {
    frame *f = &d->stack[d->depth - 1];
    item it;
    if (f->p == f->end) {
      if (f->m->finish) f->m->finish(f->out);
      d->depth--;
      continue;
    }
    const char *wrong = read_item(&f->p, f->end, &it);
    if (wrong) return bad(d, f->m, &it, wrong);
    if (it.type == GROUP_END) return bad(d, f->m, &it, "a group ends that was never opened");
    if (it.number < f->m->n_fields && f->m->fields[it.number].kind) {
      SX_TRY(store(d, f, &it));
    } else if (it.type == GROUP && (wrong = skip_group(&f->p, f->end, it.number))) {
      return bad(d, f->m, &it, wrong);
    }
  }
  return SX_OK;
}

sx_status sx_wire_decode(const sx_wire_message *m, const void *data, size_t size, sx_arena *arena, void *out, sx_err *e) {
  if (!data && size) SX_FAIL(e, INVALID_ARGUMENT, "%s: no bytes", m->name);
  decoder *d = sx_malloc(sizeof *d);
  if (!d) SX_NO_MEMORY(e);
  const uint8_t *p = data ? data : (const uint8_t *)"";
  d->base = p;
  d->arena = arena;
  d->e = e;
  d->depth = 1;
  d->stack[0] = (frame){m, out, p, p + size};
  sx_wire_init(m, out);
  sx_status s = run(d);
  sx_free(d, sizeof *d);
  return s;
}
