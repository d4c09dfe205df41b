// SPDX-License-Identifier: MIT
/* The C interface: ONNX Runtime's, source- and binary-compatible, at API version 31.
 *
 * OrtGetApiBase() is the one symbol to link or look up. Its GetApi(v) gives a table of functions for every version v up to
 * ORT_API_VERSION; a table only ever grows at its end, so a program built against an older header finds its slots where it
 * expects them. Unless a comment says otherwise: a function returns NULL or a status that the caller releases; what a
 * function creates through an `Ort...** out` of a class with a Release function belongs to the caller; other results are
 * borrowed from the object they were asked of; strings handed out together with an allocator argument are freed with that
 * allocator; text is UTF-8 and copied; objects are used by one thread at a time, sessions, environments and allocators by any
 * number. */
#ifndef ONNXRUNTIME_C_API_H
#define ONNXRUNTIME_C_API_H
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ORT_API_VERSION 31

#ifdef __cplusplus
extern "C" {
#endif

/* Annotations that programs written for this interface use in their own declarations; they mean nothing to the compilers
 * that do not know them. */
#ifdef _WIN32
#include <sal.h>
#else
#define _In_
#define _In_z_
#define _In_opt_
#define _In_opt_z_
#define _Out_
#define _Out_opt_
#define _Outptr_
#define _Outptr_opt_
#define _Inout_
#define _Inout_opt_
#define _Frees_ptr_opt_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Check_return_
#define _Outptr_result_maybenull_
#define _Outptr_result_maybenull_z_
#define _In_reads_(X)
#define _In_reads_opt_
#define _Inout_updates_(X)
#define _Out_writes_(X)
#define _Out_writes_opt_(X)
#define _Inout_updates_all_(X)
#define _Out_writes_bytes_all_(X)
#define _Out_writes_all_(X)
#define _Success_(X)
#define _Outptr_result_buffer_maybenull_(X)
#endif
#define ORT_ALL_ARGS_NONNULL

#ifdef _WIN32
#ifdef ORT_DLL_IMPORT
#define ORT_EXPORT __declspec(dllimport)
#else
#define ORT_EXPORT
#endif
#define ORT_API_CALL __stdcall
#define ORT_MUST_USE_RESULT
#define ORTCHAR_T wchar_t
#define ORT_TSTR(X) L##X
#define ORT_TSTR_ON_MACRO(X) L"" X
#else
#ifdef __GNUC__
#define ORT_EXPORT __attribute__((visibility("default")))
#define ORT_MUST_USE_RESULT __attribute__((warn_unused_result))
#else
#define ORT_EXPORT
#define ORT_MUST_USE_RESULT
#endif
#define ORT_API_CALL
#define ORTCHAR_T char
#ifndef ORT_TSTR
#define ORT_TSTR(X) X
#define ORT_TSTR_ON_MACRO(X) X
#endif
#endif
#ifndef ORT_FILE
#define ORT_FILE_INTERNAL(x) ORT_TSTR(x)
#define ORT_FILE ORT_FILE_INTERNAL(__FILE__)
#endif

#ifdef __cplusplus
#define NO_EXCEPTION noexcept
#define ORT_DEFAULT(x) {x} /* initial value of a member in C++ */
#else
#define NO_EXCEPTION
#define ORT_DEFAULT(x)
#endif

/* Declarations: a function, a member that is a function pointer, and the same for functions that return a status. */
#define ORT_API(RETURN_TYPE, NAME, ...) RETURN_TYPE ORT_API_CALL NAME(__VA_ARGS__) NO_EXCEPTION
#define ORT_API_T(RETURN_TYPE, NAME, ...) RETURN_TYPE(ORT_API_CALL *NAME)(__VA_ARGS__) NO_EXCEPTION
#define ORT_API_STATUS(NAME, ...) OrtStatusPtr ORT_API_CALL NAME(__VA_ARGS__) NO_EXCEPTION ORT_MUST_USE_RESULT
#define ORT_API2_STATUS(NAME, ...) OrtStatusPtr(ORT_API_CALL *NAME)(__VA_ARGS__) NO_EXCEPTION ORT_MUST_USE_RESULT
#define ORT_API_STATUS_IMPL(NAME, ...) OrtStatusPtr ORT_API_CALL NAME(__VA_ARGS__) NO_EXCEPTION
#define ORT_CLASS_RELEASE(X) void(ORT_API_CALL *Release##X)(Ort##X * input)
#define ORT_RUNTIME_CLASS(X) \
  struct Ort##X;             \
  typedef struct Ort##X Ort##X

typedef enum OrtErrorCode {
  ORT_OK, ORT_FAIL, ORT_INVALID_ARGUMENT, ORT_NO_SUCHFILE, ORT_NO_MODEL, ORT_ENGINE_ERROR, ORT_RUNTIME_EXCEPTION,
  ORT_INVALID_PROTOBUF, ORT_MODEL_LOADED, ORT_NOT_IMPLEMENTED, ORT_INVALID_GRAPH, ORT_EP_FAIL, ORT_MODEL_LOAD_CANCELED,
  ORT_MODEL_REQUIRES_COMPILATION, ORT_NOT_FOUND, ORT_DEVICE_RESET
} OrtErrorCode;

/* Element types: TensorProto.DataType up to FLOAT4E2M1, then on their own. */
typedef enum ONNXTensorElementDataType {
  ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64, ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX64,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX128, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FN, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FNUZ,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2FNUZ,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT4, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT4E2M1,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT2, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E8M0
} ONNXTensorElementDataType;
typedef enum ONNXType {
  ONNX_TYPE_UNKNOWN, ONNX_TYPE_TENSOR, ONNX_TYPE_SEQUENCE, ONNX_TYPE_MAP, ONNX_TYPE_OPAQUE, ONNX_TYPE_SPARSETENSOR,
  ONNX_TYPE_OPTIONAL
} ONNXType;
typedef enum OrtSparseFormat {
  ORT_SPARSE_UNDEFINED = 0, ORT_SPARSE_COO = 0x1, ORT_SPARSE_CSRC = 0x2, ORT_SPARSE_BLOCK_SPARSE = 0x4
} OrtSparseFormat;
enum OrtSparseIndicesFormat {
  ORT_SPARSE_COO_INDICES, ORT_SPARSE_CSR_INNER_INDICES, ORT_SPARSE_CSR_OUTER_INDICES, ORT_SPARSE_BLOCK_SPARSE_INDICES
};
typedef enum OrtLoggingLevel {
  ORT_LOGGING_LEVEL_VERBOSE, ORT_LOGGING_LEVEL_INFO, ORT_LOGGING_LEVEL_WARNING, ORT_LOGGING_LEVEL_ERROR,
  ORT_LOGGING_LEVEL_FATAL
} OrtLoggingLevel;
typedef enum OrtOpAttrType {
  ORT_OP_ATTR_UNDEFINED = 0, ORT_OP_ATTR_INT, ORT_OP_ATTR_INTS, ORT_OP_ATTR_FLOAT, ORT_OP_ATTR_FLOATS,
  ORT_OP_ATTR_STRING, ORT_OP_ATTR_STRINGS, ORT_OP_ATTR_GRAPH, ORT_OP_ATTR_TENSOR
} OrtOpAttrType;

ORT_RUNTIME_CLASS(Env);
ORT_RUNTIME_CLASS(Status);
ORT_RUNTIME_CLASS(MemoryInfo);
ORT_RUNTIME_CLASS(IoBinding);
ORT_RUNTIME_CLASS(Session);
ORT_RUNTIME_CLASS(Value);
ORT_RUNTIME_CLASS(RunOptions);
ORT_RUNTIME_CLASS(TypeInfo);
ORT_RUNTIME_CLASS(TensorTypeAndShapeInfo);
ORT_RUNTIME_CLASS(MapTypeInfo);
ORT_RUNTIME_CLASS(SequenceTypeInfo);
ORT_RUNTIME_CLASS(OptionalTypeInfo);
ORT_RUNTIME_CLASS(SessionOptions);
ORT_RUNTIME_CLASS(CustomOpDomain);
ORT_RUNTIME_CLASS(ModelMetadata);
ORT_RUNTIME_CLASS(ThreadPoolParams);
ORT_RUNTIME_CLASS(ThreadingOptions);
ORT_RUNTIME_CLASS(ArenaCfg);
ORT_RUNTIME_CLASS(PrepackedWeightsContainer);
ORT_RUNTIME_CLASS(TensorRTProviderOptionsV2);
ORT_RUNTIME_CLASS(NvTensorRtRtxProviderOptions);
ORT_RUNTIME_CLASS(CUDAProviderOptionsV2);
ORT_RUNTIME_CLASS(CANNProviderOptions);
ORT_RUNTIME_CLASS(DnnlProviderOptions);
ORT_RUNTIME_CLASS(Op);
ORT_RUNTIME_CLASS(OpAttr);
ORT_RUNTIME_CLASS(Logger);
ORT_RUNTIME_CLASS(ShapeInferContext);
ORT_RUNTIME_CLASS(LoraAdapter);
ORT_RUNTIME_CLASS(ValueInfo);
ORT_RUNTIME_CLASS(Node);
ORT_RUNTIME_CLASS(Graph);
ORT_RUNTIME_CLASS(Model);
ORT_RUNTIME_CLASS(ModelCompilationOptions);
ORT_RUNTIME_CLASS(HardwareDevice);
ORT_RUNTIME_CLASS(EpDevice);
ORT_RUNTIME_CLASS(KeyValuePairs);
ORT_RUNTIME_CLASS(SyncStream);
ORT_RUNTIME_CLASS(ExternalInitializerInfo);
ORT_RUNTIME_CLASS(ExternalResourceImporter);
ORT_RUNTIME_CLASS(ExternalMemoryHandle);
ORT_RUNTIME_CLASS(ExternalSemaphoreHandle);
ORT_RUNTIME_CLASS(DeviceEpIncompatibilityDetails);
ORT_RUNTIME_CLASS(EpAssignedSubgraph);
ORT_RUNTIME_CLASS(EpAssignedNode);
ORT_RUNTIME_CLASS(KernelInfo);
ORT_RUNTIME_CLASS(KernelContext);
ORT_RUNTIME_CLASS(ModelPackageOptions);
ORT_RUNTIME_CLASS(ModelPackageContext);
ORT_RUNTIME_CLASS(ModelPackageComponentContext);
ORT_RUNTIME_CLASS(EpContextConfig);
ORT_RUNTIME_CLASS(CustomOp);
ORT_RUNTIME_CLASS(Api);
ORT_RUNTIME_CLASS(TrainingApi);
ORT_RUNTIME_CLASS(ModelEditorApi);
ORT_RUNTIME_CLASS(CompileApi);
ORT_RUNTIME_CLASS(InteropApi);
ORT_RUNTIME_CLASS(EpApi);
ORT_RUNTIME_CLASS(ModelPackageApi);
typedef OrtStatus *OrtStatusPtr;
typedef void (ORT_API_CALL *OrtExperimentalFnPtr)(void);

/* An allocator, the library's or the caller's. `version` is the API version its maker was built with: Reserve is read from
 * 18, GetStats and AllocOnStream from 23, Shrink from 25; the last three may be NULL. */
typedef struct OrtAllocator {
  uint32_t version;
  void *(ORT_API_CALL *Alloc)(struct OrtAllocator *this_, size_t size);
  void (ORT_API_CALL *Free)(struct OrtAllocator *this_, void *p);
  const struct OrtMemoryInfo *(ORT_API_CALL *Info)(const struct OrtAllocator *this_);
  void *(ORT_API_CALL *Reserve)(struct OrtAllocator *this_, size_t size);
  ORT_API2_STATUS(GetStats, const struct OrtAllocator *this_, OrtKeyValuePairs **out);
  void *(ORT_API_CALL *AllocOnStream)(struct OrtAllocator *this_, size_t size, OrtSyncStream *stream);
  ORT_API2_STATUS(Shrink, struct OrtAllocator *this_);
} OrtAllocator;

/* A sink for log messages, called from any thread. */
typedef void (ORT_API_CALL *OrtLoggingFunction)(void *param, OrtLoggingLevel severity, const char *category,
                                                const char *logid, const char *code_location, const char *message);

typedef enum GraphOptimizationLevel {
  ORT_DISABLE_ALL = 0, ORT_ENABLE_BASIC = 1, ORT_ENABLE_EXTENDED = 2, ORT_ENABLE_LAYOUT = 3, ORT_ENABLE_ALL = 99
} GraphOptimizationLevel;
typedef enum ExecutionMode { ORT_SEQUENTIAL = 0, ORT_PARALLEL = 1 } ExecutionMode;
typedef enum OrtLanguageProjection {
  ORT_PROJECTION_C = 0, ORT_PROJECTION_CPLUSPLUS = 1, ORT_PROJECTION_CSHARP = 2, ORT_PROJECTION_PYTHON = 3,
  ORT_PROJECTION_JAVA = 4, ORT_PROJECTION_WINML = 5, ORT_PROJECTION_NODEJS = 6
} OrtLanguageProjection;
typedef enum OrtAllocatorType {
  OrtInvalidAllocator = -1, OrtDeviceAllocator = 0, OrtArenaAllocator = 1, OrtReadOnlyAllocator = 2
} OrtAllocatorType;
typedef enum OrtMemType {
  OrtMemTypeCPUInput = -2, OrtMemTypeCPUOutput = -1, OrtMemTypeCPU = OrtMemTypeCPUOutput, OrtMemTypeDefault = 0
} OrtMemType;
typedef enum OrtDeviceMemoryType {
  OrtDeviceMemoryType_DEFAULT = 0, OrtDeviceMemoryType_HOST_ACCESSIBLE = 5
} OrtDeviceMemoryType;
typedef enum OrtMemoryInfoDeviceType {
  OrtMemoryInfoDeviceType_CPU = 0, OrtMemoryInfoDeviceType_GPU = 1, OrtMemoryInfoDeviceType_FPGA = 2,
  OrtMemoryInfoDeviceType_NPU = 3
} OrtMemoryInfoDeviceType;
typedef enum OrtHardwareDeviceType {
  OrtHardwareDeviceType_CPU, OrtHardwareDeviceType_GPU, OrtHardwareDeviceType_NPU
} OrtHardwareDeviceType;
typedef enum OrtExecutionProviderDevicePolicy {
  OrtExecutionProviderDevicePolicy_DEFAULT, OrtExecutionProviderDevicePolicy_PREFER_CPU,
  OrtExecutionProviderDevicePolicy_PREFER_NPU, OrtExecutionProviderDevicePolicy_PREFER_GPU,
  OrtExecutionProviderDevicePolicy_MAX_PERFORMANCE, OrtExecutionProviderDevicePolicy_MAX_EFFICIENCY,
  OrtExecutionProviderDevicePolicy_MIN_OVERALL_POWER
} OrtExecutionProviderDevicePolicy;
typedef enum OrtDeviceEpIncompatibilityReason {
  OrtDeviceEpIncompatibility_NONE = 0, OrtDeviceEpIncompatibility_DRIVER_INCOMPATIBLE = 1 << 0,
  OrtDeviceEpIncompatibility_DEVICE_INCOMPATIBLE = 1 << 1, OrtDeviceEpIncompatibility_MISSING_DEPENDENCY = 1 << 2,
  OrtDeviceEpIncompatibility_UNKNOWN = -2147483647 - 1
} OrtDeviceEpIncompatibilityReason;
typedef enum OrtCompiledModelCompatibility {
  OrtCompiledModelCompatibility_EP_NOT_APPLICABLE = 0, OrtCompiledModelCompatibility_EP_SUPPORTED_OPTIMAL,
  OrtCompiledModelCompatibility_EP_SUPPORTED_PREFER_RECOMPILATION, OrtCompiledModelCompatibility_EP_UNSUPPORTED
} OrtCompiledModelCompatibility;

/* Chooses among devices: fills `selected` and *num_selected, at most max_selected. */
typedef OrtStatus *(ORT_API_CALL *EpSelectionDelegate)(const OrtEpDevice **ep_devices, size_t num_devices,
                                                       const OrtKeyValuePairs *model_metadata,
                                                       const OrtKeyValuePairs *runtime_metadata,
                                                       const OrtEpDevice **selected, size_t max_selected,
                                                       size_t *num_selected, void *state);
/* Takes a part of a written model; takes or gives a named blob, which a reader allocates with `allocator`. */
typedef OrtStatus *(ORT_API_CALL *OrtWriteBufferFunc)(void *state, const void *buffer, size_t buffer_num_bytes);
typedef OrtStatus *(ORT_API_CALL *OrtWriteNamedBufferFunc)(void *state, const char *name, const void *buffer,
                                                           size_t buffer_num_bytes);
typedef OrtStatus *(ORT_API_CALL *OrtReadNamedBufferFunc)(void *state, const char *name, OrtAllocator *allocator,
                                                          void **buffer, size_t *data_size);
/* Decides where an initializer is stored: a new location, or NULL for inside the model. */
typedef OrtStatus *(ORT_API_CALL *OrtGetInitializerLocationFunc)(void *state, const char *initializer_name,
    const OrtValue *initializer_value, const OrtExternalInitializerInfo *external_info,
    OrtExternalInitializerInfo **new_external_info);

/* Options of providers that a build may carry. In C++ a new object holds the defaults. */
typedef enum OrtCudnnConvAlgoSearch {
  OrtCudnnConvAlgoSearchExhaustive, OrtCudnnConvAlgoSearchHeuristic, OrtCudnnConvAlgoSearchDefault
} OrtCudnnConvAlgoSearch;
typedef struct OrtCUDAProviderOptions {
  int device_id ORT_DEFAULT(0);
  OrtCudnnConvAlgoSearch cudnn_conv_algo_search ORT_DEFAULT(OrtCudnnConvAlgoSearchExhaustive);
  size_t gpu_mem_limit ORT_DEFAULT(SIZE_MAX);
  int arena_extend_strategy ORT_DEFAULT(0);
  int do_copy_in_default_stream ORT_DEFAULT(1);
  int has_user_compute_stream ORT_DEFAULT(0);
  void *user_compute_stream ORT_DEFAULT(nullptr);
  OrtArenaCfg *default_memory_arena_cfg ORT_DEFAULT(nullptr);
  int tunable_op_enable ORT_DEFAULT(0);
  int tunable_op_tuning_enable ORT_DEFAULT(0);
  int tunable_op_max_tuning_duration_ms ORT_DEFAULT(0);
} OrtCUDAProviderOptions;
typedef struct OrtROCMProviderOptions {
  int device_id ORT_DEFAULT(0);
  int miopen_conv_exhaustive_search ORT_DEFAULT(0);
  size_t gpu_mem_limit ORT_DEFAULT(SIZE_MAX);
  int arena_extend_strategy ORT_DEFAULT(0);
  int do_copy_in_default_stream ORT_DEFAULT(1);
  int has_user_compute_stream ORT_DEFAULT(0);
  void *user_compute_stream ORT_DEFAULT(nullptr);
  OrtArenaCfg *default_memory_arena_cfg ORT_DEFAULT(nullptr);
  int enable_hip_graph ORT_DEFAULT(0);
  int tunable_op_enable ORT_DEFAULT(0);
  int tunable_op_tuning_enable ORT_DEFAULT(0);
  int tunable_op_max_tuning_duration_ms ORT_DEFAULT(0);
} OrtROCMProviderOptions;
typedef struct OrtTensorRTProviderOptions {
  int device_id;
  int has_user_compute_stream;
  void *user_compute_stream;
  int trt_max_partition_iterations;
  int trt_min_subgraph_size;
  size_t trt_max_workspace_size;
  int trt_fp16_enable;
  int trt_int8_enable;
  const char *trt_int8_calibration_table_name;
  int trt_int8_use_native_calibration_table;
  int trt_dla_enable;
  int trt_dla_core;
  int trt_dump_subgraphs;
  int trt_engine_cache_enable;
  const char *trt_engine_cache_path;
  int trt_engine_decryption_enable;
  const char *trt_engine_decryption_lib_path;
  int trt_force_sequential_engine_build;
} OrtTensorRTProviderOptions;
typedef struct OrtMIGraphXProviderOptions {
  int device_id;
  int migraphx_fp16_enable;
  int migraphx_fp8_enable;
  int migraphx_int8_enable;
  int migraphx_use_native_calibration_table;
  const char *migraphx_int8_calibration_table_name;
  int migraphx_save_compiled_model;
  const char *migraphx_save_model_path;
  int migraphx_load_compiled_model;
  const char *migraphx_load_model_path;
  bool migraphx_exhaustive_tune;
  size_t migraphx_mem_limit;
  int migraphx_arena_extend_strategy;
} OrtMIGraphXProviderOptions;
typedef struct OrtOpenVINOProviderOptions {
  const char *device_type ORT_DEFAULT(nullptr);
  unsigned char enable_npu_fast_compile ORT_DEFAULT(0);
  const char *device_id ORT_DEFAULT(nullptr);
  size_t num_of_threads ORT_DEFAULT(0);
  const char *cache_dir ORT_DEFAULT(nullptr);
  void *context ORT_DEFAULT(nullptr);
  unsigned char enable_opencl_throttling ORT_DEFAULT(0);
  unsigned char enable_dynamic_shapes ORT_DEFAULT(0);
} OrtOpenVINOProviderOptions;

struct OrtApiBase {
  const OrtApi *(ORT_API_CALL *GetApi)(uint32_t version)NO_EXCEPTION; /* NULL for a version that is not known */
  const char *(ORT_API_CALL *GetVersionString)(void)NO_EXCEPTION;     /* "1.<API version>.<patch>" */
};
typedef struct OrtApiBase OrtApiBase;
ORT_EXPORT const OrtApiBase *ORT_API_CALL OrtGetApiBase(void) NO_EXCEPTION;

/* Thread hooks: create starts a thread that calls the worker function with its parameter, join waits for its end. */
typedef void (*OrtThreadWorkerFn)(void *ort_worker_fn_param);
typedef const struct OrtCustomHandleType {
  char __place_holder;
} *OrtCustomThreadHandle;
typedef OrtCustomThreadHandle (*OrtCustomCreateThreadFn)(void *ort_custom_thread_creation_options,
                               OrtThreadWorkerFn ort_thread_worker_fn, void *ort_worker_fn_param);
typedef void (*OrtCustomJoinThreadFn)(OrtCustomThreadHandle ort_custom_thread_handle);

/* Called when work is put into a pool (the result goes along with it), taken up, done, or dropped. */
typedef void *(*OrtThreadPoolWorkEnqueueFn)(void *user_context);
typedef void (*OrtThreadPoolWorkStartFn)(void *user_context, void *enqueue_data);
typedef void (*OrtThreadPoolWorkStopFn)(void *user_context, void *enqueue_data);
typedef void (*OrtThreadPoolWorkAbandonFn)(void *user_context, void *enqueue_data);
typedef struct OrtThreadPoolCallbacksConfig {
  uint32_t version;
  OrtThreadPoolWorkEnqueueFn on_enqueue;
  OrtThreadPoolWorkStartFn on_start_work;
  OrtThreadPoolWorkStopFn on_stop_work;
  OrtThreadPoolWorkAbandonFn on_abandon;
  void *user_context;
} OrtThreadPoolCallbacksConfig;

typedef OrtStatus *(ORT_API_CALL *RegisterCustomOpsFn)(OrtSessionOptions *options, const OrtApiBase *api);
typedef void (*RunAsyncCallbackFn)(void *user_data, OrtValue **outputs, size_t num_outputs, OrtStatusPtr status);

typedef enum OrtExternalMemoryHandleType {
  ORT_EXTERNAL_MEMORY_HANDLE_TYPE_D3D12_RESOURCE = 0, ORT_EXTERNAL_MEMORY_HANDLE_TYPE_D3D12_HEAP = 1,
  ORT_EXTERNAL_MEMORY_HANDLE_TYPE_VK_MEMORY_WIN32 = 2, ORT_EXTERNAL_MEMORY_HANDLE_TYPE_VK_MEMORY_OPAQUE_FD = 3
} OrtExternalMemoryHandleType;
typedef struct OrtExternalMemoryDescriptor {
  uint32_t version;
  OrtExternalMemoryHandleType handle_type;
  void *native_handle;
  size_t size_bytes;
  size_t offset_bytes;
} OrtExternalMemoryDescriptor;
typedef enum OrtExternalSemaphoreType {
  ORT_EXTERNAL_SEMAPHORE_D3D12_FENCE = 0, ORT_EXTERNAL_SEMAPHORE_VK_TIMELINE_SEMAPHORE_WIN32 = 1,
  ORT_EXTERNAL_SEMAPHORE_VK_TIMELINE_SEMAPHORE_OPAQUE_FD = 2
} OrtExternalSemaphoreType;
typedef struct OrtExternalSemaphoreDescriptor {
  uint32_t version;
  OrtExternalSemaphoreType type;
  void *native_handle;
} OrtExternalSemaphoreDescriptor;
typedef enum OrtGraphicsApi {
  ORT_GRAPHICS_API_NONE = 0, ORT_GRAPHICS_API_D3D12 = 1, ORT_GRAPHICS_API_VULKAN = 2
} OrtGraphicsApi;
typedef struct OrtGraphicsInteropConfig {
  uint32_t version;
  OrtGraphicsApi graphics_api;
  void *command_queue;
  const OrtKeyValuePairs *additional_options;
} OrtGraphicsInteropConfig;
typedef struct OrtExternalTensorDescriptor {
  uint32_t version;
  ONNXTensorElementDataType element_type;
  const int64_t *shape;
  size_t rank;
  size_t offset_bytes;
} OrtExternalTensorDescriptor;

/* `version` is ORT_API_VERSION; NULL and 0 leave a member at its default. */
typedef struct OrtEnvCreationOptions {
  uint32_t version;
  int32_t logging_severity_level;
  const char *log_id;
  OrtLoggingFunction custom_logging_function;
  void *custom_logging_param;
  const OrtThreadingOptions *threading_options;
  const OrtKeyValuePairs *config_entries;
} OrtEnvCreationOptions;

struct OrtApi {
  /* Version 1: from slot 0. */
  /* Status. NULL means success; whoever receives another one releases it. The message belongs to the status. */
  OrtStatus *(ORT_API_CALL *CreateStatus)(OrtErrorCode code, const char *msg) NO_EXCEPTION;
  OrtErrorCode (ORT_API_CALL *GetErrorCode)(const OrtStatus *status) NO_EXCEPTION;
  const char *(ORT_API_CALL *GetErrorMessage)(const OrtStatus *status) NO_EXCEPTION;
  /* The environment: one per process, counted. A second create returns the first one and keeps its logger and pools. */
  ORT_API2_STATUS(CreateEnv, OrtLoggingLevel log_severity_level, const char *logid, OrtEnv **out);
  ORT_API2_STATUS(CreateEnvWithCustomLogger, OrtLoggingFunction logging_function, void *logger_param,
                  OrtLoggingLevel log_severity_level, const char *logid, OrtEnv **out);
  /* There is no telemetry; both succeed. */
  ORT_API2_STATUS(EnableTelemetryEvents, const OrtEnv *env);
  ORT_API2_STATUS(DisableTelemetryEvents, const OrtEnv *env);
  /* Sessions. The options may be NULL and are copied; model bytes are not needed after the call, unless the config key
   * session.use_ort_model_bytes_directly says so. */
  ORT_API2_STATUS(CreateSession, const OrtEnv *env, const ORTCHAR_T *model_path, const OrtSessionOptions *options,
                  OrtSession **out);
  ORT_API2_STATUS(CreateSessionFromArray, const OrtEnv *env, const void *model_data, size_t model_data_length,
                  const OrtSessionOptions *options, OrtSession **out);
  /* An output that is NULL on entry is made by the runtime and belongs to the caller; another one is written in place.
   * Any number of threads may run one session at once. */
  ORT_API2_STATUS(Run, OrtSession *session, const OrtRunOptions *run_options, const char *const *input_names,
                  const OrtValue *const *inputs, size_t input_len, const char *const *output_names,
                  size_t output_names_len, OrtValue **outputs);
  /* Session options. Setters copy what they are given, values of AddInitializer and custom-op domains excepted. */
  ORT_API2_STATUS(CreateSessionOptions, OrtSessionOptions **options);
  ORT_API2_STATUS(SetOptimizedModelFilePath, OrtSessionOptions *options, const ORTCHAR_T *optimized_model_filepath);
  ORT_API2_STATUS(CloneSessionOptions, const OrtSessionOptions *in_options, OrtSessionOptions **out_options);
  ORT_API2_STATUS(SetSessionExecutionMode, OrtSessionOptions *options, ExecutionMode execution_mode);
  ORT_API2_STATUS(EnableProfiling, OrtSessionOptions *options, const ORTCHAR_T *profile_file_prefix);
  ORT_API2_STATUS(DisableProfiling, OrtSessionOptions *options);
  ORT_API2_STATUS(EnableMemPattern, OrtSessionOptions *options);
  ORT_API2_STATUS(DisableMemPattern, OrtSessionOptions *options);
  ORT_API2_STATUS(EnableCpuMemArena, OrtSessionOptions *options);
  ORT_API2_STATUS(DisableCpuMemArena, OrtSessionOptions *options);
  ORT_API2_STATUS(SetSessionLogId, OrtSessionOptions *options, const char *logid);
  ORT_API2_STATUS(SetSessionLogVerbosityLevel, OrtSessionOptions *options, int session_log_verbosity_level);
  ORT_API2_STATUS(SetSessionLogSeverityLevel, OrtSessionOptions *options, int session_log_severity_level);
  ORT_API2_STATUS(SetSessionGraphOptimizationLevel, OrtSessionOptions *options,
                  GraphOptimizationLevel graph_optimization_level);
  ORT_API2_STATUS(SetIntraOpNumThreads, OrtSessionOptions *options, int intra_op_num_threads);
  ORT_API2_STATUS(SetInterOpNumThreads, OrtSessionOptions *options, int inter_op_num_threads);
  /* Custom operators. Domain and operators stay the caller's and outlive the session. */
  ORT_API2_STATUS(CreateCustomOpDomain, const char *domain, OrtCustomOpDomain **out);
  ORT_API2_STATUS(CustomOpDomain_Add, OrtCustomOpDomain *custom_op_domain, const OrtCustomOp *op);
  ORT_API2_STATUS(AddCustomOpDomain, OrtSessionOptions *options, OrtCustomOpDomain *custom_op_domain);
  ORT_API2_STATUS(RegisterCustomOpsLibrary, OrtSessionOptions *options, const char *library_path,
                  void **library_handle);
  /* What a session takes and gives, in the model's order. Names are allocated with the given allocator, type infos are
   * released by the caller. */
  ORT_API2_STATUS(SessionGetInputCount, const OrtSession *session, size_t *out);
  ORT_API2_STATUS(SessionGetOutputCount, const OrtSession *session, size_t *out);
  ORT_API2_STATUS(SessionGetOverridableInitializerCount, const OrtSession *session, size_t *out);
  ORT_API2_STATUS(SessionGetInputTypeInfo, const OrtSession *session, size_t index, OrtTypeInfo **type_info);
  ORT_API2_STATUS(SessionGetOutputTypeInfo, const OrtSession *session, size_t index, OrtTypeInfo **type_info);
  ORT_API2_STATUS(SessionGetOverridableInitializerTypeInfo, const OrtSession *session, size_t index,
                  OrtTypeInfo **type_info);
  ORT_API2_STATUS(SessionGetInputName, const OrtSession *session, size_t index, OrtAllocator *allocator,
                  char **value);
  ORT_API2_STATUS(SessionGetOutputName, const OrtSession *session, size_t index, OrtAllocator *allocator,
                  char **value);
  ORT_API2_STATUS(SessionGetOverridableInitializerName, const OrtSession *session, size_t index,
                  OrtAllocator *allocator, char **value);
  /* Run options. Terminate may be set from another thread while a run is going on. */
  ORT_API2_STATUS(CreateRunOptions, OrtRunOptions **out);
  ORT_API2_STATUS(RunOptionsSetRunLogVerbosityLevel, OrtRunOptions *options, int log_verbosity_level);
  ORT_API2_STATUS(RunOptionsSetRunLogSeverityLevel, OrtRunOptions *options, int log_severity_level);
  ORT_API2_STATUS(RunOptionsSetRunTag, OrtRunOptions *options, const char *run_tag);
  ORT_API2_STATUS(RunOptionsGetRunLogVerbosityLevel, const OrtRunOptions *options, int *log_verbosity_level);
  ORT_API2_STATUS(RunOptionsGetRunLogSeverityLevel, const OrtRunOptions *options, int *log_severity_level);
  ORT_API2_STATUS(RunOptionsGetRunTag, const OrtRunOptions *options, const char **run_tag);
  ORT_API2_STATUS(RunOptionsSetTerminate, OrtRunOptions *options);
  ORT_API2_STATUS(RunOptionsUnsetTerminate, OrtRunOptions *options);
  /* Tensors. The first form allocates with `allocator`, which must outlive the value; the second borrows p_data. */
  ORT_API2_STATUS(CreateTensorAsOrtValue, OrtAllocator *allocator, const int64_t *shape, size_t shape_len,
                  ONNXTensorElementDataType type, OrtValue **out);
  ORT_API2_STATUS(CreateTensorWithDataAsOrtValue, const OrtMemoryInfo *info, void *p_data, size_t p_data_len,
                  const int64_t *shape, size_t shape_len, ONNXTensorElementDataType type, OrtValue **out);
  ORT_API2_STATUS(IsTensor, const OrtValue *value, int *out);
  /* The data pointer belongs to the value. Refused for string tensors. */
  ORT_API2_STATUS(GetTensorMutableData, OrtValue *value, void **out);
  /* String tensors: whole, NUL-terminated strings in; bytes and start offsets, without terminators, out. */
  ORT_API2_STATUS(FillStringTensor, OrtValue *value, const char *const *s, size_t s_len);
  ORT_API2_STATUS(GetStringTensorDataLength, const OrtValue *value, size_t *len);
  ORT_API2_STATUS(GetStringTensorContent, const OrtValue *value, void *s, size_t s_len, size_t *offsets,
                  size_t offsets_len);
  /* Type information. A cast gives a borrowed part of its argument, NULL when it is of another kind. */
  ORT_API2_STATUS(CastTypeInfoToTensorInfo, const OrtTypeInfo *type_info, const OrtTensorTypeAndShapeInfo **out);
  ORT_API2_STATUS(GetOnnxTypeFromTypeInfo, const OrtTypeInfo *type_info, enum ONNXType *out);
  /* Element type and shape. -1 is a dimension that is not known; its name, if any, is a symbolic dimension. */
  ORT_API2_STATUS(CreateTensorTypeAndShapeInfo, OrtTensorTypeAndShapeInfo **out);
  ORT_API2_STATUS(SetTensorElementType, OrtTensorTypeAndShapeInfo *info, enum ONNXTensorElementDataType type);
  ORT_API2_STATUS(SetDimensions, OrtTensorTypeAndShapeInfo *info, const int64_t *dim_values, size_t dim_count);
  ORT_API2_STATUS(GetTensorElementType, const OrtTensorTypeAndShapeInfo *info, enum ONNXTensorElementDataType *out);
  ORT_API2_STATUS(GetDimensionsCount, const OrtTensorTypeAndShapeInfo *info, size_t *out);
  ORT_API2_STATUS(GetDimensions, const OrtTensorTypeAndShapeInfo *info, int64_t *dim_values,
                  size_t dim_values_length);
  ORT_API2_STATUS(GetSymbolicDimensions, const OrtTensorTypeAndShapeInfo *info, const char *dim_params[],
                  size_t dim_params_length);
  ORT_API2_STATUS(GetTensorShapeElementCount, const OrtTensorTypeAndShapeInfo *info, size_t *out);
  /* What a value is. Results are released by the caller. */
  ORT_API2_STATUS(GetTensorTypeAndShape, const OrtValue *value, OrtTensorTypeAndShapeInfo **out);
  ORT_API2_STATUS(GetTypeInfo, const OrtValue *value, OrtTypeInfo **out);
  ORT_API2_STATUS(GetValueType, const OrtValue *value, enum ONNXType *out);
  /* Where memory lies. The name decides the device: "Cpu", "Cuda", "DML", ... */
  ORT_API2_STATUS(CreateMemoryInfo, const char *name, enum OrtAllocatorType type, int id, enum OrtMemType mem_type,
                  OrtMemoryInfo **out);
  ORT_API2_STATUS(CreateCpuMemoryInfo, enum OrtAllocatorType type, enum OrtMemType mem_type, OrtMemoryInfo **out);
  ORT_API2_STATUS(CompareMemoryInfo, const OrtMemoryInfo *info1, const OrtMemoryInfo *info2, int *out);
  ORT_API2_STATUS(MemoryInfoGetName, const OrtMemoryInfo *ptr, const char **out);
  ORT_API2_STATUS(MemoryInfoGetId, const OrtMemoryInfo *ptr, int *out);
  ORT_API2_STATUS(MemoryInfoGetMemType, const OrtMemoryInfo *ptr, OrtMemType *out);
  ORT_API2_STATUS(MemoryInfoGetType, const OrtMemoryInfo *ptr, OrtAllocatorType *out);
  /* Allocators. The default one is shared and never released. */
  ORT_API2_STATUS(AllocatorAlloc, OrtAllocator *ort_allocator, size_t size, void **out);
  ORT_API2_STATUS(AllocatorFree, OrtAllocator *ort_allocator, void *p);
  ORT_API2_STATUS(AllocatorGetInfo, const OrtAllocator *ort_allocator, const struct OrtMemoryInfo **out);
  ORT_API2_STATUS(GetAllocatorWithDefaultOptions, OrtAllocator **out);
  /* Sets the dimensions of that denotation to a value. */
  ORT_API2_STATUS(AddFreeDimensionOverride, OrtSessionOptions *options, const char *dim_denotation,
                  int64_t dim_value);
  /* Sequences (element `index`) and maps (0 = keys, 1 = values). What is taken out of one is a copy. */
  ORT_API2_STATUS(GetValue, const OrtValue *value, int index, OrtAllocator *allocator, OrtValue **out);
  ORT_API2_STATUS(GetValueCount, const OrtValue *value, size_t *out);
  ORT_API2_STATUS(CreateValue, const OrtValue *const *in, size_t num_values, enum ONNXType value_type,
                  OrtValue **out);
  /* Opaque values of registered types. */
  ORT_API2_STATUS(CreateOpaqueValue, const char *domain_name, const char *type_name, const void *data_container,
                  size_t data_container_size, OrtValue **out);
  ORT_API2_STATUS(GetOpaqueValue, const char *domain_name, const char *type_name, const OrtValue *in,
                  void *data_container, size_t data_container_size);
  /* Inside a custom operator: attributes. Text is fetched in two calls, the first with NULL for the size, terminator
   * included; a buffer that is too small is an error that reports the size. */
  ORT_API2_STATUS(KernelInfoGetAttribute_float, const OrtKernelInfo *info, const char *name, float *out);
  ORT_API2_STATUS(KernelInfoGetAttribute_int64, const OrtKernelInfo *info, const char *name, int64_t *out);
  ORT_API2_STATUS(KernelInfoGetAttribute_string, const OrtKernelInfo *info, const char *name, char *out,
                  size_t *size);
  /* Inside a custom operator: inputs are borrowed, an absent optional one is NULL; outputs are made with their shape. */
  ORT_API2_STATUS(KernelContext_GetInputCount, const OrtKernelContext *context, size_t *out);
  ORT_API2_STATUS(KernelContext_GetOutputCount, const OrtKernelContext *context, size_t *out);
  ORT_API2_STATUS(KernelContext_GetInput, const OrtKernelContext *context, size_t index, const OrtValue **out);
  ORT_API2_STATUS(KernelContext_GetOutput, OrtKernelContext *context, size_t index, const int64_t *dim_values,
                  size_t dim_count, OrtValue **out);
  /* Releases accept NULL. */
  ORT_CLASS_RELEASE(Env);
  ORT_CLASS_RELEASE(Status);
  ORT_CLASS_RELEASE(MemoryInfo);
  ORT_CLASS_RELEASE(Session);
  ORT_CLASS_RELEASE(Value);
  ORT_CLASS_RELEASE(RunOptions);
  ORT_CLASS_RELEASE(TypeInfo);
  ORT_CLASS_RELEASE(TensorTypeAndShapeInfo);
  ORT_CLASS_RELEASE(SessionOptions);
  ORT_CLASS_RELEASE(CustomOpDomain);

  /* Version 2: from slot 102. */
  /* Denotation: borrowed text and its length. */
  ORT_API2_STATUS(GetDenotationFromTypeInfo, const OrtTypeInfo *type_info, const char **const denotation,
                  size_t *len);
  /* Maps and sequences. The casts borrow; GetMapValueType and GetSequenceElementType give new objects. */
  ORT_API2_STATUS(CastTypeInfoToMapTypeInfo, const OrtTypeInfo *type_info, const OrtMapTypeInfo **out);
  ORT_API2_STATUS(CastTypeInfoToSequenceTypeInfo, const OrtTypeInfo *type_info, const OrtSequenceTypeInfo **out);
  ORT_API2_STATUS(GetMapKeyType, const OrtMapTypeInfo *map_type_info, enum ONNXTensorElementDataType *out);
  ORT_API2_STATUS(GetMapValueType, const OrtMapTypeInfo *map_type_info, OrtTypeInfo **type_info);
  ORT_API2_STATUS(GetSequenceElementType, const OrtSequenceTypeInfo *sequence_type_info, OrtTypeInfo **type_info);
  ORT_CLASS_RELEASE(MapTypeInfo);
  ORT_CLASS_RELEASE(SequenceTypeInfo);
  /* Closes the profile and gives its file name, allocated with `allocator`. */
  ORT_API2_STATUS(SessionEndProfiling, OrtSession *session, OrtAllocator *allocator, char **out);
  /* Model metadata: a copy of its own. Strings are allocated; an absent key gives NULL. */
  ORT_API2_STATUS(SessionGetModelMetadata, const OrtSession *session, OrtModelMetadata **out);
  ORT_API2_STATUS(ModelMetadataGetProducerName, const OrtModelMetadata *model_metadata, OrtAllocator *allocator,
                  char **value);
  ORT_API2_STATUS(ModelMetadataGetGraphName, const OrtModelMetadata *model_metadata, OrtAllocator *allocator,
                  char **value);
  ORT_API2_STATUS(ModelMetadataGetDomain, const OrtModelMetadata *model_metadata, OrtAllocator *allocator,
                  char **value);
  ORT_API2_STATUS(ModelMetadataGetDescription, const OrtModelMetadata *model_metadata, OrtAllocator *allocator,
                  char **value);
  ORT_API2_STATUS(ModelMetadataLookupCustomMetadataMap, const OrtModelMetadata *model_metadata,
                  OrtAllocator *allocator, const char *key, char **value);
  ORT_API2_STATUS(ModelMetadataGetVersion, const OrtModelMetadata *model_metadata, int64_t *value);
  ORT_CLASS_RELEASE(ModelMetadata);

  /* Version 3: from slot 119. */
  /* Thread pools that all sessions share; a session takes part when its own threads are disabled. */
  ORT_API2_STATUS(CreateEnvWithGlobalThreadPools, OrtLoggingLevel log_severity_level, const char *logid,
                  const OrtThreadingOptions *tp_options, OrtEnv **out);
  ORT_API2_STATUS(DisablePerSessionThreads, OrtSessionOptions *options);
  ORT_API2_STATUS(CreateThreadingOptions, OrtThreadingOptions **out);
  ORT_CLASS_RELEASE(ThreadingOptions);
  /* The array and each key are allocated. */
  ORT_API2_STATUS(ModelMetadataGetCustomMetadataMapKeys, const OrtModelMetadata *model_metadata,
                  OrtAllocator *allocator, char ***keys, int64_t *num_keys);
  /* Sets the dimensions of that name to a value. */
  ORT_API2_STATUS(AddFreeDimensionOverrideByName, OrtSessionOptions *options, const char *dim_name,
                  int64_t dim_value);

  /* Version 4: from slot 125. */
  /* Names of the providers in this build, best first; given back with the function that follows. */
  ORT_API2_STATUS(GetAvailableProviders, char ***out_ptr, int *provider_length);
  ORT_API2_STATUS(ReleaseAvailableProviders, char **ptr, int providers_length);

  /* Version 5: from slot 127. */
  /* Single elements of string tensors, by flat index. */
  ORT_API2_STATUS(GetStringTensorElementLength, const OrtValue *value, size_t index, size_t *out);
  ORT_API2_STATUS(GetStringTensorElement, const OrtValue *value, size_t s_len, size_t index, void *s);
  ORT_API2_STATUS(FillStringTensorElement, OrtValue *value, const char *s, size_t index);
  /* Text options by key; the keys are in onnxruntime_session_options_config_keys.h. */
  ORT_API2_STATUS(AddSessionConfigEntry, OrtSessionOptions *options, const char *config_key,
                  const char *config_value);
  /* An allocator of a session's provider; released before the session. */
  ORT_API2_STATUS(CreateAllocator, const OrtSession *session, const OrtMemoryInfo *mem_info, OrtAllocator **out);
  ORT_CLASS_RELEASE(Allocator);
  /* Bindings: inputs and outputs kept ready for repeated runs. An output bound to a device is allocated by the runtime. */
  ORT_API2_STATUS(RunWithBinding, OrtSession *session, const OrtRunOptions *run_options,
                  const OrtIoBinding *binding_ptr);
  ORT_API2_STATUS(CreateIoBinding, OrtSession *session, OrtIoBinding **out);
  ORT_CLASS_RELEASE(IoBinding);
  ORT_API2_STATUS(BindInput, OrtIoBinding *binding_ptr, const char *name, const OrtValue *val_ptr);
  ORT_API2_STATUS(BindOutput, OrtIoBinding *binding_ptr, const char *name, const OrtValue *val_ptr);
  ORT_API2_STATUS(BindOutputToDevice, OrtIoBinding *binding_ptr, const char *name,
                  const OrtMemoryInfo *mem_info_ptr);
  /* Names lie in one buffer without terminators; buffer and lengths are allocated. */
  ORT_API2_STATUS(GetBoundOutputNames, const OrtIoBinding *binding_ptr, OrtAllocator *allocator, char **buffer,
                  size_t **lengths, size_t *count);
  /* The array is allocated; each value is released by the caller. */
  ORT_API2_STATUS(GetBoundOutputValues, const OrtIoBinding *binding_ptr, OrtAllocator *allocator,
                  OrtValue ***output, size_t *output_count);
  void (ORT_API_CALL *ClearBoundInputs)(OrtIoBinding *binding_ptr) NO_EXCEPTION;
  void (ORT_API_CALL *ClearBoundOutputs)(OrtIoBinding *binding_ptr) NO_EXCEPTION;
  /* Pointer to one element. */
  ORT_API2_STATUS(TensorAt, OrtValue *value, const int64_t *location_values, size_t location_values_count,
                  void **out);
  /* An arena that sessions share when session.use_env_allocators is "1". */
  ORT_API2_STATUS(CreateAndRegisterAllocator, OrtEnv *env, const OrtMemoryInfo *mem_info,
                  const OrtArenaCfg *arena_cfg);
  /* Recorded nowhere; succeeds. */
  ORT_API2_STATUS(SetLanguageProjection, const OrtEnv *ort_env, OrtLanguageProjection projection);
  ORT_API2_STATUS(SessionGetProfilingStartTimeNs, const OrtSession *session, uint64_t *out);
  /* Options of the shared thread pools. */
  ORT_API2_STATUS(SetGlobalIntraOpNumThreads, OrtThreadingOptions *tp_options, int intra_op_num_threads);
  ORT_API2_STATUS(SetGlobalInterOpNumThreads, OrtThreadingOptions *tp_options, int inter_op_num_threads);
  ORT_API2_STATUS(SetGlobalSpinControl, OrtThreadingOptions *tp_options, int allow_spinning);

  /* Version 6: from slot 150. */
  /* Replaces an initializer of the model; the value stays the caller's and outlives the session. */
  ORT_API2_STATUS(AddInitializer, OrtSessionOptions *options, const char *name, const OrtValue *val);
  ORT_API2_STATUS(CreateEnvWithCustomLoggerAndGlobalThreadPools, OrtLoggingFunction logging_function,
                  void *logger_param, OrtLoggingLevel log_severity_level, const char *logid,
                  const struct OrtThreadingOptions *tp_options, OrtEnv **out);
  /* Providers that a build may carry; FAIL where it does not. */
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_CUDA, OrtSessionOptions *options,
                  const OrtCUDAProviderOptions *cuda_options);
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_ROCM, OrtSessionOptions *options,
                  const OrtROCMProviderOptions *rocm_options);
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_OpenVINO, OrtSessionOptions *options,
                  const OrtOpenVINOProviderOptions *provider_options);
  ORT_API2_STATUS(SetGlobalDenormalAsZero, OrtThreadingOptions *tp_options);
  /* Options of an arena; -1 (0 for max_mem) leaves the choice to the runtime. */
  ORT_API2_STATUS(CreateArenaCfg, size_t max_mem, int arena_extend_strategy, int initial_chunk_size_bytes,
                  int max_dead_bytes_per_chunk, OrtArenaCfg **out);
  ORT_CLASS_RELEASE(ArenaCfg);

  /* Version 7: from slot 158. */
  ORT_API2_STATUS(ModelMetadataGetGraphDescription, const OrtModelMetadata *model_metadata, OrtAllocator *allocator,
                  char **value);
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_TensorRT, OrtSessionOptions *options,
                  const OrtTensorRTProviderOptions *tensorrt_options);
  ORT_API2_STATUS(SetCurrentGpuDeviceId, int device_id);
  ORT_API2_STATUS(GetCurrentGpuDeviceId, int *device_id);

  /* Version 8: from slot 162. */
  /* Arrays in two calls, like text; sizes count elements. */
  ORT_API2_STATUS(KernelInfoGetAttributeArray_float, const OrtKernelInfo *info, const char *name, float *out,
                  size_t *size);
  ORT_API2_STATUS(KernelInfoGetAttributeArray_int64, const OrtKernelInfo *info, const char *name, int64_t *out,
                  size_t *size);
  /* By key: max_mem, arena_extend_strategy, initial_chunk_size_bytes, max_dead_bytes_per_chunk,
   * initial_growth_chunk_size_bytes, max_power_of_two_extend_bytes. */
  ORT_API2_STATUS(CreateArenaCfgV2, const char *const *arena_config_keys, const size_t *arena_config_values,
                  size_t num_keys, OrtArenaCfg **out);
  ORT_API2_STATUS(AddRunConfigEntry, OrtRunOptions *options, const char *config_key, const char *config_value);
  /* Packed weights that several sessions share; outlives them. */
  ORT_API2_STATUS(CreatePrepackedWeightsContainer, OrtPrepackedWeightsContainer **out);
  ORT_CLASS_RELEASE(PrepackedWeightsContainer);
  ORT_API2_STATUS(CreateSessionWithPrepackedWeightsContainer, const OrtEnv *env, const ORTCHAR_T *model_path,
                  const OrtSessionOptions *options, OrtPrepackedWeightsContainer *prepacked_weights_container,
                  OrtSession **out);
  ORT_API2_STATUS(CreateSessionFromArrayWithPrepackedWeightsContainer, const OrtEnv *env, const void *model_data,
                  size_t model_data_length, const OrtSessionOptions *options,
                  OrtPrepackedWeightsContainer *prepacked_weights_container, OrtSession **out);

  /* Version 9: from slot 170. */
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_TensorRT_V2, OrtSessionOptions *options,
                  const OrtTensorRTProviderOptionsV2 *tensorrt_options);
  ORT_API2_STATUS(CreateTensorRTProviderOptions, OrtTensorRTProviderOptionsV2 **out);
  ORT_API2_STATUS(UpdateTensorRTProviderOptions, OrtTensorRTProviderOptionsV2 *tensorrt_options,
                  const char *const *provider_options_keys, const char *const *provider_options_values,
                  size_t num_keys);
  ORT_API2_STATUS(GetTensorRTProviderOptionsAsString, const OrtTensorRTProviderOptionsV2 *tensorrt_options,
                  OrtAllocator *allocator, char **ptr);
  void (ORT_API_CALL *ReleaseTensorRTProviderOptions)(OrtTensorRTProviderOptionsV2 *input);
  /* Only with onnxruntime-extensions built in. */
  ORT_API2_STATUS(EnableOrtCustomOps, OrtSessionOptions *options);
  /* The caller's own allocator for all sessions that ask for environment allocators. */
  ORT_API2_STATUS(RegisterAllocator, OrtEnv *env, OrtAllocator *allocator);
  ORT_API2_STATUS(UnregisterAllocator, OrtEnv *env, const OrtMemoryInfo *mem_info);
  /* Sparse tensors. Fill copies; CreateSparseTensorWithValues and Use borrow. */
  ORT_API2_STATUS(IsSparseTensor, const OrtValue *value, int *out);
  ORT_API2_STATUS(CreateSparseTensorAsOrtValue, OrtAllocator *allocator, const int64_t *dense_shape,
                  size_t dense_shape_len, ONNXTensorElementDataType type, OrtValue **out);
  ORT_API2_STATUS(FillSparseTensorCoo, OrtValue *ort_value, const OrtMemoryInfo *data_mem_info,
                  const int64_t *values_shape, size_t values_shape_len, const void *values,
                  const int64_t *indices_data, size_t indices_num);
  ORT_API2_STATUS(FillSparseTensorCsr, OrtValue *ort_value, const OrtMemoryInfo *data_mem_info,
                  const int64_t *values_shape, size_t values_shape_len, const void *values,
                  const int64_t *inner_indices_data, size_t inner_indices_num, const int64_t *outer_indices_data,
                  size_t outer_indices_num);
  ORT_API2_STATUS(FillSparseTensorBlockSparse, OrtValue *ort_value, const OrtMemoryInfo *data_mem_info,
                  const int64_t *values_shape, size_t values_shape_len, const void *values,
                  const int64_t *indices_shape_data, size_t indices_shape_len, const int32_t *indices_data);
  ORT_API2_STATUS(CreateSparseTensorWithValuesAsOrtValue, const OrtMemoryInfo *info, void *p_data,
                  const int64_t *dense_shape, size_t dense_shape_len, const int64_t *values_shape,
                  size_t values_shape_len, ONNXTensorElementDataType type, OrtValue **out);
  ORT_API2_STATUS(UseCooIndices, OrtValue *ort_value, int64_t *indices_data, size_t indices_num);
  ORT_API2_STATUS(UseCsrIndices, OrtValue *ort_value, int64_t *inner_data, size_t inner_num, int64_t *outer_data,
                  size_t outer_num);
  ORT_API2_STATUS(UseBlockSparseIndices, OrtValue *ort_value, const int64_t *indices_shape,
                  size_t indices_shape_len, int32_t *indices_data);
  ORT_API2_STATUS(GetSparseTensorFormat, const OrtValue *ort_value, enum OrtSparseFormat *out);
  ORT_API2_STATUS(GetSparseTensorValuesTypeAndShape, const OrtValue *ort_value, OrtTensorTypeAndShapeInfo **out);
  ORT_API2_STATUS(GetSparseTensorValues, const OrtValue *ort_value, const void **out);
  ORT_API2_STATUS(GetSparseTensorIndicesTypeShape, const OrtValue *ort_value,
                  enum OrtSparseIndicesFormat indices_format, OrtTensorTypeAndShapeInfo **out);
  ORT_API2_STATUS(GetSparseTensorIndices, const OrtValue *ort_value, enum OrtSparseIndicesFormat indices_format,
                  size_t *num_indices, const void **indices);

  /* Version 10: from slot 192. */
  /* 0 for an optional that holds nothing. */
  ORT_API2_STATUS(HasValue, const OrtValue *value, int *out);
  ORT_API2_STATUS(KernelContext_GetGPUComputeStream, const OrtKernelContext *context, void **out);
  /* Borrowed from the value. */
  ORT_API2_STATUS(GetTensorMemoryInfo, const OrtValue *value, const OrtMemoryInfo **mem_info);
  /* A provider's own table; INVALID_ARGUMENT where it is not in the build. */
  ORT_API2_STATUS(GetExecutionProviderApi, const char *provider_name, uint32_t version, const void **provider_api);
  /* Thread hooks: the caller starts and joins the threads of the pools. */
  ORT_API2_STATUS(SessionOptionsSetCustomCreateThreadFn, OrtSessionOptions *options,
                  OrtCustomCreateThreadFn ort_custom_create_thread_fn);
  ORT_API2_STATUS(SessionOptionsSetCustomThreadCreationOptions, OrtSessionOptions *options,
                  void *ort_custom_thread_creation_options);
  ORT_API2_STATUS(SessionOptionsSetCustomJoinThreadFn, OrtSessionOptions *options,
                  OrtCustomJoinThreadFn ort_custom_join_thread_fn);
  ORT_API2_STATUS(SetGlobalCustomCreateThreadFn, OrtThreadingOptions *tp_options,
                  OrtCustomCreateThreadFn ort_custom_create_thread_fn);
  ORT_API2_STATUS(SetGlobalCustomThreadCreationOptions, OrtThreadingOptions *tp_options,
                  void *ort_custom_thread_creation_options);
  ORT_API2_STATUS(SetGlobalCustomJoinThreadFn, OrtThreadingOptions *tp_options,
                  OrtCustomJoinThreadFn ort_custom_join_thread_fn);
  /* Waits for the copies to and from devices. */
  ORT_API2_STATUS(SynchronizeBoundInputs, OrtIoBinding *binding_ptr);
  ORT_API2_STATUS(SynchronizeBoundOutputs, OrtIoBinding *binding_ptr);

  /* Version 11: from slot 204. */
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_CUDA_V2, OrtSessionOptions *options,
                  const OrtCUDAProviderOptionsV2 *cuda_options);
  ORT_API2_STATUS(CreateCUDAProviderOptions, OrtCUDAProviderOptionsV2 **out);
  ORT_API2_STATUS(UpdateCUDAProviderOptions, OrtCUDAProviderOptionsV2 *cuda_options,
                  const char *const *provider_options_keys, const char *const *provider_options_values,
                  size_t num_keys);
  ORT_API2_STATUS(GetCUDAProviderOptionsAsString, const OrtCUDAProviderOptionsV2 *cuda_options,
                  OrtAllocator *allocator, char **ptr);
  void (ORT_API_CALL *ReleaseCUDAProviderOptions)(OrtCUDAProviderOptionsV2 *input);
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_MIGraphX, OrtSessionOptions *options,
                  const OrtMIGraphXProviderOptions *migraphx_options);

  /* Version 12: from slot 210. */
  /* Data for initializers that the model stores outside of itself. */
  ORT_API2_STATUS(AddExternalInitializers, OrtSessionOptions *options, const char *const *initializer_names,
                  const OrtValue *const *initializers, size_t num_initializers);
  /* Attributes of nodes and operators, and built-in operators run from inside a custom one. */
  ORT_API2_STATUS(CreateOpAttr, const char *name, const void *data, int len, OrtOpAttrType type,
                  OrtOpAttr **op_attr);
  ORT_CLASS_RELEASE(OpAttr);
  ORT_API2_STATUS(CreateOp, const OrtKernelInfo *info, const char *op_name, const char *domain, int version,
                  const char **type_constraint_names, const ONNXTensorElementDataType *type_constraint_values,
                  int type_constraint_count, const OrtOpAttr *const *attr_values, int attr_count, int input_count,
                  int output_count, OrtOp **ort_op);
  ORT_API2_STATUS(InvokeOp, const OrtKernelContext *context, const OrtOp *ort_op,
                  const OrtValue *const *input_values, int input_count, OrtValue *const *output_values,
                  int output_count);
  ORT_CLASS_RELEASE(Op);
  /* A provider by name with options; "CPU" succeeds, unknown names are INVALID_ARGUMENT. */
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider, OrtSessionOptions *options, const char *provider_name,
                  const char *const *provider_options_keys, const char *const *provider_options_values,
                  size_t num_keys);
  ORT_API2_STATUS(CopyKernelInfo, const OrtKernelInfo *info, OrtKernelInfo **info_copy);
  ORT_CLASS_RELEASE(KernelInfo);

  /* Version 13: from slot 219. */
  /* NULL in a build without ONNX Runtime's training API. */
  const OrtTrainingApi *(ORT_API_CALL *GetTrainingApi)(uint32_t version) NO_EXCEPTION;
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_CANN, OrtSessionOptions *options,
                  const OrtCANNProviderOptions *cann_options);
  ORT_API2_STATUS(CreateCANNProviderOptions, OrtCANNProviderOptions **out);
  ORT_API2_STATUS(UpdateCANNProviderOptions, OrtCANNProviderOptions *cann_options,
                  const char *const *provider_options_keys, const char *const *provider_options_values,
                  size_t num_keys);
  ORT_API2_STATUS(GetCANNProviderOptionsAsString, const OrtCANNProviderOptions *cann_options,
                  OrtAllocator *allocator, char **ptr);
  void (ORT_API_CALL *ReleaseCANNProviderOptions)(OrtCANNProviderOptions *input);

  /* Version 14: from slot 225. */
  /* Sets *out; cannot fail. */
  void (ORT_API_CALL *MemoryInfoGetDeviceType)(const OrtMemoryInfo *ptr, OrtMemoryInfoDeviceType *out);
  ORT_API2_STATUS(UpdateEnvWithCustomLogLevel, OrtEnv *ort_env, OrtLoggingLevel log_severity_level);
  ORT_API2_STATUS(SetGlobalIntraOpThreadAffinity, OrtThreadingOptions *tp_options, const char *affinity_string);
  /* Loads a library and calls its RegisterCustomOps; the handle is the runtime's. */
  ORT_API2_STATUS(RegisterCustomOpsLibrary_V2, OrtSessionOptions *options, const ORTCHAR_T *library_name);
  /* Calls a function of that name that the process already has. */
  ORT_API2_STATUS(RegisterCustomOpsUsingFunction, OrtSessionOptions *options, const char *registration_func_name);
  /* The node behind a kernel. */
  ORT_API2_STATUS(KernelInfo_GetInputCount, const OrtKernelInfo *info, size_t *out);
  ORT_API2_STATUS(KernelInfo_GetOutputCount, const OrtKernelInfo *info, size_t *out);
  ORT_API2_STATUS(KernelInfo_GetInputName, const OrtKernelInfo *info, size_t index, char *out, size_t *size);
  ORT_API2_STATUS(KernelInfo_GetOutputName, const OrtKernelInfo *info, size_t index, char *out, size_t *size);
  ORT_API2_STATUS(KernelInfo_GetInputTypeInfo, const OrtKernelInfo *info, size_t index, OrtTypeInfo **type_info);
  ORT_API2_STATUS(KernelInfo_GetOutputTypeInfo, const OrtKernelInfo *info, size_t index, OrtTypeInfo **type_info);
  ORT_API2_STATUS(KernelInfoGetAttribute_tensor, const OrtKernelInfo *info, const char *name,
                  OrtAllocator *allocator, OrtValue **out);
  /* Reading the text options back; text in two calls. */
  ORT_API2_STATUS(HasSessionConfigEntry, const OrtSessionOptions *options, const char *config_key, int *out);
  ORT_API2_STATUS(GetSessionConfigEntry, const OrtSessionOptions *options, const char *config_key,
                  char *config_value, size_t *size);

  /* Version 15: from slot 239. */
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_Dnnl, OrtSessionOptions *options,
                  const OrtDnnlProviderOptions *dnnl_options);
  ORT_API2_STATUS(CreateDnnlProviderOptions, OrtDnnlProviderOptions **out);
  ORT_API2_STATUS(UpdateDnnlProviderOptions, OrtDnnlProviderOptions *dnnl_options,
                  const char *const *provider_options_keys, const char *const *provider_options_values,
                  size_t num_keys);
  ORT_API2_STATUS(GetDnnlProviderOptionsAsString, const OrtDnnlProviderOptions *dnnl_options,
                  OrtAllocator *allocator, char **ptr);
  void (ORT_API_CALL *ReleaseDnnlProviderOptions)(OrtDnnlProviderOptions *input);
  ORT_API2_STATUS(KernelInfo_GetNodeName, const OrtKernelInfo *info, char *out, size_t *size);
  ORT_API2_STATUS(KernelInfo_GetLogger, const OrtKernelInfo *info, const OrtLogger **logger);
  ORT_API2_STATUS(KernelContext_GetLogger, const OrtKernelContext *context, const OrtLogger **logger);
  /* Logging from a custom operator or a provider. */
  ORT_API2_STATUS(Logger_LogMessage, const OrtLogger *logger, OrtLoggingLevel log_severity_level,
                  const char *message, const ORTCHAR_T *file_path, int line_number, const char *func_name);
  ORT_API2_STATUS(Logger_GetLoggingSeverityLevel, const OrtLogger *logger, OrtLoggingLevel *out);
  /* The value of a constant input, borrowed; *is_constant is 0 for another one. */
  ORT_API2_STATUS(KernelInfoGetConstantInput_tensor, const OrtKernelInfo *info, size_t index, int *is_constant,
                  const OrtValue **out);
  /* What an optional holds: the cast borrows, the content is a new object. */
  ORT_API2_STATUS(CastTypeInfoToOptionalTypeInfo, const OrtTypeInfo *type_info, const OrtOptionalTypeInfo **out);
  ORT_API2_STATUS(GetOptionalContainedTypeInfo, const OrtOptionalTypeInfo *optional_type_info, OrtTypeInfo **out);
  /* A writable buffer of that length for one string; it belongs to the value. */
  ORT_API2_STATUS(GetResizedStringTensorElementBuffer, OrtValue *value, size_t index, size_t length_in_bytes,
                  char **buffer);
  ORT_API2_STATUS(KernelContext_GetAllocator, const OrtKernelContext *context, const OrtMemoryInfo *mem_info,
                  OrtAllocator **out);
  /* Static text about the build. */
  const char *(ORT_API_CALL *GetBuildInfoString)(void);

  /* Version 16: from slot 255. */
  ORT_API2_STATUS(CreateROCMProviderOptions, OrtROCMProviderOptions **out);
  ORT_API2_STATUS(UpdateROCMProviderOptions, OrtROCMProviderOptions *rocm_options,
                  const char *const *provider_options_keys, const char *const *provider_options_values,
                  size_t num_keys);
  ORT_API2_STATUS(GetROCMProviderOptionsAsString, const OrtROCMProviderOptions *rocm_options,
                  OrtAllocator *allocator, char **ptr);
  void (ORT_API_CALL *ReleaseROCMProviderOptions)(OrtROCMProviderOptions *input);
  ORT_API2_STATUS(CreateAndRegisterAllocatorV2, OrtEnv *env, const char *provider_type,
                  const OrtMemoryInfo *mem_info, const OrtArenaCfg *arena_cfg,
                  const char *const *provider_options_keys, const char *const *provider_options_values,
                  size_t num_keys);
  /* Returns at once; the callback gets the outputs and a status, both the caller's, on a thread of the pool. */
  ORT_API2_STATUS(RunAsync, OrtSession *session, const OrtRunOptions *run_options, const char *const *input_names,
                  const OrtValue *const *input, size_t input_len, const char *const *output_names,
                  size_t output_names_len, OrtValue **output, RunAsyncCallbackFn run_async_callback,
                  void *user_data);
  ORT_API2_STATUS(UpdateTensorRTProviderOptionsWithValue, OrtTensorRTProviderOptionsV2 *tensorrt_options,
                  const char *key, void *value);
  ORT_API2_STATUS(GetTensorRTProviderOptionsByName, const OrtTensorRTProviderOptionsV2 *tensorrt_options,
                  const char *key, void **ptr);
  ORT_API2_STATUS(UpdateCUDAProviderOptionsWithValue, OrtCUDAProviderOptionsV2 *cuda_options, const char *key,
                  void *value);
  ORT_API2_STATUS(GetCUDAProviderOptionsByName, const OrtCUDAProviderOptionsV2 *cuda_options, const char *key,
                  void **ptr);
  ORT_API2_STATUS(KernelContext_GetResource, const OrtKernelContext *context, int resource_version, int resource_id,
                  void **resource);

  /* Version 17: from slot 266. */
  /* Messages of this session go to this function. */
  ORT_API2_STATUS(SetUserLoggingFunction, OrtSessionOptions *options, OrtLoggingFunction user_logging_function,
                  void *user_logging_param);
  /* Inside a custom operator's shape function; everything here is borrowed. */
  ORT_API2_STATUS(ShapeInferContext_GetInputCount, const OrtShapeInferContext *context, size_t *out);
  ORT_API2_STATUS(ShapeInferContext_GetInputTypeShape, const OrtShapeInferContext *context, size_t index,
                  OrtTensorTypeAndShapeInfo **info);
  ORT_API2_STATUS(ShapeInferContext_GetAttribute, const OrtShapeInferContext *context, const char *attr_name,
                  const OrtOpAttr **attr);
  ORT_API2_STATUS(ShapeInferContext_SetOutputTypeShape, const OrtShapeInferContext *context, size_t index,
                  const OrtTensorTypeAndShapeInfo *info);
  ORT_API2_STATUS(SetSymbolicDimensions, OrtTensorTypeAndShapeInfo *info, const char *dim_params[],
                  size_t dim_params_length);
  /* Copies an attribute; both lengths count bytes, whatever the type. */
  ORT_API2_STATUS(ReadOpAttr, const OrtOpAttr *op_attr, OrtOpAttrType type, void *data, size_t len, size_t *out);
  /* Only deterministic kernels; they all are. */
  ORT_API2_STATUS(SetDeterministicCompute, OrtSessionOptions *options, bool value);
  /* fn(usr_data, i) for each i below total, on the session's threads, in num_batch pieces (0 = the runtime's choice). */
  ORT_API2_STATUS(KernelContext_ParallelFor, const OrtKernelContext *context, void (*fn)(void *, size_t),
                  size_t total, size_t num_batch, void *usr_data);
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_OpenVINO_V2, OrtSessionOptions *options,
                  const char *const *provider_options_keys, const char *const *provider_options_values,
                  size_t num_keys);

  /* Version 18: from slot 276. */
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_VitisAI, OrtSessionOptions *options,
                  const char *const *provider_options_keys, const char *const *provider_options_values,
                  size_t num_keys);
  /* Scratch memory until the kernel returns. */
  ORT_API2_STATUS(KernelContext_GetScratchBuffer, const OrtKernelContext *context, const OrtMemoryInfo *mem_info,
                  size_t count_or_bytes, void **out);
  ORT_API2_STATUS(KernelInfoGetAllocator, const OrtKernelInfo *info, OrtMemType mem_type, OrtAllocator **out);
  /* External data files given as bytes, which outlive the session's creation. */
  ORT_API2_STATUS(AddExternalInitializersFromFilesInMemory, OrtSessionOptions *options,
                  const ORTCHAR_T *const *external_initializer_file_names,
                  char *const *external_initializer_file_buffer_array,
                  const size_t *external_initializer_file_lengths, size_t num_external_initializer_files);

  /* Version 20: from slot 280. */
  /* Low-rank adapters: parameters that become inputs of a run. The adapter outlives the run. */
  ORT_API2_STATUS(CreateLoraAdapter, const ORTCHAR_T *adapter_file_path, OrtAllocator *allocator,
                  OrtLoraAdapter **out);
  ORT_API2_STATUS(CreateLoraAdapterFromArray, const void *bytes, size_t num_bytes, OrtAllocator *allocator,
                  OrtLoraAdapter **out);
  ORT_CLASS_RELEASE(LoraAdapter);
  ORT_API2_STATUS(RunOptionsAddActiveLoraAdapter, OrtRunOptions *options, const OrtLoraAdapter *adapter);
  /* Options that a provider may change between runs. */
  ORT_API2_STATUS(SetEpDynamicOptions, OrtSession *sess, const char *const *keys, const char *const *values,
                  size_t kv_len);

  /* Version 22: from slot 285. */
  ORT_CLASS_RELEASE(ValueInfo);
  ORT_CLASS_RELEASE(Node);
  ORT_CLASS_RELEASE(Graph);
  ORT_CLASS_RELEASE(Model);
  /* Values of a graph; borrowed results. */
  ORT_API2_STATUS(GetValueInfoName, const OrtValueInfo *value_info, const char **name);
  ORT_API2_STATUS(GetValueInfoTypeInfo, const OrtValueInfo *value_info, const OrtTypeInfo **type_info);
  /* Sub-tables: static, never released. */
  const OrtModelEditorApi *(ORT_API_CALL *GetModelEditorApi)(void);
  /* Takes over p_data and frees it with `deleter`. */
  ORT_API2_STATUS(CreateTensorWithDataAndDeleterAsOrtValue, OrtAllocator *deleter, void *p_data, size_t p_data_len,
                  const int64_t *shape, size_t shape_len, ONNXTensorElementDataType type, OrtValue **out);
  /* From another thread: session creation with these options ends with MODEL_LOAD_CANCELED. */
  ORT_API2_STATUS(SessionOptionsSetLoadCancellationFlag, OrtSessionOptions *options, bool cancel);
  const OrtCompileApi *(ORT_API_CALL *GetCompileApi)(void);
  /* Pairs of text, copied in, unique keys; results are borrowed until the next change. NULL keys are ignored. */
  void (ORT_API_CALL *CreateKeyValuePairs)(OrtKeyValuePairs **out);
  void (ORT_API_CALL *AddKeyValuePair)(OrtKeyValuePairs *kvps, const char *key, const char *value);
  const char *(ORT_API_CALL *GetKeyValue)(const OrtKeyValuePairs *kvps, const char *key);
  void (ORT_API_CALL *GetKeyValuePairs)(const OrtKeyValuePairs *kvps, const char *const **keys,
                                        const char *const **values, size_t *num_entries);
  void (ORT_API_CALL *RemoveKeyValuePair)(OrtKeyValuePairs *kvps, const char *key);
  ORT_CLASS_RELEASE(KeyValuePairs);
  /* Plugin providers: libraries that export CreateEpFactories and ReleaseEpFactory. */
  ORT_API2_STATUS(RegisterExecutionProviderLibrary, OrtEnv *env, const char *registration_name,
                  const ORTCHAR_T *path);
  ORT_API2_STATUS(UnregisterExecutionProviderLibrary, OrtEnv *env, const char *registration_name);
  /* What can run models here; borrowed from the environment. */
  ORT_API2_STATUS(GetEpDevices, const OrtEnv *env, const OrtEpDevice *const **ep_devices, size_t *num_ep_devices);
  ORT_API2_STATUS(SessionOptionsAppendExecutionProvider_V2, OrtSessionOptions *session_options, OrtEnv *env,
                  const OrtEpDevice *const *ep_devices, size_t num_ep_devices, const char *const *ep_option_keys,
                  const char *const *ep_option_vals, size_t num_ep_options);
  ORT_API2_STATUS(SessionOptionsSetEpSelectionPolicy, OrtSessionOptions *session_options,
                  OrtExecutionProviderDevicePolicy policy);
  ORT_API2_STATUS(SessionOptionsSetEpSelectionPolicyDelegate, OrtSessionOptions *session_options,
                  EpSelectionDelegate delegate, void *delegate_state);
  /* Plain getters; borrowed results. */
  OrtHardwareDeviceType (ORT_API_CALL *HardwareDevice_Type)(const OrtHardwareDevice *device);
  uint32_t (ORT_API_CALL *HardwareDevice_VendorId)(const OrtHardwareDevice *device);
  const char *(ORT_API_CALL *HardwareDevice_Vendor)(const OrtHardwareDevice *device);
  uint32_t (ORT_API_CALL *HardwareDevice_DeviceId)(const OrtHardwareDevice *device);
  const OrtKeyValuePairs *(ORT_API_CALL *HardwareDevice_Metadata)(const OrtHardwareDevice *device);
  const char *(ORT_API_CALL *EpDevice_EpName)(const OrtEpDevice *ep_device);
  const char *(ORT_API_CALL *EpDevice_EpVendor)(const OrtEpDevice *ep_device);
  const OrtKeyValuePairs *(ORT_API_CALL *EpDevice_EpMetadata)(const OrtEpDevice *ep_device);
  const OrtKeyValuePairs *(ORT_API_CALL *EpDevice_EpOptions)(const OrtEpDevice *ep_device);
  const OrtHardwareDevice *(ORT_API_CALL *EpDevice_Device)(const OrtEpDevice *ep_device);
  const OrtEpApi *(ORT_API_CALL *GetEpApi)(void);

  /* Version 23: from slot 318. */
  /* Bytes of a tensor's data; refused for strings. */
  ORT_API2_STATUS(GetTensorSizeInBytes, const OrtValue *ort_value, size_t *size);
  /* Counters as text; the pairs are released by the caller. */
  ORT_API2_STATUS(AllocatorGetStats, const OrtAllocator *ort_allocator, OrtKeyValuePairs **out);
  ORT_API2_STATUS(CreateMemoryInfo_V2, const char *name, enum OrtMemoryInfoDeviceType device_type,
                  uint32_t vendor_id, int32_t device_id, enum OrtDeviceMemoryType mem_type, size_t alignment,
                  enum OrtAllocatorType allocator_type, OrtMemoryInfo **out);
  ORT_API_T(OrtDeviceMemoryType, MemoryInfoGetDeviceMemType, const OrtMemoryInfo *ptr);
  ORT_API_T(uint32_t, MemoryInfoGetVendorId, const OrtMemoryInfo *ptr);
  /* The model as a provider sees it. All of it is borrowed and valid during the provider's callback, nodes of a fused
   * group as long as the session; counts first, then arrays of exactly that length. */
  ORT_API2_STATUS(ValueInfo_GetValueProducer, const OrtValueInfo *value_info, const OrtNode **producer_node,
                  size_t *producer_output_index);
  ORT_API2_STATUS(ValueInfo_GetValueNumConsumers, const OrtValueInfo *value_info, size_t *num_consumers);
  ORT_API2_STATUS(ValueInfo_GetValueConsumers, const OrtValueInfo *value_info, const OrtNode **nodes,
                  int64_t *input_indices, size_t num_consumers);
  ORT_API2_STATUS(ValueInfo_GetInitializerValue, const OrtValueInfo *value_info,
                  const OrtValue **initializer_value);
  ORT_API2_STATUS(ValueInfo_GetExternalInitializerInfo, const OrtValueInfo *value_info,
                  OrtExternalInitializerInfo **info);
  ORT_API2_STATUS(ValueInfo_IsRequiredGraphInput, const OrtValueInfo *value_info, bool *is_required_graph_input);
  ORT_API2_STATUS(ValueInfo_IsOptionalGraphInput, const OrtValueInfo *value_info, bool *is_optional_graph_input);
  ORT_API2_STATUS(ValueInfo_IsGraphOutput, const OrtValueInfo *value_info, bool *is_graph_output);
  ORT_API2_STATUS(ValueInfo_IsConstantInitializer, const OrtValueInfo *value_info, bool *is_constant_initializer);
  ORT_API2_STATUS(ValueInfo_IsFromOuterScope, const OrtValueInfo *value_info, bool *is_from_outer_scope);
  ORT_API2_STATUS(Graph_GetName, const OrtGraph *graph, const char **graph_name);
  ORT_API2_STATUS(Graph_GetModelPath, const OrtGraph *graph, const ORTCHAR_T **model_path);
  ORT_API2_STATUS(Graph_GetOnnxIRVersion, const OrtGraph *graph, int64_t *onnx_ir_version);
  ORT_API2_STATUS(Graph_GetNumOperatorSets, const OrtGraph *graph, size_t *num_operator_sets);
  ORT_API2_STATUS(Graph_GetOperatorSets, const OrtGraph *graph, const char **domains, int64_t *opset_versions,
                  size_t num_operator_sets);
  ORT_API2_STATUS(Graph_GetNumInputs, const OrtGraph *graph, size_t *num_inputs);
  ORT_API2_STATUS(Graph_GetInputs, const OrtGraph *graph, const OrtValueInfo **inputs, size_t num_inputs);
  ORT_API2_STATUS(Graph_GetNumOutputs, const OrtGraph *graph, size_t *num_outputs);
  ORT_API2_STATUS(Graph_GetOutputs, const OrtGraph *graph, const OrtValueInfo **outputs, size_t num_outputs);
  ORT_API2_STATUS(Graph_GetNumInitializers, const OrtGraph *graph, size_t *num_initializers);
  ORT_API2_STATUS(Graph_GetInitializers, const OrtGraph *graph, const OrtValueInfo **initializers,
                  size_t num_initializers);
  ORT_API2_STATUS(Graph_GetNumNodes, const OrtGraph *graph, size_t *num_nodes);
  ORT_API2_STATUS(Graph_GetNodes, const OrtGraph *graph, const OrtNode **nodes, size_t num_nodes);
  ORT_API2_STATUS(Graph_GetParentNode, const OrtGraph *graph, const OrtNode **node);
  ORT_API2_STATUS(Graph_GetGraphView, const OrtGraph *src_graph, const OrtNode **nodes, size_t num_nodes,
                  OrtGraph **dst_graph);
  ORT_API2_STATUS(Node_GetId, const OrtNode *node, size_t *node_id);
  ORT_API2_STATUS(Node_GetName, const OrtNode *node, const char **node_name);
  ORT_API2_STATUS(Node_GetOperatorType, const OrtNode *node, const char **operator_type);
  ORT_API2_STATUS(Node_GetDomain, const OrtNode *node, const char **domain_name);
  ORT_API2_STATUS(Node_GetSinceVersion, const OrtNode *node, int *since_version);
  ORT_API2_STATUS(Node_GetNumInputs, const OrtNode *node, size_t *num_inputs);
  ORT_API2_STATUS(Node_GetInputs, const OrtNode *node, const OrtValueInfo **inputs, size_t num_inputs);
  ORT_API2_STATUS(Node_GetNumOutputs, const OrtNode *node, size_t *num_outputs);
  ORT_API2_STATUS(Node_GetOutputs, const OrtNode *node, const OrtValueInfo **outputs, size_t num_outputs);
  ORT_API2_STATUS(Node_GetNumImplicitInputs, const OrtNode *node, size_t *num_implicit_inputs);
  ORT_API2_STATUS(Node_GetImplicitInputs, const OrtNode *node, const OrtValueInfo **implicit_inputs,
                  size_t num_implicit_inputs);
  ORT_API2_STATUS(Node_GetNumAttributes, const OrtNode *node, size_t *num_attributes);
  ORT_API2_STATUS(Node_GetAttributes, const OrtNode *node, const OrtOpAttr **attributes, size_t num_attributes);
  ORT_API2_STATUS(Node_GetAttributeByName, const OrtNode *node, const char *attribute_name,
                  const OrtOpAttr **attribute);
  /* A new value; released by the caller. */
  ORT_API2_STATUS(OpAttr_GetTensorAttributeAsOrtValue, const OrtOpAttr *attribute, OrtValue **attr_tensor);
  ORT_API2_STATUS(OpAttr_GetType, const OrtOpAttr *attribute, OrtOpAttrType *type);
  ORT_API2_STATUS(OpAttr_GetName, const OrtOpAttr *attribute, const char **name);
  ORT_API2_STATUS(Node_GetNumSubgraphs, const OrtNode *node, size_t *num_subgraphs);
  ORT_API2_STATUS(Node_GetSubgraphs, const OrtNode *node, const OrtGraph **subgraphs, size_t num_subgraphs,
                  const char **attribute_names);
  ORT_API2_STATUS(Node_GetGraph, const OrtNode *node, const OrtGraph **graph);
  ORT_API2_STATUS(Node_GetEpName, const OrtNode *node, const char **out);
  ORT_CLASS_RELEASE(ExternalInitializerInfo);
  /* Plain getters; borrowed results. */
  ORT_API_T(const ORTCHAR_T *, ExternalInitializerInfo_GetFilePath, const OrtExternalInitializerInfo *info);
  ORT_API_T(int64_t, ExternalInitializerInfo_GetFileOffset, const OrtExternalInitializerInfo *info);
  ORT_API_T(size_t, ExternalInitializerInfo_GetByteSize, const OrtExternalInitializerInfo *info);
  ORT_API_T(const char *, GetRunConfigEntry, const OrtRunOptions *options, const char *config_key);
  ORT_API_T(const OrtMemoryInfo *, EpDevice_MemoryInfo, const OrtEpDevice *ep_device,
            OrtDeviceMemoryType memory_type);
  /* Allocators of the environment, one per device and kind of memory. */
  ORT_API2_STATUS(CreateSharedAllocator, OrtEnv *env, const OrtEpDevice *ep_device, OrtDeviceMemoryType mem_type,
                  OrtAllocatorType allocator_type, const OrtKeyValuePairs *allocator_options,
                  OrtAllocator **allocator);
  ORT_API2_STATUS(GetSharedAllocator, OrtEnv *env, const OrtMemoryInfo *mem_info, OrtAllocator **allocator);
  ORT_API2_STATUS(ReleaseSharedAllocator, OrtEnv *env, const OrtEpDevice *ep_device, OrtDeviceMemoryType mem_type);
  ORT_API2_STATUS(GetTensorData, const OrtValue *value, const void **out);
  ORT_API2_STATUS(GetSessionOptionsConfigEntries, const OrtSessionOptions *options, OrtKeyValuePairs **out);
  /* Where a session wants its inputs and leaves its outputs, in order of the names. */
  ORT_API2_STATUS(SessionGetMemoryInfoForInputs, const OrtSession *session,
                  const OrtMemoryInfo **inputs_memory_info, size_t num_inputs);
  ORT_API2_STATUS(SessionGetMemoryInfoForOutputs, const OrtSession *session,
                  const OrtMemoryInfo **outputs_memory_info, size_t num_outputs);
  ORT_API2_STATUS(SessionGetEpDeviceForInputs, const OrtSession *session, const OrtEpDevice **inputs_ep_devices,
                  size_t num_inputs);
  /* Streams of a device; refused for the CPU. */
  ORT_API2_STATUS(CreateSyncStreamForEpDevice, const OrtEpDevice *ep_device, const OrtKeyValuePairs *stream_options,
                  OrtSyncStream **stream);
  ORT_API_T(void *, SyncStream_GetHandle, OrtSyncStream *stream);
  ORT_CLASS_RELEASE(SyncStream);
  /* Copies between devices; source and destination have equal type and shape. */
  ORT_API2_STATUS(CopyTensors, const OrtEnv *env, const OrtValue *const *src_tensors, OrtValue *const *dst_tensors,
                  OrtSyncStream *stream, size_t num_tensors);
  ORT_API2_STATUS(Graph_GetModelMetadata, const OrtGraph *graph, OrtModelMetadata **out);
  /* Would a compiled model run on these devices? */
  ORT_API2_STATUS(GetModelCompatibilityForEpDevices, const OrtEpDevice *const *ep_devices, size_t num_ep_devices,
                  const char *compatibility_info, OrtCompiledModelCompatibility *out_status);
  ORT_API2_STATUS(CreateExternalInitializerInfo, const ORTCHAR_T *filepath, int64_t file_offset, size_t byte_size,
                  OrtExternalInitializerInfo **out);

  /* Version 24: from slot 390. */
  /* False when not even the rank is known. */
  ORT_API_T(bool, TensorTypeAndShape_HasShape, const OrtTensorTypeAndShapeInfo *info);
  ORT_API2_STATUS(KernelInfo_GetConfigEntries, const OrtKernelInfo *info, OrtKeyValuePairs **out);
  ORT_API2_STATUS(KernelInfo_GetOperatorDomain, const OrtKernelInfo *info, char *out, size_t *size);
  ORT_API2_STATUS(KernelInfo_GetOperatorType, const OrtKernelInfo *info, char *out, size_t *size);
  ORT_API2_STATUS(KernelInfo_GetOperatorSinceVersion, const OrtKernelInfo *info, int *since_version);
  const OrtInteropApi *(ORT_API_CALL *GetInteropApi)(void);
  ORT_API2_STATUS(SessionGetEpDeviceForOutputs, const OrtSession *session, const OrtEpDevice **outputs_ep_devices,
                  size_t num_outputs);
  /* What the machine has, whether or not a provider uses it. */
  ORT_API2_STATUS(GetNumHardwareDevices, const OrtEnv *env, size_t *num_devices);
  ORT_API2_STATUS(GetHardwareDevices, const OrtEnv *env, const OrtHardwareDevice **devices, size_t num_devices);
  ORT_API2_STATUS(GetHardwareDeviceEpIncompatibilityDetails, const OrtEnv *env, const char *ep_name,
                  const OrtHardwareDevice *hw, OrtDeviceEpIncompatibilityDetails **details);
  ORT_API2_STATUS(DeviceEpIncompatibilityDetails_GetReasonsBitmask,
                  const OrtDeviceEpIncompatibilityDetails *details, uint32_t *reasons_bitmask);
  ORT_API2_STATUS(DeviceEpIncompatibilityDetails_GetNotes, const OrtDeviceEpIncompatibilityDetails *details,
                  const char **notes);
  ORT_API2_STATUS(DeviceEpIncompatibilityDetails_GetErrorCode, const OrtDeviceEpIncompatibilityDetails *details,
                  int32_t *error_code);
  ORT_CLASS_RELEASE(DeviceEpIncompatibilityDetails);
  ORT_API2_STATUS(GetCompatibilityInfoFromModel, const ORTCHAR_T *model_path, const char *ep_type,
                  OrtAllocator *allocator, char **compatibility_info);
  ORT_API2_STATUS(GetCompatibilityInfoFromModelBytes, const void *model_data, size_t model_data_length,
                  const char *ep_type, OrtAllocator *allocator, char **compatibility_info);
  ORT_API2_STATUS(CreateEnvWithOptions, const OrtEnvCreationOptions *options, OrtEnv **out);
  /* Which node went to which provider; needs session.record_ep_graph_assignment_info = "1". */
  ORT_API2_STATUS(Session_GetEpGraphAssignmentInfo, const OrtSession *session,
                  const OrtEpAssignedSubgraph *const **ep_subgraphs, size_t *num_ep_subgraphs);
  ORT_API2_STATUS(EpAssignedSubgraph_GetEpName, const OrtEpAssignedSubgraph *ep_subgraph, const char **out);
  ORT_API2_STATUS(EpAssignedSubgraph_GetNodes, const OrtEpAssignedSubgraph *ep_subgraph,
                  const OrtEpAssignedNode *const **ep_nodes, size_t *num_ep_nodes);
  ORT_API2_STATUS(EpAssignedNode_GetName, const OrtEpAssignedNode *ep_node, const char **out);
  ORT_API2_STATUS(EpAssignedNode_GetDomain, const OrtEpAssignedNode *ep_node, const char **out);
  ORT_API2_STATUS(EpAssignedNode_GetOperatorType, const OrtEpAssignedNode *ep_node, const char **out);
  ORT_API_T(void, RunOptionsSetSyncStream, OrtRunOptions *options, OrtSyncStream *sync_stream);
  /* Type and shape without a new object; borrowed from the value. */
  ORT_API2_STATUS(GetTensorElementTypeAndShapeDataReference, const OrtValue *value,
                  ONNXTensorElementDataType *elem_type, const int64_t **shape_data, size_t *shape_data_count);

  /* Version 25: from slot 415. */
  /* A profile of the runs with these options. */
  ORT_API2_STATUS(RunOptionsEnableProfiling, OrtRunOptions *options, const ORTCHAR_T *profile_file_prefix);
  ORT_API2_STATUS(RunOptionsDisableProfiling, OrtRunOptions *options);
  ORT_API2_STATUS(KernelInfoGetAttributeArray_string, const OrtKernelInfo *info, const char *name,
                  OrtAllocator *allocator, char ***out, size_t *size);
  /* Called around the work of every session's own threads. */
  ORT_API2_STATUS(SetPerSessionThreadPoolCallbacks, OrtEnv *env, const OrtThreadPoolCallbacksConfig *config);

  /* Version 27: from slot 419. */
  ORT_API2_STATUS(GetMemPatternEnabled, const OrtSessionOptions *options, int *out);
  ORT_API2_STATUS(GetSessionExecutionMode, const OrtSessionOptions *options, ExecutionMode *out);
  ORT_API2_STATUS(SessionReleaseCapturedGraph, OrtSession *session, int graph_annotation_id);

  /* Version 28: from slot 422. */
  /* By name; NULL when there is none. */
  ORT_API_T(OrtExperimentalFnPtr, GetExperimentalFunction, const char *name);
  ORT_API2_STATUS(KernelContext_GetSyncStream, const OrtKernelContext *context, OrtSyncStream **out);

  /* Version 29: from slot 424. */
  /* The source of a compiled model without weights; lives as long as the session. */
  ORT_API2_STATUS(SessionOptionsSetWeightlessSourceModelBuffer, OrtSessionOptions *options,
                  const void *source_model_data, size_t source_model_data_length);

  /* Version 30: from slot 425. */
  /* The caller's own buffer for an output, or NULL. */
  ORT_API2_STATUS(KernelContext_GetPreallocatedOutput, const OrtKernelContext *context, size_t output_index,
                  OrtValue **output);

  /* Version 31: from slot 426. */
  /* Compiled data comes from this function instead of files; NULL clears it. */
  ORT_API2_STATUS(SessionOptionsSetEpContextDataReadFunc, OrtSessionOptions *options,
                  OrtReadNamedBufferFunc read_func, void *state);
  const OrtModelPackageApi *(ORT_API_CALL *GetModelPackageApi)(void);
};

