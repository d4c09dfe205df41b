// SPDX-License-Identifier: MIT
/* Dimensions and shape arithmetic: a constant, or an interned integer expression over the model's symbols.
 *
 * An expression is a polynomial in normal form over atoms; an atom is a symbol or an operation that is no polynomial
 * (floor division, modulo, minimum, maximum, broadcast). Equal expressions are the same number, so that
 * `a == b` proves equality and nothing has to be solved. Ids grow: an expression refers only to smaller ones, and
 * evaluating the table in order is the whole shape program. An expression of more than 64 symbols is not kept: it is
 * unknown. Element values of small integer tensors use the same type. */
#ifndef SX_IR_DIM_H
#define SX_IR_DIM_H
#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"

/* Constants stand for themselves; SX_DIM_UNKNOWN and expressions lie below every constant. */
typedef int64_t sx_dim;
#define SX_DIM_UNKNOWN   INT64_MIN
#define SX_DIM_CONST_MIN (INT64_MIN + ((int64_t)1 << 32))
static inline bool sx_dim_is_const(sx_dim d) { return d >= SX_DIM_CONST_MIN; }
static inline bool sx_dim_is_expr(sx_dim d) { return d != SX_DIM_UNKNOWN && d < SX_DIM_CONST_MIN; }
/* An element that is what it says: a number at the end of the range may stand for one beyond it (sx_graph_add_const). */
static inline bool sx_dim_is_exact(sx_dim d) { return d != SX_DIM_UNKNOWN && d != SX_DIM_CONST_MIN; }
static inline uint32_t sx_dim_id(sx_dim d) { return (uint32_t)(d - INT64_MIN); } /* of an expression; from 1 */

typedef enum sx_atom_op {
  SX_ATOM_SYM,
  SX_ATOM_DIV,
  SX_ATOM_MOD,
  SX_ATOM_MIN,
  SX_ATOM_MAX,
  SX_ATOM_BCAST,
  SX_ATOM_MUL
} sx_atom_op;
typedef struct sx_atom {
  uint8_t op;
  sx_dim a, b; /* operands; of a symbol: a = its number among the symbols */
  sx_str name; /* of a symbol; empty for one that stands for data */
} sx_atom;
typedef struct sx_term {
  int64_t coef;
  uint32_t n;
  const uint32_t *atoms; /* sorted */
} sx_term;
typedef struct sx_poly { /* add + sum of terms */
  uint32_t n, n_symbols;
  int64_t add;
  const sx_term *terms;
  const uint32_t *symbols; /* the numbers of all symbols that the value depends on, sorted */
  int8_t sign;             /* what sx_dim_sign says */
  bool narrow;             /* sx_dim_narrow */
} sx_poly;

typedef struct sx_dimtab {
  sx_arena arena;
  SX_VEC(sx_atom) atoms;
  SX_VEC(sx_poly) polys;    /* [0] unused */
  SX_VEC(uint32_t) symbols; /* symbol number -> atom */
  sx_map interned;          /* hash of a poly or atom -> index; collisions are chained by rehashing */
  sx_strmap names;
} sx_dimtab;

void sx_dimtab_free(sx_dimtab *t);
/* The symbol of that name, or a new one without name. SX_DIM_UNKNOWN when out of memory, as everywhere below, and below
 * also for what is unknown, overflows or has grown too large. */
sx_dim sx_dim_symbol(sx_dimtab *t, sx_str name);
sx_dim sx_dim_fresh(sx_dimtab *t);
sx_dim sx_dim_add(sx_dimtab *t, sx_dim a, sx_dim b);
sx_dim sx_dim_sub(sx_dimtab *t, sx_dim a, sx_dim b);
sx_dim sx_dim_mul(sx_dimtab *t, sx_dim a, sx_dim b);
sx_dim sx_dim_div(sx_dimtab *t, sx_dim a, sx_dim b);     /* floor; exact where the polynomial divides */
sx_dim sx_dim_ceildiv(sx_dimtab *t, sx_dim a, sx_dim b); /* b a positive constant */
sx_dim sx_dim_mod(sx_dimtab *t, sx_dim a, sx_dim b);
sx_dim sx_dim_min(sx_dimtab *t, sx_dim a, sx_dim b);
sx_dim sx_dim_max(sx_dimtab *t, sx_dim a, sx_dim b);
/* The size two dimensions broadcast to: the other one where one is 1. Two different constants above 1: SX_DIM_UNKNOWN and
 * *clash set. */
sx_dim sx_dim_broadcast(sx_dimtab *t, sx_dim a, sx_dim b, bool *clash);
/* Parses "batch*4 + 1" style text (+ - * / % ( ) integers and names); a text that is no expression is a symbol of that
 * name. */
sx_dim sx_dim_parse(sx_dimtab *t, sx_str text);
/* Beyond some hundred characters the rest is "...": an expression's parts may be shared, its text is not. */
void sx_dim_print(const sx_dimtab *t, sx_dim d, sx_text *out);

/* The number of the symbol that d is, or -1 when it is anything else. */
int64_t sx_dim_symbol_of(const sx_dimtab *t, sx_dim d);
/* 1: never negative (symbols are sizes), -1: never positive, 0: not known. A zero counts as 1. */
int sx_dim_sign(const sx_dimtab *t, sx_dim d);
/* Sets used[i] for every symbol i that d depends on. */
void sx_dim_symbols(const sx_dimtab *t, sx_dim d, uint8_t *used);
/* d is computed in 32 bits somewhere: a value that does not fit an int32 is unknown when it is evaluated, not wrapped. */
void sx_dim_narrow(sx_dimtab *t, sx_dim d);
/* Whether d depends on nothing but symbols whose `known` byte is set. */
bool sx_dim_is_known(const sx_dimtab *t, sx_dim d, const uint8_t *known);

/* Values of expressions for one binding of the symbols, computed as they are asked for. `symbols[i]`: value of symbol i, or
 * SX_DIM_UNKNOWN. The first three members are set, the others begin as 0; what grows lies in the arena. */
typedef struct sx_dim_values {
  const sx_dimtab *t;
  const int64_t *symbols;
  sx_arena *arena;
  bool failed; /* out of memory: what was asked is unknown */
  struct sx_dim_slot *slots;
  uint32_t *stack, n, cap, depth, room;
} sx_dim_values;
/* Division by zero, overflow and what sx_dim_narrow says make a value unknown. */
int64_t sx_dim_now(sx_dim_values *v, sx_dim d);
#endif
