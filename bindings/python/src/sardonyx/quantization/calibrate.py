# SPDX-License-Identifier: MIT
"""Ranges that the values of a model take, measured on samples. Only their statistics stay in memory, however many samples there are."""
import abc
import enum
import json
import os
import pathlib
import sys
import types

import numpy as np

from .. import SessionOptions, _native


class CalibrationMethod(enum.Enum):
    """How a range follows from what was seen."""

    MinMax = 0  #: the least and the greatest number
    Entropy = 1  #: around zero, where the integers keep most of the distribution
    Percentile = 2  #: what is left when a little is cut off at both ends
    Distribution = 3  #: MinMax, with the mean and the standard deviation


class CalibrationDataReader(metaclass=abc.ABCMeta):
    """Samples, one after the other: derive from it, or give any iterable of dictionaries {input: array} in its place."""

    @classmethod
    def __subclasshook__(cls, subclass):
        return (hasattr(subclass, "get_next") and callable(subclass.get_next)) or NotImplemented

    @abc.abstractmethod
    def get_next(self):
        """The next sample, a dictionary {input: array}; None when there is none left."""
        raise NotImplementedError

    def __iter__(self):
        return self

    def __next__(self):
        sample = self.get_next()
        if sample is None:
            raise StopIteration
        return sample

    def __len__(self):
        raise NotImplementedError

    def set_range(self, start_index, end_index):
        """For readers of a part of a set of samples."""
        raise NotImplementedError


class TensorData:
    """What is known of one value: `lowest` and `highest`; of a distribution `avg` and `std`, too. NumPy numbers, given by these names."""

    _floats = ("avg", "std", "lowest", "highest", "hist_edges")
    _allowed = frozenset((*_floats, "hist", "bins"))

    def __init__(self, **kwargs):
        self._attrs = list(kwargs)
        for name, value in kwargs.items():
            if name not in self._allowed:
                raise ValueError(f"Unexpected value {name!r} not in {sorted(self._allowed)}.")
            if name in self._floats and getattr(value, "dtype", None) not in (np.float16, np.float32):
                raise ValueError(f"Unexpected type of {name!r}: expected NumPy's float32 or float16, found {getattr(value, 'dtype', type(value))}")
            setattr(self, name, value)

    @property
    def range_value(self):
        """(lowest, highest)"""
        return self.lowest, self.highest

    @property
    def avg_std(self):
        """(mean, standard deviation)"""
        return self.avg, self.std

    def to_dict(self):
        """What it was made with, and the name of its class."""
        return {**{name: getattr(self, name) for name in self._attrs}, "CLS": type(self).__name__}

    @classmethod
    def from_dict(cls, d):
        """What to_dict gave, or JSON of it."""
        def value(name, x):
            if isinstance(x, dict):
                return np.array(x["data"], np.dtype(x["dtype"]))
            return np.float32(x) if name in cls._floats and isinstance(x, (int, float)) else x
        return cls(**{name: value(name, x) for name, x in d.items() if name != "CLS"})

    def __repr__(self):
        return f"TensorData({', '.join(f'{name}={getattr(self, name)}' for name in self._attrs)})"


