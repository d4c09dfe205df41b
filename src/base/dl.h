// SPDX-License-Identifier: MIT
/* Shared libraries opened while running: custom operators, providers, and what one operator needs (PCRE2). */
#ifndef SX_BASE_DL_H
#define SX_BASE_DL_H
#include <stddef.h>

/* The system's handle, or NULL and a message in `why`. */
void *sx_dl_open(const char *path, char *why, size_t why_size);
void *sx_dl_symbol(void *handle, const char *name); /* handle NULL: anywhere in the process */
void sx_dl_close(void *handle);
#endif
