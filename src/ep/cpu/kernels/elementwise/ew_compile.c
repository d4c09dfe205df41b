// SPDX-License-Identifier: MIT
/* From program and space to the compiled form: operand kinds, levels, registers, chains.
 *
 * A value's level says how often it changes: once for the whole space, once per tile, or per element. Steps are sorted by
 * level, so scalars of a broadcast cost one vector per run or tile, and the others read them as single values. */
#include <string.h>
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/elementwise/ew_machine.h"

enum { ONCE, PER_TILE, PER_ELEMENT };

/* Per value of the program, while compiling. */
typedef struct value_info {
  uint16_t reg, last_use;
  uint8_t level;
} value_info;

typedef struct layout {
  size_t operands, steps, offsets, links, values, free_regs, bytes;
} layout;
static layout layout_of(const sx_ew_program *p) {
  layout l;
  size_t operands = (size_t)p->n_in + p->n_out, steps = (size_t)p->n_ins + p->n_out;
  l.operands = sx_round_up(sizeof(sx_ew_code), 16);
  l.steps = l.operands + sx_round_up(operands * sizeof(sx_ew_operand), 16);
  l.offsets = l.steps + sx_round_up(steps * sizeof(sx_ew_step), 16);
  l.links = l.offsets + sx_round_up((operands + steps) * sizeof(uint32_t), 16);
  l.values = l.links + sx_round_up(((size_t)p->n_ins + p->n_ins / 2) * sizeof(sx_ew_link), 16);
  l.free_regs = l.values + sx_round_up(((size_t)p->n_in + p->n_ins) * sizeof(value_info), 16);
  l.bytes = l.free_regs + sx_round_up(steps * sizeof(uint16_t), 16);
  return l;
}
size_t sx_ew_code_bytes(const sx_ew_program *p) { return layout_of(p).bytes; }

static sx_status check(const sx_ew_program *p, const sx_ew_space *s, const sx_ew_table *t, sx_err *e) {
  if (p->failed) SX_FAIL(e, NO_MEMORY, "out of memory, or an elementwise program of more than 32767 instructions");
  if (s->operands != (uint32_t)p->n_in + p->n_out)
    SX_FAIL(e, FAIL, "an elementwise program of %u operands over a space of %u", p->n_in + p->n_out, s->operands);
  for (uint32_t i = 0; i < p->n_in; i++)
    if (sx_ew_class_of((sx_dtype)p->in[i]) == SX_EW_CLASSES)
      SX_FAIL(e, NOT_IMPLEMENTED, "no elementwise arithmetic on %s", sx_dtype_name((sx_dtype)p->in[i]));
  for (uint32_t i = 0; i < p->n_ins; i++) {
    const sx_ew_ins *ins = &p->ins[i];
    if (ins->op >= SX_EW_OP_COUNT || ins->cls >= SX_EW_CLASSES)
      SX_FAIL(e, NOT_IMPLEMENTED, "elementwise instruction %u has no type", i);
    uint32_t id = p->n_in + i;
    for (uint32_t k = 0; k < sx_ew_op_sources((sx_ew_op)ins->op); k++) {
      if (ins->src[k] >= id)
        SX_FAIL(e, FAIL, "elementwise instruction %u (%s) has no source %u", i, sx_ew_op_name(ins->op), k);
      sx_ew_class want = ins->op == SX_EW_Where && k == 0 ? SX_EW_B8 : (sx_ew_class)ins->cls;
      if (sx_ew_value_class(p, ins->src[k]) != want)
        SX_FAIL(e, FAIL, "elementwise instruction %u (%s): source %u is of another class", i, sx_ew_op_name(ins->op), k);
    }
    if (ins->op == SX_EW_CAST ? sx_ew_class_of((sx_dtype)ins->to) == SX_EW_CLASSES
                              : ins->op != SX_EW_CONST && !sx_ew_find(t, (sx_ew_op)ins->op, (sx_ew_class)ins->cls))
      SX_FAIL(e, NOT_IMPLEMENTED, "no elementwise %s on %s", sx_ew_op_name((sx_ew_op)ins->op),
              sx_dtype_name(sx_ew_class_type((sx_ew_class)ins->cls)));
  }
  for (uint32_t i = 0; i < p->n_out; i++)
    if (p->out[i].value >= p->n_in + p->n_ins ||
        sx_ew_class_of((sx_dtype)p->out[i].type) != sx_ew_value_class(p, p->out[i].value))
      SX_FAIL(e, FAIL, "elementwise output %u is of another class than its type", i);
  return SX_OK;
}

