// SPDX-License-Identifier: MIT
/* What ONNX Runtime's interface has no word for. SardonyxGetExtension is looked up by name in the library that gave
 * OrtGetApiBase; another library with that interface does not have it. Rules of ownership as in onnxruntime_c_api.h.
 * Reports are text for people or JSON, allocated with the caller's allocator and freed with it. */
#ifndef SARDONYX_H
#define SARDONYX_H
#include "onnxruntime_c_api.h"
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SARDONYX_EXTENSION_VERSION 6

/* Element types that ONNX Runtime has no number for: six-bit floats, one per byte, the code in its low bits. */
#define SX_ELEMENT_FLOAT6E2M3 ((ONNXTensorElementDataType)27)
#define SX_ELEMENT_FLOAT6E3M2 ((ONNXTensorElementDataType)28)

/* Ranges that the values of a model take, from samples (version 4). */
typedef struct SardonyxCalibration SardonyxCalibration;

typedef struct SardonyxExtension {
  uint32_t version; /* of this table; members are only added, at the end */
  /* How a session runs its model, step by step: kernel, provider, source nodes, bytes, and why. `json`: 0 text for people,
   * 1 JSON. The string is allocated with `allocator`. */
  OrtStatusPtr(ORT_API_CALL *Explain)(const OrtSession *session, int json, OrtAllocator *allocator, char **out);
  /* Reads a model, plans it as a session with the default options would, and lists every problem it finds, not the first
   * alone: node, operator and domain, what was expected, what was found. A model with problems is a success with *problems
   * > 0; a failed status means that the check itself could not be done. */
  OrtStatusPtr(ORT_API_CALL *Check)(const OrtEnv *env, const ORTCHAR_T *path, int json, OrtAllocator *allocator, char **out,
                                    size_t *problems);
  /* The same for a model in memory; external data are looked for in the working directory. */
  OrtStatusPtr(ORT_API_CALL *CheckArray)(const OrtEnv *env, const void *data, size_t size, int json,
                                         OrtAllocator *allocator, char **out, size_t *problems);
  /* Bytes by use. Of a session: files that are mapped, constants that lie in the heap instead, and weights that kernels
   * have rearranged (shared ones count in each session that uses them); of the process, and alone when session is NULL:
   * allocations so far, as Allocations gives them, and what the machine and the control groups still grant ("available",
   * bytes). JSON is one object of numbers with the keys mapped, constants, packed, allocations and available, the first
   * three 0 without a session. Slabs and scratch of runs are not counted. May be called from any thread while the session
   * runs. */
  OrtStatusPtr(ORT_API_CALL *Memory)(const OrtSession *session, int json, OrtAllocator *allocator, char **out);
  /* Gives back what no run needs at the moment: slabs, plans and scratch of one session, or (NULL) of all. */
  OrtStatusPtr(ORT_API_CALL *Trim)(OrtSession *session);
  /* Allocations that the library has made so far in this process, ever growing. Two readings around a run count that
   * run. */
  uint64_t(ORT_API_CALL *Allocations)(void);
  /* Version 2. Check for a session with these options (NULL: the defaults), its level and custom operators for instance. */
  OrtStatusPtr(ORT_API_CALL *CheckFor)(const OrtEnv *env, const OrtSessionOptions *options, const ORTCHAR_T *path, int json,
                                       OrtAllocator *allocator, char **out, size_t *problems);
  /* Version 3. The operators that a session with these options needs, those included that fusion makes, in lines
   * "domain;opset;Conv,Relu": the list from which a smaller library is made. */
  OrtStatusPtr(ORT_API_CALL *Operators)(const OrtEnv *env, const OrtSessionOptions *options, const ORTCHAR_T *path,
                                        OrtAllocator *allocator, char **out);
  /* Version 4. Writes a quantised model to the file `to` (over 2 GiB with its weights in a file beside it) and reports on
   * every node that could have been: quantised with which error of its weight, or why not. `options` by key, NULL: the
   * defaults, which stand first here.
   * - mode: "dynamic": weights now, activations while the model runs; "static": both now, with QuantizeLinear and
   *   DequantizeLinear around the operators; "nbits": weights alone, in blocks of few bits; "half":
   *   floats of 16 bits, with weight_type "float16" or "bfloat16"
   * - keep_io_types: for half; "1"; "0": inputs and outputs have 16 bits, too
   * - bits: for nbits; "4", "2", "8"
   * - block_size: for nbits; "32", or a power of two from "16" to "256"
   * - method: for nbits; "rtn", "hqq" (more exact), "gptq" (on samples: CreateWeightCalibration)
   * - mse: for rtn and gptq; "0"; "1": ranges of blocks are narrowed to where the error is least
   * - percdamp: for gptq; "0.01", the share of the mean moment that is added to all of them
   * - actorder: for gptq; "0"; "1": elements that meet large values are rounded first
   * - share_scales: for gptq; "0"; "1": the rows of a matrix have the scales of their blocks in common
   * - memory: for gptq; "1024", MiB that moments may take at a time
   * - symmetric_weights: for nbits; "0"; "1": no zero points
   * - accuracy_level: for nbits; "0": products of floats; "4": of 8-bit integers, where the machine is faster with them
   * - ranges: for static; JSON as CalibrationRanges gives it, {"value": [lowest, highest], ...}
   * - format: for static; "qdq", "qoperator" (QLinearConv and its kin, where there are such; 8 bits)
   * - weight_type: "int8", "uint8"; for static in the format "qdq", too: "int4", "uint4", "int16", "uint16"
   * - activation_type: for static; "uint8", "int8", "uint16", "int16"
   * - symmetric_activations: "0"; "1": their zero point is the middle
   * - constant_b_only: for static; "1"; "0": products of two values that both come while the model runs, too
   * - per_channel: "0"; "1": a scale for each output channel of a weight
   * - reduce_range: "0"; "1": weights of 7 bits
   * - op_types, skip_op_types, nodes, skip_nodes: names, one per line: operators to quantise, operators to leave, nodes to
   *   quantise alone, nodes to leave
   *
   * The report as JSON: {"bytes_before", "bytes_after", "nodes": [{"name", "op_type", "quantized", "reason",
   * "weight_error", "rounding": of nbits what the method became, ...}], "text": the report as text}.
   * INVALID_ARGUMENT: an option that is not known or makes no sense, a node that the model does not have. */
  OrtStatusPtr(ORT_API_CALL *Quantize)(const OrtEnv *env, const ORTCHAR_T *path, const ORTCHAR_T *to,
                                       const OrtKeyValuePairs *options, int json, OrtAllocator *allocator, char **out);
  /* A calibration loads the model once more; session options may be NULL. Each sample is a run, whose values are looked at
   * and dropped: memory does not grow with their number. It belongs to one thread at a time. Ranges by method: "minmax",
   * "percentile" (so many % of the numbers stay inside), "entropy" or "distribution" (minmax, and behind that the mean and
   * the standard deviation); JSON. */
  OrtStatusPtr(ORT_API_CALL *CreateCalibration)(const OrtEnv *env, const OrtSessionOptions *options, const ORTCHAR_T *path,
                                                SardonyxCalibration **out);
  OrtStatusPtr(ORT_API_CALL *Calibrate)(SardonyxCalibration *calibration, const char *const *names,
                                        const OrtValue *const *values, size_t count);
  OrtStatusPtr(ORT_API_CALL *CalibrationRanges)(const SardonyxCalibration *calibration, const char *method,
                                                double percentile, OrtAllocator *allocator, char **out);
  void(ORT_API_CALL *ReleaseCalibration)(SardonyxCalibration *calibration);
  /* Version 5. A calibration of weights, for the mode "nbits" and the method "gptq" among the options, which are
   * Quantize's. After all samples were given to Calibrate, CalibrationPass rounds the matrices that there was memory for;
   * *more: the same samples are to be given again, for the others. After a pass that
   * failed all is FAIL but the release. When all passes are done (FAIL: not yet) QuantizeCalibrated writes the model, as
   * QuantizeMeasured does. */
  OrtStatusPtr(ORT_API_CALL *CreateWeightCalibration)(const OrtEnv *env, const OrtSessionOptions *options,
                                                      const ORTCHAR_T *path, const OrtKeyValuePairs *quantize,
                                                      SardonyxCalibration **out);
  OrtStatusPtr(ORT_API_CALL *CalibrationPass)(SardonyxCalibration *calibration, int *more);
  OrtStatusPtr(ORT_API_CALL *QuantizeCalibrated)(const SardonyxCalibration *calibration, const ORTCHAR_T *to,
                                                 const char *const *names, const OrtValue *const *values, size_t count,
                                                 int json, OrtAllocator *allocator, char **out);
  /* Quantize; then both models are loaded with the session options (may be NULL) and run on these inputs for half a second,
   * and the report has the times of a run and of every node: "us_before", "us_after". Without inputs (count 0) it has none.
   */
  OrtStatusPtr(ORT_API_CALL *QuantizeMeasured)(const OrtEnv *env, const OrtSessionOptions *session, const ORTCHAR_T *path,
                                               const ORTCHAR_T *to, const OrtKeyValuePairs *options,
                                               const char *const *names, const OrtValue *const *values, size_t count,
                                               int json, OrtAllocator *allocator, char **out);
  /* Version 6. The maps of a sequence at once, where all have the same keys, as the operator ZipMap makes them: *keys is a
   * tensor of its own with the keys, *type the element type of the values, and rows[i] (i < count, the sequence's length) are
   * the values of map i in the order of the keys; they live as long as the sequence. Where keys differ, the values are
   * texts, or the value is no sequence of maps, *keys is NULL: then there is GetValue. */
  OrtStatusPtr(ORT_API_CALL *SequenceMaps)(const OrtValue *sequence, OrtAllocator *allocator, OrtValue **keys,
                                           ONNXTensorElementDataType *type, const void **rows, size_t count);
} SardonyxExtension;

