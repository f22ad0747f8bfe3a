// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "qomio/qapi/internal/json/builder.h"
#include "qomio/qapi/internal/json/lexer.h"
#include "qomio/qapi/json.h"

namespace qomio {

// Reads a stream of values in QMP's dialect of JSON, piece by piece, the way QEMU does:
//
//     JsonParser parser;
//     while (auto value = parser.next(input)) { ... }   // input is used up now; fetch more and go on
//
// - 'single quotes' are as good as double ones; values need nothing between them; blanks are free.
// - int64, uint64 and double stay apart; a whole number outside of both is a double. One that is too large
// for
//   a double is an error, unless it may become infinite.
// - A key may appear once in an object.
// - A value ends where its braces and brackets balance, each counted by itself, and gives one result: itself
//   or its first error. A number or word ends at the next byte. Bytes that begin nothing are an error at
//   once; then what is left of the broken value is passed over, to its end or the end of the line.
// - A byte fe or ff always gives an error and starts anew.
// - Limits: kMaxBytes, kMaxDepth, kMaxTokens, and those of JsonBuilder and JsonLexer for the name of a
// member, a
//   number and a word. An error frees the memory of its value at once, or has it freed; see dispose_into().
//
// All errors are GenericError.
class JsonParser {
 public:
  static constexpr std::size_t kMaxBytes = 64 << 20;  // of all tokens of a value
  static constexpr int kMaxDepth = 1024;
  static constexpr std::size_t kMaxTokens = 2 << 20;
  // A value of more takes a while to be freed.
  static constexpr std::size_t kLargeBytes = 1 << 20;
  static constexpr std::size_t kLargeTokens = 16 << 10;

  // Large values that make no result are freed there, also at the parser's end, before which it must not end.
  void dispose_into(JsonDisposal& disposal) { builder_.dispose_into(disposal); }

  explicit JsonParser(LargeNumbers large_numbers = LargeNumbers::refused) : builder_(large_numbers) {}

  // Takes bytes off the front of the input up to the end of a value. Nothing: the input is used up, the
  // parser has kept what it needs of it.
  std::optional<Result<Json>> next(std::string_view& input);

  // The stream has ended: the value that its end makes complete, or the error that it is not.
  std::optional<Result<Json>> finish();

  // Was the last value that came out a large one?
  bool value_was_large() const { return large_; }

 private:
  std::optional<Result<Json>> take_token(const JsonToken& token);
  Result<Json> broken(Error error);
  bool is_large() const { return bytes_ > kLargeBytes || tokens_ > kLargeTokens; }

  JsonLexer lexer_;
  JsonBuilder builder_;
  std::size_t bytes_ = 0;
  std::size_t tokens_ = 0;
  bool large_ = false;
};

}  // namespace qomio
