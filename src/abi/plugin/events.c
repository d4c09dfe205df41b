// SPDX-License-Identifier: MIT
/* Events that plugins put into a session's profile: when profiling ends each provider's profiler is asked once for all of its
 * events, and hears of every node of its own while it is on. */
#include "abi/plugin/host.h"

struct OrtProfilingEvent {
  OrtProfilingEventCategory category;
  int32_t process_id, thread_id;
  char *name;
  int64_t timestamp_us, duration_us;
  OrtKeyValuePairs args;
};
struct OrtProfilingEventsContainer {
  sx_profile *profile;
};

OrtStatus *ORT_API_CALL sx_epapi_CreateProfilingEvent(OrtProfilingEventCategory category, int32_t process_id,
                                                      int32_t thread_id, const char *event_name, int64_t timestamp_us,
                                                      int64_t duration_us, const char *const *arg_keys,
                                                      const char *const *arg_values, size_t num_args,
                                                      OrtProfilingEvent **out) {
  SX_API_NOT_NULL(event_name);
  SX_API_NOT_NULL(out);
  if (num_args) SX_API_NOT_NULL(arg_keys && arg_values);
  OrtProfilingEvent *e = sx_calloc(1, sizeof *e);
  bool ok = e && (e->name = sx_text_dup(event_name));
  for (size_t i = 0; i < num_args && ok; i++)
    if (arg_keys[i]) ok = sx_kvp_set(&e->args, arg_keys[i], arg_values[i] ? arg_values[i] : "");
  if (!ok) {
    sx_epapi_ReleaseProfilingEvent(e);
    SX_API_NO_MEMORY();
  }
  e->category = category, e->process_id = process_id, e->thread_id = thread_id;
  e->timestamp_us = timestamp_us, e->duration_us = duration_us;
  *out = e;
  return NULL;
}

void ORT_API_CALL sx_epapi_ReleaseProfilingEvent(OrtProfilingEvent *event) {
  if (!event) return;
  sx_text_drop(event->name);
  sx_kvp_clear(&event->args);
  sx_free(event, sizeof *event);
}

SX_EP_GETTER(ProfilingEvent_GetCategory, OrtProfilingEvent, OrtProfilingEventCategory, category)
SX_EP_GETTER(ProfilingEvent_GetName, OrtProfilingEvent, const char *, name)
SX_EP_GETTER(ProfilingEvent_GetTimestampUs, OrtProfilingEvent, int64_t, timestamp_us)
SX_EP_GETTER(ProfilingEvent_GetDurationUs, OrtProfilingEvent, int64_t, duration_us)

OrtStatus *ORT_API_CALL sx_epapi_ProfilingEvent_GetArgValue(const OrtProfilingEvent *event, const char *key,
                                                            const char **out) {
  SX_API_NOT_NULL(event);
  SX_API_NOT_NULL(key);
  SX_API_NOT_NULL(out);
  *out = sx_kvp_get(&event->args, key); /* NULL: there is none */
  return NULL;
}

static OrtStatus *add(sx_profile *p, const OrtProfilingEvent *e) {
  static const char *const categories[] = {"Session", "Node", "Kernel", "Api"};
  sx_text args = {0};
  for (uint32_t i = 0; i < e->args.n; i++) {
    if (i) sx_text_add(&args, ",");
    sx_text_json(&args, sx_str_c(e->args.keys[i]));
    sx_text_add(&args, " : ");
    sx_text_json(&args, sx_str_c(e->args.values[i]));
  }
  bool ok = !args.failed;
  uint64_t begin = sx_profile_start_ns(p) + (uint64_t)(e->timestamp_us > 0 ? e->timestamp_us : 0) * 1000;
  const char *category = (unsigned)e->category < 4 ? categories[e->category] : categories[1];
  if (ok)
    sx_profile_event(p, category, e->name, begin, begin + (uint64_t)(e->duration_us > 0 ? e->duration_us : 0) * 1000,
                     args.n ? args.p : NULL);
  sx_text_free(&args);
  if (!ok) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_ProfilingEventsContainer_AddEvents(OrtProfilingEventsContainer *events_container,
                                                                    const OrtProfilingEvent *const *events,
                                                                    size_t num_events) {
  SX_API_NOT_NULL(events_container);
  if (num_events) SX_API_NOT_NULL(events);
  OrtStatus *failed = NULL;
  for (size_t i = 0; i < num_events && !failed; i++)
    if (events[i]) failed = add(events_container->profile, events[i]);
  return failed;
}

OrtStatus *sx_ep_profile_begin(struct sx_eps *x) {
  OrtStatus *failed = NULL;
  for (uint32_t i = 0; i < x->list.n && !failed; i++) {
    sx_ep *p = x->list.at[i];
    OrtEpProfilerImpl *made = p->profiler;
    if (!made && SX_EP_HAS(p->ep, 25, CreateProfiler)) failed = p->ep->CreateProfiler(p->ep, &made);
    if (failed || !made) continue;
    if (!made->Release || !made->StartProfiling || !made->EndProfiling) {
      p->profiler = NULL;
      SX_API_FAIL(EP_FAIL, "the profiler of %s lacks Release, StartProfiling or EndProfiling", p->name);
    }
    p->profiler = made;
    failed = made->StartProfiling(made, (int64_t)(sx_now_ns() - sx_profile_start_ns(x->session->profile)));
  }
  return failed;
}

void sx_ep_profile_end(struct sx_eps *x, sx_profile *to) {
  OrtProfilingEventsContainer c = {to};
  for (uint32_t i = 0; i < x->list.n; i++) {
    sx_mutex_lock(&x->events); /* a run may be telling it of a node */
    OrtEpProfilerImpl *p = x->list.at[i]->profiler;
    x->list.at[i]->profiler = NULL;
    sx_mutex_unlock(&x->events);
    if (!p) continue;
    sx_err e;
    if (sx_ort_take(p->EndProfiling(p, &c), &e) != SX_OK)
      sx_log(&x->session->logger.log, WARNING, "%s: EndProfiling failed: %s", x->list.at[i]->name, e.msg);
    p->Release(p);
  }
}
