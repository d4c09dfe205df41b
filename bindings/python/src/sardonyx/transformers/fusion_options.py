# SPDX-License-Identifier: MIT
"""Options of fusions. The library's passes fuse what keeps the results, so that there is nothing to switch on; what is set is kept."""
import enum


class AttentionMaskFormat:
    """Forms of an attention mask."""

    MaskIndexEnd, MaskIndexEndAndStart, AttentionMask, NoMask = range(4)


class AttentionOpType(enum.Enum):
    """Operators that attention may become."""

    Attention = "Attention"
    MultiHeadAttention = "MultiHeadAttention"
    GroupQueryAttention = "GroupQueryAttention"
    PagedAttention = "PagedAttention"

    def __str__(self):
        return self.value


_ON = ("gelu layer_norm attention rotary_embeddings skip_layer_norm embed_layer_norm bias_skip_layer_norm bias_gelu qordered_matmul "
       "shape_inference").split()
_OFF = "gelu_approximation gemm_fast_gelu".split()
_DIFFUSION = "nhwc_conv group_norm skip_group_norm bias_splitgelu packed_qkv packed_kv bias_add".split()


class FusionOptions:
    """Switches by name, `enable_attention` and its kin, which are kept and not needed: see sardonyx.transformers."""

    def __init__(self, model_type):
        self.__dict__.update({f"enable_{name}": True for name in _ON + (_DIFFUSION if model_type in ("unet", "vae", "clip") else [])})
        self.__dict__.update({f"enable_{name}": False for name in _OFF})
        self.use_multi_head_attention = self.disable_multi_head_attention_bias = False
        self.group_norm_channels_last, self.attention_op_type = True, None
        self.attention_mask_format = AttentionMaskFormat.MaskIndexEnd if model_type == "bert" else AttentionMaskFormat.AttentionMask

    def use_raw_attention_mask(self, use_raw_mask=True):
        """Keeps the wish."""
        self.attention_mask_format = AttentionMaskFormat.AttentionMask if use_raw_mask else AttentionMaskFormat.MaskIndexEnd

    def disable_attention_mask(self):
        """Keeps the wish."""
        self.attention_mask_format = AttentionMaskFormat.NoMask

    def set_attention_op_type(self, attn_op_type):
        """Keeps the wish."""
        self.attention_op_type = attn_op_type
