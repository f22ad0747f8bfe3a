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
//     while (auto value = parser.next(input)) { ... }   // the input is used up now; get more and continue
//
// - Strings may have 'single quotes' instead of double ones. Values need no separator; blanks are ignored.
// - int64, uint64 and double remain distinct; a whole number outside of both integer types becomes a double.
//   A number too large for a double is an error, unless it may become infinite.
// - A key may appear once in an object.
// - A value ends where its braces and brackets balance, each counted separately, and gives one result: itself
//   or its first error. The end of a number or word is known only at the next byte. Bytes that are not a
//   token are an error at once; the rest of the broken value is then skipped, up to its end or the end of the
//   line.
// - A byte fe or ff is always an error and starts a new value.
// - Limits: kMaxBytes, kMaxDepth, kMaxTokens, and those of JsonBuilder and JsonLexer for the name of a
//   member, a number and a word. On an error, the memory of the value is freed at once or by the disposal;
//   see dispose_into().
//
// All errors are GenericError.
class JsonParser {
 public:
  static constexpr std::size_t kMaxBytes = 64 << 20;  // of all tokens of a value
  static constexpr int kMaxDepth = 1024;
  static constexpr std::size_t kMaxTokens = 2 << 20;
  // Freeing a value that exceeds one of these takes a while.
  static constexpr std::size_t kLargeBytes = 1 << 20;
  static constexpr std::size_t kLargeTokens = 16 << 10;

  // The disposal frees large values that do not become a result, also those left in the parser when it is
  // destroyed. It must outlive the parser.
  void dispose_into(JsonDisposal& disposal) { builder_.dispose_into(disposal); }

  explicit JsonParser(LargeNumbers large_numbers = LargeNumbers::refused) : builder_(large_numbers) {}

  // Removes bytes from the front of the input up to the end of a value, and returns the value or its error.
  // Returns nullopt if the input is used up; the parser has stored what it needs of it.
  std::optional<Result<Json>> next(std::string_view& input);

  // Ends the stream. Returns the value that the end completes, or an error if the value is incomplete, or
  // nullopt if there is none.
  std::optional<Result<Json>> finish();

  // Returns true if the last value returned was a large one.
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
