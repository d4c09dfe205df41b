// SPDX-License-Identifier: MIT
/* Any model through the C interface: says what the model is and takes, runs it once on inputs that count 0, 1, 2, ..., and
 * prints the first numbers of each output. With a second argument it registers a library of custom operators first.
 *
 * Nothing here is particular to this library: linked to ONNX Runtime's it does the same. See README.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <onnxruntime_c_api.h>

/* The oldest version of the interface that has what is used here, not ORT_API_VERSION: so older libraries do, too. */
enum { NEEDED_VERSION = 14 };
static const OrtApi *api;

/* Every call that can fail gives a status; NULL is success. A status belongs to whoever got it. */
static void check(OrtStatus *status) {
  if (!status) return;
  fprintf(stderr, "error %d: %s\n", (int)api->GetErrorCode(status), api->GetErrorMessage(status));
  api->ReleaseStatus(status);
  exit(1);
}

static const char *type_name(ONNXTensorElementDataType t) {
  switch (t) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: return "float";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE: return "double";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: return "int64";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32: return "int32";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING: return "string";
    default: return "another type";
  }
}

enum { MOST_DIMS = 16 };
typedef struct shape {
  ONNXTensorElementDataType type;
  size_t rank, elements;
  int64_t dims[MOST_DIMS];
} shape;

/* From a description that the caller releases. Sizes that the model leaves open are -1 there, and 1 in what we make. */
static shape shape_of(const OrtTensorTypeAndShapeInfo *info) {
  shape s = {0};
  check(api->GetTensorElementType(info, &s.type));
  check(api->GetDimensionsCount(info, &s.rank));
  if (s.rank > MOST_DIMS) exit(1);
  check(api->GetDimensions(info, s.dims, s.rank));
  s.elements = 1;
  for (size_t i = 0; i < s.rank; i++) s.elements *= s.dims[i] >= 0 ? (size_t)s.dims[i] : 1;
  return s;
}

static void print_shape(const char *name, const shape *s) {
  printf("  %s: %s [", name, type_name(s->type));
  for (size_t i = 0; i < s->rank; i++) printf("%s%" PRId64, i ? ", " : "", s->dims[i]);
  puts("]");
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: %s MODEL [LIBRARY_OF_CUSTOM_OPERATORS]\n", argv[0]), 2;
  const OrtApiBase *base = OrtGetApiBase();
  api = base->GetApi(NEEDED_VERSION);
  if (!api) return fprintf(stderr, "the library %s is too old\n", base->GetVersionString()), 1;

  OrtEnv *env;
  OrtSessionOptions *options;
  OrtSession *session;
  OrtAllocator *allocator; /* one for all: not to be released */
  OrtMemoryInfo *cpu;
  check(api->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "client", &env));
  check(api->CreateSessionOptions(&options));
  if (argc > 2) check(api->RegisterCustomOpsLibrary_V2(options, argv[2]));
  check(api->CreateSession(env, argv[1], options, &session));
  check(api->GetAllocatorWithDefaultOptions(&allocator));
  check(api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));

  size_t n_in, n_out;
  check(api->SessionGetInputCount(session, &n_in));
  check(api->SessionGetOutputCount(session, &n_out));
  char **in_names = calloc(n_in + 1, sizeof *in_names), **out_names = calloc(n_out + 1, sizeof *out_names);
  OrtValue **inputs = calloc(n_in + 1, sizeof *inputs), **outputs = calloc(n_out + 1, sizeof *outputs);
  float **data = calloc(n_in + 1, sizeof *data);
  if (!in_names || !out_names || !inputs || !outputs || !data) return 1;

  puts("inputs");
  for (size_t i = 0; i < n_in; i++) {
    OrtTypeInfo *type;
    const OrtTensorTypeAndShapeInfo *tensor; /* part of `type`: not to be released */
    check(api->SessionGetInputName(session, i, allocator, &in_names[i]));
    check(api->SessionGetInputTypeInfo(session, i, &type));
    check(api->CastTypeInfoToTensorInfo(type, &tensor));
    if (!tensor) return fprintf(stderr, "%s is no tensor\n", in_names[i]), 1;
    shape s = shape_of(tensor);
    api->ReleaseTypeInfo(type);
    print_shape(in_names[i], &s);
    if (s.type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) return fprintf(stderr, "this client feeds floats alone\n"), 1;

    /* The value is made over our memory, which has to stay as long as the value. */
    for (size_t k = 0; k < s.rank; k++)
      if (s.dims[k] < 0) s.dims[k] = 1;
    if (!(data[i] = malloc((s.elements + 1) * sizeof(float)))) return 1;
    for (size_t k = 0; k < s.elements; k++) data[i][k] = (float)k;
    check(
        api->CreateTensorWithDataAsOrtValue(cpu, data[i], s.elements * sizeof(float), s.dims, s.rank, s.type, &inputs[i]));
  }
  for (size_t i = 0; i < n_out; i++) check(api->SessionGetOutputName(session, i, allocator, &out_names[i]));

  /* Outputs that are NULL are made by the run, and are ours to release. */
  check(api->Run(session, NULL, (const char *const *)in_names, (const OrtValue *const *)inputs, n_in,
                 (const char *const *)out_names, n_out, outputs));
  puts("outputs");
  for (size_t i = 0; i < n_out; i++) {
    OrtTensorTypeAndShapeInfo *info;
    check(api->GetTensorTypeAndShape(outputs[i], &info));
    shape s = shape_of(info);
    api->ReleaseTensorTypeAndShapeInfo(info);
    print_shape(out_names[i], &s);
    void *numbers;
    check(api->GetTensorMutableData(outputs[i], &numbers));
    for (size_t k = 0; k < s.elements && k < 8; k++)
      if (s.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) printf("    %g\n", ((const float *)numbers)[k]);
  }

  for (size_t i = 0; i < n_in; i++)
    api->ReleaseValue(inputs[i]), check(api->AllocatorFree(allocator, in_names[i])), free(data[i]);
  for (size_t i = 0; i < n_out; i++) api->ReleaseValue(outputs[i]), check(api->AllocatorFree(allocator, out_names[i]));
  free(in_names), free(out_names), free(inputs), free(outputs), free(data);
  api->ReleaseMemoryInfo(cpu), api->ReleaseSession(session), api->ReleaseSessionOptions(options), api->ReleaseEnv(env);
  return 0;
}
