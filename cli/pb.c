// SPDX-License-Identifier: MIT
/* ONNX's test-data files: a bounded reader and a small writer of TensorProto and the protos around it. Data goes by
 * element bytes, so one loop serves every numeric type and every typed field. */
#include "cli.h"
#include "files.h"
#include "os.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 16 };

bool pb_varint(pb_cursor *c, uint64_t *v) {
  *v = 0;
  for (int shift = 0; shift < 64 && c->at < c->end; shift += 7) {
    uint8_t b = *c->at++;
    *v |= (uint64_t)(b & 0x7f) << shift;
    if (!(b & 0x80)) return true;
  }
  c->at = NULL;
  return false;
}

bool pb_next(pb_cursor *c, pb_field *f) {
  uint64_t key, length;
  if (!c->at || c->at >= c->end || !pb_varint(c, &key)) return false;
  f->number = (uint32_t)(key >> 3), f->wire = (int)(key & 7), f->value = 0, f->bytes.at = f->bytes.end = NULL;
  size_t fixed = f->wire == 1 ? 8 : f->wire == 5 ? 4 : 0;
  if (f->wire == 0) return pb_varint(c, &f->value);
  if (f->wire == 2) {
    if (!pb_varint(c, &length)) return false;
    if (length <= (size_t)(c->end - c->at)) {
      f->bytes.at = c->at, f->bytes.end = c->at + length;
      c->at += length;
      return true;
    }
  } else if (fixed && (size_t)(c->end - c->at) >= fixed) {
    memcpy(&f->value, c->at, fixed);
    c->at += fixed;
    return true;
  }
  c->at = NULL;
  return false;
}

static value *malformed(const char *what) {
  cli_fail(CLI_BROKEN, "%s", what);
  return NULL;
}

/* Appends one dimension, or a packed run of them. */
static bool read_dims(const pb_field *f, int64_t **dims, size_t *rank) {
  pb_cursor packed = f->bytes;
  uint64_t d = f->value;
  if (f->wire != 0 && f->wire != 2) return false;
  while (f->wire == 0 || packed.at < packed.end) {
    if (f->wire == 2 && !pb_varint(&packed, &d)) return false;
    *dims = cli_grow(*dims, *rank + 1, sizeof **dims);
    (*dims)[(*rank)++] = (int64_t)d;
    if (f->wire == 0) break;
  }
  return true;
}

enum { FLOAT_DATA = 4, INT32_DATA = 5, STRING_DATA = 6, INT64_DATA = 7, RAW_DATA = 9, DOUBLE_DATA = 10, UINT64_DATA = 11 };

/* Four six-bit codes lie in three bytes, low bits first. */
static void unpack6(uint8_t *out, const uint8_t *in, size_t n) {
  for (size_t i = 0; i < n; i++) {
    size_t at = i * 6 / 8, shift = i * 6 % 8;
    out[i] = (in[at] | (shift > 2 ? (unsigned)in[at + 1] << 8 : 0)) >> shift & 63;
  }
}

/* Puts a typed field's content at byte *at of the tensor; what is too much is dropped and *at passes the end. */
static bool read_typed(const pb_field *f, value *v, size_t bytes, size_t *at) {
  pb_cursor c = f->bytes;
  if (f->number == STRING_DATA) {
    if (f->wire != 2) return false;
    if (v->strings && *at < v->count) value_set_string(v, *at, (const char *)c.at, (size_t)(c.end - c.at));
    ++*at;
    return v->strings != NULL;
  }
  if (!v->data) return false;
  size_t width = f->number == RAW_DATA ? 1 : v->type->bits < 8 ? 1 : (size_t)v->type->bits / 8;
  bool fixed = f->number == FLOAT_DATA || f->number == DOUBLE_DATA;
  if (fixed) width = f->number == FLOAT_DATA ? 4 : 8;
  if (f->wire == 2 && f->number == RAW_DATA && dtype_is_six_bits(v->type)) {
    if ((size_t)(c.end - c.at) != bytes - bytes / 4) return false;
    unpack6(v->data, c.at, bytes);
    *at += bytes;
    return true;
  }
  if (f->wire == 2 && (fixed || f->number == RAW_DATA)) {
    size_t n = (size_t)(c.end - c.at);
    if (*at <= bytes && n <= bytes - *at) memcpy((char *)v->data + *at, c.at, n);
    *at += n;
    return true;
  }
  uint64_t x = f->value;
  if (width > sizeof x) return false;
  while (f->wire != 2 || c.at < c.end) {
    if (f->wire == 2 && !pb_varint(&c, &x)) return false;
    if (*at <= bytes && width <= bytes - *at) memcpy((char *)v->data + *at, &x, width);
    *at += width;
    if (f->wire != 2) break;
  }
  return true;
}

