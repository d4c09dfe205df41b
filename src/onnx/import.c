// SPDX-License-Identifier: MIT
/* Builds the graph from the messages: scopes and names, initializers, nodes, bodies with their captures, model-local
 * functions expanded where they are called. Nothing here knows operators, but that Constant is a constant. */
#include "onnx/import_priv.h"

enum { MAX_CALL_DEPTH = 64, MAX_EXPANDED_MB = 256 };

/* `check` hears of a problem and the import goes on; otherwise, and without memory, it ends. */
static sx_status told(sx_importer *im, sx_status s) {
  if (s == SX_OK || s == SX_E_NO_MEMORY || !im->o->problem) return s;
  im->o->problem(im->o->problem_ctx, im->e);
  return SX_OK;
}

static sx_status find_name(sx_importer *im, sx_scope *s, sx_str name, sx_vid *out) {
  *out = SX_NONE;
  if (sx_strmap_get(&s->names, name, out) || !s->outer) return SX_OK;
  sx_vid from;
  SX_TRY(find_name(im, s->outer, name, &from));
  if (from == SX_NONE) return SX_OK;
  if ((*out = sx_graph_capture(s->g, from)) == SX_NONE || !sx_strmap_put(&s->names, name, *out)) SX_NO_MEMORY(im->e);
  return SX_OK;
}

static sx_str keep(sx_importer *im, sx_str s) {
  char *p = s.n ? sx_arena_strdup(&im->m->arena, s.p, s.n) : NULL;
  return p ? (sx_str){p, s.n} : (sx_str){"", 0};
}

static sx_status declare(sx_importer *im, sx_scope *s, sx_str name, sx_vid v, const char *what) {
  uint32_t old;
  if (!name.n) return SX_OK;
  if (sx_strmap_get(&s->names, name, &old))
    return told(im,
                sx_fail(im->e, SX_E_FAIL, __FILE__, __LINE__,
                        "the name '%.*s' is given twice, now to %s: names of a graph must be unique", SX_FMT(name), what));
  if (!sx_strmap_put(&s->names, name, v)) SX_NO_MEMORY(im->e);
  return SX_OK;
}

/* What `check` puts where something is missing: a value of which nothing is known. */
static sx_status declare_unknown(sx_importer *im, sx_scope *s, sx_str name, sx_vid *v) {
  if ((*v = sx_graph_add_value(s->g, SX_VALUE_NODE, keep(im, name))) == SX_NONE) SX_NO_MEMORY(im->e);
  return declare(im, s, name, *v, "nothing");
}

/* The scope of the call whose expansion `s` belongs to; NULL outside of functions. */
static const sx_scope *call_scope(const sx_scope *s) {
  while (s && !s->fn) s = s->outer;
  return s;
}

/* In a function's body an attribute may name one of the function's: the call's value, else the default, else none. */
static const sx_proto_attr *resolve(const sx_scope *s, const sx_proto_attr *a) {
  for (int guard = 0; a && a->ref_attr_name.n && guard < MAX_CALL_DEPTH; guard++) {
    if (!(s = call_scope(s))) return NULL;
    sx_str ref = a->ref_attr_name;
    const sx_proto_attr *found = NULL;
    for (uint32_t i = 0; i < s->call->attribute.n && !found; i++)
      if (sx_str_eq(s->call->attribute.at[i].name, ref)) found = &s->call->attribute.at[i];
    if (found) s = s->caller;
    for (uint32_t i = 0; !found && i < s->fn->attribute_proto.n; i++)
      if (sx_str_eq(s->fn->attribute_proto.at[i].name, ref)) return &s->fn->attribute_proto.at[i];
    a = found;
  }
  return a;
}

