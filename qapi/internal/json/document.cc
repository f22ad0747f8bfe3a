// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "qomio/qapi/internal/json/builder.h"
#include "qomio/qapi/internal/json/lexer.h"
#include "qomio/qapi/internal/json/parser.h"
#include "qomio/qapi/text.h"

namespace qomio {

std::string TextPlace::prefix() const { return fmt::format("{}:{}: ", line, column); }

TextPlace place_in(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = static_cast<std::size_t>(std::ranges::count(before, '\n'));
  const auto last_line = before.rfind('\n');
  return {lines + 1, last_line == std::string_view::npos ? offset + 1 : offset - last_line};
}

namespace {

// Errors show at most this much of a Stray token.
constexpr std::size_t kMaxShownBytes = 100;

std::unexpected<Error> at(std::string_view text, std::size_t offset, Error error) {
  error.prepend(place_in(text, offset).prefix());
  return std::unexpected(std::move(error));
}

// Counts lines while the text is read, so that each byte is examined once.
class PlaceCounter {
 public:
  explicit PlaceCounter(std::string_view text) : text_(text) {}
  TextPlace at(std::size_t offset) {
    const TextPlace step = place_in(text_.substr(counted_), offset - counted_);
    place_.column = step.line == 1 ? place_.column + step.column - 1 : step.column;
    place_.line += step.line - 1;
    counted_ = offset;
    return place_;
  }

 private:
  std::string_view text_;
  std::size_t counted_ = 0;
  TextPlace place_;
};

}  // namespace

Result<JsonDocument> parse_json_document(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return at(text, 0, Error("the text has the byte order mark of UTF-16, but UTF-8 is expected"));
  }
  JsonDocument document;
  JsonLexer lexer;
  JsonBuilder builder;
  PlaceCounter counter(text);
  std::string_view rest = text;
  bool is_finished = false;
  std::optional<std::size_t> string_begin;  // of a string that comes in parts
  for (std::size_t begin = 0; !is_finished;) {
    JsonToken token = lexer.next(rest, JsonParser::kMaxBytes);
    if (token.kind == JsonTokenKind::None) {
      is_finished = true;
      token = lexer.finish();
      if (token.kind == JsonTokenKind::None) break;
    }
    begin = text.size() - rest.size() - std::min(token.text.size(), text.size() - rest.size());
    begin = std::exchange(string_begin, std::nullopt).value_or(begin);
    if (token.kind == JsonTokenKind::StringPart) {
      string_begin = begin;
      builder.add(token);
      continue;
    }
    if (token.kind == JsonTokenKind::Stray) {
      return at(text, begin, json_stray_error(token.text, kMaxShownBytes));
    }
    if (token.kind == JsonTokenKind::TooLong) return at(text, begin, Error("JSON token size limit exceeded"));
    if (builder.complete()) return at(text, begin, Error("Expecting at most one JSON value"));
    if (builder.open_braces() == 1 && builder.open_brackets() == 1 &&
        token.kind == JsonTokenKind::BeginObject) {
      document.elements.push_back(counter.at(begin));
    }
    builder.add(token);
    if (builder.failed()) return at(text, begin, std::move(builder.take()).error());
    if (builder.open_braces() + builder.open_brackets() > JsonParser::kMaxDepth) {
      return at(text, begin, Error("JSON nesting depth limit exceeded"));
    }
  }
  if (!builder.started()) return at(text, text.size(), Error("Expecting a JSON value"));
  auto value = builder.take();
  if (!value) return at(text, text.size(), std::move(value).error());
  document.value = std::move(*value);
  return document;
}

}  // namespace qomio
