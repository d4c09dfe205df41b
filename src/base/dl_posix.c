// SPDX-License-Identifier: MIT
/* Libraries on systems with dlopen. */
#include <dlfcn.h>
#include <stdio.h>
#include "base/dl.h"

void *sx_dl_open(const char *path, char *why, size_t why_size) {
  void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (h) return h;
  const char *text = dlerror();
  snprintf(why, why_size, "%s", text ? text : "unknown reason");
  return NULL;
}

void *sx_dl_symbol(void *handle, const char *name) { return dlsym(handle ? handle : RTLD_DEFAULT, name); }

void sx_dl_close(void *handle) { dlclose(handle); }