static value *read_tensor(pb_cursor in) {
  int64_t *dims = NULL;
  size_t rank = 0, at = 0, bytes = 0, count;
  uint64_t onnx = 0, location = 0;
  char *name = NULL;
  pb_field f;
  bool ok = true;
  for (pb_cursor c = in; ok && pb_next(&c, &f);) {
    if (f.number == 1) ok = read_dims(&f, &dims, &rank);
    if (f.number == 2) onnx = f.value;
    if (f.number == 14) location = f.value;
    if (f.number == 8 && f.wire == 2 && !name)
      name = cli_copy((const char *)f.bytes.at, (size_t)(f.bytes.end - f.bytes.at));
  }
  const dtype *type = dtype_of_onnx(onnx <= 1000 ? (int)onnx : 0);
  value *v = NULL;
  if (location) {
    malformed("the tensor's data is external, which a test-data file must not have");
  } else if (!type) {
    cli_fail(CLI_BROKEN, "not a TensorProto with a known element type (%llu)", (unsigned long long)onnx);
  } else if (value_count(rank, dims, &count) && count / 4 > (size_t)(in.end - in.at)) {
    malformed("a tensor with less data than its shape wants"); /* before memory is asked for */
  } else {
    v = value_tensor(type, rank, dims);
  }
  free(dims);
  if (!v) return free(name), NULL;
  v->name = name;
  if (v->data) dtype_bytes(type, v->count, &bytes);
  ok = true;
  pb_cursor c = in;
  while (ok && pb_next(&c, &f))
    if ((f.number >= FLOAT_DATA && f.number <= INT64_DATA) || (f.number >= RAW_DATA && f.number <= UINT64_DATA))
      ok = read_typed(&f, v, bytes, &at);
  if (ok && c.at && at == (v->data ? bytes : v->count)) return v;
  cli_fail(CLI_BROKEN, "a %s tensor of %zu elements has data of the wrong kind or length", type->name, v->count);
  value_free(v);
  return NULL;
}

static value *read_list(pb_cursor in, int depth);
static value *read_map(pb_cursor in, int depth);
static value *read_optional(pb_cursor in, int depth);

/* A tensor's or list's field among those of SequenceProto and OptionalProto, which number them alike. */
static value *read_member(const pb_field *f, int depth) {
  switch (f->number) {
    case 3: return read_tensor(f->bytes);
    case 4: return malformed("sparse tensors are not supported");
    case 5: return read_list(f->bytes, depth + 1);
    case 6: return read_map(f->bytes, depth + 1);
    default: return read_optional(f->bytes, depth + 1);
  }
}

static char *read_name(const pb_field *f) {
  return cli_copy((const char *)f->bytes.at, (size_t)(f->bytes.end - f->bytes.at));
}

static value *read_list(pb_cursor c, int depth) {
  if (depth > MAX_DEPTH) return malformed("nested too deeply");
  value *list = value_list(VALUE_SEQUENCE);
  for (pb_field f; pb_next(&c, &f);) {
    if (f.wire != 2) continue;
    if (f.number == 1 && !list->name) list->name = read_name(&f);
    if (f.number < 3 || f.number > 7) continue;
    value *item = read_member(&f, depth);
    if (!item) return value_free(list), NULL;
    value_append(list, item);
  }
  if (c.at) return list;
  value_free(list);
  return malformed("not a SequenceProto");
}

