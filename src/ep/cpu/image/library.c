// SPDX-License-Identifier: MIT
/* PNG, JPEG and WebP by the interfaces that their libraries promise to keep, declared here so that none is needed to build.
 */
#include "base/dl.h"
#include "ep/cpu/image/image.h"
#include <string.h>

/* Never closed: the next picture finds it open. */
sx_status sx_image_library(const char *file, const char *package, const char *what, const char *const *names,
                           uint32_t count, void *functions, sx_err *e) {
  char why[256];
  void *library = sx_dl_open(file, why, sizeof why);
  if (!library)
    SX_FAIL(e, NOT_IMPLEMENTED,
            "%s pictures are read by %s, which cannot be opened (%s): install it (Debian: apt install %s)", what, file, why,
            package);
  for (uint32_t i = 0; i < count; i++) {
    void *symbol = sx_dl_symbol(library, names[i]);
    if (!symbol)
      SX_FAIL(e, NOT_IMPLEMENTED, "%s pictures are read by %s, which is too old: it has no %s", what, file, names[i]);
    memcpy((char *)functions + i * sizeof symbol, &symbol, sizeof symbol);
  }
  return SX_OK;
}

typedef struct png_image { /* as libpng 1.6 declares it, version 1 */
  void *opaque;
  uint32_t version, width, height, format, flags, colormap_entries, warning_or_error;
  char message[64];
} png_image;
sx_status sx_image_png(const uint8_t *data, size_t size, sx_image *out, sx_err *e) {
  enum { VERSION = 1, RGBA = 3 };
  static const char *const names[] = {"png_image_begin_read_from_memory", "png_image_finish_read", "png_image_free"};
  struct {
    int (*begin)(png_image *, const void *, size_t);
    int (*finish)(png_image *, const void *, void *, int32_t, void *);
    void (*free)(png_image *);
  } f = {0};
  SX_TRY(sx_image_library(SX_DL_NAME("png16", "16"), "libpng16-16", "PNG", names, 3, &f, e));
  png_image m = {.version = VERSION};
  sx_status s;
  if (!f.begin(&m, data, size)) return SX_OK;
  m.format = RGBA; /* without the alpha channel it would be painted on black */
  if (!sx_image_make(out, m.width, m.height, &s, e)) return f.free(&m), s;
  uint8_t *rgba = sx_malloc(out->bytes / 3 * 4);
  bool read = rgba && f.finish(&m, NULL, rgba, 0, NULL);
  for (size_t i = 0; read && i < out->bytes / 3; i++) memcpy(out->rgb + 3 * i, rgba + 4 * i, 3);
  sx_free(rgba, out->bytes / 3 * 4);
  f.free(&m);
  if (!read) sx_image_free(out);
  if (!rgba) SX_NO_MEMORY(e);
  return SX_OK;
}

sx_status sx_image_jpeg(const uint8_t *data, size_t size, sx_image *out, sx_err *e) {
  enum { RGB = 0, WARNING = 0 };
  static const char *const names[] = {"tjInitDecompress", "tjDecompressHeader3", "tjDecompress2", "tjDestroy",
                                      "tjGetErrorCode"};
  struct {
    void *(*init)(void);
    int (*header)(void *, const uint8_t *, unsigned long, int *, int *, int *, int *);
    int (*decompress)(void *, const uint8_t *, unsigned long, uint8_t *, int, int, int, int, int);
    int (*destroy)(void *), (*code)(void *);
  } f = {0};
  SX_TRY(sx_image_library(SX_DL_NAME("turbojpeg", "0"), "libturbojpeg0", "JPEG", names, 5, &f, e));
  int width = 0, height = 0, sampling, space;
  sx_status s = SX_OK;
  void *h = f.init();
  if (!h) SX_NO_MEMORY(e);
  if (!f.header(h, data, (unsigned long)size, &width, &height, &sampling, &space) &&
      sx_image_make(out, width, height, &s, e) &&
      f.decompress(h, data, (unsigned long)size, out->rgb, width, 0, height, RGB, 0) && f.code(h) != WARNING)
    sx_image_free(out);
  f.destroy(h);
  return s;
}

sx_status sx_image_webp(const uint8_t *data, size_t size, sx_image *out, sx_err *e) {
  static const char *const names[] = {"WebPGetInfo", "WebPDecodeRGBInto"};
  struct {
    int (*info)(const uint8_t *, size_t, int *, int *);
    uint8_t *(*decode)(const uint8_t *, size_t, uint8_t *, size_t, int);
  } f = {0};
  SX_TRY(sx_image_library(SX_DL_NAME("webp", "7"), "libwebp7", "WebP", names, 2, &f, e));
  int width, height;
  sx_status s;
  if (!f.info(data, size, &width, &height)) return SX_OK;
  if (!sx_image_make(out, width, height, &s, e)) return s;
  if (!f.decode(data, size, out->rgb, out->bytes, width * 3)) sx_image_free(out);
  return SX_OK;
}
