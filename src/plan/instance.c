// SPDX-License-Identifier: MIT
/* Instances: sizes out of the shape program, offsets in the slab, every step prepared. Made when a signature is new, found
 * by comparing a few numbers when it is not. */
#include "plan/plan_priv.h"

enum { SERIAL_NS = 6000, RANGE_NS = 400000, RANGES_PER_THREAD = 8 };

typedef struct builder {
  sx_plan *p;
  sx_segment *seg;
  sx_instance *x;
  sx_arena tmp;
  sx_dim_values dims;
  sx_block *blocks;       /* SLAB buffers of the segment, then scratch of steps */
  uint32_t *block_buffer; /* place of a block's buffer, or SX_NONE */
  uint32_t n_blocks;
  sx_err *e;
} builder;

void sx_instance_unref(sx_instance *i) {
  if (!i || atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) != 1) return;
  sx_arena_free(&i->arena);
  sx_free(i, sizeof *i);
}

static sx_status elems_of(builder *b, const sx_fact *f, const int64_t **out) {
  int64_t *v = SX_NEW_N(&b->x->arena, int64_t, (size_t)f->n_elems + 1);
  if (!v) SX_NO_MEMORY(b->e);
  *out = NULL;
  for (uint32_t i = 0; i < f->n_elems; i++)
    if ((v[i] = sx_dim_now(&b->dims, f->elems[i])) == SX_DIM_UNKNOWN) {
      if (b->dims.failed) SX_NO_MEMORY(b->e);
      return SX_OK;
    }
  *out = v;
  return SX_OK;
}

static sx_status view_of(builder *b, sx_vid id, bool content, sx_view *v) {
  const sx_value *x = sx_value_at(b->p->graph, id);
  const sx_fact *f = &x->fact;
  *v = (sx_view){.dtype = f->dtype, .layout = f->layout, .block = f->block, .rank = f->rank};
  if (f->kind != SX_KIND_TENSOR || f->rank < 0) {
    v->rank = -1;
    return SX_OK;
  }
  int64_t *d = SX_NEW_N(&b->x->arena, int64_t, (size_t)f->rank + 1), count = 1, padded = 1;
  if (!d) SX_NO_MEMORY(b->e);
  for (int i = 0; i < f->rank; i++) {
    d[i] = sx_dim_now(&b->dims, f->dims[i]);
    int64_t phys = f->layout == SX_BLOCKED && i == 1 && d[i] >= 0 ? (d[i] + f->block - 1) / f->block * f->block : d[i];
    if (b->dims.failed) SX_NO_MEMORY(b->e);
    if (d[i] == SX_DIM_UNKNOWN)
      SX_FAIL(b->e, FAIL, "dimension %d of value '%.*s' cannot be computed for these inputs", i,
              SX_FMT(x->name));
    if (d[i] < 0 || !sx_i64_mul(count, d[i], &count) || !sx_i64_mul(padded, phys, &padded))
      SX_FAIL(b->e, FAIL, "dimension %d of value '%.*s' would be %lld for these inputs, or the size overflows",
              i, SX_FMT(x->name), (long long)d[i]);
  }
  v->dims = d, v->count = count;
  if (!sx_dtype_bytes((sx_dtype)f->dtype, padded, &v->size))
    SX_FAIL(b->e, FAIL, "value '%.*s' of %lld elements does not fit memory", SX_FMT(x->name),
            (long long)padded);
  if (f->constant && !x->overridable && content) SX_TRY(sx_tensor_data(f->constant, &v->constant, b->e));
  if (f->elems && !x->overridable && (int64_t)f->n_elems == count) SX_TRY(elems_of(b, f, &v->elems));
  return SX_OK;
}

/* The bytes of a small integer tensor that follows from the shapes. Its views need not know them. */
static sx_status materialise(builder *b, uint32_t buffer, const void **out) {
  sx_view own, *v = &own;
  SX_TRY(view_of(b, b->p->buffers[buffer].value, true, v));
  char *d = sx_arena_alloc(&b->x->arena, v->size + 1);
  if (!d) SX_NO_MEMORY(b->e);
  size_t size = sx_dtype_bits((sx_dtype)v->dtype) / 8;
  if (!v->elems) SX_FAIL(b->e, RUNTIME_EXCEPTION, "a shape tensor's content cannot be computed for these inputs");
  for (int64_t i = 0; i < v->count; i++)
    memcpy(d + (size_t)i * size, &v->elems[i], size); /* little-endian: the low bytes */
  *out = d;
  return SX_OK;
}

