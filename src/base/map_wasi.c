// SPDX-License-Identifier: MIT
/* WASI cannot map: files are read into the heap. The host confines paths to the folders it has opened and follows links inside
 * them only, so that a path is resolved by its text. */
#include <errno.h>
#include <sys/stat.h>
#include "base/os.h"

sx_status sx_os_map(int fd, const char *path, sx_mapping *m, sx_err *e) { return sx_os_read(fd, path, m, e); }

void sx_unmap_file(sx_mapping *m) {
  if (m->data) sx_free_aligned((void *)(uintptr_t)m->data, m->size);
  *m = (sx_mapping){0};
}

void sx_mapping_release(const sx_mapping *m, size_t offset, size_t size) {}

sx_status sx_os_real_path(sx_arena *a, const char *path, char **out, sx_err *e) {
  struct stat st;
  if (stat(path, &st) != 0) return sx_os_fail(e, "find", path, errno);
  char *to = sx_arena_alloc(a, strlen(path) + 2);
  if (!to) SX_NO_MEMORY(e);
  size_t n = 0;
  for (const char *p = path, *end; *p; p = end + (*end != 0)) {
    end = p + strcspn(p, "/");
    size_t len = (size_t)(end - p);
    if (len == 0 || (len == 1 && p[0] == '.')) continue;
    if (len == 2 && p[0] == '.' && p[1] == '.') {
      while (n > 0 && to[--n] != '/') {}
      continue;
    }
    to[n++] = '/';
    memcpy(to + n, p, len);
    n += len;
  }
  to[n] = 0;
  *out = to;
  return SX_OK;
}

void sx_pages_release(const void *p, size_t size) {}
void sx_pages_huge(void *p, size_t size) {}