typedef enum OrtCustomOpInputOutputCharacteristic {
  INPUT_OUTPUT_REQUIRED = 0, INPUT_OUTPUT_OPTIONAL, INPUT_OUTPUT_VARIADIC
} OrtCustomOpInputOutputCharacteristic;

/* A custom operator, filled in by its author. `version` is the API version it was built with; members are read from:
 * characteristics 8, memory type 13, variadic ones 14, CreateKernelV2 and KernelComputeV2 16 (preferred when set),
 * InferOutputShapeFn and versions 17, in-place and alias maps 18. Types UNDEFINED accept any element type. */
struct OrtCustomOp {
  uint32_t version;
  void *(ORT_API_CALL *CreateKernel)(const struct OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info);
  const char *(ORT_API_CALL *GetName)(const struct OrtCustomOp *op);
  const char *(ORT_API_CALL *GetExecutionProviderType)(const struct OrtCustomOp *op);
  ONNXTensorElementDataType (ORT_API_CALL *GetInputType)(const struct OrtCustomOp *op, size_t index);
  size_t (ORT_API_CALL *GetInputTypeCount)(const struct OrtCustomOp *op);
  ONNXTensorElementDataType (ORT_API_CALL *GetOutputType)(const struct OrtCustomOp *op, size_t index);
  size_t (ORT_API_CALL *GetOutputTypeCount)(const struct OrtCustomOp *op);
  void (ORT_API_CALL *KernelCompute)(void *op_kernel, OrtKernelContext *context);
  void (ORT_API_CALL *KernelDestroy)(void *op_kernel);
  OrtCustomOpInputOutputCharacteristic (ORT_API_CALL *GetInputCharacteristic)(const struct OrtCustomOp *op,
      size_t index);
  OrtCustomOpInputOutputCharacteristic (ORT_API_CALL *GetOutputCharacteristic)(const struct OrtCustomOp *op,
      size_t index);
  OrtMemType (ORT_API_CALL *GetInputMemoryType)(const struct OrtCustomOp *op, size_t index);
  int (ORT_API_CALL *GetVariadicInputMinArity)(const struct OrtCustomOp *op);
  int (ORT_API_CALL *GetVariadicInputHomogeneity)(const struct OrtCustomOp *op);
  int (ORT_API_CALL *GetVariadicOutputMinArity)(const struct OrtCustomOp *op);
  int (ORT_API_CALL *GetVariadicOutputHomogeneity)(const struct OrtCustomOp *op);
  OrtStatusPtr (ORT_API_CALL *CreateKernelV2)(const struct OrtCustomOp *op, const OrtApi *api,
                                              const OrtKernelInfo *info, void **kernel);
  OrtStatusPtr (ORT_API_CALL *KernelComputeV2)(void *op_kernel, OrtKernelContext *context);
  OrtStatusPtr (ORT_API_CALL *InferOutputShapeFn)(const struct OrtCustomOp *op, OrtShapeInferContext *);
  int (ORT_API_CALL *GetStartVersion)(const struct OrtCustomOp *op);
  int (ORT_API_CALL *GetEndVersion)(const struct OrtCustomOp *op);
  size_t (ORT_API_CALL *GetMayInplace)(int **input_index, int **output_index);
  void (ORT_API_CALL *ReleaseMayInplace)(int *input_index, int *output_index);
  size_t (ORT_API_CALL *GetAliasMap)(int **input_index, int **output_index);
  void (ORT_API_CALL *ReleaseAliasMap)(int *input_index, int *output_index);
};

