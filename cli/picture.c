// SPDX-License-Identifier: MIT
/* PNM and BMP are read here, PNG and JPEG by libpng and libjpeg-turbo when they are installed: nothing is linked. */
#include "picture.h"
#include "os.h"
#include "term.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIDE = 1 << 15 };

bool picture_is(const char *path) {
  static const char *const endings[] = {".png", ".jpg", ".jpeg", ".pnm", ".ppm", ".pgm", ".pbm", ".bmp"};
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
    if (file_ends_with(path, endings[i])) return true;
  return false;
}

static bool allocate(picture *p, int width, int height, int channels) {
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
    return cli_fail(CLI_BROKEN, "a picture of %d x %d pixels", width, height);
  p->width = width, p->height = height, p->channels = channels;
  p->pixels = cli_alloc((size_t)width * (size_t)height * (size_t)channels);
  return true;
}

/* The next number of a PNM header or plain body; comments run from '#' to the end of the line. */
static int pnm_number(const uint8_t **at, const uint8_t *end) {
  const uint8_t *p = *at;
  while (p < end && (*p == ' ' || (*p >= 9 && *p <= 13) || *p == '#'))
    if (*p++ == '#')
      while (p < end && *p != '\n') p++;
  int v = -1;
  for (; p < end && *p >= '0' && *p <= '9' && v < 1 << 20; p++) v = (v < 0 ? 0 : v * 10) + (*p - '0');
  *at = p;
  return v;
}

static bool decode_pnm(const uint8_t *at, const uint8_t *end, picture *p) {
  int kind = at[1] - '0';
  at += 2;
  int width = pnm_number(&at, end), height = pnm_number(&at, end), top = kind % 3 == 1 ? 1 : pnm_number(&at, end);
  if (top < 1 || top > 65535) return cli_fail(CLI_BROKEN, "a damaged PNM header");
  if (!allocate(p, width, height, kind % 3 == 0 ? 3 : 1)) return false;
  if (kind > 3) at++; /* the one blank before the pixels */
  size_t count = (size_t)width * (size_t)height * (size_t)p->channels, wide = top > 255 ? 2 : 1;
  size_t stride = ((size_t)width + 7) / 8, need = kind == 4 ? stride * (size_t)height : count * wide;
  if (kind > 3 && (at > end || need > (size_t)(end - at))) return cli_fail(CLI_BROKEN, "the picture is cut short");
  for (size_t i = 0; i < count; i++) {
    int v;
    if (kind == 1) {
      while (at < end && *at != '0' && *at != '1') at++;
      v = at < end ? *at++ - '0' : -1;
    } else if (kind < 4) {
      v = pnm_number(&at, end);
    } else if (kind == 4) {
      v = at[i / (size_t)width * stride + i % (size_t)width / 8] >> (7 - i % (size_t)width % 8) & 1;
    } else {
      v = wide == 2 ? at[2 * i] << 8 | at[2 * i + 1] : at[i];
    }
    if (v < 0 || v > top) return cli_fail(CLI_BROKEN, "the picture is cut short or damaged");
    if (kind % 3 == 1) v = !v; /* in bitmaps 1 is black */
    p->pixels[i] = (uint8_t)((v * 255 + top / 2) / top);
  }
  return true;
}

static uint32_t le(const uint8_t *p, int bytes) {
  uint32_t v = 0;
  memcpy(&v, p, (size_t)bytes);
  return v;
}

