// SPDX-License-Identifier: MIT
/* Sessions: from a file or bytes to something that runs. */
#include "run/session_priv.h"

/* A session whose plan depends on the sizes of the inputs (a rank that follows from a size, say) is planned anew for each
 * signature, from the same bytes; the variants share weights, and few are kept. */
enum { VARIANTS = 8 };
typedef struct variant {
  sx_session *s;
  int64_t *key;
  size_t key_bytes;
  uint32_t users;
} variant;

struct sx_session {
  bool by_shapes;
  const void *bytes; /* by_shapes: what the variants are read from */
  void *copy;        /* ... when it is a copy of the caller's */
  size_t size;
  sx_session_options options;
  sx_lock lock;
  variant variants[VARIANTS];
  uint32_t turn;
  sx_model *model;
  sx_exec *exec;
  struct sx_weights *weights;
  sx_pool *pool;
  uint32_t width;
  uint32_t *fired;
  uint32_t n_passes;
};

static void leave_variant(sx_session *s, variant *v) {
  sx_lock_take(&s->lock);
  v->users--;
  sx_lock_drop(&s->lock);
}

const sx_model *sx_session_model(const sx_session *s) { return s->model; }
const sx_exec *sx_session_exec(const sx_session *s) { return s->exec; }
const uint32_t *sx_session_fired(const sx_session *s) { return s->fired; }
size_t sx_session_weight_bytes(const sx_session *s) { return sx_weights_bytes(s->weights); }

void sx_session_planned(sx_session *s, void (*fn)(void *ctx, const sx_session *planned), void *ctx) {
  variant *newest = NULL;
  if (!s->by_shapes) {
    fn(ctx, s);
    return;
  }
  sx_lock_take(&s->lock);
  for (uint32_t i = 0; i < VARIANTS && !newest; i++) {
    variant *v = &s->variants[(s->turn + VARIANTS - 1 - i) % VARIANTS];
    if (v->s) newest = v;
  }
  if (newest) newest->users++;
  sx_lock_drop(&s->lock);
  fn(ctx, newest ? newest->s : NULL);
  if (newest) leave_variant(s, newest);
}

size_t sx_session_trim(sx_session *s) {
  sx_blocks_trim();
  size_t freed = s->exec ? sx_exec_trim(s->exec) : 0;
  for (int i = 0; i < VARIANTS && s->by_shapes; i++) {
    sx_lock_take(&s->lock);
    variant *v = s->variants[i].s ? &s->variants[i] : NULL;
    if (v) v->users++;
    sx_lock_drop(&s->lock);
    if (!v) continue;
    freed += sx_session_trim(v->s);
    leave_variant(s, v);
  }
  return freed;
}

void sx_session_destroy(sx_session *s) {
  if (!s) return;
  for (int i = 0; i < VARIANTS; i++) {
    sx_session_destroy(s->variants[i].s);
    sx_free(s->variants[i].key, s->variants[i].key_bytes);
  }
  sx_exec_destroy(s->exec);
  sx_weights_destroy(s->weights);
  sx_model_destroy(s->model);
  if (s->copy) sx_free(s->copy, s->size);
  sx_free(s->fired, (s->n_passes + 1) * sizeof *s->fired);
  sx_free(s, sizeof *s);
  sx_blocks_keep(-1);
}

int sx_own_providers(const sx_provider **list) {
  const sx_provider *const all[SX_OWN_PROVIDERS] = {&sx_control_provider, &sx_host_provider, &sx_text_provider,
                                                    sx_cpu_provider()};
  memcpy(list, all, sizeof all);
  list[SX_OWN_PROVIDERS] = NULL;
  return SX_OWN_PROVIDERS;
}

/* Own providers first, then control flow, then the CPU. */
sx_status sx_session_providers(const sx_session_options *o, const sx_provider **list, sx_err *e) {
  int n = 0;
  for (; o->providers && o->providers[n]; n++) {
    if (n >= SX_MAX_PROVIDERS - SX_OWN_PROVIDERS - 1)
      SX_FAIL(e, INVALID_ARGUMENT, "more than %d providers", SX_MAX_PROVIDERS - SX_OWN_PROVIDERS - 1);
    list[n] = o->providers[n];
  }
  sx_own_providers(list + n);
  return SX_OK;
}

