// SPDX-License-Identifier: MIT
/* Slots MemoryDevice_* and SyncStream_*: OrtMemoryDevice is a memory info under another name. */
#include "abi/plugin/host.h"

static const sx_memory *of(const OrtMemoryDevice *d) { return d ? (const sx_memory *)d : &sx_memory_cpu; }

const OrtMemoryDevice *ORT_API_CALL sx_epapi_MemoryInfo_GetMemoryDevice(const OrtMemoryInfo *memory_info) {
  return (const OrtMemoryDevice *)memory_info;
}
const OrtMemoryDevice *ORT_API_CALL sx_epapi_Value_GetMemoryDevice(const OrtValue *value) {
  const sx_rt_value *v = (const sx_rt_value *)value;
  return v && (v->type.kind == SX_RT_TENSOR || v->type.kind == SX_RT_SPARSE) ? (const OrtMemoryDevice *)v->memory : NULL;
}
bool ORT_API_CALL sx_epapi_MemoryDevice_AreEqual(const OrtMemoryDevice *a, const OrtMemoryDevice *b) {
  const sx_memory *x = of(a), *y = of(b);
  return x->device_type == y->device_type && x->device_mem_type == y->device_mem_type && x->vendor_id == y->vendor_id &&
         x->device_id == y->device_id;
}
OrtMemoryInfoDeviceType ORT_API_CALL sx_epapi_MemoryDevice_GetDeviceType(const OrtMemoryDevice *memory_device) {
  return (OrtMemoryInfoDeviceType)of(memory_device)->device_type;
}
OrtDeviceMemoryType ORT_API_CALL sx_epapi_MemoryDevice_GetMemoryType(const OrtMemoryDevice *memory_device) {
  return (OrtDeviceMemoryType)of(memory_device)->device_mem_type;
}
uint32_t ORT_API_CALL sx_epapi_MemoryDevice_GetVendorId(const OrtMemoryDevice *memory_device) {
  return of(memory_device)->vendor_id;
}
uint32_t ORT_API_CALL sx_epapi_MemoryDevice_GetDeviceId(const OrtMemoryDevice *memory_device) {
  return (uint32_t)of(memory_device)->device_id;
}
const char *ORT_API_CALL sx_epapi_NodeComputeContext_NodeName(const OrtNodeComputeContext *context) {
  return context ? context->name : "";
}
