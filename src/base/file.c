// SPDX-License-Identifier: MIT
/* Which files a model and a package may name.
 *
 * External data must lie in the folder of the model, by its text and after links are followed. One kind of link leads out
 * and is right: in a Hugging Face cache, `<repo>/snapshots/<revision>/model.onnx` and its data are links into the flat folder
 * `<repo>/blobs`. A model that is itself a link elsewhere may keep its data where the link leads. */
#include "base/file.h"
#include <limits.h>
#include <stdio.h>
#include "base/os.h"

#ifdef _WIN32
#define SEPARATORS "/\\"
#else
#define SEPARATORS "/"
#endif

static bool is_sep(char c) { return c != 0 && strchr(SEPARATORS, c) != NULL; }

/* Length of the folder part with its separator; 0 when there is none. */
static size_t folder_len(const char *path) {
  size_t n = strlen(path);
  while (n > 0 && !is_sep(path[n - 1])) n--;
  return n;
}

/* Does the text alone stay inside: relative, and never more ".." than folders before them? */
static bool stays_inside(sx_str s) {
  if (s.n == 0 || is_sep(s.p[0]) || memchr(s.p, 0, s.n)) return false;
#ifdef _WIN32
  if (memchr(s.p, ':', s.n)) return false; /* drives and streams */
#endif
  long depth = 0;
  for (size_t i = 0, end; i < s.n; i = end + 1) {
    for (end = i; end < s.n && !is_sep(s.p[end]);) end++;
    bool dot = end - i == 1 && s.p[i] == '.', up = end - i == 2 && s.p[i] == '.' && s.p[i + 1] == '.';
    if (up && --depth < 0) return false;
    if (!up && !dot && end > i) depth++;
  }
  return true;
}

/* Is `path` a thing somewhere below `folder` (n bytes)? Both are resolved. */
static bool is_below(const char *path, const char *folder, size_t n) {
  if (n > 0 && is_sep(folder[n - 1])) n--;
  return strncmp(path, folder, n) == 0 && is_sep(path[n]) && path[n + 1];
}

/* Is `path` a file of the blobs folder that belongs to the snapshot in which `folder` lies? */
static bool is_blob_of(const char *path, const char *folder) {
  static const char mark[] = "snapshots";
  const size_t m = sizeof mark - 1;
  for (const char *p = folder; (p = strstr(p, mark)) != NULL; p += m) {
    if (p == folder || !is_sep(p[-1]) || !is_sep(p[m]) || !p[m + 1]) continue;
    size_t repo = (size_t)(p - folder);
    const char *name = path + repo + 6;
    if (strncmp(path, folder, repo) == 0 && strncmp(path + repo, "blobs", 5) == 0 && is_sep(path[repo + 5]) && *name &&
        name[strcspn(name, SEPARATORS)] == 0)
      return true;
  }
  return false;
}

static sx_status inside_folder(sx_arena *a, const char *base, sx_str relative, char **out, sx_err *e) {
  size_t n = folder_len(base), bytes;
  char *folder = n ? sx_arena_strdup(a, base, n) : sx_arena_strdup(a, ".", 1), *real, *target;
  if (!folder || !sx_size_add(n + 1, relative.n, &bytes)) SX_NO_MEMORY(e);
  char *joined = sx_arena_array(a, bytes, 1);
  if (!joined) SX_NO_MEMORY(e);
  memcpy(joined, base, n);
  memcpy(joined + n, relative.p, relative.n);
  SX_TRY(sx_os_real_path(a, folder, &real, e));
  SX_TRY(sx_os_real_path(a, joined, &target, e));
  if (!is_below(target, real, strlen(real)) && !is_blob_of(target, real))
    SX_FAIL(e, INVALID_ARGUMENT, "the path \"%.*s\" leads to \"%.256s\", outside the model's folder \"%.256s\"; keep external data "
            "beside the model", SX_FMT(relative), target, real);
  *out = target;
  return SX_OK;
}

