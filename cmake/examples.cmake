# SPDX-License-Identifier: MIT
# Programs as a user would write them: the public headers and the shared library. c_client is linked to the library under ONNX
# Runtime's name, so that it runs over that one too; custom_op links to nothing. (cpp_client needs ONNX Runtime's C++ headers.)
if(TARGET sardonyx AND NOT WIN32 AND EXISTS ${CMAKE_SOURCE_DIR}/include/onnxruntime_c_api.h)
  add_executable(digits ${CMAKE_SOURCE_DIR}/examples/digits/demo.c)
  target_include_directories(digits PRIVATE ${CMAKE_SOURCE_DIR}/include)
  target_compile_definitions(digits PRIVATE DIGITS_FOLDER="${CMAKE_SOURCE_DIR}/examples/digits")
  target_link_libraries(digits PRIVATE sardonyx sx_flags)

  add_executable(c_client ${CMAKE_SOURCE_DIR}/examples/c_client/client.c)
  target_link_libraries(c_client PRIVATE sardonyx_as_onnxruntime sx_flags)
  add_library(custom_op MODULE ${CMAKE_SOURCE_DIR}/examples/custom_op/custom_op.c)
  target_include_directories(custom_op PRIVATE ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(custom_op PRIVATE sx_flags)
  set_target_properties(c_client custom_op PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/examples
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/examples)
endif()
