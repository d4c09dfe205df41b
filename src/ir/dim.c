// SPDX-License-Identifier: MIT
/* Interning and normal form of shape expressions: see dim.h. Everything is built bottom-up from already interned parts, so
 * that structural equality is equality of indices. Products are expanded up to MAX_TERMS terms, beyond that they become an
 * opaque atom. What is asked of an expression as a whole, its sign and its symbols, is put together from the same of its parts
 * when it is made: nothing here walks down an expression, which as a tree may be exponentially large. */
#include "ir/dim.h"

enum { MAX_TERMS = 12, MAX_ATOMS = 8, MAX_SYMBOLS = 64 };
typedef struct wterm { int64_t coef; uint32_t n, atoms[MAX_ATOMS]; } wterm;
typedef struct work { uint32_t n; int64_t add; wterm t[MAX_TERMS]; } work; /* a polynomial under construction, terms sorted */

void sx_dimtab_free(sx_dimtab *t) {
  sx_vec_free(&t->atoms);
  sx_vec_free(&t->polys);
  sx_vec_free(&t->symbols);
  sx_map_free(&t->interned);
  sx_strmap_free(&t->names);
  sx_arena_free(&t->arena);
}

static uint64_t hash_work(const work *w) {
  uint64_t h = sx_hash(&w->add, sizeof w->add, w->n);
  for (uint32_t i = 0; i < w->n; i++) {
    h = sx_hash(&w->t[i].coef, sizeof(int64_t), h);
    h = sx_hash(w->t[i].atoms, w->t[i].n * sizeof(uint32_t), h);
  }
  return h << 1;
}

static bool same(const sx_poly *a, const work *w) {
  if (a->n != w->n || a->add != w->add) return false;
  for (uint32_t i = 0; i < a->n; i++) {
    const sx_term *x = &a->terms[i];
    const wterm *y = &w->t[i];
    if (x->coef != y->coef || x->n != y->n || memcmp(x->atoms, y->atoms, x->n * sizeof(uint32_t))) return false;
  }
  return true;
}

/* Adds sorted symbols to sorted ones; false beyond MAX_SYMBOLS. */
static bool join_symbols(uint32_t *to, uint32_t *n, const uint32_t *from, uint32_t n_from) {
  uint32_t r[2 * MAX_SYMBOLS], k = 0, i = 0, j = 0;
  while (i < *n || j < n_from) {
    uint32_t x = j == n_from || (i < *n && to[i] <= from[j]) ? to[i] : from[j];
    i += i < *n && to[i] == x, j += j < n_from && from[j] == x;
    r[k++] = x;
  }
  if (k > MAX_SYMBOLS) return false;
  memcpy(to, r, k * sizeof *r);
  *n = k;
  return true;
}
/* The symbols of a polynomial under construction, those of its parts being known. A list that is a part's is shared with it. */
static bool symbols_of(sx_dimtab *t, const work *w, sx_poly *p) {
  uint32_t all[MAX_SYMBOLS], n = 0;
  const uint32_t *shared = NULL;
  for (uint32_t i = 0; i < w->n; i++)
    for (uint32_t j = 0; j < w->t[i].n; j++) {
      const sx_atom *x = &t->atoms.at[w->t[i].atoms[j]];
      const sx_dim part[2] = {x->a, x->b};
      const uint32_t own = (uint32_t)x->a;
      if (x->op == SX_ATOM_SYM && !join_symbols(all, &n, &own, 1)) return false;
      for (int k = 0; x->op != SX_ATOM_SYM && k < 2; k++) {
        const sx_poly *q = sx_dim_is_expr(part[k]) ? &t->polys.at[sx_dim_id(part[k])] : NULL;
        if (q && !join_symbols(all, &n, q->symbols, q->n_symbols)) return false;
        if (q && q->n_symbols == n) shared = q->symbols;
        else if (q) shared = NULL;
      }
    }
  p->n_symbols = n;
  p->symbols = shared && !memcmp(shared, all, n * sizeof *all) ? shared : sx_arena_copy(&t->arena, all, n * sizeof *all);
  return p->symbols != NULL;
}

