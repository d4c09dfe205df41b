// SPDX-License-Identifier: MIT
/* Hashing, the two hash maps and growing text. The maps probe linearly over a power of two of slots, at most three quarters
 * full; their hash is seeded by the address space's layout, so that a hostile model cannot be built to make them slow. */
#include "base/str.h"
#include <stdarg.h>
#include <stdio.h>

static uint64_t mix(uint64_t a, uint64_t b) {
  unsigned __int128 p = (unsigned __int128)a * b;
  return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t load64(const unsigned char *p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return v;
}
static uint64_t load32(const unsigned char *p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return v;
}

#define K0 0xa0761d6478bd642full
#define K1 0xe7037ed1a0b428dbull

uint64_t sx_hash(const void *data, size_t n, uint64_t seed) {
  const unsigned char *p = data;
  uint64_t h = mix(seed ^ K0, n ^ K1);
  size_t left = n;
  for (; left >= 16; left -= 16, p += 16) h = mix(load64(p) ^ K1, load64(p + 8) ^ h);
  uint64_t first = 0, last = 0; /* the tail in two loads that may overlap: how long it is went into h */
  if (left >= 8) first = load64(p), last = load64(p + left - 8);
  else if (left >= 4) first = load32(p), last = load32(p + left - 4);
  else if (left) first = p[0] | (uint64_t)p[left / 2] << 8 | (uint64_t)p[left - 1] << 16;
  return mix(mix(first ^ K1, last ^ h), K0 ^ h);
}

static uint64_t map_seed(void) {
  static const char here;
  return (uint64_t)(uintptr_t)&here;
}

/* The next number of slots when one more item would overfill, 0 when there is none. */
static uint32_t next_cap(uint32_t cap) { return cap == 0 ? 16 : cap <= (1u << 30) ? cap * 2 : 0; }
static bool is_full(uint32_t n, uint32_t cap) { return (uint64_t)(n + 1) * 4 > (uint64_t)cap * 3; }

/* ---- byte strings to uint32 ---- */

struct sx_strmap_slot {
  sx_str key; /* p == NULL: empty */
  uint32_t hash, value;
};

static struct sx_strmap_slot *str_slot(const sx_strmap *m, sx_str key, uint32_t hash) {
  uint32_t mask = m->cap - 1;
  for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
    struct sx_strmap_slot *s = &m->slots[i];
    if (!s->key.p || (s->hash == hash && sx_str_eq(s->key, key))) return s;
  }
}

static bool str_grow(sx_strmap *m, uint32_t cap) {
  sx_strmap big = {.n = m->n, .cap = cap};
  big.slots = big.cap ? sx_calloc(big.cap, sizeof *big.slots) : NULL;
  if (!big.slots) return false;
  for (uint32_t i = 0; i < m->cap; i++)
    if (m->slots[i].key.p) *str_slot(&big, m->slots[i].key, m->slots[i].hash) = m->slots[i];
  sx_strmap_free(m);
  *m = big;
  return true;
}

bool sx_strmap_reserve(sx_strmap *m, size_t n) {
  uint32_t cap = m->cap;
  while ((!cap || (uint64_t)n * 4 > (uint64_t)cap * 3) && (cap = next_cap(cap))) continue;
  return cap == m->cap || str_grow(m, cap);
}

bool sx_strmap_get(const sx_strmap *m, sx_str key, uint32_t *value) {
  if (!m->n) return false;
  const struct sx_strmap_slot *s = str_slot(m, key, (uint32_t)sx_hash(key.p, key.n, map_seed()));
  if (s->key.p) *value = s->value;
  return s->key.p != NULL;
}

uint32_t *sx_strmap_at(sx_strmap *m, sx_str key, bool *fresh) {
  if (is_full(m->n, m->cap) && !str_grow(m, next_cap(m->cap))) return NULL;
  uint32_t hash = (uint32_t)sx_hash(key.p, key.n, map_seed());
  struct sx_strmap_slot *s = str_slot(m, key, hash);
  *fresh = !s->key.p;
  if (*fresh) *s = (struct sx_strmap_slot){{key.p ? key.p : "", key.n}, hash, 0}, m->n++;
  return &s->value;
}

bool sx_strmap_put(sx_strmap *m, sx_str key, uint32_t value) {
  bool fresh;
  uint32_t *at = sx_strmap_at(m, key, &fresh);
  if (at) *at = value;
  return at != NULL;
}

void sx_strmap_free(sx_strmap *m) {
  sx_free(m->slots, (size_t)m->cap * sizeof *m->slots);
  *m = (sx_strmap){0};
}

/* ---- uint64 to uint64 ---- */

