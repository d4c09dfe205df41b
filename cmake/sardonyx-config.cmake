# SPDX-License-Identifier: MIT
# find_package(sardonyx): the target sardonyx::sardonyx, from wherever this file was installed to.
if(NOT TARGET sardonyx::sardonyx)
  get_filename_component(SX_LIBRARIES "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
  find_library(SX_LIBRARY NAMES sardonyx PATHS "${SX_LIBRARIES}" NO_DEFAULT_PATH NO_CACHE)
  find_path(SX_HEADERS sardonyx.h PATHS "${SX_LIBRARIES}/../include" "${SX_LIBRARIES}/../../include" NO_DEFAULT_PATH NO_CACHE)
  if(NOT SX_LIBRARY OR NOT SX_HEADERS)
    set(sardonyx_FOUND FALSE)
    return()
  endif()
  add_library(sardonyx::sardonyx UNKNOWN IMPORTED)
  set_target_properties(sardonyx::sardonyx PROPERTIES IMPORTED_LOCATION "${SX_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${SX_HEADERS}")
endif()
