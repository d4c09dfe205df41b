// SPDX-License-Identifier: MIT
/* The wire reader over a small message of its own: every kind of field, every way to be malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "onnx/wire.h"

typedef struct leaf {
  uint32_t has;
  int64_t x;
  sx_str s;
} leaf;
typedef struct node {
  uint32_t has;
  int32_t small;
  int64_t big;
  float f;
  sx_str s;
  struct node *child;
  leaf in;
  SX_WIRE_LIST(int64_t) ints;
  SX_WIRE_LIST(float) floats;
  SX_WIRE_LIST(sx_str) strings;
  SX_WIRE_LIST(leaf) leaves;
  sx_wire_packed varints, words;
  union {
    int64_t a;
    sx_str b;
    SX_WIRE_LIST(int64_t) c;
  };
} node;

static const sx_wire_field leaf_fields[] = {
    [1] = {SX_WIRE_INT64, false, offsetof(leaf, x), "x", NULL},
    [2] = {SX_WIRE_STRING, false, offsetof(leaf, s), "s", NULL},
};
static const sx_wire_message leaf_message = {"Leaf", sizeof(leaf), 3, 0, 0, 0, leaf_fields, NULL};
static const sx_wire_message node_message;
static const sx_wire_field node_fields[] = {
    [1] = {SX_WIRE_INT32, false, offsetof(node, small), "small", NULL},
    [2] = {SX_WIRE_INT64, false, offsetof(node, big), "big", NULL},
    [3] = {SX_WIRE_FLOAT, false, offsetof(node, f), "f", NULL},
    [4] = {SX_WIRE_STRING, false, offsetof(node, s), "s", NULL},
    [5] = {SX_WIRE_MESSAGE, false, offsetof(node, child), "child", &node_message},
    [6] = {SX_WIRE_INLINE, false, offsetof(node, in), "in", &leaf_message},
    [7] = {SX_WIRE_INT64S, false, offsetof(node, ints), "ints", NULL},
    [8] = {SX_WIRE_FLOATS, false, offsetof(node, floats), "floats", NULL},
    [9] = {SX_WIRE_STRINGS, false, offsetof(node, strings), "strings", NULL},
    [10] = {SX_WIRE_MESSAGES, false, offsetof(node, leaves), "leaves", &leaf_message},
    [11] = {SX_WIRE_PACK_VARINT, false, offsetof(node, varints), "varints", NULL},
    [12] = {SX_WIRE_PACK_32, false, offsetof(node, words), "words", NULL},
    [13] = {SX_WIRE_INT64, true, offsetof(node, a), "a", NULL},
    [14] = {SX_WIRE_STRING, true, offsetof(node, b), "b", NULL},
    [15] = {SX_WIRE_INT64S, true, offsetof(node, c), "c", NULL},
};
static const sx_wire_message node_message = {"Node",         sizeof(node), 16,  7u << 13, offsetof(node, a),
                                             sizeof(sx_str), node_fields,  NULL};

/* A copy of the bytes without room behind them, so that a sanitizer sees an overread. */
static uint8_t *input;
static sx_arena arena;
static sx_err err;
static sx_status decode(node *n, const char *bytes, size_t size) {
  sx_arena_reset(&arena);
  free(input);
  input = malloc(size ? size : 1);
  memcpy(input, bytes, size);
  err = (sx_err){0};
  return sx_wire_decode(&node_message, input, size, &arena, n, &err);
}
#define DECODE(n, lit) decode((n), (lit), sizeof(lit) - 1)
static void refuse(const char *bytes, size_t size, const char *message) {
  node n;
  assert_int_equal(decode(&n, bytes, size), SX_E_INVALID_PROTOBUF);
  assert_string_equal(err.msg, message);
}
#define REFUSE(lit, message) refuse((lit), sizeof(lit) - 1, (message))

