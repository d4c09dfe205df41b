// SPDX-License-Identifier: MIT
/* Values to .pb: messages are built back to front in nested buffers, small enough data for that to be cheap. */
#include "cli.h"
#include "files.h"
#include <stdlib.h>
#include <string.h>

typedef struct buffer {
  uint8_t *data;
  size_t size, capacity;
} buffer;

static void put(buffer *b, const void *data, size_t size) {
  if (size > b->capacity - b->size) {
    while (size > b->capacity - b->size) b->capacity = b->capacity ? 2 * b->capacity : 256;
    b->data = cli_grow(b->data, b->capacity, 1);
  }
  if (size) memcpy(b->data + b->size, data, size);
  b->size += size;
}

static void put_varint(buffer *b, uint64_t v) {
  uint8_t bytes[10];
  size_t n = 0;
  do bytes[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
  while (v >>= 7);
  put(b, bytes, n);
}

static void put_int(buffer *b, int number, uint64_t v) {
  put_varint(b, (uint64_t)number << 3);
  put_varint(b, v);
}

static void put_bytes(buffer *b, int number, const void *data, size_t size) {
  put_varint(b, (uint64_t)number << 3 | 2);
  put_varint(b, size);
  put(b, data, size);
}

static void put_value(buffer *b, const value *v);

static void put_message(buffer *b, int number, const value *v) {
  buffer inner = {0};
  put_value(&inner, v);
  put_bytes(b, number, inner.data, inner.size);
  free(inner.data);
}

static void put_tensor(buffer *b, const value *v) {
  size_t bytes = 0;
  for (size_t i = 0; i < v->rank; i++) put_int(b, 1, (uint64_t)v->dims[i]);
  put_int(b, 2, (uint64_t)v->type->onnx);
  for (size_t i = 0; v->strings && i < v->count; i++) put_bytes(b, 6, v->strings[i], strlen(v->strings[i]));
  if (v->name) put_bytes(b, 8, v->name, strlen(v->name));
  if (v->data && dtype_bytes(v->type, v->count, &bytes)) /* of six-bit floats, raw data would be packed; as varints a byte is a byte */
    put_bytes(b, dtype_is_six_bits(v->type) ? 5 : 9, v->data, bytes);
}

/* Field of SequenceProto and OptionalProto that holds a value of this kind; DataType of their elem_type is 2 less. */
static int member_number(const value *v) {
  return v->kind == VALUE_TENSOR ? 3 : v->kind == VALUE_SEQUENCE ? 5 : v->kind == VALUE_MAP ? 6 : 7;
}

static void put_list(buffer *b, const value *v) {
  int number = v->num_items ? member_number(v->items[0]) : 3;
  if (v->name) put_bytes(b, 1, v->name, strlen(v->name));
  put_int(b, 2, (uint64_t)number - 2);
  for (size_t i = 0; i < v->num_items; i++) put_message(b, number, v->items[i]);
}

static void put_map(buffer *b, const value *v) {
  const value *keys = v->items[0], *values = v->items[1];
  if (v->name) put_bytes(b, 1, v->name, strlen(v->name));
  put_int(b, 2, (uint64_t)keys->type->onnx);
  for (size_t i = 0; i < keys->count; i++) {
    if (keys->strings)
      put_bytes(b, 4, keys->strings[i], strlen(keys->strings[i]));
    else
      put_int(b, 3, (uint64_t)dtype_get_int(keys->type, keys->data, i));
  }
  value *list = value_list(VALUE_SEQUENCE);
  for (size_t i = 0; values->kind == VALUE_TENSOR && i < values->count; i++) {
    value *item = value_tensor(values->type, 0, NULL);
    if (values->strings)
      value_set_string(item, 0, values->strings[i], strlen(values->strings[i]));
    else
      memcpy(item->data, (char *)values->data + i * (size_t)values->type->bits / 8, (size_t)values->type->bits / 8);
    value_append(list, item);
  }
  put_message(b, 5, values->kind == VALUE_TENSOR ? list : values);
  value_free(list);
}

static void put_value(buffer *b, const value *v) {
  if (v->kind == VALUE_TENSOR) put_tensor(b, v);
  if (v->kind == VALUE_SEQUENCE) put_list(b, v);
  if (v->kind == VALUE_MAP) put_map(b, v);
}

bool pb_write(const char *path, const value *v) {
  buffer b = {0};
  put_value(&b, v);
  bool ok = file_write(path, b.data, b.size);
  free(b.data);
  return ok;
}
