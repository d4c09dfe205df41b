// SPDX-License-Identifier: MIT
/* What classical models do with the scores of a row, as ONNX Runtime does it: where the standard is vague (a single score, the
 * second class of a binary classifier), its answers are what converters were tested with. */
#ifndef SX_EP_CPU_ML_SCORES_H
#define SX_EP_CPU_ML_SCORES_H
#include "base/cpu.h"
#include "base/str.h"
#include "ir/dtype.h"

/* In the order of TreeEnsemble's attribute. */
typedef enum sx_post { SX_POST_NONE, SX_POST_SOFTMAX, SX_POST_LOGISTIC, SX_POST_SOFTMAX_ZERO, SX_POST_PROBIT } sx_post;
bool sx_post_of(sx_str name, sx_post *p);
/* n scores in place. A single one stays as it is, unless PROBIT is asked for. */
void sx_scores_finish(double *s, int64_t n, sx_post p);
/* Both classes out of the score of the second. mixed: of weights with both signs, so that 0 and not 0.5 divides the classes. */
void sx_scores_pair(double s, sx_post p, bool mixed, double pair[2]);
/* n scores to the elements of y from `at` on: f32, f64 or another floating type. */
void sx_scores_store(sx_isa isa, sx_dtype t, void *y, int64_t at, const double *s, int64_t n);
#endif