static sx_status add_constant(sx_importer *im, sx_scope *s, const sx_proto_node *n, sx_vid *out) {
  if (n->attribute.n != 1 || n->input.n)
    SX_FAIL(im->e, INVALID_GRAPH, "a Constant has no inputs and exactly one attribute, found %u and %u", n->input.n,
            n->attribute.n);
  const sx_proto_attr *a = resolve(s, &n->attribute.at[0]);
  if (!a)
    SX_FAIL(im->e, INVALID_GRAPH, "the Constant's attribute refers to '%.*s', which the function's call does not give",
            SX_FMT(n->attribute.at[0].ref_attr_name));
  SX_TRY(sx_proto_attr_check(a, im->e));
  sx_tensor *t = NULL;
  int64_t one = 1;
  if (a->type == SX_ATTR_TENSOR)
    SX_TRY(sx_import_tensor(im, a->t, &t));
  else if (a->type == SX_ATTR_SPARSE_TENSOR)
    SX_TRY(sx_import_sparse(im, a->sparse, &t));
  else {
    bool list = a->type == SX_ATTR_INTS || a->type == SX_ATTR_FLOATS || a->type == SX_ATTR_STRINGS;
    sx_dtype d = a->type == SX_ATTR_INT || a->type == SX_ATTR_INTS       ? SX_I64
                 : a->type == SX_ATTR_FLOAT || a->type == SX_ATTR_FLOATS ? SX_F32
                                                                         : SX_STRING;
    one = a->type == SX_ATTR_INTS      ? a->ints.n
          : a->type == SX_ATTR_FLOATS  ? a->floats.n
          : a->type == SX_ATTR_STRINGS ? a->strings.n
                                       : 1;
    if (a->type == SX_ATTR_GRAPH || a->type == SX_ATTR_UNDEFINED)
      SX_FAIL(im->e, INVALID_GRAPH, "a Constant cannot hold an attribute of type %d", a->type);
    SX_TRY(sx_tensor_create(d, list ? 1 : 0, &one, &t, im->e));
    if (d == SX_STRING) {
      memcpy(t->data, list ? a->strings.at : &a->s, (size_t)one * sizeof(sx_str));
      t->owner = SX_OWN_CALLER;
      sx_status st = sx_tensor_own(t, im->e);
      if (st != SX_OK) {
        sx_tensor_unref(t);
        return st;
      }
    } else if (t->size)
      memcpy(t->data,
             a->type == SX_ATTR_INT     ? (const void *)&a->i
             : a->type == SX_ATTR_FLOAT ? (const void *)&a->f
             : a->type == SX_ATTR_INTS  ? (const void *)a->ints.at
                                        : (const void *)a->floats.at,
             t->size);
    SX_TRY(sx_model_hold(im->m, t, im->e));
  }
  *out = sx_graph_add_const(s->g, t, keep(im, n->output.n ? n->output.at[0] : (sx_str){"", 0}));
  if (*out == SX_NONE) SX_NO_MEMORY(im->e);
  return SX_OK;
}

static bool is_constant(const sx_proto_node *n) {
  return sx_str_is(n->op_type, "Constant") && (!n->domain.n || sx_str_is(n->domain, "ai.onnx")) && n->output.n == 1;
}

static int64_t opset_of(const sx_importer *im, const sx_scope *s, sx_str domain) {
  s = call_scope(s);
  const sx_proto_opsets *o = s && s->fn->opset_import.n ? &s->fn->opset_import : &im->proto->opset_import;
  bool onnx = !domain.n || sx_str_is(domain, "ai.onnx");
  for (uint32_t i = 0; i < o->n; i++)
    if (onnx ? !o->at[i].domain.n || sx_str_is(o->at[i].domain, "ai.onnx") : sx_str_eq(o->at[i].domain, domain))
      return o->at[i].version;
  return 0;
}

static const sx_proto_function *find_function(const sx_importer *im, const sx_proto_node *n) {
  for (uint32_t i = 0; i < im->proto->functions.n; i++) {
    const sx_proto_function *f = &im->proto->functions.at[i];
    if (sx_str_eq(f->name, n->op_type) && sx_str_eq(f->domain, n->domain) && sx_str_eq(f->overload, n->overload)) return f;
  }
  return NULL;
}

/* Calls inside of calls multiply: some kilobytes of functions can stand for more nodes than any memory holds. What is
 * copied for a call is therefore added up, roughly, and bounded. */
