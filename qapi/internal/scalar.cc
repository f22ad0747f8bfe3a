// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace qomio {
namespace {

std::string_view skip_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n\v\f\r");
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

struct Magnitude {
  bool negative;
  std::uint64_t value;
};

// [+-] 0x.. | 0.. | decimal, up to 2^64-1.
std::optional<Magnitude> parse_magnitude(std::string_view text) {
  text = skip_blanks(text);
  Magnitude result{false, 0};
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    result.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  const char* const first = text.data();
  const char* const end = first + text.size();
  const auto [stop, ec] = std::from_chars(first, end, result.value, base);
  if (ec != std::errc() || stop != end) return std::nullopt;
  return result;
}

constexpr std::uint64_t kInt64Min = std::uint64_t{1} << 63;

// The factor of a size suffix; 0 if it is not one.
std::uint64_t suffix_factor(char suffix) {
  constexpr std::string_view kSuffixes = "BKMGTPE";
  const auto upper = static_cast<char>(suffix & ~0x20);
  const auto at = kSuffixes.find(upper);
  return at == std::string_view::npos ? 0 : std::uint64_t{1} << (10 * at);
}

}  // namespace

std::optional<std::int64_t> parse_int64(std::string_view text) {
  const auto m = parse_magnitude(text);
  if (!m) return std::nullopt;
  if (m->negative ? m->value > kInt64Min : m->value >= kInt64Min) return std::nullopt;
  return static_cast<std::int64_t>(m->negative ? 0 - m->value : m->value);
}

std::optional<std::uint64_t> parse_uint64(std::string_view text) {
  const auto m = parse_magnitude(text);
  if (!m) return std::nullopt;
  return m->negative ? 0 - m->value : m->value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  text = skip_blanks(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  if (text.size() > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) return parse_uint64(text);
  const char* const first = text.data();
  const char* const end = first + text.size();
  std::uint64_t whole = 0;
  auto [at, ec] = std::from_chars(first, end, whole);
  if (ec != std::errc()) return std::nullopt;
  // The fraction as an integer over a power of ten. Digits after the 18th are ignored: they are worth less
  // than 1.2 bytes, and that only with the suffix E.
  std::uint64_t fraction = 0;
  std::uint64_t scale = 1;
  if (at != end && *at == '.') {
    for (++at; at != end && *at >= '0' && *at <= '9'; ++at) {
      if (scale < 1'000'000'000'000'000'000U) {
        fraction = fraction * 10 + static_cast<std::uint64_t>(*at - '0');
        scale *= 10;
      }
    }
  }
  std::uint64_t factor = 1;
  if (at != end) {
    factor = suffix_factor(*at);
    if (factor == 0 || at + 1 != end) return std::nullopt;
  }
  if (fraction != 0 && factor == 1) return std::nullopt;  // there are no fractions of a byte
  __extension__ using Wide = unsigned __int128;
  const Wide total = Wide{whole} * factor + Wide{fraction} * factor / scale;
  if (total > std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  return static_cast<std::uint64_t>(total);
}

std::optional<double> parse_number(std::string_view text) {
  text = skip_blanks(text);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const char* const first = text.data();
  const char* const end = first + text.size();
  const auto [stop, ec] = std::from_chars(first, end, value);
  if (ec != std::errc() || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<bool> parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 4> kTrue{"on", "yes", "true", "y"};
  constexpr std::array<std::string_view, 4> kFalse{"off", "no", "false", "n"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return std::nullopt;
}

}  // namespace qomio
