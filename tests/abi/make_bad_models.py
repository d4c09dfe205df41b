# SPDX-License-Identifier: MIT
"""Writes bad_models.h: models that are wrong in one way each, with the code that ONNX Runtime gives for them. Needs the onnx and
onnxruntime packages; run by hand when a case is added."""
import os
import re
import tempfile

import numpy as np
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h, numpy_helper

onnxruntime.set_default_logger_severity(4)
n = h.make_node
CASES = []


def value(name, shape=("N", 2), kind=T.FLOAT):
    return h.make_tensor_value_info(name, kind, shape)


def const(name, *shape, kind=np.float32):
    return numpy_helper.from_array(np.ones(shape, kind), name)


def case(name, nodes, says=(), inputs=None, outputs=None, initializers=(), opset=17, domains=(), edit=None, raw=None, ours=None, theirs=None):
    """A model, and what the message must contain beside the code. `ours`: our code where we mean to differ; a model with `theirs`
    is not shown to ONNX Runtime, which would not come back."""
    if raw is None:
        graph = h.make_graph(nodes, "g", [value("x")] if inputs is None else inputs, [value("y", None)] if outputs is None else outputs, list(initializers))
        m = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)] + [h.make_opsetid(d, 1) for d in domains], ir_version=8)
        if edit:
            edit(m)
        raw = m.SerializeToString()
    CASES.append((name, raw, says, ours, theirs))


def code(data, folder=None):
    try:
        if folder:
            path = os.path.join(folder, "model.onnx")
            open(path, "wb").write(data)
            onnxruntime.InferenceSession(path)
        else:
            onnxruntime.InferenceSession(data)
        return 0
    except Exception as e:  # the bindings raise one class per code; the text has the number
        found = re.search(r"ONNXRuntimeError\] : (\d+)", str(e))
        return int(found[1]) if found else 1


def external(location, **more):
    def edit(m):
        t = m.graph.initializer.add()
        t.name, t.data_type, t.data_location = "w", T.FLOAT, T.EXTERNAL
        t.dims.append(2)
        for k, v in dict(location=location, **more).items():
            e = t.external_data.add()
            e.key, e.value = k, str(v)
    return edit


