// SPDX-License-Identifier: MIT
/* Values of shape expressions for one binding of the symbols. A model may have very many expressions of which a segment needs a few,
 * so each is computed when it is asked for, after those that it is made of, and kept. */
#include "ir/dim.h"

struct sx_dim_slot {
  uint32_t poly; /* 0: empty */
  int64_t value;
};

static struct sx_dim_slot *slot_of(const sx_dim_values *v, uint32_t poly) {
  uint32_t i = poly * 2654435761u >> 7 & (v->cap - 1);
  while (v->slots[i].poly && v->slots[i].poly != poly) i = (i + 1) & (v->cap - 1);
  return &v->slots[i];
}
static bool grow(sx_dim_values *v) {
  sx_dim_values wide = *v;
  wide.cap = v->cap ? 2 * v->cap : 64;
  if (!(wide.slots = SX_NEW_N(v->arena, struct sx_dim_slot, wide.cap))) return false;
  for (uint32_t i = 0; i < v->cap; i++)
    if (v->slots[i].poly) *slot_of(&wide, v->slots[i].poly) = v->slots[i];
  *v = wide;
  return true;
}
/* Of an operand: false when it is an expression that has not been computed. */
static bool known(const sx_dim_values *v, sx_dim d, int64_t *value) {
  *value = d;
  if (!sx_dim_is_expr(d)) return true;
  const struct sx_dim_slot *s = slot_of(v, sx_dim_id(d));
  *value = s->value;
  return s->poly != 0;
}

static int64_t eval_atom(sx_atom_op op, int64_t a, int64_t b) {
  int64_t r;
  if (a == SX_DIM_UNKNOWN || b == SX_DIM_UNKNOWN) return SX_DIM_UNKNOWN;
  switch (op) {
    case SX_ATOM_DIV: return b == 0 || b == -1 ? SX_DIM_UNKNOWN : a / b - (a % b != 0 && (a % b < 0) != (b < 0));
    case SX_ATOM_MOD: return b == 0 || b == -1 ? SX_DIM_UNKNOWN : (r = a % b, r != 0 && (r < 0) != (b < 0) ? r + b : r);
    case SX_ATOM_MIN: return a < b ? a : b;
    case SX_ATOM_MAX: return a > b ? a : b;
    case SX_ATOM_BCAST: return a == 1 ? b : a;
    case SX_ATOM_MUL: return sx_i64_mul(a, b, &r) ? r : SX_DIM_UNKNOWN;
    case SX_ATOM_SYM: break;
  }
  return SX_DIM_UNKNOWN;
}
static int64_t atom_now(const sx_dim_values *v, const sx_atom *x) {
  int64_t a, b;
  if (x->op == SX_ATOM_SYM) return v->symbols[x->a];
  (void)known(v, x->a, &a), (void)known(v, x->b, &b);
  return eval_atom((sx_atom_op)x->op, a, b);
}
static int64_t poly_now(const sx_dim_values *v, const sx_poly *p) {
  int64_t sum = p->add;
  for (uint32_t i = 0; i < p->n; i++) {
    int64_t m = p->terms[i].coef;
    for (uint32_t j = 0; j < p->terms[i].n; j++) {
      const int64_t x = atom_now(v, &v->t->atoms.at[p->terms[i].atoms[j]]);
      if (x == SX_DIM_UNKNOWN || !sx_i64_mul(m, x, &m)) return SX_DIM_UNKNOWN;
    }
    if (!sx_i64_add(sum, m, &sum)) return SX_DIM_UNKNOWN;
  }
  return sx_dim_is_const(sum) && (!p->narrow || sum == (int32_t)sum) ? sum : SX_DIM_UNKNOWN;
}

static bool push(sx_dim_values *v, uint32_t poly) {
  if (v->depth == v->room) {
    const uint32_t room = v->room ? 2 * v->room : 64;
    uint32_t *stack = SX_NEW_N(v->arena, uint32_t, room);
    if (!stack) return false;
    if (v->depth) memcpy(stack, v->stack, v->depth * sizeof *stack);
    v->stack = stack, v->room = room;
  }
  v->stack[v->depth++] = poly;
  return true;
}
/* What p is made of and has no value yet goes on the stack. */
static bool push_parts(sx_dim_values *v, const sx_poly *p) {
  int64_t value;
  for (uint32_t i = 0; i < p->n; i++)
    for (uint32_t j = 0; j < p->terms[i].n; j++) {
      const sx_atom *x = &v->t->atoms.at[p->terms[i].atoms[j]];
      if (x->op == SX_ATOM_SYM) continue;
      if (!known(v, x->a, &value) && !push(v, sx_dim_id(x->a))) return false;
      if (!known(v, x->b, &value) && !push(v, sx_dim_id(x->b))) return false;
    }
  return true;
}

int64_t sx_dim_now(sx_dim_values *v, sx_dim d) {
  int64_t value;
  if (!sx_dim_is_expr(d)) return d;
  if (!v->cap && !grow(v)) return v->failed = true, SX_DIM_UNKNOWN;
  if (known(v, d, &value)) return value;
  bool ok = push(v, sx_dim_id(d));
  while (v->depth && ok) {
    const uint32_t top = v->stack[v->depth - 1], depth = v->depth;
    const sx_poly *p = &v->t->polys.at[top];
    ok = push_parts(v, p);
    if (!ok || v->depth > depth) continue;
    v->depth--;
    if (2 * v->n >= v->cap && !(ok = grow(v))) break;
    struct sx_dim_slot *s = slot_of(v, top);
    if (!s->poly) *s = (struct sx_dim_slot){top, poly_now(v, p)}, v->n++;
  }
  v->depth = 0;
  if (!ok) return v->failed = true, SX_DIM_UNKNOWN;
  (void)known(v, d, &value);
  return value;
}
