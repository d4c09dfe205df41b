# SPDX-License-Identifier: MIT
"""python -m sardonyx.quantization.preprocess --input model.onnx --output prepared.onnx: quant_pre_process on the command line."""
import argparse

from .shape_inference import quant_pre_process


def _flag(text):
    return str(text).lower() in ("1", "true", "yes", "on")


def parse_arguments(arguments=None):
    """The command line, with onnxruntime's names."""
    parser = argparse.ArgumentParser(prog="sardonyx.quantization.preprocess", description="Makes a model ready for quantising.")
    parser.add_argument("--input", required=True, help="path of the model")
    parser.add_argument("--output", required=True, help="path to write")
    parser.add_argument("--skip_optimization", type=_flag, default=False, help="copy the model as it is")
    for name in ("skip_onnx_shape", "skip_symbolic_shape", "auto_merge", "guess_output_rank", "save_as_external_data", "all_tensors_to_one_file"):
        parser.add_argument(f"--{name}", type=_flag, nargs="?", const=True, default=False, help="taken, and not needed")
    for name, default in (("int_max", 2**31 - 1), ("verbose", 0), ("external_data_size_threshold", 1024)):
        parser.add_argument(f"--{name}", type=int, default=default, help="taken, and not needed")
    parser.add_argument("--external_data_location", help="taken, and not needed")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Writes what the command line asks for."""
    options = vars(parse_arguments(arguments))
    quant_pre_process(options.pop("input"), options.pop("output"), **options)


if __name__ == "__main__":
    main()
