// SPDX-License-Identifier: MIT
/* Memory infos, allocators and arena options. There is one kind of host memory and no arena of our own: what callers say
 * about arenas is checked and kept, and every CPU allocator is the default one. */
#include "abi/handles.h"

/* Device of a memory info by its old-style name. `device` is OrtMemoryInfoDeviceType. */
static const struct device_name {
  const char *name, *canonical;
  uint32_t device, mem_type, vendor;
} device_names[] = {
    {"Cpu", NULL, 0, 0, 0},
    {"Cuda", NULL, 1, 0, 0x10de},
    {"CudaPinned", NULL, 1, 5, 0x10de},
    {"Hip", NULL, 1, 0, 0x1002},
    {"HipPinned", NULL, 1, 5, 0x1002},
    {"DML", NULL, 1, 0, 0x1414},
    {"OpenVINO_GPU", NULL, 1, 0, 0x8086},
    {"OpenVINO_RT_NPU", NULL, 3, 0, 0x8086},
    {"QnnHtpShared", NULL, 0, 5, 0x5143},
    {"WebGPU_Buf", NULL, 1, 0, 0},
    {"WebGPU_Buffer", "WebGPU_Buf", 1, 0, 0},
    {"WebNN_Ten", NULL, 1, 0, 0},
    {"WebNN_Tensor", "WebNN_Ten", 1, 0, 0},
};