/* A result that is larger than all that is left is refused before kernels prepare for it. */
static SX_OWN_FRAME sx_status check_room(builder *b, const sx_view *v) {
  const uint64_t room = v->size > (size_t)1 << 30 ? sx_memory_available() : UINT64_MAX;
  char shape[SX_SHAPE_TEXT];
  if (v->size <= room) return SX_OK;
  SX_FAIL(b->e, FAIL, "a result %s needs %zu MB, more than the %llu MB that this process may use",
          sx_shape_text((sx_dtype)v->dtype, v->rank, v->dims, shape), v->size >> 20, (unsigned long long)(room >> 20));
}

static sx_status views(builder *b) {
  const sx_plan *p = b->p;
  uint32_t base = b->seg->begin < p->n_steps ? p->steps[b->seg->begin].args : 0;
  for (uint32_t k = b->seg->begin; k < b->seg->end; k++) {
    const sx_step *s = &p->steps[k];
    bool late = (s->kernel->flags & SX_KERNEL_LATE) != 0;
    for (uint32_t i = 0; i < s->n_in + s->n_out; i++) {
      uint32_t at = s->args + i, buf = p->args[at];
      sx_view *v = &b->x->views[at - base];
      v->rank = -1;
      if (p->arg_values[at] == SX_NONE) continue;
      if (late && i >= s->n_in) {
        v->dtype = sx_value_at(p->graph, p->arg_values[at])->fact.dtype;
        continue;
      }
      sx_status st = view_of(b, p->arg_values[at], buf != SX_NONE && i < s->n_in, v);
      if (st == SX_OK && i >= s->n_in && !(s->kernel->flags & SX_KERNEL_VIEW)) st = check_room(b, v);
      if (st == SX_OK && buf != SX_NONE && p->buffers[buf].kind == SX_BUF_ELEMS) st = materialise(b, buf, &v->constant);
      if (st != SX_OK) return sx_node_context(p->graph, sx_node_at(p->graph, s->node), st, b->e);
    }
  }
  return SX_OK;
}

/* Copies as a kernel of its own: for views whose result must be elsewhere. */
typedef struct copy_params {
  size_t size;
} copy_params;
enum { COPY_UNIT = 1 << 18 };
static sx_status copy_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const copy_params *p = c->params;
  size_t from = (size_t)begin * COPY_UNIT, to = (size_t)end * COPY_UNIT;
  if (to > p->size) to = p->size;
  if (to > from && c->out[0] != c->in[0]) memcpy((char *)c->out[0] + from, (const char *)c->in[0] + from, to - from);
  return SX_OK;
}
static sx_status copy_prepare(sx_prep *p) {
  copy_params *c = SX_NEW(p->arena, copy_params);
  if (!c) SX_NO_MEMORY(p->e);
  c->size = p->out[0].size;
  p->params = c;
  return sx_prep_phase(p, copy_run, (int64_t)((c->size + COPY_UNIT - 1) / COPY_UNIT), COPY_UNIT / 8, 0);
}

static void choose_threads(const sx_plan *p, sx_ready *r) {
  for (uint32_t i = 0; i < r->n_phases; i++) {
    const sx_phase *f = &r->phases[i];
    double total = (double)f->units * f->unit_ns, unit = f->unit_ns > 1 ? f->unit_ns : 1;
    uint32_t threads = p->width;
    if (total < SERIAL_NS) threads = 1;
    else if (total / (SERIAL_NS / 2) < threads) threads = (uint32_t)(total / (SERIAL_NS / 2));
    if (p->split) threads = p->width, unit = RANGE_NS;
    if (threads > f->units) threads = f->units;
    if (threads < 1) threads = 1;
    double grain = (double)f->units / threads / RANGES_PER_THREAD;
    if (grain * unit < 2000) grain = 2000 / unit; /* a claim costs some tens of nanoseconds */
    if (grain * unit > RANGE_NS) grain = RANGE_NS / unit;
    if (threads > 1 && grain > (double)f->units / threads) grain = (double)f->units / threads;
    r->threads[i] = threads;
    r->grain[i] = grain < 1 ? 1 : (uint32_t)grain;
  }
}

