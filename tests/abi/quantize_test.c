// SPDX-License-Identifier: MIT
/* A quantised model is read again, gives nearly the same answers, and is smaller; what makes no sense is refused by name. A
 * library without the extension table passes by having none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "abi.h"
#include "sardonyx.h"

static const char *const digits = SX_SOURCE_DIR "/examples/digits/digits.onnx";
static char target[512];
static OrtEnv *env;
static OrtAllocator *heap;
static const SardonyxExtension *extension;

static const SardonyxExtension *find_extension(const char *path) {
#ifdef _WIN32
  void *f = (void *)GetProcAddress(LoadLibraryA(path), "SardonyxGetExtension");
#else
  void *f = dlsym(dlopen(path, RTLD_NOW | RTLD_LOCAL), "SardonyxGetExtension");
#endif
  if (!f) return NULL;
  SardonyxGetExtensionFn get;
  memcpy(&get, &f, sizeof get);
  return get(SARDONYX_EXTENSION_VERSION);
}

/* The answers of a model to twelve made-up pictures. */
static void answers(const char *model, float *out) {
  float x[64];
  for (int k = 0; k < 12; k++) {
    for (int i = 0; i < 64; i++) x[i] = (float)((i * (k + 3) + i / 8 * 5) % 17) / 16.0f;
    SardonyxModel m;
    SardonyxTensor in = {
        .name = "image", .type = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, .rank = 4, .dims = {1, 1, 8, 8}, .data = x};
    SardonyxTensor y = {.name = "probabilities"};
    OrtStatus *s = SardonyxOpen(&m, base, model);
    if (!s) s = SardonyxRun(&m, &in, 1, &y, 1);
    CHECK(!s);
    if (s)
      puts(api->GetErrorMessage(s));
    else
      memcpy(out + 10 * k, y.data, 10 * sizeof *out);
    SardonyxClose(&m, s, &y, 1);
  }
}

static OrtKeyValuePairs *options_of(const char *const *pairs) {
  OrtKeyValuePairs *options;
  api->CreateKeyValuePairs(&options);
  for (; *pairs; pairs += 2) api->AddKeyValuePair(options, pairs[0], pairs[1]);
  return options;
}

static OrtStatus *quantize(const char *const *pairs, char **report) {
  OrtKeyValuePairs *options = options_of(pairs);
  OrtStatus *s = extension->Quantize(env, digits, target, options, 1, heap, report);
  api->ReleaseKeyValuePairs(options);
  return s;
}

/* The model that was written answers as the digits do, but for so much; it is removed. */
static void near_digits(double nearness) {
  float before[120] = {0}, after[120] = {0};
  answers(digits, before), answers(target, after);
  double apart = 0;
  for (int i = 0; i < 120; i++) apart = fmax(apart, fabs((double)before[i] - (double)after[i]));
  if (apart > nearness) printf("apart by %g\n", apart);
  CHECK(apart <= nearness);
  (void)remove(target);
}

static void good(const char *const *pairs, const char *in_report, double nearness) {
  char *report = NULL;
  OrtStatus *s = quantize(pairs, &report);
  CHECK(!s);
  if (s) {
    puts(api->GetErrorMessage(s));
    api->ReleaseStatus(s);
    return;
  }
  CHECK(strstr(report, in_report) && strstr(report, "\"bytes_after\""));
  OK(AllocatorFree(heap, report));
  near_digits(nearness);
}

static void refused(const char *const *pairs, const char *word) {
  char *report = NULL;
  OrtStatus *s = quantize(pairs, &report);
  CHECK(s && api->GetErrorCode(s) == ORT_INVALID_ARGUMENT && strstr(api->GetErrorMessage(s), word));
  if (s) api->ReleaseStatus(s);
  FILE *f = fopen(target, "rb");
  CHECK(!f);
  if (f) fclose(f);
}

static void fails(OrtStatus *s, const char *word) {
  CHECK(s && strstr(api->GetErrorMessage(s), word));
  if (s && !strstr(api->GetErrorMessage(s), word)) puts(api->GetErrorMessage(s));
  if (s) api->ReleaseStatus(s);
}

static void give_samples(SardonyxCalibration *c) {
  OrtMemoryInfo *cpu = NULL;
  const int64_t dims[] = {1, 1, 8, 8};
  const char *const names[] = {"image"};
  float x[64];
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  for (int k = 0; k < 12; k++) {
    OrtValue *v = NULL;
    for (int i = 0; i < 64; i++) x[i] = (float)((i * (k + 3) + i / 8 * 5) % 17) / 16.0f;
    OK(CreateTensorWithDataAsOrtValue(cpu, x, sizeof x, dims, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &v));
    OrtStatus *s = extension->Calibrate(c, names, (const OrtValue *const *)&v, 1);
    CHECK(!s);
    api->ReleaseValue(v);
  }
  api->ReleaseMemoryInfo(cpu);
}

