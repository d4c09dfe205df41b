// SPDX-License-Identifier: MIT
/* Programs of the elementwise machine as data: building, classes, names, activations as epilogues; and the space that one
 * runs over, its dimensions merged where all operands allow it. */
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/elementwise/ew_machine.h"
#include <string.h>
#include "ep/cpu/isa.h"

SX_ISA_DECLARE(sx_ew_table, sx_ew);
const sx_ew_table *sx_ew_table_of(sx_isa isa) { return SX_ISA_PICK(sx_ew, isa); }

enum { RESULT_S, RESULT_B };
static const struct { const char *name; uint8_t sources, result; } ops[SX_EW_OP_COUNT] = {
    [SX_EW_CONST] = {"Const", 0, RESULT_S},
    [SX_EW_CAST] = {"Cast", 1, RESULT_S},
#define X(name, sources, result) [SX_EW_##name] = {#name, sources, RESULT_##result},
    SX_EW_OPS(X)
#undef X
};
const char *sx_ew_op_name(sx_ew_op op) { return (uint32_t)op < SX_EW_OP_COUNT ? ops[op].name : "?"; }
uint32_t sx_ew_op_sources(sx_ew_op op) { return ops[op].sources; }

sx_ew_class sx_ew_class_of(sx_dtype t) {
  switch (t) {
    case SX_F32: case SX_F16: case SX_BF16: case SX_F8E4M3FN: case SX_F8E4M3FNUZ: case SX_F8E5M2: case SX_F8E5M2FNUZ:
    case SX_F4E2M1: case SX_F6E2M3: case SX_F6E3M2: case SX_F8E8M0: return SX_EW_F32;
    case SX_F64: return SX_EW_F64;
    case SX_U8: case SX_I8: case SX_U16: case SX_I16: case SX_I32: case SX_U4: case SX_I4: case SX_U2: case SX_I2:
      return SX_EW_I32;
    case SX_U32: case SX_I64: return SX_EW_I64;
    case SX_U64: return SX_EW_U64;
    case SX_BOOL: return SX_EW_B8;
    default: return SX_EW_CLASSES;
  }
}
sx_dtype sx_ew_class_type(sx_ew_class c) {
  static const uint8_t types[] = {SX_F32, SX_F64, SX_I32, SX_I64, SX_U64, SX_BOOL, SX_U8, SX_I8};
  return (sx_dtype)types[c];
}
uint32_t sx_ew_class_bytes(sx_ew_class c) {
  static const uint8_t bytes[] = {4, 8, 4, 8, 8, 1, 1, 1};
  return c < SX_EW_CLASSES ? bytes[c] : 0;
}

sx_ew_fn sx_ew_find(const sx_ew_table *t, sx_ew_op op, sx_ew_class cls) {
  if (op == SX_EW_Where) return t->where[cls];
  return cls == SX_EW_F32 ? t->f32[op] : t->others->fn[cls][op];
}
bool sx_ew_supported(sx_ew_op op, sx_ew_class cls) {
  if ((uint32_t)op >= SX_EW_OP_COUNT || cls >= SX_EW_CLASSES) return false;
  return op == SX_EW_CONST || op == SX_EW_CAST || sx_ew_find(sx_ew_table_of(SX_ISA_BASE), op, cls);
}

sx_ew_class sx_ew_value_class(const sx_ew_program *p, uint16_t value) {
  if (value < p->n_in) return sx_ew_class_of((sx_dtype)p->in[value]);
  if (value >= p->n_in + p->n_ins) return SX_EW_CLASSES;
  const sx_ew_ins *ins = &p->ins[value - p->n_in];
  if (ins->op == SX_EW_CAST) return sx_ew_class_of((sx_dtype)ins->to);
  return ops[ins->op].result == RESULT_B ? SX_EW_B8 : (sx_ew_class)ins->cls;
}

