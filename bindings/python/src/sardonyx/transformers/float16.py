# SPDX-License-Identifier: MIT
"""convert_float_to_float16() with onnxruntime.transformers' arguments; sardonyx.quantization.convert_float works on files."""
import os


def convert_float_to_float16(model, min_positive_val=5.96e-08, max_finite_val=65504.0, keep_io_types=False, disable_shape_infer=False,
                             op_block_list=None, node_block_list=None, force_fp16_initializers=False, force_fp16_inputs=None,
                             use_bfloat16_as_blocked_nodes_dtype=False):
    """A ModelProto in 16-bit floats; needs the package onnx.

    :param model: a ModelProto or a path
    :param keep_io_types: whether inputs and outputs stay in 32 bits
    :param op_block_list, node_block_list: operators and names of nodes that stay as they are

    The other arguments are accepted and make no difference.
    """
    from .optimizer import OptimizedModel
    if not isinstance(keep_io_types, bool):
        raise NotImplementedError("keep_io_types is a list: all inputs and outputs stay, or none")
    made = OptimizedModel(os.fspath(model) if isinstance(model, (str, os.PathLike)) else model, 0)
    made.convert_float_to_float16(keep_io_types=keep_io_types, op_block_list=op_block_list, node_block_list=node_block_list)
    return made.model