/* NULL for a version that is not known. */
ORT_EXPORT const SardonyxExtension *ORT_API_CALL SardonyxGetExtension(uint32_t version);
typedef const SardonyxExtension *(ORT_API_CALL *SardonyxGetExtensionFn)(uint32_t version);

/* For small programs: a model and its tensors with no handles in sight, on any library with this C ABI.
 *
 *   SardonyxModel m;
 *   SardonyxTensor x = {.name = "x", .type = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, .rank = 2, .dims = {1, 64}, .data =
 * pixels}; SardonyxTensor y = {.name = "y"}; OrtStatus *s = SardonyxOpen(&m, OrtGetApiBase(), "digits.onnx"); if (!s) s =
 * SardonyxRun(&m, &x, 1, &y, 1); if (s) puts(m.api ? m.api->GetErrorMessage(s) : "the library is too old"); else
 *     show((const float *)y.data, y.dims[1]);
 *   SardonyxClose(&m, s, &y, 1);
 */
typedef struct SardonyxModel {
  const OrtApi *api;
  OrtEnv *env;
  OrtSession *session;
  OrtMemoryInfo *host;
} SardonyxModel;

typedef struct SardonyxTensor {
  const char *name;
  ONNXTensorElementDataType type; /* given for inputs, filled in for outputs, as are: */
  size_t rank;
  int64_t dims[8];
  void *data;      /* of an output: in `value` */
  OrtValue *value; /* of an output, NULL before its first run; released by SardonyxClose */
} SardonyxTensor;

