# SPDX-License-Identifier: MIT
"""OrtValue and SparseTensor: values with ONNX Runtime's ways to make and read them."""
import numpy as np

from . import _enums, _native
from ._checks import Sequence, Whole, need, runtime_errors, takes
from ._devices import OrtDevice, OrtMemoryInfo, _need_host

# Numbers of onnx.TensorProto.DataType that NumPy has types for.
_NUMPY = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "object": 8, "bool": 9, "float16": 10,
          "float64": 11, "uint32": 12, "uint64": 13, "complex64": 14, "complex128": 15, "bfloat16": 16, "float8_e4m3fn": 17,
          "float8_e4m3fnuz": 18, "float8_e5m2": 19, "float8_e5m2fnuz": 20, "uint4": 21, "int4": 22, "float4_e2m1fn": 23, "uint2": 25, "int2": 26,
          "float6_e2m3fn": 27, "float6_e3m2fn": 28}


def element_type_of(kind):
    """A number of onnx.TensorProto.DataType out of one, a NumPy type or its name."""
    if isinstance(kind, int) and not isinstance(kind, bool):
        return kind
    try:
        dtype = np.dtype(kind) if kind is not None else None
    except TypeError:
        dtype = None
    if dtype is None:
        raise RuntimeError(f"Not a valid numpy type: {kind!r:.60}")
    if dtype.kind in "USTO":
        return 8
    try:
        return _NUMPY[dtype.name]
    except KeyError:
        raise RuntimeError(f"ONNX has no element type for {dtype}") from None