/* Models built by hand. What is added to something belongs to it from then on, when the call succeeds. */
struct OrtModelEditorApi {
  ORT_API2_STATUS(CreateTensorTypeInfo, const OrtTensorTypeAndShapeInfo *tensor_info, OrtTypeInfo **type_info);
  ORT_API2_STATUS(CreateSparseTensorTypeInfo, const OrtTensorTypeAndShapeInfo *tensor_info,
                  OrtTypeInfo **type_info);
  ORT_API2_STATUS(CreateMapTypeInfo, ONNXTensorElementDataType map_key_type, const OrtTypeInfo *map_value_type,
                  OrtTypeInfo **type_info);
  ORT_API2_STATUS(CreateSequenceTypeInfo, const OrtTypeInfo *sequence_type, OrtTypeInfo **type_info);
  ORT_API2_STATUS(CreateOptionalTypeInfo, const OrtTypeInfo *contained_type, OrtTypeInfo **type_info);
  ORT_API2_STATUS(CreateValueInfo, const char *name, const OrtTypeInfo *type_info, OrtValueInfo **value_info);
  ORT_API2_STATUS(CreateNode, const char *operator_name, const char *domain_name, const char *node_name,
                  const char *const *input_names, size_t input_names_len, const char *const *output_names,
                  size_t output_names_len, OrtOpAttr **attributes, size_t attribs_len, OrtNode **node);
  ORT_API2_STATUS(CreateGraph, OrtGraph **graph);
  ORT_API2_STATUS(SetGraphInputs, OrtGraph *graph, OrtValueInfo **inputs, size_t inputs_len);
  ORT_API2_STATUS(SetGraphOutputs, OrtGraph *graph, OrtValueInfo **outputs, size_t outputs_len);
  ORT_API2_STATUS(AddInitializerToGraph, OrtGraph *graph, const char *name, OrtValue *tensor,
                  bool data_is_external);
  ORT_API2_STATUS(AddNodeToGraph, OrtGraph *graph, OrtNode *node);
  ORT_API2_STATUS(CreateModel, const char *const *domain_names, const int *opset_versions, size_t opset_entries_len,
                  OrtModel **model);
  ORT_API2_STATUS(AddGraphToModel, OrtModel *model, OrtGraph *graph);
  ORT_API2_STATUS(CreateSessionFromModel, const OrtEnv *env, const OrtModel *model,
                  const OrtSessionOptions *options, OrtSession **out);
  ORT_API2_STATUS(CreateModelEditorSession, const OrtEnv *env, const ORTCHAR_T *model_path,
                  const OrtSessionOptions *options, OrtSession **out);
  ORT_API2_STATUS(CreateModelEditorSessionFromArray, const OrtEnv *env, const void *model_data,
                  size_t model_data_length, const OrtSessionOptions *options, OrtSession **out);
  ORT_API2_STATUS(SessionGetOpsetForDomain, const OrtSession *session, const char *domain, int *opset);
  ORT_API2_STATUS(ApplyModelToModelEditorSession, OrtSession *session, OrtModel *model);
  ORT_API2_STATUS(FinalizeModelEditorSession, OrtSession *session, const OrtSessionOptions *options,
                  OrtPrepackedWeightsContainer *prepacked_weights_container);
};

