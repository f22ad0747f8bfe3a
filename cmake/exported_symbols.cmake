# SPDX-License-Identifier: GPL-2.0-or-later
# What the shared library exports: all but what the internal headers declare that are not installed, and what other
# libraries have left in it. Code of templates stays, since programs have copies of their own of it.

# qomio_export_api(TARGET) — writes the linker's version script, and has the target linked with it.
function(qomio_export_api target)
  file(STRINGS ${PROJECT_SOURCE_DIR}/cmake/internal_headers.txt installed REGEX "^[a-z]")
  set(hidden "")
  foreach(folder qapi object iothread)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${folder}/internal/*.h)
    list(REMOVE_ITEM headers ${installed})
    foreach(header ${headers})
      file(STRINGS ${PROJECT_SOURCE_DIR}/${header} lines REGEX "^[A-Za-z]")
      foreach(line ${lines})
        if(line MATCHES "^(class|struct) ([A-Za-z]+)[^;]*{")
          list(APPEND hidden ${CMAKE_MATCH_2})
        elseif(line MATCHES "^[A-Za-z][A-Za-z0-9_:<>,*& ]* [*&]*([a-z0-9_]+)\\(")
          list(APPEND hidden ${CMAKE_MATCH_1})
        elseif(line MATCHES "^(inline|extern) .* [*&]*([A-Za-z0-9_]+)(\\[.*)?( = .*)?;")
          list(APPEND hidden ${CMAKE_MATCH_2})
        endif()
      endforeach()
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES hidden)
  # As demangled; `?` stands for a blank.
  set(patterns "")
  foreach(name ${hidden})
    foreach(scope qomio qomio::internal)
      string(APPEND patterns "      ${scope}::${name};\n      ${scope}::${name}[!A-Za-z0-9_]*;\n"
                             "      vtable?for?${scope}::${name}*;\n      typeinfo*for?${scope}::${name}*;\n")
    endforeach()
  endforeach()
  set(script ${PROJECT_BINARY_DIR}/exported_symbols.map)
  file(CONFIGURE OUTPUT ${script} @ONLY CONTENT "{\n  global: *;\n  local:\n    extern \"C++\" {\n      *fmt::*;\n      nlohmann::*;\n      std::*;\n${patterns}    };\n};\n")
  target_link_options(${target} PRIVATE -Wl,--version-script=${script})
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script})
endfunction()
