# SPDX-License-Identifier: MIT
"""optimize(): the model as the library's passes leave it, written as a file that any runtime reads; and weights of 16 bits."""
import os

import numpy as np

from . import _model, _native
from ._reports import Report

_DIMS, _TYPE, _FLOATS, _NAME, _RAW = 1, 2, 4, 8, 9  # fields of TensorProto
_FLOAT, _HALF = 1, 10
LEAST = 64  # elements of a tensor that is worth it


def _half(tensor):
    """(name, elements, the TensorProto in 16 bits) of an initializer that can be said in them, else None."""
    kind, name, dims, data, other = 0, "", b"", None, b""
    count = 1
    for number, value, whole in _model.fields(tensor):
        if number == _TYPE:
            kind = value
        elif number == _NAME:
            name = str(value, "utf-8")
        elif number == _RAW:
            data = np.frombuffer(value, "<f4")
        elif number == _FLOATS and not isinstance(value, int):
            data = np.frombuffer(value, "<f4")
        elif number == _DIMS:
            dims += bytes(whole)
            for size in [value] if isinstance(value, int) else _model.numbers(value):
                count *= size
        else:
            return None  # stored in another file
    if kind != _FLOAT or data is None or data.size != count or count < LEAST:
        return None
    with np.errstate(over="ignore"):
        half = data.astype("<f2")
    if not np.array_equal(np.isfinite(half), np.isfinite(data)):
        return None  # too large for 16 bits
    head = dims + _model.number(_TYPE, _HALF) + _model.field(_NAME, f"{name}/f16".encode())
    return name, count, head + _model.field(_RAW, half.tobytes())


def half_weights(data):
    """(the model as bytes, with float weights stored in 16 bits and cast where they are used; how many tensors that were)"""
    casts, graph, changed = [], [], 0
    for number, value, whole in _model.fields(_model.graph_of(data)):
        made = _half(value) if number == _model.INITIALIZER else None
        if made is None:
            graph.append(whole)
            continue
        name, _, tensor = made
        graph.append(_model.field(_model.INITIALIZER, tensor))
        attribute = _model.field(1, b"to") + _model.number(3, _FLOAT) + _model.number(20, 2)
        casts.append(_model.field(_model.NODE, _model.field(1, f"{name}/f16".encode()) + _model.field(2, name.encode()) + _model.field(4, b"Cast") +
                                  _model.field(5, attribute)))
        changed += 1
    return _model.replace_graph(data, b"".join(casts + graph)), changed


def optimize(model, output, level=None, float16=False):
    """Writes a model as the passes of the library leave it.

        print(sardonyx.optimize("model.onnx", "fast.onnx"))
        sardonyx.optimize("model.onnx", "small.onnx", level=0, float16=True)

    :param model: a path, or the model as bytes
    :param output: the path of the new model; one that ends in .ort is written in ORT's format
    :param level: a GraphOptimizationLevel or its number; by default what other runtimes can read as well (ORT_ENABLE_EXTENDED)
    :param float16: whether float weights are stored in 16 bits. Computation stays in 32 bits: each is followed by a Cast, which Sardonyx takes
        into the product that reads it, so that the memory stays small, too. What does not fit into 16 bits stays as it is.
    :returns: a Report: nodes and bytes before and after
    :raises InvalidGraph, InvalidProtobuf, NoSuchFile: when the model cannot be used
    """
    from . import GraphOptimizationLevel, InferenceSession, SessionOptions
    options = SessionOptions()
    options.graph_optimization_level = GraphOptimizationLevel(int(GraphOptimizationLevel.ORT_ENABLE_EXTENDED if level is None else level))
    output, changed = os.fspath(output), 0
    if float16 and output.endswith(".ort"):
        raise _native.InvalidArgument("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : float16 is for .onnx files; convert the result to .ort then")
    options.optimized_model_filepath = output
    with InferenceSession(model, options):
        pass
    if float16:
        with open(output, "rb") as file:
            data, changed = half_weights(memoryview(file.read()))
        half = f"{output}.{os.getpid()}"  # beside it: nobody reads half of a file, and its mode is that of any new file
        try:
            with open(half, "wb") as file:
                file.write(data)
            os.replace(half, output)
        finally:
            if os.path.exists(half):
                os.unlink(half)
    before = len(model) if isinstance(model, bytes) else _model.size_of(os.fspath(model))
    row = {"bytes": [before, os.path.getsize(output)], "tensors in 16 bits": changed}
    try:
        row["nodes"] = [len(_model.Model(source).nodes) for source in (model, output)]
    except _native.InvalidProtobuf:
        pass  # ORT's format
    text = "\n".join(f"{key:<20}" + (f"{value[0]:>14,} -> {value[1]:,}" if isinstance(value, list) else f"{value:>14,}") for key, value in row.items())
    return Report(text, row)
