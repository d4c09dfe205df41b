// SPDX-License-Identifier: MIT
/* Files and clocks of POSIX systems, WASI among them; the mapping itself is in map_unix.c and map_wasi.c. A regular file is
 * written under another name and renamed, because its old content may be mapped by a living session. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/os.h"

/* NO_SUCHFILE, or what fits the reason better. */
sx_status sx_os_fail(sx_err *e, const char *what, const char *path, int reason) {
  sx_status code = reason == ENOMEM ? SX_E_NO_MEMORY : reason == EIO || reason == ENOSPC ? SX_E_FAIL : SX_E_NO_SUCHFILE;
  char text[128] = "";
#if defined(__GLIBC__)
  const char *why = strerror_r(reason, text, sizeof text);
#else
  const char *why = strerror_r(reason, text, sizeof text) == 0 ? text : "unknown reason";
#endif
  return sx_fail(e, code, SX_HERE, "cannot %s \"%.1024s\": %s", what, path, why);
}

/* Fills the buffer from the file's start; the errno, or 0. A file that became shorter is an error. */
static int read_all(int fd, uint8_t *to, size_t size) {
  for (size_t n = 0; n < size;) {
    size_t part = size - n < (1u << 30) ? size - n : 1u << 30;
    ssize_t got = read(fd, to + n, part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : EIO;
    n += (size_t)got;
  }
  return 0;
}

sx_status sx_os_read(int fd, const char *path, sx_mapping *m, sx_err *e) {
  uint8_t *copy = sx_malloc_aligned(m->size);
  if (!copy) SX_NO_MEMORY(e);
  int reason = read_all(fd, copy, m->size);
  if (reason) {
    sx_free_aligned(copy, m->size);
    return sx_os_fail(e, "read", path, reason);
  }
  m->data = copy;
  return SX_OK;
}

sx_status sx_map_file(const char *path, sx_mapping *out, sx_err *e) {
  *out = (sx_mapping){0};
  int fd;
  do fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return sx_os_fail(e, "open", path, errno);
  struct stat st;
  sx_status s = SX_OK;
  if (fstat(fd, &st) != 0) {
    s = sx_os_fail(e, "look at", path, errno);
  } else if (!S_ISREG(st.st_mode)) {
    s = sx_fail(e, SX_E_NO_SUCHFILE, SX_HERE, "\"%.1024s\" is %s, not a file", path,
                S_ISDIR(st.st_mode) ? "a folder" : "a device or a pipe");
  } else if ((uint64_t)st.st_size > SIZE_MAX / 2) {
    s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "\"%.1024s\" is too large for this system", path);
  } else {
#ifdef __APPLE__
    const struct timespec changed = st.st_mtimespec;
#else
    const struct timespec changed = st.st_mtim;
#endif
    sx_mapping m = {.size = (size_t)st.st_size};
    m.id = (sx_file_id){(uint64_t)st.st_dev, (uint64_t)st.st_ino, (uint64_t)st.st_size,
                        (uint64_t)changed.tv_sec * 1000000000u + (uint64_t)changed.tv_nsec};
    if (m.size > 0) s = sx_os_map(fd, path, &m, e);
    if (s == SX_OK) *out = m;
  }
  close(fd);
  return s;
}

sx_path_kind sx_path_look(const char *path) {
  struct stat st;
  return stat(path, &st) != 0 ? SX_PATH_NOTHING : S_ISDIR(st.st_mode) ? SX_PATH_FOLDER : SX_PATH_FILE;
}

static int write_all(int fd, const uint8_t *from, size_t size) {
  for (size_t n = 0; n < size;) {
    size_t part = size - n < (1u << 30) ? size - n : 1u << 30;
    ssize_t put = write(fd, from + n, part);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? errno : EIO;
    n += (size_t)put;
  }
  return 0;
}

/* Writes to `name`, created anew when `fresh`; the errno, or 0. */
static int write_to(const char *name, bool fresh, mode_t mode, const void *data, size_t size) {
  int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | (fresh ? O_EXCL : O_TRUNC), mode);
  if (fd < 0) return errno;
  int reason = write_all(fd, data, size);
  if (close(fd) != 0 && !reason && errno != EINTR) reason = errno;
  return reason;
}

sx_status sx_write_file(const char *path, const void *data, size_t size, sx_err *e) {
  static atomic_uint count;
  struct stat st;
  bool exists = lstat(path, &st) == 0;
  if (exists && !S_ISREG(st.st_mode)) { /* a link, a device: keep it what it is */
    int reason = write_to(path, false, 0666, data, size);
    return reason ? sx_os_fail(e, "write", path, reason) : SX_OK;
  }
  sx_arena a = {0};
  char *name = sx_arena_printf(&a, "%s.%llx.%u.tmp", path, (unsigned long long)sx_wall_us(), atomic_fetch_add(&count, 1));
  if (!name) SX_NO_MEMORY(e);
  int reason = write_to(name, true, exists ? st.st_mode & 0777 : 0666, data, size);
  if (!reason && rename(name, path) != 0) reason = errno;
  if (reason) unlink(name);
  sx_arena_free(&a);
  return reason ? sx_os_fail(e, "write", path, reason) : SX_OK;
}

static uint64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t sx_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t sx_wall_us(void) { return clock_ns(CLOCK_REALTIME) / 1000; }
