// SPDX-License-Identifier: MIT
/* IO bindings: values kept ready by input and output number. What is bound to a device is made by each run and kept until
 * the next one. */
#include "abi/plugin/host.h"

typedef struct bound {
  sx_rt_value *value; /* a reference; NULL: the run makes it */
  bool here;
  bool made;   /* by a run, not by the caller */
  bool device; /* a provider may leave it in its own memory */
} bound;
struct OrtIoBinding {
  OrtSession *session;
  uint32_t n_in, n_out, n_order;
  sx_rt_value **inputs; /* by graph input */
  bound *outputs;       /* by graph output */
  uint32_t *order;      /* outputs as they were bound */
  sx_rt_value **made;   /* what a run writes */
  bool *wanted, *on_device;
};

OrtStatus *ORT_API_CALL sx_api_CreateIoBinding(OrtSession *session, OrtIoBinding **out) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(out);
  OrtIoBinding *b = sx_calloc(1, sizeof *b);
  if (!b) SX_API_NO_MEMORY();
  b->session = session;
  b->n_in = session->graph->inputs.n;
  b->n_out = session->graph->outputs.n;
  b->inputs = sx_calloc(b->n_in, sizeof *b->inputs);
  b->outputs = sx_calloc(b->n_out, sizeof *b->outputs);
  b->order = sx_calloc(b->n_out, sizeof *b->order);
  b->made = sx_calloc(b->n_out, sizeof *b->made);
  b->wanted = sx_calloc(b->n_out, sizeof *b->wanted);
  b->on_device = sx_calloc(b->n_out, sizeof *b->on_device);
  if (!b->inputs || !b->outputs || !b->order || !b->made || !b->wanted || !b->on_device) {
    sx_api_ReleaseIoBinding(b);
    SX_API_NO_MEMORY();
  }
  *out = b;
  return NULL;
}

void ORT_API_CALL sx_api_ClearBoundInputs(OrtIoBinding *b) {
  if (!b || !b->inputs) return;
  for (uint32_t i = 0; i < b->n_in; i++) sx_rt_unref(b->inputs[i]), b->inputs[i] = NULL;
}

void ORT_API_CALL sx_api_ClearBoundOutputs(OrtIoBinding *b) {
  if (!b || !b->outputs) return;
  for (uint32_t i = 0; i < b->n_out; i++) sx_rt_unref(b->outputs[i].value), b->outputs[i] = (bound){0};
  b->n_order = 0;
}

void ORT_API_CALL sx_api_ReleaseIoBinding(OrtIoBinding *input) {
  if (!input) return;
  sx_api_ClearBoundInputs(input);
  sx_api_ClearBoundOutputs(input);
  sx_free(input->inputs, input->n_in * sizeof *input->inputs);
  sx_free(input->outputs, input->n_out * sizeof *input->outputs);
  sx_free(input->order, input->n_out * sizeof *input->order);
  sx_free(input->made, input->n_out * sizeof *input->made);
  sx_free(input->wanted, input->n_out * sizeof *input->wanted);
  sx_free(input->on_device, input->n_out * sizeof *input->on_device);
  sx_free(input, sizeof *input);
}

OrtStatus *ORT_API_CALL sx_api_BindInput(OrtIoBinding *binding_ptr, const char *name, const OrtValue *val_ptr) {
  SX_API_NOT_NULL(binding_ptr);
  SX_API_NOT_NULL(val_ptr);
  uint32_t i;
  if (!name || !sx_strmap_get(&binding_ptr->session->inputs, sx_str_c(name), &i))
    SX_API_FAIL(FAIL, "BindInput: the model has no input '%.200s'", name ? name : "NULL");
  OrtStatus *failed = sx_ort_check_input(binding_ptr->session, i, name, (const sx_rt_value *)val_ptr);
  if (failed) return failed;
  sx_rt_value *was = binding_ptr->inputs[i];
  binding_ptr->inputs[i] = sx_rt_ref((sx_rt_value *)val_ptr);
  sx_rt_unref(was);
  return NULL;
}