class TensorsData:
    """Ranges by name of value, which can be saved and given to quantize_static again: TensorData, or pairs (lowest, highest)."""

    def __init__(self, calibration_method, data):
        self.calibration_method, self.data = calibration_method, {}
        for name, what in data.items():
            if not isinstance(name, str):
                raise TypeError(f"Keys must be strings not {type(name)}.")
            if isinstance(what, tuple) and len(what) in (2, 4):
                what = TensorData(**dict(zip(("lowest", "highest", "hist", "bins"), what)))
            if not isinstance(what, TensorData):
                raise TypeError(f"Values must be TensorData not {type(what)}.")
            self.data[name] = what

    def __iter__(self):
        return iter(self.data)

    def __len__(self):
        return len(self.data)

    def __contains__(self, key):
        return key in self.data

    def __getitem__(self, key):
        return self.data[key]

    def __setitem__(self, key, value):
        if key not in self.data:
            raise RuntimeError(f"Only an existing tensor can be modified, {key!r} is not.")
        self.data[key] = value

    def keys(self):
        """Names of values."""
        return self.data.keys()

    def values(self):
        """What is known of each."""
        return self.data.values()

    def items(self):
        """(name, what is known of it) of each."""
        return self.data.items()

    def to_dict(self):
        """The data and the method by which they were found."""
        return {"CLS": type(self).__name__, "data": self.data, "calibration_method": self.calibration_method}

    @classmethod
    def from_dict(cls, d):
        """What to_dict gave, or JSON of it."""
        method = d["calibration_method"]
        if isinstance(method, dict):
            method = CalibrationMethod[method["value"].split(".")[-1]]
        return cls(method, {name: TensorData.from_dict(what) for name, what in d["data"].items()})

    def json(self):
        """The ranges as the library reads them: {name: [lowest, highest]}."""
        ranges = {name: [float(np.asarray(end)) for end in what.range_value] for name, what in self.items()}
        for name, ends in ranges.items():
            if not np.isfinite(ends).all():
                raise ValueError(f"the range of {name!r} is {ends}: expected two finite numbers")
        return json.dumps(ranges)

    @classmethod
    def from_json(cls, text, calibration_method=CalibrationMethod.MinMax):
        """The ranges of such a text; mean and standard deviation may stand behind them."""
        names = ("lowest", "highest", "avg", "std")
        return cls(calibration_method, {name: TensorData(**dict(zip(names, map(np.float32, what)))) for name, what in json.loads(text).items()})

    def save(self, path):
        """Writes them as JSON, as save_tensors_data does."""
        save_tensors_data(self, path)

    @classmethod
    def load(cls, path):
        """Reads what save wrote."""
        return load_tensors_data(path)


class CalibrationCacheEncoder(json.JSONEncoder):
    """TensorsData as JSON."""

    def default(self, o):
        if isinstance(o, (TensorData, TensorsData)):
            return o.to_dict()
        if isinstance(o, CalibrationMethod):
            return {"CLS": type(o).__name__, "value": str(o)}
        if isinstance(o, (np.ndarray, np.generic)):
            return {"CLS": "numpy.array", "dtype": str(o.dtype), "data": o.tolist()}
        return super().default(o)


def save_tensors_data(tensors_data, path, *, smooth_quant=False):
    """Writes ranges as JSON, to a file beside it first, so that nobody reads half of it."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        half.write_text(json.dumps({**tensors_data.to_dict(), "smooth_quant": smooth_quant}, cls=CalibrationCacheEncoder))
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def load_tensors_data(path):
    """Reads what save_tensors_data wrote."""
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"Calibration cache not found: {path}")
    if not path.is_file():
        raise ValueError(f"Calibration cache path is not a file: {path}")
    return TensorsData.from_dict(json.loads(path.read_text()))


def samples_of(reader):
    """The samples of a reader, or of any iterable of dictionaries."""
    if hasattr(reader, "get_next"):
        sample = reader.get_next()
        while sample is not None:
            yield sample
            sample = reader.get_next()
    else:
        for sample in reader:
            if not hasattr(sample, "keys"):
                raise TypeError(f"a sample is a {type(sample).__name__}; expected a dictionary of inputs by name")
            yield sample


def counted(samples, progress, before=0):
    """The samples, while their number goes to `progress`: a function of it; True prints it."""
    count = before
    for count, sample in enumerate(samples, before + 1):
        yield sample
        if callable(progress):
            progress(count)
        elif progress:
            print(f"\rsample {count}", end="", flush=True)
    if count == before:
        raise ValueError("No data is collected: the reader gave no sample")
    if progress and not callable(progress):
        print()


def copy_of(sample):
    """A sample that stays as it is, whatever its reader does with its arrays."""
    return {name: array.copy() if isinstance(array, np.ndarray) else array for name, array in sample.items()}


def widened(ranges, symmetric=False, least=None):
    """TensorsData with ranges as wide on both sides of 0, where `symmetric` says so, and at least so wide."""
    for data in ranges.values() if symmetric or least else ():
        if symmetric:
            data.highest = max(abs(data.lowest), abs(data.highest))
            data.lowest = -data.highest
        data.highest = max(data.highest, np.float32(data.lowest + np.float32(least or 0)))
    return ranges


def only_cpu(providers):
    """Refuses other providers than the library's own: values are looked at in its memory."""
    others = [p for p in providers or () if (p if isinstance(p, str) else p[0]) != "CPUExecutionProvider"]
    if others:
        raise NotImplementedError(f"calibration runs on the CPUExecutionProvider, not on {others}")


