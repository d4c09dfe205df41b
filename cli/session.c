// SPDX-License-Identifier: MIT
/* Session options from the command line, and what a session says about its inputs and outputs. */
#include "library.h"
#include "os.h"
#include "term.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct session_opts {
  int64_t threads, inter_threads, level;
  cli_list config, ep, ep_library, free_dims, custom_ops;
  const char *optimized, *profile, *log;
  bool parallel, from_memory;
} session_opts;
static session_opts opts = {.threads = -1, .inter_threads = -1, .level = -1};

const cli_option session_options[] = {
    {"threads", 't', CLI_INT, "N", "threads inside an operator (0: the library decides)", &opts.threads},
    {"inter-threads", 0, CLI_INT, "N", "threads across operators, with --parallel", &opts.inter_threads},
    {"parallel", 0, CLI_FLAG, NULL, "independent operators may run at the same time", &opts.parallel},
    {"level", 'O', CLI_INT, "L", "graph optimisation: 0 none, 1 basic, 2 extended, 99 all (default)", &opts.level},
    {"config", 'c', CLI_LIST, "KEY=VALUE", "session configuration entry, as in session.intra_op.allow_spinning=0",
     &opts.config},
    {"ep", 0, CLI_LIST, "NAME[,K=V...]", "execution provider with its options, in order of preference", &opts.ep},
    {"ep-library", 0, CLI_LIST, "NAME=FILE", "load a plugin execution provider first", &opts.ep_library},
    {"free-dim", 0, CLI_LIST, "NAME=N", "fix a symbolic dimension in the model itself before it is optimised",
     &opts.free_dims},
    {"custom-ops", 0, CLI_LIST, "FILE", "load a library of custom operators", &opts.custom_ops},
    {"optimized-model", 0, CLI_TEXT, "FILE", "write the optimised model", &opts.optimized},
    {"profile", 0, CLI_TEXT, "FILE", "write a Chrome trace of load and runs (open in chrome://tracing or Perfetto)",
     &opts.profile},
    {"from-memory", 0, CLI_FLAG, NULL, "hand the library the model's bytes instead of its path", &opts.from_memory},
    {"log", 0, CLI_TEXT, "LEVEL", "the library's log on stderr: verbose, info, warning, error or fatal", &opts.log},
    {NULL},
};

static bool parse_log(OrtLoggingLevel *level) {
  static const char *const names[] = {"verbose", "info", "warning", "error", "fatal"};
  *level = ORT_LOGGING_LEVEL_WARNING;
  for (int i = 0; opts.log && i < 5; i++)
    if (!strcmp(opts.log, names[i])) return *level = (OrtLoggingLevel)i, true;
  return !opts.log || cli_fail(CLI_USAGE, "--log wants verbose, info, warning, error or fatal, not '%s'", opts.log);
}

OrtLoggingLevel session_log_level(void) {
  OrtLoggingLevel level;
  parse_log(&level);
  return level;
}

/* The devices of a plugin provider of that name, as far as there is one; *other: a plugin provider of another name, or
 * NULL. */
static bool append_devices(library *lib, OrtSessionOptions *so, const char *name, const char *const *keys,
                           const char *const *values, size_t count, bool *found, const char **other) {
  const OrtApi *newer = lib->base->GetApi(23);
  const OrtEpDevice *const *all = NULL, *mine[8];
  size_t n = 0, n_mine = 0;
  *found = false;
  if (!newer) return true;
  if (!library_ok(lib, newer->GetEpDevices(lib->env, &all, &n))) return false;
  for (size_t i = 0; i < n && n_mine < 8; i++) {
    const char *has = newer->EpDevice_EpName(all[i]);
    if (!strcmp(has, name))
      mine[n_mine++] = all[i];
    else if (strcmp(has, "CPUExecutionProvider") != 0)
      *other = has;
  }
  *found = n_mine > 0;
  return !n_mine ||
         library_ok(lib, newer->SessionOptionsAppendExecutionProvider_V2(so, lib->env, mine, n_mine, keys, values, count));
}

