// SPDX-License-Identifier: MIT
/* com.microsoft's WordConvEmbedding: a vector per word, the maximum of a convolution over the embeddings of its letters. Said
 * in standard operators: windows that reach behind the word's last letter are kept out of the maximum by a number below all
 * that tanh gives. */
#include "ops/lower.h"

enum { WORDS, FILTERS, BIAS, LETTERS };

static sx_vid compared(sx_lower *l, const sx_op *op, sx_vid x, int64_t with) {
  return sx_lower_2(l, op, x, sx_lower_number(l, (double)with, SX_I32));
}

/* (words (S, W) int32, filters (M, 1, width, E), bias (M), letters (V, E)) -> (S, M). A word has as many letters as it has
 * positive entries, none when the first is not; letters that are not in the table are zeros. */
static sx_status open_word_conv(sx_upgrade_ctx *c) {
  static const int64_t inner[] = {1}, last[] = {2}, behind[] = {3};
  sx_lower l = {c, SX_OK};
  const sx_vid words = sx_lower_in(&l, WORDS), table = sx_lower_in(&l, LETTERS);
  const sx_fact *s = sx_lower_fact(&l, words), *f = sx_lower_fact(&l, sx_lower_in(&l, FILTERS)), *t = sx_lower_fact(&l, table);
  static const struct {
    const char *attr;
    uint32_t input, axis;
  } sizes[] = {{"embedding_size", FILTERS, 0}, {"conv_window_size", FILTERS, 2}, {"char_embedding_size", LETTERS, 1}};
  if (s->rank != 2 || f->rank != 4 || t->rank != 2)
    SX_FAIL(c->e, FAIL, "Sequence, W and C have ranks %d, %d and %d, expected 2, 4 and 2", s->rank, f->rank, t->rank);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const int64_t want = sx_attr_int(c->n, sizes[i].attr, -1);
    const sx_dim found = (sizes[i].input == FILTERS ? f : t)->dims[sizes[i].axis];
    if (want != -1 && sx_dim_is_const(found) && found != want)
      SX_FAIL(c->e, FAIL, "input %u has size %lld on axis %u, attribute %s is %lld", sizes[i].input, (long long)found,
              sizes[i].axis, sizes[i].attr, (long long)want);
  }
  const sx_dim width = f->dims[2];
  if (!sx_dim_is_const(width) || !sx_dim_is_const(t->dims[0]) || t->dims[0] < 1)
    SX_FAIL(c->e, NOT_IMPLEMENTED, "the sizes of W and C are not known");
  /* Letters to vectors; convolution over the windows; tanh. (S, M, windows) */
  sx_vid known = sx_lower_2(&l, &sx_op_And, compared(&l, &sx_op_GreaterOrEqual, words, 0),
                            compared(&l, &sx_op_Less, words, t->dims[0]));
  sx_vid at = sx_lower_3(&l, &sx_op_Where, known, words, sx_lower_number(&l, 0, SX_I32));
  sx_vid x = sx_lower_3(&l, &sx_op_Where, sx_lower_axes(&l, &sx_op_Unsqueeze, known, last, 1),
                        sx_lower_2(&l, &sx_op_Gather, table, at), sx_lower_number(&l, 0, SX_F32));
  x = sx_lower_3(&l, &sx_op_Conv, sx_lower_axes(&l, &sx_op_Unsqueeze, x, inner, 1), sx_lower_in(&l, FILTERS),
                 sx_lower_in(&l, BIAS));
  x = sx_lower_1(&l, &sx_op_Tanh, sx_lower_axes(&l, &sx_op_Squeeze, x, behind, 1));
  /* The letters of each word, (S, 1), and its last window. */
  sx_vid positive = compared(&l, &sx_op_Greater, words, 0);
  sx_vid count = sx_lower_reduce(&l, &sx_op_ReduceSum, sx_lower_cast(&l, positive, SX_I32), inner, 1, true);
  const int64_t zero = 0, one = 1;
  sx_vid begins = sx_lower_node(&l, &sx_op_Slice,
                                SX_LOWER_IN(positive, sx_lower_ints(&l, &zero, 1), sx_lower_ints(&l, &one, 1),
                                            sx_lower_ints(&l, &one, 1)),
                                NULL, 0);
  sx_vid end = sx_lower_2(&l, &sx_op_Max, compared(&l, &sx_op_Sub, count, width), sx_lower_number(&l, 0, SX_I32));
  sx_vid windows = sx_lower_2(&l, &sx_op_Gather, sx_lower_shape(&l, x), sx_lower_int(&l, 2));
  sx_vid window = sx_lower_cast(&l, sx_lower_3(&l, &sx_op_Range, sx_lower_int(&l, 0), windows, sx_lower_int(&l, 1)), SX_I32);
  sx_vid inside = sx_lower_axes(&l, &sx_op_Unsqueeze, sx_lower_2(&l, &sx_op_LessOrEqual, window, end), inner, 1);
  x = sx_lower_3(&l, &sx_op_Where, inside, x, sx_lower_number(&l, -2, SX_F32));
  x = sx_lower_reduce(&l, &sx_op_ReduceMax, x, last, 1, false);
  return sx_lower_end(&l, sx_lower_3(&l, &sx_op_Where, begins, x, sx_lower_number(&l, 0, SX_F32)));
}
const sx_op sx_op_WordConvEmbedding = {.name = "WordConvEmbedding",
                                       .domain = SX_DOMAIN_MS,
                                       .accuracy = SX_ACCUMULATE,
                                       .upgrades = {{SX_LOWER_ALWAYS, open_word_conv}}};
