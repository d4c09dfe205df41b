# SPDX-License-Identifier: MIT
"""Types, names and small computations of quantisation, as onnxruntime.quantization.quant_utils has them."""
import enum
import os
import pathlib

import numpy as np

onnx_domain, ms_domain = "ai.onnx", "com.microsoft"
QUANT_OP_NAME, DEQUANT_OP_NAME = "QuantizeLinear", "DequantizeLinear"
QUANT_INPUT_SUFFIX, DEQUANT_OUTPUT_SUFFIX = "_QuantizeLinear_Input", "_DequantizeLinear_Output"
TENSOR_NAME_QUANT_SUFFIX = "_quantized"
MODEL_SIZE_THRESHOLD = 2147483648  #: bytes from which weights go to a file beside the model

#: numbers of onnx.TensorProto
_UINT8, _INT8, _UINT16, _INT16, _INT32, _FLOAT8, _UINT4, _INT4 = 2, 3, 4, 5, 6, 17, 21, 22
FLOAT8_TYPES = {17, 18, 19, 20}
ONNX_TYPE_TO_NP_TYPE = {_INT8: np.dtype("int8"), _UINT8: np.dtype("uint8"), _INT16: np.dtype("int16"), _UINT16: np.dtype("uint16"),
                        _INT4: np.dtype("int8"), _UINT4: np.dtype("uint8")}


def _ranges(**of):
    kinds = {"int8": _INT8, "uint8": _UINT8, "int16": _INT16, "uint16": _UINT16, "int4": _INT4, "uint4": _UINT4}
    return {kinds[name]: tuple(np.array(end, ONNX_TYPE_TO_NP_TYPE[kinds[name]]) for end in ends) for name, ends in of.items()}


ONNX_INT_TYPE_RANGE = _ranges(uint8=(0, 255), int8=(-128, 127), uint16=(0, 65535), int16=(-32768, 32767), uint4=(0, 15), int4=(-8, 7))
ONNX_INT_TYPE_SYMMETRIC_RANGE = _ranges(int8=(-127, 127), int16=(-32767, 32767))
ONNX_INT_TYPE_REDUCED_RANGE = _ranges(uint8=(0, 127), int8=(-64, 64), uint16=(0, 32767), int16=(-16384, 16384), uint4=(0, 7), int4=(-4, 3))


class _Named(enum.Enum):
    def __str__(self):
        return self.name

    @classmethod
    def _of(cls, name):
        try:
            return cls[name]
        except KeyError:
            raise ValueError(f"no {cls.__name__} is called {name!r}") from None


class QuantType(_Named):
    """Integer types of weights and activations."""

    QInt8 = 0
    QUInt8 = 1
    QFLOAT8E4M3FN = 2
    QInt16 = 3
    QUInt16 = 4
    QInt4 = 5
    QUInt4 = 6

    @staticmethod
    def from_string(name):
        """The type of that name."""
        return QuantType._of(name)

    @property
    def tensor_type(self):
        """Its number in onnx.TensorProto."""
        return (_INT8, _UINT8, _FLOAT8, _INT16, _UINT16, _INT4, _UINT4)[self.value]


class QuantFormat(_Named):
    """How a statically quantised model is written."""

    QOperator = 0
    QDQ = 1

    @staticmethod
    def from_string(name):
        """The format of that name."""
        return QuantFormat._of(name)


class QuantizationMode(_Named):
    """Dynamic (IntegerOps) or static (QLinearOps), as onnxruntime calls them."""

    IntegerOps = 0
    QLinearOps = 1

    @staticmethod
    def from_string(name):
        """The mode of that name."""
        return QuantizationMode._of(name)


class QuantizedValueType(_Named):
    """Whether a value comes while the model runs, or is a constant of it."""

    Input = 0
    Initializer = 1

    @staticmethod
    def from_string(name):
        """The kind of that name."""
        return QuantizedValueType._of(name)


def get_qmin_qmax_for_qType(qType, reduce_range=False, symmetric=False):  # noqa: N802, N803
    """The least and the greatest code of a type, by its number in onnx.TensorProto.

    :raises ValueError: for a type that is no integer of 4, 8 or 16 bits
    """
    if qType in FLOAT8_TYPES:
        raise NotImplementedError("eight-bit floats have no codes from one number to another")
    tables = [ONNX_INT_TYPE_REDUCED_RANGE] if reduce_range else [ONNX_INT_TYPE_SYMMETRIC_RANGE, ONNX_INT_TYPE_RANGE][not symmetric:]
    for table in tables:
        if qType in table:
            return table[qType]
    raise ValueError(f"Unexpected data type {qType} requested: expected an integer of 4, 8 or 16 bits")


