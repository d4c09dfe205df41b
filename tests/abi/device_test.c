// SPDX-License-Identifier: MIT
/* Providers with memory of their own: every model of device_models.h runs on the CPU and on the test device in many ways,
 * and gives the same numbers; nothing of the device is left over. What the device is says plugins/device.h. */
#include "device_session.h"

#define MODEL(name) \
  { #name, model_device_##name, sizeof model_device_##name }
static const struct {
  const char *name;
  const void *data;
  size_t size;
} models[] = {MODEL(chain),     MODEL(mixed),   MODEL(dense),     MODEL(shapes),  MODEL(conv),    MODEL(branches),
              MODEL(loop),      MODEL(while),   MODEL(untouched), MODEL(scan),    MODEL(columns), MODEL(nested),
              MODEL(sequences), MODEL(collect), MODEL(words),     MODEL(integers), MODEL(turns),
              MODEL(either),    MODEL(again),     MODEL(passed),  MODEL(called)};
enum { N_MODELS = sizeof models / sizeof *models };

#define FLAT "Add,Sub,Mul,Less,Relu,MatMul,Identity,Reshape,Shape"
/* Options of the two providers, "key=value;key=value"; NULL: it is not asked for. */
static const struct {
  const char *name, *options[DEVICES];
} modes[] = {{"kernels", {""}},
             {"some kernels", {"ops=Add,Mul"}},
             {"no control flow", {"ops=" FLAT}},
             {"no arithmetic", {"ops=If,Loop,Scan,Identity"}},
             {"compiled", {"mode=compile"}},
             {"compiled in part", {"mode=compile;ops=Mul,Relu"}},
             {"channels last", {"layout=nhwc"}},
             {"streams", {"streams=1"}},
             {"streams, in part", {"streams=1;ops=Add,Less,Loop,Scan,If"}},
             {"compiled, streams", {"streams=1;mode=compile"}},
             {"one at a time", {"serial=1"}},
             {"two", {"ops=Add,Less,Reshape,Loop", ""}},
             {"two, compiled", {"mode=compile;ops=Mul,Sub", "mode=compile"}},
             {"two with streams", {"streams=1;ops=Mul,If,Scan,Relu", "streams=1"}},
             {"the second", {NULL, ""}}};
enum { N_MODES = sizeof modes / sizeof *modes };

/* Every model in every way; or one, and in one. */
static void all_ways(const char *only_model, const char *only_mode) {
  for (int m = 0; m < N_MODELS; m++) {
    if (only_model && strcmp(only_model, models[m].name) != 0) continue;
    OrtSession *cpu = open_session(models[m].data, models[m].size, NULL);
    size_t most = 0;
    for (int k = 0; k < N_MODES; k++) {
      if (only_mode && strcmp(only_mode, modes[k].name) != 0) continue;
      OrtSession *s = open_session(models[m].data, models[m].size, modes[k].options);
      if (!s) printf("%s, %s\n", models[m].name, modes[k].name);
      for (int seed = 0; seed < 4 && s; seed++) {
        int ok = compare(cpu, s, seed);
        CHECK(ok);
        if (!ok) printf("... %s, %s, inputs %d\n", models[m].name, modes[k].name, seed);
      }
      if (s && taken(s) > most) most = taken(s);
      api->ReleaseSession(s);
    }
    CHECK(most > 0 || only_mode);
    api->ReleaseSession(cpu);
  }
  if (!only_model) CHECK(count->concats > 0 && count->transposes > 0 && count->within > 0);
}

int main(int argc, char **argv) {
  if (!open_device(argc, argv)) return 1;
  all_ways(argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL);
  return close_device("device");
}