static bool atom_not_negative(const sx_dimtab *t, const sx_atom *x) {
  if (x->op == SX_ATOM_SYM) return true;
  bool a = sx_dim_sign(t, x->a) > 0, b = sx_dim_sign(t, x->b) > 0;
  return x->op == SX_ATOM_MAX ? a || b : x->op == SX_ATOM_MOD ? b : a && b;
}
static int sign_of(const sx_dimtab *t, const work *w) {
  int sign = w->add > 0 ? 1 : w->add < 0 ? -1 : 0;
  for (uint32_t i = 0; i < w->n; i++) {
    int s = w->t[i].coef < 0 ? -1 : 1;
    if (sign && s != sign) return 0;
    sign = s;
    for (uint32_t j = 0; j < w->t[i].n; j++)
      if (!atom_not_negative(t, &t->atoms.at[w->t[i].atoms[j]])) return 0;
  }
  return sign;
}

static sx_dim intern_poly(sx_dimtab *t, const work *w) {
  if (w->n == 0) return w->add >= SX_DIM_CONST_MIN ? w->add : SX_DIM_UNKNOWN;
  uint64_t h = hash_work(w), found;
  for (; sx_map_get(&t->interned, h, &found); h += 2)
    if (same(&t->polys.at[found], w)) return INT64_MIN + (int64_t)found;
  sx_poly p = {.n = w->n, .add = w->add, .sign = (int8_t)sign_of(t, w)};
  sx_term *terms = SX_NEW_N(&t->arena, sx_term, w->n);
  p.terms = terms;
  if (!terms || !symbols_of(t, w, &p)) return SX_DIM_UNKNOWN;
  for (uint32_t i = 0; i < w->n; i++) {
    terms[i] = (sx_term){w->t[i].coef, w->t[i].n, sx_arena_copy(&t->arena, w->t[i].atoms, w->t[i].n * sizeof(uint32_t))};
    if (!terms[i].atoms) return SX_DIM_UNKNOWN;
  }
  if (t->polys.n == 0 && !sx_vec_push(&t->polys, ((sx_poly){0}))) return SX_DIM_UNKNOWN;
  uint32_t id = t->polys.n;
  if (!sx_vec_reserve(&t->polys, id + 1) || !sx_map_put(&t->interned, h, id)) return SX_DIM_UNKNOWN;
  t->polys.at[t->polys.n++] = p;
  return INT64_MIN + (int64_t)id;
}

static sx_dim poly_of_atom(sx_dimtab *t, uint32_t atom) {
  return intern_poly(t, &(work){1, 0, {{1, 1, {atom}}}});
}

static sx_dim intern_atom(sx_dimtab *t, sx_atom_op op, sx_dim a, sx_dim b) {
  if (a == SX_DIM_UNKNOWN || b == SX_DIM_UNKNOWN) return SX_DIM_UNKNOWN;
  struct { int64_t op, a, b; } key = {op, a, b};
  uint64_t h = sx_hash(&key, sizeof key, 7) << 1 | 1, found;
  for (; sx_map_get(&t->interned, h, &found); h += 2) {
    const sx_atom *x = &t->atoms.at[found];
    if (x->op == op && x->a == a && x->b == b) return poly_of_atom(t, (uint32_t)found);
  }
  uint32_t id = t->atoms.n;
  if (!sx_vec_reserve(&t->atoms, id + 1) || !sx_map_put(&t->interned, h, id)) return SX_DIM_UNKNOWN;
  t->atoms.at[t->atoms.n++] = (sx_atom){(uint8_t)op, a, b, {"", 0}};
  return poly_of_atom(t, id);
}

sx_dim sx_dim_fresh(sx_dimtab *t) {
  uint32_t id = t->atoms.n;
  if (!sx_vec_push(&t->atoms, ((sx_atom){SX_ATOM_SYM, t->symbols.n, 0, {"", 0}}))) return SX_DIM_UNKNOWN;
  if (!sx_vec_push(&t->symbols, id)) {
    t->atoms.n--;
    return SX_DIM_UNKNOWN;
  }
  return poly_of_atom(t, id);
}

sx_dim sx_dim_symbol(sx_dimtab *t, sx_str name) {
  uint32_t atom;
  if (!name.n) return sx_dim_fresh(t);
  if (sx_strmap_get(&t->names, name, &atom)) return poly_of_atom(t, atom);
  char *copy = sx_arena_strdup(&t->arena, name.p, name.n);
  sx_dim d = copy ? sx_dim_fresh(t) : SX_DIM_UNKNOWN;
  if (d == SX_DIM_UNKNOWN) return d;
  atom = t->atoms.n - 1;
  t->atoms.at[atom].name = (sx_str){copy, name.n};
  return sx_strmap_put(&t->names, t->atoms.at[atom].name, atom) ? d : SX_DIM_UNKNOWN;
}

