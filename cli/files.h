// SPDX-License-Identifier: MIT
/* Values in files: NumPy's .npy and .npz, ONNX's .pb (TensorProto, SequenceProto, MapProto, OptionalProto).
 * Readers return fresh values, or NULL with a recorded failure that names the file. */
#ifndef CLI_FILES_H
#define CLI_FILES_H
#include "value.h"

/* What a .pb holds is not written in it: the caller must know. `optional` wraps either in an OptionalProto. */
typedef struct pb_form {
  ONNXType type; /* TENSOR, SEQUENCE or MAP */
  bool optional;
} pb_form;

value *npy_read(const char *path, const dtype *raw_as); /* raw_as: what elements of NumPy's void type are; may be NULL */
bool npy_write(const char *path, const value *v);
/* All members (key NULL) as a sequence of named tensors, or one. */
value *npz_read(const char *path, const char *key, const dtype *raw_as);
bool npz_write(const char *path, value *const *values, size_t count);
value *pb_read(const char *path, pb_form form);
bool pb_write(const char *path, const value *v);

/* The .npy form of a tensor in memory; fresh bytes. */
uint8_t *npy_encode(const value *v, size_t *size);
value *npy_decode(const uint8_t *data, size_t size, const dtype *raw_as);

/* Protocol buffers' wire form, for pb.c and for looking into a model file. */
typedef struct pb_cursor {
  const uint8_t *at, *end;
} pb_cursor;
typedef struct pb_field {
  uint32_t number;
  int wire;        /* 0 varint, 1 64 bits, 2 bytes, 5 32 bits */
  uint64_t value;  /* of wire types 0, 1 and 5 */
  pb_cursor bytes; /* of wire type 2 */
} pb_field;
/* The next field; false at the end, and with c->at set to NULL when the bytes are malformed. */
bool pb_next(pb_cursor *c, pb_field *f);
bool pb_varint(pb_cursor *c, uint64_t *v);

bool file_ends_with(const char *path, const char *ending);
bool file_write(const char *path, const void *data, size_t size);
/* The lines of a text file without their ends; NULL and a recorded failure when it cannot be read. */
char **file_lines(const char *path, size_t *count);
#endif
