#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the demo's model: a small convolutional net on scikit-learn's handwritten digits, written as ONNX.

    train_digits.py [FOLDER]     FOLDER (examples/digits) gets digits.onnx and held-out pictures as digit_<class>_<n>.pgm

Plain NumPy, about a minute: two convolutions with batch normalisation, two linear layers, Adam. The graph has the form in
which PyTorch exports such a net: Conv, BatchNormalization, Relu, MaxPool, Flatten, Gemm, Softmax, with a free batch axis.
Needs numpy, onnx and scikit-learn.
"""
import pathlib
import sys

import numpy as np

CLASSES, SIDE, EPSILON = 10, 8, 1e-5
CHANNELS = (24, 48)
HIDDEN = 64
EPOCHS, BATCH, RATE = 40, 64, 2e-3
HELD_OUT = 360
PICTURES = 12


def windows(x):
    """(N,C,H,W) as the 3x3 neighbourhoods of each pixel: (N,H,W,C*9), zero outside."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return views.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, c * 9)


class Conv:
    """3x3 convolution, padded by one."""

    def __init__(self, rng, c_in, c_out):
        self.w = rng.normal(0, np.sqrt(2 / (9 * c_in)), (c_out, c_in, 3, 3)).astype(np.float32)
        self.b = np.zeros(c_out, np.float32)

    def forward(self, x, training):
        self.columns = windows(x)
        return (self.columns @ self.w.reshape(len(self.w), -1).T + self.b).transpose(0, 3, 1, 2)

    def backward(self, dy):
        rows = dy.transpose(0, 2, 3, 1)
        flat = rows.reshape(-1, rows.shape[-1])
        self.grads = [(flat.T @ self.columns.reshape(len(flat), -1)).reshape(self.w.shape), flat.sum(0)]
        # The gradient of the input is a convolution with the weights turned by half a circle.
        turned = self.w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(self.w.shape[1], -1)
        return (windows(dy) @ turned.T).transpose(0, 3, 1, 2)

    def params(self):
        return [self.w, self.b]


class BatchNorm:
    def __init__(self, c):
        self.gamma, self.beta = np.ones(c, np.float32), np.zeros(c, np.float32)
        self.mean, self.var = np.zeros(c, np.float32), np.ones(c, np.float32)

    def forward(self, x, training):
        mean, var = (x.mean((0, 2, 3)), x.var((0, 2, 3))) if training else (self.mean, self.var)
        if training:
            self.mean += 0.1 * (mean - self.mean)
            self.var += 0.1 * (var - self.var)
        self.scale = 1 / np.sqrt(var + EPSILON)
        self.unit = (x - mean[:, None, None]) * self.scale[:, None, None]
        return self.unit * self.gamma[:, None, None] + self.beta[:, None, None]

    def backward(self, dy):
        self.grads = [(dy * self.unit).sum((0, 2, 3)), dy.sum((0, 2, 3))]
        count = dy.size // dy.shape[1]
        inner = dy - (self.grads[1] / count)[:, None, None] - self.unit * (self.grads[0] / count)[:, None, None]
        return inner * (self.gamma * self.scale)[:, None, None]

    def params(self):
        return [self.gamma, self.beta]


class Relu:
    def forward(self, x, training):
        self.on = x > 0
        return x * self.on

    def backward(self, dy):
        return dy * self.on

    def params(self):
        return []


class MaxPool:
    """2x2 with stride 2."""

    def forward(self, x, training):
        n, c, h, w = x.shape
        self.shape = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
        self.which = blocks.argmax(-1)
        return blocks.max(-1)

    def backward(self, dy):
        n, c, h, w = self.shape
        blocks = (np.arange(4) == self.which[..., None]) * dy[..., None]
        return blocks.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(self.shape)

    def params(self):
        return []


class Flatten(MaxPool):
    def forward(self, x, training):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy):
        return dy.reshape(self.shape)


class Linear:
    def __init__(self, rng, n_in, n_out):
        self.w = rng.normal(0, np.sqrt(2 / n_in), (n_out, n_in)).astype(np.float32)
        self.b = np.zeros(n_out, np.float32)

    def forward(self, x, training):
        self.x = x
        return x @ self.w.T + self.b

    def backward(self, dy):
        self.grads = [dy.T @ self.x, dy.sum(0)]
        return dy @ self.w

    def params(self):
        return [self.w, self.b]


