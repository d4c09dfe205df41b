# SPDX-License-Identifier: MIT
from typing import Any

import enum

class AttentionMaskFormat:
    MaskIndexEnd: Any
    MaskIndexEndAndStart: Any
    AttentionMask: Any
    NoMask: Any

class AttentionOpType(enum.Enum):
    Attention = 'Attention'
    MultiHeadAttention = 'MultiHeadAttention'
    GroupQueryAttention = 'GroupQueryAttention'
    PagedAttention = 'PagedAttention'

class FusionOptions:
    use_multi_head_attention: bool
    attention_mask_format: Any
    def __init__(self, model_type: Any) -> None: ...
    def use_raw_attention_mask(self, use_raw_mask: bool = True) -> None: ...
    def disable_attention_mask(self) -> None: ...
    attention_op_type: Any
    def set_attention_op_type(self, attn_op_type: Any) -> None: ...
