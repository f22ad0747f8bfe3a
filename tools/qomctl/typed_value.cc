// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/typed_value.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"

namespace qomio::qomctl {

namespace {

constexpr std::array<std::string_view, 13> kIntegerTypes = {"int",   "integer", "int8",   "int16",  "int32",
                                                            "int64", "uint8",   "uint16", "uint32", "uint64",
                                                            "uint",  "size",    "long"};

bool is_integer_type(std::string_view type) {
  return std::ranges::find(kIntegerTypes, type) != kIntegerTypes.end();
}

std::optional<Json> integer(std::string_view type, std::string_view text) {
  if (type == "size") {
    if (const auto value = parse_size(text)) return Json(*value);
    return std::nullopt;
  }
  if (const auto value = parse_int64(text)) return Json(*value);
  // parse_uint64() would wrap a negative number around; the server can refuse the text instead.
  if (const auto value = parse_uint64(text); value && text.find('-') == std::string_view::npos) {
    return Json(*value);
  }
  if (const auto value = parse_size(text)) return Json(*value);
  return std::nullopt;
}

// Returns "uint16" for "[uint16]", "uint16List" and "list of uint16"; "" for a type that is not a list.
std::string_view element_type(std::string_view type) {
  constexpr std::string_view kList = "List";
  constexpr std::string_view kListOf = "list of ";
  if (type.starts_with(kListOf)) return type.substr(kListOf.size());
  if (type.starts_with('[') && type.ends_with(']')) return type.substr(1, type.size() - 2);
  return type.ends_with(kList) ? type.substr(0, type.size() - kList.size()) : std::string_view();
}

std::optional<Json> list_of_integers(const std::string& text) {
  const auto values = from_json<std::vector<std::int64_t>>(text, {}, Scalars::text);
  return values ? std::optional<Json>(*values) : std::nullopt;
}

Json list(std::string_view type, std::string_view text) {
  if (is_integer_type(type) && type != "size") {
    if (auto values = list_of_integers(std::string(text))) return *values;
  }
  Json values = Json::array();
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    values.push_back(typed_value(type, std::string(text.substr(0, comma))));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return values;
}

std::optional<Json> parsed(const std::string& text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

// Returns the text as a scalar of the type; nullopt if the text or the type is not a scalar.
std::optional<Json> scalar(std::string_view type, const std::string& text) {
  if (is_integer_type(type)) return integer(type, text);
  if (type == "bool" || type == "boolean") {
    if (const auto value = parse_bool(text)) return Json(*value);
  } else if (type == "number" || type == "double") {
    if (const auto value = parse_number(text)) return Json(*value);
  }
  return std::nullopt;
}

}  // namespace

Json typed_value(std::string_view type, const std::string& text) {
  if (type == "string" || type == "str") return text;
  if (text.starts_with('{') || text.starts_with('[')) {
    if (auto value = parsed(text)) return *value;
    return text;
  }
  if (const auto element = element_type(type); !element.empty()) return list(element, text);
  if (auto value = scalar(type, text)) return *value;
  if (is_integer_type(type)) {
    // Several numbers, as in "0,1": a list may have the name of its elements' type.
    if (auto values = list_of_integers(text); values && !values->empty()) return *values;
  }
  return text;
}

Json value_of_any_type(const std::string& text) {
  if (auto value = parsed(text)) return *value;
  return text;
}

}  // namespace qomio::qomctl
