// SPDX-License-Identifier: MIT
/* Recognises handwritten digits: draws each picture in the terminal, the probabilities as bars, the time per run, and where
 * each node of the model went. Written on the public headers alone; linked to the library as any program would be.
 *
 *   digits [--check] [--model FILE] [PICTURE.pgm ...]
 *
 * --check prints one line per picture and fails when a class is not the one in its file's name (digit_<class>_<n>.pgm). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <glob.h>
#include <onnxruntime_c_api.h>
#include <sardonyx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef DIGITS_FOLDER
#define DIGITS_FOLDER "examples/digits"
#endif
enum { SIDE = 8, PIXELS = SIDE * SIDE, CLASSES = 10, TIMED_RUNS = 2000 };

static const OrtApi *api;
static bool colour;

/* Ends the program with the library's own words when a call has failed. */
static void must(OrtStatus *status) {
  if (!status) return;
  fprintf(stderr, "digits: %s\n", api->GetErrorMessage(status));
  api->ReleaseStatus(status);
  exit(1);
}

/* A grey picture of 8x8 as ASCII PGM, scaled to 0..1. */
static bool read_picture(const char *path, float *pixels) {
  FILE *f = fopen(path, "r");
  int width, height, most;
  bool ok = f && fscanf(f, "P2 %d %d %d", &width, &height, &most) == 3 && width == SIDE && height == SIDE && most > 0;
  for (int i = 0; ok && i < PIXELS; i++) {
    int level;
    ok = fscanf(f, "%d", &level) == 1;
    pixels[i] = ok ? (float)level / (float)most : 0;
  }
  if (f) fclose(f);
  if (!ok) fprintf(stderr, "digits: %s is no ASCII PGM of %dx%d\n", path, SIDE, SIDE);
  return ok;
}

/* The class that a file's name states, or -1. */
static int class_in_name(const char *path) {
  const char *name = strrchr(path, '/');
  int digit;
  return sscanf(name ? name + 1 : path, "digit_%d_", &digit) == 1 ? digit : -1;
}

static const char *grey(float level) {
  static const char *const blocks[] = {"  ", "░░", "▒▒", "▓▓", "██"};
  return blocks[(int)(level * 4 + 0.5f)];
}

/* The picture on the left, the classes with their bars on the right. */
static void draw(const float *pixels, const float *probability, int best) {
  for (int row = 0; row < CLASSES; row++) {
    printf("  ");
    for (int x = 0; x < SIDE; x++) printf("%s", row >= 1 && row <= SIDE ? grey(pixels[(row - 1) * SIDE + x]) : "  ");
    if (colour && row == best) printf("\033[1;32m");
    printf("    %d ", row);
    int full = (int)(probability[row] * 30 * 8 + 0.5f);
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    for (int i = 0; i < full / 8; i++) printf("█");
    printf("%s%s %.1f %%%s\n", eighths[full % 8], full ? "" : "·", 100.0 * probability[row], colour && row == best ? "\033[0m" : "");
  }
}

typedef struct net {
  OrtSession *session;
  OrtMemoryInfo *memory;
} net;

static net net_open(const OrtEnv *env, const char *model) {
  net n;
  OrtSessionOptions *options;
  must(api->CreateSessionOptions(&options));
  must(api->CreateSession(env, model, options, &n.session));
  api->ReleaseSessionOptions(options);
  must(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &n.memory));
  return n;
}

static void net_close(net *n) {
  api->ReleaseMemoryInfo(n->memory);
  api->ReleaseSession(n->session);
}