def get_qrange_for_qType(qType, reduce_range=False, symmetric=False):  # noqa: N802, N803
    """How far the codes of a type reach."""
    lowest, highest = get_qmin_qmax_for_qType(qType, reduce_range, symmetric)
    return highest - lowest


def compute_scale_zp(rmin, rmax, qmin, qmax, symmetric=False, min_real_range=None):
    """[zero point, scale] such that value = (code - zero point) * scale, and codes from qmin to qmax are values from rmin to rmax.

    :param rmin: NumPy scalars or arrays without dimensions, as are the others; 0 is taken into the range
    :param symmetric: the range is made as wide on both sides of 0
    :param min_real_range: how wide the range is at least
    """
    if qmin > 0 or qmax < 0:
        raise ValueError(f"qmin and qmax must meet requirement: qmin <= 0 <= qmax while qmin:{qmin}, qmmax:{qmax}")
    lo, hi = np.minimum(rmin, rmin.dtype.type(0)), np.maximum(rmax, rmax.dtype.type(0))
    if min_real_range is not None:
        hi = max(hi, lo + np.asarray(min_real_range, lo.dtype))
    if symmetric:
        hi = np.maximum(np.abs(lo), np.abs(hi))
        lo = -hi
    scale = np.array((np.float64(hi) - np.float64(lo)) / (np.float64(qmax) - np.float64(qmin)))
    if scale < np.finfo(rmax.dtype).tiny:
        return [np.array(0, qmin.dtype), np.array(1, rmax.dtype)]
    zero = np.round((np.float64(qmin) + np.float64(qmax)) / 2) if symmetric else np.round(qmin - lo / scale)
    return [np.array(zero, qmin.dtype), scale.astype(rmax.dtype)]


def compute_data_quant_params(data, quant_type, symmetric, reduce_range=False, min_real_range=None, rmin_override=None, rmax_override=None):
    """(zero point, scale) of an array of floats."""
    if not isinstance(data, np.ndarray):
        raise TypeError(f"Weight must be given as an array not {type(data)}.")
    lowest, highest = (data.min(), data.max()) if data.size else (data.dtype.type(0), data.dtype.type(0))
    lowest = np.array(lowest if rmin_override is None else rmin_override, data.dtype)
    highest = np.array(highest if rmax_override is None else rmax_override, data.dtype)
    zero, scale = compute_scale_zp(lowest, highest, *get_qmin_qmax_for_qType(quant_type, reduce_range, symmetric), symmetric, min_real_range)
    return zero, scale


def quantize_nparray(qType, arr, scale, zero_point, low=None, high=None):  # noqa: N803
    """The codes of an array, one of a type of 4 bits in a byte."""
    if qType not in ONNX_TYPE_TO_NP_TYPE:
        raise ValueError(f"Unexpected data type {qType} requested: expected an integer of 4, 8 or 16 bits")
    lowest, highest = get_qmin_qmax_for_qType(qType)
    codes = (np.asarray(arr, np.float32) / scale).round() + zero_point
    codes = np.clip(codes, lowest if low is None else max(lowest, low), highest if high is None else min(highest, high))
    return codes.astype(ONNX_TYPE_TO_NP_TYPE[qType])


def quantize_data(data, qType, symmetric, reduce_range=False, min_real_range=None, rmin_override=None, rmax_override=None):  # noqa: N803
    """(zero point, scale, codes) of an array of floats."""
    zero, scale = compute_data_quant_params(data, qType, symmetric, reduce_range, min_real_range, rmin_override, rmax_override)
    return zero, scale, quantize_nparray(qType, data, scale, zero)


def normalize_axis(axis, rank):
    """(whether the axis is one of so many dimensions, the axis counted from the first)"""
    from_first = axis + rank if axis < 0 else axis
    return 0 <= from_first < rank, from_first


def pack_bytes_to_4bit(src_8bit):
    """Bytes in two's complement to half as many, the first of two in the low bits."""
    codes = np.frombuffer(bytes(src_8bit), np.uint8) & 15
    codes = np.append(codes, np.zeros(codes.size % 2, np.uint8))
    return bytearray((codes[::2] | codes[1::2] << 4).tobytes())


def smooth_distribution(p, eps=0.0001):
    """The histogram p with `eps` in its empty bins, taken from the others; None where that cannot be done."""
    p = np.asarray(p)
    empty, full = p == 0, p != 0
    if not full.any():
        return None
    taken = eps * empty.sum() / full.sum()
    if taken >= 1:
        return None
    smooth = p.astype(np.float32) + eps * empty - taken * full
    return smooth if (smooth > 0).all() else None


