# SPDX-License-Identifier: MIT
"""Ranges that the values of a model take, measured on samples. Only their statistics stay in memory, however many samples there are."""
import abc
import enum
import json
import os
import pathlib

import numpy as np

from .. import SessionOptions, _native


class CalibrationMethod(enum.Enum):
    """How a range follows from what was seen."""

    MinMax = 0  #: the least and the greatest number
    Entropy = 1  #: around zero, where the integers keep most of the distribution
    Percentile = 2  #: what is left when a little is cut off at both ends
    Distribution = 3  #: for eight-bit floats, which static quantisation does not make here


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
    """The range of one value: `.range_value` is (lowest, highest)."""

    def __init__(self, lowest, highest):
        self.lowest, self.highest = np.float32(lowest), np.float32(highest)

    @property
    def range_value(self):
        return self.lowest, self.highest

    def __repr__(self):
        return f"TensorData(lowest={self.lowest:g}, highest={self.highest:g})"


class TensorsData(dict):
    """Ranges by name of value: a dictionary of TensorData, which can be saved and given to quantize_static again."""

    @property
    def data(self):
        return self

    def json(self):
        """The ranges as JSON: {name: [lowest, highest]}."""
        return json.dumps({name: [float(d.lowest), float(d.highest)] for name, d in self.items()})

    def save(self, path):
        """Writes the ranges as JSON."""
        pathlib.Path(path).write_text(self.json())

    @classmethod
    def load(cls, path):
        """Reads what save wrote."""
        return cls.from_json(pathlib.Path(path).read_text())

    @classmethod
    def from_json(cls, text):
        """The ranges of such a text."""
        return cls({name: TensorData(*both) for name, both in json.loads(text).items()})


def samples_of(reader):
    """The samples of a reader, or of any iterable of dictionaries."""
    if hasattr(reader, "get_next"):
        sample = reader.get_next()
        while sample is not None:
            yield sample
            sample = reader.get_next()
    else:
        yield from reader


METHODS = {CalibrationMethod.MinMax: "minmax", CalibrationMethod.Entropy: "entropy", CalibrationMethod.Percentile: "percentile"}


def calibrate(model, samples, method=CalibrationMethod.MinMax, percentile=99.999, progress=None, session_options=None):
    """Runs a model on samples and gives the ranges of its values.

    :param model: a path
    :param samples: a CalibrationDataReader, or an iterable of dictionaries {input: array}
    :param percentile: per cent of the numbers that stay inside, for CalibrationMethod.Percentile
    :param progress: a function that is called with the number of samples after each of them; True prints it
    :returns: TensorsData
    :raises InvalidArgument: a value became infinite or NaN; names it and the sample
    """
    if method not in METHODS:
        raise ValueError(f"calibrating by {method} is not there; expected one of {', '.join(m.name for m in METHODS)}")
    native = _native.calibration(os.fspath(model), (session_options or SessionOptions())._native)
    count = 0
    for sample in samples_of(samples):
        _native.calibrate(native, dict(sample))
        count += 1
        if callable(progress):
            progress(count)
        elif progress:
            print(f"\rsample {count}", end="", flush=True)
    if progress and not callable(progress):
        print()
    if not count:
        raise ValueError("No data is collected: the reader gave no sample")
    return TensorsData.from_json(_native.ranges(native, METHODS[method], percentile))
