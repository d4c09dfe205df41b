// SPDX-License-Identifier: MIT
/* NumPy's C interface for the files that make arrays; array.c imports it for all. */
#ifndef SARDONYX_NUMPY_API_H
#define SARDONYX_NUMPY_API_H
#define NPY_NO_DEPRECATED_API NPY_1_20_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL sardonyx_numpy
#ifndef SARDONYX_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
#endif
