# SPDX-License-Identifier: MIT
"""The command of that name of onnxruntime.tools; sardonyx.tools.make_dynamic_shape_fixed is the function."""
import argparse

from .. import make_dynamic_shape_fixed


def make_dynamic_shape_fixed_helper(arguments=None):
    """The command."""
    parser = argparse.ArgumentParser(description="Writes a model whose free dimensions are numbers.")
    parser.add_argument("--dim_param", help="the name of a dimension"), parser.add_argument("--dim_value", type=int, help="its size")
    parser.add_argument("--input_name", help="an input"), parser.add_argument("--input_shape", help="its sizes, 1,3,224,224 for one")
    parser.add_argument("input_model"), parser.add_argument("output_model")
    a = parser.parse_args(arguments)
    if bool(a.dim_param) == bool(a.input_name) or (a.dim_param and not a.dim_value) or (a.input_name and not a.input_shape):
        parser.error("expected --dim_param with --dim_value, or --input_name with --input_shape")
    make_dynamic_shape_fixed(a.input_model, a.output_model, {a.dim_param: a.dim_value} if a.dim_param else None,
                             {a.input_name: [int(size) for size in a.input_shape.split(",")]} if a.input_name else None)


if __name__ == "__main__":
    make_dynamic_shape_fixed_helper()
