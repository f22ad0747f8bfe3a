// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/parser.h"

#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"

namespace qomio {

std::optional<Result<Json>> JsonParser::next(std::string_view& input) {
  while (true) {
    const JsonToken token = lexer_.next(input, kMaxBytes - bytes_);
    if (token.kind == JsonTokenKind::None) return std::nullopt;
    if (auto result = take_token(token)) return result;
  }
}

std::optional<Result<Json>> JsonParser::take_token(const JsonToken& token) {
  if (token.kind == JsonTokenKind::Stray)
    return broken(json_stray_error(token.text, JsonLexer::kMostShownBytes));
  if (token.kind == JsonTokenKind::TooLong) return broken(Error("JSON token size limit exceeded"));
  builder_.add(token);
  bytes_ += token.text.size();
  if (token.kind == JsonTokenKind::StringPart) return std::nullopt;
  ++tokens_;
  if (builder_.open_braces() + builder_.open_brackets() > kMaxDepth) {
    return broken(Error("JSON nesting depth limit exceeded"));
  }
  if (tokens_ > kMaxTokens) return broken(Error("JSON token count limit exceeded"));
  if (!builder_.complete()) return std::nullopt;
  large_ = is_large();
  bytes_ = tokens_ = 0;
  return builder_.take();
}

Result<Json> JsonParser::broken(Error error) {
  lexer_.skip_broken_value(builder_.open_braces(), builder_.open_brackets());
  builder_.clear();
  large_ = false;
  bytes_ = tokens_ = 0;
  return std::unexpected(std::move(error));
}

std::optional<Result<Json>> JsonParser::finish() {
  if (const JsonToken token = lexer_.finish(); token.kind != JsonTokenKind::None) {
    if (auto result = take_token(token)) return result;
  }
  large_ = is_large();
  bytes_ = tokens_ = 0;
  if (builder_.started()) return builder_.take();
  return std::nullopt;
}

Result<Json> parse_json(std::string_view text) {
  JsonParser parser;
  auto value = parser.next(text);
  if (!value) value = parser.finish();
  if (!value) return error("Expecting a JSON value");
  if (!*value) return std::move(*value);
  if (parser.next(text) || parser.finish()) return error("Expecting at most one JSON value");
  return std::move(*value);
}

}  // namespace qomio
