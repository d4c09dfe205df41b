// SPDX-License-Identifier: MIT
/* Gradient: the nodes between the tensors named xs and y are repeated on the values given for xs and zs, and then walked
 * backwards. Each rule adds to the gradients of a node's inputs what the chain rule says; what is made is standard
 * operators, so that the gradient of a gradient is nothing special. */
#include "ops/lower.h"

typedef struct tape {
  sx_lower *l;
  sx_vid *now;          /* by value of the graph: what stands for it here; SX_NONE: not visited */
  bool *varies;         /* by value: depends on xs */
  sx_vid *grad;         /* by value of the graph: the gradient so far */
  SX_VEC(sx_nid) order; /* nodes whose results vary, as they were, in order */
} tape;
typedef struct rule_ctx {
  tape *t;
  const sx_node *n;   /* the node as it was: attributes */
  sx_vid in[8], y, g; /* its inputs and output 0 here; the gradient of output 0 */
} rule_ctx;

static const sx_fact *fact(const rule_ctx *r, sx_vid v) { return sx_lower_fact(r->t->l, v); }
static sx_vid op1(const rule_ctx *r, const sx_op *op, sx_vid a) { return sx_lower_1(r->t->l, op, a); }
static sx_vid op2(const rule_ctx *r, const sx_op *op, sx_vid a, sx_vid b) { return sx_lower_2(r->t->l, op, a, b); }
static sx_vid mul(const rule_ctx *r, sx_vid a, sx_vid b) { return op2(r, &sx_op_Mul, a, b); }
static sx_vid neg(const rule_ctx *r, sx_vid a) { return op1(r, &sx_op_Neg, a); }
static sx_vid number(const rule_ctx *r, double v) { return sx_lower_number(r->t->l, v, (sx_dtype)fact(r, r->g)->dtype); }
static sx_vid reshaped(const rule_ctx *r, sx_vid g, sx_vid like) {
  if (fact(r, like)->rank < 0) return SX_LOWER_FAIL(r->t->l, FAIL, "the rank of an operand is not known"), SX_NONE;
  return sx_lower_reshape(r->t->l, g, fact(r, like)->dims, fact(r, like)->rank);
}

/* Sums g over what was broadcast from x's shape. */
static sx_vid like_input(const rule_ctx *r, sx_vid g, sx_vid x) {
  const sx_fact *f = fact(r, g), *to = fact(r, x);
  int64_t axes[SX_MAX_RANK];
  uint32_t n = 0;
  if (r->t->l->status != SX_OK) return SX_NONE;
  if (f->rank < 0 || to->rank < 0) return SX_LOWER_FAIL(r->t->l, FAIL, "the rank of an operand is not known"), SX_NONE;
  for (int i = 0; i < f->rank; i++) {
    int k = i - (f->rank - to->rank);
    if (k >= 0 && (to->dims[k] == f->dims[i] || to->dims[k] != 1))
      continue; /* sizes that are symbols are taken as not broadcast */
    axes[n++] = i;
  }
  return n ? reshaped(r, sx_lower_reduce(r->t->l, &sx_op_ReduceSum, g, axes, n, true), x) : g;
}

static bool wanted(const rule_ctx *r, uint32_t i) {
  return i < r->n->n_formal && r->n->in[i].value != SX_NONE && r->t->varies[r->n->in[i].value];
}
static void add(const rule_ctx *r, uint32_t i, sx_vid g) {
  tape *t = r->t;
  if (!wanted(r, i) || t->l->status != SX_OK) return;
  sx_vid to = r->in[i], *at = &t->grad[r->n->in[i].value];
  g = like_input(r, g, to);
  *at = *at == SX_NONE ? g : sx_lower_2(t->l, &sx_op_Add, *at, g);
}

