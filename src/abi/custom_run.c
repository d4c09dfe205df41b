// SPDX-License-Identifier: MIT
/* Custom operators between the importer, the plan and their own code: which one a node means, what its outputs are, its
 * kernel.
 *
 * The provider has one kernel, a late one: it asks for its outputs while it runs. An operator's struct was made with the
 * header of its time, so every member is read only when its version has it. */
#include "abi/guard.h"
#include "abi/plugin/host.h"

/* Members that came after the oldest struct, by the version that brought them. */
#define HAS(op, since, member) ((op)->version >= (since) && (op)->member != NULL)

OrtStatus *sx_custom_open(OrtSession *s, struct sx_custom_ops **out) {
  struct sx_custom_ops *c = *out = sx_calloc(1, sizeof *c);
  if (!c) SX_API_NO_MEMORY();
  c->session = s;
  for (uint32_t i = 0; i < s->options->domains.n; i++) {
    const OrtCustomOpDomain *d = s->options->domains.at[i];
    for (uint32_t k = 0; k < d->ops.n; k++) {
      const OrtCustomOp *op = d->ops.at[k];
      if (!op->version || !op->GetName || !op->GetInputTypeCount || !op->GetOutputTypeCount || !op->GetInputType ||
          !op->GetOutputType)
        SX_API_FAIL(INVALID_ARGUMENT, "custom operator %u of domain '%.100s' is not filled in", k, d->name);
      const char *name = op->GetName(op), *ep = op->GetExecutionProviderType ? op->GetExecutionProviderType(op) : NULL;
      if (ep && (!*ep || !strcmp(ep, "CPUExecutionProvider"))) ep = NULL;
      if (ep && !sx_eps_has(s->eps, ep)) continue; /* for a provider that is not here */
      sx_custom *x = sx_calloc(1, sizeof *x);
      if (!x || !sx_vec_push(&c->ops, x)) {
        sx_free(x, sizeof *x);
        SX_API_NO_MEMORY();
      }
      *x = (sx_custom){op, c, sx_str_c(d->name), sx_str_c(name ? name : ""), NULL, ep};
      for (uint32_t j = c->ops.n - 1; j-- > 0;)
        if (sx_str_eq(c->ops.at[j]->domain, x->domain) && sx_str_eq(c->ops.at[j]->name, x->name)) {
          x->overload = c->ops.at[j];
          break;
        }
    }
  }
  return NULL;
}

void sx_custom_close(struct sx_custom_ops *c) {
  if (!c) return;
  for (uint32_t i = 0; i < c->ops.n; i++) sx_free(c->ops.at[i], sizeof *c->ops.at[i]);
  sx_vec_free(&c->ops);
  sx_free(c, sizeof *c);
}

static bool in_versions(const OrtCustomOp *op, int64_t version) {
  int start = HAS(op, 17, GetStartVersion) ? op->GetStartVersion(op) : 1,
      end = HAS(op, 17, GetEndVersion) ? op->GetEndVersion(op) : INT32_MAX;
  return version <= 0 || (version >= start && version <= end);
}

const void *sx_custom_find(void *ctx, sx_str domain, sx_str op_type, int64_t version) {
  const struct sx_custom_ops *c = ctx;
  for (uint32_t i = c->ops.n; i-- > 0;) {
    const sx_custom *x = c->ops.at[i];
    if (sx_str_eq(x->name, op_type) && (sx_str_eq(x->domain, domain) || (sx_str_is(x->domain, "ai.onnx") && !domain.n)) &&
        in_versions(x->op, version))
      return x;
  }
  return NULL;
}

static OrtCustomOpInputOutputCharacteristic kind_of(const OrtCustomOp *op, bool output, size_t i) {
  if (output) return HAS(op, 8, GetOutputCharacteristic) ? op->GetOutputCharacteristic(op, i) : INPUT_OUTPUT_REQUIRED;
  return HAS(op, 8, GetInputCharacteristic) ? op->GetInputCharacteristic(op, i) : INPUT_OUTPUT_REQUIRED;
}

