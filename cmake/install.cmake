# SPDX-License-Identifier: MIT
# `cmake --install`: the library, the program and the headers. ONNX Runtime's name is never installed: it is opt-in, build/ort/.
include(GNUInstallDirs)
if(TARGET sardonyx)
  install(TARGETS sardonyx RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(TARGETS sardonyx_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET sardonyx_cli)
  install(TARGETS sardonyx_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
file(GLOB SX_PUBLIC CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/*.h)
install(FILES ${SX_PUBLIC} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sardonyx)
