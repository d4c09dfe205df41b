// SPDX-License-Identifier: MIT
/* Strings with a length, interned names, and hash maps.
 *
 * Names in models may hold any bytes and be a megabyte long: sx_str carries its length, and text that a C caller sees is
 * NUL-terminated by whoever interned it. */
#ifndef SX_BASE_STR_H
#define SX_BASE_STR_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/alloc.h"

typedef struct sx_str {
  const char *p; /* never NULL in a valid string; "" when empty */
  size_t n;
} sx_str;

#define SX_STR(lit) ((sx_str){(lit), sizeof(lit) - 1})
/* For printf: printf("%.*s", SX_FMT(s)); cut at 256 bytes, so that a hostile name cannot fill a message. */
#define SX_FMT(s) (int)((s).n > 256 ? 256 : (s).n), (s).p
static inline sx_str sx_str_c(const char *s) { return s ? (sx_str){s, strlen(s)} : (sx_str){"", 0}; }
static inline bool sx_str_eq(sx_str a, sx_str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
static inline bool sx_str_is(sx_str a, const char *lit) { return sx_str_eq(a, sx_str_c(lit)); }
uint64_t sx_hash(const void *p, size_t n, uint64_t seed);

/* A map from byte strings to uint32 (keys are not copied) and one from uint64 to uint64. Open addressing, no deletion but
 * of everything. Zero-initialised is empty. */
typedef struct sx_strmap { struct sx_strmap_slot *slots; uint32_t n, cap; } sx_strmap;
bool sx_strmap_get(const sx_strmap *m, sx_str key, uint32_t *value);
bool sx_strmap_put(sx_strmap *m, sx_str key, uint32_t value); /* replaces; false: out of memory */
/* Where the key's value is, a new one (*fresh, 0) where there was none; good until the next one comes. NULL: out of memory. */
uint32_t *sx_strmap_at(sx_strmap *m, sx_str key, bool *fresh);
bool sx_strmap_reserve(sx_strmap *m, size_t n); /* for n items in all; false: out of memory, or too many */
void sx_strmap_free(sx_strmap *m);

typedef struct sx_map { struct sx_map_slot *slots; uint32_t n, cap; } sx_map;
bool sx_map_get(const sx_map *m, uint64_t key, uint64_t *value);
bool sx_map_put(sx_map *m, uint64_t key, uint64_t value);
void sx_map_free(sx_map *m);

/* Text that grows; out of memory is sticky and found once, at the end. */
typedef struct sx_text { char *p; size_t n, cap; bool failed; } sx_text;
void sx_text_add(sx_text *t, const char *fmt, ...) SX_PRINTF(2, 3);
void sx_text_put(sx_text *t, const char *p, size_t n);
void sx_text_json(sx_text *t, sx_str s); /* as a JSON string literal with its quotes; bad UTF-8 becomes U+FFFD */
void sx_text_free(sx_text *t);
#endif
