// SPDX-License-Identifier: MIT
/* Functions that read and write named data of a compiled model, which a session's options carry for its providers. */
#include "abi/plugin/host.h"

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
