// SPDX-License-Identifier: MIT
/* Types and tensors of the file as facts and constants of the graph. */
#include "onnx/import_priv.h"

static sx_dim dim_of(sx_importer *im, const sx_proto_dim *d) {
  const sx_import_options *o = im->o;
  int kind = sx_proto_dim_kind(d);
  for (uint32_t i = 0; i < o->n_free_dims; i++) {
    const sx_free_dim *f = &o->free_dims[i];
    if (f->by_denotation ? sx_str_eq(f->name, d->denotation) : kind == SX_PROTO_DIM_PARAM && sx_str_eq(f->name, d->param)) {
      im->free_dims_used |= UINT64_C(1) << (i & 63);
      return f->value;
    }
  }
  /* Files carry dim_value -1 and dim_param "?" for "anything". */
  if (kind == SX_PROTO_DIM_VALUE) return d->value >= 0 ? d->value : sx_dim_fresh(&im->m->dims);
  if (kind == SX_PROTO_DIM_PARAM && d->param.n && !sx_str_is(d->param, "?")) return sx_dim_symbol(&im->m->dims, d->param);
  return sx_dim_fresh(&im->m->dims);
}

static sx_status shape_of(sx_importer *im, const sx_proto_type_tensor *t, int8_t *rank, const sx_dim **dims) {
  *rank = -1;
  if (!SX_PROTO_HAS(t, 2)) return SX_OK;
  if (t->shape.dim.n > SX_MAX_RANK)
    SX_FAIL(im->e, INVALID_GRAPH, "a type of rank %u: at most %d are supported", t->shape.dim.n, SX_MAX_RANK);
  sx_dim *d = SX_NEW_N(&im->m->arena, sx_dim, (size_t)t->shape.dim.n + 1);
  if (!d) SX_NO_MEMORY(im->e);
  for (uint32_t i = 0; i < t->shape.dim.n; i++)
    if ((d[i] = dim_of(im, &t->shape.dim.at[i])) == SX_DIM_UNKNOWN) SX_NO_MEMORY(im->e);
  *rank = (int8_t)t->shape.dim.n;
  *dims = d;
  return SX_OK;
}

static sx_status type_of(sx_importer *im, const sx_proto_type *p, int depth, const sx_type **out) {
  static const sx_proto_type none = {0};
  if (!p) p = &none;
  if (depth > 8) SX_FAIL(im->e, INVALID_GRAPH, "a type is nested more than 8 deep");
  sx_type *t = SX_NEW(&im->m->arena, sx_type);
  if (!t) SX_NO_MEMORY(im->e);
  t->rank = -1;
  switch (sx_proto_type_kind(p)) {
    case SX_TYPE_TENSOR:
    case SX_TYPE_SPARSE:
      t->kind = sx_proto_type_kind(p) == SX_TYPE_TENSOR ? SX_KIND_TENSOR : SX_KIND_SPARSE;
      t->dtype =
          p->tensor.elem_type > 0 && p->tensor.elem_type < SX_DTYPE_COUNT ? (uint8_t)p->tensor.elem_type : SX_UNDEFINED;
      SX_TRY(shape_of(im, &p->tensor, &t->rank, &t->dims));
      break;
    case SX_TYPE_SEQUENCE:
    case SX_TYPE_OPTIONAL:
      t->kind = sx_proto_type_kind(p) == SX_TYPE_SEQUENCE ? SX_KIND_SEQUENCE : SX_KIND_OPTIONAL;
      SX_TRY(type_of(im, p->of.elem_type, depth + 1, &t->item));
      break;
    case SX_TYPE_MAP:
      t->kind = SX_KIND_MAP;
      t->dtype = (uint8_t)(p->map.key_type > 0 && p->map.key_type < SX_DTYPE_COUNT ? p->map.key_type : 0);
      SX_TRY(type_of(im, p->map.value_type, depth + 1, &t->item));
      break;
    default: t->kind = SX_KIND_UNKNOWN; break;
  }
  *out = t;
  return SX_OK;
}

sx_status sx_import_fact(sx_importer *im, const sx_proto_type *p, sx_fact *f) {
  const sx_type *t;
  *f = (sx_fact){.rank = -1};
  if (!p) return SX_OK;
  SX_TRY(type_of(im, p, 0, &t));
  f->kind = (uint8_t)t->kind;
  f->dtype = t->kind == SX_KIND_TENSOR || t->kind == SX_KIND_SPARSE ? t->dtype : SX_UNDEFINED;
  f->rank = t->rank;
  f->dims = t->dims;
  if (t->kind != SX_KIND_TENSOR) f->type = t;
  return SX_OK;
}
sx_status sx_import_type(sx_importer *im, const sx_proto_type *p, const sx_type **out) { return type_of(im, p, 0, out); }

/* Small tensors are copied, so that no page of the file stays for their sake. */
enum { COPY_BELOW = 4096 };

sx_status sx_import_tensor(sx_importer *im, const sx_proto_tensor *p, sx_tensor **out) {
  sx_proto_tensor_info info;
  sx_proto_view view;
  SX_TRY(sx_proto_tensor_check(p, &info, im->e));
  if (p->dims.n > SX_MAX_RANK)
    SX_FAIL(im->e, INVALID_GRAPH, "tensor '%.*s' has rank %u: at most %d are supported", SX_FMT(p->name), p->dims.n,
            SX_MAX_RANK);
  sx_tensor *t;
  if (info.external) {
    SX_TRY(sx_import_external(im, p, &info, out));
    return SX_OK;
  }
  if (sx_proto_tensor_view(p, &info, &view) && info.bytes >= COPY_BELOW) {
    SX_TRY(sx_tensor_wrap(info.dtype, (int32_t)p->dims.n, p->dims.at, view.data,
                          im->o->mapped ? SX_OWN_MAPPING : SX_OWN_CALLER, &t, im->e));
    t->caller_lives = im->o->bytes_live;
    if (im->o->mapped) t->file = im->o->file, t->offset = (uint64_t)(view.data - im->bytes);
  } else {
    SX_TRY(sx_tensor_create(info.dtype, (int32_t)p->dims.n, p->dims.at, &t, im->e));
    sx_status s = sx_proto_tensor_fill(p, &info, t->data, info.bytes, im->e);
    if (s == SX_OK && info.dtype == SX_STRING) {
      t->owner = SX_OWN_CALLER; /* handles point into the file until they are copied */
      s = sx_tensor_own(t, im->e);
    }
    if (s != SX_OK) {
      sx_tensor_unref(t);
      return s;
    }
  }
  SX_TRY(sx_model_hold(im->m, t, im->e));
  *out = t;
  return SX_OK;
}