static OrtStatus *create_info(const sx_memory *like, const char *name, OrtMemoryInfo **out) {
  *out = (OrtMemoryInfo *)sx_memory_copy(like, name);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateMemoryInfo(const char *name, enum OrtAllocatorType type, int id,
                                                enum OrtMemType mem_type, OrtMemoryInfo **out) {
  SX_API_NOT_NULL(name);
  SX_API_NOT_NULL(out);
  for (size_t i = 0; i < sizeof device_names / sizeof *device_names; i++) {
    const struct device_name *d = &device_names[i];
    if (strcmp(d->name, name) != 0) continue;
    sx_memory m = {.allocator_type = type,
                   .device_id = d->device ? id : 0,
                   .mem_type = mem_type,
                   .device_type = d->device,
                   .device_mem_type = d->mem_type,
                   .vendor_id = d->vendor};
    return create_info(&m, d->canonical ? d->canonical : name, out);
  }
  SX_API_FAIL(INVALID_ARGUMENT, "CreateMemoryInfo: no device is known by the name '%.100s'; CreateMemoryInfo_V2 takes any",
              name);
}

OrtStatus *ORT_API_CALL sx_api_CreateCpuMemoryInfo(enum OrtAllocatorType type, enum OrtMemType mem_type,
                                                   OrtMemoryInfo **out) {
  return sx_api_CreateMemoryInfo("Cpu", type, 0, mem_type, out);
}

OrtStatus *ORT_API_CALL sx_api_CreateMemoryInfo_V2(const char *name, enum OrtMemoryInfoDeviceType device_type,
                                                   uint32_t vendor_id, int32_t device_id, enum OrtDeviceMemoryType mem_type,
                                                   size_t alignment, enum OrtAllocatorType allocator_type,
                                                   OrtMemoryInfo **out) {
  SX_API_NOT_NULL(name);
  SX_API_NOT_NULL(out);
  if ((unsigned)device_type > OrtMemoryInfoDeviceType_NPU)
    SX_API_FAIL(INVALID_ARGUMENT, "CreateMemoryInfo_V2: %d is not a device type", (int)device_type);
  bool host = mem_type != OrtDeviceMemoryType_DEFAULT;
  sx_memory m = {.allocator_type = allocator_type,
                 .device_id = device_id,
                 .mem_type = host ? OrtMemTypeCPU : OrtMemTypeDefault,
                 .device_type = device_type,
                 .device_mem_type = host ? OrtDeviceMemoryType_HOST_ACCESSIBLE : 0,
                 .vendor_id = vendor_id,
                 .alignment = alignment};
  return create_info(&m, name, out);
}

OrtStatus *ORT_API_CALL sx_api_CompareMemoryInfo(const OrtMemoryInfo *info1, const OrtMemoryInfo *info2, int *out) {
  SX_API_NOT_NULL(info1);
  SX_API_NOT_NULL(info2);
  SX_API_NOT_NULL(out);
  *out = sx_memory_eq(sx_memory_of(info1), sx_memory_of(info2)) ? 0 : -1;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_MemoryInfoGetName(const OrtMemoryInfo *ptr, const char **out) {
  SX_API_NOT_NULL(ptr);
  SX_API_NOT_NULL(out);
  *out = sx_memory_of(ptr)->name;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_MemoryInfoGetId(const OrtMemoryInfo *ptr, int *out) {
  SX_API_NOT_NULL(ptr);
  SX_API_NOT_NULL(out);
  *out = sx_memory_of(ptr)->device_id;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_MemoryInfoGetMemType(const OrtMemoryInfo *ptr, OrtMemType *out) {
  SX_API_NOT_NULL(ptr);
  SX_API_NOT_NULL(out);
  *out = (OrtMemType)sx_memory_of(ptr)->mem_type;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_MemoryInfoGetType(const OrtMemoryInfo *ptr, OrtAllocatorType *out) {
  SX_API_NOT_NULL(ptr);
  SX_API_NOT_NULL(out);
  *out = (OrtAllocatorType)sx_memory_of(ptr)->allocator_type;
  return NULL;
}

void ORT_API_CALL sx_api_MemoryInfoGetDeviceType(const OrtMemoryInfo *ptr, OrtMemoryInfoDeviceType *out) {
  if (out) *out = ptr ? (OrtMemoryInfoDeviceType)sx_memory_of(ptr)->device_type : OrtMemoryInfoDeviceType_CPU;
}

OrtDeviceMemoryType ORT_API_CALL sx_api_MemoryInfoGetDeviceMemType(const OrtMemoryInfo *ptr) {
  return ptr ? (OrtDeviceMemoryType)sx_memory_of(ptr)->device_mem_type : OrtDeviceMemoryType_DEFAULT;
}

uint32_t ORT_API_CALL sx_api_MemoryInfoGetVendorId(const OrtMemoryInfo *ptr) {
  return ptr ? sx_memory_of(ptr)->vendor_id : 0;
}

void ORT_API_CALL sx_api_ReleaseMemoryInfo(OrtMemoryInfo *input) { sx_memory_unref(sx_memory_of(input)); }

/* The default allocator. Blocks are aligned to 64; the line in front holds their size, as Free is not told it. */
static void *ORT_API_CALL default_alloc(OrtAllocator *this_, size_t size) {
  size_t whole;
  if (!size || !sx_size_add(size, SX_ALIGN, &whole)) return NULL;
  char *p = sx_malloc_aligned(whole);
  if (!p) return NULL;
  memcpy(p, &whole, sizeof whole);
  return p + SX_ALIGN;
}

static void ORT_API_CALL default_free(OrtAllocator *this_, void *p) {
  if (!p) return;
  char *block = (char *)p - SX_ALIGN;
  size_t whole;
  memcpy(&whole, block, sizeof whole);
  sx_free_aligned(block, whole);
}

static const OrtMemoryInfo *ORT_API_CALL default_info(const OrtAllocator *this_) {
  return (const OrtMemoryInfo *)&sx_memory_cpu;
}

static OrtStatus *ORT_API_CALL default_stats(const OrtAllocator *this_, OrtKeyValuePairs **out) {
  if (out && !(*out = sx_kvp_create())) SX_API_NO_MEMORY();
  return NULL;
}

OrtAllocator sx_default_allocator = {
    .version = ORT_API_VERSION,
    .Alloc = default_alloc,
    .Free = default_free,
    .Info = default_info,
    .Reserve = default_alloc,
    .GetStats = default_stats,
};

OrtStatus *ORT_API_CALL sx_api_GetAllocatorWithDefaultOptions(OrtAllocator **out) {
  SX_API_NOT_NULL(out);
  *out = &sx_default_allocator;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_AllocatorAlloc(OrtAllocator *ort_allocator, size_t size, void **out) {
  SX_API_NOT_NULL(ort_allocator);
  SX_API_NOT_NULL(out);
  *out = ort_allocator->Alloc(ort_allocator, size);
  if (!*out && size) SX_API_FAIL(FAIL, "the allocator has no %zu bytes", size);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_AllocatorFree(OrtAllocator *ort_allocator, void *p) {
  SX_API_NOT_NULL(ort_allocator);
  ort_allocator->Free(ort_allocator, p);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_AllocatorGetInfo(const OrtAllocator *ort_allocator, const struct OrtMemoryInfo **out) {
  SX_API_NOT_NULL(ort_allocator);
  SX_API_NOT_NULL(out);
  *out = ort_allocator->Info(ort_allocator);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_AllocatorGetStats(const OrtAllocator *ort_allocator, OrtKeyValuePairs **out) {
  SX_API_NOT_NULL(ort_allocator);
  SX_API_NOT_NULL(out);
  if (ort_allocator->version >= 23 && ort_allocator->GetStats) return ort_allocator->GetStats(ort_allocator, out);
  SX_API_FAIL(NOT_IMPLEMENTED, "this allocator keeps no statistics");
}

void ORT_API_CALL sx_api_ReleaseAllocator(OrtAllocator *input) {} /* CreateAllocator hands out the default one */

static void *source_alloc(void *ctx, size_t bytes) {
  OrtAllocator *a = ctx;
  return a->Alloc(a, bytes);
}

static void source_release(void *ctx, void *data, size_t bytes) {
  OrtAllocator *a = ctx;
  a->Free(a, data);
}

const sx_rt_source *sx_source_of(OrtAllocator *a, sx_rt_source *room) {
  if (a == &sx_default_allocator) return NULL;
  const OrtMemoryInfo *info = a->Info ? a->Info(a) : NULL;
  *room = (sx_rt_source){a, source_alloc, source_release, info ? sx_memory_of(info) : &sx_memory_cpu};
  return room;
}

static OrtStatus *create_arena(const OrtArenaCfg *like, OrtArenaCfg **out) {
  if (like->strategy < -1 || like->strategy > 1 || like->initial_chunk < -1 || like->max_dead < -1 ||
      like->initial_growth < -1 || like->max_power_of_two_extend < -1)
    SX_API_FAIL(INVALID_ARGUMENT, "a value of the arena's options is out of range");
  *out = sx_malloc(sizeof **out);
  if (!*out) SX_API_NO_MEMORY();
  **out = *like;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateArenaCfg(size_t max_mem, int arena_extend_strategy, int initial_chunk_size_bytes,
                                              int max_dead_bytes_per_chunk, OrtArenaCfg **out) {
  SX_API_NOT_NULL(out);
  OrtArenaCfg c = {max_mem, arena_extend_strategy, initial_chunk_size_bytes, max_dead_bytes_per_chunk, -1, -1};
  return create_arena(&c, out);
}

OrtStatus *ORT_API_CALL sx_api_CreateArenaCfgV2(const char *const *arena_config_keys, const size_t *arena_config_values,
                                                size_t num_keys, OrtArenaCfg **out) {
  SX_API_NOT_NULL(out);
  OrtArenaCfg c = {0, -1, -1, -1, -1, -1};
  for (size_t i = 0; i < num_keys; i++) {
    SX_API_NOT_NULL(arena_config_keys && arena_config_keys[i] && arena_config_values);
    const char *k = arena_config_keys[i];
    int64_t v = (int64_t)arena_config_values[i];
    if (!strcmp(k, "max_mem"))
      c.max_mem = arena_config_values[i];
    else if (!strcmp(k, "arena_extend_strategy"))
      c.strategy = v;
    else if (!strcmp(k, "initial_chunk_size_bytes"))
      c.initial_chunk = v;
    else if (!strcmp(k, "max_dead_bytes_per_chunk"))
      c.max_dead = v;
    else if (!strcmp(k, "initial_growth_chunk_size_bytes"))
      c.initial_growth = v;
    else if (!strcmp(k, "max_power_of_two_extend_bytes"))
      c.max_power_of_two_extend = v;
    else
      SX_API_FAIL(INVALID_ARGUMENT, "CreateArenaCfgV2: there is no arena option '%.100s'", k);
  }
  return create_arena(&c, out);
}

void ORT_API_CALL sx_api_ReleaseArenaCfg(OrtArenaCfg *input) { sx_free(input, sizeof *input); }
