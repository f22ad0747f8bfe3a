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
  String,      // with its quotes; after parts, the rest up to and with the closing one
  StringPart,  // of a long string that is not over yet; the first begins with the quote
  Integer,     // -?(0|[1-9][0-9]*)
  Double,      // the same with a fraction or an exponent
  Word,        // [a-z]+
  Stray,       // bytes that begin no token, up to and with the character that is wrong
  TooLong,     // the token exceeds what was allowed; its bytes are gone
};

struct JsonToken {
  JsonTokenKind kind = JsonTokenKind::None;
  std::string_view text;  // valid until the next call of the lexer
  bool verbatim =
      false;  // of a string: neither escapes nor bytes above 0x7f so far, so the text is the value
};

// Cuts a stream of bytes into tokens. The input comes in pieces of any size; a token that lies in one piece
// is not copied, and no byte is looked at twice. Of a string that has become long what has come is given out
// at the end of each piece, so that the lexer never holds much.
class JsonLexer {
 public:
  static constexpr std::size_t kMostKeptBytes = 64 << 10;   // of a token, more of a string comes in parts
  static constexpr std::size_t kMostShownBytes = 32 << 10;  // of a Stray that follows parts

  // Takes bytes off the front of the input, up to the end of one token, or of a part. A token that takes more
  // than max_bytes, without the parts that were given out, is TooLong; so is a number or word of more than
  // kMostKeptBytes.
  JsonToken next(std::string_view& input, std::size_t max_bytes);

  // The input has ended: the number or word at its end, the string that was not closed (Stray), or None.
  JsonToken finish();

  // After a token that made an error, with so many brackets open: leaves out what belongs to the broken
  // value. That is up to where its brackets balance, or the end of the line; outside of brackets, up to the
  // next bracket, comma, colon or line. A byte fe or ff ends it always.
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
    Character,  // above U+007F, where none may stand: an error that shows all of it
    Recover,
    Discard,
    DiscardString,
    DiscardEscape
  };

  JsonToken start(std::string_view& input);
  JsonToken emit(JsonTokenKind kind, std::string_view& input, std::size_t end);
  JsonToken emit_part(std::string_view& input);
  // Each of these looks at the bytes from `at` on and returns where the token ends, or npos for "in a later
  // piece".
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
  char quote_ = 0;  // of the string that is being read or left out
  bool verbatim_ = true;
  bool in_string_ = false;  // the last error broke a string
  int wrong_byte_ = -1;     // the last byte of the last Stray, or -1
  int bytes_to_come_ = 0;   // of the character that is being read
  int braces_ = 0;          // of the value that is being left out
  int brackets_ = 0;
  std::string partial_;  // the token's bytes from earlier pieces
  bool in_parts_ = false;
  std::string head_;  // how the string that is given out in parts begins
  std::string held_;  // keeps partial_ alive while the caller looks at the token
};

}  // namespace qomio
