# SPDX-License-Identifier: MIT
# Smaller libraries, each from a list of operators (docs/REDUCED.md): -DSX_OPS="a.txt;b.txt" gives the targets reduced_a, reduced_b
# and the folders reduced/a, reduced/b in the build tree, each with a shared and a static library. A reduced library is made of the
# same objects as the full one, but for the two tables, and the linker leaves out what no row of theirs refers to.
set(SX_OPS "" CACHE STRING "Lists of operators, a smaller library for each")
function(sx_reduced list prefix)
  get_filename_component(list ${list} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
  get_filename_component(name ${list} NAME_WE)
  set(name ${prefix}${name})
  set(folder ${CMAKE_BINARY_DIR}/reduced/${name})
  file(GENERATE OUTPUT ${folder}/rows/objects.txt CONTENT "$<JOIN:$<TARGET_OBJECTS:sx_core>,\n>\n")
  add_custom_command(OUTPUT ${folder}/rows/ops/ops.def ${folder}/rows/ep/cpu/kernels.def
    COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/tools/reduce_ops.py tables ${list} ${folder}/rows ${folder}/rows/objects.txt
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/reduce_ops.py ${list} $<TARGET_OBJECTS:sx_core> VERBATIM)
  add_custom_target(rows_${name} DEPENDS ${folder}/rows/ops/ops.def ${folder}/rows/ep/cpu/kernels.def)
  add_library(tables_${name} OBJECT ${SX_TABLES})
  add_dependencies(tables_${name} rows_${name})
  target_include_directories(tables_${name} BEFORE PRIVATE ${folder}/rows)
  target_compile_definitions(tables_${name} PRIVATE SX_REDUCED="${name}")
  sx_internal(tables_${name})
  sx_shared_library(shared_${name} sardonyx ${folder} tables_${name})
  add_library(static_${name} STATIC $<TARGET_OBJECTS:tables_${name}> ${SX_REST})
  set_target_properties(static_${name} PROPERTIES OUTPUT_NAME sardonyx ARCHIVE_OUTPUT_DIRECTORY ${folder})
  add_custom_target(reduced_${name} DEPENDS shared_${name} static_${name})
  foreach(t tables_${name} shared_${name} static_${name})
    set_target_properties(${t} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endforeach()
endfunction()

file(GLOB SX_OPS_TESTS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/reduced/*.txt)
if(NOT SX_TESTS)
  set(SX_OPS_TESTS)
endif()
find_package(Python3 COMPONENTS Interpreter QUIET)
if(SX_CAN_SHARE AND Python3_FOUND AND CMAKE_SYSTEM_NAME STREQUAL "Linux") # where readelf reads our objects
  foreach(list IN LISTS SX_OPS)
    sx_reduced(${list} "")
  endforeach()
  foreach(list IN LISTS SX_OPS_TESTS)
    sx_reduced(${list} test_)
  endforeach()
elseif(SX_OPS)
  message(FATAL_ERROR "SX_OPS: smaller libraries need Python 3, shared libraries and ELF objects")
endif()
