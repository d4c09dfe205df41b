# SPDX-License-Identifier: MIT
"""Small jobs on model files; `python -m sardonyx.tools` does them on the command line.

    tools.make_dynamic_shape_fixed("model.onnx", "fixed.onnx", dims={"batch": 1})
    tools.convert_to_ort("models/")
    tools.create_reduced_build_config("models/", "operators.config")
"""
import os
import pathlib

from .. import _model, _native
from .._optimize import optimize

__all__ = ["convert_from_ort", "convert_to_ort", "create_reduced_build_config", "make_dynamic_shape_fixed", "update_onnx_opset"]

_VALUE_INFO = 13
_SHAPE = (2, 1, 2)  # ValueInfoProto.type.tensor_type.shape


def _edited(data, path, change):
    """A message with the message at a path of field numbers replaced by change(its bytes)."""
    parts = []
    for key, value, whole in _model.fields(data):
        if key == path[0] and not isinstance(value, int):
            parts.append(_model.field(key, _edited(value, path[1:], change) if path[1:] else change(value)))
        else:
            parts.append(whole)
    return b"".join(parts)


def _dims(shape):
    """[number, name or None] of each dimension."""
    return [next((value if key == 1 else str(value, "utf-8") for key, value, _ in _model.fields(dim) if key in (1, 2)), None)
            for key, dim, _ in _model.fields(shape) if key == 1]


def _shape(dims):
    return b"".join(_model.field(1, b"" if d is None else _model.number(1, d) if isinstance(d, int) else _model.field(2, d.encode())) for d in dims)


def make_dynamic_shape_fixed(model, output, dims=None, inputs=None):
    """Writes a model whose free dimensions are numbers.

    :param model: a path; external data stay where they are, so the new file belongs beside it
    :param output: the path of the new model
    :param dims: a dictionary from a dimension's name to its size
    :param inputs: a dictionary from an input's name to its shape; the names that stand there get those sizes everywhere
    :raises InvalidArgument: for an input or a dimension that the model does not have, or a shape that contradicts it
    """
    with open(model, "rb") as file:
        data = memoryview(file.read())
    known, sizes, fixed = {}, dict(dims or {}), dict(inputs or {})
    graph, infos = _model.graph_of(data), (_model.INPUT, _model.OUTPUT, _VALUE_INFO)
    for key, value, _ in _model.fields(graph):
        if key == _model.INPUT:
            name = next(str(text, "utf-8") for k, text, _ in _model.fields(value) if k == 1)
            _edited(value, _SHAPE, lambda shape: known.setdefault(name, _dims(shape)) and b"")

    def refuse(text):
        raise _native.InvalidArgument(f"[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : {text}")
    for name, wanted in fixed.items():
        if name not in known:
            refuse(f"no input {name}; there are {', '.join(known)}")
        if len(wanted) != len(known[name]) or any(isinstance(d, int) and d != w for d, w in zip(known[name], wanted)):
            refuse(f"input {name} is {known[name]}; {list(wanted)} cannot be its shape")
        sizes.update({d: int(w) for d, w in zip(known[name], wanted) if isinstance(d, str)})
    absent = set(dims or {}) - {d for shape in known.values() for d in shape}
    if absent:
        refuse(f"no input has a dimension {', '.join(sorted(absent))}; there are {', '.join(sorted({d for s in known.values() for d in s if isinstance(d, str)}))}")

    def change(info):
        name = next((str(text, "utf-8") for k, text, _ in _model.fields(info) if k == 1), "")
        return _edited(info, _SHAPE, lambda shape: _shape([int(fixed[name][i]) if name in fixed and d is None else sizes.get(d, d)
                                                           for i, d in enumerate(_dims(shape))]))
    for key in infos:
        graph = _edited(graph, (key,), change)
    pathlib.Path(output).write_bytes(_model.replace_graph(data, graph))


def _models(path, kinds):
    path = pathlib.Path(path)
    if not path.exists():
        raise _native.NoSuchFile(f"[ONNXRuntimeError] : 3 : NO_SUCHFILE : no file or folder {path}")
    return sorted(p for p in path.rglob("*") if p.suffix in kinds) if path.is_dir() else [path]


def convert_to_ort(path, level=None):
    """Writes each .onnx file, of a path or a folder, in ORT's format beside it: a list of the new paths."""
    made = []
    for model in _models(path, (".onnx",)):
        optimize(model, model.with_suffix(".ort"), level)
        made.append(str(model.with_suffix(".ort")))
    return made


def convert_from_ort(model, output):
    """Writes a model in ORT's format as an ONNX file."""
    optimize(model, output, level=0)


def create_reduced_build_config(path, output):
    """Writes the operators that models need, of a path or a folder: the list from which `make reduced OPS=...` makes a smaller library.

    :returns: the lines, "domain;opset;Conv,Relu"
    """
    needed = {}
    for model in _models(path, (".onnx", ".ort")):
        for line in filter(None, _native.operators(os.fspath(model)).splitlines()):
            domain, opset, names = line.split(";")
            needed.setdefault((domain, int(opset)), set()).update(names.split(","))
    lines = [f"{domain};{opset};{','.join(sorted(names))}" for (domain, opset), names in sorted(needed.items())]
    pathlib.Path(output).write_text("".join(f"{line}\n" for line in lines))
    return lines


def update_onnx_opset(model, opset, output=None):
    """Rewrites a model for a newer operator set of ai.onnx, by the converter of the package onnx.

    :param model: a path
    :param output: the path of the new model, or None for the ModelProto alone
    :raises ImportError: when the package onnx is not there. Sardonyx itself needs no such conversion: it reads every version
    """
    import onnx
    from onnx import version_converter
    made = version_converter.convert_version(onnx.load(os.fspath(model)), int(opset))
    if output is not None:
        onnx.save(made, os.fspath(output))
    return made
