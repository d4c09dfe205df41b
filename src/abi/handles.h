// SPDX-License-Identifier: MIT
/* What the opaque classes of the C interface are, and what their files share: making statuses, checking arguments, handing
 * out strings. OrtValue is sx_rt_value and OrtMemoryInfo is sx_memory (run/value.h); the rest is here. */
#ifndef SX_ABI_HANDLES_H
#define SX_ABI_HANDLES_H
#include "abi/api.h"
#include "base/alloc.h"
#include "base/dl.h"
#include "base/log.h"
#include "base/status.h"
#include "base/str.h"
#include "run/value.h"

/* ---- statuses ---- */
struct OrtStatus {
  OrtErrorCode code;
  size_t size; /* of the whole block; 0: static */
  char message[];
};

/* A status on the heap, or the static one for "out of memory" when there is no room for it. Never NULL. */
OrtStatus *sx_ort_error(OrtErrorCode code, const char *fmt, ...) SX_PRINTF(2, 3);
/* The status for a failed internal call; NULL for SX_OK. */
OrtStatus *sx_ort_status(sx_status s, const sx_err *e);

/* In a function that returns OrtStatus *. __func__ is sx_<table>_<slot>. */
#define SX_API_FAIL(code, ...) return sx_ort_error(ORT_##code, __VA_ARGS__)
#define SX_API_NOT_NULL(arg) \
  if (!(arg))                \
  return sx_ort_error(ORT_INVALID_ARGUMENT, "%s: the argument '%s' is NULL", strchr(__func__ + 3, '_') + 1, #arg)
#define SX_API_NO_MEMORY() return sx_ort_status(SX_E_NO_MEMORY, NULL)
/* Ends the function with the status of an internal call; `e` is an sx_err in scope. */
#define SX_API_TRY(expr)                                 \
  do {                                                   \
    sx_status sx_s_ = (expr);                            \
    if (sx_s_ != SX_OK) return sx_ort_status(sx_s_, &e); \
  } while (0)

/* ---- text ---- */
/* A NUL-terminated copy on the heap; NULL when out of memory. sx_text_drop takes NULL too. */
char *sx_text_dup(const char *s);
void sx_text_drop(char *s);

/* A caller's path as UTF-8: its own bytes where paths are UTF-8, a copy where they are wide. False: out of memory; NULL stays
 * NULL. Closed when it is no longer read. */
typedef struct sx_path { const char *p; char *copy; } sx_path;
bool sx_path_open(sx_path *path, const ORTCHAR_T *given);
void sx_path_close(sx_path *path);
/* The other way: a path as the caller's system has it, in the arena (or as it is); NULL: out of memory. */
const ORTCHAR_T *sx_path_native(sx_arena *a, const char *path);
/* sx_ort_text_set with a path. */
OrtStatus *sx_ort_path_set(char **slot, const ORTCHAR_T *path);
/* Replaces the text that *slot owns. */
OrtStatus *sx_ort_text_set(char **slot, const char *s);
/* A string that the caller frees with its allocator. */
OrtStatus *sx_ort_text_out(OrtAllocator *a, sx_str s, char **out);
/* The two-call protocol: `out` NULL asks for the size with the terminator; a small buffer is INVALID_ARGUMENT and sets it.
 */
OrtStatus *sx_ort_text_copy(const char *what, sx_str s, char *out, size_t *size);

/* Sorted by key; keys and values are owned. */
struct OrtKeyValuePairs {
  const char **keys, **values; /* parallel, `cap` long */
  uint32_t n, cap;
  bool lost; /* an entry, for want of memory, by a caller who cannot be told: sx_kvp_copy and who takes the pairs fail */
};
OrtKeyValuePairs *sx_kvp_create(void); /* NULL: out of memory; given back with sx_api_ReleaseKeyValuePairs */
bool sx_kvp_set(OrtKeyValuePairs *p, const char *key, const char *value); /* false: out of memory, nothing changed */
const char *sx_kvp_get(const OrtKeyValuePairs *p, const char *key);       /* NULL when absent */
bool sx_kvp_copy(const OrtKeyValuePairs *from, OrtKeyValuePairs *to);     /* adds; false: out of memory */
void sx_kvp_clear(OrtKeyValuePairs *p);

/* ---- memory ---- */
struct OrtArenaCfg {
  size_t max_mem;
  int64_t strategy, initial_chunk, max_dead, initial_growth, max_power_of_two_extend;
};
static inline const sx_memory *sx_memory_of(const OrtMemoryInfo *m) { return (const sx_memory *)m; }
extern OrtAllocator sx_default_allocator;
/* Takes back the shared allocator of a memory, or (m NULL) that allocator, whatever memory it says it is for; false: it was not there. */
bool sx_env_unshare(OrtEnv *env, const sx_memory *m, const OrtAllocator *only);
/* Where tensors get their data from when a caller names this allocator. NULL for the default one: the library's own heap.
 */
const sx_rt_source *sx_source_of(OrtAllocator *a, sx_rt_source *room);

/* ---- types ---- */
sx_dtype sx_dtype_of(ONNXTensorElementDataType t); /* UNDEFINED when there is no such type */
ONNXTensorElementDataType sx_dtype_to_ort(sx_dtype t);
/* NOT_IMPLEMENTED when there is no such type. */
OrtStatus *sx_ort_dtype(ONNXTensorElementDataType type, sx_dtype *out);
/* Of a value; of an empty optional what it would hold. */
ONNXType sx_ort_kind(const sx_rt_value *v);

struct OrtTensorTypeAndShapeInfo {
  ONNXTensorElementDataType type;
  bool has_shape;
  uint32_t rank, cap; /* cap: dimensions that `dims` has room for */
  uint32_t named;     /* entries of `names` */
  int64_t *dims;
  char **names;   /* owned; NULL entries are "" */
  int64_t few[8]; /* where dims points as long as they fit */
};
/* Also an OrtMapTypeInfo, an OrtSequenceTypeInfo and an OrtOptionalTypeInfo: the same object under another name. */
struct OrtTypeInfo {
  ONNXType kind;
  ONNXTensorElementDataType key;     /* maps */
  OrtTensorTypeAndShapeInfo *tensor; /* tensors, sparse tensors */
  OrtTypeInfo *contained;            /* maps: of the values; sequences, optionals */
  char *denotation;                  /* NULL: "" */
};
/* NULL when out of memory. `names` may be NULL, and so may its entries. */
OrtTensorTypeAndShapeInfo *sx_ort_shape_create(sx_dtype dtype, bool has_shape, uint32_t rank, const int64_t *dims,
                                               const char *const *names);
OrtTypeInfo *sx_ort_type_tensor(ONNXType kind, OrtTensorTypeAndShapeInfo *owned); /* takes over, on failure too */
OrtTypeInfo *sx_ort_type_of(ONNXType kind, ONNXTensorElementDataType key, OrtTypeInfo *owned); /* likewise */
OrtTypeInfo *sx_ort_type_copy(const OrtTypeInfo *t);
OrtTypeInfo *sx_ort_type_of_value(const sx_rt_value *v);

/* ---- environment ---- */
struct OrtLogger {
  sx_logger log;
};
struct OrtThreadingOptions {
  int intra, inter; /* 0: as many as there are cores */
  bool spin, denormals_zero;
  char *affinity;
  OrtCustomCreateThreadFn create;
  void *create_options;
  OrtCustomJoinThreadFn join;
};
typedef struct sx_shared_allocator {
  const sx_memory *memory;
  OrtAllocator *allocator;
} sx_shared_allocator;
struct OrtHardwareDevice {
  OrtHardwareDeviceType type;
  uint32_t vendor_id, device_id;
  const char *vendor;
  OrtKeyValuePairs metadata;
};
enum { SX_EP_MEMORY_DEVICE, SX_EP_MEMORY_HOST, SX_EP_MEMORY_READ_ONLY, SX_EP_MEMORIES };
struct OrtEpDevice {
  const char *name, *vendor;
  OrtKeyValuePairs metadata, options;
  const OrtHardwareDevice *hardware;
  OrtEpFactory *factory; /* of a plugin; NULL: the CPU. The rest is of plugins: */
  struct sx_ep_library *library;
  char *name_copy, *vendor_copy;
  const sx_memory *memory[SX_EP_MEMORIES]; /* that it has; NULL: none of the kind */
  OrtAllocator *allocator[SX_EP_MEMORIES];
};
typedef struct sx_ep_choice { /* devices of one provider that a session shall use */
  const OrtEpDevice *devices[8];
  uint32_t n;
} sx_ep_choice;
typedef struct sx_old_list { /* of devices, before a library came or went */
  void *at;
  size_t bytes;
} sx_old_list;
struct OrtEnv {
  uint32_t refs;
  void *library; /* ours, which stays as long as this does, though its user may have closed it */
  OrtLogger logger;
  char *log_id;
  OrtLoggingFunction user_log;
  void *user_log_param;
  bool global_pools;
  OrtThreadingOptions threads;
  struct sx_pool *pool; /* shared by sessions; made when the first one wants it */
  OrtKeyValuePairs config;           /* the user's */
  _Atomic uint32_t virtual_libraries; /* of providers that may make up devices: plugins read it as a configuration entry */
  OrtThreadPoolCallbacksConfig callbacks;
  SX_VEC(sx_shared_allocator) shared;
  OrtHardwareDevice cpu;
  OrtEpDevice cpu_ep;
  SX_VEC(const OrtEpDevice *) devices; /* the CPU's first, then those of plugins */
  SX_VEC(sx_old_list) old_devices;
  SX_VEC(void *) plugins; /* sx_ep_library */
};
/* One more holder of the environment; NULL stays NULL. sx_env_unref gives for the last one the library that the environment held,
 * for sx_dl_let_go. */
OrtEnv *sx_env_ref(OrtEnv *env);
void *sx_env_unref(OrtEnv *env);
void sx_env_close_plugins(OrtEnv *env);
/* The environment's logger, or the quiet default one. */
const sx_logger *sx_env_logger(const OrtEnv *env);

/* ---- options ---- */
struct OrtCustomOpDomain {
  char *name;
  SX_VEC(const OrtCustomOp *) ops;
};
typedef struct sx_dim_override {
  char *name;
  bool by_denotation;
  int64_t value;
} sx_dim_override;
typedef struct sx_named_value {
  char *name;
  sx_rt_value *value; /* a reference */
} sx_named_value;
typedef struct sx_memory_file {
  char *name;
  const void *data; /* the caller's */
  size_t size;
} sx_memory_file;
/* A loaded library of custom operators, counted. */
typedef struct sx_library {
  _Atomic uint32_t refs;
  void *handle;
} sx_library;
struct OrtSessionOptions {
  ExecutionMode mode;
  GraphOptimizationLevel level;
  bool mem_pattern, cpu_arena, profiling, per_session_threads, deterministic, user_log_set;
  _Atomic bool cancel;
  int intra, inter, log_severity, log_verbosity; /* severity -1: the environment's */
  char *log_id, *profile_prefix, *optimized_path;
  OrtLoggingFunction user_log;
  void *user_log_param;
  OrtCustomCreateThreadFn thread_create;
  void *thread_options;
  OrtCustomJoinThreadFn thread_join;
  OrtKeyValuePairs config;
  SX_VEC(sx_dim_override) free_dims;
  SX_VEC(sx_named_value) initializers; /* AddInitializer */
  SX_VEC(sx_named_value) external;     /* AddExternalInitializers */
  SX_VEC(sx_memory_file) files;
  SX_VEC(OrtCustomOpDomain *) domains; /* the caller's */
  SX_VEC(sx_library *) libraries;      /* of RegisterCustomOpsLibrary_V2 */
  SX_VEC(sx_ep_choice) providers;      /* plugins, in order of preference */
  bool selects; /* a policy or a delegate was set */
  OrtExecutionProviderDevicePolicy policy;
  EpSelectionDelegate delegate;
  void *delegate_state;
  const void *weightless;
  size_t weightless_size;
  OrtReadNamedBufferFunc read_named;
  void *read_named_state;
  OrtWriteNamedBufferFunc write_named; /* set while a model is compiled */
  void *write_named_state;
};
struct OrtRunOptions {
  int log_severity, log_verbosity;
  char *tag, *profile_prefix;
  bool profiling;
  _Atomic bool terminate;
  OrtKeyValuePairs config;
  OrtSyncStream *stream;
  SX_VEC(const OrtLoraAdapter *) adapters; /* the caller's */
};
/* A copy; NULL when out of memory. */
OrtSessionOptions *sx_ort_options_clone(const OrtSessionOptions *o);
/* Stores a provider's options, over the defaults of its device (may be NULL). */
OrtStatus *sx_ort_store_ep_options(OrtSessionOptions *options, const char *provider, const OrtKeyValuePairs *defaults,
                                   const char *const *keys, const char *const *values, size_t n);
/* Does ONNX Runtime or this library know the key? Keys of areas that are not the runtime's (ep., a user's own) count as known. */
bool sx_ort_config_known(const char *key);
/* Adds a configuration entry after a check of the key. */
OrtStatus *sx_ort_config_set(OrtKeyValuePairs *config, const char *key, const char *value);

/* ---- libraries of custom operators and providers ---- */
sx_library *sx_library_again(sx_library *l);
void sx_library_close(sx_library *l);
#endif
