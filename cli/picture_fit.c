// SPDX-License-Identifier: MIT
/* A picture into a model's input: resized with a triangle filter that widens when it shrinks (what Pillow and
 * torchvision call antialiased bilinear), cropped or padded, normalised, laid out. */
#include "picture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct {
  const char *layout, *fit, *mean, *std, *normalize;
  double scale;
  bool bgr, invert;
} opts;

const cli_option picture_options[] = {
    {"fit", 0, CLI_TEXT, "HOW", "stretch (default), crop the longer side, or pad it with grey", &opts.fit},
    {"layout", 0, CLI_TEXT, "ORDER", "nchw or nhwc, where the shape leaves it open", &opts.layout},
    {"scale", 0, CLI_REAL, "X", "factor on the pixel values 0..255 (default: 1/255 for floats, 1 for integers)",
     &opts.scale},
    {"mean", 0, CLI_TEXT, "R[,G,B]", "subtracted after --scale", &opts.mean},
    {"std", 0, CLI_TEXT, "R[,G,B]", "divides after --mean", &opts.std},
    {"normalize", 0, CLI_TEXT, "NAME", "imagenet (its usual mean and std) or symmetric (-1..1)", &opts.normalize},
    {"bgr", 0, CLI_FLAG, NULL, "blue first", &opts.bgr},
    {"invert", 0, CLI_FLAG, NULL, "light to dark and dark to light", &opts.invert},
    {NULL},
};

/* One or three numbers; one is for all channels. */
static bool parse_triple(const char *option, const char *text, double out[3]) {
  for (int c = 0; text && c < 3; c++) {
    char *end;
    out[c] = strtod(text, &end);
    if (end == text || (*end && *end != ',')) return cli_fail(CLI_USAGE, "--%s wants one or three numbers", option);
    if (*end) text = end + 1;
  }
  return true;
}

static bool parse_norm(double mean[3], double std[3]) {
  for (int c = 0; c < 3; c++) mean[c] = 0, std[c] = 1;
  if (opts.normalize && !strcmp(opts.normalize, "imagenet")) {
    parse_triple("normalize", "0.485,0.456,0.406", mean);
    parse_triple("normalize", "0.229,0.224,0.225", std);
  } else if (opts.normalize && !strcmp(opts.normalize, "symmetric")) {
    for (int c = 0; c < 3; c++) mean[c] = 0.5, std[c] = 0.5;
  } else if (opts.normalize) {
    return cli_fail(CLI_USAGE, "--normalize wants imagenet or symmetric, not '%s'", opts.normalize);
  }
  return parse_triple("mean", opts.mean, mean) && parse_triple("std", opts.std, std);
}

/* Resamples one axis: out has `n` samples from source positions [from, from + length). `step` is the distance of samples.
 */
static void resample(const float *in, int size, size_t step, float *out, size_t step_out, int n, double from,
                     double length) {
  double ratio = length / n, reach = fmax(1, ratio);
  for (int i = 0; i < n; i++) {
    double center = from + (i + 0.5) * ratio - 0.5, sum = 0, weights = 0;
    int first = (int)ceil(center - reach), last = (int)floor(center + reach);
    for (int k = first < 0 ? 0 : first; k <= last && k < size; k++) {
      double w = 1 - fabs(k - center) / reach;
      if (w <= 0) continue;
      sum += w * (double)in[(size_t)k * step];
      weights += w;
    }
    out[(size_t)i * step_out] = weights > 0 ? (float)(sum / weights) : in[(size_t)(center < 0 ? 0 : size - 1) * step];
  }
}

/* `channels` planes of height x width, 0..255, from the window (x, y, w, h) of the picture. */
static float *resize(const picture *p, int channels, int width, int height, double x, double y, double w, double h) {
  size_t side = (size_t)p->width * (size_t)p->height;
  float *plane = cli_alloc(side * sizeof *plane), *rows = cli_alloc((size_t)width * (size_t)p->height * sizeof *rows);
  float *out = cli_alloc((size_t)channels * (size_t)width * (size_t)height * sizeof *out);
  for (int c = 0; c < channels; c++) {
    for (size_t i = 0; i < side; i++) {
      const uint8_t *at = p->pixels + i * (size_t)p->channels;
      plane[i] = p->channels == 1 ? at[0] : channels == 3 ? at[c] : 0.299f * at[0] + 0.587f * at[1] + 0.114f * at[2];
    }
    for (int r = 0; r < p->height; r++)
      resample(plane + (size_t)r * (size_t)p->width, p->width, 1, rows + (size_t)r * (size_t)width, 1, width, x, w);
    for (int k = 0; k < width; k++)
      resample(rows + k, p->height, (size_t)width, out + (size_t)c * (size_t)width * (size_t)height + k, (size_t)width,
               height, y, h);
  }
  free(plane), free(rows);
  return out;
}

