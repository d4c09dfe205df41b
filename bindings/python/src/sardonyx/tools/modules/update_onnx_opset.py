# SPDX-License-Identifier: MIT
"""The command of that name of onnxruntime.tools."""
import argparse

from .. import update_onnx_opset


def update_onnx_opset_helper(arguments=None):
    """The command."""
    parser = argparse.ArgumentParser(description="Writes a model for a newer operator set.")
    parser.add_argument("--opset", type=int, default=15), parser.add_argument("input_model"), parser.add_argument("output_model")
    a = parser.parse_args(arguments)
    update_onnx_opset(a.input_model, a.opset, a.output_model)


if __name__ == "__main__":
    update_onnx_opset_helper()
