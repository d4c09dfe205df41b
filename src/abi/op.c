// SPDX-License-Identifier: MIT
/* Built-in operators called from inside of a custom kernel: CreateOp, InvokeOp, ReleaseOp.
 *
 * An operator is a model of one node. What the interface leaves open, element types and ranks, is known at the first call:
 * for each combination that is met a session is made, and kept; it plans for new sizes and finds known ones again. */
#include "abi/editor.h"
#include "onnx/proto_write.h"

enum { KEPT = 8, MOST = 64 /* inputs or outputs */ };
typedef struct variant {
  sx_session *s;
  uint8_t key[2 * MOST];
} variant; /* key: element type and rank of each input */

struct OrtOp {
  sx_arena arena;
  sx_proto_node node;         /* inputs "i0", ..; outputs "o0", .. */
  SX_VEC(sx_rt_value *) held; /* tensors of attributes */
  sx_str domain;
  int version;
  uint32_t n_in, n_out;
  sx_session_options options;
  sx_mutex lock;
  variant variants[KEPT];
  uint32_t turn;
  SX_VEC(sx_session *) retired; /* pushed out, but perhaps in use */
};

void ORT_API_CALL sx_api_ReleaseOp(OrtOp *input) {
  if (!input) return;
  for (int i = 0; i < KEPT; i++) sx_session_destroy(input->variants[i].s);
  for (uint32_t i = 0; i < input->retired.n; i++) sx_session_destroy(input->retired.at[i]);
  for (uint32_t i = 0; i < input->held.n; i++) sx_rt_unref(input->held.at[i]);
  sx_vec_free(&input->retired);
  sx_vec_free(&input->held);
  sx_arena_free(&input->arena);
  sx_free(input, sizeof *input);
}

static bool text(OrtOp *o, const char *s, sx_str *out) {
  *out = (sx_str){sx_arena_strdup(&o->arena, s, strlen(s)), strlen(s)};
  return out->p != NULL;
}

static bool numbered(OrtOp *o, const char *prefix, uint32_t n, sx_proto_strings *out) {
  if (!(out->at = SX_NEW_N(&o->arena, sx_str, (size_t)n + 1))) return false;
  for (uint32_t i = 0; i < n; i++) {
    const char *s = sx_arena_printf(&o->arena, "%s%u", prefix, i);
    if (!s) return false;
    out->at[i] = sx_str_c(s);
  }
  out->n = n;
  return true;
}

