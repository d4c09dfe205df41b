# SPDX-License-Identifier: MIT
"""Writes models.h: the small models of the ABI tests as C arrays. Needs the onnx package; run by hand when one changes."""
import os

from onnx import TensorProto as T
from onnx import helper as h
from onnx import parser
from onnx.external_data_helper import set_external_data


def text(name, model):
    data = model if isinstance(model, bytes) else model.SerializeToString()
    lines = [data[i : i + 24] for i in range(0, len(data), 24)]
    rows = "\n".join("  " + "".join(f"{b}," for b in line) for line in lines)
    return f"static const unsigned char {name}[] = {{\n{rows}\n}};\n"


def model(nodes, inputs, outputs, initializers=(), **kw):
    graph = h.make_graph(nodes, "graph name", inputs, outputs, list(initializers), doc_string="about the graph")
    m = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8, producer_name="maker", doc_string="about it", **kw)
    m.domain, m.model_version = "some.domain", 42
    h.set_model_props(m, {"key": "value", "other": ""})
    return m


def value(name, kind, shape):
    return h.make_tensor_value_info(name, kind, shape)


w = h.make_tensor("w", T.FLOAT, [2], [10, 20])
c = h.make_tensor("c", T.FLOAT, [2], [1, 1])
add = model(
    [h.make_node("Add", ["x", "w"], ["sum"], name="add"), h.make_node("Mul", ["sum", "c"], ["y"], name="mul"), h.make_node("Neg", ["y"], ["z"], name="neg")],
    [value("x", T.FLOAT, ["N", 2]), value("w", T.FLOAT, [2])],
    [value("y", T.FLOAT, ["N", 2]), value("z", T.FLOAT, None)],
    [w, c],
)
words = model([h.make_node("Identity", ["s"], ["t"])], [value("s", T.STRING, ["K"])], [value("t", T.STRING, ["K"])])
pair = model(
    [h.make_node("SequenceConstruct", ["a", "b"], ["q"]), h.make_node("SequenceAt", ["q", "i"], ["e"])],
    [value("a", T.FLOAT, ["N"]), value("b", T.FLOAT, ["M"]), value("i", T.INT64, [])],
    [h.make_tensor_sequence_value_info("q", T.FLOAT, None), value("e", T.FLOAT, None)],
)
unknown = model([h.make_node("NoSuchOperator", ["x"], ["y"], domain="no.such.domain")], [value("x", T.FLOAT, [1])], [value("y", T.FLOAT, [1])])
unknown.opset_import.append(h.make_opsetid("no.such.domain", 1))

custom = model(
    [
        h.make_node("Scale", ["x"], ["a"], name="scale", domain="my.ops", factor=2.5, shape=[1, 2, 3], label="a label"),
        h.make_node("Add", ["a", "x"], ["y"], name="add"),
        h.make_node("Shout", ["s"], ["t"], name="shout", domain="my.ops"),
        h.make_node("Join", ["x", "a", "y"], ["j"], name="join", domain="my.ops"),
        h.make_node("Neg", ["j"], ["k"], name="neg"),  # after a result of unknown rank
        h.make_node("Shape", ["k"], ["n"], name="shape"),
    ],
    [value("x", T.FLOAT, ["N"]), value("s", T.STRING, ["K"])],
    [value("y", T.FLOAT, ["N"]), value("t", T.STRING, None), value("j", T.FLOAT, ["M"]), value("k", T.FLOAT, None), value("n", T.INT64, None)],
)
custom.opset_import.append(h.make_opsetid("my.ops", 1))

def square(name):
    return h.make_graph([h.make_node("Mul", ["x", "x"], [name])], name, [], [value(name, T.FLOAT, [1, 1, 4, 4])])


branch = model(  # for a provider that takes a node of a body, and the body is moved where its If was
    [h.make_node("If", ["always"], ["y"], then_branch=square("b"), else_branch=square("c")), h.make_node("Neg", ["y"], ["z"])],
    [value("x", T.FLOAT, [1, 1, 4, 4])],
    [value("y", T.FLOAT, [1, 1, 4, 4]), value("z", T.FLOAT, [1, 1, 4, 4])],
    [h.make_tensor("always", T.BOOL, [], [1])],
)

both = model(  # all of it for a provider that takes additions and products
    [h.make_node("Add", ["x", "x"], ["y"]), h.make_node("Mul", ["x", "x"], ["z"])],
    [value("x", T.FLOAT, [1, 1, 4, 4])],
    [value("y", T.FLOAT, [1, 1, 4, 4]), value("z", T.FLOAT, [1, 1, 4, 4])],
)

