// SPDX-License-Identifier: MIT
/* Pictures from bytes, for ImageDecoder: BMP and PNM are read here; PNG, JPEG, TIFF, WebP and JPEG 2000 by the libraries
 * that everybody has (libpng, libjpeg-turbo, libtiff, libwebp, OpenJPEG), opened when the first such picture comes and kept
 * open. */
#ifndef SX_EP_CPU_IMAGE_H
#define SX_EP_CPU_IMAGE_H
#include "base/alloc.h"
#include "base/status.h"

/* height rows of width pixels of 3 bytes, red first; transparency is dropped. */
typedef struct sx_image {
  int64_t width, height;
  uint8_t *rgb;
  size_t bytes;
} sx_image;

/* OK with rgb NULL: the bytes are no picture that can be read. NOT_IMPLEMENTED names the library that is missing and its
 * package. rgb goes back with sx_image_free. */
sx_status sx_image_decode(const uint8_t *data, size_t size, sx_image *out, sx_err *e);
void sx_image_free(sx_image *m);

/* For the files of this folder. Memory for a picture; false with *s OK when the size makes no sense, with NO_MEMORY when
 * there is none. */
bool sx_image_make(sx_image *m, int64_t width, int64_t height, sx_status *s, sx_err *e);
typedef sx_status (*sx_image_reader)(const uint8_t *data, size_t size, sx_image *out, sx_err *e);
sx_status sx_image_png(const uint8_t *data, size_t size, sx_image *out, sx_err *e);
sx_status sx_image_jpeg(const uint8_t *data, size_t size, sx_image *out, sx_err *e);
sx_status sx_image_tiff(const uint8_t *data, size_t size, sx_image *out, sx_err *e);
sx_status sx_image_webp(const uint8_t *data, size_t size, sx_image *out, sx_err *e);
sx_status sx_image_jpeg2000(const uint8_t *data, size_t size, sx_image *out, sx_err *e);
/* The functions of a library into a struct of `count` pointers to them; NOT_IMPLEMENTED when it or one of them is missing.
 */
sx_status sx_image_library(const char *file, const char *package, const char *what, const char *const *names,
                           uint32_t count, void *functions, sx_err *e);
#endif
