// SPDX-License-Identifier: MIT
/* The elementwise machine: a program of tile instructions over broadcast operands.
 *
 * A program is plain data in single-assignment form: values 0..n_in-1 are the inputs, value n_in+i is what instruction i
 * makes. sx_ew_compile() binds it to a shape and an ISA level: merged dimensions, operand kinds, register tiles, function
 * pointers. sx_ew_run() then does any range of units; a unit is a tile (for a packed type perhaps a few), decided by program, shape
 * and ISA alone. Values are computed in six classes; every other storage type converts on load and on store (convert.h), with
 * the rules of ONNX Cast. Nothing here allocates, and bits do not depend on how units are split over threads.
 *
 * Integers wrap; x / 0 and x mod 0 are 0; a shift by the width or more is 0 (arithmetic right shift of a negative: -1).
 * A narrow integer (i8, u8, i16, u16, i4, ..., u32) computes in the wider class and wraps when stored: inside a longer program
 * its result passes sx_ew_cast() to its own type before anything but an output reads it. A program of one instruction on 8-bit
 * integers is compiled to compute them as they are, with the same results. */
#ifndef SX_EP_CPU_ELEMENTWISE_H
#define SX_EP_CPU_ELEMENTWISE_H
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/status.h"
#include "ir/dtype.h"

/* What a register holds: f32 for every float type up to 32 bits; i32 for signed and unsigned integers below 32 bits and i32;
 * i64 for u32 and i64; b8 is a byte, zero or not. U8 and I8 are the compiler's own: no program says them. */
typedef enum sx_ew_class { SX_EW_F32, SX_EW_F64, SX_EW_I32, SX_EW_I64, SX_EW_U64, SX_EW_B8, SX_EW_U8, SX_EW_I8, SX_EW_CLASSES } sx_ew_class;
/* The class that computes a storage type; SX_EW_CLASSES for string and complex, which have none. */
sx_ew_class sx_ew_class_of(sx_dtype t);
uint32_t sx_ew_class_bytes(sx_ew_class c);

/* X(name, sources, result: S the class of the sources, B bool). p0, p1: the instruction's immediates.
 * Swish: x * sigmoid(p0 x). Shrink: p0 lambd, p1 bias. HardSigmoid: p0 alpha, p1 beta. Selu: p0 alpha, p1 gamma. Elu, Celu,
 * LeakyRelu, ThresholdedRelu: p0 alpha. IsInf: p0 detect negative, p1 detect positive. Round: half to even. Sign(NaN) = NaN.
 * Mod has the sign of the divisor, FMod that of the dividend. Min and Max give NaN when either is. Clip(x, lo, hi) =
 * min(max(x, lo), hi), NaN only from x. PRelu(x, slope). Where(cond b8, x, y). MulAdd = a b + c, rounded once where the
 * level has FMA. Affine = p0 x + p1. */
#define SX_EW_OPS(X)                                                                                                     \
  X(Abs, 1, S) X(Acos, 1, S) X(Acosh, 1, S) X(Affine, 1, S) X(Asin, 1, S) X(Asinh, 1, S) X(Atan, 1, S) X(Atanh, 1, S)    \
  X(BitwiseNot, 1, S) X(Ceil, 1, S) X(Celu, 1, S) X(Cos, 1, S) X(Cosh, 1, S) X(Elu, 1, S) X(Erf, 1, S) X(Exp, 1, S)      \
  X(Expm1, 1, S) X(Floor, 1, S) X(Gelu, 1, S) X(GeluTanh, 1, S) X(HardSigmoid, 1, S) X(HardSwish, 1, S) X(IsInf, 1, B)   \
  X(IsNaN, 1, B) X(LeakyRelu, 1, S) X(Log, 1, S) X(Log1p, 1, S) X(Mish, 1, S) X(Neg, 1, S) X(Not, 1, B)                  \
  X(Reciprocal, 1, S) X(Relu, 1, S) X(Round, 1, S) X(Rsqrt, 1, S) X(Selu, 1, S) X(Shrink, 1, S) X(Sigmoid, 1, S)         \
  X(Sign, 1, S) X(Silu, 1, S) X(Sin, 1, S) X(Sinh, 1, S) X(Softplus, 1, S) X(Softsign, 1, S) X(Sqrt, 1, S)               \
  X(Square, 1, S) X(Swish, 1, S) X(Tan, 1, S) X(Tanh, 1, S) X(ThresholdedRelu, 1, S) X(Trunc, 1, S)                      \
  X(Add, 2, S) X(Sub, 2, S) X(Mul, 2, S) X(Div, 2, S) X(Mod, 2, S) X(FMod, 2, S) X(Pow, 2, S) X(Min, 2, S) X(Max, 2, S)  \
  X(PRelu, 2, S) X(Atan2, 2, S) X(And, 2, B) X(Or, 2, B) X(Xor, 2, B) X(BitwiseAnd, 2, S) X(BitwiseOr, 2, S)             \
  X(BitwiseXor, 2, S) X(ShiftLeft, 2, S) X(ShiftRight, 2, S) X(Equal, 2, B) X(NotEqual, 2, B) X(Less, 2, B)              \
  X(LessOrEqual, 2, B) X(Greater, 2, B) X(GreaterOrEqual, 2, B) X(Where, 3, S) X(Clip, 3, S) X(MulAdd, 3, S)
