// SPDX-License-Identifier: MIT
/* The activations that epilogues know. Relu and Clip are part of the tile itself, the others run over finished rows. */
#include "ep/cpu/bind/activation.h"
#include <math.h>

static const struct {
  const char *name;
  sx_ew_op op;
  float p0, p1;
} table[] = {{"Elu", SX_EW_Elu, 1, 0},
             {"Erf", SX_EW_Erf, 0, 0},
             {"Exp", SX_EW_Exp, 0, 0},
             {"Gelu", SX_EW_Gelu, 0, 0},
             {"GeluTanh", SX_EW_GeluTanh, 0, 0},
             {"HardSigmoid", SX_EW_HardSigmoid, 0.2f, 0.5f},
             {"HardSwish", SX_EW_HardSwish, 0, 0},
             {"LeakyRelu", SX_EW_LeakyRelu, 0.01f, 0},
             {"Mish", SX_EW_Mish, 0, 0},
             {"Sigmoid", SX_EW_Sigmoid, 0, 0},
             {"Silu", SX_EW_Silu, 0, 0},
             {"Softplus", SX_EW_Softplus, 0, 0},
             {"Swish", SX_EW_Swish, 1, 0},
             {"Tanh", SX_EW_Tanh, 0, 0}};

sx_status sx_activation_read(const sx_build *b, sx_activation *a) {
  sx_str name = sx_attr_str(b->n, "activation", "");
  const float *p;
  uint32_t n = sx_attr_floats(b->n, "activation_params", &p);
  float scale = sx_attr_float(b->n, "activation_scale", 1), shift = sx_attr_float(b->n, "activation_shift", 0);
  *a = (sx_activation){0};
  if (scale != 1 || shift != 0) a->affine_row = sx_act_fn(&a->affine, b->cpu->isa, SX_EW_Affine, scale, shift);
  if (!name.n) return SX_OK;
  if (sx_str_is(name, "Relu") || sx_str_is(name, "Clip")) {
    bool relu = sx_str_is(name, "Relu");
    a->clip = true;
    a->lo = relu ? 0 : n > 0 ? p[0] : -INFINITY;
    a->hi = relu || n < 2 ? INFINITY : p[1];
    return SX_OK;
  }
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (sx_str_is(name, table[i].name))
      a->row = sx_act_fn(&a->act, b->cpu->isa, table[i].op, n > 0 ? p[0] : table[i].p0, n > 1 ? p[1] : table[i].p1);
  if (!a->row) SX_FAIL(b->e, NOT_IMPLEMENTED, "activation '%.*s' is not known to the fused kernels", SX_FMT(name));
  return SX_OK;
}

static void tile(void *ctx, void *row, int64_t n) {
  sx_activation *a = ctx;
  if (a->row) a->row(&a->act, row, n);
  if (a->affine_row) a->affine_row(&a->affine, row, n);
}
void sx_activation_apply(const sx_activation *a, sx_epilogue *e) {
  e->clip = a->clip, e->lo = a->lo, e->hi = a->hi;
  if (a->row || a->affine_row) e->tile_fn = tile, e->tile_ctx = (void *)a;
}
