# SPDX-License-Identifier: MIT
"""onnxruntime.quantization.shape_inference: a model made ready for quantising. Nothing here needs it: shapes are inferred, batch
normalisation folded and old operator sets raised by quantize_static itself; what it writes is for other tools."""
import os
import shutil

from .._optimize import optimize
from ._report import path_of


def quant_pre_process(input_model=None, output_model_path=None, skip_optimization=False, skip_onnx_shape=False, skip_symbolic_shape=False,
                      auto_merge=False, int_max=2**31 - 1, guess_output_rank=False, verbose=0, save_as_external_data=False,
                      all_tensors_to_one_file=False, external_data_location=None, external_data_size_threshold=1024, *, input_model_path=None):
    """Writes the model as the passes leave it that no quantising tool can do without: constants computed, batch normalisation folded.

    :param input_model: a path, a ModelProto, or bytes
    :param skip_optimization: the model is copied as it is
    :param skip_onnx_shape, skip_symbolic_shape, auto_merge, int_max, guess_output_rank, verbose: shapes are inferred when a model is read,
        symbols among them, and need no help
    :param save_as_external_data, all_tensors_to_one_file, external_data_location, external_data_size_threshold: beyond 2 GB weights go to a
        file beside the model, in any case
    """
    source = input_model if input_model is not None else input_model_path
    if source is None or output_model_path is None:
        raise ValueError("quant_pre_process needs input_model and output_model_path")
    with path_of(source) as path:
        if skip_optimization:
            shutil.copyfile(path, output_model_path)
        else:
            optimize(os.fspath(path), os.fspath(output_model_path), 1)
