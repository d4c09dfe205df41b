# SPDX-License-Identifier: MIT
# The program: the public headers and libc, no library of ours. It opens libsardonyx at run time.
if(WIN32)
  list(FILTER SX_CLI EXCLUDE REGEX "_posix\\.c$")
else()
  list(FILTER SX_CLI EXCLUDE REGEX "_win\\.c$")
endif()
add_executable(sardonyx_cli ${SX_CLI})
set_target_properties(sardonyx_cli PROPERTIES OUTPUT_NAME sardonyx)
target_include_directories(sardonyx_cli PRIVATE ${CMAKE_SOURCE_DIR}/include)
target_link_libraries(sardonyx_cli PRIVATE sx_flags m Threads::Threads ${CMAKE_DL_LIBS})
add_dependencies(sardonyx_cli sardonyx)