/* After planning: bytes that the caller may free must not be pointed into, and what was packed or folded away is given
 * back. */
static sx_status settle_tensors(sx_session *s, sx_err *e) {
  const sx_graph *g = s->model->graph;
  for (uint32_t i = 0; i < g->inputs.n; i++) { /* defaults are read by runs that do not give the input */
    const sx_value *v = sx_value_at(g, g->inputs.at[i]);
    if (v->overridable && v->fact.constant) v->fact.constant->pinned = true;
  }
  for (uint32_t i = 0; i < s->model->tensors.n; i++) {
    sx_tensor *t = s->model->tensors.at[i];
    if (t->owner == SX_OWN_CALLER && !t->caller_lives && !t->data && t->pinned) SX_TRY(sx_tensor_own(t, e));
    if (!t->pinned) sx_tensor_drop(t);
  }
  return SX_OK;
}

/* Fusion asks before it makes a node that only a kernel of ours understands. */
static uint32_t can_run(void *ctx, const sx_graph *g, sx_nid n) {
  const char *reason;
  const sx_kernel *k = sx_plan_choose(g, n, &(sx_plan_options){.providers = ctx}, &reason);
  return !k ? 0 : k->flags & SX_KERNEL_BLOCKED ? SX_RUNS_PLAIN | SX_RUNS_BLOCKED : SX_RUNS_PLAIN;
}

sx_status sx_session_passes(sx_model *m, const sx_session_options *o, int level, const sx_provider **providers,
                            uint32_t *fired, sx_err *e) {
  sx_pass_ctx c = {.g = m->graph,
                   .level = level,
                   .log = o->log,
                   .evaluate = sx_evaluate_node,
                   .can_run = can_run,
                   .can_run_ctx = providers,
                   .written = !fired,
                   .channel_block = sx_cpu_provider()->channel_block,
                   .disabled = o->disabled_passes,
                   .fired = fired,
                   .e = e};
  SX_TRY(sx_stop_check(e));
  return sx_passes_run(&c);
}

static sx_status finalise(sx_session *s, const sx_session_options *o, sx_err *e) {
  const sx_provider *providers[SX_MAX_PROVIDERS];
  SX_TRY(sx_session_providers(o, providers, e));
  while (sx_passes[s->n_passes].name) s->n_passes++;
  s->fired = sx_calloc(s->n_passes + 1, sizeof *s->fired);
  s->weights = sx_weights_create(o->pool);
  if (!s->fired || !s->weights) SX_NO_MEMORY(e);
  s->pool = o->pool;
  s->width = !o->pool ? 1 : o->width ? o->width : sx_pool_width(o->pool);
  SX_TRY(sx_session_passes(s->model, o, o->level, providers, s->fired, e));
  SX_TRY(sx_stop_check(e));
  /* A rank that the inputs' sizes do not give is met while running, and so is every one behind a custom operator, whose
   * kernel is made once. Otherwise giving the plan the inputs' sizes is tried first: see create(). */
  bool custom = o->import.place != NULL;
  for (uint32_t i = 0; i < s->model->graph->nodes.n; i++) custom |= sx_node_at(s->model->graph, i)->custom != NULL;
  sx_exec_options x = {.plan = {.providers = providers,
                                .dynamic = o->import.n_shapes || custom ? &sx_dynamic_kernel : NULL,
                                .weights = s->weights,
                                .width = s->width,
                                .split = o->split,
                                .level = o->level}};
  SX_TRY(sx_exec_create(s->model->graph, &x, &s->exec, e));
  return settle_tensors(s, e);
}

sx_status sx_session_create_model(sx_model *m, const sx_session_options *o, sx_session **out, sx_err *e) {
  sx_session *s = sx_calloc(1, sizeof *s);
  *out = NULL;
  if (!s) {
    sx_model_destroy(m);
    SX_NO_MEMORY(e);
  }
  sx_blocks_keep(1);
  s->model = m;
  sx_status st = sx_model_status(m, finalise(s, o, e), e);
  if (st != SX_OK)
    sx_session_destroy(s);
  else
    *out = s;
  return st;
}

