// SPDX-License-Identifier: MIT
/* Devices that a session gets when its options name none: by a policy, or by a function of the caller's. Both see the devices in
 * one order: NPU, GPU, CPU; of one kind a discrete one, then one of the provider's own vendor, then by name; our CPU last. */
#include <stdio.h>
#include "abi/plugin/host.h"
#include "onnx/proto.h"

typedef const OrtEpDevice *device;

static int kind(device d) {
  return d->hardware->type == OrtHardwareDeviceType_NPU ? 0 : d->hardware->type == OrtHardwareDeviceType_GPU ? 1 : 2;
}
static bool discrete(device d) {
  const char *is = sx_kvp_get(&d->hardware->metadata, "Discrete");
  return kind(d) == 1 && is && !strcmp(is, "1");
}
static bool own_vendor(device d) {
  uint32_t id = d->factory && SX_EP_HAS(d->factory, 23, GetVendorId) ? d->factory->GetVendorId(d->factory) : 0;
  return (id && id == d->hardware->vendor_id) || (d->hardware->vendor && d->vendor && !strcmp(d->hardware->vendor, d->vendor));
}
static bool before(device a, device b) {
  if (kind(a) != kind(b)) return kind(a) < kind(b);
  if (discrete(a) != discrete(b)) return discrete(a);
  if (own_vendor(a) != own_vendor(b)) return own_vendor(a);
  if (!a->factory != !b->factory) return a->factory != NULL;
  return strcmp(a->name, b->name) < 0;
}

static device first_of(const device *all, size_t n, int k) {
  for (size_t i = 0; i < n; i++)
    if (kind(all[i]) == k) return all[i];
  return NULL;
}

/* The wanted kind of hardware, if there is one, then a provider on the CPU; our own takes what is left. */
static size_t by_policy(OrtExecutionProviderDevicePolicy p, const device *all, size_t n, device *chosen) {
  device wish = NULL, cpu = first_of(all, n, 2);
  size_t count = 0;
  switch (p) {
    case OrtExecutionProviderDevicePolicy_PREFER_NPU:
    case OrtExecutionProviderDevicePolicy_MAX_EFFICIENCY:
    case OrtExecutionProviderDevicePolicy_MIN_OVERALL_POWER: wish = first_of(all, n, 0); break;
    case OrtExecutionProviderDevicePolicy_PREFER_GPU:
    case OrtExecutionProviderDevicePolicy_MAX_PERFORMANCE: wish = first_of(all, n, 1); break;
    default: break;
  }
  if (wish) chosen[count++] = wish;
  if (cpu) chosen[count++] = cpu;
  return count;
}

static bool put(OrtKeyValuePairs *to, const char *key, sx_str value, sx_arena *a) {
  char *text = sx_arena_strdup(a, value.p ? value.p : "", value.n);
  return text && sx_kvp_set(to, key, text);
}
/* What a model says of itself, under the names of onnx.proto; nothing where it cannot be read: who loads it says why. */
static OrtStatus *describe(const char *path, const void *data, size_t size, OrtKeyValuePairs *to) {
  sx_arena a = {0};
  sx_mapping map = {.data = data, .size = size};
  sx_proto_model *m = NULL;
  sx_err e;
  char version[24];
  bool mapped = path && sx_map_file(path, &map, &e) == SX_OK, ok = true;
  if (map.size && sx_proto_parse_model(map.data, map.size, &a, &m, &e) == SX_OK && m->graph) {
    snprintf(version, sizeof version, "%lld", (long long)m->model_version);
    ok = put(to, "producer_name", m->producer_name, &a) && put(to, "producer_version", m->producer_version, &a) &&
         put(to, "domain", m->domain, &a) && put(to, "model_version", sx_str_c(version), &a) &&
         put(to, "doc_string", m->doc_string, &a) && put(to, "graph_name", m->graph->name, &a) &&
         put(to, "graph_description", m->graph->doc_string, &a);
    for (uint32_t i = 0; i < m->metadata_props.n && ok; i++) {
      const sx_proto_pair *p = &m->metadata_props.at[i];
      char *key = sx_arena_strdup(&a, p->key.p ? p->key.p : "", p->key.n);
      ok = key && put(to, key, p->value, &a);
    }
  }
  sx_arena_free(&a);
  if (mapped) sx_unmap_file(&map);
  return ok ? NULL : sx_ort_status(SX_E_NO_MEMORY, NULL);
}

