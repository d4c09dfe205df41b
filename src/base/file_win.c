// SPDX-License-Identifier: MIT
/* Files and clocks of Windows. Paths are UTF-8 here and UTF-16 at the system's door. */
#define _WIN32_WINNT 0x0602
#include <windows.h>
#include <stdatomic.h>
#include "base/os.h"

static sx_status fail_system(sx_err *e, const char *what, const char *path) {
  DWORD reason = GetLastError();
  char text[256] = "";
  FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, reason, 0, text, sizeof text, NULL);
  text[strcspn(text, "\r\n")] = 0;
  sx_status code = reason == ERROR_NOT_ENOUGH_MEMORY || reason == ERROR_COMMITMENT_LIMIT ? SX_E_NO_MEMORY
                   : reason == ERROR_DISK_FULL || reason == ERROR_WRITE_FAULT            ? SX_E_FAIL
                                                                                         : SX_E_NO_SUCHFILE;
  return sx_fail(e, code, SX_HERE, "cannot %s \"%.1024s\": %s (%lu)", what, path, text, reason);
}

static wchar_t *wide(sx_arena *a, const char *path) {
  int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
  wchar_t *w = n > 0 ? sx_arena_array(a, (size_t)n, sizeof *w) : NULL;
  if (w) MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, w, n);
  return w;
}

static HANDLE open_path(const char *path, DWORD access, DWORD how, DWORD flags) {
  sx_arena a = {0};
  wchar_t *w = wide(&a, path);
  if (!w) SetLastError(ERROR_INVALID_NAME);
  HANDLE h = w ? CreateFileW(w, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, how, flags, NULL)
               : INVALID_HANDLE_VALUE;
  DWORD reason = GetLastError();
  sx_arena_free(&a);
  SetLastError(reason);
  return h;
}