/* Room for one more of `item` bytes; arrays double and the old one stays in the arena. */
static bool room(sx_ew_program *p, sx_arena *a, void **array, uint16_t n, uint16_t *cap, size_t item) {
  if (p->failed || n < *cap) return !p->failed;
  uint32_t want = *cap ? *cap * 2u : 8;
  if (want > 0x7fff) want = 0x7fff;
  void *grown = n < want ? sx_arena_array(a, want, item) : NULL;
  if (!grown) {
    p->failed = true;
    return false;
  }
  if (n) memcpy(grown, *array, n * item);
  *array = grown;
  *cap = (uint16_t)want;
  return true;
}
uint16_t sx_ew_input(sx_ew_program *p, sx_arena *a, sx_dtype type) {
  if (p->n_ins || !room(p, a, (void **)&p->in, p->n_in, &p->cap_in, sizeof *p->in)) {
    p->failed = true;
    return SX_EW_NONE;
  }
  p->in[p->n_in] = (uint8_t)type;
  return p->n_in++;
}
static uint16_t append(sx_ew_program *p, sx_arena *a, sx_ew_ins ins) {
  if (!room(p, a, (void **)&p->ins, p->n_ins, &p->cap_ins, sizeof *p->ins)) return SX_EW_NONE;
  p->ins[p->n_ins] = ins;
  return (uint16_t)(p->n_in + p->n_ins++);
}
uint16_t sx_ew_op3(sx_ew_program *p, sx_arena *a, sx_ew_op op, uint16_t x, uint16_t y, uint16_t z) {
  sx_ew_class cls = sx_ew_value_class(p, op == SX_EW_Where ? y : x);
  return append(p, a, (sx_ew_ins){.op = (uint8_t)op, .cls = (uint8_t)cls, .src = {x, y, z}});
}
uint16_t sx_ew_op2(sx_ew_program *p, sx_arena *a, sx_ew_op op, uint16_t x, uint16_t y) {
  return sx_ew_op3(p, a, op, x, y, SX_EW_NONE);
}
uint16_t sx_ew_op1(sx_ew_program *p, sx_arena *a, sx_ew_op op, uint16_t x, double p0, double p1) {
  return append(p, a, (sx_ew_ins){.op = (uint8_t)op, .cls = (uint8_t)sx_ew_value_class(p, x),
                                  .src = {x, SX_EW_NONE, SX_EW_NONE}, .imm = {{.f = p0}, {.f = p1}}});
}
uint16_t sx_ew_const(sx_ew_program *p, sx_arena *a, sx_ew_class cls, sx_ew_imm value) {
  return append(p, a, (sx_ew_ins){.op = SX_EW_CONST, .cls = (uint8_t)cls,
                                  .src = {SX_EW_NONE, SX_EW_NONE, SX_EW_NONE}, .imm = {value}});
}
uint16_t sx_ew_constf(sx_ew_program *p, sx_arena *a, sx_ew_class cls, double value) {
  sx_ew_imm imm = {.f = value};
  if (cls == SX_EW_U64) imm.u = value >= 1.8446744073709552e19 ? UINT64_MAX : value > 0 ? (uint64_t)value : 0;
  else if (cls != SX_EW_F32 && cls != SX_EW_F64)
    imm.i = value >= 9.2233720368547758e18 ? INT64_MAX : value <= -9.2233720368547758e18 ? INT64_MIN : (int64_t)value;
  return sx_ew_const(p, a, cls, imm);
}
uint16_t sx_ew_cast(sx_ew_program *p, sx_arena *a, uint16_t x, sx_dtype to, uint32_t mode) {
  sx_ew_class cls = sx_ew_value_class(p, x);
  if (cls < SX_EW_CLASSES && to == sx_ew_class_type(cls)) return x;
  return append(p, a, (sx_ew_ins){.op = SX_EW_CAST, .cls = (uint8_t)cls, .to = (uint8_t)to, .mode = (uint8_t)mode,
                                  .src = {x, SX_EW_NONE, SX_EW_NONE}});
}
/* A cast right before a store to the same type is the store: within a class it is not computed at all, and its mode holds. */
static uint16_t skip_cast(sx_ew_program *p, uint16_t x, sx_dtype type, uint32_t *mode) {
  if (x < p->n_in || x >= p->n_in + p->n_ins) return x;
  const sx_ew_ins *ins = &p->ins[x - p->n_in];
  if (ins->op != SX_EW_CAST || ins->to != type) return x;
  if (ins->cls != sx_ew_class_of(type)) {
    *mode = ins->mode & SX_CAST_NOSAT; /* the cast rounds; up once more, 2^-127 would be 2^-126 */
    return x;
  }
  *mode = ins->mode;
  const uint16_t source = ins->src[0];
  bool used = x + 1u != (uint32_t)p->n_in + p->n_ins;
  for (uint32_t i = 0; i < p->n_out; i++) used |= p->out[i].value == x;
  p->n_ins -= !used;
  return source;
}
void sx_ew_store(sx_ew_program *p, sx_arena *a, uint16_t x, sx_dtype type, uint32_t mode) {
  x = skip_cast(p, x, type, &mode);
  if (room(p, a, (void **)&p->out, p->n_out, &p->cap_out, sizeof *p->out))
    p->out[p->n_out++] = (sx_ew_output){.value = x, .type = (uint8_t)type, .mode = (uint8_t)mode};
}

