# SPDX-License-Identifier: MIT
from typing import Any

from numpy.typing import NDArray

def quantize_matmul_2bits(dst: NDArray[Any], src: NDArray[Any], scale: NDArray[Any], zero_points: NDArray[Any], block_size: int, N: int, K: int,
                          is_symmetric: bool) -> None: ...
def quantize_matmul_4bits(dst: NDArray[Any], src: NDArray[Any], scale: NDArray[Any], zero_points: NDArray[Any], block_size: int, N: int, K: int,
                          is_symmetric: bool) -> None: ...
def quantize_matmul_8bits(dst: NDArray[Any], src: NDArray[Any], scale: NDArray[Any], zero_points: NDArray[Any], block_size: int, N: int, K: int,
                          is_symmetric: bool) -> None: ...
