// SPDX-License-Identifier: MIT
/* A plain call: exceptions are not caught here. */
#include "abi/guard.h"

sx_status sx_guarded(void (*fn)(void *arg), void *arg, sx_err *e) {
  (void)e;
  fn(arg);
  return SX_OK;
}
