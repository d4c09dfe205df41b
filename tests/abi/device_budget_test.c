// SPDX-License-Identifier: MIT
/* A device with room for a part of the model: the session counts weights and results, and the CPU runs what finds none. */
#include "device_session.h"

/* Costs of `chain`, half of which is for scratch: Add with a weight 192 bytes, Mul with one 102, Relu 96, Sub 96. */
static const struct {
  const char *setting, *options;
  size_t taken; /* nodes */
  int asked;
  OrtErrorCode code;
} cases[] = {{NULL, "room=100", 4, 0, ORT_OK},
             {"", "room=100", 4, 0, ORT_OK},
             {",", "room=0", 0, 1, ORT_OK},
             {",", "room=191", 0, 1, ORT_OK},
             {",", "room=192", 1, 1, ORT_OK},
             {",", "room=293", 1, 1, ORT_OK}, /* and not what would fit behind it */
             {",", "room=294", 2, 1, ORT_OK},
             {",", "room=485", 3, 1, ORT_OK},
             {",", "room=486", 4, 1, ORT_OK},
             {",", "mode=compile;room=485", 0, 1, ORT_OK}, /* a group is whole */
             {",", "mode=compile;room=486", 4, 1, ORT_OK},
             {",", "room=1;fail=resource", 4, 1, ORT_OK},
             {",", "room=1;fail=kind", 4, 1, ORT_OK},
             {",", "room=1;ops=Nothing", 0, 0, ORT_OK},
             {"0,", "room=486", 0, 0, ORT_OK},
             {"1,", "room=1", 4, 0, ORT_OK},
             {"1", "", 0, 0, ORT_INVALID_ARGUMENT},
             {"one,", "", 0, 0, ORT_FAIL},
             {"1,2,3", "", 0, 0, ORT_INVALID_ARGUMENT}};

static const OrtEpDevice *find_cuda(void) {
  const OrtEpDevice *const *all = NULL;
  size_t n = 0;
  OK(GetEpDevices(env, &all, &n));
  for (size_t i = 0; i < n; i++)
    if (!strcmp(api->EpDevice_EpName(all[i]), "CUDAExecutionProvider")) return all[i];
  return NULL;
}

static void room(void) {
  const OrtEpDevice *cuda = find_cuda();
  OrtSession *cpu = OPEN(chain, NULL);
  CHECK(cuda != NULL);
  for (size_t i = 0; cuda && i < sizeof cases / sizeof *cases; i++) {
    OrtSessionOptions *o = options_of(NULL);
    OrtSession *s = NULL;
    int64_t asked = count->resource_asked;
    append(o, cuda, cases[i].options);
    if (cases[i].setting) OK(AddSessionConfigEntry(o, "session.resource_cuda_partitioning_settings", cases[i].setting));
    CODE(cases[i].code, CreateSessionFromArray(env, model_device_chain, sizeof model_device_chain, o, &s));
    int right = count->resource_asked == asked + cases[i].asked && (s != NULL) == (cases[i].code == ORT_OK);
    if (s) right &= abi_nodes_of(s, "CUDAExecutionProvider") == cases[i].taken && compare(cpu, s, 1);
    CHECK(right);
    if (!right) printf("... '%s' with %s\n", cases[i].setting ? cases[i].setting : "", cases[i].options);
    api->ReleaseSession(s);
    api->ReleaseSessionOptions(o);
  }
  api->ReleaseSession(cpu);
}

int main(int argc, char **argv) {
  if (!open_device(argc, argv)) return 1;
  OK(UnregisterExecutionProviderLibrary(env, "device"));
  OK(RegisterExecutionProviderLibrary(env, "device.cuda", ORT_TSTR_ON_MACRO(SX_DEVICE_PROVIDER))); /* named as one they count for */
  room();
  OK(UnregisterExecutionProviderLibrary(env, "device.cuda"));
  open_library("device");
  return close_device("device_budget");
}
