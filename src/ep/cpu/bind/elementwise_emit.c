// SPDX-License-Identifier: MIT
/* The table from operators to instructions, and the few operators that are more than one. */
#include "ep/cpu/bind/elementwise.h"
#include "ep/cpu/kernels/convert/convert.h"

typedef struct row {
  const sx_op *op;
  sx_ew_op ew;
  uint8_t n;
  const char *attr[2];
  float dflt[2];
} row;
static const row rows[] = {
#define U(N) {&sx_op_##N, SX_EW_##N, 1, {NULL, NULL}, {0, 0}},
#define B(N) {&sx_op_##N, SX_EW_##N, 2, {NULL, NULL}, {0, 0}},
    U(Abs) U(Acos) U(Acosh) U(Asin) U(Asinh) U(Atan) U(Atanh) U(BitwiseNot) U(Ceil) U(Cos) U(Cosh) U(Erf) U(Exp) U(Floor)
        U(HardSwish) U(IsNaN) U(Log) U(Mish) U(Neg) U(Not) U(Reciprocal) U(Relu) U(Round) U(Sigmoid) U(Sign) U(Sin) U(Sinh)
            U(Softplus) U(Softsign) U(Sqrt) U(Tan) U(Tanh){&sx_op_Celu, SX_EW_Celu, 1, {"alpha", NULL}, {1, 0}},
    {&sx_op_Elu, SX_EW_Elu, 1, {"alpha", NULL}, {1, 0}},
    {&sx_op_HardSigmoid, SX_EW_HardSigmoid, 1, {"alpha", "beta"}, {0.2f, 0.5f}},
    {&sx_op_LeakyRelu, SX_EW_LeakyRelu, 1, {"alpha", NULL}, {0.01f, 0}},
    {&sx_op_Selu, SX_EW_Selu, 1, {"alpha", "gamma"}, {1.67326319217681884765625f, 1.05070102214813232421875f}},
    {&sx_op_Shrink, SX_EW_Shrink, 1, {"lambd", "bias"}, {0.5f, 0}},
    {&sx_op_Swish, SX_EW_Swish, 1, {"alpha", NULL}, {1, 0}},
    {&sx_op_ThresholdedRelu, SX_EW_ThresholdedRelu, 1, {"alpha", NULL}, {1, 0}},
    B(Add) B(Sub) B(Mul) B(Div) B(PRelu) B(And) B(Or) B(Xor) B(BitwiseAnd) B(BitwiseOr) B(BitwiseXor) B(Equal) B(Less)
        B(LessOrEqual) B(Greater) B(GreaterOrEqual) B(Max) B(Min){&sx_op_Sum, SX_EW_Add, 2, {NULL, NULL}, {0, 0}},
#undef U
#undef B
};

static sx_dtype type_of(const sx_graph *g, sx_vid v) {
  return v == SX_NONE ? SX_UNDEFINED : (sx_dtype)sx_value_at(g, v)->fact.dtype;
}
/* A narrow integer is computed in a wider class: bring a result back to its own type. */
static uint16_t narrow(sx_ew_program *p, sx_arena *a, uint16_t v, sx_dtype t) {
  return sx_dtype_is_int(t) && t != SX_I32 && t != SX_I64 && t != SX_U64 ? sx_ew_cast(p, a, v, t, SX_CAST_NOSAT) : v;
}

static uint16_t emit_clip(sx_ew_program *p, sx_arena *a, const uint16_t *src, uint32_t n) {
  uint16_t v = src[0];
  if (n > 1 && src[1] != SX_EW_NONE && n > 2 && src[2] != SX_EW_NONE) return sx_ew_op3(p, a, SX_EW_Clip, v, src[1], src[2]);
  if (n > 1 && src[1] != SX_EW_NONE) v = sx_ew_op2(p, a, SX_EW_Max, v, src[1]);
  if (n > 2 && src[2] != SX_EW_NONE) v = sx_ew_op2(p, a, SX_EW_Min, v, src[2]);
  return v;
}

/* Pow: the result has the base's type; the exponent may have another. */
static uint16_t emit_pow(sx_ew_program *p, sx_arena *a, const sx_graph *g, const sx_node *n, const uint16_t *src) {
  sx_dtype tx = type_of(g, n->in[0].value), ty = type_of(g, n->in[1].value);
  double k;
  const sx_tensor *t = sx_value_const(g, n->in[1].value);
  bool constant = t && t->count == 1 && sx_tensor_get_f64(t, 0, &k);
  if (constant && k == 2) return sx_ew_op1(p, a, SX_EW_Square, src[0], 0, 0);
  if (constant && k == 1) return src[0];
  if (constant && sx_dtype_is_float(tx) && k == 0.5) return sx_ew_op1(p, a, SX_EW_Sqrt, src[0], 0, 0);
  if (constant && sx_dtype_is_float(tx) && k == 3)
    return sx_ew_op2(p, a, SX_EW_Mul, sx_ew_op1(p, a, SX_EW_Square, src[0], 0, 0), src[0]);
  if (sx_ew_class_of(tx) == sx_ew_class_of(ty)) return sx_ew_op2(p, a, SX_EW_Pow, src[0], src[1]);
  if (sx_dtype_is_float(tx))
    return sx_ew_op2(p, a, SX_EW_Pow, src[0],
                     sx_ew_cast(p, a, src[1], sx_ew_class_of(tx) == SX_EW_F64 ? SX_F64 : SX_F32, 0));
  if (sx_dtype_is_float(ty)) { /* computed in double, brought back */
    uint16_t x = sx_ew_cast(p, a, src[0], SX_F64, 0), y = sx_ew_cast(p, a, src[1], SX_F64, 0);
    return sx_ew_cast(p, a, sx_ew_op2(p, a, SX_EW_Pow, x, y), tx, SX_CAST_NOSAT);
  }
  return sx_ew_op2(p, a, SX_EW_Pow, src[0], sx_ew_cast(p, a, src[1], tx, SX_CAST_NOSAT));
}