static void d_identity(const rule_ctx *r) { add(r, 0, r->g); }
static void d_sum(const rule_ctx *r) {
  for (uint32_t i = 0; i < r->n->n_formal; i++) add(r, i, r->g);
}
static void d_sub(const rule_ctx *r) { add(r, 0, r->g), add(r, 1, neg(r, r->g)); }
static void d_mul(const rule_ctx *r) {
  if (wanted(r, 0)) add(r, 0, mul(r, r->g, r->in[1]));
  if (wanted(r, 1)) add(r, 1, mul(r, r->g, r->in[0]));
}
static void d_div(const rule_ctx *r) {
  sx_vid q = op2(r, &sx_op_Div, r->g, r->in[1]);
  add(r, 0, q);
  if (wanted(r, 1)) add(r, 1, neg(r, mul(r, q, r->y)));
}
static void d_neg(const rule_ctx *r) { add(r, 0, neg(r, r->g)); }
static void d_exp(const rule_ctx *r) { add(r, 0, mul(r, r->g, r->y)); }
static void d_log(const rule_ctx *r) { add(r, 0, op2(r, &sx_op_Div, r->g, r->in[0])); }
static void d_sqrt(const rule_ctx *r) { add(r, 0, op2(r, &sx_op_Div, mul(r, r->g, number(r, 0.5)), r->y)); }
static void d_reciprocal(const rule_ctx *r) { add(r, 0, neg(r, mul(r, r->g, mul(r, r->y, r->y)))); }
static void d_abs(const rule_ctx *r) { add(r, 0, mul(r, r->g, op1(r, &sx_op_Sign, r->in[0]))); }
static void d_sin(const rule_ctx *r) { add(r, 0, mul(r, r->g, op1(r, &sx_op_Cos, r->in[0]))); }
static void d_cos(const rule_ctx *r) { add(r, 0, neg(r, mul(r, r->g, op1(r, &sx_op_Sin, r->in[0])))); }
static void d_relu(const rule_ctx *r) {
  add(r, 0, sx_lower_3(r->t->l, &sx_op_Where, op2(r, &sx_op_Greater, r->in[0], number(r, 0)), r->g, number(r, 0)));
}
static void d_sigmoid(const rule_ctx *r) { add(r, 0, mul(r, r->g, mul(r, r->y, op2(r, &sx_op_Sub, number(r, 1), r->y)))); }
static void d_tanh(const rule_ctx *r) { add(r, 0, mul(r, r->g, op2(r, &sx_op_Sub, number(r, 1), mul(r, r->y, r->y)))); }
static void d_softplus(const rule_ctx *r) { add(r, 0, mul(r, r->g, op1(r, &sx_op_Sigmoid, r->in[0]))); }
static void d_erf(const rule_ctx *r) {
  sx_vid e = op1(r, &sx_op_Exp, neg(r, mul(r, r->in[0], r->in[0])));
  add(r, 0, mul(r, r->g, mul(r, e, number(r, 1.1283791670955126)))); /* 2 / sqrt(pi) */
}
static void d_pow(const rule_ctx *r) {
  sx_vid b = sx_lower_cast(r->t->l, r->in[1], (sx_dtype)fact(r, r->in[0])->dtype);
  if (wanted(r, 0)) add(r, 0, mul(r, r->g, mul(r, b, op2(r, &sx_op_Pow, r->in[0], op2(r, &sx_op_Sub, b, number(r, 1))))));
  if (wanted(r, 1))
    add(r, 1,
        sx_lower_cast(r->t->l, mul(r, r->g, mul(r, r->y, op1(r, &sx_op_Log, r->in[0]))),
                      (sx_dtype)fact(r, r->in[1])->dtype));
}
static void d_where(const rule_ctx *r) {
  add(r, 1, sx_lower_3(r->t->l, &sx_op_Where, r->in[0], r->g, number(r, 0)));
  add(r, 2, sx_lower_3(r->t->l, &sx_op_Where, r->in[0], number(r, 0), r->g));
}
static void d_cast(const rule_ctx *r) { add(r, 0, sx_lower_cast(r->t->l, r->g, (sx_dtype)fact(r, r->in[0])->dtype)); }
static void d_view(const rule_ctx *r) {
  if (wanted(r, 0)) add(r, 0, reshaped(r, r->g, r->in[0]));
}
static void d_transpose(const rule_ctx *r) {
  const int64_t *perm;
  int back[SX_MAX_RANK], rank = fact(r, r->g)->rank;
  uint32_t n = sx_attr_ints(r->n, "perm", &perm);
  for (int i = 0; i < rank; i++) back[n ? perm[i] : rank - 1 - i] = i;
  add(r, 0, sx_lower_transpose(r->t->l, r->g, back));
}
static sx_vid swapped(const rule_ctx *r, sx_vid x) {
  int perm[SX_MAX_RANK], rank = fact(r, x)->rank;
  for (int i = 0; i < rank; i++) perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
  return sx_lower_transpose(r->t->l, x, perm);
}
/* Vectors are matrices of one row or column. */
static void d_matmul(const rule_ctx *r) {
  sx_vid a = r->in[0], b = r->in[1], g = r->g;
  int ra = fact(r, a)->rank, rb = fact(r, b)->rank;
  const int64_t front[] = {0}, back[] = {1};
  if (ra < 1 || rb < 1) {
    SX_LOWER_FAIL(r->t->l, FAIL, "the rank of an operand is not known");
    return;
  }
  if (ra == 1)
    a = sx_lower_axes(r->t->l, &sx_op_Unsqueeze, a, front, 1),
    g = sx_lower_axes(r->t->l, &sx_op_Unsqueeze, g, (int64_t[]){rb == 1 ? -1 : -2}, 1);
  if (rb == 1)
    b = sx_lower_axes(r->t->l, &sx_op_Unsqueeze, b, back, 1),
    g = sx_lower_axes(r->t->l, &sx_op_Unsqueeze, g, (int64_t[]){-1}, 1);
  if (wanted(r, 0))
    add(r, 0,
        ra == 1 ? reshaped(r, like_input(r, op2(r, &sx_op_MatMul, g, swapped(r, b)), a), r->in[0])
                : op2(r, &sx_op_MatMul, g, swapped(r, b)));
  if (wanted(r, 1))
    add(r, 1,
        rb == 1 ? reshaped(r, like_input(r, op2(r, &sx_op_MatMul, swapped(r, a), g), b), r->in[1])
                : op2(r, &sx_op_MatMul, swapped(r, a), g));
}
static void d_gemm(const rule_ctx *r) {
  bool ta = sx_attr_int(r->n, "transA", 0), tb = sx_attr_int(r->n, "transB", 0);
  sx_vid a = ta ? swapped(r, r->in[0]) : r->in[0], b = tb ? swapped(r, r->in[1]) : r->in[1];
  sx_vid g = mul(r, r->g, number(r, sx_attr_float(r->n, "alpha", 1)));
  if (wanted(r, 0)) add(r, 0, ta ? op2(r, &sx_op_MatMul, b, swapped(r, g)) : op2(r, &sx_op_MatMul, g, swapped(r, b)));
  if (wanted(r, 1)) add(r, 1, tb ? op2(r, &sx_op_MatMul, swapped(r, g), a) : op2(r, &sx_op_MatMul, swapped(r, a), g));
  if (wanted(r, 2)) add(r, 2, mul(r, r->g, number(r, sx_attr_float(r->n, "beta", 1))));
}
/* The gradient of a sum, where the summed dimensions are 1 again, goes to every element. */
static sx_vid spread(const rule_ctx *r) {
  const sx_fact *x = fact(r, r->in[0]);
  sx_dim d[SX_MAX_RANK];
  const bool given = r->n->n_formal > 1 && r->in[1] != SX_LOWER_ABSENT;
  const sx_tensor *axes = given ? sx_value_const(r->t->l->c->g, r->in[1]) : NULL;
  int64_t axis = 0, n = axes ? axes->count : 0;
  if (r->t->l->status != SX_OK) return SX_NONE;
  if (x->rank < 0 || (given && !axes))
    return SX_LOWER_FAIL(r->t->l, FAIL, "the axes, or the rank of the operand, are not known"), SX_NONE;
  for (int i = 0; i < x->rank; i++) d[i] = n || sx_attr_int(r->n, "noop_with_empty_axes", 0) ? x->dims[i] : 1;
  for (int64_t i = 0; i < n; i++)
    if (sx_tensor_get_i64(axes, i, &axis) && axis >= -x->rank && axis < x->rank) d[axis < 0 ? axis + x->rank : axis] = 1;
  return op2(r, &sx_op_Expand, sx_lower_reshape(r->t->l, r->g, d, x->rank), sx_lower_shape(r->t->l, r->in[0]));
}
static void d_reduce_sum(const rule_ctx *r) { add(r, 0, spread(r)); }
static void d_reduce_mean(const rule_ctx *r) {
  sx_lower *l = r->t->l;
  sx_dtype t = (sx_dtype)fact(r, r->g)->dtype;
  sx_vid few = sx_lower_cast(l, op1(r, &sx_op_Size, r->y), t), many = sx_lower_cast(l, op1(r, &sx_op_Size, r->in[0]), t);
  add(r, 0, mul(r, spread(r), op2(r, &sx_op_Div, few, many)));
}
static sx_vid row_sum(const rule_ctx *r, sx_vid x) {
  int64_t axis[] = {sx_attr_int(r->n, "axis", -1)};
  return sx_lower_reduce(r->t->l, &sx_op_ReduceSum, x, axis, 1, true);
}
static void d_softmax(const rule_ctx *r) {
  add(r, 0, mul(r, r->y, op2(r, &sx_op_Sub, r->g, row_sum(r, mul(r, r->g, r->y)))));
}
static void d_log_softmax(const rule_ctx *r) {
  add(r, 0, op2(r, &sx_op_Sub, r->g, mul(r, op1(r, &sx_op_Exp, r->y), row_sum(r, r->g))));
}