METHODS = {method: method.name.lower() for method in CalibrationMethod}


class CalibraterBase:
    """Measures ranges step by step, with onnxruntime's names: collect_data as often as wanted, then compute_data.

    :param op_types_to_calibrate, augmented_model_path, use_external_data_format: taken, and not needed: the library watches the values that
        operators of integers could read, and writes no model for it
    :param symmetric: ranges are made as wide on both sides of 0
    """

    method = CalibrationMethod.MinMax
    percentile = 99.999

    def __init__(self, model_path, op_types_to_calibrate=None, augmented_model_path="augmented_model.onnx", symmetric=False,
                 use_external_data_format=False, per_channel=False):
        if not isinstance(model_path, (str, os.PathLike)):
            raise ValueError("model_path should be model path.")
        if per_channel:
            raise NotImplementedError("ranges of values are measured for whole tensors, not by channel")
        self.model, self.op_types_to_calibrate, self.symmetric = os.fspath(model_path), op_types_to_calibrate, symmetric
        self.augmented_model_path, self.use_external_data_format = augmented_model_path, use_external_data_format
        self.per_channel, self.execution_providers = per_channel, ["CPUExecutionProvider"]
        self._native, self.samples = None, 0

    def set_execution_providers(self, execution_providers=("CPUExecutionProvider",)):
        """Providers for the session: the CPU's."""
        only_cpu(execution_providers)
        self.execution_providers = list(execution_providers)
        self.create_inference_session()

    def augment_graph(self):
        """Nothing: the session shows its values without another model."""

    def create_inference_session(self):
        """Loads the model; what was collected before is dropped."""
        self._native, self.samples = _native.calibration(self.model, SessionOptions()._native), 0

    clear_collected_data = create_inference_session

    def collect_data(self, data_reader, progress=None):
        """Runs the model on all samples of a reader.

        :param progress: a function of the number of samples so far; True prints it
        """
        if self._native is None:
            self.create_inference_session()
        for sample in counted(samples_of(data_reader), progress, self.samples):
            _native.calibrate(self._native, dict(sample))
            self.samples += 1

    def compute_data(self):
        """The ranges so far: TensorsData."""
        ranges = TensorsData.from_json(_native.ranges(self._native, METHODS[self.method], self.percentile), self.method)
        return widened(ranges, self.symmetric)


class MinMaxCalibrater(CalibraterBase):
    """The least and the greatest number that a value took.

    :param moving_average, averaging_constant, max_intermediate_outputs: the average of ranges is not made; memory needs no bound
    """

    def __init__(self, model_path, op_types_to_calibrate=None, augmented_model_path="augmented_model.onnx", symmetric=False,
                 use_external_data_format=False, moving_average=False, averaging_constant=0.01, max_intermediate_outputs=None,
                 per_channel=False):
        super().__init__(model_path, op_types_to_calibrate, augmented_model_path, symmetric, use_external_data_format, per_channel)
        if moving_average:
            raise NotImplementedError("moving_average: ranges are those of all samples")
        self.moving_average, self.averaging_constant, self.max_intermediate_outputs = moving_average, averaging_constant, max_intermediate_outputs


