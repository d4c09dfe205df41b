// SPDX-License-Identifier: MIT
/* Custom-operator domains and the ways to register them: by hand, by a library, by a function that the process has. */
#include "abi/handles.h"

OrtStatus *ORT_API_CALL sx_api_CreateCustomOpDomain(const char *domain, OrtCustomOpDomain **out) {
  SX_API_NOT_NULL(domain);
  SX_API_NOT_NULL(out);
  OrtCustomOpDomain *d = sx_calloc(1, sizeof *d);
  if (!d || !(d->name = sx_text_dup(domain))) {
    sx_free(d, sizeof *d);
    SX_API_NO_MEMORY();
  }
  *out = d;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CustomOpDomain_Add(OrtCustomOpDomain *custom_op_domain, const OrtCustomOp *op) {
  SX_API_NOT_NULL(custom_op_domain);
  SX_API_NOT_NULL(op);
  if (!sx_vec_push(&custom_op_domain->ops, op)) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_AddCustomOpDomain(OrtSessionOptions *options, OrtCustomOpDomain *custom_op_domain) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(custom_op_domain);
  if (!sx_vec_push(&options->domains, custom_op_domain)) SX_API_NO_MEMORY();
  return NULL;
}

void ORT_API_CALL sx_api_ReleaseCustomOpDomain(OrtCustomOpDomain *input) {
  if (!input) return;
  sx_text_drop(input->name);
  sx_vec_free(&input->ops);
  sx_free(input, sizeof *input);
}

sx_library *sx_library_again(sx_library *l) {
  atomic_fetch_add(&l->refs, 1);
  return l;
}

void sx_library_close(sx_library *l) {
  if (!l || atomic_fetch_sub(&l->refs, 1) != 1) return;
  sx_dl_close(l->handle);
  sx_free(l, sizeof *l);
}

/* Loads a library and lets it add its domains. */
static OrtStatus *register_library(OrtSessionOptions *options, const char *path, void **handle) {
  char why[400];
  void *h = sx_dl_open(path, why, sizeof why);
  if (!h) SX_API_FAIL(FAIL, "the library '%.300s' cannot be loaded: %s", path, why);
  RegisterCustomOpsFn fn = (RegisterCustomOpsFn)sx_dl_symbol(h, "RegisterCustomOps");
  OrtStatus *s =
      fn ? fn(options, OrtGetApiBase()) : sx_ort_error(ORT_FAIL, "'%.300s' has no function RegisterCustomOps", path);
  if (s) {
    sx_dl_close(h);
    return s;
  }
  *handle = h;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_RegisterCustomOpsLibrary(OrtSessionOptions *options, const char *library_path,
                                                        void **library_handle) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(library_path);
  SX_API_NOT_NULL(library_handle);
  return register_library(options, library_path, library_handle);
}

OrtStatus *ORT_API_CALL sx_api_RegisterCustomOpsLibrary_V2(OrtSessionOptions *options, const ORTCHAR_T *library_name) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(library_name);
  sx_library *l = sx_calloc(1, sizeof *l);
  if (!l || !sx_vec_reserve(&options->libraries, options->libraries.n + 1)) {
    sx_free(l, sizeof *l);
    SX_API_NO_MEMORY();
  }
  sx_path path;
  OrtStatus *s = sx_path_open(&path, library_name) ? register_library(options, path.p, &l->handle)
                                                   : sx_ort_status(SX_E_NO_MEMORY, NULL);
  sx_path_close(&path);
  if (s) {
    sx_free(l, sizeof *l);
    return s;
  }
  atomic_init(&l->refs, 1);
  options->libraries.at[options->libraries.n++] = l;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_RegisterCustomOpsUsingFunction(OrtSessionOptions *options,
                                                              const char *registration_func_name) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(registration_func_name);
  RegisterCustomOpsFn fn = *registration_func_name ? (RegisterCustomOpsFn)sx_dl_symbol(NULL, registration_func_name) : NULL;
  if (!fn) SX_API_FAIL(FAIL, "the process has no function '%.200s'", registration_func_name);
  return fn(options, OrtGetApiBase());
}

OrtStatus *ORT_API_CALL sx_api_EnableOrtCustomOps(OrtSessionOptions *options) {
  SX_API_FAIL(FAIL, "EnableOrtCustomOps: onnxruntime-extensions is not part of this build; load its library instead");
}
