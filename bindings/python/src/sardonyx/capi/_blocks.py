# SPDX-License-Identifier: MIT
"""Weights in blocks of few bits, in place, with the names that ONNX Runtime's compiled module has for them. sardonyx.quantization does the
same to whole models, in C."""
import numpy as np


def _codes(values, bits, symmetric):
    """(codes, scales, zero points) of blocks, the last axis."""
    most, half = 2**bits - 1, 2**(bits - 1)
    low, high = values.min(-1), values.max(-1)
    if symmetric:
        scale = np.where(np.abs(high) > np.abs(low), high, low) / np.float32(-half)
        zero = np.full(scale.shape, half, np.float32)
    else:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
        scale = (high - low) / np.float32(most)
        with np.errstate(divide="ignore", invalid="ignore"):
            zero = np.where(scale != 0, np.clip(-low / scale, 0, most), 0)
        zero = np.floor(zero + 0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(scale != 0, 1 / scale, 0).astype(np.float32)
    exact = values * inverse[..., None] + zero[..., None].astype(np.float32)
    return np.floor(np.clip(exact, 0, most) + 0.5).astype(np.uint8), scale, zero.astype(np.uint8)


def _packed(codes, bits, filler=0):
    """Codes of the last axis in bytes, the first one lowest; a last byte is filled up."""
    per = 8 // bits
    codes = np.concatenate([codes, np.full((*codes.shape[:-1], -codes.shape[-1] % per), filler, np.uint8)], -1)
    parts = codes.reshape(*codes.shape[:-1], -1, per)
    return np.bitwise_or.reduce(parts << (np.arange(per, dtype=np.uint8) * np.uint8(bits)), -1)


def _quantize(bits, dst, src, scale, zero_points, block_size, N, K, is_symmetric):
    src = np.asarray(src).astype(np.float32)
    if src.shape != (K, N):
        raise ValueError(f"the weights have the shape {src.shape}; expected ({K}, {N})")
    blocks = -(-K // block_size)
    columns = np.zeros((N, blocks * block_size), src.dtype)
    columns[:, :K] = src.T
    codes, scales, zeros = _codes(columns.reshape(N, blocks, block_size), bits, is_symmetric)
    per = 8 // bits
    codes.reshape(N, -1)[:, -(-K // per) * per:] = 0  # whole bytes behind the last row
    np.asarray(dst).reshape(-1)[:] = _packed(codes, bits).reshape(-1)
    np.asarray(scale).reshape(-1)[:] = scales.reshape(-1)
    if not is_symmetric:
        np.asarray(zero_points).reshape(-1)[:] = _packed(zeros, bits, 2**(bits - 1)).reshape(-1)


def quantize_matmul_2bits(dst, src, scale, zero_points, block_size, N, K, is_symmetric):
    """Weights [K, N] in 2 bits: dst [N, blocks, block_size / 4], scale [N, blocks], zero_points packed by column."""
    _quantize(2, dst, src, scale, zero_points, block_size, N, K, is_symmetric)


def quantize_matmul_4bits(dst, src, scale, zero_points, block_size, N, K, is_symmetric):
    """Weights [K, N] in 4 bits: dst [N, blocks, block_size / 2], scale [N, blocks], zero_points packed by column."""
    _quantize(4, dst, src, scale, zero_points, block_size, N, K, is_symmetric)


def quantize_matmul_8bits(dst, src, scale, zero_points, block_size, N, K, is_symmetric):
    """Weights [K, N] in 8 bits: dst [N, blocks, block_size], scale and zero_points [N, blocks]."""
    _quantize(8, dst, src, scale, zero_points, block_size, N, K, is_symmetric)
