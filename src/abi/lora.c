// SPDX-License-Identifier: MIT
/* LoRA adapters: files of named tensors that a run takes as inputs. The format is a flatbuffer: every offset is held
 * against the file before it is followed, and tensors lie where the file has them. */
#include "abi/lora.h"

typedef struct reader {
  const uint8_t *p;
  size_t n;
} reader;
enum { FORMAT_VERSION = 1 };

static bool u32(const reader *r, size_t at, uint32_t *out) {
  if (at > r->n || r->n - at < 4) return false;
  *out = (uint32_t)r->p[at] | (uint32_t)r->p[at + 1] << 8 | (uint32_t)r->p[at + 2] << 16 | (uint32_t)r->p[at + 3] << 24;
  return true;
}

static bool u16(const reader *r, size_t at, uint32_t *out) {
  if (at > r->n || r->n - at < 2) return false;
  *out = (uint32_t)r->p[at] | (uint32_t)r->p[at + 1] << 8;
  return true;
}

/* Where field `k` of the table at `table` lies; 0: it is left out. False: the table leaves the file. */
static bool field(const reader *r, size_t table, uint32_t k, size_t *out) {
  uint32_t back, size, at = 0;
  *out = 0;
  if (!u32(r, table, &back)) return false;
  int64_t vtable = (int64_t)table - (int32_t)back;
  if (vtable < 0 || !u16(r, (size_t)vtable, &size)) return false;
  if (4 + 2 * k + 2 > size) return true;
  if (!u16(r, (size_t)vtable + 4 + 2 * k, &at)) return false;
  if (at) *out = table + at;
  return true;
}

/* What the field refers to: a table, a vector or a string. False: there is none. */
static bool follow(const reader *r, size_t table, uint32_t k, size_t *out) {
  size_t at;
  uint32_t offset;
  if (!field(r, table, k, &at) || !at || !u32(r, at, &offset)) return false;
  *out = at + offset;
  return *out <= r->n;
}

/* A vector of `item` bytes each, whole within the file. */
static bool vector(const reader *r, size_t table, uint32_t k, size_t item, size_t *at, uint32_t *n) {
  if (!follow(r, table, k, at) || !u32(r, *at, n)) return false;
  *at += 4;
  return *n <= (r->n - *at) / item;
}

void ORT_API_CALL sx_api_ReleaseLoraAdapter(OrtLoraAdapter *input) {
  if (!input) return;
  for (uint32_t i = 0; i < input->values.n; i++) sx_rt_unref(input->values.at[i].value);
  sx_vec_free(&input->values);
  sx_arena_free(&input->arena);
  if (!input->borrowed) sx_unmap_file(&input->map);
  sx_free(input, sizeof *input);
}

static sx_status parameter(OrtLoraAdapter *a, const reader *r, size_t table, sx_err *e) {
  size_t name, dims, type, data;
  uint32_t n_name, rank, dtype = 0, n_data;
  int64_t d[8];
  if (!vector(r, table, 0, 1, &name, &n_name) || !vector(r, table, 1, 8, &dims, &rank) || !field(r, table, 2, &type) ||
      (type && !u32(r, type, &dtype)) || !vector(r, table, 3, 1, &data, &n_data))
    SX_FAIL(e, FAIL, "a parameter of the adapter lacks its name, dimensions or data, or leaves the file");
  if (rank > 8 || dtype == SX_UNDEFINED || dtype == SX_STRING || dtype > SX_F8E5M2FNUZ)
    SX_FAIL(e, FAIL, "parameter '%.*s' has rank %u and type %u: expected at most 8 dimensions and a type of numbers",
            (int)n_name, (const char *)r->p + name, rank, dtype);
  memcpy(d, r->p + dims, rank * sizeof *d);
  sx_adapter_value v = {.name = sx_arena_strdup(&a->arena, (const char *)r->p + name, n_name)};
  void *bytes = (void *)(r->p + data);
  if (v.name && (uintptr_t)bytes % 16) { /* kernels want aligned elements */
    void *copy = sx_arena_aligned(&a->arena, (size_t)n_data + 1, 64);
    bytes = copy ? memcpy(copy, bytes, n_data) : NULL;
  }
  if (!v.name || !bytes) SX_NO_MEMORY(e);
  if (sx_rt_tensor_wrap((sx_dtype)dtype, rank, d, bytes, n_data, &sx_memory_cpu, NULL, NULL, &v.value, e) != SX_OK)
    SX_FAIL(e, FAIL, "parameter '%s' is not as large as its dimensions say", v.name);
  if (sx_vec_push(&a->values, v)) return SX_OK;
  sx_rt_unref(v.value);
  SX_NO_MEMORY(e);
}

