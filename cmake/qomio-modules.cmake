# SPDX-License-Identifier: GPL-2.0-or-later
# A module uses the program's copy of the library, in which its types and commands are registered. These two functions
# are installed with the package; this project also uses them for qomiod and its own modules.

# qomio_add_module(NAME SOURCE...) — adds a module, NAME.so; the program that loads it provides the library's symbols.
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

# qomio_loads_modules(PROGRAM) — makes the program export the whole library to modules, including the parts that it does
# not use itself. Link the program with qomio::qomio as usual.
function(qomio_loads_modules program)
  get_target_property(libraries qomio::qomio TYPE)
  if(libraries STREQUAL "SHARED_LIBRARY")
    return()  # the program and its modules share libqomio.so anyway
  endif()
  set_target_properties(
    ${program} PROPERTIES
    ENABLE_EXPORTS ON
    LINK_LIBRARY_OVERRIDE
    "WHOLE_ARCHIVE,qomio_qapi,qomio_object,qomio_iothread,qomio::qapi,qomio::object,qomio::iothread")
endfunction()
