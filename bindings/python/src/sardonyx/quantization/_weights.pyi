# SPDX-License-Identifier: MIT
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import SessionOptions
from .calibrate import CalibrationDataReader
from ._report import QuantizationReport

def quantize_weights(model_input: str | os.PathLike[str] | bytes | Any, model_output: str | os.PathLike[str], bits: int = 4,
                     block_size: int = 32, method: str = "rtn", is_symmetric: bool = False, accuracy_level: int = 0,
                     op_types_to_quantize: Sequence[str] | None = None, nodes_to_quantize: Sequence[str] | None = None,
                     nodes_to_exclude: Sequence[str] | None = None, *, op_types_to_exclude: Sequence[str] | None = None,
                     samples: CalibrationDataReader | Iterable[dict[str, Any]] | None = None, mse: bool = False, percdamp: float = 0.01,
                     actorder: bool = False, share_scales: bool = False, memory: int = 1024,
                     progress: bool | Callable[[int], Any] | None = None, session_options: SessionOptions | None = None,
                     compare: bool = True) -> QuantizationReport: ...
