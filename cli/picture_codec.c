// SPDX-License-Identifier: MIT
/* PNG and JPEG through shared libraries found at run time. Only what their stable C interfaces promise is declared here:
 * libpng's simplified reader and libjpeg-turbo's TurboJPEG, so that neither is needed to build. */
#include "picture.h"
#include "os.h"
#include <stdlib.h>
#include <string.h>

typedef struct png_image { /* as libpng 1.6 declares it, version 1 */
  void *opaque;
  uint32_t version, width, height, format, flags, colormap_entries, warning_or_error;
  char message[64];
} png_image;

static void *library_or_fail(const char *file, const char *what, const char *package) {
  const char *why = NULL;
  void *library = os_library_open(file, &why);
  if (!library) cli_fail(CLI_BROKEN, "%s pictures need %s (Debian: apt install %s)", what, file, package);
  return library;
}

bool picture_decode_png(const uint8_t *data, size_t size, picture *p) {
  enum { VERSION = 1, COLOR = 2, RGB = 2, GREY = 0, MAX_SIDE = 1 << 15 };
  static const uint8_t white[3] = {255, 255, 255};
  void *png = library_or_fail(OS_LIBRARY_NAME("png16", ".16"), "PNG", "libpng16-16");
  if (!png) return false;
  int (*begin)(png_image *, const void *, size_t) = os_library_symbol(png, "png_image_begin_read_from_memory");
  int (*finish)(png_image *, const void *, void *, int32_t, void *) = os_library_symbol(png, "png_image_finish_read");
  void (*release)(png_image *) = os_library_symbol(png, "png_image_free");
  if (!begin || !finish || !release) return cli_fail(CLI_BROKEN, "this libpng is too old");
  png_image image = {.version = VERSION};
  bool ok = begin(&image, data, size) && image.width <= MAX_SIDE && image.height <= MAX_SIDE;
  if (ok) {
    image.format = image.format & COLOR ? RGB : GREY;
    p->width = (int)image.width, p->height = (int)image.height, p->channels = image.format == RGB ? 3 : 1;
    p->pixels = cli_alloc((size_t)image.width * image.height * (size_t)p->channels);
    ok = finish(&image, white, p->pixels, 0, NULL);
  }
  if (!ok) cli_fail(CLI_BROKEN, "libpng: %s", image.message[0] ? image.message : "too large");
  release(&image);
  return ok;
}

bool picture_decode_jpeg(const uint8_t *data, size_t size, picture *p) {
  enum { RGB = 0, MAX_SIDE = 1 << 15 };
  void *jpeg = library_or_fail(OS_LIBRARY_NAME("turbojpeg", ".0"), "JPEG", "libturbojpeg0");
  if (!jpeg) return false;
  void *(*init)(void) = os_library_symbol(jpeg, "tjInitDecompress");
  int (*header)(void *, const uint8_t *, unsigned long, int *, int *, int *, int *) =
      os_library_symbol(jpeg, "tjDecompressHeader3");
  int (*decompress)(void *, const uint8_t *, unsigned long, uint8_t *, int, int, int, int, int) =
      os_library_symbol(jpeg, "tjDecompress2");
  int (*destroy)(void *) = os_library_symbol(jpeg, "tjDestroy");
  char *(*message)(void) = os_library_symbol(jpeg, "tjGetErrorStr");
  if (!init || !header || !decompress || !destroy || !message) return cli_fail(CLI_BROKEN, "this libturbojpeg is too old");
  void *handle = init();
  int sampling, space;
  bool ok = handle && !header(handle, data, (unsigned long)size, &p->width, &p->height, &sampling, &space) &&
            p->width <= MAX_SIDE && p->height <= MAX_SIDE;
  if (ok) {
    p->channels = 3;
    p->pixels = cli_alloc((size_t)p->width * (size_t)p->height * 3);
    ok = !decompress(handle, data, (unsigned long)size, p->pixels, p->width, 0, p->height, RGB, 0);
  }
  if (!ok) cli_fail(CLI_BROKEN, "libjpeg-turbo: %s", message());
  if (handle) destroy(handle);
  return ok;
}