static uint16_t emit_gelu(sx_ew_program *p, sx_arena *a, const sx_node *n, uint16_t x) {
  return sx_ew_op1(p, a, sx_str_is(sx_attr_str(n, "approximate", "none"), "tanh") ? SX_EW_GeluTanh : SX_EW_Gelu, x, 0, 0);
}
static uint16_t emit_cast(sx_ew_program *p, sx_arena *a, const sx_graph *g, const sx_node *n, uint16_t x) {
  sx_str round = sx_attr_str(n, "round_mode", "up");
  uint32_t mode = sx_attr_int(n, "saturate", 1) ? SX_CAST_SATURATE : SX_CAST_NOSAT;
  if (sx_str_is(round, "up")) mode |= SX_CAST_E8M0_UP;
  if (sx_str_is(round, "down")) mode |= SX_CAST_E8M0_DOWN;
  return sx_ew_cast(p, a, x, type_of(g, n->out[0]), mode);
}

uint16_t sx_ew_emit_node(sx_ew_program *p, sx_arena *a, const sx_graph *g, const sx_node *n, const uint16_t *src,
                         const char **reason) {
  sx_dtype tx = type_of(g, n->in[0].value), ty = type_of(g, n->out[0]);
  const sx_op *op = n->op;
  *reason = "the tile machine has no such instruction for this element type";
  if (op == &sx_op_Cast) {
    if (sx_ew_class_of(tx) == SX_EW_CLASSES || sx_ew_class_of(ty) == SX_EW_CLASSES) return SX_EW_NONE;
    return emit_cast(p, a, g, n, src[0]);
  }
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].value != SX_NONE && sx_ew_class_of(type_of(g, n->in[i].value)) == SX_EW_CLASSES) return SX_EW_NONE;
  if (op == &sx_op_Clip) return narrow(p, a, emit_clip(p, a, src, n->n_in), ty);
  if (op == &sx_op_Pow) return narrow(p, a, emit_pow(p, a, g, n, src), ty);
  if (op == &sx_op_Gelu) return emit_gelu(p, a, n, src[0]);
  if (op == &sx_op_Where) return sx_ew_op3(p, a, SX_EW_Where, src[0], src[1], src[2]);
  if (op == &sx_op_IsInf)
    return sx_ew_op1(p, a, SX_EW_IsInf, src[0], (double)sx_attr_int(n, "detect_negative", 1),
                     (double)sx_attr_int(n, "detect_positive", 1));
  if (op == &sx_op_Mod) {
    bool fmod = sx_attr_int(n, "fmod", 0) != 0;
    sx_ew_op e = fmod ? SX_EW_FMod : SX_EW_Mod;
    return sx_ew_supported(e, sx_ew_class_of(tx)) ? narrow(p, a, sx_ew_op2(p, a, e, src[0], src[1]), ty) : SX_EW_NONE;
  }
  if (op == &sx_op_BitShift) {
    bool left = sx_str_is(sx_attr_str(n, "direction", ""), "LEFT");
    return narrow(p, a, sx_ew_op2(p, a, left ? SX_EW_ShiftLeft : SX_EW_ShiftRight, src[0], src[1]), ty);
  }
  bool mean = op == &sx_op_Mean;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const row *r = &rows[i];
    if (r->op != op && !(mean && r->op == &sx_op_Sum)) continue;
    if (!sx_ew_supported(r->ew, sx_ew_class_of(tx))) return SX_EW_NONE;
    uint16_t v = src[0];
    if (r->n == 1)
      v = sx_ew_op1(p, a, r->ew, v, r->attr[0] ? sx_attr_float(n, r->attr[0], r->dflt[0]) : 0,
                    r->attr[1] ? sx_attr_float(n, r->attr[1], r->dflt[1]) : 0);
    else
      for (uint32_t k = 1; k < n->n_in; k++) v = narrow(p, a, sx_ew_op2(p, a, r->ew, v, src[k]), ty);
    if (mean) v = sx_ew_op2(p, a, SX_EW_Mul, v, sx_ew_constf(p, a, sx_ew_class_of(tx), 1.0 / n->n_in));
    return r->n == 1 ? narrow(p, a, v, ty) : v;
  }
  *reason = "not an instruction of the tile machine";
  return SX_EW_NONE;
}
