// SPDX-License-Identifier: MIT
/* Constants: creation, shared ownership, and the one place where misaligned elements become aligned ones. */
#include "ir/tensor.h"
#include "base/half.h"

static sx_status make(sx_dtype t, int32_t rank, const int64_t *dims, sx_tensor **out, sx_err *e) {
  int64_t count = 1;
  for (int32_t i = 0; i < rank; i++)
    if (dims[i] < 0 || !sx_i64_mul(count, dims[i], &count))
      SX_FAIL(e, INVALID_GRAPH, "tensor dimension %d is %lld: negative, or the element count overflows", i,
              (long long)dims[i]);
  sx_tensor *x = sx_calloc(1, sizeof *x);
  int64_t *d = sx_malloc(sizeof(int64_t) * (size_t)(rank ? rank : 1));
  if (!x || !d || !sx_dtype_bytes(t, count, &x->size)) {
    sx_free(d, sizeof(int64_t) * (size_t)(rank ? rank : 1));
    bool big = x != NULL && d != NULL;
    sx_free(x, sizeof *x);
    if (big)
      SX_FAIL(e, INVALID_GRAPH, "a tensor of %lld elements of type %s does not fit memory", (long long)count,
              sx_dtype_name(t));
    SX_NO_MEMORY(e);
  }
  if (rank) memcpy(d, dims, sizeof(int64_t) * (size_t)rank);
  atomic_init(&x->refs, 1);
  x->dtype = x->stored = (uint8_t)t, x->rank = rank, x->dims = d, x->count = count;
  *out = x;
  return SX_OK;
}

sx_status sx_tensor_create(sx_dtype t, int32_t rank, const int64_t *dims, sx_tensor **out, sx_err *e) {
  sx_tensor *x;
  SX_TRY(make(t, rank, dims, &x, e));
  x->data = sx_malloc_aligned(x->size);
  if (!x->data) {
    sx_tensor_unref(x);
    SX_NO_MEMORY(e);
  }
  memset(x->data, 0, x->size);
  if (t == SX_STRING)
    for (int64_t i = 0; i < x->count; i++) ((sx_str *)x->data)[i].p = "";
  x->bytes = x->data;
  *out = x;
  return SX_OK;
}

sx_status sx_tensor_wrap(sx_dtype t, int32_t rank, const int64_t *dims, const void *bytes, sx_owner owner, sx_tensor **out,
                         sx_err *e) {
  SX_TRY(make(t, rank, dims, out, e));
  (*out)->bytes = bytes;
  (*out)->owner = (uint8_t)owner;
  return SX_OK;
}

/* x has its elements from those of `of`. */
static void refer(sx_tensor *x, sx_tensor *of) {
  x->of = sx_tensor_ref(of);
  x->bytes = of->bytes; /* not its aligned copy, which may be given back */
  x->stored = of->stored, x->owner = of->owner, x->caller_lives = of->caller_lives;
  x->file = of->file, x->offset = of->offset;
}

sx_status sx_tensor_scale(sx_tensor *t, const double *factors, sx_tensor **out, sx_err *e) {
  sx_tensor *x, *of = t->of ? t->of : t;
  SX_TRY(make(SX_F32, t->rank, t->dims, &x, e));
  size_t rows = (size_t)t->dims[0], bytes = rows * sizeof(double);
  if (!(x->factors = sx_malloc(bytes))) {
    sx_tensor_unref(x);
    SX_NO_MEMORY(e);
  }
  for (size_t i = 0; i < rows; i++) x->factors[i] = factors[i] * (t->factors ? t->factors[i] : 1);
  refer(x, of);
  *out = x;
  return SX_OK;
}

sx_status sx_tensor_widen(sx_tensor *t, sx_tensor **out, sx_err *e) {
  SX_TRY(make(SX_F32, t->rank, t->dims, out, e));
  refer(*out, t);
  return SX_OK;
}

sx_tensor *sx_tensor_ref(sx_tensor *t) {
  atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
  return t;
}

static void drop_factors(sx_tensor *t) {
  if (t->factors) sx_free(t->factors, (size_t)t->dims[0] * sizeof *t->factors);
  sx_tensor_unref(t->of);
  t->factors = NULL, t->of = NULL;
}

void sx_tensor_unref(sx_tensor *t) {
  if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
  if (t->data) sx_free_aligned(t->data, t->size);
  drop_factors(t);
  sx_arena_free(&t->strings);
  sx_free(t->dims, sizeof(int64_t) * (size_t)(t->rank ? t->rank : 1));
  sx_free(t, sizeof *t);
}

/* Element i of what is stored as f16 or bf16. */
static float narrow_at(const sx_tensor *t, int64_t i) {
  uint16_t h;
  memcpy(&h, (const char *)t->bytes + 2 * i, sizeof h);
  return t->stored == SX_F16 ? sx_f16_widen(h) : sx_bf16_widen(h);
}

static size_t alignment_of(sx_dtype t) {
  uint32_t bits = sx_dtype_bits(t);
  return bits <= 8 ? 1 : t == SX_C128 || t == SX_STRING || t == SX_C64 ? 8 : bits / 8;
}