def build(rng):
    flat = CHANNELS[1] * (SIDE // 4) ** 2
    return [Conv(rng, 1, CHANNELS[0]), BatchNorm(CHANNELS[0]), Relu(), MaxPool(),
            Conv(rng, *CHANNELS), BatchNorm(CHANNELS[1]), Relu(), MaxPool(),
            Flatten(), Linear(rng, flat, HIDDEN), Relu(), Linear(rng, HIDDEN, CLASSES)]


def forward(net, x, training=False):
    for part in net:
        x = part.forward(x, training)
    return x


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def shifted(x, rng):
    """Each picture moved by up to one pixel: the net must not learn the frame."""
    out = np.empty_like(x)
    for i, (dy, dx) in enumerate(rng.integers(-1, 2, (len(x), 2))):
        padded = np.pad(x[i, 0], 1)
        out[i, 0] = padded[1 + dy:1 + dy + SIDE, 1 + dx:1 + dx + SIDE]
    return out


def train(net, x, y, rng):
    params = [p for part in net for p in part.params()]
    first, second = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
    step = 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(x))
        loss = 0.0
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            pick = order[start:start + BATCH]
            p = softmax(forward(net, shifted(x[pick], rng), training=True))
            loss -= np.log(p[np.arange(BATCH), y[pick]]).sum()
            d = (p - np.eye(CLASSES, dtype=np.float32)[y[pick]]) / BATCH
            for part in reversed(net):
                d = part.backward(d)
            grads = [g for part in net if part.params() for g in part.grads]
            step += 1
            for w, g, m, v in zip(params, grads, first, second):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                w -= rate * (m / (1 - 0.9 ** step)) / (np.sqrt(v / (1 - 0.999 ** step)) + 1e-8)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: loss {loss / len(x):.4f}")


def export(net, path):
    from onnx import TensorProto, checker, helper, numpy_helper, save
    nodes, weights = [], []

    def weight(name, array):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def add(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=f"/{output}/{op}", **attributes))
        return output

    at = "image"
    for n, part in enumerate(net):
        name = f"layer{n}"
        if isinstance(part, Conv):
            at = add("Conv", [at, weight(f"{name}.weight", part.w), weight(f"{name}.bias", part.b)], name, dilations=[1, 1], group=1,
                     kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
        elif isinstance(part, BatchNorm):
            stats = [weight(f"{name}.{k}", v) for k, v in (("weight", part.gamma), ("bias", part.beta),
                                                            ("running_mean", part.mean), ("running_var", part.var))]
            at = add("BatchNormalization", [at, *stats], name, epsilon=EPSILON, momentum=0.9)
        elif isinstance(part, Relu):
            at = add("Relu", [at], name)
        elif isinstance(part, Flatten):
            at = add("Flatten", [at], name, axis=1)
        elif isinstance(part, MaxPool):
            at = add("MaxPool", [at], name, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil_mode=0)
        elif isinstance(part, Linear):
            at = add("Gemm", [at, weight(f"{name}.weight", part.w), weight(f"{name}.bias", part.b)], name, alpha=1.0, beta=1.0, transB=1)
    add("Softmax", [at], "probabilities", axis=1)
    graph = helper.make_graph(
        nodes, "digits", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", CLASSES])], weights)
    model = helper.make_model(graph, producer_name="train_digits", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    save(model, path)


def write_picture(path, picture):
    """Grey levels 0 to 16 as an ASCII PGM."""
    rows = "\n".join(" ".join(f"{int(v):2}" for v in row) for row in picture)
    path.write_text(f"P2\n{SIDE} {SIDE}\n16\n{rows}\n")


def main():
    from sklearn.datasets import load_digits
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "examples/digits")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    data = load_digits()
    order = rng.permutation(len(data.images))
    pictures, labels = data.images[order], data.target[order]
    x = (pictures / 16).astype(np.float32)[:, None]
    net = build(rng)
    train(net, x[HELD_OUT:], labels[HELD_OUT:], rng)
    guesses = forward(net, x[:HELD_OUT]).argmax(-1)
    accuracy = (guesses == labels[:HELD_OUT]).mean()
    print(f"accuracy on {HELD_OUT} held-out pictures: {accuracy:.2%}")
    if accuracy < 0.98:
        sys.exit("less than 98 %: nothing written")
    export(net, folder / "digits.onnx")
    # Every class once, then the pictures that come next, right or wrong.
    first = [int(np.flatnonzero(labels[:HELD_OUT] == k)[0]) for k in range(CLASSES)]
    rest = [i for i in range(HELD_OUT) if i not in first][:PICTURES - CLASSES]
    for n, i in enumerate(first + rest):
        write_picture(folder / f"digit_{labels[i]}_{n:02}.pgm", pictures[i])


if __name__ == "__main__":
    main()
