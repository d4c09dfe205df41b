// SPDX-License-Identifier: MIT
/* Libraries on systems with dlopen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "base/dl.h"

void *sx_dl_open(const char *path, char *why, size_t why_size) {
  void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (h) return h;
  const char *text = dlerror();
  snprintf(why, why_size, "%s", text ? text : "unknown reason");
  return NULL;
}

void *sx_dl_open_near(const char *path, char *why, size_t why_size) {
#ifndef __wasi__
  Dl_info self;
  char beside[PATH_MAX < 3072 ? PATH_MAX : 3072];
  const char *slash = NULL;
  if (path[0] != '/' && dladdr(&sx_dl_open_near, &self) && self.dli_fname) slash = strrchr(self.dli_fname, '/');
  if (slash &&
      snprintf(beside, sizeof beside, "%.*s/%s", (int)(slash - self.dli_fname), self.dli_fname, path) < (int)sizeof beside) {
    void *h = sx_dl_open(beside, why, why_size);
    if (h) return h;
  }
#endif
  return sx_dl_open(path, why, why_size);
}

void *sx_dl_symbol(void *handle, const char *name) { return dlsym(handle ? handle : RTLD_DEFAULT, name); }

void sx_dl_close(void *handle) { dlclose(handle); }

/* Only where the build makes the last call of a function a jump: it does not return to where nothing is any more. */
#if defined(SX_TAIL_CALLS) && !defined(__wasi__)
void *sx_dl_hold(void) {
  Dl_info self;
  return dladdr(&sx_dl_hold, &self) && self.dli_fname ? dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD) : NULL;
}
void sx_dl_let_go(void *handle) {
  if (handle) dlclose(handle);
}
#else
void *sx_dl_hold(void) { return NULL; }
void sx_dl_let_go(void *handle) {}
#endif
