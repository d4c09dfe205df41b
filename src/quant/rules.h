// SPDX-License-Identifier: MIT
/* What the rules of all modes share: the model that is being rewritten, and ways to add to it. */
#ifndef SX_QUANT_RULES_H
#define SX_QUANT_RULES_H
#include "quant/blocks.h"
#include "quant/weight.h"

typedef struct sx_quant_constant { /* of a weight: its tensors as values */
  sx_vid of, codes, scale, zero;
  int axis;
  bool transposed;
  double error;
  int rounding; /* nbits: of sx_quant_row */
} sx_quant_constant;

typedef struct sx_quant_value { /* what rules keep of a value, each mode in fields of its own; SX_NONE: not there */
  sx_vid codes, scale, zero;    /* dynamic: what DynamicQuantizeLinear makes of it */
  uint8_t grid;                 /* static: flags of that file */
  sx_vid grid_of;               /* static: the value whose range it shares */
  const sx_quant_range *range;  /* static: its range, or that of the value which it shares; NULL for constants */
  sx_vid narrow;                /* half: what stands for it in 16 bits; itself, where it became so */
} sx_quant_value;

typedef struct sx_quantizer {
  sx_graph *g;
  const sx_quant_options *o;
  sx_quant_report *report;
  uint32_t n_nodes;                  /* of the model as it was */
  SX_VEC(sx_quant_constant) weights; /* each is quantised once, however many read it */
  sx_strmap ranges;                  /* index into o->ranges by name */
  SX_VEC(sx_quant_value) values;     /* by value, as far as rules looked at them */
  SX_VEC(uint32_t) selected;         /* by node: one more than its row in the report, 0: stays as it is */
  uint32_t place, origin;            /* of the node that is being replaced, for those that replace it */
  sx_str name;
  double error; /* of its weight */
  int rounding; /* of sx_quant_row */
  sx_err *e;
} sx_quantizer;

/* Replaces a node (which then is dead), or says in *kept why it stays as it is. */
typedef sx_status (*sx_quant_rule_fn)(sx_quantizer *q, sx_nid n, const char **kept);
typedef struct sx_quant_rule {
  const char *domain, *op_type; /* "" is ONNX's domain, "*" any operator of any */
  sx_quant_rule_fn fn;
} sx_quant_rule;
extern const sx_quant_rule sx_quant_dynamic_rules[], sx_quant_static_rules[], sx_quant_nbits_rules[],
    sx_quant_half_rules[]; /* ended by an op_type of NULL */
const sx_quant_rule *sx_quant_rule_of(const sx_quant_rule *rules, const sx_node *n);
/* The rule of a Gather that picks rows of a constant table. */
sx_status sx_quant_table(sx_quantizer *q, sx_nid id, const char **kept);
/* What rules that only look leave: pairs, weights and biases of static quantisation; values and casts of 16-bit floats. */
sx_status sx_quant_static_write(sx_quantizer *q);
sx_status sx_quant_half_write(sx_quantizer *q);
/* Operators between pairs, as they were written before, become operators on codes. */
sx_status sx_quant_qoperator_write(sx_quantizer *q);
bool sx_quant_is_clamp(const sx_node *n); /* Relu or Clip */
/* What is kept of a value, made on demand (NULL: no memory); valid until the next such call. */
sx_quant_value *sx_quant_value_of(sx_quantizer *q, sx_vid v);
/* A node is to be rewritten by the step behind the rules. */
sx_status sx_quant_select(sx_quantizer *q, sx_nid id);

/* Why the options leave a node as it is, or NULL. */
const char *sx_quant_unwanted(const sx_quant_options *o, const sx_node *n);
/* A matrix that was rounded before, by its name: rows are columns of the constant, or its rows. */
typedef struct sx_quant_solved {
  sx_str weight;
  bool by_column;
  sx_quant_blocks blocks;
} sx_quant_solved;
/* Is n a product of a value with a matrix that SX_QUANT_NBITS takes? Otherwise *kept says why not. */
bool sx_quant_nbits_product(const sx_graph *g, const sx_node *n, sx_vid *weight, bool *by_column, const char **kept);

