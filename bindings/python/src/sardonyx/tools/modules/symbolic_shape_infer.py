# SPDX-License-Identifier: MIT
"""SymbolicShapeInference with onnxruntime.tools' name, done by the library: it is asked for every tensor of the main graph as an output, and
what it says of them is written into a copy of the model."""
import argparse

from ... import GraphOptimizationLevel, SessionOptions, _model

_FIRST_WORDS = {"float": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "string": 8, "bool": 9, "float16": 10,
                "double": 11, "uint32": 12, "uint64": 13, "complex64": 14, "complex128": 15, "bfloat16": 16}


class SymbolicShapeInference:
    """`SymbolicShapeInference.infer_shapes(model)`: shapes of all tensors, with the names of free dimensions and expressions of them."""

    @staticmethod
    def infer_shapes(in_mp, int_max=2**31 - 1, auto_merge=False, guess_output_rank=False, verbose=0):
        """A copy of a ModelProto in which every tensor of the main graph has its type and shape, as far as they are known.

        :param in_mp: a ModelProto; needs the package onnx

        The other arguments are accepted and make no difference.
        """
        import onnx
        made = onnx.ModelProto()
        made.CopyFrom(in_mp)
        model = _model.Model(in_mp.SerializeToString())
        options = SessionOptions()
        options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
        with model.session(model.tensors(), options) as session:
            found = {arg.name: arg for arg in session.get_outputs()}
        known = {info.name for info in made.graph.value_info}
        outputs = {info.name: info for info in made.graph.output}
        for name, arg in found.items():
            kind = _FIRST_WORDS.get(arg.type[len("tensor("):-1]) if arg.type.startswith("tensor(") else None
            if kind is None or name in known:
                continue
            info = onnx.helper.make_tensor_value_info(name, kind, arg.shape)
            if name in outputs:
                outputs[name].CopyFrom(info)
            else:
                made.graph.value_info.append(info)
        return made


def main(arguments=None):
    """The command."""
    import onnx
    parser = argparse.ArgumentParser(description="Writes a model with the shapes of its tensors.")
    parser.add_argument("--input", required=True), parser.add_argument("--output", required=True)
    a, _ = parser.parse_known_args(arguments)
    onnx.save(SymbolicShapeInference.infer_shapes(onnx.load(a.input)), a.output)


if __name__ == "__main__":
    main()
