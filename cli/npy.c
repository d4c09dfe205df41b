// SPDX-License-Identifier: MIT
/* NumPy's .npy: header in Python's dict syntax, little-endian elements, both element orders. Texts travel as NumPy's
 * fixed-width 'U' (UTF-32) and 'S'; types NumPy lacks as void of their width. */
#include "cli.h"
#include "files.h"
#include "os.h"
#include <stdlib.h>
#include <string.h>

typedef struct header {
  char code[16]; /* "<f4", "<U12" */
  bool fortran;
  size_t rank;
  int64_t dims[32];
} header;

static const char *after(const char *text, const char *key) {
  const char *p = strstr(text, key);
  if (!p) return NULL;
  for (p += strlen(key); *p == ' ' || *p == ':'; p++) continue;
  return p;
}

static bool parse_header(const char *text, header *h) {
  const char *descr = after(text, "'descr'"), *order = after(text, "'fortran_order'"), *shape = after(text, "'shape'");
  if (!descr || !order || !shape || *descr != '\'' || *shape != '(') return false;
  size_t n = strcspn(++descr, "'");
  if (n >= sizeof h->code) return false;
  memcpy(h->code, descr, n);
  h->code[n] = 0;
  h->fortran = *order == 'T';
  h->rank = 0;
  for (const char *p = shape + 1; *p && *p != ')';) {
    char *end;
    long long d = strtoll(p, &end, 10);
    if (end == p || d < 0 || h->rank == 32) return false;
    h->dims[h->rank++] = d;
    for (p = end; *p == ',' || *p == ' '; p++) continue;
  }
  return true;
}