def generate_identified_filename(filename, identifier):
    """model.onnx becomes model<identifier>.onnx in the same folder."""
    path = pathlib.Path(filename)
    return path.with_name(path.stem + identifier).with_suffix(path.suffix)


def find_by_name(item_name, item_list):
    """The first of that `.name`, or None."""
    return next((item for item in item_list if item.name == item_name), None)


def get_elem_index(elem_name, elem_list):
    """Where a name stands in a list; -1: it does not."""
    return elem_list.index(elem_name) if elem_name in elem_list else -1


def model_has_external_data(model_path):
    """Whether weights of the model lie in a file beside it."""
    from .. import _model
    location, initializer = 14, _model.INITIALIZER  # TensorProto.data_location: 1, EXTERNAL
    graph = _model.graph_of(_model.Model(os.fspath(model_path)).data)
    return any(number == location and value == 1 for key, tensor, _ in _model.fields(graph) if key == initializer
               for number, value, _ in _model.fields(tensor))


def optimize_model(model_path, opt_model_path):
    """Writes the model with what does not depend on its inputs computed, and what does nothing left out."""
    from .._optimize import optimize
    optimize(os.fspath(model_path), os.fspath(opt_model_path), 1)


_PREPARED, _BY = "onnx.quant.pre_process", "onnxruntime.quant"
_INFERRED = "onnx.infer"


def _add_metadata(model, key):
    known = {entry.key: entry for entry in model.metadata_props}
    entry = known.get(key) or model.metadata_props.add()
    entry.key, entry.value = key, _BY


def _has_metadata(model, key):
    return any(entry.key == key and entry.value == _BY for entry in model.metadata_props)


def add_pre_process_metadata(model):
    """Notes in a ModelProto that quant_pre_process made it."""
    _add_metadata(model, _PREPARED)


def model_has_pre_process_metadata(model):
    """Whether quant_pre_process made the ModelProto."""
    return _has_metadata(model, _PREPARED)


def add_infer_metadata(model):
    """Notes in a ModelProto that its shapes were inferred."""
    _add_metadata(model, _INFERRED)


def model_has_infer_metadata(model):
    """Whether the ModelProto's shapes were inferred."""
    return _has_metadata(model, _INFERRED)


def get_opset_version(model):
    """The version of ONNX's operators that a ModelProto asks for.

    :raises ValueError: it asks for none, or for two
    """
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if len(versions) != 1:
        raise ValueError("Failed to find proper ai.onnx domain")
    return versions[0]


def load_model_with_shape_infer(model_path):
    """The model as an onnx.ModelProto with the shapes of its values; the package onnx is needed."""
    import onnx
    model = onnx.shape_inference.infer_shapes(onnx.load(os.fspath(model_path)))
    add_infer_metadata(model)
    return model


def save_and_reload_model_with_shape_infer(model):
    """The same for an onnx.ModelProto."""
    import onnx
    model = onnx.shape_inference.infer_shapes(model)
    add_infer_metadata(model)
    return model


def tensor_proto_to_array(initializer):
    """The elements of an onnx.TensorProto of floats."""
    import onnx
    if initializer.data_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
        raise ValueError(f"Only float type is supported. Weights {initializer.name} is {onnx.TensorProto.DataType.Name(initializer.data_type)}")
    return onnx.numpy_helper.to_array(initializer)


def attribute_to_kwarg(attribute):
    """{name: value} of an onnx.AttributeProto."""
    import onnx
    return {attribute.name: onnx.helper.get_attribute_value(attribute)}


def add_quant_suffix(tensor_name):
    """The name of a node that quantises the tensor."""
    return tensor_name + "_QuantizeLinear"


def add_quant_input_suffix(tensor_name):
    """The name of what such a node reads."""
    return tensor_name + QUANT_INPUT_SUFFIX


def add_quant_output_suffix(tensor_name):
    """The name of what such a node gives."""
    return tensor_name + "_QuantizeLinear_Output"


def add_dequant_suffix(tensor_name):
    """The name of a node that makes floats of the codes."""
    return tensor_name + "_DequantizeLinear"


def add_dequant_input_suffix(tensor_name):
    """The name of what such a node reads."""
    return tensor_name + "_DequantizeLinear_Input"


def add_dequant_output_suffix(tensor_name):
    """The name of what such a node gives."""
    return tensor_name + DEQUANT_OUTPUT_SUFFIX