/* What inference could not refuse of open sizes, it may now. */
static sx_status check_sizes(builder *b, const sx_step *s, const sx_view *v) {
  const sx_graph *g = b->p->graph;
  const sx_node *n = sx_node_at(g, s->node);
  if (!n->op || !n->op->infer || !(n->op->flags & SX_OP_CHECK_SIZES) || n->n_in != s->n_in) return SX_OK;
  sx_fact *in = SX_NEW_N(&b->tmp, sx_fact, (size_t)n->n_in + 1), *out = SX_NEW_N(&b->tmp, sx_fact, (size_t)n->n_out + 1);
  sx_dimtab dims = {0};
  if (!in || !out) SX_NO_MEMORY(b->e);
  bool open = false;
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (n->in[i].value == SX_NONE) continue;
    in[i] = sx_value_at(g, n->in[i].value)->fact;
    for (int k = 0; k < in[i].rank; k++) open |= !sx_dim_is_const(in[i].dims[k]);
    if (v[i].rank >= 0) in[i].dims = v[i].dims;
    if (in[i].elems) in[i].elems = v[i].elems, in[i].n_elems = v[i].elems ? (uint32_t)v[i].count : 0;
  }
  if (!open) return SX_OK; /* it has seen the numbers */
  const sx_status st = sx_infer_concrete(g, s->node, in, out, &dims, &b->tmp, b->e);
  sx_dimtab_free(&dims);
  return st;
}

static sx_status prepare_steps(builder *b) {
  sx_plan *p = b->p;
  uint32_t base = b->seg->begin < p->n_steps ? p->steps[b->seg->begin].args : 0;
  for (uint32_t k = b->seg->begin; k < b->seg->end; k++) {
    const sx_step *s = &p->steps[k];
    sx_ready *r = &b->x->steps[k - b->seg->begin];
    const sx_view *v = &b->x->views[s->args - base], *out = v + s->n_in;
    r->scratch = r->worker_scratch = SIZE_MAX;
    if (s->kernel->flags & SX_KERNEL_VIEW && out->dtype &&
        v->size != out->size) { /* what shares memory must have the same */
      sx_status st = sx_fail(b->e, SX_E_INVALID_ARGUMENT, SX_HERE, "the input has %lld elements, the shape asks for %lld",
                             (long long)v->count, (long long)out->count);
      return sx_node_context(p->graph, sx_node_at(p->graph, s->node), st, b->e);
    }
    if (s->nothing || s->kernel->flags & SX_KERNEL_LATE) continue;
    uint32_t contents = s->kernel->flags & SX_KERNEL_CONTENT ? s->kernel->op->shape_inputs : 0;
    for (uint32_t i = 0; i < s->n_in && i < 32; i++) r->deferred |= contents >> i & 1 && v[i].dtype && !v[i].constant;
    if (r->deferred) continue;
    SX_TRY(check_sizes(b, s, v));
    sx_prep q = sx_step_prep(p, s, v, out, &b->x->arena, b->e);
    SX_TRY(sx_node_context(p->graph, q.n, s->copy ? copy_prepare(&q) : s->kernel->prepare(&q), b->e));
    r->params = q.params;
    for (uint32_t i = 0; i < q.n_phases; i++) /* a phase without units is no phase */
      if (q.phases[i].units) r->phases[r->n_phases++] = q.phases[i];
    choose_threads(p, r);
    size_t worker = 0, total;
    for (uint32_t i = 0; i < r->n_phases; i++) {
      size_t w = sx_round_up(r->phases[i].worker_scratch, SX_ALIGN);
      if (!sx_size_mul(w, r->threads[i], &total)) SX_FAIL(b->e, FAIL, "scratch memory overflows");
      if (total > worker) worker = total;
    }
    if (q.scratch)
      b->blocks[b->n_blocks] = (sx_block){q.scratch, 0, k, k}, b->block_buffer[b->n_blocks] = SX_NONE,
      r->scratch = b->n_blocks++;
    if (worker)
      b->blocks[b->n_blocks] = (sx_block){worker, 0, k, k}, b->block_buffer[b->n_blocks] = SX_NONE,
      r->worker_scratch = b->n_blocks++;
  }
  return SX_OK;
}

static sx_status place(builder *b) {
  bool failed;
  b->x->slab = sx_place_blocks(b->blocks, b->n_blocks, &b->tmp, &failed);
  if (b->tmp.failed) SX_NO_MEMORY(b->e);
  if (failed) SX_FAIL(b->e, FAIL, "the intermediate results of these shapes do not fit memory");
  if (b->x->slab > ((size_t)1 << 28) && b->x->slab > sx_memory_available()) {
    uint32_t most = 0;
    for (uint32_t i = 1; i < b->n_blocks; i++)
      if (b->blocks[i].size > b->blocks[most].size) most = i;
    const sx_status st =
        sx_fail(b->e, SX_E_FAIL, SX_HERE,
                "the intermediate results of these shapes need %zu MB, more than the %llu MB that this process may use; "
                "the largest is this node's, of %zu MB",
                b->x->slab >> 20, (unsigned long long)(sx_memory_available() >> 20), b->blocks[most].size >> 20);
    return sx_node_context(b->p->graph, sx_node_at(b->p->graph, b->p->steps[b->blocks[most].first].node), st, b->e);
  }
  for (uint32_t i = 0; i < b->n_blocks; i++)
    if (b->block_buffer[i] != SX_NONE) b->x->offsets[b->block_buffer[i]] = b->blocks[i].offset;
  for (uint32_t k = 0; k < b->seg->end - b->seg->begin; k++) {
    sx_ready *r = &b->x->steps[k];
    if (r->scratch != SIZE_MAX) r->scratch = b->blocks[r->scratch].offset;
    if (r->worker_scratch != SIZE_MAX) r->worker_scratch = b->blocks[r->worker_scratch].offset;
  }
  return SX_OK;
}

