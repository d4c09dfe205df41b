// SPDX-License-Identifier: MIT
/* Activations of fused operators: see activation.h. */
#include "ops/nn/activation.h"
#include <math.h>

static const struct {
  const char *name;
  const sx_op *op;
  const char *attr[2];
  float dflt[2];
} table[] = {{"Relu", &sx_op_Relu, {NULL, NULL}, {0, 0}},
             {"Sigmoid", &sx_op_Sigmoid, {NULL, NULL}, {0, 0}},
             {"Tanh", &sx_op_Tanh, {NULL, NULL}, {0, 0}},
             {"HardSwish", &sx_op_HardSwish, {NULL, NULL}, {0, 0}},
             {"Mish", &sx_op_Mish, {NULL, NULL}, {0, 0}},
             {"Softplus", &sx_op_Softplus, {NULL, NULL}, {0, 0}},
             {"LeakyRelu", &sx_op_LeakyRelu, {"alpha", NULL}, {0.01f, 0}},
             {"Elu", &sx_op_Elu, {"alpha", NULL}, {1, 0}},
             {"Swish", &sx_op_Swish, {"alpha", NULL}, {1, 0}},
             {"HardSigmoid", &sx_op_HardSigmoid, {"alpha", "beta"}, {0.2f, 0.5f}},
             {"Gelu", &sx_op_Gelu, {NULL, NULL}, {0, 0}},
             {"GeluTanh", &sx_op_Gelu, {NULL, NULL}, {0, 0}}};

static bool scalar(const sx_graph *g, sx_vid v, double *x) {
  const sx_tensor *t = v == SX_NONE ? NULL : sx_value_const(g, v);
  return v == SX_NONE || (t && t->count == 1 && sx_tensor_get_f64(t, 0, x));
}

const char *sx_activation_of(const sx_graph *g, const sx_node *n, float params[2], uint32_t *count) {
  bool tanh = sx_str_is(sx_attr_str(n, "approximate", "none"), "tanh");
  *count = 0;
  if (n->op == &sx_op_Clip) {
    double lo = -INFINITY, hi = INFINITY;
    if (!scalar(g, sx_node_in(n, 1), &lo) || !scalar(g, sx_node_in(n, 2), &hi) || lo > hi) return NULL;
    params[0] = (float)lo, params[1] = (float)hi, *count = 2;
    return "Clip";
  }
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (table[i].op != n->op || (n->op == &sx_op_Gelu && tanh != !strcmp(table[i].name, "GeluTanh"))) continue;
    for (int k = 0; k < 2 && table[i].attr[k]; k++)
      params[(*count)++] = sx_attr_float(n, table[i].attr[k], table[i].dflt[k]);
    return table[i].name;
  }
  return NULL;
}

bool sx_activation_set(sx_graph *g, sx_nid id, const char *name, const float *params, uint32_t n) {
  float *copy = sx_arena_copy(&g->model->arena, params, n * sizeof *params);
  return copy && sx_node_set_str(g, id, "activation", sx_str_c(name)) &&
         (!n ||
          sx_node_set_attr(
              g, id, &(sx_attr){.name = SX_STR("activation_params"), .type = SX_ATTR_FLOATS, .n = n, .floats = copy}));
}

static sx_vid emit(sx_graph *g, const sx_node *like, const sx_op *op, const sx_vid *in, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (in[i] == SX_NONE) return SX_NONE;
  sx_vid v = sx_graph_emit(g, op, in, n);
  if (v != SX_NONE) sx_graph_emitted(g, v)->name = like->name, sx_graph_emitted(g, v)->origin = like->origin;
  return v;
}
static sx_vid with_number(sx_graph *g, const sx_node *n, const sx_op *op, sx_vid y, float k) {
  return emit(g, n, op, (sx_vid[]){y, sx_graph_const_f32(g, k)}, 2);
}

sx_vid sx_activation_lower(sx_graph *g, const sx_node *n, sx_vid y) {
  sx_str name = sx_attr_str(n, "activation", "");
  const float *p;
  uint32_t np = sx_attr_floats(n, "activation_params", &p);
  float scale = sx_attr_float(n, "activation_scale", 1), shift = sx_attr_float(n, "activation_shift", 0);
  if (sx_str_is(name, "Clip"))
    y = emit(
        g, n, &sx_op_Clip,
        (sx_vid[]){y, sx_graph_const_f32(g, np > 0 ? p[0] : -INFINITY), sx_graph_const_f32(g, np > 1 ? p[1] : INFINITY)},
        3);
  for (size_t i = 0; i < sizeof table / sizeof *table && y != SX_NONE; i++) {
    if (!sx_str_is(name, table[i].name)) continue;
    y = emit(g, n, table[i].op, &y, 1);
    if (y == SX_NONE) return y;
    sx_nid id = sx_value_at(g, y)->producer;
    if (!strcmp(table[i].name, "GeluTanh") && !sx_node_set_str(g, id, "approximate", SX_STR("tanh"))) return SX_NONE;
    for (uint32_t k = 0; k < 2 && k < np && table[i].attr[k]; k++)
      if (!sx_node_set_float(g, id, table[i].attr[k], p[k])) return SX_NONE;
    break;
  }
  if (scale != 1) y = with_number(g, n, &sx_op_Mul, y, scale);
  return shift != 0 ? with_number(g, n, &sx_op_Add, y, shift) : y;
}
