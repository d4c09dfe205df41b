// SPDX-License-Identifier: MIT
/* Between NumPy's element types and ONNX's; needs numpy_api.h before it. */
#ifndef SARDONYX_DTYPE_H
#define SARDONYX_DTYPE_H
/* A new reference; bool, numbers, strings as objects, and ml_dtypes' types where that package is. */
PyArray_Descr *dtype_of_element(ONNXTensorElementDataType type);
#endif