/* Does this operator take a node with these inputs? Why not, in words. */
static const char *refusal(const OrtCustomOp *op, const sx_graph *g, const sx_node *n) {
  size_t declared = op->GetInputTypeCount(op), outs = op->GetOutputTypeCount(op);
  bool variadic = declared && kind_of(op, false, declared - 1) == INPUT_OUTPUT_VARIADIC;
  if (n->n_in > declared && !variadic) return "the node has more inputs than the operator";
  if (n->n_out > outs && !(outs && kind_of(op, true, outs - 1) == INPUT_OUTPUT_VARIADIC))
    return "the node has more outputs than the operator";
  size_t least =
      variadic && HAS(op, 14, GetVariadicInputMinArity) ? declared - 1 + (size_t)op->GetVariadicInputMinArity(op) : 0;
  if (n->n_in < least) return "the node has too few inputs";
  for (size_t i = 0; i < declared || i < n->n_in; i++) {
    size_t k = i < declared ? i : declared - 1;
    sx_vid v = sx_node_in(n, (uint32_t)i);
    if (v == SX_NONE) {
      if (kind_of(op, false, k) == INPUT_OUTPUT_REQUIRED) return "a required input is absent";
      continue;
    }
    sx_dtype want = sx_dtype_of(op->GetInputType(op, k)), have = (sx_dtype)sx_value_at(g, v)->fact.dtype;
    if (want && have && want != have) return "an input has another element type than the operator takes";
  }
  return NULL;
}

struct OrtShapeInferContext {
  sx_graph *g;
  const sx_node *n;
  OrtTensorTypeAndShapeInfo **in; /* by input; NULL: absent or no tensor */
  sx_fact *out;
  SX_VEC(OrtOpAttr *) attrs; /* handed out */
};

OrtStatus *ORT_API_CALL sx_api_ShapeInferContext_GetInputCount(const OrtShapeInferContext *context, size_t *out) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(out);
  *out = context->n->n_in;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_ShapeInferContext_GetInputTypeShape(const OrtShapeInferContext *context, size_t index,
                                                                   OrtTensorTypeAndShapeInfo **info) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(info);
  *info = index < context->n->n_in ? context->in[index] : NULL;
  if (!*info) SX_API_FAIL(INVALID_ARGUMENT, "the shape of input %zu is not known", index);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_ShapeInferContext_GetAttribute(const OrtShapeInferContext *context, const char *attr_name,
                                                              const OrtOpAttr **attr) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(attr_name);
  SX_API_NOT_NULL(attr);
  const sx_attr *a = sx_node_attr(context->n, attr_name);
  if (!a) SX_API_FAIL(INVALID_ARGUMENT, "the node has no attribute '%.200s'", attr_name);
  OrtOpAttr *made = sx_ort_attr_of(a);
  if (!made || !sx_vec_push(&((OrtShapeInferContext *)context)->attrs, made)) {
    sx_api_ReleaseOpAttr(made);
    SX_API_NO_MEMORY();
  }
  *attr = made;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_ShapeInferContext_SetOutputTypeShape(const OrtShapeInferContext *context, size_t index,
                                                                    const OrtTensorTypeAndShapeInfo *info) {
  SX_API_NOT_NULL(context);
  SX_API_NOT_NULL(info);
  if (index >= context->n->n_out)
    SX_API_FAIL(INVALID_ARGUMENT, "the node has %u outputs, there is no %zu", context->n->n_out, index);
  if (info->rank > SX_MAX_RANK) SX_API_FAIL(INVALID_ARGUMENT, "a shape of rank %u", info->rank);
  sx_model *m = context->g->model;
  sx_dim *dims = SX_NEW_N(&m->arena, sx_dim, (size_t)info->rank + 1);
  if (!dims) SX_API_NO_MEMORY();
  for (uint32_t i = 0; i < info->rank; i++) {
    const char *name = i < info->named ? info->names[i] : NULL;
    dims[i] = info->dims[i] >= 0 ? info->dims[i] : name ? sx_dim_parse(&m->dims, sx_str_c(name)) : sx_dim_fresh(&m->dims);
    if (dims[i] == SX_DIM_UNKNOWN) SX_API_NO_MEMORY();
  }
  sx_fact *f = &context->out[index];
  f->kind = SX_KIND_TENSOR;
  f->dtype = (uint8_t)sx_dtype_of(info->type);
  f->rank = info->has_shape ? (int8_t)info->rank : -1;
  f->dims = dims;
  return NULL;
}

