// SPDX-License-Identifier: MIT
/* The function tables and the one symbol that leads to them.
 *
 * slots.def is the list; here it becomes tables and the proof that no released slot ever moves. A table serves every
 * version from 1 to ORT_API_VERSION, as clients read past the version that they asked for. */
#include <stddef.h>
#include "abi/api.h"
#include "abi/handles.h"

const OrtApi sx_api = {
#define API(index, name, how) .name = sx_api_##name,
#include "abi/slots.def"
};
const OrtModelEditorApi sx_editor = {
#define EDITOR(index, name, how) .name = sx_editor_##name,
#include "abi/slots.def"
};
const OrtCompileApi sx_compile = {
#define COMPILE(index, name, how) .name = sx_compile_##name,
#include "abi/slots.def"
};
const OrtInteropApi sx_interop = {
#define INTEROP(index, name, how) .name = sx_interop_##name,
#include "abi/slots.def"
};
const OrtEpApi sx_epapi = {
#define EP(index, name, how) .name = sx_epapi_##name,
#include "abi/slots.def"
};
const OrtModelPackageApi sx_package = {
#define PACKAGE(index, name, how) .name = sx_package_##name,
#include "abi/slots.def"
};

/* Every slot stays where it is. */
#define AT(table, index, name)    _Static_assert(offsetof(table, name) == (index) * sizeof(void *), #table "." #name " moved");
#define API(index, name, how)     AT(OrtApi, index, name)
#define EDITOR(index, name, how)  AT(OrtModelEditorApi, index, name)
#define COMPILE(index, name, how) AT(OrtCompileApi, index, name)
#define INTEROP(index, name, how) AT(OrtInteropApi, index, name)
#define EP(index, name, how)      AT(OrtEpApi, index, name)
#define PACKAGE(index, name, how) AT(OrtModelPackageApi, index, name)
#include "abi/slots.def"

/* The last slot of each released version of OrtApi. */
#define LAST_SLOTS(X)                                                                                                    \
  X(1, 101, ReleaseCustomOpDomain)                                                                                       \
  X(2, 118, ReleaseModelMetadata) X(3, 124, AddFreeDimensionOverrideByName) X(4, 126, ReleaseAvailableProviders)         \
      X(5, 149, SetGlobalSpinControl) X(6, 157, ReleaseArenaCfg) X(7, 161, GetCurrentGpuDeviceId)                        \
          X(8, 169, CreateSessionFromArrayWithPrepackedWeightsContainer) X(9, 191, GetSparseTensorIndices)               \
              X(10, 203, SynchronizeBoundOutputs) X(11, 209, SessionOptionsAppendExecutionProvider_MIGraphX)             \
                  X(12, 218, ReleaseKernelInfo) X(13, 224, ReleaseCANNProviderOptions) X(14, 238, GetSessionConfigEntry) \
                      X(15, 254, GetBuildInfoString) X(16, 265, KernelContext_GetResource)                               \
                          X(17, 275, SessionOptionsAppendExecutionProvider_OpenVINO_V2)                                  \
                              X(18, 279, AddExternalInitializersFromFilesInMemory) X(20, 284, SetEpDynamicOptions)       \
                                  X(22, 317, GetEpApi) X(23, 389, CreateExternalInitializerInfo)                         \
                                      X(24, 414, GetTensorElementTypeAndShapeDataReference)                              \
                                          X(25, 418, SetPerSessionThreadPoolCallbacks)                                   \
                                              X(27, 421, SessionReleaseCapturedGraph)                                    \
                                                  X(28, 423, KernelContext_GetSyncStream)                                \
                                                      X(29, 424, SessionOptionsSetWeightlessSourceModelBuffer)           \
                                                          X(30, 425, KernelContext_GetPreallocatedOutput)                \
                                                              X(31, 427, GetModelPackageApi)
#define X(version, index, name) \
  _Static_assert(offsetof(OrtApi, name) / sizeof(void *) == (index), "version " #version " of OrtApi ends elsewhere");
LAST_SLOTS(X)
#undef X
#define COUNT(table, n) _Static_assert(sizeof(table) == (n) * sizeof(void *), #table " has another size");
COUNT(OrtApi, 428)
COUNT(OrtModelEditorApi, 20)
COUNT(OrtCompileApi, 19)
COUNT(OrtInteropApi, 13)
COUNT(OrtEpApi, 78)
COUNT(OrtModelPackageApi, 16)

/* What strangers fill in, by the size of its newest form. */
COUNT(OrtAllocator, 8)
COUNT(OrtCustomOp, 26)
COUNT(OrtEp, 27)
COUNT(OrtEpFactory, 21)
_Static_assert(sizeof(OrtResourceCount) == 56, "OrtResourceCount has another size");

const OrtModelEditorApi *ORT_API_CALL sx_api_GetModelEditorApi(void) { return &sx_editor; }
const OrtCompileApi *ORT_API_CALL sx_api_GetCompileApi(void) { return &sx_compile; }
const OrtInteropApi *ORT_API_CALL sx_api_GetInteropApi(void) { return &sx_interop; }
const OrtEpApi *ORT_API_CALL sx_api_GetEpApi(void) { return &sx_epapi; }
const OrtModelPackageApi *ORT_API_CALL sx_api_GetModelPackageApi(void) { return &sx_package; }
const OrtTrainingApi *ORT_API_CALL sx_api_GetTrainingApi(uint32_t version) { return NULL; }

static OrtStatus *ORT_API_CALL experimental_test(int64_t *out) {
  SX_API_NOT_NULL(out);
  *out = 12345;
  return NULL;
}

OrtExperimentalFnPtr ORT_API_CALL sx_api_GetExperimentalFunction(const char *name) {
  if (name && strcmp(name, "OrtApi_ExperimentalApiTest_SinceV28") == 0)
    return (OrtExperimentalFnPtr)(void *)experimental_test;
  return NULL;
}

static const OrtApi *ORT_API_CALL get_api(uint32_t version) {
  if (version >= 1 && version <= ORT_API_VERSION) return &sx_api;
  static const sx_logger loud = {.least = SX_LOG_WARNING, .id = "sardonyx"};
  sx_log(&loud, ERROR, "API version %u was asked for; this library (%s) answers 1 to %d", version, SX_VERSION_TEXT,
         ORT_API_VERSION);
  return NULL;
}

static const char *ORT_API_CALL get_version(void) { return SX_VERSION_TEXT; }

const OrtApiBase *ORT_API_CALL OrtGetApiBase(void) {
  static const OrtApiBase base = {get_api, get_version};
  return &base;
}