static OrtStatus *by_delegate(const OrtSessionOptions *o, const OrtKeyValuePairs *model, device *all, size_t n, device *chosen,
                              size_t *count) {
  OrtKeyValuePairs runtime = {0};
  *count = 0;
  OrtStatus *failed = o->delegate(all, n, model, &runtime, chosen, SX_EP_MAX_DEVICES, count, o->delegate_state);
  if (failed) {
    OrtStatus *told = sx_ort_error(ORT_FAIL, "EP selection delegate failed: %s", sx_api_GetErrorMessage(failed));
    sx_api_ReleaseStatus(failed);
    return told;
  }
  if (!*count) SX_API_FAIL(FAIL, "EP selection delegate did not select anything.");
  if (*count > SX_EP_MAX_DEVICES)
    SX_API_FAIL(FAIL, "EP selection delegate selected too many EP devices (%zu). The limit is %d EP devices.", *count,
                SX_EP_MAX_DEVICES);
  for (size_t i = 0; i < *count; i++) {
    bool known = false;
    for (size_t k = 0; k < n; k++) known |= all[k] == chosen[i];
    if (!known) SX_API_FAIL(INVALID_ARGUMENT, "device %zu of the delegate is not of this environment", i);
  }
  return NULL;
}

/* All devices of one provider together, in the place of the first. */
static OrtStatus *append(OrtSession *s, const device *chosen, size_t n) {
  OrtStatus *failed = NULL;
  for (size_t i = 0; i < n && !failed; i++) {
    device same[SX_EP_MAX_DEVICES];
    size_t count = 0;
    bool first = chosen[i]->factory != NULL;
    for (size_t k = 0; k < n && first; k++) {
      if (chosen[k]->factory != chosen[i]->factory || strcmp(chosen[k]->name, chosen[i]->name) != 0) continue;
      first = k >= i;
      same[count++] = chosen[k];
    }
    if (first)
      failed = sx_api_SessionOptionsAppendExecutionProvider_V2(s->options, s->env, same, count, NULL, NULL, 0);
  }
  return failed;
}

OrtStatus *sx_eps_choose(OrtSession *s, const char *path, const void *data, size_t size) {
  const OrtEpDevice *const *list;
  device chosen[SX_EP_MAX_DEVICES] = {0};
  size_t n, count = 0;
  OrtSessionOptions *o = s->options;
  if (o->providers.n || !o->selects) return NULL;
  o->selects = false; /* the session's own copy: it has what was chosen */
  OrtStatus *failed = NULL;
  sx_env_devices_hold(s->env, &list, &n);
  device *all = sx_malloc((n + 1) * sizeof *all);
  OrtKeyValuePairs model = {0};
  if (!all) failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
  for (size_t i = 0; all && i < n; i++) { /* into order */
    size_t at = i;
    for (; at && before(list[i], all[at - 1]); at--) all[at] = all[at - 1];
    all[at] = list[i];
  }
  if (!failed && o->delegate) {
    failed = describe(path, data, size, &model);
    if (!failed) failed = by_delegate(o, &model, all, n, chosen, &count);
    sx_kvp_clear(&model);
  } else if (!failed) {
    count = by_policy(o->policy, all, n, chosen);
  }
  sx_free(all, (n + 1) * sizeof *all);
  if (!failed) failed = append(s, chosen, count);
  sx_env_devices_drop(list, n);
  return failed;
}