static bool keep_name(sx_arena *a, sx_str *name) {
  char *p = sx_arena_strdup(a, name->p, name->n);
  if (p) name->p = p;
  return p != NULL;
}

/* The caller's options end with the call that creates the session. */
static sx_status keep_options(sx_session *x, const sx_session_options *o, const sx_import_options *io, sx_err *e) {
  sx_arena *a = &x->model->arena;
  uint32_t n = 0;
  while (o->providers && o->providers[n]) n++;
  x->options = *o;
  x->options.import = *io;
  x->options.import.free_dims = sx_arena_copy(a, io->free_dims, io->n_free_dims * sizeof *io->free_dims);
  x->options.disabled_passes =
      o->disabled_passes ? sx_arena_strdup(a, o->disabled_passes, strlen(o->disabled_passes)) : NULL;
  x->options.import.values = sx_arena_copy(a, io->values, io->n_values * sizeof *io->values);
  x->options.import.files = sx_arena_copy(a, io->files, io->n_files * sizeof *io->files);
  x->options.import.path = io->path ? sx_arena_strdup(a, io->path, strlen(io->path)) : NULL;
  if (o->providers) x->options.providers = sx_arena_copy(a, o->providers, ((size_t)n + 1) * sizeof *o->providers);
  bool ok = x->options.import.free_dims && x->options.import.values && x->options.import.files &&
            (!io->path || x->options.import.path) && (!o->disabled_passes || x->options.disabled_passes) &&
            (!o->providers || x->options.providers);
  for (uint32_t i = 0; i < io->n_values && ok; i++) {
    sx_import_value *v = (sx_import_value *)&x->options.import.values[i];
    v->dims = sx_arena_copy(a, v->dims, (size_t)v->rank * sizeof *v->dims);
    ok = keep_name(a, &v->name) && v->dims;
  }
  for (uint32_t i = 0; i < io->n_files && ok; i++) { /* the bytes may go after the import: each variant reads them again */
    sx_import_file *f = (sx_import_file *)&x->options.import.files[i];
    ok = keep_name(a, &f->location) && (io->bytes_live || (f->data = sx_arena_copy(a, f->data, f->size)) != NULL);
  }
  for (uint32_t i = 0; i < io->n_free_dims && ok; i++)
    ok = keep_name(a, &((sx_free_dim *)&x->options.import.free_dims[i])->name);
  if (!ok) SX_NO_MEMORY(e);
  return SX_OK;
}

/* Reads and plans; a model that needs the sizes of its inputs becomes a session that plans by signature. */
static sx_status create(const void *data, size_t size, const sx_import_options *given, const sx_session_options *o,
                        sx_session **out, sx_err *e) {
  sx_model *m;
  sx_import_options with = *given, *io = &with;
  with.evaluate = sx_evaluate_node;
  sx_err first = {0};
  *out = NULL;
  SX_TRY(sx_import(data, size, io, &m, e));
  io->log = NULL; /* its warnings are told; the model is read again below, and for each variant */
  sx_session_options full = *o;
  full.import = *io;
  sx_status s = SX_E_NEEDS_SHAPES;
  if (m->needs_shapes)
    sx_model_destroy(m);
  else
    s = sx_session_create_model(m, &full, out, &first);
  if (s != SX_E_NEEDS_SHAPES || io->n_shapes) {
    if (s != SX_OK && e) *e = first;
    if (s == SX_E_NEEDS_SHAPES && e) e->code = SX_E_NOT_IMPLEMENTED;
    return s == SX_E_NEEDS_SHAPES ? SX_E_NOT_IMPLEMENTED : s;
  }
  sx_session *x = sx_calloc(1, sizeof *x);
  if (!x) SX_NO_MEMORY(e);
  sx_blocks_keep(1);
  s = sx_import(data, size, io, &x->model, e); /* the passes have changed the first */
  x->by_shapes = true;
  x->bytes = data, x->size = size;
  if (s == SX_OK) s = keep_options(x, o, io, e);
  if (s == SX_OK && !io->mapped && !io->bytes_live) {
    if ((x->copy = sx_malloc(size)) == NULL)
      s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    else
      x->bytes = memcpy(x->copy, data, size);
  }
  if (s == SX_OK) s = settle_tensors(x, e);
  if (s != SX_OK)
    sx_session_destroy(x);
  else
    *out = x;
  return s;
}

