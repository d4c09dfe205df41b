#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/model/ort: a small model of what the two formats say in different ways (branches, dimensions by name, texts,
sequences, attributes that are zero), as .onnx and, by ONNX Runtime, as .ort; and layout.ort, which ONNX Runtime optimised for the
layout of one machine. Needs onnx, numpy and onnxruntime 1.31.1, and AVX for the latter."""
import pathlib

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper, save

FOLDER = pathlib.Path(__file__).parent.parent / "tests/model/ort"


def value(name, dims, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, dims)


def model():
    node, rng = helper.make_node, np.random.default_rng(5)
    small = lambda name, *dims: numpy_helper.from_array(rng.standard_normal(dims).astype(np.float32), name)
    larger = helper.make_graph([node("Relu", ["y"], ["a"]), node("Add", ["a", "shift"], ["then_out"])], "larger",
                               [], [value("then_out", ["N", 4, 6, 6])], [small("shift", 4, 1, 1)])
    smaller = helper.make_graph([node("Neg", ["y"], ["else_out"])], "smaller", [], [value("else_out", ["N", 4, 6, 6])])
    nodes = [
        node("Conv", ["x", "w", "b"], ["y"], kernel_shape=[3, 3], pads=[0, 0, 0, 0], group=1, name="conv"),
        node("ReduceSum", ["y"], ["sum"], keepdims=0),
        node("Greater", ["sum", "zero"], ["positive"]),
        node("If", ["positive"], ["z"], then_branch=larger, else_branch=smaller, name="branches"),
        node("SplitToSequence", ["z"], ["parts"], axis=0, keepdims=1),
        node("ConcatFromSequence", ["parts"], ["joined"], axis=0),
        node("LeakyRelu", ["joined"], ["leaky"], alpha=0.0),
        node("Clip", ["leaky", "", "most"], ["r"]),
        node("LabelEncoder", ["word"], ["class"], domain="ai.onnx.ml", keys_strings=["yes", "no"], values_int64s=[1, 0],
             default_int64=7),
        node("Identity", ["words"], ["same_words"]),
    ]
    weights = [small("w", 4, 3, 3, 3), small("b", 4), numpy_helper.from_array(np.float32(0), "zero"),
               numpy_helper.from_array(np.float32(2), "most"),
               helper.make_tensor("words", TensorProto.STRING, [2], [b"first", "zw\u00f6lf".encode()])]
    g = helper.make_graph(nodes, "formats", [value("x", ["N", 3, 8, 8]), value("word", [None], TensorProto.STRING)],
                          [value("r", ["N", 4, 6, 6]), value("class", [None], TensorProto.INT64),
                           value("same_words", [2], TensorProto.STRING)], weights)
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)],
                          ir_version=8, producer_name="sardonyx", doc_string="a model in two formats", model_version=0)
    helper.set_model_props(m, {"author": "nobody"})
    checker.check_model(m)
    return m


def one_conv():
    w = numpy_helper.from_array(np.ones((16, 16, 1, 1), np.float32), "w")
    g = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"], name="conv")], "layout", [value("x", [1, 16, 4, 4])],
                          [value("y", [1, 16, 4, 4])], [w])
    return helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def save_ort(path, m, level):
    o = onnxruntime.SessionOptions()
    o.graph_optimization_level = level
    o.optimized_model_filepath = str(path)
    o.log_severity_level = 3
    o.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(m.SerializeToString(), o, providers=["CPUExecutionProvider"])


def main():
    FOLDER.mkdir(exist_ok=True)
    m = model()
    save(m, FOLDER / "formats.onnx")
    save_ort(FOLDER / "formats.ort", m, onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    save_ort(FOLDER / "layout.ort", one_conv(), onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)


if __name__ == "__main__":
    main()
