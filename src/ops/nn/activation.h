// SPDX-License-Identifier: MIT
/* The activation of a fused product or convolution: attributes `activation` (an operator's name, or GeluTanh) with its numbers in
 * `activation_params`, then `activation_scale` and `activation_shift`: y = scale * act(x) + shift. One table says which operators
 * these are, for fusion and for lowering. */
#ifndef SX_OPS_NN_ACTIVATION_H
#define SX_OPS_NN_ACTIVATION_H
#include "ops/ops.h"

/* The name and numbers of the activation that node n is; NULL when it is none that epilogues know. */
const char *sx_activation_of(const sx_graph *g, const sx_node *n, float params[2], uint32_t *count);
/* Sets them; false: out of memory. */
bool sx_activation_set(sx_graph *g, sx_nid n, const char *name, const float *params, uint32_t count);
/* The activation of n applied to y, as standard nodes; y itself when there is none, SX_NONE when out of memory. */
sx_vid sx_activation_lower(sx_graph *g, const sx_node *n, sx_vid y);
static inline bool sx_activation_attr(sx_str name) { return name.n >= 10 && !memcmp(name.p, "activation", 10); }
#endif