sx_status sx_session_create_bytes(const void *data, size_t size, const sx_session_options *o, sx_session **out, sx_err *e) {
  return create(data, size, &o->import, o, out, e);
}

sx_status sx_session_create_file(const char *path, const sx_session_options *o, sx_session **out, sx_err *e) {
  sx_mapping map;
  *out = NULL;
  SX_TRY(sx_map_file(path, &map, e));
  sx_import_options io = o->import;
  io.path = path, io.mapped = true, io.bytes_live = true, io.file = map.id;
  sx_status s = create(map.data, map.size, &io, o, out, e);
  if (s != SX_OK) {
    sx_unmap_file(&map);
    sx_err_context(e, "Load model from %s failed", path);
    return s;
  }
  sx_model *m = (*out)->model;
  if (!sx_vec_push(&m->mappings, map)) {
    sx_session_destroy(*out);
    *out = NULL;
    sx_unmap_file(&map);
    SX_NO_MEMORY(e);
  }
  if (!(m->path = sx_arena_strdup(&m->arena, path, strlen(path)))) {
    sx_session_destroy(*out);
    *out = NULL;
    SX_NO_MEMORY(e);
  }
  (*out)->options.import.path = m->path;
  sx_mapping_release(&map, 0, map.size); /* what is still read comes back on demand */
  return SX_OK;
}

/* The signature of a run: its length, then rank and dimensions of every input; rank -1 for one that is not given or is no
 * tensor. */
static size_t signature_length(const sx_graph *g, sx_rt_value *const *in) {
  size_t n = 1;
  for (uint32_t i = 0; i < g->inputs.n; i++) n += 1 + (sx_rt_is_tensor(in[i]) ? in[i]->rank : 0);
  return n;
}
static void write_signature(const sx_graph *g, sx_rt_value *const *in, int64_t *k, size_t n) {
  *k++ = (int64_t)n;
  for (uint32_t i = 0; i < g->inputs.n; i++) {
    bool tensor = sx_rt_is_tensor(in[i]);
    *k++ = tensor ? (int64_t)in[i]->rank : -1;
    for (uint32_t d = 0; tensor && d < in[i]->rank; d++) *k++ = in[i]->dims[d];
  }
}

/* A session for these sizes of the inputs. */
static sx_status create_variant(sx_session *s, const int64_t *key, size_t bytes, variant *out, sx_err *e) {
  const sx_graph *g = s->model->graph;
  sx_input_shape *shapes = sx_calloc(g->inputs.n + 1, sizeof *shapes);
  *out = (variant){.key = sx_malloc(bytes), .key_bytes = bytes};
  sx_status st = shapes && out->key ? SX_OK : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (st == SX_OK) {
    memcpy(out->key, key, bytes);
    const int64_t *k = out->key + 1;
    for (uint32_t i = 0; i < g->inputs.n; i++) {
      int64_t rank = *k++;
      bool named = rank >= 0 && rank <= SX_MAX_RANK;
      shapes[i] =
          (sx_input_shape){named ? sx_value_at(g, g->inputs.at[i])->name : (sx_str){"", 0}, named ? (int32_t)rank : 0, k};
      if (rank > 0) k += rank;
    }
    sx_import_options io = s->options.import;
    io.shapes = shapes,
    io.n_shapes = g->inputs.n + 1; /* never 0, which would ask for variants again; the last names nothing */
    st = create(s->bytes, s->size, &io, &s->options, &out->s, e);
  }
  sx_free(shapes, (g->inputs.n + 1) * sizeof *shapes);
  if (st == SX_OK) return SX_OK;
  sx_free(out->key, bytes);
  *out = (variant){0};
  return st;
}

