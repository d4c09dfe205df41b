#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Cases for com.microsoft's operators, as folders that `sardonyx test` runs.

    cases.py OUT            OUT/<case>/{model.onnx, test_data_set_0/{input,output}_K.pb}
    cases.py OUT --ort      also runs each case in onnxruntime and prints where it disagrees

What is expected is computed here, in float64 and plainly; nothing is taken from another engine.
"""
import math
import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import generate

CASES = []
rng = np.random.default_rng(7)


def rand(*shape, dtype=np.float32, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(dtype)


def case(name, op, inputs, outputs, attrs=None, constant=(), tol=1e-4, domain="com.microsoft", weights=None):
    """inputs: arrays or None; outputs: float64 arrays (or None: not asked for), given the type of input 0. weights: initializers that bodies refer to."""
    CASES.append((name, op, inputs, outputs, attrs or {}, constant, tol, domain, weights or {}))


# --- plain references ---------------------------------------------------------------------------------------------------

def softmax(s, sink=None):
    m = s.max(-1, keepdims=True)
    if sink is not None:
        m = np.maximum(m, sink)
    m = np.where(np.isneginf(m), 0, m)
    e = np.exp(s - m)
    total = e.sum(-1, keepdims=True) + (0 if sink is None else np.exp(sink - m))
    return e / np.where(total == 0, 1, total)


def heads(x, n):
    b, s, d = x.shape
    return x.astype(np.float64).reshape(b, s, n, d // n).transpose(0, 2, 1, 3)


def joined(x):
    b, n, s, d = x.shape
    return x.transpose(0, 2, 1, 3).reshape(b, s, n * d)


def attend(q, k, v, scale=None, add=0, cap=0, sink=None):
    """q (B, Hq, S, D), k and v (B, Hkv, T, D); add is broadcast to the scores."""
    g = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, g, 1), np.repeat(v, g, 1)
    s = q @ k.transpose(0, 1, 3, 2) * (scale or 1 / math.sqrt(q.shape[-1]))
    if cap:
        s = cap * np.tanh(s / cap)
    return softmax(s + add, sink) @ v


def causal(s, t, offset):
    return np.where(np.arange(t)[None, :] <= np.arange(s)[:, None] + offset, 0.0, -np.inf)


def rotate(x, cos, sin, pos, interleaved=False, rdim=0):
    """x (B, H, S, D); pos (B, S)."""
    x = x.astype(np.float64).copy()
    c, s = cos.astype(np.float64)[pos][:, None], sin.astype(np.float64)[pos][:, None]
    r = 2 * c.shape[-1]
    a, b = (x[..., 0:r:2].copy(), x[..., 1:r:2].copy()) if interleaved else (x[..., :r // 2].copy(), x[..., r // 2:r].copy())
    first, second = c * a - s * b, s * a + c * b
    if interleaved:
        x[..., 0:r:2], x[..., 1:r:2] = first, second
    else:
        x[..., :r // 2], x[..., r // 2:r] = first, second
    return x


def tables(n, half):
    angle = np.arange(n)[:, None] / 10 ** (np.arange(half) / half * 2)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


# --- GroupQueryAttention ------------------------------------------------------------------------------------------------

def gqa(name, B=1, S=1, H=4, K=2, D=16, past=0, room=0, lens=None, packed=False, rotary=False, interleaved=False, ids=False, window=-1, cap=0.0, bias=False,
        sink=False, smooth=False, norm=False, dtype=np.float32, scale=0.0, rdim=None):
    """lens: keys of each batch, new ones included; room: size of the past cache when it is larger than what it holds."""
    lens = lens or [past + S] * B
    total = max(lens)
    q, k, v = rand(B, S, H * D, dtype=dtype), rand(B, S, K * D, dtype=dtype), rand(B, S, K * D, dtype=dtype)
    size = room or past
    pk, pv = rand(B, K, size, D, dtype=dtype), rand(B, K, size, D, dtype=dtype)
    out_len = max(size, total)
    half = (rdim or D) // 2
    cos, sin = tables(out_len + 4, half)
    cos, sin = cos.astype(dtype), sin.astype(dtype)
    prompt = S == total
    begin = [0 if prompt else n - S for n in lens]
    pos = np.array([[b + i for i in range(S)] for b in begin])
    if ids:
        pos = pos + 1
    weight_q, weight_k = rand(D, dtype=dtype), rand(D, dtype=dtype)
    qh, kh, vh = heads(q, H), heads(k, K), heads(v, K)
    if norm:
        qh = qh / np.sqrt((qh ** 2).mean(-1, keepdims=True) + 1e-6) * weight_q
        kh = kh / np.sqrt((kh ** 2).mean(-1, keepdims=True) + 1e-6) * weight_k
    if rotary:
        qh, kh = rotate(qh, cos, sin, pos, interleaved), rotate(kh, cos, sin, pos, interleaved)
    add_in = rand(1, H, S, total, dtype=dtype) if bias else None
    head_sink = rand(H, dtype=dtype) if sink else None
    present_k, present_v = np.zeros((B, K, out_len, D)), np.zeros((B, K, out_len, D))
    y = np.zeros((B, H, S, D))
    for b in range(B):
        n = begin[b]
        present_k[b, :, :n], present_v[b, :, :n] = pk[b, :, :n], pv[b, :, :n]
        present_k[b, :, n:n + S], present_v[b, :, n:n + S] = kh[b], vh[b]
        keys = lens[b]
        mask = causal(S, keys, n)
        if window > 0:
            mask = mask + np.where(np.arange(keys)[None, :] > np.arange(S)[:, None] + n - window, 0, -np.inf)
        if bias:
            mask = mask[None] + add_in[0, :, :, :keys].astype(np.float64)
        s = head_sink.astype(np.float64)[None, :, None, None] if sink else np.zeros((1, 1, 1, 1)) if smooth else None
        y[b] = attend(qh[b:b + 1], present_k[b:b + 1, :, :keys], present_v[b:b + 1, :, :keys], scale or None, mask, cap, s)[0]
    if packed:
        q, k, v = np.concatenate([q, k, v], 2), None, None
    attrs = dict(num_heads=H, kv_num_heads=K, do_rotary=int(rotary), rotary_interleaved=int(interleaved), local_window_size=window, softcap=cap)
    if scale:
        attrs["scale"] = scale
    if smooth:
        attrs["smooth_softmax"] = 1
    inputs = [q, k, v, pk if size else None, pv if size else None, np.array(lens, np.int32) - 1, np.array([total], np.int32), cos if rotary else None, sin if rotary else None,
              pos.astype(np.int64) if ids else None, add_in, head_sink, None, None, weight_q if norm else None, weight_k if norm else None]
    case("gqa_" + name, "GroupQueryAttention", inputs, [joined(y), present_k, present_v], attrs, constant=(6,), tol=2e-2 if dtype == np.float16 else 1e-4)


gqa("prompt", S=5, B=2)
gqa("decode", past=7, B=2)
gqa("decode_packed_rotary", past=7, packed=True, rotary=True)
gqa("prompt_packed_rotary", S=6, B=2, packed=True, rotary=True)
gqa("rotary_interleaved", past=3, rotary=True, interleaved=True)
gqa("rotary_partial", past=3, rotary=True, rdim=8)
gqa("position_ids", past=3, S=1, rotary=True, ids=True)
gqa("lengths", B=3, past=9, S=1, lens=[4, 10, 7])
gqa("room", B=2, past=9, room=32, lens=[10, 10])
gqa("room_lengths", B=2, past=9, room=32, lens=[5, 10], rotary=True)
gqa("window", past=20, window=5)
gqa("window_prompt", S=12, window=4)
gqa("softcap", S=4, cap=0.5)
gqa("bias", past=6, S=1, bias=True)
gqa("head_sink", S=5, sink=True)
gqa("smooth", past=5, smooth=True)
gqa("scale", S=3, scale=0.3)
gqa("long", past=1300, H=8, K=2, D=32)
gqa("many_rows", S=70, H=4, K=2, D=24)
gqa("half", past=9, S=1, dtype=np.float16, rotary=True)
gqa("half_prompt", S=20, dtype=np.float16)
gqa("norm", past=4, norm=True, rotary=True)


# --- SparseAttention ----------------------------------------------------------------------------------------------------

def layouts_of(count, blocks, local=2, stride=3):
    """Lower triangular matrices of blocks, each looking at its `local` last ones and at every stride-th: (starts, columns)."""
    rows = [[[c for c in range(r + 1) if r - c < local or (c + shift + 1) % stride == 0] for r in range(blocks)] for shift in range(count)]
    starts = np.array([np.cumsum([0] + [len(r) for r in layout]) for layout in rows], np.int32)
    flat = [sum(layout, []) for layout in rows]
    return starts, np.array([f + [-1] * (max(map(len, flat)) - len(f)) for f in flat], np.int32)


def sparse_attention(name, B=1, S=1, H=4, K=2, D=16, past=0, room=64, lens=None, side=8, layouts=2, packed=False, rotary=False, interleaved=False, scale=0.0,
                     dtype=np.float32, rdim=None, local=2):
    lens = lens or [past + S] * B
    q, k, v = rand(B, S, H * D, dtype=dtype), rand(B, S, K * D, dtype=dtype), rand(B, S, K * D, dtype=dtype)
    pk, pv = rand(B, K, room, D, dtype=dtype), rand(B, K, room, D, dtype=dtype)
    cos, sin = (t.astype(dtype) for t in tables(room, (rdim or D) // 2))
    starts, columns = layouts_of(layouts, -(-room // side), local)
    begin = [0 if S == max(lens) else n - S for n in lens]
    pos = np.array([[b + i for i in range(S)] for b in begin])
    qh, kh, vh = heads(q, H), heads(k, K), heads(v, K)
    if rotary:
        qh, kh = rotate(qh, cos, sin, pos, interleaved), rotate(kh, cos, sin, pos, interleaved)
    present_k, present_v, y = np.zeros((B, K, room, D)), np.zeros((B, K, room, D)), np.zeros((B, H, S, D))
    for b in range(B):
        n, keys = begin[b], lens[b]
        present_k[b, :, :n], present_v[b, :, :n] = pk[b, :, :n], pv[b, :, :n]
        present_k[b, :, n:n + S], present_v[b, :, n:n + S] = kh[b], vh[b]
        mask = np.full((H, S, keys), -np.inf)
        for h in range(H):
            for i in range(S):
                row = (n + i) // side
                for c in columns[h % layouts, starts[h % layouts, row]:starts[h % layouts, row + 1]]:
                    mask[h, i, c * side:(c + 1) * side] = 0
        y[b] = attend(qh[b:b + 1], present_k[b:b + 1, :, :keys], present_v[b:b + 1, :, :keys], scale or None, mask + causal(S, keys, n))[0]
    if packed:
        q, k, v = np.concatenate([q, k, v], 2), None, None
    attrs = dict(num_heads=H, kv_num_heads=K, sparse_block_size=side, do_rotary=int(rotary), rotary_interleaved=int(interleaved))
    if scale:
        attrs["scale"] = scale
    inputs = [q, k, v, pk, pv, starts, columns, np.array([max(lens)], np.int32), np.array(lens, np.int32), cos if rotary else None, sin if rotary else None]
    case("sparse_attention_" + name, "SparseAttention", inputs, [joined(y), present_k, present_v], attrs, tol=2e-2 if dtype == np.float16 else 1e-4)


sparse_attention("prompt", S=40, B=2)
sparse_attention("decode", past=50, B=2)
sparse_attention("decode_lengths", past=50, B=3, lens=[51, 12, 33])
sparse_attention("chunk", past=30, S=7, B=2)
sparse_attention("one_layout", S=30, layouts=1, side=4, H=3, K=1)
sparse_attention("layout_per_head", S=33, layouts=4, side=3, room=35)
sparse_attention("dense", S=20, local=64)
sparse_attention("packed", S=25, packed=True, scale=0.4)
sparse_attention("packed_rotary", S=25, packed=True, rotary=True)
sparse_attention("rotary_decode", past=41, B=2, lens=[42, 10], rotary=True, interleaved=True)
sparse_attention("rotary_partial", S=21, D=32, rotary=True, rdim=16)
sparse_attention("long", past=1400, room=1500, side=64, H=8, K=2, D=24)
sparse_attention("long_prompt", S=300, room=400, side=16, layouts=4, D=8)
sparse_attention("half", past=20, dtype=np.float16, rotary=True)
sparse_attention("half_prompt", S=20, dtype=np.float16)


# --- MultiHeadAttention, Attention, QAttention ---------------------------------------------------------------------------

FILTER = -10000.0


def padding(mask, B, S, T):
    """key_padding_mask or mask_index as what is added to the scores."""
    if mask is None:
        return 0
    if mask.ndim == 1 and mask.shape[0] == B:
        return np.where(np.arange(T)[None] < mask[:, None], 0, FILTER)[:, None, None]
    if mask.ndim == 1 and mask.shape[0] == 2 * B:
        return np.where((np.arange(T)[None] < mask[:B, None]) & (np.arange(T)[None] >= mask[B:, None]), 0, FILTER)[:, None, None]
    if mask.ndim == 1:
        return np.where(np.arange(T)[None] < mask[:B, None], 0, FILTER)[:, None, None]
    m = np.where(mask > 0, 0, FILTER)
    return m[:, None, None] if mask.ndim == 2 else m[:, None] if mask.ndim == 3 else m


def mha(name, B=2, S=5, T=None, H=3, D=8, Dv=None, past=0, bias=False, mask=None, added=False, form="separate", unidirectional=0, scale=0.0, op="MultiHeadAttention", presents=True):
    T, Dv = T or S, Dv or D
    q, k, v = rand(B, S, H * D), rand(B, T, H * D), rand(B, T, H * Dv)
    add_bias = rand(H * (2 * D + Dv)) if bias else None
    total = T + past
    extra = rand(1, H, S, total) if added else None
    pk, pv = (rand(B, H, past, D), rand(B, H, past, Dv)) if past else (None, None)
    m = mask(B, S, total).astype(np.int32) if mask else None
    qb, kb, vb = (q, k, v) if not bias else (q + add_bias[:H * D], k + add_bias[H * D:2 * H * D], v + add_bias[2 * H * D:])
    if bias and form == "cross":
        kb, vb = k, v
    qh, kh, vh = heads(qb, H), heads(kb, H), heads(vb, H)
    if past:
        kh, vh = np.concatenate([pk, kh], 2), np.concatenate([pv, vh], 2)
    add = padding(m, B, S, total) + (0 if extra is None else extra.astype(np.float64)) + (causal(S, total, past) if unidirectional else 0)
    y = joined(attend(qh, kh, vh, scale or None, add))
    inputs = [q, k, v]
    if form == "qkv":
        inputs = [np.stack([x.reshape(B, S, H, D) for x in (q, k, v)], 3), None, None]
    if form == "kv":
        inputs = [q, np.stack([x.reshape(B, T, H, D) for x in (k, v)], 3), None]
    if form == "cross":
        inputs = [q, heads(k, H).astype(np.float32), heads(v, H).astype(np.float32)]
    attrs = dict(num_heads=H)
    if scale:
        attrs["scale"] = scale
    if unidirectional:
        attrs["unidirectional"] = 1
    rest = [add_bias, m, extra, pk, pv] if op == "MultiHeadAttention" else [m, extra, pk, pv, None, None, None, add_bias]
    case(name, op, inputs + rest, [y, kh, vh] if past and presents else [y], attrs)


mha("mha")
mha("mha_cross_lengths", T=9, Dv=4)
mha("mha_bias", bias=True, T=7)
mha("mha_packed_qkv", form="qkv")
mha("mha_packed_kv", form="kv", T=6)
mha("mha_cross", form="cross", T=6)
mha("mha_cross_bias", form="cross", T=6, bias=True)
mha("mha_past", past=4, S=1)
mha("mha_past_alone", past=4, S=3, unidirectional=1, presents=False)
mha("mha_added", added=True, scale=0.4)
mha("mha_mask_2d", mask=lambda b, s, t: np.maximum(rng.integers(0, 2, (b, t)), np.arange(t) == 1))
mha("mha_mask_lengths", mask=lambda b, s, t: rng.integers(1, t + 1, (b,)))
mha("mha_mask_3d", mask=lambda b, s, t: rng.integers(0, 2, (b, s, t)))
mha("mha_causal", unidirectional=1, past=3)
mha("mha_everything", bias=True, added=True, past=2, mask=lambda b, s, t: rng.integers(0, 2, (b, t)), unidirectional=1)
mha("mha_long", S=40, T=600, D=24)
mha("decoder_mha", op="DecoderMaskedMultiHeadAttention", S=1, T=1, past=6, bias=True, B=2)


def packed_attention(name, op="Attention", B=2, S=4, H=2, D=6, width=10, past=0, mask=None, added=False, unidirectional=0, sizes=None, bias=True):
    sizes = sizes or [H * D] * 3
    x, w, b = rand(B, S, width), rand(width, sum(sizes), scale=0.5), rand(sum(sizes))
    total = S + past
    m = mask(B, S, total).astype(np.int32) if mask else None
    extra = rand(1, H, S, total) if added else None
    p = rand(2, B, H, past, D) if past else None
    inputs, attrs = [x, w, b if bias else None, m, p, extra], dict(num_heads=H, unidirectional=unidirectional)
    x64, w64 = x.astype(np.float64), w.astype(np.float64)
    if op == "QAttention":
        xq, wq = rng.integers(0, 255, x.shape).astype(np.uint8), rng.integers(-127, 127, w.shape).astype(np.int8)
        xs, ws, xz = np.array(0.02, np.float32), np.array(0.01, np.float32), np.array(120, np.uint8)
        x64, w64 = (xq.astype(np.float64) - 120) * float(xs), wq.astype(np.float64) * float(ws)
        inputs = [xq, wq, b, xs, ws, m, xz, np.array(0, np.int8), p]
    qkv = x64 @ w64 + (b.astype(np.float64) if bias else 0)
    q, k, v = (heads(part, H) for part in np.split(qkv, [sizes[0], sizes[0] + sizes[1]], 2))
    if past:
        k, v = np.concatenate([p[0], k], 2), np.concatenate([p[1], v], 2)
    add = padding(m, B, S, total) + (0 if extra is None else extra.astype(np.float64)) + (causal(S, total, past) if unidirectional else 0)
    if sizes != [H * D] * 3:
        attrs["qkv_hidden_sizes"] = sizes
    case(name, op, inputs, [joined(attend(q, k, v, None, add))] + ([np.stack([k, v])] if past else []), attrs, constant=(1, 2, 3, 4, 6, 7) if op == "QAttention" else (1, 2))


packed_attention("attention")
packed_attention("attention_no_bias", bias=False)
packed_attention("attention_past", past=3, unidirectional=1)
packed_attention("attention_lengths", mask=lambda b, s, t: np.array([2, t]))
packed_attention("attention_starts", mask=lambda b, s, t: np.array([t, t - 1, 1, 0]))
packed_attention("attention_mask_2d", mask=lambda b, s, t: np.array([[1] * t, [1] * (t - 2) + [0] * 2]))
packed_attention("attention_mask_3d", mask=lambda b, s, t: np.tril(np.ones((b, s, t))))
packed_attention("attention_added", added=True)
packed_attention("attention_sizes", sizes=[12, 12, 8])
packed_attention("qattention", op="QAttention")
packed_attention("qattention_past", op="QAttention", past=2, unidirectional=1)
packed_attention("qattention_mask", op="QAttention", mask=lambda b, s, t: np.array([2, t]))


# --- RotaryEmbedding ----------------------------------------------------------------------------------------------------

def rotary(name, interleaved=0, rank=3, first=False, rdim=0):
    B, S, H, D = 2, 4, 3, 8
    cos, sin = tables(12, (rdim or D) // 2)
    x = rand(B, S, H * D)
    pos = np.array([3], np.int64) if first else rng.integers(0, 12, (B, S)).astype(np.int64)
    y = rotate(heads(x, H), cos, sin, np.tile(np.arange(S) + 3, (B, 1)) if first else pos, interleaved)
    attrs = dict(interleaved=interleaved)
    if rdim:
        attrs.update(rotary_embedding_dim=rdim, num_heads=H)
    case("rotary_" + name, "RotaryEmbedding", [x if rank == 3 else heads(x, H).astype(np.float32), pos, cos, sin], [joined(y) if rank == 3 else y], attrs)


rotary("halves")
rotary("interleaved", interleaved=1)
rotary("rank_4", rank=4)
rotary("first_position", first=True)
rotary("partial", rdim=4)


# --- normalisations, activations, products --------------------------------------------------------------------------------

def erf(x):
    return np.vectorize(math.erf)(x)


def gelu(x):
    return x / 2 * (1 + erf(x / math.sqrt(2)))


def gelu_tanh(x):
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def layer_norm(x, gamma, beta, eps):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) * gamma + beta


def rms_norm(x, gamma, eps):
    return x / np.sqrt((x ** 2).mean(-1, keepdims=True) + eps) * gamma


x, skip, g, b, bias = rand(2, 3, 20), rand(2, 3, 20), rand(20), rand(20), rand(20)
s64 = x.astype(np.float64) + skip
case("skip_norm", "SkipLayerNormalization", [x, skip, g, b], [layer_norm(s64, g, b, 1e-5)], dict(epsilon=1e-5))
case("skip_norm_bias_sum", "SkipLayerNormalization", [x, skip, g, b, bias], [layer_norm(s64 + bias, g, b, 1e-12), None, None, s64 + bias])
case("skip_norm_broadcast", "SkipLayerNormalization", [x, skip[:1], g, b], [layer_norm(x.astype(np.float64) + skip[:1], g, b, 1e-5)], dict(epsilon=1e-5))
case("skip_norm_no_beta", "SkipLayerNormalization", [x, skip, g], [layer_norm(s64, g, 0, 1e-5)], dict(epsilon=1e-5))
case("skip_simplified", "SkipSimplifiedLayerNormalization", [x, skip, g], [rms_norm(s64, g, 1e-6), None, None, s64], dict(epsilon=1e-6))
case("skip_simplified_bias", "SkipSimplifiedLayerNormalization", [x, skip, g, bias], [rms_norm(s64 + bias, g, 1e-6)], dict(epsilon=1e-6))
case("simplified", "SimplifiedLayerNormalization", [x, g], [rms_norm(x.astype(np.float64), g, 1e-6)], dict(epsilon=1e-6, axis=-1), domain="")
x64 = x.astype(np.float64)
case("gelu", "Gelu", [x], [gelu(x64)])
case("bias_gelu", "BiasGelu", [x, bias], [gelu(x64 + bias)])
case("gelu_tanh", "FastGelu", [x], [gelu_tanh(x64)])
case("gelu_tanh_bias", "FastGelu", [x, bias], [gelu_tanh(x64 + bias)])
case("quick_gelu", "QuickGelu", [x], [x64 / (1 + np.exp(-1.702 * x64))])
case("quick_gelu_alpha", "QuickGelu", [x], [x64 / (1 + np.exp(-0.9 * x64))], dict(alpha=0.9))


def embed(name, segments=True, mask=False, ids_given=False, total=False):
    B, S, N = 2, 5, 12
    ids = rng.integers(0, 9, (B, S)).astype(np.int32)
    seg = rng.integers(0, 2, (B, S)).astype(np.int32) if segments else None
    word, position, segment, gamma, beta = rand(9, N), rand(7, N), rand(2, N) if segments else None, rand(N), rand(N)
    m = np.array([[1, 1, 1, 0, 0], [1] * 5], np.int32) if mask else None
    p = rng.integers(0, 7, (B, S)).astype(np.int32) if ids_given else None
    s = word.astype(np.float64)[ids] + position[p if ids_given else np.arange(S)[None]] + (segment[seg] if segments else 0)
    out = [layer_norm(s, gamma, beta, 1e-12), m.sum(1).astype(np.int32) if mask else np.zeros(B, np.int32)] + ([s] if total else [])
    case(name, "EmbedLayerNormalization", [ids, seg, word, position, segment, gamma, beta, m, p], out, dict(epsilon=1e-12), constant=(2, 3, 4, 5, 6))


embed("embed")
embed("embed_mask", mask=True, total=True)
embed("embed_positions", segments=False, ids_given=True)

a, w = rand(2, 4, 6), rand(2, 6, 5)
a64, w64 = a.astype(np.float64), w.astype(np.float64)
case("fused_matmul", "FusedMatMul", [a, w], [a64 @ w64 * 0.5], dict(alpha=0.5))
case("fused_matmul_trans", "FusedMatMul", [np.ascontiguousarray(a.transpose(0, 2, 1)), np.ascontiguousarray(w.transpose(0, 2, 1))], [a64 @ w64], dict(transA=1, transB=1))
case("fused_matmul_batch", "FusedMatMul", [np.ascontiguousarray(a.transpose(1, 0, 2)), w], [a64 @ w64], dict(transBatchA=1))
m, n, c = rand(3, 6), rand(6, 5), rand(5)
y64 = m.astype(np.float64) @ n.astype(np.float64) + c
case("fused_gemm_relu", "FusedGemm", [m, n, c], [np.maximum(y64, 0)], dict(activation="Relu"))
case("fused_gemm_leaky", "FusedGemm", [m, n, c], [np.where(y64 > 0, y64, 0.2 * y64)], dict(activation="LeakyRelu", activation_alpha=0.2))
xc, wc, bc = rand(1, 3, 5, 5), rand(4, 3, 1, 1), rand(4)
zc = rand(1, 4, 5, 5)
yc = np.einsum("nchw,oc->nohw", xc.astype(np.float64), wc[:, :, 0, 0].astype(np.float64)) + bc[None, :, None, None]
case("fused_conv_relu", "FusedConv", [xc, wc, bc], [np.maximum(yc, 0)], dict(activation="Relu", kernel_shape=[1, 1]))
case("fused_conv_sum", "FusedConv", [xc, wc, bc, zc], [np.maximum(yc + zc, 0)], dict(activation="Relu", kernel_shape=[1, 1]))
case("fused_conv_clip", "FusedConv", [xc, wc, bc], [np.clip(yc, -0.5, 0.5)], dict(activation="Clip", activation_params=[-0.5, 0.5], kernel_shape=[1, 1]))


# --- images sampled at computed places ------------------------------------------------------------------------------------

def bilinear(plane, y, x, outside=0.0):
    h, w = plane.shape
    y0, x0 = int(np.floor(y)), int(np.floor(x))
    at = lambda i, j: plane[i, j] if 0 <= i < h and 0 <= j < w else outside
    v, u = y - y0, x - x0
    return (at(y0, x0) * (1 - u) + at(y0, x0 + 1) * u) * (1 - v) + (at(y0 + 1, x0) * (1 - u) + at(y0 + 1, x0 + 1) * u) * v


def crop_and_resize(x, rois, images, h, w, extrapolation, nearest):
    y = np.empty((len(rois), x.shape[1], h, w))
    for r, (y1, x1, y2, x2) in enumerate(rois.astype(np.float64)):
        for i, j in np.ndindex(h, w):
            fy, fx = (y1 + i * (y2 - y1) / (h - 1)) * (x.shape[2] - 1), (x1 + j * (x2 - x1) / (w - 1)) * (x.shape[3] - 1)
            inside = 0 <= fy <= x.shape[2] - 1 and 0 <= fx <= x.shape[3] - 1
            for c, plane in enumerate(x[images[r]].astype(np.float64)):
                y[r, c, i, j] = extrapolation if not inside else plane[round(fy), round(fx)] if nearest else bilinear(plane, fy, fx)
    return y


xi, rois = rand(2, 3, 9, 11), np.array([[0.1, 0.2, 0.83, 0.9], [-0.2, 0.3, 0.71, 1.2], [0.9, 0.8, 0.13, 0.1]], np.float32)
images, size = np.array([1, 0, 1], np.int32), np.array([4, 6], np.int32)
for mode in ("bilinear", "nearest"):
    case(f"crop_and_resize_{mode}", "CropAndResize", [xi, rois, images, size],
         [crop_and_resize(xi, rois, images, 4, 6, 0.25, mode == "nearest")], dict(mode=mode, extrapolation_value=0.25))
grid = (rng.random((2, 5, 4, 2)) * 3 - 1.5).astype(np.float32)
places = ((grid.astype(np.float64) + 1) * np.array([11, 9]) - 1) / 2
case("grid_sample", "GridSample", [xi, grid],
     [np.array([[[[bilinear(plane, p[1], p[0]) for p in row] for row in at] for plane in image.astype(np.float64)] for image, at in zip(xi, places)])])


# --- weights in blocks ----------------------------------------------------------------------------------------------------

def packed(q, bits):
    """Numbers to bytes along the last axis, low bits first."""
    per = 8 // bits
    if q.shape[-1] % per:
        q = np.concatenate([q, np.zeros(q.shape[:-1] + (per - q.shape[-1] % per,), q.dtype)], -1)
    q = q.reshape(q.shape[:-1] + (-1, per)).astype(np.uint8)
    return sum(q[..., i] << (i * bits) for i in range(per)).astype(np.uint8)


def gather_block(name, bits=4, zeros=True, rows=11, columns=48, block=16, dtype=np.float32):
    q = rng.integers(0, 1 << bits, (rows, columns))
    blocks = columns // block
    scales, z = (rand(rows, blocks) * 0.1).astype(dtype), rng.integers(0, 1 << bits, (rows, blocks))
    ids = rng.integers(0, rows, (2, 3)).astype(np.int64)
    w = (q - np.repeat(z if zeros else np.full_like(z, 1 << (bits - 1)), block, 1)) * np.repeat(scales.astype(np.float64), block, 1)
    case(name, "GatherBlockQuantized", [packed(q, bits), ids, scales, packed(z, bits) if zeros else None], [w[ids]], dict(bits=bits, block_size=block, gather_axis=0, quantize_axis=1), constant=(0, 2, 3),
         tol=1e-2 if dtype == np.float16 else 1e-5)


gather_block("gather_block")
gather_block("gather_block_no_zeros", zeros=False)
gather_block("gather_block_8", bits=8, zeros=False)
gather_block("gather_block_half", dtype=np.float16)


def nbits(name, bits=4, zeros=None, shuffled=False, groups=True, K=64, N=6, block=32, bias=False):
    q = rng.integers(0, 1 << bits, (N, K))
    blocks = K // block
    scales = (rand(N, blocks) * 0.1).astype(np.float32)
    z = {None: np.full((N, blocks), 1 << (bits - 1)), "bytes": rng.integers(0, 1 << bits, (N, blocks)), "floats": rand(N, blocks) * 3 + 8}[zeros]
    g = np.arange(K) // block
    if shuffled:
        g = rng.permutation(g)
    w = (q - z.astype(np.float64)[:, g]) * scales.astype(np.float64)[:, g]
    x, b = rand(2, 3, K), rand(N) if bias else None
    inputs = [x, packed(q.reshape(N, blocks, block), bits), scales, None if zeros is None else packed(z, bits) if zeros == "bytes" else z.astype(np.float32), g.astype(np.int32) if groups else None, b]
    case(name, "MatMulNBits", inputs, [x.astype(np.float64) @ w.T + (b if bias else 0)], dict(K=K, N=N, bits=bits, block_size=block), constant=(1, 2, 3, 4, 5))


nbits("nbits_groups_in_order")
nbits("nbits_groups", shuffled=True)
nbits("nbits_groups_zeros", shuffled=True, zeros="bytes", bias=True)
nbits("nbits_groups_float_zeros", shuffled=True, zeros="floats")
nbits("nbits_8_groups", bits=8, shuffled=True, zeros="bytes")
nbits("nbits_zeros", groups=False, zeros="bytes")
nbits("nbits_odd_blocks", groups=False, zeros="bytes", K=96)
nbits("nbits_float_zeros", groups=False, zeros="floats")


# --- mixture of experts ---------------------------------------------------------------------------------------------------

def silu(x, alpha=1.0):
    return x / (1 + np.exp(-alpha * x))


def moe(name, activation="relu", k=1, normalise=0, fusion=0, third=False, bias=True, rank=2, limit=0.0, alpha=1.0, beta=0.0, T=6, E=4, H=8, F=10,
        dtype=np.float32, constant=True):
    rand = lambda *shape, scale=1.0: globals()["rand"](*shape, dtype=dtype, scale=scale)
    x, router = rand(T, H), rand(T, E)
    wide = 2 * F if fusion else F
    w1, b1, w2, b2 = rand(E, wide, H, scale=0.4), rand(E, wide) if bias else None, rand(E, H, F, scale=0.4), rand(E, H) if bias else None
    w3, b3 = (rand(E, F, H, scale=0.4), rand(E, F) if bias else None) if third else (None, None)
    p = softmax(router.astype(np.float64))
    y = np.zeros((T, H))
    for t in range(T):
        chosen = np.argsort(-p[t])[:k]
        weight = p[t][chosen] / (p[t][chosen].sum() if normalise else 1)
        for e, s in zip(chosen, weight):
            h = w1[e].astype(np.float64) @ x[t] + (b1[e] if bias else 0)
            if fusion:
                gate, line = (h[0::2], h[1::2]) if fusion == 1 else (h[:F], h[F:])
                if limit:
                    gate, line = np.minimum(gate, limit), np.clip(line, -limit, limit)
                h = silu(gate, alpha) * (line + beta)
            else:
                h = {"relu": lambda v: np.maximum(v, 0), "gelu": gelu_tanh, "silu": silu, "identity": lambda v: v}[activation](h)
            if third:
                h = h * (w3[e].astype(np.float64) @ x[t] + (b3[e] if bias else 0))
            y[t] += s * (w2[e].astype(np.float64) @ h + (b2[e] if bias else 0))
    attrs = dict(k=k, activation_type=activation, normalize_routing_weights=normalise)
    if fusion:
        attrs.update(swiglu_fusion=fusion, swiglu_limit=limit, activation_alpha=alpha, activation_beta=beta)
    shape = (T, H) if rank == 2 else (2, T // 2, H)
    case("moe_" + name, "MoE", [x.reshape(shape), router, w1, b1, w2, b2, w3, b3], [y.reshape(shape)], attrs,
         constant=(2, 3, 4, 5, 6, 7) if constant else (), tol=2e-2 if dtype == np.float16 else 1e-4)


moe("relu")
moe("no_constants", k=3, constant=False, third=True)
moe("many_tokens", activation="silu", k=2, T=150, E=2, H=40, F=70)
moe("few_chosen", k=2, T=1, E=16, H=130, F=33)
moe("half", activation="silu", k=2, dtype=np.float16, third=True)
moe("half_wide", activation="silu", k=2, dtype=np.float16, T=40, H=64, F=96)
moe("gelu_top_2", activation="gelu", k=2, rank=3)
moe("silu_normalised", activation="silu", k=2, normalise=1, bias=False)
moe("third_layer", activation="silu", k=2, third=True)
moe("swiglu_alternating", activation="swiglu", k=2, normalise=1, fusion=1, limit=0.7, alpha=1.702, beta=1.0)


def packed_bits(v, bits):
    """Numbers along the last axis in bytes, low bits first."""
    per = 8 // bits
    v = np.concatenate([v, np.zeros((*v.shape[:-1], -v.shape[-1] % per), v.dtype)], -1).reshape(*v.shape[:-1], -1, per)
    return (v << (np.arange(per) * bits)).sum(-1).astype(np.uint8)


def experts(E, N, K, bits, block, zeros):
    """Quantised weights, scales, zero points, and the floats that they mean."""
    blocks = -(-K // block) if block else 1
    w, s = rng.integers(0, 1 << bits, (E, N, K)), rng.uniform(0.02, 0.2, (E, N, blocks)).astype(np.float32)
    z = rng.integers(0, 1 << bits, (E, N, blocks)) if zeros else np.full((E, N, blocks), 1 << (bits - 1))
    at = np.arange(K) // (block or K)
    means = (w - z[:, :, at]) * s[:, :, at].astype(np.float64)
    z = packed_bits(z if block else z[:, :, 0], bits) if zeros else None
    return packed_bits(w, bits), s if block else s[:, :, 0], z, means


def qmoe(name, activation="silu", k=2, bits=4, block=0, zeros=False, fusion=0, weights=False, normalise=1, T=5, E=4, H=64, F=32, bias=True):
    x, router = rand(T, H, scale=0.3), rand(T, E)
    wide = 2 * F if fusion else F
    w1, s1, z1, m1 = experts(E, wide, H, bits, block, zeros)
    w2, s2, z2, m2 = experts(E, H, F, bits, block, zeros)
    b1, b2 = (rand(E, wide), rand(E, H)) if bias else (None, None)
    given = rng.uniform(0.1, 1, (T, E)).astype(np.float32) if weights else None
    y = np.zeros((T, H))
    for t in range(T):
        chosen = np.argsort(-router[t])[:k]
        p = softmax(router[t][chosen].astype(np.float64))
        if weights:
            p = given[t][chosen].astype(np.float64)
            p = p / p.sum() if normalise else p
        for e, s in zip(chosen, p):
            h = m1[e] @ x[t] + (b1[e] if bias else 0)
            if fusion:
                h = silu(np.minimum(h[0::2], 7), 1.702) * (np.clip(h[1::2], -7, 7) + 1)
            else:
                h = {"relu": lambda v: np.maximum(v, 0), "gelu": gelu_tanh, "silu": silu}[activation](h)
            y[t] += s * (m2[e] @ h + (b2[e] if bias else 0))
    attrs = dict(k=k, activation_type="swiglu" if fusion else activation, normalize_routing_weights=normalise, expert_weight_bits=bits)
    if block:
        attrs["block_size"] = block
    if fusion:
        attrs.update(swiglu_fusion=1, swiglu_limit=7.0, activation_alpha=1.702, activation_beta=1.0)
    case("qmoe_" + name, "QMoE", [x, router, w1, s1, b1, w2, s2, b2, None, None, None, z1, z2, None, given], [y], attrs,
         constant=(2, 3, 4, 5, 6, 7, 11, 12), tol=2e-3)


qmoe("rows")
qmoe("rows_8", bits=8, activation="gelu", bias=False)
qmoe("rows_zeros", zeros=True, activation="relu")
qmoe("blocks", block=16, fusion=1)
qmoe("blocks_8_zeros", bits=8, block=16, zeros=True)
qmoe("blocks_2_zeros", bits=2, block=16, zeros=True)
qmoe("many_tokens", block=32, T=70, E=3, H=96, zeros=True)
qmoe("odd_rows", H=40, F=24)
qmoe("blocks_odd", block=16, zeros=True, F=40, k=1)
qmoe("router_weights", weights=True, block=16)
qmoe("router_weights_as_they_are", weights=True, normalise=0)


def qembed(name, dtype=np.uint8, segment=True, mask=True, B=2, S=6, H=12, V=20):
    lo, hi = np.iinfo(dtype).min, np.iinfo(dtype).max + 1
    table = lambda *shape: rng.integers(lo, hi, shape).astype(dtype)
    sizes = [(V, H), (S + 3, H), (3, H) if segment else None, (H,), (H,)]
    quant = [None if shape is None else table(*shape) for shape in sizes]
    scale = [None if v is None else np.float32(rng.uniform(0.01, 0.05)) for v in quant]
    zero = [None if v is None else table(1)[0] for v in quant]
    word, position, seg, gamma, beta = [None if q is None else (q.astype(np.float64) - float(z)) * s for q, s, z in zip(quant, scale, zero)]
    ids = rng.integers(0, V, (B, S)).astype(np.int32)
    segments = rng.integers(0, 3, (B, S)).astype(np.int32) if segment else None
    masks = rng.integers(0, 2, (B, S)).astype(np.int32) if mask else None
    x = word[ids] + position[:S] + (seg[segments] if segment else 0)
    x = x - x.mean(-1, keepdims=True)
    y = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * gamma + beta
    count = (masks == 1).sum(-1).astype(np.int32) if mask else np.zeros(B, np.int32)
    scalar = lambda values: [None if v is None else np.asarray(v) for v in values]
    case("qembed_" + name, "QEmbedLayerNormalization", [ids, segments, *quant, masks, *scalar(scale), *scalar(zero)], [y, count], {},
         constant=tuple(range(2, 7)) + tuple(range(8, 18)))


qembed("bytes")
qembed("signed", dtype=np.int8)
qembed("no_segment", segment=False, mask=False)


# --- hybrid language models -----------------------------------------------------------------------------------------------

def causal_conv(name, B=2, C=5, L=7, K=4, bias=True, past=True, activation="silu"):
    x, w, b, p = rand(B, C, L), rand(C, 1, K), rand(C) if bias else None, rand(B, C, K - 1) if past else None
    wide = np.concatenate([p if past else np.zeros((B, C, K - 1)), x.astype(np.float64)], 2)
    y = sum(wide[:, :, k:k + L] * w[:, 0, k, None] for k in range(K)) + (b[:, None] if bias else 0)
    case("causal_conv_" + name, "CausalConvWithState", [x, w, b, p], [silu(y) if activation == "silu" else y, wide[:, :, L:]], dict(activation=activation, ndim=1))


causal_conv("silu")
causal_conv("plain", bias=False, past=False, activation="none", L=1)


def linear_attention(name, rule="gated_delta", B=2, T=5, Hq=2, Hkv=2, Hk=None, dk=6, dv=4, past=True, by_column=False, shared=False, scale=0.0):
    Hk = Hk or Hkv
    q, k, v = rand(B, T, Hq * dk), rand(B, T, Hk * dk, scale=0.4), rand(B, T, Hkv * dv)
    g = (-rng.uniform(0, 1, (B, T, Hkv * dk if by_column else Hkv))).astype(np.float32) if "gated" in rule else None
    beta = rng.uniform(0, 1, (B, T, 1 if shared else Hkv)).astype(np.float32) if "delta" in rule else None
    p = rand(B, Hkv, dk, dv) if past else None
    S = p.astype(np.float64) if past else np.zeros((B, Hkv, dk, dv))
    most = max(Hq, Hkv)
    Q = np.repeat(q.astype(np.float64).reshape(B, T, Hq, dk), most // Hq, 2)
    Kk = np.repeat(k.astype(np.float64).reshape(B, T, Hk, dk), Hkv // Hk, 2)
    V, y = v.astype(np.float64).reshape(B, T, Hkv, dv), np.zeros((B, T, most, dv))
    for t in range(T):
        if g is not None:
            S = S * np.exp(g[:, t].astype(np.float64).reshape(B, Hkv, -1, 1))
        add = V[:, t]
        if beta is not None:
            add = beta[:, t].astype(np.float64)[..., None] * (add - np.einsum("bhkv,bhk->bhv", S, Kk[:, t]))
        S = S + Kk[:, t][..., None] * add[:, :, None]
        y[:, t] = np.einsum("bhkv,bhk->bhv", np.repeat(S, most // Hkv, 1), Q[:, t]) * (scale or 1 / math.sqrt(dk))
    attrs = dict(q_num_heads=Hq, kv_num_heads=Hkv, update_rule=rule, scale=scale)
    case("linear_attention_" + name, "LinearAttention", [q, k, v, p, g, beta], [y.reshape(B, T, -1), S], attrs, tol=1e-3)


linear_attention("gated_delta")
linear_attention("grouped", Hq=4, by_column=True)
linear_attention("few_queries", Hq=2, Hkv=4, shared=True)
linear_attention("few_keys", Hq=1, Hkv=4, Hk=2, rule="delta", past=False)
linear_attention("linear", rule="linear", scale=0.3)
linear_attention("gated", rule="gated", T=1)

a, dt, decay, b = rand(2, 3, 4), rand(4), -rng.uniform(0.1, 2, 4).astype(np.float32), rand(2, 3, 4)
softplus = lambda x: np.log1p(np.exp(x.astype(np.float64)))
case("linear_attention_gate", "LinearAttentionGate", [a, dt, decay, b], [decay * softplus(a + dt), 1 / (1 + np.exp(-b.astype(np.float64)))])
case("linear_attention_gate_decay", "LinearAttentionGate", [a, dt, decay], [decay * softplus(a + dt)])


def gated_norm(name, shape, n, eps=1e-5, dtype=np.float32):
    x, s, z = rand(*shape, dtype=dtype), rand(n, dtype=dtype), rand(*shape, dtype=dtype)
    rows = x.astype(np.float64).reshape(-1, n)
    y = (rows / np.sqrt((rows ** 2).mean(-1, keepdims=True) + eps) * s).reshape(shape) * silu(z.astype(np.float64))
    case("gated_norm_" + name, "GatedRMSNorm", [x, s, z], [y], dict(epsilon=eps), tol=2e-3 if dtype == np.float16 else 1e-4)


gated_norm("row", (2, 3, 16), 16)
gated_norm("heads", (2, 3, 24), 8, eps=1e-3)
gated_norm("half", (5, 24), 8, dtype=np.float16)
x, y, gate = rand(2, 3, 8), rand(2, 3, 8), rand(2, 3, 1)
case("gated_add", "GatedAdd", [x, y, gate], [x + y.astype(np.float64) * gate])


def mrotary(name, sections, layout=0, interleaved=0, B=2, S=4, H=3, D=16, rotary=0, rank=3, scale=1.0, positions=20):
    half = (rotary or D) // 2
    x = rand(B, S, H * D) if rank == 3 else rand(B, H, S, D)
    ids = rng.integers(0, positions, (3, B, S))
    angle = rng.uniform(-3, 3, (positions, half))
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    owner = np.repeat([0, 1, 2], sections) if not layout else np.zeros(half, int)
    for d in (1, 2) if layout else ():
        owner[[k for k in range(d, sections[d] * 3, 3) if k < half]] = d
    c, s = (np.stack([t[ids[owner[k]], k] for k in range(half)], -1).astype(np.float64)[:, None] * scale for t in (cos, sin))
    v = heads(x, H) if rank == 3 else x.astype(np.float64)
    out = v.copy()
    one, two = (slice(0, 2 * half, 2), slice(1, 2 * half, 2)) if interleaved else (slice(0, half), slice(half, 2 * half))
    out[..., one] = v[..., one] * c - v[..., two] * s
    out[..., two] = v[..., two] * c + v[..., one] * s
    attrs = dict(mrope_section=sections, mrope_layout=layout, interleaved=interleaved, scale=scale)
    if rank == 3:
        attrs.update(rotary_embedding_dim=rotary, num_heads=H)
    case("mrotary_" + name, "MRotaryEmbedding", [x, ids, cos, sin], [joined(out) if rank == 3 else out], attrs, constant=(2, 3))


mrotary("sections", [4, 2, 2])
mrotary("woven", [4, 2, 2], layout=1, rank=4)
mrotary("partial", [2, 1, 1], rotary=8, interleaved=1)
mrotary("scaled", [3, 3, 2], layout=1, scale=0.5)

BNB4 = [[0, 5.208333333e-03, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25, 0, -5.208333333e-03, -0.66666667, -1, -0.33333333, -0.5, -0.16666667, -0.25],
        [-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
         0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1]]


def bnb4(name, K, N, block=16, kind=0, M=3):
    v = rng.integers(0, 16, K * N)
    absmax = rng.uniform(0.1, 2, -(-K * N // block)).astype(np.float32)
    w = (np.array(BNB4[kind])[v] * absmax[np.arange(K * N) // block]).reshape(N, K)
    v = np.append(v, np.zeros(K * N % 2, int)).reshape(-1, 2)
    x = rand(2, M, K)
    case("bnb4_" + name, "MatMulBnb4", [x, (v[:, 0] << 4 | v[:, 1]).astype(np.uint8), absmax], [x.astype(np.float64) @ w.T],
         dict(K=K, N=N, block_size=block, quant_type=kind), constant=(1, 2))


bnb4("fp4", 32, 8)
bnb4("nf4", 32, 8, kind=1, block=64)
bnb4("nf4_odd", 9, 5, kind=1)


# --- texts ----------------------------------------------------------------------------------------------------------------

def word_conv(name, S=5, W=9, V=30, E=6, M=7, width=3):
    words = rng.integers(1, V, (S, W)).astype(np.int32)
    for i, n in enumerate(rng.integers(0, W + 1, S)):
        words[i, n:] = 0
    words[0, 0], words[1, :] = V + 3, [4, 1] + [0] * (W - 2)  # a letter that the table lacks; a word shorter than a window
    w, b, table = rand(M, 1, width, E, scale=0.5), rand(M), rand(V, E)
    y = np.zeros((S, M))
    for i in range(S):
        n = (words[i] > 0).sum() if words[i, 0] > 0 else 0
        x = np.stack([table[k].astype(np.float64) if 0 <= k < V else np.zeros(E) for k in words[i]])
        if n:
            y[i] = np.max([np.tanh((w[:, 0].astype(np.float64) * x[u:u + width]).sum((1, 2)) + b) for u in range(max(n, width) - width + 1)], 0)
    case("word_conv_" + name, "WordConvEmbedding", [words, w, b, table], [y], dict(embedding_size=M, conv_window_size=width, char_embedding_size=E), constant=(1, 2, 3))


word_conv("3")
word_conv("1", width=1)
word_conv("whole", width=9)


def tokens(name, texts, expected, mark=0, least=1, **attrs):
    longest = max(len(t) for t in expected)
    rows = [["\x02"] * mark + t + ["\x03"] * mark + ["pad"] * (longest - len(t)) for t in expected] if longest else [[]] * len(expected)
    x, y = np.array(texts, object), np.array(rows, object).reshape(*np.shape(texts), -1 if longest else 0)
    case("tokenizer_" + name, "Tokenizer", [x], [y], dict(mark=mark, mincharnum=least, pad_value="pad", **attrs))


tokens("letters", ["aüb", "", "日本"], [["a", "ü", "b"], [], ["日", "本"]], separators=[""])
tokens("letters_marked", [["ab"], ["c"]], [["a", "b"], ["c"]], mark=1, tokenexp=".")
tokens("separators", ["a b  c", " x", ""], [["a", "b", "c"], ["x"], []], separators=[" "])
tokens("two_separators", [["a,bc d", "e"]], [["a", "bc", "d"], ["e"]], mark=1, separators=[",", " "])
tokens("longest_separator", ["a--b---c-d"], [["a", "b", "c-d"]], separators=["--|---"])
tokens("least", ["ab c def,g"], [["ab", "def"]], least=2, separators=[" ", ","])
tokens("nothing_left", ["a b", "c"], [[], []], least=2, mark=1, separators=[" "])
tokens("expression", ["ab12c,3", "日本 x"], [["ab", "c"], ["x"]], tokenexp="[a-z]+")
tokens("expression_longest", ["abab ab"], [["abab", "ab"]], tokenexp="ab|abab")
tokens("expression_least", ["a bb ccc"], [["bb", "ccc"]], least=2, tokenexp="[a-z]*")


# --- decode loops --------------------------------------------------------------------------------------------------------

generate.cases(case)


# --- writing ------------------------------------------------------------------------------------------------------------

def model_of(op, inputs, outputs, attrs, constant, domain, weights):
    names = ["" if v is None else f"x{i}" for i, v in enumerate(inputs)]
    while names and not names[-1]:
        names.pop()
    given = [i for i, v in enumerate(inputs) if v is not None]
    results = ["" if v is None else f"y{i}" for i, v in enumerate(outputs)]
    info = lambda name, v: helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
    graph = helper.make_graph([helper.make_node(op, names, results, domain=domain, **attrs)], op,
                              [info(f"x{i}", inputs[i]) for i in given if i not in constant],
                              [helper.make_tensor_value_info(f"y{i}", helper.np_dtype_to_tensor_dtype(v.dtype), None) for i, v in enumerate(outputs) if v is not None],
                              [numpy_helper.from_array(inputs[i], f"x{i}") for i in given if i in constant] + [numpy_helper.from_array(v, k) for k, v in weights.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    tolerances = []
    for name, op, inputs, outputs, attrs, constant, tol, domain, weights in CASES:
        like = next((v.dtype for v in inputs if v is not None and v.dtype in (np.float32, np.float16)), np.float32)
        outputs = [None if v is None else v if v.dtype.kind in "iuO" else v.astype(like) for v in outputs]
        model = model_of(op, inputs, outputs, attrs, constant, domain, weights)
        data = out / name / "test_data_set_0"
        data.mkdir(parents=True)
        (out / name / "model.onnx").write_bytes(model.SerializeToString())
        feeds = {f"x{i}": v for i, v in enumerate(inputs) if v is not None and i not in constant}
        for i, v in enumerate(feeds.values()):
            (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(v).SerializeToString())
        wanted = [v for v in outputs if v is not None]
        for i, v in enumerate(wanted):
            (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(v).SerializeToString())
        tolerances.append(f"{name} {tol} {tol}\n")
        if "--ort" in sys.argv and name != "attention_no_bias":  # which makes 1.31 crash
            import onnxruntime
            onnxruntime.set_default_logger_severity(4)
            try:
                got = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)
                for i, (g, w) in enumerate(zip(got, wanted)):
                    if g.shape != w.shape:
                        print(f"{name}: output {i} has shape {g.shape}, expected {w.shape}")
                    elif g.dtype == object:
                        if (g != w).any():
                            print(f"{name}: output {i} is {g.tolist()}, expected {w.tolist()}")
                    elif not np.allclose(g.astype(np.float64), w.astype(np.float64), tol, tol):
                        print(f"{name}: output {i} differs by {np.abs(g.astype(np.float64) - w).max():.3g}")
            except Exception as e:  # what the other engine refuses is worth a line, too
                print(f"{name}: {str(e)[:160]}")
    (out / "tolerances.txt").write_text("".join(tolerances))


if __name__ == "__main__":
    main()
