// SPDX-License-Identifier: MIT
/* Devices that a session does not name: a policy chooses, or a function of the program's, which sees them in order and what the
 * model says of itself. Each provider of the test device has a CPU and, made up, an NPU. */
#include "device_session.h"
#include "models.h"

static void policies(void) {
  static const struct {
    OrtExecutionProviderDevicePolicy policy;
    const char *provider;
  } cases[] = {{OrtExecutionProviderDevicePolicy_DEFAULT, "DeviceOne"}, /* on the CPU, before the one that is always there */
               {OrtExecutionProviderDevicePolicy_PREFER_CPU, "DeviceOne"},
               {OrtExecutionProviderDevicePolicy_PREFER_NPU, "DeviceOne"},
               {OrtExecutionProviderDevicePolicy_PREFER_GPU, "DeviceOne"}, /* there is none */
               {OrtExecutionProviderDevicePolicy_MAX_PERFORMANCE, "DeviceOne"},
               {OrtExecutionProviderDevicePolicy_MAX_EFFICIENCY, "DeviceOne"},
               {OrtExecutionProviderDevicePolicy_MIN_OVERALL_POWER, "DeviceOne"}};
  OrtSession *cpu = OPEN(chain, NULL);
  CHECK(abi_nodes_of(cpu, "CPUExecutionProvider") == 4); /* nobody asks for anything */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    OrtSessionOptions *o = options_of(NULL);
    OrtSession *s = NULL;
    OK(SessionOptionsSetEpSelectionPolicy(o, cases[i].policy));
    OK(CreateSessionFromArray(env, model_device_chain, sizeof model_device_chain, o, &s));
    CHECK(s && abi_nodes_of(s, cases[i].provider) == 4 && compare(cpu, s, 1));
    CHECK(count->providers == 1); /* two devices of one provider are one */
    api->ReleaseSession(s);
    api->ReleaseSessionOptions(o);
  }
  api->ReleaseSession(cpu);
}

typedef struct Choice {
  const char *names[3]; /* to choose, as far as they are there: a provider on an NPU */
  int calls, ordered, described;
  OrtErrorCode code;
} Choice;
static int rank_of(const OrtEpDevice *d) {
  int npu = api->HardwareDevice_Type(api->EpDevice_Device(d)) == OrtHardwareDeviceType_NPU;
  const char *name = api->EpDevice_EpName(d);
  return npu ? !strcmp(name, "DeviceTwo") : !strcmp(name, "DeviceOne") ? 2 : !strcmp(name, "DeviceTwo") ? 3 : 4;
}
static int says(const OrtKeyValuePairs *p, const char *key, const char *value) {
  const char *is = api->GetKeyValue(p, key);
  return is && !strcmp(is, value);
}
static OrtStatus *ORT_API_CALL choose(const OrtEpDevice **devices, size_t n, const OrtKeyValuePairs *model,
                                      const OrtKeyValuePairs *runtime, const OrtEpDevice **selected, size_t room,
                                      size_t *n_selected, void *state) {
  Choice *c = (Choice *)state;
  (void)runtime;
  c->calls++;
  c->ordered = n == 2 * DEVICES + 1;
  for (size_t i = 0; i < n; i++) c->ordered &= rank_of(devices[i]) == (int)i;
  c->described = says(model, "producer_name", "maker") && says(model, "domain", "some.domain") &&
                 says(model, "model_version", "42") && says(model, "doc_string", "about it") &&
                 says(model, "graph_name", "graph name") && says(model, "graph_description", "about the graph") &&
                 says(model, "key", "value") && says(model, "other", "");
  *n_selected = 0;
  for (int k = 0; k < 3 && c->names[k]; k++)
    for (size_t i = 0; i < n && *n_selected < room; i++)
      if (!strcmp(api->EpDevice_EpName(devices[i]), c->names[k])) selected[(*n_selected)++] = devices[i];
  return c->code ? api->CreateStatus(c->code, "no choice") : NULL;
}
static void delegates(void) {
  static const struct {
    const char *names[3];
    OrtErrorCode fails, code;
    int providers;
  } cases[] = {{{"DeviceTwo", "DeviceOne"}, ORT_OK, ORT_OK, 2},
               {{"DeviceTwo", "CPUExecutionProvider"}, ORT_OK, ORT_OK, 1},
               {{"CPUExecutionProvider"}, ORT_OK, ORT_OK, 0},
               {{NULL}, ORT_OK, ORT_FAIL, 0},
               {{"DeviceTwo"}, ORT_EP_FAIL, ORT_FAIL, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    OrtSessionOptions *o = options_of(NULL);
    OrtSession *s = NULL;
    Choice c = {{cases[i].names[0], cases[i].names[1], cases[i].names[2]}, 0, 0, 0, cases[i].fails};
    OK(SessionOptionsSetEpSelectionPolicyDelegate(o, choose, &c));
    CODE(cases[i].code, CreateSessionFromArray(env, model_add, sizeof model_add, o, &s));
    CHECK(c.calls == 1 && c.ordered && c.described && count->providers == cases[i].providers);
    CHECK(!s || (abi_nodes_of(s, "DeviceTwo") > 0) == (cases[i].providers > 0)); /* the first one has the first choice */
    api->ReleaseSession(s);
    s = NULL;
    append(o, device[0], ""); /* what is named is used, and nobody asked */
    OK(CreateSessionFromArray(env, model_add, sizeof model_add, o, &s));
    CHECK(s && c.calls == 1 && abi_nodes_of(s, "DeviceOne") > 0);
    api->ReleaseSession(s);
    api->ReleaseSessionOptions(o);
  }
}

int main(int argc, char **argv) {
  if (!open_device(argc, argv)) return 1;
  OK(UnregisterExecutionProviderLibrary(env, "device"));
  open_library("device.virtual");
  policies();
  delegates();
  OK(UnregisterExecutionProviderLibrary(env, "device.virtual"));
  open_library("device");
  return close_device("device_policy");
}
