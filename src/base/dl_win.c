// SPDX-License-Identifier: MIT
/* Libraries on Windows. */
#include <stdio.h>
#include <windows.h>
#include "base/dl.h"

void *sx_dl_open(const char *path, char *why, size_t why_size) {
  HMODULE h = LoadLibraryExA(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (!h) snprintf(why, why_size, "error %lu", (unsigned long)GetLastError());
  return h;
}

void *sx_dl_open_near(const char *path, char *why, size_t why_size) { /* Windows looks beside the program by itself */
  return sx_dl_open(path, why, why_size);
}

void *sx_dl_symbol(void *handle, const char *name) {
  return (void *)GetProcAddress(handle ? (HMODULE)handle : GetModuleHandleA(NULL), name);
}

void sx_dl_close(void *handle) { FreeLibrary(handle); }
void *sx_dl_hold(void) { return NULL; }
void sx_dl_let_go(void *handle) {}