typedef enum OrtCompileApiFlags {
  OrtCompileApiFlags_NONE = 0, OrtCompileApiFlags_ERROR_IF_NO_NODES_COMPILED = 1 << 0,
  OrtCompileApiFlags_ERROR_IF_OUTPUT_FILE_EXISTS = 1 << 1
} OrtCompileApiFlags;

/* Models compiled by a provider ahead of time. */
struct OrtCompileApi {
  ORT_CLASS_RELEASE(ModelCompilationOptions);
  ORT_API2_STATUS(CreateModelCompilationOptionsFromSessionOptions, const OrtEnv *env,
                  const OrtSessionOptions *session_options, OrtModelCompilationOptions **out);
  ORT_API2_STATUS(ModelCompilationOptions_SetInputModelPath, OrtModelCompilationOptions *model_compile_options,
                  const ORTCHAR_T *input_model_path);
  ORT_API2_STATUS(ModelCompilationOptions_SetInputModelFromBuffer,
                  OrtModelCompilationOptions *model_compile_options, const void *input_model_data,
                  size_t input_model_data_size);
  ORT_API2_STATUS(ModelCompilationOptions_SetOutputModelPath, OrtModelCompilationOptions *model_compile_options,
                  const ORTCHAR_T *output_model_path);
  ORT_API2_STATUS(ModelCompilationOptions_SetOutputModelExternalInitializersFile,
                  OrtModelCompilationOptions *model_compile_options,
                  const ORTCHAR_T *external_initializers_file_path, size_t external_initializers_size_threshold);
  ORT_API2_STATUS(ModelCompilationOptions_SetOutputModelBuffer, OrtModelCompilationOptions *model_compile_options,
                  OrtAllocator *allocator, void **output_model_buffer_ptr, size_t *output_model_buffer_size_ptr);
  ORT_API2_STATUS(ModelCompilationOptions_SetEpContextEmbedMode, OrtModelCompilationOptions *model_compile_options,
                  bool embed_ep_context_in_model);
  ORT_API2_STATUS(CompileModel, const OrtEnv *env, const OrtModelCompilationOptions *model_options);

