// SPDX-License-Identifier: MIT
/* Small operators of com.microsoft: forms of standard ones (Pad, Trilu, Unique), hashes, and blocking repeated n-grams. */
#include "ops/lower.h"

static sx_status lower_trilu(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  return sx_lower_end(&l, sx_lower_node(&l, &sx_op_Trilu, SX_LOWER_IN(sx_lower_in(&l, 0), sx_lower_in(&l, 1)),
                                        SX_LOWER_INT("upper", sx_attr_int(c->n, "upper", 1))));
}
static sx_status lower_pad(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_attr mode = {.name = SX_STR("mode"), .type = SX_ATTR_STRING, .s = sx_attr_str(c->n, "mode", "constant")};
  sx_vid pads = sx_lower_in(&l, 1), value = sx_lower_in(&l, 2);
  if (sx_lower_fact(&l, pads)->rank == 2)
    pads = sx_lower_axes(&l, &sx_op_Squeeze, pads, (int64_t[]){0}, 1); /* [1, 2 * rank] is allowed */
  return sx_lower_end(&l, sx_lower_node(&l, &sx_op_Pad, SX_LOWER_IN(sx_lower_in(&l, 0), pads, value), &mode, 1));
}
/* In order of their first places; with the place of each element among them, and counts. */
static sx_status lower_unique(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid x = sx_lower_in(&l, 0), out[4];
  sx_lower_nodes(&l, &sx_op_Unique, &x, 1, SX_LOWER_INT("sorted", 0), out, 4);
  return sx_lower_done(&l, (sx_vid[]){out[0], out[2], out[3]}, 3);
}
const sx_op sx_op_MsTrilu = {.name = "Trilu", .domain = SX_DOMAIN_MS, .upgrades = {{SX_LOWER_ALWAYS, lower_trilu}}};
const sx_op sx_op_MsPad = {.name = "Pad", .domain = SX_DOMAIN_MS, .upgrades = {{SX_LOWER_ALWAYS, lower_pad}}};
const sx_op sx_op_MsUnique = {.name = "Unique", .domain = SX_DOMAIN_MS, .upgrades = {{SX_LOWER_ALWAYS, lower_unique}}};

static sx_status infer_hash(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  return sx_infer_set(c, 0, sx_attr_int(c->n, "positive", 1) ? SX_U32 : SX_I32, x->rank, x->dims);
}
const sx_op sx_op_MurmurHash3 = {.name = "MurmurHash3", .domain = SX_DOMAIN_MS, .infer = infer_hash};

static sx_status infer_block(sx_infer *c) {
  for (uint32_t i = 0; i < 2; i++)
    if (sx_infer_has_rank(c, i) && sx_infer_in(c, i)->rank != 2)
      return SX_INFER_FAIL(c, "input %u has rank %d, expected 2", i, sx_infer_in(c, i)->rank);
  return sx_infer_like(c, 0, 1);
}
const sx_op sx_op_NGramRepeatBlock = {.name = "NGramRepeatBlock", .domain = SX_DOMAIN_MS, .infer = infer_block};
