# SPDX-License-Identifier: MIT
"""What the models of the type matrix are fed with: the data of the suite's case in another type, or numbers drawn from what the
operator is defined for."""
import re

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gen_ml_cases import map_proto

WORDS = np.array(["", "a", "b", "Zwölf", "\u4f60\u597d", "a b", "10", "-3.5"], dtype=object)
SMALL = tuple(getattr(ml_dtypes, n) for n in ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu",
                                              "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn"))
INTS = tuple(getattr(ml_dtypes, n) for n in ("int4", "uint4", "int2", "uint2"))

# (operator, input): the least and greatest number, where not any goes; "nonzero" keeps away from zero.
RANGES = {("Acos", 0): (-0.95, 0.95), ("Acosh", 0): (1.05, 6), ("Asin", 0): (-0.95, 0.95), ("Atanh", 0): (-0.95, 0.95), ("Log", 0): (0.05, 9),
          ("Sqrt", 0): (0, 9), ("Pow", 0): (0.25, 3), ("Pow", 1): (0, 3), ("Div", 1): "nonzero", ("Mod", 1): "nonzero", ("Reciprocal", 0): "nonzero",
          ("ReduceLogSum", 0): (0.1, 4), ("BatchNormalization", 4): (0.25, 4), ("QuantizeLinear", 1): (0.125, 1), ("DequantizeLinear", 1): (0.125, 1),
          ("BitShift", 1): (0, 7), ("CumProd", 0): (-1.5, 1.5), ("ReduceProd", 0): (-1.5, 1.5), ("Tan", 0): (-1.2, 1.2),
          ("Clip", 1): (-2, 0), ("Clip", 2): (0, 2), ("OneHot", 0): "whole", ("SequenceAt", 1): "whole"}
ENDS = set("""Abs Add Atan Ceil Cos Div Elu Equal Erf Exp Floor Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less
    LessOrEqual Log Max Min Mul Neg Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Softplus Softsign Sqrt Sub Sum Tanh ThresholdedRelu Where Clip
    PRelu Mean ReduceMax ReduceMin ArgMax ArgMin Softmax""".split())  # floats that are no number, no end, or next to none are among their operands
CERTAIN = ("Bernoulli", "Multinomial")  # probabilities of 0 and 1 only
WRAPS = ("Abs", "Add", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
         "Identity", "Max", "Min", "Mul", "Neg", "Sign", "Sub", "Where", "Relu", "ReduceMax", "ReduceMin", "ArgMax", "ArgMin", "CumSum", "ReduceSum", "TopK",
         "Clip", "Unique")  # operators whose integers come from their whole range, too


def dtype_of(number):
    return helper.tensor_dtype_to_np_dtype(number)


def is_float(dtype):
    return dtype.kind == "f" or dtype == ml_dtypes.bfloat16 or dtype in SMALL


def is_integer(dtype):
    return dtype.kind in "iu" or dtype in INTS


def limits(dtype):
    info = ml_dtypes.iinfo(dtype) if dtype in INTS else np.iinfo(dtype)
    return int(info.min), int(info.max)


def convert(x, dtype):
    """An array's numbers in another type, kept apart from each other where that type is small."""
    if x.dtype == dtype:
        return x
    if dtype == object:
        return np.array([WORDS[int(abs(v)) % len(WORDS)] for v in np.nan_to_num(numbers(x), posinf=1, neginf=2).ravel()], dtype=object).reshape(x.shape)
    v = numbers(x)
    if dtype == bool:
        return v > 0
    if dtype.kind == "c":
        return (v + 0.5j * v[..., ::-1] if v.ndim else v + 0.5j).astype(dtype)
    if is_integer(dtype):
        least, most = limits(dtype)
        v = np.rint(v * 3) if is_float(x.dtype) else v
        v = abs(v) if least == 0 else v
        return np.clip(v, least, min(most, 2**53)).astype(dtype if dtype not in INTS else np.int8).astype(dtype)
    if dtype == ml_dtypes.float8_e8m0fnu:
        return (2.0 ** np.clip(np.rint(v), -3, 3)).astype(dtype)
    if dtype in SMALL and dtype not in (ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz):
        v = np.clip(v, -6, 6)
    return v.astype(np.float32).astype(dtype) if dtype in SMALL else v.astype(dtype)


