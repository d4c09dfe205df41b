// SPDX-License-Identifier: MIT
/* Elementwise operators and chains of them as tile programs: built once per session, compiled per shape. */
#include "ep/cpu/bind/elementwise.h"

typedef struct params {
  sx_ew_code *code;
  uint32_t n_in;
} params;

/* The machine works in f32 for half floats; inputs load from and outputs store to their own types. */
static sx_status program_of_body(sx_ew_program *p, sx_arena *a, const sx_graph *g, const sx_graph *b, const char **reason,
                                 uint16_t *out) {
  sx_arena tmp = {0};
  uint16_t *map = SX_NEW_N(&tmp, uint16_t, (size_t)b->values.n + 1), src[64];
  *out = SX_EW_NONE;
  if (!map) return SX_E_NO_MEMORY;
  for (uint32_t i = 0; i < b->inputs.n; i++)
    map[b->inputs.at[i]] = sx_ew_input(p, a, (sx_dtype)sx_value_at(b, b->inputs.at[i])->fact.dtype);
  for (uint32_t i = 0; i < b->values.n; i++) { /* constants of a body are scalars */
    const sx_value *v = sx_value_at(b, i);
    double f;
    int64_t k;
    if (v->kind != SX_VALUE_CONST) continue;
    sx_ew_class cls = sx_ew_class_of((sx_dtype)v->fact.dtype);
    if (cls <= SX_EW_F64 && sx_tensor_get_f64(v->fact.constant, 0, &f))
      map[i] = sx_ew_constf(p, a, cls, f);
    else if (sx_tensor_get_i64(v->fact.constant, 0, &k))
      map[i] = sx_ew_const(p, a, cls, (sx_ew_imm){.i = k});
    else
      map[i] = SX_EW_NONE;
  }
  uint16_t v = SX_EW_NONE;
  for (uint32_t k = 0; k < b->order.n; k++) {
    const sx_node *n = sx_node_at(b, b->order.at[k]);
    for (uint32_t i = 0; i < n->n_in && i < 64; i++) src[i] = n->in[i].value == SX_NONE ? SX_EW_NONE : map[n->in[i].value];
    v = n->n_in > 64 ? SX_EW_NONE : sx_ew_emit_node(p, a, b, n, src, reason);
    if (v == SX_EW_NONE) break;
    map[n->out[0]] = v;
  }
  if (v != SX_EW_NONE) *out = map[b->outputs.at[0]];
  sx_arena_free(&tmp);
  (void)g;
  return SX_OK;
}

static sx_status build_program(const sx_graph *g, const sx_node *n, sx_ew_program *p, sx_arena *a, const char **reason,
                               bool *ok) {
  uint16_t src[64], v;
  *ok = false;
  if (n->n_in > SX_EW_OPERANDS - 1) {
    *reason = "too many inputs";
    return SX_OK;
  }
  if (n->op == &sx_op_Elementwise)
    SX_TRY(program_of_body(p, a, g, sx_attr_graph(n, "body"), reason, &v));
  else {
    for (uint32_t i = 0; i < n->n_in; i++)
      src[i] =
          n->in[i].value == SX_NONE ? SX_EW_NONE : sx_ew_input(p, a, (sx_dtype)sx_value_at(g, n->in[i].value)->fact.dtype);
    v = sx_ew_emit_node(p, a, g, n, src, reason);
  }
  if (v == SX_EW_NONE) return p->failed ? SX_E_NO_MEMORY : SX_OK;
  sx_ew_store(p, a, v, (sx_dtype)sx_value_at(g, n->out[0])->fact.dtype, 0);
  *ok = true;
  return SX_OK;
}

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  sx_arena a = {0};
  sx_ew_program p = {0};
  bool ok;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].value != SX_NONE && sx_value_at(g, n->in[i].value)->fact.dtype == SX_UNDEFINED) {
      *reason = "the element type of an input is unknown";
      return false;
    }
  if (build_program(g, n, &p, &a, reason, &ok) != SX_OK) ok = true; /* out of memory: create says so */
  sx_arena_free(&a);
  return ok;
}

static sx_status create(sx_build *b) {
  sx_ew_program *p = SX_NEW(b->arena, sx_ew_program);
  const char *reason = "";
  bool ok;
  if (!p) SX_NO_MEMORY(b->e);
  if (build_program(b->g, b->n, p, b->arena, &reason, &ok) != SX_OK || p->failed) SX_NO_MEMORY(b->e);
  if (!ok) SX_FAIL(b->e, NOT_IMPLEMENTED, "%s", reason);
  b->state = p;
  return SX_OK;
}

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const void *in[SX_EW_OPERANDS];
  uint32_t n = 0;
  for (uint32_t i = 0; i < q->n_in; i++)
    if (c->in[i]) in[n++] = c->in[i];
  sx_ew_run(q->code, in, c->out, begin, end, c->worker_scratch);
  return SX_OK;
}

