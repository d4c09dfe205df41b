// SPDX-License-Identifier: MIT
/* Order of elements of any type: keys that compare as unsigned numbers, a stable sort, and the k first of a line.
 *
 * A key orders as the values do: NaN above everything, all NaNs alike, -0 as 0. What is stopped leaves nothing that may be
 * used. */
#ifndef SX_EP_CPU_SORT_H
#define SX_EP_CPU_SORT_H
#include "base/cpu.h"
#include "ir/dtype.h"

/* Keys of n elements that lie `stride` bytes apart; numeric types of at most 64 bits and bool. */
void sx_sort_keys(sx_dtype t, const void *x, int64_t stride, int64_t n, uint64_t *keys);

/* Sorts idx[0, n) by less(ctx, a, b), stable; tmp has n entries. */
typedef bool (*sx_less)(const void *ctx, int64_t a, int64_t b);
void sx_sort_indices(int64_t *idx, int64_t *tmp, int64_t n, sx_less less, const void *ctx);

typedef struct sx_sort_item { uint64_t key; int64_t at; } sx_sort_item;
/* Rising keys, stable; tmp has room for n. */
void sx_sort_items(sx_sort_item *items, sx_sort_item *tmp, int64_t n);
/* Where the k <= n largest of the elements x are, best first, of equal ones the earlier; with `smallest` the smallest instead.
 * Of items, which has room for sx_topk_items(n, k), the first k are the answer's places; the keys are for the kernel. */
int64_t sx_topk_items(int64_t n, int64_t k);
void sx_topk(sx_isa isa, sx_dtype t, const void *x, int64_t stride, int64_t n, int64_t k, bool smallest,
             sx_sort_item *items);
#endif