static sx_status pay(sx_importer *im, const sx_scope *s, size_t bytes) {
  if (!call_scope(s)) return SX_OK;
  im->expanded += bytes;
  if (im->expanded >> 20 < MAX_EXPANDED_MB) return SX_OK;
  SX_FAIL(im->e, INVALID_GRAPH,
          "the calls of model-local functions expand to more than %d MB of nodes: expected functions that do not multiply "
          "each other",
          MAX_EXPANDED_MB);
}
static size_t tensor_cost(const sx_proto_tensor *t) { /* large raw data stay where they are */
  return 128 + t->data.n + (t->raw_data.n < 4096 ? t->raw_data.n : 4096) + sizeof(sx_str) * (size_t)t->string_data.n;
}
static size_t node_cost(const sx_scope *s, const sx_proto_node *n) {
  size_t bytes = 256 + 64 * ((size_t)n->input.n + n->output.n + n->attribute.n);
  for (uint32_t i = 0; i < n->attribute.n; i++) {
    const sx_proto_attr *a = resolve(s, &n->attribute.at[i]);
    if (!a || sx_proto_attr_check(a, NULL) != SX_OK) continue; /* an error of later */
    if (a->type == SX_ATTR_TENSOR && a->t)
      bytes += tensor_cost(a->t);
    else if (a->type == SX_ATTR_FLOATS)
      bytes += sizeof(float) * (size_t)a->floats.n;
    else if (a->type == SX_ATTR_INTS)
      bytes += sizeof(int64_t) * (size_t)a->ints.n;
    else if (a->type == SX_ATTR_STRINGS)
      bytes += sizeof(sx_str) * (size_t)a->strings.n;
  }
  return bytes;
}

static sx_status import_nodes(sx_importer *im, sx_scope *s, const sx_proto_nodes *nodes);

