// SPDX-License-Identifier: MIT
/* os.h for Windows. Paths cross from UTF-8 to UTF-16 here. */
#define WIN32_LEAN_AND_MEAN
#include "os.h"
#include "cli.h"
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <psapi.h> /* after windows.h, which it needs */

static wchar_t *wide(const char *text) {
  int n = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
  wchar_t *w = cli_alloc((size_t)(n > 0 ? n : 1) * sizeof *w);
  MultiByteToWideChar(CP_UTF8, 0, text, -1, w, n);
  return w;
}

static char *narrow(const wchar_t *w) {
  int n = WideCharToMultiByte(CP_UTF8, 0, w, -1, NULL, 0, NULL, NULL);
  char *text = cli_alloc((size_t)(n > 0 ? n : 1));
  WideCharToMultiByte(CP_UTF8, 0, w, -1, text, n, NULL, NULL);
  return text;
}

void *os_library_open(const char *path, const char **why) {
  static char text[64];
  wchar_t *w = wide(path);
  HMODULE library = LoadLibraryW(w);
  free(w);
  if (library) return (void *)library;
  snprintf(text, sizeof text, "LoadLibrary failed with error %lu", GetLastError());
  if (why) *why = text;
  return NULL;
}

void *os_library_symbol(void *library, const char *name) { return (void *)GetProcAddress((HMODULE)library, name); }
const ORTCHAR_T *os_path(const char *path) { return wide(path); }

double os_seconds(void) {
  LARGE_INTEGER now, rate;
  QueryPerformanceCounter(&now);
  QueryPerformanceFrequency(&rate);
  return (double)now.QuadPart / (double)rate.QuadPart;
}

double os_processor_seconds(void) {
  FILETIME made, ended, kernel, user;
  if (!GetProcessTimes(GetCurrentProcess(), &made, &ended, &kernel, &user)) return 0;
  uint64_t k = (uint64_t)kernel.dwHighDateTime << 32 | kernel.dwLowDateTime, u = (uint64_t)user.dwHighDateTime << 32 | user.dwLowDateTime;
  return (double)(k + u) * 1e-7;
}

void os_sleep(double seconds) { Sleep((DWORD)(seconds * 1e3 + 0.5)); }

bool os_terminal(FILE *f) { return _isatty(_fileno(f)); }

int os_processors(void) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return (int)info.dwNumberOfProcessors;
}

char *os_program_folder(void) {
  wchar_t path[4096];
  DWORD n = GetModuleFileNameW(NULL, path, 4096);
  if (!n || n == 4096) return NULL;
  char *text = narrow(path), *slash = strrchr(text, '\\');
  if (slash) *slash = 0;
  return text;
}

static PROCESS_MEMORY_COUNTERS memory(void) {
  PROCESS_MEMORY_COUNTERS c = {.cb = sizeof c};
  K32GetProcessMemoryInfo(GetCurrentProcess(), &c, sizeof c);
  return c;
}

uint64_t os_memory_now(void) { return memory().WorkingSetSize; }
uint64_t os_memory_peak(void) { return memory().PeakWorkingSetSize; }

static DWORD attributes(const char *path) {
  wchar_t *w = wide(path);
  DWORD a = GetFileAttributesW(w);
  free(w);
  return a;
}

bool os_is_folder(const char *path) {
  DWORD a = attributes(path);
  return a != INVALID_FILE_ATTRIBUTES && a & FILE_ATTRIBUTE_DIRECTORY;
}

bool os_is_file(const char *path) {
  DWORD a = attributes(path);
  return a != INVALID_FILE_ATTRIBUTES && !(a & FILE_ATTRIBUTE_DIRECTORY);
}

char *os_full_path(const char *path) {
  wchar_t *given = wide(path), full[1024];
  DWORD n = os_is_file(path) ? GetFullPathNameW(given, sizeof full / sizeof *full, full, NULL) : 0;
  free(given);
  return n && n < sizeof full / sizeof *full ? narrow(full) : cli_copy(path, strlen(path));
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

char **os_list(const char *folder, size_t *count) {
  WIN32_FIND_DATAW entry;
  char *all = cli_text("%s\\*", folder), **names = NULL;
  wchar_t *w = wide(all);
  HANDLE find = FindFirstFileW(w, &entry);
  free(w), free(all);
  *count = 0;
  if (find == INVALID_HANDLE_VALUE) return NULL;
  do {
    if (!wcscmp(entry.cFileName, L".") || !wcscmp(entry.cFileName, L"..")) continue;
    names = cli_grow(names, *count + 1, sizeof *names);
    names[(*count)++] = narrow(entry.cFileName);
  } while (FindNextFileW(find, &entry));
  FindClose(find);
  if (names) qsort(names, *count, sizeof *names, by_name);
  return names;
}

bool os_map(const char *path, const uint8_t **data, size_t *size) {
  static const uint8_t nothing[1];
  LARGE_INTEGER length;
  wchar_t *w = wide(path);
  HANDLE file = CreateFileW(w, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
  free(w);
  if (file == INVALID_HANDLE_VALUE) return false;
  bool ok = GetFileSizeEx(file, &length);
  *data = nothing, *size = 0;
  if (ok && length.QuadPart) {
    HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    const void *p = mapping ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0) : NULL;
    if (mapping) CloseHandle(mapping);
    ok = p != NULL;
    if (ok) *data = p, *size = (size_t)length.QuadPart;
  }
  CloseHandle(file);
  return ok;
}

void os_unmap(const uint8_t *data, size_t size) {
  if (size) UnmapViewOfFile(data);
}

struct os_thread {
  HANDLE handle;
  void (*body)(void *);
  void *arg;
};

static DWORD WINAPI thread_main(void *p) {
  os_thread *t = p;
  t->body(t->arg);
  return 0;
}

os_thread *os_thread_start(void (*body)(void *), void *arg) {
  os_thread *t = cli_alloc(sizeof *t);
  t->body = body, t->arg = arg;
  if ((t->handle = CreateThread(NULL, 0, thread_main, t, 0, NULL))) return t;
  free(t);
  return NULL;
}

void os_thread_join(os_thread *t) {
  WaitForSingleObject(t->handle, INFINITE);
  CloseHandle(t->handle);
  free(t);
}
