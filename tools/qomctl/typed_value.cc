// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/typed_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

namespace qomio::qomctl {

namespace {

constexpr std::array<std::string_view, 13> kIntegerTypes = {"int",   "integer", "int8",   "int16",  "int32",
                                                            "int64", "uint8",   "uint16", "uint32", "uint64",
                                                            "uint",  "size",    "long"};
constexpr std::array<std::string_view, 4> kTrueWords = {"on", "yes", "true", "y"};
constexpr std::array<std::string_view, 4> kFalseWords = {"off", "no", "false", "n"};

template <class Words>
bool is_one_of(std::string_view word, const Words& words) {
  return std::ranges::find(words, word) != words.end();
}

std::optional<Json> integer(std::string_view text, bool with_suffix) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int shift = 0;
  constexpr std::string_view kSuffixes = "kMGT";
  if (with_suffix && text.size() > 1) {
    const char last = text.back() == 'K' ? 'k' : text.back();
    if (const auto position = kSuffixes.find(last); position != std::string_view::npos) {
      shift = 10 * (static_cast<int>(position) + 1);
      text.remove_suffix(1);
    }
  }
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint64_t magnitude = 0;
  const char* const end = std::to_address(text.end());
  const auto [rest, result] = std::from_chars(std::to_address(text.begin()), end, magnitude, base);
  if (result != std::errc() || rest != end) return std::nullopt;
  if (magnitude > (UINT64_MAX >> shift)) return std::nullopt;
  magnitude <<= shift;
  if (!negative) return Json(magnitude);
  constexpr std::uint64_t kLowest = std::uint64_t{1} << 63;
  if (magnitude > kLowest) return std::nullopt;
  return Json(static_cast<std::int64_t>(0 - magnitude));
}

// "uint16" of "[uint16]" and of "uint16List"; "" for what is no list.
std::string_view element_type(std::string_view type) {
  constexpr std::string_view kList = "List";
  if (type.starts_with('[') && type.ends_with(']')) return type.substr(1, type.size() - 2);
  return type.ends_with(kList) ? type.substr(0, type.size() - kList.size()) : std::string_view();
}

Json list(std::string_view type, std::string_view text) {
  Json values = Json::array();
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    values.push_back(typed_value(type, std::string(text.substr(0, comma))));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return values;
}

std::optional<Json> parsed(const std::string& text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

}  // namespace

Json typed_value(std::string_view type, const std::string& text) {
  if (is_one_of(type, kIntegerTypes)) {
    if (auto value = integer(text, type == "size")) return *value;
  } else if (type == "bool" || type == "boolean") {
    if (is_one_of(text, kTrueWords)) return true;
    if (is_one_of(text, kFalseWords)) return false;
  } else if (type == "number" || type == "double") {
    if (auto value = parsed(text); value && value->is_number()) return *value;
  } else if (type != "string" && type != "str" && (text.starts_with('{') || text.starts_with('['))) {
    if (auto value = parsed(text)) return *value;
  } else if (const auto element = element_type(type); !element.empty()) {
    return list(element, text);
  }
  return text;
}

Json guessed_value(const std::string& text) {
  if (auto value = parsed(text)) return *value;
  return text;
}

}  // namespace qomio::qomctl
