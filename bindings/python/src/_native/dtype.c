// SPDX-License-Identifier: MIT
/* NumPy's element types and ONNX's. The ones that NumPy lacks are those of the package ml_dtypes, which is looked for when one
 * is met. */
#include "native.h"
#include "numpy_api.h"
#include "dtype.h"

static const struct {
  int numpy;
  ONNXTensorElementDataType onnx;
} plain[] = {{NPY_FLOAT, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},     {NPY_DOUBLE, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
             {NPY_INT64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},     {NPY_INT32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
             {NPY_UINT8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},     {NPY_INT8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},
             {NPY_BOOL, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},       {NPY_HALF, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
             {NPY_UINT16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},   {NPY_INT16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
             {NPY_UINT32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},   {NPY_UINT64, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64},
             {NPY_CFLOAT, ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX64}, {NPY_CDOUBLE, ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX128},
             {NPY_OBJECT, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING},   {NPY_UNICODE, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING},
             {NPY_STRING, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING},   {2056 /* NPY_VSTRING */, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING}};
static const struct {
  const char *name;
  ONNXTensorElementDataType onnx;
} extended[] = {{"bfloat16", ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
                {"float8_e4m3fn", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FN},
                {"float8_e4m3fnuz", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FNUZ},
                {"float8_e5m2", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2},
                {"float8_e5m2fnuz", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2FNUZ},
                {"float8_e8m0fnu", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E8M0},
                {"uint4", ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT4},
                {"int4", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4},
                {"float4_e2m1fn", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT4E2M1},
                {"uint2", ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT2},
                {"int2", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT2},
                {"float6_e2m3fn", SX_ELEMENT_FLOAT6E2M3},
                {"float6_e3m2fn", SX_ELEMENT_FLOAT6E3M2}};
enum { N_PLAIN = sizeof plain / sizeof *plain, N_EXTENDED = sizeof extended / sizeof *extended };

static ONNXTensorElementDataType element_of_name(PyObject *dtype) {
  ONNXTensorElementDataType found = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  PyObject *name = PyObject_GetAttrString(dtype, "name");
  for (int i = 0; name && i < N_EXTENDED; i++)
    if (PyUnicode_CompareWithASCIIString(name, extended[i].name) == 0) found = extended[i].onnx;
  Py_XDECREF(name);
  if (found == ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED && !PyErr_Occurred())
    PyErr_Format(PyExc_RuntimeError, "ONNX has no element type for arrays of dtype %S", dtype);
  return found;
}

ONNXTensorElementDataType element_of_dtype(PyObject *dtype) {
  int number = ((PyArray_Descr *)dtype)->type_num;
  if (number == NPY_LONGLONG) return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
  if (number == NPY_ULONGLONG) return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64;
  for (int i = 0; i < N_PLAIN; i++)
    if (plain[i].numpy == number) return plain[i].onnx;
  return element_of_name(dtype);
}

PyArray_Descr *dtype_of_element(ONNXTensorElementDataType type) {
  for (int i = 0; i < N_PLAIN; i++)
    if (plain[i].onnx == type) return PyArray_DescrFromType(plain[i].numpy);
  for (int i = 0; i < N_EXTENDED; i++)
    if (extended[i].onnx == type) {
      PyObject *module = PyImport_ImportModule("ml_dtypes");
      PyObject *scalar = module ? PyObject_GetAttrString(module, extended[i].name) : NULL;
      PyArray_Descr *descr = NULL;
      if (scalar)
        PyArray_DescrConverter(scalar, &descr);
      else {
        PyErr_Clear();
        PyErr_Format(PyExc_RuntimeError, "NumPy has no type for tensor(%s): install the package ml_dtypes, or read the OrtValue",
                     element_name(type));
      }
      Py_XDECREF(module), Py_XDECREF(scalar);
      return descr;
    }
  PyErr_Format(PyExc_RuntimeError, "NumPy has no type for tensor(%s)", element_name(type));
  return NULL;
}
