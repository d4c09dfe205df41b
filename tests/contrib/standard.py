#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Cases that ONNX's suite does not ask of operators that are said in others: Einsum, Scan-8, Gradient, old forms, strings.

    standard.py OUT         OUT/<case>/{model.onnx, test_data_set_0/{input,output}_K.pb}, OUT/tolerances.txt

What is expected is computed with numpy: gradients by differences in float64.
"""
import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

OUT = pathlib.Path(sys.argv[1])
TRAINING = "ai.onnx.preview.training"
rng = np.random.default_rng(7)
node = helper.make_node


def info(name, array, dims=None):
    dtype = TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_value_info(name, dtype, array.shape if dims is None else dims)


def case(name, nodes, inputs, outputs, opset=18, names=None, dims=None, constants=(), more=()):
    """`more`: further data sets, (inputs, outputs) each, for the same session."""
    names = names or [f"x{i}" for i in range(len(inputs))]
    outputs = [np.asarray(o) for o in outputs]
    open_outputs = [info(f"y{i}", o) for i, o in enumerate(outputs)]
    for o in open_outputs:
        o.type.tensor_type.ClearField("shape")
    graph = helper.make_graph(nodes, "g", [info(n, a, dims and dims[i]) for i, (n, a) in enumerate(zip(names, inputs))], open_outputs,
                              [numpy_helper.from_array(v, k) for k, v in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(TRAINING, 1)], ir_version=8)
    for n, (given, wanted) in enumerate([(inputs, outputs), *more]):
        data = OUT / name / f"test_data_set_{n}"
        data.mkdir(parents=True)
        for kind, values in (("input", given), ("output", wanted)):
            for i, value in enumerate(values):
                (data / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(value)).SerializeToString())
    onnx.save(model, OUT / name / "model.onnx")


def many_inputs():
    """More than a kernel takes at once."""
    for op, of in (("Sum", np.sum), ("Max", np.max), ("Min", np.min), ("Mean", np.mean)):
        for count in (33, 200):
            for dtype in (np.float32, np.float64, np.float16):
                inputs = [rng.standard_normal((2, 3) if i % 3 else (3,)).astype(dtype) for i in range(count)]
                wide = np.stack(np.broadcast_arrays(*inputs)).astype(np.float64)
                case(f"{op.lower()}_of_{count}_{np.dtype(dtype).name}", [node(op, [f"x{i}" for i in range(count)], ["y0"])], inputs, [of(wide, axis=0).astype(dtype)])


def einsum():
    equations = """ij,jk->ik  ...ii->...i  ii  iij->j  i,i  i,j->ij  ij,jk,kl->il  ...ij,...jk->...ik  bhid,bhjd->bhij  ij->ji  ij->  ba
                   aibi,ib->a  ij,ij->i  i,i,i->i  iii->i  Ab,bA  ,ij->ij  ...,...->...  abc,cde,ef->abdf  ij,kj->""".split()
    sizes = dict(zip("abcdefhijklA", (2, 3, 4, 5, 2, 3, 2, 3, 4, 5, 6, 2)))
    for k, equation in enumerate(equations):
        shapes = [[7 if c == "." else sizes[c] for c in t.replace("...", ".")] for t in equation.split("->")[0].split(",")]
        symbols = [["e" if c == "." else f"size_{c}" for c in t.replace("...", ".")] for t in equation.split("->")[0].split(",")]
        for dtype in (np.float32, np.float64, np.int8, np.uint16, np.int64):
            whole = np.issubdtype(dtype, np.integer)
            inputs = [(rng.integers(0, 5, s) if whole else rng.standard_normal(s)).astype(dtype) for s in shapes]
            expected = np.einsum(equation, *[x.astype(np.int64 if whole else np.float64) for x in inputs])
            for dims in (None, symbols):
                case(f"einsum_{k}_{np.dtype(dtype).name}{'_open' if dims else ''}", [node("Einsum", [f"x{i}" for i in range(len(inputs))], ["y0"], equation=equation)],
                     inputs, [np.asarray(expected).astype(dtype)], 12, dims=dims)


def scan8():
    batch, steps = 2, 4
    body = helper.make_graph([node("Add", ["s", "a"], ["t"]), node("Mul", ["t", "x3"], ["u"]), node("Identity", ["u"], ["o"]), node("Sub", ["a", "b"], ["p"])], "b",
                             [helper.make_tensor_value_info(n, TensorProto.FLOAT, [3]) for n in "sab"],
                             [helper.make_tensor_value_info(n, TensorProto.FLOAT, [3]) for n in "uop"])
    for name, lengths in (("all", None), ("some", [4, 2])):
        for directions in ([0, 0], [0, 1], [1, 1]):
            s, a, b, k = [rng.standard_normal(d).astype(np.float32) for d in ((batch, 3), (batch, steps, 3), (batch, steps, 3), (3,))]
            last, o, p = s.copy(), np.zeros_like(a), np.zeros_like(a)
            for i in range(batch):
                n = lengths[i] if lengths else steps
                u, v = [x[i, :n][::-1] if d else x[i, :n] for x, d in zip((a, b), directions)]
                for t in range(n):
                    last[i] = (last[i] + u[t]) * k
                    o[i, t], p[i, t] = last[i], u[t] - v[t]
            inputs, names = [s, a, b, k], ["x0", "x1", "x2", "x3"]
            if lengths:
                inputs, names = inputs + [np.array(lengths)], names + ["len"]
            scan = node("Scan", ["len" if lengths else "", "x0", "x1", "x2"], ["y0", "y1", "y2"], num_scan_inputs=2, directions=directions, body=body)
            case(f"scan8_{name}_{directions[0]}{directions[1]}", [scan], inputs, [last, o, p], 8, names)


def gradients():
    def one(name, nodes, inputs, constants=()):
        names = [f"x{i}" for i in range(len(inputs))]
        forward = helper.make_model(helper.make_graph(nodes, "g", [info(n, a) for n, a in zip(names, inputs)], [helper.make_tensor_value_info("y", TensorProto.DOUBLE, None)],
                                                      [numpy_helper.from_array(v, k) for k, v in constants]), opset_imports=[helper.make_opsetid("", 18)])
        reference, expected = ReferenceEvaluator(forward), []
        for i, x in enumerate(inputs):
            d = np.zeros_like(x)
            for k in np.ndindex(*x.shape):
                ends = []
                for h in (1e-6, -1e-6):
                    moved = [v.copy() for v in inputs]
                    moved[i][k] += h
                    ends.append(np.sum(reference.run(None, dict(zip(names, moved)))[0]))
                d[k] = (ends[0] - ends[1]) / 2e-6
            expected.append(d)
        case("gradient_" + name, nodes + [node("Gradient", names, [f"y{i}" for i in range(len(inputs))], domain=TRAINING, xs=names, y="y")], inputs, expected, constants=constants)

    def weighted(name, inputs, shape, constants=(), op=None, **attrs):
        inner = [f"x{i}" for i in range(len(inputs))] + [k for k, _ in constants]
        one(name, [node(op, inner, ["t"], **attrs), node("Mul", ["t", "w"], ["y"])], inputs, [*constants, ("w", rng.standard_normal(shape))])

    positive = lambda *s: rng.uniform(0.5, 2, s)
    for op in "Exp Log Sqrt Reciprocal Abs Sin Cos Relu Sigmoid Tanh Softplus Neg Identity".split():
        one(op.lower(), [node(op, ["x0"], ["y"])], [positive(2, 3)])
    for op in "Add Sub Mul Div Pow".split():
        one(op.lower(), [node(op, ["x0", "x1"], ["y"])], [positive(2, 1, 3), positive(4, 1)])
    for k, (a, b, y) in enumerate([((2, 3), (3, 4), (2, 4)), ((5, 2, 3), (3, 4), (5, 2, 4)), ((3,), (5, 3, 4), (5, 4)), ((5, 2, 3), (3,), (5, 2)), ((3,), (3,), ())]):
        weighted(f"matmul_{k}", [positive(*a), positive(*b)], y, op="MatMul")
    for k in range(4):
        ta, tb = k & 1, k >> 1
        weighted(f"gemm_{k}", [positive(*((3, 2) if ta else (2, 3))), positive(*((4, 3) if tb else (3, 4))), positive(4)], (2, 4), op="Gemm", alpha=0.5, beta=2.0, transA=ta, transB=tb)
    weighted("transpose", [positive(2, 3, 4)], (4, 2, 3), op="Transpose", perm=[2, 0, 1])
    weighted("reshape", [positive(2, 3, 4)], (6, 4), [("s", np.array([6, 4]))], op="Reshape")
    weighted("sum", [positive(2, 3, 4)], (2, 4), [("s", np.array([1]))], op="ReduceSum", keepdims=0)
    weighted("mean", [positive(2, 3, 4)], (1, 3, 1), [("s", np.array([0, 2]))], op="ReduceMean")
    weighted("softmax", [positive(2, 3, 4)], (2, 3, 4), op="Softmax", axis=1)
    weighted("log_softmax", [positive(2, 3, 4)], (2, 3, 4), op="LogSoftmax")


def old_forms():
    x = rng.standard_normal((1, 3, 6, 5)).astype(np.float32)
    for op, attrs, y in (("Affine", {"alpha": 2.0, "beta": 0.5}, 2 * x + 0.5), ("Scale", {"scale": 2.0}, 2 * x), ("ScaledTanh", {"alpha": 2.0, "beta": 0.5}, 2 * np.tanh(x / 2)),
                         ("ParametricSoftplus", {"alpha": 2.0, "beta": 0.5}, 2 * np.log1p(np.exp(x / 2))), ("Crop", {"border": [1, 2, 1, 0]}, x[:, :, 2:, 1:-1]),
                         ("ImageScaler", {"scale": 2.0, "bias": [1.0, 2.0, 3.0]}, 2 * x + np.array([1, 2, 3], np.float32).reshape(3, 1, 1)),
                         ("Crop", {"border": [1, 2, 0, 0], "scale": [2, 3]}, x[:, :, 2:4, 1:4])):
        case(f"{op.lower()}_{len(attrs)}", [node(op, ["x0"], ["y0"], **attrs)], [x], [y], 9)


def strings():
    text = lambda *a: np.array(a, dtype=object)
    x = text("ÀÉÎ", "straße", "Hello", "ΑΒΓ", "Привет", "", "ǅ")
    case("lower", [node("StringNormalizer", ["x0"], ["y0"], case_change_action="LOWER", stopwords=["HELLO"])], [x], [text("àéî", "straße", "αβγ", "привет", "", "ǆ")], 10)
    case("upper", [node("StringNormalizer", ["x0"], ["y0"], case_change_action="UPPER", is_case_sensitive=1, stopwords=["HELLO"])], [x],
         [text("ÀÉÎ", "STRAßE", "HELLO", "ΑΒΓ", "ПРИВЕТ", "", "Ǆ")], 10)
    x = text("abc", "a\n", "ab", "ABC", "éà", "a\nc", "", "a.c")
    for k, (pattern, matches) in enumerate((("a.c", "abc a.c"), ("ab?$", "ab"), ("(?i)abc", "abc ABC"), (r"\pL+", "abc ab ABC éà"), ("[^]]*", None), (r"a\.c|(?P<n>a)b", "ab a.c"))):
        case(f"regex_{k}", [node("RegexFullMatch", ["x0"], ["y0"], pattern=pattern)], [x], [np.array([matches is None or (s != "" and s in matches.split(" ")) for s in x])], 20)
    a, b = text("a", "b").reshape(2, 1), text("a", "b", "c")
    case("where", [node("Where", ["x0", "x1", "x2"], ["y0"])], [np.array([True, False, True]), a, b], [np.where([True, False, True], a, b)])
    x = rng.integers(0, 4, (3, 8))
    pool, at, weights = [(0,), (1,), (2,), (0, 1), (1, 2), (1, 1), (1, 2, 0)], [0, 2, 1, 4, 3, 5, 6], [1.0, 2.0, 0.5, 0.25, 3.0, 4.0, 5.0]
    for mode in ("TF", "IDF", "TFIDF"):
        for skips in (0, 2):
            y = np.zeros((3, 7), np.float32)
            for row in range(3):
                for gram, column in zip(pool, at):
                    for step in range(1, skips + 2 if len(gram) > 1 else 2):
                        for start in range(8 - (len(gram) - 1) * step):
                            y[row, column] += tuple(x[row, start:start + (len(gram) - 1) * step + 1:step]) == gram
            scale = np.zeros(7, np.float32)
            scale[at] = weights
            y = y if mode == "TF" else (y > 0) * scale if mode == "IDF" else y * scale
            attrs = dict(mode=mode, max_skip_count=skips, min_gram_length=1, max_gram_length=3, ngram_counts=[0, 3, 9], ngram_indexes=at, weights=weights)
            flat = [t for gram in pool for t in gram]
            case(f"ngrams_{mode.lower()}_{skips}", [node("TfIdfVectorizer", ["x0"], ["y0"], pool_int64s=flat, **attrs)], [x], [y.astype(np.float32)], 9)
            case(f"words_{mode.lower()}_{skips}", [node("TfIdfVectorizer", ["x0"], ["y0"], pool_strings=[str(t) for t in flat], **attrs)], [x.astype(str).astype(object)], [y.astype(np.float32)], 9)


def text_values():
    """Texts that more than one value holds: through bodies, and in outputs that share them."""
    x = np.array(["one " * 8, "two " * 9, ""], dtype=object)
    both = np.array([t + t for t in x], dtype=object)
    join, same = node("StringConcat", ["x0", "x0"], ["y0"]), node("Identity", ["y0"], ["y1"])
    case("text_shared", [join, same], [x], [both, both], 20)
    case("text_shared_view", [join, node("Unsqueeze", ["y0", "a"], ["y1"])], [x], [both, both[:, None]], 20, constants=[("a", np.array([1]))])
    value = helper.make_tensor_value_info
    turn = helper.make_graph([node("Identity", ["c"], ["d"]), node("StringConcat", ["s", "x0"], ["t"]), node("Identity", ["t"], ["u"])], "turn",
                             [value("i", TensorProto.INT64, []), value("c", TensorProto.BOOL, []), value("s", TensorProto.STRING, [3])],
                             [value(n, k, None) for n, k in (("d", TensorProto.BOOL), ("t", TensorProto.STRING), ("u", TensorProto.STRING))])
    turns = [np.array([t * (k + 2) for t in x], dtype=object) for k in range(3)]
    case("text_loop", [node("Loop", ["n", "", "x0"], ["y0", "y1"], body=turn)], [x], [turns[-1], np.stack(turns)], 20, constants=[("n", np.array(3))])
    step = helper.make_graph([node("StringConcat", ["e", "e"], ["f"])], "step", [value("e", TensorProto.STRING, [])], [value("f", TensorProto.STRING, [])])
    case("text_scan", [node("Scan", ["x0"], ["y0"], body=step, num_scan_inputs=1)], [x], [both], 20)
    case("text_scan_back", [node("Scan", ["x0"], ["y0"], body=step, num_scan_inputs=1, scan_output_directions=[1])], [x], [both[::-1]], 20)


def types():
    """Numbers to the shortest text that gives them back, and text to numbers; Where on complex numbers; Erf of integers; mixed norms."""
    texts = np.array(["0.0", "-0.0", "1.0", "0.1", "1e-05", "0.0001", "123456.75", "inf", "-inf", "nan", "1e+20", "0.3333333333333333"], object)
    values = np.array([float(t) for t in texts])
    case("cast_double_to_text", [node("Cast", ["x0"], ["y0"], to=TensorProto.STRING)], [values], [texts])
    case("cast_text_to_double", [node("Cast", ["x0"], ["y0"], to=TensorProto.DOUBLE)], [texts], [values])
    case("cast_text_to_half", [node("Cast", ["x0"], ["y0"], to=TensorProto.FLOAT16)], [texts[:6]], [values[:6].astype(np.float16)])
    for dtype in (np.int8, np.uint16, np.int64, np.uint64):
        whole = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 7], dtype)
        words, to = np.array([str(v) for v in whole], object), helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        case(f"cast_{np.dtype(dtype).name}_to_text", [node("Cast", ["x0"], ["y0"], to=TensorProto.STRING)], [whole], [words])
        case(f"cast_text_to_{np.dtype(dtype).name}", [node("Cast", ["x0"], ["y0"], to=to)], [words], [whole])
    for dtype in (np.complex64, np.complex128):
        a, b, chosen = rng.standard_normal((3, 5)).astype(dtype) * (1 + 2j), np.ones((5,), dtype), rng.integers(0, 2, (3, 1)).astype(bool)
        case(f"where_{np.dtype(dtype).name}", [node("Where", ["x0", "x1", "x2"], ["y0"])], [chosen, a.astype(dtype), b], [np.where(chosen, a, b).astype(dtype)], 16)
    case("erf_integers", [node("Erf", ["x0"], ["y0"])], [np.array([-9, -1, 0, 1, 9], np.int16)], [np.array([-1, 0, 0, 0, 1], np.int16)], 9)
    x, scale = rng.standard_normal((3, 7)), rng.standard_normal(7).astype(np.float32)
    case("rms_norm_double_float", [node("RMSNormalization", ["x0", "x1"], ["y0"])], [x, scale],
         [(x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-5) * scale).astype(np.float32)], 23)
    mean = x.mean(1, keepdims=True)
    case("layer_norm_double_statistics", [node("LayerNormalization", ["x0", "x1"], ["y0", "y1"])], [x, np.ones(7)],
         [(x - mean) / np.sqrt(x.var(1, keepdims=True) + 1e-5), mean.astype(np.float32)], 17)


def graphs():
    """What tools/fuzz_graphs.py found, made small."""
    x = rng.standard_normal((4, 3)).astype(np.float32)
    pair = [node("Unsqueeze", ["x0", "a"], ["v"]), node("SequenceConstruct", ["v", "v"], ["s"])]
    case("view_in_sequence", [*pair, node("ConcatFromSequence", ["s"], ["y0"], axis=0, new_axis=1)], [x], [np.stack([x[:, None]] * 2)],
         dims=[["n", 3]], constants=[("a", np.array([1]))])
    f32 = TensorProto.FLOAT
    side = [helper.make_graph([node(op, ["v"], [f"r{op}"])], op, [], [helper.make_tensor_value_info(f"r{op}", f32, None)]) for op in ("Shape", "Size")]
    for g in side:
        g.output[0].type.tensor_type.elem_type = TensorProto.INT64
    case("view_in_branch", [node("Reshape", ["x0", "a"], ["v"]), node("If", ["x1"], ["y0"], then_branch=side[0], else_branch=side[1])], [x, np.array(True)],
         [np.array([2, 6])], dims=[["n", 3], []], constants=[("a", np.array([2, -1]))], more=[([x, np.array(False)], [np.array(12)])])
    turn = helper.make_graph([node("Identity", ["go"], ["on"]), node("Neg", ["t"], ["u"])], "turn",
                             [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
                              helper.make_tensor_value_info("t", f32, None)],
                             [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("u", f32, None)])
    case("view_in_loop", [node("Transpose", ["x0"], ["v"], perm=[1, 2, 0]), node("Loop", ["n", "", "v"], ["y0"], body=turn)], [x[None]], [-x[:, :, None]],
         constants=[("n", np.array(1))])
    # a size behind a view, read in the second part of a plan that NonZero cuts; on other sizes of the same session
    cut = [node("Shape", ["x1"], ["n"]), node("Flatten", ["n"], ["v"], axis=0), node("NonZero", ["x0"], ["z"]), node("ReduceSum", ["z"], ["k"], keepdims=0),
           node("If", ["x2"], ["y0"], then_branch=helper.make_graph([node("Add", ["k", "v"], ["p"])], "then", [], [helper.make_tensor_value_info("p", TensorProto.INT64, None)]),
                else_branch=helper.make_graph([node("Sub", ["k", "v"], ["q"])], "else", [], [helper.make_tensor_value_info("q", TensorProto.INT64, None)]))]
    yes, flags = np.array(True), np.array([1, 0, 1], np.float32)
    case("size_behind_cut", cut, [flags, np.zeros(5, np.float32), yes], [np.array([[7]])], dims=[["k"], ["m"], []],
         more=[([flags, np.zeros(9, np.float32), yes], [np.array([[11]])]), ([flags, np.zeros(2, np.float32), np.array(False)], [np.array([[0]])])])
    # a start whose sign is not known, of the sizes of this run, not of the last
    parts = [node("Relu", ["x0"], ["r"]), node("Shape", ["r"], ["n"], start=0, end=1), node("Sub", ["n", "k"], ["d"]), node("Div", ["d", "k"], ["h"]),
             node("Slice", ["r", "h", "e", "z"], ["y0"])]
    lines = [np.arange(1, n, dtype=np.float32) for n in (7, 11, 5, 11)]
    halves = [line[(len(line) - 2) // 2:] for line in lines]
    case("size_of_this_run", parts, lines[:1], halves[:1], dims=[["n"]], constants=[("k", np.array([2])), ("e", np.array([1 << 40])), ("z", np.array([0]))],
         more=[([a], [b]) for a, b in zip(lines[1:], halves[1:])])
    rows = [rng.standard_normal((2, n, 5)).astype(np.float32) for n in (3, 0)]
    normed = [(r - r.mean(-1, keepdims=True)) / np.sqrt(r.var(-1, keepdims=True) + 1e-5) for r in (rows[0] * 2, rows[1])]
    case("skip_norm_of_nothing", [node("Add", ["x0", "x0"], ["s"]), node("LayerNormalization", ["s", "g"], ["y0"])], rows[:1], normed[:1], dims=[[2, "n", 5]],
         constants=[("g", np.ones(5, np.float32))], more=[(rows[1:], normed[1:])])
    far = (np.arange(1, 3).reshape(1, 2, 1, 1) * np.float32(777.7)).astype(np.float32)
    case("instance_norm_of_one", [node("InstanceNormalization", ["x0", "g", "b"], ["y0"], epsilon=1e-4)], [far], [np.array([0.1, -0.2], np.float32).reshape(1, 2, 1, 1)],
         constants=[("g", np.array([3, -7], np.float32)), ("b", np.array([0.1, -0.2], np.float32))])
    q = [rng.standard_normal((1, 2, 3, 8)) for _ in range(3)]
    scores = np.exp(q[0] @ q[1].swapaxes(2, 3) / np.sqrt(8))
    case("attention_of_double", [node("Attention", ["x0", "x1", "x2"], ["y0"])], q, [scores / scores.sum(-1, keepdims=True) @ q[2]], 23)
    line = np.arange(3, dtype=np.float32)
    for word, (start, end, step, wanted) in {"far": (-9, -20, -1, [0]), "one": (-4, -9, -2, [0]), "last": (7, -9, -2, [2, 0]), "none": (0, 1, -1, [])}.items():
        for given in (True, False):
            case(f"slice_back_{word}_{'open' if given else 'known'}", [node("Slice", ["x0", "s", "e", "a", "t"], ["y0"])],
                 [line] + [np.array([v]) for v in (start, end, step)] * given, [line[wanted]], names=["x0", "s", "e", "t"] if given else ["x0"],
                 dims=[["n"], [1], [1], [1]] if given else None,
                 constants=[("a", np.array([0]))] + [(k, np.array([v])) for k, v in zip("set", (start, end, step))] * (not given))
    image = rng.standard_normal((1, 2, 2, 5)).astype(np.float32)
    small = [image[:, :, :, i:i + 3] for i in (0, 2)]
    for dims in (None, [["n", "c", "h", "w"]]):
        word = "_open" if dims else ""
        for ceil in (0, 1):
            how = dict(kernel_shape=[3, 3], strides=[2, 2], ceil_mode=ceil)
            case(f"pool_smaller_than_kernel{word}_{ceil}", [node("MaxPool", ["x0"], ["y0"], **how), node("AveragePool", ["x0"], ["y1"], **how)],
                 [image], [np.stack([s.max((2, 3)) for s in small], -1)[:, :, None], np.stack([s.mean((2, 3)) for s in small], -1)[:, :, None]], 19, dims=dims)
        case(f"pool_of_one{word}", [node("LpPool", ["x0"], ["y0"], kernel_shape=[3, 2], strides=[2, 2], p=1)], [image[:, :, :1, :1]],
             [np.zeros((1, 2, 0, 1), np.float32)], 18, dims=dims)  # a whole stride is missing above


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    for write in (many_inputs, einsum, scan8, gradients, old_forms, strings, text_values, types, graphs):
        write()
    (OUT / "tolerances.txt").write_text("einsum_* 1e-4 1e-5\nscan8_* 1e-4 1e-5\ngradient_* 1e-4 1e-6\ninstance_norm_of_one 1e-6 0\nattention_of_double 1e-12 1e-14\n")


if __name__ == "__main__":
    main()
