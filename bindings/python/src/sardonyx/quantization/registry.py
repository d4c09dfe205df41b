# SPDX-License-Identifier: MIT
"""Which operators are quantised: dictionaries from the name of an operator to the function that does it, one for each form of model.

They are read, not written: rules for operators stand in the library.
"""
import types

from ._quantize import quantize_dynamic, quantize_static


def _registry(names, function):
    return types.MappingProxyType(dict.fromkeys(names.split(), function))


CommonOpsRegistry = _registry("Gather", quantize_dynamic)
IntegerOpsRegistry = _registry("Attention Conv Gather Gemm LSTM MatMul", quantize_dynamic)
QDQRegistry = _registry("Add AveragePool Clip Concat Conv ConvTranspose DepthToSpace Flatten Gather Gemm GlobalAveragePool HardSigmoid LeakyRelu "
                        "MatMul MaxPool Mul Relu Reshape Resize Sigmoid Slice Softmax SpaceToDepth Split Squeeze Transpose Unsqueeze",
                        quantize_static)
QLinearOpsRegistry = QDQRegistry  #: what has no operator on integers keeps its pairs
