// SPDX-License-Identifier: MIT
/* Makes the nodes of a graph: attributes and bodies, constants, and model-local functions expanded where they are called.
 * Nothing here knows operators, but that Constant is a constant. */
#include "onnx/import_priv.h"
#include "base/stop.h"

enum { MAX_CALL_DEPTH = 64, MAX_EXPANDED_MB = 256 };

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
  *out = sx_graph_add_const(s->g, t, sx_import_keep(im, n->output.n ? n->output.at[0] : (sx_str){"", 0}));
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

sx_status sx_import_pay(sx_importer *im, const sx_scope *s, size_t bytes) {
  if (!call_scope(s)) return SX_OK;
  im->expanded += bytes;
  if (im->expanded >> 20 < MAX_EXPANDED_MB) return SX_OK;
  SX_FAIL(im->e, INVALID_GRAPH,
          "the calls of model-local functions expand to more than %d MB of nodes: expected functions that do not multiply "
          "each other",
          MAX_EXPANDED_MB);
}
size_t sx_import_tensor_cost(const sx_proto_tensor *t) { /* large raw data stay where they are */
  return 128 + t->data.n + (t->raw_data.n < 4096 ? t->raw_data.n : 4096) + sizeof(sx_str) * (size_t)t->string_data.n;
}
static size_t node_cost(const sx_scope *s, const sx_proto_node *n) {
  size_t bytes = 256 + 64 * ((size_t)n->input.n + n->output.n + n->attribute.n);
  for (uint32_t i = 0; i < n->attribute.n; i++) {
    const sx_proto_attr *a = resolve(s, &n->attribute.at[i]);
    if (!a || sx_proto_attr_check(a, NULL) != SX_OK) continue; /* an error of later */
    if (a->type == SX_ATTR_TENSOR && a->t)
      bytes += sx_import_tensor_cost(a->t);
    else if (a->type == SX_ATTR_FLOATS)
      bytes += sizeof(float) * (size_t)a->floats.n;
    else if (a->type == SX_ATTR_INTS)
      bytes += sizeof(int64_t) * (size_t)a->ints.n;
    else if (a->type == SX_ATTR_STRINGS)
      bytes += sizeof(sx_str) * (size_t)a->strings.n;
  }
  return bytes;
}

static sx_status hand_through(sx_importer *im, sx_graph *g, sx_vid from, sx_vid to) {
  sx_nid id = sx_graph_add_node(g, NULL, &from, 1, &to, 1);
  if (id == SX_NONE) SX_NO_MEMORY(im->e);
  sx_node_at(g, id)->op_type = SX_STR("Identity"), sx_node_at(g, id)->since_version = 1;
  return SX_OK;
}

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
    st = sx_import_declare(im, &inner, f->input.at[i], i < n->input.n ? in[i] : SX_NONE, "a function's input");
  for (uint32_t i = 0; i < f->output.n && st == SX_OK; i++) {
    sx_vid o = i < n->output.n ? out[i] : SX_NONE, from;
    if (o == SX_NONE) continue;
    if (sx_strmap_get(&inner.names, f->output.at[i], &from)) { /* an input handed through */
      st = hand_through(im, s->g, from, o);
    } else if (!sx_strmap_put(&inner.names, f->output.at[i], o))
      st = sx_fail(im->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  }
  if (st == SX_OK) st = sx_import_nodes(im, &inner, &f->node);
  if (st != SX_OK) sx_err_context(im->e, "in function '%.*s'", SX_FMT(f->name));
  sx_strmap_free(&inner.names);
  return st;
}