static void act_row(void *act, void *row, int64_t n) {
  const sx_act *s = act;
  float tail[16] __attribute__((aligned(64))) = {0}, *x = row;
  int64_t whole = n & -(int64_t)16;
  if (whole) s->tile(x, x, NULL, NULL, s->params, whole);
  if (n == whole) return;
  memcpy(tail, x + whole, (size_t)(n - whole) * sizeof(float));
  s->tile(tail, tail, NULL, NULL, s->params, 16);
  memcpy(x + whole, tail, (size_t)(n - whole) * sizeof(float));
}
sx_act_row sx_act_fn(sx_act *a, sx_isa isa, sx_ew_op op, float p0, float p1) {
  _Static_assert(sizeof(sx_ew_params) <= sizeof a->params, "parameters fit");
  if ((uint32_t)op >= SX_EW_OP_COUNT || ops[op].sources != 1 || ops[op].result != RESULT_S || op == SX_EW_CAST) return NULL;
  *a = (sx_act){.tile = sx_ew_find(sx_ew_table_of(isa), op, SX_EW_F32), .op = op};
  sx_ew_params q = {.f = {p0, p1}, .imm = {{.f = p0}, {.f = p1}}};
  memcpy(a->params, &q, sizeof q);
  return a->tile ? act_row : NULL;
}

sx_status sx_ew_space_init(sx_ew_space *s, uint32_t rank, const int64_t *dim, uint32_t n_in, uint32_t n_out,
                           const sx_ew_shape *operands, sx_err *e) {
  uint32_t n = n_in + n_out, out = 0;
  if (n > SX_EW_OPERANDS)
    SX_FAIL(e, NOT_IMPLEMENTED, "an elementwise program of %u operands; at most %d are possible", n, SX_EW_OPERANDS);
  s->operands = n;
  s->rank = 0;
  for (uint32_t k = 0; k < n; k++)
    if (operands[k].rank > rank)
      SX_FAIL(e, INVALID_ARGUMENT, "operand %u of rank %u does not broadcast to rank %u", k, operands[k].rank, rank);
  int64_t dense[SX_EW_OPERANDS], stride[SX_EW_OPERANDS];
  for (uint32_t k = 0; k < n; k++) dense[k] = 1;
  /* from the innermost dimension outwards; s is filled back to front and turned at the end */
  for (uint32_t i = 0; i < rank; i++) {
    int64_t d = dim[rank - 1 - i];
    for (uint32_t k = 0; k < n; k++) {
      const sx_ew_shape *o = &operands[k];
      int64_t own = i < o->rank ? o->dim[o->rank - 1 - i] : 1;
      if (own != d && (own != 1 || k >= n_in))
        SX_FAIL(e, FAIL, "operand %u has dimension %lld where the result has %lld", k, (long long)own, (long long)d);
      stride[k] = own == 1 ? 0 : o->stride ? o->stride[o->rank - 1 - i] : dense[k];
      if (own > 1) dense[k] *= own;
    }
    if (d == 1) continue;
    bool merge = out > 0;
    for (uint32_t k = 0; merge && k < n; k++) merge = stride[k] == s->stride[k][out - 1] * s->dim[out - 1];
    if (merge) {
      s->dim[out - 1] *= d;
      continue;
    }
    if (out == SX_EW_RANK) SX_FAIL(e, NOT_IMPLEMENTED, "an elementwise program over more than %d dimensions", SX_EW_RANK);
    s->dim[out] = d;
    for (uint32_t k = 0; k < n; k++) s->stride[k][out] = stride[k];
    out++;
  }
  for (uint32_t i = 0; i < out / 2; i++) {
    int64_t t = s->dim[i];
    s->dim[i] = s->dim[out - 1 - i], s->dim[out - 1 - i] = t;
    for (uint32_t k = 0; k < n; k++)
      t = s->stride[k][i], s->stride[k][i] = s->stride[k][out - 1 - i], s->stride[k][out - 1 - i] = t;
  }
  s->rank = out;
  return SX_OK;
}
