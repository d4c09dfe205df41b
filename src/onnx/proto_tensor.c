// SPDX-License-Identifier: MIT
/* What a TensorProto holds: checked once, then read in place where the file has it as memory does, or written out element by
 * element.
 *
 * Per element type one row says which typed field holds it and in entries of how many bytes; sub-byte types are packed bytes
 * in both forms. raw_data, where given, wins over typed fields, as in ONNX Runtime, whose status for a bad tensor is FAIL. */
#include "onnx/proto.h"

typedef struct home { uint8_t field, width; } home; /* of the typed data: field number, bytes per entry */
static const home homes[SX_DTYPE_COUNT] = {
    [SX_F32] = {SX_TENSOR_FLOAT_DATA, 4},       [SX_C64] = {SX_TENSOR_FLOAT_DATA, 4},
    [SX_F64] = {SX_TENSOR_DOUBLE_DATA, 8},      [SX_C128] = {SX_TENSOR_DOUBLE_DATA, 8},
    [SX_I64] = {SX_TENSOR_INT64_DATA, 8},       [SX_U64] = {SX_TENSOR_UINT64_DATA, 8},
    [SX_U32] = {SX_TENSOR_UINT64_DATA, 4},      [SX_I32] = {SX_TENSOR_INT32_DATA, 4},
    [SX_U16] = {SX_TENSOR_INT32_DATA, 2},       [SX_I16] = {SX_TENSOR_INT32_DATA, 2},
    [SX_F16] = {SX_TENSOR_INT32_DATA, 2},       [SX_BF16] = {SX_TENSOR_INT32_DATA, 2},
    [SX_U8] = {SX_TENSOR_INT32_DATA, 1},        [SX_I8] = {SX_TENSOR_INT32_DATA, 1},
    [SX_BOOL] = {SX_TENSOR_INT32_DATA, 1},      [SX_F8E4M3FN] = {SX_TENSOR_INT32_DATA, 1},
    [SX_F8E4M3FNUZ] = {SX_TENSOR_INT32_DATA, 1}, [SX_F8E5M2] = {SX_TENSOR_INT32_DATA, 1},
    [SX_F8E5M2FNUZ] = {SX_TENSOR_INT32_DATA, 1}, [SX_F8E8M0] = {SX_TENSOR_INT32_DATA, 1},
    [SX_F4E2M1] = {SX_TENSOR_INT32_DATA, 1},    [SX_U4] = {SX_TENSOR_INT32_DATA, 1},
    [SX_I4] = {SX_TENSOR_INT32_DATA, 1},        [SX_U2] = {SX_TENSOR_INT32_DATA, 1},
    [SX_I2] = {SX_TENSOR_INT32_DATA, 1},        [SX_F6E2M3] = {SX_TENSOR_INT32_DATA, 1},
    [SX_F6E3M2] = {SX_TENSOR_INT32_DATA, 1},    [SX_STRING] = {SX_TENSOR_STRING_DATA, sizeof(sx_str)},
};

static bool six_bits(const sx_proto_tensor_info *info) { return info->dtype == SX_F6E2M3 || info->dtype == SX_F6E3M2; }

static uint32_t given_fields(const sx_proto_tensor *t) {
  uint32_t given = t->has & sx_proto_tensor_message.oneof_fields;
  return t->string_data.n ? given | 1u << SX_TENSOR_STRING_DATA : given;
}

static sx_status count_elements(const sx_proto_tensor *t, int64_t *count, sx_err *e) {
  int64_t n = 1;
  bool empty = false;
  for (uint32_t i = 0; i < t->dims.n; i++) {
    int64_t d = t->dims.at[i];
    if (d < 0) SX_FAIL(e, FAIL, "tensor '%.*s': dimension %u is %lld", SX_FMT(t->name), i, (long long)d);
    if (d == 0) empty = true;
    else if (!sx_i64_mul(n, d, &n)) SX_FAIL(e, FAIL, "tensor '%.*s': the product of its dimensions overflows", SX_FMT(t->name));
  }
  *count = empty ? 0 : n;
  return SX_OK;
}

/* Typed data: the right field, alone, with as many entries as the shape asks for. */
static sx_status check_typed(const sx_proto_tensor *t, const sx_proto_tensor_info *info, sx_err *e) {
  home h = homes[info->dtype];
  uint32_t given = given_fields(t), wanted = 1u << h.field;
  const char *type = sx_dtype_name(info->dtype), *field = sx_proto_tensor_message.fields[h.field].name;
  size_t entries = 0, expected = info->bytes / h.width;
  if ((t->has & 1) || (given & (given - 1))) {
    SX_FAIL(e, FAIL, "tensor '%.*s' has more than one data field", SX_FMT(t->name));
  }
  if (given & ~wanted) {
    SX_FAIL(e, FAIL, "tensor '%.*s' of type %s: its elements are in %s, expected in %s or raw_data", SX_FMT(t->name), type,
            sx_proto_tensor_message.fields[__builtin_ctz(given)].name, field);
  }
  if (h.field == SX_TENSOR_STRING_DATA) {
    entries = t->string_data.n;
  } else if (h.field == SX_TENSOR_FLOAT_DATA || h.field == SX_TENSOR_DOUBLE_DATA) {
    entries = t->data.n / h.width;
  } else if (!sx_wire_count_varints(t->data.p, t->data.n, &entries)) {
    SX_FAIL(e, FAIL, "tensor '%.*s': %s is not a whole number of varints", SX_FMT(t->name), field);
  }
  if (entries != expected) {
    SX_FAIL(e, FAIL, "tensor '%.*s' of type %s: %s has %zu entries, its shape asks for %zu", SX_FMT(t->name), type, field,
            entries, expected);
  }
  return SX_OK;
}

