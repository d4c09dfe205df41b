// SPDX-License-Identifier: MIT
/* Which values share memory. A buffer is the storage of one value and of all that alias it: views of it, results computed
 * in its place. Lifetimes are in steps of the segment that makes the buffer; what a later segment reads lives to the end of
 * its own (and the slab of a segment to the end of the run). */
#include "plan/plan_priv.h"

typedef struct assign {
  sx_compile *c;
  sx_plan *p;
  const sx_graph *g;
  SX_VEC(sx_buffer) bufs;
  SX_VEC(uint32_t) left; /* uses still to come, by buffer; outputs count as one that never comes */
  SX_VEC(sx_output_copy) copies;
  uint32_t segment;
} assign;
enum { NEVER_LAST = 1 << 30 }; /* what an output counts in `left`: more uses than steps can take away */

static uint32_t new_buffer(assign *a, sx_buffer_kind kind, sx_vid v, uint32_t step) {
  sx_buffer b = {.kind = (uint8_t)kind, .segment = a->segment, .first = step, .last = step, .value = v, .place = SX_NONE};
  if (!sx_vec_push(&a->bufs, b) || !sx_vec_push(&a->left, 0)) return SX_NONE;
  return a->bufs.n - 1;
}

static void join(assign *a, uint32_t b, sx_vid v) {
  const sx_value *x = sx_value_at(a->g, v);
  a->p->value_buffer[v] = b;
  a->left.at[b] += x->n_uses + (x->output_uses ? NEVER_LAST : 0);
}

/* The buffer of a value that no step makes: an input, a capture or a constant. */
static sx_status source_buffer(assign *a, sx_vid v, uint32_t *out) {
  const sx_value *x = sx_value_at(a->g, v);
  sx_buffer_kind kind = SX_BUF_INPUT;
  uint32_t index = x->index;
  const void *data = NULL;
  if (x->kind == SX_VALUE_CAPTURE) index += a->g->inputs.n;
  if (!x->overridable && x->fact.constant) {
    kind = SX_BUF_CONST;
    sx_tensor *t = x->fact.constant;
    sx_tensor_pin(t);
    if (t->owner == SX_OWN_CALLER && !t->caller_lives)
      SX_TRY(sx_tensor_own(t, a->c->e)); /* the address is kept, the bytes are not */
    SX_TRY(sx_tensor_data(x->fact.constant, &data, a->c->e));
  } else if (x->kind == SX_VALUE_CONST)
    kind = SX_BUF_ELEMS;
  uint32_t b = new_buffer(a, kind, v, 0);
  if (b == SX_NONE) SX_NO_MEMORY(a->c->e);
  a->bufs.at[b].index = index, a->bufs.at[b].data = data, a->bufs.at[b].segment = 0;
  join(a, b, v);
  *out = b;
  return SX_OK;
}

static bool same_size(const sx_fact *x, const sx_fact *y) {
  if (x->kind != SX_KIND_TENSOR || y->kind != SX_KIND_TENSOR || x->rank != y->rank || x->layout != y->layout ||
      x->block != y->block)
    return false;
  if (sx_dtype_bits(x->dtype) != sx_dtype_bits(y->dtype) || x->dtype == SX_STRING) return false;
  for (int i = 0; i < x->rank; i++)
    if (x->dims[i] != y->dims[i]) return false;
  return true;
}

static uint32_t output_index(const sx_graph *g, sx_vid v) {
  for (uint32_t i = 0; i < g->outputs.n; i++)
    if (g->outputs.at[i] == v) return i;
  return SX_NONE;
}

/* A view takes its source's buffer, unless the result must be a graph output's own memory. */
static bool try_view(assign *a, sx_step *s, const sx_node *n) {
  uint32_t src = a->p->args[s->args];
  sx_vid v = n->out[0];
  const sx_value *x = sx_value_at(a->g, v);
  bool tensor =
      x->fact.kind == SX_KIND_TENSOR || x->fact.kind == SX_KIND_UNKNOWN; /* other values are handed on by reference */
  if (tensor && x->output_uses) {
    sx_buffer *b = &a->bufs.at[src];
    if (b->kind != SX_BUF_SLAB || b->segment != a->segment || x->fact.dtype == SX_STRING) return false;
    b->kind = SX_BUF_OUTPUT; /* whoever makes it writes straight into the output */
    b->index = output_index(a->g, v);
    b->value = v;
  }
  join(a, src, v);
  s->nothing = true;
  return true;
}