/* Runs the model `times` times on one picture; returns the microseconds that one run took. */
static double net_run(const net *n, float *pixels, float *probability, int times) {
  const int64_t in_shape[] = {1, 1, SIDE, SIDE}, out_shape[] = {1, CLASSES};
  const char *const inputs[] = {"image"}, *const outputs[] = {"probabilities"};
  OrtValue *in, *out;
  must(api->CreateTensorWithDataAsOrtValue(n->memory, pixels, PIXELS * sizeof *pixels, in_shape, 4,
                                           ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &in));
  must(api->CreateTensorWithDataAsOrtValue(n->memory, probability, CLASSES * sizeof *probability, out_shape, 2,
                                           ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &out));
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int i = 0; i < times; i++) must(api->Run(n->session, NULL, inputs, (const OrtValue *const *)&in, 1, outputs, 1, &out));
  clock_gettime(CLOCK_MONOTONIC, &end);
  api->ReleaseValue(in);
  api->ReleaseValue(out);
  return ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / 1e3 / times;
}

/* Where each node went. Found by name, so that the program links to any library with the interface. */
static void explain(const net *n) {
  SardonyxGetExtensionFn get = (SardonyxGetExtensionFn)dlsym(RTLD_DEFAULT, "SardonyxGetExtension");
  const SardonyxExtension *extension = get ? get(SARDONYX_EXTENSION_VERSION) : NULL;
  OrtAllocator *allocator;
  char *text;
  must(api->GetAllocatorWithDefaultOptions(&allocator));
  OrtStatus *status = extension ? extension->Explain(n->session, 0, allocator, &text) : NULL;
  if (status) {
    printf("\nWhere each node went: %s\n", api->GetErrorMessage(status));
    api->ReleaseStatus(status);
  } else if (extension) {
    printf("\nWhere each node of the model went:\n%s\n", text);
    allocator->Free(allocator, text);
  }
}

static bool recognise(const net *n, const char *path, bool plain) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  float pixels[PIXELS], probability[CLASSES];
  if (!read_picture(path, pixels)) return false;
  double us = net_run(n, pixels, probability, 1);
  int best = 0, truth = class_in_name(path);
  for (int k = 1; k < CLASSES; k++) best = probability[k] > probability[best] ? k : best;
  if (plain) {
    printf("  %-16s a %d, with %.1f %%%s\n", name, best, 100.0 * probability[best],
           truth < 0 || truth == best ? "" : ": wrong");
  } else {
    us = net_run(n, pixels, probability, TIMED_RUNS);
    printf("%s\n\n", name);
    draw(pixels, probability, best);
    printf("\n  It is a %d, with %.1f %%. One run takes %.1f microseconds.\n\n", best, 100.0 * probability[best], us);
  }
  return truth < 0 || truth == best;
}

int main(int argc, char **argv) {
  const char *model = DIGITS_FOLDER "/digits.onnx";
  bool check = false;
  int first = 1;
  for (; first < argc && argv[first][0] == '-'; first++) {
    if (!strcmp(argv[first], "--check")) check = true;
    else if (!strcmp(argv[first], "--model") && first + 1 < argc) model = argv[++first];
    else return fprintf(stderr, "usage: digits [--check] [--model FILE] [PICTURE.pgm ...]\n"), 2;
  }
  api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (!api) return fprintf(stderr, "digits: the library does not know version %d of the interface\n", ORT_API_VERSION), 1;
  colour = isatty(1) && !getenv("NO_COLOR");
  OrtEnv *env;
  must(api->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "digits", &env));
  net n = net_open(env, model);

  glob_t files = {0};
  bool all = first == argc;
  if (all) glob(DIGITS_FOLDER "/digit_*.pgm", 0, NULL, &files);
  size_t count = all ? files.gl_pathc : (size_t)(argc - first), right = 0;
  char **paths = all ? files.gl_pathv : argv + first;
  /* Of the pictures of its own it draws every fourth, and lists the others. */
  for (size_t i = 0; i < count && !check; i++)
    if (!all || i % 4 == 2) right += recognise(&n, paths[i], false);
  for (size_t i = 0; i < count; i++)
    if (check || (all && i % 4 != 2)) right += recognise(&n, paths[i], true);
  if (!check) explain(&n);
  printf("\n%zu of %zu pictures recognised\n", right, count);
  globfree(&files);
  net_close(&n);
  api->ReleaseEnv(env);
  return right == count && count > 0 ? 0 : 1;
}
