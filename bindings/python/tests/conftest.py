# SPDX-License-Identifier: MIT
"""Small models, made with the package onnx; tests that need it are skipped where it is missing. With --alias the tests that say
`import sardonyx as sx` are given the module `import onnxruntime` finds where `python -m sardonyx.compat enable` was run."""
import importlib

import numpy as np
import pytest
import sardonyx


def pytest_addoption(parser):
    parser.addoption("--alias", action="store_true", help="test `import onnxruntime`, which is to be Sardonyx")


def pytest_collection_modifyitems(config, items):
    """Modules below the alias are Sardonyx's own, so the name of the package is all there is to exchange."""
    if not config.getoption("--alias"):
        return
    alias = importlib.import_module("onnxruntime")
    assert alias.get_build_info is sardonyx.get_build_info, f"{alias.__file__} is another package: python -m sardonyx.compat enable"
    for module in {item.module for item in items}:
        vars(module).update({name: alias for name, value in vars(module).items() if value is sardonyx})


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