static const struct {
  const sx_op *op;
  void (*rule)(const rule_ctx *);
} rules[] = {{&sx_op_Abs, d_abs},
             {&sx_op_Add, d_sum},
             {&sx_op_Cast, d_cast},
             {&sx_op_Cos, d_cos},
             {&sx_op_Div, d_div},
             {&sx_op_Erf, d_erf},
             {&sx_op_Exp, d_exp},
             {&sx_op_Flatten, d_view},
             {&sx_op_Gemm, d_gemm},
             {&sx_op_Identity, d_identity},
             {&sx_op_Log, d_log},
             {&sx_op_LogSoftmax, d_log_softmax},
             {&sx_op_MatMul, d_matmul},
             {&sx_op_Mul, d_mul},
             {&sx_op_Neg, d_neg},
             {&sx_op_Pow, d_pow},
             {&sx_op_Reciprocal, d_reciprocal},
             {&sx_op_ReduceMean, d_reduce_mean},
             {&sx_op_ReduceSum, d_reduce_sum},
             {&sx_op_Relu, d_relu},
             {&sx_op_Reshape, d_view},
             {&sx_op_Sigmoid, d_sigmoid},
             {&sx_op_Sin, d_sin},
             {&sx_op_Softmax, d_softmax},
             {&sx_op_Softplus, d_softplus},
             {&sx_op_Sqrt, d_sqrt},
             {&sx_op_Squeeze, d_view},
             {&sx_op_Sub, d_sub},
             {&sx_op_Sum, d_sum},
             {&sx_op_Tanh, d_tanh},
             {&sx_op_Transpose, d_transpose},
             {&sx_op_Unsqueeze, d_view},
             {&sx_op_Where, d_where}};