struct sx_map_slot {
  uint64_t key, value;
  bool used;
};

static struct sx_map_slot *map_slot(const sx_map *m, uint64_t key) {
  uint32_t mask = m->cap - 1;
  for (uint32_t i = (uint32_t)mix(key ^ map_seed(), K0) & mask;; i = (i + 1) & mask) {
    struct sx_map_slot *s = &m->slots[i];
    if (!s->used || s->key == key) return s;
  }
}

static bool map_grow(sx_map *m) {
  sx_map big = {.n = m->n, .cap = next_cap(m->cap)};
  big.slots = big.cap ? sx_calloc(big.cap, sizeof *big.slots) : NULL;
  if (!big.slots) return false;
  for (uint32_t i = 0; i < m->cap; i++)
    if (m->slots[i].used) *map_slot(&big, m->slots[i].key) = m->slots[i];
  sx_map_free(m);
  *m = big;
  return true;
}

bool sx_map_get(const sx_map *m, uint64_t key, uint64_t *value) {
  if (!m->n) return false;
  const struct sx_map_slot *s = map_slot(m, key);
  if (s->used) *value = s->value;
  return s->used;
}

bool sx_map_put(sx_map *m, uint64_t key, uint64_t value) {
  if (is_full(m->n, m->cap) && !map_grow(m)) return false;
  struct sx_map_slot *s = map_slot(m, key);
  m->n += !s->used;
  *s = (struct sx_map_slot){key, value, true};
  return true;
}

void sx_map_free(sx_map *m) {
  sx_free(m->slots, (size_t)m->cap * sizeof *m->slots);
  *m = (sx_map){0};
}

/* ---- text ---- */

/* Room for n more bytes and a NUL. */
static bool text_room(sx_text *t, size_t n) {
  size_t need;
  if (t->failed) return false;
  if (sx_size_add(t->n, n, &need) && sx_size_add(need, 1, &need)) {
    if (need <= t->cap) return true;
    size_t cap = t->cap > SIZE_MAX / 2 ? need : t->cap * 2;
    cap = cap < need ? need : cap;
    cap = cap < 64 ? 64 : cap;
    char *p = sx_realloc(t->p, t->cap, cap);
    if (p) {
      t->p = p;
      t->cap = cap;
      return true;
    }
  }
  t->failed = true;
  return false;
}

void sx_text_put(sx_text *t, const char *p, size_t n) {
  if (!text_room(t, n)) return;
  if (n) memcpy(t->p + t->n, p, n);
  t->n += n;
  t->p[t->n] = 0;
}

void sx_text_add(sx_text *t, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  size_t room = t->failed ? 0 : t->cap - t->n;
  int n = vsnprintf(room ? t->p + t->n : NULL, room, fmt, args);
  if (n < 0) {
    t->failed = true;
  } else if ((size_t)n < room) {
    t->n += (size_t)n;
  } else if (text_room(t, (size_t)n)) {
    vsnprintf(t->p + t->n, (size_t)n + 1, fmt, again);
    t->n += (size_t)n;
  }
  va_end(again);
  va_end(args);
}

/* Length of the well-formed UTF-8 sequence at p (the standard's table 3-7), or 0. */
static size_t utf8_len(const unsigned char *p, size_t n) {
  unsigned c = p[0];
  size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
  if (len > n || len < 2) return len > n ? 0 : len;
  unsigned low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  unsigned high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  if (p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < len; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  return len;
}

void sx_text_json(sx_text *t, sx_str s) {
  static const char short_form[] = "\"\"\\\\\bb\ff\nn\rr\tt";
  const unsigned char *p = (const unsigned char *)s.p;
  sx_text_put(t, "\"", 1);
  size_t plain = 0, i = 0; /* [plain, i) is copied as it is */
  while (i < s.n) {
    size_t len = utf8_len(p + i, s.n - i);
    const char *esc = NULL;
    if (len == 1)
      for (const char *f = short_form; *f && !esc; f += 2)
        if (*f == (char)p[i]) esc = f + 1;
    if (len > 0 && !esc && p[i] >= 0x20) {
      i += len;
      continue;
    }
    sx_text_put(t, s.p + plain, i - plain);
    if (len == 0) sx_text_put(t, "\xef\xbf\xbd", 3);
    else if (esc) sx_text_add(t, "\\%c", *esc);
    else sx_text_add(t, "\\u%04x", p[i]);
    plain = ++i;
  }
  sx_text_put(t, s.p + plain, i - plain);
  sx_text_put(t, "\"", 1);
}

void sx_text_free(sx_text *t) {
  sx_free(t->p, t->cap);
  *t = (sx_text){0};
}
