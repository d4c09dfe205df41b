// SPDX-License-Identifier: MIT
/* Devices that a session gets when its options name none: by a policy, or by a function of the caller's. */
#include "abi/plugin/host.h"

/* Kinds of hardware, the most wanted first. The CPU is always there; what runs on it needs no plugin. */
static const OrtHardwareDeviceType *wishes(OrtExecutionProviderDevicePolicy p, size_t *n) {
  static const OrtHardwareDeviceType npu[] = {OrtHardwareDeviceType_NPU}, gpu[] = {OrtHardwareDeviceType_GPU};
  *n = 1;
  switch (p) {
    case OrtExecutionProviderDevicePolicy_PREFER_NPU:
    case OrtExecutionProviderDevicePolicy_MAX_EFFICIENCY:
    case OrtExecutionProviderDevicePolicy_MIN_OVERALL_POWER: return npu;
    case OrtExecutionProviderDevicePolicy_PREFER_GPU:
    case OrtExecutionProviderDevicePolicy_MAX_PERFORMANCE: return gpu;
    default: *n = 0; return npu;
  }
}

static OrtStatus *append(OrtSession *s, const OrtEpDevice *d) {
  return d->factory ? sx_api_SessionOptionsAppendExecutionProvider_V2(s->options, s->env, &d, 1, NULL, NULL, 0) : NULL;
}

static OrtStatus *by_delegate(OrtSession *s, const OrtEpDevice *const *all, size_t n) {
  enum { MOST = 8 };
  const OrtEpDevice *chosen[MOST] = {0};
  size_t count = 0;
  OrtKeyValuePairs none = {0};
  OrtStatus *failed =
      s->options->delegate((const OrtEpDevice **)all, n, &none, &none, chosen, MOST, &count, s->options->delegate_state);
  if (!failed && count > MOST)
    SX_API_FAIL(INVALID_ARGUMENT, "the delegate that selects devices says that it chose %zu, at most 8 fit", count);
  if (!failed && !count) SX_API_FAIL(INVALID_ARGUMENT, "the delegate that selects devices chose none");
  for (size_t i = 0; i < count && !failed; i++) {
    bool known = false;
    for (size_t k = 0; k < n; k++) known |= all[k] == chosen[i];
    failed = known ? append(s, chosen[i])
                   : sx_ort_error(ORT_INVALID_ARGUMENT, "device %zu of the delegate is not of this environment", i);
  }
  return failed;
}

OrtStatus *sx_eps_choose(OrtSession *s) {
  const OrtEpDevice *const *all;
  size_t n, n_wishes;
  if (s->options->providers.n || (!s->options->delegate && !s->options->policy)) return NULL;
  OrtStatus *failed = sx_api_GetEpDevices(s->env, &all, &n);
  if (failed) return failed;
  if (s->options->delegate) return by_delegate(s, all, n);
  const OrtHardwareDeviceType *w = wishes(s->options->policy, &n_wishes);
  for (size_t k = 0; k < n_wishes; k++)
    for (size_t i = 0; i < n; i++)
      if (all[i]->factory && all[i]->hardware->type == w[k]) return append(s, all[i]);
  return NULL;
}
