// SPDX-License-Identifier: MIT
/* The protobuf wire format, driven by tables.
 *
 * A message is a static table indexed by field number: what the field is on the wire and where it goes in a plain struct.
 * One decoder walks every message. It copies no bytes: strings and packed payloads point into the caller's input, repeated
 * messages are arrays in the caller's arena, sized by a counting walk over their parent. Nesting is bounded and kept on an
 * explicit stack, so a hostile file cannot exhaust the thread's; time and memory are linear in the input.
 *
 * Every struct starts with `uint32_t has`: bit k is set when field number k was on the wire. Bit 0 says that a oneof had more
 * than one member, the last of which was kept. Field numbers are below 31; bit 31 belongs to the messages' own checks. */
#ifndef SX_ONNX_WIRE_H
#define SX_ONNX_WIRE_H
#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"

/* A repeated field: `n` items in an arena. `cap` is the decoder's; a builder may leave it 0. */
#define SX_WIRE_LIST(T) struct { T *at; uint32_t n, cap; }
typedef SX_WIRE_LIST(void) sx_wire_list;
/* A repeated scalar left as its packed payload: `n` bytes at p. cap 0: they are the input's. */
typedef struct sx_wire_packed { const uint8_t *p; size_t n, cap; } sx_wire_packed;

typedef enum sx_wire_kind {
  SX_WIRE_UNKNOWN,     /* not in the table: skipped */
  SX_WIRE_INT64,       /* varint -> int64_t */
  SX_WIRE_INT32,       /* varint -> int32_t (the low 32 bits) */
  SX_WIRE_FLOAT,       /* fixed32 -> float */
  SX_WIRE_STRING,      /* bytes -> sx_str */
  SX_WIRE_MESSAGE,     /* -> pointer to a struct in the arena */
  SX_WIRE_INLINE,      /* -> a struct within the struct */
  SX_WIRE_INT64S,      /* repeated varint, packed or not -> list of int64_t */
  SX_WIRE_FLOATS,      /* repeated fixed32 -> list of float */
  SX_WIRE_STRINGS,     /* -> list of sx_str */
  SX_WIRE_MESSAGES,    /* -> list of structs */
  SX_WIRE_PACK_VARINT, /* repeated scalars -> sx_wire_packed */
  SX_WIRE_PACK_32,
  SX_WIRE_PACK_64,
  SX_WIRE_KIND_COUNT
} sx_wire_kind;

typedef struct sx_wire_message sx_wire_message;
typedef struct sx_wire_field {
  uint8_t kind;               /* sx_wire_kind */
  bool oneof;                 /* shares its place with the other oneof fields of the message: the last one wins */
  uint16_t offset;
  const char *name;
  const sx_wire_message *sub; /* of MESSAGE, INLINE, MESSAGES */
} sx_wire_field;
struct sx_wire_message {
  const char *name;
  uint32_t size;              /* of the struct */
  uint32_t n_fields;          /* highest field number + 1 */
  uint32_t oneof_fields;      /* bits of the fields marked oneof */
  uint16_t oneof_offset, oneof_size; /* the place that they share */
  const sx_wire_field *fields;
  void (*finish)(void *m);    /* NULL, or: called when a struct is complete; again after a merge */
};

enum { SX_WIRE_MAX_DEPTH = 512 }; /* of nested messages: about 170 nested If nodes */

/* Decodes `size` bytes as `m` into *out (m->size bytes, which need not be initialised). The result points into `data` and `arena`.
 * INVALID_PROTOBUF names message, field and byte offset; NO_MEMORY. On failure the arena holds what was made so far. */
sx_status sx_wire_decode(const sx_wire_message *m, const void *data, size_t size, sx_arena *arena, void *out, sx_err *e);

/* Reads one varint at *p, before end; advances *p. False: cut short or longer than 10 bytes. */
bool sx_wire_varint(const uint8_t **p, const uint8_t *end, uint64_t *value);
/* How many varints the payload holds; false when it is not a whole number of valid ones. */
bool sx_wire_count_varints(const uint8_t *p, size_t size, size_t *count);

/* Sets a struct that a builder will fill: zeroes, and every string "". */
void sx_wire_init(const sx_wire_message *m, void *out);
#endif
