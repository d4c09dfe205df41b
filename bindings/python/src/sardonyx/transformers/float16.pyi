# SPDX-License-Identifier: MIT
from typing import Any

def convert_float_to_float16(model: Any, min_positive_val: float = 5.96e-08, max_finite_val: float = 65504.0, keep_io_types: bool = False, disable_shape_infer: bool = False, op_block_list: Any = None, node_block_list: Any = None, force_fp16_initializers: bool = False, force_fp16_inputs: Any = None, use_bfloat16_as_blocked_nodes_dtype: bool = False) -> Any: ...