static OrtStatus *fill(OrtOp *o, const char *name, const char *domain, const OrtOpAttr *const *attrs, uint32_t n) {
  sx_wire_init(&sx_proto_node_message, &o->node);
  o->node.attribute.at = SX_NEW_N(&o->arena, sx_proto_attr, (size_t)n + 1);
  if (!o->node.attribute.at || !text(o, name, &o->node.op_type) || !text(o, domain, &o->domain) ||
      !numbered(o, "i", o->n_in, &o->node.input) || !numbered(o, "o", o->n_out, &o->node.output))
    SX_API_NO_MEMORY();
  o->node.domain = o->domain, o->node.name = o->node.op_type;
  for (uint32_t i = 0; i < n; i++) {
    if (!attrs[i]) SX_API_FAIL(INVALID_ARGUMENT, "CreateOp: attribute %u is NULL", i);
    OrtStatus *failed = sx_editor_attr(attrs[i], &o->arena, &o->node.attribute.at[i]);
    if (failed) return failed;
    if (attrs[i]->tensor && !sx_vec_push(&o->held, attrs[i]->tensor)) SX_API_NO_MEMORY();
    sx_rt_ref(attrs[i]->tensor);
  }
  o->node.attribute.n = n;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateOp(const OrtKernelInfo *info, const char *op_name, const char *domain, int version,
                                        const char **type_constraint_names,
                                        const ONNXTensorElementDataType *type_constraint_values, int type_constraint_count,
                                        const OrtOpAttr *const *attr_values, int attr_count, int input_count,
                                        int output_count, OrtOp **ort_op) {
  SX_API_NOT_NULL(ort_op);
  *ort_op = NULL;
  SX_API_NOT_NULL(info);
  SX_API_NOT_NULL(op_name);
  SX_API_NOT_NULL(domain);
  if (attr_count > 0) SX_API_NOT_NULL(attr_values);
  if (attr_count < 0 || input_count < 0 || output_count < 0 || input_count > MOST || output_count > MOST)
    SX_API_FAIL(
        INVALID_ARGUMENT,
        "CreateOp: %d attributes, %d inputs, %d outputs: none may be negative, and inputs and outputs are at most %d",
        attr_count, input_count, output_count, MOST);
  sx_domain d;
  const sx_schema *row = sx_domain_find(sx_str_c(domain), &d) ? sx_schema_find(d, sx_str_c(op_name), version) : NULL;
  if (!row || !sx_op_find(sx_str_c(domain), sx_str_c(op_name)))
    SX_API_FAIL(NOT_IMPLEMENTED, "Failed to find kernel for %s(%d): domain '%s' has no such operator at that version",
                op_name, version, domain);
  OrtOp *o = sx_calloc(1, sizeof *o);
  if (!o) SX_API_NO_MEMORY();
  o->version = version;
  o->n_in = (uint32_t)input_count, o->n_out = (uint32_t)output_count;
  o->options = (sx_session_options){.level = 1, .pool = info->session->pool, .log = &info->session->logger.log};
  o->options.import.log = o->options.log;
  OrtStatus *failed = fill(o, op_name, domain, attr_values, (uint32_t)attr_count);
  if (failed)
    sx_api_ReleaseOp(o);
  else
    *ort_op = o;
  return failed;
}

/* The model for inputs of these types and ranks. */
static sx_status write(const OrtOp *o, const sx_rt_value *const *in, sx_arena *a, sx_text *out, sx_err *e) {
  sx_proto_model p;
  sx_proto_graph g;
  sx_proto_node n = o->node;
  sx_wire_init(&sx_proto_model_message, &p);
  sx_wire_init(&sx_proto_graph_message, &g);
  sx_proto_opset opset = {0, o->domain, o->version};
  p.ir_version = SX_EDITOR_IR_VERSION, p.has = 2, p.graph = &g;
  p.opset_import.at = &opset, p.opset_import.n = 1;
  g.node.at = &n, g.node.n = 1;
  g.input.at = SX_NEW_N(a, sx_proto_value, (size_t)o->n_in + 1);
  g.output.at = SX_NEW_N(a, sx_proto_value, (size_t)o->n_out + 1);
  n.input.at = sx_arena_copy(a, o->node.input.at, o->n_in * sizeof(sx_str));
  sx_proto_type *types = SX_NEW_N(a, sx_proto_type, (size_t)o->n_in + 1);
  if (!g.input.at || !g.output.at || !types || !n.input.at) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < o->n_in; i++) {
    if (!in[i]) {
      n.input.at[i] = SX_STR("");
      continue;
    }
    sx_proto_value *v = &g.input.at[g.input.n++];
    sx_wire_init(&sx_proto_value_message, v);
    sx_wire_init(&sx_proto_type_message, &types[i]);
    v->name = o->node.input.at[i], v->type = &types[i];
    sx_proto_type_tensor *t = &types[i].tensor;
    types[i].has = 1u << SX_TYPE_TENSOR, t->has = 2 | 4, t->elem_type = in[i]->type.dtype;
    t->shape.dim.n = in[i]->rank;
    if (!(t->shape.dim.at = SX_NEW_N(a, sx_proto_dim, (size_t)in[i]->rank + 1))) SX_NO_MEMORY(e);
    for (uint32_t k = 0; k < in[i]->rank; k++) t->shape.dim.at[k].denotation = SX_STR("");
  }
  for (uint32_t i = 0; i < o->n_out; i++) {
    sx_wire_init(&sx_proto_value_message, &g.output.at[i]);
    g.output.at[i].name = o->node.output.at[i];
  }
  g.output.n = o->n_out;
  SX_TRY(sx_proto_write_model(&p, out, e));
  if (out->failed) SX_NO_MEMORY(e);
  return SX_OK;
}