relu = n("Relu", ["x"], ["y"], name="act")
case("good", [relu])
case("unsorted", [n("Relu", ["t"], ["y"]), n("Neg", ["x"], ["t"])])
case("unknown operator", [n("Rellu", ["x"], ["y"], name="act")], ["act", "Rellu"])
case("unknown domain", [n("Thing", ["x"], ["y"], name="act", domain="some.where")], ["act", "Thing", "some.where"], domains=["some.where"])
case("domain not imported", [n("Thing", ["x"], ["y"], name="act", domain="some.where")], ["act", "Thing", "some.where"])
case("operator from later", [n("Gelu", ["x"], ["y"], name="act")], ["act", "Gelu", "17"])
case("too many inputs", [n("Relu", ["x", "x"], ["y"], name="act")], ["act", "Relu", "2", "1"])
case("too few inputs", [n("Add", ["x"], ["y"], name="act")], ["act", "Add", "1", "2"])
case("no outputs", [n("Relu", ["x"], [], name="act"), n("Neg", ["x"], ["y"])], ["act", "Relu", "0"])
case("too many outputs", [n("Relu", ["x"], ["y", "z"], name="act")], ["act", "Relu", "2"])
case("input left out", [n("Add", ["x", ""], ["y"], name="act")], ["act", "Add"])
case("unknown attribute", [n("Relu", ["x"], ["y"], name="act", slope=1.0)], ["act", "Relu", "slope"])
case("attribute of wrong type", [n("Softmax", ["x"], ["y"], name="act", axis=1.5)], ["act", "Softmax", "axis", "float", "int"])
case("attribute missing", [n("Concat", ["x", "x"], ["y"], name="act")], ["act", "Concat", "axis"])
case("axis out of range", [n("Softmax", ["x"], ["y"], name="act", axis=5)], ["act", "Softmax", "5"])
case("type not allowed", [n("Relu", ["x"], ["y"], name="act")], ["act", "Relu", "string"], inputs=[value("x", ("N",), T.STRING)], outputs=[value("y", None, T.STRING)])
case("types that differ", [n("Add", ["x", "k"], ["y"], name="act")], ["act", "Add", "float", "int64"], inputs=[value("x"), value("k", (2,), T.INT64)])
case("cycle", [n("Add", ["x", "b"], ["a"], name="one"), n("Neg", ["a"], ["b"], name="two"), n("Relu", ["b"], ["y"])], ["one"])
case("cycle of one", [n("Add", ["x", "y"], ["y"], name="one")], ["one"])
case("unknown name", [n("Relu", ["q"], ["y"], name="act")], ["act", "q"])
case("output made by none", [n("Relu", ["x"], ["z"], name="act")], ["y"])
case("name made twice", [n("Relu", ["x"], ["y"], name="act"), n("Neg", ["x"], ["y"], name="other")], ["y"])
case("output named as the input", [n("Relu", ["x"], ["x"], name="act")], ["x"], outputs=[value("x")])
case("wrong output type", [n("Relu", ["x"], ["y"], name="act")], ["y", "float", "int32"], outputs=[value("y", None, T.INT32)])
case("input without type", [relu], (), edit=lambda m: m.graph.input[0].ClearField("type"))
case("matmul", [n("MatMul", ["x", "w"], ["y"], name="mm")], ["mm", "MatMul", "2", "3"], initializers=[const("w", 3, 4)])
case("gemm", [n("Gemm", ["x", "w"], ["y"], name="fc")], ["fc", "Gemm", "2", "3"], initializers=[const("w", 3, 4)])
case("broadcast", [n("Add", ["x", "w"], ["y"], name="plus")], ["plus", "Add", "2", "3"], initializers=[const("w", 3)])
case("concat", [n("Concat", ["x", "w"], ["y"], name="join", axis=0)], ["join", "Concat"], initializers=[const("w", 1, 3)])
case("perm", [n("Transpose", ["x"], ["y"], name="turn", perm=[0, 0])], ["turn", "Transpose"])
case("conv channels", [n("Conv", ["x", "w"], ["y"], name="conv")], ["conv", "Conv", "3", "4"], inputs=[value("x", (1, 3, 5, 5))], initializers=[const("w", 2, 4, 3, 3)], ours=1)  # theirs fails when it runs
case("conv rank", [n("Conv", ["x", "w"], ["y"], name="conv")], ["conv", "Conv"], initializers=[const("w", 2, 4, 3, 3)])
case("reshape", [n("Reshape", ["x", "d"], ["y"], name="shape")], ["shape", "Reshape"], inputs=[value("x", (2, 2))], initializers=[numpy_helper.from_array(np.array([3, 5]), "d")], ours=1)
case("gather", [n("Gather", ["x", "i"], ["y"], name="pick", axis=2)], ["pick", "Gather", "2"], initializers=[numpy_helper.from_array(np.array([0]), "i")])
case("if without body", [n("If", ["x"], ["y"], name="choice")], ["choice", "If", "branch"], inputs=[value("x", (), T.BOOL)])
case("if of float", [n("If", ["x"], ["y"], name="choice", then_branch=h.make_graph([n("Neg", ["x"], ["t"])], "t", [], [value("t", None)]),
                       else_branch=h.make_graph([n("Abs", ["x"], ["e"])], "e", [], [value("e", None)]))], ["choice", "If", "float"], inputs=[value("x", ())])
case("unknown name in a body", [n("If", ["c"], ["y"], name="choice", then_branch=h.make_graph([n("Neg", ["q"], ["t"], name="act")], "t", [], [value("t", None)]),
                                  else_branch=h.make_graph([n("Abs", ["x"], ["e"])], "e", [], [value("e", None)]))], ["choice", "act", "q"], inputs=[value("x"), value("c", (), T.BOOL)])
case("type that differs in a body", [n("If", ["c"], ["y"], name="choice", then_branch=h.make_graph([n("Neg", ["x"], ["t"], name="act")], "t", [], [value("t", None)]),
                                       else_branch=h.make_graph([n("Cast", ["x"], ["e"], to=7)], "e", [], [value("e", None, T.INT64)]))], ["choice", "float", "int64"],
     inputs=[value("x"), value("c", (), T.BOOL)])
case("unknown operator in a body", [n("If", ["c"], ["y"], name="choice", then_branch=h.make_graph([n("Negg", ["x"], ["t"], name="act")], "t", [], [value("t", None)]),
                                      else_branch=h.make_graph([n("Abs", ["x"], ["e"])], "e", [], [value("e", None)]))], ["choice", "act", "Negg"], inputs=[value("x"), value("c", (), T.BOOL)])
case("no graph", [], edit=lambda m: m.ClearField("graph"))
case("no nodes", [], ["y"])
case("no opsets", [relu], edit=lambda m: m.ClearField("opset_import"))
case("opset of the future", [relu], opset=99, ours=0)  # read as far as it is known
case("opset 0", [relu], opset=0)
case("no ir version", [relu], edit=lambda m: m.ClearField("ir_version"))
case("ir version of the future", [relu], edit=lambda m: setattr(m, "ir_version", 99), ours=0)


