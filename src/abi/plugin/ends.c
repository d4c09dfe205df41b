// SPDX-License-Identifier: MIT
/* The ends of a session: who reads its inputs and makes its outputs, and in whose memory these are best. */
#include "abi/plugin/host.h"

/* The provider that alone reads input `index`, for which `by_copy` says that it reads a copy in its own memory; NULL: the
 * CPU reads it, or nobody, or several do. What bodies capture does not count: they can have a copy. */
static const sx_ep *reader(const OrtSession *s, uint32_t index, bool *by_copy) {
  const sx_value *v = sx_value_at(s->graph, s->graph->inputs.at[index]);
  const sx_ep *only = NULL;
  *by_copy = true;
  if (!s->eps || v->output_uses) return NULL;
  for (const sx_use *u = v->uses; u; u = u->next) {
    const sx_node *n = sx_node_at(s->graph, u->node);
    const sx_ep_node *x = sx_ep_node_of(n);
    if (u >= n->in + n->n_formal) continue;
    if (!x || (only && x->ep != only)) return NULL;
    *by_copy &= x->to_device;
    only = x->ep;
  }
  return only;
}

bool sx_eps_reads(const OrtSession *s, uint32_t index, const sx_memory *m) {
  const sx_value *v = sx_value_at(s->graph, s->graph->inputs.at[index]);
  const sx_ep *home = sx_eps_with_memory(s->eps, m);
  if (!home || v->output_uses) return false;
  for (const sx_use *u = v->uses; u; u = u->next) {
    const sx_ep_node *n = sx_ep_node_of(sx_node_at(s->graph, u->node));
    if (!n || !n->to_device || n->ep != home) return false;
  }
  return true;
}

/* The provider whose node makes output `index`; *there: in its own memory, and nobody has to copy it. */
static const sx_ep *maker(const OrtSession *s, uint32_t index, bool *there) {
  const sx_node *n = sx_value_producer(s->graph, s->graph->outputs.at[index]);
  const sx_ep_node *x = n && s->eps ? sx_ep_node_of(n) : NULL;
  *there = x && x->to_host;
  return x ? x->ep : NULL;
}

static OrtStatus *check_room(const char *what, size_t have, size_t n) {
  if (n < have) SX_API_FAIL(FAIL, "room for %zu %s, the session has %zu", n, what, have);
  return NULL;
}

/* The provider at end i, whose memory that is when *there. */
static const sx_ep *at_input(const OrtSession *s, uint32_t i, bool *there) { return reader(s, s->required[i], there); }
static uint32_t count_inputs(const OrtSession *s) { return s->n_required; }
static uint32_t count_outputs(const OrtSession *s) { return s->graph->outputs.n; }

static const OrtMemoryInfo *memory_of(const OrtSession *s, const sx_ep *p, bool there) {
  return (const OrtMemoryInfo *)(p && there && p->memory ? p->memory : &sx_memory_cpu);
}
static const OrtEpDevice *device_of(const OrtSession *s, const sx_ep *p, bool there) {
  return p ? p->devices[0] : &s->env->cpu_ep;
}

#define ENDS(Slot, type, what, count, at, value)                                                 \
  OrtStatus *ORT_API_CALL sx_api_##Slot(const OrtSession *session, const type **out, size_t n) { \
    SX_API_NOT_NULL(session);                                                                    \
    SX_API_NOT_NULL(out);                                                                        \
    OrtStatus *failed = check_room(what, count(session), n);                                     \
    for (uint32_t i = 0; i < count(session) && !failed; i++) {                                   \
      bool there = false;                                                                        \
      const sx_ep *p = at(session, i, &there);                                                   \
      out[i] = value(session, p, there);                                                         \
    }                                                                                            \
    return failed;                                                                               \
  }
ENDS(SessionGetMemoryInfoForInputs, OrtMemoryInfo, "memory infos", count_inputs, at_input, memory_of)
ENDS(SessionGetMemoryInfoForOutputs, OrtMemoryInfo, "memory infos", count_outputs, maker, memory_of)
ENDS(SessionGetEpDeviceForInputs, OrtEpDevice, "devices", count_inputs, at_input, device_of)
ENDS(SessionGetEpDeviceForOutputs, OrtEpDevice, "devices", count_outputs, maker, device_of)