class OrtValue(_native.Value):
    """A tensor, sequence, map or optional of the library, without a copy between it and NumPy or DLPack.

        x = sardonyx.OrtValue.ortvalue_from_numpy(np.zeros((2, 3), np.float32))
        x.shape(), x.data_type(), x.numpy()

    It keeps alive what lends it its memory.
    """

    __slots__ = ()

    def __new__(cls, ortvalue, numpy_obj=None, session=None):
        if not isinstance(ortvalue, _native.Value):
            raise ValueError(f"an OrtValue is made by OrtValue.ortvalue_from_numpy and its kin, or of another one; found {ortvalue!r:.60}")
        return ortvalue

    @classmethod
    def ortvalue_from_numpy(cls, numpy_obj, /, device_type="cpu", device_id=0, vendor_id=-1):
        """A value over an array's memory; strings and arrays that are not contiguous are copied. A list of arrays becomes a sequence.

        :raises RuntimeError: for what is no array, and for types that ONNX does not have
        """
        _need_host(device_type)
        parts = numpy_obj if isinstance(numpy_obj, list) and numpy_obj else [numpy_obj]
        if not all(isinstance(part, (np.ndarray, _native.Value)) for part in parts) or isinstance(numpy_obj, _native.Value):
            raise RuntimeError(f"an OrtValue is made of a NumPy array, found {type(numpy_obj).__name__}; np.asarray makes one")
        with runtime_errors():
            return _native.value_from_object(numpy_obj)

    @classmethod
    @takes(np.ndarray, Whole, runtime=True)
    def ortvalue_from_numpy_with_onnx_type(cls, data, /, onnx_element_type):
        """A value over the raw bits of an array, as elements of an ONNX type of that size.

        :param onnx_element_type: a number of onnx.TensorProto.DataType
        """
        array = np.ascontiguousarray(data)
        size = {21: 1, 22: 1, 23: 1, 25: 1, 26: 1}.get(onnx_element_type)
        made = _native.value_from_pointer(array.ctypes.data, array.shape, int(onnx_element_type), array)
        if size is None and made.tensor_size_in_bytes() != array.nbytes:
            raise RuntimeError(f"an array of {array.dtype} has {array.nbytes} bytes; {made.data_type()} of that shape has "
                               f"{made.tensor_size_in_bytes()}")
        return made

    @classmethod
    @takes(Sequence, None, None, Whole, Whole, (OrtMemoryInfo, type(None)), runtime=True)
    def ortvalue_from_shape_and_type(cls, shape, element_type, device_type="cpu", device_id=0, vendor_id=-1, memory_info=None):
        """A tensor that is not filled; `element_type` is a NumPy type or a number of onnx.TensorProto.DataType.

        :raises RuntimeError: for a type that ONNX does not have, and for more memory than there is
        """
        _need_host(device_type)
        return _native.value_from_shape(shape, element_type_of(element_type))

    @classmethod
    def ort_value_from_sparse_tensor(cls, sparse_tensor):
        """The value of a SparseTensor."""
        return sparse_tensor._get_c_tensor()._value

    def as_sparse_tensor(self):
        """The value as SparseTensor."""
        if not self.is_sparse_tensor():
            raise RuntimeError("the value is no sparse tensor")
        return SparseTensor(self)

    @classmethod
    def from_dlpack(cls, data, /, is_bool_tensor=None):
        """A value over the memory of a tensor of another library: an object with __dlpack__, or a capsule."""
        if is_bool_tensor is None:
            dtype = getattr(data, "dtype", None)
            is_bool_tensor = getattr(dtype, "name", str(dtype)) in ("bool", "bool_", "torch.bool")
        capsule = data.__dlpack__() if hasattr(data, "__dlpack__") and not isinstance(data, type) else data
        return _native.value_from_dlpack(capsule, is_bool_tensor)

    def __dlpack_device__(self):
        return 1, 0

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError("another type needs a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def _get_c_value(self):
        return self

    @property
    def _ortvalue(self):
        return self

    def __reduce__(self):
        return OrtValue.ortvalue_from_numpy, (self.numpy(),)

    def __repr__(self):
        return f"<OrtValue {self.data_type()}{self.shape() if self.is_tensor() else ''}>"


class OrtValueVector(list):
    """A list of OrtValue."""

    def push_back(self, value, is_bool_tensor=False):
        """Adds an OrtValue, or a DLPack capsule."""
        self.append(value if isinstance(value, _native.Value) else _native.value_from_dlpack(value, bool(is_bool_tensor)))

    def push_back_batch(self, tensors, pointers, element_types, shapes, devices):
        """Adds values over the memory of tensors of another library, which are kept: their addresses, element types (of NumPy), shapes and
        OrtDevices."""
        for tensor, pointer, kind, shape, device in zip(tensors, pointers, element_types, shapes, devices):
            need("OrtValueVector.push_back_batch()", "device", device, OrtDevice)
            self.append(_native.value_from_pointer(int(pointer), shape, element_type_of(kind), tensor))

    @takes(Whole)
    def reserve(self, n):
        """Nothing to do for a list."""

    def shrink_to_fit(self):
        """Nothing to do for a list."""

    @takes(Whole)
    def element_type_at(self, idx):
        """The element type of a value."""
        return self[idx].element_type()

    @takes(Whole)
    def dlpack_at(self, idx):
        """A value as DLPack capsule."""
        return self[idx].to_dlpack()

    def bool_tensor_indices(self):
        """Which values are tensors of booleans."""
        return [i for i, value in enumerate(self) if value.is_tensor() and value.element_type() == 9]

    def to_dlpacks(self, to_tensor):
        """All values as DLPack capsules, through a function unless it is None."""
        return [to_tensor(v.to_dlpack()) if to_tensor else v.to_dlpack() for v in self]


class _View:
    def __init__(self, value):
        self._value = value


class SparseCooView(_View):
    """The coordinates of a sparse tensor's values."""

    def indices(self):
        """An array over the coordinates."""
        return _native.sparse_indices(self._value, 0)


class SparseCsrView(_View):
    """The columns of a sparse tensor's values, and where each row begins."""

    def inner(self):
        """An array over the columns."""
        return _native.sparse_indices(self._value, 1)

    def outer(self):
        """An array over the rows' beginnings."""
        return _native.sparse_indices(self._value, 2)


class SparseBlockSparseView(_View):
    """The places of a sparse tensor's blocks."""

    def indices(self):
        """An array over the places."""
        return _native.sparse_indices(self._value, 3)


class SparseTensor:
    """A sparse tensor: values, and where they belong, in one of three formats."""

    def __init__(self, value):
        if isinstance(value, SparseTensor):
            value = value._value
        if not isinstance(value, _native.Value):
            raise ValueError(f"a SparseTensor is made of another one or of an OrtValue, found {value!r:.60}")
        self._value = value

    @staticmethod
    def _make(form, dense_shape, values, first, second, block_shape=()):
        values = np.ascontiguousarray(values)
        if form != 4 and values.ndim != 1:
            raise RuntimeError(f"the values of a sparse tensor are an array of one dimension, found {values.ndim}")
        if values.dtype.kind in "OUS":
            raise RuntimeError("sparse tensors of strings are not supported")
        kept = (values, first, second)
        return SparseTensor(_native.sparse_make(form, [int(d) for d in dense_shape], values.ctypes.data, values.shape, element_type_of(values.dtype),
                                                first.ctypes.data, first.size, block_shape, second.ctypes.data if second is not None else 0,
                                                second.size if second is not None else 0, kept))

    @classmethod
    @takes(Sequence, np.ndarray, runtime=True)
    def sparse_coo_from_numpy(cls, dense_shape, values, coo_indices, ort_device=None):
        """By coordinates: one linear index, or a pair of row and column, per value (int64)."""
        indices = np.ascontiguousarray(coo_indices, np.int64)
        if indices.size not in (np.size(values), 2 * np.size(values)):
            raise _native.InvalidArgument(f"[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : {indices.size} indices for {np.size(values)} values; "
                                          "expected one or two per value")
        return cls._make(1, dense_shape, values, indices, None)

    @classmethod
    @takes(Sequence, np.ndarray, runtime=True)
    def sparse_csr_from_numpy(cls, dense_shape, values, inner_indices, outer_indices, ort_device=None):
        """By compressed rows: the column of each value, and where each row begins (int64)."""
        return cls._make(2, dense_shape, values, np.ascontiguousarray(inner_indices, np.int64), np.ascontiguousarray(outer_indices, np.int64))

    @classmethod
    @takes(Sequence, np.ndarray, runtime=True)
    def blocksparse_from_numpy(cls, dense_shape, values, block_indices, ort_device=None):
        """By blocks: the place of each block (int32)."""
        indices = np.ascontiguousarray(block_indices, np.int32)
        return cls._make(4, dense_shape, values, indices, None, indices.shape)

    def _get_c_tensor(self):
        return self

    def values(self):
        """The values, an array over the tensor's memory."""
        return _native.sparse_values(self._value)

    def _viewed(self, form, view):
        if self.format() != form:
            raise RuntimeError(f"the sparse tensor is in {self.format()}, not {form}")
        return view(self._value)

    def as_coo_view(self):
        """With indices(), the coordinates."""
        return self._viewed(_enums.OrtSparseFormat.ORT_SPARSE_COO, SparseCooView)

    def as_csrc_view(self):
        """With inner() and outer(), the columns and the rows' beginnings."""
        return self._viewed(_enums.OrtSparseFormat.ORT_SPARSE_CSRC, SparseCsrView)

    def as_blocksparse_view(self):
        """With indices(), the blocks' places."""
        return self._viewed(_enums.OrtSparseFormat.ORT_SPARSE_BLOCK_SPARSE, SparseBlockSparseView)

    get_coo_data, get_csrc_data, get_blocksparse_data = as_coo_view, as_csrc_view, as_blocksparse_view

    def to_cuda(self, ort_device):
        """A copy on a GPU.

        :raises RuntimeError: always, in this build
        """
        ort_device._get_c_device()
        raise RuntimeError("Cuda is not available in this build")

    def format(self):
        """An OrtSparseFormat."""
        return _enums.OrtSparseFormat(_native.sparse_format(self._value))

    def dense_shape(self):
        """The shape as if it were dense, a list of int."""
        return _native.sparse_describe(self._value)[0]

    def data_type(self):
        """'sparse_tensor(float)' for one."""
        return _native.sparse_describe(self._value)[1]

    def device_name(self):
        """'cpu'."""
        return self._value.device_name()


_native.use_value_class(OrtValue)


@takes(Sequence, Sequence, runtime=True)
def copy_tensors(src, dst, stream=None):
    """Copies the data of a list of OrtValue into another list of equal types and shapes."""
    _native.copy_tensors([value._ortvalue for value in src], [value._ortvalue for value in dst])


__all__ = ["OrtValue", "OrtValueVector", "SparseTensor", "OrtDevice", "copy_tensors", "element_type_of"]
