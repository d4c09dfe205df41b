// SPDX-License-Identifier: MIT
/* Paths on systems where a path is bytes. */
#include "abi/handles.h"

bool sx_path_open(sx_path *path, const ORTCHAR_T *given) {
  *path = (sx_path){given, NULL};
  return true;
}

void sx_path_close(sx_path *path) { (void)path; }

const ORTCHAR_T *sx_path_native(sx_arena *a, const char *path) {
  (void)a;
  return path;
}