static size_t put_utf8(char *out, uint32_t c) {
  if (c < 0x80) return out[0] = (char)c, 1;
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  out[0] = (char)((0xff00 >> (more + 1) & 0xff) | c >> 6 * more);
  for (int i = 1; i <= more; i++) out[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
  return (size_t)more + 1;
}

/* One code point; a malformed byte stands for itself. */
static uint32_t get_utf8(const char **p) {
  const unsigned char *s = (const unsigned char *)*p;
  int more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
  uint32_t c = more ? s[0] & (0x3f >> more) : s[0];
  for (int i = 1; i <= more; i++) {
    if ((s[i] & 0xc0) != 0x80) return ++*p, s[0];
    c = c << 6 | (s[i] & 0x3f);
  }
  *p += more + 1;
  return c;
}

static void read_text(value *v, size_t i, char kind, const uint8_t *at, size_t width) {
  char *text = cli_alloc(width * 4 + 1);
  size_t n = 0;
  for (size_t k = 0; k < width; k++) {
    uint32_t c = at[k];
    if (kind == 'U') memcpy(&c, at + 4 * k, 4);
    if (!c) break;
    n += kind == 'U' ? put_utf8(text + n, c & 0x1fffff) : (text[n] = (char)c, 1);
  }
  value_set_string(v, i, text, n);
  free(text);
}

/* Element `i` in C order lies here in Fortran order. */
static size_t fortran_place(const value *v, size_t i) {
  size_t place = 0, step = 1, rest = v->count;
  for (size_t d = 0; d < v->rank; d++) {
    rest /= (size_t)v->dims[d];
    place += i / rest * step;
    i %= rest;
    step *= (size_t)v->dims[d];
  }
  return place;
}

value *npy_decode(const uint8_t *data, size_t size, const dtype *raw_as) {
  header h;
  char *text = NULL;
  size_t start = 0;
  if (size >= 12 && !memcmp(data, "\x93NUMPY", 6)) {
    bool v1 = data[6] == 1;
    size_t length = v1 ? data[8] | (size_t)data[9] << 8
                       : data[8] | (size_t)data[9] << 8 | (size_t)data[10] << 16 | (size_t)data[11] << 24;
    start = (v1 ? 10 : 12) + length;
    if (start <= size) text = cli_copy((const char *)data + start - length, length);
  }
  bool ok = text && parse_header(text, &h);
  free(text);
  if (!ok) return cli_fail(CLI_BROKEN, "not a .npy array"), NULL;
  char kind = h.code[1];
  int64_t width = 0;
  if (h.code[0] == '>') return cli_fail(CLI_BROKEN, "big-endian arrays are not supported"), NULL;
  bool texts = kind == 'U' || kind == 'S', raw = kind == 'V';
  const dtype *type = texts ? dtype_of_name("string") : raw ? raw_as : dtype_of_npy(h.code + 1);
  if ((texts || raw) && (!cli_parse_int(h.code + 2, &width) || width < 0 || width > 1 << 20)) type = NULL;
  if (raw && type && (type->cls == DTYPE_STRING || width != (type->bits + 7) / 8)) type = NULL;
  if (!type) return cli_fail(CLI_BROKEN, "arrays of '%s' are not supported", h.code), NULL;
  size_t each = texts ? (size_t)width * (kind == 'U' ? 4 : 1) : (size_t)(type->bits + 7) / 8, count;
  if (!value_count(h.rank, h.dims, &count)) return NULL;
  if (count > (size - start) / (each ? each : 1)) return cli_fail(CLI_BROKEN, "the array is cut short"), NULL;
  value *v = value_tensor(type, h.rank, h.dims);
  if (!v) return NULL;
  for (size_t i = 0; i < v->count; i++) {
    const uint8_t *at = data + start + each * (h.fortran ? fortran_place(v, i) : i);
    if (texts)
      read_text(v, i, kind, at, (size_t)width);
    else if (type->bits < 8)
      dtype_set(type, v->data, i, dtype_get(type, at, 0));
    else if (h.fortran)
      memcpy((char *)v->data + i * each, at, each);
  }
  if (!texts && !h.fortran && type->bits >= 8) memcpy(v->data, data + start, v->count * each);
  return v;
}

static size_t text_width(const value *v) {
  size_t most = 1;
  for (size_t i = 0; i < v->count; i++) {
    size_t n = 0;
    for (const char *p = v->strings[i]; *p; n++) get_utf8(&p);
    if (n > most) most = n;
  }
  return most;
}

uint8_t *npy_encode(const value *v, size_t *size) {
  size_t width = v->strings ? text_width(v) : (size_t)(v->type->bits + 7) / 8, each = v->strings ? 4 * width : width;
  char code[32], *shape = cli_text("%s", "");
  if (v->strings)
    snprintf(code, sizeof code, "<U%zu", width);
  else if (*v->type->npy)
    snprintf(code, sizeof code, "%s%s", v->type->bits > 8 ? "<" : "|", v->type->npy);
  else
    snprintf(code, sizeof code, "|V%zu", width);
  for (size_t i = 0; i < v->rank; i++) {
    char *longer = cli_text("%s%lld,%s", shape, (long long)v->dims[i], i + 1 < v->rank ? " " : "");
    free(shape);
    shape = longer;
  }
  char *dict = cli_text("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", code, shape);
  size_t start = (10 + strlen(dict) + 1 + 63) / 64 * 64, length = start - 10;
  *size = start + v->count * each;
  uint8_t *out = cli_alloc(*size);
  memcpy(out, "\x93NUMPY\1\0", 8);
  out[8] = (uint8_t)length, out[9] = (uint8_t)(length >> 8);
  memset(out + 10, ' ', length);
  memcpy(out + 10, dict, strlen(dict));
  out[start - 1] = '\n';
  free(dict), free(shape);
  for (size_t i = 0; i < v->count && (v->strings || v->type->bits < 8); i++) {
    uint8_t *at = out + start + i * each;
    if (v->strings) {
      for (const char *p = v->strings[i]; *p; at += 4) {
        uint32_t c = get_utf8(&p);
        memcpy(at, &c, 4);
      }
    } else {
      dtype_set(v->type, at, 0, dtype_get(v->type, v->data, i));
    }
  }
  if (!v->strings && v->type->bits >= 8 && v->count) memcpy(out + start, v->data, v->count * each);
  return out;
}

value *npy_read(const char *path, const dtype *raw_as) {
  const uint8_t *data;
  size_t size;
  if (!os_map(path, &data, &size)) return cli_fail(CLI_BROKEN, "%s: cannot be read", path), NULL;
  value *v = npy_decode(data, size, raw_as);
  os_unmap(data, size);
  if (!v) cli_fail_context("%s", path);
  return v;
}

bool npy_write(const char *path, const value *v) {
  if (v->kind != VALUE_TENSOR) return cli_fail(CLI_BROKEN, "%s: only a tensor fits into .npy; use .pb", path);
  size_t size;
  uint8_t *data = npy_encode(v, &size);
  bool ok = file_write(path, data, size);
  free(data);
  return ok;
}
