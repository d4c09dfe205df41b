// SPDX-License-Identifier: MIT
/* Text across the interface: copies of what callers give, strings for them to free, and key-value pairs. */
#include "abi/handles.h"

char *sx_text_dup(const char *s) {
  size_t n = strlen(s) + 1;
  char *p = sx_malloc(n);
  return p ? memcpy(p, s, n) : NULL;
}

void sx_text_drop(char *s) {
  if (s) sx_free(s, strlen(s) + 1);
}

OrtStatus *sx_ort_text_set(char **slot, const char *s) {
  char *copy = sx_text_dup(s);
  if (!copy) SX_API_NO_MEMORY();
  sx_text_drop(*slot);
  *slot = copy;
  return NULL;
}

OrtStatus *sx_ort_path_set(char **slot, const ORTCHAR_T *given) {
  sx_path path;
  if (!sx_path_open(&path, given)) SX_API_NO_MEMORY();
  OrtStatus *s = sx_ort_text_set(slot, path.p);
  sx_path_close(&path);
  return s;
}

OrtStatus *sx_ort_text_out(OrtAllocator *a, sx_str s, char **out) {
  char *p = s.n < SIZE_MAX ? a->Alloc(a, s.n + 1) : NULL;
  if (!p) SX_API_FAIL(FAIL, "the allocator has no %zu bytes for a string", s.n + 1);
  memcpy(p, s.p, s.n);
  p[s.n] = 0;
  *out = p;
  return NULL;
}

OrtStatus *sx_ort_text_copy(const char *what, sx_str s, char *out, size_t *size) {
  size_t need = s.n + 1, have = *size;
  *size = need;
  if (!out) return NULL;
  if (have < need) SX_API_FAIL(INVALID_ARGUMENT, "%s needs a buffer of %zu bytes, it has %zu", what, need, have);
  memcpy(out, s.p, s.n);
  out[s.n] = 0;
  return NULL;
}

/* First position whose key is not below `key`. */
static uint32_t lower(const OrtKeyValuePairs *p, const char *key) {
  uint32_t a = 0, b = p->n;
  while (a < b) {
    uint32_t m = a + (b - a) / 2;
    if (strcmp(p->keys[m], key) < 0)
      a = m + 1;
    else
      b = m;
  }
  return a;
}

static bool grow(OrtKeyValuePairs *p) {
  if (p->n < p->cap) return true;
  uint32_t cap = p->cap ? p->cap * 2 : 8;
  const char **keys = sx_calloc(cap, sizeof *keys), **values = sx_calloc(cap, sizeof *values);
  if (!keys || !values) {
    sx_free(keys, cap * sizeof *keys);
    sx_free(values, cap * sizeof *values);
    return false;
  }
  if (p->n) memcpy(keys, p->keys, p->n * sizeof *keys), memcpy(values, p->values, p->n * sizeof *values);
  sx_free(p->keys, p->cap * sizeof *keys);
  sx_free(p->values, p->cap * sizeof *values);
  p->keys = keys, p->values = values, p->cap = cap;
  return true;
}

bool sx_kvp_set(OrtKeyValuePairs *p, const char *key, const char *value) {
  uint32_t i = lower(p, key);
  char *v = sx_text_dup(value);
  if (!v) return false;
  if (i < p->n && strcmp(p->keys[i], key) == 0) {
    sx_text_drop((char *)p->values[i]);
    p->values[i] = v;
    return true;
  }
  char *k = sx_text_dup(key);
  if (!k || !grow(p)) {
    sx_text_drop(k);
    sx_text_drop(v);
    return false;
  }
  memmove(p->keys + i + 1, p->keys + i, (p->n - i) * sizeof *p->keys);
  memmove(p->values + i + 1, p->values + i, (p->n - i) * sizeof *p->values);
  p->keys[i] = k, p->values[i] = v, p->n++;
  return true;
}

const char *sx_kvp_get(const OrtKeyValuePairs *p, const char *key) {
  uint32_t i = lower(p, key);
  return i < p->n && strcmp(p->keys[i], key) == 0 ? p->values[i] : NULL;
}

bool sx_kvp_copy(const OrtKeyValuePairs *from, OrtKeyValuePairs *to) {
  if (from->lost) return false;
  for (uint32_t i = 0; i < from->n; i++)
    if (!sx_kvp_set(to, from->keys[i], from->values[i])) return false;
  return true;
}

void sx_kvp_clear(OrtKeyValuePairs *p) {
  for (uint32_t i = 0; i < p->n; i++) sx_text_drop((char *)p->keys[i]), sx_text_drop((char *)p->values[i]);
  sx_free(p->keys, p->cap * sizeof *p->keys);
  sx_free(p->values, p->cap * sizeof *p->values);
  *p = (OrtKeyValuePairs){0};
}

/* What callers get who cannot be told that there is no memory: it has nothing, takes nothing, and nobody takes it. */
static OrtKeyValuePairs no_pairs = {.lost = true};

OrtKeyValuePairs *sx_kvp_create(void) { return sx_calloc(1, sizeof(OrtKeyValuePairs)); }

void ORT_API_CALL sx_api_CreateKeyValuePairs(OrtKeyValuePairs **out) {
  if (out && !(*out = sx_kvp_create())) *out = &no_pairs;
}

void ORT_API_CALL sx_api_AddKeyValuePair(OrtKeyValuePairs *kvps, const char *key, const char *value) {
  if (!kvps || !key || !*key || !value || kvps == &no_pairs) return;
  if (!sx_kvp_set(kvps, key, value)) kvps->lost = true;
}

const char *ORT_API_CALL sx_api_GetKeyValue(const OrtKeyValuePairs *kvps, const char *key) {
  return kvps && key ? sx_kvp_get(kvps, key) : NULL;
}

void ORT_API_CALL sx_api_GetKeyValuePairs(const OrtKeyValuePairs *kvps, const char *const **keys,
                                          const char *const **values, size_t *num_entries) {
  if (keys) *keys = kvps ? kvps->keys : NULL;
  if (values) *values = kvps ? kvps->values : NULL;
  if (num_entries) *num_entries = kvps ? kvps->n : 0;
}

void ORT_API_CALL sx_api_RemoveKeyValuePair(OrtKeyValuePairs *kvps, const char *key) {
  if (!kvps || !key) return;
  uint32_t i = lower(kvps, key);
  if (i == kvps->n || strcmp(kvps->keys[i], key) != 0) return;
  sx_text_drop((char *)kvps->keys[i]);
  sx_text_drop((char *)kvps->values[i]);
  kvps->n--;
  memmove(kvps->keys + i, kvps->keys + i + 1, (kvps->n - i) * sizeof *kvps->keys);
  memmove(kvps->values + i, kvps->values + i + 1, (kvps->n - i) * sizeof *kvps->values);
}

void ORT_API_CALL sx_api_ReleaseKeyValuePairs(OrtKeyValuePairs *kvps) {
  if (!kvps || kvps == &no_pairs) return;
  sx_kvp_clear(kvps);
  sx_free(kvps, sizeof *kvps);
}
