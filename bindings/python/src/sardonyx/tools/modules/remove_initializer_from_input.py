# SPDX-License-Identifier: MIT
"""The command of that name of onnxruntime.tools, and its function."""
import argparse


def remove_initializer_from_input(model):
    """Takes initializers off the inputs of a ModelProto; whether there were any."""
    names = {tensor.name for tensor in model.graph.initializer}
    doubled = [info for info in model.graph.input if info.name in names]
    for info in doubled:
        model.graph.input.remove(info)
    return bool(doubled)


def main(arguments=None):
    """The command."""
    import onnx
    parser = argparse.ArgumentParser(description="Takes initializers off the inputs of a model.")
    parser.add_argument("--input", required=True), parser.add_argument("--output", required=True)
    a = parser.parse_args(arguments)
    model = onnx.load(a.input)
    remove_initializer_from_input(model)
    onnx.save(model, a.output)


if __name__ == "__main__":
    main()
