# SPDX-License-Identifier: MIT
"""Small models to try things with."""
import os


def get_example(name):
    """The path of an example: 'mul_1.onnx', 'sigmoid.onnx' or 'logreg_iris.onnx'.

    :raises FileNotFoundError: for another name
    """
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    if not os.path.exists(path):
        raise FileNotFoundError(f"Unable to find example '{name}'")
    return path