/* Bytes of `count` elements; 0 for texts. Types below 8 bits are packed. */
static inline size_t SardonyxBytes(ONNXTensorElementDataType type, size_t count) {
  /* bits, in the order of ONNXTensorElementDataType */
  static const unsigned char bits[] = {0,  32,  8,  8, 16, 16, 32, 64, 0, 8, 16, 64, 32, 64,
                                       64, 128, 16, 8, 8,  8,  8,  4,  4, 4, 2,  2,  8};
  return ((unsigned)type < sizeof bits ? bits[(unsigned)type] : 0u) * count / 8 +
         (((unsigned)type < sizeof bits ? bits[(unsigned)type] : 0u) * count % 8 != 0);
}

/* On failure *m can still be closed; m->api is NULL when the library does not know this header's version. */
static inline OrtStatus *SardonyxOpen(SardonyxModel *m, const OrtApiBase *base, const ORTCHAR_T *path) {
  OrtSessionOptions *options = NULL;
  memset(m, 0, sizeof *m);
  m->api = base->GetApi(ORT_API_VERSION);
  if (!m->api) return base->GetApi(1)->CreateStatus(ORT_NOT_IMPLEMENTED, "the library is older than the program");
  OrtStatus *s = m->api->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "sardonyx", &m->env);
  if (!s) s = m->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &m->host);
  if (!s) s = m->api->CreateSessionOptions(&options);
  if (!s) s = m->api->CreateSession(m->env, path, options, &m->session);
  if (options) m->api->ReleaseSessionOptions(options);
  return s;
}

