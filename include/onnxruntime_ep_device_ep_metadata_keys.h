// SPDX-License-Identifier: MIT
/* Keys of the metadata of devices, providers and models. Written by tools/gen_keys.py; docs/CONFIG.md says what each does. */
#ifndef SX_ONNXRUNTIME_EP_DEVICE_EP_METADATA_KEYS_H
#define SX_ONNXRUNTIME_EP_DEVICE_EP_METADATA_KEYS_H
/* Honoured. Of the provider. */
static const char *const kOrtEpDevice_EpMetadataKey_Version = "version";
/* For providers. */
static const char *const kOrtEpDevice_EpMetadataKey_OSDriverVersion = "os_driver_version";
/* For providers. The provider's library. */
static const char *const kOrtEpDevice_EpMetadataKey_LibraryPath = "library_path";
/* For providers. */
static const char *const kOrtHardwareDevice_MetadataKey_IsVirtual = "is_virtual";
/* For providers. */
static const char *const kOrtEpDevice_EpMetadataKey_WeightlessSupport = "weightless_support";
/* Honoured. A model's entry with what it was compiled for, before the provider's name. */
static const char *const kOrtModelMetadata_EpCompatibilityInfoPrefix = "ep_compatibility_info.";
#endif