/* Where the picture lands: resized to w x h at (x, y) of the target; `window` is the part of the picture used. */
typedef struct placing {
  int x, y, w, h;
  double window[4];
} placing;

static bool place(const picture *p, int width, int height, placing *at) {
  *at = (placing){0, 0, width, height, {0, 0, p->width, p->height}};
  double sx = (double)width / p->width, sy = (double)height / p->height;
  if (!opts.fit || !strcmp(opts.fit, "stretch")) return true;
  if (!strcmp(opts.fit, "crop")) {
    double s = fmax(sx, sy);
    at->window[2] = width / s, at->window[3] = height / s;
    at->window[0] = (p->width - at->window[2]) / 2, at->window[1] = (p->height - at->window[3]) / 2;
    return true;
  }
  if (strcmp(opts.fit, "pad")) return cli_fail(CLI_USAGE, "--fit wants stretch, crop or pad, not '%s'", opts.fit);
  double s = fmin(sx, sy);
  at->w = (int)fmax(1, rint(p->width * s)), at->h = (int)fmax(1, rint(p->height * s));
  at->x = (width - at->w) / 2, at->y = (height - at->h) / 2;
  return true;
}

/* Finds the axes of channel, height and width; false when the shape is not a picture's. */
static bool find_axes(size_t rank, const int64_t *dims, int *c, int *h, int *w) {
  int r = (int)rank;
  *c = -1, *h = r - 2, *w = r - 1;
  if (r < 2 || r > 4) return false;
  if (r == 2) return true;
  bool first = dims[r - 3] == 1 || dims[r - 3] == 3, last = dims[r - 1] == 1 || dims[r - 1] == 3;
  bool channels_last = opts.layout ? !strcmp(opts.layout, "nhwc") : last && !first;
  if (!channels_last && !first && dims[r - 3] > 0 && r == 3) return dims[0] == 1; /* (N,H,W) */
  *c = channels_last ? r - 1 : r - 3;
  if (channels_last) *h = r - 3, *w = r - 2;
  return dims[*c] == 1 || dims[*c] == 3 || dims[*c] < 0;
}

value *picture_tensor(const picture *p, const dtype *type, size_t rank, const int64_t *wanted) {
  int c, h, w;
  int64_t dims[4];
  double mean[3], std[3];
  placing at;
  if (opts.layout && strcmp(opts.layout, "nchw") && strcmp(opts.layout, "nhwc"))
    return cli_fail(CLI_USAGE, "--layout wants nchw or nhwc, not '%s'", opts.layout), NULL;
  if (!type || type->cls == DTYPE_STRING || !find_axes(rank, wanted, &c, &h, &w))
    return cli_fail(CLI_BROKEN, "this input does not take a picture (1 or 3 channels, height and width)"), NULL;
  memcpy(dims, wanted, rank * sizeof *dims);
  if (c >= 0 && dims[c] < 0) dims[c] = p->channels;
  if (dims[h] < 0) dims[h] = p->height;
  if (dims[w] < 0) dims[w] = p->width;
  for (size_t d = 0; d < rank; d++)
    if (dims[d] < 0) dims[d] = 1;
  if (dims[h] < 1 || dims[w] < 1 || dims[h] > 1 << 15 || dims[w] > 1 << 15 || (rank == 4 && dims[0] != 1))
    return cli_fail(CLI_BROKEN, "a picture needs a batch of one and a size of at most 32768"), NULL;
  int channels = c >= 0 ? (int)dims[c] : 1, width = (int)dims[w], height = (int)dims[h];
  if (!parse_norm(mean, std) || !place(p, width, height, &at)) return NULL;
  float *planes = resize(p, channels, at.w, at.h, at.window[0], at.window[1], at.window[2], at.window[3]);
  value *v = value_tensor(type, rank, dims);
  double scale = opts.scale ? opts.scale : type->cls == DTYPE_FLOAT ? 1.0 / 255 : 1;
  bool last = c == (int)rank - 1;
  for (int k = 0; v && k < channels; k++) {
    const float *plane = planes + (size_t)k * (size_t)at.w * (size_t)at.h;
    int channel = opts.bgr && channels == 3 ? 2 - k : k;
    for (int i = 0; i < width * height; i++) {
      int y = i / width - at.y, x = i % width - at.x;
      double pixel = y >= 0 && x >= 0 && y < at.h && x < at.w ? (double)plane[y * at.w + x] : 114;
      if (opts.invert) pixel = 255 - pixel;
      pixel = (pixel * scale - mean[k]) / std[k];
      if (type->cls != DTYPE_FLOAT) pixel = rint(pixel);
      size_t to =
          last ? (size_t)i * (size_t)channels + (size_t)channel : (size_t)channel * (size_t)(width * height) + (size_t)i;
      dtype_set(type, v->data, to, pixel);
    }
  }
  free(planes);
  return v;
}
