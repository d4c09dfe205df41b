# SPDX-License-Identifier: MIT
"""Writes models/: what the clients run. Needs the onnx package; run by hand when one changes."""
import os

from onnx import TensorProto as T
from onnx import helper as h

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")


def save(name, nodes, inputs, outputs, domains=(), initializers=()):
    graph = h.make_graph(nodes, name, inputs, outputs, list(initializers))
    imports = [h.make_opsetid("", 17)] + [h.make_opsetid(d, 1) for d in domains]
    model = h.make_model(graph, opset_imports=imports, ir_version=8, producer_name="clients")
    h.set_model_props(model, {"colour": "green"})
    with open(os.path.join(HERE, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString())


def v(name, kind, *shape):
    return h.make_tensor_value_info(name, kind, shape)


w = h.make_tensor("W", T.FLOAT, [3, 2], [1, 2, 3, 4, 5, 6])
save("dense", [h.make_node("MatMul", ["X", "W"], ["P"]), h.make_node("Relu", ["P"], ["Y"])], [v("X", T.FLOAT, "N", 3)],
     [v("Y", T.FLOAT, "N", 2)], initializers=[w])
save("types", [h.make_node("Add", ["i", "i"], ["i2"]), h.make_node("Not", ["b"], ["nb"]), h.make_node("Mul", ["d", "d"], ["d2"]),
               h.make_node("Cast", ["u"], ["uf"], to=T.FLOAT)],
     [v("i", T.INT64, "A"), v("b", T.BOOL, "B"), v("d", T.DOUBLE, "C"), v("u", T.UINT8, "D")],
     [v("i2", T.INT64, "A"), v("nb", T.BOOL, "B"), v("d2", T.DOUBLE, "C"), v("uf", T.FLOAT, "D")])
save("strings", [h.make_node("Identity", ["S"], ["T"]), h.make_node("Shape", ["S"], ["n"])], [v("S", T.STRING, "K")],
     [v("T", T.STRING, "K"), v("n", T.INT64, 1)])
save("sequence", [h.make_node("SequenceConstruct", ["A", "B"], ["Q"])], [v("A", T.FLOAT, "N"), v("B", T.FLOAT, "M")],
     [h.make_tensor_sequence_value_info("Q", T.FLOAT, None)])
save("upper", [h.make_node("StringUpper", ["S"], ["U"], domain="ai.onnx.contrib"),
               h.make_node("StringLength", ["U"], ["L"], domain="ai.onnx.contrib")],
     [v("S", T.STRING, "K")], [v("U", T.STRING, "K"), v("L", T.INT64, "K")], ["ai.onnx.contrib"])
save("twice", [h.make_node("Twice", ["X"], ["Y"], domain="lite.ops")], [v("X", T.FLOAT, "N")], [v("Y", T.FLOAT, "N")], ["lite.ops"])
