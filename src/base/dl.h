// SPDX-License-Identifier: MIT
/* Shared libraries opened while running: custom operators, providers, and what one operator needs (PCRE2, the
 * readers of pictures). */
#ifndef SX_BASE_DL_H
#define SX_BASE_DL_H
#include <stddef.h>

/* The system's handle, or NULL and a message in `why`. */
void *sx_dl_open(const char *path, char *why, size_t why_size);
/* A relative path is looked for beside this library (or program) first, then as it is. */
void *sx_dl_open_near(const char *path, char *why, size_t why_size);
void *sx_dl_symbol(void *handle, const char *name); /* handle NULL: anywhere in the process */
void sx_dl_close(void *handle);
/* Keeps the library that this code is in loaded, whoever closes it: its handle, or NULL where that has no meaning. Letting go may
 * unload the code that does it, so it has to be the last thing that a function called from outside does. NULL is allowed. */
void *sx_dl_hold(void);
void sx_dl_let_go(void *handle);

/* The file of version `version` of library `name`. */
#if defined(_WIN32)
#define SX_DL_NAME(name, version) name ".dll"
#elif defined(__APPLE__)
#define SX_DL_NAME(name, version) "lib" name "." version ".dylib"
#else
#define SX_DL_NAME(name, version) "lib" name ".so." version
#endif
#endif