static inline OrtStatus *SardonyxDescribe(const SardonyxModel *m, SardonyxTensor *t) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  OrtStatus *s = m->api->GetTensorTypeAndShape(t->value, &info);
  if (!s) s = m->api->GetTensorElementType(info, &t->type);
  if (!s) s = m->api->GetDimensionsCount(info, &t->rank);
  if (!s && t->rank > 8) s = m->api->CreateStatus(ORT_INVALID_ARGUMENT, "an output has more than 8 dimensions");
  if (!s) s = m->api->GetDimensions(info, t->dims, t->rank);
  if (info) m->api->ReleaseTensorTypeAndShapeInfo(info);
  if (!s && t->type != ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) s = m->api->GetTensorMutableData(t->value, &t->data);
  return s;
}

/* Runs with up to 16 inputs and 16 outputs. An output keeps its value from run to run and is replaced by the next. */
static inline OrtStatus *SardonyxRun(SardonyxModel *m, const SardonyxTensor *in, size_t num_in, SardonyxTensor *out,
                                     size_t num_out) {
  const char *names[32];
  OrtValue *values[32] = {NULL};
  OrtStatus *s = NULL;
  size_t i, d, count;
  if (num_in > 16 || num_out > 16) return m->api->CreateStatus(ORT_INVALID_ARGUMENT, "more than 16 inputs or outputs");
  for (i = 0; i < num_in && !s; i++) {
    for (count = 1, d = 0; d < in[i].rank; d++) count *= (size_t)in[i].dims[d];
    names[i] = in[i].name;
    s = m->api->CreateTensorWithDataAsOrtValue(m->host, in[i].data, SardonyxBytes(in[i].type, count), in[i].dims,
                                               in[i].rank, in[i].type, &values[i]);
  }
  for (i = 0; i < num_out; i++) names[16 + i] = out[i].name;
  if (!s)
    s = m->api->Run(m->session, NULL, names, (const OrtValue *const *)values, num_in, names + 16, num_out, values + 16);
  for (i = 0; i < num_in; i++)
    if (values[i]) m->api->ReleaseValue(values[i]);
  for (i = 0; i < num_out && !s; i++) {
    if (out[i].value) m->api->ReleaseValue(out[i].value);
    out[i].value = values[16 + i];
    values[16 + i] = NULL;
    s = SardonyxDescribe(m, &out[i]);
  }
  for (; i < num_out; i++)
    if (values[16 + i]) m->api->ReleaseValue(values[16 + i]);
  return s;
}

/* Releases a status (NULL allowed), outputs and the model. */
static inline void SardonyxClose(SardonyxModel *m, OrtStatus *status, SardonyxTensor *out, size_t num_out) {
  if (!m->api) return;
  for (size_t i = 0; i < num_out; i++) {
    if (out[i].value) m->api->ReleaseValue(out[i].value);
    out[i].value = NULL;
  }
  if (status) m->api->ReleaseStatus(status);
  if (m->session) m->api->ReleaseSession(m->session);
  if (m->host) m->api->ReleaseMemoryInfo(m->host);
  if (m->env) m->api->ReleaseEnv(m->env);
  memset(m, 0, sizeof *m);
}

#ifdef __cplusplus
}
#endif
#endif
