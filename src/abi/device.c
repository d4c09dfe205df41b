// SPDX-License-Identifier: MIT
/* Devices and what providers make of them. The environment has one: the CPU. */
#include "abi/plugin/host.h"

OrtStatus *ORT_API_CALL sx_api_GetNumHardwareDevices(const OrtEnv *env, size_t *num_devices) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(num_devices);
  *num_devices = 1;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetHardwareDevices(const OrtEnv *env, const OrtHardwareDevice **devices,
                                                  size_t num_devices) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(devices);
  if (num_devices < 1) SX_API_FAIL(INVALID_ARGUMENT, "GetHardwareDevices: there is 1 device, the array has room for none");
  devices[0] = &env->cpu;
  return NULL;
}

OrtHardwareDeviceType ORT_API_CALL sx_api_HardwareDevice_Type(const OrtHardwareDevice *d) {
  return d ? d->type : OrtHardwareDeviceType_CPU;
}
uint32_t ORT_API_CALL sx_api_HardwareDevice_VendorId(const OrtHardwareDevice *d) { return d ? d->vendor_id : 0; }
const char *ORT_API_CALL sx_api_HardwareDevice_Vendor(const OrtHardwareDevice *d) { return d ? d->vendor : ""; }
uint32_t ORT_API_CALL sx_api_HardwareDevice_DeviceId(const OrtHardwareDevice *d) { return d ? d->device_id : 0; }
const OrtKeyValuePairs *ORT_API_CALL sx_api_HardwareDevice_Metadata(const OrtHardwareDevice *d) {
  return d ? &d->metadata : NULL;
}
const char *ORT_API_CALL sx_api_EpDevice_EpName(const OrtEpDevice *d) { return d ? d->name : ""; }
const char *ORT_API_CALL sx_api_EpDevice_EpVendor(const OrtEpDevice *d) { return d ? d->vendor : ""; }
const OrtKeyValuePairs *ORT_API_CALL sx_api_EpDevice_EpMetadata(const OrtEpDevice *d) { return d ? &d->metadata : NULL; }
const OrtKeyValuePairs *ORT_API_CALL sx_api_EpDevice_EpOptions(const OrtEpDevice *d) { return d ? &d->options : NULL; }
const OrtHardwareDevice *ORT_API_CALL sx_api_EpDevice_Device(const OrtEpDevice *d) { return d ? d->hardware : NULL; }
const OrtMemoryInfo *ORT_API_CALL sx_api_EpDevice_MemoryInfo(const OrtEpDevice *d, OrtDeviceMemoryType memory_type) {
  if (!d) return NULL;
  return (const OrtMemoryInfo *)d->memory[memory_type == OrtDeviceMemoryType_DEFAULT ? SX_EP_MEMORY_DEVICE : SX_EP_MEMORY_HOST];
}

OrtStatus *ORT_API_CALL sx_api_GetModelCompatibilityForEpDevices(const OrtEpDevice *const *ep_devices,
                                                                 size_t num_ep_devices, const char *compatibility_info,
                                                                 OrtCompiledModelCompatibility *out_status) {
  SX_API_NOT_NULL(ep_devices && num_ep_devices);
  SX_API_NOT_NULL(compatibility_info);
  SX_API_NOT_NULL(out_status);
  const OrtHardwareDevice *hardware[8];
  *out_status = OrtCompiledModelCompatibility_EP_NOT_APPLICABLE;
  if (num_ep_devices > 8) SX_API_FAIL(INVALID_ARGUMENT, "%zu devices are given, at most 8 are supported", num_ep_devices);
  for (size_t i = 0; i < num_ep_devices; i++) {
    SX_API_NOT_NULL(ep_devices[i]);
    if (ep_devices[i]->factory != ep_devices[0]->factory)
      SX_API_FAIL(INVALID_ARGUMENT, "GetModelCompatibilityForEpDevices: all devices must be of one provider");
    hardware[i] = ep_devices[i]->hardware;
  }
  OrtEpFactory *f = ep_devices[0]->factory;
  if (!f || !SX_EP_HAS(f, 23, ValidateCompiledModelCompatibilityInfo)) return NULL;
  return f->ValidateCompiledModelCompatibilityInfo(f, hardware, num_ep_devices, compatibility_info, out_status);
}

struct OrtDeviceEpIncompatibilityDetails {
  uint32_t reasons;
  int32_t error_code;
  char *notes;
};

