// SPDX-License-Identifier: MIT
/* The generated schema table: its order, that every index in it is sound, and known rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include "ops/ops.h"

static const sx_schema *find(sx_domain d, const char *name, int opset) { return sx_schema_find(d, sx_str_c(name), opset); }
static int version(sx_domain d, const char *name, int opset) {
  const sx_schema *s = find(d, name, opset);
  return s ? s->since_version : 0;
}
static const char *name_of(const sx_schema *s) { return sx_schema_text(s->name); }
static bool has(const sx_typeset *t, sx_dtype type) { return (t->tensor >> type) & 1; }

static void every_row_is_sound(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sx_schema_count; i++) {
    const sx_schema *s = &sx_schemas[i], *before = i ? s - 1 : NULL;
    if (before && before->domain == s->domain) {
      int c = strcmp(name_of(before), name_of(s));
      assert_true(c < 0 || (c == 0 && before->since_version < s->since_version));
    } else {
      assert_true(!before || before->domain < s->domain);
    }
    assert_true(s->since_version >= 1 && s->since_version <= sx_domain_latest((sx_domain)s->domain));
    assert_true(s->min_in <= s->max_in && s->min_out <= s->max_out);
    assert_ptr_equal(find((sx_domain)s->domain, name_of(s), s->since_version), s);
    for (int side = 0; side < 2; side++) {
      uint32_t n = side ? s->n_outputs : s->n_inputs, most = side ? s->max_out : s->max_in;
      const sx_schema_param *p = (side ? sx_schema_output : sx_schema_input)(s, 0);
      bool variadic = n > 0 && (p[n - 1].flags & SX_PARAM_VARIADIC);
      assert_true(variadic ? most == 0xffff : most == n);
      for (uint32_t k = 0; k < n; k++) {
        assert_true(p[k].constraint < s->n_constraints);
        const sx_typeset *t = sx_schema_types(s, &p[k]);
        assert_true(t->tensor | t->seq | t->opt | t->opt_seq | t->sparse | t->maps);
      }
    }
    for (uint32_t k = 0; k < s->n_attrs; k++) {
      const sx_schema_attr *a = sx_schema_attr_at(s, k);
      assert_true(a->type > SX_ATTR_UNDEFINED && a->type <= SX_ATTR_TYPE_PROTOS);
      assert_true(!(a->required && a->has_default));
      assert_ptr_equal(sx_schema_find_attr(s, sx_str_c(sx_schema_text(a->name))), a);
    }
  }
}

static void holds_every_standard_schema(void **state) {
  (void)state;
  int count[SX_DOMAIN_COUNT] = {0}, leftovers = 0;
  static const char *const own[] = {"Affine",
                                    "Crop",
                                    "DynamicSlice",
                                    "ImageScaler",
                                    "ParametricSoftplus",
                                    "Scale",
                                    "ScaledTanh",
                                    "SimplifiedLayerNormalization"};
  static const char *const early[] = {"LayerNormalization", "MeanVarianceNormalization", "ThresholdedRelu"};
  for (uint32_t i = 0; i < sx_schema_count; i++) {
    const sx_schema *s = &sx_schemas[i];
    count[s->domain]++;
    if (s->domain != SX_DOMAIN_ONNX) continue;
    for (size_t k = 0; k < sizeof own / sizeof *own; k++) leftovers += strcmp(name_of(s), own[k]) == 0;
    for (size_t k = 0; k < sizeof early / sizeof *early; k++)
      leftovers += strcmp(name_of(s), early[k]) == 0 && s->since_version == 1;
  }
  assert_int_equal(count[SX_DOMAIN_ONNX] - leftovers, 629);
  assert_int_equal(count[SX_DOMAIN_ML], 25);
  assert_int_equal(count[SX_DOMAIN_PREVIEW], 1);
  assert_int_equal(count[SX_DOMAIN_TRAINING], 4);
  assert_true(count[SX_DOMAIN_MS] > 70);
}

static void the_version_in_force(void **state) {
  (void)state;
  static const int add[] = {0, 1, 1, 1, 1, 1, 6, 7, 7, 7, 7, 7, 7, 13, 14, 14};
  for (int opset = 0; opset < (int)(sizeof add / sizeof *add); opset++) {
    assert_int_equal(version(SX_DOMAIN_ONNX, "Add", opset), add[opset]);
  }
  assert_int_equal(version(SX_DOMAIN_ONNX, "Add", INT_MAX), 14);
  assert_int_equal(version(SX_DOMAIN_ONNX, "Attention", 22), 0);
  assert_int_equal(version(SX_DOMAIN_ONNX, "LayerNormalization", 16), 1);
  assert_int_equal(version(SX_DOMAIN_ONNX, "LayerNormalization", 17), 17);
  assert_int_equal(version(SX_DOMAIN_MS, "Attention", 1), 1);
  assert_null(find(SX_DOMAIN_ONNX, "Ad", 20));
  assert_null(find(SX_DOMAIN_ONNX, "Addd", 20));
  assert_null(find(SX_DOMAIN_ONNX, "", 20));
  assert_null(find(SX_DOMAIN_ML, "Add", 20));
  assert_null(find(SX_DOMAIN_ONNX, "Add", -1));
  assert_int_equal(sx_schema_latest(SX_DOMAIN_ONNX, SX_STR("Celu"))->since_version, 28);
  assert_true(find(SX_DOMAIN_ONNX, "Upsample", 10)->flags & SX_SCHEMA_DEPRECATED);
  assert_true(find(SX_DOMAIN_ONNX, "Softmax", 13)->flags & SX_SCHEMA_CONTEXT_BODY);
  assert_true(find(SX_DOMAIN_ONNX, "MeanVarianceNormalization", 13)->flags & SX_SCHEMA_FUNCTION);
  assert_true(find(SX_DOMAIN_ONNX, "RandomNormal", 22)->flags & SX_SCHEMA_NONDETERMINISTIC);
}

static void known_rows(void **state) {
  (void)state;
  const sx_schema *conv = find(SX_DOMAIN_ONNX, "Conv", 11);
  assert_int_equal(conv->n_inputs, 3);
  assert_int_equal(conv->min_in, 2);
  assert_true(sx_schema_input(conv, 2)->flags & SX_PARAM_OPTIONAL);
  assert_string_equal(sx_schema_text(sx_schema_constraint_at(conv, (uint32_t)sx_schema_input(conv, 0)->constraint)->name),
                      "T");
  const sx_typeset *t = sx_schema_types(conv, sx_schema_input(conv, 0));
  assert_true(has(t, SX_F16) && has(t, SX_F32) && has(t, SX_F64) && !has(t, SX_BF16) && !has(t, SX_I32));
  const sx_schema_attr *pad = sx_schema_find_attr(conv, SX_STR("auto_pad")),
                       *group = sx_schema_find_attr(conv, SX_STR("group"));
  assert_true(pad->type == SX_ATTR_STRING && pad->has_default && strcmp(sx_schema_text(pad->dflt), "NOTSET") == 0);
  assert_true(group->type == SX_ATTR_INT && strcmp(sx_schema_text(group->dflt), "1") == 0);
  assert_false(sx_schema_find_attr(conv, SX_STR("pads"))->has_default);
  assert_null(sx_schema_find_attr(conv, SX_STR("pad")));
  assert_null(sx_schema_input(conv, 3));

  const sx_schema *concat = find(SX_DOMAIN_ONNX, "Concat", 13);
  assert_int_equal(concat->max_in, 0xffff);
  assert_ptr_equal(sx_schema_input(concat, 1000), sx_schema_input(concat, 0));
  assert_true(sx_schema_find_attr(concat, SX_STR("axis"))->required);
  const sx_schema *loop = find(SX_DOMAIN_ONNX, "Loop", 13);
  assert_true(sx_schema_input(loop, 9)->flags & SX_PARAM_HETEROGENEOUS);
  assert_int_equal(sx_schema_input(loop, 2)->min_arity, 0);
  const sx_schema *shape = find(SX_DOMAIN_ONNX, "Shape", 13);
  assert_true(has(sx_schema_types(shape, sx_schema_output(shape, 0)), SX_I64));
  const sx_schema *zipmap = find(SX_DOMAIN_ML, "ZipMap", 1);
  assert_int_equal(sx_schema_types(zipmap, sx_schema_output(zipmap, 0))->maps, 1 << 6 | 1 << 7);
  const sx_schema *norm = find(SX_DOMAIN_ONNX, "BatchNormalization", 15);
  assert_string_equal(sx_schema_text(sx_schema_find_attr(norm, SX_STR("epsilon"))->dflt), "9.99999975e-06");
  const sx_schema *gqa = find(SX_DOMAIN_MS, "GroupQueryAttention", 1);
  assert_true(gqa->min_in == 7 && sx_schema_find_attr(gqa, SX_STR("num_heads"))->required);
}

static void domains(void **state) {
  (void)state;
  sx_domain d;
  assert_true(sx_domain_find(SX_STR("ai.onnx"), &d) && d == SX_DOMAIN_ONNX);
  assert_true(sx_domain_find(SX_STR(""), &d) && d == SX_DOMAIN_ONNX);
  assert_false(sx_domain_find(SX_STR("ai.onn"), &d));
  for (int i = 0; i < SX_DOMAIN_COUNT; i++)
    assert_true(sx_domain_find(sx_str_c(sx_domain_name((sx_domain)i)), &d) && (int)d == i);
  assert_int_equal(sx_domain_latest(SX_DOMAIN_ONNX), 28);
}

/* The first word of a line of ops.def is the domain of its operator. */
static void lines_of_operators_name_their_domain(void **state) {
  (void)state;
  enum {
    onnx = SX_DOMAIN_ONNX,
    ml = SX_DOMAIN_ML,
    preview = SX_DOMAIN_PREVIEW,
    training = SX_DOMAIN_TRAINING,
    ms = SX_DOMAIN_MS
  };
#define OP(word, op_name)                                                        \
  if (sx_op_##op_name.domain != word)                                            \
    fail_msg("ops.def calls %s's domain " #word ", its sx_op says %s", #op_name, \
             sx_domain_name((sx_domain)sx_op_##op_name.domain));
#define PRIVATE(op_name)
#include "ops/ops.def"
#undef OP
#undef PRIVATE
}

static void every_operator_is_found(void **state) {
#define OP(dom, op)                                                                                               \
  assert_ptr_equal(sx_op_find(sx_str_c(sx_domain_name((sx_domain)sx_op_##op.domain)), sx_str_c(sx_op_##op.name)), \
                   &sx_op_##op);
#define PRIVATE(op) assert_ptr_equal(sx_op_find(SX_STR("sardonyx"), sx_str_c(sx_op_##op.name)), &sx_op_##op);
#include "ops/ops.def"
#undef OP
#undef PRIVATE
  assert_null(sx_op_find(SX_STR("sardonyx"), SX_STR("Add")));
  assert_null(sx_op_find(SX_STR("ai.onnx.ml"), SX_STR("Add")));
  assert_null(sx_op_find(SX_STR(""), SX_STR("Ad")));
  assert_null(sx_op_find(SX_STR(""), SX_STR("")));
  assert_null(sx_op_find(SX_STR(""), SX_STR("zzz")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_row_is_sound),
      cmocka_unit_test(holds_every_standard_schema),
      cmocka_unit_test(the_version_in_force),
      cmocka_unit_test(known_rows),
      cmocka_unit_test(domains),
      cmocka_unit_test(lines_of_operators_name_their_domain),
      cmocka_unit_test(every_operator_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