/* Weights rounded on samples, in as many passes as the memory asks for. */
static void weights(const char *const *pairs, int passes, double nearness) {
  OrtKeyValuePairs *options = options_of(pairs);
  SardonyxCalibration *c = NULL;
  char *report = NULL;
  int more = 1, n = 0;
  OrtStatus *s = extension->CreateWeightCalibration(env, NULL, digits, options, &c);
  CHECK(!s && c);
  if (s) puts(api->GetErrorMessage(s));
  fails(extension->CalibrationPass(c, &more), "no sample");
  fails(extension->CalibrationRanges(c, "minmax", 99, heap, &report), "weights");
  for (more = 1; more && n < 9; n++) {
    fails(extension->QuantizeCalibrated(c, target, NULL, NULL, 0, 1, heap, &report), "not finished");
    give_samples(c);
    CHECK(!extension->CalibrationPass(c, &more));
  }
  CHECK(n == passes);
  CHECK(!extension->QuantizeCalibrated(c, target, NULL, NULL, 0, 1, heap, &report) && strstr(report, "\"quantized\":true"));
  CHECK(report && strstr(report, "\"rounding\":\"gptq\""));
  OK(AllocatorFree(heap, report));
  near_digits(nearness);
  extension->ReleaseCalibration(c);
  api->ReleaseKeyValuePairs(options);
}

static void no_weights(const char *const *pairs, const char *word) {
  OrtKeyValuePairs *options = options_of(pairs);
  SardonyxCalibration *c = NULL;
  fails(extension->CreateWeightCalibration(env, NULL, digits, options, &c), word);
  CHECK(!c);
  api->ReleaseKeyValuePairs(options);
}

/* Ranges from twelve samples; the caller frees them with the allocator. */
static char *calibrate(const char *method) {
  SardonyxCalibration *c = NULL;
  const char *const names[] = {"image"};
  char *ranges = NULL;
  OrtStatus *s = extension->CreateCalibration(env, NULL, digits, &c);
  CHECK(!s && c);
  s = extension->CalibrationRanges(c, method, 99.99, heap, &ranges); /* before the first sample */
  CHECK(s && !ranges);
  api->ReleaseStatus(s);
  give_samples(c);
  s = extension->Calibrate(c, names, NULL, 1);
  CHECK(s && api->GetErrorCode(s) == ORT_INVALID_ARGUMENT);
  api->ReleaseStatus(s);
  s = extension->Calibrate(c, NULL, NULL, 0);
  CHECK(s && strstr(api->GetErrorMessage(s), "image"));
  api->ReleaseStatus(s);
  s = extension->CalibrationRanges(c, "guess", 99.99, heap, &ranges);
  CHECK(s && strstr(api->GetErrorMessage(s), "guess"));
  api->ReleaseStatus(s);
  s = extension->CalibrationRanges(c, method, 99.99, heap, &ranges);
  CHECK(!s && strstr(ranges, "\"image\": [0, 1"));
  extension->ReleaseCalibration(c);
  return ranges;
}