static int term_cmp(const wterm *a, const wterm *b) {
  for (uint32_t i = 0; i < a->n && i < b->n; i++)
    if (a->atoms[i] != b->atoms[i]) return a->atoms[i] < b->atoms[i] ? -1 : 1;
  return a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}

/* Adds a term, kept sorted. False on overflow or when the polynomial grows too long. */
static bool work_add(work *w, const wterm *x) {
  uint32_t i = 0;
  int o = 1;
  while (i < w->n && (o = term_cmp(&w->t[i], x)) < 0) i++;
  if (i < w->n && o == 0) {
    if (!sx_i64_add(w->t[i].coef, x->coef, &w->t[i].coef)) return false;
    if (w->t[i].coef == 0) memmove(&w->t[i], &w->t[i + 1], (--w->n - i) * sizeof w->t[0]);
    return true;
  }
  if (x->coef == 0) return true;
  if (w->n >= MAX_TERMS) return false;
  memmove(&w->t[i + 1], &w->t[i], (w->n - i) * sizeof w->t[0]);
  w->t[i] = *x;
  w->n++;
  return true;
}

/* The product of two terms, or false: overflow, too many factors. */
static bool term_mul(const wterm *a, const wterm *b, wterm *out) {
  uint32_t i = 0, j = 0;
  if (a->n + b->n > MAX_ATOMS || !sx_i64_mul(a->coef, b->coef, &out->coef)) return false;
  out->n = 0;
  while (i < a->n || j < b->n)
    out->atoms[out->n++] = j == b->n || (i < a->n && a->atoms[i] <= b->atoms[j]) ? a->atoms[i++] : b->atoms[j++];
  return true;
}

/* Term i of a dimension, the constant being the last one (with no atoms). */
static uint32_t term_count(const sx_dimtab *t, sx_dim d) { return sx_dim_is_const(d) ? 1 : t->polys.at[sx_dim_id(d)].n + 1; }
static wterm term_at(const sx_dimtab *t, sx_dim d, uint32_t i) {
  wterm w = {sx_dim_is_const(d) ? d : 0, 0, {0}};
  if (sx_dim_is_const(d)) return w;
  const sx_poly *p = &t->polys.at[sx_dim_id(d)];
  if (i == p->n) w.coef = p->add;
  else {
    w.coef = p->terms[i].coef;
    w.n = p->terms[i].n;
    memcpy(w.atoms, p->terms[i].atoms, w.n * sizeof w.atoms[0]);
  }
  return w;
}
static bool work_put(work *w, const wterm *x) { return x->n ? work_add(w, x) : sx_i64_add(w->add, x->coef, &w->add); }

static sx_dim linear(sx_dimtab *t, sx_dim a, int64_t k, sx_dim b) { /* a + k * b */
  if (a == SX_DIM_UNKNOWN || b == SX_DIM_UNKNOWN) return SX_DIM_UNKNOWN;
  work w = {0};
  for (uint32_t i = 0, n = term_count(t, a); i < n; i++) {
    wterm x = term_at(t, a, i);
    if (!work_put(&w, &x)) return SX_DIM_UNKNOWN;
  }
  for (uint32_t i = 0, n = term_count(t, b); i < n; i++) {
    wterm x = term_at(t, b, i);
    if (!sx_i64_mul(x.coef, k, &x.coef) || !work_put(&w, &x)) return SX_DIM_UNKNOWN;
  }
  return intern_poly(t, &w);
}

sx_dim sx_dim_add(sx_dimtab *t, sx_dim a, sx_dim b) { return linear(t, a, 1, b); }
sx_dim sx_dim_sub(sx_dimtab *t, sx_dim a, sx_dim b) { return linear(t, a, -1, b); }

sx_dim sx_dim_mul(sx_dimtab *t, sx_dim a, sx_dim b) {
  if (a == SX_DIM_UNKNOWN || b == SX_DIM_UNKNOWN) return SX_DIM_UNKNOWN;
  work w = {0};
  for (uint32_t i = 0, n = term_count(t, a); i < n; i++)
    for (uint32_t j = 0, m = term_count(t, b); j < m; j++) {
      wterm x = term_at(t, a, i), y = term_at(t, b, j), z;
      if (!term_mul(&x, &y, &z) || !work_put(&w, &z)) return intern_atom(t, SX_ATOM_MUL, a, b);
    }
  return intern_poly(t, &w);
}

