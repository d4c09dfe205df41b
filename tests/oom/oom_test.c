// SPDX-License-Identifier: MIT
/* Out of memory everywhere: load and run of small models with the n-th allocation, mapping or thread start refused, for
 * every n up to the first walk that needs none refused. Each failure is a status, gives every byte back and leaves no
 * trace: the walk after it succeeds. And the other side of the same allocator: a steady run takes nothing but its outputs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/file.h"
#include "drive.h"
#include "quant/calibrate.h"

static struct { atomic_long fail_at, asked, bytes, blocks, taken; } heap;

static bool refuse(void) {
  long n = atomic_fetch_add(&heap.asked, 1) + 1;
  return n == atomic_load(&heap.fail_at);
}
static void *take(void *ctx, size_t size, size_t align) {
  (void)ctx;
  if (refuse()) return NULL;
  void *p = NULL;
  if (posix_memalign(&p, align < 16 ? 16 : align, size)) return NULL;
  memset(p, 0xa5, size); /* what reads unset memory shows */
  atomic_fetch_add(&heap.bytes, (long)size);
  atomic_fetch_add(&heap.blocks, 1);
  atomic_fetch_add(&heap.taken, 1);
  return p;
}
static void give_back(void *ctx, void *p, size_t size, size_t align) {
  (void)ctx, (void)align;
  atomic_fetch_sub(&heap.bytes, (long)size);
  atomic_fetch_sub(&heap.blocks, 1);
  memset(p, 0x5a, size);
  free(p);
}
static bool fault(void *ctx) { return (void)ctx, refuse(); }
static const sx_allocator counting = {.alloc = take, .free = give_back, .fault = fault};

/* fail_at 0: nothing is refused. */
static void watch(long fail_at) {
  atomic_store(&heap.asked, 0);
  atomic_store(&heap.taken, 0);
  atomic_store(&heap.fail_at, fail_at);
}

enum { LARGEST = 4096, EVERY = 2000 };
typedef struct model {
  uint8_t bytes[LARGEST];
  size_t size;
  char path[512];
} model;
static void read_model(const char *name, model *m) {
  snprintf(m->path, sizeof m->path, "%s/tests/fuzz/corpus/load/%s.onnx", SX_SOURCE_DIR, name);
  FILE *f = fopen(m->path, "rb");
  assert_non_null(f);
  m->size = fread(m->bytes, 1, sizeof m->bytes, f);
  fclose(f);
  assert_true(m->size > 0 && m->size < LARGEST);
}

/* One life: a pool, a session from the file, two runs. */
static sx_status live(const char *path, uint32_t threads, int level, sx_err *e) {
  sx_pool *pool = NULL;
  sx_session *s = NULL;
  drive_io io = {0};
  if (threads) SX_TRY(sx_pool_create(&(sx_pool_options){.threads = threads}, &pool, e));
  sx_status st = sx_session_create_file(path, &(sx_session_options){.level = level, .pool = pool}, &s, e);
  if (st == SX_OK) st = drive_inputs(sx_session_model(s)->graph, &io, e);
  for (int i = 0; i < 2 && st == SX_OK; i++) {
    st = sx_session_run(s, NULL, io.in, io.out, NULL, e);
    for (int k = 0; k < DRIVE_MAX; k++) {
      sx_rt_unref(io.out[k]);
      io.out[k] = NULL;
    }
  }
  drive_release(&io);
  sx_session_destroy(s);
  sx_pool_destroy(pool);
  return st;
}

