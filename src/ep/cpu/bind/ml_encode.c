// SPDX-License-Identifier: MIT
/* LabelEncoder and OneHotEncoder: every element is looked up in a dictionary of the session, a tile of elements at a time.
 */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/gather/gather.h"
#include "ep/cpu/kernels/ml/dict.h"

typedef struct encoder {
  sx_dict dict;
  bool floats; /* keys are floating point */
  sx_isa isa;
  uint32_t elem;      /* bytes of a value */
  const void *values; /* n of them, and the default */
  bool zeros;         /* OneHotEncoder: an unknown category is a row of zeros, not an error */
} encoder;

static bool is_float(int t) { return t == SX_F32 || t == SX_F64; }

/* A list of keys or values: an attribute, or the content of a tensor that is one. */
typedef struct list {
  uint32_t n;
  int type;
  const void *data;
} list;
static sx_status list_of(const sx_build *b, const char *const names[4], list *l) {
  static const uint8_t types[3] = {SX_STRING, SX_I64, SX_F32};
  const sx_attr *a = sx_node_attr(b->n, names[3]);
  *l = (list){0, 0, NULL};
  if (a) {
    if (a->t->count > UINT32_MAX) SX_FAIL(b->e, INVALID_GRAPH, "attribute '%s' has too many elements", names[3]);
    *l = (list){(uint32_t)a->t->count, a->t->dtype, NULL};
    return sx_tensor_data(a->t, &l->data, b->e);
  }
  for (int i = 0; i < 3 && !l->n; i++)
    if ((a = sx_node_attr(b->n, names[i])) && a->n) *l = (list){a->n, types[i], a->ints};
  return SX_OK;
}

/* The dictionary of a list of keys of any type, for elements of type x. */
static sx_status build_dict(sx_build *b, encoder *q, const list *keys, int x, bool last) {
  int64_t *ints = NULL;
  if ((keys->type == SX_STRING) != (x == SX_STRING))
    SX_FAIL(b->e, FAIL, "the keys have type %s, the input %s", sx_dtype_name((sx_dtype)keys->type),
            sx_dtype_name((sx_dtype)x));
  q->isa = b->cpu->isa, q->floats = is_float(keys->type);
  if (keys->type != SX_STRING) {
    if (!(ints = SX_NEW_N(b->arena, int64_t, (size_t)keys->n + 1))) SX_NO_MEMORY(b->e);
    sx_cast_run(q->isa, (sx_dtype)keys->type, q->floats ? SX_F64 : SX_I64, 0, ints, keys->data, 0, keys->n);
    for (uint32_t i = 0; i < keys->n && q->floats; i++) ints[i] = sx_dict_float(((double *)ints)[i]);
  }
  if (!sx_dict_build(&q->dict, b->arena, ints, ints ? NULL : keys->data, keys->n, last)) SX_NO_MEMORY(b->e);
  return SX_OK;
}

enum { TILE = 256 };
/* Places of the elements [first, first + n) of x. */
static void find(const encoder *q, sx_dtype type, const void *x, int64_t first, int64_t n, int64_t *at) {
  if (type == SX_STRING) {
    for (int64_t i = 0; i < n; i++) at[i] = sx_dict_find_text(&q->dict, ((const sx_str *)x)[first + i]);
    return;
  }
  const char *from = (const char *)x + (size_t)first * sx_elem_bytes(type);
  if (type == SX_I64 && !q->floats) {
    for (int64_t i = 0, key; i < n; i++) {
      memcpy(&key, from + i * (int64_t)sizeof key, sizeof key);
      at[i] = sx_dict_find(&q->dict, key);
    }
    return;
  }
  double wide[TILE];
  sx_cast_run(q->isa, type, q->floats ? SX_F64 : SX_I64, 0, q->floats ? (void *)wide : at, from, 0, n);
  for (int64_t i = 0; i < n; i++) at[i] = sx_dict_find(&q->dict, q->floats ? sx_dict_float(wide[i]) : at[i]);
}

typedef struct params {
  const encoder *q;
  sx_dtype type;
  int64_t count;
} params;
static sx_status tiles(sx_prep *p, sx_run_fn run, double ns) {
  params *s = SX_NEW(p->arena, params);
  if (!s) SX_NO_MEMORY(p->e);
  *s = (params){p->state, (sx_dtype)p->in[0].dtype, p->in[0].count};
  p->params = s;
  return sx_prep_phase(p, run, (s->count + TILE - 1) / TILE, TILE * (s->type == SX_STRING ? 20 : 4) + TILE * ns, 0);
}

