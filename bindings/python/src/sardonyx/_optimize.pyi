# SPDX-License-Identifier: MIT
import os

from ._reports import Report

LEAST: int

def half_weights(data: bytes | memoryview) -> tuple[bytes, int]: ...
def optimize(model: str | os.PathLike[str] | bytes, output: str | os.PathLike[str], level: int | None = None, float16: bool = False) -> Report: ...