/* The dimensions in memory: a blocked tensor has its channel lanes last; a plain operand beside blocked ones is split the
 * same way (the layout pass admits scalars and per-channel tensors whose channels fill whole blocks). */
static uint32_t physical(const sx_view *v, int rank, uint32_t block, int64_t *d) {
  if (!block) {
    for (int i = 0; i < v->rank; i++) d[i] = v->dims[i];
    return (uint32_t)v->rank;
  }
  for (int i = 0; i < rank; i++) d[i] = i < rank - v->rank ? 1 : v->dims[i - (rank - v->rank)];
  int64_t ch = d[1];
  d[1] = ch == 1 && v->layout == SX_PLAIN ? 1 : (ch + block - 1) / block;
  d[rank] = ch == 1 && v->layout == SX_PLAIN ? 1 : block;
  return (uint32_t)rank + 1;
}

static sx_status prepare(sx_prep *p) {
  const sx_ew_program *g = p->state;
  params *q = SX_NEW(p->arena, params);
  sx_ew_space *space = SX_NEW(p->arena, sx_ew_space);
  sx_ew_shape *shapes = SX_NEW_N(p->arena, sx_ew_shape, SX_EW_OPERANDS);
  int64_t(*dims)[SX_MAX_RANK + 1] = sx_arena_array(p->arena, SX_EW_OPERANDS, sizeof *dims);
  if (!q || !space || !shapes || !dims) SX_NO_MEMORY(p->e);
  uint32_t n = 0, block = p->out[0].layout == SX_BLOCKED ? p->out[0].block : 0;
  for (uint32_t i = 0; i < p->n_in; i++) {
    if (p->in[i].dtype == SX_UNDEFINED) continue;
    shapes[n].rank = physical(&p->in[i], p->out[0].rank, block, dims[n]);
    shapes[n].dim = dims[n], shapes[n].stride = NULL;
    n++;
  }
  shapes[n].rank = physical(&p->out[0], p->out[0].rank, block, dims[n]);
  shapes[n].dim = dims[n], shapes[n].stride = NULL;
  SX_TRY(sx_ew_space_init(space, shapes[n].rank, dims[n], n, 1, shapes, p->e));
  void *mem = sx_arena_alloc(p->arena, sx_ew_code_bytes(g));
  if (!mem) SX_NO_MEMORY(p->e);
  SX_TRY(sx_ew_compile(g, space, p->cpu->isa, mem, &q->code, p->e));
  q->n_in = p->n_in;
  p->params = q;
  return sx_prep_phase(p, run, sx_ew_units(q->code), sx_ew_unit_ns(q->code), sx_ew_scratch_bytes(q->code));
}

#define ROW(N)                                                                      \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N,                                   \
                                .name = "elementwise",                              \
                                .flags = SX_KERNEL_INPLACE_ANY | SX_KERNEL_BLOCKED, \
                                .claim = claim,                                     \
                                .create = create,                                   \
                                .prepare = prepare};
ROW(Elementwise)
ROW(Abs) ROW(Acos) ROW(Acosh) ROW(Asin) ROW(Asinh) ROW(Atan) ROW(Atanh) ROW(BitwiseNot) ROW(Ceil) ROW(Celu) ROW(Cos)
    ROW(Cosh) ROW(Elu) ROW(Erf) ROW(Exp) ROW(Floor) ROW(Gelu) ROW(HardSigmoid) ROW(HardSwish) ROW(LeakyRelu) ROW(Log)
        ROW(Mish) ROW(Neg) ROW(Reciprocal) ROW(Relu) ROW(Round) ROW(Selu) ROW(Shrink) ROW(Sigmoid) ROW(Sign) ROW(Sin)
            ROW(Sinh) ROW(Softplus) ROW(Softsign) ROW(Sqrt) ROW(Swish) ROW(Tan) ROW(Tanh) ROW(ThresholdedRelu) ROW(IsInf)
                ROW(IsNaN) ROW(Not) ROW(Add) ROW(Sub) ROW(Mul) ROW(Div) ROW(Pow) ROW(PRelu) ROW(Mod) ROW(BitShift)
                    ROW(BitwiseAnd) ROW(BitwiseOr) ROW(BitwiseXor) ROW(Max) ROW(Min) ROW(Mean) ROW(Sum) ROW(And) ROW(Or)
                        ROW(Xor) ROW(Equal) ROW(Less) ROW(LessOrEqual) ROW(Greater) ROW(GreaterOrEqual) ROW(Where) ROW(Clip)
                            ROW(Cast)
