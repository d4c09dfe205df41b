// SPDX-License-Identifier: MIT
/* Adagrad, Adam and Momentum, said in other operators while the model is read. Inputs: the rate R, the count of updates T,
 * then for n tensors their values, gradients, and states of one or two kinds, kind after kind; outputs likewise: values,
 * states. */
#include "ops/lower.h"

typedef struct tensors {
  sx_lower *l;
  uint32_t n;  /* tensors */
  uint32_t at; /* the one at hand */
  sx_dtype t;
} tensors;
/* Kind k of the tensor at hand: 0 values, 1 gradients, 2 and 3 states. */
static sx_vid kind(const tensors *x, uint32_t k) { return sx_lower_in(x->l, 2 + k * x->n + x->at); }
static sx_vid op2(const tensors *x, const sx_op *op, sx_vid a, sx_vid b) { return sx_lower_2(x->l, op, a, b); }
static sx_vid number(const tensors *x, double v) { return sx_lower_number(x->l, v, x->t); }
static sx_vid scaled(const tensors *x, sx_vid a, double by) { return op2(x, &sx_op_Mul, a, number(x, by)); }
static float attr(const tensors *x, const char *name, float dflt) { return sx_attr_float(x->l->c->n, name, dflt); }
static sx_vid rate(const tensors *x) { return sx_lower_cast(x->l, sx_lower_in(x->l, 0), x->t); }
static sx_vid updates(const tensors *x) { return sx_lower_cast(x->l, sx_lower_in(x->l, 1), x->t); }
/* The gradient with the penalty for large values. */
static sx_vid gradient(const tensors *x) {
  float norm = attr(x, "norm_coefficient", 0);
  return norm == 0 ? kind(x, 1) : op2(x, &sx_op_Add, scaled(x, kind(x, 0), norm), kind(x, 1));
}
/* First update: a, later: b. */
static sx_vid first_or(const tensors *x, sx_vid a, sx_vid b) {
  sx_vid first = op2(x, &sx_op_LessOrEqual, sx_lower_in(x->l, 1), sx_lower_int(x->l, 0));
  return sx_lower_3(x->l, &sx_op_Where, first, a, b);
}

static void adagrad(const tensors *x, sx_vid *out) {
  sx_vid r = op2(x, &sx_op_Div, rate(x),
                 op2(x, &sx_op_Add, scaled(x, updates(x), attr(x, "decay_factor", 0)), number(x, 1))),
         g = gradient(x);
  out[1] = op2(x, &sx_op_Add, kind(x, 2), op2(x, &sx_op_Mul, g, g));
  sx_vid step = op2(x, &sx_op_Add, sx_lower_1(x->l, &sx_op_Sqrt, out[1]), number(x, attr(x, "epsilon", 1e-6f)));
  out[0] = op2(x, &sx_op_Sub, kind(x, 0), op2(x, &sx_op_Div, op2(x, &sx_op_Mul, r, g), step));
}

static void adam(const tensors *x, sx_vid *out) {
  float alpha = attr(x, "alpha", 0.9f), beta = attr(x, "beta", 0.999f), post = attr(x, "norm_coefficient_post", 0);
  sx_vid g = gradient(x), one = number(x, 1), t = updates(x), r = rate(x);
  out[1] = op2(x, &sx_op_Add, scaled(x, kind(x, 2), alpha), scaled(x, g, 1 - alpha));
  out[2] = op2(x, &sx_op_Add, scaled(x, kind(x, 3), beta), scaled(x, op2(x, &sx_op_Mul, g, g), 1 - beta));
  sx_vid left = sx_lower_1(x->l, &sx_op_Sqrt, op2(x, &sx_op_Sub, one, op2(x, &sx_op_Pow, number(x, beta), t)));
  sx_vid right = op2(x, &sx_op_Sub, one, op2(x, &sx_op_Pow, number(x, alpha), t));
  r = first_or(x, r, op2(x, &sx_op_Div, op2(x, &sx_op_Mul, r, left), right));
  sx_vid step = op2(x, &sx_op_Add, sx_lower_1(x->l, &sx_op_Sqrt, out[2]), number(x, attr(x, "epsilon", 1e-6f)));
  out[0] = op2(x, &sx_op_Sub, kind(x, 0), op2(x, &sx_op_Div, op2(x, &sx_op_Mul, r, out[1]), step));
  if (post != 0) out[0] = scaled(x, out[0], 1 - post);
}

static void momentum(const tensors *x, sx_vid *out) {
  sx_str mode = sx_attr_str(x->l->c->n, "mode", "");
  bool nesterov = sx_str_is(mode, "nesterov");
  float alpha = attr(x, "alpha", 0);
  if (!nesterov && !sx_str_is(mode, "standard"))
    SX_LOWER_FAIL(x->l, INVALID_GRAPH, "mode is '%.*s', expected 'standard' or 'nesterov'", SX_FMT(mode));
  sx_vid g = gradient(x), beta = first_or(x, number(x, 1), number(x, attr(x, "beta", 0)));
  out[1] = op2(x, &sx_op_Add, scaled(x, kind(x, 2), alpha), op2(x, &sx_op_Mul, beta, g));
  sx_vid way = nesterov ? op2(x, &sx_op_Add, g, scaled(x, out[1], alpha)) : out[1];
  out[0] = op2(x, &sx_op_Sub, kind(x, 0), op2(x, &sx_op_Mul, rate(x), way));
}

/* `kinds` inputs per tensor, one output fewer. */
static sx_status lower_optimizer(sx_upgrade_ctx *c, uint32_t kinds, void (*update)(const tensors *, sx_vid *)) {
  sx_lower l = {c, SX_OK};
  tensors x = {.l = &l, .n = (c->n->n_formal - 2) / kinds};
  if (c->n->n_formal != 2 + kinds * x.n || !x.n || c->n->n_out != (kinds - 1) * x.n)
    SX_FAIL(c->e, INVALID_GRAPH, "%u inputs and %u outputs: expected 2 and %u for every tensor, and %u for every tensor",
            c->n->n_formal, c->n->n_out, kinds, kinds - 1);
  sx_vid *out = SX_NEW_N(&c->g->model->arena, sx_vid, c->n->n_out), one[3];
  if (!out) SX_NO_MEMORY(c->e);
  for (; x.at < x.n; x.at++) {
    x.t = (sx_dtype)sx_lower_fact(&l, kind(&x, 0))->dtype;
    update(&x, one);
    for (uint32_t k = 0; k + 1 < kinds; k++) out[k * x.n + x.at] = one[k];
  }
  return sx_lower_done(&l, out, c->n->n_out);
}
#define OPTIMIZER(N, kinds, update)                                                                \
  static sx_status lower_##update(sx_upgrade_ctx *c) { return lower_optimizer(c, kinds, update); } \
  const sx_op sx_op_##N = {.name = #N,                                                             \
                           .domain = SX_DOMAIN_TRAINING,                                           \
                           .accuracy = SX_ULP,                                                     \
                           .ulp = 16,                                                              \
                           .upgrades = {{SX_LOWER_ALWAYS, lower_##update}}};
OPTIMIZER(Adagrad, 3, adagrad)
OPTIMIZER(Adam, 4, adam)
OPTIMIZER(Momentum, 3, momentum)
