// SPDX-License-Identifier: MIT
/* Functions that read and write named data of a compiled model, which a session's options carry for its providers; and what a
 * provider is asked to be able to do before it compiles. */
#include "abi/plugin/host.h"
#include "onnxruntime_session_options_config_keys.h"

struct OrtEpContextConfig {
  OrtReadNamedBufferFunc read;
  OrtWriteNamedBufferFunc write;
  void *read_state, *write_state;
};

OrtStatus *ORT_API_CALL sx_epapi_SessionOptionsGetEpContextConfig(const OrtSessionOptions *session_options,
                                                                  OrtEpContextConfig **config) {
  SX_API_NOT_NULL(session_options);
  SX_API_NOT_NULL(config);
  OrtEpContextConfig *c = *config = sx_calloc(1, sizeof *c);
  if (!c) SX_API_NO_MEMORY();
  *c = (OrtEpContextConfig){session_options->read_named, session_options->write_named, session_options->read_named_state,
                            session_options->write_named_state};
  return NULL;
}
void ORT_API_CALL sx_epapi_ReleaseEpContextConfig(OrtEpContextConfig *config) { sx_free(config, sizeof *config); }

#define FUNCTION(Name, Type, param, member)                                                                         \
  OrtStatus *ORT_API_CALL sx_epapi_EpContextConfigGetEpContextData##Name##Func(const OrtEpContextConfig *config,    \
                                                                               Type *param, void **state) {         \
    SX_API_NOT_NULL(config);                                                                                        \
    SX_API_NOT_NULL(param);                                                                                         \
    SX_API_NOT_NULL(state);                                                                                         \
    *param = config->member, *state = config->member##_state;                                                       \
    return NULL;                                                                                                    \
  }
FUNCTION(Read, OrtReadNamedBufferFunc, read_func, read)
FUNCTION(Write, OrtWriteNamedBufferFunc, write_func, write)

/* ---- before compiling ---- */
static const char *entry(const sx_ep *p, const char *key, const char *otherwise) {
  const char *is = sx_kvp_get(&p->owner->session->options->config, key);
  return is ? is : otherwise;
}

/* A model is to be compiled without its weights. */
static sx_status check_weightless(sx_ep *p, sx_err *e) {
  static const char *const key = kOrtSessionOptionEpEnableWeightless;
  OrtWeightlessSupport support = OrtWeightlessSupport_NONE;
  if (!strcmp(entry(p, key, "0"), "0")) return SX_OK;
  if (p->ep->ort_version_supported < 29) {
    sx_log(&p->owner->session->logger.log, INFO,
           "%s=1: EP '%s' is older than GetWeightlessSupport (version 29), and may have options of its own for it", key, p->name);
    return SX_OK;
  }
  if (!p->ep->GetWeightlessSupport)
    SX_FAIL(e, NOT_IMPLEMENTED, "Weightless mode requested (%s=1) but EP '%s' does not implement GetWeightlessSupport.", key,
            p->name);
  SX_TRY(sx_ort_take(p->ep->GetWeightlessSupport(p->ep, &support), e));
  if ((unsigned)support > OrtWeightlessSupport_ALL)
    SX_FAIL(e, FAIL, "OrtEp for %s returned unknown weightless support: %d.", p->name, (int)support);
  if (support != OrtWeightlessSupport_NONE) return SX_OK;
  SX_FAIL(e, EP_FAIL, "Weightless mode requested (%s=1) but EP '%s' does not support weightless mode on this device.", key,
          p->name);
}

/* A compiled node whose data lie elsewhere, under a name. */
static sx_status is_apart(const OrtNode *v, bool *apart, sx_err *e) {
  const OrtOpAttr *embedded = NULL;
  int64_t mode = 1;
  size_t size;
  if (strcmp(v->op_type, "EPContext") != 0 || strcmp(v->domain, "com.microsoft") != 0) return SX_OK;
  SX_TRY(sx_ort_take(sx_api_Node_GetAttributeByName(v, "embed_mode", &embedded), e));
  if (embedded) SX_TRY(sx_ort_take(sx_api_ReadOpAttr(embedded, ORT_OP_ATTR_INT, &mode, sizeof mode, &size), e));
  *apart |= mode == 0;
  return SX_OK;
}

/* The functions that are there would not be called: what is compiled would be written, or looked for, somewhere else. */
static sx_status check_callbacks(sx_ep *p, OrtGraph *const *groups, size_t n, sx_err *e) {
  static const char *const doing[] = {NULL, "read", "write"};
  const OrtSessionOptions *o = p->owner->session->options;
  OrtEpContextDataCallbackSupport able = OrtEpContextDataCallbackSupport_NONE;
  bool apart = false;
  for (size_t i = 0; i < n && o->read_named; i++)
    for (uint32_t k = 0; k < groups[i]->n_nodes; k++) SX_TRY(is_apart(groups[i]->nodes[k], &apart, e));
  int needs = apart ? OrtEpContextDataCallbackSupport_READ : OrtEpContextDataCallbackSupport_NONE;
  if (o->write_named && sx_ep_context_writes(p->owner) && !strcmp(entry(p, kOrtSessionOptionEpContextEmbedMode, "0"), "0"))
    needs |= OrtEpContextDataCallbackSupport_WRITE;
  if (!needs) return SX_OK;
  if (SX_EP_HAS(p->ep, 31, GetEpContextDataCallbackSupport))
    SX_TRY(sx_ort_take(p->ep->GetEpContextDataCallbackSupport(p->ep, &able), e));
  if ((unsigned)able > OrtEpContextDataCallbackSupport_READ_WRITE)
    SX_FAIL(e, FAIL, "OrtEp for %s returned unknown EPContext data support flags: %u.", p->name, (unsigned)able);
  for (int bit = OrtEpContextDataCallbackSupport_READ; bit <= OrtEpContextDataCallbackSupport_WRITE; bit++)
    if (needs & bit && !((int)able & bit))
      SX_FAIL(e, FAIL, "EP '%s' does not support the registered EPContext data %s callback.", p->name, doing[bit]);
  return SX_OK;
}

sx_status sx_ep_context_able(sx_ep *p, OrtGraph *const *groups, size_t n, sx_err *e) {
  SX_TRY(check_weightless(p, e));
  return check_callbacks(p, groups, n, e);
}