/* The oldest operator set of ONNX's that can say what the mode makes. */
int sx_quant_least_opset(const sx_quant_options *o);

/* A node of the model's version of the domain, on in[], whose last ones are left out where they are SX_NONE; *out are n_out
 * new values. Its name is the replaced node's with the operator's behind it. */
sx_status sx_quant_emit(sx_quantizer *q, const char *domain, const char *op_type, const sx_vid *in, uint32_t n_in,
                        sx_vid *out, uint32_t n_out);
/* The same with the attributes of node `like`. */
sx_status sx_quant_emit_like(sx_quantizer *q, sx_nid like, const char *domain, const char *op_type, const sx_vid *in,
                             uint32_t n_in, sx_vid *out, uint32_t n_out);
/* An attribute of the node that makes v. */
sx_status sx_quant_set_int(sx_quantizer *q, sx_vid v, const char *name, int64_t i);
sx_status sx_quant_cast(sx_quantizer *q, sx_vid v, sx_dtype to, sx_vid *out);
/* A constant called "<name of v><suffix>"; takes the reference over. */
sx_status sx_quant_add_constant(sx_quantizer *q, sx_vid v, const char *suffix, sx_tensor *t, sx_vid *out);
/* The parts of a weight as constants named after v; its references are taken over. in[2] is SX_NONE without a zero point.
 */
sx_status sx_quant_add_weight(sx_quantizer *q, sx_vid v, const sx_quant_weight *w, sx_vid in[3]);
/* Scale and zero point of value v as scalars. */
sx_status sx_quant_add_numbers(sx_quantizer *q, sx_vid v, double scale, int zero, sx_dtype type, sx_vid *s, sx_vid *z);
/* The constant v quantised with the options' weight type; axis -1: one scale. `transposed`: a matrix, exchanged first (axis
 * counts after that). `least`: see sx_quant_grid. */
sx_status sx_quant_weight_of(sx_quantizer *q, sx_vid v, int axis, bool transposed, const double *least,
                             const sx_quant_constant **out);
/* v as DynamicQuantizeLinear makes it, once for all that read it. */
sx_status sx_quant_dynamic_of(sx_quantizer *q, sx_vid v, const sx_quant_value **out);
/* Names v "<name of like><suffix>", where `like` has a name. */
sx_status sx_quant_name(sx_quantizer *q, sx_vid v, sx_vid like, const char *suffix);
/* `now` takes the place of value `old` for all that read it, name and graph outputs included. */
void sx_quant_take_over(sx_graph *g, sx_vid old, sx_vid now);
/* Output v of the graph is made by `now` from here on, under its name; v is called so with the suffix. */
sx_status sx_quant_take_output(sx_quantizer *q, sx_vid v, sx_vid now, const char *suffix);
/* Node id goes; y takes the place of its output. */
void sx_quant_replace(sx_quantizer *q, sx_nid id, sx_vid y);
/* Is a Gemm x w + c, with w or its transpose? Otherwise *kept says why not. */
bool sx_quant_is_plain_gemm(const sx_node *n, const char **kept);
static inline bool sx_quant_is_f32(const sx_graph *g, sx_vid v) {
  return v != SX_NONE && sx_value_at(g, v)->fact.kind == SX_KIND_TENSOR && sx_value_at(g, v)->fact.dtype == SX_F32;
}
static inline bool sx_quant_is_selected(const sx_quantizer *q, sx_nid id) {
  return id < q->selected.n && q->selected.at[id];
}
/* Is v a constant of floats that has at least this rank? */
bool sx_quant_is_weight(const sx_graph *g, sx_vid v, int rank);
#endif
