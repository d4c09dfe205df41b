# SPDX-License-Identifier: MIT
"""Element types by name: ONNX Runtime's, NumPy's, torch's and ONNX's numbers, out of one table. torch is asked only for its own."""
import numpy as np

# tensor(NAME): what torch calls it, ONNX's number, NumPy's type where NumPy has it
TYPES = {
    "float": ("float32", 1, np.float32), "uint8": ("uint8", 2, np.uint8), "int8": ("int8", 3, np.int8), "uint16": ("uint16", 4, np.uint16),
    "int16": ("int16", 5, np.int16), "int32": ("int32", 6, np.int32), "int64": ("int64", 7, np.int64), "string": (None, 8, None),
    "bool": ("bool", 9, bool), "float16": ("float16", 10, np.float16), "double": ("float64", 11, np.float64),
    "uint32": ("uint32", 12, np.uint32), "uint64": ("uint64", 13, np.uint64), "complex64": ("complex64", 14, np.complex64),
    "complex128": ("complex128", 15, np.complex128), "bfloat16": ("bfloat16", 16, None), "float8e4m3fn": ("float8_e4m3fn", 17, None),
    "float8e4m3fnuz": ("float8_e4m3fnuz", 18, None), "float8e5m2": ("float8_e5m2", 19, None), "float8e5m2fnuz": ("float8_e5m2fnuz", 20, None),
    "uint4": ("uint4", 21, None), "int4": ("int4", 22, None), "float4e2m1": (None, 23, None),
}


def _torch(name):
    import torch
    return name and getattr(torch, name, None)


def _find(what, table):
    """The entry of that key.

    :raises ValueError: when it has none
    """
    found = table.get(what)
    if found is None:
        raise ValueError(f"{what} not found in map")
    return found


def _type_of(args, name, kind):
    for arg in args:
        if arg.name == name:
            return arg.type
    raise ValueError(f"{kind} name {name} not found")


def _by_argument(session, convert):
    return {arg.name: convert(arg.type) for arg in session.get_inputs() + session.get_outputs()}


class TypeHelper:
    """Converts between names of element types; what has no counterpart raises ValueError."""

    @staticmethod
    def get_input_type(ort_session, name):
        """The type of that input, 'tensor(float)' for one."""
        return _type_of(ort_session.get_inputs(), name, "input")

    @staticmethod
    def get_output_type(ort_session, name):
        """The type of that output, 'tensor(float)' for one."""
        return _type_of(ort_session.get_outputs(), name, "output")

    @staticmethod
    def ort_type_to_numpy_type(ort_type):
        """numpy.float32 for 'tensor(float)'."""
        return _find(ort_type, {f"tensor({name})": row[2] for name, row in TYPES.items()})

    @staticmethod
    def ort_type_to_torch_type(ort_type):
        """torch.float32 for 'tensor(float)'."""
        return _find(ort_type, {f"tensor({name})": _torch(row[0]) for name, row in TYPES.items()})

    @staticmethod
    def ort_type_to_onnx_type(ort_type):
        """onnx.TensorProto.FLOAT, which is 1, for 'tensor(float)'."""
        return _find(ort_type, {f"tensor({name})": row[1] for name, row in TYPES.items()})

    @staticmethod
    def numpy_type_to_torch_type(numpy_type):
        """torch.float32 for numpy.float32."""
        return _find(numpy_type, {row[2]: _torch(row[0]) for row in TYPES.values() if row[2]})

    @staticmethod
    def torch_type_to_numpy_type(torch_type):
        """numpy.float32 for torch.float32."""
        return _find(torch_type, {_torch(row[0]): row[2] for row in TYPES.values() if row[2]})

    @staticmethod
    def get_io_onnx_type_map(ort_session):
        """The number of ONNX's element type of each input and output."""
        return _by_argument(ort_session, TypeHelper.ort_type_to_onnx_type)

    @staticmethod
    def get_io_numpy_type_map(ort_session):
        """NumPy's type of each input and output."""
        return _by_argument(ort_session, TypeHelper.ort_type_to_numpy_type)

    @staticmethod
    def get_io_torch_type_map(ort_session):
        """torch's type of each input and output."""
        return _by_argument(ort_session, TypeHelper.ort_type_to_torch_type)