static void const_step(void *d, const void *a, const void *b, const void *c, const void *params, int64_t n) {
  const sx_ew_params *q = params;
  for (int64_t i = 0; i < n; i++) switch (q->cls) {
      case SX_EW_F32: ((float *)d)[i] = q->f[0]; break;
      case SX_EW_I32: ((int32_t *)d)[i] = (int32_t)q->imm[0].i; break;
      case SX_EW_B8: ((uint8_t *)d)[i] = q->imm[0].i != 0; break;
      default: ((uint64_t *)d)[i] = q->imm[0].u; /* f64, i64, u64: eight bytes as they are */
    }
}

static bool is_scalar(const sx_ew_space *s, uint32_t k) {
  for (uint32_t i = 0; i < s->rank; i++)
    if (s->stride[k][i]) return false;
  return true;
}
static bool is_linear(const sx_ew_space *s, uint32_t k) {
  int64_t step = 1;
  for (uint32_t i = s->rank; i-- > 0; step *= s->dim[i])
    if (s->stride[k][i] != step) return false;
  return true;
}
/* Only the last dimension moves it. */
static bool is_periodic(const sx_ew_space *s, uint32_t k) {
  for (uint32_t i = 0; i + 1 < s->rank; i++)
    if (s->stride[k][i]) return false;
  return true;
}

/* One instruction on 8-bit integers of one type, which gives that type or bool: what it computes in i32 and cuts off when it
 * is stored, it can compute in 8 bits. */
static sx_ew_class byte_class(const sx_ew_program *p, const sx_ew_table *t) {
  const sx_ew_ins *ins = p->ins;
  sx_dtype type = SX_UNDEFINED;
  if (p->n_ins != 1 || p->n_out != 1 || ins->cls != SX_EW_I32 || ins->op == SX_EW_CAST) return SX_EW_CLASSES;
  for (uint32_t i = 0; i < p->n_in; i++) {
    if (p->in[i] == SX_BOOL) continue;
    if (type && type != p->in[i]) return SX_EW_CLASSES;
    type = (sx_dtype)p->in[i];
  }
  const sx_ew_class cls = type == SX_U8 ? SX_EW_U8 : type == SX_I8 ? SX_EW_I8 : SX_EW_CLASSES;
  const bool has = cls < SX_EW_CLASSES && sx_ew_find(t, (sx_ew_op)ins->op, cls);
  return has && (p->out->type == type || p->out->type == SX_BOOL) ? cls : SX_EW_CLASSES;
}

/* A cast of a tensor and nothing else, where the types are a pair that has an instruction. */
static sx_ew_fn whole_cast(const sx_ew_program *p, const sx_ew_space *s, sx_isa isa) {
  if (p->n_in != 1 || p->n_out != 1 || p->n_ins > 1 || p->out->value != p->n_ins || !is_linear(s, 0) || !is_linear(s, 1)) return NULL;
  if (p->n_ins && (p->ins->op != SX_EW_CAST || p->ins->to != p->out->type)) return NULL;
  return p->in[0] == p->out->type ? NULL : sx_ew_cast_pair(isa, (sx_dtype)p->in[0], (sx_dtype)p->out->type);
}