static bool may_overwrite(const sx_kernel *k, uint32_t i) {
  return (k->flags & SX_KERNEL_INPLACE_ANY) || (i == 0 && k->flags & SX_KERNEL_INPLACE0) ||
         (i == 1 && k->flags & SX_KERNEL_INPLACE1);
}

/* Output 0 in the place of an input that dies here; no other operand may lie there under another shape. */
static bool try_inplace(assign *a, sx_step *s, const sx_node *n) {
  sx_vid v = n->out[0];
  for (uint32_t i = 0; i < n->n_in; i++) {
    uint32_t b = a->p->args[s->args + i];
    if (b == SX_NONE || !may_overwrite(s->kernel, i)) continue;
    const sx_buffer *x = &a->bufs.at[b];
    if (x->kind != SX_BUF_SLAB || x->segment != a->segment || a->left.at[b]) continue;
    if (!same_size(&sx_value_at(a->g, n->in[i].value)->fact, &sx_value_at(a->g, v)->fact) ||
        sx_value_at(a->g, v)->output_uses)
      continue;
    bool clash = false;
    for (uint32_t k = 0; k < n->n_in; k++)
      clash |= k != i && a->p->args[s->args + k] == b && n->in[k].value != n->in[i].value;
    if (clash) continue;
    join(a, b, v);
    return true;
  }
  return false;
}

static sx_status make_output(assign *a, uint32_t step, sx_step *s, const sx_node *n, uint32_t o) {
  sx_vid v = n->out[o];
  const sx_value *x = sx_value_at(a->g, v);
  bool late = (s->kernel->flags & SX_KERNEL_LATE) != 0;
  uint32_t b;
  if (o == 0 && s->kernel->flags & SX_KERNEL_VIEW) {
    if (try_view(a, s, n)) return SX_OK;
    s->copy = true;
  } else if (o == 0 && !late && try_inplace(a, s, n))
    return SX_OK;
  b = new_buffer(a, late ? SX_BUF_LATE : x->output_uses ? SX_BUF_OUTPUT : SX_BUF_SLAB, v, step);
  if (b == SX_NONE) SX_NO_MEMORY(a->c->e);
  if (late)
    a->bufs.at[b].index = a->p->n_late++;
  else if (x->output_uses)
    a->bufs.at[b].index = output_index(a->g, v);
  join(a, b, v);
  return SX_OK;
}

static sx_status assign_step(assign *a, uint32_t step) {
  sx_step *s = &a->p->steps[step];
  const sx_node *n = sx_node_at(a->g, s->node);
  for (uint32_t i = 0; i < n->n_in; i++) {
    uint32_t *b = &a->p->args[s->args + i];
    *b = SX_NONE;
    if (n->in[i].value == SX_NONE || (i < 32 && s->unused >> i & 1)) continue;
    sx_tensor *content = sx_value_const(a->g, n->in[i].value); /* kernels may look at it whenever shapes are new */
    if (content) sx_tensor_pin(content);
    *b = a->p->value_buffer[n->in[i].value];
    if (*b == SX_NONE) SX_TRY(source_buffer(a, n->in[i].value, b));
    a->left.at[*b]--;
    sx_buffer *x = &a->bufs.at[*b];
    if (x->kind == SX_BUF_SLAB || x->kind == SX_BUF_OUTPUT) {
      if (x->segment == a->segment)
        x->last = step;
      else
        x->exported = true;
    }
  }
  for (uint32_t o = 0; o < n->n_out; o++) {
    uint32_t *b = &a->p->args[s->args + s->n_in + o];
    *b = SX_NONE;
    if (n->out[o] == SX_NONE) continue;
    SX_TRY(make_output(a, step, s, n, o));
    *b = a->p->value_buffer[n->out[o]];
    if (a->bufs.at[*b].last < step) a->bufs.at[*b].last = step;
  }
  return SX_OK;
}

/* Outputs that no step writes: an input or constant handed out, one value twice, a late value. */
static sx_status find_copies(assign *a) {
  for (uint32_t i = 0; i < a->g->outputs.n; i++) {
    sx_vid v = a->g->outputs.at[i];
    uint32_t b = a->p->value_buffer[v];
    if (b == SX_NONE) SX_TRY(source_buffer(a, v, &b));
    const sx_buffer *x = &a->bufs.at[b];
    if (x->kind == SX_BUF_OUTPUT && x->index == i) continue;
    if (!sx_vec_push(&a->copies, ((sx_output_copy){i, b}))) SX_NO_MEMORY(a->c->e);
  }
  return SX_OK;
}

