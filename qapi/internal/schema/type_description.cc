// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/schema/type_description.h"

#include <fmt/core.h>

#include <array>
#include <string>
#include <utility>

#include "qomio/qapi/internal/invariant.h"

namespace qomio {
namespace {

TypeDescription builtin(std::string_view name, std::string_view json_type) {
  TypeDescription d;
  d.name = name;
  d.json_type = json_type;
  return d;
}

TypeDescription type_of_elements(TypeDescription::Kind kind, std::string name,
                                 const TypeDescription& element) {
  TypeDescription d;
  d.kind = kind;
  d.name = std::move(name);
  d.element = &element;
  return d;
}

}  // namespace

const TypeDescription& builtin_type(std::string_view name) {
  static const std::array types{builtin("int", "int"),       builtin("str", "string"),
                                builtin("number", "number"), builtin("bool", "boolean"),
                                builtin("size", "int"),      builtin("any", "value"),
                                builtin("null", "null")};
  for (const auto& type : types) {
    if (type.name == name) return type;
  }
  broken_invariant("no such builtin type");
}

TypeDescription integer_type(bool is_signed, unsigned bits) {
  return builtin(fmt::format("{}int{}", is_signed ? "" : "u", bits), "int");
}

TypeDescription enum_type(std::string_view name, std::vector<std::string> values) {
  TypeDescription d;
  d.kind = TypeDescription::Kind::enumeration;
  d.name = name;
  d.values = std::move(values);
  return d;
}

TypeDescription list_type(const TypeDescription& element) {
  return type_of_elements(TypeDescription::Kind::list, fmt::format("[{}]", element.name), element);
}

TypeDescription map_type(const TypeDescription& element) {
  return type_of_elements(TypeDescription::Kind::map, fmt::format("map of {}", element.name), element);
}

TypeDescription struct_type(std::string_view name) {
  TypeDescription d;
  d.kind = TypeDescription::Kind::object;
  d.name = name;
  return d;
}

TypeDescription alternate_type(std::string_view name, std::vector<const TypeDescription*> alternatives) {
  TypeDescription d;
  d.kind = TypeDescription::Kind::alternate;
  d.name = name;
  d.alternatives = std::move(alternatives);
  return d;
}

const TypeDescription& empty_type() {
  static const TypeDescription type = struct_type("Empty");
  return type;
}

}  // namespace qomio
