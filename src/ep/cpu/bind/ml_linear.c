// SPDX-License-Identifier: MIT
/* Linear models and support vector machines: a block of rows is multiplied with all vectors of the model, then every row
 * ends in scores and a label. Where the standard leaves it open, the rules are ONNX Runtime's. */
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/ml/dots.h"
#include "ep/cpu/kernels/ml/scores.h"
#include "ep/ep.h"

typedef struct model model;
struct model {
  sx_dots dots;
  sx_post post;
  void (*finish)(const model *m, const float *d, double *z, int64_t *label, double *tmp); /* d: a row of products */
  int64_t columns;                                                                        /* scores of a row */
  bool scores_only;    /* no label: a regressor, whose output 0 is the scores */
  uint32_t classes;    /* labels, or targets */
  const int64_t *ints; /* both NULL: labels are 0 and 1 */
  const sx_str *strings;
  const float *intercepts, *coefficients, *rho, *prob_a, *prob_b; /* NULL: none */
  const int64_t *per_class;                                       /* support vectors of each class, in order */
  bool positive, one_class;
};

static int64_t best_of(const double *s, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (s[i] > s[best]) best = i;
  return best;
}

/* Linear: one score per class, or one for two classes. */
static void finish_linear(const model *m, const float *d, double *z, int64_t *label, double *tmp) {
  (void)tmp;
  int64_t n = m->dots.vectors;
  for (int64_t k = 0; k < n; k++) z[k] = (double)d[k] + (m->intercepts ? (double)m->intercepts[k] : 0);
  *label = n == 1 ? z[0] > 0 : best_of(z, n);
  if (n == 1 && m->columns == 2)
    sx_scores_pair(z[0], m->post, false, z);
  else
    sx_scores_finish(z, n, m->post);
}

/* The same in a block of n rows of products d, whose scores stay as they are or go through a softmax: straight to z
 * [n][vectors] (NULL: nowhere); label: of each row. */
static void finish_rows(const model *m, float *d, int64_t n, float *z, int64_t *label) {
  const int64_t vectors = m->dots.vectors, padded = m->dots.padded;
  for (int64_t r = 0; r < n; r++, d += padded) {
    float *row = m->post == SX_POST_SOFTMAX ? d : z ? z + r * vectors : d;
    for (int64_t k = 0; k < vectors; k++) row[k] = d[k] + (m->intercepts ? m->intercepts[k] : 0);
    if (m->scores_only && m->post == SX_POST_NONE) continue;
    float top = row[0];
    for (int64_t k = 1; k < vectors; k++)
      if (row[k] > top) top = row[k], label[r] = k;
    if (m->post != SX_POST_SOFTMAX) continue;
    for (int64_t k = 0; k < vectors; k++) d[k] -= top;
    for (int64_t k = vectors; k < padded; k++) d[k] = 0;
  }
  if (m->post != SX_POST_SOFTMAX || !z) return;
  d -= n * padded;
  sx_dots_exp(&m->dots, n, d);
  for (int64_t r = 0; r < n; r++, d += padded) {
    float sum = 0;
    for (int64_t k = 0; k < vectors; k++) sum += d[k];
    for (int64_t k = 0; k < vectors; k++) z[r * vectors + k] = d[k] / sum;
  }
}

/* Probabilities of classes from those of pairs, r[i * n + j] = P(i | i or j): the second method of Wu, Lin and Weng,
 * "Probability estimates for multi-class classification by pairwise coupling", with the limits that libsvm uses. */