static sx_status slab_blocks(builder *b) {
  const sx_plan *p = b->p;
  const uint32_t n = 2 * (b->seg->end - b->seg->begin) + b->seg->n_slabs;
  b->blocks = SX_NEW_N(&b->tmp, sx_block, (size_t)n + 1);
  b->block_buffer = SX_NEW_N(&b->tmp, uint32_t, (size_t)n + 1);
  if (!b->blocks || !b->block_buffer) SX_NO_MEMORY(b->e);
  for (uint32_t i = 0; i < b->seg->n_slabs; i++) {
    const sx_buffer *x = &p->buffers[b->seg->slabs[i]];
    sx_view v;
    SX_TRY(view_of(b, x->value, false, &v));
    b->block_buffer[b->n_blocks] = i;
    b->blocks[b->n_blocks++] = (sx_block){v.size, 0, x->first, x->last};
  }
  return SX_OK;
}

static sx_status build(builder *b, const int64_t *symbols) {
  sx_plan *p = b->p;
  sx_instance *x = b->x;
  uint32_t steps = b->seg->end - b->seg->begin, args = 0;
  for (uint32_t k = b->seg->begin; k < b->seg->end; k++) args += p->steps[k].n_in + p->steps[k].n_out;
  x->key = SX_NEW_N(&x->arena, int64_t, (size_t)b->seg->n_keys + 1);
  x->offsets = SX_NEW_N(&x->arena, size_t, (size_t)b->seg->n_slabs + 1);
  x->views = SX_NEW_N(&x->arena, sx_view, (size_t)args + 1);
  x->steps = SX_NEW_N(&x->arena, sx_ready, (size_t)steps + 1);
  if (!x->key || !x->offsets || !x->views || !x->steps) SX_NO_MEMORY(b->e);
  for (uint32_t i = 0; i < b->seg->n_keys; i++) x->key[i] = symbols[b->seg->keys[i]];
  b->dims = (sx_dim_values){.t = &p->graph->model->dims, .symbols = symbols, .arena = &b->tmp};
  SX_TRY(views(b));
  SX_TRY(slab_blocks(b));
  SX_TRY(prepare_steps(b));
  return place(b);
}

static bool fits(const sx_segment *s, const sx_instance *x, const int64_t *symbols) {
  for (uint32_t i = 0; i < s->n_keys; i++)
    if (x->key[i] != symbols[s->keys[i]]) return false;
  return true;
}

sx_status sx_plan_instance(sx_plan *p, uint32_t segment, const int64_t *symbols, sx_instance **out, sx_err *e) {
  sx_segment *s = &p->segments[segment];
  enum { CACHE = sizeof s->cache / sizeof *s->cache };
  sx_instance *x = NULL;
  sx_lock_take(&s->lock);
  for (uint32_t i = 0; i < CACHE && !x; i++)
    if (s->cache[i] && fits(s, s->cache[i], symbols)) x = s->cache[i];
  if (x) atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
  sx_lock_drop(&s->lock);
  *out = x;
  if (x) return SX_OK;
  if (!(x = sx_calloc(1, sizeof *x))) SX_NO_MEMORY(e);
  atomic_init(&x->refs, 1);
  builder b = {.p = p, .seg = s, .x = x, .e = e};
  sx_status st = build(&b, symbols);
  if (st == SX_OK) st = sx_stop_settle(e); /* what was prepared may be incomplete */
  sx_arena_free(&b.tmp);
  if (st != SX_OK) {
    sx_instance_unref(x);
    return st;
  }
  atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
  sx_lock_take(&s->lock);
  uint32_t at = s->turn++ % CACHE;
  sx_instance *old = s->cache[at];
  s->cache[at] = x;
  sx_lock_drop(&s->lock);
  sx_instance_unref(old);
  *out = x;
  return SX_OK;
}
