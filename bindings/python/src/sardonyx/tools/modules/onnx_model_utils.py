# SPDX-License-Identifier: MIT
"""Small changes of a ModelProto, with onnxruntime.tools' names."""
import os

from ... import GraphOptimizationLevel, _native, optimize
from .. import update_onnx_opset as _update


def iterate_graph_per_node_func(graph, per_node_func, **func_args):
    """Calls a function for each node of a graph and of the bodies in it."""
    for node in graph.node:
        per_node_func(node, **func_args)
        for attribute in node.attribute:
            for body in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                iterate_graph_per_node_func(body, per_node_func, **func_args)


def iterate_graph_per_graph_func(graph, per_graph_func, **func_args):
    """Calls a function for a graph and for each body in it."""
    per_graph_func(graph, **func_args)
    for node in graph.node:
        for attribute in node.attribute:
            for body in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                iterate_graph_per_graph_func(body, per_graph_func, **func_args)


def get_opsets_imported(model):
    """{domain: version} of a ModelProto."""
    return {item.domain or "ai.onnx": item.version for item in model.opset_import}


def update_onnx_opset(model_path, opset, out_path=None, logger=None):
    """Rewrites a model for a newer operator set, and writes it where a path is given."""
    return _update(model_path, opset, out_path)


def optimize_model(model_path, output_path, level=GraphOptimizationLevel.ORT_ENABLE_BASIC, log_level=3, use_external_initializers=False):
    """Writes a model as the passes leave it."""
    optimize(os.fspath(model_path), os.fspath(output_path), level)


def get_optimization_level(level):
    """A level by its name: 'disable', 'basic', 'extended', 'layout', 'all'."""
    names = {"disable": "ORT_DISABLE_ALL", "basic": "ORT_ENABLE_BASIC", "extended": "ORT_ENABLE_EXTENDED", "layout": "ORT_ENABLE_LAYOUT",
             "all": "ORT_ENABLE_ALL"}
    if level not in names:
        raise ValueError(f"Invalid optimization level of {level}; expected one of {', '.join(names)}")
    return getattr(GraphOptimizationLevel, names[level])


def is_fixed_size_tensor(value):
    """Whether a ValueInfoProto says every dimension."""
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return False
    return all(dim.HasField("dim_value") and dim.dim_value > 0 for dim in value.type.tensor_type.shape.dim)


def remove_invalid_dim_values(graph):
    """Dimensions below 1 become unknown."""
    def clear(graph):
        for value in [*graph.input, *graph.output, *graph.value_info]:
            for dim in value.type.tensor_type.shape.dim if value.type.HasField("tensor_type") else ():
                if dim.HasField("dim_value") and dim.dim_value < 1:
                    dim.Clear()
    iterate_graph_per_graph_func(graph, clear)


def make_dim_param_fixed(graph, param_name, value):
    """Every dimension of that name becomes a number."""
    def fix(graph):
        for info in [*graph.input, *graph.output, *graph.value_info]:
            for dim in info.type.tensor_type.shape.dim if info.type.HasField("tensor_type") else ():
                if dim.HasField("dim_param") and dim.dim_param == param_name:
                    dim.dim_value = value
    iterate_graph_per_graph_func(graph, fix)


def make_input_shape_fixed(graph, input_name, fixed_shape):
    """An input's shape becomes these numbers, and the names of its dimensions become them everywhere.

    :raises ValueError: for an input that is not there, or a shape that contradicts it
    """
    remove_invalid_dim_values(graph)
    info = next((item for item in graph.input if item.name == input_name), None)
    if info is None:
        raise ValueError(f"Input {input_name} was not found in graph inputs; there are {', '.join(item.name for item in graph.input)}")
    shape = info.type.tensor_type.shape
    if not info.type.tensor_type.HasField("shape"):
        for size in fixed_shape:
            shape.dim.add().dim_value = size
        return
    if len(shape.dim) != len(fixed_shape):
        raise ValueError(f"Rank mismatch. Existing:{len(shape.dim)} Replacement:{len(fixed_shape)}")
    for dim, size in zip(shape.dim, fixed_shape):
        if dim.HasField("dim_param"):
            make_dim_param_fixed(graph, dim.dim_param, size)
        elif dim.HasField("dim_value") and dim.dim_value != size:
            raise ValueError(f"Can't replace existing fixed size of {dim.dim_value} with {size} in {input_name}")
        dim.dim_value = size


def fix_output_shapes(model):
    """Outputs whose sizes follow from the inputs' say them."""
    from .symbolic_shape_infer import SymbolicShapeInference
    found = SymbolicShapeInference.infer_shapes(model)
    for info, known in zip(model.graph.output, found.graph.output):
        if not is_fixed_size_tensor(info) and is_fixed_size_tensor(known):
            info.type.tensor_type.shape.CopyFrom(known.type.tensor_type.shape)


class ModelProtoWithShapeInfo:
    """`model_with_shape_info`: the model of a path, shapes inferred."""

    def __init__(self, model_path):
        import onnx

        from .symbolic_shape_infer import SymbolicShapeInference
        self.model_path = model_path
        if not os.path.exists(model_path):
            raise _native.NoSuchFile(f"[ONNXRuntimeError] : 3 : NO_SUCHFILE : no file {model_path}")
        self.model_with_shape_info = SymbolicShapeInference.infer_shapes(onnx.load(os.fspath(model_path)))