OrtStatus *ORT_API_CALL sx_api_GetHardwareDeviceEpIncompatibilityDetails(const OrtEnv *env, const char *ep_name,
                                                                         const OrtHardwareDevice *hw,
                                                                         OrtDeviceEpIncompatibilityDetails **details) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(ep_name);
  SX_API_NOT_NULL(hw);
  SX_API_NOT_NULL(details);
  const OrtEpDevice *const *all = NULL;
  size_t n = 0;
  OrtStatus *failed = sx_api_GetEpDevices(env, &all, &n);
  const OrtEpDevice *d = NULL;
  for (size_t i = 0; i < n && !d; i++)
    if (!strcmp(all[i]->name, ep_name)) d = all[i];
  if (!failed && !d)
    SX_API_FAIL(INVALID_ARGUMENT, "GetHardwareDeviceEpIncompatibilityDetails: there is no provider '%.100s'", ep_name);
  *details = sx_calloc(1, sizeof **details);
  if (!*details) SX_API_NO_MEMORY();
  if (!d->factory || !SX_EP_HAS(d->factory, 24, GetHardwareDeviceIncompatibilityDetails)) return NULL;
  failed = d->factory->GetHardwareDeviceIncompatibilityDetails(d->factory, hw, *details);
  if (failed) sx_api_ReleaseDeviceEpIncompatibilityDetails(*details), *details = NULL;
  return failed;
}

OrtStatus *ORT_API_CALL sx_epapi_DeviceEpIncompatibilityDetails_SetDetails(OrtDeviceEpIncompatibilityDetails *details,
                                                                           uint32_t reasons_bitmask, int32_t error_code,
                                                                           const char *notes) {
  SX_API_NOT_NULL(details);
  if (notes) {
    OrtStatus *s = sx_ort_text_set(&details->notes, notes);
    if (s) return s;
  }
  details->reasons = reasons_bitmask;
  details->error_code = error_code;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_DeviceEpIncompatibilityDetails_GetReasonsBitmask(
    const OrtDeviceEpIncompatibilityDetails *details, uint32_t *reasons_bitmask) {
  SX_API_NOT_NULL(details);
  SX_API_NOT_NULL(reasons_bitmask);
  *reasons_bitmask = details->reasons;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_DeviceEpIncompatibilityDetails_GetNotes(const OrtDeviceEpIncompatibilityDetails *details,
                                                                       const char **notes) {
  SX_API_NOT_NULL(details);
  SX_API_NOT_NULL(notes);
  *notes = details->notes;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_DeviceEpIncompatibilityDetails_GetErrorCode(const OrtDeviceEpIncompatibilityDetails *details,
                                                                           int32_t *error_code) {
  SX_API_NOT_NULL(details);
  SX_API_NOT_NULL(error_code);
  *error_code = details->error_code;
  return NULL;
}

void ORT_API_CALL sx_api_ReleaseDeviceEpIncompatibilityDetails(OrtDeviceEpIncompatibilityDetails *input) {
  if (!input) return;
  sx_text_drop(input->notes);
  sx_free(input, sizeof *input);
}

/* Where an initializer lies outside of its model. */
struct OrtExternalInitializerInfo {
  ORTCHAR_T *path;
  int64_t offset;
  size_t size;
};

/* With the terminator; the path is kept as the caller wrote it. */
static size_t path_bytes(const ORTCHAR_T *path) {
  size_t n = 0;
  while (path[n]) n++;
  return (n + 1) * sizeof *path;
}

OrtStatus *ORT_API_CALL sx_api_CreateExternalInitializerInfo(const ORTCHAR_T *filepath, int64_t file_offset,
                                                             size_t byte_size, OrtExternalInitializerInfo **out) {
  SX_API_NOT_NULL(filepath);
  SX_API_NOT_NULL(out);
  OrtExternalInitializerInfo *i = sx_calloc(1, sizeof *i);
  if (!i || !(i->path = sx_malloc(path_bytes(filepath)))) {
    sx_free(i, sizeof *i);
    SX_API_NO_MEMORY();
  }
  memcpy(i->path, filepath, path_bytes(filepath));
  i->offset = file_offset;
  i->size = byte_size;
  *out = i;
  return NULL;
}

const ORTCHAR_T *ORT_API_CALL sx_api_ExternalInitializerInfo_GetFilePath(const OrtExternalInitializerInfo *i) {
  return i ? i->path : NULL;
}
int64_t ORT_API_CALL sx_api_ExternalInitializerInfo_GetFileOffset(const OrtExternalInitializerInfo *i) {
  return i ? i->offset : 0;
}
size_t ORT_API_CALL sx_api_ExternalInitializerInfo_GetByteSize(const OrtExternalInitializerInfo *i) {
  return i ? i->size : 0;
}

void ORT_API_CALL sx_api_ReleaseExternalInitializerInfo(OrtExternalInitializerInfo *input) {
  if (!input) return;
  sx_free(input->path, path_bytes(input->path));
  sx_free(input, sizeof *input);
}
