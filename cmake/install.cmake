# SPDX-License-Identifier: GPL-2.0-or-later
# `cmake --install`: headers, libraries, programs, find_package(qomio) and pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The targets without loops are a set of their own, so that find_package(qomio COMPONENTS object) needs no package that
# only loops need. A shared build has one library, so there all targets are in this set.
if(BUILD_SHARED_LIBS)
  install(TARGETS qomio_shared_qapi qomio_shared_object qomio_shared_iothread qomio_all EXPORT qomio-object
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
else()
  install(TARGETS qomio_qapi qomio_object EXPORT qomio-object ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS qomio_iothread qomio_all EXPORT qomio-iothread ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

foreach(folder qapi object iothread)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.h)
  install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qomio/${folder})
endforeach()
# The internal headers that public headers include; not for direct use.
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/internal_headers.txt internal_headers REGEX "^[a-z]")
foreach(header ${internal_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qomio/${folder})
endforeach()
file(GLOB umbrella CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/qomio.h)
install(FILES ${umbrella} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qomio)

if(TARGET qomctl)
  install(TARGETS qomctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET qomiod)
  install(TARGETS qomiod RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Manual pages, if scdoc is installed, and shell completion.
find_program(SCDOC scdoc)
if(SCDOC)
  foreach(program qomctl qomiod)
    if(TARGET ${program})
      set(page ${PROJECT_BINARY_DIR}/man/${program}.1)
      add_custom_command(OUTPUT ${page} COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/man
                         COMMAND sh -c "'${SCDOC}' <'${PROJECT_SOURCE_DIR}/docs/${program}.1.scd' >'${page}'"
                         DEPENDS ${PROJECT_SOURCE_DIR}/docs/${program}.1.scd VERBATIM)
      add_custom_target(${program}_man DEPENDS ${page})
      add_dependencies(${program} ${program}_man)  # so that the page exists when the program is installed
      install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    endif()
  endforeach()
else()
  message(STATUS "scdoc not found: no manual pages")
endif()
if(TARGET qomiod)
  install(FILES ${PROJECT_SOURCE_DIR}/tools/completion/qomiod DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/qomio)
install(EXPORT qomio-object NAMESPACE qomio:: DESTINATION ${package_dir})
if(NOT BUILD_SHARED_LIBS)
  install(EXPORT qomio-iothread NAMESPACE qomio:: DESTINATION ${package_dir})
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/qomio-config.cmake.in
                              ${PROJECT_BINARY_DIR}/qomio-config.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/qomio-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/qomio-config.cmake ${PROJECT_BINARY_DIR}/qomio-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/qomio-modules.cmake
        DESTINATION ${package_dir})

# A program that links the static libraries must also link the libraries that these need.
if(BUILD_SHARED_LIBS)
  set(QOMIO_PC_LIBS "-lqomio")
  set(QOMIO_PC_REQUIRES "glib-2.0 nlohmann_json")
  set(QOMIO_PC_REQUIRES_PRIVATE "")
else()
  set(QOMIO_PC_LIBS "-lqomio_iothread -lqomio_object -lqomio_qapi")
  set(QOMIO_PC_REQUIRES "glib-2.0 nlohmann_json liburcu liburing")
  set(QOMIO_PC_REQUIRES_PRIVATE "")
endif()
# The paths in the file are relative to its own folder, so that an installed tree can be moved.
file(RELATIVE_PATH QOMIO_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/qomio.pc.in ${PROJECT_BINARY_DIR}/qomio.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/qomio.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