static void classify(sx_ew_code *c, const sx_ew_program *p, const sx_ew_space *s, sx_ew_operand *ops) {
  bool simple = true;
  for (uint32_t k = 0; k < s->operands; k++) {
    sx_ew_operand *o = &ops[k];
    bool in = k < p->n_in;
    o->type = in ? p->in[k] : p->out[k - p->n_in].type;
    o->mode = in ? 0 : p->out[k - p->n_in].mode;
    o->cls = (uint8_t)sx_ew_class_of((sx_dtype)o->type);
    if (c->bytes < SX_EW_CLASSES && o->cls == SX_EW_I32) o->cls = (uint8_t)c->bytes;
    o->width = (uint8_t)sx_ew_class_bytes((sx_ew_class)o->cls);
    o->bits = (uint8_t)sx_dtype_bits((sx_dtype)o->type);
    o->native = o->type == sx_ew_class_type((sx_ew_class)o->cls);
    if (c->whole_cast) o->native = true, o->width = o->bits / 8;
    o->linear = is_linear(s, k);
    o->reg = (uint16_t)k;
    memcpy(o->stride, s->stride[k], sizeof o->stride);
    if (!o->linear && !is_scalar(s, k)) simple = false;
  }
  int64_t last = s->rank ? s->dim[s->rank - 1] : 1;
  c->split_rows = !simple && last >= 256;
  for (uint32_t k = 0; k < s->operands; k++) {
    sx_ew_operand *o = &ops[k];
    int64_t inner = s->rank ? o->stride[s->rank - 1] : 1;
    o->kind = o->native ? SX_EW_DIRECT : SX_EW_DENSE;
    if (o->linear) continue;
    if (is_scalar(s, k))
      o->kind = SX_EW_SCALAR;
    else if (!c->split_rows)
      o->kind = is_periodic(s, k) && k < p->n_in ? SX_EW_PERIODIC : SX_EW_GENERAL;
    else if (inner == 0)
      o->kind = SX_EW_ROW;
    else if (inner != 1 || o->bits < 8)
      o->kind = SX_EW_GENERAL;
  }
}

/* Levels of all values, and the number of steps at each; outputs that change less often than the space need a splat. */
static void find_levels(sx_ew_code *c, const sx_ew_program *p, const sx_ew_operand *ops, value_info *v, uint32_t count[3]) {
  for (uint32_t i = 0; i < p->n_in; i++)
    v[i].level = ops[i].kind == SX_EW_SCALAR ? ONCE : ops[i].kind == SX_EW_ROW ? PER_TILE : PER_ELEMENT;
  for (uint32_t i = 0; i < p->n_ins; i++) {
    uint8_t level = ONCE;
    for (uint32_t k = 0; k < sx_ew_op_sources((sx_ew_op)p->ins[i].op); k++)
      if (v[p->ins[i].src[k]].level > level) level = v[p->ins[i].src[k]].level;
    v[p->n_in + i].level = level;
    count[level]++;
  }
  for (uint32_t i = 0; i < p->n_out; i++) count[PER_ELEMENT] += v[p->out[i].value].level < PER_ELEMENT;
  c->n_once = count[ONCE];
  c->n_tile = c->n_once + count[PER_TILE];
  c->n_steps = c->n_tile + count[PER_ELEMENT];
}

/* Which outputs are written by their instruction: native, dense, not yet taken, and nothing later reads an input straight
 * from memory that the output may share. */
static void choose_direct(const sx_ew_program *p, sx_ew_operand *ops, value_info *v) {
  uint32_t last_read = 0; /* instruction index + 1 */
  for (uint32_t i = 0; i < p->n_ins; i++) {
    v[p->n_in + i].reg = SX_EW_NONE;
    for (uint32_t k = 0; k < sx_ew_op_sources((sx_ew_op)p->ins[i].op); k++) {
      uint16_t x = p->ins[i].src[k];
      if (x < p->n_in && ops[x].kind == SX_EW_DIRECT) last_read = i + 1;
    }
  }
  for (uint32_t i = 0; i < p->n_out; i++)
    if (p->out[i].value < p->n_in) last_read = UINT32_MAX;
  for (uint32_t i = 0; i < p->n_out; i++) {
    uint16_t x = p->out[i].value, own = (uint16_t)(p->n_in + i);
    if (ops[own].kind != SX_EW_DIRECT) continue;
    bool splat = v[x].level < PER_ELEMENT;
    if (splat ? last_read == UINT32_MAX : v[x].reg != SX_EW_NONE || x - p->n_in + 1u < last_read)
      ops[own].kind = SX_EW_DENSE;
    else if (!splat)
      v[x].reg = own;
  }
}

