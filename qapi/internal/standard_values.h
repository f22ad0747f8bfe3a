// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/qapi/error.h"
#include "qomio/qapi/value_traits.h"

// The types of the standard library that qapi/value_traits.h lists. Durations and paths are recognised by
// their members, since <chrono> and <filesystem> take long to compile.
namespace qomio {

namespace internal {

template <class T>
concept Duration = requires(const T& duration) {
  typename T::rep;
  typename T::period;
  { duration.count() } -> std::same_as<typename T::rep>;
};

template <class T>
concept FilePath = requires(const T& path) {
  { path.native() } -> std::same_as<const std::string&>;
  path.lexically_normal();
};

// A unit of time. `ns` is 0 for no unit.
struct TimeUnit {
  std::string_view name;       // "ms"
  std::string_view type_name;  // "milliseconds"
  std::int64_t ns;
};

inline constexpr std::array<TimeUnit, 7> kTimeUnits{{{"ns", "nanoseconds", 1},
                                                     {"us", "microseconds", 1'000},
                                                     {"ms", "milliseconds", 1'000'000},
                                                     {"s", "seconds", 1'000'000'000},
                                                     {"min", "minutes", 60'000'000'000},
                                                     {"h", "hours", 3'600'000'000'000},
                                                     {"d", "days", 86'400'000'000'000}}};

// The unit of num / den seconds.
constexpr TimeUnit time_unit(std::int64_t num, std::int64_t den) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  for (const TimeUnit& unit : kTimeUnits) {
    if (den <= kSecond && kSecond % den == 0 && num <= 86'400 && unit.ns == kSecond / den * num) return unit;
  }
  return {};
}

template <Duration T>
inline constexpr TimeUnit unit_of = time_unit(T::period::num, T::period::den);

// Reads `1.5s` as a number of units. Errors as those of ValueTraits::from_text().
Result<std::int64_t> integer_duration(std::string_view text, const TimeUnit& unit);
Result<double> fractional_duration(std::string_view text, const TimeUnit& unit);
std::string duration_text(std::int64_t count, const TimeUnit& unit);
std::string duration_text(double count, const TimeUnit& unit);
std::unexpected<Error> duration_out_of_range(std::string_view text, const TimeUnit& unit);

// The double whose shortest text is that of the float: 0.1 for 0.1f.
double widened(float number);
Result<float> narrowed(double number);

Result<void> check_path(std::string_view path);
std::unexpected<Error> wrong_size(std::size_t expected, std::size_t size);

}  // namespace internal

template <internal::Duration T>
  requires(internal::unit_of<T>.ns != 0)
struct ValueTraits<T> {
  using Wire = typename T::rep;
  static constexpr std::string_view type_name = internal::unit_of<T>.type_name;
  static Wire to_wire(const T& duration) { return duration.count(); }
  static Result<T> from_wire(Wire count) { return T(count); }

  static std::string to_text(const T& duration) {
    return internal::duration_text(static_cast<Count>(duration.count()), internal::unit_of<T>);
  }
  static Result<T> from_text(const std::string& text) {
    if constexpr (std::floating_point<Wire>) {
      auto count = internal::fractional_duration(text, internal::unit_of<T>);
      if (!count) return failure(count);
      return T(static_cast<Wire>(*count));
    } else {
      auto count = internal::integer_duration(text, internal::unit_of<T>);
      if (!count) return failure(count);
      if (!std::in_range<Wire>(*count)) return internal::duration_out_of_range(text, internal::unit_of<T>);
      return T(static_cast<Wire>(*count));
    }
  }

 private:
  using Count = std::conditional_t<std::floating_point<Wire>, double, std::int64_t>;
};

template <internal::FilePath T>
struct ValueTraits<T> {
  using Wire = std::string;
  static std::string to_wire(const T& path) { return path.native(); }
  static Result<T> from_wire(std::string path) {
    if (auto r = internal::check_path(path); !r) return failure(r);
    return T(std::move(path));
  }
};

template <>
struct ValueTraits<float> {
  using Wire = double;
  static double to_wire(float number) { return internal::widened(number); }
  static Result<float> from_wire(double number) { return internal::narrowed(number); }
};

template <class T, std::size_t N>
struct ValueTraits<std::array<T, N>> {
  using Wire = std::vector<T>;
  static Wire to_wire(const std::array<T, N>& elements) { return Wire(elements.begin(), elements.end()); }
  static Result<std::array<T, N>> from_wire(Wire elements) {
    if (elements.size() != N) return internal::wrong_size(N, elements.size());
    std::array<T, N> read{};
    for (std::size_t i = 0; i < N; ++i) read[i] = std::move(elements[i]);
    return read;
  }
};

}  // namespace qomio