sx_status sx_proto_tensor_check(const sx_proto_tensor *t, sx_proto_tensor_info *info, sx_err *e) {
  *info = (sx_proto_tensor_info){0};
  if (t->data_type <= 0 || t->data_type >= SX_DTYPE_COUNT || !homes[t->data_type].width) {
    SX_FAIL(e, FAIL, "tensor '%.*s' has element type %d, which this version does not know", SX_FMT(t->name), t->data_type);
  }
  info->dtype = (sx_dtype)t->data_type;
  SX_TRY(count_elements(t, &info->count, e));
  if (!sx_dtype_bytes(info->dtype, info->count, &info->bytes)) {
    SX_FAIL(e, FAIL, "tensor '%.*s': its size in bytes overflows", SX_FMT(t->name));
  }
  info->packed = six_bits(info) ? info->bytes - info->bytes / 4 : info->bytes;
  bool raw = SX_PROTO_HAS(t, SX_TENSOR_RAW_DATA);
  if (t->data_location == 1) {
    info->external = true;
    if (info->dtype == SX_STRING) SX_FAIL(e, FAIL, "tensor '%.*s': strings cannot be external data", SX_FMT(t->name));
    if (raw || given_fields(t)) {
      SX_FAIL(e, FAIL, "tensor '%.*s' has both external data and data of its own", SX_FMT(t->name));
    }
    return SX_OK;
  }
  if (!raw) return check_typed(t, info, e);
  if (info->dtype == SX_STRING) SX_FAIL(e, FAIL, "tensor '%.*s': strings cannot be in raw_data", SX_FMT(t->name));
  if (t->raw_data.n != info->packed) {
    SX_FAIL(e, FAIL, "tensor '%.*s' of type %s: raw_data has %zu bytes, its shape asks for %zu", SX_FMT(t->name),
            sx_dtype_name(info->dtype), t->raw_data.n, info->packed);
  }
  return SX_OK;
}

bool sx_proto_tensor_view(const sx_proto_tensor *t, const sx_proto_tensor_info *info, sx_proto_view *view) {
  uint8_t field = homes[info->dtype].field;
  const uint8_t *p;
  if (info->external || six_bits(info)) return false;
  if (SX_PROTO_HAS(t, SX_TENSOR_RAW_DATA)) p = (const uint8_t *)t->raw_data.p;
  else if (field == SX_TENSOR_FLOAT_DATA || field == SX_TENSOR_DOUBLE_DATA) p = t->data.p;
  else return false;
  if (info->bytes == 0) p = (const uint8_t *)"";
  uintptr_t at = (uintptr_t)p | SX_ALIGN;
  *view = (sx_proto_view){p, (uint32_t)(at & -at)};
  return true;
}

void sx_proto_unpack6(uint8_t *dst, const uint8_t *src, size_t n) {
  for (size_t i = 0; i < n; i++) {
    size_t at = i * 6 / 8, shift = i * 6 % 8;
    uint32_t two = src[at] | (shift > 2 ? (uint32_t)src[at + 1] << 8 : 0);
    dst[i] = two >> shift & 63;
  }
}

static void fill_varints(const sx_wire_packed *data, sx_dtype type, uint32_t width, uint8_t *dst, size_t entries) {
  const uint8_t *p = data->p, *end = data->p + data->n;
  uint64_t v;
  for (size_t i = 0; i < entries && sx_wire_varint(&p, end, &v); i++, dst += width) {
    if (type == SX_BOOL) v = v != 0;
    if (type == SX_F6E2M3 || type == SX_F6E3M2) v &= 63;
    switch (width) {
      case 1: *dst = (uint8_t)v; break;
      case 2: *(uint16_t *)dst = (uint16_t)v; break;
      case 4: *(uint32_t *)dst = (uint32_t)v; break;
      default: *(uint64_t *)dst = v; break;
    }
  }
}

sx_status sx_proto_tensor_fill(const sx_proto_tensor *t, const sx_proto_tensor_info *info, void *dst, size_t bytes, sx_err *e) {
  home h = homes[info->dtype];
  sx_proto_view view;
  if (bytes != info->bytes) {
    SX_FAIL(e, INVALID_ARGUMENT, "tensor '%.*s': room for %zu bytes given, %zu needed", SX_FMT(t->name), bytes, info->bytes);
  }
  if (info->external) SX_FAIL(e, FAIL, "tensor '%.*s': its elements are in another file", SX_FMT(t->name));
  if (bytes == 0) return SX_OK;
  if (sx_proto_tensor_view(t, info, &view)) memcpy(dst, view.data, bytes);
  else if (info->dtype == SX_STRING) memcpy(dst, t->string_data.at, bytes);
  else if (SX_PROTO_HAS(t, SX_TENSOR_RAW_DATA)) sx_proto_unpack6(dst, (const uint8_t *)t->raw_data.p, bytes);
  else fill_varints(&t->data, info->dtype, h.width, dst, bytes / h.width);
  return SX_OK;
}
