# SPDX-License-Identifier: MIT
"""Modules of torch, written by both of its exporters with a free batch: results of `import onnxruntime` at two sizes of the batch against
the module's own, within 1e-3 and 1e-5; and sardonyx.verify against the module, where that package is here.

    exporters.py FOLDER > RESULTS     a line per model, which is kept in FOLDER: equal, or how it differs
    exporters.py OURS THEIRS          0 when everything that agrees in THEIRS agrees in OURS, and twelve modules do
"""
import os
import re
import sys
import warnings

AT_LEAST = 12


def modules():
    """{name: (module, inputs of a batch of 3)}"""
    import torch
    from torch import nn
    import torch.nn.functional as F

    class Residual(nn.Module):
        def __init__(self, channels, grown):
            super().__init__()
            self.a = nn.Sequential(nn.Conv2d(channels, grown, 3, 2, 1, bias=False), nn.BatchNorm2d(grown), nn.ReLU(),
                                   nn.Conv2d(grown, grown, 3, 1, 1, bias=False), nn.BatchNorm2d(grown))
            self.b = nn.Sequential(nn.Conv2d(channels, grown, 1, 2, bias=False), nn.BatchNorm2d(grown))

        def forward(self, x):
            return F.relu(self.a(x) + self.b(x))

    class Attention(nn.Module):
        def __init__(self, width, heads, causal):
            super().__init__()
            self.heads, self.causal, self.qkv, self.out = heads, causal, nn.Linear(width, 3 * width), nn.Linear(width, width)

        def forward(self, x):
            n, s, w = x.shape
            q, k, v = self.qkv(x).view(n, s, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
            return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=self.causal).transpose(1, 2).reshape(n, s, w))

    class Recurrent(nn.Module):
        def __init__(self, kind, **settings):
            super().__init__()
            self.cell, self.out = kind(24, 32, batch_first=True, **settings), nn.LazyLinear(5)

        def forward(self, x):
            y, _ = self.cell(x)
            return self.out(y[:, -1])

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.places, self.norm = nn.Embedding(100, 32, padding_idx=0), nn.Embedding(16, 32), nn.LayerNorm(32)

        def forward(self, ids):
            x = self.norm(self.words(ids) + self.places(torch.arange(ids.shape[1])))
            mask = (ids != 0).unsqueeze(-1).to(x.dtype)
            return (x * mask).sum(1) / mask.sum(1).clamp(min=1)

    class Unet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.up, self.last = nn.Conv2d(3, 8, 3, 2, 1), nn.ConvTranspose2d(8, 8, 2, 2), nn.Conv2d(11, 4, 1)

        def forward(self, x):
            return self.last(torch.cat([self.up(F.leaky_relu(self.down(x), 0.1)), x], 1)).softmax(1)

    class Upsample(nn.Module):
        def forward(self, x):
            a = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            b = F.interpolate(x, scale_factor=2, mode="nearest")
            return a + b, F.interpolate(x, size=(11, 7), mode="bicubic", align_corners=True), F.pixel_shuffle(x, 2)

    class Choose(nn.Module):
        def forward(self, x):
            top, where = x.topk(4, dim=-1)
            y = torch.where(x > 0, x.cumsum(-1), x.masked_fill(x < -1, -1.0))
            return top, where, y.gather(-1, where).argmax(-1), torch.einsum("nsk,ntk->nst", y, x)

    class Rotary(nn.Module):
        def forward(self, x):
            rate = 10000 ** (-torch.arange(0.0, x.shape[-1], 2) / x.shape[-1])
            angle = torch.outer(torch.arange(float(x.shape[-2])), rate).repeat(1, 2)
            a, b = x.chunk(2, -1)
            y = x * angle.cos() + torch.cat([-b, a], -1) * angle.sin()
            return y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6)

    noise = torch.randn
    made = {
        "mlp": (nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 7)), noise(3, 20)),
        "cnn": (nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 24, 5, groups=4),
                              nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10)), noise(3, 3, 20, 20)),
        "mobile": (nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.Hardswish(), nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.BatchNorm2d(16), nn.ReLU6(),
                                 nn.Conv2d(16, 24, 1), nn.PReLU(24), nn.AvgPool2d(3, 2, 1)), noise(3, 3, 24, 24)),
        "resnet": (nn.Sequential(Residual(3, 16), Residual(16, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)), noise(3, 3, 32, 32)),
        "lstm": (Recurrent(nn.LSTM, num_layers=2, bidirectional=True), noise(3, 9, 24)),
        "gru": (Recurrent(nn.GRU), noise(3, 9, 24)),
        "encoder": (nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu"), 2, enable_nested_tensor=False),
                    noise(3, 12, 32)),
        "attention": (Attention(32, 4, False), noise(3, 12, 32)),
        "causal": (nn.Sequential(Attention(32, 4, True), nn.LayerNorm(32), nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32)), noise(3, 12, 32)),
        "embedding": (Words(), torch.randint(0, 100, (3, 11))),
        "unet": (Unet(), noise(3, 3, 16, 16)),
        "upsample": (Upsample(), noise(3, 4, 6, 5)),
        "conv1d": (nn.Sequential(nn.Conv1d(4, 16, 5, 2, dilation=2), nn.GroupNorm(4, 16), nn.ELU(), nn.ConvTranspose1d(16, 4, 4, 2), nn.Softplus()),
                   noise(3, 4, 50)),
        "choose": (Choose(), noise(3, 8, 10)),
        "rotary": (Rotary(), noise(3, 2, 8, 16)),
    }
    for module, x in made.values():
        module(x)
    return {name: (module.eval(), x) for name, (module, x) in made.items()}


