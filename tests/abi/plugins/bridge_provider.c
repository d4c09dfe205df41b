// SPDX-License-Identifier: MIT
/* What a host takes for a bridge of ONNX Runtime's own: a library with GetProvider. Nothing of it is to be called. */
#include <stdlib.h>
__attribute__((visibility("default"))) void *GetProvider(void);
void *GetProvider(void) { abort(); }
