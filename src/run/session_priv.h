// SPDX-License-Identifier: MIT
/* Shared by the files that make sessions and write models: who runs nodes, and the passes. */
#ifndef SX_RUN_SESSION_PRIV_H
#define SX_RUN_SESSION_PRIV_H
#include "run/session.h"

enum { SX_MAX_PROVIDERS = 16 };
/* The options' own providers, then control flow and host values, then the CPU; NULL-terminated, SX_MAX_PROVIDERS places. */
sx_status sx_session_providers(const sx_session_options *o, const sx_provider **list, sx_err *e);
/* The passes of `level` over the model; providers: what fusion may count on; fired: counts by pass, NULL: the model is
 * not run but becomes a file. */
sx_status sx_session_passes(sx_model *m, const sx_session_options *o, int level, const sx_provider **providers,
                            uint32_t *fired, sx_err *e);
#endif