static sx_vid by_name(sx_lower *l, sx_str name) {
  sx_graph *g = l->c->g;
  for (sx_vid v = 0; v < g->values.n; v++)
    if (name.n && sx_str_eq(sx_value_at(g, v)->name, name)) return v;
  SX_LOWER_FAIL(l, INVALID_GRAPH, "the graph has no tensor '%.*s'", SX_FMT(name));
  return SX_NONE;
}

/* Everything that y is computed from, producers first; a value that xs and zs give ends the way back. */
static sx_status collect(tape *t, sx_vid y) {
  sx_graph *g = t->l->c->g;
  SX_VEC(sx_nid) todo = {0};
  uint8_t *seen = sx_calloc(g->nodes.n + 1, 1);
  sx_nid first = sx_value_at(g, y)->producer;
  bool ok = seen && (t->now[y] != SX_NONE || first == SX_NONE || sx_vec_push(&todo, first));
  while (ok && todo.n && t->l->status == SX_OK) {
    sx_nid id = todo.at[todo.n - 1];
    const sx_node *n = sx_node_at(g, id);
    uint32_t waiting = todo.n;
    if (!n->op)
      SX_LOWER_FAIL(t->l, NOT_IMPLEMENTED, "operator '%.*s' stands behind Gradient in the file, or is custom",
                    SX_FMT(n->op_type));
    for (uint32_t i = 0; i < n->n_in && !seen[id] && ok; i++) {
      sx_vid v = n->in[i].value;
      sx_nid p = v == SX_NONE || t->now[v] != SX_NONE ? SX_NONE : sx_value_at(g, v)->producer;
      if (p != SX_NONE && !seen[p]) ok = sx_vec_push(&todo, p);
    }
    if (todo.n > waiting) continue;
    todo.n--;
    if (seen[id]) continue;
    seen[id] = 1;
    bool varies = false;
    for (uint32_t i = 0; i < n->n_in; i++) varies |= n->in[i].value != SX_NONE && t->now[n->in[i].value] != SX_NONE;
    if (!varies) continue; /* depends on nothing that is given anew: used as it is */
    for (uint32_t o = 0; o < n->n_out; o++)
      if (n->out[o] != SX_NONE) t->now[n->out[o]] = n->out[o];
    ok = sx_vec_push(&t->order, id);
  }
  sx_free(seen, g->nodes.n + 1);
  sx_vec_free(&todo);
  return ok ? t->l->status : SX_LOWER_FAIL(t->l, NO_MEMORY, "out of memory");
}

