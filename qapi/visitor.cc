// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/visitor.h"

#include <nlohmann/json.hpp>

namespace qomio {
JsonKind json_kind(const Json& value) {
  switch (value.type()) {
    case Json::value_t::boolean:
      return JsonKind::boolean;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return JsonKind::integer;
    case Json::value_t::number_float:
      return JsonKind::number;
    case Json::value_t::string:
      return JsonKind::string;
    case Json::value_t::array:
      return JsonKind::array;
    case Json::value_t::object:
      return JsonKind::object;
    default:
      return JsonKind::null;
  }
}

Result<void> Visitor::type_null(std::string_view name) {
  Json value;
  if (auto r = type_any(name, value); !r) return r;
  if (!value.is_null()) return wrong_kind(name, "null");
  return {};
}

Result<JsonKind> Visitor::next_kind(std::string_view name) {
  Json value;
  if (auto r = type_any(name, value); !r) return failure(r);
  return json_kind(value);
}

bool Visitor::is_text(std::string_view /*name*/) { return false; }

std::string Visitor::full_name(std::string_view name) const { return std::string(name); }

std::unexpected<Error> Visitor::wrong_kind(std::string_view name, std::string_view expected) const {
  return error("Invalid parameter type for '{}', expected: {}", full_name(name), expected);
}

bool Visitor::next_member(std::string& /*name*/) { return false; }

}  // namespace qomio
