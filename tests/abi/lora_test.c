// SPDX-License-Identifier: MIT
/* LoRA adapters: parameters of a file become inputs of a run, for as long as its options say; damaged files are refused. */
#include "abi.h"
#include "models.h"

#define FLOAT ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
static OrtEnv *env;
static OrtMemoryInfo *cpu;

static void run(OrtSession *s, const OrtRunOptions *o, float want0, float want1) {
  float data[2] = {1, 2}, *got = NULL;
  int64_t dims[2] = {1, 2};
  const char *in = "x", *out = "y";
  OrtValue *x = NULL, *y = NULL;
  OK(CreateTensorWithDataAsOrtValue(cpu, data, sizeof data, dims, 2, FLOAT, &x));
  OK(Run(s, o, &in, (const OrtValue *const *)&x, 1, &out, 1, &y));
  if (y) {
    OK(GetTensorMutableData(y, (void **)&got));
    CHECK(got[0] == want0 && got[1] == want1);
  }
  api->ReleaseValue(x), api->ReleaseValue(y);
}

/* Every cut and every changed byte is an adapter or a status. */
static void damaged(void) {
  for (size_t n = 0; n < sizeof model_adapter; n++) {
    unsigned char *copy = (unsigned char *)malloc(sizeof model_adapter + 1);
    OrtLoraAdapter *a = NULL;
    memcpy(copy, model_adapter, sizeof model_adapter);
    OrtStatus *s = n ? api->CreateLoraAdapterFromArray(copy, n, NULL, &a) : NULL;
    if (s) api->ReleaseStatus(s);
    else api->ReleaseLoraAdapter(a);
    a = NULL;
    copy[n] ^= 0x41;
    s = api->CreateLoraAdapterFromArray(copy, sizeof model_adapter, NULL, &a);
    if (s) api->ReleaseStatus(s);
    else api->ReleaseLoraAdapter(a);
    free(copy);
  }
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  OrtSession *s = NULL;
  OrtRunOptions *o = NULL;
  OrtLoraAdapter *a = NULL, *none = NULL;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "lora", &env));
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  OK(CreateSessionFromArray(env, model_add, sizeof model_add, NULL, &s));
  OK(CreateLoraAdapterFromArray(model_adapter, sizeof model_adapter, NULL, &a));
  OK(CreateRunOptions(&o));
  run(s, o, 11, 22); /* x + w, with w = 10, 20 */
  OK(RunOptionsAddActiveLoraAdapter(o, a));
  run(s, o, 101, 202);
  run(s, NULL, 11, 22);
  CODE(ORT_INVALID_ARGUMENT, CreateLoraAdapter(ORT_TSTR("/no/such/adapter"), NULL, &none));
  CODE(ORT_FAIL, CreateLoraAdapterFromArray(model_add, sizeof model_add, NULL, &none));
  damaged();
  api->ReleaseRunOptions(o);
  api->ReleaseLoraAdapter(a);
  api->ReleaseSession(s);
  api->ReleaseMemoryInfo(cpu);
  api->ReleaseEnv(env);
  return abi_end("lora");
}