sx_status sx_path_inside(sx_arena *a, const char *base_file, sx_str relative, char **out, sx_err *e) {
  if (!stays_inside(relative))
    SX_FAIL(e, INVALID_ARGUMENT, "the path \"%.*s\" is empty, absolute or leaves the model's folder; external data must have a "
            "path relative to the model and below its folder", SX_FMT(relative));
  sx_status s = inside_folder(a, base_file, relative, out, e);
  if (s != SX_E_NO_SUCHFILE) return s;
  char *real;
  if (sx_os_real_path(a, base_file, &real, NULL) != SX_OK || inside_folder(a, real, relative, out, NULL) != SX_OK) return s;
  return SX_OK;
}

sx_status sx_path_real(sx_arena *a, const char *path, char **out, sx_err *e) { return sx_os_real_path(a, path, out, e); }

static bool is_absolute(sx_str s) {
#ifdef _WIN32
  if (memchr(s.p, ':', s.n)) return true; /* drives and streams */
#endif
  return s.n > 0 && is_sep(s.p[0]);
}

static bool has_up(sx_str s) {
  for (size_t i = 0, end; i < s.n; i = end + 1) {
    for (end = i; end < s.n && !is_sep(s.p[end]);) end++;
    if (end - i == 2 && s.p[i] == '.' && s.p[i + 1] == '.') return true;
  }
  return false;
}

/* Length of the part of `path` that exists; changes and restores its bytes. */
static size_t existing(char *path) {
  size_t known = 0;
  for (size_t i = 0;; i++) {
    if (path[i] && !is_sep(path[i])) continue;
    char c = path[i];
    size_t n = i ? i : 1; /* the root itself */
    if (i) path[i] = 0;
    bool there = i ? sx_path_look(path) != SX_PATH_NOTHING : c != 0;
    path[i] = c;
    if (!there) return known;
    known = n;
    if (!c) return known;
  }
}

/* Appends the components of `rest` to the n bytes at `to`. */
static void append_components(char *to, size_t n, const char *rest) {
  for (size_t i = 0, end; rest[i]; i = rest[end] ? end + 1 : end) {
    for (end = i; rest[end] && !is_sep(rest[end]);) end++;
    if (end == i || (end - i == 1 && rest[i] == '.')) continue;
    if (end - i == 2 && rest[i] == '.' && rest[i + 1] == '.' && n) {
      while (n > 0 && !is_sep(to[n - 1])) n--;
      if (n > 1) n--;
      continue;
    }
    if (n && !is_sep(to[n - 1])) to[n++] = '/';
    memcpy(to + n, rest + i, end - i);
    n += end - i;
  }
  to[n] = 0;
}

sx_status sx_path_resolve(sx_arena *a, const char *root, const char *base, sx_str path, bool must_exist, char **out, sx_err *e) {
  if (!path.n || path.n > INT_MAX || memchr(path.p, 0, path.n)) SX_FAIL(e, FAIL, "a path is empty, too long or has a NUL byte");
  if (root && (is_absolute(path) || has_up(path)))
    SX_FAIL(e, FAIL, "the path \"%.*s\" is absolute or has \"..\"; it must be relative and lead downwards", SX_FMT(path));
  char *joined = is_absolute(path) ? sx_arena_strdup(a, path.p, path.n) : sx_arena_printf(a, "%s/%.*s", base, (int)path.n, path.p);
  if (!joined) SX_NO_MEMORY(e);
  size_t n = existing(joined);
  bool all = !joined[n];
  if (must_exist && !all) SX_FAIL(e, FAIL, "the path \"%.1024s\" does not exist", joined);
  char *real = joined + strlen(joined), *rest = sx_arena_strdup(a, joined + n, strlen(joined + n));
  if (!rest) SX_NO_MEMORY(e);
  joined[n] = 0;
  if (n) SX_TRY(sx_os_real_path(a, joined, &real, e));
  size_t length = strlen(real), bytes;
  if (!sx_size_add(length + 2, strlen(rest), &bytes) || !(*out = sx_arena_alloc(a, bytes))) SX_NO_MEMORY(e);
  memcpy(*out, real, length);
  append_components(*out, length, rest);
  if (root && strcmp(*out, root) != 0 && !is_below(*out, root, strlen(root)))
    SX_FAIL(e, FAIL, "the path \"%.*s\" leads to \"%.256s\", outside of \"%.256s\"", SX_FMT(path), *out, root);
  return SX_OK;
}
