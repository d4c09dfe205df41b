// SPDX-License-Identifier: MIT
/* The transforms of one ISA level: rows side by side in vectors of f32 and f64, and single rows. */
#include "ep/cpu/kernels/signal/fft_tables.h"
#include "ep/cpu/vec.h"

#define VD (SX_VBYTES / 8)

#define WIDE_LANES SX_VL
#define WIDE(name) name##_vf
#define V vf
#define S float
#define N(name) name##_vf
#define LANES SX_VL
#define LOAD(p) vf_load(p)
#define STORE(p, v) vf_store(p, v)
#include "ep/cpu/kernels/signal/fft_run.inc"
#define V float
#define S float
#define N(name) name##_f
#define LANES 1
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
#include "ep/cpu/kernels/signal/fft_run.inc"
#undef WIDE_LANES
#undef WIDE

#define WIDE_LANES VD
#define WIDE(name) name##_vd
#define V vd
#define S double
#define N(name) name##_vd
#define LANES VD
#define LOAD(p) vd_load(p)
#define STORE(p, v) vd_store(p, v)
#include "ep/cpu/kernels/signal/fft_run.inc"
#define V double
#define S double
#define N(name) name##_d
#define LANES 1
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
#include "ep/cpu/kernels/signal/fft_run.inc"

const sx_fft_table SX_ISA_NAME(sx_fft) = {SX_VL, VD, run_f, run_vf, run_d, run_vd};
