# SPDX-License-Identifier: MIT
# Programs as a user would write them: the public headers and the shared library.
if(TARGET sardonyx AND NOT WIN32 AND EXISTS ${CMAKE_SOURCE_DIR}/include/onnxruntime_c_api.h)
  add_executable(digits ${CMAKE_SOURCE_DIR}/examples/digits/demo.c)
  target_include_directories(digits PRIVATE ${CMAKE_SOURCE_DIR}/include)
  target_compile_definitions(digits PRIVATE DIGITS_FOLDER="${CMAKE_SOURCE_DIR}/examples/digits")
  target_link_libraries(digits PRIVATE sardonyx sx_flags)
endif()