/* "NAME,key=value,key=value"; the short names cpu and cuda are taken as ONNX Runtime spells the providers. */
static bool append_ep(library *lib, OrtSessionOptions *so, const char *text) {
  char *copy = cli_copy(text, strlen(text)), *name = copy, *save = strchr(copy, ',');
  const char *keys[32], *values[32];
  size_t count = 0;
  while (save && count < 32) {
    *save++ = 0;
    char *eq = strchr(save, '='), *next = strchr(save, ',');
    if (!eq || (next && next < eq)) {
      free(copy);
      return cli_fail(CLI_USAGE, "--ep wants NAME,key=value,..., not '%s'", text);
    }
    *eq = 0;
    keys[count] = save, values[count++] = eq + 1;
    save = next;
  }
  const OrtApi *api = lib->api;
  const char *other = NULL;
  bool ok = true, plugin = true;
  if (strcmp(name, "cpu") && strcmp(name, "CPU") && strcmp(name, "CPUExecutionProvider")) /* always there */
    ok = append_devices(lib, so, name, keys, values, count, &plugin, &other);
  if (ok && !plugin) ok = library_ok(lib, api->SessionOptionsAppendExecutionProvider(so, name, keys, values, count));
  free(copy);
  if (ok || !other || !opts.ep_library.count) return ok || cli_fail_context("--ep %s", text);
  return cli_fail_context("--ep %s (a library was loaded that has %s: --ep takes the provider's name, not the library's)",
                          text, other);
}

/* Libraries of custom operators and of providers keep the table of the runtime that loaded them in one place of theirs: given
 * to a second runtime, they hand the objects of one to the other. */
static bool one_runtime(const library *lib) {
  static const OrtApiBase *served;
  if (!opts.custom_ops.count && !opts.ep_library.count) return true;
  if (served && served != lib->base)
    return cli_fail(CLI_USAGE,
                    "--custom-ops and --ep-library work with one library at a time: what they load serves one runtime in a "
                    "process. 'sardonyx run -o FILE.npz' with one and 'sardonyx compare --expect FILE.npz' with the other "
                    "compare, and 'sardonyx bench' measures them one after the other");
  served = lib->base;
  return true;
}

/* Loads a library of custom operators, or with a name of a provider. Not by a relative path: each runtime has its own idea of where
 * such a path begins. */
static bool load_plugin(library *lib, const OrtApi *api, OrtSessionOptions *so, const char *name, const char *path) {
  char *full = os_full_path(path);
  term_detail("loading %s", full);
  const bool ok = library_ok(lib, name ? api->RegisterExecutionProviderLibrary(lib->env, name, os_path(full))
                                       : api->RegisterCustomOpsLibrary_V2(so, os_path(full)));
  free(full);
  return ok;
}

static bool set_lists(library *lib, OrtSessionOptions *so) {
  const OrtApi *api = lib->api;
  if (!one_runtime(lib)) return false;
  char *key;
  const char *text;
  for (size_t i = 0; i < opts.config.count; i++) {
    if (!cli_split(opts.config.items[i], "--config", &key, &text)) return false;
    bool ok = library_ok(lib, api->AddSessionConfigEntry(so, key, text));
    free(key);
    if (!ok) return false;
  }
  for (size_t i = 0; i < opts.free_dims.count; i++) {
    int64_t n;
    if (!cli_split(opts.free_dims.items[i], "--free-dim", &key, &text)) return false;
    bool ok = cli_parse_int(text, &n) ? library_ok(lib, api->AddFreeDimensionOverrideByName(so, key, n))
                                      : cli_fail(CLI_USAGE, "--free-dim wants NAME=N, not '%s'", opts.free_dims.items[i]);
    free(key);
    if (!ok) return false;
  }
  for (size_t i = 0; i < opts.custom_ops.count; i++)
    if (!load_plugin(lib, api, so, NULL, opts.custom_ops.items[i])) return false;
  for (size_t i = 0; i < opts.ep_library.count && !lib->plugins; i++) {
    const OrtApi *newer = lib->base->GetApi(22);
    if (!newer) return cli_fail(CLI_BROKEN, "--ep-library needs a library of API version 22 or later");
    if (!cli_split(opts.ep_library.items[i], "--ep-library", &key, &text)) return false;
    bool ok = load_plugin(lib, newer, NULL, key, text);
    free(key);
    if (!ok) return false;
  }
  lib->plugins = true;
  for (size_t i = 0; i < opts.ep.count; i++)
    if (!append_ep(lib, so, opts.ep.items[i])) return false;
  return true;
}

