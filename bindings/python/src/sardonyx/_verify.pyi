# SPDX-License-Identifier: MIT
import os
from typing import Any, Mapping

from ._options import SessionOptions
from ._reports import Report

AT_ONCE: int

class Difference(Report):
    agrees: bool
    first: dict[str, Any] | None
    def __bool__(self) -> bool: ...

def compare(a: Any, b: Any, rtol: float, atol: float) -> tuple[bool, float | None]: ...
def made_up(session: Any) -> dict[str, Any]: ...
def verify(model: str | os.PathLike[str] | bytes, inputs: Mapping[str, Any] | None = None, against: Any = None, *, rtol: float = 1e-3, atol: float = 1e-5,
           nodes: bool = True, sess_options: SessionOptions | None = None) -> Difference: ...