/* Argument positions whose addresses change from run to run. Those of a late value that the segment makes get places when its first
 * one is met in the second pass, so that they lie side by side; the third fills them in. */
static sx_status patch_list(assign *a, sx_segment *s) {
  enum { COUNT, PLACE, FILL };
  const uint32_t own = (uint32_t)(s - a->p->segments);
  uint32_t n = 0;
  for (int pass = COUNT; pass <= FILL; pass++) {
    for (uint32_t at = 0, k = s->begin, end; k < s->end; k++)
      for (at = a->p->steps[k].args, end = at + a->p->steps[k].n_in + a->p->steps[k].n_out; at < end; at++) {
        sx_buffer *x = a->p->args[at] == SX_NONE ? NULL : &a->p->buffers[a->p->args[at]];
        if (!x || x->kind == SX_BUF_CONST || x->kind == SX_BUF_ELEMS || (x->kind == SX_BUF_SLAB && x->segment == own)) continue;
        const bool late = x->kind == SX_BUF_LATE && x->segment == own;
        if (pass == COUNT) s->n_patch++, x->n_patch += late;
        else if (pass == PLACE && !late) s->patch[n++] = at;
        else if (pass == PLACE && x->place == SX_NONE) x->place = n, n += x->n_patch, x->n_patch = 0;
        else if (pass == FILL && late) s->patch[x->place + x->n_patch++] = at;
      }
    if (pass == COUNT && !(s->patch = SX_NEW_N(&a->p->arena, uint32_t, (size_t)s->n_patch + 1))) SX_NO_MEMORY(a->c->e);
  }
  return SX_OK;
}

/* The buffers of each segment's slab. */
static sx_status slab_lists(assign *a) {
  sx_plan *p = a->p;
  for (uint32_t b = 0; b < p->n_buffers; b++)
    if (p->buffers[b].kind == SX_BUF_SLAB) p->buffers[b].place = p->segments[p->buffers[b].segment].n_slabs++;
  for (uint32_t s = 0; s < p->n_segments; s++)
    if (!(p->segments[s].slabs = SX_NEW_N(&p->arena, uint32_t, (size_t)p->segments[s].n_slabs + 1))) SX_NO_MEMORY(a->c->e);
  for (uint32_t b = 0; b < p->n_buffers; b++)
    if (p->buffers[b].kind == SX_BUF_SLAB) p->segments[p->buffers[b].segment].slabs[p->buffers[b].place] = b;
  return SX_OK;
}

static sx_status assign_all(assign *a) {
  sx_plan *p = a->p;
  p->value_buffer = SX_NEW_N(&p->arena, uint32_t, (size_t)a->g->values.n + 1);
  if (!p->value_buffer) SX_NO_MEMORY(a->c->e);
  memset(p->value_buffer, 0xff, a->g->values.n * sizeof *p->value_buffer);
  for (uint32_t s = 0; s < p->n_segments; s++) {
    a->segment = s;
    for (uint32_t k = p->segments[s].begin; k < p->segments[s].end; k++) SX_TRY(assign_step(a, k));
  }
  SX_TRY(find_copies(a));
  for (uint32_t b = 0; b < a->bufs.n; b++) {
    sx_buffer *x = &a->bufs.at[b];
    if (x->kind == SX_BUF_SLAB && (x->exported || a->left.at[b] >> 29))
      x->last = p->segments[x->segment].end; /* read after its segment */
  }
  p->n_buffers = a->bufs.n;
  p->buffers = sx_arena_copy(&p->arena, a->bufs.at, (size_t)a->bufs.n * sizeof *p->buffers);
  p->n_copies = a->copies.n;
  p->copies = sx_arena_copy(&p->arena, a->copies.at, (size_t)a->copies.n * sizeof *p->copies);
  if (!p->buffers || !p->copies) SX_NO_MEMORY(a->c->e);
  SX_TRY(slab_lists(a));
  for (uint32_t s = 0; s < p->n_segments; s++) SX_TRY(patch_list(a, &p->segments[s]));
  return SX_OK;
}

sx_status sx_plan_assign_buffers(sx_compile *c) {
  assign a = {.c = c, .p = c->p, .g = c->g};
  sx_status s = assign_all(&a);
  sx_vec_free(&a.bufs);
  sx_vec_free(&a.left);
  sx_vec_free(&a.copies);
  return s;
}
