// SPDX-License-Identifier: MIT
/* Canonicalising: each node is held against its schema row, upgraded to the newest form, and its facts are inferred; in
 * execution order, so that every step sees the facts of its inputs. After this nobody asks for an operator set version. */
#include "onnx/import_priv.h"
#include "base/stop.h"

typedef struct canon {
  sx_model *m;
  const sx_import_options *o;
  sx_err *e;
  bool failed;
  int64_t folded; /* elements of what was computed with o->fold */
} canon;

static sx_status unknown_operator(canon *c, const sx_node *n) {
  sx_domain d;
  if (sx_domain_find(n->domain, &d)) {
    const sx_schema *latest = sx_schema_latest(d, n->op_type);
    if (latest)
      SX_FAIL(c->e, INVALID_GRAPH, "operator '%.*s' came to domain '%s' later than version %d, which the model imports",
              SX_FMT(n->op_type), sx_domain_name(d), n->since_version);
    return sx_fail(c->e, d == SX_DOMAIN_ONNX || d == SX_DOMAIN_ML ? SX_E_INVALID_GRAPH : SX_E_FAIL, SX_HERE,
                   "'%.*s' is not a registered operator of domain '%s'", SX_FMT(n->op_type),
                   d == SX_DOMAIN_ONNX ? "ai.onnx" : sx_domain_name(d));
  }
  return sx_fail(
      c->e, n->since_version ? SX_E_FAIL : SX_E_INVALID_GRAPH, SX_HERE,
      "'%.*s' is not a registered operator: domain '%.*s' is unknown. Known domains: ai.onnx, ai.onnx.ml, ai.onnx.preview, "
      "ai.onnx.preview.training, com.microsoft. A custom operator is registered on the session options before the model is "
      "loaded "
      "(CustomOpDomain_Add and AddCustomOpDomain, or RegisterCustomOpsLibrary)",
      SX_FMT(n->op_type), SX_FMT(n->domain));
}

static sx_status check_count(canon *c, const char *what, uint32_t n, uint32_t least, uint32_t most) {
  if (n >= least && n <= most) return SX_OK;
  if (least == most) SX_FAIL(c->e, INVALID_GRAPH, "has %u %ss, expected %u", n, what, least);
  if (most == 0xffff) SX_FAIL(c->e, INVALID_GRAPH, "has %u %ss, expected at least %u", n, what, least);
  SX_FAIL(c->e, INVALID_GRAPH, "has %u %ss, expected %u to %u", n, what, least, most);
}
static sx_status check_arity(canon *c, const sx_schema *s, const sx_node *n) {
  SX_TRY(check_count(c, "input", n->n_formal, s->min_in, s->max_in));
  SX_TRY(check_count(c, "output", n->n_out, s->min_out, s->max_out));
  for (uint32_t i = 0; i < n->n_formal; i++) {
    const sx_schema_param *p = sx_schema_input(s, i);
    if (n->in[i].value == SX_NONE && p && !(p->flags & SX_PARAM_OPTIONAL))
      SX_FAIL(c->e, INVALID_GRAPH, "input %u ('%s') is left out, but it is not optional", i, sx_schema_text(p->name));
  }
  for (uint32_t i = 0; i < n->n_out && i < s->min_out; i++) {
    const sx_schema_param *p = sx_schema_output(s, i);
    if (n->out[i] == SX_NONE && p && !(p->flags & (SX_PARAM_OPTIONAL | SX_PARAM_VARIADIC)))
      SX_FAIL(c->e, INVALID_GRAPH, "output %u ('%s') has no name, but it is not optional", i, sx_schema_text(p->name));
  }
  return SX_OK;
}

