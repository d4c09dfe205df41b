// SPDX-License-Identifier: MIT
/* Inside the elementwise machine: the function tables of the ISA levels and the compiled form that ew_run.c walks. */
#ifndef SX_EP_CPU_ELEMENTWISE_MACHINE_H
#define SX_EP_CPU_ELEMENTWISE_MACHINE_H
#include "ep/cpu/kernels/elementwise/elementwise.h"

/* What an instruction function gets besides its tiles. uni: bit k set = source k is one value, read from its first element.
 */
typedef struct sx_ew_params {
  float f[2];
  sx_ew_imm imm[2];
  uint8_t uni, cls, to, mode;
  uint32_t isa;
} sx_ew_params;

/* One instruction over n elements, n > 0 a multiple of the table's lanes: tiles are padded, so no function has a tail. d
 * may be the tile of a source of the same width; otherwise d overlaps none. Pointers are aligned to their element. */
typedef void (*sx_ew_fn)(void *d, const void *a, const void *b, const void *c, const void *params, int64_t n);

/* Runs of f32 instructions are one step, a chain: a group of vectors goes through all its links in registers, each link
 * jumping to the next. At most one of them is expensive: a processor looks ahead far enough to overlap groups over one such
 * link, not over two. reg: registers of the other operands; of the last link, the destination. */
typedef struct sx_ew_link sx_ew_link;
typedef void (*sx_ew_link_fn)(void);
struct sx_ew_link {
  sx_ew_link_fn group, one;
  float f[2];
  uint16_t reg[2];
};
/* How a link sees its operation's sources: the value that flows, a tile, one value. */
typedef enum sx_ew_form { SX_EW_V, SX_EW_VT, SX_EW_TV, SX_EW_VK, SX_EW_KV, SX_EW_VKK, SX_EW_FORMS } sx_ew_form;
typedef struct sx_ew_link_pair {
  sx_ew_link_fn group, one;
} sx_ew_link_pair;

typedef struct sx_ew_others { /* the classes but f32 */
  sx_ew_fn fn[SX_EW_CLASSES][SX_EW_OP_COUNT];
} sx_ew_others;
typedef struct sx_ew_table {
  uint32_t lanes;
  sx_ew_fn
      chain; /* a: the tile that flows in; b: the table of registers; params.imm[0].i: bytes from params to the links */
  sx_ew_link_pair store, link[SX_EW_OP_COUNT][SX_EW_FORMS]; /* NULL: no such link */
  sx_ew_fn f32[SX_EW_OP_COUNT];
  sx_ew_fn where[SX_EW_CLASSES], splat[SX_EW_CLASSES]; /* splat: d[i] = a[0] */
  const sx_ew_others *others;
} sx_ew_table;
const sx_ew_table *sx_ew_table_of(sx_isa isa);
uint32_t sx_ew_op_sources(sx_ew_op op);
sx_dtype sx_ew_class_type(sx_ew_class c);                                /* the storage type that a class is */
sx_ew_fn sx_ew_find(const sx_ew_table *t, sx_ew_op op, sx_ew_class cls); /* NULL when there is none */

enum {
  SX_EW_TILE = 1024,            /* elements, where instructions pass tiles on */
  SX_EW_DIRECT_BYTES = 1 << 14, /* of the widest operand, where one instruction takes tensors and gives one */
};

/* An operand's way into a register or out of it. Everything but DIRECT goes through the operand's own register. */
typedef enum sx_ew_kind {
  SX_EW_DIRECT,   /* instructions use the tensor's memory; tails and misaligned tensors are copied */
  SX_EW_DENSE,    /* contiguous per tile, converted */
  SX_EW_SCALAR,   /* one value for the whole space, loaded once per run */
  SX_EW_ROW,      /* one value per tile */
  SX_EW_PERIODIC, /* the same tile every time, loaded once per run */
  SX_EW_GENERAL   /* gathered or scattered run by run */
} sx_ew_kind;
typedef struct sx_ew_operand {
  uint8_t type, cls, kind, mode;
  uint8_t width; /* bytes of a class element */
  uint8_t bits;  /* of a storage element */
  bool linear;   /* element i of the space is element i of the tensor */
  bool native;   /* storage and class are the same, or instructions take the storage type */
  uint16_t reg;  /* of an output: where the value lies */
  uint32_t work; /* offset in scratch of the operand's own register */
  int64_t stride[SX_EW_RANK];
} sx_ew_operand;
typedef struct sx_ew_step {
  sx_ew_fn fn;
  uint16_t d, a, b, c;
  sx_ew_params q;
} sx_ew_step;

/* Registers 0..operands-1 belong to the operands, register n_regs is the table of registers itself. Steps [0, n_once) work
 * on values that are one for the whole space, up to n_tile on those that are one per tile. Scratch: the table of register
 * pointers, the registers, a raw tile for gathering. */
struct sx_ew_code {
  const sx_ew_table *table;
  uint32_t n_in, n_out, n_regs, n_once, n_tile, n_steps;
  uint32_t rank, lanes;
  sx_isa isa;
  sx_ew_class bytes; /* U8, I8: computes 8-bit integers as they are; CLASSES: in i32 */
  bool whole_cast; /* a cast from memory to memory: operands are native whatever their type */
  bool split_rows; /* a tile is a part of one row of the last dimension */
  int64_t dim[SX_EW_RANK];
  int64_t total, row, tile, per_row; /* tile t: row t / per_row, from (t % per_row) * tile on, at most `tile` elements */
  int64_t tiles, group; /* a unit is `group` tiles, so that no two write to one byte of a packed type */
  size_t scratch, staging;
  double unit_ns;
  uint32_t operands_at, steps_at, offsets_at; /* byte offsets from the struct */
};
static inline const sx_ew_operand *sx_ew_operands(const sx_ew_code *c) {
  return (const sx_ew_operand *)((const char *)c + c->operands_at);
}
static inline const sx_ew_step *sx_ew_steps(const sx_ew_code *c) {
  return (const sx_ew_step *)((const char *)c + c->steps_at);
}
static inline const uint32_t *sx_ew_offsets(const sx_ew_code *c) {
  return (const uint32_t *)((const char *)c + c->offsets_at);
}

/* The instruction function of CAST: any class to any storage type and back into its class. */
void sx_ew_cast_step(void *d, const void *a, const void *b, const void *c, const void *params, int64_t n);
/* The instruction that takes one storage type to another as it lies in memory, or NULL. Its parameters: isa, to, and the type
 * that it comes from in imm[0].i. */
sx_ew_fn sx_ew_cast_pair(sx_isa isa, sx_dtype from, sx_dtype to);
#endif
