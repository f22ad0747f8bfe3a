# SPDX-License-Identifier: GPL-2.0-or-later
# Modules and the programs that load them share one copy of the library, which is the program's: it registers what a
# module brings. These two functions are in the package, and build qomiod and the modules of this project as well.

# qomio_add_module(NAME SOURCE...) — a module, NAME.so, whose calls into the library are left to the program that loads it.
function(qomio_add_module name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "")
  target_compile_features(${name} PRIVATE cxx_std_23)
  get_target_property(libraries qomio::qomio TYPE)
  if(libraries STREQUAL "SHARED_LIBRARY")
    target_link_libraries(${name} PRIVATE qomio::qomio)
    return()
  endif()
  foreach(part qapi object iothread)
    target_include_directories(${name} PRIVATE $<TARGET_PROPERTY:qomio::${part},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
  target_link_libraries(${name} PRIVATE nlohmann_json::nlohmann_json)
endfunction()

# qomio_loads_modules(PROGRAM) — the program offers all of the library to modules, also what it does not need itself. It
# is to be linked with qomio::qomio as usual.
function(qomio_loads_modules program)
  get_target_property(libraries qomio::qomio TYPE)
  if(libraries STREQUAL "SHARED_LIBRARY")
    return()  # modules and program share it by itself
  endif()
  set_target_properties(
    ${program} PROPERTIES
    ENABLE_EXPORTS ON
    LINK_LIBRARY_OVERRIDE
    "WHOLE_ARCHIVE,qomio_qapi,qomio_object,qomio_iothread,qomio::qapi,qomio::object,qomio::iothread")
endfunction()