/* x / y when y's factors are all in x and its coefficient divides. */
static bool term_div(const wterm *x, const wterm *y, wterm *out) {
  uint32_t j = 0;
  *out = (wterm){0};
  if (y->coef == -1 ? !sx_i64_mul(x->coef, -1, &out->coef) : y->coef == 0 || x->coef % y->coef) return false;
  if (y->coef != -1) out->coef = x->coef / y->coef;
  for (uint32_t i = 0; i < x->n; i++) {
    if (j < y->n && x->atoms[i] == y->atoms[j]) j++;
    else out->atoms[out->n++] = x->atoms[i];
  }
  return j == y->n;
}

sx_dim sx_dim_div(sx_dimtab *t, sx_dim a, sx_dim b) {
  if (a == SX_DIM_UNKNOWN || b == SX_DIM_UNKNOWN || b == 0) return SX_DIM_UNKNOWN;
  if (b == 1) return a;
  if (a == b) return 1;
  if (sx_dim_is_const(a) && sx_dim_is_const(b)) {
    if (b == -1) return sx_dim_sub(t, 0, a);
    int64_t q = a / b;
    return q - (a % b != 0 && (a % b < 0) != (b < 0));
  }
  if (sx_dim_is_const(b) || (t->polys.at[sx_dim_id(b)].n == 1 && t->polys.at[sx_dim_id(b)].add == 0)) {
    work w = {0};
    wterm y = term_at(t, b, 0), z;
    bool exact = true;
    for (uint32_t i = 0, n = term_count(t, a); i < n && exact; i++) {
      wterm x = term_at(t, a, i);
      exact = x.coef == 0 || (term_div(&x, &y, &z) && work_put(&w, &z));
    }
    if (exact) return intern_poly(t, &w);
  }
  return intern_atom(t, SX_ATOM_DIV, a, b);
}

sx_dim sx_dim_ceildiv(sx_dimtab *t, sx_dim a, sx_dim b) {
  return sx_dim_is_const(b) && b > 0 ? sx_dim_div(t, sx_dim_add(t, a, b - 1), b) : SX_DIM_UNKNOWN;
}

sx_dim sx_dim_mod(sx_dimtab *t, sx_dim a, sx_dim b) {
  if (a == SX_DIM_UNKNOWN || b == SX_DIM_UNKNOWN || b == 0) return SX_DIM_UNKNOWN;
  if (b == 1 || a == b) return 0;
  if (sx_dim_is_const(a) && sx_dim_is_const(b)) return a % b != 0 && (a % b < 0) != (b < 0) ? a % b + b : a % b;
  sx_dim q = sx_dim_div(t, a, b);
  if (q == SX_DIM_UNKNOWN) return q;
  return sx_dim_sub(t, a, sx_dim_mul(t, q, b)) == 0 ? 0 : intern_atom(t, SX_ATOM_MOD, a, b);
}

static sx_dim extremum(sx_dimtab *t, sx_atom_op op, sx_dim a, sx_dim b) {
  if (a == b) return a;
  if (a == SX_DIM_UNKNOWN || b == SX_DIM_UNKNOWN) return SX_DIM_UNKNOWN;
  sx_dim d = sx_dim_sub(t, a, b);
  if (sx_dim_is_const(d)) return (d < 0) == (op == SX_ATOM_MIN) ? a : b;
  return a < b ? intern_atom(t, op, a, b) : intern_atom(t, op, b, a);
}
sx_dim sx_dim_min(sx_dimtab *t, sx_dim a, sx_dim b) { return extremum(t, SX_ATOM_MIN, a, b); }
sx_dim sx_dim_max(sx_dimtab *t, sx_dim a, sx_dim b) { return extremum(t, SX_ATOM_MAX, a, b); }

