// SPDX-License-Identifier: MIT
/* NumPy's .npz: a zip archive of .npy members, and the small file helpers. Members are read stored or deflated (zlib is
 * opened when one is), written stored. */
#include "cli.h"
#include "files.h"
#include "os.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool file_ends_with(const char *path, const char *ending) {
  size_t n = strlen(path), m = strlen(ending);
  if (n < m) return false;
  for (size_t i = 0; i < m; i++) {
    char c = path[n - m + i];
    if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != ending[i]) return false;
  }
  return true;
}

bool file_write(const char *path, const void *data, size_t size) {
  FILE *f = fopen(path, "wb");
  bool ok = f && fwrite(data, 1, size, f) == size;
  if (f && fclose(f)) ok = false;
  return ok || cli_fail(CLI_BROKEN, "%s: cannot be written: %s", path, strerror(errno));
}

char **file_lines(const char *path, size_t *count) {
  const uint8_t *data;
  size_t size;
  *count = 0;
  if (!os_map(path, &data, &size)) return cli_fail(CLI_BROKEN, "%s: cannot be read", path), NULL;
  char **lines = cli_alloc(sizeof *lines);
  for (size_t at = 0, end; at < size; at = end + 1) {
    for (end = at; end < size && data[end] != '\n'; end++) continue;
    size_t length = end - at - (end > at && data[end - 1] == '\r');
    lines = cli_grow(lines, *count + 1, sizeof *lines);
    lines[(*count)++] = cli_copy((const char *)data + at, length);
  }
  os_unmap(data, size);
  return lines;
}

/* z_stream of zlib 1.x, whose layout inflateInit2_ checks by its size. */
typedef struct zlib_stream {
  const uint8_t *next_in;
  unsigned avail_in;
  unsigned long total_in;
  uint8_t *next_out;
  unsigned avail_out;
  unsigned long total_out;
  const char *msg;
  void *state;
  void *(*alloc)(void *, unsigned, unsigned);
  void (*release)(void *, void *);
  void *opaque;
  int data_type;
  unsigned long adler, reserved;
} zlib_stream;

static bool inflate_member(const uint8_t *in, size_t size_in, uint8_t *out, size_t size_out) {
  const char *why = NULL;
  void *zlib = os_library_open(OS_LIBRARY_NAME("z", ".1"), &why);
  int (*init)(zlib_stream *, int, const char *, int) = zlib ? os_library_symbol(zlib, "inflateInit2_") : NULL;
  int (*run)(zlib_stream *, int) = zlib ? os_library_symbol(zlib, "inflate") : NULL;
  int (*end)(zlib_stream *) = zlib ? os_library_symbol(zlib, "inflateEnd") : NULL;
  if (!init || !run || !end)
    return cli_fail(CLI_BROKEN, "a compressed archive needs zlib (Debian: zlib1g): %s", why ? why : "");
  if (size_in > UINT32_MAX || size_out > UINT32_MAX) return cli_fail(CLI_BROKEN, "a compressed member of 4 GiB or more");
  zlib_stream z = {.next_in = in, .avail_in = (unsigned)size_in, .next_out = out, .avail_out = (unsigned)size_out};
  enum { RAW = -15, FINISH = 4, STREAM_END = 1 };
  if (init(&z, RAW, "1.2.0", (int)sizeof z)) return cli_fail(CLI_BROKEN, "zlib refuses to start");
  bool ok = run(&z, FINISH) == STREAM_END && !z.avail_out;
  end(&z);
  return ok || cli_fail(CLI_BROKEN, "a damaged compressed member");
}

static uint64_t le(const uint8_t *p, int bytes) {
  uint64_t v = 0;
  memcpy(&v, p, (size_t)bytes);
  return v;
}

typedef struct member {
  const char *name;
  size_t name_length;
  uint64_t packed, size, offset;
  int method;
} member;

/* Reads the central directory's entry at *at; the sizes may stand in a zip64 extra field. */
static bool next_member(const uint8_t *zip, size_t size, size_t *at, member *m) {
  if (*at + 46 > size || le(zip + *at, 4) != 0x02014b50) return false;
  const uint8_t *p = zip + *at;
  size_t names = le(p + 28, 2), extra = le(p + 30, 2), comment = le(p + 32, 2);
  if (*at + 46 + names + extra + comment > size) return false;
  *m = (member){(const char *)p + 46, names, le(p + 20, 4), le(p + 24, 4), le(p + 42, 4), (int)le(p + 10, 2)};
  for (const uint8_t *x = p + 46 + names, *end = x + extra; x + 4 <= end; x += 4 + le(x + 2, 2)) {
    uint64_t *const wide[] = {&m->size, &m->packed, &m->offset};
    const uint8_t *field = x + 4;
    for (int i = 0; le(x, 2) == 1 && i < 3; i++)
      if (*wide[i] == UINT32_MAX && field + 8 <= end) *wide[i] = le(field, 8), field += 8;
  }
  *at += 46 + names + extra + comment;
  return true;
}

