// SPDX-License-Identifier: MIT
/* Paths on Windows, where a path is UTF-16. */
#include <windows.h>
#include "abi/handles.h"

bool sx_path_open(sx_path *path, const ORTCHAR_T *given) {
  *path = (sx_path){NULL, NULL};
  if (!given) return true;
  int n = WideCharToMultiByte(CP_UTF8, 0, given, -1, NULL, 0, NULL, NULL);
  if (n <= 0 || !(path->copy = sx_malloc((size_t)n))) return false;
  WideCharToMultiByte(CP_UTF8, 0, given, -1, path->copy, n, NULL, NULL);
  path->p = path->copy;
  return true;
}

void sx_path_close(sx_path *path) { sx_text_drop(path->copy); }

const ORTCHAR_T *sx_path_native(sx_arena *a, const char *path) {
  int n = MultiByteToWideChar(CP_UTF8, 0, path, -1, NULL, 0);
  wchar_t *w = n > 0 ? sx_arena_array(a, (size_t)n, sizeof *w) : NULL;
  if (w) MultiByteToWideChar(CP_UTF8, 0, path, -1, w, n);
  return w;
}
