// SPDX-License-Identifier: MIT
/* Kernels that a provider registers: definitions, built piece by piece, and the search for the one that fits a node. */
#include <limits.h>
#include "abi/plugin/host.h"

struct OrtKernelDefBuilder {
  OrtKernelDef *def;
};

static void free_def(OrtKernelDef *d) {
  if (!d) return;
  sx_text_drop(d->op_type);
  sx_text_drop(d->domain);
  sx_text_drop(d->ep);
  for (uint32_t i = 0; i < d->constraints.n; i++) sx_text_drop(d->constraints.at[i].name);
  sx_vec_free(&d->constraints);
  sx_vec_free(&d->aliases);
  sx_vec_free(&d->mutable_aliases);
  sx_vec_free(&d->in_types);
  sx_vec_free(&d->out_types);
  sx_free(d, sizeof *d);
}

static OrtKernelDef *copy_def(const OrtKernelDef *from) {
  OrtKernelDef *d = sx_calloc(1, sizeof *d);
  if (!d) return NULL;
  d->op_type = sx_text_dup(from->op_type), d->domain = sx_text_dup(from->domain), d->ep = sx_text_dup(from->ep);
  d->first = from->first, d->last = from->last, d->host_in = from->host_in, d->host_out = from->host_out;
  bool ok = d->op_type && d->domain && d->ep;
  for (uint32_t i = 0; i < from->constraints.n && ok; i++) {
    sx_ep_constraint c = {sx_text_dup(from->constraints.at[i].name), from->constraints.at[i].types};
    ok = c.name && sx_vec_push(&d->constraints, c);
    if (!ok) sx_text_drop(c.name);
  }
  for (uint32_t i = 0; i < from->aliases.n && ok; i++) ok = sx_vec_push(&d->aliases, from->aliases.at[i]);
  for (uint32_t i = 0; i < from->mutable_aliases.n && ok; i++)
    ok = sx_vec_push(&d->mutable_aliases, from->mutable_aliases.at[i]);
  for (uint32_t i = 0; i < from->in_types.n && ok; i++) ok = sx_vec_push(&d->in_types, from->in_types.at[i]);
  for (uint32_t i = 0; i < from->out_types.n && ok; i++) ok = sx_vec_push(&d->out_types, from->out_types.at[i]);
  if (ok) return d;
  free_def(d);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_CreateKernelDefBuilder(OrtKernelDefBuilder **kernel_def_builder_out) {
  SX_API_NOT_NULL(kernel_def_builder_out);
  OrtKernelDefBuilder *b = sx_calloc(1, sizeof *b);
  OrtKernelDef *d = b ? b->def = sx_calloc(1, sizeof *d) : NULL;
  if (d) d->first = 1, d->last = INT_MAX, d->domain = sx_text_dup(""), d->op_type = sx_text_dup(""), d->ep = sx_text_dup("");
  if (!d || !d->domain || !d->op_type || !d->ep) {
    sx_epapi_ReleaseKernelDefBuilder(b);
    SX_API_NO_MEMORY();
  }
  *kernel_def_builder_out = b;
  return NULL;
}
void ORT_API_CALL sx_epapi_ReleaseKernelDefBuilder(OrtKernelDefBuilder *b) {
  if (!b) return;
  free_def(b->def);
  sx_free(b, sizeof *b);
}

#define SET_TEXT(Name, param, member)                                                                                   \
  OrtStatus *ORT_API_CALL sx_epapi_KernelDefBuilder_Set##Name(OrtKernelDefBuilder *kernel_def_builder, const char *param) { \
    SX_API_NOT_NULL(kernel_def_builder);                                                                                \
    SX_API_NOT_NULL(param);                                                                                             \
    return sx_ort_text_set(&kernel_def_builder->def->member, param);                                                    \
  }
SET_TEXT(OperatorType, op_type, op_type)
SET_TEXT(Domain, domain, domain)
SET_TEXT(ExecutionProvider, ep_name, ep)

OrtStatus *ORT_API_CALL sx_epapi_KernelDefBuilder_SetSinceVersion(OrtKernelDefBuilder *kernel_def_builder,
                                                                  int since_version_start, int since_version_end) {
  SX_API_NOT_NULL(kernel_def_builder);
  if (since_version_start < 1 || since_version_end < since_version_start)
    SX_API_FAIL(INVALID_ARGUMENT, "KernelDefBuilder_SetSinceVersion: %d to %d is no range of versions", since_version_start,
                since_version_end);
  kernel_def_builder->def->first = since_version_start, kernel_def_builder->def->last = since_version_end;
  return NULL;
}

