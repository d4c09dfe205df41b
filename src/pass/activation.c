// SPDX-License-Identifier: MIT
/* Activations that exporters write as arithmetic. All are a product k * x * g(x): the product is flattened to a factor and
 * two values, one of which must be a gate over the other. What stands inside the gate is compared as a polynomial in x, so
 * that the order of operands, divisions or multiplications, x * x * x or Pow do not matter. */
#include "pass/pass.h"
#include <math.h>

enum { DEGREE = 3, DEPTH = 8 };
typedef struct poly {
  double c[DEGREE + 1];
} poly;

/* value v as a polynomial in x; false when it is none of degree 3 at most. */
static bool poly_of(const sx_graph *g, sx_vid v, sx_vid x, int depth, poly *out) {
  double k;
  poly a, b;
  *out = (poly){{0}};
  if (v == x) {
    out->c[1] = 1;
    return true;
  }
  if (sx_pass_scalar(g, v, &k)) {
    out->c[0] = k;
    return true;
  }
  const sx_node *n = sx_value_producer(g, v);
  if (!n || n->n_in != 2 || depth == DEPTH || !poly_of(g, n->in[0].value, x, depth + 1, &a)) return false;
  if (n->op == &sx_op_Pow) {
    if (!sx_pass_scalar(g, n->in[1].value, &k) || k != rint(k) || k < 0 || k > DEGREE) return false;
    b = a, a = (poly){{1}};
  } else if (!poly_of(g, n->in[1].value, x, depth + 1, &b))
    return false;
  if (n->op == &sx_op_Div) {
    if (!sx_pass_scalar(g, n->in[1].value, &k) || k == 0) return false;
    b = (poly){{1 / k}};
  }
  if (n->op == &sx_op_Add || n->op == &sx_op_Sub) {
    for (int i = 0; i <= DEGREE; i++) out->c[i] = a.c[i] + (n->op == &sx_op_Add ? b.c[i] : -b.c[i]);
    return true;
  }
  if (n->op != &sx_op_Mul && n->op != &sx_op_Div && n->op != &sx_op_Pow) return false;
  for (int times = n->op == &sx_op_Pow ? (int)k : 1; times > 0; times--) {
    poly r = {{0}};
    for (int i = 0; i <= DEGREE; i++)
      for (int j = 0; j <= DEGREE; j++) {
        if (i + j <= DEGREE)
          r.c[i + j] += a.c[i] * b.c[j];
        else if (a.c[i] * b.c[j] != 0)
          return false;
      }
    a = r;
  }
  *out = a;
  return true;
}
static bool near(double a, double b) { return fabs(a - b) <= 1e-3 * fabs(b); }
static bool is_poly(const sx_graph *g, sx_vid v, sx_vid x, double c0, double c1, double c3) {
  poly p;
  return poly_of(g, v, x, 0, &p) && near(p.c[0], c0) && near(p.c[1], c1) && p.c[2] == 0 && near(p.c[3], c3);
}

/* A product of at most two values and a constant; values that are used elsewhere are not opened. */
typedef struct product {
  double k;
  sx_vid f[2];
  int n;
} product;
static bool flatten(const sx_graph *g, sx_vid v, bool root, int depth, product *p) {
  double k;
  const sx_node *n = sx_value_producer(g, v);
  if (sx_pass_scalar(g, v, &k)) {
    p->k *= k;
    return true;
  }
  if (n && depth < DEPTH && (root || sx_pass_single_use(g, v))) {
    if (n->op == &sx_op_Mul)
      return flatten(g, n->in[0].value, false, depth + 1, p) && flatten(g, n->in[1].value, false, depth + 1, p);
    if (n->op == &sx_op_Div && sx_pass_scalar(g, n->in[1].value, &k) && k != 0) {
      p->k /= k;
      return flatten(g, n->in[0].value, false, depth + 1, p);
    }
  }
  if (p->n == 2) return false;
  p->f[p->n++] = v;
  return true;
}

typedef struct activation {
  const sx_op *op;
  const char *attr, *text;
  float value;
} activation;

static const sx_node *sole(const sx_graph *g, sx_vid v) {
  return sx_pass_single_use(g, v) ? sx_value_producer(g, v) : NULL;
}