  /* Version 23: from slot 9. */
  ORT_API2_STATUS(ModelCompilationOptions_SetFlags, OrtModelCompilationOptions *model_compile_options,
                  uint32_t flags);
  ORT_API2_STATUS(ModelCompilationOptions_SetEpContextBinaryInformation,
                  OrtModelCompilationOptions *model_compile_options, const ORTCHAR_T *output_directory,
                  const ORTCHAR_T *model_name);
  ORT_API2_STATUS(ModelCompilationOptions_SetGraphOptimizationLevel,
                  OrtModelCompilationOptions *model_compile_options,
                  GraphOptimizationLevel graph_optimization_level);
  ORT_API2_STATUS(ModelCompilationOptions_SetOutputModelWriteFunc,
                  OrtModelCompilationOptions *model_compile_options, OrtWriteBufferFunc write_func, void *state);
  ORT_API2_STATUS(ModelCompilationOptions_SetOutputModelGetInitializerLocationFunc,
                  OrtModelCompilationOptions *model_compile_options,
                  OrtGetInitializerLocationFunc get_initializer_location_func, void *state);

  /* Version 24: from slot 14. */
  ORT_API2_STATUS(ModelCompilationOptions_SetInputModel, OrtModelCompilationOptions *model_compile_options,
                  const OrtModel *model);