/* The operator's functions that may throw, as guarded calls. */
typedef struct foreign {
  const OrtCustomOp *op;
  OrtShapeInferContext *infer;
  const OrtKernelInfo *info;
  OrtKernelContext *context;
  void *kernel;
  OrtStatus *status;
} foreign;
static void call_infer(void *p) {
  foreign *f = p;
  f->status = f->op->InferOutputShapeFn(f->op, f->infer);
}
static void call_create(void *p) {
  foreign *f = p;
  if (HAS(f->op, 16, CreateKernelV2))
    f->status = f->op->CreateKernelV2(f->op, &sx_api, f->info, &f->kernel);
  else
    f->kernel = f->op->CreateKernel(f->op, &sx_api, f->info);
}
static void call_compute(void *p) {
  foreign *f = p;
  if (HAS(f->op, 16, KernelComputeV2))
    f->status = f->op->KernelComputeV2(f->kernel, f->context);
  else if (f->op->KernelCompute)
    f->op->KernelCompute(f->kernel, f->context);
}
static sx_status call(void (*fn)(void *), foreign *f, sx_err *e) {
  SX_TRY(sx_guarded(fn, f, e));
  return sx_ort_take(f->status, e);
}

/* Runs the operator's own shape function over what is known of the inputs. */
static sx_status shape_function(const OrtCustomOp *op, sx_graph *g, const sx_node *n, sx_fact *out, sx_err *e) {
  OrtShapeInferContext c = {.g = g, .n = n, .out = out};
  size_t size = n->n_in * sizeof *c.in;
  c.in = sx_calloc(n->n_in, sizeof *c.in);
  if (!c.in) SX_NO_MEMORY(e);
  bool ok = true;
  for (uint32_t i = 0; i < n->n_in && ok; i++) {
    sx_vid v = sx_node_in(n, i);
    const sx_fact *f = v == SX_NONE ? NULL : &sx_value_at(g, v)->fact;
    if (f && f->kind == SX_KIND_TENSOR) ok = (c.in[i] = sx_ort_shape_of_fact(g->model, f)) != NULL;
  }
  sx_status s =
      ok ? call(call_infer, &(foreign){.op = op, .infer = &c}, e) : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  for (uint32_t i = 0; i < n->n_in; i++) sx_api_ReleaseTensorTypeAndShapeInfo(c.in[i]);
  for (uint32_t i = 0; i < c.attrs.n; i++) sx_api_ReleaseOpAttr(c.attrs.at[i]);
  sx_vec_free(&c.attrs);
  sx_free(c.in, size);
  return s;
}

sx_status sx_ort_take(OrtStatus *s, sx_err *e) {
  if (!s) return SX_OK;
  sx_status code = s->code == ORT_OK ? SX_E_FAIL : (sx_status)s->code;
  sx_fail(e, code, SX_HERE, "%s", s->message);
  sx_api_ReleaseStatus(s);
  return code;
}

/* Element type of output o when no shape function says it. */
static uint8_t declared_type(const OrtCustomOp *op, const sx_graph *g, const sx_node *n, uint32_t o) {
  size_t outs = op->GetOutputTypeCount(op), ins = op->GetInputTypeCount(op);
  sx_dtype t = outs ? sx_dtype_of(op->GetOutputType(op, o < outs ? o : outs - 1)) : SX_UNDEFINED;
  for (uint32_t i = 0; !t && i < n->n_in && ins; i++) {
    if (op->GetInputType(op, i < ins ? i : ins - 1) != ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED ||
        sx_node_in(n, i) == SX_NONE)
      continue;
    t = (sx_dtype)sx_value_at(g, sx_node_in(n, i))->fact.dtype;
  }
  return (uint8_t)t;
}

sx_status sx_custom_infer(void *ctx, sx_graph *g, sx_nid id, sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  const sx_custom *x = n->custom;
  const char *why = NULL;
  for (const sx_custom *y = x; y; y = y->overload) {
    const char *w = refusal(y->op, g, n);
    if (!w) {
      x = y;
      why = NULL;
      break;
    }
    why = w;
  }
  if (why)
    SX_FAIL(e, INVALID_GRAPH, "the custom operator '%.*s' of domain '%.*s' does not fit: %s", SX_FMT(x->name),
            SX_FMT(x->domain), why);
  n->custom = x;
  sx_fact *out = SX_NEW_N(&g->model->arena, sx_fact, (size_t)n->n_out + 1);
  if (!out) SX_NO_MEMORY(e);
  for (uint32_t o = 0; o < n->n_out; o++) out[o] = (sx_fact){.kind = SX_KIND_TENSOR, .rank = -1};
  if (HAS(x->op, 17, InferOutputShapeFn)) SX_TRY(shape_function(x->op, g, n, out, e));
  for (uint32_t o = 0; o < n->n_out; o++) {
    if (n->out[o] == SX_NONE) continue;
    sx_fact *f = &sx_value_at(g, n->out[o])->fact;
    if (!out[o].dtype) out[o].dtype = declared_type(x->op, g, n, o);
    bool stated =
        f->kind == SX_KIND_TENSOR && f->rank >= 0; /* the model's own word on a shape that the operator leaves open */
    if (stated && out[o].rank < 0) {
      if (!f->dtype) f->dtype = out[o].dtype;
      continue;
    }
    *f = out[o];
  }
  return SX_OK;
}

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  const sx_custom *x = n->provider ? NULL : n->custom;
  if (x && !x->ep) return true;
  *reason = x ? "the custom operator is for a provider, which did not take the node"
              : "no custom operator is registered for the node";
  return false;
}