sx_status sx_import_attr(sx_importer *im, sx_scope *s, sx_nid id, const sx_proto_attr *p, sx_attr *a) {
  SX_TRY(sx_proto_attr_check(p, im->e));
  sx_arena *m = &im->m->arena;
  *a = (sx_attr){.name = sx_import_keep(im, p->name), .type = (sx_attr_type)p->type};
  const void *list = NULL;
  switch (a->type) {
    case SX_ATTR_FLOAT: a->f = p->f; return SX_OK;
    case SX_ATTR_INT: a->i = p->i; return SX_OK;
    case SX_ATTR_STRING: a->s = sx_import_keep(im, p->s); return SX_OK;
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
      for (uint32_t i = 0; t && i < a->n; i++) t[i] = sx_import_keep(im, p->strings.at[i]);
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
    SX_TRY(sx_import_find(im, s, n->input.at[i], &ids[i]));
    uint32_t known;
    if (ids[i] != SX_NONE || sx_strmap_get(&s->names, n->input.at[i], &known)) continue;
    sx_status st = sx_fail(im->e, s->outer ? SX_E_INVALID_GRAPH : SX_E_INVALID_ARGUMENT, SX_HERE,
                           "input %u is '%.*s', which is no input, initializer or output of any node in scope", i,
                           SX_FMT(n->input.at[i]));
    if (!im->o->problem) return st;
    SX_TRY(sx_import_told(im, node_context(im, n, index, st)));
    SX_TRY(sx_import_declare_unknown(im, s, n->input.at[i], &ids[i]));
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
  x->name = sx_import_keep(im, n->name), x->op_type = sx_import_keep(im, n->op_type);
  x->domain = sx_str_is(n->domain, "ai.onnx") ? (sx_str){"", 0} : sx_import_keep(im, n->domain);
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
    attrs[count++].name = sx_import_keep(im, n->attribute.at[i].name);
  }
  return SX_OK;
}

sx_status sx_import_nodes(sx_importer *im, sx_scope *s, const sx_proto_nodes *nodes) {
  uint32_t most = 0, v;
  if (!sx_strmap_reserve(&s->names, (size_t)s->names.n + nodes->n)) SX_NO_MEMORY(im->e);
  for (uint32_t k = 0; k < nodes->n; k++) { /* names first: files need not be sorted */
    const sx_proto_node *n = &nodes->at[k];
    SX_TRY(sx_import_pay(im, s, node_cost(s, n)));
    if (n->input.n + n->output.n > most) most = n->input.n + n->output.n;
    for (uint32_t i = 0; i < n->output.n; i++) {
      if (!n->output.at[i].n ||
          (s->fn && sx_strmap_get(&s->names, n->output.at[i], &v) && sx_value_at(s->g, v)->producer == SX_NONE))
        continue;
      if (is_constant(n))
        SX_TRY(add_constant(im, s, n, &v));
      else if ((v = sx_graph_add_value(s->g, SX_VALUE_NODE,
                                       s->fn ? (sx_str){"", 0} : sx_import_keep(im, n->output.at[i]))) == SX_NONE)
        SX_NO_MEMORY(im->e);
      SX_TRY(sx_import_declare(im, s, n->output.at[i], v, "a node's output"));
    }
  }
  sx_vid *ids = sx_malloc(((size_t)most + 1) * sizeof *ids);
  if (!ids) SX_NO_MEMORY(im->e);
  sx_status st = SX_OK;
  for (uint32_t k = 0; k < nodes->n && st == SX_OK; k++) {
    if (k % 1024 == 1023 && (st = sx_stop_check(im->e)) != SX_OK) break;
    const sx_proto_node *n = &nodes->at[k];
    if (is_constant(n)) { /* a function's output that is a constant still needs a node */
      if (s->fn && sx_strmap_get(&s->names, n->output.at[0], &v) && sx_value_at(s->g, v)->kind == SX_VALUE_NODE) {
        sx_vid c;
        if ((st = add_constant(im, s, n, &c)) != SX_OK) break;
        st = hand_through(im, s->g, c, v);
      }
      continue;
    }
    st = sx_import_told(im, node_context(im, n, k, import_node(im, s, n, k, ids)));
  }
  sx_free(ids, ((size_t)most + 1) * sizeof *ids);
  return st;
}
