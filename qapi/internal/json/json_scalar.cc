// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <glib.h>

#include <charconv>
#include <cmath>

#include "qomio/qapi/internal/json/builder.h"
#include "qomio/qapi/internal/json/string.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"

namespace qomio {

namespace {

// Errors show at most this much of a number.
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
  const std::string_view text = token.text.substr(1, token.text.size() - 2);
  if (token.verbatim) return std::string(text);
  return JsonStringDecoder().finish(text, false);
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
  // It is invisible, and most clients that send it do so unintentionally.
  if (text == kByteOrderMark) return Error("JSON parse error, stray byte order mark");
  // As in QEMU, shows nothing from a NUL on.
  text = utf8_prefix(text.substr(0, text.find('\0')), max_bytes);
  return Error(fmt::format("JSON parse error, stray '{}'", text));
}

}  // namespace qomio
