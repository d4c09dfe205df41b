// SPDX-License-Identifier: MIT
/* Scaled dot-product attention without a matrix of scores.
 *
 * y = softmax(cap(scale * q k^T) + mask) v, per batch and query head; query head h uses key head h / (Hq / Hkv), whose keys
 * are read once for all of them. Rows of queries are tiled, keys come in blocks, the softmax is kept up to date between
 * blocks. Three ways, chosen by the plan: packed (keys as panels, many rows), direct (keys where they lie, a few rows:
 * decoding; long caches are split among units and merged), and plain loops in double, for f64 and for those who ask for the
 * scores.
 *
 * Strides count elements of the tensor's own type; the last dimension is dense. f16, bf16 and f32 compute in f32. A row
 * that may look at no key is 0. Splits and tiles depend on sizes and instruction set alone. */
#ifndef SX_EP_CPU_ATTENTION_H
#define SX_EP_CPU_ATTENTION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"
#include "ir/dtype.h"

typedef enum sx_attention_sink { SX_SINK_NONE, SX_SINK_ZERO, SX_SINK_HEAD } sx_attention_sink;
/* What `qk` receives: the product, after the cap, after the mask, the probabilities. */
typedef enum sx_attention_scores {
  SX_SCORES_NONE = -1,
  SX_SCORES_RAW,
  SX_SCORES_CAPPED,
  SX_SCORES_MASKED,
  SX_SCORES_SOFTMAX
} sx_attention_scores;

typedef struct sx_attention {
  sx_isa isa;
  sx_dtype q_type, k_type, v_type,
      m_type; /* floats; y, qk and sink have q_type. m_type: UNDEFINED (no mask), bool (true: look) or what is added */
  int64_t B, Hq, Hkv, Lq, Lk, D, Dv;
  int64_t q_b, q_h, q_l, k_b, k_h, k_l, v_b, v_h, v_l, y_b, y_h, y_l;
  int64_t m_b, m_h, m_q, m_k, m_len; /* 0: broadcast; keys from m_len on are masked */
  double scale;
  float softcap;                     /* 0: none */
  bool causal;                       /* row i sees keys up to i + offset */
  int64_t left, right;               /* and from i + offset - left to i + offset + right; -1: no bound */
  bool has_length, from_length;      /* io.length is there; offset is io.length - Lq */
  int64_t offset;                    /* else this, unless io.offset says it per batch */
  sx_attention_sink sink;            /* one more score in the sum: 0, or one per query head */
  sx_attention_scores scores;        /* qk: dense (B, Hq, Lq, Lk) */
  /* Blocks that are looked at, in place of a mask; side 0: all. A layout is a matrix of blocks of side x side scores in rows
   * of which io.block_start (layouts, block_rows + 1) says where their columns begin in io.block_column (layouts,
   * block_columns); head h has layout h % layouts. For f16, bf16 and f32, with io.offset. */
  int64_t side, layouts, block_rows, block_columns;

  /* Made by sx_attention_plan. */
  enum { SX_ATTENTION_PACKED, SX_ATTENTION_DIRECT, SX_ATTENTION_PLAIN } way;
  int64_t tiles, pass, splits, split, block, v_row;
  bool copy_v;
  size_t head_floats;                     /* shared memory of one key head (packed) or of one split (direct) */
  size_t shared, scratch;                 /* bytes for all, bytes per worker and phase */
  int64_t pack_units, units, merge_units; /* of the three phases, in this order; 0: nothing to do */
  double pack_ns, unit_ns, merge_ns;
} sx_attention;

typedef struct sx_attention_io {
  const void *q, *k, *v, *mask, *sink;
  const int64_t *length, *offset; /* NULL, or per batch: how many keys count, and the row's own position */
  void *y, *qk, *shared;
  const int32_t *block_start, *block_column;
} sx_attention_io;

/* False when the memory needed does not fit. */
bool sx_attention_plan(sx_attention *a);
void sx_attention_pack(const sx_attention *a, const sx_attention_io *io, int64_t begin, int64_t end, void *scratch);
void sx_attention_run(const sx_attention *a, const sx_attention_io *io, int64_t begin, int64_t end, void *scratch);
void sx_attention_merge(const sx_attention *a, const sx_attention_io *io, int64_t begin, int64_t end, void *scratch);
#endif
