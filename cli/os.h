// SPDX-License-Identifier: MIT
/* What the program needs of the operating system. Paths are UTF-8 everywhere. os_posix.c and os_win.c hold the bodies. */
#ifndef CLI_OS_H
#define CLI_OS_H
#include "onnxruntime_c_api.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(_WIN32)
#define OS_LIBRARY_NAME(stem, version) stem ".dll"
#elif defined(__APPLE__)
#define OS_LIBRARY_NAME(stem, version) "lib" stem ".dylib"
#else
#define OS_LIBRARY_NAME(stem, version) "lib" stem ".so" version
#endif

/* Opens a shared library with its symbols kept to itself; NULL and *why (static text until the next call) on failure. */
void *os_library_open(const char *path, const char **why);
void *os_library_symbol(void *library, const char *name);
/* The path in the form that the C ABI takes; valid until the program ends. */
const ORTCHAR_T *os_path(const char *path);

double os_seconds(void);           /* monotonic */
double os_processor_seconds(void); /* of all threads of this process; 0 where unknown */
void os_sleep(double seconds);
bool os_terminal(FILE *f);
int os_processors(void); /* that this process may use */
/* The folder of the running program, without a slash at its end; fresh text, or NULL. */
char *os_program_folder(void);

/* Bytes resident now and at the most so far; 0 where unknown. */
uint64_t os_memory_now(void);
uint64_t os_memory_peak(void);

/* A file that is there, by its path from the root; what is no file, as it is given. Fresh text. */
char *os_full_path(const char *path);
bool os_is_folder(const char *path);
bool os_is_file(const char *path);
/* The names in a folder, sorted, without "." and ".."; *count 0 and NULL when it cannot be read. Fresh memory. */
char **os_list(const char *folder, size_t *count);
/* Maps a whole file for reading; an empty file gives size 0 and some pointer. False when it cannot be read. */
bool os_map(const char *path, const uint8_t **data, size_t *size);
void os_unmap(const uint8_t *data, size_t size);

typedef struct os_thread os_thread;
os_thread *os_thread_start(void (*body)(void *), void *arg); /* NULL on failure */
void os_thread_join(os_thread *t);
#endif