static sx_status expand(sx_importer *im, sx_scope *s, const sx_proto_function *f, const sx_proto_node *n, const sx_vid *in,
                        const sx_vid *out) {
  sx_scope inner = {.g = s->g, .fn = f, .call = n, .caller = s, .depth = s->depth + 1};
  for (const sx_scope *c = s; c; c = c->fn ? c->caller : c->outer)
    if (c->fn == f)
      SX_FAIL(im->e, INVALID_GRAPH, "function '%.*s' of domain '%.*s' calls itself: recursion is not allowed",
              SX_FMT(f->name), SX_FMT(f->domain));
  if (inner.depth > MAX_CALL_DEPTH)
    SX_FAIL(im->e, INVALID_GRAPH, "functions are nested more than %d deep at '%.*s'", MAX_CALL_DEPTH, SX_FMT(f->name));
  if (n->input.n > f->input.n || n->output.n > f->output.n)
    SX_FAIL(im->e, INVALID_GRAPH, "function '%.*s' has %u inputs and %u outputs, the call has %u and %u", SX_FMT(f->name),
            f->input.n, f->output.n, n->input.n, n->output.n);
  sx_status st = SX_OK;
  for (uint32_t i = 0; i < f->input.n && st == SX_OK; i++)
    st = declare(im, &inner, f->input.at[i], i < n->input.n ? in[i] : SX_NONE, "a function's input");
  for (uint32_t i = 0; i < f->output.n && st == SX_OK; i++) {
    sx_vid o = i < n->output.n ? out[i] : SX_NONE, from;
    if (o == SX_NONE) continue;
    if (sx_strmap_get(&inner.names, f->output.at[i], &from)) { /* an input handed through */
      sx_vid copy[1] = {from};
      sx_nid id = sx_graph_add_node(s->g, NULL, copy, 1, &o, 1);
      if (id == SX_NONE)
        st = sx_fail(im->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
      else
        sx_node_at(s->g, id)->op_type = SX_STR("Identity"), sx_node_at(s->g, id)->since_version = 1;
    } else if (!sx_strmap_put(&inner.names, f->output.at[i], o))
      st = sx_fail(im->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  }
  if (st == SX_OK) st = import_nodes(im, &inner, &f->node);
  if (st != SX_OK) sx_err_context(im->e, "in function '%.*s'", SX_FMT(f->name));
  sx_strmap_free(&inner.names);
  return st;
}

sx_status sx_import_attr(sx_importer *im, sx_scope *s, sx_nid id, const sx_proto_attr *p, sx_attr *a) {
  SX_TRY(sx_proto_attr_check(p, im->e));
  sx_arena *m = &im->m->arena;
  *a = (sx_attr){.name = keep(im, p->name), .type = (sx_attr_type)p->type};
  const void *list = NULL;
  switch (a->type) {
    case SX_ATTR_FLOAT: a->f = p->f; return SX_OK;
    case SX_ATTR_INT: a->i = p->i; return SX_OK;
    case SX_ATTR_STRING: a->s = keep(im, p->s); return SX_OK;
    case SX_ATTR_TENSOR:
      SX_TRY(sx_import_tensor(im, p->t, &a->t));
      a->t->pinned = true; /* kernels read attributes whenever they like */
      return SX_OK;
    case SX_ATTR_SPARSE_TENSOR: a->type = SX_ATTR_TENSOR; return sx_import_sparse(im, p->sparse, &a->t);
    case SX_ATTR_FLOATS:
      a->n = p->floats.n;
      list = a->floats = sx_arena_copy(m, p->floats.at, a->n * sizeof(float));
      break;
    case SX_ATTR_INTS:
      a->n = p->ints.n;
      list = a->ints = sx_arena_copy(m, p->ints.at, a->n * sizeof(int64_t));
      break;
    case SX_ATTR_STRINGS: {
      sx_str *t = SX_NEW_N(m, sx_str, (size_t)p->strings.n + 1);
      a->n = p->strings.n, list = a->strings = t;
      for (uint32_t i = 0; t && i < a->n; i++) t[i] = keep(im, p->strings.at[i]);
      break;
    }
    case SX_ATTR_TENSORS: {
      sx_tensor **t = SX_NEW_N(m, sx_tensor *, (size_t)p->tensors.n + 1);
      a->n = p->tensors.n, list = a->tensors = t;
      for (uint32_t i = 0; t && i < a->n; i++) SX_TRY(sx_import_tensor(im, &p->tensors.at[i], &t[i]));
      break;
    }
    case SX_ATTR_TYPE_PROTO: return sx_import_type(im, p->tp, &a->type_proto);
    case SX_ATTR_GRAPH: {
      sx_graph *b = sx_graph_create(im->m, s->g, id);
      if (!b) SX_NO_MEMORY(im->e);
      a->g = b;
      sx_scope inner = {.outer = s, .g = b, .depth = s->depth + 1};
      sx_status st = sx_import_graph(im, p->g, &inner);
      sx_strmap_free(&inner.names);
      return st;
    }
    default:
      SX_FAIL(im->e, NOT_IMPLEMENTED, "attribute '%.*s' has type %d, which no standard operator uses", SX_FMT(p->name),
              p->type);
  }
  if (!list && a->n) SX_NO_MEMORY(im->e);
  return SX_OK;
}

static sx_status node_context(sx_importer *im, const sx_proto_node *n, uint32_t index, sx_status s) {
  if (s == SX_OK) return s;
  if (n->name.n)
    sx_err_context(im->e, "node '%.*s' (%.*s%s%.*s)", SX_FMT(n->name), SX_FMT(n->op_type), n->domain.n ? ", domain " : "",
                   SX_FMT(n->domain));
  else
    sx_err_context(im->e, "node #%u (%.*s%s%.*s)", (unsigned)index, SX_FMT(n->op_type), n->domain.n ? ", domain " : "",
                   SX_FMT(n->domain));
  return s;
}

static sx_status import_node(sx_importer *im, sx_scope *s, const sx_proto_node *n, uint32_t index, sx_vid *ids) {
  for (uint32_t i = 0; i < n->input.n; i++) {
    ids[i] = SX_NONE;
    if (!n->input.at[i].n) continue;
    SX_TRY(find_name(im, s, n->input.at[i], &ids[i]));
    uint32_t known;
    if (ids[i] != SX_NONE || sx_strmap_get(&s->names, n->input.at[i], &known)) continue;
    sx_status st = sx_fail(im->e, SX_E_INVALID_ARGUMENT, __FILE__, __LINE__,
                           "input %u is '%.*s', which is no input, initializer or output of any node in scope", i,
                           SX_FMT(n->input.at[i]));
    if (!im->o->problem) return st;
    SX_TRY(told(im, node_context(im, n, index, st)));
    SX_TRY(declare_unknown(im, s, n->input.at[i], &ids[i]));
  }
  sx_vid *out = ids + n->input.n;
  for (uint32_t i = 0; i < n->output.n; i++) {
    out[i] = SX_NONE;
    if (n->output.at[i].n) sx_strmap_get(&s->names, n->output.at[i], &out[i]);
  }
  const sx_proto_function *f = find_function(im, n);
  if (f) return expand(im, s, f, n, ids, out);
  sx_nid id = sx_graph_add_node(s->g, NULL, ids, n->input.n, out, n->output.n);
  if (id == SX_NONE) SX_NO_MEMORY(im->e);
  sx_node *x = sx_node_at(s->g, id);
  x->name = keep(im, n->name), x->op_type = keep(im, n->op_type);
  x->domain = sx_str_is(n->domain, "ai.onnx") ? (sx_str){"", 0} : keep(im, n->domain);
  x->since_version = (int)opset_of(im, s, n->domain); /* the opset here; canonicalising makes it the row's version */
  uint32_t *src = SX_NEW(&im->m->arena, uint32_t);
  if (!src || !sx_vec_push(&im->m->sources, ((sx_source_node){x->name, x->op_type, x->domain, index}))) SX_NO_MEMORY(im->e);
  *src = im->m->sources.n - 1;
  if (!sx_vec_push(&im->m->origins, ((sx_origin){1, src}))) SX_NO_MEMORY(im->e);
  x->origin = im->m->origins.n - 1;
  sx_attr *attrs = SX_NEW_N(&im->m->arena, sx_attr, (size_t)n->attribute.n + 1);
  if (!attrs) SX_NO_MEMORY(im->e);
  uint32_t count = 0;
  x->attrs = attrs;
  for (uint32_t i = 0; i < n->attribute.n; i++) {
    const sx_proto_attr *a = resolve(s, &n->attribute.at[i]);
    if (!a) continue;       /* refers to an optional one that the call leaves out */
    x->n_attrs = count + 1; /* ahead of a failure inside a body, which is found and freed through its attribute */
    sx_status st = sx_import_attr(im, s, id, a, &attrs[count]);
    if (st != SX_OK && im->o->problem) sx_graph_kill(s->g, id); /* its results are unknown */
    if (st != SX_OK) return st;
    attrs[count++].name = keep(im, n->attribute.at[i].name);
  }
  return SX_OK;
}

static sx_status import_nodes(sx_importer *im, sx_scope *s, const sx_proto_nodes *nodes) {
  uint32_t most = 0, v;
  for (uint32_t k = 0; k < nodes->n; k++) { /* names first: files need not be sorted */
    const sx_proto_node *n = &nodes->at[k];
    SX_TRY(pay(im, s, node_cost(s, n)));
    if (n->input.n + n->output.n > most) most = n->input.n + n->output.n;
    for (uint32_t i = 0; i < n->output.n; i++) {
      if (!n->output.at[i].n ||
          (s->fn && sx_strmap_get(&s->names, n->output.at[i], &v) && sx_value_at(s->g, v)->producer == SX_NONE))
        continue;
      if (is_constant(n))
        SX_TRY(add_constant(im, s, n, &v));
      else if ((v = sx_graph_add_value(s->g, SX_VALUE_NODE, s->fn ? (sx_str){"", 0} : keep(im, n->output.at[i]))) ==
               SX_NONE)
        SX_NO_MEMORY(im->e);
      SX_TRY(declare(im, s, n->output.at[i], v, "a node's output"));
    }
  }
  sx_vid *ids = sx_malloc(((size_t)most + 1) * sizeof *ids);
  if (!ids) SX_NO_MEMORY(im->e);
  sx_status st = SX_OK;
  for (uint32_t k = 0; k < nodes->n && st == SX_OK; k++) {
    const sx_proto_node *n = &nodes->at[k];
    if (is_constant(n)) { /* a function's output that is a constant still needs a node */
      if (s->fn && sx_strmap_get(&s->names, n->output.at[0], &v) && sx_value_at(s->g, v)->kind == SX_VALUE_NODE) {
        sx_vid c;
        if ((st = add_constant(im, s, n, &c)) != SX_OK) break;
        sx_nid id = sx_graph_add_node(s->g, NULL, &c, 1, &v, 1);
        if (id == SX_NONE)
          st = sx_fail(im->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
        else
          sx_node_at(s->g, id)->op_type = SX_STR("Identity"), sx_node_at(s->g, id)->since_version = 1;
      }
      continue;
    }
    st = told(im, node_context(im, n, k, import_node(im, s, n, k, ids)));
  }
  sx_free(ids, ((size_t)most + 1) * sizeof *ids);
  return st;
}

sx_status sx_import_graph(sx_importer *im, const sx_proto_graph *p, sx_scope *s) {
  sx_graph *g = s->g;
  g->name = keep(im, p->name), g->doc = keep(im, p->doc_string);
  for (uint32_t i = 0; i < p->input.n; i++) {
    sx_vid v = sx_graph_add_value(g, SX_VALUE_INPUT, keep(im, p->input.at[i].name));
    if (v == SX_NONE || !sx_vec_push(&g->inputs, v)) SX_NO_MEMORY(im->e);
    sx_value_at(g, v)->index = i;
    SX_TRY(declare(im, s, p->input.at[i].name, v, "an input"));
    if (!s->outer && !p->input.at[i].type) SX_FAIL(im->e, FAIL, "input '%.*s' has no type", SX_FMT(p->input.at[i].name));
    SX_TRY(sx_import_fact(im, p->input.at[i].type, &sx_value_at(g, v)->fact));
    for (uint32_t k = 0; k < im->o->n_shapes && !g->parent; k++) {
      const sx_input_shape *shape = &im->o->shapes[k];
      if (!sx_str_eq(shape->name, p->input.at[i].name)) continue;
      sx_value_at(g, v)->fact.rank = (int8_t)shape->rank;
      if (!(sx_value_at(g, v)->fact.dims =
                sx_arena_copy(&im->m->arena, shape->dims, (size_t)shape->rank * sizeof(int64_t))))
        SX_NO_MEMORY(im->e);
    }
  }
  for (uint32_t i = 0; i < p->initializer.n + p->sparse_initializer.n; i++) {
    bool sparse = i >= p->initializer.n;
    const sx_proto_sparse *sp = sparse ? &p->sparse_initializer.at[i - p->initializer.n] : NULL;
    const sx_proto_tensor *t = sparse ? sp->values : &p->initializer.at[i];
    sx_tensor *x = NULL;
    sx_vid old;
    sx_str name = t ? t->name : (sx_str){"", 0};
    if (t) SX_TRY(pay(im, s, tensor_cost(t)));
    sx_status made = !sparse && !g->parent ? sx_import_given(im, t, &x) : SX_OK;
    if (made == SX_OK && !x) made = sparse ? sx_import_sparse(im, sp, &x) : sx_import_tensor(im, t, &x);
    if (made != SX_OK) {
      sx_err_context(im->e, "initializer '%.*s'", SX_FMT(name));
      SX_TRY(told(im, made));
      if (!sx_strmap_get(&s->names, name, &old)) SX_TRY(declare_unknown(im, s, name, &old));
      continue;
    }
    sx_vid v = sx_graph_add_const(g, x, keep(im, name));
    if (v == SX_NONE) SX_NO_MEMORY(im->e);
    if (sx_strmap_get(&s->names, name, &old) && sx_value_at(g, old)->kind == SX_VALUE_INPUT) {
      /* An input with a default: the caller may override it from IR 4 on; before that every initializer had to be listed.
       */
      sx_value *in = sx_value_at(g, old);
      if (im->m->ir_version >= 4) {
        in->fact.constant = x;
        in->overridable = true;
        continue;
      }
      for (uint32_t k = 0; k < g->inputs.n; k++)
        if (g->inputs.at[k] == old)
          memmove(&g->inputs.at[k], &g->inputs.at[k + 1], (--g->inputs.n - k) * sizeof *g->inputs.at);
      if (!sx_strmap_put(&s->names, name, v)) SX_NO_MEMORY(im->e);
      continue;
    }
    if (name.n && sx_strmap_get(&s->names, name, &old) &&
        sx_value_at(g, old)->kind == SX_VALUE_CONST) { /* given twice: the last one counts */
      sx_log(im->o->log, WARNING, "initializer '%.*s' is given twice, the later one is used", SX_FMT(name));
      sx_value_at(g, old)->name = (sx_str){"", 0};
      if (!sx_strmap_put(&s->names, name, v)) SX_NO_MEMORY(im->e);
      continue;
    }
    SX_TRY(declare(im, s, name, v, "an initializer"));
  }
  SX_TRY(import_nodes(im, s, &p->node));
  for (uint32_t i = 0; i < p->value_info.n; i++) { /* of what is declared in between only the element type is believed */
    sx_vid v;
    sx_fact f;
    if (!sx_strmap_get(&s->names, p->value_info.at[i].name, &v) || v == SX_NONE || sx_value_at(g, v)->kind != SX_VALUE_NODE)
      continue;
    SX_TRY(sx_import_fact(im, p->value_info.at[i].type, &f));
    if (im->o->place) /* ... unless nodes may be placed that nobody here can infer */
      sx_value_at(g, v)->fact = f;
    else
      sx_value_at(g, v)->fact = (sx_fact){.kind = f.kind, .dtype = f.dtype, .rank = -1, .type = f.type};
  }
  for (uint32_t i = 0; i < p->output.n; i++) {
    sx_vid v;
    sx_fact f;
    SX_TRY(find_name(im, s, p->output.at[i].name, &v));
    if (v == SX_NONE) {
      SX_TRY(told(im, sx_fail(im->e, SX_E_FAIL, __FILE__, __LINE__, "output '%.*s' is made by no node of the graph",
                              SX_FMT(p->output.at[i].name))));
      continue;
    }
    SX_TRY(sx_import_fact(im, p->output.at[i].type, &f));
    if (!sx_graph_add_output(g, v) || !sx_vec_push(&g->declared, f)) SX_NO_MEMORY(im->e);
    if (sx_value_at(g, v)->kind == SX_VALUE_NODE && sx_value_at(g, v)->fact.kind == SX_KIND_UNKNOWN)
      sx_value_at(g, v)->fact =
          im->o->place ? f : (sx_fact){.kind = f.kind, .dtype = f.dtype, .rank = -1, .type = f.type};
  }
  return SX_OK;
}

static sx_status read_header(sx_importer *im) {
  const sx_proto_model *p = im->proto;
  sx_model *m = im->m;
  if (!p->graph) SX_FAIL(im->e, INVALID_ARGUMENT, "the model has no graph");
  m->ir_version = p->ir_version, m->model_version = SX_PROTO_HAS(p, 5) ? p->model_version : INT64_MAX;
  if (p->ir_version < 3 && p->ir_version != 0 && SX_PROTO_HAS(p, 1)) {
    if (p->ir_version < 1) SX_FAIL(im->e, INVALID_GRAPH, "ir_version is %lld: no such version", (long long)p->ir_version);
  }
  if (p->ir_version > 14)
    sx_log(im->o->log, WARNING, "the model has IR version %lld, newer than 14: it is read as far as it is known",
           (long long)p->ir_version);
  if (!SX_PROTO_HAS(p, 1)) SX_FAIL(im->e, FAIL, "the model has no ir_version: not an ONNX model, or cut short");
  m->producer = keep(im, p->producer_name), m->producer_version = keep(im, p->producer_version);
  m->domain = keep(im, p->domain), m->doc = keep(im, p->doc_string);
  for (uint32_t i = 0; i < p->opset_import.n; i++)
    if (!sx_vec_push(&m->opsets, ((sx_opset){keep(im, p->opset_import.at[i].domain), p->opset_import.at[i].version})))
      SX_NO_MEMORY(im->e);
  if (!p->opset_import.n && !sx_vec_push(&m->opsets, ((sx_opset){{"", 0}, 1}))) SX_NO_MEMORY(im->e);
  for (uint32_t i = 0; i < m->opsets.n; i++) {
    sx_domain d;
    if (sx_domain_find(m->opsets.at[i].domain, &d) && m->opsets.at[i].version > sx_domain_latest(d))
      sx_log(im->o->log, WARNING,
             "the model imports version %lld of operator set %s, newer than %d: its operators are taken as version %d has "
             "them",
             (long long)m->opsets.at[i].version, *sx_domain_name(d) ? sx_domain_name(d) : "ai.onnx", sx_domain_latest(d),
             sx_domain_latest(d));
  }
  for (uint32_t i = 0; i < p->metadata_props.n; i++)
    if (!sx_vec_push(&m->metadata,
                     ((sx_kv){keep(im, p->metadata_props.at[i].key), keep(im, p->metadata_props.at[i].value)})))
      SX_NO_MEMORY(im->e);
  return SX_OK;
}

sx_status sx_import_source(const void *data, size_t size, const sx_import_options *o, sx_model **out, sx_err *e) {
  sx_importer im = {.bytes = data, .size = size, .o = o, .e = e, .external = {.base = o->path}};
  *out = NULL;
  if (o->folder && !(im.external.base = sx_arena_printf(&im.arena, "%s/", o->folder))) SX_NO_MEMORY(e);
  sx_status s = sx_model_parse(data, size, o->format, &im.arena, &im.proto, e);
  if (s == SX_E_INVALID_PROTOBUF) sx_err_context(e, "Protobuf parsing failed");
  if (s == SX_OK && !(im.m = sx_model_create())) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = read_header(&im);
  for (uint32_t i = 0; i < o->n_files && s == SX_OK; i++)
    s = sx_external_add(&im.external, o->files[i].location, o->files[i].data, o->files[i].size, e);
  if (s == SX_OK) {
    sx_scope top = {.g = im.m->graph};
    s = sx_import_graph(&im, im.proto->graph, &top);
    sx_strmap_free(&top.names);
  }
  for (uint32_t i = 0; i < o->n_free_dims && i < 64 && s == SX_OK; i++)
    if (!(im.free_dims_used >> i & 1))
      sx_log(o->log, WARNING, "no dimension of the model is called '%.*s': its override (%lld) changes nothing",
             SX_FMT(o->free_dims[i].name), (long long)o->free_dims[i].value);
  if (im.m) s = sx_model_status(im.m, s, e);
  for (uint32_t i = 0; i < im.external.files.n && s == SX_OK;
       i++) { /* the model unmaps what it took over, also on failure */
    if (!im.external.files.at[i].owned) continue;
    if (!sx_vec_push(&im.m->mappings, im.external.files.at[i].map))
      s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    else
      im.external.files.at[i].owned = false;
  }
  sx_external_free(&im.external);
  sx_arena_free(&im.arena);
  if (s != SX_OK)
    sx_model_destroy(im.m);
  else
    *out = im.m;
  if (s != SX_OK) (void)told(&im, s);
  return s;
}

/* Where the model leaves a size of an output open that inference knows as a number, it is told as that number. */
static bool refine_outputs(sx_model *m) {
  sx_graph *g = m->graph;
  for (uint32_t i = 0; i < g->declared.n && i < g->outputs.n; i++) {
    sx_fact *d = &g->declared.at[i];
    const sx_fact *f = &sx_value_at(g, g->outputs.at[i])->fact;
    if (d->kind != SX_KIND_TENSOR || f->kind != SX_KIND_TENSOR || d->rank < 1 || d->rank != f->rank) continue;
    sx_dim *dims = SX_NEW_N(&m->arena, sx_dim, (size_t)d->rank);
    if (!dims) return false;
    for (int k = 0; k < d->rank; k++)
      dims[k] = !sx_dim_is_const(d->dims[k]) && sx_dim_is_const(f->dims[k]) ? f->dims[k] : d->dims[k];
    d->dims = dims;
  }
  return true;
}

sx_status sx_import(const void *data, size_t size, const sx_import_options *o, sx_model **out, sx_err *e) {
  SX_TRY(sx_import_source(data, size, o, out, e));
  sx_status s = o->place ? o->place(o->place_ctx, *out, data, size, o, e) : SX_OK;
  s = sx_model_status(*out, s, e);
  if (s == SX_OK) s = sx_model_status(*out, sx_canonicalise(*out, o, e), e);
  if (s == SX_OK && !refine_outputs(*out)) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) return s;
  sx_model_destroy(*out);
  *out = NULL;
  return s;
}
