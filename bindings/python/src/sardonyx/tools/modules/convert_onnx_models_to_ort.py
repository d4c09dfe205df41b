# SPDX-License-Identifier: MIT
"""The command of that name of onnxruntime.tools, and its function: models to ORT's format, and the list of the operators they need."""
import argparse
import enum
import os
import pathlib

from .. import convert_to_ort, create_reduced_build_config


class OptimizationStyle(enum.Enum):
    """When rewrites are applied. Sardonyx applies its own whenever it loads a model, so that one file serves both."""

    Fixed = 0
    Runtime = 1


def convert_onnx_models_to_ort(model_path_or_dir, output_dir=None, optimization_styles=None, custom_op_library_path=None, target_platform=None,
                               save_optimized_onnx_model=False, allow_conversion_failures=False, enable_type_reduction=False):
    """Writes each .onnx file of a path or folder in ORT's format, beside it or into output_dir, and a list of their operators."""
    model_path_or_dir = pathlib.Path(model_path_or_dir)
    made = [pathlib.Path(path) for path in convert_to_ort(model_path_or_dir)]
    if output_dir is not None:
        os.makedirs(output_dir, exist_ok=True)
        made = [path.replace(pathlib.Path(output_dir) / path.name) for path in made]
    folder = pathlib.Path(output_dir) if output_dir is not None else model_path_or_dir if model_path_or_dir.is_dir() else model_path_or_dir.parent
    name = "required_operators.config" if model_path_or_dir.is_dir() else f"{model_path_or_dir.stem}.required_operators.config"
    create_reduced_build_config(folder if len(made) != 1 else made[0], folder / name)


def main(arguments=None):
    """The command."""
    parser = argparse.ArgumentParser(description="Writes .onnx files in ORT's format.")
    parser.add_argument("--output_dir"), parser.add_argument("model_path_or_dir")
    a, _ = parser.parse_known_args(arguments)
    convert_onnx_models_to_ort(a.model_path_or_dir, a.output_dir)


if __name__ == "__main__":
    main()
