# SPDX-License-Identifier: MIT
"""A library with ONNX Runtime's C interface through ctypes: sessions from bytes, tensors as numpy arrays. For tools that run many
small models in one process; needs no Python package but numpy (ml_dtypes for the types that numpy lacks).

    lib = Library("build/libsardonyx.so")
    s = lib.session(model_bytes, level=99, threads=1)
    outputs = s.run({"x": array}, ["y"])
"""
import ctypes
import pathlib
import re

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLOTS = {name: int(index) for index, name in re.findall(r"^API\((\d+), (\w+),", (ROOT / "src/abi/slots.def").read_text(), re.M)}
VERSION = 17
FLOAT_TYPES = {16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz"}
NUMBERS = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64",
           12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", **FLOAT_TYPES}
NAMES = {name: number for number, name in NUMBERS.items()}
POINTER = ctypes.c_void_p


class Failure(Exception):
    """What a status says."""


def dtype_of(number):
    if number in FLOAT_TYPES:
        import ml_dtypes
        return np.dtype(getattr(ml_dtypes, FLOAT_TYPES[number]))
    if number not in NUMBERS:
        raise Failure(f"element type {number} has no numpy type")
    return np.dtype(NUMBERS[number])


class Library:
    def __init__(self, path):
        self.handle = ctypes.CDLL(str(path))
        self.handle.OrtGetApiBase.restype = ctypes.POINTER(POINTER)
        get = ctypes.CFUNCTYPE(POINTER, ctypes.c_uint32)(self.handle.OrtGetApiBase()[0])
        self.table = ctypes.cast(get(VERSION), ctypes.POINTER(POINTER))
        self.functions = {}
        self.env, self.memory = POINTER(), POINTER()
        self.call("CreateEnv", ctypes.c_int(3), b"tools", ctypes.byref(self.env))
        self.call("CreateCpuMemoryInfo", ctypes.c_int(1), ctypes.c_int(0), ctypes.byref(self.memory))

    def function(self, name, result):
        if name not in self.functions:
            self.functions[name] = ctypes.CFUNCTYPE(result)(self.table[SLOTS[name]])
        return self.functions[name]

    def call(self, name, *args):
        status = self.function(name, POINTER)(*args)
        if status:
            text = self.function("GetErrorMessage", ctypes.c_char_p)(POINTER(status)).decode(errors="replace")
            self.function("ReleaseStatus", None)(POINTER(status))
            raise Failure(text)

    def release(self, kind, handle):
        if handle:
            self.function("Release" + kind, None)(handle)

    def session(self, model, level=99, threads=1, config=()):
        return Session(self, model, level, threads, config)

    def tensor(self, array):
        """(handle, what must stay alive)"""
        kept = np.ascontiguousarray(array).reshape(array.shape)
        dims, value = (ctypes.c_int64 * max(1, kept.ndim))(*kept.shape), POINTER()
        self.call("CreateTensorWithDataAsOrtValue", self.memory, POINTER(kept.ctypes.data), ctypes.c_size_t(kept.nbytes), dims,
                  ctypes.c_size_t(kept.ndim), ctypes.c_int(NAMES[kept.dtype.name]), ctypes.byref(value))
        return value, kept

    def array(self, value):
        info, kind, rank, data = POINTER(), ctypes.c_int(), ctypes.c_size_t(), POINTER()
        self.call("GetTensorTypeAndShape", value, ctypes.byref(info))
        try:
            self.call("GetTensorElementType", info, ctypes.byref(kind))
            self.call("GetDimensionsCount", info, ctypes.byref(rank))
            dims = (ctypes.c_int64 * max(1, rank.value))()
            self.call("GetDimensions", info, dims, rank)
        finally:
            self.release("TensorTypeAndShapeInfo", info)
        shape, dtype = tuple(dims[:rank.value]), dtype_of(kind.value)
        out = np.empty(shape, dtype)
        self.call("GetTensorMutableData", value, ctypes.byref(data))
        if out.nbytes:
            ctypes.memmove(out.ctypes.data, data, out.nbytes)
        return out


class Session:
    def __init__(self, library, model, level, threads, config):
        self.library, self.handle, options = library, POINTER(), POINTER()
        library.call("CreateSessionOptions", ctypes.byref(options))
        try:
            library.call("SetSessionGraphOptimizationLevel", options, ctypes.c_int(level))
            library.call("SetIntraOpNumThreads", options, ctypes.c_int(threads))
            for key, text in config:
                library.call("AddSessionConfigEntry", options, key.encode(), text.encode())
            library.call("CreateSessionFromArray", library.env, model, ctypes.c_size_t(len(model)), options, ctypes.byref(self.handle))
        finally:
            library.release("SessionOptions", options)

    def run(self, feeds, names):
        library = self.library
        values = []
        out = (POINTER * len(names))()
        try:
            for array in feeds.values():
                values.append(library.tensor(array))
            library.call("Run", self.handle, POINTER(), (ctypes.c_char_p * max(1, len(feeds)))(*(n.encode() for n in feeds)),
                         (POINTER * max(1, len(feeds)))(*(v for v, _ in values)), ctypes.c_size_t(len(values)),
                         (ctypes.c_char_p * len(names))(*(n.encode() for n in names)), ctypes.c_size_t(len(names)), out)
            return [library.array(POINTER(v)) for v in out]
        finally:
            for value in [v for v, _ in values] + [POINTER(v) for v in out]:
                library.release("Value", value)

    def close(self):
        self.library.release("Session", self.handle)
        self.handle = None
