// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/standard_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "qomio/qapi/text.h"

namespace qomio::internal {
namespace {

struct SplitDuration {
  std::string_view number;
  TimeUnit unit;
};

// Splits `1.5s` into number and unit. Without a unit, the unit is `own`.
std::optional<SplitDuration> split(std::string_view text, const TimeUnit& own) {
  const auto digits = text.find_last_of("0123456789.");
  if (digits == std::string_view::npos) return std::nullopt;
  const std::string_view number = text.substr(0, digits + 1);
  const std::string_view name = text.substr(digits + 1);
  if (name.empty()) return SplitDuration{number, own};
  for (const TimeUnit& unit : kTimeUnits) {
    if (unit.name == name) return SplitDuration{number, unit};
  }
  return std::nullopt;
}

std::unexpected<Error> no_duration(std::string_view text, const TimeUnit& unit) {
  return error("expects {} such as 20 or 20{} (units: ns, us, ms, s, min, h, d), not '{}'", unit.type_name,
               unit.name, text);
}

struct Nanoseconds {
  std::int64_t value;
  bool is_whole;
  bool is_out_of_range;
};

// The nanoseconds of a decimal number of units; nullopt if the text is no such number.
std::optional<Nanoseconds> nanoseconds(std::string_view number, std::int64_t unit_ns) {
  const bool is_negative = number.starts_with('-');
  if (is_negative || number.starts_with('+')) number.remove_prefix(1);
  const auto point = number.find('.');
  const std::string_view whole = number.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? "" : number.substr(point + 1);
  const auto is_digits = [](std::string_view digits) {
    return digits.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (whole.empty() || !is_digits(whole) || !is_digits(fraction)) return std::nullopt;

  Nanoseconds ns{0, true, false};
  const auto add = [&](std::int64_t count, std::int64_t scale) {
    std::int64_t added = 0;
    // Counts down, since the range of negative integers is larger by one.
    if (__builtin_mul_overflow(count, -scale, &added) || __builtin_add_overflow(ns.value, added, &ns.value))
      ns.is_out_of_range = true;
  };
  std::int64_t count = 0;
  const auto [end, failed] = std::from_chars(whole.data(), whole.data() + whole.size(), count);
  if (failed != std::errc()) ns.is_out_of_range = true;
  add(count, unit_ns);
  std::int64_t scale = unit_ns;
  for (const char digit : fraction) {
    scale = scale % 10 == 0 ? scale / 10 : 0;
    if (digit != '0' && scale == 0) ns.is_whole = false;
    add(digit - '0', scale);
  }
  if (!is_negative && __builtin_sub_overflow(std::int64_t{0}, ns.value, &ns.value)) ns.is_out_of_range = true;
  return ns;
}

}  // namespace

Result<std::int64_t> integer_duration(std::string_view text, const TimeUnit& unit) {
  const auto split_text = split(text, unit);
  if (!split_text) return no_duration(text, unit);
  const auto& [number, given] = *split_text;
  // Counts of the duration's own unit, of which there may be more than fit into nanoseconds.
  if (given.ns == unit.ns) {
    std::int64_t count = 0;
    const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), count);
    if (failed == std::errc() && end == number.data() + number.size()) return count;
  }
  const auto ns = nanoseconds(number, given.ns);
  if (!ns) return no_duration(text, unit);
  if (ns->is_out_of_range) return duration_out_of_range(text, unit);
  if (!ns->is_whole || ns->value % unit.ns != 0)
    return error("expects a whole number of {}, not '{}'", unit.type_name, text);
  return ns->value / unit.ns;
}

Result<double> fractional_duration(std::string_view text, const TimeUnit& unit) {
  const auto split_text = split(text, unit);
  const auto number = split_text ? parse_number(split_text->number) : std::nullopt;
  if (!number) return no_duration(text, unit);
  if (split_text->unit.ns == unit.ns) return *number;
  return *number * (static_cast<double>(split_text->unit.ns) / static_cast<double>(unit.ns));
}

std::string duration_text(std::int64_t count, const TimeUnit& unit) {
  return fmt::format("{}{}", count, unit.name);
}

std::string duration_text(double count, const TimeUnit& unit) {
  return fmt::format("{}{}", count, unit.name);
}

std::unexpected<Error> duration_out_of_range(std::string_view text, const TimeUnit& unit) {
  return error("expects {} within the range of the type, not '{}'", unit.type_name, text);
}

double widened(float number) {
  std::array<char, 64> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), number);
  double wide = 0;
  const auto [end, failed] = std::from_chars(text.data(), written.ptr, wide);
  return failed == std::errc() && static_cast<float>(wide) == number ? wide : double{number};
}

Result<float> narrowed(double number) {
  // The shortest text of the largest float, which is a little more than that.
  constexpr double kLargest = 3.4028235e+38;
  constexpr double kMax = std::numeric_limits<float>::max();
  if (std::abs(number) > kLargest) return error("expects a number between -3.4028235e+38 and 3.4028235e+38");
  return static_cast<float>(std::clamp(number, -kMax, kMax));
}

Result<void> check_path(std::string_view path) {
  if (path.contains('\0')) return error("expects a path without NUL characters");
  return {};
}

std::unexpected<Error> wrong_size(std::size_t expected, std::size_t size) {
  return error("expects {} elements, not {}", expected, size);
}

}  // namespace qomio::internal