#define SET_MEMORY(Name, param, types, mask)                                                                        \
  OrtStatus *ORT_API_CALL sx_epapi_KernelDefBuilder_Set##Name(OrtKernelDefBuilder *kernel_def_builder, size_t param, \
                                                              OrtMemType mem_type) {                                \
    SX_API_NOT_NULL(kernel_def_builder);                                                                            \
    OrtKernelDef *d = kernel_def_builder->def;                                                                      \
    if (param >= 64) SX_API_FAIL(INVALID_ARGUMENT, "index %zu: at most 64 have a memory type", param);              \
    while (d->types.n <= param)                                                                                     \
      if (!sx_vec_push(&d->types, OrtMemTypeDefault)) SX_API_NO_MEMORY();                                           \
    d->types.at[param] = mem_type;                                                                                  \
    d->mask = (d->mask & ~((uint64_t)1 << param)) | (uint64_t)(mem_type != OrtMemTypeDefault) << param;             \
    return NULL;                                                                                                    \
  }                                                                                                                 \
  OrtStatus *ORT_API_CALL sx_epapi_KernelDef_Get##Name(const OrtKernelDef *kernel_def, size_t param, OrtMemType *mem_type) { \
    SX_API_NOT_NULL(kernel_def);                                                                                    \
    SX_API_NOT_NULL(mem_type);                                                                                      \
    *mem_type = param < kernel_def->types.n ? kernel_def->types.at[param] : OrtMemTypeDefault;                      \
    return NULL;                                                                                                    \
  }
SET_MEMORY(InputMemType, input_index, in_types, host_in)
SET_MEMORY(OutputMemType, output_index, out_types, host_out)

/* Element types as objects: the address says which. */
static const char data_types[64];
OrtStatus *ORT_API_CALL sx_epapi_GetTensorDataType(ONNXTensorElementDataType elem_type, const OrtDataType **out) {
  SX_API_NOT_NULL(out);
  sx_dtype t;
  *out = NULL;
  OrtStatus *failed = sx_ort_dtype(elem_type, &t);
  if (!failed) *out = (const OrtDataType *)&data_types[t];
  return failed;
}
static int type_of(const OrtDataType *t) {
  uintptr_t at = (uintptr_t)t - (uintptr_t)data_types;
  return at < sizeof data_types ? (int)at : -1;
}

OrtStatus *ORT_API_CALL sx_epapi_KernelDefBuilder_AddTypeConstraint(OrtKernelDefBuilder *kernel_def_builder,
                                                                    const char *arg_name, const OrtDataType *const *types,
                                                                    size_t num_types) {
  SX_API_NOT_NULL(kernel_def_builder);
  SX_API_NOT_NULL(arg_name);
  SX_API_NOT_NULL(types && num_types);
  sx_ep_constraint c = {NULL, 0};
  for (size_t i = 0; i < num_types; i++) {
    if (!types[i] || type_of(types[i]) < 0)
      SX_API_FAIL(INVALID_ARGUMENT, "KernelDefBuilder_AddTypeConstraint: type %zu is not one of GetTensorDataType", i);
    c.types |= (uint64_t)1 << type_of(types[i]);
  }
  if (!(c.name = sx_text_dup(arg_name)) || !sx_vec_push(&kernel_def_builder->def->constraints, c)) {
    sx_text_drop(c.name);
    SX_API_NO_MEMORY();
  }
  return NULL;
}

#define ADD_ALIASES(Name, list)                                                                                      \
  OrtStatus *ORT_API_CALL sx_epapi_KernelDefBuilder_##Name(OrtKernelDefBuilder *kernel_def_builder,                  \
                                                           int const *input_indices, int const *output_indices,      \
                                                           size_t num_io_indices) {                                  \
    SX_API_NOT_NULL(kernel_def_builder);                                                                             \
    if (num_io_indices) SX_API_NOT_NULL(input_indices && output_indices);                                            \
    for (size_t i = 0; i < num_io_indices; i++)                                                                      \
      if (!sx_vec_push(&kernel_def_builder->def->list, ((sx_ep_alias){input_indices[i], output_indices[i]})))        \
        SX_API_NO_MEMORY();                                                                                          \
    return NULL;                                                                                                     \
  }
ADD_ALIASES(AddInputOutputAliases, aliases)
ADD_ALIASES(AddInputOutputMutableAliases, mutable_aliases)

OrtStatus *ORT_API_CALL sx_epapi_KernelDefBuilder_Build(OrtKernelDefBuilder *kernel_def_builder,
                                                        OrtKernelDef **kernel_def_out) {
  SX_API_NOT_NULL(kernel_def_builder);
  SX_API_NOT_NULL(kernel_def_out);
  if (!*kernel_def_builder->def->op_type)
    SX_API_FAIL(INVALID_ARGUMENT, "KernelDefBuilder_Build: the definition has no operator type");
  *kernel_def_out = copy_def(kernel_def_builder->def);
  if (!*kernel_def_out) SX_API_NO_MEMORY();
  return NULL;
}
void ORT_API_CALL sx_epapi_ReleaseKernelDef(OrtKernelDef *def) { free_def(def); }

