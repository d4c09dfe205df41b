# SPDX-License-Identifier: MIT
# find_package(onnxruntime): the target onnxruntime::onnxruntime, from wherever this file was installed to. It is sardonyx under
# ONNX Runtime's name.
if(NOT TARGET onnxruntime::onnxruntime)
  get_filename_component(SX_LIBRARIES "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
  find_library(SX_ORT_LIBRARY NAMES onnxruntime PATHS "${SX_LIBRARIES}/sardonyx" NO_DEFAULT_PATH NO_CACHE)
  find_path(SX_ORT_HEADERS onnxruntime/onnxruntime_c_api.h NO_DEFAULT_PATH NO_CACHE
    PATHS "${SX_LIBRARIES}/../include/sardonyx" "${SX_LIBRARIES}/../../include/sardonyx")
  if(NOT SX_ORT_LIBRARY OR NOT SX_ORT_HEADERS)
    set(onnxruntime_FOUND FALSE)
    return()
  endif()
  add_library(onnxruntime::onnxruntime SHARED IMPORTED)
  set_target_properties(onnxruntime::onnxruntime PROPERTIES IMPORTED_LOCATION "${SX_ORT_LIBRARY}" IMPORTED_NO_SONAME OFF
    IMPORTED_SONAME libonnxruntime.so.1 INTERFACE_INCLUDE_DIRECTORIES "${SX_ORT_HEADERS};${SX_ORT_HEADERS}/onnxruntime")
  set(onnxruntime_INCLUDE_DIRS "${SX_ORT_HEADERS}" "${SX_ORT_HEADERS}/onnxruntime")
  set(onnxruntime_LIBRARIES onnxruntime::onnxruntime)
endif()