static OrtStatus *bind_output(OrtIoBinding *b, const char *name, sx_rt_value *v, bool device) {
  uint32_t i;
  OrtStatus *failed = sx_ort_find_output(b->session, name, &i);
  if (failed) return failed;
  if (!b->outputs[i].here) b->order[b->n_order++] = i;
  sx_rt_value *was = b->outputs[i].value;
  b->outputs[i] = (bound){sx_rt_ref(v), true, false, device};
  sx_rt_unref(was);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_BindOutput(OrtIoBinding *binding_ptr, const char *name, const OrtValue *val_ptr) {
  SX_API_NOT_NULL(binding_ptr);
  SX_API_NOT_NULL(val_ptr);
  return bind_output(binding_ptr, name, (sx_rt_value *)val_ptr, false);
}

OrtStatus *ORT_API_CALL sx_api_BindOutputToDevice(OrtIoBinding *binding_ptr, const char *name,
                                                  const OrtMemoryInfo *mem_info_ptr) {
  SX_API_NOT_NULL(binding_ptr);
  SX_API_NOT_NULL(mem_info_ptr);
  const sx_memory *m = sx_memory_of(mem_info_ptr);
  if (!sx_memory_is_host(m) && !(binding_ptr->session->eps && sx_eps_allocator(binding_ptr->session->eps, m)))
    SX_API_FAIL(INVALID_ARGUMENT, "BindOutputToDevice: no provider of this session writes to '%s'",
                m->name);
  return bind_output(binding_ptr, name, NULL, !sx_memory_is_host(m));
}

OrtStatus *ORT_API_CALL sx_api_RunWithBinding(OrtSession *session, const OrtRunOptions *run_options,
                                              const OrtIoBinding *binding_ptr) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(binding_ptr);
  OrtIoBinding *b = (OrtIoBinding *)binding_ptr;
  if (b->session != session) SX_API_FAIL(INVALID_ARGUMENT, "RunWithBinding: the binding belongs to another session");
  if (!b->n_order) SX_API_FAIL(INVALID_ARGUMENT, "At least one output should be requested.");
  for (uint32_t i = 0; i < b->n_out; i++) {
    bound *o = &b->outputs[i];
    b->wanted[i] = o->here, b->on_device[i] = o->device;
    b->made[i] = o->here && !o->made ? o->value : NULL;
  }
  OrtStatus *failed = sx_ort_run(session, run_options, b->inputs, b->made, b->wanted, b->on_device);
  for (uint32_t i = 0; i < b->n_out && !failed; i++) {
    bound *o = &b->outputs[i];
    if (!o->here || (o->value && !o->made)) continue;
    sx_rt_unref(o->value);
    o->value = b->made[i];
    o->made = true;
  }
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_SynchronizeBoundInputs(OrtIoBinding *binding_ptr) {
  SX_API_NOT_NULL(binding_ptr);
  return binding_ptr->session->eps ? sx_eps_sync(binding_ptr->session->eps) : NULL;
}

OrtStatus *ORT_API_CALL sx_api_SynchronizeBoundOutputs(OrtIoBinding *binding_ptr) {
  SX_API_NOT_NULL(binding_ptr);
  return binding_ptr->session->eps ? sx_eps_sync(binding_ptr->session->eps) : NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetBoundOutputNames(const OrtIoBinding *binding_ptr, OrtAllocator *allocator, char **buffer,
                                                   size_t **lengths, size_t *count) {
  SX_API_NOT_NULL(binding_ptr);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(buffer);
  SX_API_NOT_NULL(lengths);
  SX_API_NOT_NULL(count);
  const OrtIoBinding *b = binding_ptr;
  const sx_graph *g = b->session->graph;
  *buffer = NULL, *lengths = NULL, *count = 0;
  if (!b->n_order) return NULL;
  size_t total = 0;
  for (uint32_t i = 0; i < b->n_order; i++) total += g->output_names.at[b->order[i]].n;
  char *text = allocator->Alloc(allocator, total ? total : 1);
  size_t *sizes = text ? allocator->Alloc(allocator, b->n_order * sizeof *sizes) : NULL;
  if (!sizes) {
    if (text) allocator->Free(allocator, text);
    SX_API_FAIL(FAIL, "the allocator has no room for the names");
  }
  size_t at = 0;
  for (uint32_t i = 0; i < b->n_order; i++) {
    sx_str name = g->output_names.at[b->order[i]];
    memcpy(text + at, name.p, name.n);
    sizes[i] = name.n;
    at += name.n;
  }
  *buffer = text, *lengths = sizes, *count = b->n_order;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetBoundOutputValues(const OrtIoBinding *binding_ptr, OrtAllocator *allocator,
                                                    OrtValue ***output, size_t *output_count) {
  SX_API_NOT_NULL(binding_ptr);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(output);
  SX_API_NOT_NULL(output_count);
  *output = NULL, *output_count = 0;
  if (!binding_ptr->n_order) return NULL;
  OrtValue **list = allocator->Alloc(allocator, binding_ptr->n_order * sizeof *list);
  if (!list) SX_API_FAIL(FAIL, "the allocator has no room for %u values", binding_ptr->n_order);
  for (uint32_t i = 0; i < binding_ptr->n_order; i++)
    list[i] = (OrtValue *)sx_rt_ref(binding_ptr->outputs[binding_ptr->order[i]].value);
  *output = list;
  *output_count = binding_ptr->n_order;
  return NULL;
}