/* The atom that d alone is, or NULL. */
static const sx_atom *atom_alone(const sx_dimtab *t, sx_dim d) {
  const sx_poly *p = sx_dim_is_expr(d) ? &t->polys.at[sx_dim_id(d)] : NULL;
  return p && p->n == 1 && !p->add && p->terms[0].coef == 1 && p->terms[0].n == 1 ? &t->atoms.at[p->terms[0].atoms[0]] : NULL;
}
/* d = min(x, c): gives x. */
static bool is_cut(const sx_dimtab *t, const sx_term *term, int sign, sx_dim *x, sx_dim *c) {
  const sx_atom *a = term->n == 1 && term->coef == sign ? &t->atoms.at[term->atoms[0]] : NULL;
  if (!a || a->op != SX_ATOM_MIN) return false;
  *x = sx_dim_is_const(a->a) ? a->b : a->a, *c = sx_dim_is_const(a->a) ? a->a : a->b;
  return sx_dim_is_const(*c);
}
/* max(min(y, c) - min(x, c), 0): gives y - x. It is what a slice [x, y) of a table of c rows has. */
static bool is_window(sx_dimtab *t, const sx_atom *m, sx_dim *size) {
  sx_dim d = m->a == 0 ? m->b : m->a, x, y, cx, cy;
  const sx_poly *p = (m->a == 0 || m->b == 0) && sx_dim_is_expr(d) ? &t->polys.at[sx_dim_id(d)] : NULL;
  if (!p || p->n != 2 || p->add) return false;
  int first = p->terms[0].coef == 1 ? 0 : 1;
  if (!is_cut(t, &p->terms[first], 1, &y, &cy) || !is_cut(t, &p->terms[1 - first], -1, &x, &cx) || cx != cy) return false;
  *size = sx_dim_sub(t, y, x);
  return true;
}
/* Whether a broadcast with b may be called a: wherever the model does not fail and has no empty tensor there, it is. Three cases:
 * b = min(a, c), c >= 1, what a slice to a rows takes of a table of c; b = a window of a rows out of a table (is_window); and
 * a = broadcast(b, anything). */
static bool absorbs(sx_dimtab *t, sx_dim a, sx_dim b) {
  const sx_atom *x = atom_alone(t, b), *y = atom_alone(t, a);
  sx_dim size, c;
  if (y && y->op == SX_ATOM_BCAST && (y->a == b || y->b == b)) return true;
  if (x && x->op == SX_ATOM_MAX) return is_window(t, x, &size) && size == a;
  if (!x || x->op != SX_ATOM_MIN || (x->a != a && x->b != a)) return false;
  c = x->a == a ? x->b : x->a;
  return sx_dim_is_const(c) && c >= 1;
}

sx_dim sx_dim_broadcast(sx_dimtab *t, sx_dim a, sx_dim b, bool *clash) {
  if (a == b || b == 1) return a;
  if (a == 1) return b;
  if (absorbs(t, a, b)) return a;
  if (absorbs(t, b, a)) return b;
  if (sx_dim_is_const(a) && sx_dim_is_const(b)) {
    *clash = true;
    return SX_DIM_UNKNOWN;
  }
  if (sx_dim_is_const(a)) return a; /* b is 1 or a, or the model fails when it runs */
  if (sx_dim_is_const(b)) return b;
  return a < b ? intern_atom(t, SX_ATOM_BCAST, a, b) : intern_atom(t, SX_ATOM_BCAST, b, a);
}

int64_t sx_dim_symbol_of(const sx_dimtab *t, sx_dim d) {
  const sx_atom *x = atom_alone(t, d);
  return x && x->op == SX_ATOM_SYM ? x->a : -1;
}

int sx_dim_sign(const sx_dimtab *t, sx_dim d) {
  if (!sx_dim_is_expr(d)) return d == SX_DIM_UNKNOWN ? 0 : d >= 0 ? 1 : -1;
  return t->polys.at[sx_dim_id(d)].sign;
}

void sx_dim_symbols(const sx_dimtab *t, sx_dim d, uint8_t *used) {
  const sx_poly *p = sx_dim_is_expr(d) ? &t->polys.at[sx_dim_id(d)] : NULL;
  for (uint32_t i = 0; p && i < p->n_symbols; i++) used[p->symbols[i]] = 1;
}

bool sx_dim_is_known(const sx_dimtab *t, sx_dim d, const uint8_t *known) {
  if (!sx_dim_is_expr(d)) return sx_dim_is_const(d);
  const sx_poly *p = &t->polys.at[sx_dim_id(d)];
  for (uint32_t i = 0; i < p->n_symbols; i++)
    if (!known[p->symbols[i]]) return false;
  return true;
}

void sx_dim_narrow(sx_dimtab *t, sx_dim d) {
  if (sx_dim_is_expr(d)) t->polys.at[sx_dim_id(d)].narrow = true;
}