/* The lazy copy fills a logically constant object; the first call is on the loading thread. */
static sx_status materialise(sx_tensor *t, sx_err *e) {
  void *p = sx_malloc_aligned(t->size);
  if (!p) SX_NO_MEMORY(e);
  if (t->stored != t->dtype)
    for (int64_t i = 0; i < t->count; i++) ((float *)p)[i] = narrow_at(t, i);
  else if (t->size)
    memcpy(p, t->bytes, t->size);
  int64_t rows = t->factors ? t->dims[0] : 0, row = rows ? t->count / rows : 0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t k = i * row; k < (i + 1) * row; k++) ((float *)p)[k] = (float)(((float *)p)[k] * t->factors[i]);
  t->data = p;
  return SX_OK;
}

sx_status sx_tensor_source(const sx_tensor *t, const void **bytes, sx_err *e) {
  if (!t->data && !t->bytes && t->size)
    SX_FAIL(e, FAIL, "the content of this constant was given back after it had been packed");
  *bytes = t->data && !sx_tensor_is_derived(t) ? t->data : t->bytes;
  return SX_OK;
}
size_t sx_tensor_source_size(const sx_tensor *t) {
  return t->stored == t->dtype ? t->size : t->size / sizeof(float) * sizeof(uint16_t);
}

sx_status sx_tensor_data(const sx_tensor *t, const void **data, sx_err *e) {
  SX_TRY(sx_tensor_source(t, data, e));
  if (!t->data && (sx_tensor_is_derived(t) || (uintptr_t)t->bytes % alignment_of(t->dtype)))
    SX_TRY(materialise((sx_tensor *)t, e));
  *data = t->data ? t->data : t->bytes;
  return SX_OK;
}

sx_status sx_tensor_own(sx_tensor *t, sx_err *e) {
  if (!t->data) SX_TRY(materialise(t, e));
  if (t->dtype == SX_STRING && t->owner != SX_OWN_SELF) {
    sx_str *s = t->data;
    for (int64_t i = 0; i < t->count; i++) {
      char *c = sx_arena_strdup(&t->strings, s[i].p, s[i].n);
      if (!c) SX_NO_MEMORY(e);
      s[i].p = c;
    }
  }
  t->bytes = t->data;
  t->stored = t->dtype, t->owner = SX_OWN_SELF;
  drop_factors(t);
  return SX_OK;
}

void sx_tensor_pin(sx_tensor *t) {
  t->pinned = true;
  if (t->of) t->of->pinned = true;
}

void sx_tensor_drop(sx_tensor *t) {
  if (t->pinned || t->dtype == SX_STRING) return;
  bool ours = t->owner == SX_OWN_SELF, borrowed = t->owner == SX_OWN_CALLER && !t->caller_lives;
  if (t->data) sx_free_aligned(t->data, t->size);
  t->data = NULL;
  if (ours || borrowed) t->bytes = NULL;
}

bool sx_tensor_get_i64(const sx_tensor *t, int64_t i, int64_t *v) {
  const void *d = NULL;
  if (i < 0 || i >= t->count || sx_tensor_data(t, &d, NULL) != SX_OK) return false;
  switch (t->dtype) {
    case SX_I64: *v = ((const int64_t *)d)[i]; return true;
    case SX_U64: *v = (int64_t)((const uint64_t *)d)[i]; return true;
    case SX_I32: *v = ((const int32_t *)d)[i]; return true;
    case SX_U32: *v = ((const uint32_t *)d)[i]; return true;
    case SX_I16: *v = ((const int16_t *)d)[i]; return true;
    case SX_U16: *v = ((const uint16_t *)d)[i]; return true;
    case SX_I8: *v = ((const int8_t *)d)[i]; return true;
    case SX_U8:
    case SX_BOOL: *v = ((const uint8_t *)d)[i]; return true;
    case SX_U4:
    case SX_I4:
    case SX_U2:
    case SX_I2: {
      const int bits = (int)sx_dtype_bits((sx_dtype)t->dtype), per = 8 / bits, sign = 1 << (bits - 1);
      const int code = ((const uint8_t *)d)[i / per] >> (i % per * bits) & (2 * sign - 1);
      *v = sx_dtype_is_signed((sx_dtype)t->dtype) ? (code ^ sign) - sign : code;
      return true;
    }
    default: return false;
  }
}

bool sx_tensor_get_f64(const sx_tensor *t, int64_t i, double *v) {
  const void *d = NULL;
  int64_t n;
  if (i >= 0 && i < t->count && t->stored != t->dtype && !t->factors && !t->data && t->bytes) {
    *v = narrow_at(t, i);
    return true;
  }
  if (i < 0 || i >= t->count || sx_tensor_data(t, &d, NULL) != SX_OK) return false;
  switch (t->dtype) {
    case SX_F32: *v = ((const float *)d)[i]; return true;
    case SX_F64: *v = ((const double *)d)[i]; return true;
    case SX_F16: *v = sx_f16_widen(((const uint16_t *)d)[i]); return true;
    case SX_BF16: *v = sx_bf16_widen(((const uint16_t *)d)[i]); return true;
    default:
      if (!sx_tensor_get_i64(t, i, &n)) return false;
      *v = t->dtype == SX_U64 ? (double)(uint64_t)n : (double)n;
      return true;
  }
}