static bool set_options(library *lib, OrtSessionOptions *so) {
  const OrtApi *api = lib->api;
  OrtLoggingLevel log;
  if (!parse_log(&log)) return false;
  if (opts.level != -1 && opts.level != 0 && opts.level != 1 && opts.level != 2 && opts.level != 3 && opts.level != 99)
    return cli_fail(CLI_USAGE, "--level wants 0, 1, 2, 3 or 99, not %lld", (long long)opts.level);
  if (opts.threads >= 0 && !library_ok(lib, api->SetIntraOpNumThreads(so, (int)opts.threads))) return false;
  if (opts.inter_threads >= 0 && !library_ok(lib, api->SetInterOpNumThreads(so, (int)opts.inter_threads))) return false;
  if (opts.parallel && !library_ok(lib, api->SetSessionExecutionMode(so, ORT_PARALLEL))) return false;
  if (opts.level >= 0 && !library_ok(lib, api->SetSessionGraphOptimizationLevel(so, (GraphOptimizationLevel)opts.level)))
    return false;
  if (opts.log && !library_ok(lib, api->SetSessionLogSeverityLevel(so, (int)log))) return false;
  if (opts.optimized && !library_ok(lib, api->SetOptimizedModelFilePath(so, os_path(opts.optimized)))) return false;
  if (opts.profile && !library_ok(lib, api->EnableProfiling(so, os_path(opts.profile)))) return false;
  return set_lists(lib, so);
}

static char *shape_text(const session_io *io) {
  char *text = cli_text("[");
  for (size_t d = 0; d < io->rank; d++) {
    char *longer = io->dims[d] >= 0 ? cli_text("%s%s%lld", text, d ? "," : "", (long long)io->dims[d])
                                    : cli_text("%s%s%s", text, d ? "," : "", *io->symbols[d] ? io->symbols[d] : "?");
    free(text);
    text = longer;
  }
  char *out = cli_text("%s]", text);
  free(text);
  return out;
}

static bool read_tensor_info(library *lib, const OrtTensorTypeAndShapeInfo *info, session_io *io) {
  const OrtApi *api = lib->api;
  ONNXTensorElementDataType element;
  if (!library_ok(lib, api->GetTensorElementType(info, &element)) ||
      !library_ok(lib, api->GetDimensionsCount(info, &io->rank)))
    return false;
  io->element = dtype_of(element);
  io->dims = cli_alloc(io->rank * sizeof *io->dims);
  io->symbols = cli_alloc(io->rank * sizeof *io->symbols);
  const char **names = cli_alloc(io->rank * sizeof *names);
  bool ok = library_ok(lib, api->GetDimensions(info, io->dims, io->rank)) &&
            library_ok(lib, api->GetSymbolicDimensions(info, names, io->rank));
  for (size_t d = 0; d < io->rank; d++) {
    const char *name = ok && names[d] ? names[d] : "";
    io->symbols[d] = cli_copy(name, strlen(name));
  }
  free(names);
  return ok;
}

static bool read_type(library *lib, const OrtTypeInfo *type, session_io *io);

/* The part of *io that describes what a sequence or an optional holds becomes its text; the rest is dropped. */
static char *inner_text(library *lib, OrtTypeInfo *type, session_io *inner, bool owned) {
  bool ok = read_type(lib, type, inner);
  char *text = ok ? cli_text("%s", inner->text) : NULL;
  if (owned) lib->api->ReleaseTypeInfo(type);
  return text;
}

static void io_clear(session_io *io) {
  for (size_t d = 0; io->symbols && d < io->rank; d++) free(io->symbols[d]);
  free(io->symbols), free(io->dims), free(io->text), free(io->name);
}