static value *read_member(const uint8_t *zip, size_t size, const member *m, const dtype *raw_as) {
  if (m->offset > size || size - m->offset < 30) return cli_fail(CLI_BROKEN, "a damaged archive"), NULL;
  size_t start = m->offset + 30 + le(zip + m->offset + 26, 2) + le(zip + m->offset + 28, 2);
  if (start > size || m->packed > size - start || (m->method == 0 && m->size != m->packed) || m->size / 2000 > m->packed)
    return cli_fail(CLI_BROKEN, "a damaged archive"), NULL;
  if (m->method == 0) return npy_decode(zip + start, m->size, raw_as);
  if (m->method != 8) return cli_fail(CLI_BROKEN, "compression method %d is not supported", m->method), NULL;
  uint8_t *data = cli_alloc(m->size);
  value *v = inflate_member(zip + start, m->packed, data, m->size) ? npy_decode(data, m->size, raw_as) : NULL;
  free(data);
  return v;
}

value *npz_read(const char *path, const char *key, const dtype *raw_as) {
  const uint8_t *zip;
  size_t size, at = 0;
  if (!os_map(path, &zip, &size)) return cli_fail(CLI_BROKEN, "%s: cannot be read", path), NULL;
  for (size_t i = size >= 22 ? size - 22 : 0; size >= 22 && i + 65558 > size; i--) {
    if (le(zip + i, 4) == 0x06054b50 && (at = le(zip + i + 16, 4))) break;
    if (!i) break;
  }
  value *all = value_list(VALUE_SEQUENCE), *found = NULL;
  member m;
  bool ok = at != 0 || cli_fail(CLI_BROKEN, "not an .npz archive");
  while (ok && !found && next_member(zip, size, &at, &m)) {
    size_t length = m.name_length - (m.name_length > 4 && !memcmp(m.name + m.name_length - 4, ".npy", 4) ? 4 : 0);
    if (key && (strlen(key) != length || memcmp(key, m.name, length))) continue;
    value *v = read_member(zip, size, &m, raw_as);
    ok = v != NULL;
    if (v) v->name = cli_copy(m.name, length);
    if (v && key) found = v;
    if (v && !key) value_append(all, v);
  }
  if (ok && key && !found) ok = cli_fail(CLI_BROKEN, "no array '%s' in it", key);
  os_unmap(zip, size);
  if (!ok) cli_fail_context("%s", path);
  if (ok && !key) return all;
  value_free(all);
  return found;
}

static uint32_t crc32_of(const uint8_t *data, size_t size) {
  uint32_t table[256], crc = ~0u;
  for (uint32_t i = 0; i < 256; i++) {
    table[i] = i;
    for (int k = 0; k < 8; k++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
  }
  for (size_t i = 0; i < size; i++) crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xff];
  return ~crc;
}

/* The fields that the local header and the central directory share, from "version needed" on. */
static void put_entry(FILE *f, bool central, const char *name, uint32_t crc, uint32_t size, uint32_t offset) {
  uint8_t h[46] = {'P', 'K', 3, 4};
  uint8_t *p = h + 4;
  if (central) h[2] = 1, h[3] = 2, h[4] = 20, p += 2;
  p[0] = 20, p[8] = 0x21; /* date: 1 January 1980 */
  memcpy(p + 10, &crc, 4), memcpy(p + 14, &size, 4), memcpy(p + 18, &size, 4);
  uint16_t length = (uint16_t)(strlen(name) + 4);
  memcpy(p + 22, &length, 2);
  if (central) memcpy(h + 42, &offset, 4);
  fwrite(h, 1, central ? 46 : 30, f);
  fprintf(f, "%s.npy", name);
}

bool npz_write(const char *path, value *const *values, size_t count) {
  struct {
    uint32_t crc, size, offset;
  } *entries = cli_alloc(count * sizeof *entries);
  uint64_t at = 0;
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) { /* before the file is touched: what is in it may be of use yet */
    if (values[i]->kind != VALUE_TENSOR)
      ok = cli_fail(CLI_BROKEN, "%s: '%s' is no tensor, as all in an .npz are: write it by itself, -o %s=FILE.pb", path,
                    values[i]->name, values[i]->name);
    size_t size = 0;
    if (ok) free(npy_encode(values[i], &size));
    at += size;
    if (ok && at > 0xf0000000u) ok = cli_fail(CLI_BROKEN, "%s: too large for .npz; use .npy or .pb", path);
  }
  FILE *f = ok ? fopen(path, "wb") : NULL;
  ok = f != NULL;
  at = 0;
  for (size_t i = 0; ok && i < count; i++) {
    size_t size;
    uint8_t *data = npy_encode(values[i], &size);
    entries[i].crc = crc32_of(data, size), entries[i].size = (uint32_t)size, entries[i].offset = (uint32_t)at;
    put_entry(f, false, values[i]->name, entries[i].crc, entries[i].size, 0);
    ok = ok && fwrite(data, 1, size, f) == size;
    at += 30 + strlen(values[i]->name) + 4 + size;
    free(data);
  }
  uint32_t start = (uint32_t)at;
  for (size_t i = 0; ok && i < count; i++) {
    put_entry(f, true, values[i]->name, entries[i].crc, entries[i].size, entries[i].offset);
    at += 46 + strlen(values[i]->name) + 4;
  }
  uint8_t end[22] = {
      'P', 'K', 5, 6, 0, 0, 0, 0, (uint8_t)count, (uint8_t)(count >> 8), (uint8_t)count, (uint8_t)(count >> 8)};
  uint32_t length = (uint32_t)at - start;
  memcpy(end + 12, &length, 4), memcpy(end + 16, &start, 4);
  if (ok) fwrite(end, 1, sizeof end, f);
  if (f && (ferror(f) | fclose(f))) ok = false;
  free(entries);
  return ok || cli_fail(CLI_BROKEN, "%s: cannot be written: %s", path, strerror(errno));
}
