# SPDX-License-Identifier: MIT
"""Writes device_models.h: the models that device_test.c runs on the CPU and on a provider, and compares. Needs the onnx package;
run by hand when one changes."""
from onnx import parser

from make_models import write

HEAD = '<ir_version: 8, opset_import: ["" : 17, "test.device" : 1]>\n'
MODELS = {
    "chain": """g (float[4,4] x) => (float[4,4] y, float[4,4] z) <float[4,4] w = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}, float half = {0.5}>
        { a = Add(x, w)  b = Mul(a, half)  y = Relu(b)  z = Sub(y, x) }""",
    # memories change at every node
    "mixed": """g (float[4,4] x) => (float[4,4] y, float[4,4] z)
        { a = Add(x, x)  b = Exp(a)  c = Mul(b, a)  y = Neg(c)  d = Relu(c)  z = Sub(d, y) }""",
    "dense": """g (float[N,4] x) => (float[N,2] y) <float[4,2] w = {1,-2,3,-4,5,-6,7,-8}, float[2] b = {0.5,0.25}>
        { a = MatMul(x, w)  c = Add(a, b)  y = Relu(c) }""",
    # a shape is computed with the host, in part by the device
    "shapes": """g (float[N,4] x) => (float[M,2] y, int64[2] s) <int64[2] k = {2,1}, int64[2] minus = {0,1}, int64[1] two = {2}, int64[1] zero = {0}>
        { t = Shape(x)  u = Mul(t, k)  rows = Gather(u, zero)  s = Add(t, minus)  v = Concat<axis=0>(rows, two)  a = Add(x, x)  r = Reshape(a, v)  y = Relu(r) }""",
    "conv": """g (float[1,2,5,5] x) => (float[1,2,5,5] y) <float[2,2,3,3] w = {1,2,3,4,5,6,7,8,9,9,8,7,6,5,4,3,2,1,1,0,1,0,1,0,1,0,1,-1,0,-1,0,-1,0,-1,0,-1}>
        { a = Conv<pads=[1,1,1,1]>(x, w)  b = Relu(a)  c = Conv<pads=[1,1,1,1]>(b, w)  y = Add(c, x) }""",
    "branches": """g (bool go, float[4,4] x) => (float[4,4] y, float[4,4] z)
        { a = Add(x, x)
          b, c = If(go) <then_branch = t () => (float[4,4] p, float[4,4] q) { p = Mul(a, x)  q = Exp(x) },
                         else_branch = e () => (float[4,4] p, float[4,4] q) { p = Identity(a)  r = Exp(a)  q = Sub(r, x) }>
          y = Add(b, c)  z = Neg(b) }""",
    "loop": """g (int64 n, float[4,4] x) => (float[4,4] y, float[K,4,4] all, float[L,4] rows) <int64[1] zero = {0}, float[4,4] w = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}, float small = {0.125}>
        { a = Mul(x, small)
          b, all, rows = Loop(n, , a) <body = body (int64 i, bool on, float[4,4] s) => (bool still, float[4,4] next, float[4,4] each, float[4] row) <int64 last = {3}>
              { c = Mul(s, w)  d = Mul(c, small)  next = Add(d, x)  each = Exp(d)  row = ReduceSum<keepdims=0>(next, zero)  still = Less(i, last) }>
          y = Relu(b) }""",
    # the condition is computed where the state is
    "while": """g (float x, float limit) => (float y, float[K] seen) <bool yes = {1}, float two = {2}>
        { y, seen = Loop(, yes, x) <body = body (int64 i, bool on, float s) => (bool still, float next, float each)
              { next = Add(s, two)  each = Mul(next, next)  still = Less(next, limit) }> }""",
    # what goes in comes out, and nothing may happen at all
    "untouched": """g (int64 n, float[4,4] x, float[4,4] v) => (float[4,4] y, float[4,4] z, float[4,4] u)
        { a = Add(x, v)
          y, z = Loop(n, , a, v) <body = body (int64 i, bool on, float[4,4] s, float[4,4] t) => (bool on, float[4,4] t, float[4,4] s) { }>
          u = Sub(y, z) }""",
    "scan": """g (float[4] x, float[3,4] rows) => (float[4] y, float[3,4] sums)
        { y, sums = Scan(x, rows) <num_scan_inputs=1, body = body (float[4] s, float[4] row) => (float[4] next, float[4] out)
              { next = Add(s, row)  out = Mul(next, row) }> }""",
    "columns": """g (float[3] x, float[3,4] m) => (float[3] y, float[3,4] sums, float[4,3] again)
        { y, sums, again = Scan(x, m)
              <num_scan_inputs=1, scan_input_axes=[1], scan_input_directions=[1], scan_output_axes=[1,0], scan_output_directions=[0,1], body = body (float[3] s, float[3] column) => (float[3] next, float[3] out, float[3] other)
              { next = Add(s, column)  out = Mul(next, column)  other = Exp(column) }> }""",
    "nested": """g (int64 n, bool go, float[4,4] x) => (float[4,4] y)
        { a = Add(x, x)
          y = Loop(n, , a) <body = body (int64 i, bool on, float[4,4] s) => (bool on, float[4,4] next)
              { b = Mul(s, x)
                next = If(go) <then_branch = t () => (float[4,4] p) { q = Add(b, a)  p = Sub(q, s) },
                               else_branch = e () => (float[4,4] p) { r = Tanh(b)  p = Add(r, x) }> }> }""",
    "sequences": """g (float[4,4] x, int64 at) => (float[4,4] y, int64 length, seq(float[4,4]) out)
        { a = Add(x, x)  b = Mul(a, x)  q = SequenceConstruct(a, b, x)  e = SequenceAt(q, at)  y = Relu(e)  out = SequenceInsert(q, y)  length = SequenceLength(out) }""",
    # a sequence is the state of the loop
    "collect": """g (int64 n, float[4,4] x) => (float[K,4] y)
        { q = SequenceEmpty()
          r, s = Loop(n, , q, x) <body = body (int64 i, bool on, seq(float[4,4]) c, float[4,4] v) => (bool on, seq(float[4,4]) d, float[4,4] w)
              { w = Add(v, x)  d = SequenceInsert(c, w) }>
          t = SequenceInsert(r, s)  j = ConcatFromSequence<axis=0>(t)  y = Mul(j, j) }""",
    # a row of what is scanned is the next state, and the result
    "turns": """g (float[3] s, float[3,4] x) => (float[3] f, float[3,4] e, float[3] z, float[4,3] y)
        { r = Add(x, x)
          f, y = Scan(s, r) <num_scan_inputs=1, scan_input_axes=[1], body = body (float[3] t, float[3] c) => (float[3] c, float[3] u) { u = Add(t, c) }>
          a = Mul(r, r)  b = Add(a, r)  e = Mul(b, r)  z = Add(f, f) }""",
    # a state that nobody touches, and the last row
    "passed": """g (float[4] s, float[3,4] x) => (float[4] f, float[4] l)
        { f, l = Scan(s, s, x) <num_scan_inputs=1, body = body (float[4] t, float[4] u, float[4] c) => (float[4] t, float[4] c) { }> }""",
    # an output is made by a body, not by a node that could write it where it is wanted
    "either": """g (int64 n, float[4] x) => (float[4] y)
        { c = Cast<to=9>(n)
          y = If(c) <then_branch = t () => (float[4] p) { a = Add(x, x)  b = Add(a, a)  p = Add(b, b) }, else_branch = e () => (float[4] q) { q = Mul(x, x) }> }""",
    # the content of a computed shape is known
    "again": """g (float[3,4] x) => (float[3,4] y) { a = Add(x, x)  s = Shape(a)  y = Reshape(a, s) }""",
    "words": """g (string[2] s, float[4,4] x) => (string[2] t, float[4,4] y) { t = Identity(s)  y = Add(x, x) }""",
    "integers": """g (int64[4] n, float[4,4] x) => (int64[4] m, float[4,4] y) <int64[4] k = {1,2,3,4}> { m = Add(n, k)  l = Cast<to=1>(m)  y = Mul(x, l) }""",
}
TRIPLE = "g (float[4,4] x) => (float[4,4] y) { a = Add(x, x)  b = test.device.Triple(a)  y = Neg(b) }"
# planned anew for each rank, as Softmax was before version 13
RANKS = """<ir_version: 8, opset_import: ["" : 11]>
g (float[] x) => (float[] y) { a = Add(x, x)  s = Softmax(a)  b = Mul(s, a)  y = Relu(b) }"""

# what a function of the model's own says, twice, one inside of the other
CALLED = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
g (float[4,4] x) => (float[4,4] y) { a = own.Twice(x)  b = Exp(a)  y = own.Fourfold(b) }
<domain: "own", opset_import: ["" : 17]> Twice (s) => (t) { t = Add(s, s) }
<domain: "own", opset_import: ["" : 17, "own" : 1]> Fourfold (s) => (t) { u = own.Twice(s)  t = own.Twice(u) }"""


if __name__ == "__main__":
    write("device_models.h", "Models for a provider, written by make_device_models.py: what each is stands there.",
          [("device_" + name, parser.parse_model(HEAD + text)) for name, text in (MODELS | {"triple": TRIPLE}).items()]
          + [("device_ranks", parser.parse_model(RANKS)), ("device_called", parser.parse_model(CALLED))])
