// SPDX-License-Identifier: MIT
/* Pictures as input: read, fitted to a model's input, shown in the terminal. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H
#include "files.h"
#include "library.h"

typedef struct picture {
  int width, height, channels; /* 1: grey, 3: RGB, interleaved */
  uint8_t *pixels;
} picture;

extern const cli_option picture_options[];
bool picture_is(const char *path); /* by the file's name */
/* False with a recorded failure that names the file. */
bool picture_read(const char *path, picture *p);
/* PNG and JPEG go to libraries opened when a picture needs them; false with a recorded failure. */
bool picture_decode_png(const uint8_t *data, size_t size, picture *p);
bool picture_decode_jpeg(const uint8_t *data, size_t size, picture *p);
/* Fits the picture into a tensor of `type` and `dims` (-1: the picture's own size), as the options ask. */
value *picture_tensor(const picture *p, const dtype *type, size_t rank, const int64_t *dims);
/* Half blocks in 24-bit colour where colour is on, characters from light to dark where not. */
void picture_show(FILE *to, const picture *p);
#endif