static void couple(int64_t n, const double *r, double *q, double *qp, double *p) {
  for (int64_t i = 0; i < n; i++) {
    p[i] = 1.0 / (double)n;
    q[i * n + i] = 0;
    for (int64_t j = 0; j < n; j++) {
      if (j == i) continue;
      q[i * n + i] += r[j * n + i] * r[j * n + i];
      q[i * n + j] = -r[j * n + i] * r[i * n + j];
    }
  }
  for (int round = 0; round < 100; round++) {
    double pqp = 0, worst = 0;
    for (int64_t i = 0; i < n; i++) {
      qp[i] = 0;
      for (int64_t j = 0; j < n; j++) qp[i] += q[i * n + j] * p[j];
      pqp += p[i] * qp[i];
    }
    for (int64_t i = 0; i < n; i++) {
      double error = qp[i] > pqp ? qp[i] - pqp : pqp - qp[i];
      if (error > worst) worst = error;
    }
    if (worst < 0.005 / (double)n) return;
    for (int64_t i = 0; i < n; i++) {
      double step = (pqp - qp[i]) / q[i * n + i];
      p[i] += step;
      pqp = (pqp + step * (step * q[i * n + i] + 2 * qp[i])) / (1 + step) / (1 + step);
      for (int64_t j = 0; j < n; j++) {
        qp[j] = (qp[j] + step * q[i * n + j]) / (1 + step);
        p[j] /= 1 + step;
      }
    }
  }
}
static double clipped_sigmoid(double score, double a, double b) {
  double z[2] = {-(score * a + b), 0};
  sx_scores_finish(z, 2, SX_POST_LOGISTIC);
  return z[0] < 1e-7 ? 1e-7 : z[0] > 1 - 1e-7 ? 1 - 1e-7 : z[0];
}
/* A machine for every pair of classes, whose support vectors vote. coefficients: [classes - 1][vectors]. */
static void finish_svc(const model *m, const float *d, double *z, int64_t *label, double *tmp) {
  const int64_t n = m->classes, vectors = m->dots.vectors;
  double *votes = tmp, *r = votes + n, *pair = m->prob_a ? r + 2 * n * n + n : z;
  for (int64_t i = 0; i < n; i++) votes[i] = 0;
  int64_t at = 0;
  for (int64_t i = 0, from_i = 0; i < n; from_i += m->per_class[i++])
    for (int64_t j = i + 1, from_j = from_i + m->per_class[i]; j < n; from_j += m->per_class[j++], at++) {
      double sum = sx_dots_weigh(&m->dots, m->coefficients + (j - 1) * vectors + from_i, d + from_i, m->per_class[i]);
      sum += sx_dots_weigh(&m->dots, m->coefficients + i * vectors + from_j, d + from_j, m->per_class[j]);
      pair[at] = sum + (double)m->rho[at];
      votes[pair[at] > 0 ? i : j]++;
      if (!m->prob_a) continue;
      r[i * n + j] = clipped_sigmoid(pair[at], (double)m->prob_a[at], (double)m->prob_b[at]);
      r[j * n + i] = 1 - r[i * n + j];
    }
  *label = best_of(votes, n);
  if (m->prob_a) {
    couple(n, r, r + n * n, r + 2 * n * n, z);
    sx_scores_finish(z, n, m->post);
  } else if (n == 2)
    sx_scores_pair(z[0], m->post, m->post == SX_POST_NONE, z);
  else
    sx_scores_finish(z, at, m->post);
}
/* The same without support vectors: a linear score per class. */
static void finish_liblinear(const model *m, const float *d, double *z, int64_t *label, double *tmp) {
  (void)tmp;
  const int64_t n = m->classes;
  for (int64_t k = 0; k < n; k++) z[k] = (double)d[k] + (double)m->rho[0];
  *label = best_of(z, n);
  if (n == 2 && !m->prob_a && z[*label] >= (m->positive ? 0.5 : 0) && z[*label] != 0) *label = 1;
  sx_scores_finish(z, n, m->post);
}
static void finish_svr(const model *m, const float *d, double *z, int64_t *label, double *tmp) {
  (void)tmp, (void)label;
  double sum = (m->coefficients ? sx_dots_weigh(&m->dots, m->coefficients, d, m->dots.vectors) : (double)d[0]) + (double)m->rho[0];
  z[0] = !m->one_class ? sum : sum > 0 ? 1 : -1;
}

