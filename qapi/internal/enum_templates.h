// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/member.h"
#include "qomio/qapi/visitor.h"

// Enums, which are described by enum_description.
namespace qomio {

namespace internal {

template <class T>
concept Enum = std::is_enum_v<T> && requires { enum_description<T>.values; };

// What errors call a value: its name, or "null" if it has none.
inline std::string_view or_null(std::string_view name) { return name.empty() ? "null" : name; }

// The index of the value with this name. Errors: `Parameter 'x' does not accept value 'y'`.
Result<std::size_t> enum_index(std::string_view name, std::string_view text,
                               std::span<const EnumValue> values);

template <class E>
Result<void> visit_enum(Visitor& visitor, std::string_view name, E& value) {
  std::string text;
  if (!visitor.is_input()) text = enum_name(value);
  if (auto r = visitor.type_str(name, text); !r || !visitor.is_input()) return r;
  auto index = enum_index(name, text, enum_description<E>.values);
  if (!index) return failure(index);
  value = enum_description<E>.enumerators[*index];
  return {};
}

TypeDescription describe_enum(std::string_view name, std::span<const EnumValue> values);

// --- Checks at compile time ---

// Returns true if the enum has an enumerator with this value. The compiler writes other values as a cast,
// `(Colour)7`.
template <auto value>
constexpr bool is_enumerator() {
  std::string_view text = __PRETTY_FUNCTION__;
  const auto is_number = [](char c) { return c == '-' || (c >= '0' && c <= '9'); };
  while (text.ends_with(']') || is_number(text.back())) text.remove_suffix(1);
  return !text.ends_with(')');
}

template <class E>
constexpr bool is_described(E value) {
  for (const E described : enum_description<E>.enumerators) {
    if (described == value) return true;
  }
  return false;
}

// Returns true if `value` is described or the enum has no such enumerator.
template <class E, E value>
constexpr bool is_complete_at() {
  if constexpr (is_described(value)) {
    return true;
  } else {
    return !is_enumerator<value>();
  }
}

// Returns true if the enumerators whose numbers are next to this one's are described.
template <class E, E value>
constexpr bool describes_neighbours() {
  using Number = std::underlying_type_t<E>;
  constexpr auto kNumber = static_cast<Number>(value);
  bool is_complete = true;
  if constexpr (kNumber != std::numeric_limits<Number>::max()) {
    is_complete = is_complete_at<E, static_cast<E>(kNumber + 1)>();
  }
  if constexpr (kNumber != std::numeric_limits<Number>::min()) {
    is_complete = is_complete && is_complete_at<E, static_cast<E>(kNumber - 1)>();
  }
  return is_complete;
}

// Returns false if an enumerator is not described, as far as that can be found: by its number, which is next
// to a described one's.
template <class E>
constexpr bool describes_all_values() {
  // Without a fixed underlying type, casting a number beyond the enumerators may not be a constant
  // expression.
  if constexpr (requires { E{0}; }) {
    return []<std::size_t... i>(std::index_sequence<i...>) {
      return (describes_neighbours<E, enum_description<E>.enumerators[i]>() && ...);
    }(std::make_index_sequence<enum_description<E>.enumerators.size()>());
  } else {
    return true;
  }
}

template <class E>
constexpr bool describes_values_once() {
  constexpr auto& description = enum_description<E>;
  for (std::size_t i = 0; i < description.values.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (description.enumerators[i] == description.enumerators[j]) return false;
      if (description.values[i].name == description.values[j].name) return false;
    }
  }
  return true;
}

}  // namespace internal

template <class E>
std::string_view enum_name(E value) {
  constexpr auto& description = enum_description<E>;
  for (std::size_t i = 0; i < description.values.size(); ++i) {
    if (description.enumerators[i] == value) return description.values[i].name;
  }
  broken_invariant("an enum has a value that its description does not name");
}

}  // namespace qomio
