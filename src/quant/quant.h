// SPDX-License-Identifier: MIT
/* Quantisation: a model in, a model with small integers (or 16-bit floats) in its place out.
 *
 * The model is worked on in the source dialect: its operators, versions and names stay as they were written, and what is
 * quantised is replaced node by node. A mode is a table of rules by operator; what a rule cannot do it says, and the report
 * has a row for every node that a rule looked at. */
#ifndef SX_QUANT_QUANT_H
#define SX_QUANT_QUANT_H
#include "onnx/import.h"
#include "onnx/proto.h"

typedef enum sx_quant_mode {
  SX_QUANT_DYNAMIC, /* weights now, activations when the model runs */
  SX_QUANT_STATIC,  /* both now, with ranges that were measured: QuantizeLinear and DequantizeLinear around operators */
  SX_QUANT_NBITS,   /* weights alone, in blocks of few bits: MatMulNBits, GatherBlockQuantized */
  SX_QUANT_HALF,    /* floats of 16 bits, weights and values */
} sx_quant_mode;

/* The range that a value took; `lo` may be above 0, the grid begins at 0 then. */
typedef struct sx_quant_range {
  sx_str name;
  double lo, hi;
  double mean, deviation; /* of SX_QUANT_DISTRIBUTION; else 0 */
} sx_quant_range;

/* How codes of SX_QUANT_NBITS are found. */
typedef enum sx_quant_rounding {
  SX_QUANT_RTN,  /* the nearest code of the block's range */
  SX_QUANT_HQQ,  /* with a zero point, no integer, that meets most elements better than the range's would */
  SX_QUANT_GPTQ, /* such that products on samples change least: gptq.h */
} sx_quant_rounding;

/* How the mode SX_QUANT_STATIC is written. */
typedef enum sx_quant_form {
  SX_QUANT_QDQ,       /* QuantizeLinear and DequantizeLinear around the operators as they were */
  SX_QUANT_QOPERATOR, /* operators that read and write codes: QLinearConv, QLinearMatMul, QGemm, ... */
} sx_quant_form;

typedef struct sx_quant_names {
  const sx_str *at;
  uint32_t n;
} sx_quant_names;
typedef struct sx_quant_options {
  sx_quant_mode mode;
  sx_dtype weight;            /* I8 (symmetric) or U8; HALF: F16 or BF16 */
  sx_dtype activation;        /* static: U8, I8, U16 or I16 */
  sx_quant_form form;         /* static */
  bool symmetric_activations; /* their zero point is the middle */
  bool constant_b_only;       /* static: products of two values of the model stay */
  const sx_quant_range *ranges;
  uint32_t n_ranges;
  int bits, block;          /* of SX_QUANT_NBITS: 2, 4 or 8; a power of two from 16 to 256 */
  sx_quant_rounding method; /* the same */
  bool symmetric_weights;   /* the same: no zero points */
  int accuracy_level;       /* the same: what MatMulNBits may compute in; 0 floats, 4 integers of 8 bits */
  double damping;           /* of GPTQ, as a share of the mean moment */
  bool heavy_first;         /* the same: elements with large moments are rounded first, others make up for them */
  bool share_steps;         /* the same: all rows have the scales of their blocks in common */
  bool least_error;         /* of NBITS: ranges are narrowed to where the error is least */
  int memory;               /* of GPTQ: MiB that moments may take at a time */
  const struct sx_quant_solved *solved; /* the same: what came of it */
  uint32_t n_solved;
  bool per_channel;          /* a scale for each output channel of a weight */
  bool reduce_range;         /* weights of 7 bits, for processors whose 8-bit products saturate */
  bool keep_io_types;        /* HALF: inputs and outputs of the model stay as they are */
  sx_quant_names operators;  /* operators to quantise; none: all that the mode has a rule for */
  sx_quant_names without;    /* operators that stay */
  sx_quant_names only, skip; /* names of nodes; none: all, none */
} sx_quant_options;

/* INVALID_ARGUMENT: options that do not go together. */
sx_status sx_quant_check(const sx_quant_options *o, sx_err *e);

/* What became of a node. */
typedef struct sx_quant_row {
  sx_str node, op_type;
  const char *kept; /* NULL: it was quantised; otherwise why not, static text */
  double error;     /* of its weight: root mean square of the difference over that of the weight; negative: it has none */
  int rounding; /* of NBITS: the sx_quant_rounding of its weight, which is not GPTQ where no sample reached it; else -1 */
  double before, after; /* nanoseconds (sx_quant_measure); 0: not measured, or part of another node's step */
} sx_quant_row;
typedef struct sx_quant_report {
  SX_VEC(sx_quant_row) rows;    /* text lives in the model */
  size_t before, after;         /* bytes of the constants */
  double run_before, run_after; /* nanoseconds of a run; 0: not measured */
} sx_quant_report;
void sx_quant_report_free(sx_quant_report *r);

/* Reads a model for quantising: the source dialect with the facts of the canonical one; written anew by passes where the
 * mode needs a newer operator set, or what they fold. io->path gives external data. */
sx_status sx_quant_read(const void *data, size_t size, const sx_quant_options *o, const sx_import_options *io,
                        sx_model **out, sx_err *e);
/* Changes the model. INVALID_ARGUMENT: options that do not go together, names that the model does not have. */
sx_status sx_quantize(sx_model *m, const sx_quant_options *o, sx_quant_report *r, sx_err *e);
#endif