static value *read_optional(pb_cursor c, int depth) {
  if (depth > MAX_DEPTH) return malformed("nested too deeply");
  value *v = NULL;
  char *name = NULL;
  for (pb_field f; pb_next(&c, &f);) {
    if (f.number == 1 && f.wire == 2 && !name) name = read_name(&f);
    if (v || f.wire != 2 || f.number < 3 || f.number > 7) continue;
    if (!(v = read_member(&f, depth))) return free(name), NULL;
  }
  if (!c.at) return value_free(v), free(name), malformed("not an OptionalProto");
  if (!v) v = value_list(VALUE_NONE);
  free(v->name);
  v->name = name;
  return v;
}

/* A sequence of scalars of one type as a one-dimensional tensor, which is how the C ABI takes a map's values. */
static value *flatten(value *list) {
  const value *first = list->num_items ? list->items[0] : NULL;
  for (size_t i = 0; i < list->num_items; i++)
    if (list->items[i]->kind != VALUE_TENSOR || list->items[i]->count != 1 || list->items[i]->type != first->type)
      return list;
  int64_t n = (int64_t)list->num_items;
  value *v = first ? value_tensor(first->type, 1, &n) : NULL;
  for (size_t i = 0; v && i < list->num_items; i++) {
    const value *item = list->items[i];
    if (v->strings)
      value_set_string(v, i, item->strings[0], strlen(item->strings[0]));
    else
      memcpy((char *)v->data + i * (size_t)v->type->bits / 8, item->data, (size_t)v->type->bits / 8);
  }
  if (!v) return list;
  value_free(list);
  return v;
}

static value *read_map(pb_cursor in, int depth) {
  if (depth > MAX_DEPTH) return malformed("nested too deeply");
  int64_t n = 0, at = 0;
  pb_field f;
  uint64_t key_type = 7, x;
  char *name = NULL;
  value *values = NULL, *map = NULL;
  for (pb_cursor c = in; pb_next(&c, &f);) {
    if (f.number == 1 && f.wire == 2 && !name) name = read_name(&f);
    if (f.number == 2) key_type = f.value;
    if (f.number == 4 || (f.number == 3 && f.wire == 0)) n++;
    for (pb_cursor k = f.bytes; f.number == 3 && f.wire == 2 && k.at && k.at < k.end; n++) pb_varint(&k, &x);
    if (f.number == 5 && !values && !(values = read_list(f.bytes, depth + 1))) return free(name), NULL;
  }
  const dtype *type = dtype_of_onnx(key_type <= 1000 ? (int)key_type : 0);
  value *keys = type ? value_tensor(type, 1, &n) : malformed("not a MapProto with a known key type");
  if (!keys || !values) return value_free(keys), value_free(values), free(name), malformed("a MapProto without values");
  bool ok = true;
  for (pb_cursor c = in; ok && pb_next(&c, &f);) {
    if (f.number == 4 && f.wire == 2) {
      ok = keys->strings != NULL;
      if (ok) value_set_string(keys, (size_t)at++, (const char *)f.bytes.at, (size_t)(f.bytes.end - f.bytes.at));
    } else if (f.number == 3 && f.wire == 0) {
      if ((ok = keys->data != NULL)) dtype_set_int(type, keys->data, (size_t)at++, (int64_t)f.value);
    } else if (f.number == 3) {
      for (pb_cursor k = f.bytes; (ok = keys->data != NULL) && k.at && k.at < k.end && pb_varint(&k, &x);)
        dtype_set_int(type, keys->data, (size_t)at++, (int64_t)x);
    }
  }
  map = value_list(VALUE_MAP);
  map->name = name;
  value_append(map, keys);
  value_append(map, flatten(values));
  if (ok) return map;
  value_free(map);
  return malformed("a MapProto's keys do not have its key type");
}

value *pb_read(const char *path, pb_form form) {
  pb_cursor c = {0};
  const uint8_t *data;
  size_t size;
  if (!os_map(path, &data, &size)) return cli_fail(CLI_BROKEN, "%s: cannot be read", path), NULL;
  c.at = data, c.end = data + size;
  value *v = form.optional                     ? read_optional(c, 0)
             : form.type == ONNX_TYPE_SEQUENCE ? read_list(c, 0)
             : form.type == ONNX_TYPE_MAP      ? read_map(c, 0)
                                               : read_tensor(c);
  os_unmap(data, size);
  if (!v) cli_fail_context("%s", path);
  return v;
}