def spoilt(**fields):
    def edit(m):
        t = m.graph.initializer[0]
        for k, v in fields.items():
            if k == "dims":
                del t.dims[:]
                t.dims.extend(v)
            else:
                setattr(t, k, v)
    return edit


add = [n("Add", ["x", "w"], ["y"], name="plus")]
case("raw data too short", add, ["w"], initializers=[const("w", 2)], edit=spoilt(raw_data=b"1234567"))
case("raw data too long", add, ["w"], initializers=[const("w", 2)], edit=spoilt(raw_data=b"123456781"))
case("raw data empty", add, ["w"], initializers=[const("w", 2)], edit=spoilt(raw_data=b""))
case("negative dimension", add, ["w"], initializers=[const("w", 2)], edit=spoilt(dims=[-2]))
case("dimensions overflow", add, ["w"], initializers=[const("w", 2)], edit=spoilt(dims=[1 << 40, 1 << 40]))
case("tensor without type", add, ["w"], initializers=[const("w", 2)], edit=spoilt(data_type=0))
case("tensor of no type", add, ["w"], initializers=[const("w", 2)], edit=spoilt(data_type=77))
case("initializer twice", add, ["w"], initializers=[const("w", 2), const("w", 2)])
case("external: not there", add, ["w", "none.bin"], edit=external("none.bin"))
case("external: outside", add, ["w", "../"], edit=external("../../../../etc/passwd", length=8))
case("external: absolute", add, ["w", "/etc/passwd"], edit=external("/etc/passwd", length=8))
case("external: no location", add, ["w"], edit=external(""))
case("external: past the end", add, ["w"], edit=external("model.onnx", offset=1 << 40, length=8))
case("external: wrong length", add, ["w"], edit=external("model.onnx", offset=0, length=7))
case("garbage", [], raw=bytes(range(1, 200)))
case("a text", [], raw=b"this is no model, but a text that somebody has saved in its place\n")
case("wrong wire type", [], ours=7, raw=b"\x0a\x02\x08\x08\x38\x08")  # ir_version as bytes, graph as a number
case("length past the end", [], raw=b"\x08\x08\x3a\xff\xff\xff\x7f\x0a")
case("endless number", [], raw=b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")


def bomb(m):
    """Twenty functions that each call the one before it ten times."""
    for k in range(20):
        op, domain = ("Relu", "") if k == 0 else (f"f{k - 1}", "local")
        nodes = [n(op, ["x" if i == 0 else f"t{i - 1}"], ["y" if i == 9 else f"t{i}"], domain=domain) for i in range(10)]
        m.functions.append(h.make_function("local", f"f{k}", ["x"], ["y"], nodes, [h.make_opsetid("", 17), h.make_opsetid("local", 1)]))


def recursion(m):
    for a, b in ("ab", "ba"):
        m.functions.append(h.make_function("local", a, ["x"], ["y"], [n(b, ["x"], ["y"], domain="local")], [h.make_opsetid("local", 1)]))


case("functions that multiply", [n("f19", ["x"], ["y"], name="call", domain="local")], ["call", "f19", "functions", "MB"], domains=["local"], edit=bomb, ours=10, theirs=-1)
case("functions in a circle", [n("a", ["x"], ["y"], name="call", domain="local")], ["call", "calls itself"], domains=["local"], edit=recursion)


def rows(data):
    data = list(data)
    return "\n".join("  " + "".join(f"{b}," for b in data[i : i + 40]) for i in range(0, len(data), 40))


here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "bad_models.h"), "w") as f, tempfile.TemporaryDirectory() as folder:
    f.write("// SPDX-License-Identifier: MIT\n/* Written by make_bad_models.py: models that are wrong, the code that ONNX Runtime gives, and words a message needs. */\n")
    for i, (name, raw, *_) in enumerate(CASES):
        f.write(f"static const unsigned char bad_{i}[] = {{ /* {name} */\n{rows(raw)}\n}};\n")
    f.write("typedef struct bad_model { const char *name; const unsigned char *bytes; unsigned size; int code, ours; const char *says[6]; } bad_model; /* code -1: it does not come back */\n")
    f.write("static const bad_model bad_models[] = {\n")
    for i, (name, raw, says, ours, theirs) in enumerate(CASES):
        words = ", ".join('"%s"' % w for w in says) or "NULL"
        theirs = code(raw, folder) if theirs is None else theirs
        f.write(f'  {{"{name}", bad_{i}, sizeof bad_{i}, {theirs}, {theirs if ours is None else ours}, {{{words}}}}},\n')
    f.write("};\n/* Codes for the first n bytes of bad_0, n = 1, 2, ... */\nstatic const unsigned char cut_codes[] = {\n")
    good = CASES[0][1]
    f.write(rows(code(good[:k]) for k in range(1, len(good) + 1)) + "\n};\n")
