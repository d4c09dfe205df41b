// SPDX-License-Identifier: MIT
/* How often each pass fires on the benchmark models, against tests/pass/fired.txt: a fusion that stops matching is a red
 * test. Models that are not there (bench/make_models.py writes them) are left out; the environment variable SX_MODELS names
 * another folder. SX_UPDATE rewrites the lines of those that are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/file.h"
#include "onnx/import.h"
#include "run/session.h"

/* "name: pass=count ..." of a model; false when it is not there. Independent of ISA: every private operator is taken. */
static bool fired(const char *name, char *out, size_t size) {
  char path[512];
  const char *folder = getenv("SX_MODELS");
  sx_err e = {0};
  sx_mapping map;
  sx_model *m;
  uint32_t count[64] = {0};
  snprintf(path, sizeof path, "%s/%s.onnx", folder ? folder : SX_SOURCE_DIR "/bench/models", name);
  if (sx_map_file(path, &map, &e) != SX_OK) return false;
  sx_import_options o = {.path = path, .mapped = true, .bytes_live = true, .file = map.id};
  sx_status s = sx_import(map.data, map.size, &o, &m, &e);
  if (s != SX_OK) sx_unmap_file(&map);
  if (s == SX_E_NOT_IMPLEMENTED) return false; /* an operator that this build leaves out */
  if (s != SX_OK) fail_msg("%s: %s", name, e.msg);
  sx_pass_ctx c = {.g = m->graph, .level = 99, .evaluate = sx_evaluate_node, .channel_block = 16, .fired = count, .e = &e};
  if (sx_passes_run(&c) != SX_OK) fail_msg("%s: %s", name, e.msg);
  size_t n = (size_t)snprintf(out, size, "%s:", name);
  for (int i = 0; sx_passes[i].name && i < 64; i++)
    if (count[i]) n += (size_t)snprintf(out + n, size - n, " %s=%u", sx_passes[i].name, count[i]);
  sx_model_destroy(m);
  sx_unmap_file(&map);
  return true;
}

static void golden(void **state) {
  FILE *f = fopen(SX_SOURCE_DIR "/tests/pass/fired.txt", "r");
  assert_non_null(f);
  bool update = getenv("SX_UPDATE") != NULL;
  char line[1024], got[1024];
  sx_text rewritten = {0};
  int checked = 0, wrong = 0;
  while (fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = 0;
    size_t n = strcspn(line, ":");
    char name[128];
    bool there = false;
    snprintf(name, sizeof name, "%.*s", (int)n, line);
    if (*line != '#' && n) there = fired(name, got, sizeof got);
    sx_text_add(&rewritten, "%s\n", there ? got : line);
    checked += there;
    if (!there || update || !strcmp(line, got)) continue;
    print_message("expected %s\ngot      %s\n", line, got);
    wrong++;
  }
  fclose(f);
  if (update && (f = fopen(SX_SOURCE_DIR "/tests/pass/fired.txt", "w")) != NULL) {
    fwrite(rewritten.p, 1, rewritten.n, f);
    fclose(f);
  }
  sx_text_free(&rewritten);
  print_message("%d models checked\n", checked);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(golden)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
