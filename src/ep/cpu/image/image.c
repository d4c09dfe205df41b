// SPDX-License-Identifier: MIT
/* Which format it is, and the two formats that need no library. */
#include "ep/cpu/image/image.h"
#include <string.h>

enum { MAX_PIXELS = 1 << 28 }; /* more is a damaged or a hostile file */

bool sx_image_make(sx_image *m, int64_t width, int64_t height, sx_status *s, sx_err *e) {
  *s = SX_OK;
  if (width < 1 || height < 1 || width > MAX_PIXELS || height > MAX_PIXELS || width * height > MAX_PIXELS) return false;
  *m = (sx_image){width, height, NULL, (size_t)(width * height * 3)};
  if ((m->rgb = sx_malloc(m->bytes))) return true;
  *s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  return false;
}
void sx_image_free(sx_image *m) {
  sx_free(m->rgb, m->bytes);
  *m = (sx_image){0};
}

static uint32_t le(const uint8_t *p, int bytes) {
  uint32_t v = 0;
  for (int i = bytes; i-- > 0;) v = v << 8 | p[i];
  return v;
}

/* BMP: 1, 4, 8 bits with a palette, 16, 24, 32 bits by masks; rows upwards unless the height is negative. */
static uint8_t scaled(uint32_t v, uint32_t mask) {
  if (!mask) return 0;
  int low = __builtin_ctz(mask);
  uint32_t most = mask >> low;
  return (uint8_t)(((uint64_t)((v & mask) >> low) * 255 + most / 2) / most);
}
static sx_status bmp(const uint8_t *d, size_t size, sx_image *out, sx_err *e) {
  sx_status s;
  if (size < 26) return SX_OK;
  uint32_t start = le(d + 10, 4), header = le(d + 14, 4), masks[3];
  bool core = header == 12;
  if (!core && (header < 40 || size < 54)) return SX_OK;
  int64_t width = core ? (int32_t)le(d + 18, 2) : (int32_t)le(d + 18, 4),
          height = core ? (int32_t)le(d + 20, 2) : (int32_t)le(d + 22, 4);
  uint32_t bits = core ? le(d + 24, 2) : le(d + 28, 2), packing = core ? 0 : le(d + 30, 4), entry = core ? 3 : 4;
  size_t palette = 14 + (size_t)header, row, need;
  if ((packing != 0 && packing != 3 && packing != 6) ||
      (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32))
    return SX_OK;
  for (int i = 0; i < 3; i++)
    masks[i] = packing ? (size >= 66 ? le(d + 54 + 4 * i, 4) : 0) : bits == 16 ? 0x7c00u >> 5 * i : 0xff0000u >> 8 * i;
  bool down = height < 0;
  height = down ? -height : height;
  if (width < 1 || height < 1 || !sx_size_mul((size_t)width, bits, &row)) return SX_OK;
  row = (row + 31) / 32 * 4;
  if (!sx_size_mul(row, (size_t)height, &need) || start > size || need > size - start) return SX_OK;
  if (!sx_image_make(out, width, height, &s, e)) return s;
  for (int64_t y = 0; y < height; y++) {
    const uint8_t *from = d + start + (size_t)(down ? y : height - 1 - y) * row;
    uint8_t *to = out->rgb + y * width * 3;
    for (int64_t x = 0; x < width; x++, to += 3) {
      if (bits <= 8) {
        uint32_t v = from[x * bits / 8] >> (8 - bits - x * bits % 8) & ((1u << bits) - 1);
        size_t at = palette + (size_t)v * entry;
        for (int i = 0; i < 3; i++) to[i] = at + 3 <= start ? d[at + 2 - (size_t)i] : 0;
      } else {
        uint32_t v = le(from + (size_t)x * (bits / 8), (int)bits / 8);
        for (int i = 0; i < 3; i++) to[i] = scaled(v, masks[i]);
      }
    }
  }
  return SX_OK;
}

/* PNM: P1 to P3 as text, P4 to P6 as bytes. */
typedef struct text {
  const uint8_t *p, *end;
} text;
static bool number(text *t, uint32_t *v, bool digit) { /* digit: bits may stand without space */
  for (; t->p < t->end && (*t->p <= ' ' || *t->p == '#'); t->p++)
    if (*t->p == '#') /* up to the end of the line */
      while (t->p + 1 < t->end && *t->p != '\n') t->p++;
  if (t->p >= t->end || *t->p < '0' || *t->p > '9') return false;
  for (*v = 0; t->p < t->end && *t->p >= '0' && *t->p <= '9' && *v < 1u << 28; t->p++) {
    *v = *v * 10 + (*t->p - '0');
    if (digit) return t->p++, true;
  }
  return true;
}
static sx_status pnm(const uint8_t *d, size_t size, sx_image *out, sx_err *e) {
  text t = {d + 2, d + size};
  uint32_t width, height, most = 1, v = 0;
  int kind = d[1] - '0', channels = kind % 3 == 0 ? 3 : 1;
  bool plain = kind < 4, bits = kind % 3 == 1;
  sx_status s;
  if (!number(&t, &width, false) || !number(&t, &height, false) || (!bits && !number(&t, &most, false)) || most < 1 ||
      most > 65535)
    return SX_OK;
  if (!plain) t.p++; /* one space ends the header */
  size_t left = t.p < t.end ? (size_t)(t.end - t.p) : 0, wide = most > 255 ? 2 : 1,
         row = bits ? ((size_t)width + 7) / 8 : (size_t)width * (size_t)channels * wide;
  if (plain ? left < (size_t)width * height : row && left / row < height) return SX_OK;
  if (!sx_image_make(out, width, height, &s, e)) return s;
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < (int64_t)width * channels; x++) {
      const uint8_t *from = t.p + (size_t)y * row;
      if (plain && !number(&t, &v, bits)) return sx_image_free(out), SX_OK;
      if (!plain)
        v = bits ? from[x / 8] >> (7 - x % 8) & 1u : wide == 2 ? (uint32_t)from[2 * x] << 8 | from[2 * x + 1] : from[x];
      uint32_t c = bits ? v ? 0 : 255 : ((v < most ? v : most) * 255 + most / 2) / most;
      uint8_t *to = out->rgb + (channels == 3 ? y * width * 3 + x : (y * width + x) * 3);
      for (int i = 0; i < (channels == 3 ? 1 : 3); i++) to[i] = (uint8_t)c;
    }
  return SX_OK;
}

sx_status sx_image_decode(const uint8_t *data, size_t size, sx_image *out, sx_err *e) {
  static const struct {
    uint8_t at, n;
    const char *magic;
    sx_image_reader read;
  } formats[] = {{0, 2, "BM", bmp},
                 {0, 4, "\x89PNG", sx_image_png},
                 {0, 3, "\xff\xd8\xff", sx_image_jpeg},
                 {0, 4, "II*\0", sx_image_tiff},
                 {0, 4, "MM\0*", sx_image_tiff},
                 {0, 4, "II+\0", sx_image_tiff},
                 {0, 4, "MM\0+", sx_image_tiff},
                 {8, 4, "WEBP", sx_image_webp},
                 {4, 4, "jP  ", sx_image_jpeg2000},
                 {0, 4, "\xff\x4f\xff\x51", sx_image_jpeg2000}};
  *out = (sx_image){0};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (size >= (size_t)formats[i].at + formats[i].n && !memcmp(data + formats[i].at, formats[i].magic, formats[i].n))
      return formats[i].read(data, size, out, e);
  return size > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' ? pnm(data, size, out, e) : SX_OK;
}
