// SPDX-License-Identifier: MIT
/* UTF-8 and the simple case mapping of Unicode (one code point to one), the same in every locale. */
#ifndef SX_BASE_UNICODE_H
#define SX_BASE_UNICODE_H
#include "base/str.h"

#define SX_UTF8_BAD UINT32_MAX
/* The code point at s.p[*at], *at moves behind it. Bytes that are no UTF-8 are given one by one as SX_UTF8_BAD; *at < s.n. */
uint32_t sx_utf8_next(sx_str s, size_t *at);
size_t sx_utf8_put(uint32_t code, char out[4]); /* bytes written, 1 to 4 */

typedef enum sx_case { SX_CASE_KEEP, SX_CASE_LOWER, SX_CASE_UPPER } sx_case;
uint32_t sx_unicode_case(uint32_t code, sx_case to);
/* The mapped text into out, which has room for 3 bytes per byte of s (NULL: only count); bad bytes stay. Gives its length.
 * Long ones may be stopped: what is written then is never more than what was counted before. */
size_t sx_utf8_case(sx_str s, sx_case to, char *out);
#endif