/* Uncompressed BMP of 8, 24 or 32 bits. */
static bool decode_bmp(const uint8_t *data, size_t size, picture *p) {
  if (size < 54) return cli_fail(CLI_BROKEN, "the picture is cut short");
  int width = (int)le(data + 18, 4), height = (int)le(data + 22, 4), bits = (int)le(data + 28, 2);
  size_t start = le(data + 10, 4), palette = 14 + (size_t)le(data + 14, 4);
  uint32_t compression = le(data + 30, 4);
  bool down = height < 0 && height > -MAX_SIDE;
  if (down) height = -height;
  if ((compression && !(compression == 3 && bits == 32)) || (bits != 8 && bits != 24 && bits != 32))
    return cli_fail(CLI_BROKEN, "BMP with %d bits or compression is not supported", bits);
  if (!allocate(p, width, height, 3)) return false;
  size_t stride = ((size_t)width * (size_t)bits / 8 + 3) / 4 * 4;
  if (start > size || stride * (size_t)height > size - start || (bits == 8 && palette + 1024 > size))
    return cli_fail(CLI_BROKEN, "the picture is cut short");
  for (int y = 0; y < height; y++) {
    const uint8_t *row = data + start + stride * (size_t)(down ? y : height - 1 - y);
    for (int x = 0; x < width; x++) {
      const uint8_t *bgr = bits == 8 ? data + palette + 4 * row[x] : row + x * (bits / 8);
      for (int c = 0; c < 3; c++) p->pixels[((size_t)y * (size_t)width + (size_t)x) * 3 + (size_t)c] = bgr[2 - c];
    }
  }
  return true;
}

bool picture_read(const char *path, picture *p) {
  const uint8_t *data;
  size_t size;
  bool ok;
  p->pixels = NULL;
  if (!os_map(path, &data, &size)) return cli_fail(CLI_BROKEN, "%s: cannot be read", path);
  if (size > 8 && !memcmp(data, "\x89PNG", 4))
    ok = picture_decode_png(data, size, p);
  else if (size > 3 && !memcmp(data, "\xff\xd8\xff", 3))
    ok = picture_decode_jpeg(data, size, p);
  else if (size > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6')
    ok = decode_pnm(data, data + size, p);
  else if (size > 2 && !memcmp(data, "BM", 2))
    ok = decode_bmp(data, size, p);
  else
    ok = cli_fail(CLI_BROKEN, "not a PNG, JPEG, PNM or BMP picture");
  os_unmap(data, size);
  if (ok) return true;
  free(p->pixels);
  p->pixels = NULL;
  return cli_fail_context("%s", path);
}

static int luma(const picture *p, int x, int y) {
  const uint8_t *at = p->pixels + ((size_t)y * (size_t)p->width + (size_t)x) * (size_t)p->channels;
  return p->channels == 1 ? at[0] : (299 * at[0] + 587 * at[1] + 114 * at[2] + 500) / 1000;
}

void picture_show(FILE *to, const picture *p) {
  int most = 64, width = p->width < most ? p->width : most, wide = p->width <= most / 4 ? 2 : 1;
  int height = (int)fmax(1, rint((double)p->height * width / p->width));
  bool color = term_color(to);
  for (int row = 0; row < height; row += color && wide == 1 ? 2 : wide == 2 ? 1 : 2) {
    fputs("  ", to);
    for (int column = 0; column < width; column++) {
      int x = column * p->width / width, y[2] = {row * p->height / height, (row + 1) * p->height / height};
      if (y[1] >= p->height) y[1] = y[0];
      if (!color) {
        for (int k = 0; k < wide; k++) fputc(" .:-=+*#%@"[luma(p, x, y[0]) * 9 / 255], to);
        continue;
      }
      const uint8_t *c[2];
      for (int k = 0; k < 2; k++) c[k] = p->pixels + ((size_t)y[k] * (size_t)p->width + (size_t)x) * (size_t)p->channels;
      int g = p->channels == 3, b = 2 * g;
      if (wide == 2)
        fprintf(to, "\033[48;2;%d;%d;%dm  ", c[0][0], c[0][g], c[0][b]);
      else
        fprintf(to, "\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm\xe2\x96\x80", c[0][0], c[0][g], c[0][b], c[1][0], c[1][g],
                c[1][b]);
    }
    fprintf(to, "%s\n", term_code(to, TERM_PLAIN));
  }
}
