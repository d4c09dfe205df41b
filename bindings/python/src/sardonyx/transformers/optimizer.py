# SPDX-License-Identifier: MIT
"""optimize_model() and what it returns, with onnxruntime.transformers' names; also `python -m sardonyx.transformers.optimizer`."""
import argparse
import collections
import os
import shutil
import tempfile

from .. import _model, optimize

# Types of models that the original knows; here they make no difference.
MODEL_TYPES = ("bart", "bert", "bert_keras", "bert_tf", "clip", "conformer", "gpt2", "gpt2_tf", "gpt_neox", "mmdit", "phi", "sam2", "swin", "t5",
               "tnlr", "unet", "vae", "vit")
_LEVELS = (0, 1, 2, 3, 99)


def _folder_of(model):
    """(a folder that goes with the last reference, the model's path in it or where it is)"""
    folder = tempfile.TemporaryDirectory()
    if isinstance(model, (str, os.PathLike)):
        return folder, os.fspath(model)
    path = os.path.join(folder.name, "given.onnx")
    data = model if isinstance(model, bytes) else None
    if data is None:
        try:
            data = model.SerializeToString()
        except Exception:  # over 2 GB
            import onnx
            onnx.save_model(model, path, save_as_external_data=True)
    if data is not None:
        with open(path, "wb") as file:
            file.write(data)
    return folder, path


class OptimizedModel:
    """A model as the passes leave it, in a file of its own until it is saved.

    `str(model.report)` says nodes and bytes before and after. What asks for a ModelProto, `model` and nodes(), needs the package onnx.
    """

    def __init__(self, source, level):
        self._folder, path = _folder_of(source)
        self._path, self._proto = os.path.join(self._folder.name, "model.onnx"), None
        self.report = optimize(path, self._path, level)

    @property
    def model(self):
        """The ModelProto."""
        if self._proto is None:
            import onnx
            self._proto = onnx.load(self._path)
        return self._proto

    def graph(self):
        """The main graph of the ModelProto."""
        return self.model.graph

    def nodes(self):
        """Its nodes, a list of NodeProto."""
        return list(self.model.graph.node)

    def get_nodes_by_op_type(self, op_type):
        """Those of one operator."""
        return [node for node in self.nodes() if node.op_type == op_type]

    def get_opset_version(self):
        """The version of the standard operator set."""
        return next(item.version for item in self.model.opset_import if item.domain in ("", "ai.onnx"))

    def get_operator_statistics(self, include_domain=False):
        """How many nodes there are of each operator."""
        return dict(collections.Counter(f"{node.domain}:{node.op_type}" if include_domain and node.domain else node.op_type
                                        for node in _model.Model(self._path).nodes))

    def get_fused_operator_statistics(self):
        """How many steps a session runs in place of several nodes each, by what they do."""
        from .. import InferenceSession
        with InferenceSession(self._path) as session:
            return dict(collections.Counter(step["op_type"] for step in session.explain().data["steps"] if len(step["from"]) > 1))

    def is_fully_optimized(self, fused_op_count=None):
        """Whether anything was fused."""
        return bool(fused_op_count if fused_op_count is not None else self.get_fused_operator_statistics())

    def convert_float_to_float16(self, use_symbolic_shape_infer=True, keep_io_types=True, op_block_list=None, node_block_list=None, **unused):
        """The model in 16-bit floats; inputs and outputs stay in 32 bits unless keep_io_types is False. Operators and nodes of the two lists
        stay as they are. Further arguments of the original are accepted and make no difference."""
        from .. import quantization
        half = os.path.join(self._folder.name, "half.onnx")
        quantization.convert_float(self._path, half, "float16", bool(keep_io_types), nodes_to_exclude=list(node_block_list or ()),
                                   op_types_to_exclude=list(op_block_list or ()))
        self._path, self._proto = half, None

    convert_model_float32_to_float16 = convert_float_to_float16

    def save_model_to_file(self, output_path, use_external_data_format=False, all_tensors_to_one_file=True):
        """Writes the model; with use_external_data_format its tensors lie in a file beside it."""
        if use_external_data_format:
            import onnx
            onnx.save_model(self.model, os.fspath(output_path), save_as_external_data=True, all_tensors_to_one_file=all_tensors_to_one_file,
                            location=os.path.basename(os.fspath(output_path)) + ".data")
        elif self._proto is not None:
            import onnx
            onnx.save_model(self._proto, os.fspath(output_path))
        else:
            shutil.copy(self._path, output_path)

    def topological_sort(self, *unused, **settings):
        """Nothing to do: the nodes are sorted."""

    prune_graph = remove_unused_constant = update_graph = clean_shape_infer = topological_sort


def _level(opt_level):
    level = 2 if opt_level is None else int(opt_level)
    if level not in _LEVELS:
        raise ValueError(f"opt_level is {opt_level}; expected None or one of {', '.join(map(str, _LEVELS))}")
    return min(level, 2)  # what other runtimes can read as well


def optimize_model(input, model_type="bert", num_heads=0, hidden_size=0, optimization_options=None, opt_level=None, use_gpu=False,
                   only_onnxruntime=False, verbose=False, *, provider=None):
    """A model as the passes of the library leave it, an OptimizedModel.

        from sardonyx.transformers import optimizer
        optimizer.optimize_model("model.onnx", "bert").save_model_to_file("fast.onnx")

    :param input: a path, bytes, or a ModelProto
    :param opt_level: None or 2 for all rewrites that other runtimes can read, 1 for the basic ones, 0 for none

    The other arguments are the original's: the passes find by themselves what they would say.
    """
    if model_type not in MODEL_TYPES:
        raise ValueError(f"model_type is {model_type!r}; expected one of {', '.join(MODEL_TYPES)}")
    return OptimizedModel(input, _level(opt_level))


def optimize_by_onnxruntime(onnx_model, use_gpu=False, optimized_model_path=None, opt_level=99, disabled_optimizers=(), verbose=False, **unused):
    """Writes a model as the passes leave it and returns the path, by default beside the model."""
    if optimized_model_path is None:
        if not isinstance(onnx_model, (str, os.PathLike)):
            raise ValueError("a model in memory has no place beside it: give optimized_model_path")
        optimized_model_path = f"{os.path.splitext(os.fspath(onnx_model))[0]}_o{opt_level}_cpu.onnx"
    OptimizedModel(onnx_model, _level(opt_level)).save_model_to_file(optimized_model_path)
    return optimized_model_path


def get_fusion_statistics(optimized_model_path):
    """How many steps a session runs in place of several nodes each, by what they do."""
    return OptimizedModel(optimized_model_path, 0).get_fused_operator_statistics()


def main(arguments=None):
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sardonyx.transformers.optimizer", description="Writes a model as the passes leave it.")
    parser.add_argument("--input", required=True), parser.add_argument("--output", required=True)
    parser.add_argument("--model_type", default="bert", type=str.lower), parser.add_argument("--opt_level", type=int)
    parser.add_argument("--float16", action="store_true", help="the model in 16-bit floats")
    parser.add_argument("--use_external_data_format", action="store_true", help="tensors in a file beside the model")
    a, _ = parser.parse_known_args(arguments)
    made = optimize_model(a.input, a.model_type, opt_level=a.opt_level)
    if a.float16:
        made.convert_float_to_float16()
    made.save_model_to_file(a.output, a.use_external_data_format)
    print(made.report)


if __name__ == "__main__":
    main()