  /* Version 29: from slot 15. */
  ORT_API2_STATUS(ModelCompilationOptions_SetWeightlessEnabled, OrtModelCompilationOptions *model_compile_options,
                  bool use_weightless);

  /* Version 31: from slot 16. */
  ORT_API2_STATUS(ModelCompilationOptions_SetEpContextDataWriteFunc,
                  OrtModelCompilationOptions *model_compile_options, OrtWriteNamedBufferFunc write_func,
                  void *state);
  ORT_API2_STATUS(ModelCompilationOptions_SetOutputModelExternalInitializersBuffer,
                  OrtModelCompilationOptions *model_compile_options, const ORTCHAR_T *logical_file_name,
                  size_t size_threshold, OrtAllocator *allocator, void **buffer, size_t *buffer_size);
  ORT_API2_STATUS(ModelCompilationOptions_SetOutputModelExternalInitializersAlignment,
                  OrtModelCompilationOptions *model_compile_options, size_t alignment, size_t size_threshold);
};

/* Memory and semaphores of other programming interfaces. An importer is NULL, with success, when a device has none. */
struct OrtInteropApi {
  ORT_API2_STATUS(CreateExternalResourceImporterForDevice, const OrtEpDevice *ep_device,
                  OrtExternalResourceImporter **out_importer);
  ORT_CLASS_RELEASE(ExternalResourceImporter);
  ORT_API2_STATUS(CanImportMemory, const OrtExternalResourceImporter *importer,
                  OrtExternalMemoryHandleType handle_type, bool *out_supported);
  ORT_API2_STATUS(ImportMemory, OrtExternalResourceImporter *importer, const OrtExternalMemoryDescriptor *desc,
                  OrtExternalMemoryHandle **out_handle);
  ORT_CLASS_RELEASE(ExternalMemoryHandle);
  ORT_API2_STATUS(CreateTensorFromMemory, OrtExternalResourceImporter *importer,
                  const OrtExternalMemoryHandle *mem_handle, const OrtExternalTensorDescriptor *tensor_desc,
                  OrtValue **out_tensor);
  ORT_API2_STATUS(CanImportSemaphore, const OrtExternalResourceImporter *importer, OrtExternalSemaphoreType type,
                  bool *out_supported);
  ORT_API2_STATUS(ImportSemaphore, OrtExternalResourceImporter *importer,
                  const OrtExternalSemaphoreDescriptor *desc, OrtExternalSemaphoreHandle **out_handle);
  ORT_CLASS_RELEASE(ExternalSemaphoreHandle);
  ORT_API2_STATUS(WaitSemaphore, OrtExternalResourceImporter *importer,
                  OrtExternalSemaphoreHandle *semaphore_handle, OrtSyncStream *stream, uint64_t value);
  ORT_API2_STATUS(SignalSemaphore, OrtExternalResourceImporter *importer,
                  OrtExternalSemaphoreHandle *semaphore_handle, OrtSyncStream *stream, uint64_t value);
  ORT_API2_STATUS(InitGraphicsInteropForEpDevice, const OrtEpDevice *ep_device,
                  const OrtGraphicsInteropConfig *config);
  ORT_API2_STATUS(DeinitGraphicsInteropForEpDevice, const OrtEpDevice *ep_device);
};

