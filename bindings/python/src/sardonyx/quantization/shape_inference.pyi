# SPDX-License-Identifier: MIT
import os
from typing import Any

def quant_pre_process(input_model: Any = None, output_model_path: str | os.PathLike[str] | None = None, skip_optimization: bool = False,
                      skip_onnx_shape: bool = False, skip_symbolic_shape: bool = False, auto_merge: bool = False, int_max: Any = ...,
                      guess_output_rank: bool = False, verbose: int = 0, save_as_external_data: bool = False,
                      all_tensors_to_one_file: bool = False, external_data_location: Any = None, external_data_size_threshold: int = 1024,
                      *, input_model_path: str | os.PathLike[str] | None = None) -> None: ...
