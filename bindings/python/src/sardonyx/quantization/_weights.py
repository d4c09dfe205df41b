# SPDX-License-Identifier: MIT
"""Weights alone in blocks of few bits, rounded without data or on samples."""
import os

from .. import SessionOptions, _native
from .calibrate import copy_of, counted, samples_of
from ._report import names_of, path_of, quantized


def _flag(value):
    return str(int(bool(value)))


def quantize_weights(model_input, model_output, bits=4, block_size=32, method="rtn", is_symmetric=False, accuracy_level=0,
                     op_types_to_quantize=None, nodes_to_quantize=None, nodes_to_exclude=None, *, op_types_to_exclude=None, samples=None,
                     mse=False, percdamp=0.01, actorder=False, share_scales=False, memory=1024, progress=None, session_options=None, compare=True):
    """Writes a model with the weights of its products in blocks of few bits (MatMulNBits, and GatherBlockQuantized for tables).

    :param bits: 2, 4 or 8
    :param block_size: elements with a scale of their own, a power of two from 16 to 256
    :param method: "rtn" rounds to nearest; "hqq" finds better zero points, without data; "gptq" rounds so that products on samples change
        least
    :param is_symmetric: no zero points
    :param accuracy_level: 0 computes with floats, 4 with integers of 8 bits where the machine is faster with them
    :param samples: for gptq: a CalibrationDataReader, or any iterable of dictionaries {input: array}; one that cannot be read twice is
        copied into memory
    :param mse: for rtn and gptq: ranges of blocks are narrowed to where the error is least
    :param percdamp: for gptq: the share of the mean moment that is added to all of them
    :param actorder: for gptq: elements that meet large values are rounded first
    :param share_scales: for gptq: the rows of a matrix have the scales of their blocks in common
    :param memory: for gptq: MiB that sums over the samples may take; with less than all matrices need there are several passes
    :param progress: for gptq: a function of the number of samples so far; True prints it
    :returns: a QuantizationReport
    """
    settings = {"mode": "nbits", "bits": str(int(bits)), "block_size": str(int(block_size)), "method": str(method).lower(), "mse": _flag(mse),
                "symmetric_weights": _flag(is_symmetric), "accuracy_level": str(int(accuracy_level or 0)), "percdamp": repr(float(percdamp)),
                "actorder": _flag(actorder), "share_scales": _flag(share_scales), "memory": str(int(memory))}
    settings.update(names_of(op_types_to_quantize, nodes_to_quantize, nodes_to_exclude, op_types_to_exclude))
    with path_of(model_input) as path:
        if settings["method"] != "gptq":
            return quantized(path, model_output, settings, None, compare)
        if samples is None:
            raise ValueError('method="gptq" rounds on samples: give samples')
        native = _native.weight_calibration(os.fspath(path), (session_options or SessionOptions())._native, settings)
        first = _feed(native, samples, progress)
        return quantized(path, model_output, settings, first, compare,
                         lambda sample: _native.quantize_calibrated(native, os.fspath(model_output), sample))


def _feed(native, samples, progress):
    """All passes over the samples; gives the first of them. What cannot be read twice (a reader, a generator) is copied as it is read."""
    once = hasattr(samples, "get_next") or iter(samples) is samples
    kept, count, more = [], 0, True
    while more:
        reading = not (once and kept)
        for sample in counted(samples_of(samples) if reading else kept, progress, count):
            if reading and (once or not kept):
                kept.append(copy_of(sample))
            _native.calibrate(native, dict(sample))
            count += 1
        more = _native.calibration_pass(native)
    return kept[0]
