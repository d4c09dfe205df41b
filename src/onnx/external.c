// SPDX-License-Identifier: MIT
/* External data (external.h): the entries of a tensor, and the mapped files by location. */
#include "onnx/external.h"

static bool read_number(sx_str s, uint64_t *out) {
  uint64_t v = 0;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] < '0' || s.p[i] > '9') return false;
    if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v)) return false;
  }
  *out = v;
  return s.n > 0 && v <= INT64_MAX;
}

sx_status sx_external_read(const sx_proto_tensor *t, sx_external_info *out, sx_err *e) {
  *out = (sx_external_info){SX_STR(""), 0, 0, false};
  for (uint32_t i = 0; i < t->external_data.n; i++) {
    sx_str key = t->external_data.at[i].key, value = t->external_data.at[i].value;
    bool good = true;
    if (sx_str_is(key, "location")) out->location = value;
    else if (sx_str_is(key, "offset")) good = read_number(value, &out->offset);
    else if (sx_str_is(key, "length")) good = out->has_length = read_number(value, &out->length);
    else if (!sx_str_is(key, "checksum") && !(key.n >= 9 && memcmp(key.p, "prepacked", 9) == 0)) {
      SX_FAIL(e, FAIL, "tensor '%.*s': external data has an unknown key '%.*s'", SX_FMT(t->name), SX_FMT(key));
    }
    if (!good) {
      SX_FAIL(e, FAIL, "tensor '%.*s': the %.*s of its external data is '%.*s', not a number of bytes", SX_FMT(t->name),
              SX_FMT(key), SX_FMT(value));
    }
  }
  if (out->location.n == 0) SX_FAIL(e, FAIL, "tensor '%.*s': external data without a location", SX_FMT(t->name));
  return SX_OK;
}

static sx_status add_file(sx_external *x, sx_external_file f, uint32_t *index, sx_err *e) {
  char *copy = sx_arena_strdup(&x->arena, f.location.p, f.location.n);
  f.location.p = copy;
  *index = x->files.n;
  if (!copy || !sx_vec_push(&x->files, f)) SX_NO_MEMORY(e);
  if (sx_strmap_put(&x->by_location, f.location, *index)) return SX_OK;
  x->files.n--;
  SX_NO_MEMORY(e);
}

static sx_status map_location(sx_external *x, sx_str location, uint32_t *index, sx_err *e) {
  char *path;
  sx_external_file f = {location, {0}, true};
  SX_TRY(sx_path_inside(&x->arena, x->base ? x->base : "./", location, &path, e));
  SX_TRY(sx_map_file(path, &f.map, e));
  sx_status s = add_file(x, f, index, e);
  if (s != SX_OK) sx_unmap_file(&f.map);
  return s;
}

static sx_status find_file(sx_external *x, sx_str tensor, sx_str location, uint32_t *index, sx_err *e) {
  if (sx_strmap_get(&x->by_location, location, index)) return SX_OK;
  sx_status s = map_location(x, location, index, e);
  if (s == SX_OK) return SX_OK;
  if (s != SX_E_NO_MEMORY) s = SX_E_FAIL;
  if (e) e->code = s;
  sx_err_context(e, "tensor '%.*s': external data '%.*s'", SX_FMT(tensor), SX_FMT(location));
  return s;
}

sx_status sx_external_find(sx_external *x, const sx_proto_tensor *t, const sx_proto_tensor_info *info, sx_external_span *out,
                           sx_err *e) {
  sx_external_info where;
  SX_TRY(sx_external_read(t, &where, e));
  if (where.has_length && where.length != info->packed) {
    SX_FAIL(e, FAIL, "tensor '%.*s': its external data has a length of %llu bytes, its type and shape ask for %zu",
            SX_FMT(t->name), (unsigned long long)where.length, info->packed);
  }
  SX_TRY(find_file(x, t->name, where.location, &out->file, e));
  const sx_mapping *m = &x->files.at[out->file].map;
  if (where.offset > m->size || info->packed > m->size - where.offset) {
    SX_FAIL(e, FAIL, "tensor '%.*s': external data '%.*s' has %zu bytes, %zu are needed from byte %llu", SX_FMT(t->name),
            SX_FMT(where.location), m->size, info->packed, (unsigned long long)where.offset);
  }
  const uint8_t *p = m->data ? m->data + where.offset : (const uint8_t *)"";
  uintptr_t at = (uintptr_t)p | SX_ALIGN;
  out->offset = where.offset;
  out->view = (sx_proto_view){p, (uint32_t)(at & -at)};
  return SX_OK;
}

sx_status sx_external_add(sx_external *x, sx_str location, const void *data, size_t size, sx_err *e) {
  uint32_t index;
  if (sx_strmap_get(&x->by_location, location, &index)) {
    SX_FAIL(e, INVALID_ARGUMENT, "external data '%.*s' is given twice", SX_FMT(location));
  }
  return add_file(x, (sx_external_file){location, {data, size, {0}, false}, false}, &index, e);
}

void sx_external_free(sx_external *x) {
  for (uint32_t i = 0; i < x->files.n; i++) {
    if (x->files.at[i].owned) sx_unmap_file(&x->files.at[i].map);
  }
  sx_vec_free(&x->files);
  sx_strmap_free(&x->by_location);
  sx_arena_free(&x->arena);
  *x = (sx_external){x->base};
}