static sx_vid here(const tape *t, sx_vid v) {
  return v == SX_NONE ? SX_LOWER_ABSENT : t->now[v] == SX_NONE ? v : t->now[v];
}

/* The node once more, on what stands for its inputs here. */
static void replay(tape *t, const sx_node *n) {
  enum { MOST = 64 };
  sx_vid in[MOST], out[MOST];
  if (n->n_in > MOST || n->n_out > MOST || n->op->flags & (SX_OP_CONTROL | SX_OP_NONDETERMINISTIC)) {
    SX_LOWER_FAIL(t->l, NOT_IMPLEMENTED, "operator '%.*s' has no gradient here", SX_FMT(n->op_type));
    return;
  }
  for (uint32_t i = 0; i < n->n_in; i++) in[i] = here(t, n->in[i].value);
  sx_lower_nodes(t->l, n->op, in, n->n_in, n->attrs, n->n_attrs, out, n->n_out);
  for (uint32_t i = 0; i < n->n_in; i++)
    for (uint32_t o = 0; o < n->n_out; o++)
      if (n->out[o] != SX_NONE && n->in[i].value != SX_NONE) t->varies[n->out[o]] |= t->varies[n->in[i].value];
  for (uint32_t o = 0; o < n->n_out; o++)
    if (n->out[o] != SX_NONE) t->now[n->out[o]] = out[o];
}