static sx_status map_handle(HANDLE file, const char *path, sx_mapping *m, sx_err *e) {
  BY_HANDLE_FILE_INFORMATION info;
  if (!GetFileInformationByHandle(file, &info)) return fail_system(e, "look at", path);
  uint64_t size = (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow;
  if (size > SIZE_MAX / 2) SX_FAIL(e, NO_MEMORY, "\"%.1024s\" is too large for this system", path);
  uint64_t time = (uint64_t)info.ftLastWriteTime.dwHighDateTime << 32 | info.ftLastWriteTime.dwLowDateTime;
  m->size = (size_t)size;
  m->id = (sx_file_id){info.dwVolumeSerialNumber, (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow, size, time * 100};
  if (size == 0) return SX_OK;
  if (sx_fault()) SX_NO_MEMORY(e);
  HANDLE section = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
  if (!section) return fail_system(e, "map", path);
  m->data = MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
  m->mapped = m->data != NULL;
  sx_status s = m->data ? SX_OK : fail_system(e, "map", path);
  CloseHandle(section);
  return s;
}

sx_status sx_map_file(const char *path, sx_mapping *out, sx_err *e) {
  *out = (sx_mapping){0};
  HANDLE file = open_path(path, GENERIC_READ, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL);
  if (file == INVALID_HANDLE_VALUE) return fail_system(e, "open", path);
  sx_mapping m = {0};
  sx_status s = GetFileType(file) == FILE_TYPE_DISK ? map_handle(file, path, &m, e)
                                                    : sx_fail(e, SX_E_NO_SUCHFILE, SX_HERE,
                                                              "\"%.1024s\" is a device or a pipe, not a file", path);
  CloseHandle(file);
  if (s == SX_OK) *out = m;
  return s;
}

void sx_unmap_file(sx_mapping *m) {
  if (m->mapped) UnmapViewOfFile(m->data);
  *m = (sx_mapping){0};
}

void sx_mapping_release(const sx_mapping *m, size_t offset, size_t size) {
  enum { PAGE = 4096 };
  if (!m->mapped || offset > m->size) return;
  if (size > m->size - offset) size = m->size - offset;
  size_t from = sx_round_up(offset, PAGE), to = (offset + size) / PAGE * PAGE;
  /* Unlocking pages that are not locked takes them out of the working set. */
  if (from < to) VirtualUnlock((void *)(uintptr_t)(m->data + from), to - from);
}

sx_path_kind sx_path_look(const char *path) {
  sx_arena a = {0};
  wchar_t *w = wide(&a, path);
  DWORD found = w ? GetFileAttributesW(w) : INVALID_FILE_ATTRIBUTES;
  sx_arena_free(&a);
  return found == INVALID_FILE_ATTRIBUTES ? SX_PATH_NOTHING : found & FILE_ATTRIBUTE_DIRECTORY ? SX_PATH_FOLDER : SX_PATH_FILE;
}

static bool write_all(HANDLE file, const uint8_t *from, size_t size) {
  for (size_t n = 0; n < size;) {
    DWORD part = size - n < (1u << 30) ? (DWORD)(size - n) : 1u << 30, put = 0;
    if (!WriteFile(file, from + n, part, &put, NULL) || put == 0) return false;
    n += put;
  }
  return true;
}

sx_status sx_write_file(const char *path, const void *data, size_t size, sx_err *e) {
  static atomic_uint count;
  sx_arena a = {0};
  char *name = sx_arena_printf(&a, "%s.%lu.%u.tmp", path, GetCurrentProcessId(), atomic_fetch_add(&count, 1));
  wchar_t *from = name ? wide(&a, name) : NULL, *to = wide(&a, path);
  sx_status s = SX_OK;
  HANDLE file = INVALID_HANDLE_VALUE;
  if (!name) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  else if (!from || !to) s = sx_fail(e, SX_E_INVALID_ARGUMENT, SX_HERE, "the path \"%.1024s\" is not UTF-8", path);
  if (s == SX_OK) file = open_path(name, GENERIC_WRITE, CREATE_NEW, FILE_ATTRIBUTE_NORMAL);
  if (s == SX_OK && file == INVALID_HANDLE_VALUE) s = fail_system(e, "write", path);
  if (file != INVALID_HANDLE_VALUE) {
    if (!write_all(file, data, size)) s = fail_system(e, "write", path);
    CloseHandle(file);
    if (s == SX_OK && !MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING)) s = fail_system(e, "write", path);
    if (s != SX_OK) DeleteFileW(from);
  }
  sx_arena_free(&a);
  return s;
}

sx_status sx_os_real_path(sx_arena *a, const char *path, char **out, sx_err *e) {
  HANDLE h = open_path(path, 0, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
  if (h == INVALID_HANDLE_VALUE) return fail_system(e, "find", path);
  DWORD n = GetFinalPathNameByHandleW(h, NULL, 0, 0);
  wchar_t *w = n ? sx_arena_array(a, (size_t)n + 1, sizeof *w) : NULL;
  DWORD got = w ? GetFinalPathNameByHandleW(h, w, n + 1, 0) : 0;
  CloseHandle(h);
  if (n && !w) SX_NO_MEMORY(e);
  if (got == 0 || got > n) return fail_system(e, "find", path);
  if (wcsncmp(w, L"\\\\?\\", 4) == 0 && w[4] && w[5] == L':') w += 4;
  int bytes = WideCharToMultiByte(CP_UTF8, 0, w, -1, NULL, 0, NULL, NULL);
  char *text = sx_arena_alloc(a, (size_t)bytes + 1);
  if (!text) SX_NO_MEMORY(e);
  WideCharToMultiByte(CP_UTF8, 0, w, -1, text, bytes, NULL, NULL);
  *out = text;
  return SX_OK;
}

uint64_t sx_now_ns(void) {
  LARGE_INTEGER now, per_second;
  QueryPerformanceCounter(&now);
  QueryPerformanceFrequency(&per_second);
  uint64_t t = (uint64_t)now.QuadPart, f = (uint64_t)per_second.QuadPart;
  return t / f * 1000000000u + t % f * 1000000000u / f;
}

uint64_t sx_wall_us(void) {
  FILETIME t;
  GetSystemTimePreciseAsFileTime(&t);
  return (((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime) - 116444736000000000u) / 10;
}

void sx_pages_release(const void *p, size_t size) {}
void sx_pages_huge(void *p, size_t size) {}
