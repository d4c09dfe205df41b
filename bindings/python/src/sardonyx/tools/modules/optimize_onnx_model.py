# SPDX-License-Identifier: MIT
"""The command of that name of onnxruntime.tools."""
import argparse

from .onnx_model_utils import get_optimization_level, optimize_model


def optimize_model_helper(arguments=None):
    """The command."""
    parser = argparse.ArgumentParser(description="Writes a model as the passes leave it.")
    parser.add_argument("--opt_level", default="basic", choices=["disable", "basic", "extended", "layout", "all"])
    parser.add_argument("input_model"), parser.add_argument("output_model")
    a = parser.parse_args(arguments)
    optimize_model(a.input_model, a.output_model, get_optimization_level(a.opt_level))


if __name__ == "__main__":
    optimize_model_helper()