def export(module, x, path, dynamo):
    """None, or why it cannot be written."""
    import torch
    try:
        if dynamo:
            torch.onnx.export(module, (x,), path, dynamo=True, verbose=False, external_data=False, dynamic_shapes=({0: torch.export.Dim("n")},))
        else:
            torch.onnx.export(module, (x,), path, dynamo=False, opset_version=17, input_names=["x"], dynamic_axes={"x": {0: "n"}})
    except Exception as error:
        return f"not exported: {type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return None


def difference(mine, theirs):
    """None, or a word."""
    import numpy as np
    if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
        return f"{mine.dtype}{mine.shape}, expected {theirs.dtype}{theirs.shape}"
    return None if np.allclose(mine, theirs, 1e-3, 1e-5) else f"by {np.max(np.abs(mine - theirs)):.3g}"


def answers(module, x):
    out = module(x)
    return [t.numpy() for t in (out if isinstance(out, tuple) else (out,))]


def outcome(path, module, x):
    import onnxruntime
    import torch
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        [name] = [arg.name for arg in session.get_inputs()]
        found = []
        for batch in (x, torch.cat([x, x.flip(0)[:2]])):
            found += map(difference, session.run(None, {name: batch.numpy()}), answers(module, batch))
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return "; ".join(filter(None, found)) or "equal"


def verified(path, module, x):
    import sardonyx
    [name] = [arg.name for arg in sardonyx.InferenceSession(path).get_inputs()]
    found = sardonyx.verify(path, {name: x.numpy()}, against=module)
    return "equal" if found else " ".join(str(found).split())[:200]


def measure(folder):
    try:
        import torch
    except ImportError as error:
        return print("skip:", error)
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    torch.backends.mha.set_fastpath_enabled(False)  # an operator that the older exporter does not know
    os.makedirs(folder, exist_ok=True)
    with torch.no_grad():
        for name, (module, x) in modules().items():
            for exporter in ("torchscript", "dynamo"):
                path = os.path.join(folder, f"{name}_{exporter}.onnx")
                why = None if os.path.exists(path) else export(module, x, path, exporter == "dynamo")
                print(f"{name} {exporter}: {why or outcome(path, module, x)}", flush=True)
                if not why and "sardonyx" in sys.modules:
                    print(f"{name} {exporter} verified: {verified(path, module, x)}", flush=True)


def compare(ours, theirs):
    texts = [open(path).read() for path in (ours, theirs)]
    if texts[0].startswith("skip:"):
        return print(f"left out, {texts[0][6:].strip()}")
    ours, theirs = (dict(re.findall(r"^(\w+ \w+(?: verified)?): (.*)", text, re.M)) for text in texts)
    worse = [f"{label}: {text}" for label, text in ours.items() if text != "equal" and theirs.get(label, "equal") == "equal"]
    equal = [label for label, text in ours.items() if text == "equal" and "verified" not in label]
    print(*worse, sep="\n", end="\n" * bool(worse))
    print(f"{len(equal)} of {len(theirs)} models of {len({label.split()[0] for label in equal})} modules agree "
          f"({sum(text == 'equal' for text in theirs.values())} with onnxruntime)")
    return bool(worse) or len({label.split()[0] for label in equal}) < AT_LEAST


if __name__ == "__main__":
    sys.exit(compare(*sys.argv[1:]) if len(sys.argv) == 3 else measure(sys.argv[1]))
