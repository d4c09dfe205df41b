// SPDX-License-Identifier: MIT
/* NonMaxSuppression: per batch and class the boxes by falling score, each kept unless it overlaps one that is kept. */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/sort/sort.h"

typedef struct box {
  float y0, x0, y1, x1, area;
} box;
static box corners(const float *b, bool center) {
  box r;
  if (center)
    r = (box){b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2, 0};
  else
    r = (box){b[0] < b[2] ? b[0] : b[2], b[1] < b[3] ? b[1] : b[3], b[0] < b[2] ? b[2] : b[0], b[1] < b[3] ? b[3] : b[1],
              0};
  r.area = (r.y1 - r.y0) * (r.x1 - r.x0);
  return r;
}
static bool overlaps(const box *a, const box *b, float threshold) {
  float h = (a->y1 < b->y1 ? a->y1 : b->y1) - (a->y0 > b->y0 ? a->y0 : b->y0);
  float w = (a->x1 < b->x1 ? a->x1 : b->x1) - (a->x0 > b->x0 ? a->x0 : b->x0);
  if (!(h > 0 && w > 0)) return false;
  float both = h * w, all = a->area + b->area - both;
  return a->area > 0 && b->area > 0 && all > 0 && both / all > threshold;
}
typedef struct nms {
  const float *boxes, *scores;
  int64_t N, most;
  float iou, least;
  bool center, has_least;
} nms;
typedef struct room {
  sx_sort_item *by, *tmp;
  int64_t *idx;
  box *kept;
} room;
/* One class of one batch: indices of the kept boxes into idx[0, count). */
static int64_t suppress(const nms *q, const float *boxes, const float *scores, const room *m) {
  int64_t n = 0, kept = 0;
  for (int64_t i = 0; i < q->N; i++)
    if (!q->has_least || scores[i] > q->least) m->by[n++].at = i;
  for (int64_t i = 0; i < n; i++) {
    sx_sort_keys(SX_F32, &scores[m->by[i].at], 4, 1, &m->by[i].key);
    m->by[i].key = ~m->by[i].key; /* falling */
  }
  sx_sort_items(m->by, m->tmp, n);
  if (sx_stopping()) return 0;
  double spent = 0;
  for (int64_t i = 0; i < n && kept < q->most && !sx_stop_spent(&spent, 20 + (double)kept * 2); i++) {
    box b = corners(boxes + 4 * m->by[i].at, q->center);
    bool covered = false;
    for (int64_t k = 0; k < kept && !covered; k++) covered = overlaps(&b, &m->kept[k], q->iou);
    if (!covered) m->kept[kept] = b, m->idx[kept++] = m->by[i].at;
  }
  return kept;
}

static float scalar(const sx_late *l, uint32_t i, float dflt) {
  return i < l->n_in && l->in[i].constant && l->in[i].count ? *(const float *)l->in[i].constant : dflt;
}
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const sx_late *l = c->late;
  const sx_view *boxes = &l->in[0], *scores = &l->in[1];
  (void)begin, (void)end;
  if (boxes->rank != 3 || scores->rank != 3 || boxes->dims[2] != 4 || boxes->dims[0] != scores->dims[0] ||
      boxes->dims[1] != scores->dims[2])
    SX_FAIL(c->e, FAIL, "boxes must be [batches, boxes, 4] and scores [batches, classes, boxes]");
  int64_t batches = scores->dims[0], classes = scores->dims[1], N = scores->dims[2], total = 0;
  nms q = {boxes->constant,
           scores->constant,
           N,
           0,
           scalar(l, 3, 0),
           scalar(l, 4, 0),
           *(const bool *)c->state,
           l->n_in > 4 && l->in[4].constant && l->in[4].count};
  if (l->n_in > 2 && l->in[2].constant && l->in[2].count) q.most = *(const int64_t *)l->in[2].constant;
  q.most = q.most < 0 ? 0 : q.most > N ? N : q.most;
  if (!(q.iou >= 0 && q.iou <= 1)) SX_FAIL(c->e, FAIL, "iou_threshold is %g, expected 0 to 1", (double)q.iou);
  size_t per = 2 * sizeof(sx_sort_item) + sizeof(int64_t) + sizeof(box), bytes;
  if (!sx_size_mul((size_t)N, per, &bytes)) SX_FAIL(c->e, FAIL, "%lld boxes do not fit memory", (long long)N);
  SX_VEC(int64_t) out = {0};
  char *mem = sx_malloc(bytes);
  if (!mem) SX_NO_MEMORY(c->e);
  room m = {.by = (sx_sort_item *)mem, .tmp = (sx_sort_item *)mem + N, .idx = (int64_t *)((sx_sort_item *)mem + 2 * N)};
  m.kept = (box *)(m.idx + N);
  bool full = false;
  for (int64_t u = 0; u < batches * classes && q.most && !full; u++) {
    int64_t b = u / classes, n = suppress(&q, q.boxes + b * N * 4, q.scores + u * N, &m);
    for (int64_t k = 0; k < n && !full; k++, total++)
      full = !(sx_vec_push(&out, b) && sx_vec_push(&out, u % classes) && sx_vec_push(&out, m.idx[k]));
  }
  sx_free(mem, bytes);
  const sx_status stopped = sx_stop_settle(c->e);
  if (stopped != SX_OK) sx_vec_free(&out);
  SX_TRY(stopped);
  int64_t *y = full ? NULL : sx_late_output(c, 0, SX_I64, 2, (int64_t[]){total, 3});
  if (y && total) memcpy(y, out.at, (size_t)total * 3 * sizeof *y);
  sx_vec_free(&out);
  if (full) SX_NO_MEMORY(c->e);
  return y ? SX_OK : c->e->code;
}
static sx_status create(sx_build *b) {
  bool *center = SX_NEW(b->arena, bool);
  if (!center) SX_NO_MEMORY(b->e);
  *center = sx_attr_int(b->n, "center_point_box", 0) != 0;
  b->state = center;
  return SX_OK;
}
static sx_status prepare(sx_prep *p) { return sx_prep_phase(p, run, 1, 0, 0); }
const sx_kernel sx_cpu_NonMaxSuppression = {
    .op = &sx_op_NonMaxSuppression, .name = "nms", .flags = SX_KERNEL_LATE, .create = create, .prepare = prepare};
