// SPDX-License-Identifier: MIT
/* Mapping a file read-only and private, or reading it into the heap where the file system cannot map. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/os.h"

sx_status sx_os_map(int fd, const char *path, sx_mapping *m, sx_err *e) {
  if (sx_fault()) return sx_os_fail(e, "map", path, ENOMEM);
  void *p = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p != MAP_FAILED) {
    m->data = p;
    m->mapped = true;
    return SX_OK;
  }
  if (errno != ENODEV && errno != EACCES && errno != EINVAL) return sx_os_fail(e, "map", path, errno);
  return sx_os_read(fd, path, m, e);
}

void sx_unmap_file(sx_mapping *m) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE); /* whole pages go; ThreadSanitizer forgets no less than is named */
  if (m->mapped)
    munmap((void *)(uintptr_t)m->data, (m->size + page - 1) / page * page);
  else if (m->data)
    sx_free_aligned((void *)(uintptr_t)m->data, m->size);
  *m = (sx_mapping){0};
}

void sx_mapping_release(const sx_mapping *m, size_t offset, size_t size) {
  if (!m->mapped || offset > m->size) return;
  if (size > m->size - offset) size = m->size - offset;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t from = sx_round_up(offset, page), end = offset + size;
  size_t to = end == m->size ? sx_round_up(end, page) : end / page * page; /* the last page is all ours */
  if (from < to) madvise((void *)(uintptr_t)(m->data + from), to - from, MADV_DONTNEED);
}

sx_status sx_os_real_path(sx_arena *a, const char *path, char **out, sx_err *e) {
  char *buffer = sx_malloc(PATH_MAX);
  if (!buffer) SX_NO_MEMORY(e);
  const char *real = realpath(path, buffer);
  sx_status s = real ? SX_OK : sx_os_fail(e, "find", path, errno);
  if (real && !(*out = sx_arena_strdup(a, real, strlen(real)))) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  sx_free(buffer, PATH_MAX);
  return s;
}

void sx_pages_release(const void *p, size_t size) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)p + page - 1) & ~(page - 1),
            to = ((uintptr_t)p + size) & ~(page - 1);
  if (to > from) madvise((void *)from, to - from, MADV_DONTNEED);
}

void sx_pages_huge(void *p, size_t size) {
#ifdef MADV_HUGEPAGE
  madvise(p, size, MADV_HUGEPAGE);
#endif
}