static sx_status parse(OrtLoraAdapter *a, sx_err *e) {
  reader r = {a->map.data, a->map.size};
  uint32_t root, version = 0, n;
  size_t at, list;
  if (r.n < 8 || memcmp(r.p + 4, "TORT", 4) != 0 || !u32(&r, 0, &root))
    SX_FAIL(e, FAIL, "no file of LoRA adapters: the identifier TORT is missing");
  if (!field(&r, root, 0, &at) || (at && !u32(&r, at, &version))) SX_FAIL(e, FAIL, "the adapter's file is damaged");
  if (version != FORMAT_VERSION)
    SX_FAIL(e, FAIL, "the adapter has format version %u, expected %d", version, FORMAT_VERSION);
  if (!vector(&r, root, 3, 4, &list, &n)) SX_FAIL(e, FAIL, "the adapter has no parameters, or they leave the file");
  for (uint32_t i = 0; i < n; i++) {
    uint32_t offset;
    size_t entry = list + 4 * (size_t)i;
    if (!u32(&r, entry, &offset)) SX_FAIL(e, FAIL, "the adapter's file is damaged");
    SX_TRY(parameter(a, &r, entry + offset, e));
  }
  return SX_OK;
}

static OrtStatus *finish(OrtLoraAdapter *a, OrtAllocator *allocator, OrtLoraAdapter **out) {
  sx_err e = {0};
  if (allocator && !sx_memory_is_host(sx_memory_of(allocator->Info(allocator)))) {
    sx_api_ReleaseLoraAdapter(a);
    SX_API_FAIL(FAIL, "the adapter's parameters cannot be copied to the allocator's device: no provider moves data there");
  }
  sx_status s = parse(a, &e);
  if (s == SX_OK)
    *out = a;
  else
    sx_api_ReleaseLoraAdapter(a);
  return sx_ort_status(s, &e);
}

OrtStatus *ORT_API_CALL sx_api_CreateLoraAdapter(const ORTCHAR_T *adapter_file_path, OrtAllocator *allocator,
                                                 OrtLoraAdapter **out) {
  SX_API_NOT_NULL(adapter_file_path);
  SX_API_NOT_NULL(out);
  sx_path path;
  sx_err e = {0};
  OrtLoraAdapter *a = sx_calloc(1, sizeof *a);
  if (!a) SX_API_NO_MEMORY();
  sx_status s = sx_path_open(&path, adapter_file_path) ? SX_OK : SX_E_NO_MEMORY;
  if (s == SX_OK) {
    s = sx_map_file(path.p, &a->map, &e);
    sx_path_close(&path);
  }
  if (s == SX_OK) return finish(a, allocator, out);
  sx_api_ReleaseLoraAdapter(a);
  return sx_ort_status(s == SX_E_NO_SUCHFILE ? SX_E_INVALID_ARGUMENT : s, &e);
}

OrtStatus *ORT_API_CALL sx_api_CreateLoraAdapterFromArray(const void *bytes, size_t num_bytes, OrtAllocator *allocator,
                                                          OrtLoraAdapter **out) {
  SX_API_NOT_NULL(bytes);
  SX_API_NOT_NULL(out);
  OrtLoraAdapter *a = sx_calloc(1, sizeof *a);
  uint8_t *copy = a ? sx_arena_aligned(&a->arena, num_bytes + 1, 64) : NULL;
  if (!copy) {
    sx_api_ReleaseLoraAdapter(a);
    SX_API_NO_MEMORY();
  }
  if (num_bytes) memcpy(copy, bytes, num_bytes);
  a->map = (sx_mapping){.data = copy, .size = num_bytes};
  a->borrowed = true;
  OrtStatus *failed = finish(a, allocator, out);
  return failed;
}
