// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/string.h"

#include <glib.h>

#include <bit>
#include <cstdint>
#include <new>
#include <utility>

#include "qomio/qapi/text.h"

namespace qomio {

namespace {

// The most bytes for one character: two escapes.
constexpr std::size_t kLongestCharacter = 12;

// Growing copies the string, so it grows to these sizes at once. Memory that is not written to yet costs only
// address space. The last size is the limit of a value.
constexpr std::size_t kGrowthBytes[] = {1 << 20, 4 << 20, 64 << 20};

// The value of four hexadecimal digits, or negative.
int hex4(std::string_view text) {
  if (text.size() < 4) return -1;
  int code = 0;
  for (const char digit : text.substr(0, 4)) {
    const int value = g_ascii_xdigit_value(digit);
    if (value < 0) return -1;
    code = code << 4 | value;
  }
  return code;
}

bool is_high_surrogate(int code) { return code >= 0xd800 && code <= 0xdbff; }
bool is_low_surrogate(int code) { return code >= 0xdc00 && code <= 0xdfff; }

// The character that a backslash and this one stand for; 0 if there is none.
char escaped(char character) {
  switch (character) {
    case '"':
    case '\'':
    case '\\':
    case '/':
      return character;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

}  // namespace

void JsonStringDecoder::add(std::string_view piece, bool verbatim) {
  if (error_) return;
  make_room(piece.size());
  if (verbatim) {
    text_ += piece;
    return;
  }
  // First completes the character or escape that was cut, with more bytes than it can need.
  while (!cut_.empty() && !piece.empty() && !error_) {
    const std::size_t had = cut_.size();
    const std::string_view added = piece.substr(0, kLongestCharacter);
    cut_ += added;
    const std::size_t used = decode(cut_, false);
    if (used >= had) {
      piece.remove_prefix(used - had);
      cut_.clear();
    } else {
      piece.remove_prefix(added.size());
    }
  }
  if (error_) return;
  piece.remove_prefix(decode(piece, false));
  cut_ += piece;
}

Result<std::string> JsonStringDecoder::finish(std::string_view piece, bool verbatim) {
  if (cut_.empty()) {
    if (!error_) make_room(piece.size());
    if (!error_ && verbatim) text_ += piece;
    if (!error_ && !verbatim) decode(piece, true);
  } else {
    // Completes the character or escape that was cut. The closing quote is appended to cut_, since decode()
    // may read the byte after its input.
    const char quote = piece.data()[piece.size()];
    add(piece, false);
    cut_ += quote;
    if (!error_) decode(std::string_view(cut_).substr(0, cut_.size() - 1), true);
  }
  cut_.clear();
  if (error_) return std::unexpected(*std::exchange(error_, std::nullopt));
  return std::exchange(text_, {});
}

// Appends the characters of the piece and returns the number of bytes used. Unless it is the last piece,
// leaves a character that may continue in the next one.
std::size_t JsonStringDecoder::decode(std::string_view piece, bool is_last) {
  std::string_view rest = piece;
  while (!rest.empty() && !error_) {
    std::size_t plain = 0;
    while (plain < rest.size() && static_cast<unsigned char>(rest[plain]) < 0x80 && rest[plain] != '\\')
      ++plain;
    text_ += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    std::size_t used = 0;
    if (rest[0] == '\\') {
      used = decode_escape(rest, is_last);
    } else if (is_last || rest.size() >= static_cast<std::size_t>(
                                             std::countl_one(static_cast<unsigned char>(rest[0])))) {
      const Utf8Character character = utf8_decode(rest);
      if (character.code < 0) {
        fail(Error("JSON parse error, invalid UTF-8 sequence in string"));
        break;
      }
      utf8_append(text_, static_cast<std::uint32_t>(character.code));
      used = character.length;
    }
    if (used == 0) break;
    rest.remove_prefix(used);
  }
  return piece.size() - rest.size();
}

// The same for an escape, or two escapes that make one character. Returns 0 if it may continue in the next
// piece, or after an error.
std::size_t JsonStringDecoder::decode_escape(std::string_view rest, bool is_last) {
  if (rest.size() < 2) return 0;
  if (rest[1] != 'u') {
    const char character = escaped(rest[1]);
    if (!character) {
      fail(Error("JSON parse error, invalid escape sequence in string"));
      return 0;
    }
    text_ += character;
    return 2;
  }
  std::size_t length = 6;
  if (!is_last && rest.size() < length) return 0;
  int code = hex4(rest.substr(2));
  if (is_high_surrogate(code)) {
    if (!is_last && rest.size() < kLongestCharacter) return 0;
    if (rest.size() >= kLongestCharacter && rest[6] == '\\' && rest[7] == 'u') {
      if (const int low = hex4(rest.substr(8)); is_low_surrogate(low)) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        length = kLongestCharacter;
      }
    }
  }
  if (code < 0 || !is_unicode_character(static_cast<std::uint32_t>(code))) {
    // Includes the closing quote if fewer than four bytes precede it.
    const std::string_view quoted(rest.data() + 2, rest.size() - 2 + (is_last ? 1 : 0));
    fail(error("JSON parse error, \\u{} is not a valid Unicode character", utf8_prefix(quoted, 4)).error());
    return 0;
  }
  utf8_append(text_, static_cast<std::uint32_t>(code));
  return length;
}

void JsonStringDecoder::make_room(std::size_t bytes) {
  const std::size_t needed = text_.size() + bytes;
  if (needed <= text_.capacity()) return;
  if (text_.empty() && needed < kGrowthBytes[0]) return text_.reserve(needed);
  for (const std::size_t step : kGrowthBytes) {
    if (needed > step) continue;
    try {
      return text_.reserve(step);
    } catch (const std::bad_alloc&) {
      return;  // there may be enough memory for what is really needed
    }
  }
}

void JsonStringDecoder::fail(Error error) { error_ = std::move(error); }

}  // namespace qomio
