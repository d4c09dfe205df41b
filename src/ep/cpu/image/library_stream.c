// SPDX-License-Identifier: MIT
/* TIFF and JPEG 2000, whose libraries read through functions of ours: the bytes behave like a file. */
#include "base/dl.h"
#include "ep/cpu/image/image.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct bytes {
  const uint8_t *data;
  uint64_t size, at;
} bytes;

static int64_t tiff_read(void *p, void *to, int64_t n) {
  bytes *b = p;
  uint64_t left = b->at < b->size ? b->size - b->at : 0, got = n < 0 ? 0 : (uint64_t)n < left ? (uint64_t)n : left;
  if (got) memcpy(to, b->data + b->at, got);
  b->at += got;
  return (int64_t)got;
}
static int64_t tiff_write(void *p, void *from, int64_t n) { return (void)p, (void)from, (void)n, 0; }
static uint64_t tiff_seek(void *p, uint64_t to, int whence) {
  bytes *b = p;
  b->at = whence == SEEK_SET ? to : whence == SEEK_CUR ? b->at + to : b->size + to;
  return b->at;
}
static int tiff_close(void *p) { return (void)p, 0; }
static uint64_t tiff_size(void *p) { return ((bytes *)p)->size; }
static int tiff_map(void *p, void **base, uint64_t *size) { return (void)p, (void)base, (void)size, 0; }
static void tiff_unmap(void *p, void *base, uint64_t size) { (void)p, (void)base, (void)size; }
static int tiff_silent(void *tif, void *user, const char *module, const char *format, va_list ap) {
  return (void)tif, (void)user, (void)module, (void)format, (void)ap, 1;
}

sx_status sx_image_tiff(const uint8_t *data, size_t size, sx_image *out, sx_err *e) {
  enum { WIDTH = 256, LENGTH = 257, TOP_LEFT = 1 };
  static const char *const names[] = {"TIFFClientOpenExt",
                                      "TIFFOpenOptionsAlloc",
                                      "TIFFOpenOptionsFree",
                                      "TIFFOpenOptionsSetErrorHandlerExtR",
                                      "TIFFOpenOptionsSetWarningHandlerExtR",
                                      "TIFFGetField",
                                      "TIFFReadRGBAImageOriented",
                                      "TIFFClose"};
  typedef int (*handler)(void *, void *, const char *, const char *, va_list);
  struct {
    void *(*open)(const char *, const char *, void *, int64_t (*)(void *, void *, int64_t),
                  int64_t (*)(void *, void *, int64_t), uint64_t (*)(void *, uint64_t, int), int (*)(void *),
                  uint64_t (*)(void *), int (*)(void *, void **, uint64_t *), void (*)(void *, void *, uint64_t), void *);
    void *(*options)(void);
    void (*options_free)(void *), (*on_error)(void *, handler, void *), (*on_warning)(void *, handler, void *);
    int (*field)(void *, uint32_t, ...), (*read)(void *, uint32_t, uint32_t, uint32_t *, int, int);
    void (*close)(void *);
  } f = {0};
  SX_TRY(sx_image_library(SX_DL_NAME("tiff", "6"), "libtiff6", "TIFF", names, 8, &f, e));
  bytes b = {data, size, 0};
  void *options = f.options();
  if (!options) SX_NO_MEMORY(e);
  f.on_error(options, tiff_silent, NULL), f.on_warning(options, tiff_silent, NULL);
  void *t =
      f.open("picture", "rm", &b, tiff_read, tiff_write, tiff_seek, tiff_close, tiff_size, tiff_map, tiff_unmap, options);
  f.options_free(options);
  if (!t) return SX_OK;
  uint32_t width = 0, height = 0, *raster = NULL;
  sx_status s = SX_OK;
  if (f.field(t, WIDTH, &width) && f.field(t, LENGTH, &height) && sx_image_make(out, width, height, &s, e)) {
    raster = sx_malloc(out->bytes / 3 * 4);
    if (!raster) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    bool read = raster && f.read(t, width, height, raster, TOP_LEFT, 1);
    for (size_t i = 0; read && i < out->bytes; i++) out->rgb[i] = (uint8_t)(raster[i / 3] >> 8 * (i % 3));
    sx_free(raster, out->bytes / 3 * 4);
    if (!read) sx_image_free(out);
  }
  f.close(t);
  return s;
}

typedef struct opj_component {
  uint32_t dx, dy, w, h, x0, y0, prec, bpp, is_signed, resno_decoded, factor;
  int32_t *data;
  uint16_t alpha;
} opj_component; /* as OpenJPEG 2 declares them */
typedef struct opj_image {
  uint32_t x0, y0, x1, y1, count;
  int color_space;
  opj_component *comps;
  uint8_t *icc;
  uint32_t icc_size;
} opj_image;

