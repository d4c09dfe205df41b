// SPDX-License-Identifier: MIT
/* Files: read-only mappings, whole reads and writes, path questions. One .c per platform. */
#ifndef SX_BASE_FILE_H
#define SX_BASE_FILE_H
#include "base/status.h"
#include "base/str.h"

typedef struct sx_file_id { uint64_t device, inode, size, mtime_ns; } sx_file_id;
typedef struct sx_mapping {
  const uint8_t *data; /* NULL when the file is empty */
  size_t size;
  sx_file_id id;
  bool mapped;         /* false: a heap copy (platforms without mmap) */
} sx_mapping;

/* NO_SUCHFILE when there is none or it is a directory. The message names the path and the system's reason. */
sx_status sx_map_file(const char *path, sx_mapping *out, sx_err *e);
void sx_unmap_file(sx_mapping *m);
/* Tells the system that [offset, offset + size) of the mapping will not be read soon: resident pages are given back. */
void sx_mapping_release(const sx_mapping *m, size_t offset, size_t size);
/* The same by address: whole pages inside [p, p + size) of any file mapping of ours. */
void sx_pages_release(const void *p, size_t size);
/* Asks for large pages behind a block of the heap; `p` is aligned to 2 MB. */
void sx_pages_huge(void *p, size_t size);
sx_status sx_write_file(const char *path, const void *data, size_t size, sx_err *e);
/* Resolves `relative` against the folder of `base_file`; fails when it is absolute, empty or (after links are followed)
 * outside that folder, except that links which lead inside the same Hugging Face cache snapshot's blobs are followed. */
sx_status sx_path_inside(sx_arena *a, const char *base_file, sx_str relative, char **out, sx_err *e);
/* What is there, behind links. */
typedef enum sx_path_kind { SX_PATH_NOTHING, SX_PATH_FILE, SX_PATH_FOLDER } sx_path_kind;
sx_path_kind sx_path_look(const char *path);
/* The path with every link resolved. NO_SUCHFILE when it does not exist. */
sx_status sx_path_real(sx_arena *a, const char *path, char **out, sx_err *e);
/* Resolves `path` against the folder `base`: links are followed as far as it exists; the rest, which need not unless must_exist,
 * loses its "." and "..". `root` (a real path): the path must be relative, without "..", and lead to root or below it; NULL: it may
 * lead anywhere. */
sx_status sx_path_resolve(sx_arena *a, const char *root, const char *base, sx_str path, bool must_exist, char **out, sx_err *e);
/* Nanoseconds of a monotonic clock; microseconds of the wall clock. */
uint64_t sx_now_ns(void);
uint64_t sx_wall_us(void);
/* Bytes of memory this process may still use: the machine's and the cgroup's limits, whichever is less. */
uint64_t sx_memory_available(void);
#endif
