// SPDX-License-Identifier: MIT
/* Reading the attributes of tree ensembles. s->n_targets is set before; arrays lie in `a`. Features and numbers of targets are
 * checked here, the shape of the trees by sx_forest_build. */
#ifndef SX_EP_CPU_BIND_TREE_H
#define SX_EP_CPU_BIND_TREE_H
#include "ep/cpu/kernels/tree/tree.h"
#include "ep/ep.h"

sx_status sx_trees_read(const sx_build *b, sx_arena *a, sx_tree_source *s);                        /* TreeEnsemble */
sx_status sx_trees_read_old(const sx_build *b, sx_arena *a, bool classifier, sx_tree_source *s);   /* its forerunners */
sx_status sx_trees_base(const sx_build *b, const double **base, uint32_t *n, bool *wide);
#endif