const char *ORT_API_CALL sx_epapi_KernelDef_GetOperatorType(const OrtKernelDef *d) { return d ? d->op_type : NULL; }
const char *ORT_API_CALL sx_epapi_KernelDef_GetDomain(const OrtKernelDef *d) { return d ? d->domain : NULL; }
const char *ORT_API_CALL sx_epapi_KernelDef_GetExecutionProvider(const OrtKernelDef *d) { return d ? d->ep : NULL; }
OrtStatus *ORT_API_CALL sx_epapi_KernelDef_GetSinceVersion(const OrtKernelDef *kernel_def, int *start_version,
                                                           int *end_version) {
  SX_API_NOT_NULL(kernel_def);
  SX_API_NOT_NULL(start_version);
  SX_API_NOT_NULL(end_version);
  *start_version = kernel_def->first, *end_version = kernel_def->last;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_CreateKernelRegistry(OrtKernelRegistry **kernel_registry) {
  SX_API_NOT_NULL(kernel_registry);
  *kernel_registry = sx_calloc(1, sizeof **kernel_registry);
  if (!*kernel_registry) SX_API_NO_MEMORY();
  return NULL;
}
void sx_ep_registry_free(OrtKernelRegistry *r) {
  if (!r) return;
  for (uint32_t i = 0; i < r->kernels.n; i++) free_def(r->kernels.at[i].def);
  sx_vec_free(&r->kernels);
  sx_free(r, sizeof *r);
}
void ORT_API_CALL sx_epapi_ReleaseKernelRegistry(OrtKernelRegistry *r) { sx_ep_registry_free(r); }

OrtStatus *ORT_API_CALL sx_epapi_KernelRegistry_AddKernel(OrtKernelRegistry *kernel_registry, const OrtKernelDef *kernel_def,
                                                          OrtKernelCreateFunc kernel_create_func,
                                                          void *kernel_create_func_state) {
  SX_API_NOT_NULL(kernel_registry);
  SX_API_NOT_NULL(kernel_def);
  SX_API_NOT_NULL(kernel_create_func);
  sx_ep_kernel k = {copy_def(kernel_def), kernel_create_func, kernel_create_func_state};
  if (!k.def || !sx_vec_push(&kernel_registry->kernels, k)) {
    free_def(k.def);
    SX_API_NO_MEMORY();
  }
  return NULL;
}

OrtStatus *sx_ep_registry_copy(const OrtKernelRegistry *from, OrtKernelRegistry **out) {
  OrtStatus *failed = sx_epapi_CreateKernelRegistry(out);
  for (uint32_t i = 0; i < from->kernels.n && !failed; i++) {
    const sx_ep_kernel *k = &from->kernels.at[i];
    failed = sx_epapi_KernelRegistry_AddKernel(*out, k->def, k->create, k->create_state);
  }
  return failed;
}

OrtStatus *ORT_API_CALL sx_epapi_KernelInfo_GetEp(const OrtKernelInfo *info, const OrtEp **ep) {
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(ep);
  const sx_ep_node *n = sx_ep_node_of(info->node);
  if (!n) SX_API_FAIL(INVALID_ARGUMENT, "KernelInfo_GetEp: the node is run by the CPU, not by a plugin");
  *ep = n->ep->ep;
  return NULL;
}

/* ---- which kernel fits ---- */
static const char *domain_of(const char *d) { return strcmp(d, "ai.onnx") ? d : ""; }

/* Does constraint `c` (by type parameter, or by the name of an input or output) allow element type t there? */
static bool allows(const sx_ep_constraint *c, const sx_schema *s, const sx_schema_param *p, const OrtValueInfo *v) {
  if (!p || !v || !v->type || !v->type->tensor) return true;
  const char *param = p->constraint >= 0 ? sx_schema_text(sx_schema_constraint_at(s, (uint32_t)p->constraint)->name) : "";
  if (strcmp(c->name, param) != 0 && strcmp(c->name, sx_schema_text(p->name)) != 0) return true;
  sx_dtype t = sx_dtype_of(v->type->tensor->type);
  return c->types >> t & 1;
}

static bool fits(const OrtKernelDef *d, const OrtNode *n) {
  sx_domain domain;
  if (strcmp(d->op_type, n->op_type) != 0 || strcmp(domain_of(d->domain), domain_of(n->domain)) != 0) return false;
  bool version = d->first == n->since_version ||
                 (d->last != INT_MAX && d->first <= n->since_version && n->since_version <= d->last);
  if (!version) return false; /* without an end: only what was known when the kernel was written */
  /* The internal domain of channels-last operators has the schemas of the standard one. */
  sx_str name = sx_str_c(strcmp(n->domain, "com.ms.internal.nhwc") ? n->domain : "");
  const sx_schema *s = sx_domain_find(name, &domain) ? sx_schema_find(domain, sx_str_c(n->op_type), n->since_version) : NULL;
  for (uint32_t k = 0; s && k < d->constraints.n; k++) {
    for (uint32_t i = 0; i < n->n_in; i++)
      if (!allows(&d->constraints.at[k], s, sx_schema_input(s, i), n->in[i])) return false;
    for (uint32_t i = 0; i < n->n_out; i++)
      if (!allows(&d->constraints.at[k], s, sx_schema_output(s, i), n->out[i])) return false;
  }
  return true;
}

const sx_ep_kernel *sx_ep_registry_find(const OrtKernelRegistry *r, const char *ep, const OrtNode *n) {
  for (uint32_t i = 0; i < r->kernels.n; i++)
    if (!strcmp(r->kernels.at[i].def->ep, ep) && fits(r->kernels.at[i].def, n)) return &r->kernels.at[i];
  return NULL;
}