static bool read_list(library *lib, const OrtTypeInfo *type, session_io *io) {
  const OrtApi *api = lib->api;
  const OrtSequenceTypeInfo *sequence;
  const OrtMapTypeInfo *map;
  OrtTypeInfo *element;
  session_io inner = {0};
  char *text;
  if (io->type == ONNX_TYPE_MAP) {
    ONNXTensorElementDataType key;
    if (!library_ok(lib, api->CastTypeInfoToMapTypeInfo(type, &map)) || !library_ok(lib, api->GetMapKeyType(map, &key)) ||
        !library_ok(lib, api->GetMapValueType(map, &element)))
      return false;
    text = inner_text(lib, element, &inner, true);
    io->text = text ? cli_text("map(%s, %s)", dtype_of(key) ? dtype_of(key)->name : "?", text) : NULL;
  } else {
    if (!library_ok(lib, api->CastTypeInfoToSequenceTypeInfo(type, &sequence)) ||
        !library_ok(lib, api->GetSequenceElementType(sequence, &element)))
      return false;
    text = inner_text(lib, element, &inner, true);
    io->element = inner.element;
    io->text = text ? cli_text("sequence(%s)", text) : NULL;
  }
  io_clear(&inner);
  free(text);
  return io->text != NULL;
}

static bool read_type(library *lib, const OrtTypeInfo *type, session_io *io) {
  const OrtApi *api = lib->api;
  if (!library_ok(lib, api->GetOnnxTypeFromTypeInfo(type, &io->type))) return false;
  if (io->type == ONNX_TYPE_OPTIONAL) {
    const OrtOptionalTypeInfo *optional;
    OrtTypeInfo *inner;
    if (!library_ok(lib, api->CastTypeInfoToOptionalTypeInfo(type, &optional)) ||
        !library_ok(lib, api->GetOptionalContainedTypeInfo(optional, &inner)))
      return false;
    char *text = inner_text(lib, inner, io, true);
    free(io->text);
    io->text = cli_text("optional(%s)", text ? text : "?");
    io->optional = true;
    free(text);
    return true;
  }
  if (io->type == ONNX_TYPE_SEQUENCE || io->type == ONNX_TYPE_MAP) return read_list(lib, type, io);
  const OrtTensorTypeAndShapeInfo *info = NULL;
  if (io->type == ONNX_TYPE_TENSOR || io->type == ONNX_TYPE_SPARSETENSOR) {
    if (!library_ok(lib, api->CastTypeInfoToTensorInfo(type, &info)) || !info) return false;
    if (!read_tensor_info(lib, info, io)) return false;
    char *shape = shape_text(io);
    io->text = cli_text("%s%s%s", io->type == ONNX_TYPE_SPARSETENSOR ? "sparse " : "",
                        io->element ? io->element->name : "?", shape);
    free(shape);
  } else {
    io->text = cli_text("opaque");
  }
  return true;
}

typedef OrtStatus *(ORT_API_CALL *count_fn)(const OrtSession *, size_t *);
typedef OrtStatus *(ORT_API_CALL *name_fn)(const OrtSession *, size_t, OrtAllocator *, char **);
typedef OrtStatus *(ORT_API_CALL *type_fn)(const OrtSession *, size_t, OrtTypeInfo **);

static bool read_ios(session *s, count_fn count_of, name_fn name_of, type_fn type_of, session_io **ios, size_t *count) {
  library *lib = s->lib;
  if (!library_ok(lib, count_of(s->handle, count))) return *count = 0, false;
  *ios = cli_alloc(*count * sizeof **ios);
  for (size_t i = 0; i < *count; i++) {
    char *name;
    OrtTypeInfo *type;
    if (!library_ok(lib, name_of(s->handle, i, lib->allocator, &name))) return false;
    (*ios)[i].name = cli_copy(name, strlen(name));
    lib->allocator->Free(lib->allocator, name);
    if (!library_ok(lib, type_of(s->handle, i, &type))) return false;
    bool ok = read_type(lib, type, &(*ios)[i]);
    lib->api->ReleaseTypeInfo(type);
    if (!ok) return false;
  }
  return true;
}

