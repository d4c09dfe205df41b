# SPDX-License-Identifier: MIT
# Programs as a user would write them: the public headers and the shared library. c_client is linked to the library under ONNX
# Runtime's name, so that it runs over that one too; custom_op and sample_provider link to nothing. (cpp_client needs ONNX Runtime's C++ headers.)
if(TARGET sardonyx AND NOT WIN32 AND EXISTS ${CMAKE_SOURCE_DIR}/include/onnxruntime_c_api.h)
  add_executable(digits ${CMAKE_SOURCE_DIR}/examples/digits/demo.c)
  target_include_directories(digits PRIVATE ${CMAKE_SOURCE_DIR}/include)
  target_compile_definitions(digits PRIVATE DIGITS_FOLDER="${CMAKE_SOURCE_DIR}/examples/digits")
  target_link_libraries(digits PRIVATE sardonyx sx_flags)

  add_executable(c_client ${CMAKE_SOURCE_DIR}/examples/c_client/client.c)
  target_link_libraries(c_client PRIVATE sardonyx_as_onnxruntime sx_flags)
  set(SX_EXAMPLE_MODULES custom_op sample_provider)
  add_library(custom_op MODULE ${CMAKE_SOURCE_DIR}/examples/custom_op/custom_op.c)
  add_library(sample_provider MODULE ${CMAKE_SOURCE_DIR}/examples/plugin_provider/provider.c)
  foreach(module IN LISTS SX_EXAMPLE_MODULES)
    target_include_directories(${module} PRIVATE ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(${module} PRIVATE sx_flags)
  endforeach()
  set_target_properties(c_client ${SX_EXAMPLE_MODULES} PROPERTIES C_VISIBILITY_PRESET hidden
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/examples LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/examples)
endif()