static double step_ns(const sx_ew_ins *ins) { /* per element, roughly */
  switch (ins->op) {
    case SX_EW_Acosh:
    case SX_EW_Asinh:
    case SX_EW_Atanh:
    case SX_EW_Tan:
    case SX_EW_Sinh:
    case SX_EW_Cosh:
    case SX_EW_Mod:
    case SX_EW_FMod:
    case SX_EW_Atan2: return 10;
    case SX_EW_Acos:
    case SX_EW_Asin:
    case SX_EW_Atan:
    case SX_EW_Exp:
    case SX_EW_Log:
    case SX_EW_Tanh:
    case SX_EW_Sigmoid:
    case SX_EW_Erf:
    case SX_EW_Gelu:
    case SX_EW_GeluTanh:
    case SX_EW_Silu:
    case SX_EW_Swish:
    case SX_EW_Softplus:
    case SX_EW_Mish:
    case SX_EW_Sin:
    case SX_EW_Cos:
    case SX_EW_Elu:
    case SX_EW_Selu:
    case SX_EW_Celu:
    case SX_EW_Expm1:
    case SX_EW_Log1p: return ins->cls == SX_EW_F32 ? 0.35 : 12;
    case SX_EW_Pow: return ins->cls == SX_EW_F32 ? 1 : 20;
    case SX_EW_Div: return ins->cls == SX_EW_F32 ? 0.1 : 1;
    case SX_EW_CAST: return 0.5;
    default: return ins->cls == SX_EW_F32 || ins->cls == SX_EW_B8 ? 0.04 : 0.3;
  }
}

static sx_ew_step step_of(const sx_ew_code *c, const sx_ew_ins *ins) {
  const sx_ew_class cls = c->bytes < SX_EW_CLASSES ? c->bytes : (sx_ew_class)ins->cls;
  sx_ew_step st = {.fn = ins->op == SX_EW_CONST  ? const_step
                         : ins->op == SX_EW_CAST ? sx_ew_cast_step
                                                 : sx_ew_find(c->table, (sx_ew_op)ins->op, cls)};
  st.q = (sx_ew_params){
      .imm = {ins->imm[0], ins->imm[1]}, .cls = (uint8_t)cls, .to = ins->to, .mode = ins->mode, .isa = (uint32_t)c->isa};
  if (ins->cls == SX_EW_F32) st.q.f[0] = (float)ins->imm[0].f, st.q.f[1] = (float)ins->imm[1].f;
  return st;
}

/* Steps with their registers: [first, first + n_tile) hold one vector each, those above are tiles, shared by lifetime. */
typedef struct emitter {
  uint32_t first, n_regs, n_free;
  uint16_t *free_regs;
} emitter;
static void emit_step(sx_ew_code *c, const sx_ew_program *p, uint32_t i, value_info *v, emitter *em, sx_ew_step *st) {
  const sx_ew_ins *ins = &p->ins[i];
  value_info *d = &v[p->n_in + i];
  const uint32_t width = sx_ew_class_bytes(sx_ew_value_class(p, (uint16_t)(p->n_in + i))), free_before = em->n_free;
  *st = step_of(c, ins);
  uint16_t *reg = &st->a;
  for (uint32_t k = 0; k < sx_ew_op_sources((sx_ew_op)ins->op); k++) {
    const uint16_t x = ins->src[k];
    reg[k] = v[x].reg;
    if (d->level < PER_ELEMENT) continue;
    if (v[x].level < PER_ELEMENT) st->q.uni |= (uint8_t)(1 << k);
    bool dies = v[x].last_use == i && v[x].reg >= em->first + c->n_tile;
    for (uint32_t j = 0; j < k; j++) dies &= ins->src[j] != x;
    if (!dies) continue;
    /* a source of the same width may be overwritten in place, another is free for the next step */
    if (d->reg == SX_EW_NONE && sx_ew_class_bytes(sx_ew_value_class(p, x)) == width)
      d->reg = v[x].reg;
    else
      em->free_regs[em->n_free++] = v[x].reg;
  }
  if (d->reg == SX_EW_NONE && free_before) {
    d->reg = em->free_regs[free_before - 1];
    em->free_regs[free_before - 1] = em->free_regs[--em->n_free];
  } else if (d->reg == SX_EW_NONE) {
    d->reg = (uint16_t)em->n_regs++;
  }
  st->d = d->reg;
}
static void emit(sx_ew_code *c, const sx_ew_program *p, sx_ew_operand *ops, value_info *v, uint16_t *free_regs,
                 sx_ew_step *steps) {
  uint32_t at[3] = {0, c->n_once, c->n_tile};
  emitter em = {.first = (uint32_t)p->n_in + p->n_out, .free_regs = free_regs};
  em.n_regs = em.first + c->n_tile;
  for (uint32_t i = 0; i < p->n_in; i++) v[i].reg = (uint16_t)i;
  for (uint32_t i = 0; i < p->n_ins; i++)
    for (uint32_t k = 0; k < sx_ew_op_sources((sx_ew_op)p->ins[i].op); k++) v[p->ins[i].src[k]].last_use = (uint16_t)i;
  for (uint32_t i = 0; i < p->n_out; i++) v[p->out[i].value].last_use = SX_EW_NONE;
  for (uint32_t i = 0; i < p->n_ins; i++) {
    value_info *d = &v[p->n_in + i];
    uint32_t slot = at[d->level]++;
    if (d->level < PER_ELEMENT)
      d->reg = (uint16_t)(em.first + slot);
    else
      c->unit_ns += step_ns(&p->ins[i]);
    emit_step(c, p, i, v, &em, &steps[slot]);
  }
  for (uint32_t i = 0; i < p->n_out; i++) {
    sx_ew_operand *o = &ops[p->n_in + i];
    const value_info *x = &v[p->out[i].value];
    if (x->level < PER_ELEMENT)
      steps[at[PER_ELEMENT]++] = (sx_ew_step){.fn = c->table->splat[o->cls], .a = x->reg, .d = o->reg};
    else if (o->kind != SX_EW_DIRECT)
      o->reg = x->reg;
  }
  c->n_regs = em.n_regs;
}

