# SPDX-License-Identifier: MIT
from typing import Any

from .. import make_dynamic_shape_fixed as make_dynamic_shape_fixed

def make_dynamic_shape_fixed_helper(arguments: Any = None) -> None: ...
