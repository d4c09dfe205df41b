# SPDX-License-Identifier: MIT
# `cmake --install`: the library, the program, the headers, what pkg-config and find_package ask for, the licence and the papers;
# and `cpack`, which makes a tarball and a Debian package of the same.
#
# ONNX Runtime's name is never put where a system looks for libraries. What wants to be built or run under it finds the second
# library in lib/sardonyx, and its headers in include/sardonyx, by pkg-config (libonnxruntime) and by find_package(onnxruntime).
include(GNUInstallDirs)
set(SX_AS_ORT ${CMAKE_INSTALL_LIBDIR}/sardonyx)
set(SX_ORT_HEADERS ${CMAKE_INSTALL_INCLUDEDIR}/sardonyx)
if(TARGET sardonyx)
  install(TARGETS sardonyx RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS sardonyx_as_onnxruntime RUNTIME DESTINATION ${SX_AS_ORT} LIBRARY DESTINATION ${SX_AS_ORT}
    ARCHIVE DESTINATION ${SX_AS_ORT})
endif()
install(TARGETS sardonyx_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET sardonyx_cli)
  install(TARGETS sardonyx_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
file(GLOB SX_PUBLIC CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/*.h)
install(FILES ${SX_PUBLIC} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}) # <sardonyx.h>, <onnxruntime_c_api.h>
list(FILTER SX_PUBLIC EXCLUDE REGEX "/sardonyx\\.h$")
install(FILES ${SX_PUBLIC} DESTINATION ${SX_ORT_HEADERS}/onnxruntime) # <onnxruntime/onnxruntime_c_api.h>, and without the folder
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(GLOB SX_PAPERS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.md)
install(FILES ${SX_PAPERS} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES ${CMAKE_SOURCE_DIR}/CONTRIBUTING.md DESTINATION ${CMAKE_INSTALL_DOCDIR}) # these lead to each other
install(FILES ${CMAKE_SOURCE_DIR}/bindings/python/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/bindings/python)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

file(RELATIVE_PATH SX_UP /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
include(CMakePackageConfigHelpers)
foreach(name sardonyx onnxruntime)
  set(pc ${name})
  if(name STREQUAL "onnxruntime")
    set(pc libonnxruntime) # the name that ONNX Runtime gives it
  endif()
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${pc}.pc.in ${CMAKE_BINARY_DIR}/${pc}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${pc}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/${name}-config-version.cmake COMPATIBILITY SameMajorVersion)
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/${name}-config.cmake ${CMAKE_BINARY_DIR}/${name}-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/${name})
endforeach()

set(CPACK_PACKAGE_NAME sardonyx)
set(CPACK_PACKAGE_VENDOR sardonyx)
set(CPACK_PACKAGE_CONTACT "the authors of sardonyx <authors@sardonyx.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "runs ONNX models behind ONNX Runtime's C interface")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGE_FILE_NAME sardonyx-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
string(TOLOWER ${CPACK_PACKAGE_FILE_NAME} CPACK_PACKAGE_FILE_NAME)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR TGZ)
find_program(DPKG_DEB dpkg-deb)
if(DPKG_DEB)
  list(APPEND CPACK_GENERATOR DEB)
endif()
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
if(DPKG_SHLIBDEPS)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
else()
  set(CPACK_DEBIAN_PACKAGE_DEPENDS libc6)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF)
include(CPack)