typedef struct reals {
  const float *at;
  uint32_t n;
} reals;
static reals reals_of(const sx_build *b, const char *name) {
  reals r = {NULL, 0};
  r.n = sx_attr_floats(b->n, name, &r.at);
  if (!r.n) r.at = NULL;
  return r;
}
static sx_status labels_of(const sx_build *b, model *m) {
  const sx_attr *s = sx_node_attr(b->n, "classlabels_strings");
  uint32_t n = sx_attr_ints(b->n, "classlabels_ints", &m->ints);
  if (s && s->n) m->strings = s->strings, n = s->n;
  if (!n) m->ints = NULL;
  m->classes = n;
  return SX_OK;
}
static sx_status begin(sx_build *b, model **out) {
  model *m = *out = b->state = SX_NEW(b->arena, model);
  if (!m) SX_NO_MEMORY(b->e);
  sx_str post = sx_attr_str(b->n, "post_transform", "NONE");
  if (!sx_post_of(post, &m->post))
    SX_FAIL(b->e, FAIL, "attribute 'post_transform' is '%.*s', expected NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT",
            SX_FMT(post));
  return SX_OK;
}
/* The vectors of the model: n rows out of a list that is a multiple of n. */
static sx_status pack(sx_build *b, model *m, const char *name, reals list, uint32_t n) {
  if (!n || !list.n || list.n % n)
    SX_FAIL(b->e, INVALID_GRAPH, "attribute '%s' has %u numbers, expected a multiple of %u", name, list.n, n);
  m->dots.isa = b->cpu->isa, m->dots.vectors = n, m->dots.features = list.n / n, m->dots.padded = sx_dots_padded(n);
  float *packed = sx_arena_aligned(b->arena, (size_t)(m->dots.padded * m->dots.features) * sizeof *packed, SX_ALIGN);
  if (!packed) SX_NO_MEMORY(b->e);
  sx_dots_pack(&m->dots, list.at, packed);
  m->dots.packed = packed;
  return SX_OK;
}

static sx_status create_linear(sx_build *b) {
  model *m;
  SX_TRY(begin(b, &m));
  SX_TRY(labels_of(b, m));
  const sx_fact *z = &sx_value_at(b->g, b->n->out[b->n->n_out - 1])->fact;
  m->scores_only = b->n->op == &sx_op_LinearRegressor;
  m->columns = z->dims[1];
  reals w = reals_of(b, "coefficients"), bias = reals_of(b, "intercepts");
  const sx_fact *x = &sx_value_at(b->g, b->n->in[0].value)->fact;
  uint32_t n = m->scores_only || !bias.n ? (uint32_t)m->columns : bias.n;
  if (!bias.n && m->classes == 2 && x->rank > 0 && x->dims[x->rank - 1] == w.n) n = 1; /* one score divides two classes */
  if (bias.n == n) m->intercepts = bias.at;
  m->finish = finish_linear;
  if (!m->scores_only && m->classes && m->classes < n) SX_FAIL(b->e, FAIL, "has %u labels for %u classes", m->classes, n);
  return pack(b, m, "coefficients", w, n);
}