/* Packages: folders of models in variants, of which the best for the machine is chosen. Names and paths are borrowed. */
struct OrtModelPackageApi {
  ORT_API2_STATUS(CreateModelPackageOptionsFromSessionOptions, const OrtEnv *env,
                  const OrtSessionOptions *session_options, OrtModelPackageOptions **out);
  ORT_CLASS_RELEASE(ModelPackageOptions);
  ORT_API2_STATUS(CreateModelPackageContext, const ORTCHAR_T *package_root, OrtModelPackageContext **out);
  ORT_CLASS_RELEASE(ModelPackageContext);
  ORT_API2_STATUS(ModelPackage_GetSchemaVersion, const OrtModelPackageContext *ctx, int64_t *version);
  ORT_API2_STATUS(ModelPackage_GetComponentCount, const OrtModelPackageContext *ctx, size_t *count);
  ORT_API2_STATUS(ModelPackage_GetComponentNames, const OrtModelPackageContext *ctx, const char *const **names,
                  size_t *count);
  ORT_API2_STATUS(ModelPackage_GetVariantCount, const OrtModelPackageContext *ctx, const char *component,
                  size_t *count);
  ORT_API2_STATUS(ModelPackage_GetVariantNames, const OrtModelPackageContext *ctx, const char *component,
                  const char *const **names, size_t *count);
  ORT_API2_STATUS(ModelPackage_GetVariantEpName, const OrtModelPackageContext *ctx, const char *component,
                  const char *variant, const char **ep);
  ORT_API2_STATUS(ModelPackage_ResolveStringRef, const OrtModelPackageContext *ctx, const char *base_dir,
                  const char *input, int must_exist, const char **path);
  ORT_API2_STATUS(SelectComponent, const OrtModelPackageContext *ctx, const char *component,
                  const OrtModelPackageOptions *options, OrtModelPackageComponentContext **out);
  ORT_CLASS_RELEASE(ModelPackageComponentContext);
  ORT_API2_STATUS(ModelPackageComponent_GetSelectedVariantName, const OrtModelPackageComponentContext *ctx,
                  const char **name);
  ORT_API2_STATUS(ModelPackageComponent_GetSelectedVariantFolderPath, const OrtModelPackageComponentContext *ctx,
                  const ORTCHAR_T **path);
  ORT_API2_STATUS(CreateSession, const OrtEnv *env, const OrtModelPackageComponentContext *ctx,
                  const OrtSessionOptions *session_options, OrtSession **out);
};

/* Symbols of their own, the CPU's in every build, another one only where its provider is compiled in. */
ORT_EXPORT ORT_API_STATUS(OrtSessionOptionsAppendExecutionProvider_CPU, OrtSessionOptions *options, int use_arena);
ORT_API_STATUS(OrtSessionOptionsAppendExecutionProvider_CUDA, OrtSessionOptions *options, int device_id);
ORT_API_STATUS(OrtSessionOptionsAppendExecutionProvider_ROCM, OrtSessionOptions *options, int device_id);
ORT_API_STATUS(OrtSessionOptionsAppendExecutionProvider_MIGraphX, OrtSessionOptions *options, int device_id);
ORT_API_STATUS(OrtSessionOptionsAppendExecutionProvider_Dnnl, OrtSessionOptions *options, int use_arena);
ORT_API_STATUS(OrtSessionOptionsAppendExecutionProvider_Tensorrt, OrtSessionOptions *options, int device_id);

#ifdef __cplusplus
}
#endif

#include "onnxruntime_ep_c_api.h"
#endif
