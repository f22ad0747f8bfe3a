// SPDX-License-Identifier: GPL-2.0-or-later
// Parses a JSON text. A value that is read and written must be read again as the same value, by both parsers
// and as a described struct.
#include <algorithm>
#include <string>

#include "../qapi/every_kind.h"
#include "qomio/qapi/internal/json/document.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"
#include "qomio/tests/fuzz/fuzz.h"

namespace qomio::fuzz {
namespace {

void read_again(const Json& value, const std::string& text) {
  const auto again = parse_json(text);
  require(again.has_value(), "what was written can be read");
  require(*again == value, "what was written is read as the same value");
}

void read_as_struct(const Json& value, Scalars scalars) {
  const auto read = from_json<sample::EveryKind>(value, "", scalars);
  if (!read) return require_text(read.error());
  const Json written = to_json(*read);
  const auto again = from_json<sample::EveryKind>(written);
  require(again.has_value(), "a written struct can be read");
  require(equal(*read, *again), "a written struct is read as the same");
  require(to_json(*again) == written, "and written as the same");
}

}  // namespace
}  // namespace qomio::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qomio;
  using namespace qomio::fuzz;
  const std::string_view text = as_text(data, size);
  // A file may begin with a byte order mark; a request may not.
  const bool has_mark = text.starts_with(kByteOrderMark);
  const auto value = parse_json(has_mark ? text.substr(kByteOrderMark.size()) : text);
  const auto document = parse_json_document(text);
  require(value.has_value() == document.has_value(), "both readers agree on what JSON is");
  if (!value) {
    require_text(value.error());
    require_text(document.error());
    return 0;
  }
  require(*value == document->value, "both readers read the same");
  const std::string written = json_text(*value);
  require(std::ranges::all_of(written, [](char c) { return c >= 0x20 && c < 0x7f; }),
          "QMP is one line of ASCII");
  read_again(*value, written);
  read_again(*value, json_pretty_text(*value));
  read_as_struct(*value, Scalars::typed);
  read_as_struct(*value, Scalars::text);
  return 0;
}