/* Times of both models in the report; inputs that are not the model's are refused. */
static void measured(void) {
  OrtMemoryInfo *cpu = NULL;
  OrtValue *v = NULL;
  const int64_t dims[] = {1, 1, 8, 8};
  const char *name = "image", *other = "picture";
  static float x[64];
  char *report = NULL;
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  OK(CreateTensorWithDataAsOrtValue(cpu, x, sizeof x, dims, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &v));
  for (int json = 0; json < 2; json++) {
    CHECK(!extension->QuantizeMeasured(env, NULL, digits, target, NULL, &name, (const OrtValue *const *)&v, 1, json, heap, &report));
    CHECK(strstr(report, json ? "\"us_after\":" : "times as fast") && !(json && strstr(report, "\"us_after\":null,\"nodes\"")));
    OK(AllocatorFree(heap, report));
    near_digits(0.1);
  }
  CHECK(!extension->QuantizeMeasured(env, NULL, digits, target, NULL, NULL, NULL, 0, 1, heap, &report));
  CHECK(strstr(report, "\"us_before\":null,\"us_after\":null,\"nodes\""));
  OK(AllocatorFree(heap, report));
  near_digits(0.1);
  fails(extension->QuantizeMeasured(env, NULL, digits, target, NULL, &other, (const OrtValue *const *)&v, 1, 0, heap, &report), "picture");
  (void)remove(target);
  fails(extension->QuantizeMeasured(env, NULL, digits, target, NULL, NULL, NULL, 1, 0, heap, &report), "NULL");
  api->ReleaseValue(v);
  api->ReleaseMemoryInfo(cpu);
}

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})
int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  if (!(extension = find_extension(argv[1])) || extension->version < 4) return puts("quantize_test: no extension"), 0;
  const char *folder = getenv("TMPDIR");
  snprintf(target, sizeof target, "%s/quantize_test_%p.onnx", folder ? folder : "/tmp", (void *)&env);
  OK(CreateEnv(ORT_LOGGING_LEVEL_ERROR, "quantize", &env));
  OK(GetAllocatorWithDefaultOptions(&heap));
  good((const char *const[]){NULL}, "\"quantized\":true", 0.1);
  good(OPTIONS("per_channel", "1"), "\"quantized\":true", 0.1);
  good(OPTIONS("weight_type", "uint8", "per_channel", "1"), "\"quantized\":true", 0.1);
  good(OPTIONS("op_types", "Softmax\n"), "not among those", 0);
  good(OPTIONS("skip_op_types", "MatMul\nConv\nGemm"), "operator is excluded", 0);
  refused(OPTIONS("mode", "static8"), "dynamic, static, nbits or half");
  static const char *const methods[] = {"minmax", "percentile", "entropy", "distribution"};
  static const char *const types[] = {"uint8", "int8", "uint16", "int16"};
  for (int m = 0; m < 4; m++) {
    char *ranges = calibrate(methods[m]);
    for (int k = 0; k < 4; k++) {
      good(OPTIONS("mode", "static", "ranges", ranges, "activation_type", types[k]), "\"quantized\":true", 0.1);
      good(OPTIONS("mode", "static", "ranges", ranges, "activation_type", types[k], "per_channel", "1"),
           "\"quantized\":true", 0.1);
    }
    OK(AllocatorFree(heap, ranges));
  }
  good(OPTIONS("mode", "half", "weight_type", "float16"), "\"quantized\":true", 0.01);
  good(OPTIONS("mode", "half", "weight_type", "bfloat16"), "\"quantized\":true", 0.05);
  refused(OPTIONS("mode", "half"), "float16");
  static const char *const bits[] = {"8", "4", "2"}, *const blocks[] = {"16", "32", "128"};
  for (int b = 0; b < 2; b++) /* pictures made up as these are lie between two digits: what 4 bits leave out decides */
    for (int k = 0; k < 3; k++) {
      good(OPTIONS("mode", "nbits", "bits", bits[b], "block_size", blocks[k]), "\"quantized\":true", b ? 0.5 : 0.1);
      good(OPTIONS("mode", "nbits", "bits", bits[b], "block_size", blocks[k], "symmetric_weights", "1"),
           "\"quantized\":true", b ? 0.5 : 0.1);
      good(OPTIONS("mode", "nbits", "bits", bits[b], "block_size", blocks[k], "method", "hqq"), "\"quantized\":true",
           b ? 0.5 : 0.1);
    }
  if (extension->version >= 5) {
    weights(OPTIONS("mode", "nbits", "method", "gptq"), 1, 0.5);
    weights(OPTIONS("mode", "nbits", "method", "gptq", "bits", "8", "memory", "0", "actorder", "1", "mse", "1"), 2, 0.1);
    weights(OPTIONS("mode", "nbits", "method", "gptq", "bits", "8", "share_scales", "1", "percdamp", "0.1"), 1, 0.1);
    measured();
    no_weights(OPTIONS("mode", "nbits"), "gptq");
    no_weights(OPTIONS("mode", "nbits", "method", "gptq", "percdamp", "-1"), "-1");
    no_weights(OPTIONS("mode", "nbits", "method", "gptq", "percdamp", "much"), "much");
    refused(OPTIONS("mode", "nbits", "method", "gptq"), "samples");
    refused(OPTIONS("mode", "nbits", "method", "hqq", "mse", "1"), "mse");
  }
  refused(OPTIONS("mode", "nbits", "bits", "3"), "3 bits");
  refused(OPTIONS("mode", "nbits", "block_size", "48"), "48");
  refused(OPTIONS("mode", "nbits", "block_size", "many"), "many");
  refused(OPTIONS("mode", "nbits", "method", "guess"), "guess");
  refused(OPTIONS("mode", "nbits", "method", "hqq", "symmetric_weights", "1"), "HQQ");
  refused(OPTIONS("mode", "static"), "calibrate");
  refused(OPTIONS("mode", "static", "ranges", "{\"x\": 5}"), "two numbers");
  refused(OPTIONS("mode", "static", "ranges", "{\"x\": [5, 1]}"), "lower one first");
  refused(OPTIONS("mode", "static", "ranges", "{\"x\": [0, 1]}", "activation_type", "int4"), "int4");
  refused(OPTIONS("weight_type", "float"), "float");
  refused(OPTIONS("weight_type", "int9"), "int9");
  refused(OPTIONS("per_channel", "yes"), "yes");
  refused(OPTIONS("mode", "magic"), "magic");
  refused(OPTIONS("colour", "red"), "colour");
  refused(OPTIONS("skip_nodes", "nobody"), "nobody");
  api->ReleaseEnv(env);
  return abi_end("quantize_test");
}
