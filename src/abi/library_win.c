// SPDX-License-Identifier: MIT
/* Libraries and paths on Windows, where a path is UTF-16. */
#include <stdio.h>
#include <windows.h>
#include "abi/handles.h"

void *sx_dl_open(const char *path, char *why, size_t why_size) {
  HMODULE h = LoadLibraryExA(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (!h) snprintf(why, why_size, "error %lu", (unsigned long)GetLastError());
  return h;
}

void *sx_dl_symbol(void *handle, const char *name) {
  return (void *)GetProcAddress(handle ? (HMODULE)handle : GetModuleHandleA(NULL), name);
}

void sx_dl_close(void *handle) { FreeLibrary(handle); }

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
