// SPDX-License-Identifier: MIT
/* Memory and semaphores of other systems (OrtInteropApi): everything is the plugin's to do, and is passed on to what its
 * factory makes for a device. A device whose factory imports nothing has no importer, which is no failure. */
#include "abi/plugin/host.h"

struct OrtExternalResourceImporter {
  OrtExternalResourceImporterImpl *impl;
};

OrtStatus *ORT_API_CALL sx_interop_CreateExternalResourceImporterForDevice(const OrtEpDevice *ep_device,
                                                                           OrtExternalResourceImporter **out_importer) {
  SX_API_NOT_NULL(ep_device);
  SX_API_NOT_NULL(out_importer);
  OrtEpFactory *f = ep_device->factory;
  OrtExternalResourceImporterImpl *impl = NULL;
  *out_importer = NULL;
  if (!f || !SX_EP_HAS(f, 24, CreateExternalResourceImporterForDevice)) return NULL;
  OrtStatus *failed = f->CreateExternalResourceImporterForDevice(f, ep_device, &impl);
  if (failed || !impl) return failed;
  OrtExternalResourceImporter *i = sx_calloc(1, sizeof *i);
  if (!i) {
    if (impl->Release) impl->Release(impl);
    SX_API_NO_MEMORY();
  }
  i->impl = impl;
  *out_importer = i;
  return NULL;
}

void ORT_API_CALL sx_interop_ReleaseExternalResourceImporter(OrtExternalResourceImporter *input) {
  if (!input) return;
  if (input->impl->Release) input->impl->Release(input->impl);
  sx_free(input, sizeof *input);
}

/* The importer has the function, or the slot says so. */
#define NEEDS(member)                                                                                              \
  SX_API_NOT_NULL(importer);                                                                                       \
  if (!SX_EP_HAS(importer->impl, 24, member))                                                                      \
  SX_API_FAIL(NOT_IMPLEMENTED, "the provider's importer has no %s", #member)

/* What can be imported, importing it, and giving it back: memory and semaphores alike. */
#define IMPORTED(What, Type)                                                                                            \
  OrtStatus *ORT_API_CALL sx_interop_CanImport##What(const OrtExternalResourceImporter *importer, Type handle_type,     \
                                                     bool *out_supported) {                                             \
    SX_API_NOT_NULL(importer);                                                                                          \
    SX_API_NOT_NULL(out_supported);                                                                                     \
    *out_supported =                                                                                                    \
        SX_EP_HAS(importer->impl, 24, CanImport##What) && importer->impl->CanImport##What(importer->impl, handle_type); \
    return NULL;                                                                                                        \
  }                                                                                                                     \
  OrtStatus *ORT_API_CALL sx_interop_Import##What(OrtExternalResourceImporter *importer,                                \
                                                  const OrtExternal##What##Descriptor *desc,                            \
                                                  OrtExternal##What##Handle **out_handle) {                             \
    NEEDS(Import##What);                                                                                                \
    SX_API_NOT_NULL(desc);                                                                                              \
    SX_API_NOT_NULL(out_handle);                                                                                        \
    return importer->impl->Import##What(importer->impl, desc, out_handle);                                              \
  }                                                                                                                     \
  void ORT_API_CALL sx_interop_ReleaseExternal##What##Handle(OrtExternal##What##Handle *input) {                        \
    if (input && input->Release) input->Release(input);                                                                 \
  }
IMPORTED(Memory, OrtExternalMemoryHandleType)
IMPORTED(Semaphore, OrtExternalSemaphoreType)

OrtStatus *ORT_API_CALL sx_interop_CreateTensorFromMemory(OrtExternalResourceImporter *importer,
                                                          const OrtExternalMemoryHandle *mem_handle,
                                                          const OrtExternalTensorDescriptor *tensor_desc,
                                                          OrtValue **out_tensor) {
  NEEDS(CreateTensorFromMemory);
  SX_API_NOT_NULL(mem_handle);
  SX_API_NOT_NULL(tensor_desc);
  SX_API_NOT_NULL(out_tensor);
  return importer->impl->CreateTensorFromMemory(importer->impl, mem_handle, tensor_desc, out_tensor);
}

#define SEMAPHORE(Name)                                                                                         \
  OrtStatus *ORT_API_CALL sx_interop_##Name(OrtExternalResourceImporter *importer,                              \
                                            OrtExternalSemaphoreHandle *semaphore_handle, OrtSyncStream *stream, \
                                            uint64_t value) {                                                   \
    NEEDS(Name);                                                                                                \
    SX_API_NOT_NULL(semaphore_handle);                                                                          \
    return importer->impl->Name(importer->impl, semaphore_handle, stream, value);                               \
  }
SEMAPHORE(WaitSemaphore)
SEMAPHORE(SignalSemaphore)

OrtStatus *ORT_API_CALL sx_interop_InitGraphicsInteropForEpDevice(const OrtEpDevice *ep_device,
                                                                  const OrtGraphicsInteropConfig *config) {
  SX_API_NOT_NULL(ep_device);
  SX_API_NOT_NULL(config);
  OrtEpFactory *f = ep_device->factory;
  if (f && SX_EP_HAS(f, 25, InitGraphicsInterop)) return f->InitGraphicsInterop(f, ep_device, config);
  SX_API_FAIL(NOT_IMPLEMENTED, "the provider '%.60s' shares nothing with graphics", ep_device->name);
}

OrtStatus *ORT_API_CALL sx_interop_DeinitGraphicsInteropForEpDevice(const OrtEpDevice *ep_device) {
  SX_API_NOT_NULL(ep_device);
  OrtEpFactory *f = ep_device->factory;
  if (f && SX_EP_HAS(f, 25, DeinitGraphicsInterop)) return f->DeinitGraphicsInterop(f, ep_device);
  SX_API_FAIL(NOT_IMPLEMENTED, "the provider '%.60s' shares nothing with graphics", ep_device->name);
}