static sx_status kernel_of(const sx_build *b, model *m) {
  static const char *const names[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
  sx_str kind = sx_attr_str(b->n, "kernel_type", "LINEAR");
  reals p = reals_of(b, "kernel_params");
  int i = 0;
  while (i < 4 && !sx_str_is(kind, names[i])) i++;
  if (i == 4) SX_FAIL(b->e, FAIL, "attribute 'kernel_type' is '%.*s', expected LINEAR, POLY, RBF or SIGMOID", SX_FMT(kind));
  if (p.n && p.n != 3)
    SX_FAIL(b->e, INVALID_GRAPH, "attribute 'kernel_params' has %u numbers, expected gamma, coef0 and degree", p.n);
  m->dots.kind = (sx_dots_kind)i;
  if (p.n) m->dots.gamma = p.at[0], m->dots.coef0 = p.at[1], m->dots.degree = p.at[2];
  return SX_OK;
}
static sx_status create_svc(sx_build *b) {
  model *m;
  SX_TRY(begin(b, &m));
  SX_TRY(labels_of(b, m));
  SX_TRY(kernel_of(b, m));
  reals w = reals_of(b, "coefficients"), v = reals_of(b, "support_vectors"), rho = reals_of(b, "rho"),
        pa = reals_of(b, "prob_a"), pb = reals_of(b, "prob_b");
  uint32_t n = m->classes, n_per = sx_attr_ints(b->n, "vectors_per_class", &m->per_class);
  uint64_t vectors = 0, pairs = (uint64_t)n * (n ? n - 1 : 0) / 2;
  for (uint32_t i = 0; i < n_per; i++) {
    if (m->per_class[i] < 0 || m->per_class[i] > INT32_MAX)
      SX_FAIL(b->e, FAIL, "element %u of 'vectors_per_class' is %lld", i, (long long)m->per_class[i]);
    vectors += (uint64_t)m->per_class[i];
  }
  if (!n || n > 65535 || !w.n) SX_FAIL(b->e, INVALID_GRAPH, "has %u labels and %u coefficients", n, w.n);
  if (pa.n != pb.n || rho.n < (vectors ? pairs : 1) || (vectors && pa.n && pa.n < pairs))
    SX_FAIL(b->e, FAIL, "'rho' has %u, 'prob_a' %u and 'prob_b' %u numbers for %llu pairs of classes", rho.n, pa.n, pb.n,
            (unsigned long long)pairs);
  m->rho = rho.at, m->prob_a = pa.at, m->prob_b = pb.at, m->coefficients = w.at, m->positive = true;
  for (uint32_t i = 0; i < w.n; i++) m->positive &= w.at[i] >= 0;
  m->columns = n;
  if (!vectors) {
    m->dots.kind = SX_DOTS_LINEAR;
    m->finish = finish_liblinear;
    return pack(b, m, "coefficients", w, n);
  }
  if (n_per != n || w.n < (uint64_t)(n - 1) * vectors || vectors > v.n)
    SX_FAIL(b->e, FAIL, "%u classes, %u of them with support vectors, %llu vectors and %u coefficients do not fit", n,
            n_per, (unsigned long long)vectors, w.n);
  m->finish = finish_svc;
  if (!pa.n) m->columns = n > 2 ? (int64_t)pairs : 2;
  return pack(b, m, "support_vectors", v, (uint32_t)vectors);
}
static sx_status create_svr(sx_build *b) {
  model *m;
  SX_TRY(begin(b, &m));
  SX_TRY(kernel_of(b, m));
  reals w = reals_of(b, "coefficients"), v = reals_of(b, "support_vectors"), rho = reals_of(b, "rho");
  int64_t n = sx_attr_int(b->n, "n_supports", 0);
  if (!rho.n || !w.n || n < 0 || n > INT32_MAX || (n && n > w.n))
    SX_FAIL(b->e, FAIL, "%lld support vectors, %u coefficients and %u numbers of 'rho' do not fit", (long long)n, w.n,
            rho.n);
  m->scores_only = true, m->columns = 1, m->classes = 1, m->rho = rho.at, m->finish = finish_svr;
  m->one_class = sx_attr_int(b->n, "one_class", 0) != 0;
  if (n)
    m->coefficients = w.at;
  else
    m->dots.kind = SX_DOTS_LINEAR;
  return n ? pack(b, m, "support_vectors", v, (uint32_t)n) : pack(b, m, "coefficients", w, 1);
}

enum { BLOCK = 8 };
typedef struct params {
  const model *m;
  sx_dtype in, out;
  int64_t rows;
  size_t x_bytes, y_bytes, z_bytes;
} params;
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *p = c->params;
  const model *m = p->m;
  char *x_copy = c->worker_scratch;
  float *y = (float *)(x_copy + p->x_bytes);
  double *z = (double *)((char *)y + p->y_bytes), *tmp = (double *)((char *)z + p->z_bytes);
  char *out = c->out[m->scores_only ? 0 : 1];
  const int64_t columns = m->columns;
  const bool simple = m->finish == finish_linear && p->out == SX_F32 && columns == m->dots.vectors &&
                      ((m->post == SX_POST_NONE && (columns > 1 || m->scores_only)) || (m->post == SX_POST_SOFTMAX && columns > 1));
  for (int64_t row = (int64_t)begin * BLOCK; row < (int64_t)end * BLOCK && row < p->rows; row += BLOCK) {
    const int64_t n = p->rows - row < BLOCK ? p->rows - row : BLOCK;
    const char *x = (const char *)c->in[0] + (size_t)(row * m->dots.features) * (sx_dtype_bits(p->in) / 8);
    if (p->in != SX_F32) sx_cast_run(m->dots.isa, p->in, SX_F32, 0, x_copy, x, 0, n * m->dots.features);
    sx_dots_run(&m->dots, p->in != SX_F32 ? (const float *)x_copy : (const float *)x, n, y);
    int64_t labels[BLOCK] = {0};
    if (simple) finish_rows(m, y, n, out ? (float *)out + row * columns : NULL, labels);
    for (int64_t r = 0; r < n; r++) {
      int64_t label = labels[r];
      if (!simple) m->finish(m, y + r * m->dots.padded, z, &label, tmp);
      if (out && !simple) sx_scores_store(m->dots.isa, p->out, out, (row + r) * columns, z, columns);
      if (m->scores_only || !c->out[0]) continue;
      if (m->classes == 1 && m->dots.vectors == 1) label = 0;
      if (m->strings)
        ((sx_str *)c->out[0])[row + r] = m->strings[label];
      else
        ((int64_t *)c->out[0])[row + r] = m->ints ? m->ints[label] : label;
    }
  }
  return SX_OK;
}
static sx_status prepare(sx_prep *prep) {
  const model *m = prep->state;
  const sx_view *x = &prep->in[0];
  params *p = SX_NEW(prep->arena, params);
  if (!p) SX_NO_MEMORY(prep->e);
  *p = (params){.m = m,
                .in = (sx_dtype)x->dtype,
                .out = (sx_dtype)prep->out[m->scores_only ? 0 : 1].dtype,
                .rows = x->rank == 2 ? x->dims[0] : 1};
  if (x->dims[x->rank - 1] != m->dots.features)
    SX_FAIL(prep->e, FAIL, "rows have %lld features, expected %lld", (long long)x->dims[x->rank - 1],
            (long long)m->dots.features);
  const int64_t n = m->classes + 2;
  p->x_bytes = p->in == SX_F32 ? 0 : sx_round_up((size_t)(BLOCK * m->dots.features) * sizeof(float), SX_ALIGN);
  p->y_bytes = (size_t)(BLOCK * m->dots.padded) * sizeof(float);
  p->z_bytes = sx_round_up((size_t)(m->columns + m->dots.vectors + 2) * sizeof(double), SX_ALIGN);
  const size_t tmp = m->prob_a ? (size_t)(n * (3 * n + 2)) * sizeof(double) : (size_t)n * sizeof(double);
  const double ns =
      (double)m->dots.padded * ((double)m->dots.features * 0.05 + (m->finish == finish_svc ? (double)m->classes : 1)) +
      20 * (double)m->columns;
  prep->params = p;
  return sx_prep_phase(prep, run, (p->rows + BLOCK - 1) / BLOCK, BLOCK * ns, p->x_bytes + p->y_bytes + p->z_bytes + tmp);
}
#define ROW(N, hook) const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "dots", .create = hook, .prepare = prepare};
ROW(LinearClassifier, create_linear)
ROW(LinearRegressor, create_linear)
ROW(SVMClassifier, create_svc)
ROW(SVMRegressor, create_svr)