/* Element types against the row's constraints; equal within a constraint. Values of unknown type pass. */
static sx_status check_types(canon *c, const sx_schema *s, const sx_graph *g, const sx_node *n) {
  uint8_t bound[32] = {0};
  for (uint32_t i = 0; i < n->n_formal; i++) {
    const sx_schema_param *p = sx_schema_input(s, i);
    if (n->in[i].value == SX_NONE || !p) continue;
    const sx_fact *f = &sx_value_at(g, n->in[i].value)->fact;
    if (f->kind != SX_KIND_TENSOR || !f->dtype) continue;
    if (!(sx_schema_types(s, p)->tensor >> f->dtype & 1))
      SX_FAIL(c->e, INVALID_GRAPH,
              "Type Error: input %u ('%s') has type tensor(%s), which version %u of the operator does not allow", i,
              sx_schema_text(p->name), sx_dtype_name(f->dtype), s->since_version);
    if (p->constraint < 0 || p->constraint >= (int)sizeof bound || (p->flags & SX_PARAM_HETEROGENEOUS)) continue;
    uint8_t *b = &bound[p->constraint];
    if (*b && *b != f->dtype)
      SX_FAIL(c->e, FAIL,
              "Type Error: Type parameter (%s) is bound to different types: tensor(%s) and tensor(%s) at input %u ('%s')",
              sx_schema_text(sx_schema_constraint_at(s, (uint32_t)p->constraint)->name), sx_dtype_name(*b),
              sx_dtype_name(f->dtype), i, sx_schema_text(p->name));
    *b = f->dtype;
  }
  return SX_OK;
}

static sx_status canon_graph(canon *c, sx_graph *g);
static sx_status visit(canon *c, sx_graph *g, sx_nid id);

/* A failure for want of a rank, or of a size where the upgrade says so, which the sizes of the model's inputs may tell. */
static sx_status may_wait(const canon *c, const sx_graph *g, const sx_node *n, sx_status s) {
  const sx_graph *main = c->m->graph;
  bool open = false, lacks = s == SX_E_NEEDS_SHAPES;
  for (uint32_t i = 0; i < main->inputs.n && !c->o->n_shapes; i++) {
    const sx_fact *f = &sx_value_at(main, main->inputs.at[i])->fact;
    open |= f->rank < 0;
    for (int d = 0; d < f->rank; d++) open |= !sx_dim_is_const(f->dims[d]);
  }
  for (uint32_t i = 0; i < n->n_in; i++)
    lacks |= n->in[i].value != SX_NONE && sx_value_at(g, n->in[i].value)->fact.rank < 0;
  if (open && lacks && s != SX_OK && s != SX_E_NO_MEMORY) return SX_E_NEEDS_SHAPES;
  if (s == SX_E_NEEDS_SHAPES && c->e) c->e->code = SX_E_NOT_IMPLEMENTED;
  return s == SX_E_NEEDS_SHAPES ? SX_E_NOT_IMPLEMENTED : s;
}

/* A rank that no size of an input tells, behind a custom operator or a plugin's node: the node stays as it was written, of no
 * operator of ours, and is upgraded when it is met (run/evaluate.c). Its results have the types that the row says. */
static bool stays_open(const sx_graph *g, const sx_node *n) {
  bool open = false;
  for (uint32_t i = 0; i < n->n_in; i++) open |= n->in[i].value != SX_NONE && sx_value_at(g, n->in[i].value)->fact.rank < 0;
  return open && !sx_node_has_body(n);
}
static void leave_open(sx_graph *g, sx_node *n, const sx_schema *s) {
  n->op = NULL;
  for (uint32_t o = 0; o < n->n_out; o++) {
    const sx_schema_param *p = sx_schema_output(s, o);
    sx_fact *f = n->out[o] == SX_NONE ? NULL : &sx_value_at(g, n->out[o])->fact;
    for (uint32_t i = 0; i < n->n_formal && f && !f->dtype && p && p->constraint >= 0; i++)
      if (n->in[i].value != SX_NONE && sx_schema_input(s, i)->constraint == p->constraint)
        *f = (sx_fact){.kind = SX_KIND_TENSOR, .dtype = sx_value_at(g, n->in[i].value)->fact.dtype, .rank = -1};
  }
}

