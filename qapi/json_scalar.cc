// SPDX-License-Identifier: GPL-2.0-or-later
#include <glib.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "qomio/qapi/json_builder.h"
#include "qomio/qapi/json_string.h"

namespace qomio {

namespace {

Json integer(const std::string& text) {
  const char* const end = text.data() + text.size();
  std::int64_t number = 0;
  if (std::from_chars(text.data(), end, number).ec == std::errc()) return number;
  std::uint64_t large = 0;
  if (std::from_chars(text.data(), end, large).ec == std::errc()) return large;
  return g_ascii_strtod(text.c_str(), nullptr);
}

}  // namespace

Result<std::string> json_string(const JsonToken& token) {
  const std::string_view text = token.text.substr(1, token.text.size() - 2);
  if (token.verbatim) return std::string(text);
  return JsonStringDecoder().finish(text, false);
}

Result<Json> json_scalar(const JsonToken& token) {
  switch (token.kind) {
    case JsonTokenKind::String: {
      auto text = json_string(token);
      if (!text) return failure(text);
      return Json(std::move(*text));
    }
    case JsonTokenKind::Integer:
      return integer(std::string(token.text));
    case JsonTokenKind::Double:
      return Json(g_ascii_strtod(std::string(token.text).c_str(), nullptr));
    default:
      break;
  }
  if (token.text == "true") return Json(true);
  if (token.text == "false") return Json(false);
  if (token.text == "null") return Json(nullptr);
  return error("JSON parse error, invalid keyword '{}'", token.text);
}

}  // namespace qomio