static sx_status create(const OrtOp *o, const sx_rt_value *const *in, sx_session **out, sx_err *e) {
  sx_arena a = {0};
  sx_text bytes = {0};
  sx_status s = write(o, in, &a, &bytes, e);
  if (s == SX_OK) s = sx_session_create_bytes(bytes.p, bytes.n, &o->options, out, e);
  sx_text_free(&bytes);
  sx_arena_free(&a);
  return s;
}

/* The session for these inputs: known, or made now (under the lock: calls of one operator seldom meet). */
static SX_OWN_FRAME sx_status find(OrtOp *o, const sx_rt_value *const *in, sx_session **out, sx_err *e) {
  uint8_t key[2 * MOST] = {0};
  for (uint32_t i = 0; i < o->n_in; i++)
    if (in[i]) key[2 * i] = in[i]->type.dtype, key[2 * i + 1] = (uint8_t)in[i]->rank;
  sx_status s = SX_OK;
  *out = NULL;
  sx_mutex_lock(&o->lock);
  for (int i = 0; i < KEPT && !*out; i++)
    if (o->variants[i].s && !memcmp(o->variants[i].key, key, sizeof key)) *out = o->variants[i].s;
  if (!*out) {
    variant *v = &o->variants[o->turn++ % KEPT];
    s = create(o, in, out, e);
    if (s == SX_OK && v->s && !sx_vec_push(&o->retired, v->s)) {
      sx_session_destroy(*out);
      s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    }
    if (s == SX_OK) v->s = *out, memcpy(v->key, key, sizeof key);
  }
  sx_mutex_unlock(&o->lock);
  return s;
}

OrtStatus *ORT_API_CALL sx_api_InvokeOp(const OrtKernelContext *context, const OrtOp *ort_op,
                                        const OrtValue *const *input_values, int input_count,
                                        OrtValue *const *output_values, int output_count) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(ort_op);
  OrtOp *o = (OrtOp *)ort_op;
  if (input_count < 0 || output_count < 0 || (uint32_t)input_count != o->n_in || (uint32_t)output_count != o->n_out)
    SX_API_FAIL(INVALID_ARGUMENT,
                "InvokeOp: %d inputs and %d outputs are given, the operator '%.*s' was created with %u and %u", input_count,
                output_count, SX_FMT(o->node.op_type), o->n_in, o->n_out);
  if (input_count) SX_API_NOT_NULL(input_values);
  if (output_count) SX_API_NOT_NULL(output_values);
  const sx_rt_value *in[MOST] = {0};
  sx_rt_value *given[MOST], *out[MOST];
  uint32_t n = 0;
  for (uint32_t i = 0; i < o->n_in; i++) {
    in[i] = (const sx_rt_value *)input_values[i];
    if (!in[i]) continue;
    if (!sx_rt_is_tensor(in[i])) SX_API_FAIL(INVALID_ARGUMENT, "InvokeOp: input %u is no tensor", i);
    given[n++] = (sx_rt_value *)in[i];
  }
  for (uint32_t i = 0; i < o->n_out; i++) {
    SX_API_NOT_NULL(output_values[i]);
    out[i] = (sx_rt_value *)output_values[i];
  }
  sx_session *s;
  sx_err e;
  SX_API_TRY(find(o, in, &s, &e));
  SX_API_TRY(sx_session_run(s, &(sx_run_options){.log = o->options.log}, given, out, NULL, &e));
  return NULL;
}
