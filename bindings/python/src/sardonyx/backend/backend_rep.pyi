# SPDX-License-Identifier: MIT
from typing import Any

from .._session import InferenceSession

class SardonyxBackendRep:
    def __init__(self, session: InferenceSession) -> None: ...
    def run(self, inputs: Any, **kwargs: Any) -> list[Any]: ...

OnnxRuntimeBackendRep = SardonyxBackendRep
