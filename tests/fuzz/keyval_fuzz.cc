// SPDX-License-Identifier: GPL-2.0-or-later
// Parses KEY=VALUE text. The result must be an error, or values that a visitor can read completely and that
// are parsed again from the text they are written as.
#include <string>

#include "../qapi/every_kind.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/keyval.h"
#include "qomio/tests/fuzz/fuzz.h"

namespace qomio::fuzz {
namespace {

void write(std::string& out, const Json& value, const std::string& key) {
  if (value.is_object() || value.is_array()) {
    std::size_t index = 0;
    for (const auto& [name, part] : value.items()) {
      const std::string last = value.is_array() ? std::to_string(index++) : name;
      write(out, part, key.empty() ? last : key + "." + last);
    }
    return;
  }
  if (!out.empty()) out += ',';
  out += key + "=";
  for (const char c : value.get<std::string>()) out += c == ',' ? ",," : std::string(1, c);
}

// Visits the value and all its parts.
void visit_all(InputVisitor& visitor, std::string_view name, const Json& value) {
  if (value.is_object()) {
    require(visitor.start_struct(name).has_value(), "an object is a struct");
    for (const auto& [member, part] : value.items()) {
      require(visitor.optional(member, false), "a member is there");
      visit_all(visitor, member, part);
    }
    require(visitor.end_struct().has_value(), "nothing is left");
  } else if (value.is_array()) {
    require(visitor.start_list(name).has_value(), "an array is a list");
    for (const Json& part : value) {
      require(visitor.next_element(), "an element is there");
      visit_all(visitor, {}, part);
    }
    require(!visitor.next_element(), "no element is left");
    require(visitor.end_list().has_value(), "a list ends");
  } else {
    std::string text;
    require(visitor.type_str(name, text).has_value(), "all else is text");
    require(Json(text) == value, "which is what was typed");
  }
}

void check(std::string_view text, std::string_view implied_key) {
  const auto read = parse_keyval(text, implied_key);
  if (!read) return require_text(read.error());
  InputVisitor visitor(read->values, Scalars::text);
  visit_all(visitor, {}, read->values);

  std::string written;
  write(written, read->values, "");
  const auto again = parse_keyval(written);
  require(again.has_value(), "values can be written");
  require(again->values == read->values, "and are read as the same");

  const auto value = from_json<sample::EveryKind>(read->values, "", Scalars::text);
  if (!value) return require_text(value.error());
  const auto copy = from_json<sample::EveryKind>(to_json(*value));
  require(copy && equal(*copy, *value), "what was typed is the same in JSON");
}

}  // namespace
}  // namespace qomio::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = qomio::fuzz::as_text(data, size);
  qomio::fuzz::check(text, "");
  qomio::fuzz::check(text, "qom-type");
  return 0;
}