/* Another life: a model is calibrated where the mode needs ranges, quantised, and written. */
static sx_status calibrate(const sx_mapping *file, sx_arena *a, sx_quant_options *o, sx_err *e) {
  sx_calibration *c = NULL;
  sx_quant_range *r = NULL;
  drive_io io = {0};
  SX_TRY(sx_calibration_create(file->data, file->size, &(sx_session_options){.import.bytes_live = true}, &c, e));
  sx_status st = drive_inputs(sx_calibration_model(c)->graph, &io, e);
  if (st == SX_OK) st = sx_calibration_add(c, io.in, e);
  if (st == SX_OK) st = sx_calibration_ranges(c, SX_QUANT_ENTROPY, 99.9, a, &r, &o->n_ranges, e);
  o->ranges = r;
  drive_release(&io);
  sx_calibration_destroy(c);
  return st;
}
static sx_status live_quantised(const char *path, uint32_t per_channel, int mode, sx_err *e) {
  sx_quant_options o = {.mode = (sx_quant_mode)mode,
                        .weight = mode == SX_QUANT_HALF ? SX_F16 : SX_I8,
                        .activation = SX_U8,
                        .bits = 4,
                        .block = 16,
                        .per_channel = per_channel};
  const sx_import_options io = {.path = path, .bytes_live = true, .evaluate = sx_evaluate_node};
  const char *to = SX_BINARY_DIR "/oom_quantised.onnx";
  sx_quant_report r = {0};
  sx_mapping file;
  sx_arena a = {0};
  sx_model *m = NULL;
  SX_TRY(sx_map_file(path, &file, e));
  sx_status st = mode == SX_QUANT_STATIC ? calibrate(&file, &a, &o, e) : SX_OK;
  if (st == SX_OK) st = sx_quant_read(file.data, file.size, &o, &io, &m, e);
  if (st == SX_OK) st = sx_quantize(m, &o, &r, e);
  if (st == SX_OK) st = sx_model_write(m, &(sx_write_options){.path = to}, e);
  sx_quant_report_free(&r);
  if (m) sx_model_destroy(m);
  sx_arena_free(&a);
  sx_unmap_file(&file);
  (void)remove(to);
  return st;
}

typedef sx_status (*life)(const char *path, uint32_t threads, int level, sx_err *e);
static void walk_life(const char *name, life live, uint32_t threads, int level) {
  model m;
  sx_err e = {0};
  read_model(name, &m);
  sx_heap_set(&counting);
  watch(0);
  if (live(m.path, threads, level, &e) != SX_OK) fail_msg("%s: %s", name, e.msg);
  long total = atomic_load(&heap.asked), failures = 0, forgiven = 0, kept = 0, wrong = 0;
  assert_int_equal(atomic_load(&heap.bytes), 0);
  for (long n = 1; n <= total && wrong < 20; n += n < EVERY ? 1 : total / 997 + 1) {
    e = (sx_err){0};
    watch(n);
    sx_status st = live(m.path, threads, level, &e);
    long bytes = atomic_load(&heap.bytes) - kept;
    if (bytes) {
      print_error("%s, n = %ld: %ld bytes were not given back (%s, %s:%d)\n", name, n, bytes, e.msg, e.file ? e.file : "",
                  e.line);
      kept += bytes, wrong++;
    }
    if (st == SX_OK) {
      forgiven++;
      continue;
    }
    failures++;
    if (st != SX_E_NO_MEMORY || !e.msg[0]) {
      print_error("%s, n = %ld: status %s, %s (%s:%d)\n", name, n, sx_status_name(st), e.msg, e.file ? e.file : "", e.line);
      wrong++;
    }
    if (n % 16 == 0) { /* nothing is broken for who comes after */
      watch(0);
      if (live(m.path, threads, level, &e) != SX_OK) fail_msg("%s after n = %ld: %s", name, n, e.msg);
    }
  }
  if (getenv("OOM_VERBOSE"))
    print_message("%s: %ld asked, %ld failures, %ld done without\n", name, total, failures, forgiven);
  assert_true(failures > 0 && wrong == 0);
  sx_heap_set(NULL);
}

