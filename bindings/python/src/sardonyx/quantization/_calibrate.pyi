# SPDX-License-Identifier: MIT
import abc
import enum
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .. import SessionOptions

class CalibrationMethod(enum.Enum):
    MinMax = 0
    Entropy = 1
    Percentile = 2
    Distribution = 3

class CalibrationDataReader(metaclass=abc.ABCMeta):
    @classmethod
    def __subclasshook__(cls, subclass: type) -> Any: ...
    @abc.abstractmethod
    def get_next(self) -> dict[str, Any] | None: ...
    def __iter__(self) -> Iterator[dict[str, Any]]: ...
    def __next__(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...
    def set_range(self, start_index: int, end_index: int) -> None: ...

class TensorData:
    lowest: np.float32
    highest: np.float32
    def __init__(self, lowest: float, highest: float) -> None: ...
    @property
    def range_value(self) -> tuple[np.float32, np.float32]: ...

class TensorsData(dict[str, TensorData]):
    @property
    def data(self) -> TensorsData: ...
    def json(self) -> str: ...
    def save(self, path: str | os.PathLike[str]) -> None: ...
    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TensorsData: ...
    @classmethod
    def from_json(cls, text: str) -> TensorsData: ...

METHODS: dict[CalibrationMethod, str]

def samples_of(reader: CalibrationDataReader | Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]: ...
def calibrate(model: str | os.PathLike[str], samples: CalibrationDataReader | Iterable[dict[str, Any]],
              method: CalibrationMethod = ..., percentile: float = 99.999, progress: bool | Callable[[int], Any] | None = None,
              session_options: SessionOptions | None = None) -> TensorsData: ...