/* A session that plans by signature has several models. */
static void destroy_kernel(void *p) {
  sx_custom_kernel *k = p;
  if (k->op->KernelDestroy) k->op->KernelDestroy(k->kernel);
  sx_free(k, sizeof *k);
}
static sx_status create_kernel(sx_build *b) {
  const sx_custom *x = b->n->custom;
  const OrtCustomOp *op = x->op;
  OrtKernelInfo info = {x->owner->session, b->g, b->n};
  sx_custom_kernel *k = sx_calloc(1, sizeof *k);
  if (!k) SX_NO_MEMORY(b->e);
  k->op = op;
  foreign f = {.op = op, .info = &info};
  sx_status s =
      HAS(op, 16, CreateKernelV2) || op->CreateKernel
          ? call(call_create, &f, b->e)
          : sx_fail(b->e, SX_E_INVALID_ARGUMENT, SX_HERE, "the custom operator has no function that makes a kernel");
  k->kernel = f.kernel;
  if (s != SX_OK) {
    sx_free(k, sizeof *k);
    return s;
  }
  if (!sx_model_own(b->g->model, 0, k, destroy_kernel)) {
    destroy_kernel(k);
    SX_NO_MEMORY(b->e);
  }
  b->state = k;
  return SX_OK;
}

sx_status sx_kernel_context_finish(const sx_call *c, OrtKernelContext *k, sx_status s) {
  for (uint32_t i = 0; i < k->n_in; i++) sx_rt_unref(k->in[i]);
  for (uint32_t o = 0; o < k->n_out; o++) {
    if (!k->out[o]) continue;
    if (s == SX_OK)
      s = c->late->set_value(c->late, o, k->out[o], c->e);
    else
      sx_rt_unref(k->out[o]);
  }
  return s;
}

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  enum { SMALL = 16 };
  const sx_late_ctx *l = sx_late_of(c);
  const sx_plan *p = sx_exec_plan(l->x);
  const sx_node *n = sx_node_at(p->graph, p->steps[l->step].node);
  const sx_custom *x = n->custom;
  const sx_custom_kernel *kernel = c->state;
  const OrtCustomOp *op = kernel->op;
  sx_rt_value *few[2 * SMALL] = {0};
  uint32_t n_in = n->n_in, n_out = n->n_out, total = n_in + n_out;
  sx_rt_value **at = total <= 2 * SMALL ? few : sx_calloc(total, sizeof *at);
  if (!at) SX_NO_MEMORY(c->e);
  OrtKernelContext k = {x->owner->session, c, p->graph, n, op, NULL, n_in, n_out, at, at + n_in};
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < n_in && s == SX_OK; i++)
    if (sx_node_in(n, i) != SX_NONE) s = sx_late_take(c, i, &k.in[i]);
  if (s == SX_OK) s = call(call_compute, &(foreign){.op = op, .kernel = kernel->kernel, .context = &k}, c->e);
  s = sx_kernel_context_finish(c, &k, s);
  if (at != few) sx_free(at, total * sizeof *at);
  return s;
}

static sx_status prepare(sx_prep *p) {
  p->n_phases = 1;
  p->phases[0] = (sx_phase){.run = run, .units = 1, .unit_ns = 1000};
  return SX_OK;
}

static const sx_kernel custom = {
    .op = NULL, .name = "custom", .flags = SX_KERNEL_LATE, .claim = claim, .create = create_kernel, .prepare = prepare};
static const sx_kernel *const kernels[] = {&custom, NULL};
const sx_provider sx_custom_provider = {"CPUExecutionProvider", kernels, 0};
