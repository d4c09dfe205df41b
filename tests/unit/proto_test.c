// SPDX-License-Identifier: MIT
/* ONNX's messages: written and read back, cut and bent at every byte; tensors of every type in every form; external data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "onnx/external.h"
#include "onnx/proto_write.h"
#include "ops/schema.h"

#define LIST(array) \
  { (void *)(array), sizeof(array) / sizeof *(array), 0 }
static sx_err err;

/* A model with something of everything: a function, a body in an attribute, sequence and map types, metadata. */
static sx_str names[] = {{"x", 1}, {"", 0}, {"w", 1}};
static sx_str outs[] = {{"y", 1}};
static int64_t dims2[] = {2, 3}, ints[] = {1, -1, 1ll << 40};
static float floats[] = {0.5f, -0.0f, 3};
static sx_proto_pair pairs[] = {{0, {"key", 3}, {"value", 5}}};
static const char raw[24] = "twenty-four bytes of raw";
static const uint8_t varints[] = {1, 0x80, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
static sx_proto_tensor tensors[] = {
    {.has = 1u << SX_TENSOR_RAW_DATA, .data_type = SX_F32, .dims = LIST(dims2), .name = {"w", 1}, .raw_data = {raw, 24}},
    {.has = 1u << SX_TENSOR_INT64_DATA,
     .data_type = SX_I64,
     .dims = {ints, 0, 0},
     .name = {"v", 1},
     .data = {varints, 13, 0}},
};
static sx_proto_dim dims[] = {{1u << SX_PROTO_DIM_VALUE, .value = -1}, {1u << SX_PROTO_DIM_PARAM, .param = {"n", 1}}, {0}};
static sx_proto_type f32 = {1u << SX_TYPE_TENSOR, .tensor = {1u << 2, SX_F32, {0, LIST(dims)}}};
static sx_proto_type seq = {1u << SX_TYPE_SEQUENCE, .of = {0, &f32}};
static sx_proto_type map = {1u << SX_TYPE_MAP, .map = {0, SX_I64, &seq}};
static sx_proto_value values[] = {{.name = {"x", 1}, .type = &f32, .metadata_props = LIST(pairs)},
                                  {.name = {"m", 1}, .type = &map}};
static sx_proto_node inner_nodes[] = {{.input = LIST(names), .output = LIST(outs), .op_type = {"Relu", 4}}};
static sx_proto_graph body = {.name = {"body", 4}, .node = LIST(inner_nodes), .initializer = LIST(tensors)};
static sx_proto_sparse sparse = {0, &tensors[0], &tensors[1], LIST(dims2)};
static sx_proto_attr attrs[] = {
    {1u << 2, SX_ATTR_FLOAT, .name = {"f", 1}, .f = 0},
    {1u << 3, SX_ATTR_INT, .name = {"i", 1}, .i = -5},
    {1u << 4, SX_ATTR_STRING, .name = {"s", 1}, .s = {"a\0b", 3}},
    {1u << 5, SX_ATTR_TENSOR, .name = {"t", 1}, .t = &tensors[1]},
    {1u << 6, SX_ATTR_GRAPH, .name = {"g", 1}, .g = &body},
    {1u << 7, SX_ATTR_FLOATS, .name = {"fs", 2}, .floats = LIST(floats)},
    {1u << 8, SX_ATTR_INTS, .name = {"is", 2}, .ints = LIST(ints)},
    {1u << 9, SX_ATTR_STRINGS, .name = {"ss", 2}, .strings = LIST(names)},
    {1u << 10, SX_ATTR_TENSORS, .name = {"ts", 2}, .tensors = LIST(tensors)},
    {1u << 14, SX_ATTR_TYPE_PROTO, .name = {"tp", 2}, .tp = &seq},
    {1u << 22, SX_ATTR_SPARSE_TENSOR, .name = {"sp", 2}, .sparse = &sparse},
    {0, SX_ATTR_INT, .name = {"ref", 3}, .ref_attr_name = {"alpha", 5}},
    {0, SX_ATTR_INTS, .name = {"none", 4}},
};
static sx_proto_node nodes[] = {
    {.input = LIST(names),
     .output = LIST(outs),
     .name = {"n0", 2},
     .op_type = {"Op", 2},
     .domain = {"d", 1},
     .overload = {"o", 1},
     .attribute = LIST(attrs),
     .metadata_props = LIST(pairs),
     .device_configurations = LIST(names)},
    {.op_type = {"Empty", 5}},
};
static sx_proto_graph graph = {.name = {"g", 1},
                               .node = LIST(nodes),
                               .initializer = LIST(tensors),
                               .input = LIST(values),
                               .output = LIST(values),
                               .metadata_props = LIST(pairs)};
static sx_proto_opset opsets[] = {{0, {"", 0}, 17}, {0, {"d", 1}, 1}};
static sx_proto_function functions[] = {{.name = {"Op", 2},
                                         .domain = {"d", 1},
                                         .input = LIST(names),
                                         .attribute = LIST(outs),
                                         .attribute_proto = LIST(attrs),
                                         .node = LIST(inner_nodes),
                                         .opset_import = LIST(opsets)}};
static const sx_proto_model sample = {.ir_version = 10,
                                      .producer_name = {"test", 4},
                                      .opset_import = LIST(opsets),
                                      .graph = &graph,
                                      .functions = LIST(functions),
                                      .training_info = LIST(names),
                                      .metadata_props = LIST(pairs)};

static void encode(const sx_proto_model *m, sx_text *out) {
  *out = (sx_text){0};
  assert_int_equal(sx_proto_write_model(m, out, &err), SX_OK);
}

static void test_round_trip(void **state) {
  sx_text first, second;
  sx_arena arena = {0};
  sx_proto_model *m;
  encode(&sample, &first);
  assert_int_equal(sx_proto_parse_model(first.p, first.n, &arena, &m, &err), SX_OK);
  encode(m, &second);
  assert_int_equal(first.n, second.n);
  assert_memory_equal(first.p, second.p, first.n);
  assert_int_equal(m->ir_version, 10);
  assert_int_equal(m->graph->node.n, 2);
  const sx_proto_node *n = &m->graph->node.at[0];
  assert_true(n->input.n == 3 && n->input.at[1].n == 0 && sx_str_is(n->overload, "o") && n->doc_string.p);
  const sx_proto_attr *a = n->attribute.at;
  for (uint32_t i = 0; i < n->attribute.n; i++) assert_int_equal(sx_proto_attr_check(&a[i], &err), SX_OK);
  assert_true(a[0].f == 0 && SX_PROTO_HAS(&a[0], 2) && a[1].i == -5 && a[2].s.n == 3 && a[2].s.p[2] == 'b');
  assert_true(sx_str_is(a[4].g->node.at[0].op_type, "Relu") && a[4].g->initializer.n == 2);
  assert_true(a[5].floats.n == 3 && a[6].ints.at[2] == 1ll << 40 && a[7].strings.n == 3 && a[8].tensors.n == 2);
  assert_true(sx_str_is(a[11].ref_attr_name, "alpha") && a[12].ints.n == 0 && !a[12].ints.at);
  const sx_proto_type *t = m->graph->input.at[1].type;
  assert_int_equal(sx_proto_type_kind(t), SX_TYPE_MAP);
  assert_int_equal(sx_proto_type_kind(t->map.value_type), SX_TYPE_SEQUENCE);
  const sx_proto_type_tensor *f = &t->map.value_type->of.elem_type->tensor;
  assert_true(SX_PROTO_HAS(f, 2) && f->shape.dim.n == 3 && f->shape.dim.at[0].value == -1);
  assert_int_equal(sx_proto_dim_kind(&f->shape.dim.at[1]), SX_PROTO_DIM_PARAM);
  assert_int_equal(sx_proto_dim_kind(&f->shape.dim.at[2]), SX_PROTO_DIM_UNKNOWN);
  sx_text_free(&first);
  sx_text_free(&second);
  sx_arena_free(&arena);
}

/* Reads, and when that works writes and looks at every tensor: whatever the bytes are, a status. */
static void exercise(const uint8_t *p, size_t n, sx_arena *arena) {
  uint8_t *exact = malloc(n ? n : 1);
  sx_proto_model *m;
  sx_text out = {0};
  memcpy(exact, p, n);
  sx_arena_reset(arena);
  if (sx_proto_parse_model(exact, n, arena, &m, &err) == SX_OK) {
    assert_int_equal(sx_proto_write_model(m, &out, &err), SX_OK);
    if (m->graph) (void)sx_proto_move_external(m, SX_STR("f"), 0, 64, arena, &out, &err);
  } else {
    assert_int_equal(err.code, SX_E_INVALID_PROTOBUF);
  }
  sx_text_free(&out);
  free(exact);
}
static void test_damaged(void **state) {
  static const uint8_t bends[] = {0, 0xff, 0x80, 0x7f, 1};
  sx_text t;
  sx_arena arena = {0};
  encode(&sample, &t);
  uint8_t *p = (uint8_t *)t.p;
  for (size_t n = 0; n < t.n; n++) exercise(p, n, &arena);
  for (size_t i = 0; i < t.n; i++) {
    uint8_t was = p[i];
    for (size_t k = 0; k < sizeof bends; k++) {
      p[i] = (uint8_t)(was ^ bends[k]);
      exercise(p, t.n, &arena);
    }
    for (int bit = 0; bit < 8; bit++) {
      p[i] = (uint8_t)(was ^ 1 << bit);
      exercise(p, t.n, &arena);
    }
    p[i] = was;
  }
  sx_text_free(&t);
  sx_arena_free(&arena);
}

static void test_attr(void **state) {
  sx_arena arena = {0};
  sx_proto_attr a;
#define ATTR(lit) assert_int_equal(sx_wire_decode(&sx_proto_attr_message, lit, sizeof(lit) - 1, &arena, &a, &err), SX_OK)
#define BAD(text) (assert_int_equal(sx_proto_attr_check(&a, &err), SX_E_INVALID_GRAPH), assert_string_equal(err.msg, text))
  ATTR("\x0a\x01x\x40\x05"); /* IR 1: no type */
  assert_true(a.type == SX_ATTR_INTS && a.ints.n == 1 && sx_proto_attr_check(&a, &err) == SX_OK);
  ATTR("\x0a\x01x\x40\x05\xa0\x01\x03"); /* ints, said to be a string */
  assert_true(a.s.n == 0 && a.s.p);
  BAD("attribute 'x': its type says that the value is in 's', but another member holds one");
  ATTR("\x0a\x01x\x18\x05\x15\0\0\0\0\xa0\x01\x02");
  BAD("attribute 'x' has more than one value");
  ATTR("\x18\x05\xa0\x01\x02");
  BAD("an attribute has no name");
  ATTR("\x0a\x01x");
  BAD("attribute 'x' has no known type (0)");
  ATTR("\x0a\x01x\xa0\x01\x63");
  BAD("attribute 'x' has no known type (99)");
  ATTR("\x0a\x01x\xa0\x01\x05");
  BAD("attribute 'x' has no value");
  ATTR("\x0a\x01x\xa0\x01\x02\x18\x05\xaa\x01\x01r");
  BAD("attribute 'x' has both a value and a reference");
  ATTR("\x0a\x01x\xa0\x01\x03"); /* a string that is empty and left out */
  assert_true(a.s.p && a.s.n == 0 && sx_proto_attr_check(&a, &err) == SX_OK);
  sx_arena_free(&arena);
}

static sx_proto_tensor tensor(int32_t type, int64_t *d, uint32_t rank) {
  return (sx_proto_tensor){.data_type = type, .dims = {d, rank, 0}, .name = {"t", 1}, .raw_data = {"", 0}};
}

/* Every type, three elements: the same from raw_data and from its typed field. */
static void test_every_type(void **state) {
  int64_t three[] = {3};
  for (int type = 1; type < SX_DTYPE_COUNT; type++) {
    uint8_t image[48], got[48], typed[480];
    size_t size, n = 0;
    sx_proto_tensor_info info;
    sx_proto_view view;
    sx_proto_tensor t = tensor(type, three, 1);
    if (type == SX_STRING) continue;
    assert_true(sx_dtype_bytes(type, 3, &size));
    const bool six = type == SX_F6E2M3 || type == SX_F6E3M2; /* packed there */
    for (size_t i = 0; i < size; i++) image[i] = type == SX_BOOL ? i & 1 : (uint8_t)(0x91 + 37 * i) & (six ? 63 : 255);
    const uint32_t bits = image[0] | (uint32_t)image[1] << 6 | (uint32_t)image[2] << 12;
    t.has = 1u << SX_TENSOR_RAW_DATA;
    t.raw_data = six ? (sx_str){(char *)&bits, 3} : (sx_str){(char *)image, size};
    assert_int_equal(sx_proto_tensor_check(&t, &info, &err), SX_OK);
    assert_int_equal(sx_proto_tensor_view(&t, &info, &view), !six);
    if (!six) assert_true(view.data == image && (uintptr_t)image % view.align == 0);
    assert_int_equal(sx_proto_tensor_fill(&t, &info, got, size, &err), SX_OK);
    assert_memory_equal(got, image, size);
    t.raw_data.n--;
    assert_int_equal(sx_proto_tensor_check(&t, &info, &err), SX_E_FAIL);

    uint32_t field = SX_TENSOR_INT32_DATA, width = sx_dtype_bits(type) / 8;
    if (type == SX_F32 || type == SX_C64) field = SX_TENSOR_FLOAT_DATA;
    if (type == SX_F64 || type == SX_C128) field = SX_TENSOR_DOUBLE_DATA;
    if (type == SX_I64) field = SX_TENSOR_INT64_DATA;
    if (type == SX_U32 || type == SX_U64) field = SX_TENSOR_UINT64_DATA;
    if (width == 0) width = 1;
    if (field == SX_TENSOR_FLOAT_DATA || field == SX_TENSOR_DOUBLE_DATA) {
      memcpy(typed, image, n = size);
    } else {
      for (size_t i = 0; i < size; i += width) {
        uint64_t v = 0;
        memcpy(&v, image + i, width);
        if (type == SX_I8) v = (uint64_t)(int64_t)(int8_t)v; /* ten bytes on the wire */
        for (; v >= 0x80; v >>= 7) typed[n++] = (uint8_t)(v | 0x80);
        typed[n++] = (uint8_t)v;
      }
    }
    t = tensor(type, three, 1);
    t.has = 1u << field;
    t.data = (sx_wire_packed){typed, n, 0};
    memset(got, 0, sizeof got);
    assert_int_equal(sx_proto_tensor_check(&t, &info, &err), SX_OK);
    assert_int_equal(info.bytes, size);
    assert_int_equal(sx_proto_tensor_view(&t, &info, &view),
                     field == SX_TENSOR_FLOAT_DATA || field == SX_TENSOR_DOUBLE_DATA);
    assert_int_equal(sx_proto_tensor_fill(&t, &info, got, size, &err), SX_OK);
    assert_memory_equal(got, image, size);
    assert_int_equal(sx_proto_tensor_fill(&t, &info, got, size + 1, &err), SX_E_INVALID_ARGUMENT);
    t.has = 1u << (field == SX_TENSOR_INT32_DATA ? SX_TENSOR_INT64_DATA : SX_TENSOR_INT32_DATA);
    assert_int_equal(sx_proto_tensor_check(&t, &info, &err), SX_E_FAIL);
  }
}

/* Four codes in three bytes, and a last group that is not whole. */
static void test_six_bits(void **state) {
  enum { MOST = 9 };
  for (size_t n = 1; n <= MOST; n++) {
    const uint8_t codes[MOST] = {1, 63, 32, 21, 42, 0, 31, 5, 60};
    uint8_t *packed = calloc((n * 6 + 7) / 8, 1), got[MOST]; /* of its own, so that reading past it is noticed */
    int64_t dims[] = {(int64_t)n};
    for (size_t i = 0; i < n * 6; i++) packed[i / 8] |= (uint8_t)((codes[i / 6] >> i % 6 & 1) << i % 8);
    sx_proto_tensor t = tensor(SX_F6E2M3, dims, 1);
    sx_proto_tensor_info info;
    t.has = 1u << SX_TENSOR_RAW_DATA;
    t.raw_data = (sx_str){(char *)packed, (n * 6 + 7) / 8};
    assert_int_equal(sx_proto_tensor_check(&t, &info, &err), SX_OK);
    assert_int_equal(info.bytes, n);
    assert_int_equal(sx_proto_tensor_fill(&t, &info, got, n, &err), SX_OK);
    assert_memory_equal(got, codes, n);
    free(packed);
  }
}

static void fails(const sx_proto_tensor *t, const char *text) {
  sx_proto_tensor_info info;
  assert_int_equal(sx_proto_tensor_check(t, &info, &err), SX_E_FAIL);
  assert_string_equal(err.msg, text);
}
static void test_tensor_check(void **state) {
  int64_t d[3] = {2, -3, 0};
  sx_proto_tensor_info info;
  sx_proto_tensor t = tensor(0, d, 1);
  fails(&t, "tensor 't' has element type 0, which this version does not know");
  t.data_type = 29;
  fails(&t, "tensor 't' has element type 29, which this version does not know");
  t = tensor(SX_F32, d, 2);
  fails(&t, "tensor 't': dimension 1 is -3");
  d[0] = d[1] = 1ll << 40;
  fails(&t, "tensor 't': the product of its dimensions overflows");
  d[1] = 1 << 22;
  fails(&t, "tensor 't': its size in bytes overflows");
  d[0] = 0;
  assert_int_equal(sx_proto_tensor_check(&t, &info, &err), SX_OK); /* empty and without data */
  assert_true(info.count == 0 && info.bytes == 0 && sx_proto_tensor_fill(&t, &info, NULL, 0, &err) == SX_OK);
  d[0] = 2;
  t = tensor(SX_F32, d, 1);
  fails(&t, "tensor 't' of type float: float_data has 0 entries, its shape asks for 2");
  t.has = 1u << SX_TENSOR_INT32_DATA;
  fails(&t, "tensor 't' of type float: its elements are in int32_data, expected in float_data or raw_data");
  t.has |= 1u << SX_TENSOR_FLOAT_DATA;
  fails(&t, "tensor 't' has more than one data field");
  t.has |= 1u << SX_TENSOR_RAW_DATA; /* raw_data wins */
  fails(&t, "tensor 't' of type float: raw_data has 0 bytes, its shape asks for 8");
  t = tensor(SX_I32, d, 1);
  t.has = 1u << SX_TENSOR_INT32_DATA;
  t.data = (sx_wire_packed){(const uint8_t *)"\x01\x80", 2, 0};
  fails(&t, "tensor 't': int32_data is not a whole number of varints");

  sx_str two[] = {{"a", 1}, {"", 0}}, got[2];
  t = tensor(SX_STRING, d, 1);
  t.string_data.at = two;
  t.string_data.n = 2;
  sx_proto_view view;
  assert_int_equal(sx_proto_tensor_check(&t, &info, &err), SX_OK);
  assert_false(sx_proto_tensor_view(&t, &info, &view));
  assert_int_equal(sx_proto_tensor_fill(&t, &info, got, sizeof got, &err), SX_OK);
  assert_true(sx_str_is(got[0], "a") && got[1].n == 0);
  t.data_location = 1;
  fails(&t, "tensor 't': strings cannot be external data");
}

static char folder[] = "/tmp/sx_proto_XXXXXX", model_path[64];
static sx_proto_pair where[4];
static sx_proto_tensor external(const char *location, const char *offset, const char *length) {
  static int64_t four[] = {4};
  sx_proto_tensor t = tensor(SX_F32, four, 1);
  uint32_t n = 0;
  if (location) where[n++] = (sx_proto_pair){0, SX_STR("location"), sx_str_c(location)};
  if (offset) where[n++] = (sx_proto_pair){0, SX_STR("offset"), sx_str_c(offset)};
  if (length) where[n++] = (sx_proto_pair){0, SX_STR("length"), sx_str_c(length)};
  t.data_location = 1;
  t.external_data.at = where;
  t.external_data.n = n;
  return t;
}
static sx_status find(sx_external *x, sx_proto_tensor t, sx_external_span *span) {
  sx_proto_tensor_info info;
  assert_int_equal(sx_proto_tensor_check(&t, &info, &err), SX_OK);
  assert_true(info.external);
  return sx_external_find(x, &t, &info, span, &err);
}
static void test_external(void **state) {
  float data[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  char path[64];
  sx_external x = {.base = model_path};
  sx_external_span s, s2;
  assert_non_null(mkdtemp(folder));
  snprintf(model_path, sizeof model_path, "%s/m.onnx", folder);
  snprintf(path, sizeof path, "%s/w.bin", folder);
  assert_int_equal(sx_write_file(path, data, sizeof data, &err), SX_OK);
  assert_int_equal(find(&x, external("w.bin", NULL, NULL), &s), SX_OK);
  assert_memory_equal(s.view.data, data, 16);
  assert_int_equal(find(&x, external("w.bin", "16", "16"), &s2), SX_OK);
  assert_true(s2.file == s.file && s2.view.data == s.view.data + 16 && x.files.n == 1 && s2.view.align == 16);
  static const struct {
    const char *location, *offset, *length;
  } bad[] = {
      {"w.bin", "17", NULL},
      {"w.bin", "64", NULL},
      {"w.bin", "0", "12"},
      {"w.bin", "-4", NULL},
      {"w.bin", "4x", NULL},
      {"w.bin", "", NULL},
      {"none.bin", "0", "16"},
      {"../w.bin", 0, 0},
      {"/etc/passwd", 0, 0},
      {"", 0, 0},
      {NULL, 0, 0},
      {"w.bin", "9223372036854775807", NULL},
      {"w.bin", "99999999999999999999", NULL},
      {".", 0, 0},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(find(&x, external(bad[i].location, bad[i].offset, bad[i].length), &s), SX_E_FAIL);
    assert_int_equal(err.code, SX_E_FAIL);
    assert_non_null(strstr(err.msg, "tensor 't'"));
  }
  sx_proto_tensor t = external("w.bin", NULL, NULL);
  where[t.external_data.n++] = (sx_proto_pair){0, SX_STR("lenght"), SX_STR("16")};
  assert_int_equal(find(&x, t, &s), SX_E_FAIL);
  where[1].key = SX_STR("checksum");
  assert_int_equal(find(&x, t, &s), SX_OK);
  assert_int_equal(sx_external_add(&x, SX_STR("mem"), data, sizeof data, &err), SX_OK);
  assert_int_equal(sx_external_add(&x, SX_STR("mem"), data, sizeof data, &err), SX_E_INVALID_ARGUMENT);
  assert_int_equal(find(&x, external("mem", "4", NULL), &s), SX_OK);
  assert_ptr_equal(s.view.data, data + 1);
  sx_external_free(&x);
  unlink(path);
  rmdir(folder);
}

static void test_move_external(void **state) {
  sx_text bytes, data = {0}, again;
  sx_arena arena = {0};
  sx_proto_model *m;
  sx_external x = {0};
  sx_proto_tensor_info info;
  sx_external_span s;
  encode(&sample, &bytes);
  assert_int_equal(sx_proto_parse_model(bytes.p, bytes.n, &arena, &m, &err), SX_OK);
  /* 'v' says it is a scalar but has three numbers: the mistake is found, not written */
  assert_int_equal(sx_proto_move_external(m, SX_STR("w"), 16, 64, &arena, &data, &err), SX_E_FAIL);
  data.n = 0;
  assert_int_equal(sx_proto_parse_model(bytes.p, bytes.n, &arena, &m, &err), SX_OK);
  sx_proto_graph *graphs[2] = {m->graph, m->graph->node.at[0].attribute.at[4].g};
  for (int i = 0; i < 2; i++) { /* the v of each graph, in the function's body too, becomes three numbers */
    sx_proto_tensor *v = &graphs[i]->initializer.at[1];
    v->dims.at = ints;
    v->dims.n = 0;
    v->data.n = 1;
  }
  m->functions.n = 0;
  assert_int_equal(sx_proto_move_external(m, SX_STR("w"), 8, 64, &arena, &data, &err), SX_OK);
  assert_int_equal(data.n, 64 * 3 + 8);
  encode(m, &again);
  sx_arena other = {0};
  assert_int_equal(sx_proto_parse_model(again.p, again.n, &other, &m, &err), SX_OK);
  assert_int_equal(sx_external_add(&x, SX_STR("w"), data.p, data.n, &err), SX_OK);
  const sx_proto_tensor *t = m->graph->initializer.at;
  assert_int_equal(sx_proto_tensor_check(&t[0], &info, &err), SX_OK);
  assert_int_equal(sx_external_find(&x, &t[0], &info, &s, &err), SX_OK);
  assert_memory_equal(s.view.data, raw, 24);
  assert_int_equal(sx_proto_tensor_check(&t[1], &info, &err), SX_OK);
  assert_int_equal(sx_external_find(&x, &t[1], &info, &s, &err), SX_OK);
  int64_t one;
  memcpy(&one, s.view.data, 8);
  assert_true(one == 1 && s.offset == 64);
  sx_external_free(&x);
  sx_arena_free(&arena);
  sx_arena_free(&other);
  sx_text_free(&bytes);
  sx_text_free(&again);
  sx_text_free(&data);
}

/* Every allocation fails once: a status each time, and nothing is left behind. */
typedef struct counter {
  uint32_t calls, fail_at;
  size_t live;
} counter;
static bool fails_now(void *ctx) { return ++((counter *)ctx)->calls == ((counter *)ctx)->fail_at; }
static void *count_alloc(void *ctx, size_t size, size_t align) {
  if (fails_now(ctx)) return NULL;
  ((counter *)ctx)->live++;
  return aligned_alloc(align, sx_round_up(size ? size : 1, align));
}
static void count_free(void *ctx, void *p, size_t size, size_t align) {
  if (p) ((counter *)ctx)->live--;
  free(p);
}
static void test_no_memory(void **state) {
  sx_text bytes;
  encode(&sample, &bytes);
  uint8_t *in = malloc(bytes.n);
  size_t n = bytes.n;
  memcpy(in, bytes.p, n);
  sx_text_free(&bytes);
  counter c = {0};
  sx_allocator a = {&c, count_alloc, count_free, fails_now};
  sx_status s = SX_E_NO_MEMORY;
  sx_heap_set(&a);
  for (c.fail_at = 1; s == SX_E_NO_MEMORY; c.fail_at++) {
    sx_arena arena = {0};
    sx_proto_model *m;
    sx_text out = {0};
    sx_external x = {0};
    c.calls = 0;
    s = sx_proto_parse_model(in, n, &arena, &m, &err);
    if (s == SX_OK) s = sx_proto_write_model(m, &out, &err);
    if (s == SX_OK) s = sx_external_add(&x, SX_STR("w"), in, n, &err);
    if (s == SX_OK && sx_proto_move_external(m, SX_STR("w"), 8, 64, &arena, &out, &err) == SX_E_NO_MEMORY)
      s = SX_E_NO_MEMORY;
    sx_text_free(&out);
    sx_external_free(&x);
    sx_arena_free(&arena);
    assert_int_equal(c.live, 0);
  }
  sx_heap_set(NULL);
  assert_int_equal(s, SX_OK);
  assert_true(c.fail_at > 5);
  free(in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_damaged),      cmocka_unit_test(test_attr),
      cmocka_unit_test(test_every_type),    cmocka_unit_test(test_six_bits),     cmocka_unit_test(test_tensor_check), cmocka_unit_test(test_external),
      cmocka_unit_test(test_move_external), cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