/* How step `st` of instruction `ins` is a link when `flow` (0: any tile) is the register that flows through it. */
static sx_ew_form form_of(const sx_ew_ins *ins, const sx_ew_step *st, uint32_t flow_source) {
  const uint32_t sources = sx_ew_op_sources((sx_ew_op)ins->op), uni = st->q.uni;
  if (sources == 1) return SX_EW_V;
  if (sources == 2) return flow_source == 0 ? (uni & 2 ? SX_EW_VK : SX_EW_VT) : (uni & 1 ? SX_EW_KV : SX_EW_TV);
  return flow_source == 0 && uni == 6 ? SX_EW_VKK : SX_EW_FORMS;
}
/* The source of the step that may flow: register `flow`, or for a chain's first step the first tile. */
static uint32_t flow_source(const sx_ew_ins *ins, const sx_ew_step *st, uint32_t flow) {
  const uint16_t *reg = &st->a;
  for (uint32_t k = 0; k < sx_ew_op_sources((sx_ew_op)ins->op); k++)
    if (!(st->q.uni >> k & 1) && (flow == SX_EW_NONE || reg[k] == flow)) return k;
  return 0;
}
static bool make_link(const sx_ew_code *c, const sx_ew_ins *ins, const sx_ew_step *st, uint32_t flow, sx_ew_link *l) {
  if (ins->cls != SX_EW_F32 || ins->op == SX_EW_CAST || ins->op == SX_EW_CONST) return false;
  const uint32_t source = flow_source(ins, st, flow);
  const sx_ew_form form = form_of(ins, st, source);
  if (form == SX_EW_FORMS || !c->table->link[ins->op][form].group) return false;
  const uint16_t others[3][2] = {{st->b, st->c}, {st->a, st->c}, {st->a, st->b}};
  *l = (sx_ew_link){.group = c->table->link[ins->op][form].group,
                    .one = c->table->link[ins->op][form].one,
                    .f = {st->q.f[0], st->q.f[1]},
                    .reg = {others[source][0], others[source][1]}};
  return true;
}
/* Joins runs of per-element steps, each of which is the only reader of the one before, into chains. Registers may be shared
 * along a chain: every column is read before it is written. */
