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
save("open", [h.make_node("Concat", ["X", "X"], ["Y"], axis=1)], [v("X", T.FLOAT, "N", 3)], [v("Y", T.FLOAT, "A", "B")])
save("sequence", [h.make_node("SequenceConstruct", ["A", "B"], ["Q"])], [v("A", T.FLOAT, "N"), v("B", T.FLOAT, "M")],
     [h.make_tensor_sequence_value_info("Q", T.FLOAT, None)])
save("upper", [h.make_node("StringUpper", ["S"], ["U"], domain="ai.onnx.contrib"),
               h.make_node("StringLength", ["U"], ["L"], domain="ai.onnx.contrib")],
     [v("S", T.STRING, "K")], [v("U", T.STRING, "K"), v("L", T.INT64, "K")], ["ai.onnx.contrib"])
save("twice", [h.make_node("Twice", ["X"], ["Y"], domain="lite.ops")], [v("X", T.FLOAT, "N")], [v("Y", T.FLOAT, "N")], ["lite.ops"])


# For providers: products, and a small net with everything that has a layout.
def weights(name, *shape):
    n = 1
    for d in shape:
        n *= d
    return h.make_tensor(name, T.FLOAT, shape, [((i * 29 + 7) % 61) / 60 - 0.5 for i in range(n)])


save("matmul", [h.make_node("MatMul", ["X", "V"], ["P"], "product"), h.make_node("Add", ["P", "B"], ["Q"], "sum"),
                h.make_node("Mul", ["Q", "P"], ["Y"], "twice")], [v("X", T.FLOAT, 4, 3)], [v("Y", T.FLOAT, 4, 2)],
     initializers=[weights("V", 3, 2), h.make_tensor("B", T.FLOAT, [2], [0.5, -1])])
save("conv", [h.make_node("Conv", ["X", "K"], ["a"], "conv", pads=[1, 1, 1, 1]), h.make_node("Relu", ["a"], ["b"], "relu"),
              h.make_node("MaxPool", ["b"], ["c"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
              h.make_node("Conv", ["c", "L"], ["d"], "again", pads=[1, 1, 1, 1]), h.make_node("Sigmoid", ["d"], ["e"], "gate"),
              h.make_node("Mul", ["d", "e"], ["f"], "gated"), h.make_node("GlobalAveragePool", ["f"], ["g"], "mean"),
              h.make_node("Flatten", ["g"], ["h"], "flat"), h.make_node("Gemm", ["h", "M"], ["i"], "dense"),
              h.make_node("Softmax", ["i"], ["Y"], "softmax")], [v("X", T.FLOAT, 1, 3, 16, 16)], [v("Y", T.FLOAT, 1, 4)],
     initializers=[weights("K", 8, 3, 3, 3), weights("L", 8, 8, 3, 3), weights("M", 8, 4)])
save("loop", [h.make_node("MatMul", ["X", "E"], ["P"], "product"), h.make_node("Add", ["P", "X"], ["Y"], "sum")], [v("X", T.FLOAT, 4, 3)],
     [v("Y", T.FLOAT, 4, 3)], initializers=[weights("E", 3, 3)])
save("mixed", [h.make_node("MatMul", ["X", "W"], ["P"], "product"), h.make_node("Identity", ["S"], ["T"], "words"),
               h.make_node("Add", ["P", "P"], ["Y"], "double")], [v("X", T.FLOAT, 4, 3), v("S", T.STRING, 2)],
     [v("Y", T.FLOAT, 4, 2), v("T", T.STRING, 2)], initializers=[w])
