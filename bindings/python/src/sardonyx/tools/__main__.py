# SPDX-License-Identifier: MIT
"""python -m sardonyx.tools: jobs on model files."""
import argparse
import sys

from .. import optimize
from . import convert_from_ort, convert_to_ort, create_reduced_build_config, make_dynamic_shape_fixed, update_onnx_opset


def _shapes(text):
    name, _, sizes = text.rpartition("=")
    return name, [int(size) for size in sizes.split(",")]


def main(arguments=None):
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sardonyx.tools", description="Small jobs on model files.")
    jobs = parser.add_subparsers(dest="job", required=True)
    job = jobs.add_parser("fix-shapes", help="free dimensions become numbers")
    job.add_argument("model"), job.add_argument("output")
    job.add_argument("--dim", action="append", default=[], metavar="NAME=SIZE", type=_shapes)
    job.add_argument("--input", action="append", default=[], metavar="NAME=1,3,224,224", type=_shapes)
    job = jobs.add_parser("optimize", help="the model as the passes leave it")
    job.add_argument("model"), job.add_argument("output")
    job.add_argument("--level", type=int), job.add_argument("--float16", action="store_true", help="weights of 16 bits")
    job = jobs.add_parser("to-ort", help="each .onnx file of a path or folder in ORT's format, beside it")
    job.add_argument("path")
    job = jobs.add_parser("from-ort", help="ORT's format to an ONNX file")
    job.add_argument("model"), job.add_argument("output")
    job = jobs.add_parser("operators", help="the list for `make reduced`, from a path or folder of models")
    job.add_argument("path"), job.add_argument("output")
    job = jobs.add_parser("opset", help="the model for a newer operator set")
    job.add_argument("model"), job.add_argument("output"), job.add_argument("opset", type=int)
    a = parser.parse_args(arguments)
    if a.job == "fix-shapes":
        make_dynamic_shape_fixed(a.model, a.output, {name: sizes[0] for name, sizes in a.dim}, dict(a.input))
    elif a.job == "optimize":
        print(optimize(a.model, a.output, a.level, a.float16))
    elif a.job == "to-ort":
        print(*convert_to_ort(a.path), sep="\n")
    elif a.job == "from-ort":
        convert_from_ort(a.model, a.output)
    elif a.job == "operators":
        print(*create_reduced_build_config(a.path, a.output), sep="\n")
    else:
        update_onnx_opset(a.model, a.opset, a.output)


if __name__ == "__main__":
    sys.exit(main())