def numbers(x):
    """Any array as float64."""
    if x.dtype.kind in "OUS":
        return np.array([len(str(v)) for v in x.ravel()], float).reshape(x.shape)
    if x.dtype.kind == "c":
        return x.real.astype(float)
    return x.astype(np.float32).astype(float) if x.dtype in SMALL + INTS else x.astype(float)


def draw(rng, op, index, shape, dtype):
    """Numbers for input `index` of an operator."""
    shape = tuple(shape)
    if dtype == object:
        return WORDS[rng.integers(0, len(WORDS), shape)] if shape else np.array(WORDS[rng.integers(0, len(WORDS))], dtype=object)
    if dtype == bool:
        return rng.integers(0, 2, shape).astype(bool)
    if op in CERTAIN:
        x = (np.arange(int(np.prod(shape))) % (shape[-1] + 1 if shape else 2) == 0).reshape(shape).astype(float)
        return x.astype(dtype) if op == "Bernoulli" else ((x - 1) * 60000).astype(dtype)
    span = RANGES.get((op, index), (-4, 4))
    if span == "whole":
        return rng.integers(0 if is_integer(dtype) and limits(dtype)[0] == 0 else -2, 2, shape).astype(np.int8).astype(dtype)
    least, most = (-4, 4) if span == "nonzero" else span
    if is_integer(dtype):
        bottom, top = limits(dtype)
        x = rng.integers(max(int(np.ceil(least)) if least > -4 else -9, bottom), min(int(most) if most < 4 else 9, top) + 1, shape)
        if op in WRAPS and (op, index) not in RANGES:
            x = np.where(rng.random(shape) < 0.3, rng.integers(bottom, top, shape, dtype=np.int64 if bottom else np.uint64, endpoint=True).astype(object), x)
        x = np.asarray(x).astype(dtype) if dtype not in INTS else np.asarray(x).astype(np.int8).astype(dtype)
        return np.where(x == dtype.type(0), dtype.type(1), x).astype(dtype) if span == "nonzero" else x
    x = rng.uniform(least, most, shape)
    x = np.where(rng.random(shape) < 0.5, np.rint(x * 4) / 4, x)
    x = np.clip(x, least, most)
    if span == "nonzero":
        x = np.where(abs(x) < 0.25, 0.25, x)
    if op in ENDS and dtype not in SMALL and dtype.kind != "c":
        x = np.where(rng.random(shape) < 0.1, rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.0, 6e-8, -1e-40, 3e38], shape), x)
    return convert(np.asarray(x), dtype)


def read_case(folder, k, kind, word="input"):
    """Input or output k of a case of the suite, as numpy has it."""
    data = (folder / f"test_data_set_0/{word}_{k}.pb").read_bytes()
    if kind == "tensor_type":
        return numpy_helper.to_array(TensorProto.FromString(data))
    if kind == "sequence_type":
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind == "optional_type":
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_dict(onnx.MapProto.FromString(data))


def kind_of(text):
    return "sequence_type" if text.startswith("seq(") else "optional_type" if text.startswith("optional(") else "map_type" if text.startswith("map(") else "tensor_type"


def element_of(text, elements):
    """NumPy's type of the elements of a type's text."""
    return dtype_of(elements["tensor(" + re.search(r"tensor\((\w+)\)", text)[1] + ")"])


def convert_value(value, text, elements):
    """A value of the suite as one of the type that the text says, an optional included."""
    if text.startswith("optional("):
        return None if value is None else convert_value(value, text[9:-1], elements)
    if text.startswith("seq("):
        return [convert_value(v, text[4:-1], elements) for v in (value if isinstance(value, list) else [value])]
    if text.startswith("map("):
        return value
    return convert(np.asarray(value[0] if isinstance(value, list) else value), element_of(text, elements))


def proto(value, name, text):
    """A value in the wire form of its type."""
    kind = kind_of(text)
    if kind == "tensor_type":
        return numpy_helper.from_array(np.asarray(value), name)
    make = {"sequence_type": numpy_helper.from_list, "optional_type": numpy_helper.from_optional, "map_type": map_proto}[kind]
    return make(value, name)
