// SPDX-License-Identifier: MIT
/* From elementwise nodes to instructions of the tile machine. */
#ifndef SX_EP_CPU_BIND_ELEMENTWISE_H
#define SX_EP_CPU_BIND_ELEMENTWISE_H
#include "ep/ep.h"
#include "ep/cpu/kernels/elementwise/elementwise.h"

/* Appends node n, whose sources are program values src[] (SX_EW_NONE: absent) of element types from facts in its graph;
 * gives the value of output 0, or SX_EW_NONE with *reason when the machine cannot. */
uint16_t sx_ew_emit_node(sx_ew_program *p, sx_arena *a, const sx_graph *g, const sx_node *n, const uint16_t *src,
                         const char **reason);
#endif