static sx_status upgrade(canon *c, sx_graph *g, sx_nid id, const sx_schema *s, int opset) {
  sx_node *n = sx_node_at(g, id);
  const sx_op *op = sx_op_find(n->domain, n->op_type);
  if (!op && sx_ops_reduced)
    SX_FAIL(c->e, NOT_IMPLEMENTED,
            "operator '%s' was left out of this build of the library: it is not in the list '%s'. A line '%s%s%s' there "
            "brings it in (docs/REDUCED.md)",
            sx_schema_text(s->name), sx_ops_reduced, sx_domain_name(s->domain), s->domain == SX_DOMAIN_ONNX ? "" : ":",
            sx_schema_text(s->name));
  if (!op)
    SX_FAIL(c->e, NOT_IMPLEMENTED,
            "Could not find an implementation for operator '%s' of domain '%s', version %u: it is not in this build",
            sx_schema_text(s->name), sx_domain_name(s->domain), s->since_version);
  n->op = op;
  const uint32_t first = g->nodes.n, n_in = n->n_in, n_attrs = n->n_attrs;
  sx_upgrade_ctx u = {g, id, n, opset, c->e};
  for (size_t k = 0; k < sizeof op->upgrades / sizeof *op->upgrades && op->upgrades[k].fn; k++) {
    if (n->since_version >= op->upgrades[k].below) continue;
    const sx_status st = may_wait(c, g, n, op->upgrades[k].fn(&u));
    const bool untouched = g->nodes.n == first && n->n_in == n_in && n->n_attrs == n_attrs;
    if (st == SX_OK || st == SX_E_NEEDS_SHAPES || st == SX_E_NO_MEMORY || !untouched || !stays_open(g, n)) {
      SX_TRY(st);
      continue;
    }
    if (c->e) *c->e = (sx_err){0};
    leave_open(g, n, s);
    return SX_OK;
  }
  for (uint32_t i = first; i < g->nodes.n; i++) sx_node_at(g, i)->place = n->place;
  return SX_OK;
}