static void link_steps(sx_ew_code *c, const sx_ew_program *p, const value_info *v, sx_ew_step *steps, sx_ew_link *links) {
  if (!c->table->chain) return;
  const uint32_t pool = c->n_in + c->n_out + c->n_tile;
  uint32_t out = c->n_tile, at = c->n_tile;
  for (uint32_t i = 0; i < p->n_ins;) {
    if (v[p->n_in + i].level < PER_ELEMENT) {
      i++;
      continue;
    }
    sx_ew_link *l = links;
    const sx_ew_step head = steps[at];
    const uint16_t in = (&head.a)[flow_source(&p->ins[i], &head, SX_EW_NONE)];
    uint32_t last = i, n = 0, next = i;
    bool heavies = false;
    while (next < p->n_ins) {
      if (v[p->n_in + next].level < PER_ELEMENT) {
        next++;
        continue;
      }
      const sx_ew_step *st = &steps[at + n];
      if (n) { /* its predecessor's value must die here, read once */
        const value_info *d = &v[p->n_in + last];
        uint32_t reads = 0;
        for (uint32_t k = 0; k < 3; k++) reads += p->ins[next].src[k] == p->n_in + last;
        if (d->last_use != next || reads != 1 || d->reg < pool) break;
      }
      const bool heavy = step_ns(&p->ins[next]) > 0.3;
      if ((heavy && heavies) || !make_link(c, &p->ins[next], st, n ? steps[at + n - 1].d : SX_EW_NONE, l)) break;
      heavies |= heavy;
      l++, n++;
      last = next++;
    }
    if (n < 2) {
      steps[out++] = steps[at++];
      i = last + 1;
      continue;
    }
    *l = (sx_ew_link){.group = c->table->store.group, .one = c->table->store.one, .reg = {steps[at + n - 1].d}};
    sx_ew_step *st = &steps[out++];
    *st = (sx_ew_step){.fn = c->table->chain, .d = steps[at + n - 1].d, .a = in, .b = (uint16_t)c->n_regs};
    st->q.imm[0].i = (const char *)links - (const char *)&st->q;
    links = l + 1;
    at += n;
    i = last + 1;
  }
  while (at < c->n_steps) steps[out++] = steps[at++]; /* splats */
  c->n_steps = out;
}

/* Tile size and where registers lie. Tiles are padded to whole vectors. */
static void place(sx_ew_code *c, const sx_ew_space *s, sx_ew_operand *ops, uint32_t *offsets) {
  const uint32_t operands = c->n_in + c->n_out, vector = c->lanes * 8;
  uint32_t tiles = c->n_regs - operands - c->n_tile, width = 1;
  for (uint32_t k = 0; k < operands; k++) {
    tiles += ops[k].kind != SX_EW_SCALAR && ops[k].kind != SX_EW_ROW;
    width = ops[k].width > width ? ops[k].width : width;
  }
  for (uint32_t i = 0; i < c->n_steps; i++) { /* a class may occur inside only */
    uint32_t w = sx_ew_class_bytes((sx_ew_class)sx_ew_steps(c)[i].q.cls);
    sx_dtype to = (sx_dtype)sx_ew_steps(c)[i].q.to;
    if (to && sx_ew_class_bytes(sx_ew_class_of(to)) > w) w = sx_ew_class_bytes(sx_ew_class_of(to));
    width = w > width ? w : width;
  }
  int64_t tile = SX_EW_TILE, last = s->rank ? s->dim[s->rank - 1] : 1;
  bool direct = c->n_steps == 1;
  for (uint32_t k = 0; k < operands; k++) direct &= ops[k].kind <= SX_EW_ROW && ops[k].kind != SX_EW_DENSE;
  while (direct && (uint64_t)tile * width < SX_EW_DIRECT_BYTES && c->unit_ns * (double)tile < 1000) tile *= 2;
  while (!direct && tile > 256 && (uint64_t)tile * tiles * width > 40960) tile /= 2;
  c->row = c->total;
  bool simple = true;
  for (uint32_t k = 0; k < operands; k++) simple &= ops[k].linear || ops[k].kind == SX_EW_SCALAR;
  if (c->split_rows) {
    c->row = last;
    int64_t parts = (last + tile - 1) / tile;
    tile = (last + parts - 1) / parts;
    tile = (tile + c->lanes - 1) / c->lanes * c->lanes;
  } else if (!simple && last > 0) {
    tile = tile / last * last; /* last < 256 */
  }
  c->tile = tile;
  c->per_row = c->row ? (c->row + tile - 1) / tile : 0;
  c->tiles = c->row ? c->total / c->row * c->per_row : 0;
  c->group = 1;
  for (uint32_t k = c->n_in; k < operands; k++)
    if (ops[k].bits < 8 && (c->split_rows ? last : tile) % (8 / ops[k].bits)) c->group = c->split_rows ? 4 * c->per_row : 4;
  const size_t tile_bytes = sx_round_up(((size_t)tile + c->lanes) * width, 64);
  size_t at = sx_round_up((c->n_regs + 1) * sizeof(void *), 64);
  for (uint32_t r = 0; r < c->n_regs; r++) {
    bool small = r < operands ? ops[r].kind == SX_EW_SCALAR || ops[r].kind == SX_EW_ROW : r < operands + c->n_tile;
    offsets[r] = (uint32_t)at;
    if (r < operands) ops[r].work = (uint32_t)at;
    at += small ? sx_round_up(vector, 64) : tile_bytes;
  }
  c->staging = at;
  c->scratch = at + sx_round_up((size_t)tile * 8, 64);
  c->unit_ns = 5 + c->unit_ns * (double)tile + 2.5 * c->n_steps;
  for (uint32_t k = 0; k < operands; k++)
    c->unit_ns += (double)tile * (ops[k].kind == SX_EW_GENERAL ? 1 : ops[k].native ? 0.03 : 0.2);
  c->unit_ns *= (double)c->group;
}

