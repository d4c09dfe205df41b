# SPDX-License-Identifier: MIT
from typing import Any

from ... import GraphOptimizationLevel as GraphOptimizationLevel, SessionOptions as SessionOptions

class SymbolicShapeInference:
    @staticmethod
    def infer_shapes(in_mp: Any, int_max: Any = ..., auto_merge: bool = False, guess_output_rank: bool = False, verbose: int = 0) -> Any: ...

def main(arguments: Any = None) -> None: ...