static bool create(session *s, OrtSessionOptions *so, const char *model) {
  const OrtApi *api = s->lib->api;
  if (!opts.from_memory) return library_ok(s->lib, api->CreateSession(s->lib->env, os_path(model), so, &s->handle));
  const uint8_t *data;
  size_t size;
  if (!os_map(model, &data, &size)) return cli_fail(CLI_BROKEN, "%s: cannot be read", model);
  bool ok = library_ok(s->lib, api->CreateSessionFromArray(s->lib->env, data, size, so, &s->handle));
  os_unmap(data, size);
  return ok;
}

OrtSessionOptions *session_options_make(library *lib) {
  OrtSessionOptions *so = NULL;
  if (library_ok(lib, lib->api->CreateSessionOptions(&so)) && set_options(lib, so)) return so;
  if (so) lib->api->ReleaseSessionOptions(so);
  return NULL;
}

session *session_open(library *lib, const char *model) {
  const OrtApi *api = lib->api;
  session *s = cli_alloc(sizeof *s);
  OrtSessionOptions *so = session_options_make(lib);
  s->lib = lib;
  s->profiled = opts.profile != NULL;
  double start = os_seconds();
  bool ok = so && create(s, so, model);
  s->load_seconds = os_seconds() - start;
  if (so) api->ReleaseSessionOptions(so);
  ok = ok &&
       read_ios(s, api->SessionGetInputCount, api->SessionGetInputName, api->SessionGetInputTypeInfo, &s->inputs,
                &s->num_inputs) &&
       read_ios(s, api->SessionGetOutputCount, api->SessionGetOutputName, api->SessionGetOutputTypeInfo, &s->outputs,
                &s->num_outputs) &&
       read_ios(s, api->SessionGetOverridableInitializerCount, api->SessionGetOverridableInitializerName,
                api->SessionGetOverridableInitializerTypeInfo, &s->initializers, &s->num_initializers);
  if (ok) return s;
  session_close(s);
  return NULL;
}

/* With the options as the caller has changed them, which are then as they were in `asked`. */
static session *open_changed(library *lib, const char *model, const session_opts *asked) {
  opts.profile = opts.optimized = NULL;
  session *s = session_open(lib, model);
  opts = *asked;
  return s;
}

session *session_open_level(library *lib, const char *model, int level) {
  const session_opts asked = opts;
  opts.level = level;
  return open_changed(lib, model, &asked);
}

session *session_open_threads(library *lib, const char *model, int threads) {
  const session_opts asked = opts;
  cli_list config = {0};
  for (size_t i = 0; i < opts.config.count; i++) cli_list_add(&config, opts.config.items[i]);
  cli_list_add(&config, "sardonyx.split_steps=1");
  opts.threads = threads, opts.config = config;
  session *s = open_changed(lib, model, &asked);
  free(config.items);
  return s;
}

static bool end_profile(session *s) {
  char *file = NULL;
  if (!s->profiled) return true;
  if (!library_ok(s->lib, s->lib->api->SessionEndProfiling(s->handle, s->lib->allocator, &file))) return false;
  bool ok = true;
  if (strcmp(file, opts.profile)) {
    remove(opts.profile);
    ok = !rename(file, opts.profile) ||
         cli_fail(CLI_BROKEN, "%s: cannot be written; the trace is in %s", opts.profile, file);
  }
  s->lib->allocator->Free(s->lib->allocator, file);
  if (ok) term_note("trace written to %s", opts.profile);
  return ok;
}

bool session_close(session *s) {
  if (!s) return true;
  bool ok = !s->handle || end_profile(s);
  if (s->handle) s->lib->api->ReleaseSession(s->handle);
  session_io *const lists[] = {s->inputs, s->outputs, s->initializers};
  const size_t counts[] = {s->num_inputs, s->num_outputs, s->num_initializers};
  for (int k = 0; k < 3; k++) {
    for (size_t i = 0; lists[k] && i < counts[k]; i++) io_clear(&lists[k][i]);
    free(lists[k]);
  }
  free(s);
  return ok;
}

const session_io *session_input(const session *s, const char *name) {
  for (size_t i = 0; i < s->num_inputs; i++)
    if (!strcmp(s->inputs[i].name, name)) return &s->inputs[i];
  for (size_t i = 0; i < s->num_initializers; i++)
    if (!strcmp(s->initializers[i].name, name)) return &s->initializers[i];
  return NULL;
}