class HistogramCalibrater(CalibraterBase):
    """Ranges from histograms, which have 2048 bins around zero whatever `num_bins` says.

    :param method: "entropy", "percentile" or "distribution"
    :param percentile: per cent of the numbers that stay inside
    """

    def __init__(self, model_path, op_types_to_calibrate=None, augmented_model_path="augmented_model.onnx", use_external_data_format=False,
                 method="percentile", symmetric=False, num_bins=128, num_quantized_bins=2048, percentile=99.999, scenario="same"):
        super().__init__(model_path, op_types_to_calibrate, augmented_model_path, symmetric, use_external_data_format)
        by_name = {name: method for method, name in METHODS.items() if method is not CalibrationMethod.MinMax}
        if method not in by_name:
            raise ValueError(f"Invalid calibration method: {method!r}; expected one of {', '.join(by_name)}")
        if not 0 < percentile <= 100:
            raise ValueError("Invalid percentile. Must be in range 0 < percentile <= 100.")
        if scenario != "same":
            raise NotImplementedError("scenario: distributions are those of the numbers themselves")
        self.method, self.percentile, self.scenario = by_name[method], percentile, scenario
        self.num_bins, self.num_quantized_bins = num_bins, num_quantized_bins


class EntropyCalibrater(HistogramCalibrater):
    """Ranges around zero, where the integers keep most of the distribution."""

    def __init__(self, model_path, op_types_to_calibrate=None, augmented_model_path="augmented_model.onnx", use_external_data_format=False,
                 method="entropy", symmetric=False, num_bins=128, num_quantized_bins=128):
        super().__init__(model_path, op_types_to_calibrate, augmented_model_path, use_external_data_format, method, symmetric, num_bins,
                         num_quantized_bins)


class PercentileCalibrater(HistogramCalibrater):
    """Ranges without the little that is cut off at both ends."""

    def __init__(self, model_path, op_types_to_calibrate=None, augmented_model_path="augmented_model.onnx", use_external_data_format=False,
                 method="percentile", symmetric=False, num_bins=2048, percentile=99.999):
        super().__init__(model_path, op_types_to_calibrate, augmented_model_path, use_external_data_format, method, symmetric, num_bins,
                         percentile=percentile)


class DistributionCalibrater(HistogramCalibrater):
    """Mean and standard deviation of every value, with the least and the greatest number."""

    def __init__(self, model_path, op_types_to_calibrate=None, augmented_model_path="augmented_model.onnx", use_external_data_format=False,
                 method="distribution", num_bins=128, scenario="same"):
        super().__init__(model_path, op_types_to_calibrate, augmented_model_path, use_external_data_format, method, num_bins=num_bins,
                         scenario=scenario)


_CALIBRATERS = {CalibrationMethod.MinMax: MinMaxCalibrater, CalibrationMethod.Entropy: EntropyCalibrater,
                CalibrationMethod.Percentile: PercentileCalibrater, CalibrationMethod.Distribution: DistributionCalibrater}


def create_calibrator(model, op_types_to_calibrate=None, augmented_model_path="augmented_model.onnx", calibrate_method=CalibrationMethod.MinMax,
                      use_external_data_format=False, providers=None, extra_options=None):
    """A calibrater that is ready to collect.

    :param extra_options: arguments of its class, `symmetric` and `percentile` for instance
    """
    if calibrate_method not in _CALIBRATERS:
        raise ValueError(f"Unsupported calibration method {calibrate_method}")
    made = _CALIBRATERS[calibrate_method](model, op_types_to_calibrate, augmented_model_path,
                                          use_external_data_format=use_external_data_format, **(extra_options or {}))
    made.set_execution_providers(providers or ("CPUExecutionProvider",))
    return made


def calibrate(model, samples, method=CalibrationMethod.MinMax, percentile=99.999, progress=None, session_options=None):
    """Runs a model on samples and gives the ranges of its values.

    :param model: a path
    :param samples: a CalibrationDataReader, or an iterable of dictionaries {input: array}
    :param percentile: per cent of the numbers that stay inside, for CalibrationMethod.Percentile
    :param progress: a function that is called with the number of samples after each of them; True prints it
    :returns: TensorsData
    :raises InvalidArgument: a value became infinite or NaN; names it and the sample
    """
    made = CalibraterBase(model)
    made.method, made.percentile = method, percentile
    made._native = _native.calibration(made.model, (session_options or SessionOptions())._native)
    made.collect_data(samples, progress)
    return made.compute_data()


class _Callable(types.ModuleType):
    """The module is onnxruntime's, the function ours: quantization.calibrate is both."""

    __call__ = staticmethod(calibrate)


sys.modules[__name__].__class__ = _Callable