typedef enum sx_ew_op {
  SX_EW_CONST, /* no source; imm, of class cls */
  SX_EW_CAST,  /* src[0] of class cls to storage type `to` and back into its class: ONNX Cast */
#define X(name, sources, result) SX_EW_##name,
  SX_EW_OPS(X)
#undef X
  SX_EW_OP_COUNT
} sx_ew_op;
const char *sx_ew_op_name(sx_ew_op op);

#define SX_EW_NONE 0xffffu /* no value; also what a builder call gives when it is out of memory */
typedef union sx_ew_imm { double f; int64_t i; uint64_t u; } sx_ew_imm; /* f: classes F32 and F64; i: I32, I64, B8; u: U64 */
typedef struct sx_ew_ins {
  uint8_t op;      /* sx_ew_op */
  uint8_t cls;     /* of the sources (of Where: of x and y) */
  uint8_t to;      /* CAST: an sx_dtype */
  uint8_t mode;    /* CAST: sx_cast_mode bits of convert.h */
  uint16_t src[3]; /* value ids below the own one */
  sx_ew_imm imm[2];
} sx_ew_ins;
typedef struct sx_ew_output { uint16_t value; uint8_t type, mode; } sx_ew_output; /* mode: as in CAST */

/* Zero-initialised is empty. Arrays live in the arena that the builder calls were given. */
typedef struct sx_ew_program {
  uint8_t *in;       /* sx_dtype of each input */
  sx_ew_ins *ins;
  sx_ew_output *out;
  uint16_t n_in, n_ins, n_out, cap_in, cap_ins, cap_out;
  bool failed;       /* out of memory, or too long: sticky, sx_ew_compile() reports it */
} sx_ew_program;

/* The builder. All inputs first. Each gives a value id. */
uint16_t sx_ew_input(sx_ew_program *p, sx_arena *a, sx_dtype type);
uint16_t sx_ew_op1(sx_ew_program *p, sx_arena *a, sx_ew_op op, uint16_t x, double p0, double p1);
uint16_t sx_ew_op2(sx_ew_program *p, sx_arena *a, sx_ew_op op, uint16_t x, uint16_t y);
uint16_t sx_ew_op3(sx_ew_program *p, sx_arena *a, sx_ew_op op, uint16_t x, uint16_t y, uint16_t z);
uint16_t sx_ew_const(sx_ew_program *p, sx_arena *a, sx_ew_class cls, sx_ew_imm value);
uint16_t sx_ew_constf(sx_ew_program *p, sx_arena *a, sx_ew_class cls, double value); /* converts to any class */
uint16_t sx_ew_cast(sx_ew_program *p, sx_arena *a, uint16_t x, sx_dtype to, uint32_t mode);
void sx_ew_store(sx_ew_program *p, sx_arena *a, uint16_t x, sx_dtype type, uint32_t mode);
sx_ew_class sx_ew_value_class(const sx_ew_program *p, uint16_t value);
/* Whether the machine has (op, class); CONST and CAST have all. */
bool sx_ew_supported(sx_ew_op op, sx_ew_class cls);

/* The iteration space: dimensions, and strides in elements of every operand (inputs, then outputs). */
#define SX_EW_RANK 8
#define SX_EW_OPERANDS 64
typedef struct sx_ew_space {
  uint32_t rank, operands;
  int64_t dim[SX_EW_RANK];
  int64_t stride[SX_EW_OPERANDS][SX_EW_RANK];
} sx_ew_space;
typedef struct sx_ew_shape { const int64_t *dim; const int64_t *stride; uint32_t rank; } sx_ew_shape; /* stride NULL: dense */
/* Broadcasts `operands` (inputs first, n_in of them) to the shape `rank, dim` as NumPy does, and merges dimensions. Fails
 * when one does not broadcast, an output has another shape, or more than SX_EW_RANK dimensions are left. */
sx_status sx_ew_space_init(sx_ew_space *s, uint32_t rank, const int64_t *dim, uint32_t n_in, uint32_t n_out,
                           const sx_ew_shape *operands, sx_err *e);

/* The compiled form: one block of memory without pointers into the program or the space, movable as bytes. */
typedef struct sx_ew_code sx_ew_code;
size_t sx_ew_code_bytes(const sx_ew_program *p);
/* mem: sx_ew_code_bytes(p) bytes, 16-aligned. */
sx_status sx_ew_compile(const sx_ew_program *p, const sx_ew_space *s, sx_isa isa, void *mem, sx_ew_code **out, sx_err *e);
int64_t sx_ew_units(const sx_ew_code *c);       /* 0 when the space is empty */
size_t sx_ew_scratch_bytes(const sx_ew_code *c); /* per worker, 64-aligned */
double sx_ew_unit_ns(const sx_ew_code *c);      /* rough cost of one unit */
/* in[i], out[i]: first element of each operand (any alignment). An output may be the very buffer of a dense input of the
 * same type and shape; any other overlap is not allowed. */
void sx_ew_run(const sx_ew_code *c, const void *const *in, void *const *out, int64_t begin, int64_t end, void *scratch);

/* One activation applied in place to rows of f32, for the epilogues of GEMM and convolution. */
typedef struct sx_act {
  void (*tile)(void *, const void *, const void *, const void *, const void *, int64_t);
  uint64_t params[6];
  sx_ew_op op;
} sx_act;
typedef void (*sx_act_row)(void *act, void *row, int64_t n); /* any n; as sx_epilogue.tile_fn */
/* Fills *a and gives the function to call with it; NULL when `op` is no unary f32 instruction with an f32 result. */
sx_act_row sx_act_fn(sx_act *a, sx_isa isa, sx_ew_op op, float p0, float p1);
#endif
