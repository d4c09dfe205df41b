// SPDX-License-Identifier: MIT
/* Profiles: events in Chrome's trace format, with the fields and the file name that people's scripts expect. Events are
 * kept as finished text and written when profiling ends. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include "abi/plugin/host.h"

#ifdef _WIN32
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

struct sx_profile {
  sx_mutex lock;
  uint64_t start_ns;
  char *prefix;
  char *file; /* once written */
  sx_text events;
  bool first, done;
  sx_profile *also; /* NULL, or another one that gets the events */
};

OrtStatus *sx_profile_create(const char *prefix, sx_profile **out) {
  sx_profile *p = sx_calloc(1, sizeof *p);
  if (!p || !(p->prefix = sx_text_dup(prefix && *prefix ? prefix : "onnxruntime_profile_"))) {
    sx_free(p, sizeof *p);
    SX_API_NO_MEMORY();
  }
  p->start_ns = sx_now_ns();
  p->first = true;
  *out = p;
  return NULL;
}

void sx_profile_destroy(sx_profile *p) {
  if (!p) return;
  sx_text_drop(p->prefix);
  sx_text_drop(p->file);
  sx_text_free(&p->events);
  sx_free(p, sizeof *p);
}

uint64_t sx_profile_start_ns(const sx_profile *p) { return p->start_ns; }

void sx_profile_event(sx_profile *p, const char *category, const char *name, uint64_t begin_ns, uint64_t end_ns,
                      const char *args) {
  if (p->also) sx_profile_event(p->also, category, name, begin_ns, end_ns, args);
  sx_mutex_lock(&p->lock);
  if (!p->done) {
    const size_t before = p->events.n;
    int pid = (int)getpid();
    uint64_t ts = begin_ns > p->start_ns ? (begin_ns - p->start_ns) / 1000 : 0;
    sx_text_add(&p->events,
                "%s\n{\"cat\" : \"%s\",\"pid\" :%d,\"tid\" :%d,\"dur\" :%" PRIu64 ",\"ts\" :%" PRIu64
                ",\"ph\" : \"X\",\"name\" :",
                p->first ? "" : ",", category, pid, pid, (end_ns - begin_ns) / 1000, ts);
    sx_text_json(&p->events, sx_str_c(name));
    sx_text_add(&p->events, ",\"args\" : {");
    if (args) sx_text_put(&p->events, args, strlen(args));
    sx_text_add(&p->events, "}}");
    if (p->events.failed)
      p->events.n = before, p->events.failed = false; /* this one is lost, for want of memory; the others need not be */
    else
      p->first = false;
  }
  sx_mutex_unlock(&p->lock);
}

/* [{"float":[3,2]},...] of the views of a step's arguments. */
static void shapes(sx_text *t, const sx_view *v, uint32_t n) {
  sx_text_add(t, "[");
  bool comma = false;
  for (uint32_t i = 0; i < n; i++) {
    if (!v[i].dtype || v[i].rank < 0) continue;
    sx_text_add(t, "%s{\"%s\":[", comma ? "," : "", sx_dtype_name((sx_dtype)v[i].dtype));
    for (int d = 0; d < v[i].rank; d++) sx_text_add(t, "%s%" PRId64, d ? "," : "", v[i].dims[d]);
    sx_text_add(t, "]}");
    comma = true;
  }
  sx_text_add(t, "]");
}

static size_t bytes(const sx_view *v, uint32_t n, bool constants) {
  size_t sum = 0;
  for (uint32_t i = 0; i < n; i++)
    if (v[i].dtype && (v[i].constant != NULL) == constants) sum += v[i].size;
  return sum;
}

static void step(void *ctx, const sx_exec *x, uint32_t k, uint64_t begin_ns, uint64_t end_ns, const sx_instance *inst,
                 uint32_t segment) {
  const sx_plan *p = sx_exec_plan(x);
  const sx_step *s = &p->steps[k];
  const sx_node *n = sx_node_at(p->graph, s->node);
  const sx_view *views = inst->views + (s->args - p->steps[p->segments[segment].begin].args);
  const sx_ep_node *plugin = sx_ep_node_of(n);
  sx_text name = {0}, args = {0};
  if (n->name.n)
    sx_text_put(&name, n->name.p, n->name.n);
  else
    sx_node_describe(p->graph, n, &name);
  sx_text_add(&name, "_kernel_time");
  sx_text_add(&args, "\"op_name\" : ");
  sx_text_json(&args, n->op_type);
  sx_text_add(&args, ",\"provider\" : ");
  sx_text_json(&args, sx_str_c(plugin ? plugin->ep->name : "CPUExecutionProvider"));
  sx_text_add(&args, ",\"node_index\" : \"%u\",\"kernel\" : \"%s\"", (unsigned)s->node, s->kernel && s->kernel->name ? s->kernel->name : "");
  sx_text_add(&args, ",\"activation_size\" : \"%zu\",\"parameter_size\" : \"%zu\",\"output_size\" : \"%zu\"",
              bytes(views, s->n_in, false), bytes(views, s->n_in, true), bytes(views + s->n_in, s->n_out, false));
  sx_text_add(&args, ",\"input_type_shape\" : ");
  shapes(&args, views, s->n_in);
  sx_text_add(&args, ",\"output_type_shape\" : ");
  shapes(&args, views + s->n_in, s->n_out);
  sx_text_put(&name, "", 1);
  sx_text_put(&args, "", 1);
  if (!name.failed && !args.failed) sx_profile_event(ctx, "Node", name.p, begin_ns, end_ns, args.p);
  sx_text_free(&name);
  sx_text_free(&args);
}

void sx_profile_share(sx_profile *p, sx_profile *also) { p->also = also; }
sx_profile_hook sx_profile_steps(sx_profile *p) { return (sx_profile_hook){step, p}; }

OrtStatus *sx_profile_end(sx_profile *p, const char **file) {
  *file = p->file ? p->file : "";
  if (p->done) return NULL;
  uint64_t us = sx_wall_us();
  time_t sec = (time_t)(us / 1000000);
  struct tm t;
#ifdef _WIN32
  localtime_s(&t, &sec);
#else
  localtime_r(&sec, &t);
#endif
  char when[40];
  strftime(when, sizeof when, "%Y-%m-%d_%H-%M-%S", &t);
  sx_text path = {0}, all = {0};
  sx_text_add(&path, "%s_%s_%03d.json", p->prefix, when, (int)(us / 1000 % 1000));
  sx_mutex_lock(&p->lock);
  sx_text_add(&all, "[");
  sx_text_put(&all, p->events.p ? p->events.p : "", p->events.n);
  sx_text_add(&all, "\n]\n");
  sx_text_put(&path, "", 1);
  p->done = !all.failed && !path.failed && (p->file = sx_text_dup(path.p)); /* else there may be memory the next time */
  sx_mutex_unlock(&p->lock);
  sx_err e;
  sx_status st = p->done ? sx_write_file(p->file, all.p, all.n, &e) : sx_fail(&e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  sx_text_free(&path);
  sx_text_free(&all);
  if (st == SX_E_NO_MEMORY && p->done) {
    sx_text_drop(p->file);
    p->file = NULL, p->done = false;
  }
  *file = p->file ? p->file : "";
  return sx_ort_status(st, &e);
}