static sx_status canon_node(canon *c, sx_graph *g, sx_nid id) {
  sx_node *n = sx_node_at(g, id);
  if (n->op) return sx_infer_node(g, id, c->e);   /* made by an upgrade */
  bool hosted = n->custom && sx_node_has_body(n); /* control flow for a provider: ours, and its bodies are */
  if (n->custom && !hosted) return SX_OK;         /* placed: its facts are there */
  int opset = n->since_version;
  if (!hosted && c->o->custom && (n->custom = c->o->custom(c->o->custom_ctx, n->domain, n->op_type, opset)) != NULL)
    return c->o->custom_infer ? c->o->custom_infer(c->o->custom_ctx, g, id, c->e) : SX_OK;
  sx_domain d;
  const sx_schema *s = NULL;
  if (sx_domain_find(n->domain, &d)) {
    if (opset > sx_domain_latest(d))
      opset = sx_domain_latest(d); /* newer than the table: as far as the operators are known */
    if (!opset) opset = d == SX_DOMAIN_ONNX ? 0 : 1;
    for (uint32_t i = 0; !opset && i < c->m->opsets.n; i++)
      if (c->m->opsets.at[i].version <= 0)
        SX_FAIL(c->e, INVALID_GRAPH, "the model imports version %lld of an operator set: there is none",
                (long long)c->m->opsets.at[i].version);
    if (!opset) SX_FAIL(c->e, FAIL, "the model imports no operator set for domain '%.*s'", SX_FMT(n->domain));
    s = sx_schema_find(d, n->op_type, opset);
  }
  if (!s) return unknown_operator(c, n);
  if (s->flags & SX_SCHEMA_DEPRECATED && !sx_op_find(n->domain, n->op_type))
    SX_FAIL(c->e, INVALID_GRAPH, "operator '%s' is deprecated at version %d", sx_schema_text(s->name), opset);
  n->since_version = s->since_version; /* what messages speak of from here on */
  SX_TRY(check_arity(c, s, n));
  SX_TRY(sx_import_check_attrs(s, n, c->e));
  SX_TRY(check_types(c, s, g, n));
  const uint32_t first_new = g->nodes.n;
  SX_TRY(upgrade(c, g, id, s, opset));
  if (n->dead) { /* said in other nodes; they are done, unless some came out of a body */
    bool raw = false;
    for (uint32_t i = first_new; i < g->nodes.n; i++) raw |= !sx_node_at(g, i)->op;
    for (uint32_t i = first_new, last = g->nodes.n; i < last && raw; i++) SX_TRY(visit(c, g, i));
    return SX_OK;
  }
  sx_graph *taken = n->op == &sx_op_If ? sx_if_branch(g, n) : NULL;
  if (taken && taken->outputs.n == n->n_out &&
      !taken->inputs.n) { /* the other branch is not even looked at: its sizes may not make sense */
    uint32_t first = g->nodes.n;
    SX_TRY(sx_graph_inline(g, id, taken, c->e));
    for (uint32_t i = first, last = g->nodes.n; i < last; i++) SX_TRY(visit(c, g, i));
    return SX_OK;
  }
  for (uint32_t k = 0, bound = 0; k < n->n_attrs; k++) {
    if (n->attrs[k].type != SX_ATTR_GRAPH) continue;
    if (!bound++) SX_TRY(sx_infer_bind(g, id, c->e));
    sx_status s2 = canon_graph(c, n->attrs[k].g);
    /* With the inputs' sizes given, a branch that is not for them may contradict itself: only taking it is an error. */
    const bool contradicts = s2 == SX_E_INVALID_GRAPH || s2 == SX_E_FAIL || s2 == SX_E_INVALID_ARGUMENT;
    if (contradicts && c->o->n_shapes && n->op == &sx_op_If && c->e) {
      n->attrs[k].g->broken = sx_arena_strdup(&c->m->arena, c->e->msg, strlen(c->e->msg));
      if (n->attrs[k].g->broken) s2 = SX_OK;
    }
    SX_TRY(s2);
  }
  return SX_OK;
}

enum { SMALL = SX_MAX_ELEMS, LARGE = 1 << 24, MOST = 1 << 28 };
/* -1: it is no tensor of known size. */
static int64_t count_of(const sx_fact *f) {
  int64_t n = 1;
  if (f->kind != SX_KIND_TENSOR || f->rank < 0) return -1;
  for (int i = 0; i < f->rank; i++)
    if (!sx_dim_is_const(f->dims[i]) || !sx_i64_mul(n, f->dims[i], &n)) return -1;
  return n;
}
/* ... that may be computed while reading. What integer kernels would take as it is stays. */
static bool is_small(const canon *c, const sx_node *n, const sx_fact *f) {
  const int64_t count = count_of(f), most = c->o->fold && n->op != &sx_op_DequantizeLinear ? LARGE : SMALL;
  return count >= 0 && count <= most && (count <= SMALL || c->folded + count <= MOST);
}

static sx_status set_constant(canon *c, sx_graph *g, sx_vid v, sx_tensor *t) {
  SX_TRY(sx_model_hold(c->m, t, c->e));
  sx_vid k = sx_graph_add_const(g, t, (sx_str){"", 0}); /* for its element facts */
  if (k == SX_NONE) SX_NO_MEMORY(c->e);
  sx_fact *f = &sx_value_at(g, v)->fact;
  f->constant = t;
  f->elems = sx_value_at(g, k)->fact.elems, f->n_elems = sx_value_at(g, k)->fact.n_elems;
  return SX_OK;
}