sx_status sx_ew_compile(const sx_ew_program *p, const sx_ew_space *s, sx_isa isa, void *mem, sx_ew_code **out, sx_err *e) {
  const sx_ew_table *table = sx_ew_table_of(isa);
  SX_TRY(check(p, s, table, e));
  const layout l = layout_of(p);
  memset(mem, 0, l.bytes);
  char *m = mem;
  sx_ew_code *c = mem;
  *c = (sx_ew_code){.table = table,
                    .n_in = p->n_in,
                    .n_out = p->n_out,
                    .rank = s->rank,
                    .lanes = table->lanes,
                    .isa = isa,
                    .bytes = byte_class(p, table),
                    .total = 1,
                    .operands_at = (uint32_t)l.operands,
                    .steps_at = (uint32_t)l.steps,
                    .offsets_at = (uint32_t)l.offsets};
  memcpy(c->dim, s->dim, sizeof c->dim);
  for (uint32_t i = 0; i < s->rank; i++)
    if (!sx_i64_mul(c->total, s->dim[i], &c->total))
      SX_FAIL(e, INVALID_ARGUMENT, "an elementwise result of too many elements");
  sx_ew_operand *ops = (sx_ew_operand *)(m + l.operands);
  value_info *v = (value_info *)(m + l.values);
  sx_ew_step *steps = (sx_ew_step *)(m + l.steps);
  uint32_t count[3] = {0};
  const sx_ew_fn cast = whole_cast(p, s, isa);
  c->whole_cast = cast != NULL;
  classify(c, p, s, ops);
  if (cast) {
    steps[0] = (sx_ew_step){.fn = cast, .a = 0, .d = 1};
    steps[0].q.isa = isa, steps[0].q.to = p->out->type, steps[0].q.imm[0].i = p->in[0];
    c->n_steps = 1, c->n_regs = 2, c->unit_ns = 0.1;
  } else {
    find_levels(c, p, ops, v, count);
    choose_direct(p, ops, v);
    emit(c, p, ops, v, (uint16_t *)(m + l.free_regs), steps);
  }
  place(c, s, ops, (uint32_t *)(m + l.offsets)); /* looks at all steps' classes */
  if (!cast) link_steps(c, p, v, steps, (sx_ew_link *)(m + l.links));
  *out = c;
  return SX_OK;
}
int64_t sx_ew_units(const sx_ew_code *c) { return (c->tiles + c->group - 1) / c->group; }
size_t sx_ew_scratch_bytes(const sx_ew_code *c) { return c->scratch; }
double sx_ew_unit_ns(const sx_ew_code *c) { return c->unit_ns; }
