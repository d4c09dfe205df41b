# SPDX-License-Identifier: MIT
"""Small models, made with the package onnx; tests that need it are skipped where it is missing."""
import numpy as np
import pytest


def model_of(op, inputs, outputs, initializers=(), opset=21, **attributes):
    """A model of one node as bytes; inputs and outputs are (name, numpy type or ONNX number, shape)."""
    onnx = pytest.importorskip("onnx")
    def info(name, kind, shape):
        number = kind if isinstance(kind, int) else onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return onnx.helper.make_tensor_value_info(name, number, shape)
    names = [item[0] for item in inputs] + [name for name, _ in initializers]
    node = onnx.helper.make_node(op, names, [item[0] for item in outputs], name=op.lower(), **attributes)
    graph = onnx.helper.make_graph([node], "test", [info(*i) for i in inputs], [info(*o) for o in outputs],
                                   [onnx.numpy_helper.from_array(array, name) for name, array in initializers])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=10, producer_name="tests")
    onnx.helper.set_model_props(model, {"key": "value"})
    return model.SerializeToString()


@pytest.fixture
def add():
    """y = a + b of [n, 3]"""
    return model_of("Add", [("a", np.float32, ["n", 3]), ("b", np.float32, ["n", 3])], [("y", np.float32, ["n", 3])])
