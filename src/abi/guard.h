// SPDX-License-Identifier: MIT
/* Calls into other people's C++: ONNX Runtime catches what a custom operator throws and makes it a status, and operators rely on
 * it. */
#ifndef SX_ABI_GUARD_H
#define SX_ABI_GUARD_H
#include "base/status.h"

/* Calls fn(arg). A C++ exception that leaves it ends here: RUNTIME_EXCEPTION with its text. What fn itself held is released as the
 * exception passes, as in any C++; fn must be a thin call. On systems without such unwinding the exception ends the process. */
sx_status sx_guarded(void (*fn)(void *arg), void *arg, sx_err *e);
#endif
