# SPDX-License-Identifier: GPL-2.0-or-later
# A module uses the program's copy of the library, in which its types and commands are registered. These two functions
# are installed with the package; this project also uses them for qomiod and its own modules.

# Sets VARIABLE to whether the library is libqomio.so, which a program and its modules share.
function(_qomio_is_shared variable)
  set(type "")
  if(TARGET qomio::qomio)  # not with find_package(qomio COMPONENTS object)
    get_target_property(type qomio::qomio TYPE)
  endif()
  string(COMPARE EQUAL "${type}" SHARED_LIBRARY shared)
  set(${variable} ${shared} PARENT_SCOPE)
endfunction()

# qomio_add_module(NAME SOURCE...) — adds a module, NAME.so; the program that loads it provides the library's symbols.
function(qomio_add_module name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "")
  target_compile_features(${name} PRIVATE cxx_std_23)
  _qomio_is_shared(shared)
  if(shared)
    target_link_libraries(${name} PRIVATE qomio::qomio)
    return()
  endif()
  foreach(part qapi object iothread)
    if(TARGET qomio::${part})
      target_include_directories(${name} PRIVATE $<TARGET_PROPERTY:qomio::${part},INTERFACE_INCLUDE_DIRECTORIES>)
    endif()
  endforeach()
  target_link_libraries(${name} PRIVATE nlohmann_json::nlohmann_json)
endfunction()

# qomio_loads_modules(PROGRAM) — makes the program export the whole library to modules, including the parts that it does
# not use itself. Link the program with qomio::qomio or qomio::object as usual.
function(qomio_loads_modules program)
  _qomio_is_shared(shared)
  if(shared)
    return()
  endif()
  set_target_properties(
    ${program} PROPERTIES
    ENABLE_EXPORTS ON
    LINK_LIBRARY_OVERRIDE
    "WHOLE_ARCHIVE,qomio_qapi,qomio_object,qomio_iothread,qomio::qapi,qomio::object,qomio::iothread")
endfunction()
