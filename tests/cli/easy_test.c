// SPDX-License-Identifier: MIT
/* The helpers of sardonyx.h as a small program uses them: y = x + x over (n,3). Arguments: a library and double.onnx. */
#include "sardonyx.h"
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
  float numbers[] = {1, 2, 3, 4, 5, 6};
  SardonyxModel m;
  SardonyxTensor x = {"x", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, 2, {2, 3}, numbers}, y = {"y"};
  void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
  const OrtApiBase *(ORT_API_CALL * get)(void) = library ? dlsym(library, "OrtGetApiBase") : NULL;
  if (!get) return 2;
  OrtStatus *s = SardonyxOpen(&m, get(), argv[2]);
  for (int run = 0; run < 2 && !s; run++) s = SardonyxRun(&m, &x, 1, &y, 1);
  int good = !s && y.rank == 2 && y.dims[0] == 2 && y.dims[1] == 3;
  for (int i = 0; i < 6 && good; i++) good = ((const float *)y.data)[i] == 2 * numbers[i];
  if (s) puts(m.api ? m.api->GetErrorMessage(s) : "the library is too old");
  SardonyxClose(&m, s, &y, 1);
  if (SardonyxBytes(ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4, 3) != 2 ||
      SardonyxBytes(ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, 3) != 24)
    good = 0;
  puts(good ? "ok" : "wrong");
  return !good;
}
