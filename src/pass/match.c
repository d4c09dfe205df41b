// SPDX-License-Identifier: MIT
/* The pattern matcher: a static table against the nodes above a root. Commutative operands are tried in both orders, with full
 * backtracking: a pattern has few choices, and a wrong one fails after a node or two. */
#include "pass/pass.h"
#include <math.h>

sx_node *sx_pass_producer(const sx_graph *g, sx_vid v, const sx_op *op) {
  sx_node *n = sx_value_producer(g, v);
  return n && n->op == op && n->out[0] == v ? n : NULL;
}
bool sx_pass_single_use(const sx_graph *g, sx_vid v) { return sx_value_at(g, v)->n_uses == 1 && !sx_value_at(g, v)->output_uses; }
bool sx_pass_scalar(const sx_graph *g, sx_vid v, double *x) {
  const sx_tensor *t = v == SX_NONE ? NULL : sx_value_const(g, v);
  return t && t->count == 1 && sx_tensor_get_f64(t, 0, x);
}
bool sx_pass_fits_float(const sx_fact *like, double x) { return like->dtype != SX_F64 || (double)(float)x == x; }
bool sx_pass_same_shape(const sx_fact *a, const sx_fact *b) {
  if (a->kind != SX_KIND_TENSOR || b->kind != SX_KIND_TENSOR || a->rank != b->rank || a->rank < 0) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dims[i] != b->dims[i] || a->dims[i] == SX_DIM_UNKNOWN) return false;
  return true;
}
bool sx_pass_affine(const sx_graph *g, const sx_node *n, sx_vid *x, double *scale, double *shift) {
  bool mul = n->op == &sx_op_Mul, div = n->op == &sx_op_Div, add = n->op == &sx_op_Add, sub = n->op == &sx_op_Sub;
  double k;
  *scale = 1, *shift = 0;
  if (n->n_in != 2 || !(mul || div || add || sub)) return false;
  for (uint32_t side = 0; side < (div ? 1u : 2u); side++) { /* of a quotient only the divisor may be the number */
    if (!sx_pass_scalar(g, n->in[1 - side].value, &k) || !isfinite(k) || (div && k == 0)) continue;
    *x = n->in[side].value;
    if (!sx_pass_same_shape(&sx_value_at(g, *x)->fact, &sx_value_at(g, n->out[0])->fact)) continue;
    if (mul || div) *scale = div ? 1 / k : k;
    else if (add) *shift = k;
    else if (side == 0) *shift = -k;
    else *scale = -1, *shift = k;
    return true;
  }
  return false;
}
bool sx_pass_is_near(const sx_graph *g, sx_vid v, double x) {
  double y;
  return sx_pass_scalar(g, v, &y) && fabs(y - x) <= 1e-3 * fabs(x) + 1e-12;
}

/* What is still to be matched is a stack of goals; each way to meet the topmost one is tried with all that lies below it. */
typedef struct goal { sx_vid v; const sx_pat_arg *arg; } goal;
typedef struct matcher {
  const sx_graph *g;
  const sx_pat *pat;
  sx_match *m;
  goal goals[SX_MATCH_NODES * SX_PAT_ARGS];
} matcher;

static bool solve(matcher *k, uint32_t n);

static bool match_node(matcher *k, sx_nid id, uint32_t entry, uint32_t n_goals) {
  const sx_pat *p = &k->pat[entry];
  const sx_node *n = sx_node_at(k->g, id);
  if (n->dead || n->op != p->op || n->n_in < p->n) return false;
  sx_match saved = *k->m;
  for (int swap = 0; swap < (p->n == 2 && n->op->flags & SX_OP_COMMUTES ? 2 : 1); swap++) {
    k->m->nodes[entry] = id;
    for (uint32_t i = 0; i < p->n; i++) k->goals[n_goals + i] = (goal){n->in[swap ? 1 - i : i].value, &p->arg[i]};
    if (solve(k, n_goals + p->n)) return true;
    *k->m = saved;
  }
  return false;
}

static bool meet(matcher *k, sx_vid v, const sx_pat_arg *a, uint32_t n) {
  if (a->kind == SX_PAT_SCALAR) return sx_pass_is_near(k->g, v, a->value) && solve(k, n);
  if (v == SX_NONE) return false;
  if (a->kind == SX_PAT_NODE) {
    const sx_value *x = sx_value_at(k->g, v);
    if (x->producer == SX_NONE || x->index != 0 || x->output_uses) return false;
    if (k->m->nodes[a->index] != SX_NONE) return k->m->nodes[a->index] == x->producer && solve(k, n);
    return match_node(k, x->producer, a->index, n);
  }
  if (a->kind == SX_PAT_CONST && !sx_value_const(k->g, v)) return false;
  sx_vid *capture = &k->m->capture[a->index];
  if (*capture != SX_NONE) return *capture == v && solve(k, n);
  *capture = v;
  if (solve(k, n)) return true;
  *capture = SX_NONE;
  return false;
}

static bool solve(matcher *k, uint32_t n) {
  if (!n) return true;
  goal top = k->goals[n - 1];
  if (meet(k, top.v, top.arg, n - 1)) return true;
  k->goals[n - 1] = top; /* what was tried wrote over it */
  return false;
}

/* Interior results may be used only inside the pattern. */
static bool contained(const sx_graph *g, const sx_match *m, uint32_t n) {
  for (uint32_t i = 1; i < n; i++) {
    if (m->nodes[i] == SX_NONE) continue;
    for (const sx_use *u = sx_value_at(g, sx_node_at(g, m->nodes[i])->out[0])->uses; u; u = u->next) {
      bool inside = false;
      for (uint32_t k = 0; k < n; k++) inside |= m->nodes[k] == u->node;
      if (!inside) return false;
    }
  }
  return true;
}

bool sx_match_at(const sx_graph *g, sx_nid id, const sx_pat *pat, uint32_t n, sx_match *m) {
  memset(m, 0xff, sizeof *m);
  matcher k = {.g = g, .pat = pat, .m = m};
  return n <= SX_MATCH_NODES && match_node(&k, id, 0, 0) && contained(g, m, n);
}