static size_t jp2_read(void *to, size_t n, void *user) {
  int64_t got = tiff_read(user, to, n > INT64_MAX ? INT64_MAX : (int64_t)n);
  return got > 0 ? (size_t)got : (size_t)-1;
}
static int64_t jp2_skip(int64_t n, void *user) {
  bytes *b = user;
  uint64_t left = b->size - b->at;
  if (n < 0) return -1;
  b->at += (uint64_t)n < left ? (uint64_t)n : left;
  return n;
}
static int jp2_seek(int64_t to, void *user) {
  bytes *b = user;
  if (to < 0 || (uint64_t)to > b->size) return 0;
  b->at = (uint64_t)to;
  return 1;
}
/* Component k at a pixel of the picture, as 0 to 255. */
static int component(const opj_image *m, uint32_t k, int64_t x, int64_t y) {
  const opj_component *c = &m->comps[k];
  int64_t cx = x / (c->dx ? c->dx : 1), cy = y / (c->dy ? c->dy : 1);
  if (!c->data || !c->w || !c->h || !c->prec || c->prec > 31) return 0;
  int64_t v = c->data[(cy < c->h ? cy : c->h - 1) * c->w + (cx < c->w ? cx : c->w - 1)] +
              (c->is_signed ? (int64_t)1 << (c->prec - 1) : 0),
          most = ((int64_t)1 << c->prec) - 1;
  v = v < 0 ? 0 : v > most ? most : v;
  return (int)(c->prec == 8 ? v : (v * 255 + most / 2) / most);
}
static uint8_t byte(double v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5); }
static void jp2_pixels(const opj_image *m, sx_image *out) {
  enum { YCC = 3 };
  bool color = m->count >= 3;
  for (int64_t i = 0; i < out->width * out->height; i++) {
    int v[3];
    for (uint32_t k = 0; k < 3; k++) v[k] = component(m, color ? k : 0, i % out->width, i / out->width);
    uint8_t *to = out->rgb + 3 * i;
    double y = v[0], cb = v[1] - 128, cr = v[2] - 128;
    for (int k = 0; k < 3; k++) to[k] = (uint8_t)v[k];
    if (color && m->color_space == YCC)
      to[0] = byte(y + 1.402 * cr), to[1] = byte(y - 0.344136 * cb - 0.714136 * cr), to[2] = byte(y + 1.772 * cb);
  }
}
sx_status sx_image_jpeg2000(const uint8_t *data, size_t size, sx_image *out, sx_err *e) {
  enum { STREAM = 0, FILE_FORMAT = 2, PARAMETERS = 1 << 14, CHUNK = 1 << 16 };
  static const char *const names[] = {"opj_create_decompress",
                                      "opj_set_default_decoder_parameters",
                                      "opj_setup_decoder",
                                      "opj_stream_create",
                                      "opj_stream_set_read_function",
                                      "opj_stream_set_skip_function",
                                      "opj_stream_set_seek_function",
                                      "opj_stream_set_user_data",
                                      "opj_stream_set_user_data_length",
                                      "opj_read_header",
                                      "opj_decode",
                                      "opj_end_decompress",
                                      "opj_stream_destroy",
                                      "opj_destroy_codec",
                                      "opj_image_destroy"};
  struct {
    void *(*create)(int);
    void (*defaults)(void *);
    int (*setup)(void *, void *);
    void *(*stream)(size_t, int);
    void (*on_read)(void *, size_t (*)(void *, size_t, void *)), (*on_skip)(void *, int64_t (*)(int64_t, void *)),
        (*on_seek)(void *, int (*)(int64_t, void *)), (*user)(void *, void *, void (*)(void *)),
        (*length)(void *, uint64_t);
    int (*header)(void *, void *, opj_image **), (*decode)(void *, void *, opj_image *), (*end)(void *, void *);
    void (*stream_free)(void *), (*codec_free)(void *), (*image_free)(opj_image *);
  } f = {0};
  SX_TRY(sx_image_library(SX_DL_NAME("openjp2", "7"), "libopenjp2-7", "JPEG 2000", names, 15, &f, e));
  bytes b = {data, size, 0};
  opj_image *m = NULL;
  sx_status s = SX_OK;
  void *codec = f.create(data[0] == 0xff ? STREAM : FILE_FORMAT), *stream = f.stream(CHUNK, 1),
       *parameters = sx_calloc(1, PARAMETERS); /* twice their size */
  if (!codec || !stream || !parameters)
    s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  else {
    f.defaults(parameters);
    f.on_read(stream, jp2_read), f.on_skip(stream, jp2_skip), f.on_seek(stream, jp2_seek), f.user(stream, &b, NULL),
        f.length(stream, size);
    if (f.setup(codec, parameters) && f.header(stream, codec, &m) && m && m->x1 > m->x0 && m->y1 > m->y0 && m->count &&
        sx_image_make(out, (int64_t)m->x1 - m->x0, (int64_t)m->y1 - m->y0, &s, e)) {
      if (f.decode(codec, stream, m))
        jp2_pixels(m, out);
      else
        sx_image_free(out);
    }
  }
  if (m) f.image_free(m);
  if (stream) f.stream_free(stream);
  if (codec) f.codec_free(codec);
  sx_free(parameters, PARAMETERS);
  return s;
}
