// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>
#include <string>
#include <type_traits>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/internal/enum_templates.h"
#include "qomio/qapi/internal/standard_values.h"
#include "qomio/qapi/internal/value_templates.h"

// Says in one sentence why a type cannot cross the control boundary. tests/misuse has an example of each.
namespace qomio::internal {

template <class T>
constexpr bool has_to_wire() {
  if constexpr (HasWire<T>) {
    return requires(const T& value) {
      { ValueTraits<T>::to_wire(value) } -> std::convertible_to<typename ValueTraits<T>::Wire>;
    };
  }
  return true;
}
template <class T>
constexpr bool has_from_wire() {
  if constexpr (HasWire<T>) {
    return requires(typename ValueTraits<T>::Wire wire) {
      { ValueTraits<T>::from_wire(std::move(wire)) } -> std::same_as<Result<T>>;
    };
  }
  return true;
}
template <class T>
constexpr bool is_own_wire() {
  if constexpr (HasWire<T>) return std::same_as<T, typename ValueTraits<T>::Wire>;
  return false;
}
template <class T>
constexpr bool may_have_name() {
  if constexpr (HasWire<T>) {
    using Wire = typename ValueTraits<T>::Wire;
    return std::is_arithmetic_v<Wire> || std::same_as<Wire, Size> || std::same_as<Wire, std::string>;
  }
  return true;
}

template <class T>
constexpr bool describes_enum_once() {
  if constexpr (Enum<T>) return describes_values_once<T>();
  return true;
}
template <class T>
constexpr bool describes_whole_enum() {
  if constexpr (Enum<T>) return describes_all_values<T>();
  return true;
}

template <class T>
constexpr bool is_map_of_other_keys() {
  if constexpr (!HasTraits<T> && Map<T>) return !std::same_as<typename T::key_type, std::string>;
  return false;
}
template <class T>
inline constexpr bool is_optional_of_optional = false;
template <class T>
inline constexpr bool is_optional_of_optional<std::optional<T>> =
    is_optional<T> || std::same_as<T, std::nullptr_t>;

template <class T>
concept Value = HasTraits<T> || std::is_arithmetic_v<T> || Enum<T> || Struct<T> || Map<T> ||
                std::same_as<T, std::string> || std::same_as<T, Size> || std::same_as<T, std::nullptr_t> ||
                is_vector<T> || is_optional<T> || is_variant<T>;

// Json is complete in few files only, so nothing is asked of it.
template <class T>
struct CheckValue {
  static_assert(!HasTraits<T> || HasWire<T>,
                "ValueTraits<T> needs `using Wire = ...;`, the type that crosses the control boundary");
  static_assert(has_to_wire<T>(), "ValueTraits<T> needs `static Wire to_wire(const T&)`");
  static_assert(has_from_wire<T>(), "ValueTraits<T> needs `static Result<T> from_wire(Wire)`");
  static_assert(!is_own_wire<T>(), "the Wire of ValueTraits<T> is a type other than T");
  static_assert(HasToText<T> == HasFromText<T>,
                "ValueTraits<T> has both `static std::string to_text(const T&)` and "
                "`static Result<T> from_text(const std::string&)`, or neither");
  static_assert(!HasTypeName<T> || may_have_name<T>(),
                "ValueTraits<T> has a type_name only if its Wire is a number, a flag or text");
  static_assert(!HasTraits<T> || std::default_initializable<T>,
                "a type with ValueTraits has a default constructor");

  static_assert(HasTraits<T> || !std::is_enum_v<T> || Enum<T>,
                "describe this enum: specialise enum_description, as the top of qapi/describe.h shows");
  static_assert(describes_enum_once<T>(), "an EnumDescription has each value and each name once");
  static_assert(describes_whole_enum<T>(), "an EnumDescription has all values of the enum");

  static_assert(!is_map_of_other_keys<T>(), "the keys of a map are std::string");
  static_assert(!is_optional_of_optional<T>, "an optional does not hold another optional or null");
  static_assert(HasTraits<T> || !Duration<T>,
                "a duration counts ns, us, ms, s, min, h or days; for others specialise ValueTraits");
  static_assert(Value<T> || std::is_enum_v<T> || Duration<T>,
                "describe this type: give it type_name and members, as the top of qapi/describe.h shows, or "
                "specialise ValueTraits, see qapi/value_traits.h");
  static constexpr bool done = true;
};
template <>
struct CheckValue<Json> {
  static constexpr bool done = true;
};

}  // namespace qomio::internal
