# SPDX-License-Identifier: MIT
# `cmake --install`: the library, the program, the headers, what pkg-config and find_package ask for, and the licence. ONNX Runtime's name is never installed: it is opt-in, build/ort/.
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
install(FILES ${SX_PUBLIC} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}) # <sardonyx.h>, <onnxruntime_c_api.h>
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(RELATIVE_PATH SX_UP /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/sardonyx.pc.in ${CMAKE_BINARY_DIR}/sardonyx.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/sardonyx.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/sardonyx-config.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sardonyx)
