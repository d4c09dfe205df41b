# SPDX-License-Identifier: MIT
"""Answers of our own, in float64 and plainly, where onnx.reference has no operator or is wrong. The table at the end says why.

A function takes attributes (defaults of the schema included) and inputs, floats as float64, and gives the list of outputs.
"""
import math

import ml_dtypes
import numpy as np
from onnx import numpy_helper


def windows(x, a, fill):
    """Every window of a pooling, flattened behind the output's axes; padding is `fill`."""
    n = x.ndim - 2
    kernel, pads = a["kernel_shape"], list(a.get("pads") or [0] * 2 * n)
    strides, steps = a.get("strides") or [1] * n, a.get("dilations") or [1] * n
    for i in range(n) if a.get("auto_pad", "NOTSET").startswith("SAME") else ():
        size = x.shape[2 + i]
        whole = max(0, (-(-size // strides[i]) - 1) * strides[i] + (kernel[i] - 1) * steps[i] + 1 - size)
        pads[i], pads[n + i] = (whole // 2, whole - whole // 2)[::1 if a["auto_pad"] == "SAME_UPPER" else -1]
    out, extra = [], []
    for i in range(n):
        room = x.shape[2 + i] + pads[i] + pads[n + i] - steps[i] * (kernel[i] - 1) - 1
        size = (-(-room // strides[i]) if a.get("ceil_mode") else room // strides[i]) + 1
        if a.get("ceil_mode") and (size - 1) * strides[i] >= x.shape[2 + i] + pads[i]:
            size -= 1  # a window that begins in the padding behind is none
        out.append(size)
        extra.append(max(0, (size - 1) * strides[i] + steps[i] * (kernel[i] - 1) + 1 - x.shape[2 + i] - pads[i]))
    padded = np.pad(x, [(0, 0), (0, 0), *zip(pads[:n], extra)], constant_values=fill)
    parts = []
    for k in np.ndindex(*kernel):
        parts.append(padded[(..., *(slice(k[i] * steps[i], k[i] * steps[i] + (out[i] - 1) * strides[i] + 1, strides[i]) for i in range(n)))])
    return np.stack(parts, -1)


def max_pool(a, x):
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    return [windows(x, a, least).max(-1)]


def lp_pool(a, x):
    p = a.get("p", 2)
    return [(abs(windows(x, a, 0)) ** p).sum(-1) ** (1 / p)]


def global_lp_pool(a, x):
    return [(abs(x) ** a.get("p", 2)).sum(tuple(range(2, x.ndim)), keepdims=True) ** (1 / a.get("p", 2))]


def global_max_pool(a, x):
    return [x.max(tuple(range(2, x.ndim)), keepdims=True)]


def lp_normalization(a, x):
    norm = (abs(x) ** a.get("p", 2)).sum(a.get("axis", -1), keepdims=True) ** (1 / a.get("p", 2))
    return [np.where(norm == 0, 0, x / norm)]


def flatten(a, x):
    axis = a.get("axis", 1)
    axis += x.ndim if axis < 0 else 0
    return [x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))]


def gather_elements(a, x, indices):
    y, axis = np.empty(indices.shape, x.dtype), a.get("axis", 0) % x.ndim
    for k in np.ndindex(*indices.shape):
        y[k] = x[(*k[:axis], indices[k], *k[axis + 1:])]
    return [y]


def lrn(a, x):
    n, square = a["size"], x * x
    sums = np.stack([square[:, max(0, c - (n - 1) // 2):c + n // 2 + 1].sum(1) for c in range(x.shape[1])], 1)
    return [x / (a.get("bias", 1.0) + a.get("alpha", 1e-4) / n * sums) ** a.get("beta", 0.75)]


def pad(a, x, pads=None, value=None, axes=None):
    pads = list(a.get("pads") or a["paddings"] if pads is None else pads)
    axes = [i % x.ndim for i in (range(x.ndim) if axes is None else axes)]
    value = a.get("value", 0) if value is None else value
    fill = (value if value else "") if x.dtype == object else x.dtype.type(np.asarray(value).item())
    for side in (0, 1):
        for i, axis in enumerate(axes):
            n = int(pads[side * len(axes) + i])
            border = np.full([abs(n) if d == axis else s for d, s in enumerate(x.shape)], fill, x.dtype)
            kept = x[(slice(None),) * axis + (slice(max(-n, 0), None) if side == 0 else slice(None, x.shape[axis] - max(-n, 0)),)]
            x = kept if n <= 0 else np.concatenate([border, x] if side == 0 else [x, border], axis)
    return [x]


def reduce_log_sum_exp(a, x, axes=None):
    axes = a.get("axes") if axes is None else [int(i) for i in axes]
    if not axes and a.get("noop_with_empty_axes"):
        return [x]
    axes = tuple(axes) if axes else tuple(range(x.ndim))
    most = np.nan_to_num(x.max(axes, keepdims=True, initial=-np.inf), neginf=0)
    y = np.log(np.exp(x - most).sum(axes, keepdims=True)) + most
    return [y if a.get("keepdims", 1) else y.squeeze(axes)]


def unique(a, x):
    axis = a.get("axis")
    rows = [tuple(r.ravel()) for r in np.moveaxis(x, axis, 0)] if axis is not None else list(x.ravel())
    order = sorted(dict.fromkeys(rows)) if a.get("sorted", 1) else list(dict.fromkeys(rows))
    first = np.array([rows.index(v) for v in order], np.int64)
    y = np.take(x, first, axis) if axis is not None else x.ravel()[first]
    return [y, first, np.array([order.index(r) for r in rows], np.int64), np.array([rows.count(v) for v in order], np.int64)]


def hardmax_matrix(a, x):
    axis = a.get("axis", 1)
    axis += x.ndim if axis < 0 else 0
    flat = flatten({"axis": axis}, x)[0]
    y = np.zeros_like(flat)
    if flat.size:
        y[np.arange(len(flat)), flat.argmax(1)] = 1
    return [y.reshape(x.shape)]


def scatter(a, data, indices, updates):
    y, axis = data.copy(), a.get("axis", 0) % data.ndim
    for k in np.ndindex(*indices.shape):
        at = list(k)
        at[axis] = indices[k]
        y[tuple(at)] = updates[k]
    return [y]


def tile_by_axis(a, x, tiles, axis):
    return [np.tile(x, [int(tiles.ravel()[0]) if i == int(axis.ravel()[0]) else 1 for i in range(x.ndim)])]


def split_1(a, x, *sizes, outputs):
    n, axis = outputs, a.get("axis", 0)
    sizes = a.get("split") or (sizes[0] if sizes else None)
    return np.split(x, np.cumsum(sizes)[:-1] if sizes is not None else n, axis)


def col2im_text(a, x, image, block):
    """Pieces that meet are put one behind the other: what a sum of texts is in NumPy."""
    n, k = len(image), int(np.prod(block))
    steps, holes, pads = a.get("strides") or [1] * n, a.get("dilations") or [1] * n, a.get("pads") or [0] * 2 * n
    blocks = [(image[i] + pads[i] + pads[n + i] - holes[i] * (block[i] - 1) - 1) // steps[i] + 1 for i in range(n)]
    y = np.full((x.shape[0], x.shape[1] // k, *image), "", dtype=object)
    for b, row, column in np.ndindex(*x.shape):
        inside, at = np.unravel_index(row % k, block), np.unravel_index(column, blocks)
        place = tuple(at[i] * steps[i] - pads[i] + inside[i] * holes[i] for i in range(n))
        if all(0 <= p < image[i] for i, p in enumerate(place)):
            y[(b, row // k, *place)] += x[b, row, column]
    return [y]


def max_roi_pool(a, x, rois):
    scale, shape = a.get("spatial_scale", 1.0), a["pooled_shape"]
    y = np.zeros((len(rois), x.shape[1], *shape))
    for r, (batch, *corners) in enumerate(rois):
        x1, y1, x2, y2 = (int(math.floor(c * scale + 0.5)) for c in corners)
        size = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        for k in np.ndindex(*shape):
            low = [int(math.floor(k[i] * size[i] / shape[i])) + (y1, x1)[i] for i in (0, 1)]
            high = [int(math.ceil((k[i] + 1) * size[i] / shape[i])) + (y1, x1)[i] for i in (0, 1)]
            part = x[int(batch), :, max(low[0], 0):max(high[0], 0), max(low[1], 0):max(high[1], 0)]
            if part.size:
                y[(r, slice(None), *k)] = part.max((1, 2))
    return [y]


def one_hot(a, indices, depth, values):
    depth, axis = int(np.asarray(depth).ravel()[0]), a.get("axis", -1)
    indices = np.asarray(indices).astype(np.int64)
    hot = np.arange(depth) == np.where(indices < 0, indices + depth, indices)[..., None]  # what is out of range is nowhere
    y = np.where(hot, values[1], values[0])
    return [np.moveaxis(y, -1, axis if axis >= 0 else y.ndim + axis)]


def mean_variance(a, x):
    axes = tuple(a.get("axes", (0, 2, 3)))
    mean = x.mean(axes, keepdims=True)
    return [(x - mean) / (np.sqrt((x * x).mean(axes, keepdims=True) - mean * mean) + 1e-9)]


def group_normalization(a, x, scale, bias):
    g = a["num_groups"]
    flat = x.reshape(x.shape[0], g, -1)
    y = (flat - flat.mean(-1, keepdims=True)) / np.sqrt(flat.var(-1, keepdims=True) + a.get("epsilon", 1e-5))
    if len(scale) == g != x.shape[1]:
        scale, bias = np.repeat(scale, x.shape[1] // g), np.repeat(bias, x.shape[1] // g)
    shape = (-1, *[1] * (x.ndim - 2))
    return [y.reshape(x.shape) * scale.reshape(shape) + bias.reshape(shape)]


def normalizer(a, x):
    norm = (a.get("norm") or "MAX")
    size = {"MAX": lambda: x.max(-1, keepdims=True), "L1": lambda: abs(x).sum(-1, keepdims=True), "L2": lambda: np.sqrt((x * x).sum(-1, keepdims=True))}[norm]()
    return [np.where(size == 0, x, x / np.where(size == 0, 1, size))]


def texts(x):
    def one(v):
        if isinstance(v, (bool, np.bool_)):
            return "True" if v else "False"
        for digits in range(1, 10) if x.dtype.kind == "V" else ():  # the shortest that reads back
            if type(v)(float(f"{float(v):.{digits}g}")) == v:
                return str(float(f"{float(v):.{digits}g}"))
        return str(v)
    return np.array([one(v) for v in x.ravel()], dtype=object).reshape(x.shape)


def quantize(a, x, scale, zero=None, y_type=None):
    """By the precision of the scale, as the text of the standard has it; onnx.reference takes NumPy's type of both."""
    block, axis, shape = a.get("block_size", 0), a.get("axis", 1), x.shape

    def spread(v):
        if v.ndim == 0 or (v.ndim == 1 and v.size == 1 and x.ndim != 1):
            return v.reshape(())
        if v.ndim == 1 and not block:
            return v.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
        return np.repeat(v, block, axis)[tuple(slice(n) for n in shape)]
    s = spread(scale)
    precision = s.dtype if s.dtype in (np.float16, ml_dtypes.bfloat16) else np.float32
    r = (x.astype(precision).astype(np.float32) / s.astype(np.float32)).astype(precision).astype(np.float32)
    dtype = y_type
    if np.issubdtype(dtype, np.integer) or dtype in (ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2):
        info = ml_dtypes.iinfo(dtype) if not np.issubdtype(dtype, np.integer) else np.iinfo(dtype)
        return [np.clip(np.rint(r) + (spread(zero).astype(np.int64) if zero is not None else 0), int(info.min), int(info.max)).astype(np.int32).astype(dtype)]
    return [numpy_helper.saturate_cast(r, dtype) if a.get("saturate", 1) else r.astype(dtype)]


def qlinear_matmul(a, x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero):
    wide = [v.astype(np.float32).astype(float) for v in (x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero)]
    y = ((wide[0] - wide[2]) * wide[1]) @ ((wide[3] - wide[5]) * wide[4]) / wide[6]
    if y_zero.dtype.kind in "iu":
        return [np.clip(np.rint(y) + wide[7], np.iinfo(y_zero.dtype).min, np.iinfo(y_zero.dtype).max)]
    return [numpy_helper.saturate_cast((y + wide[7]).astype(np.float32), y_zero.dtype)]


def bernoulli(a, x):
    return [x]


def multinomial(a, x):
    return [np.repeat(x.argmax(1)[:, None], a.get("sample_size", 1), 1)]


def scan_8(a, state, x):
    t = np.cumsum(np.concatenate([state[:, None], x], 1), 1)[:, 1:]
    return [t[:, -1], t]


# operator: (versions, function, why)
OWN = {
    "Bernoulli": ((1, 99), bernoulli, "fed with 0 and 1, where nothing is left to chance"),
    "Erf": ((1, 99), lambda a, x: [np.vectorize(math.erf, otypes=[float])(x)], "the reference computes in float"),
    "Flatten": ((1, 99), flatten, "the reference does not know what -1 is beside 0"),
    "GatherElements": ((1, 99), gather_elements, "the reference wants indices of the data's shape"),
    "Gelu": ((1, 99), lambda a, x: [0.5 * x * (1 + (np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)) if a.get("approximate") == "tanh" else np.vectorize(math.erf, otypes=[float])(x / np.sqrt(2))))], "Erf is in it"),
    "GlobalLpPool": ((1, 99), global_lp_pool, "the reference has none"),
    "GlobalMaxPool": ((1, 99), global_max_pool, "the reference takes one spatial axis for the channels"),
    "GroupNormalization": ((21, 99), group_normalization, "the reference rounds between normalising and scaling"),
    "HardSwish": ((1, 99), lambda a, x: [x * np.clip(x / 6 + 0.5, 0, 1)], "the reference has a sixth as a float"),
    "Hardmax": ((1, 12), hardmax_matrix, "onnx's version converter has no adapter"),
    "LRN": ((1, 99), lrn, "the reference knows rank 4"),
    "LpNormalization": ((1, 99), lp_normalization, "the reference takes no magnitudes where p is 1"),
    "LpPool": ((1, 99), lp_pool, "the reference drops the exponent of version 1"),
    "MaxPool": ((1, 99), max_pool, "the reference mistakes the order of pads that differ"),
    "MaxRoiPool": ((1, 99), max_roi_pool, "the reference has none"),
    "Mean": ((1, 99), lambda a, *x: [sum(x[1:], x[0]) / len(x)], "the reference adds in place, without broadcasting"),
    "MeanVarianceNormalization": ((1, 99), mean_variance, "the reference's constants are floats whatever the type"),
    "Multinomial": ((1, 99), multinomial, "the reference has none; fed with certainty"),
    "OneHot": ((1, 99), one_hot, "the reference wants integers"),
    "Optional": ((1, 99), lambda a, *x: [x[0] if x else None], "the reference makes a list of it"),
    "QLinearMatMul": ((21, 99), qlinear_matmul, "the reference makes integers of floats of eight bits"),
    "QuantizeLinear": ((10, 99), quantize, "the reference divides in NumPy's common type"),
    "ReduceLogSumExp": ((1, 99), reduce_log_sum_exp, "the reference has no scalars"),
    "Scan": ((8, 8), scan_8, "the reference has the form of version 9"),
    "Scatter": ((1, 99), scatter, "the reference has none"),
    "Softsign": ((1, 99), lambda a, x: [x / (1 + abs(x))], "the reference has no scalars"),
    "Split": ((1, 1), split_1, "the reference has none of version 1"),
    "Tile": ((1, 5), tile_by_axis, "the reference has none of version 1"),
    "Unique": ((1, 99), unique, "the reference has no rows of texts"),
    "ai.onnx.ml.CastMap": ((1, 99), lambda a, x: [np.array([[float(v) for v in x.values()]], np.float32)], "the reference has none"),
    "ai.onnx.ml.CategoryMapper": ((1, 99), lambda a, x: [np.array([dict(zip(a["cats_strings"], a["cats_int64s"])).get(v, -1) for v in x.ravel()]).reshape(x.shape) if x.dtype == object else
                                                         np.array([dict(zip(a["cats_int64s"], a["cats_strings"])).get(v, "_Unused") for v in x.ravel()], object).reshape(x.shape)], "the reference has none"),
    "ai.onnx.ml.DictVectorizer": ((1, 99), lambda a, x: [np.array([[x.get(k, "" if isinstance(next(iter(x.values())), str) else 0) for k in a.get("string_vocabulary") or a["int64_vocabulary"]]])], "the reference drops the batch"),
    "ai.onnx.ml.LabelEncoder": ((1, 1), lambda a, x: [np.array([a["classes_strings"].index(v) if v in a["classes_strings"] else a["default_int64"] for v in x.ravel()]).reshape(x.shape)], "the reference has the form of version 2"),
    "ai.onnx.ml.Normalizer": ((1, 99), normalizer, "the reference divides by the greatest magnitude, the standard by the greatest number"),
    "ai.onnx.ml.ZipMap": ((1, 99), lambda a, x: [[dict(zip(a["classlabels_int64s"], row.astype(np.float32))) for row in x]], "the reference has none"),
    "ai.onnx.preview.training.Gradient": ((1, 99), lambda a, x, z: [np.ones_like(x)], "the reference has none"),
}
