# SPDX-License-Identifier: MIT
"""More cases of operators.py, of neural networks and their neighbours: unusual convolutions, matrices of unusual shapes,
ONNX Runtime's own operators, classic machine learning."""
import numpy as np

from operator_cases import K, M, ROIS, V, W, X, add, scale

MS, ML = "com.microsoft", "ai.onnx.ml"

# ---- convolutions ----


def conv(detail, x, weight, input=False, **attributes):
    """Padded so that its size stays."""
    k = weight[2:]
    d = attributes.get("dilations", [1] * len(k))
    pads = attributes.pop("pads", [(n - 1) * e // 2 for n, e in zip(k, d)] * 2)
    add("convolution", "Conv", "f", [X(*x), X(*weight) if input else W(*weight), W(weight[0])], detail, pads=pads, **attributes)


conv("3x3 of a picture stride 2", (1, 3, 384, 384), (32, 3, 3, 3), strides=[2, 2])
conv("3x3 of a picture", (1, 3, 224, 224), (16, 3, 3, 3))
conv("depthwise two results", (1, 128, 56, 56), (256, 1, 3, 3), group=128)
conv("depthwise dilated", (2, 128, 56, 56), (128, 1, 3, 3), group=128, dilations=[2, 2])
conv("depthwise 7x7", (2, 128, 56, 56), (128, 1, 7, 7), group=128)
conv("depthwise 11x11", (1, 128, 56, 56), (128, 1, 11, 11), group=128)
conv("depthwise stride 2", (1, 128, 112, 112), (128, 1, 3, 3), group=128, strides=[2, 2])
conv("depthwise 1-D", (1, 256, 1500), (256, 1, 31), group=256)
conv("depthwise 3-D", (1, 64, 8, 28, 28), (64, 1, 3, 3, 3), group=64)
conv("groups of four", (1, 128, 56, 56), (128, 4, 3, 3), group=32)
conv("two groups of 24", (2, 48, 64, 64), (48, 24, 3, 3), group=2)
conv("odd sizes", (1, 37, 91, 89), (53, 37, 3, 3))
conv("three results", (1, 64, 128, 128), (3, 64, 3, 3))
conv("1x7", (2, 128, 34, 34), (128, 128, 1, 7))
conv("5x5", (2, 48, 56, 56), (64, 48, 5, 5))
conv("1x1 stride 2", (1, 256, 56, 56), (512, 256, 1, 1), strides=[2, 2])
conv("1-D dilated", (1, 64, 8000), (64, 64, 9), dilations=[4])
conv("1-D of one channel", (1, 1, 256000), (64, 1, 400), strides=[160], pads=[0, 0])
conv("3-D 1x1", (1, 64, 8, 28, 28), (128, 64, 1, 1, 1))
conv("depthwise with weights as input", (2, 128, 56, 56), (128, 1, 3, 3), input=True, group=128)
conv("dilated with weights as input", (1, 64, 72, 72), (64, 64, 3, 3), input=True, dilations=[12, 12])
for detail, x, weight, more in [("three results", (1, 64, 56, 56), (64, 3, 4, 4), dict(strides=[2, 2])), ("one result", (1, 64, 56, 56), (64, 1, 3, 3), {}),
                                ("few channels", (1, 5, 56, 56), (5, 7, 4, 4), dict(strides=[2, 2])),
                                ("4 groups of 12", (1, 48, 28, 28), (48, 12, 4, 4), dict(strides=[2, 2], group=4))]:
    add("convolution", "ConvTranspose", "f", [X(*x), W(*weight)], detail, pads=[1, 1, 1, 1], **more)

# ---- matrices: rows x depth x columns ----
for m, k, n in [(1, 1000, 1000), (2, 1000, 1000), (4, 1000, 1000), (5, 1000, 1000), (16, 1000, 1000), (1024, 1024, 4), (2000, 333, 1),
                (2000, 333, 10), (8192, 64, 2), (1000, 3, 1000), (1000, 16, 1000), (16, 20000, 16), (511, 511, 511)]:
    for turned in (0, 1):
        shape = (n, k) if turned else (k, n)
        add("matrix", "Gemm", "f", [X(m, k), W(*shape), W(n)], f"{m}x{k}x{n}" + " turned" * turned, transB=turned)
        add("matrix", "Gemm", "f", [X(m, k), X(*shape), X(n)], f"{m}x{k}x{n} two inputs" + " turned" * turned, transB=turned)
for detail, a, b in [("32x32 batched", (512, 32, 32), (512, 32, 32)), ("4x4 batched", (20000, 4, 4), (20000, 4, 4)),
                     ("rows by matrices", (1000, 1, 64), (1000, 64, 64)), ("matrices by columns", (1000, 64, 64), (1000, 64, 1)),
                     ("one matrix", (64, 128, 64), (64, 256))]:
    add("matrix", "MatMul", "f", [X(*a), X(*b)], detail)
add("matrix", "FusedMatMul", "f", [X(8, 256, 64), X(8, 256, 64)], "scores", domain=MS, transB=1, alpha=0.125)
add("matrix", "Einsum", "f", [X(64, 128, 128)], "bii-bi", equation="bii->bi")
add("matrix", "Einsum", "f", [X(64, 128, 128)], "bii-b", equation="bii->b")
add("matrix", "Einsum", "f", [X(64, 64, 128)], "ijk-ik", equation="ijk->ik")
add("matrix", "Det", "f", [X(2000, 16, 16)], "16x16")
add("matrix", "Det", "f", [X(100, 64, 64)], "64x64")

# ---- quantised ----
U = [scale(0.02), K(128, "u")]
add("quantise", "QLinearAdd QLinearMul", "u", [X(*M), *U, X(*M), scale(0.03), K(110, "u"), scale(0.05), K(120, "u")], domain=MS)
add("quantise", "QLinearSigmoid QLinearLeakyRelu", "u", [X(*M), *U, scale(0.03), K(100, "u")], domain=MS)
add("quantise", "QLinearGlobalAveragePool", "u", [X(1, 1024, 32, 32), *U, *U], domain=MS)
add("quantise", "QLinearAveragePool", "u", [X(1, 64, 128, 128), *U, *U], domain=MS, kernel_shape=[3, 3], strides=[2, 2])
add("quantise", "QLinearConcat", "u", [*U, X(64, 64, 128), *U, X(64, 64, 128), scale(0.04), K(100, "u")], domain=MS, axis=1)
add("quantise", "QLinearConv", "u", [X(4, 64, 56, 56), *U, X(64, 64, 3, 3, kind="c"), scale(0.01), K(0, "c"), scale(0.05), K(128, "u")], "weights as input",
    pads=[1, 1, 1, 1])
add("quantise", "QLinearConv", "u", [X(4, 128, 56, 56), *U, W(128, 1, 3, 3, kind="c"), scale(0.01), K(0, "c"), scale(0.05), K(128, "u")], "depthwise",
    pads=[1, 1, 1, 1], group=128)
add("quantise", "QGemm", "u", [X(512, 1024), *U, W(1024, 512, kind="c"), scale(0.01), K(0, "c"), W(512, kind="n"), scale(1.0), K(128, "u")], domain=MS)
add("quantise", "MatMulIntegerToFloat", "u", [X(512, 1024), W(1024, 512, kind="c"), scale(0.02), W(512, low=0.01, high=0.1, kind="f"), K(128, "u")], domain=MS)
add("quantise", "DynamicQuantizeMatMul", "f", [X(512, 1024), W(1024, 512, kind="c"), W(512, low=0.01, high=0.1)], domain=MS)
for rows in (1, 128):
    for level in (0, 4):
        add("quantise", "MatMulNBits", "f", [X(rows, 2048), W(2048, 64, 16, high=255, kind="u"), W(2048 * 64, low=0, high=0.1)], f"{rows} rows level {level}",
            domain=MS, K=2048, N=2048, bits=4, block_size=32, accuracy_level=level)

# ---- normalisation, attention ----
add("normalise", "LayerNormalization", "f", [X(16384, 64), W(64), W(64)], "short rows", axis=-1)
add("normalise", "SkipLayerNormalization", "f", [X(1, 1024, 768), X(1, 1024, 768), W(768), W(768), W(768)], domain=MS)
add("normalise", "Softmax LogSoftmax", "f", [X(32768, 32)], "rows of 32", axis=-1)
add("normalise", "Softmax LogSoftmax", "f", [X(10000, 100)], "rows of 100", axis=-1)
add("normalise", "BiasGelu FastGelu", "f", [X(256, 3072), W(3072)], domain=MS)
add("attention", "MultiHeadAttention", "f", [X(1, 1024, 512)] * 3, domain=MS, num_heads=8)
add("attention", "Attention", "f", [X(1, 512, 512), W(512, 1536), W(1536)], "contrib", domain=MS, num_heads=8)
add("attention", "MoE", "f", [X(64, 256), X(64, 8), W(8, 512, 256), None, W(8, 256, 512)], domain=MS, k=2, activation_type="relu")

# ---- pictures, classic machine learning ----
BOXES = (np.concatenate([ROIS[:100, :2], ROIS[:100, :2] + 90], 1) / 500).astype(np.float32)
add("vision", "CropAndResize", "f", [X(1, 64, 64, 64), V(BOXES, "f"), V(np.zeros(100), "n"), K([14, 14], "n")], domain=MS)
add("vision", "RoiAlign", "f", [X(1, 64, 64, 64), V(ROIS, "f"), V(np.zeros(256))], "as many samples as pixels", opset=20, output_height=7, output_width=7,
    spatial_scale=0.125)
add("move", "Col2Im", "f", [X(2, 64 * 9, 56 * 56), K([56, 56]), K([3, 3])], "padded", pads=[1, 1, 1, 1])
add("pool", "MaxPool", "f", [X(1, 512, 28, 28)], "7x7 stride 7", kernel_shape=[7, 7], strides=[7, 7])
add("pool", "AveragePool", "f", [X(4, 64, 56, 56)], "dilated", opset=19, kernel_shape=[3, 3], dilations=[2, 2])
add("ml", "Normalizer", "f", [X(10000, 50)], "MAX", domain=ML, norm="MAX")
add("ml", "LinearRegressor", "f", [X(10000, 50)], "4 targets", domain=ML, coefficients=[0.1] * 200, intercepts=[1.0] * 4, targets=4)
add("ml", "LinearClassifier", "f", [X(10000, 50)], "4 classes", domain=ML, outputs=2, coefficients=[0.01 * (i % 7) for i in range(200)], intercepts=[0.0] * 4,
    classlabels_ints=list(range(4)), post_transform="SOFTMAX")
for kind in ("LINEAR", "POLY"):
    add("ml", "SVMRegressor", "f", [X(5000, 50)], kind, domain=ML, kernel_type=kind, kernel_params=[0.02, 0.1, 3.0], n_supports=100, rho=[0.5],
        coefficients=[0.01 * (i % 11 - 5) for i in range(100)], support_vectors=[0.1 * (i % 13 - 6) for i in range(5000)])
