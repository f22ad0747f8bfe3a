// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace qomio {

enum class JsonTokenKind {
  None,  // the input is used up
  BeginObject,
  EndObject,
  BeginArray,
  EndArray,
  Comma,
  Colon,
  String,      // with its quotes; after parts, the rest including the closing quote
  StringPart,  // part of a long string that has not ended yet; the first begins with the quote
  Integer,     // -?(0|[1-9][0-9]*)
  Double,      // the same with a fraction or an exponent
  Word,        // [a-z]+
  Stray,       // bytes that are not a token, up to and including the wrong character
  TooLong,     // the token exceeds the limit; its bytes are lost
};

struct JsonToken {
  JsonTokenKind kind = JsonTokenKind::None;
  std::string_view text;  // valid until the next call of the lexer
  // String: has no escapes and no bytes above 0x7f so far, so the text is the value.
  bool verbatim = false;
};

// Splits a stream of bytes into tokens. The input comes in pieces of any size; a token that lies in one piece
// is not copied, and no byte is examined twice. A string that has become long is returned in parts, one at
// the end of each piece, so that the lexer never holds much.
class JsonLexer {
 public:
  static constexpr std::size_t kMostKeptBytes = 64 << 10;  // of a token; a longer string is returned in parts
  static constexpr std::size_t kMostShownBytes = 32 << 10;  // of a Stray that follows parts

  // Removes bytes from the front of the input, up to the end of one token or part, and returns it. A token of
  // more than max_bytes, without the parts already returned, is TooLong; so is a number or word of more than
  // kMostKeptBytes.
  JsonToken next(std::string_view& input, std::size_t max_bytes);

  // Ends the input. Returns the number or word at its end, the string that was not closed (Stray), or None.
  JsonToken finish();

  // Skips the rest of a broken value after a token that caused an error with this many braces and brackets
  // open. The value ends where its brackets balance or at the end of the line; outside of brackets, before
  // the next bracket, comma or colon or at the end of the line. A byte fe or ff always ends it.
  void skip_broken_value(int open_braces, int open_brackets);

 private:
  enum class State : std::uint8_t {
    Start,
    String,
    Escape,
    Minus,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    Word,
    Character,  // above U+007F, outside of a string: an error that shows the whole character
    Recover,
    Discard,
    DiscardString,
    DiscardEscape
  };

  JsonToken start(std::string_view& input);
  JsonToken emit(JsonTokenKind kind, std::string_view& input, std::size_t end);
  JsonToken emit_part(std::string_view& input);
  // Each of these examines the bytes from `at` on and returns where the token ends, or npos if it ends in a
  // later piece.
  std::size_t scan_string(std::string_view input, std::size_t at, JsonTokenKind& kind);
  std::size_t scan_number(std::string_view input, std::size_t at, JsonTokenKind& kind);
  std::size_t scan_character(std::string_view input, std::size_t at, JsonTokenKind& kind);
  bool step_number(unsigned char byte, JsonTokenKind& kind);
  bool become(State state) {
    state_ = state;
    return true;
  }
  JsonTokenKind number_kind() const;
  bool recover(std::string_view& input);
  bool discard(std::string_view& input);

  State state_ = State::Start;
  char quote_ = 0;  // of the string that is being read or skipped
  bool verbatim_ = true;
  bool in_string_ = false;  // the last error was in a string
  int wrong_byte_ = -1;     // the last byte of the last Stray, or -1
  int bytes_to_come_ = 0;   // of the character that is being read
  int braces_ = 0;          // of the value that is being skipped
  int brackets_ = 0;
  std::string partial_;  // the token's bytes from earlier pieces
  bool in_parts_ = false;
  std::string head_;  // the beginning of the string that is returned in parts
  std::string held_;  // keeps partial_ alive while the caller uses the token
};

}  // namespace qomio
