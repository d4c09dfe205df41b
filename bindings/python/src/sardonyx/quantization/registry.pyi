# SPDX-License-Identifier: MIT
from typing import Any

CommonOpsRegistry: Any
IntegerOpsRegistry: Any
QDQRegistry: Any
QLinearOpsRegistry: Any