static variant *find_variant(sx_session *s, const int64_t *key, size_t bytes) {
  variant *found = NULL;
  sx_lock_take(&s->lock);
  for (int i = 0; i < VARIANTS && !found; i++)
    if (s->variants[i].s && s->variants[i].key_bytes == bytes && !memcmp(s->variants[i].key, key, bytes))
      found = &s->variants[i];
  if (found) found->users++;
  sx_lock_drop(&s->lock);
  return found;
}

/* Puts a new variant into a slot that nobody uses and gives what was there; NULL slot: all are in use. */
static variant *keep_variant(sx_session *s, variant v, variant *old) {
  variant *slot = NULL;
  sx_lock_take(&s->lock);
  for (int i = 0; i < VARIANTS && !slot; i++) {
    variant *x = &s->variants[(s->turn + (uint32_t)i) % VARIANTS];
    if (!x->users) slot = x;
  }
  if (slot) {
    s->turn = (uint32_t)(slot - s->variants) + 1;
    *old = *slot;
    *slot = v;
    slot->users = 1;
  }
  sx_lock_drop(&s->lock);
  return slot;
}

static sx_status run_exec(sx_session *s, const sx_run_options *o, sx_rt_value *const *inputs, sx_rt_value **outputs,
                          const bool *wanted, sx_err *e);
static sx_status run_by_shapes(sx_session *s, const sx_run_options *o, sx_rt_value *const *inputs, sx_rt_value **outputs,
                               const bool *wanted, sx_err *e);

sx_status sx_session_run(sx_session *s, const sx_run_options *o, sx_rt_value *const *inputs, sx_rt_value **outputs,
                         const bool *wanted, sx_err *e) {
  static const sx_run_options none = {0};
  return (s->by_shapes ? run_by_shapes : run_exec)(s, o ? o : &none, inputs, outputs, wanted, e);
}

static sx_status run_exec(sx_session *s, const sx_run_options *o, sx_rt_value *const *inputs, sx_rt_value **outputs,
                          const bool *wanted, sx_err *e) {
  enum { SMALL = 32 };
  sx_run_ctx r = {.pool = s->width > 1 ? s->pool : NULL,
                  .profile = o->profile,
                  .output_source = o->output_source,
                  .on_device = o->on_device,
                  .caller = o->caller,
                  .log = o->log};
  uint32_t n = s->model->graph->outputs.n;
  bool all = true;
  for (uint32_t i = 0; wanted && i < n; i++) all &= wanted[i];
  if (all) return sx_exec_run(s->exec, &r, NULL, inputs, outputs, e);
  sx_rt_value *small[SMALL], **out = n <= SMALL ? small : sx_calloc(n, sizeof *out);
  if (!out) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < n; i++) out[i] = wanted[i] ? outputs[i] : NULL;
  sx_status st = sx_exec_run(s->exec, &r, NULL, inputs, out, e);
  for (uint32_t i = 0; i < n; i++)
    if (wanted[i] && st == SX_OK)
      outputs[i] = out[i];
    else if (!wanted[i])
      sx_rt_unref(out[i]);
  if (out != small) sx_free(out, n * sizeof *out);
  return st;
}

static sx_status run_by_shapes(sx_session *s, const sx_run_options *o, sx_rt_value *const *inputs, sx_rt_value **outputs,
                               const bool *wanted, sx_err *e) {
  enum { SMALL = 128 };
  size_t n = signature_length(s->model->graph, inputs), bytes = n * sizeof(int64_t);
  int64_t small[SMALL], *key = n <= SMALL ? small : sx_malloc(bytes);
  variant made = {0}, old = {0}, *v = NULL;
  if (!key) SX_NO_MEMORY(e);
  write_signature(s->model->graph, inputs, key, n);
  sx_status st = SX_OK;
  if (!(v = find_variant(s, key, bytes)) && (st = create_variant(s, key, bytes, &made, e)) == SX_OK)
    v = keep_variant(s, made, &old);
  if (st == SX_OK) st = run_exec(v ? v->s : made.s, o, inputs, outputs, wanted, e);
  if (v)
    leave_variant(s, v);
  else {
    sx_session_destroy(made.s);
    sx_free(made.key, made.key_bytes);
  }
  sx_session_destroy(old.s);
  sx_free(old.key, old.key_bytes);
  if (key != small) sx_free(key, bytes);
  return st;
}
