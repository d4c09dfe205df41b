# SPDX-License-Identifier: MIT
import contextlib
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from .._reports import Report

class QuantizationReport(Report):
    outputs: dict[str, float] | None
    speedup: float | None
    @property
    def nodes(self) -> list[dict[str, Any]]: ...
    @property
    def bytes_before(self) -> int: ...
    @property
    def bytes_after(self) -> int: ...

def path_of(model: str | os.PathLike[str] | bytes | Any) -> contextlib.AbstractContextManager[pathlib.Path]: ...
def names_of(op_types: Sequence[str] | None, nodes: Sequence[str] | None, skip: Sequence[str] | None,
             skip_op_types: Sequence[str] | None = None) -> dict[str, str]: ...
def quantized(path: str | os.PathLike[str], model_output: str | os.PathLike[str], settings: dict[str, str], sample: dict[str, Any] | None,
              compare: bool, write: Callable[[dict[str, Any] | None], str] | None = None) -> QuantizationReport: ...