/* k * x * (1/2 + 1/2 E(..)): E is Erf or Tanh. */
static bool match_gelu(const sx_graph *g, const sx_node *sum, double k, sx_vid x, activation *a) {
  for (uint32_t side = 0; side < 2; side++) {
    double add;
    product p = {.k = k};
    if (!sx_pass_scalar(g, sum->in[side].value, &add) || !near(k * add, 0.5)) continue;
    if (!flatten(g, sum->in[1 - side].value, false, 0, &p) || p.n != 1 || !near(p.k, 0.5)) continue;
    const sx_node *e = sole(g, p.f[0]);
    if (!e || !e->n_in) continue;
    *a = (activation){.op = &sx_op_Gelu};
    if (e->op == &sx_op_Erf) return is_poly(g, e->in[0].value, x, 0, 0.70710678, 0);
    a->attr = "approximate", a->text = "tanh";
    return e->op == &sx_op_Tanh && is_poly(g, e->in[0].value, x, 0, 0.79788456, 0.79788456 * 0.044715);
  }
  return false;
}

static bool match_sigmoid(const sx_graph *g, const sx_node *s, double k, sx_vid x, activation *a) {
  poly p;
  if (k != 1 || !poly_of(g, s->in[0].value, x, 0, &p) || p.c[0] != 0 || p.c[2] != 0) return false;
  *a = (activation){.op = &sx_op_Swish, .attr = "alpha", .value = (float)p.c[1]};
  if (p.c[3] == 0) return true;
  *a = (activation){.op = &sx_op_Gelu, .attr = "approximate", .text = "tanh"};
  return near(p.c[1], 2 * 0.79788456) && near(p.c[3], 2 * 0.79788456 * 0.044715);
}

static bool match_gate(const sx_graph *g, sx_vid gate, double k, sx_vid x, activation *a) {
  const sx_node *n = sole(g, gate);
  double lo, hi;
  if (!n || !n->n_in) return false;
  if (n->op == &sx_op_Add) return match_gelu(g, n, k, x, a);
  if (n->op == &sx_op_Sigmoid) return match_sigmoid(g, n, k, x, a);
  *a = (activation){.op = &sx_op_HardSwish};
  if (n->op == &sx_op_HardSigmoid)
    return k == 1 && n->in[0].value == x && near(sx_attr_float(n, "alpha", 0.2f), 1 / 6.0) &&
           sx_attr_float(n, "beta", 0.5f) == 0.5f;
  if (n->op == &sx_op_Clip)
    return near(k, 1 / 6.0) && is_poly(g, n->in[0].value, x, 3, 1, 0) && sx_pass_scalar(g, sx_node_in(n, 1), &lo) &&
           sx_pass_scalar(g, sx_node_in(n, 2), &hi) && lo == 0 && hi == 6;
  *a = (activation){.op = &sx_op_Mish};
  const sx_node *soft = n->op == &sx_op_Tanh ? sole(g, n->in[0].value) : NULL;
  return soft && k == 1 && soft->op == &sx_op_Softplus && soft->in[0].value == x;
}

static sx_status fuse(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  product p = {.k = 1};
  activation a;
  const sx_fact *y = &sx_value_at(g, n->out[0])->fact;
  if (y->dtype == SX_F64) return SX_OK; /* constants that are near enough in f32 are not */
  if (!sx_dtype_is_float((sx_dtype)y->dtype) || !flatten(g, n->out[0], true, 0, &p) || p.n != 2) return SX_OK;
  for (int i = 0; i < 2; i++) {
    sx_vid x = p.f[i];
    if (!match_gate(g, p.f[1 - i], p.k, x, &a) || !sx_pass_same_shape(&sx_value_at(g, x)->fact, y)) continue;
    sx_patch patch = sx_patch_begin(c);
    sx_vid v = sx_patch_node(&patch, a.op, &x, 1);
    if (v == SX_NONE) SX_NO_MEMORY(c->e);
    sx_nid id = sx_value_at(g, v)->producer;
    if (a.text ? !sx_node_set_str(g, id, a.attr, sx_str_c(a.text)) : a.attr && !sx_node_set_float(g, id, a.attr, a.value))
      SX_NO_MEMORY(c->e);
    sx_patch_swap(&patch, n->out[0], v);
    return sx_patch_apply(&patch, NULL);
  }
  return SX_OK;
}

sx_status sx_pass_activations(sx_pass_ctx *c) {
  for (uint32_t i = 0; i < c->g->order.n; i++) {
    const sx_node *n = sx_node_at(c->g, c->g->order.at[i]);
    if (!n->dead && (n->op == &sx_op_Mul || n->op == &sx_op_Div)) SX_TRY(fuse(c, n));
  }
  return SX_OK;
}
