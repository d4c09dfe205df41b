// SPDX-License-Identifier: MIT
/* How long a session of very many nodes takes to make, without a provider and with that of examples/plugin_provider, which is shown the
 * graph, claims its nodes and compiles them: a chain of Relu, of Add with two inputs, and of both with Mul, Sub and Sigmoid, which
 * it does not take. Processor time, the least of some rounds in turns. Built by hand:
 *   cc -O2 -Iinclude bench/partition.c -ldl -o partition
 *   ./partition build/libsardonyx.so.1 build/examples/libsample_provider.so 200000 [relu | add | mixed] */
#include "onnxruntime_c_api.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 3 };
static const OrtApi *api;
static void must(OrtStatus *s) {
  if (!s) return;
  printf("%s\n", api->GetErrorMessage(s));
  exit(1);
}
static double processor(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the model ---- */
typedef struct bytes { uint8_t at[400]; size_t n; } bytes;
static void varint(bytes *b, uint64_t v) {
  for (; v > 127; v >>= 7) b->at[b->n++] = (uint8_t)(v | 128);
  b->at[b->n++] = (uint8_t)v;
}
static void number(bytes *b, int field, uint64_t v) { varint(b, (uint64_t)field << 3), varint(b, v); }
static void head_of(bytes *b, int field, size_t n) { varint(b, (uint64_t)field << 3 | 2), varint(b, n); }
static void block(bytes *b, int field, const void *data, size_t n) {
  head_of(b, field, n);
  memcpy(b->at + b->n, data, n), b->n += n;
}
static void text(bytes *b, int field, const char *s) { block(b, field, s, strlen(s)); }
static void inside(bytes *b, int field, const bytes *m) { block(b, field, m->at, m->n); }

static bytes node(const char *type, size_t i) {
  bytes b = {.n = 0};
  char name[32];
  snprintf(name, sizeof name, "v%zu", i);
  text(&b, 1, i ? name : "x");
  if (strcmp(type, "Relu") && strcmp(type, "Sigmoid")) text(&b, 1, "b");
  snprintf(name, sizeof name, "v%zu", i + 1);
  text(&b, 2, name);
  snprintf(name, sizeof name, "n%zu", i);
  text(&b, 3, name), text(&b, 4, type);
  return b;
}
static bytes declared(const char *name) {
  bytes dim = {.n = 0}, shape = {.n = 0}, tensor = {.n = 0}, type = {.n = 0}, b = {.n = 0};
  number(&dim, 1, 8), inside(&shape, 1, &dim);
  number(&tensor, 1, 1), inside(&tensor, 2, &shape);
  inside(&type, 1, &tensor);
  text(&b, 1, name), inside(&b, 2, &type);
  return b;
}
static uint8_t *model(const char *kind, size_t n, size_t *size) {
  static const char *const mixed[] = {"Relu", "Add", "Mul", "Sigmoid", "Sub"};
  uint8_t *out = malloc(n * 64 + 1000), *graph = out + 100, *p = graph; /* before it the model's own fields */
  char last[32];
  snprintf(last, sizeof last, "v%zu", n);
  for (size_t i = 0; i < n; i++) {
    bytes x = node(!strcmp(kind, "relu") ? "Relu" : !strcmp(kind, "add") ? "Add" : mixed[i % 5], i), b = {.n = 0};
    inside(&b, 1, &x);
    memcpy(p, b.at, b.n), p += b.n;
  }
  bytes x = declared("x"), two = declared("b"), y = declared(last), rest = {.n = 0}, head = {.n = 0}, opset = {.n = 0};
  text(&rest, 2, "chain"), inside(&rest, 11, &x), inside(&rest, 11, &two), inside(&rest, 12, &y);
  memcpy(p, rest.at, rest.n), p += rest.n;
  number(&opset, 2, 20), number(&head, 1, 9), inside(&head, 8, &opset);
  head_of(&head, 7, (size_t)(p - graph));
  memmove(out + head.n, graph, (size_t)(p - graph));
  memcpy(out, head.at, head.n);
  *size = head.n + (size_t)(p - graph);
  return out;
}

/* ---- sessions ---- */
static double load(OrtEnv *env, const void *data, size_t size, const OrtEpDevice *device) {
  OrtSessionOptions *o;
  OrtSession *s;
  must(api->CreateSessionOptions(&o));
  must(api->SetIntraOpNumThreads(o, 1));
  if (device) must(api->SessionOptionsAppendExecutionProvider_V2(o, env, &device, 1, NULL, NULL, 0));
  double t = processor();
  must(api->CreateSessionFromArray(env, data, size, o, &s));
  t = processor() - t;
  api->ReleaseSession(s);
  api->ReleaseSessionOptions(o);
  return t;
}
static const OrtEpDevice *provider(OrtEnv *env, const char *path) {
  const OrtEpDevice *const *all;
  size_t n;
  must(api->RegisterExecutionProviderLibrary(env, "bench", path));
  must(api->GetEpDevices(env, &all, &n));
  for (size_t i = 0; i < n; i++)
    if (!strcmp(api->EpDevice_EpName(all[i]), "SampleProvider")) return all[i];
  printf("%s has no device\n", path);
  exit(1);
}

int main(int argc, char **argv) {
  static const char *const kinds[] = {"relu", "add", "mixed"};
  if (argc < 4) return printf("usage: %s LIBRARY PROVIDER NODES [KIND]\n", argv[0]), 1;
  void *h = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL), *f = h ? dlsym(h, "OrtGetApiBase") : NULL;
  if (!f) return printf("%s\n", dlerror()), 1;
  const OrtApiBase *(*base)(void);
  memcpy(&base, &f, sizeof f);
  OrtEnv *env;
  api = base()->GetApi(ORT_API_VERSION);
  must(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "partition", &env));
  const OrtEpDevice *device = provider(env, argv[2]);
  for (int k = 0; k < 3; k++) {
    if (argc > 4 && strcmp(argv[4], kinds[k])) continue;
    size_t size;
    uint8_t *data = model(kinds[k], strtoul(argv[3], NULL, 10), &size);
    double least[2] = {1e9, 1e9};
    for (int i = 0; i < 2 * ROUNDS; i++) {
      double t = load(env, data, size, i & 1 ? device : NULL);
      if (t < least[i & 1]) least[i & 1] = t;
    }
    printf("%s: %.2f s alone, %.2f s with the provider\n", kinds[k], least[0], least[1]);
    free(data);
  }
  return 0;
}
