// SPDX-License-Identifier: GPL-2.0-or-later
#include <glib.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "qomio/qapi/json_builder.h"
#include "qomio/qapi/utf8.h"

namespace qomio {

namespace {

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

// Reads the rest of an escape that begins with \u, and a second one if both make one character. `rest` starts
// behind the `u`; `quoted` is the same with the closing quote, for the error.
Result<void> append_unicode_escape(std::string& out, std::string_view& rest, std::string_view quoted) {
  int code = hex4(rest);
  std::size_t length = 4;
  if (is_high_surrogate(code) && rest.size() >= 10 && rest[4] == '\\' && rest[5] == 'u') {
    if (const int low = hex4(rest.substr(6)); is_low_surrogate(low)) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      length = 10;
    }
  }
  if (code < 0 || !is_unicode_character(static_cast<std::uint32_t>(code))) {
    return error("JSON parse error, \\u{} is not a valid Unicode character", utf8_prefix(quoted, 4));
  }
  utf8_append(out, static_cast<std::uint32_t>(code));
  rest.remove_prefix(length);
  return {};
}

// The character that a backslash and this one stand for; 0 for none.
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

// More of a number is not shown in errors.
constexpr std::size_t kMaxShownDigits = 40;

Result<Json> floating(const std::string& text, LargeNumbers large_numbers) {
  const double number = g_ascii_strtod(text.c_str(), nullptr);
  if (std::isfinite(number) || large_numbers == LargeNumbers::infinite) return number;
  const bool is_long = text.size() > kMaxShownDigits;
  return error("JSON parse error, number {}{} is too large", text.substr(0, kMaxShownDigits),
               is_long ? "..." : "");
}

Result<Json> integer(const std::string& text, LargeNumbers large_numbers) {
  const char* const end = text.data() + text.size();
  std::int64_t number = 0;
  if (std::from_chars(text.data(), end, number).ec == std::errc()) return number;
  std::uint64_t large = 0;
  if (std::from_chars(text.data(), end, large).ec == std::errc()) return large;
  return floating(text, large_numbers);
}

}  // namespace

Result<std::string> json_string(const JsonToken& token) {
  const std::string_view quoted = token.text.substr(1);
  std::string_view rest = quoted.substr(0, quoted.size() - 1);
  if (token.verbatim) return std::string(rest);

  std::string out;
  out.reserve(rest.size());
  while (!rest.empty()) {
    std::size_t plain = 0;
    while (plain < rest.size() && static_cast<unsigned char>(rest[plain]) < 0x80 && rest[plain] != '\\')
      ++plain;
    out += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    if (rest[0] != '\\') {
      const Utf8Character character = utf8_decode(rest);
      if (character.code < 0) return error("JSON parse error, invalid UTF-8 sequence in string");
      utf8_append(out, static_cast<std::uint32_t>(character.code));
      rest.remove_prefix(character.length);
    } else if (rest[1] == 'u') {
      rest.remove_prefix(2);
      const std::string_view with_quote(rest.data(), rest.size() + 1);
      if (auto r = append_unicode_escape(out, rest, with_quote); !r) return failure(r);
    } else {
      const char character = escaped(rest[1]);
      if (!character) return error("JSON parse error, invalid escape sequence in string");
      out += character;
      rest.remove_prefix(2);
    }
  }
  return out;
}

Result<Json> json_scalar(const JsonToken& token, LargeNumbers large_numbers) {
  switch (token.kind) {
    case JsonTokenKind::String: {
      auto text = json_string(token);
      if (!text) return failure(text);
      return Json(std::move(*text));
    }
    case JsonTokenKind::Integer:
      return integer(std::string(token.text), large_numbers);
    case JsonTokenKind::Double:
      return floating(std::string(token.text), large_numbers);
    default:
      break;
  }
  if (token.text == "true") return Json(true);
  if (token.text == "false") return Json(false);
  if (token.text == "null") return Json(nullptr);
  return error("JSON parse error, invalid keyword '{}'", token.text);
}

Error json_stray_error(std::string_view text, std::size_t max_bytes) {
  // It can't be seen, and most who send it don't know that they do.
  if (text == kByteOrderMark) return Error("JSON parse error, stray byte order mark");
  // As QEMU shows it: nothing from a NUL on.
  text = utf8_prefix(text.substr(0, text.find('\0')), max_bytes);
  return Error(fmt::format("JSON parse error, stray '{}'", text));
}

}  // namespace qomio