static void walk_back(tape *t) {
  for (uint32_t k = t->order.n; k-- > 0 && t->l->status == SX_OK;) {
    const sx_node *n = sx_node_at(t->l->c->g, t->order.at[k]);
    sx_vid y = n->out[0];
    bool others = false;
    for (uint32_t o = 1; o < n->n_out; o++) others |= n->out[o] != SX_NONE && t->grad[n->out[o]] != SX_NONE;
    if (y == SX_NONE || (t->grad[y] == SX_NONE && !others) || !t->varies[y]) continue;
    rule_ctx r = {.t = t, .n = n, .y = t->now[y], .g = t->grad[y]};
    void (*rule)(const rule_ctx *) = NULL;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && !rule; i++)
      if (rules[i].op == n->op) rule = rules[i].rule;
    if (!rule || others || (n->n_in > 8 && rule != d_sum)) {
      SX_LOWER_FAIL(t->l, NOT_IMPLEMENTED, "operator '%.*s' has no gradient here", SX_FMT(n->op_type));
      return;
    }
    for (uint32_t i = 0; i < n->n_in && i < 8; i++) r.in[i] = here(t, n->in[i].value);
    rule(&r);
  }
}

static sx_status lower_gradient(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const sx_attr *xs = sx_node_attr(c->n, "xs"), *zs = sx_node_attr(c->n, "zs");
  uint32_t given = xs->n + (zs ? zs->n : 0), n = c->g->values.n;
  if (given != c->n->n_formal || c->n->n_out > xs->n)
    SX_FAIL(c->e, INVALID_GRAPH, "xs and zs name %u tensors, the node has %u inputs and %u outputs", given, c->n->n_formal,
            c->n->n_out);
  sx_arena *a = &c->g->model->arena;
  tape t = {.l = &l, .now = SX_NEW_N(a, sx_vid, n), .varies = SX_NEW_N(a, bool, n), .grad = SX_NEW_N(a, sx_vid, n)};
  sx_vid y = by_name(&l, sx_attr_str(c->n, "y", "")), *out = SX_NEW_N(a, sx_vid, (size_t)xs->n + 1);
  if (!t.now || !t.varies || !t.grad || !out) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < n; i++) t.now[i] = t.grad[i] = SX_NONE;
  for (uint32_t i = 0; i < given && l.status == SX_OK; i++) {
    sx_vid v = by_name(&l, i < xs->n ? xs->strings[i] : zs->strings[i - xs->n]);
    if (v != SX_NONE) t.now[v] = sx_lower_in(&l, i), t.varies[v] = i < xs->n;
  }
  if (l.status == SX_OK) collect(&t, y);
  for (uint32_t k = 0; k < t.order.n && l.status == SX_OK; k++) replay(&t, sx_node_at(c->g, t.order.at[k]));
  if (l.status == SX_OK) {
    sx_vid one = sx_lower_number(&l, 1, (sx_dtype)sx_lower_fact(&l, here(&t, y))->dtype);
    t.grad[y] = sx_lower_2(&l, &sx_op_Expand, one, sx_lower_shape(&l, here(&t, y)));
    walk_back(&t);
  }
  sx_vec_free(&t.order);
  for (uint32_t i = 0; i < xs->n && l.status == SX_OK; i++) {
    out[i] = t.grad[by_name(&l, xs->strings[i])];
    if (out[i] == SX_NONE)
      out[i] = sx_lower_2(&l, &sx_op_Sub, sx_lower_in(&l, i), sx_lower_in(&l, i)); /* y does not depend on it */
    else if (!sx_lower_fact(&l, out[i])->constant)
      out[i] = sx_lower_1(&l, &sx_op_Identity, out[i]);
  }
  return sx_lower_done(&l, out, c->n->n_out);
}
const sx_op sx_op_Gradient = {.name = "Gradient",
                              .domain = SX_DOMAIN_TRAINING,
                              .accuracy = SX_ACCUMULATE,
                              .upgrades = {{SX_LOWER_ALWAYS, lower_gradient}}};
