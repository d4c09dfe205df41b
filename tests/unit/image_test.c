// SPDX-License-Identifier: MIT
/* Pictures: BMP and PNM in their variants against what they say, and damaged bytes of every format: cut short or changed at
 * random they give a picture or none, and never read outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/image/image.h"

static void expect(const void *data, size_t size, int64_t width, int64_t height, const void *rgb) {
  sx_image m;
  sx_err e = {0};
  uint8_t *exact = malloc(size); /* so that a sanitizer sees what lies behind */
  memcpy(exact, data, size);
  assert_int_equal(sx_image_decode(exact, size, &m, &e), SX_OK);
  if (!rgb)
    assert_null(m.rgb);
  else {
    assert_non_null(m.rgb);
    assert_true(m.width == width && m.height == height);
    assert_memory_equal(m.rgb, rgb, (size_t)(width * height * 3));
  }
  sx_image_free(&m);
  free(exact);
}
#define PNM(text, w, h, ...) expect(text, sizeof text - 1, w, h, (const uint8_t[]){__VA_ARGS__})

static void pnm(void **state) {
  (void)state;
  PNM("P1 # bits\n3 1\n1 01\n", 3, 1, 0, 0, 0, 255, 255, 255, 0, 0, 0);
  PNM("P2\n2 1\n# grey\n15\n0 15\n", 2, 1, 0, 0, 0, 255, 255, 255);
  PNM("P3 1 2 255  1 2 3 4 5 6", 1, 2, 1, 2, 3, 4, 5, 6);
  PNM("P4 9 1\n\x80\x80##", 9, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
      255, 255, 255, 255, 255, 0, 0, 0);
  PNM("P5 2 1 65535\n\xff\xff\x80\x00", 2, 1, 255, 255, 255, 128, 128, 128);
  PNM("P6 1 1 255\n\x09\x08\x07", 1, 1, 9, 8, 7);
  expect("P6 2 1 255\n\x09\x08\x07", 14, 0, 0, NULL);
  expect("P5 0 4 255\n    ", 15, 0, 0, NULL);
  expect("P3 99999999 99999999 255 1 1 1", 30, 0, 0, NULL);
  expect("P3 2 1 255 1 2 x 4 5 6", 22, 0, 0, NULL);
  expect("neither this nor that", 21, 0, 0, NULL);
}

static void le(uint8_t *p, uint32_t v, int n) {
  for (int i = 0; i < n; i++) p[i] = (uint8_t)(v >> 8 * i);
}
static size_t header(uint8_t *d, int32_t width, int32_t height, uint32_t bits, uint32_t packing, uint32_t tables) {
  memset(d, 0, 256);
  memcpy(d, "BM", 2);
  le(d + 10, 54 + tables, 4), le(d + 14, 40, 4), le(d + 18, (uint32_t)width, 4), le(d + 22, (uint32_t)height, 4),
      le(d + 26, 1, 2), le(d + 28, bits, 2), le(d + 30, packing, 4);
  return 54 + tables;
}
static void bmp(void **state) {
  (void)state;
  uint8_t d[256];
  size_t at = header(d, 1, 2, 24, 0, 0);
  memcpy(d + at, "\1\2\3\0\4\5\6\0", 8);
  expect(d, at + 8, 1, 2, (const uint8_t[]){6, 5, 4, 3, 2, 1});
  le(d + 22, (uint32_t)-2, 4); /* downwards */
  expect(d, at + 8, 1, 2, (const uint8_t[]){3, 2, 1, 6, 5, 4});
  expect(d, at + 7, 0, 0, NULL);
  at = header(d, 3, 1, 4, 0, 8); /* two colours; the third index has none */
  memcpy(d + 54, "\1\2\3\0\4\5\6\0", 8);
  memcpy(d + at, "\x10\x20\0\0", 4);
  expect(d, at + 4, 3, 1, (const uint8_t[]){6, 5, 4, 3, 2, 1, 0, 0, 0});
  at = header(d, 2, 1, 16, 3, 12);
  le(d + 54, 0xf800, 4), le(d + 58, 0x07e0, 4), le(d + 62, 0x001f, 4);
  le(d + at, 0xf81f, 2), le(d + at + 2, 0x07e0, 2);
  expect(d, at + 4, 2, 1, (const uint8_t[]){255, 0, 255, 0, 255, 0});
  header(d, INT32_MIN, INT32_MIN, 32, 0, 0);
  expect(d, 256, 0, 0, NULL);
  header(d, 2, 2, 8, 1, 0); /* run lengths are not read */
  expect(d, 256, 0, 0, NULL);
}

static void damaged(void **state) {
  (void)state;
  static const char *const starts[] = {"BM",
                                       "P1 3 3 ",
                                       "P3 2 2 255 ",
                                       "P6 2 2 255\n",
                                       "\x89PNG\r\n\x1a\n",
                                       "\xff\xd8\xff\xe0",
                                       "II*\0\x08\0\0\0",
                                       "MM\0*\0\0\0\x08",
                                       "RIFF\x10\0\0\0WEBPVP8 ",
                                       "\0\0\0\x0cjP  \r\n\x87\n",
                                       "\xff\x4f\xff\x51\0\x2f"};
  static const size_t sizes[] = {2, 7, 11, 11, 8, 4, 8, 8, 16, 12, 6};
  uint64_t seed = 3;
  for (int i = 0; i < 11 * 60; i++) {
    size_t size = 12 + (size_t)(i % 97);
    uint8_t *d = malloc(size);
    for (size_t k = 0; k < size; k++)
      seed = seed * 6364136223846793005u + 1442695040888963407u, d[k] = (uint8_t)(seed >> 56);
    memcpy(d, starts[i % 11], sizes[i % 11] < size ? sizes[i % 11] : size);

    sx_image m = {0};
    sx_err e = {0};
    sx_status s = sx_image_decode(d, size, &m, &e);
    assert_true(s == SX_OK || s == SX_E_NOT_IMPLEMENTED); /* the library may not be there */
    sx_image_free(&m);
    free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pnm), cmocka_unit_test(bmp), cmocka_unit_test(damaged)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