chain = model(  # for a provider that takes elementwise chains: two of them around a convolution
    [
        h.make_node("Add", ["x", "k"], ["a"], name="add"),
        h.make_node("Mul", ["a", "half"], ["b"], name="mul"),
        h.make_node("Relu", ["b"], ["c"], name="relu"),
        h.make_node("Conv", ["c", "weights"], ["d"], name="conv", pads=[1, 1, 1, 1]),
        h.make_node("Sub", ["d", "half"], ["e"], name="sub"),
        h.make_node("Mul", ["e", "e"], ["y"], name="square"),
        h.make_node("Sub", ["b", "x"], ["z"], name="difference"),
    ],
    [value("x", T.FLOAT, [1, 1, 4, 4])],
    [value("y", T.FLOAT, [1, 1, 4, 4]), value("z", T.FLOAT, [1, 1, 4, 4])],
    [
        h.make_tensor("k", T.FLOAT, [1, 1, 4, 4], [i / 8 for i in range(16)]),
        h.make_tensor("half", T.FLOAT, [], [0.5]),
        h.make_tensor("weights", T.FLOAT, [1, 1, 3, 3], [i / 4 for i in range(9)]),
    ],
)

squeezed = model(  # the rank of the result follows from the sizes of x
    [h.make_node("Squeeze", ["x"], ["q"]), h.make_node("Add", ["q", "w"], ["y"])],
    [value("x", T.FLOAT, ["A", "B"])],
    [value("y", T.FLOAT, None)],
    [h.make_tensor("w", T.FLOAT, [1], [1])],
)

invoke = model([h.make_node("Scale", ["x"], ["y"], name="scale", domain="my.ops")], [value("x", T.FLOAT, ["N"])], [value("y", T.FLOAT, ["N"])])
invoke.opset_import.append(h.make_opsetid("my.ops", 1))
invoke.metadata_props.add(key="ep_compatibility_info.SomeProvider", value="version 7")

# A LoRA adapter, in the format of onnxruntime.AdapterFormat, that replaces "w".
ADAPTER = bytes.fromhex(
    "0c000000544f525400000000e4ffffff0100000001000000010000000400000001000000100000000c001400040008000c0010000c00000028000000"
    "180000000100000004000000080000000000c842000048430100000002000000000000000100000077000000"
)

outside = model([h.make_node("Add", ["x", "w"], ["y"])], [value("x", T.FLOAT, [2])], [value("y", T.FLOAT, [2])], [h.make_tensor("w", T.FLOAT, [2], bytes(8), raw=True)])
set_external_data(outside.graph.initializer[0], "abi_outside.bin")
outside.graph.initializer[0].ClearField("raw_data")

denoted = model([h.make_node("Relu", ["x"], ["y"])], [value("x", T.FLOAT, ["N", "C"])], [value("y", T.FLOAT, ["N", "C"])])
for dim, denotation in zip(denoted.graph.input[0].type.tensor_type.shape.dim, ("DATA_BATCH", "DATA_CHANNEL")):
    dim.denotation = denotation

body = h.make_graph(  # one step of a long run
    [h.make_node("Add", ["sum", "one"], ["next"]), h.make_node("Identity", ["on"], ["still"])],
    "body",
    [value("i", T.INT64, []), value("on", T.BOOL, []), value("sum", T.FLOAT, [])],
    [value("still", T.BOOL, []), value("next", T.FLOAT, [])],
)
endless = model([h.make_node("Loop", ["n", "", "zero"], ["y"], body=body)], [value("n", T.INT64, [])], [value("y", T.FLOAT, [])],
                [h.make_tensor("one", T.FLOAT, [], [1]), h.make_tensor("zero", T.FLOAT, [], [0])])

# Planned anew for each rank of x, as Softmax was before version 13.
weighed = parser.parse_model("""<ir_version: 8, opset_import: ["" : 11, "my.ops" : 1]>
g (float[] x) => (float[] y) <float[2] w = {3, 4}> { s = Softmax(x)  y = my.ops.Weigh(s, w) }""")

def write(file, about, models):
    with open(os.path.join(os.path.dirname(__file__), file), "w") as f:
        f.write(f"// SPDX-License-Identifier: MIT\n/* {about} */\n")
        for name, m in models:
            f.write(text("model_" + name, m))


if __name__ == "__main__":
    write("models.h", "Models as bytes, written by make_models.py: what each is stands there.",
          [("add", add), ("words", words), ("pair", pair), ("unknown", unknown), ("custom", custom), ("invoke", invoke), ("adapter", ADAPTER), ("squeezed", squeezed), ("outside", outside), ("both", both), ("chain", chain), ("branch", branch), ("denoted", denoted), ("endless", endless), ("weighed", weighed)])
