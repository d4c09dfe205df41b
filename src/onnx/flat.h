// SPDX-License-Identifier: MIT
/* FlatBuffers, read into the structs of proto.h and written from them.
 *
 * A table of the format is described by where its fields go: the number of the field of the ONNX message that means the
 * same. That message's own table (wire.h) then says of what kind it is and where it lies, so one reader does for both
 * formats, and nothing behind it sees which of them the file had. Strings and bytes point into the input. No offset is
 * believed: each is checked against the input, tables nest at most SX_FLAT_MAX_DEPTH deep, and since two offsets may lead
 * to the same table, what is made is limited to a multiple of the input. */
#ifndef SX_ONNX_FLAT_H
#define SX_ONNX_FLAT_H
#include "base/str.h"
#include "onnx/wire.h"

enum { SX_FLAT_MAX_DEPTH = 400, SX_FLAT_SELF = 0 };

typedef struct sx_flat_table sx_flat_table;
typedef struct sx_flat_reader {
  const uint8_t *p;
  size_t size;
  sx_arena *arena;
  size_t budget; /* bytes that may still be made or referred to */
  sx_err *e;
} sx_flat_reader;
/* A table in the input: its fields, and the vtable that says where they are. All 0: a table without fields. */
typedef struct sx_flat_view {
  size_t at, vtable;
  uint32_t bytes, vtable_bytes;
} sx_flat_view;

typedef struct sx_flat_field {
  uint8_t id;              /* in the FlatBuffers table */
  uint8_t number;          /* in the message; SX_FLAT_SELF: a table whose fields go into the same struct */
  uint8_t when;            /* read only where the table's selector is this; 0: always */
  bool always;             /* a list that is written although it is empty */
  const sx_flat_table *of; /* of tables */
} sx_flat_field;
/* A field that no message has: a number, or a vector of n 32-bit integers or of strings. */
typedef struct sx_flat_extra {
  uint8_t id;
  bool is_number;
  uint32_t n; /* or the number */
  const void *data;
  const sx_wire_list *strings;
} sx_flat_extra;
enum { SX_FLAT_EXTRAS = 3 };
struct sx_flat_table {
  const sx_wire_message *message;
  const sx_flat_field *fields;
  uint8_t n_fields, selector, selector_bytes; /* selector: the id of the field that says which member of a oneof is meant */
  sx_status (*finish)(sx_flat_reader *r, const sx_flat_view *v, void *out); /* may be NULL */
  /* For the writer: gives the extra fields of the struct, which is the index-th of its list, and says how many. May be
   * NULL. */
  uint32_t (*extra)(const void *in, uint32_t index, sx_flat_extra *x);
};

/* Begins with the root table. */
sx_status sx_flat_open(sx_flat_reader *r, const void *data, size_t size, sx_arena *arena, sx_flat_view *root, sx_err *e);
/* The table, number or string of a field; `absent`: the number where it is not there. */
sx_status sx_flat_child(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, sx_flat_view *child, bool *found);
sx_status sx_flat_number(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, uint32_t bytes, int64_t absent,
                         int64_t *out);
sx_status sx_flat_string(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, sx_str *out, bool *found);
/* A vector of strings in the arena, as an SX_WIRE_LIST(sx_str). */
sx_status sx_flat_strings(sx_flat_reader *r, const sx_flat_view *v, uint32_t id, void *out);
/* n structs of `item` bytes, zeroed, out of the budget. */
sx_status sx_flat_make(sx_flat_reader *r, size_t n, size_t item, void **out);
/* Reads a table into the struct of its message. */
sx_status sx_flat_read(sx_flat_reader *r, const sx_flat_table *t, const sx_flat_view *v, void *out);

/* Appends the struct `in`, the index-th of its list, and all that it refers to; where its table lies. out->n is a position
 * in the file. The caller limits the size: offsets have 31 bits. */
size_t sx_flat_write(const sx_flat_table *t, const void *in, uint32_t index, sx_text *out);
#endif
