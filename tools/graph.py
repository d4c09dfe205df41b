# SPDX-License-Identifier: MIT
"""Writing ONNX models in Python without naming what lies between the nodes: shared by make_golden.py and bench/make_models.py."""
import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h, numpy_helper


def value(name, shape, kind=T.FLOAT):
    return h.make_tensor_value_info(name, kind, shape)


class Builder:
    """b("Op", input, ..., attribute=...) gives the name of the result; arrays among the inputs become initializers."""

    def __init__(self, rng, prefix="w"):
        self.rng, self.prefix, self.nodes, self.weights = rng, prefix, [], []

    def __call__(self, op, *inputs, out=None, n_out=1, domain="", **attributes):
        names = [i if isinstance(i, str) else self.const(i) for i in inputs]
        outs = out if isinstance(out, list) else [out or f"{op.lower()}_{len(self.nodes)}_{k}" for k in range(n_out)]
        self.nodes.append(h.make_node(op, names, outs, name=f"{op}_{len(self.nodes)}", domain=domain, **attributes))
        return outs[0] if len(outs) == 1 else outs

    def const(self, array):
        name = f"{self.prefix}{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, *shape, gain=1.0):
        """Random, scaled so that what is multiplied by it keeps its spread."""
        fan = int(np.prod(shape[1:])) if len(shape) > 2 else shape[0]
        return self.const((self.rng.standard_normal(shape, np.float32) * np.float32(gain / np.sqrt(fan))))

    def graph(self, inputs, outputs, name="g"):
        return h.make_graph(self.nodes, name, inputs, outputs, self.weights)

    def model(self, inputs, outputs, opset=17):
        m = h.make_model(self.graph(inputs, outputs), opset_imports=[h.make_opsetid("", opset)], ir_version=8, producer_name="sardonyx")
        onnx.checker.check_model(m)
        return m


def linear(b, x, n, m):
    return b("Add", b("MatMul", x, b.weight(n, m)), b.weight(m))


def gelu(b, x):
    """The exact one, as exporters write it."""
    gate = b("Add", b("Erf", b("Div", x, np.float32(np.sqrt(2)))), np.float32(1))
    return b("Mul", b("Mul", x, gate), np.float32(0.5))
