// SPDX-License-Identifier: MIT
/* The tables: versions, no NULL in any slot, releases of NULL. */
#include "abi.h"

static void walk(const char *name, const void *table, size_t bytes) {
  CHECK(table != NULL);
  if (!table) return;
  for (size_t i = 0; i < bytes / sizeof(void *); i++) {
    void *slot;
    memcpy(&slot, (const char *)table + i * sizeof slot, sizeof slot);
    if (!slot) printf("%s: slot %zu is NULL\n", name, i), failures++;
    checks++;
  }
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  for (uint32_t v = 1; v <= ORT_API_VERSION; v++) CHECK(base->GetApi(v) == api);
  CHECK(base->GetApi(0) == NULL);
  CHECK(base->GetApi(UINT32_MAX) == NULL);
  int major, minor, patch, used = 0;
  const char *version = base->GetVersionString();
  CHECK(sscanf(version, "%d.%d.%d%n", &major, &minor, &patch, &used) == 3 && used == (int)strlen(version));
  CHECK(major == 1 && minor == ORT_API_VERSION);

  walk("OrtApi", api, sizeof(OrtApi));
  walk("OrtModelEditorApi", api->GetModelEditorApi(), sizeof(OrtModelEditorApi));
  walk("OrtCompileApi", api->GetCompileApi(), sizeof(OrtCompileApi));
  walk("OrtInteropApi", api->GetInteropApi(), sizeof(OrtInteropApi));
  walk("OrtEpApi", api->GetEpApi(), sizeof(OrtEpApi));
  walk("OrtModelPackageApi", api->GetModelPackageApi(), sizeof(OrtModelPackageApi));
  CHECK(api->GetTrainingApi(ORT_API_VERSION) == NULL);
  CHECK(strncmp(api->GetBuildInfoString(), "ORT Build Info:", 15) == 0);

  OrtExperimentalFnPtr f = api->GetExperimentalFunction("OrtApi_ExperimentalApiTest_SinceV28");
  CHECK(f != NULL);
  OrtStatus *(ORT_API_CALL * test)(int64_t *);
  memcpy(&test, &f, sizeof test);
  int64_t answer = 0;
  CHECK(test(&answer) == NULL && answer == 12345);
  CHECK(api->GetExperimentalFunction("no such function") == NULL);

  api->ReleaseEnv(NULL), api->ReleaseStatus(NULL), api->ReleaseMemoryInfo(NULL), api->ReleaseSession(NULL);
  api->ReleaseValue(NULL), api->ReleaseRunOptions(NULL), api->ReleaseTypeInfo(NULL), api->ReleaseSessionOptions(NULL);
  api->ReleaseTensorTypeAndShapeInfo(NULL), api->ReleaseCustomOpDomain(NULL), api->ReleaseModelMetadata(NULL);
  api->ReleaseThreadingOptions(NULL), api->ReleaseAllocator(NULL), api->ReleaseIoBinding(NULL), api->ReleaseArenaCfg(NULL);
  api->ReleasePrepackedWeightsContainer(NULL), api->ReleaseOpAttr(NULL), api->ReleaseOp(NULL), api->ReleaseKernelInfo(NULL);
  api->ReleaseLoraAdapter(NULL), api->ReleaseValueInfo(NULL), api->ReleaseNode(NULL), api->ReleaseGraph(NULL);
  api->ReleaseModel(NULL), api->ReleaseKeyValuePairs(NULL), api->ReleaseSyncStream(NULL);
  api->ReleaseExternalInitializerInfo(NULL), api->ReleaseDeviceEpIncompatibilityDetails(NULL);
  api->ReleaseTensorRTProviderOptions(NULL), api->ReleaseCUDAProviderOptions(NULL), api->ReleaseCANNProviderOptions(NULL);
  api->ReleaseDnnlProviderOptions(NULL), api->ReleaseROCMProviderOptions(NULL), api->ReleaseMapTypeInfo(NULL);
  api->ReleaseSequenceTypeInfo(NULL);

  OrtStatus *s = api->CreateStatus(ORT_EP_FAIL, "text");
  CHECK(s && api->GetErrorCode(s) == ORT_EP_FAIL && strcmp(api->GetErrorMessage(s), "text") == 0);
  api->ReleaseStatus(s);
  return abi_end("table");
}