static void walk(const char *name, uint32_t threads, int level) { walk_life(name, live, threads, level); }
static void walk_levels(const char *name) {
  static const int levels[] = {0, 1, 2, 99};
  for (int i = 0; i < 4; i++) walk(name, 0, levels[i]);
}
static void mlp(void **state) { walk_levels("mlp"); }
static void mlp_threads(void **state) { walk("mlp", 3, 99); }
static void conv(void **state) { walk_levels("conv"); }
static void control(void **state) { walk_levels("control"); }
static void generate(void **state) { walk("generate", 0, 0), walk("generate", 0, 99); }
static void shapes(void **state) { walk_levels("shapes"); }
static void lstm(void **state) { walk_levels("lstm"); }
static void nonzero(void **state) { walk_levels("nonzero"); }
static void quantized(void **state) { walk_levels("quantized"); }
static void strings(void **state) { walk_levels("strings"); }

static void quantise(void **state) {
  walk_life("conv", live_quantised, 1, SX_QUANT_DYNAMIC), walk_life("mlp", live_quantised, 1, SX_QUANT_STATIC);
  walk_life("mlp", live_quantised, 0, SX_QUANT_NBITS), walk_life("mlp", live_quantised, 0, SX_QUANT_HALF);
}

/* After the first runs, a run takes one block per output that is left to it (strings: a second one for their bytes), and
 * none when all are given. */
static void steady_of(const char *name, uint32_t threads, long per_output) {
  model m;
  sx_err e = {0};
  sx_pool *pool = NULL;
  sx_session *s = NULL;
  drive_io io = {0};
  read_model(name, &m);
  sx_heap_set(&counting);
  watch(0);
  if (threads) assert_int_equal(sx_pool_create(&(sx_pool_options){.threads = threads}, &pool, &e), SX_OK);
  assert_int_equal(sx_session_create_bytes(m.bytes, m.size, &(sx_session_options){.level = 99, .pool = pool}, &s, &e),
                   SX_OK);
  uint32_t n = sx_session_model(s)->graph->outputs.n;
  assert_int_equal(drive_inputs(sx_session_model(s)->graph, &io, &e), SX_OK);
  for (int i = 0; i < 7; i++) {
    watch(0);
    assert_int_equal(sx_session_run(s, NULL, io.in, io.out, NULL, &e), SX_OK);
    long taken = atomic_load(&heap.taken);
    if (i >= 2 && i < 4 && taken != per_output * (long)n)
      fail_msg("%s: a steady run took %ld blocks for %u outputs", name, taken, n);
    if (i >= 5 && taken) fail_msg("%s: a steady run into given outputs took %ld blocks", name, taken);
    for (uint32_t k = 0; k < n && i < 3; k++) {
      sx_rt_unref(io.out[k]);
      io.out[k] = NULL;
    }
  }
  drive_release(&io);
  sx_session_destroy(s);
  sx_pool_destroy(pool);
  assert_int_equal(atomic_load(&heap.bytes), 0);
  sx_heap_set(NULL);
}
static void steady(const char *name, uint32_t threads) { steady_of(name, threads, 1); }
static void steady_mlp(void **state) { steady("mlp", 0); }
static void steady_conv(void **state) { steady("conv", 3); }
static void steady_shapes(void **state) { steady("shapes", 0); }
static void steady_lstm(void **state) { steady("lstm", 2); }
static void steady_quantized(void **state) { steady("quantized", 0); }
static void steady_nonzero(void **state) { steady("nonzero", 0); }
static void steady_control(void **state) { steady("control", 0); }
static void steady_strings(void **state) { steady_of("strings", 0, 2); }

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mlp),
      cmocka_unit_test(mlp_threads),
      cmocka_unit_test(conv),
      cmocka_unit_test(control),
      cmocka_unit_test(generate),
      cmocka_unit_test(shapes),
      cmocka_unit_test(lstm),
      cmocka_unit_test(nonzero),
      cmocka_unit_test(quantized),
      cmocka_unit_test(strings),
      cmocka_unit_test(quantise),
      cmocka_unit_test(steady_mlp),
      cmocka_unit_test(steady_conv),
      cmocka_unit_test(steady_shapes),
      cmocka_unit_test(steady_lstm),
      cmocka_unit_test(steady_quantized),
      cmocka_unit_test(steady_nonzero),
      cmocka_unit_test(steady_control),
      cmocka_unit_test(steady_strings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