static sx_status label_create(sx_build *b) {
  static const char *const keys[4] = {"keys_strings", "keys_int64s", "keys_floats", "keys_tensor"};
  static const char *const values[4] = {"values_strings", "values_int64s", "values_floats", "values_tensor"};
  list k, v;
  encoder *q = b->state = SX_NEW(b->arena, encoder);
  if (!q) SX_NO_MEMORY(b->e);
  SX_TRY(list_of(b, keys, &k));
  SX_TRY(list_of(b, values, &v));
  if (k.n != v.n || !k.n) SX_FAIL(b->e, FAIL, "has %u keys and %u values, expected as many, at least one", k.n, v.n);
  SX_TRY(build_dict(b, q, &k, sx_value_at(b->g, b->n->in[0].value)->fact.dtype, false));
  q->elem = sx_elem_bytes(v.type);
  char *copy = SX_NEW_N(b->arena, char, ((size_t)v.n + 1) * q->elem), *end = copy ? copy + (size_t)v.n * q->elem : NULL;
  if (!copy) SX_NO_MEMORY(b->e);
  memcpy(copy, v.data, (size_t)v.n * q->elem);
  q->values = copy;
  const sx_attr *d = sx_node_attr(b->n, "default_tensor");
  if (d && (d->t->dtype != v.type || d->t->count != 1))
    SX_FAIL(b->e, INVALID_GRAPH, "attribute 'default_tensor' has type %s and %lld elements, expected one of type %s",
            sx_dtype_name((sx_dtype)d->t->dtype), (long long)d->t->count, sx_dtype_name((sx_dtype)v.type));
  if (d) {
    const void *one;
    SX_TRY(sx_tensor_data(d->t, &one, b->e));
    memcpy(end, one, q->elem);
  } else if (v.type == SX_STRING) {
    *(sx_str *)end = sx_attr_str(b->n, "default_string", "_Unused");
  } else if (is_float(v.type)) {
    float f = sx_attr_float(b->n, "default_float", -0.0f);
    sx_cast_run(q->isa, SX_F32, (sx_dtype)v.type, 0, end, &f, 0, 1);
  } else {
    int64_t i = sx_attr_int(b->n, "default_int64", -1);
    sx_cast_run(q->isa, SX_I64, (sx_dtype)v.type, 0, end, &i, 0, 1);
  }
  return SX_OK;
}
static sx_status label_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *s = c->params;
  const encoder *q = s->q;
  int64_t at[TILE];
  for (int64_t first = (int64_t)begin * TILE; first < (int64_t)end * TILE && first < s->count; first += TILE) {
    int64_t n = s->count - first < TILE ? s->count - first : TILE;
    find(q, s->type, c->in[0], first, n, at);
    sx_gather_rows(&(sx_gather){(int64_t)q->dict.n + 1, n, q->elem, true}, q->values, at,
                   (char *)c->out[0] + (size_t)first * q->elem, 0, n);
  }
  return SX_OK;
}
static sx_status label_prepare(sx_prep *p) { return tiles(p, label_run, 2); }

static sx_status one_hot_create(sx_build *b) {
  static const char *const cats[4] = {"cats_strings", "cats_int64s", "", ""};
  encoder *q = b->state = SX_NEW(b->arena, encoder);
  list k;
  if (!q) SX_NO_MEMORY(b->e);
  SX_TRY(list_of(b, cats, &k));
  q->zeros = sx_attr_int(b->n, "zeros", 1) != 0;
  return build_dict(b, q, &k, sx_value_at(b->g, b->n->in[0].value)->fact.dtype, true);
}
static sx_status one_hot_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *s = c->params;
  int64_t at[TILE], width = s->q->dict.n;
  for (int64_t first = (int64_t)begin * TILE; first < (int64_t)end * TILE && first < s->count; first += TILE) {
    int64_t n = s->count - first < TILE ? s->count - first : TILE;
    float *y = (float *)c->out[0] + first * width;
    memset(y, 0, (size_t)(n * width) * sizeof *y);
    find(s->q, s->type, c->in[0], first, n, at);
    for (int64_t i = 0; i < n; i++) {
      if (at[i] < width)
        y[i * width + at[i]] = 1;
      else if (!s->q->zeros)
        SX_FAIL(c->e, FAIL, "element %lld is none of the %lld categories, and 'zeros' is 0", (long long)(first + i),
                (long long)width);
    }
  }
  return SX_OK;
}
static sx_status one_hot_prepare(sx_prep *p) {
  return tiles(p, one_hot_run, (double)((const encoder *)p->state)->dict.n * 0.3);
}

const sx_kernel sx_cpu_LabelEncoder = {
    .op = &sx_op_LabelEncoder, .name = "dictionary", .create = label_create, .prepare = label_prepare};
const sx_kernel sx_cpu_OneHotEncoder = {
    .op = &sx_op_OneHotEncoder, .name = "dictionary", .create = one_hot_create, .prepare = one_hot_prepare};