static void test_scalars(void **state) {
  node n;
  assert_int_equal(DECODE(&n, ""), SX_OK);
  assert_true(n.has == 0 && n.s.n == 0 && n.s.p && n.in.s.p && !n.child);
  assert_int_equal(DECODE(&n, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x80\x01\x1d\0\0\x80\x3f\x22\x02hi"), SX_OK);
  assert_true(n.small == -1 && n.big == 128 && n.f == 1.0f && sx_str_is(n.s, "hi") && n.has == 0x1e);
  assert_true((const uint8_t *)n.s.p > input && (const uint8_t *)n.s.p < input + 64); /* no copy */
  assert_int_equal(DECODE(&n, "\x10\x01\x10\x02\x22\x01x\x22\x01y"), SX_OK);          /* the last one wins */
  assert_true(n.big == 2 && sx_str_is(n.s, "y"));
}

static void test_lists(void **state) {
  node n;
  assert_int_equal(DECODE(&n, "\x38\x01\x3a\x03\x02\x80\x01\x38\x03"), SX_OK); /* by tag, packed, by tag */
  assert_int_equal(n.ints.n, 4);
  assert_true(n.ints.at[0] == 1 && n.ints.at[1] == 2 && n.ints.at[2] == 128 && n.ints.at[3] == 3);
  assert_int_equal(n.ints.cap, 4);
  assert_int_equal(DECODE(&n, "\x45\0\0\x80\x3f\x42\x08\0\0\0\x40\0\0\0\x3f"), SX_OK);
  assert_true(n.floats.n == 3 && n.floats.at[0] == 1 && n.floats.at[1] == 2 && n.floats.at[2] == 0.5f);
  assert_int_equal(DECODE(&n, "\x4a\0\x10\x05\x4a\x01z\x42\0\x3a\0"), SX_OK);
  assert_true(n.strings.n == 2 && n.strings.at[0].n == 0 && sx_str_is(n.strings.at[1], "z") && n.ints.n == 0 &&
              n.floats.n == 0);
  assert_int_equal(DECODE(&n, "\x52\0\x52\x02\x08\x07\x52\x03\x12\x01q"), SX_OK);
  assert_true(n.leaves.n == 3 && n.leaves.at[0].s.p && n.leaves.at[1].x == 7 && sx_str_is(n.leaves.at[2].s, "q"));
}

static void test_packed(void **state) {
  node n;
  assert_int_equal(DECODE(&n, "\x5a\x03\x01\x80\x01"), SX_OK);
  assert_true(n.varints.n == 3 && n.varints.cap == 0 && n.varints.p == input + 2);
  assert_int_equal(DECODE(&n, "\x58\x01\x5a\x02\x80\x01\x10\x01\x58\xac\x02"), SX_OK); /* joined in the arena */
  assert_true(n.varints.n == 5 && memcmp(n.varints.p, "\x01\x80\x01\xac\x02", 5) == 0);
  size_t count;
  assert_true(sx_wire_count_varints(n.varints.p, n.varints.n, &count) && count == 3);
  assert_false(sx_wire_count_varints(n.varints.p, 4, &count));
  assert_false(sx_wire_count_varints((const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, &count));
  assert_int_equal(DECODE(&n,
                          "\x65"
                          "abcd\x62\x04"
                          "efgh\x62\0"),
                   SX_OK);
  assert_true(n.words.n == 8 && memcmp(n.words.p, "abcdefgh", 8) == 0);
}

static void test_messages(void **state) {
  node n;
  assert_int_equal(DECODE(&n, "\x2a\x04\x10\x01\x38\x05\x32\x02\x08\x09\x2a\x02\x38\x06\x2a\x05\x08\x03\x38\x07\x10"),
                   SX_E_INVALID_PROTOBUF);
  assert_int_equal(DECODE(&n, "\x2a\x04\x10\x01\x38\x05\x32\x02\x08\x09\x2a\x02\x38\x06\x2a\x04\x08\x03\x38\x07"), SX_OK);
  assert_true(n.in.x == 9 && n.child && n.child->big == 1 && n.child->small == 3); /* a message given thrice is merged */
  assert_true(n.child->ints.n == 3 && n.child->ints.at[0] == 5 && n.child->ints.at[1] == 6 && n.child->ints.at[2] == 7);
}

static void test_oneof(void **state) {
  node n;
  assert_int_equal(DECODE(&n, "\x68\x07"), SX_OK);
  assert_true(n.a == 7 && n.has == 1u << 13);
  assert_int_equal(DECODE(&n, "\x68\x07\x72\x01k"), SX_OK);
  assert_true(sx_str_is(n.b, "k") && n.has == (1u << 14 | 1));
  enum { N = 3000 }; /* members by turns: linear memory */
  static char by_turns[4 * N];
  for (int i = 0; i < N; i++) memcpy(by_turns + 4 * i, "\x78\x01\x68\x02", 4);
  assert_int_equal(decode(&n, by_turns, sizeof by_turns), SX_OK);
  assert_true(n.a == 2 && (n.has & 1));
  assert_true(arena.used < 64 * N);
  assert_int_equal(decode(&n, by_turns, sizeof by_turns - 2), SX_OK);
  assert_true(n.c.n == 1 && n.c.at[0] == 1);
}

static void test_unknown(void **state) {
  node n;
  /* fields 16 to 20 of every wire type, a group with a group inside, a field number of five bytes */
  assert_int_equal(DECODE(&n,
                          "\x80\x01\x05\x89\x01"
                          "12345678\x92\x01\x03"
                          "abc\x9d\x01"
                          "1234\xa3\x01\x08\x01\x0b\x0c\xa4\x01"
                          "\xf8\xff\xff\xff\x0f\x01\x10\x09"),
                   SX_OK);
  assert_int_equal(n.big, 9);
}

static void test_refused(void **state) {
  REFUSE("\x10", "Node.big at byte 0: the varint is cut short or longer than 10 bytes");
  REFUSE("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
         "Node.big at byte 0: the varint is cut short or longer than 10 bytes");
  REFUSE("\x10\x01\x80", "Node at byte 2: the tag is cut short or too long");
  REFUSE("\xff\xff\xff\xff\x7f\x01", "Node at byte 0: the tag is cut short or too long");
  REFUSE("\x02\x01", "Node at byte 0: field number 0");
  REFUSE(
      "\x22\x05"
      "abcd",
      "Node.s at byte 0: the length runs past the end of the message");
  REFUSE("\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "Node.s at byte 0: the length runs past the end of the message");
  REFUSE("\x2a\x02\x22\x01x", "Node.s at byte 2: the length runs past the end of the message");
  REFUSE("\x1d\0\0\0", "Node.f at byte 0: the value is cut short");
  REFUSE("\x10\x01\x20\x01", "Node.s at byte 2: a varint where a length-delimited value is expected");
  REFUSE("\x15\x01\0\0\0", "Node.big at byte 0: a 32-bit value where a varint is expected");
  REFUSE("\x2b\x2c", "Node.child at byte 0: a group where a length-delimited value is expected");
  REFUSE("\x3a\x02\x01\x80", "Node.ints at byte 0: the packed payload is not a whole number of values");
  REFUSE("\x42\x03\0\0\0", "Node.floats at byte 0: the packed payload is not a whole number of values");
  REFUSE("\x62\x03\0\0\0", "Node.words at byte 0: the packed payload is not a whole number of values");
  REFUSE("\x0e\x01", "Node.small at byte 0: a wire type that does not exist");
  REFUSE("\x0c", "Node.small at byte 0: a group ends that was never opened");
  REFUSE("\xa3\x01\x0b", "Node, unknown field 20 at byte 0: the group is not closed");
  REFUSE("\xa3\x01\x0c", "Node, unknown field 20 at byte 0: the group is closed by another field's number");
  node n;
  assert_int_equal(sx_wire_decode(&node_message, NULL, 1, &arena, &n, &err), SX_E_INVALID_ARGUMENT);
  assert_int_equal(sx_wire_decode(&node_message, NULL, 0, &arena, &n, NULL), SX_OK);
}

/* A message in a message in a message ... `depth` of them in all; the lengths need up to three bytes. */
static size_t nest(char *to, uint32_t depth) {
  size_t n = 0;
  static char tmp[1 << 14];
  for (uint32_t i = 1; i < depth; i++) {
    size_t head = 1;
    char h[4] = {0x2a};
    for (size_t v = n; head == 1 || v; v >>= 7) h[head++] = (char)((v & 0x7f) | (v >> 7 ? 0x80 : 0));
    memmove(tmp + head, tmp, n);
    memcpy(tmp, h, head);
    n += head;
  }
  memcpy(to, tmp, n);
  return n;
}
static void test_depth(void **state) {
  static char bytes[1 << 14];
  node n;
  size_t size = nest(bytes, SX_WIRE_MAX_DEPTH);
  assert_int_equal(decode(&n, bytes, size), SX_OK);
  uint32_t depth = 1;
  for (const node *c = n.child; c; c = c->child) depth++;
  assert_int_equal(depth, SX_WIRE_MAX_DEPTH);
  size = nest(bytes, SX_WIRE_MAX_DEPTH + 1);
  assert_int_equal(decode(&n, bytes, size), SX_E_INVALID_PROTOBUF);
  assert_non_null(strstr(err.msg, "nested too deeply"));
  memset(bytes, 0xa3, 200); /* groups without end: tag 0x01a3 */
  for (int i = 1; i < 200; i += 2) bytes[i] = 0x01;
  refuse(bytes, 200, "Node, unknown field 20 at byte 0: groups are nested too deeply");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_scalars),  cmocka_unit_test(test_lists), cmocka_unit_test(test_packed),
      cmocka_unit_test(test_messages), cmocka_unit_test(test_oneof), cmocka_unit_test(test_unknown),
      cmocka_unit_test(test_refused),  cmocka_unit_test(test_depth),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  sx_arena_free(&arena);
  free(input);
  return failed;
}