/* Content that is known now is content for all that follows: elements that are numbers, and small results of constants. */
static sx_status settle(canon *c, sx_graph *g, sx_nid id) {
  const sx_node *n = sx_node_at(g, id);
  bool compute = c->o->evaluate && n->op && !n->custom && n->n_in && n->n_out <= 8 &&
                 !(n->op->flags & (SX_OP_NONDETERMINISTIC | SX_OP_CONTROL | SX_OP_HOST));
  bool wanted = false;
  for (uint32_t i = 0; i < n->n_in && compute; i++)
    compute =
        n->in[i].value == SX_NONE || (sx_value_const(g, n->in[i].value) && is_small(c, n, &sx_value_at(g, n->in[i].value)->fact));
  for (uint32_t o = 0; o < n->n_out; o++) {
    if (n->out[o] == SX_NONE) continue;
    const sx_fact *f = &sx_value_at(g, n->out[o])->fact;
    bool numbers;
    sx_tensor *t;
    if (f->constant) continue;
    if (sx_fact_is_complete(f, &numbers) && numbers) {
      SX_TRY(sx_fact_to_tensor(f, &t, c->e));
      SX_TRY(set_constant(c, g, n->out[o], t));
    } else
      wanted = true, compute = compute && is_small(c, n, f);
  }
  if (!compute || !wanted) return SX_OK;
  sx_tensor *out[8] = {0};
  sx_err ignored = {0}; /* what cannot be computed now is computed, or fails, when it runs */
  sx_status s = c->o->evaluate(c->o->evaluate_ctx, g, id, out, &ignored);
  if (s == SX_E_NO_MEMORY) SX_NO_MEMORY(c->e);
  if (s != SX_OK) return SX_OK;
  for (uint32_t o = 0; o < n->n_out; o++) { /* each has an owner, whatever fails */
    if (!out[o]) continue;
    if (out[o]->count > SMALL) c->folded += out[o]->count;
    if (s != SX_OK || sx_value_at(g, n->out[o])->fact.constant)
      sx_tensor_unref(out[o]);
    else
      s = set_constant(c, g, n->out[o], out[o]);
  }
  return s;
}

/* One node, with its name added to a failure; in `check` mode a failure is told and passed over. */
static sx_status visit(canon *c, sx_graph *g, sx_nid id) {
  if (sx_node_at(g, id)->dead) return SX_OK;
  bool had_op = sx_node_at(g, id)->op != NULL;
  sx_status s = canon_node(c, g, id);
  if (s == SX_E_NEEDS_SHAPES) { /* the node stays as it was written, and its results unknown */
    c->m->needs_shapes = true;
    if (c->e) *c->e = (sx_err){0};
    return SX_OK;
  }
  if (s == SX_OK && !had_op && !sx_node_at(g, id)->dead && sx_node_at(g, id)->op)
    s = sx_infer_join(g, id, c->e); /* names the node itself */
  else if (s != SX_OK && !had_op && !sx_node_at(g, id)->dead)
    sx_node_context(g, sx_node_at(g, id), s, c->e);
  if (s == SX_OK && !sx_node_at(g, id)->dead) s = settle(c, g, id);
  if (s == SX_OK || !c->o->problem || s == SX_E_NO_MEMORY) return s;
  c->failed = true;
  c->o->problem(c->o->problem_ctx, c->e);
  return SX_OK;
}

static sx_status canon_graph(canon *c, sx_graph *g) {
  SX_TRY(sx_graph_sort(g, c->e));
  /* Upgrades append nodes; they infer what they append themselves, so the order of the file's nodes is enough. */
  for (uint32_t i = 0; i < g->order.n; i++) {
    if (i % 64 == 0) SX_TRY(sx_stop_check(c->e)); /* some ten microseconds each */
    SX_TRY(visit(c, g, g->order.at[i]));
  }
  return sx_graph_sort(g, c->e);
}

sx_status sx_canonicalise(sx_model *m, const sx_import_options *o, sx_err *e) {
  canon c = {m, o, e, false, 0};
  m->by_shapes = o->n_shapes != 0;
  sx_status s = canon_graph(&c, m->graph);
  if (s != SX_OK && s != SX_E_NO_MEMORY && o->problem) o->problem(o->problem_ctx, e);
  SX_TRY(s);
  if (c.failed) SX_FAIL(e, INVALID_GRAPH, "the model has problems, listed above");
  return SX_OK;
}
